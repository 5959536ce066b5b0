"""E1: whatever the database does, a phone gets its whole present file or 503 with Retry-After; and the pool comes back by itself."""
import os
import re
import signal
import subprocess
import time
import warnings

import pymysql
import pytest

import phone
from dbproxy import DatabaseProxy
from load import Load
from stack import KILLABLE, Database, Pool, many, remove
from waiting import wait_until

DEADLINE = 8 + 3   # [pool] request_timeout, and the way through the proxy


class Own:
    """A database that may be ill-treated, behind a proxy that may be closed, with a pool and both proxies."""

    def __init__(self):
        self.database = Database(options=KILLABLE)
        self.database.start()
        self.hatch = DatabaseProxy(self.database.directory / 'hatch.sock', self.database.socket)
        self.database.add_tenant('t')
        self.vendor_models = self.database.models()
        vendor = 'yealink' if 'yealink' in self.vendor_models else sorted(self.vendor_models)[0]
        self.oui = self.database.ouis(vendor)[0]
        self.model = self.vendor_models[vendor]
        self.macs = [f'{self.oui}{n:06x}' for n in range(1, 9)]
        for mac in self.macs:
            self.database.add_device(mac, 't', self.model)
        self.pool = Pool(self.database, hosts=f'unix:{self.hatch.listen}', conf={'database': {'journal_user': 'dialtone_journal'}}).start()
        self.auth = {mac: self.database.credentials(mac) for mac in self.macs}
        self.reference = {mac: self.fetch('haproxy', mac).body for mac in self.macs}

    def fetch(self, proxy, mac, **more):
        return phone.fetch(self.pool.proxies.tls_port(proxy), f'/{mac}.cfg', auth=self.auth[mac], timeout=40, **more)

    def load(self, threads=6):
        """Phones that fetch through both proxies; only whole files and 503 with Retry-After are right."""
        def request(index, count):
            mac = self.macs[(index + count) % len(self.macs)]
            return mac, self.fetch(('haproxy', 'nginx')[(index + count) % 2], mac)

        def judge(result):
            mac, answer = result
            if answer.status == 200:
                assert answer.body == self.reference[mac], f'another file for {mac}: {answer.body[:300]!r}'
                return 'ok'
            assert answer.status == 503, (answer.status, answer.body[:200])
            assert 1 <= int(answer.header('retry-after')) <= 60
            return '503'
        return Load(threads, request, judge)

    def serves(self, since=None):
        answers = [self.fetch(p, self.macs[0]) for p in ('haproxy', 'nginx')]
        return all(a.status == 200 and a.body == self.reference[self.macs[0]] for a in answers)

    def must_serve(self):
        for proxy in ('haproxy', 'nginx'):
            answer = self.fetch(proxy, self.macs[0])
            assert answer.status == 200, f'{answer} through {proxy}; the end of the log:\n{self.pool.log()[-1500:]}'
            assert answer.body == self.reference[self.macs[0]]

    def recovered(self, seconds=2):
        """Every worker serves: as many good answers in a row as would not come by chance."""
        def whole():
            return all(self.serves() for _ in range(6))
        wait_until(whole, seconds + 10, 'service')

    def close(self):
        self.pool.stop()
        self.hatch.close()
        self.database.stop()
        self.pool.check_sanitizers()


@pytest.fixture(scope='module')
def own():
    o = Own()
    try:
        yield o
    finally:
        o.close()
    remove(o.pool.directory)
    remove(o.database.directory)


@pytest.fixture(autouse=True)
def whole_again(request):
    yield
    if 'own' in request.fixturenames:
        request.getfixturevalue('own').recovered()


def no_errors(load):
    wrong = {k: n for k, n in load.kinds().items() if k not in ('ok', '503')}
    assert not wrong, wrong


def test_killed_and_restarted_under_load(own):
    for _ in range(many(1, 5)):
        with own.load() as load:
            wait_until(lambda: load.count('ok') > 20 or load.failures, 20, 'a warm pool')
            own.database.kill()
            at = time.monotonic()
            wait_until(lambda: load.kinds(at).get('503', 0) > 5, DEADLINE + 5, '503 while it is away')
            refused = time.monotonic()
            assert refused - at < DEADLINE
            own.database.start_server()
            back = time.monotonic()
            wait_until(lambda: load.kinds(back).get('ok', 0) > 20, 20, 'answers again')
            first = min(when for when, _, kind in list(load.results) if kind == 'ok' and when > back)
            assert first - back < 2, 'recovery took longer than 2 s'
        no_errors(load)
        assert load.slowest() < DEADLINE + 4


def test_stopped_process_is_503_within_the_deadline(own):
    """SIGSTOP: connections stand and nothing answers."""
    with own.load(4) as load:
        wait_until(lambda: load.count('ok') > 10 or load.failures, 20, 'a warm pool')
        os.kill(own.database.pid, signal.SIGSTOP)
        at = time.monotonic()
        try:
            wait_until(lambda: load.kinds(at).get('503', 0) >= 4, 2 * DEADLINE, '503 while it hangs')
        finally:
            os.kill(own.database.pid, signal.SIGCONT)
        back = time.monotonic()
        wait_until(lambda: load.kinds(back).get('ok', 0) > 10, 20, 'answers again')
    no_errors(load)
    assert load.slowest() < 15 + 5


def test_black_hole(own):
    """Packets vanish on the way, in both directions."""
    with own.load(4) as load:
        wait_until(lambda: load.count('ok') > 10 or load.failures, 20, 'a warm pool')
        own.hatch.hole()
        at = time.monotonic()
        try:
            wait_until(lambda: load.kinds(at).get('503', 0) >= 4, 2 * DEADLINE, '503 while nothing comes back')
        finally:
            own.hatch.restore()
        back = time.monotonic()
        wait_until(lambda: load.kinds(back).get('ok', 0) > 10, 20, 'answers again')
    no_errors(load)


def test_connections_killed_all_the_time(own):
    """KILL CONNECTION of every worker, again and again, under load: whole files or 503, and after each time files again."""
    with own.load() as load:
        with own.database.connect('root', database='') as connection, connection.cursor() as cursor:
            for _ in range(many(30, 500)):
                kill_connections(cursor)
                have = load.count('ok')
                wait_until(lambda: load.count('ok') > have + 3 or load.failures, 10, 'more fetches')
    no_errors(load)


def test_killed_connections_are_noticed_by_nobody(own):
    """A read over a connection that is gone is repeated once over a new one. One phone at a time, so that none is killed while it is being made."""
    with own.database.connect('root', database='') as connection, connection.cursor() as cursor:
        for _ in range(many(10, 200)):
            assert kill_connections(cursor) > 0
            for _ in own.pool.worker_pids():
                own.must_serve()


def kill_connections(cursor):
    """Of all workers; how many there were."""
    cursor.execute("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'dialtone_worker'")
    killed = 0
    for thread, in cursor.fetchall():
        try:
            cursor.execute('KILL CONNECTION %s', (thread,))
            killed += 1
        except pymysql.err.OperationalError:
            pass
    return killed


def test_connections_reset_on_the_way(own):
    with own.load() as load:
        for _ in range(many(20, 300)):
            own.hatch.cut()
            have = load.count()
            wait_until(lambda: load.count() > have + 3 or load.failures, 10, 'more fetches')
    no_errors(load)
    assert load.count('ok') > 0


def test_read_lock_stops_no_fetch(own):
    """A backup's FLUSH TABLES WITH READ LOCK: nothing in the path of a fetch writes."""
    with own.database.connect('root') as connection, connection.cursor() as cursor:
        cursor.execute('FLUSH TABLES WITH READ LOCK')
        try:
            for _ in range(20):
                own.must_serve()
        finally:
            cursor.execute('UNLOCK TABLES')


def test_open_transaction_of_a_dba_stops_no_fetch(own):
    with own.database.connect('dba', autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE tenant SET name = 'x'")
        cursor.execute('UPDATE device SET enabled = enabled, comment = NOW(6)')
        for _ in range(10):
            own.must_serve()
        connection.rollback()


def test_too_many_connections(own):
    """Workers that cannot connect answer 503; those that are connected go on; afterwards all serve."""
    with own.database.connect('root') as connection, connection.cursor() as cursor:
        cursor.execute('SELECT @@max_connections')
        limit, = cursor.fetchone()
        cursor.execute('SET GLOBAL max_connections = 10')
        held = []

        def workers_left():
            cursor.execute("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'dialtone_worker'")
            return cursor.fetchone()[0]
        try:
            own.hatch.cut()
            wait_until(lambda: workers_left() == 0, 10, 'the workers to be cut off')
            while True:
                try:
                    held.append(own.database.connect('reader'))
                except pymysql.err.OperationalError:
                    break
            assert held
            with own.load(4) as load:
                wait_until(lambda: load.count('503') > 3 or load.failures, 20, '503 for want of connections')
            no_errors(load)
        finally:
            for c in held:
                c.close()
            cursor.execute(f'SET GLOBAL max_connections = {int(limit)}')


def test_wrong_password_is_no_fork_storm(own):
    with own.database.connect('root') as connection, connection.cursor() as cursor:
        cursor.execute("ALTER USER 'dialtone_worker'@'%' IDENTIFIED BY 'another'")
        try:
            own.hatch.cut()
            before = own.pool.worker_pids()
            answers = [own.fetch(p, own.macs[0]) for p in ('haproxy', 'nginx') for _ in range(6)]
            assert {a.status for a in answers} == {503}
            assert own.pool.worker_pids() == before
            assert own.pool.log().count('Access denied') < 40
        finally:
            cursor.execute(f"ALTER USER 'dialtone_worker'@'%' IDENTIFIED BY '{own.database.password('worker')}'")


def test_service_starts_without_its_database_and_says_so(own):
    late = Pool(own.database, proxies=False, hosts=f'unix:{own.database.directory}/nowhere.sock')
    try:
        late.start(ready=False)
        import fcgi_client as fcgi
        mac = own.macs[0]
        answer = fcgi.fetch(late.socket, fcgi.proxy_parameters(f'/{mac}.cfg', auth=own.auth[mac]))
        assert answer.status == 503 and 5 <= int(answer.header('retry-after')) <= 60
        assert fcgi.fetch(late.socket, fcgi.proxy_parameters(f'/{mac}.cfg')).status == 401
        assert late.ask_health('/readyz')[0] == 503
        assert late.ask_health('/healthz')[0] == 200
    finally:
        late.stop()
        late.check_sanitizers()
        remove(late.directory)


def test_next_host_is_tried(own):
    with Pool(own.database, proxies=False, hosts=f'unix:{own.database.directory}/nowhere.sock unix:{own.database.socket}') as two:
        import fcgi_client as fcgi
        mac = own.macs[0]
        for _ in range(20):
            answer = fcgi.fetch(two.socket, fcgi.proxy_parameters(f'/{mac}.cfg', auth=own.auth[mac]))
            assert answer.status == 200 and answer.body == own.reference[mac]


def test_retry_after_is_jittered(own):
    own.hatch.hole()
    own.hatch.cut()
    own.database.kill()
    own.hatch.restore()
    try:
        values = {int(own.fetch('haproxy', mac).header('retry-after')) for mac in own.macs for _ in range(3)}
        assert len(values) > 5, values
    finally:
        own.database.start_server()


def test_e12_schema_that_does_not_fit(own):
    """Refused with both versions named; nothing is served from it."""
    with own.database.connect('root') as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO schema_migration (version, name, digest, started_at, finished_at) VALUES (9000, 'future', REPEAT('0', 64), NOW(), NOW())")
        try:
            own.hatch.cut()
            answers = [own.fetch('haproxy', mac) for mac in own.macs]
            assert {a.status for a in answers} == {503}
            wait_until(lambda: '9000' in own.pool.log(), 5, 'the version in the log')
        finally:
            cursor.execute('DELETE FROM schema_migration WHERE version = 9000')


def dump_of(database):
    """As the guide for DBAs says, to be made again where it fails; what it said then stands among pytest's warnings."""
    for _ in range(3):
        made = subprocess.run(['mariadb-dump', '--no-defaults', f'--socket={database.socket}', '--user=root', '--single-transaction', '--routines', '--triggers', 'dialtone'],
                              stdin=subprocess.DEVNULL, check=False, capture_output=True)
        if made.returncode == 0:
            return made.stdout
        warnings.warn(f'mariadb-dump, exit status {made.returncode}: {made.stderr.decode()}')
    log = (database.directory / 'mariadb' / 'mariadb.log').read_text(errors='replace')
    raise AssertionError(f'{made.stderr.decode()}\nthe end of the server\'s log:\n{log[-3000:]}')


def test_e11_restore_of_a_dump_under_load_never_mixes(own):
    """Every value of a file names the generation of data that it is from. During a restore a phone gets one generation, whole, or 503."""
    def mark(generation):
        with own.database.connect('root', autocommit=False) as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE tenant_setting SET value = %s WHERE tenant_id = 't' AND name = 'sip.server'", (f'gen{generation}.example.net',))
            cursor.execute("UPDATE account SET display_name = %s", (f'name-gen{generation}',))
            cursor.execute("UPDATE line SET label = %s", (f'label-gen{generation}',))
            cursor.execute("UPDATE account_secret SET plain = %s WHERE name = 'sip.password'", (f'secretgen{generation}x',))
            connection.commit()

    def generations(body):
        return set(re.findall(rb'gen(\d+)', body))
    mark(1)
    dump = dump_of(own.database)
    mark(2)
    assert generations(own.fetch('haproxy', own.macs[0]).body) == {b'2'}
    reference = own.reference
    seen = {}

    def request(index, count):
        return own.fetch(('haproxy', 'nginx')[count % 2], own.macs[(index + count) % len(own.macs)])

    def judge(answer):
        if answer.status == 200:
            found = generations(answer.body)
            assert len(found) == 1, f'generations {found} in one file'
            assert all(word in answer.body for word in (b'secretgen', b'.example.net')), 'a file that lacks something'
            seen[found.pop()] = True
            return 'ok'
        assert answer.status in (503, 401, 404), answer.status
        return str(answer.status)
    with Load(6, request, judge) as load:
        wait_until(lambda: load.count('ok') > 20 or load.failures, 20, 'a warm pool')
        for _ in range(many(2, 10)):
            restored = subprocess.run(['mariadb', '--no-defaults', f'--socket={own.database.socket}', '--user=root', 'dialtone'], input=dump, check=False, capture_output=True)
            assert restored.returncode == 0, restored.stderr
            back = time.monotonic()
            wait_until(lambda: load.kinds(back).get('ok', 0) > 20 or load.failures, 20, 'answers after the restore')
            mark(2)
            now = time.monotonic()
            wait_until(lambda: load.kinds(now).get('ok', 0) > 20 or load.failures, 20, 'answers after the change')
    wrong = {k for k in load.kinds() if k not in ('ok', '503')}
    assert not wrong, f'a phone was told that it does not exist: {load.kinds()}'
    assert set(seen) == {b'1', b'2'}
    own.reference = {mac: own.fetch('haproxy', mac).body for mac in own.macs}
    assert set(own.reference) == set(reference)
