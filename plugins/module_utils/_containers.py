# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that an engine runs in containers on this host: what they are doing, and the verbs that change them.

A container takes the place of a unit under the name ``ENGINE:CONTAINER``, as ``docker:glance_api``. Where systemd starts
it (Kolla's ``kolla-NAME-container`` since its release 16), the unit is what is restarted, and the container is looked into.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import io
import json
import os
import time

from ansible_collections.stackops.glance.plugins.module_utils import _command
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, Iterable, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

ENGINES = ('docker', 'podman')

#: What systemd would call the states of a container; of any other word the container does not run.
_ACTIVE = {'running': 'active', 'restarting': 'activating'}

#: Of a container that was stopped, the engine starts one with this policy again when the machine boots. With
#: "unless-stopped", which Kolla gives by default, it stays stopped: that is what "disabled" means for one with "always".
_ALWAYS, _UNLESS_STOPPED = 'always', 'unless-stopped'

_VERBS = {
    'start': ['start'],
    'restart': ['restart'],
    'stop': ['stop'],
    'enable': ['update', '--restart=' + _ALWAYS],
    'disable': ['update', '--restart=' + _UNLESS_STOPPED],
}


class EngineError(GlanceError):
    """An engine that does not answer: what it runs is not known."""


def named(unit):
    # type: (str) -> Optional[Tuple[str, str]]
    """Engine and container where the name is that of a container and not of a unit."""
    engine, _colon, container = unit.partition(':')
    return (engine, container) if container and engine in ENGINES else None


def started_by(argv):
    # type: (List[str]) -> Optional[Tuple[str, str]]
    """Engine and container where a command line starts one and stays with it: ``/usr/bin/docker start -a glance_api``."""
    engine = os.path.basename(argv[0]) if argv else ''
    containers = [word for word in argv[2:] if not word.startswith('-')]
    return (engine, containers[0]) if engine in ENGINES and argv[1:2] == ['start'] and len(containers) == 1 else None


def _call(engine, arguments):
    # type: (str, List[str]) -> Optional[Tuple[int, str, str]]
    """None where the engine is not installed."""
    try:
        code, out, err = _command.run([engine] + arguments, env=dict(os.environ, LC_ALL='C'))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise GlanceError('%s cannot be run: %s.' % (engine, error.strerror))
    return code, out, err.strip()


# -- looking ------------------------------------------------------------------------------------------------------


def look(places):
    # type: (Iterable[Tuple[str, str]]) -> Dict[Tuple[str, str], Dict[str, Any]]
    """Describe those of these containers that there are, in the words of a unit, with one call of each engine.

    Raises EngineError where an engine does not answer.
    """
    wanted = {}  # type: Dict[str, List[str]]
    for engine, container in places:
        wanted.setdefault(engine, []).append(container)
    found = {}
    for engine, containers in sorted(wanted.items()):
        for each in _inspect(engine, sorted(set(containers))):
            found[engine, each['Name'].lstrip('/')] = _described(each)
    return found


def _inspect(engine, containers):
    # type: (str, List[str]) -> List[Dict[str, Any]]
    answer = _call(engine, ['inspect', '--type', 'container', '--'] + containers)
    if answer is None:
        return []
    code, out, err = answer
    try:
        # Of names that it does not know it says so, and shows the others all the same.
        if code == 0 or 'no such' in err.lower():
            return json.loads(out or '[]')
    except ValueError:
        pass
    raise EngineError('%s cannot tell the state of %s (%d): %s. The engine must be running on this host.'
                      % (engine, ', '.join(containers), code, ' '.join(err.split()).rstrip('.') or 'no message'))


def _described(container):
    # type: (Dict[str, Any]) -> Dict[str, Any]
    state, pid = container['State'], container['State'].get('Pid') or 0
    active = _ACTIVE.get(state['Status'], 'failed' if state.get('ExitCode') else 'inactive')
    policy = (container.get('HostConfig') or {}).get('RestartPolicy') or {}
    variables = container['Config'].get('Env') or []
    return {
        'container': container['Id'],
        'active_state': active,
        'sub_state': state['Status'],
        'unit_file_state': 'enabled' if policy.get('Name') == _ALWAYS else 'static',
        'main_pid': pid,
        'started': _started(pid) if pid else None,
        'unit_environment': dict((word.partition('=')[0], word.partition('=')[2]) for word in variables),
    }


def unit(name, found):
    # type: (str, Optional[Dict[str, Any]]) -> Dict[str, Any]
    """A container as ``_units.show`` has units; None is one that there is not."""
    shown = {'name': name, 'id': name, 'load_state': 'loaded' if found else 'not-found', 'active_state': 'inactive',
             'sub_state': 'dead', 'unit_file_state': '', 'main_pid': 0, 'started': None, 'user': 'root', 'directory': '/',
             'triggered_by': [], 'fragment': '', 'drop_ins': [], 'container': None, 'exec_start': [], 'unit_environment': {},
             'environment_files': []}  # type: Dict[str, Any]
    shown.update(found or {})
    return shown


def _started(pid, proc='/proc'):
    # type: (int, str) -> Optional[float]
    """When a process was started, in seconds since 1970; engines tell it in time zones of their own. None where it is gone."""
    stat = _stat(pid, proc)
    if not stat:
        return None
    with io.open(proc + '/uptime', encoding='ascii') as stream:
        up = float(stream.read().split()[0])
    return time.time() - up + int(stat[19]) / float(os.sysconf('SC_CLK_TCK'))


def _stat(pid, proc):
    # type: (int, str) -> List[str]
    """What the kernel says of a process, from its state on (the third field of proc(5)'s stat)."""
    try:
        with io.open('%s/%d/stat' % (proc, pid), encoding='utf-8', errors='replace') as stream:
            return stream.read().rpartition(u')')[2].split()
    except EnvironmentError:  # gone meanwhile
        return []


def processes(places, proc='/proc'):
    # type: (Iterable[Tuple[str, str]], str) -> List[int]
    """Every process of these containers, as this host numbers them.

    They are the first one and its descendants: control groups are named, and hidden, in too many ways.
    """
    first = [found['main_pid'] for found in look(places).values() if found['main_pid']]
    children = {}  # type: Dict[int, List[int]]
    for entry in os.listdir(proc) if first else []:
        stat = _stat(int(entry), proc) if entry.isdigit() else []
        if stat:
            children.setdefault(int(stat[1]), []).append(int(entry))
    found = list(first)
    for pid in found:  # grows as it goes
        found.extend(children.get(pid, []))
    return found


# -- changing -----------------------------------------------------------------------------------------------------


def control(verb, engine, container):
    # type: (str, str, str) -> Tuple[int, str, str]
    """Start, stop or restart a container, or say whether it starts again by itself: code, output and errors."""
    return _call(engine, _VERBS[verb] + [container]) or (127, '', '%s is not on this host' % engine)
