# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS in front of the same Glance 33.0.0: stunnel as this collection has it, haproxy, nginx and Apache.

proxies_bench.py [--size MIB] [--rounds N] [--write]. All of them stand before one Glance in one container of the lab's image, with
a file store in memory and a certificate of elliptic curves. Each round goes through all of them, so that whatever else the machine
does meets all alike; medians count, and of CPU the least. CPU is that of the proxy's own processes. With --write the table and its
plot become docs/tls-proxies.md. Fails where stunnel takes more than 15 % more CPU per GiB than the best of the others in either
direction; the last lines say how much it takes.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

from ansible_collections.stackops.glance.plugins.module_utils import _stunnel  # noqa: E402  (the path comes first)
from lablib import images  # noqa: E402
from lablib.authority import Authority  # noqa: E402
from lablib.common import LAB, docker  # noqa: E402

CONTAINER = f"{LAB}proxies"
GLANCE = "127.0.0.1:9292"
#: Worse than the best of the others by this much at most.
MARGIN = 1.15
SMALL = 200  # requests on one connection


@dataclass
class Proxy:
    """One way to offer TLS: the process by whose name its CPU is counted, and what was measured."""

    name: str
    process: str
    port: int
    results: dict[str, list[float]] = field(default_factory=dict)

    def note(self, what: str, value: float) -> None:
        self.results.setdefault(what, []).append(value)

    def figure(self, what: str) -> float:
        """The median; of CPU, which whatever else the machine does can only add to, the least."""
        return min(self.results[what]) if what in (DOWN, UP) else statistics.median(self.results[what])


PROXIES = [
    Proxy("stunnel, as glance_stunnel has it", "stunnel4", 9301),
    Proxy("haproxy, HTTP", "haproxy", 9302),
    Proxy("haproxy, TCP", "haproxy", 9303),
    Proxy("nginx, buffering off", "nginx", 9304),
    Proxy("nginx, as it comes", "nginx", 9305),
    Proxy("Apache, event", "apache2", 9306),
]
DOWN, UP = "CPU s/GiB down", "CPU s/GiB up"
COLUMNS = ("MB/s down", DOWN, "MB/s up", UP, "ms per small request")

_GLANCE = """
[DEFAULT]
enabled_backends = memory:file
[database]
connection = sqlite:////store/glance.sqlite
[glance_store]
default_backend = memory
[memory]
filesystem_store_datadir = /store/images
[os_glance_staging_store]
filesystem_store_datadir = /store/staging
[os_glance_tasks_store]
filesystem_store_datadir = /store/tasks
[oslo_policy]
policy_file = /store/policy.yaml
"""
_POLICY = "\n".join(
    f'"{rule}": "@"'
    for rule in (
        "add_image",
        "get_image",
        "get_images",
        "upload_image",
        "download_image",
        "delete_image",
        "modify_image",
    )
)
_NGINX = f"""
worker_processes auto;
error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_max_body_size 0;
    ssl_certificate /store/both.pem;
    ssl_certificate_key /store/both.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    server {{
        listen 9304 ssl;
        proxy_buffering off;
        proxy_request_buffering off;
        proxy_http_version 1.1;
        location / {{ proxy_pass http://{GLANCE}; }}
    }}
    server {{
        listen 9305 ssl;
        location / {{ proxy_pass http://{GLANCE}; }}
    }}
}}
"""
_HAPROXY = f"""
global
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    timeout connect 5s
    timeout client 10m
    timeout server 10m
listen http
    mode http
    bind :9302 ssl crt /store/both.pem
    server glance {GLANCE}
listen tcp
    mode tcp
    bind :9303 ssl crt /store/both.pem
    server glance {GLANCE}
"""
_APACHE = f"""
Listen 9306
<VirtualHost *:9306>
    SSLEngine on
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCertificateFile /store/both.pem
    ProxyPass / http://{GLANCE}/
</VirtualHost>
"""
_START = f"""set -e
exec >/store/log 2>&1
apt-get update -q
apt-get install -q -y --no-install-recommends haproxy nginx-light apache2 curl
mkdir -p /store/images /store/staging /store/tasks
cp /etc/glance/glance-api-paste.ini /store/
export PATH=/opt/glance/33.0.0/bin:$PATH
cat >>/store/glance-api.conf <<'EOF'
[paste_deploy]
config_file = /store/glance-api-paste.ini
EOF
glance-manage --config-file /store/glance-api.conf db_sync
OS_GLANCE_CONFIG_DIR=/store OS_GLANCE_CONFIG_FILES=glance-api.conf gunicorn --daemon --bind {GLANCE} \
    --worker-class gthread --workers 2 --threads 4 --timeout 600 glance.wsgi.api:application
stunnel4 /store/stunnel.conf &
haproxy -D -f /store/haproxy.cfg
nginx -c /store/nginx.conf
cp /store/apache.conf /etc/apache2/sites-enabled/000-default.conf
a2enmod ssl proxy proxy_http
: >/etc/apache2/ports.conf
apache2ctl start
"""
#: The clock ticks that processes of a name have used, those included that have ended below them.
_TICKS = """
import glob, sys
total = 0
for path in glob.glob("/proc/[0-9]*/stat"):
    try:
        name, _, rest = open(path).read().partition("(")[2].rpartition(")")
    except OSError:
        continue
    if name == sys.argv[1]:
        total += sum(map(int, rest.split()[11:15]))
print(total)
"""


def inside(*command: str) -> str:
    return docker("exec", CONTAINER, *command)


@contextmanager
def standing() -> Iterator[None]:
    """Glance and everything before it, in a container of its own."""
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        issued = Authority(place / "ca").issue("glance", "127.0.0.1")
        (place / "both.pem").write_text(issued.certificate.read_text() + issued.key.read_text())
        stunnel = {
            "name": "glance", "unit": "stunnel", "config_dir": "/store", "user": "root", "group": "root",
            "accept": "9301", "connect": GLANCE, "certificate": "/store/both.pem", "key": "/store/both.pem",
            "client_ca": None, "idle_timeout": 43200, "limit_nofile": 16384,
        }  # fmt: skip
        for name, text in (
            ("stunnel.conf", _stunnel.Service(stunnel).config()),
            ("glance-api.conf", _GLANCE),
            ("policy.yaml", _POLICY),
            ("nginx.conf", _NGINX),
            ("haproxy.cfg", _HAPROXY),
            ("apache.conf", _APACHE),
        ):
            (place / name).write_text(text)
        images.ensure("glance33")
        docker("rm", "--force", CONTAINER, check=False)
        docker("run", "--detach", f"--name={CONTAINER}", "--tmpfs=/store", images.tag("glance33"), "sleep", "infinity")
        try:
            subprocess.run(f"tar -C {place} -c . | docker exec -i {CONTAINER} tar -C /store -x", shell=True, check=True)
            inside("sh", "-c", _START)
            inside(
                "curl", "-sf", "--retry", "30", "--retry-all-errors", "-o", "/dev/null", f"http://{GLANCE}/v2/images"
            )
            yield
        finally:
            docker("rm", "--force", CONTAINER)


def ticks(proxy: Proxy) -> int:
    return int(inside("python3", "-c", _TICKS, proxy.process))


def curl(*arguments: str) -> tuple[float, str]:
    """Seconds that a request took, and the body of its answer."""
    said = inside("curl", "-sfk", "-w", "\n%{time_total}", *arguments)
    body, _newline, seconds = said.rpartition("\n")
    return float(seconds), body


def create(base: str) -> str:
    body = '{"name": "bench", "disk_format": "raw", "container_format": "bare"}'
    made = json.loads(curl("-H", "Content-Type: application/json", "-d", body, f"{base}/v2/images")[1])
    return f"{base}/v2/images/{made['id']}"


def measure(proxy: Proxy, stored: str, mib: int) -> None:
    base = f"https://127.0.0.1:{proxy.port}"
    curl("-o", "/dev/null", f"{base}/v2/images?limit=1")
    image = create(base)
    upload = ("-H", "Content-Type: application/octet-stream", "-H", "Expect:", "-T", "/store/data", f"{image}/file")
    download = ("-o", "/dev/null", f"{base}/v2/images/{stored}/file")
    for what, request in (("down", download), ("up", upload)):
        before = ticks(proxy)
        seconds = curl(*request)[0]
        proxy.note(f"MB/s {what}", mib * 1.048576 / seconds)
        proxy.note(f"CPU s/GiB {what}", (ticks(proxy) - before) / 100 * 1024 / mib)
    curl("-X", "DELETE", image)
    said = inside("curl", "-sfk", "-o", "/dev/null", "-w", "%{time_total}\n", f"{base}/v2/images?limit=1&x=[1-{SMALL}]")
    proxy.note(COLUMNS[-1], 1000 * statistics.median(map(float, said.split())))


def table() -> str:
    rows = [f"| in front | {' | '.join(COLUMNS)} |", f"|---|{'---|' * len(COLUMNS)}"]
    for proxy in PROXIES:
        shown = [f"{proxy.figure(what):.{2 if 'CPU' in what else 1 if 'ms' in what else 0}f}" for what in COLUMNS]
        rows.append(f"| {proxy.name} | {' | '.join(shown)} |")
    return "\n".join(rows)


def plot() -> str:
    """Bars of the CPU per GiB, down and up, as SVG."""
    most = max(proxy.figure(what) for proxy in PROXIES for what in (DOWN, UP))
    parts, top = [], 40
    for proxy in PROXIES:
        parts.append(f'<text x="8" y="{top + 19}">{proxy.name}</text>')
        for what, colour, offset in ((DOWN, "#2b6cb0", 0), (UP, "#dd6b20", 14)):
            value = proxy.figure(what)
            width = round(340 * value / most)
            parts.append(f'<rect x="230" y="{top + offset}" width="{width}" height="12" fill="{colour}"/>')
            parts.append(f'<text x="{236 + width}" y="{top + offset + 10}" font-size="11">{value:.2f}</text>')
        top += 38
    legend = (
        '<rect x="230" y="12" width="12" height="12" fill="#2b6cb0"/><text x="248" y="22">download</text>'
        '<rect x="330" y="12" width="12" height="12" fill="#dd6b20"/><text x="348" y="22">upload</text>'
        '<text x="420" y="22">CPU seconds of the proxy per GiB</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="660" height="{top}" font-family="sans-serif" font-size="13">'
        f'<rect width="660" height="{top}" fill="white"/>{legend}{"".join(parts)}</svg>\n'
    )


_PAGE = """# TLS in front of Glance, measured

stunnel as [`glance_stunnel`](tls.md) configures it, beside haproxy, nginx and Apache as Debian 12 has them, in front of the same
Glance 33.0.0 (gunicorn, a file store in memory), all on one machine of {cores} cores: one image of {mib} MiB at a time, and {small}
small requests on one connection; medians of {rounds} rounds that go through all of them. CPU is that of the proxy's own processes,
and the least of the rounds, since whatever else the machine does can only add to it.
Compare within a column: the figures themselves are that machine's, whose load was {load:.0f} meanwhile.
`benchmarks/proxies_bench.py --write` makes this page.

![CPU seconds per GiB, by proxy and direction](images/tls-proxies.svg)

{table}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="MiB of the image")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write docs/tls-proxies.md and its plot")
    arguments = parser.parse_args()
    with standing():
        inside("sh", "-c", f"head -c {arguments.size}M /dev/urandom >/store/data")
        plain = create(f"http://{GLANCE}")
        curl("-H", "Content-Type: application/octet-stream", "-H", "Expect:", "-T", "/store/data", f"{plain}/file")
        stored = plain.rpartition("/")[2]
        for number in range(arguments.rounds):
            # Nobody is always the first.
            for proxy in PROXIES[number % len(PROXIES) :] + PROXIES[: number % len(PROXIES)]:
                measure(proxy, stored, arguments.size)
        cores = inside("nproc").strip()
        load = os.getloadavg()[2]
    print(table())
    if arguments.write:
        page = _PAGE.format(
            cores=cores, mib=arguments.size, small=SMALL, rounds=arguments.rounds, load=load, table=table()
        )
        (ROOT / "docs" / "tls-proxies.md").write_text(page, encoding="utf-8")
        (ROOT / "docs" / "images" / "tls-proxies.svg").write_text(plot(), encoding="utf-8")
    own, *others = PROXIES
    ratios = {what: own.figure(what) / min(each.figure(what) for each in others) for what in (DOWN, UP)}
    for what, ratio in ratios.items():
        print(f"{what}: stunnel takes {ratio:.2f} times the best of the others ({MARGIN} at most)")
    return 1 if max(ratios.values()) > MARGIN else 0


if __name__ == "__main__":
    sys.exit(main())
