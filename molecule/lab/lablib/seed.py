# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Images as an old cloud holds them: created through Images API v1, and their hashes remembered."""

from __future__ import annotations

import functools
import hashlib
import http.client
import json
import random
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .common import LabError, say, state_dir
from .hosts import GLANCE, KEYSTONE

MIB = 1024 * 1024
RECORD = "seed.json"
#: Seconds for which a token serves; Keystone gives it for an hour.
TOKEN_SECONDS = 1200


@dataclass(frozen=True)
class Seed:
    name: str
    disk_format: str
    container_format: str
    size: int
    properties: dict[str, str] = field(default_factory=dict)
    project: str = "demo"
    public: bool = False
    protected: bool = False
    shared_with: str | None = None


SEEDS = (
    Seed("cirros-raw", "raw", "bare", 16 * MIB, {"hw_disk_bus": "virtio", "os_distro": "cirros"}, "admin", public=True),
    Seed(
        "debian-qcow2",
        "qcow2",
        "bare",
        64 * MIB,
        {"os_distro": "debian", "MixedCase": "kept by v2 only", "two-words": "v1 writes _"},
    ),
    Seed("windows-vhd", "vhd", "bare", 128 * MIB, {"os_type": "windows", "hw_vif_model": "e1000"}, "partner"),
    Seed("big-raw", "raw", "bare", 256 * MIB, {"purpose": "the largest of the lab"}),
    Seed("rescue-iso", "iso", "bare", 8 * MIB, {}, "admin", public=True, protected=True),
    Seed("shared-vmdk", "vmdk", "bare", 4 * MIB, {"vmware_disktype": "sparse"}, shared_with="partner"),
    Seed("kernel", "aki", "aki", MIB + 1, {}),
    Seed("odd-properties", "qcow2", "ovf", 1024, {"empty": "", "unicode": "Zürich"}),
)


def content(seed: Seed) -> Iterator[bytes]:
    """The image's bytes, the same ones each time; behind a qcow2 header where the format is qcow2."""
    block = random.Random(seed.name).randbytes(MIB)
    start = struct.pack(">4sI", b"QFI\xfb", 2) if seed.disk_format == "qcow2" else b""
    left = seed.size
    number = 0
    while left:
        piece = (start + struct.pack(">Q", number) + block)[: min(MIB, left)]
        start = b""
        left -= len(piece)
        number += 1
        yield piece


class Api:
    """Requests to one server as one user."""

    def __init__(self, project: str) -> None:
        body = {
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {
                        "user": {"name": project, "domain": {"name": "Default"}, "password": f"lab-{project}-secret"}
                    },
                },
                "scope": {"project": {"name": project, "domain": {"name": "Default"}}},
            }
        }
        status, headers, answer = request(
            "POST", f"{KEYSTONE}/auth/tokens", {"Content-Type": "application/json"}, json.dumps(body).encode()
        )
        if status != 201:
            raise LabError(f"Keystone at {KEYSTONE} refused the user {project}: {status} {answer[:200]!r}")
        self.headers = {"X-Auth-Token": headers["X-Subject-Token"]}
        self.project_id: str = json.loads(answer)["token"]["project"]["id"]

    def call(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | Iterator[bytes] | None = None
    ) -> bytes:
        status, _, answer = request(method, GLANCE + path, {**self.headers, **(headers or {})}, body)
        if status >= 300:
            raise LabError(f"{method} {GLANCE}{path}: {status} {answer[:300]!r}")
        return answer

    def sha256(self, path: str) -> str:
        """The hash of what a download brings, without holding it in memory."""
        connection, response = send("GET", GLANCE + path, self.headers, None)
        with connection_closing(connection):
            if response.status != 200:
                raise LabError(f"GET {GLANCE}{path}: {response.status} {response.read(300)!r}")
            digest = hashlib.sha256()
            while piece := response.read(MIB):
                digest.update(piece)
        return digest.hexdigest()


def headers(project: str) -> dict[str, str]:
    """What a request of this user needs, also of one that goes on for hours."""
    return _headers(project, int(time.monotonic() // TOKEN_SECONDS))


@functools.cache
def _headers(project: str, _period: int) -> dict[str, str]:
    return Api(project).headers


class connection_closing:  # noqa: N801  (reads as a word)
    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self.connection = connection

    def __enter__(self) -> None:
        return None

    def __exit__(self, *unused: object) -> None:
        self.connection.close()


def send(
    method: str, url: str, headers: dict[str, str], body: bytes | Iterator[bytes] | None
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    try:
        connection.request(
            method,
            parts.path + (f"?{parts.query}" if parts.query else ""),
            body,
            {name: value.encode("utf-8").decode("latin-1") for name, value in headers.items()},
        )
        return connection, connection.getresponse()
    except OSError as error:
        connection.close()
        raise LabError(f"{method} {url}: {error}. Is the lab up?") from error


def request(
    method: str, url: str, headers: dict[str, str], body: bytes | Iterator[bytes] | None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection, response = send(method, url, headers, body)
    with connection_closing(connection):
        return response.status, response.headers, response.read()


def create(most: int | None = None) -> None:
    """Create every image of SEEDS that is not there yet; with ``most``, those of no more bytes."""
    record = read_record()
    apis = {project: Api(project) for project in ("admin", "demo", "partner")}
    for seed in SEEDS:
        if seed.name in record or (most is not None and seed.size > most):
            continue
        digest = hashlib.sha256()
        for piece in content(seed):
            digest.update(piece)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(seed.size),
            "x-image-meta-name": seed.name,
            "x-image-meta-disk_format": seed.disk_format,
            "x-image-meta-container_format": seed.container_format,
            "x-image-meta-is_public": str(seed.public),
            "x-image-meta-protected": str(seed.protected),
            "x-image-meta-min_disk": "1",
            **{f"x-image-meta-property-{name}": value for name, value in seed.properties.items()},
        }
        api = apis[seed.project]
        image = json.loads(api.call("POST", "/v1/images", headers, content(seed)))["image"]
        if seed.shared_with:
            api.call("PUT", f"/v1/images/{image['id']}/members/{apis[seed.shared_with].project_id}")
        record[seed.name] = {
            "id": image["id"],
            "sha256": digest.hexdigest(),
            "size": seed.size,
            "project": seed.project,
            "disk_format": seed.disk_format,
            "container_format": seed.container_format,
            "properties": image["properties"],
            "public": seed.public,
            "protected": seed.protected,
            "members": [apis[seed.shared_with].project_id] if seed.shared_with else [],
        }
        (state_dir() / RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        say(f"{seed.name}: {seed.size / MIB:.1f} MiB {seed.disk_format}, {image['id']}")
    say(f"{len(record)} images, recorded in {state_dir() / RECORD}")


def read_record() -> dict[str, dict[str, object]]:
    path = state_dir() / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def verify() -> bool:
    """Download every recorded image, through the newest API that answers, and compare."""
    record = read_record()
    if not record:
        raise LabError(f"No images are recorded in {state_dir() / RECORD}: run `lab seed` first.")
    api = Api("admin")
    version = answering()
    good = True
    for name, image in record.items():
        path = f"/v2/images/{image['id']}/file" if version == 2 else f"/v1/images/{image['id']}"
        try:
            found = api.sha256(path)
        except LabError as error:
            say(f"{name}: LOST, {error}")
            good = False
            continue
        same = found == image["sha256"]
        good = good and same
        say(f"{name}: {'same' if same else 'CHANGED'} (v{version}, {found[:12]}…)")
    say(f"{len(record)} images looked at: {'all there with the same hashes' if good else 'NOT all as created'}")
    return good


def answering() -> int:
    status, _, answer = request("GET", f"{GLANCE}/versions", {}, None)
    if status not in (200, 300):
        raise LabError(f"GET {GLANCE}/versions: {status}. No Glance host is in service.")
    return max(int(version["id"][1]) for version in json.loads(answer)["versions"])
