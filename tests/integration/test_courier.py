"""What a courier's outbox promises where a lock is in its way."""
import pytest

from stack import Database, remove


@pytest.fixture(scope='module')
def database():
    db = Database()
    try:
        db.start()
        yield db
    finally:
        db.stop()
    remove(db.directory)


def test_an_event_that_another_has_locked_holds_up_no_other(database):
    """As a second courier would: SKIP LOCKED must skip, and what was taken beside it must be done."""
    database.add_tenant('acme')
    macs = [f'805ec000000{n}' for n in range(3)]
    for mac in macs:
        database.add_device(mac, 'acme', 'yealink-t54w')
    forms = 'SELECT COUNT(*), SUM(plain IS NULL) FROM account_secret'
    with database.connect('root', autocommit=False) as other, other.cursor() as cursor:
        cursor.execute("SELECT id FROM outbox WHERE kind = 'seal' ORDER BY id LIMIT 1 FOR UPDATE")
        assert cursor.fetchone()
        done = database.courier(check=False)
        assert database.sql(forms, account='root') == ((3, 2),), done.stderr
        other.rollback()
    assert database.courier().returncode == 0
    assert database.sql(forms, account='root') == ((3, 3),)
