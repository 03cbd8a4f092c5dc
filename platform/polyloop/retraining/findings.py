"""What an evaluation found, in the form in which a version's manifest and card keep it. Pure but for one small file.

Inputs: a result on the holdout, results of suites, the folder of a trained model. Outputs: parts of `VersionFacts`.
"""

from collections.abc import Iterable
from pathlib import Path

from polyloop.evaluation.report import report_rows
from polyloop.evaluation.results import EvaluationResult
from polyloop.evaluation.suites.results import SuiteResult
from polyloop.models.decision import rule_in
from polyloop.models.manifest import DecisionNote, GroupRow, MetricRow, SuiteRow
from polyloop.spec.models import TaskSpec


def metric_rows(result: EvaluationResult) -> tuple[MetricRow, ...]:
    """Return every metric of every target locale, the whole last."""
    return tuple(
        MetricRow(
            locale=row.locale,
            metric=row.metric,
            value=row.after.value,
            low=row.after.low,
            high=row.after.high,
            num_rows=row.num_rows,
        )
        for row in report_rows(result)
    )


def group_rows(result: EvaluationResult) -> tuple[GroupRow, ...]:
    """Return the gate's metric by length, source, label and month; groups where it counts nothing are left out."""
    return tuple(
        GroupRow(
            dimension=group.dimension,
            name=group.name,
            metric=result.metric,
            value=group.metrics[result.metric].value,
            low=group.metrics[result.metric].low,
            high=group.metrics[result.metric].high,
            num_rows=group.num_rows,
        )
        for group in result.groups
        if result.metric in group.metrics
    )


def suite_rows(results: Iterable[SuiteResult]) -> tuple[SuiteRow, ...]:
    """Return the pass rate of every test in every place."""
    return tuple(
        SuiteRow(
            suite=result.suite,
            test=one.test,
            place=one.slice,
            num_cases=one.num_cases,
            rate=one.rate.value,
            low=one.rate.low,
            high=one.rate.high,
            goal=result.goal,
        )
        for result in results
        for one in result.slices
    )


def decision_note(model_dir: Path, task: TaskSpec) -> DecisionNote | None:
    """Return how a trained classifier decides; None for other kinds."""
    if task.kind != "classify":
        return None
    rule = rule_in(model_dir)
    if rule.out_of_scope is None:
        return DecisionNote(temperature=rule.temperature, has_label_sets=rule.has_label_sets)
    return DecisionNote(
        temperature=rule.temperature,
        out_of_scope_label=task.labels[rule.out_of_scope],
        threshold=rule.threshold,
    )
