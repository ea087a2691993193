# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The lab: a small OpenStack that still speaks Images API v1, in containers."""
