"""A small project to build datasets of, and the full disk to build them on."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.support.dataset_projects import MakeProject, SmallDisk, make_project


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    """Return `make_project` for the test's folder."""
    return partial(make_project, tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk to fill."""
    disk = SmallDisk(tmp_path / "small-disk")
    yield disk
    disk.remove()
