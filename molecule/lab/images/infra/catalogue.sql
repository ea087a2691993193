-- SPDX-License-Identifier: GPL-3.0-or-later
-- Copyright (c) 2026 stackops.glance contributors
-- The image service as an old cloud's catalogue has it: the internal and admin endpoints still carry a version.
INSERT INTO service (id, type, enabled, extra) VALUES
  ('00000000000000000000000000001a6e', 'image', 1, '{"name": "glance", "description": "OpenStack Image"}');
INSERT INTO endpoint (id, interface, service_id, url, extra, enabled, region_id) VALUES
  ('0000000000000000000000000000e001', 'public', '00000000000000000000000000001a6e', 'http://@INFRA@:9292', '{}', 1, 'RegionOne'),
  ('0000000000000000000000000000e002', 'internal', '00000000000000000000000000001a6e', 'http://@INFRA@:9292/v1', '{}', 1, 'RegionOne'),
  ('0000000000000000000000000000e003', 'admin', '00000000000000000000000000001a6e', 'http://@INFRA@:9292/v1', '{}', 1, 'RegionOne');
