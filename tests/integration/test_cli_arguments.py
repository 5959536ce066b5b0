"""The command's arguments, messages and exit codes that need no database; and that manual and completion know what the program knows."""
import json
import re
import subprocess

import pytest

from stack import ROOT, program


def run(*arguments, **more):
    return subprocess.run([program('dialtone'), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          check=False, **more)


def verbs():
    """As the program lists them."""
    return [re.split(r' {2,}', line[2:])[0] for line in run('--help').stdout.splitlines() if re.match(r'  [a-z]', line)]


@pytest.mark.parametrize('arguments, message', [
    ((), 'which verb?'),
    (('rendr',), 'unknown verb `rendr`; did you mean `render`?'),
    (('xyzzy',), 'unknown verb `xyzzy`'),
    (('db',), '`db` needs a second word: `db init`, `db upgrade`, `db check`'),
    (('db', 'chek'), 'unknown verb `db chek`; did you mean `check`?'),
    (('keys',), '`keys` needs a second word: `keys new`'),
    (('--jsn', 'check'), 'unknown option `--jsn`; did you mean `--json`?'),
    (('render', '--show-secret-s', '805ec0000001'), 'unknown option `--show-secret-s`; did you mean `--show-secrets`?'),
    (('render', '-x', '805ec0000001'), 'unknown option `-x`'),
    (('render',), 'an argument is missing'),
    (('render', '805ec0000001', 'a', 'b'), '`b` is one argument too many'),
    (('render', '805ec000000'), '`805ec000000` is no MAC address'),
    (('render', '000000000000'), '`000000000000` is no MAC address'),
    (('lag', '--tenant'), 'option `--tenant` needs a value'),
    (('-c',), 'option `-c` needs a value'),
    (('identify',), '--path or --user-agent is missing'),
    (('db', 'init'), '--password-dir DIR is missing'),
    (('db', 'upgrade', '--set-passwords'), '--set-passwords needs --password-dir DIR'),
    (('credentials', '805ec0000001'), 'the output is no terminal'),
])
def test_bad_arguments(arguments, message):
    told = run(*arguments)
    assert told.returncode == 2
    assert message in told.stderr
    assert told.stdout == ''


def test_a_value_that_could_be_secret_is_not_repeated():
    told = run('render', '--passwrd=geheim', '805ec0000001')
    assert told.returncode == 2 and '--passwrd' in told.stderr and 'geheim' not in told.stderr


def test_control_characters_do_not_reach_the_terminal():
    told = run('render', '\x1b[31mred')
    assert told.returncode == 2 and '\x1b' not in told.stderr


@pytest.mark.parametrize('verb', verbs())
def test_each_verb_has_a_usage(verb):
    told = run(*verb.split(), '--help')
    assert told.returncode == 0 and told.stdout.startswith(f'usage: dialtone {verb}')


def test_version():
    assert run('version').stdout.startswith('dialtone ')
    assert run('--version').stdout == run('version').stdout
    assert json.loads(run('--json', 'version').stdout)['version'] == (ROOT / 'VERSION').read_text().strip()


def test_options_may_stand_anywhere():
    assert json.loads(run('version', '--json').stdout) == json.loads(run('--json', 'version').stdout)


def test_missing_configuration_is_named(tmp_path):
    told = run('-c', tmp_path / 'none.conf', 'conf')
    assert told.returncode == 6 and 'none.conf' in told.stderr


def test_conf(tmp_path):
    path = tmp_path / 'dialtone.conf'
    path.write_text('[database]\nname = phones\n[pool]\nworkers = 7\n')
    changed = json.loads(run('-c', path, '--json', 'conf', '--changed').stdout)
    assert changed == {'database': {'name': 'phones'}, 'pool': {'workers': '7'}}
    assert json.loads(run('-c', path, '--json', 'conf').stdout)['database']['user'] == 'dialtone_worker'
    assert 'workers = 7' in run('-c', path, 'conf').stdout
    path.write_text('[pool]\nworkers = 0\n')
    assert run('-c', path, 'conf').returncode == 6


def test_keys_new(tmp_path):
    ring = tmp_path / 'keys'
    assert run('keys', 'new', ring).returncode == 0
    assert ring.stat().st_mode & 0o777 == 0o600
    told = json.loads(run('--json', 'keys', 'new', ring).stdout)
    lines = [line.split() for line in ring.read_text().splitlines() if line and not line.startswith('#')]
    assert len(lines) == 2 and lines[1][0] == told['id']
    assert lines[1][1] not in json.dumps(told)
    assert run('keys', 'new', tmp_path / 'no' / 'keys').returncode == 6


def test_manual_and_completion_know_every_verb():
    manual = (ROOT / 'doc/dialtone.1').read_text()
    told = re.findall(r'^\.It Ic ((?:(?:db|keys|secret) )?[a-z]+)', manual, re.M)
    assert sorted(told) == sorted(verbs())
    completion = (ROOT / 'deploy/bash-completion/dialtone').read_text()
    for word in {word for verb in verbs() for word in verb.split()}:
        assert re.search(rf'\b{word}\b', completion), word


def test_manual_knows_every_option():
    manual = (ROOT / 'doc/dialtone.1').read_text()
    options = set()
    for source in (ROOT / 'cli').glob('*.c'):
        text = source.read_text()
        for table in re.findall(r'cli_option (?:options|common)\[\] = \{(.*?)\};', text, re.S):
            options |= set(re.findall(r'\{"([a-z-]+)"', table))
    assert len(options) > 10
    for option in options:
        assert f'Fl -{option}' in manual, option


def test_data_files_are_listed():
    """What is not in the lists is neither in the tarball nor installed."""
    told = subprocess.run([ROOT / 'm4/data-files.sh', '--check'], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
