"""The sample data: every phone in it that is enabled gets its file, through both proxies, and the command finds nothing wrong."""
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from proxies import ROOT
from stack import Database, Pool, remove

EVERYBODYS = ('admin', 'password', '1234', '0000', 'user', 'guest', '123456')


@pytest.fixture(scope='module')
def sample():
    database = Database().start()
    try:
        load = subprocess.run(['mariadb', '--no-defaults', f'--socket={database.socket}', '--user=root', 'dialtone'], input=(ROOT / 'db/sample.sql').read_bytes(),
                              capture_output=True, check=False)
        assert load.returncode == 0, load.stderr
        with Pool(database) as pool:
            yield pool
    finally:
        database.stop()
    remove(database.directory)


def test_check_finds_nothing(sample):
    told = sample.database.command('check', check=False)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize('proxy', ['haproxy', 'nginx'])
def test_every_phone_is_served(sample, proxy):
    macs = [mac for mac, in sample.database.sql('SELECT d.mac FROM device AS d JOIN tenant AS t USING (tenant_id) WHERE d.enabled = 1 AND t.enabled = 1 ORDER BY d.mac', account='root')]
    assert len(macs) >= 5
    statuses = {mac: sample.fetch_device(proxy, mac, file=sample.database.file(mac)).status for mac in macs}
    assert set(statuses.values()) == {200}, statuses


def test_no_default_password_in_what_phones_get(sample):
    """A9: what a sample phone gets holds none of the passwords that everybody knows."""
    for mac, in sample.database.sql('SELECT mac FROM device WHERE enabled = 1', account='root'):
        body = sample.fetch_device('haproxy', mac, file=sample.database.file(mac)).body.decode(errors='replace')
        for line in body.splitlines():
            name, _, value = line.partition('=')
            if 'password' in name.lower():
                assert value.strip() not in EVERYBODYS and value.strip() != mac, line
        for element in ElementTree.fromstring(body).iter() if body.startswith('<?xml') else ():
            name = element.attrib.get('name', element.tag)
            if 'pass' in name.lower() and element.text:
                assert element.text not in EVERYBODYS and element.text != mac, name


def test_phones_that_take_a_hash_get_no_password(sample):
    told = json.loads(sample.database.command('--json', 'check').stdout)
    found = {(group['tenant'], group['vendor'], group['reason']): group['devices'] for group in told['plain_passwords']}
    assert found == {('brightwater', 'fanvil', 'vendor'): ['0c383e5b2001', '0c383e5b2002'],
                     ('brightwater', 'grandstream', 'vendor'): ['c074ad6b1001'],
                     ('brightwater', 'yealink', 'vendor'): ['805ec04a1001', '805ec04a1002', '805ec04a1003', '805ec04a1004'],
                     ('kestrel', 'fanvil', 'vendor'): ['0c383e5b4001', '0c383e5b4002', '0c383e5b4003'],
                     ('kestrel', 'yealink', 'vendor'): ['805ec04a3001', '805ec04a3002', '805ec04a3003']}
    said = sample.database.command('check').stdout
    assert re.search(r'note +tenant kestrel +3 yealink phones hold the plain SIP password, because this vendor.s phones take no hash: 805ec04a3001 ', said)
