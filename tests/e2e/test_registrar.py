"""Threat C4, with software that is not ours. A real Kamailio with the shipped deploy/kamailio.cfg.example reads our views as dialtone_registrar. A real Linphone fetches its
configuration through both proxies by HTTP Digest over verified TLS, gets HA1 and no password, and registers there. Each change of realm, password and switch reaches both."""
import hashlib
import itertools
import subprocess

import pymysql
import pytest

from kamailio import EXAMPLE, Kamailio, replacements
from linphone import Linphone
from proxies import is_comment, make_certificates, substitute
from stack import Courier, Pool
from waiting import wait_until

MD5_ONLY = pytest.mark.parametrize('registrar', ['MD5'], indirect=True)
NEW_PASSWORD = 'Ohngee7eaX'


@pytest.fixture(scope='module', params=['MD5', 'SHA-256'])
def registrar(request, database, tmp_path_factory):
    with Kamailio(database, tmp_path_factory.mktemp('kamailio'), request.param) as kamailio:
        yield kamailio


@pytest.fixture(scope='module')
def courier(database):
    with Courier(database) as running:
        yield running


@pytest.fixture
def account(database, fleet):
    """(tenant, account, user, password) of a tenant whose registrar takes both algorithms."""
    tenant = fleet.tenant()
    realm = f'{tenant}.example.net'
    for name, value in (('sip.realm', realm), ('sip.digest', 'md5,sha-256')):
        database.sql('INSERT INTO tenant_setting (tenant_id, name, value) VALUES (%s, %s, %s)', (tenant, name, value))
    mac = fleet.mac()
    password, = database.add_device(mac, tenant, fleet.models[fleet.vendor])
    return tenant, f'{mac}-1', f'u{mac[-4:]}1', realm, password


def registers(registrar, user, realm, password):
    return registrar.register(user, realm, password) == 200


def ha1_of(registrar, user, realm, password):
    return hashlib.new({'MD5': 'md5', 'SHA-256': 'sha256'}[registrar.algorithm], f'{user}:{realm}:{password}'.encode()).hexdigest()


# ---------------------------------------------------------------- the example, asked by a client of our own

def test_only_addresses_and_paths_differ(tmp_path):
    shipped, ours = EXAMPLE.read_text().splitlines(), substitute(EXAMPLE.read_text(), replacements(tmp_path, 4711)).splitlines()
    changed = [(before, after) for before, after in zip(shipped, ours, strict=True) if before != after]
    assert len(changed) == 4 and not any(is_comment(before) for before, _ in changed)
    assert 'PASSWORD@' in EXAMPLE.read_text() and not any('mysql://' in line for line in shipped if not line.startswith('#'))


def test_what_registers(registrar, courier, database, account):
    tenant, name, user, realm, password = account
    wait_until(lambda: registers(registrar, user, realm, password), 10, 'the account to register')
    assert registrar.register(user, realm, 'wrong') == 401
    assert registrar.register(user, realm, '') == 401
    assert registrar.register('u99999', realm, password) == 401
    assert registrar.register(user, 'other.example.net', password) == 401
    # HA1 is as good as the password in its realm, and an empty one is good for nothing
    ha1 = ha1_of(registrar, user, realm, password)
    assert registrar.register(user, realm, None, ha1=ha1) == 200
    assert registrar.register(user, realm, None, ha1='0' * 32) == 401
    database.sql('UPDATE account SET enabled = 0 WHERE tenant_id = %s AND account_id = %s', (tenant, name))
    assert registrar.register(user, realm, password) == 401
    database.sql('UPDATE account SET enabled = 1 WHERE tenant_id = %s AND account_id = %s', (tenant, name))
    database.sql('UPDATE tenant SET enabled = 0 WHERE tenant_id = %s', (tenant,))
    assert registrar.register(user, realm, password) == 401
    database.sql('UPDATE tenant SET enabled = 1 WHERE tenant_id = %s', (tenant,))
    assert registrar.register(user, realm, password) == 200
    assert ha1 not in registrar.log() and password not in registrar.log()


def test_a_change_reaches_the_registrar(registrar, courier, database, account):
    tenant, name, user, realm, password = account
    wait_until(lambda: registers(registrar, user, realm, password), 10, 'the account to register')
    database.sql("UPDATE account_secret SET plain = %s WHERE tenant_id = %s AND account_id = %s AND name = 'sip.password'", (NEW_PASSWORD, tenant, name))
    wait_until(lambda: registers(registrar, user, realm, NEW_PASSWORD), 10, 'the new password')
    assert registrar.register(user, realm, password) == 401
    old = registrar.register(user, realm, NEW_PASSWORD)
    database.sql("UPDATE tenant_setting SET value = 'new.example.net' WHERE tenant_id = %s AND name = 'sip.realm'", (tenant,))
    wait_until(lambda: registers(registrar, user, 'new.example.net', NEW_PASSWORD), 10, 'the new realm')
    assert (old, registrar.register(user, realm, NEW_PASSWORD)) == (200, 401)
    database.sql("DELETE FROM account_secret WHERE tenant_id = %s AND account_id = %s", (tenant, name))
    assert registrar.register(user, 'new.example.net', NEW_PASSWORD) == 401


def test_an_algorithm_that_is_not_offered(registrar, courier, database, account):
    """Its column is filled with what fits nothing: neither the password, nor none."""
    tenant, _, user, realm, password = account
    offered = {'MD5': 'sha-256', 'SHA-256': 'md5'}[registrar.algorithm]
    wait_until(lambda: registers(registrar, user, realm, password), 10, 'the account to register')
    database.sql("UPDATE tenant_setting SET value = %s WHERE tenant_id = %s AND name = 'sip.digest'", (offered, tenant))
    wait_until(lambda: not registers(registrar, user, realm, password), 10, 'the algorithm to end')
    assert registrar.register(user, realm, '') == 401
    algorithm = {'MD5': 'md5', 'SHA-256': 'sha256'}[registrar.algorithm]
    for ha1 in ('', hashlib.new(algorithm, b'').hexdigest(), '0' * (32 if algorithm == 'md5' else 64)):
        assert registrar.register(user, realm, None, ha1=ha1 or ' ') == 401


def test_both_passwords_while_a_rotation_lasts(registrar, courier, database, account):
    tenant, name, user, realm, password = account
    wait_until(lambda: registers(registrar, user, realm, password), 10, 'the account to register')
    copy = ', '.join(f'previous_{c} = {c}' for c in ('realm', 'username', 'ha1', 'ha1b', 'ha1_sha256', 'ha1b_sha256'))
    database.sql(f'UPDATE account_digest SET {copy}, previous_until = NOW() + INTERVAL 1 HOUR WHERE tenant_id = %s AND account_id = %s', (tenant, name), account='courier')
    database.sql("UPDATE account_secret SET plain = %s WHERE tenant_id = %s AND account_id = %s AND name = 'sip.password'", (NEW_PASSWORD, tenant, name))
    wait_until(lambda: registers(registrar, user, realm, NEW_PASSWORD), 10, 'the new password')
    assert registrar.register(user, realm, password) == 200
    database.sql('UPDATE account_digest SET previous_until = NOW() + INTERVAL 1 SECOND WHERE tenant_id = %s AND account_id = %s', (tenant, name), account='courier')
    wait_until(lambda: not registers(registrar, user, realm, password), 15, 'the previous one to end')
    assert registrar.register(user, realm, NEW_PASSWORD) == 200


def test_nobody_registers_as_another(registrar, courier, database, fleet, account):
    tenant, _, user, realm, password = account
    mac = fleet.mac()
    other, = database.add_device(mac, tenant, fleet.models[fleet.vendor])
    wait_until(lambda: registers(registrar, f'u{mac[-4:]}1', realm, other), 10, 'the other account to register')
    wait_until(lambda: registers(registrar, user, realm, password), 10, 'the account to register')
    assert registrar.register(user, realm, password, wanted=f'u{mac[-4:]}1') == 401


def test_a_user_of_digest_who_is_called_otherwise(registrar, courier, database, fleet, account):
    """account.auth_user: the phone proves itself by one name and is registered by the other, and by no third."""
    tenant, _, user, realm, password = account
    mac = fleet.mac()
    secret, = database.add_device(mac, tenant, fleet.models[fleet.vendor])
    name = f'u{mac[-4:]}1'
    database.sql("UPDATE account SET auth_user = %s WHERE tenant_id = %s AND account_id = %s", (f'login-{mac}', tenant, f'{mac}-1'))
    wait_until(lambda: registrar.register(f'login-{mac}', realm, secret, wanted=name) == 200, 10, 'the account to register')
    assert registrar.register(f'login-{mac}', realm, secret, wanted=user) == 401
    assert registrar.register(f'login-{mac}', realm, secret) == 401
    assert registrar.register(name, realm, secret) == 401


def test_the_same_user_in_two_realms(registrar, courier, database, fleet, account):
    _, _, user, realm, password = account
    tenant = fleet.tenant(settings={'sip.realm': 'second.' + realm, 'sip.digest': 'md5,sha-256'})
    mac = fleet.mac()
    other, = database.add_device(mac, tenant, fleet.models[fleet.vendor])
    database.sql('UPDATE account SET sip_user = %s WHERE tenant_id = %s AND account_id = %s', (user, tenant, f'{mac}-1'))
    wait_until(lambda: registers(registrar, user, 'second.' + realm, other), 10, 'the second tenant to register')
    assert registrar.contacts(user, realm) == [] and len(registrar.contacts(user, 'second.' + realm)) == 1
    assert registrar.register(user, realm, other) == 401 and registrar.register(user, 'second.' + realm, password) == 401


def test_a_nonce_is_good_where_it_was_asked_for(registrar, courier, account):
    _, _, user, realm, password = account
    wait_until(lambda: registers(registrar, user, realm, password), 10, 'the account to register')
    status, text = registrar.attempt(user, realm, password, sources=('127.0.0.1', '127.0.0.2'))
    assert status == 401 and 'stale=true' in text


def test_it_relays_nothing(registrar, account):
    _, _, user, realm, _ = account

    def request(method):
        return lambda me: (f'{method} sip:{user}@{realm} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{method};rport\r\nMax-Forwards: 70\r\nFrom: <sip:x@{realm}>;tag=1\r\n'
                           f'To: <sip:{user}@{realm}>\r\nCall-ID: {method}@{me}\r\nCSeq: 1 {method}\r\nContact: <sip:x@{me}>\r\nContent-Length: 0\r\n\r\n')
    for method in ('INVITE', 'SUBSCRIBE', 'MESSAGE', 'NOTIFY', 'PUBLISH', 'REFER'):
        status, text = registrar.say(request(method))
        assert status == 405 and 'Allow: REGISTER, OPTIONS' in text, method
    assert registrar.say(request('OPTIONS'))[0] == 200
    assert registrar.say(request('ACK'), timeout=0.5)[0] is None


def test_without_its_database(registrar, courier, database, account):
    """What cannot be known is not taken for a wrong password."""
    _, _, user, realm, password = account
    wait_until(lambda: registers(registrar, user, realm, password), 10, 'the account to register')
    database.sql('ALTER USER dialtone_registrar ACCOUNT LOCK', account='root')
    try:
        database.sql('KILL USER dialtone_registrar', account='root')
        status, text = registrar.attempt(user, realm, password)
        assert status == 503 and 'Retry-After: 30' in text
    finally:
        database.sql('ALTER USER dialtone_registrar ACCOUNT UNLOCK', account='root')
    wait_until(lambda: registers(registrar, user, realm, password), 10, 'the account to register again')


def test_the_registrars_account_reads_the_views_and_nothing_else(database):
    views = {'subscriber', 'subscriber_previous', 'ps_auths'}
    everything = {name for name, in database.sql('SELECT table_name FROM information_schema.tables WHERE table_schema = %s', (database.name,), account='root')}
    assert views < everything and len(everything) > 40
    assert {name for name, in database.sql('SELECT table_name FROM information_schema.tables WHERE table_schema = %s', (database.name,), account='registrar')} == views
    for name in sorted(everything):
        if name in views:
            database.sql(f'SELECT * FROM `{name}` LIMIT 1', account='registrar')
        for statement in ([] if name in views else ['SELECT 1 FROM `{}` LIMIT 1']) + ['DELETE FROM `{}`', 'INSERT INTO `{}` VALUES ()', 'DROP TABLE `{}`', 'SHOW CREATE TABLE `{}`']:
            with pytest.raises(pymysql.err.OperationalError) as error:
                database.sql(statement.format(name), account='registrar')
            assert error.value.args[0] == 1142, (statement, name, error.value)
    routines = database.sql('SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = %s', (database.name,), account='root')
    assert routines
    for kind, name in routines:
        with pytest.raises(pymysql.err.OperationalError) as error:
            database.sql(f'CALL `{name}`()' if kind == 'PROCEDURE' else f'SELECT `{database.name}`.`{name}`()', account='registrar')
        assert error.value.args[0] == 1370, (name, error.value)


# ---------------------------------------------------------------- Linphone: it fetches, and registers with what it got

_serial = itertools.count(1)


class Desk:
    """A tenant that has one account, and Linphones for it."""

    def __init__(self, database, fleet, pool, registrar, directory, **settings):
        self.database, self.pool, self.registrar, self.directory = database, pool, registrar, directory
        self.tenant = fleet.tenant()
        self.mac = f'02d1a1{next(_serial):06x}'
        self.user, self.account = f'u{self.mac[-4:]}1', f'{self.mac}-1'
        # REGISTER goes to Kamailio, with the tenant's domain in it
        self.set(**{'sip.outbound_proxy': '127.0.0.1', 'sip.outbound_port': registrar.port, 'sip.digest': 'md5,sha-256', **settings})
        self.move(f'{self.tenant}.example.net')
        self.password, = database.add_device(self.mac, self.tenant, 'linphone-generic')
        self.wait_for_ha1(self.password)

    def set(self, **settings):
        """In one transaction."""
        rows = [value for name, setting in settings.items() for value in (self.tenant, name, str(setting))]
        self.database.sql(f"INSERT INTO tenant_setting (tenant_id, name, value) VALUES {', '.join(['(%s, %s, %s)'] * len(settings))} ON DUPLICATE KEY UPDATE value = VALUES(value)", rows)

    def move(self, realm):
        self.realm = realm
        self.set(**{'sip.server': realm, 'sip.realm': realm})

    def ha1(self, password=None):
        return ha1_of(self.registrar, self.user, self.realm, password or self.password)

    def wait_for_ha1(self, password):
        column = {'MD5': 'ha1', 'SHA-256': 'ha1_sha256'}[self.registrar.algorithm]
        query = f'SELECT {column} FROM subscriber WHERE username = %s AND domain = %s'
        wait_until(lambda: self.database.sql(query, (self.user, self.realm), account='registrar') == ((self.ha1(password),),), 10, 'HA1 in the view')

    def secret(self):
        return self.database.sql("SELECT plain, sealed IS NOT NULL FROM account_secret WHERE tenant_id = %s AND name = 'sip.password'", (self.tenant,), account='root')

    def folder(self, proxy):
        return f'localhost:{self.pool.proxies.tls_port(proxy)}/'

    def linphone(self, proxy='nginx', ca=None):
        """Told the URL that `dialtone credentials` says, and nothing else."""
        user, token = self.database.credentials_by_command(self.mac)
        url = f'https://{user}:{token}@{self.folder(proxy)}{self.database.file(self.mac)}'
        return Linphone(self.directory / f'linphone-{next(_serial)}', url, ca or self.pool.proxies.directory / 'certs/ca.pem')

    def contacts(self):
        return self.registrar.contacts(self.user, self.realm)

    def fetches(self):
        """(status, result, identity) of each, in order, when the journal has the last."""
        return [(row['status'], row['result'], row['identity']) for row in self.pool.journal('mac = %s', (self.mac,))]


@pytest.fixture
def desk(database, fleet, pool, registrar, courier, tmp_path):
    return Desk(database, fleet, pool, registrar, tmp_path)


def test_the_whole_chain(desk, proxy):
    """Sealed and derived, fetched by Digest, HA1 and no password, registered, seen by Kamailio, gone when Linphone ends."""
    assert desk.secret() == ((None, 1),)
    linphone = desk.linphone(proxy)
    with linphone:
        assert linphone.registers()
        contact, = desk.contacts()
        assert contact.startswith(f'sip:{desk.user}@127.0.0.1:')
        answered = [request for request in linphone.sent('GET') if 'Authorization' in request]
        assert len(answered) == 1 and 'Authorization:  Digest' in answered[0] and 'algorithm="SHA-256"' in answered[0]
    assert desk.contacts() == []
    wait_until(lambda: desk.fetches()[-1:] == [(200, 'ok', 'digest')], 10, 'the fetch in the journal')
    saved = linphone.configuration()
    logins = [section for name, section in saved.items() if name.startswith('auth_info_') and section.get('ha1')]
    assert desk.ha1() in [login['ha1'] for login in logins] and {login['realm'] for login in logins} == {desk.realm}
    assert not any(section.get('passwd') for section in saved.values())
    # neither in what it saved, nor in the answer, which its log has to the letter
    assert desk.ha1().encode() in linphone.log().encode()
    assert desk.password.encode() not in linphone.everything()
    # and again with what it has
    with linphone:
        assert linphone.registers()


@MD5_ONLY
def test_another_ca_than_its_own(desk, proxy, tmp_path):
    """Linphone does verify: without its CA it asks for nothing, and so does not register."""
    with desk.linphone(proxy, make_certificates(tmp_path / 'other') / 'ca.pem') as linphone:
        linphone.wait_for('refuse the certificate', r'X509|[Cc]ertificate verification|handshake failed|SSL handshake')
        linphone.wait_for('go on without', r'Reseting transports|Creating listening point')
        assert linphone.sent('GET') == []
    assert desk.fetches() == []


def test_a_wrong_ha1_is_refused(desk):
    linphone = desk.linphone()
    with linphone:
        assert linphone.registers()
    text = linphone.rc.read_text()
    right = desk.ha1()
    assert text.count(right) == 1
    linphone.rc.write_text(text.replace(right, right[:-1] + ('0' if right[-1] != '0' else '1')))
    linphone.forget_url()
    with linphone:
        assert not linphone.registers()
        assert desk.contacts() == []


def test_a_changed_password(desk, database):
    """By a DBA, at once: the phone is out until it has started again."""
    linphone = desk.linphone()
    with linphone:
        assert linphone.registers()
    database.sql("UPDATE account_secret SET plain = %s WHERE tenant_id = %s AND name = 'sip.password'", (NEW_PASSWORD, desk.tenant))
    desk.wait_for_ha1(NEW_PASSWORD)
    old = desk.linphone()
    old.rc.write_text(linphone.rc.read_text())
    old.forget_url()
    with old:
        assert not old.registers() and desk.contacts() == []
    with linphone:
        assert linphone.registers() and len(desk.contacts()) == 1
    wait_until(lambda: desk.secret() == ((None, 1),), 10, 'the new password to be sealed')
    assert NEW_PASSWORD.encode() not in linphone.everything()


def test_a_rotated_password(desk, database):
    """By a rotation: both count until the phone has fetched, and it is never out."""
    linphone = desk.linphone()
    with linphone:
        assert linphone.registers()
    before = linphone.rc.read_text()
    database.sql("INSERT INTO rotation (tenant_id, what) VALUES (%s, 'sip')", (desk.tenant,))
    previous = 'SELECT COUNT(*) FROM subscriber_previous WHERE tenant_id = %s'
    wait_until(lambda: database.sql(previous, (desk.tenant,), account='registrar') == ((1,),), 10, 'the new password')
    old = desk.linphone()
    old.rc.write_text(before)
    old.forget_url()
    with old:
        assert old.registers() and len(desk.contacts()) == 1, 'the old one still counts'
    with linphone:
        assert linphone.registers() and len(desk.contacts()) == 1
    now = linphone.configuration()
    assert desk.ha1() not in [section.get('ha1') for section in now.values()], 'it has another'
    wait_until(lambda: database.sql(previous, (desk.tenant,), account='registrar') == ((0,),), 20, 'the rotation to end the old one')
    with old:
        assert not old.registers() and desk.contacts() == []
    linphone.forget_url()
    with linphone:
        assert linphone.registers() and len(desk.contacts()) == 1


def test_another_realm(desk):
    linphone = desk.linphone()
    with linphone:
        assert linphone.registers()
    old_ha1, old_contacts = desk.ha1(), desk.contacts
    text = linphone.rc.read_text()
    desk.move(f'new.{desk.tenant}.example.net')
    desk.wait_for_ha1(desk.password)
    assert desk.ha1() != old_ha1
    old = desk.linphone()
    old.rc.write_text(text)
    old.forget_url()
    with old:
        assert not old.registers() and old_contacts() == []
    with linphone:
        assert linphone.registers() and len(desk.contacts()) == 1
    assert desk.ha1() in [section.get('ha1') for section in linphone.configuration().values()] and old_ha1 not in linphone.rc.read_text()


def test_one_algorithm_after_two(desk):
    """Whatever it has saved of the other: it registers, as often as it starts."""
    linphone = desk.linphone()
    with linphone:
        assert linphone.registers()
    desk.set(**{'sip.digest': desk.registrar.algorithm.lower()})
    for _ in range(2):
        with linphone:
            assert linphone.registers() and len(desk.contacts()) == 1
    desk.set(**{'sip.digest': 'md5,sha-256'})
    desk.wait_for_ha1(desk.password)
    for _ in range(2):
        with linphone:
            assert linphone.registers() and len(desk.contacts()) == 1


@MD5_ONLY
@pytest.mark.parametrize('table', ['account', 'tenant'])
def test_what_is_switched_off(desk, database, table):
    linphone = desk.linphone()
    with linphone:
        assert linphone.registers()
    linphone.forget_url()
    database.sql(f'UPDATE {table} SET enabled = 0 WHERE tenant_id = %s', (desk.tenant,))
    with linphone:
        assert not linphone.registers() and desk.contacts() == []
    database.sql(f'UPDATE {table} SET enabled = 1 WHERE tenant_id = %s', (desk.tenant,))
    with linphone:
        assert linphone.registers() and len(desk.contacts()) == 1


@MD5_ONLY
def test_a_rotated_token_reaches_it(desk, proxy, database):
    """Where provisioning.url is set, Linphone is told its own new credentials, and fetches by them when the old ones are over."""
    desk.set(**{'provisioning.url': f'https://{desk.folder(proxy)}'})
    linphone = desk.linphone(proxy)
    first = linphone.configuration()['misc']['config-uri']
    database.sql('UPDATE device SET generation = DEFAULT WHERE mac = %s', (desk.mac,))
    with linphone:
        assert linphone.registers()
    second = linphone.configuration()['misc']['config-uri']
    assert first != second and database.credentials(desk.mac)[1] in second
    database.sql('UPDATE device SET previous_generation = NULL WHERE mac = %s', (desk.mac,))
    with linphone:
        assert linphone.registers()
    wait_until(lambda: desk.fetches() == [(401, 'challenge', ''), (200, 'ok', 'digest')] * 2, 10, 'both fetches in the journal')


# ---------------------------------------------------------------- HTTP Digest by curl, a second client that is not ours

@pytest.fixture(scope='module', params=['digest-md5', 'digest-sha-256', 'digest-sha-256 digest-md5 basic'])
def challenging(request, database):
    with Pool(database, conf={'http': {'challenges': request.param}}) as pool:
        yield pool


def test_curl(challenging, proxy, database, fleet):
    mac = fleet.phone(tenant=fleet.tenant())
    user, token = database.credentials_by_command(mac)
    places = challenging.proxies

    def curl(password):
        url = f'https://localhost:{places.tls_port(proxy)}/{database.file(mac)}'
        done = subprocess.run(['curl', '-sS', '-v', '--noproxy', '*', '--digest', '-u', f'{user}:{password}', '--cacert', places.directory / 'certs/ca.pem', '-w', '%{http_code}', url],
                              capture_output=True, text=True, timeout=30, check=True)
        return done.stdout[-3:], done.stdout[:-3], [line for line in done.stderr.splitlines() if line.lower().startswith('> authorization:')]
    status, body, said = curl(token)
    answer = challenging.fetch_device(proxy, mac)
    assert (status, body) == ('200', answer.body.decode()) and answer.status == 200
    assert len(said) == 1 and 'Digest username=' in said[0] and token not in said[0]
    offered = challenging.conf['http']['challenges'].split()
    assert ('algorithm=SHA-256' if 'digest-sha-256' in offered else 'algorithm=MD5') in said[0]
    wait_until(lambda: [r['identity'] for r in challenging.journal('mac = %s AND status = 200', (mac,))] == ['digest', 'token'], 10, 'both fetches in the journal')
    assert curl(token[:-1] + ('a' if token[-1] != 'a' else 'b'))[0] == '401'
