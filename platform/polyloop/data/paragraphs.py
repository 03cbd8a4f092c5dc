"""Paragraphs that stand in more than one document, such as notices, menus and signatures.

Input: texts and the lines that they were made of; the paragraph hashes of all rows. Output: where paragraphs are, which
of them repeat an earlier row's, and texts without them. Pure.

Source: Wenzek et al., CCNet (2020), on deduplication: paragraphs are compared by 64 bits of a hash, regardless of case,
digits and punctuation. A paragraph is a line of at least `MIN_CHARACTERS`; shorter ones stay, since dialogues and lists
repeat them rightly.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from polyloop.data.near.batches import batches, lengths
from polyloop.data.near.characters import CODE_BITS, DENSE, END_MARK, LETTER, SEPARATOR, fold
from polyloop.data.near.stretches import stretch_hashes

MIN_CHARACTERS = 60
"""Letters and digits of the shortest line that is a paragraph: about a line of text."""

DENSE_CHARACTERS_WEIGHT = 3
"""Letters that a character of Han, kana or Hangul stands for."""

CHUNK_CHARACTERS = 1 << 17
"""Characters that are worked on at a time, so that the arrays of a step stay in a core's cache."""

_ZERO, _NINE = ((LETTER << CODE_BITS) | ord(digit) for digit in "09")

Span = tuple[int, int]
"""First character of a paragraph in its text, and one past its last."""


def find_lines(text: str, lines: Iterable[str]) -> bytes:
    """Return where the lines of a text that may be paragraphs stand in it, for `unpack_spans`.

    They are looked for in their order, each behind the one before. A line that the text does not hold as it is, since a
    later step changed it, is passed over.
    """
    found: list[Span] = []
    cursor = 0
    for line in lines:
        begin = text.find(line, cursor) if len(line) * DENSE_CHARACTERS_WEIGHT >= MIN_CHARACTERS else -1
        if begin >= 0:
            cursor = begin + len(line)
            found.append((begin, cursor))
    return np.array(found, "<i4").tobytes()


def unpack_spans(packed: bytes) -> list[Span]:
    """Return what `find_lines` found."""
    return [(begin, end) for begin, end in np.frombuffer(packed, "<i4").reshape(-1, 2).tolist()]


def paragraph_hashes(lines: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return the hash of each line, and whether it is long enough to be a paragraph; shapes [lines]."""
    parts = [_chunk_hashes(lines[chunk]) for chunk in batches(lengths(lines) + 1, CHUNK_CHARACTERS)]
    hashes = np.concatenate([np.zeros(0, np.uint64), *(part for part, _ in parts)])
    sizes = np.concatenate([np.zeros(0, np.int64), *(size for _, size in parts)])
    return hashes, sizes >= MIN_CHARACTERS


def repeated(hashes: NDArray[np.uint64], order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell of each paragraph whether a row that comes earlier has it too; shapes [paragraphs].

    `order` says which row a paragraph is of: rows that come first have smaller numbers. All paragraphs of one hash must
    be given together. A paragraph that only its own row repeats is not meant.
    """
    sequence = np.lexsort((order, hashes))
    sorted_hashes, sorted_order = hashes[sequence], order[sequence]
    begins = np.ones(len(hashes), dtype=np.bool_)
    begins[1:] = sorted_hashes[1:] != sorted_hashes[:-1]
    first_of = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    later = np.zeros(len(hashes), dtype=np.bool_)
    later[sequence] = sorted_order > sorted_order[first_of]
    return later


def without_spans(text: str, spans: Iterable[Span]) -> str:
    """Return a text of one line without these spans, which are in order; what is left is joined by single spaces."""
    left: list[str] = []
    cursor = 0
    for begin, end in spans:
        left.append(text[cursor:begin])
        cursor = end
    left.append(text[cursor:])
    return " ".join(stripped for part in left if (stripped := part.strip()))


def _chunk_hashes(lines: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return hash and weighted length of lines, of their letters and digits alone."""
    codes = fold(lines).codes
    codes = codes[codes != SEPARATOR]
    codes[(codes >= _ZERO) & (codes <= _NINE)] = _ZERO
    end = codes == END_MARK
    ends = np.flatnonzero(end)
    begins = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    dense = np.concatenate([np.zeros(1, np.int64), np.cumsum((codes >= DENSE) & ~end)])
    sizes = ends - begins + (DENSE_CHARACTERS_WEIGHT - 1) * (dense[ends] - dense[begins])
    return stretch_hashes(codes, begins, ends), sizes
