# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions of a survey: which services, under which units, with what the operator said of them."""

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _fleet


def by_name(groups, overrides=None):
    return {service["name"]: service for service in _fleet.services(groups, overrides)}


def test_a_host_is_asked_for_the_services_of_its_groups() -> None:
    assert "glance-api" in by_name(["glance"]) and "nova-compute" not in by_name(["glance"])
    assert {"glance-api", "nova-compute", "cinder-volume"} <= set(by_name(["glance", "nova", "consumers"]))


def test_units_are_asked_for_under_every_packaging_until_the_operator_names_them() -> None:
    assert {"glance-api", "openstack-glance-api"} <= set(by_name(["glance"])["glance-api"]["units"])
    named = by_name(["glance"], {"glance-api": {"units": ["images"]}})["glance-api"]
    assert named["units"] == ["images"]


def test_a_service_of_the_operators_own_is_looked_at() -> None:
    own = by_name(["consumers"], {"backup-tool": {"config_files": ["/etc/backup.conf"], "project": "cinder"}})[
        "backup-tool"
    ]
    assert own["options"] == [
        "DEFAULT/glance_api_version", "DEFAULT/glance_api_servers", "DEFAULT/glance_ca_certificates_file",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"glance-api": {"unit": "images"}}, "glance-api: unit is not among units"),
        ({"glance-ap": {"release": "15"}}, r"glance-ap is not known \(did you mean glance-api\?\)"),
    ],
)
def test_what_cannot_be_used_is_refused(overrides, said) -> None:
    with pytest.raises(GlanceError, match=said):
        _fleet.services(["glance"], overrides)
