#!/usr/bin/python3
"""What a guess costs: a flood of wrong tokens through nginx, against the same flood at a libfcgi hello-world behind the same nginx.

    guesses.py                 a few small rounds, to see that it works; no bar
    guesses.py --full          the promise: at most 1.2 times the processor time of hello-world, and no statement of the workers

Counted is the processor time of nginx and of the pool (master, workers, journal) or of hello; mariadbd's, where the journal's batches end, is told beside it. Every guess comes by
a connection of its own from an address of its own, as storm makes them, so that no limit at nginx answers in the pool's place. Guesses have the form of tokens: what has not
may be a password brought in, and is one look-up. Rounds are paired (measure.py)."""
import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'lib')]

import measure
import stack
from measure import Variant, ratio, rounds
from proxies import Places, Proxies
from waiting import wait_until

LIMIT = 1.2
HELLO_BYTES = 64
LOCATION = '    location / {\n'


class GuessProxies(Proxies):
    """The shipped files, and beside the pool's location the like one of hello."""

    def write(self):
        super().write()
        self.hello_socket = self.directory / 'hello.sock'
        site = self.directory / 'nginx-site.conf'
        text = site.read_text()
        assert text.count(LOCATION) == 1
        begin = text.index(LOCATION)
        block = text[begin:text.index('    }\n', begin) + 6]
        assert block.count('fastcgi_pass dialtone;') == 1
        hello = block.replace('location /', 'location /hello/').replace('fastcgi_pass dialtone;', f'fastcgi_pass unix:{self.hello_socket};')
        site.write_text(text.replace(block, hello + '\n' + block))

    def start_haproxy(self):
        """Nothing is asked of it here."""


def write_guesses(path, prefix, count):
    """Known and unknown MACs alike have none of these tokens."""
    with open(path, 'w', encoding='utf-8') as file:
        for number in range(count):
            mac = f'805ec0{number:06x}'
            file.write(f'{prefix}{mac}.cfg\t{mac}\t{number:010x}{"aZ" * 11}\tYealink SIP-T54W 96.86.0.100\t\n')
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--full', action='store_true')
    parser.add_argument('--rounds', type=int)
    parser.add_argument('--guesses', type=int)
    parser.add_argument('--workers', type=int, default=4)
    ask = parser.parse_args()
    count, guesses = ask.rounds or (15 if ask.full else 3), ask.guesses or (4000 if ask.full else 500)
    storm = measure.Storm(measure.program(stack.BUILD, 'storm'))
    database = stack.Database()
    pool = hello = None
    try:
        database.start()
        pool = stack.Pool(database, workers=ask.workers, proxies=False, conf={'pool': {'max_requests': 0}, 'journal': {'flush_interval': 200}})
        pool.proxies = GuessProxies(Places(pool.directory, pool.socket, pool.health))
        pool.start()
        socket = pool.proxies.hello_socket
        hello = subprocess.Popen([measure.program(stack.BUILD, 'hello'), socket, str(ask.workers), str(HELLO_BYTES)])
        wait_until(socket.exists, 5, 'hello')
        target = f'127.0.0.1:{pool.proxies.tls_port("nginx")}'
        nginx = {'nginx': pool.proxies.nginx.pid}
        options = ['-c', 16]

        class Guesses(Variant):
            """A guess is answered by 401, which storm takes for a wrong answer: the statuses are judged here."""

            def run(self, storm, settle=0.4):
                super().run(lambda *more: storm(*more, judge=False), settle)
                statuses = {int(status): number for status, number in self.reports[-1]['statuses'].items()}
                assert statuses == {self.status: self.fetches}, f'{self.name}: {statuses}'

        def variant(name, prefix, roots, status):
            phones = write_guesses(pool.directory / f'{name}.tsv', prefix, guesses)
            out = Guesses(name, target, phones, options, {**nginx, **roots}, guesses)
            out.status = status
            return out
        ours, theirs = variant('guess', '/', {'pool': pool.process.pid}, 401), variant('hello', '/hello/', {'hello': hello.pid}, 200)
        for one in (ours, theirs):  # once for nothing
            one.run(storm)
            one.micros, one.shares, one.reports = [], [], []
        asked, served = database.round_trips(), measure.cpu_ns({'mariadbd': database.pid})['mariadbd']
        rounds(storm, [ours, theirs], count, lambda text: print(text, flush=True))
        # the health checks' and none of the guesses'
        asked, served = database.round_trips() - asked, measure.cpu_ns({'mariadbd': database.pid})['mariadbd'] - served
    finally:
        if hello:
            hello.terminate()
            hello.wait()
        if pool:
            pool.stop()
        database.stop()
    for one in (ours, theirs):
        print(f'{one.name}: {one.micro().text("{:.1f}")} µs of processor time: ' + ', '.join(f'{root} {micro:.1f}' for root, micro in one.share().items()))
    print(f'mariadbd beside it: {served / 1000 / (guesses * count):.1f} µs a guess, for the journal; statements of the workers: {asked}')
    figure = ratio(ours, theirs)
    good = figure.median <= LIMIT and asked < count * guesses / 100
    print(f'a guess against hello-world: {figure.text()} (limit {LIMIT}): {"ok" if good else "TOO MUCH"}')
    for directory in (pool.directory, database.directory):
        stack.remove(directory)
    return 0 if good or not ask.full else 1


if __name__ == '__main__':
    sys.exit(main())
