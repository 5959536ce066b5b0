"""What strangers and rows say stays data: SQL (B2), headers (B4), templates (B5), logs (B9)."""
import json
import re
import subprocess

import pytest

import phone
from proxies import ROOT
from stack import many
from waiting import wait_until

INJECTIONS = ["'", '"', "' OR '1'='1", "' OR 1=1 -- ", "'; DROP TABLE device; -- ", "' UNION SELECT plain FROM account_secret -- ", '1) OR (1=1', "\\' OR 1=1 #",
              "' AND SLEEP(3) -- ", "%' OR '%'='", "0x27", "' || (SELECT password FROM mysql.user LIMIT 1) || '", '${7*7}', '{{7*7}}', '$(id)', '`id`', '; id', '| id', '../../etc/passwd',
              "%df' OR 1=1", "'/**/OR/**/1=1", "admin'--", "' INTO OUTFILE '/tmp/x", "' AND (SELECT 1 FROM (SELECT SLEEP(3))x) -- "]


@pytest.fixture(scope='module')
def mac(fleet):
    return fleet.phone()


def quoted(text):
    return ''.join(c if c.isalnum() else f'%{ord(c):02x}' for c in text)


@pytest.mark.parametrize('text', INJECTIONS)
def test_b2_injection(pool, proxy, mac, text):
    user, password = pool.database.credentials(mac)
    reference = pool.fetch(proxy, f'/{mac}.cfg', auth=(user, password)).body
    tries = [
        pool.fetch(proxy, f'/{quoted(text)}/{mac}.cfg', auth=(user, password)),
        pool.fetch(proxy, f'/{quoted(text)}.cfg', auth=(user, password)),
        pool.fetch(proxy, f'/{mac}{quoted(text)}.cfg', auth=(user, password)),
        pool.fetch(proxy, f'/{mac}.cfg', auth=(user + text, password), source='127.6.0.1'),
        pool.fetch(proxy, f'/{mac}.cfg', auth=(user, text), source='127.6.0.2'),
        pool.fetch(proxy, f'/{mac}.cfg', auth=(user, password), agent=text),
        pool.fetch(proxy, f'/{mac}.cfg', auth=(user, password), headers=[('If-None-Match', text), ('X-Forwarded-For', text)]),
    ]
    assert all(a.status in (200, 400, 401, 404) for a in tries), tries
    assert all(a.body == reference for a in tries if a.status == 200)
    assert tries[3].status == tries[4].status == 401
    host = pool.fetch(proxy, f'/{mac}.cfg', auth=(user, password), host_header=text)
    assert host.status in (200, 400)
    pool.proxies.forget_limits()


def test_b2_no_query_is_built_from_values():
    """No SQL text of the C sources has a conversion in it, and nothing but one function runs text at all."""
    statement = re.compile(r'"[^"\n]*\b(SELECT\s.+\sFROM|INSERT\s+(IGNORE\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b[^"\n]*"', re.I)
    wrong = []
    for folder in ('core', 'fcgi-app', 'courier'):
        for file in sorted((ROOT / folder).glob('*.c')):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                for text in statement.findall(line) and [m.group(0) for m in statement.finditer(line)]:
                    if re.search(r'%[-0-9.*lzhj]*[sducxp]', text):
                        wrong.append(f'{file.relative_to(ROOT)}:{number}: {text}')
    assert not wrong, wrong
    users = subprocess.run(['grep', '-rlE', r'mysql_(real_)?query\b|mysql_send_query', ROOT / 'core', ROOT / 'fcgi-app', ROOT / 'cli'], capture_output=True, text=True, check=False).stdout.split()
    assert {u.rsplit('/', 1)[1] for u in users} <= {'db.c'}, users


@pytest.mark.parametrize('value', ['x\r\nSet-Cookie: a=b', 'x\nX-Evil: 1', '\r\n\r\n<html>', '\0', '\x7f'])
def test_b4_no_header_of_ours_holds_what_was_sent(pool, proxy, mac, value):
    user = pool.database.credentials(mac)
    escaped = quoted(value)
    for answer in (pool.fetch(proxy, f'/{escaped}.cfg', auth=user), pool.fetch(proxy, f'/{escaped}/{mac}.cfg', auth=user), pool.fetch(proxy, f'/{mac}.cfg?{escaped}', auth=user)):
        names = {n for n, _ in answer.headers}
        assert 'set-cookie' not in names and 'x-evil' not in names
        assert answer.status in (200, 400)


def test_b4_realm_with_control_characters_is_refused(pool):
    import stack
    broken = stack.Pool(pool.database, proxies=False, conf={'http': {'realm': 'a\x01b'}})
    broken.launch()
    assert broken.process.wait(20) != 0
    assert 'realm' in broken.log()
    stack.remove(broken.directory)


@pytest.mark.parametrize('value', ['{{sip.password}}', '{{account.1.password}}', '{{#lines}}x{{/lines}}', '{{> keys}}', '{{provisioning.password}}', '}}{{', '{{{x}}}', '{{', '%s%n', '$sip.server'])
def test_b5_values_are_never_templates(pool, proxy, fleet, value):
    mac = fleet.phone()
    account = f'{mac}-1'
    pool.database.sql('UPDATE account SET display_name = %s WHERE account_id = %s', (value, account))
    pool.database.sql('UPDATE line SET label = %s WHERE mac = %s', (value, mac))
    answer = pool.fetch_device(proxy, mac)
    assert answer.status == 200
    assert value.encode() in answer.body


HOSTILE_AGENTS = ['a\x1b[31mred', 'tab\there', '%n%n%s%x', 'back\\slash', 'quote"quote', "it's", 'äöü€', 'a' * 1000, '<script>', 'a]b[c', '\\x0a', 'x\\n{"status":200}', '","status":200,"x":"']


@pytest.mark.parametrize('agent', HOSTILE_AGENTS)
def test_b9_logs_keep_one_line_an_event(pool, proxy, mac, agent):
    """The proxy's line parses, the journal has it escaped, and neither has a control character."""
    mark = f'b9-{abs(hash((proxy, agent))) % 10 ** 9}'
    answer = pool.fetch(proxy, f'/{mark}/{mac}.cfg', agent=None, headers=[('User-Agent', f'{mark} '.encode() + agent.encode())], auth=pool.database.credentials(mac))
    if answer.status == 400 and proxy == 'haproxy' and '\x1b' in agent:
        return  # refused by the proxy
    assert answer.status == 200
    log = pool.proxies.haproxy_log if proxy == 'haproxy' else pool.proxies.nginx_log
    lines = wait_until(lambda: [line for line in log.read_bytes().split(b'\n') if mark.encode() in line], 5, 'the line of the log')
    assert len(lines) == 1
    line = lines[0]
    assert not re.search(rb'[\x00-\x1f\x7f]', line), line
    if proxy == 'nginx':
        record = json.loads(line)
        assert record['status'] == 200 and record['file'] == f'{mac}.cfg'
        assert record['agent'].startswith(mark)
    else:
        assert re.search(rb' status=200 ', line) and len(re.findall(rb' status=', line.split(b' agent=')[0])) == 1
    rows = wait_until(lambda: pool.journal('user_agent LIKE %s', (f'{mark} %',)), 10, 'the journal')
    assert len(rows) == 1
    assert not re.search(r'[\x00-\x1f\x7f]', rows[0]['user_agent'])
    if '\\' not in agent and agent.isascii() and agent.isprintable():
        assert rows[0]['user_agent'] == f'{mark} {agent}'[:255]


def test_no_credential_is_in_any_log(pool, mac):
    user, password = pool.database.credentials(mac)
    for proxy in ('haproxy', 'nginx'):
        for auth in ((user, password), (user, 'canary-wrong-password')):
            pool.fetch(proxy, f'/{mac}.cfg?canary-query', auth=auth, source='127.6.1.1')
    secret, = pool.database.sql('SELECT plain FROM account_secret WHERE account_id = %s', (f'{mac}-1',), account='root')[0]
    token = phone.basic(user, password).split()[1]
    texts = [pool.log(), pool.proxies.haproxy_log.read_text(errors='replace'), pool.proxies.nginx_log.read_text(errors='replace'),
             (pool.directory / 'nginx-error.log').read_text(errors='replace'), repr(pool.journal()), pool.ask_health('/metrics')[1]]
    for text in texts:
        for canary in (password, token, secret, 'canary-wrong-password', 'canary-query'):
            assert canary not in text
    for pid in [pool.process.pid, *pool.children()]:
        for name in ('cmdline', 'environ'):
            data = open(f'/proc/{pid}/{name}', 'rb').read()
            assert password.encode() not in data and secret.encode() not in data
