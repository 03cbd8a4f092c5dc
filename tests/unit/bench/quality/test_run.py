"""What a run decides by itself: the fraction of a quick look, whether a kept result stands, how large a model is."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.support.small_tasks import small_task
from tests.unit.bench.quality.conftest import MakeResult

from polyloop.bench.quality.retrieval import measure
from polyloop.bench.quality.run import QUICK_EPOCHS, Options, count_parameters, is_same_run, quick_task, run_set
from polyloop.bench.quality.sets import Goal, set_named
from polyloop.errors import SpecError


def test_a_quick_look_changes_the_epochs_alone():
    task = small_task("classify")
    quick = quick_task(task)

    assert quick.training.epochs == QUICK_EPOCHS
    assert quick.model_copy(update={"training": task.training}) == task


@pytest.mark.parametrize("changed", ["dataset", "holdout", "training"])
def test_a_kept_result_stands_for_the_same_rows_and_training_only(changed: str, make_result: MakeResult):
    digests = make_result().digests

    assert is_same_run(digests, digests | {"spec": "with another comment"})
    assert not is_same_run(digests, digests | {changed: "new"})
    assert not is_same_run({}, digests)


def test_weights_are_counted_and_tables_of_ids_are_not(tmp_path: Path):
    weights = {"w": torch.zeros(3, 4), "half": torch.zeros(5, dtype=torch.bfloat16)}
    save_file(weights | {"ids": torch.zeros(7, dtype=torch.int64)}, tmp_path / "model.safetensors")

    assert count_parameters(tmp_path) == 17


def test_without_the_examples_it_is_said_where_they_are_looked_for(tmp_path: Path):
    options = Options(specs=tmp_path / "docs", results=tmp_path / "results")

    with pytest.raises(SpecError, match=r"docs/sst2\.yaml: the quality benchmark trains by this example.*--specs"):
        run_set(set_named("sst2"), options, lambda _: None)


@pytest.mark.datasets
def test_retrieval_is_measured_with_its_interval(datasets_dir: Path):
    seconds = {"index": 0.0, "search": 0.0}
    found = measure(Goal(metric="recall@1", slice="en", bar=92.0), datasets_dir / "qa_xquad", seconds, quick=True)

    assert (found.num_rows, found.slice) == (100, "en")
    assert 80 < found.low <= found.value <= found.high <= 100
    assert seconds["index"] > 0
    assert seconds["search"] > 0
