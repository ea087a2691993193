# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of glance-manage with an environment of scripts: what runs, what waits, what is said. The real ones run in the
scenario ``release``."""

from __future__ import annotations

import ast
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _database, _database_dump, _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

URL = "mysql+pymysql://glance:s3cret@db/glance?charset=utf8"


class Environment:
    """An environment of two scripts over a file of state: its Python tells of the database, its glance-manage changes it."""

    def __init__(self, path: Path) -> None:
        self.path = path / "environment"
        self.conf = path / "glance-api.conf"
        self.conf.write_text(f"[database]\nconnection = {URL}\n")
        self.state = path / "state.json"
        (self.path / "bin").mkdir(parents=True)
        self.set(heads=["ussuri_contract01"], counts={}, check=3, code=0, sleep=0)
        self.program(
            "python",
            f"""
import json, sys
asked = json.load(sys.stdin)
assert asked["url"] == {URL!r}
state = json.load(open({str(self.state)!r}))
if asked["run"]:
    state["counts"] = dict((name, 0) for name in state["counts"])
    json.dump(state, open({str(self.state)!r}, "w"))
if state["heads"] is None:
    sys.exit("Access denied for " + asked["url"])
print("noise")
print(json.dumps({{"heads": state["heads"], "counts": dict((name, state["counts"].get(name)) for name in asked["counts"])}}))
""",
        )
        self.program(
            "glance-manage",
            f"""
import json, sys, time
state = json.load(open({str(self.state)!r}))
assert sys.argv[1:3] == ["--config-file", {str(self.conf)!r}], sys.argv
verb = sys.argv[-1]
state.setdefault("log", []).append(verb)
json.dump(state, open({str(self.state)!r}, "w"))
if verb == "check":
    sys.exit(state["check"])
time.sleep(state["sleep"])
if state["code"]:
    print("cannot reach {URL}")
    sys.exit(state["code"])
state["heads"] = state.get("after", state["heads"])
json.dump(state, open({str(self.state)!r}, "w"))
""",
        )

    def program(self, name: str, text: str) -> None:
        path = self.path / "bin" / name
        path.write_text(f"#!/usr/bin/env python3\n{text}")
        path.chmod(0o755)

    def set(self, **facts: Any) -> None:
        old = json.loads(self.state.read_text()) if self.state.exists() else {}
        self.state.write_text(json.dumps({**old, **facts}))

    @property
    def log(self) -> list[str]:
        return list(json.loads(self.state.read_text()).get("log", []))

    def work(self, verb: str, attempt: str = "1", **more: Any) -> _database.Work:
        asked = {"verb": verb, "environment": str(self.path), "config_files": [str(self.conf)], "config_dirs": [],
                 "user": None, "moves": [], **more}  # fmt: skip
        return _database.Work(str(self.path.parent / "jobs" / attempt), asked)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    # The interpreter of a look may be any; here the one of the tests stands in for it.
    return Environment(tmp_path)


def finish(work: _database.Work, seconds: float = 20) -> list[str]:
    """Go on until all is done; what was waited for."""
    waited: list[str] = []
    deadline = time.monotonic() + seconds
    while (waits := work.go_on()) is not None:
        waited.append(waits)
        assert time.monotonic() < deadline, waited
        time.sleep(0.05)
    return list(dict.fromkeys(waited))


def test_a_command_runs_where_the_check_asks_for_it(environment: Environment) -> None:
    environment.set(after=["ussuri_contract01", "wallaby_expand01"])
    work = environment.work("expand")
    # A dump of the database may lie beside the attempts.
    Path(work.directory).parent.mkdir()
    (Path(work.directory).parent / "dump.json").write_text("{}")
    before = work.look()
    assert finish(work) == ["glance-manage db check runs", "glance-manage db expand runs"]
    assert environment.log == ["check", "expand"]
    assert work.result(before) == {
        "verb": "expand", "ran": True, "before": ["ussuri_contract01"], "moved": {},
        "after": ["ussuri_contract01", "wallaby_expand01"],
    }  # fmt: skip
    # What has run is not run again, however often one asks.
    assert work.go_on() is None and environment.log == ["check", "expand"]


@pytest.mark.parametrize(
    ("verb", "check"), [("expand", 0), ("expand", 4), ("expand", 5), ("migrate", 5), ("contract", 0), ("sync", 0)]
)
def test_nothing_runs_for_nothing(environment: Environment, verb: str, check: int) -> None:
    environment.set(check=check)
    work = environment.work(verb)
    finish(work)
    assert environment.log == ["check"] and not work.result({"heads": [], "counts": {}})["ran"]


@pytest.mark.parametrize(("verb", "check"), [("sync", 1), ("sync", 2), ("expand", 2), ("migrate", 4), ("contract", 5)])
def test_a_check_that_tells_nothing_does_not_stop_it(environment: Environment, verb: str, check: int) -> None:
    """Up to 15 there is no check; of PostgreSQL it tells nothing, and `db sync` does."""
    environment.set(check=check)
    finish(environment.work(verb))
    assert environment.log == ["check", verb]


@pytest.mark.parametrize(
    ("verb", "check", "told"),
    [("migrate", 3, "expand has to come before migrate"), ("contract", 4, "migrate has to come before contract"),
     ("expand", 1, "db check failed"), ("sync", 9, "db check failed")],
)  # fmt: skip
def test_commands_keep_their_order(environment: Environment, verb: str, check: int, told: str) -> None:
    environment.set(check=check)
    with pytest.raises(GlanceError, match=told):
        finish(environment.work(verb))
    assert environment.log == ["check"]


def test_a_failure_says_what_the_program_said_without_secrets(environment: Environment) -> None:
    environment.set(code=1)
    with pytest.raises(GlanceError) as caught:
        finish(environment.work("expand"))
    assert "glance-manage db expand failed (1): cannot reach mysql+pymysql://glance:********@db" in caught.value.message
    assert "s3cret" not in caught.value.message


def test_a_database_that_does_not_answer(environment: Environment) -> None:
    environment.set(heads=None)
    with pytest.raises(GlanceError) as caught:
        environment.work("expand").look()
    assert "Access denied" in caught.value.message and "s3cret" not in caught.value.message


def test_a_database_that_nobody_named(environment: Environment) -> None:
    environment.conf.write_text("[database]\n")
    with pytest.raises(GlanceError, match=r"\[database\] connection is not set in .*glance-api.conf"):
        environment.work("expand").look()


@pytest.mark.parametrize("option", ["[DEFAULT]\nsql_connection", "[database]\nconnection_parameters = a=b\nconnection"])
def test_where_the_address_may_stand(environment: Environment, option: str) -> None:
    environment.conf.write_text(f"{option} = {URL}\n")
    found = _database.address([str(environment.conf)], [])
    assert found == URL + ("&a=b" if "parameters" in option else "")


def test_the_revision_that_was_expected(environment: Environment) -> None:
    work = environment.work("sync", head="2024_1_contract01")
    finish(work)
    with pytest.raises(GlanceError, match="at ussuri_contract01, and 2024_1_contract01 was expected"):
        work.result({"heads": [], "counts": {}})


def test_what_a_command_leaves_out_is_done_and_looked_for(environment: Environment) -> None:
    environment.set(check=0, counts={"19-0": 7})
    work = environment.work("migrate", moves=[{"name": "19-0", "left": "SELECT 1", "run": ["UPDATE 1"]}])
    before = work.look()
    finish(work)
    assert work.result(before)["moved"] == {"19-0": 7} and work.left() == {}


def test_rows_that_somebody_goes_on_writing(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.set(check=0, counts={"19-0": 7})
    work = environment.work("migrate", moves=[{"name": "19-0", "left": "SELECT 1", "run": []}])
    monkeypatch.setattr(work, "look", lambda run=(): {"counts": {"19-0": 7}, "heads": []})
    with pytest.raises(GlanceError, match="19-0, 7 rows.*a service of the older release running"):
        finish(work)


def test_a_long_command_outlives_the_call_and_is_not_begun_twice(environment: Environment) -> None:
    environment.set(sleep=1.5)
    first = environment.work("expand")
    while first.go_on() != "glance-manage db expand runs":
        time.sleep(0.05)
    # Another playbook, which took the run over: it waits for the command that still runs.
    environment_two = environment.work("expand", attempt="2")
    assert environment_two.go_on() == "glance-manage db expand, which an earlier attempt began, still runs"
    finish(first)
    environment.set(check=0)
    finish(environment_two)
    assert environment.log == ["check", "expand", "check"]


def test_a_command_that_was_cut_off(environment: Environment) -> None:
    environment.set(sleep=30)
    work = environment.work("expand")
    while work.go_on() != "glance-manage db expand runs":
        time.sleep(0.05)
    job = _database.Job(os.path.join(work.directory, "expand"))
    assert job.running
    for pid in holders(job.path("lock")):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not job.running)
    with pytest.raises(GlanceError, match="was cut off on this host"):
        work.go_on()


def holders(path: str) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        try:
            links = [os.readlink(f"/proc/{entry}/fd/{each}") for each in os.listdir(f"/proc/{entry}/fd")]
        except OSError:
            continue
        if path in links:
            found.append(int(entry))
    return found


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_output_is_for_root_alone(environment: Environment) -> None:
    work = environment.work("expand")
    finish(work)
    folder = Path(work.directory)
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.is_dir()} == {0}
    assert (folder / "expand" / "output").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", [_database.SQL, _database.WRAPPER, _database_dump.TAKE, _database_dump.PUT_BACK])
def test_the_scripts_are_in_the_syntax_of_old_pythons(text: str) -> None:
    """They do not go through the check of what runs on hosts, being texts; Python 2.7 runs them in the lab."""
    ast.parse(text, feature_version=(3, 6))


def test_the_last_words_of_glance_manage_name_what_happened() -> None:
    begins = "2026-11-26 18:25:59.551 2695 ERROR glance "
    lines = [
        "Traceback (most recent call last):",
        '  File "/opt/glance/33.0.0/lib/python3.11/site-packages/pymysql/err.py", line 153, in raise_mysql_exception',
        "pymysql.err.OperationalError: (1050, \"Table 'node_reference' already exists\")",
        "",
        "The above exception was the direct cause of the following exception:",
        "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1050, \"Table 'node_reference' already exists\")",
        "[SQL: ",
        "CREATE TABLE node_reference (",
        *(f"    column_{number} INTEGER, " for number in range(9)),
        ")ENGINE=InnoDB CHARSET=utf8",
        "]",
        "(Background on this error at: https://sqlalche.me/e/21/e3q8)",
        "",
    ]
    said = _database.last_words("\n".join(f"{begins}{line}" for line in lines).encode(), [])
    assert said.startswith(
        "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1050, \"Table 'node_reference' already"
    )
    assert "2695" not in said and said.endswith("column_1 INTEGER,")
    assert (
        _database.last_words(b"one\n2026-11-26 18:25:59.551 2695 CRITICAL glance [-] two secret\n", ["secret"])
        == f"one two {_files.MASK}"
    )
    assert _database.last_words(b"\n", []) == "it said nothing"
