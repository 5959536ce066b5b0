"""What the command says of phones, against a pool that serves them: render is what the phone gets, lag is exact, why finds the reason."""
import json
import os
import pty
import re
import subprocess
import time

import pytest

import fcgi_client
from stack import Database, Pool, ROOT, program, remove

AGENT = 'Yealink SIP-T54W 96.86.0.45 80:5e:c0:00:00:01'
ONE, TWO, OFF, BAD = '805ec0000001', '805ec0000002', '805ec0000003', '805ec0000004'
MODEL = 'yealink-t54w'


@pytest.fixture(scope='module')
def database():
    db = Database()
    try:
        db.start()
        db.add_tenant('acme', settings={'language': 'de'})
        db.sql("INSERT INTO site (tenant_id, site_id) VALUES ('acme', 'hq')")
        db.sql("INSERT INTO site_setting (tenant_id, site_id, name, value) VALUES ('acme', 'hq', 'timezone', 'Europe/London')")
        for mac in (ONE, TWO, OFF):
            db.add_device(mac, 'acme', MODEL, accounts=2, site_id='hq')
        db.sql('UPDATE device SET enabled = 0 WHERE mac = %s', (OFF,))
        db.sql("INSERT INTO tenant (tenant_id) VALUES ('bare')")
        db.add_device(BAD, 'bare', MODEL)
        for name, value in (('phone_setting.backlight_time', '60'), ('lang.gui', 'Klingon'), ('lang.wui', None), ('my.admin_password', 'geheim99')):
            db.sql("INSERT INTO device_setting (mac, vendor, name, value) VALUES (%s, 'yealink', %s, %s)", (ONE, name, value))
        yield db
    finally:
        db.stop()
    remove(db.directory)


@pytest.fixture(scope='module')
def pool(database):
    with Pool(database, workers=1, proxies=False) as p:
        yield p


def ask(pool, database, mac, auth=True, name=None, agent=AGENT):
    """One request; waits until the journal has it."""
    before = database.sql('SELECT COUNT(*) FROM fetch_journal')[0][0]
    auth = database.credentials(mac) if auth is True else auth
    pairs = [p for p in fcgi_client.proxy_parameters(f'/{name or mac + ".cfg"}', auth=auth) if p[0] != 'HTTP_USER_AGENT']
    answer = fcgi_client.fetch(pool.socket, pairs + [('HTTP_USER_AGENT', agent)])
    for _ in range(200):
        if database.sql('SELECT COUNT(*) FROM fetch_journal')[0][0] > before:
            return answer
        time.sleep(0.05)
    raise AssertionError('the journal did not get the request')


def told(database, *arguments):
    result = database.command('--json', *arguments, check=False)
    return result.returncode, json.loads(result.stdout) if result.stdout else None, result.stderr


# ---- render

def test_render_is_what_the_phone_gets(database, pool):
    answer = ask(pool, database, ONE)
    assert answer.body.decode() == database.command('render', ONE, '--show-secrets').stdout
    masked = database.command('render', ONE).stdout
    assert masked != answer.body.decode() and masked.count('********') >= 4
    assert len(masked.splitlines()) == len(answer.body.decode().splitlines())
    assert 'geheim99' in answer.body.decode() and 'geheim99' not in masked


def test_no_secret_is_shown_unasked(database):
    secrets = [row[0] for row in database.sql('SELECT plain FROM account_secret', account='root')] + [database.credentials(ONE)[1], 'geheim99']
    for verb in (['render', ONE], ['explain', ONE], ['--json', 'explain', ONE], ['explain', ONE, '*password*'], ['why', ONE], ['--json', 'render', ONE],
                 ['check'], ['explain', ONE, 'sip.password']):
        result = database.command(*verb, check=False)
        for secret in secrets:
            assert secret not in result.stdout + result.stderr, verb


def test_render_says_what_a_phone_is_refused(database):
    assert database.command('render', '805ec0ffffff', check=False).returncode == 3
    result = database.command('render', BAD, check=False)
    assert result.returncode == 4 and 'sip.server' in result.stderr and result.stdout == ''
    assert database.command('render', OFF, check=False).returncode == 5
    assert database.command('render', ONE, f'{ONE}.boot', check=False).returncode == 5
    assert database.command('render', ONE, 'index.html', check=False).returncode == 5
    assert database.command('render', ONE, f'{TWO}.cfg', check=False).returncode == 2
    assert database.command('render', ONE, 'y000000000096.cfg').stdout.startswith('#!version')


def test_any_spelling_of_a_mac(database):
    wanted = database.command('render', ONE).stdout
    for spelling in ('80:5E:C0:00:00:01', '80-5e-c0-00-00-01', '805e.c000.0001'):
        assert database.command('render', spelling).stdout == wanted


def unused_setting(database):
    """(name, value) of a setting that no Yealink template uses and every layer may have."""
    rows = database.sql("SELECT s.name, s.type, s.min_value, s.items FROM setting AS s LEFT JOIN vendor_setting AS v"
                        " ON v.name = s.name AND v.vendor_id = 'yealink' WHERE v.name IS NULL AND s.type IN ('string', 'int', 'bool', 'enum')"
                        " AND s.scope = 'device' AND s.retired = 0 ORDER BY s.name")
    if not rows:
        pytest.skip('every setting is used by the vendor')
    name, kind, least, items = rows[0]
    return name, {'string': 'x', 'int': str(least), 'bool': 'true'}.get(kind) or items.split(',')[0]


# ---- explain

def parameter(found, name):
    return next(p for p in found['parameters'] if p['name'] == name)


def test_explain_names_layer_place_settings_and_what_was_beaten(database):
    code, found, _ = told(database, 'explain', ONE)
    assert code == 0 and found['model'] == MODEL
    zone = parameter(found, 'local_time.time_zone')
    assert (zone['layer'], zone['who'], zone['file']) == ('site', 'hq', 'yealink/time.tmpl') and zone['line'] > 0
    assert zone['used'] == [{'setting': 'timezone', 'value': 'Europe/London', 'from': 'site hq'}]
    gui = parameter(found, 'lang.gui')
    assert (gui['value'], gui['layer'], gui['who']) == ('Klingon', 'device', ONE)
    assert [(b['value'], b['layer'], b['who']) for b in gui['beat']] == [('German', 'tenant', 'acme')]
    assert [(r['name'], r['removed_by']) for r in found['removed']] == [('lang.wui', 'device')]
    assert parameter(found, 'my.admin_password')['value'] == '********'
    text = database.command('explain', ONE).stdout
    assert 'raw parameter of device' in text and 'removed by device' in text


def test_explain_a_setting_and_a_pattern(database):
    _, found, _ = told(database, 'explain', ONE, 'timezone')
    assert [r['layer'] for r in found['setting']['values'][0]['rows']] == ['site']
    assert all('timezone' in [u['setting'] for u in p['used']] for p in found['parameters'])
    _, found, _ = told(database, 'explain', ONE, 'ACCOUNT.1.*')
    assert found['parameters'] and all(p['name'].startswith('account.1.') for p in found['parameters'])
    code, _, message = told(database, 'explain', ONE, 'timezne')
    assert code == 3 and 'did you mean `timezone`?' in message


def test_settings_without_effect_are_listed(database):
    name, value = unused_setting(database)
    database.sql('INSERT INTO provider_setting (name, value) VALUES (%s, %s)', (name, value))
    try:
        assert {'setting': name, 'from': 'provider'} in told(database, 'explain', ONE)[1]['without_effect']
        assert 'without effect' in database.command('explain', ONE).stdout
    finally:
        database.sql('DELETE FROM provider_setting WHERE name = %s', (name,))


# ---- lag

def lagging(database, *more):
    code, found, message = told(database, 'lag', *more)
    assert found is not None, message
    return code, {(one['mac'], one['state']) for one in found['lagging']}


def test_lag_is_exact(database, pool):
    ask(pool, database, ONE)
    assert lagging(database) == (1, {(TWO, 'never-fetched'), (BAD, 'cannot-render')})
    ask(pool, database, TWO)
    assert lagging(database, '--tenant', 'acme') == (0, set())
    # a revision moves, the bytes do not
    database.sql("UPDATE tenant_setting SET comment = 'x' WHERE tenant_id = 'acme'")
    database.sql("INSERT INTO device_setting (mac, vendor, name, value) VALUES (%s, 'fanvil', 'x.y', '1')", (ONE,))
    assert lagging(database, '--tenant', 'acme') == (0, set())
    database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'timezone', 'Asia/Tokyo')", (ONE,))
    assert lagging(database, '--tenant', 'acme') == (1, {(ONE, 'changed')})
    ask(pool, database, ONE)
    assert lagging(database, '--tenant', 'acme') == (0, set())
    # back to what it had before: it has something else now
    database.sql("DELETE FROM device_setting WHERE mac = %s AND name = 'timezone'", (ONE,))
    assert lagging(database, '--tenant', 'acme') == (1, {(ONE, 'changed')})
    ask(pool, database, ONE)


def test_lag_knows_its_tenants(database):
    assert database.command('lag', '--tenant', 'acmee', check=False).returncode == 3


# ---- why

def facts(found):
    return {fact['topic']: fact['mood'] for fact in found['facts']}


def test_why_all_is_well(database, pool):
    ask(pool, database, TWO)
    code, found, _ = told(database, 'why', TWO)
    assert code == 0 and found['good'] and found['next'] == []
    assert facts(found) == {'known': 'good', 'enabled': 'good', 'model': 'good', 'renders': 'good', 'current': 'good'}
    assert found['requests'][0]['result'] == 'ok' and found['requests'][0]['user_agent'].startswith('Yealink SIP-T54W')


def test_why_disabled_broken_unknown(database):
    code, found, _ = told(database, 'why', OFF)
    assert code == 1 and facts(found)['enabled'] == 'bad' and any('UPDATE device SET enabled = 1' in n for n in found['next'])
    code, found, _ = told(database, 'why', BAD)
    assert code == 1 and facts(found)['renders'] == 'bad'
    code, found, _ = told(database, 'why', '805ec0000005')
    assert code == 3 and facts(found)['known'] == 'bad' and any(ONE in f['text'] for f in found['facts'])


def test_why_bad_credentials(database, pool):
    ask(pool, database, TWO, auth=(TWO, 'x' * 32))
    code, found, _ = told(database, 'why', TWO)
    assert code == 1 and found['requests'][0]['result'] == 'bad-credentials' and f'dialtone credentials {TWO}' in found['next'][-1]
    ask(pool, database, TWO)


def test_why_a_mistyped_mac(database, pool):
    typed, real, site = '805ec00000a1', '805ec0000a01', '805ec0999999'
    database.add_device(typed, 'acme', MODEL, site_id='hq')
    ask(pool, database, TWO)
    ask(pool, database, real, auth=None)
    ask(pool, database, site, auth=None)
    code, found, _ = told(database, 'why', typed)
    assert code == 1 and facts(found)['asked'] == 'bad'
    similar = {one['mac']: one['reason'] for one in found['similar']}
    assert similar[real] == 'digits 10 and 11 are swapped' and similar[site] == "from the site's address"
    assert 'nearly the same' in found['next'][0]
    assert 'Phones that asked and are not in the table' in database.command('why', typed, check=False).stdout


# ---- credentials

def test_credentials_are_what_a_phone_needs(database):
    code, found, message = told(database, 'credentials', ONE)
    assert code == 0 and (found['user'], found['password']) == database.credentials(ONE)
    assert found['file'] == f'{ONE}.cfg' and 'secret' in message


def test_credentials_on_a_terminal(database):
    master, slave = pty.openpty()
    subprocess.run([program('dialtone'), '-c', database.conf_file(), 'credentials', ONE], stdout=slave, stderr=subprocess.DEVNULL, check=True)
    os.close(slave)
    text = os.read(master, 4096).decode()
    os.close(master)
    assert database.credentials(ONE)[1] in text


# ---- identify

@pytest.mark.parametrize('arguments, code, wanted', [
    (['--path', '/p/805ec0000001.cfg?x=1', '--user-agent', AGENT], 0, {'mac': ONE, 'mac_vendor': 'yealink', 'contradictions': []}),
    (['--path', '/805ec0000002.cfg', '--user-agent', AGENT], 1, {'mac': TWO}),
    (['--path', '/favicon.ico'], 3, {'path': None, 'mac': None}),
    (['--user-agent', 'Mozilla/5.0 (X11)'], 3, {'user_agent': None}),
])
def test_identify(database, arguments, code, wanted):
    got, found, _ = told(database, 'identify', *arguments)
    assert got == code and {k: found[k] for k in wanted} == wanted


def test_identify_names_the_rules(database):
    _, found, _ = told(database, 'identify', '--path', '/805ec0000001.cfg', '--user-agent', AGENT)
    assert found['path']['answer'] == 'device' and found['user_agent']['model'] == MODEL and found['user_agent']['firmware'] == '96.86.0.45'


# ---- check

def test_check_lists_what_fails(database):
    code, found, _ = told(database, 'check')
    assert code == 1 and [f['subject'] for f in found['failures']] == [f'device {BAD} of bare'] and 'sip.server' in found['failures'][0]['message']
    code, found, _ = told(database, 'check', '--templates-only')
    assert code == 0 and found['models'] > 50 and found['devices'] == 0


def test_check_hints_at_settings_that_reach_nobody(database):
    name, value = unused_setting(database)
    database.sql("INSERT INTO tenant_setting (tenant_id, name, value) VALUES ('acme', %s, %s)", (name, value))
    found = told(database, 'check')[1]
    database.sql("DELETE FROM tenant_setting WHERE tenant_id = 'acme' AND name = %s", (name,))
    assert any(h['subject'] == 'tenant acme' and name in h['message'] for h in found['hints'])


def test_key_types_are_those_of_the_database(database):
    text = (ROOT / 'cli/synthetic.c').read_text()
    array = text[text.index('synthetic_key_types[] = {'):]
    types = set(re.findall(r'"(\w+)"', array[:array.index('NULL')]))
    assert types == {row[0] for row in database.sql('SELECT type FROM key_type')} - {'none'}


def test_a_restore_under_way_is_told(database):
    database.sql('CREATE OR REPLACE VIEW _complete AS SELECT 1 AS complete, revision FROM layer_revision WHERE layer = "provider"', account='root', rows=False)
    try:
        result = database.command('render', ONE, check=False)
        assert result.returncode == 7 and 'restored' in result.stderr
    finally:
        database.sql('UPDATE schema_migration SET finished_at = NULL WHERE version >= 4', account='root')
        database.command('db', 'upgrade', '--password-dir', database.passwords)


def test_check_hints_at_rows_that_are_passed_over(database):
    """A window, a policy and a password that this configuration does not look at: said, and no failure."""
    mac, = database.sql('SELECT mac FROM device LIMIT 1')[0]
    tenant, = database.sql('SELECT tenant_id FROM device WHERE mac = %s', (mac,))[0]
    database.sql("INSERT INTO enrolment (mac, networks, valid_until) VALUES (%s, '192.0.2.0/24', NOW() + INTERVAL 1 DAY)", (mac,))
    database.sql("INSERT INTO tenant_policy (tenant_id, policy, network) VALUES (%s, 'address', 1)", (tenant,))
    database.sql("INSERT INTO device_policy (mac, policy, certificate) VALUES (%s, 'factory', 1)", (mac,))
    try:
        hints = {hint['message'] for hint in json.loads(database.command('--json', 'check', check=False).stdout)['hints']}
        assert '1 windows are open and have no effect: identity.enrolment is false' in hints
        assert '1 want an address only and have no effect: identity.networks is false' in hints
        assert any(hint.startswith('1 want a certificate, which nothing can prove') for hint in hints)
        assert not any('passwords' in hint for hint in hints)
    finally:
        database.sql('DELETE FROM enrolment WHERE mac = %s', (mac,))
        database.sql('DELETE FROM tenant_policy WHERE tenant_id = %s', (tenant,))
        database.sql('DELETE FROM device_policy WHERE mac = %s', (mac,))
