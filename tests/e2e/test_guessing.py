"""Guessing through HAProxy's shipped limits (D1, D2), by Basic and by Digest: a scan of many MACs by one source, and honest phones behind another address and behind the same.

What a phone is known by is told in haproxy.cfg.example; what nginx can do and what not in deploy/nginx/dialtone.conf."""
import itertools
import threading
import time

import pytest

import phone
from digest import challenge, respond
from factory import Factory, context_with
from stack import Pool, many
from waiting import wait_until

AGENT = 'Yealink SIP-T54W 96.86.0.70'
_nc = itertools.count(1)


@pytest.fixture(scope='module')
def own(database):
    with Pool(database) as pool:
        yield pool


@pytest.fixture(autouse=True)
def forgotten(own):
    own.proxies.forget_limits()
    yield
    own.proxies.forget_limits()


class Phone:
    """One that is honest, behind an address."""

    def __init__(self, own, mac, source, scheme):
        self.own, self.mac, self.source, self.scheme = own, mac, source, scheme
        self.file, self.credential = f'/{mac}.cfg', own.database.credentials(mac)
        self.asked = None

    def fetch(self, again=False, proxy='haproxy'):
        """As a phone does after a start: without credentials, then with them. again: with the nonce that it has. The statuses."""
        if self.scheme == 'Basic':
            return [self.own.fetch(proxy, self.file, auth=self.credential, source=self.source, agent=f'{AGENT} {self.mac}').status]
        statuses = []
        if not again:
            first = self.own.fetch(proxy, self.file, source=self.source, agent=f'{AGENT} {self.mac}')
            statuses.append(first.status)
            if first.status != 401:
                return statuses
            self.asked = challenge(first, self.scheme)
        header = respond(self.asked, *self.credential, self.file, nc=next(_nc))
        statuses.append(self.own.fetch(proxy, self.file, auth=header, source=self.source, agent=f'{AGENT} {self.mac}').status)
        return statuses

    def good(self, **how):
        statuses = self.fetch(**how)
        assert statuses in ([200], [401, 200]), (self.mac, self.scheme, statuses)


class Guesser:
    """Requests one after the other on one connection, as fast as they are answered."""

    def __init__(self, own, source, scheme='Basic', agent='guess/1.0', proxy='haproxy'):
        self.own, self.source, self.scheme, self.agent, self.proxy = own, source, scheme, agent, proxy
        self.connection, self.reader, self.asked = None, None, None

    def request(self, target, auth=None):
        lines = [('Host', 'localhost'), ('User-Agent', self.agent)] + ([('Authorization', auth)] if auth else [])
        for _ in range(10):
            if not self.connection:
                self.connection = phone.connect(self.own.proxies.tls_port(self.proxy), source=self.source)
                self.reader = phone.Reader(self.connection)
            try:
                self.connection.sendall(phone.request_bytes('GET', target, lines))
                answer = self.reader.answer()
            except (OSError, phone.Torn):
                self.close()
                continue
            if answer.header('connection') == 'close':
                self.close()
            return answer
        raise AssertionError('no answer in ten attempts')

    def guess(self, mac, user=None):
        target = f'/{mac}.cfg'
        if self.scheme == 'Basic':
            return self.request(target, phone.basic(user or mac, f'{next(_nc):010d}' + 'a' * 22)).status
        if not self.asked:
            first = self.request(target)
            if first.status != 401:
                return first.status
            self.asked = challenge(first, self.scheme)
        return self.request(target, respond(self.asked, user or mac, 'guess', target, nc=next(_nc))).status

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def refusals(own):
    return own.metrics()['dialtone_requests_total{result="bad-credentials"}']


def phones(own, fleet, source):
    tenant = fleet.tenant()
    return [Phone(own, fleet.phone(tenant), source, scheme) for scheme in ('Basic', 'MD5', 'SHA-256')]


@pytest.mark.parametrize('scheme', ['MD5', 'SHA-256'])
def test_d1_guesses_by_digest_are_marked_limited_and_counted(own, fleet, scheme):
    mac, before = fleet.phone(), refusals(own)
    guesser = Guesser(own, '127.8.0.1', scheme)
    statuses = [guesser.guess(mac) for _ in range(100)]
    guesser.close()
    reached = statuses.count(401)
    assert statuses == [401] * reached + [429] * (100 - reached)
    assert 5 <= reached <= 7
    assert refusals(own) - before == reached
    wait_until(lambda: len(own.journal("address = '127.8.0.1' AND mac = %s AND result = 'bad-credentials'", (mac,))) >= reached, 10, 'the journal')


def test_requests_without_credentials_are_never_counted(own, fleet):
    """However many there are, known MACs or not."""
    guesser = Guesser(own, '127.8.0.2')
    for _ in range(300):
        assert guesser.request(f'/{fleet.mac()}.cfg').status == 401
    guesser.close()
    assert '127.8.0.2' not in own.proxies.haproxy_command('show table dialtone_source')
    assert 'key=' not in own.proxies.haproxy_command('show table dialtone_file')


def test_d2_a_scan_of_many_macs_by_one_source(own, fleet):
    """By Basic and by Digest at once: known phones behind the same address and behind another are always served, a new one behind the same within a minute."""
    count = many(5000, 50000)
    nat, elsewhere = '127.8.1.1', '127.8.1.2'
    known, others = phones(own, fleet, nat), phones(own, fleet, elsewhere)
    new = phones(own, fleet, nat)
    for each in known:
        each.good()
    before = refusals(own)
    statuses, wrong, stop = [], [], threading.Event()

    def scan(index, scheme):
        guesser = Guesser(own, nat, scheme)
        for i in range(count // 4):
            statuses.append(guesser.guess(f'{fleet.oui}{0x900000 + index * 0x10000 + i:06x}'))
        guesser.close()

    def honest(some):
        while not stop.is_set():
            for each in some:
                got = each.fetch()
                if got not in ([200], [401, 200]):
                    wrong.append((each.source, each.scheme, got))
    scans = [threading.Thread(target=scan, args=(i, ('Basic', 'MD5', 'SHA-256', 'Basic')[i])) for i in range(4)]
    fetching = [threading.Thread(target=honest, args=(some,)) for some in (known, others)]
    started = time.monotonic()
    for thread in scans + fetching:
        thread.start()
    wait_until(lambda: statuses.count(429) > 50, 60, 'the limit')
    for each in new:
        # it does as Retry-After says
        begun = time.monotonic()
        while True:
            first = own.fetch('haproxy', each.file, source=nat, agent='new')
            assert first.status == 401, first
            auth = phone.basic(*each.credential) if each.scheme == 'Basic' else respond(challenge(first, each.scheme), *each.credential, each.file)
            answer = own.fetch('haproxy', each.file, auth=auth, source=nat, agent='new')
            if answer.status == 200:
                break
            assert answer.status == 429
            wait = int(answer.header('retry-after'))
            assert time.monotonic() - begun + wait < 60, 'it would wait for more than a minute'
            time.sleep(wait)  # the only wait by the clock: what is tested is that Retry-After tells the truth
        assert time.monotonic() - begun < 60
    for thread in scans:
        thread.join()
    stop.set()
    for thread in fetching:
        thread.join()
    took = time.monotonic() - started
    assert not wrong, wrong[:5]
    assert set(statuses) == {401, 429}
    reached = refusals(own) - before
    assert reached == statuses.count(401), 'each guess that reached the application is counted'
    # a first 120, and then what has its turn: an eighth of the MACs
    assert reached < 120 + 0.35 * count, f'{reached} of {count} guesses reached the application'
    print(f'\n{count} MACs scanned in {took:.0f} s, {reached:.0f} reached the application')


@pytest.mark.parametrize('scheme', ['MD5', 'SHA-256'])
def test_d2_guesses_at_a_phone_from_behind_its_own_address(own, fleet, scheme):
    """Digest, where the header is another one each time: the phone is known by address, user and User-Agent."""
    nat = '127.8.2.1'
    victim = Phone(own, fleet.phone(), nat, scheme)
    victim.good()
    guesser = Guesser(own, nat, scheme)
    statuses = [guesser.guess(victim.mac) for _ in range(60)]
    assert statuses.count(401) <= 7 and statuses[-1] == 429
    for _ in range(5):
        victim.good()
        victim.good(again=True)
    # by Basic too: whichever way the guesser comes, the file's limit is one
    assert Guesser(own, nat, 'Basic').guess(victim.mac) == 429
    victim.good()


def test_d2_riding_on_a_phones_mark_gains_nothing(own, fleet):
    """The phone's address, MAC and very User-Agent: as many guesses as at any file, and not one more. The phone goes on with the nonce that it has."""
    nat = '127.8.3.1'
    victim = Phone(own, fleet.phone(), nat, 'MD5')
    victim.good()
    before = refusals(own)
    guesser = Guesser(own, nat, 'MD5', agent=f'{AGENT} {victim.mac}')
    statuses = [guesser.guess(victim.mac) for _ in range(100)]
    assert refusals(own) - before == statuses.count(401) <= 7
    assert statuses[-1] == 429
    # at another device's file, under the phone's name
    other = fleet.phone()
    statuses = [guesser.guess(other, user=victim.mac) for _ in range(40)]
    assert statuses.count(401) <= 7 and statuses[-1] == 429
    for _ in range(3):
        victim.good(again=True)


def test_d2_a_mark_counts_for_its_own_address_user_and_agent_only(own, fleet):
    """Elsewhere, under another name or with another User-Agent the limits are what they are for everybody."""
    nat = '127.8.4.1'
    victim = Phone(own, fleet.phone(), nat, 'SHA-256')
    victim.good()
    for source, agent, user in (('127.8.4.2', f'{AGENT} {victim.mac}', victim.mac), (nat, AGENT, victim.mac), (nat, f'{AGENT} {victim.mac}', fleet.mac())):
        own.proxies.haproxy_command('clear table dialtone_file')
        guesser = Guesser(own, source, 'SHA-256', agent=agent)
        statuses = [guesser.guess(user) for _ in range(20)]
        assert statuses.count(401) <= 7 and statuses[-1] == 429
        victim.good()


def test_a_nonce_of_somebody_else_is_no_mark(own, fleet):
    """What passes before any limit is user and nonce together: the nonce of a success is worth nothing under another name."""
    nat = '127.8.5.1'
    victim, other = Phone(own, fleet.phone(), nat, 'MD5'), fleet.phone()
    victim.good()
    guesser = Guesser(own, nat, 'MD5')
    guesser.asked = victim.asked
    statuses = [guesser.guess(other) for _ in range(20)]
    assert statuses.count(401) <= 7 and statuses[-1] == 429


@pytest.mark.parametrize('header', ['Digest', 'Digest username', 'Digest username="", nonce=""', 'Digest x, username="a', 'DIGEST username=a, nonce=b', 'Digest username="%0a%27", nonce="\\""',
                                    'Digest ' + 'username="a", ' * 50])
def test_torn_digest_headers_are_guesses_like_others(own, fleet, header):
    mac = fleet.phone()
    statuses = [own.fetch('haproxy', f'/{mac}.cfg', auth=header, source='127.8.6.1').status for _ in range(12)]
    assert statuses.count(401) <= 7 and statuses[-1] == 429


def test_nginx_a_flood_takes_no_share_of_who_has_a_certificate_or_another_address(own, fleet):
    """... and of the rest of its own address all of it, which nginx cannot tell apart: that is said in its file, and is why this asserts nothing about it."""
    nat, mac = '127.8.7.1', fleet.phone()
    credential = own.database.credentials(mac)
    context = context_with(Factory(own.directory / 'certs', own.directory / 'factory').certificate(f'/CN={mac}'))
    stop, statuses = threading.Event(), []

    def flood():
        guesser = Guesser(own, nat, proxy='nginx')
        while not stop.is_set():
            statuses.append(guesser.request('/nothing').status)
        guesser.close()
    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: statuses.count(429) > 20, 90, 'the limit')
        for _ in range(5):
            assert own.fetch('nginx', f'/{mac}.cfg', auth=credential, source=nat, context=context).status == 200
            assert own.fetch('nginx', f'/{mac}.cfg', auth=credential, source='127.8.7.2').status == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {404, 429}
