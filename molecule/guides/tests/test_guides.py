# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What the guides show, typed in as it stands: in a folder with an inventory, and an administrator's cloud in OS_CLOUD."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from lablib import trial
from lablib.authority import Authority
from lablib.common import LAB, docker
from lablib.guides import DOCUMENTS, RUN, commands, example
from lablib.hosts import BY_NAME

#: Where a guide stands for the id of a run of the reader's own.
EXAMPLE_RUN = re.compile(r"(?<=glance_flip_run=)\d{8}T\d{6}Z-[0-9a-f]{6}$")
POLICY, TLS = "policy.md", "tls.md"
#: The groups that the guides name.
FLEET = {"glance_api": trial.GLANCES, "nova": trial.NOVAS, "controllers": trial.GLANCES, "compute": trial.NOVAS}
#: What the guide to policies is about is newer than the lab's own Glance: Ussuri, on its way to Zed.
USSURI = {"glance_api": ("glance20",)}


def shown(*names: str) -> list[Any]:
    """The marked commands of the documents with these names, in order; without names, of all that need no more than the lab."""
    documents = [each for each in DOCUMENTS if (each.name in names if names else each.name not in (POLICY, TLS))]
    return [
        pytest.param(document, words, id=f"{document.stem}: {' '.join(words)[:100]}")
        for document in documents
        for words in commands(document, RUN)
    ]


def inventory(folder: Path, groups: Mapping[str, Sequence[str]]) -> None:
    said = yaml.safe_load(trial.INVENTORY.read_text(encoding="utf-8"))
    said["all"]["children"] = {name: {"hosts": {host: {} for host in hosts}} for name, hosts in groups.items()}
    (folder / "inventory").write_text(yaml.safe_dump(said), encoding="utf-8")


def type_in(folder: Path, words: list[str]) -> trial.Run:
    return trial.Run(*words, folder=folder, OS_CLOUD="lab").succeeds()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The reader's folder, for guides to a flip; at its end nothing is left of what they did."""
    folder = tmp_path_factory.mktemp("reader")
    inventory(folder, FLEET)
    before = trial.look()
    yield folder
    assert trial.differences(before, trial.look()) == [] and trial.locked() == []


@pytest.mark.parametrize(("document", "words"), shown())
def test_a_command_does_what_it_is_shown_for(folder: Path, document: Path, words: list[str]) -> None:
    way_back = "stackops.glance.rollback" in words
    if way_back and trial.spoken() != trial.V2:
        trial.flip(v1_off=False).succeeds()
    run = trial.runs("nova1")[-1] if way_back else ""
    said = type_in(folder, [EXAMPLE_RUN.sub(run, word) for word in words])
    if way_back:
        said.says(run)
        assert trial.spoken() == (trial.V2 if "--check" in words else trial.V1)
    else:
        said.says("verdict: ready")


@pytest.fixture
def certified(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder, with a certificate on each Glance host where the guide has it."""
    issued = Authority(tmp_path).issue("guide", *(BY_NAME[host].address for host in ("infra", *trial.GLANCES)))
    place = "/etc/ssl/glance"
    for host in trial.GLANCES:
        trial.sh(host, f"mkdir {place}")
        docker("cp", str(issued.certificate), f"{LAB}{host}:{place}/glance.pem")
        docker("cp", str(issued.key), f"{LAB}{host}:{place}/glance.key")
        trial.sh(host, f"chown root:stunnel4 {place}/*; chmod 640 {place}/glance.key")
    yield folder
    for host in trial.GLANCES:
        trial.sh(host, f"rm -r {place}")


@pytest.mark.parametrize(("document", "words"), shown(TLS))
def test_tls_is_looked_at_as_the_guide_shows_it(certified: Path, document: Path, words: list[str]) -> None:
    said = type_in(certified, words)
    said.says("verdict: ready", "+cert = /etc/ssl/glance/glance.pem", "nothing was changed")


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("policies")
    inventory(folder, USSURI)
    with trial.joined("glance20"):
        yield folder


@pytest.mark.parametrize(("document", "words"), shown(POLICY))
def test_a_change_of_policy_is_made_as_the_guide_shows_it(newer: Path, document: Path, words: list[str]) -> None:
    (newer / "policy-change.yml").write_text(example(document, "policy-change.yml"), encoding="utf-8")
    type_in(newer, words)
    there = trial.sh("glance20", "test -e /etc/glance/policy.yaml && echo there", check=False)
    assert bool(there) == ("--check" not in words)
