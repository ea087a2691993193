# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host of each release is made of, from one set of variables. The scenario runs it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _release_files

CLOUD = {
    "auth_url": "http://k:5000/v3",
    "service_password": "s3$cret",
    "database_connection": "mysql+pymysql://g:p4ss@h/g",
}
#: Those that have several stores and run on Python 3, which are deployed.
RELEASES = [release.major for release in _catalogue.releases("glance") if release.major >= 20]


def layout(release: str | int, **variables: Any) -> dict[str, Any]:
    return _release_files.layout(_catalogue.release("glance", release), _release_files.as_wishes(variables))


def options(found: dict[str, Any]) -> dict[str, Any]:
    """What becomes of each option: its value, or None where it goes."""
    conf = next(each for each in found["files"] if each["path"] == _release_files.CONF)
    return {
        f"{each['section']}/{each['option']}": each.get("value", each.get("secret_value", each.get("values")))
        for each in conf["options"]
    }


def text(found: dict[str, Any], name: str) -> str:
    return str(next(each["content"] for each in found["files"] if each["path"].endswith(name)))


@pytest.mark.parametrize("major", RELEASES)
def test_every_option_is_one_of_the_release(major: int) -> None:
    release = _catalogue.release("glance", major)
    found = options(layout(major, **CLOUD, cache=True, scrubber=True, worker_self_reference_url="http://a:9292"))
    libraries = _catalogue.libraries(release)
    for name, value in found.items():
        group, option = name.split("/")
        known = _catalogue.option("glance", release, group, option) or _catalogue.store_option(release, option)
        theirs = libraries is None or libraries.option(group, option)
        if value is None:
            assert (
                libraries is None
                or known is None
                or name in ("DEFAULT/bind_host", "DEFAULT/bind_port", "DEFAULT/workers")
            )
        else:
            assert known or theirs, name


@pytest.mark.parametrize("major", RELEASES)
def test_the_server_is_one_of_the_release(major: int) -> None:
    server = _catalogue.release("glance", major).server
    found = layout(major, **CLOUD)
    assert found["server"] == ("eventlet" if server and server.eventlet else "gunicorn")
    assert ("bin/gunicorn" in text(found, "glance-api.service")) == (found["server"] == "gunicorn")
    assert options(found)["DEFAULT/bind_port"] == ("9292" if found["server"] == "eventlet" else None)


def test_gunicorn_gets_what_eventlet_is_configured_with() -> None:
    unit = text(
        layout("33.0.0", **CLOUD, workers=3, threads=5, bind_host="192.0.2.1", stop_timeout=60), "glance-api.service"
    )
    assert "--bind 192.0.2.1:9292" in unit and "--workers 3 --threads 5" in unit
    assert "--graceful-timeout 60" in unit and "TimeoutStopSec=160" in unit
    assert "gunicorn" in text(layout("32.0.0", **CLOUD, server="gunicorn"), "glance-api.service")


@pytest.mark.parametrize(("release", "server"), [("33.0.0", "eventlet"), ("25.1", "gunicorn"), ("33.0.0", "apache")])
def test_a_server_that_the_release_has_not(release: str, server: str) -> None:
    with pytest.raises(GlanceError, match=f"cannot be run by {server}"):
        layout(release, **CLOUD, server=server)


def test_secrets_stand_in_secret_values_alone() -> None:
    found = layout("33.0.0", **CLOUD, secrets={"DEFAULT": {"transport_url": "rabbit://a:r4bbit@mq"}})
    conf = found["files"][0]["options"]
    assert {each["secret_value"] for each in conf if "secret_value" in each} == {
        CLOUD["service_password"],
        CLOUD["database_connection"],
        "rabbit://a:r4bbit@mq",
    }
    assert all(each["literal"] for each in conf if "secret_value" in each)
    assert "p4ss" not in str([{**each, "secret_value": ""} for each in conf] + found["files"][1:])


def test_an_option_under_the_name_of_the_release() -> None:
    with pytest.raises(
        GlanceError, match=r"no option \[DEFAULT\] show_multiple_location\. Did you mean DEFAULT/show_multiple_loc"
    ):
        layout("33.0.0", options={"DEFAULT": {"show_multiple_location": True}})
    with pytest.raises(GlanceError, match="is a secret. Give it in glance_release_secrets"):
        layout("33.0.0", options={"DEFAULT": {"metadata_encryption_key": "x"}})
    with pytest.raises(GlanceError, match=r"\[DEFAULT\] image_size_cap is refused by Glance 33.0.0"):
        layout("33.0.0", options={"DEFAULT": {"image_size_cap": "much"}})
    assert (
        options(layout("33.0.0", options={"DEFAULT": {"disk_formats": ["raw", "iso"]}}))["image_format/disk_formats"]
        == "raw,iso"
    )
    assert options(layout("33.0.0", options={"cors": {"allowed_origin": ["a", "b"]}}))["cors/allowed_origin"] == "a,b"


def test_an_option_that_is_to_go() -> None:
    assert options(layout("33.0.0", options={"DEFAULT": {"image_size_cap": None}}))["DEFAULT/image_size_cap"] is None


def test_stores_and_where_the_service_may_write() -> None:
    stores = [
        {"name": "disk", "type": "file", "options": {"filesystem_store_datadir": "/srv/images"}},
        {"name": "web", "type": "http"},
    ]
    found = layout("32.0.0", **CLOUD, stores=stores)
    assert options(found)["DEFAULT/enabled_backends"] == "disk:file,web:http"
    assert options(found)["glance_store/default_backend"] == "disk"
    writable = [each["path"] for each in found["directories"] if each["owner"] == "glance"]
    assert "/srv/images" in writable and "/var/lib/glance/staging" in writable
    assert f"ReadWritePaths={' '.join(writable)}\n" in text(found, "glance-api.service")
    assert "NoNewPrivileges" in text(found, "glance-api.service")


def test_a_store_of_volumes_may_attach_them() -> None:
    volumes = [{"name": "volumes", "type": "cinder", "secrets": {"cinder_store_password": "x"}}]
    unit = text(layout("33.0.0", **CLOUD, stores=volumes), "glance-api.service")
    assert "NoNewPrivileges" not in unit and "PrivateDevices" not in unit and "ProtectSystem=strict" in unit


def test_without_keystone_the_host_alone_is_heard() -> None:
    found = layout("33.0.0")
    assert found["health"] == "http://127.0.0.1:9292/healthcheck"
    assert "--bind 127.0.0.1:9292" in text(found, "glance-api.service")
    assert '"add_image": ""\n' in text(found, "policy.yaml")
    known = options(found)
    assert known["paste_deploy/flavor"] is None and not any(name.startswith("keystone") for name in known)
    assert not [each for each in layout("33.0.0", **CLOUD)["files"] if each["path"] == _release_files.POLICY]


def test_cache_and_scrubber_have_timers() -> None:
    found = layout("33.0.0", **CLOUD, cache=True, scrubber=True)
    assert found["units"][1:] == ["glance-scrubber.timer", "glance-cache-pruner.timer", "glance-cache-cleaner.timer"]
    assert options(found)["paste_deploy/flavor"] == "keystone+cachemanagement"
    assert "current/bin/glance-scrubber" in text(found, "glance-scrubber.service")


@pytest.mark.parametrize(("cores", "asked", "workers"), [(1, 0, 2), (6, 0, 6), (64, 0, 8), (2, 16, 16)])
def test_workers(cores: int, asked: int, workers: int) -> None:
    assert options(layout("32.0.0", **CLOUD, cores=cores, workers=asked))["DEFAULT/workers"] == str(workers)


def test_variables_that_are_none() -> None:
    with pytest.raises(GlanceError, match="no variable glance_release_wrokers"):
        layout("33.0.0", wrokers=2)
    with pytest.raises(GlanceError, match="that is to be a number"):
        layout("33.0.0", workers="many")


def test_releases_without_several_stores() -> None:
    with pytest.raises(GlanceError, match="single store"):
        layout("15.0.2", **CLOUD)
