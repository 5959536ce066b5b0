"""Enrolment windows, through both proxies: open, over, used up, from a wrong network, closed by the first proof; counted exactly, and what never arrived is not counted."""
import threading

import pytest

import fcgi_client
import phone
from dbproxy import DatabaseProxy
from identities import IDENTITY, World, wrong
from stack import Pool, many, merged
from waiting import wait_until


@pytest.fixture(scope='module')
def own(database):
    with Pool(database, conf=IDENTITY) as pool:
        yield pool


@pytest.fixture(autouse=True)
def forgotten(own):
    own.proxies.forget_limits()


@pytest.fixture(scope='module')
def world(database, fleet):
    w = World(database, fleet)
    w.add('plain')
    return w


_count = iter(range(1, 10000))


@pytest.fixture
def first_timer(world):
    name = f'first timer {next(_count)}'
    world.add(name)
    return name


def test_an_open_window(own, world, proxy, first_timer):
    world.judge(own.fetch(proxy, world.file(first_timer)), first_timer, 401)
    world.window(first_timer)
    world.judge(own.fetch(proxy, world.file(first_timer)), first_timer, 200)
    world.window_becomes(first_timer, ('open', 1))
    # it is this device's, and no proof for wrong credentials
    world.judge(own.fetch(proxy, world.file('plain')), 'plain', 401)
    world.judge(own.fetch(proxy, world.file(first_timer), auth=wrong(world.tokens[first_timer])), first_timer, 401)


@pytest.mark.parametrize('how', ['over', 'wrong network', 'disabled device', 'plain HTTP'])
def test_a_window_that_does_not_count(own, world, proxy, first_timer, how):
    world.window(first_timer, networks='192.0.2.0/24 2001:db8::/32' if how == 'wrong network' else '127.0.0.0/8', until='2 SECOND' if how == 'over' else '1 DAY')
    if how == 'over':
        wait_until(lambda: world.window_state(first_timer)[0] == 'closed: its time is over', 10, 'its end')
    elif how == 'disabled device':
        world.sql('UPDATE device SET enabled = 0 WHERE mac = %s', world.macs[first_timer])
    if how == 'plain HTTP':
        world.judge(phone.fetch(own.proxies.plain_port(proxy), world.file(first_timer), tls=False), first_timer, 403)
    else:
        world.judge(own.fetch(proxy, world.file(first_timer)), first_timer, 401)
    assert world.window_state(first_timer)[1] == 0


@pytest.mark.parametrize('uses', [1, 3])
def test_of_simultaneous_first_fetches_exactly_so_many_are_served(own, world, proxy, first_timer, uses):
    world.window(first_timer, uses=uses)
    together, answers, file = threading.Barrier(uses + 1), [], world.file(first_timer)

    def fetch():
        together.wait()
        answers.append(own.fetch(proxy, file))
    for _ in range(many(1, 10)):
        world.window(first_timer, uses=100)
        world.window(first_timer, uses=uses)  # opened again
        answers.clear()
        threads = [threading.Thread(target=fetch) for _ in range(uses + 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status for answer in answers) == [200] * uses + [401]
        for answer in answers:
            world.judge(answer, first_timer, answer.status)
        world.window_becomes(first_timer, ('closed: used up', uses))
    world.judge(own.fetch(proxy, world.file(first_timer)), first_timer, 401)


def test_the_first_fetch_with_credentials_closes_it(own, world, proxy, first_timer):
    world.window(first_timer)
    world.judge(own.fetch(proxy, world.file(first_timer)), first_timer, 200)
    world.judge(own.fetch(proxy, world.file(first_timer), auth=world.tokens[first_timer]), first_timer, 200)
    wait_until(lambda: world.window_state(first_timer)[0] == 'closed: the phone has proven itself', 10, 'the window to close')
    world.judge(own.fetch(proxy, world.file(first_timer)), first_timer, 401)


def test_what_uses_nothing_up(own, world, proxy, first_timer, fleet):
    """404s, common files, HEAD, and a file that was not modified is one: the phone has it."""
    from test_answers import common_file
    world.window(first_timer, uses=1)
    mac = world.macs[first_timer]
    assert own.fetch(proxy, f'/{mac}.boot').status in (401, 404)
    assert own.fetch(proxy, f'/{mac}-local.cfg').status in (401, 404)
    assert own.fetch(proxy, f'/{common_file(fleet.vendor)[0]}').status == 200
    assert own.fetch(proxy, '/nothing').status == 404
    assert own.fetch(proxy, world.file(first_timer), method='HEAD').status == 401
    assert own.fetch(proxy, world.file(first_timer), method='PUT').status == 405
    assert world.window_state(first_timer) == ('open', 0)
    world.judge(own.fetch(proxy, world.file(first_timer)), first_timer, 200)
    world.window_becomes(first_timer, ('closed: used up', 1))


def test_a_window_that_a_dba_has_in_hand_is_waited_for_a_second(own, world, proxy, first_timer):
    """Then 503, and the worker is free and keeps its connection; what the DBA does after that counts for the next fetch."""
    def connections():
        return set(world.database.sql("SELECT id FROM information_schema.PROCESSLIST WHERE user = 'dialtone_worker'", account='root'))
    before = connections()
    world.window(first_timer, uses=1)
    with world.database.connect('dba', autocommit=False) as dba, dba.cursor() as cursor:
        cursor.execute('UPDATE enrolment SET uses = 2 WHERE mac = %s', (world.macs[first_timer],))
        answer = own.fetch(proxy, world.file(first_timer))
        assert answer.status == 503 and int(answer.header('retry-after')) > 0
        assert connections() == before
        dba.commit()
    world.judge(own.fetch(proxy, world.file(first_timer)), first_timer, 200)
    world.window_becomes(first_timer, ('open', 1))


def test_a_response_that_is_lost_uses_nothing_up(own, database, world, first_timer):
    """A proxy that goes away while a worker is at it: the use is given back. Where nobody can tell, it is by itself after 30 s."""
    world.window(first_timer, uses=1)
    parameters = fcgi_client.proxy_parameters(world.file(first_timer), address='127.0.0.9')
    hatch = DatabaseProxy(database.directory / 'lost.sock', database.socket)
    try:
        with Pool(database, workers=1, proxies=False, hosts=f'unix:{hatch.listen}', conf=merged(IDENTITY, {'database': {'read_timeout': 60}, 'pool': {'request_timeout': 60}})) as pool:
            def busy():
                return pool.metrics()['dialtone_workers{state="busy"}']
            for _ in range(many(3, 30)):
                hatch.hole()
                with fcgi_client.open_socket(pool.socket) as connection:
                    connection.sendall(fcgi_client.request(parameters))
                    wait_until(busy, 10, 'a worker that waits for its database')
                hatch.restore()
                wait_until(lambda: not busy(), 10, 'the end of it')
            assert pool.metrics()['dialtone_requests_total{result="ok"}'] == many(3, 30)
    finally:
        hatch.close()

    def settled():
        return world.database.sql('SELECT COUNT(*) FROM enrolment_use WHERE mac = %s AND delivered_at IS NULL', (world.macs[first_timer],), account='root')[0][0] == 0
    wait_until(settled, 20, 'every claim to be ended')
    assert world.window_state(first_timer) == ('open', 0)
    assert fcgi_client.fetch(own.socket, parameters).status == 200
    world.window_becomes(first_timer, ('closed: used up', 1))
    assert fcgi_client.fetch(own.socket, parameters).status == 401


def test_a_worker_that_dies_in_between_uses_nothing_up(own, world, first_timer):
    """Its claim was never ended, and counts for 30 s only."""
    mac = world.macs[first_timer]
    with world.database.connect('root') as connection, connection.cursor() as cursor:
        # opened a minute ago, by this session's clock
        cursor.execute('SET timestamp = UNIX_TIMESTAMP() - 60')
        cursor.execute("INSERT INTO enrolment (mac, networks, valid_until, uses) VALUES (%s, '127.0.0.0/8', NOW() + INTERVAL 1 HOUR, 1)", (mac,))
        cursor.execute('SET timestamp = DEFAULT')
        cursor.execute('INSERT INTO enrolment_use (mac, id, claimed_at) VALUES (%s, RANDOM_BYTES(16), UTC_TIMESTAMP(6) - INTERVAL 29 SECOND)', (mac,))
    assert own.fetch('haproxy', f'/{mac}.cfg').status == 401
    wait_until(lambda: own.fetch('haproxy', f'/{mac}.cfg').status == 200, 10, 'the claim to be forgotten', 0.2)
