# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All decisions of a policy, and which of them another policy takes otherwise.

This is the proof that nobody gained or lost a right unnoticed: each changed decision is either one that upstream made,
under a name that the operator accepts, or one that the operator declared, or it is refused.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy, _policy_rules
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Decision, Persona, Policy, Target
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_file import Rule

Key = tuple[str, str, str]
#: As many changes are told in a message; the result of a module has them all.
SHOWN = 10

PERSONAS = (
    Persona("admin", ("admin", "member", "reader")),
    Persona("member", ("member", "reader")),
    Persona("reader", ("reader",)),
    Persona("_member_", ("_member_",)),
    Persona("no role", ()),
    Persona("domain admin", ("admin", "member", "reader"), project=None, domain="some-domain"),
    Persona("system admin", ("admin", "member", "reader"), project=None, system=True),
    Persona("service", ("service",), service_roles=("service",)),
    Persona("member with service token", ("member", "reader"), service_roles=("service",)),
)
TARGETS = (
    Target("own"),
    Target("own protected", protected=True),
    Target("own shared", visibility="shared"),
    Target("own public", visibility="public"),
    Target("foreign", owner=_policy.FOREIGN),
    Target("shared with me", owner=_policy.FOREIGN, visibility="shared", member=True),
    Target("foreign public", owner=_policy.FOREIGN, visibility="public"),
    Target("foreign community", owner=_policy.FOREIGN, visibility="community"),
)


@dataclass(frozen=True)
class Change:
    """A decision that is taken otherwise. ``excused`` says by what: the name of an upstream change, or "expected"."""

    persona: str
    rule: str
    target: str
    before: Decision
    after: Decision
    upstream: str | None = None
    excused: str | None = None
    chain: list[str] = field(default_factory=list)
    roles: tuple[str, ...] = ()

    def holds(self, role: str) -> bool:
        return role in [each.lower() for each in self.roles]

    @property
    def gained(self) -> bool:
        return bool(self.after.allowed)

    @property
    def verb(self) -> str:
        return "gains" if self.gained else "loses" if self.after.allowed is False else "may gain or lose"

    def __str__(self) -> str:
        return told([self])

    def as_dict(self) -> dict[str, Any]:
        names = ("persona", "rule", "target", "upstream", "excused", "chain", "gained")
        sides = {side: {key: asdict(at)[key] for key in ("allowed", "by", "place")} for side, at in self._sides()}
        return {**{name: getattr(self, name) for name in names}, **sides, "text": str(self)}

    def _sides(self) -> tuple[tuple[str, Decision], tuple[str, Decision]]:
        return ("before", self.before), ("after", self.after)


def personas(given: Sequence[Mapping[str, Any]] | None, *policies: Policy) -> list[Persona]:
    """The personas that an operator described, or the usual ones; and whoever else the policies speak of.

    A role, project or user that a rule of a file names, or ``admin_role``, and that no persona stands for gets its own:
    else what a rule gives to them would go unseen. Raises GlanceError for what cannot be used.
    """
    found = list(PERSONAS)
    if given:
        found = [_described(Persona, "persona", dict(each), ("roles", "service_roles")) for each in given]
    named = [name for policy in policies for name in _spoken_of(policy)]
    for kind, name in dict.fromkeys(named):
        if not any(_stands_for(persona, kind, name) for persona in found):
            found += _standing_for(kind, name)
    return _named_once("persona", found)


def _spoken_of(policy: Policy) -> list[tuple[str, str]]:
    """Roles, projects and users that the rules of the files name, and the role of ``admin_role``."""
    checks = [policy.rules.rules[name] for name in policy.file_rules]
    parts = [part for check in checks for part in _policy_rules.parts(check)]
    named = [
        (
            {"tenant": "project_id", "user": "user_id"}.get(kind, kind),
            part.match.lower() if kind == "role" else part.match,
        )
        for part in parts
        if (kind := getattr(part, "kind", "")) in ("role", "project_id", "tenant", "user_id", "user")
        and "%" not in part.match
    ]
    role = (policy.settings.admin_role or "").strip().lower() if policy.how.reads_admin_role else ""
    return [*named, *([("role", role)] if role else [])]


def _stands_for(persona: Persona, kind: str, name: str) -> bool:
    if kind == "role":
        return name in [role.lower() for role in persona.roles]
    return name == (persona.project if kind == "project_id" else persona.user)


def _standing_for(kind: str, name: str) -> list[Persona]:
    """Once with that alone, once as a member too: a rule may ask for either."""
    member = ("member", "reader")
    if kind == "role":
        return [Persona(f"holder of {name}", (name,)), Persona(f"member and {name}", (name, *member))]
    if kind == "project_id":
        return [Persona(f"member of {name}", member, project=name)]
    return [Persona(f"user {name}", member, user=name)]


def targets(given: Sequence[Mapping[str, Any]] | None) -> list[Target]:
    """The targets that an operator described, or the usual ones. Raises GlanceError for what cannot be used."""
    if not given:
        return list(TARGETS)
    found = [_described(Target, "target", dict(each), ()) for each in given]
    for each in found:
        if each.visibility not in _policy.VISIBILITIES:
            raise GlanceError(
                f"The target {each.name} has the visibility {each.visibility!r}. It is one of: "
                f"{', '.join(_policy.VISIBILITIES)}."
            )
    return _named_once("target", found)


def _described(kind: Any, what: str, facts: dict[str, Any], lists: tuple[str, ...]) -> Any:
    known = list(kind.__dataclass_fields__)
    strange = sorted(set(facts) - set(known))
    if strange or not facts.get("name"):
        problem = f"has {', '.join(strange)}" if strange else "has no name"
        raise GlanceError(f"A {what} {problem}. It takes: {', '.join(known)}; the name is required.")
    for name in lists:
        value = facts.get(name) or ()
        if isinstance(value, str):
            raise GlanceError(f"The {name} of the {what} {facts['name']} are the text {value!r}. Write a list.")
        facts[name] = tuple(str(each) for each in value)
    return kind(**facts)


def _named_once(what: str, found: list[Any]) -> list[Any]:
    names = [each.name for each in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise GlanceError(f"The {what} {twice[0]} is described twice. Give each a name of its own.")
    return found


def matrix(policy: Policy, who: Iterable[Persona], on: Sequence[Target]) -> dict[Key, Decision]:
    """Every decision of a policy."""
    names = policy.names
    return {
        (persona.name, rule, target.name): policy.decide(persona, rule, target)
        for persona in who
        for rule in names
        for target in on
    }


def compare(before: Policy, after: Policy, who: Sequence[Persona], on: Sequence[Target]) -> list[Change]:
    """The decisions that are taken otherwise, each with the upstream change that explains it, if one does.

    Operations that only one of the releases has are nobody's gain or loss.
    """
    old, new = matrix(before, who, on), matrix(after, who, on)
    changed = [key for key, decision in old.items() if key in new and decision.allowed != new[key].allowed]
    if not changed:
        return []
    people, things = {each.name: each for each in who}, {each.name: each for each in on}
    upstream = _Upstream(before, after)
    return [
        Change(
            *key,
            old[key],
            new[key],
            upstream.explains(people[key[0]], key[1], things[key[2]], old[key], new[key]),
            chain=(after if new[key].by == key[1] else before).chain(people[key[0]], key[1], things[key[2]]),
            roles=people[key[0]].roles,
        )
        for key in changed
    ]


class _Upstream:
    """What changes between two releases when nobody has set a rule."""

    def __init__(self, before: Policy, after: Policy) -> None:
        self.before, self.after = before, after
        self.named = _catalogue.upstream_changes(before.release, after.release)
        self.shipped = functools.cache(shipped)

    def explains(self, persona: Persona, rule: str, target: Target, old: Decision, new: Decision) -> str | None:
        token = "system" if persona.system else "domain" if persona.domain else "project"
        named = [each for each in self.named if each.covers(rule, token)]
        if not named:
            return None
        if self._ruled_at_one_side(rule):
            return named[0].id
        sides = [self.shipped(policy.release) for policy in (self.before, self.after)]
        if not all(rule in each.names for each in sides):
            return None  # a rule that property protections ask
        if [each.decide(persona, rule, target).allowed for each in sides] != [old.allowed, new.allowed]:
            return None
        return next((each.id for each in reversed(named) if self._made(each, persona, rule, target)), named[0].id)

    def _ruled_at_one_side(self, rule: str) -> bool:
        """Whether one of the releases has a rule where the other asks none, and nobody has set it."""
        sides = (self.before, self.after)
        return any(policy.handling(rule)[0] == "unruled" for policy in sides) and not any(
            rule in policy.file_rules for policy in sides
        )

    def _made(self, change: _catalogue.UpstreamChange, persona: Persona, rule: str, target: Target) -> bool:
        """Whether it is this change, among several on the way, that made the difference last."""
        pair = [self.shipped(_catalogue.release("glance", major)) for major in (change.release - 1, change.release)]
        if not all(rule in policy.names for policy in pair):
            return False
        old, new = (policy.decide(persona, rule, target).allowed for policy in pair)
        return old != new


def shipped(release: _catalogue.Release) -> Policy:
    """The policy of a release as it is delivered; up to 19 that is a file."""
    if release.policy_defaults is None or release.policy_defaults.in_code:
        return Policy(release)
    rules = _catalogue.policies("glance", release)
    return Policy(release, {each.name: Rule(each.name, each.check_str, "policy.json as shipped") for each in rules})


def excuse(
    changes: Sequence[Change], expected: Sequence[Mapping[str, Any]], accepted: Sequence[str], hop: Sequence[str]
) -> tuple[list[Change], list[str]]:
    """The changes, each with what excuses it; and what was declared but did not happen.

    ``hop`` are the names of upstream changes between the two releases. Raises GlanceError for a declaration that cannot be
    used.
    """
    strange = sorted(set(accepted) - set(hop))
    if strange:
        known = (
            f"Between these releases there are: {', '.join(hop)}" if hop else "There are none between these releases"
        )
        raise GlanceError(f"{strange[0]} is no upstream change here. {known}.")
    declarations = [_declaration(each) for each in expected]
    used: set[int] = set()
    found = []
    for change in changes:
        matching = [index for index, each in enumerate(declarations) if _declares(each, change)]
        used.update(matching)
        by = change.upstream if change.upstream in accepted else "expected" if matching else None
        found.append(Change(**{**change.__dict__, "excused": by}))
    idle = [str(dict(expected[index])) for index in range(len(declarations)) if index not in used]
    return found, idle


def _declaration(facts: Mapping[str, Any]) -> dict[str, Any]:
    strange = sorted(set(facts) - {"persona", "rule", "target", "to"})
    if strange or not facts.get("rule") or not facts.get("persona") or facts.get("to") not in ("allow", "deny"):
        raise GlanceError(
            f"The expected change {dict(facts)} cannot be used. It names persona and rule (each a name or a list), 'to' "
            "(allow or deny), and perhaps target."
        )
    return dict(facts)


def _declares(declaration: Mapping[str, Any], change: Change) -> bool:
    if change.after.allowed is None or (declaration["to"] == "allow") != change.after.allowed:
        return False
    return all(
        getattr(change, name) in ([declared] if isinstance(declared, str) else declared)
        for name in ("persona", "rule", "target")
        if (declared := declaration.get(name))
    )


def refuse(changes: Sequence[Change]) -> None:
    """Raise GlanceError when a changed decision is excused by nothing; it names each, upstream's by their names."""
    open_ = [change for change in changes if not change.excused]
    if not open_:
        return
    said = [f"{len(open_)} decisions would change undeclared."]
    theirs = Counter(change.upstream for change in open_ if change.upstream)
    said += [f"Upstream's {name} makes {number} of them; accept it by name." for name, number in sorted(theirs.items())]
    own: dict[tuple[str, ...], list[Change]] = {}
    for change in open_:
        if not change.upstream:
            own.setdefault((change.persona, change.rule, change.verb), []).append(change)
    said += [f"{told(group)}." for group in list(own.values())[:SHOWN]]
    if len(own) > SHOWN:
        said.append(f"And so on for {len(own) - SHOWN} more of persona and rule.")
    if own:
        said.append("Declare in expected_changes what is meant, or keep the rules that decide today.")
    raise GlanceError(" ".join(said), undeclared=[change.as_dict() for change in open_])


def told(group: Sequence[Change]) -> str:
    """Changes that differ in their targets alone, in one sentence with the lines of the first."""
    first = group[0]
    on = ", ".join(change.target for change in group)
    return (
        f"{first.persona} {first.verb} {first.rule} on {on}: before by {first.before.by} ({first.before.place}), "
        f"after by {first.after.by} ({first.after.place})"
    )
