"""Adds up what the passes of a build reported, and refuses results that nothing can be learnt from; pure.

Inputs: the parts, the tally of dropped rows and the plan. Outputs: the counts that the manifest holds, and warnings.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from polyloop.data.manifest import CorpusRecord
from polyloop.data.passes.encode import Part
from polyloop.data.plan import Plan, source_files
from polyloop.data.rows import FEEDBACK_CORPUS, SPLITS, Split, Tally
from polyloop.data.rules import FEEDBACK_SOURCE
from polyloop.errors import DataError
from polyloop.tasks import kind_of
from polyloop.tasks.labels import read_label_set


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Counts of a finished build."""

    rows: dict[Split, dict[str, int]]
    """Split -> target locale -> rows."""
    label_counts: dict[Split, dict[str, dict[str, int]]]
    """Split -> locale -> label -> rows; empty where the target is free text."""
    kept: dict[str, int]
    """Corpus -> rows."""
    tally: Tally

    @property
    def rows_read(self) -> int:
        """Rows kept and dropped."""
        return sum(self.kept.values()) + self.tally.counts.total()


def summarise(parts: Iterable[Part], tally: Tally) -> Summary:
    """Return the counts over all parts."""
    by_locale: Counter[tuple[Split, str]] = Counter()
    by_label: Counter[tuple[Split, str, str]] = Counter()
    kept: Counter[str] = Counter()
    for part in parts:
        for split, corpus, locale, label, count in part.rows:
            by_locale[split, locale] += count
            kept[corpus] += count
            if label:
                by_label[split, locale, label] += count
    label_counts: dict[Split, dict[str, dict[str, int]]] = {}
    for (split, locale, label), count in sorted(by_label.items()):
        label_counts.setdefault(split, {}).setdefault(locale, {})[label] = count
    return Summary(
        rows={split: {loc: n for (which, loc), n in sorted(by_locale.items()) if which == split} for split in SPLITS},
        label_counts=label_counts,
        kept=dict(kept),
        tally=tally,
    )


def check(plan: Plan, summary: Summary) -> None:
    """Raise a `DataError` for an empty train or holdout split, and for one label where there must be several."""
    splits: tuple[Split, ...] = ("train", "holdout")
    for split in splits[0 if kind_of(plan.task).learns else 1 :]:
        if not summary.rows[split]:
            counts = ", ".join(f"{name} {sum(summary.rows[name].values()):,}" for name in SPLITS)
            raise DataError(
                f"task {plan.name!r}: no row is left for the {split} split; rows read: {summary.rows_read:,}, "
                f"kept: {counts}, dropped: {summary.tally.describe()}; see `columns`, `locale`, `labels` and `split` "
                f"of the corpora {', '.join(source.name for source in plan.sources)}"
            )
    labels = sorted({label for counts in summary.label_counts.get("train", {}).values() for label in counts})
    if plan.task.labels and len(labels) < 2:
        raise DataError(
            f"task {plan.name!r}: all rows of the train split have the label {labels[0]!r}, so there is nothing to "
            f"learn; dropped: {summary.tally.describe()}; see `labels` of the corpora "
            f"{', '.join(source.name for source in plan.sources)}"
        )


def warnings(plan: Plan, summary: Summary) -> tuple[str, ...]:
    """Return what a person should know before using the dataset."""
    found: list[str] = []
    asked = SPLITS if kind_of(plan.task).learns else ("dev", "holdout")
    for locale in sorted({target for _, target in plan.rules.directions}):
        for split in asked:
            if not summary.rows[split].get(locale):
                found.append(f"no row of the {split} split has the target locale {locale}")
    seen = {label for counts in summary.label_counts.get("train", {}).values() for label in counts}
    if plan.task.multi_label:
        seen = {label for labels in seen for label in read_label_set(labels)}
    found += [f"no row of the train split has the label {label!r}" for label in plan.task.labels if label not in seen]
    return tuple(found)


def corpus_records(plan: Plan, summary: Summary, found: dict[str, dict[str, int]]) -> dict[str, CorpusRecord]:
    """Return what the manifest says of each corpus, and of the feedback if there is any."""
    dropped = summary.tally.by_corpus()

    def counts(name: str) -> dict[str, object]:
        kept, lost = summary.kept.get(name, 0), dropped.get(name, {})
        return {
            "rows_read": kept + sum(lost.values()),
            "rows_kept": kept,
            "dropped": lost,
            "found": found.get(name, {}),
        }

    records = {
        source.name: CorpusRecord.model_validate(
            {
                "files": source_files(source.files),
                "hub": source.origin,
                "licence": source.corpus.licence,
                "source": source.corpus.source,
                **counts(source.name),
            }
        )
        for source in plan.sources
    }
    if plan.feedback is not None:
        records[FEEDBACK_CORPUS] = CorpusRecord.model_validate(
            {
                "files": source_files([plan.feedback]),
                "hub": None,
                "licence": "",
                "source": FEEDBACK_SOURCE,
                **counts(FEEDBACK_CORPUS),
            }
        )
    return records
