"""The forms in which predictions and references are told: Python values, or the same as text.

Stored rows are texts, so everything that is no text has a text form, in JSON:

- a label set: `["billing", "refund"]`, or a tuple, list or set of texts; a text that is a label of the task, or that is
  no JSON array, is the set of that one label; an empty text is the empty set (no answer);
- a ranking: `["doc-7", "doc-2"]`, best first, or a tuple or list; an empty text is an empty ranking;
- what is relevant: one id as a plain text, `["doc-2", "doc-9"]` (all alike), or `{"doc-2": 3, "doc-9": 1}` (gains);
- accepted answers: one plain text, or `["one", "another"]`; an empty text means that there is no answer;
- a label with its confidence: `["refund", 0.93]`, or a pair; an empty text is a wrong answer without confidence;
- a likelihood: the summed negative log likelihood in nats as a number (`"123.4"` or 123.4) for a prediction; the text
  that it is about, or its number of characters (code points), for a reference.

Each reader raises EvaluationError for a value that is none of its forms.
"""

import math
from collections.abc import Mapping, Sequence

from polyloop.errors import EvaluationError
from polyloop.tasks.json_text import read_json


def as_text(value: object) -> str:
    """Return a text as it is."""
    if not isinstance(value, str):
        raise _malformed(value, "a text")
    return value


def as_label_set(value: object, labels: frozenset[str]) -> frozenset[str]:
    """Return a set of labels; which of them the task knows is the caller's business."""
    if isinstance(value, str):
        if value in labels:
            return frozenset((value,))
        found = _texts_in_json(value)
        if found is not None:
            return frozenset(found)
        return frozenset((value,) if value else ())
    return frozenset(_texts(value, "a set of labels"))


def as_ranking(value: object) -> tuple[str, ...]:
    """Return ids, best first; an id that stands twice is an error, as it would count twice."""
    ranking = _ids(value, "a ranking")
    if len(set(ranking)) != len(ranking):
        twice = next(one for one in ranking if ranking.count(one) > 1)
        raise EvaluationError(f"a ranking names {twice!r} more than once; rank each document once")
    return ranking


def as_gains(value: object) -> dict[str, float]:
    """Return id -> gain (above 0) of what is relevant; ids without a gain count 1. At least one is needed."""
    gains = _gains(value)
    wrong = {one: gain for one, gain in gains.items() if not (math.isfinite(gain) and gain >= 0)}
    if wrong:
        raise EvaluationError(f"gains are finite and at least 0, not {wrong}; correct the reference")
    relevant = {one: gain for one, gain in gains.items() if gain > 0}
    if not relevant:
        raise EvaluationError(f"the reference {value!r} names nothing relevant; leave such rows out of the holdout")
    return relevant


def as_answers(value: object) -> tuple[str, ...]:
    """Return the accepted answers, at least one; ("",) where there is no answer."""
    if isinstance(value, str):
        found = _texts_in_json(value)
        return ((value,) if found is None else found) or ("",)
    return _texts(value, "answers") or ("",)


def as_confident_label(value: object) -> tuple[str, float]:
    """Return a label and its confidence (0 to 1)."""
    if value == "":
        return "", 0.0
    pair = read_json(value, "[") if isinstance(value, str) else value
    match pair:
        case (str(label), float() | int() as confidence) if 0.0 <= confidence <= 1.0:
            return label, float(confidence)
    raise _malformed(value, 'a label with its confidence from 0 to 1, such as ["refund", 0.93]')


def as_nll_nats(value: object) -> float:
    """Return a summed negative log likelihood in nats, finite and at least 0."""
    try:
        nll_nats = float(value)  # type: ignore[arg-type]  # whatever cannot be a number raises
    except (TypeError, ValueError):
        raise _malformed(value, "a summed negative log likelihood in nats") from None
    if not (math.isfinite(nll_nats) and nll_nats >= 0.0):
        raise _malformed(value, "a summed negative log likelihood in nats, finite and at least 0")
    return nll_nats


def as_num_characters(value: object) -> int:
    """Return the number of code points of a text, or the number that was told; at least 1."""
    num_characters = len(value) if isinstance(value, str) else value
    if isinstance(num_characters, bool) or not isinstance(num_characters, int) or num_characters < 1:
        raise _malformed(value, "a text of at least one character, or its number of characters")
    return num_characters


def _gains(value: object) -> dict[str, float]:
    found = read_json(value, "{") if isinstance(value, str) else value
    if isinstance(found, Mapping):
        try:
            return {str(one): float(gain) for one, gain in found.items()}
        except (TypeError, ValueError):
            raise _malformed(value, 'gains, such as {"doc-2": 3}') from None
    if isinstance(value, str):
        listed = _texts_in_json(value)
        return dict.fromkeys((value,) if listed is None and value else listed or (), 1.0)
    return dict.fromkeys(_texts(value, "relevant ids"), 1.0)


def _ids(value: object, what: str) -> tuple[str, ...]:
    if value == "":
        return ()
    found = _texts_in_json(value) if isinstance(value, str) else _texts(value, what)
    if found is None:
        raise _malformed(value, f'{what}, such as ["doc-7", "doc-2"]')
    return found


def _texts(value: object, what: str) -> tuple[str, ...]:
    if isinstance(value, Sequence | set | frozenset) and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise _malformed(value, what)


def _texts_in_json(text: str) -> tuple[str, ...] | None:
    """Return the texts of a JSON array of texts, None for anything else."""
    found = read_json(text, "[")
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return tuple(found)
    return None


def _malformed(value: object, wanted: str) -> EvaluationError:
    return EvaluationError(f"{value!r:.200} is not {wanted}; see polyloop.evaluation.metrics.forms")
