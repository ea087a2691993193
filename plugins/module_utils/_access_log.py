# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asked for which version of the Images API, read off access logs of any size in bounded memory.

Logs are read in large blocks, and compiled expressions count in them. Only lines that hold a request for a wanted version,
and the first and last line of each block (for the time that it covers), are taken apart.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import calendar
import errno
import io
import itertools
import os
import re
import socket
import stat
import subprocess
import tempfile
import time
import zlib
from collections import namedtuple

try:
    from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

#: Requests of this collection itself say so, and are no sign of a caller.
OWN = 'asked_by=stackops.glance'

BLOCK = 1 << 21
#: Of a longer line, this much around the request is looked at.
LINE = 1 << 16
#: Distinct pairs of client and user agent that are kept for each log; of what comes after them only the number is known.
CLIENTS = 1000
EXAMPLES = 3
#: Dates at the beginning and at the end of a block that are tried in search of a line of an access log.
TRIES = 20
#: From this many requests in a block on, they are counted without taking each line apart.
DENSE = 100
TEXT = 200
#: A service is taken to have been idle, and not its log to be missing, up to this many seconds between two files.
SILENCE = 6 * 3600

#: In place of a version: every request, by the address that connected.
ANY = 0

#: One line, taken apart. The time is in seconds since 1970; the version is 1, 2, ANY or None.
Request = namedtuple('Request', 'format client via user_agent method path version time')
#: What to read: ``unit`` names a journal, else ``path`` a file. Logs of one ``group`` follow each other in time, groups of one
#: ``stream`` hold the same requests twice; ``turn`` is a file's place in a numbered rotation.
Source = namedtuple('Source', 'stream group path unit turn')

_OWN = OWN.encode('ascii')
_MONTHS = dict((name, number) for number, name in enumerate(
    (b'Jan', b'Feb', b'Mar', b'Apr', b'May', b'Jun', b'Jul', b'Aug', b'Sep', b'Oct', b'Nov', b'Dec'), 1))
# A path may be a whole URL (HTTP/2 through haproxy) and may have a prefix ("/image/v1").
_VERSION = re.compile(br'(?:https?://[^/]*)?(?:/[\w.~-]+){0,3}?/v([12])(?:\.\d+)?(?=[/?]|$)/?([^/?]*)')
#: What the versions offer. Other services have a /v1 and a /v2 too, and the log of a balancer or web server may hold theirs.
_RESOURCES = {
    1: (b'images', b'shared-images', b'cached_images', b'queued_images'),
    2: (b'images', b'schemas', b'tasks', b'metadefs', b'info', b'discovery', b'stores', b'cache', b'cached_images',
        b'queued_images'),
}

_DAY = br'\[(\d\d)/([A-Z][a-z][a-z])/(\d{4})'
# eventlet: [20/Nov/2026 22:02:32]; gunicorn, nginx and Apache: [20/Nov/2026:22:02:32 +0000]. JSON has escaped quotes.
_QUOTED = re.compile(_DAY + br'([: ])(\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?\] \\?"([A-Z]+) ([^ "\\]*)[^"]*"(.*)')
_HAPROXY = re.compile(_DAY + br'(:)(\d\d):(\d\d):(\d\d)\.\d{3}(?: ([+-]\d{4}))?\] (\S+) ([^ /]+)/\S+ [^"]*?\\?"([A-Z]+) ([^ "\\]*)')
_UWSGI = re.compile(br'\[[A-Z][a-z][a-z] ([A-Z][a-z][a-z]) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})\] ([A-Z]+) (\S+) =>')
_UWSGI_CLIENT = re.compile(br'\] (\S*) \([^)]*\) \{\d+ vars')
_AGENT = re.compile(br' \d{3} (?:\d+|-) \\?"[^"]*" \\?"((?:[^"\\]|\\.)*)"')
_DATE = re.compile(br'\[(?:\d\d/[A-Z][a-z][a-z]/\d{4}|[A-Z][a-z][a-z] [A-Z][a-z][a-z] [ \d]\d )')

# What a block is searched for. An expression with a literal beginning is as quick as a plain search: measure before a change.
_SEARCHES = {(ANY,): _DATE, (1,): re.compile(br'/v1[/.? \\"]'), (2,): re.compile(br'/v2[/.? \\"]'), (1, 2): re.compile(br'/v[12][/.? \\"]')}
_BEFORE_PATH = frozenset(b'] "' + method + b' ' for method in (b'GET', b'HEAD', b'POST', b'PUT', b'PATCH', b'DELETE'))
# In lines of no known format: what would be a request for v1 if it were in one.
_SUSPECT = re.compile(br'/v1(?:\.\d)?/(?:shared-|cached_|queued_)?images[^\n]{0,4096}')

_COMPRESSED = ((b'BZh', 'bzip2'), (b'\xfd7zXZ', 'xz'), (b'\x28\xb5\x2f\xfd', 'zstd'), (b'\x04\x22\x4d\x18', 'lz4'))


# -- one line -----------------------------------------------------------------------------------------------------


class Parser(object):
    """Takes lines apart. What it has seen of dates and clients it remembers, within bounds."""

    def __init__(self, frontends=()):
        # type: (Iterable[str]) -> None
        self.frontends = set(name.encode('utf-8', 'replace') for name in frontends)
        self._minutes = {}  # type: Dict[Any, Optional[float]]
        self._clients = {}  # type: Dict[bytes, Tuple[str, Optional[str]]]

    def parse(self, line):
        # type: (bytes) -> Optional[Request]
        """The request that a line tells of; None for any other line."""
        match = _QUOTED.search(line)
        if match:
            day, month, year, kind, hour, minute, second, zone, method, path, rest = match.groups()
            name = 'eventlet' if kind == b' ' else 'combined'
            words = line[:match.start()].rsplit(None, 3)
            if len(words) < 3:
                return None
            client = words[-3].rpartition(b'"')[2]
            return self._request(name, client, (year, month, day, hour, minute), second, zone, method, path, rest)
        match = _HAPROXY.search(line)
        if match:
            day, month, year, kind, hour, minute, second, zone, frontend, backend, method, path = match.groups()
            if self.frontends and not self.frontends & set((frontend.rstrip(b'~'), backend)):
                method = path = b''  # another service's; its line still tells that the log goes on
            client = line[:match.start()].rstrip().rpartition(b' ')[2].rpartition(b'"')[2].rpartition(b':')[0]
            return self._request('haproxy', client, (year, month, day, hour, minute), second, zone, method, path, b'')
        match = _UWSGI.search(line)
        if match:
            month, day, hour, minute, second, year, method, path = match.groups()
            found = _UWSGI_CLIENT.search(line[:match.start()])
            client = found.group(1) if found else b''
            return self._request('uwsgi', client, (year, month, day, hour, minute), second, None, method, path, b'')
        return None

    def _request(self, name, client, minute, second, zone, method, path, rest):
        # type: (str, bytes, Tuple[bytes, ...], bytes, Optional[bytes], bytes, bytes, bytes) -> Optional[Request]
        start = self._start_of(minute, zone)
        if start is None:
            return None
        if client not in self._clients:
            if len(self._clients) > 10 * CLIENTS:
                self._clients.clear()
            self._clients[client] = _client(client)
        version = None
        match = _VERSION.match(path)
        if match and _OWN not in path:
            version = int(match.group(1))
            if name in ('haproxy', 'combined') and match.group(2) not in _RESOURCES[version]:
                version = None
        agent = _AGENT.match(rest) if name == 'combined' else None
        text = clean(agent.group(1)) if agent and agent.group(1) not in (b'', b'-') else None
        address, via = self._clients[client]
        return Request(name, address, via, text, method, path, version, start + int(second))

    def _start_of(self, minute, zone):
        # type: (Tuple[bytes, ...], Optional[bytes]) -> Optional[float]
        """A minute in seconds since 1970. Servers that write no zone write the host's own time."""
        key = minute + (zone,)
        if key not in self._minutes:
            if len(self._minutes) > 100000:
                self._minutes.clear()
            self._minutes[key] = _epoch(minute, zone)
        return self._minutes[key]


def _epoch(minute, zone):
    # type: (Tuple[bytes, ...], Optional[bytes]) -> Optional[float]
    year, month, day, hour, minutes = minute
    if month not in _MONTHS or not 1 <= int(day) <= 31 or int(hour) > 23 or int(minutes) > 59 or int(year) < 1970:
        return None
    parts = (int(year), _MONTHS[month], int(day), int(hour), int(minutes), 0)
    if zone is None:
        try:
            return time.mktime(parts + (0, 0, -1))
        except (ValueError, OverflowError):  # a year that this host's C library does not know
            return None
    offset = int(zone[1:3]) * 3600 + int(zone[3:5]) * 60
    return float(calendar.timegm(parts + (0, 0, 0)) - (offset if zone[:1] == b'+' else -offset))


def _client(token):
    # type: (bytes) -> Tuple[str, Optional[str]]
    """The caller, and the proxy that it came through. eventlet writes the X-Forwarded-For list before the peer."""
    parts = [part for part in token.split(b',') if part]
    for part in parts:
        address = _address(part)
        if address:
            return address, _address(parts[-1]) if len(parts) > 1 else None
    return (clean(parts[0]) if parts else '') or '-', None


def _address(token):
    # type: (bytes) -> Optional[str]
    text = token[:64].decode('ascii', 'replace').strip('[]').partition('%')[0]
    if text.lower().startswith('::ffff:') and '.' in text:
        text = text[7:]
    for candidate in (text, text.rpartition(':')[0].strip('[]')):  # some proxies add the port
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                return str(socket.inet_ntop(family, socket.inet_pton(family, str(candidate))))
            except (socket.error, ValueError, UnicodeError):
                continue
    return None


def clean(data):
    # type: (bytes) -> str
    """Text of others' making, harmless: of bounded length, one line, without control characters."""
    text = data[:4 * TEXT].decode('utf-8', 'replace')
    # Beyond the control characters: what turns the direction of text around, and the ends of lines that Unicode knows.
    text = re.sub(u'[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]', u'\ufffd', text)
    return text[:TEXT]


# -- what is kept -------------------------------------------------------------------------------------------------


class Tally(object):
    """Requests by client and user agent, and in all."""

    def __init__(self):
        # type: () -> None
        self.versions = {ANY: 0, 1: 0, 2: 0}
        self.callers = {}  # type: Dict[Tuple[str, Optional[str]], Dict[str, Any]]
        self.truncated = False

    def add(self, request, number=1):
        # type: (Request, int) -> None
        self.versions[request.version] += number
        key = (request.client, request.user_agent)
        caller = self.callers.get(key)
        if caller is None:
            if len(self.callers) >= CLIENTS:
                self.truncated = True
                return
            caller = self.callers[key] = {'requests': {ANY: 0, 1: 0, 2: 0}, 'first': request.time, 'last': request.time,
                                          'examples': [], 'via': request.via}
        caller['requests'][request.version] += number
        if request.time > caller['last']:
            caller['last'] = request.time
        elif request.time < caller['first']:
            caller['first'] = request.time
        if request.version != 2 and len(caller['examples']) < EXAMPLES:
            example = (request.method, request.path[:4 * TEXT])
            if example not in caller['examples']:
                caller['examples'].append(example)

    def merge(self, other, how):
        # type: (Tally, Any) -> None
        """Take in another log: ``how`` is _plus for other requests, max for the same ones written down twice."""
        for version, number in other.versions.items():
            self.versions[version] = how(self.versions[version], number)
        self.truncated = self.truncated or other.truncated
        for key, theirs in other.callers.items():
            ours = self.callers.get(key)
            if ours is None:
                if len(self.callers) >= CLIENTS:
                    self.truncated = True
                    continue
                self.callers[key] = dict(theirs, requests=dict(theirs['requests']), examples=list(theirs['examples']))
                continue
            for version, number in theirs['requests'].items():
                ours['requests'][version] = how(ours['requests'][version], number)
            ours['first'], ours['last'] = min(ours['first'], theirs['first']), max(ours['last'], theirs['last'])
            ours['examples'] = (ours['examples'] + [each for each in theirs['examples']
                                                    if each not in ours['examples']])[:EXAMPLES]
            ours['via'] = ours['via'] or theirs['via']


def _plus(one, other):
    # type: (int, int) -> int
    return one + other


# -- one log ------------------------------------------------------------------------------------------------------


class Reader(object):
    """Reads one log after the other into tallies."""

    def __init__(self, versions=(1,), since=None, frontends=(), now=None):
        # type: (Iterable[int], Optional[float], Iterable[str], Optional[float]) -> None
        self.wanted = tuple(sorted(set(versions)))
        self.pattern = _SEARCHES[self.wanted]
        self.since = since
        self.now = time.time() if now is None else now
        self.parser = Parser(frontends)
        self.tallies = {}  # type: Dict[Tuple[str, str], Tally]
        self.files = []  # type: List[Dict[str, Any]]
        self._seen = set()  # type: Set[Tuple[int, int]]

    def read(self, source):
        # type: (Source) -> None
        """Read one log; what goes wrong is said with it, and what could be read until then counts."""
        log = {'path': source.path, 'format': None, 'from': None, 'to': None, 'requests': 0, 'unreadable': 0,
               'error': None, 'source': source}  # type: Dict[str, Any]
        tally = Tally()
        try:
            for block in _blocks(_journal(source.unit, self.since)) if source.unit else self._file(source.path):
                self._block(block, block.rfind(b'\n') + 1 or len(block), log, tally)
        except _Skip:
            return
        except (EnvironmentError, zlib.error, _Unreadable) as error:
            log['error'] = _said(error)
        if source.unit and not log['format'] and not log['error'] and not log['unreadable']:
            return  # the journal of a unit that writes its log elsewhere
        log['requests'] = sum(tally.versions.values())
        self.files.append(log)
        stream = 'proxy' if log['format'] == 'haproxy' else source.stream
        self.tallies.setdefault((stream, source.group), Tally()).merge(tally, _plus)
        log['stream'] = stream

    def _file(self, path):
        # type: (str) -> Iterator[bytes]
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise _Unreadable('It is a directory. Name the files in it, as in %s/*.log*.' % path.rstrip('/'))
        if not stat.S_ISREG(status.st_mode):
            raise _Unreadable('It is no regular file.')
        # A log that is rotated meanwhile comes along twice, under two names.
        if (status.st_dev, status.st_ino) in self._seen or (self.since is not None and status.st_mtime < self.since - SILENCE):
            raise _Skip()
        self._seen.add((status.st_dev, status.st_ino))
        stream = io.open(path, 'rb', buffering=0)
        head = stream.read(8)
        for magic, name in _COMPRESSED:
            if head.startswith(magic):
                stream.close()
                raise _Unreadable('It is packed with %s, which is not read. Unpack it and read it as plain text or gzip.' % name)
        stream.seek(0)
        return _blocks(_unpacked(stream)) if head.startswith(b'\x1f\x8b') else _whole_lines(stream)

    def _block(self, block, size, log, tally):
        # type: (bytes, int, Dict[str, Any], Tally) -> None
        first = self._first(block, size)
        last = None if first is None else self._last(block, size)
        lines = [line for line in (first, last) if line is not None]
        for line in lines:
            log['format'] = log['format'] or line.format
            if line.time < self.now + 86400:  # a clock that was wrong vouches for nothing
                log['from'] = line.time if log['from'] is None else min(log['from'], line.time)
                log['to'] = line.time if log['to'] is None else max(log['to'], line.time)
        if not lines and log['format'] is None and b'\0' in block[:4096]:
            raise _Unreadable('It is binary, and no log.')
        if self.since is not None and lines and max(line.time for line in lines) < self.since - SILENCE:
            return
        whole = self.since is None or bool(lines) and min(line.time for line in lines) >= self.since
        dense = whole and self.wanted != (ANY,) and all(line.format == 'eventlet' for line in lines)
        position = 0
        for number in itertools.count():
            if number == DENSE and dense and _OWN not in block:
                self._dense(block, position, size, log, tally)
                return
            match = self.pattern.search(block, position, size)
            if match is None:
                return
            start, position = _line(block, match)
            self._request(block[start:position], log, tally)

    def _dense(self, block, position, size, log, tally):
        # type: (bytes, int, int, Dict[str, Any], Tally) -> None
        """The rest of a block of eventlet's in which many lines count: of each client only the first and the last of them are
        taken apart. A line that is any different goes the long way."""
        clients = {}  # type: Dict[bytes, List[Any]]
        before, done = block.rfind, -1
        for match in self.pattern.finditer(block, position, size):
            path = match.start()
            date = before(b' - - [', path - 48 if path > 48 else 0, path)
            if date > done and block[date + 26:path] in _BEFORE_PATH:
                client = block[before(b' ', date - 1024 if date > 1024 else 0, date):date] + block[path:path + 3]
                row = clients.get(client)
                if row is not None:
                    row[0] += 1
                    row[2] = match
                    done = path
                    continue
                if len(clients) < CLIENTS and b'\n' not in client:
                    clients[client] = [1, match, match]
                    done = path
                    continue
            start, stop = _line(block, match)
            if start > done:  # else it is the same line once more
                self._request(block[start:stop], log, tally)
                done = path
        for number, first, last in clients.values():
            start, stop = _line(block, first)
            end, limit = _line(block, last)
            lines = [block[start:stop], block[end:limit]]
            if self.parser.parse(lines[0]) is None:
                lines.reverse()
            self._request(lines[0], log, tally, number)
            self._request(lines[1], log, tally, 0)

    def _request(self, line, log, tally, number=1):
        # type: (bytes, Dict[str, Any], Tally, int) -> None
        request = self.parser.parse(line)
        if request is None:
            log['unreadable'] += number * _looks_like_v1(line)
            return
        if self.wanted == (ANY,):
            # A balancer's log tells of its own clients. What connected to Glance itself is the last address of a list.
            if request.format == 'haproxy' or _OWN in request.path:
                return
            request = request._replace(client=request.via or request.client, via=None, user_agent=None, version=ANY)
        if request.version in self.wanted and not (self.since is not None and request.time < self.since):
            tally.add(request, number)

    def _first(self, block, size):
        # type: (bytes, int) -> Optional[Request]
        return self._any(block, itertools.islice(_DATE.finditer(block, 0, size), TRIES))

    def _last(self, block, size):
        # type: (bytes, int) -> Optional[Request]
        for start in (max(0, size - LINE // 4), 0):
            found = self._any(block, list(_DATE.finditer(block, start, size))[:-TRIES - 1:-1])
            if found is not None:
                return found
        return None

    def _any(self, block, dates):
        # type: (bytes, Iterable[Any]) -> Optional[Request]
        for match in dates:
            start, stop = _line(block, match)
            request = self.parser.parse(block[start:stop])
            if request is not None:
                return request
        return None

    # -- all of them together --

    def result(self):
        # type: () -> Dict[str, Any]
        served, proxied = Tally(), Tally()
        for stream in sorted(set(stream for stream, _group in self.tallies)):
            one = Tally()
            for (name, _group), tally in sorted(self.tallies.items(), key=lambda item: item[0]):
                if name == stream:
                    one.merge(tally, max)  # a file and the journal of the same unit
            (proxied if stream == 'proxy' else served).merge(one, _plus)
        served.merge(proxied, max)  # the balancer and Glance write down the same request
        covered, judged = self._covered()
        callers = [{
            'client': client, 'user_agent': agent, 'via': caller['via'], 'first': iso(caller['first']),
            'last': iso(caller['last']), 'examples': [clean(b' '.join(example)) for example in caller['examples']],
            'requests': dict((_named(version), caller['requests'][version]) for version in self.wanted),
        } for (client, agent), caller in served.callers.items()]
        callers.sort(key=lambda each: ([-each['requests'][_named(version)] for version in self.wanted], each['client'],
                                       each['user_agent'] or ''))
        return {
            'span': {'from': iso(covered[0][0]), 'to': iso(covered[-1][1])} if covered else None,
            'covered': [{'from': iso(start), 'to': iso(end)} for start, end in covered],
            'covered_days': round(sum(end - start for start, end in covered) / 86400.0, 3),
            'judged_by': judged,
            'files': [{
                'path': log['path'], 'format': log['format'], 'from': iso(log['from']), 'to': iso(log['to']),
                'requests': log['requests'], 'unreadable': log['unreadable'], 'error': log['error'],
            } for log in self.files],
            'versions': dict((_named(version), served.versions[version]) for version in self.wanted),
            'callers': callers,
            'truncated': served.truncated,
        }

    def _covered(self):
        # type: () -> Tuple[List[Tuple[float, float]], Optional[str]]
        """The spans of time that the logs vouch for: Glance's own, or the balancer's where Glance has none."""
        streams = {}  # type: Dict[str, Dict[str, List[Any]]]
        for log in self.files:
            if log['from'] is not None:
                streams.setdefault(log['stream'], {}).setdefault(log['source'].group, []).append(log)
        proxies = streams.pop('proxy', None)
        judged = 'glance' if streams else 'proxy' if proxies else None
        covered = None  # type: Optional[List[Tuple[float, float]]]
        for groups in streams.values() or [proxies or {}]:
            spans = _union(span for logs in groups.values() for span in _chain(logs))
            covered = spans if covered is None else _common(covered, spans)
        now = self.now
        found = [(start, now if now - SILENCE < end else end) for start, end in covered or [] if start < now]
        if self.since is not None:
            found = [(max(start, self.since), end) for start, end in found if end > self.since]
        return found, judged


def _chain(logs):
    # type: (List[Dict[str, Any]]) -> Iterator[Tuple[float, float]]
    """Files of one rotation, joined where one follows the other. A number that is missing is a hole of any length."""
    start, end, turn = None, 0.0, None  # type: Optional[float], float, Optional[int]
    for log in sorted(logs, key=lambda each: (each['from'], each['to'])):
        missing = turn is not None and log['source'].turn is not None and turn - log['source'].turn > 1
        if start is not None and log['from'] - end > (0 if missing else SILENCE):
            yield start, end
            start = None
        start = log['from'] if start is None else start
        end, turn = max(end, log['to']), log['source'].turn
    if start is not None:
        yield start, end


def _union(spans):
    # type: (Iterable[Tuple[float, float]]) -> List[Tuple[float, float]]
    found = []  # type: List[Tuple[float, float]]
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _common(one, other):
    # type: (List[Tuple[float, float]], List[Tuple[float, float]]) -> List[Tuple[float, float]]
    both = [(max(a[0], b[0]), min(a[1], b[1])) for a in one for b in other]
    return _union((start, end) for start, end in both if start < end)


def iso(seconds):
    # type: (Optional[float]) -> Optional[str]
    if seconds is None:
        return None
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seconds))


def _named(version):
    # type: (int) -> str
    return 'v%d' % version if version else 'any'


def _line(block, match):
    # type: (bytes, Any) -> Tuple[int, int]
    """The line around a match; of one that is too long, what is near."""
    start = block.rfind(b'\n', max(0, match.start() - LINE), match.start()) + 1 or max(0, match.start() - LINE)
    stop = block.find(b'\n', match.end() - 1, match.end() + LINE)
    return start, stop if stop >= 0 else min(match.end() + LINE, len(block))


def _looks_like_v1(line):
    # type: (bytes) -> bool
    found = _SUSPECT.search(line)
    return found is not None and b'HTTP/' in found.group(0) and _OWN not in line


# -- where the bytes come from ------------------------------------------------------------------------------------


class _Unreadable(Exception):
    """Says why a log is not read."""


class _Skip(Exception):
    """The log is read already, or holds nothing of the time asked for."""


def _said(error):
    # type: (Exception) -> str
    if isinstance(error, EnvironmentError):
        if error.errno == errno.EACCES:
            return 'It cannot be read: %s. Should the task become root?' % os.strerror(error.errno)
        return 'It cannot be read: %s.' % (os.strerror(error.errno) if error.errno else error)
    if isinstance(error, zlib.error):
        return 'Its gzip data is damaged (%s); what comes after that place was not read.' % error
    return str(error)


def _whole_lines(stream):
    # type: (Any) -> Iterator[bytes]
    """Blocks of a plain file. What follows the last line in one is read again with the next: cheaper than to copy it."""
    with stream:
        for block in iter(lambda: stream.read(BLOCK), b''):
            cut = block.rfind(b'\n') + 1
            if 0 < cut < len(block):
                stream.seek(cut - len(block), 1)
            yield block


def _blocks(stream):
    # type: (Iterator[bytes]) -> Iterator[bytes]
    """Whole lines, about a block of them at a time; a line that is longer than that comes in pieces."""
    rest = b''
    for data in stream:
        cut = data.rfind(b'\n') + 1
        if cut == 0 and len(rest) + len(data) < BLOCK:
            rest += data
            continue
        yield rest + data[:cut or len(data)]
        rest = data[cut:] if cut else b''
    if rest:
        yield rest


def _unpacked(stream):
    # type: (Any) -> Iterator[bytes]
    """gzip, of any number of members. Raises once everything that can be unpacked has been."""
    decoder = zlib.decompressobj(31)
    with stream:
        for data in iter(lambda: stream.read(BLOCK // 4), b''):
            while data:
                out = decoder.decompress(data, BLOCK)
                if out:
                    yield out
                data = decoder.unconsumed_tail
                if decoder.unused_data:  # the next member, or padding
                    data = decoder.unused_data.lstrip(b'\0')
                    if data:
                        decoder = zlib.decompressobj(31)
    # Python 2.7 does not tell whether the data has come to its end: if so, a byte more is none of the decoder's.
    probe = decoder.copy()
    try:
        probe.decompress(b'\0')
    except zlib.error:
        pass
    whole = bool(probe.unused_data)
    rest = decoder.flush()
    if rest:
        yield rest
    if not whole:
        raise _Unreadable('Its gzip data ends too early, as that of a file which was cut off; what came before counts.')


def _journal(unit, since):
    # type: (str, Optional[float]) -> Iterator[bytes]
    """The messages of a unit. Each access line has its own date, so that the journal's is not needed."""
    command = ['journalctl', '--quiet', '--no-pager', '--output=cat', '--unit=' + unit]
    if since is not None:
        command.append('--since=' + time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(since - SILENCE)))
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                       close_fds=True, env=dict(os.environ, LC_ALL='C'))
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise _Skip()  # a host without a journal
            raise
        process.stdin.close()  # type: ignore[union-attr]
        try:
            data = process.stdout.read(BLOCK)  # type: ignore[union-attr]
            while data:
                yield data
                data = process.stdout.read(BLOCK)  # type: ignore[union-attr]
        finally:
            if process.poll() is None:
                process.terminate()
            process.stdout.close()  # type: ignore[union-attr]
            process.wait()
        errors.seek(0)
        said = clean(b' '.join(errors.read(4096).split()))
        if process.returncode and said:
            raise _Unreadable('journalctl failed (%d): %s' % (process.returncode, said))
