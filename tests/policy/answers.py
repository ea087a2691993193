# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a release's own Glance decide: run by the Python in which that release is installed, 2.7 too.

Reads a JSON object a line: ``policy`` (text or null) in the file ``name``, ``options``, ``personas``, ``targets`` and
``rules``. Writes for each ``{"admin": [...], "answers": [...]}``: whether each persona is an administrator, and for each
persona, rule and target what the rule alone says and what Glance's own checks make of it.

Everything that has a say is Glance's own: the middleware that makes a context out of Keystone's headers, the enforcer, what
is handed to it, and the checks of the API and of the database's layer.
"""

from __future__ import absolute_import, print_function

import datetime
import inspect
import json
import os
import shutil
import sys
import tempfile
import warnings

warnings.simplefilter('ignore')

import webob  # noqa: E402
from glance import domain  # noqa: E402
from glance.api import policy  # noqa: E402
from glance.api.middleware import context as middleware  # noqa: E402
from glance.common import config, exception, wsgi  # noqa: E402
from glance.db import utils as db_utils  # noqa: E402
from glance.db.sqlalchemy import api as db_api  # noqa: E402
from glance.db.sqlalchemy.metadef_api import namespace as db_namespace  # noqa: E402
from glance.domain import Image, MetadefNamespace  # noqa: E402
from oslo_config import cfg  # noqa: E402

try:
    from glance.api.v2 import image_members
    from glance.api.v2 import policy as api_policy
except ImportError:
    api_policy = image_members = None
try:
    from glance.api import authorization  # whose place the API's own checks take later
except ImportError:
    authorization = None

CONF = cfg.CONF
#: They are here for the options that they register.
REGISTERING = (config, wsgi)
#: What becomes of a circle of rules. Where the stack ends within inspect, that makes a TypeError of it.
CIRCLE = (RuntimeError, TypeError)
# What an enforcer says that does not allow it.
REFUSALS = (exception.Forbidden, RuntimeError, TypeError)
MEMBER_RULES = {'add_member': 'create', 'delete_member': 'delete', 'modify_member': 'update', 'get_member': None,
                'get_members': None}
PLAIN = ('get_images', 'manage_image_cache', 'cache_list', 'cache_clean', 'cache_prune', 'stores_info_detail', 'tasks_api_access',
         'get_task', 'get_tasks', 'add_task', 'modify_task', 'copy_from', 'get_metadef_namespaces',
         'list_metadef_resource_types', 'add_metadef_namespace')
CHANGES = ('modify_image', 'delete_image', 'upload_image', 'publicize_image', 'communitize_image', 'deactivate', 'reactivate',
           'set_image_location', 'delete_image_location')


def context_of(persona, application):
    request = webob.Request.blank('/v2/images')
    headers = {'X-Identity-Status': 'Confirmed', 'X-Roles': ','.join(persona['roles']), 'X-User-Id': persona['user'],
               'X-Project-Id': persona['project'], 'X-Tenant-Id': persona['project'], 'X-Domain-Id': persona['domain'],
               'OpenStack-System-Scope': 'all' if persona['system'] else None,
               'X-Service-Roles': ','.join(persona['service_roles']) or None}
    for name, value in headers.items():
        if value is not None:
            request.headers[name] = str(value)
    application.process_request(request)
    return request.context


def image_of(persona, target):
    """The image as the database's layer makes it for whoever asks."""
    owner = target['owner'] or persona['project'] or 'own-project'
    now = datetime.datetime(2026, 1, 1)
    values = {'name': 'some-name', 'owner': owner, 'visibility': target['visibility'], 'protected': target['protected']}
    if api_policy:
        values['member'] = persona['project'] if target['member'] and owner != persona['project'] else None
    return Image('some-image', 'active', now, now, **values)


def handed(rule, context, image, namespace, enforcer):
    """What this Glance hands to the rule."""
    if rule == 'get_images':
        return {'project_id': context.project_id} if LISTS_BY_PROJECT else {}
    if api_policy is None:
        nothing = rule in PLAIN or 'metadef' in rule or rule.endswith('_image_location')
        return {} if nothing or (rule == 'upload_image' and UPLOADS_WITHOUT_IMAGE) else policy.ImageTarget(image)
    if 'metadef' in rule:
        return api_policy.MetadefAPIPolicy(context, None if rule in PLAIN else namespace, enforcer=enforcer)._target
    if rule in PLAIN:
        return {}
    if rule in MEMBER_RULES:
        return api_policy.MemberAPIPolicy(context, image, enforcer=enforcer)._target
    asked = {'owner': image.owner, 'visibility': image.visibility} if rule == 'add_image' else image
    return api_policy.ImageAPIPolicy(context, asked, enforcer=enforcer)._target


LISTS_BY_PROJECT = api_policy is not None
#: From 16 on an upload is asked for without its image, until the API asks for itself.
UPLOADS_WITHOUT_IMAGE = api_policy is None and 'upload_image' not in inspect.getsource(policy.ImageProxy.set_data)


class Members(object):
    """A repository whose members are whoever is asked for."""

    class Member(object):
        def __init__(self, member_id):
            self.member_id = member_id

    def __init__(self, project):
        self.project = project

    def get(self, member_id):
        return self.Member(member_id)

    def list(self):
        return [self.Member(self.project)]

    def add(self, member, from_state=None):
        pass

    remove = save = add


def permitted(rule, context, persona, target, image, namespace):
    """Whether Glance's own code, its rules left aside, lets this through."""
    record = {'id': 'some-image', 'owner': image.owner, 'visibility': image.visibility}
    if rule == 'add_metadef_namespace' and authorization:
        return made(context, 'MetadefNamespace', 'new_namespace', namespace='some-namespace')
    if rule in PLAIN or rule in ('context_is_admin',):
        return True
    if 'metadef' in rule:
        return metadef_permitted(rule, context, namespace)
    if rule == 'add_image':
        return creation_permitted(context, image)

    def found(*_args, **_kwargs):
        return ['somebody'] if target['member'] else []

    if not db_utils.is_image_visible(context, record, found):
        return False
    if rule in CHANGES:
        if not db_api.is_image_mutable(context, record):
            return False
        return not (rule == 'delete_image' and image.protected)
    if rule in MEMBER_RULES:
        return membership_permitted(rule, context, persona, image)
    return True


#: What a metadata definition is called in a rule, its class, how it is made, and what hides it from those that may not change it.
METADEFS = (('resource_type', 'MetadefResourceType', 'new_resource_type', 'proxy_meta_resource_type'),
            ('propert', 'MetadefProperty', 'new_namespace_property', 'proxy_namespace_property'),
            ('object', 'MetadefObject', 'new_object', 'proxy_object'),
            ('tag', 'MetadefTag', 'new_tag', 'proxy_tag'))


def metadef_permitted(rule, context, namespace):
    if not db_namespace._is_namespace_visible(context, {'owner': namespace.owner, 'visibility': namespace.visibility}):
        return False
    if rule.startswith(('get_', 'list_')):
        return True
    kinds = [kind for kind in METADEFS if kind[0] in rule]
    thing, hide = namespace, 'proxy_namespace'
    if kinds and rule != 'delete_metadef_tags':  # which takes the namespace's word for all its tags
        _name, kind, method, hide = kinds[0]
        more = {'schema': {}} if kind == 'MetadefProperty' else {}
        if rule.startswith('add_'):
            return authorization is None or made(context, kind, method, namespace=namespace, name='some', **more)
        thing = getattr(getattr(domain, kind + 'Factory')(), method)(namespace=namespace, name='some', **more)
    shown = getattr(authorization, hide)(context, thing) if authorization else thing
    if rule.startswith('modify_'):
        return shown is thing
    try:
        shown.delete()
        return True
    except exception.Forbidden:
        return False


def made(context, kind, method, **facts):
    """Whether the factory of this class lets somebody make one."""
    factory = getattr(authorization, kind + 'FactoryProxy')(getattr(domain, kind + 'Factory')(), context)
    try:
        getattr(factory, method)(**facts)
        return True
    except exception.Forbidden:
        return False


def creation_permitted(context, image):
    try:
        if api_policy:
            if asks_for_owners():
                api_policy.check_admin_or_same_owner(context, {'owner': image.owner})
        else:
            factory = authorization.ImageFactoryProxy(Factory(), context)
            factory.new_image(owner=image.owner)
    except (exception.Forbidden, webob.exc.HTTPForbidden):
        return False
    return True


class Factory(object):
    def new_image(self, **kwargs):
        return None


def asks_for_owners():
    """The condition under which the API asks; it stands in the middle of methods that cannot be called apart."""
    if 'enforce_secure_rbac' in CONF:
        return not CONF.enforce_secure_rbac
    scope = getattr(CONF.oslo_policy, 'enforce_scope', False) if 'enforce_scope' in CONF.oslo_policy else False
    return not (CONF.oslo_policy.enforce_new_defaults or scope)


def membership_permitted(rule, context, persona, image):
    try:
        if api_policy:
            image_members.ImageMembersController._check_visibility_and_ownership(
                None, context, image, ownership_check=MEMBER_RULES[rule])
            return True
        members = authorization.ImageMemberRepoProxy(Members(persona['project']), image, context)
        if rule == 'get_members':
            members.list()
        elif rule == 'get_member':
            members.get(persona['project'])
        else:
            method = {'add_member': 'add', 'delete_member': 'remove', 'modify_member': 'save'}[rule]
            getattr(members, method)(Members.Member('owner-is-no-member' if context.owner == image.owner
                                                    else persona['project']))
        return True
    except (exception.Forbidden, webob.exc.HTTPForbidden):
        return False


def enforce(enforcer, context, rule, target):
    try:
        enforcer.enforce(context, rule, target)
        return True
    except REFUSALS:
        return False


def answer(case, directory):
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))
    if case['policy'] is not None:
        with open(os.path.join(directory, case['name']), 'wb') as stream:
            stream.write(case['policy'].encode('utf-8'))
    configuration = os.path.join(directory, 'glance-api.conf')
    with open(configuration, 'w') as stream:
        stream.write('[DEFAULT]\n')
        for name in ('admin_role', 'enforce_secure_rbac'):
            if case['options'].get(name) is not None:
                stream.write('%s = %s\n' % (name, case['options'][name]))
        stream.write('[oslo_policy]\npolicy_file = %s\n' % case['name'])
        for name in ('enforce_scope', 'enforce_new_defaults'):
            if case['options'].get(name) is not None:
                stream.write('%s = %s\n' % (name, case['options'][name]))
    CONF(args=['--config-file', configuration], project='glance', prog='glance-api')
    application = middleware.ContextMiddleware(None)
    enforcer = policy.Enforcer()
    result = {'admin': [], 'answers': []}
    for persona in case['personas']:
        try:
            context = context_of(persona, application)
        except CIRCLE:  # context_is_admin is part of a circle: Glance fails on every request
            result['admin'].append(False)
            result['answers'] += [[False, False]] * (len(case['rules']) * len(case['targets']))
            continue
        result['admin'].append(bool(context.is_admin))
        for rule in case['rules']:
            for target in case['targets']:
                image = image_of(persona, target)
                namespace = MetadefNamespace('id', 'ns', 'name', 'text', image.owner,
                                             'public' if image.visibility == 'public' else 'private', image.protected, None, None)
                said = enforce(enforcer, context, rule, handed(rule, context, image, namespace, enforcer))
                result['answers'].append([said, said and permitted(rule, context, persona, target, image, namespace)])
    return result


def main():
    directory = tempfile.mkdtemp()
    try:
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line), directory)))
            sys.stdout.flush()
    finally:
        shutil.rmtree(directory)


if __name__ == '__main__':
    main()
