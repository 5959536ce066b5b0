"""A vendor's factory: certificates for phones by the CAs that stand for the vendors' in the tests, good ones and all kinds of bad ones."""
import ssl
import subprocess

from phone import client_context
from proxies import VENDOR_CAS

EC = ('ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1')


def openssl(*arguments):
    return subprocess.run(['openssl', *map(str, arguments)], check=True, capture_output=True, text=True).stdout


class Factory:
    def __init__(self, certs, directory):
        """certs: where make_certificates put the CAs; directory: for what is made here."""
        self.certs, self.directory = certs, directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.made = 0

    def rogue(self, like):
        """A CA of somebody else's that calls itself by a vendor's name."""
        name = self.directory / f'rogue-{like}'
        if not name.with_suffix('.pem').exists():
            openssl('req', '-x509', '-newkey', *EC, '-nodes', '-days', 30, '-subj', VENDOR_CAS[like], '-keyout', name.with_suffix('.key'), '-out', name.with_suffix('.pem'))
        return name

    def certificate(self, subject, ca='yealink-ca', new=EC, days=30, digest='-sha256'):
        """(key file, certificate file). subject: as `openssl req -subj` wants it. ca: a name of VENDOR_CAS, or what rogue() gave."""
        by = self.certs / ca if isinstance(ca, str) else ca
        self.made += 1
        key, request, cert = (self.directory / f'{self.made}.{kind}' for kind in ('key', 'csr', 'crt'))
        openssl('req', '-newkey', *new, '-nodes', '-subj', subject, '-keyout', key, '-out', request)
        openssl('x509', '-req', '-in', request, '-CA', f'{by}.pem', '-CAkey', f'{by}.key', '-set_serial', 1000 + self.made, digest, '-days', days, '-out', cert)
        return key, cert


def fingerprint(pair):
    return openssl('x509', '-noout', '-fingerprint', '-sha256', '-in', pair[1]).strip().partition('=')[2]


VERSIONS = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}


def context_with(pair, version='1.3'):
    """A client's TLS context that presents a certificate, over one version of TLS. Old phones' weak keys are shown too."""
    context = client_context(minimum=VERSIONS[version], maximum=VERSIONS[version])
    context.set_ciphers('DEFAULT:@SECLEVEL=0')
    if pair:
        context.load_cert_chain(pair[1], pair[0])
    return context
