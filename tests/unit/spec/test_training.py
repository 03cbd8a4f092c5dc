"""What the spec may say of training and of preferences."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.small_tasks import small_task

from polyloop.spec.training import PreferenceSpec, TrainingSpec


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"method": "kto", "form": "ipo"}, "`form` belongs to `method: dpo`"),
        ({"method": "kto", "label_smoothing": 0.1}, "`label_smoothing` belongs to `method: dpo`"),
        ({"method": "kto", "length_normalised": True}, "`length_normalised` belongs to `method: dpo`"),
        ({"desirable_weight": 1.0, "undesirable_weight": 1.0}, "belong to `method: kto`"),
        ({"method": "kto", "desirable_weight": 1.0}, "set both of"),
        ({"form": "ipo", "label_smoothing": 0.1}, "no meaning with `form: ipo`"),
    ],
)
def test_settings_of_another_method_are_refused(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        PreferenceSpec(**said)


def test_preferences_are_between_texts() -> None:
    with pytest.raises(ValidationError, match=r"`training.preference` belongs to translate and summarize"):
        small_task("classify", training={"preference": {"beta": 0.5}})
    assert small_task("chat", training={"preference": {"beta": 0.5}}).training.preference.beta == 0.5


def test_ngrams_tell_labels_apart() -> None:
    with pytest.raises(ValidationError, match=r"`model\.ngrams` belongs to classify tasks"):
        small_task("translate", model={"ngrams": {}})


def test_the_least_number_of_workers_is_no_more_than_the_most() -> None:
    with pytest.raises(ValidationError, match="`min_workers` is above `num_workers`"):
        TrainingSpec(num_workers=2, min_workers=3)
    assert TrainingSpec(num_workers=2, min_workers=2).min_workers == 2


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"schedule": "cosine", "decay_fraction": 0.2}, "`schedule: cosine` has no `decay_fraction`"),
        ({"schedule": "wsd", "warmup_fraction": 0.9}, "add up to more than 1"),
        ({"schedule": "inverse-sqrt", "warmup_fraction": 0.5, "decay_fraction": 0.6}, "add up to more than 1"),
    ],
)
def test_rise_and_fall_of_the_learning_rate_have_to_fit(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainingSpec(**said)
