# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role says of its variables is what its defaults and the playbooks hold."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))


def load(path: pathlib.Path) -> Any:
    return yaml.safe_load(path.read_text())


def options(role: str, entry: str = "main") -> dict[str, Any]:
    return load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"][entry]["options"]


def defaults(role: str) -> dict[str, Any]:
    return load(ROOT / "roles" / role / "defaults" / "main.yml")


def shown(value: Any) -> str:
    """A default as a table of the documentation shows it."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "empty" if value == "" else f"`{value}`"


def table(path: pathlib.Path) -> dict[str, str]:
    """The second column by the first, of every table whose first column holds code."""
    rows = (line.split("|") for line in path.read_text().splitlines() if line.startswith("| `"))
    return {row[1].strip().strip("*` "): row[2].strip() for row in rows}


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_documented_as_it_is(role: str) -> None:
    documented = options(role)
    for name, value in defaults(role).items():
        if "{{" in str(value):  # known only where the play runs: the description says it in words
            assert "default" not in documented[name], name
        else:
            assert documented[name]["default"] == value, name
            assert type(documented[name]["default"]) is type(value), name


@pytest.mark.parametrize("role", ROLES)
def test_every_documented_default_is_one(role: str) -> None:
    text = "".join(path.read_text() for path in PLAYBOOKS)
    for name, option in options(role).items():
        assert name.startswith(f"{role}_") and option["description"]
        if "default" in option and name not in defaults(role):
            # Plays cannot see a role's defaults, so they bring their own.
            assert set(re.findall(rf"{name} \| default\((.*?)\)", text)) == {str(option["default"])}, name


@pytest.mark.parametrize("role", ROLES)
def test_every_documented_variable_is_read(role: str) -> None:
    texts = [path.read_text() for path in (ROOT / "roles" / role).rglob("*.yml") if path.parent.name != "meta"]
    texts += [path.read_text() for path in [*PLAYBOOKS, *(ROOT / "roles" / role / "templates").glob("*")]]
    assert set(options(role)) <= set(re.findall(rf"\b{role}_\w+", "".join(texts)))


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_of_a_role_names_every_variable(role: str) -> None:
    rows = table(ROOT / "roles" / role / "README.md")
    assert set(options(role)) <= set(rows)
    for name, option in options(role).items():
        if isinstance(option.get("default"), (bool, int)):
            assert rows[name] == shown(option["default"]), name


def test_wrong_variables_are_refused_before_anything_is_looked_at() -> None:
    assert options("glance_flip", "groups") == options("glance_flip")
    survey = load(ROOT / "playbooks" / "survey.yml")
    assert survey[0]["tasks"][0]["ansible.builtin.import_role"]["tasks_from"] == "groups"


def test_the_readme_names_every_variable_of_the_playbooks() -> None:
    rows = table(ROOT / "README.md")
    for name, option in options("glance_flip").items():
        assert name in rows, name
        if "default" in option:
            assert rows[name] == shown(option["default"]), name


def imports() -> list[Any]:
    """Each place where a playbook or a role of the collection takes a role of it in."""

    def tasks(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        inner = ("tasks", "pre_tasks", "block", "rescue", "always")
        return [deep for item in items for deep in (item, *tasks([i for key in inner for i in item.get(key) or []]))]

    files = [*PLAYBOOKS, *sorted((ROOT / "roles").glob("*/tasks/*.yml"))]
    words = ("ansible.builtin.import_role", "ansible.builtin.include_role")
    found = [(path, task[word]) for path in files for task in tasks(load(path)) for word in words if word in task]
    return [
        pytest.param(taken, id=f"{path.relative_to(ROOT)}:{taken.get('tasks_from', 'main')}") for path, taken in found
    ]


@pytest.mark.parametrize("taken", imports())
def test_arguments_are_read_only_where_they_are_checked(taken: dict[str, Any]) -> None:
    """Ansible reads a role's argument specs anew wherever the role is taken in, for tasks that have none as well: over a
    playbook of twenty plays that is a second."""
    role = taken["name"].rpartition(".")[2]
    specs = load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]
    assert taken.get("rolespec_validate", True) is (taken.get("tasks_from", "main") in specs)
