"""From a classifier's logits to its answer: honest probabilities, and the label that says "none of these".

Inputs: logits, and what was fitted on the dev split: a temperature and, where the task asks for it, the probability
below which an input is out of scope. Output: a label with the probability of each. Pure. The fitted numbers are kept in
the model's configuration, so that they are a part of the version.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyloop.errors import ArtefactError
from polyloop.models.calibration import fit_temperature, probabilities
from polyloop.spec.models import TaskSpec
from polyloop.tasks.labels import label_set_text, read_label_set

CONFIG_KEY = "polyloop_decision"
"""Attribute of the model's configuration."""

MEMBER_PROBABILITY = 0.5
"""A label that is more probable than this is a part of the answer, where there may be several."""

LEAST_PROBABILITY = 1e-12

MIN_ROWS = 30
"""Dev rows from which on a temperature is fitted. With fewer the model is often right about all of them; the best
temperature is then the least there is, which makes it sure of every answer (25 % of drawn splits of 10 rows)."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """What turns logits into an answer."""

    temperature: float = 1.0
    """Logits are divided by it (Guo et al. 2017)."""
    out_of_scope: int | None = None
    """Index of the label for inputs that are none of the task's business."""
    threshold: float = 0.0
    """Inputs whose best other label is less probable than this get that label."""
    has_label_sets: bool = False
    """True where each label that is more probable than not is a part of the answer."""

    def answer(self, logits: Sequence[float], names: Sequence[str]) -> tuple[str, list[float]]:
        """Return the answer's text, and the probability of each label."""
        if self.has_label_sets:
            pairs = np.stack([np.zeros(len(logits)), np.array(logits)], axis=-1)
            chances = probabilities(pairs, self.temperature)[:, 1]
            members = [name for name, chance in zip(names, chances, strict=True) if chance > MEMBER_PROBABILITY]
            return label_set_text(members), [float(chance) for chance in chances]
        scores = probabilities(np.array([logits]), self.temperature)
        return names[int(self.labels_of(scores)[0])], [float(score) for score in scores[0]]

    def nll_nats(self, scores: Mapping[str, float], target: str) -> float:
        """Return the negative log likelihood, in nats, of a wanted answer's text, given each label's probability.

        Several labels are independent of each other. A probability of 0 counts as `LEAST_PROBABILITY`.
        """
        if not self.has_label_sets:
            return -math.log(max(scores[target], LEAST_PROBABILITY))
        members = read_label_set(target)
        chances = [chance if name in members else 1.0 - chance for name, chance in scores.items()]
        return -sum(math.log(max(chance, LEAST_PROBABILITY)) for chance in chances)

    def labels_of(self, scores: Floats) -> Ints:
        """Return the index of each row's label; `scores` is (rows, labels)."""
        best: Ints = scores.argmax(-1)
        if self.out_of_scope is None:
            return best
        others = np.delete(scores, self.out_of_scope, axis=1).max(-1)
        return np.where(others < self.threshold, self.out_of_scope, best)

    def to_config(self) -> dict[str, Any]:
        """Return what the model's configuration holds."""
        return asdict(self)


def rule_of(config: Any) -> DecisionRule:
    """Return the rule in a model's configuration; the plain one for a model that has none."""
    return DecisionRule(**getattr(config, CONFIG_KEY, {}))


def rule_in(model_dir: Path) -> DecisionRule:
    """Return the rule of the model in a folder, without loading it; ArtefactError if config.json cannot be read."""
    try:
        config = json.loads((model_dir / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtefactError(
            f"{model_dir / 'config.json'} cannot be read: {error}; publish the version again"
        ) from error
    return DecisionRule(**config.get(CONFIG_KEY, {}))


def fit_rule(logits: Floats, labels: Ints, task: TaskSpec) -> DecisionRule:
    """Return the rule for a model with these logits on the dev split, whose right answers are `labels`.

    Logits are (rows, labels) with labels (rows,), or (rows, labels, 2) with labels (rows, labels) where a text may have
    several. Without rows there is nothing to fit, and the plain rule comes back, with the spec's own threshold if any;
    with fewer than `MIN_ROWS` logits stay as they are.
    """
    out_of_scope = task.out_of_scope
    if task.multi_label:
        fitted = fit_temperature(logits.reshape(-1, 2), labels.reshape(-1)) if len(labels) >= MIN_ROWS else 1.0
        return DecisionRule(temperature=fitted, has_label_sets=True)
    scope = None if out_of_scope is None else task.labels.index(out_of_scope.label)
    fixed = None if out_of_scope is None else out_of_scope.threshold
    if not len(labels):
        return DecisionRule(out_of_scope=scope, threshold=fixed or 0.0)
    temperature = fit_temperature(logits, labels) if len(labels) >= MIN_ROWS else 1.0
    if scope is None:
        return DecisionRule(temperature=temperature)
    threshold = fixed if fixed is not None else best_threshold(probabilities(logits, temperature), labels, scope)
    return DecisionRule(temperature=temperature, out_of_scope=scope, threshold=threshold)


def best_threshold(scores: Floats, labels: Ints, out_of_scope: int) -> float:
    """Return the threshold with the most right answers; of several the lowest, which turns the fewest inputs away."""
    if not len(labels):
        return 0.0
    others = np.delete(scores, out_of_scope, axis=1).max(-1)
    is_right = scores.argmax(-1) == labels
    is_outside = labels == out_of_scope
    order = np.argsort(others, kind="stable")
    values = others[order]
    # Moving the threshold above a row gains the row if it is out of scope, and loses it if it was right.
    gains = np.cumsum(is_outside[order].astype(np.int64) - is_right[order].astype(np.int64))
    # No threshold parts rows of one value, so the last of them tells what all of them gain.
    last = np.flatnonzero(np.append(values[1:] > values[:-1], True))
    best = int(last[gains[last].argmax()])
    if gains[best] <= 0:
        return 0.0
    above = values[best + 1] if best + 1 < len(values) else np.nextafter(values[best], 2.0)
    between = (values[best] + above) / 2
    # Two values may be so close that nothing lies between them; then the upper one parts them.
    return float(between if between > values[best] else above)
