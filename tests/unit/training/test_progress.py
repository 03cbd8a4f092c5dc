"""Tests of the progress file."""

import json
import time
from dataclasses import asdict
from pathlib import Path

from tests.support.looks import look

from polyloop.training.progress import Progress, ProgressFile, ProgressFollower, read_progress


def test_looks_are_read_back_from_where_one_stopped(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "progress.jsonl")
    assert read_progress(tmp_path / "progress.jsonl") == []
    file.write(look(num_steps=1))
    file.write(look(num_steps=2))
    (first, offset), (second, _) = read_progress(tmp_path / "progress.jsonl")
    assert (first, second) == (look(num_steps=1), look(num_steps=2))
    assert [seen for seen, _ in read_progress(tmp_path / "progress.jsonl", offset)] == [look(num_steps=2)]


def test_half_a_line_is_left_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    line = json.dumps(asdict(look(num_steps=1))) + "\n"
    path.write_text(line + line[:20])
    assert len(read_progress(path)) == 1


def test_a_follower_sees_only_new_looks_each_once_and_the_last_before_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    file = ProgressFile(path)
    seen: list[Progress] = []
    file.write(look(num_steps=1))
    with ProgressFollower(path, seen.append):
        file.write(look(num_steps=2))
        deadline = time.monotonic() + 10
        while not seen and time.monotonic() < deadline:
            time.sleep(0.01)
        assert seen == [look(num_steps=2)]
        file.write(look(num_steps=3))
    assert seen == [look(num_steps=2), look(num_steps=3)]


def test_a_follower_may_begin_before_there_is_a_file(tmp_path: Path) -> None:
    seen: list[Progress] = []
    with ProgressFollower(tmp_path / "progress.jsonl", seen.append):
        ProgressFile(tmp_path / "progress.jsonl").write(look(num_steps=1))
    assert seen == [look(num_steps=1)]
