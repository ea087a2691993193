# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options by which the cloud modules reach a cloud: those of openstack.cloud, under the same names."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  cloud:
    description:
      - The name of a cloud in C(clouds.yaml), or a dictionary that holds what such an entry holds.
      - Left out, the environment variables C(OS_*) are read, as every OpenStack client reads them.
    type: raw
  auth:
    description:
      - What the authentication plugin needs. For a password these are C(auth_url), C(username), C(password),
        C(project_name), C(user_domain_name) and C(project_domain_name).
      - Not needed when O(cloud) or the environment already says it.
    type: dict
  auth_type:
    description: The authentication plugin; C(password) where nothing else is configured.
    type: str
  region_name:
    description: The region whose image service is meant.
    type: str
  interface:
    description: Which endpoint of the image service is meant. Left out, what the cloud's configuration says, else C(public).
    type: str
    choices: [admin, internal, public]
    aliases: [endpoint_type]
  validate_certs:
    description: Whether TLS certificates are checked. Left out, what the cloud's configuration says, else V(true).
    type: bool
    aliases: [verify]
  ca_cert:
    description: Path of the CA certificates that servers are checked against, on the host that runs the module.
    type: path
    aliases: [cacert]
  client_cert:
    description: Path of a client certificate.
    type: path
    aliases: [cert]
  client_key:
    description: Path of the client certificate's key.
    type: path
    aliases: [key]
  api_timeout:
    description:
      - Seconds that one request may wait for each answer; a connection must stand within 10 of them.
      - Left out, what the cloud's configuration says, else 60. There is no way to wait forever.
    type: int
requirements:
  - python >= 3.10
  - openstacksdk >= 1.0.0
notes:
  - The options are those of the collection C(openstack.cloud) and mean the same, except that O(interface) left
    out follows C(clouds.yaml). That collection need not be installed.
  - Runs where openstacksdk is installed, mostly the control node; use C(delegate_to) or C(connection=local) to run it there.
"""
