# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _scheduled


@pytest.fixture
def host(tmp_path, monkeypatch):
    """The directories that are looked into, below a temporary one."""
    for name in ("cron.d", "systemd/timers.target.wants", "systemd/transient", "bin"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(_scheduled, "CRON_FILES", (str(tmp_path / "crontab"),))
    monkeypatch.setattr(_scheduled, "CRON_DIRECTORIES", (str(tmp_path / "cron.d"), str(tmp_path / "none")))
    units = (str(tmp_path / "systemd"), str(tmp_path / "systemd/transient"))
    monkeypatch.setattr(_scheduled, "UNIT_DIRECTORIES", units)
    return tmp_path


def found(host):
    return [
        (each["file"].replace(f"{host}/", ""), each["line"], each["program"], each["calls_v1"])
        for each in _scheduled.find()
    ]


def test_crontabs(host):
    (host / "crontab").write_text(
        "# 1 1 * * * root glance-replicator\n"
        "0 3 * * 0 glance /opt/glance/bin/glance-replicator livecopy a:9292 b:9292 # each week\n"
        "0 4 * * * root my-glance-replicator; glance-cache-manage list-cached\n"
    )
    (host / "cron.d" / "billing").write_text(
        "0 4 * * * root curl -s http://images:9292/v1/images/detail | bill\n"
        "0 5 * * * root glance --os-image-api-version 1 image-list\n"
        "0 6 * * * root OS_IMAGE_API_VERSION=1 glance image-list\n"
        "0 7 * * * root glance --os-image-api-version 2 image-list; curl http://heat:8004/v1/stacks\n"
    )
    assert found(host) == [
        ("crontab", 2, "glance-replicator", False),
        ("crontab", 3, "glance-cache-manage", False),
        ("cron.d/billing", 1, "billing", True),
        ("cron.d/billing", 2, "billing", True),
        ("cron.d/billing", 3, "billing", True),
    ]


def test_scripts_that_they_run(host):
    for name, head in (("bill", "#!/bin/sh\n"), ("bill.py", ""), ("binary", "\x7fELF")):
        (host / "bin" / name).write_text(f"{head}get http://images/v1/images\n")
    (host / "crontab").write_text(
        "".join(f"1 1 * * * root {host}/bin/{name}\n" for name in ("bill", "bill.py", "binary"))
    )
    assert found(host) == [("bin/bill", 2, "bill", True), ("bin/bill.py", 1, "bill.py", True)]


def test_services_of_timers(host):
    units = host / "systemd"
    (units / "copy.timer").write_text("[Timer]\nOnCalendar=weekly\nUnit=replicate@dc2.service\n")
    (units / "timers.target.wants" / "copy.timer").symlink_to("../copy.timer")
    (units / "replicate@.service").write_text(
        "[Service]\n# glance-replicator\nExecStart=/usr/bin/glance-replicator %i\n"
    )
    (units / "off.timer").touch()  # not switched on
    (units / "off.service").write_text("[Service]\nExecStart=/usr/bin/glance-replicator\n")
    (units / "transient" / "run-1.timer").touch()
    (units / "transient" / "run-1.service").write_text('ExecStart=/bin/sh "/bin/sh" "-c" "curl images/v1/images"\n')
    assert found(host) == [
        ("systemd/replicate@.service", 3, "glance-replicator", False),
        ("systemd/transient/run-1.service", 1, "run-1.service", True),
    ]


def test_what_cannot_be_read_or_is_no_text(host):
    (host / "crontab").write_bytes(b"\xff\xfe\0 glance-replicator\n")
    (host / "cron.d" / "large").write_text("glance-replicator\n" + "x" * _scheduled.LARGEST)
    (host / "cron.d" / "dangling").symlink_to("none")
    (host / "cron.d" / "directory").mkdir()
    assert found(host) == [("crontab", 1, "glance-replicator", False)]
