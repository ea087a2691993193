# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What the operator does for TLS on hosts and balancer, the playbook with the lab's wishes, and what can be seen from outside."""

from __future__ import annotations

import hashlib
import json
import ssl
from pathlib import Path
from typing import Any

from . import trial
from .authority import Authority, Issued
from .common import STATE, docker
from .hosts import BY_NAME, INFRA

PLACE = "/etc/ssl/glance"
PORT = 9293
HTTPS = f"https://{INFRA.address}:{PORT}"
#: What a certificate of the lab's Glance is for.
NAMES = [INFRA.address, *(BY_NAME[host].address for host in trial.GLANCES), "glance.lab.example"]
FILES = {"certificate": f"{PLACE}/glance.pem", "key": f"{PLACE}/glance.key", "trusted_ca": f"{PLACE}/ca.pem"}
#: The role's variables that say where these are.
WISHES = {f"glance_stunnel_{name}": value for name, value in {**FILES, "consumers_ca": FILES["trusted_ca"]}.items()}
#: Hours without a plaintext caller.
QUIET = 0.001
#: haproxy ends TLS and encrypts anew on one port, and passes TLS through on another. {check} is for plaintext's time alone.
_BALANCER = f"""
frontend glance-tls
    bind :{PORT} ssl crt {PLACE}/both.pem
    default_backend glance-tls

backend glance-tls
    option httpchk GET /healthcheck
    http-check expect status 200
    default-server pool-max-conn 0 ssl verify required ca-file {PLACE}/ca.pem check {{check}} inter 1s fall 2 rise 2
    server glance1 glance1:{PORT}
    server glance2 glance2:{PORT}

frontend glance-passed
    mode tcp
    option tcplog
    bind :9294
    default_backend glance-passed

backend glance-passed
    mode tcp
    server glance1 glance1:{PORT}
    server glance2 glance2:{PORT}
"""
#: For sed: haproxy's plaintext port asks Glance by TLS.
MOVED = f"s|max-conn 0 check|max-conn 0 ssl verify required ca-file {PLACE}/ca.pem check|; /server/s|:9292|:{PORT}|"


def put(host: str, issued: Issued, authority: Authority, key: Path | None = None) -> None:
    """What the operator's own tool does: certificate, key and CA on a host."""
    trial.sh(host, f"mkdir -p {PLACE}")
    group = trial.sh(host, "getent group stunnel4 | cut -d: -f1").strip() or "root"
    for source, name, mode in (
        (issued.certificate, "glance.pem", "644"),
        (key or issued.key, "glance.key", "640"),
        (authority.root, "ca.pem", "644"),
    ):
        docker("cp", str(source), f"{BY_NAME[host].container}:{PLACE}/{name}")
        trial.sh(host, f"chown root:{group} {PLACE}/{name} && chmod {mode} {PLACE}/{name}")


def certify_all(authority: Authority) -> Issued:
    """A good certificate on the balancer, and on every host that is asked or asks."""
    good = authority.issue("good", *NAMES)
    for host in ("infra", *trial.MANAGED):
        put(host, good, authority)
    trial.sh("infra", f"cat {FILES['certificate']} {FILES['key']} >{PLACE}/both.pem")
    return good


def balance(closed: bool = False) -> None:
    """Let haproxy take TLS beside plaintext; once Glance's plaintext port is to close, it is to ask by TLS alone."""
    trial.sh(
        "infra",
        f"""set -e; cd /etc/haproxy; [ -e /root/haproxy.cfg ] || cp -a haproxy.cfg /root/haproxy.cfg
        sed '{MOVED if closed else ""}' /root/haproxy.cfg >haproxy.cfg; cat >>haproxy.cfg <<'EOF'
{_BALANCER.format(check="" if closed else "port 9292")}EOF
        systemctl reload haproxy""",
    )


def flip(authority: Authority, *arguments: str, **more: Any) -> trial.Run:
    """Begin to open TLS beside plaintext."""
    return trial.playbook(
        "tls", "-e", json.dumps(WISHES), *arguments, **{"cloud": cloud(authority), "start_timeout": 120, **more}
    )


def close(authority: Authority, **more: Any) -> trial.Run:
    """Begin to close plaintext, which nobody may have used for a while."""
    wishes = {"glance_stunnel_close_plaintext": True, "glance_stunnel_quiet_hours": QUIET}
    return flip(authority, "-e", json.dumps(wishes), **more)


def cloud(authority: Authority | None) -> dict[str, Any]:
    """The lab's cloud for a client that trusts this CA and no other."""
    known: dict[str, Any] = json.loads((STATE / "clouds.yaml").read_text())["clouds"]["lab"]
    return {**known, "cacert": str(authority.root)} if authority else known


def fingerprints(host: str) -> tuple[str, str]:
    """What a host shows on its TLS port, and what it would have to show by its file."""
    answer = ssl.get_server_certificate((BY_NAME[host].address, PORT))
    file = trial.sh(host, f"cat {FILES['certificate']}").partition("-----END")[0] + "-----END CERTIFICATE-----\n"
    shown, wanted = (hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest() for text in (answer, file))
    return shown, wanted


def listening(host: str) -> list[str]:
    """Addresses at which Glance's own port is listened on."""
    return trial.sh(host, "ss -Hltn sport = :9292 | awk '{print $4}'").split()
