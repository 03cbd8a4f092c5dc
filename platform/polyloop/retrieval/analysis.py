"""Cuts texts into the terms that BM25 counts, by script, with one set of rules for all locales.

Input: a text, a passage's or a question's. Output: its terms in three fields, each indexed by itself, and added up
with weights. Pure and linear in length. A text in several scripts is cut run by run.

| field | words between spaces | runs without spaces (Chinese, Japanese, Thai ...) |
| --- | --- | --- |
| words | stems | pairs of characters (the character, where it stands alone) |
| parts | runs of four letters within the word | single characters |
| pairs | two neighbouring stems | three characters in a row |

Parts find compounds, names with other endings and misspelled words without a dictionary, as McNamee and Mayfield
(2004), "Character n-gram tokenization for European language text retrieval", found for four letters; Korean words,
whose syllables say more, have parts of two. Pairs reward words that stand together, as the ordered features of Metzler
and Croft (2005), "A Markov random field model for term dependencies" do.
The weights and BM25's constants were chosen on the dev sets of docs/decisions/0014, not on those that are reported.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from polyloop.retrieval.lexical import BM25Settings
from polyloop.retrieval.normalisation import normalise_for_search
from polyloop.retrieval.scripts import HANGUL, UNSPACED
from polyloop.retrieval.stems import stem

ANALYSIS_VERSION = 1
"""To be raised with every change of terms, so that an index is never asked in terms that it does not have."""

PART_LETTERS = 4
HANGUL_PART_LETTERS = 2

Terms = dict[str, list[str]]
"""Name of a field -> its terms in the order of the text, repetitions included."""


@dataclass(frozen=True, kw_only=True)
class TermField:
    """One kind of term."""

    name: str
    weight: float
    """What its BM25 score counts beside the others'."""
    settings: BM25Settings


WORDS, PARTS, PAIRS = "words", "parts", "pairs"
_SETTINGS = BM25Settings(k1=1.2, b=0.75)
FIELDS = (
    TermField(name=WORDS, weight=1.0, settings=_SETTINGS),
    TermField(name=PARTS, weight=0.3, settings=_SETTINGS),
    TermField(name=PAIRS, weight=0.3, settings=_SETTINGS),
)

# Python's \w leaves out the vowel signs that words of many scripts are written with.
_MARKS = "".join(chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)).startswith("M"))
_RUN = re.compile(f"[{UNSPACED}]+|[^\\W_{UNSPACED}](?:[^\\W_{UNSPACED}]|[{_MARKS}])*")
_IS_UNSPACED = re.compile(f"[{UNSPACED}]")
_IS_HANGUL = re.compile(f"[{HANGUL}]")


def analyse(text: str) -> Terms:
    """Return the terms of a text by field; a text of marks and spaces has none."""
    terms: Terms = {WORDS: [], PARTS: [], PAIRS: []}
    previous: str | None = None
    for run in _RUN.findall(normalise_for_search(text)):
        if _IS_UNSPACED.match(run):
            _add_unspaced(terms, run)
            previous = None
            continue
        stemmed = stem(run)
        terms[WORDS].append(stemmed)
        terms[PARTS] += word_parts(run)
        if previous is not None:
            terms[PAIRS].append(f"{previous} {stemmed}")
        previous = stemmed
    return terms


def word_parts(word: str) -> Iterator[str]:
    """Yield the runs of four letters of a word, of two for a Korean one; a shorter word is its own part."""
    size = HANGUL_PART_LETTERS if _IS_HANGUL.match(word) else PART_LETTERS
    return _runs(word, size)


def _add_unspaced(terms: Terms, run: str) -> None:
    terms[WORDS] += _runs(run, 2)
    terms[PARTS] += run
    if len(run) > 2:
        terms[PAIRS] += _runs(run, 3)


def _runs(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(max(len(text) - size, 0) + 1))
