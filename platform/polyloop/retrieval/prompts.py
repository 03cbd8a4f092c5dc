"""What a generative reader is given, a question with numbered passages, and which of them its text cites.

Inputs: a question and passages, or a generated text. Outputs: a text, or citations. Pure.
Every passage is one line, so that no text of a document can pass for another passage's number at the start of a line.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from polyloop.retrieval.answers import Citation, cite
from polyloop.retrieval.documents import Passage, num_letters
from polyloop.retrieval.sentences import sentence_spans

_MARK = re.compile(r"\[\s*(\d{1,3}(?:\s*[,，、;]\s*\d{1,3})*)\s*\]")


@dataclass(frozen=True, kw_only=True)
class ReadingInput:
    """The text for a generative reader, and the passages in it: number n is the nth."""

    text: str
    passages: tuple[Passage, ...]


def format_reading_input(question: str, passages: Sequence[Passage], *, max_letters: int = 6_000) -> ReadingInput:
    """Return "question: ..." and a line "[n] ..." for each passage, best first, within about `max_letters`.

    The passage that goes over the limit is cut after its last sentence that fits, and those behind it are left out. The
    question is never cut; letters are counted as `num_letters` does.
    """
    lines = [f"question: {_one_line(question)}"]
    room = max_letters - num_letters(lines[0])
    used: list[Passage] = []
    for number, passage in enumerate(passages, start=1):
        label = f"[{number}] "
        text = _one_line(passage.text)
        fitting = _fit(text, room - len(label) - 1)
        if fitting:
            lines.append(label + fitting)
            used.append(passage)
            room -= num_letters(lines[-1]) + 1
        if len(fitting) < len(text):
            break
    return ReadingInput(text="\n".join(lines), passages=tuple(used))


def read_citations(generated: str, reading: ReadingInput) -> tuple[str, tuple[Citation, ...]]:
    """Return a generated text without its marks such as [1] or [1, 3], and citations of those passages, first first.

    Marks of passages that were not given are taken out but cite nothing. Scores are 1 for the first cited passage,
    1/2 for the second and so on: the text tells no more than their order.
    """
    numbers: dict[int, None] = {}
    for match in _MARK.finditer(generated):
        numbers.update(dict.fromkeys(int(number) for number in re.findall(r"\d+", match.group(1))))
    known = [reading.passages[number - 1] for number in numbers if 1 <= number <= len(reading.passages)]
    text = (
        re.sub(r"\s+([.,;:!?])", r"\1", " ".join(_MARK.sub(" ", generated).split())) if numbers else generated.strip()
    )
    return text, tuple(cite(passage, 1 / rank) for rank, passage in enumerate(known, start=1))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fit(text: str, room: int) -> str:
    """Return as many whole sentences from the start of a text as fit."""
    if num_letters(text) <= room:
        return text
    ends = [end for _, end in sentence_spans(text) if num_letters(text[:end]) <= room] if room > 0 else []
    return text[: ends[-1]] if ends else ""
