# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run make targets, all of them even when one fails, and close with a table.

gates.py TARGET… [beside TARGET…] [then TARGET… [beside TARGET…]]…

What stands before and after `beside` runs at the same time, each side one target after the other; the second side gives
way to the first, whose scenarios wait for services. What comes after `then` begins when all before it have ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

#: Lines of a failed gate that are shown once more at the end.
LAST = 45


@dataclass(frozen=True)
class Result:
    gate: str
    passed: bool
    seconds: float
    #: Of processor time, with all that it started but containers.
    cpu: float
    #: What it printed last.
    last: list[str]


#: Lines of two targets must not run into each other.
_printing = threading.Lock()


def say(text: str) -> None:
    with _printing:
        print(text, flush=True)


def split(words: list[str], separator: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in words:
        if word == separator:
            found.append([])
        else:
            found[-1].append(word)
    return found


def run(gate: str, politely: bool, named: bool) -> Result:
    """One target; where two run at the same time, each line begins with its name."""
    say("\n===== %s =====" % gate)
    started = time.time()
    command = ["nice", "-n", "19"] * politely + ["make", gate]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    assert process.stdout is not None
    last: deque[str] = deque(maxlen=LAST)
    for line in process.stdout:
        last.append(line.rstrip("\n"))
        say(("%-10s | " % gate if named else "") + last[-1])
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    passed = process.returncode == 0
    seconds = time.time() - started
    say("===== %s: %s after %.0f s =====" % (gate, "passed" if passed else "FAILED", seconds))
    return Result(gate, passed, seconds, usage.ru_utime + usage.ru_stime, list(last))


def stage(sides: list[list[str]]) -> list[Result]:
    def side(number: int) -> list[Result]:
        return [run(gate, number > 0, len(sides) > 1) for gate in sides[number]]

    with ThreadPoolExecutor(len(sides)) as pool:
        return [result for results in pool.map(side, range(len(sides))) for result in results]


def main() -> int:
    started = time.time()
    results = [result for words in split(sys.argv[1:], "then") for result in stage(split(words, "beside"))]
    failed = [result for result in results if not result.passed]
    print("\n%-16s %-8s %8s %8s" % ("gate", "result", "seconds", "CPU"))
    for result in results:
        said = "passed" if result.passed else "FAILED"
        print("%-16s %-8s %8.0f %8.0f" % (result.gate, said, result.seconds, result.cpu))
    print("%-16s %-8s %8.0f" % ("in all", "", time.time() - started))
    for result in failed:
        # Where gates run beside each other, what a failed one said last is far up by now.
        print("\n===== %s FAILED, and said last =====\n%s" % (result.gate, "\n".join(result.last)))
    print("\n%d passed, %d failed" % (len(results) - len(failed), len(failed)), flush=True)
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
