"""A committed change is in the very next fetch of every worker, whichever layer it is in (E11); a rolled-back one never is."""
import threading

import pytest

import fcgi_client as fcgi
from load import Load
from stack import Pool, many
from waiting import wait_until


@pytest.fixture(scope='module')
def world(database, fleet):
    """A device with a row in every layer: site, profile, two lines."""
    tenant = fleet.tenant()
    database.sql("INSERT INTO site (tenant_id, site_id, name) VALUES (%s, 's', 'Site')", (tenant,))
    database.sql("INSERT INTO profile (tenant_id, profile_id, name) VALUES (%s, 'p', 'Profile')", (tenant,))
    mac = fleet.phone(tenant, accounts=2, site_id='s', profile_id='p')
    return tenant, mac


def every_worker(pool, mac, count=None):
    """Answers by all workers: each is made to answer by holding the others. Simultaneous fetches, twice as many as there are workers, repeated."""
    pairs = fcgi.proxy_parameters(f'/{mac}.cfg', auth=pool.database.credentials(mac))
    answers = []

    def one():
        answers.append(fcgi.fetch(pool.socket, pairs))
    for _ in range(3):
        threads = [threading.Thread(target=one) for _ in range(count or 2 * pool.workers)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert all(a.status == 200 for a in answers), {a.status for a in answers}
    return answers


# the layers, low to high, of one device-wide setting
LAYERS = [
    ('provider', "INSERT INTO provider_setting (name, value) VALUES ('sip.server', %(v)s) ON DUPLICATE KEY UPDATE value = VALUES(value)"),
    ('tenant', "UPDATE tenant_setting SET value = %(v)s WHERE tenant_id = %(t)s AND name = 'sip.server'"),
    ('site', "INSERT INTO site_setting (tenant_id, site_id, name, value) VALUES (%(t)s, 's', 'sip.server', %(v)s) ON DUPLICATE KEY UPDATE value = VALUES(value)"),
    ('profile', "INSERT INTO profile_setting (tenant_id, profile_id, name, value) VALUES (%(t)s, 'p', 'sip.server', %(v)s) ON DUPLICATE KEY UPDATE value = VALUES(value)"),
    ('device', "INSERT INTO device_setting (mac, name, value) VALUES (%(m)s, 'sip.server', %(v)s) ON DUPLICATE KEY UPDATE value = VALUES(value)"),
    ('account', "INSERT INTO account_setting (tenant_id, account_id, name, value) VALUES (%(t)s, CONCAT(%(m)s, '-1'), 'sip.server', %(v)s) ON DUPLICATE KEY UPDATE value = VALUES(value)"),
    ('line', "INSERT INTO line_setting (mac, position, name, value) VALUES (%(m)s, 1, 'sip.server', %(v)s) ON DUPLICATE KEY UPDATE value = VALUES(value)"),
    ('label', "UPDATE line SET label = %(v)s WHERE mac = %(m)s AND position = 1"),
    ('display name', "UPDATE account SET display_name = %(v)s WHERE tenant_id = %(t)s AND account_id = CONCAT(%(m)s, '-2')"),
    ('password', "UPDATE account_secret SET plain = %(v)s WHERE tenant_id = %(t)s AND account_id = CONCAT(%(m)s, '-2')"),
    ('key', "INSERT INTO line_key (mac, slot, type, value, label) VALUES (%(m)s, 3, 'speeddial', '100', %(v)s) ON DUPLICATE KEY UPDATE label = VALUES(label)"),
    ('profile key', "INSERT INTO profile_key (tenant_id, profile_id, slot, type, value, label) VALUES (%(t)s, 'p', 4, 'speeddial', '100', %(v)s) ON DUPLICATE KEY UPDATE label = VALUES(label)"),
]


def test_every_layer_counts_at_once_for_every_worker(pool, world):
    """In rising order, so that each beats what is below; twice, because the second value meets warm caches."""
    tenant, mac = world
    every_worker(pool, mac)
    pool.database.sql("DELETE FROM tenant_setting WHERE tenant_id = %s AND name = 'sip.server'", (tenant,))
    try:
        previous_etag = None
        for layer, statement in LAYERS:
            if layer == 'tenant':
                statement = "INSERT INTO tenant_setting (tenant_id, name, value) VALUES (%(t)s, 'sip.server', %(v)s) ON DUPLICATE KEY UPDATE value = VALUES(value)"
            for generation in ('a', 'b'):
                value = f'{layer.replace(" ", "-")}-{generation}.example.net'
                pool.database.sql(statement, {'v': value, 't': tenant, 'm': mac})
                answers = every_worker(pool, mac)
                assert all(value.encode() in a.body for a in answers), (layer, generation)
                assert len({a.body for a in answers}) == 1, (layer, generation)
                etags = {a.header('etag') for a in answers}
                assert len(etags) == 1 and previous_etag not in etags, layer
                previous_etag = etags.pop()
    finally:
        pool.database.sql("DELETE FROM provider_setting WHERE name = 'sip.server'")


def test_taking_back_and_deleting_count_at_once(pool, fleet):
    tenant = fleet.tenant()
    mac = fleet.phone(tenant)
    pool.database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'sip.server', 'own.example.net')", (mac,))
    assert all(b'own.example.net' in a.body for a in every_worker(pool, mac))
    pool.database.sql("DELETE FROM device_setting WHERE mac = %s", (mac,))
    assert all(b'own.example.net' not in a.body and f'sip.{tenant}.example.net'.encode() in a.body for a in every_worker(pool, mac))


def test_uncommitted_is_never_seen(pool, fleet):
    mac = fleet.phone()
    with pool.database.connect('dba', autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'sip.server', 'not-yet.example.net')", (mac,))
        assert all(b'not-yet' not in a.body for a in every_worker(pool, mac))
        connection.commit()
        assert all(b'not-yet' in a.body for a in every_worker(pool, mac))
        cursor.execute("UPDATE device_setting SET value = 'rolled-back.example.net' WHERE mac = %s", (mac,))
        connection.rollback()
    assert all(b'rolled-back' not in a.body for a in every_worker(pool, mac))


def test_disabling_moving_and_rotating_count_at_once(pool, proxy, fleet):
    first, second = fleet.tenant(), fleet.tenant()
    mac = fleet.phone(first)
    old = pool.database.credentials(mac)
    assert pool.fetch(proxy, f'/{mac}.cfg', auth=old).status == 200
    pool.database.sql('UPDATE device SET enabled = 0 WHERE mac = %s', (mac,))
    assert pool.fetch(proxy, f'/{mac}.cfg', auth=old).status == 404
    pool.database.sql('UPDATE device SET enabled = 1 WHERE mac = %s', (mac,))
    assert pool.fetch(proxy, f'/{mac}.cfg', auth=old).status == 200
    pool.database.sql('UPDATE tenant SET enabled = 0 WHERE tenant_id = %s', (first,))
    assert pool.fetch(proxy, f'/{mac}.cfg', auth=old).status == 404
    pool.database.sql('UPDATE tenant SET enabled = 1 WHERE tenant_id = %s', (first,))
    # A8: a phone that changes hands loses its token, and nothing of the first owner reaches the second
    secret, = pool.database.sql('SELECT plain FROM account_secret WHERE account_id = %s', (f'{mac}-1',), account='root')[0]
    pool.database.sql('DELETE FROM line WHERE mac = %s', (mac,))
    pool.database.sql('UPDATE device SET tenant_id = %s WHERE mac = %s', (second, mac))
    assert pool.fetch(proxy, f'/{mac}.cfg', auth=old).status == 401
    answer = pool.fetch_device(proxy, mac)
    assert answer.status == 200
    for gone in (secret, f'sip.{first}.example.net', f'u{mac[-4:]}1'):
        assert gone.encode() not in answer.body


def test_previous_generation_counts_until_its_time(pool, proxy, fleet):
    mac = fleet.phone()
    old = pool.database.credentials(mac)
    pool.database.sql('UPDATE device SET generation = DEFAULT WHERE mac = %s', (mac,))
    new = pool.database.credentials(mac)
    assert new != old
    assert [pool.fetch(proxy, f'/{mac}.cfg', auth=a).status for a in (old, new)] == [200, 200]
    pool.database.sql('UPDATE device SET previous_until = NOW() - INTERVAL 1 SECOND WHERE mac = %s', (mac,))
    assert [pool.fetch(proxy, f'/{mac}.cfg', auth=a).status for a in (old, new)] == [401, 200]


def test_e11_no_late_value_while_layers_change_under_load(pool, world):
    """A writer raises a number in a shared layer; a fetch that began after the commit never shows a smaller one."""
    tenant, mac = world
    for table in ('device_setting', 'line_setting'):
        pool.database.sql(f'DELETE FROM {table} WHERE mac = %s', (mac,))
    for table in ('site_setting', 'profile_setting', 'account_setting'):
        pool.database.sql(f'DELETE FROM {table} WHERE tenant_id = %s', (tenant,))
    pool.database.sql("INSERT INTO tenant_setting (tenant_id, name, value) VALUES (%s, 'sip.server', 'n0.example.net') ON DUPLICATE KEY UPDATE value = VALUES(value)", (tenant,))
    committed = [0]
    pairs = fcgi.proxy_parameters(f'/{mac}.cfg', auth=pool.database.credentials(mac))

    def request(*_):
        return committed[0], fcgi.fetch(pool.socket, pairs)

    def judge(result):
        at_least, answer = result
        assert answer.status == 200, answer.status
        import re
        seen = {int(n) for n in re.findall(rb'\bn(\d+)\.example\.net', answer.body)}
        assert len(seen) == 1, f'values of two times in one file: {seen}'
        assert min(seen) >= at_least, f'{seen} after {at_least} was committed'
        return 'ok'

    with Load(6, request, judge) as load, pool.database.connect('dba') as connection, connection.cursor() as cursor:
        for number in range(1, many(150, 3000)):
            cursor.execute("UPDATE tenant_setting SET value = %s WHERE tenant_id = %s AND name = 'sip.server'", (f'n{number}.example.net', tenant))
            committed[0] = number
        wait_until(lambda: load.count('ok') > 50 or load.failures, 30, 'fetches')
