#!/usr/bin/python3
"""What a fetch costs, how a storm of phones drains, what a worker holds, how soon a restarted database is used again.

    bench.py --quick    small numbers, everything once: proves that the benchmark works and that every body is right; no bar
    bench.py --full     the numbers of doc/measurements.md; fails where a bar is passed, and appends its section there
    bench.py --full --only costs,storm --phones 10000 --million 200000 ...

Server side only: processor time of nginx, HAProxy, the pool (workers, journal, health, master) and mariadbd, per answered fetch. The client
shares the machine and is not counted, but it takes part in what a storm's time is. DIALTONE_BUILD names the build directory, DIALTONE_TMP
where databases go (a million phones take several GB)."""
import argparse
import hashlib
import os
import platform
import random
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'lib')]

import measure
import population
import stack
from measure import Spread, Variant, ratio, rounds
from proxies import Places, Proxies, ROOT, free_ports
from waiting import wait_until

REPORT = ROOT / 'doc/measurements.md'
MIB = 1 << 20
# The promises. cost_*: processor time of a fetch against the thing named; storm: time to drain against static files.
BARS = {'cost against static file, nginx': 2.0, 'cost against static file, HAProxy': 1.8, 'cost against the least server': 1.6,
        'million phones against ten thousand': 1.15, 'storm against static files': 1.5, 'private memory of a worker, MiB': 1.5,
        'recovery, s': 1.0}

PARTS = ('costs', 'million', 'storm', 'memory', 'recovery')


def say(text):
    print(f'{time.strftime("%H:%M:%S")} {text}', flush=True)


class BenchProxies(Proxies):
    """The shipped files, and beside their site: static files by the same nginx, and by HAProxy from nginx over plain HTTP."""

    def write(self):
        super().write()
        d, host = self.directory, self.places.host
        self.static_plain, self.static_haproxy = free_ports(2)
        (d / 'static').mkdir(exist_ok=True)
        site = d / 'nginx-site.conf'
        text = site.read_text()
        static = f'    location /static/ {{ root {d}; }}\n\n    location / {{\n'
        assert text.count('    location / {\n') == 1
        text = text.replace('    location / {\n', static)
        text += f'\nserver {{\n    listen {host}:{self.static_plain} backlog=4096;\n    location /static/ {{ root {d}; }}\n}}\n'
        site.write_text(text)
        with open(d / 'haproxy.cfg', 'a', encoding='utf-8') as file:
            file.write(f'\nfrontend bench\n    bind {host}:{self.static_haproxy} ssl crt {d}/certs/prov.pem alpn h2,http/1.1\n'
                       f'    default_backend bench\nbackend bench\n    server static {host}:{self.static_plain}\n')


class World:
    """A database with phones, a pool on it, both proxies, and the same files as static ones."""

    def __init__(self, name, phones, options, bulk=False, workers=4, conf=None, wide=200, tenants=population.TENANTS):
        self.name, self.count = name, phones
        base = Path(os.environ.get('DIALTONE_TMP') or '/tmp') / f'dialtone-bench-{name}-{os.getpid()}'
        self.directory = base
        (base / 'pool').mkdir(parents=True)
        self.database = stack.Database(base, options=options)
        say(f'{name}: a database with {phones} phones')
        self.database.start()
        self.sql = population.Sql(self.database.socket, self.database.name)
        began = time.monotonic()
        population.fill(self.sql, 0, phones, bulk=bulk, tenants=tenants)
        population.fill(self.sql, 0, wide, wide=True, bulk=bulk, tenants=tenants)
        self.load_seconds = time.monotonic() - began
        say(f'{name}: loaded in {self.load_seconds:.0f} s')
        self.wide = wide
        settings = {'pool': {'max_requests': 0}, 'journal': {'flush_interval': 200}}
        self.pool = stack.Pool(self.database, workers=workers, directory=base / 'pool', conf=stack.merged(settings, conf or {}))
        self.proxies = self.pool.proxies = BenchProxies(Places(base / 'pool', self.pool.socket, self.pool.health))
        self.workers = workers
        self.minimal = None
        self.pool.start()

    @property
    def fcgi(self):
        return f'unix:{self.pool.socket}'

    def list(self, name, numbers, wide=False, prefix='/', digests=None):
        return population.write_phones(self.database, self.sql, self.directory / f'{name}.tsv', numbers, wide, prefix, digests)

    def start_minimal(self):
        path = self.directory / 'minimal.sock'
        self.minimal = subprocess.Popen([measure.program(stack.BUILD, 'minimal'), path, str(self.workers), self.database.socket, 'root',
                                         self.database.name])
        wait_until(path.exists, 5, 'the least server')
        return f'unix:{path}'

    def root(self, *names):
        pids = {'nginx': lambda: self.proxies.nginx.pid, 'haproxy': lambda: self.proxies.haproxy.pid,
                'pool': lambda: self.pool.process.pid, 'mariadbd': lambda: self.database.pid, 'minimal': lambda: self.minimal.pid}
        return {name: pids[name]() for name in names}

    def cache(self):
        metrics = self.pool.metrics()
        return metrics['dialtone_cache_misses_total'], metrics['dialtone_request_seconds_count']

    def stop(self):
        if self.minimal:
            self.minimal.terminate()
            self.minimal.wait()
        self.pool.stop()
        self.database.stop()
        stack.remove(self.directory)


class Bench:
    def __init__(self, arguments):
        self.ask = arguments
        self.storm = measure.Storm(measure.program(stack.BUILD, 'storm'))
        self.random = random.Random(1)
        self.small = self.large = None
        self.figures = {}  # of BARS
        self.tables = []   # lines of markdown
        # userstat, by which tests count round trips, asks the kernel for the processor time at each statement
        fast = ['--innodb-log-file-size=1G', '--skip-log-bin', '--userstat=0']
        self.small_options = ['--innodb-buffer-pool-size=512M', *fast]
        self.large_options = ['--innodb-buffer-pool-size=8G', '--innodb-buffer-pool-size-max=8G', *fast]

    def start(self):
        self.small = World('small', self.ask.phones, self.small_options, bulk=self.ask.phones > 20000, wide=self.ask.wide,
                           tenants=self.ask.tenants)

    def sample(self, world, count):
        return self.random.sample(range(world.count), min(count, world.count))

    # ---- bodies

    def bodies(self):
        """Every phone's body by the pool itself is the reference; the command renders some of the same. Leaves the static files and, in
        the lists, digests for all that follows."""
        world = self.small
        numbers = self.sample(world, max(self.ask.fetches, self.ask.quick and 200))
        static = world.proxies.directory / 'static'
        plain = world.list('reference', numbers)
        self.storm(world.fcgi, plain, '--fcgi', '-c', world.workers, '--save', static)
        wide = world.list('reference-wide', range(world.wide), wide=True)
        self.storm(world.fcgi, wide, '--fcgi', '-c', world.workers, '--save', static)
        for number in numbers[:10]:
            mac = population.mac(number)
            rendered = world.database.command('render', mac, '--show-secrets').stdout
            if rendered.encode() != (static / f'{mac}.cfg').read_bytes():
                raise AssertionError(f'{mac}: `dialtone render` and the pool differ')
        digests = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in static.iterdir()}
        self.plain = world.list('plain', numbers, digests=digests)
        self.wide_list = world.list('wide', range(world.wide), wide=True, digests=digests)
        self.static = world.list('static', numbers, prefix='/static/', digests=digests)
        self.static_wide = world.list('static-wide', range(world.wide), wide=True, prefix='/static/', digests=digests)
        say(f'bodies: {len(numbers)} phones, the command renders the same bytes')

    # ---- what a fetch costs

    def variants(self, world, minimal=None):
        nginx, haproxy = (f'127.0.0.1:{world.proxies.tls_port(name)}' for name in ('nginx', 'haproxy'))
        behind = f'127.0.0.1:{world.proxies.static_haproxy}'
        n, c = self.ask.fetches, ['-c', 16]
        few = ['--fcgi', '-c', world.workers]
        out = [Variant('static file, nginx', nginx, self.static, c, world.root('nginx'), n),
               Variant('Dialtone, nginx', nginx, self.plain, c, world.root('nginx', 'pool', 'mariadbd'), n),
               Variant('static file, HAProxy', behind, self.static, c, world.root('haproxy', 'nginx'), n),
               Variant('Dialtone, HAProxy', haproxy, self.plain, c, world.root('haproxy', 'pool', 'mariadbd'), n),
               Variant('Dialtone, FastCGI alone', world.fcgi, self.plain, few, world.root('pool', 'mariadbd'), n),
               Variant('the least server, FastCGI alone', minimal, [], few, world.root('minimal', 'mariadbd'), n),
               Variant('static file of a 150-key phone, nginx', nginx, self.static_wide, c, world.root('nginx'), world.wide),
               Variant('150-key phone, nginx', nginx, self.wide_list, c, world.root('nginx', 'pool', 'mariadbd'), world.wide)]
        out[5].phones = self.least
        return out

    def least_list(self, world):
        """The least server's bodies hold rows, not a file: expect the tenant's or any row, which is the digit 2 of `complete`."""
        path = world.directory / 'least.tsv'
        with open(self.plain, encoding='utf-8') as lines, open(path, 'w', encoding='utf-8') as out:
            for line in lines:
                out.write('\t'.join(line.rstrip('\n').split('\t')[:4] + [population.MODEL]) + '\n')
        return str(path)

    def costs(self):
        world = self.small
        minimal = world.start_minimal()
        self.least = self.least_list(world)
        variants = self.variants(world, minimal)
        for variant in variants:  # once for nothing: caches of all kinds
            variant.run(self.storm)
            variant.micros, variant.shares, variant.reports = [], [], []
        self.warm(world, self.plain)
        before = world.cache()
        rounds(self.storm, variants, self.ask.rounds, say)
        after = world.cache()
        static_n, dialtone_n, static_h, dialtone_h, alone, least, static_wide, wide = variants
        missed = (after[0] - before[0]) / max(1, after[1] - before[1])
        self.tables += ['| | µs of processor time a fetch | of which |', '| --- | --- | --- |']
        for v in variants:
            shares = ', '.join(f'{name} {micro:.0f}' for name, micro in v.share().items())
            self.tables.append(f'| {v.name} | {v.micro().text("{:.0f}")} | {shares} |')
        self.tables += ['', '| ratio, paired | median (least–most) | bar |', '| --- | --- | --- |']
        self.bar('cost against static file, nginx', ratio(dialtone_n, static_n))
        self.bar('cost against static file, HAProxy', ratio(dialtone_h, static_h))
        self.bar('cost against the least server', ratio(alone, least))
        self.tables.append(f'| 150-key phone against its static file, nginx | {ratio(wide, static_wide).text()} | – |')
        size, wide_size = (v.reports[-1]['body_bytes']['mean'] for v in (dialtone_n, wide))
        self.tables += ['', f'{100 * (1 - missed):.1f} % of the fetches found all their shared layers in the worker\'s cache. '
                        f'{self.ask.rounds} rounds of {self.ask.fetches} fetches; body {size:.0f} bytes, '
                        f'with 150 keys {wide_size:.0f}.', '']
        self.journal_share()

    def warm(self, world, phones):
        self.storm(world.fcgi, phones, '--fcgi', '-c', world.workers, '-n', self.ask.warm)

    def journal_share(self):
        """What the journal costs: it gathers while phones fetch, and is then watched alone."""
        world = self.small
        roots = {**world.root('mariadbd'), 'journal': next(p for p, title in world.pool.children().items() if 'journal' in title)}
        wait_until(lambda: world.pool.metrics()['dialtone_journal_spooled'] == 0, 30, 'the journal to be written')
        os.kill(roots['journal'], 19)  # SIGSTOP: datagrams wait in the socket
        count = min(self.ask.fetches, 200)
        written = world.pool.metrics()['dialtone_journal_written_total']
        try:
            self.storm(world.fcgi, self.plain, '--fcgi', '-c', world.workers, '-n', count)
            before = measure.cpu_ns(roots)
        finally:
            os.kill(roots['journal'], 18)
        wait_until(lambda: world.pool.metrics()['dialtone_journal_written_total'] > written, 10, 'the journal to write')
        wait_until(lambda: world.pool.metrics()['dialtone_journal_spooled'] == 0, 30, 'the journal to be written')
        time.sleep(0.3)
        after = measure.cpu_ns(roots)
        number = world.pool.metrics()['dialtone_journal_written_total'] - written
        parts = {name: (after[name] - before[name]) / 1000 / number for name in roots}
        self.tables += [f'The journal, of that: mariadbd {parts["mariadbd"]:.1f} µs and its own process {parts["journal"]:.1f} µs a record '
                        f'({number:.0f} records in batches).', '']

    # ---- a million phones

    def million(self):
        self.large = World('large', self.ask.million, self.large_options, bulk=self.ask.million > 20000, wide=self.ask.wide,
                           tenants=self.ask.tenants)
        small, large = self.small, self.large
        plain = large.list('million', self.sample(large, self.ask.fetches))
        few = ['--fcgi', '-c', small.workers]
        pair = [Variant(f'{small.count:,} phones', small.fcgi, self.plain, few, small.root('pool', 'mariadbd'), self.ask.fetches),
                Variant(f'{large.count:,} phones', large.fcgi, plain, few, large.root('pool', 'mariadbd'), self.ask.fetches)]
        for world, phones in ((small, self.plain), (large, plain)):
            self.warm(world, phones)
        rounds(self.storm, pair, self.ask.rounds, say)
        self.tables += [f'FastCGI alone, {small.count:,} phones {pair[0].micro().text("{:.0f}")} µs, {large.count:,} phones '
                        f'{pair[1].micro().text("{:.0f}")} µs (loaded in {large.load_seconds:.0f} s).', '',
                        '| ratio, paired | median (least–most) | bar |', '| --- | --- | --- |']
        self.bar('million phones against ten thousand', ratio(pair[1], pair[0]))
        self.tables.append('')

    # ---- storms

    def storms(self):
        world = self.large or self.small
        numbers = self.sample(world, self.ask.storm)
        phones = world.list('storm', numbers)
        static_dir = world.proxies.directory / 'static'
        self.storm(world.fcgi, phones, '--fcgi', '-c', world.workers, '--save', static_dir)
        static = world.list('storm-static', numbers, prefix='/static/')
        # A power cut meets a service that has been running: its workers' caches hold what they hold then, and each phone has a state.
        self.warm(world, phones)
        before = world.cache()
        self.tables += [f'| {len(numbers):,} phones | at once | s, static | s, Dialtone | ratio | answered | 503, retried | p50, p99 ms |',
                        '| --- | --- | --- | --- | --- | --- | --- | --- |']
        worst = []
        for proxy in ('nginx', 'haproxy'):
            for crowd in self.ask.crowds:
                static_port = world.proxies.tls_port('nginx') if proxy == 'nginx' else world.proxies.static_haproxy
                plain, ours = [], []
                for _ in range(self.ask.storm_rounds):
                    plain.append(self.storm(f'127.0.0.1:{static_port}', static, '-c', crowd))
                    ours.append(self.storm(f'127.0.0.1:{world.proxies.tls_port(proxy)}', phones, '-c', crowd))
                pair = Spread(o['seconds'] / p['seconds'] for o, p in zip(ours, plain))
                last = ours[-1]
                self.tables.append(f'| {proxy} | {crowd} | {Spread(p["seconds"] for p in plain).text("{:.1f}")} '
                                   f'| {Spread(o["seconds"] for o in ours).text("{:.1f}")} | {pair.text()} | {last["right"]:,} rightly '
                                   f'| {last["retries"]} | {last["latency_ms"]["p50"]:.0f}, {last["latency_ms"]["p99"]:.0f} |')
                say(self.tables[-1])
                worst.append(pair.median)
        after = world.cache()
        self.tables += ['', f'{100 * (1 - (after[0] - before[0]) / max(1, after[1] - before[1])):.1f} % of these fetches found all their '
                        'shared layers in the worker\'s cache.', '']
        self.figure('storm against static files', max(worst))

    # ---- memory

    def memory(self):
        """With the smallest cache, so that what a worker holds is its own; then whether it grows."""
        world = self.small
        cache = 64 << 10
        pool = stack.Pool(world.database, workers=2, directory=world.directory / 'memory', proxies=False,
                          conf={'pool': {'max_requests': 0, 'cache_bytes': cache}})
        pool.directory.mkdir()
        seen = []
        try:
            pool.start()
            for part in (0.1, 0.4, 0.5):
                count = int(self.ask.memory * part)
                self.storm(f'unix:{pool.socket}', self.plain, '--fcgi', '-c', 2, '-n', count)
                seen.append(max(measure.private_bytes(pid) for pid in pool.worker_pids()))
        finally:
            pool.stop()
        grown = seen[2] - seen[1]
        self.tables += [f'Private memory of a worker: {seen[2] / MIB:.2f} MiB after {self.ask.memory:,} fetches (two workers) with a '
                        f'cache of {cache >> 10} KiB; {seen[0] / MIB:.2f} after a tenth, {seen[1] / MIB:.2f} after half. '
                        f'Grown in the second half: {grown >> 10} KiB.', '']
        self.figure('private memory of a worker, MiB', (seen[2] - cache) / MIB)
        if self.ask.full and grown > 64 << 10:
            self.figure('private memory of a worker, MiB', float('inf'))

    # ---- a restarted database

    def recovery(self):
        """The time between the first moment that the server takes connections again and the last answer that was not 200."""
        world = self.small
        series = world.directory / 'series'
        up = []

        def watch():
            while not up:
                probe = subprocess.run(['mariadb-admin', '--no-defaults', f'--socket={world.database.socket}', '--user=root', 'ping'],
                                       capture_output=True, check=False)
                if probe.returncode == 0:
                    up.append(time.monotonic_ns())
                else:
                    time.sleep(0.005)

        figures = []
        for how in ('killed', 'stopped'):
            up.clear()
            load = threading.Thread(target=self.storm, args=(world.fcgi, self.plain, '--fcgi', '-c', 8, '-s', 12, '-r', 500, '--retries', 0,
                                                             '--series', series), kwargs={'judge': False})
            load.start()
            time.sleep(2)
            began = time.monotonic_ns()
            if how == 'killed':
                world.database.kill()
            else:
                world.database.stop()
            watcher = threading.Thread(target=watch)
            watcher.start()
            world.database.start_server()
            watcher.join()
            load.join()
            rows = [tuple(map(int, line.split())) for line in series.read_text().splitlines()]
            late = [ended for opened, ended, _, status in rows if status != 200 and ended > began]
            slowest = max((ended - opened for opened, ended, _, _ in rows if ended > began), default=0)
            good_after = sum(1 for opened, _, _, status in rows if status == 200 and opened > up[0])
            seconds = max(0, max(late, default=0) - up[0]) / 1e9
            broken = sum(1 for _, _, _, status in rows if status == 0)
            others = sorted({status for _, _, _, status in rows} - {0, 200, 503})
            odd = f', other answers {others}' if others else ''
            self.tables += [f'MariaDB {how} and started again under 500 fetches a second: away for {(up[0] - began) / 1e9:.1f} s, '
                            f'{len(late)} answers 503, {broken} connections broken{odd}; every fetch right again '
                            f'{seconds:.2f} s after the server took connections ({good_after} fetches after that); slowest answer '
                            f'{slowest / 1e9:.2f} s.', '']
            figures.append(seconds)
        self.figure('recovery, s', max(figures))

    # ---- bars

    def figure(self, name, value):
        self.figures[name] = max(value, self.figures.get(name, 0))
        say(f'{name}: {value:.2f} (bar {BARS[name]})')

    def bar(self, name, spread):
        self.tables.append(f'| {name} | {spread.text()} | {BARS[name]} |')
        self.figure(name, spread.median)

    def run(self):
        self.start()
        try:
            self.bodies()
            for part in PARTS:
                if part in self.ask.only:
                    getattr(self, 'storms' if part == 'storm' else part)()
        finally:
            for world in (self.small, self.large):
                if world:
                    world.stop()
        return self.report()

    def report(self):
        over = [name for name, value in self.figures.items() if value > BARS[name]]
        commit = subprocess.run(['git', '-C', ROOT, 'describe', '--always', '--dirty', '--abbrev=10'], capture_output=True, text=True,
                                check=False).stdout.strip() or 'no repository'
        lines = [f'## {date.today().isoformat()}, commit {commit}', '', f'{machine()}; {software()}.', '', *self.tables]
        lines.append('Bars: ' + '; '.join(f'{name} {value:.2f} of {BARS[name]}{" **over**" if name in over else ""}'
                                          for name, value in self.figures.items()) + '.')
        text = '\n'.join(lines) + '\n'
        print(text)
        if self.ask.full and not self.ask.no_report:
            with open(REPORT, 'a', encoding='utf-8') as file:
                file.write('\n' + text)
        if self.ask.quick:
            return 0
        for name in over:
            say(f'over the bar: {name}')
        return 1 if over else 0


def machine():
    """What kind of machine this is, and no name of it."""
    processors = Path('/proc/cpuinfo').read_text()
    model = next((line.split(':', 1)[1].strip() for line in processors.splitlines() if line.startswith('model name')), platform.machine())
    memory = next(int(line.split()[1]) for line in Path('/proc/meminfo').read_text().splitlines() if line.startswith('MemTotal:'))
    virtual = 'virtual machine, ' if 'hypervisor' in processors else ''
    return f'{virtual}{os.cpu_count()} processors ({model}), {memory / (1 << 20):.0f} GiB, Linux {platform.release().split("-")[0]}'


def software():
    def first(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).splitlines()[0]

    return ', '.join((first('/usr/sbin/mariadbd', '--version').split('Ver ')[-1].split('-')[0].join(('MariaDB ', '')),
                      first('/usr/sbin/haproxy', '-v').split(' ')[2].split('-')[0].join(('HAProxy ', '')),
                      first('/usr/sbin/nginx', '-v').split('/')[-1].split(' ')[0].join(('nginx ', '')),
                      ' '.join(first('openssl', 'version').split()[:2])))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument('--quick', action='store_true')
    kind.add_argument('--full', action='store_true')
    parser.add_argument('--only', type=lambda text: text.split(','), default=list(PARTS), help=f'some of {",".join(PARTS)}')
    parser.add_argument('--no-report', action='store_true', help='do not append to doc/measurements.md')
    for name in ('phones', 'wide', 'tenants', 'million', 'fetches', 'rounds', 'warm', 'storm', 'storm-rounds', 'memory'):
        parser.add_argument(f'--{name}', type=int)
    parser.add_argument('--crowds', type=lambda text: [int(n) for n in text.split(',')])
    arguments = parser.parse_args()
    usual = {'phones': 10000, 'wide': 200, 'tenants': population.TENANTS, 'million': 1000000, 'fetches': 5000, 'rounds': 7, 'warm': 60000,
             'storm': 20000, 'storm_rounds': 3, 'memory': 100000, 'crowds': [256, 2000]}
    if arguments.quick:
        usual = {'phones': 300, 'wide': 20, 'tenants': 20, 'million': 600, 'fetches': 200, 'rounds': 1, 'warm': 400,
                 'storm': 300, 'storm_rounds': 1, 'memory': 2000, 'crowds': [64]}
    for name, value in usual.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    return Bench(arguments).run()


if __name__ == '__main__':
    sys.exit(main())
