# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock files and archives on the control node."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _environments

LOCKS = sorted(_environments._LOCKS.glob("*.txt"))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_file_pins_everything_by_hash(path: Path) -> None:
    release, _dash, abi = path.stem.rpartition("-")
    text = path.read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE)
    versions = {name: version for name, version, _hashes in pins}
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "--", " "))]
    assert len(pins) == len(lines) > 80
    assert versions["glance"] == release and {"gunicorn", "pymysql", "setuptools"} <= set(versions)
    python = _catalogue.release("glance", release).python or ""
    assert int(abi[3:]) >= int(python.rpartition(".")[2])


def test_locks_of_a_release() -> None:
    assert set(_environments.locks("33.0.0")) == {"cp311", "cp312", "cp313"}
    with pytest.raises(
        GlanceError, match="no lock file for Glance 31.0.0; it has some for 25.1.0, 28.2.0, 32.0.0, 33.0.0"
    ):
        _environments.locks("31.0.0")


def test_a_lock_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text("glance==31.0.0")
    assert _environments.locks("31.0.0", str(tmp_path / "lock.txt")) == {"any": "glance==31.0.0"}
    with pytest.raises(GlanceError, match="cannot be read on the control node"):
        _environments.locks("31.0.0", str(tmp_path / "none.txt"))


def test_an_archive_is_taken_in_by_its_hash(tmp_path: Path) -> None:
    archive = _environments.archive(
        str(tmp_path / "a"), "33.0.0", "33.0.0", "/opt/glance", "cp311-x", "/usr/bin/python3", "l"
    )
    other = _environments.archive(
        str(tmp_path / "a"), "33.0.0", "33.0.0", "/srv/glance", "cp311-x", "/usr/bin/python3", "l"
    )
    assert archive.key != other.key
    fetched = tmp_path / "fetched"
    with archive.alone():
        assert archive.sha256 is None
        fetched.write_bytes(b"packed")
        with pytest.raises(GlanceError, match="another hash"):
            archive.keep(fetched, "0" * 64)
        assert archive.sha256 is None
        archive.keep(fetched, hashlib.sha256(b"packed").hexdigest())
    assert archive.sha256 == hashlib.sha256(b"packed").hexdigest() and archive.path.read_bytes() == b"packed"
