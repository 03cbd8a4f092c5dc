"""The Gopher repetition rules: how much of a text says again what it has said already?

Source: Rae et al. 2021, arXiv:2112.11446, table A1 in appendix A.1.1. What counts as a duplicate is as in the public
implementation in datatrove (Penedo et al., https://github.com/huggingface/datatrove): each occurrence after the first,
without overlaps. Input and output: a draft, unchanged.

What was adapted, and why:
- Shares of n-grams are of the characters in words, without spaces, so that they mean the same in all scripts.
- In scripts without spaces an n-gram is as many characters as n words have (Chinese: four for two words), and shares
  may be `UNSPACED_FACTOR` as large, since one term is then easily an n-gram of its own.
- An n-gram that occurs once is no repetition, however short the text.
- Rules on lines and paragraphs do not apply to a text that has only one.
An n-gram that occurs twice begins with a shorter one that does too, so that each size looks only where the one before
it found something; for most texts one look at pairs of words is enough.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from polyloop.data.steps.document import DocumentStep, Parts
from polyloop.data.words import CHARACTERS_PER_WORD

TOP_SIZES = (2, 3, 4)
DUPLICATE_SIZES = (5, 6, 7, 8, 9, 10)

UNSPACED_FACTOR = 1.3
"""How much larger shares of n-grams may be in scripts without spaces. FineWeb2 (Penedo et al. 2025, arXiv:2506.20920)
measured thresholds for Chinese web text that are 1.07 to 1.32 times those of the paper."""


@dataclass(frozen=True, kw_only=True)
class GopherRepetitionStep(DocumentStep):
    """Thresholds of the Gopher repetition rules, as shares of lines, paragraphs or characters; defaults: table A1."""

    name: ClassVar[str] = "gopher_repetition"
    reasons: ClassVar[tuple[str, ...]] = (
        "gopher_duplicate_paragraphs",
        "gopher_duplicate_paragraph_characters",
        "gopher_duplicate_lines",
        "gopher_duplicate_line_characters",
        *(f"gopher_top_{size}_gram" for size in TOP_SIZES),
        *(f"gopher_duplicate_{size}_grams" for size in DUPLICATE_SIZES),
    )

    max_duplicate_lines: float = 0.30
    """Largest share of lines that repeat an earlier one."""
    max_duplicate_paragraphs: float = 0.30
    """Largest share of paragraphs that repeat an earlier one."""
    max_duplicate_line_characters: float = 0.20
    """Largest share of characters in repeated lines."""
    max_duplicate_paragraph_characters: float = 0.20
    """Largest share of characters in repeated paragraphs."""
    max_top_gram_characters: tuple[float, ...] = (0.20, 0.18, 0.16)
    """Largest share of characters in the most frequent n-gram, for 2, 3 and 4 words."""
    max_duplicate_gram_characters: tuple[float, ...] = (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)
    """Largest share of characters in repeated n-grams, for 5 to 10 words."""

    def judge(self, parts: Parts, locale: str) -> str | None:
        """Return the first rule that a text does not meet, or None."""
        return self._blocks(parts) or self._n_grams(parts)

    def _blocks(self, parts: Parts) -> str | None:
        if len(parts.lines) < 2:
            return None
        blocks, characters = _duplicates(parts.paragraphs)
        if blocks > self.max_duplicate_paragraphs:
            return "gopher_duplicate_paragraphs"
        if characters > self.max_duplicate_paragraph_characters:
            return "gopher_duplicate_paragraph_characters"
        blocks, characters = _duplicates(parts.lines)
        if blocks > self.max_duplicate_lines:
            return "gopher_duplicate_lines"
        return "gopher_duplicate_line_characters" if characters > self.max_duplicate_line_characters else None

    def _n_grams(self, parts: Parts) -> str | None:
        units_per_word = CHARACTERS_PER_WORD.get(parts.script or "", 1.0)
        total = parts.num_word_characters * (UNSPACED_FACTOR if parts.unspaced else 1.0)
        starts: Sequence[int] = range(len(parts.words))
        for rule in self._rules():
            repeated = _repeated(parts.words, round(rule.size * units_per_word), starts)
            if not repeated:
                return None
            if rule.measure(repeated) > rule.most * total:
                return rule.reason
            starts = [start for start, _ in repeated]
        return None

    def _rules(self) -> Iterator["_Rule"]:
        for size, most in zip(TOP_SIZES, self.max_top_gram_characters, strict=True):
            yield _Rule(size, most, _top_characters, f"gopher_top_{size}_gram")
        for size, most in zip(DUPLICATE_SIZES, self.max_duplicate_gram_characters, strict=True):
            yield _Rule(size, most, _duplicate_characters, f"gopher_duplicate_{size}_grams")


_Gram = tuple[int, tuple[str, ...]]
"""Where an n-gram starts, and its words."""


class _Rule(NamedTuple):
    """How much of a text may be in n-grams of a size."""

    size: int
    most: float
    measure: Callable[[Sequence[_Gram]], int]
    reason: str


def _duplicates(blocks: Sequence[str]) -> tuple[float, float]:
    """Return which share of blocks, and of their characters, repeats an earlier block."""
    unique = set(blocks)
    if len(unique) == len(blocks):
        return 0.0, 0.0
    characters = sum(map(len, blocks))
    return 1 - len(unique) / len(blocks), 1 - sum(map(len, unique)) / characters


def _repeated(words: Sequence[str], size: int, starts: Sequence[int]) -> list[_Gram]:
    """Return the n-grams that occur more than once, of those that begin at `starts`, in order."""
    if len(starts) == len(words):
        grams = list(enumerate(zip(*(words[start:] for start in range(size)), strict=False)))
    else:
        grams = [(start, tuple(words[start : start + size])) for start in starts if start + size <= len(words)]
    counts = Counter(gram for _, gram in grams)
    if len(counts) == len(grams):
        return []
    return [(start, gram) for start, gram in grams if counts[gram] > 1]


def _top_characters(repeated: Sequence[_Gram]) -> int:
    """Return how many characters the most frequent n-gram fills, the longest of those."""
    counts = Counter(gram for _, gram in repeated)
    most = max(counts.values())
    return most * max(sum(map(len, gram)) for gram, count in counts.items() if count == most)


def _duplicate_characters(repeated: Sequence[_Gram]) -> int:
    """Return how many characters lie in n-grams that occurred before, none counted twice."""
    seen: set[tuple[str, ...]] = set()
    characters = free_from = 0
    for start, gram in repeated:
        if start < free_from:
            continue
        if gram in seen:
            characters += sum(map(len, gram))
            free_from = start + len(gram)
        else:
            seen.add(gram)
    return characters
