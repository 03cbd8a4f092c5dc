"""BM25 against its formula, term by term."""

import math
from collections import Counter

import numpy as np
import pytest

from polyloop.retrieval.lexical import BM25Settings, build_term_index

SETTINGS = BM25Settings(k1=1.2, b=0.75)
PASSAGES = [["a", "b", "a"], ["b", "c"], [], ["a", "c", "c", "c", "d"]]


def by_definition(query: list[tuple[str, float]], place: int) -> float:
    """BM25 as Lucene has it, with exact lengths, one term at a time."""
    average = sum(map(len, PASSAGES)) / len(PASSAGES)
    counts, total = Counter(PASSAGES[place]), 0.0
    for term, weight in query:
        having = sum(term in passage for passage in PASSAGES)
        rarity = math.log(1 + (len(PASSAGES) - having + 0.5) / (having + 0.5))
        length = SETTINGS.k1 * (1 - SETTINGS.b + SETTINGS.b * len(PASSAGES[place]) / average)
        total += weight * rarity * counts[term] / (counts[term] + length)
    return total


def test_scores_are_those_of_the_formula() -> None:
    query = [("a", 1.0), ("c", 2.0), ("a", 1.0), ("unknown", 5.0)]
    found = build_term_index(PASSAGES, SETTINGS).scores(query)
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx([by_definition(query, place) for place in range(4)], abs=1e-6)


def test_an_unknown_or_no_term_finds_nothing() -> None:
    index = build_term_index(PASSAGES, SETTINGS)
    assert not index.scores([("z", 1.0)]).any()
    assert not index.scores([]).any()


def test_passages_without_terms_give_an_index_that_finds_nothing() -> None:
    index = build_term_index([[], []], SETTINGS)
    assert index.scores([("a", 1.0)]).tolist() == [0, 0]


def test_terms_are_numbered_as_they_appear() -> None:
    assert list(build_term_index(PASSAGES, SETTINGS).vocabulary) == ["a", "b", "c", "d"]
