-- Accounts and their rights: one GRANT a line, each with its reason. Applied after the migrations, by an account that may create users.
--
-- `GRANT ... ON table` means the database in use, so no name of a database stands here. The tool replaces @PASSWORD_WORKER@ and
-- the like by the password given or a random one, escaped for a string in single quotes. An account that exists keeps its password.
-- Accounts are at '%'; where the programs run on the database's host only, use --skip-networking or RENAME USER to 'localhost'.
-- dialtone_owner is created by 0001-tables.sql and locked: nobody logs in as it.

CREATE USER IF NOT EXISTS 'dialtone_worker'@'%' IDENTIFIED BY '@PASSWORD_WORKER@';
CREATE USER IF NOT EXISTS 'dialtone_journal'@'%' IDENTIFIED BY '@PASSWORD_JOURNAL@';
CREATE USER IF NOT EXISTS 'dialtone_courier'@'%' IDENTIFIED BY '@PASSWORD_COURIER@';
CREATE USER IF NOT EXISTS 'dialtone_dba'@'%' IDENTIFIED BY '@PASSWORD_DBA@';
CREATE USER IF NOT EXISTS 'dialtone_reader'@'%' IDENTIFIED BY '@PASSWORD_READER@';
CREATE USER IF NOT EXISTS 'dialtone_registrar'@'%' IDENTIFIED BY '@PASSWORD_REGISTRAR@';

-- owner: 0001-tables.sql and 0009-audit.sql give it the same; here again for a database that was restored on another server

GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE, TRIGGER ON * TO 'dialtone_owner'@'localhost'; -- routines, triggers and views run with its rights
GRANT ALTER, CREATE, DROP ON fetch_journal TO 'dialtone_owner'@'localhost'; -- partitions
GRANT ALTER, CREATE, DROP ON audit TO 'dialtone_owner'@'localhost'; -- partitions

-- worker: reads what a fetch needs, writes nothing

GRANT SELECT ON _complete TO 'dialtone_worker'@'%'; -- a restore under way is seen
GRANT SELECT ON tenant TO 'dialtone_worker'@'%'; -- enabled, plain_http
GRANT SELECT ON site TO 'dialtone_worker'@'%'; -- the layer is there
GRANT SELECT ON profile TO 'dialtone_worker'@'%'; -- the layer is there
GRANT SELECT ON device TO 'dialtone_worker'@'%'; -- whose phone, which model, which generations count
GRANT SELECT ON account TO 'dialtone_worker'@'%'; -- SIP user and name of a line
GRANT SELECT ON line TO 'dialtone_worker'@'%'; -- lines
GRANT SELECT ON line_key TO 'dialtone_worker'@'%'; -- keys of the device
GRANT SELECT ON profile_key TO 'dialtone_worker'@'%'; -- keys of the profile
GRANT SELECT ON provider_setting TO 'dialtone_worker'@'%'; -- a layer
GRANT SELECT ON tenant_setting TO 'dialtone_worker'@'%'; -- a layer
GRANT SELECT ON site_setting TO 'dialtone_worker'@'%'; -- a layer
GRANT SELECT ON profile_setting TO 'dialtone_worker'@'%'; -- a layer
GRANT SELECT ON device_setting TO 'dialtone_worker'@'%'; -- a layer
GRANT SELECT ON account_setting TO 'dialtone_worker'@'%'; -- a layer
GRANT SELECT ON line_setting TO 'dialtone_worker'@'%'; -- a layer
GRANT SELECT ON tenant_secret TO 'dialtone_worker'@'%'; -- passwords that the phone gets
GRANT SELECT ON device_secret TO 'dialtone_worker'@'%'; -- passwords that the phone gets
GRANT SELECT ON account_secret TO 'dialtone_worker'@'%'; -- passwords that the phone gets
GRANT SELECT ON tenant_policy TO 'dialtone_worker'@'%'; -- which proofs a device's file wants
GRANT SELECT ON device_policy TO 'dialtone_worker'@'%'; -- which proofs a device's file wants
GRANT SELECT ON tenant_network TO 'dialtone_worker'@'%'; -- is the address one of the tenant's
GRANT SELECT ON device_password TO 'dialtone_worker'@'%'; -- a password brought in, to compare
GRANT SELECT ON enrolment TO 'dialtone_worker'@'%'; -- is there a window
GRANT SELECT ON certificate_denied TO 'dialtone_worker'@'%'; -- is the certificate denied
GRANT EXECUTE ON FUNCTION enrolment_claim TO 'dialtone_worker'@'%'; -- one use of a window, counted
GRANT EXECUTE ON FUNCTION enrolment_end TO 'dialtone_worker'@'%'; -- it was delivered, or is given back
GRANT SELECT ON device_revision TO 'dialtone_worker'@'%'; -- is the cached layer still the layer, and the ETag
GRANT SELECT ON device_pack TO 'dialtone_worker'@'%'; -- the device's rows in one, sealed
GRANT SELECT ON layer_revision TO 'dialtone_worker'@'%'; -- is the cached layer still the layer, and the ETag
GRANT SELECT ON setting TO 'dialtone_worker'@'%'; -- do the files fit what was loaded
GRANT SELECT ON timezone TO 'dialtone_worker'@'%'; -- do the files fit what was loaded
GRANT SELECT ON vendor TO 'dialtone_worker'@'%'; -- do the files fit what was loaded
GRANT SELECT ON vendor_oui TO 'dialtone_worker'@'%'; -- do the files fit what was loaded
GRANT SELECT ON model TO 'dialtone_worker'@'%'; -- do the files fit what was loaded
GRANT SELECT ON vendor_setting TO 'dialtone_worker'@'%'; -- do the files fit what was loaded
GRANT SELECT ON template_file TO 'dialtone_worker'@'%'; -- do the files fit what was loaded
GRANT SELECT ON schema_migration TO 'dialtone_worker'@'%'; -- does the schema fit this program

-- journal: writes what happened, reads nothing of the configuration

GRANT SELECT, INSERT, UPDATE ON fetch_journal TO 'dialtone_journal'@'%'; -- a batch sent twice is stored once: ON DUPLICATE KEY reads
GRANT SELECT, INSERT, UPDATE ON device_state TO 'dialtone_journal'@'%'; -- the last fetch of each file
GRANT SELECT (mac, opened_at, closed_at), UPDATE (closed_at) ON enrolment TO 'dialtone_journal'@'%'; -- the first fetch with credentials closes the window
GRANT SELECT, INSERT, UPDATE ON journal_loss TO 'dialtone_journal'@'%'; -- what could not be written down
GRANT SELECT, INSERT, UPDATE ON device_pack TO 'dialtone_journal'@'%'; -- packs that workers made, sealed: ON DUPLICATE KEY with VALUES() wants SELECT
GRANT SELECT ON schema_migration TO 'dialtone_journal'@'%'; -- does the schema fit this program
GRANT EXECUTE ON PROCEDURE journal_partitions TO 'dialtone_journal'@'%'; -- a partition a day, and retention, without rights on the table
GRANT EXECUTE ON PROCEDURE audit_partitions TO 'dialtone_journal'@'%'; -- the same for the trail of changes
GRANT SELECT ON audit_trail TO 'dialtone_journal'@'%'; -- dialtone audit

-- courier: seals secrets, and makes new ones for a rotation

GRANT SELECT, UPDATE (plain, sealed, key_id) ON tenant_secret TO 'dialtone_courier'@'%'; -- sealing
GRANT SELECT, UPDATE (plain, sealed, key_id) ON device_secret TO 'dialtone_courier'@'%'; -- sealing
GRANT SELECT, UPDATE (plain, sealed, key_id) ON account_secret TO 'dialtone_courier'@'%'; -- sealing
GRANT SELECT, UPDATE (plain, sealed, key_id) ON device_password TO 'dialtone_courier'@'%'; -- sealing
GRANT SELECT ON schema_migration TO 'dialtone_courier'@'%'; -- does the schema fit this program
GRANT SELECT ON setting TO 'dialtone_courier'@'%'; -- which names are secrets, defaults of sip.realm and sip.digest
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO 'dialtone_courier'@'%'; -- takes events, puts them off, deletes them, and spreads one for a tenant over its accounts
GRANT SELECT, INSERT, UPDATE, DELETE ON account_digest TO 'dialtone_courier'@'%'; -- HA1 values are made and kept by it
GRANT SELECT ON account TO 'dialtone_courier'@'%'; -- whose name is in an HA1
GRANT SELECT ON provider_setting TO 'dialtone_courier'@'%'; -- realm and algorithms
GRANT SELECT (mac, tenant_id, enabled, generation, previous_generation, previous_until) ON device TO 'dialtone_courier'@'%'; -- HAProxy's map: whose tokens count
GRANT SELECT (tenant_id, enabled) ON tenant TO 'dialtone_courier'@'%'; -- HAProxy's map: and whose tenant is enabled
GRANT SELECT ON _complete TO 'dialtone_courier'@'%'; -- HAProxy's map: no map of half a restore
GRANT SELECT ON tenant_setting TO 'dialtone_courier'@'%'; -- realm and algorithms
GRANT UPDATE (version) ON account_secret TO 'dialtone_courier'@'%'; -- rotation: says that the password is another one
GRANT INSERT, UPDATE (version) ON device_secret TO 'dialtone_courier'@'%'; -- rotation: web passwords
GRANT SELECT (mac, tenant_id, site_id, model_id, generation, previous_generation, previous_until), UPDATE (generation, previous_generation, previous_until) ON device TO 'dialtone_courier'@'%'; -- rotation: tokens
GRANT SELECT ON device_state TO 'dialtone_courier'@'%'; -- rotation: who has come
GRANT SELECT ON device_revision TO 'dialtone_courier'@'%'; -- rotation: which file is a new one
GRANT SELECT ON account_route TO 'dialtone_courier'@'%'; -- rotation: the phones of an account
GRANT SELECT ON model TO 'dialtone_courier'@'%'; -- rotation: whose web passwords
GRANT SELECT ON vendor_setting TO 'dialtone_courier'@'%'; -- rotation: which web passwords its templates use
GRANT SELECT, UPDATE (state, listed_to, started_at, listed_at, finished_at) ON rotation TO 'dialtone_courier'@'%'; -- rotation: does it
GRANT SELECT, INSERT, UPDATE ON rotation_device TO 'dialtone_courier'@'%'; -- rotation: keeps how far it is
GRANT SELECT, INSERT, UPDATE ON rotation_account TO 'dialtone_courier'@'%'; -- rotation: keeps how far it is
GRANT SELECT, INSERT, DELETE ON rotation_revision TO 'dialtone_courier'@'%'; -- rotation: which files have the new secret
GRANT SELECT ON rotation_state TO 'dialtone_courier'@'%'; -- dialtone rotate --list
GRANT SELECT ON rotation_straggler TO 'dialtone_courier'@'%'; -- dialtone rotate --stragglers

-- registrar: Kamailio, Asterisk; HA1 values of enabled accounts and nothing else

GRANT SELECT ON subscriber TO 'dialtone_registrar'@'%'; -- Kamailio
GRANT SELECT ON subscriber_previous TO 'dialtone_registrar'@'%'; -- Kamailio, during a rotation
GRANT SELECT ON ps_auths TO 'dialtone_registrar'@'%'; -- Asterisk

-- DBA: the configuration is theirs. No DROP (TRUNCATE fires no trigger), no revisions, the dictionary and the journal to read only,
-- secrets to write but not to read

GRANT SELECT, INSERT, UPDATE, DELETE ON tenant TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON site TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON profile TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON device TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON account TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON line TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON line_key TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON profile_key TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON provider_setting TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_setting TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON site_setting TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON profile_setting TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON device_setting TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON account_setting TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON line_setting TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_policy TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON device_policy TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_network TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON enrolment TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, UPDATE, DELETE ON certificate_denied TO 'dialtone_dba'@'%'; -- their work
GRANT SELECT, INSERT, DELETE, UPDATE (expire_at, overlap, state, comment) ON rotation TO 'dialtone_dba'@'%'; -- starting and cancelling one
GRANT INSERT, UPDATE, DELETE ON device_password TO 'dialtone_dba'@'%'; -- setting a password brought in
GRANT SELECT (mac, user, key_id, version, comment, created_at, changed_at) ON device_password TO 'dialtone_dba'@'%'; -- WHERE, without the password itself
GRANT INSERT, UPDATE, DELETE ON tenant_secret TO 'dialtone_dba'@'%'; -- setting a secret
GRANT SELECT (tenant_id, name, key_id, version, comment, created_at, changed_at) ON tenant_secret TO 'dialtone_dba'@'%'; -- WHERE, without the secret itself
GRANT INSERT, UPDATE, DELETE ON device_secret TO 'dialtone_dba'@'%'; -- setting a secret
GRANT SELECT (mac, name, key_id, version, comment, created_at, changed_at) ON device_secret TO 'dialtone_dba'@'%'; -- WHERE, without the secret itself
GRANT INSERT, UPDATE, DELETE ON account_secret TO 'dialtone_dba'@'%'; -- setting a secret
GRANT SELECT (tenant_id, account_id, name, key_id, version, comment, created_at, changed_at) ON account_secret TO 'dialtone_dba'@'%'; -- WHERE, without the secret itself
GRANT SELECT ON setting TO 'dialtone_dba'@'%'; -- which names, models and types there are
GRANT SELECT ON timezone TO 'dialtone_dba'@'%'; -- which names, models and types there are
GRANT SELECT ON vendor TO 'dialtone_dba'@'%'; -- which names, models and types there are
GRANT SELECT ON vendor_oui TO 'dialtone_dba'@'%'; -- which names, models and types there are
GRANT SELECT ON model TO 'dialtone_dba'@'%'; -- which names, models and types there are
GRANT SELECT ON vendor_setting TO 'dialtone_dba'@'%'; -- which names, models and types there are
GRANT SELECT ON template_file TO 'dialtone_dba'@'%'; -- which names, models and types there are
GRANT SELECT ON key_type TO 'dialtone_dba'@'%'; -- which names, models and types there are
GRANT SELECT ON schema_migration TO 'dialtone_dba'@'%'; -- which names, models and types there are
GRANT SELECT ON fetch_journal TO 'dialtone_dba'@'%'; -- what happened
GRANT SELECT ON device_state TO 'dialtone_dba'@'%'; -- what happened
GRANT SELECT ON journal_loss TO 'dialtone_dba'@'%'; -- what happened
GRANT SELECT ON device_overview TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON effective_setting TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON secret_state TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON fetch_history TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON unknown_phone TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON device_lag TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON device_problem TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON _complete TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON outbox_state TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON effective_parameter TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON device_inputs TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON enrolment_state TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON audit_trail TO 'dialtone_dba'@'%'; -- views; no right on audit itself, nor to end its retention
GRANT SELECT ON credential_fetches TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON rotation_state TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON rotation_straggler TO 'dialtone_dba'@'%'; -- views
GRANT SELECT ON rotation_device TO 'dialtone_dba'@'%'; -- how far each device is
GRANT SELECT ON rotation_account TO 'dialtone_dba'@'%'; -- how far each account is
GRANT EXECUTE ON PROCEDURE add_phone TO 'dialtone_dba'@'%'; -- one call a phone
GRANT EXECUTE ON PROCEDURE swap_phone TO 'dialtone_dba'@'%'; -- replaced hardware
GRANT EXECUTE ON PROCEDURE delete_device TO 'dialtone_dba'@'%'; -- with all that hangs on it
GRANT EXECUTE ON PROCEDURE move_device TO 'dialtone_dba'@'%'; -- to another tenant
GRANT EXECUTE ON PROCEDURE delete_account TO 'dialtone_dba'@'%'; -- with all that hangs on it
GRANT EXECUTE ON PROCEDURE journal_partitions TO 'dialtone_dba'@'%'; -- retention by hand
GRANT EXECUTE ON FUNCTION mac TO 'dialtone_dba'@'%'; -- WHERE mac = mac('0C:38:3E:...')

-- reader: views that show no secret

GRANT SELECT ON device_overview TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON effective_setting TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON secret_state TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON fetch_history TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON unknown_phone TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON device_lag TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON device_problem TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON enrolment_state TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON audit_trail TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON credential_fetches TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON rotation_state TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON rotation_straggler TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON _complete TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT SELECT ON outbox_state TO 'dialtone_reader'@'%'; -- a view without secrets
GRANT EXECUTE ON FUNCTION mac TO 'dialtone_reader'@'%'; -- WHERE mac = mac('0C:38:3E:...')
