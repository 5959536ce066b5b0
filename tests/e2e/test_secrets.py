"""Secrets at rest (threats C1 to C4, C7, C8): sealed by the courier, bound to their rows, opened for the one phone that gets them; HA1 for the registrar; keys that change under load."""
import hashlib
import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest

import fcgi_client as fcgi
from stack import Courier, Database, Pool, ini, many, merged, program, remove, temporary, unhandled_signals
from waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def served(database):
    with Pool(database, workers=2, proxies=False) as pool:
        yield pool


def get(pool, mac, **more):
    return fcgi.fetch(pool.socket, fcgi.proxy_parameters(f'/{mac}.cfg', auth=pool.database.credentials(mac)), **more)


def secrets_of(database, mac):
    return database.sql("SELECT plain, sealed, key_id, version FROM account_secret WHERE account_id LIKE %s ORDER BY account_id", (mac + '-%',), account='root')


def plain_left(database):
    return sum(database.sql(f'SELECT COUNT(*) FROM {table} WHERE plain IS NOT NULL', account='root')[0][0]
               for table in ('tenant_secret', 'device_secret', 'account_secret', 'device_password'))


def revisions(database):
    return [database.sql(f'SELECT * FROM {thing}_revision ORDER BY 1, 2', account='root') for thing in ('device', 'layer')]


def touch(database, mac):
    """Another revision of the device, so that its rows are read again and no pack answers."""
    database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'phone.web_access', 'true') ON DUPLICATE KEY UPDATE value = IF(value = 'true', 'false', 'true')", (mac,))


def touch_line(database, mac):
    database.sql("UPDATE line SET label = CONCAT(COALESCE(label, ''), 'x') WHERE mac = %s AND position = 1", (mac,))


def ha1(user, realm, password, algorithm='md5'):
    return hashlib.new(algorithm, f'{user}:{realm}:{password}'.encode()).hexdigest()


# ---------------------------------------------------------------- sealing

def test_served_before_and_after_sealing_alike(served, fleet):
    """A device that fetches before its secret is sealed is served; sealing moves no revision, and a phone sees nothing of it."""
    database, tenant = served.database, fleet.tenant()
    mac = fleet.mac()
    passwords = database.add_device(mac, tenant, fleet.models[fleet.vendor], accounts=2)
    database.sql("INSERT INTO tenant_secret (tenant_id, name, plain) VALUES (%s, 'phone.admin_password', 'Tenant-Oo3ieC')", (tenant,))
    database.sql("INSERT INTO device_secret (mac, name, plain) VALUES (%s, 'phone.user_password', 'Device-Ahth4o')", (mac,))
    first = get(served, mac)
    assert first.status == 200
    for text in (*passwords, 'Tenant-Oo3ieC', 'Device-Ahth4o'):
        assert text.encode() in first.body, text
    before = revisions(database)
    database.courier()
    assert plain_left(database) == 0 and database.sql('SELECT COUNT(*) FROM outbox', account='root') == ((0,),)
    assert revisions(database) == before
    again = get(served, mac)
    assert (again.status, again.body, again.header('etag')) == (200, first.body, first.header('etag'))
    touch_line(database, mac)
    read_again = get(served, mac)
    assert read_again.status == 200 and read_again.header('etag') != first.header('etag')
    for text in (*passwords, 'Tenant-Oo3ieC', 'Device-Ahth4o'):
        assert text.encode() in read_again.body, text


def test_sealed_within_seconds(database, fleet):
    with Courier(database):
        mac = fleet.phone(accounts=3)
        wait_until(lambda: all(row[1] for row in secrets_of(database, mac)), 5, 'the secrets to be sealed')
        # a newer one over a sealed one
        database.sql("UPDATE account_secret SET plain = 'Iequ8aifohsh' WHERE account_id = %s", (mac + '-1',))
        wait_until(lambda: all(row[1] and not row[0] for row in secrets_of(database, mac)), 5, 'the new one to be sealed')


def test_a_newer_secret_is_never_sealed_over(database, fleet):
    """A DBA changes a secret again and again while couriers seal: what is sealed in the end is the last one."""
    mac = fleet.phone()
    with Courier(database), Courier(database):
        for number in range(many(60, 1000)):
            database.sql('UPDATE account_secret SET plain = %s WHERE account_id = %s', (f'secret-{number}', mac + '-1'))
        wait_until(lambda: all(row[1] for row in secrets_of(database, mac)), 10, 'the secret to be sealed')
    assert f'secret-{number}' in database.command('render', mac, '--show-secrets').stdout


def test_two_couriers_and_a_killed_one(database, fleet):
    """Many secrets, two couriers, one of them killed again and again: all are sealed, each opens, none is lost."""
    tenant = fleet.tenant(settings={'sip.realm': 'many.example.net'})
    phones = {}
    for _ in range(many(40, 400)):
        mac = fleet.mac()
        phones[mac] = database.add_device(mac, tenant, fleet.models[fleet.vendor], accounts=3)
    lease = {'courier': {'batch': 7, 'lease': 1}}
    steady, shaky = Courier(database, conf=lease).start(), Courier(database, conf=lease)
    try:
        for _ in range(many(5, 30)):
            shaky.start()
            shaky.kill()
        shaky.start()
        wait_until(lambda: not database.sql('SELECT COUNT(*) FROM outbox', account='root')[0][0], 60, 'the outbox to be empty')
    finally:
        assert steady.stop() == 0 and shaky.stop() == 0
    assert plain_left(database) == 0
    rows = dict(database.sql("SELECT account_id, ha1 FROM subscriber WHERE tenant_id = %s", (tenant,), account='registrar'))
    assert len(rows) == 3 * len(phones)
    for mac, passwords in phones.items():
        for position, password in enumerate(passwords, 1):
            assert rows[f'{mac}-{position}'] == ha1(f'u{mac[-4:]}{position}', 'many.example.net', password)
    mac = next(iter(phones))
    text = database.command('render', mac, '--show-secrets').stdout
    assert all(password in text for password in phones[mac])


def test_no_dba_meets_a_deadlock(database, fleet):
    """DBAs change accounts and passwords in one transaction, in either order, while two couriers seal and derive: none of the transactions is ended by the server."""
    tenant = fleet.tenant(settings={'sip.realm': 'busy.example.net'})
    mac = fleet.phone(tenant, accounts=4)
    errors = []

    def change(first):
        with database.connect('dba', autocommit=False) as connection, connection.cursor() as cursor:
            for number in range(many(120, 3000)):
                account = f'{mac}-{1 + (number + first) % 2 + 2 * first}'
                steps = [("UPDATE account SET auth_user = %s WHERE tenant_id = %s AND account_id = %s", (f'{account}.{number}', tenant, account)),
                         ("UPDATE account_secret SET plain = %s WHERE tenant_id = %s AND account_id = %s AND name = 'sip.password'", (f'pw-{number}', tenant, account))]
                try:
                    for sql, values in steps if number % 3 else reversed(steps):
                        cursor.execute(sql, values)
                    connection.commit()
                except Exception as error:  # pylint: disable=broad-except
                    errors.append(error)
                    connection.rollback()
    with Courier(database), Courier(database):
        threads = [threading.Thread(target=change, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: not database.sql('SELECT COUNT(*) FROM outbox', account='root')[0][0], 40, 'the outbox to be empty')
    assert not errors, errors[:3]
    for account in [f'{mac}-{n}' for n in range(1, 5)]:
        user, = database.sql('SELECT auth_user FROM account WHERE tenant_id = %s AND account_id = %s', (tenant, account))[0]
        number = user.rsplit('.', 1)[1]
        got = database.sql('SELECT username, ha1 FROM subscriber WHERE tenant_id = %s AND account_id = %s', (tenant, account), account='registrar')
        assert got == ((user, ha1(user, 'busy.example.net', f'pw-{number}')),)


def test_a_row_that_is_held_holds_up_no_other(database, fleet):
    tenant = fleet.tenant()
    mac = fleet.phone(tenant, accounts=3)
    with database.connect('dba', autocommit=False) as held, held.cursor() as cursor:
        cursor.execute("UPDATE account_secret SET comment = 'mine' WHERE tenant_id = %s AND account_id = %s AND name = 'sip.password'", (tenant, mac + '-2'))
        result = database.courier(check=False)
        assert result.returncode == os.EX_DATAERR, result.stderr
        assert [bool(row[1]) for row in secrets_of(database, mac)] == [True, False, True]
        attempts, why = database.sql("SELECT attempts, last_error FROM outbox_state WHERE key2 = %s AND kind = 'seal'", (mac + '-2',))[0]
        assert attempts == 1 and why
        held.rollback()
    with Courier(database):
        wait_until(lambda: all(row[1] for row in secrets_of(database, mac)), 15, 'the held one')


def test_starts_without_its_database(database, fleet):
    """It says so, and works when the database is there."""
    away = temporary('away') / 'db.sock'
    with Courier(database, hosts=f'unix:{away}') as courier:
        wait_until(lambda: 'database: ' in courier.log(), 10, 'a word about the database')
        mac = fleet.phone()
        os.symlink(database.socket, away)
        wait_until(lambda: secrets_of(database, mac)[0][1], 30, 'the secret to be sealed')
        assert 'database goes on' in courier.log()
    remove(away.parent)


def test_events_of_a_restore(database, fleet):
    """Plain secrets and HA1 values that no event tells of, as after a restore without the derived tables: found at start."""
    tenant = fleet.tenant(settings={'sip.realm': 'restored.example.net'})
    mac = fleet.phone(tenant)
    database.sql('DELETE FROM outbox', account='root')
    database.courier()
    assert secrets_of(database, mac)[0][1]
    count = "SELECT COUNT(*) FROM subscriber WHERE tenant_id = %s"
    assert database.sql(count, (tenant,), account='registrar') == ((1,),)
    database.sql('DELETE FROM account_digest', account='root')
    database.command('secret', 'derive', tenant)
    database.courier()
    assert database.sql(count, (tenant,), account='registrar') == ((1,),)


# ---------------------------------------------------------------- what does not open

def test_swapped_and_flipped_values_open_nowhere(served, fleet):
    """Two sealed values change places by SQL: both devices get 500 and no file, and the log says which row. A third is unharmed, and the right value heals."""
    database, tenant = served.database, fleet.tenant()
    first, second, third = (fleet.phone(tenant) for _ in range(3))
    database.courier()
    good = {mac: secrets_of(database, mac)[0][1] for mac in (first, second)}
    update = 'UPDATE account_secret SET sealed = %s WHERE account_id = %s'
    database.sql(update, (good[second], first + '-1'), account='root')
    database.sql(update, (good[first], second + '-1'), account='root')
    for mac in (first, second):
        touch_line(database, mac)
        answer = get(served, mac)
        assert answer.status == 500
        row = wait_until(lambda m=mac: served.journal("mac = %s AND result = 'render-error'", (m,)), 5, 'the journal')[-1]
        assert f'account_secret {tenant}/{mac}-1 sip.password: does not open' in row['detail']
        assert database.sql('SELECT COUNT(*) FROM device_pack p JOIN device_revision r USING (mac, revision) WHERE mac = %s', (mac,), account='root') == ((0,),)
        told = database.command('check', check=False)
        assert told.returncode and mac in told.stdout + told.stderr
    assert get(served, third).status == 200
    database.sql(update, (good[first], first + '-1'), account='root')
    assert get(served, first).status == 200
    for at in (0, 1, 5, 20, len(good[second]) - 1):
        flipped = bytearray(good[second])
        flipped[at] ^= 4
        database.sql(update, (bytes(flipped), second + '-1'), account='root')
        touch_line(database, second)
        assert get(served, second).status == 500, at
    database.sql(update, (good[second], second + '-1'), account='root')
    assert get(served, second).status == 200


def test_a_tenants_secret_that_was_moved(served, fleet):
    database = served.database
    tenants = fleet.tenant(), fleet.tenant()
    phones = [fleet.phone(tenant) for tenant in tenants]
    for tenant in tenants:
        database.sql("INSERT INTO tenant_secret (tenant_id, name, plain) VALUES (%s, 'phone.admin_password', CONCAT('of-', %s))", (tenant, tenant))
    database.courier()
    assert all(f'of-{tenant}'.encode() in get(served, mac).body for tenant, mac in zip(tenants, phones))
    moved = database.sql("SELECT sealed FROM tenant_secret WHERE tenant_id = %s", (tenants[0],), account='root')[0][0]
    database.sql("UPDATE tenant_secret SET sealed = %s, version = '' WHERE tenant_id = %s", (moved, tenants[1]), account='root')
    assert get(served, phones[1]).status == 500
    assert get(served, phones[0]).status == 200
    row = wait_until(lambda: served.journal("mac = %s AND result = 'render-error'", (phones[1],)), 5, 'the journal')[-1]
    assert f'tenant_secret {tenants[1]} phone.admin_password: does not open' in row['detail']


def test_a_lost_key_is_named(database, fleet):
    """The key's line is gone from the ring: 500 for what was sealed under it, with its id; nothing else fails."""
    directory = temporary('ring')
    ring = directory / 'keys'
    ring.write_text(database.keys.read_text())
    ring.chmod(0o600)
    database.courier()
    mac = fleet.phone()
    told = json.loads(database.command('--json', 'keys', 'new', str(ring)).stdout)
    extra = {'keys': {'file': ring}}
    with Courier(database, conf=extra):
        wait_until(lambda: secrets_of(database, mac)[0][1], 5, 'the secret to be sealed')
    assert secrets_of(database, mac)[0][2] == told['id']
    with Pool(database, workers=1, proxies=False) as pool:
        assert get(pool, mac).status == 500
        row = wait_until(lambda: pool.journal("mac = %s AND result = 'render-error'", (mac,)), 5, 'the journal')[-1]
        assert f"sealed under key {told['id']}, which the key ring does not hold" in row['detail']
        pool.conf['keys']['file'] = ring
        pool.write_conf()
        pool.reload()
        # tokens are made by the newest key, and every key of the ring opens them
        wait_until(lambda: get(pool, mac).status == 200, 15, 'the new ring')
    database.sql("UPDATE account_secret SET plain = 'Kei4ahJuothu' WHERE account_id = %s", (mac + '-1',))
    database.courier()
    remove(directory)


# ---------------------------------------------------------------- keys change under load

def test_rotation_of_the_key_under_load(fleet):
    """A new key, reload, rewrap, the old key taken out: no fetch fails, no revision moves, and the old key opens nothing that is left."""
    database = Database().start()
    stop = threading.Event()
    try:
        tenant = 'acme'
        database.add_tenant(tenant, settings={'sip.realm': 'acme.example.net'})
        model = database.models()[fleet.vendor]
        phones = [f'{fleet.oui}{number:06x}' for number in range(many(150, 3000))]
        passwords = {mac: database.add_device(mac, tenant, model, accounts=2) for mac in phones}
        database.sql("INSERT INTO tenant_secret (tenant_id, name, plain) VALUES (%s, 'phone.admin_password', 'Tenant-Oo3ieC')", (tenant,))
        for mac in phones[:3]:
            database.sql("INSERT INTO device_password (mac, plain) VALUES (%s, 'Brought-aeD5ah')", (mac,))
        database.courier()
        old = database.keys.read_text()
        wrong, fetched = [], []
        with Pool(database, workers=2, proxies=False) as pool, Courier(database) as courier:
            # a phone's credentials were made once, by the key of then
            credentials = {mac: database.credentials(mac) for mac in phones}

            def fetch(first):
                number = first
                while not stop.is_set():
                    mac = phones[number % len(phones)]
                    number += 2
                    answer = fcgi.fetch(pool.socket, fcgi.proxy_parameters(f'/{mac}.cfg', auth=credentials[mac]))
                    fetched.append(mac)
                    if answer.status != 200 or passwords[mac][0].encode() not in answer.body or b'Tenant-Oo3ieC' not in answer.body:
                        wrong.append((mac, answer.status))
            threads = [threading.Thread(target=fetch, args=(n,)) for n in range(2)]
            for thread in threads:
                thread.start()
            before = revisions(database)
            new = json.loads(database.command('--json', 'keys', 'new', str(database.keys)).stdout)['id']
            pool.reload()
            wait_until(lambda: 'workers of the new configuration are ready' in pool.log(), 30, 'the reload')
            courier.reload()
            # broken off in its middle, and run again
            broken = subprocess.Popen([program('dialtone'), '-c', database.conf_file(), 'secret', 'rewrap'], stdout=subprocess.DEVNULL)
            wait_until(lambda: broken.poll() is not None or
                       database.sql('SELECT COUNT(*) FROM account_secret WHERE key_id = %s', (new,), account='root')[0][0], 20, 'the rewrap to begin')
            broken.send_signal(signal.SIGKILL)
            broken.wait()
            told = json.loads(database.command('--json', 'secret', 'rewrap').stdout)
            assert told['key_id'] == new and told['failed'] == 0
            again = json.loads(database.command('--json', 'secret', 'rewrap').stdout)['rewrapped']
            assert len(again) == 4 and not any(again.values())
            status = json.loads(database.command('--json', 'secret', 'status').stdout)
            assert {row['key'] for row in status['secrets']} == {'newest'}
            assert {row['table']: row['count'] for row in status['secrets']} == {'tenant_secret': 1, 'account_secret': 2 * len(phones), 'device_password': 3}
            assert revisions(database) == before
            seen = len(fetched)
            wait_until(lambda: len(fetched) > seen + len(phones), 60, 'every phone once more')
            stop.set()
            for thread in threads:
                thread.join()
        assert not wrong, wrong[:5]
        # what is left needs the new key only
        lines = database.keys.read_text()
        assert lines.startswith(old)
        database.keys.write_text(lines[len(old):])
        text = database.command('render', phones[0], '--show-secrets').stdout
        assert all(password in text for password in (*passwords[phones[0]], 'Tenant-Oo3ieC'))
    finally:
        stop.set()
        database.stop()
        remove(database.directory)


# ---------------------------------------------------------------- where keys come from

def test_keys_by_credential(database, fleet):
    """keys.file empty or credential:NAME: the key ring is a file of $CREDENTIALS_DIRECTORY, as systemd's LoadCredential makes it."""
    directory = temporary('credentials')
    for name, configured in (('keys', ''), ('ring', 'credential:ring')):
        (directory / name).write_text(database.keys.read_text())
        (directory / name).chmod(0o400)
        more = {'conf': {'keys': {'file': configured}}, 'environment': {'CREDENTIALS_DIRECTORY': str(directory)}}
        mac = fleet.phone()
        with Courier(database, **more), Pool(database, workers=1, proxies=False, **more) as pool:
            assert get(pool, mac).status == 200
            wait_until(lambda m=mac: secrets_of(database, m)[0][1], 5, 'the secret to be sealed')
            touch_line(database, mac)
            assert get(pool, mac).status == 200
    remove(directory)


@pytest.mark.parametrize('name', ['dialtone-fcgi', 'dialtone-courier'])
@pytest.mark.parametrize('keys, says', [
    ('a ' + bytes(range(32)).hex(), 'the key a is one of a sample'), ('a ' + '00' * 32, 'the key a is one of a sample'), ('a 0123', 'line 1: a key is'), ('', 'no key in it'),
    (None, 'keys.file is empty, and systemd gave no credential'),
])
def test_does_not_start_without_a_good_ring(database, name, keys, says):
    directory = temporary('ring')
    ring = directory / 'keys'
    if keys is not None:
        ring.write_text(keys + '\n')
        ring.chmod(0o600)
    conf = merged(database.conf(), {'keys': {'file': ring if keys is not None else ''}})
    (directory / 'dialtone.conf').write_text(ini(conf))
    environment = {k: v for k, v in os.environ.items() if k != 'CREDENTIALS_DIRECTORY'}
    for check in (['-t'], []):
        done = subprocess.run([program(name), '-c', directory / 'dialtone.conf', *check], capture_output=True, text=True, timeout=30, check=False, env=environment)
        assert done.returncode == os.EX_NOPERM and says in done.stderr, done
        assert not keys or keys.split()[1][:16] not in done.stderr
    remove(directory)


def test_a_broken_ring_replaces_no_good_one(database, fleet):
    directory = temporary('ring')
    ring = directory / 'keys'
    ring.write_text(database.keys.read_text())
    ring.chmod(0o600)
    with Courier(database, conf={'keys': {'file': ring}}) as courier:
        ring.write_text('broken\n')
        courier.process.send_signal(signal.SIGHUP)
        wait_until(lambda: 'reload refused, what was there goes on' in courier.log(), 10, 'the refusal')
        mac = fleet.phone()
        wait_until(lambda: secrets_of(database, mac)[0][1], 5, 'the secret to be sealed')
        assert courier.stop() == 0
    remove(directory)


# ---------------------------------------------------------------- the command

def test_secret_status(database, fleet):
    """Exit status 1 while anything is plain, waits or needs an older key; 0 when all is well."""
    database.sql('DELETE FROM outbox', account='root')  # of other tests
    database.courier()
    database.command('secret', 'rewrap')
    assert database.command('secret', 'status').returncode == 0
    mac = fleet.phone(accounts=2)
    told = database.command('--json', 'secret', 'status', check=False)
    assert told.returncode == 1
    status = json.loads(told.stdout)
    assert [(row['form'], row['count']) for row in status['secrets'] if row['form'] == 'plain'] == [('plain', 2)]
    assert {row['kind']: row['count'] for row in status['outbox']} == {'seal': 2, 'digest': 2}
    people = database.command('secret', 'status', check=False).stdout
    assert 'account_secret' in people and 'outbox: 2 of kind seal wait since' in people
    database.courier()
    assert database.command('secret', 'status').returncode == 0 and secrets_of(database, mac)[0][2] == status['newest']


def test_secret_set(database, fleet):
    """Sealed before it is sent; the revision moves; the phone gets it."""
    tenant = fleet.tenant(settings={'sip.realm': 'set.example.net'})
    mac = fleet.phone(tenant)
    account = f'{tenant}/{mac}-1'

    def run(*arguments, secret='Xoh3ahb5Oogo'):
        return subprocess.run([program('dialtone'), '-c', database.conf_file(), '--json', 'secret', 'set', *arguments], input=secret + '\n', text=True,
                              capture_output=True, timeout=60, check=False)
    for arguments, secret, new in ((('account', account), 'Xoh3ahb5Oogo', False), (('device', mac.upper(), 'phone.user_password'), 'Eighe6ohGh', True),
                                   (('tenant', tenant, 'phone.admin_password'), 'Ahng4Daelu', True), (('tenant', tenant, 'phone.admin_password'), 'Second4Daelu', False)):
        before = database.sql('SELECT d.revision, t.revision FROM device_revision d, layer_revision t WHERE d.mac = %s AND t.layer = CONCAT("tenant/", %s)', (mac, tenant), account='root')
        done = run(*arguments, secret=secret)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)['new'] is new and secret not in done.stdout
        after = database.sql('SELECT d.revision, t.revision FROM device_revision d, layer_revision t WHERE d.mac = %s AND t.layer = CONCAT("tenant/", %s)', (mac, tenant), account='root')
        assert after != before
        assert secret in database.command('render', mac, '--show-secrets').stdout
    assert not any(row[0] for row in secrets_of(database, mac))
    database.courier()
    assert database.sql('SELECT ha1 FROM subscriber WHERE account_id = %s', (mac + '-1',), account='registrar') == ((ha1(f'u{mac[-4:]}1', 'set.example.net', 'Xoh3ahb5Oogo'),),)
    for secret in ('', 'x' * 129, 'tab\there', ' blank', 'ümlaut'):
        assert run('account', account, secret=secret).returncode == 2, secret
    for arguments in (('account', 'noslash'), ('acount', account), ('tenant', tenant), ('device', 'nomac', 'x'), ('account', f'{tenant}/ ')):
        assert run(*arguments).returncode in (2, 3), arguments
    assert run('account', f'{tenant}/nobody').returncode == 7
    assert run('device', mac, 'sip.server').returncode == 7


# ---------------------------------------------------------------- the registrar

def test_ha1_follows_realm_user_password_and_switches(database, fleet):
    tenant, other = fleet.tenant(), fleet.tenant()
    mac = fleet.mac()
    password, = database.add_device(mac, tenant, fleet.models[fleet.vendor])
    user, account = f'u{mac[-4:]}1', f'{mac}-1'

    def row(columns='username, domain, password, ha1, ha1b, ha1_sha256, ha1b_sha256'):
        database.courier()
        rows = database.sql(f'SELECT {columns} FROM subscriber WHERE tenant_id = %s AND account_id = %s', (tenant, account), account='registrar')
        return rows[0] if rows else None
    assert row() is None, 'no realm, no HA1'
    setting = "INSERT INTO tenant_setting (tenant_id, name, value) VALUES (%s, %s, %s) ON DUPLICATE KEY UPDATE value = VALUES(value)"
    database.sql(setting, (tenant, 'sip.realm', 'one.example.net'))
    with_domain = f'{user}@one.example.net'
    first = row()
    assert first[:5] == (user, 'one.example.net', '', ha1(user, 'one.example.net', password), ha1(with_domain, 'one.example.net', password))
    # an algorithm that is not offered fits no password, and is not empty
    assert re.fullmatch('[0-9a-f]{64}', first[5]) and first[5] != ha1(user, 'one.example.net', password, 'sha256')
    database.sql(setting, (tenant, 'sip.digest', 'sha-256'))
    second = row()
    assert second[5:] == (ha1(user, 'one.example.net', password, 'sha256'), ha1(with_domain, 'one.example.net', password, 'sha256'))
    assert re.fullmatch('[0-9a-f]{32}', second[3]) and second[3] != first[3]
    database.sql(setting, (tenant, 'sip.digest', 'md5,sha-256'))
    database.sql(setting, (tenant, 'sip.realm', 'two.example.net'))
    assert row()[1:4:2] == ('two.example.net', ha1(user, 'two.example.net', password))
    database.sql("UPDATE account SET auth_user = 'auth-7' WHERE tenant_id = %s AND account_id = %s", (tenant, account))
    assert row()[0:4:3] == ('auth-7', ha1('auth-7', 'two.example.net', password))
    database.sql("UPDATE account_secret SET plain = 'Ohp8aiNgahch' WHERE tenant_id = %s AND account_id = %s", (tenant, account))
    assert row('ha1') == (ha1('auth-7', 'two.example.net', 'Ohp8aiNgahch'),)
    asterisk = database.sql('SELECT id, auth_type, username, realm, md5_cred, password FROM ps_auths WHERE username = %s', ('auth-7',), account='registrar')
    assert asterisk == ((f'{tenant}/{account}', 'md5', 'auth-7', 'two.example.net', ha1('auth-7', 'two.example.net', 'Ohp8aiNgahch'), None),)
    # switches count at once, with no courier
    for sql in ('UPDATE account SET enabled = {} WHERE tenant_id = %s AND account_id = %s', 'UPDATE tenant SET enabled = {} WHERE tenant_id = %s AND %s <> ""'):
        count = 'SELECT COUNT(*) FROM subscriber WHERE username = %s'
        database.sql(sql.format(0), (tenant, account))
        assert database.sql(count, ('auth-7',), account='registrar') == ((0,),)
        assert database.sql(count.replace('subscriber', 'ps_auths'), ('auth-7',), account='registrar') == ((0,),)
        database.sql(sql.format(1), (tenant, account))
        assert database.sql(count, ('auth-7',), account='registrar') == ((1,),)
    # of the provider, and taken back by the tenant
    database.sql("DELETE FROM tenant_setting WHERE tenant_id = %s AND name = 'sip.realm'", (tenant,))
    assert row() is None
    database.sql("INSERT INTO provider_setting (name, value) VALUES ('sip.realm', 'all.example.net')")
    assert row('domain') == ('all.example.net',)
    database.sql("INSERT INTO tenant_setting (tenant_id, name, value) VALUES (%s, 'sip.realm', NULL)", (tenant,))
    assert row() is None
    database.sql("DELETE FROM tenant_setting WHERE tenant_id = %s AND name = 'sip.realm'", (tenant,))
    database.sql("DELETE FROM provider_setting WHERE name = 'sip.realm'")
    # another tenant's account of the same name in the same realm: told, and not mixed up
    database.sql(setting, (tenant, 'sip.realm', 'shared.example.net'))
    assert row('domain') == ('shared.example.net',)
    database.sql(setting, (other, 'sip.realm', 'shared.example.net'))
    database.sql("INSERT INTO account (tenant_id, account_id, sip_user) VALUES (%s, 'x', 'auth-7')", (other,))
    database.sql("INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES (%s, 'x', 'sip.password', 'Ieh7chooSh')", (other,))
    assert database.courier(check=False).returncode == os.EX_DATAERR
    assert database.sql('SELECT tenant_id FROM subscriber WHERE username = %s', ('auth-7',), account='registrar') == ((tenant,),)
    why = database.sql("SELECT last_error FROM outbox_state WHERE key1 = %s AND kind = 'digest' AND key2 = 'x'", (other,))[0][0]
    assert f'user auth-7 of realm shared.example.net is account {account} of tenant {tenant} already' in why
    # the first goes: its values go with it at once, and the second's turn comes
    database.sql('DELETE FROM account_secret WHERE tenant_id = %s AND account_id = %s', (tenant, account))
    assert database.sql('SELECT COUNT(*) FROM subscriber WHERE username = %s', ('auth-7',), account='registrar') == ((0,),)
    database.sql("UPDATE outbox SET due_at = NOW()", account='root')
    database.courier()
    assert database.sql('SELECT tenant_id FROM subscriber WHERE username = %s', ('auth-7',), account='registrar') == ((other,),)


def test_the_previous_password_while_it_counts(database, fleet):
    tenant = fleet.tenant(settings={'sip.realm': 'previous.example.net'})
    mac = fleet.phone(tenant)
    database.courier()
    columns = 'realm', 'username', 'ha1', 'ha1b', 'ha1_sha256', 'ha1b_sha256'
    copy = ', '.join(f'previous_{c} = {c}' for c in columns)
    database.sql(f'UPDATE account_digest SET {copy}, previous_until = NOW() + INTERVAL 1 HOUR WHERE account_id = %s', (mac + '-1',), account='courier')
    before = database.sql('SELECT username, domain, ha1 FROM subscriber WHERE account_id = %s', (mac + '-1',), account='registrar')
    database.sql("UPDATE account_secret SET plain = 'Gai6uQuoh7ai' WHERE account_id = %s", (mac + '-1',))
    database.courier()
    previous = 'SELECT username, domain, ha1 FROM subscriber_previous WHERE account_id = %s'
    assert database.sql(previous, (mac + '-1',), account='registrar') == before
    assert database.sql('SELECT username, domain, ha1 FROM subscriber WHERE account_id = %s', (mac + '-1',), account='registrar') != before
    database.sql('UPDATE account_digest SET previous_until = NOW() + INTERVAL 1 SECOND WHERE account_id = %s', (mac + '-1',), account='courier')
    wait_until(lambda: not database.sql(previous, (mac + '-1',), account='registrar'), 10, 'the previous one to end')


# ---------------------------------------------------------------- where no secret may be

CANARY = re.compile(rb'CANARY[0-9A-Za-z]{10}')


def canaries_of_processes(pids):
    found = []
    for pid in pids:
        for name in ('cmdline', 'environ'):
            try:
                found += CANARY.findall(Path(f'/proc/{pid}/{name}').read_bytes())
            except OSError:
                pass
    return found


def test_no_secret_anywhere(fleet):
    """Canaries in the database, fetched, sealed, broken: none in logs, journal, process list, a dump of all tables but the derived one, or a core file."""
    database = Database().start()
    try:
        database.add_tenant('acme', settings={'sip.realm': 'acme.example.net'})
        model = database.models()[fleet.vendor]
        phones = [f'{fleet.oui}00000{number}' for number in range(4)]
        planted = []

        def plant(sql, **values):
            planted.append(f'CANARY{len(planted):04d}' + os.urandom(3).hex())
            database.sql(sql, {**values, 'secret': planted[-1]})
        for mac in phones:
            database.add_device(mac, 'acme', model, accounts=2)
            for position in (1, 2):
                plant("UPDATE account_secret SET plain = %(secret)s WHERE tenant_id = 'acme' AND account_id = %(account)s AND name = 'sip.password'",
                      account=f'{mac}-{position}')
            plant("INSERT INTO device_secret (mac, name, plain) VALUES (%(mac)s, 'phone.user_password', %(secret)s)", mac=mac)
        plant("INSERT INTO tenant_secret (tenant_id, name, plain) VALUES ('acme', 'phone.admin_password', %(secret)s)")
        sent = list(planted)
        plant("INSERT INTO device_password (mac, plain) VALUES (%(mac)s, %(secret)s)", mac=phones[0])
        # the sanitizer must not take the planned faults for a finding
        more = {'conf': {'log': {'level': 'debug'}}, 'environment': unhandled_signals()}
        with Pool(database, workers=2, proxies=False, **more) as pool, Courier(database, **more) as courier:
            bodies = [get(pool, mac).body for mac in phones]
            assert all(any(p.encode() in body for body in bodies) for p in sent), 'the canaries are what phones get'
            wait_until(lambda: plain_left(database) == 0, 10, 'sealing')
            wait_until(lambda: database.sql('SELECT COUNT(*) FROM outbox', account='root') == ((0,),), 10, 'the outbox')
            # one that fails, so that errors are told
            database.sql("UPDATE account_secret SET sealed = CONCAT(sealed, 'x') WHERE account_id = %s", (phones[0] + '-1',), account='root')
            touch_line(database, phones[0])
            assert get(pool, phones[0]).status == 500
            command = database.command('render', phones[1])
            explained = database.command('explain', phones[1])
            checked = database.command('check', check=False)
            pids = [pool.process.pid, courier.process.pid, *pool.children()]
            assert canaries_of_processes(pids) == []
            # a worker dies as by a fault of its own, with a secret in its memory: nothing of it is written
            for pid in (*pool.worker_pids()[:1], courier.process.pid):
                assert 'Max core file size        0                    0' in Path(f'/proc/{pid}/limits').read_text()
                before = set(os.listdir('.'))
                os.kill(pid, signal.SIGSEGV)
                wait_until(lambda p=pid: not Path(f'/proc/{p}').exists() or Path(f'/proc/{p}/stat').read_text().rsplit(')', 1)[1].split()[0] == 'Z', 10, 'the process to end')
                assert set(os.listdir('.')) <= before, 'a core file'
            assert courier.process.wait(10) == -signal.SIGSEGV
            courier.process = None
            wait_until(lambda: len(pool.worker_pids()) == 2, 20, 'another worker')
            journal = pool.journal()
            logs = pool.log() + courier.log()
            metrics = pool.ask_health('/metrics')[1]
        dump = subprocess.run(['mariadb-dump', '--no-defaults', f'--socket={database.socket}', '--user=root', '--skip-extended-insert', '--hex-blob',
                               f'--ignore-table={database.name}.account_digest', '--databases', database.name], capture_output=True, check=True).stdout
        hexed = {p.encode().hex().upper().encode() for p in planted}
        for what, text in (('log', logs.encode()), ('journal', repr(journal).encode()), ('metrics', metrics.encode()), ('dump', dump),
                           ('commands', (command.stdout + command.stderr + explained.stdout + explained.stderr + checked.stdout + checked.stderr).encode())):
            assert text and not CANARY.search(text), what
            assert not any(h in text.upper() for h in hexed), what
        # HA1 is as good as the password in its realm: not in that dump either
        for value, in database.sql('SELECT ha1 FROM subscriber', account='registrar'):
            assert value.encode() not in dump
    finally:
        database.stop()
        remove(database.directory)


def found_in_memory(pid, needles):
    """Which of these texts stand in what the process may write to."""
    found = set()
    with open(f'/proc/{pid}/maps', encoding='ascii', errors='replace') as maps, open(f'/proc/{pid}/mem', 'rb', 0) as memory:
        for line in maps:
            place, rights, *_ = line.split()
            start, end = (int(number, 16) for number in place.split('-'))
            if not rights.startswith('rw') or end - start > 1 << 30:
                continue  # a sanitizer's shadow has terabytes
            memory.seek(start)
            try:
                text = memory.read(end - start)
            except OSError:
                continue
            found |= {needle for needle in needles if needle.encode() in text}
    return found


def test_nothing_stays_in_a_workers_memory(served, fleet):
    """After the answer no secret that is sealed is left: not in the arena, the cache, the client library or libfcgi, whether the fetch read tables or a pack."""
    database, tenant = served.database, fleet.tenant()
    mac = fleet.mac()
    needles = database.add_device(mac, tenant, fleet.models[fleet.vendor], accounts=2) + ['Tenant-Ohz4ae', 'Device-eiJ6uo']
    database.sql("INSERT INTO tenant_secret (tenant_id, name, plain) VALUES (%s, 'phone.admin_password', 'Tenant-Ohz4ae')", (tenant,))
    database.sql("INSERT INTO device_secret (mac, name, plain) VALUES (%s, 'phone.user_password', 'Device-eiJ6uo')", (mac,))
    database.courier()
    for _ in range(8):
        body = get(served, mac).body
        assert all(needle.encode() in body for needle in needles)
    assert any(found_in_memory(pid, [tenant]) for pid in served.worker_pids()), 'the scan sees something: the cache'
    for pid in served.worker_pids():
        assert found_in_memory(pid, needles) == set()


def test_memory_is_nobody_elses(served):
    """Not dumpable: another process of the same user may not look in (the kernel gives /proc/PID to root)."""
    for pid in served.worker_pids():
        assert Path(f'/proc/{pid}/mem').stat().st_uid == 0
        assert 'Max core file size        0                    0' in Path(f'/proc/{pid}/limits').read_text()


# ---------------------------------------------------------------- static

def test_no_weak_generator():
    """Random numbers come from RAND_bytes only."""
    weak = re.compile(r'\b(rand|srand|random|srandom|rand_r|drand48|erand48|lrand48|nrand48|mrand48|jrand48|srand48|arc4random\w*|RAND_pseudo_bytes)\s*\(')
    for folder in ('core', 'fcgi-app', 'courier', 'cli'):
        for path in (ROOT / folder).glob('*.[ch]'):
            assert not weak.search(path.read_text()), path
    for path in (ROOT / 'db').rglob('*.sql'):
        assert not re.search(r'\b(RAND|UUID)\s*\(', path.read_text()), path
