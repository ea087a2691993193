#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: oslo_config_info
short_description: Read oslo.config files as a service reads them
version_added: 0.1.0
description:
  - Reads configuration files and directories and returns every assignment with its file and line.
  - Given a schema (the types of options), it returns the value that the service gets, exactly as oslo.config resolves it
    from files, environment, deprecated names, substitution and type, or why oslo.config refuses it.
  - Secrets are never shown. The values of options that look secret, and passwords in URLs, are masked by V(********).
  - Fails where oslo.config would fail to read the files; the message names file and line.
extends_documentation_fragment:
  - stackops.glance.attributes.info
options:
  config_files:
    description: The files that the service reads, in its order. Later ones win.
    type: list
    elements: path
    default: []
  config_dirs:
    description:
      - Directories whose C(*.conf) files the service reads after O(config_files), sorted by name.
    type: list
    elements: path
    default: []
  options:
    description:
      - The raw values to return, as patterns C(section/option), such as V(glance/*) or V(*/connection). Sections are
        compared as oslo.config compares them, in lower case save for V(DEFAULT).
    type: list
    elements: str
    default: ["*/*"]
  schema:
    description:
      - The options to resolve. An option that a value refers to (C($name)) must be among them.
    type: list
    elements: dict
    default: []
    suboptions:
      group:
        description: The group (section) of the option.
        type: str
        default: DEFAULT
      name:
        description: The name of the option.
        type: str
        required: true
      type:
        description:
          - The type. V(multistring) is an option that may be given several times; V(multi) is one with items of another
            type.
        type: str
        default: string
        choices: [string, boolean, integer, port, float, list, dict, multistring, multi, ip, hostname, hostaddress, hostdomain]
      item_type:
        description: Type of the items of a list, of the values of a dict, or of each value of V(multi).
        type: str
        default: string
        choices: [string, boolean, integer, port, float, list, dict, ip, hostname, hostaddress, hostdomain]
      default:
        description: The value of the option where nothing sets it.
        type: raw
      deprecated:
        description: Old names of the option, each as C(group/name).
        type: list
        elements: str
        default: []
      choices:
        description: The values that are allowed.
        type: list
        elements: raw
      ignore_case:
        description: Whether O(schema[].choices) and O(schema[].regex) ignore case.
        type: bool
        default: false
      min:
        description: The least number allowed.
        type: float
      max:
        description: The greatest number allowed.
        type: float
      max_length:
        description: The greatest length of a text.
        type: int
      min_length:
        description: The least number of items in a list or dict.
        type: int
      regex:
        description: What a text must match.
        type: str
      quotes:
        description: Whether the type takes a pair of quotes off a text.
        type: bool
        default: false
      bounds:
        description: Whether a list must stand in brackets, a dict in braces.
        type: bool
        default: false
      ip_version:
        description: The version of IP that an address must have.
        type: int
        choices: [4, 6]
      secret:
        description: Whether the value is a secret, even if its name does not say so.
        type: bool
        default: false
  environment:
    description:
      - The environment of the service. oslo.config 6.7 and newer let C(OS_GROUP__OPTION) override the files.
      - Leave secrets out, since Ansible writes arguments to the system log of the managed host.
    type: dict
    default: {}
  dialect:
    description:
      - The oslo.config to follow, V(newest), V(pike) (4.11.2 on Python 2.7), or a version such as V(8.0.1) or
        V(3.17.0/python2).
      - Python 2 reads bytes, and takes any encoding, line feeds alone for line ends, and only ASCII's white space and digits.
        Python 3 reads UTF-8 alone, also ends lines at a lone carriage return, and accepts Unicode's digits and C(1_000).
      - From oslo.config 6.0 commas at the end of a list are ignored, from 6.7 the environment overrides files, and from
        6.12 a lone quote is refused where the type takes quotes off.
    type: str
    default: newest
seealso:
  - module: stackops.glance.oslo_config
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Read what Nova is told about Glance, and the value it gets
  stackops.glance.oslo_config_info:
    config_files: [/etc/nova/nova.conf]
    config_dirs: [/etc/nova/nova.conf.d]
    options: [glance/*]
    schema:
      - group: glance
        name: use_glance_v1
        type: boolean
        default: false
    dialect: 3.17.0/python2
  register: nova

- name: Show the effective value and where it comes from
  ansible.builtin.debug:
    msg: "{{ nova.options[0].effective }} from {{ nova.options[0].origin }}"
'''

RETURN = r'''
files:
  description: The files in the order in which they were read.
  returned: success
  type: list
  elements: str
  sample: [/etc/nova/nova.conf]
assignments:
  description: Every assignment that O(options) match, in the order of reading.
  returned: success
  type: list
  elements: dict
  contains:
    group:
      description: The section as oslo.config compares it.
      type: str
      sample: glance
    option:
      description: The option as it is spelled.
      type: str
      sample: use_glance_v1
    raw:
      description: The text after the C(=) or C(:), with lines that continue it; a secret is masked.
      type: str
      sample: "false"
    file:
      description: The file.
      type: str
      sample: /etc/nova/nova.conf
    line:
      description: The line, counted from 1.
      type: int
      sample: 3021
options:
  description: The options of O(schema), resolved.
  returned: success
  type: list
  elements: dict
  contains:
    group:
      description: The group.
      type: str
      sample: glance
    name:
      description: The name.
      type: str
      sample: use_glance_v1
    status:
      description:
        - V(set) by a file or the environment, V(default), or V(refused), which means that the service gets an error in place
          of a value.
      type: str
      sample: set
    effective:
      description: The value that the service gets, of the option's type; null where there is none. A secret is masked.
      type: raw
      sample: false
    raw:
      description: The text that the value was made from, a list of texts for an option of several values, or null.
      type: raw
      sample: "false"
    origin:
      description: C(file:line) or C(environment NAME), or null.
      type: str
      sample: /etc/nova/nova.conf:3021
    reason:
      description: Why oslo.config refuses the value; empty otherwise.
      type: str
      sample: ""
'''

import fnmatch

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_text
from ansible_collections.stackops.glance.plugins.module_utils import _files, _oslo_ini
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, Set
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

TYPES = ['string', 'boolean', 'integer', 'port', 'float', 'list', 'dict', 'multistring', 'multi', 'ip', 'hostname', 'hostaddress',
         'hostdomain']
ITEM_TYPES = [name for name in TYPES if not name.startswith('multi')]


def look(module):
    # type: (AnsibleModule) -> Dict[str, Any]
    parameters = module.params
    if not (parameters['config_files'] or parameters['config_dirs']):
        raise GlanceError('Neither config_files nor config_dirs names anything to read. Give at least one file or directory.')
    dialect = _oslo_ini.dialect(parameters['dialect'])
    found = _oslo_ini.load(parameters['config_files'], parameters['config_dirs'], dialect)
    schema = [_schema_option(option) for option in parameters['schema']]
    named = set((option['group'], option['name'].replace('-', '_')) for option in schema if option['secret'])
    secrets = set(value['raw'] for value in found.values
                  if _files.is_secret(value['option']) or (value['group'], value['option']) in named)
    environment = dict((to_text(name), to_text(value, nonstring='simplerepr'))
                       for name, value in parameters['environment'].items() if name.startswith('OS_'))
    patterns = [_pattern(pattern, dialect) for pattern in parameters['options']]
    wanted = [value for value in found.values
              if any(fnmatch.fnmatchcase('%s/%s' % (value['group'], value['option']), pattern) for pattern in patterns)]
    return {
        'files': found.files,
        'assignments': [dict(value, raw=_masked(value['option'], value['raw'], secrets)) for value in wanted],
        'options': [_answer(option, _oslo_ini.resolve(found.values, option, environment, schema, dialect), secrets)
                    for option in schema],
    }


def _schema_option(option):
    # type: (Dict[str, Any]) -> Dict[str, Any]
    """The option as ``resolve`` wants it: texts as texts, whole bounds for whole numbers, nothing that is left out."""
    found = dict((key, _texts(value)) for key, value in option.items() if value is not None)
    if found['type'] in ('integer', 'port'):
        found.update((key, int(found[key])) for key in ('min', 'max') if key in found)
    return found


def _texts(value):
    # type: (Any) -> Any
    if isinstance(value, (bytes, str)):
        return to_text(value)
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, dict):
        return dict((_texts(key), _texts(item)) for key, item in value.items())
    return value


def _pattern(pattern, dialect):
    # type: (str, _oslo_ini.Dialect) -> str
    group, slash, option = to_text(pattern).partition(u'/')
    if not slash:
        raise GlanceError('%s is no pattern of an option. Write section/option, such as DEFAULT/debug or glance/*.' % pattern)
    return u'%s/%s' % (dialect.key(group), option)


def _answer(option, answer, secrets):
    # type: (Dict[str, Any], Dict[str, Any], Set[str]) -> Dict[str, Any]
    name = option['name']
    shown = dict(answer, group=option['group'], name=name)
    if (option['secret'] or _files.is_secret(name)) and answer['raw'] is not None:
        shown.update((key, _files.MASK) for key in ('raw', 'effective') if answer[key] is not None)
        if answer['reason']:
            shown['reason'] = '%s: the value, a secret, does not fit its type or refers to what is not known.' % answer['origin']
        return shown
    for key in ('raw', 'effective', 'reason'):
        shown[key] = _masked(name, answer[key], secrets)
    return shown


def _masked(name, value, secrets):
    # type: (str, Any, Set[str]) -> Any
    """A value without what is secret in it, also what another option's secret became by substitution."""
    if isinstance(value, list):
        return [_masked(name, item, secrets) for item in value]
    if isinstance(value, dict):
        return dict((_masked(name, key, secrets), _masked(to_text(key), item, secrets)) for key, item in value.items())
    if not isinstance(value, (bytes, str, u''.__class__)):
        return value
    if value in secrets:
        return _files.MASK if value else value
    # A short secret would blot out half of every text.
    return _files.mask(name, value, [secret for secret in secrets if len(secret) > 3])


def main():
    # type: () -> None
    texts = {'type': 'list', 'elements': 'str', 'default': []}
    paths = {'type': 'list', 'elements': 'path', 'default': []}
    module = AnsibleModule(
        argument_spec={
            'config_files': paths,
            'config_dirs': paths,
            'options': {'type': 'list', 'elements': 'str', 'default': ['*/*']},
            'schema': {'type': 'list', 'elements': 'dict', 'default': [], 'options': {
                'group': {'type': 'str', 'default': 'DEFAULT'},
                'name': {'type': 'str', 'required': True},
                'type': {'type': 'str', 'default': 'string', 'choices': TYPES},
                'item_type': {'type': 'str', 'default': 'string', 'choices': ITEM_TYPES},
                'default': {'type': 'raw'},
                'deprecated': texts,
                'choices': {'type': 'list', 'elements': 'raw'},
                'ignore_case': {'type': 'bool', 'default': False},
                'min': {'type': 'float'},
                'max': {'type': 'float'},
                'max_length': {'type': 'int'},
                'min_length': {'type': 'int'},
                'regex': {'type': 'str'},
                'quotes': {'type': 'bool', 'default': False},
                'bounds': {'type': 'bool', 'default': False},
                'ip_version': {'type': 'int', 'choices': [4, 6]},
                'secret': {'type': 'bool', 'default': False, 'no_log': False},
            }},
            'environment': {'type': 'dict', 'default': {}},
            'dialect': {'type': 'str', 'default': 'newest'},
        },
        supports_check_mode=True,
    )
    try:
        result = look(module)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(changed=False, **result)


if __name__ == '__main__':
    main()
