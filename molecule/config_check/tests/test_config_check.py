# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The check of configurations against what each release's own oslo.config makes of them.

Each release gives its sample configuration, with every default in force, and all are judged by each. The releases are
asked themselves, with their own Python; from 20.2.0 on they have oslo-config-validator to be asked, too.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lablib import releases, trial

HERE = Path(__file__).resolve().parents[1]
RELEASES = tuple(releases.RELEASES)
SAMPLES = (
    "/opt/glance/{}/etc/glance/glance-api.conf",
    "/usr/share/glance-common/glance-api.conf",
    "/usr/share/stackops-glance-lab/etc/glance/glance-api.conf",
)
BROKEN = """[DEFAULT]
bind_port = 99999
Debug = true
image_size_cap = plenty
node-staging-uri = file:///staging
wrokers = 3
disk_formats = raw
show_multiple_locations = perhaps
[glance_store]
stores = file,sheepdog
default_store = tape
filesytem_store_datadir = /images
[database]
max_retries = many
conection = sqlite://
[oslo_concurrency]
disable_process_locking = maybe
[image_format]
container_formats = bare
[image_format]
container_formats = bare,ovf
"""

#: Between the outputs of commands that share a container.
CUT = "=== cut here ==="

#: Ids of findings that say that nothing reads an option, and that an older name still counts.
UNREAD = ("option_unknown", "option_removed", "option_of_later_release")
SECTIONS = ("store_section_unused", "group_not_judged")
# Options that are registered once a service runs and loads a driver, which no sample and no validator knows.
DYNAMIC = (
    *("keystone_authtoken/", "oslo_limit/", "barbican_service_user/", "vault/"),
    *("oslo_messaging_rabbit/conn_pool_", "oslo_messaging_rabbit/rpc_conn_pool_size"),
)


@dataclass(frozen=True)
class Answers:
    """What the releases say of the files, and what the check finds in them, by release and file."""

    theirs: dict[str, dict[str, Any]]
    validators: dict[tuple[str, str], set[str]]
    ours: dict[tuple[str, str], list[dict[str, Any]]]


def in_release(version: str, script: str, folder: Path, stdin: str | None = None) -> str:
    lab = str(trial.REPOSITORY / "molecule" / "lab" / "lab")
    argv = [lab, "in-release", "--mount", str(folder), version, "--", "sh", "-c", script]
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=300)
    assert done.stdout, f"{version}: {done.stderr[-2000:]}"
    return done.stdout


def of_each_release(work: Callable[[str], None]) -> None:
    """Ask all releases at the same time; their answers are many imports each."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(work, RELEASES))


def in_force(sample: str) -> str:
    """A sample with every default taken out of its comment."""
    return re.sub(r"(?m)^#(?=\w+ ?=(?! ?<None>))", "", sample)


def checked(folder: Path, cases: list[dict[str, Any]], *arguments: str) -> list[dict[str, Any]]:
    """The results of glance_config_check for each of these arguments."""
    keep = folder / "found.json"
    variables = {"cases": [{"state_dir": str(folder / "state"), **case} for case in cases], "keep": str(keep)}
    (folder / "cases.json").write_text(json.dumps(variables), encoding="utf-8")
    trial.Run(
        "ansible-playbook", "-i", "localhost,", str(HERE / "check.yml"), "-e", f"@{folder / 'cases.json'}", *arguments
    ).succeeds()
    found: list[dict[str, Any]] = json.loads(keep.read_text(encoding="utf-8"))
    return found


def ids(result: dict[str, Any], severity: str = "") -> set[str]:
    return trial.finding_ids(result, severity)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples of all releases with their defaults in force, beside the paste and policy files of the release."""
    top = tmp_path_factory.mktemp("configurations")

    def keep(version: str) -> None:
        sample = " || ".join(f"cat {sample.format(version)}" for sample in SAMPLES)
        files = {"glance-api.conf": sample, "glance-api-paste.ini": "cat /etc/glance/glance-api-paste.ini"}
        files["policy.json"] = "cat /etc/glance/policy.json"
        said = in_release(version, f"\necho {CUT}\n".join(f"({each}) 2>/dev/null" for each in files.values()), top)
        (top / version).mkdir()
        for name, text in zip(files, said.split(f"{CUT}\n"), strict=True):
            if text:
                (top / version / name).write_text(in_force(text) if name.endswith("conf") else text, encoding="utf-8")

    of_each_release(keep)
    (top / "broken").mkdir()
    (top / "broken" / "glance-api.conf").write_text(BROKEN, encoding="utf-8")
    return top


@pytest.fixture(scope="module")
def answers(folder: Path) -> Answers:
    names = {name: str(folder / name / "glance-api.conf") for name in (*RELEASES, "broken")}
    theirs: dict[str, dict[str, Any]] = {}
    validators: dict[tuple[str, str], set[str]] = {}
    question = (HERE / "ask_release.py").read_text(encoding="utf-8")
    (known,) = re.findall(r"NAMESPACES = \((.*?)\)", question, re.DOTALL)
    spaces = " ".join(f"--namespace {name}" for name in re.findall(r"\"(.+?)\"", known))

    def ask(version: str) -> None:
        script = f"python - {' '.join(names.values())}"
        for name in (version, "broken"):  # the oldest has no validator
            script += f"\necho\necho {CUT}\noslo-config-validator --input-file {names[name]} {spaces} 2>&1"
        answer, *lines = in_release(version, script, folder, question).split(f"{CUT}\n")
        theirs[version] = json.loads(answer.strip().splitlines()[-1])
        for name, text in zip((version, "broken"), lines, strict=True):
            unread = re.findall(r":([^\s:]+/\S+) (?:not found|is not part of the sample config)", text)
            validators[version, name] = set(unread)

    of_each_release(ask)
    cases = [{"config_files": [path], "release": version} for version in RELEASES for path in names.values()]
    results = iter(checked(folder, cases))
    ours = {(version, name): next(results)["findings"] for version in RELEASES for name in names}
    return Answers(theirs, validators, ours)


def label(path: Path, line: int) -> str:
    """``group/option`` of a line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    group = [text for text in lines[:line] if text.startswith("[")][-1][1:-1]
    return f"{group}/{re.split('[=:]', lines[line - 1])[0].strip()}"


def comparable(labels: set[str], missing: list[str]) -> set[str]:
    """Without what only a running service registers, and drivers that this installation cannot load."""
    left_out = [*DYNAMIC]
    left_out += ["s3_"] if "boto3" in missing else []
    left_out += ["cinder_", "rootwrap_config", "os_brick/"] if "os_brick" in missing else []
    return {each for each in labels if not any(each.startswith(mark) or f"/{mark}" in each for mark in left_out)}


def agree(found: list[dict[str, Any]], path: Path, known: set[str], unknown: set[str], missing: list[str]) -> None:
    """What nobody reads is the same to the check and to the release, and everything of it is told."""
    # Sections that the catalogue does not judge, or of stores that nobody enables, get one finding each.
    unused = {label(path, each["line"]).split("/")[0] for each in found if each["id"] in SECTIONS}
    assert not {each for each in known if each.split("/")[0] in unused - {"file", "cinder"} and "store" not in each}
    unread = {label(path, each["line"]) for each in found if each["id"] in UNREAD}
    assert comparable(unread - unknown, missing) == set()
    told = {
        label(path, each["line"]) for each in found if each["line"]
    }  # some rules tell more than that it is not read
    untold = {each for each in unknown - told if each.split("/")[0] not in unused}
    assert comparable(untold, missing) == set()


def of_file(findings: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    return [each for each in findings if each["file"] == str(path)]


@pytest.mark.parametrize("name", [*RELEASES, "broken"])
@pytest.mark.parametrize("version", RELEASES)
def test_what_a_release_reads_and_refuses(answers: Answers, folder: Path, version: str, name: str) -> None:
    path = folder / name / "glance-api.conf"
    said, missing = answers.theirs[version][str(path)], answers.theirs[version]["missing"]
    found = of_file(answers.ours[version, name], path)
    agree(found, path, set(said["known"]), set(said["unknown"]), missing)
    refused = {label(path, each["line"]) for each in found if each["id"] == "value_refused"}
    assert comparable(refused, missing) == comparable(set(said["refused"]), missing)
    assert {label(path, each["line"]) for each in found if each["id"] == "option_renamed"} == set(said["older"])


@pytest.mark.parametrize("name", ["its own", "broken"])
@pytest.mark.parametrize("version", RELEASES[1:])
def test_what_oslo_config_validator_says(answers: Answers, folder: Path, version: str, name: str) -> None:
    name = version if name == "its own" else name
    path = folder / name / "glance-api.conf"
    found = of_file(answers.ours[version, name], path)
    agree(found, path, set(), answers.validators[version, name], answers.theirs[version]["missing"])


@pytest.mark.parametrize("version", RELEASES)
def test_nothing_is_wrong_with_what_a_release_ships(answers: Answers, folder: Path, version: str) -> None:
    path = folder / version / "glance-api.conf"
    said = answers.theirs[version][str(path)]
    for each in answers.ours[version, version]:
        if each["severity"] != "note":
            # The sample of 33.0.0 is older than the library that it is a sample of; the release says so itself.
            assert label(path, each["line"]) in (*said["unknown"], *said["refused"]), each


FLIPS = {
    # What is found on the way from one release to another, for a small configuration: blockers, and others.
    ("15.0.2", "20.2.0"): ({"tls_options_gone", "mysql_driver_missing"}, {"python_changes", "database_migrates"}),
    ("20.2.0", "25.1"): (set(), {"policy_default_changes", "option_removed", "vmdk_types_refused"}),
    ("25.1", "33.0.0"): (
        {"cache_without_self_reference", "paste_healthcheck_filter"},
        {"scopes_enforced", "image_formats_inspected"},
    ),
    ("33.0.0", "25.1"): ({"database_goes_back", "paste_of_later_release"}, {"option_of_later_release"}),
}


def test_from_one_release_to_another(folder: Path) -> None:
    cases = []
    for version, target in FLIPS:
        place = folder / f"{version}-{target}"
        shutil.copytree(folder / version, place)
        old = version == "15.0.2"
        text = (
            f"[DEFAULT]\n{'cert_file = /etc/ssl/a.pem' if old else 'show_multiple_locations = false'}\n"
            f"{'do_secure_hash = false' if version == '33.0.0' else 'registry_host = registry'}\n[database]\n"
            f"connection = mysql{'' if old else '+pymysql'}://glance:not-for-your-eyes@db/glance\n"
            "[paste_deploy]\nflavor = keystone+caching\n"
        )
        (place / "glance-api.conf").write_text(text, encoding="utf-8")
        path = str(place / "glance-api.conf")
        cases.append({"config_files": [path], "release": version, "target_release": target})
    results = checked(folder, cases)
    for (flip, (blockers, others)), result in zip(FLIPS.items(), results, strict=True):
        assert ids(result, "blocker") == blockers, flip
        assert others <= ids(result), flip
    assert "not-for-your-eyes" not in json.dumps(results)


# -- mending ------------------------------------------------------------------------------------------------------

MENDABLE = """# The house's own.
[DEFAULT]
# why
cert_file = /etc/glance/cert.pem
key_file = /etc/glance/key.pem
sql_connection = mysql+pymysql://glance:not-for-your-eyes@db/glance
disk_formats = raw,qcow2
allow_additional_image_properties = False
secure_proxy_ssl_header = HTTP_X_FORWARDED_PROTO
[glance_store]
stores = file,sheepdog
[task]
eventlet_executor_pool_size = 20
"""


def test_what_has_one_right_answer_is_mended(folder: Path) -> None:
    place = folder / "mended"
    place.mkdir()
    path = place / "glance-api.conf"
    path.write_text(MENDABLE, encoding="utf-8")
    case = {"config_files": [str(path)], "release": "25.1", "target_release": "33.0.0", "fix": True}
    (shown,) = checked(place, [case], "--check", "--diff")
    assert shown["changed"] and path.read_text(encoding="utf-8") == MENDABLE
    done, again = checked(place, [case, case])
    assert done["changed"] and not again["changed"] and again["fixed"] == []
    assert done["fixed"] == shown["fixed"]
    assert {each["option"].split()[-1] for each in done["fixed"] if each["old"]} == {
        *("cert_file", "key_file", "sql_connection", "disk_formats", "allow_additional_image_properties"),
        *("secure_proxy_ssl_header", "stores", "eventlet_executor_pool_size"),
    }
    assert "not-for-your-eyes" not in json.dumps([shown, done, again])
    assert path.read_text(encoding="utf-8") == (
        "# The house's own.\n[DEFAULT]\n# why\nimage_property_quota = 0\n[glance_store]\nstores = file\n[task]\n\n"
        "[database]\nconnection = mysql+pymysql://glance:not-for-your-eyes@db/glance\n\n"
        "[image_format]\ndisk_formats = raw,qcow2\n\n"
        "[taskflow_executor]\nmax_workers = 20\n\n[oslo_middleware]\nenable_proxy_headers_parsing = true\n"
    )
    said = in_release("33.0.0", f"python - {path}", folder, (HERE / "ask_release.py").read_text(encoding="utf-8"))
    answer = json.loads(said.splitlines()[-1])[str(path)]
    assert (answer["unknown"], answer["older"], answer["refused"]) == ([], [], [])


# -- bad input ----------------------------------------------------------------------------------------------------


def test_bad_input_is_named(folder: Path) -> None:
    place = folder / "bad"
    place.mkdir()
    contents = {
        "rubbish.conf": bytes(range(256)) * 4,
        "empty.conf": b"",
        "fine.conf": b"[DEFAULT]\n",
        "list.conf": b"[oslo_policy]\npolicy_file = list.yaml\n",
        "list.yaml": b"- role:admin\n",
        "open.conf": b"[oslo_policy]\npolicy_file = open.yaml\n",
        "open.yaml": b"add_image: [\n",
        "bytes.conf": b"[oslo_policy]\npolicy_file = bytes.yaml\n[paste_deploy]\nconfig_file = bytes.ini\n",
        "bytes.yaml": b"add_image: '\xff'\n",
        "bytes.ini": b"[app:x]\n\x00\xfe\n",
    }
    for name, content in contents.items():
        (place / name).write_bytes(content)
    cases = [
        {"config_files": [str(place / name)], "release": "25.1", "fail_on": "blocker"}
        for name in ("rubbish.conf", "none.conf", "list.conf", "open.conf", "bytes.conf", "empty.conf")
    ]
    cases.append({"config_files": [str(place / "fine.conf")], "release": "atlantis"})
    cases.append({"config_files": [str(place / "fine.conf")], "release": "25.1", "service": "cinder-volume"})
    rubbish, none, list_, open_, bytes_, empty, release, service = checked(place, cases)
    for result, said in (
        (rubbish, f"{place}/rubbish.conf:3: "),
        (none, f"{place}/none.conf does not exist"),
        (list_, f"{place}/list.yaml:1: Glance 25.1 (Zed) cannot read its policy"),
        (open_, f"{place}/open.yaml:2: "),
        (bytes_, "is not UTF-8"),
        (release, "'atlantis' is no release of Glance that the catalogue knows"),
        (service, "cinder-volume is no service that the release catalogue can judge"),
    ):
        assert result["failed"] and said in result["msg"], result["msg"]
    assert not empty["failed"] and empty["counts"]["blocker"] == 0
    assert {each["id"] for each in bytes_["findings"] if each["severity"] == "blocker"} == {
        *("policy_refused", "paste_refused"),
    }
