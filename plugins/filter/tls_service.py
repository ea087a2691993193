# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _filter_error

DOCUMENTATION = r"""
name: tls_service
short_description: What a TLS service in front of a surveyed Glance host is made of
version_added: 0.1.0
description:
  - Says where Glance listens, which files its own TLS options name, also those that its release reads no more, and by which
    names clients will know it.
author:
  - stackops.glance contributors (@stackops)
options:
  _input:
    description: The result of M(stackops.glance.glance_host_info); may be empty.
    type: dict
    required: true
  catalogue:
    description: RV(stackops.glance.images_api_info#module:catalogue).
    type: list
    elements: dict
    required: true
  port:
    description: The TLS port.
    type: int
    required: true
  endpoints:
    description: Addresses that are to stand in the catalogue, by interface. Left out, the hosts that do, with O(port).
    type: dict
    default: {}
  overrides:
    description: What differs on this cloud, as in P(stackops.glance.survey_services#filter).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what TLS would be made of
  ansible.builtin.debug:
    msg: "{{ survey | stackops.glance.tls_service(images_api.catalogue, 9293) }}"
"""

RETURN = r"""
_value:
  description: C(connect), C(loopback) (the same once plaintext is closed), C(certificate), C(key) and C(client_ca), empty where
    nobody says it, and C(names).
  type: dict
"""


@_filter_error.told
def tls_service(
    survey: dict[str, Any],
    catalogue: list[dict[str, Any]],
    port: int,
    endpoints: dict[str, str] | None = None,
    overrides: dict[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    # Ansible imports every filter of a collection, in each task that uses one: what is heavy is imported when it is called.
    from ansible_collections.stackops.glance.plugins.plugin_utils import _plan, _tls_plan

    wishes = _tls_plan.TlsWishes(int(port), dict(endpoints or {}))
    fleet = _plan.Fleet(["host"], [], [], {"host": survey}, {"host": overrides or {}})
    wishes.check()
    glance = next(_plan.glance_hosts(fleet, _plan.Plan()), None)
    own = _tls_plan.own_tls(survey)
    address = glance.address if glance else "127.0.0.1:9292"
    return {
        "connect": address,
        "loopback": f"{'[::1]' if address.startswith('[') else '127.0.0.1'}:{address.rpartition(':')[2]}",
        **{name: own.get(name, "") for name in _tls_plan.OWN_TLS},
        "names": _tls_plan.names(catalogue, wishes),
    }


class FilterModule:
    """What is made of a survey."""

    def filters(self):
        return {"tls_service": tls_service}
