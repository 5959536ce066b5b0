"""A real Kamailio that authenticates from the database's views, as doc/dba-guide.md tells, on a free port of 127.0.0.1; and a SIP client that is just able to register."""
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from waiting import wait_until

# DOMAIN: the realm. `subscriber`, and where that refuses `subscriber_previous`, while a rotation is under way.
CONFIGURATION = '''#!KAMAILIO
debug=1
log_stderror=yes
children=1
auto_aliases=no
mhomed=0
disable_tcp=yes
listen=udp:127.0.0.1:%(port)d
mpath="%(modules)s"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "db_mysql.so"
loadmodule "auth.so"
loadmodule "auth_db.so"
modparam("usrloc", "db_mode", 0)
modparam("db_mysql", "ping_interval", 5)
modparam("auth", "algorithm", "%(algorithm)s")
modparam("auth_db", "db_url", "%(url)s")
modparam("auth_db", "calculate_ha1", 0)
modparam("auth_db", "password_column", "%(column)s")
modparam("auth_db", "password_column_2", "%(column2)s")
modparam("auth_db", "use_domain", 1)
modparam("auth_db", "version_table", 0)
request_route {
    if (!is_method("REGISTER")) { sl_send_reply("405", "Only REGISTER"); exit; }
    if (!auth_check("$td", "subscriber", "1") && !auth_check("$td", "subscriber_previous", "1")) {
        auth_challenge("$td", "1");
        exit;
    }
    save("location");
}
'''


class Kamailio:
    """algorithm: MD5 or SHA-256."""

    def __init__(self, database, directory, algorithm='MD5'):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        modules = next(Path('/usr/lib').glob('*/kamailio/modules'))
        column = {'MD5': ('ha1', 'ha1b'), 'SHA-256': ('ha1_sha256', 'ha1b_sha256')}[algorithm]
        self.algorithm = algorithm
        self.text = CONFIGURATION % {'port': self.port, 'modules': modules, 'algorithm': algorithm, 'column': column[0], 'column2': column[1],
                                     'url': f'mysql://dialtone_registrar:{database.password("registrar")}@localhost/{database.name}'}
        self.socket = database.socket
        self.process = None

    @property
    def log_path(self):
        return self.directory / 'kamailio.log'

    def __enter__(self):
        path = self.directory / 'kamailio.cfg'
        path.write_text(self.text)
        path.chmod(0o600)
        program = shutil.which('kamailio') or '/usr/sbin/kamailio'
        with open(self.log_path, 'ab') as log:
            # libmariadb asks MYSQL_UNIX_PORT where `localhost` is
            self.process = subprocess.Popen([program, '-DD', '-E', '-f', path, '-P', self.directory / 'pid', '-Y', self.directory, '-m', '32', '-M', '4'],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                            env={**os.environ, 'MYSQL_UNIX_PORT': str(self.socket)})

        def up():
            if self.process.poll() is not None:
                raise RuntimeError(f'kamailio ended with {self.process.returncode}:\n{self.log_path.read_text(errors="replace")[-4000:]}')
            try:
                return self.register('nobody', 'nowhere.example.net', None)
            except OSError:
                return None
        try:
            wait_until(up, 20, 'kamailio to answer')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def register(self, user, realm, password, ha1=None):
        """Status of the last answer: 200 registered, 401 refused. password and ha1 None: the first answer, to a request without credentials."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.connect(('127.0.0.1', self.port))
            status, text = exchange(client, user, realm, 1, '')
            if status != 401 or (password is None and ha1 is None):
                return status
            nonce = re.search(r'nonce="([^"]*)"', text).group(1)
            digest = {'MD5': hashlib.md5, 'SHA-256': hashlib.sha256}[self.algorithm]

            def h(value):
                return digest(value.encode()).hexdigest()
            ha1 = ha1 or h(f'{user}:{realm}:{password}')
            cnonce, uri = os.urandom(8).hex(), f'sip:{realm}'
            response = h(f'{ha1}:{nonce}:00000001:{cnonce}:auth:' + h(f'REGISTER:{uri}')) if 'qop=' in text else h(f'{ha1}:{nonce}:' + h(f'REGISTER:{uri}'))
            more = f', qop=auth, nc=00000001, cnonce="{cnonce}"' if 'qop=' in text else ''
            return exchange(client, user, realm, 2, f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
                                                    f'algorithm={self.algorithm}, response="{response}"{more}\r\n')[0]


def exchange(client, user, realm, number, header):
    """One REGISTER and its answer: (status, text)."""
    host, port = client.getsockname()
    branch = os.urandom(8).hex()
    client.send((f'REGISTER sip:{realm} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{branch};rport\r\nMax-Forwards: 70\r\n'
                 f'From: <sip:{user}@{realm}>;tag={branch}\r\nTo: <sip:{user}@{realm}>\r\nCall-ID: {branch}@{host}\r\nCSeq: {number} REGISTER\r\n'
                 f'Contact: <sip:{user}@{host}:{port}>\r\nExpires: 60\r\n{header}Content-Length: 0\r\n\r\n').encode())
    text = client.recv(65535).decode(errors='replace')
    return int(text.split(' ', 2)[1]), text
