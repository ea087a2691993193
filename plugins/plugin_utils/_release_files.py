# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host of one release of Glance is made of: its directories, its files and its units.

A pure function of the release, of one set of variables that is the same for every release, and of the catalogue, which
decides which options a release has and how they are named there.

An oslo.config file is made of options and not of text: where the file is there already, the options of the variables are set
in it, and whatever else stands there (what the playbook ``tls`` wrote, say) stays. An option of these variables that the
release does not know is taken out.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import jinja2
from ansible_collections.stackops.glance.plugins.module_utils import _files, _oslo_ini, _oslo_types, _units
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _stores
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Option, Release

CONF = "/etc/glance/glance-api.conf"
POLICY = "/etc/glance/policy.yaml"
PROGRAM = "glance-api"
DRAIN = "/usr/local/sbin/glance-drain"
#: The file that makes the health check of the shipped paste files answer 503 while it is there.
DRAIN_FILE = "/etc/glance/healthcheck_disable"
SERVERS = ("eventlet", "gunicorn")
_TEMPLATES = pathlib.Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Wishes:
    """The variables of the role glance_release without their prefix; the defaults are the role's."""

    root: str = "/opt/glance"
    user: str = "glance"
    group: str = "glance"
    server: str = ""
    bind_host: str = ""
    bind_port: int = 9292
    workers: int = 0
    cores: int = 2
    threads: int = 8
    stop_timeout: int = 3600
    drain_grace: int = 3
    state_path: str = "/var/lib/glance"
    log_dir: str = "/var/log/glance"
    log_keep_days: int = 14
    database_connection: str = "sqlite:////var/lib/glance/glance.sqlite"
    auth_url: str = ""
    service_user: str = "glance"
    service_password: str = ""
    service_project: str = "service"
    service_domain: str = "Default"
    region: str = "RegionOne"
    memcached_servers: list[str] = field(default_factory=list)
    stores: list[dict[str, Any]] = field(default_factory=list)
    default_backend: str = ""
    worker_self_reference_url: str = ""
    cache: bool = False
    cache_max_size: int = 10 << 30
    scrubber: bool = False
    scrub_time: int = 86400
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where the API listens. Where nobody is asked who he is, that is for this host alone unless it was said."""
        return self.bind_host or ("0.0.0.0" if self.auth_url else "127.0.0.1")


def as_wishes(given: Mapping[str, Any]) -> Wishes:
    """The wishes out of the role's variables; what is left out or null is as nobody asked. Raises GlanceError."""
    known = {each.name: each for each in fields(Wishes)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise GlanceError(f"There is no variable glance_release_{unknown[0]} that describes a host.")
    kinds: dict[str, Any] = {"int": int, "str": str}
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return Wishes(
            **{name: kinds.get(str(known[name].type), lambda each: each)(each) for name, each in chosen.items()}
        )
    except ValueError as error:
        raise GlanceError(f"A variable of glance_release that is to be a number is none: {error}.") from error


def described(api: Mapping[str, Any], wishes: Wishes) -> None:
    """Raise GlanceError where a host asks Keystone, and the variables describe one that lets everybody do everything.

    What would be written there is the open policy file of such a host.
    """
    flavor = (api.get("paste") or {}).get("flavor") or ""
    if "keystone" in flavor.split("+") and not wishes.auth_url:
        raise GlanceError(
            f"This host asks Keystone who its users are (paste flavor {flavor}), and glance_release_auth_url is empty, as on a "
            "host without Keystone. Give Keystone's address there: the variables of the role glance_release have to describe "
            "the host as it is."
        )


def layout(release: Release, wishes: Wishes) -> dict[str, Any]:
    """Directories, files and units of a host, as the module ``glance_service`` takes them. Raises GlanceError.

    A directory is ``path, mode, owner, group``; a file has ``content`` besides, or ``options`` as ``glance_files`` takes them,
    secrets in ``secret_value`` alone.
    """
    server = _server(release, wishes)
    stores = _store_options(release, wishes)
    settings = _Settings(release)
    for group, name, value in _derived(release, wishes, server, stores):
        settings.ours(group, name, value)
    for options in (change["options"] for change in stores.changes):
        settings.taken(options)
    for group, values in wishes.options.items():
        for name, value in values.items():
            settings.asked(group, name, value)
    for group, values in wishes.secrets.items():
        for name, value in values.items():
            settings.asked(group, name, value, secret=True)
    writable = _writable(wishes, stores)
    glance = {"owner": wishes.user, "group": wishes.group}
    root = {"owner": "root", "group": "root", "mode": "0644"}
    facts = {
        "release": release, "wishes": wishes, "server": server, "writable": writable, "workers": workers(wishes),
        "drain": DRAIN, "drain_file": DRAIN_FILE,
        # A store of volumes attaches them to the host, as root.
        "attaches": any(store.get("type") == "cinder" for store in wishes.stores),
    }  # fmt: skip
    units = [f"{PROGRAM}.service", *(["glance-scrubber.timer"] if wishes.scrubber else []), *_cache_units(wishes)]
    files = [
        {"path": CONF, "options": settings.options, "owner": "root", "group": wishes.group, "mode": "0640"},
        {"path": f"{_units.UNIT_FILES}{PROGRAM}.service", "content": _text("glance-api.service.j2", facts), **root},
        {"path": DRAIN, "content": _text("glance-drain.j2", facts), **root, "mode": "0755"},
        {"path": "/etc/logrotate.d/glance", "content": _text("logrotate.j2", facts), **root},
    ]
    if not wishes.auth_url:
        content = _text(
            "policy-open.yaml.j2", {"rules": [rule.name for rule in _catalogue.policies("glance", release)]}
        )
        files.insert(1, {"path": POLICY, "content": content, "owner": "root", "group": wishes.group, "mode": "0640"})
    for unit in units[1:]:
        name = unit.removesuffix(".timer")
        for kind in ("service", "timer"):
            content = _text(f"glance-job.{kind}.j2", {**facts, "job": _JOBS[name], "name": name})
            files.append({"path": f"{_units.UNIT_FILES}{name}.{kind}", "content": content, **root})
    directories = [
        {"path": "/etc/glance", "owner": "root", "group": wishes.group, "mode": "0750"},
        *({"path": path, "mode": "0750", **glance} for path in writable),
    ]
    watched = [CONF, f"{_units.UNIT_FILES}{PROGRAM}.service", f"{wishes.root}/current"]
    return {
        "directories": directories, "files": files, "units": units, "watched": watched, "server": server,
        "health": health(wishes), "head": release.database.head if release.database else "",
    }  # fmt: skip


def health(wishes: Wishes) -> str:
    """Where the host itself asks whether it is healthy."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
    host = everywhere.get(wishes.address, f"[{wishes.address}]" if ":" in wishes.address else wishes.address)
    return f"http://{host}:{wishes.bind_port}/healthcheck"


# -- the server -------------------------------------------------------------------------------------------------------


def _server(release: Release, wishes: Wishes) -> str:
    """The way in which the release is run. Raises GlanceError for one that it does not have."""
    known = release.server
    has = {"eventlet": bool(known and known.eventlet), "gunicorn": bool(known and known.module)}
    wanted = wishes.server or next((server for server in SERVERS if has[server]), "")
    if not has.get(wanted):
        raise GlanceError(
            f"{release} cannot be run by {wanted or 'any server that is known here'}. It can be run by: "
            f"{', '.join(server for server in SERVERS if has[server]) or 'none of ' + ', '.join(SERVERS)}."
        )
    return wanted


def workers(wishes: Wishes) -> int:
    """Processes: those asked for, else one a core, from 2 to 8."""
    return wishes.workers or min(max(wishes.cores, 2), 8)


# -- options ----------------------------------------------------------------------------------------------------------


class _Settings:
    """The options of glance-api.conf as they come together, each checked against the release."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self._options: dict[tuple[str, str], dict[str, Any]] = {}

    @property
    def options(self) -> list[dict[str, Any]]:
        return list(self._options.values())

    def ours(self, group: str, name: str, value: Any) -> None:
        """An option that a variable stands for: under the name that the release has for it, and gone where it has none.

        None is for nobody to set.
        """
        known = self._known(group, name)
        if known is None:
            self._options[group, name] = {"section": group, "option": name, "state": "absent"}
            return
        if (known.group, known.name) != (group, name):
            self._options[group, name] = {"section": group, "option": name, "state": "absent"}
        self._put(known, value, _files.is_secret(name) or name == "connection")

    def taken(self, options: list[dict[str, Any]]) -> None:
        """Options that were decided elsewhere, for this release."""
        for option in options:
            self._options[option["section"], option["option"]] = option

    def asked(self, group: str, name: str, value: Any, secret: bool = False) -> None:
        """An option that the operator names himself. Raises GlanceError for one that the release does not know."""
        known = self._known(group, name)
        if known is None:
            near = _catalogue.nearest("glance", self.release, group, name)
            gone = _catalogue.successor("glance", group, name)
            raise GlanceError(
                f"glance_release_{'secrets' if secret else 'options'}: {self.release} has no option [{group}] {name}. "
                + (gone.text if gone else f"Did you mean {near[0]}?" if near else "Look at the release's sample file.")
            )
        if not secret and _files.is_secret(name):
            raise GlanceError(
                f"glance_release_options: [{group}] {name} is a secret. Give it in glance_release_secrets."
            )
        self._put(known, value, secret)

    def _known(self, group: str, name: str) -> Option | None:
        """The option as the release has it, under this name or another; None for one that it does not have."""
        name = name.replace("-", "_")
        found = _catalogue.option("glance", self.release, group, name)
        libraries = _catalogue.libraries(self.release)
        if found is None and libraries is not None:
            found = libraries.option(group, name) or libraries.renamed(group, name)
        found = found or _catalogue.renamed("glance", self.release, group, name)
        if (
            found is None
            and not _catalogue.judged_group(self.release, group)
            and not _catalogue.lives("glance", group, name)
        ):
            # A library's, whose options at this release were not read; or a store's own section, which was looked at before.
            found = Option("glance", group, name, "string")
        return found

    def _put(self, option: Option, value: Any, secret: bool) -> None:
        if value is None:
            self._options[option.group, option.name] = {
                "section": option.group,
                "option": option.name,
                "state": "absent",
            }
            return
        texts = (
            [_written(each) for each in value] if option.multi_valued and isinstance(value, list) else [_written(value)]
        )
        for text in texts:
            try:
                _oslo_types.convert(option.schema(), text, _oslo_ini.dialect("newest"))
            except ValueError as error:
                reason = str(error).rstrip(".") if not secret else "it is not of its type"
                raise GlanceError(f"[{option.group}] {option.name} is refused by {self.release}: {reason}.") from error
        written: dict[str, Any] = {"section": option.group, "option": option.name}
        if secret:
            written |= {"secret_value": texts[0], "literal": True}
        else:
            written |= {"values": texts} if option.multi_valued else {"value": texts[0]}
        self._options[option.group, option.name] = written


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(_written, value))
    if isinstance(value, Mapping):
        return ",".join(f"{key}:{_written(each)}" for key, each in value.items())
    return str(value)


def _derived(release: Release, wishes: Wishes, server: str, stores: _stores.Decision) -> Iterator[tuple[str, str, Any]]:
    """The options that the variables stand for."""
    eventlet = server == "eventlet"
    yield "DEFAULT", "bind_host", wishes.address if eventlet else None
    yield "DEFAULT", "bind_port", wishes.bind_port if eventlet else None
    yield "DEFAULT", "workers", workers(wishes) if eventlet else None
    yield "DEFAULT", "log_file", f"{wishes.log_dir}/api.log"
    yield "DEFAULT", "worker_self_reference_url", wishes.worker_self_reference_url or None
    yield "DEFAULT", "image_cache_dir", f"{wishes.state_path}/image-cache" if wishes.cache else None
    yield "DEFAULT", "image_cache_max_size", wishes.cache_max_size if wishes.cache else None
    yield "DEFAULT", "delayed_delete", True if wishes.scrubber else None
    yield "DEFAULT", "scrub_time", wishes.scrub_time if wishes.scrubber else None
    yield "database", "connection", wishes.database_connection
    yield "oslo_concurrency", "lock_path", f"{wishes.state_path}/lock"
    yield from () if wishes.auth_url else [("oslo_policy", "policy_file", POLICY)]
    yield "paste_deploy", "flavor", _flavor(release, wishes) or None
    yield "paste_deploy", "config_file", paste_file(wishes)
    for name, value in _keystone(wishes).items():
        yield "keystone_authtoken", name, value


def paste_file(wishes: Wishes) -> str:
    """The paste file that the release itself has brought along: it goes with the link."""
    return f"{wishes.root}/current/etc/glance/glance-api-paste.ini"


def _keystone(wishes: Wishes) -> dict[str, Any]:
    if not wishes.auth_url:
        return {}
    return {
        "www_authenticate_uri": wishes.auth_url,
        "auth_url": wishes.auth_url,
        "auth_type": "password",
        "user_domain_name": wishes.service_domain,
        "project_domain_name": wishes.service_domain,
        "project_name": wishes.service_project,
        "username": wishes.service_user,
        "password": wishes.service_password,
        "region_name": wishes.region,
        "memcached_servers": wishes.memcached_servers or None,
    }


def _flavor(release: Release, wishes: Wishes) -> str:
    wanted = "+".join(filter(None, ("keystone" if wishes.auth_url else "", "cachemanagement" if wishes.cache else "")))
    if wanted not in release.paste_flavors:
        raise GlanceError(
            f"{release} has no paste flavor {wanted!r}. It has: {', '.join(filter(None, release.paste_flavors))}."
        )
    return wanted


# -- stores -----------------------------------------------------------------------------------------------------------

_NOBODY: dict[str, Any] = {
    "project": "glance", "prog": PROGRAM, "assignments": [], "environment": {}, "config_files": [CONF], "files": [],
    "units": [], "oslo_config": None, "release": None,
}  # fmt: skip


def _store_options(release: Release, wishes: Wishes) -> _stores.Decision:
    """What a host that says nothing yet has to say so that it has these stores. Raises GlanceError."""
    stores = wishes.stores or [
        {"name": "file", "type": "file", "options": {"filesystem_store_datadir": f"{wishes.state_path}/images"}}
    ]
    blank = {"options": None, "secrets": None, "description": None, "weight": None}
    return _stores.decide(
        _NOBODY,
        release,
        {
            "stores": [{**blank, **store} for store in stores],
            "default_backend": wishes.default_backend or stores[0]["name"],
            "staging_datadir": f"{wishes.state_path}/staging",
            "tasks_datadir": f"{wishes.state_path}/tasks",
            "worker_self_reference_url": None,
            # There are no images yet that a store could leave behind.
            "accept_unreachable": list(_stores.STORES),
        },
    )


def _writable(wishes: Wishes, stores: _stores.Decision) -> list[str]:
    """The directories that Glance writes to, each of which has to be there."""
    cache = [f"{wishes.state_path}/image-cache"] if wishes.cache else []
    return list(
        dict.fromkeys([wishes.state_path, f"{wishes.state_path}/lock", *stores.directories, *cache, wishes.log_dir])
    )


# -- text -------------------------------------------------------------------------------------------------------------

#: What runs beside the API, and how often. The cache's tools share the API's configuration.
_JOBS: dict[str, dict[str, Any]] = {
    "glance-scrubber": {"what": "Removes images whose deletion was delayed", "every": "5min"},
    "glance-cache-pruner": {"what": "Takes the image cache back to its size", "every": "30min"},
    "glance-cache-cleaner": {"what": "Removes what is broken from the image cache", "every": "6h"},
}


def _cache_units(wishes: Wishes) -> list[str]:
    return ["glance-cache-pruner.timer", "glance-cache-cleaner.timer"] if wishes.cache else []


def _text(name: str, facts: Mapping[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda each: (_TEMPLATES / each).read_text(encoding="utf-8")),
        autoescape=False,  # units and settings of logrotate, not pages
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(facts)
