#!/usr/bin/python
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_policy_test
short_description: Try for real who may do what with images, and hold it against an operator's policy tests
version_added: 0.1.0
author:
  - stackops.glance contributors (@stackops)
description:
  - Creates throw-away projects and users in Keystone, one user for each persona, and throw-away images and metadef
    namespaces of every kind in Glance. Then each persona tries each action with a real request, and the answers say what the
    running API allows, whatever its files say.
  - With O(file) or O(tests), only what they speak of is tried, and the task fails with what differs. Without them everything
    is tried, and RV(answers) has it.
  - Whatever was made is removed at the end, after a failure too. All of it lies in one domain of Keystone, called as
    O(name_prefix) says, or belongs to that domain's projects. What a killed call left is found by that name and removed by
    the next one; nothing else is ever touched.
options:
  glance_release:
    description:
      - The release of the Glance that answers, as a number, a name or a full version, such as V(25.1) or V(zed).
      - Which request shows which rule depends on it.
    type: str
    required: true
  file:
    description:
      - A YAML file of policy tests on the control node, with the keys C(personas), C(targets) and C(tests).
      - The same file serves M(stackops.glance.glance_policy_test), which computes the answers and asks no API.
    type: path
  tests:
    description:
      - Policy tests given here, in place of O(file). Each says that a persona's action on a target is allowed or denied.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Shown when the test fails., type: str}
      persona: {description: Names of personas., type: list, elements: str, required: true}
      action: {description: "Names of policy rules; V(add_metadef_*) and the like name several.", type: list, elements: str, required: true}
      target: {description: Names of targets; every target when left out., type: list, elements: str}
      expect: {description: What is to come of it., type: str, choices: [allow, deny], required: true}
  rules:
    description: Try the actions of these rules alone; patterns such as V(*_metadef_*) are taken.
    type: list
    elements: str
    default: []
  personas:
    description:
      - Who tries. Left out, the usual ones, from an administrator to somebody without a role.
      - A persona without roles gets a role that no policy knows, since Keystone gives no token for a project to somebody who
        has none there.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: How the persona is called in tests and answers., type: str, required: true}
      roles: {description: Names of roles in the project, type: list, elements: str, default: []}
      project: {description: "Whose token it is; two personas with the same name here share a project.", type: str, default: own-project}
      domain: {description: A token for a domain and no project; any name., type: str}
      system: {description: A token for the system and no project., type: bool, default: false}
      service_roles: {description: Roles of a service token that is sent as well., type: list, elements: str, default: []}
  targets:
    description: What is tried on. Left out, the usual ones, own and foreign, private, shared, community, public and protected.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: How the target is called in tests and answers., type: str, required: true}
      owner: {description: "Whose project owns it, as in the personas' C(project); the persona's own when left out.", type: str}
      visibility: {description: The image's visibility., type: str, choices: [private, shared, public, community], default: private}
      member: {description: Whether it is shared with the persona's project., type: bool, default: false}
      protected: {description: Whether it is protected against deletion., type: bool, default: false}
  missing_roles:
    description:
      - What becomes of a persona with a role that Keystone does not have. V(create) creates the role for the time of the test,
        V(leave_out) does not try what that persona may do, and V(fail) is an error.
      - When not set, it is V(fail) where personas are described, in the file of tests too, and V(leave_out) for the usual ones.
    type: str
    choices: [create, leave_out, fail]
  housekeeping:
    description:
      - Try C(cache_clean) and C(cache_prune) too. Whoever may do that tidies the image cache of the Glance host that answers.
    type: bool
    default: false
  endpoint:
    description:
      - The address of one Glance, as that of a single host behind a load balancer.
      - Left out, the address that the catalogue has for the interface and region.
    type: str
  name_prefix:
    description: What the names of the throw-away domain, roles, images and namespaces begin with.
    type: str
    default: stackops-glance-policy
  parallel:
    description: How many requests may be under way at once.
    type: int
    default: 4
  timeout:
    description: Seconds that trying may take; cleaning up comes after that.
    type: int
    default: 900
  requests:
    description: The requests to send, which the collection fills in from its catalogue for the release.
    type: list
    elements: dict
    default: []
  cases:
    description: What is to be tried, as lists of persona, rule and target, which the collection fills in from the tests.
    type: list
    elements: list
extends_documentation_fragment:
  - stackops.glance.openstack
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
    details:
      - Makes nothing, and says how much would be tried; RV(ran) is false.
  diff_mode:
    support: N/A
    details:
      - Nothing stays behind that could differ.
  idempotent:
    support: full
    details:
      - Reports RV(ignore:changed) only when something could not be removed again, or what an earlier call left was removed.
notes:
  - The credentials have to be those of an administrator of the cloud, who may create domains and roles in Keystone, and public
    images and those of other projects in Glance.
  - "How answers are judged: 2xx is allowed, also where the image then has to be put back. 401, 403 and 404 are denied: Glance
    hides with 404 what somebody may not see. 400, 405, 409, 410, 413 and 415 are allowed: the request was let through and then
    failed over something else, such as the state of the image. Some 403 and 404 come after the policy has let somebody through
    as well, and are known by their words. Anything else, 5xx above all, is neither."
  - An action that this API offers to nobody, such as the cache where there is none or locations while they are not shown, is
    not tried. A test that wants it denied holds; one that wants it allowed is listed in RV(untried).
  - Tasks are not created, since no request deletes them again.
seealso:
  - module: stackops.glance.image_round_trip
"""

EXAMPLES = r"""
- name: Hold the running API against the operator's policy tests
  stackops.glance.image_policy_test:
    cloud: mycloud
    glance_release: "25.1"
    file: policy_tests.yml
  delegate_to: localhost

- name: No end user sees where images lie
  stackops.glance.image_policy_test:
    cloud: mycloud
    glance_release: zed
    tests:
      - name: OSSN-0065
        persona: [member, reader]
        action: get_image_location
        expect: deny
  delegate_to: localhost

- name: Everything that holders of a role may do
  stackops.glance.image_policy_test:
    cloud: mycloud
    glance_release: ussuri
    endpoint: http://glance1.example:9292
    personas:
      - name: image manager
        roles: [image_manager, member]
  register: answers
  delegate_to: localhost
"""

RETURN = r"""
ran:
  description: Whether anything was tried; false in check mode.
  returned: always
  type: bool
url:
  description: The root address that was asked.
  returned: when the cloud could be reached
  type: str
release:
  description: The release whose requests were sent.
  returned: success
  type: str
answers:
  description: What came of each attempt.
  returned: when it was tried
  type: list
  elements: dict
  contains:
    persona: {description: Who asked., type: str}
    rule: {description: The policy rule that the request shows., type: str}
    target: {description: The image or namespace that it was about., type: str}
    allowed: {description: "Whether it was allowed; none where that cannot be told.", type: bool}
    nobody: {description: Whether this API offers the action to nobody at all., type: bool}
    status: {description: The HTTP status., type: int}
    request: {description: The request., type: str}
    asks: {description: Every rule that this request asks., type: list, elements: str}
    reason: {description: What else there is to know., type: str}
personas:
  description: The personas with the C(roles) that their tokens really held, implied roles included.
  returned: when it was tried
  type: list
  elements: dict
tests:
  description: How many tests held, failed and could not be tried, as C(held), C(failed) and C(untried).
  returned: when there are tests
  type: dict
failures:
  description: What differs from the tests, a line each.
  returned: when there are tests
  type: list
  elements: str
untried:
  description: Tests about actions that cannot be tried here, a line each, with the reason.
  returned: when there are tests
  type: list
  elements: str
skipped:
  description: Actions in the tests that this release does not have.
  returned: when there are tests
  type: list
  elements: str
not_shown:
  description: Policy rules of the release that no request can show, each with the reason.
  returned: success
  type: dict
table:
  description: The tests, or the answers, as lines to print.
  returned: when it was tried
  type: list
  elements: str
removed:
  description: What earlier calls had left, and is removed now.
  returned: when the cloud could be reached
  type: list
  elements: str
leftovers:
  description: What could not be removed, in words; the next call tries again.
  returned: when the cloud could be reached
  type: list
  elements: str
requests_sent:
  description: How many requests were sent to Glance for the test, those that put things back included.
  returned: when it was tried
  type: int
seconds:
  description: How long all of it took.
  returned: when it was tried
  type: float
"""

import signal
import time
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _images, _policy_live
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

PERSONA = {
    "name": {"type": "str", "required": True},
    "roles": {"type": "list", "elements": "str", "default": []},
    "project": {"type": "str", "default": _policy_live.OWN},
    "domain": {"type": "str"},
    "system": {"type": "bool", "default": False},
    "service_roles": {"type": "list", "elements": "str", "default": []},
}
TARGET = {
    "name": {"type": "str", "required": True},
    "owner": {"type": "str"},
    "visibility": {"type": "str", "choices": ["private", "shared", "public", "community"], "default": "private"},
    "member": {"type": "bool", "default": False},
    "protected": {"type": "bool", "default": False},
}
TEST = {
    "name": {"type": "str"},
    "persona": {"type": "list", "elements": "str", "required": True},
    "action": {"type": "list", "elements": "str", "required": True},
    "target": {"type": "list", "elements": "str"},
    "expect": {"type": "str", "choices": ["allow", "deny"], "required": True},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "glance_release": {"type": "str", "required": True},
    "file": {"type": "path"},
    "tests": {"type": "list", "elements": "dict", "default": [], "options": TEST},
    "rules": {"type": "list", "elements": "str", "default": []},
    "personas": {"type": "list", "elements": "dict", "default": [], "options": PERSONA},
    "targets": {"type": "list", "elements": "dict", "default": [], "options": TARGET},
    "missing_roles": {"type": "str", "choices": ["create", "leave_out", "fail"]},
    "housekeeping": {"type": "bool", "default": False},
    "endpoint": {"type": "str"},
    "name_prefix": {"type": "str", "default": "stackops-glance-policy"},
    "parallel": {"type": "int", "default": 4},
    "timeout": {"type": "int", "default": 900},
    "requests": {"type": "list", "elements": "dict", "default": []},
    "cases": {"type": "list", "elements": "list"},
}


def personas(given: list[dict[str, Any]]) -> list[_policy_live.Persona]:
    return [
        _policy_live.Persona(
            each["name"],
            tuple(each["roles"]),
            None if each["domain"] or each["system"] else each["project"],
            bool(each["domain"]),
            each["system"],
            tuple(each["service_roles"]),
        )
        for each in given
    ]


def attempt(module: AnsibleModule, cloud: _images.Cloud, url: str, jobs: _policy_live.Jobs) -> dict[str, Any]:
    """Clean up after others, make, try, and clean up in every case."""
    options = module.params
    started = time.monotonic()
    identity = _images.Keystone(cloud.session, cloud.identity_url)
    images = _images.Images(cloud.session, url)
    token = cloud.session.get_token()
    module.no_log_values.add(token)
    admin = _policy_live.Caller(images, token)
    cleaner = _policy_live.Cleaner(identity, admin)
    result: dict[str, Any] = {"changed": False, "removed": [], "leftovers": []}
    now = datetime.now(timezone.utc)
    for domain in cleaner.domains(options["name_prefix"]):
        if _policy_live.abandoned(domain["description"], now):
            left = cleaner.remove(domain["id"], domain["name"])
            result["leftovers"] += left
            result["removed"] += [] if left else [f"domain {domain['name']} and all that belonged to it"]
    throwaway = _policy_live.Throwaway(
        identity, options["name_prefix"], options["missing_roles"] or "fail", module.no_log_values.add
    )
    who = personas(options["personas"])
    projects = {_policy_live.OWN, _policy_live.FOREIGN, _policy_live.BYSTANDER}
    projects |= {each.project for each in who if each.project}
    projects |= {each["owner"] for each in options["targets"] if each["owner"]}
    try:
        throwaway.make(who, projects, _policy_live.lease(options["timeout"]))
        trial = _policy_live.Trial(images, admin, throwaway, jobs, options["parallel"], options["timeout"])
        result["answers"] = trial.run()
        result["requests_sent"] = trial.requests
    except GlanceError as error:
        result["error"] = error
    finally:
        if throwaway.domain:
            result["leftovers"] += cleaner.remove(throwaway.domain, throwaway.name)
    result["changed"] = bool(result["removed"] or result["leftovers"])
    result["personas"] = [
        {"name": name, "roles": facts["roles"], "service": bool(facts["service"])}
        for name, facts in throwaway.people.items()
    ]
    result["seconds"] = round(time.monotonic() - started, 1)
    return result


def stopped(number: int, _frame: Any) -> None:
    """A kind request to end: what was made is removed on the way out."""
    raise GlanceError(f"The module was asked to end by {signal.Signals(number).name}.")


def main() -> None:
    module = AnsibleModule(
        argument_spec=_images.argument_spec(**OPTIONS),
        supports_check_mode=True,
        mutually_exclusive=[("file", "tests")],
    )
    options = module.params
    cases = None if options["cases"] is None else {tuple(case) for case in options["cases"]}
    targets = [_policy_live.Target(**each) for each in options["targets"]]
    jobs = _policy_live.plan(personas(options["personas"]), targets, options["requests"], cases)
    count = sum(len(attempts) for attempts in jobs.values())
    if not options["requests"]:
        module.fail_json(
            msg="No requests were given; the collection's action fills them in for the release.", ran=False
        )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stopped)
    try:
        cloud = _images.connect(module)
        url = _images.Images(cloud.session, options["endpoint"] or cloud.image_url()).root
        if module.check_mode or not jobs:
            module.exit_json(
                changed=False,
                ran=False,
                url=url,
                attempts=count,
                removed=[],
                leftovers=[],
                msg=f"Nothing was made. There are {count} requests to try at {url}, besides those that set things up.",
            )
        found = attempt(module, cloud, url, jobs)
    except GlanceError as error:
        module.fail_json(msg=error.message, ran=False, **error.details)
    error = found.pop("error", None)
    if found["leftovers"]:
        words = f"These throw-away objects could not be removed; the next call tries again: {'; '.join(found['leftovers'])}."
        module.fail_json(msg=f"{error.message + ' ' if error else ''}{words}", ran=True, url=url, **found)
    if error:
        module.fail_json(msg=error.message, **{**error.details, **found, "ran": True, "url": url})
    module.exit_json(ran=True, url=url, **found)


if __name__ == "__main__":
    main()
