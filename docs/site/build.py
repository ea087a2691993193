# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation as a site in .cache/docs/html: tests/bin/with-env docs python docs/site/build.py

The documents lie there as they do in the checkout, so that what they point at is where they say. The reference is made
anew each time: modules, filters and roles by antsibull-docs, the playbooks out of their plays and the variables of the
roles that they use. A warning is an error. Nothing is loaded from anywhere.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from antsibull_docs_parser import dom
from antsibull_docs_parser.parser import Context, parse
from antsibull_docs_parser.rst import to_rst

ROOT = pathlib.Path(__file__).resolve().parents[2]
SITE = ROOT / ".cache" / "docs"
SOURCE = SITE / "source"
HTML = SITE / "html"
COLLECTION = "stackops.glance"
#: Documents, and what they point at.
COPIED = ("README.md", "LICENSE", "docs", "examples", "plugins/plugin_utils/data/README.md")
#: Labels of Ansible's own documentation that antsibull-docs refers to.
ANSIBLE = {
    "action_plugins": "https://docs.ansible.com/ansible/latest/plugins/action.html",
    "common_return_values": "https://docs.ansible.com/ansible/latest/reference_appendices/common_return_values.html",
}
INDEX = {
    "modules": ("Modules", "*_module.rst"),
    "roles": ("Roles", "*_role.rst"),
    "filters": ("Filters", "*_filter.rst"),
    "playbooks": ("Playbooks", "*_playbook.rst"),
}


@dataclass
class Playbook:
    """A playbook, and what it and all that it uses say."""

    path: pathlib.Path
    roles: set[str] = field(default_factory=set)
    texts: dict[pathlib.Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._read(self.path)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def plays(self) -> list[dict[str, Any]]:
        return yaml.safe_load(self.path.read_text())

    @property
    def about(self) -> str:
        """The comment below the licence."""
        head = re.match(r"---\n# Copyright.*\n# SPDX.*\n((?:# .*\n)*)", self.path.read_text())
        assert head, f"{self.path} does not begin as every playbook does"
        return " ".join(line.removeprefix("# ") for line in head[1].splitlines())

    def variables(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Role, name and specification of each documented variable that is read somewhere."""
        text = "\n".join(self.texts.values())
        for role in sorted(self.roles):
            for name, option in options(role).items():
                if re.search(rf"\b{name}\b", text):
                    yield role, name, option

    def _read(self, path: pathlib.Path) -> None:
        if path in self.texts:
            return
        self.texts[path] = path.read_text()
        for item in mappings(yaml.safe_load(self.texts[path])):
            if imported := item.get("ansible.builtin.import_playbook"):
                self._read(path.parent / imported)
            if used := item.get("ansible.builtin.import_role") or item.get("ansible.builtin.include_role"):
                self._use(used["name"].rpartition(".")[2], used.get("tasks_from", "main"))
            if (included := item.get("ansible.builtin.include_tasks")) and "{{" not in included:
                self._read(path.parent / included)

    def _use(self, role: str, tasks: str) -> None:
        self.roles.add(role)
        self._read(ROOT / "roles" / role / "tasks" / f"{tasks}.yml")
        if (values := ROOT / "roles" / role / "vars" / "main.yml").exists():
            self._read(values)


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """A mapping, and those inside it."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(each)


def options(role: str) -> dict[str, Any]:
    text = (ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text()
    return yaml.safe_load(text)["argument_specs"]["main"]["options"]


def playbook_page(playbook: Playbook) -> str:
    """The page of a playbook, as reStructuredText, in which the roles' markup has its links."""
    title = playbook.name
    lines = [f".. _{playbook.name}_playbook:", "", title, "=" * len(title), ""]
    lines += [re.sub("`(.+?)`", r"``\1``", playbook.about), ""]
    lines += [".. code-block:: console", "", f"   $ ansible-playbook -i inventory {COLLECTION}.{playbook.name}", ""]
    lines += ["What happens, in order", "----------------------", ""]
    for play in playbook.plays:
        imported = pathlib.Path(play.get("ansible.builtin.import_playbook", "")).stem
        lines.append(f"#. {play['name']}" + (f" (:ref:`{imported} <{imported}_playbook>`)" if imported else ""))
    if rows := list(playbook.variables()):
        lines += ["", "Variables", "---------", "", ".. list-table::", "   :header-rows: 1", "   :widths: auto", ""]
        lines += row("Variable", "Default", "Meaning")
        for role, name, option in rows:
            lines += row(variable(role, name), default(option), meaning(role, option))
    return "\n".join(lines) + "\n"


def row(*cells: str) -> list[str]:
    return [("   * - " if number == 0 else "     - ") + cell for number, cell in enumerate(cells)]


def variable(role: str, name: str) -> str:
    return f":ansopt:`{COLLECTION}.{role}#role:main:{name}`"


def default(option: dict[str, Any]) -> str:
    """As the README shows it."""
    if "default" not in option:
        return ""
    value = option["default"]
    return "empty" if value == "" else f"``{str(value).lower() if isinstance(value, bool) else value}``"


def meaning(role: str, option: dict[str, Any]) -> str:
    said = option["description"]
    plugin = dom.PluginIdentifier(fqcn=f"{COLLECTION}.{role}", type="role")
    context = Context(current_plugin=plugin, role_entrypoint="main")
    return to_rst(
        parse([said] if isinstance(said, str) else said, context),
        current_plugin=plugin,
        par_start="",
        par_end="",
        par_sep=" ",
        par_empty="",
    )


def adapt(page: pathlib.Path) -> None:
    """Let the title be the bare name, as menus show it, leave the table of contents to the theme, and link to Ansible."""
    text, count = re.subn(
        r"(?m)^stackops\.glance\.(\w+) (module|role|filter) -- (.+)\n\++$",
        lambda found: f"{found[1]}\n{'+' * len(found[1])}\n\n{found[3]}",
        page.read_text(),
    )
    assert count == 1, f"{page} has another title than antsibull-docs gave before"
    text = re.sub(r"\.\. contents::\n(   .*\n)+", "", text)
    for label, address in ANSIBLE.items():
        text = re.sub(rf":ref:`([^`<]+) <{label}>`", rf"`\1 <{address}>`__", text)
    page.write_text(text)


def lay_out() -> None:
    shutil.rmtree(SITE, ignore_errors=True)
    reference = SOURCE / "reference"
    reference.mkdir(parents=True)
    for name in COPIED:
        (SOURCE / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, SOURCE / name)
    shutil.copy(ROOT / "docs" / "site" / "index.md", SOURCE)
    command = ["antsibull-docs", "collection", "--use-current", "--fail-on-error", "--squash-hierarchy"]
    subprocess.run([*command, "--no-add-antsibull-docs-version", "--dest-dir", reference, COLLECTION], check=True)
    (reference / "index.rst").unlink()
    (reference / "environment_variables.rst").unlink()
    for page in reference.glob("*.rst"):
        adapt(page)
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        if "-" not in path.stem:  # one line that imports the same name with an underscore
            (reference / f"{path.stem}_playbook.rst").write_text(playbook_page(Playbook(path)))
    for name, (title, pattern) in INDEX.items():
        (reference / f"{name}.rst").write_text(
            f"{title}\n{'=' * len(title)}\n\n.. toctree::\n   :glob:\n   :maxdepth: 1\n\n   {pattern.removesuffix('.rst')}\n"
        )


def main() -> None:
    lay_out()
    config = ROOT / "docs" / "site"
    command = ["sphinx-build", "-b", "html", "-W", "--keep-going", "-q", "-d", SITE / "doctrees"]
    if subprocess.run([*command, "-c", config, SOURCE, HTML], check=False).returncode:
        sys.exit("docs: the warnings above are errors")
    loading = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?:https?:)?//[^>]*>")
    foreign = {found for page in HTML.rglob("*.html") for found in loading.findall(page.read_text())}
    if foreign:
        sys.exit("docs: pages load something from outside:\n" + "\n".join(sorted(foreign)))
    print(f"docs: {HTML.relative_to(ROOT) / 'index.html'}")


if __name__ == "__main__":
    main()
