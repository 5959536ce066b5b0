"""A phone, as far as HTTP goes: one request on one connection with control over every byte, and an answer that is known to be whole."""
import base64
import itertools
import re
import socket
import ssl


class Torn(Exception):
    """The answer ended early, or was no HTTP."""


class Answer:
    session = resumed = None  # of TLS

    def __init__(self, head, body, url):
        self.head, self.body, self.url = head, body, url
        lines = head.split(b'\r\n')
        try:
            self.version, code, *_ = lines[0].decode('latin-1').split(' ', 2)
            self.status = int(code)
        except ValueError:
            raise Torn(f'no status line: {lines[0]!r}') from None
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.decode('latin-1').partition(':')
            self.headers.append((name.strip().lower(), value.strip()))

    def header(self, name):
        """The value; None where absent. Two of them are an error."""
        values = [v for n, v in self.headers if n == name.lower()]
        assert len(values) < 2, f'{name} occurs twice: {values}'
        return values[0] if values else None

    @property
    def etag(self):
        return self.header('etag')

    def challenges(self):
        """The values of WWW-Authenticate, in their order."""
        return [v for n, v in self.headers if n == 'www-authenticate']

    def comparable(self):
        """Everything that must be alike between answers that must not be told apart: all but the date and the digits of a nonce."""
        headers = [(n, re.sub('nonce="[0-9a-f]*"', lambda m: f'nonce of {len(m[0])}', v)) for n, v in self.headers if n != 'date']
        return self.status, sorted(headers), self.body

    def __repr__(self):
        return f'<{self.status} {self.url} {len(self.body)} bytes>'


def basic(user, password):
    return 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()


def client_context(ca=None, maximum=None, minimum=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca:
        context.load_verify_locations(ca)
        context.check_hostname = False
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    return context


_ANY = client_context()
_addresses = itertools.count()


def fresh_address():
    """One of 64,000 loopback addresses, in turn: so that the proxies' limits by source do not add up over tests that are not about them."""
    n = next(_addresses) % 64000
    return f'127.100.{n // 250}.{n % 250 + 1}'


def connect(port, tls=True, source=None, timeout=20, context=None, host='127.0.0.1', session=None):
    """source: the client's address, which may be any of 127.0.0.0/8; None: one that nobody used lately. session: of an earlier connection, to be resumed."""
    if ':' in host:
        source = host  # IPv6 has one loopback address
    plain = socket.create_connection((host, port), timeout, (source or fresh_address(), 0))
    if not tls:
        return plain
    try:
        return (context or _ANY).wrap_socket(plain, server_hostname='localhost', session=session)
    except BaseException:
        plain.close()
        raise


def request_bytes(method, target, headers, version='HTTP/1.1'):
    if isinstance(target, str):
        target = target.encode('latin-1')
    out = method.encode('latin-1') + b' ' + target + b' ' + version.encode() + b'\r\n'
    for name, value in headers:
        name = name if isinstance(name, bytes) else name.encode('latin-1')
        value = value if isinstance(value, bytes) else value.encode('latin-1')
        out += name + b': ' + value + b'\r\n'
    return out + b'\r\n'


class Reader:
    """Reads whole answers from a connection."""

    def __init__(self, connection):
        self.connection, self.buffer = connection, b''

    def _more(self):
        try:
            part = self.connection.recv(65536)
        except (ConnectionError, ssl.SSLError) as error:
            raise Torn(f'connection broke: {error}') from error
        if not part:
            raise Torn(f'connection ended after {len(self.buffer)} bytes: {self.buffer[:200]!r}')
        self.buffer += part

    def answer(self, method='GET', url=''):
        while b'\r\n\r\n' not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b'\r\n\r\n', 1)
        answer = Answer(head, b'', url)
        if method == 'HEAD' or answer.status in (204, 304) or answer.status < 200:
            return answer
        length = answer.header('content-length')
        if length is not None:
            while len(self.buffer) < int(length):
                self._more()
            answer.body, self.buffer = self.buffer[:int(length)], self.buffer[int(length):]
        elif (answer.header('transfer-encoding') or '').lower() == 'chunked':
            answer.body = self._chunks()
        else:
            while True:
                try:
                    self._more()
                except Torn:
                    break
            answer.body, self.buffer = self.buffer, b''
        return answer

    def _chunks(self):
        body = b''
        while True:
            while b'\r\n' not in self.buffer:
                self._more()
            size, rest = self.buffer.split(b'\r\n', 1)
            size = int(size.split(b';')[0], 16)
            while len(rest) < size + 2:
                self.buffer = rest
                self._more()
                rest = self.buffer
            body, self.buffer = body + rest[:size], rest[size + 2:]
            if size == 0:
                return body


def fetch(port, target, method='GET', auth=None, headers=(), tls=True, source=None, timeout=20, agent='Test/1.0', context=None,
          body=b'', version='HTTP/1.1', host_header='localhost', raw=None, host='127.0.0.1', session=None):
    """One request on a connection of its own. auth: (user, password), or a whole value of Authorization. raw: send exactly these bytes instead. The answer knows
    the TLS session (`session`) and whether it was a resumed one (`resumed`). Raises Torn for half an answer."""
    if raw is None:
        lines = [('Host', host_header)] if host_header is not None else []
        if agent is not None:
            lines.append(('User-Agent', agent))
        if auth:
            lines.append(('Authorization', auth if isinstance(auth, str) else basic(*auth)))
        lines += list(headers)
        if body:
            lines.append(('Content-Length', str(len(body))))
        lines.append(('Connection', 'close'))
        raw = request_bytes(method, target, lines, version) + body
    try:
        connection = connect(port, tls, source, timeout, context, host, session)
    except ConnectionError as error:
        raise Torn(f'cannot connect: {error}') from error
    with connection:
        try:
            connection.sendall(raw)
        except ConnectionError:
            pass  # an early answer to a request that is refused: read it
        answer = Reader(connection).answer(method, target)
        if tls:
            answer.session, answer.resumed = connection.session, connection.session_reused
        return answer
