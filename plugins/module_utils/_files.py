# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on a host: read, hash, replace in one step, show a difference without its secrets."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import hashlib
import os
import re
import tempfile

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, Iterable, List, Optional, Set
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

MASK = u'********'
#: How the name of a directory with systemd's drop-ins for a service ends.
DROP_INS = '.service.d'

#: Names of options whose values are secrets, in any of OpenStack's services.
_SECRET_NAME = re.compile(
    u'pas*w|passphrase|passcode|secret|credential|token$|(?:role|token)_id$|backend_argument$|^code$|'
    u'auth_key|access_key|encryption_key|fixed_key|api_?key|private_key$|hmac_keys|'
    u'_pwd$|_pass$|^(?:swift_store_|s3_store_)?(?:key|pass|pwd)$|^(?:admin|swift_store)_user$', re.I)
_NO_SECRET = re.compile(
    u'^(?:use|enable|allow|validate|require|send)_|'
    u'_(?:files?|path|dir|expiration|timeout|time|ttl|length|bind|type|uuid|class|algorithms?)$', re.I)
_URL_CREDENTIALS = re.compile(u'(://[^\\s/:@]*:)([^\\s]*)(?=@)')
_SETTING = re.compile(u'(\\s*[#;]?\\s*)([^\\s:=#;\\[][^:=]*?)(\\s*[:=]\\s*)(.*)$', re.S)


def read(path):
    # type: (str) -> bytes
    """The content of a regular file; GlanceError when there is none, or none that can be read."""
    try:
        with open(path, 'rb') as stream:
            return stream.read()
    except EnvironmentError as error:
        if error.errno == errno.EISDIR:
            raise GlanceError('%s is a directory, not a file. Name the file in it.' % path, path=path)
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise GlanceError('%s does not exist. Check the path.' % path, path=path)
        raise GlanceError('%s cannot be read: %s. Check its mode and owner, and whether the task should become root.'
                          % (path, os.strerror(error.errno or 0)), path=path)


def sha256(data):
    # type: (bytes) -> str
    return hashlib.sha256(data).hexdigest()


def found(path):
    # type: (str) -> Optional[bytes]
    """What a file holds; None where there is no such file. GlanceError for a link that leads nowhere."""
    if os.path.lexists(path) and not os.path.exists(path):
        raise GlanceError('%s is a link to %s, which does not exist. Remove the link, or make the file that it leads to.'
                          % (path, os.path.realpath(path)), path=path)
    return read(path) if os.path.exists(path) else None


def digest(data):
    # type: (Optional[bytes]) -> str
    """The SHA-256 of what a file holds; empty where there is none."""
    return '' if data is None else sha256(data)


def sha256_of(path):
    # type: (str) -> str
    """The SHA-256 of a large file."""
    found = hashlib.sha256()
    with open(path, 'rb') as stream:
        for block in iter(lambda: stream.read(1 << 20), b''):
            found.update(block)
    return found.hexdigest()


def put(module, path, data, like=None, mode=None):
    # type: (Any, str, Optional[bytes], Optional[str], Optional[str]) -> None
    """Let a file hold this, or (None) not be there.

    A new one gets owner and mode of ``like``, else it is root's with ``mode`` (octal digits), else 0640. The directory of a
    unit's drop-ins is made with the first of them.
    """
    directory = os.path.dirname(os.path.abspath(path))
    if data is not None and directory.endswith(DROP_INS) and os.path.isdir(os.path.dirname(directory)):
        _make(directory)
    if data is None:
        remove(path)
    elif os.path.exists(path):
        write(module, path, data)
    elif not os.path.isdir(directory):
        raise GlanceError('%s cannot be made: its directory does not exist. Make the directory first.' % path, path=path)
    elif like and os.path.exists(like):
        status = os.stat(like)
        write(module, path, data, mode=status.st_mode & 0o777, uid=status.st_uid, gid=status.st_gid)
    else:
        write(module, path, data, mode=int(mode or '0640', 8))


def _make(directory):
    # type: (str) -> None
    try:
        os.mkdir(directory, 0o755)
    except EnvironmentError as error:
        if error.errno != errno.EEXIST:
            raise GlanceError('%s cannot be made: %s.' % (directory, os.strerror(error.errno or 0)), path=directory)


def remove(path):
    # type: (str) -> None
    """Remove a file, durably; one that a link leads to, and not the link. A unit's last drop-in takes its directory along."""
    target = os.path.realpath(path)
    directory = os.path.dirname(target)
    try:
        os.unlink(target)
        sync_directory(directory)
        if directory.endswith(DROP_INS) and not os.listdir(directory):
            os.rmdir(directory)
    except EnvironmentError as error:
        raise GlanceError('%s cannot be removed: %s.' % (target, os.strerror(error.errno or 0)), path=path)


def write(module, path, data, mode=None, uid=None, gid=None, unsafe_writes=False):
    # type: (Any, str, bytes, Optional[int], Optional[int], Optional[int], bool) -> None
    """Replace a file in one step, durably: readers find the old content or the new, also after a power cut.

    Owner, mode and SELinux context of a file that is there stay (Ansible's ``atomic_move`` sees to
    it) unless given. A symbolic link stays, and the file that it leads to is replaced. When the disk is full, or
    anything else goes wrong before the last step, GlanceError is raised and the file is as it was.
    """
    target = os.path.realpath(path)
    directory = os.path.dirname(target)
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix='.%s.' % os.path.basename(target), dir=directory)
        with os.fdopen(descriptor, 'wb') as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if uid is not None or gid is not None:
            os.chown(temporary, -1 if uid is None else uid, -1 if gid is None else gid)
    except EnvironmentError as error:
        _forget(temporary)
        raise GlanceError('%s cannot be written: %s (%d bytes are needed in %s). The file is as it was. %s' % (
            target, os.strerror(error.errno or 0), len(data), directory,
            'Free some space, then run again.' if error.errno in (errno.ENOSPC, errno.EDQUOT)
            else 'Check the directory and the rights of the user, then run again.'), path=target)
    try:
        # A new file is nobody else's to read until its mode is known.
        umask = os.umask(0o077) if mode is not None and not os.path.exists(target) else None
        try:
            module.atomic_move(temporary, target, unsafe_writes=unsafe_writes)
        finally:
            if umask is not None:
                os.umask(umask)
        if mode is not None:
            os.chmod(target, mode)
        if uid is not None or gid is not None:
            os.chown(target, -1 if uid is None else uid, -1 if gid is None else gid)
        sync_directory(directory)
    except EnvironmentError as error:
        raise GlanceError('%s: %s while the new content was put in place. Compare the file with what was asked for.'
                          % (target, os.strerror(error.errno or 0)), path=target)
    finally:
        _forget(temporary)


def _forget(temporary):
    # type: (Optional[str]) -> None
    if temporary is not None and os.path.exists(temporary):
        os.unlink(temporary)


def sync_directory(directory):
    # type: (str) -> None
    """Wait until the names in a directory are on the disk: a rename is durable only then."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- secrets ------------------------------------------------------------------------------------------------------


def is_secret(option):
    # type: (str) -> bool
    """Whether the name of an option says that its value is a secret."""
    return bool(_SECRET_NAME.search(option)) and not _NO_SECRET.search(option)


def mask(option, value, secrets=()):
    # type: (str, str, Iterable[str]) -> str
    """The value of an option as it may be shown: a secret as a marker, passwords out of URLs."""
    if value and is_secret(option):
        return MASK
    return _mask_text(value, secrets)


def passwords_in(text):
    # type: (str) -> List[str]
    """The passwords in the URLs of a text."""
    return [match.group(2) for match in _URL_CREDENTIALS.finditer(text) if match.group(2)]


def _mask_text(text, secrets):
    # type: (str, Iterable[str]) -> str
    for secret in sorted((secret for secret in secrets if secret), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _URL_CREDENTIALS.sub(u'\\g<1>' + MASK, text)


def mask_lines(text):
    # type: (str) -> str
    """The text of an INI file as it may be shown, line by line, also what is commented out."""
    return _mask_lines(text, set(), None)


def diff(path, before, after, secrets=()):
    # type: (str, bytes, bytes, Iterable[str]) -> Dict[str, str]
    """Ansible's difference of two contents of a configuration file, secrets masked, also those in comments.

    Where a secret alone has changed the line says so, since it would look the same otherwise.
    """
    secrets = set(secrets)
    known = set(_text(before).splitlines(True))
    return {
        'before_header': path,
        'after_header': path,
        'before': _mask_lines(_text(before), secrets, None),
        'after': _mask_lines(_text(after), secrets, known),
    }


def _text(data):
    # type: (bytes) -> str
    return data.decode('utf-8', 'replace')


def _mask_lines(text, secrets, known):
    # type: (str, Set[str], Optional[Set[str]]) -> str
    pieces = set(piece.strip() for secret in secrets for piece in secret.split(u'\n')) | secrets
    secret_above = False
    masked = []  # type: List[str]
    for line in text.splitlines(True):
        body = line.rstrip(u'\r\n')
        shown = body
        if secret_above and body[:1] in (u' ', u'\t'):
            shown = body[:len(body) - len(body.lstrip())] + MASK
        else:
            match = _SETTING.match(body)
            secret_above = match is not None and is_secret(match.group(2).strip())
            if match is not None and secret_above and match.group(4):
                shown = body[:match.start(4)] + MASK
        shown = _mask_text(shown, pieces)
        if shown != body and known is not None and line not in known:
            shown += u' (changed)'
        masked.append(shown + line[len(body):])
    return u''.join(masked)
