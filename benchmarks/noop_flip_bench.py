# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flip that changes nothing costs, as a ratio to one `ping` on each of the same hosts.

The hosts are this machine many times over, with a configuration and a state directory each.  The cloud is the small
HTTP server of the unit tests, so that nothing but Ansible and the collection is measured.  Rounds are interleaved; the
medians count.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import ThreadingHTTPServer
from typing import Any

import executions

ROOT = pathlib.Path(__file__).resolve().parents[1]
GLANCE_CONF = (
    "[DEFAULT]\nenable_v1_api = false\nenable_v2_api = true\nenable_v1_registry = false\nbind_host = 127.0.0.1\n"
)
NOVA_CONF = "[DEFAULT]\n\n[glance]\napi_servers = http://127.0.0.1:9292\nnum_retries = 2\n"
LIMITS = {"glance": 4, "nova": 2}


def start_cloud() -> dict[str, Any]:
    """Serve the unit tests' Keystone and Glance; return how to reach it as clouds.yaml says it."""
    path = ROOT / "tests" / "unit" / "plugins" / "cloud" / "conftest.py"
    spec = importlib.util.spec_from_file_location("fake_cloud", path)
    assert spec and spec.loader
    fake = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fake)
    cloud = fake.FakeCloud()
    cloud.v1 = False
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (fake.Handler,), {"cloud": cloud}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    cloud.url = f"http://127.0.0.1:{server.server_port}"
    for interface in ("public", "internal", "admin"):
        cloud.add_endpoint(f"glance-{interface}", interface, cloud.url)
    auth = {"auth_url": f"{cloud.url}/identity/v3", "username": "admin", "password": fake.PASSWORD}
    auth |= {"project_name": "admin", "user_domain_name": "Default", "project_domain_name": "Default"}
    return {"clouds": {"bench": {"auth": auth, "identity_api_version": 3}}}


def host(folder: pathlib.Path, kind: str) -> dict[str, Any]:
    """A host's files, and its variables in the inventory."""
    folder.mkdir()
    service, release = {"glance": ("glance-api", "15.0.2"), "nova": ("nova-compute", "14.1.0")}[kind]
    conf = folder / f"{service}.conf"
    conf.write_text(GLANCE_CONF if kind == "glance" else NOVA_CONF)
    python = folder / "python"
    python.write_text(executions.wrapper(str(folder / "executions"), sys.executable))
    python.chmod(0o755)
    # The units of the machine that this runs on are none of the benchmark's business.
    own = {"config_files": [str(conf)], "release": release, "units": [f"bench-{service}"]}
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": str(python),
        "glance_flip_state_dir": str(folder / "state"),
        "glance_flip_services": {service: own},
    }


def measure(command: list[str], environ: dict[str, str]) -> tuple[float, float, str]:
    """Wall and CPU seconds of a command with everything that it starts, and its output."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(command)} ended with {done.returncode}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="stackops-bench-") as name:
        folder = pathlib.Path(name)
        kinds = {f"host{n:02}": "glance" if n < 2 else "nova" for n in range(arguments.hosts)}
        variables = {host_name: host(folder / host_name, kind) for host_name, kind in kinds.items()}
        groups = {
            group: {"hosts": {host_name: variables[host_name] for host_name in kinds if kinds[host_name] == kind}}
            for group, kind in (("glance_api", "glance"), ("nova", "nova"))
        }
        inventory = folder / "hosts.json"
        inventory.write_text(json.dumps({"all": {"children": groups}}))
        (folder / "clouds.yaml").write_text(json.dumps(start_cloud()))
        ping = folder / "ping.yml"
        ping.write_text("- {hosts: 'glance_api:nova', gather_facts: false, tasks: [{ansible.builtin.ping: }]}\n")

        environ = dict(
            os.environ, OS_CLIENT_CONFIG_FILE=str(folder / "clouds.yaml"), OS_CLOUD="bench", ANSIBLE_NOCOLOR="1"
        )
        playbook = ["ansible-playbook", "-i", str(inventory)]
        commands = {
            "ping": [*playbook, str(ping)],
            "flip": [
                *playbook,
                str(ROOT / "playbooks" / "upgrade-to-v2.yml"),
                "-e",
                f"glance_flip_report_dir={folder}/reports",
            ],
        }
        times: dict[str, list[tuple[float, float]]] = {"ping": [], "flip": []}
        for number in range(arguments.rounds + 1):
            for what, command in commands.items():
                logs = {host_name: folder / host_name / "executions" for host_name in kinds}
                for log in logs.values():
                    log.unlink(missing_ok=True)
                wall, cpu, output = measure(command, environ)
                if what == "flip" and (re.search(r"changed=[1-9]", output) or "nothing to do" not in output):
                    sys.exit(f"{output}\nThe flip was to change nothing.")
                # The first round fills caches.
                if number:
                    times[what].append((wall, cpu))
        counts = {
            kind: max(executions.count(logs[host_name]) for host_name in kinds if kinds[host_name] == kind)
            for kind in LIMITS
        }

    print(f"A flip that changes nothing, {arguments.hosts} local hosts, medians of {arguments.rounds} rounds")
    print(f"{'':8} {'wall s':>8} {'CPU s':>8}")
    medians = {what: [statistics.median(each) for each in zip(*pairs, strict=True)] for what, pairs in times.items()}
    for what, (wall, cpu) in medians.items():
        print(f"{what:8} {wall:8.2f} {cpu:8.2f}")
    ratios = [flip / ping_ for flip, ping_ in zip(medians["flip"], medians["ping"], strict=True)]
    print(f"{'ratio':8} {ratios[0]:8.2f} {ratios[1]:8.2f}")
    for kind, limit in LIMITS.items():
        print(f"executions on a {kind.capitalize()} host: {counts[kind]} (at most {limit})")
    return 1 if any(counts[kind] > limit for kind, limit in LIMITS.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
