"""Builds the dataset of a task from its corpora and curated feedback, and publishes it in one step.

Input: the spec, the name of a task, optionally a Parquet file of curated feedback and a tokenizer to use again.
Output: `<artefacts>/datasets/<task>/<digest>/` with train/, dev/ and holdout/ (Parquet), tokenizer/, statistics.json,
report.html, README.md (the data card), drops.jsonl, manifest.json, and documents.jsonl for answer tasks. The same
inputs give the same digest, and the second call finds the first one's result. Ray must be running and every node must
see the artefacts folder. Whatever fails, nothing half-made is ever published; a build that was killed is gone on with
by the next.
"""

import heapq
import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow.compute as pc
import ray

import polyloop
from polyloop.data import storage, summary
from polyloop.data.account import found_by_corpus, step
from polyloop.data.content import split_digests
from polyloop.data.dataset import Dataset, open_dataset
from polyloop.data.documents import DOCUMENTS_NAME, write_documents
from polyloop.data.manifest import (
    DROPS_NAME,
    FORMAT_VERSION,
    MANIFEST_NAME,
    TOKENIZER_NAME,
    Manifest,
    PartFile,
    TokenizerRecord,
)
from polyloop.data.passes.buckets import bucket_count, leaves_of_bucket, read_bucket
from polyloop.data.passes.clean import Shard
from polyloop.data.passes.encode import Part, encode_item
from polyloop.data.passes.gather import gather, pieces_of_bucket
from polyloop.data.plan import Plan, make_plan
from polyloop.data.preparation import Prepared, prepare
from polyloop.data.report.card import CARD_NAME, render_card
from polyloop.data.report.page import REPORT_NAME, render_report
from polyloop.data.rows import FEEDBACK_CORPUS, SPLITS, Tally
from polyloop.data.shards import SHARDS_FOLDER, remove_unused
from polyloop.data.stages import run_pass
from polyloop.data.statistics import PUBLISHED_SOURCES, STATISTICS_NAME, Statistics
from polyloop.data.tokenizer import adopt_tokenizer, copy_tokenizer, train_tokenizer
from polyloop.errors import ArtefactError, ClusterError
from polyloop.models.storage import write_bytes
from polyloop.spec.loader import LoadedSpec
from polyloop.tasks import kind_of

DATASETS_FOLDER = "datasets"
INDEX_FOLDER = "by-key"
Progress = Callable[[str], None]


def build_dataset(
    loaded: LoadedSpec,
    task: str,
    *,
    feedback: Path | None = None,
    tokenizer_dir: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Return the dataset of a task, built if it does not exist yet.

    `feedback` holds the columns of `FEEDBACK_COLUMNS`, and its rows go into the train split only. `progress` is told
    what is going on, in short lines. DataError for corpora that cannot be read or learnt from, StorageFullError for a
    full disk, ClusterError if Ray is not running.
    """
    if not ray.is_initialized():
        raise ClusterError("Ray is not running in this process; call ray.init() before building a dataset")
    started_s = time.monotonic()
    say = progress or _silent
    datasets = loaded.artefacts_dir / DATASETS_FOLDER
    home = datasets / task
    with storage.building_folder(home, f"exports-{uuid.uuid4().hex}") as exports:
        plan = make_plan(loaded, task, feedback, tokenizer_dir, exports)
        existing = find_dataset(home, plan.build_key)
        if existing is not None:
            say(f"{task}: the dataset {existing.digest[:12]} is up to date")
            return existing
        with storage.building_folder(home, plan.build_key) as work:
            existing = find_dataset(home, plan.build_key)  # another process may have built it while this one waited
            if existing is not None:
                return existing
            prepared = prepare(plan, work, datasets, say)
            manifest = _build(plan, prepared, loaded.digest, work, say, started_s)
            final = home / manifest.digest
            storage.publish(work / "dataset", final)
            _write_index(home, plan.build_key, manifest.digest)
    remove_unused(datasets / SHARDS_FOLDER)
    say(f"{task}: published the dataset {manifest.digest[:12]}")
    return open_dataset(final, verify=False)


def find_dataset(home: Path, build_key: str) -> Dataset | None:
    """Return the published dataset of a build key; None if there is none, or not all of it any more."""
    try:
        digest = (home / INDEX_FOLDER / build_key).read_text().strip()
        return open_dataset(home / digest, verify=False)
    except (FileNotFoundError, ArtefactError):
        return None


def _build(plan: Plan, prepared: Prepared, spec_digest: str, work: Path, say: Progress, started_s: float) -> Manifest:
    """Make the whole dataset in `work`/dataset and return its manifest, which is the last file written."""
    folder = work / "dataset"
    for split in SPLITS:
        (folder / split).mkdir(parents=True, exist_ok=True)
    tokenizer = _make_tokenizer(plan, prepared, folder / TOKENIZER_NAME, say)
    parts = _encode(plan, prepared, folder, say)
    tally = prepared.tally
    too_long = Tally()
    for part in parts:
        too_long.merge(Tally.from_json(part.dropped))
    tally.merge(too_long)

    counted = summary.summarise(parts, tally)
    summary.check(plan, counted)
    warnings = summary.warnings(plan, counted)
    documents = _write_documents(plan, folder, say)
    warnings += documents.warnings
    for warning in warnings:
        say(f"{plan.name}: warning: {warning}")

    statistics = Statistics(has_labels=bool(plan.task.labels))
    for part in parts:
        statistics.merge(Statistics.from_json(part.statistics))
    samples = {**tally.samples, **documents.tally.samples}
    drops = [drop._asdict() for key in sorted(samples) for drop in samples[key]]
    write_bytes(folder / DROPS_NAME, "".join(json.dumps(d, ensure_ascii=False) + "\n" for d in drops).encode())
    write_bytes(folder / STATISTICS_NAME, statistics.to_json(num_sources=PUBLISHED_SOURCES).encode())
    digests = split_digests(leaf for part in parts for leaf in part.leaves)
    provenance = [sorted(statistics.licences.items()), [[one.name, one.corpus.source] for one in plan.sources]]
    identity = [
        FORMAT_VERSION,
        plan.name,
        plan.task.kind,
        list(plan.task.labels),
        digests,
        tokenizer.sha256,
        provenance,
        *documents.identity,
    ]
    duration_s = time.monotonic() - started_s
    num_encoded = sum(counted.kept.values()) + too_long.counts.total()
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        task=plan.name,
        digest=storage.json_sha256(identity),
        build_key=plan.build_key,
        holdout_digest=digests["holdout"],
        spec_digest=spec_digest,
        code_version=polyloop.__version__,
        created_at=datetime.now(UTC),
        corpora=summary.corpus_records(plan, counted, found_by_corpus(prepared.shards)),
        rows=counted.rows,
        label_counts=counted.label_counts,
        dropped=tally.by_reason(),
        steps=(*prepared.steps, step("encode", num_encoded, too_long.by_reason())),
        tokenizer=tokenizer,
        feedback_digest=None if plan.feedback is None else plan.feedback.sha256,
        warnings=warnings,
        duration_s=round(duration_s, 3),
        rows_per_s=round(counted.rows_read / duration_s, 1),
        files=(*sorted((file for part in parts for file in part.files), key=_name), *_other_files(folder)),
    )
    write_bytes(folder / REPORT_NAME, render_report(manifest, statistics, drops).encode())
    write_bytes(folder / CARD_NAME, render_card(manifest, statistics).encode())
    _remove_unlisted(folder, manifest)
    write_bytes(folder / MANIFEST_NAME, manifest.to_json())
    return manifest


@dataclass(frozen=True, kw_only=True)
class _Documents:
    """What was written of documents; nothing for tasks without them."""

    identity: tuple[str, ...] = ()
    """SHA-256 (hex) of the file, if there is one."""
    warnings: tuple[str, ...] = ()
    tally: Tally = field(default_factory=Tally)


def _write_documents(plan: Plan, folder: Path, say: Progress) -> _Documents:
    if not plan.documents:
        return _Documents()
    say(f"{plan.name}: reading documents")
    num_documents, tally = write_documents(plan.documents, plan.locales, folder)
    left_out = tally.counts.total()
    say(f"{plan.name}: {num_documents:,} documents")
    return _Documents(
        identity=(storage.file_sha256(folder / DOCUMENTS_NAME),),
        warnings=(f"{left_out:,} documents were left out: {tally.describe()}",) if left_out else (),
        tally=tally,
    )


def _remove_unlisted(folder: Path, manifest: Manifest) -> None:
    """Remove what a killed build was writing."""
    listed = {REPORT_NAME, CARD_NAME, *(file.name for file in manifest.files)}
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in listed:
            path.unlink()


def _encode(plan: Plan, prepared: Prepared, folder: Path, say: Progress) -> list[Part]:
    """Write the dataset's Parquet files; return what is in them, in the order of ids."""
    encode = partial(encode_item, folder=folder, tokenizer_dir=folder / TOKENIZER_NAME, task=plan.task)
    items = [{"bucket": str(path)} for path in prepared.buckets]
    rows = run_pass(
        "encode", encode, items, folder.parent, lambda done, of: say(f"{plan.name}: encode: {done} of {of}")
    )
    return [Part.model_validate_json(row["part"]) for row in rows]


def _make_tokenizer(plan: Plan, prepared: Prepared, folder: Path, say: Progress) -> TokenizerRecord:
    """Put the tokenizer into a folder; one that a killed build has left there is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    tokens = [token for task in plan.special_tokens_of for token in kind_of(task).special_tokens(task)]
    special_tokens = list(dict.fromkeys(tokens))
    if plan.tokenizer_dir is not None:
        kind, vocab_size = "reused", copy_tokenizer(plan.tokenizer_dir, folder)
    elif plan.pretrained is not None:
        kind, vocab_size = "pretrained", adopt_tokenizer(plan.pretrained, special_tokens, folder)
    else:
        model = plan.task.model
        say(f"{plan.name}: training a tokenizer of {model.vocab_size:,} tokens")
        texts = _shared_texts(plan, prepared) if plan.sharing else _train_texts(plan, prepared)
        kind = "trained"
        vocab_size = train_tokenizer(texts, model.vocab_size, special_tokens, folder, kind=model.tokenizer)
    return TokenizerRecord.model_validate(
        {"kind": kind, "vocab_size": vocab_size, "sha256": storage.folder_sha256(folder)}
    )


def _train_texts(plan: Plan, prepared: Prepared) -> Iterator[str]:
    """Yield the texts of the train split in the order of ids."""
    for path in prepared.buckets:
        table = read_bucket(path)
        train = table.filter(pc.equal(table["split"], "train"))
        for batch in train.to_batches():
            columns = [batch["input"].to_pylist()] + ([] if plan.task.labels else [batch["target"].to_pylist()])
            for texts in zip(*columns, strict=True):
                yield from texts


def _shared_texts(plan: Plan, prepared: Prepared) -> Iterator[str]:
    """Yield the train texts of all tasks that share the tokenizer, in the order of ids, which are hashes.

    They are taken as they are before near duplicates go, and without users' feedback: so each of the tasks, whichever
    is built first, makes the same tokenizer.
    """
    has_labels = {plan.name: bool(plan.task.labels)}
    has_labels |= {task: bool(sources[0].rules.task.labels) for task, sources in plan.neighbours.items()}
    own = tuple(shard for shard in prepared.shards if shard.corpus != FEEDBACK_CORPUS)
    shards = {**prepared.partners, plan.name: own}
    streams = [_train_rows(shards[task], has_labels[task]) for task in plan.sharing if task in shards]
    for _, texts in heapq.merge(*streams):
        yield from texts


def _train_rows(shards: Sequence[Shard], has_labels: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield id and texts of the train rows of a task, in the order of ids."""
    num_buckets = bucket_count((shard.path, Path(shard.path).stat().st_size) for shard in shards)
    for bucket in range(num_buckets):
        rows, _ = gather(pieces_of_bucket(bucket, num_buckets, shards), leaves_of_bucket(bucket, num_buckets))
        for row in rows:
            if row.split == "train":
                yield row.id, (row.input,) if has_labels else (row.input, row.target)


def _other_files(folder: Path) -> list[PartFile]:
    """Return the files of a dataset that no part lists: the tokenizer's, the dropped rows, the counts."""
    paths = sorted(
        [
            folder / DROPS_NAME,
            folder / STATISTICS_NAME,
            *folder.glob(DOCUMENTS_NAME),
            *(path for path in (folder / TOKENIZER_NAME).rglob("*") if path.is_file()),
        ]
    )
    return [
        PartFile(
            name=path.relative_to(folder).as_posix(),
            sha256=storage.file_sha256(path),
            size_bytes=path.stat().st_size,
        )
        for path in paths
    ]


def _name(file: PartFile) -> str:
    return file.name


def _write_index(home: Path, build_key: str, digest: str) -> None:
    index = home / INDEX_FOLDER
    index.mkdir(exist_ok=True)
    write_bytes(index / build_key, digest.encode())


def _silent(_: str) -> None:
    return
