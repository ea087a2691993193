# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _bind


@pytest.mark.parametrize(
    ("line", "place", "moved"),
    [
        ("gunicorn --bind 0.0.0.0:9292 app", ("0.0.0.0", 9292), "gunicorn --bind 127.0.0.1:9292 app"),
        (
            "/v/python /v/gunicorn -w 2 -b=[::]:8080 app",
            ("::", 8080),
            "/v/python /v/gunicorn -w 2 -b=127.0.0.1:8080 app",
        ),
        ("uwsgi --http-socket :9292 --ini x", ("0.0.0.0", 9292), "uwsgi --http-socket 127.0.0.1:9292 --ini x"),
        ("uwsgi --http=ctl1:9292", ("ctl1", 9292), "uwsgi --http=127.0.0.1:9292"),
    ],
)
def test_what_a_command_line_binds(line: str, place: tuple[str, int], moved: str) -> None:
    bind = _bind.find(line.split())
    assert bind is not None and (bind.host, bind.port) == place
    assert " ".join(_bind.moved(line.split(), bind, "127.0.0.1")) == moved


@pytest.mark.parametrize(
    "line",
    ["", "uwsgi --ini /etc/glance.ini", "uwsgi --socket :9292", "gunicorn -b a:1 -b b:2 app", "gunicorn app --bind",
     "gunicorn -b unix:/run/x app", "glance-api --bind 0.0.0.0:9292"],
)  # fmt: skip
def test_what_does_not_say_it(line: str) -> None:
    assert _bind.find(line.split()) is None


def test_nothing_in_a_word_is_expanded_by_systemd() -> None:
    words = ["/v/gunicorn", "--access-logformat", '%(h)s "$x" \\', "-b", "[::1]:9292", ""]
    assert _bind.command(words) == '/v/gunicorn --access-logformat "%%(h)s \\"$$x\\" \\\\" -b [::1]:9292 ""'
