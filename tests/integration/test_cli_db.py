"""`dialtone db init`, `db upgrade`, `db check` on a real server: what they make, what they find, what they refuse, and how they say it."""
import json
import os
import shutil
import subprocess

import pytest

from stack import Database, ROOT, program, remove

MIGRATIONS = sorted((ROOT / 'db' / 'migrations').glob('[0-9]*.sql'))
LAST = len(MIGRATIONS)
ACCOUNTS = ('worker', 'journal', 'courier', 'dba', 'reader')


@pytest.fixture(scope='module')
def database():
    db = Database()
    try:
        db.start()
        yield db
    finally:
        db.stop()
    remove(db.directory)


@pytest.fixture
def clean(database):
    """The database as `db init` leaves it."""
    yield database
    with database.connect('root', database='') as connection, connection.cursor() as cursor:
        cursor.execute('DROP DATABASE IF EXISTS dialtone')
    database.command('db', 'init', '--password-dir', database.passwords, '--set-passwords')


@pytest.fixture
def mended(database):
    """For a test that leaves the last migration unfinished or the dictionary changed: quicker than making all anew."""
    yield database
    root(database, 'DELETE FROM schema_migration WHERE version > %d' % LAST)
    root(database, 'UPDATE schema_migration SET finished_at = NULL WHERE version = %d' % LAST)
    database.command('db', 'upgrade', '--password-dir', database.passwords, '--set-passwords')


@pytest.fixture
def sql(tmp_path):
    """A copy of db/ to change."""
    shutil.copytree(ROOT / 'db', tmp_path / 'sql')
    return tmp_path / 'sql'


def upgrade(database, *more, **keywords):
    return database.command('db', 'upgrade', *more, check=False, **keywords)


def check(database, *more):
    told = database.command('--json', 'db', 'check', *more, check=False)
    return told.returncode, json.loads(told.stdout)


def root(database, statement):
    return database.sql(statement, account='root')


# ---- init

def test_init_makes_passwords_that_work(database):
    for account in ACCOUNTS:
        path = database.passwords / f'{account}.password'
        assert path.stat().st_mode & 0o777 == 0o600
        assert len(database.password(account)) == 32 and database.password(account).isalnum()
        database.connect(account, database='').close()
    assert len({database.password(a) for a in ACCOUNTS}) == len(ACCOUNTS)


def test_init_twice_changes_nothing(database):
    before = root(database, 'SELECT version, name, digest, started_at, finished_at FROM schema_migration ORDER BY version')
    assert [row[0] for row in before] == list(range(1, len(before) + 1)) and all(row[4] for row in before)
    told = database.command('db', 'init', '--password-dir', database.passwords)
    assert 'nothing to do' in told.stdout
    assert root(database, 'SELECT version, name, digest, started_at, finished_at FROM schema_migration ORDER BY version') == before


def test_another_password_directory_is_told_and_can_be_set(mended, tmp_path):
    told = upgrade(mended, '--password-dir', tmp_path / 'p')
    assert told.returncode == 6 and 'dialtone_worker cannot log in' in told.stderr and '--set-passwords' in told.stderr
    assert upgrade(mended, '--password-dir', tmp_path / 'p', '--set-passwords').returncode == 0
    assert upgrade(mended, '--password-dir', tmp_path / 'p').returncode == 0
    for account in ACCOUNTS:
        assert (tmp_path / 'p' / f'{account}.password').read_text().strip() not in told.stdout + told.stderr


@pytest.mark.parametrize('content, mode', [("short\n", 0o600), ("it's quoted here\n", 0o600), ("x" * 200, 0o600), ("goodpassword\n", 0o644)])
def test_bad_password_files_are_refused(database, tmp_path, content, mode):
    (tmp_path / 'worker.password').write_text(content)
    (tmp_path / 'worker.password').chmod(mode)
    told = upgrade(database, '--password-dir', tmp_path)
    assert told.returncode == 6 and 'worker.password' in told.stderr and content.strip() not in told.stderr


def test_a_link_in_place_of_a_password_is_not_followed(database, tmp_path):
    (tmp_path / 'elsewhere').write_text('goodpassword\n')
    (tmp_path / 'worker.password').symlink_to(tmp_path / 'elsewhere')
    assert upgrade(database, '--password-dir', tmp_path).returncode == 6


def test_names_of_databases_are_checked(database, tmp_path):
    conf = tmp_path / 'dialtone.conf'
    conf.write_text(database.conf_file().read_text().replace('name = dialtone', 'name = a`b'))
    told = subprocess.run([program('dialtone'), '-c', conf, 'db', 'init', '--password-dir', tmp_path], capture_output=True, text=True, check=False)
    assert told.returncode == 6 and 'letters, digits or `_`' in told.stderr


# ---- the dictionary

def test_dictionary_is_loaded_by_content(mended):
    root(mended, "UPDATE setting SET description = 'x', max_length = 7 WHERE name = 'language'")
    root(mended, "DELETE FROM vendor_setting WHERE vendor_id = 'yealink' AND name = 'timezone'")
    root(mended, "INSERT INTO timezone (name, rule) VALUES ('Mars/Base', 'UTC0')")
    root(mended, "INSERT INTO vendor_oui (oui, vendor_id) VALUES ('020304', 'yealink')")
    code, found = check(mended)
    messages = [p['message'] for p in found['problems']]
    assert code == 1 and len(messages) == 4
    assert 'table setting: language differs in max_length, description: run `dialtone db upgrade`' in messages
    assert any('vendor_setting: yealink/timezone is in the files, not in the table' in m for m in messages)
    changes = json.loads(mended.command('--json', 'db', 'upgrade').stdout)['changes']
    assert {(c['table'], c['name'], c['change']) for c in changes} == {
        ('setting', 'language', 'changed'), ('vendor_setting', 'yealink/timezone', 'added'), ('timezone', 'Mars/Base', 'retired'),
        ('vendor_oui', '020304', 'removed')}
    assert root(mended, "SELECT retired FROM timezone WHERE name = 'Mars/Base'") == ((1,),)
    assert check(mended)[0] == 0
    assert json.loads(mended.command('--json', 'db', 'upgrade').stdout)['changes'] == []


def test_what_is_equal_is_not_written(database):
    def written():
        return root(database, "SELECT SUM(VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS"
                              " WHERE VARIABLE_NAME IN ('HANDLER_WRITE', 'HANDLER_UPDATE', 'HANDLER_DELETE', 'INNODB_ROWS_INSERTED')"
                              " AND VARIABLE_NAME LIKE 'INNODB%'")
    loaded = root(database, 'SELECT name, digest, loaded_at FROM template_file')
    before = written()
    assert upgrade(database).returncode == 0
    assert written() == before and root(database, 'SELECT name, digest, loaded_at FROM template_file') == loaded


def test_a_name_in_use_is_kept(mended, tmp_path):
    shutil.copytree(ROOT / 'templates', tmp_path / 'templates')
    model = mended.models()['yealink']
    mended.add_tenant('keeps')
    mended.add_device('001565000001', 'keeps', model)
    text = (tmp_path / 'templates/yealink/models.ini').read_text()
    key = model[len('yealink-'):]
    begin = text.index(f'[{key}]')
    end = text.find('\n[', begin)
    (tmp_path / 'templates/yealink/models.ini').write_text(text[:begin] + (text[end + 1:] if end > 0 else ''))
    told = upgrade(mended, '--templates', tmp_path / 'templates', '--sql', ROOT / 'db')
    assert told.returncode == 0 and f'model: {model} retired' in told.stdout
    code, found = check(mended, '--templates', tmp_path / 'templates', '--sql', ROOT / 'db')
    assert code == 1 and any(p['area'] == 'retired' and model in p['message'] for p in found['problems'])
    told = mended.command('render', '001565000001', '--templates', tmp_path / 'templates', check=False)
    assert told.returncode == 4 and 'no model' in told.stderr
    told = mended.command('--json', 'check', '--templates', tmp_path / 'templates', check=False)
    assert told.returncode == 1 and '001565000001' in told.stdout


def test_broken_templates_change_nothing(database, tmp_path):
    shutil.copytree(ROOT / 'templates', tmp_path / 'templates')
    (tmp_path / 'templates/settings.ini').write_text('[x.y]\ntype = nonsense\n')
    told = upgrade(database, '--templates', tmp_path / 'templates', '--sql', ROOT / 'db')
    assert told.returncode == 6 and 'settings.ini' in told.stderr
    assert check(database)[0] == 0


# ---- migrations

def test_a_changed_migration_is_refused_and_both_are_named(database, sql):
    with open(sql / 'migrations/0003-triggers.sql', 'a') as file:
        file.write('-- changed\n')
    told = upgrade(database, '--sql', sql)
    assert told.returncode == 7
    assert told.stderr.count('0003-triggers.sql') == 2 and told.stderr.count('digest') == 2
    code, found = check(database, '--sql', sql)
    assert code == 1 and found['problems'][0]['area'] == 'schema'


def test_a_newer_database_is_refused(mended):
    root(mended, "INSERT INTO schema_migration VALUES (99, '0099-future.sql', REPEAT('0', 64), UTC_TIMESTAMP(), UTC_TIMESTAMP())")
    told = upgrade(mended)
    assert told.returncode == 7 and '0099-future.sql' in told.stderr and 'newer' in told.stderr
    assert mended.command('check', check=False).returncode == 7


def test_an_unfinished_migration_is_run_again(mended):
    root(mended, 'UPDATE schema_migration SET finished_at = NULL WHERE version = %d' % LAST)
    code, found = check(mended)
    assert code == 1 and 'was left unfinished' in found['problems'][0]['message']
    assert mended.command('check', check=False).returncode == 7
    assert 'run again' in upgrade(mended).stdout
    assert check(mended)[0] == 0


def test_files_of_another_release_are_refused(database, sql):
    more = sql / 'migrations' / ('%04d-more.sql' % (LAST + 1))
    more.write_text('SELECT 1;\n')
    told = upgrade(database, '--sql', sql)
    assert told.returncode == 7 and 'different releases' in told.stderr
    more.rename(sql / 'migrations' / ('%04d-more.sql' % (LAST + 2)))
    assert 'expected migration %d' % (LAST + 1) in upgrade(database, '--sql', sql).stderr
    assert upgrade(database, '--sql', sql / 'nowhere').returncode == 6


def rerun(database, sql, text):
    """Let the last migration be `text` and not yet applied."""
    root(database, 'UPDATE schema_migration SET finished_at = NULL WHERE version = %d' % LAST)
    path = sql / 'migrations' / MIGRATIONS[-1].name
    path.write_text(text)
    return upgrade(database, '--sql', sql, '--password-dir', database.passwords)


def test_errors_name_file_line_statement_and_what_the_server_said(mended, sql):
    told = rerun(mended, sql, "-- a comment; with a semicolon\nSELECT 1;\n\n/* another\n;*/ SELECT\n  nonsense FROM nowhere;\nSELECT 2;\n")
    assert told.returncode == 7
    assert MIGRATIONS[-1].name + ':5: SELECT nonsense FROM nowhere' in told.stderr and 'nowhere' in told.stderr.split('nowhere', 1)[1]
    assert root(mended, 'SELECT finished_at FROM schema_migration WHERE version = %d' % LAST) == ((None,),)


def test_statements_are_split_as_the_mysql_client_splits_them(mended, sql):
    told = rerun(mended, sql, r"""
CREATE TABLE split (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100)); INSERT INTO split (v) VALUES ('a;b'), ("c;d"), ('it''s; \'quoted\' \\');
INSERT INTO split (v) VALUES ('e') -- not the end;
; # nor this;
INSERT INTO split (v) VALUES (1--1); /* ; */ ;;
DELIMITER //
CREATE PROCEDURE split_it() BEGIN INSERT INTO split (v) VALUES ('x;'); INSERT INTO split (v) VALUES ('//'); END//
CALL split_it()//
delimiter $$
INSERT INTO split (v) VALUES ('$$')$$
DELIMITER ;
DROP PROCEDURE split_it;
INSERT INTO split (`v`) VALUES ('last')""")
    assert told.returncode == 0, told.stderr
    rows = [row[0] for row in root(mended, 'SELECT v FROM split ORDER BY id')]
    assert rows == ['a;b', 'c;d', "it's; 'quoted' \\", 'e', '2', 'x;', '//', '$$', 'last']
    root(mended, 'DROP TABLE split')


def test_what_does_not_end_is_told_with_its_line(mended, sql):
    for text, message in (("SELECT 1;\nSELECT 'abc;\n", ":2: the '...' that begins here does not end"),
                          ('SELECT 1;\n\n/* abc', ':3: the comment that begins here does not end'),
                          ('DELIMITER \nSELECT 1;', ':1: DELIMITER needs')):
        told = rerun(mended, sql, text)
        assert told.returncode == 6 and message in told.stderr


def test_passwords_stay_out_of_messages(mended, sql):
    with open(sql / 'grants.sql', 'a') as file:
        file.write("\nCREATE USER 'x'@'%' IDENTIFIED IDENTIFIED BY '@PASSWORD_WORKER@';\n")
    told = upgrade(mended, '--sql', sql, '--password-dir', mended.passwords)
    assert told.returncode == 7 and "grants.sql" in told.stderr and 'IDENTIFIED BY' in told.stderr
    password = mended.password('worker')
    for i in range(len(password) - 5):
        assert password[i:i + 6] not in told.stderr


def test_grants_never_make_accounts_without_a_password(mended, sql):
    with open(sql / 'grants.sql', 'a') as file:
        file.write("\nGRANT SELECT ON tenant TO 'dialtone_ghost'@'%';\n")
    assert upgrade(mended, '--sql', sql).returncode == 7
    assert root(mended, "SELECT COUNT(*) FROM mysql.user WHERE User = 'dialtone_ghost'") == ((0,),)


def test_two_upgrades_do_not_meet(database):
    with database.connect('root') as connection, connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK('dialtone.upgrade.dialtone', 0)")
        told = upgrade(database)
        cursor.execute("SELECT RELEASE_LOCK('dialtone.upgrade.dialtone')")
    assert told.returncode == 7 and 'another `dialtone db upgrade`' in told.stderr


# ---- check

def test_check_is_content_with_what_init_made(database):
    code, found = check(database)
    assert code == 0 and found['problems'] == [] and found['good'] is True


DAMAGE = [
    ('DROP TRIGGER device_bi', 'objects', 'TRIGGER device_bi is missing'),
    ('DROP VIEW device_lag', 'objects', 'VIEW device_lag is missing'),
    ('DROP FUNCTION shown', 'objects', 'FUNCTION shown is missing'),
    ("CREATE OR REPLACE VIEW _complete AS SELECT 2 AS complete, revision FROM layer_revision WHERE layer = 'provider'", 'objects', 'belongs to root@localhost'),
    ("REVOKE SELECT ON device FROM 'dialtone_worker'@'%'", 'grants', 'dialtone_worker@% lacks SELECT ON device'),
    ("REVOKE UPDATE (plain) ON device_secret FROM 'dialtone_courier'@'%'", 'grants', 'lacks UPDATE (plain) ON device_secret'),
    ("REVOKE EXECUTE ON FUNCTION mac FROM 'dialtone_reader'@'%'", 'grants', 'lacks EXECUTE ON FUNCTION mac'),
    ("DROP USER 'dialtone_dba'@'%'", 'grants', 'there is no account dialtone_dba@%'),
]


def test_check_finds_damage(clean):
    for statement, _, _ in DAMAGE:
        root(clean, statement)
    code, found = check(clean)
    assert code == 1 and found['good'] is False
    for statement, area, message in DAMAGE:
        assert any(p['area'] == area and message in p['message'] for p in found['problems']), (statement, found['problems'])


def test_too_many_rights_are_a_hint(mended):
    root(mended, "GRANT DELETE ON device TO 'dialtone_worker'@'%'")
    code, found = check(mended)
    assert code == 0 and any('has DELETE ON device' in h['message'] for h in found['hints'])
    root(mended, "REVOKE DELETE ON device FROM 'dialtone_worker'@'%'")


def test_values_that_the_dictionary_no_longer_accepts(mended, tmp_path):
    mended.add_tenant('old', settings={'language': 'de'})
    shutil.copytree(ROOT / 'templates', tmp_path / 'templates')
    root(mended, "UPDATE setting SET items = CONCAT('xx,', items) WHERE name = 'language'")
    mended.sql("UPDATE tenant_setting SET value = 'xx' WHERE tenant_id = 'old' AND name = 'language'")
    code, found = check(mended)
    assert code == 1 and any(p['area'] == 'values' and 'tenant_setting old' in p['message'] and '`xx`' in p['message'] for p in found['problems'])


def test_no_schema_is_said(clean):
    root(clean, 'DROP DATABASE dialtone')
    with clean.connect('root', database='') as connection, connection.cursor() as cursor:
        cursor.execute('CREATE DATABASE dialtone')
    code, found = check(clean)
    assert code == 1 and 'dialtone db init' in found['problems'][0]['message']
    assert 'dialtone db init' in clean.command('check', check=False).stderr


def test_database_away(tmp_path):
    conf = tmp_path / 'dialtone.conf'
    conf.write_text(f'[database]\nhosts = unix:{tmp_path}/none.sock\n[templates]\ndirectory = {ROOT}/templates\n[keys]\nfile = {tmp_path}/keys\n')
    subprocess.run([program('dialtone'), 'keys', 'new', tmp_path / 'keys'], check=True, capture_output=True)
    for verb in (['db', 'upgrade'], ['db', 'check'], ['check'], ['lag'], ['render', '805ec0000001'], ['why', '805ec0000001']):
        told = subprocess.run([program('dialtone'), '-c', conf, *verb], capture_output=True, text=True, check=False)
        assert told.returncode == 7 and 'none.sock' in told.stderr, verb
    conf.write_text('[database]\nhosts = db.example.net\n' + f'[templates]\ndirectory = {ROOT}/templates\n')
    told = subprocess.run([program('dialtone'), '-c', conf, 'db', 'upgrade'], capture_output=True, text=True, check=False)
    assert told.returncode == 2 and '--user' in told.stderr


def test_another_account_may_upgrade(database, tmp_path):
    with database.connect('root') as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER 'admin'@'localhost' IDENTIFIED BY 'adminpassword'")
        cursor.execute("GRANT ALL ON *.* TO 'admin'@'localhost' WITH GRANT OPTION")
    path = tmp_path / 'password'
    path.write_text('adminpassword\n')
    os.chmod(path, 0o600)
    assert upgrade(database, '--user', 'admin', '--password-file', path).returncode == 0
    path.write_text('wrong\n')
    told = upgrade(database, '--user', 'admin', '--password-file', path)
    assert told.returncode == 7 and 'wrong' not in told.stderr
    root(database, "DROP USER 'admin'@'localhost'")
