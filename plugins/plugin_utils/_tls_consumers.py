# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova and other services that are told where Glance is: their addresses become https, and they get its CA.

A service that finds Glance by the catalogue follows it by itself, and needs the CA alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _plan, _service

STEP = "consumers"

#: What the address of a server becomes over TLS: (HOST:PORT) by its host; None where nobody says it.
Place = Callable[[str], "str | None"]


def make(fleet: _plan.Fleet, place: Place, ca: str, wishes: _plan.Wishes, plan: _plan.Plan) -> None:
    """Plan what every service that calls Glance is to be told; ``ca`` is the file on its host, empty for the trust store."""
    for host in fleet.reached(list(dict.fromkeys(fleet.nova + fleet.consumers))):
        looks = [
            _Look(host, name, service, plan)
            for name, service in fleet.surveys[host]["services"].items()
            if service["project"] != "glance" and (service["units"] or service["config_origin"] == "argument")
        ]
        for look in looks:
            look.at(fleet, place, ca)
        changed = [look for look in looks if look.edits]
        try:
            edits = _service.merge(look.edits for look in changed)
        except GlanceError as error:
            plan.add("consumer_cannot_be_told", "blocker", error.message, "Mend it by hand.", host=host)
            continue
        if edits:
            trust = [each for look in changed for each in look.trust]
            health = {"url": None, "settle": wishes.settle, "timeout": wishes.start_timeout}
            plan.local.setdefault(STEP, {})[host] = _plan.part_of(
                STEP,
                [look.service for look in changed],
                edits,
                {**health, "trust": [each for number, each in enumerate(trust) if each not in trust[:number]]},
            )


class _Look:
    """One service of a host: what it is told today, and what has to be written."""

    def __init__(self, host: str, name: str, service: dict[str, Any], plan: _plan.Plan) -> None:
        self.host, self.name, self.service, self.plan = host, name, service, plan
        self.release: _catalogue.Release | None = None
        self.edits: list[_service.Change] = []
        self.trust: list[dict[str, Any]] = []

    def at(self, fleet: _plan.Fleet, place: Place, ca: str) -> None:
        options, trouble = None, self.service["error"]
        try:
            project = self.service["project"]
            known = project in _catalogue.PROJECTS and not trouble
            self.release = fleet.release(self.host, self.name, project) if known else None
            options = _catalogue.addresses(project, self.release.major if self.release else None)
        except GlanceError as error:
            trouble = error.message
        if options is None or trouble:
            self.plan.add(
                "consumer_tls_by_hand",
                "warning",
                f"What {self.name} is told of Glance is not known: {trouble or 'the catalogue does not have its options.'}",
                "Give it the https address and the CA yourself; plaintext stays open until you accept this by name.",
                host=self.host,
                accept=True,
            )
            return
        try:
            places = [self.told(name, place) for name in options.servers]
            self.certified(options.ca, ca, [each for several in places for each in several])
        except GlanceError as error:
            self.plan.add("consumer_cannot_be_told", "blocker", error.message, "Mend it by hand.", host=self.host)

    def told(self, option: str, place: Place) -> list[tuple[str, int]]:
        """Let an option name https addresses alone; returns those of them that are new, as host and port."""
        schema = self.schema(option)
        answer = _service.resolve(self.service, schema)
        urls = [url.strip() for url in str(answer["effective"] or "").split(",") if url.strip()]
        becomes, new = [], []
        for url in urls:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            if parts.scheme == "https":
                becomes.append(url)
                continue
            netloc = place(parts.hostname or "")
            if netloc is None:
                self.plan.add(
                    "consumer_address_unknown",
                    "warning",
                    f"[{schema['group']}] {schema['name']} of {self.name} names {url}: its host is in no https address of the "
                    "catalogue, and not every host's certificate is for it.",
                    "Let it name the catalogue's host, or issue certificates with this name; plaintext stays open until then.",
                    host=self.host,
                    accept=True,
                )
                return []
            becomes.append(urlunsplit(("https", netloc, parts.path, "", "")))
            target = urlsplit(becomes[-1])
            new.append((target.hostname or "", target.port or 443))
        if new:
            self.edits += _service.change(self.service, schema, ",".join(becomes))
        return new

    def certified(self, option: str, ca: str, new: list[tuple[str, int]]) -> None:
        schema = self.schema(option)
        today = _service.resolve(self.service, schema)["effective"]
        if ca and today != ca:
            self.edits += _service.change(self.service, schema, ca)
        self.trust = [{"host": host, "port": port, "ca": ca or today or None} for host, port in new]

    def schema(self, option: str) -> dict[str, Any]:
        """As the catalogue has it, with its older names, but as text: a list is written back with its commas."""
        group, name = option.split("/")
        known = _catalogue.option(self.release.project, self.release, group, name) if self.release else None
        deprecated = known.schema()["deprecated"] if known else []
        return {"group": group, "name": name, "type": "string", "default": None, "deprecated": deprecated}
