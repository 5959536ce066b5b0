"""A server with a binary log, as every server has that is backed up or replicated: what of it the command accepts, and that the log makes a second
server the same."""
import difflib
import json
import re
import subprocess

import pytest

from identities import IDENTITY
from stack import Courier, Database, Pool, remove
from waiting import wait_until

MAC, OTHER, BORN, MOVED, SWAPPED = (f'805ec000000{n}' for n in range(1, 6))


def server(*options):
    return Database(options=['--log-bin=log', '--server-id=1', *options])


@pytest.fixture(scope='module')
def database():
    db = server('--binlog-format=ROW')
    try:
        yield db.start()
    finally:
        db.stop()
    remove(db.directory)


def checked(database):
    told = json.loads(database.command('--json', 'db', 'check', check=False).stdout)
    return [(kind, one['message']) for kind in ('problems', 'hints') for one in told[kind] if 'binlog_format' in one['message']]


def test_the_check_names_a_format_that_does_harm(database):
    assert not checked(database)
    try:
        for log_format, kind, words in (('MIXED', 'hints', 'DBAs wait for each other'), ('STATEMENT', 'problems', 'can change nothing')):
            database.sql('SET GLOBAL binlog_format = ' + log_format, account='root')
            (told,) = checked(database)
            assert told[0] == kind and log_format in told[1] and words in told[1] and 'set binlog_format = ROW' in told[1]
    finally:
        database.sql('SET GLOBAL binlog_format = ROW', account='root')


def test_init_refuses_a_log_of_statements_and_does_nothing():
    db = server('--binlog-format=STATEMENT')
    try:
        with pytest.raises(RuntimeError, match='binlog_format = STATEMENT, which cannot take'):
            db.start()
        db.start_server()
        assert db.sql("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'dialtone'", account='root') == ((0,),)
        # the way out that it names
        db.sql('SET GLOBAL binlog_format = ROW', account='root')
        db.command('db', 'init', '--password-dir', db.passwords)
    finally:
        db.stop()
    remove(db.directory)


def dump(socket):
    """Its lines, without the server's version (which tells whether it logs) and the numbers that AUTO_INCREMENT has used up."""
    text = subprocess.run(['mariadb-dump', '--no-defaults', f'--socket={socket}', '--user=root', '--routines', '--hex-blob', '--skip-dump-date', '--order-by-primary',
                           '--skip-extended-insert', '--databases', 'dialtone'], capture_output=True, text=True, check=True).stdout
    return [re.sub(r' AUTO_INCREMENT=\d+', '', line) for line in text.splitlines() if not line.startswith('-- Server version')]


def log_files(database):
    return [database.directory / 'mariadb' / 'data' / name for name, *_ in database.sql('SHOW BINARY LOGS', account='root')]


def busy(database):
    """A bit of everything that writes: DBAs, workers, journal process, courier, command."""
    database.add_tenant('acme', settings={'sip.realm': 'acme.example.net'})
    database.add_tenant('umbra')
    model = database.models()['yealink']
    for mac in (MAC, OTHER, MOVED):
        database.add_device(mac, 'acme', model)
    database.sql('CALL add_phone(%s, %s, NULL, NULL, %s, %s, %s, %s, %s)', (BORN, 'acme', model, 'born', '700', 'Ahghoo8a-born', 'J\u00f6rg'))
    database.sql('INSERT INTO device_password (mac, user, plain) VALUES (%s, %s, %s)', (MAC, 'prov', 'Ahghoo8a-old'))
    database.sql("INSERT INTO enrolment (mac, networks, valid_until, uses) VALUES (%s, '127.0.0.0/8', NOW() + INTERVAL 1 DAY, 2)", (OTHER,))
    with Pool(database, workers=2, conf=IDENTITY) as pool, Courier(database):
        assert pool.fetch_device('haproxy', MAC).status == 200
        assert 'J\u00f6rg'.encode() in pool.fetch_device('haproxy', BORN).body
        assert pool.fetch('haproxy', f'/{OTHER}.cfg').status == 200       # by its window
        assert pool.fetch('haproxy', '/805ec00000ff.cfg').status == 401
        wait_until(lambda: len(pool.journal()) == 4, 20, 'the journal')
        database.command('rotate', 'http', '--mac', MAC)
        assert pool.fetch_device('haproxy', MAC).status == 200
        wait_until(lambda: database.sql('SELECT COUNT(*) FROM outbox', account='root') == ((0,),), 20, 'the courier')
    assert database.sql('SELECT COUNT(*) FROM enrolment_use WHERE delivered_at IS NOT NULL', account='root') == ((1,),)
    database.sql('CALL swap_phone(%s, %s, NULL)', (BORN, SWAPPED))
    database.sql('CALL move_device(%s, %s, NULL, NULL)', (MOVED, 'umbra'))
    database.sql('CALL delete_device(%s)', (SWAPPED,))
    database.sql('CALL delete_account(%s, %s)', ('acme', 'born'))


def test_the_log_makes_a_second_server_the_same(database, tmp_path):
    busy(database)
    # what is read here are the rows that the first server logged: on the second neither triggers nor checks run
    events = subprocess.run(['mariadb-binlog', '--no-defaults', *map(str, log_files(database))], capture_output=True, check=True).stdout
    second = Database(options=['--skip-log-bin'])
    try:
        second.start_server()
        subprocess.run(['mariadb', '--no-defaults', '--comments', f'--socket={second.socket}', '--user=root'], input=events, check=True, cwd=tmp_path)
        first_dump, second_dump = dump(database.socket), dump(second.socket)
        for table in ('device_revision', 'fetch_journal', 'enrolment_use', 'account_digest', 'audit', 'device_pack'):
            assert any(line.startswith(f'INSERT INTO `{table}` VALUES') for line in first_dump), f'nothing is in {table}: this proves little'
        different = '\n'.join(difflib.unified_diff(first_dump, second_dump, 'first', 'second', lineterm='', n=0))
        assert not different, different
        # the accounts came along: the service can go on there
        second.passwords, second.keys = database.passwords, database.keys
        with Pool(second, workers=1) as pool:
            assert pool.fetch_device('haproxy', MAC).status == 200
    finally:
        second.stop()
    remove(second.directory)
