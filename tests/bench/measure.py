"""What the benchmarks count with: processor time of process trees, private memory, paired rounds.

Processor time is read from /proc/PID/task/*/schedstat: nanoseconds that each thread was on a processor, so that short rounds can be
told apart, where times() has ticks of 10 ms. Ratios are paired: the things compared take turns within each round, and the figure is
the median of the rounds' ratios, because absolute figures of one machine mean nothing on another."""
import json
import os
import statistics
import subprocess
import time


def children(pid):
    """All descendants of a process, itself first."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as file:
                    found += [int(child) for child in file.read().split()]
        except FileNotFoundError:
            pass
    return found


def cpu_ns(roots):
    """Nanoseconds of processor time by the process trees below `roots`, by root."""
    used = {}
    for name, pid in roots.items():
        used[name] = 0
        for process in children(pid):
            try:
                for task in os.listdir(f"/proc/{process}/task"):
                    with open(f"/proc/{process}/task/{task}/schedstat") as file:
                        used[name] += int(file.read().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass
    return used


def private_bytes(pid):
    """Memory that this process shares with no other."""
    total = 0
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1]) * 1024
    return total


def program(build, name):
    """A program of this folder; `make all` does not build them."""
    path = os.path.join(build, 'tests/bench', name)
    if not os.access(path, os.X_OK):
        subprocess.run(['make', '-s', '-C', build, f'tests/bench/{name}'], check=True, stdin=subprocess.DEVNULL)
    return path


class StormFailed(Exception):
    pass


class Storm:
    """Runs the load client and hands back its report."""

    def __init__(self, program):
        self.program = program

    def __call__(self, target, phones, *options, judge=True):
        command = [self.program, *map(str, options), target, phones]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if run.returncode not in (0, 1) or not run.stdout:
            raise StormFailed(f"{' '.join(command)}: {run.stderr.strip()}")
        report = json.loads(run.stdout)
        if judge and run.returncode:
            raise StormFailed(f"{' '.join(command)}: not every fetch was answered rightly: {run.stdout.strip()}")
        return report


class Spread:
    """The median of some figures, and how far they lie apart."""

    def __init__(self, values):
        self.values = list(values)
        self.median = statistics.median(self.values)
        self.low, self.high = min(self.values), max(self.values)

    def text(self, form="{:.2f}"):
        return f"{form.format(self.median)} ({form.format(self.low)}–{form.format(self.high)})"


class Variant:
    """One of the things compared: what to fetch, and whose processor time it takes."""

    def __init__(self, name, target, phones, options, roots, fetches):
        self.name, self.target, self.phones, self.options = name, target, phones, options
        self.roots, self.fetches = roots, fetches
        self.micros, self.shares, self.reports = [], [], []

    def run(self, storm, settle=0.4):
        before = cpu_ns(self.roots)
        report = storm(self.target, self.phones, "-n", self.fetches, *self.options)
        time.sleep(settle)  # what the fetches left behind, such as the journal's batches, is theirs too
        after = cpu_ns(self.roots)
        self.reports.append(report)
        self.micros.append(sum(after[r] - before[r] for r in after) / 1000 / report["answered"])
        self.shares.append({r: (after[r] - before[r]) / 1000 / report["answered"] for r in after})

    def micro(self):
        return Spread(self.micros)

    def share(self):
        return {root: statistics.median(s[root] for s in self.shares) for root in self.roots}


def rounds(storm, variants, count, say=lambda text: None):
    """Run all variants `count` times; each round begins with another one."""
    for number in range(count):
        for i in range(len(variants)):
            variants[(i + number) % len(variants)].run(storm)
        say(f"round {number + 1} of {count}: " + ", ".join(f"{v.name} {v.micros[-1]:.0f}" for v in variants))


def ratio(upper, lower):
    return Spread(u / l for u, l in zip(upper.micros, lower.micros))
