"""A real Kamailio with the shipped deploy/kamailio.cfg.example on a free port of 127.0.0.1; and a SIP client that is just able to register.

Of the file only addresses and paths are replaced; the database's account stands in the file that it includes, as the example tells."""
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from proxies import ROOT, free_ports, substitute
from waiting import wait_until

EXAMPLE = ROOT / 'deploy/kamailio.cfg.example'
HASHES = {'MD5': hashlib.md5, 'SHA-256': hashlib.sha256}


def replacements(directory, port):
    return [
        ('include_file "/etc/kamailio/dialtone-registrar.cfg"', f'include_file "{directory}/dialtone-registrar.cfg"'),
        ('listen=udp:0.0.0.0:5060', f'listen=udp:127.0.0.1:{port}'),
        ('listen=tcp:0.0.0.0:5060', f'listen=tcp:127.0.0.1:{port}'),
        ('"unix:/run/kamailio/kamailio_ctl"', f'"unix:{directory}/ctl"'),
    ]


def free_port():
    """One that is free for TCP and for UDP."""
    while True:
        port, = free_ports(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue


class Kamailio:
    """algorithm: MD5 or SHA-256, which the included file switches."""

    def __init__(self, database, directory, algorithm='MD5'):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.algorithm = algorithm
        self.port = free_port()
        self.database = database
        self.process = None

    @property
    def log_path(self):
        return self.directory / 'kamailio.log'

    def log(self):
        return self.log_path.read_text(errors='replace') if self.log_path.exists() else ''

    def write(self):
        """Its two files; the path of the first."""
        path, account = self.directory / 'kamailio.cfg', self.directory / 'dialtone-registrar.cfg'
        path.write_text(substitute(EXAMPLE.read_text(), replacements(self.directory, self.port)))
        account.touch(mode=0o600)
        account.write_text(f'#!define DIALTONE_DB "mysql://dialtone_registrar:{self.database.password("registrar")}@localhost/{self.database.name}"\n'
                           + ('#!define WITH_SHA256\n' if self.algorithm == 'SHA-256' else ''))
        return path

    def __enter__(self):
        program = shutil.which('kamailio') or '/usr/sbin/kamailio'
        path = self.write()
        with open(self.log_path, 'ab') as log:
            # libmariadb asks MYSQL_UNIX_PORT where `localhost` is
            self.process = subprocess.Popen([program, '-DD', '-E', '-f', path, '-P', self.directory / 'pid', '-Y', self.directory, '-m', '64', '-M', '8'],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                            env={**os.environ, 'MYSQL_UNIX_PORT': str(self.database.socket)})

        def up():
            if self.process.poll() is not None:
                raise RuntimeError(f'kamailio ended with {self.process.returncode}:\n{self.log()[-4000:]}')
            try:
                return self.register('nobody', 'nowhere.example.net', None) and (self.directory / 'ctl').exists()
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

    def contacts(self, user, realm):
        """Where Kamailio itself says that this account can be reached: URIs."""
        answer = subprocess.run(['kamcmd', '-s', f'unix:{self.directory}/ctl', 'ul.lookup', 'location', f'{user}@{realm}'], capture_output=True, text=True, timeout=20, check=False)
        if answer.returncode == 0:
            return re.findall(r'^\s*Address: (\S+)', answer.stdout, re.MULTILINE)
        assert '404' in answer.stderr + answer.stdout, answer
        return []

    def say(self, request, source='127.0.0.1', timeout=5):
        """Any request by UDP, made by request(own host:port): (status, text) of its answer; (None, '') where none comes."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(timeout)
            client.bind((source, 0))
            client.connect(('127.0.0.1', self.port))
            try:
                client.send(request(':'.join(map(str, client.getsockname()))).encode())
                text = client.recv(65535).decode(errors='replace')
            except (TimeoutError, ConnectionRefusedError):
                return None, ''
            return int(text.split(' ', 2)[1]), text

    def register(self, user, realm, password, ha1=None, **more):
        """Status of the last answer: 200 registered, 401 refused. password and ha1 None: the first answer, to a request without credentials. more: of attempt()."""
        return self.attempt(user, realm, password, ha1, **more)[0]

    def attempt(self, user, realm, password, ha1=None, wanted=None, sources=('127.0.0.1', '127.0.0.1')):
        """(status, text) of the last answer. wanted: the user to be registered, if not the digest's own. sources: addresses that ask and that answer the challenge."""
        aor = f'{wanted or user}@{realm}'
        status, text = self.exchange(aor, 1, '', sources[0])
        if status != 401 or (password is None and ha1 is None):
            return status, text
        return self.exchange(aor, 2, self.authorization(text, user, realm, password, ha1), sources[1])

    def authorization(self, challenge, user, realm, password, ha1):
        asked = dict(re.findall(r'(\w+)="?([^",\r]*)"?', re.search(r'WWW-Authenticate: Digest (.*)', challenge).group(1)))
        assert (asked['realm'], asked.get('algorithm', 'MD5'), asked['qop']) == (realm, self.algorithm, 'auth'), challenge

        def h(*parts):
            return HASHES[self.algorithm](':'.join(parts).encode()).hexdigest()
        cnonce, uri = os.urandom(8).hex(), f'sip:{realm}'
        response = h(ha1 or h(user, realm, password), asked['nonce'], '00000001', cnonce, 'auth', h('REGISTER', uri))
        return (f'Authorization: Digest username="{user}", realm="{realm}", nonce="{asked["nonce"]}", uri="{uri}", algorithm={self.algorithm}, response="{response}", '
                f'qop=auth, nc=00000001, cnonce="{cnonce}"\r\n')

    def exchange(self, aor, number, header, source):
        """One REGISTER and its answer: (status, text)."""
        user, realm = aor.split('@')
        branch = os.urandom(8).hex()
        status, text = self.say(lambda me: (
            f'REGISTER sip:{realm} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{branch};rport\r\nMax-Forwards: 70\r\n'
            f'From: <sip:{aor}>;tag={branch}\r\nTo: <sip:{aor}>\r\nCall-ID: {branch}\r\nCSeq: {number} REGISTER\r\n'
            f'Contact: <sip:{user}@127.0.0.1:9>\r\nExpires: 60\r\n{header}Content-Length: 0\r\n\r\n'), source)
        if status is None:
            raise TimeoutError(f'no answer to REGISTER of {aor}')
        return status, text
