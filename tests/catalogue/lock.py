# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the lock file of one release of Glance for one version of Python: every package, its version and its hashes.

    python3 tests/catalogue/lock.py 33.0.0 3.11 [--constraint FILE] [--until DATE] \\
        >plugins/plugin_utils/data/locks/33.0.0-cp311.txt

FILE holds versions to keep to, such as OpenStack's upper constraints of the release. DATE, as 2025-04-01, leaves out what came
later, Glance itself apart, for an old release does not know of it. Without either the newest that fit are taken. The hashes are
those of every file that the index has of a version, so that a lock file is good for every machine with that Python. Wheels are
taken; what has none is named by a line --no-binary, and is built without a compiler.

uv resolves; it is installed into a directory that goes away.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

#: What an environment holds beside Glance: the server, MariaDB's and MySQL's driver, and what builds the source archives.
BESIDE = ("gunicorn", "PyMySQL", "setuptools")
HEAD = """\
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
# What an environment of Glance {release} on CPython {python} holds. Written by tests/catalogue/lock.py.
"""


def resolve(uv: Path, folder: Path, options: list[str], release: str) -> tuple[str, list[str]]:
    """The lines of the lock file, and the packages that have no wheel."""
    wanted = folder / "wanted.in"
    wanted.write_text("\n".join([f"glance=={release}", *BESIDE]) + "\n", encoding="utf-8")
    fixed = ["pip", "compile", "--quiet", "--native-tls", "--generate-hashes", "--no-header", "--no-annotate"]
    sources: list[str] = []
    while True:
        kinds = ["--only-binary=:all:", *(f"--no-binary={name}" for name in sources)]
        done = subprocess.run(
            [str(uv), *fixed, *options, *kinds, str(wanted)], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout, sorted(sources)
        # They come to light one at a time.
        lacking = re.search(
            r"Because (?:all versions of )?([\w.-]+)(?:\{.*?\})?(?:[=<>!]=?\S+)? ha(?:s|ve) no usable wheels",
            done.stderr,
        )
        if lacking is None or lacking[1] in sources:
            raise SystemExit(done.stderr)
        sources.append(lacking[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release")
    parser.add_argument("python", help="as 3.11")
    parser.add_argument("--constraint", type=Path)
    parser.add_argument("--until")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "uv", with_pip=True)
        subprocess.run([str(folder / "uv/bin/pip"), "install", "--quiet", "uv"], check=True)
        uv = folder / "uv/bin/uv"
        options = [f"--python-version={arguments.python}"]
        options += [f"--constraint={arguments.constraint.resolve()}"] if arguments.constraint else []
        options += (
            [f"--exclude-newer={arguments.until}", "--exclude-newer-package=glance=false"] if arguments.until else []
        )
        text, sources = resolve(uv, folder, options, arguments.release)
    lines = ["--only-binary=:all:", *(f"--no-binary={each}" for each in sources), ""]
    sys.stdout.write(HEAD.format(release=arguments.release, python=arguments.python) + "\n".join(lines) + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
