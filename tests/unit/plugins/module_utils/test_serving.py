# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _serving, _units
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "molecule" / "lab"))

from lablib.authority import Authority  # noqa: E402  (the path comes first)


class Service:
    """A little HTTP server that answers what a test tells it."""

    def __init__(self) -> None:
        self.status, self.body = 300, versions("v2.5", "v2.0", "v1.1")
        self.paths: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.paths.append(self.path)
                self.send_response(service.status)
                self.send_header("Content-Length", str(len(service.body)))
                if service.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(service.body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


def versions(*ids: str) -> bytes:
    return json.dumps({"versions": [{"id": id_, "status": "SUPPORTED"} for id_ in ids]}).encode()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.server.shutdown()
    service.server.server_close()


@pytest.fixture
def units(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    states = {"glance-api": {"active_state": "active", "sub_state": "running"}}
    monkeypatch.setattr(_units, "states", lambda names: {name: states[name] for name in names})
    return states


def trouble(url: str | None, present: tuple[str, ...] = (), absent: tuple[str, ...] = (), **more: Any) -> str | None:
    step = {"restart": ["glance-api"], "health": {"url": url, "settle": 0, **more}}
    return _serving.unhealthy(step, time.time() - 1, {"present": list(present), "absent": list(absent)})


# -- health -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 300])
def test_healthy(service: Service, units: Any, status: int) -> None:
    service.status = status
    assert trouble(service.url, present=("v2",)) is None
    assert service.paths == ["/"]


def test_versions_that_are_missing_or_left(service: Service, units: Any) -> None:
    service.body = versions("v1.1", "v1.0")
    assert "does not offer v2, only v1.1, v1.0" in str(trouble(service.url, present=("v2",)))
    assert "still offers v1" in str(trouble(service.url, absent=("v1",)))
    assert trouble(service.url, present=("v1",)) is None


def test_without_versions_any_will_do(service: Service, units: Any) -> None:
    step = {"restart": [], "health": {"url": service.url, "settle": 0}}
    assert _serving.unhealthy(step, 0, None) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[]", b"{}", b'{"versions": [1]}', b"null"])
def test_an_answer_that_is_no_list_of_versions(service: Service, units: Any, body: bytes) -> None:
    service.body = body
    assert "answers no list of versions" in str(trouble(service.url))


@pytest.mark.parametrize("status", [302, 404, 503])
def test_an_answer_of_another_kind(service: Service, units: Any, status: int) -> None:
    service.status = status
    assert f"answers {status}" in str(trouble(service.url))
    assert service.paths == ["/"]  # a redirect is not followed


def test_nobody_answers(units: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert "does not answer" in str(trouble(f"http://127.0.0.1:{free.getsockname()[1]}/"))


def test_a_service_that_hangs_up(units: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        assert "does not answer" in str(trouble(f"http://127.0.0.1:{server.getsockname()[1]}/"))


def test_a_service_that_says_nothing(units: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_serving, "HTTP_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert "does not answer" in str(trouble(f"http://127.0.0.1:{server.getsockname()[1]}/"))


def test_https_is_spoken_to_whatever_its_certificate(service: Service, units: Any) -> None:
    assert "does not answer" in str(trouble(service.url.replace("http:", "https:")))


def test_a_client_has_to_be_able_to_verify(service: Service, tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")
    issued = authority.issue("server", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    service.server.socket = context.wrap_socket(service.server.socket, server_side=True)

    def said(ca: Path | None) -> str:
        place = {"host": "127.0.0.1", "port": service.port, "ca": str(ca) if ca else None}
        return _serving.not_trusted([place]) or ""

    assert said(authority.root) == "" and service.paths == ["/"]
    assert f"https://127.0.0.1:{service.port} does not answer a client on this host that trusts {other.root}" in said(
        other.root
    )
    assert "that trusts the system's CA certificates" in said(None)
    assert "No such file" in said(tmp_path / "absent.pem")
    assert _serving.not_trusted(None) is None


def test_units_are_looked_at_first(units: dict[str, dict[str, str]]) -> None:
    units["glance-api"].update(active_state="activating", sub_state="auto-restart")
    assert trouble(None) == "glance-api is activating (auto-restart)"
    units["glance-api"].update(active_state="failed", sub_state="failed")
    with pytest.raises(GlanceError, match="glance-api does not start"):
        trouble(None)


def test_a_service_has_to_show_that_it_stays(units: Any) -> None:
    assert "3600 s to show that they stay" in str(trouble(None, settle=3600))
    assert trouble(None, settle=0) is None


# -- drain ------------------------------------------------------------------------------------------------------------


def test_drain_and_undrain(tmp_path: Path) -> None:
    drain = {"file": str(tmp_path / "off")}
    for _twice in range(2):
        _serving.drain(drain)
    # The service is another user, and has to see it.
    assert stat.S_IMODE((tmp_path / "off").stat().st_mode) == 0o644
    for _twice in range(2):
        _serving.undrain(drain)
    assert not (tmp_path / "off").exists()
    for nothing_to_do in (None, {"file": None}):  # with a hook, nothing is left to do
        _serving.drain(nothing_to_do)
        _serving.undrain(nothing_to_do)


def test_a_drain_file_that_cannot_be_made_or_removed(tmp_path: Path) -> None:
    with pytest.raises(GlanceError, match="cannot be created"):
        _serving.drain({"file": str(tmp_path / "missing" / "off")})
    (tmp_path / "directory").mkdir()
    with pytest.raises(GlanceError, match="cannot be removed"):
        _serving.undrain({"file": str(tmp_path / "directory")})


def test_without_a_drain_nothing_is_waited_for() -> None:
    assert _serving.still_busy(None, time.time()) is None


NO_FILES: dict[str, Any] = {"units": [], "staging": [], "stores": []}


def test_the_balancer_has_its_time(service: Service) -> None:
    drain = {**NO_FILES, "port": service.port, "grace": 60}
    assert _serving.still_busy(drain, time.time()) == "the balancer has 60 s to notice"
    assert _serving.still_busy(drain, time.time() - 61) is None


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_every_open_connection_counts(family: int) -> None:
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    try:
        server = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        drain = {**NO_FILES, "port": server.getsockname()[1], "grace": 0}
        assert _serving.still_busy(drain, 0) is None  # one that listens is not one that works
        with socket.create_connection(server.getsockname()[:2]) as client:
            assert "connections to port" in str(_serving.still_busy(drain, 0))
            accepted = server.accept()[0]
            accepted.close()
            client.recv(1)
        deadline = time.time() + 60
        while _serving.still_busy(drain, 0) and time.time() < deadline:
            time.sleep(0.05)
        assert _serving.still_busy(drain, 0) is None


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A drain whose service is a child of this process; its staging directory is reached through a link."""
    (tmp_path / "really").mkdir()
    (tmp_path / "staging").symlink_to("really")
    (tmp_path / "store").mkdir()
    for name in ("really/one", "store/two", "elsewhere"):
        (tmp_path / name).write_text("data")
    monkeypatch.setattr(_serving, "_established", lambda port: 0)
    return {"port": 9292, "grace": 0, "units": ["glance-api"], "staging": [f"{tmp_path}/staging/"],
            "stores": [f"{tmp_path}/store"]}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "mode", "counts"),
    [
        ("staging/one", "r", True),
        ("staging/new", "w", True),
        ("store/two", "r", False),  # a download, which has a connection
        ("store/two", "a", True),
        ("store/two", "r+", True),
        ("elsewhere", "w", False),
    ],
)
def test_an_import_shows_in_the_files_that_it_holds_open(
    tmp_path: Path, places: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str, mode: str, counts: bool
) -> None:
    program = f"import time; file = open({str(tmp_path / name)!r}, {mode!r}); print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None and child.stdout.readline()
            monkeypatch.setattr(_units, "processes", lambda units: [child.pid, 0x3FFFFF])  # one of them is gone already
            found = _serving.still_busy(places, 0)
        finally:
            child.kill()
    assert (found is not None) is counts
    if counts:
        assert f"process {child.pid} has {tmp_path}/" in str(found) and "import" in str(found)
    assert _serving.still_busy(places, 0) is None


def test_what_cannot_be_seen_is_no_drained_host(places: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: str) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(_units, "processes", lambda units: [os.getpid()])
    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(GlanceError, match="cannot be seen .* CAP_SYS_PTRACE"):
        _serving.still_busy(places, 0)
