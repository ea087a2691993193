# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import json
import os
import pathlib
import re
import stat
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _report, _report_files, _report_view

VOID = {"meta", "br", "img", "hr", "input", "link"}
BLOCKS = {"p", "div", "ul", "ol", "dl", "details", "table", "section", "article", "h1", "h2", "h3", "pre", "header"}
EVIL = "<script>alert(1)</script>\"'><img src=x>{{ 7 * 7 }}{% raw %}\n| `x` *y* [z](http://evil) \u202eover\x1b[2J"


class Page(HTMLParser):
    """A page whose tags balance, with what it would load and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert not (tag in BLOCKS and "p" in self.open), f"<{tag}> in a paragraph, line {self.getpos()[0]}"
        names = [name for name, _value in attributes]
        assert len(names) == len(set(names)) and not any(name.startswith("on") or name == "src" for name in names)
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attributes if name == "id"]
        self.links += [value or "" for name, value in attributes if name == "href"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}, line {self.getpos()[0]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    @property
    def said(self) -> str:
        return " ".join("".join(self.text).split())


def found(severity: str = "warning", **more: Any) -> dict[str, Any]:
    return {"id": "some_finding", "severity": severity, "message": "It is so.", "remedy": "Mend it.", **more}


def spoken(host: str, *api: str, **more: Any) -> dict[str, Any]:
    said = {"origin": "/etc/nova/nova.conf:54", "reason": "It says so.", "restart_pending": False}
    return {"host": host, "service": "nova-compute", "release": "Nova 14.1.0 (Newton)", "api": [*api], **said, **more}


def phases(host: str, start: float, step: str = "nova", **more: Any) -> list[dict[str, Any]]:
    lengths = {"drain": 2.0, "change": 0.5, "health": 3.0, "undrain": 4.5}
    made = []
    for phase, length in lengths.items():
        made.append(
            {"host": host, "step": step, "phase": phase, "started": start, "ended": start + length, "ok": True, **more}
        )
        start += length
    return made


def report(**more: Any) -> dict[str, Any]:
    started = "2026-11-21T09:56:09Z"
    base = {"playbook": "preflight", "run_id": "R-1", "started": started, "verdict": "ready", "findings": []}
    return {**base, **more}


def heat(hosts: list[str], text: str = "", rules: int = 1) -> dict[str, Any]:
    """One policy against another, two personas on three targets."""
    rows = [{"name": f"{text}publicize_image{number or ''}", "before": ["+++", "---"], "after": ["++-", "?+-"]}
            for number in range(rules)]  # fmt: skip
    told = {"rule": f"{text}publicize_image", "targets": [f"own{text}"], "decisions": 1, "excused": None, "upstream": None,
            "before": {"by": text, "place": "p:1"}, "after": {"by": text, "place": f"p:2{text}"}}  # fmt: skip
    return {
        "hosts": hosts, "file": f"/etc/{text}", "release_before": "Glance 25", "release_after": f"Glance 26{text}",
        "personas": [{"name": "admin", "roles": ["admin"]}, {"name": f"{text}member", "roles": []}],
        "targets": [f"own{text}", "foreign", "public"],
        "rules": [*rows, {"name": "get_task", "before": ["+++", "---"], "after": None},
                  {"name": "cache_list", "before": None, "after": ["+++", "---"]}],
        "changes": [{**told, "verb": "gains", "personas": [f"{text}member"]},
                    {**told, "verb": "loses", "personas": ["admin"], "excused": "26-scope", "upstream": "26-scope"}],
        "undeclared": 1,
        "upstream": [{"id": "26-scope", "text": f"{text}.", "source": "", "decisions": 1, "accepted": True}],
    }  # fmt: skip


def whole(hosts: int = 4, text: str = "") -> dict[str, Any]:
    """A report with every section; ``text`` goes wherever a cloud may put text."""
    names = [f"{text}cmp{number:03}" for number in range(1, hosts + 1)]
    options = [{"section": "glance", "option": f"{text}use_glance_v1", "state": "absent"}]
    return report(
        format=1, title=f"{text}A flip", written="2026-11-21T10:00:00Z", ended="2026-11-21T10:00:00Z",
        outcome=f"done {text}", failed=False, rollback=f"ansible-playbook {text}",
        permanent=[{"place": f"/etc/kolla/{text}", "text": f"[DEFAULT]\na = {text}\n"}],
        findings=[found("blocker", host=names[0], file=f"/etc/{text}", line=3, override=_report.accepting(["x"])),
                  found("blocker", id="other", host=names[0], override=None, source=f"tag {text}"),
                  *(found("warning", host=name, message=f"{text} of {name}") for name in names),
                  *(found("note", id="third", host=name) for name in names)],
        steps=[{"name": "catalogue", "title": f"the {text}", "hosts": []},
               {"name": "nova", "title": "Nova speaks v2", "hosts": names}],
        parts=[{"host": name, "step": "nova", "files": [{"path": f"/etc/{text}", "options": options}],
                "restart": [f"nova-compute{text}"], "retire": [], "drained": True} for name in names],
        catalogue=[{"id": "e", "interface": f"admin{text}", "region": None, "url_before": f"{text}/v1", "url_after": text}],
        spoken=[spoken(name, "v1", service=f"nova{text}") for name in names],
        spoken_after=[spoken(name, "v2", service=f"nova{text}") for name in names],
        hosts=[{"name": name, "groups": [f"nova{text}"], "reached": True, "trouble": None} for name in names]
        + [{"name": "lost", "groups": [], "reached": False, "trouble": f"No route. {text}"}],
        diffs=[{"host": name, "file": f"/etc/{text}", "diff": f"@@ -1 +1 @@\n-a {text}\n+b\n c"} for name in names],
        audit={"way": "database", "complete": True, "cannot_see": [f"kind{text}"], "images": 1200, "count": 34,
               "findings": [{"id": f"case{text}", "severity": "warning", "count": 30, "owners": 2, "message": text,
                             "remedy": text, "source": text, "examples": [{"id": f"i{text}", "property": text}]},
                            {"id": "other", "severity": "note", "count": 4, "owners": 1, "message": "", "remedy": ""}],
               "owners": [{"owner": f"o{text}", "count": 30}, {"owner": None, "count": 4}], "file": f"i{text}"},
        callers=[{"host": name, "span": {"from": "2026-11-14T06:00:00Z", "to": "2026-11-21T06:00:00Z"}, "covered_days": 7.0,
                  "files": [{"path": f"/var/log/{text}", "requests": 9, "unreadable": 1, "error": text}],
                  "versions": {"v1": 3, "v2": 1000},
                  "callers": [{"client": f"10.0.0.1{text}", "user_agent": f"curl {text}", "requests": {"v1": 3, "v2": 4},
                               "first": "2026-11-14T06:00:00Z", "last": "2026-11-20T06:00:00Z",
                               "examples": [f"/v1/{text}"]}],
                  "tools": [{"file": f"/etc/cron.d/{text}", "line": 3, "program": f"glance-replicator{text}"}],
                  "truncated": False} for name in names[:2]],
        timeline=[phase for number, name in enumerate(names) for phase in phases(name, 1795254900.0 + 11 * (number // 10))],
        round_trip={"ran": True, "leftovers": [{"image_id": f"left{text}"}],
                    "endpoints": [{"url": f"http://x/{text}", "api_version": 2, "ok": True, "error": None, "size": 1048576,
                                   "seconds": 1.5, "sha256": "0" * 64,
                                   "steps": [{"name": f"create{text}", "ok": True, "seconds": 0.431},
                                             {"name": "upload", "ok": False, "seconds": 1.069}]}]},
        policy=[heat(names, text)],
        troubles=[f"cmp001: it broke {text}"],
    )  # fmt: skip


def page(data: dict[str, Any]) -> Page:
    return Page(_report_files.render(data)["html"])


# -- data ---------------------------------------------------------------------------------------------------------


def test_the_json_gives_the_same_pages_again() -> None:
    data = whole(text=EVIL)
    first = _report_files.render(data)
    again = json.loads(first["json"])
    assert again == data
    assert _report_files.render(again) == first


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"verdict": "perhaps"}, "report.verdict is 'perhaps'; wanted is one of ready, blocked, nothing_to_do."),
        ({"run_id": None}, "report.run_id is None; wanted is a text."),
        ({"findings": [found("fatal")]}, "report.findings[0].severity is 'fatal'; wanted is one of blocker, warning, note."),
        ({"findings": [{"id": "x"}]}, "report.findings[0] has no 'message'. Found there: 'id'."),
        ({"spoken": [{**spoken("n1"), "api": "v1"}]}, "report.spoken[0].api is 'v1'; wanted is a list."),
        ({"timeline": [{**phases("n1", 0.0)[0], "ended": "now"}]}, "report.timeline[0].ended is 'now'; wanted is a number."),
        ({"audit": {"findings": [{"id": "x", "severity": "note"}]}}, "report.audit.findings[0] has no 'count'. "
         "Found there: 'id', 'severity'."),
    ],
)  # fmt: skip
def test_data_that_is_not_whole_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(GlanceError) as caught:
        _report_files.render(report(**more))
    assert caught.value.message == message


def arguments(**more: Any) -> dict[str, Any]:
    part = {"name": "nova", "drain": None, "restart": ["nova-compute"], "retire": [], "files": [
        {"path": "/etc/nova/nova.conf", "before": "0" * 64, "options": [
            {"section": "glance", "option": "use_glance_v1", "state": "absent"},
            {"section": "DEFAULT", "option": "transport_url", "value": "rabbit://u:hidden@r"}]}]}  # fmt: skip
    plan = {
        "run_id": "R-1", "run_started": "2026-11-21T09:56:09Z", "verdict": "blocked", "spoken": [spoken("n1", "v1")],
        "findings": [found("blocker", accept=True), found("blocker", id="other", accept=False)],
        "steps": [{"name": "nova", "title": "Nova speaks v2", "hosts": ["n1"]}], "catalogue": [],
        "hosts": {"n1": {"steps": [part]}},
    }  # fmt: skip
    base = {"name": "preflight", "title": "", "plan": plan, "hosts": {"nova": ["n1", "n2"], "glance_api": ["n2"]},
            "after": {}, "audit": {}, "round_trip": {}, "outcome": "", "failed": False, "rollback": "", "permanent": [],
            "troubles": []}  # fmt: skip
    return {**base, **more}


def test_what_is_gathered() -> None:
    diff = {"before_header": "/etc/x", "after_header": "/etc/x", "before": "a\nb\n", "after": "a\nc\n"}
    variables = {
        "n1": {"glance_flip_survey": {"services": {}, "addresses": ["10.0.0.1", "fd00::1"]}, "glance_flip_prepared": {"diff": [diff]},
               "glance_flip_phases": [{"step": "nova", "phase": "drain", "started": 1, "ended": 2.5, "ok": True}],
               "glance_flip_callers": {"changed": False, "callers": [{"client": "fd00::1"}, {"client": "10.0.0.7"}]}},
        "n2": {"glance_flip_survey": {"failed": True, "msg": "Gone."}, "glance_flip_callers": {"skipped": True}},
    }  # fmt: skip
    data = _report.build(arguments(), variables, "2026-11-21T10:00:00Z")
    assert data["hosts"] == [
        {"name": "n1", "groups": ["nova"], "reached": True, "trouble": None},
        {"name": "n2", "groups": ["nova", "glance_api"], "reached": False, "trouble": "Gone."},
    ]
    assert data["title"] == "Preflight: the Images API from v1 to v2" and data["ended"] is None
    overrides = [each["override"] for each in data["findings"]]
    assert overrides == ['-e \'{"glance_flip_accept": ["some_finding"]}\'', None]
    assert data["diffs"] == [{"host": "n1", "file": "/etc/x", "diff": "@@ -1,2 +1,2 @@\n a\n-b\n+c"}]
    assert data["timeline"] == [
        {"host": "n1", "step": "nova", "phase": "drain", "started": 1, "ended": 2.5, "ok": True}
    ]
    callers = [{"client": "fd00::1", "name": "n1"}, {"client": "10.0.0.7", "name": None}]
    assert data["callers"] == [{"host": "n1", "callers": callers}]
    assert data["audit"] is None and data["round_trip"] is None
    assert "hidden" not in json.dumps(data)
    assert _report_files.render(data)


def test_results_that_failed_are_told() -> None:
    data = _report.build(
        arguments(
            audit={"failed": True, "msg": "No database."},
            round_trip={"failed": True, "msg": "Broke.", "ran": True, "endpoints": [{"url": "u", "ok": False}]},
            outcome="undone",
            failed=True,
        ),
        {},
        "2026-11-21T10:00:00Z",
    )
    assert data["audit"] == {"error": "No database."} and data["ended"] == "2026-11-21T10:00:00Z"
    assert data["round_trip"]["endpoints"] == [{"url": "u", "ok": False}]
    said = page(data).said
    assert "The images could not be audited: No database." in said and "Undone" in said and "Failed" in said


# -- the page -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hosts", [1, 4, 40])
@pytest.mark.parametrize("text", ["", EVIL, "x" * 400, "مضيف ", "\ud800 lone"], ids=["", "evil", "long", "rtl", "lone"])
def test_the_page_is_well_formed_and_needs_nothing_else(hosts: int, text: str) -> None:
    forms = _report_files.render(whole(hosts, text))
    made = Page(forms["html"])
    assert not {"script", "img", "link", "iframe", "object", "base"} & set(made.tags)
    assert all(link.startswith("#") and link[1:] in made.ids for link in made.links)
    assert len(made.ids) == len(set(made.ids))
    assert "url(" not in forms["html"] and "@import" not in forms["html"]
    assert "default-src 'none'; style-src 'unsafe-inline'" in forms["html"]
    levels = [int(tag[1]) for tag in made.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(low - high <= 1 for high, low in zip(levels, levels[1:], strict=False))
    forms["html"].encode()
    forms["markdown"].encode()


def test_text_from_the_cloud_is_shown_and_not_obeyed() -> None:
    forms = _report_files.render(whole(text=EVIL))
    assert "<script" not in forms["html"] and "49" not in Page(forms["html"]).said.replace("549", "")
    assert "{{ 7 * 7 }}" in Page(forms["html"]).said
    for form in ("html", "markdown"):
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", forms[form])
    assert "<script" not in re.sub("`+[^`]*`+", "", forms["markdown"]).replace("```", "")


def test_the_markdown_keeps_its_tables() -> None:
    text = _report_files.render(whole(text=EVIL))["markdown"]
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) >= 6
    for rows in tables:
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in rows.splitlines()}
        assert len(cells) == 1, rows


def test_numbers_of_the_page() -> None:
    view = _report_view.view(whole(4))
    assert view.counts == {"blocker": 2, "warning": 4, "note": 4}
    assert [group.id for group in view.blockers] == ["some_finding", "other"]
    assert [(bar.label, bar.number, bar.length) for bar in view.audit] == [("case", "30", 100.0), ("other", "4", 13.33)]
    assert [(bar.label, bar.length) for bar in view.owners] == [("o", 100.0), ("no owner", 13.33)]
    assert view.callers is not None and (view.callers.v1, view.callers.v2) == (6, 2000)
    assert [(row.client, row.v1, row.v2, row.hosts.shown) for row in view.callers.callers] == [
        ("10.0.0.1", 6, 8, "cmp001, cmp002")
    ]
    assert view.timeline is not None and view.timeline.took == "10 s"
    assert [track.table[0] for track in view.timeline.tracks] == [
        ("cmp001", ["2.0 s", "500 ms", "3.0 s", "4.5 s"], "10 s", True)
    ]
    assert [(row.before, row.after, row.hosts.total) for row in view.services] == [(("v1",), ("v2",), 4)]
    assert [(bar.label, bar.number) for bar in view.trips[0][1]] == [("create", "431 ms"), ("upload", "1.1 s")]
    assert view.diffs[0].added == view.diffs[0].removed == 1 and view.diffs[0].hosts.total == 4


def test_the_verdict_stands_on_top() -> None:
    assert page(report()).said.startswith("Ready")
    blocked = report(verdict="blocked", findings=[found("blocker"), found("blocker", id="b", override=None)])
    assert page(blocked).said.startswith("Blocked by 2 findings")
    assert page(report(verdict="nothing_to_do")).said.startswith("Nothing to do")
    ended = page(report(outcome="done", rollback="ansible-playbook back -e glance_flip_run=R-1")).said
    assert ended.startswith("Done") and "ansible-playbook back -e glance_flip_run=R-1" in ended


def test_each_blocker_names_what_overrides_it() -> None:
    accept = {name: _report.accepting([name]) for name in ("a", "b")}
    found_ = [found("blocker", id=name, override=text) for name, text in accept.items()]
    said = page(report(verdict="blocked", findings=[*found_, found("blocker", id="c", override=None)])).said
    assert all(text in said for text in accept.values()) and said.count("cannot be overridden") == 1
    assert """-e '{"glance_flip_accept": ["a", "b"]}'""" in said


def test_sections_without_data_vanish_or_say_why() -> None:
    made = page(report())
    assert [made.ids, made.tags.count("section")] == [["main", "findings"], 1]
    assert "None: nothing was found" in made.said
    assert "Nothing: everything is as it should be." in page(report(verdict="nothing_to_do")).said
    nobody = page(
        report(callers=[{"host": "g1", "versions": {"v2": 7}, "callers": [], "error": "gzip ends too early"}])
    )
    assert "Nobody, as far as the logs reach" in nobody.said and "gzip ends too early" in nobody.said
    clean = page(
        report(audit={"images": 8000, "count": 0, "findings": [], "way": "api", "cannot_see": ["member-pending"]})
    )
    assert "8,000 images looked at through the API. None would be treated differently." in clean.said
    assert "member-pending" in clean.said


def test_what_the_logs_tell_and_what_they_do_not() -> None:
    caller = {
        "client": "10.0.0.1",
        "user_agent": None,
        "via": "10.0.0.9",
        "requests": {"v1": 5},
        "first": None,
        "last": None,
    }
    log = {
        "host": "g1", "span": {"from": "2026-11-14T06:00:00Z", "to": "2026-11-21T06:00:00Z"}, "covered_days": 6.94,
        "covered": [{}, {}], "judged_by": "proxy", "versions": {"v1": 5}, "callers": [caller], "truncated": True,
        "troubles": ["journal of glance-api holds no requests"],
    }  # fmt: skip
    unread = {"host": "g2", "error": "No log was found."}
    view = _report_view.view(report(callers=[log, unread])).callers
    assert view is not None and (view.v1, view.v2, view.callers[0].told) == (5, None, ["through 10.0.0.9"])
    assert [(span.text, span.troubles) for span in view.spans] == [
        (
            "2026-11-14 06:00:00 UTC to 2026-11-21 06:00:00 UTC, 6.9 days covered in 2 stretches, by the balancer's logs",
            [
                "journal of glance-api holds no requests",
                "More clients asked than are kept one by one; the sums hold all.",
            ],
        ),
        ("no time covered", ["No log was found."]),
    ]
    assert "5 requests for v1 by 1 client, in the access logs." in page(report(callers=[log, unread])).said


def test_a_heat_map_says_who_may_do_what_and_what_changes() -> None:
    shown = page(report(policy=[heat(["glance1", "glance2"])]))
    assert "Glance 25 to Glance 26" in shown.said and "glance1, glance2" in shown.said
    assert "Of 18 decisions, 1 are gained and 1 lost, 1 of them undeclared." in shown.said
    # 2 of 3 left and one lost; one gained and one not decided. What one release alone has is nobody's gain or loss.
    assert "publicize_image2−11+1" in shown.said and "get_task goesall·" in shown.said
    assert "cache_list newall·" in shown.said
    assert "undeclared" in shown.said and "26-scope accepted 1 decision" in shown.said
    lines = _report_files.render(report(policy=[heat(["glance1"])]))["markdown"]
    assert "| `publicize_image` | 2 −1 | 1 +1 |" in lines


def test_changes_of_many_rules_are_drawn_under_what_they_are_about() -> None:
    few, many = (_report_view.view(report(policy=[heat(["g"], rules=rules)])).heats[0] for rules in (3, 30))
    assert len(few.together) == 3 and few.open == []
    assert many.together == [] and many.open == ["Images"]


def test_a_policy_without_changes_unfolds_what_comes_first() -> None:
    data = heat(["g"])
    data["rules"] = [{"name": name, "before": ["+++"] * 2, "after": ["+++"] * 2} for name in ("add_task", "get_image")]
    data["changes"] = []
    shown = _report_view.view(report(policy=[data])).heats[0]
    assert shown.open == ["Images"] and [family.title for family in shown.families] == ["Images", "Tasks"]
    assert "12 decisions, none of which changes." in page(report(policy=[data])).said


def test_what_becomes_of_whole_files_is_told() -> None:
    policy = {"name": "policy", "drain": {"file": "x"}, "restart": [], "restart_back": ["glance-api"], "retire": [], "files": [
        {"path": "/etc/glance/policy.yaml", "before": "0" * 64, "content": "secret text", "like": None},
        {"path": "/etc/glance/new.yaml", "before": "", "content": "secret text"},
        {"path": "/etc/glance/policy.json", "before": "0" * 64, "content": None}]}  # fmt: skip
    given = arguments()
    given["plan"]["hosts"] = {"n1": {"steps": [policy, {}]}}
    given["plan"]["steps"] = [{"name": "policy", "title": "Policy", "hosts": ["n1"]}]
    data = _report.build(given, {}, "2026-11-21T10:00:00Z")
    lines = _report_view.view(data).steps[0].changes[0].lines
    assert [(what, text) for what, _object, text in lines] == [
        ("file", "rewritten; Glance reads it again by itself"),
        ("file", "made"),
        ("file", "taken away"),
        ("restart", "only on the way back, for a rule that is gone counts until then"),
    ]
    assert "secret text" not in json.dumps(data)


def test_commands_of_the_database_and_units_that_are_started_are_told() -> None:
    parts = [
        {"name": "database_sync", "restart": [], "retire": [], "files": [], "database": {"verb": "sync"}},
        {"name": "glance_release", "restart": [], "start": ["glance-api"], "retire": [], "files": []},
    ]
    given = arguments()
    given["plan"]["hosts"] = {"n1": {"steps": parts}}
    given["plan"]["steps"] = [{"name": part["name"], "title": "it is so", "hosts": ["n1"]} for part in parts]
    steps = _report_view.view(_report.build(given, {}, "2026-11-21T10:00:00Z")).steps
    assert [step.changes[0].lines for step in steps] == [
        (("database", "glance-manage db sync", ""),),
        (("start", "glance-api", ""),),
    ]


def test_three_hundred_hosts_read_as_a_few_lines() -> None:
    data = whole(300)
    # Else every host has a finding that names it, and is a line of its own.
    data["findings"] = [found(host=f"cmp{number:03}") for number in range(1, 301)]
    forms = _report_files.render(data)
    view = _report_view.view(data)
    assert [row.hosts.shown for row in view.hosts] == ["lost", "cmp001–300"]
    assert [row.hosts.shown for row in view.findings["warning"][0].rows] == ["cmp001–300"]
    assert view.timeline is not None
    assert [lane.hosts.shown for lane in view.timeline.tracks[0].lanes[:2]] == ["cmp001–010", "cmp011–020"]
    assert len(view.timeline.tracks[0].lanes) == 30
    assert len(forms["html"]) < 400_000


# -- files --------------------------------------------------------------------------------------------------------


def test_files_are_the_owners_alone(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "reports" / "R-1"
    (tmp_path / "open").mkdir(mode=0o755)
    paths = _report_files.write(str(directory), "preflight", {"html": "x", "json": "{}"})
    assert paths == {"html": str(directory / "preflight.html"), "json": str(directory / "preflight.json")}
    for path, mode in ((directory.parent, 0o700), (directory, 0o700), (directory / "preflight.html", 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
    _report_files.write(str(tmp_path / "open"), "preflight", {"html": "x"})
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o755


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../up", "nul\0"])
def test_a_name_that_is_a_path_is_refused(tmp_path: pathlib.Path, name: str) -> None:
    with pytest.raises(GlanceError, match="wanted is a file's name"):
        _report_files.write(str(tmp_path), name, {"html": "x"})
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GlanceError) as caught:
        _report_files.write(str(tmp_path / "file" / "R-1"), "preflight", {"html": "x"})
    assert f"{tmp_path}/file" in caught.value.message and "glance_flip_report_dir" in caught.value.message


def test_a_full_disk_leaves_the_old_report(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _report_files.write(str(tmp_path), "preflight", {"html": "old"})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GlanceError, match="preflight.html: No space left on device. Free some space, and run again"):
        _report_files.write(str(tmp_path), "preflight", {"html": "new"})
    assert [path.name for path in tmp_path.iterdir()] == ["preflight.html"]
    assert (tmp_path / "preflight.html").read_text() == "old"
