"""What tests of dataset builds share: small task specs, a corpus, and a disk that can be made full."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from polyloop.spec.loader import LoadedSpec

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
