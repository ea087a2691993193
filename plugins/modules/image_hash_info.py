#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_hash_info
short_description: Verify the data of images against the hashes that Glance recorded
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Downloads images and holds their bytes against C(os_hash_value), or against C(checksum) (MD5) where an image has nothing
    better, and their number against C(size). Data flows through in small blocks and is kept nowhere.
  - Finds images that have an MD5 alone, as those stored before Glance 17.0.0 (Rocky), and images without any hash, as those
    registered by their location. Glance never fills these in later.
  - Damaged data is a result and never a failure. It fails when Glance or Keystone cannot be asked.
  - The API hands out one copy of an image, and from its own cache where it has one, and it never hands out more bytes than
    C(size). M(stackops.glance.glance_store_hash_info) reads every copy in file stores, where they lie.
options:
  images:
    description: The images to look at, by id or by name within the project O(owner).
    type: list
    elements: str
    aliases: [image, id, name]
  filters:
    description:
      - Look at all images that match, as the API's list takes them, such as C(visibility), C(owner), C(status), C(tag) or any
        property. V({}) is every image that the credentials may see, hidden ones and the community's included.
    type: dict
  owner:
    description: The project of the images that are named in O(images), by id or name. Left out, that of the credentials.
    type: str
  verify_data:
    description: Whether to download the images. Otherwise only what Glance has recorded of them is looked at.
    type: bool
    default: true
  parallel:
    description: How many images to download at the same time, from 1 to 16.
    type: int
    default: 2
  timeout:
    description: Seconds that all of it may take. Images that were not done by then are in RV(left).
    type: int
    default: 3600
  endpoint:
    description: Root address of the Images API, as that of a single Glance host. Left out, the catalogue's address.
    type: str
extends_documentation_fragment:
  - stackops.glance.slices
  - stackops.glance.openstack
  - stackops.glance.attributes.info
seealso:
  - module: stackops.glance.glance_store_hash_info
    description: Reads the copies of images in file stores on a Glance host.
"""

EXAMPLES = r"""
- name: Verify one image
  stackops.glance.image_hash_info:
    cloud: mycloud
    image: debian-12
  delegate_to: localhost

- name: Verify all public images, four at a time, and stop where data is damaged
  stackops.glance.image_hash_info:
    cloud: mycloud
    filters: {visibility: public}
    parallel: 4
    timeout: 14400
  delegate_to: localhost
  register: public
  failed_when: public.findings | selectattr('id', 'in', ['hash-differs', 'size-differs', 'data-missing']) | list != []

- name: Which images of all projects have no multihash? (as administrator)
  stackops.glance.image_hash_info:
    cloud: mycloud
    filters: {}
    verify_data: false
  delegate_to: localhost
  register: recorded
"""

RETURN = r"""
findings:
  description: What is wrong with the images, in words.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description:
        - V(hash-differs), V(size-differs) and V(data-missing) are damage. V(not-verified) is data that could not be read.
        - V(md5-only), V(no-hash) and V(size-unknown) are what the records lack.
      type: str
    image: {description: The image's id., type: str}
    name: {description: The image's name., type: str}
    message: {description: "What was found, and what was recorded.", type: str}
counts:
  description: How many findings of each kind there are.
  returned: success
  type: dict
  sample: {"md5-only": 3}
images:
  description:
    - The images that were looked at, with what is recorded of them, in the form that
      O(stackops.glance.glance_store_hash_info#module:images) takes.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: The image's id., type: str}
    name: {description: The image's name., type: str}
    owner: {description: The project that owns it., type: str}
    status: {description: The image's status., type: str}
    size: {description: Recorded size in bytes., type: int}
    os_hash_algo: {description: Algorithm of the multihash., type: str}
    os_hash_value: {description: The multihash., type: str}
    checksum: {description: The MD5., type: str}
    stores: {description: "The stores that hold it, with commas; none where the Glance has a single store.", type: str}
    verified:
      description: Whether the data is as recorded; none where it was not read, or nothing is recorded to hold it against.
      type: bool
verified:
  description: How many images were read and are as recorded.
  returned: success
  type: int
bytes:
  description: How many bytes were read.
  returned: success
  type: int
left:
  description: Ids of images with data that were not read to the end when the time was up.
  returned: success
  type: list
  elements: str
skipped:
  description: Ids of images that are neither C(active) nor C(deactivated) and have no data to verify.
  returned: success
  type: list
  elements: str
url:
  description: The root address that was asked.
  returned: success
  type: str
"""

from collections.abc import Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import (
    _image_hash,
    _image_lookup,
    _image_verify,
    _images,
    _slices,
)
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def chosen(cloud: _images.Cloud, images: _images.Images, options: dict[str, Any]) -> dict[str, Any]:
    """What the first call finds, and the others go on from."""
    found: Iterable[dict[str, Any]] = _image_lookup.matching(images, options["filters"] or {})
    if options["images"]:
        found = [_image_lookup.need(images, cloud, wanted, options["owner"]) for wanted in options["images"]]
    records = {image["id"]: _image_verify.metadata(image) for image in found}
    stored = [image for image in records.values() if image["status"] in _image_hash.STORED]
    return {
        "images": records,
        "findings": [finding for image in stored for finding in _image_hash.unproven(image)],
        "left": [image["id"] for image in stored] if options["verify_data"] else [],
        "skipped": [image["id"] for image in records.values() if image not in stored],
        "bytes": 0,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=_images.argument_spec(
            images={"type": "list", "elements": "str", "aliases": ["image", "id", "name"]},
            filters={"type": "dict"},
            owner={"type": "str"},
            verify_data={"type": "bool", "default": True},
            parallel={"type": "int", "default": 2},
            timeout={"type": "int", "default": 3600},
            endpoint={"type": "str"},
            **_slices.OPTION,
        ),
        required_one_of=[("images", "filters")],
        mutually_exclusive=[("images", "filters")],
        supports_check_mode=True,
    )
    options: dict[str, Any] = module.params
    piece = _slices.Slice(options["_slice"], options["timeout"])
    try:
        if not 1 <= options["parallel"] <= 16:
            raise GlanceError(f"parallel is {options['parallel']}; give a number from 1 to 16.")
        cloud = _images.connect(module)
        images = _image_lookup.api(cloud, options["endpoint"])
        state = piece.state or chosen(cloud, images, options)
        records: dict[str, dict[str, Any]] = state["images"]

        def seen(result: dict[str, Any]) -> None:
            records[result["image"]]["verified"] = result["verified"]
            state["bytes"] += result["bytes"]
            state["findings"] += result["findings"]
            for finding in result["findings"]:
                piece.say(finding["message"])

        total = len(state["left"])
        if total:
            wanted = [records[image_id] for image_id in state["left"]]
            state["left"] = _image_verify.verify_all(
                images, wanted, options["parallel"], piece.deadline, lambda: piece.over, seen
            )
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    verified = sum(1 for image in records.values() if image.get("verified"))
    again = bool(state["left"]) and _slices.now() < piece.deadline
    if again:
        piece.say(f"{verified} images verified, {state['bytes'] >> 20} MiB read, {len(state['left'])} images left")
    found = {
        **state,
        "images": list(records.values()),
        "counts": _image_hash.counts(state["findings"]),
        "verified": verified,
        "url": images.root,
    }
    module.exit_json(changed=False, **piece.result(state if again else None, **found))


if __name__ == "__main__":
    main()
