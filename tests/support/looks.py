"""Looks at a run, as a training reports them, made up for tests."""

from dataclasses import replace
from typing import Any

from polyloop.training.progress import Progress

LOOK = Progress(
    fraction=0.5,
    epoch=0,
    step=5,
    steps_in_epoch=10,
    num_steps=5,
    loss=1.0,
    dev_loss=None,
    dev_accuracy=None,
    learning_rate=1e-3,
    gradient_norm=0.5,
    tokens_per_s=1_000.0,
    flops_per_s=1e9,
    mfu=None,
    memory_bytes=2**30,
    num_workers=1,
    micro_batch_tokens=512,
    elapsed_s=1.0,
    resumed=False,
    pid=1,
)


def look(**changes: Any) -> Progress:
    """Return a look in the middle of the first epoch, with some fields changed."""
    return replace(LOOK, **changes)


def epoch_end(epoch: int, dev_loss: float, dev_accuracy: float = 0.5, **changes: Any) -> Progress:
    """Return the look at the end of an epoch (from 0) of ten steps."""
    fields = {"epoch": epoch, "step": 10, "num_steps": 10 * (epoch + 1), "ends_epoch": True, "elapsed_s": epoch + 1.0}
    return look(**(fields | {"dev_loss": dev_loss, "dev_accuracy": dev_accuracy} | changes))
