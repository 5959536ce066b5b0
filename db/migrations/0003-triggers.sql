-- Triggers: BEFORE ones check and normalise, AFTER ones move revisions. What they check is said once, in 0002-routines.sql.
--
-- No trigger writes to a table that a DBA's statement may name: a server refuses that with error 1442. They only write
-- *_revision and account_route. IGNORE does not soften SIGNAL, so a refused row refuses its statement in every form.
-- Texts are compared as bytes (CAST AS BINARY), because the collations take `Bob` and `Bob ` for equal.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

DELIMITER //

-- ---------------------------------------------------------------- tenant, site, profile: an id is never changed, so that no row has to follow it

DROP TRIGGER IF EXISTS tenant_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_bi BEFORE INSERT ON tenant FOR EACH ROW
BEGIN
  CALL check_identifier('tenant_id', NEW.tenant_id, 64);
  CALL check_text('tenant.name', NEW.name, 128);
  CALL check_flag('tenant.enabled', NEW.enabled);
  CALL check_flag('tenant.plain_http', NEW.plain_http);
END//

DROP TRIGGER IF EXISTS tenant_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_bu BEFORE UPDATE ON tenant FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id THEN
    CALL refuse(CONCAT('tenant ', shown(OLD.tenant_id), ' keeps its id: insert the new one and move what it has'));
  END IF;
  CALL check_text('tenant.name', NEW.name, 128);
  SET NEW.tenant_id = OLD.tenant_id;
  CALL check_flag('tenant.enabled', NEW.enabled);
  CALL check_flag('tenant.plain_http', NEW.plain_http);
END//

DROP TRIGGER IF EXISTS tenant_bd//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_bd BEFORE DELETE ON tenant FOR EACH ROW
BEGIN
  IF group_has('tenant', OLD.tenant_id, '') <> '' THEN
    CALL refuse(CONCAT('tenant ', shown(OLD.tenant_id), ' still has ', group_has('tenant', OLD.tenant_id, '')));
  END IF;
END//

DROP TRIGGER IF EXISTS tenant_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_ai AFTER INSERT ON tenant FOR EACH ROW
BEGIN
  CALL tenant_changed(NEW.tenant_id);
END//

DROP TRIGGER IF EXISTS tenant_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_au AFTER UPDATE ON tenant FOR EACH ROW
BEGIN
  IF NOT (NEW.enabled <=> OLD.enabled AND NEW.plain_http <=> OLD.plain_http) THEN
    CALL tenant_changed(NEW.tenant_id);
  END IF;
END//

DROP TRIGGER IF EXISTS tenant_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_ad AFTER DELETE ON tenant FOR EACH ROW
BEGIN
  DELETE FROM layer_revision WHERE layer = CONCAT('tenant/', OLD.tenant_id);
END//

DROP TRIGGER IF EXISTS site_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER site_bi BEFORE INSERT ON site FOR EACH ROW
BEGIN
  CALL find_tenant(NEW.tenant_id);
  CALL check_identifier('site_id', NEW.site_id, 64);
  CALL check_text('site.name', NEW.name, 128);
END//

DROP TRIGGER IF EXISTS site_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER site_bu BEFORE UPDATE ON site FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id OR NEW.site_id <> OLD.site_id THEN
    CALL refuse(CONCAT('site ', shown(OLD.site_id), ' keeps its id: insert the new one and move what it has'));
  END IF;
  CALL check_text('site.name', NEW.name, 128);
  SET NEW.tenant_id = OLD.tenant_id;
  SET NEW.site_id = OLD.site_id;
END//

DROP TRIGGER IF EXISTS site_bd//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER site_bd BEFORE DELETE ON site FOR EACH ROW
BEGIN
  IF group_has('site', OLD.tenant_id, OLD.site_id) <> '' THEN
    CALL refuse(CONCAT('site ', shown(OLD.site_id), ' still has ', group_has('site', OLD.tenant_id, OLD.site_id)));
  END IF;
END//

DROP TRIGGER IF EXISTS site_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER site_ai AFTER INSERT ON site FOR EACH ROW
BEGIN
  CALL site_changed(NEW.tenant_id, NEW.site_id);
END//

DROP TRIGGER IF EXISTS site_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER site_ad AFTER DELETE ON site FOR EACH ROW
BEGIN
  DELETE FROM layer_revision WHERE layer = CONCAT('site/', OLD.tenant_id, '/', OLD.site_id);
END//

DROP TRIGGER IF EXISTS profile_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_bi BEFORE INSERT ON profile FOR EACH ROW
BEGIN
  CALL find_tenant(NEW.tenant_id);
  CALL check_identifier('profile_id', NEW.profile_id, 64);
  CALL check_text('profile.name', NEW.name, 128);
END//

DROP TRIGGER IF EXISTS profile_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_bu BEFORE UPDATE ON profile FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id OR NEW.profile_id <> OLD.profile_id THEN
    CALL refuse(CONCAT('profile ', shown(OLD.profile_id), ' keeps its id: insert the new one and move what it has'));
  END IF;
  CALL check_text('profile.name', NEW.name, 128);
  SET NEW.tenant_id = OLD.tenant_id;
  SET NEW.profile_id = OLD.profile_id;
END//

DROP TRIGGER IF EXISTS profile_bd//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_bd BEFORE DELETE ON profile FOR EACH ROW
BEGIN
  IF group_has('profile', OLD.tenant_id, OLD.profile_id) <> '' THEN
    CALL refuse(CONCAT('profile ', shown(OLD.profile_id), ' still has ', group_has('profile', OLD.tenant_id, OLD.profile_id)));
  END IF;
END//

DROP TRIGGER IF EXISTS profile_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_ai AFTER INSERT ON profile FOR EACH ROW
BEGIN
  CALL profile_changed(NEW.tenant_id, NEW.profile_id);
END//

DROP TRIGGER IF EXISTS profile_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_ad AFTER DELETE ON profile FOR EACH ROW
BEGIN
  DELETE FROM layer_revision WHERE layer = CONCAT('profile/', OLD.tenant_id, '/', OLD.profile_id);
END//

-- ---------------------------------------------------------------- device

DROP TRIGGER IF EXISTS device_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_bi BEFORE INSERT ON device FOR EACH ROW
BEGIN
  CALL check_mac(NEW.mac);
  CALL check_device(NEW.tenant_id, NEW.site_id, NEW.profile_id, NEW.enabled);
  CALL find_model(NEW.model_id);
  SET NEW.generation = LOWER(HEX(RANDOM_BYTES(5))), NEW.previous_generation = NULL, NEW.previous_until = NULL;
END//

DROP TRIGGER IF EXISTS device_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_bu BEFORE UPDATE ON device FOR EACH ROW
BEGIN
  CALL check_mac(NEW.mac);
  IF NEW.mac <> OLD.mac THEN
    CALL refuse(CONCAT('device ', OLD.mac, ' keeps its MAC; CALL swap_phone(''', OLD.mac, ''', ''', NEW.mac, ''', NULL)'));
  END IF;
  CALL check_device(NEW.tenant_id, NEW.site_id, NEW.profile_id, NEW.enabled);
  IF NEW.model_id <> OLD.model_id THEN
    CALL find_model(NEW.model_id);
    CALL check_fit(NEW.mac, NEW.model_id);
  ELSE
    SET NEW.model_id = OLD.model_id;
  END IF;
  IF NEW.tenant_id <> OLD.tenant_id THEN
    IF device_has(NEW.mac) <> '' THEN
      CALL refuse(CONCAT(NEW.mac, ' has ', device_has(NEW.mac), '; CALL move_device(''', NEW.mac, ''', ...) drops them'));
    END IF;
    SET NEW.generation = LOWER(HEX(RANDOM_BYTES(5))), NEW.previous_generation = NULL, NEW.previous_until = NULL;
  ELSEIF NEW.generation = '' THEN
    SET NEW.generation = LOWER(HEX(RANDOM_BYTES(5))), NEW.previous_generation = OLD.generation,
        NEW.previous_until = IF(NEW.previous_until <=> OLD.previous_until, NOW() + INTERVAL 7 DAY, NEW.previous_until);
  ELSEIF NEW.generation <> OLD.generation THEN
    CALL refuse('device.generation is made here: set it to DEFAULT for a new one');
  ELSE
    SET NEW.generation = OLD.generation;
    IF NOT NEW.previous_generation <=> OLD.previous_generation AND NEW.previous_generation IS NOT NULL THEN
      CALL refuse('device.previous_generation is made here: it can only be set to NULL');
    END IF;
  END IF;
  IF YEAR(NEW.previous_until) = 0 THEN
    CALL refuse('device.previous_until is not a time, e.g. NOW() + INTERVAL 1 DAY');
  END IF;
END//

DROP TRIGGER IF EXISTS device_bd//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_bd BEFORE DELETE ON device FOR EACH ROW
BEGIN
  IF device_has(OLD.mac) <> '' THEN
    CALL refuse(CONCAT('device ', OLD.mac, ' still has ', device_has(OLD.mac), '; CALL delete_device(''', OLD.mac, ''')'));
  END IF;
END//

DROP TRIGGER IF EXISTS device_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_ai AFTER INSERT ON device FOR EACH ROW
BEGIN
  CALL device_changed(NEW.mac);
END//

DROP TRIGGER IF EXISTS device_au//
-- The previous generation is in no file, but in device_pack: without a new revision a token that was taken back would still count.
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_au AFTER UPDATE ON device FOR EACH ROW
BEGIN
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.site_id <=> OLD.site_id AND NEW.profile_id <=> OLD.profile_id
          AND NEW.model_id <=> OLD.model_id AND NEW.enabled <=> OLD.enabled
          AND NEW.generation <=> OLD.generation AND NEW.previous_generation <=> OLD.previous_generation
          AND NEW.previous_until <=> OLD.previous_until) THEN
    CALL device_changed(NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS device_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_ad AFTER DELETE ON device FOR EACH ROW
BEGIN
  DELETE FROM device_revision WHERE mac = OLD.mac;
  DELETE FROM device_pack WHERE mac = OLD.mac;
END//

-- ---------------------------------------------------------------- account

DROP TRIGGER IF EXISTS account_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_bi BEFORE INSERT ON account FOR EACH ROW
BEGIN
  CALL check_account(NEW.tenant_id, NEW.account_id, NEW.sip_user, NEW.auth_user, NEW.display_name, NEW.enabled);
END//

DROP TRIGGER IF EXISTS account_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_bu BEFORE UPDATE ON account FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id OR NEW.account_id <> OLD.account_id THEN
    CALL refuse(CONCAT('account ', shown(OLD.account_id), ' keeps its id: insert the new one and move its lines'));
  END IF;
  SET NEW.account_id = OLD.account_id;
  CALL check_account(NEW.tenant_id, NEW.account_id, NEW.sip_user, NEW.auth_user, NEW.display_name, NEW.enabled);
END//

DROP TRIGGER IF EXISTS account_bd//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_bd BEFORE DELETE ON account FOR EACH ROW
BEGIN
  IF account_has(OLD.tenant_id, OLD.account_id) <> '' THEN
    CALL refuse(CONCAT('account ', shown(OLD.account_id), ' still has ', account_has(OLD.tenant_id, OLD.account_id),
                       '; CALL delete_account(...)'));
  END IF;
END//

DROP TRIGGER IF EXISTS account_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_ai AFTER INSERT ON account FOR EACH ROW
BEGIN
  INSERT INTO account_route (tenant_id, account_id, mac, position)
    VALUES (NEW.tenant_id, NEW.account_id, '', 0), (NEW.tenant_id, NEW.account_id, 'z', 0);
END//

DROP TRIGGER IF EXISTS account_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_au AFTER UPDATE ON account FOR EACH ROW
BEGIN
  IF NOT (CAST(NEW.sip_user AS BINARY) <=> CAST(OLD.sip_user AS BINARY)
          AND CAST(NEW.auth_user AS BINARY) <=> CAST(OLD.auth_user AS BINARY)
          AND CAST(NEW.display_name AS BINARY) <=> CAST(OLD.display_name AS BINARY)
          AND NEW.enabled <=> OLD.enabled) THEN
    CALL account_changed(NEW.tenant_id, NEW.account_id);
  END IF;
END//

DROP TRIGGER IF EXISTS account_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_ad AFTER DELETE ON account FOR EACH ROW
BEGIN
  DELETE FROM account_route WHERE tenant_id = OLD.tenant_id AND account_id = OLD.account_id AND mac = '' AND position = 0;
  DELETE FROM account_route WHERE tenant_id = OLD.tenant_id AND account_id = OLD.account_id AND mac = 'z' AND position = 0;
END//

-- ---------------------------------------------------------------- line

DROP TRIGGER IF EXISTS line_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_bi BEFORE INSERT ON line FOR EACH ROW
BEGIN
  CALL check_line(NEW.mac, NEW.position, NEW.tenant_id, NEW.account_id, NEW.label, NEW.enabled);
END//

DROP TRIGGER IF EXISTS line_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_bu BEFORE UPDATE ON line FOR EACH ROW
BEGIN
  CALL check_line(NEW.mac, NEW.position, NEW.tenant_id, NEW.account_id, NEW.label, NEW.enabled);
  IF (NEW.mac <> OLD.mac OR NEW.position <> OLD.position)
     AND line_has(OLD.mac, OLD.position) > 0 THEN
    CALL refuse(CONCAT('line ', OLD.position, ' of ', OLD.mac, ' has rows in line_setting; delete them first'));
  END IF;
END//

DROP TRIGGER IF EXISTS line_bd//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_bd BEFORE DELETE ON line FOR EACH ROW
BEGIN
  IF line_has(OLD.mac, OLD.position) > 0 THEN
    CALL refuse(CONCAT('line ', OLD.position, ' of ', OLD.mac, ' has rows in line_setting; delete them first'));
  END IF;
END//

DROP TRIGGER IF EXISTS line_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_ai AFTER INSERT ON line FOR EACH ROW
BEGIN
  INSERT INTO account_route (tenant_id, account_id, mac, position)
    VALUES (NEW.tenant_id, NEW.account_id, NEW.mac, NEW.position);
  CALL device_changed(NEW.mac);
END//

DROP TRIGGER IF EXISTS line_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_au AFTER UPDATE ON line FOR EACH ROW
BEGIN
  IF NOT (NEW.mac <=> OLD.mac AND NEW.position <=> OLD.position AND NEW.tenant_id <=> OLD.tenant_id
          AND NEW.account_id <=> OLD.account_id) THEN
    DELETE FROM account_route
      WHERE tenant_id = OLD.tenant_id AND account_id = OLD.account_id AND mac = OLD.mac AND position = OLD.position;
    INSERT INTO account_route (tenant_id, account_id, mac, position)
      VALUES (NEW.tenant_id, NEW.account_id, NEW.mac, NEW.position);
  END IF;
  IF NEW.mac <> OLD.mac THEN
    CALL device_changed(OLD.mac);
  END IF;
  IF NOT (NEW.mac <=> OLD.mac AND NEW.position <=> OLD.position AND NEW.tenant_id <=> OLD.tenant_id
          AND NEW.account_id <=> OLD.account_id AND CAST(NEW.label AS BINARY) <=> CAST(OLD.label AS BINARY)
          AND NEW.enabled <=> OLD.enabled) THEN
    CALL device_changed(NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS line_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_ad AFTER DELETE ON line FOR EACH ROW
BEGIN
  DELETE FROM account_route
    WHERE tenant_id = OLD.tenant_id AND account_id = OLD.account_id AND mac = OLD.mac AND position = OLD.position;
  CALL device_changed(OLD.mac);
END//

-- ---------------------------------------------------------------- keys

DROP TRIGGER IF EXISTS line_key_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_key_bi BEFORE INSERT ON line_key FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  CALL find_device(NEW.mac, its_tenant, its_model);
  CALL check_key(its_model, NEW.module, NEW.slot, NEW.type, NEW.line, NEW.value, NEW.label, NEW.extension);
END//

DROP TRIGGER IF EXISTS line_key_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_key_bu BEFORE UPDATE ON line_key FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  CALL find_device(NEW.mac, its_tenant, its_model);
  CALL check_key(its_model, NEW.module, NEW.slot, NEW.type, NEW.line, NEW.value, NEW.label, NEW.extension);
END//

DROP TRIGGER IF EXISTS line_key_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_key_ai AFTER INSERT ON line_key FOR EACH ROW
BEGIN
  CALL device_changed(NEW.mac);
END//

DROP TRIGGER IF EXISTS line_key_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_key_au AFTER UPDATE ON line_key FOR EACH ROW
BEGIN
  IF NEW.mac <> OLD.mac THEN
    CALL device_changed(OLD.mac);
  END IF;
  IF NOT (NEW.mac <=> OLD.mac AND NEW.module <=> OLD.module AND NEW.slot <=> OLD.slot
          AND CAST(NEW.type AS BINARY) <=> CAST(OLD.type AS BINARY) AND NEW.line <=> OLD.line
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)
          AND CAST(NEW.label AS BINARY) <=> CAST(OLD.label AS BINARY)
          AND CAST(NEW.extension AS BINARY) <=> CAST(OLD.extension AS BINARY)) THEN
    CALL device_changed(NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS line_key_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_key_ad AFTER DELETE ON line_key FOR EACH ROW
BEGIN
  CALL device_changed(OLD.mac);
END//

DROP TRIGGER IF EXISTS profile_key_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_key_bi BEFORE INSERT ON profile_key FOR EACH ROW
BEGIN
  CALL find_profile(NEW.tenant_id, NEW.profile_id);
  CALL check_key(NULL, NEW.module, NEW.slot, NEW.type, NEW.line, NEW.value, NEW.label, NEW.extension);
END//

DROP TRIGGER IF EXISTS profile_key_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_key_bu BEFORE UPDATE ON profile_key FOR EACH ROW
BEGIN
  CALL find_profile(NEW.tenant_id, NEW.profile_id);
  CALL check_key(NULL, NEW.module, NEW.slot, NEW.type, NEW.line, NEW.value, NEW.label, NEW.extension);
END//

DROP TRIGGER IF EXISTS profile_key_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_key_ai AFTER INSERT ON profile_key FOR EACH ROW
BEGIN
  CALL profile_changed(NEW.tenant_id, NEW.profile_id);
END//

DROP TRIGGER IF EXISTS profile_key_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_key_au AFTER UPDATE ON profile_key FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id OR NEW.profile_id <> OLD.profile_id THEN
    CALL profile_changed(OLD.tenant_id, OLD.profile_id);
  END IF;
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.profile_id <=> OLD.profile_id AND NEW.module <=> OLD.module
          AND NEW.slot <=> OLD.slot AND CAST(NEW.type AS BINARY) <=> CAST(OLD.type AS BINARY)
          AND NEW.line <=> OLD.line AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)
          AND CAST(NEW.label AS BINARY) <=> CAST(OLD.label AS BINARY)
          AND CAST(NEW.extension AS BINARY) <=> CAST(OLD.extension AS BINARY)) THEN
    CALL profile_changed(NEW.tenant_id, NEW.profile_id);
  END IF;
END//

DROP TRIGGER IF EXISTS profile_key_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_key_ad AFTER DELETE ON profile_key FOR EACH ROW
BEGIN
  CALL profile_changed(OLD.tenant_id, OLD.profile_id);
END//

-- ---------------------------------------------------------------- settings and raw parameters, a table a layer

DROP TRIGGER IF EXISTS provider_setting_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER provider_setting_bi BEFORE INSERT ON provider_setting FOR EACH ROW
BEGIN
  CALL check_setting('provider', NULL, NEW.vendor, NEW.name, NEW.value);
END//

DROP TRIGGER IF EXISTS provider_setting_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER provider_setting_bu BEFORE UPDATE ON provider_setting FOR EACH ROW
BEGIN
  IF NOT (NEW.vendor <=> OLD.vendor AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL check_setting('provider', NULL, NEW.vendor, NEW.name, NEW.value);
  END IF;
END//

DROP TRIGGER IF EXISTS provider_setting_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER provider_setting_ai AFTER INSERT ON provider_setting FOR EACH ROW
BEGIN
  CALL provider_changed();
END//

DROP TRIGGER IF EXISTS provider_setting_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER provider_setting_au AFTER UPDATE ON provider_setting FOR EACH ROW
BEGIN
  IF NOT (NEW.vendor <=> OLD.vendor AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL provider_changed();
  END IF;
END//

DROP TRIGGER IF EXISTS provider_setting_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER provider_setting_ad AFTER DELETE ON provider_setting FOR EACH ROW
BEGIN
  CALL provider_changed();
END//

DROP TRIGGER IF EXISTS tenant_setting_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_setting_bi BEFORE INSERT ON tenant_setting FOR EACH ROW
BEGIN
  CALL find_tenant(NEW.tenant_id);
  CALL check_setting('tenant', NULL, NEW.vendor, NEW.name, NEW.value);
END//

DROP TRIGGER IF EXISTS tenant_setting_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_setting_bu BEFORE UPDATE ON tenant_setting FOR EACH ROW
BEGIN
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL find_tenant(NEW.tenant_id);
    CALL check_setting('tenant', NULL, NEW.vendor, NEW.name, NEW.value);
  END IF;
END//

DROP TRIGGER IF EXISTS tenant_setting_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_setting_ai AFTER INSERT ON tenant_setting FOR EACH ROW
BEGIN
  CALL tenant_changed(NEW.tenant_id);
END//

DROP TRIGGER IF EXISTS tenant_setting_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_setting_au AFTER UPDATE ON tenant_setting FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id THEN
    CALL tenant_changed(OLD.tenant_id);
  END IF;
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL tenant_changed(NEW.tenant_id);
  END IF;
END//

DROP TRIGGER IF EXISTS tenant_setting_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_setting_ad AFTER DELETE ON tenant_setting FOR EACH ROW
BEGIN
  CALL tenant_changed(OLD.tenant_id);
END//

DROP TRIGGER IF EXISTS site_setting_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER site_setting_bi BEFORE INSERT ON site_setting FOR EACH ROW
BEGIN
  CALL find_site(NEW.tenant_id, NEW.site_id);
  CALL check_setting('site', NULL, NEW.vendor, NEW.name, NEW.value);
END//

DROP TRIGGER IF EXISTS site_setting_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER site_setting_bu BEFORE UPDATE ON site_setting FOR EACH ROW
BEGIN
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.site_id <=> OLD.site_id AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL find_site(NEW.tenant_id, NEW.site_id);
    CALL check_setting('site', NULL, NEW.vendor, NEW.name, NEW.value);
  END IF;
END//

DROP TRIGGER IF EXISTS site_setting_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER site_setting_ai AFTER INSERT ON site_setting FOR EACH ROW
BEGIN
  CALL site_changed(NEW.tenant_id, NEW.site_id);
END//

DROP TRIGGER IF EXISTS site_setting_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER site_setting_au AFTER UPDATE ON site_setting FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id OR NEW.site_id <> OLD.site_id THEN
    CALL site_changed(OLD.tenant_id, OLD.site_id);
  END IF;
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.site_id <=> OLD.site_id AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL site_changed(NEW.tenant_id, NEW.site_id);
  END IF;
END//

DROP TRIGGER IF EXISTS site_setting_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER site_setting_ad AFTER DELETE ON site_setting FOR EACH ROW
BEGIN
  CALL site_changed(OLD.tenant_id, OLD.site_id);
END//

DROP TRIGGER IF EXISTS profile_setting_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_setting_bi BEFORE INSERT ON profile_setting FOR EACH ROW
BEGIN
  CALL find_profile(NEW.tenant_id, NEW.profile_id);
  CALL check_setting('profile', NULL, NEW.vendor, NEW.name, NEW.value);
END//

DROP TRIGGER IF EXISTS profile_setting_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_setting_bu BEFORE UPDATE ON profile_setting FOR EACH ROW
BEGIN
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.profile_id <=> OLD.profile_id AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL find_profile(NEW.tenant_id, NEW.profile_id);
    CALL check_setting('profile', NULL, NEW.vendor, NEW.name, NEW.value);
  END IF;
END//

DROP TRIGGER IF EXISTS profile_setting_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_setting_ai AFTER INSERT ON profile_setting FOR EACH ROW
BEGIN
  CALL profile_changed(NEW.tenant_id, NEW.profile_id);
END//

DROP TRIGGER IF EXISTS profile_setting_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_setting_au AFTER UPDATE ON profile_setting FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id OR NEW.profile_id <> OLD.profile_id THEN
    CALL profile_changed(OLD.tenant_id, OLD.profile_id);
  END IF;
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.profile_id <=> OLD.profile_id AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL profile_changed(NEW.tenant_id, NEW.profile_id);
  END IF;
END//

DROP TRIGGER IF EXISTS profile_setting_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER profile_setting_ad AFTER DELETE ON profile_setting FOR EACH ROW
BEGIN
  CALL profile_changed(OLD.tenant_id, OLD.profile_id);
END//

DROP TRIGGER IF EXISTS device_setting_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_setting_bi BEFORE INSERT ON device_setting FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  CALL find_device(NEW.mac, its_tenant, its_model);
  CALL check_setting('device', its_model, NEW.vendor, NEW.name, NEW.value);
END//

DROP TRIGGER IF EXISTS device_setting_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_setting_bu BEFORE UPDATE ON device_setting FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  IF NOT (NEW.mac <=> OLD.mac AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL find_device(NEW.mac, its_tenant, its_model);
    CALL check_setting('device', its_model, NEW.vendor, NEW.name, NEW.value);
  END IF;
END//

DROP TRIGGER IF EXISTS device_setting_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_setting_ai AFTER INSERT ON device_setting FOR EACH ROW
BEGIN
  CALL device_changed(NEW.mac);
END//

DROP TRIGGER IF EXISTS device_setting_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_setting_au AFTER UPDATE ON device_setting FOR EACH ROW
BEGIN
  IF NEW.mac <> OLD.mac THEN
    CALL device_changed(OLD.mac);
  END IF;
  IF NOT (NEW.mac <=> OLD.mac AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL device_changed(NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS device_setting_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_setting_ad AFTER DELETE ON device_setting FOR EACH ROW
BEGIN
  CALL device_changed(OLD.mac);
END//

DROP TRIGGER IF EXISTS account_setting_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_setting_bi BEFORE INSERT ON account_setting FOR EACH ROW
BEGIN
  CALL find_account(NEW.tenant_id, NEW.account_id);
  CALL check_setting('account', NULL, NEW.vendor, NEW.name, NEW.value);
END//

DROP TRIGGER IF EXISTS account_setting_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_setting_bu BEFORE UPDATE ON account_setting FOR EACH ROW
BEGIN
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.account_id <=> OLD.account_id AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL find_account(NEW.tenant_id, NEW.account_id);
    CALL check_setting('account', NULL, NEW.vendor, NEW.name, NEW.value);
  END IF;
END//

DROP TRIGGER IF EXISTS account_setting_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_setting_ai AFTER INSERT ON account_setting FOR EACH ROW
BEGIN
  CALL account_changed(NEW.tenant_id, NEW.account_id);
END//

DROP TRIGGER IF EXISTS account_setting_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_setting_au AFTER UPDATE ON account_setting FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id OR NEW.account_id <> OLD.account_id THEN
    CALL account_changed(OLD.tenant_id, OLD.account_id);
  END IF;
  IF NOT (NEW.tenant_id <=> OLD.tenant_id AND NEW.account_id <=> OLD.account_id AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL account_changed(NEW.tenant_id, NEW.account_id);
  END IF;
END//

DROP TRIGGER IF EXISTS account_setting_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_setting_ad AFTER DELETE ON account_setting FOR EACH ROW
BEGIN
  CALL account_changed(OLD.tenant_id, OLD.account_id);
END//

DROP TRIGGER IF EXISTS line_setting_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_setting_bi BEFORE INSERT ON line_setting FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  CALL find_device(NEW.mac, its_tenant, its_model);
  CALL find_line(NEW.mac, NEW.position);
  CALL check_setting('line', its_model, NEW.vendor, NEW.name, NEW.value);
END//

DROP TRIGGER IF EXISTS line_setting_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_setting_bu BEFORE UPDATE ON line_setting FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  IF NOT (NEW.mac <=> OLD.mac AND NEW.position <=> OLD.position AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL find_device(NEW.mac, its_tenant, its_model);
    CALL find_line(NEW.mac, NEW.position);
    CALL check_setting('line', its_model, NEW.vendor, NEW.name, NEW.value);
  END IF;
END//

DROP TRIGGER IF EXISTS line_setting_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_setting_ai AFTER INSERT ON line_setting FOR EACH ROW
BEGIN
  CALL device_changed(NEW.mac);
END//

DROP TRIGGER IF EXISTS line_setting_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_setting_au AFTER UPDATE ON line_setting FOR EACH ROW
BEGIN
  IF NEW.mac <> OLD.mac THEN
    CALL device_changed(OLD.mac);
  END IF;
  IF NOT (NEW.mac <=> OLD.mac AND NEW.position <=> OLD.position AND NEW.vendor <=> OLD.vendor
          AND CAST(NEW.name AS BINARY) <=> CAST(OLD.name AS BINARY)
          AND CAST(NEW.value AS BINARY) <=> CAST(OLD.value AS BINARY)) THEN
    CALL device_changed(NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS line_setting_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER line_setting_ad AFTER DELETE ON line_setting FOR EACH ROW
BEGIN
  CALL device_changed(OLD.mac);
END//

-- ---------------------------------------------------------------- secrets: the revision moves with the version only

DROP TRIGGER IF EXISTS tenant_secret_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_secret_bi BEFORE INSERT ON tenant_secret FOR EACH ROW
BEGIN
  CALL find_tenant(NEW.tenant_id);
  CALL check_secret('tenant', NULL, NEW.name, NEW.plain, NEW.sealed, NEW.key_id);
  SET NEW.version = RANDOM_BYTES(8);
END//

DROP TRIGGER IF EXISTS tenant_secret_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_secret_bu BEFORE UPDATE ON tenant_secret FOR EACH ROW
BEGIN
  CALL secret_version(OLD.name, NEW.name, OLD.plain, NEW.plain, OLD.sealed, NEW.sealed, NEW.key_id, OLD.version, NEW.version);
  CALL find_tenant(NEW.tenant_id);
  CALL check_secret('tenant', NULL, NEW.name, NEW.plain, NEW.sealed, NEW.key_id);
END//

DROP TRIGGER IF EXISTS tenant_secret_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_secret_ai AFTER INSERT ON tenant_secret FOR EACH ROW
BEGIN
  CALL tenant_changed(NEW.tenant_id);
END//

DROP TRIGGER IF EXISTS tenant_secret_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_secret_au AFTER UPDATE ON tenant_secret FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id THEN
    CALL tenant_changed(OLD.tenant_id);
  END IF;
  IF NEW.version <> OLD.version OR NEW.tenant_id <> OLD.tenant_id THEN
    CALL tenant_changed(NEW.tenant_id);
  END IF;
END//

DROP TRIGGER IF EXISTS tenant_secret_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER tenant_secret_ad AFTER DELETE ON tenant_secret FOR EACH ROW
BEGIN
  CALL tenant_changed(OLD.tenant_id);
END//

DROP TRIGGER IF EXISTS device_secret_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_secret_bi BEFORE INSERT ON device_secret FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  CALL find_device(NEW.mac, its_tenant, its_model);
  CALL check_secret('device', its_model, NEW.name, NEW.plain, NEW.sealed, NEW.key_id);
  SET NEW.version = RANDOM_BYTES(8);
END//

DROP TRIGGER IF EXISTS device_secret_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_secret_bu BEFORE UPDATE ON device_secret FOR EACH ROW
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  CALL secret_version(OLD.name, NEW.name, OLD.plain, NEW.plain, OLD.sealed, NEW.sealed, NEW.key_id, OLD.version, NEW.version);
  CALL find_device(NEW.mac, its_tenant, its_model);
  CALL check_secret('device', its_model, NEW.name, NEW.plain, NEW.sealed, NEW.key_id);
END//

DROP TRIGGER IF EXISTS device_secret_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_secret_ai AFTER INSERT ON device_secret FOR EACH ROW
BEGIN
  CALL device_changed(NEW.mac);
END//

DROP TRIGGER IF EXISTS device_secret_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_secret_au AFTER UPDATE ON device_secret FOR EACH ROW
BEGIN
  IF NEW.mac <> OLD.mac THEN
    CALL device_changed(OLD.mac);
  END IF;
  IF NEW.version <> OLD.version OR NEW.mac <> OLD.mac THEN
    CALL device_changed(NEW.mac);
  END IF;
END//

DROP TRIGGER IF EXISTS device_secret_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER device_secret_ad AFTER DELETE ON device_secret FOR EACH ROW
BEGIN
  CALL device_changed(OLD.mac);
END//

DROP TRIGGER IF EXISTS account_secret_bi//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_secret_bi BEFORE INSERT ON account_secret FOR EACH ROW
BEGIN
  CALL find_account(NEW.tenant_id, NEW.account_id);
  CALL check_secret('account', NULL, NEW.name, NEW.plain, NEW.sealed, NEW.key_id);
  SET NEW.version = RANDOM_BYTES(8);
END//

DROP TRIGGER IF EXISTS account_secret_bu//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_secret_bu BEFORE UPDATE ON account_secret FOR EACH ROW
BEGIN
  CALL secret_version(OLD.name, NEW.name, OLD.plain, NEW.plain, OLD.sealed, NEW.sealed, NEW.key_id, OLD.version, NEW.version);
  CALL find_account(NEW.tenant_id, NEW.account_id);
  CALL check_secret('account', NULL, NEW.name, NEW.plain, NEW.sealed, NEW.key_id);
END//

DROP TRIGGER IF EXISTS account_secret_ai//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_secret_ai AFTER INSERT ON account_secret FOR EACH ROW
BEGIN
  CALL account_changed(NEW.tenant_id, NEW.account_id);
END//

DROP TRIGGER IF EXISTS account_secret_au//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_secret_au AFTER UPDATE ON account_secret FOR EACH ROW
BEGIN
  IF NEW.tenant_id <> OLD.tenant_id OR NEW.account_id <> OLD.account_id THEN
    CALL account_changed(OLD.tenant_id, OLD.account_id);
  END IF;
  IF NEW.version <> OLD.version OR NEW.tenant_id <> OLD.tenant_id OR NEW.account_id <> OLD.account_id THEN
    CALL account_changed(NEW.tenant_id, NEW.account_id);
  END IF;
END//

DROP TRIGGER IF EXISTS account_secret_ad//
CREATE DEFINER = 'dialtone_owner'@'localhost' TRIGGER account_secret_ad AFTER DELETE ON account_secret FOR EACH ROW
BEGIN
  CALL account_changed(OLD.tenant_id, OLD.account_id);
END//

DELIMITER ;
