"""Rankings against scikit-learn and by hand."""

import json

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import score, statistics

DOCUMENTS = [f"doc-{number}" for number in range(12)]


def corpus(metric: str, rankings, references) -> float:
    return float(score(metric, statistics(metric, rankings, references, locale="en").sum(axis=0)))


def test_recall_and_reciprocal_rank_by_hand():
    rankings = [("a", "b", "c", "d"), ("d", "c"), ("b",)]
    references = ["b", ("c", "x"), "q"]
    assert corpus("recall@1", rankings, references) == 0.0
    assert corpus("recall@3", rankings, references) == pytest.approx(100 * (1 + 0.5 + 0) / 3)
    assert corpus("mrr", rankings, references) == pytest.approx(100 * (1 / 2 + 1 / 2 + 0) / 3)


def test_ndcg_equals_scikit_learn_on_drawn_rankings_with_gains():
    random = np.random.default_rng(1)
    for k in (1, 3, 5, 10):
        gains = random.integers(0, 4, size=(20, 12))
        gains[:, 0] = 3
        scores = np.stack([random.permutation(12) for _ in range(20)]).astype(float)
        rankings = [tuple(DOCUMENTS[i] for i in np.argsort(-row)) for row in scores]
        references = [{DOCUMENTS[i]: float(gain) for i, gain in enumerate(row)} for row in gains]
        expected = 100 * ndcg_score(gains, scores, k=k)
        assert corpus(f"ndcg@{k}", rankings, references) == pytest.approx(expected)
        as_text = [json.dumps(one) for one in rankings], [json.dumps(one) for one in references]
        assert corpus(f"ndcg@{k}", *as_text) == pytest.approx(expected)


def test_the_best_ranking_gives_100_and_an_empty_one_0():
    for metric in ("recall@3", "mrr", "ndcg@10"):
        assert corpus(metric, [("b", "a")], [{"a": 1.0, "b": 2.0}]) == pytest.approx(100.0)
        assert corpus(metric, [""], ["a"]) == 0.0


def test_rows_whose_document_is_not_known_do_not_count():
    assert corpus("recall@1", [("a",), ("b",), ("c",)], ["a", "", "d"]) == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("ranking", "reference", "message"),
    [
        (("a", "a"), "a", "names 'a' more than once"),
        ("a", "a", "is not a ranking"),
        (("a",), "[]", "names nothing relevant"),
        (("a",), {"a": -1.0}, "at least 0"),
    ],
)
def test_malformed_rankings_are_refused(ranking, reference, message):
    with pytest.raises(EvaluationError, match=message):
        statistics("mrr", [ranking], [reference], locale="en")
