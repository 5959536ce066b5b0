"""A registrar that is not ours reads our views: threat C4. Kamailio authenticates accounts from `subscriber` as dialtone_registrar, and follows each change of realm, password and switch."""
import hashlib

import pytest

from kamailio import Kamailio
from stack import Courier
from waiting import wait_until


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


def test_what_registers(registrar, courier, database, account):
    tenant, name, user, realm, password = account
    wait_until(lambda: registers(registrar, user, realm, password), 10, 'the account to register')
    assert registrar.register(user, realm, 'wrong') == 401
    assert registrar.register(user, realm, '') == 401
    assert registrar.register('u99999', realm, password) == 401
    assert registrar.register(user, 'other.example.net', password) == 401
    # HA1 is as good as the password in its realm, and an empty one is good for nothing
    algorithm = {'MD5': 'md5', 'SHA-256': 'sha256'}[registrar.algorithm]
    assert registrar.register(user, realm, None, ha1=hashlib.new(algorithm, f'{user}:{realm}:{password}'.encode()).hexdigest()) == 200
    assert registrar.register(user, realm, None, ha1='0' * 32) == 401
    database.sql('UPDATE account SET enabled = 0 WHERE tenant_id = %s AND account_id = %s', (tenant, name))
    assert registrar.register(user, realm, password) == 401
    database.sql('UPDATE account SET enabled = 1 WHERE tenant_id = %s AND account_id = %s', (tenant, name))
    database.sql('UPDATE tenant SET enabled = 0 WHERE tenant_id = %s', (tenant,))
    assert registrar.register(user, realm, password) == 401
    database.sql('UPDATE tenant SET enabled = 1 WHERE tenant_id = %s', (tenant,))
    assert registrar.register(user, realm, password) == 200


def test_a_change_reaches_the_registrar(registrar, courier, database, account):
    tenant, name, user, realm, password = account
    wait_until(lambda: registers(registrar, user, realm, password), 10, 'the account to register')
    database.sql("UPDATE account_secret SET plain = 'Ohngee7eaX' WHERE tenant_id = %s AND account_id = %s AND name = 'sip.password'", (tenant, name))
    wait_until(lambda: registers(registrar, user, realm, 'Ohngee7eaX'), 10, 'the new password')
    assert registrar.register(user, realm, password) == 401
    old = registrar.register(user, realm, 'Ohngee7eaX')
    database.sql("UPDATE tenant_setting SET value = 'new.example.net' WHERE tenant_id = %s AND name = 'sip.realm'", (tenant,))
    wait_until(lambda: registers(registrar, user, 'new.example.net', 'Ohngee7eaX'), 10, 'the new realm')
    assert (old, registrar.register(user, realm, 'Ohngee7eaX')) == (200, 401)
    database.sql("DELETE FROM account_secret WHERE tenant_id = %s AND account_id = %s", (tenant, name))
    assert registrar.register(user, 'new.example.net', 'Ohngee7eaX') == 401


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
    database.sql("UPDATE account_secret SET plain = 'Ohngee7eaX' WHERE tenant_id = %s AND account_id = %s AND name = 'sip.password'", (tenant, name))
    wait_until(lambda: registers(registrar, user, realm, 'Ohngee7eaX'), 10, 'the new password')
    assert registrar.register(user, realm, password) == 200
    database.sql('UPDATE account_digest SET previous_until = NOW() + INTERVAL 1 SECOND WHERE tenant_id = %s AND account_id = %s', (tenant, name), account='courier')
    wait_until(lambda: not registers(registrar, user, realm, password), 15, 'the previous one to end')
    assert registrar.register(user, realm, 'Ohngee7eaX') == 200
