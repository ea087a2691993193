# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check strings are refused exactly where oslo.policy would make "nobody" of them, or something that nobody means."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _policy_rules
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_rules import PolicyError
from hypothesis import given, settings
from hypothesis import strategies as st
from oslo_policy import _checks, _parser

WORDS = [
    *("and", "or", "not", "NOT", "(", ")", "((", "()", ")(", "not(", ")and"),
    *("role:a", "rule:b", "@", "!", "(role:a)", "'a':%(b)s", "a:b)", "True:%(c)s", "tenant:%(owner)s"),
    *("x", '"a:b"', "('x'", "'x':y", "a:b:c", "(@", "!)", "\t", " "),
]


class _Complaints(logging.Handler):
    """What the parser of oslo.policy complains of; it says so nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.number += 1


@pytest.fixture(name="complaints", scope="module")
def fixture_complaints() -> Iterator[_Complaints]:
    logger, complaints = logging.getLogger(_parser.__name__), _Complaints()
    logger.addHandler(complaints)
    logger.propagate = False
    yield complaints
    logger.removeHandler(complaints)
    logger.propagate = True


@given(words=st.lists(st.sampled_from(WORDS), max_size=9))
@settings(max_examples=1000)
def test_what_oslo_policy_does_not_understand_is_refused_and_nothing_else(
    complaints: _Complaints, words: list[str]
) -> None:
    text = " ".join(words)
    complaints.number = 0
    _parser.parse_rule(text)
    try:
        _policy_rules.hold(text, "x")
        refused = False
    except PolicyError:
        refused = True
    assert refused == bool(complaints.number), text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("role:admin or", "column 14: a check is missing at the end"),
        ("role:admin role:member", "column 12: 'role:member' follows a check"),
        ("(role:admin", "column 12: 1 ')' are missing"),
        ("role:admin)", "column 11: ')' closes nothing"),
        ("or role:admin", "column 1: 'or' comes where a check is wanted"),
        ("admin", "'admin' is no check. Write kind:match, such as role:admin or rule:admin"),
        ("role: admin", "column 1: 'role:' names no role"),
        ("'role:admin'", "is a quoted text"),
        (" ", "a check is missing"),
        ("project_id:%(owner)", "cannot be filled in"),
        (None, "oslo.policy reads that as 'everybody'"),
        (True, "the check is True, and a check string is wanted"),
        ({"role": "admin"}, "a check string is wanted"),
    ],
)
def test_a_refusal_names_rule_place_and_remedy(text: object, said: str) -> None:
    with pytest.raises(PolicyError) as error:
        _policy_rules.parse(text, "/etc/glance/policy.yaml:3: get_image")
    assert error.value.message.startswith("/etc/glance/policy.yaml:3: get_image: ")
    assert said in error.value.message


@pytest.mark.parametrize(
    "text", ["", "@", "!", "not role:a", "role:a or role:b and rule:c", [], [["role:a"], "rule:b"]]
)
def test_what_is_right_is_read_by_oslo_policy(text: object) -> None:
    assert str(_policy_rules.parse(text, "x")) == str(_parser.parse_rule(text))


def test_what_a_file_holds_is_read_as_oslo_policy_does_without_its_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(_policy_rules.read("role:a or"), _checks.FalseCheck)
    assert isinstance(_policy_rules.read(None), _checks.TrueCheck)
    assert not caplog.records


def test_no_other_program_is_asked() -> None:
    check = _policy_rules.parse("role:a or http://example.org/%(name)s", "x")
    rules = _policy_rules.Rules({}, "default")
    assert _policy_rules.evaluate(check, {}, {"roles": ["a"]}, rules)
    with pytest.raises(_policy_rules.Undecidable):
        _policy_rules.evaluate(check, {}, {"roles": []}, rules)
