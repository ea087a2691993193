# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what with Images, found out by doing it: throw-away users try each action on throw-away images.

Everything of one call lies in one throw-away domain of Keystone: projects and users as its own, images and metadef
namespaces as those of its projects. The domain's description says until when the call may last and who makes it, so that a
later call can tell what a killed one left. The domain goes last, and stays while anything that points to it is there.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Set, Tuple

from ansible_collections.stackops.glance.plugins.module_utils import _process
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._images import PATCH, Images, Keystone, one_line

OWN, FOREIGN, BYSTANDER = "own-project", "foreign-project", "bystander-project"
MARK = "Throw-away objects of stackops.glance.image_policy_test"
LEASE = re.compile(rf"{re.escape(MARK)}, until (\S+), held by (\S+)")
DATA = b"stackops.glance\n"
#: The request was let through and then failed over something else, such as the state of the image.
PASSED = (400, 405, 409, 410, 413, 415)
#: Glance hides with 404 what somebody may not see.
DENIED = (401, 403, 404)
#: Seconds that copying an image of a few bytes to another store may take.
COPYING = 30
#: How long a call may take to clean up after its time was up.
CLEANING = 600


@dataclass(frozen=True)
class Persona:
    """Somebody with a token: for a project, or for a ``domain`` or the ``system`` as a whole."""

    name: str
    roles: tuple[str, ...] = ()
    project: str | None = OWN
    domain: bool = False
    system: bool = False
    service_roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """An image or a metadef namespace. ``owner`` None means the project of whoever asks; ``member``: shared with it."""

    name: str
    owner: str | None = None
    visibility: str = "private"
    member: bool = False
    protected: bool = False


@dataclass(frozen=True, order=True)
class Key:
    """What an object has to be like; targets that come to the same thing share one."""

    kind: str
    owner: str = ""
    visibility: str = ""
    member: str = ""
    protected: bool = False


@dataclass
class Attempt:
    """One request of one persona, and the targets that its answer speaks for."""

    persona: Persona
    request: dict[str, Any]
    targets: list[str] = field(default_factory=list)


Cases = Set[Tuple[str, str, str]]
Jobs = Dict[Key, List[Attempt]]


def roles_of(persona: Persona) -> set[str]:
    return {*persona.roles, *persona.service_roles}


def key_of(obj: str, persona: Persona, target: Target) -> Key:
    """The object that a request about this target needs."""
    if obj == "none":
        return Key("none", persona.name)
    owner = target.owner or persona.project or OWN
    if obj == "new":
        return Key("new", owner)
    if obj in ("namespace", "ns_husk"):
        return Key("namespace", owner, "public" if target.visibility == "public" else "private", "", target.protected)
    member = ""
    if target.visibility == "shared":
        mine = persona.project if target.member and persona.project != owner else None
        member = mine or BYSTANDER
    return Key("image", owner, target.visibility, member, target.protected)


def plan(
    personas: list[Persona], targets: list[Target], requests: list[dict[str, Any]], cases: Cases | None = None
) -> Jobs:
    """What is to be tried, by the object that it needs; ``cases`` are the (persona, rule, target) that matter."""
    jobs: dict[Key, dict[tuple[int, str], Attempt]] = {}
    for number, request in enumerate(requests):
        for persona in personas:
            for target in targets:
                if cases is not None and (persona.name, request["rule"], target.name) not in cases:
                    continue
                attempts = jobs.setdefault(key_of(request["object"], persona, target), {})
                attempt = attempts.setdefault((number, persona.name), Attempt(persona, request))
                attempt.targets.append(target.name)
    return {key: list(attempts.values()) for key, attempts in sorted(jobs.items())}


def judge(request: dict[str, Any], status: int, text: str) -> tuple[bool | None, str | None]:
    """Whether an answer means that the persona was let through; None where it cannot be told. And why, where that helps."""
    said = one_line(text)
    if status in DENIED and request.get("passes") and re.search(request["passes"], text):
        return True, f"let through, and then refused: {said}"
    if 200 <= status < 300:
        if request.get("shows") and not any(_shown(text).get(name) for name in request["shows"].split("|")):
            return False, f"the answer shows no {request['shows'].replace('|', ' and no ')}"
        return True, None
    if status in DENIED:
        return False, None
    if status in PASSED:
        return True, f"let through, and then refused: {said}"
    return None, f"answered {status}: {said or 'no text'}"


def _shown(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def filled(value: Any, places: dict[str, Any]) -> Any:
    """A path or a body with its placeholders replaced; text that is nothing but a placeholder takes the value as it is."""
    if isinstance(value, dict):
        return {name: filled(each, places) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, places) for each in value]
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\{(\w+)\}", value)
    return places[whole[1]] if whole else re.sub(r"\{(\w+)\}", lambda found: str(places[found[1]]), value)


#: A server may close a connection that it kept open just when the next request comes; that request never began.
RETRIES = {"connect_retries": 3, "connect_retry_delay": 0.2}


class Caller:
    """Requests to Glance with one token, whoever the session itself belongs to."""

    def __init__(self, images: Images, token: str, service_token: str | None = None) -> None:
        self.images = images
        self.headers = {"X-Auth-Token": token, **({"X-Service-Token": service_token} if service_token else {})}

    def ask(
        self, method: str, path: str, body: Any = None, content: str | None = None, data: bytes | None = None
    ) -> Any:
        headers = dict(self.headers)
        settings: dict[str, Any] = dict(RETRIES)
        if data is not None:
            headers["Content-Type"] = "application/octet-stream"
            settings["data"] = data
        elif body is not None:
            headers["Content-Type"] = content or "application/json"
            settings["data"] = json.dumps(body).encode()
        return self.images.ask(method, path, authenticated=False, headers=headers, **settings)


class Throwaway:
    """The domain of one call with its projects, users and roles."""

    def __init__(self, identity: Keystone, prefix: str, missing_roles: str, hide: Callable[[str], None]) -> None:
        self.identity = identity
        self.prefix = prefix
        self.name = f"{prefix}-{secrets.token_hex(4)}"
        self.missing_roles = missing_roles
        self.left_out: dict[str, list[str]] = {}
        self.hide = hide
        self.domain = ""
        self.projects: dict[str, str] = {}
        self.people: dict[str, dict[str, Any]] = {}
        self._roles: dict[str, str] = {}

    def make(self, personas: list[Persona], projects: set[str], until: datetime) -> None:
        wanted = {role for persona in personas for role in roles_of(persona)}
        self._roles = self._existing(wanted)
        missing = wanted - set(self._roles)
        if self.missing_roles == "leave_out":
            lacking = {each.name: sorted(missing & roles_of(each)) for each in personas}
            self.left_out = {name: roles for name, roles in lacking.items() if roles}
            missing = set()
        elif missing and self.missing_roles == "fail":
            raise GlanceError(
                f"Keystone has no role {', '.join(sorted(missing))}. Take it out of the personas, or set missing_roles to "
                "create, to have it for the time of the test."
            )
        description = f"{MARK}, until {until.strftime('%Y-%m-%dT%H:%M:%SZ')}, held by {holder()}"
        self.domain = self._create("domain", name=self.name, description=description)["id"]
        for role in sorted(missing):
            self._role(role)
        for name in sorted(projects):
            self.projects[name] = self._create("project", name=name, domain_id=self.domain)["id"]
        for number, persona in enumerate(each for each in personas if each.name not in self.left_out):
            self.people[persona.name] = self._person(persona, f"persona-{number}")

    def _existing(self, wanted: set[str]) -> dict[str, str]:
        listed = self.identity.json("/roles")["roles"]
        found = {role["name"]: role["id"] for role in listed if not role.get("domain_id")}
        # Keystone compares role names without regard to case, as its database does.
        folded = {name.lower(): id_ for name, id_ in found.items()}
        return {role: folded[role.lower()] for role in wanted if role.lower() in folded}

    def _role(self, name: str) -> None:
        self._roles[name] = self._create("role", name=name, description=f"{MARK}, domain {self.domain}")["id"]

    def _person(self, persona: Persona, user: str) -> dict[str, Any]:
        if not persona.roles:
            # Keystone gives a token for nothing to nobody: a role that no policy knows stands for none.
            none = f"{self.name}-no-role"
            if none not in self._roles:
                self._role(none)
            persona = Persona(**{**persona.__dict__, "roles": (none,)})
        found = {**self._user(user, persona.roles, persona.project, persona.domain, persona.system), "service": None}
        if persona.service_roles:
            found["service"] = self._user(f"{user}-service", persona.service_roles, project=BYSTANDER)["token"]
        return found

    def _user(
        self, name: str, roles: tuple[str, ...], project: str | None = None, domain: bool = False, system: bool = False
    ) -> dict[str, Any]:
        password = "Aa1!" + secrets.token_urlsafe(32)
        self.hide(password)
        user = self._create("user", name=name, domain_id=self.domain, password=password)["id"]
        scope: dict[str, Any]
        if system:
            where, scope = f"/system/users/{user}", {"system": {"all": True}}
        elif domain:
            where, scope = f"/domains/{self.domain}/users/{user}", {"domain": {"id": self.domain}}
        else:
            id_ = self.projects[project or OWN]
            where, scope = f"/projects/{id_}/users/{user}", {"project": {"id": id_}}
        for role in roles:
            self.identity.call("PUT", f"{where}/roles/{self._roles[role]}", 204)
        proof = {"methods": ["password"], "password": {"user": {"id": user, "password": password}}}
        answer = self.identity.call(
            "POST", "/auth/tokens", 201, authenticated=False, json={"auth": {"identity": proof, "scope": scope}}
        )
        token = answer.headers["X-Subject-Token"]
        self.hide(token)
        held = sorted(role["name"] for role in answer.json()["token"].get("roles", []))
        return {"token": token, "roles": [role for role in held if not role.startswith(self.name)]}

    def _create(self, kind: str, **facts: Any) -> dict[str, Any]:
        return self.identity.call("POST", f"/{kind}s", 201, json={kind: facts}).json()[kind]


def holder() -> str:
    """This process, so that another one on the same machine can tell whether it still runs."""
    return f"{_machine()}:{os.getpid()}"


def _machine() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            boot = stream.read().strip()
        return f"{boot}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return f"{uuid.getnode():012x}"


def abandoned(description: str, now: datetime) -> bool | None:
    """Whether the call that this description speaks of is over; None where it speaks of none."""
    lease = LEASE.match(description or "")
    if not lease:
        return None
    machine, _colon, pid = lease[2].rpartition(":")
    if machine == _machine() and pid.isdigit() and not _process.started(int(pid)):
        return True
    return datetime.fromisoformat(lease[1].replace("Z", "+00:00")) < now


class Cleaner:
    """Remove what a call made, its own or an earlier one's: whatever belongs to its domain, and nothing else."""

    def __init__(self, identity: Keystone, admin: Caller) -> None:
        self.identity = identity
        self.admin = admin

    def domains(self, prefix: str) -> list[dict[str, Any]]:
        """Every throw-away domain there is."""
        listed = self.identity.json("/domains")["domains"]
        ours = [
            each for each in listed if each["name"].startswith(f"{prefix}-") and LEASE.match(each["description"] or "")
        ]
        return sorted(ours, key=lambda each: each["name"])

    def remove(self, domain: str, name: str) -> list[str]:
        """What could not be removed, in words."""
        left: list[str] = []
        try:
            projects = self.identity.json(f"/projects?domain_id={domain}")["projects"]
            for image in self._images([project["id"] for project in projects]):
                self._gone(left, f"image {image['id']}", f"/v2/images/{image['id']}", image.get("protected"))
            for namespace in self._namespaces(name):
                path = f"/v2/metadefs/namespaces/{namespace['namespace']}"
                self._gone(left, f"metadef namespace {namespace['namespace']}", path, namespace.get("protected"))
            if left:
                return [*left, f"domain {name} ({domain}), which is kept until they are gone"]
            for role in self.identity.json("/roles")["roles"]:
                if role.get("description") == f"{MARK}, domain {domain}":
                    self.identity.call("DELETE", f"/roles/{role['id']}", 204, 404)
            self.identity.call("PATCH", f"/domains/{domain}", 200, json={"domain": {"enabled": False}})
            self.identity.call("DELETE", f"/domains/{domain}", 204, 404)
        except GlanceError as error:
            left.append(f"domain {name} ({domain}): {error.message}")
        return left

    def _images(self, projects: list[str]) -> Iterator[dict[str, Any]]:
        for project in projects:
            for more in ("", "&visibility=community", "&os_hidden=true"):
                answer = self.admin.ask("GET", f"/v2/images?owner={project}{more}&limit=1000")
                if answer.status_code != 200 and not more:
                    raise GlanceError(f"the images of project {project} cannot be listed: {answer.status_code}")
                # Older releases know no filter os_hidden and take it for a property.
                if answer.status_code == 200:
                    yield from (image for image in answer.json()["images"] if image["owner"] == project)

    def _namespaces(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        following: str | None = "/v2/metadefs/namespaces?limit=1000"
        while following:
            answer = self.admin.ask("GET", following)
            if answer.status_code != 200:
                raise GlanceError(f"metadef namespaces cannot be listed: {answer.status_code}")
            page = answer.json()
            found += [each for each in page["namespaces"] if each["namespace"].startswith(f"{name}-")]
            following = page.get("next")
        return found

    def _gone(self, left: list[str], what: str, path: str, protected: bool | None) -> None:
        try:
            if protected:
                unprotect(self.admin, path)
            status = self.admin.ask("DELETE", path).status_code
        except GlanceError as error:
            left.append(f"{what}: {error.message}")
        else:
            if status not in (204, 404):
                left.append(f"{what}: DELETE was answered {status}")


def unprotect(admin: Caller, path: str) -> None:
    if "/images/" in path:
        change = [{"op": "replace", "path": "/protected", "value": False}]
        admin.ask("PATCH", path, change, PATCH["Content-Type"])
        return
    found = admin.ask("GET", path).json()
    kept = {name: found[name] for name in ("namespace", "visibility", "owner") if name in found}
    admin.ask("PUT", path, {**kept, "protected": False})


class Fixture:
    """One image or namespace of a kind, made when first needed and made anew after it was spoiled."""

    def __init__(self, admin: Caller, throwaway: Throwaway, cloud: Features, key: Key, number: int) -> None:
        self.admin = admin
        self.cloud = cloud
        self.key = key
        projects = throwaway.projects
        self.names = (f"{throwaway.name}-{number}-{count}" for count in range(1 << 30))
        self.places: dict[str, Any] = {
            "name": throwaway.name,
            "owner": projects.get(key.owner, ""),
            "visibility": key.visibility,
            "ns_visibility": key.visibility,
            "protected": key.protected,
            "member": projects.get(key.member or BYSTANDER, ""),
            "newcomer": str(uuid.uuid4()),
            "fresh": f"{throwaway.name}-{number}-fresh",
            "object": "an-object",
            "property": "a-property",
            "tag": "a-tag",
            "store": next(iter(cloud.stores), ""),
            "type": cloud.types[0] if cloud.types else "",
            "new_type": cloud.types[-1] if cloud.types else "",
        }

    def need(self, obj: str) -> None:
        if obj not in ("none", "new") and obj not in self.places:
            getattr(self, f"_make_{obj}")()

    def spoiled(self, obj: str) -> None:
        """It is no longer what it was: remove it, and make another one when one is needed."""
        made = self.places.pop(obj, None)
        if made is None:
            return
        path = f"/v2/images/{made}" if obj in ("image", "husk", "pair") else f"/v2/metadefs/namespaces/{made}"
        status = self.admin.ask("DELETE", path).status_code
        if status == 403 and self.key.protected:
            unprotect(self.admin, path)
            self.admin.ask("DELETE", path)

    def _call(self, method: str, path: str, *wanted: int, **more: Any) -> Any:
        answer = self.admin.ask(method, path, **more)
        if answer.status_code not in wanted:
            raise GlanceError(
                f"The administrator's {method} {path} was answered {answer.status_code}: {one_line(answer.text)} The test "
                "needs somebody who may make images and metadef namespaces of every kind, for other projects as well."
            )
        return answer

    def _make_husk(self) -> None:
        husk = self._image()
        self._share(husk)
        self.places["husk"] = husk

    def _share(self, image: str) -> None:
        if self.key.member:
            self._call("POST", f"/v2/images/{image}/members", 200, body={"member": self.places["member"]})

    def _make_image(self) -> None:
        image = self._image()
        self._call("PUT", f"/v2/images/{image}/file", 204, data=DATA)
        self._share(image)
        if self.cloud.stores:
            found = self._call("GET", f"/v2/images/{image}", 200).json()
            self.places["store"] = str(found.get("stores") or self.places["store"]).partition(",")[0]
        self.places["image"] = image

    def _make_pair(self) -> None:
        """An image in two stores."""
        pair = self._image()
        path = f"/v2/images/{pair}"
        self._call("PUT", f"{path}/file", 204, data=DATA)
        first = self._call("GET", path, 200).json()["stores"]
        second = next(store for store in self.cloud.stores if store != first)
        self._call("POST", f"{path}/import", 202, body={"method": {"name": "copy-image"}, "stores": [second]})
        deadline = time.monotonic() + COPYING
        while len(str(self._call("GET", path, 200).json()["stores"]).split(",")) < 2:
            if time.monotonic() >= deadline:
                raise GlanceError(f"Image {pair} was not copied to the store {second} within {COPYING} s.")
            time.sleep(0.2)
        self.places.update(pair=pair, second=second)

    def _image(self) -> str:
        facts = {
            "name": self.places["name"],
            "owner": self.places["owner"],
            "visibility": self.key.visibility,
            "protected": self.key.protected,
            "disk_format": "raw",
            "container_format": "bare",
        }
        return str(self._call("POST", "/v2/images", 201, body=facts).json()["id"])

    def _make_namespace(self) -> None:
        name = self.places["namespace"] = self._namespace()
        path = f"/v2/metadefs/namespaces/{name}"
        self._call("POST", f"{path}/objects", 201, body={"name": self.places["object"]})
        wanted = {"name": self.places["property"], "title": "policy test", "type": "string"}
        self._call("POST", f"{path}/properties", 201, body=wanted)
        self._call("POST", f"{path}/tags/{self.places['tag']}", 201)
        if self.cloud.types:
            self._call("POST", f"{path}/resource_types", 201, body={"name": self.places["type"]})

    def _make_ns_husk(self) -> None:
        self.places["ns_husk"] = self._namespace()

    def _namespace(self) -> str:
        facts = {
            "namespace": next(self.names),
            "owner": self.places["owner"],
            "visibility": self.key.visibility,
            "protected": self.key.protected,
        }
        self._call("POST", "/v2/metadefs/namespaces", 201, body=facts)
        return str(facts["namespace"])


@dataclass
class Features:
    """What this API offers to anybody; a request that needs more than that is not tried."""

    stores: list[str]
    methods: list[str]
    types: list[str]
    cache_management: bool
    locations: bool | None = None
    direct_url: bool | None = None

    @classmethod
    def of(cls, admin: Caller) -> Features:
        def listed(path: str) -> dict[str, Any]:
            answer = admin.ask("GET", path)
            return _shown(answer.text) if answer.status_code == 200 else {}

        stores = [each["id"] for each in listed("/v2/info/stores").get("stores", []) if not each.get("read-only")]
        methods = listed("/v2/info/import").get("import-methods", {}).get("value", [])
        types = [each["name"] for each in listed("/v2/metadefs/resource_types").get("resource_types", [])]
        cache = admin.ask("GET", "/v2/cached_images").status_code == 200
        return cls(stores, list(methods), types if len(types) > 1 else [], cache)

    def lacks(self, need: str | None) -> bool:
        """Whether this API lacks it."""
        if need is None:
            return False
        known = {
            "stores": bool(self.stores),
            "copy-image": "copy-image" in self.methods and len(self.stores) > 1,
            "resource types": bool(self.types),
            "cache management": self.cache_management,
            "locations": bool(self.locations),
            "locations shown": bool(self.locations or self.direct_url),
        }
        return not known.get(need, need in self.methods)

    def look_at(self, image: dict[str, Any]) -> None:
        """Learn from an image, as the administrator sees it, whether locations are shown at all."""
        self.locations, self.direct_url = "locations" in image, "direct_url" in image


class Trial:
    """Try everything, and bring back the answers."""

    def __init__(
        self, images: Images, admin: Caller, throwaway: Throwaway, jobs: Jobs, parallel: int, timeout: float
    ) -> None:
        self.images = images
        self.admin = admin
        self.throwaway = throwaway
        self.jobs = jobs
        self.parallel = parallel
        self.deadline = time.monotonic() + timeout
        self.stop = threading.Event()
        self.requests = 0
        self.features = Features.of(admin)

    def run(self) -> list[dict[str, Any]]:
        self._learn_locations()
        pool = ThreadPoolExecutor(self.parallel, thread_name_prefix="policy")
        found: dict[int, list[dict[str, Any]]] = {}
        try:
            # The longest first, so that none of them begins last.
            order = sorted(self.jobs, key=lambda key: -len(self.jobs[key]))
            running = {pool.submit(self._job, number, key): number for number, key in enumerate(order)}
            for each in as_completed(running):
                found[running[each]] = each.result()
        finally:
            self.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
        return [answer for number in sorted(found) for answer in found[number]]

    def _learn_locations(self) -> None:
        attempts = [attempt for each in self.jobs.values() for attempt in each]
        if not any(str(attempt.request.get("needs")).startswith("locations") for attempt in attempts):
            return
        fixture = Fixture(self.admin, self.throwaway, self.features, Key("image", OWN, "private"), len(self.jobs))
        fixture.need("image")
        self.features.look_at(self.admin.ask("GET", filled("/v2/images/{image}", fixture.places)).json())
        fixture.spoiled("image")

    def _job(self, number: int, key: Key) -> list[dict[str, Any]]:
        fixture = Fixture(self.admin, self.throwaway, self.features, key, number)
        answers: list[dict[str, Any]] = []
        for attempt in self.jobs[key]:
            if self.stop.is_set():
                break
            if time.monotonic() >= self.deadline:
                raise GlanceError(
                    "The time was up before every action was tried. Raise timeout, or give fewer personas, targets or rules."
                )
            answers += self._attempt(fixture, attempt)
        return answers

    def _attempt(self, fixture: Fixture, attempt: Attempt) -> list[dict[str, Any]]:
        request = attempt.request
        answer: dict[str, Any] = {
            "persona": attempt.persona.name,
            "rule": request["rule"],
            "allowed": None,
            "nobody": False,
            "status": None,
            "request": request["request"],
            "asks": request["asks"],
            "reason": None,
        }
        lacking = self.throwaway.left_out.get(attempt.persona.name)
        if lacking:
            answer.update(nobody=True, reason=f"Keystone has no role {', '.join(lacking)}")
        elif self.features.lacks(request.get("needs")):
            answer.update(nobody=True, reason=request.get("lacking") or f"this API has no {request['needs']}")
        else:
            answer["status"], text = self._send(fixture, attempt)
            answer["allowed"], answer["reason"] = judge(request, answer["status"], text)
            foreign = fixture.key.owner != attempt.persona.project
            if request.get("owner_unseen") and answer["status"] in PASSED and foreign:
                answer.update(
                    allowed=None, reason="the policy lets it through; whose the image is comes later and is not seen"
                )
        return [{**answer, "target": target} for target in attempt.targets]

    def _send(self, fixture: Fixture, attempt: Attempt) -> tuple[int, str]:
        request, who = attempt.request, self.throwaway.people[attempt.persona.name]
        fixture.need(request["object"])
        caller = Caller(self.images, who["token"], who["service"])
        response = self._request(caller, request, fixture.places)
        status, text = response.status_code, response.text
        if 200 <= status < 300:
            places = {**fixture.places, "id": _shown(text).get("id", "")}
            for undo in request.get("undo", ()):
                self._request(self.admin, undo, places)
        # An upload that was let through and then failed may have changed the image as well.
        if request.get("spoils") and (200 <= status < 300 or status in PASSED or status >= 500):
            fixture.spoiled(request["object"])
        return status, text

    def _request(self, caller: Caller, request: dict[str, Any], places: dict[str, Any]) -> Any:
        method, path = request["request"].split(" ", 1)
        body = filled(request["body"], places) if "body" in request else None
        data = DATA if request.get("data") else None
        self.requests += 1
        return caller.ask(method, filled(path, places), body, request.get("type"), data)


def lease(timeout: float) -> datetime:
    """When a call that begins now is over, with its cleaning up, in any case."""
    return datetime.now(timezone.utc) + timedelta(seconds=timeout + CLEANING)
