# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image service in Keystone: the service, its user with roles, its endpoints."""

from __future__ import annotations

from typing import Any, Dict, List
from urllib.parse import quote, urlsplit

from ansible_collections.stackops.glance.plugins.module_utils import _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

Thing = Dict[str, Any]


class Registration:
    """What is there in Keystone and what lacks; ``changes`` names it, and ``check`` writes nothing of it."""

    def __init__(self, keystone: _images.Keystone, check: bool) -> None:
        self.keystone = keystone
        self.check = check
        self.changes: List[str] = []

    def find(self, kind: str, name: str, **more: str) -> Thing | None:
        """The one of a kind (``users``, ``projects`` ...) with that name."""
        query = "&".join(f"{key}={quote(value)}" for key, value in {"name": name, **more}.items())
        found: List[Thing] = self.keystone.json(f"/{kind}?{query}")[kind]
        return found[0] if found else None

    def need(self, kind: str, name: str, what: str) -> Thing:
        found = self.find(kind, name)
        if found is None:
            raise GlanceError(f"Keystone has no {what} {name}. Make it, or name one that is there.")
        return found

    def make(self, kind: str, one: str, said: str, **facts: Any) -> Thing:
        """Create one of a kind; in check mode it gets no id."""
        self.changes.append(said)
        if self.check:
            return {"id": None, **facts}
        made: Thing = self.keystone.call("POST", f"/{kind}", 201, json={one: facts}).json()[one]
        return made

    def change(self, kind: str, one: str, thing: Thing, said: str, **facts: Any) -> None:
        self.changes.append(said)
        if not self.check:
            self.keystone.call("PATCH", f"/{kind}/{thing['id']}", 200, json={one: facts})

    # the parts

    def service(self, name: str, description: str) -> Thing:
        """The image service of that name, else the only one; another one's name is left alone."""
        found: List[Thing] = self.keystone.json("/services?type=image")["services"]
        named = [each for each in found if each.get("name") == name]
        if not named and len(found) > 1:
            names = ", ".join(sorted(str(each.get("name")) for each in found))
            raise GlanceError(f"Keystone has several image services, and none is called {name}: {names}. Name one of them.")
        if named or found:
            return (named or found)[0]
        return self.make("services", "service", f"service {name}", type="image", name=name, description=description)

    def user(self, wanted: Thing) -> None:
        domain = self.need("domains", wanted["domain"], "domain")["id"]
        name, password, project = wanted["name"], wanted["password"], wanted["project"]
        home = self.find("projects", project, domain_id=domain)
        home = home or self.make("projects", "project", f"project {project}", name=project, domain_id=domain)
        user = self.find("users", name, domain_id=domain)
        if user is None:
            user = self.make("users", "user", f"user {name}", name=name, domain_id=domain, password=password)
        elif not self._may_enter(user["id"], password):
            self.change("users", "user", user, f"password of user {name}", password=password)
        for role in wanted["roles"]:
            self._role(home, user, self.need("roles", role, "role"))

    def _may_enter(self, user_id: str, password: str) -> bool:
        identity = {"methods": ["password"], "password": {"user": {"id": user_id, "password": password}}}
        # Unscoped, since the user may have no role yet.
        body = {"auth": {"identity": identity, "scope": "unscoped"}}
        return bool(self.keystone.ask("POST", "/auth/tokens", authenticated=False, json=body).status_code == 201)

    def _role(self, project: Thing, user: Thing, role: Thing) -> None:
        path = f"/projects/{project['id']}/users/{user['id']}/roles/{role['id']}"
        known = project["id"] and user["id"]
        if known and self.keystone.call("HEAD", path, 200, 204, 404).status_code != 404:
            return
        self.changes.append(f"role {role['name']} of user {user['name']} in project {project['name']}")
        if not self.check:
            self.keystone.call("PUT", path, 204)

    def endpoints(self, service: Thing, region: str, wanted: Dict[str, str]) -> None:
        for interface, url in wanted.items():
            if interface not in ("public", "internal", "admin") or urlsplit(url).scheme not in ("http", "https"):
                raise GlanceError(f"{interface}: {url} is no address of the interface public, internal or admin.")
        found = self.keystone.json(f"/endpoints?service_id={service['id']}")["endpoints"] if service["id"] else []
        for interface, url in wanted.items():
            there = [each for each in found if (each["interface"], each.get("region_id")) == (interface, region)]
            said = f"{interface} endpoint {url} in {region}"
            if not there:
                facts = {"service_id": service["id"], "interface": interface, "region": region, "url": url}
                self.make("endpoints", "endpoint", said, **facts)
            elif there[0]["url"] != url:
                self.change("endpoints", "endpoint", there[0], f"{said}, which was {there[0]['url']}", url=url)
