# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Glance's database, by the programs of an environment: a look that writes nothing, and the commands of glance-manage.

A look and the statements of a data migration are run by the environment's own Python, where SQLAlchemy and the driver of
the database are. The address of the database never leaves the host, nor does it stand on a command line.

A command may take hours. It goes on when the call that began it is over, and when the playbook or the connection is gone:
its lock is held while it runs, and its exit code lies beside it. Hence a later call waits for it, and starts no second one.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import fcntl
import io
import json
import os
import pwd
import re
import subprocess
import sys
import time

from ansible.module_utils.common.text.converters import to_bytes
from ansible_collections.stackops.glance.plugins.module_utils import _files, _oslo_ini, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, List, Optional
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

#: The commands of glance-manage by what they are for, and the exit codes of `db check` that ask for each. A release before
#: 16 has no such check (2), and of other engines than MySQL and SQLite it tells nothing (1).
VERBS = {'expand': (2, 3), 'migrate': (2, 4), 'contract': (2, 5), 'sync': (1, 2, 3, 4, 5)}
#: What `db check` says is to come before.
BEFORE = {'migrate': {3: 'expand'}, 'contract': {3: 'expand', 4: 'migrate'}}
SQL_TIMEOUT = 600  # seconds for a look, or for the statements of a data migration
SHOWN_LINES = 5  # of a command's last words
#: What oslo.log puts before each line, and how the line of a traceback begins that names the exception.
_LOGGED = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \d+ [A-Z]+ [\w.]+(?: \[(?:-|None|req-)[^\]]*\])?')
_EXCEPTION = re.compile(r'(?:\w+\.)+\w+: |\w+(?:Error|Exception): ')

#: Run by the environment's Python, whatever its version and that of its SQLAlchemy (1.1 to 2).
SQL = r'''
import json, sys
from sqlalchemy import create_engine, inspect, text
asked = json.loads(sys.stdin.read())
engine = create_engine(asked["url"])
tables = inspect(engine).get_table_names()

def rows(sql):
    with engine.connect() as connection:
        return [list(row) for row in connection.execute(text(sql))]

def number(sql):
    try:
        return int(rows(sql)[0][0] or 0)
    except Exception:  # a schema that has no such table or column has no such rows
        return None

def variables(*names):
    return dict((str(row[0]).lower(), str(row[1])) for row in rows(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('%s')" % "', '".join(names)))

for statement in asked["run"]:
    with engine.begin() as connection:
        connection.execute(text(statement))
found = {"engine": engine.dialect.name, "heads": [], "server": None, "bytes": None, "galera": None, "binary_log": None}
if "alembic_version" in tables:
    found["heads"] = sorted(str(row[0]) for row in rows("SELECT version_num FROM alembic_version"))
elif "migrate_version" in tables:
    found["heads"] = ["%03d" % int(row[0]) for row in rows("SELECT version FROM migrate_version")]
found["images"] = number("SELECT COUNT(*) FROM images")
found["counts"] = dict((name, number(sql)) for name, sql in asked["counts"].items())
if asked["listed"]:
    found["listed"] = [[None if value is None else u"%s" % value for value in row] for row in rows(asked["listed"])]
if engine.dialect.name in ("mysql", "mariadb"):
    found["server"] = str(rows("SELECT VERSION()")[0][0])
    found["bytes"] = number("SELECT SUM(data_length + index_length) FROM information_schema.tables "
                            "WHERE table_schema = DATABASE()")
    told = variables("wsrep_on", "wsrep_cluster_name", "log_bin", "log_bin_trust_function_creators")
    found["galera"] = told.get("wsrep_on") == "ON"
    found["binary_log"] = {"on": told.get("log_bin") == "ON",
                           "trust_function_creators": told.get("log_bin_trust_function_creators") == "ON"}
print(json.dumps(found))
'''

#: Run by the host's Python: holds the lock, becomes the user for the command, and writes down how it ended.
WRAPPER = r'''
import fcntl, json, os, sys
job = json.loads(sys.argv[1])
os.setsid()
lock = os.open(job["lock"], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
# The command holds it as well, should this process be killed.
getattr(os, "set_inheritable", lambda *_given: None)(lock, True)
open(job["begun"], "w").close()
child = os.fork()
if child == 0:
    try:
        if job["user"]:
            os.initgroups(job["user"]["name"], job["user"]["gid"])
            os.setgid(job["user"]["gid"])
            os.setuid(job["user"]["uid"])
        os.chdir("/")
        os.execve(job["argv"][0], job["argv"], job["environ"])
    except Exception as error:
        sys.stderr.write("%s\n" % error)
        sys.stderr.flush()
    os._exit(127)
status = os.waitpid(child, 0)[1]
code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
with open(job["status"] + ".new", "w") as stream:
    stream.write("%d\n" % code)
    stream.flush()
    os.fsync(stream.fileno())
os.rename(job["status"] + ".new", job["status"])
'''


# -- SQL ----------------------------------------------------------------------------------------------------------


def address(config_files, config_dirs):
    # type: (List[str], List[str]) -> str
    """The address of the database, with its secrets, as these files tell it. Raises GlanceError where they do not."""
    loaded = _oslo_ini.load(config_files, config_dirs)
    told = {}  # type: Dict[str, Optional[str]]
    for name, older in (('connection', ['DEFAULT/sql_connection', 'DATABASE/sql_connection', 'sql/connection']),
                        ('connection_parameters', [])):
        schema = {'group': 'database', 'name': name, 'type': 'string', 'default': None, 'deprecated': older}
        known = [{'group': value['group'], 'name': value['option'], 'type': 'string', 'default': None}
                 for value in loaded.values if (value['group'], value['option']) != ('database', name)]
        told[name] = _oslo_ini.resolve(loaded.values, schema, {}, known, _oslo_ini.NEWEST)['effective']
    url, more = told['connection'], told['connection_parameters']
    if not url:
        raise GlanceError('[database] connection is not set in %s, so it is not known where Glance\'s database is. Set it '
                          'there.' % (', '.join(config_files + config_dirs) or 'any file'))
    return '%s%s%s' % (url, '&' if '?' in url else '?', more) if more else url


def python_of(environment):
    # type: (str) -> str
    """The Python of an environment; a system's own has no plain name."""
    for name in ('python3', 'python'):
        path = os.path.join(environment, 'bin', name)
        if os.path.exists(path):
            return path
    raise GlanceError('%s holds no Python, so it is no environment of a Glance.' % environment)


def look(place, counts=None, run=(), listed=None):
    # type: (Dict[str, Any], Optional[Dict[str, str]], Any, Optional[str]) -> Dict[str, Any]
    """What the database is and holds; ``counts`` are queries by name, ``run`` statements to run before, ``listed`` one query whose
    rows are wanted, as text.

    ``place`` names ``python``, ``config_files`` and ``config_dirs``. Without statements nothing is written.
    """
    url = address(place['config_files'], place['config_dirs'])
    secrets = _files.passwords_in(url)
    asked = json.dumps({'url': url, 'counts': counts or {}, 'run': list(run), 'listed': listed})
    try:
        process = subprocess.Popen([place['python'], '-c', SQL], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, close_fds=True, env=_environ(), cwd='/')
    except EnvironmentError as error:
        raise GlanceError('%s cannot be run: %s. The database is looked at with the Python of a Glance environment.'
                          % (place['python'], os.strerror(error.errno or 0)))
    out, err = process.communicate(to_bytes(asked))
    if process.returncode != 0:
        raise GlanceError('The database could not be read: %s. Look at [database] connection in %s, and whether the server '
                          'answers.' % (last_words(err, secrets), ', '.join(place['config_files'])))
    found = json.loads(out.decode('utf-8').splitlines()[-1])  # type: Dict[str, Any]
    return found


def _environ():
    # type: () -> Dict[str, str]
    """Nothing of Ansible's own Python may lead another one astray."""
    kept = dict((name, value) for name, value in os.environ.items() if not name.startswith('PYTHON'))
    return dict(kept, LC_ALL='C.UTF-8', LANG='C.UTF-8')


def last_words(data, secrets):
    # type: (bytes, List[str]) -> str
    """How a program took its leave, without secrets."""
    lines = [_LOGGED.sub('', line).strip() for line in data.decode('utf-8', 'replace').splitlines()]
    lines = [line for line in lines if line and not line.startswith('(Background on this error')]
    # SQLAlchemy tells what happened first, and then the whole statement.
    named = [number for number, line in enumerate(lines) if _EXCEPTION.match(line)]
    shown = lines[named[-1]:][:SHOWN_LINES] if named else lines[-SHOWN_LINES:]
    return _files.mask('', ' '.join(shown) or 'it said nothing', secrets).rstrip('.')


# -- a command that outlives the call -----------------------------------------------------------------------------


class Job(object):
    """A command, its output and its exit code, in a directory of its own."""

    def __init__(self, directory):
        # type: (str) -> None
        self.directory = directory

    def path(self, name):
        # type: (str) -> str
        return os.path.join(self.directory, name)

    @property
    def begun(self):
        # type: () -> bool
        return os.path.exists(self.path('begun'))

    @property
    def running(self):
        # type: () -> bool
        try:
            handle = os.open(self.path('lock'), os.O_RDWR)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return False
            raise
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except EnvironmentError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return True
            raise
        finally:
            os.close(handle)

    @property
    def code(self):
        # type: () -> Optional[int]
        """The exit code; None while there is none, negative where a signal ended it."""
        try:
            with io.open(self.path('status'), encoding='ascii') as stream:
                return int(stream.read())
        except EnvironmentError as error:
            if error.errno == errno.ENOENT:
                return None
            raise

    def output(self):
        # type: () -> bytes
        return _files.read(self.path('output'))

    def start(self, argv, user):
        # type: (List[str], Optional[str]) -> None
        _runs.make_private_dir(self.directory)
        job = {'lock': self.path('lock'), 'begun': self.path('begun'), 'status': self.path('status'), 'argv': argv,
               'environ': _environ(), 'user': _user(user)}
        handle = os.open(self.path('output'), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, 'wb') as stream, open(os.devnull) as nothing:
            process = subprocess.Popen([sys.executable, '-c', WRAPPER, json.dumps(job)], stdin=nothing, stdout=stream,
                                       stderr=subprocess.STDOUT, close_fds=True, cwd='/')
        while not self.begun:
            if process.poll() is not None:
                raise GlanceError('%s could not be started: %s.' % (argv[0], last_words(self.output(), [])))
            time.sleep(0.05)


def _user(name):
    # type: (Optional[str]) -> Optional[Dict[str, Any]]
    """Whom to become; None where we are that user, or are not root."""
    if not name or os.geteuid() != 0:
        return None
    try:
        found = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        raise GlanceError('There is no user %s on this host, as whom glance-manage should run.' % name)
    return {'name': found.pw_name, 'uid': found.pw_uid, 'gid': found.pw_gid} if found.pw_uid else None


def under_way(above, own=None):
    # type: (str, Optional[str]) -> Optional[str]
    """What an attempt (a directory in ``above``) other than one's ``own`` has begun and still runs: two at once would hurt the
    schema, and a Glance may find half of it. None where nothing does."""
    for attempt in sorted(os.listdir(above)) if os.path.isdir(above) else []:
        if Job(os.path.join(above, attempt)).running:
            return 'a dump of the database, which an earlier attempt takes or puts back, is not finished'
        for name in ('check',) + tuple(sorted(VERBS)):
            directory = os.path.join(above, attempt, name)
            if os.path.join(above, attempt) != own and Job(directory).running:
                return 'glance-manage db %s, which an earlier attempt began, still runs' % name
    return None


# -- glance-manage ------------------------------------------------------------------------------------------------


class Work(object):
    """One command of glance-manage where it is needed, and the data migrations that belong to it.

    ``work`` names the ``verb`` (expand, migrate, contract or sync), the ``environment`` (a directory with bin/), its
    ``config_files`` and ``config_dirs``, the ``user`` to run as, the ``head`` that sync and contract have to end at, and
    ``moves``: [{name, left, run}], data migrations that the command leaves out, with the query that counts rows still to be
    moved and the statements that move them.
    """

    def __init__(self, directory, work):
        # type: (str, Dict[str, Any]) -> None
        self.directory = directory
        self.work = work
        self.verb = work['verb']
        self.place = {'python': python_of(work['environment']),
                      'config_files': work['config_files'], 'config_dirs': work['config_dirs']}

    def look(self, run=()):
        # type: (Any) -> Dict[str, Any]
        return look(self.place, dict((move['name'], move['left']) for move in self.work['moves']), run)

    def left(self):
        # type: () -> Dict[str, int]
        """Rows that a data migration left out is still to move, by its name."""
        return dict((name, count) for name, count in self.look()['counts'].items() if count)

    def go_on(self):
        # type: () -> Optional[str]
        """Begin what is next, or see how far it is. None once all is done, else what it waits for; GlanceError for failures."""
        waits = under_way(os.path.dirname(self.directory), self.directory) or self._command('check')
        if waits:
            return waits
        code = Job(os.path.join(self.directory, 'check')).code
        if code in BEFORE.get(self.verb, {}):
            raise GlanceError('glance-manage db check says that %s has to come before %s. Do that first.'
                              % (BEFORE[self.verb][code], self.verb))
        if code == 1 and self.verb != 'sync' or code not in (0, 1, 2, 3, 4, 5):
            raise self._failed('check')
        if code in VERBS[self.verb]:
            waits = self._command(self.verb)
            if waits:
                return waits
            if Job(os.path.join(self.directory, self.verb)).code != 0:
                raise self._failed(self.verb)
        self._move()
        return None

    def _command(self, name):
        # type: (str) -> Optional[str]
        """Run one command of glance-manage, once. None when it has ended, else what to wait for."""
        job = Job(os.path.join(self.directory, name))
        if job.code is not None:
            return None
        if not job.begun:
            named = [word for kind in ('file', 'dir') for path in self.work['config_%ss' % kind]
                     for word in ('--config-' + kind, path)]
            job.start([os.path.join(self.work['environment'], 'bin', 'glance-manage')] + named + ['db', name],
                      self.work['user'])
        elif not job.running and job.code is None:
            raise GlanceError('glance-manage db %s was cut off on this host (did it reboot?). Run the same playbook again: '
                              'what is missing of it is done then.' % name)
        return 'glance-manage db %s runs' % name

    def _failed(self, name):
        # type: (str) -> GlanceError
        job = Job(os.path.join(self.directory, name))
        secrets = _files.passwords_in(address(self.place['config_files'], self.place['config_dirs']))
        return GlanceError('glance-manage db %s failed (%s): %s. All that it said is in %s on this host.'
                           % (name, job.code, last_words(job.output(), secrets), job.path('output')))

    def _move(self):
        # type: () -> None
        """What the command leaves out, and a look whether anything is left of it."""
        left = self.left() if self.work['moves'] else {}
        for move in self.work['moves']:
            if left.get(move['name']):
                self.look(run=move['run'])
        still = self.left() if left else {}
        if still:
            raise GlanceError('A data migration has not moved everything: %s. Somebody writes such rows still; is a service '
                              'of the older release running?'
                              % ', '.join('%s, %d rows' % each for each in sorted(still.items())))

    def result(self, before):
        # type: (Dict[str, Any]) -> Dict[str, Any]
        """What was done, for the journal; ``before`` is the look from before."""
        after = self.look()
        if self.work.get('head') and self.work['head'] not in after['heads']:
            raise GlanceError('After glance-manage db %s the database is at %s, and %s was expected.'
                              % (self.verb, ', '.join(after['heads']) or 'no revision', self.work['head']))
        return {
            'verb': self.verb,
            'ran': Job(os.path.join(self.directory, self.verb)).begun,
            'before': before['heads'],
            'after': after['heads'],
            'moved': dict((name, count) for name, count in before['counts'].items() if count),
        }
