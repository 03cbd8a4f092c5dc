"""What the dev split is asked, and how much of it at once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from tests.support.small_tasks import small_dataset, small_task
from torch import nn

from polyloop.errors import TrainingError
from polyloop.training.judge import Judge, Verdict, check_finite
from polyloop.training.objectives import LabelObjective
from polyloop.training.rows import Rows
from polyloop.training.session import LocalSession


class Even(nn.Module):
    """Says even of all rows, and remembers how many tokens it was shown at once."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([2.0, 0.0]))
        self.seen: list[int] = []

    def forward(self, input_ids: torch.Tensor, **_: Any) -> Any:
        self.seen.append(input_ids.numel())
        return type("Output", (), {"logits": self.weight.expand(len(input_ids), 2)})


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    dataset = small_dataset(tmp_path_factory.mktemp("judged") / "dataset", small_task("classify"), range(300))
    return Rows.from_table(dataset.table("dev"))


def asked(dev: Rows, **training: Any) -> tuple[Even, Verdict | None]:
    model, spec = Even(), small_task("classify", training=training).training
    judge = Judge(dev, LabelObjective(pad_id=0), LocalSession(run_dir=Path("unused")), Accelerator(cpu=True), spec)
    return model, judge.verdict(model)


def test_no_more_is_asked_at_once_than_a_step_may_compute_at_once(dev: Rows) -> None:
    whole, expected = asked(dev, batch_tokens=512)
    cut, found = asked(dev, batch_tokens=512, micro_batch_tokens=32)
    assert max(whole.seen) > 32
    assert max(cut.seen) <= 32
    assert found is not None
    assert expected is not None
    assert found.loss == pytest.approx(expected.loss)
    assert found.accuracy == expected.accuracy == np.mean(dev.targets.values == 0)


def test_a_loss_that_is_no_number_is_an_error_that_names_the_epoch() -> None:
    check_finite(None, 0)
    check_finite(Verdict(loss=0.5, accuracy=0.5), 0)
    with pytest.raises(TrainingError, match="the dev loss is nan after epoch 2"):
        check_finite(Verdict(loss=float("nan"), accuracy=0.5), 1)
