#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: images_api_info
short_description: Ask which Images API versions a cloud answers, and how its catalogue leads there
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Reads the image service's entries in Keystone's catalogue, for every interface and region, and says which of them
    have a version of the API in their URL.
  - Asks Glance itself at the root of each address, without its version, for what it offers; tries v1 and v2 with real
    requests, with a token and without.
  - That an address does not answer, or that a version is missing, is a result and never a failure. It fails when
    Keystone cannot be reached or refuses the credentials.
options:
  endpoints:
    description:
      - Addresses of single Glance hosts to ask as well, past the catalogue and whatever stands before them.
    type: list
    elements: str
    default: []
    aliases: [endpoint]
  catalogue:
    description:
      - Whether to ask the addresses that the catalogue has for the region, or for all regions where none is named.
      - All entries are listed in any case.
    type: bool
    default: true
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.attributes.info
seealso:
  - module: stackops.glance.image_round_trip
  - module: stackops.glance.image_endpoints
"""

EXAMPLES = r"""
- name: Look at the Images API of a cloud, and at one host behind its load balancer
  stackops.glance.images_api_info:
    cloud: mycloud
    endpoints:
      - http://glance1.example:9292
  delegate_to: localhost
  register: images_api

- name: Insist on v2
  ansible.builtin.assert:
    that: images_api.v2
"""

RETURN = r"""
url:
  description: The root address of the image service for the interface and region asked for, or none.
  returned: success
  type: str
  sample: http://glance.example:9292
versions:
  description: The versions that the service at RV(url) says it offers.
  returned: success
  type: list
  elements: dict
  sample: [{"id": "v2.6", "status": "CURRENT"}]
v1:
  description: Whether RV(url) answers v1 requests.
  returned: success
  type: bool
v2:
  description: Whether RV(url) answers v2 requests.
  returned: success
  type: bool
highest_minor:
  description: The highest minor of v2 that RV(url) offers, or none.
  returned: success
  type: str
  sample: "2.6"
import_methods:
  description: The import methods that RV(url) offers; empty before v2.6.
  returned: success
  type: list
  elements: str
stores:
  description: The stores that RV(url) tells its users of; empty where only one store is configured.
  returned: success
  type: list
  elements: dict
catalogue:
  description: The image service's entries in the service catalogue.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: The endpoint's id in Keystone., type: str}
    service: {description: The name of the service., type: str}
    interface: {description: "V(public), V(internal) or V(admin).", type: str}
    region: {description: The region., type: str}
    url: {description: The address as it stands., type: str}
    version: {description: "The version in the address, as V(v1), or none.", type: str}
    versionless: {description: Whether the address names no version., type: bool}
    url_versionless: {description: The address without its version., type: str}
    https: {description: Whether the address is an HTTPS one., type: bool}
catalogue_changes:
  description:
    - What would make the catalogue versionless, as M(stackops.glance.image_endpoints) takes it, with C(id),
      C(interface), C(region), C(url_before) and C(url_after). Empty when every entry is versionless.
    - Where a region is named, by O(region_name) or in C(clouds.yaml), entries of other regions are left alone.
  returned: success
  type: list
  elements: dict
endpoints:
  description: Every address that was asked, the catalogue's first.
  returned: success
  type: list
  elements: dict
  contains:
    url: {description: The root address., type: str}
    source: {description: "V(catalogue) or V(argument).", type: str}
    https: {description: Whether the address is an HTTPS one., type: bool}
    reachable: {description: Whether anything answered there., type: bool}
    error: {description: Why nothing could be learnt there., type: str}
    versions: {description: The versions that it says it offers., type: list, elements: dict}
    highest_minor: {description: The highest minor of v2., type: str}
    v1:
      description:
        - What came of a v1 request, as C(answers), C(status) and C(protected).
        - C(protected) is whether the same request without a token was refused; none where the API does not answer.
      type: dict
    v2: {description: "What came of a v2 request, likewise.", type: dict}
project:
  description: The project that was asked for.
  returned: success
  type: str
roles:
  description: The roles held there.
  returned: success
  type: list
  elements: str
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

NOTHING: dict[str, Any] = {"answers": False, "status": None, "protected": None}


def look(session: Any, url: str, source: str) -> dict[str, Any]:
    """What one address answers; an error is part of the answer."""
    found: dict[str, Any] = {
        "url": url,
        "source": source,
        "https": urlsplit(url).scheme == "https",
        "reachable": False,
        "error": None,
        "versions": [],
        "highest_minor": None,
        "v1": dict(NOTHING),
        "v2": dict(NOTHING),
    }
    try:
        images = _images.Images(session, url)
        found["url"] = images.root
        # Each API is tried, listed or not: a proxy may answer for the list, and a broken API stays listed.
        for version in (1, 2):
            found[f"v{version}"] = images.probe(version)
            found["reachable"] = True
        found["versions"] = images.versions()
        found["highest_minor"] = _images.highest_minor(found["versions"])
    except GlanceError as error:
        found["error"] = error.message
    return found


def ask(session: Any, url: str, path: str) -> dict[str, Any]:
    """The answer to a question that not every release knows; empty where it does not."""
    try:
        return _images.Images(session, url).json(path)
    except GlanceError:
        return {}


def survey(cloud: _images.Cloud, given: list[str], ask_catalogue: bool) -> dict[str, Any]:
    catalogue = cloud.catalogue()
    here = [entry for entry in catalogue if cloud.in_region(entry)]
    chosen = next((entry["url_versionless"] for entry in here if entry["interface"] == cloud.interface), None)
    # The address that the caller's interface leads to comes first, each address once.
    addresses: dict[str, str] = {}
    if ask_catalogue:
        addresses.update({url: "catalogue" for url in [chosen, *(entry["url_versionless"] for entry in here)] if url})
    for url in given:
        addresses.setdefault(_images.versionless(url), "argument")
    with ThreadPoolExecutor(max_workers=8) as pool:
        looked = list(pool.map(lambda item: look(cloud.session, *item), addresses.items()))
    unknown = {"versions": [], "highest_minor": None, "v1": NOTHING, "v2": NOTHING}
    main: dict[str, Any] = next((each for each in looked if each["url"] == chosen), unknown)
    answers = {name: main[name]["answers"] for name in ("v1", "v2")}
    methods, stores = (
        ask(cloud.session, chosen, f"/v2/info/{what}") if chosen and answers["v2"] else {}
        for what in ("import", "stores")
    )
    return {
        "url": chosen,
        "versions": main["versions"],
        "highest_minor": main["highest_minor"],
        **answers,
        "import_methods": methods.get("import-methods", {}).get("value", []),
        "stores": stores.get("stores", []),
        "catalogue": catalogue,
        "catalogue_changes": [
            {
                "id": entry["id"],
                "interface": entry["interface"],
                "region": entry["region"],
                "url_before": entry["url"],
                "url_after": entry["url_versionless"],
            }
            for entry in here
            if not entry["versionless"]
        ],
        "endpoints": looked,
        "project": cloud.project,
        "roles": cloud.roles,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=_images.argument_spec(
            endpoints={"type": "list", "elements": "str", "default": [], "aliases": ["endpoint"]},
            catalogue={"type": "bool", "default": True},
        ),
        supports_check_mode=True,
    )
    try:
        cloud = _images.connect(module)
        module.exit_json(changed=False, **survey(cloud, module.params["endpoints"], module.params["catalogue"]))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
