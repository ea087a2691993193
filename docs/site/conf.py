# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the site. `build.py` beside this file lays the sources out; `make docs` runs both."""

from __future__ import annotations

import re

from pygments.lexers.shell import BashLexer
from sphinx.application import Sphinx

project = "stackops.glance"
author = "stackops.glance contributors"
copyright = "2026 " + author
language = "en"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
include_patterns = ["index.md", "docs/**.md", "reference/**", "plugins/plugin_utils/data/README.md"]
exclude_patterns = ["docs/site"]
myst_heading_anchors = 4
antsibull_ext_color_scheme = "none"  # static/site.css has them

html_theme = "furo"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"

#: Documents that have another page on the site than in the checkout.
ELSEWHERE = ((r"README\.md", "/index.md"), (r"roles/(\w+)/README\.md", r"/reference/\1_role.rst"))


def lead_elsewhere(app: Sphinx, docname: str, content: list[str]) -> None:
    for pattern, page in ELSEWHERE:
        content[0] = re.sub(r"\]\((?:\.\./)*" + pattern + r"(#[\w-]+)?\)", rf"]({page})", content[0])


def setup(app: Sphinx) -> None:
    app.add_lexer("console", BashLexer)  # commands are shown without a prompt
    app.connect("source-read", lead_elsewhere)
    app.connect("include-read", lambda app, path, docname, content: lead_elsewhere(app, docname, content))
