"""One round trip a warm fetch, none for a file of nobody's, one more cold: counted exactly by a proxy on the database's socket and, independently,
by the server itself. Warm: the worker has the shared layers in its cache, and the device's pack of now is in device_pack."""
import re

import pytest

import fcgi_client as fcgi
import phone
from dbproxy import DatabaseProxy, round_trips
from stack import Pool
from test_answers import common_file
from waiting import wait_until


@pytest.fixture(scope='module')
def counted(database, tmp_path_factory):
    """A pool of one worker whose every packet to the database is counted. The journal's are told apart by what they say; it writes at once, because it brings the packs."""
    proxy = DatabaseProxy(database.directory / 'counted.sock', database.socket)
    with Pool(database, workers=1, proxies=False, hosts=f'unix:{proxy.listen}') as pool:
        pool.counter = proxy
        yield pool
    proxy.close()


def get(pool, target, auth=None, extra=()):
    """The answer and the worker's commands; the journal's inserts are told apart by what they say."""
    pool.counter.take()
    answer = fcgi.fetch(pool.socket, fcgi.proxy_parameters(target, auth=auth, extra=extra))
    return answer, [command for command in pool.counter.take() if not of_the_journal(*command)]


def only(mac, text):
    """The parameters of what was executed are this MAC, once or more often, and nothing else: the worker's statements. The journal's have a time or a pack in them."""
    at = text.find(mac)
    return at >= 0 and set(text[at:].replace(b'\x0c' + mac, b'')) <= set(mac)


def of_the_journal(name, text):
    if name == 'execute':
        found = re.search(rb'\x0c([0-9a-f]{12})', text)
        return not (found and only(found.group(1), text))
    return any(word in text for word in (b'journal', b'device_state', b'INTO device_pack', b'COMMIT', b'autocommit', b'lock_wait_timeout'))


def packed(database, mac):
    return database.sql('SELECT 1 FROM device_pack JOIN device_revision USING (mac, revision) WHERE mac = %s', (mac,), account='root')


def warm(pool, mac):
    """One fetch, and the pack that it left."""
    assert get(pool, f'/{mac}.cfg', pool.database.credentials(mac))[0].status == 200
    wait_until(lambda: packed(pool.database, mac), 15, f'the pack of {mac}')


@pytest.fixture(scope='module')
def mac(fleet):
    return fleet.phone(accounts=2)


def test_warm_fetch_is_one_round_trip(counted, mac):
    auth = counted.database.credentials(mac)
    warm(counted, mac)
    for _ in range(20):
        answer, commands = get(counted, f'/{mac}.cfg', auth)
        assert answer.status == 200
        assert [name for name, _ in commands] == ['execute']


def test_not_modified_is_one_round_trip(counted, mac):
    auth = counted.database.credentials(mac)
    warm(counted, mac)
    answer, _ = get(counted, f'/{mac}.cfg', auth)
    answer, commands = get(counted, f'/{mac}.cfg', auth, [('HTTP_IF_NONE_MATCH', answer.header('etag'))])
    assert answer.status == 304
    assert round_trips(commands) == 1


def test_another_devices_first_fetch_of_a_warm_tenant_is_two_and_its_second_one(counted, fleet, mac):
    tenant, = counted.database.sql('SELECT tenant_id FROM device WHERE mac = %s', (mac,))[0]
    warm(counted, mac)
    other = fleet.phone(tenant)
    answer, commands = get(counted, f'/{other}.cfg', counted.database.credentials(other))
    assert answer.status == 200
    assert round_trips(commands) == 2
    wait_until(lambda: packed(counted.database, other), 15, 'the pack')
    answer, commands = get(counted, f'/{other}.cfg', counted.database.credentials(other))
    assert answer.status == 200
    assert round_trips(commands) == 1


def test_cold_layers_cost_one_more(counted, fleet):
    mac = fleet.phone()
    auth = counted.database.credentials(mac)
    answer, commands = get(counted, f'/{mac}.cfg', auth)
    assert answer.status == 200
    # the very first cold fetch of a connection also prepares that statement
    assert len([name for name, _ in commands if name == 'execute']) <= 2
    wait_until(lambda: packed(counted.database, mac), 15, 'the pack')
    assert round_trips(get(counted, f'/{mac}.cfg', auth)[1]) == 1
    other = fleet.phone()
    answer, commands = get(counted, f'/{other}.cfg', counted.database.credentials(other))
    assert answer.status == 200 and round_trips(commands) <= 2


def test_no_round_trip_without_a_proven_identity(counted, fleet, mac):
    """A1, A2: a guess does not touch the database, for known and unknown MACs alike."""
    unknown = fleet.mac()
    for target in (f'/{mac}.cfg', f'/{unknown}.cfg'):
        for auth in (None, (mac, '0123456789' + 'a' * 22), (unknown, '0123456789' + 'a' * 22)):
            answer, commands = get(counted, target, auth)
            assert answer.status == 401
            assert commands == []


def test_a_guess_at_a_password_brought_in_is_one_round_trip(counted, fleet, mac):
    """What has not the form of a token is compared with device_password: one statement, the same for known and unknown MACs and users."""
    unknown = fleet.mac()
    get(counted, f'/{mac}.cfg', (mac, 'x'))  # prepares it
    for target in (f'/{mac}.cfg', f'/{unknown}.cfg'):
        for auth in ((mac, 'x'), (unknown, 'x'), ('root', 'x'), (mac, 'x' * 32)):
            answer, commands = get(counted, target, auth)
            assert answer.status == 401
            assert [name for name, _ in commands] == ['execute']


def test_no_round_trip_for_files_of_nobody(counted, fleet, mac):
    name, _ = common_file(fleet.vendor)
    auth = counted.database.credentials(mac)
    for target, status in ((f'/{name}', 200), ('/nothing', 404), ('/%zz', 400), (f'/a/../{mac}.cfg', 404)):
        answer, commands = get(counted, target, auth)
        assert answer.status == status, target
        assert commands == [], target


def test_the_servers_own_count_agrees(pool, fleet, proxy):
    mac = fleet.phone()
    auth = pool.database.credentials(mac)
    for _ in range(12):
        assert pool.fetch(proxy, f'/{mac}.cfg', auth=auth).status == 200
    wait_until(lambda: packed(pool.database, mac), 15, 'the pack')
    before = pool.database.round_trips()
    for _ in range(20):
        phone.fetch(pool.proxies.tls_port(proxy), f'/{mac}.cfg', auth=auth)
    # every one of four workers may have met this tenant for the first time within these
    assert 20 <= pool.database.round_trips() - before <= 20 + 4 * 2


def test_mysql_worker_account_writes_nothing(pool, proxy, mac):
    before = pool.database.sql("SELECT COALESCE(SUM(ROWS_INSERTED + ROWS_UPDATED + ROWS_DELETED), 0) FROM information_schema.USER_STATISTICS WHERE USER = 'dialtone_worker'", account='root')
    assert pool.fetch_device(proxy, mac).status == 200
    after = pool.database.sql("SELECT COALESCE(SUM(ROWS_INSERTED + ROWS_UPDATED + ROWS_DELETED), 0) FROM information_schema.USER_STATISTICS WHERE USER = 'dialtone_worker'", account='root')
    assert before == after
