# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""A stand-in for the services of Nova 14, as far as Glance sees them; not Nova.

Runs on Python 2.7, as Nova 14 does.
"""
from __future__ import absolute_import, print_function

import itertools
import logging
import os
import signal
import sys
import time

from glanceclient import client as glance_client
from keystoneauth1 import loading
from oslo_config import cfg

LOG = logging.getLogger("nova.standin")
# Seconds between two looks at Glance; SIGURG, which does nothing to a process that is only starting, asks for one now.
INTERVAL = 10.0

# Nova 14.1.0's group [glance]: names, types and defaults.
GLANCE_OPTS = [
    cfg.ListOpt("api_servers"),
    cfg.BoolOpt("api_insecure", default=False),
    cfg.IntOpt("num_retries", default=0, min=0),
    cfg.ListOpt("allowed_direct_url_schemes", default=[]),
    cfg.BoolOpt("use_glance_v1", default=False, deprecated_for_removal=True,
                deprecated_reason="Glance v1 support will be removed in Nova 15"),
    cfg.BoolOpt("verify_glance_signatures", default=False),
    cfg.BoolOpt("debug", default=False),
]


def read_configuration(prog, argv):
    """Read the files as Nova does: those that the command line names, else oslo.config's own search."""
    conf = cfg.ConfigOpts()
    conf.register_cli_opts([cfg.StrOpt("log-file"), cfg.BoolOpt("debug", default=False, mutable=True)])
    conf.register_opts(GLANCE_OPTS, group="glance")
    # Of oslo.service, by which Nova 14 verifies Glance.
    conf.register_opt(cfg.StrOpt("ca_file"), group="ssl")
    loading.register_auth_conf_options(conf, "keystone_authtoken")
    loading.register_session_conf_options(conf, "keystone_authtoken")
    conf(argv, project="nova", prog=prog, version="14.1.0+standin")
    set_up_logging(conf)
    for option in GLANCE_OPTS:
        # A value that oslo.config refuses must end the service now, not at the first request.
        conf.glance[option.name]
    return conf


def set_up_logging(conf):
    logging.basicConfig(filename=conf.log_file, level=logging.DEBUG if conf.debug else logging.INFO,
                        format="%(asctime)s %(process)d %(levelname)s %(name)s [-] %(message)s")
    logging.getLogger("requests").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def clients(conf, version):
    auth = loading.load_auth_from_conf_options(conf, "keystone_authtoken")
    session = loading.load_session_from_conf_options(conf, "keystone_authtoken", auth=auth)
    session.verify = conf.ssl.ca_file or session.verify
    return [glance_client.Client(version, endpoint=server, session=session) for server in conf.glance.api_servers]


def look(glance):
    """What a compute service asks of Glance: a list of images, and one of them."""
    first = next(glance.images.list(page_size=20), None)
    if first is None:
        return "no images"
    return "image %s is %s" % (first.id, glance.images.get(first.id).status)


def work(conf, reload_wanted):
    version = "1" if conf.glance.use_glance_v1 else "2"
    servers = itertools.cycle(zip(conf.glance.api_servers, clients(conf, version)))
    LOG.info("stand-in for Nova 14 started: Images API v%s at %s", version, ", ".join(conf.glance.api_servers))
    while True:
        started = time.time()
        if reload_wanted:
            del reload_wanted[:]
            LOG.info("SIGHUP received")
            # oslo.config itself warns "Ignoring change to immutable option glance.use_glance_v1".
            conf.mutate_config_files()
        for attempt in range(conf.glance.num_retries + 1):
            server, glance = next(servers)
            try:
                LOG.info("Images API v%s at %s: %s", version, server, look(glance))
                break
            except Exception as error:  # a service outlives whatever Glance answers
                LOG.error("Images API v%s at %s, attempt %d of %d: %s: %s", version, server, attempt + 1,
                          conf.glance.num_retries + 1, type(error).__name__, error)
        time.sleep(max(0, INTERVAL - (time.time() - started)))


def main():
    prog = os.path.basename(sys.argv[0])
    reload_wanted = []
    signal.signal(signal.SIGHUP, lambda number, frame: reload_wanted.append(number))
    signal.signal(signal.SIGURG, lambda number, frame: None)
    try:
        conf = read_configuration(prog, sys.argv[1:])
        if not conf.glance.api_servers:
            raise ValueError("[glance] api_servers is not set")
    except (cfg.Error, ValueError, IOError) as error:
        print("%s (stand-in for Nova 14): %s" % (prog, error), file=sys.stderr)
        return 1
    try:
        work(conf, reload_wanted)
    except KeyboardInterrupt:
        return 0
    except Exception:
        LOG.exception("stand-in for Nova 14 ends")
        raise


if __name__ == "__main__":
    sys.exit(main())
