"""The text that stands for an answer of a classify task: a label, or a set of labels where a text may have several.

A set is a JSON array of labels in alphabetical order, so that equal sets are equal texts; the empty set is "[]". Pure.
"""

import json
from collections.abc import Collection, Iterable

from polyloop.tasks.json_text import read_json


def label_set_text(labels: Iterable[str]) -> str:
    """Return the text that stands for a set of labels."""
    return json.dumps(sorted(set(labels)), ensure_ascii=False)


def read_label_set(text: str) -> tuple[str, ...]:
    """Return the labels of a set in alphabetical order; a text of another form is the set of that one label."""
    found = read_json(text, "[")
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return tuple(sorted(set(found)))
    return (text,)


def is_answer(text: str, labels: Collection[str], *, has_label_sets: bool) -> bool:
    """Return whether a text is an answer that a task with these labels may give."""
    if not has_label_sets:
        return text in labels
    members = read_label_set(text)
    return text == label_set_text(members) and all(one in labels for one in members)
