# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs from time to time and would go unnoticed in a list of units: cron jobs, and services that timers start."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import io
import os
import re

try:
    from typing import Any, Dict, Iterator, List, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

PROGRAMS = ('glance-scrubber', 'glance-cache-prefetcher', 'glance-cache-cleaner', 'glance-cache-pruner',
            'glance-cache-manage', 'glance-replicator')
CRON_FILES = ('/etc/crontab', '/etc/anacrontab')
CRON_DIRECTORIES = ('/etc/cron.d', '/etc/cron.hourly', '/etc/cron.daily', '/etc/cron.weekly', '/etc/cron.monthly',
                    '/var/spool/cron/crontabs', '/var/spool/cron')
UNIT_DIRECTORIES = ('/etc/systemd/system', '/run/systemd/system', '/run/systemd/transient',
                    '/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system')
#: A larger file is no script that somebody wrote for cron.
LARGEST = 1 << 18

_PROGRAM = re.compile(r'(?<![\w-])(%s)(?![\w-])' % '|'.join(PROGRAMS))
# A request for v1 in so many words, and clients that are told to speak it.
_V1 = re.compile(r'/v1(?:\.\d)?/(?:shared-|cached_|queued_)?images(?![\w-])|--os-image-api-version[= ]["\']?1(?![\d.])|'
                 r'OS_IMAGE_API_VERSION=["\']?1(?![\d.])')


def find():
    # type: () -> List[Dict[str, Any]]
    """Lines that run one of Glance's programs or speak v1: ``file``, ``line``, ``program`` and ``calls_v1``.

    ``calls_v1`` is true where the line itself says v1. Which of the programs speak it, the release decides.
    """
    found = []  # type: List[Dict[str, Any]]
    scripts = []  # type: List[str]
    for path, is_unit in _files():
        for number, line in _lines(path):
            if is_unit and not re.match(r'\s*Exec\w+\s*=', line):
                continue
            _look(path, number, line, found)
            scripts.extend(re.findall(r'(?<![\w/.-])/[\w./+-]+', line))
    looked = set(path for path, _is_unit in _files())
    for script in [os.path.realpath(script) for script in scripts]:
        if script in looked:
            continue
        looked.add(script)
        if os.path.basename(script) in PROGRAMS or not _is_script(script):
            continue
        for number, line in _lines(script):
            _look(script, number, line, found)
    return found


def _look(path, number, line, found):
    # type: (str, int, str, List[Dict[str, Any]]) -> None
    v1 = _V1.search(line)
    programs = sorted(set(_PROGRAM.findall(line)))
    for program in programs or ([os.path.basename(path)] if v1 else []):
        found.append({'file': path, 'line': number, 'program': program, 'calls_v1': bool(v1)})


def _lines(path):
    # type: (str) -> Iterator[Tuple[int, str]]
    """The lines of a text file, less their comments."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > LARGEST:
            return
        with io.open(path, encoding='utf-8', errors='replace') as stream:
            for number, line in enumerate(stream, 1):
                yield number, re.sub(r'(^|\s)#.*', '', line)
    except EnvironmentError:  # gone meanwhile, or nobody's to read
        return


def _is_script(path):
    # type: (str) -> bool
    try:
        if not os.path.isfile(path):
            return False
        with io.open(path, 'rb') as stream:
            return stream.read(2) == b'#!' or path.endswith(('.sh', '.py', '.pl', '.rb'))
    except EnvironmentError:
        return False


def _files():
    # type: () -> Iterator[Tuple[str, bool]]
    """Crontabs and scripts of cron, then services of timers that are switched on."""
    for path in CRON_FILES:
        yield path, False
    for directory in CRON_DIRECTORIES:
        if os.path.isdir(directory):
            for name in sorted(os.listdir(directory)):
                yield os.path.join(directory, name), False
    seen = set()
    for directory in UNIT_DIRECTORIES:
        transient = glob.glob(os.path.join(directory, '*.timer')) if directory.endswith('/transient') else []
        for timer in sorted(glob.glob(os.path.join(directory, '*.wants', '*.timer')) + transient):
            name = os.path.basename(timer)
            if name not in seen:
                seen.add(name)
                for path in _services(timer, name):
                    yield path, True


def _services(timer, name):
    # type: (str, str) -> List[str]
    """The files that say what a timer's service runs."""
    service = re.sub(r'timer$', 'service', name)
    for _number, line in _lines(timer):
        match = re.match(r'\s*Unit\s*=\s*(\S+)', line)
        service = match.group(1) if match else service
    for wanted in (service, re.sub(r'@[^@]*\.service$', '@.service', service)):
        for directory in UNIT_DIRECTORIES:
            path = os.path.join(directory, wanted)
            if os.path.exists(path):
                return [path] + sorted(glob.glob(path + '.d/*.conf'))
    return []
