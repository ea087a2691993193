# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Symbolic links that a run changes: the one that says which release of Glance the units run."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, List
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass


def target(path):
    # type: (str) -> str
    """What a link leads to, as it is written; empty where there is none. Raises GlanceError for what is no link."""
    try:
        return os.readlink(path)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return ''
        raise GlanceError('%s is no symbolic link (%s). Look at what lies there, and move it away.'
                          % (path, os.strerror(error.errno or 0)), path=path)


def along(path):
    # type: (str) -> List[Dict[str, str]]
    """The links on the way to a file, outermost first, each by what is written in it."""
    found = []
    at = ''
    for part in path.strip('/').split('/') if path else []:
        at = '%s/%s' % (at, part)
        if os.path.islink(at):
            found.append({'path': at, 'target': os.readlink(at)})
    return found


def planned(steps, begun):
    # type: (List[Dict[str, Any]], List[List[Dict[str, Any]]]) -> List[Dict[str, str]]
    """Check that the links are as surveyed, or as this run has left them; the differences that the steps make.

    ``begun`` is what the run has changed of them by its journal. Raises GlanceError.
    """
    own = [(link['path'], link['after']) for links in begun for link in links]
    diffs = []
    for link in [link for step in steps for link in step.get('links') or []]:
        found = target(link['path'])
        if found != link['before'] and (link['path'], found) not in own:
            raise GlanceError('%s leads to %s, and to %s when it was surveyed. Nothing was changed; run again to plan from '
                              'what is there now.' % (link['path'], found or 'nothing', link['before'] or 'nothing'))
        if found != link['after']:
            diffs.append(diff(link['path'], found, link['after']))
    return diffs


def described(links):
    # type: (List[Dict[str, Any]]) -> List[Dict[str, str]]
    """What the journal keeps of links before a step changes them. Raises GlanceError where somebody else did."""
    for link in links:
        led = os.path.join(os.path.dirname(link['path']), link['after'])
        if not os.path.isdir(led):
            raise GlanceError('%s is to lead to %s, which is no directory. Nothing was changed by this step; make the '
                              'environment first.' % (link['path'], led))
        if target(link['path']) not in (link['before'], link['after']):
            raise GlanceError('%s leads to %s since the run was prepared: somebody else changes it. Nothing was changed by '
                              'this step.' % (link['path'], target(link['path']) or 'nothing'))
    return [{'path': link['path'], 'before': target(link['path']), 'after': link['after']} for link in links]


def put(path, before, after):
    # type: (str, str, str) -> bool
    """Let a link lead elsewhere, in one step and durably; where ``after`` is empty, remove it. Whether it was changed."""
    found = target(path)
    if found == after:
        return False
    if found != before:
        raise GlanceError('%s leads to %s, and to %s when this step began: somebody else changes it.'
                          % (path, found or 'nothing', before or 'nothing'))
    directory = os.path.dirname(os.path.abspath(path))
    temporary = '%s.%d' % (path, os.getpid())
    try:
        if after:
            os.symlink(after, temporary)
            os.rename(temporary, path)
        else:
            os.unlink(path)
        _files.sync_directory(directory)
    except OSError as error:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise GlanceError('%s cannot be changed: %s.' % (path, os.strerror(error.errno or 0)), path=path)
    return True


def diff(path, before, after):
    # type: (str, str, str) -> Dict[str, str]
    """Ansible's difference of what a link leads to."""
    shown = dict((when, '-> %s\n' % led if led else '') for when, led in (('before', before), ('after', after)))
    return dict(shown, before_header=path, after_header=path)
