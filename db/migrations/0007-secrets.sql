-- Secrets at rest, and what the registrar reads: the outbox, which triggers fill and dialtone-courier empties; HA1 values; views for Kamailio and Asterisk.
--
-- An event is one row; two changes make two. So nobody ever waits for another at the outbox, and no change can be lost between a courier's reading and its deleting. A second event for
-- work that is done finds nothing to do.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

-- ---------------------------------------------------------------- outbox

-- No foreign keys: an event may outlive its row. due_at: not to be taken before; a courier that takes a row moves it behind its lease.
CREATE TABLE IF NOT EXISTS outbox (
  id         BIGINT NOT NULL AUTO_INCREMENT,
  kind       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which job: seal, digest',
  subject    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'table',
  key1       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'of its row',
  key2       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  key3       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  due_at     TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  attempts   INT NOT NULL DEFAULT 0,
  last_error VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  PRIMARY KEY (id),
  KEY outbox_of_kind (kind, id),
  KEY outbox_of_row (subject, key1, key2, key3)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='what dialtone-courier has yet to do';

-- ---------------------------------------------------------------- HA1

-- Derived from account, account_secret and the settings sip.realm and sip.digest; made again at any time. HA1 is as good as the password in its realm.
-- A row without realm is a place held by a courier at work. An algorithm that the tenant does not offer has a random value that fits no password: an empty one would be a
-- well-known password for a registrar that does not look. The previous_ columns are a rotation's: what counts besides until previous_until.
CREATE TABLE IF NOT EXISTS account_digest (
  tenant_id            VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id           VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  realm                VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  username             VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  ha1                  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'MD5 of username:realm:password',
  ha1b                 VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'MD5 of username@realm:realm:password',
  ha1_sha256           VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ha1b_sha256          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  version              BINARY(8) NULL COMMENT 'of the secret that they were made of',
  previous_realm       VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  previous_username    VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  previous_ha1         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
  previous_ha1b        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
  previous_ha1_sha256  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  previous_ha1b_sha256 VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  previous_until       TIMESTAMP NULL,
  derived_at           TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, account_id),
  UNIQUE KEY account_digest_user (realm, username),
  KEY account_digest_previous (previous_realm, previous_username)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='derived; may be left out of dumps: dialtone secret derive';

DELIMITER //

DROP PROCEDURE IF EXISTS outbox_add//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE outbox_add(
    the_kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
    the_subject VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    first_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    second_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    third_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'an event for dialtone-courier'
BEGIN
  INSERT INTO outbox (kind, subject, key1, key2, key3) VALUES (the_kind, the_subject, first_key, second_key, third_key);
END//

-- ---------------------------------------------------------------- a plain secret is to be sealed; an account's password changes its HA1

DROP TRIGGER IF EXISTS tenant_secret_outbox_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_secret_outbox_ai AFTER INSERT ON tenant_secret FOR EACH ROW
BEGIN
  IF NEW.plain IS NOT NULL THEN
    CALL outbox_add('seal', 'tenant_secret', NEW.tenant_id, NEW.name, '');
  END IF;
END//

DROP TRIGGER IF EXISTS tenant_secret_outbox_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_secret_outbox_au AFTER UPDATE ON tenant_secret FOR EACH ROW
BEGIN
  IF NEW.plain IS NOT NULL
     AND (OLD.plain IS NULL OR NEW.version <> OLD.version OR NEW.tenant_id <> OLD.tenant_id OR NEW.name <> OLD.name) THEN
    CALL outbox_add('seal', 'tenant_secret', NEW.tenant_id, NEW.name, '');
  END IF;
END//

DROP TRIGGER IF EXISTS device_secret_outbox_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_secret_outbox_ai AFTER INSERT ON device_secret FOR EACH ROW
BEGIN
  IF NEW.plain IS NOT NULL THEN
    CALL outbox_add('seal', 'device_secret', NEW.mac, NEW.name, '');
  END IF;
END//

DROP TRIGGER IF EXISTS device_secret_outbox_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_secret_outbox_au AFTER UPDATE ON device_secret FOR EACH ROW
BEGIN
  IF NEW.plain IS NOT NULL AND (OLD.plain IS NULL OR NEW.version <> OLD.version OR NEW.mac <> OLD.mac OR NEW.name <> OLD.name) THEN
    CALL outbox_add('seal', 'device_secret', NEW.mac, NEW.name, '');
  END IF;
END//

DROP TRIGGER IF EXISTS account_secret_outbox_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_secret_outbox_ai AFTER INSERT ON account_secret FOR EACH ROW
BEGIN
  IF NEW.plain IS NOT NULL THEN
    CALL outbox_add('seal', 'account_secret', NEW.tenant_id, NEW.account_id, NEW.name);
  END IF;
  IF NEW.name = 'sip.password' THEN
    CALL outbox_add('digest', 'account', NEW.tenant_id, NEW.account_id, '');
  END IF;
END//

DROP TRIGGER IF EXISTS account_secret_outbox_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_secret_outbox_au AFTER UPDATE ON account_secret FOR EACH ROW
BEGIN
  DECLARE moved TINYINT DEFAULT NEW.tenant_id <> OLD.tenant_id OR NEW.account_id <> OLD.account_id OR NEW.name <> OLD.name;
  IF NEW.plain IS NOT NULL AND (OLD.plain IS NULL OR NEW.version <> OLD.version OR moved) THEN
    CALL outbox_add('seal', 'account_secret', NEW.tenant_id, NEW.account_id, NEW.name);
  END IF;
  IF moved AND OLD.name = 'sip.password' THEN
    CALL outbox_add('digest', 'account', OLD.tenant_id, OLD.account_id, '');
  END IF;
  IF NEW.name = 'sip.password' AND (moved OR NEW.version <> OLD.version) THEN
    CALL outbox_add('digest', 'account', NEW.tenant_id, NEW.account_id, '');
  END IF;
END//

-- What must no longer be accepted goes at once, not when a courier comes by.
DROP TRIGGER IF EXISTS account_secret_outbox_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_secret_outbox_ad AFTER DELETE ON account_secret FOR EACH ROW
BEGIN
  IF OLD.name = 'sip.password' THEN
    DELETE FROM account_digest WHERE tenant_id = OLD.tenant_id AND account_id = OLD.account_id;
  END IF;
END//

DROP TRIGGER IF EXISTS account_outbox_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_outbox_au AFTER UPDATE ON account FOR EACH ROW
BEGIN
  IF NOT CAST(NEW.sip_user AS BINARY) <=> CAST(OLD.sip_user AS BINARY) OR NOT CAST(NEW.auth_user AS BINARY) <=> CAST(OLD.auth_user AS BINARY) THEN
    CALL outbox_add('digest', 'account', NEW.tenant_id, NEW.account_id, '');
  END IF;
END//

DROP TRIGGER IF EXISTS account_outbox_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_outbox_ad AFTER DELETE ON account FOR EACH ROW
BEGIN
  DELETE FROM account_digest WHERE tenant_id = OLD.tenant_id AND account_id = OLD.account_id;
END//

-- ---------------------------------------------------------------- realm and algorithms: all accounts of the tenant, or of all tenants

DROP PROCEDURE IF EXISTS digest_setting_changed//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE digest_setting_changed(
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_vendor VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
BEGIN
  IF the_vendor = '' AND the_name IN ('sip.realm', 'sip.digest') THEN
    CALL outbox_add('digest', 'account', the_tenant, '', '');
  END IF;
END//

DROP TRIGGER IF EXISTS tenant_setting_outbox_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_setting_outbox_ai AFTER INSERT ON tenant_setting FOR EACH ROW
BEGIN
  CALL digest_setting_changed(NEW.tenant_id, NEW.vendor, NEW.name);
END//

DROP TRIGGER IF EXISTS tenant_setting_outbox_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_setting_outbox_au AFTER UPDATE ON tenant_setting FOR EACH ROW
BEGIN
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.vendor <=> OLD.vendor AND NEW.name <=> OLD.name
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL digest_setting_changed(OLD.tenant_id, OLD.vendor, OLD.name);
    CALL digest_setting_changed(NEW.tenant_id, NEW.vendor, NEW.name);
  END IF;
END//

DROP TRIGGER IF EXISTS tenant_setting_outbox_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_setting_outbox_ad AFTER DELETE ON tenant_setting FOR EACH ROW
BEGIN
  CALL digest_setting_changed(OLD.tenant_id, OLD.vendor, OLD.name);
END//

DROP TRIGGER IF EXISTS provider_setting_outbox_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER provider_setting_outbox_ai AFTER INSERT ON provider_setting FOR EACH ROW
BEGIN
  CALL digest_setting_changed('', NEW.vendor, NEW.name);
END//

DROP TRIGGER IF EXISTS provider_setting_outbox_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER provider_setting_outbox_au AFTER UPDATE ON provider_setting FOR EACH ROW
BEGIN
  IF NOT (NEW.vendor <=> OLD.vendor AND NEW.name <=> OLD.name AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL digest_setting_changed('', OLD.vendor, OLD.name);
    CALL digest_setting_changed('', NEW.vendor, NEW.name);
  END IF;
END//

DROP TRIGGER IF EXISTS provider_setting_outbox_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER provider_setting_outbox_ad AFTER DELETE ON provider_setting FOR EACH ROW
BEGIN
  CALL digest_setting_changed('', OLD.vendor, OLD.name);
END//

DELIMITER ;

-- ---------------------------------------------------------------- what the registrar reads

-- Kamailio's auth_db, with calculate_ha1 = 0. Enabled accounts of enabled tenants only.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW subscriber AS
SELECT g.username, g.realm AS domain, '' AS password, g.ha1, g.ha1b, g.ha1_sha256, g.ha1b_sha256, a.sip_user, g.tenant_id, g.account_id
FROM account_digest g
JOIN account a ON a.tenant_id = g.tenant_id AND a.account_id = g.account_id
JOIN tenant t ON t.tenant_id = g.tenant_id
WHERE g.realm IS NOT NULL AND a.enabled = 1 AND t.enabled = 1;

-- The password before a rotation, while it counts: for a registrar that asks a second table when the first refuses.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW subscriber_previous AS
SELECT g.previous_username AS username, g.previous_realm AS domain, '' AS password, g.previous_ha1 AS ha1, g.previous_ha1b AS ha1b,
  g.previous_ha1_sha256 AS ha1_sha256, g.previous_ha1b_sha256 AS ha1b_sha256, a.sip_user, g.tenant_id, g.account_id
FROM account_digest g
JOIN account a ON a.tenant_id = g.tenant_id AND a.account_id = g.account_id
JOIN tenant t ON t.tenant_id = g.tenant_id
WHERE g.previous_realm IS NOT NULL AND g.previous_until > CURRENT_TIMESTAMP AND a.enabled = 1 AND t.enabled = 1;

-- Asterisk's realtime for PJSIP: auth_type md5 takes MD5 only.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW ps_auths AS
SELECT CONCAT(g.tenant_id, '/', g.account_id) AS id, 'md5' AS auth_type, g.username, g.realm, g.ha1 AS md5_cred, NULL AS password
FROM account_digest g
JOIN account a ON a.tenant_id = g.tenant_id AND a.account_id = g.account_id
JOIN tenant t ON t.tenant_id = g.tenant_id
WHERE g.realm IS NOT NULL AND a.enabled = 1 AND t.enabled = 1;

-- What is on its way, and what went wrong: no secret is in it.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW outbox_state AS
SELECT o.id, o.kind, o.subject, o.key1, o.key2, o.key3, o.created_at, o.due_at, o.attempts, o.last_error
FROM outbox o;
