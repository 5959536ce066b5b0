"""Packs: a device's own rows sealed into one row of device_pack. What stands there decides nothing but how many round trips a fetch takes: every answer here is that of a fetch that
read the tables, whatever was done to the table."""
import contextlib
import time

import pytest

import fcgi_client as fcgi
from dbproxy import DatabaseProxy
from stack import Pool
from test_round_trips import only
from waiting import wait_until


@pytest.fixture(scope='module')
def counted(database, tmp_path_factory):
    """One worker whose commands to the database are counted; the journal's, which writes the packs, are told apart by what they say."""
    proxy = DatabaseProxy(tmp_path_factory.mktemp('packs') / 'db.sock', database.socket)
    with Pool(database, workers=1, proxies=False, hosts=f'unix:{proxy.listen}') as pool:
        pool.counter = proxy
        yield pool
    proxy.close()


def get(pool, mac, auth=None):
    return fcgi.fetch(pool.socket, fcgi.proxy_parameters(f'/{mac}.cfg', auth=auth or pool.database.credentials(mac)))


def pack(database, mac):
    """(revision, tenant, site, profile, bytes) or None"""
    rows = database.sql('SELECT revision, tenant_id, site_id, profile_id, pack FROM device_pack WHERE mac = %s', (mac,), account='root')
    return rows[0] if rows else None


def revision(database, mac):
    return database.sql('SELECT revision FROM device_revision WHERE mac = %s', (mac,), account='root')[0][0]


def current(database, mac):
    row = pack(database, mac)
    return row and row[0] == revision(database, mac) and row


def warm(pool, mac):
    """Fetch until the pack of the current revision is there; it."""
    def fetched():
        assert get(pool, mac).status == 200
        return current(pool.database, mac)
    return wait_until(fetched, 10, f'the pack of {mac}')


def worker_statements(pool, mac):
    """The answer, and how many statements the worker executed for it."""
    pool.counter.take()
    answer = get(pool, mac)
    return answer, sum(name == 'execute' and only(mac.encode(), text) for name, text in pool.counter.take())


def row_lock(database, mac):
    """A transaction of somebody who holds the pack's row."""
    connection = database.connect('root', autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute('SELECT 1 FROM device_pack WHERE mac = %s FOR UPDATE', (mac,))
    return contextlib.closing(connection)


def test_the_second_fetch_is_one_round_trip(counted, fleet):
    tenant = fleet.tenant()
    other = fleet.phone(tenant)
    warm(counted, other)
    mac = fleet.phone(tenant, accounts=2)
    for change in (None, 'first.example.net', 'second.example.net'):
        if change:
            counted.database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'sip.server', %s) ON DUPLICATE KEY UPDATE value = VALUES(value)", (mac, change))
        answer, count = worker_statements(counted, mac)
        assert answer.status == 200 and count == 2, change
        assert (change or f'sip.{tenant}.example.net').encode() in answer.body
        wait_until(lambda: current(counted.database, mac), 10, 'the pack')
        again, count = worker_statements(counted, mac)
        assert count == 1
        assert (again.body, again.header('etag')) == (answer.body, answer.header('etag'))


def test_the_row_of_a_pack(counted, fleet):
    database, tenant = counted.database, fleet.tenant()
    database.sql("INSERT INTO site (tenant_id, site_id) VALUES (%s, 's')", (tenant,))
    database.sql("INSERT INTO profile (tenant_id, profile_id) VALUES (%s, 'p')", (tenant,))
    bare, whole = fleet.phone(tenant), fleet.phone(tenant, site_id='s', profile_id='p')
    assert warm(counted, bare)[1:4] == (tenant, '', '')
    assert warm(counted, whole)[1:4] == (tenant, 's', 'p')
    metrics = counted.metrics()
    assert metrics['dialtone_packs_written_total'] >= 2
    assert metrics['dialtone_cache_bytes'] > 0 and metrics['dialtone_cache_entries'] > 0 and metrics['dialtone_cache_hits_total'] > 0
    assert 'dialtone_cache_misses_total' in metrics and 'dialtone_packs_dropped_total' in metrics
    assert sum(v for k, v in metrics.items() if k.startswith('dialtone_journal_lost_total')) == 0


def test_no_secret_stands_in_a_pack(counted, fleet):
    mac = fleet.phone(accounts=3)
    database = counted.database
    database.sql("INSERT INTO device_secret (mac, name, plain) VALUES (%s, 'phone.admin_password', 'Oongaeh4thei')", (mac,))
    database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'sip.server', 'sealed.example.net')", (mac,))
    sealed = warm(counted, mac)[4]
    body = get(counted, mac).body
    secrets = [s for s, in database.sql('SELECT plain FROM account_secret WHERE account_id LIKE %s', (mac + '-%',), account='root')]
    assert len(secrets) == 3 and all(s.encode() in body for s in secrets)
    for text in (*secrets, 'Oongaeh4thei', 'sealed.example.net', f'u{mac[-4:]}1', 'sip.password', 'sip.server', database.generation(mac)):
        assert text.encode() not in sealed, text
    # nor in anything else of the file: a MAC and a tenant are what is readable of the row
    assert sealed != warm(counted, fleet.phone())[4]


def spoil_flip(at):
    def spoil(database, mac, _):
        sealed = bytearray(pack(database, mac)[4])
        sealed[at] ^= 1
        database.sql('UPDATE device_pack SET pack = %s WHERE mac = %s', (bytes(sealed), mac), account='root')
    return spoil


def spoil_by(sql):
    def spoil(database, mac, other):
        database.sql(sql, {'m': mac, 'o': other}, account='root')
    return spoil


def spoil_moved(database, mac, other):
    """Another device's pack, under this one's MAC and revision."""
    foreign = pack(database, other)
    database.sql('UPDATE device_pack SET pack = %s WHERE mac = %s', (foreign[4], mac), account='root')


SPOILED = {
    'version': spoil_flip(0), 'nonce': spoil_flip(5), 'text': spoil_flip(40), 'tag': spoil_flip(-1), 'moved': spoil_moved,
    'cut': spoil_by('UPDATE device_pack SET pack = LEFT(pack, LENGTH(pack) - 1) WHERE mac = %(m)s'),
    'short': spoil_by('UPDATE device_pack SET pack = LEFT(pack, 20) WHERE mac = %(m)s'),
    'longer': spoil_by("UPDATE device_pack SET pack = CONCAT(pack, 'x') WHERE mac = %(m)s"),
    'empty': spoil_by("UPDATE device_pack SET pack = '' WHERE mac = %(m)s"),
    'large': spoil_by("UPDATE device_pack SET pack = REPEAT('x', 60000) WHERE mac = %(m)s"),
    'gone': spoil_by('DELETE FROM device_pack WHERE mac = %(m)s'),
    'of no revision': spoil_by("UPDATE device_pack SET revision = REPEAT(CHAR(0), 8) WHERE mac = %(m)s"),
}


@pytest.mark.parametrize('how', SPOILED)
def test_a_spoiled_pack_is_ignored_and_written_again(counted, fleet, how):
    tenant, stranger = fleet.tenant(), fleet.phone()
    mac = fleet.phone(tenant, accounts=2)
    warm(counted, stranger)
    before = warm(counted, mac)
    good = get(counted, mac)
    SPOILED[how](counted.database, mac, stranger)
    spoiled = pack(counted.database, mac)
    answer, count = worker_statements(counted, mac)
    assert answer.status == 200 and count == 2
    assert (answer.body, answer.header('etag')) == (good.body, good.header('etag'))
    after = wait_until(lambda: (row := pack(counted.database, mac)) and row != spoiled and row, 10, 'another pack')
    assert after[:4] == before[:4] and len(after[4]) == len(before[4])
    assert worker_statements(counted, mac)[1] == 1
    assert get(counted, mac).body == good.body


@pytest.mark.parametrize('column', ['tenant_id', 'site_id', 'profile_id'])
def test_a_foreign_layer_beside_the_pack_changes_no_answer(counted, fleet, column):
    """Whatever tenant, site or profile the row names, the file is the device's own; and turning its own tenant off is not hidden by it."""
    database, tenant, other = counted.database, fleet.tenant(), fleet.tenant()
    for t in (tenant, other):
        database.sql("INSERT INTO site (tenant_id, site_id) VALUES (%s, %s)", (t, 's-' + t))
        database.sql("INSERT INTO profile (tenant_id, profile_id) VALUES (%s, %s)", (t, 'p-' + t))
    mac = fleet.phone(tenant, site_id='s-' + tenant, profile_id='p-' + tenant)
    stranger = fleet.phone(other, site_id='s-' + other, profile_id='p-' + other)
    warm(counted, stranger)
    warm(counted, mac)
    good = get(counted, mac)
    foreign = {'tenant_id': other, 'site_id': 's-' + other, 'profile_id': 'p-' + other}[column]
    database.sql(f'UPDATE device_pack SET {column} = %s WHERE mac = %s', (foreign, mac), account='root')
    for _ in range(3):
        answer = get(counted, mac)
        assert answer.status == 200 and answer.body == good.body
    database.sql('UPDATE tenant SET enabled = 0 WHERE tenant_id = %s', (tenant,))
    assert get(counted, mac).status == 404


def test_an_old_revisions_pack_counts_for_nothing(counted, fleet):
    """Put back by hand what stood there before a change, under its own revision and under the new one."""
    database, mac = counted.database, fleet.phone()
    old = warm(counted, mac)
    database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'sip.server', 'newer.example.net')", (mac,))
    new = warm(counted, mac)
    assert old[0] != new[0] and old[4] != new[4]
    for under in (old[0], new[0]):
        database.sql('UPDATE device_pack SET revision = %s, pack = %s WHERE mac = %s', (under, old[4], mac), account='root')
        answer, count = worker_statements(counted, mac)
        assert answer.status == 200 and b'newer.example.net' in answer.body and count == 2
        wait_until(lambda: (row := current(database, mac)) and row[4] != old[4], 10, 'the pack of now')
        assert worker_statements(counted, mac)[1] == 1


CHANGES = [
    ('account', "UPDATE account SET display_name = 'Changed Name' WHERE account_id = CONCAT(%(m)s, '-1')", b'Changed Name'),
    ('password', "UPDATE account_secret SET plain = 'Iequ8aifohsh' WHERE tenant_id = %(t)s AND account_id = CONCAT(%(m)s, '-1') AND name = 'sip.password'", b'Iequ8aifohsh'),
    ('line', "UPDATE line SET label = 'Changed Label' WHERE mac = %(m)s AND position = 1", b'Changed Label'),
    ('line setting', "INSERT INTO line_setting (mac, position, name, value) VALUES (%(m)s, 1, 'sip.server', 'line.example.net')", b'line.example.net'),
    ('line gone', "DELETE FROM line_setting WHERE mac = %(m)s", b'sip.'),
    ('tenant', "UPDATE tenant_setting SET value = 'tenant.example.net' WHERE tenant_id = %(t)s AND name = 'sip.server'", b'tenant.example.net'),
    ('site', "INSERT INTO site_setting (tenant_id, site_id, name, value) VALUES (%(t)s, 's', 'sip.server', 'site.example.net')", b'site.example.net'),
    ('profile', "INSERT INTO profile_setting (tenant_id, profile_id, name, value) VALUES (%(t)s, 'p', 'sip.server', 'profile.example.net')", b'profile.example.net'),
    ('key', "INSERT INTO line_key (mac, slot, type, value, label) VALUES (%(m)s, 5, 'speeddial', '100', 'Changed Key')", b'Changed Key'),
    ('device', "INSERT INTO device_setting (mac, name, value) VALUES (%(m)s, 'sip.server', 'device.example.net')", b'device.example.net'),
    ('site left', "UPDATE device SET site_id = NULL WHERE mac = %(m)s", b'device.example.net'),
]


def test_every_change_is_in_the_very_next_fetch(counted, fleet):
    database, tenant = counted.database, fleet.tenant()
    database.sql("INSERT INTO site (tenant_id, site_id) VALUES (%s, 's')", (tenant,))
    database.sql("INSERT INTO profile (tenant_id, profile_id) VALUES (%s, 'p')", (tenant,))
    mac = fleet.phone(tenant, accounts=2, site_id='s', profile_id='p')
    for what, sql, there in CHANGES:
        warm(counted, mac)
        before = get(counted, mac)
        database.sql(sql, {'m': mac, 't': tenant})
        answer = get(counted, mac)
        assert answer.status == 200 and there in answer.body, what
        assert answer.header('etag') != before.header('etag'), what


def test_a_warm_pack_hides_no_switch(counted, fleet):
    """Disabled, moved, rotated, taken back: with a pack that was good a moment ago, at the very next fetch."""
    database, first, second = counted.database, fleet.tenant(), fleet.tenant()
    mac = fleet.phone(first)
    auth = database.credentials(mac)

    def after(sql, *values):
        warm(counted, mac)
        database.sql(sql, values)
        return get(counted, mac, auth).status
    assert after('UPDATE tenant SET enabled = 0 WHERE tenant_id = %s', first) == 404
    assert get(counted, mac).status == 404
    database.sql('UPDATE tenant SET enabled = 1 WHERE tenant_id = %s', (first,))
    assert get(counted, mac).status == 200
    assert after('UPDATE device SET enabled = 0 WHERE mac = %s', mac) == 404
    database.sql('UPDATE device SET enabled = 1 WHERE mac = %s', (mac,))
    # a previous generation counts until its time, and not one fetch longer when that is moved or it is taken back
    assert after('UPDATE device SET generation = DEFAULT WHERE mac = %s', mac) == 200
    assert after('UPDATE device SET previous_until = NOW() - INTERVAL 1 SECOND WHERE mac = %s', mac) == 401
    auth = database.credentials(mac)
    assert after('UPDATE device SET generation = DEFAULT WHERE mac = %s', mac) == 200
    assert after('UPDATE device SET previous_generation = NULL, previous_until = NULL WHERE mac = %s', mac) == 401
    auth = database.credentials(mac)
    assert after('UPDATE device SET generation = DEFAULT, previous_until = NOW() + INTERVAL 2 SECOND WHERE mac = %s', mac) == 200
    warm(counted, mac)
    # its time passes by itself: no row changes, and the pack stays good
    wait_until(lambda: get(counted, mac, auth).status == 401, 10, 'the previous generation to end')
    assert worker_statements(counted, mac)[1] == 1
    auth = database.credentials(mac)
    database.sql('DELETE FROM line WHERE mac = %s', (mac,))
    assert after('UPDATE device SET tenant_id = %s WHERE mac = %s', second, mac) == 401
    answer = get(counted, mac)
    assert answer.status == 200 and f'sip.{first}.example.net'.encode() not in answer.body and f'u{mac[-4:]}1'.encode() not in answer.body
    warm(counted, mac)
    assert pack(database, mac)[1] == second and get(counted, mac).body == answer.body


def test_a_deleted_device_takes_its_pack_along(counted, fleet):
    mac = fleet.phone()
    warm(counted, mac)
    auth = counted.database.credentials(mac)
    counted.database.sql('CALL delete_device(%s)', (mac,))
    assert pack(counted.database, mac) is None
    assert get(counted, mac, auth).status in (401, 404)


def test_a_locked_pack_stops_neither_fetch_nor_journal(counted, fleet):
    """Somebody holds the row of the pack that is to be replaced: fetches take two statements each, records are written, nothing is lost, and afterwards the pack comes."""
    database, mac, other = counted.database, fleet.phone(), fleet.phone()
    warm(counted, mac)
    warm(counted, other)
    before = counted.metrics()
    with row_lock(database, mac):
        database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'sip.server', 'locked.example.net')", (mac,))
        started = time.monotonic()
        rows = len(counted.journal('mac = %s', (mac,)))
        for number in range(1, 21):
            answer = get(counted, mac)
            assert answer.status == 200 and b'locked.example.net' in answer.body
            assert get(counted, other).status == 200
            if number % 5 == 0:
                wait_until(lambda n=number: len(counted.journal('mac = %s', (mac,))) == rows + n, 5, 'the records of the journal')
        assert time.monotonic() - started < 10
        now = wait_until(lambda: (m := counted.metrics())['dialtone_packs_dropped_total'] > before['dialtone_packs_dropped_total'] and m, 5, 'dropped packs')
        assert current(database, mac) is False
        assert now['dialtone_journal_database_up'] == 1
    warm(counted, mac)
    after = counted.metrics()
    assert all(after[k] == before[k] for k in before if k.startswith('dialtone_journal_lost_total'))
    told = counted.log().count('packs of devices are dropped')
    assert 1 <= told <= 3, 'told once for a cause, and with a count after a minute'


def test_a_table_that_is_gone_stops_no_record(database, fleet):
    """A restore in its middle. Fetches may answer 503 (they read the table); records are written, packs dropped."""
    mac = fleet.phone()
    auth = database.credentials(mac)
    with Pool(database, workers=1, proxies=False) as pool:
        warm(pool, mac)
        database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'sip.server', 'gone.example.net')", (mac,))
        database.sql('RENAME TABLE device_pack TO device_pack_away', account='root')
        try:
            rows = len(pool.journal('mac = %s', (mac,)))
            statuses = [get(pool, mac, auth).status for _ in range(5)]
            assert set(statuses) <= {200, 503}
            wait_until(lambda: len(pool.journal('file = %s', (f'{mac}.cfg',))) >= rows + 5, 10, 'the records')
        finally:
            database.sql('RENAME TABLE device_pack_away TO device_pack', account='root')
        wait_until(lambda: get(pool, mac, auth).status == 200, 10, 'the file')
        warm(pool, mac)
        assert sum(v for k, v in pool.metrics().items() if k.startswith('dialtone_journal_lost_total')) == 0
