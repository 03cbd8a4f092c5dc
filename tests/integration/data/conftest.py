"""A small project to build datasets of, and the full disk to build them on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.dataset_projects import CLASSIFY, CORPUS, MakeProject, SmallDisk

from polyloop.spec.loader import LoadedSpec, load_spec


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    """Return a function that writes a spec with one task, `task`, over the corpus `main`, and loads it.

    `corpora` holds changes to the corpus of each name; `task` replaces the classify task; others change the spec.
    """

    def make(
        task: dict[str, Any] | None = None, corpora: dict[str, dict[str, Any]] | None = None, **spec: Any
    ) -> LoadedSpec:
        corpora = corpora or {"main": {}}
        data = {
            "project": "example",
            "locales": ["en", "de"],
            "artefacts": "artefacts",
            "corpora": {name: {**CORPUS, **changes} for name, changes in corpora.items()},
            "tasks": {"task": {**(task or CLASSIFY), "corpora": list(corpora)}},
            **spec,
        }
        path = tmp_path / "polyloop.yaml"
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        return load_spec(path)

    return make


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk to fill."""
    disk = SmallDisk(tmp_path / "small-disk")
    yield disk
    disk.remove()
