"""Builds the dataset of a task from its corpora and curated feedback, and publishes it in one step.

Inputs: the spec, the name of a task, optionally a Parquet file of curated feedback and a tokenizer to use again.
Output: `<artefacts>/datasets/<task>/<digest>/` with train/, dev/ and holdout/ (Parquet), tokenizer/, drops.jsonl and
manifest.json. The same inputs give the same digest, and the second call finds the first one's result. Ray must be
running and every node must see the artefacts folder. Whatever fails, nothing half-made is ever published.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
import ray

import polyloop
from polyloop.data import partition, storage, summary
from polyloop.data.content import split_digests
from polyloop.data.dataset import Dataset, open_dataset
from polyloop.data.encode import Part, encode_item
from polyloop.data.manifest import (
    DROPS_NAME,
    FORMAT_VERSION,
    MANIFEST_NAME,
    TOKENIZER_NAME,
    Manifest,
    PartFile,
    TokenizerRecord,
)
from polyloop.data.plan import Plan, make_plan
from polyloop.data.rows import SPLITS, Tally
from polyloop.data.stages import run_pass
from polyloop.data.tokenizer import adopt_tokenizer, copy_tokenizer, train_tokenizer
from polyloop.errors import ArtefactError, ClusterError
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

    `feedback` holds the columns of `EXAMPLE_SCHEMA`, and its rows go into the train split only. `progress` is told what
    is going on, in short lines. DataError for corpora that cannot be read or learnt from, StorageFullError for a full
    disk, ClusterError if Ray is not running.
    """
    if not ray.is_initialized():
        raise ClusterError("Ray is not running in this process; call ray.init() before building a dataset")
    started_s = time.monotonic()
    say = progress or _silent
    home = loaded.artefacts_dir / DATASETS_FOLDER / task
    with storage.building_folder(home) as work:
        plan = make_plan(loaded, task, feedback, tokenizer_dir, work)
        existing = find_dataset(home, plan.build_key)
        if existing is not None:
            say(f"{task}: the dataset {existing.digest[:12]} is up to date")
            return existing
        manifest = _build(plan, loaded.digest, work, say, started_s)
        final = home / manifest.digest
        storage.publish(work / "dataset", final)
        _write_index(home, plan.build_key, manifest.digest)
    say(f"{task}: published the dataset {manifest.digest[:12]}")
    return open_dataset(final, verify=False)


def find_dataset(home: Path, build_key: str) -> Dataset | None:
    """Return the published dataset of a build key; None if there is none, or not all of it any more."""
    try:
        digest = (home / INDEX_FOLDER / build_key).read_text().strip()
        return open_dataset(home / digest, verify=False)
    except (FileNotFoundError, ArtefactError):
        return None


def _build(plan: Plan, spec_digest: str, work: Path, say: Progress, started_s: float) -> Manifest:
    """Make the whole dataset in `work`/dataset and return its manifest, which is the last file written."""
    folder = work / "dataset"
    for split in SPLITS:
        (folder / split).mkdir(parents=True)
    tally = Tally()
    buckets = _clean_buckets(plan, work, tally, say)
    tokenizer = _make_tokenizer(plan, buckets, folder / TOKENIZER_NAME, say)
    parts = _encode_buckets(plan, buckets, folder, tally, say)

    counted = summary.summarise(parts, tally)
    summary.check(plan, counted)
    warnings = summary.warnings(plan, counted)
    for warning in warnings:
        say(f"{plan.name}: warning: {warning}")

    storage.write_bytes(folder / DROPS_NAME, _drops_as_json_lines(tally))
    digests = split_digests(leaf for part in parts for leaf in part.leaves)
    identity = [FORMAT_VERSION, plan.name, plan.task.kind, list(plan.task.labels), digests, tokenizer.sha256]
    duration_s = time.monotonic() - started_s
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        task=plan.name,
        digest=storage.json_sha256(identity),
        build_key=plan.build_key,
        holdout_digest=digests["holdout"],
        spec_digest=spec_digest,
        code_version=polyloop.__version__,
        created_at=datetime.now(UTC),
        corpora=summary.corpus_records(plan, counted),
        rows=counted.rows,
        label_counts=counted.label_counts,
        dropped=tally.by_reason(),
        tokenizer=tokenizer,
        feedback_digest=None if plan.feedback is None else plan.feedback.sha256,
        warnings=warnings,
        duration_s=round(duration_s, 3),
        rows_per_s=round(counted.rows_read / duration_s, 1),
        files=(*sorted((file for part in parts for file in part.files), key=_name), *_other_files(folder)),
    )
    storage.write_bytes(folder / MANIFEST_NAME, manifest.to_json())
    return manifest


def _clean_buckets(plan: Plan, work: Path, tally: Tally, say: Progress) -> list[Path]:
    """Read, clean and deduplicate; return the bucket files in the order of ids and add what was dropped to `tally`."""
    jobs = plan.jobs()
    sizes = [(file.path, file.size_bytes) for source in plan.sources for file in source.files]
    num_buckets = partition.bucket_count(sizes)
    shards_folder, buckets_folder = work / "shards", work / "buckets"
    shards_folder.mkdir()
    buckets_folder.mkdir()

    say(f"{plan.name}: reading {len(jobs)} file(s)")
    read = partial(partition.read_item, jobs=jobs, folder=shards_folder, num_buckets=num_buckets)
    items = [{"job": str(job.number)} for job in jobs]
    shards = [partition.Shard.from_json(row["shard"]) for row in run_pass(read, items, work)]
    for shard in sorted(shards, key=lambda shard: shard.path):
        tally.merge(shard.tally)

    pieces = {bucket: partition.bucket_pieces(bucket, shards) for bucket in range(num_buckets)}
    buckets = {bucket: buckets_folder / f"{bucket:05d}.arrow" for bucket in pieces if pieces[bucket]}
    items = [{"pieces": json.dumps(pieces[bucket]), "path": str(path)} for bucket, path in buckets.items()]
    results = run_pass(partition.deduplicate_item, items, work)
    shutil.rmtree(shards_folder)
    for row in sorted(results, key=lambda row: row["path"]):
        tally.merge(Tally.from_json(row["dropped"]))
    num_rows = sum(int(row["rows"]) for row in results)
    say(f"{plan.name}: {num_rows:,} rows are clean; dropped: {tally.describe()}")
    return list(buckets.values())


def _encode_buckets(plan: Plan, buckets: Sequence[Path], folder: Path, tally: Tally, say: Progress) -> list[Part]:
    """Write the dataset's Parquet files and add what was too long to `tally`."""
    say(f"{plan.name}: encoding")
    encode = partial(encode_item, folder=folder, tokenizer_dir=folder / TOKENIZER_NAME, task=plan.task)
    rows = run_pass(encode, [{"bucket": str(path)} for path in buckets], folder.parent)
    parts = [Part.model_validate_json(row["part"]) for row in sorted(rows, key=lambda row: row["bucket"])]
    for part in parts:
        tally.merge(Tally.from_json(part.dropped))
    return parts


def _make_tokenizer(plan: Plan, buckets: Sequence[Path], folder: Path, say: Progress) -> TokenizerRecord:
    special_tokens = kind_of(plan.task).special_tokens(plan.task)
    if plan.tokenizer_dir is not None:
        kind, vocab_size = "reused", copy_tokenizer(plan.tokenizer_dir, folder)
    elif plan.pretrained is not None:
        kind, vocab_size = "pretrained", adopt_tokenizer(plan.pretrained, special_tokens, folder)
    else:
        say(f"{plan.name}: training a tokenizer of {plan.task.model.vocab_size:,} tokens")
        texts = _train_texts(buckets, with_targets=not plan.task.labels)
        kind, vocab_size = "trained", train_tokenizer(texts, plan.task.model.vocab_size, special_tokens, folder)
    return TokenizerRecord.model_validate(
        {"kind": kind, "vocab_size": vocab_size, "sha256": storage.folder_sha256(folder)}
    )


def _train_texts(buckets: Sequence[Path], *, with_targets: bool) -> Iterator[str]:
    """Yield the texts of the train split in the order of ids."""
    for bucket in buckets:
        table = partition.read_bucket(bucket)
        train = table.filter(pa.compute.equal(table["split"], "train"))
        for batch in train.to_batches():
            columns = [batch["input"].to_pylist()] + ([batch["target"].to_pylist()] if with_targets else [])
            for texts in zip(*columns, strict=True):
                yield from texts


def _drops_as_json_lines(tally: Tally) -> bytes:
    drops = [drop for key in sorted(tally.samples) for drop in tally.samples[key]]
    return "".join(json.dumps(drop._asdict(), ensure_ascii=False) + "\n" for drop in drops).encode()


def _other_files(folder: Path) -> list[PartFile]:
    """Return the files of a dataset that no part lists: the tokenizer's and the dropped rows."""
    paths = sorted([folder / DROPS_NAME, *(path for path in (folder / TOKENIZER_NAME).rglob("*") if path.is_file())])
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
    storage.write_bytes(index / build_key, digest.encode())


def _silent(_: str) -> None:
    return
