#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_host_info
short_description: Survey a host that runs Glance, Nova or a service that uses Glance
version_added: 0.1.0
description:
  - Brings everything that a plan needs to know of one host, in one execution. It is what C(preflight.yml) and
    C(upgrade-to-v2.yml) look with.
  - For each service that is asked for, it looks at the systemd units, at the configuration files that the running process
    names on its command line, at the raw values with their files and lines, at the installed release, and at whether a
    restart is pending.
  - Nothing is run to find a release. The script names its Python, and the records of installed packages lie beside it.
  - It judges nothing. See M(stackops.glance.nova_use_glance_v1_info) for a judgement.
  - What goes wrong with one service is returned as its C(error); the module itself does not fail for it.
extends_documentation_fragment:
  - stackops.glance.attributes.info
options:
  services:
    description: The services to look at.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What to call the service in the result.
        type: str
        required: true
      project:
        description:
          - The project it is part of, such as V(glance), V(nova) or V(cinder). It is the name of the installed package
            and part of the names of the files that oslo.config looks for.
        type: str
        required: true
      prog:
        description: The name of the program, such as V(nova-compute). Left out, it is O(services[].name).
        type: str
      units:
        description:
          - Names that its systemd unit may have. Units that the host does not have are left out of the result.
          - V(docker:NAME) and V(podman:NAME) are containers of these engines. A container that one of the units starts is left
            out, and told with the unit.
          - Units whose programs read different files are better asked for as services of their own.
        type: list
        elements: str
        default: []
      config_files:
        description:
          - The files that it reads, in order. Left out, they are the ones that the unit names with C(--config-file) and
            C(--config-dir), or else the ones that oslo.config's own search finds.
          - Those of a service in a container have to be named. They are the files on the host that it takes when it is started,
            and they count where the host has the container.
        type: list
        elements: path
        default: []
      config_dirs:
        description: Directories whose C(*.conf) files it reads after O(services[].config_files).
        type: list
        elements: path
        default: []
      options:
        description: Options to return, each as C(group/option), C(group/*) for all of a group, V(*) for all.
        type: list
        elements: str
        default: []
      documents:
        description:
          - Whether to bring the texts of the policy files and of Glance's paste file, wherever the service would find them.
            They are read on the control node. The host needs nothing for it.
        type: bool
        default: false
  state_dir:
    description: Directory of lock and run records on the managed host.
    type: path
    default: /var/lib/stackops-glance
seealso:
  - module: stackops.glance.nova_use_glance_v1_info
  - module: stackops.glance.oslo_config_info
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Look at Nova's compute service and at what it is told about Glance
  stackops.glance.glance_host_info:
    services:
      - name: nova-compute
        project: nova
        units: [nova-compute, openstack-nova-compute]
        options: [glance/*, libvirt/images_type]
  register: survey

- name: Show the files that the running process was started with
  ansible.builtin.debug:
    var: survey.services['nova-compute'].config_files
'''

RETURN = r'''
hostname:
  description: The name that the host has for itself.
  returned: success
  type: str
  sample: compute1
addresses:
  description: The host's own IPv4 and IPv6 addresses, without those that only the host itself can use.
  returned: success
  type: list
  elements: str
  sample: ["192.0.2.31"]
python:
  description: Version of the Python that Ansible uses on the host.
  returned: success
  type: str
  sample: 2.7.18
time:
  description: The host's clock, in seconds since 1970.
  returned: success
  type: float
cores:
  description: Processors that the host's kernel may use.
  returned: success
  type: int
free_bytes:
  description: Free bytes of the file systems that a run would write to, by directory.
  returned: success
  type: dict
  sample: {/etc/nova: 10737418240}
lock:
  description: The lock on the host, null when no run holds it.
  returned: success
  type: dict
runs:
  description: The runs recorded on the host, newest first.
  returned: success
  type: list
  elements: dict
unfinished:
  description: The run that was neither committed nor undone, null when there is none.
  returned: success
  type: dict
services:
  description: What was found of each service, by its name.
  returned: success
  type: dict
  contains:
    project:
      description: The project as it was asked for.
      type: str
    prog:
      description: The program as it was asked for.
      type: str
    interpreter:
      description: The Python that its script names; null where there is none.
      type: str
      sample: /opt/glance/33.0.0/bin/python3
    release:
      description: C(version), C(major) and C(source), the record that says so; null where nothing is installed.
      type: dict
      sample: {version: 14.1.0, major: 14, source: /usr/lib/python2.7/dist-packages/nova-14.1.0.egg-info}
    oslo_config:
      description: Version of the oslo.config that reads the files, and of its Python; null where it is not found.
      type: str
      sample: 3.17.0/python2
    units:
      description:
        - The units that the host has, with C(name), C(id), C(load_state), C(active_state), C(sub_state),
          C(unit_file_state), C(main_pid), C(started) (seconds since 1970, or null), C(user), C(triggered_by), C(fragment) (its
          unit file), C(drop_ins), C(argv), C(script), C(config_files), C(config_dirs), C(release), C(ca_bundle) (its
          C(REQUESTS_CA_BUNDLE), or null) and C(restart_pending).
        - C(container) is the Id of the container that its processes run in, null where they run in none.
        - C(links) are the symbolic links on the way to the script, with C(path) and C(target). C(running) are the releases that
          its processes have loaded code of, which a link tells nothing about once it leads elsewhere.
      type: list
      elements: dict
    config_files:
      description: The files named, in order.
      type: list
      elements: str
    config_dirs:
      description: The directories named, in order.
      type: list
      elements: str
    config_origin:
      description: Who named them, V(unit), V(argument) or V(search); null where nothing was found.
      type: str
    files:
      description:
        - Every file that is read, in reading order, with C(path), C(sha256), C(mode), C(owner), C(group), C(size) and
          C(mtime).
      type: list
      elements: dict
    assignments:
      description:
        - The assignments of the options asked for, and of those that they refer to, in reading order, with C(group),
          C(option), C(raw), C(file) and C(line). Values that look secret are masked.
      type: list
      elements: dict
    environment:
      description: The variables of the process that oslo.config reads options from (C(OS_GROUP__OPTION)).
      type: dict
    policy:
      description:
        - The policy files, null where none was asked for or found. C(named) is the name that the configuration gives, C(files)
          are those that a release could take, and C(overlays) those in C(policy_dirs), in reading order.
        - Each has C(file) and C(text), or C(error) where the text cannot travel.
      type: dict
    property_protection:
      description:
        - Glance's property protection file with C(file), C(text) and C(error), null where none was asked for or found.
      type: dict
    paste:
      description:
        - Glance's paste file with C(file), C(flavor), C(text) and C(error), null where none was asked for or found. What
          looks secret is masked.
      type: dict
    crons:
      description: Lines of crontabs that run one of Glance's programs, with C(file), C(line) and C(program).
      type: list
      elements: dict
    restart_pending:
      description: Whether a process is older than a file that it reads; null where none runs.
      type: bool
    error:
      description: What could not be read, and what to do; null when all went well.
      type: str
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _survey
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._runs import STATE_DIR


def main():
    module = AnsibleModule(
        argument_spec={
            'services': {
                'type': 'list', 'elements': 'dict', 'required': True,
                'options': {
                    'name': {'type': 'str', 'required': True},
                    'project': {'type': 'str', 'required': True},
                    'prog': {'type': 'str'},
                    'units': {'type': 'list', 'elements': 'str', 'default': []},
                    'config_files': {'type': 'list', 'elements': 'path', 'default': []},
                    'config_dirs': {'type': 'list', 'elements': 'path', 'default': []},
                    'options': {'type': 'list', 'elements': 'str', 'default': []},
                    'documents': {'type': 'bool', 'default': False},
                },
            },
            'state_dir': {'type': 'path', 'default': STATE_DIR},
        },
        supports_check_mode=True,
    )
    services = [dict(service, prog=service['prog'] or service['name']) for service in module.params['services']]
    try:
        module.exit_json(changed=False, **_survey.survey(services, module.params['state_dir']))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == '__main__':
    main()
