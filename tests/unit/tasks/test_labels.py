"""Tests of the texts that stand for labels and sets of them."""

import pytest

from polyloop.tasks.labels import is_answer, label_set_text, read_label_set

LABELS = frozenset({"joy", "fear", "愛"})


def test_equal_sets_are_equal_texts() -> None:
    assert label_set_text(["joy", "fear", "joy"]) == label_set_text(("fear", "joy")) == '["fear", "joy"]'
    assert label_set_text(["愛"]) == '["愛"]'
    assert label_set_text([]) == "[]"


@pytest.mark.parametrize(
    ("text", "labels"),
    [('["fear", "joy"]', ("fear", "joy")), ("joy", ("joy",)), ("[]", ()), ("[1]", ("[1]",)), ("[", ("[",))],
)
def test_a_text_of_another_form_is_the_set_of_one(text: str, labels: tuple[str, ...]) -> None:
    assert read_label_set(text) == labels


@pytest.mark.parametrize(
    ("text", "alone", "as_set"),
    [
        ("joy", True, False),
        ('["joy"]', False, True),
        ('["fear", "joy"]', False, True),
        ('["joy", "fear"]', False, False),
        ('["hate"]', False, False),
        ("[]", False, True),
        ("hate", False, False),
    ],
)
def test_an_answer_is_a_label_or_a_set_in_its_one_form(text: str, alone: bool, as_set: bool) -> None:
    assert is_answer(text, LABELS, has_label_sets=False) is alone
    assert is_answer(text, LABELS, has_label_sets=True) is as_set


def test_a_text_that_is_nested_without_end_is_of_another_form_too() -> None:
    text = "[" * 100_000
    assert read_label_set(text) == (text,)
    assert not is_answer(text, LABELS, has_label_sets=True)
