# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first database of a Glance: an account and a database on the server, Glance's tables, its metadata definitions.

All of it is asked with the Python of Glance's own environment, which has the driver of the database.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import pwd
import re

from ansible_collections.stackops.glance.plugins.module_utils import _command, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Callable, Dict, List, Optional
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

# What the database holds; nothing is written.
_LOOK = r'''
import json, sys
import sqlalchemy
url = sqlalchemy.engine.make_url(json.load(sys.stdin)["connection"])
found = {"engine": url.get_backend_name(), "tables": 0, "revisions": [], "images": 0, "namespaces": 0, "refused": None}
try:
    with sqlalchemy.create_engine(url).connect() as connection:
        tables = sqlalchemy.inspect(connection).get_table_names()
        rows = lambda text: [row[0] for row in connection.execute(sqlalchemy.text(text))]
        found["tables"] = len(tables)
        if "alembic_version" in tables:
            found["revisions"] = rows("SELECT version_num FROM alembic_version")
        for name, table in (("images", "images"), ("namespaces", "metadef_namespaces")):
            if table in tables:
                found[name] = rows("SELECT COUNT(*) FROM " + table)[0]
except sqlalchemy.exc.DBAPIError as error:
    found["refused"] = " ".join(str(error.orig).split())
print(json.dumps(found))
'''

# A database and an account that may do there what Glance's migrations do, and no more.
_ACCOUNT = r'''
import json, sys
import pymysql, sqlalchemy
given = json.load(sys.stdin)
url = sqlalchemy.engine.make_url(given["connection"])
login = {name: value for name, value in given["login"].items() if value not in (None, "")}
try:
    server = pymysql.connect(**login)
    with server.cursor() as cursor:
        database = "`%s`" % url.database.replace("`", "``").replace("%", "%%")
        account = (url.username, given["account_host"])
        cursor.execute("CREATE DATABASE IF NOT EXISTS " + database + " CHARACTER SET utf8")
        cursor.execute("CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s", account + (url.password,))
        cursor.execute("ALTER USER %s@%s IDENTIFIED BY %s", account + (url.password,))
        cursor.execute("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, REFERENCES, DROP ON " + database
                       + ".* TO %s@%s", account)
    print(json.dumps({"refused": None}))
except pymysql.MySQLError as error:
    print(json.dumps({"refused": " ".join(str(error).split())}))
'''


class Glance:
    """A Glance as it is installed: its programs, run as its user."""

    def __init__(self, params):
        # type: (Dict[str, Any]) -> None
        self.params = params
        self.python = os.path.join(params['environment'], 'bin', 'python')
        try:
            self.account = pwd.getpwnam(params['user'])
        except KeyError:
            raise GlanceError('There is no user %s on this host. Have the service there first (glance_service).' % params['user'])
        if not os.path.exists(self.python):
            raise GlanceError('%s does not exist. Have the environment there first (glance_environment).' % self.python)

    def run(self, argv, data=None):
        # type: (List[str], Optional[Dict[str, Any]]) -> str
        """Run a program as Glance's user; what it wrote. Raises GlanceError without a secret in it."""
        code, out, err = _command.run(argv, json.dumps(data).encode('utf-8') if data is not None else b'', cwd='/',
                                      env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8'},
                                      preexec_fn=self._become())
        if code != 0:
            said = (err or out).strip().splitlines()
            raise GlanceError('%s failed (%d): %s.' % (' '.join(argv[:3] if '-c' not in argv else argv[:1]), code,
                                                       self.masked((said or ['no message'])[-1]).rstrip('.')))
        return out

    def _become(self):
        # type: () -> Optional[Callable[[], None]]
        if os.geteuid() == self.account.pw_uid:
            return None

        def become():
            # type: () -> None
            os.initgroups(self.account.pw_name, self.account.pw_gid)
            os.setgid(self.account.pw_gid)
            os.setuid(self.account.pw_uid)
        return become

    def masked(self, text):
        # type: (str) -> str
        return re.sub(r'(://[^\s/:@]*:)[^\s@]*(?=@)', r'\1********', text)

    def ask(self, script, **more):
        # type: (str, **Any) -> Dict[str, Any]
        found = json.loads(self.run([self.python, '-I', '-c', script], dict(more, connection=self.params['connection'])))
        return dict(found)

    def manage(self, *words):
        # type: (*str) -> None
        self.run([os.path.join(self.params['environment'], 'bin', 'glance-manage'), '--config-file', self.params['config_file']]
                 + list(words))

    def metadefs(self):
        # type: () -> Optional[str]
        """The definitions that the release has brought along."""
        path = os.path.join(self.params['environment'], 'etc', 'glance', 'metadefs')
        return path if os.path.isdir(path) else None


def run(module):
    # type: (Any) -> Dict[str, Any]
    params = module.params
    result = {'changed': False, 'done': [], 'revisions': []}  # type: Dict[str, Any]
    absent = re.match(r'sqlite:///(/.*)$', params['connection'])
    if module.check_mode and (not os.path.exists(params['environment']) or absent and not os.path.exists(absent.group(1))):
        # There is nothing yet to ask with, or to ask.
        return dict(result, changed=True, done=_whole(params))
    glance = Glance(params)
    found = glance.ask(_LOOK)
    todo = _todo(params, found)
    if todo and not module.check_mode:
        with _runs.write_guard(params['state_dir'], params['run_token']):
            _do(glance, params, todo)
        found = glance.ask(_LOOK)
    return {'changed': bool(todo), 'done': todo, 'revisions': found['revisions']}


def _whole(params):
    # type: (Dict[str, Any]) -> List[str]
    return ['tables'] + (['metadefs'] if params['metadefs'] else [])


def _todo(params, found):
    # type: (Dict[str, Any], Dict[str, Any]) -> List[str]
    """What has to be done, in order. Raises GlanceError for a database that is not for this module to fill."""
    if found['refused']:
        if found['engine'] != 'mysql' or not params['login']:
            raise GlanceError('The database refuses Glance\'s account: %s. Make database and account, or give login, as an '
                              'administrator of a MariaDB or MySQL.' % found['refused'])
        return ['account'] + _whole(params)
    todo = []
    if found['tables'] and not found['revisions']:
        raise GlanceError('The database holds %d tables and no revision of Glance\'s. It belongs to something else, or to a '
                          'Glance older than 14 (Ocata). Name another database.' % found['tables'])
    # A first filling that was cut off is finished; what holds images is moved by a flip alone.
    if found['revisions'] != [params['head']] and not found['images']:
        todo.append('tables')
    elif found['revisions'] != [params['head']]:
        raise GlanceError('The database is at %s, and this release wants %s. A database with images is moved from one release to '
                          'another by flip_release.yml.' % (', '.join(found['revisions']), params['head']))
    if params['metadefs'] and not found['namespaces']:
        todo.append('metadefs')
    return todo


def _do(glance, params, todo):
    # type: (Glance, Dict[str, Any], List[str]) -> None
    if 'account' in todo:
        answer = glance.ask(_ACCOUNT, login=params['login'], account_host=params['account_host'])
        if answer['refused']:
            raise GlanceError('The administrator given in login cannot make database and account: %s.'
                              % glance.masked(answer['refused']))
    if 'tables' in todo:
        glance.manage('db', 'sync')
    path = glance.metadefs()
    if 'metadefs' in todo and path:
        glance.manage('db', 'load_metadefs', '--path', path)
