# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what with Glance, and which line says so: decided as one release decides it, with oslo.policy itself.

A decision has two halves. The policy rule is asked with what that release hands to it. Beside the rules, Glance's own
code asks whether an image can be seen at all and whose it is; whoever is an administrator there (``context_is_admin``, or
``admin_role`` as long as a release reads it) passes that half. Both have to agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy_rules, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_file import Rule

#: Who is asking and whose the objects are, where the caller names no projects.
OWN, FOREIGN = "own-project", "foreign-project"
VISIBILITIES = ("private", "shared", "public", "community")
ADMIN = "context_is_admin"
#: What some releases tell their rules of the caller and others do not; is_admin none, however often it is written.
TOLD_SOMETIMES = {"user", "tenant", "is_admin", "domain_id", "system_scope", "service_roles"}


@dataclass(frozen=True)
class Persona:
    """Somebody with a token: for a project, or for a ``domain`` or the ``system`` as a whole."""

    name: str
    roles: tuple[str, ...] = ()
    project: str | None = OWN
    domain: str | None = None
    system: bool = False
    service_roles: tuple[str, ...] = ()
    user: str = "some-user"


@dataclass(frozen=True)
class Target:
    """An image or a metadef namespace. ``owner`` None means the project of whoever asks; ``member``: shared with it."""

    name: str
    owner: str | None = None
    visibility: str = "private"
    member: bool = False
    protected: bool = False


@dataclass(frozen=True)
class Settings:
    """Options that have a say in decisions."""

    admin_role: str | None = None
    enforce_scope: bool = False
    enforce_new_defaults: bool = False
    enforce_secure_rbac: bool = False
    default_rule: str = "default"


@dataclass(frozen=True)
class Decision:
    """``allowed`` is None where the answer lies with a program that the rule would call.

    ``by`` is what decided, in words; ``place`` the line of it, or whose default it is.
    """

    persona: str
    rule: str
    target: str
    allowed: bool | None
    by: str
    place: str


class Policy:
    """The policy of one Glance: its release, the rules of its files, and its options."""

    def __init__(
        self, release: _catalogue.Release, rules: Mapping[str, Rule] | None = None, settings: Settings | None = None,
        protections: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """``rules`` is None where there is no policy file at all, which is not an empty one up to 19.

        ``protections`` are the rules that property protections ask, each with the place where they are named.
        """
        self.release = release
        self.settings = settings or defaults(release)
        self.how = _catalogue.enforcement(release)
        self.file_rules = dict(rules or {})
        self.protections = dict(protections or {})
        self.registered = {each.name: each for each in _catalogue.policies("glance", release)}
        self.origins: dict[str, str] = {}
        if not _known(release).in_code:
            shipped = self.how.without_file if rules is None else None
            checks = {name: _policy_rules.read(check) for name, check in (shipped or {}).items()}
            self.origins.update(dict.fromkeys(checks, f"what {release} does without a policy file"))
        else:
            checks = dict(self._defaults())
        for rule in self.file_rules.values():
            checks[rule.name] = _policy_rules.read(rule.check)
            self.origins[rule.name] = rule.place
        self.rules = _policy_rules.Rules(checks, self.settings.default_rule)
        self._answers: dict[Any, bool | None] = {}
        self._admins: dict[Persona, bool | None] = {}
        self._asked: dict[str, list[str]] = {}

    # -- the rules as this release's oslo.policy composes them

    def _defaults(self) -> Iterator[tuple[str, Any]]:
        for each in self.registered.values():
            if each.name in self.file_rules:
                continue
            check, old = _policy_rules.read(each.check_str), each.deprecated_rule
            origin = f"default of {self.release}"
            renamed = self.file_rules.get(old.name) if old and old.name != each.name else None
            if old and renamed and self._overrides(renamed, old.check_str, each.name):
                check, origin = _policy_rules.read(renamed.check), renamed.place
            elif old and not self.settings.enforce_new_defaults and old.check_str != each.check_str:
                check = _policy_rules.either(check, _policy_rules.read(old.check_str))
                origin += " or the older default"
            self.origins[each.name] = origin
            yield each.name, check

    @staticmethod
    def _overrides(rule: Rule, default: str, new_name: str) -> bool:
        """Whether an operator's rule by the older name counts for the new one, as oslo.policy sees it."""
        check = _policy_rules.read(rule.check)
        return check != _policy_rules.read(default) and str(check) != f"rule:{new_name}"

    def effective(self, name: str) -> str:
        """The check in force under a name, as text; references are not followed."""
        found = self.rules.find(name)
        return str(found[1]) if found else "!"

    def defined(self, name: str) -> bool:
        return dict.__contains__(self.rules.rules, name)

    @property
    def names(self) -> list[str]:
        """Every rule that this Glance asks, and what later releases have a rule for and this one does without."""
        names = [
            name
            for name, (kind, _guard) in self.how.rules.items()
            if kind == "unruled" or (name in self.registered and kind not in ("part", "unused"))
        ]
        return [*names, *(name for name in self.protections if name not in self.registered)]

    def handling(self, rule: str) -> tuple[str, str]:
        """What Glance hands to a rule, and what its own code asks as well, in the terms of ``enforcement.json``.

        Raises GlanceError for a rule that this Glance does not have.
        """
        if rule in self.protections and rule not in self.registered:
            return "none", "none"
        how = self.how.rules.get(rule)
        if how is None or (rule not in self.registered and how[0] != "unruled"):
            near = _catalogue.nearest_policy("glance", self.release, rule)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise GlanceError(f"{self.release} has no policy rule {rule}.{hint}")
        return how

    def reached(self, names: Iterable[str]) -> set[str]:
        """These rules and all that they refer to."""
        found: set[str] = set()
        left = set(names)
        while left:
            name = left.pop()
            found.add(name)
            rule = self.rules.find(name)
            left |= (_policy_rules.references(rule[1]) if rule else set()) - found
        return found

    # -- who somebody is to this release

    def credentials(self, persona: Persona) -> dict[str, Any]:
        everything = {
            "user_id": persona.user,
            "user": persona.user,
            "user_domain_id": None,
            "project_id": persona.project,
            "tenant": persona.project,
            "project_domain_id": None,
            "domain_id": persona.domain,
            "system_scope": "all" if persona.system else None,
            # Glance compares roles in lower case.
            "roles": [role.lower() for role in persona.roles],
            "is_admin_project": True,
            "service_user_id": None,
            "service_user_domain_id": None,
            "service_project_id": None,
            "service_project_domain_id": None,
            "service_roles": list(persona.service_roles),
        }
        found = {name: value for name, value in everything.items() if name in self.how.credentials}
        if found.get("system_scope"):
            found["system"] = found["system_scope"]
        return found

    def is_admin(self, persona: Persona) -> bool:
        """Whether Glance's own code takes somebody for an administrator."""
        said = self._says_admin(persona)
        role = (self.settings.admin_role or "").strip().lower() if self.how.reads_admin_role else ""
        holds = bool(role) and role in [each.lower() for each in persona.roles]
        return said is not None and (said or holds)

    def _says_admin(self, persona: Persona) -> bool | None:
        """What context_is_admin says; None where it is part of a circle, on which Glance fails at every request."""
        if persona not in self._admins:
            found = self.rules.find(ADMIN)
            try:
                said: bool | None = found is not None and self._evaluate(found[1], persona, self._request(persona))
            except _policy_rules.Undecidable:
                said = False  # nobody is taken for an administrator on the word of a program that was not asked
            except _policy_rules.Circle:
                said = None
            self._admins[persona] = said
        return self._admins[persona]

    def _request(self, persona: Persona) -> dict[str, Any]:
        """What Glance hands to ``context_is_admin``: the request itself."""
        everything = {
            "user": persona.user,
            "tenant": persona.project,
            "project": persona.project,
            "project_id": persona.project,
            "domain": persona.domain,
            "user_domain": None,
            "project_domain": None,
            "system_scope": "all" if persona.system else None,
            "roles": [role.lower() for role in persona.roles],
            "is_admin": False,
            "is_admin_project": True,
            "read_only": False,
            "show_deleted": False,
        }
        return {name: value for name, value in everything.items() if name in self.how.request}

    # -- decisions

    def decide(self, persona: Persona, rule: str, target: Target) -> Decision:
        """Raises GlanceError for a rule that this release does not have."""
        kind, guard = self.handling(rule)
        if kind == "unruled":
            allowed: bool | None = True
            by, place = "no rule is asked", f"Glance's own code, {self.release}"
        else:
            allowed = self.ask(persona, rule, handed(kind, persona, target))
            by, place = rule, self.origin(rule)
        if allowed is False and not self._in_scope(persona, rule):
            by = f"{rule} is for tokens of scope {', '.join(self.registered[rule].scope_types)}"
        elif allowed:
            refusal = GUARDS[guard](Asking(persona, target, self.is_admin(persona), self._own_check()))
            if refusal:
                allowed, by, place = False, refusal, f"Glance's own code, {self.release}"
        return Decision(persona.name, rule, target.name, allowed, by, place)

    def ask(self, persona: Persona, rule: str, target: Mapping[str, Any]) -> bool | None:
        """What the rule alone says; None where it would call another program."""
        if self._says_admin(persona) is None or not self._in_scope(persona, rule):
            return False
        found = self.rules.find(rule)
        return False if found is None else self.check(found[1], persona, target)

    def check(self, check: Any, persona: Persona, target: Mapping[str, Any]) -> bool | None:
        said = str(check)
        if said not in self._asked:
            self._asked[said] = sorted(self._names_in(check, set()))
        # Answers differ by what the check asks of the target and by nothing else of it.
        key = (said, persona, tuple((name, str(target[name])) for name in self._asked[said] if name in target))
        if key not in self._answers:
            try:
                self._answers[key] = self._evaluate(check, persona, target)
            except _policy_rules.Undecidable:
                self._answers[key] = None
            except _policy_rules.Circle:
                # Glance itself fails on a circle, so nobody gets what they asked for.
                self._answers[key] = False
        return self._answers[key]

    def _names_in(self, check: Any, seen: set[str]) -> set[str]:
        """What a check, and all that it refers to, asks of the target."""
        names = _policy_rules.asked(check)
        for reference in _policy_rules.references(check) - seen:
            seen.add(reference)
            found = self.rules.find(reference)
            names |= self._names_in(found[1], seen) if found else set()
        return names

    def _evaluate(self, check: Any, persona: Persona, target: Mapping[str, Any]) -> bool:
        return _policy_rules.evaluate(check, target, self.credentials(persona), self.rules)

    def _in_scope(self, persona: Persona, rule: str) -> bool:
        registered = self.registered.get(rule)
        if not (self.settings.enforce_scope and registered and registered.scope_types and self.defined(rule)):
            return True
        creds = self.credentials(persona)
        scope = "system" if creds.get("system") else "domain" if creds.get("domain_id") else "project"
        return scope in registered.scope_types

    def _own_check(self) -> bool:
        """Whether the API itself asks whose an image is; the database asks in any case."""
        return not any(getattr(self.settings, name) for name in self.how.own_check_unless)

    def origin(self, rule: str) -> str:
        found = self.rules.find(rule)
        if found is None:
            return "no rule of that name, and no default rule"
        name = found[0]
        where = self.origins.get(name, "")
        return where if name == rule else f"{where}, rule {name}"

    def chain(self, persona: Persona, rule: str, target: Target) -> list[str]:
        """The rules that the answer came through, each with its line: ``modify_image (policy.yaml:3)`` and so on."""
        kind, _guard = self.handling(rule)
        asked = handed(kind, persona, target)
        chain: list[str] = []
        found = None if kind == "unruled" else self.rules.find(rule)
        while found and not any(step.startswith(f"{found[0]} (") for step in chain):
            chain.append(f"{found[0]} ({self.origins.get(found[0], '')})")
            reference = self._decisive(found[1], persona, asked)
            found = self.rules.find(reference) if reference else None
        return chain

    def _decisive(self, check: Any, persona: Persona, target: Mapping[str, Any]) -> str | None:
        """The rule that the part of a check which made up its mind refers to, if it refers to one."""
        answer = self.check(check, persona, target)
        below = _policy_rules.children(check)
        if not below:
            return next(iter(_policy_rules.references(check)), None)
        for each in below:
            if len(below) == 1 or self.check(each, persona, target) == answer:
                return self._decisive(each, persona, target)
        return None


# -- what a release hands to a rule -----------------------------------------------------------------------------------


def handed(kind: str, persona: Persona, target: Target) -> dict[str, Any]:
    """The target of a rule, in the terms of ``enforcement.json``."""
    owner = target.owner or persona.project or OWN
    image = {
        "image_id": "some-image",
        "name": "some-name",
        "owner": owner,
        "visibility": target.visibility,
        "protected": target.protected,
        "status": "active",
    }
    member = persona.project if target.member and owner != persona.project else None
    shapes: dict[str, Callable[[], dict[str, Any]]] = {
        "none": dict,
        "part": dict,
        "unused": dict,
        "unruled": dict,
        "context": lambda: {"project_id": persona.project},
        "owner": lambda: {"project_id": owner},
        "image": lambda: image,
        "image_project": lambda: {**image, "project_id": owner},
        "image_context": lambda: {**image, "project_id": persona.project},
        "image_project_member": lambda: {**image, "project_id": owner, "member_id": member},
        "proposed_image": lambda: {"project_id": owner, "owner": owner, "visibility": target.visibility},
        "namespace": lambda: {
            "project_id": owner,
            "visibility": "public" if target.visibility == "public" else "private",
        },
    }
    return shapes[kind]()


# -- what Glance's own code asks as well ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asking:
    persona: Persona
    target: Target
    admin: bool
    own_check: bool

    @property
    def owns(self) -> bool:
        if self.persona.project is None:
            return False
        return self.target.owner in (None, self.persona.project)

    @property
    def sees(self) -> bool:
        shared = self.target.visibility == "shared" and self.target.member and self.persona.project is not None
        return self.admin or self.owns or self.target.visibility in ("public", "community") or shared


def _see(asking: Asking) -> str | None:
    return None if asking.sees else "the image cannot be seen: it is another project's, and whoever asks is no admin"


def _own(asking: Asking) -> str | None:
    if asking.admin or asking.owns:
        return None
    return _see(asking) or "the image is another project's, and whoever asks is no admin"


def _own_unprotected(asking: Asking) -> str | None:
    return _own(asking) or ("the image is protected" if asking.target.protected else None)


def _create(asking: Asking) -> str | None:
    if asking.admin or asking.owns or not asking.own_check:
        return None
    return "the image would be another project's, and whoever asks is no admin"


def _shared(asking: Asking) -> str | None:
    return _see(asking) or (None if asking.target.visibility == "shared" else "only shared images have members")


def _share(asking: Asking) -> str | None:
    if asking.admin or asking.owns or not asking.own_check:
        return _shared(asking)
    return _shared(asking) or "the image is another project's, and whoever asks is no admin"


def _answer(asking: Asking) -> str | None:
    """The owner may not answer for those that an image is shared with."""
    if asking.admin or not asking.owns or not asking.own_check:
        return _shared(asking)
    return _shared(asking) or "who owns an image cannot answer for its members"


def _see_namespace(asking: Asking) -> str | None:
    if asking.admin or asking.owns or asking.target.visibility == "public":
        return None
    return "the namespace cannot be seen: it is another project's, and whoever asks is no admin"


def _add_namespace(asking: Asking) -> str | None:
    if asking.admin or asking.persona.project is not None:
        return None
    return "whoever asks has no project to own it, and is no admin"


def _add_to_namespace(asking: Asking) -> str | None:
    return _see_namespace(asking) or _add_namespace(asking)


def _own_namespace(asking: Asking) -> str | None:
    if asking.admin or asking.owns:
        return None
    return _see_namespace(asking) or "the namespace is another project's, and whoever asks is no admin"


def _unprotected(guard: Callable[[Asking], str | None]) -> Callable[[Asking], str | None]:
    """Nothing is taken out of a protected namespace, by nobody."""
    return lambda asking: guard(asking) or ("the namespace is protected" if asking.target.protected else None)


#: What keeps somebody from something although the rule lets them, by the guards of ``enforcement.json``.
GUARDS: dict[str, Callable[[Asking], str | None]] = {
    "none": lambda asking: None,
    "see": _see,
    "own": _own,
    "own_unprotected": _own_unprotected,
    "create": _create,
    "shared": _shared,
    "share": _share,
    "answer": _answer,
    "see_namespace": _see_namespace,
    "add_namespace": _add_namespace,
    "add_to_namespace": _add_to_namespace,
    "own_namespace": _own_namespace,
    "see_namespace_unprotected": _unprotected(_see_namespace),
    "own_namespace_unprotected": _unprotected(_own_namespace),
}


# -- options ----------------------------------------------------------------------------------------------------------


def _known(release: _catalogue.Release) -> _catalogue.PolicyDefaults:
    if release.policy_defaults is None:
        raise GlanceError(f"The catalogue does not say how {release} finds its policy.")
    return release.policy_defaults


def defaults(release: _catalogue.Release) -> Settings:
    """The options of that release when nobody sets them."""
    known = _known(release)
    return Settings(
        admin_role=_catalogue.enforcement(release).admin_role,
        enforce_scope=bool(known.enforce_scope),
        enforce_new_defaults=bool(known.enforce_new_defaults),
    )


def settings(service: _service.Service, release: _catalogue.Release) -> Settings:
    """The options of a service of a survey. Raises GlanceError for a value that oslo.config refuses."""
    known, unset = _known(release), defaults(release)
    found: dict[str, Any] = {"admin_role": unset.admin_role}
    if _catalogue.enforcement(release).reads_admin_role:
        found["admin_role"] = _value(service, "DEFAULT", "admin_role", "string", unset.admin_role)
    found["enforce_scope"] = unset.enforce_scope
    if known.enforce_scope_option:
        found["enforce_scope"] = _value(service, "oslo_policy", "enforce_scope", "boolean", unset.enforce_scope)
    found["enforce_new_defaults"] = unset.enforce_new_defaults
    if known.enforce_new_defaults is not None:
        found["enforce_new_defaults"] = _value(
            service, "oslo_policy", "enforce_new_defaults", "boolean", unset.enforce_new_defaults
        )
    if _catalogue.option("glance", release, "DEFAULT", "enforce_secure_rbac"):
        found["enforce_secure_rbac"] = _value(service, "DEFAULT", "enforce_secure_rbac", "boolean", False)
    found["default_rule"] = _value(service, "oslo_policy", "policy_default_rule", "string", "default")
    return Settings(**found)


def _value(service: _service.Service, group: str, name: str, type_: str, default: Any) -> Any:
    schema = {"group": group, "name": name, "type": type_, "default": default, "deprecated": []}
    answer = _service.resolve(service, schema)
    if answer["status"] == "refused":
        raise GlanceError(
            f"{answer['origin']}: [{group}] {name} = {answer['raw']} is refused, and Glance does not start with it: "
            f"{str(answer['reason']).rstrip('.')}."
        )
    return answer["effective"]


# -- what is wrong with a policy --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """One rule that does not do what it seems to; ``fatal`` where it must not be written."""

    id: str
    rule: str
    place: str
    message: str
    fatal: bool = False
    near: list[str] = field(default_factory=list)


def problems(policy: Policy) -> list[Problem]:
    """What is wrong with the rules of the files, and with those that property protections ask."""
    found = [
        _missing(policy, name, where.partition(" ")[0].rstrip(":"), f"{where} asks", name)
        for name, where in policy.protections.items()
        if not policy.defined(name)
    ]
    referred = {name for check in policy.rules.rules.values() for name in _policy_rules.references(check)}
    referred |= set(policy.protections)
    for rule in policy.file_rules.values():
        check = policy.rules.rules[rule.name]
        try:
            _policy_rules.hold(rule.check, f"{rule.place}: {rule.name}")
        except _policy_rules.PolicyError as error:
            found.append(Problem("syntax", rule.name, rule.place, error.message, fatal=True))
            continue
        cycle = _cycle(policy, rule.name)
        if cycle:
            message = (
                f"{rule.place}: {' refers to '.join(cycle)}: Glance fails on a request that asks it. Break the circle."
            )
            found.append(Problem("cycle", rule.name, rule.place, message, fatal=True))
        for name in sorted(_policy_rules.references(check)):
            if not policy.defined(name):
                said = f"{rule.place}: {rule.name} refers to"
                found.append(_missing(policy, rule.name, rule.place, said, name))
        if rule.name not in policy.registered and rule.name not in referred:
            found.append(_unknown(policy, rule))
        found += _dead_words(policy, rule, check)
    return found


def _cycle(policy: Policy, start: str) -> list[str]:
    """The names of a circle of references through a rule, or none."""
    paths = [[start]]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        check = policy.rules.find(path[-1])
        for name in sorted(_policy_rules.references(check[1])) if check else ():
            if name == start:
                return [*path, name]
            if name not in seen:
                seen.add(name)
                paths.append([*path, name])
    return []


def _missing(policy: Policy, rule: str, place: str, said: str, name: str) -> Problem:
    near = _catalogue.nearest_policy("glance", policy.release, name)
    hint = f" Did you mean {near[0]}?" if near else ""
    fallback = policy.rules.find(name)
    effect = f"rule {fallback[0]} answers for it" if fallback else "that part is never true"
    message = f"{said} rule {name}, which is defined nowhere, so {effect}.{hint}"
    return Problem("missing", rule, place, message, fatal=True, near=near)


def _unknown(policy: Policy, rule: Rule) -> Problem:
    near = _catalogue.nearest_policy("glance", policy.release, rule.name)
    hint = f"Did you mean {near[0]}?" if near else "Remove it, or refer to it from a rule."
    message = (
        f"{rule.place}: {policy.release} has no rule {rule.name} and nothing refers to it, so it does nothing. {hint}"
    )
    return Problem("unknown", rule.name, rule.place, message, near=near)


def _dead_words(policy: Policy, rule: Rule, check: Any) -> list[Problem]:
    """Comparisons with something that this release does not tell its rules of the caller, and which so are never true."""
    kinds = {str(getattr(part, "kind", "")) for part in _policy_rules.parts(check)}
    dead = sorted((kinds & TOLD_SOMETIMES) - policy.how.credentials)
    better = {"tenant": "project_id", "user": "user_id", "is_admin": f"rule:{ADMIN}"}
    return [
        Problem(
            "dead",
            rule.name,
            rule.place,
            f"{rule.place}: {rule.name} asks for {kind}, which {policy.release} does not tell its rules, so that part is "
            f"never true." + (f" Write {better[kind]}." if kind in better else ""),
        )
        for kind in dead
    ]
