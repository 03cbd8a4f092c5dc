"""The folder of kept shards: what no build has used for long goes, with all that belongs to it, and nothing else."""

import os
import time
from pathlib import Path

from polyloop.data.shards import KEPT_DAYS, remove_unused

NOW_S = 1_800_000_000.0
DAY_S = 86_400


def write(folder: Path, name: str, age_days: float) -> None:
    (folder / name).write_text("x")
    os.utime(folder / name, (NOW_S - age_days * DAY_S,) * 2)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_shards_that_were_not_used_for_long_are_removed_and_counted(tmp_path: Path) -> None:
    for key, age_days in (("old", KEPT_DAYS + 1), ("older", 99), ("new", KEPT_DAYS - 1)):
        write(tmp_path, f"{key}.arrow", age_days)
        write(tmp_path, f"{key}.json", age_days)
    assert remove_unused(tmp_path, now_s=NOW_S) == 2
    assert names(tmp_path) == ["new.arrow", "new.json"]
    assert remove_unused(tmp_path, now_s=NOW_S) == 0


def test_a_shard_that_was_made_long_ago_and_used_lately_stays(tmp_path: Path) -> None:
    write(tmp_path, "a.arrow", 99)
    write(tmp_path, "a.json", 1)
    assert remove_unused(tmp_path, now_s=NOW_S) == 0
    assert names(tmp_path) == ["a.arrow", "a.json"]


def test_what_a_killed_build_left_goes_once_nobody_can_be_writing_it(tmp_path: Path) -> None:
    for age_days, key in ((99, "a"), (0.1, "b")):
        write(tmp_path, f".{key}.arrow.0f0f", age_days)
        write(tmp_path, f".{key}.json.0f0f", age_days)
        write(tmp_path, f"{key}.arrow", age_days)
    assert remove_unused(tmp_path, now_s=NOW_S) == 0
    assert names(tmp_path) == [".b.arrow.0f0f", ".b.json.0f0f", "b.arrow"]


def test_the_clock_of_the_machine_is_asked_where_no_time_is_given(tmp_path: Path) -> None:
    write(tmp_path, "a.json", 0)
    os.utime(tmp_path / "a.json", (time.time() - 60,) * 2)
    assert remove_unused(tmp_path) == 0
    os.utime(tmp_path / "a.json", (time.time() - (KEPT_DAYS + 1) * DAY_S,) * 2)
    assert remove_unused(tmp_path) == 1
