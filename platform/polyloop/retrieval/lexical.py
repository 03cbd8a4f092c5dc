"""BM25 over the terms of passages, one index a kind of term, built and asked with bm25s.

Inputs: lists of terms. Outputs: arrays, and scores of all passages. The same terms give the same arrays.

Sources: Robertson and Zaragoza (2009), "The probabilistic relevance framework: BM25 and beyond"; the variant is
Lucene's with exact lengths, in the notation of Kamphuis et al. (2020), https://doi.org/10.1007/978-3-030-45442-5_4; the
scores are computed when the index is built, after Lù (2024), https://arxiv.org/abs/2407.03618. Limits: adding a passage
means building the index again, since every score depends on all passages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class BM25Settings:
    """The two constants of BM25."""

    k1: float
    """How much a term's repetitions count; 0 counts none."""
    b: float
    """How much long passages are held back, 0 to 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TermIndex:
    """What each term of a vocabulary adds to the score of each passage that has it, column by column."""

    vocabulary: dict[str, int]
    """Term -> its column."""
    values: Scores
    """Shape (num_entries,): the scores."""
    passages: NDArray[np.int32]
    """Shape (num_entries,): the passage of each score, ascending within a column."""
    starts: NDArray[np.int64]
    """Shape (num_terms + 1,): first entry of each column."""
    num_passages: int

    def scores(self, terms: Iterable[tuple[str, float]]) -> Scores:
        """Return the score of every passage, shape (num_passages,), for weighted terms; unknown ones add nothing."""
        totals = np.zeros(self.num_passages, dtype=np.float32)
        for term, weight in terms:
            column = self.vocabulary.get(term)
            if column is not None:
                entries = slice(self.starts[column], self.starts[column + 1])
                # No passage stands twice in a column, so that plain indexing adds up rightly.
                totals[self.passages[entries]] += np.float32(weight) * self.values[entries]
        return totals


def build_term_index(passages: Sequence[Sequence[str]], settings: BM25Settings) -> TermIndex:
    """Return the index of passages given as lists of terms, repetitions included."""
    vocabulary: dict[str, int] = {}
    ids = [[vocabulary.setdefault(term, len(vocabulary)) for term in terms] for terms in passages]
    if not vocabulary:
        return _empty_index(len(passages))
    # bm25s numbers terms in the order of a set if it is given strings, which is another one in each process.
    scorer: Any = bm25s.BM25(k1=settings.k1, b=settings.b, method="lucene", backend="numpy", csc_backend="numpy")
    scorer.index((ids, vocabulary), create_empty_token=False, show_progress=False)
    found = scorer.scores
    return TermIndex(
        vocabulary=vocabulary,
        values=np.asarray(found["data"], dtype=np.float32),
        passages=np.asarray(found["indices"], dtype=np.int32),
        starts=np.asarray(found["indptr"], dtype=np.int64),
        num_passages=len(passages),
    )


def _empty_index(num_passages: int) -> TermIndex:
    return TermIndex(
        vocabulary={},
        values=np.zeros(0, dtype=np.float32),
        passages=np.zeros(0, dtype=np.int32),
        starts=np.zeros(1, dtype=np.int64),
        num_passages=num_passages,
    )
