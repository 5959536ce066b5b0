"""The sample data: every phone in it that is enabled gets its file, through both proxies, and the command finds nothing wrong."""
import subprocess

import pytest

from proxies import ROOT
from stack import Database, Pool, remove


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
    statuses = {mac: sample.fetch_device(proxy, mac).status for mac in macs}
    assert set(statuses.values()) == {200}, statuses


def test_no_default_password_in_what_phones_get(sample):
    """A9: what a sample phone gets holds none of the passwords that everybody knows."""
    for mac, in sample.database.sql('SELECT mac FROM device WHERE enabled = 1', account='root'):
        body = sample.fetch_device('haproxy', mac).body.decode(errors='replace')
        for line in body.splitlines():
            name, _, value = line.partition('=')
            if 'password' in name.lower():
                assert value.strip() not in ('admin', 'password', '1234', '0000', 'user', 'guest', '123456', mac), line
