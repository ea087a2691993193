# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _oslo_ini
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _nova, _service

CONF, EXTRA = "/etc/nova/nova.conf", "/etc/nova/nova-compute.conf"


def service(*raws, environment=None, oslo_config=None, files=(CONF, EXTRA), release=None):
    """A Nova service with values (option of [glance], raw[, file])."""
    values = [
        {"group": "glance", "option": raw[0], "raw": raw[1], "file": raw[2] if len(raw) > 2 else CONF, "line": line}
        for line, raw in enumerate(raws, 1)
    ]
    return {
        "prog": "nova-compute", "project": "nova", "assignments": values, "environment": environment or {},
        "oslo_config": oslo_config, "config_files": list(files), "config_dirs": [], "files": [], "release": release,
        "units": [], "restart_pending": None,
    }  # fmt: skip


def v1(raw, file=CONF):
    return ("use_glance_v1", raw, file)


def judge(release, *raws, **more):
    return _nova.judge_service(service(*raws, **more), _service.known_release("nova", release))


# -- judging ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "raw", "status", "effective", "version"),
    [
        ("liberty", None, "default", None, 1),
        ("13", None, "default", None, 1),
        ("13", "false", "ignored", None, 1),
        ("newton", None, "default", False, 2),
        ("14", "true", "honoured", True, 1),
        ("14", "On", "honoured", True, 1),
        ("14", "0", "honoured", False, 2),
        ("14", "maybe", "refused", None, None),
        ("14", "", "refused", None, None),
        ("ocata", None, "default", None, 2),
        ("15", "true", "ignored", None, 2),
        ("15", "maybe", "ignored", None, 2),
        ("2026.1", "true", "ignored", None, 2),
    ],
)
def test_what_a_release_makes_of_the_option(release, raw, status, effective, version):
    judged = judge(release, *([v1(raw)] if raw is not None else []))
    assert (judged["status"], judged["effective"], judged["api_version"]) == (status, effective, version)
    assert judged["configured"] == raw
    assert judged["origin"] == (f"{CONF}:1" if raw is not None else None)
    assert judged["reason"].endswith(".")


def test_exactly_the_fields_that_are_promised():
    assert set(judge("14")) == {
        "configured", "effective", "api_version", "status", "origin", "reason", "release",
    }  # fmt: skip


def test_the_last_file_decides():
    judged = judge("14", v1("true"), v1("false", EXTRA))
    assert (judged["api_version"], judged["origin"]) == (2, f"{EXTRA}:2")


def test_environment_overrides_where_the_installed_oslo_config_reads_it():
    environment = {"OS_GLANCE__USE_GLANCE_V1": "false"}
    assert judge("14", v1("true"), environment=environment, oslo_config="8.0.0/python3")["api_version"] == 2
    assert judge("14", v1("true"), environment=environment, oslo_config="3.17.0/python2")["api_version"] == 1


def test_unknown_release_lists_what_is_known():
    with pytest.raises(GlanceError, match="14 newton"):
        judge("zulu")


def test_neither_installed_nor_named():
    with pytest.raises(GlanceError, match="Give nova_release"):
        _nova.judge_service(service())


def test_installed_release_is_judged_by():
    judged = _nova.judge_service(service(v1("true"), release={"version": "14.1.0+standin"}))
    assert judged["release"] == {"major": 14, "series": "newton", "version": "14.1.0+standin"}


# -- switching --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "wanted", "outcome"),
    [
        ("13", True, "nova_release: 14"),
        ("13", False, "nova_release: 14"),
        ("15", True, "state: absent"),
        ("14", True, None),
        ("14", False, None),
        ("13", None, None),
        ("15", None, None),
    ],
)
def test_values_that_would_be_traps_are_refused(release, wanted, outcome):
    known = _service.known_release("nova", release)
    if outcome is None:
        assert _nova.check_wanted(wanted, known) is None
    else:
        with pytest.raises(GlanceError, match=outcome):
            _nova.check_wanted(wanted, known)


def test_what_the_release_does_anyway_is_not_written():
    assert "nothing is written" in _nova.check_wanted(False, _service.known_release("nova", 15))


@pytest.mark.parametrize("word", ["maybe", "", "2"])
def test_no_such_value(word):
    with pytest.raises(GlanceError, match="is no value"):
        _nova.edits(service(), word)


def option(value):
    return {"section": "glance", "option": "use_glance_v1", **value}


TRUE, FALSE, ABSENT = ({"value": "true"}, {"value": "false"}, {"state": "absent"})


@pytest.mark.parametrize(
    ("raws", "wanted", "expected"),
    [
        ([], "absent", {}),
        ([], "false", {CONF: FALSE}),
        ([v1("true")], "true", {}),
        ([v1("yes")], "true", {}),
        ([v1("true")], "false", {CONF: FALSE}),
        ([v1("true")], "absent", {CONF: ABSENT}),
        ([v1("true"), v1("false", EXTRA)], "absent", {CONF: ABSENT, EXTRA: ABSENT}),
        ([v1("true"), v1("false", EXTRA)], "false", {}),
        ([v1("false"), v1("true", EXTRA)], "false", {EXTRA: FALSE}),
        ([v1("false"), v1("maybe", EXTRA)], "false", {EXTRA: FALSE}),
        ([v1("true"), v1("true")], False, {CONF: FALSE}),
        ([v1("true")], None, {CONF: ABSENT}),
    ],
)
def test_edits(raws, wanted, expected):
    found = _nova.edits(service(*raws), wanted)
    assert found == [{"path": path, "options": [option(value)]} for path, value in expected.items()]


@pytest.mark.parametrize("wanted", [True, False, None])
@pytest.mark.parametrize("raws", [[], [v1("true")], [v1("maybe")], [v1("false"), v1("true"), v1("true", EXTRA)]])
def test_edits_lead_to_what_was_wanted_and_then_to_nothing(raws, wanted):
    texts = {CONF: "[DEFAULT]\n#x\n", EXTRA: ""}
    for _name, raw, path in raws:
        texts[path] += f"[glance]\nuse_glance_v1 = {raw}\n"

    def surveyed():
        parsed = {path: _oslo_ini.parse(text.encode(), path).entries for path, text in texts.items()}
        return service(*[(entry.option, entry.raw, path) for path, entries in parsed.items() for entry in entries])

    before = surveyed()
    changes = _nova.edits(before, wanted)
    for change in changes:
        texts[change["path"]] = _oslo_ini.edit(
            texts[change["path"]].encode(), change["options"], change["path"]
        ).decode()
    release = _service.known_release("nova", 14)
    judged = _nova.judge_service(surveyed(), release)
    assert judged["effective"] is bool(wanted)
    assert judged["status"] == ("default" if wanted is None else "honoured")
    assert _nova.edits(surveyed(), wanted) == []
    predicted = _nova.judge_service(_service.after(before, changes), release)
    assert {**predicted, "origin": None, "reason": None} == {**judged, "origin": None, "reason": None}


def test_a_packages_own_file_is_left_alone():
    found = _nova.edits(service(files=("/usr/share/nova/nova-dist.conf", CONF)), "false")
    assert [change["path"] for change in found] == [CONF]


def test_no_file_at_all():
    with pytest.raises(GlanceError, match="Give config_files"):
        _nova.edits(service(files=()), "false")


def test_environment_cannot_be_edited():
    set_there = service(environment={"OS_GLANCE__USE_GLANCE_V1": "true"})
    assert _nova.edits(set_there, "true") == []
    for wanted in ("false", "absent"):
        with pytest.raises(GlanceError, match="OS_GLANCE__USE_GLANCE_V1"):
            _nova.edits(set_there, wanted)


def test_services_that_share_a_file_change_it_once():
    changes = _nova.edits(service(v1("true")), "false")
    assert _service.merge([changes, changes]) == changes
    with pytest.raises(GlanceError, match="different things"):
        _service.merge([changes, _nova.edits(service(v1("true")), "absent")])


# -- what would break -------------------------------------------------------------------------------------------------


def findings(release, *raws, addresses=(), **more):
    found = _nova.findings(service(*raws, **more), _service.known_release("nova", release), addresses)
    return {(each["id"], each["severity"]): each for each in found}


@pytest.mark.parametrize(
    ("release", "servers", "ids"),
    [
        ("14", "http://lb:9292", set()),
        ("14", "http://lb:9292/image", set()),
        ("14", "http://lb:9292/v1", {"nova_api_servers_version"}),
        ("14", "http://lb/image/v2/", {"nova_api_servers_version"}),
        ("14", "lb:9292", {"nova_api_servers_scheme"}),
        ("14", "lb:9292, http://b/v2", {"nova_api_servers_scheme", "nova_api_servers_version"}),
        ("14", None, {"nova_api_servers_unset"}),
        ("13", None, set()),
        ("17", None, set()),
        ("14", "http://$my_ip:9292/v1", {"nova_api_servers_version"}),
    ],
)
def test_api_servers(release, servers, ids):
    found = findings(release, *([("api_servers", servers)] if servers else []))
    assert set(found) == {(each, "blocker") for each in ids}
    for each in found.values():
        assert (each["file"], each["line"]) == ((CONF, 1) if servers else (None, None))
        assert each["message"].endswith(".")
        assert each["remedy"].endswith(".")


def test_direct_hosts_without_retries():
    servers = ("api_servers", "http://glance1:9292,http://10.0.0.2:9292")
    direct = ("nova_api_servers_direct", "warning")
    assert direct in findings("14", servers, addresses=["glance1"])
    assert direct not in findings("14", servers, ("num_retries", "2"), addresses=["glance1"])
    assert direct not in findings("14", servers, addresses=["glance9"])
    assert direct not in findings("20", servers, addresses=["glance1"])  # retries by default


def driver(group, name, raw):
    found = service(("api_servers", "http://lb"))
    found["assignments"].append({"group": group, "option": name, "raw": raw, "file": CONF, "line": 9})
    return found


def test_xen():
    release = _service.known_release("nova", 14)
    (found,) = _nova.findings(driver("DEFAULT", "compute_driver", "xenapi.XenAPIDriver"), release)
    assert (found["id"], found["severity"], found["line"]) == ("nova_xen_plugin", "warning", 9)
    assert _nova.findings(driver("DEFAULT", "compute_driver", "libvirt.LibvirtDriver"), release) == []


def test_rbd():
    assert _nova.rbd_backed(driver("libvirt", "images_type", "rbd"))
    assert not _nova.rbd_backed(driver("libvirt", "images_type", "qcow2"))
    assert not _nova.rbd_backed(service())
