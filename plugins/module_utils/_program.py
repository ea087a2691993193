# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command line says of an OpenStack program: its script, its installed release, its configuration files.

Nothing is run and nothing imported to find out: a script names its interpreter, and beside the interpreter lie the
records of what is installed.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import io
import os
import re

from ansible_collections.stackops.glance.plugins.module_utils import _oslo_ini

try:
    from typing import Any, Dict, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

_PYTHON = re.compile(r'(?:python|pypy)[\d.]*$')


# -- the script and its interpreter ------------------------------------------------------------------------------


def find(argv, environment, prog):
    # type: (List[str], Dict[str, str], str) -> Tuple[Optional[str], Optional[str], List[str]]
    """Script, interpreter and the arguments after the script.

    A unit may start something else first (an init script, a wrapper): then the program is looked for where programs lie.
    """
    words = list(argv)
    interpreter = None
    if words and _PYTHON.match(os.path.basename(words[0])):
        interpreter = _which(words.pop(0), environment)
        while words and words[0].startswith('-') and words[0] not in ('-m', '-c'):
            option = words.pop(0)
            if option in ('-W', '-X') and words:
                words.pop(0)
        if words[:1] in (['-m'], ['-c']):
            return None, interpreter, words[2:]
    script = _which(words[0], environment) if words else None
    if script and interpreter is None:
        interpreter = _shebang(script, environment)
    if interpreter is None:
        script = _which(prog, environment) or script
        interpreter = _shebang(script, environment) if script else None
    return script, interpreter, words[1:]


def _which(name, environment):
    # type: (str, Dict[str, str]) -> Optional[str]
    if '/' in name:
        return name if os.path.exists(name) else None
    for directory in environment.get('PATH', '').split(':') + ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin']:
        path = os.path.join(directory, name)
        if directory and os.path.exists(path):
            return path
    return None


def _shebang(script, environment):
    # type: (str, Dict[str, str]) -> Optional[str]
    """The Python that a script names: directly, through env, or in pip's two-line form for long paths."""
    try:
        with io.open(script, 'rb') as stream:
            head = stream.read(4096).decode('utf-8', 'replace').splitlines()
    except EnvironmentError:
        return None
    if not head or not head[0].startswith('#!'):
        return None
    words = head[0][2:].split()
    if words and os.path.basename(words[0]) == 'sh' and len(head) > 1 and head[1].startswith("'''exec'"):
        words = re.findall(r'"([^"]+)"|(\S+)', head[1][len("'''exec'"):])[0:1]
        words = [words[0][0] or words[0][1]] if words else []
    elif words and os.path.basename(words[0]) == 'env':
        words = [word for word in words[1:] if not word.startswith('-') and '=' not in word]
    if words and _PYTHON.match(os.path.basename(words[0])):
        return _which(words[0], environment)
    return None


# -- what is installed beside an interpreter -----------------------------------------------------------------------


def libraries(interpreter):
    # type: (str) -> List[str]
    """Where the interpreter looks for packages: its own prefix first, then that of the Python it was made from."""
    version = python_version(interpreter)
    prefixes = []
    for path in (interpreter, os.path.realpath(interpreter)):
        prefix = os.path.dirname(os.path.dirname(os.path.abspath(path)))
        prefixes.extend([os.path.join(prefix, 'local'), prefix])
        if prefix == '/usr':
            prefixes.append('/')
    # Debian keeps the packages of all its Python 3 in one directory without a minor version.
    names = ['python' + version, 'python' + version.split('.')[0]] if version else ['python*']
    found = []  # type: List[str]
    for prefix in prefixes:
        for lib in ('lib', 'lib64'):
            for name in names:
                for kind in ('site-packages', 'dist-packages'):
                    for path in sorted(glob.glob(os.path.join(prefix, lib, name, kind))):
                        if path not in found:
                            found.append(path)
    return found


def python_version(interpreter):
    # type: (str) -> Optional[str]
    """``2.7`` or ``3.9``, from the name that the interpreter's links end in, else from the libraries beside it."""
    match = re.search(r'python(\d\.\d+)$', os.path.realpath(interpreter))
    if match:
        return match.group(1)
    prefix = os.path.dirname(os.path.dirname(os.path.abspath(interpreter)))
    beside = [os.path.basename(path) for path in glob.glob(os.path.join(prefix, 'lib', 'python[23].*'))]
    return beside[0][len('python'):] if len(beside) == 1 else None


def installed(interpreter, name):
    # type: (str, str) -> Optional[Dict[str, Any]]
    """Version of an installed distribution, and the record that says so."""
    wanted = re.sub(r'[-_.]+', '-', name).lower()
    for library in libraries(interpreter):
        for path in sorted(glob.glob(os.path.join(library, '*'))):
            base = os.path.basename(path)
            match = re.match(r'(.+?)(?:-(\d[^-]*)(?:-py[\d.]+)?)?\.(dist-info|egg-info|egg-link)$', base)
            if match and re.sub(r'[-_.]+', '-', match.group(1)).lower() == wanted:
                record = _linked(path, name) if match.group(3) == 'egg-link' else path
                version = _recorded_version(record) or match.group(2)
                if version:
                    return {'version': version, 'source': record}
    return None


def _linked(path, name):
    # type: (str, str) -> str
    """A development installation: the link names the source tree, where the record lies."""
    with io.open(path, encoding='utf-8') as stream:
        tree = stream.readline().strip()
    return os.path.join(tree, name.replace('-', '_') + '.egg-info')


def _recorded_version(record):
    # type: (str) -> Optional[str]
    for path in (os.path.join(record, 'METADATA'), os.path.join(record, 'PKG-INFO'), record):
        try:
            with io.open(path, encoding='utf-8', errors='replace') as stream:
                for line in stream:
                    if line.startswith('Version:'):
                        return line.partition(':')[2].strip()
                    if not line.strip():  # the description begins
                        break
        except EnvironmentError:
            continue
    return None


def release(interpreter, project):
    # type: (Optional[str], str) -> Optional[Dict[str, Any]]
    found = installed(interpreter, project) if interpreter else None
    if found is None:
        return None
    major = re.match(r'(?:\d+!)?(\d+)', found['version'])
    return dict(found, major=int(major.group(1)) if major else None)


def dialect(interpreter):
    # type: (Optional[str]) -> Optional[str]
    """The oslo.config that reads the files, as ``_oslo_ini`` names it: ``4.11.2/python2``."""
    found = installed(interpreter, 'oslo.config') if interpreter else None
    version = python_version(interpreter) if interpreter else None
    if found is None or not version:
        return None
    number = re.match(r'\d+(?:\.\d+)*', found['version'])
    return '%s/python%s' % (number.group(0), version[0]) if number else None


# -- configuration files -------------------------------------------------------------------------------------------


def named_files(arguments):
    # type: (List[str]) -> List[Tuple[str, str]]
    """(kind, path) for each --config-file and --config-dir, in order; argparse takes any unambiguous beginning."""
    found = []
    words = iter(arguments)
    for word in words:
        if word == '--':
            break
        option, equals, value = word.partition('=')
        kind = _kind(option)
        if kind:
            value = value if equals else next(words, '')
            if value:
                found.append((kind, value))
    return found


def _kind(option):
    # type: (str) -> Optional[str]
    for kind in ('file', 'dir'):
        if len(option) > len('--config-') and ('--config-' + kind).startswith(option):
            return kind
    return None


def config_files(arguments, environment, project, prog, home, directory, dialect=None):
    # type: (List[str], Dict[str, str], str, str, str, str, Optional[str]) -> Dict[str, Any]
    """What oslo.config reads for this command line, in the order in which it reads.

    Its own rules: the files found by its search count unless the line holds --config-file in full, the directories
    unless it holds --config-dir in full; they are read before what the line names, which is read in the line's order.
    """
    named = [(kind, os.path.join(directory, os.path.expanduser(path))) for kind, path in named_files(arguments)]
    full = set(word.partition('=')[0] for word in arguments)
    found_files, found_dirs = _oslo_ini.search(project, prog, home, _oslo_ini.dialect(dialect or 'newest'), environment)
    origin = 'unit' if named else 'search'
    # Programs under a WSGI server have no command line of their own; the project's variable names the directory.
    wsgi = environment.get('OS_%s_CONFIG_DIR' % project.upper())
    if wsgi and not named:
        names = [project + '.conf'] if project != 'glance' else ['glance-api.conf', 'glance-image-import.conf']
        found_files = [path for path in (os.path.join(wsgi, name) for name in names) if os.path.exists(path)]
        found_dirs, origin = [], 'unit'
    files = [] if '--config-file' in full else found_files
    dirs = [] if '--config-dir' in full else found_dirs
    order = [('file', path) for path in files] + [('dir', path) for path in dirs] + named
    return {
        'config_files': [path for kind, path in order if kind == 'file'],
        'config_dirs': [path for kind, path in order if kind == 'dir'],
        'order': order,
        'origin': origin,
    }
