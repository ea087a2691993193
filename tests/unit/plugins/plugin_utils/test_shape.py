# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Literal, TypedDict

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils._shape import check


class Named(TypedDict):
    name: str
    kind: Literal["fish", "bird"]


class Animal(Named, total=False):
    legs: int
    weight: float
    young: list[Named] | None
    seen: dict[str, int]
    more: Any


WREN = {"name": "wren", "kind": "bird"}


def test_what_is_whole() -> None:
    check(WREN, Animal, "x")
    check(
        {**WREN, "legs": 2, "weight": 9, "young": [WREN], "seen": {"May": 3}, "more": object(), "wings": 2}, Animal, "x"
    )
    check({**WREN, "young": None}, Animal, "x")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "x is []; wanted is a mapping."),
        ({"kind": "bird"}, "x has no 'name'. Found there: 'kind'."),
        ({}, "x has no 'kind'. Found there: nothing."),
        ({**WREN, "kind": "crab"}, "x.kind is 'crab'; wanted is one of fish, bird."),
        ({**WREN, "legs": "two"}, "x.legs is 'two'; wanted is a whole number."),
        ({**WREN, "legs": True}, "x.legs is True; wanted is a whole number."),
        ({**WREN, "weight": "9 g"}, "x.weight is '9 g'; wanted is a number."),
        ({**WREN, "young": WREN}, "x.young is {'name': 'wren', 'kind': 'bird'}; wanted is a list."),
        ({**WREN, "young": [WREN, {**WREN, "name": 7}]}, "x.young[1].name is 7; wanted is a text."),
        ({**WREN, "seen": {"May": None}}, "x.seen.May is None; wanted is a whole number."),
        ({**WREN, "name": ["x" * 200]}, f"x.name is ['{'x' * 75}...; wanted is a text."),
    ],
)
def test_what_is_not(value: Any, message: str) -> None:
    with pytest.raises(GlanceError) as caught:
        check(value, Animal, "x")
    assert caught.value.message == message
