"""Tests of what the process does with freed memory; each in a process of its own, which stays as it is set."""

import subprocess
import sys

import pytest

PAGES = 64 * 2**20 // 4096

COUNT_FAULTS = """
import resource, sys
import torch
from polyloop.training.memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(40):  # until the heap has a place for the tensor besides all that is small
    torch.ones(16 * 2**20)
before = faults()
for _ in range(10):
    torch.ones(16 * 2**20)
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have allocators of their own")
def test_large_tensors_take_the_memory_of_those_before_them() -> None:
    assert page_faults("kept") < 2 * PAGES
    # Else the setting would have lost its use.
    assert page_faults("as it is") > 9 * PAGES


HELD_AFTER = """
import torch
from polyloop.training.memory import give_freed_memory_back, keep_freed_memory
def held():
    return int(open("/proc/self/statm").read().split()[1]) // 256
keep_freed_memory()
torch.ones(1)
before = held()
several = [torch.ones(2**20) for _ in range(64)]
last = torch.ones(1)  # lies above them, so that they are not at the end of the heap
del several
kept = held() - before
give_freed_memory_back()
print(kept, held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have allocators of their own")
def test_what_is_kept_is_given_back_when_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", HELD_AFTER], capture_output=True, text=True, check=True)
    kept_mib, left_mib = map(int, done.stdout.split())
    assert kept_mib > 200
    assert left_mib < 60


def page_faults(how: str) -> int:
    """Return how many pages ten tensors of 64 MiB, one after the other, asked the system for."""
    done = subprocess.run([sys.executable, "-c", COUNT_FAULTS, how], capture_output=True, text=True, check=True)
    return int(done.stdout)
