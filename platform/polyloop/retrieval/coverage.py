"""How much of what a question asks about a text mentions.

Inputs: a question, texts, and the indexes that say how rare terms are. Output: shares between 0 and 1. Pure.
A question's terms count by their rarity in the corpus (Lucene's inverse document frequency) and their field's weight.
Terms that the corpus does not have at all count as the rarest: a question about something unheard of is covered badly,
however many of its common words a text has. Pairs are left out, since an answer seldom keeps a question's word order.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from polyloop.retrieval.analysis import FIELDS, PAIRS, analyse
from polyloop.retrieval.lexical import TermIndex

COVERED_FIELDS = tuple(field for field in FIELDS if field.name != PAIRS)


@dataclass(frozen=True, kw_only=True)
class QuestionTerms:
    """What a question asks about."""

    weights: dict[tuple[str, str], float]
    """Field and term -> how much the term counts."""
    total: float
    """Sum of the weights; 0 for a question without terms."""

    def coverage(self, text: str) -> float:
        """Return the share, 0 to 1, of the question's weight that is on terms of a text."""
        if not self.total:
            return 0.0
        found = analyse(text)
        mentioned = {(field.name, term) for field in COVERED_FIELDS for term in found[field.name]}
        return sum(weight for key, weight in self.weights.items() if key in mentioned) / self.total


def weigh_question(question: str, indexes: Mapping[str, TermIndex]) -> QuestionTerms:
    """Return the terms of a question with their weights in a corpus."""
    found = analyse(question)
    weights = {
        (field.name, term): field.weight * _rarity(term, indexes[field.name])
        for field in COVERED_FIELDS
        for term in dict.fromkeys(found[field.name])
    }
    return QuestionTerms(weights=weights, total=sum(weights.values()))


def _rarity(term: str, index: TermIndex) -> float:
    column = index.vocabulary.get(term)
    having = 0 if column is None else int(index.starts[column + 1] - index.starts[column])
    return math.log(1 + (index.num_passages - having + 0.5) / (having + 0.5))
