"""nginx auth_request: files that nginx serves by itself go to proven phones only, by the application's word."""
import hashlib

import pytest

import phone
from digest import challenge, respond
from factory import Factory, context_with, fingerprint
from stack import Database, Pool, remove
from waiting import wait_until

IDENTITY = {'identity': {
    'enrolment': 'true', 'networks': 'true', 'authorize': 'DIALTONE_AUTHORIZE',
    'certificate_verify': 'DIALTONE_CERT_VERIFY', 'certificate_subject': 'DIALTONE_CERT_SUBJECT', 'certificate_issuer': 'DIALTONE_CERT_ISSUER',
    'certificate_sha256': 'DIALTONE_CERT_SHA256', 'certificate_pem': 'DIALTONE_CERT_PEM'}}
FIRMWARE = hashlib.sha256(b'firmware').hexdigest().encode() * 500
FILE = '/files/T54W-96.86.0.70.rom'


@pytest.fixture(scope='module')
def own(database):
    with Pool(database, conf=IDENTITY) as pool:
        (pool.directory / 'files').mkdir()
        (pool.directory / FILE[1:]).write_bytes(FIRMWARE)
        yield pool


@pytest.fixture(scope='module')
def factory(own):
    return Factory(own.directory / 'certs', own.directory / 'factory')


@pytest.fixture
def mac(fleet):
    return fleet.phone()


def judge(answer, status):
    assert answer.status == status, answer
    assert (FIRMWARE in answer.body) == (status == 200)
    if status != 200:
        assert FIRMWARE[:64] not in answer.body


def test_basic(database, own, mac, fleet):
    user, password = database.credentials(mac)
    judge(own.fetch('nginx', FILE, auth=(user, password)), 200)
    judge(own.fetch('nginx', FILE), 401)
    judge(own.fetch('nginx', FILE, auth=(user, password[::-1])), 401)
    judge(own.fetch('nginx', FILE, auth=(fleet.mac(), password)), 401)
    # the name of a file is no device: whoever is proven has it
    judge(own.fetch('nginx', FILE, auth=database.credentials(fleet.phone())), 200)


def test_the_challenge_reaches_the_phone(own):
    answer = own.fetch('nginx', FILE)
    judge(answer, 401)
    assert [c.split(' ')[0] for c in answer.challenges()][-1] == 'Basic' or len(answer.challenges()) == 1


@pytest.mark.parametrize('algorithm', ['MD5', 'SHA-256'])
def test_digest(database, own, mac, algorithm):
    """The challenge of a configuration's file, or of this one, the URI of this one."""
    asked = challenge(own.fetch('nginx', f'/{mac}.cfg'), algorithm)
    credential = database.credentials(mac)
    judge(own.fetch('nginx', FILE, auth=respond(asked, *credential, FILE)), 200)
    judge(own.fetch('nginx', FILE, auth=respond(asked, *credential, FILE, nc=1)), 401)
    judge(own.fetch('nginx', FILE, auth=respond(asked, credential[0], 'guess', FILE, nc=2)), 401)
    judge(own.fetch('nginx', FILE, auth=respond(asked, *credential, '/files/other', nc=3)), 401)


def test_brought_in(database, own, mac):
    database.sql("INSERT INTO device_password (mac, plain) VALUES (%s, 'of the older system')", (mac,))
    judge(own.fetch('nginx', FILE, auth=(mac, 'of the older system')), 200)
    judge(own.fetch('nginx', FILE, auth=(mac, 'of the older systen')), 401)


def test_certificates(database, own, factory, fleet, mac):
    database.sql("INSERT INTO device_policy (mac, policy, certificate) VALUES (%s, 'certificate', 1)", (mac,))
    good, bad = factory.certificate(f'/CN={mac}'), factory.certificate(f'/CN={mac}', ca=factory.rogue('yealink-ca'))
    judge(own.fetch('nginx', FILE, context=context_with(good)), 200)
    for worthless in (bad, factory.certificate(f'/CN={mac}', days=-1)):
        judge(own.fetch('nginx', FILE, context=context_with(worthless)), 401)
        judge(own.fetch('nginx', FILE, context=context_with(worthless), auth=database.credentials(fleet.phone())), 200)
        assert own.fetch('nginx', '/dialtone-authorize', context=context_with(worthless), auth=database.credentials(mac)).status == 404
    judge(own.fetch('nginx', FILE, auth=database.credentials(mac)), 401)
    database.sql('INSERT INTO certificate_denied (sha256) VALUES (%s)', (fingerprint(good),))
    judge(own.fetch('nginx', FILE, context=context_with(good)), 401)


def test_disabled_and_rotated(database, own, mac):
    credential = database.credentials(mac)
    database.sql('UPDATE device SET enabled = 0 WHERE mac = %s', (mac,))
    judge(own.fetch('nginx', FILE, auth=credential), 403)
    database.sql('UPDATE device SET enabled = 1, generation = DEFAULT WHERE mac = %s', (mac,))
    judge(own.fetch('nginx', FILE, auth=credential), 200)
    database.sql('UPDATE device SET previous_generation = NULL WHERE mac = %s', (mac,))
    judge(own.fetch('nginx', FILE, auth=credential), 401)


def test_a_window_opens_no_files(database, own, mac):
    """It is for whole configurations, and the name of a file tells no device."""
    database.sql("INSERT INTO enrolment (mac, networks, valid_until) VALUES (%s, '0.0.0.0/0', NOW() + INTERVAL 1 HOUR)", (mac,))
    judge(own.fetch('nginx', FILE), 401)
    judge(own.fetch('nginx', f'/files/{mac}.cfg'), 401)
    assert database.sql('SELECT used FROM enrolment_state WHERE mac = %s', (mac,)) == ((0,),)


def test_ranges_head_and_missing_files(database, own, mac):
    auth = database.credentials(mac)
    part = own.fetch('nginx', FILE, auth=auth, headers=[('Range', 'bytes=64-127')])
    assert part.status == 206 and part.body == FIRMWARE[64:128]
    assert own.fetch('nginx', FILE, headers=[('Range', 'bytes=64-127')]).status == 401
    assert own.fetch('nginx', FILE, method='HEAD', auth=auth).status == 200
    assert own.fetch('nginx', '/files/nothing', auth=auth).status == 404
    assert own.fetch('nginx', '/files/nothing').status == 401, 'what there is is told to nobody else'
    assert own.fetch('nginx', '/files/../dialtone.conf', auth=auth).status in (400, 404)
    assert own.fetch('nginx', '/files/%2e%2e/dialtone.conf', auth=auth).status in (400, 404)


def test_plain_http_and_other_ways_in(database, own, mac):
    auth = database.credentials(mac)
    assert phone.fetch(own.proxies.plain_port('nginx'), FILE, tls=False, auth=auth).status == 403
    for target in ('/dialtone-authorize', '/dialtone-authorize?x', '//dialtone-authorize'):
        assert own.fetch('nginx', target, auth=auth).status == 404, 'the question itself is nobody else\'s to ask'
    for header in ('DIALTONE_AUTHORIZE', 'Dialtone-Authorize'):
        answer = own.fetch('nginx', f'/{mac}.cfg', headers=[(header, '1')])
        assert answer.status == 401


def test_the_journal_tells_it(own, database, mac):
    source = phone.fresh_address()
    judge(own.fetch('nginx', FILE, auth=database.credentials(mac), source=source), 200)
    rows = wait_until(lambda: own.journal('address = %s', (source,)), 10, 'the journal')
    assert [(row['mac'], row['result'], row['status']) for row in rows] == [(mac, 'authorized', 200)]


def test_without_a_database_nobody_has_it():
    """The application answers 503, of which nginx makes 500: never 200."""
    with_files = Database().start()
    try:
        with Pool(with_files, conf=IDENTITY) as pool:
            (pool.directory / 'files').mkdir()
            (pool.directory / FILE[1:]).write_bytes(FIRMWARE)
            with_files.add_tenant('acme')
            with_files.add_device('805ec0000001', 'acme', 'yealink-t54w')
            auth = with_files.credentials('805ec0000001')
            judge(pool.fetch('nginx', FILE, auth=auth), 200)
            with_files.stop()
            for _ in range(8):
                answer = pool.fetch('nginx', FILE, auth=auth)
                assert answer.status in (500, 503)
                assert FIRMWARE[:64] not in answer.body
                assert pool.fetch('nginx', FILE).status in (401, 500, 503)
            with_files.start_server()
            wait_until(lambda: pool.fetch('nginx', FILE, auth=auth).status == 200, 20, 'the service')
    finally:
        with_files.stop()
        remove(with_files.directory)
