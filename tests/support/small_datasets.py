"""Small published datasets for tests of what tells about them: rows, a manifest, and the folder that holds both."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from polyloop.data.dataset import Dataset, open_dataset
from polyloop.data.manifest import (
    DROPS_NAME,
    FORMAT_VERSION,
    MANIFEST_NAME,
    CorpusRecord,
    Manifest,
    PartFile,
    SourceFile,
    StepRecord,
    TokenizerRecord,
)
from polyloop.data.rows import ENCODED_SCHEMA, SPLITS
from polyloop.data.statistics import Statistics
from polyloop.data.storage import file_sha256, write_parquet
from polyloop.models.storage import write_bytes

ARABIC = "هذه الجملة العربية مكررة"
HOSTILE = "</details><script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
DROPS = (
    {"corpus": "moods", "reason": "near_duplicate", "where": "moods.jsonl:7", "sample": ARABIC},
    {"corpus": "moods", "reason": "near_duplicate", "where": "moods.jsonl:9", "sample": HOSTILE},
    {"corpus": "moods", "reason": "empty_input", "where": "moods.jsonl:4", "sample": ""},
)


def row(
    text: str, target: str, *, locale: str = "en", target_locale: str | None = None, **others: Any
) -> dict[str, Any]:
    """Return an encoded row, with a token for each letter."""
    return {
        "id": hashlib.sha256(f"{locale} {text}".encode()).hexdigest(),
        "task": "mood",
        "locale": locale,
        "target_locale": target_locale or locale,
        "input": text,
        "target": target,
        "weight": 1.0,
        "corpus": "moods",
        "split": "train",
        "input_ids": list(range(len(text))),
        "target_ids": [1],
        "licence": "CC0-1.0",
        "source": "",
        **others,
    }


def table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return rows as a table."""
    return pa.Table.from_pylist([dict(one) for one in rows], schema=ENCODED_SCHEMA)


def moods(copies: int = 20) -> list[dict[str, Any]]:
    """Return rows of a classify task in two locales, in which words for women go with one label."""
    rows = []
    for number in range(copies):
        split = SPLITS[number % 10 % 3] if number % 10 < 3 else "train"
        rows += [
            row(f"she liked it {number}", "good", split=split),
            row(f"he left early {number}", "bad", split=split),
            row(f"nothing much {number}", "bad", split=split),
            row(f"Der Mann war da {number}", "good", locale="de", split=split, corpus="more", licence="CC-BY-4.0"),
        ]
    return rows


def manifest_of(statistics: Statistics, **changes: Any) -> Manifest:
    """Return a manifest that fits statistics, with some rows read and dropped besides."""
    rows: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    for (split, _, target_locale), count in statistics.directions.items():
        rows[split][target_locale] += count
    label_counts: dict[str, dict[str, dict[str, int]]] = {}
    for (split, locale, label), count in statistics.labels.items():
        label_counts.setdefault(split, {}).setdefault(locale, {})[label] = count
    kept: Counter[str] = Counter()
    for (_, corpus), count in statistics.corpora.items():
        kept[corpus] += count
    dropped = {"near_duplicate": 12, "empty_input": 1}
    read = kept.total() + 13
    return Manifest.model_validate(
        {
            "format_version": FORMAT_VERSION,
            "task": "mood",
            "digest": "d" * 64,
            "build_key": "k" * 64,
            "holdout_digest": "h" * 64,
            "spec_digest": "s" * 64,
            "code_version": "1.2.3",
            "created_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
            "corpora": {name: _corpus(name, count, dropped) for name, count in sorted(kept.items())},
            "rows": rows,
            "label_counts": label_counts,
            "dropped": dropped,
            "steps": (
                StepRecord(name="clean", rows_in=read, rows_out=read - 1, rows_changed=5, dropped={"empty_input": 1}),
                StepRecord(name="gather", rows_in=read - 1, rows_out=read - 13, rows_changed=0, dropped=dropped),
            ),
            "tokenizer": TokenizerRecord(kind="trained", vocab_size=300, sha256="t" * 64),
            "feedback_digest": None,
            "warnings": ("no row of the dev split has the target locale fr",),
            "duration_s": 1.5,
            "rows_per_s": 2000.0,
            "files": (),
            **changes,
        }
    )


def _corpus(name: str, kept: int, dropped: dict[str, int]) -> CorpusRecord:
    lost = dropped if name == "moods" else {}
    return CorpusRecord(
        files=(SourceFile(path=f"{name}.jsonl", sha256="f" * 64, size_bytes=123),),
        hub=None,
        licence="CC0-1.0" if name == "moods" else "CC-BY-4.0",
        source=f"https://example.org/{name}",
        rows_read=kept + sum(lost.values()),
        rows_kept=kept,
        dropped=lost,
        found={"language:en": 40, "language:und": 2, "pii:email": 3} if name == "moods" else {},
    )


def write_dataset(
    folder: Path, rows: Sequence[Mapping[str, Any]], *, has_labels: bool = True, **changes: Any
) -> Dataset:
    """Write a dataset into `folder`, without statistics and report, and open it."""
    everything = table(rows)
    files = []
    for split in SPLITS:
        part = everything.filter(pa.compute.equal(everything["split"], split)).sort_by("id")
        if part.num_rows:
            name = f"{split}/part-00000.parquet"
            (folder / split).mkdir(parents=True, exist_ok=True)
            write_parquet(folder / name, part.select(ENCODED_SCHEMA.names))
            size_bytes = (folder / name).stat().st_size
            files.append(PartFile(name=name, sha256=file_sha256(folder / name), size_bytes=size_bytes))
    statistics = Statistics.of(everything, has_labels=has_labels)
    drops = "".join(json.dumps(drop, ensure_ascii=False) + "\n" for drop in DROPS)
    write_bytes(folder / DROPS_NAME, drops.encode())
    write_bytes(folder / MANIFEST_NAME, manifest_of(statistics, files=tuple(files), **changes).to_json())
    return open_dataset(folder)
