# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dump of Glance's database from before an offline hop, in the record of the run, and the way to put it back.

The dump is SQL, gzipped, a statement a line for MySQL and MariaDB, so that their client takes it as well. It is taken and put back
by the Python of a Glance environment, where the driver of the database is, in a job that outlives the call. Beside it lie
facts: ``images``, the ids of those that were not deleted, and ``sha256``.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import json
import os

from ansible_collections.stackops.glance.plugins.module_utils import _database, _files, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, Optional
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

#: Kinds of databases that can be dumped.
ENGINES = ('mysql', 'mariadb', 'sqlite')

# Any SQLAlchemy (1.1 to 2) and any driver of MySQL that is like MySQLdb.
_BEGIN = r'''
import gzip, importlib, json, os, sys
from sqlalchemy import create_engine
with open(sys.argv[1]) as stream:
    asked = json.load(stream)
engine = create_engine(asked["url"])
raw = engine.raw_connection()
connection = getattr(raw, "driver_connection", None) or raw.connection

def tables(cursor):
    cursor.execute("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
    return [row[0] for row in cursor.fetchall()]

def quoted(name):
    return "`%s`" % name.replace("`", "``")
'''

TAKE = _BEGIN + r'''
with gzip.open(asked["file"] + ".new", "wb", 1) as stream:
    def write(statement):
        data = statement if isinstance(statement, bytes) else statement.encode("utf-8")
        stream.write(data + b"\n")

    if engine.dialect.name == "sqlite":
        for statement in connection.iterdump():
            write(statement)
    else:
        cursor = connection.cursor()
        cursor.execute("SHOW TRIGGERS")
        if cursor.fetchall():
            sys.exit("the database has triggers, which a dump of this kind does not hold")
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        write("SET FOREIGN_KEY_CHECKS = 0;")
        names = tables(cursor)
        for name in names:
            cursor.execute("SHOW CREATE TABLE " + quoted(name))
            write(" ".join(cursor.fetchone()[1].split("\n")) + ";")
        # Row by row from the server, so that a large table needs no memory here.
        driver = type(connection).__module__.split(".")[0]
        streamed = connection.cursor(importlib.import_module(driver + ".cursors").SSCursor)
        for name in names:
            streamed.execute("SELECT * FROM " + quoted(name))
            for row in streamed:
                words = [connection.literal(value) for value in row]
                words = [word.decode("utf-8") if isinstance(word, bytes) else word for word in words]
                write("INSERT INTO %s VALUES (%s);" % (quoted(name), ",".join(words)))
        streamed.close()
cursor = connection.cursor()
cursor.execute("SELECT id FROM images WHERE deleted = 0")
with open(asked["facts"] + ".new", "w") as stream:
    json.dump({"images": sorted(row[0] for row in cursor.fetchall())}, stream)
'''

PUT_BACK = _BEGIN + r'''
cursor = connection.cursor()
if engine.dialect.name == "sqlite":
    cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    drops = ["DROP TABLE \"%s\";" % row[0].replace("\"", "\"\"") for row in cursor.fetchall()]
    with gzip.open(asked["file"]) as stream:
        first, _newline, rest = stream.read().decode("utf-8").partition("\n")
    if first != "BEGIN TRANSACTION;":
        sys.exit("the dump begins otherwise than one of SQLite: " + first)
    # All of it or nothing.
    connection.executescript("PRAGMA foreign_keys = OFF;\n%s\n%s\n%s" % (first, "\n".join(drops), rest))
else:
    cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
    for name in tables(cursor):
        cursor.execute("DROP TABLE " + quoted(name))
    with gzip.open(asked["file"]) as stream:
        for line in stream:
            cursor.execute(line.decode("utf-8").rstrip("\n").rstrip(";"))
    connection.commit()
'''


class Dump(object):
    """The dump of a run on this host; ``place`` is that of a look (``_database.look``)."""

    def __init__(self, run, place):
        # type: (_runs.Run, Dict[str, Any]) -> None
        self.run = run
        self.place = place
        self.file = run.path('database', 'dump.sql.gz')
        self.facts = _facts_path(run)

    def take(self, attempt):
        # type: (str) -> Optional[str]
        """Take it, in place of an older one. None when it is there, else what to wait for; GlanceError where that fails."""
        waits = self._job('dump-%s' % attempt, TAKE, 'a dump of the database is taken')
        if waits:
            return waits
        with io.open(self.facts + '.new', encoding='utf-8') as stream:
            found = dict(json.load(stream), sha256=_files.sha256_of(self.file + '.new'))
        with open(self.file + '.new', 'rb+') as dump:
            os.fsync(dump.fileno())
        os.rename(self.file + '.new', self.file)
        _runs.write_private(self.facts, json.dumps(found).encode('utf-8'))
        os.unlink(self.facts + '.new')
        return None

    def put_back(self, attempt):
        # type: (str) -> Optional[str]
        """Put it back in the place of all that the database holds. None when it is done, else what to wait for."""
        name = 'restore-%s' % attempt
        known = facts(self.run)
        if known is None:
            raise GlanceError('There is no dump of run %s on this host. Nothing was put back.' % self.run.run_id)
        if not os.path.isdir(self.run.path('database', name)) and _files.sha256_of(self.file) != known['sha256']:
            raise GlanceError('%s is damaged: it no longer has the hash that it was taken with. Nothing was put back.' % self.file)
        return self._job(name, PUT_BACK, 'the dump of the database is put back')

    def _job(self, name, script, what):
        # type: (str, str, str) -> Optional[str]
        folder = self.run.path('database')
        for other in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if other != name and _database.Job(os.path.join(folder, other)).running:
                return 'an earlier attempt still takes a dump or puts it back'
        job = _database.Job(os.path.join(folder, name))
        url = _database.address(self.place['config_files'], self.place['config_dirs'])
        asked = job.path('asked.json')  # not on a command line, for it holds the password
        if not job.begun:
            _runs.make_private_dir(job.directory)
            _runs.write_private(asked, json.dumps({'url': url, 'file': self.file, 'facts': self.facts}).encode('utf-8'))
            job.start([self.place['python'], '-c', script, asked], None)
        if job.code is None and job.running:
            return what
        if os.path.exists(asked):
            os.unlink(asked)
        if job.code is None:
            raise GlanceError('It was cut off on this host (did it reboot?): %s. Run the same playbook again.' % what)
        if job.code != 0:
            raise GlanceError('It failed (%s): %s: %s.' % (
                job.code, what, _database.last_words(job.output(), _files.passwords_in(url))))
        return None


def _facts_path(run):
    # type: (_runs.Run) -> str
    return run.path('database', 'dump.json')


def facts(run):
    # type: (_runs.Run) -> Optional[Dict[str, Any]]
    """What is known of the dump of a run; None where there is none."""
    path = _facts_path(run)
    if not os.path.exists(path):
        return None
    with io.open(path, encoding='utf-8') as stream:
        found = json.load(stream)  # type: Dict[str, Any]
    return found


def lost(state_dir, run_id, place):
    # type: (str, str, Dict[str, Any]) -> Optional[Dict[str, Any]]
    """What putting the dump of a run back would lose, of the ``newest`` that was not abandoned where none is named.

    Images ``made`` since, each with id, name and time, and the ids of those ``deleted`` since. None where there is no dump.
    """
    asked = [run for run in _runs.runs(state_dir)
             if run.run_id == run_id or (run_id == 'newest' and run.status() != 'abandoned')][:1]
    known = facts(asked[0]) if asked else None
    if known is None:
        return None
    then = set(known['images'])
    now = _database.look(place, listed='SELECT id, name, created_at FROM images WHERE deleted = 0 ORDER BY created_at')['listed']
    made = [{'id': row[0], 'name': row[1], 'created_at': row[2]} for row in now if row[0] not in then]
    return {'run_id': asked[0].run_id, 'made': made, 'deleted': sorted(then - set(row[0] for row in now))}
