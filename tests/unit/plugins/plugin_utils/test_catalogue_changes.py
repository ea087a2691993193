# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue_changes import changes


def names(options):
    return sorted(f"{each.group}/{each.name}" for each in options)


def swapped(pairs):
    return {(repr(pair.new), repr(pair.old)) for pair in pairs}


def straight(pairs):
    return {(repr(pair.old), repr(pair.new)) for pair in pairs}


PAIRS = list(itertools.combinations(range(13, 34), 2))


@pytest.mark.parametrize("pair", [*PAIRS[::7], (13, 33), (15, 20), (20, 25), (25, 33)], ids=str)
def test_both_directions_agree(pair):
    there, back = changes("glance", *pair), changes("glance", *reversed(pair))
    assert names(there.options.added) == names(back.options.removed)
    assert names(there.options.removed) == names(back.options.added)
    assert straight(there.options.renamed) == swapped(back.options.renamed)
    assert straight(there.options.defaults) == swapped(back.options.defaults)
    assert straight(there.options.limits) == swapped(back.options.limits)
    assert {rule.name for rule in there.policies.added} == {rule.name for rule in back.policies.removed}
    assert {rule.name for rule in there.policies.removed} == {rule.name for rule in back.policies.added}
    assert straight(there.policies.defaults) == swapped(back.policies.defaults)
    assert (there.api.added, there.api.removed) == (back.api.removed, back.api.added)
    assert there.databases == back.databases and there.migrations == back.migrations
    for field in ("python", "server", "policy_defaults"):
        left, right = getattr(there, field), getattr(back, field)
        assert (left and (left.old, left.new)) == (right and (right.new, right.old))
    assert (there.forward, back.forward) == (True, False)


def test_the_sum_of_steps_is_the_whole_way():
    """An option that is added in one step and not removed in a later one is added on the whole way."""
    here = set(names(_catalogue.options("glance", 13)))
    for step in range(13, 33):
        found = changes("glance", step, step + 1).options
        gone = names([*found.removed, *(pair.old for pair in found.renamed)])
        come = names([*found.added, *(pair.new for pair in found.renamed)])
        here = here - set(gone) | set(come)
    assert here == set(names(_catalogue.options("glance", 33)))


@pytest.mark.parametrize("project", _catalogue.PROJECTS)
def test_nothing_changes_on_the_spot(project):
    major = _catalogue.releases(project)[-1].major
    found = changes(project, major, major)
    assert not any((*found.options.__dict__.values(), *found.policies.__dict__.values(), *found.databases))
    assert not any((*found.api.added, found.api.current, found.python, found.server, found.policy_defaults))


def test_ussuri_to_zed():
    found = changes("glance", "ussuri", "25.1.0")
    removed, added = names(found.options.removed), names(found.options.added)
    assert {"DEFAULT/admin_role", "DEFAULT/owner_is_tenant", "DEFAULT/secure_proxy_ssl_header"} <= set(removed)
    assert {"DEFAULT/worker_self_reference_url", "DEFAULT/use_keystone_limits", "wsgi/task_pool_threads"} <= set(added)
    assert [pair.new.name for pair in found.options.defaults] == ["cinder_catalog_info"]
    assert [rule.name for rule in found.policies.removed] == ["copy_from"]
    assert {"copy_image", "cache_image"} <= {rule.name for rule in found.policies.added}
    assert "get_image" in {pair.new.name for pair in found.policies.defaults}
    assert found.api.added[:2] == ("2.16", "2.15") and not found.api.removed
    assert [(step.release.major, step.head) for step in found.databases] == [(22, "wallaby_contract01")]
    assert found.paste_flavors.removed == ("trusted-auth", "trusted-auth+cachemanagement")
    assert found.import_methods.added == ("glance-download",)
    assert (found.python.old, found.python.new) == (">=3.6", ">=3.8") and found.server is None


def test_what_becomes_deprecated():
    found = changes("glance", 27, 28).options
    assert {"DEFAULT/location_strategy", "DEFAULT/image_cache_sqlite_db"} <= set(names(found.deprecated))
    assert [pair.new.default for pair in found.defaults if pair.new.name == "image_cache_driver"] == ["centralized_db"]
    assert names(pair.new for pair in found.limits) == ["DEFAULT/image_cache_driver"]
    assert "DEFAULT/delayed_delete" not in names(changes("glance", 28, 33).options.deprecated)


def test_data_that_is_moved_on_the_way():
    assert [release.major for release, _move in changes("glance", 13, 33).migrations] == [14, 15, 19, 28]
    assert [release.major for release, _move in changes("glance", 15, 20).migrations] == [19]
    assert changes("glance", 29, 33).databases == ()


def test_the_program_glance_api_stops_being_a_server():
    found = changes("glance", 32, 33).server
    assert (found.old.eventlet, found.new.eventlet) == ("deprecated", None)


def test_nova():
    found = changes("nova", "newton", "queens").options
    assert "glance/use_glance_v1" in names(found.removed)
    assert "glance/endpoint_override" in names(found.added)
    assert changes("nova", "20.4.1", "20.5.0").options.defaults[0].new.default == 3


def test_unknown_releases_are_told():
    with pytest.raises(_catalogue.CatalogueError, match="13 newton"):
        changes("glance", "kilo", 33)
