-- Who may have a device's file: policies of tenants and devices, networks of tenants, passwords brought in from older systems, enrolment windows, certificates
-- that are denied. Without a row of these a device proves itself by its token, or by a password that was brought in for it.
--
-- A policy is a list of proofs that are all wanted; several policies stand beside one another, and one that is met is enough. Policies of a device replace
-- those of its tenant.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

CREATE TABLE IF NOT EXISTS tenant_policy (
  tenant_id   VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy      VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'a name of your own',
  token       TINYINT NOT NULL DEFAULT 0 COMMENT '1: wants the device''s own token, by Basic or Digest',
  password    TINYINT NOT NULL DEFAULT 0 COMMENT '1: wants the password brought in for the device (device_password)',
  certificate TINYINT NOT NULL DEFAULT 0 COMMENT '1: wants the phone''s own certificate',
  network     TINYINT NOT NULL DEFAULT 0 COMMENT '1: wants an address in tenant_network',
  comment     TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, policy),
  CONSTRAINT tenant_policy_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id),
  CONSTRAINT tenant_policy_flags CHECK (token IN (0, 1) AND password IN (0, 1) AND certificate IN (0, 1) AND network IN (0, 1)
                                        AND token + password + certificate + network >= 1 AND token + password <= 1)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS device_policy (
  mac         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy      VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  token       TINYINT NOT NULL DEFAULT 0,
  password    TINYINT NOT NULL DEFAULT 0,
  certificate TINYINT NOT NULL DEFAULT 0,
  network     TINYINT NOT NULL DEFAULT 0,
  comment     TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (mac, policy),
  CONSTRAINT device_policy_of_device FOREIGN KEY (mac) REFERENCES device (mac),
  CONSTRAINT device_policy_flags CHECK (token IN (0, 1) AND password IN (0, 1) AND certificate IN (0, 1) AND network IN (0, 1)
                                        AND token + password + certificate + network >= 1 AND token + password <= 1)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='where a device has rows here, its tenant''s policies do not count';

-- first and last: the network's ends as 32 hex digits of an IPv6 address (IPv4 as ::ffff:a.b.c.d), so that one range finds all networks that hold an address,
-- whoever's they are: what a request for an unknown MAC costs is what one for a known MAC costs.
CREATE TABLE IF NOT EXISTS tenant_network (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  network    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'an address or CIDR, IPv4 or IPv6',
  first      CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'set by trigger',
  last       CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'set by trigger',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, network),
  KEY tenant_network_range (first, last, tenant_id),
  CONSTRAINT tenant_network_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The password that a device has from an older system, so that a fleet moves without anybody touching a phone. The file that the phone then gets holds its token,
-- which it uses from there on. user '': the MAC.
CREATE TABLE IF NOT EXISTS device_password (
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user       VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  plain      VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  sealed     VARBINARY(1024) NULL,
  key_id     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL,
  version    BINARY(8) NOT NULL DEFAULT '' COMMENT 'set by trigger',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (mac),
  CONSTRAINT device_password_of_device FOREIGN KEY (mac) REFERENCES device (mac),
  CONSTRAINT device_password_form CHECK ((plain IS NULL) <> (sealed IS NULL) AND (sealed IS NULL) = (key_id IS NULL))
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A phone that cannot have credentials yet may have its file without: this one, from these networks, until then, so many times. Its first fetch with credentials
-- closes the window (journal process); changing networks, valid_until or uses opens it again.
CREATE TABLE IF NOT EXISTS enrolment (
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  networks   VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'CIDRs with blanks between; everywhere: 0.0.0.0/0 ::/0',
  valid_until TIMESTAMP NULL DEFAULT NULL,
  uses       INT NOT NULL DEFAULT 3 COMMENT 'whole configurations that may be delivered',
  opened_at  DATETIME(6) NULL COMMENT 'UTC, set by trigger',
  closed_at  DATETIME(6) NULL COMMENT 'UTC: the phone has proven itself',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (mac),
  KEY enrolment_open (closed_at, mac),
  CONSTRAINT enrolment_of_device FOREIGN KEY (mac) REFERENCES device (mac),
  CONSTRAINT enrolment_uses CHECK (uses BETWEEN 1 AND 100)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row a file that was given through a window: claimed before it is rendered, delivered when it has left whole. A claim that was never delivered
-- (the worker died, the connection broke) counts for 30 seconds only. No foreign keys: an open transaction of a DBA must not stop a phone.
CREATE TABLE IF NOT EXISTS enrolment_use (
  mac          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  id           BINARY(16) NOT NULL COMMENT 'fetch_journal.id',
  claimed_at   DATETIME(6) NOT NULL COMMENT 'UTC',
  delivered_at DATETIME(6) NULL,
  PRIMARY KEY (mac, id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS certificate_denied (
  sha256     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'of the certificate (DER), 64 hex digits; colons may stand between',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (sha256),
  CONSTRAINT certificate_denied_form CHECK (sha256 REGEXP '^[0-9a-f]{64}$' AND LENGTH(sha256) = 64)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='stolen, or cloned from firmware: prove nothing';

DELIMITER //

-- By which way a device proved itself last, when, and under which generation of its token: a rotation is over for a device that has used the new one.
DROP PROCEDURE IF EXISTS add_state_columns//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE add_state_columns()
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'ADD COLUMN IF NOT EXISTS, which not every server knows'
BEGIN
  DECLARE there INT DEFAULT 0;
  SELECT COUNT(*) INTO there FROM information_schema.COLUMNS c
  WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = 'device_state' AND c.COLUMN_NAME = 'proven_at';
  IF there = 0 THEN
    ALTER TABLE device_state
      ADD COLUMN identity VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'how the device last proved itself',
      ADD COLUMN proven_at DATETIME(6) NULL COMMENT 'when it last did',
      ADD COLUMN generation VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of the token that it last used';
  END IF;
END//
CALL add_state_columns()//
DROP PROCEDURE add_state_columns//

-- ---------------------------------------------------------------- networks

DROP FUNCTION IF EXISTS network_end//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION network_end(
    network VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin, upper_end INT)
  RETURNS CHAR(32) CHARACTER SET ascii COLLATE ascii_bin
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'the first (0) or last (1) address of a CIDR as 32 hex digits, IPv4 as ::ffff:a.b.c.d; NULL for what is none'
BEGIN
  DECLARE address, digits, text VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE bits, whole, rest, digit INT;
  SET address = SUBSTRING_INDEX(network, '/', 1);
  SET text = IF(network LIKE '%/%', SUBSTRING(network, LENGTH(address) + 2), NULL);
  -- what the C library does not take either: $ of REGEXP stands before a line break too, and 01 might be octal
  IF network REGEXP '[^0-9A-Fa-f.:/]' OR address REGEXP '[.]0[0-9]|:0[0-9]+[.]' OR (IS_IPV4(address) AND address REGEXP '^0[0-9]') THEN
    RETURN NULL;
  END IF;
  IF IS_IPV4(address) THEN
    SET bits = 32;
    SET digits = CONCAT('00000000000000000000ffff', LPAD(LOWER(HEX(INET_ATON(address))), 8, '0'));
  ELSEIF IS_IPV6(address) THEN
    SET bits = 128;
    SET digits = LOWER(HEX(INET6_ATON(address)));
  ELSE
    RETURN NULL;
  END IF;
  IF text IS NOT NULL THEN
    IF NOT text REGEXP '^(0|[1-9][0-9]{0,2})$' THEN
      RETURN NULL;
    ELSEIF CAST(text AS SIGNED) > bits THEN
      RETURN NULL;
    END IF;
    SET bits = CAST(text AS SIGNED) + (128 - IF(bits = 32, 32, 128)) ;
  ELSE
    SET bits = 128;
  END IF;
  SET whole = bits DIV 4, rest = bits MOD 4;
  IF whole = 32 THEN
    RETURN digits;
  END IF;
  SET digit = CAST(CONV(SUBSTRING(digits, whole + 1, 1), 16, 10) AS SIGNED);
  SET digit = digit - digit MOD (1 << (4 - rest)) + IF(upper_end = 0, 0, (1 << (4 - rest)) - 1);
  RETURN CONCAT(LEFT(digits, whole), SUBSTRING('0123456789abcdef', digit + 1, 1), REPEAT(IF(upper_end = 0, '0', 'f'), 31 - whole));
END//

DROP PROCEDURE IF EXISTS check_network//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_network(
    INOUT network VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'an address or CIDR without bits beyond its prefix'
BEGIN
  DECLARE address VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin;
  -- longer text may have been cut to its column before this was called
  IF LENGTH(network) > 60 THEN
    CALL refuse(CONCAT(shown(network), ' is not a network: 192.0.2.0/24, 2001:db8::/32 or one address'));
  END IF;
  SET network = LOWER(TRIM(network));
  SET address = SUBSTRING_INDEX(network, '/', 1);
  IF network IS NULL OR network_end(network, 0) IS NULL THEN
    CALL refuse(CONCAT(shown(network), ' is not a network: 192.0.2.0/24, 2001:db8::/32 or one address'));
  ELSEIF network_end(network, 0) <> network_end(address, 0) THEN
    CALL refuse(CONCAT(shown(network), ' has bits beyond its prefix; give the network''s own address'));
  END IF;
END//

-- ---------------------------------------------------------------- checks

DROP PROCEDURE IF EXISTS check_policy//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_policy(
    policy VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    token INT, password INT, certificate INT, network INT)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  CALL check_identifier('policy', policy, 64);
  CALL check_flag('token', token);
  CALL check_flag('password', password);
  CALL check_flag('certificate', certificate);
  CALL check_flag('network', network);
  IF token + password + certificate + network = 0 THEN
    CALL refuse(CONCAT('policy ', shown(policy), ' wants nothing, so everybody would meet it: set token, password, certificate or network'));
  ELSEIF token + password > 1 THEN
    CALL refuse(CONCAT('policy ', shown(policy), ' wants two passwords, and a request has one: make two policies of it'));
  END IF;
END//

-- Printable ASCII as other secrets; and not of the form of our own tokens, which are checked without asking the database.
DROP PROCEDURE IF EXISTS check_password//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_password(
    user VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    plain VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    sealed VARBINARY(1024),
    key_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  IF LENGTH(user) > 128 THEN
    CALL refuse(CONCAT('user ', shown(user), ' is longer than 128 characters'));
  ELSEIF user REGEXP '[^ -9;-~]|^ | $' THEN
    CALL refuse(CONCAT('user ', shown(user), ': printable ASCII without a colon, no blank at the ends'));
  ELSEIF plain IS NULL AND sealed IS NULL THEN
    CALL refuse('device_password: give the password in plain');
  ELSEIF plain IS NOT NULL AND sealed IS NOT NULL THEN
    CALL refuse('device_password: either plain or sealed, not both');
  ELSEIF (sealed IS NULL) <> (key_id IS NULL OR key_id = '') THEN
    CALL refuse('device_password: key_id goes with sealed, and only with it');
  ELSEIF LENGTH(plain) NOT BETWEEN 1 AND 128 THEN
    CALL refuse('device_password: a password has 1 to 128 characters');
  ELSEIF plain REGEXP '[^ -~]|^ | $' THEN
    CALL refuse('device_password: a password is printable ASCII without a blank at the ends');
  ELSEIF plain REGEXP '^[0-9a-f]{10}[0-9A-Za-z]{22}$' AND LENGTH(plain) = 32 THEN
    CALL refuse('device_password: 10 hex digits and 22 letters or digits is the form of our own tokens; give another');
  ELSEIF LENGTH(sealed) > 1023 OR LENGTH(key_id) > 64 THEN
    CALL refuse('device_password: sealed or key_id is too long');
  END IF;
END//

DROP PROCEDURE IF EXISTS check_window//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_window(
    INOUT networks VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin,
    valid_until TIMESTAMP, uses INT)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  DECLARE rest, done VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin DEFAULT '';
  DECLARE one VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE network VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin;
  IF LENGTH(networks) > 900 THEN
    CALL refuse('enrolment.networks is longer than 900 characters');
  END IF;
  SET rest = TRIM(REPLACE(COALESCE(networks, ''), ',', ' '));
  IF rest = '' THEN
    CALL refuse('enrolment.networks must not be empty; everywhere is 0.0.0.0/0 ::/0');
  END IF;
  WHILE rest <> '' DO
    SET one = SUBSTRING_INDEX(rest, ' ', 1);
    SET rest = TRIM(SUBSTRING(rest, LENGTH(one) + 1));
    IF LENGTH(one) > 60 THEN
      CALL refuse(CONCAT(shown(one), ' is not a network'));
    END IF;
    SET network = one;
    CALL check_network(network);
    SET done = IF(done = '', network, CONCAT(done, ' ', network));
  END WHILE;
  IF valid_until IS NULL OR YEAR(valid_until) = 0 THEN
    CALL refuse('enrolment.valid_until must be a time, e.g. NOW() + INTERVAL 1 DAY');
  ELSEIF uses IS NULL OR uses NOT BETWEEN 1 AND 100 THEN
    CALL refuse(CONCAT('enrolment.uses is 1 to 100, not ', COALESCE(uses, 'NULL')));
  END IF;
  SET networks = done;
END//

DROP PROCEDURE IF EXISTS check_fingerprint//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_fingerprint(
    INOUT sha256 VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  DECLARE digits VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin;
  SET digits = LOWER(REPLACE(TRIM(COALESCE(sha256, '')), ':', ''));
  -- longer text may have been cut to its column before this was called
  IF LENGTH(sha256) > 120 OR LENGTH(digits) <> 64 OR NOT digits REGEXP '^[0-9a-f]{64}$' THEN
    CALL refuse(CONCAT(shown(sha256), ' is not a SHA-256: openssl x509 -noout -fingerprint -sha256 tells it'));
  END IF;
  SET sha256 = digits;
END//

-- ---------------------------------------------------------------- triggers

DROP TRIGGER IF EXISTS tenant_policy_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_policy_bi BEFORE INSERT ON tenant_policy FOR EACH ROW
BEGIN
  CALL find_tenant(NEW.tenant_id);
  CALL check_policy(NEW.policy, NEW.token, NEW.password, NEW.certificate, NEW.network);
END//

DROP TRIGGER IF EXISTS tenant_policy_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_policy_bu BEFORE UPDATE ON tenant_policy FOR EACH ROW
BEGIN
  CALL find_tenant(NEW.tenant_id);
  CALL check_policy(NEW.policy, NEW.token, NEW.password, NEW.certificate, NEW.network);
END//

DROP TRIGGER IF EXISTS tenant_policy_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_policy_ai AFTER INSERT ON tenant_policy FOR EACH ROW
BEGIN
  CALL tenant_changed(NEW.tenant_id);
END//

DROP TRIGGER IF EXISTS tenant_policy_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_policy_au AFTER UPDATE ON tenant_policy FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id THEN
    CALL tenant_changed(OLD.tenant_id);
  END IF;
  CALL tenant_changed(NEW.tenant_id);
END//

DROP TRIGGER IF EXISTS tenant_policy_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_policy_ad AFTER DELETE ON tenant_policy FOR EACH ROW
BEGIN
  CALL tenant_changed(OLD.tenant_id);
END//

DROP TRIGGER IF EXISTS device_policy_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_policy_bi BEFORE INSERT ON device_policy FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  CALL find_device(NEW.mac, its_tenant, its_model);
  CALL check_policy(NEW.policy, NEW.token, NEW.password, NEW.certificate, NEW.network);
END//

DROP TRIGGER IF EXISTS device_policy_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_policy_bu BEFORE UPDATE ON device_policy FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  CALL find_device(NEW.mac, its_tenant, its_model);
  CALL check_policy(NEW.policy, NEW.token, NEW.password, NEW.certificate, NEW.network);
END//

DROP TRIGGER IF EXISTS device_policy_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_policy_ai AFTER INSERT ON device_policy FOR EACH ROW
BEGIN
  CALL device_changed(NEW.mac);
END//

DROP TRIGGER IF EXISTS device_policy_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_policy_au AFTER UPDATE ON device_policy FOR EACH ROW
BEGIN
  IF NEW.mac <> OLD.mac THEN
    CALL device_changed(OLD.mac);
  END IF;
  CALL device_changed(NEW.mac);
END//

DROP TRIGGER IF EXISTS device_policy_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_policy_ad AFTER DELETE ON device_policy FOR EACH ROW
BEGIN
  CALL device_changed(OLD.mac);
END//

DROP TRIGGER IF EXISTS tenant_network_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_network_bi BEFORE INSERT ON tenant_network FOR EACH ROW
BEGIN
  CALL find_tenant(NEW.tenant_id);
  CALL check_network(NEW.network);
  SET NEW.first = network_end(NEW.network, 0), NEW.last = network_end(NEW.network, 1);
END//

DROP TRIGGER IF EXISTS tenant_network_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_network_bu BEFORE UPDATE ON tenant_network FOR EACH ROW
BEGIN
  CALL find_tenant(NEW.tenant_id);
  CALL check_network(NEW.network);
  SET NEW.first = network_end(NEW.network, 0), NEW.last = network_end(NEW.network, 1);
END//

DROP TRIGGER IF EXISTS tenant_network_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_network_ai AFTER INSERT ON tenant_network FOR EACH ROW
BEGIN
  CALL tenant_changed(NEW.tenant_id);
END//

DROP TRIGGER IF EXISTS tenant_network_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_network_au AFTER UPDATE ON tenant_network FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id THEN
    CALL tenant_changed(OLD.tenant_id);
  END IF;
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.network <=> OLD.network) THEN
    CALL tenant_changed(NEW.tenant_id);
  END IF;
END//

DROP TRIGGER IF EXISTS tenant_network_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_network_ad AFTER DELETE ON tenant_network FOR EACH ROW
BEGIN
  CALL tenant_changed(OLD.tenant_id);
END//

-- A brought-in password is in no file and in no pack: no revision moves with it.
DROP TRIGGER IF EXISTS device_password_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_password_bi BEFORE INSERT ON device_password FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  CALL find_device(NEW.mac, its_tenant, its_model);
  CALL check_password(NEW.user, NEW.plain, NEW.sealed, NEW.key_id);
  SET NEW.version = RANDOM_BYTES(8);
END//

DROP TRIGGER IF EXISTS device_password_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_password_bu BEFORE UPDATE ON device_password FOR EACH ROW
BEGIN
  CALL check_mac(NEW.mac);
  IF NEW.mac <> OLD.mac THEN
    CALL refuse('a password stays with its device: insert it for the other one');
  END IF;
  CALL secret_version('', '', OLD.plain, NEW.plain, OLD.sealed, NEW.sealed, NEW.key_id, OLD.version, NEW.version);
  CALL check_password(NEW.user, NEW.plain, NEW.sealed, NEW.key_id);
END//

DROP TRIGGER IF EXISTS device_password_outbox_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_password_outbox_ai AFTER INSERT ON device_password FOR EACH ROW
BEGIN
  IF NEW.plain IS NOT NULL THEN
    CALL outbox_add('seal', 'device_password', NEW.mac, '', '');
  END IF;
END//

DROP TRIGGER IF EXISTS device_password_outbox_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_password_outbox_au AFTER UPDATE ON device_password FOR EACH ROW
BEGIN
  IF NEW.plain IS NOT NULL AND (OLD.plain IS NULL OR NEW.version <> OLD.version) THEN
    CALL outbox_add('seal', 'device_password', NEW.mac, '', '');
  END IF;
END//

DROP TRIGGER IF EXISTS enrolment_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER enrolment_bi BEFORE INSERT ON enrolment FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  CALL find_device(NEW.mac, its_tenant, its_model);
  CALL check_window(NEW.networks, NEW.valid_until, NEW.uses);
  SET NEW.opened_at = UTC_TIMESTAMP(6), NEW.closed_at = NULL;
END//

DROP TRIGGER IF EXISTS enrolment_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER enrolment_bu BEFORE UPDATE ON enrolment FOR EACH ROW
BEGIN
  CALL check_mac(NEW.mac);
  IF NEW.mac <> OLD.mac THEN
    CALL refuse('an enrolment window stays with its device: insert one for the other');
  END IF;
  SET NEW.opened_at = OLD.opened_at;
  IF NOT (NEW.networks <=> OLD.networks AND NEW.valid_until <=> OLD.valid_until AND NEW.uses <=> OLD.uses) THEN
    CALL check_window(NEW.networks, NEW.valid_until, NEW.uses);
    SET NEW.opened_at = UTC_TIMESTAMP(6), NEW.closed_at = NULL;
  END IF;
END//

DROP TRIGGER IF EXISTS enrolment_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER enrolment_ad AFTER DELETE ON enrolment FOR EACH ROW
BEGIN
  DELETE FROM enrolment_use WHERE mac = OLD.mac;
END//

DROP TRIGGER IF EXISTS certificate_denied_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER certificate_denied_bi BEFORE INSERT ON certificate_denied FOR EACH ROW
BEGIN
  CALL check_fingerprint(NEW.sha256);
END//

DROP TRIGGER IF EXISTS certificate_denied_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER certificate_denied_bu BEFORE UPDATE ON certificate_denied FOR EACH ROW
BEGIN
  CALL check_fingerprint(NEW.sha256);
END//

DROP TRIGGER IF EXISTS certificate_denied_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER certificate_denied_ai AFTER INSERT ON certificate_denied FOR EACH ROW
BEGIN
  CALL provider_changed();
END//

DROP TRIGGER IF EXISTS certificate_denied_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER certificate_denied_au AFTER UPDATE ON certificate_denied FOR EACH ROW
BEGIN
  IF NEW.sha256 <> OLD.sha256 THEN
    CALL provider_changed();
  END IF;
END//

DROP TRIGGER IF EXISTS certificate_denied_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER certificate_denied_ad AFTER DELETE ON certificate_denied FOR EACH ROW
BEGIN
  CALL provider_changed();
END//

-- ---------------------------------------------------------------- a use of a window

-- Of many that ask at once, exactly as many are granted as the window has uses: the lock on the window's row lets one at a time count and add.
-- The uses are read without a lock, after that one is held: a locking read would, under REPEATABLE READ, also lock the gap up to the next MAC's uses,
-- and two phones whose uses lie side by side would wait for each other for ever. A statement of its own (the worker's way) sees what was committed
-- by then; inside a longer transaction that only holds under READ COMMITTED.
-- DETERMINISTIC: see 0005-procedures.sql.
DROP FUNCTION IF EXISTS enrolment_claim//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION enrolment_claim(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin, the_id BINARY(16))
  RETURNS TINYINT
  DETERMINISTIC MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT '1: one use of the open window is ours; the worker has looked at the address'
BEGIN
  DECLARE most, used INT DEFAULT 0;
  DECLARE since DATETIME(6);
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET most = 0;
  SELECT e.uses, e.opened_at INTO most, since FROM enrolment e
  WHERE e.mac = the_mac AND e.closed_at IS NULL AND e.valid_until > NOW() FOR UPDATE;
  IF most = 0 THEN
    RETURN 0;
  END IF;
  SELECT COUNT(*) INTO used FROM enrolment_use u
  WHERE u.mac = the_mac AND u.claimed_at >= since
    AND (u.delivered_at IS NOT NULL OR u.claimed_at > UTC_TIMESTAMP(6) - INTERVAL 30 SECOND);
  IF used >= most THEN
    RETURN 0;
  END IF;
  INSERT INTO enrolment_use (mac, id, claimed_at) VALUES (the_mac, the_id, UTC_TIMESTAMP(6))
    ON DUPLICATE KEY UPDATE claimed_at = VALUES(claimed_at);
  RETURN 1;
END//

DROP FUNCTION IF EXISTS enrolment_end//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION enrolment_end(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin, the_id BINARY(16), was_delivered INT)
  RETURNS TINYINT
  DETERMINISTIC MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'the file has left whole, or the use is given back'
BEGIN
  IF was_delivered = 0 THEN
    DELETE FROM enrolment_use WHERE mac = the_mac AND id = the_id;
  ELSE
    UPDATE enrolment_use SET delivered_at = UTC_TIMESTAMP(6) WHERE mac = the_mac AND id = the_id;
  END IF;
  RETURN 1;
END//

-- ---------------------------------------------------------------- a device that goes, or goes to another tenant

DROP FUNCTION IF EXISTS device_has//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION device_has(the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS VARCHAR(160) CHARACTER SET ascii COLLATE ascii_bin
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE l, k, s, p, y, w, e INT;
  SELECT COUNT(*) INTO l FROM line x WHERE x.mac = the_mac;
  SELECT COUNT(*) INTO k FROM line_key x WHERE x.mac = the_mac;
  SELECT COUNT(*) INTO s FROM device_setting x WHERE x.mac = the_mac;
  SELECT COUNT(*) INTO p FROM device_secret x WHERE x.mac = the_mac;
  SELECT COUNT(*) INTO y FROM device_policy x WHERE x.mac = the_mac;
  SELECT COUNT(*) INTO w FROM device_password x WHERE x.mac = the_mac;
  SELECT COUNT(*) INTO e FROM enrolment x WHERE x.mac = the_mac;
  RETURN CONCAT_WS(', ', IF(l = 0, NULL, CONCAT(l, ' line', IF(l = 1, '', 's'))), IF(k = 0, NULL, CONCAT(k, ' key', IF(k = 1, '', 's'))),
                   IF(s = 0, NULL, CONCAT(s, ' setting', IF(s = 1, '', 's'))), IF(p = 0, NULL, CONCAT(p, ' secret', IF(p = 1, '', 's'))),
                   IF(y = 0, NULL, CONCAT(y, ' polic', IF(y = 1, 'y', 'ies'))), IF(w = 0, NULL, 'a password'),
                   IF(e = 0, NULL, 'an enrolment window'));
END//

DROP PROCEDURE IF EXISTS strip_device//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE strip_device(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'deletes all that hangs on a device'
BEGIN
  DELETE FROM line_setting WHERE mac = the_mac;
  DELETE FROM line WHERE mac = the_mac;
  DELETE FROM line_key WHERE mac = the_mac;
  DELETE FROM device_setting WHERE mac = the_mac;
  DELETE FROM device_secret WHERE mac = the_mac;
  DELETE FROM device_policy WHERE mac = the_mac;
  DELETE FROM device_password WHERE mac = the_mac;
  DELETE FROM enrolment WHERE mac = the_mac;
END//

DROP FUNCTION IF EXISTS group_has//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION group_has(
    kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS VARCHAR(160) CHARACTER SET ascii COLLATE ascii_bin
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'of a tenant, site or profile'
BEGIN
  DECLARE d, k, s, p, x, y, a, o, n INT DEFAULT 0;
  IF kind = 'site' THEN
    SELECT COUNT(*) INTO d FROM device t WHERE t.tenant_id = the_tenant AND t.site_id = the_id;
    SELECT COUNT(*) INTO s FROM site_setting t WHERE t.tenant_id = the_tenant AND t.site_id = the_id;
  ELSEIF kind = 'profile' THEN
    SELECT COUNT(*) INTO d FROM device t WHERE t.tenant_id = the_tenant AND t.profile_id = the_id;
    SELECT COUNT(*) INTO k FROM profile_key t WHERE t.tenant_id = the_tenant AND t.profile_id = the_id;
    SELECT COUNT(*) INTO s FROM profile_setting t WHERE t.tenant_id = the_tenant AND t.profile_id = the_id;
  ELSE
    SELECT COUNT(*) INTO d FROM device t WHERE t.tenant_id = the_tenant;
    SELECT COUNT(*) INTO x FROM site t WHERE t.tenant_id = the_tenant;
    SELECT COUNT(*) INTO y FROM profile t WHERE t.tenant_id = the_tenant;
    SELECT COUNT(*) INTO a FROM account t WHERE t.tenant_id = the_tenant;
    SELECT COUNT(*) INTO s FROM tenant_setting t WHERE t.tenant_id = the_tenant;
    SELECT COUNT(*) INTO p FROM tenant_secret t WHERE t.tenant_id = the_tenant;
    SELECT COUNT(*) INTO o FROM tenant_policy t WHERE t.tenant_id = the_tenant;
    SELECT COUNT(*) INTO n FROM tenant_network t WHERE t.tenant_id = the_tenant;
  END IF;
  RETURN CONCAT_WS(', ', IF(d = 0, NULL, CONCAT(d, ' device', IF(d = 1, '', 's'))), IF(x = 0, NULL, CONCAT(x, ' site', IF(x = 1, '', 's'))),
                   IF(y = 0, NULL, CONCAT(y, ' profile', IF(y = 1, '', 's'))), IF(a = 0, NULL, CONCAT(a, ' account', IF(a = 1, '', 's'))),
                   IF(k = 0, NULL, CONCAT(k, ' key', IF(k = 1, '', 's'))), IF(s = 0, NULL, CONCAT(s, ' setting', IF(s = 1, '', 's'))),
                   IF(p = 0, NULL, CONCAT(p, ' secret', IF(p = 1, '', 's'))), IF(o = 0, NULL, CONCAT(o, ' polic', IF(o = 1, 'y', 'ies'))),
                   IF(n = 0, NULL, CONCAT(n, ' network', IF(n = 1, '', 's'))));
END//

DROP FUNCTION IF EXISTS do_swap_phone//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION do_swap_phone(
    old_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    new_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    new_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  DETERMINISTIC MODIFIES SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE there INT;
  CALL find_device(old_mac, its_tenant, its_model);
  CALL check_mac(new_mac);
  SELECT COUNT(*) INTO there FROM device d WHERE d.mac = new_mac;
  IF there > 0 THEN
    CALL refuse(CONCAT('device ', new_mac, ' exists already; if it is a spare, CALL delete_device(''', new_mac, ''') first'));
  END IF;
  SET new_model = COALESCE(NULLIF(new_model, ''), its_model);
  CALL find_model(new_model);
  CALL check_fit(old_mac, new_model);
  INSERT INTO device (mac, tenant_id, site_id, profile_id, model_id, enabled, comment)
    SELECT new_mac, d.tenant_id, d.site_id, d.profile_id, new_model, d.enabled, d.comment FROM device d WHERE d.mac = old_mac;
  INSERT INTO line (mac, position, tenant_id, account_id, label, enabled, comment)
    SELECT new_mac, l.position, l.tenant_id, l.account_id, l.label, l.enabled, l.comment FROM line l WHERE l.mac = old_mac;
  UPDATE line_setting SET mac = new_mac WHERE mac = old_mac;
  UPDATE line_key SET mac = new_mac WHERE mac = old_mac;
  UPDATE device_setting SET mac = new_mac WHERE mac = old_mac;
  UPDATE device_policy SET mac = new_mac WHERE mac = old_mac;
  -- the old phone's own: the new one has neither its password nor its window
  DELETE FROM device_password WHERE mac = old_mac;
  DELETE FROM enrolment WHERE mac = old_mac;
  -- a sealed secret is bound to its row and cannot follow; a plain one can
  SELECT COUNT(*) INTO there FROM device_secret s WHERE s.mac = old_mac AND s.sealed IS NOT NULL;
  UPDATE device_secret SET mac = new_mac WHERE mac = old_mac AND sealed IS NULL;
  DELETE FROM device_secret WHERE mac = old_mac;
  DELETE FROM line WHERE mac = old_mac;
  DELETE FROM device WHERE mac = old_mac;
  RETURN CONCAT(old_mac, ' is deleted; ', new_mac, ' (', new_model, ') has its lines, keys, settings',
                IF(there > 0, CONCAT('; set its ', there, ' sealed device secrets again'), ' and secrets'));
END//

DELIMITER ;

-- How each enrolment window stands.
CREATE OR REPLACE DEFINER = 'dialtone_owner'@'localhost' SQL SECURITY DEFINER VIEW enrolment_state AS
SELECT e.mac, d.tenant_id, e.networks, e.valid_until, e.uses, e.opened_at, e.closed_at,
  (SELECT COUNT(*) FROM enrolment_use u WHERE u.mac = e.mac AND u.claimed_at >= e.opened_at AND u.delivered_at IS NOT NULL) AS used,
  CASE WHEN e.closed_at IS NOT NULL THEN 'closed: the phone has proven itself'
       WHEN e.valid_until <= NOW() THEN 'closed: its time is over'
       WHEN (SELECT COUNT(*) FROM enrolment_use u WHERE u.mac = e.mac AND u.claimed_at >= e.opened_at AND u.delivered_at IS NOT NULL) >= e.uses
         THEN 'closed: used up'
       ELSE 'open' END AS state
FROM enrolment e JOIN device d ON d.mac = e.mac;
