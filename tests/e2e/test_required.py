"""F1: a 200 is a whole configuration, or it is none. F3: a file that all phones share knows nothing of any of them."""
import xml.etree.ElementTree

import pytest

import fcgi_client
from stack import Pool

# What no layer gives by default and no phone registers without.
REQUIRED = {'sip.server'}


@pytest.fixture(scope='module')
def quick(database):
    """A pool without proxies: many fetches of few phones."""
    with Pool(database, workers=2, proxies=False) as pool:
        yield pool


@pytest.fixture(scope='module', params=['yealink-t54w', 'yealink-t31g', 'fanvil-x5u', 'fanvil-x3s', 'grandstream-gxp2170', 'grandstream-grp2614'])
def phone(request, database, fleet):
    """A MAC with a line, of a model of each syntax."""
    vendor = request.param.split('-')[0]
    mac = fleet.mac(vendor)
    database.add_device(mac, fleet.tenant(), request.param)
    return mac


def fetch(pool, mac):
    return fcgi_client.fetch(pool.socket, fcgi_client.proxy_parameters('/' + pool.database.file_of(mac), auth=pool.database.credentials(mac)))


def registers(body, user, password, server):
    """Does the file hold what a phone needs to register, each as a whole value?"""
    text = body.decode()
    if text.startswith('<?xml'):
        values = [element.text or '' for element in xml.etree.ElementTree.fromstring(text).iter()]
    else:
        between = '=' if text.startswith('#!') else ':'
        values = [line.split(between, 1)[1].strip() for line in text.splitlines() if between in line and not line.startswith(('#', '<'))]
    return user in values and password in values and any(value.split(':')[0] == server for value in values)


def account_of(database, mac):
    return database.sql("SELECT a.sip_user, s.plain, t.value FROM line AS l JOIN account AS a USING (tenant_id, account_id)"
                        " JOIN account_secret AS s USING (tenant_id, account_id) JOIN tenant_setting AS t ON t.tenant_id = l.tenant_id AND t.name = 'sip.server'"
                        " WHERE l.mac = %s AND s.name = 'sip.password'", (mac,), account='root')[0]


def test_each_setting_taken_away_in_turn(database, quick, phone):
    """A NULL row takes back what lower layers and leaves the default: the file stays whole, or there is none."""
    vendor = database.sql('SELECT m.vendor_id FROM device AS d JOIN model AS m USING (model_id) WHERE d.mac = %s', (phone,), account='root')[0][0]
    names = [name for name, in database.sql("SELECT name FROM setting JOIN vendor_setting USING (name) WHERE vendor_id = %s AND secret = 0 AND retired = 0"
                                            " ORDER BY name", (vendor,), account='root')]
    assert REQUIRED <= set(names) and len(names) > 30
    user, password, server = account_of(database, phone)
    assert registers(fetch(quick, phone).body, user, password, server)
    for name in names:
        database.sql('INSERT INTO device_setting (mac, name, value) VALUES (%s, %s, NULL)', (phone, name))
        answer = fetch(quick, phone)
        if name in REQUIRED:
            assert answer.status == 500, name
            assert server.encode() not in answer.body and password.encode() not in answer.body
        else:
            assert answer.status == 200, name
            assert registers(answer.body, user, password, server), name
        database.sql('DELETE FROM device_setting WHERE mac = %s AND name = %s', (phone, name))


def test_no_password_no_file(database, quick, phone):
    account = database.sql('SELECT tenant_id, account_id FROM line WHERE mac = %s', (phone,), account='root')[0]
    secret = database.sql('SELECT plain FROM account_secret WHERE tenant_id = %s AND account_id = %s', account, account='root')[0][0]
    database.sql('DELETE FROM account_secret WHERE tenant_id = %s AND account_id = %s', account)
    assert fetch(quick, phone).status == 500
    database.sql("INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES (%s, %s, 'sip.password', %s)", (*account, secret))
    assert fetch(quick, phone).status == 200


def test_common_file_is_everybodys(database, quick, fleet):
    """Whoever asks, with whatever credentials and User-Agent: the same bytes, and nothing in them of a device, an account or a tenant."""
    name = 'y000000000096.cfg'
    phones = [fleet.phone(fleet.tenant()) for _ in range(3)]
    answers = [fcgi_client.fetch(quick.socket, fcgi_client.proxy_parameters(f'/{name}'))]
    for mac in phones:
        answers.append(fcgi_client.fetch(quick.socket, fcgi_client.proxy_parameters(f'/p/{name}', auth=database.credentials(mac))))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    for mac in phones:
        for word in (mac, *account_of(database, mac)):
            assert word.encode() not in answers[0].body
