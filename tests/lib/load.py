"""Load in the background of a test: threads that fetch and judge every answer."""
import threading
import time


class Load:
    """`threads` threads call request() (returns what judge() wants) until stopped. Failures of judge are kept and raised at the end."""

    def __init__(self, threads, request, judge):
        self.request, self.judge = request, judge
        self.failures, self.results = [], []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(threads)]

    def _run(self, index):
        count = 0
        while not self.stopping.is_set():
            started = time.monotonic()
            try:
                answer = self.request(index, count)
                kind = self.judge(answer)
            except AssertionError as error:
                with self.lock:
                    self.failures.append(str(error))
                return
            except Exception as error:  # pylint: disable=broad-except
                kind = self.judge(error) if getattr(self.judge, 'takes_errors', False) else f'error: {type(error).__name__}: {error}'
            with self.lock:
                self.results.append((time.monotonic(), time.monotonic() - started, kind))
            count += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is None:
            assert not self.failures, f'{len(self.failures)} wrong answers, e.g. {self.failures[0]}'

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def kinds(self, since=0.0):
        """{kind: how many}"""
        out = {}
        with self.lock:
            for at, _, kind in self.results:
                if at >= since:
                    out[kind] = out.get(kind, 0) + 1
        return out

    def count(self, kind=None):
        with self.lock:
            return sum(1 for _, _, k in self.results if kind is None or k == kind)

    def slowest(self, since=0.0):
        with self.lock:
            return max((seconds for at, seconds, _ in self.results if at >= since), default=0.0)
