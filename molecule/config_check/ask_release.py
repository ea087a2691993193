# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Run by each release's own Python, 2.7 among them: what its own oslo.config makes of files, as JSON.
# ask_release.py FILE...: {FILE: {"unknown": [...], "older": [...], "refused": [...]}, "missing": [drivers that cannot load]}
import json
import os
import sys

import stevedore
from oslo_config import cfg

NAMESPACES = (
    "glance.api",
    "glance.store",
    "glance.multi_store",
    "keystonemiddleware.auth_token",
    "oslo.concurrency",
    "oslo.messaging",
    "oslo.middleware.cors",
    "oslo.middleware.http_proxy_to_wsgi",
    "oslo.middleware.healthcheck",
    "oslo.db",
    "oslo.db.concurrency",
    "oslo.policy",
    "oslo.log",
    "oslo.limit",
    "osprofiler",
    "castellan.config",
    "os_brick",
    "oslo.reports",
)


def registered(missing):
    conf = cfg.ConfigOpts()
    conf._check_required_opts = lambda namespace=None: None  # of services that a plain Glance does not call
    older = {}
    manager = stevedore.ExtensionManager(
        "oslo.config.opts", on_load_failure_callback=lambda _manager, point, _error: missing.append(point.name)
    )
    defaults = stevedore.ExtensionManager("oslo.config.opts.defaults")
    for extension in defaults:
        if extension.name in NAMESPACES:
            extension.plugin()
    missing.extend(name for name in NAMESPACES if name not in manager.names())
    for module in ("boto3", "os_brick"):  # without which the stores s3 and cinder give no options
        try:
            __import__(module)
        except ImportError:
            missing.append(module)
    for extension in manager:
        if extension.name not in NAMESPACES:
            continue
        for group, options in extension.plugin():
            name = getattr(group, "name", group) or "DEFAULT"
            for option in options:
                try:
                    conf.register_opt(option, None if name == "DEFAULT" else name)
                except cfg.DuplicateOptError:
                    pass
                for old in option.deprecated_opts:
                    older[old.group or name, (old.name or option.name).replace("-", "_")] = "%s/%s" % (
                        name,
                        option.dest,
                    )
    return conf, older


def asked(conf, older, path):
    sections = {}
    cfg.ConfigParser(path, sections).parse()
    conf(args=[], default_config_files=[path], default_config_dirs=[])
    found = {"known": [], "unknown": [], "older": [], "refused": []}
    for group, options in sections.items():
        for name in options:
            known = conf if group == "DEFAULT" else conf._groups.get(group)
            label = "%s/%s" % (group, name)
            if known is None or name not in known._opts:
                found["older" if (group, name) in older else "unknown"].append(label)
                continue
            found["known"].append(label)
            try:
                conf[name] if group == "DEFAULT" else conf[group][name]
            except Exception:
                found["refused"].append(label)
    return found


def main():
    missing = []
    conf, older = registered(missing)
    answer = dict((path, asked(conf, older, path)) for path in sys.argv[1:])
    answer["missing"] = missing
    sys.stdout.flush()
    os.write(1, ("\n" + json.dumps(answer)).encode("ascii"))


main()
