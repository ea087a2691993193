# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""TLS in front of Glance 33.0.0, which gunicorn binds, until plaintext is closed, and back. The cases build on each other, so
their order counts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import openstack
import pytest
from lablib import hops, seed, trial
from lablib.authority import Authority
from lablib.hosts import BY_NAME, GLANCE, INFRA
from lablib.tls import HTTPS, MOVED, PLACE, PORT, QUIET, WISHES, cloud, fingerprints, listening, put

HOST = "glance33"
DROP_IN = f"{HOST}:/etc/systemd/system/glance-api.service.d/stackops-glance-loopback.conf"
HAPROXY = "/etc/haproxy/haproxy.cfg"
#: The balancer passes TLS on, and asks Glance over TLS itself once plaintext is to close.
PASSED = f"""cat >>$file <<'EOF'

frontend glance-tls
    mode tcp
    option tcplog
    bind :{PORT}
    default_backend glance-tls

backend glance-tls
    mode tcp
    server {HOST} {HOST}:{PORT}
EOF
"""


@pytest.fixture(scope="module", name="authority")
def fixture_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module", name="places", autouse=True)
def fixture_places(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[hops.Places]:
    issued = authority.issue("good", INFRA.address, HOST, BY_NAME[HOST].address)
    with trial.joined(HOST), hops.balanced(HOST, HOST), trial.changed("infra", HAPROXY, PASSED):
        for host in (HOST, "infra"):
            put(host, issued, authority)
        trial.sh("infra", "systemctl reload haproxy")
        trial.wait_for(lambda: trial.answers("infra", "/healthcheck") == 200, 60)
        places = hops.of(tmp_path_factory.mktemp("tls_wsgi"), {HOST: {}}, GLANCE)
        places.clouds.write_text(json.dumps({"clouds": {"lab": cloud(authority)}}), encoding="utf-8")
        yield places


def tls(places: hops.Places, *arguments: str, **wishes: Any) -> trial.Run:
    more = {f"glance_stunnel_{name}": value for name, value in wishes.items()}
    return places.play("tls", "-e", json.dumps({**WISHES, **more}), *arguments)


def test_tls_opens_beside_plaintext(places: hops.Places, authority: Authority) -> None:
    trial.remember("before", trial.look(HOST))
    before = trial.catalogue()
    tls(places).succeeds().says("done.", "the catalogue's image endpoints are https")
    trial.remember("run", trial.runs(HOST)[-1])
    assert set(trial.catalogue().values()) == {
        url.replace("http:", "https:").replace(":9292", f":{PORT}") for url in before.values()
    }
    assert len(set(fingerprints(HOST))) == 1 and listening(HOST) == ["0.0.0.0:9292"]
    with openstack.connection.Connection(**cloud(authority), app_name="tls") as connection:
        assert connection.image.get_endpoint().startswith(HTTPS)
        assert list(connection.image.images()) == []
    again = tls(places).succeeds()
    assert again.changed() == 0


def test_plaintext_closes_once_nobody_uses_it(places: hops.Places, authority: Authority) -> None:
    with trial.changed("infra", HAPROXY, f"sed -i '{MOVED}' $file\n"):
        trial.sh("infra", "systemctl reload haproxy")
        time.sleep(3600 * QUIET + 2)
        closing: dict[str, Any] = {"close_plaintext": True, "quiet_hours": QUIET}
        shown = tls(places, "--check", "--diff", **closing).succeeds()
        shown.says("+ExecStart=/opt/glance/33.0.0/bin/gunicorn --bind 127.0.0.1:9292")
        assert listening(HOST) == ["0.0.0.0:9292"]
        tls(places, **closing).succeeds().says("done.", "glance_plaintext_off")
        assert listening(HOST) == ["127.0.0.1:9292"] and trial.answers(HOST, "/") == 0
        assert tls(places, **closing).succeeds().changed() == 0
        headers = seed.Api("admin").headers
        # The balancer goes on in plaintext for those who ask it, by TLS.
        assert seed.request("GET", f"{GLANCE}/v2/images", headers, None)[0] == 200
        places.play("rollback").succeeds()
        assert listening(HOST) == ["0.0.0.0:9292"]
        assert DROP_IN not in trial.look(HOST)
    trial.sh("infra", "systemctl reload haproxy")


def test_the_way_back_leads_to_the_same_bytes(places: hops.Places, authority: Authority) -> None:
    places.play("rollback", run=trial.remembered("run")).succeeds()
    changed = trial.differences(trial.remembered("before"), trial.look(HOST))
    assert [name for name in changed if PLACE not in name] == []
    assert not trial.sh(HOST, f"ss -Hltn sport = :{PORT}").strip()
    assert not any(HTTPS in url for url in trial.catalogue().values())
    assert not trial.sh(HOST, f"ls {trial.RECORDS}/lock.json 2>/dev/null || :")
