# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the compact release catalogue: plugins/plugin_utils/data/{glance,nova,libraries}.json.

A newer release is added, or one that is there is read again, from where pip installed it:

    python3 tests/catalogue/generate.py installed glance --series 2027.1 /opt/glance/34.0.0/bin/python
    python3 tests/catalogue/generate.py libraries /opt/glance/*/bin/python

The releases that no index has any more came from facts that were read out of each tag's source:

    python3 tests/catalogue/generate.py facts glance FACTS.json

Most definitions never change, so the catalogue keeps each once, with the first and the last release that it is true
for. What no program can read stands in by_hand.json beside this file, each entry with its source.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

HERE = pathlib.Path(__file__).parent
DATA = HERE.parent.parent / "plugins" / "plugin_utils" / "data"
Facts = dict[str, Any]
Key = tuple[str, ...]

#: Types as the collection names them, by oslo.config's classes of options and of types.
TYPES = {
    "BoolOpt": "boolean",
    "DictOpt": "dict",
    "FloatOpt": "float",
    "HostAddressOpt": "hostaddress",
    "IntOpt": "integer",
    "ListOpt": "list",
    "MultiStrOpt": "multistring",
    "PortOpt": "port",
    "StrOpt": "string",
}
KINDS = {
    "Boolean": "boolean",
    "Dict": "dict",
    "Float": "float",
    "HostAddress": "hostaddress",
    "HostDomain": "hostdomain",
    "Hostname": "hostname",
    "IPAddress": "ip",
    "Integer": "integer",
    "List": "list",
    "MultiString": "multistring",
    "Port": "port",
}
CODENAMES = {
    "2023.1": "antelope",
    "2023.2": "bobcat",
    "2024.1": "caracal",
    "2024.2": "dalmatian",
    "2025.1": "epoxy",
    "2025.2": "flamingo",
    "2026.1": "gazpacho",
    "2026.2": "hibiscus",
}
#: What is said of an option besides its type, default and programs, in this order.
LIMITS = (
    *("bounds", "item_type", "item_choices", "item_min", "item_max", "item_quotes"),
    *("choices", "min", "max", "ignore_case", "max_length", "quotes", "regex"),
)
COMMON = ("secret", "deprecated", "deprecated_since", "deprecated_names", "default_source", "also_groups", "store")
ORDER = ("type", "default", *LIMITS, *COMMON, "programs")
#: oslo.log's constants for series are their first letters.
SERIES = {"T": "Train", "U": "Ussuri", "V": "Victoria", "W": "Wallaby", "X": "Xena", "Y": "Yoga", "Z": "Zed"}
#: The programs that read an option. A sample file of its own (image_import) still is glance-api's configuration.
PROGRAMS = {"image_import": "api", "artifacts": None, "glare": None}


def programs(option: Facts) -> list[str]:
    """The programs that read the option; empty for command lines and for mere guards against removed options."""
    # What glance-api takes on its command line, it takes from its files as well.
    words = (section.replace("cli:api/", "api ").split(" ")[0] for section in option.get("sections", ["nova"]))
    named = {PROGRAMS.get(word, word) for word in words if not word.startswith(("cli:", "removed"))}
    return sorted(name for name in named if name)


def kept(facts: Facts, names: Iterable[str]) -> Facts:
    """Those of the facts that say something: a limit of 0 does; False, none and an empty list do not."""
    found = ((name, facts.get(name)) for name in names)
    return {name: value for name, value in found if value is not None and value is not False and value != []}


def definition(option: Facts) -> Facts:
    """What the catalogue says of one option, values that go without saying left out."""
    described = read_type(option) if "kind" in option else written_type(option)
    return {
        "type": described["type"],
        "default": option["default"],
        **kept({**option, **described}, LIMITS),
        **kept(option, COMMON),
        "programs": programs(option),
    }


def written_type(option: Facts) -> Facts:
    """The type as the source says it."""
    found: Facts = {"type": TYPES[option["type"]]}
    item = re.search(r"types\.(\w+)\((.*)\)", option.get("item_type") or "")
    if item:
        # Glance's lists that name a type of item all take brackets around the list (read at 16.0.1, 25.1.0, 33).
        found |= {"bounds": True, "item_type": KINDS.get(item[1], "string"), "item_quotes": "quotes=True" in item[2]}
        choices = re.search(r"choices=(\[[^\]]*\])", item[2])
        if choices:
            found["item_choices"] = json.loads(choices[1].replace("'", '"'))
        limits = re.search(r"min=(\d+), max=(\d+)", item[2])
        if limits:
            found["item_min"], found["item_max"] = int(limits[1]), int(limits[2])
    return found


def read_type(option: Facts) -> Facts:
    """The type as the option object of an installed package says it (see dump.py)."""
    found = {"type": KINDS.get(option["kind"], "string"), **option["limits"]}
    if option.get("multi_valued"):
        found["type"] = "multistring"
    if option.get("item") and option["kind"] == "List":
        kind, limits = option["item"]
        told = {f"item_{name}": value for name, value in limits.items() if name in ("choices", "min", "max", "quotes")}
        if told or kind not in ("String", "type"):
            found |= {"item_type": KINDS.get(kind, "string"), **told}
    return {**found, "bounds": option.get("bounds", False)}


def rule(facts: Facts) -> Facts:
    """What the catalogue says of one policy rule."""
    old = facts["deprecated_rule"]
    before = old and {**old, "since": SERIES.get(old["since"], old["since"])}
    return {
        "check_str": facts["check_str"],
        **({"deprecated_rule": kept(before, ("name", "check_str", "since"))} if before else {}),
        **kept(facts, ("deprecated_for_removal", "scope_types", "operations")),
    }


def release(facts: Facts, by_hand: Facts) -> Facts:
    """What the catalogue says of one release as a whole."""
    series = facts["series"].lower()
    found: Facts = {"tag": facts["tag"], "series": series}
    if series in CODENAMES:
        found["codename"] = CODENAMES[series]
    if "python" in facts:
        found["python"] = facts["python"]["requires_python"] or "==2.7"
    if "images_api_versions" not in facts:
        return found
    versions = facts["images_api_versions"]
    minors = [int(each["version"].split(".")[1]) for each in versions if each["version"][0] == "2"]
    direct = ["glance-direct"] if max(minors) >= 6 else []
    found["api_versions"] = [
        [each[key] for key in ("version", "reported_id", "status", "condition")] for each in versions
    ]
    found["import_methods"] = direct + [name.replace("_", "-") for name in facts["import_methods_internal_plugins"]]
    found["database"] = {"head": facts["db"]["head_after_sync"], "engine": facts["db"]["engine"]}
    told = {"schema": facts["db"].get("new_schema"), **by_hand}
    found["database"] |= kept(told, ("schema", "migrations", "contract", "triggers", "takes"))
    found["policy_defaults"] = (
        facts["policy_defaults"] if "policy_defaults" in facts else policy_defaults(facts["oslo_policy"])
    )
    found["server"] = server(facts)
    found["paste_flavors"] = facts["paste_flavors"]
    found["libraries"] = facts.get("libraries") or {
        "glance_store": facts["glance_store_version"],
        "oslo.policy": facts["oslo_policy"]["constraint_version"],
    }
    return found


def policy_defaults(facts: Facts) -> Facts:
    scope = facts["enforce_scope"]
    return {
        "policy_file": facts["policy_file"]["default"],
        "in_code": facts["policies_in_code"],
        "json_fallback": facts["json_fallback"],
        "enforce_scope": scope.get("effective", scope["default"]),
        "enforce_scope_option": scope["default"] is not None,
        "enforce_new_defaults": facts["enforce_new_defaults"]["default"],
    }


def server(facts: Facts) -> Facts:
    """The ways to run the release: eventlet's is the program glance-api itself."""
    state = facts["eventlet_server"]
    eventlet = None if state.startswith("removed") else "deprecated" if "deprecated" in state else "supported"
    return {
        **kept({"eventlet": eventlet}, ("eventlet",)),
        **({"script": facts["wsgi_scripts"][0]} if facts["wsgi_scripts"] else {}),
        **kept({"module": facts["wsgi_module"]}, ("module",)),
    }


class Catalogue:
    """One project's catalogue taken apart: what each release says, by major number."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.by_hand: Facts = json.loads((HERE / "by_hand.json").read_text(encoding="utf-8"))[project]
        self.releases: dict[int, Facts] = {}
        self.options: dict[int, dict[Key, Facts]] = {}
        self.policies: dict[int, dict[Key, Facts]] = {}

    @classmethod
    def load(cls, project: str, path: pathlib.Path) -> Catalogue:
        """The catalogue as it stands, so that one release can be put in its place."""
        found, data = cls(project), json.loads(path.read_text(encoding="utf-8"))
        found.releases = {int(major): facts for major, facts in data["releases"].items()}
        found.options = unfolded(found.releases, data["options"], ("group", "name"))
        found.policies = unfolded(found.releases, data.get("policies", []), ("name",))
        return found

    def add(self, facts: Facts) -> int:
        """Put in one release as the facts have it, in place of what was known of it."""
        major = int(facts["tag"].split(".")[0])
        by_hand = {"migrations": self.by_hand.get("migrations", {}).get(str(major))}
        for each in self.by_hand.get("databases", ()):
            first, last = each["releases"]
            if first <= major <= (last or major):
                by_hand |= {name: value for name, value in each.items() if name != "releases"}
        self.releases[major] = release(facts, by_hand)
        self.options[major] = self._options(facts)
        self._correct(major)
        self.policies[major] = {(name,): rule(each) for name, each in facts.get("policies", {}).items()}
        return major

    def _correct(self, major: int) -> None:
        """What the collected facts left out of an option, by hand."""
        for each in self.by_hand.get("corrections", ()):
            group, name = each["option"].split("/")
            if each["releases"][0] <= major <= each["releases"][1] and (group, name) in self.options[major]:
                found = self.options[major][group, name] | each["is"]
                self.options[major][group, name] = {key: found[key] for key in ORDER if key in found}

    def _options(self, facts: Facts) -> dict[Key, Facts]:
        found: dict[Key, Facts] = {}
        for option in facts["options"]:
            if option["type"] == "SubCommandOpt" or not programs(option):
                continue
            key = (option.get("group", facts.get("group")), option["name"].replace("-", "_"))
            # An option registered twice: the definition that glance-api reads is the one that counts.
            if key not in found or "api" in programs(option) and "api" not in found[key]["programs"]:
                found[key] = definition(option)
        return found

    def add_installed(self, dump: Facts, series: str | None) -> int:
        """Put in what an installed package says (see dump.py), and keep what only source or documentation say."""
        major = int(dump["tag"].split(".")[0])
        new = major not in self.releases
        if new and not series:
            sys.exit(f"{self.project} {major} is new to the catalogue: name its series with --series.")
        nearest = max(each for each in self.releases if each <= major)
        near, before = self.releases[nearest], self.options[nearest]
        facts = {**dump, "series": series or near["series"], "options": []}
        if self.project == "glance":
            facts |= self._glance(dump, near, new)
        policies = self.policies[nearest]
        self.add(facts)
        if dump.get("policies") is None:
            self.policies[major] = policies  # a release that ships them as a file, which no wheel carries
        for row in dump["options"]:
            if row["project"] == self.project:
                key = (row["group"], row["name"])
                known = definition(row) | kept(before.get(key, {}), ("store", "default_source", "programs"))
                self.options[major][key] = {name: known[name] for name in ORDER if name in known}
        return major

    def _glance(self, dump: Facts, near: Facts, new: bool) -> Facts:
        """What of Glance the dump has in another form, or not at all."""
        head = dump["db"]["head_after_sync"]
        if new and head != near["database"]["head"]:
            print(f"The database has a new head, {head}: tell in by_hand.json what its migrations do to data.")
        known = dump["eventlet_server"] == "working" and near["server"].get("eventlet")
        return {
            "policies": {each["name"]: each for each in dump["policies"] or ()},
            "db": {**dump["db"], "new_schema": None if new else near["database"].get("schema")},
            "eventlet_server": "working, deprecated" if known == "deprecated" else dump["eventlet_server"],
            "libraries": {
                "glance_store": dump["libraries"]["glance-store"],
                "oslo.policy": dump["libraries"]["oslo.policy"],
            },
            "paste_flavors": dump["paste_flavors"] or near["paste_flavors"],
            "wsgi_scripts": dump["wsgi_scripts"] if dump["wsgi_scripts"] is not None else [],
        }

    def save(self, path: pathlib.Path) -> None:
        write(
            path,
            {
                "project": self.project,
                "releases": {str(major): self.releases[major] for major in sorted(self.releases)},
                "options": list(folded(self.options, ("group", "name"))),
                **({"policies": list(folded(self.policies, ("name",)))} if any(self.policies.values()) else {}),
                "successors": self.by_hand["successors"],
                "point_releases": self.by_hand["point_releases"],
            },
        )


def folded(majors: dict[int, dict[Key, Facts]], names: Key) -> Iterator[Facts]:
    """Each definition once, with the span of releases that it holds for."""
    spans: dict[Key, list[tuple[list[int], Facts]]] = {}
    for major, found in sorted(majors.items()):
        for key, facts in found.items():
            history = spans.setdefault(key, [])
            if history and history[-1][0][1] == major - 1 and history[-1][1] == facts:
                history[-1][0][1] = major
            else:
                history.append(([major, major], facts))
    for key, history in sorted(spans.items()):
        for span, facts in history:
            yield {**dict(zip(names, key, strict=True)), "releases": span, **facts}


def unfolded(majors: Iterable[int], spans: list[Facts], names: Key) -> dict[int, dict[Key, Facts]]:
    """The reverse of ``folded``."""
    found: dict[int, dict[Key, Facts]] = {major: {} for major in majors}
    for span in spans:
        facts = {key: value for key, value in span.items() if key not in (*names, "releases")}
        for major in range(span["releases"][0], span["releases"][1] + 1):
            found[major][tuple(span[name] for name in names)] = facts
    return found


def libraries(dumps: list[Facts]) -> Facts:
    """The options of the libraries, each definition once with the releases of Glance that it was read at.

    Several dumps of one release add up: the first one's definitions count, later ones add what it has not installed.
    """
    versions: dict[int, Facts] = {}
    found: dict[int, dict[Key, Facts]] = {}
    for dump in dumps:
        major = int(dump["tag"].split(".")[0])
        versions[major] = {**dump["libraries"], **versions.get(major, {})}
        for option in dump["options"]:
            if option["project"] != "glance":
                found.setdefault(major, {}).setdefault((option["group"], option["name"]), option)
    rows: dict[str, Facts] = {}
    for major, options in sorted(found.items()):
        for option in options.values():
            facts = {name: option[name] for name in ("project", "group", "name")}
            facts |= {name: value for name, value in definition(option).items() if name != "programs"}
            rows.setdefault(compact(facts), {**facts, "releases": []})["releases"].append(major)
    return {
        "releases": {str(major): versions[major] for major in sorted(versions)},
        "options": sorted(rows.values(), key=lambda row: (row["group"], row["name"], row["releases"])),
    }


def dumped(project: str, source: str) -> Facts:
    """What dump.py says: run by the Python named, or kept in the JSON file named."""
    if source.endswith(".json"):
        found: Facts = json.loads(pathlib.Path(source).read_text(encoding="utf-8"))
        return found
    with (HERE / "dump.py").open(encoding="utf-8") as script:
        answer = subprocess.run([source, "-", project], stdin=script, stdout=subprocess.PIPE, check=True)
    found = json.loads(answer.stdout)
    return found


def write(path: pathlib.Path, data: Facts) -> None:
    """One entry a line keeps a later release's diff readable."""
    lines = []
    for part, value in data.items():
        if isinstance(value, dict):
            rows = [f"{json.dumps(key)}:{compact(each)}" for key, each in value.items()]
            lines.append(f'"{part}":{{\n' + ",\n".join(rows) + "\n}")
        elif isinstance(value, list):
            lines.append(f'"{part}":[\n' + ",\n".join(map(compact, value)) + "\n]")
        else:
            lines.append(f'"{part}":{json.dumps(value)}')
    path.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, help="write here instead of into the collection's data")
    ways = parser.add_subparsers(dest="way", required=True)
    facts = ways.add_parser("facts", help="the whole catalogue of a project from collected facts")
    facts.add_argument("project", choices=("glance", "nova"))
    facts.add_argument("file", type=pathlib.Path)
    installed = ways.add_parser("installed", help="one release from where it is installed")
    installed.add_argument("project", choices=("glance", "nova"))
    installed.add_argument("--series", help="the release's series, when it is new to the catalogue")
    installed.add_argument("source", help="that release's Python, or what dump.py printed there (a .json file)")
    read = ways.add_parser("libraries", help="the libraries' options from where releases of Glance are installed")
    read.add_argument("source", nargs="+", help="a release's Python, or what dump.py printed there (a .json file)")
    arguments = parser.parse_args()
    if arguments.way == "libraries":
        write(
            arguments.output or DATA / "libraries.json",
            libraries([dumped("glance", each) for each in arguments.source]),
        )
        return
    path = DATA / f"{arguments.project}.json"
    if arguments.way == "facts":
        catalogue = Catalogue(arguments.project)
        for each in json.loads(arguments.file.read_text(encoding="utf-8")).values():
            catalogue.add(each)
    else:
        catalogue = Catalogue.load(arguments.project, path)
        catalogue.add_installed(dumped(arguments.project, arguments.source), arguments.series)
    catalogue.save(arguments.output or path)


if __name__ == "__main__":
    main()
