"""What every metric owes the rest: its range, its direction, no surprise on empty sums."""

import pickle

import numpy as np
import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import METRICS, CorpusMetric, SummedMetric, metric_named

LESS_IS_BETTER = {
    "calibration_error",
    "calibration_error_equal_mass",
    "perplexity_per_character",
    "bits_per_character",
    "repetition",
}


def test_every_metric_is_of_one_of_the_two_kinds_and_named_as_it_is_found():
    for name, metric in METRICS.items():
        assert metric.name == name
        assert isinstance(metric, SummedMetric | CorpusMetric)
        assert metric.low < metric.high


def test_directions_are_told():
    assert {name for name, metric in METRICS.items() if metric.direction == "less"} == LESS_IS_BETTER


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if isinstance(metric, SummedMetric)])
def test_scores_of_no_counts_are_the_lowest_and_not_nan(name):
    metric = metric_named(name)
    assert isinstance(metric, SummedMetric)
    width = {"calibration_error": 16, "bleu": 10, "bleu_tokenised": 10, "chrf": 18, "chrf_plus_plus": 24}
    columns = width.get(name, 3 if name in ("macro_f1", "micro_f1") else 2)
    assert float(metric.score(np.zeros(columns))) == metric.low


def test_locales_are_answered_for():
    assert metric_named("chrf").is_valid_for("und")
    assert not metric_named("rouge_l").is_valid_for("und")
    assert metric_named("rouge_l").is_valid_for("zh-Hans")
    assert not metric_named("rouge_l_words").is_valid_for("zh-Hans")
    assert metric_named("rouge_l_words").is_valid_for("ko")
    assert metric_named("rouge_l_words").is_valid_for("zh-Latn")


def test_definitions_survive_pickling():
    for metric in METRICS.values():
        copy = pickle.loads(pickle.dumps(metric))
        assert (type(copy), copy.name, copy.direction) == (type(metric), metric.name, metric.direction)


def test_an_unknown_metric_is_refused_with_the_known_ones():
    with pytest.raises(EvaluationError, match=r"no metric 'rouge'; use one of macro_f1, .*repetition"):
        metric_named("rouge")
