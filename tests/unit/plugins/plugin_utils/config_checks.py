# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveyed services made of texts, for the tests of the configuration check."""

from __future__ import annotations

from ansible_collections.stackops.glance.plugins.module_utils import _oslo_ini
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue

CONF, PASTE, POLICY = (f"/etc/glance/{name}" for name in ("glance-api.conf", "glance-api-paste.ini", "policy"))

#: Enough of a paste file for Glance to start with.
PIPELINES = "[composite:glance-api]\n[composite:glance-api-keystone]\n[composite:glance-api-keystone+caching]\n"


def surveyed(
    text="", prog="glance-api", *, files=None, paste=PIPELINES, policy=None, named=None, command="", crons=(), **more
):
    """What a survey brings of a service with this configuration; ``policy`` is a text, by the name of its file."""
    project = prog.split("-")[0]
    path = CONF if project == "glance" else "/etc/nova/nova.conf"
    texts = {path: text, **(files or {})}
    values = [
        {"group": entry.group, "option": entry.option, "raw": entry.raw, "file": file, "line": entry.line}
        for file, content in texts.items()
        for entry in _oslo_ini.parse(content.encode(), file).entries
    ]
    unit = {"name": prog, "argv": command.split(), "active_state": "active", "restart_pending": False}
    unit.update(config_files=list(texts), config_dirs=[])
    found = {name: {"file": f"{POLICY}.{name}", "name": f"policy.{name}", "error": None, "text": content}
             for name, content in (policy or {}).items()}  # fmt: skip
    document = {"named": named, "files": list(found.values()), "overlays": []} if found or named else None
    flavor = next((value["raw"] for value in values if value["option"] == "flavor"), None)
    return {
        "project": project, "prog": prog, "environment": {}, "oslo_config": "99", "assignments": values, "error": None,
        "config_files": list(texts), "config_dirs": [], "config_origin": "unit", "units": [unit] if command else [],
        "files": [{"path": each} for each in texts], "restart_pending": False, "policy": document,
        "paste": {"file": PASTE, "text": paste, "error": None, "flavor": flavor} if project == "glance" else None,
        "crons": [{"file": "/etc/crontab", "line": 3, "program": program} for program in crons],
        "release": None, **more,
    }  # fmt: skip


def release(text, project="glance"):
    return None if text is None else _catalogue.release(project, text)
