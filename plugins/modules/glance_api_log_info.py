#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_api_log_info
short_description: Read who still speaks v1 of the Images API off the access logs
version_added: 0.1.0
description:
  - Reads the access logs of Glance on a host, and those of the balancer there, and says which clients asked for v1, how
    often, when first and last, and for what; and which span of time the logs cover.
  - It knows the formats of eventlet (C(glance-api) itself), uWSGI, gunicorn (common and combined, as nginx and Apache write
    them as well) and haproxy (C(option httplog)), plain or packed with gzip, rotated by number or date, and the systemd
    journal. What stands before the request in a line, as syslog's or oslo.log's own words or JSON, does not matter.
  - Files of any size are read in blocks and in bounded memory.
  - Times without a zone are the host's local time, as eventlet, uWSGI and haproxy write them. All times in the result are UTC.
  - What Glance and the balancer, or a file and the journal, both wrote down is counted once.
  - Requests that this collection makes itself (it asks Glance whether v1 answers) are left out.
  - It looks for cron jobs and systemd timers as well that run the tools with v1 built in (C(glance-replicator), and
    C(glance-cache-manage) of the releases that speak v1), or that name C(/v1/images) or ask a client for version 1.
  - Not seen are clients that ask for v1 by an C(Accept) header at an address without a version, and requests while no log was
    written. Requests at C(/) and C(/versions) belong to no version.
extends_documentation_fragment:
  - stackops.glance.attributes.info
options:
  files:
    description:
      - The logs to read, as paths or globs, such as V(/var/log/glance/api.log*). Each has its format found out.
      - Left out, the logs are found - as the units and the configuration of C(glance-api) name them (C(log_file), C(log_dir),
        uWSGI's C(logto), gunicorn's C(--access-logfile) ...), in the journal of its units, where packages usually put them,
        and haproxy's on this host. Rotated predecessors belong to them.
      - The registry has a C(/v1) of its own; leave its log out.
    type: list
    elements: str
    default: []
  services:
    description:
      - The units and files of C(glance-api) where they are not the usual ones, each a dictionary with C(name), and with
        C(units), C(config_files) and C(config_dirs) where they are known. It takes what
        P(stackops.glance.survey_services#filter) returns, and leaves services other than C(glance-api) alone.
      - Left out, they are the usual ones of the packages.
    type: list
    elements: dict
  since:
    description:
      - Leave out what was logged earlier, and files that were last written earlier. An ISO 8601 date or time (UTC unless it has
        an offset), or a number of days or hours before now, such as V(8d) or V(36h).
    type: str
  api_versions:
    description:
      - The versions to count. V(v1) alone is about as quick as C(grep) where few requests are for v1. Each request that is
        counted is taken apart, so that a log full of v1, or V(v2) as well, takes many times as long.
      - V(any), alone, counts every request at any path, a balancer's health check too, by the address that connected to Glance
        rather than by the caller behind it. That tells who still reaches Glance itself, and not through a TLS service on its own
        host. Only Glance's own logs are counted then.
    type: list
    elements: str
    choices: [v1, v2, any]
    default: [v1]
seealso:
  - module: stackops.glance.glance_host_info
  - module: stackops.glance.glance_v1_api
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Who asked for v1 lately?
  stackops.glance.glance_api_log_info:
    since: 8d
  register: log

- name: Stop while anyone does
  ansible.builtin.assert:
    that: log.callers == [] and log.covered_days >= 7

- name: Count both versions, in logs that were brought here
  stackops.glance.glance_api_log_info:
    files: ['/srv/logs/ctl1/glance/api.log*', /srv/logs/haproxy.log]
    api_versions: [v1, v2]
'''

RETURN = r'''
span:
  description: Beginning and end of what the logs cover, null where no request was found in any. Gaps may lie between.
  returned: success
  type: dict
  contains:
    from: {description: Its beginning., type: str, sample: '2026-11-13T06:25:01Z'}
    to: {description: Its end., type: str, sample: '2026-11-21T09:59:23Z'}
covered:
  description:
    - The spans of time that the logs vouch for, each with C(from) and C(to). Two files follow each other when at most six hours
      lie between them and no number of the rotation is missing; the same holds for the last line and now.
    - They are those of Glance's own logs; of several units, what all cover. Only where Glance has none, the balancer's count.
  returned: success
  type: list
  elements: dict
covered_days:
  description: The length of these spans together, in days.
  returned: success
  type: float
  sample: 8.149
judged_by:
  description: Whose logs the spans are of, V(glance) or V(proxy); null where none was found.
  returned: success
  type: str
  sample: glance
files:
  description: The logs that were read.
  returned: success
  type: list
  elements: dict
  contains:
    path: {description: The file; for a journal V(journal of UNIT)., type: str, sample: /var/log/glance/api.log.2.gz}
    format:
      description: V(eventlet), V(uwsgi), V(combined) or V(haproxy); null where no line of an access log was found.
      type: str
    from: {description: When its first request was logged., type: str}
    to: {description: When its last request was logged., type: str}
    requests: {description: Requests in it that count here., type: int}
    unreadable: {description: Lines that look like a request for v1 and are in none of the formats., type: int}
    error: {description: "Why it was not read to the end, and what to do; else null.", type: str}
versions:
  description: Requests per version, for the versions asked for.
  returned: success
  type: dict
  sample: {v1: 120}
callers:
  description: Who asked, those with the most requests for v1 first.
  returned: success
  type: list
  elements: dict
  contains:
    client:
      description:
        - The address. Where the server logs the C(X-Forwarded-For) header, as eventlet does, it is the first address there,
          which is the caller's own claim. Text that is no address is shown with control characters replaced.
      type: str
      sample: 192.0.2.31
    via: {description: "The proxy that it came through, where that was logged; else null.", type: str}
    user_agent: {description: "The user agent, where it was logged; else null.", type: str}
    requests: {description: Requests per version., type: dict, sample: {v1: 120}}
    first: {description: When it was first seen., type: str}
    last: {description: When it was last seen., type: str}
    examples: {description: "Up to three requests for v1.", type: list, elements: str, sample: ["GET /v1/images/detail?limit=20"]}
tools:
  description:
    - What runs by schedule and speaks v1. Whether a program does, the catalogue says for the release given with the service, or
      for any release that has v1.
  returned: success
  type: list
  elements: dict
  contains:
    file: {description: The crontab or unit or script., type: str}
    line: {description: The line in it., type: int}
    program: {description: The program., type: str, sample: glance-replicator}
    calls_v1: {description: Whether the line itself says v1., type: bool}
troubles:
  description: What could not be judged, and what to do about it.
  returned: success
  type: list
  elements: str
truncated:
  description: Whether there were more callers than are kept (1000 for each log). Their requests are in RV(versions).
  returned: success
  type: bool
time:
  description: The host's clock, in seconds since 1970.
  returned: success
  type: float
'''

import calendar
import re
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _access_log, _access_log_places
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    from typing import Optional
except ImportError:  # Python 2.7 without the typing backport: the name stands in comments only
    pass


VERSIONS = {'v1': 1, 'v2': 2, 'any': _access_log.ANY}


def moment(text, now):
    # type: (Optional[str], float) -> Optional[float]
    """A time in seconds since 1970. Raises GlanceError."""
    if not text:
        return None
    ago = re.match(r'(\d{1,5}(?:\.\d+)?)([dh])$', text)
    if ago:
        return now - float(ago.group(1)) * (86400 if ago.group(2) == 'd' else 3600)
    match = re.match(r'(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d))?(?:\.\d+)?)?(?:Z|([+-])(\d\d):?(\d\d))?$', text)
    try:
        if match:
            day, minute, second, sign, hours, minutes = match.groups()
            seconds = calendar.timegm(time.strptime(day + ' ' + (minute or '00:00'), '%Y-%m-%d %H:%M')) + int(second or 0)
            offset = int(hours) * 3600 + int(minutes) * 60 if sign else 0
            return float(seconds - offset if sign == '+' else seconds + offset)
    except ValueError:
        pass
    raise GlanceError('since: %s is no time. Give a date such as 2026-11-14, a time such as 2026-11-14T06:00:00Z, or how long '
                      'ago, such as 8d or 36h.' % text)


def main():
    module = AnsibleModule(
        argument_spec={
            'files': {'type': 'list', 'elements': 'str', 'default': []},
            'services': {'type': 'list', 'elements': 'dict'},
            'since': {'type': 'str'},
            'api_versions': {'type': 'list', 'elements': 'str', 'choices': sorted(VERSIONS), 'default': ['v1']},
        },
        supports_check_mode=True,
    )
    now = time.time()
    try:
        services = module.params['services'] or [{'name': 'glance-api', 'units': ['glance-api', 'openstack-glance-api']}]
        for service in services:
            if not service.get('name'):
                raise GlanceError('services: each must have a name, such as glance-api.')
        services = [each for each in services if (each.get('prog') or each['name']) == _access_log_places.PROG]
        since = moment(module.params['since'], now)
        places = _access_log_places.find(services)
        # Logs that somebody names may be another host's: what this one's balancer calls its parts means nothing there.
        named = module.params['files']
        versions = [VERSIONS[name] for name in module.params['api_versions'] or ['v1']]
        if _access_log.ANY in versions and len(set(versions)) > 1:
            raise GlanceError('api_versions: any counts all requests, so it stands alone.')
        reader = _access_log.Reader(versions, since,
                                    [] if named else places['frontends'], now)
        for source in _access_log_places.named(named) if named else places['sources']:
            reader.read(source)
        module.exit_json(changed=False, tools=places['tools'], troubles=[] if named else places['troubles'], time=now,
                         **reader.result())
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == '__main__':
    main()
