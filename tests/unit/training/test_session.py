"""Tests of the session of a plain process."""

from pathlib import Path

import pytest

from polyloop.training.session import LocalSession


def _save(session: LocalSession, content: str) -> None:
    def write(folder: Path) -> None:
        (folder / "state").write_text(content)

    session.save(write)


def test_the_newest_checkpoint_is_found_and_two_are_kept(tmp_path: Path) -> None:
    session = LocalSession(run_dir=tmp_path)
    assert session.latest_checkpoint() is None
    for content in ("first", "second", "third"):
        _save(session, content)
    latest = session.latest_checkpoint()
    assert latest is not None
    assert (latest / "state").read_text() == "third"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-000001", "checkpoint-000002"]


def test_a_checkpoint_that_fails_leaves_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    session = LocalSession(run_dir=tmp_path)
    _save(session, "first")

    def fail(folder: Path) -> None:
        (folder / "state").write_text("half")
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        session.save(fail)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000000"]


def test_what_a_killed_process_was_writing_is_gone_with_the_next_checkpoint(tmp_path: Path) -> None:
    left = tmp_path / ".checkpoint-0123"
    left.mkdir()
    (left / "state").write_text("half")
    _save(LocalSession(run_dir=tmp_path), "first")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000000"]


def test_only_the_first_worker_writes(tmp_path: Path) -> None:
    _save(LocalSession(run_dir=tmp_path, rank=1, world_size=2), "second worker")
    assert list(tmp_path.iterdir()) == []
