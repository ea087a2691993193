#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_audit_info
short_description: Find the images that v1 of the Images API would misread
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - v2 knows four visibilities, v1 only C(is_public). After a way back from v2 to v1, images of the visibilities
    V(community) and V(shared) are read, and on the next update through v1 written, as something else.
  - Lists these images through v2, page by page, and holds no more than the examples that it returns.
  - Looks through the API, so it sees what the user sees. Only a user with the role C(admin) sees every project's
    images; RV(complete) says which it was.
options:
  since:
    description:
      - Look only at images created or changed since this time (ISO 8601, UTC where it names no zone), as C(2026-11-21)
        or C(2026-11-21T06:30:00Z).
      - Left out, all images are looked at.
    type: str
  examples:
    description: How many images of each kind to return in full.
    type: int
    default: 20
  endpoint:
    description: The address of the Images API; left out, the one in the catalogue.
    type: str
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.attributes.info
"""

EXAMPLES = r"""
- name: What would a way back to v1 misread among the images made since the flip?
  stackops.glance.image_audit_info:
    cloud: mycloud
    since: "2026-11-21T06:30:00Z"
  delegate_to: localhost
  register: audit
"""

RETURN = r"""
findings:
  description: One entry for each kind of image that was found, the gravest first; empty when v1 would misread nothing.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: "The kind: V(community-visibility), V(shared-visibility).", type: str}
    severity: {description: "V(warning) or V(note).", type: str}
    count: {description: How many images., type: int}
    owners: {description: How many projects own them., type: int}
    message: {description: What v1 makes of them., type: str}
    remedy: {description: What to do., type: str}
    examples:
      description:
        - The newest of them, with C(id), C(name), C(owner), C(created_at), C(updated_at), C(visibility).
        - Shared ones also have C(members), the number of their members.
      type: list
      elements: dict
count:
  description: How many images were found in all.
  returned: success
  type: int
complete:
  description: Whether the images of every project were seen.
  returned: success
  type: bool
since:
  description: The time that was looked back to, in UTC, or none.
  returned: success
  type: str
url:
  description: The address that was asked.
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def main() -> None:
    module = AnsibleModule(
        argument_spec=_images.argument_spec(
            since={"type": "str"},
            examples={"type": "int", "default": 20},
            endpoint={"type": "str"},
        ),
        supports_check_mode=True,
    )
    options: dict[str, Any] = module.params
    try:
        since = _images.moment(options["since"]) if options["since"] else None
        cloud = _images.connect(module)
        images = _images.Images(cloud.session, options["endpoint"] or cloud.image_url())
        findings = _images.misread_by_v1(images, since, max(0, options["examples"]))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    complete = "admin" in (role.lower() for role in cloud.roles)
    if not complete:
        module.warn(
            f"Without the role admin only images that project {cloud.project} may see were looked at; "
            "images of other projects may be misread as well."
        )
    module.exit_json(
        changed=False,
        findings=findings,
        count=sum(finding["count"] for finding in findings),
        complete=complete,
        since=since,
        url=images.root,
    )


if __name__ == "__main__":
    main()
