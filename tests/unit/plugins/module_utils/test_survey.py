# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _containers, _scheduled, _survey, _units
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def service(name="nova-compute", **more):
    defaults = {
        "name": name, "project": name.split("-")[0], "prog": name, "units": [], "config_files": [], "config_dirs": [],
        "options": [], "documents": False,
    }  # fmt: skip
    return {**defaults, **more}


def unit(name, argv, started=None, **more):
    return {
        "name": name, "id": f"{name}.service", "load_state": "loaded", "active_state": "active", "sub_state": "running",
        "unit_file_state": "enabled", "main_pid": 0, "started": started, "user": "root", "directory": "/",
        "triggered_by": [], "fragment": "", "drop_ins": [], "container": None,
        "exec_start": [{"path": argv[0], "argv": argv}], "unit_environment": {}, "environment_files": [], **more,
    }  # fmt: skip


@pytest.fixture
def conf(tmp_path):
    path = tmp_path / "nova.conf"
    path.write_text(
        "[DEFAULT]\nmy_ip = 10.0.0.1\nhost = $my_ip\ntransport_url = rabbit://nova:hidden@h\n"
        "[glance]\napi_servers = http://$my_ip:9292\nuse_glance_v1 = true\npassword = hidden\nurl = http://u:hidden@h/\n"
    )
    return path


@pytest.fixture
def units(monkeypatch):
    """Units of the host by name; any other is not found."""
    known, calls = {}, []

    def show(names):
        calls.append(names)
        return [known.get(name) or unit(name, ["x"], load_state="not-found") for name in names]

    monkeypatch.setattr(_units, "show", show)
    return known, calls


def look(tmp_path, *services):
    return _survey.survey(list(services), str(tmp_path / "state"))


def test_what_was_asked_for_with_what_it_refers_to(tmp_path, conf, units):
    found = look(tmp_path, service(config_files=[str(conf)], options=["glance/*"]))["services"]["nova-compute"]
    assert [(value["option"], value["line"]) for value in found["assignments"]] == [
        ("my_ip", 2), ("api_servers", 6), ("use_glance_v1", 7), ("password", 8), ("url", 9),
    ]  # fmt: skip
    assert found["error"] is None
    assert found["config_origin"] == "argument"


def test_no_secret_leaves_the_host(tmp_path, conf, units):
    units[0]["nova-compute"] = unit(
        "nova-compute", ["/x", "--config-file", str(conf)],
        unit_environment={"OS_DATABASE__CONNECTION": "mysql://nova:hidden@h", "OS_GLANCE__DEBUG": "on", "HOME": "/root"},
    )  # fmt: skip
    result = look(tmp_path, service(units=["nova-compute"], options=["DEFAULT/*", "glance/*"]))
    assert "hidden" not in json.dumps(result["services"])
    assert result["services"]["nova-compute"]["environment"]["OS_GLANCE__DEBUG"] == "on"
    assert "HOME" not in result["services"]["nova-compute"]["environment"]


def test_the_unit_names_the_files(tmp_path, conf, units):
    units[0]["openstack-nova-compute"] = unit("openstack-nova-compute", ["/x", f"--config-file={conf}"], started=1.0)
    asked = service(units=["nova-compute", "openstack-nova-compute"], options=["glance/use_glance_v1"])
    found = look(tmp_path, asked)["services"]["nova-compute"]
    assert [each["name"] for each in found["units"]] == ["openstack-nova-compute"]
    assert (found["config_files"], found["config_origin"]) == ([str(conf)], "unit")
    assert found["files"][0]["sha256"] == hashlib.sha256(conf.read_bytes()).hexdigest()
    assert found["files"][0]["mode"] == f"{os.stat(conf).st_mode & 0o7777:04o}"
    assert len(units[1]) == 1


def test_the_callers_word_stands(tmp_path, conf, units):
    other = tmp_path / "other.conf"
    other.write_text("")
    units[0]["nova-compute"] = unit("nova-compute", ["/x", f"--config-file={conf}"])
    found = look(tmp_path, service(units=["nova-compute"], config_files=[str(other)]))["services"]["nova-compute"]
    assert (found["config_files"], found["config_origin"]) == ([str(other)], "argument")
    assert found["units"][0]["config_files"] == [str(conf)]


@pytest.mark.parametrize(("age", "pending"), [(3600, True), (-3600, False)])
def test_a_process_older_than_its_file(tmp_path, conf, units, age, pending):
    units[0]["nova-compute"] = unit("nova-compute", ["/x", f"--config-file={conf}"], started=time.time() - age)
    found = look(tmp_path, service(units=["nova-compute"]))["services"]["nova-compute"]
    assert found["restart_pending"] is pending
    assert found["units"][0]["restart_pending"] is pending


def test_nothing_runs_nothing_is_pending(tmp_path, conf, units):
    assert look(tmp_path, service(config_files=[str(conf)]))["services"]["nova-compute"]["restart_pending"] is None


def contained(path, **more):
    """A service of which the operator named container and files."""
    return service("nova-api", units=["docker:nova_api"], config_files=[str(path)], options=["glance/*"], **more)


def test_a_container_reads_the_files_of_the_host(tmp_path, conf, units):
    units[0]["docker:nova_api"] = unit("docker:nova_api", ["dumb-init"], container="id", unit_environment={})
    found = look(tmp_path, contained(conf))["services"]["nova-api"]
    assert (found["config_files"], found["config_origin"], found["error"]) == ([str(conf)], "argument", None)
    assert (found["units"][0]["container"], found["units"][0]["config_files"]) == ("id", [str(conf)])


def test_files_of_a_container_that_the_host_does_not_have_are_not_missed(tmp_path, units):
    found = look(tmp_path, contained("/etc/kolla/nova-api/nova.conf"))["services"]["nova-api"]
    assert (found["units"], found["config_origin"], found["error"]) == ([], None, None)


@pytest.mark.parametrize(
    ("files", "environment", "said"),
    [([], {}, "Name those"), (["x"], {"KOLLA_CONFIG_STRATEGY": "COPY_ONCE"}, "COPY_ALWAYS")],
)
def test_a_container_that_would_not_take_a_changed_file_is_refused(tmp_path, units, files, environment, said):
    units[0]["docker:nova_api"] = unit("docker:nova_api", ["x"], container="id", unit_environment=environment)
    asked = service("nova-api", units=["docker:nova_api"], config_files=[str(tmp_path / name) for name in files])
    assert said in look(tmp_path, asked)["services"]["nova-api"]["error"]


def test_an_engine_that_does_not_answer_leaves_nothing_to_judge(tmp_path, monkeypatch):
    def silent(names):
        raise _containers.EngineError("docker is silent.")

    monkeypatch.setattr(_units, "show", silent)
    with pytest.raises(GlanceError, match="silent"):
        look(tmp_path, contained("/etc/kolla/nova-api/nova.conf"))


@pytest.mark.parametrize("container", [None, "id"])
def test_the_release_by_the_code_that_is_loaded(tmp_path, conf, units, monkeypatch, container):
    """A WSGI server's command line names no program of the project, and a container's is not this host's."""
    record = tmp_path / "venv" / "lib" / "python3.9" / "site-packages" / "nova-21.0.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text("Version: 21.0.0\n")
    units[0]["u"] = unit("u", ["uwsgi", "--ini", "x"], main_pid=os.getpid(), container=container)
    monkeypatch.setattr(_units, "processes", lambda names: [1])
    monkeypatch.setattr(_units, "environments", lambda pids: [str(tmp_path / "other"), str(tmp_path / "venv")])
    monkeypatch.setattr(_units, "command", lambda unit: (["uwsgi", "--ini", "x"], {"PATH": ""}))
    asked = service("nova-api", prog="no-such-program", units=["u"], config_files=[str(conf)])
    found = look(tmp_path, asked)["services"]["nova-api"]
    root = f"/proc/{os.getpid()}/root" if container else ""
    assert found["interpreter"] == f"{root}{tmp_path}/venv/bin/python"
    assert (found["release"]["version"], found["units"][0]["running"]) == ("21.0.0", ["21.0.0"])


def test_trouble_with_one_service_hides_no_other(tmp_path, conf, units):
    broken = tmp_path / "broken.conf"
    broken.write_text("use_glance_v1 = true\n")
    result = look(
        tmp_path,
        service("nova-api", config_files=[str(broken)]),
        service("nova-conductor", config_files=[str(tmp_path / "none.conf")]),
        service("nova-compute", config_files=[str(conf)], options=["glance/use_glance_v1"]),
    )["services"]
    assert f"{broken}:1" in result["nova-api"]["error"]
    assert "none.conf" in result["nova-conductor"]["error"]
    assert result["nova-compute"]["error"] is None
    assert result["nova-compute"]["assignments"]


def test_without_systemd_the_files_can_be_named(tmp_path, conf, monkeypatch):
    def show(names):
        raise GlanceError("systemctl is not on this host.")

    monkeypatch.setattr(_units, "show", show)
    result = look(tmp_path, service(units=["a"]), service("nova-api", units=["b"], config_files=[str(conf)]))[
        "services"
    ]
    assert "systemctl" in result["nova-compute"]["error"]
    assert result["nova-api"]["error"] is None


def test_room_where_a_run_would_write(tmp_path, conf, units):
    free = look(tmp_path, service(config_files=[str(conf)]))["free_bytes"]
    assert list(free) == [str(tmp_path)]
    assert free[str(tmp_path)] > 0


# -- Glance's own -----------------------------------------------------------------------------------------------------


def glance(tmp_path, text="[DEFAULT]\n", **more):
    path = tmp_path / "glance-api.conf"
    path.write_text(text)
    return service("glance-api", config_files=[str(path)], **more)


def documents(tmp_path, text="[DEFAULT]\n"):
    return look(tmp_path, glance(tmp_path, text, documents=True))["services"]["glance-api"]


def test_every_option_travels_where_all_are_asked_for(tmp_path, units):
    text = "[DEFAULT]\nbind_port = 1\n[Odd]\nanything = 2\n[keystone_authtoken]\npassword = hidden\n"
    found = look(tmp_path, glance(tmp_path, text, options=["*"]))["services"]["glance-api"]["assignments"]
    assert [(value["group"], value["raw"]) for value in found] == [
        ("DEFAULT", "1"), ("odd", "2"), ("keystone_authtoken", "********"),
    ]  # fmt: skip


def test_policy_files_travel_as_they_are(tmp_path, units):
    (tmp_path / "policy.json").write_text('{"a": "http://u:hidden@h:80/", "b":"http://h:80/","c":"@"}')
    (tmp_path / "policy.yaml").write_text("- no: [rules")
    (tmp_path / "policy.d" / "deeper").mkdir(parents=True)
    for name in ("z.json", "b.yaml", ".hidden"):
        (tmp_path / "policy.d" / name).write_text(name)
    policy = documents(tmp_path)["policy"]
    assert policy["named"] is None
    assert [(each["name"], each["file"]) for each in policy["files"]] == [
        (name, str(tmp_path / name)) for name in ("policy.yaml", "policy.json")
    ]
    assert policy["files"][0]["text"] == "- no: [rules"
    assert json.loads(policy["files"][1]["text"]) == {"a": "http://u:********@h:80/", "b": "http://h:80/", "c": "@"}
    assert [each["text"] for each in policy["overlays"]] == ["b.yaml", "z.json"]


@pytest.mark.parametrize("group", ["oslo_policy", "DEFAULT"])
def test_policy_under_its_own_name(tmp_path, units, group):
    (tmp_path / "own.yaml").write_text("a: b")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "p").write_text(name)
    text = f"[DEFAULT]\nplace = own\n[{group}]\npolicy_file = ${{place}}.yaml\npolicy_dirs = two\npolicy_dirs = one\n"
    if group == "DEFAULT":
        text = text.replace("${place}", "own")
    policy = documents(tmp_path, text)["policy"]
    assert (policy["named"], policy["files"][0]["text"]) == ("own.yaml", "a: b")
    assert [each["text"] for each in policy["overlays"]] == ["two", "one"]


def test_the_property_protection_file_travels_where_one_is_named(tmp_path, units):
    (tmp_path / "protections.conf").write_text("[x]\nread = licensor\n")
    assert documents(tmp_path)["property_protection"] is None
    found = documents(tmp_path, "[DEFAULT]\nproperty_protection_file = protections.conf\n")["property_protection"]
    assert found == {"file": str(tmp_path / "protections.conf"), "text": "[x]\nread = licensor\n", "error": None}
    assert documents(tmp_path, "[DEFAULT]\nproperty_protection_file = none.conf\n")["property_protection"] is None


def test_a_named_policy_that_is_not_there_is_said(tmp_path, units):
    assert documents(tmp_path)["policy"] is None
    assert documents(tmp_path, "[oslo_policy]\npolicy_file = x\n")["policy"] == {
        "named": "x", "files": [], "overlays": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"), [(b"a: b\n\xff\n", "policy.yaml:2: the byte 0xff"), (b"#" * (1 << 20) + b"#", "1048577 bytes")]
)
def test_what_cannot_travel_says_so_in_its_place(tmp_path, units, data, said):
    (tmp_path / "policy.yaml").write_bytes(data)
    document = documents(tmp_path)["policy"]["files"][0]
    assert document["text"] is None
    assert said in document["error"]


def test_far_too_many_values_are_refused(tmp_path, units, monkeypatch):
    monkeypatch.setattr(_survey, "LARGEST_VALUES", 100)
    asked = glance(tmp_path, "[DEFAULT]\n" + "a = b\n" * 100, options=["*"])
    found = look(tmp_path, asked)["services"]["glance-api"]
    assert found["assignments"] == []
    assert "glance-api.conf" in found["error"]


def test_paste_file_travels_without_its_secrets(tmp_path, units):
    (tmp_path / "glance-api-paste.ini").write_text(
        "[filter:authtoken]\nadmin_password = hidden\ndelay_auth_decision = 1\n"
    )
    paste = documents(tmp_path, "[paste_deploy]\nflavor = keystone\n")["paste"]
    assert (paste["file"], paste["flavor"]) == (str(tmp_path / "glance-api-paste.ini"), "keystone")
    assert paste["text"] == "[filter:authtoken]\nadmin_password = ********\ndelay_auth_decision = 1\n"


def test_programs_in_crontabs(tmp_path, units, monkeypatch):
    directory = tmp_path / "cron.d"
    directory.mkdir()
    (directory / "glance").write_text(
        "# glance-scrubber\n0 3 * * * glance /usr/bin/glance-cache-prefetcher\n1 1 * * * root my-glance-scrubber\n"
        "2 2 * * * root cd /; glance-scrubber # glance-replicator\n"
    )
    monkeypatch.setattr(_scheduled, "CRON_FILES", ())
    monkeypatch.setattr(_scheduled, "CRON_DIRECTORIES", (str(directory),))
    monkeypatch.setattr(_scheduled, "UNIT_DIRECTORIES", ())
    crons = look(tmp_path, glance(tmp_path))["services"]["glance-api"]["crons"]
    assert [(cron["line"], cron["program"]) for cron in crons] == [
        (2, "glance-cache-prefetcher"), (4, "glance-scrubber"),
    ]  # fmt: skip


def test_own_addresses_by_the_kernels_tables(tmp_path: Path) -> None:
    trie, inet6 = tmp_path / "fib_trie", tmp_path / "if_inet6"
    trie.write_text(
        "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.0.2.0\n        /24 link UNICAST\n"
        "     |-- 192.0.2.31\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n"
    )
    inet6.write_text(
        "20010db8000000000000000000000031 02 40 00 80 eth0\n00000000000000000000000000000001 01 80 10 80 lo\n"
        "fe800000000000000000000000000031 02 40 20 80 eth0\n"
    )
    assert _survey._addresses(str(trie), str(inet6)) == ["192.0.2.31", "2001:db8::31"]
    assert _survey._addresses(str(tmp_path / "none"), str(tmp_path / "none")) == []
