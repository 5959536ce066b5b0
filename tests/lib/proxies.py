"""The shipped proxy configurations on other addresses, ports and paths.

Only the literals of the tables below are replaced, each exactly as often as it stands in the file; test_proxy_files.py proves that nothing else
differs, so that what the tests prove is proved for the files that people install.
"""
import getpass
import grp
import os
import signal
import socket
import subprocess
from pathlib import Path

from waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
HAPROXY_FILE = ROOT / 'haproxy.cfg.example'
NGINX_FILE = ROOT / 'deploy/nginx/nginx.conf'
SITE_FILE = ROOT / 'deploy/nginx/dialtone.conf'


class Places:
    """Where one pair of proxies lives."""

    def __init__(self, directory, fcgi_socket, health_socket, ports=None, host='127.0.0.1'):
        self.directory = Path(directory)
        self.fcgi_socket, self.health_socket = str(fcgi_socket), str(health_socket)
        self.host = host  # ::1: both listen on IPv6 only
        self.haproxy_tls, self.haproxy_plain, self.haproxy_health, self.nginx_tls, self.nginx_plain, self.nginx_health = ports or free_ports(6)
        self.user = getpass.getuser()
        self.group = grp.getgrgid(os.getgid()).gr_name


def haproxy_replacements(p):
    d = p.directory
    return [
        ('    user haproxy\n', f'    user {p.user}\n'),
        ('    group haproxy\n', f'    group {p.group}\n'),
        ('/run/haproxy/admin.sock', f'{d}/haproxy-admin.sock'),
        ('/etc/haproxy/certs/prov.pem', f'{d}/certs/prov.pem'),
        ('/etc/haproxy/certs/vendor-cas.pem', f'{d}/certs/vendor-cas.pem'),
        ('bind :443 ', f'bind {p.host}:{p.haproxy_tls} '),
        ('bind :80\n', f'bind {p.host}:{p.haproxy_plain}\n'),
        ('server pool /run/dialtone/fcgi.sock ', f'server pool {p.fcgi_socket} '),
        ('unix@/run/dialtone/health.sock ', f'unix@{p.health_socket} '),
        ('bind 127.0.0.1:9180\n', f'bind {p.host}:{p.haproxy_health}\n'),
        ('server health /run/dialtone/health.sock ', f'server health {p.health_socket} '),
    ]


def nginx_replacements(p):
    d = p.directory
    return [
        ('\nuser www-data;\n', f'\nuser {p.user} {p.group};\n'),
        ('/run/nginx.pid', f'{d}/nginx.pid'),
        ('/var/log/nginx/error.log', f'{d}/nginx-error.log'),
    ] + [(f'/var/lib/nginx/{n}', f'{d}/nginx-{n}') for n in ('body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')] + [
        ('/etc/nginx/sites-enabled/dialtone.conf', f'{d}/nginx-site.conf'),
    ]


def site_replacements(p):
    d = p.directory
    host = f'[{p.host}]' if ':' in p.host else p.host
    return [
        ('server unix:/run/dialtone/fcgi.sock ', f'server unix:{p.fcgi_socket} '),
        ('listen 443 ', f'listen {host}:{p.nginx_tls} '),
        ('listen 80 ', f'listen {host}:{p.nginx_plain} '),
        ('listen 127.0.0.1:9181;', f'listen {host}:{p.nginx_health};'),
        ('fastcgi_pass unix:/run/dialtone/health.sock;', f'fastcgi_pass unix:{p.health_socket};'),
        ('/var/log/nginx/dialtone.log', f'{d}/nginx.log'),
        ('/etc/nginx/certs/vendor-cas.pem', f'{d}/certs/vendor-cas.pem'),
        ('root /var/lib/dialtone;', f'root {d};'),
        ('/etc/nginx/certs/prov-ecdsa.pem', f'{d}/certs/prov-ecdsa.pem'),
        ('/etc/nginx/certs/prov-ecdsa.key', f'{d}/certs/prov-ecdsa.key'),
        ('/etc/nginx/certs/prov-rsa.pem', f'{d}/certs/prov-rsa.pem'),
        ('/etc/nginx/certs/prov-rsa.key', f'{d}/certs/prov-rsa.key'),
    ]


def is_comment(line):
    return line.lstrip().startswith('#')


def substitute(text, replacements):
    """Replace each literal where it stands outside comments; each must stand there exactly once."""
    for old, new in replacements:
        lines = ('\n' + text).splitlines(keepends=True)
        # join non-comment lines with their neighbours untouched: a literal never spans a comment
        found = sum(0 if is_comment(line) else line.count(old.strip('\n')) for line in lines)
        if found != 1:
            raise ValueError(f'{old!r} stands {found} times in the shipped file, not once')
        text = ''.join(line if is_comment(line) else line.replace(old.strip('\n'), new.strip('\n'), 1) for line in lines)[1:]
    return text


def free_ports(count):
    """Ports that nobody listened on a moment ago, all different."""
    sockets = []
    try:
        for _ in range(count):
            s = socket.socket()
            s.bind(('127.0.0.1', 0))
            sockets.append(s)
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


# Names as templates/*/vendor.ini wants them of an issuer.
VENDOR_CAS = {'yealink-ca': '/O=Yealink/CN=Yealink Equipment Issuing CA', 'snom-ca': '/O=snom technology AG/CN=Snom Phone 1 SHA-256'}


def make_certificates(directory, names=('localhost',)):
    """A CA, and an ECDSA and an RSA certificate by it, in the forms that both proxies read."""
    certs = Path(directory) / 'certs'
    if (certs / 'done').exists():
        return certs
    certs.mkdir(parents=True, exist_ok=True)

    def openssl(*arguments):
        subprocess.run(['openssl', *map(str, arguments)], check=True, capture_output=True)

    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', 30, '-subj', '/CN=Dialtone test CA',
            '-keyout', certs / 'ca.key', '-out', certs / 'ca.pem')
    san = ','.join(f'DNS:{n}' for n in names) + ',IP:127.0.0.1'
    (certs / 'extensions').write_text(f'subjectAltName={san}\nbasicConstraints=critical,CA:FALSE\n')
    for kind, new in (('ecdsa', ('ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1')), ('rsa', ('rsa:2048',))):
        key, cert = certs / f'prov-{kind}.key', certs / f'prov-{kind}.pem'
        openssl('req', '-newkey', *new, '-nodes', '-subj', f'/CN={names[0]}', '-keyout', key, '-out', certs / 'request')
        openssl('x509', '-req', '-in', certs / 'request', '-CA', certs / 'ca.pem', '-CAkey', certs / 'ca.key', '-CAcreateserial', '-days', 30,
                '-extfile', certs / 'extensions', '-out', cert)
        bundle = certs / f'prov.pem.{kind}'
        bundle.touch(mode=0o600)
        bundle.write_text(key.read_text() + cert.read_text())
    # What stands for the vendors' CAs; their keys are beside it, so that a test can be a factory.
    bundle = ''
    for name, subject in VENDOR_CAS.items():
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', 30, '-subj', subject, '-keyout', certs / f'{name}.key',
                '-out', certs / f'{name}.pem')
        bundle += (certs / f'{name}.pem').read_text()
    (certs / 'vendor-cas.pem').write_text(bundle)
    (certs / 'done').touch()
    return certs


def answers(host, port):
    with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET) as s:
        s.settimeout(1)
        return s.connect_ex((host, port)) == 0


class Proxies:
    """HAProxy and nginx with the shipped files before one pool."""

    names = ('haproxy', 'nginx')

    def __init__(self, places):
        self.places = places
        self.directory = places.directory
        self.haproxy = self.nginx = None
        self.map = False  # the lines of HAProxy's file that are marked #map are switched on

    @property
    def map_file(self):
        return self.directory / 'dialtone.map'

    @property
    def map_socket(self):
        return self.directory / 'haproxy-courier.sock'

    def haproxy_text(self):
        text = HAPROXY_FILE.read_text()
        replacements = haproxy_replacements(self.places)
        if self.map:
            text = text.replace('    #map ', '    ')
            replacements += [('map_str(/var/lib/dialtone-courier/haproxy.map)', f'map_str({self.map_file})'),
                             ('/run/haproxy/courier.sock user dialtone ', f'{self.map_socket} user {self.places.user} ')]
            self.map_file.touch(mode=0o600)
        return substitute(text, replacements)

    def write(self):
        d = self.directory
        d.mkdir(parents=True, exist_ok=True)
        make_certificates(d)
        (d / 'haproxy.cfg').write_text(self.haproxy_text())
        (d / 'nginx.conf').write_text(substitute(NGINX_FILE.read_text(), nginx_replacements(self.places)))
        (d / 'nginx-site.conf').write_text(substitute(SITE_FILE.read_text(), site_replacements(self.places)))

    def start(self):
        self.write()
        self.start_haproxy()
        self.start_nginx()
        return self

    def start_haproxy(self):
        log = open(self.haproxy_log, 'ab')
        self.haproxy = subprocess.Popen(['/usr/sbin/haproxy', '-W', '-db', '-f', self.directory / 'haproxy.cfg'], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, start_new_session=True)
        self._ready(self.haproxy, self.places.haproxy_tls, self.haproxy_log)
        wait_until(lambda: 'UP' in self.haproxy_state(), 10, 'HAProxy to find the pool healthy')

    def start_nginx(self):
        log = open(self.directory / 'nginx-error.log', 'ab')
        self.nginx = subprocess.Popen(['/usr/sbin/nginx', '-c', self.directory / 'nginx.conf', '-e', self.directory / 'nginx-error.log',
                                       '-g', 'daemon off;'], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._ready(self.nginx, self.places.nginx_tls, self.directory / 'nginx-error.log')

    def _ready(self, process, port, log):
        def ready():
            if process.poll() is not None:
                raise RuntimeError(f'{process.args[0]} ended with {process.returncode}:\n{Path(log).read_text()[-3000:]}')
            return answers(self.places.host, port)
        wait_until(ready, 10, f'{process.args[0]} to listen on {port}')

    def haproxy_command(self, command):
        """What HAProxy's admin socket says."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(f'{self.directory}/haproxy-admin.sock')
            s.sendall(command.encode() + b'\n')
            parts = []
            while part := s.recv(65536):
                parts.append(part)
        return b''.join(parts).decode()

    def haproxy_state(self):
        try:
            for line in self.haproxy_command('show stat').splitlines():
                fields = line.split(',')
                if fields[:2] == ['dialtone', 'pool']:
                    return fields[17]
        except OSError:
            pass
        return 'unknown'

    def forget_limits(self):
        """Empty HAProxy's tables, so that one test's guesses do not limit the next."""
        for table in ('dialtone_source', 'dialtone_file', 'dialtone_good', 'dialtone_digest'):
            self.haproxy_command(f'clear table {table}')

    def reload_haproxy(self):
        """SIGUSR2 to the master: a new process with the file as it is now."""
        before = self.haproxy_pid()
        self.haproxy.send_signal(signal.SIGUSR2)
        wait_until(lambda: self.haproxy_pid() not in (None, before), 20, 'a new HAProxy')
        # the master takes no second signal before the former process is gone
        wait_until(lambda: not Path(f'/proc/{before}').exists(), 20, 'the former HAProxy to end')

    def haproxy_pid(self):
        """Of the process that serves."""
        try:
            return next((line.split()[1] for line in self.haproxy_command('show info').splitlines() if line.startswith('Pid:')), None)
        except OSError:
            return None

    @property
    def haproxy_log(self):
        return self.directory / 'haproxy.log'

    @property
    def nginx_log(self):
        return self.directory / 'nginx.log'

    def tls_port(self, name):
        return self.places.haproxy_tls if name == 'haproxy' else self.places.nginx_tls

    def plain_port(self, name):
        return self.places.haproxy_plain if name == 'haproxy' else self.places.nginx_plain

    def stop(self):
        for process in (self.haproxy, self.nginx):
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.haproxy = self.nginx = None
