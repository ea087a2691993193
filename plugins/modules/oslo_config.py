#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: oslo_config
short_description: Set and remove options in an oslo.config file
version_added: 0.1.0
description:
  - Sets and removes any number of options in one call and one atomic write.
  - Whatever was not asked for keeps every byte. Comments, order, blank lines, line ends, the encoding, and the owner,
    mode and SELinux context of the file stay as they are.
  - A new option stands below its commented-out default (C(#option = x) in the right section) if there is one, or else at
    the end of its section. A new section stands at the end of the file.
  - The result is read again as oslo.config reads it, on Python 2 and on Python 3. Where it would not hold exactly what was
    asked for, or would change anything else, nothing is written and the module fails.
  - A file that oslo.config itself refuses is not touched; the message names the line.
  - Services read their files when they start. This module restarts nothing.
extends_documentation_fragment:
  - ansible.builtin.files
  - stackops.glance.attributes
  - stackops.glance.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Values of options that look secret, passwords in URLs and everything given as O(options[].secret_value) are masked,
        old values included. Where nothing but a secret changed, the line says C((changed)).
  idempotent:
    support: full
options:
  path:
    description:
      - The file to change. A symbolic link stays a link, and the file that it leads to is changed.
    type: path
    required: true
  options:
    description: The options to set or remove. Each may be named once.
    type: list
    elements: dict
    required: true
    suboptions:
      section:
        description:
          - The section. Upper and lower case are the same to oslo.config, except that V(DEFAULT) must be in upper case.
        type: str
        default: DEFAULT
      option:
        description:
          - The option. Upper and lower case differ. Dashes are written as underscores, the only way that oslo.config reads
            them.
          - With O(options[].state=absent), a line that has the dashes is removed, too.
        type: str
        required: true
      value:
        description:
          - The value. A list is written as one value with commas, a dictionary as C(key:value) pairs with commas, a
            boolean as V(true) or V(false).
          - Text is written so that oslo.config reads exactly it. It is put in quotes where white space or quotes would
            get lost, and line breaks become indented lines. Substitution is left to oslo.config, see O(options[].literal).
          - Do not put secrets here. Ansible writes arguments to the system log of the managed host.
        type: raw
      values:
        description:
          - The values of an option that is given several times, in their order. The option then has these values and no
            others.
        type: list
        elements: raw
      secret_value:
        description: A value that is shown nowhere.
        type: str
      renamed_from:
        description:
          - An older name of the option, as C(section/option). The option takes over its values, as they are written there, and
            the older name goes. Nothing changes where the older name is not set.
          - The values never leave the host, so this is also the way to rename a secret.
        type: str
      literal:
        description:
          - Whether C($) stands for itself. oslo.config replaces C($name) with the value of that option; with V(true), each
            C($) of the value is escaped so that it comes out as it went in. Passwords want that.
        type: bool
        default: false
      state:
        description:
          - V(present) gives the option its value, V(absent) removes every line of it in every section of that name.
        type: str
        choices: [present, absent]
        default: present
  create:
    description:
      - Whether to make the file when it does not exist. Its directory must exist. Give O(mode), O(owner) and O(group), too.
    type: bool
    default: false
  backup:
    description: Whether to keep a copy of the file as it was, beside it and with the same mode and owner.
    type: bool
    default: false
seealso:
  - module: stackops.glance.oslo_config_info
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Switch Glance to version 2 of its API
  stackops.glance.oslo_config:
    path: /etc/glance/glance-api.conf
    options:
      - option: enable_v2_api
        value: true
      - option: enable_v1_api
        value: false
      - section: glance_store
        option: stores
        value: [file, http]
      - section: database
        option: connection
        secret_value: "mysql+pymysql://glance:{{ glance_database_password }}@db.example.org/glance"
      - section: keystone_authtoken
        option: password
        secret_value: "{{ glance_service_password }}"
        literal: true
    backup: true
  notify: Restart Glance

- name: An option that is given several times, and one that goes
  stackops.glance.oslo_config:
    path: /etc/nova/nova.conf
    options:
      - section: pci
        option: alias
        values:
          - '{"name": "a1", "product_id": "0443", "vendor_id": "8086"}'
          - '{"name": "a2", "product_id": "0444", "vendor_id": "8086"}'
      - section: glance
        option: use_glance_v1
        state: absent
'''

RETURN = r'''
path:
  description: The file, symbolic links followed.
  returned: success
  type: str
  sample: /etc/glance/glance-api.conf
options:
  description: The options that were changed, or would be. An option that was right already is not among them.
  returned: success
  type: list
  elements: dict
  contains:
    section:
      description: The section as it was asked for.
      type: str
      sample: glance_store
    option:
      description: The option as it stands in the file.
      type: str
      sample: stores
    before:
      description: The values it had, in the order of the file; empty when it was not set. Secrets are masked.
      type: list
      elements: str
      sample: ["file"]
    after:
      description: The values it has, or would have; empty when it was removed. Secrets are masked.
      type: list
      elements: str
      sample: ["file,http"]
    origins:
      description: Where its values stand, as C(file:line). For a removed option, where they stood.
      type: list
      elements: str
      sample: ["/etc/glance/glance-api.conf:1921"]
backup_file:
  description: The copy of the file as it was.
  returned: O(backup=true) and the file was changed
  type: str
  sample: /etc/glance/glance-api.conf.4711.2026-11-21@09:12:33~
'''

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_text
from ansible_collections.stackops.glance.plugins.module_utils import _files, _oslo_edit, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._oslo_parse import Parsed

try:
    from typing import Any, Dict, List, Optional, Set, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

FORMS = ('value', 'values', 'secret_value', 'renamed_from')


class Change:
    """One option as it was asked for, its values as texts."""

    def __init__(self, item):
        # type: (Dict[str, Any]) -> None
        self.section = to_text(item['section'])
        self.option = to_text(item['option'])
        self.absent = item['state'] == 'absent'
        self.secret = item['secret_value'] is not None or _files.is_secret(self.option)
        self.hidden = item['secret_value'] is not None
        self.item = item
        if self.absent or item['renamed_from'] is not None:
            values = []  # type: List[Any]
        elif item['values'] is not None:
            values = item['values']
        else:
            values = [item['secret_value'] if self.hidden else item['value']]
        self.values = [_text(value) for value in values]
        if item['literal']:
            self.values = [_oslo_edit.literal(value) for value in self.values]

    def key(self, parsed):
        # type: (Parsed) -> Tuple[str, str]
        """Group and option as oslo.config compares them."""
        return parsed.dialect.key(self.section), self.option.replace(u'-', u'_')

    def request(self):
        # type: () -> Dict[str, Any]
        request = {'section': self.section, 'option': self.option}  # type: Dict[str, Any]
        request.update({'state': 'absent'} if self.absent else {'values': self.values})
        return request

    def shown(self, values):
        # type: (List[str]) -> List[str]
        return [_files.MASK if self.secret and value else _files.mask(self.option, value) for value in values]


def _text(value):
    # type: (Any) -> str
    """A value of YAML as oslo.config wants to read it."""
    if isinstance(value, bool):
        return to_text(str(value).lower())
    if isinstance(value, (list, tuple)):
        parts = [_text(item) for item in value]
    elif isinstance(value, dict):
        parts = [u'%s:%s' % (_text(key), _text(item)) for key, item in value.items()]
    else:
        return to_text(u'' if value is None else value, nonstring='simplerepr')
    if any(u',' in part for part in parts):
        raise GlanceError('A list or dictionary cannot be written because one of its parts has a comma in it, where oslo.config '
                          'would divide it. Give the value as one text, in the way its option wants commas quoted.')
    return u','.join(parts)


def change(module):
    # type: (AnsibleModule) -> Dict[str, Any]
    path = module.params['path']
    changes = [Change(item) for item in module.params['options']]
    secrets = _keep_secret(module, changes)
    before = _before(module, path)
    changes = _renamed(changes, _oslo_edit.parse_any(before or b'', path), path)
    after = _oslo_edit.edit(before or b'', [item.request() for item in changes], path)
    old, new = (_oslo_edit.parse_any(data, path) for data in (before or b'', after))
    result = {'path': os.path.realpath(path), 'changed': before != after,
              'options': _report(path, changes, old, new)}  # type: Dict[str, Any]
    if module._diff:
        raws = old.raws()
        for item in changes:
            if item.secret:
                secrets.update(raws.get(item.key(old), []))
        result['diff'] = [_files.diff(path, before or b'', after, secrets)]
    _warn_of_lookalikes(module, path, changes, new)
    if module.check_mode:
        return _attributes(module, path, result) if before is not None else result
    if before != after:
        with _runs.write_guard(module.params['state_dir'], module.params['run_token']):
            # Whoever held the lock until now may have changed the file.
            if _before(module, path) != before:
                raise GlanceError('%s was changed by somebody else just now. Run the task again.' % path, path=path)
            if module.params['backup'] and before is not None:
                result['backup_file'] = module.backup_local(path)
            private = 0o600 if before is None and module.params['mode'] is not None else None
            _files.write(module, path, after, mode=private, unsafe_writes=module.params['unsafe_writes'])
    return _attributes(module, path, result)


def _before(module, path):
    # type: (AnsibleModule, str) -> Optional[bytes]
    """The bytes of the file, or None where one is to be made."""
    if os.path.lexists(path) or not module.params['create']:
        return _files.read(path)
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise GlanceError('%s cannot be made: its directory does not exist. Make the directory first.' % path, path=path)
    return None


def _renamed(changes, parsed, path):
    # type: (List[Change], Parsed, str) -> List[Change]
    """The same changes, with the values of older names found and those names gone."""
    raws = parsed.raws()
    expanded = []
    for item in changes:
        if item.item['renamed_from'] is None or item.absent:
            expanded.append(item)
            continue
        section, _slash, option = to_text(item.item['renamed_from']).rpartition(u'/')
        older = Change(dict(item.item, section=section or item.section, option=option, state='absent'))
        item.values = raws.get(older.key(parsed), [])
        if not item.values:
            continue
        if item.key(parsed) in raws:
            raise GlanceError('%s: %s/%s is set, and so is its older name %s. Take one of them out.' % (
                path, item.section, item.option, item.item['renamed_from']), path=path)
        item.secret = item.secret or older.secret
        expanded.extend([item, older])
    return expanded


def _keep_secret(module, changes):
    # type: (AnsibleModule, List[Change]) -> Set[str]
    """Everything that must not be shown, also what is secret by its name or within a URL but came as ``value``."""
    secrets = set()
    for item in changes:
        for value in item.values:
            found = set([value]) if item.secret else set(_files.passwords_in(value))
            secrets.update(found)
            if found and value and not item.hidden:
                module.no_log_values.update(found)
                module.warn('%s/%s looks like a secret. Give it as secret_value: Ansible writes other arguments to the system log '
                            'of the managed host.' % (item.section, item.option))
    return secrets


def _report(path, changes, before, after):
    # type: (str, List[Change], Parsed, Parsed) -> List[Dict[str, Any]]
    old, new = _places(before), _places(after)
    report = []
    for item in changes:
        group, name = item.key(before)
        names = [name, item.option] if item.absent and item.option != name else [name]
        for name in names:
            had, has = old.get((group, name), []), new.get((group, name), [])
            if [raw for _line, raw in had] != [raw for _line, raw in has]:
                report.append({
                    'section': item.section, 'option': name,
                    'before': item.shown([raw for _line, raw in had]), 'after': item.shown([raw for _line, raw in has]),
                    'origins': ['%s:%d' % (path, line) for line, _raw in has or had],
                })
    return report


def _places(parsed):
    # type: (Parsed) -> Dict[Tuple[str, str], List[Tuple[int, str]]]
    places = {}  # type: Dict[Tuple[str, str], List[Tuple[int, str]]]
    for entry in parsed.entries:
        places.setdefault((entry.group, entry.option), []).append((entry.line, entry.raw))
    return places


def _warn_of_lookalikes(module, path, changes, parsed):
    # type: (AnsibleModule, str, List[Change], Parsed) -> None
    """A misspelt line has no effect, and somebody surely thinks that it has."""
    wanted = dict(((_alike(item.section), _alike(item.option)), item) for item in changes if not item.absent)
    for entry in parsed.entries:
        item = wanted.get((_alike(entry.group), _alike(entry.option)))
        if item and (entry.group, entry.option) != item.key(parsed):
            module.warn('%s:%d: [%s] %s is not %s/%s to oslo.config, which compares names exactly. The line was left alone.' % (
                path, entry.line, entry.group, entry.option, item.section, item.option))


def _alike(name):
    # type: (str) -> str
    return name.strip().lower().replace(u'-', u'_')


def _attributes(module, path, result):
    # type: (AnsibleModule, str, Dict[str, Any]) -> Dict[str, Any]
    """Owner, mode, SELinux context and attributes, as far as they are asked for."""
    arguments = module.load_file_common_arguments(module.params, path=os.path.realpath(path))
    attributes = {}  # type: Dict[str, Any]
    result['changed'] = module.set_fs_attributes_if_different(arguments, result['changed'], diff=attributes)
    if module._diff and attributes.get('before') != attributes.get('after'):
        result['diff'].append(dict(attributes, before_header='%s (attributes)' % path, after_header='%s (attributes)' % path))
    return result


def main():
    # type: () -> None
    module = AnsibleModule(
        argument_spec=dict(
            _runs.run_argument_spec(),
            path={'type': 'path', 'required': True},
            options={
                'type': 'list', 'elements': 'dict', 'required': True,
                'options': {
                    'section': {'type': 'str', 'default': 'DEFAULT'},
                    'option': {'type': 'str', 'required': True},
                    'value': {'type': 'raw'},
                    'values': {'type': 'list', 'elements': 'raw'},
                    'secret_value': {'type': 'str', 'no_log': True},
                    'renamed_from': {'type': 'str'},
                    'literal': {'type': 'bool', 'default': False},
                    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
                },
                'mutually_exclusive': [FORMS],
                'required_if': [('state', 'present', FORMS, True)],
            },
            create={'type': 'bool', 'default': False},
            backup={'type': 'bool', 'default': False},
        ),
        add_file_common_args=True,
        supports_check_mode=True,
    )
    try:
        result = change(module)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
