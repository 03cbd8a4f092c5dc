"""What a sweep may say: keys that exist, values that fit them, and mistakes told with their place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from polyloop.errors import SpecError
from polyloop.spec.loader import load_spec
from polyloop.spec.sweep import SweepSpec, field_of, is_whole, sweepable_keys
from polyloop.spec.sweep_file import load_sweep

GOOD = {"training.learning_rate": {"low": 1e-4, "high": 1e-2, "scale": "log"}, "model.recipe": {"choices": ["nano"]}}


def test_keys_of_all_depths_can_be_swept() -> None:
    keys = sweepable_keys()
    assert {"training.learning_rate", "model.recipe", "model.ngrams.tokens", "training.distill.weight"} <= keys.keys()
    assert not {"model.lora.modules", "model.pretrained", "training.num_workers", "training.select"} & keys.keys()


def test_whole_numbers_are_told_from_others() -> None:
    assert is_whole(field_of("training.batch_tokens"))
    assert is_whole(field_of("training.patience"))  # a whole number, or none
    assert not is_whole(field_of("training.epochs"))
    assert not is_whole(field_of("training.schedule"))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"training.learning_rat": {"choices": [0.1]}}, "did you mean training.learning_rate"),
        ({"lr": {"choices": [0.1]}}, "keys begin with model. or training."),
        ({"model.vocab_size": {"choices": [400]}}, "the dataset is built with it"),
        ({"training.num_workers": {"choices": [1, 2]}}, "how a run is carried out"),
        ({"training.dropout": {"low": 0.3, "high": 0.3}}, "the range is empty: `low` is 0.3 and `high` is 0.3"),
        ({"training.dropout": {"choices": []}}, "`choices` is empty"),
        ({"training.dropout": {"choices": [0.1, 0.1]}}, "more than once"),
        ({"training.dropout": {"low": 0.3}}, "either `choices`, or both `low` and `high`"),
        ({"training.dropout": {"low": 0.0, "high": 0.3, "choices": [0.1]}}, "either `choices`"),
        ({"training.dropout": {"low": 0.0, "high": 0.3, "scale": "log"}}, "above 0"),
        ({"training.learning_rate": {"low": 0.1, "high": 2.0}}, "'training.learning_rate' may not be 2.0"),
        ({"training.batch_tokens": {"low": 16.5, "high": 32}}, "whole numbers"),
        ({"training.schedule": {"low": 0, "high": 1}}, "has no range"),
        ({"training.schedule": {"choices": ["cosin"]}}, "may not be 'cosin'"),
        ({"model.recipe": {"choices": ["nano", "huge"]}}, "may not be 'huge'"),
        ({}, "at least 1"),
    ],
)
def test_keys_and_values_that_do_not_fit_are_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SweepSpec.model_validate({"keys": keys})
    assert words in str(caught.value)


def test_choices_keep_their_kinds() -> None:
    keys = {"training.epochs": {"choices": [1, 2.5]}, "training.packing": {"choices": [True, False]}}
    found = SweepSpec.model_validate({"keys": keys}).keys
    assert found["training.epochs"].choices == (1, 2.5)
    assert found["training.packing"].choices == (True, False)


def test_a_spec_tells_an_unknown_key_with_its_line(
    write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any]
) -> None:
    spec_data["tasks"]["mood"]["sweep"] = {"keys": GOOD | {"training.learning_rat": {"choices": [0.1]}}}
    path = write_spec(spec_data)
    line = 1 + next(n for n, text in enumerate(path.read_text().splitlines()) if "training.learning_rat:" in text)
    with pytest.raises(SpecError, match=rf":{line}: .*there is no key 'training.learning_rat' to sweep"):
        load_spec(path)


def test_a_file_says_the_same_as_the_part_of_a_spec(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("trials: 5\nkeys:\n  training.dropout: {low: 0.0, high: 0.3}\n")
    expected = {"trials": 5, "keys": {"training.dropout": {"low": 0.0, "high": 0.3}}}
    assert load_sweep(path) == SweepSpec.model_validate(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trials: 5\nkeys:\n  training.dropot: {low: 0.0, high: 0.3}\n", ":3: keys.training.dropot"),
        ("trials: 5\nkeys:\n  training.dropout: {low: 0.5, high: 0.3}\n", ":3: keys.training.dropout"),
        ("trial: 5\n", ":1: trial: there is no such key"),
        ("- 1\n", ":1: the file holds a list"),
    ],
)
def test_mistakes_in_a_file_are_told_with_their_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_sweep(path)
    assert f"{path}{words}" in caught.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"space.yaml: the file cannot be read"):
        load_sweep(tmp_path / "space.yaml")
