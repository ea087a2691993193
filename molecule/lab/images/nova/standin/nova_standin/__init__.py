# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""A stand-in for Nova 14; not Nova."""
