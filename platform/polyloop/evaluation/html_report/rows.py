"""The parts of a report that show rows of the holdout: those that got worse, the weakest ones, and where all is from.

Input: a `VersionComparison`. Output: sections, None where there is nothing to tell. Pure.
"""

from collections.abc import Sequence

import numpy as np

from polyloop.evaluation.changed_rows import ChangedRow, row_metric, row_scores
from polyloop.evaluation.comparison import VersionComparison
from polyloop.evaluation.metrics import metric_named
from polyloop.pages.blocks import Block, Cell, CellValue, Paragraph, Quote, Quotes, Section, shown, table

MAX_WORSE = 30
MAX_WEAKEST = 8
"""Rows of one locale."""
MAX_LOCALES = 24
_ENOUGH = 99.99
"""Score of a row, in points, with which nothing is wrong."""


def worse(comparison: VersionComparison) -> Section | None:
    """Return rows whose answers got worse and better since the champion."""
    changed = comparison.changes
    if changed is None:
        return None
    text = f"{len(changed.worse):,} rows got worse and {len(changed.better):,} better; the largest changes come first."
    blocks: list[Block] = [Paragraph(text=text)]
    for name, rows in (("worse", changed.worse), ("better", changed.better)):
        if rows:
            caption = f"{min(len(rows), MAX_WORSE):,} of {len(rows):,} that got {name}"
            quotes = tuple(_changed(row, changed.metric) for row in rows[:MAX_WORSE])
            blocks.append(Quotes(caption=caption, quotes=quotes))
    return Section(key="rows", title="Rows that changed", blocks=tuple(blocks))


def weakest(comparison: VersionComparison) -> Section | None:
    """Return the rows that the version answers worst, by locale."""
    result = comparison.candidate.holdout
    metric = row_metric(comparison.task_spec, result)
    sign = metric_named(metric).sign
    scores = row_scores(result, metric, comparison.task_spec.labels)
    inputs = comparison.table.column("input").to_pylist()
    locales = np.array(result.rows.target_locales)
    blocks: list[Block] = []
    for locale in sorted(set(result.rows.target_locales))[:MAX_LOCALES]:
        chosen = sorted(np.flatnonzero(locales == locale), key=lambda row: (sign * scores[row], result.rows.ids[row]))
        wrong = [int(row) for row in chosen if sign < 0 or scores[row] < _ENOUGH][:MAX_WEAKEST]
        quotes = tuple(
            Quote(
                shown(inputs[row]),
                (
                    ("answer", shown(result.rows.predictions[row] or "(none)")),
                    ("right", shown(result.rows.references[row])),
                    (metric, f"{scores[row]:.1f}"),
                ),
            )
            for row in wrong
        )
        if quotes:
            blocks.append(Quotes(caption=f"{locale}: the {len(quotes)} weakest answers", quotes=quotes))
    if not blocks:
        return None
    text = "What to read first when a locale is weak: wrong references and unclear inputs show here too."
    return Section(key="weakest", title="Weakest answers", blocks=(Paragraph(text=text), *blocks))


def provenance(comparison: VersionComparison) -> Section:
    """Return what the figures are about, so that they can be found and made again."""
    result, champion = comparison.candidate.holdout, comparison.champion
    facts: list[Sequence[CellValue]] = [
        ("task", result.task),
        ("version", result.version),
        ("compared with", champion.holdout.version if champion else "nothing"),
        ("holdout", Cell(result.holdout_digest, "code")),
        ("dataset", Cell(result.dataset_digest, "code")),
        *([("answered by", result.engine)] if result.engine else []),
        ("mean time of one answer alone", f"{result.latency_ms:.1f} ms, on the machine that evaluated"),
        ("size of the files", f"{result.size_bytes:,} bytes"),
        ("intervals", f"{comparison.task_spec.gate.confidence:.0%} confidence"),
        *((f"suite {one.suite}", Cell(one.digest, "code")) for one in comparison.candidate.suites),
    ]
    return Section(key="provenance", title="Provenance", blocks=(table("Facts", ("what", "value"), facts),))


def _changed(row: ChangedRow, metric: str) -> Quote:
    place = row.locale if row.locale == row.target_locale else f"{row.locale} → {row.target_locale}"
    facts = (
        ("locale", place),
        ("before", shown(row.before or "(none)")),
        ("now", shown(row.after or "(none)")),
        ("right", shown(row.reference)),
        (metric, f"{row.score_before:.1f} → {row.score_after:.1f}"),
    )
    return Quote(shown(row.input), facts)
