# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `deploy` and `flip_release` cost where nothing is to be done, as ratios to one `ping` on each of the same hosts.

The hosts are two of the lab's with the newest release, which the collection has deployed. Rounds are interleaved; the medians
count. A host may start Python fifteen times, and nothing may be changed or restarted.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

from lablib import fleet, hops, trial  # noqa: E402  (the path comes first)


def started() -> list[str]:
    return [trial.sh(host, "systemctl show -P ActiveEnterTimestampMonotonic glance-api") for host in hops.HOSTS]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    fleet.up()
    names = ("ping", "deploy", "flip_release")
    times: dict[str, list[float]] = {name: [] for name in names}
    counts: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="stackops-bench-") as name:
        folder = pathlib.Path(name)
        ping = folder / "ping.yml"
        ping.write_text(
            "- {hosts: glance_api, gather_facts: false, tasks: [{ansible.builtin.ping: }]}\n", encoding="utf-8"
        )
        counted = {hops.COUNTED: "/root/counted-python"}
        with hops.places(folder) as places:
            places.play("deploy", release=hops.NEW).succeeds()
            trial.wait_for(lambda: hops.answers() == 200)
            before = started()
            for number in range(arguments.rounds + 1):
                for each in names:
                    trial.count_executions(*hops.HOSTS)
                    began = time.monotonic()
                    if each == "ping":
                        run = trial.Run("ansible-playbook", "-i", str(places.inventory), str(ping), **counted)
                    else:
                        run = places.play(each, release=hops.NEW, environ=counted)
                    run.succeeds()
                    if number:  # the first round fills caches
                        times[each].append(time.monotonic() - began)
                    if run.changed():
                        sys.exit(f"{run.output}\n{each} was to change nothing.")
                    counts[each] = max(trial.executions(host) for host in hops.HOSTS)
            if started() != before:
                sys.exit("Glance was restarted.")
    print(f"Where nothing is to be done, {len(hops.HOSTS)} hosts of the lab, medians of {arguments.rounds} rounds")
    print(f"{'':14} {'wall s':>8} {'ratio':>8} {'executions':>11}  on a host")
    one = statistics.median(times["ping"])
    for each in names:
        median = statistics.median(times[each])
        limit = f" (at most {hops.MOST})" if each != "ping" else ""
        print(f"{each:14} {median:8.2f} {median / one:8.2f} {counts[each]:11}{limit}")
    return 1 if max(counts.values()) > hops.MOST else 0


if __name__ == "__main__":
    sys.exit(main())
