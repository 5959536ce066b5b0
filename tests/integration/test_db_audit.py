"""Who changed what: the trail is exact for each table and each form of statement, holds no secret, and is out of reach of those whom it watches."""

import base64
import re

import pymysql
import pytest

from mariadb import ACCOUNTS, GRANTS, MariaDB, TENANTS, one, rows, run

# Values that must be in no row of audit, in no form.
CANARY = "canary-%s-7Kq2"
SEALED = b"\x01canary-sealed-9Wz4"


class Case:
    """One table: what to insert, what the trail says of it, one change of a column."""

    def __init__(self, columns, values, keys, texts, change, tenant="acme", macs=(None, None)):
        self.columns, self.values, self.keys, self.texts = columns, values, keys, texts
        self.assignment, self.was, self.became = change
        self.tenants = tenant if isinstance(tenant, tuple) else (tenant, tenant)
        self.macs = macs


ONE, TWO = "805ec0000001", "0c383e000003"
NAME = ("comment = 'it''s Zoë'", "comment=NULL", "comment='it\\'s Zoë'")
VALUE = ("value = 'fr'", "value='de'", "value='fr'")
SECRET = ("plain = '%s'" % CANARY % "changed", "secret=(secret), form='plain'", "secret=(secret), form='plain'")
PLAIN = "secret=(secret), form='plain'"
KEY = ("value = '202'", "value='201'", "value='202'")
POLICY = ("network = 1", "network=0", "network=1")

CASES = {
    "tenant": Case("tenant_id, name", [("t1", "One"), ("t2", "Two")], ("t1", "t2"), ("name='One', enabled=1, plain_http=0", "name='Two', enabled=1, plain_http=0"),
                   ("plain_http = 1", "plain_http=0", "plain_http=1"), tenant=("t1", "t2")),
    "site": Case("tenant_id, site_id, name", [("acme", "s1", "One"), ("acme", "s2", "")], ("acme/s1", "acme/s2"), ("name='One'", "name=''"), NAME),
    "profile": Case("tenant_id, profile_id", [("acme", "p1"), ("acme", "p2")], ("acme/p1", "acme/p2"), ("name=''", "name=''"), NAME),
    "device": Case("mac, tenant_id, model_id", [("80:5E:C0:00:00:A1", "acme", "yealink-t54w"), ("805ec00000a2", "umbra", "yealink-t31g")], ("805ec00000a1", "805ec00000a2"),
                   ("tenant_id='acme', model_id='yealink-t54w', enabled=1, generation=G", "tenant_id='umbra', model_id='yealink-t31g', enabled=1, generation=G"),
                   ("enabled = 0", "enabled=1", "enabled=0"), tenant=("acme", "umbra"), macs=("805ec00000a1", "805ec00000a2")),
    "account": Case("tenant_id, account_id, sip_user", [("acme", "a1", "u1"), ("acme", "a2", "u2")], ("acme/a1", "acme/a2"), ("sip_user='u1', enabled=1", "sip_user='u2', enabled=1"),
                    ("display_name = 'Zoë '", "display_name=NULL", "display_name='Zoë '")),
    "line": Case("mac, position, account_id", [(ONE, 5, "202"), (TWO, 6, "203")], (ONE + "/5", TWO + "/6"), ("account_id='202', enabled=1", "account_id='203', enabled=1"),
                 ("label = 'L', enabled = 0", "label=NULL, enabled=1", "label='L', enabled=0"), macs=(ONE, TWO)),
    "line_key": Case("mac, slot, type, line, value", [(ONE, 7, "blf", 1, "201"), (TWO, 8, "speeddial", None, "201")], (ONE + "/0/7", TWO + "/0/8"),
                     ("type='blf', line=1, value='201'", "type='speeddial', value='201'"), KEY, macs=(ONE, TWO)),
    "profile_key": Case("tenant_id, profile_id, slot, type, value", [("acme", "desk", 7, "blf", "201"), ("acme", "desk", 8, "dtmf", "201")], ("acme/desk/0/7", "acme/desk/0/8"),
                        ("type='blf', value='201'", "type='dtmf', value='201'"), KEY),
    "provider_setting": Case("vendor, name, value", [("", "language", "de"), ("yealink", "lang.gui", "de")], ("language", "yealink/lang.gui"), ("value='de'", "value='de'"), VALUE, tenant=None),
    "tenant_setting": Case("tenant_id, name, value", [("acme", "language", "de"), ("umbra", "language", "de")], ("acme/language", "umbra/language"), ("value='de'", "value='de'"), VALUE,
                           tenant=("acme", "umbra")),
    "site_setting": Case("tenant_id, site_id, name, value", [("acme", "hq", "language", "de"), ("acme", "lab", "language", "de")], ("acme/hq/language", "acme/lab/language"),
                         ("value='de'", "value='de'"), VALUE),
    "profile_setting": Case("tenant_id, profile_id, vendor, name, value", [("acme", "desk", "", "language", "de"), ("acme", "desk", "yealink", "linekey.1.label", "de")],
                            ("acme/desk/language", "acme/desk/yealink/linekey.1.label"), ("value='de'", "value='de'"), VALUE),
    "device_setting": Case("mac, name, value", [(ONE, "language", "de"), ("805ec0000004", "language", "de")], (ONE + "/language", "805ec0000004/language"), ("value='de'", "value='de'"),
                           VALUE, tenant=("acme", "umbra"), macs=(ONE, "805ec0000004")),
    "account_setting": Case("tenant_id, account_id, name, value", [("acme", "201", "sip.port", "5080"), ("acme", "202", "sip.port", "5080")], ("acme/201/sip.port", "acme/202/sip.port"),
                            ("value='5080'", "value='5080'"), ("value = NULL", "value='5080'", "value=NULL")),
    "line_setting": Case("mac, position, name, value", [(ONE, 1, "sip.port", "5080"), (TWO, 1, "sip.port", "5080")], (ONE + "/1/sip.port", TWO + "/1/sip.port"),
                         ("value='5080'", "value='5080'"), ("value = '5090'", "value='5080'", "value='5090'"), macs=(ONE, TWO)),
    "tenant_policy": Case("tenant_id, policy, certificate", [("acme", "x", 1), ("acme", "y", 1)], ("acme/x", "acme/y"), ("token=0, password=0, certificate=1, network=0",) * 2, POLICY),
    "device_policy": Case("mac, policy, token", [(ONE, "x", 1), (TWO, "y", 1)], (ONE + "/x", TWO + "/y"), ("token=1, password=0, certificate=0, network=0",) * 2, POLICY, macs=(ONE, TWO)),
    "tenant_network": Case("tenant_id, network", [("acme", "192.0.2.0/24"), ("acme", "2001:db8::/32")], ("acme/192.0.2.0/24", "acme/2001:db8::/32"), ("", ""), NAME),
    "enrolment": Case("mac, networks, valid_until", [(ONE, "192.0.2.0/24", "2037-01-02 03:04:05"), (TWO, "0.0.0.0/0 ::/0", "2037-01-02 03:04:05")], (ONE, TWO),
                      ("networks='192.0.2.0/24', valid_until='2037-01-02 03:04:05', uses=3, opened_at=T", "networks='0.0.0.0/0 ::/0', valid_until='2037-01-02 03:04:05', uses=3, opened_at=T"),
                      NAME, macs=(ONE, TWO)),
    "certificate_denied": Case("sha256", [("ab" * 32,), ("CD" * 32,)], ("ab" * 32, "cd" * 32), ("", ""), NAME, tenant=None),
    "tenant_secret": Case("tenant_id, name, plain", [("acme", "phone.admin_password", CANARY % "a"), ("umbra", "phone.admin_password", CANARY % "b")],
                          ("acme/phone.admin_password", "umbra/phone.admin_password"), (PLAIN, PLAIN), SECRET, tenant=("acme", "umbra")),
    "device_secret": Case("mac, name, plain", [(ONE, "phone.admin_password", CANARY % "a"), (TWO, "phone.admin_password", CANARY % "b")],
                          (ONE + "/phone.admin_password", TWO + "/phone.admin_password"), (PLAIN, PLAIN), SECRET, macs=(ONE, TWO)),
    "account_secret": Case("tenant_id, account_id, name, plain", [("acme", "s1", "sip.password", CANARY % "a"), ("acme", "s2", "sip.password", CANARY % "b")],
                           ("acme/s1/sip.password", "acme/s2/sip.password"), (PLAIN, PLAIN), SECRET),
    "device_password": Case("mac, user, plain", [(ONE, "", CANARY % "a"), (TWO, "old", CANARY % "b")], (ONE, TWO), ("user='', " + PLAIN, "user='old', " + PLAIN), SECRET, macs=(ONE, TWO)),
}


@pytest.fixture(scope="module")
def server():
    with MariaDB() as running:
        yield running


@pytest.fixture(scope="module")
def database(server):
    return server.create(rows=TENANTS + "INSERT INTO account (tenant_id, account_id, sip_user) VALUES ('acme', 's1', 's1'), ('acme', 's2', 's2');")


@pytest.fixture(autouse=True)
def closed(database):
    yield
    database.close()


def plain(text):
    """Without what is random: generations and times that triggers set."""
    if text is None:
        return None
    text = re.sub(r"generation='[0-9a-f]{10}'", "generation=G", text)
    return re.sub(r"(opened_at|closed_at)='[-0-9:. ]+'", r"\1=T", text)


class Trail:
    """What was written since the last look, in the order of writing."""

    def __init__(self, database):
        self.connection = database.connect()
        self.mark = one(self.connection, "SELECT COALESCE(MAX(id), 0) FROM audit")

    def all(self):
        found = rows(self.connection, "SELECT id, account, host, connection, action, table_name, row_key, tenant_id, mac, old_value, new_value FROM audit_trail WHERE id > %s ORDER BY id",
                     self.mark)
        if found:
            self.mark = found[-1][0]
        return [row[1:] for row in found]

    def short(self):
        """(action, table, key, tenant, mac, old, new)"""
        return [row[3:8] + (plain(row[8]), plain(row[9])) for row in self.all()]


def literal(value):
    return "NULL" if value is None else "'%s'" % value


def insert(table, case, which, verb="INSERT"):
    return "%s INTO %s (%s) VALUES %s" % (verb, table, case.columns, ", ".join("(%s)" % ", ".join(literal(value) for value in case.values[i]) for i in which))


def where(case, which):
    """The key columns of a row: those of the insert that are no data."""
    data = ("name", "value", "plain", "type", "model_id", "sip_user", "networks", "valid_until", "certificate", "token", "line", "user")
    columns = [column.strip() for column in case.columns.split(",")]
    if columns[-1] in ("value", "plain"):
        data = tuple(name for name in data if name != "name")
    if "mac" in columns and "model_id" in columns or "position" in columns and "account_id" in columns:
        data += ("tenant_id", "account_id") if "mac" in columns else ()
    pairs = ["%s = mac('%s')" % (c, v) if c == "mac" else "%s = '%s'" % (c, v.lower() if c == "sha256" else v) for c, v in zip(columns, case.values[which]) if c not in data]
    return " AND ".join("x." + pair for pair in pairs)


def expected(table, case, which, action, old, new):
    return (action, table, case.keys[which], case.tenants[which], case.macs[which], old, new)


def inserted(table, case, which):
    return expected(table, case, which, "insert", None, case.texts[which])


def updated(table, case, which):
    return expected(table, case, which, "update", case.was, case.became)


def test_every_table_of_the_configuration_is_watched(database):
    """A table with changed_at is the DBAs'; the command knows the same names."""
    connection = database.connect()
    theirs = {name for (name,) in rows(connection, "SELECT c.TABLE_NAME FROM information_schema.COLUMNS c JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)"
                                                   " WHERE c.TABLE_SCHEMA = DATABASE() AND c.COLUMN_NAME = 'changed_at' AND t.TABLE_TYPE = 'BASE TABLE'")}
    assert theirs == set(CASES)
    for table in theirs:
        assert rows(connection, "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = %s AND TRIGGER_NAME LIKE 'audit%%'"
                                " ORDER BY 1", table) == [("audit_%s_%s" % (table, event),) for event in "diu"], table


@pytest.mark.parametrize("table", CASES)
def test_each_form_of_statement(database, tmp_path, table):
    case, trail, dba = CASES[table], Trail(database), database.connect("dba", local_infile=True)
    run(dba, "SET time_zone = '+00:00'")
    both = (0, 1)
    deleted = [expected(table, case, which, "delete", case.texts[which], None) for which in both]

    run(dba, insert(table, case, both))
    assert trail.short() == [inserted(table, case, which) for which in both]

    change = "UPDATE %s x SET %s WHERE %s"
    assert run(dba, change % (table, case.assignment, where(case, 0))) == 1
    full = trail.all()
    assert [row[3:8] + (plain(row[8]), plain(row[9])) for row in full] == [updated(table, case, 0)]
    assert full[0][:3] == ("dialtone_dba", "localhost", dba.thread_id())
    run(dba, change % (table, case.assignment, where(case, 0)))
    assert trail.short() == [], "an UPDATE that changes nothing"
    run(dba, "UPDATE %s x SET created_at = created_at - INTERVAL 1 DAY, changed_at = NOW() - INTERVAL 1 HOUR WHERE %s" % (table, where(case, 0)))
    assert trail.short() == [], "times of rows"

    # these forms want to read what they set, so secrets are closed to DBAs that way
    reader_of_all = database.connect() if "plain" in case.columns else dba
    run(reader_of_all, "UPDATE %s x JOIN (SELECT 1 AS n) y SET %s WHERE %s" % (table, case.assignment, where(case, 1)))
    assert trail.short() == [updated(table, case, 1)]

    run(dba, "DELETE x FROM %s x WHERE (%s) OR (%s)" % (table, where(case, 0), where(case, 1)))
    assert sorted(row[:3] for row in trail.short()) == sorted(row[:3] for row in deleted)

    run(dba, insert(table, case, (0,)))
    trail.all()
    run(reader_of_all, insert(table, case, (0,)) + " ON DUPLICATE KEY UPDATE " + case.assignment)
    assert trail.short() == [updated(table, case, 0)]
    run(dba, insert(table, case, (0, 1), "INSERT IGNORE"))
    assert trail.short() == [inserted(table, case, 1)]

    run(dba, insert(table, case, (1,), "REPLACE"))
    assert trail.short() == [deleted[1], inserted(table, case, 1)]

    run(dba, "DELETE x FROM %s x WHERE %s" % (table, where(case, 1)))
    assert trail.short() == [deleted[1]]
    run(dba, "DELETE x FROM %s x WHERE %s" % (table, where(case, 0)))
    trail.all()

    path = tmp_path / "rows"
    path.write_text("".join("\t".join("\\N" if value is None else str(value) for value in row) + "\n" for row in case.values), encoding="utf-8")
    run(dba, "LOAD DATA LOCAL INFILE '%s' INTO TABLE %s CHARACTER SET utf8mb4 (%s)" % (path, table, case.columns))
    assert trail.short() == [inserted(table, case, which) for which in both]
    for which in both:
        run(dba, "DELETE x FROM %s x WHERE %s" % (table, where(case, which)))
    assert trail.short() == deleted


@pytest.mark.parametrize("table", CASES)
def test_rolled_back_is_not_there(database, table):
    case, trail, dba = CASES[table], Trail(database), database.connect("dba", autocommit=False)
    run(dba, insert(table, case, (0, 1)))
    run(dba, "UPDATE %s x SET %s WHERE %s" % (table, case.assignment, where(case, 0)))
    run(dba, "DELETE x FROM %s x WHERE %s" % (table, where(case, 0)))
    dba.rollback()
    assert trail.short() == []
    with pytest.raises(pymysql.err.MySQLError):
        run(dba, insert(table, case, (0, 1, 0)))  # refused in its third row
    dba.commit()
    assert trail.short() == []


# ---------------------------------------------------------------- procedures

def test_add_phone(database):
    trail, dba = Trail(database), database.connect("dba", autocommit=False)
    run(dba, "CALL add_phone('0C:38:3E:00:00:B1', 'acme', 'hq', NULL, 'fanvil-x4u', 'b1', 'ub1', '%s', 'Ann')" % CANARY % "added")
    dba.commit()
    mac = "0c383e0000b1"
    assert trail.short() == [
        ("insert", "device", mac, "acme", mac, None, "tenant_id='acme', site_id='hq', model_id='fanvil-x4u', enabled=1, generation=G"),
        ("insert", "account", "acme/b1", "acme", None, None, "sip_user='ub1', display_name='Ann', enabled=1"),
        ("insert", "account_secret", "acme/b1/sip.password", "acme", None, None, PLAIN),
        ("insert", "line", mac + "/1", "acme", mac, None, "account_id='b1', enabled=1")]
    assert {row[0] for row in rows(dba, "SELECT account FROM audit_trail WHERE mac = %s", mac)} == {"dialtone_dba"}


def test_swap_phone(database):
    """What changes its key is told under both."""
    trail, dba = Trail(database), database.connect("dba")
    old, new = "805ec0000002", "805ec00000b2"
    run(dba, "INSERT INTO device_setting (mac, name, value) VALUES (%s, 'language', 'de')", old)
    run(dba, "INSERT INTO device_secret (mac, name, plain) VALUES (%s, 'phone.admin_password', %s)", old, CANARY % "swapped")
    run(dba, "INSERT INTO line_key (mac, slot, type) VALUES (%s, 1, 'line')", old)
    run(dba, "INSERT INTO line_setting (mac, position, name, value) VALUES (%s, 1, 'sip.port', '5080')", old)
    trail.all()
    run(dba, "CALL swap_phone(%s, %s, NULL)", old, new)
    text = "tenant_id='acme', site_id='hq', profile_id='desk', model_id='yealink-t31g', enabled=1, generation=G"
    was, became = "mac='%s'" % old, "mac='%s'" % new
    moved = [("update", table, mac + key, "acme", mac, was, became)
             for table, key in (("line_setting", "/1/sip.port"), ("line_key", "/0/1"), ("device_setting", "/language"), ("device_secret", "/phone.admin_password")) for mac in (old, new)]
    assert trail.short() == [("insert", "device", new, "acme", new, None, text), ("insert", "line", new + "/1", "acme", new, None, "account_id='202', enabled=1")] + moved + [
        ("delete", "line", old + "/1", "acme", old, "account_id='202', enabled=1", None), ("delete", "device", old, "acme", old, text, None)]


def test_move_device(database):
    """Both tenants see it."""
    trail, dba = Trail(database), database.connect("dba")
    run(dba, "CALL move_device('0c383e000003', 'umbra', 'hq2', 'desk2')")
    changes = "tenant_id='%s', site_id='%s', profile_id=%s, generation=G"
    was, became = changes % ("acme", "lab", "NULL"), changes % ("umbra", "hq2", "'desk2'")
    assert trail.short() == [("delete", "line", TWO + "/1", "acme", TWO, "account_id='203', enabled=1", None),
                             ("update", "device", TWO, "acme", TWO, was, became), ("update", "device", TWO, "umbra", TWO, was, became)]
    run(dba, "CALL move_device('0c383e000003', 'acme', 'lab', NULL)")
    run(dba, "INSERT INTO line (mac, position, account_id) VALUES ('0c383e000003', 1, '203')")


def test_rotation_of_a_token_is_shown(database):
    trail, dba = Trail(database), database.connect("dba")
    before = one(dba, "SELECT generation FROM device WHERE mac = %s", ONE)
    run(dba, "SET time_zone = '+05:00'")
    run(dba, "UPDATE device SET generation = DEFAULT, previous_until = '2037-01-02 08:04:05' WHERE mac = %s", ONE)
    (row,) = trail.all()
    assert row[8] == "generation='%s', previous_generation=NULL, previous_until=NULL" % before
    assert row[9] == "generation='%s', previous_generation='%s', previous_until='2037-01-02 03:04:05'" % (one(dba, "SELECT generation FROM device WHERE mac = %s", ONE), before)


# ---------------------------------------------------------------- secrets

def test_sealing_is_one_row_that_says_so(database):
    trail, dba, courier, root = Trail(database), database.connect("dba"), database.connect("courier"), database.connect()
    run(dba, "INSERT INTO device_secret (mac, name, plain, comment) VALUES (%s, 'phone.admin_password', %s, 'why')", ONE, CANARY % "sealing")
    key = ONE + "/phone.admin_password"
    assert trail.short() == [("insert", "device_secret", key, "acme", ONE, None, PLAIN + ", comment='why'")]
    run(courier, "UPDATE device_secret SET plain = NULL, sealed = %s, key_id = 'k1' WHERE mac = %s", SEALED, ONE)
    (row,) = trail.all()
    assert row[0] == "dialtone_courier" and row[3:] == ("update", "device_secret", key, "acme", ONE, "form='plain'", "form='sealed', key_id='k1'")
    run(courier, "UPDATE device_secret SET sealed = %s, key_id = 'k2' WHERE mac = %s", SEALED + b"2", ONE)
    assert [row[5:] for row in trail.short()] == [("form='sealed', key_id='k1'", "form='sealed', key_id='k2'")]
    run(root, "UPDATE device_secret SET sealed = %s, version = '' WHERE mac = %s", SEALED + b"3", ONE)
    assert [row[5:] for row in trail.short()] == [("secret=(secret), form='sealed', key_id='k2'",) * 2]
    run(dba, "UPDATE device_secret SET plain = %s WHERE mac = %s", CANARY % "again", ONE)
    assert [row[5:] for row in trail.short()] == [("secret=(secret), form='sealed', key_id='k2'", PLAIN)]
    run(dba, "UPDATE device_secret SET plain = %s WHERE mac = %s", CANARY % "again", ONE)
    assert trail.short() == []
    run(dba, "DELETE FROM device_secret WHERE mac = %s", ONE)
    assert [row[5:] for row in trail.short()] == [(PLAIN + ", comment='why'", None)]


MASKED = ["account.1.password", "static.security.user_password", "network.802_1x.md5_password", "phone_setting.phone_lock.unlock_pin", "auto_provision.aes_key_16.mac", "SIP/line/RegisterPswd",
          "sip.u1.pwd", "network.snmp.community", "wifi.1.PSK", "remote.TOKEN", "user_hash1", "ha1_1", "P34", "p2", "cred.x", "linekey.1.password", "http_pass"]
SHOWN = ["linekey.1.value", "dsskey/Fkey1/Value", "lang.gui", "programablekey.1.type", "features.pound_key.mode", "memorykey.10.line",
         "phone_setting.backlight_time"]


@pytest.mark.parametrize("name", MASKED)
def test_a_raw_parameter_that_sounds_like_a_password(database, name):
    trail, dba = Trail(database), database.connect("dba", autocommit=False)
    run(dba, "INSERT INTO provider_setting (vendor, name, value, comment) VALUES ('yealink', %s, %s, 'c')", name, CANARY % "raw")
    run(dba, "UPDATE provider_setting SET value = %s WHERE vendor = 'yealink' AND name = %s", CANARY % "other", name)
    run(dba, "UPDATE provider_setting SET value = NULL WHERE vendor = 'yealink' AND name = %s", name)
    run(dba, "DELETE FROM provider_setting WHERE vendor = 'yealink' AND name = %s", name)
    dba.commit()
    assert [row[5:] for row in trail.short()] == [(None, "value=(secret), comment='c'"), ("value=(secret)", "value=(secret)"), ("value=(secret)", "value=NULL"), ("value=NULL, comment='c'", None)]


@pytest.mark.parametrize("name", SHOWN)
def test_a_raw_parameter_that_does_not(database, name):
    trail, dba = Trail(database), database.connect("dba")
    run(dba, "INSERT INTO provider_setting (vendor, name, value) VALUES ('yealink', %s, 'seen')", name)
    run(dba, "DELETE FROM provider_setting WHERE vendor = 'yealink' AND name = %s", name)
    assert [row[5:] for row in trail.short()] == [(None, "value='seen'"), ("value='seen'", None)]


def test_passwords_in_urls(database):
    trail, dba = Trail(database), database.connect("dba")
    address = "INSERT INTO tenant_setting (tenant_id, name, value) VALUES ('acme', 'phonebook.url', %s) ON DUPLICATE KEY UPDATE value = VALUES(value)"
    run(dba, address, "https://user:%s@pbx.example/book?x=1" % CANARY % "url")
    run(dba, address, "https://pbx.example/book?x=1&Token=%s&y=2" % CANARY % "query")
    run(dba, address, "https://pbx.example/book?x=1")
    run(dba, "DELETE FROM tenant_setting WHERE tenant_id = 'acme' AND name = 'phonebook.url'")
    first, second, third = "value='https://(secret)@pbx.example/book?x=1'", "value='https://pbx.example/book?x=1?(secret)&y=2'", "value='https://pbx.example/book?x=1'"
    assert [row[5:] for row in trail.short()] == [(None, first), (first, second), (second, third), (third, None)]


def test_no_secret_in_any_form(database):
    """After all the above: the whole table, as a dump shows it, in text and in hex."""
    root = database.connect()
    for table, case in CASES.items():
        if "plain" in case.columns:
            run(root, insert(table, case, (0, 1), "REPLACE"))
            run(root, "UPDATE %s SET plain = NULL, sealed = %%s, key_id = 'k9'" % table, SEALED)
            run(root, "DELETE FROM %s" % table)
    for arguments in ((), ("--hex-blob",)):
        text = database.server.client("", None, program="mariadb-dump", arguments=arguments + ("--skip-triggers", database.name, "audit"))
        assert text.count("(secret)") > 100
        for secret in ("canary", "7Kq2", "9Wz4", SEALED.hex(), SEALED.hex().upper(), base64.b64encode(SEALED).decode()[2:14], b"canary".hex(), b"canary".hex().upper()):
            assert secret not in text, secret


# ---------------------------------------------------------------- time, account, place

def test_the_clock_is_not_the_session_s(database):
    trail, dba, root = Trail(database), database.connect("dba"), database.connect()
    before = one(root, "SELECT UTC_TIMESTAMP(6)")
    for zone in ("+00:00", "-08:00", "+13:00"):
        run(dba, "SET time_zone = %s", zone)
        run(dba, "SET timestamp = 1000000")
        run(dba, "UPDATE device SET comment = %s WHERE mac = %s", zone, ONE)
    times = [at for (at,) in rows(root, "SELECT at FROM audit WHERE id > %s ORDER BY id", trail.mark)]
    assert len(times) == 3 and before <= times[0] <= times[1] <= times[2] <= one(root, "SELECT UTC_TIMESTAMP(6)")


def test_another_account_and_root(database):
    """A DBA of flesh and blood has an account of their own, with any name."""
    root = database.connect()
    run(root, "CREATE USER 'an@n'@'%' IDENTIFIED BY 'x'")
    run(root, "GRANT SELECT, UPDATE ON device TO 'an@n'@'%'")
    trail = Trail(database)
    ann = pymysql.connect(unix_socket=database.server.socket, user="an@n", password="x", database=database.name, autocommit=True)
    run(ann, "UPDATE device SET comment = 'ann' WHERE mac = %s", ONE)
    ann.close()
    run(root, "UPDATE device SET comment = NULL WHERE mac = %s", ONE)
    assert [row[:2] for row in trail.all()] == [("an@n", "localhost"), ("root", "localhost")]
    run(root, "DROP USER 'an@n'@'%'")


def test_a_device_that_this_transaction_cannot_see_yet(database):
    """Its snapshot is older than the device; the tenant is known all the same."""
    trail, dba, other = Trail(database), database.connect("dba", autocommit=False), database.connect()
    rows(dba, "SELECT COUNT(*) FROM device")
    run(other, "INSERT INTO device (mac, tenant_id, model_id) VALUES ('805ec00000c1', 'umbra', 'yealink-t54w')")
    trail.all()
    run(dba, "INSERT INTO device_setting (mac, name, value) VALUES ('805ec00000c1', 'language', 'de')")
    run(dba, "UPDATE device_setting SET value = 'fr' WHERE mac = '805ec00000c1'")
    run(dba, "DELETE FROM device_setting WHERE mac = '805ec00000c1'")
    dba.commit()
    assert [row[:1] + row[3:5] for row in trail.short()] == [(action, "umbra", "805ec00000c1") for action in ("insert", "update", "delete")]
    run(other, "DELETE FROM device WHERE mac = '805ec00000c1'")


def test_long_comments_and_values_are_whole(database):
    trail, dba = Trail(database), database.connect("dba")
    comment = "'\\" * 16000
    run(dba, "INSERT INTO device_setting (mac, vendor, name, value, comment) VALUES (%s, 'yealink', 'a.b', %s, %s)", ONE, "ü" * 2000, comment)
    run(dba, "DELETE FROM device_setting WHERE mac = %s AND vendor = 'yealink'", ONE)
    texts = [row[5:] for row in trail.short()]
    assert texts[0][1] == texts[1][0] == "value='%s', comment='%s'" % ("ü" * 2000, comment.replace("\\", "\\\\").replace("'", "\\'"))


def test_an_old_value_takes_the_change_back(database):
    trail, dba = Trail(database), database.connect("dba")
    before = rows(dba, "SELECT sip_user, auth_user, display_name, enabled, comment FROM account WHERE tenant_id = 'acme' AND account_id = '201'")
    run(dba, "UPDATE account SET display_name = 'O''Neil \\\\ Zoë', auth_user = 'x', enabled = 0, comment = 'c' WHERE tenant_id = 'acme' AND account_id = '201'")
    run(dba, ("UPDATE account SET %s WHERE tenant_id = 'acme' AND account_id = '201'" % trail.all()[0][8]).replace("%", "%%"))
    assert rows(dba, "SELECT sip_user, auth_user, display_name, enabled, comment FROM account WHERE tenant_id = 'acme' AND account_id = '201'") == before


# ---------------------------------------------------------------- rights, locks, retention

TOUCH = ["INSERT INTO audit (at, id, login, connection, action, table_name, row_key) VALUES (NOW(6), 1, 'x', 1, 'x', 'x', 'x')", "UPDATE audit SET login = 'x'", "DELETE FROM audit",
         "UPDATE audit_trail SET action = 'x'", "DELETE FROM audit_trail", "TRUNCATE TABLE audit", "ALTER TABLE audit DROP PARTITION pmax", "DROP TRIGGER audit_device_u", "DROP TABLE audit",
         "CALL keep_partitions('audit', 1, 1, 1, 1)", "CALL audit_update('device', 'a', 'b', 'k', 't', NULL, 'k', 't', NULL)", "SELECT * FROM audit"]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_rights(database, account):
    connection = database.connect(account)
    for statement in TOUCH + (["CALL audit_partitions(30, 1)"] if account != "journal" else []):
        with pytest.raises(pymysql.err.MySQLError) as refused:
            run(connection, statement)
            pytest.fail("%s may %s" % (account, statement))
        assert refused.value.args[0] in (1142, 1143, 1370, 1227, 1044), (statement, refused.value.args)
    for view, who in (("audit_trail", ("dba", "reader", "journal")), ("credential_fetches", ("dba", "reader"))):
        if account in who:
            rows(connection, "SELECT * FROM %s WHERE mac = '%s'" % (view, ONE))
        else:
            with pytest.raises(pymysql.err.MySQLError):
                rows(connection, "SELECT * FROM " + view)


def test_queries_use_an_index(database):
    connection = database.connect("dba")
    root = database.connect()
    for condition, key in (("tenant_id = 'acme' AND at > '2026-01-01'", "audit_tenant"), ("mac = '805ec0000001'", "audit_mac"), ("mac = mac('80:5E:C0:00:00:01')", "audit_mac")):
        (plan,) = rows(root, "EXPLAIN SELECT * FROM audit_trail WHERE " + condition)
        assert plan[5] == key, plan
        assert rows(connection, "SELECT at FROM audit_trail WHERE " + condition)


def parts(connection):
    return rows(connection, "SELECT PARTITION_NAME, PARTITION_DESCRIPTION FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'audit'"
                            " ORDER BY PARTITION_ORDINAL_POSITION")


def test_retention(server):
    made = server.create("retention", rows=TENANTS)
    journal, root = made.connect("journal"), made.connect()
    assert [name for name, _ in parts(root)] == ["pmax"]
    before = one(root, "SELECT COUNT(*) FROM audit")
    run(journal, "CALL audit_partitions(365, 7)")
    ends = [int(end) for _, end in parts(root)[:-1]]
    ahead = one(root, "SELECT TO_DAYS(UTC_DATE() + INTERVAL 7 DAY)")
    assert ends and ends[-1] > ahead and all(one(root, "SELECT DAYOFMONTH(FROM_DAYS(%s))", end) == 1 for end in ends)
    assert parts(root)[-1] == ("pmax", "MAXVALUE") and one(root, "SELECT COUNT(*) FROM audit") == before
    again = parts(root)
    run(journal, "CALL audit_partitions(365, 7)")
    assert parts(root) == again
    # a row of 400 days ago, in a month of its own
    today = one(root, "SELECT TO_DAYS(UTC_DATE())")
    run(root, "ALTER TABLE audit REORGANIZE PARTITION %s INTO (PARTITION pold VALUES LESS THAN (%d), PARTITION pkept VALUES LESS THAN (%d), PARTITION %s VALUES LESS THAN (%d))" % (
        again[0][0], today - 390, today - 350, again[0][0], int(again[0][1])))
    for days in (400, 360):
        run(root, "INSERT INTO audit (at, id, login, connection, action, table_name, row_key) VALUES (UTC_TIMESTAMP() - INTERVAL %s DAY, 1, 'x@y', 1, 'insert', 'tenant', 'old')", days)
    run(journal, "CALL audit_partitions(365, 7)")
    assert [name for name, _ in parts(root)] == ["pkept"] + [name for name, _ in again]
    assert one(root, "SELECT COUNT(*) FROM audit") == before + 1
    for statement, why in (("CALL audit_partitions(29, 7)", "keep_days: `29` is below 30"), ("CALL audit_partitions(NULL, 7)", "keep_days: NULL is below 1"),
                           ("CALL audit_partitions(30, 0)", "ahead_days: `0` is not between 1 and 366")):
        with pytest.raises(pymysql.err.MySQLError, match=re.escape(why)):
            run(journal, statement)
    assert one(journal, "SELECT @@SESSION.lock_wait_timeout") == one(journal, "SELECT @@GLOBAL.lock_wait_timeout")
    # the calendar is the clock's
    run(journal, "SET timestamp = UNIX_TIMESTAMP() + 100000000")
    run(journal, "CALL audit_partitions(30, 7)")
    run(journal, "SET timestamp = DEFAULT")
    assert one(root, "SELECT COUNT(*) FROM audit WHERE row_key <> 'old'") == before
    made.drop()


def test_retention_waits_for_nobody(server):
    """While a transaction that has changed something is open, the call fails at once, and nobody stands behind it."""
    made = server.create("patience", rows=TENANTS)
    dba, journal, root = made.connect("dba", autocommit=False), made.connect("journal"), made.connect()
    run(dba, "UPDATE device SET comment = 'x' WHERE mac = %s", ONE)
    with pytest.raises(pymysql.err.OperationalError) as refused:
        run(journal, "CALL audit_partitions(365, 7)")
    assert refused.value.args[0] == 1205
    run(journal, "CALL journal_partitions(90, 7)")
    assert [name for name, _ in parts(root)] == ["pmax"]
    dba.commit()
    run(journal, "CALL audit_partitions(365, 7)")
    assert len(parts(root)) > 1
    made.drop()


# ---------------------------------------------------------------- dumps

def test_dump_and_restore(server):
    """The trail comes back as it was, and restoring writes nothing into it."""
    source = server.create("source", rows=TENANTS)
    root = source.connect()
    run(source.connect("journal"), "CALL audit_partitions(365, 7)")
    run(root, "UPDATE device SET comment = 'x'")
    select = "SELECT * FROM audit ORDER BY at, id"
    before = rows(root, select)
    assert len(before) > 20
    text = server.client("", "source", program="mariadb-dump", arguments=("--single-transaction", "--routines", "--triggers", "--hex-blob"))
    server.client("DROP DATABASE IF EXISTS restored; CREATE DATABASE restored CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    server.client("GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE, TRIGGER ON * TO 'dialtone_owner'@'localhost'", "restored")  # as 0001-tables.sql
    for target in ("restored", "source"):  # into an empty database, and over the old one
        server.client(text, target)
        assert [tuple(row) for row in rows(pymysql.connect(unix_socket=server.socket, user="root", database=target), select)] == before, target
    server.client(GRANTS.read_text(encoding="utf-8"), "restored")
    after = pymysql.connect(unix_socket=server.socket, user="root", database="restored", autocommit=True)
    run(after, "CALL audit_partitions(365, 300)")  # grants.sql gives the owner back what it needs for that
    run(after, "CALL journal_partitions(90, 7)")
    run(after, "UPDATE device SET comment = 'y' WHERE mac = %s", ONE)
    assert one(after, "SELECT COUNT(*) FROM audit") == len(before) + 1
    after.close()
    source.drop()
    server.client("DROP DATABASE restored")


# ---------------------------------------------------------------- who fetched credentials

def test_credential_fetches(database):
    journal, reader = database.connect("journal"), database.connect("reader")
    fetch = ("INSERT INTO fetch_journal (at, id, mac, tenant_id, file, method, status, result, identity, address, user_agent) VALUES"
             " ('2026-11-30 12:00:0%s', RANDOM_BYTES(16), %s, %s, %s, %s, %s, %s, 'token', '192.0.2.7', 'Yealink')")
    for n, mac, file, method, status, result in (
            (0, ONE, ONE + ".cfg", "GET", 200, "ok"), (1, ONE, ONE + ".cfg", "GET", 304, "not-modified"), (2, ONE, "Y000000000096.cfg", "GET", 304, "not-modified"),
            (3, ONE, "y000000000096.cfg", "GET", 200, "common"), (4, ONE, ONE + ".cfg", "HEAD", 200, "ok"), (5, ONE, ONE + ".cfg", "GET", 401, "challenge"),
            (6, None, "y000000000096.cfg", "GET", 200, "common"), (7, ONE, ONE.upper() + ".CFG", "GET", 304, "not-modified")):
        run(journal, fetch, n, mac, "umbra", file, method, status, result)
    run(journal, "INSERT INTO device_state (mac, file, last_at, delivered_at) VALUES (%s, %s, NOW(6), NOW(6))", ONE, ONE + ".cfg")
    found = rows(reader, "SELECT DATE_FORMAT(at, '%%s'), tenant_id, file, status, identity, address, user_agent FROM credential_fetches WHERE mac = %s ORDER BY at", ONE)
    common = ("token", "192.0.2.7", "Yealink")
    assert found == [("00", "umbra", ONE + ".cfg", 200) + common, ("01", "umbra", ONE + ".cfg", 304) + common, ("07", "umbra", ONE.upper() + ".CFG", 304) + common]
    (plan, *_) = rows(database.connect(), "EXPLAIN SELECT * FROM credential_fetches WHERE mac = %s", ONE)
    assert "fetch_journal_mac" in plan[4], plan
