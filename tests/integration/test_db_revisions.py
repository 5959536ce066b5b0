"""Whose revision moves with which statement, and whose does not."""

import pytest

from mariadb import MariaDB, TENANTS, one, rows, run

ROWS = TENANTS + """
INSERT INTO line (mac, position, account_id) VALUES ('0c383e000003', 2, '201');
INSERT INTO line_key (mac, slot, type, value) VALUES ('805ec0000001', 1, 'blf', '202');
INSERT INTO profile_key (tenant_id, profile_id, slot, type, value) VALUES ('acme', 'desk', 1, 'blf', '202');
INSERT INTO device_setting (mac, name, value) VALUES ('805ec0000001', 'language', 'de');
INSERT INTO device_secret (mac, name, plain) VALUES ('805ec0000001', 'phone.admin_password', 'kee1Ahph');
INSERT INTO tenant_secret (tenant_id, name, plain) VALUES ('acme', 'phone.admin_password', 'Ue4ohzae');
"""


@pytest.fixture(scope="module")
def database():
    with MariaDB() as server:
        yield server.create(rows=ROWS)


@pytest.fixture(autouse=True)
def closed(database):
    """No test leaves a transaction behind."""
    yield
    database.close()


def revisions(connection):
    found = {"device " + mac: revision for mac, revision in rows(connection, "SELECT mac, revision FROM device_revision")}
    for layer, revision in rows(connection, "SELECT layer, revision FROM layer_revision"):
        found[layer.replace("/", " ", 1)] = revision
    return found


D1, D2, D3, D4 = "device 805ec0000001", "device 805ec0000002", "device 0c383e000003", "device 805ec0000004"
ACME, HQ, DESK, PROVIDER = "tenant acme", "site acme/hq", "profile acme/desk", "provider"
A201 = "tenant_id = 'acme' AND account_id = '201'"

MOVES = [
    ("INSERT INTO provider_setting (name, value) VALUES ('language', 'de')", {PROVIDER}),
    ("INSERT INTO tenant_setting (tenant_id, name, value) VALUES ('acme', 'language', 'de')", {ACME}),
    ("INSERT INTO site_setting (tenant_id, site_id, name, value) VALUES ('acme', 'hq', 'language', 'de')", {HQ}),
    ("INSERT INTO profile_setting (tenant_id, profile_id, name, value) VALUES ('acme', 'desk', 'language', 'de')", {DESK}),
    ("INSERT INTO profile_key (tenant_id, profile_id, slot, type) VALUES ('acme', 'desk', 2, 'line')", {DESK}),
    ("UPDATE profile_key SET value = '203'", {DESK}),
    ("UPDATE profile_key SET comment = 'x'", set()),
    ("DELETE FROM profile_key", {DESK}),
    ("INSERT INTO device_setting (mac, name, value) VALUES ('80-5E-C0-00-00-01', 'timezone', 'UTC')", {D1}),
    ("INSERT INTO device_setting (mac, name, value) SELECT mac, 'timezone', 'UTC' FROM device", {D1, D2, D3, D4}),
    ("UPDATE device_setting SET value = 'en'", {D1}),
    ("UPDATE device_setting SET value = NULL", {D1}),
    ("UPDATE device_setting SET value = 'de '", set()),
    ("UPDATE device_setting SET comment = 'x'", set()),
    ("UPDATE device_setting SET mac = '805ec0000002'", {D1, D2}),
    ("INSERT INTO device_setting (mac, name, value) VALUES ('805ec0000001', 'language', 'fr') ON DUPLICATE KEY UPDATE value = VALUES(value)", {D1}),
    ("REPLACE INTO device_setting (mac, name, value) VALUES ('805ec0000001', 'language', 'fr')", {D1}),
    ("DELETE s FROM device_setting s JOIN device d ON d.mac = s.mac WHERE d.tenant_id = 'acme'", {D1}),
    ("UPDATE device SET comment = 'x'", set()),
    ("UPDATE device SET enabled = 0 WHERE mac = '805ec0000001'", {D1}),
    ("UPDATE device SET site_id = 'lab' WHERE mac = '805ec0000001'", {D1}),
    ("UPDATE device SET generation = DEFAULT WHERE mac = '805ec0000001'", {D1}),
    ("UPDATE device SET previous_until = NULL, previous_generation = NULL WHERE mac = '805ec0000001'", set()),
    ("UPDATE device SET previous_until = NOW() + INTERVAL 1 DAY WHERE mac = '805ec0000001'", {D1}),
    ("UPDATE device d JOIN tenant t ON t.tenant_id = d.tenant_id SET d.enabled = 0 WHERE t.tenant_id = 'umbra'", {D4}),
    ("UPDATE tenant SET enabled = 0 WHERE tenant_id = 'acme'", {ACME}),
    ("UPDATE tenant SET comment = 'x', name = 'y' WHERE tenant_id = 'acme'", set()),
    ("UPDATE site SET name = 'y'", set()),
    ("INSERT INTO line (mac, position, account_id) VALUES ('805ec0000001', 2, '203')", {D1}),
    ("INSERT INTO line (mac, position, account_id) SELECT d.mac, 9, a.account_id FROM device d JOIN account a ON a.tenant_id = d.tenant_id"
     " WHERE d.mac = '805ec0000001' AND a.account_id = '202'", {D1}),
    ("UPDATE line SET label = 'x' WHERE mac = '805ec0000001'", {D1}),
    ("UPDATE line SET label = NULL, comment = 'x'", set()),
    ("UPDATE line SET account_id = '203' WHERE mac = '805ec0000001'", {D1}),
    ("DELETE FROM line WHERE mac = '805ec0000001'", {D1}),
    ("UPDATE line_key SET type = 'speeddial'", {D1}),
    ("UPDATE line_key SET label = 'a', comment = 'x'", {D1}),
    ("DELETE FROM line_key", {D1}),
    ("INSERT INTO line_setting (mac, position, name, value) VALUES ('805ec0000002', 1, 'sip.port', '1')", {D2}),
    ("INSERT INTO account_setting (tenant_id, account_id, name, value) VALUES ('acme', '201', 'sip.port', '1')", {D1, D3}),
    ("UPDATE account SET display_name = 'Ann ' WHERE " + A201, {D1, D3}),
    ("UPDATE account SET comment = 'x' WHERE " + A201, set()),
    ("UPDATE account SET enabled = 0 WHERE " + A201, {D1, D3}),
    ("INSERT INTO account (tenant_id, account_id, sip_user) VALUES ('acme', 'new', 'new')", set()),
    ("UPDATE account_secret SET plain = 'aeG4eiph' WHERE " + A201, {D1, D3}),
    ("UPDATE account_secret SET plain = plain, comment = 'x'", set()),
    ("UPDATE account_secret SET sealed = X'00', key_id = 'k1', plain = NULL", set()),
    ("UPDATE account_secret SET version = X'0000000000000000' WHERE " + A201, {D1, D3}),
    ("DELETE FROM account_secret WHERE " + A201, {D1, D3}),
    ("UPDATE device_secret SET plain = 'aeG4eiph'", {D1}),
    ("DELETE FROM device_secret", {D1}),
    ("UPDATE tenant_secret SET plain = 'aeG4eiph'", {ACME}),
    ("INSERT INTO device_secret (mac, name, plain) VALUES ('805ec0000002', 'phone.admin_password', 'aeG4eiph')", {D2}),
]


@pytest.mark.parametrize("statement,expected", MOVES, ids=[statement[:60] for statement, _ in MOVES])
def test_what_moves(database, statement, expected):
    connection = database.connect(autocommit=False)
    before = revisions(connection)
    assert run(connection, statement) > 0 or not expected
    after = revisions(connection)
    connection.rollback()
    connection.close()
    assert {name for name in after if after[name] != before.get(name)} == expected
    assert set(before) == set(after)


def test_account_joins(database):
    """Statements that name the tables which triggers read."""
    connection = database.connect(autocommit=False)
    run(connection, "INSERT INTO account_setting (tenant_id, account_id, name, value) SELECT tenant_id, account_id, 'sip.port', '1' FROM account")
    assert run(connection, "UPDATE account_setting s JOIN account a ON a.tenant_id = s.tenant_id AND a.account_id = s.account_id"
                           " SET s.value = '2' WHERE a.account_id = '201'") == 1
    assert run(connection, "UPDATE account a JOIN line l ON l.tenant_id = a.tenant_id AND l.account_id = a.account_id"
                           " SET a.display_name = 'J', l.label = 'J' WHERE l.mac = '805ec0000001'") == 2
    assert run(connection, "DELETE s, k FROM account_setting s JOIN account_secret k ON k.tenant_id = s.tenant_id"
                           " AND k.account_id = s.account_id WHERE s.account_id = '202'") == 2
    connection.rollback()


def test_things_come_and_go_with_their_revisions(database):
    connection = database.connect(autocommit=False)
    before = revisions(connection)
    run(connection, "INSERT INTO tenant (tenant_id) VALUES ('t')")
    run(connection, "INSERT INTO site (tenant_id, site_id) VALUES ('t', 's')")
    run(connection, "INSERT INTO profile (tenant_id, profile_id) VALUES ('t', 'p')")
    run(connection, "INSERT INTO device (mac, tenant_id, model_id) VALUES ('805ec0000077', 't', 'yealink-t54w')")
    assert set(revisions(connection)) - set(before) == {"tenant t", "site t/s", "profile t/p", "device 805ec0000077"}
    for statement in ("device WHERE mac = '805ec0000077'", "profile WHERE tenant_id = 't'", "site WHERE tenant_id = 't'", "tenant WHERE tenant_id = 't'"):
        run(connection, "DELETE FROM " + statement)
    assert revisions(connection) == before
    connection.rollback()


def test_revisions_never_come_back(database):
    connection = database.connect(autocommit=False)
    seen = set()
    for turn in range(200):
        run(connection, "UPDATE device SET enabled = %s WHERE mac = '805ec0000001'", turn % 2)
        seen.add(one(connection, "SELECT revision FROM device_revision WHERE mac = '805ec0000001'"))
    connection.rollback()
    assert len(seen) == 200


def test_routes_are_lines(database):
    """account_route mirrors line, plus two marks an account, whatever was done."""
    connection = database.connect(autocommit=False)
    for statement, _ in MOVES:
        run(connection, "SAVEPOINT s")
        run(connection, statement)
        difference = one(connection, """
            SELECT COUNT(*) FROM (SELECT tenant_id, account_id, mac, position FROM line
                                  UNION ALL SELECT tenant_id, account_id, '', 0 FROM account
                                  UNION ALL SELECT tenant_id, account_id, 'z', 0 FROM account
                                  UNION ALL SELECT tenant_id, account_id, mac, position FROM account_route) x
            WHERE (SELECT COUNT(*) FROM account_route r WHERE r.tenant_id = x.tenant_id AND r.account_id = x.account_id
                   AND r.mac = x.mac AND r.position = x.position) <> 1""")
        assert difference == 0, statement
        assert one(connection, "SELECT COUNT(*) FROM account_route") == one(
            connection, "SELECT (SELECT COUNT(*) FROM line) + 2 * (SELECT COUNT(*) FROM account)"), statement
        run(connection, "ROLLBACK TO SAVEPOINT s")
    connection.rollback()


def test_secret_versions(database):
    connection = database.connect(autocommit=False)
    secret = "FROM account_secret WHERE " + A201

    def version():
        return one(connection, "SELECT version " + secret)

    first = version()
    run(connection, "UPDATE account_secret SET sealed = X'aa', key_id = 'k1', plain = NULL WHERE " + A201)
    assert version() == first, "sealing is the same secret"
    run(connection, "UPDATE account_secret SET sealed = X'bb', key_id = 'k2' WHERE " + A201)
    assert version() == first, "sealed under another key"
    run(connection, "UPDATE account_secret SET sealed = X'cc', version = '' WHERE " + A201)
    second = version()
    assert second != first and second != bytes(8), "a new secret, sealed before it was sent"
    run(connection, "UPDATE account_secret SET plain = 'oot8Sahb' WHERE " + A201)
    assert version() not in (first, second)
    assert rows(connection, "SELECT plain, sealed, key_id " + secret) == [("oot8Sahb", None, None)]
    run(connection, "INSERT INTO account_secret (tenant_id, account_id, name, plain, version) VALUES ('umbra', '301', 'sip.password', 'x', 'same')"
                    " ON DUPLICATE KEY UPDATE plain = VALUES(plain)")
    connection.rollback()


def test_generations(database):
    connection = database.connect(autocommit=False)
    where = " WHERE mac = '805ec0000001'"
    read = "SELECT generation, previous_generation, TIMESTAMPDIFF(SECOND, NOW(), previous_until) FROM device" + where
    ((first, previous, until),) = rows(connection, read)
    assert len(first) == 10 and int(first, 16) >= 0 and first == first.lower() and previous is None and until is None
    run(connection, "UPDATE device SET generation = DEFAULT" + where)
    ((second, previous, until),) = rows(connection, read)
    assert second != first and previous == first and 7 * 86400 - 60 <= until <= 7 * 86400
    run(connection, "UPDATE device SET generation = '', previous_until = NOW() + INTERVAL 1 HOUR" + where)
    ((third, previous, until),) = rows(connection, read)
    assert third != second and previous == second and 3540 <= until <= 3600
    run(connection, "CALL move_device('805ec0000001', 'umbra', NULL, NULL)")
    ((fourth, previous, until),) = rows(connection, read)
    assert fourth not in (first, second, third) and previous is None and until is None
    run(connection, "INSERT INTO device (mac, tenant_id, model_id, generation) VALUES ('805ec0000055', 'acme', 'yealink-t54w', '0000000000')")
    assert one(connection, "SELECT generation FROM device WHERE mac = '805ec0000055'") != "0000000000"
    connection.rollback()
