# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of the lab's cloud, who must not notice a flip: load.py [--requests N] [--large MIB]

They list, show, create, upload, download with a look at the hash, and delete, through v1 and v2 and the balancer, without ever
trying again. One large transfer is always in flight. Meanwhile the policy is changed, TLS opens and plaintext closes, and the
cloud is flipped, and each is put back; v1 is asked for as long as it is offered. Nothing may fail, and no transfer be
cut. Latencies are printed, and plotted in .lab/reports/load.html. Needs the environment of tests/bin/with-env;
`make load` runs it.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import http.client
import itertools
import json
import pathlib
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

from lablib import fleet, seed, tls, trial  # noqa: E402  (the path comes first)
from lablib.authority import Authority  # noqa: E402
from lablib.common import STATE  # noqa: E402
from lablib.hosts import GLANCE  # noqa: E402
from load_report import Request, page, phases, table  # noqa: E402

MIB = 1 << 20
SMALL = 64 << 10
PATIENCE = 600
#: Of the playbooks' own times, nothing is saved.
USUAL: dict[str, Any] = {"drain": {}, "settle": 3, "start_timeout": 120}
ROLE = "CloudAdmin"
REPORT = STATE / "reports" / "load.html"


class Load:
    """Users at work, from entering the context until leaving it."""

    def __init__(self, users: int = 4, large: int = 512 * MIB) -> None:
        self.large = large
        self.requests: list[Request] = []
        self.marks: list[tuple[float, str]] = []
        self._ending = threading.Event()
        self._v1 = threading.Event()
        self._v1_idle = [threading.Event() for _user in range(users // 2)]
        self._place, self._trust = GLANCE, ssl.create_default_context()
        self._asking: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()
        jobs: list[Callable[[], None]] = [self._large]
        jobs += [lambda: self._small(2)] * (users - users // 2)
        jobs += [lambda idle=idle: self._small(1, idle) for idle in self._v1_idle]  # type: ignore[misc]
        self._threads = [threading.Thread(target=job, daemon=True) for job in jobs]

    def __enter__(self) -> Load:
        self.speak_v1()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._v1.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    # what the caller says

    def phase(self, name: str) -> None:
        self.marks.append((time.time(), name))

    def wait(self, more: int) -> None:
        """Until so many more requests were made."""
        wanted = len(self.requests) + more
        while len(self.requests) < wanted:
            assert any(thread.is_alive() for thread in self._threads)
            time.sleep(0.2)

    def speak_v1(self) -> None:
        for idle in self._v1_idle:
            idle.clear()
        self._v1.set()

    def leave_v1(self) -> None:
        """Let those who speak v1 come to their end."""
        self._v1.clear()
        for idle in self._v1_idle:
            idle.wait(PATIENCE)

    def ask_at(self, place: str, trusted_ca: pathlib.Path | None = None) -> None:
        """Let everybody ask at another address from now on; comes back once nobody is being answered at the one before."""
        if trusted_ca:
            self._trust = ssl.create_default_context(cafile=str(trusted_ca))
        with self._lock:
            before, self._place = self._place, place
        trial.wait_for(lambda: not self._asking[before], PATIENCE)

    # what the users do

    def _small(self, version: int, idle: threading.Event | None = None) -> None:
        cycle = self._cycle_v1 if version == 1 else self._cycle_v2
        for number in itertools.count():
            if idle is not None and not self._v1.is_set():
                idle.set()
                self._v1.wait()
            if self._ending.is_set():
                return
            cycle(
                number, hashlib.sha256(f"{version} {number} {threading.get_ident()}".encode()).digest() * (SMALL // 32)
            )

    def _large(self) -> None:
        block = hashlib.sha256(b"large").digest() * (MIB // 32)
        digest = hashlib.sha256()
        for _number in range(self.large // MIB):
            digest.update(block)
        while not self._ending.is_set():
            image = self._created("large")
            if image is None:
                continue
            path = f"/v2/images/{image}/file"
            self._ask("large upload", "PUT", path, itertools.repeat(block, self.large // MIB), length=self.large)
            self._ask("large download", "GET", path, sha256=digest.hexdigest())
            self._ask("v2 delete", "DELETE", f"/v2/images/{image}")

    def _cycle_v2(self, number: int, data: bytes) -> None:
        self._ask("v2 list", "GET", "/v2/images?limit=10")
        image = self._created(f"load-{number}")
        if image is None:
            return
        self._ask("v2 show", "GET", f"/v2/images/{image}")
        self._ask("v2 upload", "PUT", f"/v2/images/{image}/file", iter([data]), length=len(data))
        self._ask("v2 download", "GET", f"/v2/images/{image}/file", sha256=hashlib.sha256(data).hexdigest())
        self._ask("v2 delete", "DELETE", f"/v2/images/{image}")

    def _created(self, name: str) -> str | None:
        body = json.dumps({"name": name, "disk_format": "raw", "container_format": "bare"}).encode()
        answer = self._ask("v2 create", "POST", "/v2/images", iter([body]), len(body), Content_Type="application/json")
        return str(json.loads(answer)["id"]) if answer else None

    def _cycle_v1(self, number: int, data: bytes) -> None:
        self._ask("v1 list", "GET", "/v1/images?limit=10")
        described = {"name": f"load-{number}", "disk_format": "raw", "container_format": "bare"}
        headers = {f"x_image_meta_{name}": value for name, value in described.items()}
        answer = self._ask(
            "v1 upload",
            "POST",
            "/v1/images",
            iter([data]),
            len(data),
            Content_Type="application/octet-stream",
            **headers,
        )
        if not answer:
            return
        path = f"/v1/images/{json.loads(answer)['image']['id']}"
        self._ask("v1 show", "HEAD", path)
        self._ask("v1 download", "GET", path, sha256=hashlib.sha256(data).hexdigest())
        self._ask("v1 delete", "DELETE", path)

    # one request

    def _ask(
        self,
        what: str,
        method: str,
        path: str,
        body: Iterator[bytes] | None = None,
        length: int | None = None,
        sha256: str = "",
        **headers: str,
    ) -> bytes | None:
        """The answer, None where it is not the right one; what is only hashed is not kept."""
        sent = {**seed.headers("demo"), **{name.replace("_", "-"): value for name, value in headers.items()}}
        if length is not None:
            sent["Content-Length"] = str(length)
            sent.setdefault("Content-Type", "application/octet-stream")
        with self._lock:
            place = self._place
            self._asking[place] += 1
        began, trouble, answer = time.time(), "", None
        connection = self._connection(place)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            digest, kept = hashlib.sha256(), b""
            while piece := response.read(MIB):
                digest.update(piece)
                kept = b"" if sha256 else kept + piece
            if response.status >= 300:
                trouble = f"{response.status} {kept[:120]!r}"
            elif sha256 and digest.hexdigest() != sha256:
                trouble = "what came has another hash"
            else:
                answer = kept
        except (OSError, http.client.HTTPException) as error:
            trouble = f"{type(error).__name__}: {error}"
        finally:
            connection.close()
            with self._lock:
                self._asking[place] -= 1
        self.requests.append(Request(time.time(), time.time() - began, what, trouble))
        return answer

    def _connection(self, place: str) -> http.client.HTTPConnection:
        address = urlsplit(place).netloc
        if place.startswith("https:"):
            return http.client.HTTPSConnection(address, timeout=PATIENCE, context=self._trust)
        return http.client.HTTPConnection(address, timeout=PATIENCE)

    # what came of it

    @property
    def failed(self) -> list[str]:
        return [
            f"{request.what} after {request.seconds:.1f} s: {request.trouble}"
            for request in self.requests
            if request.trouble
        ]

    def told(self) -> None:
        """Print the phases as a table, and draw them as a page."""
        found = phases(self.marks, self.requests, time.time())
        summary = f"{len(self.requests)} requests, {len(self.failed)} failed"
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(page(found, summary), encoding="utf-8")
        print(table(found), summary, f"Report: {REPORT}", sep="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000, help="to be made at least")
    parser.add_argument("--large", type=int, default=512, help="MiB of the large transfer")
    arguments = parser.parse_args()

    fleet.up()
    fleet.reset()
    # What the change of policy takes away.
    for host in trial.GLANCES:
        trial.sh(host, f"sed -i '0,/^\\[DEFAULT\\]/s//[DEFAULT]\\nadmin_role = {ROLE}/' {trial.GLANCE_CONF}")
        trial.sh(host, "systemctl restart glance-api")
        trial.wait_for(lambda host=host: trial.answers(host, "/v2/images") == 200)  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder, Load(large=arguments.large * MIB) as load:
        authority = Authority(pathlib.Path(folder))
        load.phase("before")
        load.wait(arguments.requests // 10)
        change_policy(load)
        open_tls(load, authority, arguments.requests // 10)
        load.leave_v1()
        load.phase("flip, v1 turned off")
        trial.flip(**USUAL).succeeds()
        load.phase("on v2 alone")
        load.wait(arguments.requests // 10)
        load.phase("rollback")
        trial.roll_back(**USUAL).succeeds()
        load.speak_v1()
        load.phase("after")
        load.wait(max(arguments.requests // 10, arguments.requests - len(load.requests)))
    load.told()
    print(*load.failed[:20], sep="\n")
    return 1 if load.failed else 0


def change_policy(load: Load) -> None:
    """An option goes and rules take its place, which restarts the service; and back."""
    load.phase("policy change")
    trial.playbook("policy", "-e", json.dumps({"glance_policy_admin_role": "replaced"}), **USUAL).succeeds()
    load.phase("policy rollback")
    trial.roll_back(**USUAL).succeeds()


def open_tls(load: Load, authority: Authority, some: int) -> None:
    """TLS opens, everybody goes there, plaintext closes; and back."""
    tls.certify_all(authority)
    tls.balance()
    load.phase("TLS opens")
    tls.flip(authority, **USUAL).succeeds()
    opened = trial.runs("glance1")[-1]
    load.ask_at(tls.HTTPS, authority.root)
    tls.balance(closed=True)
    load.phase("TLS beside plaintext")
    time.sleep(3600 * tls.QUIET + 2)
    load.phase("plaintext closes")
    tls.close(authority, **USUAL).succeeds().says("glance_plaintext_off")
    load.phase("TLS alone")
    load.wait(some)
    load.phase("plaintext opens")
    trial.roll_back(**USUAL).succeeds()
    tls.balance()
    load.ask_at(GLANCE)
    load.phase("TLS goes")
    trial.roll_back(run=opened, **USUAL).succeeds()


if __name__ == "__main__":
    sys.exit(main())
