"""A unix-socket proxy before MariaDB that counts what the client sends, exactly, and that can turn into a black hole.

Counts packets with sequence number 0, i.e. commands: each is one round trip (COM_STMT_CLOSE, which has no answer, is counted apart).
"""
import contextlib
import socket
import struct
import threading
import time

COMMANDS = {0x01: 'quit', 0x02: 'init-db', 0x03: 'query', 0x0e: 'ping', 0x16: 'prepare', 0x17: 'execute', 0x18: 'long-data', 0x19: 'close',
            0x1a: 'reset', 0x1c: 'fetch', 0x1f: 'reset-connection'}


class _Stream:
    """Packets of one client; those before the first OK belong to the handshake and have sequence numbers above 0."""

    def __init__(self, told):
        self.buffer, self.told, self.skip = b'', told, 0

    def feed(self, data):
        self.buffer += data
        while len(self.buffer) >= 5:
            length = int.from_bytes(self.buffer[:3], 'little')
            if len(self.buffer) < 4 + length:
                return
            if self.buffer[3] == 0 and length:
                self.told(self.buffer[4], bytes(self.buffer[5:4 + length]))
            self.buffer = self.buffer[4 + length:]


class DatabaseProxy:
    def __init__(self, listen, upstream):
        self.listen, self.upstream = str(listen), str(upstream)
        self.mode = 'pass'          # or 'hole': nothing goes through, nothing is closed
        self.open = threading.Event()
        self.open.set()
        self.delay = 0              # seconds by which each packet to the server is late: a slow database
        self.commands = []          # (name, text) in order of arrival
        self.connections = 0
        self.lock = threading.Lock()
        self.pairs = set()
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.listen)
        self.server.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        self.open.wait()
        upstream = socket.socket(socket.AF_UNIX)
        try:
            upstream.connect(self.upstream)
        except OSError:
            client.close()
            return
        pair = (client, upstream)
        with self.lock:
            self.pairs.add(pair)
        stream = _Stream(self._told)
        threading.Thread(target=self._copy, args=(upstream, client, None, pair), daemon=True).start()
        self._copy(client, upstream, stream, pair)

    def _copy(self, source, target, stream, pair):
        try:
            while data := source.recv(65536):
                if stream:
                    stream.feed(data)
                    if self.delay:
                        time.sleep(self.delay)
                self.open.wait()
                target.sendall(data)
        except OSError:
            pass
        for s in pair:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
        with self.lock:
            self.pairs.discard(pair)

    def _told(self, command, content):
        with self.lock:
            self.commands.append((COMMANDS.get(command, hex(command)), content))

    def take(self):
        """Commands since the last call."""
        with self.lock:
            out, self.commands = self.commands, []
        return out

    def hole(self):
        self.open.clear()

    def restore(self):
        self.open.set()

    def cut(self):
        """Reset every connection."""
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            for s in pair:
                with contextlib.suppress(OSError):
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                    s.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.open.set()
        self.server.close()
        self.cut()


def round_trips(commands):
    """How many of them the client waits for."""
    return sum(name not in ('close', 'quit', 'long-data') for name, _ in commands)
