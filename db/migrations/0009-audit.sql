-- Who changed what, when: one row of `audit` for each row that an account inserted, changed or deleted, written by triggers beside
-- those of 0003-triggers.sql; and who fetched credentials, out of the journal. Both as views, and kept for a time.
--
-- The pattern, a table T with three triggers audit_T_i, audit_T_u and audit_T_d, all AFTER:
--
--   INSERT, DELETE  one INSERT INTO audit with the text of the row, as an expression: calling a procedure here would make LOAD DATA
--                   of many rows half as slow again.
--   UPDATE          DECLARE was, became MEDIUMTEXT; a column, key columns first: IF it differs THEN CALL audit_text(was, became, 'column', OLD.column,
--                   NEW.column) (audit_number for numbers); IF was IS NOT NULL THEN CALL audit_update('T', was, became, key, tenant, mac of OLD, of NEW).
--
-- row_key: the primary key's columns with / between them. A row that has a mac and no tenant_id tells the tenant of its device. The text of
-- a row is `column='text', column=number` of what is not NULL, so that an old_value can be pasted behind UPDATE ... SET to take a change
-- back. An UPDATE names the columns that changed; one that changes nothing, or created_at and changed_at only, writes nothing. One
-- that changes a row's key or tenant is told under both.
--
-- Secrets: their values are never handed to anything here; audit_secret() tells that it is another one, its form and its key. Values
-- of raw parameters and URLs go through audit_masked().
--
-- No foreign keys and no hot row: rows of two transactions lie side by side and lock nothing of each other.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

-- id orders the rows of one microsecond. Columns are as wide as anything that can come: a row that does not fit would refuse the DBA's statement.
CREATE TABLE IF NOT EXISTS audit (
  at         DATETIME(6) NOT NULL COMMENT 'UTC',
  id         BIGINT UNSIGNED NOT NULL,
  login      VARCHAR(384) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'USER(): account and host it came from',
  connection BIGINT UNSIGNED NOT NULL,
  action     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  table_name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  row_key    VARCHAR(768) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL,
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  old_value  MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  new_value  MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  PRIMARY KEY (at, id),
  KEY audit_tenant (tenant_id, at),
  KEY audit_mac (mac, at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='partitioned by month (UTC): CALL audit_partitions'
PARTITION BY RANGE (TO_DAYS(at)) (PARTITION pmax VALUES LESS THAN MAXVALUE);

-- REORGANIZE and DROP PARTITION in keep_partitions()
GRANT ALTER, CREATE, DROP ON audit TO 'dialtone_owner'@'localhost';

DELIMITER //

-- ---------------------------------------------------------------- writing

DROP FUNCTION IF EXISTS audit_tenant//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION audit_tenant(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'of the device that a row hangs on; reads without locks: a deletion has not locked the device, but its revision by now'
BEGIN
  DECLARE its_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;
  SELECT d.tenant_id INTO its_tenant FROM device d WHERE d.mac = the_mac;
  IF its_tenant IS NULL THEN
    -- committed after this transaction's snapshot
    SELECT d.tenant_id INTO its_tenant FROM device d WHERE d.mac = the_mac LOCK IN SHARE MODE;
  END IF;
  RETURN its_tenant;
END//

-- at: NOW() and UTC_TIMESTAMP() say what the session told them by SET timestamp; SYSDATE() does not, but has no form in UTC. login: USER() is
-- who logged in, CURRENT_USER() would be the owner of the trigger.
DROP PROCEDURE IF EXISTS audit_update//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE audit_update(
    the_table VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    was MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    old_key VARCHAR(768) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    old_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    old_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    new_key VARCHAR(768) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    new_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    new_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'a row that gets another key or tenant is told under both'
BEGIN
  IF new_tenant IS NULL AND new_mac IS NOT NULL THEN
    SET new_tenant = audit_tenant(new_mac), old_tenant = IF(old_mac = new_mac, new_tenant, audit_tenant(old_mac));
  END IF;
  IF NOT (old_key <=> new_key AND old_tenant <=> new_tenant) THEN
    INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value, new_value)
      VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
              'update', the_table, old_key, old_tenant, old_mac, was, became);
  END IF;
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'update', the_table, new_key, new_tenant, new_mac, was, became);
END//

-- ---------------------------------------------------------------- what changed, in words

DROP PROCEDURE IF EXISTS audit_text//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE audit_text(
    INOUT was MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    INOUT became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    old_text MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    new_text MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'a column of text or of time that changed'
BEGIN
  SET was = CONCAT_WS(', ', was, CONCAT(name, '=', QUOTE(old_text))), became = CONCAT_WS(', ', became, CONCAT(name, '=', QUOTE(new_text)));
END//

DROP PROCEDURE IF EXISTS audit_number//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE audit_number(
    INOUT was MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    INOUT became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    old_number BIGINT, new_number BIGINT)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  SET was = CONCAT_WS(', ', was, CONCAT(name, '=', COALESCE(old_number, 'NULL'))),
      became = CONCAT_WS(', ', became, CONCAT(name, '=', COALESCE(new_number, 'NULL')));
END//

DROP FUNCTION IF EXISTS audit_masked//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION audit_masked(
    the_vendor VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    the_value TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  RETURNS MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'value=...; (secret) where the name of a raw parameter sounds like one; a password in a URL is taken out. When in doubt it masks.'
BEGIN
  -- a number (Grandstream's P34) says nothing; keys to press are not keys to keep
  IF the_value IS NOT NULL AND the_vendor <> ''
     AND REGEXP_REPLACE(LOWER(the_name), '(line|dss|soft|memory|prg|prog|programm?able|function|expansion|touch|side|top|pound|send|(^|[^a-z])f|(^|[^a-z])d)_?keys?', '')
         REGEXP 'pass|pwd|psw|psk|secret|pin|key|token|hash|ha1|md5|cred|cert|community|auth_?code|^p[0-9]+$' THEN
    RETURN 'value=(secret)';
  END IF;
  RETURN CONCAT('value=', QUOTE(REGEXP_REPLACE(REGEXP_REPLACE(the_value, '://[^/?#]*@', '://(secret)@'),
                                               '(?i)[?&][^=&#]*(pass|pwd|secret|token|key)[^=&#]*=[^&#]*', '?(secret)')));
END//

DROP PROCEDURE IF EXISTS audit_secret//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE audit_secret(
    INOUT was MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    INOUT became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    another TINYINT,
    old_key VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    new_key VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'a secret that is another one, or has another form (a key_id says that it is sealed)'
BEGIN
  SET was = CONCAT_WS(', ', was, IF(another, 'secret=(secret)', NULL),
                      IF(old_key IS NULL, 'form=''plain''', CONCAT('form=''sealed'', key_id=', QUOTE(old_key)))),
      became = CONCAT_WS(', ', became, IF(another, 'secret=(secret)', NULL),
                         IF(new_key IS NULL, 'form=''plain''', CONCAT('form=''sealed'', key_id=', QUOTE(new_key))));
END//

-- ---------------------------------------------------------------- tenant, site, profile, device, account

DROP TRIGGER IF EXISTS audit_tenant_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_i AFTER INSERT ON tenant FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'tenant', NEW.tenant_id, NEW.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('name=', QUOTE(NEW.name)), CONCAT('enabled=', NEW.enabled), CONCAT('plain_http=', NEW.plain_http),
            NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_tenant_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_u AFTER UPDATE ON tenant FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY) THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT NEW.enabled <=> OLD.enabled THEN
    CALL audit_number(was, became, 'enabled', OLD.enabled, NEW.enabled);
  END IF;
  IF NOT NEW.plain_http <=> OLD.plain_http THEN
    CALL audit_number(was, became, 'plain_http', OLD.plain_http, NEW.plain_http);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('tenant', was, became,
      OLD.tenant_id, OLD.tenant_id, NULL,
      NEW.tenant_id, NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_tenant_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_d AFTER DELETE ON tenant FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'tenant', OLD.tenant_id, OLD.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('name=', QUOTE(OLD.name)), CONCAT('enabled=', OLD.enabled), CONCAT('plain_http=', OLD.plain_http),
            NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_site_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_site_i AFTER INSERT ON site FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'site', CONCAT_WS('/', NEW.tenant_id, NEW.site_id), NEW.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('name=', QUOTE(NEW.name)), NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_site_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_site_u AFTER UPDATE ON site FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY) THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('site', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.site_id), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.site_id), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_site_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_site_d AFTER DELETE ON site FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'site', CONCAT_WS('/', OLD.tenant_id, OLD.site_id), OLD.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('name=', QUOTE(OLD.name)), NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_profile_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_profile_i AFTER INSERT ON profile FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'profile', CONCAT_WS('/', NEW.tenant_id, NEW.profile_id), NEW.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('name=', QUOTE(NEW.name)), NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_profile_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_profile_u AFTER UPDATE ON profile FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY) THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('profile', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.profile_id), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.profile_id), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_profile_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_profile_d AFTER DELETE ON profile FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'profile', CONCAT_WS('/', OLD.tenant_id, OLD.profile_id), OLD.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('name=', QUOTE(OLD.name)), NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_device_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_i AFTER INSERT ON device FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'device', NEW.mac, NEW.tenant_id, NEW.mac,
            CONCAT_WS(', ', CONCAT('tenant_id=''', NEW.tenant_id, ''''), CONCAT('site_id=''', NEW.site_id, ''''),
            CONCAT('profile_id=''', NEW.profile_id, ''''), CONCAT('model_id=''', NEW.model_id, ''''), CONCAT('enabled=', NEW.enabled),
            CONCAT('generation=''', NEW.generation, ''''), CONCAT('previous_generation=''', NEW.previous_generation, ''''),
            NULLIF(CONCAT('previous_until=', QUOTE(CONVERT_TZ(NEW.previous_until, @@SESSION.time_zone, '+00:00'))), 'previous_until=NULL'),
            NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_device_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_u AFTER UPDATE ON device FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.site_id <=> OLD.site_id THEN
    CALL audit_text(was, became, 'site_id', OLD.site_id, NEW.site_id);
  END IF;
  IF NOT NEW.profile_id <=> OLD.profile_id THEN
    CALL audit_text(was, became, 'profile_id', OLD.profile_id, NEW.profile_id);
  END IF;
  IF NOT NEW.model_id <=> OLD.model_id THEN
    CALL audit_text(was, became, 'model_id', OLD.model_id, NEW.model_id);
  END IF;
  IF NOT NEW.enabled <=> OLD.enabled THEN
    CALL audit_number(was, became, 'enabled', OLD.enabled, NEW.enabled);
  END IF;
  IF NOT NEW.generation <=> OLD.generation THEN
    CALL audit_text(was, became, 'generation', OLD.generation, NEW.generation);
  END IF;
  IF NOT NEW.previous_generation <=> OLD.previous_generation THEN
    CALL audit_text(was, became, 'previous_generation', OLD.previous_generation, NEW.previous_generation);
  END IF;
  IF NOT NEW.previous_until <=> OLD.previous_until THEN
    CALL audit_text(was, became, 'previous_until', CONVERT_TZ(OLD.previous_until, @@SESSION.time_zone, '+00:00'),
      CONVERT_TZ(NEW.previous_until, @@SESSION.time_zone, '+00:00'));
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('device', was, became,
      OLD.mac, OLD.tenant_id, OLD.mac,
      NEW.mac, NEW.tenant_id, NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_device_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_d AFTER DELETE ON device FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'device', OLD.mac, OLD.tenant_id, OLD.mac,
            CONCAT_WS(', ', CONCAT('tenant_id=''', OLD.tenant_id, ''''), CONCAT('site_id=''', OLD.site_id, ''''),
            CONCAT('profile_id=''', OLD.profile_id, ''''), CONCAT('model_id=''', OLD.model_id, ''''), CONCAT('enabled=', OLD.enabled),
            CONCAT('generation=''', OLD.generation, ''''), CONCAT('previous_generation=''', OLD.previous_generation, ''''),
            NULLIF(CONCAT('previous_until=', QUOTE(CONVERT_TZ(OLD.previous_until, @@SESSION.time_zone, '+00:00'))), 'previous_until=NULL'),
            NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_account_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_account_i AFTER INSERT ON account FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'account', CONCAT_WS('/', NEW.tenant_id, NEW.account_id), NEW.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('sip_user=', QUOTE(NEW.sip_user)), NULLIF(CONCAT('auth_user=', QUOTE(NEW.auth_user)), 'auth_user=NULL'),
            NULLIF(CONCAT('display_name=', QUOTE(NEW.display_name)), 'display_name=NULL'), CONCAT('enabled=', NEW.enabled),
            NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_account_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_account_u AFTER UPDATE ON account FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT CAST(NEW.sip_user AS BINARY) <=> CAST(OLD.sip_user AS BINARY) THEN
    CALL audit_text(was, became, 'sip_user', OLD.sip_user, NEW.sip_user);
  END IF;
  IF NOT CAST(NEW.auth_user AS BINARY) <=> CAST(OLD.auth_user AS BINARY) THEN
    CALL audit_text(was, became, 'auth_user', OLD.auth_user, NEW.auth_user);
  END IF;
  IF NOT CAST(NEW.display_name AS BINARY) <=> CAST(OLD.display_name AS BINARY) THEN
    CALL audit_text(was, became, 'display_name', OLD.display_name, NEW.display_name);
  END IF;
  IF NOT NEW.enabled <=> OLD.enabled THEN
    CALL audit_number(was, became, 'enabled', OLD.enabled, NEW.enabled);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('account', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.account_id), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.account_id), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_account_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_account_d AFTER DELETE ON account FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'account', CONCAT_WS('/', OLD.tenant_id, OLD.account_id), OLD.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('sip_user=', QUOTE(OLD.sip_user)), NULLIF(CONCAT('auth_user=', QUOTE(OLD.auth_user)), 'auth_user=NULL'),
            NULLIF(CONCAT('display_name=', QUOTE(OLD.display_name)), 'display_name=NULL'), CONCAT('enabled=', OLD.enabled),
            NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

-- ---------------------------------------------------------------- lines and keys

DROP TRIGGER IF EXISTS audit_line_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_line_i AFTER INSERT ON line FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'line', CONCAT_WS('/', NEW.mac, NEW.position), NEW.tenant_id, NEW.mac,
            CONCAT_WS(', ', CONCAT('account_id=''', NEW.account_id, ''''), NULLIF(CONCAT('label=', QUOTE(NEW.label)), 'label=NULL'),
            CONCAT('enabled=', NEW.enabled), NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_line_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_line_u AFTER UPDATE ON line FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.mac <=> OLD.mac THEN
    CALL audit_text(was, became, 'mac', OLD.mac, NEW.mac);
  END IF;
  IF NOT NEW.position <=> OLD.position THEN
    CALL audit_number(was, became, 'position', OLD.position, NEW.position);
  END IF;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.account_id <=> OLD.account_id THEN
    CALL audit_text(was, became, 'account_id', OLD.account_id, NEW.account_id);
  END IF;
  IF NOT CAST(NEW.label AS BINARY) <=> CAST(OLD.label AS BINARY) THEN
    CALL audit_text(was, became, 'label', OLD.label, NEW.label);
  END IF;
  IF NOT NEW.enabled <=> OLD.enabled THEN
    CALL audit_number(was, became, 'enabled', OLD.enabled, NEW.enabled);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('line', was, became,
      CONCAT_WS('/', OLD.mac, OLD.position), OLD.tenant_id, OLD.mac,
      CONCAT_WS('/', NEW.mac, NEW.position), NEW.tenant_id, NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_line_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_line_d AFTER DELETE ON line FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'line', CONCAT_WS('/', OLD.mac, OLD.position), OLD.tenant_id, OLD.mac,
            CONCAT_WS(', ', CONCAT('account_id=''', OLD.account_id, ''''), NULLIF(CONCAT('label=', QUOTE(OLD.label)), 'label=NULL'),
            CONCAT('enabled=', OLD.enabled), NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_line_key_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_line_key_i AFTER INSERT ON line_key FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'line_key', CONCAT_WS('/', NEW.mac, NEW.module, NEW.slot), (SELECT d.tenant_id FROM device d WHERE d.mac = NEW.mac), NEW.mac,
            CONCAT_WS(', ', CONCAT('type=''', NEW.type, ''''), CONCAT('line=', NEW.line), NULLIF(CONCAT('value=', QUOTE(NEW.value)), 'value=NULL'),
            NULLIF(CONCAT('label=', QUOTE(NEW.label)), 'label=NULL'),
            NULLIF(CONCAT('extension=', QUOTE(NEW.extension)), 'extension=NULL'),
            NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_line_key_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_line_key_u AFTER UPDATE ON line_key FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.mac <=> OLD.mac THEN
    CALL audit_text(was, became, 'mac', OLD.mac, NEW.mac);
  END IF;
  IF NOT NEW.module <=> OLD.module THEN
    CALL audit_number(was, became, 'module', OLD.module, NEW.module);
  END IF;
  IF NOT NEW.slot <=> OLD.slot THEN
    CALL audit_number(was, became, 'slot', OLD.slot, NEW.slot);
  END IF;
  IF NOT NEW.type <=> OLD.type THEN
    CALL audit_text(was, became, 'type', OLD.type, NEW.type);
  END IF;
  IF NOT NEW.line <=> OLD.line THEN
    CALL audit_number(was, became, 'line', OLD.line, NEW.line);
  END IF;
  IF NOT CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY) THEN
    CALL audit_text(was, became, 'value', OLD.value, NEW.value);
  END IF;
  IF NOT CAST(NEW.label AS BINARY) <=> CAST(OLD.label AS BINARY) THEN
    CALL audit_text(was, became, 'label', OLD.label, NEW.label);
  END IF;
  IF NOT CAST(NEW.extension AS BINARY) <=> CAST(OLD.extension AS BINARY) THEN
    CALL audit_text(was, became, 'extension', OLD.extension, NEW.extension);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('line_key', was, became,
      CONCAT_WS('/', OLD.mac, OLD.module, OLD.slot), NULL, OLD.mac,
      CONCAT_WS('/', NEW.mac, NEW.module, NEW.slot), NULL, NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_line_key_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_line_key_d AFTER DELETE ON line_key FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'line_key', CONCAT_WS('/', OLD.mac, OLD.module, OLD.slot), audit_tenant(OLD.mac), OLD.mac,
            CONCAT_WS(', ', CONCAT('type=''', OLD.type, ''''), CONCAT('line=', OLD.line), NULLIF(CONCAT('value=', QUOTE(OLD.value)), 'value=NULL'),
            NULLIF(CONCAT('label=', QUOTE(OLD.label)), 'label=NULL'),
            NULLIF(CONCAT('extension=', QUOTE(OLD.extension)), 'extension=NULL'),
            NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_profile_key_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_profile_key_i AFTER INSERT ON profile_key FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'profile_key', CONCAT_WS('/', NEW.tenant_id, NEW.profile_id, NEW.module, NEW.slot), NEW.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('type=''', NEW.type, ''''), CONCAT('line=', NEW.line), NULLIF(CONCAT('value=', QUOTE(NEW.value)), 'value=NULL'),
            NULLIF(CONCAT('label=', QUOTE(NEW.label)), 'label=NULL'),
            NULLIF(CONCAT('extension=', QUOTE(NEW.extension)), 'extension=NULL'),
            NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_profile_key_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_profile_key_u AFTER UPDATE ON profile_key FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.profile_id <=> OLD.profile_id THEN
    CALL audit_text(was, became, 'profile_id', OLD.profile_id, NEW.profile_id);
  END IF;
  IF NOT NEW.module <=> OLD.module THEN
    CALL audit_number(was, became, 'module', OLD.module, NEW.module);
  END IF;
  IF NOT NEW.slot <=> OLD.slot THEN
    CALL audit_number(was, became, 'slot', OLD.slot, NEW.slot);
  END IF;
  IF NOT NEW.type <=> OLD.type THEN
    CALL audit_text(was, became, 'type', OLD.type, NEW.type);
  END IF;
  IF NOT NEW.line <=> OLD.line THEN
    CALL audit_number(was, became, 'line', OLD.line, NEW.line);
  END IF;
  IF NOT CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY) THEN
    CALL audit_text(was, became, 'value', OLD.value, NEW.value);
  END IF;
  IF NOT CAST(NEW.label AS BINARY) <=> CAST(OLD.label AS BINARY) THEN
    CALL audit_text(was, became, 'label', OLD.label, NEW.label);
  END IF;
  IF NOT CAST(NEW.extension AS BINARY) <=> CAST(OLD.extension AS BINARY) THEN
    CALL audit_text(was, became, 'extension', OLD.extension, NEW.extension);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('profile_key', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.profile_id, OLD.module, OLD.slot), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.profile_id, NEW.module, NEW.slot), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_profile_key_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_profile_key_d AFTER DELETE ON profile_key FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'profile_key', CONCAT_WS('/', OLD.tenant_id, OLD.profile_id, OLD.module, OLD.slot), OLD.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('type=''', OLD.type, ''''), CONCAT('line=', OLD.line), NULLIF(CONCAT('value=', QUOTE(OLD.value)), 'value=NULL'),
            NULLIF(CONCAT('label=', QUOTE(OLD.label)), 'label=NULL'),
            NULLIF(CONCAT('extension=', QUOTE(OLD.extension)), 'extension=NULL'),
            NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

-- ---------------------------------------------------------------- settings and raw parameters; only raw ones and URLs can hold a password

DROP TRIGGER IF EXISTS audit_provider_setting_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_provider_setting_i AFTER INSERT ON provider_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'provider_setting', CONCAT_WS('/', NULLIF(NEW.vendor, ''), NEW.name), NULL, NULL,
            CONCAT_WS(', ', IF(NEW.vendor = '' AND COALESCE(LOCATE('://', NEW.value), 0) = 0, CONCAT('value=', QUOTE(NEW.value)),
                audit_masked(NEW.vendor, NEW.name, NEW.value)),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_provider_setting_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_provider_setting_u AFTER UPDATE ON provider_setting FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.vendor <=> OLD.vendor THEN
    CALL audit_text(was, became, 'vendor', OLD.vendor, NEW.vendor);
  END IF;
  IF NOT NEW.name <=> OLD.name THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY) THEN
    SET was = CONCAT_WS(', ', was, audit_masked(OLD.vendor, OLD.name, OLD.value)),
        became = CONCAT_WS(', ', became, audit_masked(NEW.vendor, NEW.name, NEW.value));
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('provider_setting', was, became,
      CONCAT_WS('/', NULLIF(OLD.vendor, ''), OLD.name), NULL, NULL,
      CONCAT_WS('/', NULLIF(NEW.vendor, ''), NEW.name), NULL, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_provider_setting_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_provider_setting_d AFTER DELETE ON provider_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'provider_setting', CONCAT_WS('/', NULLIF(OLD.vendor, ''), OLD.name), NULL, NULL,
            CONCAT_WS(', ', IF(OLD.vendor = '' AND COALESCE(LOCATE('://', OLD.value), 0) = 0, CONCAT('value=', QUOTE(OLD.value)),
                audit_masked(OLD.vendor, OLD.name, OLD.value)),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_tenant_setting_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_setting_i AFTER INSERT ON tenant_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'tenant_setting', CONCAT_WS('/', NEW.tenant_id, NULLIF(NEW.vendor, ''), NEW.name), NEW.tenant_id, NULL,
            CONCAT_WS(', ', IF(NEW.vendor = '' AND COALESCE(LOCATE('://', NEW.value), 0) = 0, CONCAT('value=', QUOTE(NEW.value)),
                audit_masked(NEW.vendor, NEW.name, NEW.value)),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_tenant_setting_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_setting_u AFTER UPDATE ON tenant_setting FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.vendor <=> OLD.vendor THEN
    CALL audit_text(was, became, 'vendor', OLD.vendor, NEW.vendor);
  END IF;
  IF NOT NEW.name <=> OLD.name THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY) THEN
    SET was = CONCAT_WS(', ', was, audit_masked(OLD.vendor, OLD.name, OLD.value)),
        became = CONCAT_WS(', ', became, audit_masked(NEW.vendor, NEW.name, NEW.value));
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('tenant_setting', was, became,
      CONCAT_WS('/', OLD.tenant_id, NULLIF(OLD.vendor, ''), OLD.name), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NULLIF(NEW.vendor, ''), NEW.name), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_tenant_setting_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_setting_d AFTER DELETE ON tenant_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'tenant_setting', CONCAT_WS('/', OLD.tenant_id, NULLIF(OLD.vendor, ''), OLD.name), OLD.tenant_id, NULL,
            CONCAT_WS(', ', IF(OLD.vendor = '' AND COALESCE(LOCATE('://', OLD.value), 0) = 0, CONCAT('value=', QUOTE(OLD.value)),
                audit_masked(OLD.vendor, OLD.name, OLD.value)),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_site_setting_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_site_setting_i AFTER INSERT ON site_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'site_setting', CONCAT_WS('/', NEW.tenant_id, NEW.site_id, NULLIF(NEW.vendor, ''), NEW.name), NEW.tenant_id, NULL,
            CONCAT_WS(', ', IF(NEW.vendor = '' AND COALESCE(LOCATE('://', NEW.value), 0) = 0, CONCAT('value=', QUOTE(NEW.value)),
                audit_masked(NEW.vendor, NEW.name, NEW.value)),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_site_setting_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_site_setting_u AFTER UPDATE ON site_setting FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.site_id <=> OLD.site_id THEN
    CALL audit_text(was, became, 'site_id', OLD.site_id, NEW.site_id);
  END IF;
  IF NOT NEW.vendor <=> OLD.vendor THEN
    CALL audit_text(was, became, 'vendor', OLD.vendor, NEW.vendor);
  END IF;
  IF NOT NEW.name <=> OLD.name THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY) THEN
    SET was = CONCAT_WS(', ', was, audit_masked(OLD.vendor, OLD.name, OLD.value)),
        became = CONCAT_WS(', ', became, audit_masked(NEW.vendor, NEW.name, NEW.value));
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('site_setting', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.site_id, NULLIF(OLD.vendor, ''), OLD.name), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.site_id, NULLIF(NEW.vendor, ''), NEW.name), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_site_setting_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_site_setting_d AFTER DELETE ON site_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'site_setting', CONCAT_WS('/', OLD.tenant_id, OLD.site_id, NULLIF(OLD.vendor, ''), OLD.name), OLD.tenant_id, NULL,
            CONCAT_WS(', ', IF(OLD.vendor = '' AND COALESCE(LOCATE('://', OLD.value), 0) = 0, CONCAT('value=', QUOTE(OLD.value)),
                audit_masked(OLD.vendor, OLD.name, OLD.value)),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_profile_setting_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_profile_setting_i AFTER INSERT ON profile_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'profile_setting', CONCAT_WS('/', NEW.tenant_id, NEW.profile_id, NULLIF(NEW.vendor, ''), NEW.name), NEW.tenant_id, NULL,
            CONCAT_WS(', ', IF(NEW.vendor = '' AND COALESCE(LOCATE('://', NEW.value), 0) = 0, CONCAT('value=', QUOTE(NEW.value)),
                audit_masked(NEW.vendor, NEW.name, NEW.value)),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_profile_setting_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_profile_setting_u AFTER UPDATE ON profile_setting FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.profile_id <=> OLD.profile_id THEN
    CALL audit_text(was, became, 'profile_id', OLD.profile_id, NEW.profile_id);
  END IF;
  IF NOT NEW.vendor <=> OLD.vendor THEN
    CALL audit_text(was, became, 'vendor', OLD.vendor, NEW.vendor);
  END IF;
  IF NOT NEW.name <=> OLD.name THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY) THEN
    SET was = CONCAT_WS(', ', was, audit_masked(OLD.vendor, OLD.name, OLD.value)),
        became = CONCAT_WS(', ', became, audit_masked(NEW.vendor, NEW.name, NEW.value));
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('profile_setting', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.profile_id, NULLIF(OLD.vendor, ''), OLD.name), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.profile_id, NULLIF(NEW.vendor, ''), NEW.name), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_profile_setting_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_profile_setting_d AFTER DELETE ON profile_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'profile_setting', CONCAT_WS('/', OLD.tenant_id, OLD.profile_id, NULLIF(OLD.vendor, ''), OLD.name), OLD.tenant_id, NULL,
            CONCAT_WS(', ', IF(OLD.vendor = '' AND COALESCE(LOCATE('://', OLD.value), 0) = 0, CONCAT('value=', QUOTE(OLD.value)),
                audit_masked(OLD.vendor, OLD.name, OLD.value)),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_device_setting_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_setting_i AFTER INSERT ON device_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'device_setting', CONCAT_WS('/', NEW.mac, NULLIF(NEW.vendor, ''), NEW.name),
            (SELECT d.tenant_id FROM device d WHERE d.mac = NEW.mac), NEW.mac,
            CONCAT_WS(', ', IF(NEW.vendor = '' AND COALESCE(LOCATE('://', NEW.value), 0) = 0, CONCAT('value=', QUOTE(NEW.value)),
                audit_masked(NEW.vendor, NEW.name, NEW.value)),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_device_setting_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_setting_u AFTER UPDATE ON device_setting FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.mac <=> OLD.mac THEN
    CALL audit_text(was, became, 'mac', OLD.mac, NEW.mac);
  END IF;
  IF NOT NEW.vendor <=> OLD.vendor THEN
    CALL audit_text(was, became, 'vendor', OLD.vendor, NEW.vendor);
  END IF;
  IF NOT NEW.name <=> OLD.name THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY) THEN
    SET was = CONCAT_WS(', ', was, audit_masked(OLD.vendor, OLD.name, OLD.value)),
        became = CONCAT_WS(', ', became, audit_masked(NEW.vendor, NEW.name, NEW.value));
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('device_setting', was, became,
      CONCAT_WS('/', OLD.mac, NULLIF(OLD.vendor, ''), OLD.name), NULL, OLD.mac,
      CONCAT_WS('/', NEW.mac, NULLIF(NEW.vendor, ''), NEW.name), NULL, NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_device_setting_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_setting_d AFTER DELETE ON device_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'device_setting', CONCAT_WS('/', OLD.mac, NULLIF(OLD.vendor, ''), OLD.name), audit_tenant(OLD.mac), OLD.mac,
            CONCAT_WS(', ', IF(OLD.vendor = '' AND COALESCE(LOCATE('://', OLD.value), 0) = 0, CONCAT('value=', QUOTE(OLD.value)),
                audit_masked(OLD.vendor, OLD.name, OLD.value)),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_account_setting_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_account_setting_i AFTER INSERT ON account_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'account_setting', CONCAT_WS('/', NEW.tenant_id, NEW.account_id, NULLIF(NEW.vendor, ''), NEW.name), NEW.tenant_id, NULL,
            CONCAT_WS(', ', IF(NEW.vendor = '' AND COALESCE(LOCATE('://', NEW.value), 0) = 0, CONCAT('value=', QUOTE(NEW.value)),
                audit_masked(NEW.vendor, NEW.name, NEW.value)),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_account_setting_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_account_setting_u AFTER UPDATE ON account_setting FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.account_id <=> OLD.account_id THEN
    CALL audit_text(was, became, 'account_id', OLD.account_id, NEW.account_id);
  END IF;
  IF NOT NEW.vendor <=> OLD.vendor THEN
    CALL audit_text(was, became, 'vendor', OLD.vendor, NEW.vendor);
  END IF;
  IF NOT NEW.name <=> OLD.name THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY) THEN
    SET was = CONCAT_WS(', ', was, audit_masked(OLD.vendor, OLD.name, OLD.value)),
        became = CONCAT_WS(', ', became, audit_masked(NEW.vendor, NEW.name, NEW.value));
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('account_setting', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.account_id, NULLIF(OLD.vendor, ''), OLD.name), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.account_id, NULLIF(NEW.vendor, ''), NEW.name), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_account_setting_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_account_setting_d AFTER DELETE ON account_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'account_setting', CONCAT_WS('/', OLD.tenant_id, OLD.account_id, NULLIF(OLD.vendor, ''), OLD.name), OLD.tenant_id, NULL,
            CONCAT_WS(', ', IF(OLD.vendor = '' AND COALESCE(LOCATE('://', OLD.value), 0) = 0, CONCAT('value=', QUOTE(OLD.value)),
                audit_masked(OLD.vendor, OLD.name, OLD.value)),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_line_setting_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_line_setting_i AFTER INSERT ON line_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'line_setting', CONCAT_WS('/', NEW.mac, NEW.position, NULLIF(NEW.vendor, ''), NEW.name),
            (SELECT d.tenant_id FROM device d WHERE d.mac = NEW.mac), NEW.mac,
            CONCAT_WS(', ', IF(NEW.vendor = '' AND COALESCE(LOCATE('://', NEW.value), 0) = 0, CONCAT('value=', QUOTE(NEW.value)),
                audit_masked(NEW.vendor, NEW.name, NEW.value)),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_line_setting_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_line_setting_u AFTER UPDATE ON line_setting FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.mac <=> OLD.mac THEN
    CALL audit_text(was, became, 'mac', OLD.mac, NEW.mac);
  END IF;
  IF NOT NEW.position <=> OLD.position THEN
    CALL audit_number(was, became, 'position', OLD.position, NEW.position);
  END IF;
  IF NOT NEW.vendor <=> OLD.vendor THEN
    CALL audit_text(was, became, 'vendor', OLD.vendor, NEW.vendor);
  END IF;
  IF NOT NEW.name <=> OLD.name THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY) THEN
    SET was = CONCAT_WS(', ', was, audit_masked(OLD.vendor, OLD.name, OLD.value)),
        became = CONCAT_WS(', ', became, audit_masked(NEW.vendor, NEW.name, NEW.value));
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('line_setting', was, became,
      CONCAT_WS('/', OLD.mac, OLD.position, NULLIF(OLD.vendor, ''), OLD.name), NULL, OLD.mac,
      CONCAT_WS('/', NEW.mac, NEW.position, NULLIF(NEW.vendor, ''), NEW.name), NULL, NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_line_setting_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_line_setting_d AFTER DELETE ON line_setting FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'line_setting', CONCAT_WS('/', OLD.mac, OLD.position, NULLIF(OLD.vendor, ''), OLD.name), audit_tenant(OLD.mac), OLD.mac,
            CONCAT_WS(', ', IF(OLD.vendor = '' AND COALESCE(LOCATE('://', OLD.value), 0) = 0, CONCAT('value=', QUOTE(OLD.value)),
                audit_masked(OLD.vendor, OLD.name, OLD.value)),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

-- ---------------------------------------------------------------- who may have a file

DROP TRIGGER IF EXISTS audit_tenant_policy_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_policy_i AFTER INSERT ON tenant_policy FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'tenant_policy', CONCAT_WS('/', NEW.tenant_id, NEW.policy), NEW.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('token=', NEW.token), CONCAT('password=', NEW.password), CONCAT('certificate=', NEW.certificate),
            CONCAT('network=', NEW.network), NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_tenant_policy_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_policy_u AFTER UPDATE ON tenant_policy FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.policy <=> OLD.policy THEN
    CALL audit_text(was, became, 'policy', OLD.policy, NEW.policy);
  END IF;
  IF NOT NEW.token <=> OLD.token THEN
    CALL audit_number(was, became, 'token', OLD.token, NEW.token);
  END IF;
  IF NOT NEW.password <=> OLD.password THEN
    CALL audit_number(was, became, 'password', OLD.password, NEW.password);
  END IF;
  IF NOT NEW.certificate <=> OLD.certificate THEN
    CALL audit_number(was, became, 'certificate', OLD.certificate, NEW.certificate);
  END IF;
  IF NOT NEW.network <=> OLD.network THEN
    CALL audit_number(was, became, 'network', OLD.network, NEW.network);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('tenant_policy', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.policy), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.policy), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_tenant_policy_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_policy_d AFTER DELETE ON tenant_policy FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'tenant_policy', CONCAT_WS('/', OLD.tenant_id, OLD.policy), OLD.tenant_id, NULL,
            CONCAT_WS(', ', CONCAT('token=', OLD.token), CONCAT('password=', OLD.password), CONCAT('certificate=', OLD.certificate),
            CONCAT('network=', OLD.network), NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_device_policy_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_policy_i AFTER INSERT ON device_policy FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'device_policy', CONCAT_WS('/', NEW.mac, NEW.policy), (SELECT d.tenant_id FROM device d WHERE d.mac = NEW.mac), NEW.mac,
            CONCAT_WS(', ', CONCAT('token=', NEW.token), CONCAT('password=', NEW.password), CONCAT('certificate=', NEW.certificate),
            CONCAT('network=', NEW.network), NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_device_policy_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_policy_u AFTER UPDATE ON device_policy FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.mac <=> OLD.mac THEN
    CALL audit_text(was, became, 'mac', OLD.mac, NEW.mac);
  END IF;
  IF NOT NEW.policy <=> OLD.policy THEN
    CALL audit_text(was, became, 'policy', OLD.policy, NEW.policy);
  END IF;
  IF NOT NEW.token <=> OLD.token THEN
    CALL audit_number(was, became, 'token', OLD.token, NEW.token);
  END IF;
  IF NOT NEW.password <=> OLD.password THEN
    CALL audit_number(was, became, 'password', OLD.password, NEW.password);
  END IF;
  IF NOT NEW.certificate <=> OLD.certificate THEN
    CALL audit_number(was, became, 'certificate', OLD.certificate, NEW.certificate);
  END IF;
  IF NOT NEW.network <=> OLD.network THEN
    CALL audit_number(was, became, 'network', OLD.network, NEW.network);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('device_policy', was, became,
      CONCAT_WS('/', OLD.mac, OLD.policy), NULL, OLD.mac,
      CONCAT_WS('/', NEW.mac, NEW.policy), NULL, NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_device_policy_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_policy_d AFTER DELETE ON device_policy FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'device_policy', CONCAT_WS('/', OLD.mac, OLD.policy), audit_tenant(OLD.mac), OLD.mac,
            CONCAT_WS(', ', CONCAT('token=', OLD.token), CONCAT('password=', OLD.password), CONCAT('certificate=', OLD.certificate),
            CONCAT('network=', OLD.network), NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_tenant_network_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_network_i AFTER INSERT ON tenant_network FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'tenant_network', CONCAT_WS('/', NEW.tenant_id, NEW.network), NEW.tenant_id, NULL,
            CONCAT_WS(', ', NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_tenant_network_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_network_u AFTER UPDATE ON tenant_network FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.network <=> OLD.network THEN
    CALL audit_text(was, became, 'network', OLD.network, NEW.network);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('tenant_network', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.network), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.network), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_tenant_network_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_network_d AFTER DELETE ON tenant_network FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'tenant_network', CONCAT_WS('/', OLD.tenant_id, OLD.network), OLD.tenant_id, NULL,
            CONCAT_WS(', ', NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_enrolment_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_enrolment_i AFTER INSERT ON enrolment FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'enrolment', NEW.mac, (SELECT d.tenant_id FROM device d WHERE d.mac = NEW.mac), NEW.mac,
            CONCAT_WS(', ', CONCAT('networks=''', NEW.networks, ''''),
            NULLIF(CONCAT('valid_until=', QUOTE(CONVERT_TZ(NEW.valid_until, @@SESSION.time_zone, '+00:00'))), 'valid_until=NULL'),
            CONCAT('uses=', NEW.uses), CONCAT('opened_at=''', NEW.opened_at, ''''), CONCAT('closed_at=''', NEW.closed_at, ''''),
            NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_enrolment_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_enrolment_u AFTER UPDATE ON enrolment FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.mac <=> OLD.mac THEN
    CALL audit_text(was, became, 'mac', OLD.mac, NEW.mac);
  END IF;
  IF NOT NEW.networks <=> OLD.networks THEN
    CALL audit_text(was, became, 'networks', OLD.networks, NEW.networks);
  END IF;
  IF NOT NEW.valid_until <=> OLD.valid_until THEN
    CALL audit_text(was, became, 'valid_until', CONVERT_TZ(OLD.valid_until, @@SESSION.time_zone, '+00:00'),
      CONVERT_TZ(NEW.valid_until, @@SESSION.time_zone, '+00:00'));
  END IF;
  IF NOT NEW.uses <=> OLD.uses THEN
    CALL audit_number(was, became, 'uses', OLD.uses, NEW.uses);
  END IF;
  IF NOT NEW.opened_at <=> OLD.opened_at THEN
    CALL audit_text(was, became, 'opened_at', OLD.opened_at, NEW.opened_at);
  END IF;
  IF NOT NEW.closed_at <=> OLD.closed_at THEN
    CALL audit_text(was, became, 'closed_at', OLD.closed_at, NEW.closed_at);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('enrolment', was, became,
      OLD.mac, NULL, OLD.mac,
      NEW.mac, NULL, NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_enrolment_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_enrolment_d AFTER DELETE ON enrolment FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'enrolment', OLD.mac, audit_tenant(OLD.mac), OLD.mac,
            CONCAT_WS(', ', CONCAT('networks=''', OLD.networks, ''''),
            NULLIF(CONCAT('valid_until=', QUOTE(CONVERT_TZ(OLD.valid_until, @@SESSION.time_zone, '+00:00'))), 'valid_until=NULL'),
            CONCAT('uses=', OLD.uses), CONCAT('opened_at=''', OLD.opened_at, ''''), CONCAT('closed_at=''', OLD.closed_at, ''''),
            NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_certificate_denied_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_certificate_denied_i AFTER INSERT ON certificate_denied FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'certificate_denied', NEW.sha256, NULL, NULL,
            CONCAT_WS(', ', NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_certificate_denied_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_certificate_denied_u AFTER UPDATE ON certificate_denied FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.sha256 <=> OLD.sha256 THEN
    CALL audit_text(was, became, 'sha256', OLD.sha256, NEW.sha256);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('certificate_denied', was, became,
      OLD.sha256, NULL, NULL,
      NEW.sha256, NULL, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_certificate_denied_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_certificate_denied_d AFTER DELETE ON certificate_denied FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'certificate_denied', OLD.sha256, NULL, NULL,
            CONCAT_WS(', ', NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

-- ---------------------------------------------------------------- secrets: plain is not read here, sealed only to see whether it is another

DROP TRIGGER IF EXISTS audit_tenant_secret_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_secret_i AFTER INSERT ON tenant_secret FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'tenant_secret', CONCAT_WS('/', NEW.tenant_id, NEW.name), NEW.tenant_id, NULL,
            CONCAT_WS(', ', 'secret=(secret)', IF(NEW.sealed IS NULL, 'form=''plain''', CONCAT('form=''sealed'', key_id=''', NEW.key_id, '''')),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_tenant_secret_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_secret_u AFTER UPDATE ON tenant_secret FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.name <=> OLD.name THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT (NEW.version <=> OLD.version AND NEW.sealed <=> OLD.sealed AND NEW.key_id <=> OLD.key_id) THEN
    CALL audit_secret(was, became, NEW.version <> OLD.version, OLD.key_id, NEW.key_id);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('tenant_secret', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.name), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.name), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_tenant_secret_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_tenant_secret_d AFTER DELETE ON tenant_secret FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'tenant_secret', CONCAT_WS('/', OLD.tenant_id, OLD.name), OLD.tenant_id, NULL,
            CONCAT_WS(', ', 'secret=(secret)', IF(OLD.sealed IS NULL, 'form=''plain''', CONCAT('form=''sealed'', key_id=''', OLD.key_id, '''')),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_device_secret_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_secret_i AFTER INSERT ON device_secret FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'device_secret', CONCAT_WS('/', NEW.mac, NEW.name), (SELECT d.tenant_id FROM device d WHERE d.mac = NEW.mac), NEW.mac,
            CONCAT_WS(', ', 'secret=(secret)', IF(NEW.sealed IS NULL, 'form=''plain''', CONCAT('form=''sealed'', key_id=''', NEW.key_id, '''')),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_device_secret_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_secret_u AFTER UPDATE ON device_secret FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.mac <=> OLD.mac THEN
    CALL audit_text(was, became, 'mac', OLD.mac, NEW.mac);
  END IF;
  IF NOT NEW.name <=> OLD.name THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT (NEW.version <=> OLD.version AND NEW.sealed <=> OLD.sealed AND NEW.key_id <=> OLD.key_id) THEN
    CALL audit_secret(was, became, NEW.version <> OLD.version, OLD.key_id, NEW.key_id);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('device_secret', was, became,
      CONCAT_WS('/', OLD.mac, OLD.name), NULL, OLD.mac,
      CONCAT_WS('/', NEW.mac, NEW.name), NULL, NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_device_secret_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_secret_d AFTER DELETE ON device_secret FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'device_secret', CONCAT_WS('/', OLD.mac, OLD.name), audit_tenant(OLD.mac), OLD.mac,
            CONCAT_WS(', ', 'secret=(secret)', IF(OLD.sealed IS NULL, 'form=''plain''', CONCAT('form=''sealed'', key_id=''', OLD.key_id, '''')),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_account_secret_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_account_secret_i AFTER INSERT ON account_secret FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'account_secret', CONCAT_WS('/', NEW.tenant_id, NEW.account_id, NEW.name), NEW.tenant_id, NULL,
            CONCAT_WS(', ', 'secret=(secret)', IF(NEW.sealed IS NULL, 'form=''plain''', CONCAT('form=''sealed'', key_id=''', NEW.key_id, '''')),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_account_secret_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_account_secret_u AFTER UPDATE ON account_secret FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.tenant_id <=> OLD.tenant_id THEN
    CALL audit_text(was, became, 'tenant_id', OLD.tenant_id, NEW.tenant_id);
  END IF;
  IF NOT NEW.account_id <=> OLD.account_id THEN
    CALL audit_text(was, became, 'account_id', OLD.account_id, NEW.account_id);
  END IF;
  IF NOT NEW.name <=> OLD.name THEN
    CALL audit_text(was, became, 'name', OLD.name, NEW.name);
  END IF;
  IF NOT (NEW.version <=> OLD.version AND NEW.sealed <=> OLD.sealed AND NEW.key_id <=> OLD.key_id) THEN
    CALL audit_secret(was, became, NEW.version <> OLD.version, OLD.key_id, NEW.key_id);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('account_secret', was, became,
      CONCAT_WS('/', OLD.tenant_id, OLD.account_id, OLD.name), OLD.tenant_id, NULL,
      CONCAT_WS('/', NEW.tenant_id, NEW.account_id, NEW.name), NEW.tenant_id, NULL);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_account_secret_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_account_secret_d AFTER DELETE ON account_secret FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'account_secret', CONCAT_WS('/', OLD.tenant_id, OLD.account_id, OLD.name), OLD.tenant_id, NULL,
            CONCAT_WS(', ', 'secret=(secret)', IF(OLD.sealed IS NULL, 'form=''plain''', CONCAT('form=''sealed'', key_id=''', OLD.key_id, '''')),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_device_password_i//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_password_i AFTER INSERT ON device_password FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, new_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'insert', 'device_password', NEW.mac, (SELECT d.tenant_id FROM device d WHERE d.mac = NEW.mac), NEW.mac,
            CONCAT_WS(', ', CONCAT('user=', QUOTE(NEW.user)), 'secret=(secret)',
              IF(NEW.sealed IS NULL, 'form=''plain''', CONCAT('form=''sealed'', key_id=''', NEW.key_id, '''')),
              NULLIF(CONCAT('comment=', QUOTE(NEW.comment)), 'comment=NULL')))//

DROP TRIGGER IF EXISTS audit_device_password_u//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_password_u AFTER UPDATE ON device_password FOR EACH ROW
BEGIN
  DECLARE was, became MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT NEW.mac <=> OLD.mac THEN
    CALL audit_text(was, became, 'mac', OLD.mac, NEW.mac);
  END IF;
  IF NOT CAST(NEW.user AS BINARY) <=> CAST(OLD.user AS BINARY) THEN
    CALL audit_text(was, became, 'user', OLD.user, NEW.user);
  END IF;
  IF NOT (NEW.version <=> OLD.version AND NEW.sealed <=> OLD.sealed AND NEW.key_id <=> OLD.key_id) THEN
    CALL audit_secret(was, became, NEW.version <> OLD.version, OLD.key_id, NEW.key_id);
  END IF;
  IF NOT CAST(NEW.comment AS BINARY) <=> CAST(OLD.comment AS BINARY) THEN
    CALL audit_text(was, became, 'comment', OLD.comment, NEW.comment);
  END IF;
  IF was IS NOT NULL THEN
    CALL audit_update('device_password', was, became,
      OLD.mac, NULL, OLD.mac,
      NEW.mac, NULL, NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS audit_device_password_d//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER audit_device_password_d AFTER DELETE ON device_password FOR EACH ROW
  INSERT INTO audit (at, id, login, connection, action, table_name, row_key, tenant_id, mac, old_value)
    VALUES (SYSDATE(6) - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND, UUID_SHORT(), USER(), CONNECTION_ID(),
            'delete', 'device_password', OLD.mac, audit_tenant(OLD.mac), OLD.mac,
            CONCAT_WS(', ', CONCAT('user=', QUOTE(OLD.user)), 'secret=(secret)',
              IF(OLD.sealed IS NULL, 'form=''plain''', CONCAT('form=''sealed'', key_id=''', OLD.key_id, '''')),
              NULLIF(CONCAT('comment=', QUOTE(OLD.comment)), 'comment=NULL')))//

-- ---------------------------------------------------------------- partitions

DROP PROCEDURE IF EXISTS keep_partitions//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE keep_partitions(
    the_table VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin, by_month TINYINT, keep_days INT, ahead_days INT, patience INT)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'partitions of a day or month (UTC) from today to ahead_days ahead; those that are older than keep_days are dropped with their rows'
BEGIN
  -- by the clock, not by SET timestamp: see audit_update
  DECLARE today INT DEFAULT TO_DAYS(SYSDATE() - INTERVAL TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) SECOND);
  DECLARE day_no, day_end, top, waited INT;
  DECLARE bit_of_it TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '';
  DECLARE EXIT HANDLER FOR SQLEXCEPTION
  BEGIN
    SET SESSION lock_wait_timeout = waited;
    RESIGNAL;
  END;
  SET waited = @@SESSION.lock_wait_timeout;
  IF keep_days IS NULL OR keep_days < 1 THEN
    CALL refuse(CONCAT('keep_days: ', shown(keep_days), ' is below 1'));
  ELSEIF ahead_days IS NULL OR ahead_days NOT BETWEEN 1 AND 366 THEN
    CALL refuse(CONCAT('ahead_days: ', shown(ahead_days), ' is not between 1 and 366'));
  END IF;
  -- a change of partitions waits for who uses the table in an open transaction, and all others wait behind it: rather fail and be called again
  SET SESSION lock_wait_timeout = patience;

  SELECT MAX(CAST(p.PARTITION_DESCRIPTION AS SIGNED)) INTO top FROM information_schema.PARTITIONS p
  WHERE p.TABLE_SCHEMA = DATABASE() AND p.TABLE_NAME = the_table AND p.PARTITION_DESCRIPTION <> 'MAXVALUE';
  SET day_no = GREATEST(COALESCE(top, today), today);
  WHILE day_no <= today + ahead_days DO
    SET day_end = IF(by_month, TO_DAYS(LAST_DAY(FROM_DAYS(day_no))), day_no) + 1;
    SET bit_of_it = CONCAT(bit_of_it, 'PARTITION p', DATE_FORMAT(FROM_DAYS(day_no), '%Y%m%d'), ' VALUES LESS THAN (', day_end, '), ');
    SET day_no = day_end;
  END WHILE;
  IF bit_of_it <> '' THEN
    SET @dialtone_ddl = CONCAT('ALTER TABLE ', the_table, ' REORGANIZE PARTITION pmax INTO (', bit_of_it,
                               'PARTITION pmax VALUES LESS THAN MAXVALUE)');
    PREPARE dialtone_ddl FROM @dialtone_ddl;
    EXECUTE dialtone_ddl;
    DEALLOCATE PREPARE dialtone_ddl;
  END IF;

  -- 90 at most: GROUP_CONCAT is cut at 1,024 bytes on some servers; the next call drops the rest
  SELECT GROUP_CONCAT(x.PARTITION_NAME) INTO bit_of_it
  FROM (SELECT p.PARTITION_NAME FROM information_schema.PARTITIONS p
        WHERE p.TABLE_SCHEMA = DATABASE() AND p.TABLE_NAME = the_table AND p.PARTITION_DESCRIPTION <> 'MAXVALUE'
          AND CAST(p.PARTITION_DESCRIPTION AS SIGNED) <= today - keep_days
        ORDER BY p.PARTITION_ORDINAL_POSITION LIMIT 90) AS x;
  IF bit_of_it IS NOT NULL THEN
    SET @dialtone_ddl = CONCAT('ALTER TABLE ', the_table, ' DROP PARTITION ', bit_of_it);
    PREPARE dialtone_ddl FROM @dialtone_ddl;
    EXECUTE dialtone_ddl;
    DEALLOCATE PREPARE dialtone_ddl;
  END IF;
  SET @dialtone_ddl = NULL;
  SET SESSION lock_wait_timeout = waited;
END//

-- As in 0005-procedures.sql, from the common part.
DROP PROCEDURE IF EXISTS journal_partitions//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE journal_partitions(keep_days INT, ahead_days INT)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'one partition a day (UTC) from today to ahead_days ahead; older ones than keep_days are dropped with their rows'
BEGIN
  CALL keep_partitions('fetch_journal', 0, keep_days, ahead_days, 5);
  -- the state of devices that are gone
  DELETE FROM device_state
    WHERE mac > '' AND last_at < UTC_TIMESTAMP() - INTERVAL keep_days DAY AND NOT EXISTS (SELECT 1 FROM device d WHERE d.mac = device_state.mac);
  DELETE FROM journal_loss WHERE at < UTC_TIMESTAMP() - INTERVAL keep_days DAY;
END//

-- By month: every partition costs every statement that writes here (with 367 of them LOAD DATA took half as long again). Every open
-- transaction that changed something uses the table, so this does not wait at all where a server allows that: nobody stands in a queue
-- behind it. Not for DBAs, and not below 30 days: whoever can take back the trail can do what they want.
DROP PROCEDURE IF EXISTS audit_partitions//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE audit_partitions(keep_days INT, ahead_days INT)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'the same for audit, by month: rows are kept for up to a month more'
BEGIN
  IF keep_days < 30 THEN
    CALL refuse(CONCAT('keep_days: ', shown(keep_days), ' is below 30'));
  END IF;
  CALL keep_partitions('audit', 1, keep_days, ahead_days, IF(VERSION() LIKE '%MariaDB%', 0, 1));
END//

DELIMITER ;

-- ---------------------------------------------------------------- views

-- Who changed what. Times are UTC. Ask with a tenant, a MAC or a time.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW audit_trail AS
SELECT a.at, LEFT(a.login, CHAR_LENGTH(a.login) - CHAR_LENGTH(SUBSTRING_INDEX(a.login, '@', -1)) - 1) AS account,
  SUBSTRING_INDEX(a.login, '@', -1) AS host, a.connection, a.action, a.table_name, a.row_key, a.tenant_id, a.mac, a.old_value, a.new_value, a.id
FROM audit a;

-- Who got a file with credentials in it (200), or was told that the one it has is still right (304). A common file holds none: its 304 is told from
-- a device file's by device_state, which knows the device files only. tenant_id is the one at that time. Times are UTC. Ask with a MAC or a time.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW credential_fetches AS
SELECT j.at, j.mac, j.tenant_id, j.file, j.status, j.identity, j.address, j.user_agent, j.model, j.firmware, LOWER(HEX(j.digest)) AS digest
FROM fetch_journal j
WHERE j.mac IS NOT NULL AND j.method <> 'HEAD'
  AND (j.result = 'ok' OR (j.result = 'not-modified' AND EXISTS (
    SELECT 1 FROM device_state s WHERE s.mac = j.mac AND s.file = LOWER(j.file) AND s.delivered_at IS NOT NULL)));
