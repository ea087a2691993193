# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small Keystone and Glance over real HTTP, so that openstacksdk's own session is what the modules use."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible.module_utils.testing import patch_module_args

PASSWORD = "correct horse"
#: What Glance adds to an image that is created.
NEW: dict[str, Any] = {
    "owner": "p",
    "visibility": "shared",
    "protected": False,
    "os_hidden": False,
    "min_disk": 0,
    "min_ram": 0,
    "tags": [],
    "created_at": "2026-11-26T06:00:00Z",
}


class FakeCloud:
    """What the server knows. Tests change it; ``faults`` maps "METHOD /path" patterns to a status to answer with."""

    def __init__(self) -> None:
        self.url = ""
        self.v1, self.v2, self.protected = True, True, True
        self.roles = ["admin"]
        self.images: dict[str, dict[str, Any]] = {}
        self.data: dict[str, bytes] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.faults: dict[str, int] = {}
        self.spoil: Callable[[bytes], bytes] = bytes
        self.requests: list[str] = []
        self.page = 2
        self.schema: dict[str, Any] = {
            "disk_format": {"enum": [None, "raw", "qcow2"]},
            "container_format": {"enum": [None, "bare"]},
        }
        self.versions = ["v2.6", "v2.5", "v2.0"]
        self.services = {"glance-id": "image", "nova-id": "compute"}
        #: What Keystone lists under these paths.
        self.lists: dict[str, list[dict[str, Any]]] = {}
        #: What Glance tells of its stores, nothing where it has a single one, and of its import methods.
        self.stores: list[dict[str, Any]] = []
        self.methods = ["glance-direct"]
        #: What lies at URLs, what was staged, and the bodies of the imports that were asked for.
        self.web: dict[str, bytes] = {}
        self.staged: dict[str, bytes] = {}
        self.imports: list[dict[str, Any]] = []
        #: What an import makes of an image; None lets it work.
        self.importer: Callable[[dict[str, Any]], None] | None = None

    def add_endpoint(self, endpoint_id: str, interface: str, url: str, service: str = "glance-id") -> None:
        self.endpoints[endpoint_id] = {
            "id": endpoint_id,
            "interface": interface,
            "region": "One",
            "region_id": "One",
            "url": url,
            "service_id": service,
            "enabled": True,
        }

    def token(self) -> dict[str, Any]:
        return {
            "token": {
                "methods": ["password"],
                "user": {"id": "u", "name": "admin", "domain": {"id": "default", "name": "Default"}},
                "project": {"id": "p", "name": "admin", "domain": {"id": "default", "name": "Default"}},
                "roles": [{"id": role, "name": role} for role in self.roles],
                "issued_at": "2026-11-21T00:00:00.000000Z",
                "expires_at": "2099-11-21T00:00:00.000000Z",
                "catalog": [
                    {
                        "id": service,
                        "type": kind,
                        "name": service,
                        "endpoints": [e for e in self.endpoints.values() if e["service_id"] == service],
                    }
                    for service, kind in self.services.items()
                ],
            }
        }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cloud: FakeCloud

    def log_message(self, *args: Any) -> None:
        """Say nothing: tests read ``cloud.requests``."""

    def answer(self, status: int, body: Any = None, headers: dict[str, str] | None = None, raw: bytes = b"") -> None:
        data = raw if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def handle_any(self) -> None:
        cloud, path = self.cloud, urlsplit(self.path).path
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cloud.requests.append(f"{self.command} {self.path}")
        for pattern, status in cloud.faults.items():
            if re.fullmatch(pattern, f"{self.command} {path}"):
                return self.answer(status, raw=f"<html><b>fault</b> {status}</html>".encode())
        if path.startswith("/identity/v3/auth/tokens"):
            given = json.loads(body)["auth"]["identity"]["password"]["user"]["password"]
            if given != PASSWORD:
                return self.answer(401, {"error": {"message": "The request you have made requires authentication."}})
            return self.answer(201, cloud.token(), {"X-Subject-Token": "secret-token"})
        if path.startswith("/identity"):
            return self.keystone(path.removeprefix("/identity/v3"), body)
        if path == "/":
            ids = (cloud.versions if cloud.v2 else []) + (["v1.1", "v1.0"] if cloud.v1 else [])
            listed = [{"id": each, "status": "SUPPORTED" if n else "CURRENT"} for n, each in enumerate(ids)]
            return self.answer(300, {"versions": listed})
        if path.startswith("/v1") and not cloud.v1 or path.startswith("/v2") and not cloud.v2:
            return self.answer(300, {"versions": []})
        if cloud.protected and not self.headers.get("X-Auth-Token"):
            return self.answer(401)
        return self.glance_v1(path, body) if path.startswith("/v1") else self.glance_v2(path, query, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any

    def keystone(self, path: str, body: bytes) -> None:
        kind, _slash, key = path.strip("/").partition("/")
        if kind == "services":
            return self.answer(200, {"service": {"id": key, "type": self.cloud.services[key]}})
        if kind == "endpoints" and key in self.cloud.endpoints:
            if self.command == "PATCH":
                self.cloud.endpoints[key].update(json.loads(body)["endpoint"])
            return self.answer(200, {"endpoint": self.cloud.endpoints[key]})
        if kind in self.cloud.lists:
            effective, system = (name in urlsplit(self.path).query for name in ("effective", "scope.system"))
            rows = [row for row in self.cloud.lists[kind] if row.get("effective") in (None, effective)]
            if kind == "role_assignments" and (effective or system):  # as Keystone has them: one or the other
                rows = [row for row in rows if ("system" in row["scope"]) == system]
            return self.answer(200, {"links": {"self": self.path}, kind: rows})
        if not kind:
            links = [{"rel": "self", "href": f"{self.cloud.url}/identity/v3/"}]
            return self.answer(200, {"version": {"id": "v3.8", "status": "stable", "links": links}})
        return self.answer(404, {"error": {"message": f"Could not find {path}."}})

    def store(self, image_id: str, body: bytes) -> None:
        self.cloud.data[image_id] = body
        checksum = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.cloud.images[image_id].update(size=len(body), checksum=checksum, status="active")
        if "os_hash_algo" in self.cloud.schema:  # Rocky and newer
            value = hashlib.sha512(body).hexdigest()
            self.cloud.images[image_id].update(os_hash_algo="sha512", os_hash_value=value)

    def glance_v1(self, path: str, body: bytes) -> None:
        image_id = path.removeprefix("/v1/images").strip("/")
        if not image_id and self.command == "POST":
            image_id = self.headers["x-image-meta-id"]
            self.cloud.images[image_id] = {"id": image_id, "name": self.headers["x-image-meta-name"]}
            self.store(image_id, body)
            return self.answer(201, {"image": self.cloud.images[image_id]})
        if not image_id:
            return self.answer(200, {"images": []})
        if image_id not in self.cloud.images:
            return self.answer(404)
        if self.command == "DELETE":
            self.cloud.images.pop(image_id)
            return self.answer(200)
        image = self.cloud.images[image_id]
        headers = {"x-image-meta-size": str(image["size"]), "x-image-meta-checksum": image["checksum"]}
        if self.command == "HEAD":
            return self.answer(200, headers=headers)
        return self.answer(200, headers=headers, raw=self.cloud.spoil(self.cloud.data[image_id]))

    def glance_v2(self, path: str, query: dict[str, str], body: bytes) -> None:
        if path == "/v2/info/import":
            return self.answer(200, {"import-methods": {"value": self.cloud.methods}})
        if path == "/v2/info/stores":
            return self.answer(200, {"stores": self.cloud.stores}) if self.cloud.stores else self.answer(404)
        if path == "/v2/schemas/image":
            return self.answer(200, {"name": "image", "properties": self.cloud.schema})
        if path.startswith("/v2/stores/"):
            _v2, _stores, store, image_id = path.strip("/").split("/")
            image = self.cloud.images[image_id]
            image["stores"] = ",".join(each for each in image["stores"].split(",") if each != store)
            return self.answer(204)
        image_id, _slash, part = path.removeprefix("/v2/images").strip("/").partition("/")
        if not image_id and self.command == "POST":
            image = {"status": "queued", "size": None, "checksum": None, **NEW, **json.loads(body)}
            self.cloud.images[image["id"]] = image
            return self.answer(201, image)
        if not image_id:
            return self.listing(query)
        if image_id not in self.cloud.images:
            return self.answer(404)
        if part == "file" and self.command == "PUT":
            self.store(image_id, body)
            return self.answer(204)
        if part == "stage":
            self.cloud.staged[image_id] = body
            self.cloud.images[image_id]["status"] = "uploading"
            return self.answer(204)
        if part == "import":
            return self.bring_in(image_id, json.loads(body))
        if part == "file":
            return self.answer(200, raw=self.cloud.spoil(self.cloud.data[image_id]))
        if part == "tasks":  # an API before 2.12
            return self.answer(404)
        if part == "members":
            return self.answer(200, {"members": self.cloud.images[image_id].get("members", [])})
        if self.command == "DELETE":
            self.cloud.images.pop(image_id)
            return self.answer(204)
        if self.command == "PATCH":
            for each in json.loads(body):
                name = each["path"].removeprefix("/").replace("~1", "/").replace("~0", "~")
                if (each["op"] == "add") == (name in self.cloud.images[image_id]):
                    return self.answer(409)
                self.cloud.images[image_id].pop(name, None)
                if each["op"] != "remove":
                    self.cloud.images[image_id][name] = each["value"]
        return self.answer(200, self.cloud.images[image_id])

    def bring_in(self, image_id: str, asked: dict[str, Any]) -> None:
        cloud, image = self.cloud, self.cloud.images[image_id]
        cloud.imports.append(asked)
        if cloud.importer:
            cloud.importer(image)
        else:
            uri = asked["method"].get("uri")
            self.store(image_id, cloud.web[uri] if uri else cloud.staged.pop(image_id))
            image["stores"] = ",".join(asked.get("stores", ["fast"]))
        image.setdefault("os_glance_importing_to_stores", "")
        self.answer(202)

    def listing(self, query: dict[str, str]) -> None:
        found = [i for i in self.cloud.images.values() if query.get("visibility") in (None, i.get("visibility"))]
        for key in ("created_at", "updated_at"):
            operator, _colon, when = query.get(key, "gte:").partition(":")
            found = [i for i in found if (i.get(key, "") >= when) == (operator == "gte")]
        if "visibility" not in query:  # of the community's images a list has the project's own
            found = [i for i in found if i.get("visibility") != "community" or i.get("owner") == "p"]
        hidden = query.get("os_hidden", "false") == "true"
        found = [i for i in found if i.get("os_hidden", False) == hidden]
        key, _colon, direction = query.get("sort", "id:asc").partition(":")
        found = sorted(found, key=lambda i: (i.get(key, ""), i["id"]), reverse=direction == "desc")
        start = [i["id"] for i in found].index(query["marker"]) + 1 if "marker" in query else 0
        size = min(self.cloud.page, int(query.get("limit", 25)))
        page = found[start : start + size]
        answer: dict[str, Any] = {"images": page}
        if start + size < len(found):
            rest = "".join(f"&{k}={v}" for k, v in query.items() if k != "marker")
            answer["next"] = f"/v2/images?marker={page[-1]['id']}{rest}"
        self.answer(200, answer)


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    known = FakeCloud()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"cloud": known}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    known.url = f"http://127.0.0.1:{server.server_port}"
    known.add_endpoint("e-public", "public", known.url + "/v1")
    known.add_endpoint("e-internal", "internal", known.url)
    known.add_endpoint("e-nova", "public", known.url + "/compute", "nova-id")
    yield known
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(cloud: FakeCloud) -> Callable[..., dict[str, Any]]:
    """Run a module's ``main`` with arguments and return what it would hand back to Ansible."""

    def call(module: Any, check: bool = False, password: str = PASSWORD, **arguments: Any) -> dict[str, Any]:
        auth = {
            "auth_url": f"{cloud.url}/identity/v3",
            "username": "admin",
            "password": password,
            "project_name": "admin",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        given = {"auth": auth, "api_timeout": 5, **arguments, "_ansible_check_mode": check}
        output = io.StringIO()
        with patch_module_args(given), redirect_stdout(output), pytest.raises(SystemExit):
            module.main()
        assert password not in output.getvalue()
        assert "secret-token" not in output.getvalue()
        found: dict[str, Any] = json.loads(output.getvalue())
        return found

    return call
