# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a flip: a pure function of what was surveyed, what the catalogue knows and what the operator wants.

A plan is findings (blockers, warnings, notes), steps with the hosts of each, and for each host its part of each step in
the form that glance_transaction takes. Nothing here reads a host, a cloud or a clock.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _bind,
    _callers,
    _catalogue,
    _config_check,
    _glance_v1,
    _nova,
    _paste,
    _policy_file,
    _service,
    _takeover,
    _transfers,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import Finding, accepted

#: The steps in the order in which they are done, with what each is for.
STEPS = {
    "policy": "Glance decides by the policy that was asked for",
    "glance_v2_on": "Glance answers v2 on every API host",
    "glance_stopped": "no Glance runs while its database is changed",
    "database_expand": "the database has what the new release needs",
    "database_migrate": "data is moved to where the new release looks for it",
    "database_sync": "the database is that of the new release",
    "glance_release": "Glance runs the new release",
    "database_contract": "the database has no more what older releases needed",
    "glance_tls_open": "Glance is offered over TLS beside plaintext",
    "glance_public_endpoint": "Glance names its TLS address in its answers",
    "catalogue": "the catalogue's image endpoints name no version",
    "nova": "Nova speaks v2",
    "consumers": "Nova and other services ask Glance over TLS",
    "glance_v1_off": "Glance answers v1 no longer",
    "glance_plaintext_off": "Glance's plaintext port is for its own host alone",
}


#: Nova uploads a snapshot of an RBD-backed server by registering its location, which these rules guard.
LOCATION_POLICIES = ("get_image_location", "set_image_location", "delete_image_location")


@dataclass(frozen=True)
class Fleet:
    """Hosts by what they are to the flip, and the survey of each (None: it could not be looked at)."""

    glance: list[str]
    nova: list[str]
    consumers: list[str]
    surveys: dict[str, dict[str, Any]]
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: What the access logs of the Glance hosts say (glance_api_log_info), of those that were read.
    callers: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def hosts(self) -> list[str]:
        return list(dict.fromkeys(self.glance + self.nova + self.consumers))

    @property
    def addresses(self) -> dict[str, str]:
        """Names of hosts by their addresses."""
        return {
            address: host for host in self.reached(self.hosts) for address in self.surveys[host].get("addresses", [])
        }

    def reached(self, hosts: list[str]) -> list[str]:
        return [host for host in hosts if self.trouble(host) is None]

    def trouble(self, host: str) -> str | None:
        """Why a host could not be surveyed."""
        survey = self.surveys.get(host) or {"msg": "it was not surveyed (was it cut off by --limit?)"}
        return None if "services" in survey else str(survey.get("msg") or survey.get("module_stderr") or "no answer")

    def services(self, host: str, project: str) -> dict[str, dict[str, Any]]:
        """The services of a project that are really there: a unit of them is, or the operator named their files."""
        if self.trouble(host) is not None:
            return {}
        return {
            name: service
            for name, service in self.surveys[host]["services"].items()
            if service["project"] == project and (service["units"] or service["config_origin"] == "argument")
        }

    def release(self, host: str, name: str, project: str) -> _catalogue.Release:
        """The release of a service: the operator's word, else what is installed. Raises CatalogueError."""
        said = self.overrides.get(host, {}).get(name, {}).get("release")
        found = self.surveys[host]["services"][name]["release"]
        if not said and not found:
            raise _catalogue.CatalogueError(f"No installed {project.capitalize()} was found for {name}.")
        return _catalogue.release(project, said or found["version"])


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for; the defaults are those of the playbook's variables."""

    v1_off: bool = False
    v1_quiet_days: float = 7
    nova_option: str = "absent"
    accept: list[str] = field(default_factory=list)
    takeover: bool = False
    drain: dict[str, Any] = field(default_factory=dict)
    settle: int = 3
    start_timeout: int = 120


@dataclass
class Plan:
    findings: list[Finding] = field(default_factory=list)
    local: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # step, host: that host's part
    catalogue: list[dict[str, Any]] = field(default_factory=list)
    spoken: list[dict[str, Any]] = field(default_factory=list)
    runs: _takeover.Runs = field(default_factory=_takeover.Runs)
    undo: bool = False
    glances: list[Glance] = field(default_factory=list)
    policy: list[dict[str, Any]] = field(default_factory=list)  # decisions, as the report shows them
    titles: dict[str, str] = field(default_factory=dict)  # of steps that are for something else in this plan
    release: dict[str, Any] = field(default_factory=dict)  # of a flip of releases, what the way back has to know

    def add(self, id: str, severity: str, message: str, remedy: str, **where: Any) -> None:
        self.findings.append(Finding(id, severity, message, remedy, **where))

    def share(self, findings: Iterable[Finding]) -> None:
        """Add what services that share a file may each find in it, once."""
        self.findings += [found for found in dict.fromkeys(findings) if found not in self.findings]

    @property
    def steps(self) -> list[dict[str, Any]]:
        hosts = {step: list(self.local.get(step, {})) for step in STEPS}
        return [
            {"name": step, "title": self.titles.get(step, title), "hosts": hosts[step]}
            for step, title in STEPS.items()
            if hosts[step] or (step == "catalogue" and self.catalogue)
        ]

    @property
    def verdict(self) -> str:
        if any(found.severity == "blocker" for found in self.findings):
            return "blocked"
        return "ready" if self.steps or self.runs.continued else "nothing_to_do"


def make(fleet: Fleet, cloud: dict[str, Any], wishes: Wishes, controller: _takeover.Controller) -> Plan:
    """Plan the flip from the Images API v1 to v2."""
    plan = Plan()
    plan.runs = _takeover.look(fleet, wishes.takeover, controller, plan.findings)
    reach(fleet, plan)
    glances = plan.glances = list(glance_hosts(fleet, plan))
    _cloud(cloud, _v2_on(glances, wishes, plan), plan)
    _nova_hosts(fleet, wishes, plan)
    _rbd(fleet, glances, plan)
    _consumers(fleet, plan)
    _log_evidence(fleet, glances, wishes, plan)
    if wishes.v1_off:
        _v1_off(glances, wishes, plan)
    plan.findings = accepted(plan.findings, wishes.accept)
    return plan


def reach(fleet: Fleet, plan: Plan) -> None:
    for host in fleet.hosts:
        trouble = fleet.trouble(host)
        if trouble is None:
            continue
        if host in fleet.glance:
            plan.add(
                "glance_host_unreachable",
                "blocker",
                f"This Glance host could not be looked at: {trouble}",
                "Mend the connection, or take the host out of the inventory and out of the balancer.",
                host=host,
            )
        elif host in fleet.nova:
            plan.add(
                "nova_host_unreachable",
                "warning",
                f"This Nova host could not be looked at: {trouble}",
                "The others are changed and nothing is turned off; run the same playbook again once it is back.",
                host=host,
            )
        else:
            plan.add(
                "consumer_unreadable",
                "warning",
                f"This consumer could not be looked at: {trouble}",
                "Look there yourself how it asks Glance before anything is turned off.",
                host=host,
            )


# -- Glance -------------------------------------------------------------------------------------------------------


def _v2_on(glances: list[Glance], wishes: Wishes, plan: Plan) -> bool:
    """Plan v2 on; say whether every host's configuration has v2 on already."""
    all_on = True
    for glance in glances:
        plan.spoken.append(glance.spoken())
        all_on = all_on and glance.offers["v2"]
        try:
            edits = _glance_v1.edits(glance.services, glance.release, v2=True)
        except GlanceError as error:
            plan.add("glance_cannot_offer_v2", "blocker", error.message, "Mend it by hand.", host=glance.host)
            continue
        if edits or glance.api["restart_pending"]:
            plan.local.setdefault("glance_v2_on", {})[glance.host] = part_of(
                "glance_v2_on", [glance.api], edits, glance.health(wishes, present=["v2"]), glance.drain(wishes)
            )
    return all_on


@dataclass(frozen=True)
class Glance:
    """One Glance host: its services, its release, and what it offers."""

    host: str
    services: dict[str, dict[str, Any]]
    release: _catalogue.Release
    offers: dict[str, Any]
    policy: dict[str, _policy_file.Rule]

    @property
    def api(self) -> dict[str, Any]:
        return self.services["glance-api"]

    @property
    def contained(self) -> bool:
        """Whether it runs in a container, which takes its files when it is started."""
        return any(unit.get("container") for unit in self.api["units"])

    def spoken(self) -> dict[str, Any]:
        """Which versions of the Images API it speaks, and why."""
        return {
            "host": self.host,
            "service": "glance-api",
            "release": str(self.release),
            "api": [name for name in ("v1", "v2") if self.offers[name]],
            "origin": self.offers["origin"],
            "reason": self.offers["reason"],
            "restart_pending": self.api["restart_pending"],
        }

    def value(self, name: str) -> Any:
        """The effective value of an option of [DEFAULT]; None where the release has no such option."""
        option = _catalogue.option("glance", self.release, "DEFAULT", name)
        return _service.resolve(self.api, option.schema(), self.release)["effective"] if option else None

    def health(self, wishes: Wishes, **versions: list[str]) -> dict[str, Any]:
        scheme = "https" if self.value("cert_file") else "http"
        return {
            "url": f"{scheme}://{self.address}/",
            "versions": versions,
            "settle": wishes.settle,
            "timeout": wishes.start_timeout,
        }

    @property
    def address(self) -> str:
        """Where a client on the host itself finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind_host, self.bind_host)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def bind_host(self) -> str:
        return str(self.value("bind_host") or (self.wsgi.host if self.wsgi else "0.0.0.0"))

    @property
    def port(self) -> int:
        return int(self.value("bind_port") or (self.wsgi.port if self.wsgi else 9292))

    @functools.cached_property
    def wsgi(self) -> _bind.Bind | None:
        """Where the WSGI server listens that runs a Glance without such options of its own."""
        if _catalogue.option("glance", self.release, "DEFAULT", "bind_host"):
            return None
        return next(filter(None, (_bind.find(unit.get("argv") or []) for unit in self.api["units"])), None)

    @functools.cached_property
    def transfers(self) -> _transfers.Places:
        return _transfers.places(self.api, self.release)

    def drain(self, wishes: Wishes) -> dict[str, Any] | None:
        """Drain through Glance's own health check, where the paste file has it or the operator names its file.

        Where a hook or haproxy's socket takes the host out of the balancer, only the wait until nothing runs is left to do.
        """
        otherwise = wishes.drain.get("by") in ("hook", "haproxy")
        file = None if otherwise else wishes.drain.get("file") or _paste.drain_file(self.api["paste"])
        if not file and not otherwise:
            return None
        return {
            "file": file,
            "port": self.port,
            "units": [unit["name"] for unit in self.api["units"]],
            "staging": self.transfers.staging,
            "stores": self.transfers.stores,
            "grace": wishes.drain.get("grace", 4),
            "timeout": wishes.drain.get("timeout", 600),
        }


def glance_hosts(fleet: Fleet, plan: Plan, check: bool = True) -> Iterator[Glance]:
    """The Glance hosts that can be judged; blockers say why the others cannot. With ``check``, also their configurations."""
    for host in fleet.reached(fleet.glance):
        services = fleet.services(host, "glance")
        if "glance-api" not in services:
            plan.add(
                "glance_api_missing",
                "blocker",
                "No unit of glance-api is on this host.",
                'Name the unit in glance_flip_services (README, "Your own cloud"), or take the host out of the group.',
                host=host,
            )
            continue
        if services["glance-api"]["error"]:
            plan.add(
                "glance_configuration_refused",
                "blocker",
                services["glance-api"]["error"],
                "Mend the file; Glance would not start with it either.",
                host=host,
            )
            continue
        try:
            release = fleet.release(host, "glance-api", "glance")
            for service in services.values() if check else ():
                plan.share(_config_check.check(service, release, host=host))
            policy = _policy_file.rules(services["glance-api"]["policy"])
            yield Glance(host, services, release, _glance_v1.judge(services, release), policy)
        except _catalogue.CatalogueError as error:
            plan.add(
                "glance_release_unknown",
                "blocker",
                str(error),
                "Name it: glance_flip_services: {glance-api: {release: 15.0.2}} for this host.",
                host=host,
            )
        except GlanceError as error:
            plan.add("glance_configuration_refused", "blocker", error.message, "Mend the option.", host=host)


# -- the cloud's side ---------------------------------------------------------------------------------------------


def cloud_readable(cloud: Mapping[str, Any], plan: Plan) -> bool:
    """Whether the cloud's side could be read; a blocker says why it could not."""
    if "endpoints" not in cloud:
        plan.add(
            "cloud_unreadable",
            "blocker",
            str(cloud.get("msg", "The cloud's side could not be read.")),
            "Give credentials of an administrator (clouds.yaml, OS_* or glance_flip_cloud).",
        )
        return False
    return True


def _cloud(cloud: dict[str, Any], v2_configured: bool, plan: Plan) -> None:
    if not cloud_readable(cloud, plan):
        return
    if not any(endpoint["v2"]["answers"] for endpoint in cloud["endpoints"]) and v2_configured:
        plan.add(
            "v2_answers_nowhere",
            "blocker",
            "No address of the image service answers v2 (asked: %s), though every host's configuration has it on."
            % ", ".join(endpoint["url"] for endpoint in cloud["endpoints"]),
            "Ask one of them with curl; look at the balancer and at glance-api's log.",
        )
    plan.catalogue = cloud["catalogue_changes"]


# -- Nova ---------------------------------------------------------------------------------------------------------


def _nova_hosts(fleet: Fleet, wishes: Wishes, plan: Plan) -> None:
    speaks: dict[int, list[str]] = {1: [], 2: []}
    look = _NovaLook(fleet, plan)
    for host in fleet.reached(fleet.nova):
        services = fleet.services(host, "nova")
        if not services:
            plan.add(
                "nova_missing",
                "blocker",
                "No unit of Nova is on this host.",
                'Name its units in glance_flip_services (README, "Your own cloud"), or take the host out of the group.',
                host=host,
            )
        parts = []
        for name, service in services.items():
            answer = look.at(host, name, service)
            if answer is None:
                continue
            if host not in speaks[answer["api_version"]]:
                speaks[answer["api_version"]].append(host)
            if answer["api_version"] == 1 or service["restart_pending"]:
                parts.append((service, answer))
        try:
            edits = _service.merge(
                _nova.edits(service, wishes.nova_option) for service, answer in parts if answer["api_version"] == 1
            )
        except GlanceError as error:
            plan.add("nova_cannot_be_switched", "blocker", error.message, "Mend it by hand.", host=host)
            continue
        if parts:
            plan.local.setdefault("nova", {})[host] = part_of(
                "nova",
                list(services.values()),
                edits,
                {"url": None, "settle": wishes.settle, "timeout": wishes.start_timeout},
            )
    if speaks[1] and speaks[2]:
        plan.add(
            "nova_fleet_mixed",
            "warning",
            "The Nova hosts disagree: %s speak v1, %s speak v2." % (", ".join(speaks[1]), ", ".join(speaks[2])),
            "A Nova installation should always work on one version; this run brings the rest to v2.",
        )


def _rbd(fleet: Fleet, glances: list[Glance], plan: Plan) -> None:
    """Computes that keep disks in RBD upload a snapshot by registering its location; v2 must be told to allow that."""
    computes = [
        host
        for host in fleet.reached(fleet.nova)
        if any(_nova.rbd_backed(service) for service in fleet.services(host, "nova").values())
    ]
    for glance in glances if computes else ():
        if not glance.value("show_multiple_locations"):
            plan.add(
                "rbd_without_locations",
                "blocker",
                f"{', '.join(computes)} keep disks in RBD (images_type = rbd), and this Glance has "
                "show_multiple_locations off: v2 snapshots would fail there.",
                "Turn show_multiple_locations on for an internal API process that computes alone reach (OSSN-0065).",
                host=glance.host,
                accept=True,
            )
        denied = [rule for name in LOCATION_POLICIES if (rule := glance.policy.get(name)) and rule.check == "!"]
        if denied:
            plan.add(
                "rbd_without_location_policy",
                "blocker",
                f"The policy denies {', '.join(rule.name for rule in denied)} to everybody: v2 snapshots of "
                f"{', '.join(computes)} would fail.",
                "Allow the three *_image_location rules to the service user of Nova.",
                host=glance.host,
                file=denied[0].file,
                line=denied[0].line,
                accept=True,
            )


class _NovaLook:
    """Judges Nova's services one by one, and finds what would break on each."""

    def __init__(self, fleet: Fleet, plan: Plan) -> None:
        self.fleet, self.plan = fleet, plan
        self.addresses = {str(fleet.surveys[host].get("hostname")) for host in fleet.reached(fleet.glance)}
        self.addresses.update(fleet.glance)

    def at(self, host: str, name: str, service: dict[str, Any]) -> dict[str, Any] | None:
        """The judgement of a service, None where a blocker says why there is none."""
        if service["error"]:
            return self.block(
                "nova_configuration_refused",
                host,
                service["error"],
                "Mend the file; Nova would not start with it either.",
            )
        try:
            release = self.fleet.release(host, name, "nova")
        except _catalogue.CatalogueError as error:
            return self.block(
                "nova_release_unknown",
                host,
                str(error),
                f"Name it: glance_flip_services: {{{name}: {{release: newton}}}} for this host.",
            )
        answer = _nova.judge_service(service, release)
        self.plan.spoken.append(
            {
                "host": host,
                "service": name,
                "release": str(release),
                "reason": answer["reason"],
                "api": [f"v{answer['api_version']}"] if answer["api_version"] else [],
                "origin": answer["origin"],
                "restart_pending": service["restart_pending"],
            }
        )
        if answer["status"] == "refused":
            return self.block("nova_value_refused", host, answer["reason"], "Nova does not start with this value.")
        if answer["api_version"] == 1 and answer["status"] != "honoured":
            return self.block(
                "nova_speaks_v1_only",
                host,
                answer["reason"],
                "Upgrade Nova to the first release that can speak v2, or newer, before the flip.",
            )
        own = [Finding(**found, host=host, accept=True) for found in _nova.findings(service, release, self.addresses)]
        self.plan.share(own)
        # What stands in the way of the flip is graver than the same in a configuration that is left as it is.
        known = {found.id for found in own}
        self.plan.share(found for found in _config_check.check(service, release, host=host) if found.id not in known)
        return answer

    def block(self, id_: str, host: str, message: str, remedy: str) -> None:
        self.plan.add(id_, "blocker", message, remedy, host=host)


# -- who else calls Glance ----------------------------------------------------------------------------------------


def _consumers(fleet: Fleet, plan: Plan) -> None:
    for host in fleet.reached(fleet.consumers):
        for name, service in fleet.surveys[host]["services"].items():
            if service["project"] in ("glance", "nova") or not (
                service["units"] or service["config_origin"] == "argument"
            ):
                continue
            if service["error"]:
                plan.add(
                    "consumer_unreadable",
                    "warning",
                    f"{name}: {service['error']}",
                    "Look there yourself which Images API it speaks before v1 is turned off.",
                    host=host,
                )
                continue
            _consumer(fleet, host, name, service, plan)


def _consumer(fleet: Fleet, host: str, name: str, service: dict[str, Any], plan: Plan) -> None:
    said = fleet.overrides.get(host, {}).get(name, {}).get("release")
    version = said or (service["release"] or {}).get("version")
    trouble = "its release was not found."
    try:
        rules = (
            [_catalogue.images_api(service["project"], _major(version))]
            if version
            else _catalogue.images_api_options(service["project"])
        )
    except _catalogue.CatalogueError as error:
        rules, trouble = [], error.message
    for rule in rules:
        spoken, origin = rule.version, None
        if rule.schema is not None:
            answer = _service.resolve(service, rule.schema)
            if not version and answer["status"] == "default":
                continue  # without a release the default is not known
            spoken, origin = rule.spoken(answer["effective"]), answer["origin"]
            if spoken is None:
                trouble = f"{answer['origin']} says {answer['raw']}."
                break
        file, _colon, line = (origin or "").rpartition(":")
        plan.spoken.append(
            {
                "host": host,
                "service": name,
                "release": str(version or "unknown"),
                "origin": origin,
                "api": [f"v{spoken}"],
                "reason": rule.note,
            }
        )
        if spoken == 1:
            plan.add(
                "consumer_speaks_v1",
                "warning",
                f"{name} speaks the Images API v1.",
                "Set its option to 2 and restart it before v1 is turned off; v1 stays on until then.",
                host=host,
                file=file or None,
                line=int(line) if line.isdigit() else None,
            )
        return
    plan.add(
        "consumer_unknown",
        "warning",
        f"It is not known which Images API {name} speaks: {trouble}",
        f'Name its release by its major number, glance_flip_services: {{{name}: {{release: "10"}}}} for this host; or look '
        "there yourself.",
        host=host,
    )


def _major(version: object) -> int:
    """The major number of a consumer's release: the catalogue has no names for them. Raises CatalogueError."""
    found = re.match(r"(?:\d+:)?(\d+)", str(version))
    if found is None:
        raise _catalogue.CatalogueError(f"{version} is no number of a release.")
    return int(found[1])


def speakers_of_v1(fleet: Fleet, glances: list[Glance], wishes: Wishes) -> list[Finding]:
    """Who speaks the Images API v1 still, or may, as warnings: Nova's services, other consumers, callers in the logs."""
    look = Plan()
    _nova_hosts(fleet, replace(wishes, v1_off=True), look)
    _consumers(fleet, look)
    _log_evidence(fleet, glances, replace(wishes, v1_off=True), look)
    found = [each for each in look.findings if each.id in KEEPS_V1 or each.severity == "blocker"]
    for host in look.local.get("nova", {}):
        services = [each["service"] for each in look.spoken if each["host"] == host and each["api"] == ["v1"]]
        if services:
            found.append(
                Finding(
                    "nova_speaks_v1",
                    "warning",
                    f"{', '.join(services)} of this host speaks the Images API v1.",
                    "Bring it to v2 first: playbook upgrade_to_v2.",
                    host=host,
                )
            )
    return found


def _log_evidence(fleet: Fleet, glances: list[Glance], wishes: Wishes, plan: Plan) -> None:
    """Who asked for v1, as far as that can still matter; a note where v1 is not to go off in this run."""
    offering = [glance.host for glance in glances if glance.offers["v1"]]
    if not offering:
        return
    now = max(fleet.surveys[host]["time"] for host in offering)
    results = {host: fleet.callers.get(host, {"msg": "they were not read"}) for host in offering}
    for found in _callers.findings(results, wishes.v1_quiet_days, now, fleet.addresses):
        plan.findings.append(found if wishes.v1_off else replace(found, severity="note"))


# -- v1 off -------------------------------------------------------------------------------------------------------


#: Findings that mean that somebody speaks v1 still, or may.
KEEPS_V1 = (
    "glance_program_calls_v1",
    "nova_host_unreachable",
    "consumer_speaks_v1",
    "consumer_unreadable",
    "consumer_unknown",
    "v1_callers_seen",
    "v1_logs_too_short",
    "v1_logs_unreadable",
)


def _v1_off(glances: list[Glance], wishes: Wishes, plan: Plan) -> None:
    for glance in glances:
        for caller in glance.offers["v1_needed_by"]:
            plan.add(
                "glance_program_calls_v1",
                "warning",
                f"A program of Glance's own calls v1: {caller}.",
                "Retire it, or accept that it fails once v1 is off.",
                host=glance.host,
            )
    keep = [found for found in plan.findings if found.id in KEEPS_V1 and found.id not in wishes.accept]
    if keep:
        plan.add(
            "v1_stays_on",
            "warning",
            "v1 is not turned off: %s." % "; ".join(sorted({f"{found.id} on {found.host}" for found in keep})),
            "Bring these to v2 and run the same playbook again.",
        )
        return
    # A scrubber may ask the registry of another host.
    needed_by = [f"{glance.host}: {reason}" for glance in glances for reason in glance.offers["registry_needed_by"]]
    if needed_by and any(glance.offers["registry"] for glance in glances):
        plan.add(
            "registry_needed",
            "note",
            "glance-registry goes on: %s." % "; ".join(needed_by),
            "Retire what needs it, then run the same playbook again.",
        )
    for glance in glances:
        try:
            # By then the first step has turned v2 on.
            edits = _glance_v1.edits(
                glance.services, glance.release, v1=False, v2=True, registry=None if needed_by else False
            )
        except GlanceError as error:
            plan.add("glance_v1_cannot_go_off", "blocker", error.message, "Mend it by hand.", host=glance.host)
            continue
        retire = [] if needed_by else _glance_v1.retire(glance.services, glance.offers)
        if edits or retire:
            plan.local.setdefault("glance_v1_off", {})[glance.host] = part_of(
                "glance_v1_off",
                list(glance.services.values()),
                edits,
                glance.health(wishes, present=["v2"], absent=["v1"]),
                glance.drain(wishes),
                retire,
            )


# -- what a drain cannot see --------------------------------------------------------------------------------------


def unseen_transfers(plan: Plan) -> None:
    """v1 fetches ``copy_from`` after it has answered, straight into the store: only a file store shows that."""
    for glance in plan.glances:
        drained = [hosts[glance.host] for hosts in plan.local.values() if hosts.get(glance.host, {}).get("drain")]
        if drained and glance.offers["v1"] and glance.transfers.elsewhere:
            plan.add(
                "copy_from_unseen",
                "warning",
                f"A copy_from of v1 into {', '.join(glance.transfers.elsewhere)} shows neither in a connection nor in a file, "
                "so it is cut when this host restarts.",
                "Let glance_flip_hook_before wait until no image is queued or saving, or run while nobody uses copy_from.",
                host=glance.host,
            )


# -- a host's part of a step --------------------------------------------------------------------------------------


def part_of(
    name: str,
    services: list[dict[str, Any]],
    edits: list[dict[str, Any]],
    health: dict[str, Any],
    drain: dict[str, Any] | None = None,
    retire: list[str] | None = None,
) -> dict[str, Any]:
    """The form that glance_transaction takes; units that do not run are left alone."""
    hashes = {file["path"]: file["sha256"] for service in services for file in service["files"]}
    changed = {edit["path"] for edit in edits}
    units = [
        unit["name"]
        for service in services
        if service["restart_pending"] or changed & {file["path"] for file in service["files"]}
        for unit in service["units"]
        if unit["active_state"] == "active"
    ]
    return {
        "name": name,
        "files": [{**edit, "before": hashes[edit["path"]]} for edit in edits],
        "restart": [unit for unit in dict.fromkeys(units) if unit not in (retire or [])],
        "retire": retire or [],
        "drain": drain,
        "health": health,
    }
