"""Documents of a corpus that questions are asked about, and the passages that they are cut into.

Inputs: documents. Outputs: passages as spans of their documents, each short enough to read at once. Pure and linear in
length. A document that is short enough is one passage. A longer one is cut at its lines; lines that are too long are
cut at sentences, and sentences that are too long at white space. Neighbouring passages share their border lines or
sentences where these are short, so that what stands at a border is found with what surrounds it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from polyloop.retrieval.scripts import UNSPACED
from polyloop.retrieval.sentences import Span, sentence_spans
from polyloop.spec.fields import UNDETERMINED

LETTERS_PER_UNSPACED_CHARACTER = 3
"""Letters of an alphabet that one Chinese, Japanese or Thai character stands for, as a whole number: 2.9 for Chinese in
XQuAD's parallel paragraphs (polyloop.data.words)."""

_LINE = re.compile(r"[^\n\r\u2028\u2029]+")
_UNSPACED = re.compile(f"[{UNSPACED}]")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One text that answers may be taken from."""

    id: str
    """Name of the document, unique in its corpus."""
    text: str
    """Its text, as it is to be cited."""
    locale: str = UNDETERMINED
    """BCP-47 tag; `und` when it cannot be told."""
    source: str = ""
    """Where it comes from, for people: an address, a title."""


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A span of a document that is searched and read as one."""

    document: Document
    start: int
    """First character in the document."""
    end: int
    """One past the last character in the document."""

    @property
    def text(self) -> str:
        """The characters of the span."""
        return self.document.text[self.start : self.end]


@dataclass(frozen=True, kw_only=True)
class PassageSize:
    """How long passages are, in letters of an alphabet; a character of an unspaced script counts as three."""

    max_letters: int = 2_400
    """A document of at most this size is one passage, about 400 words."""
    overlap_letters: int = 300
    """Largest part that a passage repeats of the one before it."""

    def __post_init__(self) -> None:
        if not 0 <= self.overlap_letters < self.max_letters:
            raise ValueError(f"overlap_letters must be in [0, {self.max_letters}), not {self.overlap_letters}")


DEFAULT_SIZE = PassageSize()


def split_passages(document: Document, size: PassageSize = DEFAULT_SIZE) -> list[Passage]:
    """Return the passages of a document in its order; none for a text of white space alone."""
    spans = _spans(document.text, size)
    return [Passage(document=document, start=start, end=end) for start, end in spans]


def num_letters(text: str) -> int:
    """Return the length of a text in letters of an alphabet, spaces and marks included."""
    if text.isascii():
        return len(text)
    return len(text) + (LETTERS_PER_UNSPACED_CHARACTER - 1) * len(_UNSPACED.findall(text))


def _spans(text: str, size: PassageSize) -> list[Span]:
    if not text.strip():
        return []
    if num_letters(text) <= size.max_letters:
        return [_trimmed(text)]
    units = list(_units(text, size.max_letters))
    sizes = [num_letters(text[start:end]) for start, end in units]
    return [(units[first][0], units[last - 1][1]) for first, last in _windows(sizes, size)]


def _trimmed(text: str) -> Span:
    return len(text) - len(text.lstrip()), len(text.rstrip())


def _units(text: str, max_letters: int) -> Iterator[Span]:
    """Yield the lines of a text, cut into sentences or less where they are longer than a passage."""
    for match in _LINE.finditer(text):
        line = match.group()
        if not line.strip():
            continue
        if num_letters(line) <= max_letters:
            start, end = _trimmed(line)
            yield match.start() + start, match.start() + end
        else:
            yield from _shifted(_sentence_pieces(line, max_letters), match.start())


def _sentence_pieces(line: str, max_letters: int) -> Iterator[Span]:
    for start, end in sentence_spans(line):
        if num_letters(line[start:end]) <= max_letters:
            yield start, end
        else:
            yield from _shifted(_hard_pieces(line[start:end], max_letters), start)


def _hard_pieces(text: str, max_letters: int) -> Iterator[Span]:
    """Yield pieces of a text without sentences, cut at white space in their second half where there is any."""
    max_characters = max_letters
    if _UNSPACED.search(text):
        max_characters = max(1, max_letters // LETTERS_PER_UNSPACED_CHARACTER)
    start = 0
    while start < len(text):
        end = min(start + max_characters, len(text))
        if end < len(text):
            space = text.rfind(" ", start + max_characters // 2, end)
            end = space if space > start else end
        yield start, end
        start = end
        while start < len(text) and text[start].isspace():
            start += 1


def _shifted(spans: Iterable[Span], offset: int) -> Iterator[Span]:
    for start, end in spans:
        yield start + offset, end + offset


def _windows(sizes: Sequence[int], size: PassageSize) -> Iterator[Span]:
    """Yield ranges of units that fit into a passage, each beginning with as much of the one before as may repeat."""
    first = 0
    while True:
        last, total = first + 1, sizes[first]
        while last < len(sizes) and total + sizes[last] <= size.max_letters:
            total += sizes[last]
            last += 1
        yield first, last
        if last == len(sizes):
            return
        # The next unit must still fit behind what is repeated, or the passage would hold nothing new.
        room = min(size.overlap_letters, size.max_letters - sizes[last])
        following = last
        while following - 1 > first and sizes[following - 1] <= room:
            following -= 1
            room -= sizes[following]
        first = following
