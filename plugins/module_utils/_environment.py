# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments of Glance on a host, one beside the other: look, build, pack, unpack, link, prune.

``environment.json`` in an environment says what it is::

    release, platform, python    what it was built for
    lock                         the SHA-256 of the lock file, which lies beside it as lock.txt
    identity                     the SHA-256 over the names, modes and contents of everything else in it
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import tarfile

from ansible_collections.stackops.glance.plugins.module_utils import _command, _files, _links, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, Iterable, Iterator, List, Optional
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

FACTS = 'environment.json'
LOCK = 'lock.txt'
CURRENT = 'current'
#: What beginnings of names say that an environment is being made, or was when somebody pulled the plug.
UNFINISHED = '.new-'
#: A variable for pip of no more characters than that is a switch or a number, and no secret.
SHORT = 3
MADE = {'build': 'built', 'unpack': 'unpacked'}

# Asked of the Python that the environment is made from.
_ASK = r'''
import json, os, platform, sys, sysconfig
try:
    import ensurepip, venv
    builds = True
except ImportError:
    builds = False
libc = "".join(platform.libc_ver()) or "libc"
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2], "abi": "cp%d%d" % sys.version_info[:2], "builds": builds,
    "platform": "-".join(["cp%d%d" % sys.version_info[:2], platform.machine(), libc]),
}))
'''


class Place:
    """The directory of the environments, and the one environment that is asked for."""

    def __init__(self, params):
        # type: (Dict[str, Any]) -> None
        self.root = params['root'].rstrip('/') or '/'
        self.name = params['name'] or params['release']
        self.release = params['release']
        self.python = params['python']
        if not re.match(r'[A-Za-z0-9][A-Za-z0-9._+-]*$', self.name) or self.name == CURRENT:
            raise GlanceError('%r cannot be the name of an environment: letters, digits and ._+- alone can, and not %s.'
                              % (self.name, CURRENT))
        self.path = os.path.join(self.root, self.name)
        self.link = os.path.join(self.root, CURRENT)

    def names(self):
        # type: () -> List[str]
        """The environments that are there, newest first."""
        try:
            names = [name for name in os.listdir(self.root) if os.path.exists(os.path.join(self.root, name, FACTS))]
        except OSError as error:
            if error.errno == errno.ENOENT:
                return []
            raise GlanceError('%s cannot be read: %s.' % (self.root, error.strerror))
        names = [name for name in names if not os.path.islink(os.path.join(self.root, name))]
        return sorted(names, key=lambda name: os.stat(os.path.join(self.root, name, FACTS)).st_mtime, reverse=True)

    def current(self):
        # type: () -> Optional[str]
        """The name of the environment that the link leads to; None without a link."""
        if not os.path.lexists(self.link):
            return None
        if not os.path.islink(self.link):
            raise GlanceError('%s is no link. It has to lead to the environment that the units run; move it away.' % self.link)
        return os.path.basename(os.readlink(self.link).rstrip('/'))

    def describe(self, new=False, link=False, goes=()):
        # type: (bool, bool, Iterable[str]) -> str
        """What is there, or will be, as a difference shows it."""
        names = set(self.names()) - set(goes) | set([self.name] if new else [])
        leads = self.name if link else self.current()
        return ''.join('%s\n' % name for name in sorted(names)) + ('%s -> %s\n' % (CURRENT, leads) if leads else '')


# -- looking ------------------------------------------------------------------------------------------------------


def ask(python):
    # type: (str) -> Dict[str, Any]
    """Platform of a Python and whether it can make environments. Raises GlanceError."""
    try:
        _code, out, err = _command.run([python, '-I', '-c', _ASK])
    except OSError as error:
        raise GlanceError('%s cannot be run: %s. Name a Python 3 of this host in python.' % (python, os.strerror(error.errno or 0)))
    try:
        found = json.loads(out)  # type: Dict[str, Any]
    except ValueError:
        raise GlanceError('%s is no Python 3 that could say what it is: %s.'
                          % (python, (err.strip().splitlines() or ['no message'])[-1]))
    return found


def facts(path):
    # type: (str) -> Dict[str, Any]
    """What an environment says of itself; empty where it is not there. Raises GlanceError where it is something else."""
    if not os.path.lexists(path):
        return {}
    try:
        with io.open(os.path.join(path, FACTS), encoding='utf-8') as stream:
            found = json.load(stream)  # type: Dict[str, Any]
        return found
    except (EnvironmentError, ValueError):
        raise GlanceError('%s was not made by this module: it has no %s. Give the environment another name, or move it away.'
                          % (path, FACTS), path=path)


def _entries(path):
    # type: (str) -> Iterator[str]
    """The names of everything that makes up an environment, in order; what Python compiles by itself is no part of it."""
    for folder, folders, names in os.walk(path):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = sorted(name for name in folders if name != '__pycache__' and name not in links)
        for name in sorted(names + links):
            entry = os.path.relpath(os.path.join(folder, name), path)
            if entry != FACTS:
                yield entry


def identity(path):
    # type: (str) -> str
    """The SHA-256 of an environment."""
    digest = hashlib.sha256()
    for entry in _entries(path):
        whole = os.path.join(path, entry)
        status = os.lstat(whole)
        if stat.S_ISLNK(status.st_mode):
            kind, content = 'link', os.readlink(whole)
        else:
            kind, content = '%o' % (status.st_mode & 0o111), _files.sha256(_files.read(whole))
        digest.update(('%s\0%s\0%s\n' % (entry, kind, content)).encode('utf-8', 'surrogateescape' if str is not bytes else 'strict'))
    return digest.hexdigest()


def check(path, lock, platform, verify):
    # type: (str, str, str, bool) -> Dict[str, Any]
    """What the environment says of itself, once that is what is asked for; empty where it has to be made.

    ``lock`` is the hash of the lock file. Raises GlanceError.
    """
    found = facts(path)
    if not found:
        return {}
    if found.get('lock') != lock:
        raise GlanceError('%s holds Glance %s by another lock file, and an environment never changes. Give the new one a name of '
                          'its own, or remove this one where nothing runs from it.' % (path, found.get('release')),
                          path=path)
    if found.get('platform') != platform:
        raise GlanceError('%s was built for %s and this host is %s now. Remove the environment once nothing runs from it, then '
                          'run again.' % (path, found.get('platform'), platform), path=path)
    if verify and identity(path) != found.get('identity'):
        raise GlanceError('%s is not what was built: files in it were changed, added or removed since. Remove it once nothing '
                          'runs from it, then run again.' % path, path=path)
    return found


# -- making -------------------------------------------------------------------------------------------------------


def _fresh(place):
    # type: (Place) -> str
    """An empty directory beside the place; what an earlier attempt left there goes."""
    if not os.path.isdir(place.root):
        os.makedirs(place.root, 0o755)
    temporary = os.path.join(place.root, UNFINISHED + place.name)
    shutil.rmtree(temporary, ignore_errors=True)
    os.mkdir(temporary, 0o755)
    return temporary


def _finish(place, temporary):
    # type: (Place, str) -> None
    """Give an environment its name once all of it is on the disk."""
    subprocess.call(['sync'])
    os.rename(temporary, place.path)
    _files.sync_directory(place.root)


def _run(argv, environment, what, secrets=()):
    # type: (List[str], Dict[str, str], str, Iterable[str]) -> None
    try:
        process = subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   close_fds=True)
        out = process.communicate()[0].decode('utf-8', 'replace')
    except OSError as error:
        raise GlanceError('%s: %s cannot be run: %s.' % (what, argv[0], os.strerror(error.errno or 0)))
    if process.returncode != 0:
        out = _files.mask('', out, secrets)
        said = [line.strip() for line in out.splitlines() if line.strip() and 'notice' not in line]
        raise GlanceError('%s failed (%d): %s. Nothing was changed. Where this host cannot reach a package index, let another one '
                          'build (build: false here), or say in pip how to reach it.'
                          % (what, process.returncode, ' / '.join(said[-6:]) or 'no message'))


def build(place, lock, pip, asked):
    # type: (Place, str, Dict[str, str], Dict[str, Any]) -> Dict[str, Any]
    """Make the environment out of the package index. Raises GlanceError and leaves nothing then."""
    if not asked['builds']:
        raise GlanceError('%s cannot make virtual environments: it has no venv with pip. Install Debian\'s python3-venv (the '
                          'role does), or let another host build.' % place.python)
    temporary = _fresh(place)
    try:
        # Nothing of root's own settings takes part but what was asked for.
        environment = dict(os.environ, PIP_NO_CACHE_DIR='1', PIP_DISABLE_PIP_VERSION_CHECK='1', PYTHONNOUSERSITE='1', LC_ALL='C.UTF-8')
        given = dict((str(name), str(value)) for name, value in pip.items())
        environment.update(given)
        with io.open(os.path.join(temporary, LOCK), 'w', encoding='utf-8') as stream:
            stream.write(lock)
        _run([place.python, '-I', '-m', 'venv', temporary], environment, 'Making the virtual environment')
        _install(temporary, lock, environment, [value for value in given.values() if len(value) > SHORT])
        _relocate(temporary, place.path)
        found = dict(release=place.release, platform=asked['platform'], python=place.python,
                     lock=_files.sha256(lock.encode('utf-8')), identity=identity(temporary))
        with io.open(os.path.join(temporary, FACTS), 'wb') as stream:
            stream.write(json.dumps(found, indent=1, sort_keys=True).encode('utf-8') + b'\n')
        _finish(place, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return found


def _install(path, lock, environment, secrets):
    # type: (str, str, Dict[str, str], List[str]) -> None
    """Install exactly what the lock file says. What has to be built is built by the setuptools that it names as well."""
    pip = [os.path.join(path, 'bin', 'python'), '-I', '-m', 'pip']
    install = pip + ['install', '--quiet', '--require-hashes', '--no-deps', '--no-build-isolation', '--requirement']
    tools = re.search(r'^setuptools==(?:.*\\\n)*.*$', lock, re.M)
    if tools:
        first = os.path.join(path, 'setuptools.txt')
        with io.open(first, 'w', encoding='utf-8') as stream:
            stream.write(tools.group(0) + u'\n')
        _run(install + [first], environment, 'Installing setuptools', secrets)
        os.unlink(first)
    _run(install + [os.path.join(path, LOCK)], environment, 'Installing the packages of the lock file', secrets)
    # Nobody shall be tempted to add to it.
    _run(pip + ['uninstall', '--quiet', '--yes', 'pip'], environment, 'Removing pip')


def _relocate(path, wanted):
    # type: (str, str) -> None
    """Let the programs name the place that the environment will have."""
    programs = os.path.join(path, 'bin')
    for name in [os.path.join(programs, each) for each in os.listdir(programs)] + [os.path.join(path, 'pyvenv.cfg')]:
        if os.path.isfile(name) and not os.path.islink(name):
            data = _files.read(name)
            if path.encode('utf-8') in data:
                with open(name, 'wb') as stream:
                    stream.write(data.replace(path.encode('utf-8'), wanted.encode('utf-8')))


def pack(place, file):
    # type: (Place, str) -> str
    """Write an environment into an archive; its SHA-256."""

    def roots(entry):
        # type: (Any) -> Any
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ''
        return entry

    try:
        with tarfile.open(file, 'w:gz', compresslevel=1) as archive:
            archive.add(place.path, arcname='.', filter=roots)
        os.chmod(file, 0o644)  # whoever the connection is made as fetches it; there are no secrets in it
    except EnvironmentError as error:
        raise GlanceError('%s cannot be packed into %s: %s.' % (place.path, file, os.strerror(error.errno or 0)))
    return _files.sha256_of(file)


def unpack(place, file, sha256, lock, asked):
    # type: (Place, str, str, str, Dict[str, Any]) -> Dict[str, Any]
    """Make the environment out of an archive. Raises GlanceError, and leaves nothing, where a hash is another."""
    if _files.sha256_of(file) != sha256:
        raise GlanceError('The archive of %s came with another hash than it was packed with. Nothing was unpacked; run again.'
                          % place.name)
    temporary = _fresh(place)
    trusted = {'filter': 'fully_trusted'} if hasattr(tarfile, 'fully_trusted_filter') else {}  # type: Dict[str, Any]
    try:
        with tarfile.open(file) as archive:
            archive.extractall(temporary, **trusted)
        found = check(temporary, lock, asked['platform'], True)
        _finish(place, temporary)
    except (EnvironmentError, tarfile.TarError) as error:
        raise GlanceError('The archive of %s cannot be unpacked below %s: %s.' % (place.name, place.root, error))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return found


# -- the link, and what nobody needs --------------------------------------------------------------------------------


def refuse_other(place):
    # type: (Place) -> None
    """Raise GlanceError where the link leads to another environment."""
    found = place.current()
    if found not in (None, place.name):
        raise GlanceError('%s leads to %s, and %s was asked for. A host that is deployed moves from one release to another by '
                          'flip_release.yml, which drains it, migrates the database and can go back.'
                          % (place.link, found, place.name), current=found)


def superfluous(place, keep, state_dir):
    # type: (Place, int, str) -> List[str]
    """The environments that go: beyond the newest ones, led to by nothing, run by nothing, named by no run's record."""
    if not keep:
        return []
    beyond = [name for name in place.names()[keep:] if name not in (place.name, place.current())]
    if not beyond:
        return []
    said = _running() + _records(state_dir)
    return [name for name in beyond if not any(_names(text, os.path.join(place.root, name)) for text in said)]


def _names(text, path):
    # type: (str, str) -> bool
    return re.search(re.escape(path) + r'(?![A-Za-z0-9._+-])', text) is not None


def _running():
    # type: () -> List[str]
    """The command lines of everything that runs."""
    found = []
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                found.append(_files.read('/proc/%s/cmdline' % entry).replace(b'\0', b' ').decode('utf-8', 'replace'))
            except GlanceError:  # gone meanwhile
                continue
    return found


def _records(state_dir):
    # type: (str) -> List[str]
    """The records of runs, which name the environments that a way back leads to."""
    found = []
    for run in _runs.runs(state_dir):
        for name in ('manifest.json', 'journal.jsonl'):
            path = os.path.join(run.directory, name)
            if os.path.exists(path):
                found.append(_files.read(path).decode('utf-8', 'replace'))
    return found


def prune(place, names):
    # type: (Place, List[str]) -> None
    """Remove environments. The name goes first, so that a half of one is never taken for one."""
    for name in names:
        temporary = os.path.join(place.root, UNFINISHED + name)
        shutil.rmtree(temporary, ignore_errors=True)
        os.rename(os.path.join(place.root, name), temporary)
        shutil.rmtree(temporary)


# -- one call -----------------------------------------------------------------------------------------------------


def run(module):
    # type: (Any) -> Dict[str, Any]
    params = module.params
    place = Place(params)
    asked = ask(place.python)
    lock = params['locks'].get(asked['abi']) or params['locks'].get('any')
    if lock is None:
        raise GlanceError('There is no lock file for Glance %s on Python %s (%s); there is one for %s. Name another Python of this '
                          'host in python, or give a lock file of your own in lock.' % (
                              place.release, asked['version'], place.python, ', '.join(sorted(params['locks'])) or 'no other'))
    if params['current']:
        refuse_other(place)
    found = check(place.path, lock, asked['platform'], params['verify'])
    result = {'changed': False, 'path': place.path, 'python': asked, 'cores': os.sysconf('SC_NPROCESSORS_ONLN'),
              'made': 'none', 'linked': False, 'pruned': []}  # type: Dict[str, Any]
    if params['step'] == 'pack':
        return dict(result, sha256=pack(place, params['file']))
    if params['step'] == 'settle' and not found and not module.check_mode:
        return dict(result, missing=True)
    # In check mode nobody has said yet which of them it would be.
    asked_for = params['step'] if params['step'] != 'settle' else 'build' if params['build'] else 'unpack'
    making = '' if found else asked_for
    linking = params['current'] and place.current() is None
    goes = superfluous(place, params['keep'] - bool(making), params['state_dir']) if params['keep'] else []
    before = place.describe()
    if (making or linking or goes) and not module.check_mode:
        with _runs.write_guard(params['state_dir'], params['run_token']):
            if making == 'build':
                found = build(place, params['content'], json.loads(params['pip_json'] or '{}'), asked)
            elif making == 'unpack':
                found = unpack(place, params['file'], params['sha256'], lock, asked)
            if linking:
                _links.put(place.link, '', place.name)
            prune(place, goes)
    result.update(changed=bool(making or linking or goes), made=MADE.get(making, 'none'), linked=linking, pruned=goes,
                  environment=found, missing=False)
    if module._diff:
        after = place.describe(bool(making), linking, goes)
        result['diff'] = {'before_header': place.root, 'after_header': place.root, 'before': before, 'after': after}
    return result
