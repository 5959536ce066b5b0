"""What a phone gets, through both proxies with the shipped files: status, headers and bytes of every kind of answer."""
import re
import configparser

import pytest

import phone
from proxies import ROOT
from stack import many

NO_IDENTITY = 'This needs the device\'s own credentials.'


@pytest.fixture(scope='module')
def tenant(fleet):
    return fleet.tenant()


@pytest.fixture(scope='module')
def mac(fleet, tenant):
    return fleet.phone(tenant, accounts=2)


def common_file(vendor):
    """(name of a common file, its model) of a vendor's models.ini."""
    models = configparser.ConfigParser(interpolation=None)
    models.read(ROOT / f'templates/{vendor}/models.ini')
    for section in models.sections():
        if models[section].get('common_file', '').strip():
            return models[section]['common_file'].split()[0], section
    pytest.fail(f'{vendor} has no common file')


def test_device_file(pool, proxy, mac):
    answer = pool.fetch_device(proxy, mac)
    assert answer.status == 200
    for password in pool.database.sql("SELECT plain FROM account_secret AS s JOIN line AS l USING (tenant_id, account_id) WHERE l.mac = %s", (mac,),
                                      account='root'):
        assert password[0].encode() in answer.body
    assert answer.header('cache-control') == 'no-store, private'
    assert int(answer.header('content-length')) == len(answer.body)
    assert answer.etag.startswith('"') and len(answer.etag) == 34
    assert answer.header('content-type')
    assert answer.header('x-dialtone-event') is None
    assert answer.header('set-cookie') is None


def test_same_inputs_same_bytes(pool, mac):
    """... through either proxy, by any worker."""
    answers = [pool.fetch_device(proxy, mac) for proxy in ('haproxy', 'nginx') for _ in range(12)]
    assert {a.status for a in answers} == {200}
    assert len({a.body for a in answers}) == 1
    assert len({a.etag for a in answers}) == 1


def test_the_command_renders_the_same_bytes(pool, mac):
    told = pool.database.command('render', mac, '--show-secrets')
    assert told.stdout.encode() == pool.fetch_device('haproxy', mac).body


def test_own_computation_of_credentials_is_the_commands(pool, mac):
    assert pool.database.credentials(mac) == pool.database.credentials_by_command(mac)


@pytest.mark.parametrize('form', ['{}', 'W/{}', '"other", {}', '*'])
def test_not_modified(pool, proxy, mac, form):
    etag = pool.fetch_device(proxy, mac).etag
    answer = pool.fetch_device(proxy, mac, headers=[('If-None-Match', form.format(etag))])
    assert answer.status == 304
    assert answer.etag == etag
    assert answer.body == b''


@pytest.mark.parametrize('form', ['"{}x"', '"00000000000000000000000000000000"', 'rubbish', ''])
def test_other_etag_is_modified(pool, proxy, mac, form):
    assert pool.fetch_device(proxy, mac, headers=[('If-None-Match', form)]).status == 200


def test_head_says_what_get_would(pool, proxy, mac):
    get, head = pool.fetch_device(proxy, mac), pool.fetch_device(proxy, mac, method='HEAD')
    assert head.status == 200
    assert head.comparable()[:2] == get.comparable()[:2]
    etag = get.etag
    assert pool.fetch_device(proxy, mac, method='HEAD', headers=[('If-None-Match', etag)]).status == 304


def test_http_1_0_and_no_user_agent(pool, proxy, mac):
    assert pool.fetch_device(proxy, mac, version='HTTP/1.0').status == 200
    assert pool.fetch_device(proxy, mac, agent=None).status == 200


def test_requests_on_one_connection_are_answered_in_order(pool, proxy, mac):
    user = pool.database.credentials(mac)
    lines = [('Host', 'localhost'), ('Authorization', phone.basic(*user))]
    with phone.connect(pool.proxies.tls_port(proxy)) as connection:
        connection.sendall(b''.join(phone.request_bytes('GET', t, lines) for t in (f'/{mac}.cfg', '/nothing', f'/x/{mac}.cfg')))
        reader = phone.Reader(connection)
        assert [reader.answer().status for _ in range(3)] == [200, 404, 200]


def test_challenge(pool, proxy, mac):
    answer = pool.fetch(proxy, f'/{mac}.cfg')
    assert answer.status == 401
    nonce = re.search('nonce="([0-9a-f]{56})"', answer.challenges()[0])[1]
    assert answer.challenges() == [f'Digest realm="dialtone", qop="auth", algorithm=SHA-256, nonce="{nonce}"',
                                   f'Digest realm="dialtone", qop="auth", algorithm=MD5, nonce="{nonce}"',
                                   'Basic realm="dialtone", charset="UTF-8"']
    assert answer.body.decode().strip() == NO_IDENTITY


@pytest.mark.parametrize('method', ['PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'get'])
def test_other_methods(pool, proxy, mac, method):
    answer = pool.fetch_device(proxy, mac, method=method)
    if method == 'get' and proxy == 'nginx':
        assert answer.status == 400  # nginx takes upper-case methods only
        return
    assert answer.status == 405
    assert answer.header('allow') == 'GET, HEAD'


def test_small_body_is_read_and_405(pool, proxy, mac):
    assert pool.fetch_device(proxy, mac, method='PUT', body=b'x' * 9000).status == 405


@pytest.mark.parametrize('target', ['/%zz', '/%', '/a%2', '/%00', '/a%0ab'])
def test_bad_paths(pool, proxy, target):
    assert pool.fetch(proxy, target).status == 400


def test_body_too_large(pool, proxy, mac):
    assert pool.fetch_device(proxy, mac, method='PUT', body=b'x' * 20000).status == 413


@pytest.mark.parametrize('size,status', [(3500, 200), (14000, 431)])
def test_headers_too_large(pool, proxy, mac, size, status):
    assert pool.fetch_device(proxy, mac, headers=[('X-Long', 'x' * size)]).status == status


def test_plain_http_is_refused(pool, proxy, mac):
    """A11: with right credentials, wrong ones and none: nothing but 403, and the journal says who still uses it."""
    port = pool.proxies.plain_port(proxy)
    answers = [phone.fetch(port, f'/{mac}.cfg', tls=False, auth=auth) for auth in (pool.database.credentials(mac), (mac, 'x' * 32), None)]
    assert {a.status for a in answers} == {403}
    assert len({a.body for a in answers}) == 1
    for forged in ([('X-Forwarded-Proto', 'https')], [('Https', 'on')], [('X-Https', 'on')], [('Forwarded', 'proto=https')]):
        assert phone.fetch(port, f'/{mac}.cfg', tls=False, headers=forged, auth=pool.database.credentials(mac)).status == 403


def test_common_file_needs_no_identity_and_holds_no_secret(pool, proxy, fleet, mac):
    name, _ = common_file(fleet.vendor)
    answers = [pool.fetch(proxy, f'/{name}'), pool.fetch(proxy, f'/t/{name}', auth=(mac, 'wrong' * 6)), pool.fetch_device(proxy, mac, name)]
    assert [a.status for a in answers] == [200, 200, 200]
    assert len({a.body for a in answers}) == 1
    body = answers[0].body.decode()
    for table in ('account_secret', 'tenant_secret', 'device_secret'):
        for secret, in pool.database.sql(f'SELECT plain FROM {table} WHERE plain IS NOT NULL', account='root'):
            assert secret not in body
    assert pool.fetch(proxy, f'/{name}', headers=[('If-None-Match', answers[0].etag)]).status == 304


def test_unknown_and_absent_files_are_404(pool, proxy, mac):
    for name in ('nothing', 'index.html', 'y000000000000.boot', f'{mac}.boot', 'favicon.ico', ''):
        assert pool.fetch_device(proxy, mac, name or '/').status == 404, name


# ---- A1: without a verified identity nothing can be told

def classes(fleet, tenant, count):
    """MACs that are known, unknown, and of disabled devices."""
    known = fleet.phone(tenant)
    disabled = fleet.phone(tenant, enabled=0)
    elsewhere = fleet.phone()
    return {'known': [known] * count, 'elsewhere': [elsewhere] * count, 'disabled': [disabled] * count,
            'unknown': [fleet.mac() for _ in range(count)]}


@pytest.mark.parametrize('how', ['nothing', 'wrong password', 'wrong token', 'another key', 'not basic'])
def test_a1_answers_without_identity_are_alike(pool, proxy, fleet, tenant, how):
    count = many(40, 200)
    seen = {}
    address = 0
    for kind, macs in classes(fleet, tenant, count).items():
        for i, mac in enumerate(macs):
            address += 1
            headers, auth = [], None
            if how == 'wrong password':
                auth = (mac, 'secret')
            elif how == 'wrong token':
                auth = (mac, '0123456789' + 'a' * 22)
            elif how == 'another key':
                auth = (mac, pool.database.credentials(mac, generation='abcdef0123')[1][::-1])
            elif how == 'not basic':
                headers = [('Authorization', f'Bearer {i}')]
            answer = pool.fetch(proxy, f'/{mac}.cfg', auth=auth, headers=headers, source=f'127.1.{address // 250}.{address % 250 + 1}')
            seen.setdefault(repr(answer.comparable()), set()).add(kind)
    assert len(seen) == 1, list(seen)
    assert next(iter(seen)).startswith('(401,')


def test_a1_old_generation_and_deleted_device_look_like_a_wrong_password(pool, proxy, fleet, tenant):
    mac, gone = fleet.phone(tenant), fleet.mac()
    old = pool.database.credentials(mac)
    assert pool.fetch(proxy, f'/{mac}.cfg', auth=old).status == 200
    pool.database.sql('UPDATE device SET generation = DEFAULT WHERE mac = %s', (mac,))
    pool.database.sql('UPDATE device SET previous_generation = NULL WHERE mac = %s', (mac,))
    answers = [pool.fetch(proxy, f'/{mac}.cfg', auth=old), pool.fetch(proxy, f'/{gone}.cfg', auth=pool.database.credentials(gone, 'abcdef0123')),
               pool.fetch(proxy, f'/{mac}.cfg', auth=(mac, 'wrong'))]
    assert [a.status for a in answers] == [401] * 3
    assert len({repr(a.comparable()) for a in answers}) == 1
    assert pool.fetch(proxy, f'/{mac}.cfg', auth=pool.database.credentials(mac)).status == 200


def test_proven_identity_gets_the_same_404_for_everything_else(pool, proxy, fleet, tenant):
    mine, neighbour, elsewhere, disabled = fleet.phone(tenant), fleet.phone(tenant), fleet.phone(), fleet.phone(tenant, enabled=0)
    me = pool.database.credentials(mine)
    assert pool.fetch(proxy, f'/{mine}.cfg', auth=me).status == 200
    answers = [pool.fetch(proxy, f'/{mac}.cfg', auth=me) for mac in (neighbour, elsewhere, disabled, fleet.mac())]
    answers.append(pool.fetch_device(proxy, disabled))
    answers.append(pool.fetch(proxy, '/nothing-at-all', auth=me))
    assert [a.status for a in answers] == [404] * len(answers)
    assert len({repr(a.comparable()) for a in answers}) == 1


# ---- A3: only the diagonal

def test_a3_identity_times_device(pool, proxy, fleet):
    tenants = [fleet.tenant(), fleet.tenant()]
    macs = [fleet.phone(t) for t in tenants for _ in range(many(2, 5))]
    vendors = [v for v in sorted(fleet.models) if v != fleet.vendor]
    macs += [fleet.phone(tenants[0], vendor=v) for v in vendors]
    credentials = {mac: pool.database.credentials(mac) for mac in macs}
    files = {mac: pool.database.file_of(mac) for mac in macs}
    kinds = {'{}.cfg', 'dir/{}.cfg', 'dir/../{}.cfg'} | {file.replace(mac, '{}') for mac, file in files.items()} | ({'{}.xml'} if vendors else set())
    for i, who in enumerate(macs):
        for whose in macs:
            for kind in sorted(kinds):
                for method in ('GET', 'HEAD', 'PUT'):
                    answer = pool.fetch(proxy, '/' + kind.format(whose), auth=credentials[who], method=method, source=f'127.2.{i}.1')
                    pool.proxies.forget_limits()
                    where = f'{method} {kind.format(whose)} as {who}'
                    if method == 'PUT':
                        assert answer.status == 405, where
                    elif who == whose and kind.format(whose).removeprefix('dir/') == files[whose]:
                        assert answer.status == 200, where
                    elif who == whose and kind == '{}.xml':
                        assert answer.status in (200, 404), where
                    else:
                        assert answer.status == 404, where


# ---- A4, A10: nothing but the token entitles

FORGED = [
    ('Remote-User', '{mac}'), ('X-Remote-User', '{mac}'), ('X-Forwarded-User', '{mac}'), ('X-SSL-Client-CN', '{mac}'), ('X-SSL-Client-Verify', 'SUCCESS'),
    ('SSL-Client-Verify', 'SUCCESS'), ('SSL_CLIENT_VERIFY', 'SUCCESS'), ('SSL_CLIENT_S_DN', 'CN={mac}'), ('REMOTE_USER', '{mac}'),
    ('Dialtone-Cert-Subject', 'CN={mac}'), ('DIALTONE_CERT_SUBJECT', 'CN={mac}'), ('X-Client-Cert', '{mac}'), ('Proxy-Authorization', '{basic}'),
    ('X-Original-URL', '/{mac}.cfg'), ('X-Dialtone-Event', 'auth-ok'), ('X-Authenticated', 'true'), ('Cookie', 'user={mac}'), ('Auth-Type', 'Basic'),
]


@pytest.mark.parametrize('name,value', FORGED, ids=[n for n, _ in FORGED])
def test_a4_forged_identity(pool, proxy, mac, name, value):
    user, password = pool.database.credentials(mac)
    value = value.format(mac=mac, basic=phone.basic(user, password))
    for auth in (None, (mac, 'wrong'), (mac, password[:-1] + ('a' if password[-1] != 'a' else 'b'))):
        answer = pool.fetch(proxy, f'/{mac}.cfg', auth=auth, headers=[(name, value)])
        # HAProxy refuses names with an underscore altogether (http-restrict-req-hdr-names)
        assert answer.status == 401 or ('_' in name and proxy == 'haproxy' and answer.status == 403), answer


@pytest.mark.parametrize('change', [
    lambda u, p: (u, p.swapcase()), lambda u, p: (u, p[:10] + p[10:][::-1]), lambda u, p: (u, p + ' '), lambda u, p: (u, ' ' + p), lambda u, p: (u, p[:-1]),
    lambda u, p: (u, p + 'a'), lambda u, p: (u, ''), lambda u, p: ('', p), lambda u, p: ('admin', p), lambda u, p: (u[:-1] + ('0' if u[-1] != '0' else '1'), p),
    lambda u, p: (u, u), lambda u, p: (u, p[:10].upper() + p[10:] if p[:10].upper() != p[:10] else p[:31] + '-'), lambda u, p: (u, p + '\0'),
    lambda u, p: (u + '\0', p),
])
def test_a4_almost_right_credentials(pool, proxy, mac, change):
    answer = pool.fetch(proxy, f'/{mac}.cfg', auth=change(*pool.database.credentials(mac)))
    assert answer.status == 401


@pytest.mark.parametrize('spelling', [str, str.upper, lambda m: ':'.join(m[i:i + 2] for i in range(0, 12, 2)).replace(':', '-')])
def test_user_in_other_spellings_is_the_same_device(pool, proxy, mac, spelling):
    user, password = pool.database.credentials(mac)
    assert pool.fetch(proxy, f'/{mac}.cfg', auth=(spelling(user), password)).status == 200


def test_a10_user_agent_entitles_to_nothing(pool, proxy, fleet, mac):
    agents = [f'Yealink SIP-T54W 96.86.0.{i} {mac}' for i in range(20)] + [f'Fanvil X3U 2.12.{i} {mac}' for i in range(20)]
    agents += ['', 'curl/8', 'Mozilla/5.0', 'x' * 3000, '%n%n%s', "' OR 1=1 --", 'Yealink', mac, '()', '\t', 'Grandstream GXP2170']
    neighbour = fleet.phone()
    them = pool.database.credentials(neighbour)
    for i, agent in enumerate(agents):
        assert pool.fetch(proxy, f'/{mac}.cfg', agent=agent).status == 401, agent
        assert pool.fetch(proxy, f'/{mac}.cfg', agent=agent, auth=them, source=f'127.3.{i}.1').status == 404, agent
        assert pool.fetch_device(proxy, mac, agent=agent).status == 200, agent


def test_two_authorization_headers(pool, proxy, mac):
    """A5 as far as a client can: never the answer of the one that it did not mean."""
    user, password = pool.database.credentials(mac)
    for first, second in (((user, password), (user, 'wrong')), ((user, 'wrong'), (user, password))):
        answer = pool.fetch(proxy, f'/{mac}.cfg', headers=[('Authorization', phone.basic(*first)), ('Authorization', phone.basic(*second))])
        assert answer.status in (400, 401), answer


def test_client_cannot_set_its_address(pool, proxy, mac):
    from waiting import wait_until
    agent = f'address-{proxy}-{mac}'
    pool.fetch_device(proxy, mac, agent=agent, headers=[('X-Forwarded-For', '203.0.113.9'), ('X-Real-IP', '203.0.113.9'), ('Forwarded', 'for=203.0.113.9')],
                      source='127.0.0.77')
    rows = wait_until(lambda: pool.journal('user_agent = %s', (agent,)), 10, 'the journal')
    assert rows[0]['address'] == '127.0.0.77'
