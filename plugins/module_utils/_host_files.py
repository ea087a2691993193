# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service's account, directories, files and units on a host: look, change what differs, and start what shall run."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import grp
import os
import pwd
import stat
import time

from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible_collections.stackops.glance.plugins.module_utils import (
    _command,
    _files,
    _oslo_edit,
    _runs,
    _serving,
    _units,
)
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

HEAD = u'# Options that the role glance_release sets are set again by it; whatever else stands here stays.\n'


# -- the account --------------------------------------------------------------------------------------------------


def missing_account(user, group):
    # type: (Optional[str], Optional[str]) -> List[List[str]]
    """The commands that make what is not there of a group and a user of the system."""
    commands = []
    if group and not _known(grp.getgrnam, group):
        commands.append(['groupadd', '--system', group])
    if user and not _known(pwd.getpwnam, user):
        commands.append(['useradd', '--system', '--gid', group or user, '--home-dir', '/var/lib/' + user, '--no-create-home',
                         '--shell', '/usr/sbin/nologin', user])
    return commands


def _known(look, name):
    # type: (Any, str) -> bool
    try:
        look(name)
    except KeyError:
        return False
    return True


def _run(command):
    # type: (List[str]) -> None
    code, out, err = _command.run(command)
    if code != 0:
        raise GlanceError('%s failed (%d): %s.' % (' '.join(command), code, (err or out).strip().rstrip('.') or 'no message'))


def _ids(wanted):
    # type: (Dict[str, Any]) -> Tuple[int, int]
    """Owner and group of a file or directory; -1 for one that is not there yet, which makes it differ."""
    owner = pwd.getpwnam(wanted['owner']).pw_uid if _known(pwd.getpwnam, wanted['owner']) else -1
    group = grp.getgrnam(wanted['group']).gr_gid if _known(grp.getgrnam, wanted['group']) else -1
    return owner, group


# -- directories and files ----------------------------------------------------------------------------------------


def _stands(path, wanted):
    # type: (str, Dict[str, Any]) -> bool
    """Whether owner, group and mode of what is there are as wanted."""
    status = os.stat(path)
    return (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (int(wanted['mode'], 8),) + _ids(wanted)


class Directory:
    """One directory; its parents are made with the first of it, and are root's."""

    def __init__(self, wanted):
        # type: (Dict[str, Any]) -> None
        self.wanted = wanted
        self.path = wanted['path']
        if os.path.lexists(self.path) and not os.path.isdir(self.path):
            raise GlanceError('%s is no directory. Move it away, or name another place.' % self.path, path=self.path)
        self.changed = not os.path.isdir(self.path) or not _stands(self.path, wanted)

    def put(self):
        # type: () -> None
        try:
            if not os.path.isdir(self.path):
                os.makedirs(self.path, 0o755)
            uid, gid = _ids(self.wanted)
            os.chown(self.path, uid, gid)
            os.chmod(self.path, int(self.wanted['mode'], 8))
        except EnvironmentError as error:
            raise GlanceError('%s cannot be made: %s.' % (self.path, os.strerror(error.errno or 0)), path=self.path)

    def makes(self):
        # type: () -> List[str]
        """The directories that are made with it, outermost first."""
        found = []  # type: List[str]
        path = self.path
        while not os.path.isdir(path):
            found.insert(0, path)
            path = os.path.dirname(path)
        return found

    def diff(self):
        # type: () -> Dict[str, str]
        return {'before_header': self.path, 'after_header': self.path, 'before': '',
                'after': 'directory %(mode)s %(owner)s:%(group)s\n' % self.wanted}


def missing(wanted):
    # type: (List[Dict[str, Any]]) -> List[Directory]
    """Those of the directories that are not there."""
    return [Directory(item) for item in wanted if not os.path.isdir(item['path'])]


def remove_empty(paths):
    # type: (List[str]) -> List[str]
    """Remove directories that hold nothing, innermost first; those that were removed."""
    removed = []
    for path in sorted(set(paths), reverse=True):
        if os.path.isdir(path) and not os.path.islink(path) and not os.listdir(path):
            os.rmdir(path)
            removed.append(path)
    return removed


class File:
    """One file: what it holds and shall hold."""

    def __init__(self, wanted):
        # type: (Dict[str, Any]) -> None
        self.wanted = wanted
        self.path = wanted['path']
        self.before = _files.found(self.path)
        self.secrets = []  # type: List[str]
        if wanted['options'] is not None:
            data = self.before if self.before is not None else to_bytes(HEAD)
            self.secrets = [item['secret_value'] for item in wanted['options'] if item['secret_value'] is not None]
            self.after = _oslo_edit.edit(data, [_request(item) for item in wanted['options']], self.path)
        else:
            self.after = to_bytes(wanted['content'])
        self.written = self.before != self.after
        self.changed = self.written or not _stands(self.path, wanted)

    def put(self, module):
        # type: (Any) -> None
        uid, gid = _ids(self.wanted)
        mode = int(self.wanted['mode'], 8)
        directory = os.path.dirname(self.path)
        if not os.path.isdir(directory):
            raise GlanceError('%s cannot be made: its directory does not exist. Name the directory, too.' % self.path,
                              path=self.path)
        if self.written:
            _files.write(module, self.path, self.after, mode=mode, uid=uid, gid=gid)
        else:
            os.chown(self.path, uid, gid)
            os.chmod(self.path, mode)

    def diff(self):
        # type: () -> Dict[str, str]
        return _files.diff(self.path, self.before or b'', self.after, self.secrets)


def _request(item):
    # type: (Dict[str, Any]) -> Dict[str, Any]
    request = {'section': to_text(item['section']), 'option': to_text(item['option'])}  # type: Dict[str, Any]
    if item['state'] == 'absent':
        return dict(request, state='absent')
    texts = item['values'] if item['values'] is not None else [
        item['secret_value'] if item['value'] is None else item['value']]
    texts = [to_text(text) for text in texts]
    return dict(request, values=[_oslo_edit.literal(text) for text in texts] if item['literal'] else texts)


# -- units --------------------------------------------------------------------------------------------------------


def actions(units, watched, written):
    # type: (List[str], List[str], List[str]) -> List[Tuple[str, str]]
    """What has to become of units so that they are enabled and run what is there: verb and unit, in order.

    A service that is older than a file that it reads when it starts has a restart pending, also where an earlier call wrote it.
    """
    found = []
    states = _units.states(units) if units else {}
    pending = bool(set(watched) & set(written))
    newest = max([os.lstat(path).st_mtime for path in watched if os.path.lexists(path)] or [0])
    for unit in units:
        state = states[unit]
        if state['unit_file_state'] != 'enabled':
            found.append(('enable', unit))
        if state['active_state'] not in ('active', 'activating', 'reloading'):
            found.append(('start', unit))
        elif state['started'] is not None and (pending or state['started'] < newest):
            found.append(('restart', unit))
    return found


def wait_until_healthy(url, timeout):
    # type: (str, float) -> None
    """Until the address answers 200. Raises GlanceError."""
    deadline = time.time() + timeout
    while True:
        status = _serving.status(url)
        if status == 200:
            return
        if time.time() > deadline:
            raise GlanceError('%s %s after %d s. Look at "journalctl -u glance-api -n 50" and at Glance\'s log on this host.' % (
                url, 'was answered %s' % status if status else 'was not answered', timeout))
        time.sleep(0.3)


# -- one call -----------------------------------------------------------------------------------------------------


def run(module):
    # type: (Any) -> Dict[str, Any]
    params = module.params
    account = missing_account(params['user'], params['group'])
    directories = [each for each in [Directory(item) for item in params['directories']] if each.changed]
    files = [each for each in [File(item) for item in params['files']] if each.changed]
    written = [each.path for each in files if each.written]
    started = params['units'] if params['state'] == 'started' else []
    todo = actions(started, params['watched'], written)
    result = {
        'changed': bool(account or directories or files or todo), 'files': [each.path for each in files],
        'directories': [each.path for each in directories], 'account': [' '.join(command) for command in account],
        'actions': ['%s %s' % each for each in todo],
    }  # type: Dict[str, Any]
    if module._diff:
        result['diff'] = [each.diff() for each in files]
    if result['changed'] and not module.check_mode:
        with _runs.write_guard(params['state_dir'], params['run_token']):
            for command in account:
                _run(command)
            for directory in directories:
                directory.put()
            for each in files:
                each.put(module)
            _units.reload_configuration(written)
            for verb, unit in todo:
                _units.control(verb, unit)
    if params['health'] and started and not module.check_mode:
        wait_until_healthy(params['health'], params['timeout'])
    return result
