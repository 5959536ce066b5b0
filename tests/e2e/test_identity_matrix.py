"""Every way to say who one is, right and wrong, through both proxies with the shipped files: the expected status in each cell, the device's own configuration where it is
200, and in no cell a byte of a configuration that is not theirs.

A cell is a row of one of the tables below, through one of the proxies. `world` holds the devices that the rows name."""
import re

import pytest

import fcgi_client
import phone
from digest import challenge, respond
from factory import Factory, context_with, fingerprint
from identities import IDENTITY, World, wrong
from stack import Pool
from waiting import wait_until

PASSWORD = 'of the older system'
NETWORK = '127.66.0.0/16'
INSIDE, OUTSIDE = '127.66.3.4', '127.67.3.4'


@pytest.fixture(scope='module')
def own(database):
    with Pool(database, conf=IDENTITY) as pool:
        yield pool


@pytest.fixture(autouse=True)
def forgotten(own):
    own.proxies.forget_limits()


@pytest.fixture(scope='module')
def world(database, fleet, own):
    w = World(database, fleet, Factory(own.directory / 'certs', own.directory / 'factory'))
    for name in ('plain', 'rotated', 'lapsed', 'other', 'brought', 'named'):
        w.add(name)
    w.add('elsewhere', w.elsewhere)
    w.add('disabled', enabled=0)
    for name in ('rotated', 'lapsed'):
        w.sql('UPDATE device SET generation = DEFAULT WHERE mac = %s', w.macs[name])
        w.tokens[f'{name}, previous'], w.tokens[name] = w.tokens[name], database.credentials(w.macs[name])
    w.sql('UPDATE device SET previous_until = NOW() - INTERVAL 1 SECOND WHERE mac = %s', w.macs['lapsed'])
    w.sql('INSERT INTO device_password (mac, plain) VALUES (%s, %s)', w.macs['brought'], PASSWORD)
    w.sql("INSERT INTO device_password (mac, user, plain) VALUES (%s, '0815', %s)", w.macs['named'], PASSWORD)
    w.passwords = {'brought': (w.macs['brought'], PASSWORD), 'named': ('0815', PASSWORD)}
    # certificates
    for name in ('by-cert', 'denied', 'weak', 'old'):
        w.add(name)
        w.policy(name, 'certificate', certificate=1)
    w.add('both')
    w.policy('both', 'certificate-and-token', certificate=1, token=1)
    w.add('either')
    w.policy('either', 'certificate', certificate=1)
    w.policy('either', 'token', token=1)
    w.add('snom', vendor='snom')
    w.policy('snom', 'certificate', certificate=1)
    # networks: the tenant's own say, for all of its phones
    networked, conditional = fleet.tenant(), fleet.tenant()
    for tenant in (networked, conditional):
        for network in (NETWORK, '2001:db8::/32', '::1/128'):
            w.sql('INSERT INTO tenant_network (tenant_id, network) VALUES (%s, %s)', tenant, network)
    w.sql("INSERT INTO tenant_policy (tenant_id, policy, network) VALUES (%s, 'office', 1)", networked)
    w.sql("INSERT INTO tenant_policy (tenant_id, policy, token) VALUES (%s, 'token', 1)", networked)
    w.sql("INSERT INTO tenant_policy (tenant_id, policy, network, token) VALUES (%s, 'both', 1, 1)", conditional)
    w.add('in network', networked)
    w.add('in network, disabled', networked, enabled=0)
    w.add('conditional', conditional)
    return w


# ---------------------------------------------------------------- credentials, by Basic and by both kinds of Digest

def spelled(mac):
    return '-'.join(mac[i:i + 2] for i in range(0, 12, 2)).upper()


# what                                  asked for      credentials                                                  status
CREDENTIALS = [
    ('none',                            'plain',       lambda w: None,                                              401),
    ('a wrong token',                   'plain',       lambda w: wrong(w.tokens['plain']),                          401),
    ('a token cut short',               'plain',       lambda w: (w.macs['plain'], w.tokens['plain'][1][:-1]),      401),
    ('no password',                     'plain',       lambda w: (w.macs['plain'], ''),                             401),
    ('current token',                   'plain',       lambda w: w.tokens['plain'],                                 200),
    ('current, MAC spelled otherwise',  'plain',       lambda w: (spelled(w.macs['plain']), w.tokens['plain'][1]),  200),
    ('previous token',                  'rotated',     lambda w: w.tokens['rotated, previous'],                     200),
    ('new token beside a previous one', 'rotated',     lambda w: w.tokens['rotated'],                               200),
    ('expired token',                   'lapsed',      lambda w: w.tokens['lapsed, previous'],                      401),
    ('new token after the old expired', 'lapsed',      lambda w: w.tokens['lapsed'],                                200),
    ("other device's",                  'plain',       lambda w: w.tokens['other'],                                 404),
    ("other tenant's",                  'plain',       lambda w: w.tokens['elsewhere'],                             404),
    ("own name, other's token",         'plain',       lambda w: (w.macs['plain'], w.tokens['other'][1]),           401),
    ("disabled device's",               'disabled',    lambda w: w.tokens['disabled'],                              404),
    ('brought in',                      'brought',     lambda w: w.passwords['brought'],                            200),
    ('brought in, its token too',       'brought',     lambda w: w.tokens['brought'],                               200),
    ('brought in, wrong',               'brought',     lambda w: wrong(w.passwords['brought']),                     401),
    ("brought in, other device's",      'plain',       lambda w: w.passwords['brought'],                            404),
    ('brought in, for who has none',    'plain',       lambda w: (w.macs['plain'], PASSWORD),                       401),
    ('own user name',                   'named',       lambda w: w.passwords['named'],                              200),
    ('own user name, wrong password',   'named',       lambda w: wrong(w.passwords['named']),                       401),
    ('MAC in place of own user name',   'named',       lambda w: (w.macs['named'], PASSWORD),                       401),
    ("own user name, other's file",     'plain',       lambda w: w.passwords['named'],                              401),
    ('a user that is nobody',           'plain',       lambda w: ('nobody', PASSWORD),                              401),
]


def ask(own, proxy, w, asked, credential, scheme, **more):
    """By Digest: a first request for the challenge, as a phone does."""
    file = w.file(asked)
    if scheme == 'Basic' or credential is None:
        return own.fetch(proxy, file, auth=credential, **more)
    first = own.fetch(proxy, file, **more)
    assert first.status == 401
    return own.fetch(proxy, file, auth=respond(challenge(first, scheme), *credential, file), **more)


@pytest.mark.parametrize('scheme', ['Basic', 'MD5', 'SHA-256'])
@pytest.mark.parametrize('what,asked,credential,status', CREDENTIALS, ids=[row[0] for row in CREDENTIALS])
def test_credentials(own, world, proxy, scheme, what, asked, credential, status):
    del what
    world.judge(ask(own, proxy, world, asked, credential(world), scheme), asked, status)


# ---------------------------------------------------------------- Digest, altered

def other_digit(text):
    return text[:-1] + ('0' if text[-1] != '0' else '1')


# what                             signed otherwise            and sent otherwise                          stale
ALTERED = [
    ('uri, signed for another',    {'uri': '/another.cfg'},    {},                                         False),
    ('uri, altered on the way',    {},                         {'uri': '/another.cfg'},                    False),
    ('uri, signed elsewhere',      {'uri': '/another.cfg'},    {'uri': None},                              False),
    ('nonce',                      {},                         {'nonce': other_digit},                     True),
    ('nonce, and signed',          {'nonce': '0' * 56},        {},                                         True),
    ('no nonce of ours',           {'nonce': 'abc'},           {},                                         True),
    ('nc',                         {},                         {'nc': '00000002'},                         False),
    ('cnonce',                     {},                         {'cnonce': other_digit},                    False),
    ('response',                   {},                         {'response': other_digit},                  False),
    ('response of zeros',          {},                         {'response': lambda text: '0' * len(text)}, False),
    ('method',                     {'method': 'HEAD'},         {},                                         False),
    ('realm',                      {'realm': 'elsewhere'},     {},                                         False),
    ('user',                       {},                         {'username': '0015650000ff'},               False),
    ('qop',                        {'qop': 'auth-int'},        {},                                         False),
]


@pytest.mark.parametrize('algorithm', ['MD5', 'SHA-256'])
@pytest.mark.parametrize('what,signed,sent,stale', ALTERED, ids=[row[0] for row in ALTERED])
def test_altered_digest(own, world, proxy, algorithm, what, signed, sent, stale):
    del what
    file = world.file('plain')
    asked = challenge(own.fetch(proxy, file), algorithm)
    right = respond(asked, *world.tokens['plain'], file, cnonce='0123456789abcdef')
    signed = {'uri': file, 'cnonce': '0123456789abcdef', **signed}
    fields = dict(re.findall(r'([a-z]+)="?([^",]*)"?', respond(asked, *world.tokens['plain'], **signed)))
    changed = {name: change(fields[name]) if callable(change) else change or file for name, change in sent.items()}
    altered = respond(asked, *world.tokens['plain'], sent=changed, **signed)
    assert altered != right
    answer = own.fetch(proxy, file, auth=altered)
    world.judge(answer, 'plain', 401)
    assert ('stale=true' in answer.challenges()[0]) == stale
    # the same without the alteration is good
    world.judge(own.fetch(proxy, file, auth=right), 'plain', 200)


@pytest.mark.parametrize('algorithm', ['MD5', 'SHA-256'])
@pytest.mark.parametrize('kind', ['plain', 'brought'])
def test_replayed_digest(own, world, proxy, algorithm, kind):
    """The same bytes again, from the same place and from elsewhere, by the same proxy and the other; the next count of the same nonce is good."""
    file, credential = world.file(kind), (world.passwords if kind == 'brought' else world.tokens)[kind]
    asked = challenge(own.fetch(proxy, file), algorithm)
    header = respond(asked, *credential, file)
    world.judge(own.fetch(proxy, file, auth=header, source='127.60.0.1'), kind, 200)
    for source in ('127.60.0.1', '127.60.0.2'):
        for through in ('haproxy', 'nginx'):
            answer = own.fetch(through, file, auth=header, source=source)
            world.judge(answer, kind, 401)
            assert 'stale=true' in answer.challenges()[0]
    world.judge(own.fetch(proxy, file, auth=respond(asked, *credential, file, nc=2)), kind, 200)
    # what was overheard is no use for another file or method
    world.judge(own.fetch(proxy, world.file('other'), auth=respond(asked, *credential, file, nc=3)), 'other', 401)
    world.judge(own.fetch(proxy, file, method='HEAD', auth=respond(asked, *credential, file, nc=4)), kind, 401)
    assert own.fetch(proxy, file, method='HEAD', auth=respond(asked, *credential, file, nc=5, method='HEAD')).status == 200


# ---------------------------------------------------------------- certificates

def by(subject='/CN={}', **how):
    return lambda w, mac: w.factory.certificate(subject.format(mac), **how)


def rogue(w, mac):
    return w.factory.certificate(f'/CN={mac}', ca=w.factory.rogue('yealink-ca'))


def denied(w, mac):
    pair = w.factory.certificate(f'/CN={mac}')
    w.sql('INSERT INTO certificate_denied (sha256) VALUES (%s)', fingerprint(pair))
    return pair


def own_token(w, asked):
    return w.tokens[asked]


def others_token(w, asked):
    del asked
    return w.tokens['other']


RSA1024 = ('rsa:1024',)
# what                                     asked for   certificate                                   credentials    status
CERTIFICATES = [
    ('good',                               'by-cert',  by(),                                         None,          200),
    ('good, colons',                       'by-cert',  lambda w, m: w.factory.certificate('/CN=' + ':'.join(m[i:i + 2] for i in range(0, 12, 2))), None, 200),
    ('good, upper case',                   'by-cert',  lambda w, m: w.factory.certificate('/CN=' + m.upper()), None, 200),
    ('good, other parts beside',           'by-cert',  by('/C=CN/O=Yealink, Inc/OU=Phones+L=x/CN={}'), None,        200),
    ("other vendor's phone by its own CA", 'snom',     by(ca='snom-ca'),                             None,          200),
    ('none',                               'by-cert',  None,                                         None,          401),
    ('rogue CA of the same name',          'by-cert',  rogue,                                        None,          401),
    ('expired',                            'old',      by(days=-1),                                  None,          401),
    ("other vendor's CA signs our MAC",    'by-cert',  by(ca='snom-ca'),                             None,          401),
    ("our CA signs other vendor's MAC",    'snom',     by(),                                         None,          401),
    ('denied',                             'denied',   denied,                                       None,          401),
    ('denied, and a second one is not',    'denied',   by(),                                         None,          200),
    ('1024 bit',                           'weak',     by(new=RSA1024),                              None,          401),
    ('SHA-1',                              'weak',     by(digest='-sha1'),                           None,          401),
    ("other device's",                     'by-cert',  lambda w, m: w.factory.certificate('/CN=' + w.macs['weak']), None, 404),
    ("other tenant's",                     'elsewhere', lambda w, m: w.factory.certificate('/CN=' + w.macs['weak']), None, 404),
    ('MAC is a part of the CN',            'by-cert',  by('/CN=phone-{}'),                           None,          401),
    ('MAC begins the CN',                  'by-cert',  by('/CN={}0'),                                None,          401),
    ('MAC and a name',                     'by-cert',  by('/CN={}.example.net'),                     None,          401),
    ('MAC in another part',                'by-cert',  by('/CN=phone/OU={}'),                        None,          401),
    ('MAC in a part of the CN by escapes', 'by-cert',  by('/CN=x,CN={}'),                            None,          401),
    ('two CNs',                            'by-cert',  by('/CN=x/CN={}'),                            None,          401),
    ('two CNs, the other way round',       'by-cert',  by('/CN={}/CN=x'),                            None,          401),
    ('no CN',                              'by-cert',  by('/O={}'),                                  None,          401),
    ('good, where it does not count',      'plain',    by(),                                         None,          401),
    ('bad, beside a good token',           'plain',    rogue,                                        own_token,     200),
    ("other's, beside a good token",       'plain',    lambda w, m: w.factory.certificate('/CN=' + w.macs['weak']), own_token, 200),
    ('token alone, where it is not enough', 'by-cert', None,                                         own_token,     401),
    ('certificate and token: both',        'both',     by(),                                         own_token,     200),
    ('certificate and token: no token',    'both',     by(),                                         None,          401),
    ('certificate and token: wrong token', 'both',     by(),                                         lambda w, a: wrong(w.tokens[a]), 401),
    ("certificate and token: other's token", 'both',   by(),                                         others_token,  404),
    ('certificate and token: token alone', 'both',     None,                                         own_token,     401),
    ('certificate and token: rogue',       'both',     rogue,                                        own_token,     401),
    ("certificate and token: other's certificate", 'both', lambda w, m: w.factory.certificate('/CN=' + w.macs['weak']), own_token, 401),
    ('certificate or token: certificate',  'either',   by(),                                         None,          200),
    ('certificate or token: token',        'either',   None,                                         own_token,     200),
    ('certificate or token: rogue',        'either',   rogue,                                        None,          401),
    ('certificate or token: good beside a wrong token', 'either', by(),                              lambda w, a: wrong(w.tokens[a]), 200),
]
# Where a proxy does not resume a session with such a certificate: nginx forgets what it could not verify.
FAILED = ('rogue', 'expired', '1024 bit', 'SHA-1', 'bad,')


@pytest.fixture(scope='module')
def certificates(world):
    """Made once a row."""
    made = {}

    def one(what, asked, maker):
        if maker and what not in made:
            made[what] = maker(world, world.macs[asked])
        return made.get(what)
    return one


@pytest.mark.parametrize('version', ['1.2', '1.3'])
@pytest.mark.parametrize('what,asked,maker,credential,status', CERTIFICATES, ids=[row[0] for row in CERTIFICATES])
def test_certificates(own, world, certificates, proxy, version, what, asked, maker, credential, status):
    """On a fresh TLS session, and on a resumed one."""
    pair = certificates(what, asked, maker)
    if what.startswith('denied, and'):
        certificates('denied', asked, denied)
    context = context_with(pair, version)
    auth = credential(world, asked) if credential else None
    first = own.fetch(proxy, world.file(asked), auth=auth, context=context)
    world.judge(first, asked, status)
    again = own.fetch(proxy, world.file(asked), auth=auth, context=context, session=first.session)
    world.judge(again, asked, status)
    if not any(word in what for word in FAILED):
        assert again.resumed, 'the session was not resumed'


def test_a_certificate_that_is_denied_now_is_refused_on_the_session_at_hand(own, world, proxy):
    """A deny-list that waits for the session's end would be none."""
    mac = world.add(f'denied later, {proxy}')
    world.policy(f'denied later, {proxy}', 'certificate', certificate=1)
    pair = world.factory.certificate(f'/CN={mac}')
    context, file = context_with(pair), f'/{mac}.cfg'
    first = own.fetch(proxy, file, context=context)
    assert first.status == 200
    world.sql('INSERT INTO certificate_denied (sha256) VALUES (%s)', fingerprint(pair).replace(':', ''))
    again = own.fetch(proxy, file, context=context, session=first.session)
    assert again.resumed and again.status == 401


def test_the_journal_says_what_was_the_matter(own, world, certificates, proxy):
    """A rogue certificate, an expired one and another vendor's: a phone that is refused is found by its row."""
    for what, asked, word in (('rogue CA of the same name', 'by-cert', 'could not verify'), ("other vendor's CA signs our MAC", 'by-cert', "another vendor's"),
                              ('denied', 'denied', 'denied'), ('MAC is a part of the CN', 'by-cert', 'common name')):
        maker = next(row[2] for row in CERTIFICATES if row[0] == what)
        source = phone.fresh_address()
        assert own.fetch(proxy, world.file(asked), context=context_with(certificates(what, asked, maker)), source=source).status == 401
        rows = wait_until(lambda s=source: own.journal('address = %s', (s,)), 10, 'the journal')
        assert word in rows[-1]['detail'], rows[-1]


# ---------------------------------------------------------------- networks

# what                              asked for               from      credentials                            status
NETWORKS = [
    ('alternative: inside',         'in network',           INSIDE,   None,                                  200),
    ('alternative: outside',        'in network',           OUTSIDE,  None,                                  401),
    ('alternative: outside, token', 'in network',           OUTSIDE,  own_token,                             200),
    ('alternative: inside, wrong',  'in network',           INSIDE,   lambda w, a: wrong(w.tokens[a]),       401),
    ("inside, other tenant's file", 'plain',                INSIDE,   None,                                  401),
    ('inside, disabled',            'in network, disabled', INSIDE,   None,                                  401),
    ('condition: inside, token',    'conditional',          INSIDE,   own_token,                             200),
    ('condition: outside, token',   'conditional',          OUTSIDE,  own_token,                             401),
    ('condition: inside, nothing',  'conditional',          INSIDE,   None,                                  401),
    ('condition: inside, wrong',    'conditional',          INSIDE,   lambda w, a: wrong(w.tokens[a]),       401),
]


@pytest.mark.parametrize('what,asked,source,credential,status', NETWORKS, ids=[row[0] for row in NETWORKS])
def test_networks(own, world, proxy, what, asked, source, credential, status):
    del what
    answer = own.fetch(proxy, world.file(asked), auth=credential(world, asked) if credential else None, source=source)
    world.judge(answer, asked, status)


@pytest.mark.parametrize('header', ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Client-IP', 'True-Client-IP'])
def test_no_client_says_where_it_is(own, world, proxy, header):
    value = f'for={INSIDE}' if header == 'Forwarded' else INSIDE
    for _ in range(2):
        answer = own.fetch(proxy, world.file('in network'), headers=[(header, value)], source=OUTSIDE)
        world.judge(answer, 'in network', 401)


def test_networks_of_ipv6(database, world, proxy, own):
    """Both proxies on ::1, which is a network of the tenant's; and where it is none."""
    del own
    with Pool(database, conf=IDENTITY, host='::1') as six:
        world.judge(six.fetch(proxy, world.file('in network')), 'in network', 200)
        world.judge(six.fetch(proxy, world.file('conditional'), auth=world.tokens['conditional']), 'conditional', 200)
        world.judge(six.fetch(proxy, world.file('conditional')), 'conditional', 401)
        world.judge(six.fetch(proxy, world.file('plain')), 'plain', 401)
        tenant = world.sql('SELECT tenant_id FROM device WHERE mac = %s', world.macs['in network'])[0][0]
        world.sql("DELETE FROM tenant_network WHERE tenant_id = %s AND network = '::1/128'", tenant)
        try:
            world.judge(six.fetch(proxy, world.file('in network')), 'in network', 401)
            world.window('in network', networks='::/64', uses=1)
            world.judge(six.fetch(proxy, world.file('in network')), 'in network', 200)
            world.window('in network', networks='2001:db8::/32 0.0.0.0/0', uses=1)
            world.judge(six.fetch(proxy, world.file('in network')), 'in network', 401)
        finally:
            world.sql("INSERT INTO tenant_network (tenant_id, network) VALUES (%s, '::1/128')", tenant)
            world.sql('DELETE FROM enrolment WHERE mac = %s', world.macs['in network'])


# ---------------------------------------------------------------- what a client says of itself

FORGED = [name for base in ('Remote-User', 'X-Remote-User', 'Auth-Type', 'X-SSL-Client-Verify', 'X-SSL-Client-S-DN', 'X-SSL-Client-CN', 'SSL-Client-Verify', 'SSL-Client-S-DN',
                            'Dialtone-Cert-Verify', 'Dialtone-Cert-Subject', 'Dialtone-Cert-Issuer', 'Dialtone-Cert-SHA256', 'Dialtone-Device', 'Dialtone-Authorize', 'X-Dialtone-Device',
                            'HTTPS') for name in (base, base.upper().replace('-', '_'), base.lower().replace('-', '_'))]


def forged_value(name, mac):
    name = name.lower()
    return ('SUCCESS' if 'verify' in name else f'CN={mac}' if 'dn' in name or 'subject' in name else 'CN=Yealink Equipment Issuing CA' if 'issuer' in name
            else 'a' * 64 if 'sha256' in name else '1' if 'authorize' in name else 'on' if name == 'https' else mac)


@pytest.mark.parametrize('name', FORGED)
def test_identity_by_headers(own, world, proxy, name):
    """One alone, twice, and all that a certificate needs. HAProxy refuses names with `_`; nginx drops them."""
    mac, file = world.macs['by-cert'], world.file('by-cert')
    value = forged_value(name, mac)
    together = [(other, forged_value(other, mac)) for other in FORGED if ('_' in other) == ('_' in name) and other.isupper() == name.isupper()]
    for headers in ([(name, value)], [(name, value)] * 2, together):
        for auth in (None, (mac, 'x' * 32)):
            answer = own.fetch(proxy, file, headers=headers, auth=auth)
            world.judge(answer, 'by-cert', answer.status)
            assert answer.status in ((401, 403) if proxy == 'haproxy' and '_' in name else (401,)), answer


@pytest.mark.parametrize('name', ['DIALTONE_CERT_VERIFY', 'DIALTONE_CERT_SUBJECT', 'DIALTONE_CERT_ISSUER', 'DIALTONE_CERT_SHA256', 'DIALTONE_CERT_PEM', 'DIALTONE_AUTHORIZE',
                                  'HTTP_AUTHORIZATION'])
def test_doubled_parameters(own, world, name):
    """A proxy that sends one twice has let a client's through: 400, whichever comes first."""
    mac = world.macs['by-cert']
    good = {'DIALTONE_CERT_VERIFY': 'SUCCESS', 'DIALTONE_CERT_SUBJECT': f'CN={mac}', 'DIALTONE_CERT_ISSUER': 'CN=Yealink Equipment Issuing CA', 'DIALTONE_CERT_SHA256': 'a' * 64}
    parameters = fcgi_client.proxy_parameters(f'/{mac}.cfg', extra=good.items())
    assert fcgi_client.fetch(own.socket, parameters).status == 200
    for value in (good.get(name, 'x'), 'NONE'):
        doubled = parameters + [(name, value), (name, good.get(name, 'y'))]
        assert fcgi_client.fetch(own.socket, doubled).status == 400


@pytest.mark.parametrize('scheme', ['none', 'Basic', 'MD5', 'SHA-256'])
def test_plain_http(own, world, proxy, scheme):
    """403 whoever it is, and no challenge that would make a phone send a password in clear text."""
    port = own.proxies.plain_port(proxy)
    for asked in ('plain', 'disabled', 'in network'):
        auth = world.tokens[asked]
        if scheme == 'none':
            auth = None
        elif scheme != 'Basic':
            auth = respond(challenge(own.fetch(proxy, world.file('plain')), scheme), *auth, world.file(asked))
        answer = phone.fetch(port, world.file(asked), tls=False, auth=auth, source=INSIDE)
        world.judge(answer, asked, 403)
        assert not answer.challenges()


# ---------------------------------------------------------------- strangers are answered alike

STRANGERS = ['nothing', 'wrong token', 'wrong password', 'Digest MD5', 'Digest SHA-256', 'rogue certificate', "other vendor's certificate", 'Bearer']


@pytest.mark.parametrize('how', STRANGERS)
def test_a_refused_answer_is_alike_for_every_mac(own, world, certificates, proxy, how):
    unknown = world.fleet.mac()
    seen = {}
    for name in ('plain', 'disabled', 'elsewhere', 'brought', 'by-cert', 'in network', 'conditional', 'unknown'):
        mac = world.macs.get(name, unknown)
        file, auth, context = f'/{mac}.cfg', None, None
        if how == 'wrong token':
            auth = (mac, '0123456789' + 'a' * 22)
        elif how == 'wrong password':
            auth = (mac, 'guess')
        elif how.startswith('Digest'):
            auth = respond(challenge(own.fetch(proxy, file), how.partition(' ')[2]), mac, 'guess', file)
        elif how == 'Bearer':
            auth = 'Bearer ' + 'a' * 32
        elif 'certificate' in how:
            what = 'rogue CA of the same name' if how.startswith('rogue') else "other vendor's CA signs our MAC"
            context = context_with(certificates(what, 'by-cert', next(row[2] for row in CERTIFICATES if row[0] == what)))
            if how.startswith('other') and name == 'by-cert':
                continue  # that one is proven not to be it, which is what the others are told too
        answer = own.fetch(proxy, file, auth=auth, context=context)
        world.judge(answer, name, answer.status)
        seen.setdefault(repr(answer.comparable()), []).append(name)
    assert len(seen) == 1, seen
    assert next(iter(seen)).startswith('(401,')


# ---------------------------------------------------------------- A10: a User-Agent entitles nobody

def test_user_agents_change_no_right(own, world, proxy):
    agents = [f'Yealink SIP-T{20 + i}P {i}.83.0.{i} {world.macs["plain"] if i % 2 else world.macs["other"]}' for i in range(25)]
    agents += [f'snom{300 + i}/{i}.1.54' for i in range(20)] + ['', 'curl/8.0', 'Mozilla/5.0', 'x' * 300, 'Yealink SIP-T54W 96.86.0.70 ' + world.macs['other'].upper()]
    for agent in agents:
        assert own.fetch(proxy, world.file('plain'), auth=world.tokens['plain'], agent=agent).status == 200
        world.judge(own.fetch(proxy, world.file('plain'), agent=agent), 'plain', 401)
        world.judge(own.fetch(proxy, world.file('plain'), auth=world.tokens['other'], agent=agent), 'plain', 404)


def test_the_ways_are_told_in_the_journal(own, world):
    """One of each, by the column `identity`."""
    file = world.file('rotated')
    source = phone.fresh_address()
    asked = challenge(own.fetch('nginx', file, source=source), 'MD5')
    assert own.fetch('nginx', file, auth=respond(asked, *world.tokens['rotated'], file), source=source).status == 200
    assert own.fetch('nginx', file, auth=world.tokens['rotated'], source=source).status == 200
    assert own.fetch('nginx', world.file('in network'), source=INSIDE).status == 200
    assert own.fetch('nginx', world.file('both'), auth=world.tokens['both'], context=context_with(world.factory.certificate('/CN=' + world.macs['both'])), source=source).status == 200

    def ways():
        return {row['identity'] for row in own.journal('address IN (%s, %s) AND status = 200', (source, INSIDE))}
    wait_until(lambda: {'token', 'digest', 'network', 'certificate+'} <= ways(), 10, 'the journal')
