-- Settings of scope `tenant`: what is the same for all phones of a tenant because its registrar is, such as the digest realm.
-- Only provider and tenant may assign them, so that the HA1 hashes that phones get and those that the registrar reads are of one realm.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

ALTER TABLE setting DROP CONSTRAINT setting_scope, ADD CONSTRAINT setting_scope CHECK (scope IN ('device','line','tenant'));

DELIMITER //

DROP PROCEDURE IF EXISTS check_setting//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_setting(
    layer VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
    its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    INOUT the_vendor VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    INOUT the_name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    INOUT v TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'a row of a *_setting table; its_model is the device''s where the row is of one device, else NULL'
BEGIN
  DECLARE good VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE its_type, its_scope VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE low, high BIGINT;
  DECLARE most INT;
  DECLARE allowed TEXT CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE hidden, gone TINYINT;
  DECLARE its_vendor, used VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;

  IF the_vendor IS NULL OR the_vendor = '' THEN
    SET the_vendor = '';
    SELECT s.name, s.type, s.scope, s.min_value, s.max_value, s.max_length, s.items, s.secret, s.retired
      INTO good, its_type, its_scope, low, high, most, allowed, hidden, gone
    FROM setting s WHERE s.name = the_name;
    IF good IS NULL THEN
      CALL refuse(CONCAT('unknown setting ', shown(the_name), did_you_mean('setting', the_name)));
    ELSEIF its_type = 'secret' OR hidden <> 0 THEN
      CALL refuse(CONCAT(shown(good), ' is a secret: put it into ',
                         CASE its_scope WHEN 'line' THEN 'account_secret' WHEN 'tenant' THEN 'tenant_secret'
                                        ELSE 'device_secret or tenant_secret' END));
    ELSEIF gone <> 0 THEN
      CALL refuse(CONCAT('setting ', shown(good), ' is retired: templates no longer use it'));
    ELSEIF its_scope = 'device' AND layer IN ('account', 'line') THEN
      CALL refuse(CONCAT(shown(good), ' is a setting of the whole phone: put it into device_setting or a wider one'));
    ELSEIF its_scope = 'tenant' AND layer NOT IN ('provider', 'tenant') THEN
      CALL refuse(CONCAT(shown(good), ' is a setting of the whole tenant: put it into tenant_setting or provider_setting'));
    END IF;
    SET the_name = good;
    IF its_model IS NOT NULL THEN
      SELECT m.vendor_id, x.vendor_id INTO its_vendor, used
      FROM model m LEFT JOIN vendor_setting x ON x.vendor_id = m.vendor_id AND x.name = good
      WHERE m.model_id = its_model;
      IF used IS NULL THEN
        CALL refuse(CONCAT('setting ', shown(good), ' is not known to ', COALESCE(its_vendor, 'such'), ' phones'));
      END IF;
    END IF;
    IF v IS NOT NULL THEN
      CALL check_value(good, its_type, low, high, most, allowed, v);
    END IF;
  ELSE
    CALL check_parameter(the_vendor, the_name, v);
  END IF;
END//

DROP PROCEDURE IF EXISTS check_secret//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_secret(
    layer VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
    its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    INOUT the_name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    plain VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    sealed VARBINARY(1024),
    key_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'a row of a *_secret table; no message shows the secret'
BEGIN
  DECLARE good VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE its_type, its_scope VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE gone TINYINT;
  DECLARE its_vendor, used VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;

  SELECT s.name, s.type, s.scope, s.retired INTO good, its_type, its_scope, gone FROM setting s WHERE s.name = the_name;
  IF good IS NULL THEN
    CALL refuse(CONCAT('unknown secret ', shown(the_name), did_you_mean('setting', the_name)));
  ELSEIF its_type <> 'secret' THEN
    CALL refuse(CONCAT(shown(good), ' is no secret: put it into ', layer, '_setting'));
  ELSEIF gone <> 0 THEN
    CALL refuse(CONCAT('secret ', shown(good), ' is retired: templates no longer use it'));
  ELSEIF (its_scope = 'line') <> (layer = 'account') OR (its_scope = 'tenant' AND layer <> 'tenant') THEN
    CALL refuse(CONCAT(shown(good), ' belongs into ',
                       CASE its_scope WHEN 'line' THEN 'account_secret' WHEN 'tenant' THEN 'tenant_secret'
                                      ELSE 'device_secret or tenant_secret' END));
  END IF;
  SET the_name = good;
  IF its_model IS NOT NULL THEN
    SELECT m.vendor_id, x.vendor_id INTO its_vendor, used
    FROM model m LEFT JOIN vendor_setting x ON x.vendor_id = m.vendor_id AND x.name = good
    WHERE m.model_id = its_model;
    IF used IS NULL THEN
      CALL refuse(CONCAT('secret ', shown(good), ' is not known to ', COALESCE(its_vendor, 'such'), ' phones'));
    END IF;
  END IF;
  IF plain IS NULL AND sealed IS NULL THEN
    CALL refuse(CONCAT(shown(good), ': give the secret in plain'));
  ELSEIF plain IS NOT NULL AND sealed IS NOT NULL THEN
    CALL refuse(CONCAT(shown(good), ': either plain or sealed, not both'));
  ELSEIF (sealed IS NULL) <> (key_id IS NULL OR key_id = '') THEN
    CALL refuse(CONCAT(shown(good), ': key_id goes with sealed, and only with it'));
  ELSEIF LENGTH(plain) NOT BETWEEN 1 AND 128 THEN
    CALL refuse(CONCAT(shown(good), ': a secret has 1 to 128 characters'));
  ELSEIF plain REGEXP '[^ -~]|^ | $' THEN
    CALL refuse(CONCAT(shown(good), ': a secret is printable ASCII without a blank at the ends'));
  ELSEIF LENGTH(sealed) > 1023 OR LENGTH(key_id) > 64 THEN
    CALL refuse(CONCAT(shown(good), ': sealed or key_id is too long'));
  END IF;
END//

DELIMITER ;
