"""The files of vendors that take HA1: whole files against golden ones, and what must hold whatever the golden file says.

After a change that is meant: DIALTONE_GOLDEN=write pytest tests/integration/test_vendor_files.py, and read the difference.
"""
import hashlib
import json
import os
import pathlib
import urllib.parse
import xml.etree.ElementTree as ElementTree

import pytest

from stack import Database, remove

GOLDEN = pathlib.Path(__file__).parent / 'golden'
SNOM, SNOM_PLAIN, OLD_SNOM, LINPHONE, LINPHONE_MD5, LINPHONE_PLAIN = '000413aa0001', '000413aa0002', '000413aa0003', '0200005c0011', '0200005c0012', '0200005c0013'
REALM, PASSWORD = 'sip.acme.example', 'Pl4in&Secret"1'
# a section without a user name ends the reading, one without a password is dropped
UNUSED = {'username': 'unused', 'userid': '', 'passwd': '', 'ha1': '', 'realm': '', 'domain': '', 'algorithm': ''}
LPCONFIG = '{http://www.linphone.org/xsds/lpconfig.xsd}'


def ha1(name, user, realm=REALM, password=PASSWORD):
    return hashlib.new(name, f'{user}:{realm}:{password}'.encode()).hexdigest()


@pytest.fixture(scope='module')
def database():
    db = Database()
    try:
        db.start()
        db.add_tenant('acme', server='pbx.acme.example', settings={'sip.realm': REALM, 'sip.digest': 'md5,sha-256', 'timezone': 'Europe/Berlin', 'language': 'de',
                                                                   'tone.country': 'de', 'voicemail.number': '*98', 'provisioning.url': 'https://prov.acme.example/x/'})
        db.add_tenant('bare', server='2001:db8::5', settings={'timezone': 'America/St_Johns'})
        db.add_tenant('one', settings={'sip.realm': 'one'})
        for mac, tenant, model in ((SNOM, 'acme', 'snom-d785'), (SNOM_PLAIN, 'bare', 'snom-d715'), (OLD_SNOM, 'acme', 'snom-370'), (LINPHONE, 'acme', 'linphone-desktop'),
                                   (LINPHONE_PLAIN, 'bare', 'linphone-android'), (LINPHONE_MD5, 'one', 'linphone-ios')):
            db.sql('INSERT INTO device (mac, tenant_id, model_id) VALUES (%s, %s, %s)', (mac, tenant, model))
            user = 'u' + mac[-4:]
            db.sql('INSERT INTO account (tenant_id, account_id, sip_user, auth_user, display_name) VALUES (%s, %s, %s, %s, %s)',
                   (tenant, user, user, 'auth-' + user, 'Ann "A" <Müller> & Co'))
            db.sql("INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES (%s, %s, 'sip.password', %s)", (tenant, user, PASSWORD))
            db.sql('INSERT INTO line (mac, position, account_id) VALUES (%s, 2, %s)', (mac, user))
        for mac in (SNOM, SNOM_PLAIN, OLD_SNOM):
            db.sql("INSERT INTO device_secret (mac, name, plain) VALUES (%s, 'phone.admin_password', 'adm1n'), (%s, 'phone.user_password', 'us3r')", (mac, mac))
        for mac in (SNOM, LINPHONE):
            for name, value in (('sip.outbound_proxy', 'edge.acme.example'), ('sip.transport', 'tls'), ('sip.outbound_port', '5061'), ('codecs', 'pcma,g729'), ('sip.srtp', 'required'),
                                ('dtmf', 'rfc4733+info'), ('nat.stun_server', 'stun.acme.example'), ('nat.ice', 'true'), ('sip.expires', '600')):
                db.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, %s, %s)", (mac, name, value))
        for slot, kind, line, value in ((1, 'line', 2, None), (2, 'blf', 1, '201'), (3, 'speeddial', None, '+4930123'), (4, 'dnd', None, None), (24, 'park', None, '700')):
            db.sql("INSERT INTO line_key (mac, slot, type, line, value, label) VALUES (%s, %s, %s, %s, %s, %s)", (SNOM, slot, kind, line, value, f'"{kind}" & <{slot}>'))
        db.sql("INSERT INTO line_key (mac, module, slot, type, value, label) VALUES (%s, 2, 18, 'intercom', '202', 'Last')", (SNOM,))
        yield db
    finally:
        db.stop()
    remove(db.directory)


def render(database, mac, *more):
    text = database.command('render', mac, '--show-secrets', *more).stdout
    return text.replace(database.credentials(mac)[1], '@TOKEN@')


def compare(name, text):
    path = GOLDEN / name
    if os.environ.get('DIALTONE_GOLDEN') == 'write':
        path.write_text(text, encoding='utf-8')
    assert text == path.read_text(encoding='utf-8')


def snom(text):
    """{setting or (setting, idx): value}, {idx: (value, attributes)} of the keys."""
    root = ElementTree.fromstring(text)
    assert root.tag == 'settings' and [section.tag for section in root] == ['phone-settings', 'functionKeys']
    settings = {(e.tag, int(e.attrib['idx'])) if 'idx' in e.attrib else e.tag: e.text or '' for e in root[0]}
    assert len(settings) == len(root[0])
    keys = {int(e.attrib['idx']): (e.text, e.attrib) for e in root[1]}
    assert len(keys) == len(root[1])
    return settings, keys


def linphone(text):
    root = ElementTree.fromstring(text)
    assert all(e.attrib['overwrite'] == 'true' for e in root.iter(LPCONFIG + 'entry'))
    return {section.attrib['name']: {e.attrib['name']: e.text or '' for e in section} for section in root}


@pytest.mark.parametrize('mac, name', [(SNOM, 'snom-d785.xml'), (SNOM_PLAIN, 'snom-d715.xml'), (OLD_SNOM, 'snom-370.xml'), (LINPHONE, 'linphone.xml'),
                                       (LINPHONE_MD5, 'linphone-md5.xml'), (LINPHONE_PLAIN, 'linphone-plain.xml')])
def test_golden(database, mac, name):
    compare(name, render(database, mac))


@pytest.mark.parametrize('mac', [SNOM, OLD_SNOM, LINPHONE, LINPHONE_MD5])
def test_a_hash_in_place_of_the_password(database, mac):
    text = render(database, mac)
    for form in (PASSWORD, PASSWORD.replace('&', '&amp;').replace('"', '&quot;'), urllib.parse.quote(PASSWORD)):
        assert form not in text


def test_snom_accounts(database):
    settings, _ = snom(render(database, SNOM))
    assert settings['user_hash', 2] == ha1('md5', 'auth-u0001') and settings['user_pass', 2] == ''
    assert settings['user_outbound', 2] == 'edge.acme.example:5061;transport=tls' and settings['user_host', 2] == 'pbx.acme.example'
    assert settings['codec_priority_list', 2] == 'pcma,g729,telephone-event' and settings['user_savp', 2] == 'mandatory'
    assert settings['setting_server'] == 'https://prov.acme.example/x/{mac}.xml'
    assert settings['dst'] == '3600 03.05.07 02:00:00 10.05.07 03:00:00' and settings['utc_offset'] == '3600' and settings['timezone'] == ''
    others = [n for n in range(1, 13) if n != 2]
    assert all(settings['user_active', n] == 'off' and settings['user_hash', n] == settings['user_pass', n] == '' for n in others)
    settings, _ = snom(render(database, SNOM_PLAIN))
    assert settings['user_hash', 2] == '' and settings['user_pass', 2] == PASSWORD
    assert settings['user_outbound', 2] == '[2001:db8::5]:5060;transport=udp' and settings['utc_offset'] == '-12600'


def test_snom_timer_by_firmware(database):
    new = snom(render(database, SNOM))[0]
    assert (new['prov_polling_period'], new['settings_refresh_timer']) == ('86400', '0')
    assert snom(render(database, SNOM, '--firmware', '8.9.3.80'))[0]['settings_refresh_timer'] == '86400'
    assert snom(render(database, OLD_SNOM))[0]['settings_refresh_timer'] == '86400'


def test_snom_keys_run_on_over_modules(database):
    _, keys = snom(render(database, SNOM))
    assert sorted(keys) == list(range(24 + 2 * 18))
    assert keys[0][0] == 'line' and keys[0][1]['context'] == '2' and keys[0][1]['label'] == '"line" & <1>'
    assert keys[1][0] == 'blf 201' and keys[2][0] == 'speed +4930123' and keys[3][0] == 'keyevent F_DND' and keys[23][0] == 'orbit 700'
    assert keys[59] == ('intercom 202', {'idx': '59', 'context': 'active', 'label': 'Last', 'perm': 'R'})
    assert {keys[n][0] for n in range(4, 23)} == {'none'}


def test_linphone_credentials(database):
    both = linphone(render(database, LINPHONE))
    assert both['auth_info_2'] == {'username': 'u0011', 'userid': 'auth-u0011', 'passwd': '', 'ha1': ha1('md5', 'auth-u0011'), 'realm': REALM,
                                   'domain': 'pbx.acme.example', 'algorithm': 'MD5'}
    # of two credentials for one realm the client saves both only if their domains differ
    assert both['auth_info_3'] == {**both['auth_info_2'], 'ha1': ha1('sha256', 'auth-u0011'), 'domain': 'sha-256.invalid', 'algorithm': 'SHA-256'}
    one = linphone(render(database, LINPHONE_MD5))
    assert one['auth_info_2']['ha1'] == ha1('md5', 'auth-u0012', 'one') and one['auth_info_3'] == UNUSED
    plain = linphone(render(database, LINPHONE_PLAIN))
    assert plain['auth_info_2']['passwd'] == PASSWORD and not plain['auth_info_2']['ha1'] and plain['auth_info_3'] == UNUSED


def test_linphone_leaves_no_gap_and_frees_what_is_unused(database):
    found = linphone(render(database, LINPHONE))
    for section, count in (('proxy', 8), ('nat_policy', 8), ('auth_info', 16), ('audio_codec', 5)):
        assert sorted(int(name.rsplit('_', 1)[1]) for name in found if name.startswith(section + '_')) == list(range(count)), section
    for n in range(8):
        if n != 1:
            assert found[f'proxy_{n}']['reg_sendregister'] == '0' and found[f'proxy_{n}']['reg_identity'] == ''
            assert found[f'auth_info_{2 * n}'] == found[f'auth_info_{2 * n + 1}'] == UNUSED
    codecs = [(found[f'audio_codec_{n}']['mime'], found[f'audio_codec_{n}']['enabled']) for n in range(5)]
    assert codecs[:2] == [('PCMA', '1'), ('G729', '1')] and sorted(codecs[2:]) == [('G722', '0'), ('PCMU', '0'), ('opus', '0')]


def test_linphone_texts_stay_where_they_are(database):
    found = linphone(render(database, LINPHONE))
    assert found['proxy_1']['reg_identity'] == r'"Ann \"A\" <Müller> & Co" <sip:u0011@pbx.acme.example>'
    assert found['proxy_1']['reg_proxy'] == '<sip:edge.acme.example:5061;transport=tls>'
    assert found['misc']['config-uri'] == f'https://{LINPHONE}:@TOKEN@@prov.acme.example/x/linphone-{LINPHONE}.xml'
    assert found['sip']['media_encryption'] == 'srtp' and found['sip']['media_encryption_mandatory'] == '1'
    assert linphone(render(database, LINPHONE_PLAIN))['proxy_1']['reg_proxy'] == '<sip:[2001:db8::5]:5060;transport=udp>'
    assert 'misc' not in linphone(render(database, LINPHONE_PLAIN))


def test_what_cannot_be_said_is_refused_by_name(database):
    for mac, name, value, why in ((SNOM_PLAIN, 'dtmf', 'inband', 'map dtmf'), (SNOM_PLAIN, 'sip.nat_keepalive', 'options', 'map keepalive'),
                                  (LINPHONE_PLAIN, 'tls.verify', 'false', 'map verify'), (LINPHONE_PLAIN, 'sip.nat_keepalive', 'options', 'map keepalive')):
        database.sql('INSERT INTO device_setting (mac, name, value) VALUES (%s, %s, %s)', (mac, name, value))
        told = database.command('render', mac, check=False)
        database.sql('DELETE FROM device_setting WHERE mac = %s AND name = %s', (mac, name))
        assert told.returncode == 4 and f'`{name}` is `{value}`, which this vendor\'s {why} lacks' in told.stderr


def test_secrets_are_masked(database):
    for mac in (SNOM, LINPHONE):
        shown = database.command('render', mac).stdout
        for secret in (ha1('md5', 'auth-u0001'), ha1('md5', 'auth-u0011'), ha1('sha256', 'auth-u0011'), PASSWORD, database.credentials(mac)[1], 'adm1n', 'us3r'):
            assert secret not in shown


def test_snom_asks_by_other_names_too(database):
    own = database.command('render', SNOM).stdout
    assert database.command('render', SNOM, 'snomD785-000413AA0001.htm').stdout == own
    common = ElementTree.fromstring(database.command('render', SNOM, 'snomD785.htm').stdout)
    assert [(e.tag, e.text) for e in common.iter() if e.text and e.text.strip()] == [('auto_reboot_on_setting_change', 'off')]
    assert database.command('render', SNOM, 'snom-general.xml', check=False).returncode == 5


def test_raw_parameters_of_xml(database):
    """An attribute joins its element, a removed element takes its attributes along, and an attribute of nothing is an error by name."""
    def raw(name, value):
        database.sql("INSERT INTO device_setting (mac, vendor, name, value) VALUES (%s, 'snom', %s, %s)", (SNOM_PLAIN, name, value))
    try:
        for name, value in (('functionKeys/fkey[0]/@icon', 'a"b'), ('functionKeys/fkey[1]', None), ('phone-settings/user_dp_str[2]', '|^0|+49|d'), ('phone-settings/language/@perm', 'RW')):
            raw(name, value)
        text = render(database, SNOM_PLAIN)
        settings, keys = snom(text)
        assert keys[0][1]['icon'] == 'a"b' and 1 not in keys and settings['user_dp_str', 2] == '|^0|+49|d' and '<language perm="RW">' in text
        raw('functionKeys/fkey[40]/@label', 'x')
        told = database.command('render', SNOM_PLAIN, check=False)
        assert told.returncode == 4 and 'functionKeys/fkey[40]/@label is an attribute of an element that is not there' in told.stderr
    finally:
        database.sql("DELETE FROM device_setting WHERE mac = %s AND vendor = 'snom'", (SNOM_PLAIN,))


def test_check_says_who_holds_the_password_and_why(database):
    told = json.loads(database.command('--json', 'check').stdout)
    assert [(g['tenant'], g['vendor'], g['reason'], g['devices']) for g in told['plain_passwords']] == [
        ('bare', 'linphone', 'realm', [LINPHONE_PLAIN]), ('bare', 'snom', 'realm', [SNOM_PLAIN])]
    assert told['good'] is True
    assert 'because the tenant has no sip.realm' in database.command('check').stdout


def test_explain_names_the_tenant_as_what_a_realm_is_of(database):
    told = json.loads(database.command('--json', 'explain', SNOM, 'sip.realm').stdout)
    assert "'scope': 'tenant'" in str(told) and REALM in str(told)
    hashes = json.loads(database.command('--json', 'explain', SNOM, 'phone-settings/user_hash[2]').stdout)
    assert 'sip.realm' in str(hashes) and ha1('md5', 'auth-u0001') not in str(hashes)
