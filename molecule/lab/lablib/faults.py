# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The fault harness: where a run can be cut off is found in a run, and each of these points is tried.

A point is a fault at a moment of a playbook: the start of a task, or an entry in a host's journal. Once the fault is gone, one
further command has to bring the new state or the old one, to the byte, with every image intact and no lock left.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from . import seed, trial
from .common import LAB, LAB_DIR, STATE, docker
from .fleet import SERVICE_SECONDS, wait_for_boot
from .hosts import BY_NAME

FORTH, BACK = "upgrade_to_v2", "rollback"
#: Images up to this size tell whether any was lost, and are quick to look at after each point.
TINY = 4 * seed.MIB
#: Written for as long as the faults have no other file system to fill.
BALLAST = "ballast"


@dataclass(frozen=True)
class Point:
    """A fault at a moment of a playbook, and the command that follows.

    ``at`` is the start of a task as the callback writes it down, or ``HOST EVENT [STEP]`` for an entry in a journal.
    """

    playbook: str
    fault: str
    at: str
    then: str

    def __str__(self) -> str:
        return f"{self.playbook}, {self.fault} at {self.at}; then {self.then}"

    @property
    def host(self) -> str:
        return self.at.split()[0]


@dataclass
class States:
    """What the lab looks like before the flip and after it; None until it was seen. A fleet of fewer hosts is quicker to flip."""

    old: dict[str, str]
    new: dict[str, str] | None = None
    inventory: Path | None = None
    glances: tuple[str, ...] = trial.GLANCES

    def play(self, name: str, **environ: str) -> trial.Run:
        return trial.playbook(name, inventory=self.inventory, environ=environ)

    def check(self, playbook: str) -> None:
        """The lab is as this playbook leaves it, everybody is served and no lock is left."""
        found = trial.look()
        if playbook == FORTH and self.new is None:
            self.new = found
        wanted = self.new if playbook == FORTH else self.old
        assert wanted is not None
        names = trial.differences(wanted, found)
        assert not names, "\n".join(
            f"{name} is {found.get(name, 'gone')} rather than {wanted.get(name, 'gone')}." for name in names
        )
        locked = trial.locked()
        assert not locked, f"{', '.join(locked)} are locked."
        for host in self.glances:
            assert trial.answers(host, "/healthcheck") == 200, f"{host} is out of the balancer."
            v1 = trial.answers(host, "/v1/images")
            assert (v1 == 200) == (playbook == BACK), f"{host} answers v1 with {v1}."
        assert trial.images_intact(), "An image is lost."


def prepare() -> States:
    """Put images into the lab, which is in its starting state."""
    seed.create(most=TINY)
    return States(trial.look())


# -- which points there are ---------------------------------------------------------------------------------------


def enumerate_points(states: States) -> list[Point]:
    """Flip and roll back once, and say where that could be cut off: at each start of a task, at each entry in a journal."""
    points = []
    for playbook in (FORTH, BACK):
        began = time.time()
        starts = STATE / f"starts-{playbook}"
        starts.unlink(missing_ok=True)
        states.play(playbook, **callback(str(starts))).succeeds()
        states.check(playbook)
        entries = [
            f"{host} {entry['event']} {entry.get('step', '')}".strip()
            for host in trial.MANAGED
            for entry in trial.journal(host)
            if entry["time"] > began
        ]
        # What follows is by turns the same playbook and, where that is another, the way back.
        cuts = [("killed", at) for at in starts.read_text(encoding="utf-8").splitlines()]
        cuts += [("killed with its worker", at) for at in entries]
        points += [Point(playbook, fault, at, (BACK, FORTH)[number % 2]) for number, (fault, at) in enumerate(cuts)]
    return points + SAMPLE


def callback(starts: str, kill_at: str = "") -> dict[str, str]:
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(LAB_DIR / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "fault_points",
        "FAULT_POINTS": starts,
        "FAULT_KILL_AT": kill_at,
    }


# -- to see a moment ----------------------------------------------------------------------------------------------

_WATCH = r"""
import fcntl, glob, json, os, signal, sys, time
since, event, step, hold = float(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
records = "/var/lib/stackops-glance"

def seen():
    for path in glob.glob(records + "/runs/*/journal.jsonl"):
        for line in open(path, "rb").read().split(b"\n")[:-1]:
            entry = json.loads(line.decode())
            if entry["time"] > since and entry["event"] == event and entry.get("step", "") == step:
                return True

def modules():
    # With pipelining a module is Python that reads its program from a pipe.
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if open(path, "rb").read() == b"/usr/bin/python3\0":
                found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found

def free():
    with open(records + "/guard", "a") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            return False

while not seen():
    time.sleep(0.005)
pids = []
while hold != "nothing":
    pids = modules()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    # A worker that is stopped while it writes would keep everybody else waiting.
    if hold == "modules" or free():
        break
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    time.sleep(0.002)
print(" ".join(map(str, pids)), flush=True)
"""


class Watch:
    """Waits for an entry in a host's journal. Can stop the modules that run there at that moment (their ids are ``pids``)."""

    def __init__(self, at: str, hold: str = "nothing") -> None:
        self.host, event, step = (*at.split(), "")[:3]
        self.pids: list[str] = []
        self.process = subprocess.Popen(
            ["docker", "exec", LAB + self.host, "python3", "-c", _WATCH, str(time.time()), event, step, hold],
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait(self, run: trial.Run) -> None:
        """Until the entry is there. Fails when the run ends without it."""
        assert self.process.stdout is not None
        trial.wait_for(lambda: self.process.poll() is not None or run.process.poll() is not None, trial.LIMIT, 0.01)
        if self.process.poll() is None:
            time.sleep(1)
        assert self.process.poll() == 0, f"It ended before that moment:\n{run.tail()}"
        self.pids = self.process.stdout.read().split()

    def signal(self, name: str) -> None:
        if self.pids:
            trial.sh(self.host, f"kill -{name} {' '.join(self.pids)} 2>/dev/null || :")

    def gone(self) -> bool:
        return not any(trial.sh(self.host, f"test -d /proc/{pid} && echo there || :") for pid in self.pids)


# -- faults -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _unreachable(host: str) -> Iterator[None]:
    """The other host of its kind answers nobody."""
    other = next(name for name in trial.MANAGED if name[:-1] == host[:-1] and name != host)
    with trial.paused(other):
        yield


@contextlib.contextmanager
def _crashed(host: str) -> Iterator[None]:
    """The host loses its power, and comes back once the playbook has ended."""
    docker("kill", LAB + host)
    try:
        yield
    finally:
        docker("start", LAB + host)
        wait_for_boot(BY_NAME[host])
        if host in trial.GLANCES:
            trial.wait_for(lambda: trial.answers(host, "/healthcheck"), SERVICE_SECONDS)


@contextlib.contextmanager
def _does_not_start(host: str) -> Iterator[None]:
    """Glance does not start any more, whatever its file says."""
    trial.refuse_to_start(host, "")
    try:
        yield
    finally:
        trial.sh(host, "rm -r /etc/systemd/system/glance-api.service.d; systemctl daemon-reload")


@contextlib.contextmanager
def _stopped(unit: str) -> Iterator[None]:
    """A service of the cloud is down."""
    trial.sh("infra", f"systemctl stop {unit}")
    try:
        yield
    finally:
        trial.sh("infra", f"systemctl start {unit}")
        trial.wait_for(lambda: trial.answers("infra", "/v2/images") == 200, SERVICE_SECONDS)


@contextlib.contextmanager
def _full(host: str, directory: str) -> Iterator[None]:
    """A file system, which was there before, has no byte left."""
    trial.sh(host, f"cat /dev/zero >{directory}/{BALLAST} 2>/dev/null || :")
    try:
        yield
    finally:
        trial.sh(host, f"rm {directory}/{BALLAST}")


@contextlib.contextmanager
def _second(_host: str) -> Iterator[None]:
    """Two more runs want the same hosts."""
    others = [trial.playbook(FORTH), trial.playbook(BACK)]
    yield
    for other in others:
        other.fails("locked by run")


CONFIGURATION = "/etc/glance"
FAULTS: dict[str, Callable[[str], contextlib.AbstractContextManager[None]]] = {
    "the other host unreachable": _unreachable,
    "host crashed": _crashed,
    "service does not start": _does_not_start,
    "Keystone down": lambda _host: _stopped("keystone"),
    "database down": lambda _host: _stopped("mariadb"),
    "no room for records": lambda host: _full(host, trial.RECORDS),
    "no room for configuration": lambda host: _full(host, CONFIGURATION),
    "a second run beside it": _second,
}
#: Faults other than SIGKILL, at a sample of moments.
SAMPLE = [
    *(
        Point(playbook, fault, at, then)
        for fault in ("the other host unreachable", "host crashed", "service does not start")
        for playbook, at, then in (
            (FORTH, "glance1 applying glance_v1_off", FORTH),
            (FORTH, "glance1 drained glance_v1_off", BACK),
            (BACK, "glance2 undoing glance_v1_off", BACK),
            (BACK, "glance2 drained glance_v1_off", BACK),
        )
    ),
    *(
        Point(playbook, fault, at, then)
        for fault in ("Keystone down", "database down")
        for playbook, at, then in (
            (FORTH, "nova2 prepared", FORTH),
            (FORTH, "glance1 prepared", BACK),
            (FORTH, "glance2 drained glance_v1_off", FORTH),
            (FORTH, "glance2 done glance_v1_off", BACK),
            (BACK, "glance2 undoing glance_v1_off", BACK),
            (BACK, "nova2 undoing nova", BACK),
        )
    ),
    *(
        Point(playbook, "a second run beside it", at, then)
        for playbook, at, then in (
            (FORTH, "glance1 prepared", FORTH),
            (FORTH, "glance1 applying glance_v1_off", BACK),
            (BACK, "glance2 undoing glance_v1_off", BACK),
        )
    ),
    *(
        Point(playbook, fault, at, then)
        for fault in ("no room for records", "no room for configuration")
        for playbook, at, then in (
            (FORTH, "glance1 prepared", FORTH),
            (FORTH, "glance1 applying glance_v1_off", FORTH),
            (FORTH, "glance1 drained glance_v1_off", BACK),
            (FORTH, "glance1 restarted glance_v1_off", FORTH),
            (BACK, "glance1 undoing glance_v1_off", BACK),
            (BACK, "glance1 drained glance_v1_off", BACK),
        )
    ),
    *(
        Point(playbook, "killed, its worker lives on", at, then)
        for playbook, at, then in (
            (FORTH, "nova1 applying nova", FORTH),
            (FORTH, "glance1 applying glance_v1_off", BACK),
            (FORTH, "glance1 drained glance_v1_off", FORTH),
            (FORTH, "glance2 restarted glance_v1_off", BACK),
            (FORTH, "glance2 undrained glance_v1_off", FORTH),
            (BACK, "glance2 undoing glance_v1_off", BACK),
            (BACK, "glance2 restarted glance_v1_off", BACK),
        )
    ),
]


@contextlib.contextmanager
def _own_disk(point: Point) -> Iterator[None]:
    """What is to be full is a file system of its own, from before the run until after the next command."""
    directory = {"no room for records": trial.RECORDS, "no room for configuration": CONFIGURATION}.get(point.fault)
    if directory is None:
        yield
        return
    script = """set -e; [ -d {0} ] || install -d -m 700 {0}; rm -rf /root/aside; cp -a {0} /root/aside
        mount -t tmpfs -o size=8m,mode=$(stat -c %a /root/aside),uid=$(stat -c %u /root/aside),gid=$(stat -c %g /root/aside) tmpfs {0}
        cp -a /root/aside/. {0}/; rm -r /root/aside"""
    trial.sh(point.host, script.format(directory))
    try:
        yield
    finally:
        trial.sh(
            point.host,
            f"set -e; rm -rf /root/aside; cp -a {directory} /root/aside; umount {directory}; "
            f"find {directory} -mindepth 1 -delete; cp -a /root/aside/. {directory}/; rm -r /root/aside",
        )


# -- to try a point -----------------------------------------------------------------------------------------------


def attempt(point: Point, states: States) -> None:
    """Strike at that moment, take the fault away, run the further command, and look. Raises AssertionError.

    The lab is to be in the state that the playbook starts from.
    """
    with _own_disk(point):
        if point.fault == "killed":
            run = states.play(point.playbook, **callback("/dev/null", point.at))
            run.wait()
            assert run.process.returncode == -9, f"It ended before that moment:\n{run.tail()}"
            states.play(point.then).succeeds()
        elif point.fault == "killed with its worker":
            watch = Watch(point.at, "modules")
            run = states.play(point.playbook)
            watch.wait(run)
            run.kill()
            watch.signal("KILL")
            states.play(point.then).succeeds()
        elif point.fault == "killed, its worker lives on":
            _orphaned(point, states)
        else:
            watch = Watch(point.at)
            run = states.play(point.playbook)
            watch.wait(run)
            with FAULTS[point.fault](point.host):
                run.wait()
            assert "Traceback (most recent call last)" not in run.output, (
                f"It died of an error of its own:\n{run.tail()}"
            )
            states.play(point.then).succeeds()
        states.check(point.then)


def _orphaned(point: Point, states: States) -> None:
    """The playbook is gone, and the next has ended, when the worker goes on: it is to write nothing, nor into the journal."""
    watch = Watch(point.at, "modules between two writes")
    run = states.play(point.playbook)
    watch.wait(run)
    run.kill()
    assert watch.pids, "No worker was there to outlive its playbook."
    states.play(point.then).succeeds()
    before, journal = trial.look(), trial.journal(watch.host)
    watch.signal("CONT")
    trial.wait_for(watch.gone, SERVICE_SECONDS)
    assert trial.differences(before, trial.look()) == []
    assert trial.journal(watch.host) == journal


# -- all of them --------------------------------------------------------------------------------------------------

RESULTS = STATE / "faults.jsonl"


def results() -> list[dict[str, str]]:
    """Points that were tried, also by an earlier command, with what came of each."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def point_of(result: dict[str, str]) -> Point:
    return Point(**{name: result[name] for name in Point.__dataclass_fields__})


def keep_logs() -> Path:
    """Put aside what the hosts' journals and logs say, for a reset empties them; the folder."""
    folder = STATE / "logs" / time.strftime("faults-%Y%m%dT%H%M%S")
    folder.mkdir(parents=True)
    script = "journalctl --no-pager --output=short-precise; tail -n 1000 /var/log/*/*.log; ps axf; ss -anp"
    for host in (*trial.MANAGED, "infra"):
        (folder / f"{host}.log").write_text(trial.sh(host, script, check=False), encoding="utf-8")
    return folder


def record(point: Point, outcome: str, seconds: float) -> None:
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**asdict(point), "outcome": outcome, "seconds": f"{seconds:.0f}"}) + "\n")
