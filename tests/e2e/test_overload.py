"""More requests than the pool can serve (D3): the rate served stays, the rest is told to come later at once, nothing wrong leaves, and afterwards it is as before.

The database answers late, by a delay that makes the pool's capacity small and known on any machine; the load is an open loop, which waits for no answer."""
import hashlib
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dbproxy import DatabaseProxy
from stack import BUILD, FULL, Pool, many, temporary, remove
from waiting import wait_until

DELAY = 0.25
SECONDS = many(5, 60)
PHONES = 400


@pytest.fixture(scope='module')
def storm():
    subprocess.run(['make', '-C', BUILD, 'tests/bench/storm'], check=True, capture_output=True)
    return BUILD / 'tests/bench/storm'


@pytest.fixture(scope='module')
def slow(database):
    """A pool on a slow database."""
    directory = temporary('slow')
    between = DatabaseProxy(directory / 'db.sock', database.socket)
    try:
        with Pool(database, hosts=f'unix:{directory}/db.sock') as pool:
            pool.between = between
            yield pool
    finally:
        between.close()
        remove(directory)


@pytest.fixture(scope='module')
def listed(slow, fleet, database):
    """The list of phones for the load client, with the SHA-256 of each one's file; all are warm."""
    tenant = fleet.tenant()
    macs = [fleet.phone(tenant) for _ in range(PHONES)]
    path = slow.directory / 'phones.tsv'
    slow.between.delay = 0
    with open(path, 'w', encoding='ascii') as out:
        for mac in macs:
            user, password = database.credentials(mac)
            body = slow.fetch('haproxy', f'/{mac}.cfg', auth=(user, password)).body
            out.write(f'/{mac}.cfg\t{user}\t{password}\tYealink SIP-T54W 96.86.0.70 {mac}\t\t{hashlib.sha256(body).hexdigest()}\n')
    # packs make every fetch one round trip
    wait_until(lambda: database.sql('SELECT COUNT(*) FROM device_pack AS p JOIN device AS d USING (mac) WHERE d.tenant_id = %s', (tenant,), account='root')[0][0] >= PHONES, 30, 'packs')
    path.chmod(0o600)
    return path


def run(storm, pool, proxy, phones, *options):
    series = pool.directory / 'series'
    told = subprocess.run([storm, *map(str, options), '--retries', '0', '--timeout', '40', '--series', series, f'127.0.0.1:{pool.proxies.tls_port(proxy)}', phones],
                          capture_output=True, text=True, check=False)
    assert told.returncode in (0, 1) and told.stdout, told.stderr
    answers = [tuple(map(int, line.split()[:4:1])) for line in series.read_text().splitlines()]
    return json.loads(told.stdout), [(opened / 1e9, ended / 1e9, status) for opened, ended, _, status in answers]


def capacity(storm, pool, proxy, phones):
    """200s a second in a closed loop of as many as there are workers."""
    report, answers = run(storm, pool, proxy, phones, '-c', pool.workers, '-s', 3)
    assert set(report['statuses']) == {'200'}, report
    begin = min(opened for opened, _, _ in answers)
    return sum(begin + 0.5 < ended < begin + 3 for _, ended, _ in answers) / 2.5


@pytest.mark.parametrize('factor', [1, 2, 5, 10])
def test_d3_open_loop_load_through_haproxy(storm, slow, listed, factor):
    slow.between.delay = DELAY
    try:
        most = capacity(storm, slow, 'haproxy', listed)
        assert most <= slow.workers / DELAY * 1.05
        report, answers = run(storm, slow, 'haproxy', listed, '-r', round(factor * most), '-c', 4000, '-s', SECONDS)
        ended = time.monotonic()
        assert not report['broken'] and not report['wrong_bodies'], report
        assert set(report['statuses']) <= {'200', '503'}, report
        begin = min(opened for opened, _, _ in answers)
        served = sum(status == 200 and begin + 1 <= at <= begin + SECONDS for _, at, status in answers) / (SECONDS - 1)
        refused = [at - opened for opened, at, status in answers if status == 503]
        print(f'\n{factor} x {most:.0f}/s offered: {served:.0f}/s served, {len(refused)} of {len(answers)} refused, the slowest after {max(refused, default=0):.2f} s')
        # the promise, on a machine that does nothing else; else that it does not fall as the load rises
        assert served >= many(0.7, 0.9 if factor > 1 else 0.85) * most
        if factor >= 2:
            assert len(refused) >= (1 - 1 / factor) * len(answers) * 0.7
        # a second in the queue; the rest is the handshake on a machine that is busy with this very load, and with others
        assert sum(seconds > many(3, 1.5) for seconds in refused) <= 0.02 * len(refused), sorted(refused)[-20:]
        # back to normal
        mac = listed.read_text().split('\t', 1)[0]
        user, password = listed.read_text().split('\t')[1:3]
        wait_until(lambda: slow.fetch('haproxy', mac, auth=(user, password)).status == 200, 5, 'the service')
        assert time.monotonic() - ended < 6
    finally:
        slow.between.delay = 0


def test_d3_retry_after_has_jitter(storm, slow, listed):
    """Those that are refused together do not come back together."""
    slow.between.delay = DELAY
    load = subprocess.Popen([storm, '-r', '300', '-c', '4000', '-s', '12', '--retries', '0', f'127.0.0.1:{slow.proxies.tls_port("haproxy")}', listed],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        path, user, password = listed.read_text().split('\t')[:3]
        seen = set()

        def one(_):
            answer = slow.fetch('haproxy', path, auth=(user, password))
            return int(answer.header('retry-after')) if answer.status == 503 else None

        def several():
            with ThreadPoolExecutor(12) as threads:
                seen.update(seconds for seconds in threads.map(one, range(24)) if seconds is not None)
            return len(seen) >= 3
        wait_until(several, 30, 'three different waits')
        assert all(5 <= seconds <= 60 for seconds in seen)
    finally:
        load.wait(60)
        slow.between.delay = 0


def test_d3_open_loop_load_through_nginx(storm, slow, listed):
    """nginx has no queue with a bounded wait: what it cannot serve within fastcgi_read_timeout is 503 then. Nothing wrong leaves it, and it comes back."""
    slow.between.delay = DELAY
    try:
        report, answers = run(storm, slow, 'nginx', listed, '-r', 100, '-c', 4000, '-s', many(4, 20))
        assert not report['wrong_bodies'], report
        assert set(report['statuses']) <= {'200', '503', '429'}, report
        assert all(at - opened < 20 for opened, at, _ in answers)
        assert report['statuses']['200'] >= 50
        path, user, password = listed.read_text().split('\t')[:3]
        wait_until(lambda: slow.fetch('nginx', path, auth=(user, password)).status == 200, 20, 'the service')
    finally:
        slow.between.delay = 0


@pytest.mark.skipif(not FULL, reason='needs as many connections as a machine may be too slow for')
def test_d3_nginx_refuses_at_once_beyond_its_bound(storm, slow, listed):
    slow.between.delay = DELAY
    try:
        report, answers = run(storm, slow, 'nginx', listed, '-r', 600, '-c', 6000, '-s', 8)
        assert not report['wrong_bodies'] and set(report['statuses']) <= {'200', '503', '429'}, report
        assert sum(at - opened < 1.5 for opened, at, status in answers if status == 503) > 500
    finally:
        slow.between.delay = 0


