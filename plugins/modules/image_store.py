#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_store
short_description: Remove an image's data from one of the stores that hold it
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Removes the copy of an image that one store holds (C(DELETE /v2/stores/{store}/{image}), Ussuri and newer). The image and its
    copies in other stores stay.
  - The last copy is never removed, and nothing while an import or a copy of the image runs, which writes the image's
    locations at its end.
  - An image that the store does not hold, or that is not there, is as wanted. A store that this Glance does not have is an error.
options:
  store:
    description: The store that shall not hold the image.
    type: str
    required: true
  state:
    description: M(stackops.glance.image_copy) brings images into stores.
    type: str
    choices: [absent]
    default: absent
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.image
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
    details:
      - Refuses what it would refuse otherwise. Whether a backend has the data in use is not known beforehand.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - By what the image's C(stores) have.
notes:
  - "Needs the policy rules C(get_image_location) and C(delete_image_location)."
seealso:
  - module: stackops.glance.image_copy
"""

EXAMPLES = r"""
- name: The old store holds the image no more
  stackops.glance.image_store:
    cloud: mycloud
    image: debian-12
    store: old
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
image_id:
  description: The image's id, or none where there is no such image.
  returned: success
  type: str
stores:
  description: The stores that hold the image now, or would.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import (
    _image_import,
    _image_lookup,
    _image_stores,
    _images,
)
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def refuse(images: _images.Images, image: dict[str, Any], store: str) -> None:
    """What must not be begun. Raises GlanceError."""
    named = f"Image {image['id']} ({image['name']})"
    if image["status"] != "active":
        raise GlanceError(
            f"{named} is {image['status']}, and only an active image is removed from a store. Nothing was done."
        )
    held = _image_import.lock(images, image)
    if held and not held.free:
        raise GlanceError(
            f"An import of image {image['id']} holds its lock: {held}. Nothing was removed; try again after it."
        )
    if set(_image_lookup.stores_of(image)) == {store}:
        raise GlanceError(
            f"{named} is in store {store} alone, and the last copy is never removed. Copy it to another store first "
            "(image_copy), or delete the image."
        )


def remove(images: _images.Images, image_id: str, store: str) -> bool:
    """Remove the copy; whether there was one. Raises GlanceError with what Glance's refusal means."""
    answer = images.ask("DELETE", f"/v2/stores/{store}/{image_id}")
    if answer.status_code in (204, 404):
        return answer.status_code == 204
    said = f"{answer.status_code}: {_images.one_line(answer.text) or 'no text'}"
    if answer.status_code == 403:
        advice = (
            "Either it has become the last copy, or the policy rules get_image_location and delete_image_location do not "
            "let this user do it."
        )
    elif answer.status_code == 409:
        advice = (
            "The store's backend has the data in use, as an image with clones or snapshots has, the image is not active any "
            "more, or the Glance that answered does not have this store: the stores of all its hosts must be the same."
        )
    else:
        advice = "Glance's log has more."
    raise GlanceError(f"Image {image_id} was not removed from store {store} ({said}). {advice}", image_id=image_id)


def absent(module: AnsibleModule, cloud: _images.Cloud) -> dict[str, Any]:
    options = module.params
    store = options["store"]
    images = _image_lookup.api(cloud, options["endpoint"])
    known = _image_stores.stores(images)
    if store not in known:
        raise GlanceError(f"store is {store!r}, and there is none at {images.root}; there are {', '.join(known)}.")
    image = _image_lookup.find(images, cloud, options["image"], options["owner"])
    held = _image_lookup.stores_of(image) if image else []
    left = [each for each in held if each != store]
    changed = image is not None and store in held
    if image and changed:
        refuse(images, image, store)
        if not module.check_mode:
            changed = remove(images, image["id"], store)
    sides = {name: "".join(f"{each}\n" for each in sides) for name, sides in (("before", held), ("after", left))}
    header = f"stores of image {options['image']}"
    return {
        "changed": changed,
        "image_id": image and image["id"],
        "stores": left,
        "diff": {"before_header": header, "after_header": header, **sides},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=_image_lookup.argument_spec(
            store={"type": "str", "required": True},
            state={"type": "str", "choices": ["absent"], "default": "absent"},
        ),
        supports_check_mode=True,
    )
    try:
        module.exit_json(**absent(module, _images.connect(module)))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
