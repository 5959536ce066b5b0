"""The journal: one row for every request that reached the pool, with what happened; none in the way of a fetch; losses counted."""
import time

import pytest

import fcgi_client as fcgi
import phone
from stack import Pool, many
from test_answers import common_file
from waiting import wait_until


@pytest.fixture(scope='module')
def mac(fleet):
    return fleet.phone()


def test_every_result_has_its_row(pool, proxy, fleet, mac):
    user = pool.database.credentials(mac)
    neighbour, disabled = fleet.phone(), fleet.phone(enabled=0)
    broken = fleet.phone()
    tenant, = pool.database.sql('SELECT tenant_id FROM device WHERE mac = %s', (broken,))[0]
    pool.database.sql("DELETE FROM tenant_setting WHERE tenant_id = %s AND name = 'sip.server'", (tenant,))
    etag = pool.fetch_device(proxy, mac).etag
    agent = f'journal-{proxy}-{mac}'
    name, _ = common_file(fleet.vendor)
    plain = pool.proxies.plain_port(proxy)

    def get(target, **more):
        return pool.fetch(proxy, target, agent=agent, source='127.8.0.1', **more).status
    expected = {}
    for result, status in (
            ('ok', get(f'/{mac}.cfg', auth=user)),
            ('not-modified', get(f'/{mac}.cfg', auth=user, headers=[('If-None-Match', etag)])),
            ('common', get(f'/{name}')),
            ('challenge', get(f'/{mac}.cfg')),
            ('bad-credentials', get(f'/{mac}.cfg', auth=(mac, 'wrong'))),
            ('stale-credentials', get(f'/{mac}.cfg', auth=pool.database.credentials(mac, 'abcdef0123'))),
            ('not-entitled', get(f'/{neighbour}.cfg', auth=user)),
            ('disabled', get(f'/{disabled}.cfg', auth=pool.database.credentials(disabled))),
            ('unknown-file', get('/nothing')),
            ('plain-http', phone.fetch(plain, f'/{mac}.cfg', tls=False, agent=agent, auth=user).status),
            ('method', get(f'/{mac}.cfg', method='PUT', auth=user)),
            ('render-error', get(f'/{broken}.cfg', auth=pool.database.credentials(broken))),
    ):
        expected[result] = status
    rows = wait_until(lambda: (r := pool.journal('user_agent = %s', (agent,))) and len(r) == len(expected) and r, 10, f'{len(expected)} rows')
    assert {row['result']: row['status'] for row in rows} == expected
    by = {row['result']: row for row in rows}
    assert by['ok']['mac'] == mac and by['ok']['identity'] != '' and by['ok']['bytes'] > 500 and by['ok']['address'] == '127.8.0.1'
    assert by['ok']['file'] == f'{mac}.cfg' and by['ok']['method'] == 'GET' and by['ok']['duration_us'] > 0
    assert by['challenge']['identity'] == ''
    assert by['not-entitled']['mac'] == neighbour and mac in by['not-entitled']['note']
    assert 'sip.server' in by['render-error']['detail']
    assert by['method']['method'] == 'PUT'


def test_nothing_is_lost_and_nothing_twice(database, fleet, mac):
    """Every one of many requests, across a restart of the program."""
    agent = f'complete-{time.time_ns()}'
    count = many(300, 20000)
    pairs = fcgi.proxy_parameters(f'/{mac}.cfg', auth=database.credentials(mac))
    pairs = [(n, agent if n == 'HTTP_USER_AGENT' else v) for n, v in pairs]
    with Pool(database, proxies=False) as pool:
        for _ in range(count):
            assert fcgi.fetch(pool.socket, pairs).status == 200
        assert sum(v for k, v in pool.metrics().items() if k.startswith('dialtone_journal_lost_total')) == 0
    # stopped: the spool is drained
    with database.connect('root') as connection, connection.cursor() as cursor:
        cursor.execute('SELECT COUNT(*), COUNT(DISTINCT id) FROM fetch_journal WHERE user_agent = %s', (agent,))
        assert cursor.fetchone() == (count, count)


def test_locked_journal_stops_no_fetch_and_catches_up(pool, fleet, proxy, mac):
    agent = f'locked-{proxy}-{time.time_ns()}'
    auth = pool.database.credentials(mac)
    with pool.database.connect('root') as connection, connection.cursor() as cursor:
        cursor.execute('LOCK TABLES fetch_journal WRITE, device_state WRITE, journal_loss WRITE')
        started = time.monotonic()
        for _ in range(30):
            assert pool.fetch(proxy, f'/{mac}.cfg', auth=auth, agent=agent).status == 200
        assert time.monotonic() - started < 10
        cursor.execute('UNLOCK TABLES')
    wait_until(lambda: len(pool.journal('user_agent = %s', (agent,))) == 30, 20, 'the rows')


def test_full_spool_loses_countably_and_stops_no_fetch(database, mac):
    with Pool(database, proxies=False, conf={'journal': {'spool_bytes': 65536, 'flush_interval': 20}}) as pool:
        pairs = fcgi.proxy_parameters(f'/{mac}.cfg', auth=database.credentials(mac))
        assert fcgi.fetch(pool.socket, pairs).status == 200
        with database.connect('root') as connection, connection.cursor() as cursor:
            cursor.execute('LOCK TABLES fetch_journal WRITE, device_state WRITE, journal_loss WRITE')
            for _ in range(800):
                assert fcgi.fetch(pool.socket, pairs).status == 200
            lost = wait_until(lambda: sum(v for k, v in pool.metrics().items() if k.startswith('dialtone_journal_lost_total')), 10, 'a count of the loss')
            assert lost > 0
            cursor.execute('UNLOCK TABLES')
        wait_until(lambda: database.sql('SELECT COUNT(*) FROM journal_loss', account='root')[0][0] > 0, 20, 'the loss in journal_loss')


def test_device_state_follows(pool, proxy, fleet):
    mac = fleet.phone()
    assert pool.fetch_device(proxy, mac).status == 200
    row = wait_until(lambda: pool.database.sql('SELECT status, result FROM device_state WHERE mac = %s', (mac,), account='root'), 10, 'the state')
    assert row == ((200, 'ok'),)
    lag = pool.database.command('lag', check=False).stdout
    assert mac not in lag
    pool.database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'sip.server', 'moved.example.net')", (mac,))
    assert mac in pool.database.command('lag', check=False).stdout
    assert pool.fetch_device(proxy, mac).status == 200
    wait_until(lambda: mac not in pool.database.command('lag', check=False).stdout, 10, 'the phone to be up to date')
