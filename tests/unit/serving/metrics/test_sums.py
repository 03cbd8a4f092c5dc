"""Counters are summed up before they are handed over, and nothing is lost or counted twice."""

import threading
import time
from collections import Counter

from polyloop.serving.metrics.sums import Sums


class Taken:
    """Takes what is handed over."""

    def __init__(self) -> None:
        self.totals: Counter[tuple[str, str]] = Counter()
        self.num_records = 0
        self.threads: set[str] = set()

    def __call__(self, name: str, value: float, tags: dict[str, str]) -> None:
        self.num_records += 1
        self.totals[name, tags["task"]] += value  # type: ignore[assignment]  # amounts here are whole
        self.threads.add(threading.current_thread().name)

    def wait_for(self, total: float) -> None:
        deadline = time.monotonic() + 10.0
        while self.totals.total() < total and time.monotonic() < deadline:
            time.sleep(0.005)


def test_amounts_of_a_series_come_as_one() -> None:
    taken = Taken()
    sums = Sums(taken, every_s=0.1)
    for _ in range(100):
        sums.add("requests", 1, {"task": "mood"})
        sums.add("requests", 1, {"task": "say"})
        sums.add("tokens", 3, {"task": "mood"})
    taken.wait_for(500)
    assert taken.totals == {("requests", "mood"): 100, ("requests", "say"): 100, ("tokens", "mood"): 300}
    assert taken.num_records < 30  # six, if the machine never halts in between
    assert taken.threads == {"sums"}


def test_what_comes_after_a_round_is_in_the_next() -> None:
    taken = Taken()
    sums = Sums(taken, every_s=0.01)
    for round_ in range(1, 4):
        sums.add("requests", 1, {"task": "mood"})
        taken.wait_for(round_)
        assert taken.totals.total() == round_


def test_threads_that_count_at_once_lose_nothing() -> None:
    taken = Taken()
    sums = Sums(taken, every_s=0.001)

    def count() -> None:
        for _ in range(5_000):
            sums.add("requests", 1, {"task": "mood"})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken.wait_for(20_000)
    time.sleep(0.05)
    assert taken.totals.total() == 20_000
