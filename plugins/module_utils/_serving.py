# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a service drained, is it healthy? Seen from its own host."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import json
import os
import ssl
import time

from ansible_collections.stackops.glance.plugins.module_utils import _units
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from http.client import HTTPConnection, HTTPException, HTTPSConnection
    from urllib.parse import urlsplit
except ImportError:  # Python 2.7
    from httplib import HTTPConnection, HTTPException, HTTPSConnection  # type: ignore[import-not-found, no-redef]
    from urlparse import urlsplit  # type: ignore[import-not-found, no-redef]

try:
    from typing import Any, Callable, Dict, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

HTTP_TIMEOUT = 5  # seconds for one request to the service on its own host
ESTABLISHED = '01'  # as /proc/net/tcp writes it


# -- drain --------------------------------------------------------------------------------------------------------


def drain(drain):
    # type: (Optional[Dict[str, Any]]) -> None
    """Make the health check answer 503, so that the balancer sends nothing new here; a hook may have seen to that."""
    if drain is None or drain['file'] is None:
        return
    try:
        with open(drain['file'], 'a'):
            pass
        os.chmod(drain['file'], 0o644)
    except EnvironmentError as error:
        raise GlanceError('%s cannot be created: %s. Glance\'s health check (disable_by_file_path) looks there; without '
                          'it this host cannot be drained.' % (drain['file'], error.strerror))


def undrain(drain):
    # type: (Optional[Dict[str, Any]]) -> None
    """Let the health check answer 200 again."""
    if drain is None or drain['file'] is None:
        return
    try:
        os.unlink(drain['file'])
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise GlanceError('%s cannot be removed: %s. The balancer sends nothing to this host while it exists.'
                              % (drain['file'], error.strerror))


def still_busy(drain, since):
    # type: (Optional[Dict[str, Any]], float) -> Optional[str]
    """Say what still keeps the host busy, None when it is drained.

    The balancer gets the grace time to notice. After it every established connection counts, because eventlet cuts
    what is running when the service is told to stop. So does every import, copy-image and v1 ``copy_from``, which go on
    without a connection; they are seen by the files that they hold open.
    """
    if drain is None:
        return None
    noticing = not_yet(since, drain['grace'])
    if noticing:
        return noticing
    busy = _busy(drain)
    if busy is None:
        # A health check comes and goes, and between two files an import has none open: twice in a row is an answer.
        time.sleep(0.3)
        busy = _busy(drain)
    return busy


def _busy(drain):
    # type: (Dict[str, Any]) -> Optional[str]
    count = _established(drain['port'])
    if count:
        return '%d connections to port %d are open' % (count, drain['port'])
    return _transfer(drain['units'], drain['staging'], drain['stores'])


def not_yet(since, grace):
    # type: (float, float) -> Optional[str]
    """None once the balancer has had its time to notice that the health check's answer has changed."""
    return 'the balancer has %d s to notice' % grace if time.time() < since + grace else None


def _established(port):
    # type: (int) -> int
    count = 0
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        try:
            with open(table) as stream:
                rows = stream.read().splitlines()[1:]
        except IOError:  # IPv6 may be off
            continue
        for row in rows:
            fields = row.split()
            if int(fields[1].rsplit(':', 1)[1], 16) == port and fields[3] == ESTABLISHED:
                count += 1
    return count


def _transfer(units, staging, stores):
    # type: (List[str], List[str], List[str]) -> Optional[str]
    """Say which file a process of the units holds open below a staging directory, or open for writing below a store's."""
    staging, stores = _below(staging), _below(stores)
    if not staging + stores:
        return None
    for pid in _units.processes(units):
        for descriptor in _unless_gone(pid, os.listdir, '/proc/%d/fd' % pid) or []:
            path = _unless_gone(pid, os.readlink, '/proc/%d/fd/%s' % (pid, descriptor)) or ''
            if path.startswith(tuple(staging)) or path.startswith(tuple(stores)) and _writes(pid, descriptor):
                return 'process %d has %s open: an import, a copy or an upload still runs' % (pid, path)
    return None


def _unless_gone(pid, look, path):
    # type: (int, Callable[[str], Any], str) -> Any
    """What a look into /proc finds, None where process or file are gone meanwhile."""
    try:
        return look(path)
    except EnvironmentError as error:
        if error.errno in (errno.ENOENT, errno.ESRCH):
            return None
        raise GlanceError('What process %d has open cannot be seen (%s), so it is not known whether an import or a copy '
                          'runs on this host. Look as root; where the host is a container, let it have CAP_SYS_PTRACE.'
                          % (pid, error.strerror))


def _below(directories):
    # type: (List[str]) -> List[str]
    """What the paths of files in these directories begin with, as they are named and as they really are."""
    paths = set(each for path in directories for each in (os.path.normpath(path), os.path.realpath(path)))
    return sorted(path.rstrip('/') + '/' for path in paths)


def _writes(pid, descriptor):
    # type: (int, str) -> bool
    text = _unless_gone(pid, _read, '/proc/%d/fdinfo/%s' % (pid, descriptor)) or ''
    flags = [line.split()[1] for line in text.splitlines() if line.startswith('flags:')]
    return bool(flags) and bool(int(flags[0], 8) & (os.O_WRONLY | os.O_RDWR))


def _read(path):
    # type: (str) -> str
    with open(path) as stream:
        return stream.read()


# -- health -------------------------------------------------------------------------------------------------------


def unhealthy(step, since, versions):
    # type: (Dict[str, Any], float, Optional[Dict[str, Any]]) -> Optional[str]
    """Say what is wrong with the restarted services, None when they are healthy.

    Raises GlanceError where waiting is no use: systemd, or the engine, has given it up.
    """
    health = step['health']
    units = [name for verb in ('start', 'reload', 'restart') for name in step.get(verb) or []]
    for name, state in sorted(_units.states(units).items()):
        if state['active_state'] == 'failed':
            raise GlanceError('%s does not start (%s). Look at %s on this host.'
                              % (name, state['sub_state'], _units.told(name)))
        if state['active_state'] != 'active':
            return '%s is %s (%s)' % (name, state['active_state'], state['sub_state'])
    if time.time() < since + health['settle']:
        return 'the services run, and have %d s to show that they stay' % health['settle']
    return _wrong_versions(health['url'], versions) if health.get('url') else None


def not_trusted(places):
    # type: (Optional[List[Dict[str, Any]]]) -> Optional[str]
    """Say at which of these addresses no answer comes to a client that verifies the server by the CA file given with it, or
    by this host's trust store; None where all answer."""
    for place in places or ():
        try:
            context = ssl.create_default_context(cafile=place['ca'])
            connection = HTTPSConnection(place['host'], place['port'], timeout=HTTP_TIMEOUT, context=context)
            try:
                connection.request('GET', '/')
                connection.getresponse().read()
            finally:
                connection.close()
        except (EnvironmentError, ssl.SSLError, HTTPException) as error:
            return ('https://%s:%d does not answer a client on this host that trusts %s (%s)'
                    % (place['host'], place['port'], place['ca'] or 'the system\'s CA certificates', error))
    return None


def _wrong_versions(url, versions):
    # type: (str, Optional[Dict[str, Any]]) -> Optional[str]
    try:
        status, body = _get(url)
        if status not in (200, 300):
            return '%s answers %d' % (url, status)
        answered = [str(version['id']) for version in json.loads(body.decode('utf-8'))['versions']]
    except (EnvironmentError, HTTPException) as error:
        return '%s does not answer (%s)' % (url, error)
    except (ValueError, KeyError, TypeError):
        return '%s answers no list of versions' % url
    for wanted in (versions or {}).get('present', []):
        if not any(version.startswith(wanted) for version in answered):
            return '%s does not offer %s, only %s' % (url, wanted, ', '.join(answered))
    for unwanted in (versions or {}).get('absent', []):
        if any(version.startswith(unwanted) for version in answered):
            return '%s still offers %s' % (url, unwanted)
    return None


def status(url):
    # type: (str) -> Optional[int]
    """The status that an address answers with; None while it does not answer."""
    try:
        return _get(url)[0]
    except (EnvironmentError, HTTPException):
        return None


def _get(url):
    # type: (str) -> Tuple[int, bytes]
    """GET without redirects: 300 is how Glance answers with its versions. The certificate is judged elsewhere."""
    parts = urlsplit(url)
    host = parts.hostname or ''
    if parts.scheme == 'https':
        context = ssl._create_unverified_context()
        connection = HTTPSConnection(host, parts.port, timeout=HTTP_TIMEOUT, context=context)  # type: HTTPConnection
    else:
        connection = HTTPConnection(host, parts.port, timeout=HTTP_TIMEOUT)
    try:
        connection.request('GET', parts.path or '/')
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
