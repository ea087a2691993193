#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_audit_info
short_description: Find the images that v1 and v2 of the Images API show or treat differently
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Finds images whose properties, members, formats, locations or visibility mean one thing to v1 and another to v2, and
    images that are stuck on their way. C(docs/image-audit.md) of the collection describes each kind of finding.
  - With O(database) it reads Glance's database, MariaDB, MySQL or SQLite, in one transaction that only reads. This finds
    every kind, at schemas before and after the column C(visibility), and is by far the faster way.
  - Without O(database) it lists the images through v2, O(in_flight) pages at a time. RV(cannot_see) names the kinds that the
    API does not show.
  - Holds no more than counts and a few examples, however many images there are. O(file) receives all that was found.
options:
  database:
    description:
      - The database's URL, as Glance's own C([database] connection) has it.
      - Schemes that begin with C(mysql) or C(mariadb), whatever driver they name, are read with PyMySQL; C(ssl_ca),
        C(ssl_cert), C(ssl_key), C(ssl_capath), C(ssl_cipher), C(ssl_check_hostname) and C(unix_socket) count, other
        options do not. C(sqlite:////path) is opened read-only.
      - A user with the right to C(SELECT) is enough.
    type: str
  file:
    description:
      - Path of a JSON Lines file for all that was found, on the machine where the module runs. It has one line for each
        image, finding and property, and only its owner may read it.
      - It replaces an earlier one only when the audit was finished. It is a report, so that check mode writes it too.
      - Values of properties whose names speak of secrets are left out.
    type: path
  kinds:
    description:
      - Look for these kinds of findings alone.
      - Left out, all are looked for; with O(since), V(community-visibility) and V(shared-visibility) alone, which are
        what v1 would misread after a way back.
    type: list
    elements: str
  since:
    description:
      - Look only at images created or changed since this time (ISO 8601, UTC where it names no zone), as C(2026-11-21)
        or C(2026-11-21T06:30:00Z).
      - Left out, all images are looked at.
    type: str
  stuck_after:
    description: Hours without a change after which an image that is not active yet counts as stuck.
    type: float
    default: 24
  disk_formats:
    description: The disk formats that Glance is configured for. Left out, what v2 says, or all that any release knows by
      default where the database is read.
    type: list
    elements: str
  container_formats:
    description: The container formats that Glance is configured for, likewise.
    type: list
    elements: str
  in_flight:
    description: How many pages of up to 1000 images to ask the API for at the same time. More is faster until Glance has
      no time for others.
    type: int
    default: 2
  examples:
    description: How many images of each kind to return.
    type: int
    default: 20
  endpoint:
    description: The address of the Images API; left out, the one in the catalogue.
    type: str
requirements:
  - PyMySQL, for a MariaDB or MySQL database
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.attributes.info
seealso:
  - module: stackops.glance.image_properties
    description: Renames, merges or removes the properties that were found.
"""

EXAMPLES = r"""
- name: Audit the database, and keep all that was found
  stackops.glance.image_audit_info:
    database: mysql+pymysql://auditor:{{ auditor_password | urlencode }}@db.example/glance?ssl_ca=/etc/ssl/certs/db.pem
    file: /root/images.jsonl
  register: audit

- name: Audit through the API
  stackops.glance.image_audit_info:
    cloud: mycloud
  delegate_to: localhost

- name: What would a way back to v1 misread among the images made since the flip?
  stackops.glance.image_audit_info:
    cloud: mycloud
    since: "2026-11-21T06:30:00Z"
  delegate_to: localhost
"""

RETURN = r"""
findings:
  description: One entry for each kind of which images were found, the gravest first.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: The kind., type: str}
    severity: {description: "V(warning) or V(note).", type: str}
    count: {description: How many images., type: int}
    owners: {description: How many projects own them., type: int}
    message: {description: What v1 and v2 make of them., type: str}
    remedy: {description: What to do., type: str}
    source: {description: What the rule was read from., type: str}
    examples:
      description:
        - Some of them, with C(id), C(name), C(owner), C(visibility), C(created_at), C(updated_at); C(property), the name
          C(to) which it would be renamed and C(detail) where the kind has them.
        - Shared ones found through the API also have C(members), the number of their members.
      type: list
      elements: dict
count:
  description: The sum of all counts. An image may be of several kinds.
  returned: success
  type: int
images:
  description: How many images that are not deleted were looked at.
  returned: success
  type: int
owners:
  description: The ten projects with most warnings, each with C(owner) and C(count); notes are not counted.
  returned: success
  type: list
  elements: dict
complete:
  description: Whether the images of every project were seen.
  returned: success
  type: bool
cannot_see:
  description: The wanted kinds that this way in does not show.
  returned: success
  type: list
  elements: str
way:
  description: V(database) or V(api).
  returned: success
  type: str
database:
  description: Server, database and user, without the password.
  returned: when O(database) is given
  type: str
schema:
  description: The column that decides who sees an image, V(is_public) up to Newton or V(visibility).
  returned: when O(database) is given
  type: str
url:
  description: The address that was asked.
  returned: when O(database) is not given
  type: str
file:
  description: The JSON Lines file, or none.
  returned: success
  type: str
since:
  description: The time that was looked back to, in UTC, or none.
  returned: success
  type: str
"""

import contextlib
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import (
    _audit,
    _audit_api,
    _audit_database,
    _audit_sql,
    _images,
)
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def wanted_kinds(options: dict[str, Any]) -> list[str]:
    unknown = sorted(set(options["kinds"] or ()) - _audit.KINDS.keys())
    if unknown:
        raise GlanceError(
            f"kinds names {', '.join(unknown)}, and there is no such kind; known are {', '.join(_audit.KINDS)}."
        )
    return options["kinds"] or list(_audit.MISREAD if options["since"] else _audit.KINDS)


def checked(options: dict[str, Any]) -> None:
    """Values that no look can begin with."""
    for name in ("disk_formats", "container_formats"):
        for value in options[name] or ():
            if not value or not value.replace("-", "").replace("_", "").isalnum():
                raise GlanceError(f"{name} has {value!r}, which is no name of a format. Write it as raw or qcow2.")
    if not 1 <= options["in_flight"] <= 32:
        raise GlanceError(f"in_flight is {options['in_flight']}; give a number from 1 to 32.")
    if not 0 <= options["stuck_after"] < 1e6:
        raise GlanceError(f"stuck_after is {options['stuck_after']} hours; give a number from 0 up.")


def through_database(options: dict[str, Any], since: str | None, findings: _audit.Findings) -> dict[str, Any]:
    limits = _audit.Limits.of(options["stuck_after"], options["disk_formats"], options["container_formats"])
    with _audit_database.connect(options["database"]) as database:
        database.begin()
        audit = _audit_sql.Audit(database, findings, limits, since)
        images = audit.run()
        return {
            "way": "database",
            "complete": True,
            "cannot_see": [],
            "images": images,
            "database": f"{database.version}, {database.address}",
            "schema": audit.schema,
        }


def through_api(
    module: AnsibleModule, options: dict[str, Any], since: str | None, findings: _audit.Findings
) -> dict[str, Any]:
    cloud = _images.connect(module)
    images = _images.Images(cloud.session, options["endpoint"] or cloud.image_url())
    audit = _audit_api.Audit(images, findings, since, options["in_flight"])
    count = audit.run(audit.limits(options["stuck_after"], options["disk_formats"], options["container_formats"]))
    complete = "admin" in (role.lower() for role in cloud.roles)
    if not complete:
        module.warn(
            f"Without the role admin only images that project {cloud.project} may see were looked at; "
            "images of other projects may be misread as well."
        )
    return {
        "way": "api",
        "complete": complete,
        "cannot_see": [kind for kind in _audit_api.CANNOT_SEE if kind in findings.tallies],
        "images": count,
        "url": images.root,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=_images.argument_spec(
            database={"type": "str", "no_log": True},
            file={"type": "path"},
            kinds={"type": "list", "elements": "str"},
            since={"type": "str"},
            stuck_after={"type": "float", "default": 24.0},
            disk_formats={"type": "list", "elements": "str"},
            container_formats={"type": "list", "elements": "str"},
            in_flight={"type": "int", "default": 2},
            examples={"type": "int", "default": 20},
            endpoint={"type": "str"},
        ),
        supports_check_mode=True,
    )
    options: dict[str, Any] = module.params
    try:
        kinds = wanted_kinds(options)
        checked(options)
        since = _images.moment(options["since"]) if options["since"] else None
        with contextlib.ExitStack() as stack:
            rows = stack.enter_context(_audit.Rows(options["file"])) if options["file"] else None
            findings = _audit.Findings(kinds, max(0, options["examples"]), rows)
            if options["database"]:
                way = through_database(options, since, findings)
            else:
                way = through_api(module, options, since, findings)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(changed=False, **findings.result(), **way, file=rows.path if rows else None, since=since)


if __name__ == "__main__":
    main()
