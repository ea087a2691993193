# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""TLS by stunnel in front of the lab's Glance hosts, behind haproxy, until plaintext is closed, and back. The cases build on each
other, so their order counts."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openstack
import pytest
from lablib import grade, tls, trial
from lablib.authority import Authority, Issued
from lablib.hosts import BY_NAME, INFRA
from lablib.seed import MIB, Api
from lablib.tls import FILES, HTTPS, NAMES, PLACE, PORT, QUIET, cloud, fingerprints, listening, put

SIZE = (1024 if trial.THOROUGH else 256) * MIB
SERVICE = {"name": "glance", "accept": str(PORT), "connect": "127.0.0.1:9292", "names": NAMES, **FILES}
UNIT = "stunnel@glance"


@pytest.fixture(scope="module", name="authority")
def fixture_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module", name="good")
def fixture_good(authority: Authority) -> Issued:
    return tls.certify_all(authority)


@pytest.fixture(scope="module", name="sslyze", autouse=True)
def fixture_sslyze() -> Iterator[Callable[[], int]]:
    """The environment of sslyze, made while other things are tried."""
    making = grade.prepare()
    yield making.wait
    making.wait()


def service(hosts: str, *more: str, **arguments: Any) -> trial.Run:
    return trial.module(hosts, "stunnel_service", {**SERVICE, **arguments}, *more)


def main_pid(host: str) -> str:
    return trial.sh(host, f"systemctl show -p MainPID --value {UNIT}").strip()


# -- before -----------------------------------------------------------------------------------------------------------


def test_bad_certificates_are_refused_by_host_and_file(authority: Authority, good: Issued) -> None:
    tls.balance()
    put("glance1", authority.issue("old", *NAMES, days=-1), authority)
    put("glance2", good, authority, key=authority.issue("other", *NAMES).key)
    before = trial.look(*trial.GLANCES)
    refused = tls.flip(authority).fails(
        "2 blocker(s), nothing was changed.", "tls_service_refused (glance1)", "has expired"
    )
    refused.says(f"{PLACE}/glance.key is not the key of {PLACE}/glance.pem")
    put("glance1", authority.issue("elsewhere", "elsewhere.example"), authority)
    put("glance2", authority.issue("short", *NAMES, chain=False), authority)
    runs = [service(host) for host in trial.GLANCES]
    runs[0].fails(f"glance.pem is not for {', '.join(NAMES)}: its subject alternative names are elsewhere.example")
    runs[1].fails("leads to no CA in /etc/ssl/glance/ca.pem", "it holds 1 certificate(s)")
    for host in trial.GLANCES:
        put(host, good, authority)
    trial.sh("glance2", f"chmod 600 {FILES['key']}")
    service("glance2", "--check").fails("glance.key cannot be read by the service", "refuse every reload in silence")
    trial.sh("glance2", f"chmod 640 {FILES['key']}")
    assert {name.rpartition("/")[0] for name in trial.differences(before, trial.look(*trial.GLANCES))} <= {
        f"{host}:{PLACE}" for host in trial.GLANCES
    }
    trial.remember("before", trial.look())


@trial.thorough
def test_check_mode_shows_what_would_be(authority: Authority, untouched: dict[str, str]) -> None:
    shown = tls.flip(authority, "--check", "--diff").succeeds()
    shown.says(
        f"+api_servers = {HTTPS}",
        "+accept = 9293",
        "+ExecReload=/bin/kill -HUP $MAINPID",
        f"+public_endpoint = {HTTPS}",
        "verdict: ready",
    )


# -- open -------------------------------------------------------------------------------------------------------------


def test_tls_opens_beside_plaintext(authority: Authority) -> None:
    before = trial.catalogue()
    tls.flip(authority).succeeds().says("done.", "the catalogue's image endpoints are https", "glance_flip_run=")
    after = trial.catalogue()
    assert after == {id_: url.replace("http:", "https:").replace(":9292", f":{PORT}") for id_, url in before.items()}
    for host in trial.GLANCES:
        assert len(set(fingerprints(host))) == 1
        status, versions = trial.ask(host, "/")
        assert status == 300 and all(each["links"][0]["href"].startswith(HTTPS) for each in versions["versions"])
        assert trial.sh(host, f"systemctl is-active {UNIT} && systemctl is-enabled {UNIT}").split() == [
            "active",
            "enabled",
        ]
    assert trial.locked() == []
    done = [(step, host) for event, step, host in trial.events() if event == "done"]
    steps = ("glance_tls_open", "glance_public_endpoint")
    assert done[:4] == [(step, host) for step in steps for host in trial.GLANCES]
    assert sorted(done[4:]) == [("consumers", host) for host in trial.NOVAS]
    trial.remember("run", trial.runs("glance1")[-1])
    for host in trial.NOVAS:
        trial.wait_for(lambda host=host: f"Images API v1 at {HTTPS}: " in asked(host))  # type: ignore[misc]


def asked(host: str) -> str:
    """The last that a Nova host tells of its requests to Glance."""
    return trial.sh(host, "tail -n 1 /var/log/nova/nova-compute.log")


@trial.thorough
def test_plaintext_stays_open_while_it_is_used(authority: Authority) -> None:
    """The balancer's health check alone still is. Else there is nothing to do."""
    again = tls.close(authority).succeeds()
    again.says("plaintext_stays_open", "plaintext_callers_seen", "GET /healthcheck", "verdict: nothing to do")
    assert again.changed() == 0


def test_a_client_that_knows_the_ca_alone_works_over_the_catalogue(authority: Authority) -> None:
    with connected(authority) as connection:
        assert connection.image.get_endpoint().startswith(HTTPS)
        assert list(connection.image.images()) == []
    with connected(None) as connection, pytest.raises(Exception, match="certificate verify failed|supported versions"):
        list(connection.image.images())


def test_the_balancer_may_pass_tls_through(authority: Authority) -> None:
    context = ssl.create_default_context(cafile=str(authority.root))
    connection = http.client.HTTPSConnection(INFRA.address, 9294, context=context, timeout=30)
    connection.request("GET", "/healthcheck")
    assert connection.getresponse().status == 200
    connection.close()


def test_sslyze_finds_mozillas_intermediate_profile(authority: Authority, sslyze: Callable[[], int]) -> None:
    assert sslyze() == 0
    graded = grade.intermediate(f"{BY_NAME['glance1'].address}:{PORT}", authority.root)
    said, _none = graded.communicate(timeout=120)
    assert graded.returncode == 0 and "OK - Compliant" in said, said[-3000:]


# -- renewal ----------------------------------------------------------------------------------------------------------


class Transfer:
    """An upload or a download over TLS that stops half-way until it may go on."""

    def __init__(self, authority: Authority, image: str) -> None:
        context = ssl.create_default_context(cafile=str(authority.root))
        self.connection = http.client.HTTPSConnection(INFRA.address, PORT, context=context, timeout=120)
        self.path = f"/v2/images/{image}/file"
        self.headers = Api("admin").headers
        self.half, self.go_on = threading.Event(), threading.Event()
        self.digest = hashlib.sha256()

    def pieces(self) -> Iterator[bytes]:
        block = os.urandom(MIB)
        for number in range(SIZE // MIB):
            self.wait(number)
            piece = number.to_bytes(8, "big") + block[8:]
            self.digest.update(piece)
            yield piece

    def wait(self, number: int) -> None:
        if number == SIZE // MIB // 2:
            self.half.set()
            assert self.go_on.wait(120)

    def upload(self) -> str:
        headers = {**self.headers, "Content-Type": "application/octet-stream", "Content-Length": str(SIZE)}
        self.connection.request("PUT", self.path, self.pieces(), headers)
        answer = self.connection.getresponse()
        assert answer.status == 204, answer.read()
        self.connection.close()
        return self.digest.hexdigest()

    def download(self) -> str:
        self.connection.request("GET", self.path, headers=self.headers)
        answer = self.connection.getresponse()
        for number in range(SIZE // MIB):
            self.wait(number)
            self.digest.update(answer.read(MIB))
        assert answer.status == 200 and answer.read(1) == b""
        self.connection.close()
        return self.digest.hexdigest()


@contextlib.contextmanager
def connected(authority: Authority | None) -> Iterator[openstack.connection.Connection]:
    """A client whose connections end with it: through a balancer that passes TLS on, an idle one keeps a host from draining."""
    connection = openstack.connection.Connection(**cloud(authority), app_name="tls")
    try:
        yield connection
    finally:
        connection.session.session.close()
        connection.close()


def image(connection: openstack.connection.Connection, name: str) -> str:
    return str(connection.image.create_image(name=name, disk_format="raw", container_format="bare", data=None).id)


def test_a_renewal_cuts_no_transfer(authority: Authority) -> None:
    with connected(authority) as connection:
        first, second = (image(connection, name) for name in ("first", "second"))
    whole = Transfer(authority, first)
    whole.go_on.set()
    stored = whole.upload()
    before = {host: (main_pid(host), fingerprints(host)[0]) for host in trial.GLANCES}
    down, up = Transfer(authority, first), Transfer(authority, second)
    with ThreadPoolExecutor() as pool:
        results = [pool.submit(down.download), pool.submit(up.upload)]
        try:
            assert down.half.wait(60) and up.half.wait(60)
            for host in trial.GLANCES:
                put(host, authority.issue("renewed", *NAMES), authority)
            service("glance_api").succeeds().says('"action": "reload"')
            after = {host: (main_pid(host), *fingerprints(host)) for host in trial.GLANCES}
        finally:
            down.go_on.set()
            up.go_on.set()
        downloaded, uploaded = (each.result() for each in results)
    for host in trial.GLANCES:
        assert before[host][0] == after[host][0] and before[host][1] != after[host][1] == after[host][2]
    again = Transfer(authority, second)
    again.go_on.set()
    assert (downloaded, again.download()) == (stored, uploaded)
    with connected(authority) as connection:
        for each in (first, second):
            connection.image.delete_image(each)
    service("glance_api").succeeds().says('"action": "none"')


def test_a_broken_key_is_refused_before_anything(authority: Authority) -> None:
    shown = fingerprints("glance1")[0]
    trial.sh("glance1", f"cp -a {FILES['key']} /root/kept && sed -i '3s/.*/broken/' {FILES['key']}")
    service("glance1").fails("glance.key holds no private key that a service could use by itself")
    assert fingerprints("glance1")[0] == shown
    trial.sh("glance1", f"cp -a /root/kept {FILES['key']}")


def test_a_reload_that_did_not_take_is_noticed(authority: Authority) -> None:
    """stunnel reads its configuration again as its own user, which cannot enter the directory here."""
    shown, before = fingerprints("glance1")[0], trial.look("glance1")
    put("glance1", authority.issue("unseen", *NAMES), authority)
    trial.sh("glance1", "chmod 700 /etc/stunnel")
    started = time.monotonic()
    refused = service("glance1", idle_timeout=3600, timeout=3)
    refused.fails(
        "has not taken what it was given", f"shows the certificate {shown}", "Its journal says", "as they were before"
    )
    assert time.monotonic() - started < 60 and fingerprints("glance1")[0] == shown
    trial.sh("glance1", "chmod 755 /etc/stunnel")
    assert {name for name in trial.differences(before, trial.look("glance1")) if PLACE not in name} == set()
    service("glance1").succeeds().says('"action": "reload"')
    assert len(set(fingerprints("glance1"))) == 1


def test_clients_are_verified_where_that_is_asked_for(authority: Authority, good: Issued) -> None:
    before = trial.look("glance1")
    mutual = {"name": "mutual", "accept": "9393", "client_ca": FILES["trusted_ca"]}
    service("glance1", **mutual).succeeds().says('"action": "start"')
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", str(authority.root)]
    url = f"https://{BY_NAME['glance1'].address}:9393/"
    anybody = subprocess.run([*curl, url], capture_output=True, text=True)
    assert anybody.returncode != 0 and anybody.stdout == "000"
    known = [*curl, "--cert", str(good.certificate), "--key", str(good.key), url]
    assert subprocess.run(known, capture_output=True, text=True).stdout == "300"
    service("glance1", name="mutual", state="absent").succeeds().says('"action": "stop"')
    assert trial.differences(before, trial.look("glance1")) == []


# -- the end of plaintext ---------------------------------------------------------------------------------------------


def test_plaintext_closes_once_nobody_uses_it(authority: Authority) -> None:
    assert {place for host in trial.GLANCES for place in listening(host)} == {"0.0.0.0:9292"}
    tls.balance(closed=True)
    time.sleep(3600 * QUIET + 2)
    tls.close(authority).succeeds().says("done.", "glance_plaintext_off")
    for host in trial.GLANCES:
        assert listening(host) == ["127.0.0.1:9292"]
        assert trial.answers(host, "/") == 0
    # The balancer goes on with both, and nobody has noticed.
    assert trial.answers("infra", "/v2/images") == 200
    for host in trial.NOVAS:
        assert f"Images API v1 at {HTTPS}: " in asked(host) and "ERROR" not in asked(host)


# -- back -------------------------------------------------------------------------------------------------------------


def test_the_way_back_leads_to_the_same_bytes(authority: Authority) -> None:
    # The control node may have lost its CA meanwhile: Keystone is all that the way back needs of the cloud.
    trial.roll_back().succeeds()
    assert {place for host in trial.GLANCES for place in listening(host)} == {"0.0.0.0:9292"}
    tls.balance()
    trial.roll_back(run=trial.remembered("run")).succeeds()
    changed = trial.differences(trial.remembered("before"), trial.look())
    assert [name for name in changed if PLACE not in name] == []
    for host in trial.GLANCES:
        assert trial.sh(host, f"systemctl is-active {UNIT}", check=False).strip() == "inactive"
        assert not trial.sh(host, f"ss -Hltn sport = :{PORT}").strip()
        assert trial.answers(host, "/v2/images") == 200
    assert trial.locked() == []
