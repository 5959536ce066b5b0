"""DBAs do not wait for each other, fetches do not wait for DBAs, and no change is missed where two of them meet."""

import threading

import pymysql
import pytest

from mariadb import MariaDB, TENANTS, one, rows, run

LEVELS = ("REPEATABLE READ", "READ COMMITTED")

# Neighbours on purpose: gaps between their rows are where locks would meet.
MORE = """
INSERT INTO device (mac, tenant_id, site_id, profile_id, model_id) VALUES
  ('805ec0000010', 'acme', 'hq', 'desk', 'yealink-t54w'), ('805ec0000012', 'acme', 'hq', 'desk', 'yealink-t54w');
INSERT INTO account (tenant_id, account_id, sip_user) VALUES ('acme', '210', '210'), ('acme', '212', '212'), ('acme', '213', '213');
INSERT INTO line (mac, position, account_id) VALUES ('805ec0000010', 1, '210'), ('805ec0000012', 1, '212');
"""


@pytest.fixture(scope="module")
def server():
    with MariaDB() as running:
        yield running


@pytest.fixture(scope="module")
def shared(server):
    """For tests that roll everything back."""
    return server.create("shared", rows=TENANTS + MORE)


@pytest.fixture()
def database(server):
    made = server.create("waiting", rows=TENANTS + MORE)
    yield made
    made.drop()


def transaction(database, level, account="dba"):
    connection = database.connect(account, autocommit=False)
    run(connection, "SET SESSION innodb_lock_wait_timeout = 1")
    run(connection, "SET SESSION lock_wait_timeout = 1")
    run(connection, "SET SESSION TRANSACTION ISOLATION LEVEL " + level)
    connection.begin()
    return connection


# The foreign key of line_setting keeps the gap of a deleted line until commit, except under READ COMMITTED.
DELETION = "DELETE FROM line WHERE mac = '805ec0000010' AND position = 1"

FIRST = [
    "UPDATE device SET comment = 'x', enabled = 0 WHERE mac = '805ec0000010'",
    "INSERT INTO device_setting (mac, name, value) VALUES ('805ec0000010', 'timezone', 'UTC')",
    "INSERT INTO device_setting (mac, name, value) VALUES ('805ec0000010', 'language', 'de') ON DUPLICATE KEY UPDATE value = VALUES(value)",
    "INSERT INTO device_secret (mac, name, plain) VALUES ('805ec0000010', 'phone.admin_password', 'aeth1EeV')",
    "INSERT INTO line_key (mac, slot, type, value) VALUES ('805ec0000010', 1, 'blf', '201')",
    "INSERT INTO line (mac, position, account_id) VALUES ('805ec0000010', 2, '201')",
    "INSERT INTO line_setting (mac, position, name, value) VALUES ('805ec0000010', 1, 'sip.port', '5080')",
    "INSERT INTO account_setting (tenant_id, account_id, name, value) VALUES ('acme', '210', 'sip.port', '5080')",
    "UPDATE account SET display_name = 'Eve' WHERE tenant_id = 'acme' AND account_id = '210'",
    "UPDATE account_secret SET plain = 'oZ1ahquo' WHERE tenant_id = 'acme' AND account_id = '203' AND name = 'sip.password'",
    "INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES ('acme', '210', 'sip.password', 'oZ1ahquo')",
    "INSERT INTO account (tenant_id, account_id, sip_user) VALUES ('acme', '2105', '2105')",
    "INSERT INTO device (mac, tenant_id, site_id, profile_id, model_id) VALUES ('805ec0000011', 'acme', 'hq', 'desk', 'yealink-t54w')",
    "UPDATE line SET label = 'Eve' WHERE mac = '805ec0000010' AND position = 1",
    DELETION,
    "UPDATE device SET generation = DEFAULT WHERE mac = '805ec0000010'",
    "CALL add_phone('805ec000001f', 'acme', 'hq', 'desk', 'yealink-t54w', '2199', '2199', 'Ahth9ahv', 'New')",
]

SECOND = [
    "UPDATE device SET comment = 'y', enabled = 0 WHERE mac = '805ec0000012'",
    "INSERT INTO device_setting (mac, name, value) VALUES ('805ec0000012', 'timezone', 'UTC')",
    "INSERT INTO device_setting (mac, name, value) VALUES ('805ec0000001', 'timezone', 'UTC')",
    "INSERT INTO device_secret (mac, name, plain) VALUES ('805ec0000012', 'phone.admin_password', 'aeth1EeV')",
    "INSERT INTO line_key (mac, slot, type, value) VALUES ('805ec0000012', 1, 'blf', '201')",
    "INSERT INTO line_key (mac, slot, type, value) VALUES ('805ec0000001', 9, 'blf', '201')",
    "INSERT INTO line (mac, position, account_id) VALUES ('805ec0000012', 2, '202')",
    "INSERT INTO line (mac, position, account_id) VALUES ('805ec0000012', 3, '213')",
    "INSERT INTO line_setting (mac, position, name, value) VALUES ('805ec0000012', 1, 'sip.port', '5080')",
    "INSERT INTO account_setting (tenant_id, account_id, name, value) VALUES ('acme', '212', 'sip.port', '5080')",
    "INSERT INTO account_setting (tenant_id, account_id, name, value) VALUES ('acme', '213', 'sip.port', '5080')",
    "UPDATE account SET display_name = 'Mal' WHERE tenant_id = 'acme' AND account_id = '212'",
    "INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES ('acme', '212', 'sip.password', 'oZ1ahquo')",
    "INSERT INTO account (tenant_id, account_id, sip_user) VALUES ('acme', '2101', '2101'), ('acme', '211', '211'), ('acme', '2', '2')",
    "INSERT INTO device (mac, tenant_id, site_id, profile_id, model_id) VALUES ('805ec000000f', 'acme', 'hq', 'desk', 'yealink-t54w')",
    "INSERT INTO device (mac, tenant_id, site_id, profile_id, model_id) VALUES ('805ec0000013', 'acme', 'hq', 'desk', 'yealink-t54w')",
    "UPDATE line SET label = 'Mal' WHERE mac = '805ec0000012' AND position = 1",
    "UPDATE device SET generation = DEFAULT WHERE mac = '805ec0000012'",
    "CALL add_phone('805ec000001e', 'acme', 'hq', 'desk', 'yealink-t54w', '2198', '2198', 'Ahth9ahv', 'New')",
]

@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("first", FIRST)
def test_two_dbas_do_not_wait(shared, first, level):
    if first is DELETION and level == "REPEATABLE READ":
        pytest.skip("not promised; see DELETION")
    database = shared
    one_dba = transaction(database, level)
    run(one_dba, first)
    waited = []
    for second in SECOND:
        other = transaction(database, level)
        try:
            run(other, second)
        except pymysql.err.OperationalError as error:
            waited.append("%s: %s" % (second, error))
        other.rollback()
        other.close()
    one_dba.rollback()
    one_dba.close()
    assert not waited, "beside %s:\n%s" % (first, "\n".join(waited))


def test_two_dbas_to_the_end(database):
    """Both go through a whole day's work side by side, then both commit."""
    dbas = [(transaction(database, LEVELS[0]), mac, account) for mac, account in (("805ec0000010", "210"), ("805ec0000012", "212"))]
    work = [
        "UPDATE device SET comment = 'mine' WHERE mac = '{mac}'",
        "INSERT INTO account (tenant_id, account_id, sip_user) VALUES ('acme', 'x{account}', 'x{account}')",
        "INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES ('acme', 'x{account}', 'sip.password', 'Eil3shae')",
        "INSERT INTO account_setting (tenant_id, account_id, name, value) VALUES ('acme', 'x{account}', 'sip.port', '5090')",
        "INSERT INTO line (mac, position, account_id) VALUES ('{mac}', 2, 'x{account}')",
        "INSERT INTO line_setting (mac, position, name, value) VALUES ('{mac}', 2, 'codecs', 'opus')",
        "INSERT INTO line_key (mac, slot, type, value) VALUES ('{mac}', 1, 'blf', '201'), ('{mac}', 2, 'blf', '202')",
        "INSERT INTO device_setting (mac, name, value) VALUES ('{mac}', 'timezone', 'UTC')",
        "UPDATE account SET display_name = 'N' WHERE tenant_id = 'acme' AND account_id = '{account}'",
        "UPDATE line_key SET value = '203' WHERE mac = '{mac}' AND module = 0 AND slot = 2",
        "DELETE FROM line_key WHERE mac = '{mac}' AND module = 0 AND slot = 1",
        "DELETE FROM device_setting WHERE mac = '{mac}' AND vendor = '' AND name = 'timezone'",
    ]
    for statement in work:
        for connection, mac, account in dbas:
            run(connection, statement.format(mac=mac, account=account))
    for connection, _, _ in dbas:
        connection.commit()
        connection.close()
    assert one(database.connect(), "SELECT COUNT(*) FROM line WHERE position = 2 AND account_id LIKE 'x21%%'") == 2


def test_journal_does_not_wait_for_a_dba(database):
    dba = transaction(database, LEVELS[0])
    run(dba, "UPDATE device SET enabled = 0")
    run(dba, "UPDATE tenant SET enabled = 0")
    run(dba, "CALL delete_device('805ec0000010')")
    journal = transaction(database, LEVELS[0], "journal")
    run(journal, "INSERT INTO fetch_journal (at, id, mac, tenant_id, result) VALUES (UTC_TIMESTAMP(6), RANDOM_BYTES(16), '805ec0000010', 'acme', 'ok')"
                 " ON DUPLICATE KEY UPDATE id = id")
    run(journal, "INSERT INTO device_state (mac, file, last_at) VALUES ('805ec0000010', 'a.cfg', UTC_TIMESTAMP(6))"
                 " ON DUPLICATE KEY UPDATE last_at = GREATEST(last_at, VALUES(last_at))")
    journal.commit()
    dba.rollback()
    assert one(database.connect(), "SELECT COUNT(*) FROM device_state") == 1


def test_worker_does_not_wait_for_a_dba(database):
    dba = transaction(database, LEVELS[0])
    run(dba, "UPDATE device SET enabled = 0")
    run(dba, "INSERT INTO tenant_setting (tenant_id, name, value) VALUES ('acme', 'language', 'de')")
    worker = transaction(database, LEVELS[0], "worker")
    assert one(worker, "SELECT enabled FROM device WHERE mac = '805ec0000010'") == 1
    dba.rollback()


def revision(connection, mac):
    return one(connection, "SELECT revision FROM device_revision WHERE mac = %s", mac)


@pytest.mark.parametrize("level", LEVELS)
def test_new_line_and_account_change_meet(database, level):
    """A gives account 213 a setting while B gives a device a line of account 213. Whoever commits last moves the device's revision
    to a value that nobody could have read before, also when A's snapshot is older than B's line."""
    watch = database.connect()
    changer = transaction(database, level)
    rows(changer, "SELECT COUNT(*) FROM line")  # the snapshot, before the line
    giver = transaction(database, level)
    run(giver, "INSERT INTO line (mac, position, account_id) VALUES ('805ec0000012', 2, '213')")
    run(changer, "SET SESSION innodb_lock_wait_timeout = 30")
    failed = []

    def change():
        try:
            run(changer, "INSERT INTO account_setting (tenant_id, account_id, name, value) VALUES ('acme', '213', 'sip.port', '5099')")
        except pymysql.err.MySQLError as error:
            failed.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    waiting = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
    while thread.is_alive() and not one(watch, waiting):
        thread.join(0.2)  # the table is a copy that is renewed when nobody read it for 0.1 s
    giver.commit()
    between = revision(watch, "805ec0000012")
    thread.join()
    assert not failed
    changer.commit()
    assert revision(watch, "805ec0000012") != between


@pytest.mark.parametrize("level", LEVELS)
def test_old_snapshot_still_finds_the_line(database, level):
    """The same, but B has committed before A's statement."""
    watch = database.connect()
    changer = transaction(database, level)
    rows(changer, "SELECT COUNT(*) FROM line")
    run(watch, "INSERT INTO line (mac, position, account_id) VALUES ('805ec0000012', 2, '213')")
    between = revision(watch, "805ec0000012")
    run(changer, "UPDATE account SET display_name = 'Z' WHERE tenant_id = 'acme' AND account_id = '213'")
    changer.commit()
    assert revision(watch, "805ec0000012") != between


def test_old_snapshot_may_use_new_rows(database):
    """What another DBA committed after this transaction began is no unknown device, account or site."""
    dba = transaction(database, LEVELS[0])
    rows(dba, "SELECT COUNT(*) FROM device")
    other = database.connect()
    run(other, "INSERT INTO site (tenant_id, site_id) VALUES ('acme', 'fresh')")
    run(other, "CALL add_phone('805ec00000aa', 'acme', 'fresh', NULL, 'yealink-t54w', 'fresh', 'fresh', 'Eil3shae', NULL)")
    run(dba, "INSERT INTO device_setting (mac, name, value) VALUES ('805ec00000aa', 'timezone', 'UTC')")
    run(dba, "INSERT INTO line (mac, position, account_id) VALUES ('805ec00000aa', 2, 'fresh')")
    run(dba, "INSERT INTO device (mac, tenant_id, site_id, model_id) VALUES ('805ec00000ab', 'acme', 'fresh', 'yealink-t54w')")
    dba.commit()
    assert one(other, "SELECT line_rows FROM device_overview WHERE mac = '805ec00000aa'") == 2
