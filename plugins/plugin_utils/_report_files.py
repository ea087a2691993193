# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as the files that are read: one page of HTML that needs nothing else, Markdown, and the data as JSON."""

from __future__ import annotations

import errno
import functools
import importlib.resources
import json
import os
import re
import tempfile
from collections.abc import Callable
from typing import Any

import jinja2
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _report,
    _report_policy,
    _report_view,
    _shape,
    _words,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._table import shown
from markupsafe import Markup

#: The result's name of each form, with the end of its file name.
FORMS = {"html": ".html", "markdown": ".md", "json": ".json"}


def render(report: dict[str, Any]) -> dict[str, str]:
    """The report in each form. Raises GlanceError where the data is not whole."""
    _shape.check(report, _report.Report, "report")
    view = _report_view.view(report)
    return {
        "html": _environment(_seen).get_template("report.html.j2").render(view=view),
        "markdown": _environment(_markdown).get_template("report.md.j2").render(view=view),
        "json": json.dumps(report, indent=2) + "\n",
    }


def write(directory: str, name: str, forms: dict[str, str]) -> dict[str, str]:
    """Write each form for the operator alone, whole or not at all; the paths by form."""
    if not re.fullmatch(r"[^/\0.][^/\0]*", name):
        raise GlanceError(f"name is {name!r}; wanted is a file's name without its end, such as preflight.")
    paths = {form: os.path.join(directory, name + FORMS[form]) for form in forms}
    wanted = directory
    try:
        _make(directory)
        for form, text in forms.items():
            wanted = paths[form]
            _replace(wanted, text.encode())
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        step = "Free some space" if full else "Check the path, or name another (glance_flip_report_dir)"
        message = f"The report cannot be written: {wanted}: {os.strerror(error.errno or 0)}. {step}, and run again."
        raise GlanceError(message) from error
    return paths


def publish(path: str, text: str) -> str:
    """Write numbers for whoever collects them, whole or not at all; the path.

    The directory is the collector's and has to be there. What is being written has no name that ends like the file's.
    """
    try:
        _replace(path, text.encode(), 0o644)
    except OSError as error:
        message = f"The metrics cannot be written: {path}: {os.strerror(error.errno or 0)}."
        raise GlanceError(f"{message} Name a file in the collector's directory (glance_flip_metrics_file).") from error
    return path


def _make(directory: str) -> None:
    """Make a directory and those above it, each that is new for its owner alone."""
    if not os.path.isdir(directory):
        _make(os.path.dirname(os.path.abspath(directory)))
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            if not os.path.isdir(directory):
                raise


def _replace(path: str, content: bytes, mode: int = 0o600) -> None:
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{os.path.basename(path)[:100]}.", dir=os.path.dirname(path) or "."
    )
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


# -- text from a cloud is shown and never obeyed ------------------------------------------------------------------


@functools.cache
def _environment(seen: Callable[[Any], Any]) -> jinja2.Environment:
    """Templates in which whatever is put in goes through ``seen``, and through HTML's escape where that leaves text."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        finalize=seen,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        counted=_words.count,
        seconds=_words.seconds,
        moment=_words.moment,
        size=_words.size,
        names=_words.names,
        told=_report_policy.sentence,
        code=_code,
        fenced=_fenced,
    )
    return environment


def _template(name: str) -> str:
    return (importlib.resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _seen(value: Any) -> Any:
    """Control characters, and those that turn the direction of text, to be seen and not obeyed."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return "" if value is None else value
    return "".join(char if char in "\n\t" else shown(char) for char in value) if not value.isprintable() else value


_MARKDOWN = re.compile(r"([\\`*_\[\]#|~])")


def _markdown(value: Any) -> Any:
    """A text within a line of Markdown, or in a cell of a table."""
    seen = _seen(value)
    if isinstance(seen, Markup) or not isinstance(seen, str):
        return seen
    text = _MARKDOWN.sub(r"\\\1", re.sub(r"\s+", " ", seen))
    return Markup(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _code(value: Any) -> Markup:
    """A text as code within a line of Markdown; a table splits its cells even there."""
    text = " ".join(str(_seen(value)).split()).replace("|", "\\|")
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if len(ticks) > 1 else ""
    return Markup(f"{ticks}{space}{text}{space}{ticks}") if text else Markup("")


def _fenced(text: str, language: str = "") -> Markup:
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Markup(f"{ticks}{language}\n{_seen(text)}\n{ticks}")
