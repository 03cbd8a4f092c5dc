"""The folder of kept shards: what cleaning made of corpus slices, for later builds of whichever task.

Input: the folder. Effect: shards that no build has used for `KEPT_DAYS` are removed, so that the folder holds about one
cleaned copy of the corpora in use; so is what killed builds have left half-written.
"""

import time
from collections.abc import Iterator
from pathlib import Path

SHARDS_FOLDER = "shards"
KEPT_DAYS = 14
_DAY_S = 86_400


def remove_unused(folder: Path, *, now_s: float | None = None) -> int:
    """Remove shards whose description was last used over `KEPT_DAYS` ago; return how many."""
    oldest_s = (time.time() if now_s is None else now_s) - KEPT_DAYS * _DAY_S
    removed = 0
    for description in _older(folder.glob("*.json"), oldest_s):
        description.unlink(missing_ok=True)
        description.with_suffix(".arrow").unlink(missing_ok=True)
        removed += 1
    described = {path.stem for path in folder.glob("*.json")}
    for path in _older(folder.iterdir(), oldest_s):
        if path.stem not in described:
            path.unlink(missing_ok=True)
    return removed


def _older(paths: Iterator[Path], oldest_s: float) -> list[Path]:
    """Return the files that were last changed before a time."""
    older: list[Path] = []
    for path in paths:
        try:
            if path.stat().st_mtime < oldest_s:
                older.append(path)
        except FileNotFoundError:
            continue
    return older
