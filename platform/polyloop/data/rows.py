"""The rows of a dataset: their columns, why rows are dropped, and how dropped ones are counted.

Inputs and outputs: Arrow schemas, and a `Tally` that processes send each other as JSON. No files are touched here.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Self, get_args

import pyarrow as pa

Split = Literal["train", "dev", "holdout"]
SPLITS: tuple[Split, ...] = get_args(Split)

FEEDBACK_CORPUS = "feedback"
"""What `corpus` says of a row that came from users' feedback."""

EXAMPLE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("task", pa.string()),
        ("locale", pa.string()),
        ("target_locale", pa.string()),
        ("input", pa.string()),
        ("target", pa.string()),
        ("weight", pa.float32()),
        ("corpus", pa.string()),
        ("licence", pa.string()),
        ("source", pa.string()),
        ("split", pa.string()),
    ]
)
"""Columns of an example; `locale` is the input's, `target_locale` the target's (the same for classify)."""

ENCODED_SCHEMA = EXAMPLE_SCHEMA.append(pa.field("input_ids", pa.list_(pa.int32()))).append(
    pa.field("target_ids", pa.list_(pa.int32()))
)
"""Columns of a published dataset: an example and what the model reads and learns to give."""

CANDIDATE_SCHEMA = EXAMPLE_SCHEMA.append(pa.field("where", pa.string())).append(pa.field("paragraphs", pa.binary()))
"""Columns of a cleaned row before deduplication; `where` is the file and row that it came from, `paragraphs` where its
input's long lines are (`polyloop.data.paragraphs.unpack_spans`), empty unless the task compares them."""

SAMPLES_PER_REASON = 20
"""Dropped rows that are kept to look at, for each corpus and reason."""

SAMPLE_CHARACTERS = 200
"""Longest excerpt kept of a dropped row."""

DETAIL_CHARACTERS = 2_000
"""Longest explanation kept of a dropped row, such as a traceback."""


Row = dict[str, str]
"""What a pass of a build is given and gives back for one piece of work."""


class Drop(NamedTuple):
    """A row that was left out, and why."""

    corpus: str
    reason: str
    where: str
    sample: str
    detail: str = ""
    """More about it: the row that it repeats, the n-gram that it shares, the traceback of the step that failed."""


@dataclass(kw_only=True)
class Tally:
    """How many rows were dropped for each (corpus, reason), and a few of them."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    samples: dict[tuple[str, str], list[Drop]] = field(default_factory=dict)

    def add(self, drop: Drop) -> None:
        """Count a dropped row and keep it if it is one of the first of its kind."""
        key = (drop.corpus, drop.reason)
        self.counts[key] += 1
        kept = self.samples.setdefault(key, [])
        if len(kept) < SAMPLES_PER_REASON:
            sample, detail = _excerpt(drop.sample, SAMPLE_CHARACTERS), _excerpt(drop.detail, DETAIL_CHARACTERS)
            kept.append(drop._replace(sample=sample, detail=detail))

    def merge(self, other: Self) -> None:
        """Add what another tally counted."""
        self.counts.update(other.counts)
        for key, drops in other.samples.items():
            kept = self.samples.setdefault(key, [])
            kept.extend(drops[: SAMPLES_PER_REASON - len(kept)])

    def by_corpus(self) -> dict[str, dict[str, int]]:
        """Return corpus -> reason -> number of rows, most frequent reason first."""
        nested: dict[str, dict[str, int]] = {}
        for (corpus, reason), count in sorted(self.counts.items(), key=lambda item: (-item[1], item[0])):
            nested.setdefault(corpus, {})[reason] = count
        return nested

    def by_reason(self) -> dict[str, int]:
        """Return reason -> number of rows over all corpora, most frequent first."""
        totals: Counter[str] = Counter()
        for (_, reason), count in self.counts.items():
            totals[reason] += count
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))

    def describe(self) -> str:
        """Return the reasons on one line, such as "40 empty_input, 2 bad_json"; "none" without any."""
        return ", ".join(f"{count:,} {reason}" for reason, count in self.by_reason().items()) or "none"

    def to_json(self) -> str:
        """Return the tally as JSON, for `from_json`."""
        counts = [[*key, count] for key, count in self.counts.items()]
        return json.dumps({"counts": counts, "samples": [drop for kept in self.samples.values() for drop in kept]})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the tally that `to_json` wrote."""
        data = json.loads(text)
        tally = cls(counts=Counter({(corpus, reason): count for corpus, reason, count in data["counts"]}))
        for fields in data["samples"]:
            drop = Drop(*fields)
            tally.samples.setdefault((drop.corpus, drop.reason), []).append(drop)
        return tally


def _excerpt(text: str, length: int) -> str:
    """Return the start of a text, with what UTF-8 cannot hold replaced."""
    return text[:length].encode("utf-8", errors="replace").decode("utf-8")
