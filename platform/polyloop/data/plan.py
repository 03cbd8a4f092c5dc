"""What a build will read, and the key under which its result is found again.

Input: the spec, the task, optional feedback and tokenizer. Output: a `Plan`. Files are listed, hashed and cut into
slices, not parsed; Hugging Face datasets and queries are exported into a folder first, so that they are files too.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polyloop
from polyloop.data.documents import DocumentFiles, scan_documents
from polyloop.data.hub import export_hub_dataset
from polyloop.data.manifest import FORMAT_VERSION, SourceFile
from polyloop.data.passes.clean import CleanJob
from polyloop.data.read.files import list_files
from polyloop.data.read.row import file_format
from polyloop.data.read.scan import scan_file
from polyloop.data.read.slices import ScannedFile
from polyloop.data.read.sql import export_query
from polyloop.data.rows import FEEDBACK_CORPUS
from polyloop.data.rules import CorpusRules, FeedbackRules, TaskRules
from polyloop.data.storage import file_sha256, json_sha256
from polyloop.data.tokenizer import tokenizer_files
from polyloop.errors import DataError, ModelError
from polyloop.spec.corpora import Corpus
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import TaskSpec

SCAN_THREADS = 4


@dataclass(frozen=True, kw_only=True)
class Source:
    """A corpus, read for one task, and its files."""

    rules: CorpusRules
    origin: str | None
    """Hub id, folder or query that the files were exported from."""
    files: tuple[ScannedFile, ...]

    @property
    def name(self) -> str:
        """Name of the corpus."""
        return self.rules.name

    @property
    def corpus(self) -> Corpus:
        """What the spec says of it."""
        return self.rules.corpus

    @cached_property
    def jobs(self) -> list[CleanJob]:
        """One piece of cleaning for each slice."""
        return [CleanJob(piece=piece, rules=self.rules) for file in self.files for piece in file.slices]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that decides what a dataset holds."""

    name: str
    task: TaskSpec
    rules: TaskRules
    sources: tuple[Source, ...]
    feedback: ScannedFile | None
    feedback_jobs: tuple[CleanJob, ...]
    neighbours: dict[str, tuple[Source, ...]]
    """Other task -> its corpora that hold rows which it is judged on, or which train a shared tokenizer."""
    sharing: tuple[str, ...]
    """Tasks whose train rows train the tokenizer, sorted; empty if it is the task's own."""
    special_tokens_of: tuple[TaskSpec, ...]
    """Tasks whose special tokens the tokenizer has."""
    tokenizer_dir: Path | None
    """Tokenizer to use again."""
    pretrained: str | None
    """Checkpoint whose tokenizer is used, if `tokenizer_dir` is None."""
    build_key: str
    documents: tuple[DocumentFiles, ...] = ()
    """Files of the documents that answers are taken from, for answer tasks."""
    locales: tuple[str, ...] = ()
    """Locales of the project."""

    @property
    def jobs(self) -> list[CleanJob]:
        """What of the task itself has to be cleaned."""
        return [*(job for source in self.sources for job in source.jobs), *self.feedback_jobs]

    @property
    def neighbour_jobs(self) -> dict[str, list[CleanJob]]:
        """What of other tasks has to be cleaned."""
        return {task: [job for source in sources for job in source.jobs] for task, sources in self.neighbours.items()}


def make_plan(loaded: LoadedSpec, name: str, feedback: Path | None, tokenizer_dir: Path | None, exports: Path) -> Plan:
    """Return the plan of a build; `exports` is a folder for what has to be fetched."""
    task = loaded.task(name)
    rules = TaskRules.of(name, task, loaded.spec.locales)
    sources = tuple(_source(loaded, corpus, rules, exports) for corpus in dict.fromkeys(task.corpora))
    feedback_file = None if feedback is None else _feedback_file(feedback)
    feedback_rules = FeedbackRules(task=rules, cleaning=loaded.spec.feedback.cleaning)
    slices = () if feedback_file is None else feedback_file.slices
    feedback_jobs = tuple(CleanJob(piece=piece, rules=feedback_rules) for piece in slices)
    pretrained = None if tokenizer_dir else loaded.pretrained(name)
    trains = tokenizer_dir is None and pretrained is None
    sharing = _sharing(loaded, task) if trains else ()
    neighbours = _neighbours(loaded, name, sharing, exports)
    tokenizer_key = _tokenizer_key(task, tokenizer_dir, pretrained)
    documents = scan_documents(loaded, name)
    return Plan(
        name=name,
        task=task,
        rules=rules,
        sources=sources,
        feedback=feedback_file,
        feedback_jobs=feedback_jobs,
        neighbours=neighbours,
        sharing=sharing,
        special_tokens_of=tuple(loaded.task(other) for other in sharing) or (task,),
        tokenizer_dir=tokenizer_dir,
        pretrained=pretrained,
        documents=documents,
        locales=loaded.spec.locales,
        build_key=json_sha256(
            {
                **(
                    {"documents": [source.identity for source in documents], "reader": task.answer.reader}
                    if documents
                    else {}
                ),
                "format_version": FORMAT_VERSION,
                "code_version": polyloop.__version__,
                "task": [name, task.kind, task.multi_label, list(task.labels), sorted(rules.directions)],
                "limits": [task.model.max_input_tokens, task.model.max_target_tokens],
                "dedup": task.dedup.model_dump(mode="json"),
                "decontamination": task.decontamination.model_dump(mode="json"),
                "rows": sorted(job.key for source in sources for job in source.jobs),
                "feedback": sorted(job.key for job in feedback_jobs),
                "neighbours": [
                    [other, sorted(job.key for source in others for job in source.jobs)]
                    for other, others in sorted(neighbours.items())
                ],
                "tokenizer": [tokenizer_key, list(sharing)],
            }
        ),
    )


def _sharing(loaded: LoadedSpec, task: TaskSpec) -> tuple[str, ...]:
    """Return the tasks that share the tokenizer that is to be trained, sorted."""
    shared = task.model.shared_tokenizer
    if shared is None:
        return ()
    return tuple(sorted(name for name, other in loaded.spec.tasks.items() if other.model.shared_tokenizer == shared))


def _neighbours(loaded: LoadedSpec, name: str, sharing: Sequence[str], exports: Path) -> dict[str, tuple[Source, ...]]:
    """Return what of other tasks matters to this one: what they are judged on, and what a shared tokenizer learns."""
    wants_holdouts = loaded.task(name).decontamination.ngram > 0
    found: dict[str, tuple[Source, ...]] = {}
    for other, task in sorted(loaded.spec.tasks.items()):
        if other == name:
            continue
        rules = TaskRules.of(other, task, loaded.spec.locales)
        corpora = list(dict.fromkeys(task.corpora))
        if other not in sharing:  # a row that is held out trains no tokenizer, so a sharer's corpora all matter
            held_out = {"auto", "holdout"} if wants_holdouts else set()
            corpora = [corpus for corpus in corpora if loaded.corpus(corpus).split in held_out]
        if corpora:
            found[other] = tuple(_source(loaded, corpus, rules, exports) for corpus in corpora)
    return found


def _source(loaded: LoadedSpec, name: str, task: TaskRules, exports: Path) -> Source:
    corpus = loaded.corpus(name)
    if name == FEEDBACK_CORPUS:
        raise DataError(f"no corpus may be named {FEEDBACK_CORPUS!r}: that is what users' corrections are called")
    rules = CorpusRules(name=name, corpus=corpus, task=task)
    rules.check()
    hub = loaded.corpus_hub(name)
    exported = exports / f"{name}.parquet"
    origin: str | None = None
    if hub is not None:
        origin = hub
        if not exported.exists():
            export_hub_dataset(name, hub, corpus.hub_split, exported)
    elif corpus.sql is not None:
        origin = corpus.sql.query
        if not exported.exists():
            export_query(name, loaded.corpus_sql_url(name), corpus.sql.query, exported)
    paths = list_files(f"the corpus {name!r}", loaded.corpus_paths(name)) if origin is None else [str(exported)]
    declared = corpus.format if origin is None else "parquet"
    with ThreadPoolExecutor(SCAN_THREADS) as pool:
        files = pool.map(lambda path: scan_file(path, file_format(path, declared), corpus.encoding), paths)
    return Source(rules=rules, origin=origin, files=tuple(files))


def source_files(files: Sequence[ScannedFile]) -> tuple[SourceFile, ...]:
    """Return what the manifest says of files."""
    return tuple(SourceFile(path=file.path, sha256=file.sha256, size_bytes=file.size_bytes) for file in files)


def _feedback_file(path: Path) -> ScannedFile:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file of curated feedback")
    return scan_file(str(path), "parquet", "utf-8")


def _tokenizer_key(task: TaskSpec, tokenizer_dir: Path | None, pretrained: str | None) -> list[str | int]:
    """Return what decides the tokenizer, besides the rows."""
    if tokenizer_dir is not None:
        if not (tokenizer_dir / "tokenizer_config.json").is_file():
            raise ModelError(f"{tokenizer_dir}: there is no tokenizer to use again; it has no tokenizer_config.json")
        return ["reused", _tokenizer_sha256(tokenizer_dir)]
    if pretrained is None:
        return ["trained", task.model.tokenizer, task.model.vocab_size]
    folder = Path(pretrained)
    return ["pretrained", _tokenizer_sha256(folder) if folder.is_dir() else pretrained]


def _tokenizer_sha256(folder: Path) -> str:
    """Return a digest of the small files of a folder that may hold a whole model."""
    return json_sha256([[path.name, file_sha256(path)] for path in tokenizer_files(folder)])
