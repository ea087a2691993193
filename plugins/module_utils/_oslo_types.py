# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option types of oslo.config: text from a file to a value, or ValueError.

A schema option is a dict: ``type`` (below), and as the type needs them ``choices``, ``ignore_case``, ``regex``,
``max_length``, ``quotes`` (string); ``min``, ``max``, ``choices`` (integer, port, float); ``item_type``, ``bounds``,
``min_length`` (list, dict); ``item_type`` (multi); ``ip_version`` (ip, hostaddress, hostdomain). An item type is the
name of a type or a dict like a schema option.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
import socket
import unicodedata
from collections import OrderedDict

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._oslo_parse import Dialect, text_type

try:
    from typing import Any, Callable, Dict, List
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

MULTI = ('multistring', 'multi')

#: What [A-Za-z] matches besides ASCII where Python 3 ignores case: two i, the long s and the Kelvin sign.
IGNORED_CASE = u'\u0130\u0131\u017f\u212a'

_LABEL = u'(?!-)[%s]{1,63}(?<!-)$'
_HOSTNAME = re.compile(_LABEL % (u'A-Za-z0-9' + IGNORED_CASE + u'-'))
_HOSTDOMAIN = re.compile(_LABEL % (u'A-Za-z0-9_' + IGNORED_CASE + u'-'))
_NUMBERS = {
    2: (re.compile(u'(?:[+-][ \t\n\r\x0b\x0c]*)?[0-9]+$'),
        re.compile(u'[+-]?(?:[0-9]+\\.?[0-9]*(?:e[+-]?[0-9]+)?|\\.[0-9]+(?:e[+-]?[0-9]+)?|inf|infinity|nan)$', re.I)),
    3: (re.compile(u'[+-]?\\d+(?:_\\d+)*$', re.U),
        re.compile(u'[+-]?(?:D\\.?(?:D)?(?:e[+-]?D)?|\\.D(?:e[+-]?D)?|inf|infinity|nan)$'
                   .replace(u'D', u'\\d+(?:_\\d+)*'), re.U | re.I)),
}


def convert(option, value, dialect):
    # type: (Dict[str, Any], Any, Dialect) -> Any
    """The value of an option as oslo.config converts it; of every item for an option of many values."""
    if option['type'] in MULTI:
        item = _item(option)
        return [convert(item, part, dialect) for part in value]
    try:
        converter = _CONVERTERS[option['type']]
    except KeyError:
        raise GlanceError('The type %s of option %s is not known. Known types: %s.' % (
            option['type'], option.get('name', ''), ', '.join(sorted(_CONVERTERS) + sorted(MULTI))))
    return converter(option, value, dialect)


def _item(option):
    # type: (Dict[str, Any]) -> Dict[str, Any]
    item = option.get('item_type') or 'string'
    return item if isinstance(item, dict) else {'type': item}


def _string(option, value, dialect):
    # type: (Dict[str, Any], Any, Dialect) -> str
    text = render(value, dialect)
    if option.get('quotes') and text and text[0] in u'"\'':
        if text[-1] != text[0] or (len(text) == 1 and dialect.refuses_lone_quote):
            raise ValueError('the quote is not closed in %s' % text)
        text = text[1:-1]
    longest = option.get('max_length') or 0
    if 0 < longest < len(text):
        raise ValueError('%s is longer than %d' % (text, longest))
    regex = option.get('regex')
    if regex and not _regex(regex, option, dialect).search(text):
        raise ValueError('%s does not match %s' % (text, regex))
    choices = option.get('choices')
    if choices is not None:
        choices = [dialect.enter(choice) for choice in choices]
        found = text
        if option.get('ignore_case'):
            choices = [dialect.lower(choice) for choice in choices]
            found = dialect.lower(text)
        if found not in choices:
            raise ValueError('%s is none of %s' % (text, ', '.join(option['choices'])))
    return text


def _regex(pattern, option, dialect):
    # type: (str, Dict[str, Any], Dialect) -> Any
    flags = re.I if option.get('ignore_case') else 0
    if dialect.bytes:
        flags |= getattr(re, 'ASCII', 0)
    else:
        flags |= re.U
    return re.compile(dialect.enter(pattern), flags)


def _boolean(option, value, dialect):
    # type: (Dict[str, Any], Any, Dialect) -> bool
    if isinstance(value, bool):
        return value
    text = dialect.lower(value)
    if text in (u'true', u'1', u'on', u'yes'):
        return True
    if text in (u'false', u'0', u'off', u'no'):
        return False
    raise ValueError('%s is no boolean (true, false, yes, no, on, off, 1, 0)' % value)


def _integer(option, value, dialect):
    # type: (Dict[str, Any], Any, Dialect) -> Any
    return _number(int, 0, option, value, dialect)


def _float(option, value, dialect):
    # type: (Dict[str, Any], Any, Dialect) -> Any
    return _number(float, 1, option, value, dialect)


def _port(option, value, dialect):
    # type: (Dict[str, Any], Any, Dialect) -> Any
    bounds = dict(option, min=option.get('min') or 0,
                  max=65535 if option.get('max') is None else option['max'])
    return _number(int, 0, bounds, value, dialect)


def _number(kind, pattern, option, value, dialect):
    # type: (Callable[[Any], Any], int, Dict[str, Any], Any, Dialect) -> Any
    if isinstance(value, text_type):
        text = value.strip(dialect.space)
        if not text:
            return None
        if not _NUMBERS[dialect.python][pattern].match(text):
            raise ValueError('%s is no %s number' % (value, ('whole', 'decimal')[pattern]))
        value = kind(re.sub(u'[_ \t\n\r\x0b\x0c]', u'', text))
    else:
        value = kind(value)
    least, most, choices = option.get('min'), option.get('max'), option.get('choices')
    if choices is not None:
        if value not in choices:
            raise ValueError('%s is none of %s' % (value, ', '.join(str(choice) for choice in choices)))
    elif least is not None and value < least:
        raise ValueError('%s is less than %s' % (value, least))
    elif most is not None and value > most:
        raise ValueError('%s is more than %s' % (value, most))
    return value


def _list(option, value, dialect):
    # type: (Dict[str, Any], Any, Dialect) -> List[Any]
    item = _item(option)
    if isinstance(value, (list, tuple)):
        return [convert(item, part, dialect) for part in value]
    text = value.strip(dialect.space)
    if dialect.trailing_commas:
        text = text.rstrip(u',')
    text = _unbound(option, text, u'[', u']')
    parts = text.split(u',') if text else []
    found = []
    while parts:
        # A comma may belong to the item: as oslo.config does, take more until the type accepts it.
        part = parts.pop(0)
        while True:
            try:
                found.append(convert(item, part.strip(dialect.space), dialect))
                break
            except ValueError:
                if not parts:
                    raise
            part += u',' + parts.pop(0)
    return _long_enough(option, found)


def _dict(option, value, dialect):
    # type: (Dict[str, Any], Any, Dialect) -> Dict[str, Any]
    if isinstance(value, dict):
        return value
    item = _item(option)
    text = _unbound(option, value.strip(dialect.space), u'{', u'}')
    parts = text.split(u',') if text else []
    found = OrderedDict()  # type: Dict[str, Any]
    while parts:
        part = parts.pop(0)
        while True:
            try:
                key, colon, item_value = part.partition(u':')
                if not colon:
                    raise ValueError('%s is no NAME:VALUE' % part)
                item_value = convert(item, item_value.strip(dialect.space), dialect)
                break
            except ValueError:
                if not parts:
                    raise
            part += u',' + parts.pop(0)
        key = key.strip(dialect.space)
        if not key:
            raise ValueError('a name is empty in %s' % value)
        if key in found:
            raise ValueError('%s stands twice in %s' % (key, value))
        found[key] = item_value
    return _long_enough(option, found)


def _unbound(option, text, opening, closing):
    # type: (Dict[str, Any], str, str, str) -> str
    if not option.get('bounds'):
        return text
    if not (text.startswith(opening) and text.endswith(closing)):
        raise ValueError('%s should stand between %s and %s' % (text, opening, closing))
    return text[1:-1]


def _long_enough(option, found):
    # type: (Dict[str, Any], Any) -> Any
    if len(found) < (option.get('min_length') or 0):
        raise ValueError('%d are too few, %d is the least' % (len(found), option['min_length']))
    return found


def _ip(option, value, dialect):
    # type: (Dict[str, Any], Any, Dialect) -> str
    text = render(value, dialect)
    families = {4: [socket.AF_INET], 6: [socket.AF_INET6]}.get(option.get('ip_version', 0)) or [socket.AF_INET, socket.AF_INET6]
    for family in families:
        try:
            socket.inet_pton(family, str(text))
            return text
        except (EnvironmentError, TypeError, ValueError):  # Python 2's answer to a NUL is a TypeError
            continue
    raise ValueError('%s is no IP address' % text)


def _hostname(option, value, dialect):
    # type: (Dict[str, Any], str, Dialect) -> str
    return _host(value, _HOSTNAME)


def _host(value, label):
    # type: (str, Any) -> str
    if not 0 < len(value) <= 253:
        raise ValueError('a host name has from 1 to 253 characters')
    name = value[:-1] if value.endswith(u'.') else value
    labels = name.split(u'.')
    if not re.search(u'[a-zA-Z-]', labels[-1]) or not all(label.match(part) for part in labels):
        raise ValueError('%s is no host name' % value)
    return name


def _hostaddress(option, value, dialect):
    # type: (Dict[str, Any], str, Dialect) -> str
    try:
        return _ip(option, value, dialect)
    except ValueError:
        return _host(value, _HOSTDOMAIN if option['type'] == 'hostdomain' else _HOSTNAME)


_CONVERTERS = {
    'boolean': _boolean,
    'dict': _dict,
    'float': _float,
    'hostaddress': _hostaddress,
    'hostdomain': _hostaddress,
    'hostname': _hostname,
    'integer': _integer,
    'ip': _ip,
    'list': _list,
    'port': _port,
    'string': _string,
}  # type: Dict[str, Callable[[Dict[str, Any], Any, Dialect], Any]]


# -- values as text -----------------------------------------------------------------------------------------------


def render(value, dialect):
    # type: (Any, Dialect) -> str
    """str(value) as the Python under oslo.config writes it, which is what a substitution puts in its place."""
    if isinstance(value, text_type):
        return value
    if value is None:
        return u''
    if isinstance(value, float) and dialect.python == 2:
        text = u'%.12g' % value
        return text if re.search(u'[^0-9-]', text) else text + u'.0'
    return _literal(value, dialect)


def _literal(value, dialect):
    # type: (Any, Dialect) -> str
    if isinstance(value, list):
        return u'[%s]' % u', '.join(_literal(item, dialect) for item in value)
    if isinstance(value, dict):
        if dialect.python == 2 and len(value) > 1:
            raise ValueError('nobody can tell in which order Python 2 writes a dictionary')
        return u'{%s}' % u', '.join(u'%s: %s' % (_literal(key, dialect), _literal(item, dialect))
                                    for key, item in value.items())
    if isinstance(value, text_type):
        return _quoted(value, dialect)
    return u'%r' % (value,) if isinstance(value, float) else u'%s' % (value,)


def _quoted(text, dialect):
    # type: (str, Dialect) -> str
    quote = u'"' if u"'" in text and u'"' not in text else u"'"
    escapes = {u'\\': u'\\\\', quote: u'\\' + quote, u'\n': u'\\n', u'\r': u'\\r', u'\t': u'\\t'}
    written = []
    for character in text:
        code = ord(character)
        if character in escapes:
            written.append(escapes[character])
        elif 32 <= code < 127 or (code >= 160 and not dialect.bytes and _printable(character)):
            written.append(character)
        else:
            written.append((u'\\x%02x', u'\\u%04x', u'\\U%08x')[(code > 0xff) + (code > 0xffff)] % code)
    return quote + u''.join(written) + quote


def _printable(character):
    # type: (str) -> bool
    category = unicodedata.category(character)
    return category[0] not in u'C' and category not in (u'Zl', u'Zp', u'Zs')
