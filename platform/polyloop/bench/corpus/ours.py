"""The common pipeline as Polyloop runs it: the passes of a build up to its clean rows, side by side in Ray's workers.

Input: a folder of the benchmark's material. Output: Arrow files, and as JSON on stdout rows in and out, seconds of each
pass, a digest of the rows that stay and, if asked for, the peak of memory. Run it in a process of its own:
`python -m polyloop.bench.corpus.ours INPUT WORK [--workers 2] [--clean-only] [--memory]`. WORK is a new folder. What
starting Ray takes, with a pass that does nothing, is told apart, as is the memory that it holds then: both are the same
whatever the size of the input. `--clean-only` stops after the first pass, which streams.
"""

import argparse
import hashlib
import json
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from polyloop.bench.corpus.memory import PeakMemory, memory_of_tree
from polyloop.bench.corpus.sources import LABELS, LANGUAGES
from polyloop.data.passes.buckets import read_bucket
from polyloop.data.passes.clean import clean_item, kept_shard
from polyloop.data.plan import Plan, make_plan
from polyloop.data.rows import Row
from polyloop.spec.loader import load_spec
from polyloop.spec.settings import apply_ray_environment

NAME = "polyloop, passes of a build on Ray Data"
TASK = "material"


def spec_data(source: Path) -> dict[str, Any]:
    """Return a spec whose only task asks of the material what the peers do: the same rules, one row of each kind."""
    cleaning = {
        "entities": False,
        "width": False,
        "han": "keep",
        "language": {"action": "drop"},
        "quality": {"rules": ["gopher", "gopher_repetition"]},
    }
    corpus = {
        "paths": [str(source / "*.jsonl")],
        "columns": {"input": "text", "target": "label"},
        "locale": {"column": "language"},
        "split": "train",
        "licence": "LicenseRef-benchmark-material",
        "cleaning": cleaning,
    }
    task = {
        "kind": "classify",
        "labels": list(LABELS),
        "corpora": [TASK],
        "decontamination": {"ngram": 0},
        "model": {"recipe": "nano"},
    }
    return {"project": "benchmark", "locales": list(LANGUAGES), "corpora": {TASK: corpus}, "tasks": {TASK: task}}


def material_plan(source: Path, work: Path) -> Plan:
    """Return the plan of the common pipeline; its spec is written into `work`, which is made."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / "polyloop.yaml"
    path.write_text(yaml.safe_dump(spec_data(source.resolve())), encoding="utf-8")
    return make_plan(load_spec(path), TASK, None, None, work / "exports")


class Stopwatch:
    """Seconds of each pass, by the last time that it told how far it was."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def hear(self, message: str) -> None:
        """Take a message such as `task: clean: 3 of 8` and add the time since the one before to its pass."""
        _, _, about = message.partition(": ")
        name, _, counted = about.partition(": ")
        if " of " in counted:
            now = time.perf_counter()
            self.seconds[name] = round(self.seconds.get(name, 0.0) + now - self._last, 3)
            self._last = now


def start_ray(work: Path, workers: int) -> float:
    """Start Ray with so many workers and let them do nothing once; return the seconds that took.

    An item gets a whole CPU here, not half of one as in a build beside training, so that CPUs are workers.
    """
    apply_ray_environment()  # before Ray is imported, which is why nothing at the top of this file imports it
    started = time.perf_counter()
    import ray

    from polyloop.data import stages

    stages.CPUS_PER_ITEM = 1.0
    ray.init(
        address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    stages.run_pass("nothing", _nothing, [{"number": str(number)} for number in range(2 * workers)], work)
    return time.perf_counter() - started


def _nothing(item: Row) -> Row:
    return item


@dataclass(kw_only=True)
class Outcome:
    """What became of the rows."""

    rows_in: int
    rows_out: int
    digest: str | None = None
    dropped: dict[str, int] = field(default_factory=dict)


def run_all(plan: Plan, work: Path, watch: Stopwatch) -> Outcome:
    """Run all passes up to clean rows."""
    from polyloop.data.preparation import prepare

    prepared = prepare(plan, work, work, watch.hear)
    num_rows, digest = rows_digest(prepared.buckets)
    dropped = prepared.tally.by_reason()
    return Outcome(rows_in=prepared.steps[0].rows_in, rows_out=num_rows, digest=digest, dropped=dropped)


def run_clean(plan: Plan, work: Path, watch: Stopwatch) -> Outcome:
    """Run the first pass alone."""
    from polyloop.data.stages import run_pass

    shards = work / "shards"
    shards.mkdir()
    items = [{"job": str(number)} for number in range(len(plan.jobs))]
    clean = partial(clean_item, jobs=plan.jobs, folder=shards)
    run_pass("clean", clean, items, work, lambda done, of: watch.hear(f"{TASK}: clean: {done} of {of}"))
    found = [kept_shard(shards, job.key) for job in plan.jobs]
    rows_in = sum(shard.rows_in for shard in found if shard)
    return Outcome(rows_in=rows_in, rows_out=rows_in - sum(shard.tally.counts.total() for shard in found if shard))


def rows_digest(buckets: Iterable[Path]) -> tuple[int, str]:
    """Return how many rows stay, and a digest (hex) of their ids."""
    digest, num_rows = hashlib.sha256(), 0
    for bucket in buckets:
        ids = read_bucket(bucket)["id"].to_pylist()
        digest.update("\n".join([*ids, ""]).encode())
        num_rows += len(ids)
    return num_rows, digest.hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the pipeline and print what it did."""
    parser = argparse.ArgumentParser(description=NAME)
    parser.add_argument("source", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clean-only", action="store_true")
    # Looking at the memory of Ray's processes takes a seventh of a core, which a timed run on all cores would miss.
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True)
    start_s = start_ray(options.work, options.workers)
    idle_bytes = memory_of_tree() if options.memory else 0
    with PeakMemory() if options.memory else nullcontext() as memory:
        watch = Stopwatch()
        started = time.perf_counter()
        plan = material_plan(options.source, options.work)
        plan_s = time.perf_counter() - started
        outcome = (run_clean if options.clean_only else run_all)(plan, options.work, watch)
        elapsed_s = time.perf_counter() - started
    report = {
        "name": NAME,
        **asdict(outcome),
        "start_s": round(start_s, 3),
        "seconds": {"plan": round(plan_s, 3), **watch.seconds},
        "elapsed_s": round(elapsed_s, 3),
    }
    if memory is not None:
        report |= {"idle_memory_bytes": idle_bytes, "peak_memory_bytes": memory.peak_bytes}
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    from polyloop.bench.corpus import ours

    # Under its own name rather than `__main__`, so that Ray's workers find its functions.
    ours.main()
