# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""A small certificate authority: a root, an authority below it, and certificates for servers, good ones and bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .common import run

_CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
_SERVER = (
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
)


@dataclass(frozen=True)
class Issued:
    """A certificate with those that lead to the root, and its key."""

    certificate: Path
    key: Path


class Authority:
    """Everything that it issues lies in one folder. Clients trust ``root``, and servers' certificates come from below it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._root = self._sign("root", "/CN=Lab root", _CA, None, 3650)
        self._issuing = self._sign("issuing", "/CN=Lab issuing", _CA, self._root, 1825)
        self.root = self._root.certificate
        self.issuing = self._issuing.certificate

    def issue(self, name: str, *names: str, days: int = 90, chain: bool = True) -> Issued:
        """A server's certificate for these DNS names and addresses; one of -1 day expired yesterday."""
        kinds = [f"{'IP' if each.replace('.', '').isdigit() or ':' in each else 'DNS'}:{each}" for each in names]
        said = f"{_SERVER}subjectAltName={','.join(kinds)}\n" if kinds else _SERVER
        made = self._sign(name, f"/CN={name}", said, self._issuing, days)
        if chain:
            made.certificate.write_text(made.certificate.read_text() + self.issuing.read_text())
        return made

    def _sign(self, name: str, subject: str, extensions: str, by: Issued | None, days: int) -> Issued:
        made = Issued(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request, told = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        run("openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", str(made.key))
        run("openssl", "req", "-new", "-key", str(made.key), "-subj", subject, "-out", str(request))
        told.write_text(f"subjectKeyIdentifier=hash\n{extensions}")
        signer = ["-CA", str(by.certificate), "-CAkey", str(by.key)] if by else ["-signkey", str(made.key)]
        run("openssl", "x509", "-req", "-in", str(request), "-days", str(days), "-sha256", "-extfile", str(told),
            *signer, *(["-CAcreateserial"] if by else []), "-out", str(made.certificate))  # fmt: skip
        return made
