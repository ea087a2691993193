#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_service
short_description: Have the image service in Keystone, with its user and its endpoints
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Makes what is missing of the service of type C(image), the user that Glance asks Keystone as, the project of that user, its
    roles there, and the endpoints of a region.
  - Whether the user's password is the one given is found out by logging in with it. Where Keystone refuses it, it is set.
  - An endpoint that is there with another address gets the one given, and keeps its id. What is not named stays.
options:
  name:
    description: Name of the service. Where Keystone has one image service alone, that is taken whatever its name.
    type: str
    default: glance
  description:
    description: Description of a service that is made.
    type: str
    default: OpenStack Image Service
  user:
    description: The user that Glance asks Keystone as. Left out, none is made.
    type: dict
    suboptions:
      name:
        description: Name of the user.
        type: str
        default: glance
      password:
        description: Password of the user.
        type: str
        required: true
      domain:
        description: The domain of user and project.
        type: str
        default: Default
      project:
        description: The project that it has its roles in.
        type: str
        default: service
      roles:
        description: The roles that it has there. They have to be in Keystone.
        type: list
        elements: str
        default: [admin]
  endpoints:
    description: Addresses by interface (C(public), C(internal), C(admin)), without a version.
    type: dict
    default: {}
  endpoint_region:
    description: The region of the endpoints. It is made where it is not there.
    type: str
    default: RegionOne
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: stackops.glance.image_endpoints
    description: Changes addresses by the ids of endpoints, and back.
"""

EXAMPLES = r"""
- name: Have the image service
  stackops.glance.image_service:
    cloud: mycloud
    user:
      password: "{{ glance_service_password }}"
    endpoints:
      public: https://images.example.org
      internal: http://images.internal:9292
  delegate_to: localhost
"""

RETURN = r"""
changes:
  description: What was made or changed, or would be.
  returned: success
  type: list
  elements: str
  sample: [service glance, "public endpoint https://images.example.org in RegionOne"]
service_id:
  description: The id of the service; null in check mode where it is not there.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _image_service, _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def main() -> None:
    module = AnsibleModule(
        argument_spec=_images.argument_spec(
            name={"type": "str", "default": "glance"},
            description={"type": "str", "default": "OpenStack Image Service"},
            user={
                "type": "dict",
                "options": {
                    "name": {"type": "str", "default": "glance"},
                    "password": {"type": "str", "required": True, "no_log": True},
                    "domain": {"type": "str", "default": "Default"},
                    "project": {"type": "str", "default": "service"},
                    "roles": {"type": "list", "elements": "str", "default": ["admin"]},
                },
            },
            endpoints={"type": "dict", "default": {}},
            endpoint_region={"type": "str", "default": "RegionOne"},
        ),
        supports_check_mode=True,
    )
    given = module.params
    try:
        cloud = _images.connect(module)
        keystone = _images.Keystone(cloud.session, cloud.identity_url)
        registration = _image_service.Registration(keystone, module.check_mode)
        service = registration.service(given["name"], given["description"])
        if given["user"]:
            registration.user(given["user"])
        registration.endpoints(service, given["endpoint_region"], given["endpoints"])
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    changes = registration.changes
    module.exit_json(
        changed=bool(changes),
        changes=changes,
        service_id=service["id"],
        diff={"before": "", "after": "".join(f"{each}\n" for each in changes)},
    )


if __name__ == "__main__":
    main()
