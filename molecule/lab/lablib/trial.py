# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What the scenarios share: run playbooks against the lab, look at its hosts, and read Glance's access logs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from . import fleet, seed
from .common import LAB, LAB_DIR, REPOSITORY, STATE, LabError, docker, run
from .databases import execute, rows
from .fleet import reset
from .hosts import BY_NAME

__all__ = ["execute", "reset", "rows"]

GLANCES, NOVAS = ("glance1", "glance2"), ("nova1", "nova2")
MANAGED = GLANCES + NOVAS
INVENTORY = REPOSITORY / "molecule" / "lab" / "inventory.yml"
RECORDS = "/var/lib/stackops-glance"
GLANCE_CONF, NOVA_CONF = "/etc/glance/glance-api.conf", "/etc/nova/nova.conf"
SMALL = 16 * seed.MIB
#: Whether every case is tried, and on every release, as `make test-all` does.
THOROUGH = os.environ.get("THOROUGH") == "1"
#: A case that is left to it, since others of `make test` show the same capability.
thorough = pytest.mark.skipif(not THOROUGH, reason="a case of make test-all")
LIMIT = 900  # seconds, for one playbook, also on a machine that has much else to do


def some(cases: Sequence[Any], *numbers: int) -> list[Any]:
    """Of cases that are alike but for the release, those with these numbers; all where it is to be thorough."""
    return list(cases) if THOROUGH else [cases[number] for number in numbers]


# -- hosts --------------------------------------------------------------------------------------------------------


def sh(host: str, script: str, check: bool = True) -> str:
    """Run a shell script on a host of the lab and return its standard output."""
    return docker("exec", LAB + host, "sh", "-c", script, check=check)


_LOOK = r"""
import hashlib, json, os, subprocess
SKIP = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/etc/machine-id"}
files = {}
for top in ("/etc", "/var/lib/glance"):
    for folder, folders, names in os.walk(top):
        if "images" in folders and top == "/var/lib/glance":
            folders.remove("images")
        for name in names + [each for each in folders if os.path.islink(os.path.join(folder, each))]:
            path = os.path.join(folder, name)
            if path in SKIP:
                continue
            if os.path.islink(path):
                files[path] = "-> " + os.readlink(path)
            elif os.path.isfile(path):
                status = os.stat(path)
                with open(path, "rb") as stream:
                    digest = hashlib.sha256(stream.read()).hexdigest()
                files[path] = "%s %o %d:%d" % (digest, status.st_mode, status.st_uid, status.st_gid)
units = {}
for unit in UNITS:
    shown = subprocess.run(["systemctl", "show", "-p", "ActiveState", "-p", "UnitFileState", unit],
                           stdout=subprocess.PIPE, universal_newlines=True).stdout
    units[unit] = " ".join(sorted(shown.split()))
print(json.dumps({"files": files, "units": units}))
"""


def look(*hosts: str) -> dict[str, str]:
    """Files by content, mode and owner; units by what they do and whether they are enabled; the catalogue's addresses."""
    found: dict[str, str] = {}
    for host in hosts or MANAGED:
        units = ["nova-api", "nova-compute"] if host in NOVAS else ["glance-api", "glance-registry"]
        answer = json.loads(docker("exec", LAB + host, "python3", "-c", f"UNITS = {units!r}\n{_LOOK}"))
        found.update({f"{host}:{path}": facts for path, facts in answer["files"].items()})
        found.update({f"{host} {unit}": facts for unit, facts in answer["units"].items()})
    found.update({f"endpoint {id_}": url for id_, url in catalogue().items()})
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What is not as it was, by name."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def remember(what: str, value: Any) -> None:
    """Keep something for a later phase of the scenario."""
    (Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / f"{what}.json").write_text(json.dumps(value), encoding="utf-8")


def remembered(what: str) -> Any:
    return json.loads((Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / f"{what}.json").read_text(encoding="utf-8"))


def locked() -> list[str]:
    return [host for host in MANAGED if sh(host, f"test -e {RECORDS}/lock.json && echo locked", check=False)]


def runs(host: str) -> list[str]:
    """Ids of the runs recorded on a host, oldest first."""
    return sh(host, f"ls {RECORDS}/runs 2>/dev/null", check=False).split()


def journal(host: str, run: str | None = None) -> list[dict[str, Any]]:
    """The journal of a run on a host, of the newest when none is named."""
    names = [run] if run else runs(host)[-1:]
    lines = (
        sh(host, f"cat {RECORDS}/runs/{names[0]}/journal.jsonl 2>/dev/null", check=False).splitlines() if names else []
    )
    entries = []
    for line in lines:
        with contextlib.suppress(ValueError):  # the last line may be half-way to the disk
            entries.append(json.loads(line))
    return entries


def events(*hosts: str) -> list[tuple[str, str, str]]:
    """What the newest run did on these hosts, in the order of time: (event, step, host)."""
    entries = sorted(
        (entry["time"], entry["event"], entry["step"], host)
        for host in hosts or MANAGED
        for entry in journal(host)
        if entry.get("step")
    )
    return [(event, step, host) for _time, event, step, host in entries]


@contextlib.contextmanager
def changed(host: str, path: str, script: str) -> Iterator[None]:
    """Change a file for a while; the script finds it in $file. Its time stays, for the service has not read the change."""
    copy = sh(host, f"mktemp /root/{path.replace('/', '-')}.XXXXXX").strip()
    sh(host, f"cp -a {path} {copy}; file={path}; {script}\ntouch -r {copy} {path}")
    try:
        yield
    finally:
        sh(host, f"cp -a {copy} {path}; rm {copy}")


@contextlib.contextmanager
def full(host: str, directory: str) -> Iterator[None]:
    """Put a small file system, filled to the last byte, over a directory with the same files in it."""
    sh(
        host,
        f"set -e; mkdir -p {directory}; rm -rf /root/aside; cp -a {directory} /root/aside\n"
        f"mount -t tmpfs -o size=128k,mode=755 tmpfs {directory}; cp -a /root/aside/. {directory}/; rm -r /root/aside\n"
        f"cat /dev/zero >{directory}/ballast 2>/dev/null || :",
    )
    try:
        yield
    finally:
        sh(host, f"umount {directory}")


@contextlib.contextmanager
def paused(host: str) -> Iterator[None]:
    """A host that answers nobody."""
    docker("pause", LAB + host)
    try:
        yield
    finally:
        docker("unpause", LAB + host)


def refuse_to_start(host: str, line: str, unit: str = "glance-api", path: str = GLANCE_CONF) -> None:
    """Let a unit fail to start as soon as a line is in its file."""
    folder = f"/etc/systemd/system/{unit}.service.d"
    sh(
        host,
        f"""set -e
mkdir -p {folder}
printf '%s\\n' '[Service]' "ExecStartPre=/bin/sh -c '! grep -qx \\"{line}\\" {path}'" >{folder}/trial.conf
systemctl daemon-reload""",
    )


@contextlib.contextmanager
def joined(*hosts: str) -> Iterator[None]:
    """Hosts on demand, for a while; the Nova hosts are silent meanwhile, who would only take time."""
    fleet.up(*hosts)
    for host in NOVAS:
        sh(host, "systemctl stop nova-api nova-compute")
    try:
        yield
    finally:
        fleet.drop(*hosts)
        for host in NOVAS:
            sh(host, "systemctl start nova-api nova-compute")


def single_store(*hosts: str) -> None:
    """Take hosts on demand from their two stores to the single one, as Glance had before it had several."""
    for host in hosts:
        sh(host, f"sed -i '/^enabled_backends *=/d' {GLANCE_CONF}")
    restarted(*hosts)


def restarted(*hosts: str) -> None:
    """Restart Glance on hosts, on all at once, until it answers users."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: sh(host, "systemctl restart glance-api"), hosts))
    for host in hosts:
        wait_for(lambda host=host: answers(host, "/v2/images?limit=1") == 200, 120)


def wait_for(what: Callable[[], Any], seconds: float = 30, every: float = 0.2) -> Any:
    """Until it is true; its value."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(every)
    return value


# -- the cloud ----------------------------------------------------------------------------------------------------


def ask(place: str, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """A request to a Glance host, or to the balancer where the place is infra, as the cloud's administrator."""
    base = f"http://{BY_NAME[place].address}:9292"
    sent = {**seed.headers("admin"), **{name.replace("_", "-"): value for name, value in headers.items()}}
    status, _headers, answer = seed.request(method, base + path, sent, body)
    try:
        return status, json.loads(answer)
    except ValueError:
        return status, answer.decode("utf-8", "replace")


def image(place: str, name: str, **facts: Any) -> str:
    """A queued image; its id."""
    body = {"name": name, "disk_format": "raw", "container_format": "bare", **facts}
    status, made = ask(place, "/v2/images", "POST", json.dumps(body).encode(), Content_Type="application/json")
    assert status == 201, made
    return str(made["id"])


def uploaded(place: str, name: str, data: bytes, store: str | None = None, **facts: Any) -> str:
    """An active image, in this store rather than the default one; its id."""
    made = image(place, name, **facts)
    headers = {"Content_Type": "application/octet-stream", **({"X_Image_Meta_Store": store} if store else {})}
    status, said = ask(place, f"/v2/images/{made}/file", "PUT", data, **headers)
    assert status == 204, said
    return made


def answers(place: str, path: str) -> int:
    """The status of an answer, 0 while there is none."""
    try:
        return ask(place, path)[0]
    except LabError:
        return 0


def keystone(method: str, path: str, body: Any = None) -> dict[str, Any]:
    """A request to Keystone, as the cloud's administrator."""
    sent = None if body is None else json.dumps(body).encode()
    headers = {**seed.headers("admin"), "Content-Type": "application/json"}
    status, _headers, answer = seed.request(method, f"{seed.KEYSTONE}{path}", headers, sent)
    assert status < 300, f"{method} {path}: {status} {answer[:300]!r}"
    return dict(json.loads(answer or b"{}"))


def catalogue() -> dict[str, str]:
    """The image service's endpoints: id to URL, with the interface."""
    ids = {service["id"] for service in keystone("GET", "/services?type=image")["services"]}
    found = keystone("GET", "/endpoints")["endpoints"]
    return {each["id"]: f"{each['interface']} {each['url']}" for each in found if each["service_id"] in ids}


_REQUEST = re.compile(
    r'eventlet\.wsgi\.server \[.*?\] (?P<client>[0-9.,]+) .*"[A-Z]+ /(?P<version>v\d)[./][^"]*" (?P<status>\d+) '
)


def listen() -> Callable[[], list[tuple[str, str, str, str]]]:
    """The requests for images that the Glance hosts log from now on: client, Glance host, version and status of each."""
    log = "/var/log/glance/api.log"
    sizes = {host: int(sh(host, f"stat -c %s {log} 2>/dev/null || echo 0")) for host in GLANCES}
    names = {host.address: name for name, host in BY_NAME.items()}

    def heard() -> list[tuple[str, str, str, str]]:
        found = []
        for host in GLANCES:
            for request in _REQUEST.finditer(sh(host, f"tail -c +{sizes[host] + 1} {log}")):
                client = request["client"].split(",")[0]
                found.append((names.get(client, client), host, request["version"], request["status"]))
        return found

    return heard


def let_nova_ask() -> None:
    """Have the stand-ins ask Glance now. One that starts only now does so by itself, and one that does not run says nothing."""
    for host in NOVAS:
        sh(host, "systemctl kill -s URG nova-api nova-compute", check=False)


def spoken(seconds: float = 15) -> dict[str, set[str]]:
    """Which Images API each Nova host speaks, by Glance's access logs from now until both hosts have been heard out.

    A host that says nothing for so many seconds has an empty set.
    """
    requests = listen()
    let_nova_ask()
    heard: list[tuple[str, str, str, str]] = []
    deadline = time.monotonic() + seconds
    while True:
        time.sleep(1)
        before, heard = heard, [request for request in requests() if request[0] in NOVAS]
        if time.monotonic() > deadline or (heard == before and {client for client, *_what in heard} == set(NOVAS)):
            break
    found: dict[str, set[str]] = {host: set() for host in NOVAS}
    for client, _server, version, status in heard:
        found[client].add(version if status == "200" else f"{version} answered {status}")
    return found


V1 = {host: {"v1"} for host in NOVAS}
V2 = {host: {"v2"} for host in NOVAS}


# -- playbooks ----------------------------------------------------------------------------------------------------


#: What an inventory of a scenario's own says of the lab's hosts.
CONNECTION = {
    "ansible_connection": "community.docker.docker",
    "ansible_python_interpreter": "/usr/bin/python3",
    "ansible_pipelining": True,
}


class Run:
    """An Ansible command beside the scenario's own, in an environment of this checkout; its output goes to a file."""

    number = 0

    def __init__(
        self, *command: str, environment: str | None = None, folder: Path = REPOSITORY, **environ: str
    ) -> None:
        Run.number += 1
        logs = STATE / "logs" / os.environ.get("MOLECULE_SCENARIO_NAME", "trial")
        logs.mkdir(parents=True, exist_ok=True)
        self.log = logs / f"{Run.number:02}.log"
        # Molecule's own settings are for the playbooks that it runs itself.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MOLECULE_"))}
        settings = {
            "OS_CLIENT_CONFIG_FILE": str(STATE / "clouds.yaml"),
            "ANSIBLE_CONFIG": str(LAB_DIR / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_NOCOWS": "1",
            "ANSIBLE_LOCALHOST_WARNING": "False",
        }
        argv = [str(REPOSITORY / "tests" / "bin" / "with-env"), environment or this_environment(), *command]
        with self.log.open("w", encoding="utf-8") as out:
            out.write(f"+ {shlex.join(argv)}\n")
            out.flush()
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**kept, **settings, **environ},
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def said(self) -> str:
        """The output as one line: Ansible breaks its messages where the terminal ends."""
        return " ".join(self.output.replace("\\n", " ").split())

    def wait(self) -> int:
        try:
            return self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"It did not end within {LIMIT} s; see {self.log}.") from None

    def succeeds(self) -> Run:
        assert self.wait() == 0, f"It failed:\n{self.tail()}"
        return self

    def fails(self, *messages: str) -> Run:
        """It ends with an error, and with all of these words."""
        assert self.wait() != 0, f"It should have failed:\n{self.tail()}"
        self.says(*messages)
        assert "Traceback (most recent call last)" not in self.output, f"It died of an error of its own:\n{self.tail()}"
        return self

    def says(self, *messages: str) -> None:
        for message in messages:
            assert message in self.said, f"{message!r} is not said:\n{self.tail()}"

    def tail(self) -> str:
        return f"{self.log}:\n" + "\n".join(self.output.splitlines()[-60:])

    def changed(self) -> int:
        """The sum of all hosts' changed tasks."""
        return sum(int(number) for number in re.findall(r"^\S+ +: ok=\d+ +changed=(\d+) ", self.output, re.MULTILINE))

    def kill(self) -> None:
        """SIGKILL to the command and to its workers, which have sessions of their own."""
        for pid in [self.process.pid, *_descendants(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def _descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = status.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = list(parents.get(pid, []))
    for child in found:
        found += parents.get(child, [])
    return found


def this_environment() -> str:
    """The name, for with-env, of the environment that runs now."""
    folder = Path(os.environ.get("VIRTUAL_ENV", ".venv")).name
    return {".venv": "main", ".venv-newest": "newest"}.get(folder, f"core-{folder.removeprefix('.venv-')}")


#: For scenarios that are not about traffic, nor about what is looked at beforehand.
HASTE = {"drain": {"grace": 1}, "settle": 1, "start_timeout": 30, "v1_quiet_days": 0, "audit": "none"}


def playbook(
    name: str,
    *arguments: str,
    inventory: str | Path | None = None,
    environment: str | None = None,
    environ: dict[str, str] | None = None,
    **variables: Any,
) -> Run:
    """Begin a playbook of the collection against the lab; extra-vars by name, without ``glance_flip_``."""
    words = ("ansible-playbook", "-i", str(inventory or INVENTORY), f"stackops.glance.{name}")
    return Run(*words, *_extra(**variables), *arguments, environment=environment, **(environ or {}))


def as_shown(folder: Path, words: Sequence[str], **variables: Any) -> Run:
    """Begin a command that a document shows, in its reader's folder; what a trial adds to it, as with ``playbook``."""
    return Run(*words, *_extra(**variables), folder=folder)


def _extra(**variables: Any) -> tuple[str, str]:
    extra = {"cloud": "lab", "v1_off": True, "report_dir": str(STATE / "reports"), **HASTE, **variables}
    return "-e", json.dumps({f"glance_flip_{key}": value for key, value in extra.items()})


def flip(*arguments: str, **more: Any) -> Run:
    return playbook("upgrade_to_v2", *arguments, **more)


def roll_back(*arguments: str, **more: Any) -> Run:
    return playbook("rollback", *arguments, **more)


def module(host: str, name: str, arguments: dict[str, Any], *more: str) -> Run:
    """One module of the collection on one host."""
    return Run(
        "ansible", "-i", str(INVENTORY), host, "-m", f"stackops.glance.{name}", "-a", json.dumps(arguments), *more
    )


def local_module(name: str, arguments: dict[str, Any], *more: str) -> dict[str, Any]:
    """The result of one module of the collection on this machine, where the lab's clouds.yaml is; also of one that failed."""
    return result(Run("ansible", "localhost", "-m", f"stackops.glance.{name}", "-a", json.dumps(arguments), *more))


def results(*tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """What each task answers, also those that failed; one playbook on this machine for all of them."""
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    keep = folder / "results.json"
    names = [f"result{number}" for number in range(len(tasks))]
    steps = [{**task, "register": name, "ignore_errors": True} for task, name in zip(tasks, names, strict=True)]
    copy = {"dest": str(keep), "content": f"{{{{ [{', '.join(names)}] | to_json }}}}", "mode": "0600"}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [*steps, {"ansible.builtin.copy": copy}],
    }
    (folder / "tasks.yml").write_text(json.dumps([play]), encoding="utf-8")
    Run("ansible-playbook", "-i", "localhost,", "-c", "local", str(folder / "tasks.yml")).succeeds()
    return list(json.loads(keep.read_text(encoding="utf-8")))


def result(run: Run) -> dict[str, Any]:
    """What a module on one host answered."""
    run.wait()
    found = parsed(run.output)
    assert found is not None, f"There is no result:\n{run.tail()}"
    return found


def parsed(output: str) -> dict[str, Any] | None:
    """The first result in the output of the command ``ansible``, with whether it failed; None where there is none."""
    before, arrow, after = output.partition(" => ")
    try:
        found = json.JSONDecoder().raw_decode(after)[0] if arrow else None
    except ValueError:
        return None
    return found and {"failed": before.endswith(("FAILED!", "UNREACHABLE!")), **found}


# -- reports ------------------------------------------------------------------------------------------------------


def report(folder: Path, playbook: str) -> dict[str, Any]:
    """The newest report of a playbook below a report directory, as data."""
    return dict(json.loads(report_text(folder, playbook, "json")))


def report_text(folder: Path, playbook: str, kind: str) -> str:
    """The same as its file says: kind is html, md or json. All three are there, and for their owner alone."""
    found = sorted(folder.glob(f"*/{playbook}.json"), key=lambda path: path.stat().st_mtime)
    assert found, f"There is no report of {playbook} below {folder}."
    for each in ("html", "md", "json"):
        assert stat.S_IMODE(found[-1].with_suffix(f".{each}").stat().st_mode) == 0o600
    return found[-1].with_suffix(f".{kind}").read_text(encoding="utf-8")


def finding_ids(found: dict[str, Any], severity: str = "") -> set[str]:
    """Which findings a report, or a module's result, has; of one severity where one is given."""
    return {each["id"] for each in found["findings"] if severity in ("", each["severity"])}


# -- how much a playbook does on a host ---------------------------------------------------------------------------

_COUNTED = "/root/executions"


def count_executions(*hosts: str) -> None:
    """Put a counting wrapper around the interpreter of each host, and begin at zero."""
    wrapper = subprocess.run(
        [sys.executable, REPOSITORY / "benchmarks" / "executions.py", "wrapper", _COUNTED],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for host in hosts or MANAGED:
        run(
            "docker",
            "exec",
            "-i",
            LAB + host,
            "sh",
            "-c",
            f"cat >/root/counted-python; chmod 755 /root/counted-python; rm -f {_COUNTED}",
            stdin=wrapper,
        )


def executions(host: str) -> int:
    """How often Python was started since then."""
    return len(sh(host, f"cat {_COUNTED} 2>/dev/null || :").splitlines())


# -- images -------------------------------------------------------------------------------------------------------


def seed_images() -> None:
    """The small ones of the lab's images, created through v1."""
    seed.create(most=SMALL)


def images_intact() -> bool:
    return seed.verify()
