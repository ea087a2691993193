# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Run by a release's own Python: what its glance_store makes of a file, as JSON.
# ask_stores.py FILE: {"stores": {STORE: {OPTION: value}}, "unknown": [STORE/OPTION], "default": STORE, "staging": DIRECTORY}
import json
import os
import sys

import glance_store
from glance.common import config
from glance_store import driver
from oslo_config import cfg


def main(path):
    conf = cfg.CONF
    try:
        conf.import_opt("enabled_backends", "glance.common.wsgi")
    except cfg.NoSuchOptError:  # where it is registered in newer releases
        conf.import_opt("enabled_backends", "glance.common.config")
    config.parse_args(args=[], default_config_files=[path])
    stores = dict(conf.enabled_backends)
    glance_store.register_store_opts(
        conf, reserved_stores={"os_glance_staging_store": "file", "os_glance_tasks_store": "file"}
    )
    sections = {}
    cfg.ConfigParser(path, sections).parse()
    answer = {"stores": {}, "unknown": [], "default": conf.glance_store.default_backend}
    answer["staging"] = conf.os_glance_staging_store.filesystem_store_datadir
    for store in stores:
        conf.register_opts(driver._MULTI_BACKEND_OPTS, group=store)
        answer["stores"][store] = {}
        for name in sections.get(store, {}):
            if name not in conf._groups[store]._opts:
                answer["unknown"].append("%s/%s" % (store, name))
                continue
            answer["stores"][store][name] = conf[store][name]
    os.write(1, ("\n" + json.dumps(answer)).encode("ascii"))


main(sys.argv[1])
