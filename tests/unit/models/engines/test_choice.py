"""Which engine answers: the manifest's, unless the spec asks for another that the version has."""

from typing import Literal

import pytest
from tests.support.engine_versions import note, pytorch_trial, trial

from polyloop.models.engines.choice import EngineChoice, EngineWish, choose, wish_of
from polyloop.models.manifest import EngineNote
from polyloop.spec.serving import TaskServing

INT8 = EngineChoice(engine="ctranslate2", compute_type="int8")
FLOAT32 = EngineChoice(engine="ctranslate2", compute_type="float32")
PYTORCH = EngineChoice()


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (EngineWish(), INT8),
        (EngineWish(engine="ctranslate2"), INT8),
        (EngineWish(compute_type="float32"), FLOAT32),
        (EngineWish(engine="ctranslate2", compute_type="float32"), FLOAT32),
        (EngineWish(engine="pytorch"), PYTORCH),
        (EngineWish(engine="pytorch", compute_type="int8"), PYTORCH),
    ],
)
def test_what_the_spec_asks_for_answers_where_the_version_has_it(wish: EngineWish, found: EngineChoice) -> None:
    assert choose(note(), wish) == found
    assert not choose(note(), wish).regret


@pytest.mark.parametrize("named", [None, note(pytorch_trial(), reason="bleu is 3.00, PyTorch's 9.00")])
def test_a_version_without_a_converted_model_is_answered_by_pytorch(named: EngineNote | None) -> None:
    assert choose(named, EngineWish()) == choose(named, EngineWish(compute_type="int8")) == PYTORCH
    asked = choose(named, EngineWish(engine="ctranslate2"))
    assert (asked.engine, asked.compute_type) == ("pytorch", "float32")
    assert ("bleu is 3.00" if named else "made before there was one") in asked.regret


@pytest.mark.parametrize("compute_type", ["int8", "float32"])
def test_a_type_that_was_left_out_never_answers_and_the_reason_is_told(
    compute_type: Literal["int8", "float32"],
) -> None:
    other: Literal["int8", "float32"] = "float32" if compute_type == "int8" else "int8"
    left_out = note(trial(other), trial(compute_type, refusals=("bleu is 3.00",)))
    for wish in (EngineWish(compute_type=compute_type), EngineWish(engine="ctranslate2", compute_type=compute_type)):
        found = choose(left_out, wish)
        assert (found.engine, found.compute_type) == ("ctranslate2", other)
        assert found.regret == f"the version may not compute in {compute_type}: bleu is 3.00"
    assert "was not tried" in choose(note(trial(other)), EngineWish(compute_type=compute_type)).regret


def test_the_spec_asks_by_its_keys_and_for_pytorch_by_asking_for_gpus() -> None:
    assert wish_of(TaskServing()) == EngineWish()
    asked = TaskServing(engine="ctranslate2", compute_type="int8")
    assert wish_of(asked) == EngineWish(engine="ctranslate2", compute_type="int8")
    assert wish_of(TaskServing(num_gpus=1)) == EngineWish(engine="pytorch")


def test_an_engine_is_told_with_its_numbers() -> None:
    assert str(INT8) == "ctranslate2 int8"
    assert str(PYTORCH) == "pytorch float32"
