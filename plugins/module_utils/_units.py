# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd's units, and containers in their place: what they run, since when, and the verbs that change them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import ctypes
import errno
import io
import os
import re
import shlex
import time

from ansible_collections.stackops.glance.plugins.module_utils import _command, _containers
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, Iterable, List, Optional, Set, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

# Old systemd (219, 229) calls the property EnvironmentFile, newer ones EnvironmentFiles; unknown names are left out.
PROPERTIES = ('Id', 'LoadState', 'ActiveState', 'SubState', 'UnitFileState', 'MainPID', 'ExecMainStartTimestampMonotonic',
              'ExecStart', 'User', 'Environment', 'EnvironmentFile', 'EnvironmentFiles', 'WorkingDirectory', 'TriggeredBy',
              'FragmentPath', 'DropInPaths')
#: Where an administrator's unit files and drop-ins lie.
UNIT_FILES = '/etc/systemd/system/'
SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


def _systemctl(arguments):
    # type: (List[str]) -> Tuple[int, str, str]
    environment = dict(os.environ, LC_ALL='C', SYSTEMD_COLORS='0', SYSTEMD_PAGER='')
    environment.setdefault('PATH', SYSTEM_PATH)
    try:
        code, out, err = _command.run(['systemctl'] + arguments, env=environment)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise GlanceError('systemctl is not on this host. The services are looked at and restarted through systemd; '
                              'on a host without it, edit files with oslo_config and restart the services yourself.')
        raise GlanceError('systemctl cannot be run: %s.' % error.strerror)
    return code, out, err.strip()


# -- looking ------------------------------------------------------------------------------------------------------


def show(names):
    # type: (List[str]) -> List[Dict[str, Any]]
    """Describe units, in the order asked for, with one call of systemctl, and one of each engine where there are containers.

    A unit that does not exist has the load_state "not-found". Of several names of one unit the first is kept, and of a
    container and the unit that starts it the unit. A unit whose processes are a container's has its Id as ``container``.
    """
    units = _show([name for name in names if not _containers.named(name)])
    places = dict((name, _containers.named(name)) for name in names)
    places.update((unit['name'], _containers.started_by(unit['exec_start'][-1]['argv'])) for unit in units if unit['exec_start'])
    found = _containers.look([place for place in places.values() if place])
    for unit in units:
        inside = found.get(places[unit['name']] or ('', ''))
        if inside:
            # What systemd makes of the unit stands: it is the one that is restarted.
            unit.update((key, inside[key]) for key in ('container', 'main_pid', 'started', 'unit_environment'))
    for name in names:
        if _containers.named(name):
            container = _containers.unit(name, found.get(places[name] or ('', '')))
            if not container['container'] or container['container'] not in [unit['container'] for unit in units]:
                units.append(container)
    return sorted(units, key=lambda unit: names.index(unit['name']))


def _show(names):
    # type: (List[str]) -> List[Dict[str, Any]]
    if not names:
        return []
    code, out, err = _systemctl(['show', '--no-pager', '--property=' + ','.join(PROPERTIES), '--'] + list(names))
    blocks = [block for block in re.split(r'\n\s*\n', out.strip()) if block.strip()]
    if code != 0 or len(blocks) != len(names):
        raise GlanceError('systemctl cannot tell the state of %s and other units (%d): %s. The services are looked at and '
                          'restarted through systemd, which must be running on this host.'
                          % (names[0], code, ' '.join(err.split()) or 'its answer has %d parts' % len(blocks)))
    found, seen = [], set()
    now, monotonic = time.time(), _monotonic()
    for name, block in zip(names, blocks):
        properties = {}  # type: Dict[str, List[str]]
        for line in block.splitlines():
            key, _equals, value = line.partition('=')
            properties.setdefault(key, []).append(value)
        unit = _unit(name, properties, now - monotonic)
        if unit['id'] not in seen:
            seen.add(unit['id'])
            found.append(unit)
    return found


def states(names):
    # type: (List[str]) -> Dict[str, Dict[str, Any]]
    """States by name, as a journal keeps them."""
    keys = ('load_state', 'active_state', 'sub_state', 'unit_file_state', 'main_pid', 'started')
    return dict((unit['name'], dict((key, unit[key]) for key in keys)) for unit in show(names))


def _unit(name, properties, boot):
    # type: (str, Dict[str, List[str]], float) -> Dict[str, Any]
    def first(key):
        # type: (str) -> str
        return properties.get(key, [''])[0]

    pid = int(first('MainPID') or 0)
    since = int(first('ExecMainStartTimestampMonotonic') or 0)
    return {
        'name': name,
        'id': first('Id') or name,
        'load_state': first('LoadState'),
        'active_state': first('ActiveState'),
        'sub_state': first('SubState'),
        'unit_file_state': first('UnitFileState'),
        'main_pid': pid,
        'started': boot + since / 1e6 if pid and since else None,
        'user': first('User') or 'root',
        'directory': first('WorkingDirectory').lstrip('!') or '/',
        'triggered_by': first('TriggeredBy').split(),
        'fragment': first('FragmentPath'),
        'drop_ins': first('DropInPaths').split(),
        'container': None,
        'exec_start': [_exec_start(value) for value in properties.get('ExecStart', []) if value],
        'unit_environment': _environment(first('Environment')),
        'environment_files': [_environment_file(value) for key in ('EnvironmentFile', 'EnvironmentFiles')
                              for value in properties.get(key, []) if value],
    }


def _monotonic():
    # type: () -> float
    """The clock that systemd writes its start times in: CLOCK_MONOTONIC, seconds."""
    if hasattr(time, 'monotonic'):
        return time.monotonic()

    class Timespec(ctypes.Structure):
        _fields_ = [('seconds', ctypes.c_long), ('nanoseconds', ctypes.c_long)]

    now = Timespec()
    ctypes.CDLL(None, use_errno=True).clock_gettime(1, ctypes.byref(now))
    return now.seconds + now.nanoseconds / 1e9


def _split(text):
    # type: (str) -> List[str]
    """Words of a systemd line: quotes and backslashes, nothing of a shell's beyond them."""
    try:
        if str is bytes:  # Python 2.7's shlex wants bytes
            return [word.decode('utf-8') for word in shlex.split(text.encode('utf-8'))]  # type: ignore[call-overload]
        return shlex.split(text)
    except ValueError:  # an unbalanced quote: systemd prints words without the quotes that held them together
        return text.split()


def _exec_start(value):
    # type: (str) -> Dict[str, Any]
    """``{ path=/usr/bin/x ; argv[]=/usr/bin/x --a b ; ignore_errors=no ; start_time=... }``"""
    path = re.search(r'\bpath=(.*?) ; argv\[\]=', value)
    argv = re.search(r'argv\[\]=(.*?) ; (?:ignore_errors|flags)=', value)
    return {'path': path.group(1) if path else '', 'argv': _split(argv.group(1)) if argv else []}


def _environment(text):
    # type: (str) -> Dict[str, str]
    return dict((word.partition('=')[0], word.partition('=')[2]) for word in _split(text) if '=' in word)


def _environment_file(value):
    # type: (str) -> str
    return re.sub(r' \(ignore_errors=\w+\)$', '', value)


# -- what a unit runs ---------------------------------------------------------------------------------------------


def command(unit):
    # type: (Dict[str, Any]) -> Tuple[List[str], Dict[str, str]]
    """Command line and environment of a unit: those of the running process, else what the unit would start."""
    if unit['main_pid']:
        argv = _process(unit['main_pid'], 'cmdline')
        variables = _process(unit['main_pid'], 'environ')
        # A process may rewrite its title ("gunicorn: master [...]"): then the unit knows better.
        if argv and os.path.basename(argv[0]) and ': ' not in argv[0]:
            return argv, dict((word.partition('=')[0], word.partition('=')[2]) for word in variables if '=' in word)
    environment = {'PATH': SYSTEM_PATH}
    environment.update(unit['unit_environment'])
    for path in unit['environment_files']:
        environment.update(_read_environment_file(path))
    starts = unit['exec_start']
    return (_expand(starts[-1]['argv'], environment) if starts else []), environment


def _process(pid, what):
    # type: (int, str) -> List[str]
    try:
        with open('/proc/%d/%s' % (pid, what), 'rb') as stream:
            data = stream.read()
    except EnvironmentError:  # gone meanwhile, or another user's
        return []
    return [word.decode('utf-8', 'replace') for word in data.rstrip(b'\0').split(b'\0')] if data else []


def _read_environment_file(path):
    # type: (str) -> Dict[str, str]
    found = {}  # type: Dict[str, str]
    try:
        with io.open(path, encoding='utf-8', errors='replace') as stream:
            text = stream.read()
    except EnvironmentError:  # systemd reports a missing one when the unit starts
        return found
    for line in text.replace('\\\n', '').splitlines():
        line = line.strip()
        if '=' in line and line[0] not in '#;':
            key, _equals, value = line.partition('=')
            words = _split(value)
            found[key.strip()] = words[0] if value.strip()[:1] in ('"', "'") and words else value.strip()
    return found


def _expand(argv, environment):
    # type: (List[str], Dict[str, str]) -> List[str]
    """``$NAME`` alone is split into words, ``${NAME}`` stays one word, as systemd does it."""
    words = []  # type: List[str]
    for word in argv:
        alone = re.match(r'\$(\w+)$', word)
        if alone:
            words.extend(environment.get(alone.group(1), '').split())
        else:
            words.append(re.sub(r'\$\{(\w+)\}', lambda match: environment.get(match.group(1), ''), word))
    return words


def processes(names, proc='/proc'):
    # type: (List[str], str) -> List[int]
    """Every process in the control groups of these units, children included, and of the containers that they start. A name
    without a kind is a service's.

    /proc says it the same way for both versions of control groups, and wherever they are mounted.
    """
    containers = [place for place in map(_containers.named, names) if place]
    wanted = set(name if re.search(r'\.(service|scope|slice)$', name) else name + '.service' for name in names)
    found = []
    for entry in os.listdir(proc):
        if not entry.isdigit():
            continue
        try:
            with io.open('%s/%s/cgroup' % (proc, entry), encoding='utf-8', errors='replace') as stream:
                groups = [line.rstrip(u'\n').split(u':', 2)[-1].split(u'/') for line in stream]
        except EnvironmentError:  # gone meanwhile
            continue
        if any(wanted.intersection(group) for group in groups):
            found.append(int(entry))
            started = _containers.started_by(_process(int(entry), 'cmdline'))
            containers.extend([started] if started else [])
    return found + _containers.processes(containers, proc)


#: Where Python's packages lie below the directory of an environment, as the kernel shows the libraries that it loaded.
_PACKAGES = re.compile(r' (/.*?)/(?:local/)?lib(?:64)?/python[\d.]+/(?:site|dist)-packages/')


def environments(pids, proc='/proc'):
    # type: (Iterable[int], str) -> List[str]
    """The environments (prefixes of a Python's packages) that these processes have loaded code from.

    The kernel names the real file of what is loaded, also where a link has come to lead elsewhere since.
    """
    found = set()  # type: Set[str]
    for pid in pids:
        try:
            with io.open('%s/%d/maps' % (proc, pid), encoding='utf-8', errors='replace') as stream:
                found.update(match.group(1) for match in map(_PACKAGES.search, stream) if match)
        except EnvironmentError:  # gone meanwhile
            continue
    return sorted(found)


def not_from(environment, names):
    # type: (Optional[str], List[str]) -> Optional[str]
    """Say where running units have their code from if it is another environment beside this one; None where it is this."""
    if not environment:
        return None
    wanted = os.path.realpath(environment)
    for name in names:
        found = environments(processes([name]))
        if [path for path in found if os.path.dirname(path) == os.path.dirname(wanted)] != [wanted]:
            return '%s runs code from %s, not from %s' % (name, ', '.join(found) or 'nowhere that can be seen', environment)
    return None


# -- changing -----------------------------------------------------------------------------------------------------

_EXPECTED = {
    'start': ('active_state', ('active', 'activating', 'reloading')),
    'restart': ('active_state', ('active', 'activating', 'reloading')),
    'reload': ('active_state', ('active', 'reloading')),
    'stop': ('active_state', ('inactive', 'failed')),
    # A static or generated unit has nothing that enabling could change.
    'enable': ('unit_file_state', ('enabled', 'enabled-runtime', 'static', 'generated', 'alias', 'indirect', 'linked')),
    'disable': ('unit_file_state', ('disabled', 'static', 'generated', 'masked', 'linked', 'indirect', '')),
}


def control(verb, name):
    # type: (str, str) -> None
    """Start, stop, restart, reload, enable or disable one unit and look whether it is so. Raises GlanceError.

    A container can be anything of these but reloaded.
    """
    container = _containers.named(name)
    if container:
        if verb == 'disable' and states([name])[name]['unit_file_state'] != 'enabled':
            return  # it stays stopped as it is, and not every engine can change that
        code, out, err = _containers.control(verb, *container)
    else:
        if verb in ('start', 'restart') and states([name])[name]['active_state'] == 'failed':
            # systemd counts failed starts and refuses the one that would mend it.
            _systemctl(['reset-failed', '--', name])
        code, out, err = _systemctl([verb, '--', name])
    key, wanted = _EXPECTED[verb]
    state = states([name])[name]
    if code != 0 or state[key] not in wanted:
        raise GlanceError('%s %s %s failed (%d): %s. It is %s (%s), %s. Look at "%s" and %s on this host.'
                          % (container[0] if container else 'systemctl', verb, container[1] if container else name, code,
                             (err or out).strip().rstrip('.') or 'no message', state['active_state'], state['sub_state'],
                             state['unit_file_state'] or 'without a unit file',
                             '%s ps --all' % container[0] if container else 'systemctl status ' + name, told(name)),
                          unit=name, state=state)


def told(name):
    # type: (str) -> str
    """The command that shows why a unit does not run."""
    container = _containers.named(name)
    return '"%s logs --tail 50 %s"' % container if container else '"journalctl -u %s -n 50"' % name


def reload_configuration(paths):
    # type: (Iterable[str]) -> None
    """Let systemd read the unit files again where one of these changed files is among them. Raises GlanceError."""
    if not any(path.startswith(UNIT_FILES) for path in paths):
        return
    code, out, err = _systemctl(['daemon-reload'])
    if code != 0:
        raise GlanceError('systemctl daemon-reload failed (%d): %s.'
                          % (code, (err or out).strip().rstrip('.') or 'no message'))


def said(name, since):
    # type: (str, float) -> List[str]
    """What a unit has written to the journal since a time; nothing where the journal cannot be read."""
    command = ['journalctl', '--no-pager', '--output=cat', '--since=@%.3f' % since, '--unit', name]
    try:
        out = _command.run(command)[1]
    except OSError:
        return []
    return [line.strip() for line in out.splitlines() if line.strip()]
