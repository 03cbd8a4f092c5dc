"""A small project to build datasets of, and the full disk to build them on."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from polyloop.spec.loader import LoadedSpec, load_spec

CLASSIFY: dict[str, Any] = {
    "kind": "classify",
    "labels": ["good", "bad"],
    "corpora": ["main"],
    "model": {"recipe": "nano", "vocab_size": 300, "max_input_tokens": 64},
}
TRANSLATE: dict[str, Any] = {
    "kind": "translate",
    "pairs": ["en>de"],
    "corpora": ["main"],
    "model": {"recipe": "nano", "vocab_size": 300, "max_input_tokens": 64, "max_target_tokens": 64},
}
CORPUS: dict[str, Any] = {
    "paths": ["data/*"],
    "columns": {"input": "text", "target": "label"},
    "locale": "en",
    "licence": "CC0-1.0",
}

MakeProject = Callable[..., LoadedSpec]


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


class SmallDisk:
    """A file system of 16 MiB, in memory, that can be made full; mounting it takes root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._mount("size=16m")

    def leave(self, free_bytes: int) -> None:
        """Shrink the disk to what is on it and a little more."""
        usage = os.statvfs(self.folder)
        used_bytes = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
        self._mount(f"remount,size={used_bytes + free_bytes}")

    def remove(self) -> None:
        """Unmount the disk."""
        subprocess.run(["umount", str(self.folder)], check=True)

    def _mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk to fill."""
    disk = SmallDisk(tmp_path / "small-disk")
    yield disk
    disk.remove()
