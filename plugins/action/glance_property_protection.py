# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a property protection file and judge it here, and write it with its options there."""

from __future__ import annotations

import base64
import os
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _policy_matrix,
    _policy_rules,
    _property_protection,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Policy
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_action import (
    ARGUMENTS,
    PROOF,
    PolicyAction,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_change import Found, hashed
from ansible_collections.stackops.glance.plugins.plugin_utils._property_protection import (
    FILE,
    FORMAT,
    OPERATIONS,
    Section,
)

SPECIFICATION: dict[str, dict[str, Any]] = {
    **ARGUMENTS,
    **WRITING,
    "personas": PROOF["personas"],
    "path": {"type": "path"},
    "format": {"type": "str", "choices": ["roles", "policies"]},
    "protections": {
        "type": "list",
        "elements": "dict",
        "options": {
            "pattern": {"type": "str", "required": True},
            **{name: {"type": "list", "elements": "str", "required": True} for name in OPERATIONS},
        },
    },
    "query": {"type": "list", "elements": "str", "default": []},
}
DEFAULT_NAME = "property-protections.conf"


class ActionModule(PolicyAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=SPECIFICATION)
        _policy_rules.require_oslo_policy()
        found = self.look(arguments, task_vars)
        set_file, set_format = (_property_protection.option(found.service, name) for name in (FILE, FORMAT))
        format_ = arguments["format"] or (set_format or "roles").lower()
        path = arguments["path"] or self._path(found, set_file)
        text = self._read(path, task_vars)
        written: dict[str, Any] = {"changed": False}
        if arguments["protections"] is not None:
            sections = _property_protection.described(arguments["protections"], format_)
            files = _files(found, path, text, _property_protection.render(sections), format_, (set_file, set_format))
            # Read again as Glance will; what was rendered must be what was asked for.
            again = _property_protection.parse(_property_protection.render(sections), path, format_)
            if [(each.pattern, each.permissions) for each in again] != [(e.pattern, e.permissions) for e in sections]:
                raise GlanceError("The protections cannot be written so that Glance reads them as they are given.")
            self._refuse(sections, format_, _policy(found, sections, format_, path))
            written = self.replace(files, arguments, task_vars) if files else written
        else:
            sections = _property_protection.parse(text, path, format_) if set_file and text is not None else []
        policy = _policy(found, sections, format_, path)
        return {
            **written,
            "path": path,
            "format": format_,
            "release": str(found.release),
            "problems": _property_protection.problems(sections, format_, policy),
            "answers": self._answers(arguments, sections, format_, policy),
            # Glance reads the file when it starts.
            "restart_required": written["changed"],
        }

    @staticmethod
    def _path(found: Found, named: str | None) -> str:
        """Beside the configuration, where Glance looks for a bare name."""
        return os.path.join(os.path.dirname(found.own_file), named or DEFAULT_NAME)

    def _read(self, path: str, task_vars: dict[str, Any]) -> str | None:
        """What the file on the host holds; None where there is none. Raises GlanceError."""
        answer = self._execute_module(
            module_name="ansible.builtin.slurp", module_args={"src": path}, task_vars=task_vars
        )
        if answer.get("failed"):
            if "not found" in str(answer.get("msg")):
                return None
            raise GlanceError(f"{path} cannot be read: {answer.get('msg')}")
        try:
            return base64.b64decode(answer["content"]).decode()
        except UnicodeDecodeError as error:
            raise GlanceError(f"{path} is not UTF-8: {error}. Save the file in that encoding.") from error

    @staticmethod
    def _refuse(sections: list[Section], format_: str, policy: Policy) -> None:
        wrong = _property_protection.problems(sections, format_, policy)
        if wrong:
            raise GlanceError(" ".join(wrong))

    @staticmethod
    def _answers(
        arguments: dict[str, Any], sections: list[Section], format_: str, policy: Policy
    ) -> dict[str, dict[str, Any]]:
        who = _policy_matrix.personas(arguments["personas"], policy) if arguments["query"] else []
        answers: dict[str, dict[str, Any]] = {}
        for name in arguments["query"]:
            section = _property_protection.match(sections, name)
            answers[name] = {
                "section": section.pattern if section else None,
                **{
                    operation: [
                        each.name
                        for each in who
                        if _property_protection.allowed(sections, format_, policy, each, name, operation)
                    ]
                    for operation in OPERATIONS
                },
            }
        return answers


def _policy(found: Found, sections: list[Section], format_: str, path: str) -> Policy:
    """The policy that these sections ask, whatever protections there were before."""
    return found.policy(protections=_property_protection.rules(sections, path) if format_ == "policies" else {})


def _files(
    found: Found, path: str, before: str | None, after: str, format_: str, options: tuple[str | None, str | None]
) -> list[dict[str, Any]]:
    """The protection file first: Glance does not start with an option that names a file which is not there."""
    files: list[dict[str, Any]] = []
    if before != after:
        files.append({"path": path, "content": after, "like": found.own_file, "sha256": hashed(before)})
    named = options[0] and os.path.join(os.path.dirname(found.own_file), options[0]) == path
    wanted = [
        *([] if named else [{"section": "DEFAULT", "option": FILE, "value": path}]),
        *(
            []
            if (options[1] or "roles").lower() == format_
            else [{"section": "DEFAULT", "option": FORMAT, "value": format_}]
        ),
    ]
    if wanted:
        files.append({"path": found.own_file, "options": wanted})
    return files
