# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oslo.config files: find, load, resolve and edit them.

The halves have modules of their own (``_oslo_parse``, ``_oslo_types``, ``_oslo_resolve``, ``_oslo_edit``); callers need
this one alone.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import os

from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._oslo_edit import edit, literal, parse_any
from ansible_collections.stackops.glance.plugins.module_utils._oslo_parse import (
    NEWEST,
    PIKE,
    Dialect,
    Parsed,
    dialect,
    parse,
)
from ansible_collections.stackops.glance.plugins.module_utils._oslo_resolve import resolve

try:
    from typing import Any, Dict, Iterable, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

__all__ = [
    'NEWEST', 'PIKE', 'ConfigSet', 'Dialect', 'Parsed', 'command_line', 'dialect', 'edit', 'literal', 'load',
    'load_sources', 'parse', 'parse_any', 'resolve', 'search',
]


class ConfigSet:
    """What a service reads: ``files``, the paths in their order, and ``values``, every assignment in them.

    A value is a dict of ``group`` and ``option`` (as oslo.config compares them), ``raw`` (the text after the = or :,
    lines that continue it joined by line feeds, a pair of quotes taken off), ``file`` and ``line``.
    """

    def __init__(self):
        # type: () -> None
        self.files = []  # type: List[str]
        self.values = []  # type: List[Dict[str, Any]]

    def add(self, path, dialect):
        # type: (str, Dialect) -> None
        self.files.append(path)
        self.values.extend(
            {'group': entry.group, 'option': entry.option, 'raw': entry.raw, 'file': path, 'line': entry.line}
            for entry in parse(_files.read(path), path, dialect).entries)


def load(config_files, config_dirs=(), dialect=NEWEST):
    # type: (Iterable[str], Iterable[str], Dialect) -> ConfigSet
    """Read the files, then the directories. Where a command line mixes them, see ``command_line``.

    Raises GlanceError for what cannot be read, is not there, or is refused by oslo.config.
    """
    return load_sources([('file', path) for path in config_files] + [('dir', path) for path in config_dirs], dialect)


def load_sources(sources, dialect=NEWEST):
    # type: (Iterable[Tuple[str, str]], Dialect) -> ConfigSet
    """Read ``('file', path)`` and ``('dir', path)`` in the order given; later values win."""
    found = ConfigSet()
    for kind, path in sources:
        path = os.path.expanduser(path)
        if kind == 'file':
            found.add(os.path.abspath(path), dialect)
            continue
        if not os.path.exists(path):
            raise GlanceError('%s does not exist. It is named as a configuration directory; create it or drop it from '
                              'the command line of the service.' % path, path=path)
        for name in sorted(glob.glob(os.path.join(path, '*.conf'))):
            found.add(os.path.abspath(name), dialect)
    return found


def search(project, prog, home, dialect=NEWEST, environ=None):
    # type: (Optional[str], Optional[str], str, Dialect, Optional[Dict[str, str]]) -> Tuple[List[str], List[str]]
    """The configuration files and directories that a program finds by itself: of its project, then its own.

    ``home`` is the home of the user that the service runs as, ``environ`` its environment (snap packages look below
    ``SNAP_COMMON`` and ``SNAP``).
    """
    environ = environ or {}
    places = [os.path.join(home, '.' + project)] if project else []
    places.append(home)
    places += [os.path.join('/etc', project)] if project else []
    places.append('/etc')
    places += [os.path.join(environ[name], 'etc', project) for name in ('SNAP_COMMON', 'SNAP')
               if project and environ.get(name)]
    names = [name for name in (project, prog) if name]

    def first(name):
        # type: (str) -> List[str]
        return [path for path in (os.path.join(place, name) for place in places) if os.path.exists(path)][:1]

    files = [path for name in names for path in first(name + '.conf')]
    dirs = [path for name in names for path in first(name + '.conf.d')] if dialect.default_dirs else []
    return files, dirs


def command_line(arguments, project, prog, home, dialect=NEWEST, environ=None):
    # type: (List[str], Optional[str], Optional[str], str, Dialect, Optional[Dict[str, str]]) -> List[Tuple[str, str]]
    """What a program started with these arguments reads, in its order, for ``load_sources``.

    oslo.config reads the files and directories that it finds itself first, each kind only if the command line names none
    of that kind, and then those of the command line, files and directories as they come. So a directory found beside
    a file that is named is read before that file.
    """
    named = []
    for index, argument in enumerate(arguments):
        for kind in ('file', 'dir'):
            option = '--config-' + kind
            if argument == option and index + 1 < len(arguments):
                named.append((kind, arguments[index + 1]))
            elif argument.startswith(option + '='):
                named.append((kind, argument[len(option) + 1:]))
    kinds = set(kind for kind, _path in named)
    files, dirs = search(project, prog, home, dialect, environ)
    found = [('file', path) for path in files if 'file' not in kinds]
    found += [('dir', path) for path in dirs if 'dir' not in kinds]
    return found + named
