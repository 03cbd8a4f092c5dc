"""Indexes as plain files: JSON and numpy arrays with their digests, written whole or not at all, never pickled.

Input: an index and a folder. Output: a folder with index.json, the documents, places of passages, and arrays; or the
index that such a folder holds, after the digest of each file was checked. Limits: one writer a folder; the folder must
not exist before.
"""

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from polyloop.errors import RetrievalError, StorageFullError
from polyloop.retrieval.analysis import ANALYSIS_VERSION, FIELDS
from polyloop.retrieval.document_lines import LONE_SURROGATES, read_documents, write_documents
from polyloop.retrieval.documents import Passage
from polyloop.retrieval.index import DocumentIndex
from polyloop.retrieval.lexical import TermIndex

INDEX_FILE = "index.json"
DOCUMENTS_FILE = "documents.jsonl"
PASSAGES_FILE = "passages.npy"
VECTORS_FILE = "vectors.npy"
FORMAT_VERSION = 1


class IndexFacts(BaseModel):
    """What index.json says of the other files."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    format_version: int
    """Version of this layout."""
    analysis_version: int
    """Version of the rules that made the terms; questions must be cut by the same."""
    num_documents: int
    """Lines of the documents file."""
    num_passages: int
    """Rows of the passages file."""
    sha256: dict[str, str]
    """File name -> SHA-256 of its content, hexadecimal."""


def save_index(index: DocumentIndex, folder: Path) -> None:
    """Write an index to a new folder in one atomic step; RetrievalError if the folder is there already."""
    if folder.exists():
        raise RetrievalError(f"{folder} exists already; an index never changes, so save it to a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.parent / f".{folder.name}.{uuid.uuid4().hex}.partial"
    staging.mkdir()
    try:
        digests = {name: _write(staging / name, content) for name, content in _files(index)}
        facts = IndexFacts(
            format_version=FORMAT_VERSION,
            analysis_version=ANALYSIS_VERSION,
            num_documents=len(index.documents),
            num_passages=len(index.passages),
            sha256=digests,
        )
        _write(staging / INDEX_FILE, facts.model_dump_json(indent=2).encode())
        staging.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(
                f"no space left while writing the index {folder}; free some and save it again"
            ) from error
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def load_index(folder: Path) -> DocumentIndex:
    """Return the index in a folder; RetrievalError names the first file that is missing or not what was saved."""
    facts = _read_facts(folder)
    contents = {name: _read(folder / name, digest) for name, digest in facts.sha256.items()}
    try:
        return _assemble(facts, contents)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        # Digests are right, so that the files were written by something else than `save_index`.
        raise RetrievalError(f"{folder} does not hold together as an index ({error}); build it again") from error


def _files(index: DocumentIndex) -> Iterable[tuple[str, bytes]]:
    places = {document.id: place for place, document in enumerate(index.documents)}
    rows = [[places[passage.document.id], passage.start, passage.end] for passage in index.passages]
    yield DOCUMENTS_FILE, write_documents(index.documents)
    yield PASSAGES_FILE, _array_bytes(np.array(rows, dtype=np.int64).reshape(-1, 3))
    for name, terms in index.terms.items():
        vocabulary = json.dumps(list(terms.vocabulary), ensure_ascii=False)
        yield f"{name}.terms.json", vocabulary.encode("utf-8", LONE_SURROGATES)
        yield f"{name}.values.npy", _array_bytes(terms.values)
        yield f"{name}.passages.npy", _array_bytes(terms.passages)
        yield f"{name}.starts.npy", _array_bytes(terms.starts)
    if index.vectors is not None:
        yield VECTORS_FILE, _array_bytes(index.vectors)


def _array_bytes(array: NDArray[Any]) -> bytes:
    stream = BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _write(path: Path, content: bytes) -> str:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return hashlib.sha256(content).hexdigest()


def _read_facts(folder: Path) -> IndexFacts:
    path = folder / INDEX_FILE
    try:
        facts = IndexFacts.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RetrievalError(f"{folder} is not an index: {INDEX_FILE} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise RetrievalError(f"{path} is malformed; build the index again") from error
    for what, found, wanted in (
        ("format", facts.format_version, FORMAT_VERSION),
        ("analysis", facts.analysis_version, ANALYSIS_VERSION),
    ):
        if found != wanted:
            raise RetrievalError(f"{path} has {what} version {found}, not {wanted}; build the index again")
    for name in facts.sha256:
        if Path(name).name != name:
            raise RetrievalError(f"{path} lists {name!r}, which is not a plain file name; build the index again")
    return facts


def _read(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RetrievalError(f"{path} cannot be read ({error.strerror}); build the index again") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise RetrievalError(f"{path} is not the file that was saved: its SHA-256 differs; build the index again")
    return content


def _assemble(facts: IndexFacts, contents: dict[str, bytes]) -> DocumentIndex:
    documents = read_documents(contents[DOCUMENTS_FILE])
    rows = _array(contents, PASSAGES_FILE)
    passages = tuple(
        Passage(document=documents[place], start=start, end=end) for place, start, end in rows.reshape(-1, 3).tolist()
    )
    if (len(documents), len(passages)) != (facts.num_documents, facts.num_passages):
        raise ValueError(f"{len(documents)} documents and {len(passages)} passages, not as {INDEX_FILE} says")
    vectors = _array(contents, VECTORS_FILE) if VECTORS_FILE in contents else None
    if vectors is not None and (vectors.ndim != 2 or len(vectors) != len(passages)):
        raise ValueError(f"vectors of shape {vectors.shape} for {len(passages)} passages")
    terms = {field.name: _term_index(contents, field.name, len(passages)) for field in FIELDS}
    return DocumentIndex(documents=documents, passages=passages, terms=terms, vectors=vectors)


def _term_index(contents: dict[str, bytes], name: str, num_passages: int) -> TermIndex:
    vocabulary = json.loads(contents[f"{name}.terms.json"].decode("utf-8", LONE_SURROGATES))
    values, passages, starts = (_array(contents, f"{name}.{part}.npy") for part in ("values", "passages", "starts"))
    if len(starts) != len(vocabulary) + 1 or len(values) != len(passages) or starts[-1] != len(values):
        raise ValueError(f"the arrays of {name} have lengths that do not fit")
    if len(passages) and not 0 <= passages.min() <= passages.max() < num_passages:
        raise ValueError(f"{name} names passages that are not there")
    return TermIndex(
        vocabulary={term: column for column, term in enumerate(vocabulary)},
        values=values,
        passages=passages,
        starts=starts,
        num_passages=num_passages,
    )


def _array(contents: dict[str, bytes], name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.load(BytesIO(contents[name]), allow_pickle=False)
    return array
