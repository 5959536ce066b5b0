-- Views for reading. All are cheap for one device (WHERE mac = mac('...')); what reads the journal or all devices says so.
-- No view shows a secret.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

-- 2 when the database is whole. A dump restores a stand-in that says NULL (or 1) before any table and this one after the last, so who
-- reads it in the statement that reads the tables never sees tables of two times. It brings the provider's revision along, which
-- every fetch needs too.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW _complete AS
SELECT 2 AS complete, r.revision FROM layer_revision r WHERE r.layer = 'provider';

-- What counts for each phone (position NULL) and each of its lines, and which layer says so. taken_back_by: the layer whose NULL
-- row took back what lower layers assigned, so that the dictionary's default counts again. No UNION, so that the server can merge it
-- into a query with WHERE mac = mac('...') instead of building it for all phones first.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW effective_setting AS
SELECT d.mac, l.position, s.name,
  COALESCE(CASE WHEN ls.mac IS NOT NULL THEN ls.value
                WHEN acs.tenant_id IS NOT NULL THEN acs.value
                WHEN ds.mac IS NOT NULL THEN ds.value
                WHEN ps.tenant_id IS NOT NULL THEN ps.value
                WHEN ss.tenant_id IS NOT NULL THEN ss.value
                WHEN ts.tenant_id IS NOT NULL THEN ts.value
                WHEN gs.name IS NOT NULL THEN gs.value END, s.default_value) AS value,
  CASE WHEN ls.mac IS NOT NULL THEN IF(ls.value IS NULL, 'default', 'line')
       WHEN acs.tenant_id IS NOT NULL THEN IF(acs.value IS NULL, 'default', 'account')
       WHEN ds.mac IS NOT NULL THEN IF(ds.value IS NULL, 'default', 'device')
       WHEN ps.tenant_id IS NOT NULL THEN IF(ps.value IS NULL, 'default', 'profile')
       WHEN ss.tenant_id IS NOT NULL THEN IF(ss.value IS NULL, 'default', 'site')
       WHEN ts.tenant_id IS NOT NULL THEN IF(ts.value IS NULL, 'default', 'tenant')
       WHEN gs.name IS NOT NULL THEN IF(gs.value IS NULL, 'default', 'provider')
       ELSE 'default' END AS layer,
  CASE WHEN ls.mac IS NOT NULL THEN IF(ls.value IS NULL, 'line', NULL)
       WHEN acs.tenant_id IS NOT NULL THEN IF(acs.value IS NULL, 'account', NULL)
       WHEN ds.mac IS NOT NULL THEN IF(ds.value IS NULL, 'device', NULL)
       WHEN ps.tenant_id IS NOT NULL THEN IF(ps.value IS NULL, 'profile', NULL)
       WHEN ss.tenant_id IS NOT NULL THEN IF(ss.value IS NULL, 'site', NULL)
       WHEN ts.tenant_id IS NOT NULL THEN IF(ts.value IS NULL, 'tenant', NULL)
       WHEN gs.name IS NOT NULL THEN IF(gs.value IS NULL, 'provider', NULL) END AS taken_back_by
FROM device d
JOIN model m ON m.model_id = d.model_id
JOIN line_place p ON p.position <= m.line_count
LEFT JOIN line l ON l.mac = d.mac AND l.position = p.position
JOIN setting s ON s.type <> 'secret' AND s.retired = 0 AND (p.position = 0 OR s.scope = 'line')
LEFT JOIN line_setting ls ON ls.mac = l.mac AND ls.position = l.position AND ls.vendor = '' AND ls.name = s.name
LEFT JOIN account_setting acs ON acs.tenant_id = l.tenant_id AND acs.account_id = l.account_id AND acs.vendor = '' AND acs.name = s.name
LEFT JOIN device_setting ds ON ds.mac = d.mac AND ds.vendor = '' AND ds.name = s.name
LEFT JOIN profile_setting ps ON ps.tenant_id = d.tenant_id AND ps.profile_id = d.profile_id AND ps.vendor = '' AND ps.name = s.name
LEFT JOIN site_setting ss ON ss.tenant_id = d.tenant_id AND ss.site_id = d.site_id AND ss.vendor = '' AND ss.name = s.name
LEFT JOIN tenant_setting ts ON ts.tenant_id = d.tenant_id AND ts.vendor = '' AND ts.name = s.name
LEFT JOIN provider_setting gs ON gs.vendor = '' AND gs.name = s.name
WHERE p.position = 0 OR l.position IS NOT NULL;

-- Raw parameters that reach each phone: of each name the row of the highest layer. value NULL: the template's line is taken away.
-- Give it the 12 digits of a MAC: with WHERE mac = mac('...') the server builds it for all phones first.
-- May show passwords that somebody set as raw parameters, so it is not for the reader.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW effective_parameter AS
SELECT w.mac, w.position, w.vendor, w.name, w.value, w.layer
FROM (
  SELECT r.mac, r.position, r.vendor, r.name, r.value, r.layer,
    ROW_NUMBER() OVER (PARTITION BY r.mac, r.name ORDER BY r.height DESC, r.position) AS place
  FROM (
    SELECT d.mac, NULL AS position, p.vendor, p.name, p.value, 'provider' AS layer, 1 AS height
      FROM device d JOIN model m ON m.model_id = d.model_id JOIN provider_setting p ON p.vendor = m.vendor_id
    UNION ALL
    SELECT d.mac, NULL, p.vendor, p.name, p.value, 'tenant', 2
      FROM device d JOIN model m ON m.model_id = d.model_id
      JOIN tenant_setting p ON p.tenant_id = d.tenant_id AND p.vendor = m.vendor_id
    UNION ALL
    SELECT d.mac, NULL, p.vendor, p.name, p.value, 'site', 3
      FROM device d JOIN model m ON m.model_id = d.model_id
      JOIN site_setting p ON p.tenant_id = d.tenant_id AND p.site_id = d.site_id AND p.vendor = m.vendor_id
    UNION ALL
    SELECT d.mac, NULL, p.vendor, p.name, p.value, 'profile', 4
      FROM device d JOIN model m ON m.model_id = d.model_id
      JOIN profile_setting p ON p.tenant_id = d.tenant_id AND p.profile_id = d.profile_id AND p.vendor = m.vendor_id
    UNION ALL
    SELECT d.mac, NULL, p.vendor, p.name, p.value, 'device', 5
      FROM device d JOIN model m ON m.model_id = d.model_id
      JOIN device_setting p ON p.mac = d.mac AND p.vendor = m.vendor_id
    UNION ALL
    SELECT d.mac, l.position, p.vendor, p.name, p.value, 'account', 6
      FROM device d JOIN model m ON m.model_id = d.model_id JOIN line l ON l.mac = d.mac
      JOIN account_setting p ON p.tenant_id = l.tenant_id AND p.account_id = l.account_id AND p.vendor = m.vendor_id
    UNION ALL
    SELECT d.mac, l.position, p.vendor, p.name, p.value, 'line', 7
      FROM device d JOIN model m ON m.model_id = d.model_id JOIN line l ON l.mac = d.mac
      JOIN line_setting p ON p.mac = l.mac AND p.position = l.position AND p.vendor = m.vendor_id
  ) AS r
) AS w
WHERE w.place = 1;

-- Which secrets are set where, in which form, since when.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW secret_state AS
SELECT 'tenant' AS layer, s.tenant_id, NULL AS mac, NULL AS account_id, s.name,
  IF(s.sealed IS NULL, 'plain', 'sealed') AS form, s.key_id, s.comment, s.created_at, s.changed_at
FROM tenant_secret s
UNION ALL
SELECT 'device', d.tenant_id, s.mac, NULL, s.name,
  IF(s.sealed IS NULL, 'plain', 'sealed'), s.key_id, s.comment, s.created_at, s.changed_at
FROM device_secret s JOIN device d ON d.mac = s.mac
UNION ALL
SELECT 'account', s.tenant_id, NULL, s.account_id, s.name,
  IF(s.sealed IS NULL, 'plain', 'sealed'), s.key_id, s.comment, s.created_at, s.changed_at
FROM account_secret s;

-- Who fetched what, with which result. Times are UTC. Ask with a MAC or a time: the journal is long.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW fetch_history AS
SELECT j.at, j.mac, COALESCE(d.tenant_id, j.tenant_id) AS tenant_id, j.method, j.file, j.status, j.result, j.detail, j.note,
  j.identity, j.address, j.user_agent, j.vendor, j.model, j.firmware, j.bytes, j.duration_us, LOWER(HEX(j.digest)) AS digest
FROM fetch_journal j LEFT JOIN device d ON d.mac = j.mac;

-- Phones that asked and are no device, each with the devices whose MAC differs in one digit (a typing error in the table).
-- Reads the journal's index by MAC.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW unknown_phone AS
SELECT u.mac, o.vendor_id AS vendor, u.first_at, u.last_at, u.requests, j.address AS last_address, j.user_agent AS last_user_agent,
  (SELECT GROUP_CONCAT(n.mac ORDER BY n.mac SEPARATOR ' ')
   FROM mac_digit g STRAIGHT_JOIN device n ON n.mac = CONCAT(LEFT(u.mac, g.place - 1), g.digit, SUBSTRING(u.mac, g.place + 1))
  ) AS similar_devices
FROM (
  SELECT f.mac, MIN(f.at) AS first_at, MAX(f.at) AS last_at, COUNT(*) AS requests
  FROM fetch_journal f LEFT JOIN device d ON d.mac = f.mac
  WHERE f.mac IS NOT NULL AND d.mac IS NULL
  GROUP BY f.mac
) AS u
JOIN fetch_journal j ON j.mac = u.mac AND j.at = u.last_at
  AND j.id = (SELECT MAX(k.id) FROM fetch_journal k WHERE k.mac = u.mac AND k.at = u.last_at)
LEFT JOIN vendor_oui o ON o.oui = LEFT(u.mac, 6);

-- What device_state.inputs is when a device is up to date.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW device_inputs AS
SELECT d.mac, d.tenant_id, d.model_id, d.enabled = 1 AND t.enabled = 1 AS enabled,
  CONCAT(r.revision, tr.revision, COALESCE(sr.revision, X'0000000000000000'), COALESCE(pr.revision, X'0000000000000000'),
         gr.revision, UNHEX(LEFT(f.digest, 32))) AS inputs
FROM device d
JOIN tenant t ON t.tenant_id = d.tenant_id
JOIN device_revision r ON r.mac = d.mac
JOIN layer_revision tr ON tr.layer = CONCAT('tenant/', d.tenant_id)
LEFT JOIN layer_revision sr ON sr.layer = CONCAT('site/', d.tenant_id, '/', d.site_id)
LEFT JOIN layer_revision pr ON pr.layer = CONCAT('profile/', d.tenant_id, '/', d.profile_id)
JOIN layer_revision gr ON gr.layer = 'provider'
LEFT JOIN template_file f ON f.name = '*';

-- Enabled devices that do not have what the database says: a file was delivered with other inputs, or nothing was ever delivered.
-- It may report too much, e.g. a change of a setting that the model does not use; `dialtone lag` renders and is exact.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW device_lag AS
SELECT i.mac, i.tenant_id, i.model_id, s.file, IF(s.inputs IS NULL, 'never delivered', 'changed since') AS reason,
  s.delivered_at, s.last_at, s.result
FROM device_inputs i LEFT JOIN device_state s ON s.mac = i.mac AND s.inputs IS NOT NULL
WHERE i.enabled = 1 AND (s.inputs IS NULL OR NOT s.inputs <=> i.inputs);

-- Devices whose last fetch failed, and why; and devices whose rows cannot work.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW device_problem AS
SELECT d.mac, d.tenant_id, d.model_id, s.file, s.result AS problem, s.detail, s.status, s.last_at, s.delivered_at,
  s.address, s.user_agent
FROM device_state s JOIN device d ON d.mac = s.mac
WHERE s.result NOT IN ('ok', 'not-modified', 'common', 'challenge', 'absent-file', 'unknown-file')
UNION ALL
SELECT d.mac, d.tenant_id, d.model_id, NULL, 'model-mismatch',
  CONCAT('the phone says ', s.model, ', the row says ', d.model_id), s.status, s.last_at, s.delivered_at, s.address, s.user_agent
FROM device_state s JOIN device d ON d.mac = s.mac
WHERE s.model <> '' AND s.model LIKE '%-%' AND s.model <> d.model_id
  AND EXISTS (SELECT 1 FROM model m WHERE m.model_id = s.model)
UNION ALL
SELECT l.mac, l.tenant_id, d.model_id, NULL, 'no-password',
  CONCAT('line ', l.position, ': account ', l.account_id, ' has no sip.password'), NULL, NULL, NULL, NULL, NULL
FROM line l JOIN device d ON d.mac = l.mac
LEFT JOIN account_secret s ON s.tenant_id = l.tenant_id AND s.account_id = l.account_id AND s.name = 'sip.password'
WHERE l.enabled = 1 AND s.name IS NULL
UNION ALL
SELECT l.mac, l.tenant_id, d.model_id, NULL, 'line-beyond-model',
  CONCAT('line ', l.position, ', but ', m.model_id, ' has ', m.line_count), NULL, NULL, NULL, NULL, NULL
FROM line l JOIN device d ON d.mac = l.mac JOIN model m ON m.model_id = d.model_id
WHERE l.position > m.line_count;

CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW device_overview AS
SELECT d.mac, d.tenant_id, d.site_id, d.profile_id, d.model_id, m.vendor_id, d.enabled = 1 AND t.enabled = 1 AS enabled,
  (SELECT COUNT(*) FROM line l WHERE l.mac = d.mac) AS line_rows,
  (SELECT GROUP_CONCAT(CONCAT(l.position, ':', l.account_id) ORDER BY l.position SEPARATOR ' ') FROM line l WHERE l.mac = d.mac) AS accounts,
  (SELECT COUNT(*) FROM line_key k WHERE k.mac = d.mac) AS key_rows,
  (SELECT COUNT(*) FROM device_setting s WHERE s.mac = d.mac) AS setting_rows,
  (SELECT MAX(s.last_at) FROM device_state s WHERE s.mac = d.mac) AS last_at,
  (SELECT MAX(s.delivered_at) FROM device_state s WHERE s.mac = d.mac) AS delivered_at,
  d.previous_until, d.comment, d.created_at, d.changed_at
FROM device d
JOIN tenant t ON t.tenant_id = d.tenant_id
JOIN model m ON m.model_id = d.model_id;
