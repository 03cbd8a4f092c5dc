"""Tests of writing and reading a run's state."""

import errno
import os
from pathlib import Path

import pytest
import torch

from polyloop.errors import StorageFullError
from polyloop.training.checkpoint import Position, State, read_state, write_state


def _state() -> State:
    weight = torch.nn.Parameter(torch.randn(3, 4))
    optimizer = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimizer.step()
    return State(
        weights={"a": weight.detach(), "tied": weight.detach()},
        optimizer=optimizer.state_dict(),
        averages=[{"a": weight.detach() / 2}],
        best_weights=None,
        position=Position(epoch=2, step=7, num_steps=41, dev_loss=0.5, best_score=-0.25, best_epoch=1),
    )


def test_what_was_written_is_read(tmp_path: Path) -> None:
    state = _state()
    write_state(tmp_path, state)
    read = read_state(tmp_path)
    assert read.position == state.position
    assert read.best_weights is None
    assert torch.equal(read.averages[0]["a"], state.averages[0]["a"])
    assert torch.equal(read.weights["a"], state.weights["a"])
    assert torch.equal(read.optimizer["state"][0]["exp_avg"], state.optimizer["state"][0]["exp_avg"])


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_up(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(StorageFullError, match="no space left while writing a training checkpoint"):
        write_state(tmp_path, _state())


def test_a_really_full_device_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "state.pt").symlink_to("/dev/full")
    with pytest.raises(StorageFullError, match="no space left"):
        write_state(tmp_path, _state())
