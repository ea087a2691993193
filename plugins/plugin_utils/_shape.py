# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare data from outside with the types that the code reads it by."""

from __future__ import annotations

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

_CALLED = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a mapping"}


def check(value: Any, wanted: Any, where: str) -> None:
    """Raise GlanceError, with the path to it, where a value is not what an annotation says; more keys are no error."""
    kind, inner = get_origin(wanted), get_args(wanted)
    if is_typeddict(wanted):
        _refuse_other(value, dict, where)
        for name in sorted(wanted.__required_keys__ - set(value)):
            raise GlanceError(f"{where} has no {name!r}. Found there: {', '.join(map(repr, value)) or 'nothing'}.")
        for name, hint in get_type_hints(wanted).items():
            if name in value:
                check(value[name], hint, f"{where}.{name}")
    elif kind is list:
        if not isinstance(value, list):
            raise _unlike(value, "a list", where)
        for number, each in enumerate(value):
            check(each, inner[0], f"{where}[{number}]")
    elif kind is dict:
        _refuse_other(value, dict, where)
        for name, each in value.items():
            check(each, inner[1], f"{where}.{name}")
    elif kind is Literal:
        if value not in inner:
            raise _unlike(value, "one of " + ", ".join(map(str, inner)), where)
    elif kind in (Union, types.UnionType):
        if value is not None:
            check(value, next(each for each in inner if each is not types.NoneType), where)
    elif wanted is not Any:
        _refuse_other(value, wanted, where)


def _refuse_other(value: Any, wanted: type, where: str) -> None:
    accepted = (int, float) if wanted is float else wanted
    if not isinstance(value, accepted) or (isinstance(value, bool) and wanted is not bool):
        raise _unlike(value, _CALLED[wanted], where)


def _unlike(value: Any, wanted: str, where: str) -> GlanceError:
    found = repr(value)
    return GlanceError(f"{where} is {found if len(found) <= 80 else found[:77] + '...'}; wanted is {wanted}.")
