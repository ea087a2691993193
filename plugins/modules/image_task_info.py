#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_task_info
short_description: Show tasks of Glance's Task API, all of them, one, or those of an image
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Shows the tasks in which Glance keeps what became of imports, with message, result and when they expire. Each import and
    each copy is a task of the type C(api_image_import); C(import) is the type of those that the Task API itself was asked for.
  - Without O(task_id) and O(image), lists all tasks that the user may see, the newest first.
options:
  task_id:
    description: Show this task.
    type: str
  image:
    description:
      - Show the tasks of this image (C(GET /v2/images/{id}/tasks), Images API 2.12, Wallaby and newer), by its id or by its name
        within the project O(owner).
    type: str
    required: false
    aliases: [id, name]
  status:
    description: Only tasks with this status.
    type: str
    choices: [pending, processing, success, failure]
  type:
    description: Only tasks of this type, such as V(api_image_import) or V(import).
    type: str
  limit:
    description: How many tasks to return, the newest ones. In a list of all, one request is sent for each.
    type: int
    default: 50
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.image
  - stackops.glance.attributes.info
notes:
  - The policy rule C(tasks_api_access) keeps the Task API to administrators by default. Tasks of an image are shown to whoever may
    see the image and owns the task.
  - Glance forgets a task when its C(expires_at) has passed, C([task] task_time_to_live) hours after its end, 48 by default.
seealso:
  - module: stackops.glance.image_actions_info
"""

EXAMPLES = r"""
- name: What failed lately?
  stackops.glance.image_task_info:
    cloud: mycloud
    status: failure
  delegate_to: localhost

- name: What became of an image's imports?
  stackops.glance.image_task_info:
    cloud: mycloud
    image: debian-12
  delegate_to: localhost
"""

RETURN = r"""
tasks:
  description: The tasks, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: The task's id., type: str}
    type: {description: The type of the task., type: str}
    status: {description: "V(pending), V(processing), V(success) or V(failure).", type: str}
    owner: {description: The project whose user asked for it., type: str}
    created_at: {description: When it was asked for., type: str}
    updated_at: {description: When Glance wrote down progress or the end of it., type: str}
    expires_at: {description: When Glance forgets it; none before it has ended., type: str}
    message: {description: What Glance says about its progress or failure., type: str}
    input: {description: What was asked for., type: dict}
    result: {description: "What came of it, as C(image_id).", type: dict}
    image_id: {description: The image that it is about, type: str}
image_id:
  description: The image that was asked about, or none.
  returned: success
  type: str
"""

from itertools import islice
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _image_import, _image_lookup, _image_tasks, _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

FIELDS = ("id", "type", "status", "owner", "created_at", "updated_at", "expires_at", "message", "input", "result")


def shown(task: dict[str, Any]) -> dict[str, Any]:
    """The task in one form, whichever list it came from."""
    given, result = task.get("input") or {}, task.get("result") or {}
    image_id = task.get("image_id") or given.get("image_id") or result.get("image_id")
    return {**{field: task.get(field) for field in FIELDS}, "image_id": image_id}


def refused(images: _images.Images) -> GlanceError:
    return GlanceError(
        f"Glance at {images.root} does not let this user see tasks: the policy rule tasks_api_access keeps them to "
        "administrators by default. Take an administrator's credentials, or ask for the tasks of one image."
    )


def one(images: _images.Images, task_id: str) -> list[dict[str, Any]]:
    answer = images.call("GET", f"/v2/tasks/{task_id}", 200, 403, 404)
    if answer.status_code == 404:
        raise GlanceError(
            f"There is no task {task_id!r} at {images.root} that this user may see. Glance forgets tasks some time after "
            "their end."
        )
    if answer.status_code == 403:
        raise refused(images)
    return [answer.json()]


def many(images: _images.Images, options: dict[str, Any]) -> list[dict[str, Any]]:
    stubs = _image_tasks.listed_tasks(images, options["status"])
    if stubs is None:
        raise refused(images)
    wanted = (task for task in stubs if options["type"] in (None, task["type"]))
    return _image_tasks.whole(images, islice(wanted, options["limit"]))


def of_image(images: _images.Images, image_id: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    images.call("GET", f"/v2/images/{image_id}/tasks")
    tasks = reversed(_image_import.tasks_of(images, image_id))
    wanted = {name: options[name] for name in ("status", "type") if options[name]}
    return [task for task in tasks if all(task[name] == value for name, value in wanted.items())][: options["limit"]]


def find(module: AnsibleModule, cloud: _images.Cloud) -> dict[str, Any]:
    options = module.params
    images = _image_lookup.api(cloud, options["endpoint"])
    image_id = None
    if options["task_id"]:
        tasks = one(images, options["task_id"])
    elif options["image"]:
        image_id = _image_lookup.need(images, cloud, options["image"], options["owner"])["id"]
        tasks = of_image(images, image_id, options)
    else:
        tasks = many(images, options)
    return {"changed": False, "image_id": image_id, "tasks": [shown(task) for task in tasks]}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_image_lookup.argument_spec(
                task_id={"type": "str"},
                status={"type": "str", "choices": ["pending", "processing", "success", "failure"]},
                type={"type": "str"},
                limit={"type": "int", "default": 50},
            ),
            "image": {"type": "str", "aliases": ["id", "name"]},
        },
        mutually_exclusive=[("task_id", "image"), ("task_id", "status"), ("task_id", "type")],
        supports_check_mode=True,
    )
    if module.params["limit"] < 1:
        module.fail_json(msg=f"limit is {module.params['limit']} and must be at least 1.")
    try:
        module.exit_json(**find(module, _images.connect(module)))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
