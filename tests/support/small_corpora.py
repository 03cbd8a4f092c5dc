"""What tests of a build's passes share: rules, corpus files, cleaned rows, and the passes, run without Ray.

The passes are plain functions from an item to an answer; Ray only decides where they run.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from polyloop.data.clean import Candidate
from polyloop.data.passes.buckets import arrow_writer, as_batch, leaf_of
from polyloop.data.passes.clean import CleanJob, Shard
from polyloop.data.passes.compare import compare_item, num_stretches, repetitions
from polyloop.data.passes.gather import Sketching, gather_item, pieces_of_bucket
from polyloop.data.passes.match import Matching, Rows, match_item, write_traits
from polyloop.data.read.row import file_format
from polyloop.data.read.scan import scan_file
from polyloop.data.rows import Row, Tally
from polyloop.data.rules import CorpusRules, TaskRules
from polyloop.data.steps.chain import Accounts
from polyloop.spec.corpora import Corpus
from polyloop.tasks.example import example_id

MOOD = TaskRules(task="mood", labels=frozenset({"good", "bad"}), directions=frozenset({("en", "en"), ("de", "de")}))
TO_GERMAN = TaskRules(task="to-german", labels=frozenset(), directions=frozenset({("en", "de")}))


def corpus_rules(task: TaskRules = MOOD, name: str = "c", **changes: Any) -> CorpusRules:
    """Return rules for a corpus with the columns text and label, all of whose rows are for training."""
    data: dict[str, Any] = {
        "paths": ["x"],
        "columns": {"input": "text", "target": "label"},
        "locale": "en",
        "licence": "CC0-1.0",
        "split": "train",
        **({} if task.labels else {"target_locale": "de"}),
        **changes,
    }
    return CorpusRules(name=name, corpus=Corpus.model_validate(data), task=task)


def write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def labelled(*texts: str, label: str = "good") -> list[dict[str, object]]:
    """Return rows of a corpus that share their label."""
    return [{"text": text, "label": label} for text in texts]


def jobs_of(path: Path, rules: CorpusRules) -> list[CleanJob]:
    """Return the pieces of cleaning for a file."""
    scanned = scan_file(str(path), file_format(str(path)), rules.corpus.encoding)
    return [CleanJob(piece=piece, rules=rules) for piece in scanned.slices]


def candidate(text: str, target: str = "good", **changes: Any) -> Candidate:
    """Return a cleaned row for training; `number`, if given, stands in its id's place and sorts."""
    number = changes.pop("number", None)
    fields: dict[str, Any] = {
        "task": "mood",
        "locale": "en",
        "target_locale": "en",
        "weight": 1.0,
        "corpus": "c",
        "licence": "CC0-1.0",
        "source": "",
        "split": "train",
        "where": f"f:{text[:20]}",
        **changes,
    }
    example = example_id(fields["task"], fields["locale"], fields["target_locale"], text)
    if number is not None:
        example = f"{number:032x}"
    return Candidate(**{"id": example, "input": text, "target": target, **fields})


def shard_of(path: Path, rows: Sequence[Candidate], *, accounts: Accounts | None = None) -> Shard:
    """Write cleaned rows into a shard of one group."""
    rows = sorted(rows)
    with arrow_writer(path) as writer:
        writer.write_batch(as_batch(rows))
    leaves = [leaf_of(row.id) for row in rows]
    return Shard(
        path=str(path),
        corpus=rows[0].corpus,
        groups=[(min(leaves), max(leaves))],
        holdout_rows=sum(row.split == "holdout" for row in rows),
        rows_in=len(rows),
        tally=Tally(),
        accounts=accounts or {},
        found=Counter(),
    )


def gathered(
    shards: Sequence[Shard], folder: Path, *, num_buckets: int = 2, sketching: Sketching | None = None
) -> tuple[Rows, Tally]:
    """Run the second pass over all buckets."""
    folder.mkdir(parents=True, exist_ok=True)
    paths, sizes, tally = [], [0], Tally()
    for bucket in range(num_buckets):
        item = {
            "bucket": str(bucket),
            "pieces": json.dumps(pieces_of_bucket(bucket, num_buckets, shards)),
            "path": str(folder / f"{bucket:05d}.arrow"),
        }
        answer = gather_item(item, num_buckets, sketching)
        paths.append(item["path"])
        sizes.append(int(answer["rows"]))
        tally.merge(Tally.from_json(answer["dropped"]))
    return Rows(buckets=tuple(paths), starts=tuple(accumulate(sizes))), tally


def matched(rows: Rows, folder: Path, sketching: Sketching) -> dict[int, str]:
    """Run the third pass over all partitions and the fourth over all rows."""
    folder.mkdir(parents=True, exist_ok=True)
    write_traits(rows, folder)
    matching = Matching(rows=rows, folder=folder, threshold=sketching.threshold, has_labels=sketching.has_labels)
    partitions = [folder / f"{number}.npy" for number in range(sketching.num_partitions)]
    for number, path in enumerate(partitions):
        match_item({"partition": str(number), "path": str(path)}, matching)
    stretches = [folder / f"compared-{number}.npy" for number in range(num_stretches(rows))]
    for number, path in enumerate(stretches):
        compare_item({"stretch": str(number), "path": str(path)}, matching, partitions)
    return repetitions(matching, [*partitions, *stretches])


def run_here(
    name: str, work: Callable[[Row], Row], items: Sequence[Row], folder: Path, on_item: object = None
) -> list[Row]:
    """Stand in for `polyloop.data.stages.run_pass`: do a pass in this process, item by item."""
    return [json.loads(json.dumps(work(json.loads(json.dumps(item))))) for item in items]
