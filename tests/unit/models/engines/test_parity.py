"""Tests of comparing two engines' answers."""

from collections.abc import Sequence

import pytest

from polyloop.errors import ModelError
from polyloop.models.contract import PredictInput, Prediction
from polyloop.models.engines.parity import Parity, common_length, compare, compare_by_locale


def _predictions(*outputs: str) -> list[Prediction]:
    return [
        Prediction(output=output, scores=None, num_input_tokens=1, num_output_tokens=len(output.split()) + 1)
        for output in outputs
    ]


def _ids(texts: Sequence[str]) -> list[list[int]]:
    return [[*(len(word) + 1 for word in text.split()), 1] for text in texts]


def test_equal_and_differing_outputs_are_counted() -> None:
    found = compare(_predictions("a bb ccc", "a", ""), _predictions("a bb c dd", "a", ""), _ids)
    assert found == Parity(
        num_outputs=3,
        num_equal=2,
        num_tokens=4 + 2 + 1,
        num_agreeing_tokens=2 + 2 + 1,
        num_reference_output_tokens=7,
        num_candidate_output_tokens=8,
        differing=(0,),
    )
    assert found.equal_part == pytest.approx(2 / 3)
    assert found.agreeing_part == pytest.approx(5 / 7)


def test_nothing_to_compare_is_equal() -> None:
    assert compare([], [], _ids).equal_part == compare([], [], _ids).agreeing_part == 1.0


def test_locales_are_compared_apart() -> None:
    inputs = [PredictInput(text="", locale="en", target_locale=locale) for locale in ("fr", "de", "fr")]
    found = compare_by_locale(inputs, _predictions("a", "b", "a bb"), _predictions("a", "bb", "a b"), _ids)
    assert list(found) == ["de", "fr"]
    assert (found["de"].num_equal, found["fr"].num_equal, found["fr"].differing) == (0, 1, (1,))


def test_predictions_that_are_not_as_many_are_refused() -> None:
    with pytest.raises(ModelError, match="2 predictions to compare with 1"):
        compare(_predictions("a", "b"), _predictions("a"), _ids)
    with pytest.raises(ModelError, match="0 inputs, and 1 predictions to compare with 1"):
        compare_by_locale([], _predictions("a"), _predictions("a"), _ids)


@pytest.mark.parametrize(
    ("one", "other", "length"), [([1, 2, 3], [1, 2, 4], 2), ([1], [1, 2], 1), ([], [1], 0), ([2], [1], 0)]
)
def test_a_common_beginning_is_counted(one: list[int], other: list[int], length: int) -> None:
    assert common_length(one, other) == length
