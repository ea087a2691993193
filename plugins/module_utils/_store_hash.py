# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of file stores: each copy of an image against what Glance recorded, and against the other stores' copies.

A file store keeps an image in a file of its directory that has the image's id for a name (``glance_store/_drivers/filesystem.py``).
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re
from collections import namedtuple

from ansible_collections.stackops.glance.plugins.module_utils import _image_hash
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Callable, Dict, Iterable, List, Optional
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

_ID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')

Copy = namedtuple('Copy', 'image store path')


def directories(store_paths):
    # type: (Dict[str, Any]) -> Dict[str, List[str]]
    """The directories of each store. Raises GlanceError for one that is none."""
    found = {}
    for store, given in store_paths.items():
        paths = given if isinstance(given, list) else [given]
        for path in paths:
            if not isinstance(path, (type(''), type(u''))) or not os.path.isdir(path):
                raise GlanceError('store_paths says that the store %s lies in %s, and that is no directory on this host. Give '
                                  'its filesystem_store_datadir.' % (store, path))
        found[store] = paths
    return found


def copies(stores):
    # type: (Dict[str, List[str]]) -> List[Copy]
    """Every file that has an image's id for a name."""
    return [Copy(name, store, os.path.join(path, name))
            for store, paths in sorted(stores.items())
            for path in paths
            for name in sorted(os.listdir(path))
            if _ID.match(name) and os.path.isfile(os.path.join(path, name))]


def read(path, image, deadline):
    # type: (str, Dict[str, Any], Callable[[], bool]) -> Optional[_image_hash.Read]
    """Size and hash of a file; no hash where the size is wrong already, None when the time was up."""
    algorithm = (_image_hash.recorded(image) or (_image_hash.USUAL,))[0]
    digest = _image_hash.new(algorithm)
    with open(path, 'rb') as stream:
        size = os.fstat(stream.fileno()).st_size
        if image.get('size') is not None and size != image['size'] or digest is None:
            return _image_hash.Read(size, algorithm, None)
        size = 0
        while True:
            block = stream.read(_image_hash.BLOCK)
            if not block:
                return _image_hash.Read(size, algorithm, digest.hexdigest())
            digest.update(block)
            size += len(block)
            if deadline():
                return None


def work(images, stores):
    # type: (Optional[Dict[str, Dict[str, Any]]], Dict[str, List[str]]) -> Dict[str, Any]
    """What is to be read, and what is wrong without reading; ``images`` None: nothing is known of any."""
    found = copies(stores)
    there = {}  # type: Dict[str, List[Copy]]
    for copy in found:
        there.setdefault(copy.image, []).append(copy)
    findings = []
    if images is not None:
        for copy in found:
            if copy.image not in images:
                findings.append(_image_hash.finding(
                    'file-unknown', {'id': copy.image}, '%s in store %s belongs to no image that was given.' % (
                        copy.path, copy.store), store=copy.store, path=copy.path))
        for image in images.values():
            if image.get('status', 'active') in _image_hash.STORED:
                findings += missing(image, stores, there.get(image['id'], ()))
    wanted = [copy for copy in found if images is None or copy.image in images]
    return {'findings': findings, 'left': [list(copy) for copy in wanted], 'copies': []}


def missing(image, stores, there):
    # type: (Dict[str, Any], Dict[str, List[str]], Iterable[Copy]) -> List[Dict[str, Any]]
    """Stores that hold the image by its record, and have no file of it."""
    held = [store for store in (image.get('stores') or '').split(',') if store in stores]
    return [_image_hash.finding('data-missing', image, '%s: store %s has no file of it in %s.' % (
        _image_hash.described(image), store, ' or '.join(stores[store])), store=store)
        for store in held if store not in [copy.store for copy in there]]


def look(left, images, parallel, deadline, over):
    # type: (List[List[str]], Dict[str, Dict[str, Any]], int, Callable[[], bool], Callable[[], bool]) -> Any
    """Read copies until all are read or it is over: (what was read, what is left)."""

    def one(item):
        # type: (List[str]) -> Optional[Dict[str, Any]]
        copy = Copy(*item)
        image = images.get(copy.image) or {'id': copy.image}
        result = dict(copy._asdict(), verified=None, findings=[])
        try:
            found = read(copy.path, image, deadline)
        except EnvironmentError as error:
            result['findings'].append(_image_hash.finding('not-verified', image, '%s: %s cannot be read: %s.' % (
                _image_hash.described(image), copy.path, error.strerror), store=copy.store, path=copy.path))
            return result
        if found is None:
            return None
        wrong = _image_hash.wrong(image, found, '%s in store %s' % (copy.path, copy.store), store=copy.store, path=copy.path)
        if wrong:
            result.update(verified=False, findings=[wrong])
        elif _image_hash.verifiable(image, found):
            result['verified'] = True
        elif found.digest is None:
            result['findings'].append(_image_hash.finding(
                'not-verified', image, '%s: this Python has no %s, by which %s would have to be verified.' % (
                    _image_hash.described(image), found.algorithm, copy.path), store=copy.store, path=copy.path))
        return dict(result, **found._asdict())

    results, rest = _image_hash.in_turn(one, left, parallel, over)
    done = [result for result in results if result]
    finished = set(result['path'] for result in done)
    return done, [item for item in left if item[2] not in finished]


def disagreements(read_copies, images):
    # type: (List[Dict[str, Any]], Dict[str, Dict[str, Any]]) -> List[Dict[str, Any]]
    """Images whose copies are not the same in all stores; every copy is named with its path."""
    of_image = {}  # type: Dict[str, List[Dict[str, Any]]]
    for copy in read_copies:
        if 'size' in copy:
            of_image.setdefault(copy['image'], []).append(copy)
    found = []
    for image_id, there in sorted(of_image.items()):
        if len(set((copy['size'], copy['digest']) for copy in there)) < 2:
            continue
        image = images.get(image_id) or {'id': image_id}
        told = '; '.join('%s in store %s has %d bytes%s%s' % (
            copy['path'], copy['store'], copy['size'],
            ' and %s %s' % (copy['algorithm'], copy['digest']) if copy['digest'] else '',
            ', as recorded' if copy['verified'] else '') for copy in there)
        found.append(_image_hash.finding('stores-disagree', image, '%s differs between its stores: %s.' % (
            _image_hash.described(image), told), paths=[copy['path'] for copy in there]))
    return found
