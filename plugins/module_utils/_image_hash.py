# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Glance has recorded of an image's data, and what is wrong with data that was read.

The multihash (``os_hash_algo``, ``os_hash_value``) is there from Glance 17.0.0 (Rocky) on and never filled in later; what was
stored before has an MD5 (``checksum``) alone, and what was registered by its location may have neither.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import threading
from collections import namedtuple

try:
    from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

BLOCK = 1 << 20
#: What copies are compared by where nothing is recorded.
USUAL = 'sha512'
#: Statuses of images whose data can be read.
STORED = ('active', 'deactivated')

#: What was read: how many bytes, and their hash by the algorithm.
Read = namedtuple('Read', 'size algorithm digest')


def recorded(image):
    # type: (Dict[str, Any]) -> Optional[Tuple[str, str]]
    """Algorithm and value that the image's data is to have: its multihash, else its MD5, else None."""
    if image.get('os_hash_algo') and image.get('os_hash_value'):
        return image['os_hash_algo'], image['os_hash_value'].lower()
    if image.get('checksum'):
        return 'md5', image['checksum'].lower()
    return None


def new(algorithm):
    # type: (str) -> Any
    """A hash object; None where this Python has no such algorithm."""
    try:
        return hashlib.new(algorithm)
    except ValueError:
        pass
    try:  # where MD5 is refused as a means of security (FIPS), it is none here
        return hashlib.new(algorithm, usedforsecurity=False)
    except (TypeError, ValueError):
        return None


def finding(kind, image, message, **more):
    # type: (str, Dict[str, Any], str, **Any) -> Dict[str, Any]
    return dict(more, id=kind, image=image['id'], name=image.get('name'), message=message)


def unproven(image):
    # type: (Dict[str, Any]) -> List[Dict[str, Any]]
    """What the record itself lacks to verify the data by."""
    label = described(image)
    found = []
    if image.get('size') is None:
        found.append(finding('size-unknown', image, '%s is %s and has no size.' % (label, image['status'])))
    if not image.get('checksum') and not image.get('os_hash_value'):
        found.append(finding('no-hash', image, '%s has no hash at all: nothing can tell whether its data is right.' % label))
    elif not image.get('os_hash_value'):
        found.append(finding('md5-only', image, '%s has an MD5 and no multihash. Glance never fills it in; only a new image '
                             'with the same data has one.' % label))
    return found


def wrong(image, read, place, **more):
    # type: (Dict[str, Any], Read, str, **Any) -> Optional[Dict[str, Any]]
    """What is wrong with data that was read at a place, None where it is as recorded or nothing is recorded."""
    label = described(image)
    if image.get('size') is not None and read.size != image['size']:
        return finding('size-differs', image, '%s: %s has %d bytes, and %d are recorded.' % (
            label, place, read.size, image['size']), **more)
    known = recorded(image)
    if known and verifiable(image, read) and read.digest != known[1]:
        return finding('hash-differs', image, '%s: %s has %s %s, and %s is recorded.' % (
            label, place, known[0], read.digest, known[1]), **more)
    return None


def verifiable(image, read):
    # type: (Dict[str, Any], Read) -> bool
    """Whether what was read can be held against what is recorded."""
    known = recorded(image)
    return bool(known and read.digest and read.algorithm == known[0])


def described(image):
    # type: (Dict[str, Any]) -> str
    return 'Image %s%s' % (image['id'], ' (%s)' % image['name'] if image.get('name') else '')


def counts(findings):
    # type: (Iterable[Dict[str, Any]]) -> Dict[str, int]
    found = {}  # type: Dict[str, int]
    for each in findings:
        found[each['id']] = found.get(each['id'], 0) + 1
    return found


def in_turn(work, items, parallel, stop):
    # type: (Callable[[Any], Any], List[Any], int, Callable[[], bool]) -> Tuple[List[Any], List[Any]]
    """Do the work on items, ``parallel`` at a time, and begin none once ``stop`` says so: (results, items not begun).

    The first is always done, so that no call is in vain. Results come in the order of the items. The first error of any is
    raised when all that had begun is over.
    """
    results = {}  # type: Dict[int, Any]
    errors = []  # type: List[BaseException]
    lock = threading.Lock()
    begun = []  # type: List[int]

    def run():
        # type: () -> None
        while True:
            with lock:
                number = len(begun)
                if number == len(items) or errors or (begun and stop()):
                    return
                begun.append(number)
            try:
                results[number] = work(items[number])
            except BaseException as error:  # pylint: disable=broad-except
                errors.append(error)

    threads = [threading.Thread(target=run) for _number in range(min(parallel, len(items)))]
    for thread in threads:
        thread.daemon = True
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    rest = [item for number, item in enumerate(items) if number not in results]
    return [results[number] for number in sorted(results)], rest
