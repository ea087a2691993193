# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks for v1, off one access log: the reader of `glance_api_log_info` against `grep -c` and `zgrep -c`, side by side.

The log is made here, in eventlet's form: about seven million lines per GiB, one in a thousand a request for v1 and the rest
for v2, as after a flip. A second, smaller one is that of a cloud before its flip, nearly all for v1; every request of it is
taken apart, which takes many times as long as to count lines, and no ratio is aimed at. Each round runs both programs, one
after the other, over the same file, which is in memory by then. Each is a process of its own, so that the start of Python
counts as well. CPU seconds are medians; they are what a busy machine leaves comparable.
"""

from __future__ import annotations

import argparse
import gzip
import os
import pathlib
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

READER = """
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import _access_log
reader = _access_log.Reader([int(version) for version in sys.argv[2]])
reader.read(_access_log.Source('bench', 'bench', sys.argv[3], None, None))
print(json.dumps(reader.result()['versions']))
"""
UTILITIES = pathlib.Path(__file__).resolve().parents[1] / "plugins" / "module_utils"
AIM = 2.0


def make(path: pathlib.Path, size: int, share: float) -> tuple[int, int]:
    """Write a log of about that many bytes; its lines, and how many of them are requests for v1."""
    random.seed(1)
    stamp, written, count, ones = 1_790_000_000.0, 0, 0, 0
    with path.open("wb") as stream:
        while written < size:
            lines = []
            for number in range(20_000):
                stamp += 0.09
                now = time.localtime(stamp)
                one = random.random() < share
                ones += one
                client = f"10.92.{random.randrange(4)}.{random.randrange(250)},10.92.15.10"
                request = f"GET /v{1 if one else 2}/images/detail?limit=20 HTTP/1.1"
                lines.append(
                    f"{time.strftime('%Y-%m-%d %H:%M:%S', now)}.{number % 1000:03} 379 INFO eventlet.wsgi.server [-] "
                    f'{client} - - [{time.strftime("%d/%b/%Y %H:%M:%S", now)}] "{request}" 200 188 0.018238\n'
                )
            written += stream.write("".join(lines).encode())
            count += len(lines)
    return count, ones


def measured(command: list[str], expected: int, found: Callable[[str], int]) -> tuple[float, float, int]:
    """CPU seconds, seconds and largest memory in MiB of a command, whose answer must be right."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ, LC_ALL="C"))
    assert process.stdout is not None
    answer = process.stdout.read()
    _pid, _status, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if found(answer) != expected:
        sys.exit(f"{' '.join(command)[-80:]} found {answer!r} instead of {expected}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, seconds, usage.ru_maxrss // 1024


def compare(arguments: argparse.Namespace, size: int, share: float, aim: float | None) -> bool:
    """Print what it takes to read a log of so many MiB, plain and packed; whether the aim was missed."""
    late = False
    with tempfile.TemporaryDirectory() as name:
        plain, packed = pathlib.Path(name) / "api.log", pathlib.Path(name) / "api.log.gz"
        count, ones = make(plain, size << 20, share)
        with plain.open("rb") as source, gzip.open(packed, "wb", compresslevel=6) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        print(
            f"{count} lines, {plain.stat().st_size >> 20} MiB ({packed.stat().st_size >> 20} MiB packed), {ones} for v1"
        )
        print(f"{'':<46}{'CPU s':>8}{'s':>8}{'MiB':>6}")
        for path, search in ((plain, "grep"), (packed, "zgrep")):
            reader = [arguments.python, "-c", READER, str(UTILITIES)]
            contestants: dict[str, tuple[list[str], Callable[[str], int]]] = {
                f"{search} -c /v1/": ([search, "-c", "/v1/", str(path)], int),
                f"glance_api_log_info, v1 ({path.suffix[1:]})": (
                    [*reader, "1", str(path)],
                    lambda text: int(text.partition('"v1": ')[2].split("}")[0].split(",")[0]),
                ),
            }
            if arguments.all:
                contestants[f"glance_api_log_info, v1 and v2 ({path.suffix[1:]})"] = (
                    [*reader, "12", str(path)],
                    contestants[f"glance_api_log_info, v1 ({path.suffix[1:]})"][1],
                )
            runs: dict[str, list[tuple[float, float, int]]] = {label: [] for label in contestants}
            for _round in range(arguments.rounds):
                for label, (command, found) in contestants.items():
                    runs[label].append(measured(command, ones, found))
            medians = {
                label: [statistics.median(column) for column in zip(*rows, strict=True)] for label, rows in runs.items()
            }
            for label, (cpu, seconds, memory) in medians.items():
                print(f"{label:<46}{cpu:>8.2f}{seconds:>8.2f}{memory:>6.0f}")
            theirs, ours = [row[0] for row in medians.values()][:2]
            print(f"ratio {ours / theirs:.2f}" + (f" (aim: at most {aim:g})" if aim else ""))
            late = late or (aim is not None and ours / theirs > aim)
    return late


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the log")
    parser.add_argument("--share", type=float, default=0.001, help="of requests for v1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="the Python that reads, such as one of version 2.7")
    parser.add_argument("--all", action="store_true", help="count the requests for v2 of each client as well")
    arguments = parser.parse_args()
    late = compare(arguments, arguments.size, arguments.share, AIM)
    print()
    compare(arguments, arguments.size // 8, 0.9, None)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
