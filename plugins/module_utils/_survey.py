# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a plan needs to know of one host, in one execution.

The survey brings what is there and judges nothing: raw values with their origins travel to the control node, where the
release catalogue is. What goes wrong with one service is said under that service and does not hide the others.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import binascii
import grp
import io
import os
import pwd
import re
import socket
import sys
import time

from ansible_collections.stackops.glance.plugins.module_utils import (
    _containers,
    _files,
    _links,
    _oslo_ini,
    _program,
    _runs,
    _scheduled,
    _units,
)
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, Iterator, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

#: The variable by which Python's requests takes other CA certificates than its own.
CA_BUNDLE = 'REQUESTS_CA_BUNDLE'
#: Names that releases have for the policy file when nobody gives one.
POLICY_FILES = ('policy.yaml', 'policy.json')
#: The most that travels of one policy or paste file, and of the values of one service.
LARGEST_DOCUMENT = 1 << 20
LARGEST_VALUES = 4 << 20
#: A password in a URL, as far as it can reach in JSON or YAML.
_DOCUMENT_CREDENTIALS = re.compile(u'(://[^\\s/:@"\']*:)([^\\s/@"\']+)(?=@)')


def survey(services, state_dir):
    # type: (List[Dict[str, Any]], str) -> Dict[str, Any]
    names = []  # type: List[str]
    for service in services:
        names.extend(name for name in service['units'] if name not in names)
    trouble = None
    try:
        units = dict((unit['name'], unit) for unit in _units.show(names))
    except _containers.EngineError:
        raise  # files alone do not tell which services there are
    except GlanceError as error:
        units, trouble = {}, error.message
    units = dict((name, unit) for name, unit in units.items() if unit['load_state'] != 'not-found')
    found = dict((service['name'], _service(service, units, trouble)) for service in services)
    paths = [entry['path'] for service in found.values() for entry in service['files']]
    result = {
        'hostname': socket.gethostname(),
        'addresses': _addresses('/proc/net/fib_trie', '/proc/net/if_inet6'),
        'python': '%d.%d.%d' % sys.version_info[:3],
        'time': time.time(),
        'cores': os.sysconf('SC_NPROCESSORS_ONLN'),
        'free_bytes': _free_bytes([state_dir] + paths),
        'services': found,
    }
    result.update(_runs.summary(state_dir))
    return result


def _addresses(trie, inet6):
    # type: (str, str) -> List[str]
    """The host's own addresses, by the kernel's tables, so that a log that names one can be read."""
    found = set()
    if os.path.exists(trie):
        with io.open(trie, encoding='ascii') as stream:
            found.update(re.findall(r'\|-- ([0-9.]+)\n +/32 host LOCAL', stream.read()))
    if os.path.exists(inet6):
        with io.open(inet6, encoding='ascii') as stream:
            found.update(socket.inet_ntop(socket.AF_INET6, binascii.unhexlify(line.split()[0])) for line in stream)
    return sorted(address for address in found if not address.startswith(('127.', '::1', 'fe80:')))


def _free_bytes(paths):
    # type: (List[str]) -> Dict[str, int]
    """Free space in the directories that a run would write to; the nearest one above what does not exist yet."""
    free = {}
    for path in paths:
        directory = os.path.realpath(path)
        while not os.path.isdir(directory):
            directory = os.path.dirname(directory)
        status = os.statvfs(directory)
        free[directory] = status.f_bavail * status.f_frsize
    return free


# -- one service --------------------------------------------------------------------------------------------------


def _service(service, units, trouble):
    # type: (Dict[str, Any], Dict[str, Dict[str, Any]], Optional[str]) -> Dict[str, Any]
    found = {
        'project': service['project'], 'prog': service['prog'], 'interpreter': None, 'release': None, 'oslo_config': None,
        'units': [], 'config_files': [], 'config_dirs': [], 'config_origin': None, 'files': [], 'assignments': [],
        'environment': {}, 'policy': None, 'property_protection': None, 'paste': None, 'crons': [], 'restart_pending': None, 'error': None,
    }  # type: Dict[str, Any]
    errors = []
    if trouble and service['units'] and not service['config_files']:
        errors.append(trouble)
    loaded = _oslo_ini.ConfigSet()
    try:
        order = _units_and_files(service, [units[name] for name in service['units'] if name in units], found)
        loaded.files = [path for path in found['config_files'] if os.path.exists(path)]
        loaded = _oslo_ini.load_sources(order, _oslo_ini.dialect(found['oslo_config'] or 'newest'))
    except (GlanceError, EnvironmentError) as error:
        errors.append(_text(error))
    for part in (_add_files, _add_values, _add_policy, _add_property_protection, _add_paste, _add_crons):
        try:
            part(service, loaded, found)
        except (GlanceError, EnvironmentError, ValueError) as error:
            errors.append(_text(error))
    if errors:
        found['error'] = ' '.join(errors)
    return found


def _text(error):
    # type: (Exception) -> str
    return error.message if isinstance(error, GlanceError) else str(error)


def _units_and_files(service, units, found):
    # type: (Dict[str, Any], List[Dict[str, Any]], Dict[str, Any]) -> List[Tuple[str, str]]
    """Look at the units, or at the installed program where it has none; say what is read, in order."""
    order = []  # type: List[Tuple[str, str]]
    origins = []
    # A running unit tells more than a stopped one; without units the program itself is looked for.
    commands = [(unit,) + _units.command(unit) for unit in sorted(units, key=lambda unit: not unit['main_pid'])]
    for unit, argv, environment in commands or [(None, [], {})]:  # type: ignore[list-item]
        loaded = _loaded(unit) if unit else []
        # What a container runs, and where it takes its files to, lies in it, whatever lies there on the host.
        script, interpreter, arguments = None, None, []  # type: Optional[str], Optional[str], List[str]
        if unit and unit['container']:
            _check_container(service, unit)
        else:
            script, interpreter, arguments = _program.find(argv, environment, service['prog'])
        release = _program.release(interpreter, service['project'])
        if release is None:
            # A container's or a WSGI server's command line tells nothing of the program that it runs.
            interpreter, release = _release_loaded(loaded, service['project']) or (interpreter, None)
        dialect = _program.dialect(interpreter)
        found['interpreter'] = found['interpreter'] or interpreter
        found['release'] = found['release'] or release
        found['oslo_config'] = found['oslo_config'] or dialect
        home = environment.get('HOME') or _home(unit['user'] if unit else 'root')
        read = _program.config_files(arguments, environment, service['project'], service['prog'], home,
                                     unit['directory'] if unit else '/', dialect)
        if unit and unit['container']:
            read = dict(read, config_files=service['config_files'], config_dirs=service['config_dirs'])
        if unit is None and (service['config_files'] or service['config_dirs']):
            continue
        for item in read['order']:
            if item not in order:
                order.append(item)
        origins.append(read['origin'])
        if unit is not None:
            found['environment'].update((name, value) for name, value in environment.items()
                                        if re.match(r'OS_\w+__\w', name))
            found['units'].append(dict(_described(unit, service['project'], argv, script, read, release, loaded),
                                       ca_bundle=environment.get(CA_BUNDLE)))
    if (service['config_files'] or service['config_dirs']) and (units or not any(map(_containers.named, service['units']))):
        # The caller's word stands, also for a unit that says otherwise; of containers for those that there are.
        order = [('file', path) for path in service['config_files']] + [('dir', path) for path in service['config_dirs']]
        origins = ['argument']
    found['config_files'] = [path for kind, path in order if kind == 'file']
    found['config_dirs'] = [path for kind, path in order if kind == 'dir']
    found['config_origin'] = origins[0] if order else None
    found['environment'] = dict((name, _files.mask(name.lower(), value)) for name, value in found['environment'].items())
    found['units'].sort(key=lambda unit: service['units'].index(unit['name']))
    return order


def _check_container(service, unit):
    # type: (Dict[str, Any], Dict[str, Any]) -> None
    """Refuse what a restart would not bring into the container. Raises GlanceError."""
    if not service['config_files']:
        raise GlanceError('%s runs in a container, so nothing on this host tells its files. Name those that it is started '
                          'with as config_files of %s.' % (unit['name'], service['name']))
    if unit['unit_environment'].get('KOLLA_CONFIG_STRATEGY') == 'COPY_ONCE':
        raise GlanceError('%s takes %s only when its container is made (KOLLA_CONFIG_STRATEGY=COPY_ONCE), so a restart would '
                          'change nothing. Set config_strategy to COPY_ALWAYS in Kolla\'s globals.yml and let Kolla make the '
                          'container anew.' % (unit['name'], ', '.join(service['config_files'])))


def _described(unit, project, argv, script, read, release, loaded):
    # type: (Dict[str, Any], str, List[str], Optional[str], Dict[str, Any], Optional[Dict[str, Any]], List[str]) -> Dict[str, Any]
    keys = ('name', 'id', 'load_state', 'active_state', 'sub_state', 'unit_file_state', 'main_pid', 'started', 'user',
            'triggered_by', 'fragment', 'drop_ins', 'container')
    described = dict((key, unit[key]) for key in keys)
    # More than what is installed tells, where a link was moved.
    running = [_program.release(python, project) for python in loaded]
    described.update(argv=argv, script=script, config_files=read['config_files'], config_dirs=read['config_dirs'],
                     release=release['version'] if release else None,
                     running=sorted(set(each['version'] for each in running if each)),
                     links=_links.along(script or ''))
    return described


def _loaded(unit):
    # type: (Dict[str, Any]) -> List[str]
    """The Pythons of the environments that the unit's processes have loaded code of, as this host can read them."""
    if not unit['main_pid']:
        return []
    root = '/proc/%d/root' % unit['main_pid'] if unit['container'] else ''
    environments = _units.environments(_units.processes([unit['id']]))
    return [root + os.path.join(environment, 'bin', 'python') for environment in environments]


def _release_loaded(loaded, project):
    # type: (List[str], str) -> Optional[Tuple[str, Dict[str, Any]]]
    """Python and release of a project that processes have loaded code of; None where it is not theirs."""
    for python in loaded:
        release = _program.release(python, project)
        if release:
            return python, release
    return None


def _home(user):
    # type: (str) -> str
    try:
        return pwd.getpwuid(int(user)).pw_dir if user.isdigit() else pwd.getpwnam(user).pw_dir
    except KeyError:
        return '/nonexistent'


# -- its files and values -----------------------------------------------------------------------------------------


def _add_files(service, loaded, found):
    # type: (Dict[str, Any], _oslo_ini.ConfigSet, Dict[str, Any]) -> None
    newest = 0.0
    for path in loaded.files:
        status = os.stat(path)
        newest = max(newest, status.st_mtime)
        found['files'].append({
            'path': path, 'sha256': _files.sha256(_files.read(path)), 'mode': '%04o' % (status.st_mode & 0o7777),
            'owner': _name(pwd.getpwuid, status.st_uid), 'group': _name(grp.getgrgid, status.st_gid),
            'size': status.st_size, 'mtime': status.st_mtime,
        })
    started = [unit['started'] for unit in found['units'] if unit['started'] is not None]
    if started:
        found['restart_pending'] = min(started) < newest
        for unit in found['units']:
            unit['restart_pending'] = None if unit['started'] is None else unit['started'] < newest


def _name(lookup, number):
    # type: (Any, int) -> str
    try:
        return lookup(number)[0]
    except KeyError:
        return str(number)


def _add_values(service, loaded, found):
    # type: (Dict[str, Any], _oslo_ini.ConfigSet, Dict[str, Any]) -> None
    wanted = [(group, option or '*') for group, _slash, option in (name.partition('/') for name in service['options'])]
    asked = [_asked_for(value, wanted) for value in loaded.values]
    referred = set(reference for value, yes in zip(loaded.values, asked) if yes for reference in _references(value))
    for value, yes in zip(loaded.values, asked):
        if yes or (value['group'], value['option']) in referred:
            found['assignments'].append(dict(value, raw=_files.mask(value['option'], value['raw'])))
    size = sum(len(value['raw']) + len(value['option']) + len(value['file']) for value in found['assignments'])
    if size > LARGEST_VALUES:
        found['assignments'] = []
        raise GlanceError('The options in %s have %d bytes, and no service has a hundredth of that. Nothing above %d is '
                          'looked at. Check what lies there.' % (', '.join(loaded.files), size, LARGEST_VALUES))


def _asked_for(value, wanted):
    # type: (Dict[str, Any], List[Tuple[str, str]]) -> bool
    # Older names and other spellings of a group are the resolver's business; a wanted group is compared without case.
    for group, option in wanted:
        if group == '*' or (value['group'].lower() == group.lower() and option in ('*', value['option'])):
            return True
    return False


def _references(value):
    # type: (Dict[str, Any]) -> Iterator[Tuple[str, str]]
    """Options that a value may substitute: ``$name``, ``${name}``, ``${group.name}``."""
    for name in re.findall(r'\$\{?([\w.]+)', value['raw']):
        group, _dot, option = name.rpartition('.')
        yield (group or 'DEFAULT', option)
        if not group:
            yield (value['group'], option)


def _told(loaded, found, group, option, kind='string', deprecated=()):
    # type: (_oslo_ini.ConfigSet, Dict[str, Any], str, str, str, Tuple[str, ...]) -> Any
    """What the service gets for an option that says where another file is; None where nobody says it."""
    schema = {'group': group, 'name': option, 'type': kind, 'default': None, 'deprecated': list(deprecated)}
    known = [{'group': value['group'], 'name': value['option'], 'type': 'string', 'default': None}
             for value in loaded.values if (value['group'], value['option']) != (group, option)]
    dialect = _oslo_ini.dialect(found['oslo_config'] or 'newest')
    return _oslo_ini.resolve(loaded.values, schema, found['environment'], known, dialect)['effective'] or None


def _find_file(name, found):
    # type: (str, Dict[str, Any]) -> Optional[str]
    """oslo.config's find_file: beside the configuration, then in its usual directories. Those of a container lie in it."""
    directories = list(reversed(found['config_dirs'])) + [os.path.dirname(path) for path in reversed(found['config_files'])]
    if not any(unit['container'] for unit in found['units']):
        directories += ['/etc/' + found['project'], '/etc']
    for directory in directories:
        path = os.path.join(directory, name)
        if os.path.exists(path):
            return path
    return None


# -- Glance's policy, paste file and cron jobs ---------------------------------------------------------------------


def _add_policy(service, loaded, found):
    # type: (Dict[str, Any], _oslo_ini.ConfigSet, Dict[str, Any]) -> None
    """The policy files that a release could read; which of them counts, the control node knows."""
    if not service['documents']:
        return
    named = _told(loaded, found, 'oslo_policy', 'policy_file', deprecated=('DEFAULT/policy_file',))
    names = [named] if named else []
    names += [name for name in POLICY_FILES if name != named]
    files = []
    for name in names:
        path = _find_file(name, found)
        if path:
            files.append(dict(_document(path), name=name))
    directories = _told(loaded, found, 'oslo_policy', 'policy_dirs', 'multistring', ('DEFAULT/policy_dirs',))
    overlays = []  # type: List[Dict[str, Any]]
    for name in directories or ['policy.d']:
        path = _find_file(name, found)
        if path and os.path.isdir(path):
            # oslo.policy reads them in this order, hidden files aside, and nothing deeper down.
            overlays.extend(_document(os.path.join(path, each)) for each in sorted(os.listdir(path))
                            if not each.startswith('.') and os.path.isfile(os.path.join(path, each)))
    if files or overlays or named:
        found['policy'] = {'named': named, 'files': files, 'overlays': overlays}


def _add_property_protection(service, loaded, found):
    # type: (Dict[str, Any], _oslo_ini.ConfigSet, Dict[str, Any]) -> None
    if service['documents'] and service['project'] == 'glance':
        named = _told(loaded, found, 'DEFAULT', 'property_protection_file')
        path = _find_file(named, found) if named else None
        found['property_protection'] = _document(path) if path else None


def _add_paste(service, loaded, found):
    # type: (Dict[str, Any], _oslo_ini.ConfigSet, Dict[str, Any]) -> None
    if not service['documents'] or service['project'] != 'glance':
        return
    named = _told(loaded, found, 'paste_deploy', 'config_file')
    if not named:
        # Glance names it after the last configuration file of its command line.
        last = os.path.basename(found['config_files'][-1]) if found['config_files'] else service['prog'] + '.conf'
        named = last.replace('.conf', '-paste.ini')
    path = _find_file(named, found)
    if path is not None:
        found['paste'] = dict(_document(path, paste=True), flavor=_told(loaded, found, 'paste_deploy', 'flavor'))


def _document(path, paste=False):
    # type: (str, bool) -> Dict[str, Any]
    """A file that travels as text, its secrets masked; one that cannot says so in its place."""
    document = {'file': path, 'text': None, 'error': None}  # type: Dict[str, Any]
    try:
        data = _files.read(path)
        if len(data) > LARGEST_DOCUMENT:
            raise GlanceError('%s has %d bytes, and such files have a few thousand. Nothing above %d is read. Check what '
                              'lies there.' % (path, len(data), LARGEST_DOCUMENT))
        text = data.decode('utf-8')
        document['text'] = _files.mask_lines(text) if paste else _DOCUMENT_CREDENTIALS.sub(u'\\g<1>' + _files.MASK, text)
    except UnicodeDecodeError as error:
        document['error'] = '%s:%d: the byte 0x%02x is not UTF-8. Save the file in that encoding.' % (
            path, data.count(b'\n', 0, error.start) + 1, bytearray(data)[error.start])
    except GlanceError as error:
        document['error'] = error.message
    return document


def _add_crons(service, loaded, found):
    # type: (Dict[str, Any], _oslo_ini.ConfigSet, Dict[str, Any]) -> None
    if service['project'] == 'glance':
        found['crons'] = _scheduled.find()
