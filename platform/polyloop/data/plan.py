"""What a build will read, and the key under which its result is found again.

Input: the spec, the task, optional feedback and tokenizer. Output: a `Plan`. Files are listed and hashed, not parsed;
Hugging Face datasets are exported into the build folder first, so that they are files too.
"""

import glob
from dataclasses import dataclass
from pathlib import Path

import polyloop
from polyloop.data.clean import CorpusRules, TaskRules
from polyloop.data.hub import export_hub_dataset
from polyloop.data.manifest import FORMAT_VERSION, SourceFile
from polyloop.data.partition import FileJob
from polyloop.data.readers import Format, file_format
from polyloop.data.rows import FEEDBACK_CORPUS
from polyloop.data.storage import file_sha256, file_sha256s, json_sha256
from polyloop.data.tokenizer import tokenizer_files
from polyloop.errors import DataError, ModelError
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import Corpus, TaskSpec


@dataclass(frozen=True, kw_only=True)
class Source:
    """A corpus and its files."""

    name: str
    corpus: Corpus
    hub: str | None
    files: tuple[SourceFile, ...]
    forms: tuple[Format, ...]
    """Format of each file."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that decides what a dataset holds."""

    name: str
    task: TaskSpec
    rules: TaskRules
    sources: tuple[Source, ...]
    feedback: SourceFile | None
    tokenizer_dir: Path | None
    """Tokenizer to use again."""
    pretrained: str | None
    """Checkpoint whose tokenizer is used, if `tokenizer_dir` is None."""
    build_key: str

    def jobs(self) -> list[FileJob]:
        """Return one piece of reading for each file, the feedback last."""
        readings: list[tuple[str, Format, CorpusRules | None]] = [
            (file.path, form, CorpusRules(name=source.name, corpus=source.corpus, task=self.rules))
            for source in self.sources
            for file, form in zip(source.files, source.forms, strict=True)
        ]
        if self.feedback is not None:
            readings.append((self.feedback.path, "parquet", None))
        return [
            FileJob(number=number, path=path, form=form, task=self.rules, rules=rules)
            for number, (path, form, rules) in enumerate(readings)
        ]


def make_plan(loaded: LoadedSpec, name: str, feedback: Path | None, tokenizer_dir: Path | None, work: Path) -> Plan:
    """Return the plan of a build; `work` is a folder for what has to be fetched."""
    task = loaded.task(name)
    sources = tuple(_source(loaded, corpus, work) for corpus in dict.fromkeys(task.corpora))
    feedback_file = None if feedback is None else _feedback_file(feedback)
    pretrained = None if tokenizer_dir else loaded.pretrained(name)
    rules = TaskRules.of(name, task, loaded.spec.locales)
    tokenizer_key = _tokenizer_key(task, tokenizer_dir, pretrained)
    return Plan(
        name=name,
        task=task,
        rules=rules,
        sources=sources,
        feedback=feedback_file,
        tokenizer_dir=tokenizer_dir,
        pretrained=pretrained,
        build_key=_build_key(name, task, rules, sources, feedback_file, tokenizer_key),
    )


def _source(loaded: LoadedSpec, name: str, work: Path) -> Source:
    corpus = loaded.corpus(name)
    if name == FEEDBACK_CORPUS:
        raise DataError(f"no corpus may be named {FEEDBACK_CORPUS!r}: that is what users' corrections are called")
    hub = loaded.corpus_hub(name)
    if hub is None:
        paths = matching_files(name, loaded.corpus_paths(name))
        forms = tuple(file_format(str(path), corpus.format) for path in paths)
    else:
        paths = [work / f"hub-{name}.parquet"]
        forms = ("parquet",)
        export_hub_dataset(name, hub, corpus.hub_split, paths[0])
    return Source(name=name, corpus=corpus, hub=hub, files=source_files(paths), forms=forms)


def matching_files(corpus: str, patterns: list[str]) -> list[Path]:
    """Return the files that globs match, each once, sorted; DataError names a glob that matches none."""
    found: set[Path] = set()
    for pattern in patterns:
        matches = [Path(path) for path in glob.glob(pattern, recursive=True) if Path(path).is_file()]
        if not matches:
            raise DataError(f"the corpus {corpus!r}: no file matches {pattern}")
        found.update(matches)
    return sorted(found)


def source_files(paths: list[Path]) -> tuple[SourceFile, ...]:
    """Return path, digest and size of files; DataError for one that cannot be read."""
    try:
        return tuple(
            SourceFile(path=str(path), sha256=sha256, size_bytes=path.stat().st_size)
            for path, sha256 in zip(paths, file_sha256s(paths), strict=True)
        )
    except OSError as error:
        raise DataError(f"{error.filename}: the file cannot be read: {error.strerror}") from None


def _feedback_file(path: Path) -> SourceFile:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file of curated feedback")
    return source_files([path])[0]


def _tokenizer_key(task: TaskSpec, tokenizer_dir: Path | None, pretrained: str | None) -> list[str | int]:
    """Return what decides the tokenizer, besides the rows."""
    if tokenizer_dir is not None:
        if not (tokenizer_dir / "tokenizer_config.json").is_file():
            raise ModelError(f"{tokenizer_dir}: there is no tokenizer to use again; it has no tokenizer_config.json")
        return ["reused", _tokenizer_sha256(tokenizer_dir)]
    if pretrained is None:
        return ["trained", task.model.vocab_size]
    folder = Path(pretrained)
    return ["pretrained", _tokenizer_sha256(folder) if folder.is_dir() else pretrained]


def _tokenizer_sha256(folder: Path) -> str:
    """Return a digest of the small files of a folder that may hold a whole model."""
    return json_sha256([[path.name, file_sha256(path)] for path in tokenizer_files(folder)])


def _build_key(
    name: str,
    task: TaskSpec,
    rules: TaskRules,
    sources: tuple[Source, ...],
    feedback: SourceFile | None,
    tokenizer: list[str | int],
) -> str:
    corpora = [
        [
            source.name,
            source.corpus.model_dump(mode="json", exclude={"paths", "hub", "hub_split", "format", "licence", "source"}),
            sorted([form, file.sha256] for file, form in zip(source.files, source.forms, strict=True)),
        ]
        for source in sources
    ]
    return json_sha256(
        {
            "format_version": FORMAT_VERSION,
            "code_version": polyloop.__version__,
            "task": [name, task.kind, list(task.labels), sorted(rules.directions)],
            "limits": [task.model.max_input_tokens, task.model.max_target_tokens],
            "corpora": corpora,
            "feedback": None if feedback is None else feedback.sha256,
            "tokenizer": tokenizer,
        }
    )
