# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check strings: read by oslo.policy itself, after a look that finds what it would silently turn into "nobody".

oslo.policy reads whatever it is given. What it does not understand becomes a check that is never true, with no more than
a line in a log; so each check string is held against the grammar first.
"""

from __future__ import annotations

import functools
import importlib
import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from types import SimpleNamespace
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def _imported(name: str) -> Any:
    """A module of oslo.policy, or None where it is not installed; whoever needs none of this can do without."""
    try:
        return importlib.import_module(f"oslo_policy.{name}")
    except ImportError:
        return None


_checks, _parser, policy = (_imported(name) for name in ("_checks", "_parser", "policy"))

#: What may stand between the words of a check string, as a token: parentheses hang on to the words.
_WORD = re.compile(r"\S+")
_NAME = re.compile(r"%\(([^)]*)\)")


class PolicyError(GlanceError):
    """A rule that oslo.policy would not read, or not as it is meant."""


class Undecidable(Exception):
    """The answer lies with a program elsewhere, which is not asked from here."""


class Circle(Exception):
    """A rule refers to itself, by way of others perhaps; Glance fails on that."""


def parse(text: Any, where: str) -> Any:
    """The check that oslo.policy makes of a check string. Raises PolicyError, with the place in the text.

    ``where`` names the rule, and file and line if there are any.
    """
    hold(text, where)
    return read(text)


def read(text: Any) -> Any:
    """The check that oslo.policy makes of whatever a file holds, also of what it does not understand: nobody."""
    require_oslo_policy()
    logger = logging.getLogger(_parser.__name__)
    before, logger.disabled = logger.disabled, True  # it would print a traceback for what hold() says in a sentence
    try:
        return _without_calls(_parser.parse_rule(text))
    finally:
        logger.disabled = before


def hold(text: Any, where: str) -> None:
    """Raise PolicyError for a check string that oslo.policy would not read, or not as it is surely meant.

    Lists, the older form, are taken as they are.
    """
    if isinstance(text, str):
        _hold_against_grammar(text, where)
    elif text is None:
        raise PolicyError(
            f"{where}: the check is missing, and oslo.policy reads that as 'everybody'. Write '@' if that is meant, and "
            "'!' for nobody."
        )
    elif not _is_list_form(text):
        raise PolicyError(
            f"{where}: the check is {text!r}, and a check string is wanted; Glance fails on it. Write it in quotes, such "
            "as 'role:admin'; '@' allows everybody, '!' nobody."
        )


def require_oslo_policy() -> None:
    if _parser is None:
        raise GlanceError(
            f"oslo.policy is not installed for the Python that runs Ansible on the control node ({sys.executable}), and "
            f"policy is decided with it. Run: {sys.executable} -m pip install oslo.policy"
        )


def references(check: Any) -> set[str]:
    """Names of the rules that a check refers to."""
    return {part.match for part in parts(check) if isinstance(part, _checks.RuleCheck)}


def asked(check: Any) -> set[str]:
    """Names that a check itself asks of its target, those of its references left aside."""
    return {name for part in parts(check) for name in _NAME.findall(str(getattr(part, "match", "")))}


def parts(check: Any) -> Iterator[Any]:
    """The check and all that it is made of."""
    yield check
    for below in children(check):
        yield from parts(below)


def children(check: Any) -> list[Any]:
    if isinstance(check, _checks.NotCheck):
        return [check.rule]
    return list(getattr(check, "rules", ()))


def evaluate(check: Any, target: Mapping[str, Any], creds: MutableMapping[str, Any], rules: Rules) -> bool:
    """What oslo.policy says. Raises Undecidable and Circle."""
    rules.path.clear()
    return bool(check(target, creds, rules, None))


class Rules:
    """What a check looks its references up in: an enforcer, as far as checks know one."""

    def __init__(self, checks: Mapping[str, Any], default_rule: str) -> None:
        require_oslo_policy()
        self.rules = policy.Rules(dict(checks), default_rule)
        self.path: list[str] = []  # the references that are being followed

    def find(self, name: str) -> tuple[str, Any] | None:
        """The rule that answers for a name, which is the default rule where the name has none."""
        for each in (name, self.rules.default_rule):
            if dict.__contains__(self.rules, each):
                return each, self.rules[each]
        return None


def either(first: Any, second: Any) -> Any:
    return _checks.OrCheck([first, second])


def beside(check: Any, another: str) -> str:
    """A check as text with one more alternative."""
    said = str(check)
    return f"{said[1:-1] if isinstance(check, _checks.OrCheck) else said} or {another}"


# -- what oslo.policy does not say ------------------------------------------------------------------------------------


def _hold_against_grammar(text: str, where: str) -> None:
    """Refuse what oslo.policy's parser cannot reduce to one check, and checks that can never be meant."""
    if not text:
        return
    tokens = list(_tokens(text))
    depth = 0
    operand = True  # whether a check has to come next
    for column, token in tokens:
        word = token.lower()
        if token == "(" or word == "not":
            if not operand:
                raise _problem(text, where, column, f"{token!r} follows a check", "Put 'and' or 'or' between them")
            depth += token == "("
        elif token == ")":
            if operand:
                raise _problem(text, where, column, "')' comes where a check is wanted", "Complete what stands before")
            depth -= 1
            if depth < 0:
                raise _problem(text, where, column, "')' closes nothing", "Remove it, or open it before")
        elif word in ("and", "or"):
            if operand:
                raise _problem(text, where, column, f"{token!r} comes where a check is wanted", "Put one before it")
            operand = True
        else:
            if not operand:
                raise _problem(text, where, column, f"{token!r} follows a check", "Put 'and' or 'or' between them")
            _hold_check(text, where, column, token)
            operand = False
    if operand:
        raise _problem(text, where, len(text) + 1, "a check is missing at the end", "Complete it")
    if depth:
        raise _problem(text, where, len(text) + 1, f"{depth} ')' are missing at the end", "Close every '('")


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """Words as oslo.policy divides them: by white space, with the parentheses around each split off."""
    for match in _WORD.finditer(text):
        word, column = match[0], match.start() + 1
        bare = word.lstrip("(")
        yield from ((column + index, "(") for index in range(len(word) - len(bare)))
        column += len(word) - len(bare)
        middle = bare.rstrip(")")
        if middle:
            yield column, middle
        yield from ((column + index, ")") for index in range(len(middle), len(bare)))


def _quoted(word: str) -> bool:
    return len(word) >= 2 and word[0] in "\"'" and word[0] == word[-1]


def _hold_check(text: str, where: str, column: int, token: str) -> None:
    if token in ("@", "!"):
        return
    if _quoted(token):
        raise _problem(text, where, column, f"{token} is a quoted text, not a check", "Remove the quotes")
    kind, colon, match = token.partition(":")
    if not colon:
        raise _problem(
            text, where, column, f"{token!r} is no check", f"Write kind:match, such as role:{token} or rule:{token}"
        )
    if kind in ("role", "rule") and not match:
        raise _problem(text, where, column, f"{token!r} names no {kind}", "Write the name after the colon, unspaced")
    if match and not kind:
        raise _problem(text, where, column, f"{token!r} says not what to compare", "Write it before the colon")
    try:
        match % _Anything()
    except (TypeError, ValueError) as error:
        raise _problem(
            text,
            where,
            column,
            f"{token!r} cannot be filled in ({error})",
            "Write %(name)s, and %% for a per cent sign",
        ) from error


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def _problem(text: str, where: str, column: int, found: str, remedy: str) -> PolicyError:
    return PolicyError(f"{where}: in the check {text!r}, column {column}: {found}. {remedy}.", column=column)


def _is_list_form(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(inner, str) or (isinstance(inner, list) and all(isinstance(each, str) for each in inner))
        for inner in value
    )


def _without_calls(check: Any) -> Any:
    """The check with its references and calls replaced by those of this module."""
    if isinstance(check, _checks.RuleCheck):
        return _classes().Reference(check.kind, check.match)
    if isinstance(check, _checks.Check) and type(check) not in (_checks.RoleCheck, _checks.GenericCheck):
        return _classes().Call(check.kind, check.match)
    if isinstance(check, _checks.NotCheck):
        check.rule = _without_calls(check.rule)
    elif hasattr(check, "rules"):
        check.rules = [_without_calls(each) for each in check.rules]
    return check


@functools.cache
def _classes() -> Any:
    """Checks of our own; they need oslo.policy's, which may not be there when this module is read."""

    class Reference(_checks.RuleCheck):  # type: ignore[name-defined]
        """oslo.policy's own, which would run in a circle until the stack ends."""

        def __call__(self, target: Any, creds: Any, enforcer: Rules, current_rule: str | None = None) -> bool:
            found = enforcer.find(self.match)
            if found is None:
                return False
            name, check = found
            if name in enforcer.path:
                raise Circle(name)
            enforcer.path.append(name)
            try:
                return bool(check(target, creds, enforcer, current_rule))
            finally:
                enforcer.path.pop()

    class Call(_checks.Check):  # type: ignore[name-defined]
        """A check that another program answers, such as ``http:``."""

        def __call__(self, target: Any, creds: Any, enforcer: Rules, current_rule: str | None = None) -> bool:
            raise Undecidable(str(self))

    return SimpleNamespace(Reference=Reference, Call=Call)
