"""A tenant's tokens and SIP passwords are rotated while its phones fetch through nginx, a tenth of them being off, and the courier is killed again and again: nobody is locked out at any time, the list
of stragglers is exact, and it ends as if nobody had been killed (issue 3). What a phone knows is what its last file told it."""
import hashlib
import random
import threading
import time

import pytest

from phone import Torn, fetch
from stack import Courier, Database, Pool, many, remove
from waiting import wait_until

PHONES = many(60, 2000)
THREADS = 8
REALM = 'rotated.example'


@pytest.fixture(scope='module')
def database():
    db = Database()
    try:
        db.start()
        yield db
    finally:
        db.stop()
    remove(db.directory)


@pytest.fixture(scope='module')
def pool(database):
    with Pool(database) as p:
        yield p


class Phone:
    """A Yealink: fetches by Basic with what its last file gave it, and keeps what this one gives."""

    def __init__(self, mac, number, credentials):
        self.mac, self.credentials = mac, credentials
        self.source = f'127.{7 + number // 62500}.{number // 250 % 250}.{1 + number % 250}'
        self.sip = self.user = self.etag = None
        self.answers = {}

    def fetch(self, pool):
        headers = [('If-None-Match', self.etag)] if self.etag else []
        try:
            answer = fetch(pool.proxies.tls_port('nginx'), f'/{self.mac}.cfg', auth=self.credentials, headers=headers, source=self.source,
                           agent=f'Yealink SIP-T54W 96.86.0.45 {self.mac}')
        except (Torn, TimeoutError):
            return 0
        self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
        if answer.status == 200:
            said = dict(line.split(' = ', 1) for line in answer.body.decode().splitlines() if ' = ' in line)
            self.credentials = said['static.auto_provision.server.username'], said['static.auto_provision.server.password']
            self.sip, self.user = said['account.1.password'], said['account.1.auth_name']
            self.etag = answer.etag
        return answer.status

    def ha1(self):
        return hashlib.md5(f'{self.user}:{REALM}:{self.sip}'.encode()).hexdigest()


class Killer:
    """A courier that is killed after a random short time and started again, until it is told to leave it alone."""

    def __init__(self, database, chance):
        self.courier = Courier(database, conf={'courier': {'batch': 10}})
        self.chance, self.kills = chance, 0
        self.calm = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.calm.is_set():
            self.courier.start()
            if self.calm.wait(self.chance.uniform(0, many(0.6, 2))):
                return
            self.courier.kill()
            self.kills += 1
        self.courier.start()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.calm.set()
        self.thread.join(60)
        self.courier.stop()
        if kind is None:
            remove(self.courier.directory)


class World:
    def __init__(self, database, pool):
        self.database, self.pool = database, pool
        self.tenant = 'rotated'
        database.add_tenant(self.tenant, settings={'sip.realm': REALM, 'provisioning.url': 'https://prov.example.net/'})
        macs = [f'805ec1{n:06x}' for n in range(PHONES)]
        for mac in macs:
            database.add_device(mac, self.tenant, 'yealink-t54w')
        # each user of a realm is one account
        database.sql('UPDATE account SET sip_user = account_id WHERE tenant_id = %s', (self.tenant,))
        self.phones = [Phone(mac, n, database.credentials(mac)) for n, mac in enumerate(macs)]
        self.off = self.phones[::10]
        self.on = [phone for n, phone in enumerate(self.phones) if n % 10]

    def all_fetch(self, phones):
        """Each once, and again where the proxy said that all are busy; no phone may ever be told that its credentials are wrong."""
        left, locked_out = list(phones), []
        lock = threading.Lock()

        def work():
            while True:
                with lock:
                    if not left:
                        return
                    phone = left.pop()
                status = phone.fetch(self.pool)
                if status in (0, 429, 502, 503):
                    with lock:
                        left.append(phone)
                    time.sleep(0.02)
                elif status not in (200, 304):
                    locked_out.append((phone.mac, status))
        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not locked_out, locked_out[:5]
        self.registered()

    def registered(self):
        """A registrar that asks both views takes what each phone has, at any time."""
        rows = self.database.sql('SELECT account_id, ha1 FROM subscriber WHERE tenant_id = %s UNION ALL SELECT account_id, ha1 FROM subscriber_previous WHERE tenant_id = %s',
                                 (self.tenant, self.tenant), account='registrar')
        taken = {}
        for account, ha1 in rows:
            taken.setdefault(account, set()).add(ha1)
        assert all(phone.ha1() in taken.get(f'{phone.mac}-1', ()) for phone in self.phones if phone.sip)

    def rotate(self, what, *options):
        self.database.command('rotate', what, '--tenant', self.tenant, *options)
        return self.database.sql('SELECT MAX(id) FROM rotation')[0][0]

    def state(self, rotation):
        names = 'state', 'total', 'waiting', 'held', 'made', 'finished', 'stragglers'
        return dict(zip(names, (int(v) if n != 'state' else v for n, v in zip(names, self.database.sql(
            f"SELECT {', '.join(names)} FROM rotation_state WHERE id = %s", (rotation,))[0]))))

    def stragglers(self, rotation, *states):
        return {mac for mac, in self.database.sql('SELECT mac FROM rotation_straggler WHERE rotation_id = %s AND state IN %s', (rotation, states or ('made', 'held')))}

    def until_came(self, rotation, phones, expected, what):
        """The phones fetch at their own pace until nobody else is waited for."""
        def done():
            self.all_fetch(phones)
            return self.stragglers(rotation) == expected and not self.state(rotation)['waiting']
        wait_until(done, many(180, 900), what)


def test_rotation(database, pool):
    seed = random.randrange(1 << 30)
    print('seed', seed)
    world = World(database, pool)
    off = {phone.mac for phone in world.off}
    database.courier(timeout=600)
    assert database.sql('SELECT COUNT(*) FROM subscriber WHERE tenant_id = %s', (world.tenant,), account='registrar') == ((PHONES,),)
    with Killer(database, random.Random(seed)) as killer:
        world.all_fetch(world.phones)
        first = {phone.mac: phone.credentials for phone in world.phones}
        assert all(world.database.generation(mac) in first[mac][1] for mac in off)

        # tokens: those that come have new ones and lose the old; those that are off keep theirs
        one = world.rotate('http')
        world.until_came(one, world.on, off, 'all phones but those that are off to use their new token')
        state = world.state(one)
        assert (state['state'], state['total'], state['finished'], state['made'], state['stragglers']) == ('open', PHONES, len(world.on), len(off), len(off))
        assert all(phone.credentials != first[phone.mac] for phone in world.on)
        for phone in world.on[:20]:
            assert fetch(pool.proxies.tls_port('nginx'), f'/{phone.mac}.cfg', auth=first[phone.mac], source=phone.source).status == 401, 'the old token is over'
        previous = database.sql('SELECT mac FROM device WHERE tenant_id = %s AND previous_generation IS NOT NULL AND previous_until > NOW()', (world.tenant,))
        assert {mac for mac, in previous} == off

        # SIP passwords, and a second rotation of the tokens while stragglers of the first are left
        sip = world.rotate('sip')
        two = world.rotate('http')
        world.until_came(sip, world.on, off, 'all phones but those that are off to have their new password')
        world.until_came(two, world.on, off, 'all phones but those that are off to use their second new token')
        assert world.stragglers(two, 'held') == off and world.stragglers(one) == off and world.stragglers(sip) == off
        assert (world.state(two)['held'], world.state(two)['finished']) == (len(off), len(world.on))
        wait_until(lambda: {account for account, in database.sql('SELECT account_id FROM subscriber_previous WHERE tenant_id = %s', (world.tenant,), account='registrar')}
                   == {f'{mac}-1' for mac in off}, 60, 'the old passwords to end with the last phone that needs them')
        asterisk = dict(database.sql('SELECT id, md5_cred FROM ps_auths', account='registrar'))
        assert all(asterisk[f'{world.tenant}/{phone.mac}-1'] == phone.ha1() for phone in world.phones), 'the phone goes first'

        # the others come back
        for rotation in (one, sip, two):
            world.until_came(rotation, world.phones, set(), f'rotation {rotation} to have everybody')
        wait_until(lambda: all(world.state(r)['state'] == 'finished' for r in (one, sip, two)), 60, 'all to be finished')
        assert killer.kills >= many(3, 20)
    world.all_fetch(world.phones)
    assert all(world.state(r)['finished'] == PHONES and not world.state(r)['stragglers'] for r in (one, sip, two))
    rows = {mac: (generation, previous) for mac, generation, previous in database.sql(
        'SELECT mac, generation, previous_generation FROM device WHERE tenant_id = %s', (world.tenant,))}
    for phone in world.phones:
        assert phone.credentials == database.credentials(phone.mac, rows[phone.mac][0]) and rows[phone.mac][1] is None
        assert phone.answers.get(401, 0) == 0
    now = dict(database.sql('SELECT account_id, ha1 FROM subscriber WHERE tenant_id = %s', (world.tenant,), account='registrar'))
    assert all(now[f'{phone.mac}-1'] == phone.ha1() for phone in world.phones)
    assert database.sql('SELECT COUNT(*) FROM subscriber_previous', account='registrar') == ((0,),)
    log = killer.courier.log()
    assert not any(phone.sip in log or phone.credentials[1] in log for phone in world.phones)
