#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_environment
short_description: Have a virtual environment of one release of Glance on a host, built once and shipped to the others
version_added: 0.1.0
description:
  - Has a virtual environment of one release of Glance on a host.
  - An environment is I(ROOT)/I(NAME) with the exact packages of a lock file. It is built once for each distinct platform
    (Python, machine, C library), on the first host that may and needs it, from the package index and by the hashes of the lock
    file. From there it is packed, kept on the control node, and shipped to the other hosts of the platform, which need neither
    an index nor a compiler. A host checks the SHA-256 of what arrives before it unpacks it, and of what it has unpacked.
  - An environment is made beside its place, is on the disk before it is given its name, and never changes after that. Another
    lock file needs another O(name), or another O(release).
  - With O(current), the link I(ROOT)/current is made where there is none. A link that leads elsewhere is refused; moving
    from one release to another is the work of a flip.
  - Environments that nobody needs are removed down to O(keep). The one that I(ROOT)/current leads to stays, and so do those
    that a process runs from and those that the record of a run names.
extends_documentation_fragment:
  - stackops.glance.attributes
  - stackops.glance.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  release:
    description: The exact version of Glance, as on the package index.
    type: str
    required: true
  root:
    description: Directory of the environments.
    type: path
    default: /opt/glance
  name:
    description: Name of the environment. Left out, O(release).
    type: str
  lock:
    description:
      - Lock file on the control node. Every package stands in it as C(NAME==VERSION) with C(--hash=sha256:...) for each of the
        files that may be taken. The packages are built with the setuptools of the same file, where they have to be built.
      - Left out, the one that this collection has for the release and the host's Python.
    type: path
  python:
    description: The Python that the environment is made from, on the managed host. It has to be the same path on all hosts
      of a platform.
    type: path
    default: /usr/bin/python3
  build:
    description:
      - Whether this host may build the environment. It needs the package index then, and Debian's C(python3-venv).
      - A host that may not gets what another host has built, which has to come first.
    type: bool
    default: true
  archive:
    description: Whether the control node shall have the archive of the environment, also where the host has the environment
      already. Hosts that may not build get it from there.
    type: bool
    default: false
  archives:
    description: Directory of the archives on the control node.
    type: path
    default: ~/.cache/stackops-glance
  pip:
    description: Environment variables for pip, such as C(PIP_INDEX_URL) and C(PIP_CERT). They are shown nowhere.
    type: dict
    default: {}
  current:
    description: Whether I(ROOT)/current shall lead to the environment where there is no such link yet.
    type: bool
    default: false
  keep:
    description: Number of environments to keep on the host, the newest first. V(0) keeps all.
    type: int
    default: 0
  verify:
    description: Whether to read every file of an environment that is there already, and compare it with what was built.
    type: bool
    default: false
  step:
    description:
      - Given by the action of this module, which asks the host for one thing after the other; tasks do not. V(settle) looks,
        makes the link and removes what is superfluous; V(build), V(pack) and V(unpack) make the environment, an archive of it,
        or the environment out of an archive.
    type: str
    choices: [settle, build, pack, unpack]
    default: settle
  locks:
    description: Given by the action of this module; tasks do not. The SHA-256 of the lock file for each Python, as C(cp311), or C(any).
    type: dict
    default: {}
  content:
    description: Given by the action of this module; tasks do not. What O(lock) holds.
    type: str
  file:
    description: Given by the action of this module; tasks do not. The archive on the managed host.
    type: path
  sha256:
    description: Given by the action of this module; tasks do not. The SHA-256 of the archive.
    type: str
requirements:
  - On hosts that build, the module venv of the Python with pip (Debian's python3-venv).
seealso:
  - module: stackops.glance.glance_service
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Have Glance 33.0.0 beside what is there
  stackops.glance.glance_environment:
    release: 33.0.0
    pip:
      PIP_INDEX_URL: https://pypi.example.org/simple
    keep: 3

- name: Have it on hosts that reach no package index, once others have built it
  stackops.glance.glance_environment:
    release: 33.0.0
    build: false
'''

RETURN = r'''
path:
  description: The environment.
  returned: success
  type: str
  sample: /opt/glance/33.0.0
made:
  description: How the environment was made just now, or would be. V(none) where it was there.
  returned: success
  type: str
  sample: unpacked
environment:
  description: What the environment says of itself. C(identity) is the SHA-256 over everything in it, C(lock) that of its lock
    file. Empty in check mode where it is not there.
  returned: success
  type: dict
  sample: {release: 33.0.0, platform: cp311-x86_64-glibc2.36, python: /usr/bin/python3, lock: 5d41..., identity: 7d79...}
linked:
  description: Whether I(ROOT)/current was made, or would be.
  returned: success
  type: bool
pruned:
  description: The environments that were removed, or would be.
  returned: success
  type: list
  elements: str
python:
  description: What the host's Python is, with C(version), C(abi), C(platform), and C(builds) whether it can make environments.
  returned: success
  type: dict
cores:
  description: The processors of the host.
  returned: success
  type: int
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _environment, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def main():
    # type: () -> None
    module = AnsibleModule(
        argument_spec=dict(
            _runs.run_argument_spec(),
            release={'type': 'str', 'required': True},
            root={'type': 'path', 'default': '/opt/glance'},
            name={'type': 'str'},
            lock={'type': 'path'},
            python={'type': 'path', 'default': '/usr/bin/python3'},
            build={'type': 'bool', 'default': True},
            archive={'type': 'bool', 'default': False},
            archives={'type': 'path', 'default': '~/.cache/stackops-glance'},
            pip={'type': 'dict', 'default': {}, 'no_log': True},
            current={'type': 'bool', 'default': False},
            keep={'type': 'int', 'default': 0},
            verify={'type': 'bool', 'default': False},
            step={'type': 'str', 'choices': ['settle', 'build', 'pack', 'unpack'], 'default': 'settle'},
            locks={'type': 'dict', 'default': {}},
            # No secret, but more than a thousand lines that would stand in the host's journal.
            content={'type': 'str', 'no_log': True},
            file={'type': 'path'},
            sha256={'type': 'str'},
        ),
        supports_check_mode=True,
    )
    try:
        result = _environment.run(module)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
