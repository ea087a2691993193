# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule of the data can fire, fires on what it is about, and is silent on what is right."""

from __future__ import annotations

import pathlib
import re

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _config_check, _config_check_rules
from ansible_collections.stackops.glance.plugins.plugin_utils._config_check_view import View

from .config_checks import PIPELINES, release, surveyed

RULES = _config_check_rules.data()["rules"]
UNIT = "/usr/bin/python3 /usr/bin/glance-api --config-file /etc/glance/glance-api.conf"
TWO = "enabled_backends = a:file,b:file\n"

# For each rule: the release that runs, the target (None: none), and what the service is told.
FIRING = {
    "v1_ends": (15, 20, {}),
    "registry_only_database": (20, 21, {"text": "data_api = glance.db.registry.api"}),
    "registry_gone": (20, 21, {"prog": "glance-registry"}),
    "glare_tables_dropped": (14, 15, {}),
    "visibility_changes": (13, 14, {}),
    "database_migrates": (15, 20, {}),
    "database_goes_back": (28, 27, {}),
    "database_before_alembic": (13, 23, {}),
    "python_changes": (15, 20, {}),
    "mysql_driver": (25, 33, {"text": "[database]\nconnection = mysql://glance:x@db/glance"}),
    "mysql_driver_missing": (15, 20, {"text": "[database]\nconnection = mysql://glance:x@db/glance"}),
    "database_connection_lost": (25, 33, {"text": "sql_connection = mysql+pymysql://glance:x@db/glance"}),
    "tls_options_gone": (19, 20, {"text": "cert_file = /a\nkey_file = /b\nca_file = /c"}),
    "proxy_header_gone": (24, 25, {"text": "secure_proxy_ssl_header = X-Forwarded-Proto"}),
    "admin_role_gone": (21, 22, {"text": "admin_role = cloudadmin"}),
    "owner_is_tenant_false": (21, 22, {"text": "owner_is_tenant = no"}),
    "image_properties_allowed": (28, 29, {"text": "allow_additional_image_properties = false"}),
    "locations_shown": (15, None, {"text": "show_multiple_locations = on"}),
    "location_api": (28, 29, {"text": "show_multiple_locations = on"}),
    "location_hash_without_lock_path": (31, None, {"text": "show_multiple_locations = on"}),
    "store_driver_missing": (19, 20, {"text": "[glance_store]\nstores = file,sheepdog"}),
    "store_vmware_deprecated": (28, None, {"text": "[glance_store]\nstores = file,vmware"}),
    "store_preference_names": (15, None, {"text": "[store_type_location_strategy]\nstore_type_preference=filesystem"}),
    "store_ids_reserved": (19, None, {"text": "enabled_backends = os_glance_x:file"}),
    "default_backend_wrong": (19, None, {"text": TWO + "[glance_store]\ndefault_backend = c"}),
    "stores_share_directory": (
        19, None, {"text": TWO + "[a]\nfilesystem_store_datadir=/i\n[b]\nfilesystem_store_datadir=/i/"},
    ),
    "multi_store_experimental": (18, None, {"text": TWO}),
    "staging_settings_replaced": (18, 19, {"text": TWO + "node_staging_uri = file:///staging"}),
    "scrubber_staging_unset": (19, None, {"prog": "glance-scrubber", "text": TWO}),
    "staging_on_tmp": (15, 16, {}),
    "rbd_clone_caps": (23, 24, {"text": "[glance_store]\nstores = rbd"}),
    "rados_timeout_zero": (27, 28, {"text": "[glance_store]\nstores = rbd\nrados_connect_timeout = 0"}),
    "swift_references_version": (31, None, {"text": "[glance_store]\nstores=swift\nswift_store_config_file=/etc/s"}),
    "workers_default": (15, 16, {}),
    "import_always_on": (16, 17, {"text": "enable_image_import = false"}),
    "wsgi_not_ready": (16, None, {"command": "/usr/bin/uwsgi --ini /etc/glance/uwsgi.ini"}),
    "download_group_name": (25, None, {"text": "[glance_download_opts]\nextra_properties = os_"}),
    "vmdk_types_refused": (22, 23, {}),
    "image_formats_inspected": (29, 30, {}),
    "local_downloads_refused": (32, 33, {}),
    "policy_default_opens": (19, 20, {"policy": {"json": '{"add_image": "role:x"}'}}),
    "policy_enforced_in_api": (22, 23, {"policy": {"yaml": "add_image: role:x"}}),
    "secure_rbac_differs": (22, None, {"text": "enforce_secure_rbac = true"}),
    "scopes_enforced": (25, 26, {}),
    "system_scope_refused": (24, 25, {"text": "[oslo_policy]\nenforce_scope = true"}),
    "scope_always_enforced": (32, 33, {"text": "[oslo_policy]\nenforce_scope = false"}),
    "limits_without_group": (22, 23, {"text": "use_keystone_limits = true"}),
    "cache_without_self_reference": (27, 28, {"text": "[paste_deploy]\nflavor = keystone+caching"}),
    "cache_migrates": (27, 28, {"text": "[paste_deploy]\nflavor = keystone+caching"}),
    "prefetcher_not_needed": (19, None, {"crons": ["glance-cache-prefetcher"]}),
    "prefetcher_broken": (33, None, {"crons": ["glance-cache-prefetcher"]}),
    "cache_programs_deprecated": (32, None, {"crons": ["glance-cache-cleaner"]}),
    "cache_manage_missing": (17, None, {"crons": ["glance-cache-manage"]}),
    "paste_refused": (15, None, {"paste": "[app:x]\nrubbish"}),
    "paste_flavor_missing": (15, None, {"text": "[paste_deploy]\nflavor = mine"}),
    "paste_flavor_dropped": (22, 23, {"text": "[paste_deploy]\nflavor = trusted-auth"}),
    "paste_healthcheck_filter": (
        31, 32, {"paste": PIPELINES + "[filter:h]\npaste.filter_factory = oslo_middleware:Healthcheck.factory"},
    ),
    "paste_of_later_release": (
        27, 26, {"paste": PIPELINES + "[composite:api]\npaste.composite_factory = glance.api:pipeline_factory"},
    ),
    "paste_v1_application": (21, None, {"paste": PIPELINES + "[composite:r]\n/v1: apiv1app"}),
    "paste_healthcheck_typo": (27, None, {"paste": PIPELINES + "/healthchetck: healthcheck"}),
    "paste_without_proxy_filter": (15, None, {"text": "[oslo_middleware]\nenable_proxy_headers_parsing = true"}),
    "paste_options_unread": (28, 29, {"paste": PIPELINES + "[keystone_authtoken]\npassword = x"}),
    "eventlet_server_gone": (32, 33, {"command": UNIT}),
    "eventlet_server_deprecated": (32, None, {"command": UNIT}),
    "wsgi_files_not_read": (32, 33, {"command": UNIT, "files": {"/etc/glance/extra.conf": ""}}),
    "wsgi_script_gone": (31, 32, {"command": "/usr/bin/uwsgi --wsgi-file /usr/bin/glance-wsgi-api"}),
    "nova_api_servers_scheme": (16, 17, {"prog": "nova-compute", "text": "[glance]\napi_servers = glance:9292"}),
    "nova_api_servers_unset": (15, None, {"prog": "nova-compute"}),
    "nova_speaks_v1": (14, 15, {"prog": "nova-compute", "text": "[glance]\nuse_glance_v1 = true"}),
}  # fmt: skip

# Rules that share an id with another one and need a case of their own.
ALSO = {
    "prefetcher_broken": [(33, None, {"prog": "glance-cache-prefetcher"})],
    "nova_api_servers_scheme": [(14, None, {"prog": "nova-compute", "text": "[glance]\napi_servers = glance:9292"})],
}


def view(current, target, told):
    told = dict(told)
    if told.get("text") and not told["text"].startswith("["):
        told["text"] = "[DEFAULT]\n" + told["text"]
    project = told.get("prog", "glance-api").split("-")[0]
    return View(surveyed(**told), release(current, project), release(target, project))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["id"])
def test_every_rule_fires_on_what_it_is_about(rule) -> None:
    fired = [
        finding
        for case in [FIRING[rule["id"]], *ALSO.get(rule["id"], [])]
        for finding in _config_check_rules.apply(view(*case), rule)
    ]
    assert fired, f"no case lets {rule['id']} fire"
    for finding in fired:
        assert finding.id == rule["id"]
        assert finding.severity in ("blocker", "warning", "note")
        assert "{" not in finding.message.replace("{'", "") and "None" not in finding.message
        assert finding.source and finding.remedy


def test_the_cases_are_of_rules_that_there_are() -> None:
    assert set(FIRING) == {rule["id"] for rule in RULES}


@pytest.mark.parametrize("major", [found.major for found in _catalogue.releases("glance")])
def test_no_rule_fires_on_a_plain_configuration(major) -> None:
    text = "[database]\nconnection = mysql+pymysql://glance:x@db/glance\n[paste_deploy]\nflavor = keystone\n"
    told = surveyed(text, policy={"json": "{}"} if major < 20 else None)
    found = _config_check.check(told, release(major))
    assert [each.id for each in found if each.id not in ("policy_rules_missing", "group_not_judged")] == []


@pytest.mark.parametrize("major", [found.major for found in _catalogue.releases("nova")])
def test_no_rule_fires_on_a_plain_nova(major) -> None:
    text = "[glance]\napi_servers = http://glance:9292\n"
    found = _config_check.check(surveyed(text, "nova-compute"), release(major, "nova"))
    assert {each.id for each in found} <= {"option_deprecated"}


def test_a_blocker_of_the_flip_is_a_warning_where_it_happened_long_ago() -> None:
    told = {"text": "cert_file = /a"}
    rule = next(rule for rule in RULES if rule["id"] == "tls_options_gone")
    severities = [next(_config_check_rules.apply(view(*case, told), rule)).severity for case in ((19, 20), (20, None))]
    assert severities == ["blocker", "warning"]
    assert next(_config_check_rules.apply(view(20, 33, told), rule)).severity == "warning"


def test_a_rule_tells_what_the_option_alone_would() -> None:
    told = view(19, 20, {"text": "cert_file = /a"})
    found = [each for each in _config_check.check(told.service, told.current, told.target) if each.line == 2]
    assert [each.id for each in found] == ["tls_options_gone"]


def test_places_of_what_the_paste_file_holds() -> None:
    paste = PIPELINES + "\n[filter:h]\npaste.filter_factory = oslo_middleware:Healthcheck.factory\n"
    found = _config_check.check(surveyed(paste=paste), release(32))
    assert [each.place for each in found if each.id == "paste_healthcheck_filter"] == [
        "/etc/glance/glance-api-paste.ini:5"
    ]


# -- the document -----------------------------------------------------------------------------------------------------


def test_the_document_names_every_finding_and_no_other() -> None:
    root = pathlib.Path(__file__).resolve().parents[4]
    document = (root / "docs" / "config-check.md").read_text()
    made = set(FIRING)
    for name in ("options", "policy"):
        source = (root / "plugins" / "plugin_utils" / f"_config_check_{name}.py").read_text()
        made |= set(re.findall(r'^ +"((?:option|policy|value|default|store|group)_\w+)",$', source, re.MULTILINE))
    rows = [line for line in document.splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`(\w+_\w+)`", row.rsplit("|", 2)[1] + row.split("|")[1])}
    assert named - made == set()
    assert made - named == set()
