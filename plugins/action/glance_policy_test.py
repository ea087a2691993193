# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold statements against a policy: that of a host, or files on the control node."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _policy,
    _policy_file,
    _policy_rules,
    _policy_statements,
    _service,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Policy, Settings
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_action import ARGUMENTS, PolicyAction

#: As many failures are told in the message.
SHOWN = 20
SPECIFICATION: dict[str, Any] = {
    "argument_spec": {
        **ARGUMENTS,
        "tests": {"type": "path", "required": True},
        "policy_files": {"type": "list", "elements": "path"},
        "settings": {
            "type": "dict",
            "options": {
                "admin_role": {"type": "str"},
                "enforce_scope": {"type": "bool"},
                "enforce_new_defaults": {"type": "bool"},
                "enforce_secure_rbac": {"type": "bool"},
                "default_rule": {"type": "str"},
            },
        },
    },
    "required_by": {"policy_files": ["glance_release"], "settings": ["policy_files"]},
}


class ActionModule(PolicyAction):
    _requires_connection = False

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(**SPECIFICATION)
        _policy_rules.require_oslo_policy()
        facts = _policy_statements.load(read(arguments["tests"]), arguments["tests"])
        policy = self.look(arguments, task_vars).policy() if arguments["policy_files"] is None else local(arguments)
        statements = _policy_statements.read(facts, arguments["tests"], policy.release)
        people = {each.name: each for each in statements.personas}
        things = {each.name: each for each in statements.targets}
        decided = [policy.decide(people[case.persona], case.action, things[case.target]) for case in statements.cases]
        verdicts = _policy_statements.judge(statements.cases, [asdict(each) for each in decided])
        failures = [
            {
                **asdict(verdict.case),
                "found": decision.allowed,
                "by": decision.by,
                "place": decision.place,
                "chain": policy.chain(people[decision.persona], decision.rule, things[decision.target]),
                "text": str(verdict),
            }
            for verdict, decision in zip(verdicts, decided, strict=True)
            if not verdict.held
        ]
        answer: dict[str, Any] = {
            "changed": False,
            "release": str(policy.release),
            "passed": len(verdicts) - len(failures),
            "failures": failures,
            "skipped": statements.skipped,
        }
        if failures:
            answer.update(failed=True, msg=told([failure["text"] for failure in failures]))
        return answer


def told(texts: list[str]) -> str:
    """Failures as one message; the result of the module has them all."""
    more = [f"And {len(texts) - SHOWN} more."] if len(texts) > SHOWN else []
    return " ".join([f"{len(texts)} do not hold.", *(f"{text}." for text in texts[:SHOWN]), *more])


def read(path: str) -> str:
    """A file on the control node. Raises GlanceError."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise GlanceError(f"{path} cannot be read on the control node: {error.strerror}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise GlanceError(f"{path} is not UTF-8: {error}. Save the file in that encoding.") from error


def local(arguments: dict[str, Any]) -> Policy:
    """The policy of files on the control node, later ones over earlier ones; of no file where the list is empty."""
    release = _service.known_release("glance", arguments["glance_release"])
    given = {name: value for name, value in (arguments["settings"] or {}).items() if value is not None}
    known = {each.name for each in fields(Settings)}
    settings = replace(_policy.defaults(release), **{name: value for name, value in given.items() if name in known})
    rules = {
        rule.name: rule
        for path in arguments["policy_files"]
        for rule in _policy_file.parse({"file": path, "text": read(path), "error": None})
    }
    return Policy(release, rules if arguments["policy_files"] else None, settings)
