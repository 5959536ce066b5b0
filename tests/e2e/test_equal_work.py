"""A2: a stranger cannot tell a MAC that somebody has from one that nobody has. What the database reads and sends, how often it is asked, and what a worker executes are equal for
both, where nothing is proven and the database has to be asked: without credentials (windows and networks on), with a wrong password, with a wrong Digest of a good nonce."""
import importlib.machinery
import importlib.util
import random
import re
import subprocess
import time
from pathlib import Path

import pytest

import fcgi_client as fcgi
import phone
from dbproxy import DatabaseProxy, round_trips
from digest import respond
from stack import FULL, Database, Pool, many, remove
from test_round_trips import of_the_journal
from waiting import wait_until

CONF = {'identity': {'enrolment': 'true', 'networks': 'true'}, 'pool': {'request_timeout': 60}, 'journal': {'flush_interval': 10000},
        'http': {'nonce_lifetime': 3600}}
CLASSES = ('nothing', 'password', 'digest')
ELSEWHERE = '198.51.100.0/24'


def bench(name):
    """A program of tests/bench as a module."""
    path = Path(__file__).resolve().parents[1] / 'bench' / name
    loader = importlib.machinery.SourceFileLoader('bench_' + name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class World:
    """Devices in each state that a stranger might want to know of, and MACs of nobody."""

    def __init__(self, database):
        self.database = database
        self.model, oui = database.models()['yealink'], database.ouis('yealink')[0]
        database.add_tenant('work')
        database.sql("INSERT INTO tenant_network (tenant_id, network) VALUES ('work', %s), ('work', '2001:db8::/32')", (ELSEWHERE,))
        self.macs = {}
        for number, name in enumerate(('plain', 'sealed', 'window', 'previous', 'disabled')):
            mac = f'{oui}a1b2c{number}'
            database.add_device(mac, 'work', self.model)
            self.macs[name] = mac
        database.sql('UPDATE device SET enabled = 0 WHERE mac = %s', (self.macs['disabled'],))
        database.sql('UPDATE device SET generation = DEFAULT WHERE mac = %s', (self.macs['previous'],))
        database.sql("INSERT INTO device_password (mac, plain) VALUES (%s, 'of the older system')", (self.macs['sealed'],))
        database.sql('INSERT INTO enrolment (mac, networks, valid_until) VALUES (%s, %s, NOW() + INTERVAL 1 DAY)', (self.macs['window'], ELSEWHERE))
        database.courier()
        self.nobody = [f'{oui}a1b2d{number}' for number in range(2)]


@pytest.fixture(scope='module')
def world():
    database = Database(options=['--performance-schema=ON'])
    database.start()
    try:
        yield World(database)
    finally:
        database.stop()
    remove(database.directory)


class Asker:
    """Requests of a class for a MAC, the same bytes but for the MAC: what differs is what the worker makes of it."""

    def __init__(self, path, address='192.0.2.7'):
        self.path, self.address = path, address
        first = fcgi.fetch(path, fcgi.proxy_parameters('/000000000001.cfg', address=address), timeout=60)
        nonce = re.search(rb'Digest [^\r]*algorithm=SHA-256[^\r]*?nonce="([0-9a-f]+)"|nonce="([0-9a-f]+)"', first.stdout)
        self.asked = {'realm': 'dialtone', 'nonce': (nonce.group(1) or nonce.group(2)).decode(), 'algorithm': 'SHA-256'}

    def bytes(self, kind, mac):
        target, extra = f'/{mac}.cfg', []
        if kind == 'password':
            extra = [('HTTP_AUTHORIZATION', phone.basic(mac, 'a guess of a password'))]
        elif kind == 'digest':
            extra = [('HTTP_AUTHORIZATION', respond(self.asked, mac, 'a guess of a password', target, cnonce='0123456789abcdef'))]
        return fcgi.request(fcgi.proxy_parameters(target, address=self.address, extra=extra))

    def __call__(self, kind, mac):
        with fcgi.open_socket(self.path, 60) as s:
            s.sendall(self.bytes(kind, mac))
            answer = fcgi.read_answer(s)
        assert answer.status == 401, (kind, mac, answer.stdout)
        return answer


def without_nonce(answer):
    return re.sub(rb'nonce="[0-9a-f]+"', b'nonce=""', answer.stdout)


# ---------------------------------------------------------------- the database

# Not Rows_read, which counts what a look-up by a key has found: a row that is not there cannot be read. Nor Bytes_sent: its columns are NULL.
COUNTERS = ("SELECT VARIABLE_NAME, SUM(VARIABLE_VALUE) FROM performance_schema.status_by_thread JOIN performance_schema.threads USING (THREAD_ID)"
            " WHERE PROCESSLIST_USER = 'dialtone_worker' AND (VARIABLE_NAME LIKE 'Handler%' OR VARIABLE_NAME IN ('Rows_sent', 'Bytes_received',"
            " 'Select_scan', 'Select_range', 'Sort_rows', 'Com_stmt_execute', 'Questions')) GROUP BY VARIABLE_NAME")


def counters(database):
    return {name: int(value) for name, value in database.sql(COUNTERS, account='root')}


@pytest.mark.parametrize('kind', CLASSES)
def test_the_database_does_the_same(world, kind):
    """Every state of a known MAC against a MAC of nobody: handler calls, rows and statements are the same, one round trip each."""
    listen = world.database.directory / f'{kind}.sock'
    proxy = DatabaseProxy(listen, world.database.socket)
    try:
        with Pool(world.database, workers=1, proxies=False, hosts=f'unix:{listen}', conf=CONF) as pool:
            ask = Asker(pool.socket)
            ask(kind, world.nobody[0])  # prepares the statement
            told = {}
            for name, mac in {'nobody': world.nobody[0], 'nobody too': world.nobody[1], **world.macs}.items():
                proxy.take()
                before = counters(world.database)
                answers = {without_nonce(ask(kind, mac)) for _ in range(10)}
                commands = [command for command in proxy.take() if not of_the_journal(*command)]
                assert [c for c, _ in commands] == ['execute'] * 10 and round_trips(commands) == 10, name
                after = counters(world.database)
                told[name] = ({key: after[key] - before[key] for key in after}, answers)
            work, answer = told['nobody']
            assert work['Handler_read_key'] >= 10
            for name, (other, answers) in told.items():
                equal = {key: (work[key], other[key]) for key in work if work[key] != other[key]}
                assert not equal, (name, equal)
                assert answers == answer, name
    finally:
        proxy.close()


def test_a_flood_of_guesses_at_tokens_costs_no_round_trip(world):
    listen = world.database.directory / 'guesses.sock'
    proxy = DatabaseProxy(listen, world.database.socket)
    try:
        with Pool(world.database, workers=2, proxies=False, hosts=f'unix:{listen}', conf=CONF) as pool:
            proxy.take()
            for number in range(many(300, 5000)):
                user = ('root', world.macs['sealed'], world.nobody[0], 'prov 7')[number % 4]
                pairs = fcgi.proxy_parameters(f"/{world.macs['sealed']}.cfg", auth=(user, f'{number:010x}' + 'aZ' * 11))
                assert fcgi.fetch(pool.socket, pairs).status == 401
            # what a connection asks as it is made is no guess's: a worker or the health process may make its own meanwhile
            assert [command for command in proxy.take() if command[0] in ('execute', 'query', 'prepare') and not of_the_journal(*command) and
                    b'schema_migration' not in command[1]] == []
    finally:
        proxy.close()


# ---------------------------------------------------------------- the worker

class Callgrind:
    """A pool of one worker under callgrind, and what that executed since the last look."""

    def __init__(self, database):
        self.pool = bench('instructions').CountedPool(database, workers=1, proxies=False, conf=CONF)
        self.pid = None
        self.dumps = 0

    def __enter__(self):
        self.pool.launch()
        try:
            wait_until(lambda: (self.pool.ask_health('/readyz') or (0,))[0] == 200, 180, 'a pool under callgrind to be ready')
        except BaseException:
            self.pool.stop()
            raise
        return self

    def __exit__(self, *_):
        self.pool.stop()
        remove(self.pool.directory)

    def dump(self, pid):
        """Counts since the last dump, and the file."""
        before = set(self.pool.directory.glob(f'counted.{pid}.*'))
        subprocess.run(['callgrind_control', '--dump', str(pid)], check=True, capture_output=True, timeout=120)
        fresh = wait_until(lambda: [path for path in set(self.pool.directory.glob(f'counted.{pid}.*')) - before if 'totals:' in path.read_text(errors='replace')], 60,
                           f'a dump of {pid}')
        text = fresh[0].read_text(errors='replace')
        return int(re.search(r'^(?:summary|totals): (\d+)', text, re.M).group(1)), text

    def find_worker(self):
        """Whoever has answered a fetch."""
        for pid in self.pool.children():
            if 'fetch_answer' in self.dump(pid)[1]:
                self.pid = pid
                return
        raise AssertionError('no process has answered anything')

    def count(self):
        return self.dump(self.pid)[0]


def becomes(database, mac):
    """The same MAC in one state after another: the digits of a MAC cost what they cost. Ends as it began."""
    yield 'nobody'
    database.add_device(mac, 'work', database.models()['yealink'])
    yield 'plain'
    database.sql('UPDATE device SET generation = DEFAULT WHERE mac = %s', (mac,))
    yield 'previous'
    database.sql("INSERT INTO device_password (mac, plain) VALUES (%s, 'of the older system')", (mac,))
    database.courier()
    yield 'sealed'
    database.sql('INSERT INTO enrolment (mac, networks, valid_until) VALUES (%s, %s, NOW() + INTERVAL 1 DAY)', (mac, ELSEWHERE))
    yield 'window'
    database.sql('CALL delete_device(%s)', (mac,))
    yield 'nobody again'


def test_a_worker_executes_the_same(world):
    """Instructions of the whole worker, libraries included, for one MAC as nobody's and as somebody's. What two runs of the same state differ by is the noise; nobody's and
    somebody's differ by no more, or by less than 3 in a thousand: buffers that grew once, passwords of different lengths. What a row that is there used to cost was 30 in a thousand."""
    requests, mac, told = many(20, 100), world.nobody[1], {}
    with Callgrind(world.database) as counted:
        ask = Asker(counted.pool.socket)
        for _ in range(5):
            for kind in CLASSES:
                ask(kind, mac)
        counted.find_worker()
        for state in becomes(world.database, mac):
            for run in range(3):
                for kind in CLASSES:
                    counted.count()
                    for _ in range(requests):
                        ask(kind, mac)
                    told.setdefault((kind, state), []).append(counted.count() / requests)
    wrong, lines = [], []
    for kind in CLASSES:
        states = {state: counts for (of, state), counts in told.items() if of == kind}
        middle = {state: sorted(counts)[1] for state, counts in states.items()}
        noise = max(max(counts) - min(counts) for counts in states.values())
        noise = max(noise, abs(middle['nobody'] - middle['nobody again']))  # the same state, with a history
        lines.append(f'{kind}: noise {noise:.1f}, ' + ', '.join(f'{state} {count:.1f}' for state, count in middle.items()))
        wrong += [f'{kind}: {state} {count:.1f}, nobody {middle["nobody"]:.1f}, noise {noise:.1f}' for state, count in middle.items()
                  if abs(count - middle['nobody']) > max(noise, 0.003 * middle['nobody'])]
        assert noise < 0.004 * middle['nobody'], lines  # or the gate would let anything through
    print('\n'.join(lines))
    assert not wrong, '\n'.join(wrong + lines)


# ---------------------------------------------------------------- time

def ranks_differ(one, other):
    """The Mann-Whitney test's z: above 3.3 a chance of one in a thousand that both are of one distribution. Ties count halves."""
    both = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    rank_sum, ties, at = 0.0, 0.0, 0
    while at < len(both):
        end = at
        while end < len(both) and both[end][0] == both[at][0]:
            end += 1
        middle = (at + end + 1) / 2
        rank_sum += middle * sum(1 for _, which in both[at:end] if which == 0)
        ties += (end - at) ** 3 - (end - at)
        at = end
    n, m = len(one), len(other)
    total = n + m
    variance = n * m / 12 * ((total + 1) - ties / (total * (total - 1)))
    return (rank_sum - n * (total + 1) / 2) / variance ** 0.5


def test_the_rank_test_itself():
    values = list(range(1000))
    assert abs(ranks_differ(values, values)) < 0.01
    assert ranks_differ(values, [value + 100 for value in values]) < -3.3
    # R: wilcox.test(c(1,2,4,7), c(3,5,6,8,9), exact=FALSE, correct=FALSE): W = 4, z = -1.4697
    assert abs(ranks_differ([1, 2, 4, 7], [3, 5, 6, 8, 9]) + 1.4697) < 0.001


def spin(until):
    while time.perf_counter_ns() < until:
        pass


@pytest.mark.skipif(not FULL, reason='20,000 requests of each class: DIALTONE_FULL=1')
@pytest.mark.parametrize('kind', CLASSES)
def test_times_cannot_be_told_apart(world, kind):
    """Known, unknown, another unknown, and unknown with 50 µs planted in the measuring client; the test must find the planted ones, and nothing else. They take turns in random order: a request
    is served a little later after one whose client was busy in between, so that none may stand behind the planted one more often than another."""
    with Pool(world.database, workers=1, proxies=False, conf=CONF) as pool:
        ask, chance = Asker(pool.socket), random.Random(kind)
        names = {'known': world.macs['sealed'], 'unknown': world.nobody[0], 'another': world.nobody[1], 'planted': world.nobody[0]}
        requests = {name: ask.bytes(kind, mac) for name, mac in names.items()}
        times = {name: [] for name in names}
        order = list(names)
        for _ in range(200 + 20000):
            chance.shuffle(order)
            for name in order:
                with fcgi.open_socket(pool.socket, 60) as s:
                    begun = time.perf_counter_ns()
                    s.sendall(requests[name])
                    answer = fcgi.read_answer(s)
                    if name == 'planted':
                        spin(time.perf_counter_ns() + 50000)
                    times[name].append(time.perf_counter_ns() - begun)
                assert answer.status == 401
        found = {name: ranks_differ(times[name][200:], times['unknown'][200:]) for name in names if name != 'unknown'}
        print(kind, {name: round(z, 2) for name, z in found.items()}, {name: sorted(t)[len(t) // 2] for name, t in times.items()})
        assert found['planted'] > 3.3
        assert abs(found['another']) < 3.3  # nobody and nobody: else it is the measuring
        assert abs(found['known']) < 3.3
