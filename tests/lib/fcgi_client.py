"""A raw FastCGI client (specification 1.0): what a proxy would send, and what no proxy ever should."""
import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
RESPONDER, KEEP_CONN = 1, 1


def record(kind, content, request=1, padding=0):
    return struct.pack('>BBHHBB', 1, kind, request, len(content), padding, 0) + content + b'\0' * padding


def pair(name, value):
    def length(n):
        return bytes([n]) if n < 128 else struct.pack('>I', n | 0x80000000)
    name = name.encode('latin-1') if isinstance(name, str) else name
    value = value.encode('latin-1') if isinstance(value, str) else value
    return length(len(name)) + length(len(value)) + name + value


def begin(flags=0):
    return record(BEGIN, struct.pack('>HB5x', RESPONDER, flags))


def params(pairs):
    """Records of the parameters and the empty one that ends them."""
    stream = b''.join(pair(n, v) for n, v in pairs)
    out = b''
    for i in range(0, len(stream), 65528):
        out += record(PARAMS, stream[i:i + 65528])
    return out + record(PARAMS, b'')


def request(pairs, body=b'', flags=0):
    out = begin(flags) + params(pairs)
    for i in range(0, len(body), 65528):
        out += record(STDIN, body[i:i + 65528])
    return out + record(STDIN, b'')


def proxy_parameters(target, method='GET', auth=None, address='192.0.2.7', https=True, extra=()):
    """What the shipped proxies send."""
    from phone import basic
    pairs = [('REQUEST_METHOD', method), ('REQUEST_URI', target), ('SERVER_PROTOCOL', 'HTTP/1.1'), ('REMOTE_ADDR', address),
             ('REMOTE_PORT', '40000'), ('CONTENT_LENGTH', ''), ('REQUEST_ID', 'raw')]
    if https:
        pairs.append(('HTTPS', 'on'))
    if auth:
        pairs.append(('HTTP_AUTHORIZATION', basic(*auth)))
    pairs.append(('HTTP_USER_AGENT', 'raw/1.0'))
    return pairs + list(extra)


class CgiAnswer:
    def __init__(self, stdout, stderr, ended, application_status):
        self.stdout, self.stderr, self.ended, self.application_status = stdout, stderr, ended, application_status
        head, separator, self.body = stdout.partition(b'\r\n\r\n')
        self.whole = bool(separator)
        self.headers = [(n.strip().lower(), v.strip()) for n, _, v in (line.partition(':') for line in head.decode('latin-1').split('\r\n') if line)]
        status = self.header('status')
        self.status = int(status.split()[0]) if status else (200 if self.whole else None)

    def header(self, name):
        values = [v for n, v in self.headers if n == name]
        assert len(values) < 2, f'{name} occurs twice: {values}'
        return values[0] if values else None


def read_answer(connection):
    """Records until the end of the request or of the connection."""
    stdout = stderr = b''
    buffer, ended, status = b'', False, None
    while not ended:
        while len(buffer) >= 8:
            _, kind, _, length, padding = struct.unpack('>BBHHB', buffer[:7])
            if len(buffer) < 8 + length + padding:
                break
            content, buffer = buffer[8:8 + length], buffer[8 + length + padding:]
            if kind == STDOUT:
                stdout += content
            elif kind == STDERR:
                stderr += content
            elif kind == END:
                ended, status = True, struct.unpack('>I', content[:4])[0]
        if ended:
            break
        try:
            part = connection.recv(65536)
        except ConnectionError:
            break
        if not part:
            break
        buffer += part
    return CgiAnswer(stdout, stderr, ended, status)


def open_socket(path, timeout=20):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(str(path))
    return s


def fetch(path, pairs, body=b'', timeout=20):
    with open_socket(path, timeout) as s:
        s.sendall(request(pairs, body))
        return read_answer(s)
