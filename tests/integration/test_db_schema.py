"""Rules of the schema itself: no cascades, the owner, rights, portability, dump and restore."""

import re
import threading

import pymysql
import pytest

from mariadb import ACCOUNTS, GRANTS, MIGRATIONS, MariaDB, TENANTS, one, rows, run

FILES = MIGRATIONS + [GRANTS, GRANTS.parent / "sample.sql"]


@pytest.fixture(scope="module")
def server():
    with MariaDB() as running:
        yield running


@pytest.fixture(scope="module")
def database(server):
    return server.create(rows=TENANTS)


@pytest.fixture(autouse=True)
def closed(database):
    yield
    database.close()


# ---------------------------------------------------------------- the schema

def test_migrations_can_be_run_again(server, database):
    """Grants follow: with a routine a server drops the rights to execute it."""
    for path in MIGRATIONS + [GRANTS]:
        database.client(path.read_text(encoding="utf-8"))
    assert one(database.connect(), "SELECT COUNT(*) FROM device") == 4


def test_no_foreign_key_cascades(database):
    found = rows(database.connect(), "SELECT CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS"
                                     " WHERE CONSTRAINT_SCHEMA = DATABASE()")
    assert len(found) > 20
    assert {rule for row in found for rule in row[1:]} <= {"RESTRICT", "NO ACTION"}


def test_journal_has_no_foreign_keys_and_no_triggers(database):
    connection = database.connect()
    tables = "('fetch_journal', 'device_state', 'journal_loss', 'device_pack', 'audit')"
    assert one(connection, "SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE()"
                           " AND REFERENCED_TABLE_NAME IS NOT NULL AND TABLE_NAME IN " + tables) == 0
    assert one(connection, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"
                           " AND EVENT_OBJECT_TABLE IN " + tables) == 0


def test_everything_belongs_to_the_owner(database):
    connection = database.connect()
    definers = set()
    for source, schema in (("TRIGGERS", "TRIGGER_SCHEMA"), ("ROUTINES", "ROUTINE_SCHEMA"), ("VIEWS", "TABLE_SCHEMA")):
        found = rows(connection, "SELECT DEFINER FROM information_schema.%s WHERE %s = DATABASE()" % (source, schema))
        assert found
        definers |= {definer for (definer,) in found}
    assert definers == {"dialtone_owner@localhost"}
    assert one(connection, "SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND SECURITY_TYPE <> 'DEFINER'") == 0
    assert one(connection, "SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() AND SECURITY_TYPE <> 'DEFINER'") == 0
    assert "ACCOUNT LOCK" in one(connection, "SHOW CREATE USER 'dialtone_owner'@'localhost'")


def test_every_table_of_the_configuration_has_its_triggers(database):
    connection = database.connect()
    for table in [name for (name,) in rows(connection, "SELECT TABLE_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
                                                       " AND COLUMN_NAME = 'changed_at' AND TABLE_NAME IN"
                                                       " (SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
                                                       " AND TABLE_TYPE = 'BASE TABLE')")]:
        events = {timing + " " + event for timing, event in rows(
            connection, "SELECT ACTION_TIMING, EVENT_MANIPULATION FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"
                        " AND EVENT_OBJECT_TABLE = %s AND TRIGGER_NAME NOT LIKE 'audit%%'", table)}
        expected = {"BEFORE INSERT", "BEFORE UPDATE", "AFTER INSERT", "AFTER DELETE"}
        if table in ("enrolment", "device_password"):  # in no file and in no pack: they move no revision
            expected = {"BEFORE INSERT", "BEFORE UPDATE"}
        elif table not in ("site", "profile"):
            expected |= {"AFTER UPDATE"}
        assert expected <= events, table


def test_collations(database):
    found = rows(database.connect(), "SELECT TABLE_NAME, COLUMN_NAME, COLLATION_NAME FROM information_schema.COLUMNS c"
                                     " JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)"
                                     " WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' AND COLLATION_NAME IS NOT NULL")
    assert {collation for _, _, collation in found} == {"ascii_bin", "utf8mb4_bin"}


def test_a_pack_goes_with_its_device(database):
    root, dba = database.connect(), database.connect("dba", autocommit=False)
    run(root, PACK)
    run(root, PACK.replace("805ec0000001", "805ec0000002"))
    run(dba, "CALL delete_device('805ec0000001')")
    assert rows(dba, "SELECT 1 FROM device WHERE mac = '805ec0000001'") == []
    seen = database.connect(autocommit=False)
    run(seen, "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
    assert rows(seen, "SELECT mac FROM device_pack") == [("805ec0000002",)]
    dba.rollback()
    assert rows(root, "SELECT mac FROM device_pack ORDER BY mac") == [("805ec0000001",), ("805ec0000002",)]
    run(root, "DELETE FROM device_pack")


def test_packs_lie_in_their_row(database):
    root = database.connect()
    assert rows(root, "SELECT ENGINE, ROW_FORMAT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'device_pack'") == [("InnoDB", "Dynamic")]


# ---------------------------------------------------------------- what the text of db/ may not say

def code(path):
    """The file without comments and strings."""
    text = re.sub(r"(?m)--( .*)?$", "", path.read_text(encoding="utf-8"))
    return re.sub(r"'(?:[^'\\]|''|\\.)*'", "''", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_portable_to_mysql_8(path):
    text = code(path)
    whole = path.read_text(encoding="utf-8")
    for pattern, why in (
            (r"\bRETURNING\b", "RETURNING"), (r"\bSEQUENCE\b", "SEQUENCE"), (r"\b(CREATE|SET|GRANT)\s+(DEFAULT\s+)?ROLE\b", "roles"),
            (r"\bDEFAULT\s*\((?!.*\bDECLARE\b)", "an expression as DEFAULT"), (r"\bOR\s+REPLACE\s+(TABLE|TRIGGER|PROCEDURE|FUNCTION|USER)\b", "OR REPLACE"),
            (r"\bCREATE\s+(TABLE|USER)\s+(?!IF\s+NOT\s+EXISTS)", "CREATE without IF NOT EXISTS"), (r"(?i)\bINET6\b|\bUUID\s+NOT\b", "types of MariaDB"),
            (r"@DATABASE@", "the database's name")):
        if why.startswith("CREATE") and path.name == "sample.sql":
            continue
        assert not re.search(pattern, text), why
    for quoted in re.findall(r"REGEXP(?:_REPLACE\([^,]*,)?\s*'([^']*)'", whole):
        assert "\\" not in quoted, "a backslash in the regular expression " + quoted
    reserved = ("groups|rank|system|lateral|window|over|row_number|dense_rank|ntile|lead|lag|cube|recursive|except|intersect|empty|json_table"
                "|first_value|last_value|nth_value|percent_rank|cume_dist|grouping|of|admin|array|member|manual|parallel|qualify|tablesample")
    for name in re.findall(r"(?im)^\s*(?:DECLARE\s+)?(%s)\s+(?:VARCHAR|INT|TINYINT|BIGINT|TEXT|CHAR|BINARY|TIMESTAMP|DATETIME)" % reserved, text):
        raise AssertionError("the reserved word %s as a name" % name)
    assert not re.search(r"(?i)\bAS\s+(%s)\b" % reserved, text)


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: path.name)
def test_text_columns_name_their_collation(path):
    for line in code(path).splitlines():
        for kind in re.findall(r"\b(?:VARCHAR|CHAR)\(\d+\)(?!\))|\b(?:LONG|MEDIUM)?TEXT\b", line):
            after = line[line.index(kind):]
            if "AS CHAR" in line:
                continue
            assert re.search(r"CHARACTER SET (ascii COLLATE ascii_bin|utf8mb4 COLLATE utf8mb4_bin)", after), line


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: path.name)
def test_definer_everywhere(path):
    for line in code(path).splitlines():
        if re.match(r"CREATE\b.*\b(TRIGGER|PROCEDURE|FUNCTION|VIEW)\b", line):
            assert line.startswith("CREATE DEFINER =") or line.startswith("CREATE OR REPLACE DEFINER ="), line


def test_grants_have_reasons():
    for line in GRANTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("GRANT"):
            assert re.search(r"; -- \S", line), line


# ---------------------------------------------------------------- who may what

PACK = ("INSERT INTO device_pack (mac, revision, tenant_id, pack) VALUES ('805ec0000001', '12345678', 'acme', 'x') ON DUPLICATE KEY UPDATE"
        " revision = VALUES(revision), tenant_id = VALUES(tenant_id), site_id = VALUES(site_id), profile_id = VALUES(profile_id), pack = VALUES(pack)")

MAY = {
    "worker": ["SELECT * FROM device", "SELECT plain FROM account_secret", "SELECT revision FROM device_revision", "SELECT complete FROM _complete",
               "SELECT digest FROM template_file", "SELECT version FROM schema_migration", "SELECT revision, pack FROM device_pack"],
    "journal": ["INSERT INTO journal_loss (at, reason, records) VALUES (NOW(6), 'full', 1)", "CALL journal_partitions(30, 2)",
                "UPDATE device_state SET status = 1", PACK],
    "courier": ["UPDATE account_secret SET sealed = X'00', key_id = 'k', plain = NULL WHERE account_id = '201'", "SELECT plain FROM device_secret",
                "SELECT id FROM outbox ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED", "INSERT INTO outbox (kind, subject) VALUES ('digest', 'account')",
                "UPDATE outbox SET due_at = CURRENT_TIMESTAMP", "DELETE FROM outbox", "INSERT INTO account_digest (tenant_id, account_id) VALUES ('acme', '201')",
                "UPDATE account_digest SET realm = NULL", "DELETE FROM account_digest", "SELECT sip_user FROM account", "SELECT value FROM tenant_setting"],
    "registrar": ["SELECT * FROM subscriber", "SELECT ha1 FROM subscriber_previous", "SELECT * FROM ps_auths WHERE id = 'acme/201'"],
    "dba": ["UPDATE device SET comment = 'x'", "SELECT name FROM setting", "SELECT account_id, version FROM account_secret", "CALL journal_partitions(30, 2)",
            "UPDATE account_secret SET plain = 'eiD5ahgh' WHERE account_id = '201'", "SELECT * FROM device_lag", "SELECT mac('0C:38:3E:00:00:03')",
            "INSERT INTO line_key (mac, slot, type) VALUES ('805ec0000001', 3, 'line')", "SELECT * FROM effective_parameter"],
    "reader": ["SELECT * FROM device_overview", "SELECT * FROM effective_setting WHERE mac = mac('805ec0000001')", "SELECT * FROM secret_state",
               "SELECT * FROM fetch_history", "SELECT * FROM unknown_phone", "SELECT * FROM device_lag", "SELECT * FROM device_problem", "SELECT * FROM outbox_state"],
}
MAY_NOT = {
    "worker": ["UPDATE device SET comment = 'x'", "INSERT INTO fetch_journal (at, id) VALUES (NOW(6), '1')", "DELETE FROM line", "TRUNCATE TABLE device",
               "SELECT * FROM account_digest", "SELECT * FROM subscriber", "SELECT * FROM ps_auths", "SELECT * FROM outbox", "INSERT INTO outbox (kind, subject) VALUES ('a', 'b')",
               "SELECT * FROM device_state", "CALL delete_device('805ec0000001')", PACK, "UPDATE device_pack SET pack = ''", "DELETE FROM device_pack"],
    "journal": ["SELECT * FROM device", "SELECT * FROM account_secret", "SELECT * FROM tenant_secret", "SELECT * FROM device_secret", "SELECT * FROM account_digest",
                "SELECT * FROM subscriber", "SELECT * FROM outbox", "DELETE FROM fetch_journal", "TRUNCATE TABLE fetch_journal",
                "ALTER TABLE fetch_journal DROP PARTITION pmax", "SELECT revision FROM device_revision", "DELETE FROM device_pack", "TRUNCATE TABLE device_pack"],
    "registrar": ["SELECT * FROM account_digest", "SELECT * FROM account", "SELECT * FROM account_secret", "SELECT * FROM tenant_secret", "SELECT * FROM device_secret",
                  "SELECT * FROM tenant", "SELECT * FROM outbox_state", "SELECT * FROM device", "UPDATE subscriber SET ha1 = 'x'", "DELETE FROM subscriber",
                  "SELECT * FROM device_pack", "SELECT mac('0C:38:3E:00:00:03')", "SELECT * FROM schema_migration"],
    "courier": ["SELECT * FROM device", "UPDATE account SET enabled = 0", "SELECT * FROM subscriber", "UPDATE tenant_setting SET value = 'x'", "TRUNCATE TABLE outbox", "SELECT pack FROM device_pack", "DELETE FROM account_secret", "INSERT INTO device_setting (mac, name) VALUES ('a', 'b')"],
    "dba": ["SELECT * FROM account_digest", "SELECT * FROM subscriber", "SELECT * FROM subscriber_previous", "SELECT * FROM ps_auths", "SELECT * FROM outbox", "DELETE FROM outbox",
            "CALL outbox_add('seal', 'device_secret', 'a', 'b', '')", "SELECT sealed FROM tenant_secret", "SELECT plain FROM device_secret",
            "UPDATE account_secret SET comment = plain", "TRUNCATE TABLE device_setting", "TRUNCATE TABLE fetch_journal", "DROP TABLE device_setting", "UPDATE device_revision SET revision = 'x'",
            "SELECT * FROM device_revision", "DELETE FROM account_route", "SELECT * FROM account_route", "INSERT INTO setting (name) VALUES ('x')", "UPDATE model SET line_count = 99",
            "DELETE FROM vendor_setting", "SELECT plain FROM account_secret", "SELECT sealed FROM account_secret", "SELECT * FROM device_secret",
            "DELETE FROM fetch_journal", "ALTER TABLE device ADD x INT", "DROP TRIGGER device_bi", "CREATE TABLE x (a INT)", "CALL device_changed('805ec0000001')",
            "SELECT * FROM device_pack", PACK, "DELETE FROM device_pack", "SELECT do_delete_device('805ec0000001')", "UPDATE schema_migration SET version = 9"],
    "reader": ["SELECT * FROM account_digest", "SELECT * FROM subscriber", "SELECT * FROM ps_auths", "SELECT * FROM outbox", "SELECT * FROM tenant_secret", "SELECT * FROM device_secret",
               "SELECT * FROM device", "SELECT * FROM account_secret", "SELECT * FROM provider_setting", "UPDATE device_overview SET comment = 'x'",
               "SELECT * FROM device_pack", "SELECT * FROM device_inputs", "SELECT * FROM effective_parameter", "TRUNCATE TABLE device", "SELECT * FROM fetch_journal"],
}

# rotation
MAY["courier"] += ["UPDATE device SET generation = DEFAULT WHERE mac = '805ec0000001'", "SELECT * FROM rotation_state"]
MAY["dba"] += ["INSERT INTO rotation (tenant_id, what) VALUES ('acme', 'http')", "UPDATE rotation SET state = 'cancelled'", "DELETE FROM rotation"]
MAY["reader"] += ["SELECT * FROM rotation_state", "SELECT * FROM rotation_straggler"]
MAY_NOT["courier"] += ["INSERT INTO account_secret (account_id) VALUES ('x')", "UPDATE device SET enabled = 0", "INSERT INTO rotation (what) VALUES ('web')",
                       "DELETE FROM rotation_device"]
MAY_NOT["dba"] += ["UPDATE rotation SET finished_at = NULL", "UPDATE rotation_device SET state = 'finished'", "DELETE FROM rotation_account"]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_rights(database, account):
    connection = database.connect(account, autocommit=False)
    for statement in MAY[account]:
        run(connection, statement)
        connection.rollback()
    for statement in MAY_NOT[account]:
        with pytest.raises(pymysql.err.MySQLError) as refused:
            run(connection, statement)
            pytest.fail(account + " may " + statement)
        assert refused.value.args[0] in (1142, 1143, 1370, 1227, 1044), (statement, refused.value.args)
        connection.rollback()


def test_owner_cannot_log_in(database):
    with pytest.raises(pymysql.err.MySQLError):
        pymysql.connect(unix_socket=database.server.socket, user="dialtone_owner", database=database.name)


# ---------------------------------------------------------------- dump and restore

def dump(database):
    return database.server.client("", database.name, program="mariadb-dump", arguments=("--single-transaction", "--routines", "--triggers", "--hex-blob"))


def test_complete_is_first_in_a_dump_and_whole_at_its_end(server):
    source = server.create("source", rows=TENANTS)
    text = dump(source)
    made = [(match.start(), match.group(1)) for match in re.finditer(r"(?m)^(?:/\*!50001 )?CREATE (?:TABLE|VIEW) (?:IF NOT EXISTS )?`(\w+)`", text)]
    assert made[0][1] == "_complete", made[:3]
    final = re.search(r"VIEW `_complete` AS select 2 AS `complete`", text, re.I)
    assert final and final.start() > max(place for place, _ in made)
    source.drop()


def test_restore_is_seen(server):
    """Statement by statement: from the first to the last of a restore nobody reads 2; afterwards everything is as it was."""
    source = server.create("source", rows=TENANTS)
    connection = source.connect()
    before = rows(connection, "SELECT mac, revision FROM device_revision ORDER BY mac"), rows(connection, "SELECT * FROM account_secret")
    reader = source.connect("worker")
    text = dump(source)
    seen, stop = [], threading.Event()

    def watch():
        while not stop.is_set():
            try:
                seen.append(rows(reader, "SELECT c.complete, COUNT(d.mac) FROM _complete c LEFT JOIN device d ON 1 = 1 GROUP BY c.complete"))
            except pymysql.err.MySQLError as error:
                seen.append(error.args[0])

    assert one(reader, "SELECT complete FROM _complete") == 2
    thread = threading.Thread(target=watch)
    thread.start()
    source.client(text)
    stop.set()
    thread.join()
    assert one(reader, "SELECT complete FROM _complete") == 2
    answers = [answer for answer in seen if isinstance(answer, list)]
    assert answers and all(answer in ([], [(2, 4)]) or answer[0][0] != 2 for answer in answers), answers
    assert any(not isinstance(answer, list) or answer == [] or answer[0][0] != 2 for answer in seen), "the watcher saw nothing of the restore"
    connection = source.connect()
    assert before == (rows(connection, "SELECT mac, revision FROM device_revision ORDER BY mac"), rows(connection, "SELECT * FROM account_secret"))
    run(connection, "UPDATE device SET enabled = 0 WHERE mac = '805ec0000001'")
    assert dict(rows(connection, "SELECT mac, revision FROM device_revision"))["805ec0000001"] != dict(before[0])["805ec0000001"]
    source.drop()


def test_restore_step_by_step(server):
    """The same, deterministic: the dump is cut after each of its statements."""
    source = server.create("source", rows=TENANTS)
    lines = dump(source).splitlines(True)
    target = server.create("target", rows=TENANTS)
    watch = target.connect()
    begin = next(i for i, line in enumerate(lines) if "_complete" in line and "DROP" in line.upper())
    end = max(i for i, line in enumerate(lines) if "VIEW `_complete`" in line)
    for cut in (begin + 3, begin + (end - begin) // 4, (begin + end) // 2, end - 40):
        text = "".join(lines[:cut])
        text = text[:text.rfind(";\n") + 2]
        if text.count("DELIMITER ;;") > text.count("DELIMITER ;\n"):
            text = text[:text.rfind("DELIMITER ;;")]
        target.client(text)
        try:
            assert all(complete != 2 for (complete,) in rows(watch, "SELECT complete FROM _complete"))
        except pymysql.err.MySQLError as error:
            assert error.args[0] in (1146, 1356), error
    target.client("".join(lines))
    assert one(watch, "SELECT complete FROM _complete") == 2
    source.drop()
    target.drop()
