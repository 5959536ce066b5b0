"""One MariaDB and one pool behind both proxies for the session; variants of the pool are cheap and made by the tests that need them."""
import itertools

import pytest

from stack import Database, Pool, remove

# One tenant per letter; each of its phones has two accounts unless said otherwise.
_serial = itertools.count(1)


@pytest.fixture(scope='session')
def database():
    db = Database()
    db.start()
    failed = True
    try:
        yield db
        failed = False
    finally:
        db.stop()
        if not failed:
            remove(db.directory)


@pytest.fixture(scope='session')
def models(database):
    return database.models()


@pytest.fixture(scope='session')
def pool(database):
    with Pool(database) as p:
        yield p


@pytest.fixture(params=['haproxy', 'nginx'])
def proxy(request):
    return request.param


@pytest.fixture(autouse=True)
def no_limits_left(request):
    """Whatever one test did to HAProxy's tables must not limit the next."""
    yield
    if 'pool' in request.fixturenames:
        p = request.getfixturevalue('pool')
        if p.proxies and p.proxies.haproxy:
            p.proxies.forget_limits()


class Fleet:
    """Makes tenants and phones with names and MACs that no other test uses."""

    def __init__(self, database, models):
        self.database, self.models = database, models
        self.vendor = 'yealink' if 'yealink' in models else sorted(models)[0]
        self.oui = database.ouis(self.vendor)[0]

    def tenant(self, **more):
        name = f't{next(_serial)}'
        self.database.add_tenant(name, **more)
        return name

    def mac(self, vendor=None):
        ouis = [self.oui] if vendor is None else self.database.ouis(vendor) or ['020000']  # locally administered: software has no OUI
        oui = ouis[0]
        return f'{oui}{next(_serial):06x}'

    def phone(self, tenant=None, vendor=None, accounts=1, **columns):
        mac = self.mac(vendor)
        self.database.add_device(mac, tenant or self.tenant(), self.models[vendor or self.vendor], accounts, **columns)
        return mac


@pytest.fixture(scope='session')
def fleet(database, models):
    return Fleet(database, models)
