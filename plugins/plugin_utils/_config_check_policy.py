# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong, or will be, with the policy files of a Glance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _catalogue_changes, _policy_file
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Release
from ansible_collections.stackops.glance.plugins.plugin_utils._config_check_view import View
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import Finding
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_file import Rule

#: Rules that others refer to and that no API call asks for.
_FOUNDATIONS = ("default", "context_is_admin")

_POLICIES = "policies of Glance, {release}"


def check(view: View) -> Iterator[Finding]:
    yield from _files(view)
    documents = _documents(view)
    try:
        parsed = [_policy_file.parse(document) for document in documents]
    except GlanceError as error:
        yield _refused(view, error.message)
        return
    written = [rule for rules in parsed for rule in rules]
    rules = {rule.name: rule for rule in written}
    for single in parsed:
        yield from _twice(single)
    for rule in rules.values():
        yield from _rule(view, rule, rules)
    if documents and not _in_code(view.release):
        yield from _missing(view, rules, documents[0]["file"])
    if view.target is not None:
        yield from _changes(view, view.target, rules)
        yield from _pinned(view, view.target, rules)


def _documents(view: View) -> list[_policy_file.Document]:
    """The files to judge: where the release would not read the one that counts today, that one, as if it were moved."""
    policy = view.service.get("policy")
    then, now = (_policy_file.main(policy, *view.policy_defaults(each)) for each in (view.release, view.current))
    release = view.current if then is None and now is not None else view.release
    return list(_policy_file.documents(policy, *view.policy_defaults(release)))


def _in_code(release: Release) -> bool:
    return release.policy_defaults is None or release.policy_defaults.in_code


# -- which files are read ---------------------------------------------------------------------------------------------


def _files(view: View) -> Iterator[Finding]:
    policy = view.service.get("policy")
    then = _policy_file.main(policy, *view.policy_defaults())
    default = view.policy_defaults()[0]
    named = policy["named"] if policy else None
    if then is None and (not _in_code(view.release) or named not in (None, default)):
        yield Finding(
            "policy_file_missing",
            "warning",
            (
                f"[oslo_policy] policy_file names {named}, which is nowhere that {view.release} looks. "
                if named
                else f"There is no {default} where {view.release} looks. "
            )
            + (
                "The defaults in its code are in force."
                if _in_code(view.release)
                else "Everybody may do almost everything then."
            ),
            "Name the file that is there, or put one there.",
            source="glance/api/policy.py: DEFAULT_RULES; oslo.policy: Enforcer.load_rules",
        )
    if policy is None:
        return
    now = _policy_file.main(policy, *view.policy_defaults(view.current))
    unread = [document for document in policy["files"] if then is None or document["file"] != then["file"]]
    if now is not None and now in unread and view.target is not None:
        yield Finding(
            "policy_file_not_read",
            "blocker",
            f"{view.current} reads this policy file, and {view.release} will not: it looks for {default} alone, and its own "
            "defaults would be in force.",
            f"Turn the rules that you need into {default} (oslopolicy-convert-json-to-yaml keeps comments on them).",
            file=now["file"],
            accept=True,
            source="Glance 22.0.0 release note: policy.yaml is the default; oslo.policy 5.0.0: no fallback to policy.json",
        )
    for document in unread:
        if view.target is None or document is not now:
            yield Finding(
                "policy_file_ignored",
                "note",
                f"{view.release} does not read this file" + (f", but {then['file']}." if then else "."),
                "Take it away, so that nobody changes rules in it and waits for an effect.",
                file=document["file"],
                source="oslo.policy, pick_default_policy_file",
            )
    if then is not None and then["name"].endswith(".json") and default.endswith(".yaml") and not policy["named"]:
        yield Finding(
            "policy_file_json",
            "note",
            f"{view.release} takes this file only because {default} is missing; a later release does not.",
            f"Turn the rules that you need into {default}.",
            file=then["file"],
            source="Glance 22.0.0 release note: JSON policy files are deprecated",
        )


def _refused(view: View, message: str) -> Finding:
    match = re.match(r"(/.*?):(\d+)(?::\d+)?: ", message)
    return Finding(
        "policy_refused",
        "blocker",
        f"{view.release} cannot read its policy, and every request fails: {message}",
        "Mend the file.",
        file=match[1] if match else None,
        line=int(match[2]) if match else None,
        source="oslo.policy, parse_file_contents",
    )


# -- rules that are written -------------------------------------------------------------------------------------------


def _twice(rules: list[Rule]) -> Iterator[Finding]:
    seen: dict[str, Rule] = {}
    for rule in rules:
        if rule.name in seen:
            yield _finding(
                rule,
                "policy_rule_twice",
                "warning",
                f"The rule {rule.name} stands twice in this file (line {seen[rule.name].line} as well); the last one counts.",
                "Keep the one that is meant.",
                "JSON and YAML: the last of equal names counts",
            )
        seen[rule.name] = rule


def _rule(view: View, rule: Rule, rules: dict[str, Rule]) -> Iterator[Finding]:
    yield from _check_string(view, rule, rules)
    known = _catalogue.policy("glance", view.release, rule.name)
    source = _POLICIES.format(release=view.release)
    if known is None:
        yield from _unknown(view, rule, rules)
        return
    if known.deprecated_for_removal:
        yield _finding(
            rule,
            "policy_deprecated",
            "note",
            f"The rule {rule.name} is deprecated in {view.release} and goes in a later release.",
            "Plan to do without it.",
            source,
        )
    if view.target is None:
        return
    before = _catalogue.policy("glance", view.current, rule.name)
    if before is None:
        yield _finding(
            rule,
            "policy_takes_effect",
            "warning",
            f"The rule {rule.name} is in the file, {view.current} does not ask for it, and {view.release} will.",
            "Make sure that its check is meant for the new release.",
            source,
        )


def _pinned(view: View, target: Release, rules: dict[str, Rule]) -> Iterator[Finding]:
    """Rules that only repeat a default, which changes without them."""
    pinned = []
    for pair in _catalogue_changes.changes("glance", view.current, target).policies.defaults:
        rule = rules.get(pair.new.name)
        if rule and _same(rule.check, pair.old.check_str) and not _same(pair.old.check_str, pair.new.check_str):
            pinned.append(rule)
    if pinned:
        yield _finding(
            pinned[0],
            "policy_keeps_old_defaults",
            "warning",
            f"Rules that repeat the defaults of {view.current} keep those of {target} from coming into force: "
            f"{_names(rule.name for rule in pinned)}.",
            "Take out what you do not mean to keep: a policy file holds best what differs from the defaults, and no more.",
            _POLICIES.format(release=target),
        )


def _unknown(view: View, rule: Rule, rules: dict[str, Rule]) -> Iterator[Finding]:
    if rule.name in _FOUNDATIONS or any(rule.name in _referred(other.check) for other in rules.values()):
        return
    lives = _catalogue.policy_lives("glance", rule.name)
    older = [life for life in lives if life.removed and life.removed <= view.release.major]
    newer = [life for life in lives if life.introduced > view.release.major]
    for renamed in _catalogue.policies("glance", view.release):
        if renamed.deprecated_rule and renamed.deprecated_rule.name == rule.name != renamed.name:
            yield _finding(
                rule,
                "policy_renamed",
                "note",
                f"The rule {rule.name} is an older name of {renamed.name}, and counts for it in {view.release}.",
                f"Write {renamed.name}.",
                _POLICIES.format(release=view.release),
            )
            return
    if older:
        last = _catalogue.release("glance", (older[-1].removed or 1) - 1)
        used = view.target is not None and _catalogue.policy("glance", view.current, rule.name) is not None
        yield _finding(
            rule,
            "policy_removed",
            "warning" if used else "note",
            f"The rule {rule.name} does nothing: {view.release} has no such rule, {last} had it last.",
            "Take it out once you know what guards that call now.",
            _POLICIES.format(release=last),
        )
    elif newer:
        since = _catalogue.release("glance", newer[0].introduced)
        yield _finding(
            rule,
            "policy_of_later_release",
            "note",
            f"The rule {rule.name} does nothing: it came with {since}, after {view.release}.",
            "Take it out, or keep it for the day of that release.",
            _POLICIES.format(release=since),
        )
    else:
        near = _catalogue.nearest_policy("glance", view.release, rule.name)
        yield _finding(
            rule,
            "policy_unknown",
            "warning",
            f"The rule {rule.name} does nothing: {view.release} asks for no such rule, and no other rule refers to it.",
            f"Did you mean {near[0]}?" if near else "Take it out.",
            _POLICIES.format(release=view.release),
        )


def _check_string(view: View, rule: Rule, rules: dict[str, Rule]) -> Iterator[Finding]:
    source = "oslo.policy, _parser and Rules.__missing__"
    if not isinstance(rule.check, str | list) and rule.check is not None:
        yield _finding(
            rule,
            "policy_check_unreadable",
            "blocker",
            f"The check of {rule.name} is {rule.check!r}, which is no check string; oslo.policy raises an error.",
            'Write it in quotes, such as "role:admin".',
            source,
        )
        return
    if trouble := _trouble(rule.check):
        yield _finding(
            rule,
            "policy_check_unreadable",
            "warning",
            f"The check of {rule.name} cannot be understood ({trouble}), so oslo.policy denies it to everybody.",
            "Mend the check string, or write ! if everybody is to be denied.",
            source,
        )
    for name in sorted(_referred(rule.check)):
        if name not in rules and _catalogue.policy("glance", view.release, name) is None:
            yield _finding(
                rule,
                "policy_reference_unknown",
                "warning",
                f"The check of {rule.name} refers to the rule {name}, which is nowhere; the rule default is asked instead.",
                f"Define {name}, or refer to a rule that is there.",
                source,
            )


#: One token of a check string: an operator, a parenthesis, @, !, or KIND:MATCH.
_TOKEN = re.compile(
    r"""\s*(?:(?P<operator>and|or|not)(?=[\s()]|$)|(?P<parenthesis>[()])
    |(?P<check>[@!](?=[\s()]|$)|(?:"[^"]*"|'[^']*'|[^\s():'"]+):(?:%\([^)]*\)s|"[^"]*"|'[^']*'|[^\s()])+))""",
    re.VERBOSE | re.IGNORECASE,
)


def _trouble(check: object) -> str:
    """What oslo.policy's parser would stumble over; a shape of the sentence, not its meaning."""
    if not isinstance(check, str) or not check.strip():
        return ""
    depth, wants_check, position = 0, True, 0
    text = check.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            return f"at {text[position:].strip()[:30]}"
        position = token.end()
        word = token[0].strip().lower()
        if word == ")":
            depth -= 1
        if word in ("and", "or", ")"):
            if wants_check or depth < 0:
                return f"at {word}"
            wants_check = word != ")"
        elif not wants_check:
            return f"and, or is missing before {token[0].strip()[:30]}"
        else:
            depth += word == "("
            wants_check = word in ("(", "not")
    return "it ends too early" if wants_check or depth else ""


def _referred(check: object) -> set[str]:
    """The rules that a check string refers to; older checks are lists of lists of such strings."""
    if isinstance(check, list):
        return {name for part in check for name in _referred(part)}
    return set(re.findall(r"(?:^|[\s(])rule:([^\s()]+)", check)) if isinstance(check, str) else set()


# -- rules that are not written ---------------------------------------------------------------------------------------


def _missing(view: View, rules: dict[str, Rule], file: str) -> Iterator[Finding]:
    """Where no defaults are in the code, whatever the file leaves out falls to its rule ``default``."""
    absent = [
        rule.name
        for rule in _catalogue.policies("glance", view.release)
        if rule.name not in rules and rule.name not in _FOUNDATIONS
    ]
    if absent:
        falls_to = (
            f"the rule default ({_quoted(rules['default'].check)})" if "default" in rules else "nothing: all is denied"
        )
        yield Finding(
            "policy_rules_missing",
            "warning",
            f"{view.release} asks for rules that this file leaves out, and which fall to {falls_to}: {_names(absent)}.",
            "Add them with the checks of the policy file that the release ships.",
            file=file,
            source=_POLICIES.format(release=view.release),
        )


def _changes(view: View, target: Release, rules: dict[str, Rule]) -> Iterator[Finding]:
    """Defaults that come into force because nobody wrote the rule; rules with the same change share a finding."""
    changed = _catalogue_changes.changes("glance", view.current, target).policies
    strict = bool(view.effective("oslo_policy", "enforce_new_defaults"))
    groups: dict[tuple[str, str, bool], list[str]] = {}
    for pair in changed.defaults:
        if pair.new.name not in rules and not _same(pair.old.check_str, pair.new.check_str):
            older = not strict and pair.new.deprecated_rule is not None
            groups.setdefault((pair.old.check_str, pair.new.check_str, older), []).append(pair.new.name)
    for (before, after, older), names in groups.items():
        yield Finding(
            "policy_default_changes",
            "note" if older else "warning",
            f"No policy file sets {_names(names)}, and the default changes from {_quoted(before)} to {_quoted(after)} "
            f"between {view.current} and {target}."
            + (" The older check counts beside it until enforce_new_defaults is true." if older else ""),
            "Make sure that users and services have the roles that the new check wants, or write the rule.",
            source=_POLICIES.format(release=target),
        )
    added = [rule.name for rule in changed.added if rule.name not in rules and rule.name not in _FOUNDATIONS]
    if added and rules:
        yield Finding(
            "policy_rules_added",
            "note",
            f"{target} asks for rules that {view.current} did not have and your file does not set: {_names(added)}.",
            "Look whether their defaults fit beside the rules that you changed.",
            source=_POLICIES.format(release=target),
        )


# -- words ------------------------------------------------------------------------------------------------------------


def _same(one: object, other: str) -> bool:
    return isinstance(one, str) and "".join(one.split()) == "".join(other.split())


def _quoted(check: object) -> str:
    return f'"{check}"' if isinstance(check, str) else str(check)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _finding(rule: Rule, id_: str, severity: str, message: str, remedy: str, source: str) -> Finding:
    return Finding(id_, severity, message, remedy, file=rule.file, line=rule.line, source=source)
