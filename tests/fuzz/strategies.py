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

SUITABLE = {
    "string": PLAIN + QUOTED + REFERENCES + ["http", "https", "abc", "ABC", "HTTP", "a.b", "abcd", "é"],
    "boolean": [
        "true",
        "False",
        "YES",
        "off",
        "1",
        "0",
        "on",
        "No",
        "$a",
        "$b",
        "${use_glance_v1}",
        "yes$none",
        "tru",
        "",
    ],
    "number": NUMBERS + ["1", "0", "5", "80", "100", "101", "-1", "7", "2000.5", "65536", "$a", "$c", "1$a", ""],
    "list": LISTS + ["a,b", "$a,b", "[$a,$b]", "1,2,3", "yes,no", "x", '"a", "b"', '"', "[[1],[2]]", "[a],[b,c]", ""],
    "dict": DICTS + ["a:1", "a:$b", "$a:1", "{a:1,b:2}", 'a:"x,y"', "a:[1,2]", "a:", ""],
    "host": HOSTS + ["$a", "localhost", "10.0.0.1", "a-b.c", ""],
}
KINDS = {
    "integer": "number", "float": "number", "port": "number", "ip": "host", "hostname": "host", "hostaddress": "host",
    "multistring": "string",
}  # fmt: skip

text = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=6)
value = st.one_of(
    st.sampled_from(VALUES),
    st.sampled_from(VALUES),
    st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES)).map("".join),
    text,
)
GOOD = {
    "string": ["x", "http", "abc", "$a", "$b", "${c}", "$$", "a b", "é"],
    "boolean": ["true", "False", "YES", "off", "1", "0", "On", "no"],
    "number": ["0", "1", "80", "7", "-1", "+5", " 1", "007", "100"],
    "list": ["a,b", "x", "1,2", "[1,2]", "$a,$b", "true,no", '"a,b",c', "[[1],[2,3]]", "a,b,", "1,"],
    "dict": ["a:1", "a:1,b:2", "{a:1}", "k:$b", "k: v:w", 'a:"x,y",b:z', "a:[1,2]", "a:1,", "{a:1,b:2}"],
    "host": ["10.0.0.1", "::1", "localhost", "a-b.c", "a.b."],
}
POOLS = {kind: (GOOD[kind] * 6 + pool, GOOD[kind] * 3 + pool + VALUES) for kind, pool in SUITABLE.items()}
DELIMITERS = [" = ", "=", " = ", ":", ": ", "\t=\t", " =", "= ", " =\u00a0", " : ", "==", "=:"]
INDENTS = [" ", "\t", "    ", " \t"]
FILLER = ["", "# comment", "; other", "#a = 1", "#use_glance_v1 = false", "# b = prose", "   ", "\t", "#"]
TROUBLE = [
    "[", "[]", "[x", "[x] # y", "no sign", "=", ": x", "  stray", " ", "\u00a0= 1", "\x1c", "[ ]", "]", "\u2003x=1",
    "\x0ca=1", "\ufeff", "a", "\x85", "#\x0b",
]  # fmt: skip
ENDS = ["\n"] * 12 + ["\r\n"] * 5 + ["\r"]
# Many small draws are what hypothesis spends its time with: a line is made of one draw, of six dice, as a rule.
dice = st.binary(min_size=6, max_size=6)
more = st.lists(value.filter(str.strip), min_size=1, max_size=2)


@st.composite
def section(draw: Any, options: list[dict[str, Any]]) -> list[str]:
    """The lines of a section that sets options of the schema, as a rule."""
    first, second, third, *_rest = draw(dice)
    group = options[first % len(options)]["group"]
    if second % 11 == 1:
        group = group.upper() if third % 2 else group.title()
    elif second % 11 == 2:
        group = SECTIONS[third % len(SECTIONS)]
    lines = [f"[{group}]"]
    near = [item for item in options if item["group"] == group] or options
    for _line in range(third % 4 + 1):
        lines += draw(assignment(near))
    return lines


@st.composite
def assignment(draw: Any, options: list[dict[str, Any]]) -> list[str]:
    """A line, or a few, that give an option of the schema a value that may suit it."""
    what, which, how, pool, *wide = draw(dice)
    if what % 10 == 9:
        return [FILLER[which % len(FILLER)]]
    option = options[which % len(options)]
    name = option["name"].replace("-", "_")
    if what % 10 == 1 and option.get("deprecated"):
        name = option["deprecated"][0].split("/")[1]
    elif what % 10 == 2:
        name = KEYS[which % len(KEYS)]
    kind = option.get("item_type", "string") if option["type"] == "multi" else option["type"]
    values = POOLS[KINDS.get(kind, kind)][pool % 3 == 2]
    chosen = values[(wide[0] << 8 | wide[1]) % len(values)]
    if pool % 16 == 3:
        chosen += draw(value)
    elif pool % 16 == 5:
        chosen = draw(text)
    lines = [name + DELIMITERS[how % len(DELIMITERS)] + chosen]
    if what % 10 == 3:
        lines += [INDENTS[how % len(INDENTS)] + line for line in draw(more)]
    return lines


@st.composite
def content(draw: Any, options: list[dict[str, Any]], most: int = 3) -> bytes:
    """The bytes of a file."""
    size, trouble, end, last, odd, at = draw(dice)
    lines: list[str] = []
    if odd == 10:
        lines += draw(assignment(options))
    for _section in range(size % most + 1):
        lines += draw(section(options))
    if trouble % 20 == 5:
        lines.insert(at % (len(lines) + 1), TROUBLE[size % len(TROUBLE)])
    whole = ENDS[end % len(ENDS)].join(lines)
    if last % 7:
        whole += ENDS[end % len(ENDS)]
    if trouble % 25 == 1:  # a lone CR, or mixed ends, somewhere
        at %= len(whole) + 1
        whole = whole[:at] + ["\r", "\r\n", "\n"][size % 3] + whole[at:]
    data = whole.encode("utf-8", "surrogatepass")
    if odd == 50:
        data = b"\xef\xbb\xbf" + data
    elif odd in (51, 52, 53):  # another encoding, or rubbish
        at %= len(data) + 1
        data = data[:at] + [b"\xe9", b"\xff\xfe", b"\xc3", b"\xed\xb2\x80"][size % 4] + data[at:]
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


def option(throw: bytes) -> dict[str, Any]:
    group, name, kind, deprecated, *_rest = throw
    groups = ["DEFAULT", "glance", *GROUPS]
    old = DEPRECATED[deprecated % len(DEPRECATED)]
    found = {**TYPES[kind % len(TYPES)], "group": groups[group % len(groups)], "name": NAMES[name % len(NAMES)]}
    return {**found, "deprecated": old} if old else found


def different(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(item["group"], item["name"]): item for item in options}.values())


schema = st.lists(dice.map(option), min_size=2, max_size=6).map(different)

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
    arguments, options = draw(st.sampled_from(ARGUMENTS)), draw(schema)
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
    if paths and draw(st.integers(0, 60)) == 37:
        paths = paths[1:]
    return {
        "files": {path: draw(content(options)) for path in paths},
        "arguments": arguments,
        "schema": options,
        "environ": draw(environment),
    }


EDITED = [
    {"group": group, "name": name, "type": "string"}
    for group in ("DEFAULT", "glance", "Mixed")
    for name in ("a", "b", "use_glance_v1", "my-dash")
]
ODD_VALUES = [
    " lead", "trail ", "\nx", "x\n", "a\r\nb", "a\rb", "a\n b", "a\n\nb", '"', "'", '"a"', "\u00a0", "a\nb=c",
    "a\n[x]", "a\n#b", "\ud800",
]  # fmt: skip
new_value = st.one_of(
    st.sampled_from(VALUES),
    st.sampled_from(VALUES),
    text,
    st.lists(st.sampled_from(VALUES), min_size=2, max_size=3).map("\n".join),
    st.sampled_from(ODD_VALUES),
)


@st.composite
def new_option(draw: Any) -> dict[str, Any]:
    known, where, which, how, *_rest = draw(dice)
    item = {"section": EDITED[known % len(EDITED)]["group"], "option": EDITED[known % len(EDITED)]["name"]}
    if where % 10 == 0:
        item["section"] = [*SECTIONS, "brand_new"][which % (len(SECTIONS) + 1)]
    if where % 10 == 1:
        names = [*KEYS, "new", "new2", " a", "a=b", "#a"]
        item["option"] = names[which % len(names)]
    if how % 10 < 2:
        return {**item, "state": "absent"}
    if how % 10 < 8:
        return {**item, "value": draw(new_value)}
    return {**item, "values": draw(st.lists(new_value, min_size=1, max_size=3))}


edits = st.tuples(
    content(EDITED),
    st.lists(new_option(), min_size=1, max_size=4, unique_by=lambda item: (item["section"], item["option"])),
)
