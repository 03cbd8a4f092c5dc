"""Has CTranslate2 sum up int8 products exactly, on processors too whose 8-bit instructions overflow.

Processors of the x86 family without VNNI or AMX multiply 8-bit numbers into sums of 16 bits, which overflow; oneDNN,
CTranslate2's choice on those that Intel did not make, lets them (pytorch/pytorch#136746). MKL does not, and is
CTranslate2's choice on Intel's own. What either costs: docs/decisions/0036-exact-sums-of-int8.md.
Input: the flags of this machine's processor, from /proc/cpuinfo; where there is no such file, nothing is chosen.
Effect: CT2_USE_MKL, unless it is set already; the library reads it once, when it first computes.
"""

from pathlib import Path

from polyloop.spec.settings import set_default

PROCESSORS = Path("/proc/cpuinfo")
EXACT = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


def overflows(flags: frozenset[str]) -> bool:
    """Return whether a processor with these flags, as Linux names them, sums 8-bit products up in 16 bits."""
    return "avx2" in flags and not flags & EXACT


def sum_exactly(processors: Path = PROCESSORS) -> None:
    """Choose MKL where this machine's processor needs it."""
    if processors.exists() and overflows(frozenset(processors.read_text(encoding="utf-8").split())):
        set_default("CT2_USE_MKL", "1")
