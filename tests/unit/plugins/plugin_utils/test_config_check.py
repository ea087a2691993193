# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings on single options, on policy files, and what a fix writes."""

from __future__ import annotations

import dataclasses
import re

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _config_check, _service

from .config_checks import CONF, POLICY, release, surveyed


def found(text="", current=33, target=None, ids=None, **told):
    """The findings of these ids (all: None), by default at the newest release, whose libraries are known."""
    project = told.get("prog", "glance-api").split("-")[0]
    service = surveyed(text, **{"policy": {"json": "{}"} if current in range(20) else None, **told})
    findings = _config_check.check(service, release(current, project), release(target, project), "host")
    return [each for each in findings if ids is None or each.id in ids]


def only(*args, **told):
    findings = found(*args, **told)
    assert len(findings) == 1, findings
    return findings[0]


# -- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("[DEFAULT]\nimage_cache_drivr = xattr", "Did you mean [DEFAULT] image_cache_driver?"),
        (
            "[DEFAULT]\nenabled-backends = a:file",
            "Write enabled_backends: oslo.config compares names letter by letter.",
        ),
        ("[DEFAULT]\nEnabled_Backends = a:file", "Write enabled_backends"),
        ("[DEFAULT]\nfilesystem_store_datadir = /i", "It belongs in [glance_store]."),
        ("[DEFAULT]\nxyzzy = 1", "Look for the name in the sample file."),
        ("[oslo_policy]\npolicy_fil = x", "Did you mean [oslo_policy] policy_file?"),
        (
            "[DEFAULT]\nenabled_backends = fast:file\n[glance_store]\ndefault_backend = fast\n[fast]\nrbd_pool = x",
            "rbd",
        ),
    ],
)
def test_an_unknown_option_and_the_nearest_name(text, remedy) -> None:
    finding = only(text, ids=["option_unknown"])
    assert remedy in finding.remedy
    assert (finding.severity, finding.host, finding.line) == ("warning", "host", text.count("\n") + 1)


def test_options_of_libraries_are_judged_where_they_were_read() -> None:
    text = "[database]\nmax_retries = 5\nnonsense = 1\n"
    assert only(text, 33, ids=["option_unknown", "group_not_judged"]).id == "option_unknown"
    unjudged = only(text, 30, ids=["option_unknown", "group_not_judged"])
    assert (unjudged.id, unjudged.severity) == ("group_not_judged", "note")
    assert "max_retries, nonsense" in unjudged.message


def test_groups_out_of_sight_share_one_note() -> None:
    assert "a, b" in only("[mine]\na = 1\nb = 2", ids=["group_not_judged", "option_unknown"]).message


@pytest.mark.parametrize(
    ("text", "reason", "remedy"),
    [
        ("image_size_cap = big", "big is no whole number", "at most"),
        ("image_size_cap = 99999999999999999999", "is more than", "at most 9.22337e+18"),
        ("image_cache_driver = redis", "redis is none of", "Give one of centralized_db, sqlite, xattr."),
        ("show_multiple_locations = perhaps", "perhaps is no boolean", "boolean"),
        ("image_size_cap = $nowhere", "not known", ""),
    ],
)
def test_a_value_that_oslo_config_refuses(text, reason, remedy) -> None:
    finding = only(f"[DEFAULT]\n{text}", ids=["value_refused"])
    assert finding.severity == "blocker" and finding.line == 2
    assert reason in finding.message and remedy in finding.remedy


def test_the_last_value_counts_over_several_files() -> None:
    files = {"/etc/glance/conf.d/a.conf": "[DEFAULT]\nimage_size_cap = 5\n"}
    assert found("[DEFAULT]\nimage_size_cap = x\n", files=files, ids=["value_refused"]) == []
    bad = {"/etc/glance/conf.d/a.conf": "[DEFAULT]\n\nimage_size_cap = x\n"}
    assert only("[DEFAULT]\nimage_size_cap = 5\nimage_size_cap = 6", files=bad, ids=["value_refused"]).file in bad


def test_the_environment_overrides_files() -> None:
    environment = {"OS_DEFAULT__IMAGE_SIZE_CAP": "5"}
    assert found("[DEFAULT]\nimage_size_cap = x", environment=environment, ids=["value_refused"]) == []
    refused = only("", environment={"OS_DEFAULT__IMAGE_SIZE_CAP": "x"}, ids=["value_refused"])
    assert refused.file is None and "OS_DEFAULT__IMAGE_SIZE_CAP" in refused.message
    old = found("", environment={"OS_DEFAULT__IMAGE_SIZE_CAP": "x"}, oslo_config="5.0", ids=["value_refused"])
    assert old == []


def test_references_are_followed() -> None:
    text = "[DEFAULT]\nimage_size_cap = $image_member_quota\nimage_member_quota = 7\n"
    assert found(text, ids=["value_refused"]) == []
    text = "[DEFAULT]\nimage_size_cap = ${database.db_max_retries}\n"
    assert found(text, ids=["value_refused"]) == []
    # What a library may have is no reason to call a value wrong.
    assert found("[DEFAULT]\nimage_size_cap = $state_path", 30, ids=["value_refused"]) == []


def test_a_secret_is_neither_shown_nor_judged() -> None:
    text = "[DEFAULT]\nmetadata_encryption_key = ********\ntransport_url = rabbit://a:********@h/\nadmin_password = ********"
    assert all("blocker" != each.severity for each in found(text))


def test_every_secret_of_the_catalogue_is_masked_on_its_host() -> None:
    options = [
        option
        for project in _catalogue.PROJECTS
        for each in _catalogue.releases(project)
        for option in _catalogue.options(project, each)
    ]
    options += [option for major in (15, 20, 25, 33) for option in _catalogue.libraries(major).options]
    shown = {option.name for option in options if option.secret and not _files.is_secret(option.name)}
    # Addresses, of which the password alone is secret, and two names that are none.
    assert {name for name in shown if not re.search("connection$|_url$", name)} == {
        "admin_tenant_name", "swift_store_config_file",
    }  # fmt: skip


def test_an_option_of_another_program_stops_nobody() -> None:
    assert only("[DEFAULT]\nwakeup_time = x", 20, ids=["value_refused"]).severity == "warning"


def test_older_names_and_both_names() -> None:
    finding = only("[DEFAULT]\ndisk_formats = raw", ids=["option_renamed"])
    assert (finding.severity, finding.remedy) == ("note", "Write [image_format] disk_formats, with the same value.")
    both = "[DEFAULT]\ndisk_formats = raw\n[image_format]\ndisk_formats = iso"
    assert only(both, ids=["option_renamed"]).remedy == "Take [DEFAULT] disk_formats out."


def test_deprecated_removed_and_later_options() -> None:
    assert only("[glance_store]\nstores = file", ids=["option_deprecated"]).severity == "note"
    assert only("[DEFAULT]\nregistry_host = 1.2.3.4", 20, 21, ids=["option_removed"]).severity == "warning"
    assert only("[DEFAULT]\nregistry_host = 0.0.0.0", 20, 21, ids=["option_removed"]).severity == "note"
    assert only("[DEFAULT]\nregistry_host = 1.2.3.4", 33, ids=["option_removed"]).severity == "note"
    later = only("[DEFAULT]\ndo_secure_hash = false", 20, ids=["option_of_later_release"])
    assert "Glance 29" in later.message
    assert only("[DEFAULT]\ndo_secure_hash = 0", 28, 29, ids=["option_takes_effect"]).severity == "warning"


def test_going_back() -> None:
    assert "Glance 29" in only("[DEFAULT]\ndo_secure_hash = 0", 33, 25, ids=["option_of_later_release"]).message
    assert any("centralized_db to sqlite" in each.message for each in found("", 33, 25, ids=["default_changes"]))


def test_defaults_that_change_for_what_is_unset() -> None:
    changed = {each.message.split(" is not")[0] for each in found("", 15, 33, ids=["default_changes"])}
    assert "[DEFAULT] image_cache_driver" in changed
    assert not any("rbd" in each or "cinder" in each for each in changed), "stores that are not in use"
    told = "[DEFAULT]\nimage_cache_driver = sqlite\n[glance_store]\nstores = rbd"
    changed = {each.message.split(" is not")[0] for each in found(told, 15, 33, ids=["default_changes"])}
    assert "[glance_store] rbd_store_ceph_conf" in changed and "[DEFAULT] image_cache_driver" not in changed
    assert found("", 33, ids=["default_changes"]) == []


def test_stores_of_their_own_sections() -> None:
    text = (
        "[DEFAULT]\nenabled_backends = Fast:rbd, slow:file\n[glance_store]\ndefault_backend = Fast\n"
        "[fast]\nrbd_store_pool = images\nrbd_store_chunk_size = big\n[slow]\nfilesystem_store_datadir = /i\n[lost]\nweight = 1\n"
    )
    findings = found(text)
    assert [(each.id, each.line) for each in findings if each.severity != "note"] == [("value_refused", 7)]
    assert any(each.id == "store_section_unused" and "[lost]" in each.message for each in findings)


def test_a_configuration_that_sets_a_section_twice() -> None:
    text = "[DEFAULT]\nimage_size_cap = x\n[glance_store]\nstores = file\n[DEFAULT]\nimage_size_cap = 5\n"
    assert found(text, ids=["value_refused"]) == []


def test_nova_and_its_section_alone() -> None:
    text = "[DEFAULT]\nanything = 1\n[ssl]\nca_file = /x\n[glance]\napi_servers = http://g:9292\nnum_retires = 3\nhost = g\n"
    findings = found(text, 13, 14, prog="nova-compute")
    assert {(each.id, each.line) for each in findings if each.line} == {("option_removed", 8), ("option_unknown", 7)}
    retries = only("[glance]\napi_servers = http://g:9292", "21.0.0", 22, prog="nova-compute", ids=["default_changes"])
    assert "num_retries is not set, and its default changes from 0 to 3" in retries.message
    assert (
        found("[glance]\napi_servers = http://g:9292", "21.1.2", 22, prog="nova-compute", ids=["default_changes"]) == []
    )


# -- policy files -----------------------------------------------------------------------------------------------------


def policies(current, target=None, ids=None, **policy):
    return found("", current, target, ids, policy=policy)


def test_a_policy_that_cannot_be_read() -> None:
    for text, place in (("- a", f"{POLICY}.yaml:1"), ("a: '@'\nb: [", f"{POLICY}.yaml:2")):
        finding = policies(25, ids=["policy_refused"], yaml=text)[0]
        assert (finding.severity, finding.place) == ("blocker", f"host {place}")


@pytest.mark.parametrize(
    ("release_", "text", "id_", "said"),
    [
        (25, "ad_image: '@'", "policy_unknown", "Did you mean add_image?"),
        (25, "copy_from: '@'", "policy_removed", "had it last"),
        (25, "fetch_image_location: '@'", "policy_of_later_release", "came with Glance 29"),
        (25, "modify_task: '@'", "policy_deprecated", "deprecated"),
        (25, "add_image: role:x and", "policy_check_unreadable", "ends too early"),
        (25, "add_image: (role:x", "policy_check_unreadable", "ends too early"),
        (25, "add_image: role:x role:y", "policy_check_unreadable", "is missing before role:y"),
        (25, "add_image: everybody", "policy_check_unreadable", "at everybody"),
        (25, "add_image: 5", "policy_check_unreadable", "is 5, which is no check string"),
        (25, "add_image: rule:nowhere", "policy_reference_unknown", "nowhere"),
        (25, '{"add_image": "@",\n"add_image": "!"}', "policy_rule_twice", "the last one counts"),
    ],
)
def test_rules_of_a_policy_file(release_, text, id_, said) -> None:
    finding = next(each for each in policies(release_, yaml=text) if each.id == id_)
    assert said in finding.message + finding.remedy
    assert finding.file == f"{POLICY}.yaml" and finding.line


@pytest.mark.parametrize(
    "check",
    [
        "", "@", "!", "role:admin", "rule:context_is_admin or (role:member and project_id:%(project_id)s)",
        "not role:x and (is_admin:True or 'community':%(visibility)s)", "http://host:80/%(name)s", "(not (@))",
        "'public':%(visibility)s", "is_admin:1 AND role:a", '"a b":%(x)s',
    ],
)  # fmt: skip
def test_checks_that_are_right(check) -> None:
    assert policies(25, yaml=f"add_image: {check!r}\n") == []


def test_every_default_check_is_right() -> None:
    from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _config_check_policy

    checks = {rule.check_str for each in _catalogue.releases("glance") for rule in _catalogue.policies("glance", each)}
    assert [check for check in checks if _config_check_policy._trouble(check)] == []


def test_rules_that_others_refer_to_are_known() -> None:
    assert policies(25, yaml="mine: role:x\nadd_image: rule:mine\ndefault: '!'\n") == []


def test_what_a_file_leaves_out_before_policies_were_in_the_code() -> None:
    finding = policies(15, ids=["policy_rules_missing"], json='{"default": "role:admin", "add_image": ""}')[0]
    assert '"role:admin"' in finding.message and "tasks_api_access" in finding.message
    assert "add_image" not in finding.message
    assert [each.id for each in found("", 15, policy={}, named=None)] == ["policy_file_missing"]


def test_json_and_yaml() -> None:
    assert [each.id for each in policies(22, json='{"add_image": "@"}')] == ["policy_file_json"]
    ids = [each.id for each in policies(25, 32, json='{"add_image": "role:x"}')]
    assert "policy_file_not_read" in ids
    assert policies(32, ids=["policy_file_ignored"], yaml="", json="{}")[0].file.endswith(".json")
    assert policies(25, 32, ["policy_file_not_read"], yaml="add_image: role:x") == []
    assert found("", 25, policy={"json": "{}"}, named="elsewhere", ids=["policy_file_missing"])


def test_policies_that_change_on_the_way() -> None:
    changed = policies(20, 26, ["policy_default_changes"], json="{}")
    assert any("metadef_admin" in each.message and "add_metadef_tag" in each.message for each in changed)
    assert all(each.severity == "warning" for each in changed)
    assert "note" in {each.severity for each in policies(20, 22, ["policy_default_changes"], yaml="")}
    kept = policies(20, 26, ["policy_keeps_old_defaults"], json='{"add_image": "rule:default", "default": ""}')
    assert "add_image" in kept[0].message
    assert policies(20, 21, ["policy_takes_effect"], json='{"copy_image": "@"}')
    assert "copy_image" in policies(20, 21, ["policy_rules_added"], json='{"add_image": "role:x"}')[0].message


# -- fixes ------------------------------------------------------------------------------------------------------------


def mended(text, current, target=None, **told):
    service = surveyed(text, **told)
    releases = release(current, service["project"]), release(target, service["project"])
    changes, fixed = _config_check.fixes(service, *releases)
    after = _service.after(service, changes)
    assert _config_check.fixes(after, *releases) == ([], []), "a second run has something left to do"
    return {(option["section"], option["option"]): option for each in changes for option in each["options"]}, fixed


def test_older_names_keep_their_values_on_the_host() -> None:
    changes, fixed = mended("[DEFAULT]\ndisk_formats = raw\nsql_connection = mysql://a:********@h/", 25)
    assert changes["image_format", "disk_formats"]["renamed_from"] == "DEFAULT/disk_formats"
    assert changes["database", "connection"]["renamed_from"] == "DEFAULT/sql_connection"
    assert [(each.option, each.line, each.old) for each in fixed] == [
        ("[DEFAULT] disk_formats", 2, "raw"), ("[DEFAULT] sql_connection", 3, "mysql://a:********@h/"),
    ]  # fmt: skip
    assert all(each.why for each in fixed)


def test_a_name_whose_day_is_past_is_mended_on_the_way_there_only() -> None:
    text = "[task]\neventlet_executor_pool_size = 20"
    assert list(mended(text, 32, 33)[0]) == [("taskflow_executor", "max_workers")]
    assert mended(text, 33)[0] == {}


def test_both_names_are_left_to_the_operator() -> None:
    assert mended("[DEFAULT]\ndisk_formats = raw\n[image_format]\ndisk_formats = iso", 25)[0] == {}


def test_tls_goes_where_there_is_none() -> None:
    text = "[DEFAULT]\ncert_file = /a\nkey_file = /b\n"
    assert mended(text, 19)[0] == {}
    changes, fixed = mended(text, 19, 20)
    assert {option["state"] for option in changes.values()} == {"absent"}
    assert [(each.option, each.old, each.new) for each in fixed] == [
        ("[DEFAULT] cert_file", "/a", None), ("[DEFAULT] key_file", "/b", None),
    ]  # fmt: skip


def test_additional_properties_become_a_quota() -> None:
    changes, _fixed = mended("[DEFAULT]\nallow_additional_image_properties = False\nimage_property_quota = 128", 29)
    assert changes["DEFAULT", "image_property_quota"]["value"] == "0"
    assert changes["DEFAULT", "allow_additional_image_properties"]["state"] == "absent"
    assert list(mended("[DEFAULT]\nallow_additional_image_properties = true", 29)[0]) == [
        ("DEFAULT", "allow_additional_image_properties")
    ]


def test_the_header_of_a_proxy() -> None:
    changes, _fixed = mended("[DEFAULT]\nsecure_proxy_ssl_header = HTTP_X_FORWARDED_PROTO", 25)
    assert changes["oslo_middleware", "enable_proxy_headers_parsing"]["value"] == "true"
    assert mended("[DEFAULT]\nsecure_proxy_ssl_header = HTTP_X_MINE", 25)[0] == {}


def test_lists_of_stores() -> None:
    changes, _fixed = mended("[glance_store]\nstores = file, sheepdog,rbd", 20)
    assert changes["glance_store", "stores"]["value"] == "file,rbd"
    for text in ("stores = sheepdog", "stores = file,sheepdog\ndefault_store = sheepdog", "stores = $a,sheepdog"):
        assert mended(f"[glance_store]\n{text}", 20)[0] == {}
    text = "[store_type_location_strategy]\nstore_type_preference = filesystem,rbd,vmware_datastore"
    assert mended(text, 15)[0]["store_type_location_strategy", "store_type_preference"]["value"] == "file,rbd,vmware"


def test_the_section_of_glance_download() -> None:
    changes, _fixed = mended("[glance_download_opts]\nextra_properties = os_", 25)
    assert changes["glance_download_properties", "extra_properties"]["renamed_from"] == (
        "glance_download_opts/extra_properties"
    )


def test_nova_has_renames_of_its_section_alone() -> None:
    changes, _fixed = mended("[ssl]\nca_file = /x\n[glance]\napi_insecure = true", 16, prog="nova-compute")
    assert list(changes) == [("glance", "insecure")]


def test_each_file_is_mended() -> None:
    files = {"/etc/glance/b.conf": "[DEFAULT]\ncert_file = /b"}
    _changes, fixed = mended("[DEFAULT]\ncert_file = /a", 20, files=files)
    assert [each.file for each in fixed] == [CONF, "/etc/glance/b.conf"]
    assert all(dataclasses.asdict(each) == each.as_dict() for each in fixed)
