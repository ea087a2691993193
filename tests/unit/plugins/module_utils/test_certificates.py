# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that a real CA issued, good ones and bad ones, as openssl judges them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _certificates
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "molecule" / "lab"))

from lablib.authority import Authority, Issued  # noqa: E402  (the path comes first)

NAMES = ["glance.example", "192.0.2.10", "2001:db8::1"]


@pytest.fixture(scope="module", name="authority")
def fixture_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module", name="good")
def fixture_good(authority: Authority) -> Issued:
    return authority.issue("good", *NAMES)


def check(issued: Issued, authority: Authority, key: Path | None = None, **more: Any) -> dict[str, Any]:
    asked = {"names": NAMES, "trusted": str(authority.root), **more}
    return _certificates.check(str(issued.certificate), str(key or issued.key), **asked)


def test_a_good_certificate_is_described(authority: Authority, good: Issued) -> None:
    found = check(good, authority)
    assert (found["subject"], found["issuer"], found["chain"]) == ("CN=good", "CN=Lab issuing", 2)
    assert found["names"] == ["glance.example", "192.0.2.10", "2001:DB8:0:0:0:0:0:1"]
    assert len(found["fingerprint"]) == 64 and abs(found["not_after"] - time.time() - 90 * 86400) < 600


@pytest.mark.parametrize(
    ("name", "issue", "said"),
    [
        ("old", {"days": -1}, "has expired: the certificate of CN=old is valid from"),
        ("short", {"chain": False}, "it holds 1 certificate(s), the first issued by CN=Lab issuing"),
    ],
)
def test_bad_certificates_are_refused_by_file_and_reason(
    authority: Authority, name: str, issue: dict[str, Any], said: str
) -> None:
    bad = authority.issue(name, *NAMES, **issue)
    with pytest.raises(GlanceError, match=f"{name}.pem") as refused:
        check(bad, authority)
    assert said in refused.value.message


def test_names_come_from_subject_alternative_names_alone(authority: Authority, good: Issued) -> None:
    with pytest.raises(
        GlanceError, match=r"is not for other\.example, 192\.0\.2\.11: its subject alternative names are glance"
    ):
        check(good, authority, names=["glance.example", "other.example", "192.0.2.11"])
    with pytest.raises(GlanceError, match="names are none"):
        check(authority.issue("common.example"), authority, names=["common.example"])


def test_a_chain_that_expires_counts(authority: Authority, good: Issued) -> None:
    assert check(good, authority)["not_after"] < time.time() + 1825 * 86400
    with pytest.raises(GlanceError, match="has expired: the certificate of CN=good"):
        check(good, authority, now=time.time() + 91 * 86400)
    with pytest.raises(GlanceError, match="is not valid yet"):
        check(good, authority, now=time.time() - 86400)


def test_another_ca_leads_nowhere(authority: Authority, good: Issued, tmp_path: Path) -> None:
    stranger = Authority(tmp_path)
    with pytest.raises(GlanceError, match=f"leads to no CA in {stranger.root}"):
        check(good, stranger)
    with pytest.raises(GlanceError, match="leads to no CA in the system's trust store"):
        check(good, authority, trusted=None)


def test_keys_that_do_not_fit(authority: Authority, good: Issued, tmp_path: Path) -> None:
    other = authority.issue("other", *NAMES)
    with pytest.raises(GlanceError, match="other.key is not the key of .*good.pem"):
        check(good, authority, key=other.key)
    broken = tmp_path / "broken.key"
    broken.write_text(good.key.read_text().replace("A", "B"))
    with pytest.raises(GlanceError, match="broken.key holds no private key .*openssl cannot read it"):
        check(good, authority, key=broken)
    _certificates.openssl(
        ["pkey", "-in", str(good.key), "-aes256", "-passout", "pass:Secret1", "-out", str(tmp_path / "locked.key")]
    )
    with pytest.raises(GlanceError, match="locked.key holds no private key .*it is encrypted") as refused:
        check(good, authority, key=tmp_path / "locked.key")
    assert good.key.read_text().splitlines()[1] not in refused.value.message
    with pytest.raises(GlanceError, match="no.key does not exist"):
        check(good, authority, key=tmp_path / "no.key")


def test_a_file_without_a_certificate(authority: Authority, good: Issued) -> None:
    with pytest.raises(GlanceError, match="good.key holds no certificate in PEM form"):
        check(Issued(good.key, good.key), authority)


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("glance.example", "GLANCE.example.", True),
        ("*.example", "glance.example", True),
        ("*.example", "a.glance.example", False),
        ("*.example", "example", False),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1", True),
        ("192.0.2.10", "192.0.2.10", True),
        ("*.0.2.10", "192.0.2.10", False),
        ("192.0.2.10", "192.0.2.1", False),
    ],
)
def test_which_names_are_covered(pattern: str, name: str, covered: bool) -> None:
    assert _certificates.covers(pattern, name) is covered


def test_a_key_is_for_root_and_the_service_alone(good: Issued, tmp_path: Path) -> None:
    key = tmp_path / "server.key"
    key.write_bytes(good.key.read_bytes())
    uid, gid = os.geteuid(), os.getegid()
    key.chmod(0o640)
    _certificates.check_readers(str(key), uid, gid)
    key.chmod(0o644)
    with pytest.raises(GlanceError, match="can be read by others than root and the service: mode 0644"):
        _certificates.check_readers(str(key), uid, gid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as somebody else")
def test_a_key_that_the_service_cannot_read(good: Issued) -> None:
    good.key.chmod(0o600)
    with pytest.raises(GlanceError, match="cannot be read by the service .*refuse every reload in silence"):
        _certificates.check_readers(str(good.key), 65534, 65534)


def test_nobody_shows_a_certificate() -> None:
    assert _certificates.shown("127.0.0.1", 1) == ""
