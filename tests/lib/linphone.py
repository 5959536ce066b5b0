"""A real Linphone, the console program of Debian's linphone-cli: it fetches its configuration when it starts, saves it, and registers with it."""
import configparser
import os
import re
import signal
import subprocess
from pathlib import Path

from waiting import wait_until


class Linphone:
    """One installation: a HOME of its own. Starts as often as it is entered; what it saved stays, as on a real one."""

    def __init__(self, home, url=None, ca=None, settings=None):
        """url: where it gets its configuration; ca: whom it trusts for that. settings: {section: {key: value}} of its file before the first start."""
        self.home = Path(home)
        # where its database lies: it makes that, but not the folder, and without it never fetches
        (self.home / '.local/share/linphone').mkdir(parents=True)
        sections = {'sip': {'sip_port': -1, 'sip_tcp_port': -1, 'sip_tls_port': -1, **({'root_ca': ca} if ca else {})}, 'misc': {'config-uri': url} if url else {}, **(settings or {})}
        self.rc.touch(mode=0o600)
        self.rc.write_text(''.join(f'[{name}]\n' + ''.join(f'{key}={value}\n' for key, value in keys.items()) for name, keys in sections.items()))
        self.process = None
        self.refused = False

    @property
    def rc(self):
        return self.home / 'linphonerc'

    @property
    def log_path(self):
        return self.home / 'log'

    def log(self):
        """Of this start."""
        return self.log_path.read_text(errors='replace') if self.log_path.exists() else ''

    def __enter__(self):
        self.log_path.unlink(missing_ok=True)
        self.refused = False
        environment = {name: value for name, value in os.environ.items() if not name.startswith(('XDG_', 'DBUS_', 'PULSE_'))}
        with open(self.home / 'console', 'wb') as console:
            self.process = subprocess.Popen(['linphonec', '-c', self.rc, '-d', '6', '-l', self.log_path], stdin=subprocess.PIPE, stdout=console, stderr=console,
                                            cwd=self.home, env={**environment, 'HOME': str(self.home)}, start_new_session=True)
        return self

    def __exit__(self, *_):
        """It ends as by its user: says good-bye to the registrar, and saves. After a refusal it may ask for a password, and would take `quit` for one."""
        if self.process.poll() is None:
            try:
                if self.refused:
                    self.process.terminate()
                else:
                    self.process.stdin.write(b'quit\n')
                self.process.stdin.close()
                self.process.wait(20)
            except (subprocess.TimeoutExpired, BrokenPipeError):
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        assert self.process.returncode in (0, -signal.SIGTERM), f'linphonec ended with {self.process.returncode}: {self.log()[-2000:]}'

    def wait_for(self, what, pattern, seconds=30):
        """Until its log says so; the match."""
        def found():
            match = re.search(pattern, self.log())
            if not match and self.process.poll() is not None:
                raise RuntimeError(f'linphonec ended with {self.process.returncode}: {self.log()[-4000:]}')
            return match
        return wait_until(found, seconds, f'Linphone to {what}', every=0.1)

    def registers(self):
        """Whether the registrar takes it: it tries twice before it gives up."""
        match = self.wait_for('hear from its registrar', r'to \[LinphoneRegistration(Ok|Failed)\]')
        self.refused = match[1] == 'Failed'
        return not self.refused

    def sent(self, method):
        """Its requests of this method in this start."""
        return re.findall(rf'(?m)^{method} (?:.*\n)*?\r?\n', self.log())

    def configuration(self):
        """What it has saved."""
        parser = configparser.RawConfigParser(strict=False, delimiters='=', comment_prefixes='#')
        parser.read_string(self.rc.read_text())
        return {name: dict(parser[name]) for name in parser.sections()}

    def forget_url(self):
        """From now on it starts with what it has: as a phone that cannot reach the provisioning server."""
        self.rc.write_text(re.sub(r'(?m)^config-uri=.*\n', '', self.rc.read_text()))

    def everything(self):
        """All bytes that it keeps: settings, logs, databases."""
        return b''.join(path.read_bytes() for path in sorted(self.home.rglob('*')) if path.is_file())
