"""Rows of the list of threats that belong to no one way of identity: a device that is released (A8), default credentials (A9), parsers of what phones send (B10), requests
that two parsers might read differently (B11)."""
import gzip
import re
import subprocess

import pytest

import phone
from digest import challenge, respond
from proxies import ROOT
from stack import BUILD, Pool, program
from waiting import wait_until


# ---------------------------------------------------------------- A8

@pytest.fixture(scope='module')
def own(database):
    with Pool(database, conf={'identity': {'enrolment': 'true', 'networks': 'true'}}) as pool:
        yield pool


@pytest.mark.parametrize('how', ['move', 'delete and insert'])
def test_a8_a_released_device_takes_nothing_along(own, database, fleet, proxy, how):
    """Token, previous token, brought-in password, window, policies and networks of the first owner are worth nothing at the second, and no byte of the first is in the file."""
    first, second = fleet.tenant(), fleet.tenant()
    mac = fleet.mac()
    passwords = database.add_device(mac, first, fleet.models[fleet.vendor], accounts=2)
    database.sql("INSERT INTO device_setting (mac, name, value) VALUES (%s, 'language', 'de')", (mac,))
    before = database.credentials(mac)
    database.sql('UPDATE device SET generation = DEFAULT WHERE mac = %s', (mac,))
    after = database.credentials(mac)
    database.sql("INSERT INTO device_password (mac, plain) VALUES (%s, 'the first owner knows it')", (mac,))
    database.sql("INSERT INTO device_policy (mac, policy, network) VALUES (%s, 'office', 1)", (mac,))
    database.sql("INSERT INTO device_policy (mac, policy, token) VALUES (%s, 'token', 1)", (mac,))
    database.sql("INSERT INTO device_policy (mac, policy, password) VALUES (%s, 'password', 1)", (mac,))
    database.sql("INSERT INTO tenant_network (tenant_id, network) VALUES (%s, '127.0.0.0/8')", (first,))
    database.sql("INSERT INTO enrolment (mac, networks, valid_until) VALUES (%s, '0.0.0.0/0', NOW() + INTERVAL 1 HOUR)", (mac,))
    file = f'/{mac}.cfg'
    ways = [None, before, after, (mac, 'the first owner knows it')]
    assert [own.fetch(proxy, file, auth=auth).status for auth in ways] == [200] * 4
    asked = challenge(own.fetch(proxy, f'/{fleet.phone(second)}.cfg'), 'MD5')
    if how == 'move':
        database.sql('CALL move_device(%s, %s, NULL, NULL)', (mac, second))
    else:
        database.sql('CALL delete_device(%s)', (mac,))
        assert {own.fetch(proxy, file, auth=auth).status for auth in ways} == {401}
        database.sql('INSERT INTO device (mac, tenant_id, model_id) VALUES (%s, %s, %s)', (mac, second, fleet.models[fleet.vendor]))
    assert {own.fetch(proxy, file, auth=auth).status for auth in ways} == {401}
    for nc, (user, password) in enumerate(ways[1:], 1):
        assert own.fetch(proxy, file, auth=respond(asked, user, password, file, nc=nc)).status == 401
    assert database.sql('SELECT (SELECT COUNT(*) FROM enrolment WHERE mac = %s) + (SELECT COUNT(*) FROM device_policy WHERE mac = %s)', (mac, mac)) == ((0,),)
    # the second owner's
    database.sql("INSERT INTO account (tenant_id, account_id, sip_user) VALUES (%s, 'new', 'newcomer')", (second,))
    database.sql("INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES (%s, 'new', 'sip.password', 'of the second owner')", (second,))
    database.sql("INSERT INTO line (mac, position, account_id) VALUES (%s, 1, 'new')", (mac,))
    body = own.fetch(proxy, file, auth=database.credentials(mac)).body
    assert b'of the second owner' in body
    for word in [*passwords, first, f'sip.{first}.example.net', before[1], after[1], 'the first owner knows it', f'u{mac[-4:]}']:
        assert word.encode() not in body, word


# ---------------------------------------------------------------- A9

DEFAULTS = {'admin', 'password', 'user', 'guest', 'root', '1234', '0000', '12345', '123456', '22222', 'changeme', 'secret', 'adminpass'}


def test_a9_no_template_assigns_a_default_password():
    """What a template gives a password is a tag, which names a row or a value derived for the device; never a constant."""
    wrong = []
    for file in sorted((ROOT / 'templates').glob('*/*.tmpl')):
        for line in file.read_text().splitlines():
            name, separator, value = line.partition(' = ')
            if line.startswith('#') or not separator or not re.search(r'pass(word|wd)?\b|secret|\.pin\b', name, re.I):
                continue
            constant = re.sub(r'\{\{.*?\}\}', '', value).strip().strip('"').lower()
            if constant in DEFAULTS or re.search(r':-(?!%NULL%)[^}]+\}\}', value):  # Yealink's word for none
                wrong.append((file.name, line))
    assert not wrong, wrong


def test_a9_the_dictionary_has_no_default_secret():
    told = (ROOT / 'templates/settings.ini').read_text()
    for section in re.split(r'^\[', told, flags=re.M)[1:]:
        if re.search(r'^type *= *secret', section, re.M) or re.search(r'^secret *= *true', section, re.M):
            assert not re.search(r'^default *= *\S', section, re.M), section


def test_a9_phones_of_one_model_have_web_passwords_of_their_own(own, database, fleet):
    """Nothing was set: each file has a password for the phone's web page that no other has."""
    tenant, seen = fleet.tenant(), {}
    for mac in [fleet.phone(tenant) for _ in range(5)]:
        body = own.fetch_device('haproxy', mac).body.decode()
        found = re.findall(r'^static\.security\.user_password *= *admin:(.+)$', body, re.M)
        assert len(found) == 1 and len(found[0]) >= 12, found
        seen[found[0]] = mac
    assert len(seen) == 5


def test_a9_no_key_is_shipped_and_nothing_starts_without_one(database, tmp_path):
    """There is no sample key that somebody could leave in place."""
    for path in subprocess.run(['git', '-C', ROOT, 'ls-files'], capture_output=True, text=True, check=True).stdout.split():
        if not path.startswith('tests/') and (ROOT / path).is_file():
            assert not re.search(rb'^[A-Za-z0-9._-]{1,32} [0-9a-f]{64}$', (ROOT / path).read_bytes(), re.M), path
    conf = tmp_path / 'dialtone.conf'
    conf.write_text((ROOT / 'deploy/dialtone.conf.example').read_text())
    for name in ('dialtone-fcgi', 'dialtone-courier'):
        told = subprocess.run([program(name), '-t', '-c', conf], capture_output=True, text=True, check=False, timeout=30)
        assert told.returncode != 0 and 'key' in told.stderr, told


# ---------------------------------------------------------------- B10

# What the programs are linked with. libz and libzstd come along behind libmariadb and libsystemd, which speak to the database and to systemd.
LIBRARIES = {'libc', 'libm', 'libcrypto', 'libssl', 'libmariadb', 'libmysqlclient', 'libsystemd', 'libfcgi', 'libiniparser', 'libpthread', 'libasan', 'libubsan', 'libgcc_s'}


def test_b10_the_worker_has_no_parser_for_what_it_does_not_take():
    worker = next(p for p in (BUILD / 'dialtone-fcgi', BUILD / '.libs/dialtone-fcgi') if p.is_file())
    needed = re.findall(r'NEEDED.*\[(.*?)\.so', subprocess.run(['readelf', '-d', worker], capture_output=True, text=True, check=True).stdout)
    assert needed and set(needed) <= LIBRARIES, needed
    everything = subprocess.run(['ldd', worker], capture_output=True, text=True, check=True).stdout
    for word in ('xml', 'expat', 'json', 'yaml', 'brotli', 'bz2', 'archive', 'curl', 'pcre', 'lua', 'perl', 'python'):
        assert word not in everything, word
    called = subprocess.run(['nm', '-D', '--undefined-only', worker], capture_output=True, text=True, check=True).stdout
    assert not re.search(r'\b(inflate|uncompress|gz|ZSTD_|LZ4_|lzma_|BZ2_|xml|XML_)', called)


def test_b10_compressed_and_xml_bodies_are_not_read(pool, proxy, fleet):
    mac = fleet.phone()
    auth = pool.database.credentials(mac)
    bomb = gzip.compress(b'\0' * 5_000_000)[:12000]
    entity = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    for body, headers in ((bomb, [('Content-Encoding', 'gzip')]), (bomb, [('Content-Type', 'application/gzip')]), (entity, [('Content-Type', 'text/xml')])):
        answer = pool.fetch(proxy, f'/{mac}.cfg', method='PUT', auth=auth, body=body, headers=headers)
        assert answer.status == 405 and b'root:' not in answer.body
    plain = pool.fetch(proxy, f'/{mac}.cfg', auth=auth)
    asked = pool.fetch(proxy, f'/{mac}.cfg', auth=auth, headers=[('Accept-Encoding', 'gzip, br, zstd')])
    assert asked.header('content-encoding') is None and asked.body == plain.body


# ---------------------------------------------------------------- B11

SMUGGLED = 'GET /{other}.cfg HTTP/1.1\r\nHost: localhost\r\nX-Smuggled: 1\r\n\r\n'
# what                              head, and what follows it
CONFLICTS = [
    ('two Content-Lengths',         'Content-Length: 0\r\nContent-Length: {size}\r\n\r\n{smuggled}'),
    ('two Content-Lengths, swapped', 'Content-Length: {size}\r\nContent-Length: 0\r\n\r\n{smuggled}'),
    ('a list of lengths',           'Content-Length: 0, {size}\r\n\r\n{smuggled}'),
    ('a signed length',             'Content-Length: +{size}\r\n\r\n{smuggled}'),
    ('CL and TE',                   'Content-Length: {size4}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}'),
    ('TE and CL',                   'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{hex}\r\n{smuggled}\r\n0\r\n\r\n'),
    ('TE, obscured',                'Transfer-Encoding: xchunked\r\nContent-Length: {size}\r\n\r\n{smuggled}'),
    ('TE with a blank before colon', 'Transfer-Encoding : chunked\r\nContent-Length: {size}\r\n\r\n{smuggled}'),
    ('two TEs',                     'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{smuggled}'),
    ('a folded header',             'Transfer-Encoding:\r\n chunked\r\nContent-Length: {size}\r\n\r\n{smuggled}'),
    ('a bare CR',                   'X: a\rTransfer-Encoding: chunked\r\nContent-Length: {size}\r\n\r\n{smuggled}'),
    ('two Hosts',                   'Host: elsewhere\r\nContent-Length: 0\r\n\r\n'),
    ('Host is not the target\'s',   'Content-Length: 0\r\n\r\n'),
]


@pytest.mark.parametrize('what,rest', CONFLICTS, ids=[row[0] for row in CONFLICTS])
@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_b11_conflicting_lengths_and_hosts(pool, proxy, fleet, method, what, rest):
    """Refused, or read as one request, by whose credentials alone it is judged; what follows on the connection is read as what it is or not at all; and the next
    phone, on a connection of its own, gets its own file."""
    mac, other = fleet.phone(), fleet.phone()
    auth, bodies = pool.database.credentials(mac), {m: pool.fetch_device(proxy, m).body for m in (mac, other)}
    smuggled = SMUGGLED.format(other=other)
    rest = rest.format(size=len(smuggled), size4=len(smuggled) + 5, hex=f'{len(smuggled):x}', smuggled=smuggled)
    target = f'http://elsewhere/{mac}.cfg' if 'target' in what else f'/{mac}.cfg'
    good = phone.request_bytes('GET', f'/{mac}.cfg', [('Host', 'localhost'), ('Authorization', phone.basic(*auth)), ('Connection', 'close')])
    with phone.connect(pool.proxies.tls_port(proxy)) as connection:
        connection.sendall(f'{method} {target} HTTP/1.1\r\nHost: localhost\r\n{rest}'.encode() + good)
        reader, answers = phone.Reader(connection), []
        while True:
            try:
                answers.append(reader.answer())
            except phone.Torn:
                break
    statuses = [answer.status for answer in answers]
    assert statuses and statuses[0] in (400, 401, 405, 413, 501), statuses
    for answer in answers:
        assert bodies[other] != answer.body, "the other phone's file came"
    # at most the smuggled request as one of its own, without credentials, and then ours
    assert statuses[1:] in ([], [200], [401], [401, 200], [400]), statuses
    assert all(answer.body == bodies[mac] for answer in answers if answer.status == 200)
    if what in ('two Content-Lengths', 'two Content-Lengths, swapped', 'a list of lengths', 'two Hosts'):
        assert statuses == [400], statuses
    for m in (mac, other):
        assert pool.fetch_device(proxy, m).body == bodies[m]


def test_b11_no_decision_by_host(pool, proxy, fleet):
    mac = fleet.phone()
    reference = pool.fetch_device(proxy, mac).body
    for host in ('localhost', 'elsewhere.example', '127.0.0.1:1', mac):
        assert pool.fetch_device(proxy, mac, host_header=host).body == reference
        assert pool.fetch(proxy, f'/{mac}.cfg', host_header=host).status == 401


def test_what_was_refused_is_in_the_journal_once(pool, fleet):
    mac, source = fleet.phone(), phone.fresh_address()
    assert pool.fetch('nginx', f'/{mac}.cfg', auth=(mac, 'x' * 32), source=source).status == 401
    rows = wait_until(lambda: pool.journal('address = %s', (source,)), 10, 'the journal')
    assert len(rows) == 1 and rows[0]['result'] == 'bad-credentials'
