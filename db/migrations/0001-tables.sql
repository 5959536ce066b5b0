-- Dialtone's tables.
--
-- Order of loading, as an account with all rights (root): the files of db/migrations/ in order of their numbers, then
-- db/grants.sql, again each time: a server drops the rights on a routine with the routine. This file begins with the owner of all
-- routines, triggers and views, because a view that reads another view cannot be created before that account exists.
-- `GRANT ... ON *` means the database in use, so nothing here names it.
--
-- Rules of all files here: every text column names ascii_bin or utf8mb4_bin; text columns are wider than the longest value
-- accepted, so that a value that is too long reaches the trigger, which refuses it, and is never cut in silence; numbers are
-- signed for the same reason; no foreign key of a table that feeds a configuration cascades, because a cascade fires no trigger.
-- Every statement may be run again.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

CREATE USER IF NOT EXISTS 'dialtone_owner'@'localhost' ACCOUNT LOCK;
GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE, TRIGGER ON * TO 'dialtone_owner'@'localhost';

CREATE TABLE IF NOT EXISTS schema_migration (
  version     INT NOT NULL,
  name        VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  digest      CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  started_at  DATETIME NOT NULL,
  finished_at DATETIME NULL,
  PRIMARY KEY (version)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='which files of db/migrations were applied';

-- ---------------------------------------------------------------- the dictionary, loaded from templates/ by `dialtone db upgrade`

CREATE TABLE IF NOT EXISTS setting (
  name          VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  type          VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  scope         VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  default_value TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  min_value     BIGINT NULL,
  max_value     BIGINT NULL,
  max_length    INT NOT NULL DEFAULT 255,
  items         TEXT CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of enum and list, separated by commas',
  secret        TINYINT NOT NULL DEFAULT 0,
  description   TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  retired       TINYINT NOT NULL DEFAULT 0 COMMENT '1: no longer in the files; a name in use is never deleted',
  PRIMARY KEY (name),
  CONSTRAINT setting_type CHECK (type IN ('string','int','bool','enum','list','host','url','timezone','secret')),
  CONSTRAINT setting_scope CHECK (scope IN ('device','line')),
  CONSTRAINT setting_length CHECK (max_length BETWEEN 1 AND 4096)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='the names that the setting tables accept';

CREATE TABLE IF NOT EXISTS timezone (
  name    VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'IANA name',
  rule    VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'POSIX rule',
  retired TINYINT NOT NULL DEFAULT 0,
  PRIMARY KEY (name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS vendor (
  vendor_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  served    TINYINT NOT NULL DEFAULT 1 COMMENT '0: only recognised, there are no templates',
  retired   TINYINT NOT NULL DEFAULT 0,
  PRIMARY KEY (vendor_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS vendor_oui (
  oui       CHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  vendor_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (oui),
  KEY vendor_oui_vendor (vendor_id),
  CONSTRAINT vendor_oui_of_vendor FOREIGN KEY (vendor_id) REFERENCES vendor (vendor_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS model (
  model_id         VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  vendor_id        VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name             VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  line_count       INT NOT NULL,
  key_count        INT NOT NULL,
  module_count     INT NOT NULL DEFAULT 0,
  module_key_count INT NOT NULL DEFAULT 0,
  retired          TINYINT NOT NULL DEFAULT 0,
  PRIMARY KEY (model_id),
  KEY model_vendor (vendor_id),
  CONSTRAINT model_of_vendor FOREIGN KEY (vendor_id) REFERENCES vendor (vendor_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS vendor_setting (
  vendor_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name      VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (vendor_id, name),
  KEY vendor_setting_name (name),
  CONSTRAINT vendor_setting_of_vendor FOREIGN KEY (vendor_id) REFERENCES vendor (vendor_id),
  CONSTRAINT vendor_setting_of_setting FOREIGN KEY (name) REFERENCES setting (name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='the settings that a vendor''s templates use';

CREATE TABLE IF NOT EXISTS template_file (
  name      VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '* is the whole set',
  digest    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  loaded_at DATETIME NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS key_type (
  type        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  needs_value TINYINT NOT NULL,
  PRIMARY KEY (type)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='the types of keys that line_key and profile_key accept';

INSERT INTO key_type (type, needs_value) VALUES
  ('none', 0), ('line', 0), ('blf', 1), ('speeddial', 1), ('dtmf', 1), ('voicemail', 0), ('intercom', 1), ('park', 1),
  ('pickup', 0), ('transfer', 0), ('hold', 0), ('dnd', 0), ('forward', 0), ('conference', 0), ('history', 0),
  ('directory', 0), ('redial', 0), ('record', 0), ('url', 1), ('multicast', 1), ('prefix', 1), ('ldap', 0), ('group_listen', 0)
  ON DUPLICATE KEY UPDATE needs_value = VALUES(needs_value);

CREATE TABLE IF NOT EXISTS mac_digit (
  place TINYINT NOT NULL,
  digit CHAR(1) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (place, digit)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='the 192 ways to set one digit of a MAC, for unknown_phone';

INSERT IGNORE INTO mac_digit (place, digit)
  SELECT p.n, SUBSTRING('0123456789abcdef', d.n, 1)
  FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8
        UNION SELECT 9 UNION SELECT 10 UNION SELECT 11 UNION SELECT 12) AS p
  CROSS JOIN
       (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8
        UNION SELECT 9 UNION SELECT 10 UNION SELECT 11 UNION SELECT 12 UNION SELECT 13 UNION SELECT 14 UNION SELECT 15
        UNION SELECT 16) AS d;

CREATE TABLE IF NOT EXISTS line_place (
  position INT NOT NULL,
  PRIMARY KEY (position)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='0 for the phone itself, 1 to 999 for its lines, for effective_setting';

INSERT IGNORE INTO line_place (position)
  SELECT 100 * h.n + 10 * t.n + o.n
  FROM (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7
        UNION SELECT 8 UNION SELECT 9) AS h
  CROSS JOIN
       (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7
        UNION SELECT 8 UNION SELECT 9) AS t
  CROSS JOIN
       (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7
        UNION SELECT 8 UNION SELECT 9) AS o;

-- ---------------------------------------------------------------- what DBAs work with

CREATE TABLE IF NOT EXISTS tenant (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name       VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  enabled    TINYINT NOT NULL DEFAULT 1,
  plain_http TINYINT NOT NULL DEFAULT 0 COMMENT '1: its phones may fetch without TLS',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id),
  CONSTRAINT tenant_flags CHECK (enabled IN (0, 1) AND plain_http IN (0, 1))
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS site (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  site_id    VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name       VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, site_id),
  CONSTRAINT site_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS profile (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  profile_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name       VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, profile_id),
  CONSTRAINT profile_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS device (
  mac                 VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tenant_id           VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  site_id             VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL,
  profile_id          VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL,
  model_id            VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  enabled             TINYINT NOT NULL DEFAULT 1,
  generation          VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'set by trigger; set it to DEFAULT to rotate',
  previous_generation VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
  previous_until      TIMESTAMP NULL DEFAULT NULL COMMENT 'until then the previous generation is accepted too',
  comment             TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at          TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at          TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (mac),
  UNIQUE KEY device_tenant (mac, tenant_id),
  KEY device_site (tenant_id, site_id),
  KEY device_profile (tenant_id, profile_id),
  KEY device_model (model_id),
  CONSTRAINT device_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id),
  CONSTRAINT device_at_site FOREIGN KEY (tenant_id, site_id) REFERENCES site (tenant_id, site_id),
  CONSTRAINT device_of_profile FOREIGN KEY (tenant_id, profile_id) REFERENCES profile (tenant_id, profile_id),
  CONSTRAINT device_of_model FOREIGN KEY (model_id) REFERENCES model (model_id),
  CONSTRAINT device_mac CHECK (mac REGEXP '^[0-9a-f]{12}$' AND LENGTH(mac) = 12),
  CONSTRAINT device_flags CHECK (enabled IN (0, 1)),
  CONSTRAINT device_generation CHECK (generation REGEXP '^[0-9a-f]{10}$' AND LENGTH(generation) = 10)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS account (
  tenant_id    VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id   VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sip_user     VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  auth_user    VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'NULL: sip_user',
  display_name VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  enabled      TINYINT NOT NULL DEFAULT 1,
  comment      TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at   TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at   TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, account_id),
  CONSTRAINT account_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id),
  CONSTRAINT account_flags CHECK (enabled IN (0, 1))
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS line (
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position   INT NOT NULL,
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'filled by trigger: the tenant of the device',
  account_id VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  label      VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  enabled    TINYINT NOT NULL DEFAULT 1,
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (mac, position),
  KEY line_device (mac, tenant_id),
  KEY line_account (tenant_id, account_id),
  CONSTRAINT line_of_device FOREIGN KEY (mac, tenant_id) REFERENCES device (mac, tenant_id),
  CONSTRAINT line_of_account FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, account_id),
  CONSTRAINT line_flags CHECK (enabled IN (0, 1) AND position >= 1)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS line_key (
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  module     INT NOT NULL DEFAULT 0 COMMENT '0: the phone, 1..: expansion modules',
  slot       INT NOT NULL,
  type       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  line       INT NULL COMMENT 'position of the line that the key uses',
  value      VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  label      VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  extension  VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'pick-up code and the like',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (mac, module, slot),
  CONSTRAINT line_key_of_device FOREIGN KEY (mac) REFERENCES device (mac),
  CONSTRAINT line_key_place CHECK (module >= 0 AND slot >= 1)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS profile_key (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  profile_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  module     INT NOT NULL DEFAULT 0,
  slot       INT NOT NULL,
  type       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  line       INT NULL,
  value      VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  label      VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  extension  VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, profile_id, module, slot),
  CONSTRAINT profile_key_of_profile FOREIGN KEY (tenant_id, profile_id) REFERENCES profile (tenant_id, profile_id),
  CONSTRAINT profile_key_place CHECK (module >= 0 AND slot >= 1)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- vendor = '' (the default): name is a setting of the dictionary; otherwise a parameter of that vendor's phones as they call it.
-- value NULL takes back what lower layers assigned.

CREATE TABLE IF NOT EXISTS provider_setting (
  vendor     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  value      TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (vendor, name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS tenant_setting (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  vendor     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  value      TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, vendor, name),
  CONSTRAINT tenant_setting_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS site_setting (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  site_id    VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  vendor     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  value      TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, site_id, vendor, name),
  CONSTRAINT site_setting_of_site FOREIGN KEY (tenant_id, site_id) REFERENCES site (tenant_id, site_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS profile_setting (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  profile_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  vendor     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  value      TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, profile_id, vendor, name),
  CONSTRAINT profile_setting_of_profile FOREIGN KEY (tenant_id, profile_id) REFERENCES profile (tenant_id, profile_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS device_setting (
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  vendor     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  value      TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (mac, vendor, name),
  CONSTRAINT device_setting_of_device FOREIGN KEY (mac) REFERENCES device (mac)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS account_setting (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  vendor     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  value      TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, account_id, vendor, name),
  CONSTRAINT account_setting_of_account FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, account_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS line_setting (
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position   INT NOT NULL,
  vendor     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  value      TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (mac, position, vendor, name),
  CONSTRAINT line_setting_of_line FOREIGN KEY (mac, position) REFERENCES line (mac, position)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Secrets: plain as a DBA types it, or sealed under the key key_id. version moves when the secret changes, not when its form does.

CREATE TABLE IF NOT EXISTS tenant_secret (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  plain      VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  sealed     VARBINARY(1024) NULL,
  key_id     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL,
  version    BINARY(8) NOT NULL DEFAULT '' COMMENT 'set by trigger',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, name),
  CONSTRAINT tenant_secret_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id),
  CONSTRAINT tenant_secret_form CHECK ((plain IS NULL) <> (sealed IS NULL) AND (sealed IS NULL) = (key_id IS NULL))
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS device_secret (
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  plain      VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  sealed     VARBINARY(1024) NULL,
  key_id     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL,
  version    BINARY(8) NOT NULL DEFAULT '' COMMENT 'set by trigger',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (mac, name),
  CONSTRAINT device_secret_of_device FOREIGN KEY (mac) REFERENCES device (mac),
  CONSTRAINT device_secret_form CHECK ((plain IS NULL) <> (sealed IS NULL) AND (sealed IS NULL) = (key_id IS NULL))
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS account_secret (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  plain      VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  sealed     VARBINARY(1024) NULL,
  key_id     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL,
  version    BINARY(8) NOT NULL DEFAULT '' COMMENT 'set by trigger',
  comment    TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (tenant_id, account_id, name),
  CONSTRAINT account_secret_of_account FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, account_id),
  CONSTRAINT account_secret_form CHECK ((plain IS NULL) <> (sealed IS NULL) AND (sealed IS NULL) = (key_id IS NULL))
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- ---------------------------------------------------------------- revisions: written by triggers only
-- A revision is random, compared only for equality. No foreign keys: the triggers keep these rows beside their things.

-- Of what many phones share: `provider`, `tenant/ID`, `site/TENANT/ID` and `profile/TENANT/ID`, no id having a slash. One table with keys of one column,
-- because each fetch reads four of these: with a table for each kind and keys of two columns the statement cost MariaDB nearly half as much again.
CREATE TABLE IF NOT EXISTS layer_revision (
  layer      VARCHAR(169) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision   BINARY(8) NOT NULL,
  PRIMARY KEY (layer)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS device_revision (
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision   BINARY(8) NOT NULL,
  PRIMARY KEY (mac)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO layer_revision (layer, revision) VALUES ('provider', RANDOM_BYTES(8));

-- A device's own rows as a worker last read them, sealed into one value (core/pack.h), so that a fetch reads one row instead of twenty
-- from seven tables. Written by the journal, when it can; a row whose revision is not the device's current one counts for nothing, so
-- nothing has to keep it up to date, a lost one costs the next fetch a second statement, and emptying the table is harmless. No foreign
-- keys: a check of one would lock the device's row, and a write here must wait for nobody. tenant_id, site_id and profile_id are those
-- of the same revision: by them the statement finds the revisions of the shared layers without reading device. tenant, site and profile
-- are their keys in layer_revision, which the server makes of the ids.
-- DYNAMIC keeps a row whole in its page as long as it is below half a page (8 KB), whatever its type; packs are 1 to 2 KB. A BLOB and
-- not a VARBINARY(40000): that would make each row buffer of each open table 40 KB; reading one costs about the same (BLOB 25, VARBINARY 27 µs).
CREATE TABLE IF NOT EXISTS device_pack (
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision   BINARY(8) NOT NULL,
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  site_id    VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  profile_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  tenant     VARCHAR(169) CHARACTER SET ascii COLLATE ascii_bin AS (CONCAT('tenant/', tenant_id)) STORED,
  site       VARCHAR(169) CHARACTER SET ascii COLLATE ascii_bin AS (CONCAT('site/', tenant_id, '/', site_id)) STORED,
  profile    VARCHAR(169) CHARACTER SET ascii COLLATE ascii_bin AS (CONCAT('profile/', tenant_id, '/', profile_id)) STORED,
  pack       BLOB NOT NULL,
  PRIMARY KEY (mac)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='a cache: may be emptied at any time';

-- Which devices an account's change concerns: a copy of line's keys, between two end marks an account (mac '' and mac 'z'). A
-- trigger reads it with locks, so that a line that was inserted a moment ago is not missed, and thanks to the end marks these
-- locks never reach into the gap of another account, as they would in line's own index.
CREATE TABLE IF NOT EXISTS account_route (
  tenant_id  VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  mac        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position   INT NOT NULL,
  PRIMARY KEY (tenant_id, account_id, mac, position)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- ---------------------------------------------------------------- the journal: no foreign keys, no triggers, times in UTC

CREATE TABLE IF NOT EXISTS fetch_journal (
  at          DATETIME(6) NOT NULL,
  id          BINARY(16) NOT NULL COMMENT 'made by the worker: a batch that is sent twice is stored once',
  mac         CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NULL,
  tenant_id   VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL,
  file        VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  method      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  status      SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  result      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  detail      VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  identity    VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  address     VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  user_agent  VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  vendor      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  model       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  firmware    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  digest      BINARY(16) NULL,
  bytes       INT UNSIGNED NOT NULL DEFAULT 0,
  duration_us INT UNSIGNED NOT NULL DEFAULT 0,
  note        VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  PRIMARY KEY (at, id),
  KEY fetch_journal_mac (mac, at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='partitioned by day (UTC): CALL journal_partitions'
PARTITION BY RANGE (TO_DAYS(at)) (PARTITION pmax VALUES LESS THAN MAXVALUE);

CREATE TABLE IF NOT EXISTS device_state (
  mac          CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  file         VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  last_at      DATETIME(6) NOT NULL,
  status       SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  result       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  detail       VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  address      VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  user_agent   VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  vendor       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  model        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  firmware     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  delivered_at DATETIME(6) NULL COMMENT 'the last 200 or 304',
  inputs       VARBINARY(64) NULL COMMENT 'what was delivered: revision of device, tenant, site, profile, provider, 16 bytes of the template set',
  nonce        BINARY(12) NULL,
  digest       BINARY(16) NULL,
  PRIMARY KEY (mac, file)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='the last fetch of each device and file';

CREATE TABLE IF NOT EXISTS journal_loss (
  at      DATETIME(6) NOT NULL,
  reason  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  records BIGINT NOT NULL,
  PRIMARY KEY (at, reason)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='fetches that happened and were not written down';

-- REORGANIZE and DROP PARTITION in journal_partitions()
GRANT ALTER, CREATE, DROP ON fetch_journal TO 'dialtone_owner'@'localhost';
