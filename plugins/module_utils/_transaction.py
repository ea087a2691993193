# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host's part of a transaction: prepare, apply a step, undo a step, close.

A step on a host is a dictionary, made by the plan on the control node and kept in the run's manifest::

    name      of the step
    files     [{path, before: SHA-256, options: [...]}]; ``after`` is added when the step is prepared, and ``before`` as well
              where nobody has surveyed the file. In place of options
              there may be ``content``, all that the file shall hold (null: it is to go), and ``like``, whose owner and mode
              it gets where it is new, or ``mode``. The hash of a file that is not there is empty.
    directories  [{path, mode, owner, group}], made where they are missing; may be left out. Undone, those go that are empty
    start     units to enable and start; may be left out
    resume    steps of the run that have stopped units, or may have been cut off while they restarted some: what ran before
              is started as well, and enabled where it was; may be left out
    reload    units to reload, all of them running before; may be left out
    restart   units to restart, all of them running before
    links     [{path, before, after}], symbolic links by what they lead to (before is empty where there is none); may be left out
    database  what to do with Glance's database before anything else is changed (see ``_database.Work``); may be left out. It
              stays so when the step is undone. With ``dump``, a dump is taken before, for which there have to be ``bytes`` free;
              it is put back when the step is undone and that is asked for
    restart_back  units to restart only when the step is undone; may be left out. Where there are no others but those to start,
              nothing is drained on the way there
    retire    units to stop and disable
    drain     {file, port, units, staging: [directories], stores: [directories], grace: seconds, timeout: seconds} or null;
              without a file somebody else takes the host out of the balancer
    health    {url, versions: {present: [...], absent: [...]}, settle: seconds, timeout: seconds}. Where another address is to be
              asked on the way back, url_back (null for none); where a TLS service has to show its certificate once the step is
              done, certificate: {host, port, fingerprint}; where this host must be able to verify others then, trust: [{host,
              port, ca: file, or null for the trust store}]; where a release has to run then, environment: the directory that
              its code comes from, and linked: the units that run from there

Every call works for a slice of time and then says that it is not finished, so that an action can show the progress and
call again. What was done is read from the journal, hence a call continues where the last one, or one that was killed,
stopped.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import time

from ansible.module_utils.common.text.converters import to_bytes
from ansible_collections.stackops.glance.plugins.module_utils import (
    _certificates,
    _database,
    _database_dump,
    _files,
    _host_files,
    _links,
    _oslo_ini,
    _runs,
    _serving,
    _units,
)
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

#: Free space that must remain in a directory beside what is written there, in bytes.
MARGIN = 1024 * 1024


# -- prepare ------------------------------------------------------------------------------------------------------


def plan_files(steps, run=None):
    # type: (List[Dict[str, Any]], Optional[_runs.Run]) -> Tuple[Dict[str, Optional[bytes]], Dict[str, Optional[bytes]]]
    """Compute every file before and after all steps (None: it is not there); add the hash after each step to the step.

    Raises GlanceError where a file is not the one that the plan was made from. A worker that outlived its killed playbook
    may have gone on since the survey: what this very ``run`` was writing by its journal is no stranger's work.
    """
    own = [(change['path'], change['before'], change['after']) for entry in (run.journal() if run else [])
           if entry['event'] == 'applying' for change in entry['files']]
    before = {}  # type: Dict[str, Optional[bytes]]
    after = {}  # type: Dict[str, Optional[bytes]]
    for step in steps:
        for change in step['files']:
            path = change['path']
            if path not in after:
                before[path] = after[path] = _files.found(path)
                found = _files.digest(after[path])
                if found != change.get('before', found) and (path, change['before'], found) not in own:
                    raise GlanceError('%s has changed since the survey (SHA-256 %s, surveyed %s). Nothing was changed; '
                                      'run again to plan from what is there now.'
                                      % (path, found or 'of no file', change['before'] or 'as no file'))
            change['before'] = _files.digest(after[path])
            after[path] = becomes(after[path], change)
            change['after'] = _files.digest(after[path])
    return before, after


def becomes(data, change):
    # type: (Optional[bytes], Dict[str, Any]) -> Optional[bytes]
    """What a file holds after a change of it."""
    if 'options' not in change:
        return None if change['content'] is None else to_bytes(change['content'])
    if data is None:
        raise GlanceError('%s does not exist, so no option can be set in it. Nothing was changed.' % change['path'])
    return _oslo_ini.edit(data, change['options'], change['path'])


def check_space(state_dir, before, after, dump=0):
    # type: (str, Dict[str, Optional[bytes]], Dict[str, Optional[bytes]], int) -> None
    """Refuse to begin where a file system lacks room for the new files, the pre-images and a dump of so many bytes."""
    wanted = {}  # type: Dict[str, int]
    for path, data in after.items():
        # The directory of a unit's drop-ins is made with the first of them.
        directory = _existing(os.path.dirname(os.path.realpath(path)))
        wanted[directory] = wanted.get(directory, 0) + len(data or b'')
    # Two copies a file: the pre-image of the run and that of a second step.
    wanted[_existing(state_dir)] = MARGIN + dump + 2 * sum(len(data or b'') for data in before.values())
    for directory, size in sorted(wanted.items()):
        status = os.statvfs(directory)
        free = status.f_bavail * status.f_frsize
        if free < size:
            raise GlanceError('%s has %d bytes free and the run needs %d there. Nothing was changed; free some space and '
                              'run again.' % (directory, free, size))


def _existing(path):
    # type: (str) -> str
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def prepare(params, check_mode):
    # type: (Dict[str, Any], bool) -> Dict[str, Any]
    """Check files and space, take the lock, write the manifest and the pre-images. In check mode: check and show."""
    steps, state_dir = params['steps'] or [], params['state_dir']
    run = _runs.Run(state_dir, params['run_id'])
    before, after = plan_files(steps, run)
    links = _links.planned(steps, [entry.get('links', []) for entry in run.journal() if entry['event'] == 'applying'])
    asked = [step['database'] for step in steps if step.get('database')]
    check_space(state_dir, before, after, sum(each.get('bytes') or 0 for each in asked if each.get('dump')))
    made = [directory for step in steps for directory in _host_files.missing(step.get('directories') or [])]
    result = {
        'changed': bool(steps),
        'diff': [_files.diff(path, before[path] or b'', after[path] or b'')
                 for path in sorted(after) if before[path] != after[path]] + links
        + [directory.diff() for directory in made],
    }
    if check_mode:
        return result
    result['run_token'] = token = open_run(params)
    try:
        manifest = dict(params['manifest'], format=1, run_id=params['run_id'], local={})
        if run.exists:
            manifest = _continued(run.manifest(), manifest)
        manifest['local'].update((step['name'], step) for step in steps)
        run.write_manifest(manifest)
        for data in before.values():
            if data is not None:
                run.keep(data)
        run.record('prepared', token=token, steps=[step['name'] for step in steps])
    except GlanceError:
        _give_up(state_dir, params['run_id'], token)
        raise
    return result


def _give_up(state_dir, run_id, token):
    # type: (str, str, str) -> None
    """Give the lock back, also where there is no room to say why."""
    try:
        close(state_dir, run_id, token, None)
    except GlanceError:
        _runs.release(state_dir, token)


def _continued(old, new):
    # type: (Dict[str, Any], Dict[str, Any]) -> Dict[str, Any]
    """The manifest of a run that is taken up again: what was there before the run began stays as it was written."""
    known = [step['name'] for step in old['steps']]
    return dict(old,
                hosts=sorted(set(old['hosts']) | set(new['hosts'])),
                steps=old['steps'] + [step for step in new['steps'] if step['name'] not in known],
                catalogue=old['catalogue'] or new['catalogue'],
                release=old.get('release') or new.get('release') or {})


def open_run(params):
    # type: (Dict[str, Any]) -> str
    """Take the lock for a run, new or taken up again."""
    return _runs.acquire(params['state_dir'], params['run_id'], params['holder'] or {}, params['lease'], params['seen_token'])


def reopen(params):
    # type: (Dict[str, Any]) -> str
    """Take the lock for undoing a run, unless a file carries somebody's work: better known before anything is undone."""
    run = _runs.Run(params['state_dir'], params['run_id'])
    known, links = {}, {}  # type: Tuple[Dict[str, List[str]], Dict[str, List[str]]]
    for step in run.step_states():
        was = touched([entry for entry in run.journal() if entry.get('step') == step])
        for found, changes in ((known, was.files), (links, was.links)):
            for path, change in changes.items():
                found.setdefault(path, []).extend((change['before'], change['after']))
    foreign = [path for path in sorted(known) if _files.digest(_files.found(path)) not in known[path]]
    foreign += [path for path in sorted(links) if _links.target(path) not in links[path]]
    if foreign and not params['force']:
        raise _foreign(run, foreign)
    return open_run(params)


class Touched(object):
    """What a step has touched and not yet undone, each as it was before the step, by its entries in the journal."""

    def __init__(self):
        # type: () -> None
        self.files = {}  # type: Dict[str, Dict[str, Any]]
        self.links = {}  # type: Dict[str, Dict[str, Any]]
        self.units = {}  # type: Dict[str, Dict[str, Any]]
        self.directories = []  # type: List[str]
        self.database = False

    def __bool__(self):
        # type: () -> bool
        return bool(self.files or self.links or self.units or self.directories or self.database)

    __nonzero__ = __bool__  # Python 2.7


def touched(entries):
    # type: (List[Dict[str, Any]]) -> Touched
    """What a step has touched and not yet undone, by its entries."""
    found = Touched()
    for entry in entries:
        if entry['event'] == 'undone':
            found = Touched()
        elif entry['event'] == 'applying':
            # A run that an older version of this collection began knows no links.
            for kind, changes in ((found.files, entry['files']), (found.links, entry.get('links', []))):
                for change in changes:
                    kind.setdefault(change['path'], dict(change))['after'] = change['after']
            for name, state in entry['units'].items():
                found.units.setdefault(name, state)
            found.directories += entry.get('directories', [])
        elif entry['event'] == 'database_before':
            found.database = True
    return found


def _foreign(run, paths):
    # type: (_runs.Run, List[str]) -> GlanceError
    return GlanceError('%s changed after run %s wrote there (somebody\'s hotfix?); undoing would lose that. Nothing '
                       'was undone on this host. Merge the change by hand, or run again with '
                       '-e glance_flip_force=true: what is there is then kept in %s.'
                       % (', '.join(paths), run.run_id, run.path('files')), files=paths)


# -- apply and undo -----------------------------------------------------------------------------------------------


class StepRun:
    """A step of a run on this host, driven in one direction by the holder of a token."""

    def __init__(self, module, params, begin, end):
        # type: (Any, Dict[str, Any], str, str) -> None
        self.module = module
        self.state_dir = params['state_dir']
        self.token = params['run_token']
        self.name = params['step']
        self.force = params['force']
        self.restores = params['restore']
        self.deadline = time.time() + params['slice_seconds']
        self.run = _runs.Run(self.state_dir, params['run_id'])
        self.begin, self.end = begin, end
        self.step = self.run.manifest()['local'].get(self.name)
        #: Units that ran when the steps to resume first touched them, as they were then.
        self.stopped = self.before(self.units('resume'))
        if self.stopped:
            known = self.units('start', 'reload', 'restart')
            # What others need comes first: the registry before the API that asks it.
            self.step['start'] = [unit for unit in sorted(self.stopped) if unit not in known] + self.units('start')
        # A way there that restarts nothing, or starts what did not run, has no need to keep requests away.
        quiet = begin == 'applying' and (self.back or self.units('start')) and not self.units('reload', 'restart', 'retire')
        self.drain = None if quiet or not self.step else self.step['drain']  # type: Optional[Dict[str, Any]]
        self.result = {'changed': False, 'finished': True, 'progress': [], 'files': [], 'units': []}  # type: Dict[str, Any]

    @property
    def back(self):
        # type: () -> List[str]
        """Units that are restarted on the way back alone."""
        return self.units('restart_back')

    def units(self, *kinds):
        # type: (*str) -> List[str]
        """Units of the step, by what becomes of them."""
        return [unit for kind in kinds for unit in (self.step or {}).get(kind) or []]

    def before(self, steps):
        # type: (List[str]) -> Dict[str, Dict[str, Any]]
        """The units that ran before these steps of the run, none of which is undone, by their states at that time."""
        found = {}  # type: Dict[str, Dict[str, Any]]
        for step in steps:
            for unit, state in touched([entry for entry in self.run.journal() if entry.get('step') == step]).units.items():
                found.setdefault(unit, state)
        return dict((unit, state) for unit, state in found.items() if state['active_state'] == 'active')

    # journal of this step

    def entries(self):
        # type: () -> List[Dict[str, Any]]
        return [entry for entry in self.run.journal() if entry.get('step') == self.name]

    def mine(self):
        # type: () -> Dict[str, Dict[str, Any]]
        """Events of this direction under this token: event name to entry."""
        found = {}  # type: Dict[str, Dict[str, Any]]
        for entry in self.entries():
            if entry['token'] == self.token and entry['direction'] == self.begin:
                found[entry['event']] = entry
        return found

    def record(self, event, **facts):
        # type: (str, **Any) -> None
        """Write into the journal, under the write guard alone: what another run has taken over is no longer ours to tell."""
        self.run.record(event, step=self.name, token=self.token, direction=self.begin, **facts)

    def touched(self):
        # type: () -> Touched
        return touched(self.entries())

    def changed(self):
        # type: () -> bool
        """Whether a file or unit may have been changed: that begins only after the host was drained for it."""
        changed = False
        for entry in self.entries():
            if entry['event'] == 'undone':
                changed = False
            elif entry['event'] == 'drained' and entry['direction'] == 'applying':
                changed = True
        return changed

    def phases(self):
        # type: () -> List[Dict[str, Any]]
        """What this direction did and when, in seconds since the epoch; the last phase not ``ok`` when it was cut short."""
        seen = self.mine()
        found = []  # type: List[Dict[str, Any]]
        for phase, begin, end in (('drain', self.begin, 'drained'), ('change', 'drained', 'restarted'),
                                  ('health', 'restarted', 'undrained'), ('undrain', 'undrained', self.end)):
            if begin in seen:
                found.append({
                    'step': self.name, 'direction': 'do' if self.begin == 'applying' else 'undo', 'phase': phase,
                    'started': seen[begin]['time'], 'ended': seen[end]['time'] if end in seen else time.time(),
                    'ok': end in seen,
                })
        return found

    # the cycle that both directions share

    def drive(self, change):
        # type: (Any) -> Dict[str, Any]
        """Drive the cycle; the phases go with the result, and with the error when there is one."""
        try:
            self.cycle(change)
        except GlanceError as error:
            error.details['phases'] = self.phases()
            raise
        self.result['phases'] = self.phases()
        return self.result

    def cycle(self, change):
        # type: (Any) -> None
        """Drain, change, wait for health, undrain; a slice at a time."""
        seen = self.mine()
        if 'drained' not in seen:
            if not self.wait_for_drain(seen[self.begin]['time']):
                return
            with _runs.write_guard(self.state_dir, self.token):
                self.record('drained')
        if 'restarted' not in seen:
            if not self.database():
                return
            with _runs.write_guard(self.state_dir, self.token):
                change()
                self.record('restarted', files=self.result['files'], units=self.result['units'])
            self.result['changed'] = True
        started = self.mine()['restarted']['time']
        if not self.wait_for_health(started):
            return
        if 'undrained' not in seen:
            with _runs.write_guard(self.state_dir, self.token):
                _serving.undrain(self.drain)
                self.record('undrained')
        # The next host may leave the balancer only when this one is back in it.
        if not self.wait_for_balancer(self.mine()['undrained']['time']):
            return
        with _runs.write_guard(self.state_dir, self.token):
            self.record(self.end)
        self.result['changed'] = True

    def database(self):
        # type: () -> bool
        """Bring the database on; no release takes one back, but its dump may be put back. False: not yet, call again."""
        seen, asked = self.mine(), (self.step or {}).get('database')
        if not asked or 'database' in seen:
            return True
        if self.begin != 'applying':
            # What an attempt that was cut off has begun goes on, for hours maybe; no Glance may be started meanwhile.
            if not self.wait(0, float('inf'), 'the database', lambda: _database.under_way(self.run.path('database'))):
                return False
            if not (asked.get('dump') and (self.restores or self.half_restored())):
                return True
        attempt = '%s-%s' % (self.name, self.token.rpartition(':')[2])
        work = _database.Work(self.run.path('database', attempt), asked)
        dump = _database_dump.Dump(self.run, work.place) if asked.get('dump') else None
        try:
            if 'database_before' not in seen:
                with _runs.write_guard(self.state_dir, self.token):
                    self.record('database_before', **work.look())
            while True:
                with _runs.write_guard(self.state_dir, self.token):
                    waits = self.bring_on(work, dump, attempt)
                    if waits is None:
                        return True
                if time.time() > self.deadline:
                    self.result.update(finished=False, progress=[waits])
                    return False
                time.sleep(0.2)
        except _runs.LockedError:
            raise
        except GlanceError as error:
            with _runs.write_guard(self.state_dir, self.token):
                self.record('failed', reason=error.message)
            raise

    def bring_on(self, work, dump, attempt):
        # type: (_database.Work, Optional[_database_dump.Dump], str) -> Optional[str]
        """Do what is next of it. None once all is done, else what it waits for."""
        begun = self.half_restored()
        if dump and (begun or self.begin != 'applying'):
            if not begun:
                self.record('restoring')
            waits = dump.put_back(attempt)
            if waits:
                return waits
            self.record('restored')
            if self.begin != 'applying':
                self.record('database', after=work.look()['heads'])
                return None
        # A dump from before the step was undone is too old: Glance may have run since.
        if dump and self.last('dumped', 'undone') != 'dumped':
            waits = dump.take(attempt)
            if waits:
                return waits
            known = _database_dump.facts(self.run) or {}
            self.record('dumped', file=dump.file, images=len(known['images']), sha256=known['sha256'])
        waits = work.go_on()
        if waits is None:
            self.record('database', **work.result(self.mine()['database_before']))
        return waits

    def half_restored(self):
        # type: () -> bool
        """Whether putting the dump back was cut off. That goes on in either direction, asked for or not: there is no other whole
        database."""
        return self.last('restoring', 'restored') == 'restoring'

    def last(self, *events):
        # type: (*str) -> Optional[str]
        """Which of these events was the last of this step; None where there was none of them."""
        return ([None] + [entry['event'] for entry in self.entries() if entry['event'] in events])[-1]

    def wait_for_drain(self, since):
        # type: (float) -> bool
        with _runs.write_guard(self.state_dir, self.token):
            _serving.drain(self.drain)
        return self.wait(since, (self.drain or {}).get('timeout', 0), 'traffic to stop',
                         lambda: _serving.still_busy(self.drain, since))

    def wait_for_balancer(self, since):
        # type: (float) -> bool
        grace = (self.drain or {}).get('grace', 0)
        return self.wait(since, 2 * grace, 'the balancer', lambda: _serving.not_yet(since, grace))

    def wait_for_health(self, since):
        # type: (float) -> bool
        step, wanted = self.step, self.step['health']
        if self.begin != 'applying':
            # On the way back the versions may be any: the file says which, and it is the one from before. What was started
            # for the step runs no longer.
            step = dict(step, start=[], health=dict(wanted, url=wanted.get('url_back', wanted.get('url'))))
            wanted = {}
        return self.wait(since, step['health']['timeout'], 'health',
                         lambda: _serving.unhealthy(step, since, wanted.get('versions'))
                         or _certificates.not_shown(wanted.get('certificate'))
                         or _serving.not_trusted(wanted.get('trust'))
                         or _units.not_from(wanted.get('environment'), [
                             unit for unit in self.units('start', 'restart') if unit in wanted.get('linked', [])]))

    def wait(self, since, timeout, what, trouble):
        # type: (float, float, str, Any) -> bool
        """Poll until there is no trouble. False: not yet, call again. Raises GlanceError after the step's own time-out."""
        while True:
            found = trouble()
            if found is None:
                return True
            if time.time() > since + timeout:
                with _runs.write_guard(self.state_dir, self.token):
                    self.record('failed', reason=found)
                raise GlanceError('Step %s: waited %d s for %s, but %s.' % (self.name, timeout, what, found))
            if time.time() > self.deadline:
                self.result.update(finished=False, progress=['waiting for %s: %s' % (what, found)])
                return False
            time.sleep(0.2)

    # do

    def apply(self):
        # type: () -> Dict[str, Any]
        if self.step is None:
            return self.result
        if 'done' in self.mine():
            return self.result
        if 'applying' not in self.mine():
            with _runs.write_guard(self.state_dir, self.token):
                self.record('applying', files=[self.describe(change) for change in self.step['files']],
                            links=_links.described(self.step.get('links') or []),
                            directories=[path for directory in _host_files.missing(self.step.get('directories') or [])
                                         for path in directory.makes()],
                            units=_units.states(self.units('start', 'reload', 'restart', 'retire', 'restart_back')))
        return self.drive(self.write)

    def describe(self, change):
        # type: (Dict[str, Any]) -> Dict[str, Any]
        """Keep the pre-image of a file and describe it, so that undo needs nothing but the journal."""
        data = _files.found(change['path'])
        found = _files.digest(data)
        if found not in (change['before'], change['after']):
            raise GlanceError('%s has changed since the run was prepared (SHA-256 %s, expected %s): somebody else edits '
                              'this file. Nothing was changed by this step.' % (change['path'], found, change['before']))
        if data is None:
            return {'path': change['path'], 'before': '', 'after': change['after']}
        status = os.stat(change['path'])
        return {'path': change['path'], 'before': self.run.keep(data), 'after': change['after'],
                'mode': status.st_mode & 0o7777, 'uid': status.st_uid, 'gid': status.st_gid}

    def write(self):
        # type: () -> None
        for directory in _host_files.missing(self.step.get('directories') or []):
            directory.put()
            self.result['files'].append(directory.path)
        for change in self.step['files']:
            data = _files.found(change['path'])
            found = _files.digest(data)
            if found == change['after']:
                continue
            if found != change['before']:
                raise GlanceError('%s has changed since this step began (SHA-256 %s, expected %s): somebody else edits '
                                  'this file.' % (change['path'], found, change['before']))
            _files.put(self.module, change['path'], becomes(data, change), change.get('like'), change.get('mode'))
            self.result['files'].append(change['path'])
        for link in self.step.get('links') or []:
            if _links.put(link['path'], link['before'], link['after']):
                self.result['files'].append(link['path'])
        _units.reload_configuration(change['path'] for change in self.step['files'])
        for unit in self.step['retire']:
            _units.control('disable', unit)
            _units.control('stop', unit)
            self.result['units'].append(unit)
        for unit in self.units('start'):
            if self.stopped.get(unit, {}).get('unit_file_state', 'enabled') == 'enabled':
                _units.control('enable', unit)
        for verb in ('start', 'reload', 'restart'):
            self.control(verb, self.units(verb))

    def control(self, verb, units):
        # type: (str, List[str]) -> None
        for unit in units:
            try:
                _units.control(verb, unit)
            except GlanceError as error:
                self.record('failed', reason=error.message)
                raise
            self.result['units'].append(unit)

    # undo

    def undo(self):
        # type: () -> Dict[str, Any]
        was = self.touched()
        if 'undone' in self.mine() or not was:
            return self.result
        if 'undoing' not in self.mine():
            with _runs.write_guard(self.state_dir, self.token):
                self.refuse_foreign(was)
                self.record('undoing')
        if not self.changed():
            # To wait for the traffic that the step could not outwait would leave the host drained for ever.
            with _runs.write_guard(self.state_dir, self.token):
                _serving.undrain(self.drain)
                self.record('undone')
            self.result['changed'] = True
            return self.result
        return self.drive(lambda: self.restore(was))

    def preview(self):
        # type: () -> Dict[str, Any]
        """What undoing this step would put back, without doing it."""
        was = self.touched()
        self.result['diff'] = [
            _files.diff(path, _files.found(path) or b'', self.kept(change) or b'')
            for path, change in sorted(was.files.items())
        ] + [_links.diff(path, _links.target(path), change['before']) for path, change in sorted(was.links.items())]
        self.result['changed'] = bool(was)
        return self.result

    def kept(self, change):
        # type: (Dict[str, Any]) -> Optional[bytes]
        """The pre-image; None where there was no file."""
        return self.run.kept(change['before']) if change['before'] else None

    def refuse_foreign(self, was):
        # type: (Touched) -> None
        """A file that is neither as before nor as the step left it carries somebody's work; so with links."""
        foreign = []
        for path, change in sorted(was.links.items()):
            if _links.target(path) not in (change['before'], change['after']):
                foreign.append(path)
                if self.force:
                    self.record('overwritten', path=path, led_to=_links.target(path))
        for path, change in sorted(was.files.items()):
            data = _files.found(path)
            if _files.digest(data) not in (change['before'], change['after']):
                foreign.append(path)
                if self.force and data is not None:
                    self.record('overwritten', path=path, kept=self.run.keep(data))
        if foreign and not self.force:
            raise _foreign(self.run, foreign)

    def restore(self, was):
        # type: (Touched) -> None
        for path, change in sorted(was.links.items()):
            if _links.put(path, _links.target(path), change['before']):
                self.result['files'].append(path)
        for path, change in sorted(was.files.items()):
            data = self.kept(change)
            if _files.found(path) == data:
                continue
            if data is None:
                _files.remove(path)
            else:
                _files.write(self.module, path, data, mode=change['mode'], uid=change['uid'], gid=change['gid'])
            self.result['files'].append(path)
        _units.reload_configuration(was.files)
        # Units that others need come first: the registry before the API that asks it.
        for name, before in sorted(was.units.items(), key=lambda unit: unit[0] in self.step['restart']):
            if before['unit_file_state'] == 'enabled':
                _units.control('enable', name)
            elif name in self.units('start'):
                _units.control('disable', name)
            if before['active_state'] == 'active':
                # In the way in which it took the step's files, it takes those from before; retired, it is started.
                verbs = [verb for verb in ('reload', 'restart', 'start') if name in self.units(verb)]
                self.control('restart' if name in self.stopped else (verbs or ['restart'])[0], [name])
            elif name in self.units('start'):
                self.control('stop', [name])
        for path in _host_files.remove_empty(was.directories):
            self.result['files'].append(path)


# -- close --------------------------------------------------------------------------------------------------------


def close(state_dir, run_id, run_token, outcome, keep=None):
    # type: (str, str, str, Optional[str], Optional[int]) -> Dict[str, Any]
    """Write the outcome and give the lock back.

    Without an outcome (the run could not be prepared everywhere) a run that has touched nothing here is abandoned, and
    one that has stays unfinished.
    """
    run = _runs.Run(state_dir, run_id)
    with _runs.write_guard(state_dir, run_token):
        if outcome is None and run.exists and run.status() == 'prepared':
            outcome = 'abandoned'
        if outcome is not None:
            run.record(outcome, token=run_token)
    _runs.release(state_dir, run_token)
    return {'changed': True, 'outcome': outcome, 'pruned': _runs.prune(state_dir, keep) if keep else []}
