# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 ms"), (0.0404, "40 ms"), (0.9996, "1.0 s"), (3.21, "3.2 s"), (9.96, "10 s"), (59.4, "59 s"),
     (59.6, "1 min 00 s"), (125, "2 min 05 s"), (3725, "1 h 02 min")],
)  # fmt: skip
def test_seconds(value: float, text: str) -> None:
    assert _words.seconds(value) == text


@pytest.mark.parametrize(
    ("hosts", "text"),
    [
        (["b", "a", "b"], "b, a"),
        ([f"n{number}.dc1" for number in range(8, 15)], "n8–14.dc1"),
        ([*(f"cmp{number:03}" for number in range(1, 301)), "ctl1"], "cmp001–300, ctl1"),
        (
            [f"10.0.0.{number}" for number in range(1, 8)],
            "10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, and 2 more",
        ),
        (["n1", "n02", "n3", "n04", "n05", "n06", "n7" + "7" * 5000], f"n1, n02, n3, n04–06, n7{'7' * 5000}"),
        ([f"{letter}x" for letter in "abcdefghij"], "ax, bx, cx, dx, ex, and 5 more"),
    ],
)
def test_names_are_drawn_together(hosts: list[str], text: str) -> None:
    drawn = _words.names(hosts)
    assert drawn.shown == text and set(drawn.all) == set(hosts)


def test_moments_and_sizes() -> None:
    assert _words.moment("2026-11-21T09:56:09.123456+00:00") == "2026-11-21 09:56:09 UTC"
    assert _words.moment("2026-11-21T09:56:09") == "2026-11-21T09:56:09"
    assert _words.moment(None) == "?"
    assert [_words.size(number) for number in (1, 1048576, 1536)] == ["1 bytes", "1 MiB", "1.5 KiB"]
