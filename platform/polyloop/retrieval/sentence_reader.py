"""Answers a question with the sentence that covers it best, without any model.

Inputs: an index and hits of its search. Output: an answer with citations, or none below a threshold. Deterministic.
A sentence is judged by how much of the question it and its passage mention. That score becomes a chance through a
calibration, and both calibration and threshold belong to a corpus: `tune_sentence_reader` chooses them on dev
questions. Limits: it finds where something is said, not what exactly was asked for; a reading model finds the words. A
question of nothing but common words is covered by nearly any sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from polyloop.retrieval.answers import Answer, cite
from polyloop.retrieval.calibration import Calibration, fit_calibration
from polyloop.retrieval.coverage import QuestionTerms, weigh_question
from polyloop.retrieval.documents import Passage
from polyloop.retrieval.index import DocumentIndex, Hit
from polyloop.retrieval.sentences import sentence_spans
from polyloop.retrieval.thresholds import Objective, ThresholdChoice, choose_threshold

PASSAGE_SHARE = 0.3
"""Part of a sentence's score that its passage gives: a sentence often says "it" for what its passage names."""


@dataclass(frozen=True, kw_only=True)
class SentenceSettings:
    """How sentences are chosen, and when one is sure enough."""

    calibration: Calibration
    """From a sentence's score to the chance that it is right to answer."""
    threshold: float
    """Least chance, 0 to 1, to answer with."""
    num_passages: int = 5
    """Hits that are read."""
    num_citations: int = 3
    """Sentences cited at most, the answer's first."""


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


DEFAULT_SETTINGS = SentenceSettings(calibration=Calibration(slope=9.5, intercept=-5.2), threshold=0.5)
"""For corpora in scripts with spaces and without dev questions, from Spanish and Russian ones (docs/decisions/0014).
Chinese questions are covered less by their answers, so that these leave most of them open: tune for such corpora."""


def score_sentences(
    index: DocumentIndex, question: str, hits: Sequence[Hit], num_passages: int
) -> list[ScoredSentence]:
    """Return the sentences of the best hits, best first; ties go to the better hit, then to the earlier sentence."""
    terms = weigh_question(question, index.terms)
    found = [sentence for hit in hits[:num_passages] for sentence in _of_passage(terms, hit.passage)]
    return sorted(found, key=lambda sentence: -sentence.score)


def read_sentences(
    index: DocumentIndex, question: str, hits: Sequence[Hit], settings: SentenceSettings = DEFAULT_SETTINGS
) -> Answer:
    """Return the best sentence as the answer, with citations; or no answer where its chance is under the threshold."""
    sentences = score_sentences(index, question, hits, settings.num_passages)[: settings.num_citations]
    if not sentences or sentences[0].score <= 0:
        return Answer(text=None, score=0.0, citations=())
    best = sentences[0]
    chance = settings.calibration.chance(best.score)
    if chance < settings.threshold:
        return Answer(text=None, score=chance, citations=())
    return Answer(
        text=best.passage.text[best.start : best.end],
        score=chance,
        citations=tuple(
            cite(sentence.passage, settings.calibration.chance(sentence.score), sentence.start, sentence.end)
            for sentence in sentences
        ),
    )


def tune_sentence_reader(
    scores: Sequence[float],
    right: Sequence[bool],
    *,
    objective: Objective = "accuracy",
    false_answer_cost: float = 1.0,
    num_passages: int = 5,
) -> tuple[SentenceSettings, ThresholdChoice]:
    """Return settings for a corpus from dev questions, and what the threshold gives on them.

    `scores` are those of the best sentence of each question (0 where none was found); `right` tells whether answering
    with it would be right. EvaluationError unless there are questions of both kinds.
    """
    calibration = fit_calibration(scores, right)
    chances = [calibration.chance(score) for score in scores]
    choice = choose_threshold(chances, right, objective=objective, false_answer_cost=false_answer_cost)
    settings = SentenceSettings(calibration=calibration, threshold=choice.threshold, num_passages=num_passages)
    return settings, choice


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
