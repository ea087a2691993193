# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's certificate and key, looked at before a service is told to use them, and as a server shows them.

The openssl command is asked, which is wherever a TLS service is. It gets names of files and public parts; nothing that it
prints of a key is kept but the public one.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import calendar
import os
import re
import socket
import stat
import subprocess
import time

from ansible_collections.stackops.glance.plugins.module_utils import _command, _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, List, Optional, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

DAY = 86400
_BLOCK = re.compile(b'-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----', re.S)
_NO_PLACE = os.path.join(os.devnull, 'none')


def openssl(arguments, stdin=b'', only=None):
    # type: (List[str], bytes, Optional[str]) -> Tuple[int, str, str]
    """Run openssl; with ``only``, no other CA certificates than those of this file are trusted."""
    environment = dict(os.environ, LC_ALL='C')
    if only is not None:
        environment.update(SSL_CERT_FILE=_NO_PLACE, SSL_CERT_DIR=_NO_PLACE)
    try:
        # A server that takes a connection and says nothing must not hold everything up.
        return _command.run(['timeout', '20', 'openssl'] + arguments, stdin, env=environment)
    except OSError as error:
        raise GlanceError('openssl cannot be run: %s. Certificates are checked with it; install the package openssl.'
                          % os.strerror(error.errno or 0))


# -- what a file holds --------------------------------------------------------------------------------------------


def blocks(path):
    # type: (str) -> List[bytes]
    """The certificates of a PEM file, in order. GlanceError where there is none."""
    found = [match.group(0) + b'\n' for match in _BLOCK.finditer(_files.read(path))]
    if not found:
        raise GlanceError('%s holds no certificate in PEM form (no line "-----BEGIN CERTIFICATE-----"). Name a file that '
                          'does.' % path, path=path)
    return found


def fingerprint(block):
    # type: (bytes) -> str
    """SHA-256 of a certificate in PEM form, in lower-case hexadecimal digits."""
    match = _BLOCK.search(block)
    try:
        return _files.sha256(base64.b64decode(match.group(1))) if match else ''
    except (TypeError, ValueError):  # Python 2.7 raises the first
        return ''


def describe(block, path):
    # type: (bytes, str) -> Dict[str, Any]
    """Subject, issuer, names, validity (seconds since 1970) and fingerprint of a certificate in PEM form."""
    code, text, err = openssl(['x509', '-noout', '-text', '-nameopt', 'RFC2253'], block)
    dates = [re.search(pattern, text) for pattern in ('Not Before *: (.*)', 'Not After *: (.*)')]
    if code != 0 or None in dates:
        raise GlanceError('%s holds a certificate that openssl cannot read: %s. Write the file anew.'
                          % (path, _line(err)), path=path)
    names = re.search('X509v3 Subject Alternative Name:[^\n]*\n *([^\n]*)', text)
    before, after = [_seconds(date.group(1)) for date in dates if date is not None]
    return {
        'subject': _field('Subject', text), 'issuer': _field('Issuer', text), 'fingerprint': fingerprint(block),
        'names': re.findall('(?:DNS|IP Address):([^,\\s]+)', names.group(1)) if names else [],
        'ca': bool(re.search('CA:TRUE', text)), 'not_before': before, 'not_after': after,
    }


def _field(name, text):
    # type: (str, str) -> str
    match = re.search('%s: *(.*)' % name, text)
    return match.group(1).strip() if match else ''


def _seconds(text):
    # type: (str) -> int
    return calendar.timegm(time.strptime(text.strip(), '%b %d %H:%M:%S %Y %Z'))


def moment(seconds):
    # type: (float) -> str
    """ISO 8601 in UTC."""
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seconds))


def _line(text):
    # type: (str) -> str
    return ' '.join(text.split())[:300] or 'it says nothing'


# -- fit to serve -------------------------------------------------------------------------------------------------


def check(certificate, key, names, trusted=None, now=None):
    # type: (str, str, List[str], Optional[str], Optional[float]) -> Dict[str, Any]
    """Whether a server may use this certificate and key; returns what the certificate says.

    ``certificate`` is a PEM file with the server's own first and then those that lead to the CA; ``names`` are what clients
    call the server; ``trusted`` is the file of the CA certificates that clients have, else the system's count. Raises
    GlanceError with the file, what was found and what was wanted.
    """
    found = [describe(block, certificate) for block in blocks(certificate)]
    own = found[0]
    _check_key(certificate, key)
    for each in found:
        _check_time(certificate, each, time.time() if now is None else now)
    missing = [name for name in names if not any(covers(pattern, name) for pattern in own['names'])]
    if missing:
        raise GlanceError('%s is not for %s: its subject alternative names are %s. Clients look there alone; have a '
                          'certificate issued with all of %s.' % (certificate, ', '.join(missing),
                                                                  ', '.join(own['names']) or 'none', ', '.join(names)),
                          path=certificate)
    _check_chain(certificate, own, len(found), trusted)
    return dict(own, chain=len(found), not_after=min(each['not_after'] for each in found))


def _check_key(certificate, key):
    # type: (str, str) -> None
    _files.read(key)
    code, public, err = openssl(['pkey', '-in', key, '-passin', 'pass:', '-pubout'])
    if code != 0 or 'BEGIN PUBLIC KEY' not in public:
        why = 'it is encrypted' if b'ENCRYPTED' in _files.read(key) else 'openssl cannot read it'
        raise GlanceError('%s holds no private key that a service could use by itself (%s). It has to be in PEM form and '
                          'without a passphrase.' % (key, why), path=key)
    _code, wanted, _err = openssl(['x509', '-in', certificate, '-noout', '-pubkey'])
    if public.split() != wanted.split():
        raise GlanceError('%s is not the key of %s: their public keys differ. The server\'s own certificate has to stand '
                          'first in its file.' % (key, certificate), path=key)


def _check_time(path, found, now):
    # type: (str, Dict[str, Any], float) -> None
    if not found['not_before'] <= now < found['not_after']:
        word = 'has expired' if now >= found['not_after'] else 'is not valid yet'
        raise GlanceError('%s %s: the certificate of %s is valid from %s to %s, and this host has %s. Renew it, or set the '
                          'clock.' % (path, word, found['subject'] or 'no name', moment(found['not_before']),
                                      moment(found['not_after']), moment(now)), path=path)


def _check_chain(path, own, length, trusted):
    # type: (str, Dict[str, Any], int, Optional[str]) -> None
    if trusted is not None:
        blocks(trusted)
    arguments = ['verify', '-purpose', 'sslserver', '-untrusted', path]
    code, out, err = openssl(arguments + (['-CAfile', trusted] if trusted else []) + [path], only=trusted)
    if code != 0:
        said = re.findall('error \\d+ at [^:]*: *([^\n]*)', out + err) or [_line(err)]
        raise GlanceError('%s leads to no CA in %s (%s): it holds %d certificate(s), the first issued by %s. The certificates '
                          'between it and the CA have to follow it in the file.'
                          % (path, trusted or 'the system\'s trust store', said[0], length, own['issuer']), path=path)


def covers(pattern, name):
    # type: (str, str) -> bool
    """Whether a subject alternative name is one for this host name or address (RFC 6125: a star is one whole label)."""
    packed = _packed(name)
    if packed is not None:
        return _packed(pattern) == packed
    pattern, name = pattern.lower().rstrip('.'), name.lower().rstrip('.')
    if pattern.startswith('*.'):
        label, _dot, rest = name.partition('.')
        return bool(label) and rest == pattern[2:]
    return pattern == name


def _packed(address):
    # type: (str) -> Optional[bytes]
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return socket.inet_pton(family, address.strip('[]'))
        except (socket.error, ValueError):
            continue
    return None


def check_readers(path, uid, gid):
    # type: (str, int, int) -> None
    """A key is for root and the service alone, and the service must be able to read it. Raises GlanceError."""
    status = os.stat(path)
    mode = stat.S_IMODE(status.st_mode)
    strangers = mode & 0o007 or (mode & 0o070 and status.st_gid not in (0, gid)) or status.st_uid not in (0, uid)
    if strangers:
        raise GlanceError('%s can be read by others than root and the service: mode %04o, user %d, group %d. Make it '
                          'root\'s with the service\'s group %d and mode 0640.'
                          % (path, mode, status.st_uid, status.st_gid, gid), path=path)
    if not may_read(path, uid, gid):
        raise GlanceError('%s cannot be read by the service (user %d, group %d): mode %04o, user %d, group %d, or a '
                          'directory above it. It would start as root, and refuse every reload in silence.'
                          % (path, uid, gid, mode, status.st_uid, status.st_gid), path=path)


def may_read(path, uid, gid):
    # type: (str, int, int) -> bool
    """Whether a user with this group and no other may read a file, directories above it included."""
    def become():
        # type: () -> None
        os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)

    # Without root's rights there is nobody else whom one could ask as.
    demote = become if os.geteuid() == 0 and uid != 0 else None
    return subprocess.call(['test', '-r', path], preexec_fn=demote, close_fds=True) == 0


# -- what a server shows ------------------------------------------------------------------------------------------


def shown(host, port):
    # type: (str, int) -> str
    """The fingerprint of the certificate that a TLS server shows now, empty where none answers.

    It shows it before it asks for the client's, so this works where clients are verified as well.
    """
    _code, out, _err = openssl(['s_client', '-connect', ('[%s]:%d' if ':' in host else '%s:%d') % (host, port)])
    return fingerprint(out.encode('ascii', 'replace'))


def not_shown(wanted):
    # type: (Optional[Dict[str, Any]]) -> Optional[str]
    """Say what a TLS server shows in place of the certificate that it shall; None when it shows it, or none is wanted."""
    if not wanted:
        return None
    found = shown(wanted['host'], wanted['port'])
    if found == wanted['fingerprint']:
        return None
    return 'port %d shows %s and not the one with the SHA-256 fingerprint %s' % (
        wanted['port'], 'the certificate %s' % found if found else 'no certificate', wanted['fingerprint'])
