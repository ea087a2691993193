#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_role_assignments_info
short_description: List the users and groups whose roles will let them do nothing with images
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Lists users and groups whose roles will let them do nothing with images.
  - From 26 on, Glance's defaults ask for one of the roles C(admin), C(member) and C(reader). Whoever holds none of them in a
    project, but C(_member_) alone for instance, loses everything there.
  - From 26 on as well, tokens for a domain or for the system are refused. Whoever holds roles for these alone, whatever roles,
    loses everything.
  - This lists both from Keystone's role assignments. Members of groups, inherited assignments and implied roles count for
    users as Keystone itself counts them. Groups are listed as well, since their members may come from an identity provider;
    what they inherit from a domain or a project, and what their roles imply, counts too.
  - It takes four requests, however many users there are, and one more where a group inherits roles from a project. Answers
    are read as they come.
options:
  without:
    description: The roles one of which is enough in a project.
    type: list
    elements: str
    default: [admin, member, reader]
  file:
    description: A file on the machine that runs the module to write all of them to, one of JSON a line, for its owner alone.
    type: path
  examples:
    description: As many are named for each set of roles.
    type: int
    default: 10
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.attributes.info
seealso:
  - module: stackops.glance.glance_policy_info
notes:
  - Listing all role assignments takes an administrator, or a reader of the system.
"""

EXAMPLES = r"""
- name: List who would lose everything
  stackops.glance.image_role_assignments_info:
    cloud: mycloud
    file: ./without-member.jsonl
  delegate_to: localhost
  register: people

- name: Nobody must
  ansible.builtin.assert:
    that: people.role_sets | length == 0
"""

RETURN = r"""
assignments:
  description: The assignments that were read.
  returned: success
  type: int
users:
  description: The users who hold none of the roles in a project where they hold others, or roles for no project at all.
  returned: success
  type: int
groups:
  description: The groups that give their members none of the roles, likewise.
  returned: success
  type: int
role_sets:
  description: What they hold instead, those in projects first, most users first.
  returned: success
  type: list
  elements: dict
  contains:
    scope:
      description: Whether they are held in projects, or for a V(domain) or the V(system) by those who hold none in a project.
      type: str
    roles: {description: "The roles, in lower case as Glance compares them.", type: list, elements: str}
    users: {description: How many users hold exactly these., type: int}
    groups: {description: How many groups give exactly these., type: int}
    projects: {description: "In how many projects, apart from those to which a group's roles are inherited.", type: int}
    domains: {description: In how many domains., type: int}
    examples:
      description:
        - Some of them, with C(user) or C(group), its C(domain), C(scope), and C(project) and C(project_domain), C(scope_domain), or
          what a group has them C(inherited_from); their ids, and C(roles).
      type: list
      elements: dict
file:
  description: The file with all of them, or none.
  returned: success
  type: str
"""

import contextlib
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _audit, _images, _role_assignments
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def look(cloud: _images.Cloud, without: list[str], file: str | None, examples: int) -> dict[str, Any]:
    keystone = _images.Keystone(cloud.session, cloud.identity_url)
    holders = _role_assignments.Holders()
    holders.read(_role_assignments.assignments(keystone, "&effective"), "user")
    # What is held for the system is never in that list.
    holders.read(_role_assignments.assignments(keystone, "&scope.system=all"), "user")
    holders.read(_role_assignments.assignments(keystone, ""), "group")
    projects = _role_assignments.projects(keystone) if holders.from_projects else ()
    holders.close(_role_assignments.implied(keystone), projects)
    sets: dict[tuple[str, ...], _role_assignments.RoleSet] = {}
    with contextlib.ExitStack() as stack:
        rows = stack.enter_context(_audit.Rows(file)) if file else None
        for who, place, roles in holders.without(without):
            row = holders.row(who, place, roles)
            found = sets.setdefault((row["scope"], *roles), _role_assignments.RoleSet(row["scope"], roles))
            found.add(who, place)
            if rows:
                rows.write(row)
            if len(found.examples) < examples:
                found.examples.append(row)
    return {
        "assignments": holders.rows,
        "users": len({who for each in sets.values() for who in each.users}),
        "groups": len({who for each in sets.values() for who in each.groups}),
        "role_sets": [
            each.as_dict()
            for each in sorted(sets.values(), key=lambda each: (each.order, -len(each.users), each.roles))
        ],
        "file": rows.path if rows else None,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=_images.argument_spec(
            without={"type": "list", "elements": "str", "default": ["admin", "member", "reader"]},
            file={"type": "path"},
            examples={"type": "int", "default": 10},
        ),
        supports_check_mode=True,
    )
    asked = module.params
    try:
        cloud = _images.connect(module)
        module.exit_json(changed=False, **look(cloud, asked["without"], asked["file"], asked["examples"]))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
