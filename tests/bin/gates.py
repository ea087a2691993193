# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run make targets one after the other, all of them even when one fails, and close with a table: gates.py TARGET…"""

from __future__ import annotations

import subprocess
import sys
import time


def main() -> int:
    results = []
    for gate in sys.argv[1:]:
        print("\n===== %s =====" % gate, flush=True)
        started = time.time()
        passed = subprocess.run(["make", gate], check=False).returncode == 0
        results.append((gate, passed, time.time() - started))
        print("===== %s: %s after %.0f s =====" % (gate, "passed" if passed else "FAILED", results[-1][2]), flush=True)

    print("\n%-16s %-8s %8s" % ("gate", "result", "seconds"))
    for gate, passed, seconds in results:
        print("%-16s %-8s %8.0f" % (gate, "passed" if passed else "FAILED", seconds))
    failed = sum(not passed for _gate, passed, _seconds in results)
    print("%-16s %-8s %8.0f" % ("total", "", sum(seconds for _gate, _passed, seconds in results)))
    print("\n%d passed, %d failed" % (len(results) - failed, failed), flush=True)
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
