# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to tell another deployment tool so that its next run does not undo what a run of ours has changed.

A pure function of the plan. Where each tool takes its overrides is by convention of the tool, for all services alike:

- openstack-ansible: ``PROJECT_FILE_overrides`` of the role os_PROJECT, ``glance_policy_overrides`` for rules;
- Kolla: files below ``node_custom_config`` (``/etc/kolla/config``), merged into its own (merge_configs);
- Puppet: the hashes of the classes ``PROJECT::config`` and ``glance::policy``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml
from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

#: Values of a file's options by section and option; None where nobody is to set it any longer.
Options = dict[tuple[str, str], str | None]
#: Where an override belongs, and what belongs there.
Override = tuple[str, str]

#: Of the files that a run writes, those that these tools write from overrides.
_FILE = re.compile(r"[a-z]+(?:-[a-z-]+)?\.conf")
_POLICY = re.compile(r"policy\.(?:yaml|json)")


def overrides(plan: Mapping[str, Any], profile: str) -> list[dict[str, str]]:
    """``place`` and ``text`` of each override. ``plan`` is what glance_plan returned.

    Hosts that want different values have overrides of their own. A secret is no part of it: the text says where it lies.
    Raises GlanceError for a profile that there is not.
    """
    if profile not in PROFILES:
        raise GlanceError(f"There is no profile {profile!r}; there are {', '.join(PROFILES)}.")
    of_options, of_policy = PROFILES[profile]
    found = []
    for name, by_host in sorted(_options(plan).items()):
        everywhere, here = _shared(by_host)
        found += [of_options(name, everywhere, "")] if everywhere else []
        found += [of_options(name, own, host) for host, own in here.items()]
    found += [of_policy(name, rules) for name, rules in _policies(plan).items()]
    return [{"place": place, "text": text} for place, text in found]


def _changes(plan: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Host, name of the file and change, a later step after an earlier one."""
    for host, its in plan["hosts"].items():
        for step in its["steps"]:
            for change in step["files"]:
                yield host, str(change["path"]).rpartition("/")[2], change


def _options(plan: Mapping[str, Any]) -> dict[str, dict[str, Options]]:
    """Options by file and host."""
    found: dict[str, dict[str, Options]] = {}
    for host, name, change in _changes(plan):
        if _FILE.fullmatch(name) and "options" in change:
            options = found.setdefault(name, {}).setdefault(host, {})
            for each in change["options"]:
                section, option = each["section"], each["option"]
                options[section, option] = _shown(section, option, each["value"]) if "value" in each else None
    return found


def _shown(section: str, option: str, value: Any) -> str:
    text = str(value)
    return text if _files.mask(option, text) == text else f"the secret that [{section}] {option} is on the hosts"


def _shared(by_host: Mapping[str, Options]) -> tuple[Options, dict[str, Options]]:
    """What all hosts that change agree on, and by host what they do not."""
    values: dict[tuple[str, str], set[str | None]] = {}
    for options in by_host.values():
        for key, value in options.items():
            values.setdefault(key, set()).add(value)
    agreed = {key: next(iter(each)) for key, each in values.items() if len(each) == 1}
    own = {
        host: {key: value for key, value in options.items() if key not in agreed} for host, options in by_host.items()
    }
    return agreed, {host: options for host, options in own.items() if options}


def _policies(plan: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The rules of policy files, which are written as a whole; the hosts of a service have the same."""
    found: dict[str, dict[str, str]] = {}
    for _host, name, change in _changes(plan):
        if _POLICY.fullmatch(name) and change.get("content"):
            found[name] = {str(rule): str(check) for rule, check in (yaml.safe_load(change["content"]) or {}).items()}
    return found


# -- the tools --------------------------------------------------------------------------------------------------------


def _openstack_ansible(name: str, options: Options, host: str) -> Override:
    variable = f"{_project(name)}_{re.sub('[-.]', '_', name)}_overrides"
    sections = _by_section(options)
    text = _gone(options, variable) + (_yaml({variable: sections}) if sections else "")
    return f"/etc/openstack_deploy/{f'host_vars/{host}.yml' if host else 'user_variables.yml'}", text


def _openstack_ansible_policy(name: str, rules: Mapping[str, str]) -> Override:
    return "/etc/openstack_deploy/user_variables.yml", _yaml({"glance_policy_overrides": rules})


def _kolla(name: str, options: Options, host: str) -> Override:
    project = _project(name)
    # nova.conf lies above the folder of its project, files of single programs and of single hosts within.
    folder = f"{project}/{host}/" if host else "" if name == f"{project}.conf" else f"{project}/"
    place = f"/etc/kolla/config/{folder}{name}"
    lines = []
    for section, own in _by_section(options).items():
        lines += [f"[{section}]", *(f"{option} = {value}" for option, value in own.items())]
    return place, _gone(options, place) + "".join(f"{line}\n" for line in lines)


def _kolla_policy(name: str, rules: Mapping[str, str]) -> Override:
    return f"/etc/kolla/config/glance/{name}", _yaml(rules)


def _puppet(name: str, options: Options, host: str) -> Override:
    project = _project(name)
    resource = re.sub("[-.]", "_", name.removesuffix(".conf").removeprefix(f"{project}-"))
    data = {
        f"{section}/{option}": {"ensure": "absent"} if value is None else {"value": value}
        for (section, option), value in options.items()
    }
    # Puppet refuses what is declared twice.
    note = "# Where a class has a parameter for one of these options, give the parameter instead.\n"
    return f"hieradata of {host or 'all nodes'}", note + _yaml({f"{project}::config::{resource}_config": data})


def _puppet_policy(name: str, rules: Mapping[str, str]) -> Override:
    policies = {f"glance-{rule}": {"key": rule, "value": check} for rule, check in rules.items()}
    return "hieradata of all nodes", _yaml({"glance::policy::policies": policies})


#: How each tool is told options and policy rules.
PROFILES: dict[str, tuple[Callable[[str, Options, str], Override], Callable[[str, Mapping[str, str]], Override]]] = {
    "openstack_ansible": (_openstack_ansible, _openstack_ansible_policy),
    "kolla": (_kolla, _kolla_policy),
    "puppet": (_puppet, _puppet_policy),
}


def _project(name: str) -> str:
    """The project whose service reads a file: glance of glance-api.conf."""
    return re.split("[-.]", name)[0]


def _by_section(options: Options) -> dict[str, dict[str, str]]:
    """The options that have a value."""
    found: dict[str, dict[str, str]] = {}
    for (section, option), value in options.items():
        if value is not None:
            found.setdefault(section, {})[option] = value
    return found


def _gone(options: Options, place: str) -> str:
    """What an override cannot say: that an option is not to be there."""
    gone = [f"[{section}] {option}" for (section, option), value in options.items() if value is None]
    return f"# Take out of {place} where it is there: {', '.join(gone)}\n" if gone else ""


def _yaml(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(data), sort_keys=False, default_flow_style=False, width=1000)
