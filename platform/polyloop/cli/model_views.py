"""What `polyloop model` tells of comparisons: rows of tables, and the same for machines. Pure.

Input: a `VersionComparison`. Output: plain dictionaries; numbers are in the metric's unit. Limits: texts are shown as
they are; how many, the caller says.
"""

import json
from dataclasses import asdict
from typing import Any

from polyloop.evaluation.comparison import VersionComparison, VersionEvaluation
from polyloop.evaluation.difference import LOCALE, SliceDifference
from polyloop.evaluation.results import OVERALL
from polyloop.evaluation.suites.checks import worse_cases


def locale_rows(comparison: VersionComparison) -> list[dict[str, Any]]:
    """Return a row for each metric of each locale, the whole last."""
    found = [one for one in comparison.differences if one.dimension == LOCALE]
    found += [one for one in comparison.differences if one.dimension == OVERALL]
    return [{"locale": one.name, "metric": one.metric, **_change(comparison, one)} for one in found]


def group_rows(comparison: VersionComparison) -> list[dict[str, Any]]:
    """Return a row for each group of rows, by the gate's metric."""
    groups = [one for one in comparison.differences if one.dimension not in (LOCALE, OVERALL)]
    return [{"by": one.dimension, "group": one.name, **_change(comparison, one)} for one in groups]


def flip_rows(comparison: VersionComparison) -> list[dict[str, Any]]:
    """Return a row for each test, in each place, with cases that got worse or better."""
    return [
        {
            "suite": one.suite,
            "test": one.test,
            "locale": one.slice,
            "cases": one.num_cases,
            "worse": one.num_worse,
            "better": one.num_better,
            "before": f"{one.champion:.1f}",
            "after": f"{one.candidate:.1f}",
            "p by chance": f"{one.probability:.3g}",
        }
        for one in comparison.flips
        if one.num_worse or one.num_better
    ]


def worse_rows(comparison: VersionComparison, limit: int) -> list[dict[str, Any]]:
    """Return the rows that lost most, with both answers."""
    changed = comparison.changes
    if changed is None:
        return []
    return [
        {
            "locale": row.locale if row.locale == row.target_locale else f"{row.locale}>{row.target_locale}",
            "input": row.input,
            "right": row.reference,
            "before": row.before,
            "after": row.after,
            changed.metric: f"{row.score_before:.1f} -> {row.score_after:.1f}",
        }
        for row in changed.worse[:limit]
    ]


def worse_title(comparison: VersionComparison, limit: int) -> str:
    """Return how many rows changed, and how many of them are shown."""
    changed = comparison.changes
    assert changed is not None
    shown = min(limit, len(changed.worse))
    return f"{len(changed.worse):,} rows got worse and {len(changed.better):,} better; the first {shown} that got worse"


def worse_case_rows(comparison: VersionComparison, limit: int) -> list[dict[str, Any]]:
    """Return cases of suites that got worse, with both answers."""
    if comparison.champion is None:
        return []
    theirs = {one.suite: one for one in comparison.champion.suites}
    rows = [
        {
            "suite": ours.suite,
            "test": after.test,
            "locale": after.slice,
            "input": after.input,
            "wanted": after.wanted,
            "before": before.output,
            "after": after.output,
        }
        for ours in comparison.candidate.suites
        for before, after in worse_cases(ours, theirs[ours.suite])
    ]
    return rows[:limit]


def changes_to_json(comparison: VersionComparison, limit: int) -> dict[str, Any]:
    """Return all that `model compare` tells, with at most `limit` rows and cases that got worse."""
    changed = comparison.changes
    assert changed is not None
    assert comparison.champion is not None
    return {
        "task": comparison.candidate.holdout.task,
        "before": comparison.champion.holdout.version,
        "after": comparison.candidate.holdout.version,
        "metric": comparison.candidate.holdout.metric,
        "differences": [_difference(one) for one in comparison.differences],
        "rows": {
            "metric": changed.metric,
            "num_worse": len(changed.worse),
            "num_better": len(changed.better),
            "worse": [asdict(row) for row in changed.worse[:limit]],
        },
        "suites": [{**asdict(one), "probability_by_chance": one.probability} for one in comparison.flips],
        "worse_cases": worse_case_rows(comparison, limit),
    }


def comparison_to_json(comparison: VersionComparison) -> dict[str, Any]:
    """Return the results of both versions and the gate's decision."""
    champion = comparison.champion
    return {
        "candidate": _evaluation(comparison.candidate),
        "champion": _evaluation(champion) if champion else None,
        "differences": [_difference(one) for one in comparison.differences],
        "gate": comparison.decision.to_dict(),
    }


def _evaluation(evaluation: VersionEvaluation) -> dict[str, Any]:
    suites = [json.loads(one.to_json()) for one in evaluation.suites]
    return {**json.loads(evaluation.holdout.to_json()), "suites": suites}


def _difference(one: SliceDifference) -> dict[str, Any]:
    interval = one.difference.interval
    return {
        "dimension": one.dimension,
        "name": one.name,
        "metric": one.metric,
        "num_rows": one.num_rows,
        "before": one.before,
        "after": one.after,
        "change": interval.value,
        "low": interval.low,
        "high": interval.high,
        "verdict": one.verdict,
    }


def _change(comparison: VersionComparison, one: SliceDifference) -> dict[str, Any]:
    assert comparison.champion is not None
    interval = one.difference.interval
    return {
        "rows": one.num_rows,
        comparison.champion.holdout.version: f"{one.before:.2f}",
        comparison.candidate.holdout.version: f"{one.after:.2f}",
        "change": f"{interval.value:+.2f} ({interval.low:+.2f} to {interval.high:+.2f})",
        "verdict": one.verdict,
    }
