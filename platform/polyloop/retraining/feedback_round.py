"""The feedback stage of a loop run: curates a task's feedback against what its champion was trained and judged on.

Input: the champion's dataset. Output: the Parquet file of curated examples (or None) and counts for the run's record.
Before a first champion there are no inferences, so there is nothing to curate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from polyloop.data.dataset import Dataset
from polyloop.feedback.curation_store import curate_task, known_targets
from polyloop.feedback.decisions import Reason
from polyloop.registry.store import Store
from polyloop.spec.loader import LoadedSpec

FOLDER = "feedback"


@dataclass(frozen=True, kw_only=True)
class FeedbackRound:
    """What feedback gives to a run; `counts` has `accepted`, `refused` (corrections) and `examples`."""

    path: Path | None = None
    counts: dict[str, int] = field(default_factory=dict)


def curate_feedback(loaded: LoadedSpec, store: Store, task: str, dataset: Dataset | None) -> FeedbackRound:
    """Curate all feedback of `task` against the champion's dataset; None before a first champion."""
    if dataset is None:
        return FeedbackRound()
    curation = curate_task(
        store,
        task,
        loaded.task(task),
        loaded.spec.feedback,
        known=known_targets(dataset.table("train")),
        holdout_ids=set(dataset.table("holdout").column("id").to_pylist()),
        folder=loaded.artefacts_dir / FOLDER / task,
        now=datetime.now(UTC),
    )
    return FeedbackRound(path=curation.path, counts=count_outcomes(curation.reasons, curation.num_examples))


def count_outcomes(reasons: Mapping[str, int], num_examples: int) -> dict[str, int]:
    """Return how many corrections were accepted and refused; statements without a correction are neither (pure)."""
    outcomes = {"accepted": 0, "refused": 0, "examples": num_examples}
    for name, count in reasons.items():
        state = Reason(name).state
        if name != Reason.NO_CORRECTION and state in outcomes:
            outcomes[state] += count
    return outcomes
