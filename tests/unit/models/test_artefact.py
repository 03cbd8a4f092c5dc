"""Tests of publishing and verifying model versions."""

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.small_tasks import small_task, version_facts

from polyloop.errors import ArtefactError, StorageFullError
from polyloop.models.artefact import publish, read_manifest, verify

FACTS = version_facts(small_task("classify"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "trained"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights" * 1000)
    (folder / "tokenizer.json").write_text("{}")
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "numbers" / "v1"


def test_a_published_version_verifies_and_lists_every_file(source: Path, target: Path) -> None:
    manifest = publish(source, target, FACTS)
    assert verify(target) == manifest == read_manifest(target)
    assert set(manifest.files) == {"README.md", "config.json", "model.safetensors", "tokenizer.json"}
    assert manifest.files["model.safetensors"].size_bytes == 7000
    assert manifest.size_bytes == sum(path.stat().st_size for path in target.iterdir()) - os.path.getsize(
        target / "manifest.json"
    )
    assert [path.name for path in target.parent.iterdir()] == ["v1"]


def test_publishing_the_same_again_keeps_the_first(source: Path, target: Path) -> None:
    first = publish(source, target, FACTS)
    later = FACTS.model_copy(update={"created_at": datetime(2030, 1, 1, tzinfo=UTC)})
    assert publish(source, target, later) == first
    assert [path.name for path in target.parent.iterdir()] == ["v1"]


def test_publishing_another_model_under_the_same_name_is_refused(source: Path, target: Path) -> None:
    publish(source, target, FACTS)
    (source / "model.safetensors").write_bytes(b"others")
    with pytest.raises(ArtefactError, match="holds another model already"):
        publish(source, target, FACTS)
    assert verify(target).files["model.safetensors"].size_bytes == 7000
    assert [path.name for path in target.parent.iterdir()] == ["v1"]


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "extra.pkl", "x.ckpt"])
def test_a_file_that_may_be_pickled_is_refused(source: Path, target: Path, name: str) -> None:
    (source / name).write_bytes(b"")
    with pytest.raises(ArtefactError, match=f"{name} may hold pickled code"):
        publish(source, target, FACTS)
    assert not target.parent.exists()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_folder_without_a_model_is_refused(source: Path, target: Path, name: str) -> None:
    (source / name).unlink()
    with pytest.raises(ArtefactError, match="holds no model"):
        publish(source, target, FACTS)


def test_a_link_or_folder_is_refused(source: Path, target: Path) -> None:
    (source / "link.json").symlink_to(source / "config.json")
    with pytest.raises(ArtefactError, match=r"link\.json is not a plain file"):
        publish(source, target, FACTS)


def test_a_changed_file_is_named(source: Path, target: Path) -> None:
    publish(source, target, FACTS)
    weights = bytearray((target / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (target / "model.safetensors").write_bytes(weights)
    with pytest.raises(ArtefactError, match=r"model\.safetensors is not the file that was published"):
        verify(target)


def test_a_missing_and_an_unlisted_file_are_named(source: Path, target: Path) -> None:
    publish(source, target, FACTS)
    (target / "backdoor.py").write_text("")
    with pytest.raises(ArtefactError, match=r"backdoor\.py does not belong to the artefact"):
        verify(target)
    (target / "backdoor.py").unlink()
    (target / "tokenizer.json").unlink()
    with pytest.raises(ArtefactError, match=r"tokenizer\.json is missing"):
        verify(target)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format": 1}', b"\xff\xfe"])
def test_a_malformed_manifest_is_refused(source: Path, target: Path, damage: bytes) -> None:
    publish(source, target, FACTS)
    (target / "manifest.json").write_bytes(damage)
    with pytest.raises(ArtefactError, match=r"manifest\.json is malformed"):
        verify(target)


def test_a_manifest_of_a_later_format_or_with_unknown_keys_is_refused(source: Path, target: Path) -> None:
    publish(source, target, FACTS)
    manifest = json.loads((target / "manifest.json").read_text())
    for change in ({"format": 2}, {"colour": "red"}):
        (target / "manifest.json").write_text(json.dumps(manifest | change))
        with pytest.raises(ArtefactError, match="malformed"):
            verify(target)


def test_a_folder_that_was_never_published_is_refused(source: Path) -> None:
    with pytest.raises(ArtefactError, match=r"not a published model: manifest\.json cannot be read \(No such file"):
        verify(source)


@pytest.mark.parametrize("fails_at", range(5))
def test_a_full_disk_leaves_nothing_whenever_it_strikes(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    flush, calls = os.fsync, 0

    def fill_up(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > fails_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(StorageFullError, match="no space left while writing the model version"):
        publish(source, target, FACTS)
    assert list(target.parent.iterdir()) == []


def test_other_failures_of_the_disk_keep_their_name_and_leave_nothing(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(old: Path, new: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(PermissionError):
        publish(source, target, FACTS)
    assert list(target.parent.iterdir()) == []


def test_an_index_with_settings_is_a_version_without_a_model(tmp_path: Path, target: Path) -> None:
    folder = tmp_path / "answering"
    (folder / "index").mkdir(parents=True)
    (folder / "answering.json").write_text("{}")
    (folder / "index" / "index.json").write_text("{}")
    manifest = publish(folder, target, FACTS)
    assert verify(target) == manifest
    assert set(manifest.files) == {"README.md", "answering.json", "index/index.json"}
    (target / "index" / "more.npy").write_bytes(b"")
    with pytest.raises(ArtefactError, match=r"index/more\.npy does not belong"):
        verify(target)
    (folder / "answering.json").unlink()
    with pytest.raises(ArtefactError, match="holds no model"):
        publish(folder, target.parent / "v2", FACTS)


def test_a_folder_inside_a_part_or_of_another_name_is_refused(source: Path, target: Path) -> None:
    (source / "index" / "deep").mkdir(parents=True)
    with pytest.raises(ArtefactError, match=r"index/deep is not a plain file"):
        publish(source, target, FACTS)
    (source / "index" / "deep").rmdir()
    (source / "other").mkdir()
    with pytest.raises(ArtefactError, match=r"other is not a plain file"):
        publish(source, target, FACTS)
