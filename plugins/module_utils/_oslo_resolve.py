# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The value that a service gets for an option: files, environment, deprecated names, substitution, type.

Works on values as ``ConfigSet.values`` holds them, also after they have travelled as JSON.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from ansible_collections.stackops.glance.plugins.module_utils._oslo_parse import NEWEST, Dialect, text_type
from ansible_collections.stackops.glance.plugins.module_utils._oslo_types import IGNORED_CASE, MULTI, convert, render

try:
    from typing import Any, Dict, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

_REFERENCE = (u'\\$(?:(?P<escaped>\\$)|(?P<named>NAME)|{(?P<braced>NAME)})'
              .replace(u'NAME', u'[_a-zA-ZX][._a-zA-Z0-9X]*'))


class Refused(Exception):
    """oslo.config raises where the service asks for the option."""


class _NoSuchOption(Refused):
    """A substitution names an option that nobody registered; oslo.config looks elsewhere before it gives up."""


class _KeyMissing(Exception):
    """oslo.config stumbles over its own table of deprecated names, and leaves the reference as it stands."""


def resolve(values, schema_option, environ=None, schema=None, dialect=NEWEST):
    # type: (List[Dict[str, Any]], Dict[str, Any], Optional[Dict[str, str]], Optional[List[Dict[str, Any]]], Dialect) -> Dict[str, Any]
    """What oslo.config answers for one option.

    ``schema_option`` is a dict with ``group``, ``name``, ``type``, ``default``, ``deprecated`` (list of ``group/name``)
    and the details of its type (see ``_oslo_types``). ``schema`` holds the options that a ``$name`` may refer to, and
    ``environ`` the environment of the service; it counts only where the dialect has it.

    Returns a dict: ``status`` is ``set``, ``default`` or ``refused`` (the service does not get a value, but an error;
    ``reason`` says why, and a reference to an option that the schema lacks is such an error), ``effective`` the value,
    ``raw`` the text it was made from (a list for an option of many values), ``origin`` ``file:line`` or
    ``environment NAME``. An unset option without a default is None.
    """
    options = list(schema or [])
    if not any(_same(option, schema_option) for option in options):
        options.append(schema_option)
    service = _Service(values, options, environ or {}, dialect)
    return service.answer(schema_option)


def resolver(values, schema, environ=None, dialect=NEWEST):
    # type: (List[Dict[str, Any]], List[Dict[str, Any]], Optional[Dict[str, str]], Dialect) -> _Service
    """For many questions to one service: its ``answer(option)`` is what ``resolve`` returns, for an option of the schema."""
    return _Service(values, schema, environ or {}, dialect)


def _same(one, other):
    # type: (Dict[str, Any], Dict[str, Any]) -> bool
    return _group(one) == _group(other) and _dest(one) == _dest(other)


def _dest(option):
    # type: (Dict[str, Any]) -> str
    return option['name'].replace('-', '_')


def _group(option):
    # type: (Dict[str, Any]) -> Optional[str]
    """None stands for DEFAULT, which oslo.config does not count as a group."""
    group = option.get('group')
    return None if group in (None, '', 'DEFAULT') else group


class _Service:
    """A service with its options registered and its files read."""

    def __init__(self, values, schema, environ, dialect):
        # type: (List[Dict[str, Any]], List[Dict[str, Any]], Dict[str, str], Dialect) -> None
        self.dialect = dialect
        self.environ = environ if dialect.environment else {}
        self.files = _by_file(values)
        self.options = {None: {}}  # type: Dict[Optional[str], Dict[str, Dict[str, Any]]]
        self.deprecated = {}  # type: Dict[Tuple[str, str], Tuple[str, Optional[str]]]
        for option in schema:
            group = _group(option)
            self.options.setdefault(group, {}).setdefault(_dest(option), option)
            for old_group, old_name in _deprecated(option):
                self.deprecated[old_group, old_name.replace('-', '_')] = (option['name'], group)
        self.pending = set()  # type: set
        self.known = {}  # type: Dict[Tuple[Optional[str], str], Any]
        self.reference = re.compile(_REFERENCE.replace(u'X', u'' if dialect.bytes else IGNORED_CASE))

    def answer(self, option):
        # type: (Dict[str, Any]) -> Dict[str, Any]
        group, dest = _group(option), _dest(option)
        raw, origin = self.find(group, dest, option)
        answer = {'effective': None, 'raw': raw, 'origin': origin,
                  'status': 'default' if raw is None else 'set', 'reason': ''}  # type: Dict[str, Any]
        try:
            answer['effective'] = self.leave(self.get(group, dest))
        except Refused as error:
            answer.update(status='refused', reason='%s: %s.' % (
                origin or 'The default of %s/%s' % (group or 'DEFAULT', option['name']), self.leave(error.args[0])))
        return answer

    # Python 2's bytes, see Dialect.enter

    def enter(self, value):
        # type: (Any) -> Any
        return _map(self.dialect.enter, value)

    def leave(self, value):
        # type: (Any) -> Any
        return _map(self.dialect.leave, value)

    # what files and environment say

    def find(self, group, name, option):
        # type: (Optional[str], str, Dict[str, Any]) -> Tuple[Any, Optional[str]]
        """The raw text (a list of them for a multi-valued option) and where it stands, or None twice.

        Where a substitution uses a deprecated name, ``group`` and ``name`` are the old ones: oslo.config asks the
        environment for that name, and the files for the new name in the old group.
        """
        variable = 'OS_%s__%s' % ((group or 'DEFAULT').upper(), name.upper())
        if variable in self.environ:
            return self.environ[variable], 'environment ' + variable
        names = [(group or 'DEFAULT', _dest(option))] + _deprecated(option, group)
        keys = [(self.dialect.key(key_group), key_name) for key_group, key_name in names]
        found = []  # type: List[Dict[str, Any]]
        for values in reversed(self.files):
            for key in keys:
                entries = values.get(key)
                if entries and option['type'] not in MULTI:
                    return entries[-1]['raw'], _origin(entries[-1:])
                found = (entries or []) + found
        if found:
            return [entry['raw'] for entry in found], _origin(found)
        return None, None

    # what oslo.config makes of it

    def get(self, group, name):
        # type: (Optional[str], str) -> Any
        if (group, name) in self.known:
            return self.known[group, name]
        if (group, name) in self.pending:
            raise Refused('$%s refers to itself' % name)
        self.pending.add((group, name))
        try:
            value = self.known[group, name] = self.compute(group, name)
        finally:
            self.pending.discard((group, name))
        return value

    def compute(self, group, name):
        # type: (Optional[str], str) -> Any
        option = self.registered(group, name)
        raw, origin = self.find(group, name, option)
        value = option.get('default') if raw is None else raw
        if value is None:
            return None
        try:
            return convert(option, self.substitute(self.enter(value), group), self.dialect)
        except ValueError as error:
            raise Refused(error.args[0])

    def registered(self, group, name):
        # type: (Optional[str], str) -> Dict[str, Any]
        if group is None and name in self.options:
            raise Refused('$%s is a group, not an option' % name)
        if group not in self.options:
            raise Refused('there is no group %s to substitute from' % group)
        if name not in self.options[group]:
            if (group or 'DEFAULT', name) not in self.deprecated:
                raise _NoSuchOption('$%s refers to an option that is not known' % name)
            name, new_group = self.deprecated[group or 'DEFAULT', name]
            group = new_group or group
            if name not in self.options[group]:
                raise _KeyMissing()
        return self.options[group][name]

    def substitute(self, value, group):
        # type: (Any, Optional[str]) -> Any
        if isinstance(value, list):
            return [self.substitute(item, group) for item in value]
        if isinstance(value, dict):
            return type(value)((self.substitute(key, group), self.substitute(item, group)) for key, item in value.items())
        if not isinstance(value, text_type):
            return value

        def replace(match):
            # type: (Any) -> str
            if match.group('escaped'):
                return u'$'
            name = self.leave(match.group('named') or match.group('braced'))
            try:
                return render(self.refer(name, group), self.dialect)
            except _KeyMissing:
                return match.group()

        return self.reference.sub(replace, value.replace(u'\\$', u'$$'))

    def refer(self, name, group):
        # type: (str, Optional[str]) -> Any
        option = name
        if '.' in name:
            group, option = name.split('.', 1)
        try:
            return self.get(group, option)
        except _NoSuchOption:
            return self.get(None, name)


def _map(function, value):
    # type: (Any, Any) -> Any
    if isinstance(value, text_type):
        return function(value)
    if isinstance(value, list):
        return [_map(function, item) for item in value]
    if isinstance(value, dict):
        return type(value)((_map(function, key), _map(function, item)) for key, item in value.items())
    if isinstance(value, bytes):  # Python 2's str, in a schema written in Python
        return function(value.decode('utf-8'))
    return value


def _deprecated(option, group=None):
    # type: (Dict[str, Any], Optional[str]) -> List[Tuple[str, str]]
    """The old names, (group, name), in oslo.config's order: a name with dashes counts with underscores, too."""
    names = [tuple(name.split('/', 1)) for name in option.get('deprecated') or []]
    names += [(old_group, name.replace('-', '_')) for old_group, name in names if '-' in name]
    return [(old_group or group or 'DEFAULT', name or _dest(option)) for old_group, name in names]


def _by_file(values):
    # type: (List[Dict[str, Any]]) -> List[Dict[Tuple[str, str], List[Dict[str, Any]]]]
    """Values of each file read. The same file may be read twice in a row: its lines then begin anew."""
    files = []  # type: List[Dict[Tuple[str, str], List[Dict[str, Any]]]]
    last = None
    for value in values:
        if last is None or value['file'] != last['file'] or value['line'] <= last['line']:
            files.append({})
        files[-1].setdefault((value['group'], value['option']), []).append(value)
        last = value
    return files


def _origin(entries):
    # type: (List[Dict[str, Any]]) -> str
    return ', '.join('%s:%d' % (entry['file'], entry['line']) for entry in entries)
