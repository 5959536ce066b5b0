-- What triggers, views and procedures call: spelling of MACs, messages, checks, moving of revisions.
--
-- Checks are procedures with INOUT parameters: a check either refuses by SIGNAL 45000 or leaves the accepted spelling in its
-- argument. That matters because ascii_bin and utf8mb4_bin compare without regard to trailing blanks: `acme ` finds `acme`.
-- Reads of parents lock the one row in share mode, as the foreign key does a moment later: a consistent read could miss a row
-- that was committed after this transaction began. Reads of the dictionary do not lock.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

DELIMITER //

-- ---------------------------------------------------------------- MACs

DROP FUNCTION IF EXISTS mac//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION mac(spelling VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  RETURNS VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'any usual spelling of a MAC as 12 lower-case hex digits, NULL for what is none'
BEGIN
  -- $ also matches before a line break at the end
  IF spelling REGEXP '^ *[0-9A-Fa-f]{2}([-:. ]?[0-9A-Fa-f]{2}){5} *$' AND NOT spelling REGEXP '[[:cntrl:]]' THEN
    RETURN LOWER(REPLACE(REPLACE(REPLACE(REPLACE(spelling, ':', ''), '-', ''), '.', ''), ' ', ''));
  END IF;
  RETURN NULL;
END//

-- ---------------------------------------------------------------- messages

DROP PROCEDURE IF EXISTS refuse//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE refuse(message TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'ends the statement with this message; 128 characters is what a server keeps of one'
BEGIN
  DECLARE cut VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    DEFAULT IF(CHAR_LENGTH(message) > 128, CONCAT(LEFT(message, 125), '...'), message);
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = cut;
END//

DROP FUNCTION IF EXISTS shown//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION shown(v LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  RETURNS VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'a value as messages show it: in quotes, cut, without control characters'
BEGIN
  IF v IS NULL THEN
    RETURN 'NULL';
  END IF;
  SET v = REGEXP_REPLACE(LEFT(v, 41), '[[:cntrl:]]', '?');
  RETURN CONCAT('`', IF(CHAR_LENGTH(v) > 40, CONCAT(LEFT(v, 37), '...'), v), '`');
END//

DROP FUNCTION IF EXISTS edit_distance//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION edit_distance(
    a VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    b VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS INT
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'Levenshtein, and two neighbours that changed places count as one; only called when a statement is refused anyway'
BEGIN
  DECLARE earlier, above, here VARBINARY(65) DEFAULT '';
  DECLARE i, j, cost INT DEFAULT 0;
  WHILE j <= LENGTH(b) DO
    SET above = CONCAT(above, CHAR(j)), j = j + 1;
  END WHILE;
  WHILE i < LENGTH(a) DO
    SET i = i + 1, j = 1, cost = i, here = CHAR(i);
    WHILE j <= LENGTH(b) DO
      SET cost = LEAST(cost + 1,
                       ORD(SUBSTRING(above, j + 1, 1)) + 1,
                       ORD(SUBSTRING(above, j, 1)) + (SUBSTRING(a, i, 1) <> SUBSTRING(b, j, 1)));
      IF i > 1 AND j > 1 AND SUBSTRING(a, i, 1) = SUBSTRING(b, j - 1, 1) AND SUBSTRING(a, i - 1, 1) = SUBSTRING(b, j, 1) THEN
        SET cost = LEAST(cost, ORD(SUBSTRING(earlier, j - 1, 1)) + 1);
      END IF;
      SET here = CONCAT(here, CHAR(cost)), j = j + 1;
    END WHILE;
    SET earlier = above, above = here;
  END WHILE;
  RETURN ORD(SUBSTRING(above, LENGTH(b) + 1, 1));
END//

DROP FUNCTION IF EXISTS did_you_mean//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION did_you_mean(
    kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
    given LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  RETURNS VARCHAR(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'the nearest name of the dictionary in words, or the empty string when none is near'
BEGIN
  DECLARE best VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE g VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT REGEXP_REPLACE(LOWER(LEFT(given, 64)), '[^ -~]', '?');
  DECLARE most INT DEFAULT LEAST(3, (LENGTH(g) + 1) DIV 3);
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET best = NULL;
  IF kind = 'setting' THEN
    SELECT s.name INTO best FROM setting s
    WHERE s.retired = 0 AND ABS(LENGTH(s.name) - LENGTH(g)) <= most AND edit_distance(LEFT(s.name, 64), g) <= most
    ORDER BY edit_distance(LEFT(s.name, 64), g), s.name LIMIT 1;
  ELSEIF kind = 'model' THEN
    SELECT m.model_id INTO best FROM model m
    WHERE m.retired = 0 AND ABS(LENGTH(m.model_id) - LENGTH(g)) <= most AND edit_distance(LEFT(m.model_id, 64), g) <= most
    ORDER BY edit_distance(LEFT(m.model_id, 64), g), m.model_id LIMIT 1;
  ELSEIF kind = 'timezone' THEN
    SELECT t.name INTO best FROM timezone t
    WHERE t.retired = 0 AND ABS(LENGTH(t.name) - LENGTH(g)) <= most AND edit_distance(LOWER(LEFT(t.name, 64)), g) <= most
    ORDER BY edit_distance(LOWER(LEFT(t.name, 64)), g), t.name LIMIT 1;
  ELSEIF kind = 'vendor' THEN
    SELECT v.vendor_id INTO best FROM vendor v
    WHERE v.retired = 0 AND v.served = 1 AND edit_distance(LEFT(v.vendor_id, 64), g) <= most
    ORDER BY edit_distance(LEFT(v.vendor_id, 64), g), v.vendor_id LIMIT 1;
  ELSEIF kind = 'key' THEN
    SELECT k.type INTO best FROM key_type k
    WHERE edit_distance(k.type, g) <= most
    ORDER BY edit_distance(k.type, g), k.type LIMIT 1;
  END IF;
  RETURN IF(best IS NULL, '', CONCAT('; did you mean ', shown(best), '?'));
END//

-- ---------------------------------------------------------------- checks of single values

-- The same rules as in core/setting.c.
DROP FUNCTION IF EXISTS is_host//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION is_host(v TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  RETURNS TINYINT
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'a host name (RFC 1123, the last label not all digits), an IPv4 or an IPv6 address'
BEGIN
  RETURN IS_IPV4(v) OR IS_IPV6(v)
    OR (LENGTH(v) <= 253
        AND v REGEXP '^[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?([.][A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?)*$'
        AND NOT v REGEXP '(^|[.])[0-9]+$');
END//

DROP FUNCTION IF EXISTS is_url//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION is_url(v TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  RETURNS TINYINT
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'scheme://[user@]host[:port] and what follows, printable ASCII without blanks'
BEGIN
  DECLARE place, host, port TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  IF NOT LOWER(v) REGEXP '^(https|http|tftp|ftp)://' OR v REGEXP '[^!-~]' THEN
    RETURN 0;
  END IF;
  SET place = REGEXP_REPLACE(SUBSTRING(v, LOCATE('://', v) + 3), '[/?#].*$', '');
  SET place = SUBSTRING(place, LOCATE('@', place) + 1);
  IF LEFT(place, 1) = '[' THEN
    SET host = SUBSTRING(SUBSTRING_INDEX(place, ']', 1), 2), port = SUBSTRING(place, CHAR_LENGTH(host) + 3);
    IF place NOT LIKE '%]%' OR NOT IS_IPV6(host) THEN
      RETURN 0;
    END IF;
  ELSE
    SET host = SUBSTRING_INDEX(place, ':', 1), port = SUBSTRING(place, CHAR_LENGTH(host) + 1);
    IF IS_IPV6(host) OR NOT is_host(host) THEN
      RETURN 0;
    END IF;
  END IF;
  RETURN port = '' OR (port REGEXP '^:[1-9][0-9]{0,4}$' AND CAST(SUBSTRING(port, 2) AS SIGNED) <= 65535);
END//

DROP PROCEDURE IF EXISTS check_mac//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_mac(
    INOUT the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  DECLARE good VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT mac(the_mac);
  IF good IS NULL THEN
    CALL refuse(CONCAT(shown(the_mac), ' is not a MAC: 12 hex digits, e.g. 0c383e1a2b3c'));
  END IF;
  SET the_mac = good;
END//

DROP PROCEDURE IF EXISTS check_identifier//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_identifier(
    what VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    v VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    most INT)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  IF v IS NULL OR v = '' THEN
    CALL refuse(CONCAT(what, ' must not be empty'));
  ELSEIF LENGTH(v) > most THEN
    CALL refuse(CONCAT(what, ' ', shown(v), ' is longer than ', most, ' characters'));
  ELSEIF v REGEXP '[^-A-Za-z0-9._@+]' THEN
    CALL refuse(CONCAT(what, ' ', shown(v), ': only letters, digits and . _ - @ +'));
  END IF;
END//

DROP PROCEDURE IF EXISTS check_text//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_text(
    what VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    v LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    most INT)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'what a phone can be told in some syntax: no control characters, at most so many bytes'
BEGIN
  IF v IS NOT NULL THEN
    IF LENGTH(v) > most THEN
      CALL refuse(CONCAT(what, ': ', shown(v), ' is longer than ', most, ' bytes'));
    ELSEIF v REGEXP '[[:cntrl:]]' THEN
      CALL refuse(CONCAT(what, ': ', shown(v), ' contains a control character (line break, tab, NUL ...)'));
    END IF;
  END IF;
END//

DROP PROCEDURE IF EXISTS check_user//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_user(
    what VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    v VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  IF v IS NULL OR v = '' THEN
    CALL refuse(CONCAT(what, ' must not be empty'));
  ELSEIF LENGTH(v) > 128 THEN
    CALL refuse(CONCAT(what, ' ', shown(v), ' is longer than 128 characters'));
  ELSEIF v REGEXP '[^!#-;=?-~]' THEN
    CALL refuse(CONCAT(what, ' ', shown(v), ': only printable ASCII without blanks, quotes, < and >'));
  END IF;
END//

DROP PROCEDURE IF EXISTS check_flag//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_flag(
    what VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, v INT)
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  IF v IS NULL OR v NOT IN (0, 1) THEN
    CALL refuse(CONCAT(what, ' is 0 or 1, not ', shown(v)));
  END IF;
END//

-- ---------------------------------------------------------------- parents

DROP PROCEDURE IF EXISTS find_tenant//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE find_tenant(
    INOUT the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE good VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET good = NULL;
  SELECT t.tenant_id INTO good FROM tenant t WHERE t.tenant_id = the_tenant LOCK IN SHARE MODE;
  IF good IS NULL THEN
    CALL refuse(CONCAT('unknown tenant ', shown(the_tenant), '; insert it into tenant first'));
  END IF;
  SET the_tenant = good;
END//

DROP PROCEDURE IF EXISTS find_site//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE find_site(
    INOUT the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    INOUT the_site VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE good_tenant, good VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET good = NULL;
  SELECT s.tenant_id, s.site_id INTO good_tenant, good
  FROM site s WHERE s.tenant_id = the_tenant AND s.site_id = the_site LOCK IN SHARE MODE;
  IF good IS NULL THEN
    CALL refuse(CONCAT('tenant ', shown(the_tenant), ' has no site ', shown(the_site), '; insert it into site first'));
  END IF;
  SET the_tenant = good_tenant, the_site = good;
END//

DROP PROCEDURE IF EXISTS find_profile//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE find_profile(
    INOUT the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    INOUT the_profile VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE good_tenant, good VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET good = NULL;
  SELECT p.tenant_id, p.profile_id INTO good_tenant, good
  FROM profile p WHERE p.tenant_id = the_tenant AND p.profile_id = the_profile LOCK IN SHARE MODE;
  IF good IS NULL THEN
    CALL refuse(CONCAT('tenant ', shown(the_tenant), ' has no profile ', shown(the_profile), '; insert it into profile first'));
  END IF;
  SET the_tenant = good_tenant, the_profile = good;
END//

DROP PROCEDURE IF EXISTS find_account//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE find_account(
    INOUT the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    INOUT the_account VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin)
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'reads and locks the account''s mark in account_route, which account_changed() locks against it'
BEGIN
  DECLARE good_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE good VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET good = NULL;
  SELECT r.tenant_id, r.account_id INTO good_tenant, good FROM account_route r
  WHERE r.tenant_id = the_tenant AND r.account_id = the_account AND r.mac = '' AND r.position = 0 LOCK IN SHARE MODE;
  IF good IS NULL THEN
    CALL refuse(CONCAT('tenant ', shown(the_tenant), ' has no account ', shown(the_account), '; insert it into account first'));
  END IF;
  SET the_tenant = good_tenant, the_account = good;
END//

DROP PROCEDURE IF EXISTS find_device//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE find_device(
    INOUT the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    OUT its_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    OUT its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET its_model = NULL;
  CALL check_mac(the_mac);
  SELECT d.tenant_id, d.model_id INTO its_tenant, its_model FROM device d WHERE d.mac = the_mac LOCK IN SHARE MODE;
  IF its_model IS NULL THEN
    CALL refuse(CONCAT('unknown device ', shown(the_mac), '; insert it into device first'));
  END IF;
END//

DROP PROCEDURE IF EXISTS find_line//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE find_line(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin, the_position INT)
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE good INT;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET good = NULL;
  SELECT l.position INTO good FROM line l WHERE l.mac = the_mac AND l.position = the_position LOCK IN SHARE MODE;
  IF good IS NULL THEN
    CALL refuse(CONCAT('device ', shown(the_mac), ' has no line ', COALESCE(the_position, 'NULL'), '; insert it into line first'));
  END IF;
END//

DROP PROCEDURE IF EXISTS find_model//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE find_model(
    INOUT the_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE good VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE gone TINYINT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET good = NULL;
  SELECT m.model_id, m.retired INTO good, gone FROM model m WHERE m.model_id = the_model;
  IF good IS NULL THEN
    CALL refuse(CONCAT('unknown model ', shown(the_model), did_you_mean('model', the_model)));
  ELSEIF gone <> 0 THEN
    CALL refuse(CONCAT('model ', shown(the_model), ' is retired: templates no longer know it'));
  END IF;
  SET the_model = good;
END//

-- ---------------------------------------------------------------- settings, parameters, secrets, keys

DROP PROCEDURE IF EXISTS check_value//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_value(
    the_name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    the_type VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
    low BIGINT, high BIGINT, most INT,
    allowed TEXT CHARACTER SET ascii COLLATE ascii_bin,
    INOUT v TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'a setting''s value by its type; leaves the one spelling of it'
BEGIN
  DECLARE n DECIMAL(40,0);
  DECLARE rest TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  DECLARE one TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  DECLARE done TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '';
  DECLARE zone VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET zone = NULL;

  CALL check_text(shown(the_name), v, most);
  SET allowed = REPLACE(allowed, ' ', '');
  IF the_type <> 'string' THEN
    SET v = TRIM(v);
    IF v = '' THEN
      CALL refuse(CONCAT(shown(the_name), ': an empty value; NULL takes back what lower layers assigned'));
    END IF;
  END IF;
  CASE the_type
  WHEN 'int' THEN
    IF NOT v REGEXP '^[-+]?[0-9]{1,30}$' THEN
      CALL refuse(CONCAT(shown(the_name), ': ', shown(v), ' is not a whole number'));
    END IF;
    SET n = CAST(v AS DECIMAL(40,0));
    IF n > COALESCE(high, 9223372036854775807) THEN
      CALL refuse(CONCAT(shown(the_name), ': ', shown(v), ' is above ', COALESCE(high, 9223372036854775807)));
    ELSEIF n < COALESCE(low, -9223372036854775807) THEN
      CALL refuse(CONCAT(shown(the_name), ': ', shown(v), ' is below ', COALESCE(low, -9223372036854775807)));
    END IF;
    SET v = CAST(n AS CHAR(40));
  WHEN 'bool' THEN
    CASE
    WHEN LOWER(v) IN ('true', '1', 'yes', 'on') THEN SET v = 'true';
    WHEN LOWER(v) IN ('false', '0', 'no', 'off') THEN SET v = 'false';
    ELSE CALL refuse(CONCAT(shown(the_name), ': ', shown(v), ' is neither true nor false'));
    END CASE;
  WHEN 'enum' THEN
    IF v LIKE '%,%' OR FIND_IN_SET(v, allowed) = 0 THEN
      CALL refuse(CONCAT(shown(the_name), ': ', shown(v), ' is none of ', allowed));
    END IF;
  WHEN 'list' THEN
    SET rest = v;
    WHILE rest IS NOT NULL DO
      SET one = TRIM(SUBSTRING_INDEX(rest, ',', 1)),
          rest = IF(rest LIKE '%,%', SUBSTRING(rest, CHAR_LENGTH(SUBSTRING_INDEX(rest, ',', 1)) + 2), NULL);
      IF one = '' THEN
        CALL refuse(CONCAT(shown(the_name), ': ', shown(v), ' has an empty item'));
      ELSEIF allowed IS NOT NULL AND FIND_IN_SET(one, allowed) = 0 THEN
        CALL refuse(CONCAT(shown(the_name), ': ', shown(one), ' is none of ', allowed));
      ELSEIF FIND_IN_SET(one, done) > 0 THEN
        CALL refuse(CONCAT(shown(the_name), ': ', shown(one), ' occurs twice'));
      END IF;
      SET done = IF(done = '', one, CONCAT(done, ',', one));
    END WHILE;
    SET v = done;
  WHEN 'host' THEN
    IF NOT is_host(v) THEN
      CALL refuse(CONCAT(shown(the_name), ': ', shown(v), ' is neither a host name nor an address'));
    END IF;
  WHEN 'url' THEN
    IF NOT is_url(v) THEN
      CALL refuse(CONCAT(shown(the_name), ': ', shown(v), ' is not a URL, e.g. https://host/path (https, http, tftp, ftp)'));
    END IF;
  WHEN 'timezone' THEN
    SELECT z.name INTO zone FROM timezone z WHERE z.name = v AND z.retired = 0;
    IF zone IS NULL THEN
      CALL refuse(CONCAT(shown(the_name), ': unknown time zone ', shown(v), did_you_mean('timezone', v)));
    END IF;
    SET v = zone;
  ELSE BEGIN END;
  END CASE;
END//

DROP PROCEDURE IF EXISTS check_parameter//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_parameter(
    INOUT the_vendor VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    v TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'a raw parameter, as a vendor''s phones call it'
BEGIN
  DECLARE good VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE templates TINYINT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET good = NULL;
  SELECT x.vendor_id, x.served = 1 AND x.retired = 0 INTO good, templates FROM vendor x WHERE x.vendor_id = the_vendor;
  IF good IS NULL THEN
    CALL refuse(CONCAT('unknown vendor ', shown(the_vendor), did_you_mean('vendor', the_vendor)));
  ELSEIF templates = 0 THEN
    CALL refuse(CONCAT('vendor ', shown(the_vendor), ' has no templates, so no parameter reaches its phones'));
  ELSEIF the_name IS NULL OR the_name = '' THEN
    CALL refuse('the name of a parameter must not be empty');
  ELSEIF LENGTH(the_name) > 190 THEN
    CALL refuse(CONCAT('parameter ', shown(the_name), ' is longer than 190 characters'));
  ELSEIF the_name REGEXP '[^ -<>-~]|^ | $' THEN
    CALL refuse(CONCAT('parameter ', shown(the_name), ': only printable ASCII, no =, no blank at the ends'));
  END IF;
  CALL check_text(shown(the_name), v, 4096);
  SET the_vendor = good;
END//

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
                         IF(its_scope = 'line', 'account_secret', 'device_secret or tenant_secret')));
    ELSEIF gone <> 0 THEN
      CALL refuse(CONCAT('setting ', shown(good), ' is retired: templates no longer use it'));
    ELSEIF its_scope = 'device' AND layer IN ('account', 'line') THEN
      CALL refuse(CONCAT(shown(good), ' is a setting of the whole phone: put it into device_setting or a wider one'));
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
  ELSEIF (its_scope = 'line') <> (layer = 'account') THEN
    CALL refuse(CONCAT(shown(good), ' belongs into ', IF(its_scope = 'line', 'account_secret', 'device_secret or tenant_secret')));
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

DROP PROCEDURE IF EXISTS secret_version//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE secret_version(
    old_name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    new_name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    old_plain VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    new_plain VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    old_sealed VARBINARY(1024), INOUT new_sealed VARBINARY(1024),
    INOUT new_key_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    old_version BINARY(8), INOUT new_version BINARY(8))
  DETERMINISTIC NO SQL SQL SECURITY DEFINER
  COMMENT 'a new version where the secret is another one, the old version where only its form is'
BEGIN
  -- a new plain secret over a sealed one: what was sealed is over
  IF new_plain IS NOT NULL AND old_plain IS NULL AND new_sealed <=> old_sealed THEN
    SET new_sealed = NULL, new_key_id = NULL;
  END IF;
  -- who writes a sealed secret that is a new one says so by setting version to anything else
  IF new_version <> old_version OR new_name <> old_name
     OR (new_plain IS NOT NULL AND NOT CAST(new_plain AS BINARY) <=> CAST(old_plain AS BINARY)) THEN
    SET new_version = RANDOM_BYTES(8);
  END IF;
END//

DROP PROCEDURE IF EXISTS check_key//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_key(
    its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    module INT, slot INT,
    INOUT the_type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    the_line INT,
    value VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    label VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    extension VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'a row of line_key (its_model given) or profile_key (NULL: any model, wide bounds)'
BEGIN
  DECLARE good VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE value_needed TINYINT DEFAULT 0;
  DECLARE line_most INT DEFAULT 99;
  DECLARE key_most INT DEFAULT 999;
  DECLARE module_most INT DEFAULT 9;
  DECLARE module_key_most INT DEFAULT 999;
  DECLARE who VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'a phone';
  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;

  IF its_model IS NOT NULL THEN
    SELECT CONCAT('model ', m.model_id), m.line_count, m.key_count, m.module_count, m.module_key_count
      INTO who, line_most, key_most, module_most, module_key_most
    FROM model m WHERE m.model_id = its_model;
  END IF;
  IF module IS NULL OR module NOT BETWEEN 0 AND module_most THEN
    CALL refuse(CONCAT(who, ' has ', module_most, ' expansion modules; there is no module ', COALESCE(module, 'NULL')));
  ELSEIF module = 0 AND (slot IS NULL OR slot NOT BETWEEN 1 AND key_most) THEN
    CALL refuse(CONCAT(who, ' has ', key_most, ' keys; there is no slot ', COALESCE(slot, 'NULL')));
  ELSEIF module > 0 AND (slot IS NULL OR slot NOT BETWEEN 1 AND module_key_most) THEN
    CALL refuse(CONCAT(who, ' has ', module_key_most, ' keys a module; there is no slot ', COALESCE(slot, 'NULL')));
  ELSEIF the_line NOT BETWEEN 1 AND line_most THEN
    CALL refuse(CONCAT(who, ' has ', line_most, ' lines; there is no line ', the_line));
  END IF;
  SELECT k.type, k.needs_value INTO good, value_needed FROM key_type k WHERE k.type = the_type;
  IF good IS NULL THEN
    CALL refuse(CONCAT('unknown key type ', shown(the_type), did_you_mean('key', the_type)));
  ELSEIF value_needed <> 0 AND COALESCE(value, '') = '' THEN
    CALL refuse(CONCAT('a key of type ', good, ' needs a value'));
  END IF;
  CALL check_text('value of a key', value, 255);
  CALL check_text('label of a key', label, 128);
  CALL check_text('extension of a key', extension, 128);
  SET the_type = good;
END//

DROP PROCEDURE IF EXISTS check_line//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_line(
    INOUT the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    the_position INT,
    INOUT the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    INOUT the_account VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin,
    label VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    enabled INT)
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE most INT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;
  CALL find_device(the_mac, its_tenant, its_model);
  IF the_tenant IS NULL OR the_tenant = '' THEN
    SET the_tenant = its_tenant;
  ELSEIF the_tenant <> its_tenant THEN
    CALL refuse(CONCAT('device ', the_mac, ' belongs to tenant ', shown(its_tenant), ', not to ', shown(the_tenant)));
  END IF;
  SELECT m.line_count INTO most FROM model m WHERE m.model_id = its_model;
  IF the_position IS NULL OR the_position NOT BETWEEN 1 AND most THEN
    CALL refuse(CONCAT('model ', its_model, ' has ', most, ' lines; there is no line ', COALESCE(the_position, 'NULL')));
  END IF;
  CALL find_account(the_tenant, the_account);
  CALL check_text('label of a line', label, 128);
  CALL check_flag('line.enabled', enabled);
END//

DROP PROCEDURE IF EXISTS check_device//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_device(
    INOUT the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    INOUT the_site VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    INOUT the_profile VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    enabled INT)
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  CALL find_tenant(the_tenant);
  IF the_site = '' THEN
    SET the_site = NULL;
  ELSEIF the_site IS NOT NULL THEN
    CALL find_site(the_tenant, the_site);
  END IF;
  IF the_profile = '' THEN
    SET the_profile = NULL;
  ELSEIF the_profile IS NOT NULL THEN
    CALL find_profile(the_tenant, the_profile);
  END IF;
  CALL check_flag('device.enabled', enabled);
END//

DROP PROCEDURE IF EXISTS check_account//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_account(
    INOUT the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_account VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin,
    sip_user VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    INOUT auth_user VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    display_name VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    enabled INT)
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  CALL find_tenant(the_tenant);
  CALL check_identifier('account_id', the_account, 128);
  CALL check_user('sip_user', sip_user);
  IF auth_user = '' THEN
    SET auth_user = NULL;
  ELSEIF auth_user IS NOT NULL THEN
    CALL check_user('auth_user', auth_user);
  END IF;
  CALL check_text('display_name', display_name, 128);
  CALL check_flag('account.enabled', enabled);
END//

-- ---------------------------------------------------------------- another model

DROP PROCEDURE IF EXISTS check_fit//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE check_fit(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    new_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'do lines, keys, settings and secrets of a device fit another model?'
BEGIN
  DECLARE its_vendor VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE lines_most, keys_most, modules_most, module_keys_most INT;
  DECLARE beyond VARCHAR(2000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  SELECT m.vendor_id, m.line_count, m.key_count, m.module_count, m.module_key_count
    INTO its_vendor, lines_most, keys_most, modules_most, module_keys_most
  FROM model m WHERE m.model_id = new_model;
  SELECT LEFT(GROUP_CONCAT(l.position ORDER BY l.position), 60) INTO beyond
  FROM line l WHERE l.mac = the_mac AND l.position > lines_most;
  IF beyond IS NOT NULL THEN
    CALL refuse(CONCAT('model ', new_model, ' has ', lines_most, ' lines; delete line ', beyond, ' of ', the_mac, ' first'));
  END IF;
  SELECT LEFT(GROUP_CONCAT(CONCAT(k.module, '/', k.slot) ORDER BY k.module, k.slot), 60) INTO beyond
  FROM line_key k
  WHERE k.mac = the_mac
    AND (k.module > modules_most OR k.slot > IF(k.module = 0, keys_most, module_keys_most) OR k.line > lines_most);
  IF beyond IS NOT NULL THEN
    CALL refuse(CONCAT('model ', new_model, ' lacks module/slot ', beyond, ' (or its line); delete these keys of ', the_mac));
  END IF;
  SELECT MIN(s.name) INTO beyond FROM device_setting s
  WHERE s.mac = the_mac AND s.vendor = ''
    AND NOT EXISTS (SELECT 1 FROM vendor_setting x WHERE x.vendor_id = its_vendor AND x.name = s.name);
  IF beyond IS NULL THEN
    SELECT MIN(s.name) INTO beyond FROM line_setting s
    WHERE s.mac = the_mac AND s.vendor = ''
      AND NOT EXISTS (SELECT 1 FROM vendor_setting x WHERE x.vendor_id = its_vendor AND x.name = s.name);
  END IF;
  IF beyond IS NULL THEN
    SELECT MIN(s.name) INTO beyond FROM device_secret s
    WHERE s.mac = the_mac
      AND NOT EXISTS (SELECT 1 FROM vendor_setting x WHERE x.vendor_id = its_vendor AND x.name = s.name);
  END IF;
  IF beyond IS NOT NULL THEN
    CALL refuse(CONCAT('setting ', shown(beyond), ' is not known to ', its_vendor, ' phones; delete it from ', the_mac, ' first'));
  END IF;
END//

-- ---------------------------------------------------------------- what still hangs on a row, in words
-- SELECT ... INTO reads without locks; EXISTS (...) in an IF of a trigger would lock gaps that other DBAs insert into.

DROP FUNCTION IF EXISTS device_has//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION device_has(the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE l, k, s, p INT;
  SELECT COUNT(*) INTO l FROM line x WHERE x.mac = the_mac;
  SELECT COUNT(*) INTO k FROM line_key x WHERE x.mac = the_mac;
  SELECT COUNT(*) INTO s FROM device_setting x WHERE x.mac = the_mac;
  SELECT COUNT(*) INTO p FROM device_secret x WHERE x.mac = the_mac;
  RETURN CONCAT_WS(', ', IF(l = 0, NULL, CONCAT(l, ' line', IF(l = 1, '', 's'))), IF(k = 0, NULL, CONCAT(k, ' key', IF(k = 1, '', 's'))),
                   IF(s = 0, NULL, CONCAT(s, ' setting', IF(s = 1, '', 's'))), IF(p = 0, NULL, CONCAT(p, ' secret', IF(p = 1, '', 's'))));
END//

DROP FUNCTION IF EXISTS line_has//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION line_has(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin, the_position INT)
  RETURNS INT
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'how many settings a line has'
BEGIN
  DECLARE s INT;
  SELECT COUNT(*) INTO s FROM line_setting x WHERE x.mac = the_mac AND x.position = the_position;
  RETURN s;
END//

DROP FUNCTION IF EXISTS account_has//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION account_has(
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_account VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin
  READS SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE l, s, p INT;
  SELECT COUNT(*) INTO l FROM line x WHERE x.tenant_id = the_tenant AND x.account_id = the_account;
  SELECT COUNT(*) INTO s FROM account_setting x WHERE x.tenant_id = the_tenant AND x.account_id = the_account;
  SELECT COUNT(*) INTO p FROM account_secret x WHERE x.tenant_id = the_tenant AND x.account_id = the_account;
  RETURN CONCAT_WS(', ', IF(l = 0, NULL, CONCAT(l, ' line', IF(l = 1, '', 's'))), IF(s = 0, NULL, CONCAT(s, ' setting', IF(s = 1, '', 's'))),
                   IF(p = 0, NULL, CONCAT(p, ' secret', IF(p = 1, '', 's'))));
END//

DROP FUNCTION IF EXISTS group_has//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION group_has(
    kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'of a tenant, site or profile'
BEGIN
  DECLARE d, k, s, p, x, y, a INT DEFAULT 0;
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
  END IF;
  RETURN CONCAT_WS(', ', IF(d = 0, NULL, CONCAT(d, ' device', IF(d = 1, '', 's'))), IF(x = 0, NULL, CONCAT(x, ' site', IF(x = 1, '', 's'))),
                   IF(y = 0, NULL, CONCAT(y, ' profile', IF(y = 1, '', 's'))), IF(a = 0, NULL, CONCAT(a, ' account', IF(a = 1, '', 's'))),
                   IF(k = 0, NULL, CONCAT(k, ' key', IF(k = 1, '', 's'))), IF(s = 0, NULL, CONCAT(s, ' setting', IF(s = 1, '', 's'))),
                   IF(p = 0, NULL, CONCAT(p, ' secret', IF(p = 1, '', 's'))));
END//

-- ---------------------------------------------------------------- moving revisions

DROP PROCEDURE IF EXISTS device_changed//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE device_changed(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  INSERT INTO device_revision (mac, revision) VALUES (the_mac, RANDOM_BYTES(8))
    ON DUPLICATE KEY UPDATE revision = VALUES(revision)//

DROP PROCEDURE IF EXISTS tenant_changed//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE tenant_changed(
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  INSERT INTO layer_revision (layer, revision) VALUES (CONCAT('tenant/', the_tenant), RANDOM_BYTES(8))
    ON DUPLICATE KEY UPDATE revision = VALUES(revision)//

DROP PROCEDURE IF EXISTS site_changed//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE site_changed(
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_site VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  INSERT INTO layer_revision (layer, revision) VALUES (CONCAT('site/', the_tenant, '/', the_site), RANDOM_BYTES(8))
    ON DUPLICATE KEY UPDATE revision = VALUES(revision)//

DROP PROCEDURE IF EXISTS profile_changed//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE profile_changed(
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_profile VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  INSERT INTO layer_revision (layer, revision) VALUES (CONCAT('profile/', the_tenant, '/', the_profile), RANDOM_BYTES(8))
    ON DUPLICATE KEY UPDATE revision = VALUES(revision)//

DROP PROCEDURE IF EXISTS provider_changed//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE provider_changed()
  MODIFIES SQL DATA SQL SECURITY DEFINER
  INSERT INTO layer_revision (layer, revision) VALUES ('provider', RANDOM_BYTES(8))
    ON DUPLICATE KEY UPDATE revision = VALUES(revision)//

DROP PROCEDURE IF EXISTS account_changed//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE account_changed(
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_account VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'moves the devices that have a line of the account, those of lines that were committed a moment ago included'
BEGIN
  DECLARE ended, mark INT DEFAULT 0;
  DECLARE its_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE devices CURSOR FOR
    SELECT r.mac FROM account_route r FORCE INDEX (PRIMARY)
    WHERE r.tenant_id = the_tenant AND r.account_id = the_account AND r.mac > '' AND r.mac < 'z'
    LOCK IN SHARE MODE;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET ended = 1;
  -- waits for whoever is giving this account a line, and makes them wait
  SELECT r.position INTO mark FROM account_route r
  WHERE r.tenant_id = the_tenant AND r.account_id = the_account AND r.mac = '' AND r.position = 0 FOR UPDATE;
  SET ended = 0;
  OPEN devices;
  FETCH devices INTO its_mac;
  WHILE ended = 0 DO
    CALL device_changed(its_mac);
    FETCH devices INTO its_mac;
  END WHILE;
  CLOSE devices;
END//

DELIMITER ;
