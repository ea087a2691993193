# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests over a connection that the server closes under them."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from keystoneauth1.noauth import NoAuth
from keystoneauth1.session import Session

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@contextlib.contextmanager
def resets(times: int) -> Iterator[tuple[_images.Service, list[bytes]]]:
    """A server that resets so many connections before it answers one, and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for number in range(times + 1):
                with contextlib.suppress(OSError):
                    client, _address = server.accept()
                    with client:
                        asked.append(client.recv(65536).split(b" ")[0])
                        if number < times:
                            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        else:
                            client.sendall(ANSWER)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield _images.Service(Session(auth=NoAuth()), f"http://127.0.0.1:{server.getsockname()[1]}"), asked
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_what_writes_to_keystone_goes_through_a_new_connection() -> None:
    """The server keeps the one of the request before, but may close it at any moment."""
    kept = ANSWER.replace(b"Connection: close\r\n", b"")
    asked: list[tuple[int, bytes]] = []
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as connections:

        def serve() -> None:
            for number in range(2):
                client = connections.enter_context(server.accept()[0])
                client.settimeout(1)
                with contextlib.suppress(OSError):
                    while data := client.recv(65536):
                        asked.append((number, data.split(b" ")[0]))
                        client.sendall(kept)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        service = _images.Keystone(Session(auth=NoAuth()), f"http://127.0.0.1:{server.getsockname()[1]}")
        for method in ("GET", "GET", "POST"):
            service.call(method, "/endpoints")
        thread.join()
    assert asked == [(0, b"GET"), (0, b"GET"), (1, b"POST")]


def test_what_only_reads_is_asked_once_more() -> None:
    with resets(1) as (service, asked):
        assert service.json("/endpoints") == {}
    assert asked == [b"GET", b"GET"]


@pytest.mark.parametrize(("method", "times", "wanted"), [("POST", 1, [b"POST"]), ("GET", 2, [b"GET", b"GET"])])
def test_what_writes_is_not_nor_for_ever(method: str, times: int, wanted: list[bytes]) -> None:
    with resets(times) as (service, asked):
        with pytest.raises(GlanceError, match="got no answer"):
            service.call(method, "/endpoints")
        assert asked == wanted
