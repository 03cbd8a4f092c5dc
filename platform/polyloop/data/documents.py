"""The documents of an answer task: found, read, checked, and kept in a dataset as one file.

Inputs: the spec, and the files that it names, read as those of corpora are. Output: documents.jsonl in the order of the
files, which an index is built from, and a tally of what was left out: no_text, no_id, repeated_id, not_text,
bad_locale, invalid_utf8, and the reasons of reading. Texts stay as they are, since citations count their characters.
Limits: all documents are held in memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from polyloop.data.language import identify
from polyloop.data.read.expressions import Expression, is_expression
from polyloop.data.read.files import list_files
from polyloop.data.read.reader import read_rows
from polyloop.data.read.row import RawRow, Values, file_format, is_text, url_path
from polyloop.data.read.scan import scan_file
from polyloop.data.read.slices import ScannedFile
from polyloop.data.rows import Drop, Tally
from polyloop.data.rules import scalar_text
from polyloop.errors import DataError
from polyloop.models.storage import write_bytes
from polyloop.retrieval.document_lines import write_documents as document_lines
from polyloop.retrieval.documents import Document
from polyloop.spec.answering import DocumentSource
from polyloop.spec.corpora import LocaleColumn
from polyloop.spec.fields import LOCALE_PATTERN
from polyloop.spec.loader import LoadedSpec

DOCUMENTS_NAME = "documents.jsonl"
"""File of a dataset that holds its documents."""
DOCUMENTS_CORPUS = "documents"
"""What stands for the corpus of a document that is left out."""

IDENTIFIED_CHARACTERS = 1_000
"""How much of a text is looked at to tell its locale; more adds no certainty, only time."""

Getter = Expression | str | None


@dataclass(frozen=True, kw_only=True)
class DocumentFiles:
    """One source of documents with its files."""

    key: str
    """Its place in the spec, such as tasks.help.documents[0]."""
    source: DocumentSource
    files: tuple[ScannedFile, ...]

    @property
    def identity(self) -> list[object]:
        """What decides the documents: files by name and content, and how they are read."""
        named = [[PurePosixPath(url_path(file.path)).name, file.sha256] for file in self.files]
        return [named, self.source.model_dump(mode="json", exclude={"paths", "licence", "source"})]

    @cached_property
    def getters(self) -> dict[str, Getter]:
        """What gives text, id and title of a row; DataError for a malformed expression."""
        columns = self.source.columns
        named = {name: getattr(columns, name) for name in ("text", "id", "title")}
        return {
            name: Expression(value, f"{self.key}.columns.{name}")
            if value is not None and is_expression(value)
            else value
            for name, value in named.items()
        }

    @cached_property
    def columns(self) -> list[str]:
        """Names of the columns that are needed, each once."""
        named: list[str] = []
        for getter in self.getters.values():
            if getter is not None:
                named += getter.columns if isinstance(getter, Expression) else [getter]
        if isinstance(self.source.locale, LocaleColumn):
            named.append(self.source.locale.column)
        return list(dict.fromkeys(named))


def scan_documents(loaded: LoadedSpec, task: str) -> tuple[DocumentFiles, ...]:
    """Return the files of a task's documents; DataError for paths that match none and files that cannot be read."""
    found = []
    for number, source in enumerate(loaded.task(task).documents):
        key = f"tasks.{task}.documents[{number}]"
        paths = list_files(key, loaded.document_paths(task, number))
        files = tuple(scan_file(path, file_format(path, source.format), source.encoding) for path in paths)
        found.append(DocumentFiles(key=key, source=source, files=files))
    return tuple(found)


def read_documents(sources: Sequence[DocumentFiles], locales: Sequence[str]) -> Iterator[Document | Drop]:
    """Yield what becomes of each row, in the order of sources, files and rows; `locales` are those of the project."""
    seen: set[str] = set()
    for source in sources:
        for file in source.files:
            for piece in file.slices:
                for row in read_rows(piece, source.columns):
                    found = _document(source, file.path, row, locales)
                    if isinstance(found, Document):
                        if found.id in seen:
                            where = f"{PurePosixPath(url_path(file.path)).name}:{row.number}"
                            found = Drop(DOCUMENTS_CORPUS, "repeated_id", where, found.id)
                        else:
                            seen.add(found.id)
                    yield found


def write_documents(sources: Sequence[DocumentFiles], locales: Sequence[str], folder: Path) -> tuple[int, Tally]:
    """Write the documents into a folder; return how many there are, and what was left out.

    DataError if not one is left.
    """
    documents: list[Document] = []
    tally = Tally()
    for found in read_documents(sources, locales):
        if isinstance(found, Document):
            documents.append(found)
        else:
            tally.add(found)
    if not documents:
        places = ", ".join(source.key for source in sources)
        raise DataError(f"{places}: there is no document to answer from; left out: {tally.describe()}; see `columns`")
    write_bytes(folder / DOCUMENTS_NAME, document_lines(documents))
    return len(documents), tally


def _document(source: DocumentFiles, path: str, row: RawRow, locales: Sequence[str]) -> Document | Drop:
    name = PurePosixPath(url_path(path)).name
    where = f"{name}:{row.number}"
    if row.values is None:
        return Drop(DOCUMENTS_CORPUS, row.reason, where, row.sample)
    found = _texts(source, row.values, where)
    if isinstance(found, Drop):
        return found
    text, title = found["text"], found["title"] or source.source.source
    if not text.strip():
        return Drop(DOCUMENTS_CORPUS, "no_text", where, "")
    identity = found["id"] if source.source.columns.id is not None else where
    if not identity:
        return Drop(DOCUMENTS_CORPUS, "no_id", where, text)
    if not (is_text(text) and is_text(identity) and is_text(title)):
        return Drop(DOCUMENTS_CORPUS, "invalid_utf8", where, text)
    locale = _locale(source.source, row.values, text, locales)
    if LOCALE_PATTERN.fullmatch(locale) is None:
        return Drop(DOCUMENTS_CORPUS, "bad_locale", where, locale)
    return Document(id=identity, text=text, locale=locale, source=title)


def _texts(source: DocumentFiles, values: Values, where: str) -> dict[str, str] | Drop:
    """Return text, id and title of a row, empty where the spec names no column."""
    found: dict[str, str] = {}
    for name, getter in source.getters.items():
        raw: object = "" if getter is None else None
        if isinstance(getter, Expression):
            outcome = getter.outcome(values)
            if outcome.reason:
                return Drop(DOCUMENTS_CORPUS, outcome.reason, where, str(values), outcome.details)
            raw = outcome.value
        elif getter is not None:
            raw = values[getter]
        text = scalar_text("" if raw is None and name == "title" else raw)
        if text is None:
            return Drop(DOCUMENTS_CORPUS, "not_text", where, repr(raw))
        found[name] = text
    return found


def _locale(source: DocumentSource, values: Values, text: str, locales: Sequence[str]) -> str:
    if isinstance(source.locale, str):
        return source.locale
    if source.locale is None:
        return identify(text[:IDENTIFIED_CHARACTERS], tuple(locales))
    raw = scalar_text(values[source.locale.column]) or ""
    return source.locale.values.get(raw, raw)
