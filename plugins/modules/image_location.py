#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_location
short_description: Add a location to an image, or remove one
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Lets an image have its data at a place where it lies already, or no longer there. One location is added or removed; the others
    stay as they are.
  - Two APIs do this, and the one that is offered is taken. The location API (Glance 29.0.0 and later) adds a location to a
    queued image and hashes the data when Glance's C(do_secure_hash) is on. PATCH of C(locations) adds and removes where
    C(show_multiple_locations) is on, to and from queued and active images, and hashes nothing.
  - B(OSSN-0065) - whoever may set locations may put other data behind an image. Glance shows and changes them only where
    C(show_multiple_locations) is on; that belongs into an internal API process, whose address is given as O(endpoint).
  - Removing a location B(deletes the data there) where the store can do that, as all but C(http) can.
  - The last location of an image is never removed.
options:
  url:
    description:
      - The location, as its store writes it. It may hold credentials, as C(swift+https://user:password@...) and
        C(s3://key:secret@...) do; they are shown nowhere, nor is the query of an http URL.
      - A location whose recorded URL has no credentials, or O(url) without them, is the same one; Glance takes those of S3 out.
    type: str
    required: true
  state:
    description: Whether the image has this location.
    type: str
    choices: [present, absent]
    default: present
  validation_data:
    description:
      - Hashes that the data has. They become those of a queued image. An image that has other ones is refused.
      - With C(do_secure_hash) the location API compares them with the data; PATCH believes them.
    type: dict
    suboptions:
      os_hash_algo:
        description: The algorithm, by PATCH only Glance's own C(hashing_algorithm).
        type: str
        required: true
      os_hash_value:
        description: The hash in hexadecimal digits.
        type: str
        required: true
      checksum:
        description: The MD5. PATCH alone takes it; the location API reckons it from the data.
        type: str
  way:
    description:
      - How a location is added. V(auto) takes the location API where it is offered, the image is queued and Glance lets this
        user, else PATCH.
    type: str
    choices: [auto, location_api, patch]
    default: auto
  disk_format:
    description: With O(container_format), create an image that is not there, named O(image), in the project O(owner). It is
      deleted again where the location is refused.
    type: str
  container_format:
    description: See O(disk_format).
    type: str
  service_cloud:
    description:
      - Credentials of a user with the role C(service), as O(cloud) takes them, whose token goes along as the service token.
      - Glance 30.1 and 31 want one for the location API.
    type: raw
  timeout:
    description: Seconds that the location API may take; it hashes the data meanwhile.
    type: int
    default: 3600
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.image
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows URLs without their credentials.
  idempotent:
    support: full
    details:
      - Fails where this user may not see the image's locations, for then nothing can be said about them.
seealso:
  - module: stackops.glance.image_hash_info
"""

EXAMPLES = r"""
- name: An image whose data lies on a web server
  stackops.glance.image_location:
    cloud: mycloud
    endpoint: http://glance-internal.example:9293
    image: debian-12
    disk_format: qcow2
    container_format: bare
    url: https://images.example/debian-12.qcow2
    validation_data:
      os_hash_algo: sha512
      os_hash_value: "{{ debian_sha512 }}"
  delegate_to: localhost

- name: A second copy, in Ceph
  stackops.glance.image_location:
    cloud: mycloud
    endpoint: http://glance-internal.example:9293
    image: debian-12
    url: rbd://4c3ae8a2/images/0d2ff5b9-2c5c-4f5b-8e9a-2f3a4c1d5e6f/snap
  delegate_to: localhost

- name: And no longer the one on the web server
  stackops.glance.image_location:
    cloud: mycloud
    endpoint: http://glance-internal.example:9293
    image: debian-12
    url: https://images.example/debian-12.qcow2
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
image_id:
  description: The image's id; none where check mode would create it.
  returned: success
  type: str
status:
  description: The image's status.
  returned: success
  type: str
locations:
  description: The image's locations, without credentials; none where this user may not see them.
  returned: success
  type: list
  elements: str
way:
  description: How the location was added or removed, V(location_api) or V(patch); none where nothing was done. Check mode that
    would create the image says O(way).
  returned: success
  type: str
created:
  description: Whether the image was created.
  returned: success
  type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _image_location, _image_lookup, _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_location import Locations


def created(images: _images.Images, cloud: _images.Cloud, options: dict[str, Any]) -> dict[str, Any]:
    wanted = {"name": options["image"], **{name: options[name] for name in ("disk_format", "container_format")}}
    if options["owner"]:
        wanted["owner"] = _image_lookup.project_id(cloud, options["owner"])
    image: dict[str, Any] = images.call("POST", "/v2/images", 201, json=wanted).json()
    return image


def result(before: list[str] | None, after: list[str] | None, image: dict[str, Any], **more: Any) -> dict[str, Any]:
    shown = [[_image_location.shown(url) for url in urls or ()] for urls in (before, after)]
    texts = ["".join(f"{url}\n" for url in urls) for urls in shown]
    header = f"locations of image {image.get('id') or image['name']}"
    return {
        "changed": bool(more["way"]),
        "image_id": image.get("id"),
        "status": image.get("status"),
        "locations": None if after is None else shown[1],
        "diff": {"before_header": header, "after_header": header, "before": texts[0], "after": texts[1]},
        **more,
    }


def absent(found: Locations, url: str, check: bool) -> dict[str, Any]:
    before, place = found.urls, found.place(url)
    if place is None:
        return result(before, before, found.image, way=None, created=False)
    if check and found.patch and len(before or ()) > 1:
        after = [each for number, each in enumerate(before or ()) if number != place]
        return result(before, after, found.image, way="patch", created=False)
    found.remove(url, place)
    return result(before, found.urls, found.image, way="patch", created=False)


def present(found: Locations, options: dict[str, Any], validation: dict[str, str], check: bool) -> dict[str, Any]:
    url = options["url"]
    before = found.urls
    _image_location.agrees(found.image, validation)
    # A queued image has none, whoever may see it.
    if (before is not None or found.image["status"] != "queued") and found.place(url) is not None:
        return result(before, before, found.image, way=None, created=False)
    if check:
        return result(before, [*(before or ()), url], found.image, way=found.way(options["way"]), created=False)
    way = found.add(url, options["way"], validation, options["timeout"])
    after = found.urls if found.urls is not None else [*(before or ()), url]
    return result(before, after, found.image, way=way, created=False)


def run(module: AnsibleModule) -> dict[str, Any]:
    options: dict[str, Any] = module.params
    if options["state"] == "present":
        _image_location.checked(options["url"])
    validation = {name: value for name, value in (options["validation_data"] or {}).items() if value}
    headers = {}
    if options["service_cloud"]:
        own = {name: None for name in ("auth", "auth_type", "region_name", "interface")}
        service = _images.connect(module, **own, cloud=options["service_cloud"])
        headers["X-Service-Token"] = service.session.get_token()
        module.no_log_values.add(headers["X-Service-Token"])
    cloud = _images.connect(module)
    images = _image_lookup.api(cloud, options["endpoint"])
    image = _image_lookup.find(images, cloud, options["image"], options["owner"])
    if options["state"] == "absent":
        if image is None:
            return result([], [], {"name": options["image"]}, way=None, created=False)
        return absent(Locations(images, image, headers), options["url"], module.check_mode)
    if image is None and (not options["disk_format"] or _image_lookup.is_id(options["image"])):
        image = _image_lookup.need(images, cloud, options["image"], options["owner"])
    if image is not None:
        return present(Locations(images, image, headers), options, validation, module.check_mode)
    if module.check_mode:
        return result([], [options["url"]], {"name": options["image"]}, way=options["way"], created=True)
    image = created(images, cloud, options)
    try:
        return {**present(Locations(images, image, headers), options, validation, False), "created": True}
    except GlanceError as error:
        images.call("DELETE", f"/v2/images/{image['id']}", 204, 404)
        raise GlanceError(
            f"{error.message} The image that was created for it is deleted again.", **error.details
        ) from None


def main() -> None:
    module = AnsibleModule(
        argument_spec=_image_lookup.argument_spec(
            # Masked as a whole until it is known what is secret in it: arguments are written to the system's log.
            url={"type": "str", "required": True, "no_log": True},
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
            validation_data={
                "type": "dict",
                "options": {
                    "os_hash_algo": {"type": "str", "required": True},
                    "os_hash_value": {"type": "str", "required": True},
                    "checksum": {"type": "str"},
                },
            },
            way={"type": "str", "choices": ["auto", "location_api", "patch"], "default": "auto"},
            disk_format={"type": "str"},
            container_format={"type": "str"},
            service_cloud={"type": "raw"},
            timeout={"type": "int", "default": 3600},
        ),
        required_together=[("disk_format", "container_format")],
        supports_check_mode=True,
    )
    module.no_log_values.discard(module.params["url"])
    module.no_log_values.update(_image_location.secrets(module.params["url"]))
    try:
        module.exit_json(**run(module))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
