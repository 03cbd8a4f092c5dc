"""Tests of how a classifier's logits become its answer."""

import json

import numpy as np
import pytest
from tests.support.small_tasks import small_task
from transformers import BertConfig

from polyloop.models.calibration import MIN_TEMPERATURE
from polyloop.models.decision import CONFIG_KEY, MIN_ROWS, DecisionRule, best_threshold, fit_rule, rule_of
from polyloop.spec.models import TaskSpec

NAMES = ("a", "b", "oos")


def test_the_plain_rule_is_softmax_and_the_largest() -> None:
    label, scores = DecisionRule().answer([1.0, 3.0, 0.0], NAMES)
    assert label == "b"
    assert scores == pytest.approx(np.exp([1, 3, 0]) / np.exp([1, 3, 0]).sum())


def test_a_temperature_changes_scores_and_no_answer() -> None:
    label, scores = DecisionRule(temperature=4.0).answer([1.0, 3.0, 0.0], NAMES)
    assert label == "b"
    assert max(scores) < max(DecisionRule().answer([1.0, 3.0, 0.0], NAMES)[1])


def test_an_input_that_nothing_fits_is_out_of_scope() -> None:
    rule = DecisionRule(out_of_scope=2, threshold=0.5)
    answers = [rule.answer(logits, NAMES)[0] for logits in ([0.1, 0.0, 0.0], [5.0, 0.0, 0.0], [0.0, 0.0, 5.0])]
    assert answers == ["oos", "a", "oos"]


def test_the_threshold_with_the_most_right_answers_is_taken() -> None:
    scores = np.array([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.55, 0.45, 0], [0.6, 0.4, 0], [0.5, 0.5, 0]])
    labels = np.array([0, 0, 2, 0, 2])
    threshold = best_threshold(scores, labels, 2)
    assert 0.55 < threshold < 0.6
    every = [
        (DecisionRule(out_of_scope=2, threshold=value).labels_of(scores) == labels).sum()
        for value in np.linspace(0, 1, 401)
    ]
    found = (DecisionRule(out_of_scope=2, threshold=threshold).labels_of(scores) == labels).sum()
    assert found == max(every) == 5


@pytest.mark.parametrize("seed", range(40))
def test_rows_of_one_score_stand_on_one_side_of_the_threshold(seed: int) -> None:
    """Scores are rounded, as those of sure models are: many rows share a value, and none can be parted from another."""
    random = np.random.default_rng(seed)
    scores = random.dirichlet(np.ones(3), 9).round(1)
    labels = random.integers(0, 3, 9)

    def num_right(threshold: float) -> int:
        return int((DecisionRule(out_of_scope=2, threshold=threshold).labels_of(scores) == labels).sum())

    assert num_right(best_threshold(scores, labels, 2)) == max(map(num_right, np.arange(-0.05, 1.2, 0.1)))


def test_a_threshold_above_every_score_can_be_the_best() -> None:
    scores, labels = np.array([[1.0, 0, 0]] * 4), np.array([2, 2, 2, 0])
    threshold = best_threshold(scores, labels, 2)
    assert DecisionRule(out_of_scope=2, threshold=threshold).labels_of(scores).tolist() == [2, 2, 2, 2]


def test_where_nothing_is_gained_nothing_is_turned_away() -> None:
    scores = np.array([[0.9, 0.1, 0.0], [0.4, 0.35, 0.25]])
    assert best_threshold(scores, np.array([0, 0]), 2) == 0.0
    assert best_threshold(np.zeros((0, 3)), np.zeros(0, np.int64), 2) == 0.0


def test_each_label_is_a_question_of_its_own_where_there_may_be_several() -> None:
    rule = DecisionRule(has_label_sets=True)
    text, scores = rule.answer([2.0, -3.0, 0.5], NAMES)
    assert text == '["a", "oos"]'
    assert scores == pytest.approx(1 / (1 + np.exp(-np.array([2.0, -3.0, 0.5]))))
    assert rule.answer([-1.0, -1.0, -1.0], NAMES)[0] == "[]"


def task(**changes: object) -> TaskSpec:
    return small_task("classify", labels=NAMES, **changes)


def test_a_rule_is_fitted_on_logits_and_kept_in_the_configuration() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 400)
    logits = 6.0 * (np.eye(3)[labels] + generator.normal(0, 0.7, (400, 3)))
    rule = fit_rule(logits, labels, task(out_of_scope={"label": "oos"}))
    assert rule.temperature > 1.0
    assert rule.out_of_scope == 2
    config = BertConfig()
    setattr(config, CONFIG_KEY, rule.to_config())
    read = BertConfig.from_dict(json.loads(config.to_json_string()))
    assert rule_of(read) == rule
    assert rule_of(BertConfig()) == DecisionRule()


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_few_rows_that_are_all_right_make_no_model_sure_of_everything(multi_label: bool) -> None:
    def fitted(num_rows: int) -> float:
        labels = np.arange(num_rows) % 3
        logits = 2.0 * np.eye(3)[labels]
        if multi_label:
            logits, labels = np.stack([np.zeros_like(logits), logits - 1.0], axis=-1), np.eye(3, dtype=np.int64)[labels]
        return fit_rule(logits, labels, task(multi_label=multi_label)).temperature

    assert fitted(MIN_ROWS - 1) == 1.0
    assert fitted(MIN_ROWS) == MIN_TEMPERATURE


def test_the_specs_own_threshold_is_kept_and_no_rows_fit_nothing() -> None:
    fixed = task(out_of_scope={"label": "oos", "threshold": 0.7})
    none = np.zeros((0, 3)), np.zeros(0, np.int64)
    assert fit_rule(*none, fixed) == DecisionRule(out_of_scope=2, threshold=0.7)
    assert fit_rule(*none, task()) == DecisionRule()
    assert fit_rule(np.eye(3), np.arange(3), fixed).threshold == 0.7
    assert fit_rule(np.zeros((0, 0)), none[1], task(multi_label=True)) == DecisionRule(has_label_sets=True)
