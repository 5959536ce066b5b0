"""HAProxy checks tokens by itself: the courier keeps a map of good ones, as a file and in the running HAProxy, and the application takes HAProxy's word."""
import hashlib
import os
import re
import signal
import stat
import time

import pytest

from phone import fresh_address
from stack import Courier, Pool, many, ring_keys, token
from waiting import wait_until

IDENTITY = {'identity': {'device': 'DIALTONE_DEVICE'}}


@pytest.fixture(scope='module')
def own(database):
    pool = Pool(database, conf=IDENTITY)
    pool.proxies.map = True
    with pool:
        yield pool


def courier_of(database, proxies, **more):
    return Courier(database, {'courier': {'haproxy_map': proxies.map_file, 'haproxy_socket': proxies.map_socket, **more}})


@pytest.fixture(scope='module')
def courier(database, own):
    with courier_of(database, own.proxies) as running:
        yield running


def key(user, password):
    return hashlib.sha256(f'{user}:{password}'.encode()).hexdigest().upper()


def file_entries(own):
    return dict(line.split(' ') for line in own.proxies.map_file.read_text().splitlines())


def running_entries(own):
    lines = own.proxies.haproxy_command(f'show map {own.proxies.map_file}').splitlines()
    return {line.split(' ')[1]: line.split(' ')[2] for line in lines if line.startswith('0x')}


def has(own, credential):
    """Is it in the file, in the running HAProxy, in both or in none?"""
    return (key(*credential) in file_entries(own), key(*credential) in running_entries(own))


def both(own, credential, what='the map'):
    wait_until(lambda: has(own, credential) == (True, True), 15, f'{what} to have it', 0.1)


def neither(own, credential, what='the map'):
    wait_until(lambda: has(own, credential) == (False, False), 15, f'{what} to lose it', 0.1)


def identity_of_last(own, mac, since):
    def rows():
        return own.journal('mac = %s AND at >= %s AND status = 200', (mac, since))
    return wait_until(rows, 10, 'the journal')[-1]['identity']


def now(database):
    return database.sql('SELECT UTC_TIMESTAMP(6)')[0][0]


@pytest.fixture
def phone_in_map(database, own, courier, fleet):
    mac = fleet.phone()
    credential = database.credentials(mac)
    both(own, credential)
    return mac, credential


def test_a_good_credential_is_served_by_the_proxys_word(database, own, phone_in_map):
    mac, credential = phone_in_map
    since = now(database)
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=credential).status == 200
    assert identity_of_last(own, mac, since) == 'proxy'
    # what a rotation waits for
    wait_until(lambda: database.sql('SELECT generation FROM device_state WHERE mac = %s', (mac,)) == ((database.generation(mac),),), 10, 'its generation in the state')
    since = now(database)
    assert own.fetch('nginx', f'/{mac}.cfg', auth=credential).status == 200
    assert identity_of_last(own, mac, since) == 'token'


def test_what_the_map_does_not_know_is_judged_by_the_application(database, own, phone_in_map, fleet):
    mac, (user, password) = phone_in_map
    other = fleet.phone()
    wrong = password[:-1] + ('a' if password[-1] != 'a' else 'b')
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=(user, wrong)).status == 401
    assert own.fetch('haproxy', f'/{mac}.cfg').status == 401
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=(user, '')).status == 401
    assert own.fetch('haproxy', f'/{other}.cfg', auth=(user, password)).status == 404
    # another spelling of the MAC is no key of the map, and the same device to the application
    since = now(database)
    spelled = '-'.join(mac[i:i + 2] for i in range(0, 12, 2))
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=(spelled, password)).status == 200
    assert identity_of_last(own, mac, since) == 'token'
    since = now(database)
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=(mac.upper(), password)).status == 200
    assert identity_of_last(own, mac, since) == 'proxy'


@pytest.mark.parametrize('name', ['DIALTONE_DEVICE', 'Dialtone-Device', 'DIALTONE-DEVICE', 'X-Dialtone-Device'])
def test_no_client_sets_the_proxys_word(own, phone_in_map, name):
    mac, _ = phone_in_map
    answer = own.fetch('haproxy', f'/{mac}.cfg', headers=[(name, mac)])
    assert answer.status in (401, 403), answer  # names with _ are refused by HAProxy
    answer = own.fetch('haproxy', f'/{mac}.cfg', auth=(mac, 'x' * 32), headers=[(name, mac)])
    assert answer.status in (401, 403), answer


def test_rotated_credentials_die_within_seconds(database, own, phone_in_map):
    mac, old = phone_in_map
    database.sql("UPDATE device SET generation = DEFAULT WHERE mac = %s", (mac,))
    new = database.credentials(mac)
    assert new != old
    both(own, new)
    # the previous generation counts still
    assert has(own, old) == (True, True)
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=old).status == 200
    started = time.monotonic()
    database.sql('UPDATE device SET previous_generation = NULL WHERE mac = %s', (mac,))
    wait_until(lambda: own.fetch('haproxy', f'/{mac}.cfg', auth=old).status == 401, 10, 'the old credential to die', 0.1)
    assert time.monotonic() - started < 10
    neither(own, old)
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=new).status == 200


def test_a_previous_generation_ends_by_its_time(database, own, phone_in_map):
    """No row changes when it does."""
    mac, old = phone_in_map
    database.sql("UPDATE device SET generation = DEFAULT, previous_until = NOW() + INTERVAL 4 SECOND WHERE mac = %s", (mac,))
    new = database.credentials(mac)
    both(own, new)
    neither(own, old)
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=old).status == 401
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=new).status == 200


def test_disabled_devices_and_tenants_and_deleted_devices_are_not_in_it(database, own, courier, fleet):
    tenant = fleet.tenant()
    one, two, three = (fleet.phone(tenant) for _ in range(3))
    credentials = {mac: database.credentials(mac) for mac in (one, two, three)}
    for mac in credentials:
        both(own, credentials[mac])
    database.sql('UPDATE device SET enabled = 0 WHERE mac = %s', (one,))
    neither(own, credentials[one])
    assert own.fetch('haproxy', f'/{one}.cfg', auth=credentials[one]).status == 404
    database.sql('CALL delete_device(%s)', (two,))
    neither(own, credentials[two])
    assert own.fetch('haproxy', f'/{two}.cfg', auth=credentials[two]).status == 401
    database.sql('UPDATE tenant SET enabled = 0 WHERE tenant_id = %s', (tenant,))
    neither(own, credentials[three])
    assert own.fetch('haproxy', f'/{three}.cfg', auth=credentials[three]).status == 404
    database.sql('UPDATE tenant SET enabled = 1 WHERE tenant_id = %s', (tenant,))
    both(own, credentials[three])


def test_a_device_that_moves_takes_no_credential_along(database, own, phone_in_map, fleet):
    mac, old = phone_in_map
    database.sql('CALL move_device(%s, %s, NULL, NULL)', (mac, fleet.tenant()))
    neither(own, old)
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=old).status == 401


def test_the_file_holds_no_secret_and_is_nobody_elses(database, own, phone_in_map):
    _, (_, password) = phone_in_map
    text = own.proxies.map_file.read_text()
    assert re.fullmatch(r'(?:[0-9A-F]{64} [0-9a-f]{12}\n)+', text)
    assert password not in text
    assert stat.S_IMODE(os.stat(own.proxies.map_file).st_mode) == 0o600
    assert not list(own.proxies.directory.glob('dialtone.map.*')), 'temporary files are left'


def test_a_file_that_is_lost_is_written_again(own, phone_in_map):
    _, credential = phone_in_map
    own.proxies.map_file.unlink()
    wait_until(own.proxies.map_file.exists, 10, 'the file')
    both(own, credential)


def test_a_reloaded_and_a_restarted_haproxy_has_it(database, own, phone_in_map, fleet):
    mac, credential = phone_in_map
    own.proxies.reload_haproxy()
    both(own, credential)
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=credential).status == 200
    # one that read an older file than the courier's last one
    stale = '\n'.join(['A' * 64 + ' ' + mac, '']) + own.proxies.map_file.read_text()
    before = own.proxies.map_file.stat()
    own.proxies.map_file.write_text(stale)
    os.utime(own.proxies.map_file, ns=(before.st_atime_ns, before.st_mtime_ns))
    own.proxies.reload_haproxy()
    wait_until(lambda: 'A' * 64 not in running_entries(own) and 'A' * 64 not in file_entries(own), 15, 'the courier to set it right', 0.1)
    both(own, credential)


def test_a_haproxy_that_is_away_is_waited_for_and_the_file_is_right_meanwhile(database, own, courier, fleet):
    own.proxies.haproxy.send_signal(signal.SIGTERM)
    own.proxies.haproxy.wait(20)
    try:
        mac = fleet.phone()
        credential = database.credentials(mac)
        wait_until(lambda: key(*credential) in file_entries(own), 15, 'the file', 0.1)
        wait_until(lambda: 'haproxy-courier.sock' in courier.log(), 10, 'the log to tell')
    finally:
        own.proxies.start_haproxy()
    both(own, credential)
    assert own.fetch('haproxy', f'/{mac}.cfg', auth=credential).status == 200
    wait_until(lambda: 'HAProxy answers again' in courier.log(), 15, 'the log to tell')


def test_a_map_that_haproxy_does_not_know_is_told(database, own, courier):
    elsewhere = own.proxies.directory / 'other.map'
    with Courier(database, {'courier': {'haproxy_map': elsewhere, 'haproxy_socket': own.proxies.map_socket}}) as other:
        wait_until(lambda: 'must name the same path as courier.haproxy_map' in other.log(), 15, 'the log to tell')
        assert elsewhere.exists()


def test_a_file_that_cannot_be_written_is_told(database, own):
    with Courier(database, {'courier': {'haproxy_map': '/proc/nowhere/map'}}) as other:
        wait_until(lambda: '/proc/nowhere/map cannot be written' in other.log(), 15, 'the log to tell')


def test_every_key_of_the_ring_counts(database, own, courier, fleet):
    """A phone holds the token of the key that was the newest when it fetched."""
    mac = fleet.phone()
    before = database.credentials(mac)
    both(own, before)
    text = database.keys.read_text()
    try:
        database.command('keys', 'new', str(database.keys))
        assert len(ring_keys(database.keys)) == len([line for line in text.splitlines() if line and line[0] != '#']) + 1
        courier.reload()
        after = (mac, token(database.keys, mac, database.generation(mac)))
        both(own, after)
        assert has(own, before) == (True, True)
    finally:
        database.keys.write_text(text)
        courier.reload()
    neither(own, after)


def test_two_couriers_do_not_push_in_turn(database, own, courier, phone_in_map):
    with courier_of(database, own.proxies) as other:
        wait_until(lambda: 'HAProxy has' in other.log(), 15, 'the other courier')
        version = own.proxies.haproxy_command('show map')
        time.sleep(2)  # many looks of both
        later = own.proxies.haproxy_command('show map')

    def number(text):
        return int(re.search(r'dialtone\.map\).*curr_ver=(\d+)', text).group(1))
    assert number(later) - number(version) <= 2


def test_a_large_fleet(database, own, courier, fleet):
    """All of it through the runtime API while phones are served. With --full 100,000; the times are printed."""
    count = many(3000, 100000)
    tenant = fleet.tenant()
    keep = fleet.phone(tenant)
    credential = database.credentials(keep)
    both(own, credential)
    before = running_count(own)
    started = time.monotonic()
    with database.connect('dba', autocommit=False) as connection, connection.cursor() as cursor:
        for first in range(0, count, 1000):
            rows = [(f'0a{first + i:010x}', tenant, fleet.models[fleet.vendor]) for i in range(min(1000, count - first))]
            cursor.executemany('INSERT INTO device (mac, tenant_id, model_id) VALUES (%s, %s, %s)', rows)
        connection.commit()
    inserted = time.monotonic()
    slowest, served = 0.0, 0
    try:
        while running_count(own) != before + count:
            at = time.monotonic()
            assert own.fetch('haproxy', f'/{keep}.cfg', auth=credential, source=fresh_address()).status == 200
            slowest, served = max(slowest, time.monotonic() - at), served + 1
            assert time.monotonic() - inserted < 120
        known = time.monotonic()
        last = f'0a{count - 1:010x}'
        assert has(own, database.credentials(last)) == (True, True)
        assert len(file_entries(own)) >= before + count
        # one of so many changes
        database.sql("UPDATE device SET enabled = 0 WHERE mac = %s", (last,))
        changed = time.monotonic()
        wait_until(lambda: running_count(own) == before + count - 1, 60, 'the map to lose one', 0.05)
        print(f'\n{count} credentials: inserted in {inserted - started:.1f} s, in the map {known - inserted:.1f} s later; {served} fetches meanwhile, the slowest '
              f'{slowest * 1000:.0f} ms; one change reached the map in {time.monotonic() - changed:.1f} s')
    finally:
        database.sql('DELETE FROM device WHERE tenant_id = %s AND mac LIKE %s', (tenant, '0a%'))
    wait_until(lambda: running_count(own) <= before, 120, 'the map to be small again', 0.1)


def running_count(own):
    found = re.search(r'dialtone\.map\).*entry_cnt=(\d+)', own.proxies.haproxy_command('show map'))
    return int(found.group(1))


