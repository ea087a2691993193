# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Both releases, started once for all files: they import in every way, from each other as well, and read from the web."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lablib import trial, web

HOSTS = ("glance25", "glance33")
#: Glance fetches from port 80 and 443 alone unless it is told more, and takes a lock to hash what a location holds.
_CONFIGURE = f"""set -e
sed -i -e 's/^enabled_backends *=.*/enabled_backends = fast:file,slow:file,web:http/' \
    -e 's/^enabled_import_methods.*/enabled_import_methods = [glance-direct,web-download,copy-image,glance-download]/' \
    {trial.GLANCE_CONF}
install -d -o glance /var/lib/glance/locks
cat >>{trial.GLANCE_CONF} <<END

[import_filtering_opts]
allowed_ports = [80,443,9292]
[web]
[oslo_concurrency]
lock_path = /var/lib/glance/locks
END
"""


@pytest.fixture(scope="session", autouse=True)
def hosts() -> Iterator[None]:
    with trial.joined(*HOSTS), web.serving():
        for host in HOSTS:
            trial.sh(host, _CONFIGURE)
        trial.restarted(*HOSTS)
        yield
