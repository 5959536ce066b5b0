"""The whole of Dialtone in a directory of its own: private MariaDB, pool, HAProxy and nginx with the shipped files.

    Database   one private MariaDB with the schema, its accounts and a key ring
    Pool       one dialtone-fcgi on a Database, optionally behind Proxies, optionally through a DatabaseProxy
    Courier    one dialtone-courier on a Database
    Stack      a Database and a Pool with both proxies

Environment: DIALTONE_BUILD (the build directory, default build/), DIALTONE_KEEP (keep directories), DIALTONE_FULL (more repetitions).
Everything waits by asking, and keeps its logs where `directory` says.
"""
import hashlib
import hmac
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pymysql

import fcgi_client
import phone
from proxies import Places, Proxies, ROOT
from waiting import wait_until

FULL = os.environ.get('DIALTONE_FULL', '') not in ('', '0')
BUILD = Path(os.environ.get('DIALTONE_BUILD', ROOT / 'build')).resolve()


# For a database that a test kills: what is committed is in the kernel, and a page that was half written then (without doublewrite) makes no damage.
KILLABLE = ['--innodb-flush-log-at-trx-commit=2', '--innodb-doublewrite=1']


def many(first_tier, full):
    """How often: few in the first tier, many with DIALTONE_FULL."""
    return full if FULL else first_tier


def unhandled_signals():
    """For a pool whose workers a test kills by SIGSEGV or SIGABRT: the sanitizer must not take that for a finding."""
    options = os.environ.get('ASAN_OPTIONS', '')
    return {'ASAN_OPTIONS': f'{options}:handle_segv=0:handle_abort=0:handle_sigbus=0'.lstrip(':')}


def program(name):
    for candidate in (BUILD / 'fcgi-app' / name, BUILD / 'cli' / name, BUILD / name):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    raise FileNotFoundError(f'{name} is not built below {BUILD}: make, or set DIALTONE_BUILD')


def temporary(prefix):
    base = os.environ.get('DIALTONE_TMP') or tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix=f'dt-{prefix}-', dir=base))


def remove(directory):
    if not os.environ.get('DIALTONE_KEEP'):
        shutil.rmtree(directory, ignore_errors=True)


# How the phones of a vendor call their own file, where it is not <mac>.cfg.
OWN_FILES = {'grandstream': 'cfg{}.xml', 'linphone': 'linphone-{}.xml', 'snom': '{}.xml'}


class Database:
    """A private MariaDB in which `dialtone db init` has run."""

    def __init__(self, directory=None, options=()):
        self.directory = Path(directory) if directory else temporary('db')
        self.options = list(options)
        self.socket = self.directory / 'mariadb' / 'mariadb.sock'
        self.passwords = self.directory / 'passwords'
        self.keys = self.directory / 'keys'
        self.name = 'dialtone'
        self.init_command = None  # of connections that tests make

    def start(self):
        try:
            self.start_server()
            if not self.keys.exists():
                self.command('keys', 'new', str(self.keys))
            self.command('db', 'init', '--password-dir', str(self.passwords))
        except BaseException:
            self.stop()
            raise
        return self

    def start_server(self):
        subprocess.run([ROOT / 'deploy/private-mariadb', 'start', self.directory / 'mariadb', '--fast', '--userstat=1',
                        '--max-connections=200', *self.options], check=True, stdin=subprocess.DEVNULL)

    def stop(self):
        pid = self.pid
        if pid:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        subprocess.run([ROOT / 'deploy/private-mariadb', 'stop', self.directory / 'mariadb'], check=False, stdin=subprocess.DEVNULL)

    @property
    def pid(self):
        try:
            return int((self.directory / 'mariadb' / 'mariadb.pid').read_text())
        except (OSError, ValueError):
            return None

    def kill(self):
        """SIGKILL, and wait until it is gone."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not process_alive(pid), 10, 'mariadbd to be gone')
        (self.directory / 'mariadb' / 'mariadb.pid').unlink(missing_ok=True)

    def password(self, account):
        return (self.passwords / f'{account}.password').read_text().strip()

    def connect(self, account='root', database=None, autocommit=True, **more):
        arguments = {'user': 'root'} if account == 'root' else {'user': f'dialtone_{account}', 'password': self.password(account)}
        return pymysql.connect(unix_socket=str(self.socket), database=self.name if database is None else database, charset='utf8mb4',
                               autocommit=autocommit, init_command=self.init_command, **arguments, **more)

    def sql(self, statement, arguments=None, account='dba', rows=True):
        """One statement as the DBA (or as another account); its rows."""
        with self.connect(account) as connection, connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchall() if rows and cursor.description else cursor.rowcount

    def conf(self, hosts=None):
        return {'database': {'hosts': hosts or f'unix:{self.socket}', 'name': self.name, 'user': 'dialtone_worker',
                             'password_file': self.passwords / 'worker.password', 'journal_user': 'dialtone_journal',
                             'journal_password_file': self.passwords / 'journal.password', 'connect_timeout': 2, 'read_timeout': 3},
                'templates': {'directory': ROOT / 'templates'}, 'keys': {'file': self.keys},
                'courier': {'user': 'dialtone_courier', 'password_file': self.passwords / 'courier.password', 'interval': 50}}

    def conf_file(self):
        path = self.directory / 'command.conf'
        path.write_text(ini(self.conf()))
        return path

    def command(self, *arguments, check=True, **more):
        """Run the operator's command; CompletedProcess."""
        result = subprocess.run([program('dialtone'), '-c', self.conf_file(), *map(str, arguments)], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=120, check=False, **more)
        if check and result.returncode:
            raise RuntimeError(f'dialtone {" ".join(map(str, arguments))}: exit {result.returncode}\n{result.stdout}{result.stderr}')
        return result

    def courier(self, check=True, timeout=120, **more):
        """dialtone-courier --once: everything that is due is done; CompletedProcess."""
        result = subprocess.run([program('dialtone-courier'), '-c', self.conf_file(), '--once'], stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=timeout, check=False, **more)
        if check and result.returncode:
            raise RuntimeError(f'dialtone-courier: exit {result.returncode}\n{result.stdout}{result.stderr}')
        return result

    # ---- what phones and tenants are made of

    def models(self):
        """{vendor: its model with the most keys}, of vendors that are served."""
        rows = self.sql("SELECT v.vendor_id, m.model_id FROM model AS m JOIN vendor AS v ON v.vendor_id = m.vendor_id"
                        " WHERE v.served = 1 AND v.retired = 0 AND m.retired = 0 ORDER BY m.key_count, m.line_count, m.model_id")
        return dict(rows)

    def ouis(self, vendor):
        return [oui for oui, in self.sql('SELECT oui FROM vendor_oui WHERE vendor_id = %s ORDER BY oui', (vendor,))]

    def add_tenant(self, tenant, server=None, settings=()):
        """A tenant whose phones can be rendered."""
        self.sql('INSERT INTO tenant (tenant_id, name) VALUES (%s, %s)', (tenant, tenant))
        values = {'sip.server': server or f'sip.{tenant}.example.net', **dict(settings)}
        for name, value in values.items():
            self.sql('INSERT INTO tenant_setting (tenant_id, name, value) VALUES (%s, %s, %s)', (tenant, name, value))

    def add_device(self, mac, tenant, model, accounts=1, **columns):
        """A device with accounts of its own, each with a password; returns the passwords."""
        names = ['mac', 'tenant_id', 'model_id', *columns]
        marks = ', '.join(['%s'] * len(names))
        passwords = []
        with self.connect('dba', autocommit=False) as connection, connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO device ({', '.join(names)}) VALUES ({marks})", [mac, tenant, model, *columns.values()])
            for position in range(1, accounts + 1):
                account, password = f'{mac}-{position}', 'pw' + hashlib.sha256(f'{mac}{position}'.encode()).hexdigest()[:20]
                cursor.execute('INSERT INTO account (tenant_id, account_id, sip_user, display_name) VALUES (%s, %s, %s, %s)',
                               (tenant, account, f'u{mac[-4:]}{position}', f'User {mac[-4:]}'))
                cursor.execute("INSERT INTO account_secret (tenant_id, account_id, name, plain) VALUES (%s, %s, 'sip.password', %s)",
                               (tenant, account, password))
                cursor.execute('INSERT INTO line (mac, position, account_id) VALUES (%s, %s, %s)', (mac, position, account))
                passwords.append(password)
            connection.commit()
        return passwords

    def file_of(self, mac):
        """The name under which a phone of this device's vendor asks for its own file."""
        rows = self.sql('SELECT m.vendor_id FROM device AS d JOIN model AS m USING (model_id) WHERE d.mac = %s', (mac,), account='root')
        return OWN_FILES.get(rows[0][0] if rows else None, '{}.cfg').format(mac)

    # ---- credentials, by the command and by an independent computation

    def credentials_by_command(self, mac):
        told = json.loads(self.command('--json', 'credentials', mac).stdout)
        return told['user'], told['password']

    def file(self, mac):
        """The name of the phone's own file."""
        return json.loads(self.command('--json', 'credentials', mac).stdout)['file']

    def generation(self, mac):
        return self.sql('SELECT generation FROM device WHERE mac = %s', (mac,))[0][0]

    def credentials(self, mac, generation=None):
        """(user, password) computed here from the key ring's newest key, with nothing of Dialtone's code."""
        return mac, token(self.keys, mac, generation or self.generation(mac))

    def round_trips(self, account='worker'):
        """Statements executed for an account since the server's start, by the server's own count."""
        rows = self.sql("SELECT SELECT_COMMANDS + UPDATE_COMMANDS + OTHER_COMMANDS FROM information_schema.USER_STATISTICS WHERE USER = %s",
                        (f'dialtone_{account}',), account='root')
        return int(rows[0][0]) if rows else 0


BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'


def ring_keys(path):
    return [line.split()[1] for line in Path(path).read_text().splitlines() if line.strip() and not line.startswith('#')]


def hkdf(key, info, size=32, salt=b''):
    """RFC 5869 with SHA-256."""
    pseudo_random = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    out = block = b''
    counter = 1
    while len(out) < size:
        block = hmac.new(pseudo_random, block + info + bytes([counter]), hashlib.sha256).digest()
        out, counter = out + block, counter + 1
    return out[:size]


def token(ring, mac, generation):
    """generation ‖ 128 bits of HMAC-SHA-256 as 22 base62 digits, least significant first, by the newest key of the ring."""
    key = hkdf(bytes.fromhex(ring_keys(ring)[-1]), b'dialtone token')
    number = int.from_bytes(hmac.new(key, (mac + generation).encode(), hashlib.sha256).digest()[:16], 'big')
    proof = ''
    for _ in range(22):
        number, digit = divmod(number, 62)
        proof += BASE62[digit]
    return generation + proof


def process_alive(pid):
    """Is it there and no zombie?"""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def ini(sections):
    return ''.join(f'[{section}]\n' + ''.join(f'{k} = {v}\n' for k, v in values.items()) + '\n' for section, values in sections.items())


def merged(base, more):
    out = {section: dict(values) for section, values in base.items()}
    for section, values in more.items():
        out.setdefault(section, {}).update(values)
    return out


class Pool:
    """dialtone-fcgi on a database, with both proxies before it if asked for."""

    def __init__(self, database, workers=4, conf=None, proxies=True, directory=None, hosts=None, environment=None, host='127.0.0.1'):
        self.database = database
        self.directory = Path(directory) if directory else temporary('pool')
        self.socket, self.health = self.directory / 'fcgi.sock', self.directory / 'health.sock'
        self.workers = workers
        self.conf = merged(database.conf(hosts), {
            'pool': {'socket': f'unix:{self.socket}', 'workers': workers}, 'health': {'socket': f'unix:{self.health}'},
            'journal': {'syslog': 'false', 'flush_interval': 20}, 'log': {'target': 'stderr', 'level': 'info'}})
        self.conf = merged(self.conf, conf or {})
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.proxies = Proxies(Places(self.directory, self.socket, self.health, host=host)) if proxies else None

    # ---- life

    @property
    def conf_path(self):
        return self.directory / 'dialtone.conf'

    @property
    def log_path(self):
        return self.directory / 'fcgi.log'

    def log(self):
        return self.log_path.read_text(errors='replace') if self.log_path.exists() else ''

    def write_conf(self, conf=None):
        self.conf_path.write_text(ini(conf or self.conf))

    def launch(self):
        """Start the program and do not wait."""
        self.write_conf()
        log = open(self.log_path, 'ab')
        self.process = subprocess.Popen([program('dialtone-fcgi'), '-c', self.conf_path], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env=self.environment, start_new_session=True)

    def start(self, ready=True):
        try:
            return self._start(ready)
        except BaseException:
            self.stop()
            raise

    def _start(self, ready):
        self.launch()

        def up():
            if self.process.poll() is not None:
                raise RuntimeError(f'dialtone-fcgi ended with {self.process.returncode}:\n{self.log()[-4000:]}')
            status = self.ask_health('/readyz' if ready else '/healthz')
            return status and status[0] == 200
        wait_until(up, 30, 'dialtone-fcgi to be ready')
        wait_until(lambda: not ready or len(self.worker_pids()) >= self.workers, 15, 'all workers')
        if self.proxies:
            self.proxies.start()
        return self

    def stop(self):
        if self.proxies:
            self.proxies.stop()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        code = self.process.returncode if self.process else None
        self.process = None
        return code

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.stop()
        self.check_sanitizers()
        if kind is None:
            remove(self.directory)

    def check_sanitizers(self):
        text = self.log()
        for mark in ('AddressSanitizer', 'LeakSanitizer', 'runtime error:', 'UndefinedBehaviorSanitizer'):
            assert mark not in text, f'{mark} in {self.log_path}:\n' + text[max(0, text.index(mark) - 500):][:4000]

    # ---- looking in

    def children(self):
        """{pid: role} of the master's children, by their process titles or arguments."""
        out = {}
        pids = subprocess.run(['pgrep', '-P', str(self.process.pid)], capture_output=True, text=True, check=False).stdout.split()
        for pid in map(int, pids):
            try:
                title = Path(f'/proc/{pid}/cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace').strip()
            except OSError:
                continue
            out[pid] = title
        return out

    def worker_pids(self):
        return sorted(pid for pid, title in self.children().items() if 'worker' in title)

    def ask_health(self, path):
        """(status, body) from the health socket, or None while nobody answers."""
        try:
            answer = fcgi_client.fetch(self.health, [('REQUEST_METHOD', 'GET'), ('REQUEST_URI', path)], timeout=5)
        except OSError:
            return None
        return (answer.status, answer.body.decode()) if answer.whole else None

    def metrics(self):
        """{name with labels: value}"""
        _, text = self.ask_health('/metrics')
        return {line.rsplit(' ', 1)[0]: float(line.rsplit(' ', 1)[1]) for line in text.splitlines() if line and not line.startswith('#')}

    # ---- fetching

    def fetch(self, proxy, target, **more):
        more.setdefault('host', self.proxies.places.host)
        return phone.fetch(self.proxies.tls_port(proxy), target, **more)

    def fetch_device(self, proxy, mac, file=None, **more):
        more.setdefault('auth', self.database.credentials(mac))
        return self.fetch(proxy, '/' + (file or self.database.file_of(mac)), **more)

    def journal(self, where='1', arguments=None):
        """Rows of the journal as dictionaries, oldest first."""
        with self.database.connect('root') as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(f'SELECT * FROM fetch_journal WHERE {where} ORDER BY at', arguments)
            return cursor.fetchall()


class Courier:
    """dialtone-courier on a database."""

    def __init__(self, database, conf=None, directory=None, hosts=None, environment=None):
        self.database = database
        self.environment = {**os.environ, **(environment or {})}
        self.directory = Path(directory) if directory else temporary('courier')
        self.conf = merged(merged(database.conf(hosts), {'log': {'target': 'stderr', 'level': 'info'}}), conf or {})
        self.process = None

    @property
    def log_path(self):
        return self.directory / 'courier.log'

    def log(self):
        return self.log_path.read_text(errors='replace') if self.log_path.exists() else ''

    def start(self):
        path = self.directory / 'dialtone.conf'
        path.write_text(ini(self.conf))
        before = len(self.log())
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([program('dialtone-courier'), '-c', path], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment, start_new_session=True)

        def up():
            if self.process.poll() is not None:
                raise RuntimeError(f'dialtone-courier ended with {self.process.returncode}:\n{self.log()[-4000:]}')
            return 'started' in self.log()[before:]
        wait_until(up, 30, 'dialtone-courier to start')
        return self

    def reload(self):
        before = self.log().count('reloaded')
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.log().count('reloaded') > before, 15, 'dialtone-courier to reload')

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        """Its exit status."""
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        code, self.process = self.process.returncode, None
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.stop()
        for mark in ('AddressSanitizer', 'LeakSanitizer', 'runtime error:'):
            assert mark not in self.log(), self.log()[-4000:]
        if kind is None:
            remove(self.directory)


class Stack:
    """One of everything."""

    def __init__(self, **pool):
        self.database = Database()
        self.arguments = pool
        self.pool = None

    def __enter__(self):
        self.database.start()
        try:
            self.pool = Pool(self.database, **self.arguments).start()
        except BaseException:
            self.database.stop()
            raise
        return self

    def __exit__(self, kind, *more):
        try:
            self.pool.__exit__(kind, *more)
        finally:
            self.database.stop()
            if kind is None:
                remove(self.database.directory)
