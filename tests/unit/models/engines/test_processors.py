"""Which processors compute int8 wrongly, and that float32 answers on them."""

from pathlib import Path

import pytest
from tests.support.processors import SAPPHIRE_RAPIDS, ZEN2, processor

from polyloop.errors import ModelError
from polyloop.models.engines.choice import EngineChoice
from polyloop.models.engines.computing import Computing, load_converted
from polyloop.models.engines.processors import OVERFLOW, exact_here, overflows

NEOVERSE = "Features : fp asimd asimddp i8mm"
INT8 = EngineChoice(engine="ctranslate2", compute_type="int8")


@pytest.mark.parametrize(
    ("flags", "does"),
    [
        (ZEN2, True),
        ("flags : avx2 avx512f avx512bw", True),
        (SAPPHIRE_RAPIDS, False),
        ("flags : avx2 avx_vnni", False),
        ("flags : avx2 amx_int8", False),
        (NEOVERSE, False),
        ("", False),
    ],
)
def test_a_processor_overflows_that_has_avx2_and_no_wide_sums(flags: str, does: bool) -> None:
    assert overflows(frozenset(flags.split())) is does


def test_float32_answers_instead_of_an_inexact_int8(tmp_path: Path) -> None:
    float32 = EngineChoice(engine="ctranslate2", compute_type="float32")
    with processor(ZEN2, tmp_path):
        assert exact_here(INT8) == EngineChoice(engine="ctranslate2", compute_type="float32", regret=OVERFLOW)
        assert exact_here(float32) is float32
        assert exact_here(EngineChoice()) == EngineChoice()


def test_an_exact_int8_stays(tmp_path: Path) -> None:
    with processor(SAPPHIRE_RAPIDS, tmp_path):
        assert exact_here(INT8) is INT8


def test_an_inexact_int8_is_not_loaded(tmp_path: Path) -> None:
    with processor(ZEN2, tmp_path), pytest.raises(ModelError, match="neither VNNI nor AMX"):
        load_converted(None, tmp_path, Computing(compute_type="int8", threads=1))
