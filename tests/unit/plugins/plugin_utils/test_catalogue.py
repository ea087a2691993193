# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue


@pytest.mark.parametrize(
    ("project", "text", "major", "series"),
    [
        ("nova", "newton", 14, "newton"),
        ("glance", "Newton", 13, "newton"),
        ("nova", 14, 14, "newton"),
        ("nova", "14.1.0+standin", 14, "newton"),
        ("nova", "27.0.0.0rc1", 27, "2023.1"),
        ("nova", "2023.1", 27, "2023.1"),
        ("nova", "Antelope", 27, "2023.1"),
        ("glance", "2:15.0.2-0ubuntu1~cloud0", 15, "pike"),
        ("glance", " 33 ", 33, "2026.2"),
    ],
)
def test_names_of_releases(project, text, major, series):
    found = _catalogue.release(project, text)
    assert (found.major, found.series) == (major, series)


def test_exact_version_is_kept():
    assert _catalogue.release("glance", "2:15.0.2-0ubuntu1").version == "15.0.2-0ubuntu1"
    assert _catalogue.release("glance", "pike").version is None


@pytest.mark.parametrize("text", ["maybe", "", "11", "34", "2014.2.3", "15.x", "v15"])
def test_unknown_release_lists_the_known(text):
    with pytest.raises(_catalogue.CatalogueError) as caught:
        _catalogue.release("glance", text)
    assert "13 newton" in caught.value.message and "33 2026.2" in caught.value.message


def test_unknown_project():
    with pytest.raises(_catalogue.CatalogueError, match="glance, nova"):
        _catalogue.releases("horizon")


def test_use_glance_v1_lives_in_one_release():
    found = _catalogue.option("nova", 14, "glance", "use_glance_v1")
    assert (found.default, found.introduced, found.removed) == (False, 14, 15)
    assert _catalogue.option("nova", 13, "glance", "use_glance_v1") is None
    assert _catalogue.option("nova", 15, "glance", "use-glance-v1") is None
    assert _catalogue.option("nova", 14, "glance", "use-glance-v1") == found


def test_life_spans_definitions():
    found = _catalogue.option("glance", 15, "DEFAULT", "enable_v1_api")
    assert (found.introduced, found.removed, found.type, found.default) == (13, 17, "boolean", True)
    assert _catalogue.option("glance", 33, "DEFAULT", "show_multiple_locations").removed is None


def test_default_that_a_point_release_changed():
    for version, default in (("20.4.1", 0), ("20.5.0", 3), ("21.1.1", 0), ("21.1.2", 3), ("19.3.2", 0), ("34.0.0", 3)):
        release = _catalogue.release("nova", version)
        assert _catalogue.option("nova", release, "glance", "num_retries").default == default, version


def test_renamed_and_nearest():
    assert _catalogue.renamed("nova", 16, "glance", "api_insecure").name == "insecure"
    assert _catalogue.renamed("nova", 15, "glance", "api_insecure") is None
    assert _catalogue.nearest("nova", 14, "glance", "use_glance_v2") == ["glance/use_glance_v1"]


def test_schema_travels_as_json():
    schema = _catalogue.option("glance", 33, "DEFAULT", "enabled_import_methods").schema()
    assert schema["type"] == "list" and schema["bounds"] and "copy-image" in schema["default"]
    assert _catalogue.option("glance", 15, "DEFAULT", "workers").schema()["min"] == 0


def test_every_option_of_every_release_can_be_read():
    kinds = set()
    for project in _catalogue.PROJECTS:
        for release in _catalogue.releases(project):
            known = _catalogue.options(project, release)
            assert len({(each.group, each.name) for each in known}) == len(known)
            kinds |= {each.type for each in known}
    assert kinds == {
        *("boolean", "dict", "float", "hostaddress", "integer", "list", "multistring", "port", "string"),
    }


def test_releases_have_what_is_asked_of_them():
    pike = _catalogue.release("glance", "pike")
    assert [each.version for each in pike.api_versions if each.status == "CURRENT"] == ["2.5"]
    assert pike.import_methods == ("glance-direct",)
    assert _catalogue.release("glance", 33).python == ">=3.11"
    assert _catalogue.release("glance", "newton").import_methods == ()


@pytest.mark.parametrize(
    ("service", "major", "version", "default"),
    [
        ("nova", 12, 1, None),
        ("nova", 14, None, 2),
        ("nova", 30, 2, None),
        ("cinder", 9, None, 1),
        ("cinder", 11, None, 2),
        ("cinder", 12, 2, None),
        ("ironic", 6, 1, None),
        ("ironic", 8, None, 2),
    ],
)
def test_images_api_of_consumers(service, major, version, default):
    found = _catalogue.images_api(service, major)
    assert (found.version, found.default) == (version, default)


def test_values_that_pin_a_version():
    nova, cinder = _catalogue.images_api("nova", 14), _catalogue.images_api("cinder", 9)
    assert (nova.spoken(True), nova.spoken(False), nova.spoken("maybe")) == (1, 2, None)
    assert (cinder.spoken(1), cinder.spoken(2), cinder.spoken(3)) == (1, 2, None)


def test_unknown_consumer():
    with pytest.raises(_catalogue.CatalogueError, match="cinder"):
        _catalogue.images_api("horizon", 10)
    assert _catalogue.images_api_options("horizon") == []


def test_spans_of_consumers_leave_no_gap():
    for name, facts in _catalogue.consumers().items():
        spans = [rule["releases"] for rule in facts["images_api"]]
        assert spans[-1][1] is None, name
        for earlier, later in zip(spans, spans[1:], strict=False):
            assert later[0] == earlier[1] + 1, name
        assert facts["source"] and facts["config_files"] and facts["programs"]


def test_services_name_their_units():
    found = _catalogue.services()
    assert found["glance-api"]["units"]["rdo"] == ["openstack-glance-api"]
    for name, facts in found.items():
        assert facts["project"] in _catalogue.PROJECTS, name
        assert all(not unit.endswith(".service") for units in facts["units"].values() for unit in units)


# -- every name of every release -------------------------------------------------------------------------------------

EVERY = [(found.project, found) for project in _catalogue.PROJECTS for found in _catalogue.releases(project)]


@pytest.mark.parametrize(
    ("project", "found"), EVERY, ids=[f"{found.project}{found.major}" for _project, found in EVERY]
)
def test_every_release_answers_to_all_its_names(project, found):
    names = [found.major, str(found.major), found.series, found.series.title(), found.codename or found.series]
    versions = [found.newest_known, f"2:{found.newest_known}-0ubuntu1~cloud0", f"{found.major}.0.0.0rc1"]
    for name in (*names, *versions):
        answer = _catalogue.release(project, name)
        assert (answer.major, answer.series) == (found.major, found.series), name
    assert _catalogue.release(project, versions[0]).version == found.newest_known


def test_no_release_is_missing():
    assert [found.major for found in _catalogue.releases("glance")] == list(range(13, 34))
    assert [found.major for found in _catalogue.releases("nova")] == list(range(12, 35))


@pytest.mark.parametrize("major", range(13, 34))
def test_every_release_of_glance_is_told_whole(major):
    found = _catalogue.release("glance", major)
    assert found.database.head and found.policy_defaults.policy_file and str(found.server) and found.python
    assert "keystone" in found.paste_flavors and _catalogue.policies("glance", found)
    assert any(each.status == "CURRENT" for each in found.api_versions)


def test_a_release_of_another_project_is_refused():
    with pytest.raises(_catalogue.CatalogueError, match="Nova 14 .* needed"):
        _catalogue.options("glance", _catalogue.release("nova", 14))


# -- how a release runs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("major", "server"),
    [
        (13, "eventlet"),
        (15, "eventlet, WSGI (glance-wsgi-api)"),
        (32, "eventlet (deprecated), WSGI (glance.wsgi.api:application)"),
        (33, "WSGI (glance.wsgi.api:application)"),
    ],
)
def test_server(major, server):
    assert str(_catalogue.release("glance", major).server) == server


@pytest.mark.parametrize(
    ("major", "told"),
    [
        (15, ("policy.json", False, None, None, False, None)),
        (20, ("policy.json", True, None, False, True, False)),
        (25, ("policy.yaml", True, True, False, True, False)),
        (26, ("policy.yaml", True, True, True, True, True)),
        (32, ("policy.yaml", True, False, True, True, True)),
        (33, ("policy.yaml", True, False, True, False, True)),
    ],
)
def test_policy_defaults(major, told):
    found = _catalogue.release("glance", major).policy_defaults
    scope = (found.enforce_scope, found.enforce_scope_option)
    assert (found.policy_file, found.in_code, found.json_fallback, *scope, found.enforce_new_defaults) == told


def test_databases():
    heads = {found.major: found.database.head for found in _catalogue.releases("glance")}
    assert (heads[13], heads[14], heads[15], heads[18], heads[25]) == (
        *("044", "ocata01", "pike01", "rocky_contract02", "wallaby_contract01"),
    )
    moving = {
        found.major: found.database.migrations for found in _catalogue.releases("glance") if found.database.migrations
    }
    assert {major: [move.when for move in moves] for major, moves in moving.items()} == {
        **{14: ["migrate"], 15: ["contract"], 19: ["migrate"], 28: ["start"]}
    }
    assert all(move.source and move.text for moves in moving.values() for move in moves)
    train = moving[19][0]
    assert train.back.releases == (17, 18) and all("UPDATE" in each for each in (*train.run, *train.back.run))
    databases = {found.major: found.database for found in _catalogue.releases("glance")}
    assert {major: found.takes.since for major, found in databases.items() if found.takes} == {
        **dict.fromkeys(range(16, 27), 14),
        **dict.fromkeys(range(27, 34), 16),
    }
    assert {major: found.contract.breaks for major, found in databases.items() if found.contract} == {14: 13, 15: 0}


# -- policies ----------------------------------------------------------------------------------------------------------


def test_policies():
    found = _catalogue.policy("glance", 25, "delete_image")
    assert found.check_str == "role:admin or (role:member and project_id:%(project_id)s)"
    assert (found.deprecated_rule.check_str, found.deprecated_rule.since) == ("rule:default", "Wallaby")
    assert found.scope_types == ("project",) and found.operations == ("DELETE /v2/images/{image_id}",)
    assert _catalogue.policy("glance", 19, "default").check_str == "role:admin"
    assert _catalogue.policy("glance", 20, "default").check_str == ""
    assert _catalogue.policy("glance", 21, "copy_from") is None
    assert [life.removed for life in _catalogue.policy_lives("glance", "copy_from")] == [21]
    assert _catalogue.policy_lives("glance", "no_such_rule") == ()
    assert _catalogue.nearest_policy("glance", 33, "delete_imag")[0] == "delete_image"
    assert _catalogue.policies("nova", 34) == [] and _catalogue.policy("nova", 34, "default") is None


# -- points on the way -------------------------------------------------------------------------------------------------


def test_what_a_point_release_brought():
    def option(version):
        return _catalogue.option("glance", _catalogue.release("glance", version), "image_format", "vmdk_allowed_types")

    assert option("25.0.0") is None and option("24.1.0") is None and option("22.1.1") is None
    assert option("25.1") and option("2:25.1.0-2+deb12u1") and option("24.2.0") and option(25) and option("26.0.0")

    def service_api(version):
        return _catalogue.policy("glance", _catalogue.release("glance", version), "service_api").check_str

    assert service_api("30.0.0") == "role:service" and service_api("30.1.0") == "service_roles:service"
    assert {each.version for each in _catalogue.release("glance", "24.0.0").api_versions} >= {"2.15"}
    assert "2.16" not in {each.version for each in _catalogue.release("glance", "24.0.0").api_versions}
    assert "2.16" in {each.version for each in _catalogue.release("glance", "24.1.0").api_versions}


def test_lives_and_successors():
    (life,) = _catalogue.lives("glance", "DEFAULT", "secure-proxy-ssl-header")
    assert (life.introduced, life.removed, life.renamed_to) == (13, 25, None)
    found = _catalogue.successor("glance", "DEFAULT", "secure_proxy_ssl_header")
    assert (found.to, found.value) == ("oslo_middleware/enable_proxy_headers_parsing", True)
    assert _catalogue.successor("glance", "DEFAULT", "debug") is None
    assert _catalogue.lives("glance", "DEFAULT", "no_such_option") == ()
    for project in _catalogue.PROJECTS:
        for each in _catalogue._data(project)["successors"]:
            assert each["source"] and each["text"], each


def test_names_with_a_dash():
    assert _catalogue.option("glance", 25, "DEFAULT", "pipe-handle").removed == 30


def test_stores_have_sections_of_their_own():
    assert _catalogue.store_option(20, "filesystem_store_datadir").store == "filesystem"
    assert _catalogue.store_option(27, "weight") and not _catalogue.store_option(26, "weight")
    assert _catalogue.store_option(16, "filesystem_store_datadir") is None
    assert _catalogue.store_option(33, "default_backend") is None


# -- libraries ---------------------------------------------------------------------------------------------------------


def test_libraries_of_the_releases_that_were_read():
    assert [major for major in range(13, 34) if _catalogue.libraries(major)] == [15, 20, 25, 33]
    found = _catalogue.libraries(33)
    assert found.versions["oslo.policy"].startswith("6.") and "oslo_messaging_rabbit" in found.groups
    assert found.option("database", "connection").secret
    assert found.option("oslo_policy", "enforce_scope") is None
    assert _catalogue.libraries(25).option("oslo_policy", "enforce_scope").default is False
    assert _catalogue.libraries(15).renamed("DEFAULT", "rabbit_hosts").group == "oslo_messaging_rabbit"
    assert found.option("keystone_authtoken", "application_credential_secret").secret
    for major in (15, 20, 25, 33):
        seen = [(each.group, each.name) for each in _catalogue.libraries(major).options]
        assert len(seen) == len(set(seen)) > 300
        assert not {each.project for each in _catalogue.libraries(major).options} & set(_catalogue.PROJECTS)


@pytest.mark.parametrize(
    ("release", "group", "judged"),
    [
        *((33, "DEFAULT", True), (33, "database", True), (33, "databse", False), (33, "wsgi", True)),
        *((28, "DEFAULT", False), (28, "database", False), (28, "keystone_authtoken", False), (28, "task", True)),
        *((28, "os_glance_staging_store", True), (18, "os_glance_staging_store", False)),
        *((31, "backend_defaults", True), (30, "backend_defaults", False), (33, "fast", False)),
    ],
)
def test_groups_that_are_judged(release, group, judged):
    assert _catalogue.judged_group(release, group) is judged


def test_groups_of_nova_that_are_judged():
    nova = _catalogue.release("nova", 30)
    assert _catalogue.judged_group(nova, "glance") and not _catalogue.judged_group(nova, "DEFAULT")


def test_nearest_looks_at_libraries_too():
    assert "database/connection" in _catalogue.nearest("glance", 33, "database", "conection")


def test_schema_of_an_item():
    ports = _catalogue.option("glance", 25, "import_filtering_opts", "allowed_ports").schema()
    assert ports["item_type"] == {"type": "integer", "min": 1, "max": 65535}
    assert _catalogue.option("glance", 25, "DEFAULT", "image_cache_driver").schema()["ignore_case"] is True


def test_the_catalogue_is_read_late():
    """Everything that imports the module pays for it, on every task."""
    code = (
        "import time; begin = time.process_time()\n"
        "from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue\n"
        "assert _catalogue._data.cache_info().misses == 0\n"
        "_catalogue.option('glance', 33, 'DEFAULT', 'workers')\n"
        "assert _catalogue._data.cache_info().misses == 1\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
