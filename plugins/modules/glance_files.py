#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_files
short_description: Replace several files of a host, all of them or none
version_added: 0.1.0
description:
  - Writes files whose new content somebody else has decided, and options of oslo.config files along with them. Modules such
    as M(stackops.glance.glance_policy) decide on the control node and write with this one.
  - Every file is looked at before the first is written. Where one is not what O(files[].sha256) says, nothing is written.
  - Each file is replaced in one step that keeps its owner, mode and SELinux context. When writing one fails, those before
    it are put back.
extends_documentation_fragment:
  - stackops.glance.attributes
  - stackops.glance.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Options that look secret, and passwords in URLs, are masked.
  idempotent:
    support: full
options:
  files:
    description: The files, in the order in which they are written. Each may be named once.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The file. A symbolic link stays a link, and the file that it leads to is replaced.
        type: path
        required: true
      content:
        description: All that the file shall hold, as text. It is written as UTF-8.
        type: str
      options:
        description: Options to set or remove in the file instead, as M(stackops.glance.oslo_config) takes them.
        type: list
        elements: dict
        suboptions:
          section:
            description: The section.
            type: str
            default: DEFAULT
          option:
            description: The option.
            type: str
            required: true
          value:
            description: The value. Do not put secrets here.
            type: str
          state:
            description: Whether the option is set or removed.
            type: str
            choices: [present, absent]
            default: present
      state:
        description: Whether the file is there or not.
        type: str
        choices: [present, absent]
        default: present
      sha256:
        description:
          - The SHA-256 of the file as it was when its new content was decided; empty when there was none.
          - Left out, it is not compared.
        type: str
      like:
        description: A file whose owner and mode this one gets where it is new. Without it, a new file is root's and 0640.
        type: path
  backup:
    description: Whether to keep a copy of each changed file beside it.
    type: bool
    default: false
seealso:
  - module: stackops.glance.oslo_config
  - module: stackops.glance.glance_policy
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Write a policy file and name it, both or neither
  stackops.glance.glance_files:
    files:
      - path: /etc/glance/policy.yaml
        content: |
          "default": "role:admin"
        like: /etc/glance/glance-api.conf
      - path: /etc/glance/glance-api.conf
        options:
          - section: oslo_policy
            option: policy_file
            value: policy.yaml
'''

RETURN = r'''
files:
  description: The files that were changed, or would be.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file as it was asked for.
      type: str
      sample: /etc/glance/policy.yaml
    before:
      description: The SHA-256 of what it held; empty when it was not there.
      type: str
    after:
      description: The SHA-256 of what it holds, or would; empty when it is gone.
      type: str
backup_files:
  description: Copies of the files as they were.
  returned: success
  type: list
  elements: str
'''

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible_collections.stackops.glance.plugins.module_utils import _files, _oslo_edit, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Any, Dict, List, Optional
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass


class File:
    """One file: what it holds and what it shall hold; None where it is not there."""

    def __init__(self, asked):
        # type: (Dict[str, Any]) -> None
        self.path = asked['path']
        self.like = asked['like']
        self.before = _files.found(self.path)
        self._compare(asked['sha256'])
        if asked['state'] == 'absent':
            self.after = None  # type: Optional[bytes]
        elif asked['options'] is not None:
            if self.before is None:
                raise GlanceError('%s does not exist, so no option can be set in it. Check the path.' % self.path, path=self.path)
            self.after = _oslo_edit.edit(self.before, [_request(item) for item in asked['options']], self.path)
        else:
            self.after = to_bytes(asked['content'])

    def _compare(self, expected):
        # type: (Optional[str]) -> None
        found = _files.digest(self.before)
        if expected is not None and expected != found:
            raise GlanceError('%s is not what was looked at: %s. Somebody changed it meanwhile, or it holds a password that was '
                              'masked on its way. Nothing was written; run the task again.' % (
                                  self.path, 'it is gone' if not found else
                                  'it was not there then' if not expected else 'its content has another hash'), path=self.path)

    @property
    def changed(self):
        # type: () -> bool
        return self.before != self.after


def _request(item):
    # type: (Dict[str, Any]) -> Dict[str, Any]
    request = {'section': to_text(item['section']), 'option': to_text(item['option'])}  # type: Dict[str, Any]
    request.update({'state': 'absent'} if item['state'] == 'absent' else {'values': [to_text(item['value'])]})
    return request


def replace(module):
    # type: (AnsibleModule) -> Dict[str, Any]
    asked = module.params['files']
    paths = [os.path.realpath(item['path']) for item in asked]
    twice = [path for path in paths if paths.count(path) > 1]
    if twice:
        raise GlanceError('%s is named twice. Name each file once.' % twice[0], path=twice[0])
    files = [each for each in [File(item) for item in asked] if each.changed]
    result = {
        'changed': bool(files), 'backup_files': [],
        'files': [{'path': each.path, 'before': _files.digest(each.before), 'after': _files.digest(each.after)} for each in files],
    }  # type: Dict[str, Any]
    if module._diff:
        result['diff'] = [_files.diff(each.path, each.before or b'', each.after or b'') for each in files]
    if files and not module.check_mode:
        with _runs.write_guard(module.params['state_dir'], module.params['run_token']):
            for each in files:
                # Whoever held the lock until now may have changed it.
                if _files.found(each.path) != each.before:
                    raise GlanceError('%s was changed by somebody else just now. Run the task again.' % each.path, path=each.path)
            if module.params['backup']:
                result['backup_files'] = [module.backup_local(each.path) for each in files if each.before is not None]
            _write_all(module, files)
    return result


def _write_all(module, files):
    # type: (AnsibleModule, List[File]) -> None
    done = []  # type: List[File]
    try:
        for each in files:
            _files.put(module, each.path, each.after, each.like)
            done.append(each)
    except GlanceError as error:
        stuck = []
        for each in reversed(done):
            try:
                _files.put(module, each.path, each.before, each.like)
            except GlanceError:
                stuck.append(each.path)
        raise GlanceError('%s %s' % (error.message, 'These could not be put back: %s. Compare them with their backups.'
                                     % ', '.join(stuck) if stuck else 'The files written before it were put back.'), **error.details)


def main():
    # type: () -> None
    module = AnsibleModule(
        argument_spec=dict(
            _runs.run_argument_spec(),
            files={
                'type': 'list', 'elements': 'dict', 'required': True,
                'options': {
                    'path': {'type': 'path', 'required': True},
                    'content': {'type': 'str'},
                    'options': {
                        'type': 'list', 'elements': 'dict',
                        'options': {
                            'section': {'type': 'str', 'default': 'DEFAULT'},
                            'option': {'type': 'str', 'required': True},
                            'value': {'type': 'str'},
                            'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
                        },
                        'required_if': [('state', 'present', ('value',))],
                    },
                    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
                    'sha256': {'type': 'str'},
                    'like': {'type': 'path'},
                },
                'mutually_exclusive': [('content', 'options')],
                'required_if': [('state', 'present', ('content', 'options'), True)],
            },
            backup={'type': 'bool', 'default': False},
        ),
        supports_check_mode=True,
    )
    try:
        result = replace(module)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
