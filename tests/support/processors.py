"""What this machine's processor can do, where results depend on it."""

from pathlib import Path

PROCESSORS = Path("/proc/cpuinfo")
EXACT = ("avx512_vnni", "avx_vnni", "amx_int8")
"""Instructions that sum up products of 8-bit numbers in 32 bits. Processors of the x86 family without them do so in 16
bits, which overflow: oneDNN's developer guide, "Nuances of int8 computations"; pytorch/pytorch#136746."""


def sums_products_exactly() -> bool:
    """Return whether int8 products are summed up without overflow; where it cannot be told, they should be."""
    told = PROCESSORS.read_text(encoding="utf-8").split() if PROCESSORS.exists() else []
    return "avx2" not in told or any(name in told for name in EXACT)
