# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the real oslo.config. Speaks JSON lines on standard input and output; runs on Python 2.7 and 3.

Also a module: ``Oslo`` answers in the same process. This file must be able to run from ``python -c``.
"""

from __future__ import print_function

import base64
import json
import logging
import os
import shutil
import sys
import tempfile
import traceback
from types import ModuleType

from oslo_config import cfg, types

PY2 = sys.version_info[0] == 2
logging.disable(logging.CRITICAL)  # a warning for every deprecated name costs more than all else


def native(value):
    """JSON's text as the native str, which is what a service's own source code would hold."""
    if PY2:
        if isinstance(value, dict):
            return {native(key): native(item) for key, item in value.items()}
        if isinstance(value, list):
            return [native(item) for item in value]
        if not isinstance(value, (str, int, float, bool, type(None), list, dict)):
            return value.encode('utf-8')
    return value


def portable(value):
    """A value as JSON that tells the types apart; the bytes of Python 2 become Latin-1."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return {'float': repr(value)}
    if isinstance(value, str):
        return value.decode('latin-1') if PY2 else value
    if isinstance(value, list):
        return [portable(item) for item in value]
    if isinstance(value, dict):
        return {'dict': sorted([portable(key), portable(item)] for key, item in value.items())}
    return {'int': str(value)}


def make_type(spec):
    if not isinstance(spec, dict):
        spec = {'type': spec or 'string'}
    kind = spec['type']
    given = {key: spec[key] for key in ('choices', 'ignore_case', 'regex', 'max_length', 'quotes', 'min', 'max',
                                        'bounds') if spec.get(key) is not None}
    if spec.get('ip_version'):
        given['version'] = spec['ip_version']
    if kind == 'dict':
        given['value_type'] = make_type(spec.get('item_type'))
    if kind == 'list':
        given['item_type'] = make_type(spec.get('item_type'))
    if kind == 'multi':
        return make_type(spec.get('item_type'))
    return {
        'string': types.String, 'multistring': types.MultiString, 'boolean': types.Boolean, 'integer': types.Integer,
        'float': types.Float, 'port': types.Port, 'list': types.List, 'dict': types.Dict, 'ip': types.IPAddress,
        'hostname': types.Hostname, 'hostaddress': types.HostAddress,
    }[kind](**given)


def make_option(spec):
    deprecated = [cfg.DeprecatedOpt(name.split('/', 1)[1], group=name.split('/', 1)[0])
                  for name in spec.get('deprecated', [])]
    kwargs = {'default': spec.get('default'), 'deprecated_opts': deprecated}
    if spec['type'] in ('multi', 'multistring'):
        return cfg.MultiOpt(spec['name'], item_type=make_type(spec), **kwargs)
    return cfg.Opt(spec['name'], type=make_type(spec), **kwargs)


class Oslo(object):
    """oslo.config over file sets, each written to the same directory and removed again."""

    def __init__(self):
        scratch = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
        self.root = os.path.realpath(tempfile.mkdtemp(prefix='glance-fuzz-', dir=scratch))
        self.kept = {name: value for name, value in os.environ.items()
                     if not name.startswith(('OS_', 'SNAP')) and name != 'HOME'}
        self.options = {}
        self.own = None

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def write(self, files):
        """Files as {path below the root: base64}."""
        for name in os.listdir(self.root):
            path = os.path.join(self.root, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        for name, data in files.items():
            path = os.path.join(self.root, name)
            if not os.path.isdir(os.path.dirname(path)):
                os.makedirs(os.path.dirname(path))
            with open(path, 'wb') as stream:
                stream.write(base64.b64decode(data))

    def resolve(self, request):
        """The value or the error of every option of the schema, or the error of the files."""
        self.write(request['files'])
        environ = dict(self.kept, HOME=self.root, **native(request['environ']))
        os.environ.clear()
        os.environ.update(environ)
        conf = cfg.ConfigOpts()
        for spec in request['schema']:
            group = spec['group'] if spec['group'] != 'DEFAULT' else None
            conf.register_opt(self.option(spec), group=group and native(group))
        arguments = [native(argument).replace('ROOT', self.root) for argument in request['arguments']]
        try:
            conf(arguments, project='proj', prog='prog')
        except Exception as error:
            return {'error': '%s: %s' % (type(error).__name__, error)}
        answers = []
        for spec in request['schema']:
            dest = native(spec['name']).replace('-', '_')
            try:
                place = conf if spec['group'] == 'DEFAULT' else conf[native(spec['group'])]
                answers.append({'value': portable(place[dest])})
            except Exception as error:
                answers.append({'error': type(error).__name__})
        return {'answers': answers}

    def install(self, request):
        self.own = Ours(request['sources'])

    def ours(self, request):
        """What our own code on this Python says of the files of the last ``resolve``, or of an edit."""
        return self.own.edit(request) if 'data' in request else self.own.resolve(request, self.root)

    def option(self, spec):
        """Making an option costs more than reading it, and the pool of them is small."""
        key = json.dumps(spec, sort_keys=True)
        if key not in self.options:
            self.options[key] = make_option(native(spec))
        return self.options[key]

    def parse(self, request):
        """The raw values of one file by normalised section, or the error."""
        path = os.path.join(self.root, 'file.conf')
        with open(path, 'wb') as stream:
            stream.write(base64.b64decode(request['data']))
        sections, normalized = {}, {}
        parser = cfg.ConfigParser(path, sections)
        parser._add_normalized(normalized)
        try:
            parser.parse()
        except Exception as error:
            return {'error': '%s: %s' % (type(error).__name__, error)}
        return {'values': sorted([portable(group), portable(option), portable(values)]
                                 for group, options in normalized.items() for option, values in options.items())}


class Ours(object):
    """Our own code on this Python, for hosts have Python 2.7, too."""

    def __init__(self, sources):
        package = 'ansible_collections.stackops.glance.plugins.module_utils'
        name = ''
        for part in package.split('.'):
            name = name + '.' + part if name else part
            sys.modules.setdefault(name, ModuleType(str(name))).__path__ = []
        for part in ('_errors', '_files', '_oslo_parse', '_oslo_types', '_oslo_resolve', '_oslo_edit', '_oslo_ini'):
            module = ModuleType(str(package + '.' + part))
            exec(compile(sources[part].encode('utf-8'), part, 'exec', 0, True), module.__dict__)
            sys.modules[package + '.' + part] = module
            setattr(sys.modules[package], part, module)
        self.ini = module
        self.error = sys.modules[package + '._errors'].GlanceError

    def resolve(self, request, root):
        """The answers of both dialects about the files that lie below the root."""
        answers = {}
        for name in ('newest', 'pike'):
            dialect = self.ini.dialect(name)
            arguments = [argument.replace('ROOT', root) for argument in request['arguments']]
            try:
                found = self.ini.load_sources(self.ini.command_line(arguments, 'proj', 'prog', root, dialect), dialect)
                answers[name] = [self.ini.resolve(found.values, option, request['environ'], request['schema'], dialect)
                                 for option in request['schema']]
            except self.error:
                answers[name] = None
        return answers

    def edit(self, request):
        try:
            after = self.ini.edit(base64.b64decode(request['data']), request['options'], 'file.conf')
        except self.error:
            return None
        return base64.b64encode(after).decode()


def version():
    try:
        import pkg_resources
        return pkg_resources.get_distribution('oslo.config').version
    except Exception:
        from importlib import metadata
        return metadata.version('oslo.config')


def main():
    oslo = Oslo()
    try:
        print(json.dumps({'version': version(), 'python': '%d.%d' % sys.version_info[:2], 'root': oslo.root}))
        sys.stdout.flush()
        while True:
            line = sys.stdin.readline()
            if not line:
                break
            request = json.loads(line)
            try:
                answer = getattr(oslo, request['ask'])(request)
            except Exception:
                answer = {'crash': traceback.format_exc()}
            print(json.dumps(answer))
            sys.stdout.flush()
    finally:
        oslo.close()


if __name__ == '__main__':
    main()
