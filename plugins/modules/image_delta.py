#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_delta
short_description: Keep an image as the blocks that differ from a base image
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - With O(state=present), compares the disk in a O(file) with the image O(base) and uploads only the blocks that differ, as an
    image of its own - a qcow2 whose reference to its backing file is taken out, since Glance refuses one that has it.
  - With O(state=rebuilt), makes the whole disk out of the delta and its base again, in the file O(dest) or as a new image
    O(into), and verifies its hash.
  - A delta's properties link it to its base (C(stackops_glance_delta_base), C(stackops_glance_delta_base_hash)) and keep the
    hash of the disk's content (C(stackops_glance_delta_content)) and its format (C(stackops_glance_delta_format)).
  - A delta is no disk that can be booted. It is hidden from lists, and asks for more disk and memory than any flavor has, so that
    Nova refuses it. Rebuild the image, and give Nova that.
  - Glance itself never had incremental images; whoever deletes the base loses its deltas. Protect it.
options:
  state:
    description: Whether a delta is to be there, or the disk is to be rebuilt from one.
    type: str
    choices: [present, rebuilt]
    default: present
  file:
    description: Path of the whole disk on the machine where the module runs, raw or qcow2. Needed with O(state=present).
    type: path
  base:
    description: The base image, by id or by its name within O(owner). Needed with O(state=present); not itself a delta.
    type: str
  base_file:
    description:
      - A copy of the base image's data on this machine. Its hash must be the one that Glance keeps.
      - Left out, the base is downloaded.
    type: path
  dest:
    description: Path of the file that the disk is rebuilt in, with O(state=rebuilt).
    type: path
  into:
    description: Name of the new image that the disk is rebuilt as, with O(state=rebuilt).
    type: str
  properties:
    description: Further properties of the image that is made.
    type: dict
  visibility:
    description: Who sees the image that is made. Left out, as Glance makes them.
    type: str
    choices: [private, shared, community, public]
  stores:
    description: The stores that the data of the image that is made go into; left out, Glance's default store.
    type: list
    elements: str
  work_dir:
    description:
      - A directory for the files of the work, which are removed at its end. It needs room for the base and the disk.
      - Left out, the system's directory for temporary files.
    type: path
  timeout:
    description: Seconds that an upload may take.
    type: int
    default: 3600
requirements:
  - qemu-img
  - oslo.utils >= 7.4.0, to look at the disks before qemu-img opens them
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.image
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
    details:
      - Downloads nothing, so that the size of a delta is not known beforehand.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - By the hash of the disk's content.
seealso:
  - module: stackops.glance.image_import
"""

EXAMPLES = r"""
- name: Keep tonight's build as what has changed since the release
  stackops.glance.image_delta:
    cloud: mycloud
    image: appliance-2026-11-26
    file: /srv/builds/appliance.qcow2
    base: appliance-2026-11
  delegate_to: localhost

- name: Make an image that can be booted out of it
  stackops.glance.image_delta:
    cloud: mycloud
    image: appliance-2026-11-26
    state: rebuilt
    into: appliance-under-test
  delegate_to: localhost
"""

RETURN = r"""
image_id:
  description: The id of the delta.
  returned: once it is known
  type: str
base_id:
  description: The id of the base image.
  returned: success
  type: str
content:
  description: The hash of the whole disk's raw content.
  returned: success
  type: str
  sample: sha512:9b71d2...
delta_size:
  description: Bytes of the delta.
  returned: success, once there is one
  type: int
virtual_size:
  description: Bytes of the whole disk.
  returned: success, with O(state=present)
  type: int
dest:
  description: The file with the disk.
  returned: with O(dest)
  type: str
into_id:
  description: The id of the image that was rebuilt.
  returned: with O(into), once it is known
  type: str
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _image_delta as delta
from ansible_collections.stackops.glance.plugins.module_utils import _image_lookup, _image_make, _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_source import File
from ansible_collections.stackops.glance.plugins.module_utils._slices import Slice

#: What the maker of images is told of every image here; see ``image_import``.
FIXED: dict[str, Any] = {
    "force": False,
    "container_format": "bare",
    "min_disk": None,
    "min_ram": None,
    "hidden": None,
    "tags": None,
    "protected": None,
    "method": "auto",
    "all_stores": False,
    "all_stores_must_succeed": True,
    "accept_conversion": False,
    "take_over": False,
    "retries": 2,
}


class Work:
    """One call. ``options`` are the module's."""

    def __init__(self, images: _images.Images, cloud: _images.Cloud, options: dict[str, Any], check: bool) -> None:
        self.images = images
        self.cloud = cloud
        self.options = options
        self.check = check

    def find(self, wanted: str) -> _image_lookup.Image | None:
        return _image_lookup.find(self.images, self.cloud, wanted, self.options["owner"])

    def upload(self, name: str, path: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Let the maker of images import a file; it cleans up what fails."""
        options = {**FIXED, **self.options, **more, "image": name}
        options["properties"] = {**(self.options["properties"] or {}), **properties}
        run = Slice(None, self.options["timeout"])
        return _image_make.Maker(self.images, self.cloud, options, File(path, None), run, False).go()

    def base_disk(self, base: _image_lookup.Image, place: str) -> delta.Disk:
        """The base image's disk, in the file that was given or in one that was downloaded."""
        path = self.options["base_file"]
        if path:
            algorithm, _colon, value = delta.base_hash(base).partition(":")
            if File(path, None).digest(algorithm) != value:
                raise GlanceError(f"base_file {path} has not the {algorithm} {value} of image {base['id']}.")
        return delta.disk(path or delta.fetched(self.images, base, os.path.join(place, "base")), "The base image")

    def present(self) -> dict[str, Any]:
        options = self.options
        base = _image_lookup.need(self.images, self.cloud, options["base"], options["owner"])
        if base.get(delta.BASE):
            raise GlanceError(f"Image {base['id']} is itself a delta to {base[delta.BASE]}. Take that as the base.")
        full = delta.disk(options["file"], "file")
        hash_ = delta.base_hash(base)
        with delta.workplace(options["work_dir"], 2 * delta.allocated(full.path) + (base["size"] or 0)) as place:
            wanted = delta.properties(base, delta.content_hash(full, place), full)
            result = {"base_id": base["id"], "content": wanted[delta.CONTENT], "virtual_size": full.virtual_size}
            found = self.find(options["image"])
            if found and _image_make.MARKER not in found:
                return {**result, **self.kept(found, wanted, f"a delta of {options['file']} to {base['id']} ({hash_})")}
            if not self.check:
                path = os.path.join(place, "delta.qcow2")
                delta.make(full, self.base_disk(base, place), path)
                made = self.upload(
                    options["image"], path, wanted,
                    disk_format="qcow2", min_disk=delta.NEVER, min_ram=delta.NEVER, hidden=True,
                )  # fmt: skip
                result.update(image_id=made["image_id"], delta_size=made["image"]["size"])
        return {**result, "changed": True, "diff": {"before": "", "after": shown(options["image"], wanted)}}

    def kept(self, found: _image_lookup.Image, wanted: dict[str, Any], what: str) -> dict[str, Any]:
        """An image of that name that is there. Raises GlanceError where it is another than the one that is wanted."""
        different = [name for name, value in wanted.items() if found.get(name) != value]
        if different or found["status"] != "active":
            raise GlanceError(
                f"There is an image {found['name']} ({found['id']}, {found['status']}) that is not {what}: "
                f"{', '.join(different) or 'status'} differ. Choose another name, or delete it.",
                image_id=found["id"],
            )
        said = shown(found["name"], wanted)
        return {
            "changed": False,
            "image_id": found["id"],
            "delta_size": found["size"],
            "diff": {"before": said, "after": said},
        }

    def rebuilt(self) -> dict[str, Any]:
        options = self.options
        image = _image_lookup.need(self.images, self.cloud, options["image"], options["owner"])
        base = delta.base_of(self.images, image, options["base_file"])
        wanted = {delta.CONTENT: image[delta.CONTENT], delta.FORMAT: image[delta.FORMAT]}
        result = {
            "image_id": image["id"],
            "base_id": base["id"],
            "content": image[delta.CONTENT],
            "delta_size": image["size"],
        }
        name = options["into"] or options["dest"]
        result.update({"dest": options["dest"]} if options["dest"] else {})
        with delta.workplace(options["work_dir"], 2 * ((base["size"] or 0) + image["size"])) as place:
            there = self.there(wanted, place)
            if there:
                return {**result, **there}
            if not self.check:
                path = os.path.join(place, "disk") if options["into"] else f"{options['dest']}.{os.getpid()}"
                try:
                    delta_file = delta.fetched(self.images, image, os.path.join(place, "delta.qcow2"))
                    delta.disk(delta_file, "The delta")
                    delta.rebuild(delta_file, self.base_disk(base, place), image, path, place)
                    if options["into"]:
                        made = self.upload(options["into"], path, wanted, disk_format=image[delta.FORMAT])
                        result["into_id"] = made["image_id"]
                    else:
                        os.replace(path, options["dest"])
                except OSError as error:
                    raise GlanceError(f"{path} cannot be written: {error.strerror}.") from None
                finally:
                    if os.path.exists(path):
                        os.unlink(path)
        return {**result, "changed": True, "diff": {"before": "", "after": shown(name, wanted)}}

    def there(self, wanted: dict[str, Any], place: str) -> dict[str, Any] | None:
        """The rebuilt disk that is there already. Raises GlanceError where something else is in its place."""
        options = self.options
        if options["into"]:
            found = self.find(options["into"])
            if found is None or _image_make.MARKER in found:
                return None
            kept = self.kept(found, wanted, f"image {options['image']} rebuilt")
            return {"into_id": kept["image_id"], "changed": False, "diff": kept["diff"]}
        if not os.path.lexists(options["dest"]):
            return None
        found_disk = delta.disk(options["dest"], "dest")
        if (found_disk.format, delta.content_hash(found_disk, place)) != (wanted[delta.FORMAT], wanted[delta.CONTENT]):
            raise GlanceError(
                f"dest {options['dest']} is there and holds something else. Remove it, or choose another name."
            )
        said = shown(options["dest"], wanted)
        return {"changed": False, "diff": {"before": said, "after": said}}


def shown(name: str, properties: dict[str, Any]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in {"name": name, **properties}.items())


def main() -> None:
    module = AnsibleModule(
        argument_spec=_image_lookup.argument_spec(
            state={"type": "str", "choices": ["present", "rebuilt"], "default": "present"},
            file={"type": "path"},
            base={"type": "str"},
            base_file={"type": "path"},
            dest={"type": "path"},
            into={"type": "str"},
            properties={"type": "dict"},
            visibility={"type": "str", "choices": ["private", "shared", "community", "public"]},
            stores={"type": "list", "elements": "str"},
            work_dir={"type": "path"},
            timeout={"type": "int", "default": 3600},
        ),
        mutually_exclusive=[("dest", "into"), ("file", "dest"), ("file", "into"), ("base", "dest"), ("base", "into")],
        required_if=[("state", "present", ("file", "base")), ("state", "rebuilt", ("dest", "into"), True)],
        supports_check_mode=True,
    )
    try:
        cloud = _images.connect(module)
        work = Work(_image_lookup.api(cloud, module.params["endpoint"]), cloud, module.params, module.check_mode)
        result = work.present() if module.params["state"] == "present" else work.rebuilt()
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
