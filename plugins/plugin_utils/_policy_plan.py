# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of policy over a fleet: what becomes of each host's files, and who gains or loses by it.

It joins a plan: its step goes before all others, its findings stand among theirs. Hosts that decide alike are judged
once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _plan,
    _policy,
    _policy_change,
    _policy_edit,
    _policy_heat,
    _policy_keep,
    _policy_matrix,
    _policy_rules,
    _service,
    _takeover,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import accepted
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Persona, Policy, Target
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_change import Found
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_matrix import Change

STEP = "policy"
#: Options that a change of policy may write, where they stand or where they belong.
_WRITTEN = ("admin_role", "policy_file", "enforce_scope", "enforce_new_defaults", "enforce_secure_rbac")
#: As many undeclared changes get a finding of their own; the report has them all.
SHOWN = 10
#: Somebody's own image, and an image for everybody: who can do nothing with either can do nothing.
_SEEN = (Target("own"), Target("foreign public", owner=_policy.FOREIGN, visibility="public"))

_DICTS = {"type": "list", "elements": "dict", "default": []}
#: The wishes as a task takes them.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "rules": {
        **_DICTS,
        "options": {
            "name": {"type": "str", "required": True},
            "check": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        "required_if": [("state", "present", ("check",))],
    },
    "admin_role": {"type": "str", "choices": ["keep", "replaced"], "default": "keep"},
    "grants": {"type": "list", "elements": "str"},
    "format": {"type": "str", "choices": ["keep", "yaml"], "default": "keep"},
    "explicit_default": {"type": "bool", "default": False},
    "drop_defaults": {"type": "bool", "default": False},
    "personas": _DICTS,
    "targets": _DICTS,
    "expected_changes": _DICTS,
    "accepted_changes": {"type": "list", "elements": "str", "default": []},
    "kept_changes": {"type": "list", "elements": "str", "default": []},
    "to_release": {"type": "str", "default": ""},
}


@dataclass(frozen=True)
class PolicyWishes:
    """What the operator asked for; the defaults are those of the role's variables."""

    rules: list[dict[str, Any]] = field(default_factory=list)
    admin_role: str = "keep"
    grants: list[str] | None = None
    format: str = "keep"
    explicit_default: bool = False
    drop_defaults: bool = False
    personas: list[dict[str, Any]] = field(default_factory=list)
    targets: list[dict[str, Any]] = field(default_factory=list)
    expected_changes: list[dict[str, Any]] = field(default_factory=list)
    accepted_changes: list[str] = field(default_factory=list)
    kept_changes: list[str] = field(default_factory=list)
    to_release: str = ""
    #: Whether that release comes in this very run, so that what is undeclared stands in its way.
    binding: bool = False

    @property
    def change(self) -> bool:
        return bool(
            self.rules
            or self.admin_role != "keep"
            or self.format != "keep"
            or self.explicit_default
            or self.drop_defaults
            or self.kept_changes
        )

    @property
    def target(self) -> _catalogue.Release | None:
        return _service.known_release("glance", self.to_release) if self.to_release else None

    def check(self) -> None:
        """Raise GlanceError for what cannot be used, before anything is looked at."""
        if not (self.change or self.expected_changes or self.accepted_changes or self.to_release):
            return
        _policy_change.wanted_rules(self.rules)
        releases = _catalogue.releases("glance")
        hop = [each.id for each in _catalogue.upstream_changes(releases[0], releases[-1])]
        _policy_matrix.excuse([], self.expected_changes, [*self.accepted_changes, *self.kept_changes], hop)
        _policy_matrix.personas(self.personas)
        _policy_matrix.targets(self.targets)
        for name in ("accepted_changes", "kept_changes"):
            if self.target is None and getattr(self, name):
                raise GlanceError(
                    f"glance_policy_{name} names changes of upstream's, which come with a release. Name the release in "
                    "glance_policy_to_release."
                )
        both = sorted(set(self.accepted_changes) & set(self.kept_changes))
        if both:
            raise GlanceError(
                f"{both[0]} is named in glance_policy_accepted_changes and in glance_policy_kept_changes. Either it happens, or "
                "what is decided today is kept."
            )
        if self.grants is not None and self.admin_role == "keep":
            raise GlanceError(
                "glance_policy_grants says what takes the place of admin_role. Set glance_policy_admin_role too."
            )


@dataclass(frozen=True)
class Rewrite:
    """What becomes of a host's policy: the Glance as it is then, and the changes of files that make it so."""

    found: Found
    files: list[dict[str, Any]]
    role: str = ""
    later: list[dict[str, Any]] = field(default_factory=list)
    restart: bool = False
    restart_back: bool = False


def make(
    fleet: _plan.Fleet,
    wishes: _plan.Wishes,
    policy: PolicyWishes,
    people: Mapping[str, Any],
    controller: _takeover.Controller,
) -> _plan.Plan:
    """Plan a change of policy and nothing else."""
    plan = _plan.Plan()
    plan.runs = _takeover.look(fleet, wishes.takeover, controller, plan.findings)
    _plan.reach(fleet, plan)
    plan.glances = list(_plan.glance_hosts(fleet, plan))
    join(plan, wishes, policy, people)
    return plan


def join(plan: _plan.Plan, wishes: _plan.Wishes, policy: PolicyWishes, people: Mapping[str, Any]) -> None:
    """Add a change of policy, or a look at it, to a plan that has looked at its Glance hosts."""
    looks: dict[Any, tuple[Found, list[_plan.Glance]]] = {}
    for glance in plan.glances:
        try:
            found = Found(glance.api, glance.release, _policy.settings(glance.api, glance.release))
            looks.setdefault(_alike(found), (found, []))[1].append(glance)
        except GlanceError as error:
            _not_decided(plan, policy, error, [glance])
    _differ(plan, list(looks.values()))
    for found, glances in looks.values():
        try:
            rewrite = rewritten(found, policy) if policy.change else Rewrite(found, [])
            _refuse_new_in_containers(rewrite, glances)
            stages = list(_stages(found, rewrite, policy))
        except GlanceError as error:
            _not_decided(plan, policy, error, glances)
            continue
        hosts = [glance.host for glance in glances]
        for stage in stages:
            _judge(plan, policy, stage, hosts)
            plan.policy.append(_policy_heat.heat(stage, hosts))
        _unequal(plan, policy.target, rewrite, hosts)
        _idle(plan, stages, hosts)
        _later(plan, rewrite, hosts)
        _people(plan, stages[-1], people, hosts)
        for glance in glances if rewrite.files else ():
            plan.local.setdefault(STEP, {})[glance.host] = _part(glance, rewrite, wishes)
    if people.get("msg") and "role_sets" not in people:
        plan.add(
            "role_assignments_unreadable",
            "warning",
            f"Keystone did not tell who holds which roles: {people['msg']}",
            "Give credentials of an administrator; else look yourself for those without member or reader.",
        )
    _plan.unseen_transfers(plan)
    plan.findings = accepted(plan.findings, wishes.accept)


def _alike(found: Found) -> Any:
    """What two hosts must have in common to be judged as one: files by their places, options and release."""
    policy, protection = found.service["policy"] or {}, found.service.get("property_protection")
    documents = [*policy.get("files", []), *policy.get("overlays", []), *([protection] if protection else [])]
    texts = tuple((each["file"], each["text"]) for each in documents)
    options = tuple((each["file"], each["raw"]) for each in found.service["assignments"] if each["option"] in _WRITTEN)
    return str(found.release), found.settings, texts, options, found.own_file


def _not_decided(plan: _plan.Plan, policy: PolicyWishes, error: GlanceError, glances: list[_plan.Glance]) -> None:
    for glance in glances:
        if policy.change:
            plan.add(
                "policy_cannot_be_changed", "blocker", error.message, "Mend what the message names.", host=glance.host
            )
        else:
            plan.add(
                "policy_not_decided",
                "warning",
                f"Who may do what could not be computed: {error.message}",
                "Mend what the message names; the report then shows it.",
                host=glance.host,
            )


def _differ(plan: _plan.Plan, looks: list[tuple[Found, list[_plan.Glance]]]) -> None:
    """Hosts of one service should decide alike, whichever of them the balancer chooses."""
    told: list[tuple[list[str], dict[str, Any], Found]] = []
    for found, glances in looks:
        try:
            rules = {name: (rule.check, rule.place) for name, rule in found.policy().file_rules.items()}
        except GlanceError:
            continue  # said elsewhere
        told.append(([glance.host for glance in glances], rules, found))
    if len(told) < 2:
        return
    first_hosts, first, look = told[0]
    for hosts, rules, found in told[1:]:
        names = [name for name in {**first, **rules} if first.get(name, (None,))[0] != rules.get(name, (None,))[0]]
        if not names and found.settings == look.settings:
            continue
        what = f"{', '.join(names)} are other rules there" if names else "options about policy differ"
        place = (rules.get(names[0]) or first[names[0]])[1] if names else found.path
        file, _colon, line = str(place).rpartition(":")
        for host in hosts:
            plan.add(
                "policy_differs",
                "warning",
                f"This host does not decide as {', '.join(first_hosts)} does: {what}. What a user may do hangs on the host "
                "that the balancer chooses.",
                "Give all hosts the same file, then run again.",
                host=host,
                file=file if line.isdigit() else str(place),
                line=int(line) if line.isdigit() else None,
            )


# -- what becomes of the files ----------------------------------------------------------------------------------------


def rewritten(found: Found, wishes: PolicyWishes) -> Rewrite:
    """The rules that are asked for, then admin_role, then what is no longer needed, then the format."""
    before = found.policy()
    wanted = _policy_change.wanted_rules(wishes.rules)
    if wishes.explicit_default and found.settings.default_rule not in before.file_rules:
        wanted.setdefault(found.settings.default_rule, "role:admin")
    now = found.holding(_policy_change.edited(found, wanted))
    role, options, later = "", [], []
    if wishes.admin_role == "replaced":
        said = _policy_change.admin_role(now, wishes.grants)
        role, options = said.role, said.options
        later = _policy_change.gains_later(now, said.rules, role) if role and wishes.grants is None else []
        wanted.update(said.rules)
        now = now.holding(_policy_change.edited(now, said.rules))
    _policy_change.refuse_problems(before, now.policy(), set(wanted))
    target = wishes.target
    hop = _catalogue.upstream_changes(found.release, target) if target else []
    kept = [each for each in hop if each.id in wishes.kept_changes]
    if wishes.drop_defaults:
        dropped = _policy_change.droppable(now, now.text, kept)
        now = now.holding(_policy_edit.edit(now.text, now.path, dict.fromkeys(dropped)))
    path, text, gone = now.path, now.text, None
    if wishes.format == "yaml" and (path.endswith(".json") or text.lstrip()[:1] == "{"):
        path, text, more = _policy_change.converted(now, text)
        options = [*options, *(each for each in more if "options" in each)]
        gone = next((each["path"] for each in more if each.get("state") == "absent"), None)
    options = _service.merge([options])
    then = found.holding(text, path, options)
    if kept and target:
        options = _service.merge([options, _policy_keep.switches(then, target, kept)])
        then = found.holding(text, path, options)
        rules = _policy_keep.rules(then, target, kept, lambda one, other: _stage(one, other, path, role, wishes).open)
        text = _policy_change.edited(then, rules)
        then = found.holding(text, path, options)
    names = [set(each.policy().file_rules) for each in (found, then)]
    # Glance reads a changed policy file by itself, but keeps a rule that is gone until it is restarted.
    restart = bool(options) or path != found.path or bool(names[0] - names[1])
    files = list(_changes(found, text, path, gone, options)) if then is not found else []
    return Rewrite(then, files, role, later, restart and bool(files), bool(names[1] - names[0]) and not restart)


def _changes(
    found: Found, text: str, path: str, gone: str | None, options: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """As glance_transaction takes them. The rules come first, so that nobody is without their rights in between."""
    policy = found.service["policy"] or {"files": []}
    texts = {each["file"]: each["text"] for each in policy["files"]}
    hashes = {each["path"]: each["sha256"] for each in found.service["files"]}
    before = {file: _files.sha256(str(text).encode()) for file, text in texts.items()}
    if texts.get(path, "") != text:
        yield {"path": path, "before": before.get(path, ""), "content": text, "like": found.own_file}
    for each in options:
        yield {**each, "before": hashes[each["path"]]}
    if gone in before:  # rules that are the first ones were in no file that could go
        yield {"path": gone, "before": before[gone], "content": None}


def _refuse_new_in_containers(rewrite: Rewrite, glances: list[_plan.Glance]) -> None:
    """A container takes the files that its tool names, and no other beside them. Raises GlanceError."""
    for each in rewrite.files:
        if "content" in each and (each["content"] is None or not each["before"]):
            for glance in glances:
                if glance.contained:
                    verb = "goes" if each["content"] is None else "is new"
                    raise GlanceError(
                        f"{each['path']} {verb}, and only the tool that makes the container of glance-api can tell it so. "
                        "Give the file to that tool first (Kolla: /etc/kolla/config/glance/), and let it deploy."
                    )


def _part(glance: _plan.Glance, rewrite: Rewrite, wishes: _plan.Wishes) -> dict[str, Any]:
    if glance.contained:  # its files come into a container when that is started, and not before
        rewrite = replace(rewrite, restart=True, restart_back=False)
    services = list(glance.services.values())
    paths = [each["path"] for each in rewrite.files if "options" in each]
    api = [unit["name"] for unit in glance.api["units"] if unit["active_state"] == "active"]
    restart = list(dict.fromkeys([*api, *_service.readers(services, paths)])) if rewrite.restart else []
    return {
        "name": STEP,
        "files": rewrite.files,
        "restart": restart,
        "restart_back": api if rewrite.restart_back else [],
        "retire": [],
        "drain": glance.drain(wishes) if rewrite.restart or rewrite.restart_back else None,
        "health": glance.health(wishes, present=[name for name in ("v1", "v2") if glance.offers[name]]),
    }


# -- who gains, and who loses -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """One policy held against another: today's against itself, against the new one, or against a later release."""

    before: Policy
    after: Policy
    who: list[Persona]
    on: list[Target]
    changes: list[Change]
    idle: list[str]
    file: str

    @property
    def later(self) -> bool:
        return self.after.release != self.before.release

    @property
    def open(self) -> list[Change]:
        """What nobody declared or accepted."""
        return [change for change in self.changes if not change.excused]


def _stages(found: Found, rewrite: Rewrite, wishes: PolicyWishes) -> Iterator[Stage]:
    """The change itself; and with a release to come, today against that release."""
    _policy_rules.require_oslo_policy()
    target = wishes.target
    before = found.policy()
    if rewrite.files or target is None or target == found.release:
        yield _stage(before, rewrite.found.policy(), rewrite.found.path, rewrite.role, wishes)
    if target is not None and target != found.release:
        yield _stage(before, rewrite.found.at(target).policy(), rewrite.found.path, rewrite.role, wishes)


def _stage(before: Policy, after: Policy, file: str, role: str, wishes: PolicyWishes) -> Stage:
    """One policy held against another; ``role`` is the one that ``admin_role`` named, if it goes."""
    who = _policy_matrix.personas(wishes.personas, before, after)
    on = _policy_matrix.targets(wishes.targets)
    changes = _policy_matrix.compare(before, after, who, on)
    hop = [each.id for each in _catalogue.upstream_changes(before.release, after.release)]
    taken = [name for name in wishes.accepted_changes if name in hop]
    excused, idle = _policy_matrix.excuse(changes, wishes.expected_changes, taken, hop)
    return Stage(before, after, who, on, _policy_change.granted(excused, role, wishes.grants), idle, file)


def _judge(plan: _plan.Plan, wishes: PolicyWishes, stage: Stage, hosts: list[str]) -> None:
    open_ = stage.open
    if not open_:
        return
    if not (wishes.change or wishes.binding):
        theirs = Counter(change.upstream for change in open_)
        parts = [
            f"{number} by upstream's {name}" if name else f"{number} by what the files of this host make of it"
            for name, number in theirs.items()
        ]
        for host in hosts:
            plan.add(
                "policy_changes_at_release",
                "warning",
                f"{len(open_)} decisions would change undeclared with {stage.after.release}: {', '.join(parts)}.",
                "Look at the heat map of the report; keep, declare or accept them with policy.yml before that upgrade.",
                host=host,
            )
        return
    named = {each.id: each for each in _catalogue.upstream_changes(stage.before.release, stage.after.release)}
    for id_, its in _grouped(open_, lambda change: change.upstream or "").items():
        for host in hosts if id_ else ():
            plan.add(
                "policy_upstream_changes",
                "blocker",
                f"{stage.after.release}: {id_} changes {len(its)} decisions{_by_what(named[id_], its)}. {named[id_].text}",
                f'Accept it by name: -e \'{{"glance_policy_accepted_changes": ["{id_}"]}}\'; or keep what is decided today: '
                f'-e \'{{"glance_policy_kept_changes": ["{id_}"]}}\'.',
                host=host,
                source=named[id_].notes,
            )
    own = [change for change in open_ if not change.upstream]
    # Who changes alike by the same line is told together.
    groups = list(
        _grouped(own, lambda change: (change.rule, change.verb, change.before.place, change.after.place)).values()
    )
    for group in groups[:SHOWN]:
        file, line = _place(group)
        for host in hosts:
            plan.add(
                "policy_decision_changes",
                "blocker",
                told(group, stage),
                "Declare it in glance_policy_expected_changes if it is meant, or keep the rule that decides today.",
                host=host,
                file=file,
                line=line,
            )
    if len(groups) > SHOWN:
        rules = dict.fromkeys(group[0].rule for group in groups[SHOWN:])
        for host in hosts:
            plan.add(
                "policy_decision_changes",
                "blocker",
                f"And so on for {len(groups) - SHOWN} more, undeclared: {', '.join(rules)}. The report has all.",
                "Declare in glance_policy_expected_changes what is meant, or keep the rules that decide today.",
                host=host,
            )


def _by_what(named: _catalogue.UpstreamChange, its: Sequence[Change]) -> str:
    """The switches that make an upstream change, or its rules."""
    if named.switches:
        return f", by {', '.join(named.switches)}"
    return f" of {', '.join(dict.fromkeys(change.rule for change in its))}"


def told(group: Sequence[Change], stage: Stage) -> str:
    """Changes of one rule, in a sentence that names persona, rule and line."""
    first = group[0]
    people = ", ".join(dict.fromkeys(change.persona for change in group))
    things = _things(list(dict.fromkeys(change.target for change in group)), stage)
    verb = {"gains": "would gain", "loses": "would lose"}.get(first.verb, "may gain or lose")
    at = f" with {stage.after.release}" if stage.later else ""
    return (
        f"{people} {verb} {first.rule} on {things}{at}: before by {first.before.by} ({first.before.place}), after by "
        f"{first.after.by} ({first.after.place})."
    )


def _things(targets: list[str], stage: Stage) -> str:
    if len(targets) == len(stage.on):
        return "everything"
    return ", ".join(targets) if len(targets) <= 3 else f"{', '.join(targets[:2])} and {len(targets) - 2} more kinds"


def _place(group: Sequence[Change]) -> tuple[str | None, int | None]:
    """The line that makes the change, if a file does; else the line that decided before."""
    for decision in (group[0].after, group[0].before):
        file, _colon, line = decision.place.split(", rule ")[0].rpartition(":")
        if line.isdigit():
            return file, int(line)
    return None, None


def _grouped(changes: Sequence[Change], by: Any) -> dict[Any, list[Change]]:
    groups: dict[Any, list[Change]] = {}
    for change in changes:
        groups.setdefault(by(change), []).append(change)
    return groups


def _unequal(plan: _plan.Plan, target: _catalogue.Release | None, rewrite: Rewrite, hosts: list[str]) -> None:
    """Two switches that have to be equal where both are read, or the release to come does not start."""
    if target is None or "enforce_secure_rbac" not in _policy_keep.honoured_switches(target):
        return
    settings = rewrite.found.at(target).settings
    for host in hosts if settings.enforce_secure_rbac != settings.enforce_new_defaults else ():
        plan.add(
            "policy_switches_differ",
            "warning",
            f"{target} does not start: [oslo_policy] enforce_new_defaults is {str(settings.enforce_new_defaults).lower()}, and "
            f"[DEFAULT] enforce_secure_rbac is {str(settings.enforce_secure_rbac).lower()}.",
            "Make them equal. Coming from a release before 22, 22-secure-rbac in glance_policy_kept_changes does it.",
            host=host,
            source="release note of 22.0.0",
        )


def _idle(plan: _plan.Plan, stages: list[Stage], hosts: list[str]) -> None:
    for idle in stages[0].idle:
        for host in hosts if all(idle in stage.idle for stage in stages) else ():
            plan.add(
                "policy_expectation_idle",
                "note",
                f"An expected change does not happen here: {idle}.",
                "Nothing, where it has been made already; else look at the name of persona, rule and target.",
                host=host,
            )


def _later(plan: _plan.Plan, rewrite: Rewrite, hosts: list[str]) -> None:
    for release, rules in _by(rewrite.later, "release", "rule").items():
        for host in hosts:
            plan.add(
                "policy_gains_later",
                "note",
                f"From {release} on, holders of {rewrite.role} would also pass {', '.join(rules)}, since the defaults ask "
                f"{_policy.ADMIN} there.",
                "Set these rules to role:admin before that upgrade to keep them as they are.",
                host=host,
            )


def _by(facts: Sequence[Mapping[str, Any]], key: str, value: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in facts:
        found.setdefault(each[key], []).append(each[value])
    return found


def _people(plan: _plan.Plan, stage: Stage, people: Mapping[str, Any], hosts: list[str]) -> None:
    """Users and groups who can do something with images today and nothing after: by their roles, as Keystone lists them."""
    if not stage.later:
        return
    for each in people.get("role_sets") or ():
        roles = tuple(str(role) for role in each["roles"])
        named, remedy = ", ".join(roles) or "no role", "Give them member or reader in their projects"
        if each["scope"] == "project":
            persona = Persona(named, roles)
            hold = f"in {each['projects']} projects hold only {named} there"
            remedy += ", or rules that name the roles that they hold."
        else:
            on_domain = each["scope"] == "domain"
            persona = Persona(named, roles, None, domain="some-domain" if on_domain else None, system=not on_domain)
            hold = f"hold {named} for {'a domain' if on_domain else 'the system'} and no role in a project"
            remedy += "."
        if not (_can(stage.before, persona) and not _can(stage.after, persona)):
            continue
        some = ", ".join(_named(example) for example in each["examples"][:3])
        for host in hosts:
            plan.add(
                "roles_lose_everything",
                "warning",
                f"{each['users']} users and {each['groups']} groups {hold}, and can do nothing with images from "
                f"{stage.after.release} on (such as {some}).",
                remedy,
                host=host,
            )


def _named(example: Mapping[str, Any]) -> str:
    who = example.get("user") or example.get("group")
    if example["scope"] == "system":
        return f"{who} on the system"
    if example["scope"] == "domain":
        return f"{who} on the domain {example['scope_domain']}"
    return f"{who} in {example.get('project') or 'what is below ' + example['inherited_from']}"


def _can(policy: Policy, persona: Persona) -> bool:
    return any(policy.decide(persona, rule, target).allowed for rule in ("get_image", "get_images") for target in _SEEN)


def as_wishes(given: Mapping[str, Any]) -> PolicyWishes:
    """The wishes out of a task's arguments; what is left out or null is as nobody asked."""
    known = asdict(PolicyWishes())
    return replace(PolicyWishes(), **{name: given[name] for name in known if given.get(name) is not None})
