# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of the lab's cloud, who must not notice a flip: load.py [--requests N] [--large MIB]

They list, show, create, upload, download with a look at the hash, and delete, through v1 and v2 and the balancer, without ever
trying again. One large transfer is always in flight. Meanwhile the policy is changed and put back, and the cloud is flipped and
put back; v1 is asked for as long as it is offered. Nothing may fail, and no transfer be cut. Needs the environment of
tests/bin/with-env; `make load` runs it.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import itertools
import json
import pathlib
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

from lablib import fleet, seed, trial  # noqa: E402  (the path comes first)
from lablib.hosts import GLANCE  # noqa: E402

MIB = 1 << 20
SMALL = 64 << 10
#: Seconds for which a token serves; Keystone gives it for an hour.
TOKEN_SECONDS = 1200
PATIENCE = 600
#: Of the playbooks' own times, nothing is saved.
USUAL: dict[str, Any] = {"drain": {}, "settle": 3, "start_timeout": 120}
ROLE = "CloudAdmin"


@dataclass(frozen=True)
class Request:
    """One request: when it ended, how many seconds it took, and what went wrong if anything did."""

    ended: float
    seconds: float
    what: str
    trouble: str = ""


class Load:
    """Users at work, from entering the context until leaving it."""

    def __init__(self, users: int = 4, large: int = 512 * MIB) -> None:
        self.large = large
        self.requests: list[Request] = []
        self.phases: list[tuple[float, str]] = []
        self._ending = threading.Event()
        self._v1 = threading.Event()
        self._v1_idle = [threading.Event() for _user in range(users // 2)]
        self._token: tuple[float, dict[str, str]] = (0, {})
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
        self.phases.append((time.time(), name))

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

    def _headers(self) -> dict[str, str]:
        with self._lock:
            if self._token[0] < time.time():
                self._token = (time.time() + TOKEN_SECONDS, seed.Api("demo").headers)
            return self._token[1]

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
        sent = {**self._headers(), **{name.replace("_", "-"): value for name, value in headers.items()}}
        if length is not None:
            sent["Content-Length"] = str(length)
            sent.setdefault("Content-Type", "application/octet-stream")
        began, trouble, answer = time.time(), "", None
        connection = http.client.HTTPConnection(urlsplit(GLANCE).netloc, timeout=PATIENCE)
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
        self.requests.append(Request(time.time(), time.time() - began, what, trouble))
        return answer

    # what came of it

    @property
    def failed(self) -> list[str]:
        return [
            f"{request.what} after {request.seconds:.1f} s: {request.trouble}"
            for request in self.requests
            if request.trouble
        ]

    def table(self) -> str:
        """Latency of the small requests in each phase, and the large transfers that came to their end in it."""
        lines = [
            f"{'phase':28} {'requests':>9} {'failed':>7} {'median ms':>10} {'95 % ms':>9} {'most ms':>9} {'large':>6}"
        ]
        edges = [*self.phases, (time.time(), "")]
        for (began, name), (ended, _next) in itertools.pairwise(edges):
            found = [request for request in self.requests if began <= request.ended < ended]
            small = sorted(1000 * request.seconds for request in found if not request.what.startswith("large"))
            if not small:
                continue
            lines.append(
                f"{name:28} {len(found):9} {sum(bool(request.trouble) for request in found):7} "
                f"{statistics.median(small):10.0f} {small[int(0.95 * len(small))]:9.0f} {small[-1]:9.0f} "
                f"{len(found) - len(small):6}"
            )
        return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000, help="to be made at least")
    parser.add_argument("--large", type=int, default=512, help="MiB of the large transfer")
    arguments = parser.parse_args()

    fleet.up()
    fleet.reset()
    # A change of policy that restarts the service: an option goes, and rules take its place.
    for host in trial.GLANCES:
        trial.sh(host, f"sed -i '0,/^\\[DEFAULT\\]/s//[DEFAULT]\\nadmin_role = {ROLE}/' {trial.GLANCE_CONF}")
        trial.sh(host, "systemctl restart glance-api")
        trial.wait_for(lambda host=host: trial.answers(host, "/v2/images") == 200)  # type: ignore[misc]
    replaced = json.dumps({"glance_policy_admin_role": "replaced"})
    with Load(large=arguments.large * MIB) as load:
        load.phase("before")
        load.wait(arguments.requests // 10)
        load.phase("policy change")
        trial.playbook("policy", "-e", replaced, **USUAL).succeeds()
        load.phase("policy rollback")
        trial.roll_back(**USUAL).succeeds()
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
    print(load.table())
    print(f"{len(load.requests)} requests, {len(load.failed)} failed")
    print(*load.failed[:20], sep="\n")
    return 1 if load.failed else 0


if __name__ == "__main__":
    sys.exit(main())
