"""HTTP Digest as a phone does it (RFC 7616, qop auth), with nothing of Dialtone's code, and with every field open to be altered."""
import hashlib
import re
import secrets

ALGORITHMS = {'MD5': hashlib.md5, 'SHA-256': hashlib.sha256}


def challenge(answer, algorithm):
    """{parameter: value} of the challenge for this algorithm."""
    for text in answer.challenges():
        parameters = dict(re.findall(r'([a-z]+)="?([^",]*)"?', text.removeprefix('Digest ')))
        if text.startswith('Digest ') and parameters.get('algorithm', 'MD5') == algorithm:
            return parameters
    raise AssertionError(f'no challenge for {algorithm}: {answer.challenges()}')


def respond(asked, user, password, uri, method='GET', nc=1, cnonce=None, sent=None, **signed):
    """The value of Authorization. `signed` replaces fields before they are signed, `sent` (a dictionary) after it."""
    fields = {'username': user, 'realm': asked['realm'], 'nonce': asked['nonce'], 'uri': uri, 'algorithm': asked['algorithm'], 'qop': 'auth',
              'nc': f'{nc:08x}', 'cnonce': cnonce or secrets.token_hex(8)}
    fields.update(signed)
    hashed = ALGORITHMS[fields['algorithm']]

    def h(*parts):
        return hashed(':'.join(parts).encode()).hexdigest()
    fields['response'] = h(h(fields['username'], fields['realm'], password), fields['nonce'], fields['nc'], fields['cnonce'], fields['qop'], h(method, fields['uri']))
    fields.update(sent or {})
    bare = ('algorithm', 'qop', 'nc')
    return 'Digest ' + ', '.join(f'{name}={value}' if name in bare else f'{name}="{value}"' for name, value in fields.items())
