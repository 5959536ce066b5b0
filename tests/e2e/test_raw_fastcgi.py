"""What no proxy sends: doubled parameters (A5), torn and mutated records (B6), too much of everything (B7), straight at the pool's socket."""
import os
import random
import signal
import socket
import threading
import time

import pytest

import fcgi_client as fcgi
from stack import Pool, many, process_alive, unhandled_signals
from waiting import wait_until


@pytest.fixture(scope='module')
def mac(fleet):
    return fleet.phone()


@pytest.fixture(scope='module')
def own(database):
    """A pool of its own: these tests kill workers."""
    with Pool(database) as pool:
        yield pool


def ask(pool, mac, extra=(), **more):
    more.setdefault('auth', pool.database.credentials(mac))
    return fcgi.fetch(pool.socket, fcgi.proxy_parameters(f'/{mac}.cfg', extra=extra, **more))


def test_what_the_proxies_send_is_served(own, mac):
    answer = ask(own, mac)
    assert answer.status == 200 and answer.ended
    assert int(answer.header('content-length')) == len(answer.body)
    assert answer.header('x-dialtone-event') == 'auth-ok'


@pytest.mark.parametrize('name,value', [('REQUEST_METHOD', 'GET'), ('REQUEST_URI', '/x.cfg'), ('HTTPS', 'on'), ('REMOTE_ADDR', '192.0.2.1'), ('CONTENT_LENGTH', '0'),
                                        ('HTTP_AUTHORIZATION', 'Basic x')])
def test_a5_trusted_parameter_twice(own, mac, name, value):
    answer = ask(own, mac, extra=[(name, value)])
    assert answer.status == 400
    assert b'pw' not in answer.body
    wait_until(lambda: name in own.log() and 'twice' in own.log(), 5, 'an error in the log')


@pytest.mark.parametrize('name', ['HTTP_USER_AGENT', 'HTTP_IF_NONE_MATCH', 'HTTP_X_FORWARDED_FOR', 'HTTP_ACCEPT', 'REMOTE_USER', 'AUTH_TYPE', 'SCRIPT_NAME'])
def test_a5_others_may_come_twice(own, mac, name):
    assert ask(own, mac, extra=[(name, 'a'), (name, 'b')]).status == 200


@pytest.mark.parametrize('name', ['REMOTE_USER', 'AUTH_TYPE', 'HTTP_REMOTE_USER', 'SSL_CLIENT_VERIFY', 'SSL_CLIENT_S_DN', 'DIALTONE_CERT_SUBJECT', 'HTTP_SSL_CLIENT_VERIFY', 'PATH_INFO', 'SCRIPT_NAME', 'SCRIPT_FILENAME',
                                  'DOCUMENT_ROOT', 'SERVER_NAME'])
def test_a4_parameters_that_prove_nothing(own, mac, name):
    assert ask(own, mac, auth=None, extra=[(name, mac)]).status == 401


@pytest.mark.parametrize('extra,status', [
    ([(f'HTTP_X_{i}', 'x') for i in range(200)], 200),
    ([(f'HTTP_X_{i}', 'x') for i in range(10000)], 431),
    ([('HTTP_X', 'x' * 50000)], 200),
    ([('HTTP_X', 'x' * 70000)], 431),
    ([('HTTP_COOKIE', 'x' * 1000000)], 431),
])
def test_b7_bounds_of_parameters(own, mac, extra, status):
    assert ask(own, mac, extra=extra).status == status


@pytest.mark.parametrize('change,statuses', [
    ({'REQUEST_METHOD': ''}, {400}), ({'REQUEST_METHOD': 'X' * 5000}, {405}), ({'REQUEST_URI': ''}, {400}), ({'REQUEST_URI': '/' + 'x' * 2047}, {404}),
    ({'REQUEST_URI': '/' + 'x' * 2048}, {431}), ({'CONTENT_LENGTH': '-1'}, {400}), ({'CONTENT_LENGTH': '1e9'}, {400}), ({'CONTENT_LENGTH': '9' * 40}, {413}),
    ({'HTTP_AUTHORIZATION': 'Basic ' + 'A' * 1018}, {401}), ({'HTTP_AUTHORIZATION': 'Basic ' + 'A' * 1019}, {431}), ({'HTTP_USER_AGENT': 'x' * 60000}, {200}),
    ({'REMOTE_ADDR': 'unix'}, {200}), ({'REMOTE_ADDR': ''}, {200}), ({'REMOTE_ADDR': '::1%lo'}, {200}), ({'HTTPS': 'off'}, {403}), ({'HTTPS': ''}, {403}),
])
def test_b7_values_at_their_limits(own, mac, change, statuses):
    pairs = [(n, change.pop(n, v)) for n, v in fcgi.proxy_parameters(f'/{mac}.cfg', auth=own.database.credentials(mac))]
    answer = fcgi.fetch(own.socket, pairs)
    assert answer.status in statuses, answer.stdout[:200]


def test_head_has_no_body_and_one_flush(own, mac):
    """Rule 4: the whole answer in as few records as it fits, headers in the first."""
    answer = ask(own, mac, method='HEAD')
    assert answer.status == 200 and answer.body == b'' and int(answer.header('content-length')) > 0
    assert len(answer.stdout) < 4096


class Neighbour(threading.Thread):
    """A phone that goes on fetching; every answer must be its own whole file."""

    def __init__(self, pool, mac):
        super().__init__(daemon=True)
        self.pool, self.mac, self.stopping = pool, mac, False
        self.pairs = fcgi.proxy_parameters(f'/{mac}.cfg', auth=pool.database.credentials(mac))
        self.reference = fcgi.fetch(pool.socket, self.pairs).body
        self.good, self.wrong, self.lost = 0, [], 0

    def run(self):
        while not self.stopping:
            try:
                answer = fcgi.fetch(self.pool.socket, self.pairs, timeout=15)
            except OSError:
                self.lost += 1
                continue
            if answer.status == 200 and answer.body == self.reference:
                self.good += 1
            elif answer.status in (None, 503):
                self.lost += 1
            else:
                self.wrong.append(answer.stdout[:300])

    def stop(self):
        self.stopping = True
        self.join(30)


def mutate(randomness, data):
    data = bytearray(data)
    for _ in range(randomness.choice((1, 1, 2, 5))):
        kind = randomness.randrange(5)
        at = randomness.randrange(len(data)) if data else 0
        if kind == 0 and data:
            data[at] = randomness.randrange(256)
        elif kind == 1 and data:
            del data[at:at + randomness.randrange(1, 40)]
        elif kind == 2:
            data[at:at] = randomness.randbytes(randomness.randrange(1, 40))
        elif kind == 3 and data:
            data = data[:at]
        elif data:
            data[at:at + 4] = randomness.choice((b'\xff\xff\xff\xff', b'\x7f\xff\xff\xff', b'\x80\0\0\0', b'\0\0\0\0'))
    return bytes(data)


def test_b6_mutated_records_under_load(own, mac, fleet):
    """Whatever arrives: neighbours get their own file or nothing, and the pool is whole again at once."""
    neighbour = Neighbour(own, fleet.phone())
    neighbour.start()
    randomness = random.Random(int(os.environ.get('DIALTONE_SEED', '20250101')))
    master = own.process.pid
    whole = fcgi.request(fcgi.proxy_parameters(f'/{mac}.cfg', auth=own.database.credentials(mac)))
    reference = ask(own, mac).body
    for _ in range(many(150, 100000)):
        try:
            with fcgi.open_socket(own.socket, 10) as s:
                s.sendall(mutate(randomness, whole))
                s.shutdown(socket.SHUT_WR)
                answer = fcgi.read_answer(s)
        except OSError:
            continue
        if answer.status == 200:
            assert answer.body == reference or not answer.ended or b'pw' not in answer.body
    ended = time.monotonic()
    wait_until(lambda: ask(own, mac).status == 200, 5, 'service after rubbish')
    wait_until(lambda: len(own.worker_pids()) >= own.workers, 65, 'all workers')
    neighbour.stop()
    assert not neighbour.wrong, neighbour.wrong[0]
    assert neighbour.good > 0
    assert process_alive(master) and own.process.poll() is None
    assert time.monotonic() - ended < 70


def test_e3_silent_and_torn_peers_hold_no_worker_for_long(own, mac):
    """Half a record on every worker: the master frees them within the deadline."""
    deadline = 8 + 2
    peers = []
    whole = fcgi.request(fcgi.proxy_parameters(f'/{mac}.cfg'))
    for cut in (0, 3, 12, len(whole) // 2, 4, 20, 30, 40):
        s = fcgi.open_socket(own.socket)
        s.sendall(whole[:cut])
        peers.append(s)
    started = time.monotonic()
    answer = fcgi.fetch(own.socket, fcgi.proxy_parameters(f'/{mac}.cfg', auth=own.database.credentials(mac)), timeout=2 * deadline + 10)
    assert answer.status == 200
    assert time.monotonic() - started < 2 * deadline + 5
    for s in peers:
        s.close()


def test_e2_segv_and_abort_of_workers(database, mac):
    with Pool(database, proxies=False, environment=unhandled_signals()) as pool:
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL):
            victim = pool.worker_pids()[0]
            os.kill(victim, number)
            wait_until(lambda: victim not in pool.worker_pids(), 10, 'the victim to be reaped')  # pylint: disable=cell-var-from-loop
            assert ask(pool, mac).status == 200
