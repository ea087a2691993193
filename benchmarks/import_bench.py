# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The peak memory of image_import while a file of 4 GiB becomes an image.

The module runs as Ansible runs it, against the lab's Glance 33.0.0. The file is a hole but for a random block in each
GiB, so that it takes little of this machine's disk; in Glance's store and staging area it takes its whole size for as long
as the benchmark runs. Its hash is verified as always, and the second run, which reads the file to find that the image is
there, is measured as well.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

from lablib import trial  # noqa: E402  (the path comes first)
from lablib.hosts import BY_NAME  # noqa: E402

HOST, NAME = "glance33", "import-bench"
MEMORY = 100.0  # MiB
GIB = 1 << 30


def module(arguments: dict[str, object]) -> tuple[dict[str, object], float, float]:
    """What the module answers, its wall seconds and its peak memory in MiB."""
    command = [sys.executable, str(ROOT / "plugins" / "modules" / "image_import.py")]
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as out:
        json.dump({"ANSIBLE_MODULE_ARGS": arguments}, given)
        given.seek(0)
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=given, stdout=out, stderr=subprocess.STDOUT)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    if process.returncode:
        sys.exit(f"{said}\nimage_import ended with {process.returncode}")
    return json.loads(said.splitlines()[-1]), time.monotonic() - started, usage.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4, help="GiB")
    size = parser.parse_args().size
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(ROOT / ".lab" / "clouds.yaml")
    with trial.joined(HOST), tempfile.TemporaryDirectory(prefix="stackops-bench-") as folder:
        path = pathlib.Path(folder) / "import.raw"
        with path.open("wb") as stream:
            stream.truncate(size * GIB)
            for number in range(size):
                stream.seek(number * GIB)
                stream.write(os.urandom(1 << 20))
        given: dict[str, object] = {
            "cloud": "lab",
            "endpoint": f"http://{BY_NAME[HOST].address}:9292",
            "image": NAME,
            "file": str(path),
            "disk_format": "raw",
        }
        runs = [module(given) for _run in range(2)]
        module({**given, "state": "absent", "file": None})
    print(f"A file of {size} GiB through glance-direct, and once more when it is there")
    print(f"{'':8} {'wall s':>8} {'MiB':>8}")
    for what, (_result, wall, memory) in zip(("import", "again"), runs, strict=True):
        print(f"{what:8} {wall:8.1f} {memory:8.1f}")
    print(f"at most {MEMORY:.0f} MiB")
    good = [found["changed"] for found, _wall, _memory in runs] == [True, False]
    return 0 if good and max(memory for _found, _wall, memory in runs) <= MEMORY else 1


if __name__ == "__main__":
    sys.exit(main())
