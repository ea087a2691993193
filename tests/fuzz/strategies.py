# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nasty configuration files, schemas and edits.

Mostly well-formed, so that most sets get as far as types and substitution; every kind of trouble turns up often enough.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

GROUPS = ["DEFAULT", "glance", "Mixed", "two_words", "é"]
NAMES = ["a", "b", "use_glance_v1", "my-dash", "Caps", "c"]
SECTIONS = [*GROUPS, "Glance", "GLANCE", "default", "mixed", "É", " glance", "glance ", "x]y", "other"]
KEYS = [
    *NAMES, "my_dash", "A", "use-glance-v1", "old", "older-name", "older_name", "b\u00a0", "\u2003a", "a\x1c",
    "a.b", '"a"', "é",
]  # fmt: skip

PLAIN = ["true", "False", "YES", "off", "1", "0", "-5", "80", "abc", "a,b", "k:v", "http", "https", "1.5", ""]
NUMBERS = [
    "+7", "007", "1_000", "1__0", "_1", "12L", "0x10", "٣", "1e3", "1E-3", "nan", "-inf", "infinity", ".5", "5.",
    ".", "5._1", "1_0.2_5e1_0", "99999999999999999999", "- 1", "0.1234567890123456", "1e22", "70000", "65535",
]  # fmt: skip
LISTS = [
    "a,b,", ",", ",,", "a,,b", " a , b ", '"a,b",c', "'a,b", "[a,b]", "[a,b", "[1,2],", "1,x,2", "true,no", "[",
    "]", "1,",
]  # fmt: skip
DICTS = [
    "k:v,k2:v2", "k:v,k:w", ":v", "k", "k:v,w", "k: v : w", "{k:1}", "{k:1", "k:1,j:2", "k:x,1", "k:", "{}", "k:v,",
]  # fmt: skip
QUOTED = ['"q"', "'q'", '"', "'", '""', '"x', "x'", "\"'", '" sp "', '""q""', '"a" b "c"', "'\"'"]
REFERENCES = [
    "$a", "${b}", "$use_glance_v1", "$glance.a", "${glance.b}", "$my_dash", "$$", "\\$a", "\\\\$a", "$", "${",
    "${}", "$a.b.c", "$glance", "$nope", "${nope", "$DEFAULT.a", "$Mixed.c", "$mixed.c", "$old", "$older_name",
    "$glance.old", "$A", "$Caps", "$two_words.c", "$\u017fx", "$c\u0130", "$1", "$a$b", "${a}x", "$é.a", "$c",
    "$$a", "$_", "x$a", "\\$$a", "$$$a",
]  # fmt: skip
HOSTS = [
    "1.2.3.4", "1.2.3", "::1", "fe80::1%lo", "256.1.1.1", "host.example", "host_x", "-host", "a..b", "host.", "123",
    "h\u212a", "01.2.3.4",
]  # fmt: skip
ODD = [
    "é", "\u00a0x\u00a0", "\u2003", "x\u2028y", "\x1c", "a\x85", "\x0cx", "\x0b", "\x00", "\u017f", "\u212a",
    "O\u0130", "=", ":", "a=b", " # no comment", "; none", "%(a)s", "[x]", "\\n", "tr\u00fce", "\ufeff",
    "\U0001f600", "ON\u00a0", "\x7f", "it's", "\u0660\u0661", "²",
]  # fmt: skip
VALUES = PLAIN * 4 + NUMBERS + LISTS + DICTS + QUOTED + REFERENCES * 2 + HOSTS + ODD

value = st.one_of(
    st.sampled_from(VALUES),
    st.sampled_from(VALUES),
    st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES)).map("".join),
    st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=6),
)
delimiter = st.sampled_from([" = ", "=", " = ", ":", ": ", "\t=\t", " =", "= ", " =\u00a0", " : ", "==", "=:"])
key = st.sampled_from(NAMES * 4 + KEYS)

assignment = st.builds(lambda name, sign, text: [name + sign + text], key, delimiter, value)
continued = st.builds(
    lambda name, sign, text, indent, more: [name + sign + text, *(indent + line for line in more)],
    key,
    delimiter,
    value,
    st.sampled_from([" ", "\t", "    ", " \t"]),
    st.lists(value.filter(str.strip), min_size=1, max_size=2),
)
header = st.sampled_from(["[%s]" % name for name in [*GROUPS * 4, *SECTIONS]]).map(lambda line: [line])
filler = st.sampled_from(
    ["", "# comment", "; other", "#a = 1", "#use_glance_v1 = false", "# b = prose", "   ", "\t", "#", "", ""]
).map(lambda line: [line])
TROUBLE = [
    "[", "[]", "[x", "[x] # y", "no sign", "=", ": x", "  stray", " ", "\u00a0= 1", "\x1c", "[ ]", "]", "\u2003x=1",
    "\x0ca=1", "\ufeff", "a", "\x85", "#\x0b",
]  # fmt: skip
trouble = st.sampled_from(TROUBLE).map(lambda line: [line])

line = st.integers(0, 19).flatmap(
    lambda number: assignment if number < 12 else header if number < 15 else continued if number < 17 else filler
)
newline = st.sampled_from(["\n"] * 12 + ["\r\n"] * 5 + ["\r"])


@st.composite
def content(draw: Any, most: int = 8) -> bytes:
    """The bytes of a file."""
    style = draw(st.integers(0, 199))
    lines = [] if style % 40 == 0 else [draw(header)]
    lines += draw(st.lists(line, max_size=most))
    if style % 20 == 5:
        lines.insert(draw(st.integers(0, len(lines))), draw(trouble))
    end = draw(newline)
    text = end.join(part for parts in lines for part in parts)
    if style % 7:
        text += end
    if style % 25 == 1:  # a lone CR, or mixed ends, somewhere
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(["\r", "\r\n", "\n"])) + text[at:]
    data = text.encode("utf-8", "surrogatepass")
    if style == 50:
        data = b"\xef\xbb\xbf" + data
    elif style in (51, 52, 53):  # another encoding, or rubbish
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.sampled_from([b"\xe9", b"\xff\xfe", b"\xc3", b"\xed\xb2\x80"])) + data[at:]
    return data


TYPES: list[dict[str, Any]] = [
    {"type": "string"}, {"type": "string", "default": "x$b"}, {"type": "string", "default": "$glance.c"},
    {"type": "string", "choices": ["http", "https", "é"]},
    {"type": "string", "choices": ["ABC", "Http"], "ignore_case": True}, {"type": "string", "quotes": True},
    {"type": "string", "max_length": 3}, {"type": "string", "regex": "^[a-z.]+$", "ignore_case": True},
    {"type": "string", "regex": r"^\w*$"}, {"type": "boolean", "default": False}, {"type": "boolean"},
    {"type": "boolean", "default": "$a"}, {"type": "integer"},
    {"type": "integer", "min": 0, "max": 100, "default": 5}, {"type": "integer", "choices": [1, 80, 7]},
    {"type": "float"}, {"type": "float", "min": -1, "max": 2000.5, "default": 0.25}, {"type": "port"},
    {"type": "port", "min": 1, "default": 9292}, {"type": "list"}, {"type": "list", "default": ["$a", "y"]},
    {"type": "list", "item_type": "integer"}, {"type": "list", "bounds": True},
    {"type": "list", "item_type": {"type": "string", "quotes": True}},
    {"type": "list", "item_type": "boolean", "bounds": True},
    {"type": "list", "item_type": {"type": "list", "bounds": True}}, {"type": "dict"},
    {"type": "dict", "default": {"k": "$b"}}, {"type": "dict", "item_type": "integer"},
    {"type": "dict", "bounds": True}, {"type": "dict", "item_type": {"type": "string", "quotes": True}},
    {"type": "dict", "item_type": {"type": "list", "bounds": True}}, {"type": "multistring"},
    {"type": "multistring", "default": ["$c", "z"]}, {"type": "multi", "item_type": "integer"},
    {"type": "multi", "item_type": "list"}, {"type": "ip"}, {"type": "ip", "ip_version": 4}, {"type": "hostname"},
    {"type": "hostaddress", "default": "127.0.0.1"}, {"type": "hostaddress", "ip_version": 6},
]  # fmt: skip
TYPES += [
    {"type": "boolean"}, {"type": "boolean", "default": True}, {"type": "string"}, {"type": "integer"},
    {"type": "list"}, {"type": "multistring"},
]  # fmt: skip
DEPRECATED: list[list[str]] = [[]] * 8 + [
    ["DEFAULT/old"],
    ["glance/old"],
    ["glance/older-name"],
    ["DEFAULT/older-name", "glance/old"],
    ["Mixed/a"],
    ["DEFAULT/b", "glance/c"],
    ["two_words/A"],
]

option = st.builds(
    lambda group, name, kind, deprecated: dict(
        kind, group=group, name=name, **({"deprecated": deprecated} if deprecated else {})
    ),
    st.sampled_from(["DEFAULT", "glance", *GROUPS]),
    st.sampled_from(NAMES),
    st.sampled_from(TYPES),
    st.sampled_from(DEPRECATED),
)
schema = st.lists(
    option, min_size=2, max_size=6, unique_by=lambda spec: (spec["group"], spec["name"].replace("-", "_"))
)

PATHS = [
    "named.conf", "second.conf", "dir/20-b.conf", "dir/10-a.conf", "dir/.hidden.conf", "dir/notes.txt",
    "dir2/x.conf", ".proj/proj.conf", ".proj/prog.conf", "prog.conf", "proj.conf", "proj.conf.d/p.conf",
    ".proj/prog.conf.d/q.conf",
]  # fmt: skip
ARGUMENTS = [
    ["--config-file", "ROOT/named.conf"], ["--config-file=ROOT/named.conf", "--config-dir=ROOT/dir"],
    ["--config-dir", "ROOT/dir", "--config-file", "ROOT/named.conf"], ["--config-dir", "ROOT/dir"], [],
    ["--config-file", "ROOT/second.conf", "--config-dir", "ROOT/dir", "--config-file", "ROOT/named.conf"],
    ["--config-file", "~/named.conf", "--config-file", "ROOT/named.conf"],
    ["--config-dir=ROOT/dir2", "--config-dir=ROOT/dir"],
    ["--config-file", "ROOT/named.conf", "--config-file", "ROOT/second.conf"],
]  # fmt: skip
variable = st.tuples(
    st.sampled_from(["DEFAULT", "GLANCE", "MIXED", "TWO_WORDS", "É"]),
    st.sampled_from(["A", "B", "USE_GLANCE_V1", "MY_DASH", "CAPS", "OLD"]),
)
environment = st.one_of(
    st.just({}),
    st.just({}),
    st.dictionaries(
        variable.map(lambda pair: "OS_%s__%s" % pair),
        value.filter(lambda text: "\x00" not in text and text.isprintable()),
        max_size=2,
    ),
)


@st.composite
def file_sets(draw: Any) -> dict[str, Any]:
    """What a service reads, with its schema, command line and environment. Every file named in ``arguments`` is there, as a rule."""
    arguments = draw(st.sampled_from(ARGUMENTS))
    named = [
        argument.split("=")[-1].replace("ROOT/", "").replace("~/", "")
        for argument in arguments
        if not argument.startswith("--") or "=" in argument
    ]
    paths = [path for path in PATHS if any(path == name or path.startswith(name + "/") for name in named)]
    if draw(st.booleans()):  # a directory need not hold all of them
        paths = [path for path in paths if path != "dir/10-a.conf"]
    if not arguments or draw(st.integers(0, 5)) == 0:
        paths += [path for path in draw(st.lists(st.sampled_from(PATHS), max_size=3, unique=True)) if path not in paths]
    if paths and draw(st.integers(0, 60)) == 0:
        paths = paths[1:]
    return {
        "files": {path: draw(content(6 if len(paths) > 1 else 12)) for path in paths},
        "arguments": arguments,
        "schema": draw(schema),
        "environ": draw(environment),
    }


new_value = st.one_of(
    st.sampled_from(VALUES),
    st.text(max_size=8),
    st.lists(st.sampled_from(VALUES), min_size=2, max_size=3).map("\n".join),
    st.sampled_from(
        [
            " lead",
            "trail ",
            "\nx",
            "x\n",
            "a\r\nb",
            "a\rb",
            "a\n b",
            "a\n\nb",
            '"',
            "'",
            '"a"',
            "\u00a0",
            "a\nb=c",
            "a\n[x]",
            "a\n#b",
            "\ud800",
        ]
    ),
)
new_option = st.builds(
    lambda section, name, how, one, several: {
        "section": section,
        "option": name,
        **({"state": "absent"} if how < 2 else {"value": one} if how < 8 else {"values": several}),
    },
    st.sampled_from([*GROUPS * 3, *SECTIONS, "brand_new"]),
    st.sampled_from(NAMES * 4 + ["new", "new2", "a.b", "é", " a", "a=b", "#a"]),
    st.integers(0, 9),
    new_value,
    st.lists(new_value, min_size=1, max_size=3),
)
edits = st.tuples(
    content(12), st.lists(new_option, min_size=1, max_size=4, unique_by=lambda item: (item["section"], item["option"]))
)
