#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_endpoints
short_description: Change the addresses of the image service's endpoints in place
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Sets the URL of endpoints in Keystone by their ids, or sets it back. Nothing else of an endpoint changes, and its id
    stays, so that whatever refers to it goes on working.
  - Reads all of them before it writes the first; refuses an endpoint that belongs to another service than the image
    service, and one whose address is neither the one before nor the one after.
  - When Keystone refuses a later one, those already changed are set back.
options:
  endpoints:
    description: The endpoints, each once. RV(stackops.glance.images_api_info#module:catalogue_changes) has this form.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: The endpoint's id in Keystone.
        type: str
        required: true
      url_before:
        description: The address before the change.
        type: str
        required: true
      url_after:
        description: The address after the change.
        type: str
        required: true
      interface:
        description: The interface; for the reader alone.
        type: str
      region:
        description: The region; for the reader alone.
        type: str
  direction:
    description: Whether to give the endpoints the address after the change or the one before it.
    type: str
    choices: [do, undo]
    default: do
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: stackops.glance.images_api_info
    description: Its RV(stackops.glance.images_api_info#module:catalogue_changes) is the list that this module takes.
"""

EXAMPLES = r"""
- name: Look at the catalogue
  stackops.glance.images_api_info:
    cloud: mycloud
  delegate_to: localhost
  register: images_api

- name: Take the version out of the image service's addresses
  stackops.glance.image_endpoints:
    cloud: mycloud
    endpoints: "{{ images_api.catalogue_changes }}"
  delegate_to: localhost

- name: Put them back
  stackops.glance.image_endpoints:
    cloud: mycloud
    endpoints:
      - id: 0a1b2c3d4e5f60718293a4b5c6d7e8f9
        url_before: http://glance.example:9292/v1
        url_after: http://glance.example:9292
    direction: undo
  delegate_to: localhost
"""

RETURN = r"""
before:
  description: The endpoints as they were, with C(id), C(interface), C(region), C(url) and C(enabled).
  returned: success
  type: list
  elements: dict
after:
  description: The endpoints as they are now, or would be, likewise.
  returned: success
  type: list
  elements: dict
"""

from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def shown(endpoint: dict[str, Any]) -> dict[str, Any]:
    """What is said of an endpoint: what an operator knows it by."""
    return {
        "id": endpoint["id"],
        "interface": endpoint["interface"],
        "region": endpoint.get("region_id") or endpoint.get("region"),
        "url": endpoint["url"],
        "enabled": endpoint.get("enabled", True),
    }


def read(keystone: _images.Keystone, targets: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """The endpoints as they are; GlanceError for one that is missing, strange or changed by somebody else."""
    found = []
    for endpoint_id, (expected, url) in targets.items():
        if urlsplit(url).scheme not in ("http", "https"):
            raise GlanceError(f"{url!r} for endpoint {endpoint_id} must begin with http:// or https://.")
        endpoint = keystone.call("GET", f"/endpoints/{endpoint_id}").json()["endpoint"]
        service = keystone.call("GET", f"/services/{endpoint['service_id']}").json()["service"]
        if service["type"] != "image":
            raise GlanceError(
                f"Endpoint {endpoint_id} ({endpoint['url']}) belongs to a service of type {service['type']!r}, not "
                "'image'. Nothing was changed; look at the ids."
            )
        if endpoint["url"] not in (expected, url):
            raise GlanceError(
                f"Endpoint {endpoint_id} has the address {endpoint['url']}, which is neither {expected} nor {url}: "
                "somebody else has changed it. Nothing was changed; look at it and name the addresses anew."
            )
        found.append(endpoint)
    return found


def write(keystone: _images.Keystone, before: list[dict[str, Any]], targets: dict[str, tuple[str, str]]) -> None:
    """Set each address that differs; after a refusal, set the earlier ones back."""
    done: list[dict[str, Any]] = []
    try:
        for endpoint in before:
            if endpoint["url"] != targets[endpoint["id"]][1]:
                done.append(endpoint)
                patch(keystone, endpoint["id"], targets[endpoint["id"]][1])
    except GlanceError as error:
        stuck = []
        for endpoint in reversed(done):
            try:
                patch(keystone, endpoint["id"], endpoint["url"])
            except GlanceError:
                stuck.append(f"{endpoint['id']} (should be {endpoint['url']})")
        kept = f"These could not be set back: {', '.join(stuck)}." if stuck else "The addresses are as they were."
        raise GlanceError(f"{error.message} {kept}", changed=bool(stuck)) from error


def patch(keystone: _images.Keystone, endpoint_id: str, url: str) -> None:
    answer = keystone.call("PATCH", f"/endpoints/{endpoint_id}", json={"endpoint": {"url": url}}).json()["endpoint"]
    if answer["id"] != endpoint_id or answer["url"] != url:
        raise GlanceError(
            f"Keystone answered the change of endpoint {endpoint_id} with {answer['id']} {answer['url']}."
        )


def as_text(endpoints: list[dict[str, Any]]) -> str:
    return "".join(f"{each['id']} {each['interface']} {each['region']} {each['url']}\n" for each in endpoints)


def main() -> None:
    module = AnsibleModule(
        argument_spec=_images.argument_spec(
            endpoints={
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "id": {"type": "str", "required": True},
                    "url_before": {"type": "str", "required": True},
                    "url_after": {"type": "str", "required": True},
                    "interface": {"type": "str"},
                    "region": {"type": "str"},
                },
            },
            direction={"type": "str", "choices": ["do", "undo"], "default": "do"},
        ),
        supports_check_mode=True,
    )
    given = module.params["endpoints"]
    keys = ("url_before", "url_after") if module.params["direction"] == "do" else ("url_after", "url_before")
    targets = {each["id"]: (each[keys[0]], each[keys[1]]) for each in given}
    if len(targets) != len(given):
        module.fail_json(msg="An endpoint id stands twice in endpoints; name each once.")
    try:
        cloud = _images.connect(module)
        keystone = _images.Keystone(cloud.session, cloud.identity_url)
        found = read(keystone, targets)
        before = [shown(endpoint) for endpoint in found]
        after = [{**endpoint, "url": targets[endpoint["id"]][1]} for endpoint in before]
        if before != after and not module.check_mode:
            write(keystone, found, targets)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    header = "image service's endpoints"
    module.exit_json(
        changed=before != after,
        before=before,
        after=after,
        diff={"before_header": header, "after_header": header, "before": as_text(before), "after": as_text(after)},
    )


if __name__ == "__main__":
    main()
