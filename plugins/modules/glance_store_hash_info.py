#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_store_hash_info
short_description: Verify the files of Glance's file stores, and compare the copies in several stores
version_added: 0.1.0
description:
  - Reads every file in the directories of file stores that has an image's id for a name, in blocks of 1 MiB, and holds size and
    hash against what Glance recorded of the image, and against the copies in the other stores that are given.
  - Without O(images) nothing is known of the images, and only copies are compared with one another.
  - Damaged files are a result and never a failure.
extends_documentation_fragment:
  - stackops.glance.slices
  - stackops.glance.attributes.info
options:
  store_paths:
    description:
      - The directories of the stores on this host, by the names that C(enabled_backends) gives them. A value is what the store's
        C(filesystem_store_datadir) says, or a list of the directories in C(filesystem_store_datadirs).
    type: dict
    required: true
  images:
    description:
      - What Glance has recorded of the images, as RV(stackops.glance.image_hash_info#module:images) or the API's own list have
        it. Each needs C(id); C(size), C(os_hash_algo), C(os_hash_value), C(checksum), C(stores) and C(status) count.
      - Give all images of the Glance. A file whose image is not among them is V(file-unknown), and is not read.
    type: list
    elements: dict
  parallel:
    description: How many files to read at the same time, from 1 to 16.
    type: int
    default: 2
  timeout:
    description: Seconds that all of it may take. Files that were not read by then are in RV(left).
    type: int
    default: 3600
seealso:
  - module: stackops.glance.image_hash_info
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: What has Glance recorded? (as administrator)
  stackops.glance.image_hash_info:
    cloud: mycloud
    filters: {}
    verify: false
  delegate_to: localhost
  run_once: true
  register: recorded

- name: Verify every file of two stores
  stackops.glance.glance_store_hash_info:
    store_paths:
      fast: /var/lib/glance/fast
      slow: /var/lib/glance/slow
    images: "{{ recorded.images }}"
    parallel: 4
    timeout: 14400
  register: stored

- name: Stop where copies differ
  ansible.builtin.assert:
    that: stored.counts['stores-disagree'] is not defined
'''

RETURN = r'''
findings:
  description: What is wrong with the files, in words.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description:
        - V(hash-differs), V(size-differs) and V(data-missing) are damage; V(stores-disagree) names all copies of an image.
        - V(not-verified) is a file that could not be read, V(file-unknown) one that belongs to no image of O(images).
      type: str
    image: {description: The image's id., type: str}
    name: {description: "The image's name, where it is known.", type: str}
    store: {description: The store., type: str}
    path: {description: The file., type: str}
    paths: {description: All copies of an image whose stores disagree., type: list, elements: str}
    message: {description: 'What was found, and what was recorded.', type: str}
counts:
  description: How many findings of each kind there are.
  returned: success
  type: dict
  sample: {stores-disagree: 1}
copies:
  description: The files that were read.
  returned: success
  type: list
  elements: dict
  contains:
    image: {description: The image's id., type: str}
    store: {description: The store., type: str}
    path: {description: The file., type: str}
    size: {description: Its size in bytes., type: int}
    algorithm: {description: "The algorithm that it was to be hashed by: the recorded one, else V(sha512).", type: str}
    digest: {description: 'Its hash; null where its size is wrong already, so that it was not read.', type: str}
    verified: {description: Whether it is as recorded; null where nothing is recorded to hold it against., type: bool}
verified:
  description: How many files are as recorded.
  returned: success
  type: int
left:
  description: Paths of files that were not read to the end when the time was up.
  returned: success
  type: list
  elements: str
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _image_hash, _slices, _store_hash
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def known(images):
    """The images by id, None where none are given. Raises GlanceError for one without an id."""
    if images is None:
        return None
    for image in images:
        if not image.get('id'):
            raise GlanceError('images has an entry without an id. Give what image_hash_info returns as images.')
    return dict((image['id'], image) for image in images)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            store_paths={'type': 'dict', 'required': True},
            images={'type': 'list', 'elements': 'dict'},
            parallel={'type': 'int', 'default': 2},
            timeout={'type': 'int', 'default': 3600},
            **_slices.OPTION
        ),
        supports_check_mode=True,
    )
    options = module.params
    piece = _slices.Slice(options['_slice'], options['timeout'])
    try:
        if not 1 <= options['parallel'] <= 16:
            raise GlanceError('parallel is %d; give a number from 1 to 16.' % options['parallel'])
        stores = _store_hash.directories(options['store_paths'])
        images = known(options['images'])
        state = piece.state or _store_hash.work(images, stores)
        done, state['left'] = _store_hash.look(
            state['left'], images or {}, options['parallel'], lambda: _slices.now() >= piece.deadline, lambda: piece.over)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    except EnvironmentError as error:
        module.fail_json(msg='%s: %s.' % (error.filename, error.strerror))
    for copy in done:
        state['findings'] += copy['findings']
        for finding in copy.pop('findings'):
            piece.say(finding['message'])
    state['copies'] += done
    again = bool(state['left']) and _slices.now() < piece.deadline
    if again:
        piece.say('%d files read, %d left' % (len(state['copies']), len(state['left'])))
    findings = state['findings'] + _store_hash.disagreements(state['copies'], images or {})
    module.exit_json(changed=False, **piece.result(
        state if again else None,
        findings=findings,
        counts=_image_hash.counts(findings),
        copies=state['copies'],
        verified=sum(1 for copy in state['copies'] if copy['verified']),
        left=[path for _image, _store, path in state['left']],
    ))


if __name__ == '__main__':
    main()
