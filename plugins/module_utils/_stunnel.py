# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS service by stunnel in front of a plaintext address: its files, its unit, and whether it shows what it shall."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import grp
import os
import pwd
import re
import socket
import time

from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible_collections.stackops.glance.plugins.module_utils import _certificates, _command, _files, _runs, _units
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

#: The first stunnel that knows every option that is written (sslVersionMin, curves).
OLDEST = (5, 56)
MARK = u'; Written by stackops.glance.stunnel_service, which writes it anew: change the task and not this file.'
#: Mozilla's intermediate profile 5.7 for TLS 1.2, less the suites with finite-field DH, which nobody needs beside these. Those
#: of TLS 1.3 are OpenSSL's own, the cheapest first: AES with 128 bits takes a fifth less CPU than with 256. A client that has
#: ChaCha20 first lacks the hardware for AES and gets that (PRIORITIZE_CHACHA).
CIPHERS = ':'.join('ECDHE-%s-%s' % (kind, cipher) for cipher in ('AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305')
                   for kind in ('ECDSA', 'RSA'))
SUITES = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'
CURVES = 'X25519:P-256:P-384'
#: Global options that stunnel reads when it starts and never again (stunnel(8), signals).
_FIXED = ('foreground', 'pid', 'setuid', 'setgid', 'syslog')
_EVERYWHERE = {'': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1'}


# -- what is asked for --------------------------------------------------------------------------------------------


def split_address(text):
    # type: (str) -> Tuple[str, int]
    """``[HOST:]PORT`` as host and port; an IPv6 address stands in brackets. Raises GlanceError."""
    match = re.match(r'(?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):)?(\d{1,5})$', text)
    if match is None or not 0 < int(match.group(2)) < 65536:
        raise GlanceError('%s is no address such as 127.0.0.1:9292, [::1]:9292 or 9292.' % text)
    return (match.group(1) or '').strip('[]'), int(match.group(2))


class Service:
    """The service that is asked for."""

    def __init__(self, params):
        # type: (Dict[str, Any]) -> None
        self.params = params = dict(params)
        self.name = params['name']
        if not re.match(r'[A-Za-z0-9][A-Za-z0-9_.-]*$', self.name):
            raise GlanceError('%r cannot be the name of a service: letters, digits and ._- alone can.' % self.name)
        self.unit = '%s@%s.service' % (params['unit'], self.name)
        self.conf = os.path.join(params['config_dir'], self.name + '.conf')
        self.drop_in = os.path.join(_units.UNIT_FILES, self.unit + '.d', 'stackops-glance.conf')
        for option, name in (('certificate', u'cert'), ('key', u'key'), ('client_ca', u'CAfile')):
            params[option] = params[option] or self._written(name)

    def _written(self, name):
        # type: (str) -> Optional[str]
        """What its configuration of today has for an option of stunnel's, if this module wrote it."""
        text = to_text(_files.found(self.conf) or b'', errors='replace')
        match = re.search(u'^%s = (.*)$' % name, text, re.M) if MARK in text else None
        return match.group(1) if match else None

    @property
    def listens(self):
        # type: () -> Dict[str, Any]
        """Where a client on this host finds it."""
        host, port = split_address(self.params['accept'])
        return {'host': _EVERYWHERE.get(host, host), 'port': port}

    def account(self):
        # type: () -> Tuple[int, int]
        """User and group that stunnel runs as."""
        try:
            return pwd.getpwnam(self.params['user']).pw_uid, grp.getgrnam(self.params['group']).gr_gid
        except KeyError:
            raise GlanceError('There is no user %s with a group %s on this host. Install stunnel (Debian: stunnel4), or name '
                              'those that its package has.' % (self.params['user'], self.params['group']))

    def config(self):
        # type: () -> str
        """stunnel's configuration. A global option comes before the service."""
        params = self.params
        lines = [
            MARK,
            # systemd starts it, watches it and keeps what it says.
            u'foreground = yes', u'pid =', u'syslog = no', u'debug = notice',
            u'setuid = %s' % params['user'], u'setgid = %s' % params['group'],
            # Small answers go at once; a client that is gone is noticed.
            u'socket = l:TCP_NODELAY=1', u'socket = r:TCP_NODELAY=1',
            u'socket = l:SO_KEEPALIVE=1', u'socket = r:SO_KEEPALIVE=1',
            u'', u'[%s]' % self.name,
            u'accept = %s' % _stunnel_address(params['accept']), u'connect = %s' % _stunnel_address(params['connect']),
            u'cert = %s' % params['certificate'], u'key = %s' % params['key'],
            u'sslVersionMin = TLSv1.2', u'ciphers = %s' % CIPHERS, u'ciphersuites = %s' % SUITES, u'curves = %s' % CURVES,
            u'options = CIPHER_SERVER_PREFERENCE', u'options = PRIORITIZE_CHACHA',
            # Time without a byte in either direction, not of a transfer; then time that the other side's good-bye may take.
            u'TIMEOUTidle = %d' % params['idle_timeout'], u'TIMEOUTclose = 60',
        ]
        if params['client_ca']:
            lines += [
                # So that a changed CA file is a changed configuration.
                u'; SHA-256 of CAfile: %s' % _files.sha256(_files.read(params['client_ca'])),
                u'CAfile = %s' % params['client_ca'], u'verifyChain = yes', u'requireCert = yes',
            ]
        return u'\n'.join(lines) + u'\n'

    def unit_settings(self):
        # type: () -> str
        """What the packaged template unit lacks. stunnel takes as many connections as half its files allow."""
        return (u'# Written by stackops.glance.stunnel_service.\n[Service]\nExecReload=/bin/kill -HUP $MAINPID\n'
                u'LimitNOFILE=%d\n' % self.params['limit_nofile'])

    def files(self):
        # type: () -> List[Dict[str, Any]]
        """Its files as glance_transaction takes them: before is a hash, content the text after. Those that differ alone."""
        present = self.params['state'] == 'present'
        wanted = [(self.drop_in, self.unit_settings() if present else None),
                  (self.conf, self.config() if present else None)]
        found = []
        for path, content in wanted:
            data = _files.found(path)
            if data is not None and b'stackops.glance.stunnel_service' not in data:
                raise GlanceError('%s was not written by this module: somebody else\'s service has this name. Give this one '
                                  'another name, or move the file away.' % path, path=path)
            if data != (None if content is None else to_bytes(content)):
                # stunnel reads its configuration again as the user that it has become. There is no secret in it.
                found.append({'path': path, 'before': _files.digest(data), 'content': content, 'mode': '0644'})
        return found

    # looking

    def check(self):
        # type: () -> Dict[str, Any]
        """Everything that would keep it from serving, before anything is changed. Returns the certificate's facts."""
        params = self.params
        for name in ('certificate', 'key'):
            if not params[name]:
                raise GlanceError('%s was not given, and there is no service %s yet that could go on with its own. Name '
                                  'the file.' % (name, self.name))
        for name in ('certificate', 'key', 'client_ca', 'trusted_ca'):
            if u'\n' in to_text(params[name] or u''):
                raise GlanceError('%s must be one line.' % name)
        split_address(params['connect'])
        _check_version(params['program'])
        uid, gid = self.account()
        found = _certificates.check(params['certificate'], params['key'], params['names'], params['trusted_ca'])
        _certificates.check_readers(params['key'], uid, gid)
        for path in filter(None, (params['certificate'], params['client_ca'])):
            if not _certificates.may_read(path, uid, gid):
                raise GlanceError('%s cannot be read by %s, so that every reload would be refused in silence. Look at its '
                                  'mode and at the directories above it.' % (path, params['user']), path=path)
        if params['client_ca']:
            _check_client_ca(params['client_ca'])
        return found

    def active(self):
        # type: () -> bool
        return bool(_units.states([self.unit])[self.unit]['active_state'] == 'active')

    def action(self, files, wanted):
        # type: (List[Dict[str, Any]], str) -> str
        """What has to become of the unit so that it serves these files, and shows the certificate with this fingerprint."""
        if not self.active():
            return 'start'
        before = to_text(_files.found(self.conf) or b'', errors='replace')
        fixed = [[line for line in text.splitlines() if line.split(u' ')[0] in _FIXED] for text in (before, self.config())]
        if fixed[0] != fixed[1] or any(each['path'] == self.drop_in for each in files):
            return 'restart'
        return 'reload' if files or _certificates.shown(**self.listens) != wanted else 'none'

    def check_port(self):
        # type: () -> None
        """Whether the port is free. Raises GlanceError; stunnel would say it in its journal alone."""
        host, port = split_address(self.params['accept'])
        probe = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_STREAM)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (EnvironmentError, socket.error) as error:
            raise GlanceError('%s cannot be listened on: %s. Give another port or address, or stop what listens there.'
                              % (self.params['accept'], error.strerror))
        finally:
            probe.close()


def _stunnel_address(text):
    # type: (str) -> str
    host, port = split_address(text)
    return '%s:%d' % (host, port) if host else '%d' % port


def _check_version(program):
    # type: (str) -> None
    try:
        _code, out, err = _command.run([program, '-version'])
    except OSError as error:
        raise GlanceError('%s cannot be run: %s. Install stunnel (Debian: stunnel4), or name its program.'
                          % (program, os.strerror(error.errno or 0)))
    match = re.search(r'stunnel (\d+)\.(\d+)', out + err)
    if match is None or (int(match.group(1)), int(match.group(2))) < OLDEST:
        raise GlanceError('%s is %s, and %d.%d or newer is needed. Install one from the distribution\'s backports.'
                          % ((program, match.group(0) if match else 'no stunnel') + OLDEST))


def _check_client_ca(path):
    # type: (str) -> None
    found = [_certificates.describe(block, path) for block in _certificates.blocks(path)]
    usable = [each for each in found if each['ca'] and each['not_after'] > time.time()]
    if not usable:
        raise GlanceError('%s holds no CA certificate that is still valid, so that no client could be verified.' % path,
                          path=path)


# -- changing -----------------------------------------------------------------------------------------------------


def run(module):
    # type: (Any) -> Dict[str, Any]
    service = Service(module.params)
    return (_present if module.params['state'] == 'present' else _absent)(module, service)


def _result(module, service, files, changed, action):
    # type: (Any, Service, List[Dict[str, Any]], bool, str) -> Dict[str, Any]
    result = {'changed': changed, 'unit': service.unit, 'files': files, 'action': action}  # type: Dict[str, Any]
    if module._diff:
        result['diff'] = [_files.diff(each['path'], _files.found(each['path']) or b'', to_bytes(each['content'] or u''))
                          for each in files]
    return result


def _present(module, service):
    # type: (Any, Service) -> Dict[str, Any]
    certificate = service.check()
    files = service.files()
    action = service.action(files, certificate['fingerprint'])
    if action == 'start':
        service.check_port()
    before = _units.states([service.unit])[service.unit]
    enabled = before['unit_file_state'] == 'enabled'
    result = _result(module, service, files, action != 'none' or not enabled, action)
    result.update(enabled=enabled, listens=service.listens)
    days = (certificate['not_after'] - time.time()) / _certificates.DAY
    result['certificate'] = {
        'subject': certificate['subject'], 'names': certificate['names'], 'fingerprint': certificate['fingerprint'],
        'not_after': _certificates.moment(certificate['not_after']), 'days_left': int(days),
        'expires_soon': days < module.params['renew_days'],
    }
    if result['certificate']['expires_soon']:
        module.warn('%s expires on %s.' % (service.params['certificate'], result['certificate']['not_after']))
    if result['changed'] and not module.check_mode:
        with _runs.write_guard(module.params['state_dir'], module.params['run_token']):
            _serve(module, service, files, action, certificate['fingerprint'], before)
    return result


def _serve(module, service, files, action, fingerprint, before):
    # type: (Any, Service, List[Dict[str, Any]], str, str, Dict[str, Any]) -> None
    kept = dict((each['path'], _files.found(each['path'])) for each in files)
    since = time.time()
    try:
        for each in files:
            _files.put(module, each['path'], to_bytes(each['content']), mode=each['mode'])
        _units.reload_configuration(kept)
        if before['unit_file_state'] != 'enabled':
            _units.control('enable', service.unit)
        if action != 'none':
            _units.control(action, service.unit)
        _wait_until_taken(service, action, fingerprint, since)
    except GlanceError as error:
        _put_back(module, service, kept, action, before)
        raise GlanceError('%s The service\'s files are as they were before.' % error.message, **error.details)


def _put_back(module, service, kept, action, before):
    # type: (Any, Service, Dict[str, Optional[bytes]], str, Dict[str, Any]) -> None
    for path, data in kept.items():
        _files.put(module, path, data)
    _units.reload_configuration(kept)
    if before['active_state'] != 'active':
        _units.control('stop', service.unit)
    elif action == 'restart':
        _units.control('restart', service.unit)
    if before['unit_file_state'] != 'enabled':
        _units.control('disable', service.unit)


def _wait_until_taken(service, action, fingerprint, since):
    # type: (Service, str, str, float) -> None
    """Until a TLS client sees the certificate, and after a reload until stunnel says in its journal that it has done it.

    stunnel tells systemd nothing when it refuses to reload. Raises GlanceError. Where the journal cannot be read the
    certificate alone counts.
    """
    deadline = time.time() + service.params['timeout']
    while True:
        trouble = _certificates.not_shown(dict(service.listens, fingerprint=fingerprint))
        said = _units.said(service.unit, since)
        text = '\n'.join(said)
        late = time.time() > deadline
        refused = u'Failed to reload' in text
        if trouble is None and not refused and (action != 'reload' or late or u'Configuration successful' in text):
            return
        if late or refused:
            raise GlanceError('%s has not taken what it was given%s. Its journal says: %s. Look at "journalctl -u %s -n 50".'
                              % (service.unit, ': ' + trouble if trouble else '', '; '.join(said[-5:]) or 'nothing',
                                 service.unit))
        time.sleep(0.2)


def _absent(module, service):
    # type: (Any, Service) -> Dict[str, Any]
    files = service.files()
    state = _units.states([service.unit])[service.unit]
    # Without its configuration the unit is not ours: the name may be one that never was, or that somebody else's has.
    ours = any(each['path'] == service.conf for each in files)
    alive = ours and (state['active_state'] == 'active' or state['unit_file_state'] == 'enabled')
    result = _result(module, service, files, bool(files), 'stop' if alive else 'none')
    if files and not module.check_mode:
        with _runs.write_guard(module.params['state_dir'], module.params['run_token']):
            if alive:
                _units.control('disable', service.unit)
                _units.control('stop', service.unit)
            for each in files:
                _files.put(module, each['path'], None)
            _units.reload_configuration(each['path'] for each in files)
    return result
