"""Published model versions: written whole or not at all, and verified before each load.

Input: a folder with a Hugging Face model and tokenizer (safetensors), or with the settings and the index of an answer
task (`polyloop.models.answering`), or with both, and the version's facts. Output: an immutable folder with those files,
a model card and manifest.json. Publishing copies into a hidden folder beside the target, flushes it to disk and renames
it once. Limits: folders of their own for index, encoder and converted model alone, and both names on one file system.
"""

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from polyloop.errors import ArtefactError
from polyloop.models.answering import ANSWERING_FILE, ENCODER_FOLDER, INDEX_FACTS_FILE, INDEX_FOLDER
from polyloop.models.card import render_card
from polyloop.models.engine_files import ENGINE_FOLDER, check_engine_file, is_engine_file
from polyloop.models.manifest import CARD_FILE, MANIFEST_FILE, Manifest, ModelFile, VersionFacts
from polyloop.models.storage import flush, named_storage_errors

PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
"""Files that may hold pickled code; loading one can run anything."""
OWN_FILES = (MANIFEST_FILE, CARD_FILE)
PARTS = (INDEX_FOLDER, ENCODER_FOLDER, ENGINE_FOLDER)
"""Folders that an artefact may hold; their files are listed as `index/passages.npy`."""


def publish(source_dir: Path, target_dir: Path, facts: VersionFacts) -> Manifest:
    """Publish the model in `source_dir` as `target_dir` in one atomic step and return its manifest.

    The same model with the same facts already there is fine (the earlier manifest is returned); anything else there
    is an ArtefactError. A full disk is a StorageFullError, and nothing of the attempt is left.
    """
    names = _publishable_names(source_dir)
    target_dir.parent.mkdir(parents=True, exist_ok=True)
    staging = target_dir.parent / f".{target_dir.name}.{uuid.uuid4().hex}.partial"
    try:
        with named_storage_errors(f"the model version {target_dir}"):
            manifest = _stage(source_dir, names, staging, facts)
            if _move(staging, target_dir):
                return manifest
        return _existing(target_dir, manifest)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def verify(path: Path) -> Manifest:
    """Return the manifest of the artefact at `path` after checking the digest of every file.

    ArtefactError names the first file that is missing, changed or not listed.
    """
    manifest = read_manifest(path)
    _check_files(path, manifest, lambda name: True)
    return manifest


def verify_model(path: Path) -> Manifest:
    """Do as `verify` for all but the converted model, without which a version can answer all the same."""
    manifest = read_manifest(path)
    _check_files(path, manifest, lambda name: not is_engine_file(name))
    return manifest


def verify_engine(path: Path, manifest: Manifest) -> None:
    """Do as `verify` for the converted model alone."""
    _check_files(path, manifest, is_engine_file)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of the artefact at `path` alone, with no look at its files; ArtefactError if it has none."""
    try:
        text = (path / MANIFEST_FILE).read_text(encoding="utf-8")
        return Manifest.model_validate_json(text)
    except OSError as error:
        raise ArtefactError(
            f"{path} is not a published model: {MANIFEST_FILE} cannot be read ({error.strerror})"
        ) from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise ArtefactError(f"{path / MANIFEST_FILE} is malformed; publish the version again") from error


def _check_files(path: Path, manifest: Manifest, is_asked: Callable[[str], bool]) -> None:
    """ArtefactError for the first file that is missing, changed or not listed, among those that are asked for."""
    found = set(filter(is_asked, _names(path) - {MANIFEST_FILE}))
    listed = {name: file for name, file in manifest.files.items() if is_asked(name)}
    for name in sorted(found - listed.keys()):
        raise ArtefactError(f"{path / name} does not belong to the artefact: its manifest does not list it")
    for name, expected in listed.items():
        if name not in found:
            raise ArtefactError(f"{path / name} is missing; publish the version again")
        if _describe(path / name) != expected:
            raise ArtefactError(f"{path / name} is not the file that was published: its SHA-256 or size differs")


def _names(folder: Path) -> set[str]:
    """Return the names of what is in a folder, that of its parts as `part/name`."""
    entries = list(os.scandir(folder))
    parts = [entry for entry in entries if entry.name in PARTS and entry.is_dir(follow_symlinks=False)]
    inner = {f"{part.name}/{entry.name}" for part in parts for entry in os.scandir(part.path)}
    return {entry.name for entry in entries if entry not in parts} | inner


def _publishable_names(source_dir: Path) -> list[str]:
    names = sorted(_names(source_dir) - set(OWN_FILES))
    for name in names:
        path = source_dir / name
        if path.is_symlink() or not path.is_file():
            raise ArtefactError(f"{path} is not a plain file; an artefact holds files only")
        if is_engine_file(name):
            check_engine_file(source_dir, name)
        elif name.endswith(PICKLE_SUFFIXES):
            raise ArtefactError(f"{path} may hold pickled code; save the weights as safetensors")
    has_weights = any(name.endswith(".safetensors") and "/" not in name for name in names)
    is_model = "config.json" in names and has_weights
    if not is_model and not {ANSWERING_FILE, INDEX_FACTS_FILE} <= set(names):
        raise ArtefactError(f"{source_dir} holds no model: config.json and *.safetensors are needed")
    return names


def _stage(source_dir: Path, names: list[str], staging: Path, facts: VersionFacts) -> Manifest:
    staging.mkdir()
    for name in names:
        (staging / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source_dir / name, staging / name)
    (staging / CARD_FILE).write_text(render_card(facts), encoding="utf-8")
    files = {name: _describe(staging / name) for name in sorted([*names, CARD_FILE])}
    manifest = Manifest(**dict(facts), files=files)
    (staging / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for name in (*files, MANIFEST_FILE):
        flush(staging / name)
    for folder in (*(staging / part for part in PARTS), staging):
        if folder.is_dir():
            flush(folder)
    return manifest


def _move(staging: Path, target_dir: Path) -> bool:
    """Rename the staged folder to its final name; False if something is there already."""
    try:
        os.rename(staging, target_dir)
    except OSError:
        if target_dir.exists():
            return False
        raise
    flush(target_dir.parent)
    return True


def _existing(target_dir: Path, wanted: Manifest) -> Manifest:
    published = verify(target_dir)
    if _identity(published) != _identity(wanted):
        raise ArtefactError(f"{target_dir} holds another model already; a version is never replaced, choose a new name")
    return published


def _identity(manifest: Manifest) -> dict[str, object]:
    """Return all that makes two publications the same; the card and the time tell when, not what."""
    identity = manifest.model_dump(exclude={"created_at"})
    identity["files"].pop(CARD_FILE)
    return identity


def _describe(path: Path) -> ModelFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return ModelFile(sha256=digest, size_bytes=os.fstat(file.fileno()).st_size)
