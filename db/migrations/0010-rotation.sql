-- Rotation: new tokens, SIP passwords and web passwords for a device, a site or a tenant, that finishes by itself. A row of `rotation` asks for one; dialtone-courier
-- does it in steps, each of which is one transaction with its row of rotation_device or rotation_account, so that it may be broken off at any point.
--
-- States of a device (http, web: account_id is ''; sip: a row for each device that has a line of an account, from when the account has its new password):
--   waiting    has no new secret yet
--   held       the same, until an older change of its token has come to its end: a second new one would lock the phone out
--   made       has the new secret; the phone has not shown that it knows (http: used the new token; sip, web: had a file delivered that was made after the change)
--   finished   it has
--   expired    it had not by rotation.expire_at
--   gone       the device is no longer the tenant's, or has no line of that account any more
--   cancelled  the rotation was cancelled before it got a new secret
-- States of an account (sip):
--   waiting, held, gone, cancelled   as above
--   made       has its new password; the registrar takes the old one too
--   finished   all its phones have the new one, the old one is over
--   over       the time for both was over first, the old one no longer counts; phones that have not come are still looked for
--   skipped    no phone has a line of it, so nobody would learn a new password

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

-- No foreign keys: a rotation is history too, and must hold up no deletion.
CREATE TABLE IF NOT EXISTS rotation (
  id           BIGINT NOT NULL AUTO_INCREMENT,
  tenant_id    VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'filled by trigger where mac is given',
  site_id      VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'only phones of this site',
  mac          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'only this phone',
  what         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'http, sip or web',
  expire_at    TIMESTAMP NULL DEFAULT NULL COMMENT 'phones that have not come by then are given up, and their old secret is over; NULL: never',
  overlap      INT NULL COMMENT 'sip: seconds that the registrar takes the old password too, at most; NULL: [courier] sip_overlap',
  state        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'open' COMMENT 'open, finished, cancelled',
  requested_by VARCHAR(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '' COMMENT 'account, set by trigger',
  requested_at DATETIME NULL COMMENT 'UTC, set by trigger',
  listed_to    VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'how far the list of its devices or accounts is made',
  started_at   DATETIME NULL COMMENT 'UTC',
  listed_at    DATETIME NULL COMMENT 'UTC: all its devices or accounts are listed',
  finished_at  DATETIME NULL COMMENT 'UTC: nothing is left to be done or waited for',
  comment      TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  PRIMARY KEY (id),
  KEY rotation_left (finished_at, id),
  KEY rotation_tenant (tenant_id, id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='INSERT starts one, UPDATE ... SET state = ''cancelled'' stops it';

CREATE TABLE IF NOT EXISTS rotation_device (
  id          BIGINT NOT NULL AUTO_INCREMENT,
  rotation_id BIGINT NOT NULL,
  mac         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id  VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'sip only',
  state       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'waiting',
  due_at      TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'not looked at before',
  generation  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'http: the new one',
  valid_until TIMESTAMP NULL DEFAULT NULL COMMENT 'http: what the old one was given',
  since       BIGINT NULL COMMENT 'rotation_revision.id of the change: a file that was made of this or a later one has the new secret',
  made_at     DATETIME(6) NULL COMMENT 'UTC',
  finished_at DATETIME(6) NULL COMMENT 'UTC',
  last_error  VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  PRIMARY KEY (id),
  UNIQUE KEY rotation_device_one (rotation_id, mac, account_id),
  KEY rotation_device_turn (rotation_id, state, due_at),
  KEY rotation_device_account (rotation_id, account_id, state),
  KEY rotation_device_mac (mac, state)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='how far each device of a rotation is; written by dialtone-courier';

-- The revisions that a device has had since it got a new secret, in their order, while it is waited for: a phone that fetched between two other changes has come all the same.
CREATE TABLE IF NOT EXISTS rotation_revision (
  id       BIGINT NOT NULL AUTO_INCREMENT,
  mac      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision BINARY(8) NOT NULL,
  PRIMARY KEY (id),
  KEY rotation_revision_mac (mac, revision, id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS rotation_account (
  id          BIGINT NOT NULL AUTO_INCREMENT,
  rotation_id BIGINT NOT NULL,
  tenant_id   VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id  VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'waiting',
  due_at      TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'not looked at before',
  valid_until TIMESTAMP NULL DEFAULT NULL COMMENT 'until then the registrar takes the old password too',
  made_at     DATETIME(6) NULL COMMENT 'UTC',
  finished_at DATETIME(6) NULL COMMENT 'UTC',
  last_error  VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  PRIMARY KEY (id),
  UNIQUE KEY rotation_account_one (rotation_id, account_id),
  KEY rotation_account_turn (rotation_id, state, due_at),
  KEY rotation_account_name (tenant_id, account_id, state)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='how far each account of a SIP rotation is; written by dialtone-courier';

DELIMITER //

-- ---------------------------------------------------------------- checks

-- Whether anything of a rotation is left to be done or waited for.
DROP FUNCTION IF EXISTS rotation_left//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION rotation_left(the_id BIGINT)
  RETURNS INT
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE d, a INT DEFAULT 0;
  SELECT COUNT(*) INTO d FROM rotation_device w WHERE w.rotation_id = the_id AND w.state IN ('waiting', 'held', 'made');
  SELECT COUNT(*) INTO a FROM rotation_account w WHERE w.rotation_id = the_id AND w.state IN ('waiting', 'held', 'made');
  RETURN d + a;
END//

-- Where a tenant has no realm, its registrar does not read our rows: only the phones would learn the new password.
DROP PROCEDURE IF EXISTS check_rotation_realm//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_rotation_realm(
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE own, everybodys INT DEFAULT 0;
  DECLARE realm TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  SELECT COUNT(*), MAX(s.value) INTO own, realm FROM tenant_setting s WHERE s.tenant_id = the_tenant AND s.vendor = '' AND s.name = 'sip.realm';
  IF own = 0 THEN
    SELECT COUNT(*), MAX(s.value) INTO everybodys, realm FROM provider_setting s WHERE s.vendor = '' AND s.name = 'sip.realm';
  END IF;
  IF COALESCE(realm, '') = '' THEN
    CALL refuse(CONCAT('tenant ', shown(the_tenant), ' has no sip.realm, so no registrar would learn a new password; set it first'));
  END IF;
END//

DROP PROCEDURE IF EXISTS check_rotation_options//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_rotation_options(
    what VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin, expire_at TIMESTAMP, overlap INT)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  IF YEAR(expire_at) = 0 THEN
    CALL refuse('rotation.expire_at is not a time, e.g. NOW() + INTERVAL 30 DAY; NULL: never');
  ELSEIF overlap IS NOT NULL AND what <> 'sip' THEN
    CALL refuse(CONCAT('rotation.overlap is for sip; for ', what, ' give expire_at'));
  ELSEIF overlap NOT BETWEEN 0 AND 31536000 THEN
    CALL refuse(CONCAT('rotation.overlap is 0 to 31536000 seconds, not ', overlap));
  END IF;
END//

-- ---------------------------------------------------------------- triggers

DROP TRIGGER IF EXISTS rotation_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER rotation_bi BEFORE INSERT ON rotation FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  SET NEW.what = COALESCE(LOWER(TRIM(NEW.what)), ''), NEW.site_id = NULLIF(NEW.site_id, ''), NEW.mac = NULLIF(NEW.mac, '');
  IF NOT NEW.what IN ('http', 'sip', 'web') THEN
    CALL refuse(CONCAT('rotation.what is http, sip or web, not ', shown(NEW.what)));
  END IF;
  IF NEW.mac IS NOT NULL THEN
    CALL find_device(NEW.mac, its_tenant, its_model);
    IF NEW.site_id IS NOT NULL THEN
      CALL refuse('rotation: give site_id or mac, not both');
    ELSEIF NEW.tenant_id = '' THEN
      SET NEW.tenant_id = its_tenant;
    ELSEIF NEW.tenant_id <> its_tenant THEN
      CALL refuse(CONCAT('device ', NEW.mac, ' belongs to tenant ', shown(its_tenant), ', not to ', shown(NEW.tenant_id)));
    END IF;
  ELSEIF NEW.tenant_id = '' THEN
    CALL refuse('rotation: whose? give tenant_id, tenant_id and site_id, or mac');
  END IF;
  CALL find_tenant(NEW.tenant_id);
  IF NEW.site_id IS NOT NULL THEN
    CALL find_site(NEW.tenant_id, NEW.site_id);
  END IF;
  CALL check_rotation_options(NEW.what, NEW.expire_at, NEW.overlap);
  IF NEW.expire_at <= NOW() THEN
    CALL refuse(CONCAT('rotation.expire_at ', NEW.expire_at, ' is over already; phones need time to come'));
  END IF;
  IF NEW.what = 'sip' THEN
    CALL check_rotation_realm(NEW.tenant_id);
  END IF;
  SET NEW.state = 'open', NEW.requested_by = USER(), NEW.requested_at = UTC_TIMESTAMP(), NEW.listed_to = NULL, NEW.started_at = NULL,
      NEW.listed_at = NULL, NEW.finished_at = NULL;
END//

-- Whoever writes: a rotation is finished when nothing is left of it, and not before.
DROP TRIGGER IF EXISTS rotation_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER rotation_bu BEFORE UPDATE ON rotation FOR EACH ROW
BEGIN
  SET NEW.state = COALESCE(LOWER(TRIM(NEW.state)), '');
  IF NOT (NEW.id <=> OLD.id AND NEW.tenant_id <=> OLD.tenant_id AND NEW.site_id <=> OLD.site_id AND NEW.mac <=> OLD.mac AND NEW.what <=> OLD.what
          AND NEW.requested_by <=> OLD.requested_by AND NEW.requested_at <=> OLD.requested_at) THEN
    CALL refuse(CONCAT('rotation ', OLD.id, ' stays what it was asked for: cancel it and insert another'));
  END IF;
  IF OLD.finished_at IS NOT NULL AND NOT (NEW.expire_at <=> OLD.expire_at AND NEW.overlap <=> OLD.overlap AND NEW.state <=> OLD.state) THEN
    CALL refuse(CONCAT('rotation ', OLD.id, ' is over since ', OLD.finished_at, ' UTC: insert another'));
  END IF;
  IF NEW.state <> OLD.state THEN
    IF OLD.state <> 'open' THEN
      CALL refuse(CONCAT('rotation ', OLD.id, ' is ', OLD.state, ' and stays so: insert another'));
    ELSEIF NEW.state = 'finished' THEN
      IF NEW.listed_at IS NULL OR rotation_left(OLD.id) > 0 THEN
        CALL refuse(CONCAT('rotation ', OLD.id, ' finishes by itself; set state to cancelled, or expire_at, to end it'));
      END IF;
    ELSEIF NEW.state <> 'cancelled' THEN
      CALL refuse(CONCAT('rotation.state can be set to cancelled, not to ', shown(NEW.state)));
    END IF;
  END IF;
  CALL check_rotation_options(NEW.what, NEW.expire_at, NEW.overlap);
END//

DROP TRIGGER IF EXISTS rotation_bd//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER rotation_bd BEFORE DELETE ON rotation FOR EACH ROW
BEGIN
  IF OLD.finished_at IS NULL THEN
    CALL refuse(CONCAT('rotation ', OLD.id, ' is not over: set its state to cancelled, and expire_at to NOW() to give up who has not come'));
  END IF;
END//

DROP TRIGGER IF EXISTS rotation_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER rotation_ad AFTER DELETE ON rotation FOR EACH ROW
BEGIN
  DELETE FROM rotation_device WHERE rotation_id = OLD.id;
  DELETE FROM rotation_account WHERE rotation_id = OLD.id;
END//

-- Whoever changes a device holds its revision's row, so these ids are in the order of the revisions. Reads without locks: a transaction that does not see yet that the device is
-- waited for leaves its revision out, and then only the current one is known.
DROP TRIGGER IF EXISTS device_revision_rotation_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_revision_rotation_au AFTER UPDATE ON device_revision FOR EACH ROW
BEGIN
  IF EXISTS (SELECT 1 FROM rotation_device w WHERE w.mac = NEW.mac AND w.state = 'made') THEN
    INSERT INTO rotation_revision (mac, revision) VALUES (NEW.mac, NEW.revision);
  END IF;
END//

DELIMITER ;

-- ---------------------------------------------------------------- views

-- How far each rotation is. Of devices (http, web) or accounts (sip): waiting, held, made, finished; given_up is expired and over; stragglers are phones that have not come.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW rotation_state AS
SELECT r.id, r.tenant_id, r.site_id, r.mac, r.what, r.state, r.requested_by, r.requested_at, r.started_at, r.listed_at, r.finished_at, r.expire_at, r.overlap,
  COALESCE(c.total, 0) AS total, COALESCE(c.waiting, 0) AS waiting, COALESCE(c.held, 0) AS held, COALESCE(c.made, 0) AS made,
  COALESCE(c.finished, 0) AS finished, COALESCE(c.given_up, 0) AS given_up, COALESCE(c.skipped, 0) AS skipped,
  (SELECT COUNT(DISTINCT s.mac) FROM rotation_device s WHERE s.rotation_id = r.id AND s.state = 'made') AS stragglers,
  c.last_error, r.comment
FROM rotation r
LEFT JOIN (
  SELECT w.rotation_id, COUNT(*) AS total, SUM(w.state = 'waiting') AS waiting, SUM(w.state = 'held') AS held, SUM(w.state = 'made') AS made,
    SUM(w.state = 'finished') AS finished, SUM(w.state IN ('expired', 'over')) AS given_up, SUM(w.state IN ('gone', 'skipped', 'cancelled')) AS skipped,
    MAX(w.last_error) AS last_error
  FROM (SELECT x.rotation_id, x.state, x.last_error FROM rotation_device x WHERE x.account_id = ''
        UNION ALL SELECT y.rotation_id, y.state, y.last_error FROM rotation_account y) AS w
  GROUP BY w.rotation_id
) AS c ON c.rotation_id = r.id;

-- Phones that have a new secret and have not shown that they know, and those held back by an older change; those that expired too, until they come after all.
-- since: of the change; valid_until: when the old secret stops to count (2038: never). since and last_seen are UTC.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW rotation_straggler AS
SELECT w.rotation_id, r.what, d.tenant_id, w.mac, NULLIF(w.account_id, '') AS account_id, d.site_id, d.model_id, d.enabled, w.state, w.made_at AS since,
  CASE WHEN r.what = 'http' THEN w.valid_until WHEN r.what = 'sip' THEN (SELECT a.valid_until FROM rotation_account a
    WHERE a.rotation_id = w.rotation_id AND a.account_id = w.account_id) END AS valid_until,
  (SELECT MAX(s.last_at) FROM device_state s WHERE s.mac = w.mac) AS last_seen,
  (SELECT s.address FROM device_state s WHERE s.mac = w.mac ORDER BY s.last_at DESC LIMIT 1) AS address,
  (SELECT s.result FROM device_state s WHERE s.mac = w.mac ORDER BY s.last_at DESC LIMIT 1) AS last_result
FROM rotation_device w
JOIN rotation r ON r.id = w.rotation_id
JOIN device d ON d.mac = w.mac AND d.tenant_id = r.tenant_id
WHERE w.state IN ('made', 'held')
   OR w.state = 'expired' AND w.made_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM device_state s WHERE s.mac = w.mac
        AND (r.what = 'http' AND s.generation = d.generation OR r.what <> 'http' AND s.delivered_at > w.finished_at));

-- Asterisk takes one password only, so the phone goes first: the old one until all its phones have the new one, or the time for both is over (0007 without a rotation).
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW ps_auths AS
SELECT CONCAT(g.tenant_id, '/', g.account_id) AS id, 'md5' AS auth_type,
  CASE WHEN g.previous_realm IS NOT NULL AND g.previous_until > CURRENT_TIMESTAMP THEN g.previous_username ELSE g.username END AS username,
  CASE WHEN g.previous_realm IS NOT NULL AND g.previous_until > CURRENT_TIMESTAMP THEN g.previous_realm ELSE g.realm END AS realm,
  CASE WHEN g.previous_realm IS NOT NULL AND g.previous_until > CURRENT_TIMESTAMP THEN g.previous_ha1 ELSE g.ha1 END AS md5_cred,
  NULL AS password
FROM account_digest g
JOIN account a ON a.tenant_id = g.tenant_id AND a.account_id = g.account_id
JOIN tenant t ON t.tenant_id = g.tenant_id
WHERE g.realm IS NOT NULL AND a.enabled = 1 AND t.enabled = 1;
