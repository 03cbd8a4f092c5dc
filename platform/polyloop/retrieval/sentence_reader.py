"""Finds the sentence that covers a question best, without any model.

Inputs: an index and hits of its search. Output: their sentences, best first. Deterministic. A sentence is judged by how
much of the question it and its passage mention. Limits: it finds where something is said, not what exactly was asked
for; a reading model finds the words. A question of nothing but common words is covered by nearly any sentence. What a
score is worth depends on the corpus: dev questions tell (`polyloop.retraining.answering`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from polyloop.retrieval.calibration import Calibration
from polyloop.retrieval.coverage import QuestionTerms, weigh_question
from polyloop.retrieval.documents import Passage
from polyloop.retrieval.index import DocumentIndex, Hit
from polyloop.retrieval.sentences import sentence_spans

PASSAGE_SHARE = 0.3
"""Part of a sentence's score that its passage gives: a sentence often says "it" for what its passage names."""


@dataclass(frozen=True, kw_only=True)
class ScoredSentence:
    """A sentence of a hit."""

    passage: Passage
    start: int
    """First character in the passage."""
    end: int
    """One past the last character in the passage."""
    score: float
    """Share of the question covered, 0 to 1."""


DEFAULT_CALIBRATION = Calibration(slope=9.5, intercept=-5.2)
"""For corpora in scripts with spaces and without dev questions, from Spanish and Russian ones (docs/decisions/0014).
Chinese questions are covered less by their answers, so that these leave most of them open: give dev questions there."""


def score_sentences(index: DocumentIndex, question: str, hits: Sequence[Hit]) -> list[ScoredSentence]:
    """Return the sentences of hits, best first; ties go to the better hit, then to the earlier sentence."""
    terms = weigh_question(question, index.terms)
    found = [sentence for hit in hits for sentence in _of_passage(terms, hit.passage)]
    return sorted(found, key=lambda sentence: -sentence.score)


def _of_passage(terms: QuestionTerms, passage: Passage) -> list[ScoredSentence]:
    text = passage.text
    whole = terms.coverage(text)
    return [
        ScoredSentence(
            passage=passage,
            start=start,
            end=end,
            score=PASSAGE_SHARE * whole + (1 - PASSAGE_SHARE) * terms.coverage(text[start:end]),
        )
        for start, end in sentence_spans(text)
    ]
