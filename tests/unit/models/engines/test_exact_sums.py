"""Which processors' int8 sums are left to MKL, and that a wish of the environment stands."""

import os
from pathlib import Path

import pytest

from polyloop.models.engines.exact_sums import overflows, sum_exactly

ZEN2 = "flags : fpu sse4_2 avx avx2 fma"
SAPPHIRE_RAPIDS = "flags : fpu avx2 avx512f avx512_vnni avx_vnni amx_int8"
NEOVERSE = "Features : fp asimd asimddp i8mm"


@pytest.mark.parametrize(
    ("flags", "does"),
    [
        (ZEN2, True),
        ("flags : avx2 avx512f avx512bw", True),
        (SAPPHIRE_RAPIDS, False),
        ("flags : avx2 avx_vnni", False),
        ("flags : avx2 amx_int8", False),
        (NEOVERSE, False),
        ("flags : sse4_1", False),
        ("", False),
    ],
)
def test_a_processor_overflows_that_has_avx2_and_no_wide_sums(flags: str, does: bool) -> None:
    assert overflows(frozenset(flags.split())) is does


@pytest.fixture
def processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CT2_USE_MKL", "")
    monkeypatch.delenv("CT2_USE_MKL")
    return tmp_path / "cpuinfo"


def test_mkl_computes_where_sums_overflow(processors: Path) -> None:
    processors.write_text(f"processor : 0\n{ZEN2}\n", encoding="utf-8")
    sum_exactly(processors)
    assert os.environ["CT2_USE_MKL"] == "1"


def test_the_library_chooses_where_sums_are_exact(processors: Path) -> None:
    processors.write_text(f"processor : 0\n{SAPPHIRE_RAPIDS}\n", encoding="utf-8")
    sum_exactly(processors)
    assert "CT2_USE_MKL" not in os.environ


def test_nothing_is_chosen_where_the_system_tells_no_flags(processors: Path) -> None:
    sum_exactly(processors)
    assert "CT2_USE_MKL" not in os.environ


def test_what_the_environment_says_stands(processors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processors.write_text(ZEN2, encoding="utf-8")
    monkeypatch.setenv("CT2_USE_MKL", "0")
    sum_exactly(processors)
    assert os.environ["CT2_USE_MKL"] == "0"
