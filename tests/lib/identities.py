"""Devices by name with what each may use to prove itself, for tests of identity."""
from waiting import wait_until

# The parameters of the shipped proxy files.
IDENTITY = {'identity': {
    'enrolment': 'true', 'networks': 'true', 'authorize': 'DIALTONE_AUTHORIZE',
    'certificate_verify': 'DIALTONE_CERT_VERIFY', 'certificate_subject': 'DIALTONE_CERT_SUBJECT', 'certificate_issuer': 'DIALTONE_CERT_ISSUER',
    'certificate_sha256': 'DIALTONE_CERT_SHA256', 'certificate_pem': 'DIALTONE_CERT_PEM'}}


class World:
    """Devices by name, what each may use, and the secrets of all of them."""

    def __init__(self, database, fleet, factory=None):
        self.database, self.fleet, self.factory = database, fleet, factory
        self.macs, self.secrets, self.tokens, self.passwords, self.files = {}, {}, {}, {}, {}
        self.tenant, self.elsewhere = fleet.tenant(), fleet.tenant()

    def add(self, name, tenant=None, vendor=None, **columns):
        mac = self.fleet.mac(vendor)
        self.secrets[name] = self.database.add_device(mac, tenant or self.tenant, self.fleet.models[vendor or self.fleet.vendor], **columns)
        self.macs[name] = mac
        self.tokens[name] = self.database.credentials(mac)
        return mac

    def sql(self, statement, *arguments):
        return self.database.sql(statement, arguments)

    def policy(self, name, policy, **wants):
        columns = ', '.join(wants)
        self.sql(f"INSERT INTO device_policy (mac, policy, {columns}) VALUES (%s, %s{', %s' * len(wants)})", self.macs[name], policy, *wants.values())

    def window(self, name, networks='127.0.0.0/8', until='1 DAY', uses=3):
        """Open an enrolment window, or open it again."""
        self.sql(f'INSERT INTO enrolment (mac, networks, valid_until, uses) VALUES (%s, %s, NOW() + INTERVAL {until}, %s) ON DUPLICATE KEY UPDATE'
                 ' networks = VALUES(networks), valid_until = VALUES(valid_until), uses = VALUES(uses)', self.macs[name], networks, uses)

    def window_state(self, name):
        return self.sql('SELECT state, used FROM enrolment_state WHERE mac = %s', self.macs[name])[0]

    def window_becomes(self, name, state):
        """A file counts as delivered a moment after it has left."""
        wait_until(lambda: self.window_state(name) == state, 10, f'the window of {name} to be {state}')

    def file(self, name):
        if name not in self.files:
            self.files[name] = '/' + self.database.file(self.macs[name])
        return self.files[name]

    def judge(self, answer, asked, status):
        """The status, the device's own file where it is 200, and nothing of anybody else's anywhere."""
        assert answer.status == status, answer
        for name, passwords in self.secrets.items():
            for secret in passwords:
                holds = secret.encode() in answer.body
                assert holds == (answer.status == 200 and name == asked), f'{answer} {"has" if holds else "lacks"} a secret of {name}'


def wrong(credential):
    user, password = credential
    return user, password[:-1] + ('a' if password[-1] != 'a' else 'b')
