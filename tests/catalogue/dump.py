# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print, as JSON, what one installed Glance or Nova itself says of its options, policies and interfaces.

    /opt/glance/33.0.0/bin/python - glance <tests/catalogue/dump.py

It is run by that release's own Python (2.7 included) and needs nothing but what is installed there, so it can be sent
over standard input into a container. Options are found in two ways: the entry points from which
``oslo-config-generator`` makes sample files, and what the process of glance-api really registers when it is imported.
"""

from __future__ import absolute_import, division, print_function

import argparse
import ast
import importlib
import inspect
import json
import logging
import os
import pkgutil
import socket
import sys
import types
import warnings

#: Entry points that name options of glance-api's configuration, and the part of Glance that reads them.
OWN = {
    'glance.api': 'api',
    'glance.cache': 'cache',
    'glance.manage': 'manage',
    'glance.registry': 'registry',
    'glance.scrubber': 'scrubber',
    'glance': 'image_import',
    'glance.store': 'api',
    'glance.multi_store': 'api',
}
#: Entry points of libraries that take part in glance-api: those that Glance's own sample file names, and what its paste
#: file or an operator may add (audit, profiling, reports). Other services' libraries may be installed beside them.
LIBRARIES = (
    'castellan.config', 'keystonemiddleware.audit', 'keystonemiddleware.auth_token', 'os_brick', 'oslo.concurrency',
    'oslo.config', 'oslo.db', 'oslo.db.concurrency', 'oslo.limit', 'oslo.log', 'oslo.messaging', 'oslo.middleware',
    'oslo.middleware.cors', 'oslo.middleware.healthcheck', 'oslo.middleware.http_proxy_to_wsgi',
    'oslo.middleware.sizelimit', 'oslo.middleware.ssl', 'oslo.policy', 'oslo.reports', 'osprofiler',
)
#: Modules that register options where glance-api imports or calls them late.
MODULES = (
    'castellan.options', 'glance_store.backend', 'glance_store.multi_backend', 'keystonemiddleware.auth_token',
    'keystonemiddleware.auth_token._auth', 'oslo_concurrency.lockutils', 'oslo_concurrency.processutils',
    'oslo_db.options', 'oslo_middleware', 'oslo_policy.opts', 'oslo_reports.opts', 'osprofiler.opts', 'oslo_limit.opts',
)
#: One store of each type, so that every driver registers what it takes in a section of its own.
STORES = {'stackops_' + name: name for name in ('cinder', 'file', 'http', 'rbd', 's3', 'sheepdog', 'swift', 'vmware')}
RESERVED = {'os_glance_staging_store': 'file', 'os_glance_tasks_store': 'file'}
#: What only a command line takes.
NO_OPTIONS = ('SubCommandOpt', '_ConfigFileOpt', '_ConfigDirOpt')
#: Names of packages as an operator knows them.
PROJECTS = {'oslo_' + name: 'oslo.' + name for name in (
    'cache', 'concurrency', 'config', 'context', 'db', 'i18n', 'limit', 'log', 'messaging', 'metrics', 'middleware', 'policy',
    'privsep', 'reports', 'service', 'utils')}
PROJECTS.update({'os_brick': 'os-brick'})


def registry():
    """oslo.config's object of all options, made to remember which package registers each one."""
    from oslo_config import cfg
    owners = {}
    original = cfg.ConfigOpts.register_opt

    def remembering(self, opt, group=None, *args, **kwargs):
        frame = inspect.currentframe().f_back
        while frame and frame.f_globals.get('__name__', '').split('.')[0] in ('oslo_config', '__main__', 'debtcollector'):
            frame = frame.f_back
        name = getattr(group, 'name', group) or 'DEFAULT'
        if frame and self is cfg.CONF:
            owners.setdefault((name, opt.dest), frame.f_globals['__name__'].split('.')[0])
        return original(self, opt, group, *args, **kwargs)

    cfg.ConfigOpts.register_opt = remembering
    return cfg.CONF, owners


def attempt(what, *args, **kwargs):
    """Call it; what one release does not have, another does, and a missing driver hides no other option."""
    try:
        return what(*args, **kwargs)
    except (Exception, SystemExit) as error:  # pylint: disable=broad-except
        sys.stderr.write('%s%r: %s: %s\n' % (getattr(what, '__name__', what), args, error.__class__.__name__, error))
        return None


def entry_points(group):
    """Each entry point of the group as (name, function that loads it)."""
    try:
        from importlib import metadata
    except ImportError:  # Python 2.7
        import pkg_resources
        return [(point.name, point.resolve) for point in pkg_resources.iter_entry_points(group)]
    found = metadata.entry_points()
    points = found.select(group=group) if hasattr(found, 'select') else found.get(group, ())
    return sorted({point.name: point.load for point in points}.items())


def called(load):
    """What an entry point's function answers."""
    return load()()


def glance_modules():
    """Every module of glance-api: neither the other programs' commands nor tests."""
    import glance
    skipped = ('glance.cmd.', 'glance.tests', 'glance.hacking', 'glance.registry.', 'glance.wsgi.')
    for found in pkgutil.walk_packages(glance.__path__, 'glance.', onerror=lambda name: None):
        name = found[1]
        if not name.startswith(skipped) and '.migrate' not in name and 'alembic' not in name:
            yield name
    yield 'glance.cmd.api'


def start_glance(conf):
    """As far as glance-api's start goes without files, database or network."""
    for name in list(glance_modules()) + list(MODULES):
        attempt(importlib.import_module, name)
    from oslo_log import log
    attempt(log.register_options, conf)
    attempt(conf, [], project='glance', prog='glance-api', default_config_files=[], default_config_dirs=[])
    attempt(lambda: importlib.import_module('glance.common.config').set_config_defaults())
    attempt(lambda: importlib.import_module('oslo_reports.opts').set_defaults(conf))
    attempt(lambda: importlib.import_module('glance.api.policy').Enforcer())
    attempt(lambda: importlib.import_module('glance.notifier').Notifier())
    attempt(conf.register_opts, importlib.import_module('oslo_db.options').database_opts, 'database')
    store = importlib.import_module('glance_store')
    attempt(store.register_opts, conf)
    if hasattr(store, 'register_store_opts'):
        for name, driver in STORES.items():
            # One at a time: a driver that is not installed must not hide the others.
            conf.set_override('enabled_backends', {name: driver})
            attempt(store.register_store_opts, conf, reserved_stores=RESERVED)
        conf.clear_override('enabled_backends')
        # Each store takes these once it is opened, which would need the store.
        for opt in getattr(importlib.import_module('glance_store.driver'), '_MULTI_BACKEND_OPTS', ()):
            attempt(conf.register_opt, opt, 'stackops_file')


def live(conf):
    """(group, option, default) for each option that is registered now; Glance may have set another default."""
    groups = [('DEFAULT', conf._opts)] + [
        ('<backend>' if name in STORES else name, group._opts) for name, group in sorted(conf._groups.items())]
    for name, options in groups:
        for info in options.values():
            opt = info['opt']
            yield name, opt, info['default'] if 'default' in info else opt.default


def kind(wanted):
    """A type of oslo.config as text that tells all its limits."""
    name = wanted.__class__.__name__
    told = []
    for key, silent in (('choices', None), ('min', None), ('max', None), ('quotes', False), ('ignore_case', False),
                        ('max_length', 0), ('regex', None), ('version', None)):
        value = getattr(wanted, key, silent)
        if key == 'choices' and value is not None:
            value = [each for each in value if each is not None]
        if key == 'regex' and value is not None:
            value = getattr(value, 'pattern', value)
        if name == 'Port' and (key, value) in (('min', 0), ('max', 65535)):
            continue
        if value != silent and value is not None:
            told.append((key, value))
    return name, dict(told)


def plain(value):
    """A default as JSON can carry it."""
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)


def older_names(group, opt):
    """Each older name once, though oslo.config keeps the forms with dash and underscore apart."""
    names = []
    for old in opt.deprecated_opts:
        name = '%s/%s' % (old.group or group, (old.name or opt.dest).replace('-', '_'))
        if name not in names:
            names.append(name)
    return names


def describe(project, group, opt, default, sections=()):
    """One option in the words that generate.py reads."""
    name, limits = kind(opt.type)
    here = default == socket.gethostname() and default or None  # this machine's, not the release's
    found = {'project': project, 'group': group, 'name': opt.dest, 'type': opt.__class__.__name__, 'kind': name,
             'default': None if here else plain(default), 'default_source': here and 'socket.gethostname()',
             'limits': limits, 'secret': bool(opt.secret),
             'deprecated': bool(opt.deprecated_for_removal), 'deprecated_since': opt.deprecated_since,
             'sample_default': plain(opt.sample_default), 'sections': sorted(sections),
             'deprecated_names': older_names(group, opt)}
    if name in ('List', 'Dict'):
        item = getattr(opt.type, 'item_type', None) or getattr(opt.type, 'value_type', None)
        found['item'] = list(kind(item)) if item else None
        found['bounds'] = bool(getattr(opt.type, 'bounds', False))
    if opt.__class__.__name__ in ('MultiOpt', 'MultiStrOpt'):
        found['multi_valued'] = True
    return found


def options_of_glance():
    """Each option once: entry points first, since they say which program reads it; then what is live besides."""
    conf, owners = registry()
    start_glance(conf)
    listed, sections, projects = {}, {}, {}
    for namespace, load in entry_points('oslo.config.opts'):
        if namespace not in OWN and namespace not in LIBRARIES:
            continue
        for group, opts in attempt(called, load) or ():
            group = getattr(group, 'name', group) or 'DEFAULT'
            if namespace == 'glance.multi_store' and group not in ('DEFAULT', 'glance_store'):
                group = '<backend>'  # the sample file shows one example for each driver
            if namespace == 'oslo.config' and group != 'DEFAULT':
                continue  # examples of sections that config_source names
            for opt in opts:
                key = (group, opt.dest)
                listed.setdefault(key, opt)
                if namespace in LIBRARIES or group == 'profiler':
                    projects.setdefault(key, 'osprofiler' if group == 'profiler' else library(namespace))
                else:
                    sections.setdefault(key, set()).add(OWN[namespace])
    registered = {}
    for group, opt, default in live(conf):
        registered.setdefault((group, opt.dest), (opt, default))
    rows = []
    for key in sorted(set(listed) | set(registered)):
        opt, default = registered.get(key) or (listed[key], listed[key].default)
        owner = owners.get(key, '')
        own = key in sections or key[0] == '<backend>' or (
            owner in ('glance', 'glance_store') and key not in projects)
        project = 'glance' if own and key not in projects else projects.get(key) or PROJECTS.get(owner, owner)
        sample_only = own and key not in registered and key[0] != '<backend>' and not sections[key] - {'api', 'image_import'}
        if sample_only or opt.__class__.__name__ in NO_OPTIONS or project in ('', '__main__'):
            continue
        rows.append(dict(describe(project, key[0], opt, default, sections.get(key, ('api',) if own else ())),
                         registered=key in registered))
    return with_stores(rows) + plugin_options(rows)


def with_stores(rows):
    """An option of [glance_store] that a store's own section takes too says so, instead of being there twice."""
    backend = {row['name'] for row in rows if row['group'] == '<backend>'}
    fallback = set()
    own = {row['name'] for row in rows if row['group'] == 'glance_store'}
    driver = attempt(importlib.import_module, 'glance_store.driver')
    if hasattr(driver, 'SHARED_CONF_GROUP'):
        fallback = backend  # registered when a store is opened, which needs the store
    for row in rows:
        if row['group'] == 'glance_store':
            row['also_groups'] = [group for group, names in (('<backend>', backend), ('backend_defaults', fallback))
                                  if row['name'] in names]
    return [row for row in rows if row['group'] != '<backend>' or row['name'] not in own]


def library(namespace):
    """The package behind an entry point's name: oslo.middleware.cors is a part of oslo.middleware."""
    words = namespace.split('.')
    return '.'.join(words[:2]) if words[0] == 'oslo' else words[0].replace('_', '-')


def plugin_options(rows):
    """What keystoneauth1's own plugins add to each group with an auth_type; no entry point can list these."""
    from keystoneauth1 import loading
    groups = {row['group'] for row in rows if row['name'] == 'auth_section'}
    taken = {(row['group'], row['name']) for row in rows}
    found = {}
    for name in sorted(attempt(loading.get_available_plugin_names) or ()):
        loader = attempt(loading.get_plugin_loader, name)
        for option in attempt(loader.get_options) or () if loader else ():
            opt = option._to_oslo_opt()
            for group in sorted(groups):
                row = dict(describe('keystoneauth1', group, opt, opt.default), registered=False)
                key = (group, opt.dest)
                if key not in taken:
                    # Plugins share options, but not all of an option's older names.
                    names = found.setdefault(key, row)['deprecated_names'] + row['deprecated_names']
                    found[key]['deprecated_names'] = sorted(set(names))
    return [found[key] for key in sorted(found)]


def policy_defaults():
    """What [oslo_policy] is while no file says anything, as Glance and its oslo.policy leave it."""
    from oslo_config import cfg
    from oslo_policy import policy as oslo_policy
    default = {opt.dest: value for group, opt, value in live(cfg.CONF) if group == 'oslo_policy'}
    # The option came before enforce_new_defaults; where only that one is left, scope is always enforced.
    always = 'enforce_scope' not in default and 'enforce_new_defaults' in default
    json_is_default = default['policy_file'].endswith('.json')
    return {
        'policy_file': default['policy_file'],
        'in_code': policies_of_glance() is not None,
        'json_fallback': None if json_is_default else hasattr(oslo_policy, 'pick_default_policy_file'),
        'enforce_scope': always or default.get('enforce_scope'),
        'enforce_scope_option': 'enforce_scope' in default,
        'enforce_new_defaults': default.get('enforce_new_defaults'),
    }


def eventlet_server():
    """Whether the program glance-api still is a server of its own."""
    return 'working' if 'eventlet' in inspect.getsource(importlib.import_module('glance.cmd.api')) else 'removed'


def policies_of_glance():
    """Policies in code; a release that ships them as a file has none."""
    module = attempt(importlib.import_module, 'glance.policies')
    return [policy(rule) for rule in module.list_rules()] if module else None


def policy(rule):
    old = getattr(rule, 'deprecated_rule', None)
    since = getattr(rule, 'deprecated_since', None) or getattr(old, 'deprecated_since', None)
    return {
        'name': rule.name,
        'check_str': rule.check_str,
        'deprecated_rule': {'name': old.name, 'check_str': old.check_str, 'since': since} if old else None,
        'deprecated_for_removal': bool(getattr(rule, 'deprecated_for_removal', False)),
        'scope_types': getattr(rule, 'scope_types', None),
        'operations': ['%s %s' % (verb, each['path'])
                       for each in getattr(rule, 'operations', None) or ()
                       for verb in ([each['method']] if isinstance(each['method'], str) else each['method'])],
    }


def api_versions():
    """The versions that the version list is built from, each with the condition around it, read from the source."""
    from glance.api import versions
    source = inspect.getsource(versions)
    lines, rows = source.splitlines(), []

    def text(node):
        if isinstance(node, ast.Attribute):
            return '%s.%s' % (text(node.value), node.attr)
        if isinstance(node, ast.UnaryOp):
            return 'not %s' % text(node.operand)
        if isinstance(node, ast.BoolOp):
            return (' and ' if isinstance(node.op, ast.And) else ' or ').join(text(each) for each in node.values)
        return getattr(node, 'id', '?')

    def number(node):
        """The version as it is written: 2.10 is a float, which is shown as 2.1."""
        if hasattr(node, 's') and isinstance(node.s, str):
            return node.s, 'v' + node.s
        value = getattr(node, 'value', getattr(node, 'n', None))
        written = lines[node.lineno - 1][node.col_offset:]
        return written.split(',')[0].split(')')[0].strip(), 'v%s' % value

    def walk(node, conditions):
        if isinstance(node, ast.If):
            for body, condition in ((node.body, text(node.test)), (node.orelse, 'not ' + text(node.test))):
                for each in body:
                    walk(each, conditions + [condition])
            return
        if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'build_version_object':
            version, reported = number(node.args[0])
            status = getattr(node.args[2], 's', None) or getattr(node.args[2], 'value', None)
            rows.append({'version': version, 'reported_id': reported, 'status': status,
                         'condition': ' and '.join(conditions) or None})
        for each in ast.iter_child_nodes(node):
            walk(each, conditions)

    walk(ast.parse(source), [])
    return rows


def operations():
    """Every operation of the Images API v2 that the release's router knows, by path: GET /v2/images ..."""
    import routes
    from glance.api.v2 import router
    mapper = routes.Mapper()
    router.API(mapper)
    # Glance answers 405 by routes of their own, and one without a method leads to the list of versions.
    found = ((route.routepath.strip('/'), method) for route in mapper.matchlist if route.defaults.get('action') != 'reject'
             for method in (route.conditions or {}).get('method', ()))
    return ['%s /v2/%s' % (method, path) for path, method in sorted(set(found))]


def database():
    """Revisions and data migrations that the package carries; which of them have something to do."""
    versions = importlib.import_module('glance.db.sqlalchemy.alembic_migrations.versions')
    moves = importlib.import_module('glance.db.sqlalchemy.alembic_migrations.data_migrations')
    revisions = sorted(name for _finder, name, _package in pkgutil.iter_modules(versions.__path__))
    return {'revisions': revisions, 'engine': 'alembic', 'head_after_sync': head(versions.__path__),
            'data_migrations': sorted(name for _finder, name, _package in pkgutil.iter_modules(moves.__path__))}


def head(path):
    """Where ``db sync`` ends: the branch without expand and contract as long as there was one, then contract's end."""
    from alembic.script import ScriptDirectory
    scripts = ScriptDirectory(os.path.dirname(path[0]))
    heads = sorted(scripts.get_heads())
    return ([name for name in heads if 'contract' not in name and 'expand' not in name]
            or [name for name in heads if 'contract' in name])[0]


def installed(project):
    """What the package says of itself: version, Python, programs, paste flavors, versions of its libraries."""
    try:
        from importlib import metadata
        package = metadata.distribution(project)
        versions = {each.metadata['Name'].replace('_', '-').lower(): each.version for each in metadata.distributions()}
        requires, files = package.metadata.get('Requires-Python'), [str(name) for name in package.files or ()]
        version = package.version
    except ImportError:  # Python 2.7
        import pkg_resources
        package = pkg_resources.get_distribution(project)
        versions = {each.project_name.replace('_', '-').lower(): each.version for each in pkg_resources.working_set}
        requires, version = None, package.version
        files = [line.split(',')[0] for line in package.get_metadata_lines('RECORD')] \
            if package.has_metadata('RECORD') else []
    programs = sorted(os.path.basename(name) for name in files if '/bin/' in name)
    paste = [name for name in files if name.endswith('glance-api-paste.ini')]
    scripts = [name for name in programs if name.endswith(('-wsgi-api', '-wsgi', '-wsgi-metadata'))]
    return {
        'tag': version,
        'source': 'installed package',
        'python': {'requires_python': requires},
        # A distribution's package does not say which files came from where.
        'console_scripts': [name for name in programs if name not in scripts] if programs else None,
        'wsgi_scripts': scripts if programs else None,
        'paste_flavors': flavors(os.path.join(sys.prefix, 'etc', 'glance', os.path.basename(paste[0]))) if paste else None,
        'libraries': {name: versions[name] for name in sorted(versions) if name.startswith(
            ('oslo.', 'glance-store', 'keystoneauth1', 'keystonemiddleware', 'osprofiler', 'castellan', 'os-brick'))},
    }


def flavors(path):
    """Flavors of the shipped paste file: glance-api-keystone is the flavor keystone, glance-api the one without name."""
    if not os.path.exists(path):
        return None
    found = set()
    with open(path) as lines:
        for line in lines:
            words = line.strip().strip('[]').split(':', 1)
            if len(words) == 2 and words[0] in ('pipeline', 'composite') and words[1].startswith('glance-api'):
                name = words[1][len('glance-api'):]
                if not name.endswith(('-cachemanagement-app', '-keystone-app')):
                    found.add(name.lstrip('-'))
    return sorted(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('project', choices=('glance', 'nova'))
    project = parser.parse_args().project
    warnings.simplefilter('ignore')
    logging.disable(logging.CRITICAL)
    printed, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no part of the answer
    facts = installed(project)
    if project == 'glance':
        facts.update(options=options_of_glance(), policies=policies_of_glance(), db=attempt(database),
                     policy_defaults=attempt(policy_defaults), eventlet_server=attempt(eventlet_server),
                     images_api_versions=attempt(api_versions), operations=attempt(operations))
        modules = dict(entry_points('glance.image_import.internal_plugins'))
        facts['import_methods_internal_plugins'] = sorted(modules)
        facts['wsgi_module'] = 'glance.wsgi.api:application' if pkgutil.find_loader('glance.wsgi') else None
    else:
        # The registered options know older names that list_opts() leaves out; a type that is a mere function belongs to
        # a dummy that Nova registers in place of an option that nobody may set.
        conf = importlib.import_module('nova.conf').CONF
        facts['options'] = [describe('nova', 'glance', opt, default, ('nova',))
                            for group, opt, default in live(conf)
                            if group == 'glance' and not isinstance(opt.type, types.FunctionType)]
    json.dump(facts, printed, sort_keys=True)
    printed.write('\n')


if __name__ == '__main__':
    main()
