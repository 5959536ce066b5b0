"""Whatever is killed in the middle of many fetches: nobody ever gets a wrong or partial file, service returns by itself, and the journal has
every fetch that a phone saw answered, or has counted the loss."""
import itertools
import os
import random
import signal
import time

import pytest

import phone
from load import Load
from stack import KILLABLE, Database, Pool, many, remove, unhandled_signals
from waiting import wait_until

MACS = [f'805ec0ee{n:04x}' for n in range(8)]


@pytest.fixture(scope='module')
def database():
    """A server of its own, which is killed too: it writes each transaction to the system before it says so."""
    db = Database(options=KILLABLE)
    db.start()
    failed = True
    try:
        db.add_tenant('kills')
        for mac in MACS:
            db.add_device(mac, 'kills', db.models()['yealink'])
        yield db
        failed = False
    finally:
        db.stop()
        if not failed:
            remove(db.directory)


class Killer:
    """Kills one thing, and starts again what nobody else would."""

    def __init__(self, pool, randomness):
        self.pool, self.random = pool, randomness
        self.losses = 0

    def _one_of(self, word):
        pids = [pid for pid, title in self.pool.children().items() if word in title]
        try:
            os.kill(self.random.choice(pids), signal.SIGKILL)
        except (IndexError, ProcessLookupError):
            pass  # it was leaving by itself

    def worker(self):
        self._one_of('worker')

    def journal(self):
        self._one_of('journal')

    def database(self):
        self.pool.database.kill()
        self.pool.database.start_server()

    def haproxy(self):
        os.killpg(self.pool.proxies.haproxy.pid, signal.SIGKILL)
        self.pool.proxies.haproxy.wait()
        self.pool.proxies.start_haproxy()

    def nginx(self):
        os.killpg(self.pool.proxies.nginx.pid, signal.SIGKILL)
        self.pool.proxies.nginx.wait()
        self.pool.proxies.start_nginx()


def test_kills_in_the_middle_of_ten_thousand_fetches(database):
    wanted = many(400, 10000)
    randomness = random.Random(11)
    serial = itertools.count()
    stamp = f'kill-{time.time_ns()}'
    seen = []  # agents of fetches that were answered by a whole file
    with Pool(database, environment=unhandled_signals()) as pool:
        auth = {mac: database.credentials(mac) for mac in MACS}
        reference = {mac: pool.fetch('haproxy', f'/{mac}.cfg', auth=auth[mac]) for mac in MACS}
        assert all(a.status == 200 for a in reference.values())

        def request(index, count):
            mac, agent = MACS[(index + count) % len(MACS)], f'{stamp}-{next(serial)}'
            try:
                answer = pool.fetch(('haproxy', 'nginx')[count % 2], f'/{mac}.cfg', auth=auth[mac], agent=agent, timeout=40)
            except (phone.Torn, OSError):
                return mac, agent, None  # the proxy was killed under it: a connection that broke is no answer
            return mac, agent, answer

        def judge(result):
            mac, agent, answer = result
            if answer is None:
                return 'broken'
            if answer.status == 200:
                assert answer.body == reference[mac].body and answer.etag == reference[mac].etag, 'torn or foreign file'
                seen.append(agent)
                return 'ok'
            assert answer.status == 503, (answer.status, answer.body[:200])
            return '503'

        killer = Killer(pool, randomness)
        kinds = [killer.worker, killer.worker, killer.journal, killer.database, killer.haproxy, killer.nginx]
        with Load(6, request, judge) as load:
            wait_until(lambda: load.count('ok') > 20 or load.failures, 30, 'a warm pool')
            for kill in itertools.cycle(kinds):
                kill()
                have = load.count('ok')
                wait_until(lambda: load.count('ok') > have + wanted / 60 or load.failures, 90, f'service after {kill.__name__}')  # pylint: disable=cell-var-from-loop
                if load.failures or (load.count('ok') >= wanted and kill is kinds[-1]):
                    break
        assert load.count('ok') >= wanted, load.kinds()
        wait_until(lambda: len(pool.worker_pids()) == pool.workers, 65, 'a full pool')
        for proxy in ('haproxy', 'nginx'):
            assert pool.fetch_device(proxy, MACS[0]).body == reference[MACS[0]].body

        def missing():
            with database.connect('root') as connection, connection.cursor() as cursor:
                cursor.execute('SELECT user_agent FROM fetch_journal WHERE user_agent LIKE %s', (stamp + '%',))
                return len(set(seen) - {agent for agent, in cursor.fetchall()})

        def lost():
            return sum(v for k, v in pool.metrics().items() if k.startswith('dialtone_journal_lost_total'))
        wait_until(lambda: missing() <= lost(), 30, 'the journal to have what phones saw, or to have counted the loss')
