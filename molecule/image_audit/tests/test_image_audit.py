# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""One image of every kind of finding, made through v1 and v2 of a real Glance, among thousands of innocent ones.

SQL makes only what nobody's request makes any more: rows that history, a crash or another release has left.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lablib import databases, seed, trial
from lablib.common import REPOSITORY
from lablib.hosts import INFRA

INNOCENT = 3000
JSON = {"Content-Type": "application/json"}
MARKUP = "<img src=x onerror=alert(1)> {{ 7 * 7 }} 'quoted'"
REMEDIES = {
    "renamed": {"property-name-rewritten", "property-shadowed"},
    "removed": {"property-reserved", "property-null", "boot-property-none"},
}
REMEDIED = {kind for kinds in REMEDIES.values() for kind in kinds}
#: Images of these kinds look different through the two versions; of the others, what may be done to them differs.
LOOK_DIFFERENT = ("property-name-rewritten", "property-shadowed", "property-null")
#: Kinds that v2 does not show; what the database finds is the measure.
HIDDEN = {
    "active-without-location",
    "deleted-image",
    "location-encrypted",
    "location-http",
    "location-without-store",
    "member-can-share",
    "member-pending",
    "private-with-members",
    "property-case-collision",
    "property-null",
    "property-shadowed",
}


def made(name: str, arguments: dict[str, Any], *more: str) -> dict[str, Any]:
    """What a module hands back on this machine."""
    run = trial.module("localhost", name, arguments, *more).succeeds()
    return json.loads(run.output[run.output.index("=> {") + 3 :])


def findings(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        found.setdefault(row["finding"], set()).add(row["image"])
    return found


# -- seeds --------------------------------------------------------------------------------------------------------


class Cloud:
    """Images through both versions of a real Glance."""

    def __init__(self) -> None:
        self.api = seed.Api("admin")
        self.partner = seed.Api("partner")

    def v1(self, name: str, properties: dict[str, str] | None = None, body: bytes = b"12345", **meta: str) -> str:
        given = {"name": name, "disk_format": "raw", "container_format": "bare", "is_public": "True", **meta}
        headers = {f"x-image-meta-{key}": value for key, value in given.items()}
        headers |= {f"x-image-meta-property-{key}": value for key, value in (properties or {}).items()}
        if "location" not in meta:
            headers["Content-Type"] = "application/octet-stream"
        return json.loads(self.api.call("POST", "/v1/images", headers, body))["image"]["id"]

    def v2(self, name: str, body: bytes | None = b"12345", **facts: Any) -> str:
        given = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private", **facts}
        answer = self.api.call("POST", "/v2/images", JSON, json.dumps(given).encode())
        image_id = json.loads(answer)["id"]
        if body is not None:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(body))}
            self.api.call("PUT", f"/v2/images/{image_id}/file", headers, body)
        return image_id

    def member(self, image_id: str, can_share: bool = False) -> None:
        body = json.dumps({"member": {"can_share": can_share}}).encode()
        self.api.call("PUT", f"/v1/images/{image_id}/members/{self.partner.project_id}", JSON, body)

    def accept(self, image_id: str) -> None:
        body = json.dumps({"status": "accepted"}).encode()
        self.partner.call("PUT", f"/v2/images/{image_id}/members/{self.partner.project_id}", JSON, body)

    def properties(self, image_id: str) -> tuple[dict[str, str], dict[str, str]]:
        """An image's custom properties as v1 shows them in its headers, and as v2 does."""
        _status, headers, _body = seed.request("HEAD", f"{seed.GLANCE}/v1/images/{image_id}", self.api.headers, None)
        mark = "x-image-meta-property-"
        first = {
            name.lower().removeprefix(mark): value for name, value in headers.items() if name.lower().startswith(mark)
        }
        shown = json.loads(self.api.call("GET", f"/v2/images/{image_id}"))
        own = trial_base()
        return first, {name: value for name, value in shown.items() if name not in own}


def trial_base() -> frozenset[str]:
    """The fields of an image in v2, as Pike knows them."""
    return frozenset(
        "checksum container_format created_at disk_format file id min_disk min_ram name owner protected schema self size "
        "status tags updated_at virtual_size visibility".split()
    )


@pytest.fixture(scope="module")
def seeds() -> dict[str, set[str]]:
    """For each kind, the images that are of it."""
    cloud = Cloud()
    expected = {
        "property-name-rewritten": {cloud.v2(MARKUP, **{"HW_Disk_Bus": "scsi", "two-words": "x"})},
        "property-shadowed": {cloud.v1("shadowed", {"owner": "custom", "status": "fine"})},
        "property-reserved": {cloud.v1("reserved", {"deleted": "perhaps"}), cloud.v2("mine", os_glance_mine="x")},
        "property-null": {cloud.v1("null", {"note": ""})},
        "boot-property-none": {cloud.v1("no kernel", {"kernel_id": "None", "ramdisk_id": "none"})},
        "active-empty": {cloud.v2("empty", body=b"")},
        "member-pending": {cloud.v2("pending", visibility="shared")},
        "member-can-share": {cloud.v2("can share", visibility="shared")},
        "community-visibility": {cloud.v2("community", visibility="community")},
        "deleted-image": {cloud.v1("deleted", {"Ignored": "x"})},
        "image-id-not-uuid": {cloud.v1("odd id", id=str(uuid.uuid4()).upper())},
        "stuck-queued": {cloud.v2("queued", body=None)},
        "location-http": {
            cloud.v1("far away", body=b"", location=f"http://{INFRA.address}:9292/healthcheck", size="2")
        },
    }
    (pending,), (sharing,) = expected["member-pending"], expected["member-can-share"]
    cloud.member(pending)
    cloud.member(sharing)
    cloud.accept(sharing)
    cloud.member(sharing, can_share=True)  # only now: v2 knows no such right and takes it away
    cloud.api.call("DELETE", "/v1/images/" + "".join(expected["deleted-image"]))
    # What no request makes any more.
    later = {
        "active-without-location": "UPDATE image_locations SET deleted = 1, deleted_at = NOW() WHERE image_id = '{}'",
        "format-refused": "UPDATE images SET disk_format = 'RAW' WHERE id = '{}'",
        "location-encrypted": "UPDATE image_locations SET value = 'gAAAAABaQ4Zf' WHERE image_id = '{}'",
        "stuck-saving": "UPDATE images SET status = 'saving', updated_at = '2016-05-04' WHERE id = '{}'",
        "stuck-uploading": "UPDATE images SET status = 'uploading', updated_at = '2016-05-04' WHERE id = '{}'",
        "stuck-importing": "UPDATE images SET status = 'importing', updated_at = '2016-05-04' WHERE id = '{}'",
        "private-with-members": "INSERT INTO image_members (image_id, member, can_share, status, created_at, deleted) "
        "VALUES ('{}', 'friend', 0, 'accepted', NOW(), 0)",
        "location-without-store": "UPDATE image_locations SET meta_data = NULL WHERE image_id = '{}'",
        "stuck-copying": "INSERT INTO image_properties (image_id, name, value, created_at, deleted) VALUES "
        "('{0}', 'os_glance_import_task', 't', NOW(), 0); UPDATE images SET updated_at = '2016-05-04' WHERE id = '{0}'",
    }
    script = f"UPDATE images SET updated_at = '2016-05-04' WHERE id = '{''.join(expected['stuck-queued'])}';"
    for kind, statement in later.items():
        expected[kind] = {cloud.v2(f"image of {kind}")}
        script += statement.format("".join(expected[kind])) + ";"
    innocent = [
        cloud.v1("plain", {"hw_disk_bus": "scsi", "os_distro": "debian", "block_device_mappings": "x"}),
        cloud.v2("snapshot of a volume", body=b"", block_device_mapping="[{}]"),
        cloud.v2("queued today", body=None),
        cloud.v2("lower", **{"owner_of_it": "me", "kernel_id": str(uuid.uuid4())}),
    ]
    cloud.member(innocent[0])  # it is public: v1 and v2 show it to everybody
    # From Rocky on, several stores name themselves in their locations.
    stores = """UPDATE image_locations SET meta_data = '{"store": "fast"}';"""
    databases.execute(many(INNOCENT) + stores + script, "glance")
    expected["shared-visibility"] = expected["member-pending"] | expected["member-can-share"]
    return expected


def many(count: int) -> str:
    """SQL for so many images about which there is nothing to say."""
    digest = "MD5(CONCAT('innocent', seq))"
    uuid_ = f"CONCAT_WS('-', SUBSTR({digest}, 1, 8), SUBSTR({digest}, 9, 4), SUBSTR({digest}, 13, 4), " + (
        f"SUBSTR({digest}, 17, 4), SUBSTR({digest}, 21))"
    )
    return (
        "INSERT INTO images (id, name, size, status, created_at, updated_at, deleted, disk_format, container_format, "
        f"owner, min_disk, min_ram, protected, visibility) SELECT {uuid_}, CONCAT('innocent ', seq), 5, 'active', "
        "NOW() - INTERVAL seq HOUR, NOW() - INTERVAL seq HOUR, 0, 'qcow2', 'bare', 'project', 0, 0, 0, "
        f"IF(seq % 2, 'private', 'public') FROM seq_1_to_{count};"
        "INSERT INTO image_properties (image_id, name, value, created_at, deleted) SELECT i.id, n.name, 'value', "
        "i.created_at, 0 FROM images i JOIN (SELECT 'os_distro' name UNION SELECT 'hw_vif_model' UNION SELECT 'names') n "
        "WHERE i.name LIKE 'innocent %';"
        "INSERT INTO image_locations (image_id, value, meta_data, status, created_at, deleted) SELECT id, 'file:///x', "
        "'{}', 'active', created_at, 0 FROM images WHERE name LIKE 'innocent %';"
    )


@pytest.fixture(scope="module")
def url() -> str:
    return databases.url("glance")


# -- found exactly ------------------------------------------------------------------------------------------------


def test_the_database_shows_them_all_and_no_other(seeds: dict[str, set[str]], url: str, tmp_path: Path) -> None:
    found = made("image_audit_info", {"database": url, "file": str(tmp_path / "found.jsonl")})
    assert findings(tmp_path / "found.jsonl") == seeds
    assert {each["id"]: each["count"] for each in found["findings"]} == {kind: len(ids) for kind, ids in seeds.items()}
    assert found["images"] >= INNOCENT and found["database"].startswith("MariaDB 10.")
    assert databases.PASSWORD not in json.dumps(found)


def test_the_api_shows_what_it_can_and_says_what_it_cannot(seeds: dict[str, set[str]], tmp_path: Path) -> None:
    found = made("image_audit_info", {"cloud": "lab", "file": str(tmp_path / "found.jsonl")})
    assert findings(tmp_path / "found.jsonl") == {kind: ids for kind, ids in seeds.items() if kind not in HIDDEN}
    assert set(found["cannot_see"]) == HIDDEN
    assert found["complete"] and found["images"] >= INNOCENT


def test_the_api_of_one_project_says_that_it_is_not_all(seeds: dict[str, set[str]]) -> None:
    run = trial.module("localhost", "image_audit_info", {"cloud": "lab-demo"}).succeeds()
    run.says('"complete": false', "Without the role admin")


@pytest.mark.parametrize(("release", "revision"), trial.some([("15.0.2", "mitaka02"), ("33.0.0", "")], 0))
def test_other_schemas(tmp_path: Path, release: str, revision: str) -> None:
    """The rows of the unit tests, in MariaDB with its collations, before `visibility` and at the newest release."""
    helper = unit_helper()
    name = "audit_schema"
    url = databases.create(name, release, revision)
    try:
        if release == "33.0.0":
            # Where names that differ by case can stand side by side at all.
            databases.execute(
                "ALTER TABLE image_properties MODIFY name VARCHAR(255) COLLATE utf8mb3_bin NOT NULL", name
            )
        database = Script(helper, "is_public" if revision else "visibility", collide=release == "33.0.0")
        expected = {kind: ids for kind, ids in helper.fill(database).items() if ids}
        databases.execute("SET NAMES utf8mb4;" + "".join(database.statements), name)
        found = made("image_audit_info", {"database": url, "file": str(tmp_path / "found.jsonl")})
        if not database.collide:
            expected.pop("property-case-collision")
        assert findings(tmp_path / "found.jsonl") == expected
        assert found["schema"] == database.schema
    finally:
        databases.drop(name)


def unit_helper() -> ModuleType:
    path = REPOSITORY / "tests" / "unit" / "plugins" / "cloud" / "glance_database.py"
    spec = importlib.util.spec_from_file_location("glance_database", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def Script(helper: ModuleType, schema: str, collide: bool) -> Any:  # noqa: N802  (makes an object)
    """The unit tests' database, writing a script of SQL in place of SQLite."""

    class Writer(helper.GlanceDatabase):
        def __init__(self) -> None:
            self.schema, self.collide, self.statements = schema, collide, []

        def insert(self, table: str, row: dict[str, Any]) -> None:
            row = {"deleted": 0, **row}
            if table == "images":
                row |= {"min_disk": 0, "min_ram": 0, "protected": 0}
            if row.get("name") == "OS_Type" and not collide:
                return
            values = ", ".join(literal(value) for value in row.values())
            self.statements.append(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values});\n")

    return Writer()


def literal(value: Any) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    return f"CONVERT(X'{value.encode().hex()}' USING utf8mb4)"


# -- remedied, and back -------------------------------------------------------------------------------------------


def test_remedied_both_versions_agree_and_back_they_do_not(
    seeds: dict[str, set[str]], url: str, tmp_path: Path
) -> None:
    cloud = Cloud()
    images = sorted({each for kind in REMEDIED for each in seeds[kind]})
    named, record = tmp_path / "found.jsonl", tmp_path / "record.jsonl"
    both = {"cloud": "lab", "database": url, "record": str(record)}
    made("image_audit_info", {"database": url, "file": str(named)})
    before = {image: cloud.properties(image) for image in images}
    rows = properties()
    for kind in LOOK_DIFFERENT:
        assert any(first != second for first, second in (before[image] for image in seeds[kind])), kind
    for remedy, kinds in REMEDIES.items():
        arguments = {**both, "from_file": str(named), "findings": sorted(kinds), "remedy": remedy}
        planned = made("image_properties", arguments, "--check")
        assert planned["changed"] and planned["ways"]["database"]
        assert planned["ways"]["api"] == (remedy == "renamed")  # two-words; the rest only SQL can do, or undo
        assert made("image_properties", arguments)["ways"] == planned["ways"]
        assert not made("image_properties", arguments)["changed"]
    for image in images:
        first, second = cloud.properties(image)
        assert first == second, image
    (image,) = seeds["property-name-rewritten"]
    assert cloud.properties(image)[1] == {"hw_disk_bus": "scsi", "two_words": "x"}
    made("image_audit_info", {"database": url, "file": str(named)})
    left = findings(named)
    assert left == {kind: ids for kind, ids in seeds.items() if kind not in REMEDIED}

    undo = {**both, "state": "restored"}
    assert made("image_properties", undo)["changed"]
    assert not made("image_properties", undo)["changed"]
    assert {image: cloud.properties(image) for image in images} == before
    assert properties() == rows
    made("image_audit_info", {"database": url, "file": str(named)})
    assert findings(named) == seeds


def properties() -> list[dict[str, str | None]]:
    """Every live property, whichever row holds it."""
    return databases.rows("SELECT image_id, name, value FROM image_properties WHERE deleted = 0 ORDER BY 1, 2, 3")


def test_what_somebody_changed_since_is_refused_by_name(seeds: dict[str, set[str]], url: str, tmp_path: Path) -> None:
    (image,) = seeds["property-shadowed"]
    wanted = {"image": image, "property": "owner", "state": "removed", "value": "of somebody else"}
    before = properties()
    arguments = {"way": "database", "database": url, "changes": [wanted], "record": str(tmp_path / "record.jsonl")}
    trial.module("localhost", "image_properties", arguments).fails(image, "'owner'", "it has changed since")
    assert properties() == before and not (tmp_path / "record.jsonl").exists()


@trial.thorough
def test_case_alone_through_v2_is_refused_beforehand(seeds: dict[str, set[str]], tmp_path: Path) -> None:
    (image,) = seeds["property-name-rewritten"]
    wanted = {"image": image, "property": "HW_Disk_Bus", "state": "renamed", "to": "hw_disk_bus"}
    arguments = {"cloud": "lab", "changes": [wanted], "record": str(tmp_path / "record.jsonl")}
    trial.module("localhost", "image_properties", arguments).fails("only SQL can", "Give database")


# -- bad input ----------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_nowhere_shown(tmp_path: Path) -> None:
    url = databases.url("glance").replace(databases.PASSWORD, "quite-the-wrong-word")
    run = trial.module(
        "localhost", "image_audit_info", {"database": url, "file": str(tmp_path / "found.jsonl")}, "-vvv"
    )
    run.fails("refused user and password", f"{INFRA.address}:3306")
    # The command line that the test itself gave stands in the first line of the log.
    assert "quite-the-wrong-word" not in run.output.partition("\n")[2]
    assert list(tmp_path.iterdir()) == []


@contextlib.contextmanager
def cut_after(size: int) -> Iterator[int]:
    """A door to the database that falls shut once so many bytes have come out; its port."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def pass_on(source: socket.socket, target: socket.socket, most: float) -> None:
            with contextlib.suppress(OSError):
                while most > 0 and (data := source.recv(4096)):
                    target.sendall(data[: int(min(most, 4096))])
                    most -= len(data)
                for end in (source, target):
                    end.shutdown(socket.SHUT_RDWR)

        def serve() -> None:
            with contextlib.suppress(OSError):
                client, _address = door.accept()
                server = socket.create_connection((INFRA.address, 3306))
                threading.Thread(target=pass_on, args=(client, server, float("inf")), daemon=True).start()
                pass_on(server, client, size)

        threading.Thread(target=serve, daemon=True).start()
        yield door.getsockname()[1]


@trial.thorough
def test_a_database_that_goes_away_half_way(seeds: dict[str, set[str]], url: str, tmp_path: Path) -> None:
    with cut_after(4000) as port:
        away = url.replace(INFRA.address, f"127.0.0.1:{port}")
        run = trial.module("localhost", "image_audit_info", {"database": away, "file": str(tmp_path / "found.jsonl")})
        run.fails("the connection was lost", f"127.0.0.1:{port}")
    assert list(tmp_path.iterdir()) == [], "a part of the file was left"


def test_a_right_to_read_is_enough_and_needed(seeds: dict[str, set[str]], tmp_path: Path) -> None:
    databases.execute(
        "CREATE OR REPLACE USER auditor IDENTIFIED BY 'auditor-secret'; GRANT SELECT ON glance.* TO auditor"
    )
    try:
        url = databases.url("glance").replace(f"glance:{databases.PASSWORD}", "auditor:auditor-secret")
        assert made("image_audit_info", {"database": url})["count"] == sum(len(ids) for ids in seeds.values())
        (image,) = seeds["property-shadowed"]
        wanted = {"image": image, "property": "owner", "state": "removed"}
        arguments = {"way": "database", "database": url, "changes": [wanted], "record": str(tmp_path / "record.jsonl")}
        trial.module("localhost", "image_properties", arguments).fails("denied")
    finally:
        databases.execute("DROP USER auditor")
