"""The passes that turn corpora into clean rows: clean, gather, match, compare, paragraphs and select.

Input: a plan, a folder to work in and the folder of kept shards. Output: `Prepared`, bucket files of rows in the order
of ids with an account of all that was dropped. Ray must be running. What is there already from a build that was killed,
or from earlier builds of the same corpora, is not done again.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path

from polyloop.data.account import step, steps_of_selection, steps_of_shards
from polyloop.data.decontamination import HeldOut
from polyloop.data.manifest import StepRecord
from polyloop.data.near.bands import banding
from polyloop.data.passes import paragraphs
from polyloop.data.passes.buckets import bucket_count, unpacked_bytes
from polyloop.data.passes.clean import CleanJob, Shard, check_failed_rows, clean_item, kept_shard
from polyloop.data.passes.compare import compare_item, num_stretches, repetitions
from polyloop.data.passes.gather import Sketching, gather_item, pieces_of_bucket
from polyloop.data.passes.match import Matching, Rows, match_item, partition_count, write_traits
from polyloop.data.passes.select import held_out_item, select_item
from polyloop.data.plan import Plan
from polyloop.data.rows import Row, Tally
from polyloop.data.shards import SHARDS_FOLDER
from polyloop.data.stages import OnItem, run_pass
from polyloop.errors import ArtefactError

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Clean rows, and how they came about."""

    buckets: tuple[Path, ...]
    """Arrow files with the columns of `CANDIDATE_SCHEMA`, in the order of ids."""
    shards: tuple[Shard, ...]
    """The task's own."""
    partners: dict[str, tuple[Shard, ...]]
    """Other task -> the shards of its corpora that this one needs."""
    tally: Tally
    steps: tuple[StepRecord, ...]


@dataclass(kw_only=True)
class _Work:
    """What the passes share."""

    plan: Plan
    folder: Path
    say: Say

    @property
    def has_labels(self) -> bool:
        return bool(self.plan.task.labels)

    def passed(self, name: str, work: Callable[[Row], Row], items: Sequence[Row]) -> list[Row]:
        """Run a pass, telling how far it is."""
        return run_pass(name, work, items, self.folder, self._on_item(name))

    def _on_item(self, name: str) -> OnItem:
        return lambda done, of: self.say(f"{self.plan.name}: {name}: {done} of {of}")


def prepare(plan: Plan, folder: Path, home: Path, say: Say) -> Prepared:
    """Return the rows of a task's corpora, cleaned, deduplicated and decontaminated; `home` holds all datasets."""
    work = _Work(plan=plan, folder=folder, say=say)
    shards, partners = _cleaned(work, home / SHARDS_FOLDER)
    tally = Tally()
    for shard in shards:
        tally.merge(shard.tally)
    steps = steps_of_shards(shards)
    for source in plan.sources:
        check_failed_rows(source.name, source.corpus.cleaning.max_failed_rows, tally)

    sketching = _sketching(work, shards)
    paragraph_partitions = _paragraph_partitions(work)
    rows, gathered = _gathered(work, shards, sketching, paragraph_partitions)
    tally.merge(gathered)
    num_clean = sum(gathered.by_reason().values()) + rows.num_rows
    steps.append(step("exact duplicates", num_clean, gathered.by_reason()))

    lost = {} if sketching is None else _matched(work, rows, sketching)
    cuts = _repeated_paragraphs(work, rows, lost, paragraph_partitions)
    held_out = _held_out(work, shards, partners)
    buckets, selected, rows_cut = _selected(work, rows, lost, held_out, cuts)
    tally.merge(selected)
    steps += steps_of_selection(plan.task, rows.num_rows, Counter(selected.by_reason()), rows_cut)
    say(f"{plan.name}: {steps[-1].rows_out:,} rows are clean; dropped: {tally.describe()}")
    return Prepared(buckets=buckets, shards=tuple(shards), partners=partners, tally=tally, steps=tuple(steps))


def _cleaned(work: _Work, kept: Path) -> tuple[list[Shard], dict[str, tuple[Shard, ...]]]:
    """Return the shards of the task, and of what it needs of others, sorted by key."""
    kept.mkdir(parents=True, exist_ok=True)
    by_task = {work.plan.name: work.plan.jobs, **work.plan.neighbour_jobs}
    jobs = list({job.key: job for jobs in by_task.values() for job in jobs}.values())
    missing = [job for job in jobs if kept_shard(kept, job.key) is None]
    work.say(f"{work.plan.name}: cleaning {len(missing)} of {len(jobs)} slice(s); the others are known")
    _clean_missing(work, missing, kept)
    found = {task: tuple(_shards(jobs, kept)) for task, jobs in by_task.items()}
    return list(found.pop(work.plan.name)), found


def _clean_missing(work: _Work, missing: Sequence[CleanJob], kept: Path) -> None:
    shutil.rmtree(work.folder / "clean-answers", ignore_errors=True)  # here the shards tell what is done
    items = [{"job": str(number)} for number in range(len(missing))]
    work.passed("clean", partial(clean_item, jobs=missing, folder=kept), items)


def _shards(jobs: Sequence[CleanJob], kept: Path) -> Iterator[Shard]:
    for key in sorted({job.key for job in jobs}):
        shard = kept_shard(kept, key)
        if shard is None:
            raise ArtefactError(f"{kept}: the shard {key} was removed while a build needed it; build again")
        yield shard


def _gathered(
    work: _Work, shards: Sequence[Shard], sketching: Sketching | None, paragraph_partitions: int
) -> tuple[Rows, Tally]:
    """Return all rows, one for each id, and what was dropped."""
    plan, folder = work.plan, work.folder / "buckets"
    folder.mkdir(exist_ok=True)
    num_buckets = bucket_count(_file_sizes(plan))
    items: list[Row] = []
    for bucket in range(num_buckets):
        pieces = pieces_of_bucket(bucket, num_buckets, shards)
        if pieces:
            path = folder / f"{bucket:05d}.arrow"
            items.append({"bucket": str(bucket), "pieces": json.dumps(pieces), "path": str(path)})
    gather = partial(
        gather_item, num_buckets=num_buckets, sketching=sketching, paragraph_partitions=paragraph_partitions
    )
    results = work.passed("gather", gather, items)
    tally = Tally()
    for row in results:
        tally.merge(Tally.from_json(row["dropped"]))
    starts = tuple(accumulate((int(row["rows"]) for row in results), initial=0))
    return Rows(buckets=tuple(item["path"] for item in items), starts=starts), tally


def _file_sizes(plan: Plan) -> list[tuple[str, int]]:
    return [(file.path, file.size_bytes) for source in plan.sources for file in source.files]


def _sketching(work: _Work, shards: Sequence[Shard]) -> Sketching | None:
    dedup = work.plan.task.dedup
    if not dedup.near:
        return None
    num_rows = sum(shard.rows_in for shard in shards)
    return Sketching(
        threshold=dedup.threshold,
        num_partitions=partition_count(num_rows, banding(dedup.threshold).num_bands),
        has_labels=work.has_labels,
    )


def _matched(work: _Work, rows: Rows, sketching: Sketching) -> dict[int, str]:
    """Return for each bucket that holds near duplicates which rows go, as JSON."""
    folder = work.folder / "pairs"
    folder.mkdir(exist_ok=True)
    write_traits(rows, folder)
    matching = Matching(rows=rows, folder=folder, threshold=sketching.threshold, has_labels=sketching.has_labels)
    partitions = [folder / f"{number:05d}.npy" for number in range(sketching.num_partitions)]
    items = [{"partition": str(number), "path": str(path)} for number, path in enumerate(partitions)]
    work.passed("match", partial(match_item, matching=matching), items)
    stretches = [folder / f"compared-{number:05d}.npy" for number in range(num_stretches(rows))]
    items = [{"stretch": str(number), "path": str(path)} for number, path in enumerate(stretches)]
    work.passed("compare", partial(compare_item, matching=matching, partitions=partitions), items)
    return repetitions(matching, [*partitions, *stretches])


def _paragraph_partitions(work: _Work) -> int:
    """Return into how many parts paragraphs are dealt; 0 if they are not compared."""
    plan = work.plan
    return paragraphs.partition_count(unpacked_bytes(_file_sizes(plan))) if plan.task.dedup.paragraphs else 0


def _repeated_paragraphs(work: _Work, rows: Rows, lost: dict[int, str], num_partitions: int) -> tuple[Path, ...]:
    """Return the files that say which paragraphs go, none where they are not compared."""
    if num_partitions == 0:
        return ()
    folder = work.folder / "paragraphs"
    folder.mkdir(exist_ok=True)
    near_duplicates = folder / "near-duplicates.npy"
    paragraphs.write_lost(rows, lost, near_duplicates)
    paths = tuple(folder / f"{number:05d}.npy" for number in range(num_partitions))
    items = [{"partition": str(number), "path": str(path)} for number, path in enumerate(paths)]
    work.passed("paragraphs", partial(paragraphs.paragraphs_item, rows=rows, lost=near_duplicates), items)
    return paths


def _held_out(work: _Work, shards: Sequence[Shard], partners: dict[str, tuple[Shard, ...]]) -> Path | None:
    """Return the file of all n-grams that no train row may hold; None if that is not asked for."""
    plan, folder, ngram = work.plan, work.folder / "held-out", work.plan.task.decontamination.ngram
    if ngram == 0:
        return None
    folder.mkdir(exist_ok=True)
    holding = [(task, shard) for task, some in {plan.name: shards, **partners}.items() for shard in some]
    items = [
        {"shard": shard.path, "task": task, "path": str(folder / f"{number:06d}.npy")}
        for number, (task, shard) in enumerate(holding)
        if shard.holdout_rows
    ]
    has_labels = {plan.name: work.has_labels}
    has_labels |= {task: bool(sources[0].rules.task.labels) for task, sources in plan.neighbours.items()}
    work.passed("holdouts", partial(held_out_item, ngram=ngram, has_labels=has_labels), items)
    path = folder / "all.npy"
    HeldOut.write(path, (HeldOut.open(Path(item["path"]), ngram).hashes for item in items))
    return path


def _selected(
    work: _Work, rows: Rows, lost: dict[int, str], held_out: Path | None, cuts: tuple[Path, ...]
) -> tuple[tuple[Path, ...], Tally, int]:
    """Return the buckets of rows that stay, what was dropped, and how many of the rows that stay lost paragraphs."""
    folder, tally = work.folder / "selected", Tally()
    folder.mkdir(exist_ok=True)
    paths = [folder / Path(bucket).name for bucket in rows.buckets]
    items = [
        {"bucket": bucket, "lost": lost.get(number, "[]"), "path": str(path)}
        for number, (bucket, path) in enumerate(zip(rows.buckets, paths, strict=True))
    ]
    ngram = work.plan.task.decontamination.ngram
    select = partial(select_item, rows=rows, held_out=held_out, ngram=ngram, has_labels=work.has_labels, cuts=cuts)
    results = work.passed("select", select, items)
    for row in results:
        tally.merge(Tally.from_json(row["dropped"]))
    return tuple(paths), tally, sum(int(row["changed"]) for row in results)
