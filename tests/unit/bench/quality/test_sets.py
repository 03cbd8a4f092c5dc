"""The table of sets names examples, tasks, metrics and slices that there are."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from polyloop.bench.quality.sets import MEAN, SETS, QualitySet, set_named
from polyloop.errors import SpecError
from polyloop.evaluation.metrics import metric_named
from polyloop.evaluation.results import OVERALL
from polyloop.models.build import build_model
from polyloop.spec.loader import load_spec
from polyloop.spec.models import TaskSpec, metrics_of, split_pair, task_locales
from polyloop.tasks import kind_of

EXAMPLES = Path(__file__).resolve().parents[4] / "docs" / "examples"
TRAINED = [one for one in SETS if one.example is not None]


def task_and_locales(one: QualitySet) -> tuple[TaskSpec, tuple[str, ...]]:
    loaded = load_spec(EXAMPLES / str(one.example))
    task = loaded.task(one.task)
    targets = tuple(split_pair(pair)[1] for pair in task.pairs)
    return task, targets or task_locales(task, loaded.spec.locales)


@pytest.mark.parametrize("one", TRAINED, ids=lambda one: one.name)
def test_each_goal_is_something_that_an_evaluation_of_the_task_tells(one: QualitySet):
    task, locales = task_and_locales(one)
    gate_metric = kind_of(task).metrics[0] if task.gate.metric == "default" else task.gate.metric
    told = metrics_of(task, gate_metric)
    for goal in one.goals:
        assert goal.metric in told
        assert goal.slice in (OVERALL, MEAN, *locales)
        asked = locales if goal.slice in (OVERALL, MEAN) else (goal.slice,)
        assert all(metric_named(goal.metric).is_valid_for(locale) for locale in asked)


@pytest.mark.parametrize("one", TRAINED, ids=lambda one: one.name)
def test_the_gate_of_an_example_decides_by_the_first_goal(one: QualitySet):
    task, _ = task_and_locales(one)
    metric = kind_of(task).metrics[0] if task.gate.metric == "default" else task.gate.metric
    if one.goals[0].bar is not None:
        assert metric == one.goals[0].metric


def test_bars_are_those_of_the_project_and_below_their_aims():
    bars = {(one.name, goal.slice): goal.bar for one in SETS for goal in one.goals if goal.bar is not None}

    assert bars == {
        ("multi30k", OVERALL): 39.5,
        ("topics", OVERALL): 90.7,
        ("sst2", OVERALL): 81.5,
        ("intents", OVERALL): 91.5,
        ("sentiment8", MEAN): 52.0,
        ("cold", OVERALL): 80.0,
        ("xquad", "en"): 92.0,
        ("xquad", "zh"): 93.0,
        ("xquad", "de"): 85.0,
    }
    assert all(goal.aim > goal.bar for one in SETS for goal in one.goals if goal.bar and goal.aim)


def test_bars_are_on_metrics_of_which_more_is_better():
    for one in SETS:
        assert all(goal.bar is None or metric_named(goal.metric).direction == "more" for goal in one.goals)


def test_the_translation_model_has_at_most_three_million_weights():
    one = set_named("multi30k")
    task, _ = task_and_locales(one)
    words = {f"w{number}": number for number in range(task.model.vocab_size + 1)}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="w2")),
        pad_token="w0",
        eos_token="w1",
        unk_token="w2",
    )
    model = build_model(task, tokenizer, dropout=0.0)

    assert one.max_parameters == 3_000_000
    assert sum(weight.numel() for weight in model.parameters()) == 2_350_208 <= one.max_parameters


def test_an_unknown_set_is_answered_with_those_there_are():
    with pytest.raises(SpecError, match="no set 'imdb'; there are: multi30k, multi30k-cased, topics"):
        set_named("imdb")
