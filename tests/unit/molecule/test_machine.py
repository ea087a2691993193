# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What the lab finds out about a machine's package sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from lablib import images, machine
from lablib.common import LabError

DEB822 = """
Types: deb deb-src
# a comment between fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/example.gpg

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
"""

ONE_LINE = """
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/x.gpg] https://mirror.example/debian bookworm main contrib # why
deb-src https://mirror.example/debian bookworm main
"""


def answers(monkeypatch: pytest.MonkeyPatch, place: Path, script: str) -> None:
    """Let apt-helper be this script."""
    helper = place / "apt-helper"
    helper.write_text(f"#!/bin/sh\n{script}\n")
    helper.chmod(0o755)
    monkeypatch.setattr(machine, "APT_HELPER", helper)


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of Debian 12 whose sources are in this folder, and whose mirrors answer to everything."""
    (tmp_path / "sources.list.d").mkdir()
    monkeypatch.setattr(machine, "APT", tmp_path)
    monkeypatch.setattr(machine, "os_release", lambda: {"ID": "debian", "VERSION_CODENAME": "bookworm"})
    answers(monkeypatch, tmp_path, "exit 0")
    for name in ("LAB_DEBIAN_MIRROR", "LAB_DEBIAN_SECURITY_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_deb822(apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    keyring = "[signed-by=/usr/share/keyrings/example.gpg] "
    assert machine.debian_sources("bullseye") == [
        f"deb {keyring}http://mirror.example/debian bullseye main",
        f"deb {keyring}http://mirror.example/debian bullseye-updates main",
        "deb http://mirror.example/debian-security bullseye-security main",
    ]


def test_one_line(apt: Path) -> None:
    (apt / "sources.list").write_text(ONE_LINE)
    options = "[arch=amd64 signed-by=/etc/apt/keyrings/x.gpg] "
    assert machine.debian_sources("bullseye") == [
        f"deb {options}https://mirror.example/debian bullseye main",
        f"deb {options}https://mirror.example/debian bullseye-updates main",
    ]


def test_suites_that_the_mirror_lacks_are_left_out(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (apt / "sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    answers(monkeypatch, apt, "echo 'E: Failed to fetch http://mirror.example  404  Not Found' >&2; exit 100")
    assert machine.debian_sources("bullseye") == ["deb http://mirror.example/debian bullseye main"]


def test_a_mirror_that_does_not_answer_is_not_taken_for_one_that_lacks_a_suite(
    apt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (apt / "sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    answers(monkeypatch, apt, "echo 'E: Failed to fetch http://mirror.example  Could not connect' >&2; exit 100")
    with pytest.raises(LabError, match=r"dists/bullseye-updates/Release cannot be read.*Could not connect"):
        machine.debian_sources("bullseye")


def test_a_list_of_mirrors_as_on_cloud_images(apt: Path) -> None:
    (apt / "mirrors").write_text("# Debian\nhttps://mirror.example/debian\tpriority:1\n")
    (apt / "sources.list").write_text(f"deb mirror+file://{apt}/mirrors bookworm main\n")
    assert machine.debian_sources("bookworm")[0] == "deb https://mirror.example/debian bookworm main"


def test_a_cd_rom_is_no_mirror(apt: Path) -> None:
    (apt / "sources.list").write_text(
        "deb cdrom:[Debian]/ bookworm main\ndeb http://mirror.example/debian bookworm main\n"
    )
    assert machine.debian_sources("bookworm")[0] == "deb http://mirror.example/debian bookworm main"


def test_another_distribution_names_its_mirror(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "os_release", lambda: {"ID": "ubuntu", "VERSION_CODENAME": "noble"})
    (apt / "sources.list").write_text("deb http://mirror.example/ubuntu noble main\n")
    assert machine.debian_sources("bullseye") is None
    monkeypatch.setenv("LAB_DEBIAN_MIRROR", "http://mirror.example/debian")
    assert machine.debian_sources("bullseye")[0] == "deb http://mirror.example/debian bullseye main"


def test_pip_reads_its_files_and_then_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, wheels = tmp_path / "index" / "simple", tmp_path / "wheels"
    index.mkdir(parents=True)
    wheels.mkdir()
    settings = tmp_path / "pip.conf"
    settings.write_text(
        f"[global]\nextra_index_url =\n    file://{index}\n    https://other.example/simple\nproxy = http://a\n"
    )
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_PROXY", "http://b")
    found = machine.pip_settings()
    assert found["proxy"] == "http://b"
    assert found["extra-index-url"].split() == [f"file://{index}", "https://other.example/simple"]
    # The pages of an index link to files beside it.
    assert {str(tmp_path / "index"), str(wheels)} <= set(machine.local_folders(found))


def test_a_container_keeps_its_sources_while_others_come_and_go(
    own_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_text("CA\n")
    monkeypatch.setattr(machine, "CA_BUNDLE", bundle)
    monkeypatch.setattr(machine, "pip_settings", dict)
    monkeypatch.setattr(machine, "debian_sources", lambda suite: [f"deb http://mirror.example/debian {suite} main"])
    monkeypatch.setattr(images, "present", lambda name: name != "nova")
    built: list[str] = []
    monkeypatch.setattr(images, "_build", lambda image: built.append(image.name))
    place = own_state / "machine" / "deploy1"
    with machine.package_sources("deploy1", "bookworm") as options:
        assert f"{place}:/machine:ro" in options and "PIP_CERT=/machine/ca-bundle.crt" in options
        with machine.package_sources("alone", "bullseye"):
            assert "bullseye" in (place.parent / "alone" / "sources.list").read_text()
        images.ensure()
        assert built == ["nova"]
        assert (place / "ca-bundle.crt").read_text() == "CA\n"
        assert (place / "sources.list").read_text() == "deb http://mirror.example/debian bookworm main\n"
    assert list(place.parent.iterdir()) == []
