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
from lablib import hops, trial
from lablib.authority import Authority
from lablib.common import LAB, REPOSITORY, docker, run
from lablib.guides import DOCUMENTS, RUN, commands, example
from lablib.hosts import BY_NAME

#: Where a guide stands for the id of a run of the reader's own.
EXAMPLE_RUN = re.compile(r"(?<=glance_flip_run=)\d{8}T\d{6}Z-[0-9a-f]{6}$")
#: And for a file of the reader's monitoring.
EXAMPLE_FILE = "/var/lib/prometheus/node-exporter/glance.prom"
POLICY, TLS, RELEASES, DEPLOY = "policy.md", "tls.md", "release-flips.md", "deploy.md"
#: Of the guide to policies, what asks a running API of a release that all policy tests are for.
TRIED = "stackops.glance.policy_test"
#: The groups that the guides name.
FLEET = {"glance_api": trial.GLANCES, "nova": trial.NOVAS, "controllers": trial.GLANCES, "compute": trial.NOVAS}
#: What the guide to policies is about is newer than the lab's own Glance: Ussuri, on its way to Zed.
USSURI = {"glance_api": ("glance20",)}


def shown(*names: str) -> list[Any]:
    """The marked commands of the documents with these names, in order; without names, of all that need no more than the lab."""
    documents = [
        each
        for each in DOCUMENTS
        if (each.name in names if names else each.name not in (POLICY, TLS, RELEASES, DEPLOY))
    ]
    return [
        pytest.param(document, words, id=f"{document.stem}: {' '.join(words)[:100]}")
        for document in documents
        for words in commands(document, RUN)
    ]


def inventory(folder: Path, groups: Mapping[str, Sequence[str]]) -> None:
    said = yaml.safe_load(trial.INVENTORY.read_text(encoding="utf-8"))
    said["all"]["children"] = {name: {"hosts": {host: {} for host in hosts}} for name, hosts in groups.items()}
    (folder / "inventory").write_text(yaml.safe_dump(said), encoding="utf-8")


def type_in(folder: Path, words: list[str], **environ: str) -> trial.Run:
    words = [word.replace("$PWD", str(folder)).replace(EXAMPLE_FILE, str(folder / "glance.prom")) for word in words]
    return trial.Run(*words, folder=folder, OS_CLOUD="lab", **environ).succeeds()


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
    newest = trial.runs("nova1")[-1] if way_back else ""
    said = type_in(folder, [EXAMPLE_RUN.sub(newest, word) for word in words])
    if way_back:
        said.says(newest)
        assert trial.spoken() == (trial.V2 if "--check" in words else trial.V1)
    else:
        said.says("verdict: ready")
    if any(EXAMPLE_FILE in word for word in words):
        assert 'stackops_glance_verdict{verdict="ready"} 1' in (folder / "glance.prom").read_text(encoding="utf-8")


@pytest.fixture
def certified(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder, with a certificate on each Glance host where the guide has it, of a CA that the host knows."""
    authority = Authority(tmp_path)
    issued = authority.issue("guide", *(BY_NAME[host].address for host in ("infra", *trial.GLANCES)))
    place = "/etc/ssl/glance"
    known = f"/etc/ssl/certs/{run('openssl', 'x509', '-noout', '-hash', '-in', str(authority.root)).strip()}.0"
    for host in trial.GLANCES:
        trial.sh(host, f"mkdir {place}")
        docker("cp", str(issued.certificate), f"{LAB}{host}:{place}/glance.pem")
        docker("cp", str(issued.key), f"{LAB}{host}:{place}/glance.key")
        docker("cp", str(authority.root), f"{LAB}{host}:{known}")
        trial.sh(host, f"chown root:stunnel4 {place}/*; chmod 640 {place}/glance.key")
    yield folder
    for host in trial.GLANCES:
        trial.sh(host, f"rm -r {place} {known}")


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


@pytest.mark.parametrize(("document", "words"), [each for each in shown(POLICY) if TRIED not in each.values[1]])
def test_a_change_of_policy_is_made_as_the_guide_shows_it(newer: Path, document: Path, words: list[str]) -> None:
    (newer / "policy-change.yml").write_text(example(document, "policy-change.yml"), encoding="utf-8")
    type_in(newer, words)
    there = trial.sh("glance20", "test -e /etc/glance/policy.yaml && echo there", check=False)
    assert bool(there) == ("--check" not in words)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hops.Places]:
    """Two hosts with the release from which the guide goes on."""
    folder = tmp_path_factory.mktemp("releases")
    with hops.places(folder) as places:
        places.play("deploy", release=hops.OLD).succeeds()
        (folder / "inventory").symlink_to(places.inventory)
        yield places


@pytest.mark.parametrize(("document", "words"), [*shown(RELEASES), *shown(DEPLOY)])
def test_a_release_is_changed_and_described_as_the_guides_show_it(
    deployed: hops.Places, document: Path, words: list[str]
) -> None:
    before = {host: hops.running(host)[0] for host in hops.HOSTS}
    said = type_in(deployed.inventory.parent, words, OS_CLIENT_CONFIG_FILE=str(deployed.clouds))
    after = {host: hops.running(host)[0] for host in hops.HOSTS}
    assert after == (before if "--check" in words else dict.fromkeys(hops.HOSTS, hops.NEW))
    if document.name == DEPLOY:
        assert said.changed() == 0


@pytest.mark.parametrize(("document", "words"), [each for each in shown(POLICY) if TRIED in each.values[1]])
def test_policy_tests_are_tried_as_the_guide_shows_it(deployed: hops.Places, document: Path, words: list[str]) -> None:
    folder = deployed.inventory.parent
    (folder / "policy-tests.yml").write_bytes((REPOSITORY / "examples" / "policy-tests.yml").read_bytes())
    type_in(folder, words, OS_CLIENT_CONFIG_FILE=str(deployed.clouds)).says("publicize_image")
