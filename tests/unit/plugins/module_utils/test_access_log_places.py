# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _access_log_places, _scheduled, _units

SERVICES = [{"name": "glance-api", "units": ["glance-api"], "prog": "glance-api", "project": "glance"}]


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host without units and logs; what is put below the directory is there."""
    for name in ("USUAL", "BALANCERS", "HAPROXY_UNITS", "HAPROXY_FILES"):
        monkeypatch.setattr(_access_log_places, name, ())
    for name in ("CRON_FILES", "CRON_DIRECTORIES", "UNIT_DIRECTORIES"):
        monkeypatch.setattr(_scheduled, name, ())
    monkeypatch.setattr(_units, "show", lambda names: [])
    return tmp_path


def runs(monkeypatch, *argv, name="glance-api"):
    """The host has a unit of Glance that runs this."""
    unit = {
        "name": name, "id": f"{name}.service", "load_state": "loaded", "active_state": "active", "sub_state": "running",
        "unit_file_state": "enabled", "main_pid": 0, "started": None, "user": "root", "directory": "/", "triggered_by": [],
        "fragment": "", "drop_ins": [], "container": None,
        "exec_start": [{"path": argv[0], "argv": list(argv)}], "unit_environment": {}, "environment_files": [],
    }  # fmt: skip
    monkeypatch.setattr(_units, "show", lambda names: [unit])


def paths(host, found):
    return [(source.path.replace(f"{host}/", ""), source.turn) for source in found["sources"]]


def logs(host, *names):
    for name in names:
        (host / name).touch()


def configured(host, text):
    path = host / "glance-api.conf"
    path.write_text(f"[DEFAULT]\n{text}\n")
    return ("/usr/bin/glance-api", "--config-file", str(path))


def test_what_the_configuration_names_with_its_predecessors(host, monkeypatch):
    runs(monkeypatch, *configured(host, f"log_file = {host}/api.log\nlog_dir = /nowhere"))
    logs(host, "api.log", "api.log.1", "api.log.2.gz", "api.log-20261120.gz", "api-20261119.log", "api.log.3.xz")
    logs(host, "api.log.bak", "registry.log", "api.logger", "api-internal.log")
    found = _access_log_places.find(SERVICES)
    assert paths(host, found) == [
        ("api-20261119.log", None),
        ("api.log", 0),
        ("api.log-20261120.gz", None),
        ("api.log.1", 1),
        ("api.log.2.gz", 2),
        ("api.log.3.xz", 3),
        ("journal of glance-api", None),
    ]
    assert {(source.stream, source.group) for source in found["sources"][:-1]} == {("glance-api", f"{host}/api.log")}
    assert found["troubles"] == []


@pytest.mark.parametrize(
    ("option", "words", "name"),
    [
        ("logdir = {}", (), "glance-api.log"),
        ("log_dir = {}\nlog_file = own.log", (), "own.log"),
        ("log_file = /elsewhere", ("--log-file={}/cli.log",), "cli.log"),
        ("", ("--log-dir", "{}"), "glance-api.log"),
    ],
)
def test_ways_to_name_a_log(host, monkeypatch, option, words, name):
    runs(monkeypatch, *configured(host, option.format(host)), *(word.format(host) for word in words))
    logs(host, name)
    assert paths(host, _access_log_places.find(SERVICES))[0] == (name, 0)


def test_uwsgi(host, monkeypatch):
    (host / "uwsgi.ini").write_text(f"[uwsgi]\nmodule = glance\nreq-logger = file:{host}/req.log\n")
    runs(monkeypatch, "/usr/bin/uwsgi_python3", "--ini", f"{host}/uwsgi.ini", "--logto", f"{host}/all.log")
    logs(host, "req.log", "all.log")
    assert [path for path, _turn in paths(host, _access_log_places.find(SERVICES))] == [
        "all.log", "req.log", "journal of glance-api",
    ]  # fmt: skip
    (host / "uwsgi.ini").write_text("disable-logging = true\n")
    assert "disable-logging" in _access_log_places.find(SERVICES)["troubles"][0]


def test_gunicorn(host, monkeypatch):
    logs(host, "access.log")
    program = ("/opt/glance/bin/python", "/opt/glance/bin/gunicorn", "-b", "0.0.0.0:9292")
    runs(monkeypatch, *program, "--access-logfile", f"{host}/access.log", "glance.wsgi.api:application")
    assert paths(host, _access_log_places.find(SERVICES))[0] == ("access.log", 0)
    (host / "gunicorn.conf.py").write_text(f'accesslog = "{host}/access.log"\n')
    runs(monkeypatch, *program, "-c", f"{host}/gunicorn.conf.py")
    assert paths(host, _access_log_places.find(SERVICES))[0] == ("access.log", 0)
    runs(monkeypatch, *program)
    found = _access_log_places.find(SERVICES)
    assert paths(host, found) == [("journal of glance-api", None)]
    assert "--access-logfile" in found["troubles"][0]


def test_what_is_not_judged(host, monkeypatch):
    runs(monkeypatch, *configured(host, "log_config_append = /etc/glance/logging.ini"))
    assert "/etc/glance/logging.ini" in _access_log_places.find(SERVICES)["troubles"][0]


def test_usual_places_and_the_balancer(host, monkeypatch):
    logs(host, "api.log", "haproxy.log", "haproxy.log.1", "glance-access.log")
    (host / "haproxy.cfg").write_text(
        "frontend images # Glance\n  bind 192.0.2.1:443 ssl\n  bind :9292\n  default_backend glance\n"
        "listen heat\n  bind :8004\nbackend glance\n  server ctl1 192.0.2.2:9292 check\n  server ctl2 ctl2:9292\n"
        "listen other\n  bind :19292\n"
    )
    monkeypatch.setattr(_access_log_places, "USUAL", (f"{host}/api.log", f"{host}/*access*.log", f"{host}/none.log"))
    monkeypatch.setattr(_access_log_places, "BALANCERS", (f"{host}/haproxy.log",))
    monkeypatch.setattr(_access_log_places, "HAPROXY_UNITS", ("haproxy",))
    monkeypatch.setattr(_access_log_places, "HAPROXY_FILES", (f"{host}/*.cfg", f"{host}/none"))
    found = _access_log_places.find(SERVICES)
    assert paths(host, found) == [
        ("api.log", 0), ("glance-access.log", 0), ("haproxy.log", 0), ("haproxy.log.1", 1), ("journal of haproxy", None),
    ]  # fmt: skip
    assert [source.stream == "proxy" for source in found["sources"]] == [False, False, True, True, True]
    assert found["frontends"] == ["glance", "images"]
    assert _access_log_places.frontends({8004}) == ["heat"]


def test_named_by_the_operator(host):
    logs(host, "api.log", "api.log.1", "b[1].log-20261120.gz")
    named = list(_access_log_places.named([f"{host}/api.log*", f"{host}/b[1].log-20261120.gz", f"{host}/none*"]))
    assert [
        (source.path.replace(f"{host}/", ""), source.group.replace(f"{host}/", ""), source.turn) for source in named
    ] == [
        ("api.log", "api.log", 0),
        ("api.log.1", "api.log", 1),
        ("b[1].log-20261120.gz", "b[1].log", None),
        ("none*", "none*", 0),
    ]
