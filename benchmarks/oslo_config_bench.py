# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""40 options through one `oslo_config`, against a loop of 40 `community.general.ini_file`, side by side.

Each round plays both, one after the other, on a Glance configuration file of usual size.  CPU seconds are those of
ansible-playbook with everything that it starts, less those of a playbook without any task.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
from typing import Any

OPTIONS = [(f"section_{number % 8}", f"option_{number}", f"value {number}") for number in range(40)]
AIM = 20


def sample() -> str:
    """A file as oslo.config's generator writes it: much comment, every default commented out."""
    lines = ["[DEFAULT]", ""]
    for section in range(8):
        lines += ["", f"[section_{section}]", ""]
        for number in range(50):
            name = f"option_{number}" if number % 8 == section else f"other_{number}"
            lines += ["#", "# From somewhere", "#", "", *["# What the option is for, in a line or two."] * 6]
            lines += [f"#{name} = <None>", ""]
    return "\n".join(lines) + "\n"


def playbook(tasks: list[dict[str, Any]]) -> str:
    return json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}])


def plays(target: pathlib.Path) -> dict[str, str]:
    options = [{"section": section, "option": option, "value": value} for section, option, value in OPTIONS]
    python = {"ansible_python_interpreter": sys.executable}
    once = {"stackops.glance.oslo_config": {"path": str(target), "options": options}, "vars": python}
    loop = {
        "community.general.ini_file": {
            "path": str(target),
            "section": "{{ item.section }}",
            "option": "{{ item.option }}",
            "value": "{{ item.value }}",
        },
        "loop": options,
        "vars": python,
    }
    return {"nothing": playbook([]), "oslo_config": playbook([once]), "ini_file": playbook([loop])}


def cpu_seconds(play: pathlib.Path) -> float:
    """CPU seconds of a play and all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", str(play)],
        env=dict(os.environ, ANSIBLE_CONFIG=str(play.parent / "ansible.cfg"), ANSIBLE_HOME=str(play.parent / "home")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{play.name} failed:\n{done.stdout}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        target = folder / "glance-api.conf"
        (folder / "ansible.cfg").touch()  # nobody's own settings
        seconds: dict[str, list[float]] = {}
        for _round in range(rounds):
            for kind, text in plays(target).items():
                target.write_text(sample())
                play = folder / f"{kind}.json"
                play.write_text(text)
                seconds.setdefault(kind, []).append(cpu_seconds(play))
                missing = [value for _section, _option, value in OPTIONS if f"= {value}\n" not in target.read_text()]
                if missing and kind != "nothing":
                    sys.exit(f"{kind} left out {missing}")
    medians = {kind: statistics.median(values) for kind, values in seconds.items()}
    base = medians.pop("nothing")
    ours, theirs = (medians[kind] - base for kind in ("oslo_config", "ini_file"))
    print(f"{'40 options':<46}{'CPU seconds':>12}{'rounds':>8}")
    for label, value in (("stackops.glance.oslo_config", ours), ("a loop of community.general.ini_file", theirs)):
        print(f"{label:<46}{value:>12.2f}{rounds:>8}")
    print(f"{'(ansible-playbook without a task, taken off)':<46}{base:>12.2f}{rounds:>8}")
    print(f"ratio {theirs / ours:.1f} (aim: at least {AIM})")
    return 0 if theirs / ours >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
