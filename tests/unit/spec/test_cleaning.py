"""What the spec may say of cleaning, deduplication and decontamination, and what it means when it says nothing."""

from typing import Any

import pytest
from pydantic import ValidationError

from polyloop.spec.cleaning import CleaningSpec, DecontaminationSpec, DedupSpec
from polyloop.spec.models import FeedbackSpec


def test_by_default_texts_are_repaired_and_nothing_is_dropped() -> None:
    cleaning = CleaningSpec()
    assert (cleaning.repair, cleaning.entities, cleaning.width, cleaning.han) == (True, True, True, "locale")
    assert (cleaning.language.action, cleaning.quality.rules, cleaning.pii.action) == ("keep", (), "off")
    assert (cleaning.parallel.max_length_ratio, cleaning.parallel.drop_copies) == (None, False)


def test_feedback_is_cleaned_like_a_corpus_but_believed_to_be_in_its_language() -> None:
    feedback, corpus = FeedbackSpec().cleaning, CleaningSpec()
    assert feedback.language.action == "off"
    assert feedback.model_copy(update={"language": corpus.language}) == corpus


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"quality": {"min_characters": 9, "max_characters": 8}}, "`min_characters` is 9, more than `max_characters`"),
        ({"quality": {"min_characters": 0}}, "greater than or equal to 1"),
        ({"quality": {"rules": ["gofer"]}}, "Input should be 'gopher'"),
        ({"language": {"action": "guess"}}, "Input should be 'off', 'keep', 'drop' or 'relabel'"),
        ({"language": {"min_characters": 0}}, "greater than or equal to 1"),
        ({"parallel": {"max_length_ratio": 1.0}}, "greater than 1"),
        ({"pii": {"action": "mask", "kinds": ["name"]}}, "Input should be 'email'"),
        ({"max_failed_rows": -1}, "greater than or equal to 0"),
        ({"repairs": True}, "Extra inputs are not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CleaningSpec.model_validate(data)
    assert message in str(caught.value)


@pytest.mark.parametrize("threshold", [0.49, 1.01])
def test_a_threshold_is_a_similarity_that_means_alike(threshold: float) -> None:
    with pytest.raises(ValidationError):
        DedupSpec(threshold=threshold)
    assert DedupSpec(threshold=1.0).near


@pytest.mark.parametrize("ngram", [-1, 101])
def test_an_ngram_has_a_sensible_length_or_is_off(ngram: int) -> None:
    with pytest.raises(ValidationError):
        DecontaminationSpec(ngram=ngram)
    assert DecontaminationSpec(ngram=0).ngram == 0
