"""Rotation, step by step, against the courier; what phones do is written into device_state as the journal process would."""
import hashlib
import json
import random
import subprocess
import threading
import time

import pymysql
import pytest

from stack import Courier, Database, many, program, remove
from waiting import wait_until

MODEL = 'yealink-t54w'
FAR = '2038-01-19'


@pytest.fixture(scope='module')
def database():
    db = Database()
    try:
        db.start()
        yield db
    finally:
        db.stop()
    remove(db.directory)


_serial = iter(range(1, 1000000))


class Tenant:
    """A tenant with phones, each with an account of its own, whose HA1 values are made."""

    def __init__(self, database, phones=3, realm=True, model=MODEL, oui='805ec0'):
        self.database, self.name = database, f't{next(_serial)}'
        database.add_tenant(self.name, settings={'sip.realm': f'{self.name}.example', 'sip.digest': 'md5,sha-256'} if realm else {})
        self.macs = []
        for _ in range(phones):
            mac = f'{oui}{next(_serial):06x}'
            database.add_device(mac, self.name, model)
            self.macs.append(mac)
        database.courier()

    def sql(self, statement, *arguments):
        return self.database.sql(statement, arguments or None, account='root')

    def rotate(self, what, **columns):
        names = ['tenant_id', 'what', *columns]
        self.database.sql(f"INSERT INTO rotation ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})", [self.name, what, *columns.values()])
        return self.sql('SELECT MAX(id) FROM rotation WHERE tenant_id = %s', self.name)[0][0]

    def fetch(self, mac, generation=None, when='UTC_TIMESTAMP(6)', identity='token'):
        """What the journal writes when the phone has fetched its file by a token of this generation (default: the current one)."""
        self.sql("INSERT INTO device_state (mac, file, last_at, status, result, address, delivered_at, inputs, identity, proven_at, generation)"
                 f" SELECT d.mac, CONCAT(d.mac, '.cfg'), {when}, 200, 'ok', '192.0.2.7', {when}, i.inputs, %s, {when}, IF(%s = 'token', COALESCE(%s, d.generation), NULL)"
                 " FROM device d JOIN device_inputs i ON i.mac = d.mac WHERE d.mac = %s ON DUPLICATE KEY UPDATE last_at = VALUES(last_at), identity = VALUES(identity),"
                 " delivered_at = VALUES(delivered_at), inputs = VALUES(inputs), proven_at = VALUES(proven_at), generation = VALUES(generation)",
                 identity, identity, generation, mac)

    def device(self, mac):
        """(generation, previous, until) of a phone."""
        return self.sql('SELECT generation, previous_generation, CAST(previous_until AS CHAR) FROM device WHERE mac = %s', mac)[0]

    def accepted(self, mac):
        """The generations that count now."""
        return {g for g in self.sql('SELECT generation, IF(previous_until > NOW(), previous_generation, NULL) FROM device WHERE mac = %s', mac)[0] if g}

    def states(self, rotation, table='rotation_device', key='mac'):
        return dict(self.sql(f'SELECT {key}, state FROM {table} WHERE rotation_id = %s', rotation))

    def state(self, rotation):
        with self.database.connect('reader') as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute('SELECT * FROM rotation_state WHERE id = %s', (rotation,))
            return cursor.fetchone()

    def stragglers(self, rotation):
        return {mac for mac, in self.database.sql('SELECT mac FROM rotation_straggler WHERE rotation_id = %s', (rotation,), account='reader')}

    def ha1(self, view):
        """{account: its value} of a registrar's view."""
        columns = {'subscriber': 'account_id, ha1, ha1_sha256', 'subscriber_previous': 'account_id, ha1, ha1_sha256'}
        if view == 'ps_auths':
            rows = self.database.sql('SELECT id, md5_cred FROM ps_auths WHERE id LIKE %s', (self.name + '/%',), account='registrar')
            return {name.split('/', 1)[1]: value for name, value in rows}
        return {a: (m, s) for a, m, s in self.database.sql(f'SELECT {columns[view]} FROM {view} WHERE tenant_id = %s', (self.name,), account='registrar')}

    def password(self, mac):
        """The SIP password in the file that the phone would get now."""
        for line in self.database.command('render', mac, '--show-secrets').stdout.splitlines():
            if line.startswith('account.1.password'):
                return line.split(' = ', 1)[1]
        raise AssertionError('no password in the file')

    def registrar_takes(self, mac, password):
        """In which views would a registrar find this password right?"""
        account = f'{mac}-1'
        user = self.sql('SELECT sip_user FROM account WHERE tenant_id = %s AND account_id = %s', self.name, account)[0][0]
        text = f'{user}:{self.name}.example:{password}'.encode()
        md5, sha256 = hashlib.md5(text).hexdigest(), hashlib.sha256(text).hexdigest()
        return {view for view in ('subscriber', 'subscriber_previous') if self.ha1(view).get(account) == (md5, sha256)} | \
               ({'ps_auths'} if self.ha1('ps_auths').get(account) == md5 else set())


@pytest.fixture
def tenant(database):
    return Tenant(database)


def refused(database, statement, *arguments):
    with pytest.raises(pymysql.err.MySQLError) as error:
        database.sql(statement, arguments)
    message = error.value.args[1]
    assert error.value.args[0] == 1644 and len(message) <= 128, error.value.args
    return message


# ---- what may be asked for

def test_refusals(database, tenant):
    insert = 'INSERT INTO rotation (tenant_id, site_id, mac, what, expire_at, overlap) VALUES (%s, %s, %s, %s, %s, %s)'
    name, mac = tenant.name, tenant.macs[0]
    other = Tenant(database, phones=1, realm=False)
    for row, told in (((name, None, None, 'ssh', None, None), 'rotation.what is http, sip or web, not `ssh`'),
                      (('nobody', None, None, 'http', None, None), 'unknown tenant `nobody`; insert it into tenant first'),
                      ((name, 'moon', None, 'http', None, None), f'tenant `{name}` has no site `moon`; insert it into site first'),
                      ((name, None, '805ec0ffffff', 'http', None, None), 'unknown device `805ec0ffffff`; insert it into device first'),
                      ((name, None, other.macs[0], 'http', None, None), f'device {other.macs[0]} belongs to tenant `{other.name}`, not to `{name}`'),
                      ((name, 'moon', mac, 'http', None, None), 'rotation: give site_id or mac, not both'),
                      (('', None, None, 'http', None, None), 'rotation: whose? give tenant_id, tenant_id and site_id, or mac'),
                      ((name, None, None, 'http', '2020-01-01', None), 'rotation.expire_at 2020-01-01 00:00:00 is over already; phones need time to come'),
                      ((name, None, None, 'http', None, 60), 'rotation.overlap is for sip; for http give expire_at'),
                      ((name, None, None, 'sip', None, -1), 'rotation.overlap is 0 to 31536000 seconds, not -1'),
                      ((other.name, None, None, 'sip', None, None), f'tenant `{other.name}` has no sip.realm, so no registrar would learn a new password; set it first')):
        assert refused(database, insert, *row) == told
    assert tenant.sql('SELECT COUNT(*) FROM rotation') == ((0,),)


def test_who_asked_and_what_stays(database, tenant):
    rotation = tenant.rotate('http')
    state = tenant.state(rotation)
    assert state['requested_by'] == 'dialtone_dba@localhost' and state['state'] == 'open' and state['requested_at'] and not state['started_at']
    for change, told in (("what = 'web'", 'stays what it was asked for: cancel it and insert another'),
                         ("tenant_id = 'x'", 'stays what it was asked for: cancel it and insert another')):
        with pytest.raises(pymysql.err.MySQLError) as error:
            tenant.sql(f'UPDATE rotation SET {change} WHERE id = {rotation}')
        assert told in error.value.args[1]
    update = 'UPDATE rotation SET state = %s WHERE id = %s'
    assert refused(database, update, 'paused', rotation) == 'rotation.state can be set to cancelled, not to `paused`'
    assert refused(database, update, 'finished', rotation) == f'rotation {rotation} finishes by itself; set state to cancelled, or expire_at, to end it'
    assert 'is not over' in refused(database, 'DELETE FROM rotation WHERE id = %s', rotation)
    database.sql(update, ('cancelled', rotation))
    assert refused(database, update, 'open', rotation) == f'rotation {rotation} is cancelled and stays so: insert another'
    database.courier()
    assert tenant.state(rotation)['finished_at'] and tenant.device(tenant.macs[0])[1] is None
    assert 'is over since' in refused(database, 'UPDATE rotation SET expire_at = NOW() WHERE id = %s', rotation)
    database.sql('DELETE FROM rotation WHERE id = %s', (rotation,))
    by_mac = 'INSERT INTO rotation (mac, what) VALUES (%s, %s)'
    database.sql(by_mac, ('80:5E:C0' + ''.join(f':{tenant.macs[0][i:i + 2]}' for i in (6, 8, 10)), 'HTTP'))
    assert tenant.sql('SELECT tenant_id, mac, what FROM rotation WHERE tenant_id = %s', tenant.name) == ((tenant.name, tenant.macs[0], 'http'),)
    database.courier()
    assert [tenant.device(mac)[1] is not None for mac in tenant.macs] == [True, False, False]


# ---- http

def test_http(database, tenant):
    first = {mac: tenant.device(mac)[0] for mac in tenant.macs}
    one, two, three = tenant.macs
    rotation = tenant.rotate('http')
    database.courier()
    assert all(tenant.device(mac)[1] == first[mac] and tenant.device(mac)[2].startswith(FAR) for mac in tenant.macs)
    assert set(tenant.states(rotation).values()) == {'made'} and tenant.stragglers(rotation) == set(tenant.macs)
    # a fetch by the old token, which brings the new one, is no proof; its use is
    tenant.fetch(one, first[one])
    database.courier()
    assert tenant.stragglers(rotation) == set(tenant.macs) and tenant.accepted(one) == {first[one], tenant.device(one)[0]}
    tenant.fetch(one)
    database.courier()
    assert tenant.states(rotation)[one] == 'finished' and tenant.accepted(one) == {tenant.device(one)[0]} and tenant.device(one)[1:] == (None, None)
    assert tenant.stragglers(rotation) == {two, three}
    state = tenant.state(rotation)
    assert (state['state'], state['total'], state['made'], state['finished'], state['stragglers']) == ('open', 3, 2, 1, 2)
    # a phone that is deleted is not waited for; the last one finishes it all
    database.sql('CALL delete_device(%s)', (two,))
    tenant.fetch(three)
    database.courier()
    assert tenant.states(rotation) == {one: 'finished', two: 'gone', three: 'finished'}
    assert tenant.state(rotation)['state'] == 'finished' and tenant.state(rotation)['finished_at']
    before = tenant.sql('SELECT * FROM device WHERE tenant_id = %s', tenant.name)
    database.courier()
    assert tenant.sql('SELECT * FROM device WHERE tenant_id = %s', tenant.name) == before


def test_http_certificate(database, tenant):
    """A phone that proves itself by its certificate never uses a token: that it has the new file is what counts."""
    one, two, _ = tenant.macs
    tenant.fetch(one, identity='certificate')
    tenant.fetch(two, identity='enrolment')
    rotation = tenant.rotate('http')
    database.courier()
    assert tenant.stragglers(rotation) == set(tenant.macs)
    tenant.fetch(one, identity='certificate')
    tenant.fetch(two, identity='enrolment')  # whoever came in by a window has not proven itself
    database.courier()
    assert tenant.states(rotation)[one] == 'finished' and tenant.states(rotation)[two] == 'made'


def test_http_expires(database, tenant):
    first = {mac: tenant.device(mac)[0] for mac in tenant.macs}
    one, two, three = tenant.macs
    rotation = tenant.rotate('http', expire_at='2037-01-01 00:00:00')
    database.courier()
    assert {tenant.device(mac)[2] for mac in tenant.macs} == {'2037-01-01 00:00:00'}
    database.sql("UPDATE rotation SET expire_at = '2036-01-01' WHERE id = %s", (rotation,))
    database.sql("UPDATE device SET previous_until = '2035-05-05' WHERE mac = %s", (three,))
    database.courier()
    assert {tenant.device(mac)[2] for mac in (one, two)} == {'2036-01-01 00:00:00'}
    assert tenant.device(three)[2] == '2035-05-05 00:00:00', 'what somebody set by hand stays'
    tenant.fetch(one)
    database.sql('UPDATE rotation SET expire_at = NOW() - INTERVAL 6 SECOND WHERE id = %s', (rotation,))
    database.courier()
    assert tenant.states(rotation) == {one: 'finished', two: 'expired', three: 'expired'}
    assert all(tenant.accepted(mac) == {tenant.device(mac)[0]} and first[mac] not in tenant.accepted(mac) for mac in tenant.macs)
    assert tenant.state(rotation)['state'] == 'finished' and tenant.state(rotation)['given_up'] == 2
    assert tenant.stragglers(rotation) == {two, three}
    tenant.fetch(two)
    assert tenant.stragglers(rotation) == {three}


def test_http_cancel(database):
    """What has a new secret goes on to its end; what has none keeps what it has."""
    tenant = Tenant(database, phones=4)
    rotation = tenant.rotate('http')
    with database.connect('dba', autocommit=False) as other, other.cursor() as cursor:
        cursor.execute('UPDATE device SET comment = 1 WHERE mac IN %s', (tenant.macs[:2],))
        database.courier()  # two are locked by somebody's transaction: the others go on
        other.rollback()
    assert tenant.states(rotation) == dict(zip(tenant.macs, ['waiting', 'waiting', 'made', 'made']))
    database.sql("UPDATE rotation SET state = 'cancelled' WHERE id = %s", (rotation,))
    database.courier()
    assert tenant.states(rotation) == dict(zip(tenant.macs, ['cancelled', 'cancelled', 'made', 'made']))
    assert not tenant.state(rotation)['finished_at'] and tenant.stragglers(rotation) == set(tenant.macs[2:])
    for mac in tenant.macs[2:]:
        tenant.fetch(mac)
    database.courier()
    assert tenant.state(rotation)['finished_at'] and tenant.state(rotation)['state'] == 'cancelled'
    assert all(tenant.device(mac)[1] is None for mac in tenant.macs)


def test_second_rotation_locks_nobody_out(database, tenant):
    """The old generation of a phone that has not come stays good until it has, however many rotations are asked for."""
    first = {mac: tenant.device(mac)[0] for mac in tenant.macs}
    one, two, three = tenant.macs
    a = tenant.rotate('http')
    database.courier()
    tenant.fetch(one)
    database.courier()
    b = tenant.rotate('http')
    database.courier()
    assert tenant.states(b) == {one: 'made', two: 'held', three: 'held'} and tenant.stragglers(a) == {two, three}
    assert tenant.stragglers(b) == {one, two, three} and first[two] in tenant.accepted(two) and first[three] in tenant.accepted(three)
    tenant.fetch(two, first[two])
    database.courier()
    assert first[two] in tenant.accepted(two)
    tenant.fetch(two)           # uses what a gave it: a is over for it, and b begins
    database.courier()
    assert tenant.states(a)[two] == 'finished' and tenant.states(b)[two] == 'made' and first[two] not in tenant.accepted(two)
    # an older change by hand holds as well
    tenant.fetch(one)
    database.courier()
    assert tenant.states(b)[one] == 'finished'
    kept = tenant.device(one)[0]
    database.sql('UPDATE device SET generation = DEFAULT WHERE mac = %s', (one,))
    c = tenant.rotate('http', mac=one)
    database.courier()
    assert tenant.states(c) == {one: 'held'} and kept in tenant.accepted(one)
    tenant.fetch(one)
    tenant.sql("UPDATE rotation_device SET due_at = NOW() WHERE state = 'held'")
    database.courier()
    assert tenant.states(c) == {one: 'made'}
    # the straggler of a expires: b gives it a new one, because the old one counts no longer anyway
    database.sql('UPDATE rotation SET expire_at = NOW() - INTERVAL 6 SECOND WHERE id = %s', (a,))
    database.courier()
    assert tenant.states(a)[three] == 'expired' and tenant.states(b)[three] == 'made' and first[three] not in tenant.accepted(three)


def test_site(database):
    tenant = Tenant(database, phones=3)
    tenant.sql("INSERT INTO site (tenant_id, site_id) VALUES (%s, 'hq')", tenant.name)
    tenant.sql("UPDATE device SET site_id = 'hq' WHERE mac = %s", tenant.macs[1])
    http, sip, web = (tenant.rotate(what, site_id='hq') for what in ('http', 'sip', 'web'))
    database.courier()
    assert set(tenant.states(http)) == set(tenant.states(web)) == {tenant.macs[1]}
    assert set(tenant.states(sip, 'rotation_account', 'account_id')) == {f'{tenant.macs[1]}-1'}


# ---- sip

def test_sip(database, tenant):
    one, two, three = tenant.macs
    old = {mac: tenant.password(mac) for mac in tenant.macs}
    for mac in tenant.macs:
        tenant.fetch(mac)
        assert tenant.registrar_takes(mac, old[mac]) == {'subscriber', 'ps_auths'}
    rotation = tenant.rotate('sip')
    database.courier()
    new = {mac: tenant.password(mac) for mac in tenant.macs}
    assert all(len(p) == 24 and p.isalnum() and p not in old.values() for p in new.values()) and len(set(new.values())) == 3
    assert tenant.sql("SELECT COUNT(*) FROM account_secret WHERE tenant_id = %s AND sealed IS NULL", tenant.name) == ((0,),)
    # 1: both count; who can take only one still takes the phone's old one
    for mac in tenant.macs:
        assert tenant.registrar_takes(mac, old[mac]) == {'subscriber_previous', 'ps_auths'} and tenant.registrar_takes(mac, new[mac]) == {'subscriber'}
    assert tenant.stragglers(rotation) == set(tenant.macs)
    # 2: a phone has fetched: the old password ends at once
    tenant.fetch(one)
    database.courier()
    assert tenant.registrar_takes(one, old[one]) == set() and tenant.registrar_takes(one, new[one]) == {'subscriber', 'ps_auths'}
    assert tenant.registrar_takes(two, old[two]) == {'subscriber_previous', 'ps_auths'}
    assert tenant.states(rotation, 'rotation_account', 'account_id') == {f'{one}-1': 'finished', f'{two}-1': 'made', f'{three}-1': 'made'}
    # 3: the time for both is over: the views know it without the courier, and the phone is still looked for
    tenant.sql("UPDATE account_digest SET previous_until = NOW() WHERE account_id = %s", f'{two}-1')
    assert tenant.registrar_takes(two, old[two]) == set() and tenant.registrar_takes(two, new[two]) == {'subscriber', 'ps_auths'}
    tenant.sql("UPDATE rotation_account SET valid_until = NOW() WHERE account_id = %s", f'{two}-1')
    database.courier()
    assert tenant.states(rotation, 'rotation_account', 'account_id')[f'{two}-1'] == 'over' and tenant.stragglers(rotation) == {two, three}
    assert not tenant.state(rotation)['finished_at']
    # 4: it comes after all
    for mac in (two, three):
        tenant.fetch(mac)
    database.courier()
    state = tenant.state(rotation)
    assert state['state'] == 'finished' and (state['total'], state['finished'], state['given_up'], state['stragglers']) == (3, 2, 1, 0)
    assert tenant.sql('SELECT COUNT(*) FROM account_digest WHERE tenant_id = %s AND previous_until IS NOT NULL', tenant.name) == ((0,),)


def test_sip_overlap(database, tenant):
    """The option of the rotation, that of the configuration, and expire_at: whichever ends first."""
    def seconds(rotation):
        return tenant.sql('SELECT MAX(TIMESTAMPDIFF(SECOND, made_at, CONVERT_TZ(valid_until, @@time_zone, "+00:00"))) FROM rotation_account WHERE rotation_id = %s', rotation)[0][0]
    one, two, three = tenant.macs
    a, b = tenant.rotate('sip', mac=one, overlap=600), tenant.rotate('sip', mac=two)
    c = tenant.rotate('sip', mac=three, expire_at=(time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(time.time() + 100))))
    database.courier()
    assert abs(seconds(a) - 600) <= 2 and abs(seconds(b) - 604800) <= 2 and abs(seconds(c) - 100) <= 3
    # an incident: the old password must go now
    database.sql('UPDATE rotation SET expire_at = NOW() - INTERVAL 6 SECOND WHERE id = %s', (a,))
    database.courier()
    assert tenant.ha1('subscriber_previous').keys() == {f'{two}-1', f'{three}-1'}
    assert tenant.states(a, 'rotation_account', 'account_id') == {f'{one}-1': 'over'} and tenant.states(a) == {one: 'expired'}
    assert tenant.state(a)['state'] == 'finished' and tenant.stragglers(a) == {one}


def test_sip_account_on_two_phones(database, tenant):
    one, two, three = tenant.macs
    account = f'{one}-1'
    database.sql('INSERT INTO line (mac, position, account_id) VALUES (%s, 2, %s)', (two, account))
    old = tenant.password(one)
    rotation = tenant.rotate('sip')
    database.courier()
    new = tenant.password(one)
    assert tenant.sql('SELECT mac FROM rotation_device WHERE rotation_id = %s AND account_id = %s ORDER BY mac', rotation, account) == ((one,), (two,))
    tenant.fetch(one)
    database.courier()
    assert tenant.registrar_takes(one, old) == {'subscriber_previous', 'ps_auths'} and tenant.registrar_takes(one, new) == {'subscriber'}
    # other changes before and after its fetch do not hide that it has come
    tenant.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'language', 'de')", two)
    tenant.fetch(two)
    for value in ('fr', 'es'):
        tenant.sql("UPDATE device_setting SET value = %s WHERE mac = %s", value, two)
    database.courier()
    assert tenant.registrar_takes(one, old) == set() and tenant.registrar_takes(one, new) == {'subscriber', 'ps_auths'}
    # a phone that loses its line is not waited for
    database.sql('DELETE FROM line WHERE mac = %s', (three,))
    database.courier()
    assert tenant.state(rotation)['state'] == 'finished'


def test_sip_second_rotation_and_nobodys_account(database, tenant):
    one = tenant.macs[0]
    database.sql("INSERT INTO account (tenant_id, account_id, sip_user) VALUES (%s, 'soft', 'soft')", (tenant.name,))
    database.sql("INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES (%s, 'soft', 'sip.password', 'typed by hand')", (tenant.name,))
    old = tenant.password(one)
    a = tenant.rotate('sip')
    database.courier()
    assert tenant.states(a, 'rotation_account', 'account_id')['soft'] == 'skipped' and tenant.state(a)['skipped'] == 1
    b = tenant.rotate('sip', mac=one)
    database.courier()
    assert tenant.states(b, 'rotation_account', 'account_id') == {f'{one}-1': 'held'}
    assert tenant.registrar_takes(one, old) == {'subscriber_previous', 'ps_auths'}, 'the phone still registers by what it has'
    between = tenant.password(one)
    tenant.fetch(one)
    database.courier()
    assert tenant.states(b, 'rotation_account', 'account_id') == {f'{one}-1': 'made'}
    assert tenant.registrar_takes(one, between) == {'subscriber_previous', 'ps_auths'} and tenant.registrar_takes(one, old) == set()


def test_sip_waits_for_what_is_not_derived(database, tenant):
    """A realm that was set a moment ago: without the old HA1 the registrar could not take both."""
    database.sql('DELETE FROM line WHERE mac IN %s', (tenant.macs[1:],))
    account = f'{tenant.macs[0]}-1'
    tenant.sql('UPDATE account_digest SET version = NULL WHERE account_id = %s', account)
    old = tenant.password(tenant.macs[0])
    rotation = tenant.rotate('sip')
    database.courier()  # its sweep puts the account's event there; should it come first, nothing was to be waited for
    wait_until(lambda: database.courier() and tenant.states(rotation, 'rotation_account', 'account_id')[account] == 'made', 20, 'the account to be changed')
    assert tenant.registrar_takes(tenant.macs[0], old) == {'subscriber_previous', 'ps_auths'}


# ---- web

def test_web(database):
    tenant = Tenant(database, phones=2)
    one, two = tenant.macs
    database.sql("INSERT INTO device_secret (mac, name, plain) VALUES (%s, 'phone.admin_password', 'typed')", (one,))

    def web(mac):
        return [line for line in database.command('render', mac, '--show-secrets').stdout.splitlines() if 'user_password' in line or 'security' in line]
    before = web(one), web(two)
    rotation = tenant.rotate('web')
    database.courier()
    after = web(one), web(two)
    assert before[0] != after[0] and before[1] != after[1] and 'typed' not in str(after)
    rows = tenant.sql("SELECT mac, name, plain, sealed IS NOT NULL FROM device_secret WHERE mac IN %s", tenant.macs)
    assert {(m, n) for m, n, _, _ in rows} == {(m, n) for m in tenant.macs for n in ('phone.admin_password', 'phone.user_password')}
    assert all(plain is None and sealed for _, _, plain, sealed in rows)
    assert tenant.stragglers(rotation) == {one, two}
    tenant.fetch(one)
    database.courier()
    assert tenant.states(rotation) == {one: 'finished', two: 'made'}
    database.sql("UPDATE rotation SET expire_at = NOW() - INTERVAL 6 SECOND WHERE id = %s", (rotation,))
    database.courier()
    assert tenant.states(rotation) == {one: 'finished', two: 'expired'} and tenant.stragglers(rotation) == {two}
    assert tenant.sql("SELECT version FROM device_secret WHERE mac = %s", one) and web(one) == after[0]


# ---- killed at any instant, and several at once

def outcome(tenant, rotations):
    """What must be the same however often the courier was killed."""
    http, sip, web = rotations
    return {
        'states': [sorted(tenant.states(r).items()) for r in (http, web)] + [sorted(tenant.states(sip, 'rotation_account', 'account_id').items())],
        'pairs': tenant.sql('SELECT mac, account_id, state FROM rotation_device WHERE rotation_id = %s ORDER BY 1, 2', sip),
        'revisions': tenant.sql('SELECT COUNT(*) FROM rotation_revision WHERE mac IN %s', tenant.macs),
        'left': tenant.sql("SELECT COUNT(*) FROM outbox WHERE kind IN ('seal', 'digest')"),
        'secrets': tenant.sql('SELECT mac, name, plain IS NULL FROM device_secret WHERE mac IN %s ORDER BY 1, 2', tenant.macs),
    }


def check_made(tenant, first, old):
    """After the first half: every phone still has what the database takes."""
    for mac in tenant.macs:
        assert tenant.device(mac)[1] == first[mac], 'one new generation each, never two'
    for mac in tenant.macs[::7]:
        assert tenant.registrar_takes(mac, old[mac]) == {'subscriber_previous', 'ps_auths'}
        assert tenant.registrar_takes(mac, tenant.password(mac)) == {'subscriber'}


@pytest.mark.parametrize('couriers', [1, 2], ids=['killed', 'killed, two at once'])
def test_killed_at_any_instant(database, couriers):
    """SIGKILL after random short times, again and again, in both halves; phones fetch in between. It ends as a run that nobody disturbed."""
    seed = random.randrange(1 << 30)
    print('seed', seed)
    chance = random.Random(seed)
    tenant = Tenant(database, phones=many(40, 200))
    first = {mac: tenant.device(mac)[0] for mac in tenant.macs}
    old = {mac: tenant.password(mac) for mac in tenant.macs[::7]}
    rotations = [tenant.rotate(what) for what in ('http', 'sip', 'web')]
    kills = 0

    def until(done, what):
        nonlocal kills
        deadline = time.monotonic() + 180
        while not done():
            for courier in running:
                courier.start()
            for courier in running:
                time.sleep(chance.uniform(0, 0.12))
                courier.kill()
                kills += 1
            assert time.monotonic() < deadline, what

    running = [Courier(database, conf={'courier': {'batch': 7, 'interval': 50}}) for _ in range(couriers)]
    try:
        count = len(tenant.macs)
        until(lambda: all(tenant.state(r)['made'] == count and tenant.state(r)['listed_at'] for r in rotations), 'everything to be changed')
        check_made(tenant, first, old)
        for mac in tenant.macs[1:]:
            tenant.fetch(mac)
        until(lambda: all(tenant.state(r)['finished'] == count - 1 for r in rotations), 'all but one to be finished')
        assert all(tenant.stragglers(r) == {tenant.macs[0]} for r in rotations)
        assert tenant.accepted(tenant.macs[0]) == {first[tenant.macs[0]], tenant.device(tenant.macs[0])[0]}
        assert all(tenant.accepted(mac) == {tenant.device(mac)[0]} for mac in tenant.macs[1:])
        tenant.fetch(tenant.macs[0])
        until(lambda: all(tenant.state(r)['finished_at'] for r in rotations), 'the rotations to be finished')
    finally:
        for courier in running:
            courier.stop()
            remove(courier.directory)
    assert kills >= 6

    def nothing_left():
        database.courier()
        end = outcome(tenant, rotations)
        return end if end['left'] == ((0,),) else None
    # what the last one killed had locked is passed over, or put off, until the server has seen that its connection is gone
    end = wait_until(nothing_left, 60, 'the rest of the outbox to be done')
    assert {state for table in end['states'] for _, state in table} == {'finished'} and all(len(table) == count for table in end['states'])
    assert {state for _, _, state in end['pairs']} == {'finished'} and len(end['pairs']) == count
    assert len(end['secrets']) == 2 * count and end['left'] == end['revisions'] == ((0,),)
    assert tenant.sql('SELECT COUNT(*) FROM account_digest WHERE tenant_id = %s AND previous_until IS NOT NULL', tenant.name) == ((0,),)


def test_two_couriers_share(database):
    """Neither undoes the other's work nor repeats it."""
    tenant = Tenant(database, phones=many(60, 400))
    first = {mac: tenant.device(mac)[0] for mac in tenant.macs}
    rotations = [tenant.rotate(what) for what in ('http', 'sip', 'web')]
    with Courier(database, conf={'courier': {'batch': 5}}) as one, Courier(database, conf={'courier': {'batch': 5}}) as other:
        wait_until(lambda: all(tenant.state(r)['made'] == len(tenant.macs) for r in rotations), 60, 'everything to be changed')
        threads = [threading.Thread(target=tenant.fetch, args=(mac,)) for mac in tenant.macs[:20]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for mac in tenant.macs[20:]:
            tenant.fetch(mac)
        wait_until(lambda: all(tenant.state(r)['finished_at'] for r in rotations), 60, 'the rotations to be finished')
        changed = [log.count('has a new generation') for log in (one.log(), other.log())]
    assert sum(changed) == len(tenant.macs)
    assert all(tenant.device(mac)[0] != first[mac] and tenant.device(mac)[1] is None for mac in tenant.macs)


def test_a_row_that_fails_holds_up_no_other(database, tenant):
    """A secret that the schema refuses: told on the row, the others go on, and it goes on once it is mended."""
    one = tenant.macs[0]
    tenant.sql("INSERT INTO device_secret (mac, name, plain) VALUES (%s, 'phone.admin_password', 'x')", one)
    tenant.sql("UPDATE setting SET retired = 1 WHERE name = 'phone.admin_password'")
    try:
        rotation = tenant.rotate('web', mac=one)
        good = tenant.rotate('http')
        database.courier(check=False)
        told = tenant.state(rotation)['last_error']
        assert tenant.states(rotation) == {one: 'waiting'} and 'phone.admin_password' in told and tenant.state(good)['made'] == 3
    finally:
        tenant.sql("UPDATE setting SET retired = 0 WHERE name = 'phone.admin_password'")
    tenant.sql('UPDATE rotation_device SET due_at = NOW() WHERE rotation_id = %s', rotation)
    database.courier()
    assert tenant.states(rotation) == {one: 'made'} and tenant.state(rotation)['last_error'] is None


# ---- the command

def told(database, *arguments):
    result = database.command('--json', 'rotate', *arguments, check=False)
    return result.returncode, json.loads(result.stdout) if result.stdout else None, result.stderr


def test_command(database, tenant):
    one, two, three = tenant.macs
    code, answer, _ = told(database, 'http', '--tenant', tenant.name)
    assert code == 0 and answer['what'] == 'http' and answer['tenant'] == tenant.name
    rotation = answer['id']
    database.courier()
    tenant.fetch(one)
    database.courier()
    code, answer, _ = told(database, '--list', '--tenant', tenant.name)
    assert code == 0 and [(r['id'], r['state'], r['total'], r['finished'], r['stragglers'], r['requested_by']) for r in answer['rotations']] == \
        [(rotation, 'open', 3, 1, 2, 'root@localhost')]
    code, answer, _ = told(database, '--stragglers', '--tenant', tenant.name)
    assert code == 1 and {s['mac'] for s in answer['stragglers']} == {two, three} and answer['stragglers'][0]['rotation'] == rotation
    text = database.command('rotate', '--stragglers', check=False).stdout
    assert two in text and three in text and one not in text
    assert f'{rotation} ' in database.command('rotate', '--list').stdout
    code, answer, _ = told(database, '--cancel', str(rotation))
    assert code == 0 and tenant.state(rotation)['state'] == 'cancelled'
    code, _, error = told(database, '--cancel', str(rotation))
    assert code == 7 and f'rotation {rotation} is cancelled already' in error
    code, _, error = told(database, '--cancel', '987654321')
    assert code == 3 and 'there is no rotation 987654321' in error


def test_command_waits(database, tenant):
    with Courier(database):
        waiting = subprocess.Popen([program('dialtone'), '-c', database.conf_file(), '--json', 'rotate', 'web', '--mac', tenant.macs[0], '--wait'],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: tenant.sql("SELECT 1 FROM rotation_device WHERE mac = %s AND state = 'made'", tenant.macs[0]), 20, 'the new passwords')
        assert waiting.poll() is None
        tenant.fetch(tenant.macs[0])
        out, error = waiting.communicate(timeout=20)
    assert waiting.returncode == 0, error
    assert json.loads(out)['state'] == 'finished'


def test_command_refuses(database, tenant):
    for arguments, code, text in ((['http'], 2, 'whose'), (['ftp', '--tenant', tenant.name], 2, 'http, sip or web'), ([], 2, 'what'),
                                  (['http', '--site', 'x'], 2, '--tenant'), (['http', '--tenant', tenant.name, '--expire', 'soon'], 2, 'is no date'),
                                  (['http', '--tenant', 'nobody'], 7, 'unknown tenant'), (['--list', '--wait'], 2, '--wait'), (['--cancel', 'x'], 2, 'number'),
                                  (['--list', '--stragglers'], 2, 'one of'), (['http', '--tenant', tenant.name, '--overlap', '5'], 2, 'sip')):
        result = database.command('rotate', *arguments, check=False)
        assert result.returncode == code and text in result.stderr, (arguments, result.returncode, result.stderr)
    code, answer, _ = told(database, 'sip', '--tenant', tenant.name, '--expire', '2037-03-04', '--overlap', '3600')
    assert code == 0
    assert tenant.sql('SELECT what, CAST(CONVERT_TZ(expire_at, @@session.time_zone, "+00:00") AS CHAR), overlap FROM rotation WHERE id = %s', answer['id']) == \
        (('sip', '2037-03-04 00:00:00', 3600),)
