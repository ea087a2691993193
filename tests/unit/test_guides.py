# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents show can be typed in as it stands: commands, variables with their values, tasks and inventories."""

from __future__ import annotations

import ast
import functools
import itertools
import json
import pathlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import ansible.plugins
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from lablib.guides import DOCUMENTS, RUN, commands, example, listings

ROOT = pathlib.Path(__file__).resolve().parents[2]
AWX = ROOT / "examples" / "awx"
VERSION = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
COMMANDS = [(document, words) for document in DOCUMENTS for words in commands(document)]
#: Commands of other programs than make and ansible-playbook, and where they are run.
OTHERS = {
    f"ansible-galaxy collection build && ansible-galaxy collection install stackops-glance-{VERSION}.tar.gz": "package",
    "cd examples/awx": "execution_environment",
    "ansible-builder create -f execution-environment.yml": "execution_environment",
    "docker build -t registry.example.org/glance:1 context": "execution_environment",
    # An environment like core-2.16 of tests/requirements.
    "python3 -m venv flip && flip/bin/pip install ansible-core>=2.16,<2.17 openstacksdk": "python27",
}
#: Where ansible-galaxy puts the collection.
INSTALLED = "~/.ansible/collections/ansible_collections/stackops/glance/"
#: Of variables that are this collection's, as far as names tell: a group of hosts is none, nor a variable of another tool.
PREFIXES = r"(glance_(flip|policy|release|stores|stunnel|image_locations)|nova_image_api|keystone_catalog)_"
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def load(path: pathlib.Path) -> Any:
    return yaml.safe_load(path.read_text())


def playbooks(shown: list[tuple[pathlib.Path, list[str]]]) -> list[tuple[pathlib.Path, list[str]]]:
    return [(document, words) for document, words in shown if words[0].endswith("ansible-playbook")]


def test_documents_show_commands() -> None:
    assert len(playbooks(COMMANDS)) > 20 and {words[0] for _document, words in COMMANDS} >= {"make"}


@each_document
def test_every_command_is_known(document: pathlib.Path) -> None:
    for words in commands(document):
        if words[0] in ("make", "-e") or words[0].endswith("ansible-playbook"):
            continue  # see below
        if words[0] == "cp" and words[1].startswith(INSTALLED):
            assert (ROOT / words[1].removeprefix(INSTALLED)).exists()
            continue
        place = OTHERS[" ".join(words)]
        assert (ROOT / "molecule" / place).exists() or (ROOT / "tests" / "bin" / f"{place}.py").exists()


@pytest.mark.parametrize("words", [words for _document, words in COMMANDS if words[0] == "make"], ids="_".join)
def test_make_targets_that_are_shown_exist(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for word in words[1:]:
        name, given, _value = word.partition("=")
        assert f"$({name})" in makefile if given else re.search(rf"^{name}:", makefile, re.MULTILINE), word


@pytest.mark.parametrize(
    "words", [words for _document, words in playbooks(COMMANDS)], ids=lambda words: " ".join(words)[:100]
)
def test_a_command_runs_one_playbook_that_a_scenario_runs_as_well(words: list[str]) -> None:
    (name,) = (
        word
        for before, word in itertools.pairwise(words)
        if before != "-i" and re.fullmatch(r"stackops\.glance\.\w+|[\w/-]+\.yml", word)
    )
    if name.endswith(".yml"):
        assert (AWX / name).exists() or (ROOT / name).exists()
        return
    name = name.removeprefix("stackops.glance.")
    assert (ROOT / "playbooks" / f"{name}.yml").exists()
    assert any(re.search(rf"\b{name}\b", text) for text in scenarios()), f"no scenario runs {name}"


@functools.cache
def scenarios() -> tuple[str, ...]:
    paths = [path for kind in ("*.py", "*.yml") for path in (ROOT / "molecule").glob(f"*/**/{kind}")]
    return tuple(path.read_text() for path in paths)


def test_some_commands_are_run_on_the_lab() -> None:
    run = [words for document in DOCUMENTS for words in commands(document, RUN)]
    assert len(run) > 5 and all(words[0] == "ansible-playbook" for words in run)


# -- variables ----------------------------------------------------------------------------------------------------


@functools.cache
def variables() -> dict[str, dict[str, Any]]:
    """The specification of every variable that somebody may give."""
    specs = [load(path)["argument_specs"]["main"]["options"] for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    found = {name: option for options in specs for name, option in options.items()}
    # The release that a playbook is about; glance_release_version takes it from there.
    found["glance_release"] = found["glance_release_version"]
    return found | {name: {"type": "raw"} for name in load(AWX / "setup.yml")[0]["vars"]}


def check(given: dict[str, Any], spec: dict[str, Any]) -> None:
    """Types, choices and names, also of what lies in them; what a template gives is not known here."""
    plain = {name: value for name, value in given.items() if not (isinstance(value, str) and "{{" in value)}
    asked = {name: {**option, "required": False} for name, option in spec.items()}
    assert given.keys() <= asked.keys() | {alias for option in asked.values() for alias in option.get("aliases", ())}
    assert ArgumentSpecValidator(asked).validate(plain).error_messages == []


def given(document: pathlib.Path, value: str) -> dict[str, Any]:
    """What -e gives."""
    if value.startswith("@"):
        return dict(yaml.safe_load(example(document, value[1:])))
    if value.startswith("{"):
        return dict(json.loads(value))
    name, _equals, text = value.partition("=")
    return {name: text}


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (document, value)
        for document, words in COMMANDS
        for option, value in itertools.pairwise(words)
        if option == "-e"
    ],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_variables_of_commands_take_their_values(document: pathlib.Path, value: str) -> None:
    check(given(document, value), variables())


@each_document
def test_variables_that_are_named_with_a_value_take_it(document: pathlib.Path) -> None:
    for text in re.findall(r"`(-e [^`]+)`", document.read_text()):
        _option, value = shlex.split(text)
        if not value.startswith("@"):
            check(given(document, value), variables())


@each_document
def test_variables_in_listings_take_their_values(document: pathlib.Path) -> None:
    for text in listings(document, "yaml"):
        for mapping in mappings(yaml.safe_load(text)):
            ours = {name: value for name, value in mapping.items() if str(name) in variables()}
            check(ours, variables())
            strange = {name for name in mapping.keys() - ours.keys() if re.match(PREFIXES, str(name))}
            assert not strange, "no such variables"


def mappings(value: Any) -> Iterator[dict[Any, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(each)


# -- tasks --------------------------------------------------------------------------------------------------------


@functools.cache
def options(module: str) -> dict[str, Any]:
    """The options of a module, with those of its fragments, as an argument specification."""
    said = documentation(ROOT / "plugins" / "modules" / f"{module}.py", "DOCUMENTATION")
    found = dict(said["options"])
    for fragment in said["extends_documentation_fragment"]:
        owner, file, part = f"{fragment}.documentation".split(".")[1:4]
        plugins = ROOT / "plugins" if owner == "glance" else pathlib.Path(ansible.plugins.__file__).parent
        source = plugins / "doc_fragments" / f"{file}.py"
        for name, option in documentation(source, part.upper()).get("options", {}).items():
            found[name] = {**option, **found.get(name, {})}
    return specification(found)


def specification(documented: dict[str, Any]) -> dict[str, Any]:
    kept = ("type", "elements", "required", "aliases")
    found = {}
    for name, option in documented.items():
        found[name] = {key: option[key] for key in kept if key in option}
        if "choices" in option:
            found[name]["choices"] = list(option["choices"])
        if "suboptions" in option:
            found[name]["options"] = specification(option["suboptions"])
    return found


def documentation(path: pathlib.Path, name: str) -> Any:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{path} has no {name}")


def check_tasks(shown: Any) -> int:
    """Hold each task of this collection's modules, wherever it stands, against its module; their number."""
    tasks = [task for mapping in mappings(shown) for task in mapping.items() if is_ours(task[0])]
    for name, arguments in tasks:
        spec = options(name.removeprefix("stackops.glance."))
        check(arguments or {}, spec)
        assert {option for option, said in spec.items() if said.get("required")} <= (arguments or {}).keys(), name
    return len(tasks)


def is_ours(name: Any) -> bool:
    return str(name).startswith("stackops.glance.")


@each_document
def test_tasks_that_are_shown_are_taken_by_their_modules(document: pathlib.Path) -> None:
    for text in listings(document, "yaml"):
        check_tasks(yaml.safe_load(text))


@pytest.mark.parametrize("path", sorted((ROOT / "plugins" / "modules").glob("*.py")), ids=lambda path: path.stem)
def test_examples_of_a_module_are_taken_by_it(path: pathlib.Path) -> None:
    examples = documentation(path, "EXAMPLES")
    assert check_tasks(examples) > 0


@each_document
def test_ansible_doc_is_asked_for_what_is_there(document: pathlib.Path) -> None:
    for kind, name in re.findall(r"ansible-doc (-t role -e main )?stackops\.glance\.(\w+)", document.read_text()):
        places = ROOT / "roles" / name if kind else ROOT / "plugins" / "modules" / f"{name}.py"
        assert name == "NAME" or places.exists(), name


# -- inventories --------------------------------------------------------------------------------------------------

INVENTORIES = [
    (document, kind, text)
    for document in DOCUMENTS
    for kind in ("yaml", "ini")
    for text in listings(document, kind)
    if re.search(r"^ *glance_api:\n +hosts:|^\[glance_api\]", text, re.MULTILINE)
]
GROUPS = {"glance_api", "nova", "image_consumers", "image_cloud", "ungrouped"}


@pytest.mark.parametrize(
    ("document", "kind", "text"), INVENTORIES, ids=[document.name for document, _kind, _text in INVENTORIES]
)
def test_inventories_that_are_shown_have_the_groups(
    document: pathlib.Path, kind: str, text: str, tmp_path: pathlib.Path
) -> None:
    inventory = tmp_path / f"inventory.{kind}"
    inventory.write_text(text)
    done = subprocess.run(["ansible-inventory", "-i", inventory, "--list"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Failed to parse" not in done.stderr, done.stderr
    groups = json.loads(done.stdout)
    assert groups["glance_api"]["hosts"] and set(groups["all"]["children"]) <= GROUPS
