# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _program


def make(path, text="", mode=0o755):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def venv(tmp_path):
    """A virtual environment made from a system Python 2.7, with nothing installed."""
    base = make(tmp_path / "usr/bin/python2.7")
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python2.7").symlink_to(base)
    (tmp_path / "venv/bin/python").symlink_to("python2.7")
    (tmp_path / "venv/lib/python2.7/site-packages").mkdir(parents=True)
    return tmp_path / "venv"


def install(prefix, record, version, library="lib/python2.7/site-packages"):
    make(prefix / library / record / "METADATA", f"Metadata-Version: 2.1\nName: x\nVersion: {version}\n\nVersion: 9\n")


# -- script and interpreter -------------------------------------------------------------------------------------------


def test_interpreter_of_a_running_process(venv):
    script = make(venv / "bin/glance-api", f"#!{venv}/bin/python\n")
    argv = [str(venv / "bin/python"), "-E", "-W", "ignore", str(script), "--config-file", "/a"]
    assert _program.find(argv, {}, "glance-api") == (str(script), argv[0], ["--config-file", "/a"])


def test_interpreter_from_the_script(venv):
    script = make(venv / "bin/glance-api", f"#!{venv}/bin/python2.7 -s\n")
    found = _program.find([str(script), "--x"], {}, "glance-api")
    assert found == (str(script), f"{venv}/bin/python2.7", ["--x"])


def test_interpreter_through_env(venv):
    script = make(venv / "bin/glance-api", "#!/usr/bin/env -S python2.7\n")
    assert _program.find([str(script)], {"PATH": f"{venv}/bin"}, "glance-api")[1] == f"{venv}/bin/python2.7"


@pytest.mark.parametrize("quote", ["", '"'])
def test_interpreter_behind_a_long_path(venv, quote):
    script = make(
        venv / "bin/glance-api", f"#!/bin/sh\n'''exec' {quote}{venv}/bin/python2.7{quote} \"$0\" \"$@\"\n' '''\n"
    )
    assert _program.find([str(script)], {}, "glance-api")[1] == f"{venv}/bin/python2.7"


def test_init_script_leads_to_the_program(venv, tmp_path):
    init = make(tmp_path / "init.d/nova-compute", "#!/bin/sh\n")
    make(venv / "bin/nova-compute", f"#!{venv}/bin/python\n")
    script, interpreter, arguments = _program.find(
        [str(init), "systemd-start"], {"PATH": f"{venv}/bin"}, "nova-compute"
    )
    assert (script, interpreter) == (f"{venv}/bin/nova-compute", f"{venv}/bin/python")


def test_nothing_there():
    assert _program.find([], {"PATH": ""}, "no-such-program")[:2] == (None, None)


# -- what is installed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", ["nova-14.1.0.dist-info", "nova-14.1.0-py2.7.egg-info", "nova-14.1.0.egg-info"])
def test_release_from_a_record(venv, record):
    install(venv, record, "14.1.0")
    found = _program.release(f"{venv}/bin/python", "nova")
    assert (found["version"], found["major"]) == ("14.1.0", 14)
    assert found["source"].endswith(record)


def test_record_that_is_a_file(venv):
    make(venv / "lib/python2.7/site-packages/nova-13.1.4-py2.7.egg-info", "Name: nova\nVersion: 13.1.4\n")
    assert _program.release(f"{venv}/bin/python", "nova")["major"] == 13


def test_other_projects_are_not_taken_for_it(venv):
    install(venv, "nova_powervm-1.0.dist-info", "1.0")
    install(venv, "python_novaclient-6.0.dist-info", "6.0")
    assert _program.release(f"{venv}/bin/python", "nova") is None


def test_development_installation(venv, tmp_path):
    make(tmp_path / "src/nova.egg-info/PKG-INFO", "Name: nova\nVersion: 14.0.11.dev3\n")
    make(venv / "lib/python2.7/site-packages/nova.egg-link", f"{tmp_path}/src\n.\n")
    assert _program.release(f"{venv}/bin/python", "nova")["version"] == "14.0.11.dev3"


def test_debian_keeps_one_directory_for_all_of_python3(tmp_path):
    make(tmp_path / "usr/bin/python3.9")
    (tmp_path / "usr/bin/python3").symlink_to("python3.9")
    install(tmp_path / "usr", "glance-25.1.0.egg-info", "25.1.0", "lib/python3/dist-packages")
    assert _program.release(f"{tmp_path}/usr/bin/python3", "glance")["major"] == 25


def test_another_pythons_packages_do_not_count(venv):
    install(venv, "nova-15.0.0.dist-info", "15.0.0", "lib/python3.9/site-packages")
    assert _program.release(f"{venv}/bin/python", "nova") is None


def test_dialect_names_what_reads_the_files(venv):
    assert _program.dialect(f"{venv}/bin/python") is None
    install(venv, "oslo.config-3.17.1.dist-info", "3.17.1")
    assert _program.dialect(f"{venv}/bin/python") == "3.17.1/python2"
    assert _program.dialect(None) is None


# -- configuration files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--config-file", "/a", "--config-file=/b"], [("file", "/a"), ("file", "/b")]),
        (["--config-dir=/d", "--debug", "--config-file", "/a"], [("dir", "/d"), ("file", "/a")]),
        (["--config-f", "/a", "--config-d=/d"], [("file", "/a"), ("dir", "/d")]),
        (["--config-", "/a"], []),
        (["--config-file"], []),
        (["--config-files=/a", "--log-file", "/l"], []),
        (["--", "--config-file", "/a"], []),
    ],
)
def test_files_on_a_command_line(arguments, expected):
    assert _program.named_files(arguments) == expected


def read(arguments, home, dialect="4.11.2/python2", environment=None):
    return _program.config_files(arguments, environment or {}, "nosuch", "nosuch-api", str(home), "/srv", dialect)


def test_what_the_line_names_counts_alone(tmp_path):
    make(tmp_path / ".nosuch/nosuch.conf")
    found = read(["--config-file", "rel.conf", "--config-file=/b"], tmp_path)
    assert (found["config_files"], found["origin"]) == (["/srv/rel.conf", "/b"], "unit")


def test_search_where_the_line_names_none(tmp_path):
    path = make(tmp_path / ".nosuch/nosuch-api.conf")
    found = read(["--debug"], tmp_path)
    assert (found["config_files"], found["origin"]) == ([str(path)], "search")


@pytest.mark.parametrize(("dialect", "dirs"), [("4.11.2/python2", 1), ("3.17.0/python2", 0)])
def test_a_directory_found_is_read_before_a_file_named(tmp_path, dialect, dirs):
    directory = tmp_path / ".nosuch/nosuch.conf.d"
    directory.mkdir(parents=True)
    found = read(["--config-file=/b"], tmp_path, dialect)
    assert found["order"] == [("dir", str(directory))][:dirs] + [("file", "/b")]


def test_a_shortened_option_does_not_stop_the_search(tmp_path):
    path = make(tmp_path / "nosuch.conf")
    assert read(["--config-f=/b"], tmp_path)["config_files"] == [str(path), "/b"]


def test_wsgi_server_names_a_directory(tmp_path):
    path = make(tmp_path / "etc/nosuch.conf")
    found = read([], tmp_path, environment={"OS_NOSUCH_CONFIG_DIR": str(tmp_path / "etc")})
    assert (found["config_files"], found["origin"]) == ([str(path)], "unit")
    assert os.path.exists(path)
