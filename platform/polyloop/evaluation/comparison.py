"""All that was found out about a version, and about two versions beside each other. Pure; results are worked out when
they are first asked for.

Inputs: results on one holdout and on suites, the holdout's table and the task's spec. Outputs: the gate's decision, the
differences slice by slice, the rows that changed and what became of the suites' cases. A loop run, the commands and the
report all take them from here, so that they never disagree.
"""

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from polyloop.evaluation.changed_rows import RowChanges, row_changes
from polyloop.evaluation.difference import SliceDifference, differences
from polyloop.evaluation.gate import GateDecision, decide
from polyloop.evaluation.results import EvaluationResult
from polyloop.evaluation.suites.checks import Flips, all_flips
from polyloop.evaluation.suites.results import SuiteResult
from polyloop.spec.models import TaskSpec


@dataclass(frozen=True, kw_only=True)
class VersionEvaluation:
    """All that was found out about a version."""

    holdout: EvaluationResult
    suites: tuple[SuiteResult, ...]


@dataclass(frozen=True, kw_only=True)
class VersionComparison:
    """A version beside another, mostly the champion; `champion` is None where there is nothing to compare with."""

    task_spec: TaskSpec
    candidate: VersionEvaluation
    champion: VersionEvaluation | None
    table: pa.Table
    """The rows of the holdout, with the Example columns."""

    @cached_property
    def decision(self) -> GateDecision:
        """What the gate says; EvaluationError as `decide` raises it."""
        return gate_decision(self.task_spec, self.candidate, self.champion)

    @cached_property
    def differences(self) -> tuple[SliceDifference, ...]:
        """How far the candidate is from the champion, slice by slice; empty without a champion."""
        if self.champion is None:
            return ()
        return differences(self.champion.holdout, self.candidate.holdout, self.table, self.task_spec)

    @cached_property
    def changes(self) -> RowChanges | None:
        """The rows that got worse and better from the champion to the candidate; None without a champion."""
        if self.champion is None:
            return None
        return row_changes(self.champion.holdout, self.candidate.holdout, self.table, self.task_spec)

    @cached_property
    def flips(self) -> tuple[Flips, ...]:
        """What became of the cases of the suites from the champion to the candidate; empty without a champion."""
        if self.champion is None:
            return ()
        theirs = {one.suite: one for one in self.champion.suites}
        return tuple(flips for ours in self.candidate.suites for flips in all_flips(ours, theirs[ours.suite]))


def gate_decision(
    task_spec: TaskSpec, candidate: VersionEvaluation, champion: VersionEvaluation | None
) -> GateDecision:
    """Return whether the candidate may replace the champion, holdout, suites and budgets all considered."""
    return decide(
        candidate.holdout,
        None if champion is None else champion.holdout,
        task_spec.gate,
        kind=task_spec.kind,
        candidate_suites=candidate.suites,
        champion_suites=() if champion is None else champion.suites,
    )
