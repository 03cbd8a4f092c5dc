"""Perplexity and bits per character by hand."""

from math import log

import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import metric_named, score, statistics


def test_a_uniform_model_over_four_characters_has_perplexity_4_and_2_bits():
    texts = ["床前明月光", "疑是", "x" * 93]
    nll_nats = [repr(len(text) * log(4.0)) for text in texts]
    for metric, expected in (("perplexity_per_character", 4.0), ("bits_per_character", 2.0)):
        stats = statistics(metric, nll_nats, texts, locale="zh-Hans")
        assert float(score(metric, stats.sum(axis=0))) == pytest.approx(expected)
        assert metric_named(metric).direction == "less"


def test_characters_weigh_alike_wherever_they_stand():
    """A text of 1 character at 3 bits and one of 3 characters at 1 bit each: 6 bits over 4 characters."""
    stats = statistics("bits_per_character", [3 * log(2), 3 * log(2)], [1, 3], locale="en")
    assert float(score("bits_per_character", stats.sum(axis=0))) == pytest.approx(1.5)


@pytest.mark.parametrize(("given", "wanted"), [("nan", "a"), (-1.0, "a"), ("", "a"), ("x", "a"), (1.0, ""), (1.0, 0)])
def test_values_that_are_no_likelihood_of_a_text_are_refused(given, wanted):
    with pytest.raises(EvaluationError, match="is not a"):
        statistics("bits_per_character", [given], [wanted], locale="en")
