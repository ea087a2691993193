# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the compact release catalogue of one project from collected facts.

    python3 tests/catalogue/generate.py glance FACTS.json plugins/plugin_utils/data/glance.json

FACTS.json maps one tag per major release to what was read from that tag's source. Most options never change, so the
catalogue keeps each definition once, with the first and the last release that it is true for.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

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
# What the facts, read from the highest tag of each major, cannot say: defaults that a point release changed.
POINT_RELEASES = {
    "nova": [
        {"group": "glance", "name": "num_retries", "until": "20.5.0", "default": 0},
        {"group": "glance", "name": "num_retries", "until": "21.1.2", "default": 0},
    ]
}
# The programs that read an option. A sample file of its own (image_import) still is glance-api's configuration.
PROGRAMS = {"image_import": "api", "artifacts": None, "glare": None}


def programs(option: dict[str, Any]) -> list[str]:
    """The programs that read the option; empty for command lines and for mere guards against removed options."""
    words = (section.split(" ")[0] for section in option.get("sections", ["nova"]))
    named = {PROGRAMS.get(word, word) for word in words if not word.startswith(("cli:", "removed"))}
    return sorted(name for name in named if name)


def definition(option: dict[str, Any]) -> dict[str, Any]:
    """What the catalogue says of one option, values that go without saying left out."""
    kept: dict[str, Any] = {"type": TYPES[option["type"]], "default": option["default"]}
    item = re.search(r"types\.(\w+)\((.*)\)", option.get("item_type") or "")
    if item:
        # Glance's lists that name a type of item all take brackets around the list (read at 16.0.1, 25.1.0, 33).
        kept["bounds"] = True
        kept["item_type"] = {"String": "string", "Integer": "integer", "HostAddress": "hostaddress"}[item[1]]
        choices = re.search(r"choices=(\[[^\]]*\])", item[2])
        if choices:
            kept["item_choices"] = json.loads(choices[1].replace("'", '"'))
        limits = re.search(r"min=(\d+), max=(\d+)", item[2])
        if limits:
            kept["item_min"], kept["item_max"] = int(limits[1]), int(limits[2])
    for key in (
        "choices",
        "min",
        "max",
        "secret",
        "deprecated",
        "deprecated_since",
        "deprecated_names",
        "default_source",
    ):
        value = option.get(key)
        # A limit of 0 says something; False, none and an empty list do not.
        if value is not None and value is not False and value != []:
            kept[key] = value
    groups = option.get("also_groups", [])
    if groups:
        kept["also_groups"] = groups
    if "store" in option:
        kept["store"] = option["store"]
    kept["programs"] = programs(option)
    return kept


def options(major_facts: dict[int, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each definition once, with the span of releases that it holds for."""
    spans: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for major, facts in sorted(major_facts.items()):
        seen: dict[tuple[str, str], dict[str, Any]] = {}
        for option in facts["options"]:
            if option["type"] == "SubCommandOpt" or not programs(option):
                continue
            key = (option.get("group", facts.get("group")), option["name"])
            # An option registered twice: the definition that glance-api reads is the one that counts.
            if key not in seen or "api" in programs(option) and "api" not in seen[key]["programs"]:
                seen[key] = definition(option)
        for key, found in seen.items():
            history = spans.setdefault(key, [])
            last = history[-1] if history else None
            if last and last["releases"][1] == major - 1 and last["is"] == found:
                last["releases"][1] = major
            else:
                history.append({"releases": [major, major], "is": found})
    for (group, name), history in sorted(spans.items()):
        for span in history:
            yield {"group": group, "name": name, "releases": span["releases"], **span["is"]}


def release(facts: dict[str, Any]) -> dict[str, Any]:
    """What the catalogue says of one release as a whole."""
    series = facts["series"].lower()
    kept: dict[str, Any] = {"tag": facts["tag"], "series": series}
    if series in CODENAMES:
        kept["codename"] = CODENAMES[series]
    if "python" in facts:
        kept["python"] = facts["python"]["requires_python"] or "==2.7"
    if "images_api_versions" in facts:
        kept["api_versions"] = [
            [v["version"], v["reported_id"], v["status"], v["condition"]] for v in facts["images_api_versions"]
        ]
        minors = [int(v["version"].split(".")[1]) for v in facts["images_api_versions"] if v["version"][0] == "2"]
        methods = ["glance-direct"] if max(minors) >= 6 else []
        kept["import_methods"] = methods + [m.replace("_", "-") for m in facts["import_methods_internal_plugins"]]
    return kept


def catalogue(project: str, facts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    majors = {int(tag.split(".")[0]): found for tag, found in facts.items()}
    return {
        "project": project,
        "releases": {str(major): release(majors[major]) for major in sorted(majors)},
        "options": list(options(majors)),
        "point_releases": POINT_RELEASES.get(project, []),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", choices=("glance", "nova"))
    parser.add_argument("facts", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    built = catalogue(arguments.project, json.loads(arguments.facts.read_text(encoding="utf-8")))
    lines = [f'"project":{json.dumps(built["project"])}']
    for part in ("releases", "options", "point_releases"):
        # One entry a line keeps a later release's diff readable.
        if isinstance(built[part], dict):
            rows = [f"{json.dumps(key)}:{compact(value)}" for key, value in built[part].items()]
            lines.append(f'"{part}":{{\n' + ",\n".join(rows) + "\n}")
        else:
            lines.append(f'"{part}":[\n' + ",\n".join(map(compact, built[part])) + "\n]")
    arguments.output.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    main()
