# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.stackops.glance.plugins.plugin_utils._table import table


def test_columns_are_as_wide_as_they_need_to_be() -> None:
    assert table(("host", "n"), [("a-long-name", 1), ("b", None)]) == [
        "host         n",
        "-----------  -",
        "a-long-name  1",
        "b            -",
    ]


def test_a_header_without_rows() -> None:
    assert table(("a", "b"), []) == ["a  b", "-  -"]


def test_control_characters_are_shown_and_not_obeyed() -> None:
    lines = table(("value",), [("\x1b[31mred\r\n\x9b0m\x00\x7f",)])
    assert lines[2] == r"\x1b[31mred\r\n\x9b0m\x00\x7f"
    assert all(line.isprintable() for line in lines)


def test_marks_that_turn_the_direction_of_text_are_shown_and_not_obeyed() -> None:
    assert table(("value",), [("a\u202eb\u2066c\u2028d",)])[2] == r"a\u202eb\u2066c\u2028d"


def test_letters_of_other_scripts_stay() -> None:
    assert table(("value",), [("Gl\u00e4nce \u5f71\u50cf",)])[2] == "Gl\u00e4nce \u5f71\u50cf"
