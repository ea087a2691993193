# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differential fuzz: our reader and editor of oslo.config files against oslo.config itself, Pike's and the newest.

    python tests/fuzz/run.py --examples 20000        a gate; --longer (or FUZZ_LONGER=1) for a night

Pike's oslo.config 4.11.2 on Python 2.7 is asked in a process of its own: that of FUZZ_PIKE_PYTHON, else of the lab's Glance 15 image.
The newest is asked in this process. Exits with 1 on a disagreement and with 2 when either is missing.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OWN = 5  # of so many cases, one is also given to our own code on Python 2.7
IMAGE_PYTHON = "/opt/glance/15.0.2/bin/python"


def link_collection() -> None:
    """Make the checkout importable as the collection, whatever its folder is called."""
    name = ""
    for part, path in (("ansible_collections", []), ("stackops", []), ("glance", [str(ROOT)])):
        name = f"{name}.{part}" if name else part
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = path  # type: ignore[attr-defined]


def give_up(message: str) -> None:
    print(message, file=sys.stderr)
    sys.exit(2)


try:
    import hypothesis
    from hypothesis import HealthCheck, Phase, given, settings

    sys.path.insert(0, str(HERE))
    import strategies
    import worker
except ImportError as error:
    give_up(f"The fuzz needs hypothesis and the newest oslo.config in this environment: {error}")

link_collection()
from ansible_collections.stackops.glance.plugins.module_utils import _oslo_ini as ini  # noqa: E402
from ansible_collections.stackops.glance.plugins.module_utils import _oslo_parse  # noqa: E402
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError  # noqa: E402


class Pike:
    """Pike's oslo.config in its own Python 2.7."""

    def __init__(self) -> None:
        source = (HERE / "worker.py").read_text(encoding="utf-8")
        python = os.environ.get("FUZZ_PIKE_PYTHON")
        command = (
            [python] if python else ["docker", "run", "--rm", "-i", "--network", "none", self.image(), IMAGE_PYTHON]
        )
        try:
            self.process = subprocess.Popen([*command, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            hello = self.read()
            self.description = describe(hello["version"], hello["python"])
            self.root = hello["root"]
        except (OSError, ValueError) as error:
            give_up(
                f"Pike's oslo.config does not answer ({' '.join(command)}): {error}. Set FUZZ_PIKE_PYTHON to a Python 2.7 that has "
                "oslo.config 4.11.2, or run make images."
            )

    @staticmethod
    def image() -> str:
        try:
            return subprocess.run(
                [str(ROOT / "molecule/lab/lab"), "image", "glance"], check=True, capture_output=True, text=True
            ).stdout.split()[-1]
        except (OSError, subprocess.CalledProcessError, IndexError) as error:
            give_up(
                f"molecule/lab/lab does not name the Glance 15 image ({error}). Set FUZZ_PIKE_PYTHON to a Python 2.7 that has oslo.config "
                "4.11.2, or run make images."
            )
            raise

    def send(self, request: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def read(self) -> Any:
        assert self.process.stdout
        answer = json.loads(self.process.stdout.readline())
        assert not isinstance(answer, dict) or "crash" not in answer, answer["crash"]
        return answer

    def ask(self, **request: Any) -> Any:
        self.send(request)
        return self.read()


class Fuzz:
    """Everything compared, and how much of it."""

    def __init__(self) -> None:
        self.newest = worker.Oslo()
        self.pike = Pike()
        self.sets = self.refused_sets = self.values = self.refused_values = self.edits = self.refused_edits = 0
        self.started = time.time()
        sources = {
            path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "plugins/module_utils").glob("_*.py")
        }
        self.pike.ask(ask="install", sources=sources)

    # -- the reader

    def read(self, case: dict[str, Any]) -> None:
        files = {path: base64.b64encode(data).decode() for path, data in case["files"].items()}
        request = dict(case, ask="resolve", files=files)
        self.pike.send(request)
        newest = self.newest.resolve(request)
        # The files of this set now lie below the root of the newest.
        ours = {name: self.ours(case, dialect) for name, dialect in (("newest", ini.NEWEST), ("pike", ini.PIKE))}
        pike = self.pike.read()
        self.compare(case, "newest", ours["newest"], newest)
        self.compare(case, "pike", ours["pike"], pike)
        if sum(map(len, case["files"].values())) % OWN == 1:
            self.compare_hosts(request, ours)
        self.sets += 1
        self.refused_sets += "error" in newest

    def ours(self, case: dict[str, Any], dialect: ini.Dialect) -> dict[str, Any]:
        root = self.newest.root
        arguments = [argument.replace("ROOT", root) for argument in case["arguments"]]
        os.environ["HOME"] = root
        try:
            found = ini.load_sources(ini.command_line(arguments, "proj", "prog", root, dialect), dialect)
        except GlanceError as error:
            return {"error": error.message}
        values = json.loads(json.dumps(found.values))
        return {
            "answers": [
                ini.resolve(values, option, case["environ"], case["schema"], dialect) for option in case["schema"]
            ]
        }

    def compare(self, case: dict[str, Any], name: str, ours: dict[str, Any], real: dict[str, Any]) -> None:
        if "error" in ours or "error" in real:
            assert ("error" in ours) == ("error" in real), f"{name}: we say {ours}, oslo.config says {real}"
            return
        for option, answer, truth in zip(case["schema"], ours["answers"], real["answers"], strict=True):
            if "the order" in answer["reason"] or "which order" in answer["reason"]:
                continue  # Python 2's dictionaries, written as text: we say that we cannot tell
            expected = (
                {"error": ""} if answer["status"] == "refused" else {"value": self.portable(answer["effective"], name)}
            )
            agree = "error" in truth if "error" in expected else expected == truth
            assert agree, f"{name}: {option}: we say {answer}, oslo.config says {truth}"
            self.values += 1
            self.refused_values += "error" in truth

    def compare_hosts(self, request: dict[str, Any], ours: dict[str, Any]) -> None:
        """Our own code must say the same on the Python 2.7 of an old host as here."""
        theirs = self.pike.ask(**dict(request, ask="ours"))
        for name, answers in theirs.items():
            here, there = _comparable(ours[name].get("answers"), self.newest.root), _comparable(answers, self.pike.root)
            assert here == there, f"{name}: on Python 2.7 we say {there}, here {here}"

    @staticmethod
    def portable(value: Any, name: str) -> Any:
        if name == "pike":
            value = _bytes(value)
        return worker.portable(value)

    # -- the editor

    def edit(self, case: tuple[bytes, list[dict[str, Any]]]) -> None:
        data, options = case
        self.edits += 1
        before = self.real(data)
        try:
            after = ini.edit(data, options, "file.conf")
        except GlanceError as error:
            self.refused_edits += 1
            self.compare_edit(data, options, None)
            simple = (
                all("error" not in reading for reading in before.values())
                and all(map(_simple, options))
                and re.fullmatch(b"[\t\n -~]*", data)
            )
            assert not simple, f"a simple edit is refused: {error.message}"
            return
        self.compare_edit(data, options, after)
        self.check_untouched(data, after, options)
        readings = self.real(after)
        if ["error" in reading for reading in readings.values()] == ["error" in reading for reading in before.values()]:
            assert ini.edit(after, options, "file.conf") == after, "the edit is not idempotent"
        for name, reading in readings.items():
            if "error" in before[name]:
                continue
            assert "error" not in reading, f"{name} refuses the result: {reading}"
            expected = _raws(before[name])
            for item in options:
                values = (
                    [] if item.get("state") == "absent" else item["values"] if "values" in item else [item["value"]]
                )
                for option in (
                    {item["option"].replace("-", "_"), item["option"]}
                    if not values
                    else {item["option"].replace("-", "_")}
                ):
                    key = (_group(item["section"], name), _bytes(option) if name == "pike" else option)
                    expected[key] = _bytes(values) if name == "pike" else values
            expected = {key: values for key, values in expected.items() if values}
            assert _raws(reading) == expected, f"{name} reads {_raws(reading)} and not {expected}"

    def compare_edit(self, data: bytes, options: list[dict[str, Any]], after: bytes | None) -> None:
        if len(data) % OWN == 0:
            there = self.pike.ask(ask="ours", data=base64.b64encode(data).decode(), options=options)
            found = None if there is None else base64.b64decode(there)
            assert found == after, f"on Python 2.7 we write {found!r}, here {after!r}"

    def real(self, data: bytes) -> dict[str, Any]:
        request = {"ask": "parse", "data": base64.b64encode(data).decode()}
        self.pike.send(request)
        return {"newest": self.newest.parse(request), "pike": self.pike.read()}

    @staticmethod
    def check_untouched(before: bytes, after: bytes, options: list[dict[str, Any]]) -> None:
        """Every line of an option that was not named is still there, byte by byte and in order."""
        dialect = ini.NEWEST
        try:
            parsed = ini.parse(before, "", dialect)
        except GlanceError:
            dialect = ini.PIKE
            parsed = ini.parse(before, "", dialect)
        asked = {
            (ini.NEWEST.group(item["section"]), name)
            for item in options
            for name in (item["option"], item["option"].replace("-", "_"))
        }
        gone = {
            number
            for entry in parsed.entries
            if (entry.group, entry.option) in asked
            for number in range(entry.line, entry.last + 1)
        }
        rest = iter(_lines(after, dialect))
        kept = [line for number, line in enumerate(_lines(before, dialect), 1) if number not in gone]
        for index, line in enumerate(kept):
            last = index == len(kept) - 1
            assert any(found == line or (last and found.rstrip(b"\r\n") == line) for found in rest), (
                f"the line {line!r} has gone or moved"
            )

    # -- a run

    def progress(self, total: int) -> None:
        if (self.sets + self.edits) % 2500 == 0:
            print(
                f"{self.sets} file sets and {self.edits} edits compared after {time.time() - self.started:.0f} s",
                flush=True,
            )


def _bytes(value: Any) -> Any:
    """Text as the bytes that Python 2 holds, in Latin-1."""
    if isinstance(value, str):
        return _oslo_parse.to_bytes(value).decode("latin-1")
    if isinstance(value, list):
        return [_bytes(item) for item in value]
    if isinstance(value, dict):
        return {_bytes(key): _bytes(item) for key, item in value.items()}
    return value


def _comparable(answers: Any, root: str) -> str:
    """Answers without what may differ: the place of the files, and how a reason quotes a text."""
    return json.dumps([dict(answer, reason="") for answer in answers or []], sort_keys=True).replace(root, "ROOT")


def _group(section: str, name: str) -> str:
    key = (ini.PIKE if name == "pike" else ini.NEWEST).key(section)
    return _bytes(key) if name == "pike" else key


def _raws(reading: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    return {(group, option): values for group, option, values in reading["values"]}


def _lines(data: bytes, dialect: ini.Dialect) -> list[bytes]:
    return re.findall(b"[^\n]*\n|[^\n]+" if dialect.bytes else b"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", data)


def _simple(item: dict[str, Any]) -> bool:
    texts = [item["section"], item["option"], *item.get("values", []), item.get("value", "")]
    return (
        all(text.isascii() and text.isprintable() for text in texts)
        and item["option"] in ("a", "b", "c", "new")
        and item["section"] == item["section"].strip()
    )


def run(fuzz: Fuzz, strategy: Any, check: Any, examples: int, seed: int | None) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
    )
    @given(strategy)
    def test(case: Any) -> None:
        check(case)
        fuzz.progress(examples)

    hypothesis.seed(time.time_ns() if seed is None else seed)(test)()


def describe(version: str, python: str) -> str:
    return f"{version} (Python {'.'.join(python.split('.')[:2])})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=20000, help="file sets to compare")
    parser.add_argument(
        "--longer", action="store_true", default=bool(os.environ.get("FUZZ_LONGER")), help="fifty times as many"
    )
    parser.add_argument("--seed", type=int, help="repeat a run")
    arguments = parser.parse_args()
    examples = arguments.examples * (50 if arguments.longer else 1)
    fuzz = Fuzz()
    versions = f"{fuzz.pike.description} and {describe(worker.version(), sys.version)}"
    failed = False
    for strategy, check, count in (
        (strategies.file_sets(), fuzz.read, examples),
        (strategies.edits, fuzz.edit, examples // 4),
    ):
        try:
            run(fuzz, strategy, check, count, arguments.seed)
        except Exception as error:  # noqa: BLE001 - hypothesis has printed the smallest case; the other half still runs
            failed = True
            print(f"DISAGREEMENT: {error}", *getattr(error, "__notes__", []), sep="\n", flush=True)
    fuzz.newest.close()
    print(
        f"{fuzz.sets} file sets compared with oslo.config {versions}: {'a disagreement' if failed else '0 disagreements'} "
        f"({fuzz.refused_sets} sets refused by both; {fuzz.values} values, {fuzz.refused_values} of them refused; "
        f"{fuzz.edits} edits, {fuzz.refused_edits} of them refused; {time.time() - fuzz.started:.0f} s)"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
