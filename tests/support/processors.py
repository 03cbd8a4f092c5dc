"""Machines whose processors compute int8 exactly or wrongly, whatever the one is that tests run on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from polyloop.models.engines import processors
from polyloop.models.engines.processors import OVERFLOW, int8_overflows

ZEN2 = "flags : fpu sse4_2 avx avx2 fma"
SAPPHIRE_RAPIDS = "flags : fpu avx2 avx512f avx512_vnni avx_vnni amx_int8"

needs_exact_int8 = pytest.mark.skipif(int8_overflows(), reason=f"{OVERFLOW}; float32 answers instead")


@contextmanager
def processor(flags: str, folder: Path) -> Iterator[None]:
    """Have this machine's processor tell these flags inside the block; `folder` is a place for a file."""
    told = folder / "cpuinfo"
    told.write_text(f"processor : 0\n{flags}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processors, "PROCESSORS", told)
        int8_overflows.cache_clear()
        try:
            yield
        finally:
            int8_overflows.cache_clear()
