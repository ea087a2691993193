# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading, replacing and showing files."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


class Module:
    """As much of AnsibleModule as a write needs."""

    def __init__(self):
        self.umask = None

    def atomic_move(self, source, target, unsafe_writes=False):
        self.umask = os.umask(0)
        os.umask(self.umask)
        os.rename(source, target)


def full_disk(*_arguments, **_options):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_read(tmp_path):
    (tmp_path / "f").write_bytes(b"\x00\xff")
    assert _files.read(str(tmp_path / "f")) == b"\x00\xff"
    assert _files.sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for path, message in (
        (tmp_path, "is a directory"),
        (tmp_path / "no", "does not exist"),
        (tmp_path / "f" / "x", "does not exist"),
    ):
        with pytest.raises(GlanceError, match=message):
            _files.read(str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_read_what_may_not_be_read(tmp_path):
    (tmp_path / "f").write_bytes(b"")
    (tmp_path / "f").chmod(0)
    with pytest.raises(GlanceError, match="cannot be read: Permission denied"):
        _files.read(str(tmp_path / "f"))


def test_write_follows_links_and_leaves_nothing_behind(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    os.symlink("real", str(tmp_path / "link"))
    _files.write(Module(), str(tmp_path / "link"), b"new")
    assert (tmp_path / "real").read_bytes() == b"new"
    assert os.readlink(str(tmp_path / "link")) == "real"
    assert sorted(os.listdir(str(tmp_path))) == ["link", "real"]


def test_a_new_file_is_private_until_its_mode_is_set(tmp_path):
    module = Module()
    _files.write(module, str(tmp_path / "f"), b"x", mode=0o640)
    assert module.umask == 0o077
    assert os.stat(str(tmp_path / "f")).st_mode & 0o777 == 0o640


@pytest.mark.parametrize("step", ["fsync", "fdopen"])
def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch, step):
    (tmp_path / "f").write_bytes(b"old")
    monkeypatch.setattr(_files.os, step, full_disk)
    with pytest.raises(GlanceError, match="No space left on device .*The file is as it was. Free some space"):
        _files.write(Module(), str(tmp_path / "f"), b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert os.listdir(str(tmp_path)) == ["f"]


def test_a_failed_move_leaves_nothing_behind(tmp_path):
    module = Module()
    module.atomic_move = full_disk
    with pytest.raises(GlanceError, match="No space left"):
        _files.write(module, str(tmp_path / "f"), b"new")
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "admin_password",
        "memcache_secret_key",
        "metadata_encryption_key",
        "auth_encryption_key",
        "swift_store_key",
        "admin_token",
        "rabbit_password",
        "s3_store_access_key",
        "vmware_server_password",
        "image_encryption_secret",
        "ssl_key_password",
    ],
)
def test_secret_names(name):
    assert _files.is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "token_cache_time",
        "debug",
        "ssl_key_file",
        "password_file",
        "use_glance_v1",
        "api_servers",
        "token_expiration",
        "key_manager_class",
        "use_user_token",
        "rbd_secret_uuid",
    ],
)
def test_names_without_a_secret(name):
    assert not _files.is_secret(name)


def test_mask():
    assert _files.mask("password", "x") == _files.MASK
    assert _files.mask("password", "") == ""
    assert _files.mask("connection", "mysql://u:p/w@h/db") == "mysql://u:********@h/db"
    assert _files.mask("transport_url", "rabbit://u:p1@a:1,u:p2@b:2/") == "rabbit://u:********@b:2/"
    assert _files.mask("api_servers", "http://h:9292") == "http://h:9292"
    assert _files.passwords_in("a://u:pw@h b://v:@w") == ["pw"]


def test_diff():
    before = (
        "[a]\npassword = old1\n  old2\n#password = old3\nurl = x://u:old4@h\nplain = caf\xe9\nother = old5\n"
    ).encode()
    after = before.replace(b"old1", b"new1").replace(b"plain", b"Plain").replace(b"old5", b"new5")
    shown = _files.diff("/f", before, after, ["old5", "new5"])
    assert shown["before_header"] == shown["after_header"] == "/f"
    assert shown["before"] == (
        "[a]\npassword = ********\n  ********\n#password = ********\nurl = x://u:********@h\nplain = caf\xe9\n"
        "other = ********\n"
    )
    assert shown["after"] == (
        shown["before"]
        .replace("password = ********\n  ", "password = ******** (changed)\n  ", 1)
        .replace("plain", "Plain")
        .replace("other = ********", "other = ******** (changed)")
    )
