# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

HOLDER = {"host": "control", "user": "ops", "pid": 42}
MANIFEST: dict[str, Any] = {"playbook": "upgrade_to_v2", "started": "t", "hosts": ["a"], "steps": [], "catalogue": []}


@pytest.fixture
def state(tmp_path: Path) -> str:
    return str(tmp_path / "state")


def make_run(state: str, run_id: str, *events: str) -> _runs.Run:
    run = _runs.Run(state, run_id)
    run.write_manifest(MANIFEST)
    for event in events:
        run.record(event)
    return run


def age_lock(state: str, **changes: Any) -> None:
    path = Path(state, "lock.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# -- the lock ---------------------------------------------------------------------------------------------------------


def test_tokens_only_grow_even_after_the_lock_is_given_back(state: str) -> None:
    first = _runs.acquire(state, "one", HOLDER)
    _runs.release(state, first)
    assert _runs.read_lock(state) is None
    assert (first, _runs.acquire(state, "two", HOLDER)) == ("one:1", "two:2")


def test_a_held_lock_is_refused_and_says_who_holds_it(state: str) -> None:
    _runs.acquire(state, "one", HOLDER)
    with pytest.raises(_runs.LockedError) as caught:
        _runs.acquire(state, "two", HOLDER)
    for said in ("run one", "ops on control", "process 42", "glance_flip_takeover=true"):
        assert said in caught.value.message
    assert caught.value.details["lock"]["run_id"] == "one"


def test_only_the_very_lock_that_was_seen_is_taken_over(state: str) -> None:
    seen = _runs.acquire(state, "one", HOLDER)
    taken = _runs.acquire(state, "two", HOLDER, seen=seen)
    assert taken == "two:2"
    with pytest.raises(_runs.LockedError):  # a third run that saw the same dead lock comes too late
        _runs.acquire(state, "three", HOLDER, seen=seen)


def race(state: str, run_id: str, seen: str, results: Any) -> None:
    try:
        results.put(_runs.acquire(state, run_id, HOLDER, seen=seen))
    except GlanceError:
        results.put(None)


def test_of_many_that_saw_the_same_dead_lock_one_wins(state: str) -> None:
    seen = _runs.acquire(state, "dead", HOLDER)
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    racers = [context.Process(target=race, args=(state, f"run{n}", seen, results)) for n in range(8)]
    for racer in racers:
        racer.start()
    answers = [results.get(timeout=300) for _racer in racers]
    for racer in racers:
        racer.join()
    assert len([answer for answer in answers if answer]) == 1


def test_releasing_another_runs_lock_does_nothing(state: str) -> None:
    old = _runs.acquire(state, "one", HOLDER)
    new = _runs.acquire(state, "two", HOLDER, seen=old)
    _runs.release(state, old)
    lock = _runs.read_lock(state)
    assert lock and _runs.token_of(lock) == new


# -- writing under it -------------------------------------------------------------------------------------------------


def test_writing_without_a_token_needs_no_state_directory(state: str) -> None:
    with _runs.write_guard(state, None):
        pass
    assert not os.path.exists(state)


def test_writing_without_a_token_is_refused_while_a_run_holds_the_host(state: str) -> None:
    _runs.acquire(state, "one", HOLDER)
    with pytest.raises(_runs.LockedError, match="locked by run one"), _runs.write_guard(state, None):
        pass
    age_lock(state, expires=0)
    with _runs.write_guard(state, None):
        pass


def test_every_write_renews_the_lease(state: str) -> None:
    token = _runs.acquire(state, "one", HOLDER, lease=600)
    age_lock(state, expires=0)
    with _runs.write_guard(state, token):
        pass
    lock = _runs.read_lock(state)
    assert lock and lock["expires"] > 0


@pytest.mark.parametrize("token", ["one:0", "one:2", "two:1"])
def test_a_stale_token_is_refused(state: str, token: str) -> None:
    _runs.acquire(state, "one", HOLDER)
    with pytest.raises(_runs.LockedError, match=f"token {token} is stale"), _runs.write_guard(state, token):
        pytest.fail("nothing may be written")


def test_a_token_without_any_lock_is_stale(state: str) -> None:
    with pytest.raises(_runs.LockedError, match="is free"), _runs.write_guard(state, "one:1"):
        pytest.fail("nothing may be written")


def test_an_error_inside_the_guard_gives_the_host_free(state: str) -> None:
    token = _runs.acquire(state, "one", HOLDER)
    with pytest.raises(ZeroDivisionError), _runs.write_guard(state, token):
        raise ZeroDivisionError
    with _runs.write_guard(state, token):
        pass


def test_records_are_for_root_alone(state: str) -> None:
    token = _runs.acquire(state, "one", HOLDER)
    run = make_run(state, "one", "prepared")
    run.keep(b"secret")
    _runs.release(state, token)
    for path in [Path(state), *Path(state).rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_damaged_lock_is_named(state: str) -> None:
    _runs.acquire(state, "one", HOLDER)
    Path(state, "lock.json").write_text("{")
    with pytest.raises(GlanceError, match="lock.json is damaged"):
        _runs.read_lock(state)


# -- records ----------------------------------------------------------------------------------------------------------


def test_a_torn_last_line_is_ignored_and_then_cut_off(state: str) -> None:
    run = make_run(state, "one", "prepared")
    with open(run.path("journal.jsonl"), "a") as stream:
        stream.write('{"event": "appl')
    assert [entry["event"] for entry in run.journal()] == ["prepared"]
    run.record("applying", step="nova")
    assert [entry["event"] for entry in run.journal()] == ["prepared", "applying"]


def test_a_torn_first_line_is_cut_off_as_well(state: str) -> None:
    run = make_run(state, "one")
    Path(run.path("journal.jsonl")).write_text('{"ev')
    run.record("prepared")
    assert [entry["event"] for entry in run.journal()] == ["prepared"]


def test_a_damaged_line_before_the_last_is_an_error(state: str) -> None:
    run = make_run(state, "one", "prepared", "applying")
    path = Path(run.path("journal.jsonl"))
    path.write_text("x" + path.read_text())
    with pytest.raises(GlanceError, match="damaged in line 1"):
        run.journal()


def test_line_separators_of_unicode_do_not_end_a_line(state: str) -> None:
    run = make_run(state, "one")
    run.record("failed", reason="a\u2028b\x85c")
    assert run.journal()[0]["reason"] == "a\u2028b\x85c"


def test_a_pre_image_is_kept_once_and_refused_when_damaged(state: str) -> None:
    run = make_run(state, "one")
    name = run.keep(b"\xff\x00 bytes")
    assert run.keep(b"\xff\x00 bytes") == name and run.kept(name) == b"\xff\x00 bytes"
    Path(run.path("files", name)).write_bytes(b"other")
    with pytest.raises(GlanceError, match="is damaged"):
        run.kept(name)


def test_a_missing_pre_image_and_a_missing_run_are_named(state: str) -> None:
    with pytest.raises(GlanceError, match="pre-image .* cannot be read"):
        make_run(state, "one").kept("0" * 64)
    with pytest.raises(GlanceError, match="no record of run two"):
        _runs.Run(state, "two").manifest()


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((), "prepared"),
        (("prepared", "applying"), "applying"),
        (("prepared", "applying", "committed"), "committed"),
        (("prepared", "applying", "committed", "undoing"), "undoing"),
        (("prepared", "applying", "committed", "undoing", "undone"), "undone"),
        (("prepared", "abandoned", "prepared", "applying"), "applying"),
    ],
)
def test_status_follows_the_journal(state: str, events: tuple[str, ...], status: str) -> None:
    assert make_run(state, "one", *events).status() == status


def test_an_undone_step_does_not_end_the_run(state: str) -> None:
    run = make_run(state, "one")
    for event in ("applying", "done", "undoing", "undone"):
        run.record(event, step="nova")
    assert run.status() == "undoing"
    assert run.step_states() == {"nova": "undone"}


def test_runs_are_listed_newest_first_and_half_made_ones_left_out(state: str) -> None:
    for name in ("20260101T000000Z-a", "20260301T000000Z-b", "20260201T000000Z-c"):
        make_run(state, name)
    os.makedirs(os.path.join(state, "runs", "20260401T000000Z-d"))
    assert [run.run_id[-1] for run in _runs.runs(state)] == ["b", "c", "a"]


def test_a_host_without_records_has_none(state: str) -> None:
    assert _runs.summary(state) == {"lock": None, "runs": [], "unfinished": None}


def test_prune_keeps_the_newest_and_whatever_is_unfinished(state: str) -> None:
    make_run(state, "1", "committed")
    make_run(state, "2", "applying")
    make_run(state, "3", "undone")
    make_run(state, "4", "abandoned")
    make_run(state, "5", "committed")
    assert _runs.prune(state, 2) == ["3", "1"]
    assert [run.run_id for run in _runs.runs(state)] == ["5", "4", "2"]


def test_summary_has_every_run_on_record_and_names_the_newest_unfinished(state: str) -> None:
    token = _runs.acquire(state, "2", HOLDER)
    make_run(state, "1", "applying")
    make_run(state, "2", "prepared")
    for number in range(3, 30):
        make_run(state, f"{number:02}0", "committed")
    found = _runs.summary(state)
    assert len(found["runs"]) == 29
    assert found["unfinished"]["run_id"] == "2"
    assert _runs.token_of(found["lock"]) == token
    committed = next(run for run in found["runs"] if run["run_id"] == "030")
    assert (committed["hosts"], committed["status"], committed["step_states"]) == (["a"], "committed", {})


def test_a_file_in_the_place_of_the_state_directory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("")
    with pytest.raises(GlanceError, match="cannot be created"):
        _runs.acquire(str(path), "one", HOLDER)
