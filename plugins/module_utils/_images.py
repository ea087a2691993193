# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images API calls over an openstacksdk session.

The SDK's configuration, authentication and session are used; its image proxy is not. Several of its calls do not raise
when Glance refuses (import on 409, deactivate) and it cannot speak v1, so that every call here is a plain request whose
status is checked. Glance is asked at the root of its endpoint, whatever version the catalogue's entry ends with.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.stackops.glance.plugins.module_utils._access_log import OWN
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SDK_ERROR: str | None = None
# What a request may raise; requests' own errors are OSErrors.
NO_ANSWER: tuple[type[Exception], ...] = (OSError,)
try:
    from keystoneauth1 import exceptions as ksa
    from openstack import exceptions as sdk
    from openstack.config import get_cloud_region
except ImportError as missing:
    SDK_ERROR = str(missing)
else:
    NO_ANSWER = (OSError, ksa.ClientException)

DEFAULT_TIMEOUT = 60.0
CONNECT_TIMEOUT = 10.0
BLOCK = 1 << 16
#: What goes with a change of an image, a list of operations (RFC 6902); PATCH takes no other media type.
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
PROBE_PROPERTY = "stackops_glance_round_trip"
# v1 takes an image and its data in one request.
STEPS = {1: ("create", "show", "download", "delete"), 2: ("create", "upload", "show", "download", "delete")}
# What may be shown of the credentials; all else of them is masked.
PUBLIC_KEYS = re.compile(
    r"auth_url|user(name|_id)|(user_|project_|default_)?domain_(name|id)|(project|tenant)_(name|id)"
)
VERSION_AT_END = re.compile(r"/v(\d+(?:\.\d+)?)/*$")


def argument_spec(**options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The options of the doc fragment ``stackops.glance.openstack`` and those given."""
    return {
        "cloud": {"type": "raw"},
        "auth": {"type": "dict", "no_log": True},
        "auth_type": {"type": "str"},
        "region_name": {"type": "str"},
        "interface": {"type": "str", "choices": ["admin", "internal", "public"], "aliases": ["endpoint_type"]},
        "validate_certs": {"type": "bool", "aliases": ["verify"]},
        "ca_cert": {"type": "path", "aliases": ["cacert"]},
        "client_cert": {"type": "path", "aliases": ["cert"]},
        "client_key": {"type": "path", "no_log": False, "aliases": ["key"]},
        "api_timeout": {"type": "int"},
        **options,
    }


def versionless(url: str) -> str:
    """The URL without a version and without slashes at its end."""
    return VERSION_AT_END.sub("", url.rstrip("/") + "/").rstrip("/")


def pointer(name: str) -> str:
    """The path of an image's attribute or property in a change (RFC 6901)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def version_in(url: str) -> str | None:
    """The version that a URL ends with, as ``v1``, or None."""
    found = VERSION_AT_END.search(url.rstrip("/"))
    return f"v{found[1]}" if found else None


class Cloud:
    """An authenticated session and what the service catalogue says."""

    def __init__(self, session: Any, auth_url: str, region: str | None, interface: str) -> None:
        self.session = session
        self.auth_url = auth_url
        self.region = region
        self.interface = interface
        if not hasattr(session.auth, "get_access"):
            raise GlanceError("This auth_type brings no service catalogue; use a password, a token or credentials.")
        self._access = session.auth.get_access(session)

    @property
    def identity_url(self) -> str:
        """Keystone's v3 API where the credentials were just accepted, since catalogue entries may be out of reach."""
        return versionless(self.auth_url) + "/v3"

    @property
    def project(self) -> str | None:
        return self._access.project_name

    @property
    def project_id(self) -> str | None:
        return self._access.project_id

    @property
    def roles(self) -> list[str]:
        return sorted(self._access.role_names or [])

    def catalogue(self) -> list[dict[str, Any]]:
        """The image service's entries, one for each interface and region."""
        entries = []
        for service in self._access.service_catalog.normalize_catalog():
            if service["type"] != "image":
                continue
            for endpoint in service["endpoints"]:
                version = version_in(endpoint["url"])
                entries.append(
                    {
                        "id": endpoint.get("id"),
                        "service": service.get("name"),
                        "interface": endpoint["interface"],
                        "region": endpoint.get("region_id") or endpoint.get("region"),
                        "url": endpoint["url"],
                        "version": version,
                        "versionless": version is None,
                        "url_versionless": versionless(endpoint["url"]),
                        "https": urlsplit(endpoint["url"]).scheme == "https",
                    }
                )
        return sorted(entries, key=lambda entry: (str(entry["region"]), entry["interface"], entry["url"]))

    def in_region(self, entry: dict[str, Any]) -> bool:
        return self.region is None or entry["region"] == self.region

    def image_url(self) -> str:
        """The root URL of the image service for the interface and region that the caller asked for."""
        entries = self.catalogue()
        for entry in entries:
            if entry["interface"] == self.interface and self.in_region(entry):
                return entry["url_versionless"]
        there = ", ".join(f"{entry['interface']} in {entry['region']}" for entry in entries) or "none at all"
        raise GlanceError(
            f"The service catalogue has no {self.interface} endpoint of the image service in region "
            f"{self.region or 'any'}; it has: {there}. Check interface and region_name, or give endpoints."
        )


def connect(module: AnsibleModule, **instead: Any) -> Cloud:
    """Authenticate as the module's arguments, clouds.yaml or the environment say; GlanceError when that fails.

    ``instead`` are arguments that count in the place of the module's own.
    """
    if SDK_ERROR is not None:
        raise GlanceError(missing_required_lib("openstacksdk"), exception=SDK_ERROR)
    given = {**module.params, **instead}
    cloud = given["cloud"]
    names = {
        "auth": "auth",
        "auth_type": "auth_type",
        "region_name": "region_name",
        "interface": "interface",
        "validate_certs": "verify",
        "ca_cert": "cacert",
        "client_cert": "cert",
        "client_key": "key",
        "api_timeout": "api_timeout",
    }
    settings = {name: given[option] for option, name in names.items() if given[option] is not None}
    settings = {**cloud, **settings} if isinstance(cloud, dict) else {"cloud": cloud, **settings}
    try:
        config = get_cloud_region(app_name="stackops.glance", **settings)
        _hide_secrets(module, config.config)
        session = config.get_session()
    except (sdk.SDKException, ksa.ClientException) as error:
        raise GlanceError(f"No cloud to ask: {error} Check cloud, auth and clouds.yaml.") from None
    if session.timeout is None:
        session.timeout = DEFAULT_TIMEOUT
    auth = config.config.get("auth", {})
    where = auth.get("auth_url") or "the configured address"
    who = f"user {auth.get('username') or auth.get('user_id') or 'unknown'}"
    try:
        return Cloud(session, where, config.region_name or None, given["interface"] or _interface(config))
    except (ksa.Unauthorized, ksa.Forbidden) as error:
        raise GlanceError(
            f"Keystone at {where} refused the credentials of {who} with status {error.http_status}. "
            "Check user name, password, project and domains."
        ) from None
    except NO_ANSWER as error:
        raise GlanceError(
            f"Keystone at {where} cannot be used: {one_line(error)} Check the address, the network, a proxy and TLS."
        ) from None


def _interface(config: Any) -> str:
    configured = config.get_interface("image") or "public"
    return str(configured[0] if isinstance(configured, list) else configured).removesuffix("URL")


def _hide_secrets(module: AnsibleModule, config: dict[str, Any]) -> None:
    """Mask what clouds.yaml or the environment hold, and show what is no secret: an error has to name the Keystone."""
    given = {key: str(value) for key, value in config.get("auth", {}).items() if value}
    secrets = {value for key, value in given.items() if not PUBLIC_KEYS.fullmatch(key)}
    module.no_log_values.difference_update(set(given.values()) - secrets)
    module.no_log_values.update(secrets)


def one_line(error: object) -> str:
    """What a person needs of an error or an HTML page: no tags, and of urllib3's nested errors the innermost."""
    innermost = re.search(r"Caused by \w+\(.*?\): (.*?)[\"')]*$", str(error).strip(" ."), re.DOTALL)
    text = " ".join(re.sub(r"<[^>]*>", " ", innermost[1] if innermost else str(error)).split())
    return (text[:300] + "…") if len(text) > 300 else text


def lost(error: GlanceError) -> bool:
    """Whether nobody answered, or the server said that it is in trouble itself."""
    return "url" in error.details and error.details.get("status", 503) >= 500


#: Methods of requests that may be made again whatever became of the first.
READS = ("GET", "HEAD")


def hung_up(error: BaseException | None) -> bool:
    """Whether the other side closed the connection before it said anything."""
    while error is not None:
        if isinstance(error, ConnectionResetError):
            return True
        error = error.__cause__ or error.__context__
    return False


class Service:
    """An HTTP API at one address. ``session`` is keystoneauth's."""

    def __init__(self, session: Any, url: str) -> None:
        self.session = session
        self.root = url

    def ask(self, method: str, path: str, authenticated: bool = True, **settings: Any) -> Any:
        """One request, whatever status comes back; GlanceError when nothing does."""
        url = self.root + path
        answer = self.session.timeout or DEFAULT_TIMEOUT
        # An address that drops packets must not hold up the others for as long as a slow answer may take.
        settings = {"timeout": (min(CONNECT_TIMEOUT, answer), answer), "redirect": False, "log": False, **settings}
        again = method in READS
        while True:
            try:
                return self.session.request(url, method, authenticated=authenticated, raise_exc=False, **settings)
            except NO_ANSWER as error:
                # A server may close a connection that it kept for us just as it is used again.
                if not again or not hung_up(error):
                    raise GlanceError(f"{method} {url} got no answer: {one_line(error)}", url=url) from error
                again = False

    def call(self, method: str, path: str, *wanted: int, **settings: Any) -> Any:
        """One request that must come back with one of the wanted statuses (200 when none is named)."""
        response = self.ask(method, path, **settings)
        if response.status_code in (wanted or (200,)):
            return response
        expected = " or ".join(map(str, wanted or (200,)))
        raise GlanceError(
            f"{method} {self.root}{path} was answered {response.status_code} instead of {expected}: "
            f"{one_line(response.text) or 'no text'}",
            status=response.status_code,
            url=self.root + path,
        )

    def json(self, path: str) -> dict[str, Any]:
        response = self.call("GET", path)
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise GlanceError(f"GET {self.root}{path} was answered with something that is no JSON object.")
        return found


class Keystone(Service):
    """The Identity API, for one thread: before urllib3 2 the connections that others use are closed as well."""

    def ask(self, method: str, path: str, authenticated: bool = True, **settings: Any) -> Any:
        # uWSGI closes each connection after its answer. What writes must not be asked twice, so it takes a new one.
        if method not in READS:
            self.session.session.close()
        return super().ask(method, path, authenticated, **settings)


class Images(Service):
    """The Images API at its root address, whatever version the given one ends with."""

    def __init__(self, session: Any, url: str) -> None:
        super().__init__(session, versionless(url))
        if urlsplit(self.root).scheme not in ("http", "https"):
            raise GlanceError(f"{url!r} is no address of a Glance API: it must begin with http:// or https://.")

    def ask(self, method: str, path: str, authenticated: bool = True, **settings: Any) -> Any:
        if path.startswith("/v1/"):  # v1 passes over what it does not know; glance_api_log_info passes over these lines
            path += f"{'&' if '?' in path else '?'}{OWN}"
        return super().ask(method, path, authenticated, **settings)

    def versions(self) -> list[dict[str, str]]:
        """What the endpoint says it offers. Glance answers 300 here; it is asked without a token."""
        response = self.call("GET", "/", 200, 300, authenticated=False, headers={"Accept": "application/json"})
        try:
            listed = response.json()["versions"]
            return [{"id": str(each["id"]), "status": str(each["status"])} for each in listed]
        except (ValueError, KeyError, TypeError):
            raise GlanceError(f"GET {self.root}/ did not list versions of the Images API; is it Glance?") from None

    def probe(self, version: int) -> dict[str, Any]:
        """Whether the version answers with the session's token, and whether it refuses whoever shows none."""
        path = f"/v{version}/images?limit=1"
        status = self.ask("GET", path, headers={"Accept": "application/json"}).status_code
        # A policy may keep this user from listing images: that too is an answer of this API.
        found: dict[str, Any] = {"answers": status in (200, 403), "status": status, "protected": None}
        if found["answers"]:
            stranger = self.ask("GET", path, authenticated=False).status_code
            found["protected"] = True if stranger in (401, 403) else False if stranger == 200 else None
        return found

    def pages(
        self, path: str, limit: int = 1000, ask: Callable[[str], dict[str, Any]] | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Every page of a v2 list, one at a time. Glance lowers the limit to its own largest page."""
        following: str | None = f"{path}{'&' if '?' in path else '?'}limit={limit}"
        while following:
            page = (ask or self.json)(following)
            yield page["images"]
            # "next" begins at the root of the API, also where a prefix stands before it.
            following = page.get("next")

    def wait_for_status(self, image_id: str, wanted: str, deadline: float) -> dict[str, Any]:
        """The image once it has the wanted status; GlanceError when it fails or the time is up."""
        while True:
            image = self.json(f"/v2/images/{image_id}")
            if image["status"] == wanted:
                return image
            if image["status"] in ("killed", "deleted", "pending_delete") or time.monotonic() >= deadline:
                raise GlanceError(f"Image {image_id} is {image['status']} and not {wanted} at {self.root}.")
            time.sleep(0.2)


def moment(text: str) -> str:
    """An ISO 8601 date or time as Glance's filters take it: UTC, to the second."""
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace("z", "+00:00"))
    except ValueError:
        raise GlanceError(
            f"since is {text!r}, which is no ISO 8601 date or time; write it as 2026-11-21 or 2026-11-21T06:30:00Z."
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone.utc)
    return found.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class RandomBody:
    """Random bytes to upload, hashed as they are read; its length is known, so that nothing is sent in chunks."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.sent = 0
        self.deadline = float("inf")
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sha256 = hashlib.sha256()
        # One random block, varied by its position: long bodies cost no entropy and still never repeat.
        self._block = os.urandom(BLOCK)

    def __len__(self) -> int:
        return self.size

    def read(self, amount: int = -1) -> bytes:
        if time.monotonic() >= self.deadline:
            raise GlanceError(f"The time was up after {self.sent} of {self.size} bytes had been sent.")
        left = self.size - self.sent
        wanted = left if amount is None or amount < 0 else min(amount, left)
        wanted = min(wanted, BLOCK)
        data = (self.sent.to_bytes(8, "big") + self._block)[:wanted]
        self.sent += len(data)
        self.md5.update(data)
        self.sha256.update(data)
        return data


class RoundTrip:
    """One image through its whole life at one address: create, upload, show, download, delete.

    The image's id is chosen here and known before the first request, so that whatever fails, it can be cleaned up.
    """

    def __init__(self, images: Images, api_version: int, size: int, prefix: str, timeout: float) -> None:
        self.images = images
        self.api_version = api_version
        self.body = RandomBody(size)
        self.image_id = str(uuid.uuid4())
        self.name = f"{prefix}-{self.image_id[:8]}"
        self.timeout = timeout
        self.deadline = float("inf")
        self.steps: list[dict[str, Any]] = []
        self.cleaned = True

    def run(self) -> dict[str, Any]:
        """Every step with its duration; an error is part of the result, and after one the image is deleted as well."""
        error: str | None = "The trip was broken off."
        self.deadline = self.body.deadline = time.monotonic() + self.timeout
        try:
            for step in STEPS[self.api_version]:
                self._step(step)
            error = None
        except GlanceError as found:
            error = found.message
        except (LookupError, TypeError, ValueError) as found:
            step = self.steps[-1]["name"]
            error = f"{self.images.root} answered the step {step} in a form that is not Glance's: {found!r}"
        finally:
            if error:
                self._clean_up()
        return {
            "url": self.images.root,
            "api_version": self.api_version,
            "ok": error is None,
            "error": error,
            "image_id": self.image_id,
            "image_name": self.name,
            "size": self.body.size,
            "sha256": self.body.sha256.hexdigest() if error is None else None,
            "steps": self.steps,
            "seconds": round(sum(step["seconds"] for step in self.steps), 3),
            "cleaned": self.cleaned,
        }

    def _step(self, name: str) -> None:
        if time.monotonic() >= self.deadline:
            raise GlanceError(f"The time was up before the step {name} at {self.images.root}.")
        started = time.monotonic()
        entry: dict[str, Any] = {"name": name, "ok": False, "seconds": 0.0}
        self.steps.append(entry)
        try:
            getattr(self, f"_{name}_v{self.api_version}")()
            entry["ok"] = True
        finally:
            entry["seconds"] = round(time.monotonic() - started, 3)

    def _clean_up(self) -> None:
        """Delete the image after a failure. A request that timed out may still have made it."""
        path = f"/v{self.api_version}/images/{self.image_id}"
        try:
            self.images.call("DELETE", path, 200, 204, 404)
        except GlanceError:
            self.cleaned = False

    def _create_v2(self) -> None:
        wanted = {
            "id": self.image_id,
            "name": self.name,
            "visibility": "private",
            "disk_format": "raw",
            "container_format": "bare",
            PROBE_PROPERTY: "true",
        }
        created = self.images.call("POST", "/v2/images", 201, json=wanted).json()
        wrong = [key for key, value in wanted.items() if created.get(key) != value]
        if wrong:
            raise GlanceError(f"Image {self.image_id} was created with other values for: {', '.join(wrong)}.")

    def _upload_v2(self) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        self.images.call("PUT", f"/v2/images/{self.image_id}/file", 204, headers=headers, data=self.body)
        self._all_sent()

    def _show_v2(self) -> None:
        image = self.images.wait_for_status(self.image_id, "active", self.deadline)
        self._agrees(image["size"], image.get("checksum"))

    def _download_v2(self) -> None:
        self._download(f"/v2/images/{self.image_id}/file")

    def _delete_v2(self) -> None:
        self.images.call("DELETE", f"/v2/images/{self.image_id}", 204)
        self.images.call("GET", f"/v2/images/{self.image_id}", 404)

    def _create_v1(self) -> None:
        headers = {
            "Content-Type": "application/octet-stream",
            "x-image-meta-id": self.image_id,
            "x-image-meta-name": self.name,
            "x-image-meta-is_public": "False",
            "x-image-meta-disk_format": "raw",
            "x-image-meta-container_format": "bare",
            f"x-image-meta-property-{PROBE_PROPERTY}": "true",
        }
        image = self.images.call("POST", "/v1/images", 201, headers=headers, data=self.body).json()["image"]
        self._all_sent()
        if image["id"] != self.image_id or image["status"] != "active":
            raise GlanceError(f"Image {self.image_id} came back as {image['id']} with status {image['status']}.")

    def _show_v1(self) -> None:
        headers = self.images.call("HEAD", f"/v1/images/{self.image_id}").headers
        self._agrees(int(headers["x-image-meta-size"]), headers.get("x-image-meta-checksum"))

    def _download_v1(self) -> None:
        self._download(f"/v1/images/{self.image_id}")

    def _delete_v1(self) -> None:
        self.images.call("DELETE", f"/v1/images/{self.image_id}", 200)
        self.images.call("HEAD", f"/v1/images/{self.image_id}", 404)

    def _all_sent(self) -> None:
        if self.body.sent != self.body.size:
            raise GlanceError(f"Only {self.body.sent} of {self.body.size} bytes of image {self.image_id} were taken.")

    def _agrees(self, size: int, checksum: str | None) -> None:
        if size != self.body.size:
            raise GlanceError(f"Image {self.image_id} has {size} bytes, and {self.body.size} were sent.")
        if checksum and checksum != self.body.md5.hexdigest():
            raise GlanceError(f"Image {self.image_id} has MD5 {checksum}, and {self.body.md5.hexdigest()} was sent.")

    def _download(self, path: str) -> None:
        response = self.images.call("GET", path, stream=True, headers={"Accept": "application/octet-stream"})
        received, size = hashlib.sha256(), 0
        try:
            for block in response.iter_content(BLOCK):
                received.update(block)
                size += len(block)
                if time.monotonic() >= self.deadline:
                    raise GlanceError(f"The time was up after {size} bytes of image {self.image_id} had come back.")
        except NO_ANSWER as error:
            reason = one_line(error)
            raise GlanceError(f"The download of image {self.image_id} broke after {size} bytes: {reason}") from error
        finally:
            response.close()
        if received.digest() != self.body.sha256.digest():
            raise GlanceError(
                f"Image {self.image_id} came back different: {size} bytes with SHA-256 {received.hexdigest()}, "
                f"and {self.body.size} bytes with {self.body.sha256.hexdigest()} were sent."
            )


def highest_minor(versions: list[dict[str, str]]) -> str | None:
    """The highest v2 minor among version ids. Ussuri, with several stores, calls its 2.10 "v2.1"."""
    minors = [int(each["id"].split(".")[1]) for each in versions if re.fullmatch(r"v2\.\d+", each["id"])]
    if not minors:
        return None
    current = [each["id"] for each in versions if each["status"] == "CURRENT"]
    if current == ["v2.1"] and max(minors) == 9:
        return "2.10"
    return f"2.{max(minors)}"
