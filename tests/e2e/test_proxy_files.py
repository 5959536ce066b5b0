"""The shipped proxy files are what the tests run: nothing but addresses, ports, paths and accounts is replaced, and both proxies accept them."""
import subprocess

import pytest

from proxies import (HAPROXY_FILE, NGINX_FILE, Places, SITE_FILE, Proxies, haproxy_replacements, is_comment, nginx_replacements,
                     site_replacements, substitute)
from stack import remove, temporary

FILES = [(HAPROXY_FILE, haproxy_replacements), (NGINX_FILE, nginx_replacements), (SITE_FILE, site_replacements)]


@pytest.fixture
def places():
    directory = temporary('files')  # tmp_path may be too long for a socket
    yield Places(directory, directory / 'fcgi.sock', directory / 'health.sock', ports=(20443, 20080, 20180, 21443, 21080, 21180))
    remove(directory)


@pytest.mark.parametrize('file,replacements', FILES, ids=lambda f: getattr(f, 'name', ''))
def test_only_addresses_ports_paths_and_accounts_differ(file, replacements, places):
    shipped = file.read_text()
    ours = substitute(shipped, replacements(places))
    assert ours != shipped
    before, after = shipped.splitlines(), ours.splitlines()
    assert len(before) == len(after)
    changed = [(b, a) for b, a in zip(before, after) if b != a]
    assert not any(is_comment(b) for b, _ in changed)
    # put back word by word what we put in: the file must be the shipped one again
    back = ours
    for old, new in reversed(replacements(places)):
        assert back.count(new.strip('\n')) >= 1
        back = '\n'.join(line if is_comment(line) else line.replace(new.strip('\n'), old.strip('\n')) for line in back.split('\n'))
    assert back == shipped
    for old, new in replacements(places):
        words = old.split()
        assert len(words) == len(new.split()) or words[:2] == ['user', 'www-data;'], 'a replacement adds or drops a word'


def test_a_literal_that_is_gone_or_doubled_is_noticed():
    with pytest.raises(ValueError, match='0 times'):
        substitute('bind :81\n', [('bind :80', 'x')])
    with pytest.raises(ValueError, match='2 times'):
        substitute('bind :80\nbind :80\n', [('bind :80', 'x')])


def test_both_proxies_accept_the_files_without_a_warning(places):
    proxies = Proxies(places)
    proxies.write()
    checked = subprocess.run(['/usr/sbin/haproxy', '-c', '-f', places.directory / 'haproxy.cfg'], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert 'WARNING' not in checked.stderr and 'ALERT' not in checked.stderr, checked.stderr
    checked = subprocess.run(['/usr/sbin/nginx', '-t', '-c', places.directory / 'nginx.conf', '-e', places.directory / 'e.log'],
                             capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert '[warn]' not in checked.stderr and '[emerg]' not in checked.stderr, checked.stderr


# What proxies.md found by measuring, as text that must stand or must not stand in the shipped files.
@pytest.mark.parametrize('line', [
    'no option keep-conn', 'pass-header Authorization', 'option abortonclose', 'option http-restrict-req-hdr-names reject',
    'option http-buffer-request', 'timeout queue 1s', 'set-param REMOTE_USER %[str()]', 'retries 1',
])
def test_haproxy_says(line):
    assert line in [each.strip() for each in HAPROXY_FILE.read_text().splitlines()]


@pytest.mark.parametrize('word', ['option keep-conn', 'mpxs-conns', 'get-values', 'http-reuse', 'retry-on', 'userlist', 'path-info'])
def test_haproxy_says_nowhere(word):
    lines = [line.strip() for line in HAPROXY_FILE.read_text().splitlines() if not is_comment(line)]
    assert not [line for line in lines if word in line and line != 'no option keep-conn']


@pytest.mark.parametrize('word', ['include fastcgi_params', 'include fastcgi.conf', 'keepalive ', 'fastcgi_keep_conn', 'auth_basic', 'SCRIPT_NAME', 'REMOTE_USER'])
def test_nginx_says_nowhere(word):
    for file in (NGINX_FILE, SITE_FILE):
        assert not [line for line in file.read_text().splitlines() if not is_comment(line) and word in line]


def test_slots_are_workers():
    """HAProxy's maxconn is the default number of workers."""
    from proxies import ROOT
    header = (ROOT / 'core/conf.h').read_text()
    assert 'workers;         /* 1..512, default 4 */' in header
    assert ' maxconn 4 ' in HAPROXY_FILE.read_text()
