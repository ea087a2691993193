#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_properties
short_description: Rename, merge or remove custom properties of images, and bring them back
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Remedies what M(stackops.glance.image_audit_info) finds in custom properties, exactly as asked and nothing more.
  - Plans all changes before it makes the first. When one of them cannot be made it names them all and changes nothing.
  - Each image is changed as a whole or not at all, by one patch through v2 or one transaction in the database. What was
    there is on the disk, in O(record), before that, and O(state=restored) brings it back.
  - Refuses by name a property whose value is no longer the one that was found, and properties that Glance itself notes
    while it imports.
options:
  changes:
    description: What is to become of which property. Give this or O(from_file).
    type: list
    elements: dict
    suboptions:
      image:
        description: The image's id.
        type: str
        required: true
      property:
        description: The name of the property, to the letter.
        type: str
        required: true
      state:
        description:
          - V(renamed) moves the value to another name, which must be free.
          - V(merged) does the same where the other name may be there, and then leaves that name alone.
          - V(removed) takes the property away.
        type: str
        choices: [renamed, merged, removed]
        required: true
      to:
        description: The other name, for V(renamed) and V(merged).
        type: str
      keep:
        description: For V(merged), whose value stays where the two differ. Left out, different values are refused.
        type: str
        choices: [property, to]
      value:
        description: The value that the property must have now. Left out, any.
        type: str
  from_file:
    description:
      - Path of the JSON Lines file of an audit, on the machine where the module runs. Its lines with one of O(findings) are
        the changes, each with the value that the audit saw.
    type: path
  findings:
    description: Which kinds of findings of O(from_file) to remedy.
    type: list
    elements: str
    choices:
      - property-name-rewritten
      - property-case-collision
      - property-shadowed
      - property-reserved
      - property-null
      - boot-property-none
  remedy:
    description: What is to become of the properties in O(from_file). The other name is the one that the audit proposes, C(to).
    type: str
    choices: [renamed, merged, removed]
  keep:
    description: For O(remedy=merged), whose value stays where the two differ.
    type: str
    choices: [property, to]
  state:
    description: Whether to make the changes, or to undo all that O(record) holds, the newest first.
    type: str
    choices: [applied, restored]
    default: applied
  record:
    description:
      - Path of a JSON Lines file, on the machine where the module runs, to which is added what was there before each
        change. Only its owner may read it; it holds the values.
      - For O(state=restored), the file to read.
    type: path
    required: true
  database:
    description:
      - The database's URL, as for O(stackops.glance.image_audit_info#module:database), with the rights C(SELECT), C(INSERT), C(UPDATE) and
        C(DELETE) on C(image_properties), and C(SELECT) and C(UPDATE) on C(images) for its locks. Nothing but
        C(image_properties) is written.
      - Needed for what v2 cannot do - names that it hides or reserves, C(os_glance_*), values that are NULL, and names that
        differ by case alone.
    type: str
  way:
    description:
      - V(auto) goes through v2 wherever that can do it, and through O(database) for the rest.
      - V(api) and V(database) use that one way.
    type: str
    choices: [auto, api, database]
    default: auto
  examples:
    description: How many changed images to return, and to show in the difference.
    type: int
    default: 20
  endpoint:
    description: The address of the Images API; left out, the one in the catalogue.
    type: str
requirements:
  - PyMySQL, for a MariaDB or MySQL database
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows no more images than O(examples).
  idempotent:
    support: full
seealso:
  - module: stackops.glance.image_audit_info
    description: Finds the properties, and writes the file for O(from_file).
"""

EXAMPLES = r"""
- name: Rename one property
  stackops.glance.image_properties:
    cloud: mycloud
    changes:
      - image: 0d2ff5b9-2c5c-4f5b-8e9a-2f3a4c1d5e6f
        property: disk-bus
        state: renamed
        to: disk_bus
    record: /root/properties.jsonl
  delegate_to: localhost

- name: Give every property that the audit found the name that v1 clients know
  stackops.glance.image_properties:
    cloud: mycloud
    database: mysql+pymysql://glance:{{ glance_database_password | urlencode }}@db.example/glance
    from_file: /root/images.jsonl
    findings: [property-name-rewritten]
    remedy: renamed
    record: /root/properties.jsonl

- name: Bring everything back
  stackops.glance.image_properties:
    cloud: mycloud
    database: mysql+pymysql://glance:{{ glance_database_password | urlencode }}@db.example/glance
    state: restored
    record: /root/properties.jsonl
"""

RETURN = r"""
images:
  description: How many times an image was changed, or would be; one that needs both ways counts twice.
  returned: always
  type: int
ways:
  description: How many of RV(images) were changed by each way, C(api) and C(database).
  returned: success
  type: dict
changes:
  description: The first of the changes, each with C(image), C(way), and the properties C(before) and C(after), values left out.
  returned: success
  type: list
  elements: dict
record:
  description: The file with what was there before; none where nothing was changed.
  returned: success
  type: str
troubles:
  description: The first of the changes that cannot be made, and why.
  returned: when changes cannot be made
  type: list
  elements: str
"""

import contextlib
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _audit, _audit_database, _audit_remedy, _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

HEADER = "custom properties of images"


def requested(options: dict[str, Any]) -> list[_audit_remedy.Change]:
    """The changes that the arguments ask for."""
    if options["from_file"]:
        return _audit_remedy.from_file(options["from_file"], options["findings"], options["remedy"], options["keep"])
    changes = []
    for each in options["changes"]:
        value = _audit_remedy.ANY if each["value"] is None else each["value"]
        changes.append(
            _audit_remedy.Change(each["image"], each["property"], each["state"], each["to"], each["keep"], value)
        )
    return changes


def stores(module: AnsibleModule, stack: contextlib.ExitStack) -> dict[str, _audit_remedy.Store]:
    options = module.params
    found: dict[str, _audit_remedy.Store] = {}
    if options["way"] != "database":
        cloud = _images.connect(module)
        images = _images.Images(cloud.session, options["endpoint"] or cloud.image_url())
        found["api"] = _audit_remedy.ApiStore(images)
    if options["way"] != "api" and options["database"]:
        database = _audit_database.connect(options["database"], write=not module.check_mode)
        found["database"] = _audit_remedy.SqlStore(stack.enter_context(database))
    return found


def main() -> None:
    states = {"type": "str", "choices": list(_audit_remedy.STATES)}
    keep = {"type": "str", "choices": ["property", "to"]}
    module = AnsibleModule(
        argument_spec=_images.argument_spec(
            changes={
                "type": "list",
                "elements": "dict",
                "options": {
                    "image": {"type": "str", "required": True},
                    "property": {"type": "str", "required": True},
                    "state": {**states, "required": True},
                    "to": {"type": "str"},
                    "keep": keep,
                    "value": {"type": "str", "no_log": False},
                },
            },
            from_file={"type": "path"},
            findings={"type": "list", "elements": "str", "choices": list(_audit.PROPERTY_KINDS)},
            remedy=states,
            keep=keep,
            state={"type": "str", "choices": ["applied", "restored"], "default": "applied"},
            record={"type": "path", "required": True},
            database={"type": "str", "no_log": True},
            way={"type": "str", "choices": ["auto", "api", "database"], "default": "auto"},
            examples={"type": "int", "default": 20},
            endpoint={"type": "str"},
        ),
        mutually_exclusive=[("changes", "from_file")],
        required_together=[("from_file", "findings", "remedy")],
        required_if=[("state", "applied", ("changes", "from_file"), True), ("way", "database", ("database",))],
        supports_check_mode=True,
    )
    options: dict[str, Any] = module.params
    back = options["state"] == "restored"
    remedy = _audit_remedy.Remedy({}, _audit_remedy.Record(options["record"]))
    try:
        if back and (options["changes"] or options["from_file"]):
            raise GlanceError("state restored undoes what record holds, and takes no changes. Leave them out.")
        with contextlib.ExitStack() as stack:
            changes = [] if back else requested(options)
            remedy.stores = stores(module, stack)
            steps = remedy.plan_back() if back else remedy.plan(changes)
            if steps and not back:
                remedy.record.check()
            if not module.check_mode:
                remedy.carry_back(steps) if back else remedy.carry_out(steps)
    except GlanceError as error:
        module.fail_json(
            msg=f"{error.message} {told(remedy)}".strip(), changed=remedy.made > 0, images=remedy.made, **error.details
        )
    module.exit_json(**result(remedy, [step for step, _group in steps], max(0, options["examples"]), back))


def told(remedy: _audit_remedy.Remedy) -> str:
    """What an operator has to know after a failure half-way."""
    if not remedy.made:
        return ""
    return f"{remedy.made} images were changed before that; {remedy.record.path} has the way back."


def result(remedy: _audit_remedy.Remedy, steps: list[_audit_remedy.Step], examples: int, back: bool) -> dict[str, Any]:
    shown = steps[:examples]
    more = [f"... and {len(steps) - examples} images more"] if len(steps) > examples else []
    before, after = (
        "".join(f"{line}\n" for line in [*(line for step in shown for line in step.lines(getattr(step, side))), *more])
        for side in ("before", "after")
    )
    return {
        "changed": bool(steps),
        "images": len(steps),
        "ways": {way: sum(step.store.way == way for step in steps) for way in remedy.stores},
        "changes": [
            {
                "image": step.image,
                "way": step.store.way,
                "before": step.names(step.before),
                "after": step.names(step.after),
            }
            for step in shown
        ],
        "record": remedy.record.path if steps or back else None,
        "diff": {"before_header": HEADER, "after_header": HEADER, "before": before, "after": after},
    }


if __name__ == "__main__":
    main()
