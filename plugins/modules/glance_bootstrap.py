#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_bootstrap
short_description: Give a new Glance its first database
version_added: 0.1.0
description:
  - Makes the database and the account on a MariaDB or MySQL where the account cannot log in yet, fills an empty database with
    Glance's tables, and loads the metadata definitions of the release where there are none.
  - A database that holds images is never touched. Where it is not at O(head), or holds somebody else's tables, the module fails
    and says so. Moving a database from one release to another is the work of a flip.
  - The account gets what Glance's migrations need on its database, SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX,
    REFERENCES and DROP, and nothing else.
extends_documentation_fragment:
  - stackops.glance.attributes
  - stackops.glance.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  connection:
    description: Address of the database as SQLAlchemy takes it, with user and password. The same as in Glance's configuration.
    type: str
    required: true
  head:
    description: The revision that the release ends at.
    type: str
    required: true
  environment:
    description: The environment of Glance, whose programs are run.
    type: path
    default: /opt/glance/current
  config_file:
    description: Glance's configuration.
    type: path
    default: /etc/glance/glance-api.conf
  user:
    description: The user that Glance's programs are run as.
    type: str
    default: glance
  login:
    description: How an administrator of the database server logs in, with C(host), C(port), C(user), C(password) or
      C(unix_socket), as PyMySQL takes it. Used where the account of O(connection) cannot log in.
    type: dict
    default: {}
  account_host:
    description: Where the account may log in from.
    type: str
    default: '%'
  metadefs:
    description: Whether to load the metadata definitions that the release brings.
    type: bool
    default: true
seealso:
  - module: stackops.glance.glance_service
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Fill the first database
  stackops.glance.glance_bootstrap:
    connection: "mysql+pymysql://glance:{{ password }}@db.example.org/glance"
    head: 2024_1_contract01
    login:
      host: db.example.org
      user: root
      password: "{{ root_password }}"
  run_once: true
'''

RETURN = r'''
done:
  description: What was done, or would be, of V(account), V(tables) and V(metadefs).
  returned: success
  type: list
  elements: str
revisions:
  description: The revisions that the database is at.
  returned: success
  type: list
  elements: str
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _bootstrap, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def main():
    # type: () -> None
    module = AnsibleModule(
        argument_spec=dict(
            _runs.run_argument_spec(),
            connection={'type': 'str', 'required': True, 'no_log': True},
            head={'type': 'str', 'required': True},
            environment={'type': 'path', 'default': '/opt/glance/current'},
            config_file={'type': 'path', 'default': '/etc/glance/glance-api.conf'},
            user={'type': 'str', 'default': 'glance'},
            login={'type': 'dict', 'default': {}, 'no_log': True},
            account_host={'type': 'str', 'default': '%'},
            metadefs={'type': 'bool', 'default': True},
        ),
        supports_check_mode=True,
    )
    try:
        result = _bootstrap.run(module)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
