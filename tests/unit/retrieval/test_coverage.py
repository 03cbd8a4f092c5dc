"""How much of a question a text covers."""

import pytest

from polyloop.retrieval.coverage import weigh_question
from polyloop.retrieval.documents import Document
from polyloop.retrieval.index import build_index

INDEX = build_index(
    [
        Document(id="a", text="The tower by the river is old."),
        Document(id="b", text="The bridge over the river is new."),
        Document(id="c", text="A bakery in the town."),
    ]
)


def coverage(question: str, text: str) -> float:
    return weigh_question(question, INDEX.terms).coverage(text)


def test_a_text_covers_itself_and_nothing_covers_what_it_lacks() -> None:
    assert coverage("old tower", "The tower is old") == pytest.approx(1)
    assert coverage("old tower", "a bakery") == 0


def test_rare_terms_count_more_than_common_ones() -> None:
    assert (
        coverage("the tower river", "tower") > coverage("the tower river", "river") > coverage("the tower river", "the")
    )


def test_unheard_of_terms_are_missed_most() -> None:
    assert coverage("the zebra", "the") < coverage("the tower", "the")


def test_an_inflected_form_covers_in_part_or_whole() -> None:
    assert 0 < coverage("bakeries", "bakery") < coverage("towers", "tower") <= 1


def test_a_question_without_terms_is_not_covered() -> None:
    assert coverage("?!", "anything") == 0
