"""Reads polyloop.yaml once into a frozen `LoadedSpec`.

Input: a path. Output: the typed spec, its digest, and its places (store, artefacts, corpora) made absolute.
Errors are `SpecError`s whose message holds one line per mistake: file, line, key, value and what to write instead.
Variables (`${NAME}`) are read when the spec is loaded, so a `LoadedSpec` sent to another process means the same there;
one that is unset is an error only when its value is asked for. The digest is of the spec as written, unexpanded.
"""

import hashlib
import json
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from polyloop.errors import SpecError
from polyloop.spec import settings
from polyloop.spec.corpora import Corpus
from polyloop.spec.explain import dotted, explain
from polyloop.spec.models import Spec, TaskSpec
from polyloop.spec.yaml_source import KeyPath, Source, parse

STORE_SCHEMES = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")


@dataclass(frozen=True, kw_only=True)
class LoadedSpec:
    """A valid spec and where it came from; `variables` holds the values of the variables that it refers to."""

    spec: Spec
    path: Path
    """The spec file, absolute."""
    digest: str
    """SHA-256 (hex) of the spec in canonical JSON: the same whatever the layout and comments of the file."""
    variables: dict[str, str] = field(repr=False, compare=False)
    lines: dict[KeyPath, int] = field(repr=False, compare=False)

    @property
    def root(self) -> Path:
        """Folder that relative paths of the spec start from."""
        return self.path.parent

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the store; a relative SQLite path is made absolute."""
        url = self._expanded(self.spec.store, ("store",))
        if url.partition("://")[0] not in STORE_SCHEMES:
            raise SpecError(f"{self._where(('store',))}: {hide_password(url)!r} is not supported; {_STORE_FIX}")
        return self._sqlite_url(url) if url.startswith("sqlite") else url

    @property
    def artefacts_dir(self) -> Path:
        """Folder for datasets, checkpoints and model versions, absolute."""
        return self._absolute(self._expanded(self.spec.artefacts, ("artefacts",)))

    def task(self, name: str) -> TaskSpec:
        """Return a task of the spec; SpecError lists the known ones."""
        if name not in self.spec.tasks:
            raise SpecError(f"{self.path}: there is no task {name!r}; {_known('tasks', name, list(self.spec.tasks))}")
        return self.spec.tasks[name]

    def corpus(self, name: str) -> Corpus:
        """Return a corpus of the spec; SpecError lists the known ones."""
        if name not in self.spec.corpora:
            raise SpecError(
                f"{self.path}: there is no corpus {name!r}; {_known('corpora', name, list(self.spec.corpora))}"
            )
        return self.spec.corpora[name]

    def corpus_paths(self, name: str) -> list[str]:
        """Return the path globs of a corpus, absolute, and its URLs; empty for one that is not in files."""
        paths = self.corpus(name).paths
        expanded = [self._expanded(text, ("corpora", name, "paths", index)) for index, text in enumerate(paths)]
        return [text if "://" in text else str(self._absolute(text)) for text in expanded]

    def corpus_hub(self, name: str) -> str | None:
        """Return the dataset id or local folder (absolute) of a hub corpus; None for a corpus of paths."""
        text = self.corpus(name).hub
        return None if text is None else self._id_or_path(self._expanded(text, ("corpora", name, "hub")))

    def corpus_sql_url(self, name: str) -> str:
        """Return the URL of the database of a corpus that is a query; a relative SQLite path starts at the spec."""
        sql = self.corpus(name).sql
        if sql is None:
            raise SpecError(f"{self.path}: corpora.{name} has no `sql`")
        url = self._expanded(sql.url, ("corpora", name, "sql", "url"))
        return self._sqlite_url(url) if url.startswith("sqlite") else url

    def pretrained(self, task: str) -> str | None:
        """Return the hub id or local folder (absolute) that a task's model starts from; None for a recipe."""
        text = self.task(task).model.pretrained
        key = ("tasks", task, "model", "pretrained")
        return None if text is None else self._id_or_path(self._expanded(text, key))

    def teacher(self, task: str) -> str | None:
        """Return the hub id or local folder (absolute) that a task learns from besides its targets; None for none."""
        distill = self.task(task).training.distill
        key = ("tasks", task, "training", "distill", "teacher")
        return None if distill is None else self._id_or_path(self._expanded(distill.teacher, key))

    def suites(self, task: str) -> list[str | Path]:
        """Return the behavioural suites of a task in order: names as they are, and the paths of files, absolute.

        A text is a path if it has a folder or ends in .yaml or .yml.
        """
        found: list[str | Path] = []
        for index, text in enumerate(self.task(task).suites):
            expanded = self._expanded(text, ("tasks", task, "suites", index))
            is_path = "/" in expanded or expanded.endswith((".yaml", ".yml"))
            found.append(self._absolute(expanded) if is_path else expanded)
        return found

    def crows_pairs(self, task: str) -> dict[str, Path]:
        """Return the files of sentence pairs of a task by locale, absolute."""
        key = ("tasks", task, "evaluation", "crows_pairs")
        files = self.task(task).evaluation.crows_pairs
        return {locale: self._absolute(self._expanded(text, (*key, locale))) for locale, text in files.items()}

    def document_paths(self, task: str, number: int) -> list[str]:
        """Return the path globs of the documents with this place in a task's list, absolute, and its URLs."""
        key = ("tasks", task, "documents", number, "paths")
        paths = self.task(task).documents[number].paths
        expanded = [self._expanded(text, (*key, index)) for index, text in enumerate(paths)]
        return [text if "://" in text else str(self._absolute(text)) for text in expanded]

    def encoder(self, task: str) -> Path | None:
        """Return the folder (absolute) of the encoder that finds an answer task's passages; None where BM25 does."""
        encoder = self.task(task).answer.encoder
        if encoder is None:
            return None
        return self._absolute(self._expanded(encoder.path, ("tasks", task, "answer", "encoder", "path")))

    def _expanded(self, text: str, key: KeyPath) -> str:
        return settings.expand(text, where=self._where(key), variables=self.variables)

    def _where(self, key: KeyPath) -> str:
        line = self.lines.get(key)
        return f"{self.path}:{line}: {dotted(key)}" if line else f"{self.path}: {dotted(key)}"

    def _absolute(self, text: str) -> Path:
        return self.root / Path(text).expanduser()

    def _id_or_path(self, text: str) -> str:
        """Take a text for a path if it looks like one or exists beside the spec; otherwise it is a hub id."""
        path = self._absolute(text)
        return str(path) if text.startswith((".", "/", "~")) or path.exists() else text

    def _sqlite_url(self, url: str) -> str:
        scheme, _, rest = url.partition("://")
        name, _, query = rest.removeprefix("/").partition("?")
        if name in {"", ":memory:"} or not rest.startswith("/"):
            raise SpecError(f"{self._where(('store',))}: {url!r} names no file that processes can share; {_STORE_FIX}")
        return f"{scheme}:///{self._absolute(name)}" + (f"?{query}" if query else "")


_STORE_FIX = "write sqlite:///folder/name.db or postgresql+psycopg://user@host/database"


def load_spec(path: str | Path) -> LoadedSpec:
    """Read and check a spec file; SpecError explains every mistake in it."""
    given = Path(path)
    source = parse(_read(given), given)
    try:
        spec = Spec.model_validate(source.data)
    except ValidationError as error:
        raise SpecError(explain(error, source, given)) from None
    loaded = LoadedSpec(
        spec=spec,
        path=given.resolve(),
        digest=spec_digest(spec),
        variables=settings.referenced_variables(_texts(source)),
        lines=source.lines,
    )
    if "${" not in spec.store:
        _ = loaded.store_url  # an unusable store is a mistake in the file, so it is told at once
    return loaded


def spec_digest(spec: Spec) -> str:
    """Return the SHA-256 (hex) of a spec in canonical JSON."""
    text = json.dumps(spec.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def hide_password(url: str) -> str:
    """Return a URL with its password replaced by ***, fit for messages."""
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@", 1) if password else url


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise SpecError(
            f"{path}: there is no such file; write a starter with `polyloop init`, or name another with --spec"
        ) from None
    except IsADirectoryError:
        raise SpecError(f"{path}: this is a folder; name the spec file in it, such as {path}/polyloop.yaml") from None
    except OSError as error:
        raise SpecError(f"{path}: the file cannot be read: {error.strerror}") from None


def _texts(source: Source) -> list[str]:
    """Return every text in a file's data."""
    pending: list[object] = [source.data]
    texts: list[str] = []
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, str):
            texts.append(value)
    return texts


def _known(noun: str, name: str, names: list[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"known {noun}: {', '.join(sorted(names))}" + (f" (did you mean {close[0]}?)" if close else "")
