"""Two devices never mix: random rows in all layers of two tenants go through a slow merge of our own, written from doc/architecture.md alone, and
every fetched file is compared with it.

Every value names the row it stands in, so that a value in a foreign file is seen whatever the parameter.
"""
import random
import re

import pytest

import fcgi_client
from stack import Pool, many

PROVIDER, TENANT, SITE, PROFILE, DEVICE, ACCOUNT, LINE = range(2, 9)

UNSET = '%NULL%'   # Yealink's word for "nothing here"; a template may also say nothing at all

# Settings that a Yealink template hands on as they are, and have no default: the parameter.
DEVICE_SETTINGS = {
    'ntp.server2': 'local_time.ntp_server2',
    'firmware.url': 'static.firmware.url',
    'dialplan.digitmap': 'dialplan.digitmap.string',
    'syslog.server': 'static.syslog.server',
    'phonebook.url': 'remote_phonebook.data.1.url',
}
LINE_SETTINGS = {
    'sip.server': 'account.{}.sip_server.1.address',
    'sip.user_agent': 'account.{}.custom_ua',
    'voicemail.number': 'voice_mail.number.{}',
    'sip.outbound_proxy': 'account.{}.outbound_proxy.1.address',
    'conference.uri': 'account.{}.conf_uri',
}
ALL = {**DEVICE_SETTINGS, **LINE_SETTINGS}
RAW = ['local_time.ntp_server2', 'static.firmware.url', 'account.1.custom_ua', 'account.2.conf_uri', 'own.one', 'own.two', 'own.three']


class World:
    """The rows, as the test believes them to be, and the statements that make them so in the database."""

    TABLES = {PROVIDER: ('provider_setting', ()), TENANT: ('tenant_setting', ('tenant_id',)), SITE: ('site_setting', ('tenant_id', 'site_id')),
              PROFILE: ('profile_setting', ('tenant_id', 'profile_id')), DEVICE: ('device_setting', ('mac',)),
              ACCOUNT: ('account_setting', ('tenant_id', 'account_id')), LINE: ('line_setting', ('mac', 'position'))}

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.rows = {}      # (layer, key, vendor, name) → value or None
        self.devices = {}   # mac → (tenant, site, profile, [account ids])
        self.serial = 0

    def value(self, layer, key, name):
        self.serial += 1
        owner = '-'.join(str(part) for part in key).replace('_', '-') or 'provider'
        word = f'v{layer}.{owner}.n{self.serial}.example'
        if name == 'dialplan.digitmap':
            return word
        if name in ('firmware.url', 'phonebook.url'):
            return f'https://{word}/x'
        return word

    def statement(self, layer, key, vendor, name, value, gone):
        table, columns = self.TABLES[layer]
        columns = [*columns, 'vendor', 'name']
        arguments = [*key, vendor, name]
        if gone:
            return f"DELETE FROM {table} WHERE {' AND '.join(c + ' = %s' for c in columns)}", arguments
        names = ', '.join([*columns, 'value'])
        return f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * (len(columns) + 1))}) ON DUPLICATE KEY UPDATE value = VALUES(value)", \
            [*arguments, value]

    def change(self):
        """One random change: (statement, arguments)."""
        mac = self.random.choice(sorted(self.devices))
        tenant, site, profile, accounts = self.devices[mac]
        position = self.random.randrange(len(accounts)) + 1
        layer = self.random.choice([PROVIDER, TENANT, SITE, PROFILE, DEVICE, DEVICE, ACCOUNT, LINE])
        key = {PROVIDER: (), TENANT: (tenant,), SITE: (tenant, site), PROFILE: (tenant, profile), DEVICE: (mac,),
               ACCOUNT: (tenant, accounts[position - 1]), LINE: (mac, position)}[layer]
        if self.random.random() < 0.4:
            vendor, name = 'yealink', self.random.choice(RAW)
        else:
            vendor, name = '', self.random.choice(sorted(LINE_SETTINGS if layer >= ACCOUNT else ALL))
        place = (layer, key, vendor, name)
        if name == 'sip.server' and layer == PROVIDER:
            how = 'value'   # or nothing could be rendered
        else:
            how = self.random.choice(['value', 'value', 'value', 'null', 'gone'])
        value = self.value(layer, key, name) if how == 'value' else None
        if how == 'gone':
            self.rows.pop(place, None)
        else:
            self.rows[place] = value
        return self.statement(layer, key, vendor, name, value, how == 'gone')

    # ---- the reference: from the rules, not from the code

    def chain(self, mac, position=None):
        tenant, site, profile, accounts = self.devices[mac]
        keys = [(PROVIDER, ()), (TENANT, (tenant,)), (SITE, (tenant, site)), (PROFILE, (tenant, profile)), (DEVICE, (mac,))]
        if position:
            keys += [(ACCOUNT, (tenant, accounts[position - 1])), (LINE, (mac, position))]
        return keys

    def lay(self, mac, position, name):
        value, rank = None, 0
        for layer, key in self.chain(mac, position):
            if (layer, key, '', name) in self.rows:
                row = self.rows[(layer, key, '', name)]
                value, rank = (None, 0) if row is None else (row, layer)
        return value, rank

    def expected(self, mac):
        """{parameter: value} of everything that this test changes; UNSET: nothing or the vendor's word for it; None: not in the file."""
        out = {}
        lines = len(self.devices[mac][3])
        for name, parameter in DEVICE_SETTINGS.items():
            value, rank = self.lay(mac, None, name)
            out[parameter] = (UNSET, 0) if value is None else (value, rank)
        for position in range(1, lines + 1):
            for name, parameter in LINE_SETTINGS.items():
                value, rank = self.lay(mac, position, name)
                out[parameter.format(position)] = (UNSET, 0) if value is None else (value, rank)
        raw = {}
        places = self.chain(mac) + [p for position in range(1, lines + 1) for p in self.chain(mac, position)[5:]]
        for layer in range(PROVIDER, LINE + 1):
            for at, key in places:
                for name in RAW:
                    if at == layer and (at, key, 'yealink', name) in self.rows:
                        raw[name] = (self.rows[(at, key, 'yealink', name)], layer)
        for name, (value, layer) in raw.items():
            if layer >= out.get(name, (UNSET, 0))[1]:
                out[name] = (value, layer)
        return {name: value for name, (value, _) in out.items()}

    def lacks_server(self, mac):
        """A NULL row took the provider's away for a line, and nothing above gives another."""
        return any(self.lay(mac, position, 'sip.server')[0] is None for position in range(1, len(self.devices[mac][3]) + 1))


def parse(body):
    """A flat file read by the vendor's description of it: {name: value}. Every name once, but for the password, once for each login."""
    lines = body.decode().split('\n')
    assert lines[0] == '#!version:1.0.0.1'
    assert lines[-1] == ''
    out = {}
    for line in lines[1:-1]:
        name, separator, value = line.partition('=')
        assert separator, line
        name, value = name.strip(), value.strip()
        if name == 'static.security.user_password':
            name += '@' + value.partition(':')[0]
        assert name not in out, f'{name} twice'
        out[name] = value
    return out


@pytest.fixture(scope='module')
def world(database):
    world = World(seed=20260101)
    oui = database.ouis('yealink')[0]
    with database.connect('dba', autocommit=False) as connection, connection.cursor() as cursor:
        serial = 0xa00000
        for tenant in ('ref_a', 'ref_b'):
            cursor.execute('INSERT INTO tenant (tenant_id) VALUES (%s)', (tenant,))
            for site in ('s1', 's2'):
                cursor.execute('INSERT INTO site (tenant_id, site_id) VALUES (%s, %s)', (tenant, site))
                cursor.execute('INSERT INTO profile (tenant_id, profile_id) VALUES (%s, %s)', (tenant, site.replace('s', 'p')))
            for number in range(5):
                serial += 1
                mac, site, profile = f'{oui}{serial:06x}', f's{number % 2 + 1}', f'p{number // 2 % 2 + 1}'
                cursor.execute("INSERT INTO device (mac, tenant_id, site_id, profile_id, model_id) VALUES (%s, %s, %s, %s, 'yealink-t54w')",
                               (mac, tenant, site, profile))
                accounts = []
                for position in range(1, number % 3 + 2):
                    account = f'{tenant}-{number}-{position}'
                    cursor.execute('INSERT INTO account (tenant_id, account_id, sip_user) VALUES (%s, %s, %s)', (tenant, account, account))
                    cursor.execute("INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES (%s, %s, 'sip.password', %s)",
                                   (tenant, account, f'secret-of-{account}'))
                    cursor.execute('INSERT INTO line (mac, position, account_id) VALUES (%s, %s, %s)', (mac, position, account))
                    accounts.append(account)
                world.devices[mac] = (tenant, site, profile, accounts)
        connection.commit()
    yield world
    # The provider's rows are everybody's: later tests shall not see them.
    with database.connect('dba') as connection, connection.cursor() as cursor:
        cursor.execute('DELETE FROM provider_setting')


def owners_of(world, mac):
    tenant, site, profile, accounts = world.devices[mac]
    keys = {'provider', tenant, f'{tenant}-{site}', f'{tenant}-{profile}', mac}
    keys |= {f'{tenant}-{account}' for account in accounts} | {f'{mac}-{position}' for position in range(1, len(accounts) + 1)}
    return {key.replace('_', '-') for key in keys}


def test_every_file_equals_the_reference(database, world):
    """With a cache too small for all layers, so that eviction takes part."""
    rounds = many(40, 1500)
    base = (PROVIDER, (), '', 'sip.server')
    world.rows[base] = 'v2.provider.n0.example'
    database.sql(*world.statement(*base, world.rows[base], False))
    fetched = whole = 0
    with Pool(database, workers=2, proxies=False, conf={'pool': {'cache_bytes': 65536}}) as pool:
        for number in range(rounds):
            for _ in range(world.random.randrange(1, 6)):
                database.sql(*world.change())
            for mac in sorted(world.devices):
                answer = fcgi_client.fetch(pool.socket, fcgi_client.proxy_parameters(f'/{mac}.cfg', auth=database.credentials(mac)))
                fetched += 1
                if world.lacks_server(mac):
                    assert answer.status == 500, 'a file without its server is no file'
                    continue
                assert answer.status == 200, pool.log()[-1000:]
                whole += 1
                file = parse(answer.body)
                for name, value in world.expected(mac).items():
                    assert (file.get(name, UNSET) if value == UNSET else file.get(name)) == value, f'round {number}, {mac}: {name}'
                strangers = set(re.findall(r'v\d\.([a-z0-9-]+)\.n\d+\.example', answer.body.decode())) - owners_of(world, mac)
                assert not strangers, f'round {number}, {mac}: values of {strangers}'
                secrets = set(re.findall(r'secret-of-([a-z0-9_-]+)', answer.body.decode()))
                assert secrets == set(world.devices[mac][3])
    assert fetched == rounds * len(world.devices)
    assert whole > fetched // 2


def test_a_parameter_of_one_device_is_in_no_other_file(database, world):
    macs = sorted(world.devices)
    for mac in macs:
        for position in range(1, len(world.devices[mac][3]) + 1):
            database.sql(*world.statement(LINE, (mac, position), '', 'sip.server', 'sip.example.net', False))
        database.sql("INSERT INTO device_setting (mac, vendor, name, value) VALUES (%s, 'yealink', %s, 'here')", (mac, f'only.{mac}'))
    with Pool(database, workers=2, proxies=False) as pool:
        for mac in macs:
            body = fcgi_client.fetch(pool.socket, fcgi_client.proxy_parameters(f'/{mac}.cfg', auth=database.credentials(mac))).body.decode()
            assert re.findall(r'only\.([0-9a-f]{12}) = here', body) == [mac]
