# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What the operator has on a host before TLS opens there, and what can be seen of it from outside."""

from __future__ import annotations

import hashlib
import json
import ssl
from pathlib import Path
from typing import Any

from . import trial
from .authority import Authority, Issued
from .common import STATE, docker
from .hosts import BY_NAME

PLACE = "/etc/ssl/glance"
PORT = 9293
FILES = {"certificate": f"{PLACE}/glance.pem", "key": f"{PLACE}/glance.key", "trusted_ca": f"{PLACE}/ca.pem"}
#: The role's variables that say where these are.
WISHES = {f"glance_stunnel_{name}": value for name, value in {**FILES, "consumers_ca": FILES["trusted_ca"]}.items()}


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
