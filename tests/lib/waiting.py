"""Waiting for something to become true: asked for, never slept for."""
import time


def wait_until(predicate, seconds, what, every=0.02):
    """Call predicate until it returns something true, and return that. AssertionError naming `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise AssertionError(f'waited {seconds} s in vain for {what}')
        time.sleep(every)
