#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_round_trip
short_description: Prove an Images API with a real image, from create to delete
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Creates a small private image of random bytes, uploads it, looks at it, downloads it, compares the hashes and
    deletes it, all through the API version asked for, at each address given.
  - The image is called RV(endpoints[].image_name) and has the property C(stackops_glance_round_trip). It is deleted in
    every case, after a failure as well; what could not be deleted is named in RV(leftovers).
  - Fails when any address fails, after all of them were tried.
options:
  endpoints:
    description:
      - Addresses to try, each by itself, as that of a single Glance host behind a load balancer.
      - Left out, the address that the catalogue has for the interface and region.
    type: list
    elements: str
    aliases: [endpoint]
  api_version:
    description: The version of the Images API to speak.
    type: int
    choices: [1, 2]
    default: 2
  size:
    description: The size of the image in bytes.
    type: int
    default: 1048576
  name_prefix:
    description: What the image's name begins with.
    type: str
    default: stackops-glance-round-trip
  timeout:
    description: Seconds that one address may take for the whole trip.
    type: int
    default: 180
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
    details:
      - Makes no image and says so; RV(ran) is false.
  diff_mode:
    support: N/A
    details:
      - Nothing stays behind that could differ.
  idempotent:
    support: full
    details:
      - Reports RV(ignore:changed) only when an image could not be deleted again.
seealso:
  - module: stackops.glance.images_api_info
"""

EXAMPLES = r"""
- name: Prove v2 through the catalogue's address
  stackops.glance.image_round_trip:
    cloud: mycloud
  delegate_to: localhost

- name: Prove v2 on each Glance host by itself
  stackops.glance.image_round_trip:
    cloud: mycloud
    endpoints:
      - http://glance1.example:9292
      - http://glance2.example:9292
    size: 16777216
  delegate_to: localhost
"""

RETURN = r"""
ran:
  description: Whether images were made; false in check mode.
  returned: always
  type: bool
endpoints:
  description: What came of each address, in the order given.
  returned: when the cloud could be reached
  type: list
  elements: dict
  contains:
    url: {description: The root address., type: str}
    api_version: {description: The version spoken., type: int}
    ok: {description: Whether the whole trip succeeded., type: bool}
    error: {description: What went wrong., type: str}
    image_id: {description: The image's id., type: str}
    image_name: {description: The image's name., type: str}
    size: {description: The image's size in bytes., type: int}
    sha256: {description: The hash that came back as it was sent., type: str}
    steps: {description: "Each step with its name, C(ok) and C(seconds).", type: list, elements: dict}
    seconds: {description: How long it took., type: float}
    cleaned: {description: Whether the image is gone again., type: bool}
leftovers:
  description: Images that could not be deleted, with C(url), C(image_id) and C(image_name).
  returned: when the cloud could be reached
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def prove(cloud: _images.Cloud, urls: list[str], options: dict[str, Any]) -> dict[str, Any]:
    """One trip per address, one after the other."""
    trips = [
        _images.RoundTrip(
            _images.Images(cloud.session, url),
            options["api_version"],
            options["size"],
            options["name_prefix"],
            options["timeout"],
        )
        for url in urls
    ]
    results = [trip.run() for trip in trips]
    left = [{key: r[key] for key in ("url", "image_id", "image_name")} for r in results if not r["cleaned"]]
    return {"changed": bool(left), "endpoints": results, "leftovers": left}


def verdict(found: dict[str, Any], api_version: int) -> str | None:
    """The failure in one paragraph, or None."""
    failed = [each for each in found["endpoints"] if not each["ok"]]
    if not failed:
        return None
    text = f"Images API v{api_version} failed at {len(failed)} of {len(found['endpoints'])} addresses. "
    text += " ".join(f"{each['url']}: {each['error']}" for each in failed)
    if found["leftovers"]:
        names = ", ".join(f"{each['image_name']} ({each['image_id']})" for each in found["leftovers"])
        text += f" These images could not be deleted; delete them by hand: {names}."
    return text


def main() -> None:
    module = AnsibleModule(
        argument_spec=_images.argument_spec(
            endpoints={"type": "list", "elements": "str", "aliases": ["endpoint"]},
            api_version={"type": "int", "choices": [1, 2], "default": 2},
            size={"type": "int", "default": 1 << 20},
            name_prefix={"type": "str", "default": "stackops-glance-round-trip"},
            timeout={"type": "int", "default": 180},
        ),
        supports_check_mode=True,
    )
    options = module.params
    if options["size"] < 1:
        module.fail_json(msg=f"size is {options['size']} and must be at least 1 byte.", ran=False)
    try:
        cloud = _images.connect(module)
        urls = options["endpoints"] or [cloud.image_url()]
        if module.check_mode:
            module.exit_json(
                changed=False,
                ran=False,
                endpoints=[],
                leftovers=[],
                msg=f"Check mode: no image was made. It would be tried at: {', '.join(urls)}.",
            )
        found = prove(cloud, urls, options)
    except GlanceError as error:
        module.fail_json(msg=error.message, ran=False, **error.details)
    failure = verdict(found, options["api_version"])
    if failure:
        module.fail_json(msg=failure, ran=True, **found)
    module.exit_json(ran=True, **found)


if __name__ == "__main__":
    main()
