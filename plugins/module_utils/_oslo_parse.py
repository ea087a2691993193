# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read one oslo.config file exactly as oslo.config's ConfigParser does.

What oslo.config makes of a file depends on its release and on the Python under it; a ``Dialect`` says which.

* Names of options are compared as they are spelled: ``Use_Glance_V1`` and ``use-glance-v1`` are other options than
  ``use_glance_v1``, and nobody reads them. Names of sections are compared in lower case, ``DEFAULT`` alone excepted
  (``[default]`` is another section).
* The first of ``=`` and ``:`` divides name and value. One pair of equal quotes around the first line of a value goes.
* An indented line continues the value above, even if it looks like a comment; a blank line or a comment ends it.
* An option before any section, a byte order mark, a line without ``=`` or ``:`` and an indented line that continues
  nothing stop the service: the file is refused.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import codecs
import re

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

text_type = type(u'')

ASCII_SPACE = u' \t\n\r\x0b\x0c'
UNICODE_SPACE = (ASCII_SPACE + u'\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008'
                 u'\u2009\u200a\u2028\u2029\u202f\u205f\u3000')
_UPPER = dict((code, code + 32) for code in range(ord('A'), ord('Z') + 1))


# -- dialects -----------------------------------------------------------------------------------------------------


class Dialect:
    """How a release of oslo.config, on Python 2 or 3, reads.

    Python 2 reads bytes: lines end in LF alone, white space and lower case are ASCII, any encoding goes. Python 3 reads
    UTF-8 and stops at anything else, takes a lone CR for the end of a line, and knows Unicode's white space and digits.
    (Python 3.6 and older in the C locale stop at anything but ASCII; no dialect imitates that.)

    oslo.config 6.0 ignores commas at the end of a list, 6.7 lets the environment (OS_GROUP__NAME) override files, and
    6.12 refuses a lone quote where a type strips quotes; 3.20 began to look for configuration directories by itself.
    """

    def __init__(self, version, python):
        # type: (Tuple[int, ...], int) -> None
        self.python = python
        self.bytes = python == 2
        self.space = ASCII_SPACE if self.bytes else UNICODE_SPACE
        self.default_dirs = version >= (3, 20)
        self.trailing_commas = version >= (6, 0)
        self.environment = version >= (6, 7)
        self.refuses_lone_quote = version >= (6, 12)

    def lower(self, text):
        # type: (str) -> str
        return text.translate(_UPPER) if self.bytes else text.lower()

    def group(self, name):
        # type: (str) -> str
        """The name of a section as oslo.config compares it."""
        return name if name == 'DEFAULT' else self.lower(name)

    def key(self, name):
        # type: (str) -> str
        """The same for a name that has been read, or is to be written."""
        return self.leave(self.group(self.enter(name)))

    # Python 2's byte strings are kept as Latin-1 text, a character a byte, while anything is decided about them.

    def enter(self, text):
        # type: (str) -> str
        return to_bytes(text).decode('latin-1') if self.bytes else text

    def leave(self, text):
        # type: (str) -> str
        return to_text(text.encode('latin-1')) if self.bytes else text


NEWEST = Dialect((99,), 3)
PIKE = Dialect((4, 11, 2), 2)


def dialect(name):
    # type: (str) -> Dialect
    """``newest``, ``pike`` (4.11.2 on Python 2.7), or a version of oslo.config: ``8.0.1``, ``4.11.2/python2``."""
    if name == 'newest':
        return NEWEST
    if name == 'pike':
        return PIKE
    match = re.match(r'([0-9]+(?:\.[0-9]+)*)(?:[^/]*)(?:/python([23])(?:\.[0-9]+)*)?$', name)
    if not match:
        raise GlanceError('There is no oslo.config dialect %s. Give newest, pike, or a version of oslo.config such as '
                          '8.0.1 or 4.11.2/python2.' % name)
    return Dialect(tuple(int(part) for part in match.group(1).split('.')), int(match.group(2) or 3))


_CHARACTERS = dict((byte, (b'\\u%04x' % (0xdc00 + byte)).decode('unicode_escape')) for byte in range(128, 256))
_BYTES = dict((character, bytes(bytearray([byte]))) for byte, character in _CHARACTERS.items())
# A Python 2 with 16-bit characters has low surrogates in any text, each after a high one.
_ESCAPED = re.compile(u'(?<![\ud800-\udbff])([\udc80-\udcff])')


def _escape(error):
    # type: (Any) -> Tuple[str, int]
    return u''.join(_CHARACTERS[byte] for byte in bytearray(error.object[error.start:error.end])), error.end


codecs.register_error('stackops_escape', _escape)
_SURROGATE = re.compile(b'(\xed[\xa0-\xbf][\x80-\xbf])')


def to_text(data):
    # type: (bytes) -> str
    """Decode UTF-8; each byte that is none becomes a lone surrogate (as with Python 3's surrogateescape)."""
    # Python 2 would decode encoded surrogates, which are no UTF-8.
    return u''.join(part.decode('utf-8', 'stackops_escape') if index % 2 == 0 else part.decode('ascii', 'stackops_escape')
                    for index, part in enumerate(_SURROGATE.split(data)))


def to_bytes(text):
    # type: (str) -> bytes
    if not _ESCAPED.search(text):
        return text.encode('utf-8')
    return b''.join(_BYTES.get(part) or part.encode('utf-8') for part in _ESCAPED.split(text))


# -- files --------------------------------------------------------------------------------------------------------


class Entry:
    """One assignment: lines ``line`` to ``last`` of the file, counted from 1."""

    def __init__(self, group, option, line, value):
        # type: (str, str, int, str) -> None
        self.group = group
        self.option = option
        self.line = line
        self.last = line
        self.parts = [value]

    @property
    def raw(self):
        # type: () -> str
        return u'\n'.join(self.parts)


class Section:
    """One ``[name]`` line."""

    def __init__(self, name, group, line):
        # type: (str, str, int) -> None
        self.name = name
        self.group = group
        self.line = line


class Parsed:
    """What a file holds, in its order."""

    def __init__(self, dialect):
        # type: (Dialect) -> None
        self.dialect = dialect
        self.sections = []  # type: List[Section]
        self.entries = []  # type: List[Entry]

    def raws(self):
        # type: () -> dict
        """All values of each option: {(group, option): [raw, ...]}."""
        found = {}  # type: dict
        for entry in self.entries:
            found.setdefault((entry.group, entry.option), []).append(entry.raw)
        return found


def lines(data, path, dialect):
    # type: (bytes, str, Dialect) -> List[str]
    """The lines of a file as the Python under oslo.config iterates over them, without their ends."""
    if dialect.bytes:
        text = data.decode('latin-1')
    else:
        text = to_text(data)
        bad = _ESCAPED.search(text)
        if bad:
            valid = text[:bad.start()].encode('utf-8')
            raise _refused(path, len(re.findall(b'\r\n|\r|\n', valid)) + 1, 'the byte 0x%02x is not UTF-8, the only encoding '
                           'that a service on Python 3 reads' % bytearray(data)[len(valid)])
        text = text.replace(u'\r\n', u'\n').replace(u'\r', u'\n')
    found = text.split(u'\n')
    return found if found[-1] else found[:-1]


def parse(data, path, dialect=NEWEST):
    # type: (bytes, str, Dialect) -> Parsed
    """Parse the bytes of a file. Raises GlanceError, naming file and line, on what oslo.config refuses."""
    if data.startswith(codecs.BOM_UTF8):
        raise _refused(path, 1, 'the file begins with a byte order mark; save it without one')
    parsed = Parsed(dialect)
    group = None  # type: Optional[str]
    open_entry = None  # type: Optional[Entry]
    for number, line in enumerate(lines(data, path, dialect), 1):
        line = line.rstrip(dialect.space)
        if not line:
            open_entry = None
        elif line[0] in u' \t':
            if open_entry is None:
                raise _refused(path, number, 'the line is indented, so it continues a value, but there is none right '
                               'above it')
            open_entry.parts.append(dialect.leave(line.lstrip(dialect.space)))
            open_entry.last = number
        elif line[0] == u'[':
            open_entry = None
            name = _section_name(line, path, number)
            group = dialect.leave(dialect.group(name))
            parsed.sections.append(Section(dialect.leave(name), group, number))
        elif line[0] in u'#;':
            open_entry = None
        else:
            option, value = _split(line, path, number, dialect)
            if group is None:
                raise _refused(path, number, 'an option stands before any section; put [DEFAULT] above it')
            open_entry = Entry(group, dialect.leave(option), number, dialect.leave(value))
            parsed.entries.append(open_entry)
    return parsed


def _section_name(line, path, number):
    # type: (str, str, int) -> str
    if not line.endswith(u']'):
        raise _refused(path, number, 'a section must end with ], and nothing may follow it')
    if len(line) <= 2:
        raise _refused(path, number, 'the section has no name')
    return line[1:-1]


def _split(line, path, number, dialect):
    # type: (str, str, int, Dialect) -> Tuple[str, str]
    match = re.match(u'([^:=]*)[:=](.*)', line, re.DOTALL)
    if not match:
        raise _refused(path, number, 'there is neither = nor : in the line')
    option, value = match.group(1).strip(dialect.space), match.group(2).strip(dialect.space)
    if not option:
        raise _refused(path, number, 'no name stands before the = or :')
    if value and value[0] == value[-1] and value[0] in u'"\'':
        value = value[1:-1]
    return option, value


def _refused(path, number, reason):
    # type: (str, int, str) -> GlanceError
    return GlanceError('%s:%d: oslo.config refuses this file, and the services that read it do not start: %s.'
                       % (path, number, reason), path=path, line=number)
