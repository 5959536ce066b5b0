-- What DBAs CALL. Each is one procedure around one function: a statement that calls a function is atomic by itself, so these work
-- alike with autocommit and inside a transaction that the caller has begun (they neither begin nor commit one).
-- Only journal_partitions commits: it is DDL. Each statement goes by a key, whatever the optimizer makes of a small table: DBAs may have sql_safe_updates on.
-- DETERMINISTIC is only said because a server with a binary log creates no function that changes rows without it (error 1418). What is logged is
-- the rows (`dialtone db init` refuses binlog_format = STATEMENT), and the server evaluates each call once.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

DELIMITER //

-- ---------------------------------------------------------------- add_phone

DROP FUNCTION IF EXISTS do_add_phone//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION do_add_phone(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    site VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    profile VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    account VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin,
    sip_user VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    sip_password VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    display_name VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  RETURNS VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  DETERMINISTIC MODIFIES SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE there INT;
  CALL check_mac(the_mac);
  SELECT COUNT(*) INTO there FROM device d WHERE d.mac = the_mac;
  IF there > 0 THEN
    CALL refuse(CONCAT('device ', the_mac, ' exists already; see device_overview'));
  END IF;
  SELECT COUNT(*) INTO there FROM account a WHERE a.tenant_id = tenant AND a.account_id = account;
  IF there > 0 AND (sip_user IS NOT NULL OR sip_password IS NOT NULL OR display_name IS NOT NULL) THEN
    CALL refuse(CONCAT('account ', shown(account), ' exists already; to use it, give NULL for user, password and name'));
  ELSEIF there = 0 AND sip_password IS NULL THEN
    CALL refuse(CONCAT('tenant ', shown(tenant), ' has no account ', shown(account), '; give user and password to make it'));
  END IF;
  INSERT INTO device (mac, tenant_id, site_id, profile_id, model_id) VALUES (the_mac, tenant, site, profile, model);
  IF there = 0 THEN
    INSERT INTO account (tenant_id, account_id, sip_user, display_name) VALUES (tenant, account, COALESCE(sip_user, account), display_name);
    INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES (tenant, account, 'sip.password', sip_password);
  END IF;
  INSERT INTO line (mac, position, tenant_id, account_id) VALUES (the_mac, 1, tenant, account);
  RETURN CONCAT(the_mac, ': line 1 is account ', account, IF(there = 0, ', which is new', ''));
END//

DROP PROCEDURE IF EXISTS add_phone//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE add_phone(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    site VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    profile VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    account VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin,
    sip_user VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    sip_password VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    display_name VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'a phone with one line; the account is made unless it exists (then give NULL for user, password and name)'
BEGIN
  DECLARE said VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  SELECT do_add_phone(the_mac, tenant, site, profile, model, account, sip_user, sip_password, display_name) INTO said;
  SELECT said AS done;
END//

-- ---------------------------------------------------------------- swap_phone

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
  -- a sealed secret is bound to its row and cannot follow; a plain one can
  SELECT COUNT(*) INTO there FROM device_secret s WHERE s.mac = old_mac AND s.sealed IS NOT NULL;
  UPDATE device_secret SET mac = new_mac WHERE mac = old_mac AND sealed IS NULL;
  DELETE FROM device_secret WHERE mac = old_mac;
  DELETE FROM line WHERE mac = old_mac;
  DELETE FROM device WHERE mac = old_mac;
  RETURN CONCAT(old_mac, ' is deleted; ', new_mac, ' (', new_model, ') has its lines, keys, settings',
                IF(there > 0, CONCAT('; set its ', there, ' sealed device secrets again'), ' and secrets'));
END//

DROP PROCEDURE IF EXISTS swap_phone//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE swap_phone(
    old_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    new_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    new_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'a new phone in the place of an old one, which is deleted; new_model NULL: the same model'
BEGIN
  DECLARE said VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  SELECT do_swap_phone(old_mac, new_mac, new_model) INTO said;
  SELECT said AS done;
END//

-- ---------------------------------------------------------------- delete_device, move_device, delete_account

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
END//

DROP FUNCTION IF EXISTS do_delete_device//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION do_delete_device(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  DETERMINISTIC MODIFIES SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE had VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  CALL find_device(the_mac, its_tenant, its_model);
  SET had = device_has(the_mac);
  CALL strip_device(the_mac);
  DELETE FROM device WHERE mac = the_mac;
  RETURN CONCAT(the_mac, ' of tenant ', its_tenant, ' is deleted', IF(had = '', '', CONCAT(', with ', had)));
END//

DROP PROCEDURE IF EXISTS delete_device//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE delete_device(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'a device with its lines, keys, settings and secrets; its accounts stay'
BEGIN
  DECLARE said VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  SELECT do_delete_device(the_mac) INTO said;
  SELECT said AS done;
END//

DROP FUNCTION IF EXISTS do_move_device//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION do_move_device(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    new_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    new_site VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    new_profile VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  DETERMINISTIC MODIFIES SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE its_tenant, its_model VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE had VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  CALL find_device(the_mac, its_tenant, its_model);
  CALL check_device(new_tenant, new_site, new_profile, 1);
  IF new_tenant = its_tenant THEN
    CALL refuse(CONCAT(the_mac, ' is of tenant ', shown(its_tenant), ' already; UPDATE device changes site and profile'));
  END IF;
  SET had = device_has(the_mac);
  CALL strip_device(the_mac);
  UPDATE device SET tenant_id = new_tenant, site_id = new_site, profile_id = new_profile, comment = NULL WHERE mac = the_mac;
  RETURN CONCAT(the_mac, ' moved from ', its_tenant, ' to ', new_tenant, IF(had = '', '', CONCAT('; dropped ', had)));
END//

DROP PROCEDURE IF EXISTS move_device//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE move_device(
    the_mac VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    new_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    new_site VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    new_profile VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'to another tenant: what the old one put on it is dropped, and its credentials end at once'
BEGIN
  DECLARE said VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  SELECT do_move_device(the_mac, new_tenant, new_site, new_profile) INTO said;
  SELECT said AS done;
END//

DROP FUNCTION IF EXISTS do_delete_account//
CREATE DEFINER = 'dialtone_owner'@'localhost' FUNCTION do_delete_account(
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_account VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin)
  RETURNS VARCHAR(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  DETERMINISTIC MODIFIES SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE had VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  CALL find_account(the_tenant, the_account);
  SET had = account_has(the_tenant, the_account);
  DELETE s FROM line l FORCE INDEX (line_account) STRAIGHT_JOIN line_setting s FORCE INDEX (PRIMARY) ON s.mac = l.mac AND s.position = l.position
    WHERE l.tenant_id = the_tenant AND l.account_id = the_account;
  DELETE FROM line WHERE tenant_id = the_tenant AND account_id = the_account;
  DELETE FROM account_setting WHERE tenant_id = the_tenant AND account_id = the_account;
  DELETE FROM account_secret WHERE tenant_id = the_tenant AND account_id = the_account;
  DELETE FROM account WHERE tenant_id = the_tenant AND account_id = the_account;
  RETURN CONCAT('account ', the_account, ' of tenant ', the_tenant, ' is deleted', IF(had = '', '', CONCAT(', with ', had)));
END//

DROP PROCEDURE IF EXISTS delete_account//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE delete_account(
    the_tenant VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin,
    the_account VARCHAR(144) CHARACTER SET ascii COLLATE ascii_bin)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'an account with its settings, secrets and the lines that use it'
BEGIN
  DECLARE said VARCHAR(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  SELECT do_delete_account(the_tenant, the_account) INTO said;
  SELECT said AS done;
END//

-- ---------------------------------------------------------------- the journal's partitions

DROP PROCEDURE IF EXISTS journal_partitions//
CREATE DEFINER = 'dialtone_owner'@'localhost' PROCEDURE journal_partitions(keep_days INT, ahead_days INT)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'one partition a day (UTC) from today to ahead_days ahead; older ones than keep_days are dropped with their rows'
BEGIN
  DECLARE today INT DEFAULT TO_DAYS(UTC_DATE());
  DECLARE day_no, top, waited INT;
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
  -- a change of partitions waits for readers, and the journal's inserts wait behind it: rather fail and be called again
  SET SESSION lock_wait_timeout = 5;

  SELECT MAX(CAST(p.PARTITION_DESCRIPTION AS SIGNED)) INTO top FROM information_schema.PARTITIONS p
  WHERE p.TABLE_SCHEMA = DATABASE() AND p.TABLE_NAME = 'fetch_journal' AND p.PARTITION_DESCRIPTION <> 'MAXVALUE';
  SET day_no = GREATEST(COALESCE(top, today), today);
  WHILE day_no <= today + ahead_days DO
    SET bit_of_it = CONCAT(bit_of_it, 'PARTITION p', DATE_FORMAT(FROM_DAYS(day_no), '%Y%m%d'), ' VALUES LESS THAN (', day_no + 1, '), ');
    SET day_no = day_no + 1;
  END WHILE;
  IF bit_of_it <> '' THEN
    SET @dialtone_ddl = CONCAT('ALTER TABLE fetch_journal REORGANIZE PARTITION pmax INTO (', bit_of_it,
                               'PARTITION pmax VALUES LESS THAN MAXVALUE)');
    PREPARE dialtone_ddl FROM @dialtone_ddl;
    EXECUTE dialtone_ddl;
    DEALLOCATE PREPARE dialtone_ddl;
  END IF;

  -- 90 at most: GROUP_CONCAT is cut at 1,024 bytes on some servers; the next call drops the rest
  SELECT GROUP_CONCAT(x.PARTITION_NAME) INTO bit_of_it
  FROM (SELECT p.PARTITION_NAME FROM information_schema.PARTITIONS p
        WHERE p.TABLE_SCHEMA = DATABASE() AND p.TABLE_NAME = 'fetch_journal' AND p.PARTITION_DESCRIPTION <> 'MAXVALUE'
          AND CAST(p.PARTITION_DESCRIPTION AS SIGNED) <= today - keep_days
        ORDER BY p.PARTITION_ORDINAL_POSITION LIMIT 90) AS x;
  IF bit_of_it IS NOT NULL THEN
    SET @dialtone_ddl = CONCAT('ALTER TABLE fetch_journal DROP PARTITION ', bit_of_it);
    PREPARE dialtone_ddl FROM @dialtone_ddl;
    EXECUTE dialtone_ddl;
    DEALLOCATE PREPARE dialtone_ddl;
  END IF;
  SET @dialtone_ddl = NULL;
  SET SESSION lock_wait_timeout = waited;

  -- the state of devices that are gone
  DELETE FROM device_state
    WHERE mac > '' AND last_at < UTC_TIMESTAMP() - INTERVAL keep_days DAY AND NOT EXISTS (SELECT 1 FROM device d WHERE d.mac = device_state.mac);
  DELETE FROM journal_loss WHERE at < UTC_TIMESTAMP() - INTERVAL keep_days DAY;
END//

DELIMITER ;
