# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Transfers that go on after their request was answered, from a source that takes its time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _transfers
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


def waits_for(run: trial.Run, path: str) -> None:
    """The playbook says which file it waits for, and goes on once the source has."""
    trial.wait_for(lambda: f"{path} open: an import, a copy or an upload still runs" in run.said, trial.LIMIT)
    go_on()
    run.succeeds()


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


def in_balancer() -> dict[str, str]:
    """Each server's state, by haproxy."""
    rows = trial.sh("infra", "echo 'show stat' | socat - /run/haproxy/admin.sock").splitlines()
    fields = [row.split(",") for row in rows]
    status = fields[0].index("status")
    return {row[1]: row[status] for row in fields if row[0] == "glance" and row[1] in trial.GLANCES}


#: The playbooks take a host out of the balancer, and put it back, through haproxy's admin socket.
HAPROXY = {"drain": {"by": "haproxy", "grace": 1}, "haproxy": {"group": "keystone", "backends": ["glance"]}}


def test_copy_from_of_v1_is_outwaited_where_haproxy_is_told() -> None:
    image = copied("copied")
    run = trial.flip(**HAPROXY)
    trial.wait_for(lambda: in_balancer()["glance1"] == "DRAIN", trial.LIMIT)
    waits_for(run, f"/var/lib/glance/images/{image}")
    assert arrived("glance1", image)
    assert trial.locked() == []
    trial.wait_for(lambda: in_balancer() == dict.fromkeys(trial.GLANCES, "UP"))


def test_a_transfer_that_does_not_end_in_time_is_not_cut() -> None:
    """It is refused after the time-out, with the host as it was and back at work."""
    trial.roll_back(**HAPROXY).succeeds()
    assert in_balancer() == dict.fromkeys(trial.GLANCES, "UP")
    before, image = trial.look(), copied("endless")
    run = trial.flip(drain={"grace": 1, "timeout": 5})
    run.fails("waited 5 s for traffic to stop", image, "an import, a copy or an upload")
    assert trial.differences(before, trial.look()) == []
    assert trial.answers("glance1", "/healthcheck") == 200
    go_on()
    assert arrived("glance1", image)


@pytest.mark.parametrize("host", LATER)
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
        waits_for(restart(host), f"/var/lib/glance/staging/{image}")
        assert arrived(host, image)


def restart(host: str) -> trial.Run:
    """Begin a step that restarts glance-api and changes nothing, drained as the plan has it."""
    service = {
        "name": "glance-api",
        "prog": "glance-api",
        "project": "glance",
        "units": ["glance-api"],
        "options": ["*"],
    }
    found = trial.result(trial.module(host, "glance_host_info", {"services": [service]}))["services"]["glance-api"]
    places = _transfers.places(found, _catalogue.release("glance", found["release"]["version"]))
    assert (places.staging[0], places.stores) == ("/tmp/staging/", ["/var/lib/glance/fast", "/var/lib/glance/slow"])
    drain: dict[str, Any] = {"file": "/root/drained", "port": 9292, "units": ["glance-api"], "staging": places.staging}
    step = {
        "name": "glance_v2_on",
        "files": [],
        "restart": ["glance-api"],
        "retire": [],
        "drain": {**drain, "stores": places.stores, "grace": 1, "timeout": 300},
        "health": {"url": "http://127.0.0.1:9292/", "versions": {"present": ["v2"]}, "settle": 1, "timeout": 60},
    }
    manifest = {"playbook": "drain", "started": "now", "hosts": [host], "steps": [step], "catalogue": []}
    run = {"run_id": "20261126T000000Z-drain"}
    token = trial.result(
        trial.module(host, "glance_transaction", {"state": "prepared", "manifest": manifest, "steps": [step], **run})
    )["run_token"]
    arguments = {"state": "applied", "step": "glance_v2_on", "run_token": token, "slice_seconds": 2, **run}
    return trial.module(host, "glance_transaction", arguments)
