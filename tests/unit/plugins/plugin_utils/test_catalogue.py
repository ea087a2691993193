# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

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
