# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host's access logs of Glance are: as its units and files say, and where packages usually put them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import io
import os
import re

from ansible_collections.stackops.glance.plugins.module_utils import _containers, _oslo_ini, _survey
from ansible_collections.stackops.glance.plugins.module_utils._access_log import Source

try:
    from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

PROG = 'glance-api'
#: Debian, RDO, SUSE; Kolla's volume and its mount; TripleO; the web servers that run Glance as a WSGI program.
USUAL = ('/var/log/glance/api.log', '/var/log/glance/glance-api.log', '/var/log/glance/glance-api-access.log',
         '/var/log/kolla/glance/glance-api.log', '/var/log/kolla/glance/glance-api-access.log',
         '/var/lib/docker/volumes/kolla_logs/_data/glance/glance-api.log',
         '/var/lib/docker/volumes/kolla_logs/_data/glance/glance-api-access.log',
         '/var/log/containers/glance/api.log', '/var/log/containers/httpd/glance/*access*.log',
         '/var/log/uwsgi/app/glance*.log', '/var/log/apache2/*glance*access*.log', '/var/log/httpd/*glance*access*.log')
#: What stands in front of Glance.
BALANCERS = ('/var/log/haproxy.log', '/var/log/haproxy/haproxy.log', '/var/log/kolla/haproxy/haproxy.log',
             '/var/lib/docker/volumes/kolla_logs/_data/haproxy/haproxy.log', '/var/log/containers/haproxy/haproxy.log',
             '/var/log/nginx/*glance*access*.log')
HAPROXY_UNITS = ('haproxy',)
HAPROXY_FILES = ('/etc/haproxy/haproxy.cfg', '/etc/haproxy/conf.d/*.cfg', '/etc/kolla/haproxy/haproxy.cfg',
                 '/etc/kolla/haproxy/services.d/glance*.cfg')
PORT = 9292

_OPTIONS = (('log_file', ('DEFAULT/logfile',)), ('log_dir', ('DEFAULT/logdir',)),
            ('log_config_append', ('DEFAULT/log_config', 'DEFAULT/log-config')), ('bind_port', ()))
#: What rotation adds to a name: a number or a date, and the ending of a packed file.
_ROTATED = r'(?:[.-](\d[\d.:T_-]*))?(?:\.(?:gz|bz2|xz|zst|lz4))?$'


def named(patterns):
    # type: (Iterable[str]) -> Iterator[Source]
    """The files that the operator names. Each rotation is a log of its own."""
    for pattern in patterns:
        for path in [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern)) or [pattern]:
            base, turn = _rotation(path)
            yield Source(base, base, path, None, turn)


def find(services):
    # type: (List[Dict[str, Any]]) -> Dict[str, Any]
    """The logs of this host: ``sources``, the ``frontends`` of haproxy that lead to Glance (none: not known), the scheduled
    ``tools``, and ``troubles``, what cannot be judged."""
    options = ['DEFAULT/' + name for option, deprecated in _OPTIONS
               for name in (option,) + tuple(each.partition('/')[2] for each in deprecated)]
    asked = [{'name': each['name'], 'project': 'glance', 'prog': PROG, 'units': each.get('units') or [],
              'config_files': each.get('config_files') or [], 'config_dirs': each.get('config_dirs') or [],
              'options': options, 'documents': False} for each in services]
    sources, troubles, tools, ports = [], [], [], set([PORT])  # type: List[Source], List[str], List[Any], Set[int]
    for name, service in sorted(_survey.survey(asked, '/')['services'].items()):
        tools = tools or service['crons']
        if not service['units'] and not service['files']:
            continue
        if service['error']:
            troubles.append(service['error'])
        told = dict((option, _told(service, option, deprecated)) for option, deprecated in _OPTIONS)
        port = told['bind_port'] or ''
        ports.add(int(port) if port.isdigit() else PORT)
        for path in _of_service(service, told, troubles):
            sources.extend(_rotations(path, name))
        sources.extend(Source(name, 'journal', 'journal of ' + unit['name'], unit['name'], None)
                       for unit in service['units'] if not _containers.named(unit['name']))
    known = set(os.path.realpath(source.path) for source in sources)
    for patterns, stream in ((USUAL, 'usual'), (BALANCERS, 'proxy')):
        for path in (path for pattern in patterns for path in sorted(glob.glob(pattern))):
            sources.extend(source for source in _rotations(path, stream if stream == 'proxy' else path)
                           if os.path.realpath(source.path) not in known)
    sources.extend(Source('proxy', 'journal', 'journal of ' + unit, unit, None) for unit in HAPROXY_UNITS)
    return {'sources': sources, 'frontends': frontends(ports), 'tools': tools, 'troubles': troubles}


def _told(service, name, deprecated):
    # type: (Dict[str, Any], str, Tuple[str, ...]) -> Optional[str]
    """The value of an option of [DEFAULT] as the service gets it; None where nobody sets it, or it is refused."""
    schema = {'group': 'DEFAULT', 'name': name, 'type': 'string', 'default': None, 'deprecated': list(deprecated)}
    known = [{'group': value['group'], 'name': value['option'], 'type': 'string', 'default': None}
             for value in service['assignments'] if value['option'] != name]
    dialect = _oslo_ini.dialect(service['oslo_config'] or 'newest')
    told = _oslo_ini.resolve(service['assignments'], schema, service['environment'], known, dialect)
    return told['effective'] or None


# -- one service --------------------------------------------------------------------------------------------------


def _of_service(service, told, troubles):
    # type: (Dict[str, Any], Dict[str, Optional[str]], List[str]) -> Iterator[str]
    """The logs that a service's command line and configuration name."""
    if told['log_config_append']:
        troubles.append('%s is what [DEFAULT] log_config_append names: what it says of logging is not looked at. Name the '
                        'access log in files.' % told['log_config_append'])
    for unit in service['units'] or [{'name': None, 'argv': []}]:
        argv = unit['argv']
        program = ' '.join(os.path.basename(word) for word in argv[:3])
        if 'uwsgi' in program:
            paths = list(_uwsgi(argv, unit['name'], troubles))
        elif 'gunicorn' in program:
            paths = list(_gunicorn(argv, unit['name'], troubles))
        else:
            directory = _argument(argv, '--log-dir', '--logdir', '--log_dir') or told['log_dir']
            name = _argument(argv, '--log-file', '--logfile', '--log_file') or told['log_file']
            if directory and not name:
                name = PROG + '.log'
            paths = [os.path.join(directory or '', name)] if name else []
        for path in paths:
            if os.path.isabs(path):
                yield path


def _argument(argv, *names):
    # type: (List[str], *str) -> Optional[str]
    found = None
    for number, word in enumerate(argv):
        option, equals, value = word.partition('=')
        if option in names:
            found = value if equals else (argv[number + 1:number + 2] or [None])[0]  # type: ignore[list-item]
    return found


def _uwsgi(argv, unit, troubles):
    # type: (List[str], Optional[str], List[str]) -> Iterator[str]
    settings = []  # type: List[Tuple[str, str]]
    words = iter(argv[1:])
    for word in words:
        option, equals, value = word.partition('=')
        if option.startswith('--'):
            settings.append((option[2:], value if equals or option == '--disable-logging' else next(words, '')))
    for _option, path in [each for each in settings if each[0] in ('ini', 'ini-paste')]:
        settings.extend(_settings(path))
    for option, value in settings:
        option = option.replace('_', '-')
        if option in ('logto', 'logto2', 'daemonize', 'daemonize2', 'log-master-file'):
            yield value
        elif option in ('logger', 'req-logger') and 'file:' in value:
            yield value.partition('file:')[2].partition(',')[0]
        elif option in ('disable-logging', '-L') and value.lower() not in ('false', '0'):
            troubles.append('uWSGI of %s writes no requests down (disable-logging). Read the log of the balancer before it, '
                            'or take that setting away.' % unit)


def _gunicorn(argv, unit, troubles):
    # type: (List[str], Optional[str], List[str]) -> Iterator[str]
    log = _argument(argv, '--access-logfile')
    path = _argument(argv, '-c', '--config') or 'gunicorn.conf.py'
    for option, value in _settings(path.partition('python:')[2] or path):
        if option == 'accesslog':
            log = log or value.strip('"\'')
    if not log or log == 'None':
        troubles.append('gunicorn of %s writes no requests down (no --access-logfile). Read the log of the balancer before '
                        'it, or give it one.' % unit)
    elif log != '-':
        yield log


def _settings(path):
    # type: (str) -> Iterator[Tuple[str, str]]
    """``name = value`` lines, as uWSGI's and gunicorn's files have them."""
    try:
        with io.open(path, encoding='utf-8', errors='replace') as stream:
            for line in stream.read(1 << 20).splitlines():
                match = re.match(r'\s*([\w-]+)\s*=\s*(.*?)\s*$', line)
                if match:
                    yield match.group(1), match.group(2)
    except EnvironmentError:
        return


# -- rotation -----------------------------------------------------------------------------------------------------


def _rotations(path, stream):
    # type: (str, str) -> Iterator[Source]
    """A log and its predecessors: api.log.1, api.log.2.gz, api.log-20261120, api-20261120.log."""
    stem, ending = os.path.splitext(path)
    patterns = [re.escape(path) + _ROTATED]
    if ending:
        patterns.append(re.escape(stem) + r'[.-](\d[\d.:T_-]*)' + re.escape(ending) + r'(?:\.(?:gz|bz2|xz|zst|lz4))?$')
    for each in sorted(glob.glob(glob_escape(stem) + '*')):
        if any(re.match(pattern, each) for pattern in patterns) and os.path.isfile(each):
            yield Source(stream, path, each, None, 0 if each == path else _rotation(each)[1] or None)


def glob_escape(path):
    # type: (str) -> str
    return re.sub(r'([*?[])', r'[\1]', path)  # Python 2.7 has no glob.escape


def _rotation(path):
    # type: (str) -> Tuple[str, Optional[int]]
    """The log that a file is a part of, and its number where rotation counts: the current one has 0."""
    match = re.match(r'(.*?)' + _ROTATED, path)
    base, mark = (match.group(1), match.group(2)) if match else (path, None)
    if mark is None:
        return base, 0
    return base, int(mark) if mark.isdigit() and len(mark) < 4 else None


# -- haproxy ------------------------------------------------------------------------------------------------------


def frontends(ports):
    # type: (Set[int]) -> List[str]
    """The frontends, backends and listen sections of haproxy that have to do with Glance, by their ports; none: not known."""
    found = set()  # type: Set[str]
    for path in (path for pattern in HAPROXY_FILES for path in sorted(glob.glob(pattern))):
        try:
            with io.open(path, encoding='utf-8', errors='replace') as stream:
                lines = stream.read(1 << 22).splitlines()
        except EnvironmentError:
            continue
        section = None
        for line in lines:
            words = line.partition('#')[0].split()
            if not words:
                continue
            if words[0] in ('frontend', 'backend', 'listen', 'global', 'defaults', 'peers', 'resolvers', 'userlist'):
                section = words[1] if words[0] in ('frontend', 'backend', 'listen') and len(words) > 1 else None
            elif section and words[0] in ('bind', 'server'):
                place = words[1] if words[0] == 'bind' else (words[2:3] or [''])[0]
                if any(re.search(r':%d$' % port, each) for port in ports for each in place.split(',')):
                    found.add(section)
    return sorted(found)
