# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All decisions of one release, every rule for ten personas on eight targets, against a loop over oslopolicy-checker.

policy_bench.py [--checker "PATH/python PATH/oslopolicy-checker"] [--calls N]. The checker runs once for each rule, persona and
target, which is what such a matrix takes with it; N of those calls are timed and the rest reckoned from them.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import random
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

RELEASE = "25.1.0"
PROGRAM = """
import json, sys
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy, _policy_matrix
policy = _policy.Policy(_catalogue.release("glance", sys.argv[1]))
people = [*_policy_matrix.PERSONAS, _policy.Persona("boss", ("boss", "member"))]
answers = _policy_matrix.matrix(policy, people, _policy_matrix.TARGETS)
print(json.dumps([len(answers), len(people), sum(bool(answer.allowed) for answer in answers.values())]))
"""


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ours() -> tuple[float, int]:
    """CPU seconds of a process that decides everything, its start and all imports included."""
    spent = []
    for _run in range(3):
        before = children()
        done = subprocess.run([sys.executable, "-c", PROGRAM, RELEASE], capture_output=True, text=True, check=True)
        spent.append(children() - before)
    decisions, people, allowed = json.loads(done.stdout)
    print(f"{decisions} decisions of Glance {RELEASE} for {people} personas, {allowed} of them allow")
    return min(spent), decisions


def theirs(checker: list[str], calls: int) -> float:
    """CPU seconds of one call of oslopolicy-checker."""
    roles = [["admin", "member", "reader"], ["member", "reader"], ["reader"], []]
    rules = ["get_image", "modify_image", "publicize_image", "get_metadef_namespace"]
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        policy, token, target = (directory / each for each in ("policy.yaml", "token.json", "target.json"))
        policy.write_text('"default": ""\n"publicize_image": "role:admin"\n"get_image": "role:reader"\n')
        before = children()
        for _call in range(calls):
            described = [{"name": role} for role in rng.choice(roles)]
            own = {"user": {"id": "u", "domain": {"id": "d"}}, "project": {"id": "p", "domain": {"id": "d"}}}
            token.write_text(json.dumps({"token": {"roles": described, **own}}))
            target.write_text(json.dumps({"project_id": rng.choice(["p", "q"]), "visibility": "private"}))
            arguments = ["--policy", str(policy), "--access", str(token), "--target", str(target)]
            done = subprocess.run(
                [*checker, *arguments, "--rule", rng.choice(rules)], capture_output=True, text=True, check=False
            )
            if done.returncode or "assed" not in done.stdout + done.stderr and "ailed" not in done.stdout + done.stderr:
                raise SystemExit(f"oslopolicy-checker failed: {done.stdout}{done.stderr}")
        return (children() - before) / calls


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = pathlib.Path(sys.executable).with_name("oslopolicy-checker")
    parser.add_argument("--checker", default=str(beside) if beside.exists() else shutil.which("oslopolicy-checker"))
    parser.add_argument("--calls", type=int, default=12)
    arguments = parser.parse_args()
    if not arguments.checker:
        print("oslopolicy-checker is not installed; it comes with oslo.policy.", file=sys.stderr)
        return 1
    started = time.time()
    mine, decisions = ours()
    call = theirs(shlex.split(arguments.checker), arguments.calls)
    loop = call * decisions
    print(f"one process that decides them all: {mine:.2f} s of CPU")
    print(
        f"a loop over oslopolicy-checker: {call:.2f} s of CPU a call, {loop:.0f} s in all ({arguments.calls} calls timed)"
    )
    # The checker can also say all rules in one call, which is the kinder way to use it.
    rules = decisions // 80
    print(
        f"ratio: {loop / mine:.0f}; {loop / rules / mine:.0f} where a call says all {rules} rules at once; wanted: 50"
    )
    print(f"took {time.time() - started:.0f} s")
    return 0 if loop / mine >= 50 else 1


if __name__ == "__main__":
    sys.exit(main())
