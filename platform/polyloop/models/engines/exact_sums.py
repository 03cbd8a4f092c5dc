"""Has CTranslate2 sum up int8 products exactly, on processors too whose 8-bit instructions overflow.

Processors of the x86 family without VNNI or AMX multiply 8-bit numbers into sums of 16 bits, which overflow; oneDNN,
the choice of CTranslate2 on those of AMD, lets them (pytorch/pytorch#136746), and scores then
stray by up to 0.09. MKL does not.
Effect: CT2_USE_MKL, unless it is set already; the library reads it when it first computes.
"""

import os
from pathlib import Path

PROCESSORS = Path("/proc/cpuinfo")
EXACT = ("avx512_vnni", "avx_vnni", "amx_int8")


def sum_exactly() -> None:
    """Choose MKL where this machine's processor needs it."""
    told = PROCESSORS.read_text(encoding="utf-8").split() if PROCESSORS.exists() else []
    if "avx2" in told and not any(name in told for name in EXACT):
        os.environ.setdefault("CT2_USE_MKL", "1")
