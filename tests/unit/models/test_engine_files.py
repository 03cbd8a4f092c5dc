"""Which files of a converted model an artefact may hold: those that CTranslate2 writes, and nothing that hides among
them."""

import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from tests.support.small_tasks import small_task, version_facts

from polyloop.errors import ArtefactError
from polyloop.models.artefact import publish, read_manifest, verify, verify_engine, verify_model

FACTS = version_facts(small_task("translate"))
WEIGHTS = b"\x06\0\0\0\x10\0TransformerSpec\0\x07\0\0\0" + b"weights" * 100


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "trained"
    (folder / "ctranslate2").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights" * 1000)
    (folder / "ctranslate2" / "config.json").write_text("{}")
    (folder / "ctranslate2" / "shared_vocabulary.json").write_text("[]")
    (folder / "ctranslate2" / "model.bin").write_bytes(WEIGHTS)
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "v1"


def test_a_converted_model_is_part_of_the_artefact(source: Path, target: Path) -> None:
    manifest = publish(source, target, FACTS)
    assert verify(target) == verify_model(target) == manifest
    assert manifest.files["ctranslate2/model.bin"].size_bytes == len(WEIGHTS)
    assert {name for name in manifest.files if name.startswith("ctranslate2/")} == {
        "ctranslate2/config.json",
        "ctranslate2/model.bin",
        "ctranslate2/shared_vocabulary.json",
    }


def _pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weight": [1.0]}))


def _zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps({"weight": [1.0]}))


def _saved_by_torch(path: Path) -> None:
    torch.save({"weight": torch.ones(2)}, path)


@pytest.mark.parametrize("write", [_pickled, _zipped, _saved_by_torch, lambda path: path.write_bytes(b"")])
def test_weights_that_do_not_begin_as_the_engine_writes_them_are_refused(
    source: Path, target: Path, write: object
) -> None:
    assert callable(write)
    write(source / "ctranslate2" / "model.bin")
    with pytest.raises(ArtefactError, match=r"ctranslate2/model\.bin may hold pickled code"):
        publish(source, target, FACTS)
    assert not target.exists()


@pytest.mark.parametrize("name", ["other.bin", "model.bin.pkl", "script.py", "model.safetensors", "Model.bin"])
def test_any_other_file_beside_the_converted_model_is_refused(source: Path, target: Path, name: str) -> None:
    (source / "ctranslate2" / name).write_bytes(WEIGHTS)
    with pytest.raises(ArtefactError, match=rf"ctranslate2/{name} is no file of a converted model"):
        publish(source, target, FACTS)


@pytest.mark.parametrize("name", ["model.bin", "index/model.bin", "encoder/model.bin"])
def test_the_same_file_anywhere_else_may_be_pickled_and_is_refused(source: Path, target: Path, name: str) -> None:
    (source / name).parent.mkdir(exist_ok=True)
    (source / name).write_bytes(WEIGHTS)
    with pytest.raises(ArtefactError, match=f"{name} may hold pickled code; save the weights as safetensors"):
        publish(source, target, FACTS)


def test_links_and_folders_in_it_are_refused(source: Path, target: Path) -> None:
    weights = source / "ctranslate2" / "model.bin"
    weights.rename(source.parent / "elsewhere")
    weights.symlink_to(source.parent / "elsewhere")
    with pytest.raises(ArtefactError, match=r"model\.bin is not a plain file"):
        publish(source, target, FACTS)
    weights.unlink()
    weights.mkdir()
    with pytest.raises(ArtefactError, match=r"model\.bin is not a plain file"):
        publish(source, target, FACTS)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: _flip(folder / "model.bin"), r"model\.bin is not the file that was published"),
        (lambda folder: (folder / "model.bin").unlink(), r"model\.bin is missing"),
        (lambda folder: (folder / "more.json").write_text("{}"), r"more\.json does not belong"),
    ],
)
def test_damage_to_it_is_found_and_leaves_the_model_itself_whole(
    source: Path, target: Path, damage: object, message: str
) -> None:
    manifest = publish(source, target, FACTS)
    assert callable(damage)
    damage(target / "ctranslate2")
    for check in (lambda: verify(target), lambda: verify_engine(target, manifest)):
        with pytest.raises(ArtefactError, match=message):
            check()
    assert verify_model(target) == manifest == read_manifest(target)


def test_damage_to_the_model_itself_is_none_of_the_engine(source: Path, target: Path) -> None:
    manifest = publish(source, target, FACTS)
    _flip(target / "model.safetensors")
    verify_engine(target, manifest)
    with pytest.raises(ArtefactError, match=r"model\.safetensors is not the file"):
        verify_model(target)
