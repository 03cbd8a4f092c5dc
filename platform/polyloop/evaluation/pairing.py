"""Two results on the same rows: whether they are, and how far apart they are. Pure.

Inputs: two results, or one metric measured on both. Output: an error, or a `PairedDifference`. The gate and the
comparison for people take their differences from here, so that they never disagree.
"""

from polyloop.errors import EvaluationError
from polyloop.evaluation.discordant import discordant_difference
from polyloop.evaluation.intervals import PairedDifference
from polyloop.evaluation.measure import Measured, SummedRows
from polyloop.evaluation.metrics.arrays import BoolArray
from polyloop.evaluation.results import EvaluationResult
from polyloop.spec.models import GateSpec


def refuse_unpaired(candidate: EvaluationResult, champion: EvaluationResult) -> None:
    """Raise EvaluationError if two results are not about the same rows of the same holdout of the same task."""
    same = {
        "tasks": candidate.task == champion.task,
        "holdouts": candidate.holdout_digest == champion.holdout_digest,
        "row ids or their order": candidate.rows.ids == champion.rows.ids,
        "target locales": candidate.rows.target_locales == champion.rows.target_locales,
        "references": candidate.rows.references == champion.rows.references,
    }
    for what, is_same in same.items():
        if not is_same:
            raise EvaluationError(
                f"{candidate.task} {candidate.version} and {champion.task} {champion.version} were evaluated on "
                f"different {what}; evaluate both on the same holdout"
            )


def paired_difference(
    ours: Measured, theirs: Measured, mask: BoolArray, gate: GateSpec, *, confidence: float
) -> PairedDifference:
    """Return ours minus theirs on the masked rows as `gate.test` asks, its interval two-sided at `confidence`.

    Raises EvaluationError where the discordant test is asked for a metric without right and wrong rows.
    """
    if gate.test == "bootstrap":
        return ours.minus(theirs, mask, resamples=gate.resamples, confidence=confidence)
    if not isinstance(ours, SummedRows) or not isinstance(theirs, SummedRows):
        raise EvaluationError(f"{ours.metric.name} has no rows that are right or wrong; use the bootstrap")
    return discordant_difference(ours.right_rows()[mask], theirs.right_rows()[mask], confidence=confidence)
