"""Learns the pieces of a Unigram tokenizer: a vocabulary and probabilities under which texts are most likely.

Input: how often each word occurs. Output: pieces with their log probabilities. After Kudo 2018, "Subword
Regularization" (https://aclanthology.org/P18-1007/): begin with every frequent substring, fit the probabilities by
expectation maximisation over all segmentations, leave out the pieces that the likelihood misses least, and repeat.

It stands here because the trainer of the tokenizers library gives other files in each process (it adds up in the
order of randomly seeded hash tables), weighs substrings by words instead of by their counts, and never ends where the
characters alone are more than the vocabulary. This one adds up in one order in one thread. Characters that are not
worth a piece are left out too; the tokenizer writes them as bytes.

Limits: memory is about 200 bytes a character of the distinct words at its peak, so at most `MAX_WORD_CHARACTERS` of
them are used, the most frequent words first: 0.8 GB. One thread.
"""

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MAX_PIECE_CHARACTERS = 16
"""Longest piece; the default of SentencePiece (https://github.com/google/sentencepiece, `max_sentencepiece_length`)."""

MAX_SEGMENT_CHARACTERS = 24
"""Words are cut into segments of this length, so that the product of their probabilities stays within float64."""

MAX_WORD_CHARACTERS = 4_000_000
"""Characters of distinct words that are looked at."""

MIN_COUNT = 2
"""A substring that occurs less often is no piece."""

USUAL_MIN_COUNT = 6
"""The same where that leaves `USUAL_SEEDS` substrings for each wanted piece; else the next lower count that does. Rarer
substrings fit the texts at hand and no others: without them unseen dialogues in English, German and Chinese took 2 to
5 % fewer tokens."""

USUAL_SEEDS = 1.5

MAX_SEEDS = 500_000
"""Pieces to begin with; SentencePiece begins with a million."""

SHRINKING_FACTOR = 0.9
"""Share of the pieces that a round of pruning keeps. SentencePiece keeps 0.75; slower shrinking gave 0.4 to 1.5 % fewer
tokens on dialogues in English, German and Chinese, for half as much time again."""

FITS_PER_ROUND = 2
"""Steps of expectation maximisation before each pruning; `num_sub_iterations` of SentencePiece."""

MIN_EXPECTED_COUNT = 0.5
"""A piece that is expected less often than this has no use; the threshold of SentencePiece's M step."""

SCORE_DECIMALS = 6

_MIN_BYTES_PROBABILITY = 1e-12
"""Least probability of a character that is written as bytes: to the power of `MAX_SEGMENT_CHARACTERS`, a float64."""

_BLOCK_CELLS = 1_000_000
"""Cells (segments x positions x lengths) that are worked on at a time."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ids = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class _Segments:
    """Distinct parts of words end to end, the shortest first."""

    text: str
    starts: Ints
    lengths: Ints
    counts: Floats
    """How often each occurs."""


@dataclass(frozen=True, kw_only=True)
class _Seeds:
    """Substrings to choose pieces from: all characters first, then by length."""

    firsts: Ints
    """Where each first occurs in the text of the segments."""
    lengths: Ints
    counts: Floats
    num_characters: int
    ids: Ids
    """(characters of the text, longest piece): the seed that begins here with this length less one; the number of
    seeds where there is none."""


def learn_pieces(word_counts: Mapping[str, int], num_pieces: int) -> list[tuple[str, float]]:
    """Return at most `num_pieces` pieces with their natural-log probabilities, most probable first.

    `word_counts` holds non-empty words with counts of at least 1; its order does not matter. There are fewer pieces
    where the words have too few substrings that occur twice.
    """
    if num_pieces < 1 or not word_counts:
        return []
    segments = _segments(word_counts)
    model = _Model(segments, _find_seeds(segments, num_pieces), num_pieces)
    while True:
        for _ in range(FITS_PER_ROUND):
            model.fit()
        if model.num_active <= num_pieces:
            return model.pieces()
        model.prune(max(num_pieces, int(SHRINKING_FACTOR * model.num_active)))


class _Model:
    """The pieces that are left, and how probable each is."""

    def __init__(self, segments: _Segments, seeds: _Seeds, num_pieces: int) -> None:
        self._segments, self._seeds = segments, seeds
        characters = [segments.text[first] for first in seeds.firsts[: seeds.num_characters].tolist()]
        num_bytes = np.array([len(character.encode()) for character in characters])
        # Each byte of a character without a piece is taken to be as probable as the average token; one token more
        # stands for what the tokenizer makes unknown characters pay, so that it avoids them.
        self._as_bytes = np.maximum((1.0 / (num_pieces + 256)) ** (num_bytes + 1), _MIN_BYTES_PROBABILITY)
        self._active = np.ones(len(seeds.firsts), np.bool_)
        self._expected = seeds.counts
        self._probabilities = self._normalised()

    @property
    def num_active(self) -> int:
        """Number of pieces that are left."""
        return int(self._active.sum())

    def pieces(self) -> list[tuple[str, float]]:
        """Return the pieces that are left with their log probabilities, most probable first."""
        indices = np.flatnonzero(self._active)
        scores = np.round(np.log(self._probabilities[indices]), SCORE_DECIMALS).tolist()
        places = zip(self._seeds.firsts[indices].tolist(), self._seeds.lengths[indices].tolist(), strict=True)
        texts = [self._segments.text[first : first + length] for first, length in places]
        return sorted(zip(texts, scores, strict=True), key=lambda piece: (-piece[1], piece[0]))

    def fit(self) -> None:
        """Do one step of expectation maximisation; pieces without use are left out."""
        self._expected = _expected_counts(self._segments, self._seeds.ids, self._probabilities)
        self._active &= self._expected >= MIN_EXPECTED_COUNT
        self._probabilities = self._normalised()

    def prune(self, keep: int) -> None:
        """Leave the `keep` pieces whose removal would cost the most likelihood."""
        indices = np.flatnonzero(self._active)
        own, others = self._probabilities[indices], self._without(indices)
        losses = self._expected[indices] * np.log1p(own / others)
        self._active[indices[np.argsort(-losses, kind="stable")[keep:]]] = False
        self._probabilities = self._normalised()

    def _without(self, indices: Ints) -> Floats:
        """Return how probable the text of each piece would be if it were none."""
        probable = np.zeros(len(indices))
        firsts, lengths = self._seeds.firsts[indices], self._seeds.lengths[indices]
        for part, length, ids in _blocks(firsts, lengths, self._seeds.ids):
            chances = self._probabilities[ids]
            chances[:, 0, length - 1] = 0.0
            probable[part] = _forward(chances)[:, -1]
        is_character = indices < self._seeds.num_characters
        probable[is_character] = self._as_bytes[indices[is_character]]
        return np.maximum(probable, np.finfo(np.float64).tiny)

    def _normalised(self) -> Floats:
        """Return the probability of each seed, and 0 for "no seed" at the end.

        exp(digamma(count)) in place of the count favours few pieces: the variational M step of Liang and Klein 2007
        (https://cs.stanford.edu/~pliang/papers/tutorial-acl2007-talk.pdf), which SentencePiece uses too.
        """
        from scipy.special import digamma

        weights = np.zeros(len(self._active))
        weights[self._active] = np.exp(digamma(np.maximum(self._expected[self._active], MIN_EXPECTED_COUNT)))
        probabilities: Floats = np.append(weights / max(float(weights.sum()), MIN_EXPECTED_COUNT), 0.0)
        left_out = np.flatnonzero(~self._active[: self._seeds.num_characters])
        probabilities[left_out] = self._as_bytes[left_out]
        return probabilities


def _segments(word_counts: Mapping[str, int]) -> _Segments:
    """Return the segments of the most frequent words."""
    counts: Counter[str] = Counter()
    left = MAX_WORD_CHARACTERS
    for word, count in sorted(word_counts.items(), key=_by_count):
        left -= len(word)
        if left < 0:
            break
        for start in range(0, len(word), MAX_SEGMENT_CHARACTERS):
            counts[word[start : start + MAX_SEGMENT_CHARACTERS]] += count
    ordered = sorted(counts, key=lambda segment: (len(segment), segment))
    lengths = np.array([len(segment) for segment in ordered], np.int64)
    return _Segments(
        text="".join(ordered),
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        counts=np.array([counts[segment] for segment in ordered], np.float64),
    )


def _by_count(item: tuple[str, int]) -> tuple[int, int, str]:
    """Most frequent first; by a hash among equals, so that a cut among them favours no script."""
    word, count = item
    return -count, zlib.crc32(word.encode()), word


def _find_seeds(segments: _Segments, num_pieces: int) -> _Seeds:
    """Return all characters, and the frequent substrings with the largest count times length.

    A substring is frequent only if its start is, so each length looks only where the one before found something.
    """
    codes = np.frombuffer(segments.text.encode("utf-32-le"), np.uint32)
    characters = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    weights = np.repeat(segments.counts, segments.lengths)
    ends = np.repeat(segments.starts + segments.lengths, segments.lengths)
    longest = int(min(MAX_PIECE_CHARACTERS, segments.lengths[-1]))
    ids = np.full((len(codes), longest), -1, np.int32)
    positions, prefixes = np.arange(len(codes)), np.zeros(len(codes), np.int64)
    firsts: list[Ints] = []
    counts: list[Floats] = []
    num_seeds = 0
    for length in range(1, longest + 1):
        inside = positions + length <= ends[positions]
        positions, prefixes = positions[inside], prefixes[inside]
        keys = prefixes * (int(characters.max()) + 1) + characters[positions + length - 1]
        _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
        count = np.bincount(numbers, weights[positions], len(first))
        frequent = count >= (MIN_COUNT if length > 1 else 0)
        firsts.append(positions[first[frequent]])
        counts.append(count[frequent].astype(np.float64))
        found = frequent[numbers]
        positions, prefixes = positions[found], (np.cumsum(frequent) - 1)[numbers[found]]
        ids[positions, length - 1] = num_seeds + prefixes
        num_seeds += len(firsts[-1])
    lengths = np.repeat(np.arange(1, longest + 1), [len(found) for found in firsts])
    return _most_covering(np.concatenate(firsts), lengths, np.concatenate(counts), ids, num_pieces)


def _most_covering(firsts: Ints, lengths: Ints, counts: Floats, ids: Ids, num_pieces: int) -> _Seeds:
    num_characters = int((lengths == 1).sum())
    others = np.arange(num_characters, len(lengths))
    for least in range(USUAL_MIN_COUNT, MIN_COUNT, -1):
        if int((counts[others] >= least).sum()) >= USUAL_SEEDS * num_pieces:
            others = others[counts[others] >= least]
            break
    covering = others[np.argsort(-(counts * lengths)[others], kind="stable")[:MAX_SEEDS]]
    kept = np.concatenate([np.arange(num_characters), np.sort(covering)])
    renumbered = np.full(len(lengths) + 1, len(kept), np.int32)
    renumbered[kept] = np.arange(len(kept), dtype=np.int32)
    for column in range(ids.shape[1]):
        ids[:, column] = renumbered[ids[:, column]]
    return _Seeds(
        firsts=firsts[kept], lengths=lengths[kept], counts=counts[kept], num_characters=num_characters, ids=ids
    )


def _expected_counts(segments: _Segments, ids: Ids, probabilities: Floats) -> Floats:
    """Return how often each seed is expected over all segmentations of all segments."""
    expected = np.zeros(len(probabilities))
    for part, length, block in _blocks(segments.starts, segments.lengths, ids):
        chances = probabilities[block]
        before = _forward(chances)
        after = _backward(chances)
        chances *= (before[:, :-1] * (segments.counts[part] / before[:, -1])[:, None])[:, :, None]
        for position in range(length):
            width = min(block.shape[2], length - position)
            chances[:, position, :width] *= after[:, position + 1 : position + 1 + width]
        expected += np.bincount(block.ravel(), chances.ravel(), len(expected))
    return expected[:-1]


def _blocks(starts: Ints, lengths: Ints, ids: Ids) -> Iterator[tuple[slice, int, Ids]]:
    """Yield which spans, their one length, and their ids as (spans, positions, lengths of pieces)."""
    edges = np.flatnonzero(np.diff(lengths, prepend=-1, append=-1)).tolist()
    for first, last in pairwise(edges):
        length = int(lengths[first])
        longest = min(length, ids.shape[1])
        step = max(1, _BLOCK_CELLS // (length * longest))
        for begin in range(first, last, step):
            part = slice(begin, min(begin + step, last))
            yield part, length, ids[starts[part, None] + np.arange(length), :longest]


def _forward(chances: Floats) -> Floats:
    """Return the probability of each beginning of each span: (spans, length + 1)."""
    num_spans, length, longest = chances.shape
    before = np.zeros((num_spans, length + 1))
    before[:, 0] = 1.0
    for position in range(length):
        width = min(longest, length - position)
        before[:, position + 1 : position + 1 + width] += before[:, position, None] * chances[:, position, :width]
    return before


def _backward(chances: Floats) -> Floats:
    """Return the probability of each end of each span: (spans, length + 1)."""
    num_spans, length, longest = chances.shape
    after = np.zeros((num_spans, length + 1))
    after[:, length] = 1.0
    for position in range(length - 1, -1, -1):
        width = min(longest, length - position)
        ends = after[:, position + 1 : position + 1 + width]
        after[:, position] = (chances[:, position, :width] * ends).sum(axis=1)
    return after
