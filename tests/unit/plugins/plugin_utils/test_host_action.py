# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _host_action


class Action(_host_action.HostAction):
    """A host action over a host that answers what the test says."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []
        self._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))

    def _execute_module(self, module_name=None, module_args=None, task_vars=None, **more):
        self.asked.append((module_name, module_args))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _remove_tmp_path(self, tmp_path, force=False):
        pass


@pytest.fixture(autouse=True)
def no_ansible(monkeypatch):
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})


def test_an_answer_is_passed_on():
    assert Action({"changed": True, "invocation": {}}).run() == {"changed": True, "invocation": {}}


def test_a_lost_host_is_a_failed_task():
    result = Action(AnsibleConnectionFailure("no route to host.")).run(task_vars={})
    assert result["failed"] is True
    assert "unreachable" not in result
    assert "no route to host" in result["msg"]


def test_a_host_lost_while_tidying_up():
    action = Action({"changed": False})

    def gone(path, force=False):
        raise AnsibleConnectionFailure("gone")

    action._remove_tmp_path = gone
    assert action.run() == {"changed": False}


@pytest.mark.parametrize(
    "said",
    [
        {
            "module_stderr": '  File "AnsiballZ_x.py", line 40\n    zip_data: str,\n            ^\nSyntaxError: invalid syntax\n'
        },
        {"module_stderr": "SyntaxError: future feature annotations is not defined"},
        {"msg": "ansible-core requires a minimum of Python version 3.8. Current version: 2.7.18"},
        {"msg": "The module interpreter '/usr/bin/python3' was not found.", "module_stdout": ""},
        {"module_stdout": "/bin/sh: 1: /usr/bin/python3: not found\r\n", "msg": "MODULE FAILURE"},
    ],
)
def test_a_python_too_old_for_this_core(said):
    variables = {"ansible_python_interpreter": "/usr/bin/python2.7"}
    result = Action({"failed": True, "rc": 1, "msg": "MODULE FAILURE", **said}).run(task_vars=variables)
    assert "ansible-core 2.16" in result["msg"]
    assert "/usr/bin/python2.7" in result["msg"]
    assert result["failed"] is True


@pytest.mark.parametrize(
    "answer",
    [
        {"failed": True, "msg": "SyntaxError in the operator's file", "invocation": {"module_args": {}}},
        {"failed": True, "msg": "There is no such module."},
        {"failed": False, "msg": "SyntaxError"},
    ],
)
def test_other_failures_stay_what_they_are(answer):
    assert Action(answer).run() == answer


def test_what_came_instead_of_an_answer_is_said():
    error = "Error response from daemon: Container 8d85 is not running\n"
    result = Action({"failed": True, "msg": "MODULE FAILURE", "module_stdout": "", "module_stderr": error}).run()
    assert "gave no answer on this host: Error response from daemon: Container 8d85 is not running." in result["msg"]


def test_a_failed_question_ends_the_action():
    class Asking(Action):
        def act(self, task_vars):
            self.ask("glance_host_info", {"services": []}, task_vars)
            raise AssertionError("not reached")

    action = Asking({"failed": True, "msg": "no", "invocation": {}})
    assert action.run()["msg"] == "no"
    assert action.asked == [("stackops.glance.glance_host_info", {"services": []})]


def test_an_error_becomes_a_message_with_details():
    class Judging(Action):
        def act(self, task_vars):
            raise GlanceError("It cannot be.", file="/x")

    assert Judging().run() == {"failed": True, "msg": "It cannot be.", "file": "/x"}


# -- what actions share -----------------------------------------------------------------------------------------------


def surveyed(**services):
    defaults = {"units": [], "error": None, "files": []}
    return {"services": {name: {**defaults, **service} for name, service in services.items()}}


ASKED = [{"name": "api", "units": ["glance-api"]}, {"name": "registry", "units": ["glance-registry"]}]


def test_services_that_the_host_has():
    running = {"units": [{}], "files": [{}]}
    assert set(Action(surveyed(api=running, registry={})).survey(ASKED, "api", {})) == {"api"}


def test_the_main_service_stands_in_where_no_unit_is():
    assert set(Action(surveyed(api={"files": [{}]}, registry={})).survey(ASKED, "api", {})) == {"api"}


def test_a_host_without_the_service():
    with pytest.raises(GlanceError, match=r"There is no api on this host: none of its usual units \(glance-api\)"):
        Action(surveyed(api={}, registry={})).survey(ASKED, "api", {})


def test_trouble_of_a_service_is_the_actions():
    with pytest.raises(GlanceError, match="line 3"):
        Action(surveyed(api={"units": [{}], "error": "a:3: line 3"}, registry={})).survey(ASKED, "api", {})


COMMON = {"backup": True, "run_token": "r:1", "state_dir": "/s"}


def test_files_are_written_one_by_one():
    action = Action(
        {"changed": True, "diff": [{"after": "1"}], "backup_file": "/a~"}, {"changed": False, "diff": {"after": "2"}}
    )
    result = action.write([{"path": "/a", "options": []}, {"path": "/b", "options": []}], COMMON, {})
    assert result == {"changed": True, "diff": [{"after": "1"}, {"after": "2"}], "backup_files": ["/a~"]}
    assert action.asked[0] == ("stackops.glance.oslo_config", {"path": "/a", "options": [], **COMMON})


def test_what_was_written_before_a_failure_is_said():
    action = Action({"changed": True}, {"failed": True, "msg": "no space", "changed": False, "invocation": {}})
    with pytest.raises(_host_action.ModuleFailed) as caught:
        action.write([{"path": "/a"}, {"path": "/b"}], COMMON, {})
    assert caught.value.result["changed"] is True
    assert caught.value.result["msg"] == "no space"


def test_nothing_to_write_asks_nothing():
    action = Action()
    assert action.write([], COMMON, {}) == {"changed": False, "diff": [], "backup_files": []}
    assert action.asked == []
