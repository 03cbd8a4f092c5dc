"""Random bytes come once each, to threads and to forked processes."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from polyloop.feedback.randomness import BLOCK_BYTES, random_bytes


def test_no_bytes_come_twice_also_to_threads_at_once() -> None:
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda _: random_bytes(10), range(8_000)))
    assert {len(one) for one in drawn} == {10}
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("count", [0, 1, BLOCK_BYTES])
def test_as_many_come_as_are_asked_for(count: int) -> None:
    assert len(random_bytes(count)) == count


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_gets_others_than_its_parent() -> None:
    random_bytes(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_bytes(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) != random_bytes(16)
    os.close(reading)
    os.close(writing)
