# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: E501 (recorded lines are as long as they are)
"""Lines as real servers wrote them, and files as rotation, crashes and strangers leave them."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _access_log
from ansible_collections.stackops.glance.plugins.module_utils._access_log import Parser, Reader, Source

sys.path.insert(0, str(Path(__file__).parents[3] / "bin"))

import compile_hosts  # noqa: E402  (the path comes first)

UUID = "6c2941bd-9946-4df1-a77f-6913ad9255bb"
PREFIX = "2026-11-21 09:59:22.690 379 INFO eventlet.wsgi.server "
CONTEXT = "[req-712558b2-367b-42fd-b4d1-146c3c40981e 7c0d41d42eb3463ea6c5fefe0b86ad9b a310378c27eb4f62990cb20eb76e4c5b - default default] "  # fmt: skip
JSON = '{"SYSLOG_IDENTIFIER":"haproxy","__REALTIME_TIMESTAMP":"1795257556843314","MESSAGE":"10.92.15.31:35998 [21/Nov/2026:10:39:16.825] glance glance/glance2 0/0/1/16/17 200 832 - - ---- 4/4/0/0/0 0/0 \\"HEAD /v1/images/%s HTTP/1.1\\"","_COMM":"haproxy"}' % UUID  # fmt: skip

#: line, and what it says: format, client, via, user agent, method and path, version, time (a host on UTC)
LINES = [
    # eventlet: glance-api 15.0.2, 20.2.0 and Debian's 25.1
    (PREFIX + CONTEXT + '10.92.15.31,10.92.15.10 - - [21/Nov/2026 09:59:22] "GET /v1/images/detail?limit=20 HTTP/1.1" 200 188 0.018238',
     ("eventlet", "10.92.15.31", "10.92.15.10", None, "GET /v1/images/detail?limit=20", 1, "2026-11-21T09:59:22Z")),
    (PREFIX + '[-] 127.0.0.1 - - [20/Nov/2026 22:02:32] "GET /v1/images HTTP/1.1" 200 977 0.001661',
     ("eventlet", "127.0.0.1", None, None, "GET /v1/images", 1, "2026-11-20T22:02:32Z")),
    (PREFIX + '[-] 10.92.15.10 - - [21/Nov/2026 09:59:22] "GET /healthcheck HTTP/1.0" 200 137 0.001480',
     ("eventlet", "10.92.15.10", None, None, "GET /healthcheck", None, "2026-11-21T09:59:22Z")),
    ('127.0.0.1 - - [20/Nov/2026 22:02:32] "GET /v1 HTTP/1.1" 300 977 0.001661',
     ("eventlet", "127.0.0.1", None, None, "GET /v1", 1, "2026-11-20T22:02:32Z")),
    (PREFIX + '[-] 2001:db8::31 - - [21/Nov/2026 09:59:22] "HEAD /v1.1/images/1 HTTP/1.1" 200 1 0.0',
     ("eventlet", "2001:db8::31", None, None, "HEAD /v1.1/images/1", 1, "2026-11-21T09:59:22Z")),
    (PREFIX + '[-] ::ffff:192.0.2.7 - - [21/Nov/2026 09:59:22] "GET /versions HTTP/1.1" 200 1 0.0',
     ("eventlet", "192.0.2.7", None, None, "GET /versions", None, "2026-11-21T09:59:22Z")),
    (PREFIX + '[-] <b>,192.0.2.9:4711,10.0.0.1 - - [21/Nov/2026 09:59:22] "GET /v1/images HTTP/1.1" 200 1 0.0',
     ("eventlet", "192.0.2.9", "10.0.0.1", None, "GET /v1/images", 1, "2026-11-21T09:59:22Z")),
    (PREFIX + '[-] 127.0.0.1 - - [21/Nov/2026 09:59:22] "GET /v2/images?marker=/v1/images HTTP/1.1" 200 1 0.0',
     ("eventlet", "127.0.0.1", None, None, "GET /v2/images?marker=/v1/images", 2, "2026-11-21T09:59:22Z")),
    # gunicorn 23
    ('127.0.0.1 - - [21/Nov/2026:10:39:16 +0000] "GET /v1/images/detail?limit=20 HTTP/1.1" 200 3 "-" "python-glanceclient"',
     ("combined", "127.0.0.1", None, "python-glanceclient", "GET /v1/images/detail?limit=20", 1, "2026-11-21T10:39:16Z")),
    (r'127.0.0.1 - - [21/Nov/2026:10:39:16 +0000] "POST /v1/images HTTP/1.1" 200 3 "-" "evil \"quote\\""',
     ("combined", "127.0.0.1", None, r"evil \"quote\\", "POST /v1/images", 1, "2026-11-21T10:39:16Z")),
    # nginx and Apache: a zone, a user; a shared server's other services
    ('192.0.2.5 - admin [21/Nov/2026:01:09:16 +0530] "GET /image/v1/images/1 HTTP/2.0" 200 3 "http://x/v2/" "-"',
     ("combined", "192.0.2.5", None, None, "GET /image/v1/images/1", 1, "2026-11-20T19:39:16Z")),
    ('192.0.2.5 - - [21/Nov/2026:10:39:16 -0100] "GET /v1/a310378c27eb4f62/stacks HTTP/1.1" 200 3',
     ("combined", "192.0.2.5", None, None, "GET /v1/a310378c27eb4f62/stacks", None, "2026-11-21T11:39:16Z")),
    # uWSGI 2
    ("[pid: 25426|app: 0|req: 1/1] 192.0.2.8 () {24 vars in 303 bytes} [Sat Nov 21 10:39:16 2026] GET /v1/images/detail?limit=20 => generated 3 bytes in 0 msecs (HTTP/1.1 200) 1 headers in 38 bytes (1 switches on core 0)",
     ("uwsgi", "192.0.2.8", None, None, "GET /v1/images/detail?limit=20", 1, "2026-11-21T10:39:16Z")),
    # haproxy 2.6, as syslog, the journal and JSON have it
    ('Nov  1 09:59:23 infra haproxy[346]: 10.92.15.32:36056 [01/Nov/2026:09:59:23.162] glance~ glance/glance2 0/0/1/15/16 200 187 - - ---- 4/4/0/0/0 0/0 "GET /v1/images/detail?limit=20 HTTP/1.1"',
     ("haproxy", "10.92.15.32", None, None, "GET /v1/images/detail?limit=20", 1, "2026-11-01T09:59:23Z")),
    ('2001:db8::1:36056 [21/Nov/2026:09:59:23.162] glance glance/glance2 0/0/1/15/16 200 187 - - ---- 4/4/0/0/0 0/0 {curl|x} "GET https://images:9292/v1/images HTTP/2.0"',
     ("haproxy", "2001:db8::1", None, None, "GET https://images:9292/v1/images", 1, "2026-11-21T09:59:23Z")),
    (JSON, ("haproxy", "10.92.15.31", None, None, "HEAD /v1/images/" + UUID, 1, "2026-11-21T10:39:16Z")),
    ('10.0.0.9:1 [21/Nov/2026:09:59:23.162] heat heat/ctl1 0/0/1/15/16 200 187 - - ---- 4/4/0/0/0 0/0 "GET /v1/8e1b/stacks HTTP/1.1"',
     ("haproxy", "10.0.0.9", None, None, "GET /v1/8e1b/stacks", None, "2026-11-21T09:59:23Z")),
    # its own requests are no sign of a caller
    (PREFIX + '[-] 10.92.15.1 - - [21/Nov/2026 09:59:22] "GET /v1/images?limit=1&' + _access_log.OWN + ' HTTP/1.1" 200 1 0.0',
     ("eventlet", "10.92.15.1", None, None, "GET /v1/images?limit=1&" + _access_log.OWN, None, "2026-11-21T09:59:22Z")),
    # none of an access log
    ('2026-11-21 09:56:45.404 379 INFO eventlet.wsgi.server [-] (379) wsgi starting up on http://0.0.0.0:9292', None),
    ('2026-11-21 09:56:45.404 379 DEBUG glance.api.middleware.version_negotiation [-] Determining version of request: GET /v1/images Accept: */*', None),
    ('127.0.0.1 - - [99/Nov/2026 22:02:32] "GET /v1/images HTTP/1.1" 200 977 0.0', None),
    ("", None),
]  # fmt: skip


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_lines(line, expected):
    found = Parser().parse(line.encode())
    if found is not None:
        path = f"{found.method.decode()} {found.path.decode()}"
        found = (
            found.format,
            found.client,
            found.via,
            found.user_agent,
            path,
            found.version,
            _access_log.iso(found.time),
        )
    assert found == expected


def test_local_time_is_the_hosts(monkeypatch):
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    eventlet, combined = (Parser().parse(line.encode()).time for line in (LINES[1][0], LINES[8][0]))
    assert _access_log.iso(eventlet) == "2026-11-21T01:32:32Z"
    assert _access_log.iso(combined) == "2026-11-21T10:39:16Z"


def test_other_services_behind_the_same_balancer():
    line = JSON.replace("glance glance/glance2", "zun zun/ctl1").encode()
    assert Parser().parse(line).version == 1
    assert Parser(["glance"]).parse(line).version is None
    assert Parser(["glance"]).parse(JSON.encode()).version == 1


# -- whole files --------------------------------------------------------------------------------------------------

NOW = 1795305600.0  # 2026-11-22T00:00:00Z
DAY = 86400


def line(at, client="192.0.2.1", path="/v1/images", method="GET"):
    stamp = time.strftime("%d/%b/%Y %H:%M:%S", time.gmtime(at))
    return f'{PREFIX}[-] {client} - - [{stamp}] "{method} {path} HTTP/1.1" 200 1 0.0\n'


def read(*paths, turns=None, stream="glance-api", group=None, **more):
    reader = Reader(**{"now": NOW, **more})
    for number, path in enumerate(paths):
        turn = turns[number] if turns else None
        reader.read(Source(stream, group or "api.log", str(path), None, turn))
    return reader.result()


def counts(result, version="v1"):
    return {caller["client"]: caller["requests"][version] for caller in result["callers"]}


def write(path, text):
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_callers(tmp_path):
    lines = [line(NOW - 3 * DAY, "10.0.0.1", f"/v1/images/{number}") for number in range(5)]
    lines += [line(NOW - 2 * DAY, "10.0.0.2", "/v2/images"), "2026-11-20 a traceback\n", line(NOW - DAY, "10.0.0.2")]
    result = read(write(tmp_path / "api.log", "".join(lines)))
    assert counts(result) == {"10.0.0.1": 5, "10.0.0.2": 1}
    first = result["callers"][0]
    assert first["examples"] == ["GET /v1/images/0", "GET /v1/images/1", "GET /v1/images/2"]
    assert (first["first"], first["last"]) == ("2026-11-19T00:00:00Z", "2026-11-19T00:00:00Z")
    assert (result["versions"], result["truncated"], result["judged_by"]) == ({"v1": 6}, False, "glance")
    both = read(tmp_path / "api.log", versions=(1, 2))
    assert (both["versions"], counts(both, "v2")) == ({"v1": 6, "v2": 1}, {"10.0.0.1": 0, "10.0.0.2": 1})


def test_counted_as_a_plain_search_counts(tmp_path):
    """However blocks and members of gzip fall, each line is read once."""
    random.seed(3)
    lines = []
    for number in range(30000):
        path = random.choice(["/v1/images", "/v1/", "/v2/images/x", "/healthcheck", "/v1.0/images/y"])
        lines.append(line(NOW - DAY + number, f"10.0.{number % 3}.1", path + "?" + "x" * random.randrange(200)))
    text = "".join(lines)
    assert len(text) > 2 * _access_log.BLOCK
    wanted = sum(" /v1" in each for each in lines)
    plain = read(write(tmp_path / "api.log", text))
    assert (plain["versions"], sum(counts(plain).values())) == ({"v1": wanted}, wanted)
    middle = text.index("\n", len(text) // 2) - 20
    members = gzip.compress(text[:middle].encode()) + gzip.compress(text[middle:].encode()) + b"\0" * 512
    (tmp_path / "members").write_bytes(members)
    packed = read(tmp_path / "members")
    assert packed["versions"] == plain["versions"] and packed["callers"] == plain["callers"]
    assert packed["files"][0]["error"] is None
    (tmp_path / "no-end").write_text(text.rstrip("\n"))
    assert read(tmp_path / "no-end")["versions"] == {"v1": wanted}


def test_many_requests_for_v1(tmp_path, monkeypatch):
    """Where most lines count, they are counted without taking each apart: with the same result."""
    random.seed(6)
    strange = [
        "a traceback - - [\n",
        f"{LINES[12][0]}\n",
        f"{LINES[8][0]}\n",
        'x - - [99/Nov/2026 22:02:32] "GET /v1/images HTTP/1.1" 200\n',
    ]
    lines = []
    for number in range(4000):
        client = f"10.0.0.{random.randrange(20)}" + random.choice(["", ",10.0.0.99"])
        path = random.choice(
            ["/v1/images", "/v1/images/x?y=/v1/z", "/image/v1/images", "/v2/images", "/v1", "/v1/images?z=\xfc"]
        )
        lines.append(line(NOW - DAY + number, client, path, random.choice(["GET", "DELETE", "OPTIONS"])))
        lines += random.choices([*strange, ""], [1, 1, 1, 1, 40])
        if number % 3 == 0:
            lines[-1] = lines[-1].removeprefix(PREFIX + "[-] ")
    log = write(tmp_path / "api.log", "".join(lines))
    for versions in ((1,), (1, 2), (2,)):
        dense = read(log, versions=versions)
        monkeypatch.setattr(_access_log, "DENSE", 1 << 30)
        plain = read(log, versions=versions)
        monkeypatch.undo()
        for result in (dense, plain):
            for caller in result["callers"]:
                caller.pop("examples")
        assert dense == plain


@pytest.mark.parametrize("format_", ["haproxy", "uwsgi", "combined"])
def test_every_format_in_a_file(tmp_path, format_):
    (one, *_rest) = (text for text, said in LINES if said and said[0] == format_ and said[5] == 1)
    result = read(write(tmp_path / "log", f"{one}\n" * 3))
    assert (result["files"][0]["format"], result["versions"]) == (format_, {"v1": 3})
    assert result["judged_by"] == ("proxy" if format_ == "haproxy" else "glance")


def test_the_same_requests_twice(tmp_path):
    """What the balancer, or the journal, wrote down as well counts once; two servers' logs count both."""
    served = write(tmp_path / "api.log", line(NOW - DAY, "10.92.15.32") * 4)
    proxied = write(tmp_path / "haproxy.log", LINES[13][0].replace("01/Nov", "21/Nov") + "\n" + LINES[15][0] + "\n")
    reader = Reader(now=NOW)
    for stream, group, path in (("a", "x", served), ("a", "journal", served), ("b", "y", proxied)):
        copy = write(tmp_path / f"{stream}{group}", path.read_bytes())
        reader.read(Source(stream, group, str(copy), None, None))
    assert counts(reader.result()) == {"10.92.15.32": 4, "10.92.15.31": 1}
    other = write(tmp_path / "other.log", line(NOW - DAY, "10.92.15.32") * 2)
    reader.read(Source("c", "z", str(other), None, None))
    assert counts(reader.result()) == {"10.92.15.32": 6, "10.92.15.31": 1}


def test_who_connected(tmp_path):
    """Whatever was asked for, by the address that connected and not by who came through it; nobody of our own."""
    lines = [
        line(NOW - 3000, "10.0.0.1,127.0.0.1", "/v2/images"),
        line(NOW - 2000, "10.0.0.1,192.0.2.9", "/v2/images"),
        line(NOW - 1000, "192.0.2.9", "/healthcheck"),
        line(NOW - 900, "192.0.2.8", f"/?{_access_log.OWN}"),
        line(NOW - 2 * DAY, "192.0.2.7"),
    ]
    log = write(tmp_path / "api.log", "".join(lines) + line(NOW - 500, "192.0.2.9", "/") * 200)
    balancer = write(tmp_path / "haproxy.log", LINES[13][0].replace("01/Nov", "21/Nov") + "\n")
    result = read(log, balancer, since=NOW - DAY, versions=(_access_log.ANY,))
    assert counts(result, "any") == {"127.0.0.1": 1, "192.0.2.9": 202} and result["versions"] == {"any": 203}
    assert result["callers"][0]["examples"] == ["GET /v2/images", "GET /healthcheck", "GET /"]


def test_since(tmp_path):
    text = line(NOW - 3 * DAY) + line(NOW - DAY) + line(NOW - DAY / 2, "10.0.0.2")
    log = write(tmp_path / "api.log", text)
    result = read(log, since=NOW - 2 * DAY)
    assert counts(result) == {"192.0.2.1": 1, "10.0.0.2": 1}
    assert result["span"]["from"] == "2026-11-20T00:00:00Z"
    # The file before the time asked for tells whether the log went on there.
    older = write(tmp_path / "api.log.1", line(NOW - 4 * DAY) + line(NOW - 2.2 * DAY))
    newer = write(tmp_path / "api.log.0", line(NOW - 1.96 * DAY) + line(NOW))
    os.utime(older, (NOW - 2.2 * DAY, NOW - 2.2 * DAY))
    assert read(older, newer, since=NOW - 2 * DAY)["covered_days"] == 2.0
    os.utime(log, (NOW - 3 * DAY, NOW - 3 * DAY))
    assert read(log, since=NOW - 2 * DAY)["files"] == []


# -- what they cover ----------------------------------------------------------------------------------------------


def spans(result):
    return [(each["from"][5:13], each["to"][5:13]) for each in result["covered"]]


def rotated(folder, days, mark="{}"):
    """A file for each span of days before now, oldest first."""
    paths = []
    for number, (begin, end) in enumerate(days):
        paths.append(write(folder / f"api.log.{number}.gz", line(NOW - begin * DAY) + line(NOW - end * DAY)))
    return paths


def test_rotation_without_a_gap(tmp_path):
    result = read(*rotated(tmp_path, [(9, 6.02), (6, 3), (2.9, 0.01)]), turns=[2, 1, 0])
    assert (result["covered_days"], spans(result)) == (9.0, [("11-13T00", "11-22T00")])


def test_a_file_that_is_missing(tmp_path):
    result = read(*rotated(tmp_path, [(9, 7), (5, 3), (3, 1)]), turns=[3, 1, 0])
    assert (result["covered_days"], spans(result)) == (6.0, [("11-13T00", "11-15T00"), ("11-17T00", "11-21T00")])
    # An hour may be a quiet one, unless a number says that there was a file.
    near = rotated(tmp_path, [(3, 2.05), (2, 0)])
    assert len(read(*near, turns=[1, 0])["covered"]) == 1
    assert len(read(*near, turns=[2, 0])["covered"]) == 2


def test_a_clock_that_was_wrong(tmp_path):
    result = read(write(tmp_path / "api.log", line(NOW - DAY) + line(NOW + 400 * DAY, "10.0.0.3")))
    assert spans(result) == [("11-21T00", "11-21T00")]
    assert result["callers"][0]["last"] == "2027-12-27T00:00:00Z"


def test_of_two_servers_what_both_cover(tmp_path):
    reader = Reader(now=NOW)
    for number, days in enumerate((8, 2)):
        log = write(tmp_path / f"{number}.log", line(NOW - days * DAY) + line(NOW - 60))
        reader.read(Source(f"unit{number}", "log", str(log), None, 0))
    assert reader.result()["covered_days"] == 2.0


# -- bad input ----------------------------------------------------------------------------------------------------


def trouble(path):
    result = read(path)
    assert result["callers"] == [] and result["covered"] == []
    return result["files"][0]["error"]


def test_gzip_that_was_cut_off(tmp_path):
    random.seed(4)
    text = "".join(line(NOW - DAY + number, path=f"/v1/images/{random.random()}") for number in range(5000))
    whole = gzip.compress(text.encode())
    (tmp_path / "api.log.2.gz").write_bytes(whole[: len(whole) // 2])
    result = read(tmp_path / "api.log.2.gz")
    assert 2000 < result["versions"]["v1"] < 3000
    assert "ends too early" in result["files"][0]["error"]
    for cut in (len(whole) - 1, len(whole) - 8, 12):
        (tmp_path / "api.log.2.gz").write_bytes(whole[:cut])
        assert "ends too early" in read(tmp_path / "api.log.2.gz")["files"][0]["error"]
    (tmp_path / "api.log.2.gz").write_bytes(whole[:1000] + b"rubbish" + whole[1007:])
    assert "damaged" in read(tmp_path / "api.log.2.gz")["files"][0]["error"]


def test_what_is_no_log(tmp_path):
    (tmp_path / "rubbish").write_bytes(random.Random(5).randbytes(3 << 20))
    (tmp_path / "api.log.3.bz2").write_bytes(bz2.compress(line(NOW).encode()))
    os.mkfifo(tmp_path / "pipe")
    assert trouble(tmp_path / "rubbish") == "It is binary, and no log."
    assert "packed with bzip2" in trouble(tmp_path / "api.log.3.bz2")
    assert "directory" in trouble(tmp_path)
    assert "no regular file" in trouble(tmp_path / "pipe")
    assert "No such file" in trouble(tmp_path / "none")
    (tmp_path / "empty").touch()
    assert read(tmp_path / "empty")["files"][0]["format"] is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read(tmp_path):
    write(tmp_path / "api.log", line(NOW)).chmod(0)
    assert "Permission denied" in trouble(tmp_path / "api.log")


def test_text_of_strangers_is_harmless(tmp_path):
    client = '<img/src=x>\x1b[2J\u202e"' + "x" * 5000
    text = line(NOW - DAY, client, "/v1/images/<script>\x07" + "y" * 5000)
    result = read(write(tmp_path / "api.log", text))
    (caller,) = result["callers"]
    assert caller["client"].endswith("xxx") and len(caller["client"]) <= 200
    assert len(caller["examples"][0]) == 200 and "\x07" not in caller["examples"][0]
    assert not {"\x1b", "\u202e"} & set(json.dumps(caller, ensure_ascii=False))


def test_a_format_that_nobody_knows(tmp_path):
    text = f"{line(NOW - DAY)}ts=1 m=GET p=/v1/images/1 proto=HTTP/1.1\nts=2 see /v1/images for more\n"
    assert read(write(tmp_path / "api.log", text))["files"][0]["unreadable"] == 1
    odd = read(write(tmp_path / "odd.log", text.splitlines()[1] + "\n"))
    assert (odd["files"][0]["unreadable"], odd["files"][0]["format"]) == (1, None)


def test_long_lines_and_many_callers_in_bounded_memory(tmp_path):
    log = tmp_path / "api.log"
    with log.open("wb") as stream:
        for number in range(3):
            stream.write(b"/v1 " * (10 << 18) + b"\n" + line(NOW - DAY, f"10.0.0.{number}").encode())
        for number in range(5000):
            stream.write(line(NOW - DAY, f"10.1.{number // 250}.{number % 250}").encode())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = read(log)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10
    assert result["truncated"] and len(result["callers"]) == _access_log.CLIENTS
    assert result["versions"] == {"v1": 5003}


def test_a_log_that_is_rotated_meanwhile(tmp_path):
    log = write(tmp_path / "api.log", line(NOW - DAY))
    reader = Reader(now=NOW)
    reader.read(Source("s", "g", str(log), None, 0))
    log.rename(tmp_path / "api.log.1")
    reader.read(Source("s", "g", str(tmp_path / "api.log.1"), None, 1))
    assert reader.result()["versions"] == {"v1": 1}


# -- the journal --------------------------------------------------------------------------------------------------


def journalctl(folder, monkeypatch, script):
    (folder / "journalctl").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    reader = Reader(now=NOW, since=NOW - 8 * DAY)
    reader.read(Source("glance-api", "journal", "journal of glance-api", "glance-api", None))
    return reader.result()


def test_a_journal(tmp_path, monkeypatch):
    write(tmp_path / "entries", line(NOW - 2 * DAY) + "a traceback\n" + line(NOW - DAY))
    result = journalctl(tmp_path, monkeypatch, f'echo "$@" >{tmp_path}/asked; cat {tmp_path}/entries')
    assert result["versions"] == {"v1": 2}
    assert "--unit=glance-api --since=2026-11-13 18:00:00" in (tmp_path / "asked").read_text()


def test_journals_that_tell_nothing(tmp_path, monkeypatch):
    assert journalctl(tmp_path, monkeypatch, "echo Starting")["files"] == []
    failed = journalctl(tmp_path, monkeypatch, "echo 'No journal files were opened' >&2; exit 1")
    assert "No journal files" in failed["files"][0]["error"]
    monkeypatch.setenv("PATH", "/nonexistent")
    reader = Reader(now=NOW)
    reader.read(Source("glance-api", "journal", "journal of glance-api", "glance-api", None))
    assert reader.result()["files"] == []


# -- the Pythons of old hosts -------------------------------------------------------------------------------------

CHILD = """
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import _access_log
parser = _access_log.Parser()
lines = [parser.parse(line.encode('utf-8')) for line in json.load(sys.stdin)]
reader = _access_log.Reader(now=%r, versions=(1, 2))
for path in sys.argv[2:]:
    reader.read(_access_log.Source(path, path, path, None, None))
said = [line and list(line[:4]) + [line.path.decode('utf-8')] + list(line[6:]) for line in lines]
print(json.dumps([said, reader.result()], sort_keys=True))
"""


@pytest.mark.parametrize("version", ["2.7", "3.6"])
def test_the_same_on_an_old_python(version, tmp_path):
    python = compile_hosts.find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    whole = gzip.compress("".join(line(NOW - DAY + number, "\u00fc\u202e") for number in range(3000)).encode())
    paths = [
        write(tmp_path / "api.log", line(NOW - DAY) + LINES[12][0] + "\n"),
        write(tmp_path / "api.log.1.gz", line(NOW - 2 * DAY) * 5000),
    ]
    for name, data in (("cut.gz", whole[: len(whole) // 2]), ("cut2.gz", whole[:-1]), ("zeros.gz", whole + b"\0" * 99)):
        (tmp_path / name).write_bytes(data)
        paths.append(tmp_path / name)
    command = ["-c", CHILD % NOW, str(Path(_access_log.__file__).parent), *map(str, paths)]
    answers = [
        json.loads(
            subprocess.run(
                [interpreter, *command], input=json.dumps([text for text, _said in LINES]), stdout=subprocess.PIPE,
                check=True, encoding="utf-8",
            ).stdout
        )
        for interpreter in (sys.executable, python)
    ]  # fmt: skip
    assert answers[0] == answers[1]
    assert answers[1][1]["versions"]["v1"] > 8000
