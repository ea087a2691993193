#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_actions_info
short_description: Show all uploads, imports, copies and tasks that go on with images
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Lists what goes on with the images of a cloud, or waits to, with its state, age and owner, the stores that are imported to,
    and the import lock with when it may be taken over.
  - Puts together the images that are not active yet, those active ones that import to further stores, and the tasks that are
    not finished. All Glance hosts of a cloud have these in one database, so that any of them tells of all.
  - Sends six requests and one for each unfinished task, however many images there are.
options:
  stuck_after:
    description:
      - Hours without a change after which an upload, or an import without a lock, counts as stalled. Nothing tells an upload
        that goes on from one whose Glance was killed.
      - Active images are looked at for locks when they have changed within as many hours.
    type: float
    default: 24
  limit:
    description: How many actions to return, those that run first. RV(counts) has all.
    type: int
    default: 500
  endpoint:
    description: Root address of the Images API, as that of a single Glance host. Left out, the catalogue's address.
    type: str
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.attributes.info
notes:
  - Needs the Images API v2 of Ussuri or newer for copies; older ones have none.
  - Whoever may not list tasks (policy rule C(tasks_api_access), administrators by default), or is no administrator, sees their own
    images' imports alone; RV(complete) says so.
seealso:
  - module: stackops.glance.image_task_info
  - module: stackops.glance.image_copy
"""

EXAMPLES = r"""
- name: Show what goes on
  stackops.glance.image_actions_info:
    cloud: mycloud
  delegate_to: localhost
  register: going_on

- name: As a table
  ansible.builtin.debug:
    var: going_on.table

- name: Wait until no import or copy runs
  stackops.glance.image_actions_info:
    cloud: mycloud
  delegate_to: localhost
  register: going_on
  until: going_on.idle
  retries: 60
  delay: 10
"""

RETURN = r"""
idle:
  description: Whether nothing runs or is about to; actions that are V(stalled) or V(waiting) do not count.
  returned: success
  type: bool
counts:
  description: How many actions there are in each state.
  returned: success
  type: dict
  sample: {"copying": 2, "importing": 0, "pending": 0, "running": 0, "stalled": 1, "uploading": 0, "waiting": 3}
complete:
  description: Whether all that goes on was seen.
  returned: success
  type: bool
actions:
  description: What goes on, the running ones first and the oldest first among them.
  returned: success
  type: list
  elements: dict
  contains:
    state:
      description:
        - V(uploading) is an image whose data is sent, or staged and not imported yet; V(importing) and V(copying) have a task at
          work; V(running) is a task of another kind, and V(pending) one that has not begun.
        - V(stalled) is what shows no progress for so long that the next import may take the lock, or O(stuck_after) where there is
          no lock.
        - V(waiting) is an image that has no data yet and nobody sends any.
      type: str
    method: {description: The import method or the type of the task., type: str}
    image: {description: The image's id., type: str}
    name: {description: The image's name., type: str}
    owner: {description: The project that owns the image., type: str}
    age: {description: Seconds since it began., type: int}
    without_progress: {description: Seconds since Glance wrote down progress of it., type: int}
    stores: {description: The stores that are still imported to., type: list, elements: str}
    host: {description: 'The Glance on which the data is staged, where the image says so.', type: str}
    task: {description: The task., type: str}
    lock:
      description:
        - The import lock, with its C(task), the task's C(status) and C(owner), its C(age) in seconds without progress, and C(free_in),
          the seconds until the next import may take it.
      type: dict
    takeover: {description: "When the import lock may be taken, in words.", type: str}
table:
  description: The actions as lines to print.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _image_lookup, _image_tasks, _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def main() -> None:
    module = AnsibleModule(
        argument_spec=_images.argument_spec(
            stuck_after={"type": "float", "default": 24.0},
            limit={"type": "int", "default": 500},
            endpoint={"type": "str"},
        ),
        supports_check_mode=True,
    )
    options = module.params
    try:
        if not 0 < options["stuck_after"] < 1e6:
            raise GlanceError(f"stuck_after is {options['stuck_after']} hours; give a number above 0.")
        cloud = _images.connect(module)
        actions = _image_tasks.Actions(_image_lookup.api(cloud, options["endpoint"]), options["stuck_after"])
        found = _image_tasks.summary(actions.find(), max(0, options["limit"]))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(changed=False, complete=actions.complete, **found)


if __name__ == "__main__":
    main()
