"""Checks on a correction by itself, before anyone's trust or vote is asked. Pure.

Input: a normalised correction, the item it belongs to, spec and what is known of its input. Output: the first reason
against it, or None. The order of the checks is the order of the reasons that people see.
"""

from collections.abc import Mapping, Set

from polyloop.feedback.decisions import CurationItem, Reason
from polyloop.feedback.scripts import lacks_script
from polyloop.spec.models import FeedbackSpec, TaskSpec
from polyloop.tasks.labels import is_answer
from polyloop.tasks.text import normalise_text

BOUND_TO_INPUT = frozenset({"translate", "summarize"})
"""Kinds whose right answers are much alike; prompts and conversations have many."""

LENGTH_SLACK = 8
"""Characters added to both lengths before they are compared, so that short answers may be wholly replaced."""


def check_form(item: CurationItem, target: str, spec: FeedbackSpec, task: TaskSpec) -> Reason | None:
    """Return what is wrong with the correction `target` (normalised) as an answer of the task; None if nothing."""
    output = None if item.output is None else normalise_text(item.output)
    if not target:
        return Reason.EMPTY_CORRECTION
    if task.labels and not is_answer(target, task.labels, has_label_sets=task.multi_label):
        return Reason.NOT_A_LABEL
    if item.rating == 1 and output is not None and target != output:
        return Reason.CONTRADICTORY_RATING
    if target == output:
        return Reason.UNCHANGED
    return _check_text(target, output, item.target_locale, spec) if task.kind in BOUND_TO_INPUT else None


def check_known(key: str, target: str, known: Mapping[str, str], holdout_ids: Set[str]) -> Reason | None:
    """Return whether the input with example id `key` is in the holdout or the train split, and what follows."""
    if key in holdout_ids:
        return Reason.IN_HOLDOUT
    right = known.get(key)
    if right is None:
        return None
    return Reason.ALREADY_KNOWN if normalise_text(right) == target else Reason.KNOWN_ANSWER


def _check_text(target: str, output: str | None, target_locale: str, spec: FeedbackSpec) -> Reason | None:
    if lacks_script(target, output, target_locale):
        return Reason.WRONG_SCRIPT
    if output:
        shorter, longer = sorted((len(target), len(output)))
        if longer + LENGTH_SLACK > spec.max_length_ratio * (shorter + LENGTH_SLACK):
            return Reason.LENGTH_RATIO
    return None
