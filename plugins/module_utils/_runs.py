# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock and the run records of a managed host.

Everything lies under one root-only directory, ``/var/lib/stackops-glance`` by default::

    lock.json                who may write on this host, until when (epoch seconds), with which token
    token                    the last token given out; tokens only grow
    runs/ID/manifest.json    the plan of the run: fleet, steps, catalogue endpoints before
    runs/ID/journal.jsonl    what happened, a fsynced line an event; a torn last line is ignored
    runs/ID/files/SHA256     pre-images, named by the hash of their content

The managed host is the authority: a control node, an AWX job's above all, may be gone when the way back is needed.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import os
import shutil
import time

from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, Iterator, List, Optional
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

STATE_DIR = '/var/lib/stackops-glance'
LEASE = 900  # seconds; renewed by every call of the run

#: Events after which a run needs nothing more.
FINAL = ('committed', 'undone', 'abandoned')


class LockedError(GlanceError):
    """The host is locked by another run, or the caller's token is stale."""


def run_argument_spec():
    # type: () -> Dict[str, Any]
    """Arguments that every module which writes has in common."""
    return {
        'run_token': {'type': 'str', 'no_log': False},
        'state_dir': {'type': 'path', 'default': STATE_DIR},
    }


# -- small durable files ------------------------------------------------------------------------------------------


def make_private_dir(path):
    # type: (str) -> None
    """Create a directory, and those above it, that root alone may enter."""
    try:
        # Python 3.7 and newer give the mode to the last of the directories alone.
        if not os.path.isdir(os.path.dirname(path) or '.'):
            make_private_dir(os.path.dirname(path))
        os.mkdir(path, 0o700)
    except OSError as error:
        if error.errno != errno.EEXIST or not os.path.isdir(path):
            raise GlanceError('%s cannot be created: %s. The run records of the host belong there; make the directory '
                              'writable for root or name another with state_dir.' % (path, error.strerror))


def write_private(path, data):
    # type: (str, bytes) -> None
    """Replace a record atomically and durably, readable by root alone."""
    temporary = '%s.%d' % (path, os.getpid())
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, 'wb') as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(temporary, path)
        _files.sync_directory(os.path.dirname(path))
    except EnvironmentError as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise GlanceError('%s cannot be written: %s. What stood there before is untouched; free some space or mend the '
                          'file system, then run again.' % (path, error.strerror))


def _read_json(path):
    # type: (str) -> Optional[Any]
    try:
        with io.open(path, encoding='utf-8') as stream:
            return json.load(stream)
    except EnvironmentError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise GlanceError('%s cannot be read: %s.' % (path, error.strerror))
    except ValueError as error:
        raise GlanceError('%s is damaged: %s. It is written atomically, so something else wrote there; look at it, '
                          'then move it away.' % (path, error))


def _dump(value):
    # type: (Any) -> bytes
    return json.dumps(value, indent=1, sort_keys=True).encode('utf-8') + b'\n'


# -- the lock -----------------------------------------------------------------------------------------------------


def _lock_path(state_dir):
    # type: (str) -> str
    return os.path.join(state_dir, 'lock.json')


def read_lock(state_dir):
    # type: (str) -> Optional[Dict[str, Any]]
    return _read_json(_lock_path(state_dir))


def token_of(lock):
    # type: (Dict[str, Any]) -> str
    return '%s:%d' % (lock['run_id'], lock['token'])


def describe_lock(lock):
    # type: (Dict[str, Any]) -> str
    holder = lock.get('holder') or {}
    return 'run %s, held by %s on %s (process %s) until %s' % (
        lock['run_id'], holder.get('user', 'somebody'), holder.get('host', 'an unknown control node'),
        holder.get('pid', '?'), time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime(lock['expires'])))


@contextlib.contextmanager
def _exclusive(state_dir):
    # type: (str) -> Iterator[None]
    """Serialise those who read or change the lock, or write under it."""
    handle = os.open(os.path.join(state_dir, 'guard'), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def write_guard(state_dir, run_token):
    # type: (str, Optional[str]) -> Iterator[None]
    """Hold the host still while something is written.

    With a token the lock must carry exactly that token: a worker that outlives its killed playbook finds a grown one.
    Without a token no run may hold the host. Raises LockedError.
    """
    if run_token is None and not os.path.isdir(state_dir):
        yield
        return
    make_private_dir(state_dir)
    try:
        guard = _exclusive(state_dir)
        guard.__enter__()
    except EnvironmentError as error:
        if run_token is None and error.errno == errno.EACCES:
            # An unprivileged caller edits a file of its own; runs are root's.
            yield
            return
        raise GlanceError('%s cannot be locked: %s.' % (state_dir, error.strerror))
    try:
        _check_lock(state_dir, run_token)
        yield
    finally:
        guard.__exit__(None, None, None)


def _check_lock(state_dir, run_token):
    # type: (str, Optional[str]) -> None
    lock = read_lock(state_dir)
    if run_token is None:
        if lock is not None and lock['expires'] > time.time():
            raise LockedError('This host is locked by %s. Wait for that run to end, or finish or undo it with '
                              'rollback.yml, then try again.' % describe_lock(lock), lock=lock)
        return
    if lock is None or token_of(lock) != run_token:
        raise LockedError('The token %s is stale: the lock on this host is %s. Nothing was written.'
                          % (run_token, 'free' if lock is None else describe_lock(lock)), lock=lock)
    lock['expires'] = time.time() + lock.get('lease', LEASE)
    write_private(_lock_path(state_dir), _dump(lock))


def acquire(state_dir, run_id, holder, lease=LEASE, seen=None):
    # type: (str, str, Dict[str, Any], int, Optional[str]) -> str
    """Take the lock and return the token to show from now on.

    ``seen`` is the token that the control node saw and judged dead (its holder gone, its lease ended, or the operator's
    word). A lock that is not exactly the one seen is refused, so that of two runs one wins. Raises LockedError.
    """
    make_private_dir(state_dir)
    with _exclusive(state_dir):
        lock = read_lock(state_dir)
        if lock is not None and token_of(lock) != seen:
            raise LockedError('This host is locked by %s. Wait for that run to end. If it is known to be dead, run again '
                              'with -e glance_flip_takeover=true.' % describe_lock(lock), lock=lock)
        token_file = os.path.join(state_dir, 'token')
        token = int(_read_json(token_file) or 0) + 1
        write_private(token_file, _dump(token))
        lock = {'run_id': run_id, 'token': token, 'holder': holder, 'lease': lease, 'expires': time.time() + lease}
        write_private(_lock_path(state_dir), _dump(lock))
        return token_of(lock)


def release(state_dir, run_token):
    # type: (str, str) -> None
    """Give the lock back; no error when it is already gone."""
    with _exclusive(state_dir):
        lock = read_lock(state_dir)
        if lock is not None and token_of(lock) == run_token:
            os.unlink(_lock_path(state_dir))
            _files.sync_directory(state_dir)


# -- run records --------------------------------------------------------------------------------------------------


class Run:
    """The record of one run on this host."""

    def __init__(self, state_dir, run_id):
        # type: (str, str) -> None
        self.run_id = run_id
        self.directory = os.path.join(state_dir, 'runs', run_id)

    def path(self, *parts):
        # type: (*str) -> str
        return os.path.join(self.directory, *parts)

    @property
    def exists(self):
        # type: () -> bool
        return os.path.exists(self.path('manifest.json'))

    # manifest

    def manifest(self):
        # type: () -> Dict[str, Any]
        manifest = _read_json(self.path('manifest.json'))
        if manifest is None:
            raise GlanceError('This host has no record of run %s in %s.' % (self.run_id, self.directory))
        return manifest

    def write_manifest(self, manifest):
        # type: (Dict[str, Any]) -> None
        make_private_dir(self.path('files'))
        write_private(self.path('manifest.json'), _dump(manifest))

    # journal

    def journal(self):
        # type: () -> List[Dict[str, Any]]
        entries = []  # type: List[Dict[str, Any]]
        try:
            with io.open(self.path('journal.jsonl'), encoding='utf-8') as stream:
                lines = stream.read().splitlines()
        except EnvironmentError as error:
            if error.errno == errno.ENOENT:
                return entries
            raise GlanceError('%s cannot be read: %s.' % (self.path('journal.jsonl'), error.strerror))
        for number, line in enumerate(lines):
            try:
                entries.append(json.loads(line))
            except ValueError:
                if number != len(lines) - 1:  # only the last line can be torn by a crash
                    raise GlanceError('%s is damaged in line %d.' % (self.path('journal.jsonl'), number + 1))
        return entries

    def record(self, event, **facts):
        # type: (str, **Any) -> None
        """Append one event and wait until it is on the disk."""
        entry = dict(facts, event=event, time=time.time())
        path = self.path('journal.jsonl')
        try:
            with open(path, 'a+b') as stream:
                os.chmod(path, 0o600)
                _drop_torn_line(stream)
                stream.write(json.dumps(entry, sort_keys=True).encode('utf-8') + b'\n')
                stream.flush()
                os.fsync(stream.fileno())
        except EnvironmentError as error:
            raise GlanceError('%s cannot be written: %s.' % (path, error.strerror))

    # pre-images

    def keep(self, data):
        # type: (bytes) -> str
        """Store a pre-image and return its name, the SHA-256 of its content."""
        digest = hashlib.sha256(data).hexdigest()
        if not os.path.exists(self.path('files', digest)):
            write_private(self.path('files', digest), data)
        return digest

    def kept(self, digest):
        # type: (str) -> bytes
        """Return a pre-image, refused when it is no longer what its name says."""
        path = self.path('files', digest)
        try:
            with open(path, 'rb') as stream:
                data = stream.read()
        except EnvironmentError as error:
            raise GlanceError('The pre-image %s cannot be read: %s.' % (path, error.strerror))
        if hashlib.sha256(data).hexdigest() != digest:
            raise GlanceError('The pre-image %s is damaged: its content no longer has the hash it is named by.' % path)
        return data

    # what the journal says

    def status(self):
        # type: () -> str
        """prepared, applying, undoing, committed, undone or abandoned."""
        status = 'prepared'
        for entry in self.journal():
            if entry['event'] in FINAL and not entry.get('step'):
                status = entry['event']
            elif entry['event'] in ('applying', 'undoing'):
                status = entry['event']
        return status

    def step_states(self):
        # type: () -> Dict[str, str]
        """For each step begun on this host: applying, done, undoing or undone."""
        states = {}
        for entry in self.journal():
            if entry.get('step') and entry['event'] in ('applying', 'done', 'undoing', 'undone'):
                states[entry['step']] = entry['event']
        return states

    def dump(self):
        # type: () -> Optional[Dict[str, Any]]
        """The newest dump of the database that this run has taken here: ``file``, ``time`` and the number of ``images``."""
        told = [entry for entry in self.journal() if entry['event'] == 'dumped']
        return dict((name, told[-1][name]) for name in ('file', 'time', 'images')) if told else None

    def summary(self):
        # type: () -> Dict[str, Any]
        manifest = self.manifest()
        return {
            'run_id': self.run_id,
            'playbook': manifest.get('playbook'),
            'started': manifest.get('started'),
            'hosts': manifest.get('hosts', []),
            'steps': [step['name'] for step in manifest.get('steps', [])],
            'catalogue': manifest.get('catalogue', []),
            'release': manifest.get('release') or {},
            'step_states': self.step_states(),
            'dump': self.dump(),
            'status': self.status(),
        }


def _drop_torn_line(stream):
    # type: (Any) -> None
    """Cut what a crash left of a line that never reached the disk whole; it reported nothing that anybody relied on."""
    stream.seek(0)
    data = stream.read()
    if data and not data.endswith(b'\n'):
        stream.truncate(data.rfind(b'\n') + 1)
    stream.seek(0, os.SEEK_END)


def runs(state_dir):
    # type: (str) -> List[Run]
    """The runs recorded on this host, newest first (a run id begins with its time)."""
    try:
        names = sorted(os.listdir(os.path.join(state_dir, 'runs')), reverse=True)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
            return []
        raise GlanceError('%s cannot be listed: %s.' % (state_dir, error.strerror))
    return [run for run in (Run(state_dir, name) for name in names) if run.exists]


def prune(state_dir, keep):
    # type: (str, int) -> List[str]
    """Remove the records of finished runs beyond the newest ``keep``; return their ids."""
    removed = []
    for run in runs(state_dir)[keep:]:
        if run.status() in FINAL:
            shutil.rmtree(run.directory)
            removed.append(run.run_id)
    return removed


def summary(state_dir):
    # type: (str) -> Dict[str, Any]
    """What a survey says of lock and runs: the lock, every run on record, the unfinished one."""
    found = [run.summary() for run in runs(state_dir)]
    unfinished = [run for run in found if run['status'] not in FINAL]
    return {
        'lock': read_lock(state_dir),
        'runs': found,
        'unfinished': unfinished[0] if unfinished else None,
    }
