"""The readers of answer tasks behind one face: a question and the passages that were found give the best answer.

Inputs: a question and hits of an index. Output: a `Candidate` with a raw score, whatever it is worth; whether it is
good enough to be given is decided by a curve that was fitted for the reader. Deterministic, but for outputs that a spec
has drawn at random. Limits: one question a call.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from scipy.special import logit

from polyloop.models.answering import AnsweringSettings
from polyloop.models.contract import Contract
from polyloop.models.loaded import LoadedModel
from polyloop.models.texts import nlls_nats, write
from polyloop.retrieval.analysis import WORDS, analyse
from polyloop.retrieval.answers import Citation, cite
from polyloop.retrieval.documents import Passage
from polyloop.retrieval.index import DocumentIndex, Hit
from polyloop.retrieval.prompts import ReadingInput, format_reading_input, read_citations
from polyloop.retrieval.sentence_reader import score_sentences
from polyloop.retrieval.span_reader import ReadingSettings, SpanReader, load_span_reader
from polyloop.retrieval.spans import TextSpan
from polyloop.tasks.answer import READERS, GenerativeAnswer
from polyloop.tasks.base import plain_ids
from polyloop.tasks.spans import reading_window, with_pair_frame

LEAST_PROBABILITY = 1e-6
"""Probabilities are kept this far from 0 and 1, so that their log-odds are finite."""

LETTERS_PER_TOKEN = 6
"""Letters that a prompt is first tried with for each token that a model takes; few tokens are longer."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The best answer of a reader; an empty text where it found none."""

    text: str
    score: float
    """Higher is surer; what it means is the reader's own."""
    citations: tuple[Citation, ...]
    num_input_tokens: int
    num_output_tokens: int


class Reader(Protocol):
    """Reads passages for a question."""

    def read(self, question: str, hits: Sequence[Hit]) -> Candidate:
        """Return the best answer in the passages of hits, best first."""
        ...


def make_reader(
    path: Path, settings: AnsweringSettings, contract: Contract, index: DocumentIndex, device: torch.device
) -> Reader:
    """Return the reader of a version in a folder; ArtefactError or ModelError where its model cannot be loaded."""
    if settings.reader == "sentences":
        return SentenceReader(index, settings.num_citations)
    if settings.reader == "extractive":
        return _span_reader(path, settings, contract, device)
    kind = READERS[settings.reader]
    assert isinstance(kind, GenerativeAnswer)
    return WritingReader(LoadedModel(path, kind, contract, device), kind, settings.num_citations)


class SentenceReader:
    """Takes the sentence that covers the question best; its score is the share of the question covered, 0 to 1."""

    def __init__(self, index: DocumentIndex, num_citations: int) -> None:
        self._index, self._num_citations = index, num_citations

    def read(self, question: str, hits: Sequence[Hit]) -> Candidate:
        """Return the best sentence."""
        num_tokens = count_words(question)
        sentences = score_sentences(self._index, question, hits)[: self._num_citations]
        if not sentences or sentences[0].score <= 0:
            return _nothing(num_tokens)
        best = sentences[0]
        text = best.passage.text[best.start : best.end]
        return Candidate(
            text=text,
            score=best.score,
            citations=tuple(cite(one.passage, one.score, one.start, one.end) for one in sentences),
            num_input_tokens=num_tokens,
            num_output_tokens=count_words(text),
        )


class ExtractiveReader:
    """Takes the span that a reading model marks; its score is what the span has more than no answer, in logits."""

    def __init__(self, reader: SpanReader) -> None:
        self._reader = reader

    def read(self, question: str, hits: Sequence[Hit]) -> Candidate:
        """Return the best span."""
        passages = [hit.passage for hit in hits]
        decision = self._reader.decide(question, [passage.text for passage in passages])
        read = plain_ids(self._reader.tokenizer, [question, *(passage.text for passage in passages)])
        num_tokens = sum(map(len, read))
        if not decision.spans:
            return _nothing(num_tokens)
        cited = [
            _trimmed(passages[span.passage], span, chance)
            for span, chance in zip(decision.spans, decision.chances, strict=True)
        ]
        best = passages[decision.spans[0].passage]
        text = best.document.text[cited[0].start : cited[0].end]
        return Candidate(
            text=text,
            score=decision.margin,
            citations=tuple(cited),
            num_input_tokens=num_tokens,
            num_output_tokens=len(plain_ids(self._reader.tokenizer, [text])[0]),
        )


class WritingReader:
    """Writes the answer from all passages at once; its score is the log-odds of the mean probability of its tokens."""

    def __init__(self, loaded: LoadedModel, kind: GenerativeAnswer, num_citations: int) -> None:
        self._loaded, self._kind, self._num_citations = loaded, kind, num_citations

    def read(self, question: str, hits: Sequence[Hit]) -> Candidate:
        """Return what the model writes; it may write nothing, which says that there is no answer."""
        reading, ids = self._prompt(question, [hit.passage for hit in hits])
        if not reading.passages:
            return _nothing(len(ids))
        written = write(self._loaded, self._kind, [ids])[0]
        with self._loaded.tokenizing.lock:
            generated = self._kind.decode(self._loaded.tokenizer, [written])[0]
        text, citations = read_citations(generated, reading)
        if not text:
            return _nothing(len(ids))
        mean_nll_nats = nlls_nats(self._loaded, [ids], [written])[0] / len(written)
        probability = min(max(math.exp(-mean_nll_nats), LEAST_PROBABILITY), 1 - LEAST_PROBABILITY)
        return Candidate(
            text=text,
            score=float(logit(probability)),
            citations=(citations or passages_with(text, reading.passages))[: self._num_citations],
            num_input_tokens=len(ids),
            num_output_tokens=len(written),
        )

    def _prompt(self, question: str, passages: Sequence[Passage]) -> tuple[ReadingInput, list[int]]:
        """Return the question with as much of the passages as the model takes, and its ids."""
        limit = self._loaded.contract.max_input_tokens
        letters = limit * LETTERS_PER_TOKEN
        while True:
            reading = format_reading_input(question, passages, max_letters=letters)
            with self._loaded.tokenizing.lock:
                ids = self._kind.encode_prompts(self._loaded.tokenizer, [reading.text])[0]
            if len(ids) <= limit or not reading.passages:
                return reading, ids
            letters = min(letters - 1, letters * limit // len(ids))


def passages_with(text: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """Return citations of what a text was written from: of the passages that hold it, else of all, best first."""
    holding = [passage for passage in passages if text.casefold() in passage.text.casefold()]
    return tuple(cite(passage, 1 / rank) for rank, passage in enumerate(holding or passages, start=1))


def count_words(text: str) -> int:
    """Return the number of words of a text, of pairs of characters in scripts without spaces."""
    return len(analyse(text)[WORDS])


def _nothing(num_input_tokens: int) -> Candidate:
    """Return what a reader gives that found no answer."""
    return Candidate(text="", score=0.0, citations=(), num_input_tokens=num_input_tokens, num_output_tokens=0)


def _span_reader(path: Path, settings: AnsweringSettings, contract: Contract, device: torch.device) -> ExtractiveReader:
    reading = ReadingSettings(
        num_candidates=settings.num_citations,
        max_answer_tokens=contract.max_target_tokens,
        window=reading_window(contract.max_input_tokens),
    )
    reader = load_span_reader(path, reading)
    reader.model.to(device)
    with_pair_frame(reader.tokenizer)
    return ExtractiveReader(reader)


def _trimmed(passage: Passage, span: TextSpan, score: float) -> Citation:
    """Return a citation of a span without white space at its ends, which some tokenizers hold in their tokens."""
    text = passage.text[span.start : span.end]
    start = span.start + len(text) - len(text.lstrip())
    return cite(passage, score, start, max(start, span.start + len(text.rstrip())))
