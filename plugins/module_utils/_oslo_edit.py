# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change options in an oslo.config file and leave every other byte alone."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import difflib
import re
import sys

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._oslo_parse import (
    NEWEST,
    PIKE,
    UNICODE_SPACE,
    Dialect,
    Entry,
    Parsed,
    parse,
    to_bytes,
)

try:
    from typing import Any, Dict, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

# What ends a line: Python 3 counts a carriage return alone, Python 2 does not.
_LINES = {False: re.compile(b'[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+'), True: re.compile(b'[^\n]*\n|[^\n]+')}
_COMMENTED = re.compile(b'[#;]([ \t]*)([^ \t\r\n:=]+)[ \t]*[:=]')
_ASSIGNMENT = re.compile(b'^([^:=]*[:=])([ \t]*)')


def edit(data, options, path):
    # type: (bytes, List[Dict[str, Any]], str) -> bytes
    """The new bytes of a file (``b''`` for one that is not there yet).

    Each option is a dict with ``section``, ``option`` and ``value`` (text), ``values`` (texts, for an option that is
    given several times) or ``state: absent``. Afterwards the option has exactly these values, in this order, also where
    the section or the option stood in the file more than once.

    The result is read again in every dialect that could read the file before, and must hold what was asked for and
    nothing else new; anything else raises GlanceError.
    """
    before = _readings(data, path)
    wanted = _wanted(options, path)
    text = _File(data, *before[0])
    for (section, option), values in wanted:
        text.set(section, option, values)
    after = text.data()
    for dialect, parsed in before:
        _verify(parsed, parse(after, path, dialect), wanted, dialect, path)
    return after


def literal(text):
    # type: (str) -> str
    """Write a text so that oslo.config's substitution gives back exactly it: each $ is escaped."""
    return re.sub(r'\\?\$', lambda match: '$$' if match.group() == '$' else '\\\\$', text)


def parse_any(data, path):
    # type: (bytes, str) -> Parsed
    """What the editor sees: the file as the newest reads it, or else as Python 2 does."""
    try:
        return parse(data, path, NEWEST)
    except GlanceError:
        return _readings(data, path)[0][1]


def _readings(data, path):
    # type: (bytes, str) -> List[Tuple[Dialect, Parsed]]
    """What each dialect reads; the newest, or else Python 2's alone where the encoding is not UTF-8."""
    readings = []
    problem = None  # type: Optional[GlanceError]
    for dialect in (NEWEST, PIKE):
        try:
            readings.append((dialect, parse(data, path, dialect)))
        except GlanceError as error:
            problem = problem or error
    if problem is not None and not readings:
        raise problem
    return readings


def _wanted(options, path):
    # type: (List[Dict[str, Any]], str) -> List[Tuple[Tuple[str, str], List[str]]]
    wanted = []  # type: List[Tuple[Tuple[str, str], List[str]]]
    seen = set()
    for item in options:
        section, option = _text(item['section']), _text(item['option']).replace('-', '_')
        for name, kind in ((section, 'section'), (option, 'option')):
            if not name.strip() or name != name.strip() or re.search('[\r\n]', name):
                raise GlanceError('%s: %r is no name of %s that oslo.config could read.' % (path, name, kind))
        if option[0] in '[#;' or re.search('[:=]', option):
            raise GlanceError('%s: %r is no name of an option that oslo.config could read.' % (path, option))
        if (NEWEST.group(section), option) in seen:
            raise GlanceError('%s: %s/%s is given twice. Give an option of several values once, with all of them in '
                              'values.' % (path, section, option))
        seen.add((NEWEST.group(section), option))
        if item.get('state') == 'absent':
            values = []
            if option != _text(item['option']):  # a misspelt line, which oslo.config does not read, may go, too
                wanted.append(((section, _text(item['option'])), []))
        elif 'values' in item and item['values'] is not None:
            values = [_text(value) for value in item['values']]
        else:
            values = [_text(item['value'])]
        wanted.append(((section, option), values))
    return wanted


def _text(value):
    # type: (Any) -> str
    """Python 2's modules get their arguments as bytes."""
    return value.decode('utf-8') if isinstance(value, bytes) else value


def _verify(before, after, wanted, dialect, path):
    # type: (Parsed, Parsed, List[Tuple[Tuple[str, str], List[str]]], Dialect, str) -> None
    expected = before.raws()
    for (section, option), values in wanted:
        expected[dialect.key(section), option] = values
    expected = dict((key, values) for key, values in expected.items() if values)
    found = after.raws()
    for group, option in sorted(set(expected) | set(found)):
        if expected.get((group, option)) != found.get((group, option)):
            raise GlanceError(
                '%s: the file cannot be changed so that oslo.config %s reads %s/%s as it should; it would read %d values '
                'in place of %d, or others. Nothing was written. Look for unusual white space, carriage returns alone or '
                'control characters in the file and in the new value.' % (
                    path, 'on Python 2' if dialect.bytes else 'on Python 3', group, option,
                    len(found.get((group, option), ())), len(expected.get((group, option), ()))),
                path=path, section=group, option=option)


class _File:
    """The lines of a file and what becomes of them.

    New lines come without an end and get the file's own; the last line of a file that does not end in one stays so.
    """

    def __init__(self, data, dialect, parsed):
        # type: (bytes, Dialect, Parsed) -> None
        self.dialect = dialect
        self.parsed = parsed
        self.lines = _LINES[dialect.bytes].findall(data)  # type: List[bytes]
        self.kept = list(self.lines)  # type: List[Optional[bytes]]
        self.added = {}  # type: Dict[int, List[bytes]]
        self.new_sections = []  # type: List[Tuple[str, List[bytes]]]
        self.commented = {}  # type: Dict[bytes, List[Tuple[bool, int]]]
        for number, line in enumerate(self.lines, 1):
            match = _COMMENTED.match(line)
            if match:
                self.commented.setdefault(match.group(2), []).append((not match.group(1), number))
        self.newline = next((_end(line) for line in self.lines if _end(line)), b'\n')

    def data(self):
        # type: () -> bytes
        pieces = []  # type: List[bytes]
        for number, line in enumerate(self.kept, 1):
            if line is not None:
                pieces.append(line)
            pieces.extend(self.added.get(number, []))
        for name, lines in self.new_sections:
            if pieces and pieces[-1].strip():
                pieces.append(b'')
            pieces.append(b'[' + to_bytes(name) + b']')
            pieces.extend(lines)
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            if not _end(piece) and not (last and self.lines and not _end(self.lines[-1])):
                pieces[index] = piece + self.newline
        return b''.join(pieces)

    def set(self, section, option, values):
        # type: (str, str, List[str]) -> None
        group = self.dialect.key(section)
        entries = [entry for entry in self.parsed.entries if (entry.group, entry.option) == (group, option)]
        if entries:
            self._replace(entries, values)
        elif values:
            lines = [line for value in values for line in _render(option + ' = ', value)]
            self._insert(section, group, option, lines)

    # an option that is there

    def _replace(self, entries, values):
        # type: (List[Entry], List[str]) -> None
        """Bring the values of an option to those wanted, and touch no line that is right already."""
        matcher = difflib.SequenceMatcher(None, [entry.raw for entry in entries], values, autojunk=False)
        for _tag, first, last, start, stop in matcher.get_opcodes():
            if _tag == 'equal':
                continue
            old, new = entries[first:last], values[start:stop]
            # Of several values oslo.config takes the last of a single-valued option: that line stays.
            surplus = max(len(old) - len(new), 0)
            for entry in old[:surplus]:
                self._remove(entry)
            for entry, value in zip(old[surplus:], new):
                self._rewrite(entry, value)
            place = old[-1].last if old else entries[first - 1].last if first else entries[0].line - 1
            prefix, indent = self._style(old[-1] if old else entries[max(first - 1, 0)])
            end = _end(self.lines[entries[0].line - 1])
            for value in new[len(old):]:
                self._add(place, _render(prefix, value, indent), end)

    def _remove(self, entry):
        # type: (Entry) -> None
        for number in range(entry.line, entry.last + 1):
            self.kept[number - 1] = None

    def _rewrite(self, entry, value):
        # type: (Entry, str) -> None
        end = _end(self.lines[entry.line - 1])
        prefix, indent = self._style(entry)
        self._remove(entry)
        lines = _render(prefix, value, indent)
        self.added.setdefault(entry.last, [])[:0] = [line + end for line in lines]

    def _style(self, entry):
        # type: (Entry) -> Tuple[bytes, bytes]
        """How the entry is written: all up to its value, and the indentation of the lines that follow."""
        prefix, space = _ASSIGNMENT.findall(self.lines[entry.line - 1])[0]
        if not space and prefix[-2:-1] in (b' ', b'\t'):
            space = b' '
        indent = b'    '
        if entry.last > entry.line:
            indent = self.lines[entry.line][:-len(self.lines[entry.line].lstrip(b' \t'))]
        return prefix + space, indent

    # an option that is not there yet

    def _insert(self, section, group, option, lines):
        # type: (str, str, str, List[bytes]) -> None
        place = self._commented_default(group, option) or self._end_of_section(group)
        if place:
            self._add(place, lines)
            return
        for name, added in self.new_sections:
            if self.dialect.key(name) == group:
                added.extend(lines)
                return
        self.new_sections.append((section, lines))

    def _add(self, number, lines, end=None):
        # type: (int, List[bytes], Optional[bytes]) -> None
        end = _end(self.lines[number - 1]) if end is None else end
        self.added.setdefault(number, []).extend(line + end for line in lines)

    def _blocks(self, group):
        # type: (str) -> List[Tuple[int, int]]
        """The first line of each section of that name, and the line of the section after it (or that after the last)."""
        starts = [section.line for section in self.parsed.sections] + [len(self.lines) + 1]
        return [(section.line, starts[index + 1]) for index, section in enumerate(self.parsed.sections)
                if section.group == group]

    def _commented_default(self, group, option):
        # type: (str, str) -> Optional[int]
        """The line ``#option = x``, as in oslo.config's samples; ``# option = x`` (prose, perhaps) only without one."""
        blocks = self._blocks(group)
        found = [(exact, number) for exact, number in self.commented.get(to_bytes(option), ())
                 if any(start < number < stop for start, stop in blocks)]
        return max(found)[1] if found else None

    def _end_of_section(self, group):
        # type: (str) -> Optional[int]
        """The last line of the last such section, before a comment that belongs to the section below."""
        blocks = self._blocks(group)
        if not blocks:
            return None
        start, stop = blocks[-1]
        last = self._last_filled(start, stop - 1)
        if last == stop - 1 and stop <= len(self.lines):
            comment = last
            while comment > start and self.lines[comment - 1][:1] in (b'#', b';'):
                comment -= 1
            if comment < last and not self.lines[comment - 1].strip():
                last = self._last_filled(start, comment)
        return last

    def _last_filled(self, start, number):
        # type: (int, int) -> int
        while number > start and not self.lines[number - 1].strip():
            number -= 1
        return number


def _render(prefix, value, indent=b'    '):
    # type: (Any, str, bytes) -> List[bytes]
    """The lines of an assignment, so that oslo.config reads exactly the value."""
    parts = value.split('\n')
    first = parts[0]
    if first != first.strip(UNICODE_SPACE) or (first and first[0] == first[-1] and first[0] in '"\''):
        quote = "'" if '"' in (first[0], first[-1]) else '"'
        first = quote + first + quote
    if '\r' in value:
        raise GlanceError('A value with a carriage return cannot be written: oslo.config would take it for the end of the '
                          'line. Break lines with \\n alone.')
    if sys.maxunicode > 0xffff and any(0xd800 <= ord(character) <= 0xdfff for character in value):
        raise GlanceError('A value that is not valid Unicode cannot be written: a file is UTF-8.')
    for part in parts[1:]:
        if not part or part != part.strip(UNICODE_SPACE):
            raise GlanceError('A value of several lines cannot hold an empty line, nor white space at the start or end of '
                              'its second or a later line: oslo.config would not read them back.')
    head = prefix if isinstance(prefix, bytes) else to_bytes(prefix)
    head += to_bytes(first)
    return [head if first else head.rstrip()] + [indent + to_bytes(part) for part in parts[1:]]


def _end(line):
    # type: (bytes) -> bytes
    for end in (b'\r\n', b'\n', b'\r'):
        if line.endswith(end):
            return end
    return b''
