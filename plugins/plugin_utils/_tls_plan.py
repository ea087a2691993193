# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS in front of a fleet's Glance hosts: stunnel opens beside plaintext, then Glance, the catalogue and the services that
call Glance name it, and in the end plaintext closes.

What stunnel needs on a host the module stunnel_service finds out there, in check mode: it checks the certificate and says
which files it would write and what would become of its unit. The plan takes its word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.stackops.glance.plugins.module_utils._certificates import covers
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _plan,
    _service,
    _takeover,
    _tls_close,
    _tls_consumers,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import accepted

OPEN, NAMED = "glance_tls_open", "glance_public_endpoint"
#: Glance spoke TLS itself with these, up to 19 (Train); 20 (Ussuri) took them out and named stunnel (its release notes).
OWN_TLS = {"certificate": "cert_file", "key": "key_file", "client_ca": "ca_file"}
#: By this URL each worker is known to the others (22 and newer).
WORKER_URL = "worker_self_reference_url"
#: Workers ask each other by keystoneauth without a CA file (glance/context.py), so requests' own variable says it.
CA_DROP_IN, CA_VARIABLE = "stackops-glance-ca.conf", "REQUESTS_CA_BUNDLE"

#: The wishes as a task takes them.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "port": {"type": "int", "default": 9293},
    "endpoints": {"type": "dict", "default": {}},
    "consumers_ca": {"type": "str", "default": ""},
    "worker_ca": {"type": "str", "default": ""},
    "close_plaintext": {"type": "bool", "default": False},
    "quiet_hours": {"type": "float", "default": 24},
}


@dataclass(frozen=True)
class TlsWishes:
    """What the operator asked for; the defaults are those of the role's variables."""

    port: int = 9293
    endpoints: dict[str, str] = field(default_factory=dict)  # addresses of the image service by interface
    consumers_ca: str = ""  # file of CA certificates on the hosts of Nova and other services
    worker_ca: str = ""  # the same on Glance hosts
    close_plaintext: bool = False
    quiet_hours: float = 24  # without a plaintext caller, before plaintext closes; 0 asks no logs

    def check(self) -> None:
        """Raise GlanceError for what cannot be used, before anything is looked at."""
        for interface, url in self.endpoints.items():
            if interface not in ("public", "internal", "admin") or not str(url).startswith("https://"):
                raise GlanceError(
                    f"glance_stunnel_endpoints: {interface}: {url} is no https:// address of the interface public, internal "
                    "or admin."
                )
        for name in ("consumers_ca", "worker_ca"):
            path = getattr(self, name)
            if path and (not path.startswith("/") or len(path.split()) > 1):
                raise GlanceError(f"glance_stunnel_{name}: {path!r} is no absolute path, without blanks, of a file.")
        if self.quiet_hours < 0:
            raise GlanceError("glance_stunnel_quiet_hours: it cannot be negative; 0 asks no logs.")


def as_wishes(given: Mapping[str, Any]) -> TlsWishes:
    """The wishes out of a task's arguments; what is left out or null is as nobody asked."""
    known = asdict(TlsWishes())
    return replace(TlsWishes(), **{name: given[name] for name in known if given.get(name) is not None})


# -- addresses --------------------------------------------------------------------------------------------------------


def https_url(entry: Mapping[str, Any], wishes: TlsWishes) -> str:
    """What the address of a catalogue's entry becomes: the one that was named, else the same host with the TLS port."""
    parts = urlsplit(entry["url"])
    if parts.scheme == "https":
        return str(entry["url"])
    given = urlsplit(wishes.endpoints.get(entry["interface"], ""))
    place = given.netloc or _place(parts.hostname or "", wishes.port)
    return urlunsplit(("https", place, given.path.rstrip("/") + parts.path, "", ""))


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def changes(catalogue: Iterable[Mapping[str, Any]], wishes: TlsWishes) -> list[dict[str, Any]]:
    """What becomes of the catalogue's entries, in the form that image_endpoints takes; ids and paths stay."""
    return [
        {
            "id": entry["id"],
            "interface": entry["interface"],
            "region": entry["region"],
            "url_before": entry["url"],
            "url_after": https_url(entry, wishes),
        }
        for entry in catalogue
        if urlsplit(entry["url"]).scheme != "https"
    ]


def names(catalogue: Iterable[Mapping[str, Any]], wishes: TlsWishes) -> list[str]:
    """The names and addresses by which clients will know the service: a certificate has to be for all of them."""
    hosts = (urlsplit(https_url(entry, wishes)).hostname for entry in catalogue)
    return list(dict.fromkeys(host for host in hosts if host))


def own_tls(survey: Mapping[str, Any]) -> dict[str, str]:
    """The files that Glance's own TLS options name, by what stunnel_service calls them; also where Glance reads them no more."""
    values = (survey.get("services") or {}).get("glance-api", {}).get("assignments", [])
    raw = {value["option"]: value["raw"] for value in values if value["group"] == "DEFAULT"}
    return {name: raw[option] for name, option in OWN_TLS.items() if raw.get(option)}


# -- the plan ---------------------------------------------------------------------------------------------------------


def make(
    fleet: _plan.Fleet,
    cloud: Mapping[str, Any],
    looks: Mapping[str, Mapping[str, Any] | None],
    wishes: _plan.Wishes,
    tls: TlsWishes,
    controller: _takeover.Controller,
    closing: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> _plan.Plan:
    """Plan TLS; ``looks`` is what stunnel_service said on each host, ``closing`` what it said of a Glance at the loopback
    address, where it listens at another alone."""
    plan = _plan.Plan(titles={"catalogue": "the catalogue's image endpoints are https"})
    plan.runs = _takeover.look(fleet, wishes.takeover, controller, plan.findings)
    _plan.reach(fleet, plan)
    plan.glances = list(_plan.glance_hosts(fleet, plan))
    public = ""
    if _plan.cloud_readable(cloud, plan):
        plan.catalogue = changes(cloud["catalogue"], tls)
        public = _public(cloud["catalogue"], tls, plan)
    for glance in plan.glances:
        if glance.value("cert_file"):
            plan.add(
                "glance_speaks_tls_itself",
                "blocker",
                f"{glance.release} speaks TLS on port {glance.port} by itself (cert_file), which stunnel cannot stand before.",
                "Take cert_file, key_file and ca_file out and restart Glance in a window of your own; stunnel can use these files.",
                host=glance.host,
            )
        elif _opened(plan, glance, looks.get(glance.host) or {}, wishes, tls) and public:
            _named(plan, glance, public, looks.get(glance.host) or {}, wishes, tls)
    certificates = [(looks.get(glance.host) or {}).get("certificate", {}).get("names", []) for glance in plan.glances]

    def place(host: str) -> str | None:
        """Where a host is found over TLS: as the catalogue has it, else where every certificate is for it."""
        for entry in cloud.get("catalogue", []):
            if urlsplit(entry["url"]).hostname == host:
                return urlsplit(https_url(entry, tls)).netloc
        everywhere = all(any(covers(pattern, host) for pattern in patterns) for patterns in certificates)
        return _place(host, tls.port) if certificates and everywhere else None

    _tls_consumers.make(fleet, place, tls.consumers_ca, wishes, plan)
    if tls.close_plaintext:
        moving = {host: look for host, look in (closing or {}).items() if _files(look) != _files(looks.get(host))}
        _tls_close.make(fleet, moving, tls.quiet_hours, wishes, plan)
    _plan.unseen_transfers(plan)
    plan.findings = accepted(plan.findings, wishes.accept)
    return plan


def _files(look: Mapping[str, Any] | None) -> Any:
    return (look or {}).get("files")


def _public(catalogue: list[dict[str, Any]], tls: TlsWishes, plan: _plan.Plan) -> str:
    """The root of the address that Glance shall name in its answers, since it knows nothing of the TLS before it."""
    entry = next((each for each in catalogue if each["interface"] == "public"), None)
    if entry is None:
        plan.add(
            "public_endpoint_unknown",
            "blocker",
            "The catalogue has no public endpoint of the image service, so what Glance should name in its answers is not known.",
            "Create the endpoint in Keystone, or look whether the region is the right one.",
        )
        return ""
    return https_url({**entry, "url": entry["url_versionless"]}, tls).rstrip("/")


def _opened(
    plan: _plan.Plan, glance: _plan.Glance, look: Mapping[str, Any], wishes: _plan.Wishes, tls: TlsWishes
) -> bool:
    """Plan the service before Glance's port; False where a blocker says why there is none."""
    if "action" not in look:
        plan.add(
            "tls_service_refused",
            "blocker",
            str(look.get("msg") or look.get("module_stderr") or "It was not looked at."),
            "Do what the message says, on this host.",
            host=glance.host,
        )
        return False
    certificate = look["certificate"]
    if certificate["expires_soon"]:
        plan.add(
            "tls_certificate_expires_soon",
            "warning",
            f"The certificate expires on {certificate['not_after']}, in {certificate['days_left']} days.",
            "Renew it in the same files and run the same playbook again; no transfer is cut by that.",
            host=glance.host,
        )
    unit, action = look["unit"], look["action"]
    if action != "none" or not look["enabled"]:
        plan.local.setdefault(OPEN, {})[glance.host] = {
            "name": OPEN,
            "files": look["files"],
            "start": [unit] * (action == "start" or not look["enabled"]),
            "reload": [unit] * (action == "reload"),
            "restart": [unit] * (action == "restart"),
            "retire": [],
            # Only a restart of stunnel cuts what runs through it.
            "drain": glance.drain(wishes) if action == "restart" else None,
            "health": {
                **glance.health(wishes),
                "certificate": {**look["listens"], "fingerprint": certificate["fingerprint"]},
            },
        }
    return True


def _named(
    plan: _plan.Plan, glance: _plan.Glance, public: str, look: Mapping[str, Any], wishes: _plan.Wishes, tls: TlsWishes
) -> None:
    """Let Glance name TLS addresses, to clients and to its other workers, and take out the options that it reads no more."""
    edits = []
    try:
        worker, drop_ins = _worker(plan, glance, look["certificate"].get("names", []), tls)
        edits.append(worker)
        if str(glance.value("public_endpoint") or "").rstrip("/") != public:
            option = _catalogue.option("glance", glance.release, "DEFAULT", "public_endpoint")
            schema = option.schema() if option else {"group": "DEFAULT", "name": "public_endpoint", "type": "string"}
            edits.append(_service.change(glance.api, schema, public))
        for name in OWN_TLS.values():
            if _catalogue.option("glance", glance.release, "DEFAULT", name) is None:
                edits.append(_service.change(glance.api, {"group": "DEFAULT", "name": name, "type": "string"}, None))
        changes_ = _service.merge(edits)
    except GlanceError as error:
        plan.add("public_endpoint_cannot_be_set", "blocker", error.message, "Mend it by hand.", host=glance.host)
        return
    if changes_ or drop_ins or glance.api["restart_pending"]:
        health = glance.health(wishes, present=[name for name in ("v1", "v2") if glance.offers[name]])
        part = _plan.part_of(NAMED, [glance.api], changes_, health, glance.drain(wishes))
        if drop_ins:
            part["files"] += drop_ins
            part["restart"] = [unit["name"] for unit in glance.api["units"] if unit["active_state"] == "active"]
        plan.local.setdefault(NAMED, {})[glance.host] = part


def _worker(
    plan: _plan.Plan, glance: _plan.Glance, names_: Iterable[str], tls: TlsWishes
) -> tuple[list[_service.Change], list[dict[str, Any]]]:
    """By which URL the other workers find this one, and the CA by which it verifies them. Raises GlanceError.

    Where nobody set a URL of its own, workers share their staging directory, and none asks another.
    """
    url = urlsplit(str(glance.value(WORKER_URL) or ""))
    if not url.hostname:
        return [], []
    edits: list[_service.Change] = []
    if url.scheme != "https":
        if not any(covers(pattern, url.hostname) for pattern in names_):
            raise GlanceError(
                f"{WORKER_URL} names {url.hostname}, which this host's certificate is not for: its names are "
                f"{', '.join(names_) or 'none'}. Have one issued with this name as well."
            )
        option = _catalogue.option("glance", glance.release, "DEFAULT", WORKER_URL)
        new = urlunsplit(("https", _place(url.hostname, tls.port), url.path, "", ""))
        edits = _service.change(glance.api, option.schema() if option else {}, new)
        if glance.value("image_cache_driver") == "centralized_db":
            plan.add(
                "worker_cache_forgotten",
                "warning",
                f"The image cache (centralized_db) keeps its records by {WORKER_URL}: what this host has in it is fetched anew.",
                "Empty the cache's directory afterwards, so that it does not keep files that nobody looks for.",
                host=glance.host,
            )
    drop_ins = []
    for unit in glance.api["units"]:
        if not tls.worker_ca or unit.get("ca_bundle") == tls.worker_ca:
            continue
        if unit.get("ca_bundle"):
            raise GlanceError(
                f"{unit['name']} has {CA_VARIABLE}={unit['ca_bundle']} already. Put the CA into that file and leave "
                "glance_stunnel_worker_ca out, or take the variable out of the unit."
            )
        content = "# Written by stackops.glance.tls: how workers verify each other.\n[Service]\n"
        content += f"Environment={CA_VARIABLE}={tls.worker_ca}\n"
        drop_ins.append({"path": _service.drop_in(unit, CA_DROP_IN), "before": "", "content": content, "mode": "0644"})
    return edits, drop_ins
