# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a WSGI server listens for Glance, by its command line: from 33 on, Glance's own options do not say it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

#: Options that name the address of plain HTTP. With --socket uWSGI speaks a protocol of its own to a web server before it.
FLAGS = {"gunicorn": ("-b", "--bind"), "uwsgi": ("--http-socket", "--http"), "pyuwsgi": ("--http-socket", "--http")}


@dataclass(frozen=True)
class Bind:
    """One address on a command line: the word that holds it, what stands before it in that word, host and port."""

    word: int
    before: str
    host: str
    port: int


def find(argv: Sequence[str]) -> Bind | None:
    """The one address of plain HTTP that a command line names; None where it names none, or several."""
    flags = next((FLAGS[name] for name in map(os.path.basename, argv[:2]) if name in FLAGS), ())
    places = []
    for number, word in enumerate(argv):
        name, equals, _value = word.partition("=")
        if name in flags:
            places.append((number, name + equals) if equals else (number + 1, ""))
    found = [_bind(argv[number], number, before) for number, before in places if number < len(argv)]
    return found[0] if len(found) == 1 else None


def _bind(text: str, word: int, before: str) -> Bind | None:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):(\d{1,5})", text.removeprefix(before))
    return Bind(word, before, match[1].strip("[]") or "0.0.0.0", int(match[2])) if match else None


def moved(argv: Sequence[str], bind: Bind, host: str) -> list[str]:
    """The command line with another host."""
    named = f"[{host}]" if ":" in host else host
    return [*argv[: bind.word], f"{bind.before}{named}:{bind.port}", *argv[bind.word + 1 :]]


def command(argv: Sequence[str]) -> str:
    """A command line as ExecStart takes it, with nothing in it that systemd would expand (systemd.service(5))."""
    return " ".join(_quoted(word) for word in argv)


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[\w@%+=:,./\[\]$-]+", escaped, re.ASCII) else f'"{escaped}"'
