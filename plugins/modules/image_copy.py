#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_copy
short_description: Copy the data of images to the stores that lack it
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Brings one image, or all that match a filter, into a desired set of stores with Glance's import method C(copy-image). Only
    the stores that lack an image are asked for; one that holds it is never written to. Nothing is ever removed;
    M(stackops.glance.image_store) does that.
  - Several images are copied at once, and what one of them or one store runs into does not keep the others back. The task
    fails at the end, with every failure in RV(failures).
  - "A copy is over when the image's import lock (C(os_glance_import_task)) is gone, and has succeeded where the image's
    C(stores) then have the store; the image's status says nothing, since it stays active throughout. What
    C(os_glance_failed_import) has of earlier imports is not looked at."
  - An image that another import holds the lock of is waited for, and copied afterwards where it still has to be. A lock
    without progress for O(stalled_after) is reported, with its owner, its age and when it may be taken over. Glance lets
    the next import take a lock after 60 minutes without progress, 120 while its task has not begun, and at once when its
    task is gone; then this module's request takes it.
  - The list of images is read as the copies are made, the oldest image first, and holds no more than a page of it in memory.
options:
  image:
    description:
      - The image, by its id or by its name within the project O(owner).
      - Several images of that name are an error which lists them.
    type: str
    required: false
    aliases: [id, name]
  filters:
    description:
      - All images that match, by what C(GET /v2/images) filters by, such as C(name), C(owner), C(status), C(visibility), C(tag),
        C(disk_format), C(protected), C(size_min), C(updated_at) or any property of the images; V({}) is every image.
      - V(active) is the C(status) where none is given. An C(owner) may be a project's name. A list of tags asks for images that
        have all of them.
      - Images of the community that other projects own are left out unless C(visibility) is V(community) or V(all), hidden ones
        unless O(hidden) is set.
    type: dict
  hidden:
    description: Whether O(filters) take hidden images as well.
    type: bool
    default: false
  stores:
    description: The stores that shall hold the images. Stores that hold them besides are left alone.
    type: list
    elements: str
  all_stores:
    description: All stores that C(GET /v2/info/stores) lists, without those that are read-only, such as http.
    type: bool
    default: false
  parallel:
    description:
      - How many images may be under way at once.
      - Glance works on a copy in a thread of the host that answered. The staging directory needs space for all of them. Fewer
        leave Glance idle where images are small.
    type: int
    default: 8
  stalled_after:
    description:
      - Seconds without progress after which an import, this task's own or another's, is reported and no more waited for.
      - Glance writes down the progress of a task once a minute, and none while the data of a large image is staged.
    type: int
    default: 600
  timeout:
    description:
      - Seconds that all of it may take. Copies that are then under way go on by themselves, and are named.
    type: int
    default: 86400
  examples:
    description: How many copies to return in RV(copies). Failures are returned in any case.
    type: int
    default: 20
extends_documentation_fragment:
  - stackops.glance.slices
  - stackops.glance.openstack
  - stackops.glance.image
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
    details:
      - Says of each image which stores it would be copied to. Whether the stores have space is not known beforehand.
  diff_mode:
    support: full
    details:
      - Shows the stores of as many images as O(examples) says.
  idempotent:
    support: full
    details:
      - By what the images' C(stores) have.
notes:
  - The policy rule C(copy_image) lets administrators alone copy by default.
  - The collection's action calls the module in slices and shows how far it is between them.
seealso:
  - module: stackops.glance.image_store
  - module: stackops.glance.image_actions_info
"""

EXAMPLES = r"""
- name: Bring one image into a second store
  stackops.glance.image_copy:
    cloud: mycloud
    image: debian-12
    stores: [ceph-east]
  delegate_to: localhost

- name: Bring every public image into every store
  stackops.glance.image_copy:
    cloud: mycloud
    filters: {visibility: public}
    all_stores: true
  delegate_to: localhost

- name: Bring everything into the new store before the old one is emptied, community and hidden images included
  stackops.glance.image_copy:
    cloud: mycloud
    filters: {visibility: all}
    hidden: true
    stores: [new]
    parallel: 2
  delegate_to: localhost
"""

RETURN = r"""
stores:
  description: The stores that the images shall be in.
  returned: when they are known
  type: list
  elements: str
counts:
  description:
    - "How many images were C(looked_at), were C(held) by every store already, were C(copied) or would be, are C(gone) since they
      were listed, were C(not_active) and so could not be copied, and C(failed); C(bytes) is how much was copied."
    - An image that reached one store and not another is among those copied and those failed.
  returned: when the stores are known
  type: dict
copies:
  description: Some of the copies, as many as O(examples) says.
  returned: when the stores are known
  type: list
  elements: dict
  contains:
    image: {description: The image's id., type: str}
    name: {description: The image's name., type: str}
    from: {description: The stores that held it., type: list, elements: str}
    to: {description: The stores that it was copied to or would be., type: list, elements: str}
failures:
  description: What failed, one entry for each image and store.
  returned: when the stores are known
  type: list
  elements: dict
  contains:
    image: {description: The image's id., type: str}
    name: {description: The image's name., type: str}
    store: {description: The store that does not hold it., type: str}
    reason: {description: Why and what to do., type: str}
    lock:
      description:
        - "Where an import lock is the reason: its C(task), the task's C(status) and C(owner), its C(age) in seconds without
          progress, and in how many seconds it may be taken over, as C(free_in)."
      type: dict
under_way:
  description: Images whose copies had not ended when the task did, with C(id), C(name), C(missing) and more.
  returned: when the stores are known
  type: list
  elements: dict
"""

import time
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _image_lookup, _images, _slices
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_copy import Copies, ordered, ready

#: What the order of the list needs for itself.
TAKEN = ("limit", "marker", "sort", "sort_key", "sort_dir")
HEADER = "stores of images"


def checked(options: dict[str, Any]) -> None:
    """Values that nothing can begin with."""
    for name in ("parallel", "stalled_after", "timeout"):
        if options[name] < 1:
            raise GlanceError(f"{name} is {options[name]} and must be at least 1.")
    if bool(options["stores"]) == options["all_stores"]:
        raise GlanceError("Give either stores, with one at least, or all_stores: true.")
    taken = [name for name in TAKEN if name in (options["filters"] or ())]
    if taken:
        raise GlanceError(
            f"filters has {', '.join(taken)}, and the order of the list is not yours to choose. Leave it out."
        )
    if options["hidden"] and "os_hidden" in (options["filters"] or ()):
        raise GlanceError("hidden asks for hidden images as well, and filters has os_hidden. Leave out one of them.")


def lists(cloud: _images.Cloud, options: dict[str, Any]) -> list[dict[str, Any]]:
    """The lists to ask for; Glance has hidden images in a list of their own."""
    filters = {"status": "active", **options["filters"]}
    if "owner" in filters:
        filters["owner"] = _image_lookup.project_id(cloud, filters["owner"])
    return [{**filters, "os_hidden": hidden} for hidden in (False, True)] if options["hidden"] else [filters]


def one(cloud: _images.Cloud, images: _images.Images, options: dict[str, Any], after: Any) -> Any:
    """The one image, and nothing behind it. Raises GlanceError where there is none, or none that can be copied."""
    if after is None:
        image = _image_lookup.need(images, cloud, options["image"], options["owner"])
        if image["status"] != "active":
            raise GlanceError(
                f"Image {image['id']} ({image['name']}) is {image['status']}, and only an active image can be copied. "
                "Finish its import or upload first."
            )
        yield [0, image["created_at"], image["id"]], image


def result(copies: Copies) -> dict[str, Any]:
    more = copies.counts["copied"] - len(copies.copies)
    rest = [f"... and {more} images more"] if more else []
    before, after = (
        "".join(
            f"{line}\n"
            for line in [*(f"{each['image']} {each['name']}: {held(each)}" for each in copies.copies), *rest]
        )
        for held in (lambda each: ", ".join(each["from"]), lambda each: ", ".join(each["from"] + each["to"]))
    )
    return {
        "changed": copies.counts["copied"] > 0,
        "stores": copies.wanted,
        "counts": copies.counts,
        "copies": copies.copies,
        "failures": copies.failures,
        "under_way": copies.state()["under_way"],
        "diff": {"before_header": HEADER, "after_header": HEADER, "before": before, "after": after},
    }


def failure(copies: Copies) -> str | None:
    """What failed, in one paragraph, or None."""
    if not copies.failures:
        return None
    shown = " ".join(
        f"{each['name']} ({each['image']}) to {each['store']}: {each['reason']}" for each in copies.failures[:5]
    )
    more = f" And {len(copies.failures) - 5} more, which failures lists." if len(copies.failures) > 5 else ""
    return (
        f"{copies.counts['failed']} of {copies.counts['looked_at']} images could not be brought into every store; "
        f"{copies.counts['copied']} were copied. {shown}{more}"
    )


def copy(module: AnsibleModule, part: _slices.Slice) -> dict[str, Any]:
    """One slice of the work. Raises GlanceError with what was found until then."""
    options = module.params
    checked(options)
    cloud = _images.connect(module)
    images = _image_lookup.api(cloud, options["endpoint"])
    copies = Copies(
        images,
        part.state.get("stores") or ready(images, None if options["all_stores"] else options["stores"]),
        part.state,
        options["parallel"],
        options["stalled_after"],
        max(0, options["examples"]),
        module.check_mode,
    )
    try:
        source = partial(one, cloud, images, options)
        if options["filters"] is not None:
            source = partial(ordered, images, lists(cloud, options))
        done = copies.work(source, part)
        part.say(str(copies))
        if not done and time.monotonic() < part.deadline:
            return part.result(copies.state(), **result(copies))
        if not done:
            raise GlanceError(f"The time of {options['timeout']} s is up.")
        failed = failure(copies)
        if failed:
            raise GlanceError(failed)
    except GlanceError as error:
        raise GlanceError(
            f"{error.message} {copies.unfinished()}".strip(), **part.result(**error.details, **result(copies))
        ) from error
    return part.result(**result(copies))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_image_lookup.argument_spec(
                filters={"type": "dict"},
                hidden={"type": "bool", "default": False},
                stores={"type": "list", "elements": "str"},
                all_stores={"type": "bool", "default": False},
                parallel={"type": "int", "default": 8},
                stalled_after={"type": "int", "default": 600},
                timeout={"type": "int", "default": 86400},
                examples={"type": "int", "default": 20},
                **_slices.OPTION,
            ),
            "image": {"type": "str", "aliases": ["id", "name"]},
        },
        mutually_exclusive=[("image", "filters")],
        required_one_of=[("image", "filters")],
        supports_check_mode=True,
    )
    part = _slices.Slice(module.params["_slice"], module.params["timeout"])
    try:
        module.exit_json(**copy(module, part))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
