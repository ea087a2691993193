# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environments of Glance as the control node sees them: lock files, and archives that go from host to host."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

_LOCKS = pathlib.Path(__file__).with_name("data") / "locks"
#: Stands for every Python, where the operator's own lock file is used.
ANY = "any"


def locks(release: str, own: str | None = None) -> dict[str, str]:
    """The lock files of a release by the Python that each is for, as ``cp311``. Raises GlanceError."""
    if own:
        try:
            return {ANY: pathlib.Path(own).expanduser().read_text(encoding="utf-8")}
        except (OSError, UnicodeDecodeError) as error:
            raise GlanceError(f"The lock file {own} cannot be read on the control node: {error}.") from error
    found = {path.stem.rpartition("-")[2]: path for path in sorted(_LOCKS.glob(f"{release}-cp*.txt"))}
    if not found:
        known = ", ".join(dict.fromkeys(path.stem.rpartition("-")[0] for path in sorted(_LOCKS.glob("*.txt"))))
        raise GlanceError(
            f"This collection has no lock file for Glance {release}; it has some for {known}. Give one of your own in lock."
        )
    return {abi: path.read_text(encoding="utf-8") for abi, path in found.items()}


def sha256(text: str) -> str:
    """The hash of a lock file."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Archive:
    """The archive of one environment on the control node; ``key`` names everything that it depends on."""

    folder: pathlib.Path
    key: str

    @property
    def path(self) -> pathlib.Path:
        return self.folder / f"{self.key}.tar.gz"

    @property
    def sha256(self) -> str | None:
        """The hash that it was packed with; None where there is no archive."""
        record = self.folder / f"{self.key}.sha256"
        return record.read_text(encoding="ascii").strip() if record.exists() and self.path.exists() else None

    def keep(self, fetched: pathlib.Path, sha256: str) -> None:
        """Take an archive in, once it is what was packed. Raises GlanceError."""
        if _files.sha256_of(str(fetched)) != sha256:
            raise GlanceError(f"The archive of {self.key} came with another hash than it was packed with. Run again.")
        fetched.replace(self.path)
        (self.folder / f"{self.key}.sha256").write_text(f"{sha256}\n", encoding="ascii")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One host at a time: the first makes what the others wait for."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            stream = (self.folder / f"{self.key}.lock").open("w", encoding="ascii")
        except OSError as error:
            raise GlanceError(f"{self.folder} cannot be used for archives on the control node: {error}.") from error
        with stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def archive(folder: str, release: str, name: str, root: str, platform: str, python: str, lock: str) -> Archive:
    """The archive of an environment. The programs in it name its place and its Python, so these are a part of the key."""
    place = hashlib.sha256("\0".join((root, name, python, lock)).encode()).hexdigest()[:16]
    return Archive(pathlib.Path(os.path.expanduser(folder)), f"glance-{release}-{platform}-{place}")
