"""Passes of a build: the work of all CPUs begins at once."""

import time
from functools import partial
from pathlib import Path

import pytest

from polyloop.data.rows import Row
from polyloop.data.stages import run_pass

pytestmark = pytest.mark.usefixtures("ray_cluster")

PATIENCE_S = 60


def meet(item: Row, folder: Path) -> Row:
    """Wait until the other item has begun too."""
    (folder / item["name"]).touch()
    deadline = time.monotonic() + PATIENCE_S
    while len(list(folder.iterdir())) < 2:
        if time.monotonic() > deadline:
            return {"met": "no"}
        time.sleep(0.01)
    return {"met": "yes"}


def test_the_first_two_items_of_a_pass_are_worked_on_at_once(tmp_path: Path) -> None:
    folder, work = tmp_path / "marks", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    answers = run_pass("meet", partial(meet, folder=folder), [{"name": "one"}, {"name": "two"}], work)
    assert answers == [{"met": "yes"}] * 2
