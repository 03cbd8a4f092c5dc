"""Answers out of documents: passages are found for a question, read, and an answer is given with citations, or none.

Inputs: `PredictInput`s whose texts are questions as `polyloop.tasks.question` writes them; only the question counts.
What a corpus knows of the answer's place is never looked at. Outputs: one `Prediction` each, in order; an empty output
says that the documents hold no answer that is sure enough.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from polyloop.models.answering import ENCODER_FOLDER, INDEX_FOLDER, AnsweringSettings, read_answering
from polyloop.models.contract import Contract, PredictInput, Prediction, check_length
from polyloop.models.readers import Candidate, count_words, make_reader
from polyloop.retrieval.dense import EncodingSettings, load_encoder
from polyloop.retrieval.index import Hit, best_documents
from polyloop.retrieval.index_files import load_index
from polyloop.spec.fields import UNDETERMINED
from polyloop.tasks.question import question_of

RANKED_PASSAGES = 20
"""Passages whose documents are told as the ranking; recall and reciprocal rank see no deeper."""


class Answers:
    """A loaded version of an answer task."""

    def __init__(
        self, path: Path, contract: Contract, device: torch.device, settings: AnsweringSettings | None = None
    ) -> None:
        """Load index, encoder and reader; `settings` stand for those of the folder, which a new one has not yet."""
        self._contract = contract
        self._settings = settings or read_answering(path)
        self._index = load_index(path / INDEX_FOLDER)
        self._encoder = None
        if (path / ENCODER_FOLDER).is_dir():
            encoding = EncodingSettings(query_prefix=self._settings.query_prefix)
            self._encoder = load_encoder(path / ENCODER_FOLDER, encoding)
            self._encoder.model.to(device)
        self._reader = make_reader(path, self._settings, contract, self._index, device)

    def count_tokens(self, item: PredictInput) -> int:
        """Return the number of words of a question, of pairs of characters in scripts without spaces."""
        num_tokens = count_words(question_of(item.text))
        check_length(num_tokens, self._contract.max_input_tokens)
        return num_tokens

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return an answer, or none, for each question."""
        return [self._answer(item) for item in inputs]

    def candidates(self, inputs: Sequence[PredictInput]) -> list[Candidate]:
        """Return the reader's best answer for each question, however unsure, for curves to be fitted on."""
        return [self._read(item)[0] for item in inputs]

    def answerable_locales(self) -> list[str]:
        """Return all locales."""
        return list(self._contract.locales)

    def _answer(self, item: PredictInput) -> Prediction:
        candidate, hits = self._read(item)
        curve = self._settings.curve_of(item.locale)
        confidence = curve.chance(candidate.score) if candidate.text else 0.0
        is_given = bool(candidate.text) and confidence >= curve.threshold
        return Prediction(
            output=candidate.text if is_given else "",
            scores=None,
            num_input_tokens=candidate.num_input_tokens,
            num_output_tokens=candidate.num_output_tokens if is_given else 0,
            citations=candidate.citations if is_given else (),
            confidence=confidence,
            ranking=tuple(document.id for document in best_documents(hits)),
        )

    def _read(self, item: PredictInput) -> tuple[Candidate, list[Hit]]:
        self.count_tokens(item)
        question, settings = question_of(item.text), self._settings
        hits = self._index.search(
            question,
            max(RANKED_PASSAGES, settings.num_passages),
            locale=item.locale if settings.same_locale and item.locale != UNDETERMINED else None,
            encoder=self._encoder,
        )
        return self._reader.read(question, hits[: settings.num_passages]), hits
