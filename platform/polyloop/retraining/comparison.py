"""Compares a published version with the champion on the version's own holdout, as the gate of a loop run does.

Input: a version. Output: both evaluations and the gate's decision; nothing is released or recorded.
"""

from collections.abc import Callable
from dataclasses import dataclass

from polyloop.errors import RegistryError
from polyloop.evaluation.gate import GateDecision, decide
from polyloop.evaluation.results import EvaluationResult
from polyloop.registry.releases import get_release
from polyloop.registry.store import Store
from polyloop.registry.versions import VersionRecord, get_version
from polyloop.retraining.datasets import dataset_of
from polyloop.retraining.evaluations import evaluate_version
from polyloop.spec.loader import LoadedSpec


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A version beside the champion; `champion` is None where the version is the champion, or there is none."""

    candidate: EvaluationResult
    champion: EvaluationResult | None
    decision: GateDecision


def compare_version(
    loaded: LoadedSpec, store: Store, version: VersionRecord, progress: Callable[[str], None]
) -> Comparison:
    """Return the comparison; RegistryError if the version's dataset is gone."""
    task_spec = loaded.task(version.task)
    if version.path is None:
        raise RegistryError(f"{version.task} {version.version} is {version.state} and cannot be evaluated yet")
    dataset = dataset_of(loaded, store, version)
    candidate = evaluate_version(loaded, version, dataset, progress)
    champion = None
    champion_name = get_release(store, version.task).champion
    if champion_name not in (None, version.version):
        champion = evaluate_version(loaded, get_version(store, version.task, str(champion_name)), dataset, progress)
    decision = decide(candidate, champion, task_spec.gate, kind=task_spec.kind)
    return Comparison(candidate=candidate, champion=champion, decision=decision)
