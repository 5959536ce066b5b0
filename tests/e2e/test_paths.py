"""B1: a path is decoded once and only its last part counts. 200 spellings: each is the device's file, or nothing."""
import pytest

import phone

OURS, NOTHING, BAD = 200, 404, 400


def pairs(mac, separator):
    return separator.join(mac[i:i + 2] for i in range(0, 12, 2))


def spellings(mac, other):
    """(target, the statuses that are right, may nginx or HAProxy refuse it by 400 itself?)"""
    up = mac.upper()
    mixed = ''.join(c.upper() if i % 2 else c for i, c in enumerate(mac))
    escaped = ''.join(f'%{ord(c):02x}' for c in mac)
    ours = [f'/{m}.cfg' for m in (mac, up, mixed, pairs(mac, ':'), pairs(mac, '-'), pairs(mac, '_'), pairs(up, ':'), pairs(up, '-'), pairs(up, '_'), escaped)]
    ours += [f'/{mac}{dot}{ext}' for dot in ('.', '%2e', '%2E') for ext in ('cfg', 'CFG', 'Cfg', '%63fg', 'cf%67', '%43FG')]
    ours += [f'{prefix}/{mac}.cfg' for prefix in ('/a', '/a/b', '/tenant', '/a/b/c/d/e/f/g', '//', '///', '/a//', '/.', '/a/.', '/%20', '/a%20b', '/%C3%A9',
                                                  '/~', '/=', '/a,b', '/a+b', '/a:b', '/a@b', '/a$b', '/a!b', '/(a)', "/a'b", '/a*b', '/%3F', '/%25', '/%2525',
                                                  '/a%3Db', '/%7E', '/' + 'x' * 200, '/' + 'd/' * 100)]
    ours += [f'/{mac}.cfg?{query}' for query in ('', 'x', 'x=1', f'mac={other}', f'/{other}.cfg', '../', '%2f', '%00', '%zz', '?', 'a=%0d%0aX:1', 'x' * 500)]
    ours += [f'/%2f{mac}.cfg', f'/a%2f{mac}.cfg', f'/a%2F{mac}.cfg', f'/{other}.cfg%2f{mac}.cfg', f'/{other}.cfg/{mac}.cfg']
    rows = [(target, {OURS}) for target in ours]

    nothing = [f'/{prefix}{mac}.cfg' for prefix in ('..;/', ';/', '../', '../../', 'a/../', 'a/../../', '%2e%2e/', '%2e%2e%2f', '.%2e/', '%2e./', 'a/..%2f',
                                                    ';x/', 'a;b/', 'a;jsessionid=1/', '%3b/')]
    nothing += [f'/{mac}.cfg{tail}' for tail in ('/', '/x', '/.', '%2f', '%20', '.', '.bak', '~', ';', ';x', '%3bx', '%3f', '%3fx', '%26', '%23', '%25', '%2500', '%252e',
                                                 '.cfg', '.xml.cfg', ',', '%09x'[3:], ':', '%3a', '*', "'", '"'[:0] + '%22', '%5c', '%7c')]
    nothing += [f'/{head}{mac}.cfg' for head in ('x', '0', 'cfg', '%20', '+', '.', '-', ':', '%2e', '%25', '%5c', '..%5c', 'a%5c', '%252f', '..%252f', '%C0%AF', '%EF%BC%8F', '~')]
    nothing += [f'/{mac[:-1]}.cfg', f'/{mac}0.cfg', f'/{mac[:6]}.cfg', f'/{mac[:-1]}g.cfg', f'/{pairs(mac, ".")}.cfg', f'/{pairs(mac, "%20")}.cfg', f'/{mac[:4]}.{mac[4:8]}.{mac[8:]}.cfg',
                f'/{mac[:2]}:{mac[2:]}.cfg', f'/{pairs(mac, ":")[:-1]}.cfg', f'/{mac}', f'/{mac}.', f'/{mac}cfg', f'/{mac}.cf', f'/{mac}.cfgg', f'/{mac}.txt', f'/{mac}.cfg.cfg', '/.cfg',
                '/%2ecfg', '/', '//', '/..', '/../', '/../../../etc/passwd', '/..%2f..%2fetc%2fpasswd', '/etc/passwd', f'/?{mac}.cfg', f'/?file=/{mac}.cfg', f'/a?/{mac}.cfg',
                f'/{escaped[:-3]}.cfg', '/000000000000.cfg', '/ffffffffffff.cfg', f'/{other}.cfg', f'/{mac}.cfg/{other}.cfg', f'/{mac}%2f{mac}.cfgx', '/templates/settings.ini', '/dialtone.conf']
    rows += [(target, {NOTHING, BAD, OURS} if target == '/' else {NOTHING, BAD}) for target in nothing]

    bad = [f'%2f{mac}.cfg', f'/%{mac}.cfg'.replace('%', '%g'), f'/{mac}.cfg%', f'/{mac}.cfg%2', f'/{mac}.cfg%zz', f'/{mac}%00.cfg', f'/{mac}.cfg%00', f'/%00{mac}.cfg', f'/{mac}.cfg%00.txt',
           f'/{mac}.cfg%0a', f'/{mac}.cfg%0d%0aX: y', f'/%0a{mac}.cfg', f'/%1b{mac}.cfg', f'/%7f{mac}.cfg', f'/a%00/{mac}.cfg', f'/{mac}.cfg%u0000', f'/a%09b/{mac}.cfg']
    rows += [(target, {BAD}) for target in bad]
    rows += [(f'/{c}/{mac}.cfg', {OURS}) for c in 'bcdefghijklmnopqrstuv']
    rows += [(f'/{mac}{c}cfg', {NOTHING}) for c in '-_~,+']
    return rows


@pytest.fixture(scope='module')
def two(fleet):
    tenant = fleet.tenant()
    return fleet.phone(tenant), fleet.phone(tenant)


def test_two_hundred_spellings(pool, proxy, two):
    mac, other = two
    user = pool.database.credentials(mac)
    reference = pool.fetch(proxy, f'/{mac}.cfg', auth=user).body
    rows = spellings(mac, other)
    assert len(rows) >= 200
    wrong = []
    for i, (target, right) in enumerate(rows):
        answer = pool.fetch(proxy, target, auth=user, source=f'127.4.{i // 100}.{i % 100 + 1}')
        if answer.status not in right:
            wrong.append((target, answer.status, right))
        elif answer.status == 200:
            assert answer.body == reference, target
        # without identity: the challenge or a refusal, never a file
        bare = pool.fetch(proxy, target, source=f'127.5.{i // 100}.{i % 100 + 1}')
        if bare.status not in (400, 401, 404):
            wrong.append((target, 'without identity', bare.status))
    assert not wrong, wrong


@pytest.mark.parametrize('target,status', [
    ('http://localhost/{mac}.cfg', 200), ('https://localhost/{mac}.cfg', 200), ('HTTP://LOCALHOST/{mac}.cfg', 200), ('http://localhost/{other}.cfg', 404),
    ('ftp://localhost/{mac}.cfg', None), ('*', 400), ('{mac}.cfg', 400), ('', 400), ('localhost:443', 400), ('http://localhost', 404), ('http://other/{mac}.cfg', None),
])
def test_absolute_and_odd_forms(pool, proxy, two, target, status):
    """Never anything but the own file; HAProxy and nginx refuse some of them themselves, by 400."""
    mac, other = two
    user = pool.database.credentials(mac)
    reference = pool.fetch(proxy, f'/{mac}.cfg', auth=user).body
    try:
        answer = pool.fetch(proxy, target.format(mac=mac, other=other), auth=user)
    except phone.Torn:
        return  # HTTP/0.9 rubbish is cut off without an answer
    if status is None:
        assert answer.status in (200, 400)
    else:
        assert answer.status in (status, 400), answer
    if answer.status == 200:
        assert answer.body == reference


@pytest.mark.parametrize('length,statuses', [(1500, {404}), (2040, {404}), (2100, {431}), (3000, {431}), (6000, {431, 414, 400}), (20000, {431, 414, 400})])
def test_overlong(pool, proxy, two, length, statuses):
    mac, _ = two
    answer = pool.fetch(proxy, '/' + 'a' * (length - 1), auth=pool.database.credentials(mac))
    assert answer.status in statuses, answer


@pytest.mark.parametrize('head', [
    'GET /{mac}.cfg HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n',
    'GET /{mac}.cfg HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n',
    'GET http://b/{mac}.cfg HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    'GET /{mac}.cfg HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
    'GET /{mac}.cfg HTTP/1.1\r\nConnection: close\r\n\r\n',
    'GET /{mac}.cfg  HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    'GET /{mac}.cfg HTTP/1.1\r\nHost : a\r\nConnection: close\r\n\r\n',
])
def test_requests_that_two_parsers_might_read_differently(pool, proxy, two, head):
    """B11: refused, or answered as one request without identity; never two answers."""
    mac, _ = two
    with phone.connect(pool.proxies.tls_port(proxy)) as connection:
        connection.sendall(head.format(mac=mac).encode())
        reader = phone.Reader(connection)
        answer = reader.answer()
        assert answer.status in (400, 401, 413), answer
        with pytest.raises(phone.Torn):
            reader.answer()
