# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reader, resolver and editor of oslo.config files; tests/fuzz compares the same code with oslo.config itself."""

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _oslo_ini as ini
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def raws(text, dialect=ini.NEWEST):
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    return [(entry.group, entry.option, entry.raw) for entry in ini.parse(data, "f", dialect).entries]


def values(*triples):
    return [
        {"group": group, "option": option, "raw": raw, "file": "f", "line": line}
        for line, (group, option, raw) in enumerate(triples, 1)
    ]


def resolve(triples, option, **kwargs):
    answer = ini.resolve(values(*triples), dict({"group": "g", "name": "a", "type": "string"}, **option), **kwargs)
    return answer["effective"] if answer["status"] != "refused" else "REFUSED"


# -- parse


@pytest.mark.parametrize(
    "text, expected",
    [
        ("[g]\na=1", [("g", "a", "1")]),
        ("[g]\na : 1\r\nb=x:y\n", [("g", "a", "1"), ("g", "b", "x:y")]),
        ("[G]\nA = 1\na-b = 2", [("g", "A", "1"), ("g", "a-b", "2")]),
        ("[DEFAULT]\na=1\n[default]\na=2", [("DEFAULT", "a", "1"), ("default", "a", "2")]),
        ("[ g ]\na=1", [(" g ", "a", "1")]),
        ("[g]\na = 1\n  2\n\t# 3\nb=", [("g", "a", "1\n2\n# 3"), ("g", "b", "")]),
        ("[g]\na =\n  1", [("g", "a", "\n1")]),
        (
            '[g]\na = " x "\nb = \'"\'\nc = "x\n  y"\nd = "',
            [("g", "a", " x "), ("g", "b", '"'), ("g", "c", '"x\ny"'), ("g", "d", "")],
        ),
        ("[g]\na = 1 # no comment\n; one\n", [("g", "a", "1 # no comment")]),
        ("[g]\na=1\n[h]\n[g]\na=2", [("g", "a", "1"), ("g", "a", "2")]),
    ],
)
def test_parse(text, expected):
    assert raws(text) == expected
    assert raws(text, ini.PIKE) == expected


@pytest.mark.parametrize(
    "text, line",
    [
        ("a=1\n[g]\n", 1),
        ("\n[g\n", 2),
        ("[]\n", 1),
        ("[g] # x\n", 1),
        ("[g]\nx\n", 2),
        ("[g]\n= 1\n", 2),
        ("[g]\n  x\n", 2),
        ("[g]\na=1\n\n  2\n", 4),
        ("[g]\na=1\n#\n  2\n", 4),
        ("\ufeff[g]\na=1\n", 1),
    ],
)
def test_refused_files(text, line):
    for dialect in (ini.NEWEST, ini.PIKE):
        with pytest.raises(GlanceError) as caught:
            raws(text, dialect)
        assert caught.value.message.startswith("f:%d: " % line)
        assert caught.value.details == {"path": "f", "line": line}


def test_python_2_reads_bytes():
    latin = b"[g]\n# caf\xe9\n[\xc9]\nA\xa0=\xa01"
    with pytest.raises(GlanceError, match="f:2: .* 0xe9 is not UTF-8"):
        raws(latin)
    assert [option for _group, option, _raw in raws(latin, ini.PIKE)] == ["A\udca0"]
    assert raws(b"[g]\na=1\rb=2") == [("g", "a", "1"), ("g", "b", "2")]
    assert raws(b"[g]\na=1\rb=2", ini.PIKE) == [("g", "a", "1\rb=2")]
    assert raws("[\xc9]\na=\xa01") == [("\xe9", "a", "1")]
    assert raws("[\xc9]\na=\xa01", ini.PIKE) == [("\xc9", "a", "\xa01")]


def test_dialects():
    assert ini.dialect("newest") is ini.NEWEST
    assert ini.dialect("pike") is ini.PIKE
    assert ini.dialect("4.11.2/python2.7").bytes
    assert not ini.dialect("4.11.2").environment
    assert ini.dialect("8.0.1").environment
    assert ini.dialect("6.0.0.0rc1").trailing_commas
    with pytest.raises(GlanceError, match="no oslo.config dialect queens"):
        ini.dialect("queens")


# -- resolve


@pytest.mark.parametrize(
    "raw, option, newest, pike",
    [
        ("x", {}, "x", "x"),
        ("YES", {"type": "boolean"}, True, True),
        ("maybe", {"type": "boolean"}, "REFUSED", "REFUSED"),
        ("", {"type": "boolean"}, "REFUSED", "REFUSED"),
        ("", {"type": "integer"}, None, None),
        ("1_000", {"type": "integer"}, 1000, "REFUSED"),
        ("\u0661", {"type": "integer"}, 1, "REFUSED"),
        ("- 1", {"type": "integer"}, "REFUSED", -1),
        ("1.2.3.4\0", {"type": "ip"}, "REFUSED", "REFUSED"),
        ("9", {"type": "integer", "min": 10}, "REFUSED", "REFUSED"),
        ("11", {"type": "integer", "max": 10}, "REFUSED", "REFUSED"),
        ("3", {"type": "integer", "choices": [1, 2]}, "REFUSED", "REFUSED"),
        ("1.5", {"type": "integer"}, "REFUSED", "REFUSED"),
        ("1e3", {"type": "float"}, 1000.0, 1000.0),
        ("65536", {"type": "port"}, "REFUSED", "REFUSED"),
        ("a,b,", {"type": "list"}, ["a", "b"], ["a", "b", ""]),
        ("[1,2]", {"type": "list", "bounds": True, "item_type": "integer"}, [1, 2], [1, 2]),
        ('"a,b",c', {"type": "list", "item_type": {"type": "string", "quotes": True}}, ["a,b", "c"], ["a,b", "c"]),
        ('"', {"quotes": True}, "REFUSED", ""),
        ("a:1,b:x:y", {"type": "dict"}, {"a": "1", "b": "x:y"}, {"a": "1", "b": "x:y"}),
        ("a:1,a:2", {"type": "dict"}, "REFUSED", "REFUSED"),
        ("ftp", {"choices": ["http", "https"]}, "REFUSED", "REFUSED"),
        ("HTTP", {"choices": ["http", "https"], "ignore_case": True}, "HTTP", "HTTP"),
        ("\xe9\xe9", {"max_length": 3}, "\xe9\xe9", "REFUSED"),
        ("fe80::1", {"type": "ip", "ip_version": 4}, "REFUSED", "REFUSED"),
        ("node-1.example.", {"type": "hostaddress"}, "node-1.example", "node-1.example"),
    ],
)
def test_types(raw, option, newest, pike):
    assert resolve([("g", "a", raw)], option) == newest
    assert resolve([("g", "a", raw)], option, dialect=ini.PIKE) == pike


def test_an_unknown_type_is_named():
    with pytest.raises(GlanceError, match="The type uri of option a is not known"):
        resolve([("g", "a", "x")], {"type": "uri"})


@pytest.mark.parametrize(
    "raw, expected",
    [
        ("$b", "True"),
        ("${b}!", "True!"),
        ("$DEFAULT.b", "REFUSED"),
        ("$h.n-$$b", "7-$b"),
        ("\\$b \\\\$b", "$b \\$b"),
        ("$none", ""),
        ("$list", "['x', \"it's\"]"),
        ("$ 5$", "$ 5$"),
        ("$nope", "REFUSED"),
        ("$h", "REFUSED"),
        ("$a", "REFUSED"),
        ("$old", "7"),
        ("$old_dash", "$old_dash"),
        ("${b", "${b"),
    ],
)
def test_substitution(raw, expected):
    schema = [
        {"group": "DEFAULT", "name": "b", "type": "boolean"},
        {"group": "h", "name": "n", "type": "integer", "deprecated": ["g/old"]},
        {"group": "g", "name": "none", "type": "string"},
        {"group": "g", "name": "list", "type": "list", "default": ["x", "it's"]},
        {"group": "h", "name": "with-dash", "type": "string", "deprecated": ["g/old_dash"]},
    ]
    triples = [("DEFAULT", "b", "yes"), ("h", "n", "007"), ("g", "n", "8"), ("g", "a", raw)]
    if raw == "$old":
        expected = "8"  # oslo.config looks for the new name in the old group
    assert resolve(triples, {}, schema=schema) == expected


def test_python_2_writes_numbers_and_texts_its_own_way():
    schema = [{"group": "g", "name": "f", "type": "float"}, {"group": "g", "name": "l", "type": "list"}]
    triples = [("g", "f", "0.1234567890123456"), ("g", "l", "\xe9"), ("g", "a", "$f $l")]
    assert resolve(triples, {}, schema=schema) == "0.1234567890123456 ['\xe9']"
    assert resolve(triples, {}, schema=schema, dialect=ini.PIKE) == "0.123456789012 ['\\xc3\\xa9']"


def test_the_last_file_wins_and_within_it_the_new_name():
    option = {"group": "g", "name": "a", "type": "string", "deprecated": ["DEFAULT/old-a"]}
    found = values(("g", "a", "1"), ("DEFAULT", "old_a", "2"), ("g", "a", "3"))
    for value, path in zip(found, ("one", "two", "two"), strict=True):
        value["file"] = path
    assert ini.resolve(found, option)["origin"] == "two:3"
    assert ini.resolve(found[:2], option) == {
        "effective": "2",
        "raw": "2",
        "origin": "two:2",
        "status": "set",
        "reason": "",
    }
    multi = dict(option, type="multistring")
    assert ini.resolve(found, multi)["effective"] == ["1", "2", "3"]
    assert ini.resolve(found, multi)["origin"] == "one:1, two:2, two:3"


def test_defaults():
    answer = ini.resolve([], {"group": "g", "name": "a", "type": "boolean", "default": False})
    assert answer == {"effective": False, "raw": None, "origin": None, "status": "default", "reason": ""}
    assert ini.resolve([], {"group": "g", "name": "a", "type": "boolean"})["effective"] is None


def test_the_environment_overrides_files_where_oslo_config_knows_it():
    arguments = ([("g", "a_b", "file")], {"name": "a-b"})
    environ = {"OS_G__A_B": "$$env"}
    assert resolve(*arguments, environ=environ) == "$env"
    assert resolve(*arguments, environ=environ, dialect=ini.PIKE) == "file"
    assert resolve(*arguments, environ=environ, dialect=ini.dialect("6.6.0")) == "file"
    assert (
        ini.resolve([], {"group": "g", "name": "a-b", "type": "string"}, environ)["origin"] == "environment OS_G__A_B"
    )


def test_a_refused_value_says_where_and_why():
    answer = ini.resolve(values(("g", "a", "maybe")), {"group": "g", "name": "a", "type": "boolean", "default": True})
    assert answer == {
        "effective": None,
        "raw": "maybe",
        "origin": "f:1",
        "status": "refused",
        "reason": "f:1: maybe is no boolean (true, false, yes, no, on, off, 1, 0).",
    }


@pytest.mark.parametrize("text", ["a", "$a", "\\$a", "$$", "\\", "\\\\$", "${a}$", "$\\$"])
def test_literal(text):
    assert resolve([("g", "a", ini.literal(text))], {}) == text


# -- find and load


def test_load(tmp_path):
    directory = tmp_path / "conf.d"
    directory.mkdir()
    (tmp_path / "a.conf").write_bytes(b"[g]\na=1\n")
    (directory / "20.conf").write_bytes(b"[g]\na=3\n")
    (directory / "10.conf").write_bytes(b"\n[G]\na=2\n")
    (directory / ".30.conf").write_bytes(b"rubbish")
    found = ini.load([str(tmp_path / "a.conf")], [str(directory)])
    assert found.files == [str(tmp_path / "a.conf"), str(directory / "10.conf"), str(directory / "20.conf")]
    assert found.values[1] == {"group": "g", "option": "a", "raw": "2", "file": str(directory / "10.conf"), "line": 3}
    assert ini.resolve(found.values, {"group": "g", "name": "a", "type": "integer"})["effective"] == 3
    backwards = ini.load_sources([("dir", str(directory)), ("file", str(tmp_path / "a.conf"))])
    assert ini.resolve(backwards.values, {"group": "g", "name": "a", "type": "integer"})["effective"] == 1
    for sources in ([("file", str(tmp_path / "no.conf"))], [("dir", str(tmp_path / "no.d"))]):
        with pytest.raises(GlanceError, match="does not exist"):
            ini.load_sources(sources)


def test_a_file_read_twice_counts_twice(tmp_path):
    (tmp_path / "a.conf").write_bytes(b"[g]\na=1\nold=2\n")
    found = ini.load([str(tmp_path / "a.conf")] * 2)
    option = {"group": "g", "name": "a", "type": "multistring", "deprecated": ["g/old"]}
    assert ini.resolve(found.values, option)["effective"] == ["2", "1", "2", "1"]


def test_search_and_command_line(tmp_path):
    home = tmp_path / "home"
    for name in (".nova/nova.conf", "nova-compute.conf", ".nova/nova.conf.d/x.conf"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"")
    found = [str(home / ".nova/nova.conf"), str(home / "nova-compute.conf")]
    directory = str(home / ".nova/nova.conf.d")
    assert ini.search("nova", "nova-compute", str(home)) == (found, [directory])
    assert ini.search("nova", "nova-compute", str(home), ini.dialect("3.17.0/python2")) == (found, [])
    assert ini.search(None, "nova-compute", str(home)) == (found[1:], [])
    line = ["--debug", "--config-file", "a", "--config-dir=d", "--config-file=b"]
    assert ini.command_line(line, "nova", None, str(home)) == [("file", "a"), ("dir", "d"), ("file", "b")]
    assert ini.command_line(line[:3], "nova", None, str(home)) == [("dir", directory), ("file", "a")]


# -- edit


SAMPLE = """# head
[DEFAULT]

# Whether to debug
#debug = false
# verbose = x would be prose
# (a comment)
log_file = /var/log/x   \r
multi = 1
multi = 2
multi = 3

# about glance
[glance]
#api_servers = <None>
url: $base/x
long = a
       b

[database]"""


@pytest.mark.parametrize(
    "option, old, new",
    [
        # in place: name, delimiter, line end and neighbours stay
        (
            {"section": "DEFAULT", "option": "log_file", "value": "y"},
            "log_file = /var/log/x   \r\n",
            "log_file = y\r\n",
        ),
        ({"section": "GLANCE", "option": "url", "value": "$base/y"}, "url: $base/x\n", "url: $base/y\n"),
        ({"section": "glance", "option": "long", "value": "a\nc\nd"}, "a\n       b\n", "a\n       c\n       d\n"),
        # at the commented-out default, prose only without one
        (
            {"section": "DEFAULT", "option": "debug", "value": "true"},
            "#debug = false\n",
            "#debug = false\ndebug = true\n",
        ),
        (
            {"section": "DEFAULT", "option": "verbose", "value": "1"},
            "would be prose\n",
            "would be prose\nverbose = 1\n",
        ),
        (
            {"section": "glance", "option": "api_servers", "value": "http://h"},
            "#api_servers = <None>\n",
            "#api_servers = <None>\napi_servers = http://h\n",
        ),
        # at the end of the section, before the comment of the next
        ({"section": "DEFAULT", "option": "new", "value": "1"}, "multi = 3\n", "multi = 3\nnew = 1\n"),
        ({"section": "database", "option": "new", "value": "1"}, "[database]", "[database]\nnew = 1"),
        # a new section at the end
        ({"section": "store", "option": "new", "value": "1"}, "[database]", "[database]\n\n[store]\nnew = 1"),
        # several values
        ({"section": "DEFAULT", "option": "multi", "values": ["1", "3"]}, "multi = 2\n", ""),
        (
            {"section": "DEFAULT", "option": "multi", "values": ["0", "1", "2", "3", "4"]},
            "multi = 1\nmulti = 2\nmulti = 3\n",
            "multi = 0\nmulti = 1\nmulti = 2\nmulti = 3\nmulti = 4\n",
        ),
        ({"section": "DEFAULT", "option": "multi", "value": "9"}, "multi = 1\nmulti = 2\nmulti = 3\n", "multi = 9\n"),
        # gone
        ({"section": "DEFAULT", "option": "multi", "state": "absent"}, "multi = 1\nmulti = 2\nmulti = 3\n", ""),
        ({"section": "glance", "option": "long", "state": "absent"}, "long = a\n       b\n", ""),
        ({"section": "glance", "option": "nothing", "state": "absent"}, "", ""),
        # right already
        ({"section": "glance", "option": "long", "value": "a\nb"}, "", ""),
        # quotes and white space
        ({"section": "glance", "option": "url", "value": " x "}, "$base/x", '" x "'),
        ({"section": "glance", "option": "url", "value": '"x"'}, "$base/x", "'\"x\"'"),
        ({"section": "glance", "option": "url", "value": '"x" %(y)s'}, "$base/x", '"x" %(y)s'),
        ({"section": "glance", "option": "url", "value": ""}, "url: $base/x", "url:"),
        ({"section": "glance", "option": "url", "value": "\nx"}, "url: $base/x", "url:\n    x"),
    ],
)
def test_edit(option, old, new):
    before, after = SAMPLE.encode("utf-8"), SAMPLE.replace(old, new, 1).encode("utf-8")
    assert ini.edit(before, [option], "f") == after
    assert ini.edit(after, [option], "f") == after


def test_edit_many_at_once():
    options = [{"section": "n", "option": "a-b", "value": "1"}, {"section": "N", "option": "c", "values": ["2", "3"]}]
    assert ini.edit(b"", options, "f") == b"[n]\na_b = 1\nc = 2\nc = 3\n"
    assert ini.edit(b"[x]\r\na=1\r\n", options, "f") == b"[x]\r\na=1\r\n\r\n[n]\r\na_b = 1\r\nc = 2\r\nc = 3\r\n"


def test_repeated_sections():
    before = b"[a]\nx = 1\n[b]\n[A]\nx = 2\ny = 3\n"
    assert ini.edit(before, [{"section": "a", "option": "x", "value": "2"}], "f") == b"[a]\n[b]\n[A]\nx = 2\ny = 3\n"
    assert ini.edit(before, [{"section": "a", "option": "z", "value": "4"}], "f") == before + b"z = 4\n"
    assert ini.edit(before, [{"section": "a", "option": "x", "state": "absent"}], "f") == b"[a]\n[b]\n[A]\ny = 3\n"


def test_a_misspelt_option_is_another_option():
    before = b"[glance]\nUse_Glance_V1 = true\nuse-glance-v1 = true\n"
    option = {"section": "glance", "option": "use-glance-v1"}
    assert ini.edit(before, [dict(option, value="false")], "f") == before + b"use_glance_v1 = false\n"
    assert ini.edit(before, [dict(option, state="absent")], "f") == b"[glance]\nUse_Glance_V1 = true\n"


def test_the_encoding_of_python_2_survives():
    before = b"[g]\n# caf\xe9\na = 1\n"
    assert (
        ini.edit(before, [{"section": "g", "option": "a", "value": "\xe9"}], "f") == b"[g]\n# caf\xe9\na = \xc3\xa9\n"
    )


@pytest.mark.parametrize("value", ["a\rb", "a\n\nb", "a\n b", "a\nb ", "a\n"])
def test_what_oslo_config_would_not_read_back_is_refused(value):
    with pytest.raises(GlanceError, match="cannot"):
        ini.edit(b"", [{"section": "g", "option": "a", "value": value}], "f")


@pytest.mark.parametrize(
    "section, option",
    [
        ("g", "a=b"),
        ("g", "[a"),
        ("g", "#a"),
        ("g", ""),
        ("g", " a"),
        ("", "a"),
        ("g\nh", "a"),
        ("g", "a\nb"),
    ],
)
def test_names_that_oslo_config_could_not_read_are_refused(section, option):
    with pytest.raises(GlanceError, match="no name of"):
        ini.edit(b"", [{"section": section, "option": option, "value": "x"}], "f")


def test_an_option_named_twice_is_refused():
    with pytest.raises(GlanceError, match="given twice"):
        ini.edit(b"", [{"section": section, "option": "a", "value": "x"} for section in ("g", "G")], "f")


def test_a_file_that_oslo_config_refuses_is_not_edited():
    with pytest.raises(GlanceError, match="f:1: oslo.config refuses"):
        ini.edit(b"\x7fELF\x02\x01", [{"section": "g", "option": "a", "value": "x"}], "f")


def test_lines_that_python_2_and_3_divide_differently_are_not_edited():
    with pytest.raises(GlanceError, match="on Python 2 reads g/a"):
        ini.edit(b"[g]\na = 1\rb = 2\n", [{"section": "g", "option": "b", "value": "3"}], "f")
