# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module that runs on a managed host owes its caller, beyond what the module itself can say."""

from __future__ import annotations

import re
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._runs import STATE_DIR

COLLECTION = "stackops.glance"

#: The last ansible-core that runs modules with Python 2.7 and 3.6.
LAST_CORE_FOR_PYTHON2 = "2.16"

# A core that is too new for the host's Python dies while that Python compiles the core's own code.
_TOO_OLD = re.compile(
    r"SyntaxError|requires a minimum of Python|No module named '?(?:importlib\.|__future__.*annotations)"
)
_NO_PYTHON = re.compile(r"module interpreter .* was not found|python3?: (?:No such file|not found|command not found)")


class HostAction(ActionBase):
    """Base of the actions of host modules.

    A host that is lost becomes a failed task, which a rescue can answer; Ansible's own "unreachable" skips every rescue.
    """

    #: Of the host, once it has been surveyed.
    cores: int

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        try:
            result.update(self.act(task_vars or {}))
        except ModuleFailed as failure:
            result.update(failure.result)
        except GlanceError as error:
            result.update(error.details, failed=True, msg=error.message)
        finally:
            try:
                self._remove_tmp_path(self._connection._shell.tmpdir)
            except AnsibleConnectionFailure:
                pass  # the host is gone, and has been reported
        return result

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """The work of the action: by default the module of the same name, as it is."""
        return self.run_module(None, None, task_vars)

    def run_module(self, name: str | None, args: dict[str, Any] | None, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run a module of this collection on the host, the task's own when no name is given; never raises for it."""
        try:
            result = self._execute_module(
                module_name=f"{COLLECTION}.{name}" if name else None, module_args=args, task_vars=task_vars
            )
        except AnsibleConnectionFailure as error:
            return {
                "failed": True,
                "lost": True,
                "msg": f"The host cannot be reached: {str(error).strip().rstrip('.')}. What the module had begun there may "
                "still be running; look at the host, then run again.",
            }
        return _explained(result, task_vars)

    def ask(self, name: str, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run a module of this collection and return its result. Raises ModuleFailed when it fails."""
        result = self.run_module(name, args, task_vars)
        if result.get("failed"):
            raise ModuleFailed(result)
        return result

    def survey(self, services: list[dict[str, Any]], main: str, task_vars: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Look at services and return those that the host has, ``main`` when it has no unit of any. Sets ``cores``.

        Raises GlanceError where one of them cannot be read or none has a configuration file.
        """
        answer = self.ask("glance_host_info", {"services": services}, task_vars)
        found, self.cores = answer["services"], answer.get("cores", 1)
        present = {name: service for name, service in found.items() if service["units"]} or {main: found[main]}
        for service in present.values():
            if service["error"]:
                raise GlanceError(service["error"])
        if not any(service["files"] for service in present.values()):
            units = next(service["units"] for service in services if service["name"] == main)
            raise GlanceError(
                f"There is no {main} on this host: none of its usual units ({', '.join(units)}) and no configuration file "
                "of it were found. Give config_files, or take the host out of the group."
            )
        return present

    def write(
        self, changes: list[dict[str, Any]], arguments: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """Let ``oslo_config`` write the changes, a file at a time; check mode and diff go with the task.

        Raises ModuleFailed, with what was written before the one that failed.
        """
        result: dict[str, Any] = {"changed": False, "diff": [], "backup_files": []}
        common = {name: arguments[name] for name in ("backup", "run_token", "state_dir")}
        for change in changes:
            written = self.run_module("oslo_config", {**change, **common}, task_vars)
            if written.get("failed"):
                raise ModuleFailed({**written, "changed": result["changed"]})
            result["changed"] = result["changed"] or written["changed"]
            diff = written.get("diff") or []
            result["diff"] += diff if isinstance(diff, list) else [diff]
            result["backup_files"] += [written["backup_file"]] if written.get("backup_file") else []
        return result


#: Arguments of every action that writes.
WRITING: dict[str, dict[str, Any]] = {
    "backup": {"type": "bool", "default": False},
    "run_token": {"type": "str"},
    "state_dir": {"type": "path", "default": STATE_DIR},
}


class ModuleFailed(Exception):
    """A module failed on the host; its result is the action's."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get("msg"))
        self.result = result


def _explained(result: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
    """Say it plainly when the module never ran, above all since the host's Python is too old for this core."""
    if not result.get("failed") or "invocation" in result:
        return result
    said = "\n".join(str(result.get(key, "")) for key in ("msg", "module_stdout", "module_stderr", "exception"))
    python = task_vars.get("ansible_python_interpreter") or "its interpreter was discovered"
    advice = (
        f"Run with ansible-core {LAST_CORE_FOR_PYTHON2}, the last that manages Python 2.7 and 3.6, or set "
        "ansible_python_interpreter to a newer Python of the host."
    )
    if _TOO_OLD.search(said):
        message = (
            f"ansible-core {core_version} needs a newer Python on this host than it was given ({python}). {advice}"
        )
    elif _NO_PYTHON.search(said):
        message = f"ansible-core {core_version} found no Python that it can use on this host ({python}). {advice}"
    elif lines := _last_words(result):
        message = f"The module gave no answer on this host: {lines}. It may not have run, or not to its end."
    else:
        return result
    return {**result, "msg": message}


def _last_words(result: dict[str, Any]) -> str:
    """The last line that came instead of an answer: a traceback's, or a connection's own complaint."""
    if "module_stdout" not in result and "module_stderr" not in result:
        return ""
    said = [str(result.get(key) or "").strip() for key in ("module_stderr", "module_stdout")]
    return next((text.splitlines()[-1].strip().rstrip(".") for text in said if text), "nothing came back")
