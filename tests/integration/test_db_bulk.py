"""Many rows by LOAD DATA, as a provider who moves in brings them; and that views stay cheap for one phone among many.

DIALTONE_FULL=1 takes 100,000 devices; the usual run 5,000."""

import pytest

from mariadb import MariaDB, TENANTS, full, one, rows, run

COUNT = 100000 if full() else 5000


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    directory = tmp_path_factory.mktemp("rows")
    with MariaDB() as server:
        made = server.create(rows=TENANTS)
        write = {
            "device": lambda n: ("80:5E:C1:%02X:%02X:%02X" % (n >> 16, n >> 8 & 255, n & 255), "acme", "hq" if n % 2 else "", "desk", "yealink-t54w"),
            "account": lambda n: ("acme", "u%06d" % n, "u%06d" % n, "J\u00f6rg %d" % n),
            "account_secret": lambda n: ("acme", "u%06d" % n, "sip.password", "Secret-%08x" % (n * 2654435761 % 2**32)),
            "line": lambda n: ("805ec1%06x" % n, "1", "u%06d" % n),
            "device_setting": lambda n: ("805EC1%06X" % n, "language", "de" if n % 2 else "\\N"),
        }
        columns = {"device": "mac, tenant_id, site_id, profile_id, model_id", "account": "tenant_id, account_id, sip_user, display_name",
                   "account_secret": "tenant_id, account_id, name, plain", "line": "mac, position, account_id", "device_setting": "mac, name, value"}
        connection = made.connect("dba", local_infile=True)
        made.loaded = {}
        for table, row in write.items():
            path = directory / table
            path.write_text("".join(",".join(row(n)) + "\n" for n in range(COUNT)), encoding="utf-8")
            made.loaded[table] = run(connection, "LOAD DATA LOCAL INFILE '%s' INTO TABLE %s CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' (%s)" % (
                path, table, columns[table]))
        yield made


def test_all_is_there(database):
    connection = database.connect()
    assert set(database.loaded.values()) == {COUNT}
    assert one(connection, "SELECT COUNT(*) FROM device WHERE mac LIKE '805ec1%%' AND LENGTH(generation) = 10") == COUNT
    assert one(connection, "SELECT COUNT(DISTINCT generation) FROM device") > COUNT - 10
    assert one(connection, "SELECT COUNT(*) FROM device WHERE site_id IS NULL AND mac LIKE '805ec1%%'") == COUNT // 2
    assert one(connection, "SELECT COUNT(*) FROM device_revision") == COUNT + 4
    assert one(connection, "SELECT COUNT(DISTINCT revision) FROM device_revision") == COUNT + 4
    assert one(connection, "SELECT COUNT(*) FROM line WHERE tenant_id = 'acme' AND mac LIKE '805ec1%%'") == COUNT
    assert one(connection, "SELECT COUNT(*) FROM device_setting WHERE value IS NULL") == COUNT // 2


def read(connection, sql, *arguments):
    """How many rows the server touched for a SELECT."""
    run(connection, "FLUSH STATUS")
    found = rows(connection, sql, *arguments)
    assert found, sql
    return sum(int(value) for name, value in rows(connection, "SHOW SESSION STATUS LIKE 'Handler_read%%'"))


LITERAL, CALLED = "mac = '805ec1000100'", "mac = mac('80:5E:C1:00:01:00')"


@pytest.mark.parametrize("view,where", [
    ("effective_setting", LITERAL), ("effective_setting", CALLED), ("device_overview", LITERAL), ("device_overview", CALLED),
    ("device_inputs", LITERAL), ("device_inputs", CALLED), ("device_lag", LITERAL), ("device_lag", CALLED),
    ("effective_parameter", LITERAL)])
def test_one_phone_is_cheap(database, view, where):
    connection = database.connect()
    if view == "effective_parameter":
        run(connection, "REPLACE INTO provider_setting (vendor, name, value) VALUES ('yealink', 'a.b', '1')")
    assert read(connection, "SELECT * FROM %s WHERE %s" % (view, where)) < 1000


def test_update_of_many(database):
    connection = database.connect("dba", autocommit=False)
    assert run(connection, "UPDATE device_setting s JOIN device d ON d.mac = s.mac SET s.value = 'fr' WHERE d.site_id = 'hq'") == COUNT // 2
    assert run(connection, "DELETE s FROM device_setting s JOIN device d ON d.mac = s.mac WHERE d.tenant_id = 'acme'") == COUNT
    connection.rollback()
