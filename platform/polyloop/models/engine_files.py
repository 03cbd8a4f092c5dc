"""Which files an artefact may hold of a converted model: those that CTranslate2 writes, by name and by content.

Input: a folder and the name of a file in it. Output: nothing, or an ArtefactError. CTranslate2 calls its weights
model.bin, as PyTorch calls weights that are pickled; here a name alone is not trusted. A file that begins as
CTranslate2's do is neither a pickle (which has no such first byte) nor the zip archive that PyTorch writes, so nothing
that reads it can run code from it. Limits: what comes after the beginning is for the manifest's digest to vouch for.
"""

import struct
from pathlib import Path

from polyloop.errors import ArtefactError

ENGINE_FOLDER = "ctranslate2"
"""Part of an artefact that holds the converted model."""
WEIGHTS_FILE = "model.bin"
ENGINE_FILES = frozenset(
    {
        "config.json",
        WEIGHTS_FILE,
        "vocabulary.json",
        "shared_vocabulary.json",
        "source_vocabulary.json",
        "target_vocabulary.json",
    }
)
"""All that CTranslate2 4 writes for an encoder-decoder, a decoder or an encoder."""
BINARY_VERSION = 6
"""Number at the beginning of model.bin, as CTranslate2 4 writes it (`CURRENT_BINARY_VERSION` of its specs)."""
SPECS = ("TransformerSpec", "TransformerDecoderSpec", "TransformerEncoderSpec")
"""Names that may follow: what an encoder-decoder, a decoder and an encoder are called in model.bin."""


def is_engine_file(name: str) -> bool:
    """Return whether a name in an artefact is of the part for the converted model."""
    return name == ENGINE_FOLDER or name.startswith(f"{ENGINE_FOLDER}/")


def check_engine_file(folder: Path, name: str) -> None:
    """ArtefactError for a file of that part that CTranslate2 does not write; `name` is as `ctranslate2/model.bin`."""
    own_name = name.removeprefix(f"{ENGINE_FOLDER}/")
    if own_name not in ENGINE_FILES:
        raise ArtefactError(
            f"{folder / name} is no file of a converted model; {ENGINE_FOLDER}/ may hold "
            f"{', '.join(sorted(ENGINE_FILES))}"
        )
    if own_name == WEIGHTS_FILE and not _has_beginning(folder / name):
        raise ArtefactError(
            f"{folder / name} may hold pickled code: it does not begin as CTranslate2's weights do; convert the model "
            "again"
        )


def _has_beginning(path: Path) -> bool:
    beginnings = tuple(map(_beginning, SPECS))
    with path.open("rb") as file:
        return file.read(max(map(len, beginnings))).startswith(beginnings)


def _beginning(spec: str) -> bytes:
    """Return the first bytes of a model.bin: the version, then the name with its length and a closing zero."""
    text = spec.encode() + b"\0"
    return struct.pack("<IH", BINARY_VERSION, len(text)) + text
