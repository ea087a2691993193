#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: stunnel_service
short_description: Offer a plaintext address over TLS with stunnel, and renew its certificate without cutting a transfer
version_added: 0.1.0
description:
  - Writes a service of stunnel and a drop-in for its unit, enables and starts the unit, and looks with a TLS handshake
    whether clients are shown the certificate that the file holds.
  - Before anything is changed it checks that the key is the certificate's and without a passphrase, that no certificate of
    the file has expired, that its subject alternative names cover O(names), that the file leads to a CA that clients trust,
    that the port is free, and that stunnel's user, and nobody else but root, can read the key.
  - TLS 1.2 and 1.3 are offered with the ciphers and curves of Mozilla's intermediate profile (5.7, without finite-field
    Diffie-Hellman).
  - A running service is reloaded, which cuts no connection, where its configuration, its certificate or its key is another.
    It is restarted, which cuts them, only where O(user), O(group) or O(limit_nofile) is another; RV(action) says which.
  - stunnel tells systemd nothing when it refuses to reload. That is noticed by the certificate that it goes on showing, and by
    its journal; the service's files are put back then, and the task fails.
  - With O(state=absent) the unit is stopped and disabled and both files are removed, so that the host is as it was before.
    Files of the same name that this module did not write are refused.
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
  name:
    description: Name of the service. Its configuration is I(NAME).conf in O(config_dir), its unit I(UNIT)@I(NAME).
    type: str
    required: true
  accept:
    description: Port, or address and port, to offer TLS on, as V(9293), V(192.0.2.21:9293) or V([::]:9293). A port alone is
      that of all IPv4 addresses. Needed for O(state=present).
    type: str
  connect:
    description: The plaintext address behind it. Needed for O(state=present).
    type: str
  certificate:
    description: PEM file with the server's certificate and then those that lead from it to the CA. Left out, the one that the
      service has.
    type: path
  key:
    description: PEM file of the certificate's key, without a passphrase. Nothing of it is shown. Left out, the one that the
      service has.
    type: path
  names:
    description:
      - Host names and addresses by which clients know the service. Each has to be among the certificate's subject
        alternative names, where a star stands for one whole label (RFC 6125).
      - At least one is needed for O(state=present).
    type: list
    elements: str
    default: []
  trusted_ca:
    description: PEM file of the CA certificates that clients trust, on the managed host. Left out, the host's own trust store
      counts.
    type: path
  client_ca:
    description:
      - PEM file of the CA certificates that clients have to be certified by. Every client has to show a certificate then, as
        Glance's C(ca_file) had it up to release 19 (Train).
      - Left out, what the service has, so that it never asks for less by accident. Take the service away first to ask no more.
    type: path
  idle_timeout:
    description: Seconds without a byte in either direction after which a connection is closed. A transfer that goes on is
      never cut.
    type: int
    default: 43200
  limit_nofile:
    description: Files that stunnel may have open (C(LimitNOFILE) of its unit). It takes somewhat less than half as many
      connections at a time, and lets more of them wait.
    type: int
    default: 16384
  renew_days:
    description: Days before the end of a certificate from which on RV(certificate.expires_soon) is true and a warning is shown.
    type: int
    default: 30
  timeout:
    description: Seconds until clients must be shown the certificate.
    type: int
    default: 10
  state:
    description: Whether the service is there, running and enabled.
    type: str
    choices: [present, absent]
    default: present
  config_dir:
    description: Directory of stunnel's configurations. This and the following are as Debian's and Ubuntu's stunnel4 has them.
    type: path
    default: /etc/stunnel
  unit:
    description: The template unit, without the C(@).
    type: str
    default: stunnel
  program:
    description: The program, which is asked for its version.
    type: str
    default: stunnel
  user:
    description: The user that stunnel becomes. The key has to be readable by it after a reload as well.
    type: str
    default: stunnel4
  group:
    description: The group that stunnel becomes; it has no other then.
    type: str
    default: stunnel4
requirements:
  - stunnel >= 5.56 and the openssl command on the managed host
notes:
  - The service behind it sees all connections come from the address that stunnel connects from; only stunnel's journal has
    the clients' own.
  - Run it again after the certificate was renewed in the same files. It is changed then, for the service is reloaded.
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Offer the Images API over TLS beside plaintext
  stackops.glance.stunnel_service:
    name: glance
    accept: 9293
    connect: 127.0.0.1:9292
    certificate: /etc/stunnel/glance.pem
    key: /etc/stunnel/glance.key
    names: [glance.example, 192.0.2.10]

- name: Take it away again
  stackops.glance.stunnel_service:
    name: glance
    state: absent
'''

RETURN = r'''
unit:
  description: The unit of the service.
  returned: success
  type: str
  sample: stunnel@glance.service
action:
  description: What became of the unit, or would. V(start), V(reload), V(restart), V(stop) or V(none).
  returned: success
  type: str
  sample: reload
files:
  description: The files that were changed, or would be.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
      sample: /etc/stunnel/glance.conf
    before:
      description: The SHA-256 of what it held; empty when it was not there.
      type: str
    content:
      description: All that it holds now; null when it is gone. There are no secrets in it.
      type: str
    mode:
      description: The mode that it gets where it is new.
      type: str
enabled:
  description: Whether the unit was enabled before. It is now.
  returned: O(state=present)
  type: bool
listens:
  description: Where a client on the host itself finds the service, with C(host) and C(port).
  returned: O(state=present)
  type: dict
  sample: {host: 127.0.0.1, port: 9293}
certificate:
  description: What the server's certificate says.
  returned: O(state=present)
  type: dict
  contains:
    subject:
      description: The subject.
      type: str
    names:
      description: The subject alternative names.
      type: list
      elements: str
    fingerprint:
      description: Its SHA-256 fingerprint, in hexadecimal digits.
      type: str
    not_after:
      description: When the first of the certificates in the file expires (ISO 8601, UTC).
      type: str
    days_left:
      description: Whole days until C(not_after).
      type: int
    expires_soon:
      description: Whether that is less than O(renew_days).
      type: bool
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _runs, _stunnel
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def main():
    module = AnsibleModule(
        argument_spec=dict(
            _runs.run_argument_spec(),
            name={'type': 'str', 'required': True},
            accept={'type': 'str'},
            connect={'type': 'str'},
            certificate={'type': 'path'},
            key={'type': 'path', 'no_log': False},
            names={'type': 'list', 'elements': 'str', 'default': []},
            trusted_ca={'type': 'path'},
            client_ca={'type': 'path'},
            idle_timeout={'type': 'int', 'default': 43200},
            limit_nofile={'type': 'int', 'default': 16384},
            renew_days={'type': 'int', 'default': 30},
            timeout={'type': 'int', 'default': 10},
            state={'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
            config_dir={'type': 'path', 'default': '/etc/stunnel'},
            unit={'type': 'str', 'default': 'stunnel'},
            program={'type': 'str', 'default': 'stunnel'},
            user={'type': 'str', 'default': 'stunnel4'},
            group={'type': 'str', 'default': 'stunnel4'},
        ),
        required_if=[('state', 'present', ('accept', 'connect', 'names'))],
        supports_check_mode=True,
    )
    try:
        result = _stunnel.run(module)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
