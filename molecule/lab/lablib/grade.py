# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What sslyze says of a TLS service, in an environment of its own that is made once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .common import REPOSITORY, STATE

PINS = REPOSITORY / "tests" / "requirements" / "sslyze.txt"
FOLDER = STATE / "sslyze"
_MAKE = """
[ -e "$1/ready" ] && cmp -s "$1/ready" "$2" && exit
rm -rf "$1" && "$3" -m venv "$1" && "$1/bin/pip" install -q --no-deps -r "$2" && cp "$2" "$1/ready"
"""


def prepare() -> subprocess.Popen[bytes]:
    """Begin to make the environment, where it is not there."""
    return subprocess.Popen(["sh", "-c", _MAKE, "sh", str(FOLDER), str(PINS), sys.executable])


def intermediate(place: str, ca: Path) -> subprocess.Popen[str]:
    """Begin to hold a service, as ADDRESS:PORT, against Mozilla's intermediate profile; it ends with 0 where it keeps to it."""
    return subprocess.Popen(
        [str(FOLDER / "bin" / "python"), "-m", "sslyze", "--mozilla_config=intermediate", f"--certinfo_ca_file={ca}",
         "--certinfo", place],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
