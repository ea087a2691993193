# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.action.glance_import_methods import SPECIFICATION
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _imports

from .config_checks import CONF, surveyed

STORES = "[DEFAULT]\nenabled_backends = a:file\n"


def decide(text="", release="25.1", cores=4, files=(), **given):
    arguments = {name: given.get(name, facts.get("default")) for name, facts in SPECIFICATION.items()}
    service = surveyed(text)
    service["config_files"] += files
    return _imports.decide(service, _catalogue.release("glance", release), arguments, cores)


def written(decision):
    return {
        f"{each['section']}/{each['option']}": each["value"]
        for change in decision.changes
        for each in change["options"]
    }


# -- methods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "given", "value"),
    [
        ("25.1", {"enable": ["glance-download"]}, "[glance-direct,web-download,copy-image,glance-download]"),
        ("25.1", {"disable": ["web-download"]}, "[glance-direct,copy-image]"),
        ("19", {"disable": ["web-download"]}, "[glance-direct]"),
        ("25.1", {"methods": ["glance-direct"]}, "[glance-direct]"),
        ("25.1", {"methods": []}, "[]"),
        # What the release does by itself is not written.
        ("25.1", {"enable": ["copy-image"]}, None),
        ("19", {"enable": ["web-download"]}, None),
        ("33.0.0", {"methods": ["glance-direct", "web-download", "copy-image"]}, None),
    ],
)
def test_methods(release, given, value):
    decision = decide(STORES, release, **given)
    assert written(decision).get("DEFAULT/enabled_import_methods") == value
    if value is not None:
        assert decision.methods == [name for name in value.strip("[]").split(",") if name]


def test_methods_that_a_file_sets():
    text = STORES + "enabled_import_methods = [glance-direct]\n"
    assert written(decide(text, enable=["copy-image"])) == {
        "DEFAULT/enabled_import_methods": "[glance-direct,copy-image]"
    }
    assert decide(text, enable=["glance-direct"]).changes == []


@pytest.mark.parametrize(
    ("text", "release", "given", "message"),
    [
        ("", "25.1", {"enable": ["copy-image"]}, "needs several stores"),
        ("", "20", {"enable": ["glance-download"]}, r"which came with Glance 25 \(Zed\)"),
        ("", "25.1", {"enable": ["web_download"]}, "Did you mean web-download"),
        ("", "25.1", {"enable": ["web-download"], "disable": ["web-download"]}, "Decide"),
        ("", "15.0.2", {"enable": ["glance-direct"]}, "enabled_import_methods; it came with Glance 16"),
    ],
)
def test_methods_that_are_refused(text, release, given, message):
    with pytest.raises(GlanceError, match=message):
        decide(text, release, **given)


# -- plugins ----------------------------------------------------------------------------------------------------------


def test_plugins_and_their_options_go_to_the_file_of_imports_where_it_is_read():
    file = "/etc/glance/glance-image-import.conf"
    decision = decide(
        files=[file], plugins=["image_decompression", "image_conversion", "inject_image_metadata"], output_format="qcow2",
        inject={"a": "b", "c": 1}, inject_ignore_roles=["admin", "image"],
    )  # fmt: skip
    assert [change["path"] for change in decision.changes] == [file]
    assert written(decision) == {
        "image_import_opts/image_import_plugins": "[image_decompression,image_conversion,inject_image_metadata]",
        "image_conversion/output_format": "qcow2",
        "inject_metadata_properties/inject": "a:b,c:1",
        "inject_metadata_properties/ignore_user_roles": "admin,image",
    }
    assert decision.idle == []
    assert [change["path"] for change in decide(plugins=["image_conversion"]).changes] == [CONF]


def test_options_that_nobody_reads():
    assert decide(output_format="raw", inject={"a": "b"}).idle == [
        "inject does nothing without inject_image_metadata",
        "output_format does nothing without image_conversion",
    ]


@pytest.mark.parametrize(
    ("release", "given", "message"),
    [
        ("25.1", {"plugins": ["image_conversion", "image_decompression"]}, "put image_decompression first"),
        ("19", {"plugins": ["image_decompression"]}, "It has: no_op|Did you mean"),
        ("25.1", {"plugins": ["image-conversion"]}, "Did you mean image_conversion"),
        ("25.1", {"plugins": ["no_op", "no_op"]}, "twice"),
        ("25.1", {"output_format": "vdi"}, "output_format = vdi is refused"),
        ("25.1", {"inject": {"a": "b,c"}}, "comma"),
        ("25.1", {"max_parallel_stores": 2}, r"came with Glance 33"),
    ],
)
def test_plugins_that_are_refused(release, given, message):
    with pytest.raises(GlanceError, match=message):
        decide("", release, **given)


def test_a_plugin_of_one_s_own():
    assert decide(plugins=["ours"], custom_plugins=["ours"]).plugins == ["ours"]


# -- filters and pools ------------------------------------------------------------------------------------------------


def test_filters():
    assert written(
        decide(allowed_schemes=[], disallowed_schemes=["http"], allowed_ports=[443], disallowed_hosts=["x"])
    ) == {
        "import_filtering_opts/allowed_schemes": "[]",
        "import_filtering_opts/disallowed_schemes": "[http]",
        "import_filtering_opts/allowed_ports": "[443]",
        "import_filtering_opts/disallowed_hosts": "[x]",
    }
    assert decide(allowed_ports=[80, 443]).changes == []


@pytest.mark.parametrize(
    "given",
    [{"disallowed_schemes": ["http"]}, {"disallowed_ports": [22]}, {"disallowed_hosts": ["a"], "allowed_hosts": ["b"]}],
)
def test_what_glance_would_ignore_is_refused(given):
    with pytest.raises(GlanceError, match="would be ignored: Glance looks at allowed_"):
        decide(**given)


@pytest.mark.parametrize(
    ("cores", "asked", "pools"),
    [
        (1, "auto", {"max_workers": 2, "task_pool_threads": 2}),
        (4, "auto", {"max_workers": 8, "task_pool_threads": 8}),
        (64, "auto", {"max_workers": 10, "task_pool_threads": 16}),
        (64, "3", {"max_workers": 3, "task_pool_threads": 3}),
    ],
)
def test_pools(cores, asked, pools):
    assert decide(cores=cores, max_workers=asked, task_pool_threads=asked).pools == pools


def test_a_pool_that_the_release_does_not_have():
    with pytest.raises(GlanceError, match="task_pool_threads; it came with Glance 21"):
        decide(release="20", task_pool_threads="auto")
