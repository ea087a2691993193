# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare decisions with those of releases' own Glance over generated policy files.

    tests/bin/with-env main python tests/policy/differential.py             # each release in a container of the lab
    tests/bin/with-env main python tests/policy/differential.py --files 100 25.1
    tests/bin/with-env main python tests/policy/differential.py 25.1.0=/opt/glance25/bin/python

A command after the release runs a Python that has that release installed. Ends with 1 when one decision differs, and prints
the case so that it can be run again.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import random
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, NamedTuple

import yaml
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy, _policy_file
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Persona, Policy, Settings, Target

ANSWERS = pathlib.Path(__file__).resolve().with_name("answers.py")
LAB = ANSWERS.parent.parent.parent / "molecule" / "lab" / "lab"
RELEASES = ("15.0.2", "20.2.0", "25.1", "33.0.0")
#: These take several times as long for each question, and are asked about fewer files.
SLOW = {"20.2.0": 3}

PERSONAS = [
    Persona("admin", ("admin", "member", "reader")),
    Persona("Admin", ("Admin",)),
    Persona("member", ("member", "reader")),
    Persona("reader", ("reader",)),
    Persona("nobody", ()),
    Persona("older", ("_member_",)),
    Persona("boss", ("Boss", "member")),
    Persona("system", ("admin", "member", "reader"), project=None, system=True),
    Persona("domain", ("admin",), project=None, domain="some-domain"),
    Persona("service", ("service",), service_roles=("service",)),
]
TARGETS = [
    Target("own"),
    Target("own protected", protected=True),
    Target("own shared", visibility="shared"),
    Target("own public", visibility="public"),
    Target("foreign", owner=_policy.FOREIGN),
    Target("shared with me", owner=_policy.FOREIGN, visibility="shared", member=True),
    Target("public", owner=_policy.FOREIGN, visibility="public"),
    Target("community", owner=_policy.FOREIGN, visibility="community", protected=True),
]
WORDS = [
    *("role:admin", "role:member", "role:reader", "role:Boss", "role:%(visibility)s", "@", "!"),
    *(
        "rule:default",
        "rule:context_is_admin",
        "rule:own_rule",
        "rule:missing",
        "rule:metadef_default",
        "rule:get_image",
    ),
    *("project_id:%(project_id)s", "project_id:%(owner)s", "project_id:%(member_id)s", "tenant:%(owner)s"),
    *("tenant:%(tenant)s", "user_id:%(user_id)s", "is_admin:True", "is_admin_project:True", "system_scope:all"),
    *("'public':%(visibility)s", "'community':%(visibility)s", "True:%(protected)s", "service_roles:service"),
    *("domain_id:some-domain", "project_id:own-project", "some-image:%(image_id)s", "no_such:%(no_such)s"),
]
BROKEN: list[Any] = ["role:admin or", "nonsense", "(role:admin", " ", None, [], [["role:admin"], "role:member"], [[]]]


def check(rng: random.Random, depth: int = 0) -> str:
    kind = rng.random()
    if depth > 2 or kind < 0.4:
        return rng.choice(WORDS)
    if kind < 0.5:
        return f"not {rng.choice(WORDS)}"
    parts = [check(rng, depth + 1) for _part in range(rng.randint(2, 3))]
    joined = f" {rng.choice(('and', 'or', 'OR'))} ".join(parts)
    return f"({joined})" if depth or rng.random() < 0.3 else joined


def policy(rng: random.Random, names: list[str]) -> tuple[str | None, str]:
    """The text of a policy file, or None for none, and its name."""
    if rng.random() < 0.05:
        return None, "no-such-policy.json"  # policy.json would be found in /etc/glance as well
    wanted = rng.sample(names, rng.randint(0, min(14, len(names))))
    extra = [name for name in ("default", "context_is_admin", "own_rule", "metadef_default") if rng.random() < 0.4]
    rules: dict[str, Any] = {}
    for name in [*wanted, *extra]:
        rules[name] = rng.choice(BROKEN) if rng.random() < 0.06 else check(rng) if rng.random() < 0.9 else ""
    if rng.random() < 0.5:
        return json.dumps(rules, indent=2), "policy.json"
    return yaml.safe_dump(rules, sort_keys=False), "policy.yaml"


def options(rng: random.Random, release: _catalogue.Release) -> Settings:
    settings = _policy.defaults(release)
    known, found = release.policy_defaults, asdict(settings)
    if _catalogue.enforcement(release).reads_admin_role and rng.random() < 0.5:
        found["admin_role"] = rng.choice([" Boss ", "admin", "member", "nobody-has-it"])
    for name, there in (
        ("enforce_scope", known.enforce_scope_option),
        ("enforce_new_defaults", known.enforce_new_defaults is not None),
    ):
        if there and rng.random() < 0.5:
            found[name] = rng.random() < 0.5
    found["enforce_secure_rbac"] = found["enforce_new_defaults"] and release.major in (22, 23, 24, 25)
    return Settings(**found)


def ours(
    release: _catalogue.Release, text: str | None, name: str, settings: Settings, names: list[str]
) -> dict[str, Any]:
    document = {"file": name, "text": text, "error": None}
    rules = None if text is None else {rule.name: rule for rule in _policy_file.parse(document)}
    ours = Policy(release, rules, settings)
    answers = []
    for persona in PERSONAS:
        for rule in names:
            for target in TARGETS:
                kind, _guard = ours.how.rules[rule]
                said = ours.ask(persona, rule, _policy.handed(kind, persona, target))
                answers.append([said, ours.decide(persona, rule, target).allowed])
    return {"admin": [ours.is_admin(persona) for persona in PERSONAS], "answers": answers}


class Asked(NamedTuple):
    """One release, what it is asked about, and its answers."""

    version: str
    names: list[str]
    cases: list[tuple[str | None, str, Settings]]
    answers: list[dict[str, Any]]
    errors: str


def ask(version: str, command: str, files: int, seed: int) -> Asked:
    release = _catalogue.release("glance", version)
    # What a release has no rule for yet cannot be asked of it.
    names = [name for name in Policy(release).names if _catalogue.policy("glance", release, name)]
    rng = random.Random(f"{seed} {version}")
    cases = []
    for _number in range(max(1, files // SLOW.get(version, 1))):
        text, name = policy(rng, names)
        cases.append((text, name, options(rng, release)))
    answers, errors = answered(version, command, cases, names)
    return Asked(version, names, cases, answers, errors)


def answered(
    version: str, command: str, cases: list[tuple[str | None, str, Settings]], names: list[str]
) -> tuple[list[dict[str, Any]], str]:
    """What a release's own Glance decides for these files, and what it says of errors."""
    asked = [
        {
            "policy": text,
            "name": name,
            "options": {key: value for key, value in asdict(settings).items() if key != "default_rule"},
            "personas": [asdict(persona) for persona in PERSONAS],
            "targets": [asdict(target) for target in TARGETS],
            "rules": names,
        }
        for text, name, settings in cases
    ]
    there = [str(LAB), "in-release", "--mount", str(ANSWERS.parent), version, "--", "python"]
    done = subprocess.run(
        [*(shlex.split(command) or there), str(ANSWERS)],
        input="".join(json.dumps(case) + "\n" for case in asked),
        capture_output=True,
        text=True,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")], done.stderr


def compare(asked: Asked) -> int:
    """How many files are decided otherwise; each is shown."""
    version, names = asked.version, asked.names
    if len(asked.answers) != len(asked.cases):
        print(asked.errors[-3000:], file=sys.stderr)
        print(f"{version}: {len(asked.answers)} answers to {len(asked.cases)} files", file=sys.stderr)
        return 1
    release = _catalogue.release("glance", version)
    differing = compared = 0
    for (text, name, settings), expected in zip(asked.cases, asked.answers, strict=True):
        found = ours(release, text, name, settings, names)
        compared += len(expected["answers"]) + len(PERSONAS)
        if found != expected:
            differing += 1
            if differing <= 3:
                show(version, text, name, settings, names, found, expected)
    print(f"Glance {version}: {len(asked.cases)} policy files, {compared} decisions compared, {differing} files differ")
    return differing


def show(
    version: str, text: str | None, name: str, settings: Settings, names: list[str], found: Any, expected: Any
) -> None:
    print(f"--- {version}, {name}, {settings}\n{text}")
    for persona, mine, theirs in zip(PERSONAS, found["admin"], expected["admin"], strict=True):
        if mine != theirs:
            print(f"is_admin of {persona.name}: found {mine}, Glance says {theirs}")
    places = [(persona, rule, target) for persona in PERSONAS for rule in names for target in TARGETS]
    shown = 0
    for (persona, rule, target), mine, theirs in zip(places, found["answers"], expected["answers"], strict=True):
        if mine != theirs and shown < 8:
            shown += 1
            print(f"{persona.name}, {rule}, {target.name}: found {mine}, Glance says {theirs} (rule alone, all)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("releases", nargs="*", default=RELEASES, metavar="RELEASE[=COMMAND]")
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    each = [release.partition("=")[::2] for release in arguments.releases]
    with ThreadPoolExecutor(2) as pool:
        asked = pool.map(lambda one: ask(*one, arguments.files, arguments.seed), each)
        differing = sum([compare(one) for one in asked])
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
