# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules that work on one image are told which."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  image:
    description:
      - The image, by its id or by its name within the project O(owner).
      - Several images of that name are an error which lists them.
    type: str
    required: true
    aliases: [id, name]
  owner:
    description:
      - The project that owns the image, by id or by name; a name needs the right to list projects in Keystone.
      - Left out, the project of the credentials.
    type: str
  endpoint:
    description: Root address of the Images API, as that of a single Glance host. Left out, the catalogue's address.
    type: str
"""
