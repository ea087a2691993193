# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection says of itself in one file agrees with what lies in its tree."""

from __future__ import annotations

import ast
import pathlib
import subprocess
from typing import Any

import pytest
import yaml
from ansible_collections.stackops.glance.plugins.doc_fragments import openstack

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
COPYRIGHT = "Copyright (c) 2026 stackops.glance contributors"
SPDX = "SPDX-License-Identifier: GPL-3.0-or-later"
GPL = "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)"
# The checks that only today's Python passes.
OLD_PYTHON_CHECKS = {"future-import-boilerplate", "metaclass-boilerplate"}


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def tracked() -> list[str]:
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def modern(path: pathlib.Path) -> bool:
    return "from __future__ import annotations" in path.read_text()


def documentation(name: str) -> dict[str, Any]:
    tree = ast.parse((PLUGINS / "modules" / f"{name}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{name} has no DOCUMENTATION")


def test_each_module_is_in_one_action_group() -> None:
    groups = load("meta/runtime.yml")["action_groups"]
    loose = [item for item in groups["all"] if isinstance(item, str)]
    assert sorted(groups["host"] + groups["cloud"] + loose) == MODULES
    assert groups["cloud"] == sorted(name for name in MODULES if modern(PLUGINS / "modules" / f"{name}.py"))
    assert {"metadata": {"extend_group": ["host", "cloud"]}} in groups["all"]


def test_each_host_module_has_an_action() -> None:
    """A lost host is a failure that can be rescued, and an old Python is explained, whatever module met it."""
    groups = load("meta/runtime.yml")["action_groups"]
    assert [name for name in groups["host"] if not (PLUGINS / "action" / f"{name}.py").exists()] == []


def ignored(version: str) -> list[list[str]]:
    return [line.split() for line in (ROOT / "tests" / "sanity" / f"ignore-{version}.txt").read_text().splitlines()]


def test_sanity_ignores_only_cloud_code_on_old_pythons() -> None:
    cloud = {
        str(source.relative_to(ROOT))
        for folder in ("modules", "module_utils")
        for source in (PLUGINS / folder).glob("*.py")
        if modern(source)
    }
    lines = ignored("2.16")
    assert {name for name, _check in lines} <= cloud
    for name, check in lines:
        check = check.removesuffix("!skip")
        kind, _dash, version = check.partition("-")
        assert check in OLD_PYTHON_CHECKS or (kind in ("compile", "import") and version in ("2.7", "3.6")), (
            name,
            check,
        )


def test_sanity_ignores_of_the_newest_what_is_meant() -> None:
    """Utilities have no module whose run_command they could call."""
    for name, check in ignored("2.21"):
        assert check == "pylint:ansible-bad-function" and name.startswith("plugins/module_utils/")
        assert "import subprocess\n" in (ROOT / name).read_text()


@pytest.mark.parametrize("name", MODULES)
def test_module_documentation(name: str) -> None:
    said = documentation(name)
    assert said["module"] == name
    assert said["version_added"] == "0.1.0"
    fragments = said["extends_documentation_fragment"]
    assert any(fragment.startswith("stackops.glance.attributes") for fragment in fragments)
    if name.endswith("_info"):
        assert "stackops.glance.attributes.info" in fragments
    for fragment in fragments:
        if fragment.startswith("stackops.glance."):
            assert (PLUGINS / "doc_fragments" / f"{fragment.split('.')[2]}.py").exists()


def named_options(said: dict[str, Any]) -> list[str]:
    """The names of options and their aliases."""
    found = said.get("options") or {}
    return [*found, *(alias for option in found.values() for alias in option.get("aliases", []))]


@pytest.mark.parametrize("name", MODULES)
def test_no_name_stands_for_two_options(name: str) -> None:
    """An option with the name of a fragment's alias would set both: `verify` would leave TLS unchecked."""
    said = documentation(name)
    names = named_options(said)
    if "stackops.glance.openstack" in said["extends_documentation_fragment"]:
        names += named_options(yaml.safe_load(openstack.ModuleDocFragment.DOCUMENTATION))
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    "name", [name for name in tracked() if name.endswith((".py", ".sh", ".yml", ".yaml", ".toml"))]
)
def test_licence_header(name: str) -> None:
    if name == "changelogs/changelog.yaml" or name.startswith("changelogs/fragments/"):
        return
    head = "\n".join((ROOT / name).read_text().splitlines()[:6])
    assert COPYRIGHT in head and SPDX in head
    if name.startswith(("plugins/modules/", "plugins/module_utils/", "plugins/action/", "plugins/filter/")):
        assert GPL in head


def test_galaxy_metadata() -> None:
    galaxy = load("galaxy.yml")
    assert (galaxy["namespace"], galaxy["name"], galaxy["version"]) == ("stackops", "glance", "0.1.0")
    assert (ROOT / galaxy["readme"]).exists()
    assert (ROOT / "LICENSE").read_bytes() == (ROOT / "LICENSES" / "GPL-3.0-or-later.txt").read_bytes()


def test_built_artefact_leaves_out_what_is_not_the_collection() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if not line.startswith("#")}
    ignored -= {"changelogs/.plugin-cache.yaml", "tests/output", "*.py[co]"}
    assert ignored <= set(load("galaxy.yml")["build_ignore"])
