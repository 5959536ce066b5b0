"""Whatever snom-xml and lpconfig write, another XML parser reads back to the same names and values; what it could not is refused by name."""
import os
import random
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from stack import BUILD

ODD = ['<', '>', '&', '"', "'", ']]>', '<![CDATA[', '<!--', '-->', '&amp;', '&#10;', '</entry>', '</settings>', '<?xml?>', '%NULL%', ' ', '  ', '=', '#', '|', 'ä', '€', '\U0001f4de',
       '\u0085', '\u2028', '\ufffd']
BAD = ['\n', '\r', '\t', '\0', '\x01', '\x1b', '\x7f', '\ufffe', '\uffff']
NAMES = {
    'snom-xml': ['phone-settings/language', 'phone-settings/user_name[1]', 'phone-settings/user_name[12]', 'phone-settings/user_name[1]/@perm', 'functionKeys/fkey[0]',
                 'functionKeys/fkey[0]/@label', 'functionKeys/fkey[0]/@context', 'functionKeys/fkey[101]', 'functionKeys/fkey[101]/@label', 'tbook/x'],
    'lpconfig': ['sip/use_info', 'proxy_0/reg_identity', 'proxy_0/reg_proxy', 'proxy_10/reg_proxy', 'auth_info_0/ha1', 'misc/config-uri', 'audio_codec_3/mime'],
}
LPCONFIG = '{http://www.linphone.org/xsds/lpconfig.xsd}'


@pytest.fixture(scope='module')
def program():
    path = os.path.join(BUILD, 'tests/unit/test_writer_xml')
    subprocess.run(['make', '-s', '-C', str(BUILD), 'tests/unit/test_writer_xml'], check=True, stdout=subprocess.DEVNULL)
    return path


def write(program, writer, pairs):
    parts = b''.join(b'%d:%s' % (len(part), part) for pair in pairs for part in (pair[0].encode(), pair[1].encode()))
    done = subprocess.run([program, writer], input=parts, stdout=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode in (0, 3)
    return done.returncode == 0, done.stdout


def read_snom(text):
    found = {}
    root = ElementTree.fromstring(text)
    assert root.tag == 'settings' and not root.attrib
    for section in root:
        for element in section:
            assert not len(element)
            index = element.attrib.pop('idx', None)
            path = section.tag + '/' + element.tag + ('' if index is None else '[%s]' % index)
            assert path not in found
            found[path] = element.text or ''
            for name, value in element.attrib.items():
                found[path + '/@' + name] = value
    return found


def read_lpconfig(text):
    found = {}
    root = ElementTree.fromstring(text)
    assert root.tag == LPCONFIG + 'config'
    for section in root:
        assert section.tag == LPCONFIG + 'section' and set(section.attrib) == {'name'} and section.attrib['name']
        for entry in section:
            assert entry.tag == LPCONFIG + 'entry' and not len(entry) and entry.attrib['overwrite'] == 'true' and set(entry.attrib) == {'name', 'overwrite'}
            path = section.attrib['name'] + '/' + entry.attrib['name']
            assert path not in found
            found[path] = entry.text or ''
    return found


def expected_snom(pairs):
    expected = dict(pairs)
    for name, _ in pairs:
        if '/@' not in name:
            expected.setdefault(name + '/@perm', 'R')
    return expected


def value(chance, hostile):
    parts = []
    for _ in range(chance.randrange(6)):
        parts.append(''.join(chr(chance.randrange(0x20, 0x7f)) for _ in range(chance.randrange(24))))
        parts.append(chance.choice(ODD))
    if hostile:
        parts.insert(chance.randrange(len(parts) + 1), chance.choice(BAD))
    return ''.join(parts)


@pytest.mark.parametrize('writer', sorted(NAMES))
def test_another_parser_reads_it_back(program, writer):
    chance = random.Random(20261130)
    written = refused = 0
    for _ in range(400):
        hostile = chance.random() < 0.2
        names = chance.sample(NAMES[writer], chance.randrange(1, len(NAMES[writer]) + 1))
        names += sorted({name.split('/@')[0] for name in names} - set(names))  # an attribute without its element is refused
        bad = chance.choice(names) if hostile else None
        pairs = [(name, value(chance, name == bad)) for name in names]
        good, text = write(program, writer, pairs)
        assert good != hostile, (pairs, text)
        if good:
            assert (read_snom(text) == expected_snom(pairs)) if writer == 'snom-xml' else (read_lpconfig(text) == dict(pairs))
            written += 1
        else:
            assert ('the value of %s ' % bad) in text.decode()
            refused += 1
    assert written > 200 and refused > 40
