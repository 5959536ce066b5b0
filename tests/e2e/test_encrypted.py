"""Encrypted files: what the command `openssl enc` makes of them with the phone's key is the plain file; nobody else's key does; what cannot be encrypted is not sent."""
import base64
import re
import subprocess

import pymysql
import pytest

import fcgi_client
from stack import Pool
from waiting import wait_until

MODELS = ['grandstream-gxp2170', 'grandstream-grp2614', 'yealink-t54w']
KEY = {'grandstream-gxp2170': rb'<P1359>([^<]*)</P1359>', 'grandstream-grp2614': rb'<item name="provisioning.config.filePassword">([^<]*)</item>',
       'yealink-t54w': rb'static\.auto_provision\.aes_key_16\.mac = (\S+)\n'}


@pytest.fixture(scope='module')
def quick(database):
    with Pool(database, workers=2, proxies=False) as pool:
        yield pool


@pytest.fixture(scope='module')
def tenant(fleet):
    return fleet.tenant()


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


def device(database, fleet, tenant, model, **settings):
    mac = fleet.mac(model.split('-')[0])
    database.add_device(mac, tenant, model, accounts=2)
    choose(database, mac, **settings)
    return mac


def choose(database, mac, **settings):
    for name, value in settings.items():
        database.sql('INSERT INTO device_setting (mac, name, value) VALUES (%s, %s, %s) ON DUPLICATE KEY UPDATE value = VALUES(value)',
                     (mac, f'provisioning.{name}', value))


def fetch(pool, mac, agent=None, headers=()):
    pairs = fcgi_client.proxy_parameters('/' + pool.database.file_of(mac), auth=pool.database.credentials(mac), extra=headers)
    if agent:
        pairs = [pair for pair in pairs if pair[0] != 'HTTP_USER_AGENT'] + [('HTTP_USER_AGENT', agent)]
    return fcgi_client.fetch(pool.socket, pairs)


def openssl(body, model, key):
    """What an independent tool makes of it; None where the key does not open it. Behind a Yealink file there may be blank lines, whether or not padding is taken off."""
    if model.startswith('grandstream'):
        how = ['-aes-256-cbc', '-md', 'md5', '-k', key]
    else:
        how = ['-aes-128-ecb', '-K', key.encode().hex()]
    told = subprocess.run(['openssl', 'enc', '-d', *how], input=body, capture_output=True, check=False)
    if told.returncode != 0:
        return None
    if model.startswith('grandstream'):
        return told.stdout
    raw = subprocess.run(['openssl', 'enc', '-d', '-nopad', *how], input=body, capture_output=True, check=True).stdout
    assert raw.rstrip(b'\n') == told.stdout.rstrip(b'\n')
    return told.stdout.rstrip(b'\n') + b'\n'


def key_in(body, model):
    return re.search(KEY[model], body).group(1).decode()


def test_announced_then_encrypted(database, quick, fleet, tenant, model):
    mac = device(database, fleet, tenant, model)
    silent = fetch(quick, mac)
    # nothing switched on: no key is made, none is told
    found = re.search(KEY[model], silent.body)
    assert silent.status == 200 and not (found and found.group(1))
    choose(database, mac, encryption_announce='true')
    plain = fetch(quick, mac)
    key = key_in(plain.body, model)
    assert len(key) == (22 if model.startswith('grandstream') else 16) and key.isalnum()
    assert plain.header('content-type') == silent.header('content-type') != 'application/octet-stream'
    choose(database, mac, encryption='true')
    encrypted = fetch(quick, mac)
    assert encrypted.status == 200 and encrypted.header('content-type') == 'application/octet-stream'
    assert int(encrypted.header('content-length')) == len(encrypted.body)
    assert openssl(encrypted.body, model, key) == plain.body
    assert mac.encode() not in encrypted.body and key.encode() not in encrypted.body
    # the key is told within, so that announcing it is not needed any more
    choose(database, mac, encryption_announce='false')
    assert openssl(fetch(quick, mac).body, model, key) == plain.body
    # and back
    choose(database, mac, encryption='false')
    assert fetch(quick, mac).body == silent.body


def test_same_inputs_same_bytes(database, quick, fleet, tenant, model):
    mac = device(database, fleet, tenant, model, encryption='true')
    first, again = fetch(quick, mac), fetch(quick, mac)
    assert first.body == again.body and first.header('etag') == again.header('etag')
    assert fetch(quick, mac, headers=[('HTTP_IF_NONE_MATCH', first.header('etag'))]).status == 304
    database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'language', 'de')", (mac,))
    changed = fetch(quick, mac)
    assert changed.status == 200 and changed.header('etag') != first.header('etag') and changed.body != first.body
    if model.startswith('grandstream'):
        # another file, another salt, and so another IV and key
        assert first.body[:8] == changed.body[:8] == b'Salted__' and first.body[8:16] != changed.body[8:16]
    database.sql("DELETE FROM device_setting WHERE mac = %s AND name = 'language'", (mac,))
    assert fetch(quick, mac).body == first.body


def test_no_other_key_opens_it(database, quick, fleet, tenant, model):
    one, other = (device(database, fleet, tenant, model, encryption_announce='true') for _ in range(2))
    keys = [key_in(fetch(quick, mac).body, model) for mac in (one, other)]
    assert keys[0] != keys[1]
    choose(database, one, encryption='true')
    body = fetch(quick, one).body
    opened = openssl(body, model, keys[0])
    assert opened is not None and keys[0].encode() in opened
    wrong = openssl(body, model, keys[1])
    assert wrong is None or (wrong != opened and keys[0].encode() not in wrong)


def test_rotation_locks_nobody_out(database, quick, fleet, tenant, model):
    """New credentials travel in a file that the phone opens with the key it has: neither a new generation nor a new key of the ring changes that."""
    mac = device(database, fleet, tenant, model, encryption_announce='true')
    key, old = key_in(fetch(quick, mac).body, model), database.credentials(mac)
    choose(database, mac, encryption='true')
    database.sql('UPDATE device SET generation = DEFAULT WHERE mac = %s', (mac,))
    assert database.credentials(mac)[1] != old[1]
    opened = openssl(fetch(quick, mac).body, model, key)
    assert opened and database.credentials(mac)[1].encode() in opened
    ring = database.keys.read_bytes()
    try:
        database.command('keys', 'new', str(database.keys))
        with Pool(database, workers=1, proxies=False) as later:
            opened = openssl(fetch(later, mac).body, model, key)
            assert opened and key_in(opened, model) == key
    finally:
        database.keys.write_bytes(ring)


def test_key_of_a_row(database, quick, fleet, tenant, model):
    mac = device(database, fleet, tenant, model, encryption='true')
    database.sql("INSERT INTO device_secret (mac, name, plain) VALUES (%s, 'provisioning.encryption_key', 'Of-a-Row-0123456')", (mac,))
    opened = openssl(fetch(quick, mac).body, model, 'Of-a-Row-0123456')
    assert opened and key_in(opened, model) == 'Of-a-Row-0123456'


def test_key_that_the_phone_cannot_have(database, quick, fleet, tenant):
    mac = device(database, fleet, tenant, 'yealink-t54w', encryption='true')
    database.sql("INSERT INTO device_secret (mac, name, plain) VALUES (%s, 'provisioning.encryption_key', 'Canary-too-short')", (mac,))
    assert fetch(quick, mac).status == 200
    database.sql("UPDATE device_secret SET plain = 'CanaryShort' WHERE mac = %s", (mac,))
    answer = fetch(quick, mac)
    assert answer.status == 500 and b'CanaryShort' not in answer.body
    row = wait_for_journal(quick, mac, 500)
    assert 'provisioning.encryption_key' in row['detail'] and '16' in row['detail'] and 'Canary' not in row['detail']


def wait_for_journal(pool, mac, status):
    rows = []

    def there():
        rows[:] = pool.journal('mac = %s AND status = %s', (mac, status))
        return rows
    wait_until(there, 10, f'the journal to tell of {mac} and {status}')
    return rows[-1]


def test_refused_where_there_is_no_form(database, quick, fleet, tenant):
    """By name at the INSERT; and where a tenant's row reaches a phone that has none, by an error and not by a plain file."""
    mac = device(database, fleet, fleet.tenant(settings={'provisioning.encryption': 'true'}), 'fanvil-x5u')
    with pytest.raises(pymysql.Error, match='provisioning.encryption'):
        choose(database, mac, encryption='true')
    answer = fetch(quick, mac)
    assert answer.status == 500 and len(answer.body) < 1000
    assert 'phones of Fanvil (dialect sysconf) have no encrypted files' in wait_for_journal(quick, mac, 500)['detail']


def test_check_lists_what_cannot_be_encrypted(database, fleet):
    """Before any phone asks, and by the words that the journal would have."""
    tenant = fleet.tenant(settings={'provisioning.encryption': 'true', 'provisioning.encryption_rsa_key': 'Canary'})
    yealink, fanvil, good = (fleet.mac(vendor) for vendor in ('yealink', 'fanvil', 'grandstream'))
    for mac, model in ((yealink, 'yealink-t54w'), (fanvil, 'fanvil-x5u'), (good, 'grandstream-gxp2170')):
        database.add_device(mac, tenant, model)
    told = database.command('check', check=False).stdout
    lines = {mac: [line for line in told.splitlines() if mac in line] for mac in (yealink, fanvil, good)}
    assert any('provisioning.encryption_rsa_key' in line for line in lines[yealink]), told
    assert any('have no encrypted files' in line for line in lines[fanvil])
    assert not any('encrypt' in line for line in lines[good]) and 'Canary' not in told
    database.sql('DELETE FROM tenant_setting WHERE tenant_id = %s', (tenant,))


def test_refused_by_firmware(database, quick, fleet, tenant):
    mac = device(database, fleet, tenant, 'yealink-t46g', encryption='true')
    colons = ':'.join(mac[i:i + 2] for i in range(0, 12, 2))
    assert fetch(quick, mac, agent=f'Yealink SIP-T46G 28.83.0.120 {colons}').status == 200
    assert fetch(quick, mac, agent=f'Yealink SIP-T46G 28.73.0.50 {colons}').status == 500
    assert 'dialect legacy' in wait_for_journal(quick, mac, 500)['detail']


def test_the_command_knows(database, quick, fleet, tenant, model):
    """render shows what is inside, lag compares what was sent, and no secret is shown unasked."""
    mac = device(database, fleet, tenant, model, encryption='true')
    body = fetch(quick, mac).body
    wait_for_journal(quick, mac, 200)
    inside = database.command('render', mac, '--show-secrets').stdout.encode()
    key = key_in(inside, model)
    assert openssl(body, model, key) == inside
    assert key not in database.command('render', mac).stdout
    assert mac not in database.command('lag', check=False).stdout


@pytest.fixture(scope='module')
def rsa(tmp_path_factory):
    """A provider's own RSA key, as its guide says to make one: the private half for the phones, and what the row holds."""
    path = tmp_path_factory.mktemp('rsa') / 'key.pem'
    subprocess.run(['openssl', 'genrsa', '-out', path, '1024'], check=True, capture_output=True)
    public = subprocess.run(['openssl', 'rsa', '-in', path, '-pubout', '-outform', 'DER'], check=True, capture_output=True).stdout
    return path, base64.b64encode(public).decode()


def open_container(body, private):
    """The container of lines, opened by two commands: the key by the RSA key, the file by the key."""
    form = re.fullmatch(rb'#!encrypt:1\.0\.0\.0\n#!key_signatue:RSA_256\n#!conf_encryption:AES_256\n#!key_ciphertext:(\S+)\n'
                        rb'#!---BEGIN CONFIG DATA---\n(\S+)\n#!---END CONFIG DATA---\n', body)
    assert form, body[:300]
    key = subprocess.run(['openssl', 'pkeyutl', '-decrypt', '-inkey', private, '-pkeyopt', 'rsa_padding_mode:pkcs1'], input=base64.b64decode(form.group(1)),
                         check=True, capture_output=True).stdout
    assert re.fullmatch(rb'[0-9A-Za-z]{32}', key)
    return subprocess.run(['openssl', 'enc', '-d', '-aes-256-ecb', '-K', key.hex()], input=base64.b64decode(form.group(2)), check=True, capture_output=True).stdout


def test_key_in_the_file(database, quick, fleet, tenant, rsa):
    """Yealink's RSA form: announced, then sent; the file's key is in the file, and is another for another file and for another phone."""
    private, public = rsa
    one, other = (device(database, fleet, tenant, 'yealink-t54w', encryption_rsa_key=public) for _ in range(2))
    assert b'aes_key_in_file' not in fetch(quick, one).body
    for mac in (one, other):
        choose(database, mac, encryption_announce='true')
    plain = fetch(quick, one)
    assert b'\nstatic.auto_provision.aes_key_in_file = 1\n' in plain.body
    for mac in (one, other):
        choose(database, mac, encryption='true')
    first, again = fetch(quick, one), fetch(quick, one)
    assert first.header('content-type') == 'application/octet-stream'
    assert first.body == again.body and first.header('etag') == again.header('etag')
    assert open_container(first.body, private) == plain.body
    assert one.encode() not in first.body and key_in(plain.body, 'yealink-t54w').encode() not in first.body
    third = fetch(quick, other).body
    assert open_container(third, private) != plain.body
    assert third.split(b'key_ciphertext:')[1].split(b'\n')[0] != first.body.split(b'key_ciphertext:')[1].split(b'\n')[0]
    # back to the key that the phone has
    database.sql("DELETE FROM device_setting WHERE mac = %s AND name = 'provisioning.encryption_rsa_key'", (one,))
    opened = openssl(fetch(quick, one).body, 'yealink-t54w', key_in(plain.body, 'yealink-t54w'))
    assert opened == plain.body.replace(b'aes_key_in_file = 1', b'aes_key_in_file = 0')


def test_rsa_key_that_is_none(database, quick, fleet, tenant):
    """A plain file is never sent in its place; and phones without such a form have no such row."""
    mac = device(database, fleet, tenant, 'yealink-t54w', encryption='true', encryption_rsa_key='Canary')
    answer = fetch(quick, mac)
    assert answer.status == 500 and len(answer.body) < 1000
    detail = wait_for_journal(quick, mac, 500)['detail']
    assert 'provisioning.encryption_rsa_key' in detail and '1024' in detail and 'Canary' not in detail
    with pytest.raises(pymysql.Error, match='provisioning.encryption_rsa_key'):
        device(database, fleet, tenant, 'grandstream-gxp2170', encryption_rsa_key='Canary')


@pytest.mark.parametrize('model', ['grandstream-gxp2170'])
def test_through_the_proxies(database, pool, proxy, fleet, model):
    mac = device(database, fleet, fleet.tenant(), model, encryption_announce='true')
    plain = pool.fetch_device(proxy, mac)
    choose(database, mac, encryption='true')
    answer = pool.fetch_device(proxy, mac)
    assert (plain.status, answer.status) == (200, 200)
    assert openssl(answer.body, model, key_in(plain.body, model)) == plain.body
