"""Tests of the linear classifier of n-grams."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import softmax

from polyloop.models.ngram_fit import PENALTIES, fit_linear

NUM_ROWS, NUM_FEATURES = 400, 60


def drawn(num_labels: int, seed: int = 3, noise: float = 0.0) -> tuple[Any, np.ndarray[Any, Any]]:
    """Return rows with a few features each, and the label that most of their features belong to."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(num_labels, size=NUM_ROWS)
    present = generator.random((NUM_ROWS, NUM_FEATURES)) < np.where(
        np.arange(NUM_FEATURES) % num_labels == labels[:, None], 0.5, 0.1
    )
    features = csr_matrix(present / np.sqrt(np.maximum(present.sum(1, keepdims=True), 1)), dtype=np.float32)
    changed = generator.random(NUM_ROWS) < noise
    labels = np.where(changed, generator.integers(num_labels, size=NUM_ROWS), labels)
    return features, np.eye(num_labels, dtype=np.bool_)[labels]


def ones(features: Any) -> np.ndarray[Any, Any]:
    return np.ones(features.shape[0], np.float32)


@pytest.mark.parametrize("num_labels", [2, 5])
def test_labels_of_new_rows_are_found(num_labels: int) -> None:
    features, has_label = drawn(num_labels)
    solved = fit_linear(features[:300], has_label[:300], ones(features[:300]))
    found = (features[300:] @ solved.weights + solved.biases).argmax(1)
    assert (found == has_label[300:].argmax(1)).mean() > 0.75
    assert solved.penalty in PENALTIES


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    features, has_label = drawn(5, noise=0.2)
    one, four = (fit_linear(features, has_label, ones(features), num_threads=threads) for threads in (1, 4))
    assert np.array_equal(one.weights, four.weights)
    assert np.array_equal(one.biases, four.biases)


def test_answers_are_as_sure_as_they_are_right() -> None:
    features, has_label = drawn(3, noise=0.5)
    new, expected = drawn(3, seed=4, noise=0.5)
    solved = fit_linear(features, has_label, ones(features))
    logits = new @ solved.weights + solved.biases
    confidence = softmax(logits, axis=1).max(1).mean()
    right = expected[np.arange(NUM_ROWS), logits.argmax(1)].mean()
    assert confidence == pytest.approx(right, abs=0.1)


def test_rows_without_weight_teach_nothing() -> None:
    features, has_label = drawn(2)
    wrong = has_label.copy()
    wrong[::2] = ~wrong[::2]
    weights = np.where(np.arange(NUM_ROWS) % 2 == 0, 0.0, 1.0).astype(np.float32)
    solved = fit_linear(features, wrong, weights)
    found = (features @ solved.weights + solved.biases).argmax(1)
    assert (found == has_label.argmax(1)).mean() > 0.8


def test_weights_count_in_relation_to_each_other() -> None:
    features, has_label = drawn(3, noise=0.3)
    weights = np.random.default_rng(5).uniform(0.5, 2.0, NUM_ROWS).astype(np.float32)
    one, eight = (fit_linear(features, has_label, weights * factor) for factor in (1, 8))
    np.testing.assert_allclose(one.weights, eight.weights, rtol=1e-4, atol=1e-6)


def test_a_row_may_have_several_labels_and_a_label_no_row() -> None:
    features, has_label = drawn(2)
    several = np.concatenate([has_label, has_label.any(1, keepdims=True), np.zeros((NUM_ROWS, 1), np.bool_)], axis=1)
    solved = fit_linear(features, several, ones(features))
    logits = features @ solved.weights + solved.biases
    assert ((logits > 0) == several).mean() > 0.9
    assert not (logits[:, 3] > 0).any()
    assert (logits[:, 2] > 0).all()


@pytest.mark.parametrize("num_rows", [1, 4])
def test_too_few_rows_to_hold_some_out_are_learned_from(num_rows: int) -> None:
    features, has_label = drawn(2)
    solved = fit_linear(features[:num_rows], has_label[:num_rows], ones(features[:num_rows]))
    assert np.isfinite(solved.weights).all()
