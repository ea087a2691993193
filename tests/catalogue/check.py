# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the release catalogue with the live option objects and policies of the releases that the lab runs.

    tests/bin/with-env main python tests/catalogue/check.py            # each release in a container of the lab
    tests/bin/with-env main python tests/catalogue/check.py 33.0.0=/opt/glance/33.0.0/bin/python

Each release's own Python runs dump.py; whatever the catalogue says otherwise is printed as a table, and the exit code is
1. A driver that is not installed there registers nothing: its options are counted as not compared. The newest release's
operations are held against operations.json, which docs/images-api.md has a row for each of.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue
from generate import Facts, definition, rule

HERE = pathlib.Path(__file__).parent
LAB = HERE.parent.parent / "molecule" / "lab" / "lab"
RELEASES = ("15.0.2", "20.2.0", "25.1", "33.0.0")
OPERATIONS: dict[str, list[str]] = json.loads((HERE / "operations.json").read_text(encoding="utf-8"))
#: What an option object can tell; ``store``, say, only the source can.
FIELDS = (
    *("type", "default", "choices", "min", "max", "secret", "deprecated", "deprecated_since", "deprecated_names"),
    *("ignore_case", "max_length", "quotes", "regex", "bounds", "also_groups"),
    *("item_type", "item_choices", "item_min", "item_max", "item_quotes"),
)


class Difference(NamedTuple):
    """One thing that the catalogue and a release see differently."""

    release: str
    what: str
    field: str
    catalogue: Any
    installed: Any


class Result(NamedTuple):
    """What came out of one release."""

    release: str
    compared: int
    skipped: int
    differences: list[Difference]


def dump(release: str, python: str | None) -> Facts:
    """What the release says of itself; ``python`` is its interpreter, or a file that dump.py's output was kept in."""
    if python and python.endswith(".json"):
        kept: Facts = json.loads(pathlib.Path(python).read_text(encoding="utf-8"))
        return kept
    command = [python] if python else [str(LAB), "in-release", release, "python"]
    with (HERE / "dump.py").open(encoding="utf-8") as script:
        done = subprocess.run([*command, "-", "glance"], stdin=script, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"check: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found: Facts = json.loads(done.stdout)
    return found


def compare(name: str, facts: Facts) -> Result:
    """Everything that the catalogue says of that release beside what its dump says."""
    release = _catalogue.release("glance", facts["tag"])
    library = _catalogue.libraries(release)
    rows = {(row["group"], row["name"]): row for row in facts["options"]}
    differences, compared, skipped = [], 0, 0
    for key, row in rows.items():
        known = _catalogue.option("glance", release, *key) if row["project"] == "glance" else None
        known = known or (library and library.option(*key))
        compared += 1
        differences += option_differences(name, key, row, known)
    for known in _expected(release):
        if (known.group, known.name) in rows:
            continue
        if _installed(known, rows.values()):
            differences.append(Difference(name, f"option {known.group}/{known.name}", "", "there", "not there"))
        else:
            skipped += 1
    if facts["policies"] is not None:
        found = {each["name"]: each for each in facts["policies"]}
        compared += len(found)
        differences += policy_differences(name, release, found)
    differences += release_differences(name, release, facts)
    if name in OPERATIONS:
        compared += len(OPERATIONS[name])
        differences += operation_differences(name, facts["operations"] or [])
    return Result(name, compared, skipped, differences)


def _expected(release: _catalogue.Release) -> Iterator[_catalogue.Option]:
    """What glance-api should register: its own options and those of its libraries."""
    yield from (each for each in _catalogue.options("glance", release) if "api" in each.programs)
    library = _catalogue.libraries(release)
    yield from library.options if library else ()


def _installed(known: _catalogue.Option, rows: Iterable[Facts]) -> bool:
    """Whether the driver or library behind the option is installed, so that the option ought to be there."""
    if known.store:
        names = {row["name"] for row in rows if row["group"] in ("glance_store", "<backend>")}
        return any(each.name in names for each in _catalogue.options("glance", 33) if each.store == known.store)
    # keystoneauth1's plugins for SAML, Kerberos and OAuth 1 need packages of their own.
    return known.project != "keystoneauth1" and any(row["project"] == known.project for row in rows)


def option_differences(
    name: str, key: tuple[str, str], row: Facts, known: _catalogue.Option | None
) -> Iterator[Difference]:
    what = f"option {key[0]}/{key[1]}"
    if known is None:
        yield Difference(name, what, "", "not there", "there")
        return
    found = definition(row)
    for field in FIELDS:
        ours, theirs = getattr(known, field), found.get(field)
        ours = list(ours) if isinstance(ours, tuple) else ours
        if (ours or None if field != "default" else ours) != (theirs or None if field != "default" else theirs):
            if field == "default" and known.default_source:
                continue
            yield Difference(name, what, field, ours, theirs)


def policy_differences(name: str, release: _catalogue.Release, found: dict[str, Facts]) -> Iterator[Difference]:
    known = {each.name: each for each in _catalogue.policies("glance", release)}
    for each in sorted(known.keys() ^ found.keys()):
        places = ("there", "not there") if each in known else ("not there", "there")
        yield Difference(name, f"policy {each}", "", *places)
    for each in sorted(known.keys() & found.keys()):
        ours, theirs = known[each], rule(found[each])
        old = ours.deprecated_rule
        pairs = {
            "check_str": (ours.check_str, theirs["check_str"]),
            "deprecated_rule": (
                old and {key: value for key, value in old._asdict().items() if value is not None},
                theirs.get("deprecated_rule"),
            ),
            "deprecated_for_removal": (ours.deprecated_for_removal, theirs.get("deprecated_for_removal", False)),
            "scope_types": (list(ours.scope_types), theirs.get("scope_types", [])),
            "operations": (list(ours.operations), theirs.get("operations", [])),
        }
        for field, (left, right) in pairs.items():
            if left != right:
                yield Difference(name, f"policy {each}", field, left, right)


def operation_differences(name: str, found: list[str]) -> Iterator[Difference]:
    for each in sorted({*OPERATIONS[name]} ^ {*found}):
        places = ("not there", "there") if each in found else ("there", "not there")
        yield Difference(name, f"operation {each}", "", *places)


def release_differences(name: str, release: _catalogue.Release, facts: Facts) -> Iterator[Difference]:
    """Interfaces, database and how it is run; what a package of that age does not say is not compared."""
    assert release.database and release.server
    keys = ("version", "reported_id", "status", "condition")
    direct = [method for method in release.import_methods if method == "glance-direct"]
    pairs = {
        "api_versions": (
            [tuple(each) for each in release.api_versions],
            [tuple(each[key] for key in keys) for each in facts["images_api_versions"]],
        ),
        "database head": (release.database.head, facts["db"]["head_after_sync"]),
        "import methods": (
            list(release.import_methods),
            direct + [each.replace("_", "-") for each in facts["import_methods_internal_plugins"]],
        ),
        "paste flavors": (list(release.paste_flavors), facts["paste_flavors"]),
        "python": (release.python, facts["python"]["requires_python"]),
        "server script": (release.server.script, next(iter(facts["wsgi_scripts"] or ()), None)),
        "server module": (release.server.module, facts["wsgi_module"]),
    }
    said = {"python": facts["python"]["requires_python"], "paste flavors": facts["paste_flavors"]}
    said["server script"] = facts["wsgi_scripts"]
    for field, (ours, theirs) in pairs.items():
        if ours != theirs and said.get(field, "") is not None:
            yield Difference(name, "release", field, ours, theirs)


def table(differences: list[Difference]) -> str:
    rows = [("release", "what", "field", "catalogue", "installed")]
    rows += [
        (each[0], each[1], each[2], *(json.dumps(value, default=str) for value in each[3:])) for each in differences
    ]
    widths = [min(60, max(len(row[column]) for row in rows)) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", nargs="*", default=RELEASES, help="RELEASE, or RELEASE=PYTHON, or RELEASE=DUMP.json")
    wanted = [each.partition("=") for each in parser.parse_args().release]
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        dumps = list(pool.map(lambda each: dump(each[0], each[2] or None), wanted))
    results = [compare(each[0], facts) for each, facts in zip(wanted, dumps, strict=True)]
    differences = [each for result in results for each in result.differences]
    if differences:
        print(table(differences))
    for result in results:
        state = f"{len(result.differences)} differences" if result.differences else "as the catalogue says"
        print(
            f"Glance {result.release}: {result.compared} options and policies, {result.skipped} not installed: {state}"
        )
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
