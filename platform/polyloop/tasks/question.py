"""How the input of an answer task is held as one text: a question, and what a corpus knows of where its answer stands.

A question alone is its own text. With a passage or the id of a document it is JSON, {"question": ..., "context": ...,
"document": ...}, keys without a value left out. Readers learn from the passage, retrieval is judged by the document,
and the question alone says which example it is: a user's question and a corpus's meet under one id.
"""

import json
from dataclasses import dataclass

from polyloop.tasks.json_text import read_json

_START = '{"question": '
_KEYS = ("question", "context", "document")


@dataclass(frozen=True, kw_only=True)
class Question:
    """One input of an answer task."""

    question: str
    context: str = ""
    """Passage that holds the answer, or where it was looked for; empty where it is not known."""
    document: str = ""
    """Id of the document that holds the answer; empty where it is not known."""


def write_question(question: Question) -> str:
    """Return the text that stands for a question."""
    if not question.context and not question.document:
        return question.question
    held = {key: getattr(question, key) for key in _KEYS if key == "question" or getattr(question, key)}
    return json.dumps(held, ensure_ascii=False)


def read_question(text: str) -> Question:
    """Return what an input says; a text of another form is a question alone."""
    held = read_json(text, _START)
    if not isinstance(held, dict) or not held.keys() <= set(_KEYS):
        return Question(question=text)
    if not all(isinstance(value, str) for value in held.values()):
        return Question(question=text)
    return Question(**held)


def question_of(text: str) -> str:
    """Return what identifies an input, of whatever kind of task: its question where it holds one, else all of it."""
    return read_question(text).question
