"""How datasets, their rows and their differences are shown in a terminal.

Inputs: datasets, statistics and differences. Output: tables on stdout, warnings on stderr.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from polyloop.cli.output import messages, print_rows
from polyloop.data.dataset import Dataset
from polyloop.data.manifest import Manifest
from polyloop.data.rows import SPLITS

if TYPE_CHECKING:
    from polyloop.data.report.difference import CountChange, Difference
    from polyloop.data.statistics import Statistics

MAX_LABELS = 30
"""Labels that are listed; the report holds all."""

MAX_CHARACTERS = 160
"""Longest text shown of a row; `--json` gives the whole of it."""


def show_dataset(dataset: Dataset) -> None:
    """Print rows by split and locale, steps, drops and warnings."""
    manifest = dataset.manifest
    rows: list[dict[str, Any]] = [
        {"split": split, "locale": locale, "rows": f"{count:,}"}
        for split, by_locale in manifest.rows.items()
        for locale, count in by_locale.items()
    ]
    print_rows(rows, as_json=False, title=f"{manifest.task}: dataset {manifest.digest[:16]}")
    _show_steps(manifest)
    drops = [
        {"corpus": name, "reason": reason, "rows": f"{count:,}"}
        for name, record in manifest.corpora.items()
        for reason, count in record.dropped.items()
    ]
    if drops:
        print_rows(drops, as_json=False, title="Dropped")
    for warning in manifest.warnings:
        messages.print(f"warning: {warning}", markup=False)


def _show_steps(manifest: Manifest) -> None:
    steps = [
        {
            "step": step.name,
            "rows in": f"{step.rows_in:,}",
            "changed": f"{step.rows_changed:,}",
            "dropped": f"{step.rows_in - step.rows_out:,}",
            "rows out": f"{step.rows_out:,}",
        }
        for step in manifest.steps
    ]
    if steps:
        print_rows(steps, as_json=False, title="Steps")


def show_statistics(statistics: "Statistics") -> None:
    """Print the lengths of texts and the labels of each locale."""
    lengths = [
        {
            "split": key.split,
            "side": key.side,
            "locale": key.locale,
            "texts": f"{text.rows:,}",
            "mean characters": f"{text.characters.mean:,.1f}",
            "median": f"{text.characters.quantile(0.5):,}",
            "95 % below": f"{text.characters.quantile(0.95):,}",
            "longest": f"{text.characters.maximum or 0:,}",
            "mean tokens": f"{text.tokens.mean:,.1f}",
        }
        for key, text in sorted(statistics.texts.items(), key=lambda item: (SPLITS.index(item[0].split), item[0]))
    ]
    print_rows(lengths, as_json=False, title="Lengths")
    ranked = sorted(statistics.labels.items(), key=lambda item: (SPLITS.index(item[0][0]), item[0][1], -item[1]))
    labels = [
        {"split": split, "locale": locale, "label": label, "rows": f"{count:,}"}
        for (split, locale, label), count in ranked
    ]
    if labels:
        title = f"Labels, the first {MAX_LABELS} of {len(labels)}" if len(labels) > MAX_LABELS else "Labels"
        print_rows(labels[:MAX_LABELS], as_json=False, title=title)


def show_rows(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    """Print rows with long texts cut; lists of token ids are left out."""
    body = [{name: _cut(value) for name, value in row.items() if not isinstance(value, list)} for row in rows]
    print_rows(body, as_json=False, title=title)


def _cut(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def show_difference(difference: "Difference") -> None:
    """Print what changed; what stayed the same is left out but for the rows."""
    title = f"{difference.task}: {difference.before[:12]} -> {difference.after[:12]}"
    rows = [
        {
            "split": one.split,
            "locale": one.locale,
            "before": f"{one.before:,}",
            "after": f"{one.after:,}",
            "added": f"{one.added:,}",
            "removed": f"{one.removed:,}",
            "changed": f"{one.changed:,}",
            "moved in": f"{one.moved_in:,}",
        }
        for one in difference.rows
    ]
    print_rows(rows, as_json=False, title=title)
    _show_changes(difference.corpora, "corpus", "Rows kept of each corpus")
    _show_changes(difference.dropped, "reason", "Dropped rows")
    labels = [
        {
            "locale": one.locale,
            "label": one.label,
            "before": f"{100 * one.before:.1f} %",
            "after": f"{100 * one.after:.1f} %",
            "points": f"{one.points:+.1f}",
        }
        for one in sorted(difference.labels, key=lambda one: (-abs(one.points), one.locale, one.label))
        if one.before != one.after
    ]
    if labels:
        print_rows(labels[:MAX_LABELS], as_json=False, title="Shares of labels that changed most")
    same = [{"what": name, "is": "the same" if same else "different"} for name, same in difference.same.items()]
    print_rows(same, as_json=False, title="Made with")


def _show_changes(changes: "Sequence[CountChange]", heading: str, title: str) -> None:
    rows = [
        {
            heading: one.name,
            "before": f"{one.before:,}",
            "after": f"{one.after:,}",
            "change": f"{one.after - one.before:+,}",
        }
        for one in changes
        if one.before != one.after
    ]
    if rows:
        print_rows(rows, as_json=False, title=title)
