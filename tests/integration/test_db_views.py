"""Views and procedures answer what they promise."""

import pymysql
import pytest

from mariadb import MariaDB, TENANTS, one, rows, run


@pytest.fixture(scope="module")
def server():
    with MariaDB() as running:
        yield running


@pytest.fixture()
def database(server):
    made = server.create("views", rows=TENANTS)
    yield made
    made.drop()


def effective(connection, mac, name, position=None):
    return rows(connection, "SELECT value, layer, taken_back_by FROM effective_setting WHERE mac = mac(%s) AND name = %s AND position <=> %s",
                mac, name, position)


def test_effective_setting(database):
    connection = database.connect()
    reader = database.connect("reader")
    steps = [
        (None, "5060", "default", None),
        ("provider_setting (name, value) VALUES ('sip.port', '1')", "1", "provider", None),
        ("tenant_setting (tenant_id, name, value) VALUES ('acme', 'sip.port', '2')", "2", "tenant", None),
        ("site_setting (tenant_id, site_id, name, value) VALUES ('acme', 'hq', 'sip.port', '3')", "3", "site", None),
        ("profile_setting (tenant_id, profile_id, name, value) VALUES ('acme', 'desk', 'sip.port', '4')", "4", "profile", None),
        ("device_setting (mac, name, value) VALUES ('805ec0000001', 'sip.port', NULL)", "5060", "default", "device"),
    ]
    for insert, value, layer, back in steps:
        if insert:
            run(connection, "INSERT INTO " + insert)
        assert effective(reader, "80:5E:C0:00:00:01", "sip.port") == [(value, layer, back)], insert
        assert effective(reader, "80:5E:C0:00:00:01", "sip.port", 1) == [(value, layer, back)], insert
    for insert, value, layer in (
            ("account_setting (tenant_id, account_id, name, value) VALUES ('acme', '201', 'sip.port', '6')", "6", "account"),
            ("line_setting (mac, position, name, value) VALUES ('805ec0000001', 1, 'sip.port', '7')", "7", "line")):
        run(connection, "INSERT INTO " + insert)
        assert effective(reader, "805ec0000001", "sip.port", 1) == [(value, layer, None)]
        assert effective(reader, "805ec0000001", "sip.port") == [("5060", "default", "device")]
    assert effective(reader, "805ec0000004", "sip.port", 1) == [("1", "provider", None)], "another tenant's device"
    assert effective(reader, "805ec0000001", "sip.password") == []


def test_effective_parameter(database):
    connection = database.connect()
    run(connection, "INSERT INTO provider_setting (vendor, name, value) VALUES ('yealink', 'a', '1'), ('fanvil', 'a', 'x'), ('yealink', 'b', '1')")
    run(connection, "INSERT INTO profile_setting (tenant_id, profile_id, vendor, name, value) VALUES ('acme', 'desk', 'yealink', 'a', '2')")
    run(connection, "INSERT INTO line_setting (mac, position, vendor, name, value) VALUES ('805ec0000001', 1, 'yealink', 'a', NULL)")
    query = "SELECT name, value, layer, position FROM effective_parameter WHERE mac = %s ORDER BY name"
    assert rows(connection, query, "805ec0000001") == [("a", None, "line", 1), ("b", "1", "provider", None)]
    assert rows(connection, query, "805ec0000002") == [("a", "2", "profile", None), ("b", "1", "provider", None)]
    assert rows(connection, query, "0c383e000003") == [("a", "x", "provider", None)]


def test_unknown_phone(database):
    journal = database.connect("journal")
    insert = "INSERT INTO fetch_journal (at, id, mac, address, user_agent, result) VALUES (%s, %s, %s, %s, %s, 'bad-credentials')"
    run(journal, insert, "2026-01-02 03:04:05", b"a", "805ec0000091", "192.0.2.1", "Yealink A")
    run(journal, insert, "2026-01-03 03:04:05", b"b", "805ec0000091", "192.0.2.2", "Yealink B")
    run(journal, insert, "2026-01-03 03:04:05", b"c", "805ec0000001", "192.0.2.3", "known")
    run(journal, insert, "2026-01-03 03:04:05", b"d", None, "192.0.2.4", "no MAC")
    run(journal, insert, "2026-01-03 03:04:05", b"e", "ffffff000000", "192.0.2.5", "far")
    ((mac, vendor, first, last, requests, address, agent, similar), far) = rows(
        database.connect("reader"), "SELECT * FROM unknown_phone ORDER BY mac")
    assert (mac, vendor, str(first), str(last), requests, address, agent, similar) == (
        "805ec0000091", "yealink", "2026-01-02 03:04:05", "2026-01-03 03:04:05", 2, "192.0.2.2", "Yealink B", "805ec0000001")
    assert far[0] == "ffffff000000" and far[1] is None and far[-1] is None
    plan = rows(database.connect(), "EXPLAIN SELECT * FROM unknown_phone")
    (near,) = [line for line in plan if line[2] == "n"]
    assert near[3] in ("eq_ref", "ref"), "neighbours are looked up one by one"


def test_lag(database):
    journal, reader, connection = database.connect("journal"), database.connect("reader"), database.connect()
    lagging = "SELECT mac, reason FROM device_lag ORDER BY mac"
    assert [reason for _, reason in rows(reader, lagging)] == ["never delivered"] * 4
    for mac, inputs in rows(connection, "SELECT mac, inputs FROM device_inputs"):
        assert len(inputs) == 56
        run(journal, "INSERT INTO device_state (mac, file, last_at, result, delivered_at, inputs) VALUES (%s, 'f', NOW(6), 'ok', NOW(6), %s)", mac, inputs)
    assert rows(reader, lagging) == []
    device, tenant, site, profile, provider, digest = (
        one(connection, sql) for sql in (
            "SELECT revision FROM device_revision WHERE mac = '805ec0000001'", "SELECT revision FROM layer_revision WHERE layer = 'tenant/acme'",
            "SELECT revision FROM layer_revision WHERE layer = 'site/acme/hq'",
            "SELECT revision FROM layer_revision WHERE layer LIKE 'profile/acme/%'", "SELECT revision FROM _complete",
            "SELECT digest FROM template_file WHERE name = '*'"))
    assert one(connection, "SELECT inputs FROM device_inputs WHERE mac = '805ec0000001'") == (
        device + tenant + site + profile + provider + bytes.fromhex(digest[:32]))
    assert one(connection, "SELECT inputs FROM device_inputs WHERE mac = '0c383e000003'")[24:32] == bytes(8)
    for change, macs in (
            ("UPDATE line SET label = 'x' WHERE mac = '805ec0000002'", ["805ec0000002"]),
            ("INSERT INTO profile_setting (tenant_id, profile_id, name, value) VALUES ('umbra', 'desk2', 'language', 'de')", ["805ec0000002", "805ec0000004"]),
            ("UPDATE template_file SET digest = REPEAT('b', 64)", ["0c383e000003", "805ec0000001", "805ec0000002", "805ec0000004"]),
            ("UPDATE device SET enabled = 0 WHERE mac <> '805ec0000001'", ["805ec0000001"])):
        run(connection, change)
        assert rows(reader, lagging) == [(mac, "changed since") for mac in macs], change


def test_problem(database):
    journal, reader, connection = database.connect("journal"), database.connect("reader"), database.connect()
    assert rows(reader, "SELECT * FROM device_problem") == []
    run(journal, "INSERT INTO device_state (mac, file, last_at, status, result, detail) VALUES ('805ec0000001', 'f', NOW(6), 500, 'render-error', 'no sip.server')")
    run(journal, "INSERT INTO device_state (mac, file, last_at, status, result, model) VALUES ('805ec0000002', 'f', NOW(6), 200, 'ok', 'yealink-t46u')")
    run(connection, "DELETE FROM account_secret WHERE account_id = '203'")
    assert rows(reader, "SELECT mac, problem, detail FROM device_problem ORDER BY mac") == [
        ("0c383e000003", "no-password", "line 1: account 203 has no sip.password"),
        ("805ec0000001", "render-error", "no sip.server"),
        ("805ec0000002", "model-mismatch", "the phone says yealink-t46u, the row says yealink-t31g")]


def test_secret_state_shows_no_secret(database):
    connection = database.connect()
    secrets = [secret for (secret,) in rows(connection, "SELECT plain FROM account_secret")]
    for view in ("secret_state", "device_overview", "effective_setting", "device_problem"):
        text = repr(rows(database.connect("reader"), "SELECT * FROM " + view))
        assert not any(secret in text for secret in secrets)
    assert one(connection, "SELECT COUNT(*) FROM secret_state WHERE form = 'plain'") == 4


# ---------------------------------------------------------------- procedures

def refused(connection, sql, words):
    with pytest.raises(pymysql.err.MySQLError) as error:
        run(connection, sql)
    assert error.value.args[0] == 1644 and words in error.value.args[1], error.value.args


def test_add_phone(database):
    dba, connection = database.connect("dba"), database.connect()
    assert rows(dba, "CALL add_phone('80:5E:C0:00:00:20', 'acme', 'hq', 'desk', 'yealink-t54w', '220', '220', 'Goo5ohng', 'Gil')") == [
        ("805ec0000020: line 1 is account 220, which is new",)]
    assert rows(connection, "SELECT l.account_id, a.display_name, s.plain FROM line l JOIN account a USING (tenant_id, account_id)"
                            " JOIN account_secret s USING (tenant_id, account_id) WHERE l.mac = '805ec0000020'") == [("220", "Gil", "Goo5ohng")]
    run(dba, "CALL add_phone('805ec0000021', 'acme', NULL, NULL, 'yealink-t54w', '220', NULL, NULL, NULL)")
    before = rows(connection, "SELECT mac FROM device"), rows(connection, "SELECT account_id FROM account")
    for arguments, words in (
            ("'805ec0000021', 'acme', NULL, NULL, 'yealink-t54w', '220', NULL, NULL, NULL", "exists already"),
            ("'805ec0000022', 'acme', NULL, NULL, 'yealink-t54w', '220', '220', 'x', NULL", "account `220` exists already"),
            ("'805ec0000022', 'acme', NULL, NULL, 'yealink-t54w', '999', NULL, NULL, NULL", "has no account `999`; give user and password"),
            ("'805ec0000022', 'acme', NULL, NULL, 'yealink-t54x', '999', '9', 'x', NULL", "did you mean `yealink-t54w`?"),
            ("'805ec0000022', 'acme', NULL, NULL, 'yealink-t54w', '999', '9', 'x\\n', NULL", "printable ASCII"),
            ("'nonsense', 'acme', NULL, NULL, 'yealink-t54w', '999', '9', 'x', NULL", "is not a MAC")):
        refused(dba, "CALL add_phone(%s)" % arguments, words)
    assert before == (rows(connection, "SELECT mac FROM device"), rows(connection, "SELECT account_id FROM account")), "all or nothing"


def test_a_procedure_keeps_the_callers_transaction(database):
    dba, connection = database.connect("dba", autocommit=False), database.connect()
    run(dba, "UPDATE device SET comment = 'mine' WHERE mac = '805ec0000001'")
    refused(dba, "CALL add_phone('805ec0000022', 'acme', NULL, NULL, 'yealink-t54w', '999', '9', 'x\\n', NULL)", "printable ASCII")
    assert one(dba, "SELECT COUNT(*) FROM account WHERE account_id = '999'") == 0
    assert one(dba, "SELECT comment FROM device WHERE mac = '805ec0000001'") == "mine"
    run(dba, "CALL delete_device('805ec0000002')")
    dba.rollback()
    assert rows(connection, "SELECT comment FROM device WHERE mac IN ('805ec0000001', '805ec0000002')") == [(None,), (None,)]


def test_swap_phone(database):
    dba, connection = database.connect("dba"), database.connect()
    run(dba, "INSERT INTO line_setting (mac, position, name, value) VALUES ('805ec0000001', 1, 'sip.port', '7')")
    run(dba, "INSERT INTO line_key (mac, slot, type, value) VALUES ('805ec0000001', 2, 'blf', '202')")
    run(dba, "INSERT INTO device_setting (mac, name, value) VALUES ('805ec0000001', 'language', 'fr')")
    run(dba, "INSERT INTO device_secret (mac, name, plain) VALUES ('805ec0000001', 'phone.admin_password', 'noh1ieCh')")
    run(connection, "INSERT INTO device_pack (mac, revision, tenant_id, pack) VALUES ('805ec0000001', '12345678', 'acme', 'x')")
    old = one(connection, "SELECT generation FROM device WHERE mac = '805ec0000001'")
    ((said,),) = rows(dba, "CALL swap_phone('805ec0000001', '80:5E:C0:00:00:30', 'yealink-t46u')")
    assert said == "805ec0000001 is deleted; 805ec0000030 (yealink-t46u) has its lines, keys, settings and secrets"
    assert rows(connection, "SELECT model_id, site_id, profile_id, generation <> %s FROM device WHERE mac = '805ec0000030'", old) == [("yealink-t46u", "hq", "desk", 1)]
    for table, count in (("line", 1), ("line_setting", 1), ("line_key", 1), ("device_setting", 1), ("device_secret", 1), ("device", 1), ("device_revision", 1)):
        assert one(connection, "SELECT COUNT(*) FROM %s WHERE mac = '805ec0000030'" % table) == count, table
        assert one(connection, "SELECT COUNT(*) FROM %s WHERE mac = '805ec0000001'" % table) == 0, table
    assert one(connection, "SELECT COUNT(*) FROM device_pack WHERE mac IN ('805ec0000001', '805ec0000030')") == 0
    assert rows(connection, "SELECT mac FROM account_route WHERE account_id = '201' AND position = 1") == [("805ec0000030",)]
    refused(dba, "CALL swap_phone('805ec0000030', '805ec0000002', NULL)", "device 805ec0000002 exists already")
    refused(dba, "CALL swap_phone('805ec0000099', '805ec0000098', NULL)", "unknown device `805ec0000099`")
    run(dba, "INSERT INTO line (mac, position, account_id) VALUES ('805ec0000030', 5, '202')")
    refused(dba, "CALL swap_phone('805ec0000030', '805ec0000031', 'yealink-t31g')", "model yealink-t31g has 2 lines; delete line 5 of 805ec0000030 first")
    assert one(connection, "SELECT COUNT(*) FROM device WHERE mac = '805ec0000031'") == 0


def test_move_and_delete(database):
    dba, connection = database.connect("dba"), database.connect()
    refused(dba, "CALL move_device('805ec0000001', 'acme', NULL, NULL)", "is of tenant `acme` already")
    refused(dba, "CALL move_device('805ec0000001', 'umbra', 'hq', NULL)", "tenant `umbra` has no site `hq`")
    assert rows(dba, "CALL move_device('805ec0000001', 'umbra', 'hq2', 'desk2')") == [("805ec0000001 moved from acme to umbra; dropped 1 line",)]
    assert rows(connection, "SELECT tenant_id, site_id, profile_id FROM device WHERE mac = '805ec0000001'") == [("umbra", "hq2", "desk2")]
    assert rows(dba, "CALL delete_device('805EC0-000004')") == [("805ec0000004 of tenant umbra is deleted, with 1 line",)]
    refused(dba, "CALL delete_device('805ec0000004')", "unknown device")
    assert rows(dba, "CALL delete_account('acme', '202')") == [("account 202 of tenant acme is deleted, with 1 line, 1 secret",)]
    assert one(connection, "SELECT COUNT(*) FROM account_route WHERE account_id = '202'") == 0
    refused(dba, "CALL delete_account('acme', '202')", "tenant `acme` has no account `202`")


def partitions(connection):
    return [name for (name,) in rows(connection, "SELECT PARTITION_NAME FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE()"
                                                 " AND TABLE_NAME = 'fetch_journal' ORDER BY PARTITION_ORDINAL_POSITION")]


def test_journal_partitions(database):
    journal, connection = database.connect("journal"), database.connect()
    assert partitions(connection) == ["pmax"]
    insert = "INSERT INTO fetch_journal (at, id) VALUES (UTC_TIMESTAMP(6) + INTERVAL %s DAY, RANDOM_BYTES(16))"
    for days in (-40, 0, 1, 500):
        run(connection, insert, days)
    run(journal, "CALL journal_partitions(30, 3)")
    today = [one(connection, "SELECT DATE_FORMAT(UTC_DATE() + INTERVAL %s DAY, 'p%%Y%%m%%d')", day) for day in range(8)]
    assert partitions(connection) == today[:4] + ["pmax"]
    assert one(connection, "SELECT COUNT(*) FROM fetch_journal") == 4
    run(journal, "CALL journal_partitions(30, 3)")
    assert partitions(connection) == today[:4] + ["pmax"]
    run(journal, "CALL journal_partitions(30, 5)")
    assert partitions(connection) == today[:6] + ["pmax"]
    # 40 days later, as it were: the first partition ends tomorrow and 40 days ago
    old = one(connection, "SELECT TO_DAYS(UTC_DATE()) - 35")
    run(connection, "ALTER TABLE fetch_journal REORGANIZE PARTITION %s INTO (PARTITION pold VALUES LESS THAN (%d), PARTITION %s VALUES LESS THAN (%d))" % (
        today[0], old, today[0], old + 36))
    run(journal, "CALL journal_partitions(30, 5)")
    assert partitions(connection) == today[:6] + ["pmax"]
    assert one(connection, "SELECT COUNT(*) FROM fetch_journal") == 3
    refused(journal, "CALL journal_partitions(0, 3)", "keep_days: `0` is below 1")
    refused(journal, "CALL journal_partitions(30, 0)", "ahead_days: `0` is not between 1 and 366")
    assert one(journal, "SELECT @@SESSION.lock_wait_timeout") == one(journal, "SELECT @@GLOBAL.lock_wait_timeout")
