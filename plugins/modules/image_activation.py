#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_activation
short_description: Deactivate an image, and bring it back
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Deactivates an image, or makes it active again.
  - The data of a deactivated image can be downloaded by administrators alone, so that nobody boots from it while it is looked at.
  - Fails when Glance refuses, which the SDK's own calls hide.
options:
  state:
    description: The status that the image is to have. Only an active or deactivated image has a choice.
    type: str
    choices: [active, deactivated]
    required: true
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
- name: Let nobody boot from an image whose data is damaged
  stackops.glance.image_activation:
    cloud: mycloud
    image: "{{ item.image }}"
    state: deactivated
  loop: "{{ verified.findings | selectattr('id', 'eq', 'hash-differs') }}"
  loop_control:
    label: "{{ item.message }}"
  delegate_to: localhost
"""

RETURN = r"""
image_id:
  description: The image's id.
  returned: success
  type: str
status:
  description: The image's status.
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _image_lookup, _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_hash import STORED, described

ACTIONS = {"active": "reactivate", "deactivated": "deactivate"}


def run(module: AnsibleModule) -> dict[str, Any]:
    options: dict[str, Any] = module.params
    cloud = _images.connect(module)
    images = _image_lookup.api(cloud, options["endpoint"])
    image = _image_lookup.need(images, cloud, options["image"], options["owner"])
    status, wanted = image["status"], options["state"]
    if status not in STORED:
        raise GlanceError(f"{described(image)} is {status}, and only an active or deactivated image becomes {wanted}.")
    if status != wanted and not module.check_mode:
        action = ACTIONS[wanted]
        answer = images.ask("POST", f"/v2/images/{image['id']}/actions/{action}")
        if answer.status_code != 204:
            raise GlanceError(
                f"{described(image)} does not become {wanted} (status {answer.status_code}): "
                f"{_images.one_line(answer.text) or 'no text'}. The policy rule {action} says who may do this.",
                status=answer.status_code,
            )
    header = f"image {image['id']}"
    return {
        "changed": status != wanted,
        "image_id": image["id"],
        "status": wanted,
        "diff": {"before_header": header, "after_header": header, "before": f"{status}\n", "after": f"{wanted}\n"},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=_image_lookup.argument_spec(
            state={"type": "str", "choices": ["active", "deactivated"], "required": True}
        ),
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
