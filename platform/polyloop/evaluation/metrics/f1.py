"""F1 over labels, macro and micro, and accuracy: for one label a row and for sets of labels alike.

Inputs: label sets (see `forms`; one label is the set of itself). A predicted label that the task does not have (from a
model of an older spec) is a wrong answer; a reference that it does not have is an error.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics.arrays import FloatArray, mean_points, mean_statistics, ratio
from polyloop.evaluation.metrics.definition import SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_label_set

LabelSet = frozenset[str]


def label_sets(predictions: Values, references: Values, labels: Sequence[str]) -> Iterator[tuple[LabelSet, LabelSet]]:
    """Yield the predicted and the wanted set of each row; EvaluationError for a wanted label that is not one."""
    known = frozenset(labels)
    wanted = _as_label_sets(references, known)
    unknown = sorted(LabelSet().union(*wanted) - known)
    if unknown:
        raise EvaluationError(f"the reference {unknown[0]!r} is not a label; the labels are {', '.join(labels)}")
    return zip(_as_label_sets(predictions, known), wanted, strict=True)


def _as_label_sets(values: Values, known: LabelSet) -> list[LabelSet]:
    """Return the set of each value; texts repeat, so each is read once."""
    read = {text: as_label_set(text, known) for text in {value for value in values if isinstance(value, str)}}
    return [read[value] if isinstance(value, str) else as_label_set(value, known) for value in values]


def accuracy_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return (right, 1) for each row; a set of labels is right if it is the wanted set and no other."""
    return mean_statistics(float(given == wanted) for given, wanted in label_sets(predictions, references, labels))


def macro_f1_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return for each label true positives, false positives and false negatives, side by side."""
    index = {label: position for position, label in enumerate(labels)}
    counts = np.zeros((len(references), len(labels), 3))
    for row, (given, wanted) in enumerate(label_sets(predictions, references, labels)):
        for column, found in enumerate((given & wanted, given - wanted, wanted - given)):
            for label in found:
                if label in index:
                    counts[row, index[label], column] = 1.0
    return counts.reshape(len(references), -1)


def macro_f1(sums: FloatArray) -> FloatArray:
    """Return the mean F1 over the labels that occur in the references of the sample.

    scikit-learn also averages over labels that are only predicted; then one stray prediction of a label which the
    slice does not hold would cost a whole label's share of the score, and the number of labels averaged would depend
    on the model. Here it depends on the references alone, so two models are always averaged over the same labels. In
    a resample that happens to miss a rare label, the label is left out; counting it as 0 would pull intervals of
    slices with rare labels down by the label's whole share (100 / labels points).
    """
    counts = sums.reshape(*sums.shape[:-1], -1, 3)
    hits, false_positives, false_negatives = counts[..., 0], counts[..., 1], counts[..., 2]
    f1 = ratio(2.0 * hits, 2.0 * hits + false_positives + false_negatives)
    present = hits + false_negatives > 0  # where it is False, F1 is 0 and adds nothing
    return 100.0 * ratio(f1.sum(axis=-1), present.sum(axis=-1).astype(np.float64))


def micro_f1_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return labels rightly given, wrongly given (those that the task does not have too) and missed, for each row."""
    rows = [
        (len(given & wanted), len(given - wanted), len(wanted - given))
        for given, wanted in label_sets(predictions, references, labels)
    ]
    return np.array(rows, dtype=np.float64)


def micro_f1(sums: FloatArray) -> FloatArray:
    """Return F1 of all decisions together; with one label given to each row it equals accuracy."""
    hits, false_positives, false_negatives = sums[..., 0], sums[..., 1], sums[..., 2]
    return 100.0 * ratio(2.0 * hits, 2.0 * hits + false_positives + false_negatives)


METRICS = (
    SummedMetric(name="macro_f1", compares="label_sets", statistics=macro_f1_statistics, score=macro_f1),
    SummedMetric(name="accuracy", compares="label_sets", statistics=accuracy_statistics, score=mean_points),
    SummedMetric(name="micro_f1", compares="label_sets", statistics=micro_f1_statistics, score=micro_f1),
)
