# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Transfers that go on after their request was answered, from a source that takes its time."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _paste, _transfers
from lablib import trial

LATER = ("glance25", "glance33")
SIZE = 4 << 20
SOURCE = "http://infra/image"
#: Sends half of an image, and the rest once it is told to.
_SLOW = f"""
import http.server, os, time
class Slow(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "{SIZE}")
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(b"x" * ({SIZE} // 2))
        self.wfile.flush()
        while not os.path.exists("/tmp/go-on"):
            time.sleep(0.1)
        self.wfile.write(b"x" * ({SIZE} // 2))
http.server.ThreadingHTTPServer(("", 80), Slow).serve_forever()
"""


@pytest.fixture(scope="module", autouse=True)
def source() -> Iterator[None]:
    trial.sh("infra", f"cat >/root/slow.py <<'EOF'\n{_SLOW}\nEOF\nsystemd-run --unit=slow-source python3 /root/slow.py")
    yield
    trial.sh("infra", "systemctl stop slow-source")


@pytest.fixture(autouse=True)
def slow(source: None) -> None:
    trial.sh("infra", "rm -f /tmp/go-on")


def go_on() -> None:
    trial.sh("infra", "touch /tmp/go-on")


def status(host: str, image: str) -> str:
    return str(trial.ask(host, f"/v2/images/{image}")[1]["status"])


def arrived(host: str, image: str) -> bool:
    """The image is whole."""
    trial.wait_for(lambda: status(host, image) == "active", 120)
    return bool(trial.ask(host, f"/v2/images/{image}")[1]["checksum"] == hashlib.md5(b"x" * SIZE).hexdigest())


def copied(name: str) -> str:
    """An image that glance1 has begun to fetch."""
    headers = {"x_image_meta_name": name, "x_image_meta_disk_format": "raw", "x_image_meta_container_format": "bare"}
    code, answer = trial.ask("glance1", "/v1/images", "POST", x_glance_api_copy_from=SOURCE, **headers)
    assert code == 201, answer
    image = str(answer["image"]["id"])
    trial.wait_for(lambda: trial.sh("glance1", f"stat -c %s /var/lib/glance/images/{image} 2>/dev/null || :"))
    return image


class Restart:
    """A step that restarts glance-api and changes nothing, drained as the plan has it."""

    def __init__(self, host: str, timeout: int = 300) -> None:
        service = {"name": "glance-api", "prog": "glance-api", "project": "glance", "units": ["glance-api"]}
        look = {"services": [{**service, "options": ["*"], "documents": True}]}
        found = trial.result(trial.module(host, "glance_host_info", look))["services"]["glance-api"]
        places = _transfers.places(found, _catalogue.release("glance", found["release"]["version"]))
        one, several = ["/var/lib/glance/images/"], ["/var/lib/glance/fast", "/var/lib/glance/slow"]
        assert places.stores == (one if host in trial.GLANCES else several)
        drain = {"file": _paste.drain_file(found["paste"]), "port": 9292, "units": ["glance-api"], "grace": 3}
        step = {
            "name": "glance_v2_on",
            "files": [],
            "restart": ["glance-api"],
            "retire": [],
            "drain": {**drain, "staging": places.staging, "stores": places.stores, "timeout": timeout},
            "health": {"url": "http://127.0.0.1:9292/", "versions": {"present": ["v2"]}, "settle": 1, "timeout": 60},
        }
        manifest = {"playbook": "drain", "started": "now", "hosts": [host], "steps": [step], "catalogue": []}
        self.host = host
        self.arguments: dict[str, Any] = {"run_id": f"20261126T000000Z-{time.time_ns()}", "step": "glance_v2_on"}
        prepared = trial.result(self.do("prepared", manifest=manifest, steps=[step]))
        self.arguments["run_token"] = prepared["run_token"]
        self.run = self.do("applied", slice_seconds=2)

    def do(self, state: str, **more: Any) -> trial.Run:
        return trial.module(self.host, "glance_transaction", {"state": state, **self.arguments, **more})

    def waits_for(self, path: str) -> None:
        """It says which file it waits for, and goes on once the source has."""
        trial.wait_for(lambda: f"{path} open: an import, a copy or an upload still runs" in self.run.said, trial.LIMIT)
        go_on()
        self.run.succeeds()
        self.do("closed", outcome="committed").succeeds()


def test_copy_from_of_v1_is_outwaited() -> None:
    image = copied("copied")
    Restart("glance1").waits_for(f"/var/lib/glance/images/{image}")
    assert arrived("glance1", image)


def test_a_transfer_that_does_not_end_in_time_is_not_cut() -> None:
    """It is refused after the time-out, with the host as it was and back at work."""
    before, image = trial.look("glance1"), copied("endless")
    restart = Restart("glance1", timeout=5)
    restart.run.fails("waited 5 s for traffic to stop", image, "an import, a copy or an upload")
    restart.do("undone").succeeds()
    restart.do("closed", outcome="undone").succeeds()
    assert trial.differences(before, trial.look("glance1")) == []
    assert trial.answers("glance1", "/healthcheck") == 200
    go_on()
    assert arrived("glance1", image)


@pytest.mark.parametrize("host", trial.some(LATER, 1))
def test_an_import_is_outwaited(host: str) -> None:
    with trial.joined(host):
        code, answer = trial.ask(
            host,
            "/v2/images",
            "POST",
            json.dumps({"name": "imported", "disk_format": "raw", "container_format": "bare"}).encode(),
            Content_Type="application/json",
        )
        assert code == 201, answer
        image = answer["id"]
        method = {"method": {"name": "web-download", "uri": SOURCE}}
        path = f"/v2/images/{image}/import"
        assert trial.ask(host, path, "POST", json.dumps(method).encode(), Content_Type="application/json")[0] == 202
        trial.wait_for(lambda: trial.sh(host, f"stat -c %s /var/lib/glance/staging/{image} 2>/dev/null || :"))
        Restart(host).waits_for(f"/var/lib/glance/staging/{image}")
        assert arrived(host, image)
