"""What a Grandstream phone is told, in both naming schemes: read by a parser that is not ours and compared with the vendor's own lists of parameters, account by account, key by key."""
import xml.etree.ElementTree as ElementTree

import pytest

from stack import Database, remove

PVALUE, ALIAS = 'grandstream-gxp2170', 'grandstream-grp2616'


@pytest.fixture(scope='module')
def database():
    db = Database()
    try:
        db.start()
        db.add_tenant('acme', server='pbx.example.net')
        yield db
    finally:
        db.stop()
    remove(db.directory)


_serial = iter(range(1, 1000))


@pytest.fixture
def phone(database):
    """Makes devices; gives a function that reads what one is told."""

    def make(model, accounts=1, settings=(), lines=(), keys=(), firmware=None):
        mac = f'000b82{next(_serial):06x}'
        database.add_device(mac, 'acme', model, accounts)
        for name, value in dict(settings).items():
            database.sql('INSERT INTO device_setting (mac, name, value) VALUES (%s, %s, %s)', (mac, name, value))
        for position, name, value in lines:
            database.sql('INSERT INTO line_setting (mac, position, name, value) VALUES (%s, %s, %s, %s)', (mac, position, name, value))
        for key in keys:
            columns = ['mac', *key]
            database.sql(f"INSERT INTO line_key ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})", (mac, *key.values()))
        return mac, told(database, mac, firmware)
    return make


def told(database, mac, firmware=None):
    """{name: value} of the file, by Python's XML parser."""
    more = ['--firmware', firmware] if firmware else []
    root = ElementTree.fromstring(database.command('render', mac, '--show-secrets', *more).stdout)
    assert root.tag == 'gs_provision' and root.get('version') == '1' and [child.tag for child in root] == ['mac', 'config']
    assert root.find('mac').text == mac
    config = root.find('config')
    names = [item.get('name') if config.get('version') == '2' else item.tag for item in config]
    assert len(names) == len(set(names))
    assert all(item.tag == 'item' for item in config) == (config.get('version') == '2')
    return {name: item.text or '' for name, item in zip(names, config)}


def test_dialects(database, phone):
    """By model and firmware."""
    mac, _ = phone('grandstream-grp2614')
    assert 'account.1.enable' in told(database, mac) and 'account.1.enable' in told(database, mac, '1.0.5.15')
    assert 'P271' in told(database, mac, '1.0.3.6')
    mac, values = phone(PVALUE)
    assert 'P271' in values and 'P271' in told(database, mac, '1.0.11.79')


# Account: active, name, server, second server, proxy, second proxy, user, auth user, password, display name, voicemail, DNS, NAT, register, expires, transport, SRTP,
# codec 1 to 8, dial plan, MWI, DTMF in audio, RTP, INFO, keep-alive by OPTIONS
ACCOUNTS = {
    1: 'P271 P270 P47 P2312 P48 P2333 P35 P36 P34 P3 P33 P103 P52 P31 P32 P130 P183 P57 P58 P59 P60 P61 P62 P46 P98 P290 P99 P2301 P2302 P2303 P2397',
    2: 'P401 P417 P402 P2412 P403 P2433 P404 P405 P406 P407 P426 P408 P414 P410 P412 P448 P443 P451 P452 P453 P454 P455 P456 P457 P458 P459 P415 P2401 P2402 P2403 P2497',
    3: 'P501 P517 P502 P2512 P503 P2533 P504 P505 P506 P507 P526 P508 P514 P510 P512 P548 P543 P551 P552 P553 P554 P555 P556 P557 P558 P559 P515 P2501 P2502 P2503 P2597',
    4: 'P601 P617 P602 P2612 P603 P2633 P604 P605 P606 P607 P626 P608 P614 P610 P612 P648 P643 P651 P652 P653 P654 P655 P656 P657 P658 P659 P615 P2601 P2602 P2603 P2697',
    5: 'P1701 P1717 P1702 P2712 P1703 P2733 P1704 P1705 P1706 P1707 P1726 P1708 P1714 P1710 P1712 P1748 P1743 P1751 P1752 P1753 P1754 P1755 P1756 P1757 P1758 P1759'
       ' P1715 P2701 P2702 P2703 P2797',
    6: 'P1801 P1817 P1802 P2812 P1803 P2833 P1804 P1805 P1806 P1807 P1826 P1808 P1814 P1810 P1812 P1848 P1843 P1851 P1852 P1853 P1854 P1855 P1856 P1857 P1858 P1859'
       ' P1815 P2801 P2802 P2803 P2897',
}
ALIASES = ('enable name sip.server.1.address sip.server.2.address sip.outboundProxy.1.address sip.outboundProxy.2.address sip.userid sip.subscriber.userid'
           ' sip.subscriber.password sip.subscriber.name sip.voicemail.number network.dnsMode network.natTraversal sip.registration sip.registerExpiration sip.transport'
           ' audio.srtpMode codec.choice.1 codec.choice.2 codec.choice.3 codec.choice.4 codec.choice.5 codec.choice.6 codec.choice.7 codec.choice.8 call.dialplan'
           ' sip.subscribe.forMwi dtmf.sendInAudio dtmf.sendInRtp dtmf.sendInSip sip.keepAlive.enable').split()
PLAN = '{ x+ | \\+x+ | *x+ | *xx*x+ }'


@pytest.mark.parametrize('model', [PVALUE, ALIAS])
def test_accounts(phone, model):
    settings = {'sip.backup_server': 'b.example', 'sip.outbound_proxy': '2001:db8::5', 'sip.outbound_port': '5080', 'sip.expires': '3601', 'voicemail.number': '*98',
                'voicemail.subscribe': 'true'}
    lines = [(2, 'sip.transport', 'tls'), (2, 'sip.port', '5061'), (2, 'codecs', 'pcma,opus,g726-16,g722'), (2, 'dtmf', 'rfc4733+info'), (2, 'sip.srtp', 'required'),
             (3, 'sip.dns_srv', 'true'), (3, 'sip.transport', 'tcp'), (3, 'sip.nat_keepalive', 'options'), (3, 'codecs', 'ilbc'), (3, 'dialplan.digitmap', None)][:-1]
    mac, values = phone(model, 6, settings, lines)
    words = {False: ['0', '1', '0', '2', '0', '1', '2', '0', '1', '2', '9 8 0 18', '8 123 9', '98'],
             True: ['No', 'Yes', 'UDP', 'TlsOrTcp', 'Disabled', 'EnabledButNotForced', 'EnabledAndForced', 'ARecord', '', 'NaptrOrSrv', 'G.722 PCMA PCMU G.729A/B',
                    'PCMA OPUS G.722', 'iLBC']}[model == ALIAS]
    no, yes, udp, tls, off, _, required, record, _, srv, usual, second, third = words
    tcp, keepalive = ('TCP', 'KeepAlive') if model == ALIAS else ('1', '2')
    for account in range(1, 7):
        names = [f'account.{account}.{name}' for name in ALIASES] if model == ALIAS else ACCOUNTS[account].split()
        user, display = f'u{mac[-4:]}{account}', f'User {mac[-4:]}'
        codecs = {2: second, 3: third}.get(account, usual).split()
        codecs += codecs[:1] * (8 - len(codecs))
        expected = [yes, display, {2: 'pbx.example.net:5061', 3: 'pbx.example.net'}.get(account, 'pbx.example.net:5060'), 'b.example' if account == 3 else 'b.example:5060',
                    '[2001:db8::5]' if account == 3 else '[2001:db8::5]:5080', '', user, user, None, display, '*98', srv if account == 3 else record,
                    no if account == 3 else keepalive, yes, '61', {2: tls, 3: tcp}.get(account, udp), required if account == 2 else off, *codecs, PLAN, yes,
                    no, yes, yes if account == 2 else no, yes if account == 3 else no]
        assert len(names) == len(expected) == 31
        for name, value in zip(names, expected):
            assert values[name] == value if value is not None else values[name].startswith('pw'), (account, name)


@pytest.mark.parametrize('model', [PVALUE, ALIAS, 'grandstream-gxp1630'])
def test_free_accounts_are_off(phone, model):
    _, values = phone(model)
    count = 3 if model.endswith('1630') else 6
    for account in range(2, count + 1):
        names = ACCOUNTS[account].split()
        active, password = (f'account.{account}.enable', f'account.{account}.sip.subscriber.password') if model == ALIAS else (names[0], names[8])
        assert values[active] in ('0', 'No') and values[password] == ''


ZONES = [
    ('Europe/Berlin', 'STD-1DST-2,M3.5.0/02:00:00,M10.5.0/03:00:00'),
    ('America/New_York', 'STD+5DST+4,M3.2.0/02:00:00,M11.1.0/02:00:00'),
    ('America/St_Johns', 'STD+3:30DST+2:30,M3.2.0/02:00:00,M11.1.0/02:00:00'),
    ('Australia/Sydney', 'STD-10DST-11,M10.1.0/02:00:00,M4.1.0/03:00:00'),
    ('Australia/Lord_Howe', 'STD-10:30DST-11,M10.1.0/02:00:00,M4.1.0/02:00:00'),
    ('Asia/Kathmandu', 'STD-5:45'),
    ('Europe/London', 'STD+0DST-1,M3.5.0/01:00:00,M10.5.0/02:00:00'),
    ('UTC', 'STD+0'),
]


@pytest.mark.parametrize('zone, expected', ZONES)
def test_time_zones(database, phone, zone, expected):
    mac, values = phone(PVALUE, settings={'timezone': zone})
    assert (values['P64'], values['P246'], values['P143']) == ('customize', expected, '0') and len(expected) <= 64
    values = told(database, phone(ALIAS, settings={'timezone': zone})[0])
    assert (values['dateTime.timezone'], values['dateTime.timezone.custom'], values['dateTime.override.dhcp.allowOption2']) == ('customize', expected, 'No')


def test_every_zone_can_be_told_or_says_why(database, phone):
    """All zones that a DBA may enter: a zone of at most 64 characters, or an error that names it."""
    mac, _ = phone(PVALUE, settings={'timezone': 'UTC'})
    zones = [zone for zone, in database.sql('SELECT name FROM timezone ORDER BY name', account='root')]
    assert len(zones) > 300
    seen = {}
    for zone in zones:
        rule = database.sql('SELECT rule FROM timezone WHERE name = %s', (zone,), account='root')[0][0]
        if rule in seen:
            continue
        seen[rule] = zone
        database.sql("UPDATE device_setting SET value = %s WHERE mac = %s AND name = 'timezone'", (zone, mac))
        result = database.command('render', mac, check=False)
        if result.returncode:
            assert 'timezone' in result.stderr, (zone, result.stderr)
            assert zone in ('Asia/Gaza', 'Asia/Hebron', 'Antarctica/Troll', 'America/Nuuk', 'America/Godthab', 'America/Scoresbysund') or rule.count(':'), zone
        else:
            assert len(ElementTree.fromstring(result.stdout).find('config/P246').text) <= 64


SETTINGS = {'provisioning.url': 'https://prov.example.net:8443/dir/', 'provisioning.interval': '120', 'firmware.url': 'http://fw.example/gs/', 'language': 'zh-hant',
            'phonebook.url': 'https://book.example/a/', 'phonebook.user': 'reader', 'web.protocol': 'https', 'syslog.server': 'log.example', 'syslog.level': '7',
            'network.vlan_id': '120', 'network.vlan_priority': '6', 'qos.voice_dscp': '46', 'ntp.server2': 't2.example', 'time.format': '12h', 'date.format': 'dd/mm/yyyy',
            'sip.local_port': '5070', 'sip.nat_keepalive_interval': '25', 'dialplan.digitmap': '0xx.T|[2-9]xx', 'dialplan.send_key': 'none', 'call.waiting': 'false',
            'ldap.server': 'ldap.example', 'tls.verify_name': 'true'}


def test_device(phone):
    mac, values = phone(PVALUE, settings=SETTINGS)
    expected = {'P212': '2', 'P237': 'prov.example.net:8443/dir', 'P1360': mac, 'P194': '1', 'P193': '120', 'P6767': '1', 'P192': 'fw.example/gs', 'P1362': 'zh-tw', 'P330': '3',
                'P331': 'book.example/a', 'P6713': 'reader', 'P1650': '0', 'P207': 'log.example', 'P208': '1', 'P51': '120', 'P87': '6', 'P1559': '46', 'P8333': 't2.example',
                'P122': '0', 'P102': '2', 'P40': '5070', 'P84': '25', 'P290': '{ 0x+ | [2-9]xx }', 'P72': '0', 'P91': '1', 'P8020': 'ldap.example', 'P22030': '1', 'P1359': '',
                'P30': 'pool.ntp.org', 'P144': '0', 'P1414': '0', 'P8375': '0'}
    assert {name: values.get(name) for name in expected} == expected
    assert len(values['P2']) == len(values['P196']) == 16 and values['P2'] != values['P196'] and len(values['P1361']) == 32
    mac, values = phone(ALIAS, settings={**SETTINGS, 'tls.verify': 'true', 'action_uri.enabled': 'false'})
    expected = {'provisioning.config.protocol': 'HTTPS', 'provisioning.config.serverPath': 'prov.example.net:8443/dir', 'provisioning.config.username': mac,
                'provisioning.auto.mode': 'YesUpgradeMin', 'provisioning.auto.minute': '120', 'provisioning.firmware.protocol': 'HTTP',
                'provisioning.firmware.serverPath': 'fw.example/gs', 'language.gui': 'zh-tw', 'phonebook.download.mode': 'EnabledUseHTTPS',
                'phonebook.download.server': 'book.example/a', 'security.webaccessmode': 'HTTPS', 'maintain.syslog.level': 'Debug', 'network.port.eth.1.vlan.tag': '120',
                'dateTime.format.time': '12Hour', 'dateTime.format.date': 'dd-mm-yyyy', 'account.1.sip.localPort': '5070', 'sip.keepAliveInterval': '25',
                'account.1.call.dialplan': '{ 0x+ | [2-9]xx }', 'account.1.call.keyAsSend': 'Disabled', 'security.validate.serverCertificate': 'Yes',
                'remoteControl.enable': 'No', 'provisioning.validateHostnameInCertificate': 'Yes', 'provisioning.config.filePassword': '', 'call.callWaiting.enable': 'No'}
    assert {name: values.get(name) for name in expected} == expected


@pytest.mark.parametrize('minutes, mode, expected', [('0', '0', None), ('1', '1', '60'), ('59', '1', '60'), ('60', '1', '60'), ('61', '1', '61'), (None, '1', '1440')])
def test_interval(phone, minutes, mode, expected):
    _, values = phone(PVALUE, settings={'provisioning.interval': minutes} if minutes else {})
    assert (values['P194'], values.get('P193')) == (mode, expected)
    _, values = phone(ALIAS, settings={'provisioning.interval': minutes} if minutes else {})
    assert values.get('provisioning.auto.minute') == expected


@pytest.mark.parametrize('name, value', [('web.protocol', 'both'), ('dialplan.send_key', 'star'), ('sip.caller_id', 'pai'), ('sip.nat_keepalive_interval', '300'),
                                         ('dialplan.digitmap', '0x.'), ('provisioning.url', 'ftp://h/x')])
def test_refused_by_name(database, phone, name, value):
    mac, _ = phone(PVALUE)
    database.sql('INSERT INTO device_setting (mac, name, value) VALUES (%s, %s, %s)', (mac, name, value))
    result = database.command('render', mac, check=False)
    assert result.returncode and f'`{name}`' in result.stderr and not result.stdout


# (model, slot, module): mode, account, label and value of a key, as the vendor's lists have them
KEYS = [
    ('grandstream-gxp1628', 2, 0, 'P1365 P1366 P1467 P1468', 'speeddial', '10'),
    ('grandstream-gxp1628', 3, 0, 'P323 P301 P302 P303', 'blf', '1'),
    ('grandstream-gxp1628', 10, 0, 'P353 P354 P355 P356', 'park', '9'),
    ('grandstream-gxp1630', 4, 0, 'P323 P301 P302 P303', 'speeddial', '0'),
    ('grandstream-gxp2130', 3, 0, 'P1367 P1368 P1469 P1470', 'blf', '11'),
    ('grandstream-gxp2130', 10, 0, 'P329 P319 P320 P321', 'blf', '1'),
    ('grandstream-gxp2130', 11, 0, 'P353 P354 P355 P356', 'intercom', '10'),
    ('grandstream-gxp2160', 6, 0, 'P1373 P1374 P1475 P1476', 'line', '0'),
    ('grandstream-gxp2160', 7, 0, 'P323 P301 P302 P303', 'dtmf', '5'),
    ('grandstream-gxp2160', 15, 0, 'P357 P358 P359 P360', 'voicemail', '6'),
    ('grandstream-gxp2160', 30, 0, 'P1460 P1461 P1462 P1463', 'ldap', '11'),
    ('grandstream-gxp2170', 7, 0, 'P23800 P23801 P23802 P23803', 'blf', '1'),
    ('grandstream-gxp2170', 32, 0, 'P23900 P23901 P23902 P23903', 'transfer', '8'),
    ('grandstream-gxp2170', 1, 1, 'P23000 P23001 P23002 P23003', 'blf', '1'),
    ('grandstream-gxp2170', 21, 1, 'P23100 P23101 P23102 P23103', 'blf', '1'),
    ('grandstream-gxp2140', 40, 4, 'P23795 P23796 P23797 P23798', 'speeddial', '0'),
    ('grandstream-grp2613', 24, 0, 'pks.vpk.24.keyMode pks.vpk.24.account pks.vpk.24.description pks.vpk.24.value', 'blf', 'BLF'),
    ('grandstream-grp2616', 16, 0, 'pks.vpk.16.keyMode pks.vpk.16.account pks.vpk.16.description pks.vpk.16.value', 'line', 'Line'),
]


@pytest.mark.parametrize('model, slot, module, names, kind, mode', KEYS)
def test_keys(phone, model, slot, module, names, kind, mode):
    key = {'module': module, 'slot': slot, 'type': kind, 'line': 2, 'label': 'Room & "1"', 'value': '201'}
    _, values = phone(model, 2, keys=[key])
    assert [values[name] for name in names.split()] == [mode, '1', 'Room & "1"', '201']


def test_multi_purpose_keys_of_grp(phone):
    _, values = phone('grandstream-grp2614', 2, keys=[{'slot': 17, 'type': 'blf', 'line': 2, 'label': 'x', 'value': '201'}, {'slot': 18, 'type': 'park', 'value': '700'}])
    assert [values[f'pks.mpk.1.{field}'] for field in ('keyMode', 'account', 'description', 'value')] == ['BLF', 'Account2', 'x', '201']
    assert [values[f'pks.mpk.2.{field}'] for field in ('keyMode', 'account', 'description', 'value')] == ['CallPark', 'Account1', '', '700']
    assert values['pks.mpk.24.keyMode'] == 'None' and values['pks.mpk.24.value'] == ''


def test_free_keys(phone):
    """The first are the phone's lines, others do nothing; a module that is told of is cleared."""
    _, values = phone('grandstream-gxp2140', settings={'expansion.modules': '1'})
    assert [values[f'P{1363 + 2 * i}'] for i in range(4)] == ['0'] * 4 and [values[f'P{1364 + 2 * i}'] for i in range(4)] == ['0', '1', '2', '3']
    assert all(values[f'P{23000 + 5 * i}'] == '-1' and values[f'P{23003 + 5 * i}'] == '' for i in range(40)) and 'P23200' not in values
    _, values = phone('grandstream-gxp2170')
    assert [values[f'P{23800 + 4 * i}'] for i in range(42)] == ['-1'] * 42
    _, values = phone('grandstream-grp2612')
    assert [values[f'pks.vpk.{i}.keyMode'] for i in range(1, 17)] == ['Line'] * 2 + ['None'] * 14


def test_raw_parameters_of_the_other_scheme(database, phone):
    """A name that this phone would pass over is an error that says so."""
    mac, _ = phone(ALIAS)
    database.sql("INSERT INTO device_setting (mac, vendor, name, value) VALUES (%s, 'grandstream', 'audio.volume.ring', '5')", (mac,))
    assert told(database, mac)['audio.volume.ring'] == '5'
    database.sql("INSERT INTO device_setting (mac, vendor, name, value) VALUES (%s, 'grandstream', 'P8352', '5')", (mac,))
    result = database.command('render', mac, check=False)
    assert result.returncode and 'parameter P8352: this dialect\'s names are aliases' in result.stderr


def test_common_files(database, phone):
    mac, _ = phone(PVALUE)
    common = database.command('render', mac, 'cfggxp2170.xml').stdout
    assert mac not in common and ElementTree.fromstring(common).find('config').get('version') == '1'
    assert database.command('render', mac, f'cfg{mac}', check=False).returncode
