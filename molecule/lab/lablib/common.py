# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What all parts of the lab share: paths, names, and how to run a command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

LAB_DIR = Path(__file__).resolve().parents[1]
REPOSITORY = LAB_DIR.parents[1]
STATE = REPOSITORY / ".lab"
#: What the names of the lab's images begin with; labs share them.
PREFIX = "stackops-glance-"
#: What the names of this lab's containers begin with. A checkout that has a lab of its own beside another's sets LAB_NAME.
LAB = os.environ.get("LAB_NAME", "stackops-glance") + "-"

_started = time.monotonic()


class LabError(Exception):
    """The lab cannot go on; the message says why and what to do."""


def say(text: str) -> None:
    """Print a progress line with the seconds since the command began."""
    sys.stdout.write(f"[{time.monotonic() - _started:6.1f}s] {text}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def state_dir() -> Path:
    """Create the lab's directory, which keeps itself out of git."""
    STATE.mkdir(exist_ok=True)
    (STATE / "logs").mkdir(exist_ok=True)
    ignore = STATE / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="ascii")
    return STATE


def run(
    *argv: str, check: bool = True, log: Path | None = None, stdin: str | None = None, timeout: float | None = None
) -> str:
    """Run a command and return its standard output; with `log`, send everything there instead."""
    if log is not None:
        with log.open("a", encoding="utf-8") as out:
            out.write(f"+ {' '.join(argv)}\n")
            out.flush()
            code = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=timeout).returncode
        if check and code:
            tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            raise LabError(f"`{' '.join(argv[:2])}` ended with {code}; the end of {log}:\n{tail}")
        return ""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode:
        raise LabError(f"`{' '.join(argv)}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def docker(*argv: str, check: bool = True, log: Path | None = None) -> str:
    return run("docker", *argv, check=check, log=log)


def succeeds(*argv: str, timeout: float = 30) -> bool:
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def is_root() -> bool:
    return os.geteuid() == 0
