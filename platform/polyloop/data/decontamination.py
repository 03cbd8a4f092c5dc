"""Which train texts share a long sequence of words with what models are judged on.

Input: texts; the set of all sequences of n words of the held-out rows, in a file that processes map into memory.
Output: for each text the first sequence that it shares. Pure but for that file.

Source: Brown et al., Language Models are Few-Shot Learners (2020), appendix C: sequences of 13 words, regardless of
case and punctuation. In scripts without spaces each character counts as a word. Texts shorter than n words have one
sequence, the whole text, if they have MIN_UNITS words: it is found in texts that are the same. Anything shorter would
match by chance, and equal rows of one task are found by exact deduplication.

Limits: sequences are compared by 64-bit hashes. With 100 million held out, one of 180 billion others is taken for one
of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from polyloop.data.near.batches import batches, lengths
from polyloop.data.near.characters import CODE_BITS, END, END_MARK, SEPARATOR, SIGN, UNSPACED_LETTER, fold
from polyloop.data.near.stretches import stretch_hashes
from polyloop.data.storage import write_array

MIN_UNITS = 8
"""Words of the shortest text that counts as a whole: the smallest n that Brown et al. use, since less matches by
chance."""

CHUNK_CHARACTERS = 1 << 17
"""Characters that are worked on at a time, so that the arrays of a step stay in a core's cache."""

MAX_FILTER_BITS = 26
"""The table that answers most questions to a set has up to 2**this bytes, 64 MiB."""


class Grams(NamedTuple):
    """The hashes of the n-grams of some texts, in the order of the text."""

    hashes: NDArray[np.uint64]
    """[grams]; those of text i are `hashes[offsets[i] : offsets[i + 1]]`, perhaps none."""
    offsets: NDArray[np.int64]
    """[texts + 1]"""


class _Units(NamedTuple):
    """The words of some texts."""

    hashes: NDArray[np.uint64]
    places: NDArray[np.int64]
    """Where each word begins, in the texts joined by one character."""
    offsets: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """All n-grams of the held-out rows."""

    ngram: int
    hashes: NDArray[np.uint64]
    """Sorted, each once; may be mapped from a file."""

    @classmethod
    def open(cls, path: Path, ngram: int) -> Self:
        """Map the set that `write` left in a file; `ngram` must be the same."""
        return cls(ngram, np.load(path, mmap_mode="r"))

    @staticmethod
    def write(path: Path, parts: Iterable[NDArray[np.uint64]]) -> None:
        """Write a set as a .npy file of distinct sorted uint64, from hashes in any order, with or without
        repetitions."""
        write_array(path, np.unique(np.concatenate([np.zeros(0, np.uint64), *map(np.unique, parts)])))

    def contains(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell of each hash whether it is in the set."""
        found: NDArray[np.bool_] = self._filter[hashes >> self._shift]
        likely = np.flatnonzero(found)
        places = np.searchsorted(self.hashes, hashes[likely])
        found[likely] = self.hashes[np.minimum(places, len(self.hashes) - 1)] == hashes[likely]
        return found

    @cached_property
    def _filter(self) -> NDArray[np.bool_]:
        """Tell for each value of the upper bits whether a hash of the set has it."""
        table = np.zeros(1 << self._bits, dtype=np.bool_)
        table[self.hashes >> self._shift] = True
        return table

    @property
    def _bits(self) -> int:
        return min(MAX_FILTER_BITS, max(len(self.hashes), 1).bit_length() + 3)

    @property
    def _shift(self) -> np.uint64:
        return np.uint64(64 - self._bits)


def ngram_hashes(texts: Sequence[str], ngram: int) -> Grams:
    """Return the hashes of all sequences of `ngram` words of texts, and of shorter texts as a whole."""
    parts = [_grams(_units(texts[chunk]), ngram)[0] for chunk in batches(lengths(texts) + 1, CHUNK_CHARACTERS)]
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.offsets) for part in parts)])
    return Grams(np.concatenate([np.zeros(0, np.uint64), *(part.hashes for part in parts)]), np.cumsum(sizes))


def shared_ngram(texts: Sequence[str], held_out: HeldOut) -> list[str | None]:
    """Return for each text the first n-gram that is also held out, as it is written there, or None."""
    shared: list[str | None] = []
    for chunk in batches(lengths(texts) + 1, CHUNK_CHARACTERS):
        shared.extend(_shared_in_chunk(texts[chunk], held_out))
    return shared


def _shared_in_chunk(texts: Sequence[str], held_out: HeldOut) -> list[str | None]:
    units = _units(texts)
    grams, first_units = _grams(units, held_out.ngram)
    hits = np.flatnonzero(held_out.contains(grams.hashes))
    rows, firsts = np.unique(np.searchsorted(grams.offsets, hits, side="right") - 1, return_index=True)
    shared: list[str | None] = [None] * len(texts)
    text_places = np.cumsum(lengths(texts) + 1) - lengths(texts) - 1
    for row, unit in zip(rows.tolist(), first_units[hits[firsts]].tolist(), strict=True):
        behind = unit + held_out.ngram
        begin = int(units.places[unit] - text_places[row])
        end = int(units.places[behind] - text_places[row]) if behind < units.offsets[row + 1] else None
        shared[row] = texts[row][begin:end].strip()
    return shared


def _units(texts: Sequence[str]) -> _Units:
    """Return the words of texts: a row of letters of scripts with spaces, or one character of another script."""
    codes, ends = fold(texts)
    kinds = codes >> np.uint32(CODE_BITS)
    alone = (kinds == UNSPACED_LETTER) | (kinds == SIGN)
    spaced = ~alone & (kinds != SEPARATOR) & (kinds != END)
    begins = alone | spaced
    begins[1:] &= ~(spaced[1:] & spaced[:-1])
    places = np.flatnonzero(begins)
    codes[codes == END_MARK] = SEPARATOR  # adds nothing to a sum, as all that is no part of a word
    hashes = stretch_hashes(codes, places, np.append(places[1:], len(codes)))
    return _Units(hashes, places, np.concatenate([np.zeros(1, np.int64), np.searchsorted(places, ends)]))


def _grams(units: _Units, ngram: int) -> tuple[Grams, NDArray[np.int64]]:
    """Return the n-grams of words, and with which word each begins."""
    counts = np.diff(units.offsets)
    sizes = np.where(counts >= ngram, ngram, np.where(counts >= MIN_UNITS, counts, counts + 1))
    num_grams = counts - sizes + 1
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(num_grams)])
    first = np.repeat(units.offsets[:-1] - offsets[:-1], num_grams) + np.arange(offsets[-1])
    hashes = stretch_hashes(units.hashes, first, first + np.repeat(sizes, num_grams))
    return Grams(hashes, offsets), first
