"""`dialtone audit`: who changed what, by the journal's account."""
import json

import pytest

from stack import Database, Pool, remove
from waiting import wait_until

MAC, OTHER = '805ec0000001', '805ec0000002'


@pytest.fixture(scope='module')
def database():
    db = Database()
    try:
        db.start()
        for tenant, mac in (('acme', MAC), ('umbra', OTHER)):
            db.add_tenant(tenant)
            db.add_device(mac, tenant, 'yealink-t54w')
        for sql in ("UPDATE device SET comment = 'moved to \x1b[31mred\x1b[0m' WHERE mac = '805ec0000001'",
                    "INSERT INTO device_setting (mac, vendor, name, value) VALUES ('805ec0000001', 'yealink', 'account.1.password', 'geheim99')",
                    "INSERT INTO tenant_setting (tenant_id, name, value) VALUES ('umbra', 'language', 'fr')"):
            db.sql(sql, account='dba')
        yield db
    finally:
        db.stop()
    remove(db.directory)


def told(database, *arguments):
    result = database.command('--json', 'audit', *arguments, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_for_programs(database):
    answer = told(database, '--mac', '80:5E:C0:00:00:01')
    assert not answer['more']
    newest, before = answer['changes'][0], answer['changes'][1]
    assert (newest['account'], newest['action'], newest['table'], newest['row'], newest['tenant'], newest['mac'], newest['old'], newest['new']) == (
        'dialtone_dba', 'insert', 'device_setting', MAC + '/yealink/account.1.password', 'acme', MAC, None, 'value=(secret)')
    assert before['action'] == 'update' and before['old'] == 'comment=NULL' and 'red' in before['new']
    assert newest['at'] > before['at'] and newest['connection'] > 0 and newest['host']
    assert {change['table'] for change in answer['changes']} >= {'device', 'line'} and {change['mac'] for change in answer['changes']} == {MAC}


def test_filters(database):
    assert {change['tenant'] for change in told(database, '--tenant', 'umbra')['changes']} == {'umbra'}
    (change,) = told(database, '--tenant', 'umbra', '--table', 'tenant_setting', '--since', '1h')['changes'][:1]
    assert change['row'] == 'umbra/language' and change['new'] == "value='fr'"
    assert told(database, '--table', 'certificate_denied')['changes'] == []
    everything = len(told(database)['changes'])
    for since, count in (('7d', everything), ('30m', everything), ('2020-01-01', everything), ('2020-01-01 12:00', everything), ('2020-01-01T12:00:00Z', everything), ('2299-12-31 23:59:59', 0)):
        assert len(told(database, '--since', since)['changes']) == count, since


def test_limit(database):
    answer = told(database, '--limit', '2')
    assert len(answer['changes']) == 2 and answer['more']
    result = database.command('audit', '--limit', '2', check=False)
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 3 and 'more than 2' in result.stderr


def test_for_people(database):
    text = database.command('audit', '--mac', MAC).stdout
    assert text.splitlines()[0].split('  ')[0] == 'AT (UTC)' and 'dialtone_dba@' in text and 'update device' in text and 'value=(secret)' in text
    assert 'geheim99' not in text and '\x1b' not in text
    assert database.command('audit', '--tenant', 'nobody').stdout == 'no change is recorded\n'


def test_every_watched_table_is_known(database):
    tables = [name for (name,) in database.sql("SELECT DISTINCT EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME LIKE 'audit%%'",
                                               account='root')]
    assert len(tables) == 24
    for table in tables:
        told(database, '--table', table)


@pytest.mark.parametrize('arguments, message', [
    (('--mac', 'x'), 'is no MAC address'), (('--since', 'yesterday'), '`yesterday` is no time'), (('--since', '2026-02-31'), 'is no time'), (('--since', '-1d'), 'is no time'),
    (('--since', 'd'), 'is no time'), (('--limit', '0'), 'is no number'), (('--table', 'device_setings'), 'did you mean `device_setting`?'), (('--table', 'audit'), 'no trail is kept'),
    (('x',), 'one argument too many')])
def test_wrong_arguments(database, arguments, message):
    result = database.command('audit', *arguments, check=False)
    assert result.returncode == 2 and message in result.stderr and not result.stdout, result.stderr


# ---- retention, kept by the journal process

def partitions(database):
    return [name for (name,) in database.sql("SELECT PARTITION_NAME FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'audit'"
                                             " ORDER BY PARTITION_ORDINAL_POSITION", account='root')]


def test_the_journal_process_keeps_the_partitions(database):
    """[audit] retention_days is what counts, not the journal's."""
    today = database.sql('SELECT TO_DAYS(UTC_DATE())', account='root')[0][0]
    database.sql('ALTER TABLE audit REORGANIZE PARTITION pmax INTO (PARTITION pold VALUES LESS THAN (%d), PARTITION pkept VALUES LESS THAN (%d), PARTITION pmax VALUES LESS THAN MAXVALUE)' % (
        today - 50, today - 30), account='root')
    with Pool(database, workers=1, proxies=False, conf={'audit': {'retention_days': 45}, 'journal': {'retention_days': 10}}):
        wait_until(lambda: len(partitions(database)) > 2 and 'pold' not in partitions(database), 20, 'partitions of audit')
    assert partitions(database)[0] == 'pkept' and partitions(database)[-1] == 'pmax'
