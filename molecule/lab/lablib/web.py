# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""A web server on infra that Glance reads images from, with what such servers do to whoever asks."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

from . import seed
from .common import docker, run
from .hosts import INFRA

URL = f"http://{INFRA.address}"
#: The file, twice; a redirection to it; its first half and then silence; a page where an image should be; and nothing.
_SERVER = """
import http.server, random, time
DATA = random.Random(1).randbytes(SIZE)
BODIES = {"/good": DATA, "/other": DATA, "/stalls": DATA, "/page": b"<!DOCTYPE html><html>Log in" + bytes(100000)}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302); self.send_header("Location", "/good"); self.end_headers(); return
        body = BODIES.get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[: len(body) // 2] if self.path == "/stalls" else body)
        if self.path == "/stalls":
            self.wfile.flush(); time.sleep(120)
    do_HEAD = do_GET
http.server.ThreadingHTTPServer(("", 80), Handler).serve_forever()
"""
_START = """cat >/root/web.py
systemctl stop web 2>/dev/null
systemd-run --quiet --unit=web python3 /root/web.py"""
DATA = random.Random(1).randbytes(seed.MIB)


@contextlib.contextmanager
def serving() -> Iterator[None]:
    """The server, for a while."""
    server = _SERVER.replace("SIZE", str(len(DATA)))
    run("docker", "exec", "--interactive", INFRA.container, "sh", "-c", _START, stdin=server)
    try:
        yield
    finally:
        docker("exec", INFRA.container, "systemctl", "stop", "web")
