#!/usr/bin/python3
"""Fills a private database with phones for the benchmarks.

A bench phone is a Yealink T54W with 2 lines, 12 keys, 4 settings and 2 raw parameters of its own, in one of 1,000 tenants with 5
sites and 5 profiles each. Phone number i has the MAC of `mac(i)`: sorted as their numbers are, with gaps. "Wide" phones have 150 keys.

Two ways to load, the same rows either way:
  by triggers (the usual)   every row is judged, as a DBA's would be
  --bulk                    the triggers are put aside while rows come in sorted, and what triggers would have written beside them
                            (revisions, account_route) is written by statements of this file. A million phones are 25 million
                            rows; through the triggers they would take the better part of an hour, and this measures fetches, not
                            loading. `--compare` proves that both ways leave the same rows: use it on small databases.

    population.py --socket S [--database D] [--first I] --devices N [--wide W] [--bulk]
    population.py --socket S --compare
"""
import argparse
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / 'lib'))

import stack

TENANTS, SITES, PROFILES = 1000, 5, 5
KEYS, WIDE_KEYS = 12, 150
OUI, WIDE_OUI = '805ec0', '805e0c'
CHUNK = 20000
MODEL = 'yealink-t54w'
AGENT = 'Yealink SIP-T54W 96.86.0.45'


def mac(number, wide=False):
    return f'{WIDE_OUI if wide else OUI}{number * 16 + number * 7 % 16:06x}'


class Sql:
    """The command line client, as the account root of a private server."""

    def __init__(self, socket, database='dialtone'):
        who = ['--no-defaults', f'--socket={socket}', '--user=root']
        self.command = ['mariadb', *who, '--batch', '--skip-column-names', '--raw', '--default-character-set=utf8mb4', database]
        self.dump = ['mariadb-dump', *who, '--skip-opt', '--no-data', '--no-create-info', '--triggers', '--skip-comments', database]

    def run(self, text):
        done = subprocess.run(self.command, input=text, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f'{done.stderr.strip()}\nwhile running:\n{text[:2000]}')
        return [line.split('\t') for line in done.stdout.splitlines()]

    def triggers(self):
        return subprocess.run(self.dump, check=True, capture_output=True, text=True).stdout


# ---- what phones share

def shared_rows(tenants):
    t = "CONCAT('t', LPAD(t.seq, 4, '0'))"
    s, p = "CONCAT('site', s.seq)", "CONCAT('profile', s.seq)"
    every_tenant = f'FROM seq_1_to_{tenants} AS t'
    every_site = f'{every_tenant} JOIN seq_1_to_{SITES} AS s'
    every_profile = f'{every_tenant} JOIN seq_1_to_{PROFILES} AS s'
    yield ("INSERT INTO provider_setting (vendor, name, value) VALUES ('', 'sip.transport', 'tls'), ('', 'sip.port', '5061'), "
           "('', 'sip.srtp', 'optional'), ('', 'ntp.server', 'time.example.net'), ('', 'tone.country', 'de'), "
           "('', 'web.protocol', 'https'), "
           "('yealink', 'static.security.dev_cert', '1'), ('yealink', 'features.power_saving.enable', '1')")
    yield f"INSERT INTO tenant (tenant_id, name) SELECT {t}, CONCAT('Customer ', t.seq) {every_tenant}"
    for name, value in (('sip.server', "CONCAT('pbx', t.seq, '.example.net')"),
                        ('sip.outbound_proxy', "CONCAT('edge', MOD(t.seq, 8), '.example.net')"),
                        ('voicemail.number', "'*97'"), ('phonebook.url', "CONCAT('https://book.example.net/', t.seq, '/contacts.xml')")):
        yield f"INSERT INTO tenant_setting (tenant_id, name, value) SELECT {t}, '{name}', {value} {every_tenant}"
    yield (f"INSERT INTO tenant_secret (tenant_id, name, plain, version) SELECT {t}, 'phone.admin_password', "
           f"LEFT(SHA1(CONCAT('admin', t.seq)), 16), RANDOM_BYTES(8) {every_tenant}")
    yield f"INSERT INTO site (tenant_id, site_id, name) SELECT {t}, {s}, CONCAT('Site ', s.seq) {every_site}"
    for name, value in (('timezone', "ELT(s.seq, 'Europe/Berlin', 'Europe/London', 'America/New_York', 'Asia/Tokyo', 'Australia/Sydney')"),
                        ('language', "ELT(s.seq, 'de', 'en', 'en', 'en', 'en')"), ('network.vlan_id', '100 + s.seq')):
        yield f"INSERT INTO site_setting (tenant_id, site_id, name, value) SELECT {t}, {s}, '{name}', {value} {every_site}"
    yield f"INSERT INTO profile (tenant_id, profile_id, name) SELECT {t}, {p}, CONCAT('Profile ', s.seq) {every_profile}"
    for name, value in (('codecs', "'opus,g722,pcma,pcmu'"), ('call.waiting', "IF(s.seq = 1, 'true', 'false')"),
                        ('dialplan.interdigit_timeout', '2 + s.seq')):
        yield f"INSERT INTO profile_setting (tenant_id, profile_id, name, value) SELECT {t}, {p}, '{name}', {value} {every_profile}"
    yield (f"INSERT INTO profile_key (tenant_id, profile_id, module, slot, type, value, label) "
           f"SELECT {t}, {p}, 0, 20 + k.seq, 'speeddial', CONCAT('90', k.seq), CONCAT('Service ', k.seq) "
           f"{every_profile} JOIN seq_1_to_3 AS k")


# ---- phones

class Expressions:
    """What the columns of phone number i.seq hold."""

    def __init__(self, wide, tenants):
        self.mac = f"CONCAT('{WIDE_OUI if wide else OUI}', LPAD(LOWER(HEX(i.seq * 16 + MOD(i.seq * 7, 16))), 6, '0'))"
        self.tenant = f"CONCAT('t', LPAD(1 + MOD(i.seq * 7919, {tenants}), 4, '0'))"
        self.site = f"CONCAT('site', 1 + MOD(i.seq DIV 7, {SITES}))"
        self.profile = f"CONCAT('profile', 1 + MOD(i.seq DIV 3, {PROFILES}))"
        self.account = f"CONCAT('{'w' if wide else 'a'}', LPAD(i.seq, 7, '0'), '.', l.seq)"
        self.user = f"CONCAT('{'8' if wide else '2'}', LPAD(i.seq * 2 + l.seq, 8, '0'))"


def device_rows(first, last, wide, tenants, bulk):
    """Statements for phones first..last. bulk: also what the triggers would have written."""
    e = Expressions(wide, tenants)
    every = f'FROM seq_{first}_to_{last} AS i'
    lines = f'{every} JOIN seq_1_to_2 AS l'
    yield (f"INSERT INTO device (mac, tenant_id, site_id, profile_id, model_id, generation) "
           f"SELECT {e.mac}, {e.tenant}, {e.site}, {e.profile}, '{MODEL}', LOWER(HEX(RANDOM_BYTES(5))) {every}")
    yield (f"INSERT INTO account (tenant_id, account_id, sip_user, auth_user, display_name) SELECT {e.tenant}, {e.account}, {e.user}, "
           f"CONCAT('auth', {e.user}), CONCAT('Someone <', {e.user}, '> & Söhne') {lines} ORDER BY 1, 2")
    yield (f"INSERT INTO account_secret (tenant_id, account_id, name, plain, version) SELECT {e.tenant}, {e.account}, 'sip.password', "
           f"LEFT(SHA1(CONCAT('secret', {e.user})), 20), RANDOM_BYTES(8) {lines} ORDER BY 1, 2")
    yield (f"INSERT INTO line (mac, position, tenant_id, account_id, label) SELECT {e.mac}, l.seq, {e.tenant}, {e.account}, "
           f"IF(l.seq = 1, NULL, 'Hotline') {lines} ORDER BY 1, 2")
    if wide:
        yield (f"INSERT INTO line_key (mac, module, slot, type, line, value, label, extension) "
               f"SELECT {e.mac}, IF(k.seq <= 27, 0, (k.seq - 28) DIV 41 + 1), IF(k.seq <= 27, k.seq, MOD(k.seq - 28, 41) + 1), 'blf', 1, "
               f"CONCAT('2', LPAD(k.seq, 4, '0')), CONCAT('Colleague ', k.seq), '**' "
               f"{every} JOIN seq_1_to_{WIDE_KEYS} AS k ORDER BY 1, 2, 3")
    else:
        yield (f"INSERT INTO line_key (mac, module, slot, type, line, value, label, extension) "
               f"SELECT {e.mac}, 0, k.seq, IF(k.seq <= 2, 'line', 'blf'), IF(k.seq <= 2, k.seq, 1), "
               f"IF(k.seq <= 2, NULL, CONCAT('2', LPAD(k.seq, 4, '0'))), IF(k.seq <= 2, NULL, CONCAT('Colleague ', k.seq)), "
               f"IF(k.seq <= 2, NULL, '**') {every} JOIN seq_1_to_{KEYS} AS k ORDER BY 1, 3")
    settings = (('', 'call.intercom', "'true'"), ('', 'qos.voice_dscp', "'46'"), ('', 'syslog.level', 'MOD(i.seq, 8)'),
                ('', 'time.format', "IF(MOD(i.seq, 2), '12h', '24h')"), ('yealink', 'phone_setting.backlight_time', '30 + MOD(i.seq, 30)'),
                ('yealink', 'wallpaper_upload.url', "CONCAT('https://img.example.net/', i.seq, '.png')"))
    union = ' UNION ALL '.join(f"SELECT {e.mac} AS m, '{vendor}' AS v, '{name}' AS n, {value} AS t {every}"
                               for vendor, name, value in settings)
    yield f'INSERT INTO device_setting (mac, vendor, name, value) SELECT m, v, n, t FROM ({union}) AS x ORDER BY 1, 2, 3'
    if bulk:
        yield f'INSERT INTO device_revision (mac, revision) SELECT {e.mac}, RANDOM_BYTES(8) {every}'
        yield (f"INSERT INTO account_route (tenant_id, account_id, mac, position) SELECT t, a, m, p FROM ("
               f"SELECT {e.tenant} AS t, {e.account} AS a, '' AS m, 0 AS p {lines} "
               f"UNION ALL SELECT {e.tenant}, {e.account}, 'z', 0 {lines} "
               f"UNION ALL SELECT {e.tenant}, {e.account}, {e.mac}, l.seq {lines}) AS x ORDER BY 1, 2, 3")


FAST = 'SET foreign_key_checks = 0, unique_checks = 0, check_constraint_checks = 0; '


def fill(sql, first, count, wide=False, bulk=False, tenants=TENANTS, say=lambda text: None):
    """Make sure of the shared rows, then add phones first .. first + count - 1."""
    if not int(sql.run('SELECT COUNT(*) FROM tenant')[0][0]):
        sql.run(';\n'.join(shared_rows(tenants)))
        say(f'{tenants} tenants, {tenants * SITES} sites, {tenants * PROFILES} profiles')
    if not count:
        return
    triggers = ''
    if bulk:
        triggers = sql.triggers()
        names = sql.run('SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()')
        sql.run('; '.join(f'DROP TRIGGER `{name}`' for name, in names))
    try:
        for begin in range(first, first + count, CHUNK):
            end = min(begin + CHUNK, first + count) - 1
            statements = device_rows(begin, end, wide, tenants, bulk)
            sql.run((FAST if bulk else '') + 'START TRANSACTION; ' + ';\n'.join(statements) + '; COMMIT')
            say(f'phones {begin}..{end}')
    finally:
        if triggers:
            sql.run(triggers)
    sql.run('ANALYZE TABLE device, line, account, account_secret, line_key, device_setting, device_revision')


# What both ways to load must leave alike: all columns but times and what is random.
COMPARED = {
    'device': 'mac, tenant_id, site_id, profile_id, model_id, enabled, LENGTH(generation), previous_generation',
    'account': 'tenant_id, account_id, sip_user, auth_user, display_name, enabled',
    'account_secret': 'tenant_id, account_id, name, plain, sealed, key_id, LENGTH(version)',
    'line': 'mac, position, tenant_id, account_id, label, enabled',
    'line_key': 'mac, module, slot, type, line, value, label, extension',
    'device_setting': 'mac, vendor, name, value',
    'device_revision': 'mac, LENGTH(revision)',
    'account_route': 'tenant_id, account_id, mac, position',
}


def compare(sql, count=100, first=900000):
    """Load the same phones both ways in turn. Returns the tables whose rows differ."""
    names = ', '.join(repr(mac(i)) for i in range(first, first + count))
    accounts = f"account_id BETWEEN 'a{first:07d}' AND 'a{first + count - 1:07d}.9'"
    where = {table: f'mac IN ({names})' for table in COMPARED}
    where['account'] = where['account_secret'] = where['account_route'] = accounts
    seen = []
    for bulk in (False, True):
        fill(sql, first, count, bulk=bulk)
        seen.append({table: sorted(sql.run(f'SELECT {columns} FROM {table} WHERE {where[table]}')) for table, columns in COMPARED.items()})
        for table in ('line_key', 'device_setting', 'line', 'account_secret', 'account', 'device', 'device_revision', 'account_route'):
            sql.run(f'DELETE FROM {table} WHERE {where[table]}')
    return [table for table in COMPARED if seen[0][table] != seen[1][table] or not seen[0][table]]


# ---- what phones say

def write_phones(database, sql, path, numbers, wide=False, prefix='/', digests=None):
    """The list for the load client: one line for each of these phones."""
    numbers = list(numbers)
    generations = {}
    for begin in range(0, len(numbers), 5000):
        names = ', '.join(repr(mac(i, wide)) for i in numbers[begin:begin + 5000])
        generations.update(sql.run(f'SELECT mac, generation FROM device WHERE mac IN ({names})'))
    with open(path, 'w', encoding='utf-8') as file:
        for i in numbers:
            m = mac(i, wide)
            agent = f'{AGENT} {":".join(m[j:j + 2] for j in range(0, 12, 2))}'
            row = [f'{prefix}{m}.cfg', m, stack.token(database.keys, m, generations[m]), agent, m]
            if digests and m in digests:
                row.append(digests[m])
            file.write('\t'.join(row) + '\n')
    return str(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--socket', required=True)
    parser.add_argument('--database', default='dialtone')
    parser.add_argument('--first', type=int, default=0)
    parser.add_argument('--devices', type=int, default=0)
    parser.add_argument('--wide', type=int, default=0)
    parser.add_argument('--tenants', type=int, default=TENANTS)
    parser.add_argument('--bulk', action='store_true')
    parser.add_argument('--compare', action='store_true')
    arguments = parser.parse_args()
    sql = Sql(arguments.socket, arguments.database)
    if arguments.compare:
        differ = compare(sql)
        print(f'tables that differ: {", ".join(differ) or "none"}')
        return 1 if differ else 0
    began = time.monotonic()

    def say(text):
        print(f'{time.monotonic() - began:7.1f} s  {text}', flush=True)

    fill(sql, arguments.first, arguments.devices, bulk=arguments.bulk, tenants=arguments.tenants, say=say)
    fill(sql, arguments.first, arguments.wide, wide=True, bulk=arguments.bulk, tenants=arguments.tenants, say=say)
    return 0


if __name__ == '__main__':
    sys.exit(main())
