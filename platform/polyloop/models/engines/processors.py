"""Which numbers this machine's processor computes with as exactly as the engine's answers were compared.

Processors of the x86 family without VNNI or AMX multiply 8-bit numbers into sums of 16 bits. These overflow, by oneDNN
and MKL alike (pytorch/pytorch#136746), and scores stray by up to 0.09; float32 answers there instead, which costs a
quarter to two thirds more time a batch (docs/decisions/0036-no-int8-where-its-sums-overflow.md). On ARM they do not.
Input: the flags of the processor, from /proc/cpuinfo; where there is no such file, all numbers are taken for exact.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

from polyloop.models.engines.choice import EngineChoice

PROCESSORS = Path("/proc/cpuinfo")
EXACT = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
OVERFLOW = "this processor has neither VNNI nor AMX, and sums of 8-bit products overflow on it"


def overflows(flags: frozenset[str]) -> bool:
    """Return whether a processor with these flags, as Linux names them, sums 8-bit products up in 16 bits."""
    return "avx2" in flags and not flags & EXACT


@cache
def int8_overflows() -> bool:
    """Return whether this machine's int8 is inexact."""
    return PROCESSORS.exists() and overflows(frozenset(PROCESSORS.read_text(encoding="utf-8").split()))


def exact_here(choice: EngineChoice) -> EngineChoice:
    """Return the choice, with float32 in the place of an int8 that this machine computes wrongly."""
    if choice.engine != "ctranslate2" or choice.compute_type != "int8" or not int8_overflows():
        return choice
    return replace(choice, compute_type="float32", regret=OVERFLOW)
