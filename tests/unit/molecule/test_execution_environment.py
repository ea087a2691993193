# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What is told to ansible-builder of the lab's own, and that the lab's base has what it installs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from lablib import execution_environment, images
from lablib.common import REPOSITORY

SHOWN = yaml.safe_load(execution_environment.DEFINITION.read_text())


def test_only_where_the_collections_come_from_is_not_as_the_definition_says() -> None:
    made = execution_environment.definition(SHOWN, Path("/made/glance.tar.gz"), Path("/installed/openstack"))
    assert made["dependencies"].pop("galaxy") == {"collections": [{"name": "configs/glance.tar.gz", "type": "file"}]}
    assert made.pop("additional_build_files") == [
        {"src": "/made/glance.tar.gz", "dest": "configs"},
        {"src": "/installed/openstack", "dest": "configs/openstack"},
    ]
    (copied,) = made["additional_build_steps"].pop("prepend_galaxy")
    assert copied.startswith("COPY _build/configs/openstack ") and copied.endswith("/ansible_collections/openstack")
    dependencies = {name: each for name, each in SHOWN["dependencies"].items() if name != "galaxy"}
    assert made == {**SHOWN, "dependencies": dependencies}


def test_the_base_has_every_package_that_is_asked_for() -> None:
    lines = (images.SOURCES / "ee" / "constraints.txt").read_text().splitlines()
    there = {line.partition("==")[0].lower() for line in lines}
    asked = [line for line in (REPOSITORY / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    asked += [SHOWN["dependencies"][name]["package_pip"] for name in ("ansible_core", "ansible_runner")]
    assert {re.split("[<>=~! ]", line)[0].lower() for line in asked} <= there


def test_what_is_for_one_scenario_is_built_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(images, "present", lambda name: name not in ("ee", "sshd", "nova"))
    monkeypatch.setattr(images, "_build", lambda image: built.append(image.name))
    images.ensure()
    assert built == ["nova"]
    images.ensure("ee")
    assert built == ["nova", "ee"]
