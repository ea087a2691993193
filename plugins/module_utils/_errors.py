# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of this collection."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

try:
    from typing import Any
except ImportError:  # Python 2.7 without the typing backport: the name stands in comments only
    pass


class GlanceError(Exception):
    """What went wrong, for the operator.

    The message is one paragraph that names the object (file and line, option, what was found, what was wanted) and the
    next step. A module ends with ``module.fail_json(msg=error.message, **error.details)``.
    """

    def __init__(self, message, **details):
        # type: (str, **Any) -> None
        super(GlanceError, self).__init__(message)
        self.message = message
        self.details = details
