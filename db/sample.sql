-- Two invented tenants with a dozen phones, to try things out: `dialtone db init` first, then `mariadb DB < sample.sql`.
-- All in one transaction: either all of it is there or nothing. Every password is made here and now, for its row alone.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
START TRANSACTION;

-- What counts for everybody.
INSERT INTO provider_setting (name, value, comment) VALUES
  ('sip.transport', 'tls', 'all our registrars speak it'),
  ('sip.port', '5061', NULL),
  ('ntp.server', 'ntp.example.net', NULL),
  ('codecs', 'g722,pcma,pcmu', NULL),
  ('provisioning.interval', '1440', 'once a day'),
  ('tls.verify', 'true', NULL);
-- A parameter as one vendor's phones call it, where no setting says it.
INSERT INTO provider_setting (vendor, name, value, comment) VALUES
  ('yealink', 'features.show_default_account', '1', 'raw parameter');

INSERT INTO tenant (tenant_id, name) VALUES
  ('brightwater', 'Brightwater Dental Group'),
  ('kestrel', 'Kestrel Logistik GmbH');
INSERT INTO site (tenant_id, site_id, name) VALUES
  ('brightwater', 'harbour', 'Harbour Street'),
  ('brightwater', 'station', 'Station Road'),
  ('kestrel', 'hamburg', 'Hamburg'),
  ('kestrel', 'madrid', 'Madrid');
INSERT INTO profile (tenant_id, profile_id, name) VALUES
  ('brightwater', 'reception', 'front desks'),
  ('brightwater', 'surgery', 'treatment rooms'),
  ('kestrel', 'office', 'desks'),
  ('kestrel', 'warehouse', 'halls: loud, nobody types');

INSERT INTO tenant_setting (tenant_id, name, value) VALUES
  ('brightwater', 'sip.server', 'sip.brightwater.example'),
  ('brightwater', 'timezone', 'Europe/London'),
  ('brightwater', 'language', 'en'),
  ('brightwater', 'tone.country', 'gb'),
  ('brightwater', 'voicemail.number', '*98'),
  ('kestrel', 'sip.server', 'sip.kestrel.example'),
  ('kestrel', 'timezone', 'Europe/Berlin'),
  ('kestrel', 'language', 'de'),
  ('kestrel', 'tone.country', 'de'),
  -- the registrar's realm is known: phones that take HA1 get no SIP password
  ('kestrel', 'sip.realm', 'sip.kestrel.example'),
  ('kestrel', 'sip.digest', 'md5,sha-256');
INSERT INTO site_setting (tenant_id, site_id, name, value, comment) VALUES
  ('brightwater', 'station', 'network.vlan_id', '120', NULL),
  ('kestrel', 'madrid', 'timezone', 'Europe/Madrid', NULL),
  ('kestrel', 'madrid', 'language', 'es', NULL),
  ('kestrel', 'madrid', 'tone.country', 'es', NULL),
  ('kestrel', 'madrid', 'ntp.server', NULL, 'takes back the provider''s: the dictionary''s default counts');
INSERT INTO profile_setting (tenant_id, profile_id, name, value) VALUES
  ('brightwater', 'surgery', 'call.waiting', 'false'),
  ('kestrel', 'warehouse', 'codecs', 'pcma,pcmu');

INSERT INTO device (mac, tenant_id, site_id, profile_id, model_id, comment) VALUES
  ('80:5E:C0:4A:10:01', 'brightwater', 'harbour', 'reception', 'yealink-t54w', 'any usual spelling of a MAC will do'),
  ('80:5e:c0:4a:10:02', 'brightwater', 'harbour', 'reception', 'yealink-t46u', NULL),
  ('805ec04a1003', 'brightwater', 'harbour', 'surgery', 'yealink-t31g', NULL),
  ('805ec04a1004', 'brightwater', 'station', 'surgery', 'yealink-t33g', NULL),
  ('0c383e5b2001', 'brightwater', 'station', 'reception', 'fanvil-x5u', NULL),
  ('0c383e5b2002', 'brightwater', 'station', 'surgery', 'fanvil-x3s', NULL),
  ('c0:74:ad:6b:10:01', 'brightwater', 'station', 'surgery', 'grandstream-grp2614', 'asks for cfgc074ad6b1001.xml'),
  ('805ec04a3001', 'kestrel', 'hamburg', 'office', 'yealink-t54w', NULL),
  ('805ec04a3002', 'kestrel', 'hamburg', 'office', 'yealink-t46u', NULL),
  ('805ec04a3003', 'kestrel', 'madrid', 'office', 'yealink-t33g', NULL),
  ('0c38.3e5b.4001', 'kestrel', 'hamburg', 'warehouse', 'fanvil-x4u', NULL),
  ('0c383e5b4002', 'kestrel', 'hamburg', 'warehouse', 'fanvil-v64', NULL),
  ('0c383e5b4003', 'kestrel', 'madrid', 'warehouse', 'fanvil-x3s', NULL),
  ('00-04-13-9C-50-01', 'kestrel', 'hamburg', 'office', 'snom-d785', NULL),
  -- a program has no MAC of its own: one of the locally administered range stands for it
  ('0200005c5001', 'kestrel', 'hamburg', NULL, 'linphone-desktop', NULL);

INSERT INTO account (tenant_id, account_id, sip_user, display_name) VALUES
  ('brightwater', '100', '100', 'Reception'),
  ('brightwater', '101', '101', 'Maya Ortiz'),
  ('brightwater', '102', '102', 'Tom O''Neill'),
  ('brightwater', '111', '111', 'Room 1'),
  ('brightwater', '112', '112', 'Room 2'),
  ('brightwater', '121', '121', 'Station desk'),
  ('brightwater', '122', '122', 'Room 3'),
  ('brightwater', '123', '123', 'Room 4'),
  ('kestrel', '20', '20', 'Zentrale'),
  ('kestrel', '21', '21', 'Jörg Müller'),
  ('kestrel', '22', '22', 'Aylin <Einkauf>'),
  ('kestrel', '23', '23', 'Versand'),
  ('kestrel', '24', '24', 'Jens "Jo" Brandt'),
  ('kestrel', '31', '31', 'Núria Peña'),
  ('kestrel', '41', '41', 'Halle 1'),
  ('kestrel', '42', '42', 'Halle 2'),
  ('kestrel', '43', '43', 'Nave Madrid');
INSERT INTO account_secret (tenant_id, account_id, name, plain)
  SELECT a.tenant_id, a.account_id, 'sip.password', LOWER(HEX(RANDOM_BYTES(12))) FROM account a
  WHERE a.tenant_id IN ('brightwater', 'kestrel');
INSERT INTO device_secret (mac, name, plain)
  SELECT d.mac, 'phone.admin_password', LOWER(HEX(RANDOM_BYTES(8))) FROM device d
  WHERE d.tenant_id = 'kestrel' AND d.model_id NOT LIKE 'linphone-%';

-- The tenant of a line is that of its device; nobody needs to say it.
INSERT INTO line (mac, position, account_id, label) VALUES
  ('805ec04a1001', 1, '100', NULL), ('805ec04a1001', 2, '101', 'Maya'),
  ('805ec04a1002', 1, '102', NULL), ('805ec04a1002', 2, '100', 'Reception'),
  ('805ec04a1003', 1, '111', NULL), ('805ec04a1004', 1, '112', NULL),
  ('0c383e5b2001', 1, '121', NULL), ('0c383e5b2002', 1, '122', NULL),
  ('c074ad6b1001', 1, '123', NULL),
  ('805ec04a3001', 1, '20', NULL), ('805ec04a3001', 2, '21', NULL),
  ('0004139c5001', 1, '23', NULL), ('0200005c5001', 1, '24', NULL),
  ('805ec04a3002', 1, '22', NULL), ('805ec04a3003', 1, '31', NULL),
  ('0c383e5b4001', 1, '41', NULL), ('0c383e5b4002', 1, '42', NULL), ('0c383e5b4003', 1, '43', NULL);
INSERT INTO account_setting (tenant_id, account_id, name, value) VALUES
  ('kestrel', '22', 'codecs', 'pcma');
INSERT INTO line_setting (mac, position, name, value) VALUES
  ('805ec04a1001', 2, 'call.auto_answer', 'true');
INSERT INTO device_setting (mac, name, value) VALUES
  ('805ec04a3002', 'language', 'tr'),
  ('805ec04a3002', 'sip.srtp', 'optional'),
  -- phones of the first generation speak no TLS: udp on the port that goes with it
  ('0c383e5b2002', 'sip.transport', 'udp'),
  ('0c383e5b2002', 'sip.port', '5060'),
  ('0c383e5b4003', 'sip.transport', 'udp'),
  ('0c383e5b4003', 'sip.port', '5060'),
  ('805ec04a1002', 'expansion.modules', '1'),
  ('0200005c5001', 'provisioning.url', 'https://provision.example.net/'),
  -- its file could be encrypted next: this tells it the key (doc/security.md)
  ('c074ad6b1001', 'provisioning.encryption_announce', 'true');

-- Keys that every front desk has; the device's own slot wins, and `none` clears one.
INSERT INTO profile_key (tenant_id, profile_id, slot, type, line, value, label) VALUES
  ('brightwater', 'reception', 3, 'blf', 1, '111', 'Room 1'),
  ('brightwater', 'reception', 4, 'blf', 1, '112', 'Room 2'),
  ('brightwater', 'reception', 5, 'park', 1, '701', 'Park'),
  ('kestrel', 'office', 2, 'blf', 1, '20', 'Zentrale');
INSERT INTO line_key (mac, module, slot, type, line, value, label) VALUES
  ('805ec04a1001', 0, 1, 'line', 1, NULL, NULL),
  ('805ec04a1001', 0, 2, 'line', 2, NULL, NULL),
  ('805ec04a1001', 0, 5, 'none', NULL, NULL, NULL),
  ('805ec04a1002', 1, 1, 'blf', 1, '122', 'Room 3'),
  ('805ec04a3001', 0, 1, 'line', 1, NULL, NULL),
  ('0004139c5001', 0, 1, 'line', 1, NULL, NULL),
  ('0004139c5001', 1, 1, 'blf', 1, '21', 'Jörg'),
  ('805ec04a3001', 0, 2, 'speeddial', 1, '+34915550100', 'Madrid'),
  ('0c383e5b4001', 0, 1, 'line', 1, NULL, NULL),
  ('0c383e5b4001', 0, 2, 'blf', 1, '42', 'Halle 2');

COMMIT;
