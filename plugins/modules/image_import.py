#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_import
short_description: Make an image out of a file, a URL or another Glance's image
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Creates an image and brings its data in, in one task - from a local O(file), from a O(url) that Glance fetches by itself,
    or from an image of another Glance (O(from_glance)) - into one, several or all stores.
  - Looks at the content before it sends it. A movie that is called raw, a qcow2 with a backing file or an external data file, a
    file that is cut off, and content that is not of O(disk_format) are refused unless O(force) is set. What Glance fetches by
    itself is looked at as soon as it is there, before others can see it.
  - Verifies the hash that Glance keeps of the data against the bytes sent, O(checksum) or the other Glance's image.
  - Until all is well the image is not shown to other projects, is not protected, and has the property C(stackops_glance_import),
    which says who is at work on it. An import that fails, or is not over after O(timeout), is deleted; an image that was
    there before never is.
  - Finds the image by its id, or by its name within the owner's project. One that has the same data and all that is wanted is
    left alone; attributes and properties that differ are changed, those not given stay as they are. One that has other data is an
    error, since the data of an active image cannot be replaced.
  - An image that a killed run left half-way is recognised. Where Glance is still at it, this run waits for it; else it is deleted
    and made again, and RV(replaced) has the old id.
options:
  state:
    description: Whether the image should be there. V(absent) deletes it, unless it is protected.
    type: str
    choices: [present, absent]
    default: present
  file:
    description: Path of a file on the machine where the module runs. Sent with O(method), never held in memory.
    type: path
  url:
    description:
      - A URL beginning with C(http://) or C(https://), from which Glance fetches the data (C(web-download)).
      - Without O(checksum), an image that is there under this name is taken for the one that is wanted.
    type: str
  from_glance:
    description: An image of another Glance of the same Keystone (C(glance-download), from Glance 25.0.0 on).
    type: dict
    suboptions:
      image: {description: The image's id there. It must be active., type: str, required: true}
      region: {description: The region in whose service catalogue entry that Glance is., type: str, required: true}
      interface:
        description: Which endpoint of that region is meant.
        type: str
        choices: [admin, internal, public]
        default: public
  checksum:
    description:
      - A hash of the source, as V(sha256:0a1b...). V(md5), V(sha1), V(sha224), V(sha384) and V(sha512) are known as well.
      - A O(file) is verified before it is sent. The data of a O(url) are verified when Glance has them; where Glance keeps another
        kind of hash, by downloading them once. The result is kept in the property C(stackops_glance_source).
    type: str
  method:
    description:
      - How a O(file) is sent. V(auto) takes C(glance-direct) where this Glance has it enabled, else a plain upload.
      - A plain upload goes into one store and passes by Glance's import plugins.
    type: str
    choices: [auto, glance-direct, upload]
    default: auto
  stores:
    description: The stores that the data go into; left out, Glance's default store.
    type: list
    elements: str
  all_stores:
    description: Bring the data into all stores of this Glance that can be written.
    type: bool
    default: false
  all_stores_must_succeed:
    description:
      - Whether one store that fails makes the import fail. With V(false), stores that failed are named in a warning.
      - Means nothing for a plain upload.
    type: bool
    default: true
  disk_format:
    description: Left out, what the content of the O(file) is, or what the other Glance says. Needed for a O(url).
    type: str
  container_format:
    description:
      - Left out, V(bare), or what the other Glance says.
      - The content of others is an archive or compressed, and is not looked into.
    type: str
  min_disk:
    description: The least disk in GiB that the image can be booted on. Less than its virtual size is refused unless O(force) is set.
    type: int
  min_ram:
    description: The least memory in MiB.
    type: int
  visibility:
    description: Who sees the image, once it is verified. Left out, it stays as it is; a new one is as Glance makes them.
    type: str
    choices: [private, shared, community, public]
  protected:
    description: Whether the image cannot be deleted, once it is verified.
    type: bool
  hidden:
    description: Whether lists leave the image out.
    type: bool
  tags:
    description: The image's tags, no more and no fewer.
    type: list
    elements: str
  properties:
    description: Custom properties by name. Others that the image has stay.
    type: dict
  force:
    description: Send, or keep, what the look at its content speaks against. Glance may refuse it all the same.
    type: bool
    default: false
  accept_conversion:
    description:
      - Take what Glance's import plugins make of the data. They change size and hash, so that nothing can be verified.
      - With V(false), an image whose format they have changed is a failure.
    type: bool
    default: false
  take_over:
    description:
      - Delete and make again, at once, what another run of this module left half-way, although that may still be at work.
      - Not needed when that run was on this machine and is dead, nor after its O(timeout).
    type: bool
    default: false
  retries:
    description: How often the transfer starts again from zero after a lost connection. Each try is a new image.
    type: int
    default: 2
  timeout:
    description: Seconds that all of it may take.
    type: int
    default: 3600
requirements:
  - oslo.utils >= 7.4.0, to look at the content
extends_documentation_fragment:
  - stackops.glance.slices
  - stackops.glance.openstack
  - stackops.glance.image
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
    details:
      - The O(file) is looked at, and what this Glance cannot do is refused, as without check mode.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - The import goes on in slices of 20 seconds while Glance is at it, and what was reached is shown between them. While a O(file)
    is sent nothing is shown.
seealso:
  - module: stackops.glance.image_copy
  - module: stackops.glance.glance_import_methods
"""

EXAMPLES = r"""
- name: Import a file into the default store
  stackops.glance.image_import:
    cloud: mycloud
    image: debian-13
    file: /srv/images/debian-13-generic-amd64.qcow2
    min_disk: 3
    visibility: public
    properties:
      os_distro: debian
      hw_disk_bus: virtio
  delegate_to: localhost

- name: Let Glance fetch an image into two stores
  stackops.glance.image_import:
    cloud: mycloud
    image: noble
    url: https://images.example/noble-server-cloudimg-amd64.img
    disk_format: qcow2
    checksum: sha256:2b5f4d1e3f9c7a6b8d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e
    stores: [fast, slow]
  delegate_to: localhost

- name: Fetch an image from the Glance of another region
  stackops.glance.image_import:
    cloud: mycloud
    image: debian-13
    from_glance:
      region: RegionTwo
      image: 0d2ff5b9-2c5c-4f5b-8e9a-2f3a4c1d5e6f
  delegate_to: localhost

- name: Delete an image
  stackops.glance.image_import:
    cloud: mycloud
    image: debian-12
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
image:
  description: The image as the API shows it; in check mode as far as it is known.
  returned: success, with O(state=present)
  type: dict
image_id:
  description: The image's id; of a failed import, that of the last try.
  returned: always
  type: str
status:
  description: How far the import came. V(success) as well where there was nothing to do.
  returned: always, with O(state=present), once the image was looked for
  type: str
  sample: waiting, uploading, verifying, success, failure
history:
  description: The states that the import went through, each with C(status) and C(message); empty where there was nothing to do.
  returned: when RV(status) is
  type: list
  elements: dict
attempts:
  description: How many images were created for it.
  returned: when RV(status) is
  type: int
replaced:
  description: The id of the image of an earlier run that was deleted and made again.
  returned: when RV(status) is
  type: str
content:
  description:
    - What the O(file) is - C(format), C(virtual_size) in bytes, C(other) for what is no disk, C(faults) and C(notes).
  returned: when the content was looked at
  type: dict
duplicates:
  description: The ids of images of the same name.
  returned: when they are the error
  type: list
  elements: str
"""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _image_lookup, _image_make, _image_source, _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._slices import OPTION, Slice

INTERFACES = ["admin", "internal", "public"]


def source(cloud: _images.Cloud, images: _images.Images, options: dict[str, Any]) -> _image_source.Source:
    wanted = _image_source.checksum(options["checksum"])
    if options["file"]:
        return _image_source.File(options["file"], wanted)
    if options["url"]:
        return _image_source.Url(images, options["url"], wanted)
    return _image_source.OtherGlance(cloud, options["from_glance"], wanted)


def act(module: AnsibleModule, run: Slice) -> dict[str, Any]:
    options = module.params
    try:
        cloud = _images.connect(module)
        images = _image_lookup.api(cloud, options["endpoint"])
        if options["state"] == "absent":
            found = _image_lookup.find(images, cloud, options["image"], options["owner"])
            return _image_make.remove(images, found, run, module.check_mode)
        maker = _image_make.Maker(images, cloud, options, source(cloud, images, options), run, module.check_mode)
    except GlanceError as error:
        if not run.state or time.monotonic() >= run.deadline:
            raise
        # An image is on its way; a Keystone that is away for a moment is no reason to leave it half-way.
        run.say(f"{options['image']}: {error.message}")
        time.sleep(_image_make.PAUSE)
        return run.result(run.state, changed=False)
    return maker.go()


def main() -> None:
    module = AnsibleModule(
        argument_spec=_image_lookup.argument_spec(
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
            file={"type": "path"},
            url={"type": "str"},
            from_glance={
                "type": "dict",
                "options": {
                    "image": {"type": "str", "required": True},
                    "region": {"type": "str", "required": True},
                    "interface": {"type": "str", "choices": INTERFACES, "default": "public"},
                },
            },
            checksum={"type": "str"},
            method={"type": "str", "choices": ["auto", "glance-direct", "upload"], "default": "auto"},
            stores={"type": "list", "elements": "str"},
            all_stores={"type": "bool", "default": False},
            all_stores_must_succeed={"type": "bool", "default": True},
            disk_format={"type": "str"},
            container_format={"type": "str"},
            min_disk={"type": "int"},
            min_ram={"type": "int"},
            visibility={"type": "str", "choices": ["private", "shared", "community", "public"]},
            protected={"type": "bool"},
            hidden={"type": "bool"},
            tags={"type": "list", "elements": "str"},
            properties={"type": "dict"},
            force={"type": "bool", "default": False},
            accept_conversion={"type": "bool", "default": False},
            take_over={"type": "bool", "default": False},
            retries={"type": "int", "default": 2},
            timeout={"type": "int", "default": 3600},
            **OPTION,
        ),
        mutually_exclusive=[("file", "url", "from_glance")],
        required_if=[("state", "present", ("file", "url", "from_glance"), True)],
        supports_check_mode=True,
    )
    options: dict[str, Any] = module.params
    secret = urlsplit(options["url"] or "").password
    module.no_log_values.update({secret} if secret else ())
    run = Slice(options["_slice"], options["timeout"])
    leave: Callable[..., None] = module.exit_json
    try:
        result = act(module, run)
    except GlanceError as error:
        leave, result = module.fail_json, run.result(msg=error.message, **error.details)
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    leave(**result)


if __name__ == "__main__":
    main()
