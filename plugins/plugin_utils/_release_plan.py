# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a flip from one release of Glance to another: the database, then the hosts; and its way back.

A pure function of the surveys, of what was looked at for it on each host (the database, the files that the new release
gets), of the release catalogue and of what the operator wants.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _database_dump
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _config_check,
    _database_plan,
    _packaged,
    _plan,
    _policy_plan,
    _service,
    _takeover,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Release
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import Finding, accepted

STOPPED, RELEASE, CONTRACT = "glance_stopped", "glance_release", "database_contract"
EXPAND, MIGRATE, SYNC = "database_expand", "database_migrate", "database_sync"
#: Engines whose schema glance-manage changes beneath a running Glance (its `_validate_engine`; SQLite serves one host).
ONLINE_ENGINES = ("mysql",)
#: Of a configuration check, what the database itself says better.
_BY_DATABASE = ("database_migrates", "database_goes_back", "database_before_alembic", "v1_ends")

#: Of a configuration check, what the host's new environment and units have seen to.
_BY_LAYOUT = ("eventlet_server_gone", "python_changes")

#: The wishes as a task takes them.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "release": {"type": "str", "default": ""},
    "root": {"type": "path", "default": "/opt/glance"},
    "dump": {"type": "bool", "default": True},
    "restore": {"type": "bool", "default": False},
}
#: Images that are named in a message; the playbook shows all.
SHOWN_IMAGES = 20


@dataclass(frozen=True)
class ReleaseWishes:
    """What the operator asked for; the defaults are those of the role's variables."""

    release: str = ""  # the exact version to go to
    root: str = "/opt/glance"  # where the environments lie
    dump: bool = True  # whether a dump is taken before an offline hop
    restore: bool = False  # whether the way back puts it back

    @property
    def target(self) -> Release:
        """The release to go to. Raises GlanceError."""
        return _service.known_release("glance", self.release)

    @property
    def environment(self) -> str:
        return os.path.join(self.root, self.release)

    @property
    def link(self) -> str:
        return os.path.join(self.root, "current")

    def check(self, about: str) -> None:
        """Raise GlanceError for what cannot be used, before anything is looked at."""
        if about == "release" and not self.target.version:
            raise GlanceError(
                f"glance_release is {self.release or 'not set'}, and a flip goes to an exact version. Name one, such as "
                f"{_catalogue.releases('glance')[-1].newest_known}."
            )


def as_wishes(given: Mapping[str, Any]) -> ReleaseWishes:
    """The wishes out of a task's arguments; what is left out or null is as nobody asked."""
    known = asdict(ReleaseWishes())
    return replace(ReleaseWishes(), **{name: given[name] for name in known if given.get(name) is not None})


@dataclass(frozen=True)
class Look:
    """What was looked at on one host, beside its survey."""

    #: What glance_database_info says.
    database: Mapping[str, Any]
    #: What becomes of the host's files, in the form that glance_transaction takes.
    files: list[dict[str, Any]]
    #: The directories that the host has in the new release, in the same form.
    directories: list[dict[str, Any]] = field(default_factory=list)
    #: Why that could not be computed; empty where it was.
    error: str = ""


def make(
    fleet: _plan.Fleet,
    looks: Mapping[str, Look],
    wishes: _plan.Wishes,
    release: ReleaseWishes,
    policy: _policy_plan.PolicyWishes,
    people: Mapping[str, Any],
    controller: _takeover.Controller,
) -> _plan.Plan:
    """Plan the flip to another release."""
    plan = _plan.Plan(titles={RELEASE: f"Glance runs {release.target}"})
    plan.runs = _takeover.look(fleet, wishes.takeover, controller, plan.findings)
    _plan.reach(fleet, plan)
    plan.glances = list(_plan.glance_hosts(fleet, plan, check=False))
    hop = _Hop(fleet, looks, wishes, release, plan)
    hop.plan_it()
    if plan.steps:  # what is there already needs no proof
        proof = replace(policy, to_release=release.release, binding=True)
        _policy_plan.join(plan, wishes, proof, people)
    plan.findings = accepted(plan.findings, wishes.accept)
    return plan


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What becomes of a host's files between the layouts of two releases (``_release_files.layout``).

    Of an oslo.config file only what differs between the two is written, so that the rest stays as it is, secrets above all:
    those never travel with a plan. Raises GlanceError where one would have to.
    """
    before = {file["path"]: file for file in old["files"]}
    for file in new["files"]:
        was = before.pop(file["path"], {"options": [], "content": None})
        if "options" not in file:
            if was.get("content") != file["content"]:
                yield {"path": file["path"], "content": file["content"], "mode": file["mode"]}
            continue
        known = {(each["section"], each["option"]): each for each in was["options"]}
        options = []
        for each in file["options"]:
            if known.pop((each["section"], each["option"]), None) != each:
                options.append(each)
        options += [{**_named(each), "state": "absent"} for each in known.values() if each.get("state") != "absent"]
        for each in options:
            if "secret_value" in each:
                raise GlanceError(
                    f"{file['path']}: [{each['section']}] {each['option']} is a secret that the new release has elsewhere. Write it "
                    "there with oslo_config before the flip; the old release does not mind."
                )
        if options:
            yield {"path": file["path"], "options": options}
    for path, file in before.items():
        if "content" in file:
            yield {"path": path, "content": None}


def _named(option: Mapping[str, Any]) -> dict[str, Any]:
    return {name: option[name] for name in ("section", "option")}


class _Hop:
    """A hop of a fleet from the releases that run to the one asked for."""

    def __init__(
        self,
        fleet: _plan.Fleet,
        looks: Mapping[str, Look],
        wishes: _plan.Wishes,
        release: ReleaseWishes,
        plan: _plan.Plan,
    ) -> None:
        self.fleet, self.looks, self.wishes, self.release, self.plan = fleet, looks, wishes, release, plan
        self.target = release.target
        self.glances = plan.glances
        #: What a run that was cut off has written down of its hop; empty where there is none to finish.
        self.begun: Mapping[str, Any] = (plan.runs.continued or {}).get("release") or {}
        #: Of hosts whose units run no link: what lets them run it, in the release that they have.
        self.packaged: dict[str, list[dict[str, Any]]] = {}
        #: Those that do not run it yet.
        self.behind = [glance for glance in self.glances if not self._runs(glance)]

    def _runs(self, glance: _plan.Glance) -> bool:
        """Whether a host has the release: its link leads there, and every process of the API has its code from there."""
        return running(glance.api) == {self.release.release} and self._link(glance) == self.release.release

    def _link(self, glance: _plan.Glance) -> str | None:
        """What the link that the units run through leads to; None where they run through none."""
        for unit in glance.api["units"]:
            for link in unit.get("links") or ():
                if link["path"] == self.release.link:
                    return str(link["target"]).rstrip("/")
        return None

    def plan_it(self) -> None:
        self.plan.spoken += [glance.spoken() for glance in self.glances]
        database = read_database(self.fleet, {host: look.database for host, look in self.looks.items()}, self.plan)
        if database is None or not self._linked() or self._goes_elsewhere():
            return
        if self._refused_v1() or not self.glances:
            return
        at = database.at
        # A host that was cut off has the new release, and may run nothing.
        known = [_service.known_release("glance", version) for version in self.begun.get("from") or ()]
        oldest = min(
            (*known, *(glance.release for glance in self.behind)), key=lambda each: each.major, default=self.target
        )
        if self.target.major < oldest.major or at.expanded.major > self.target.major:
            self._backwards(database)
        backward = self._backward(at)
        commands = [] if backward else _database_plan.commands(at, self.target, database.counts)
        moves = [] if backward else self._moves(database)
        # Where the hosts have it and only the contract step is to come, nothing is left for this playbook.
        if not self.behind and not commands and not moves:
            return
        if not self._in_one_hop(at):
            return
        offline = self._offline(database, oldest)
        leader = self.glances[0]
        behind_schema = not backward and at.contracted.major < _database_plan.schema_of(self.target).major
        if offline:
            self._say_offline(database, offline)
            if behind_schema or moves:
                self._database(SYNC, "sync", leader, database)
            for glance in self.glances if behind_schema else self.behind:
                self._stop(glance)
        else:
            for verb in commands or ["migrate"] * bool(moves):
                self._database({"expand": EXPAND, "migrate": MIGRATE}[verb], verb, leader, database)
        for glance in self.behind:
            self._switch(glance, bool(offline))
        self.plan.release = dict(self.begun) or {
            "from": sorted({str(glance.release.version) for glance in self.behind}),
            "to": self.release.release,
            "offline": bool(offline),
            "heads": list(database.heads),
        }
        self._say_way_back(database, oldest, bool(offline))

    # what stands in the way

    def _linked(self) -> bool:
        """Whether the units run what a link leads to, for that is what a flip changes; or can, in the release that they have."""
        for glance in (glance for glance in self.glances if self._link(glance) is None):
            runs = running(glance.api)
            remedy = "Deploy Glance there with deploy.yml, in the release that runs now; or name the directory: glance_release_root."
            why = ""
            try:
                files = _packaged.drop_ins(glance.api, self.release.link)
                if runs == {self.release.release}:
                    self.packaged[glance.host] = files
                    continue
                if len(runs) == 1:
                    remedy = (
                        f"Take it into an environment of the release that it has first: -e glance_release={min(runs)}."
                    )
            except GlanceError as error:
                why = f" {error.message}"
            self.plan.add(
                "release_link_missing",
                "blocker",
                f"The units of this host do not run what {self.release.link} leads to, so their release cannot be changed by it.{why}",
                remedy,
                host=glance.host,
            )
        return not any(found.id == "release_link_missing" for found in self.plan.findings)

    def _goes_elsewhere(self) -> bool:
        """Whether a run that was cut off goes to another release: one record holds one way back."""
        to, run = self.begun.get("to"), self.plan.runs.continued
        if run is None or to in (None, self.release.release):
            return False
        self.plan.add(
            "release_begun",
            "blocker",
            f"Run {run['run_id']} takes Glance to {to}, and is not finished.",
            f"Finish it (-e glance_release={to}), or undo it: rollback.yml -e glance_flip_run={run['run_id']}.",
        )
        return True

    def _refused_v1(self) -> bool:
        """A hop to a release without v1 is refused while anybody speaks it, or may."""
        offering = [glance for glance in self.behind if glance.offers["v1"]]
        if not offering or any(each.version.startswith("1.") for each in self.target.api_versions):
            return False
        found = _plan.speakers_of_v1(self.fleet, offering, self.wishes)
        if found:
            self.plan.share(found)
            self.plan.add(
                "release_without_v1",
                "blocker",
                f"{self.target} has no Images API v1, and somebody speaks it, or may: "
                f"{'; '.join(sorted({f'{each.id} on {each.host}' if each.host else each.id for each in found}))}.",
                "Bring them to v2 first (playbook upgrade_to_v2 -e glance_flip_v1_off=true).",
                accept=True,
                source="Glance 17.0.0 release note: the Images API v1 is removed",
            )
        return bool(found) and "release_without_v1" not in self.wishes.accept

    def _in_one_hop(self, at: _database_plan.Position) -> bool:
        """Whether the target's own glance-manage takes the database up; else the hops that lead there are named."""
        try:
            chain = _database_plan.chain(at.contracted, self.target)
        except GlanceError as error:
            self.plan.add("release_chain", "blocker", error.message, "Bring the database on by hand.")
            return False
        if len(chain) > 1:
            takes = self.target.database.takes if self.target.database else None
            self.plan.add(
                "release_chain",
                "blocker",
                f"{self.target} does not take up a database of {at.contracted}. {takes.text if takes else ''}".rstrip(),
                f"Go there by way of {', then '.join(map(str, chain[:-1]))}: a run of this playbook for each.",
                source=takes.source if takes else "",
            )
        return len(chain) == 1

    def _backward(self, at: _database_plan.Position) -> bool:
        """Whether the database is that of a newer release than the one asked for: it stays as it is then."""
        return at.expanded.major > self.target.major

    def _backwards(self, database: Database) -> None:
        for found in way_back(self.target, database):
            self.plan.findings.append(found)

    def _offline(self, database: Database, oldest: Release) -> str:
        """Why this hop cannot be online; empty where it can."""
        if len(self.glances) > 1 and database.engine == "sqlite":
            self.plan.add(
                "database_not_shared",
                "blocker",
                "The database is SQLite, a file of one host, and there are several Glance hosts.",
                "Give them one database server: [database] connection.",
            )
        if self.begun.get("offline") and self.behind:
            return "the run that this one finishes began it so, and has stopped Glance"
        if abs(self.target.major - oldest.major) > 1:
            return f"{oldest} and {self.target} are not next to each other, and releases further apart do not run side by side"
        pending = database.at.contracted.major < _database_plan.schema_of(self.target).major
        if pending and database.engine not in ONLINE_ENGINES:
            return f"glance-manage changes a database of {database.engine} offline alone"
        if pending and database.at.contracted.major < _database_plan.schema_of(oldest).major:
            self.plan.add(
                "contract_pending",
                "blocker",
                f"The database is still to be contracted for {oldest}, which comes before it is expanded for {self.target}.",
                "Run flip_release_contract.yml first.",
            )
        return ""

    # what is done

    def _moves(self, database: Database) -> list[dict[str, Any]]:
        """Data migrations of releases that were left out, where rows are there to move."""
        return _database_plan.left_out(self.target, database.counts)

    def _database(self, step: str, verb: str, leader: _plan.Glance, database: Database) -> None:
        """A command of glance-manage, on one host: on Galera the schema is changed through one node alone."""
        moves = self._moves(database) if verb in ("migrate", "sync") else []
        part = database_part(step, verb, leader, self.release.environment, moves)
        if verb == "sync":
            dumped = self.release.dump and database.engine in _database_dump.ENGINES
            part["database"].update(head=_database_plan.head(self.target), dump=dumped, bytes=database.bytes)
            if self.release.dump and not dumped:
                self.plan.add(
                    "dump_impossible",
                    "warning",
                    f"No dump is taken of a database of {database.engine}.",
                    "Take one yourself once Glance is stopped (a hook can), or go without: -e glance_flip_dump=false.",
                    host=leader.host,
                )
        self.plan.local.setdefault(step, {})[leader.host] = part
        if moves:
            self.plan.add(
                "data_migration_left_out",
                "note",
                f"{sum(database.counts[move['name']] or 0 for move in moves)} rows are as a release had them that the database was "
                f"or is taken past. {' '.join(_moved(move['name']) for move in moves)}",
                f"Nothing: step {step} moves them, and looks whether any is left.",
                host=leader.host,
            )
        told = [
            each.database.triggers
            for each in _catalogue.releases("glance")
            if each.database
            and database.at.contracted.major < each.major <= self.target.major
            and each.database.triggers
        ]
        refuses = database.binary_log.get("on") and not database.binary_log.get("trust_function_creators")
        if verb == "expand" and told and refuses:
            self.plan.add(
                "triggers_refused",
                "blocker",
                f"{told[0].text} This server refuses that to a user without SUPER, for it writes a binary log and "
                "log_bin_trust_function_creators is off.",
                "Let the server's administrator turn it on for the hop, and off again afterwards. This playbook never does.",
                host=leader.host,
                accept=True,
                source=told[0].source,
            )

    def _switch(self, glance: _plan.Glance, offline: bool) -> None:
        """The host's files, its link, its units; nothing runs there where the hop is offline."""
        look, packaged = self.looks[glance.host], self.packaged.get(glance.host)
        files, directories = (packaged, []) if packaged else (look.files, look.directories)
        try:
            if look.error and not packaged:
                raise GlanceError(look.error)
            if not packaged:
                files = files + _packaged.leftovers(glance.api)
            edits = [each for each in files if "options" in each]
            services = {name: _service.after(service, edits) for name, service in glance.services.items()}
            for service in services.values():
                paste = service.get("paste")
                if paste and paste["file"].startswith(f"{self.release.link}/"):
                    service = {**service, "paste": None}  # goes with the link: the new release brings its own
                found = _config_check.check(service, glance.release, self.target, host=glance.host)
                self.plan.share(each for each in found if each.id not in (*_BY_DATABASE, *_BY_LAYOUT))
        except GlanceError as error:
            self.plan.add("release_files_refused", "blocker", error.message, "Mend what it names.", host=glance.host)
            return
        # Whatever runs what the link leads to, or is to, has to be started anew, and nothing else.
        linked = {
            unit["name"]: unit["active_state"] == "active" or (offline and service is glance.api)
            for service in glance.services.values()
            for unit in service["units"]
            if (packaged and service is glance.api)
            or any(link["path"] == self.release.link for link in unit.get("links") or ())
        }
        units = [name for name, runs in linked.items() if runs]
        health = {
            **glance.health(self.wishes, present=["v2"]),
            "environment": self.release.environment,
            "linked": list(linked),
        }
        self.plan.local.setdefault(RELEASE, {})[glance.host] = {
            "name": RELEASE,
            "directories": directories,
            "files": files,
            "links": [{"path": self.release.link, "before": self._link(glance) or "", "after": self.release.release}],
            "start": units if offline else [],
            "restart": [] if offline else units,
            # What the run stopped, or was cut off in starting, the record on the host knows best.
            "resume": [STOPPED, RELEASE],
            "retire": [],
            # On the way back it runs, also where it is started here.
            "drain": glance.drain(self.wishes),
            "health": {**health, "url_back": None} if offline else health,
        }

    def _stop(self, glance: _plan.Glance) -> None:
        """Before the database is changed offline nothing may write to it; requests that run are waited for.

        What a timer or a socket would start meanwhile is stopped with it, and first.
        """
        own = [unit for service in glance.services.values() for unit in service["units"]]
        units = [trigger for unit in own for trigger in unit["triggered_by"]]
        units += [unit["name"] for unit in own if unit["active_state"] not in ("inactive", "failed")]
        health = glance.health(self.wishes)
        self.plan.local.setdefault(STOPPED, {})[glance.host] = {
            "name": STOPPED,
            "files": [],
            "restart": [],
            "retire": list(dict.fromkeys(units)),
            "drain": glance.drain(self.wishes),
            "health": {**health, "url": None, "url_back": health["url"], "settle": 0},
        }

    # what to know

    def _say_offline(self, database: Database, why: str) -> None:
        took = _database_plan.seconds(database.at.contracted, self.target, database.bytes)
        starts = self.wishes.settle + 5
        self.plan.add(
            "offline_hop",
            "blocker",
            f"This hop is offline: {why}. From the stop of the last Glance host to the start of the first, nobody can use images: "
            f"about {took + starts} s by the size of the database ({(database.bytes or 0) / 1e6:.0f} MB), and "
            f"{starts} s more for each further host until all are back.",
            "Announce it. Where a chain of online hops leads there, it has no such outage.",
            accept=True,
        )

    def _say_way_back(self, database: Database, oldest: Release, offline: bool) -> None:
        """The verdict for the way back, before the hop is made."""
        if self.target.major < oldest.major:
            return
        after = self.target if offline else database.at.contracted
        then = _database_plan.Position(after, max(self.target, database.at.expanded, key=lambda each: each.major))
        verdict = _database_plan.verdict(oldest, then, {})
        if verdict.broken:
            self.plan.add(
                "no_way_back",
                "warning",
                f"Once the database is changed there is no way back to {oldest}: {' '.join(verdict.broken)}",
                "Have a copy of the database from just before.",
            )
        else:
            self.plan.add(
                "way_back",
                "note",
                f"{oldest} runs on the database as this hop leaves it"
                + (f", which has more then: {'; '.join(verdict.beyond)}." if verdict.beyond else ".")
                + (" Data that is moved is looked at before the way back." if offline else ""),
                "Nothing: rollback.yml computes it anew, from the database as it is then.",
            )


def _moved(name: str) -> str:
    release, _dash, number = name.partition("-")
    database = _catalogue.release("glance", release).database
    return database.migrations[int(number)].text if database else ""


def running(service: Mapping[str, Any]) -> set[str]:
    """The releases whose code the processes of a service have loaded."""
    return {version for unit in service["units"] for version in unit.get("running") or ()}


# -- the database -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Database:
    """The one database of a fleet, as a look at it told."""

    engine: str
    heads: list[str]
    at: _database_plan.Position
    counts: Mapping[str, int | None]
    bytes: int | None
    binary_log: Mapping[str, bool]


def read_database(fleet: _plan.Fleet, looks: Mapping[str, Mapping[str, Any]], plan: _plan.Plan) -> Database | None:
    """The database that the hosts' looks tell of; blockers say why there is none to tell of."""
    found: dict[tuple[str, ...], list[str]] = {}
    for host in fleet.reached(fleet.glance):
        look = looks.get(host) or {}
        if "heads" not in look:
            plan.add(
                "database_unreadable",
                "blocker",
                str(look.get("msg") or look.get("module_stderr") or "It was not looked at."),
                "Look from this host whether the database answers with the address in its configuration.",
                host=host,
            )
            continue
        found.setdefault(tuple(look["heads"]), []).append(host)
    if len(found) > 1:
        plan.add(
            "databases_differ",
            "blocker",
            "The hosts are not at one database: %s."
            % "; ".join(f"{', '.join(heads) or 'no revision'} on {', '.join(hosts)}" for heads, hosts in found.items()),
            "Give them the same [database] connection. Behind Galera, look whether a node lags behind.",
        )
    if len(found) != 1 or any(each.id == "database_unreadable" for each in plan.findings):
        return None
    look = looks[next(iter(found.values()))[0]]
    try:
        at = _database_plan.position(look["heads"])
    except GlanceError as error:
        plan.add("database_unknown", "blocker", error.message, "Look at [database] connection.")
        return None
    if look.get("galera"):
        plan.add(
            "galera",
            "note",
            "The database is a Galera cluster. The schema is changed from one host, through the node that its address leads to.",
            "Nothing, where that address leads to one node at a time.",
        )
    return Database(
        look["engine"], list(look["heads"]), at, look["counts"], look.get("bytes"), look.get("binary_log") or {}
    )


def database_part(
    step: str, verb: str, leader: _plan.Glance, environment: str, moves: list[dict[str, Any]]
) -> dict[str, Any]:
    """A command of glance-manage as a host's part of a step."""
    return {
        "name": step,
        "files": [],
        "restart": [],
        "retire": [],
        "drain": None,
        "database": {
            "verb": verb,
            "environment": environment,
            "config_files": leader.api["config_files"],
            "config_dirs": leader.api["config_dirs"],
            "user": next((unit["user"] for unit in leader.api["units"]), None),
            "moves": moves,
        },
        "health": {"url": None, "settle": 0, "timeout": 60},
    }


# -- the contract step ------------------------------------------------------------------------------------------------


def make_contract(
    fleet: _plan.Fleet,
    looks: Mapping[str, Look],
    wishes: _plan.Wishes,
    release: ReleaseWishes,
    controller: _takeover.Controller,
) -> _plan.Plan:
    """Plan the contract step: refused until every host runs one release, and that alone."""
    plan = _plan.Plan()
    plan.runs = _takeover.look(fleet, wishes.takeover, controller, plan.findings)
    _plan.reach(fleet, plan)
    plan.glances = list(_plan.glance_hosts(fleet, plan, check=False))
    database = read_database(fleet, {host: look.database for host, look in looks.items()}, plan)
    if database and len(plan.glances) == len(fleet.glance):
        _contract(plan, database, release)
    plan.findings = accepted(plan.findings, wishes.accept)
    return plan


def _contract(plan: _plan.Plan, database: Database, release: ReleaseWishes) -> None:
    told = {glance.host: running(glance.api) or {f"none of {release.root} that can be seen"} for glance in plan.glances}
    if len({version for versions in told.values() for version in versions}) > 1 or any(
        glance.release.version not in told[glance.host] for glance in plan.glances
    ):
        plan.add(
            "contract_too_early",
            "blocker",
            "Not every host runs the same release: %s."
            % "; ".join(f"{host} runs {', '.join(sorted(versions))}" for host, versions in told.items()),
            "Finish the flip (flip_release.yml), restart what still runs old code, and look at hosts that are not in the "
            "inventory: what the contract step takes away is gone for them too.",
        )
        return
    leader = plan.glances[0]
    if not _database_plan.to_contract(database.at, leader.release):
        if database.at.contracted.major < _database_plan.schema_of(leader.release).major:
            plan.add(
                "contract_before_expand",
                "blocker",
                f"The database is at {', '.join(database.heads)}, and has not been expanded for {leader.release}.",
                "Run flip_release.yml first.",
            )
        return
    environment = os.path.join(release.root, str(leader.release.version))
    plan.local[CONTRACT] = {leader.host: database_part(CONTRACT, "contract", leader, environment, [])}
    contract = leader.release.database.contract if leader.release.database else None
    if contract:
        breaks = f" Releases up to {contract.breaks} cannot run on it then." * bool(contract.breaks)
        plan.add(
            "contract_takes_away",
            "warning",
            f"{contract.text}{breaks}",
            "Nothing; but there is no way back from it but a copy of the database.",
            source=contract.source,
        )
    else:
        plan.add(
            "contract_takes_nothing",
            "note",
            "The contract step of this release moves the revision on, and takes nothing away.",
            "Nothing.",
        )


# -- the way back -----------------------------------------------------------------------------------------------------


def way_back(old: Release, database: Database) -> Iterator[Finding]:
    """The verdict before anything is put back: does the old code run on the present schema and data?"""
    verdict = _database_plan.verdict(old, database.at, database.counts)
    if verdict.broken:
        yield Finding(
            "release_not_on_schema",
            "blocker",
            f"{old} does not run on the database as it is ({', '.join(database.heads)}): {' '.join(verdict.broken)}",
            "Stay, or restore a copy of the database from before; images made since are not in it.",
        )
    for text in verdict.misread:
        yield Finding(
            "release_misreads_data",
            "blocker",
            f"{old} would not find data: {text}",
            "Run these statements once no newer Glance runs any more, or accept that those images are not found.",
            accept=True,
        )
    if verdict.runs and not verdict.misread:
        beyond = f" It has more than that release knows, which does no harm: {'; '.join(verdict.beyond)}." * bool(
            verdict.beyond
        )
        yield Finding(
            "release_runs_on_schema",
            "note",
            f"{old} runs on the database as it is ({', '.join(database.heads)}).{beyond}",
            "Nothing.",
        )


def undo(
    plan: _plan.Plan,
    fleet: _plan.Fleet,
    run: Mapping[str, Any],
    looks: Mapping[str, Mapping[str, Any]],
    restore: bool = False,
) -> None:
    """Add the verdict to the way back of a run that changed the release, and say what of it stays, or what is lost."""
    facts = run.get("release") or {}
    if plan.local.get(CONTRACT):
        plan.add(
            "contract_stays",
            "blocker",
            "This run contracts the database, and no release of Glance can undo that.",
            "To go back to the release before, name the run that changed it: -e glance_flip_run=ID; its verdict says whether "
            "that can be.",
        )
    if not facts.get("from") or not any(plan.local.get(step) for step in (RELEASE, EXPAND, MIGRATE, SYNC)):
        return
    dumps = {
        host: own["dump"] for host, own in run["on"].items() if own.get("dump") and host in plan.local.get(SYNC, {})
    }
    if facts.get("offline"):
        plan.add(
            "offline_way_back",
            "warning",
            "The way back of an offline hop is offline as well: Glance is drained and stopped on one host after the other, and "
            "started once none has the newer release.",
            "Announce it.",
        )
    if restore:
        _restore(plan, run, dumps, looks)
        return
    for host, dump in dumps.items():
        plan.add(
            "dump_kept",
            "note",
            f"The database stays as it is. A dump from {_moment(dump['time'])}, with {dump['images']} images, is {dump['file']}.",
            "Nothing. To put it back, and lose what was made since: -e glance_flip_restore=true.",
            host=host,
        )
    database = read_database(fleet, looks, plan)
    if database is None:
        return
    for version in facts["from"]:
        plan.findings += list(way_back(_service.known_release("glance", version), database))


def _restore(
    plan: _plan.Plan,
    run: Mapping[str, Any],
    dumps: Mapping[str, Mapping[str, Any]],
    looks: Mapping[str, Mapping[str, Any]],
) -> None:
    """What putting a dump back means: the database of then, whatever came since."""
    if not dumps:
        plan.add(
            "dump_missing",
            "blocker",
            f"Run {run['run_id']} has no dump that could be put back: its hop was online, it was told to take none, or it is undone.",
            "Leave glance_flip_restore out, and read the verdict.",
        )
    for host, dump in dumps.items():
        since = (looks.get(host) or {}).get("dump") or {}
        if since.get("run_id") != run["run_id"]:
            said = (looks.get(host) or {}).get("msg") or "it was not looked at"
            plan.add(
                "database_unreadable",
                "blocker",
                f"What was made since the dump is not known: {said}.",
                f"Look whether the database answers there, and name the run: -e glance_flip_run={run['run_id']}.",
                host=host,
            )
            continue
        then, made, deleted = _moment(dump["time"]), since["made"], since["deleted"]
        if made or deleted:
            named = ", ".join(f"{image['id']} ({image['name']})" for image in made[:SHOWN_IMAGES])
            more = f" and {len(made) - SHOWN_IMAGES} more" * (len(made) > SHOWN_IMAGES)
            plan.add(
                "restore_orphans",
                "blocker",
                f"The database goes back to {then}. {len(made)} images were made since, whose data nothing will lead to: "
                f"{named or 'none'}{more}. {len(deleted)} images were deleted since, and would be there without their data.",
                "Download what you need of them first; or accept it.",
                host=host,
                accept=True,
            )
        plan.add(
            "dump_put_back",
            "warning",
            f"The dump from {then} is put back: all that was changed of images, members and properties since is lost.",
            "To keep the database as it is, leave glance_flip_restore out.",
            host=host,
        )


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
