#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_member
short_description: Share an image with projects, and accept or reject an image that is shared
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - As the owner of an image, adds and removes the projects with which it is shared.
  - As one of these projects, accepts or rejects it with O(status). An accepted image is in the project's own list of images; in
    every other case its users may use it as well, by its id.
  - Only an image whose visibility is C(shared) has members. This module does not change the visibility.
options:
  members:
    description:
      - The projects, by id or by name; a name needs the right to list projects in Keystone.
      - Left out, the project of the credentials, which is what a member that accepts wants.
    type: list
    elements: str
    aliases: [member]
  state:
    description: Whether the projects are members.
    type: str
    choices: [present, absent]
    default: present
  status:
    description:
      - What the members say to the image. Only the member's own project sets it, and an administrator.
      - Left out, it is left as it is; V(pending) for a new member.
    type: str
    choices: [accepted, rejected, pending]
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.image
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: stackops.glance.image_hash_info
"""

EXAMPLES = r"""
- name: Share an image with two projects
  stackops.glance.image_member:
    cloud: owner
    image: golden-debian-12
    members: [partner, 8f2c1e0d9b7a4f6e8d5c3b2a19080706]
  delegate_to: localhost
  register: shared

- name: Accept it as one of them
  stackops.glance.image_member:
    cloud: partner
    image: "{{ shared.image_id }}"
    status: accepted
  delegate_to: localhost

- name: Share it no longer
  stackops.glance.image_member:
    cloud: owner
    image: golden-debian-12
    member: partner
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
image_id:
  description: The image's id.
  returned: success
  type: str
visibility:
  description: The image's visibility.
  returned: success
  type: str
members:
  description: All members that this user may see; the owner sees all, a member itself.
  returned: success
  type: list
  elements: dict
  contains:
    member_id: {description: The id of the project., type: str}
    status: {description: "V(pending), V(accepted) or V(rejected).", type: str}
"""

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _image_lookup, _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_member import Members, Sharing


def wanted(there: Members, projects: list[str], options: dict[str, Any]) -> dict[str, str]:
    """What every member's status is to be, of those that are there and those that are asked for."""
    statuses = {member: str(each["status"]) for member, each in there.items()}
    if options["state"] == "absent":
        return {member: status for member, status in statuses.items() if member not in projects}
    return {**statuses, **{project: options["status"] or statuses.get(project, "pending") for project in projects}}


def carry_out(sharing: Sharing, before: dict[str, str], after: dict[str, str]) -> None:
    """Make the one the other; a failure says whether anything was changed before it."""
    steps: list[tuple[Callable[..., None], tuple[str, ...]]] = [
        (sharing.remove, (member,)) for member in before if member not in after
    ]
    for member, status in after.items():
        if member not in before:
            steps.append((sharing.add, (member,)))
        if status != before.get(member, "pending"):
            steps.append((sharing.answer, (member, status)))
    for number, (step, arguments) in enumerate(steps):
        try:
            step(*arguments)
        except GlanceError as error:
            raise GlanceError(error.message, **error.details, changed=number > 0) from None


def lines(statuses: dict[str, str]) -> str:
    return "".join(f"{member}: {status}\n" for member, status in sorted(statuses.items()))


def run(module: AnsibleModule) -> dict[str, Any]:
    options: dict[str, Any] = module.params
    cloud = _images.connect(module)
    images = _image_lookup.api(cloud, options["endpoint"])
    image = _image_lookup.need(images, cloud, options["image"], options["owner"])
    projects = [str(_image_lookup.project_id(cloud, member)) for member in options["members"] or [cloud.project_id]]
    if image["owner"] in projects and options["state"] == "present":
        raise GlanceError(
            f"Project {image['owner']} owns image {image['id']}, and no owner is a member. Take it out of members."
        )
    sharing = Sharing(images, image)
    there = sharing.members()
    if there is None:
        if options["state"] == "present":
            raise sharing.not_shared()
        module.warn(
            f"Image {image['id']} is {image['visibility']}. It has no members as long as it is, and Glance does not show those "
            "that it would have again when shared."
        )
        there = {}
    before = {member: str(each["status"]) for member, each in there.items()}
    after = wanted(there, projects, options)
    if before != after and not module.check_mode:
        carry_out(sharing, before, after)
        after = {member: str(each["status"]) for member, each in (sharing.members() or {}).items()}
    header = f"members of image {image['id']}"
    return {
        "changed": before != after,
        "image_id": image["id"],
        "visibility": image["visibility"],
        "members": [{"member_id": member, "status": status} for member, status in sorted(after.items())],
        "diff": {"before_header": header, "after_header": header, "before": lines(before), "after": lines(after)},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=_image_lookup.argument_spec(
            members={"type": "list", "elements": "str", "aliases": ["member"]},
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
            status={"type": "str", "choices": ["accepted", "rejected", "pending"]},
        ),
        supports_check_mode=True,
    )
    if module.params["state"] == "absent" and module.params["status"]:
        module.fail_json(msg="status is given with state absent; who is no member has none. Leave one of them out.")
    try:
        module.exit_json(**run(module))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
