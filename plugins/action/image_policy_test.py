# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the requests for the release here, where the catalogue is; send them there; hold the answers against the tests."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _policy_matrix,
    _policy_statements,
    _service,
    _table,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_statements import Statements

#: The arguments that are settled here and mean nothing to the module.
OWN = ("file", "tests", "rules")
TRIED = {True: "allowed", False: "denied", None: "?"}


class ActionModule(HostAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(self._task.args)
        if not arguments.get("glance_release"):
            raise GlanceError(
                "glance_release is not given. Give the release of the Glance that answers, such as 25.1 or zed."
            )
        release = _service.known_release("glance", str(arguments["glance_release"]))
        requests, not_shown = _catalogue.policy_requests(release)
        statements = self._statements(arguments, release)
        if statements:
            used = {case.persona for case in statements.cases}
            personas = [each for each in statements.personas if each.name in used]
            targets, wanted = statements.targets, {case.action for case in statements.cases}
        else:
            personas = _policy_matrix.personas(arguments.get("personas"))
            targets, wanted = _policy_matrix.targets(arguments.get("targets")), {each["rule"] for each in requests}
        patterns = arguments.get("rules") or ["*"]
        patterns = patterns if isinstance(patterns, list) else [patterns]
        chosen = [
            each
            for each in requests
            if each["rule"] in wanted
            and any(fnmatch.fnmatchcase(each["rule"], str(pattern)) for pattern in patterns)
            and (
                not each.get("housekeeping") or str(arguments.get("housekeeping")).lower() in ("true", "yes", "1", "on")
            )
        ]
        if not chosen:
            raise GlanceError(
                f"No request shows any of these rules of {release}: {', '.join(sorted(wanted)) or 'none'}."
            )
        people = [{name: value for name, value in asdict(each).items() if name != "user"} for each in personas]
        given = {name: value for name, value in arguments.items() if name not in OWN}
        if not arguments.get("missing_roles"):
            usual = {each.name: each for each in _policy_matrix.PERSONAS}
            given["missing_roles"] = "leave_out" if all(usual.get(each.name) == each for each in personas) else "fail"
        result = self.run_module(
            "image_policy_test",
            {
                **given,
                "personas": people,
                "targets": [asdict(each) for each in targets],
                "requests": chosen,
                "cases": [list(case.key) for case in statements.cases] if statements else None,
            },
            task_vars,
        )
        result.pop("invocation", None)
        if result.get("answers") is not None:
            result.update(release=str(release), not_shown=not_shown)
            result.update(
                self._judged(statements, result["answers"], not_shown) if statements else _summed(result["answers"])
            )
            if result.get("failures") and not result.get("failed"):
                more = f" And {len(result['failures']) - 10} more." if len(result["failures"]) > 10 else ""
                result["failed"] = True
                result["msg"] = (
                    f"{len(result['failures'])} policy tests do not hold at {result['url']}. "
                    + " ".join(f"{line}." for line in result["failures"][:10])
                    + more
                )
        return result

    def _statements(self, arguments: Mapping[str, Any], release: _catalogue.Release) -> Statements | None:
        facts: Mapping[str, Any]
        if arguments.get("file"):
            if arguments.get("tests"):
                raise GlanceError("Both file and tests are given. Give one of them.")
            place = self._find_needle("files", str(arguments["file"]))
            try:
                facts = _policy_statements.load(Path(place).read_text(encoding="utf-8"), place)
            except (OSError, UnicodeDecodeError) as error:
                raise GlanceError(f"{place}: the policy tests cannot be read: {error}.") from None
        elif arguments.get("tests"):
            place, facts = "tests", {"tests": arguments["tests"]}
        else:
            return None
        for name in ("personas", "targets"):
            if arguments.get(name):
                facts = {**facts, name: arguments[name]}
        return _policy_statements.read(facts, place, release)

    @staticmethod
    def _judged(statements: Statements, answers: list[dict[str, Any]], not_shown: Mapping[str, str]) -> dict[str, Any]:
        verdicts = _policy_statements.judge(statements.cases, answers)
        failed = [each for each in verdicts if each.held is False]
        untried = [each for each in verdicts if each.held is None]
        rows = [
            (
                {True: "ok", False: "DIFFERS", None: "not tried"}[each.held],
                each.case.persona,
                each.case.action,
                each.case.target,
                "allow" if each.case.allow else "deny",
                " ".join(dict.fromkeys(TRIED[answer["allowed"]] for answer in each.found)) or "?",
                " ".join(dict.fromkeys(str(answer["status"]) for answer in each.found if answer["status"])),
            )
            for each in sorted(verdicts, key=lambda verdict: (verdict.held is not False, verdict.held is not None))
        ]
        return {
            "tests": {
                "held": len(verdicts) - len(failed) - len(untried),
                "failed": len(failed),
                "untried": len(untried),
            },
            "failures": [str(each) for each in failed],
            "untried": [
                f"{each}{' (' + not_shown[each.case.action] + ')' if each.case.action in not_shown else ''}"
                for each in untried
            ],
            "skipped": statements.skipped,
            "table": _table.table(("test", "persona", "action", "target", "wanted", "found", "status"), rows),
        }


def _summed(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """A table with a line for each rule and target, and a column for each persona."""
    personas = list(dict.fromkeys(answer["persona"] for answer in answers))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for answer in answers:
        row = cells.setdefault((answer["rule"], answer["target"]), {})
        said = TRIED[answer["allowed"]]
        before = row.setdefault(answer["persona"], said)
        row[answer["persona"]] = said if before == said else "differs by request"
    lines = [(*key, *(row.get(persona, "-") for persona in personas)) for key, row in cells.items()]
    return {"table": _table.table(("action", "target", *personas), lines)}
