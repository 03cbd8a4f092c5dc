"""Documents made searchable: their passages, BM25 over the passages' terms, and vectors where an encoder is given.

Inputs: documents; questions. Outputs: passages with scores, best first, ties in the order of the documents. A passage
that shares no term with the question is never found, so that a question in another script finds nothing rather than
anything. Limits: an index is built once and does not change; it is held in memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from polyloop.errors import RetrievalError
from polyloop.retrieval.analysis import FIELDS, analyse
from polyloop.retrieval.dense import DenseEncoder, Vectors, cosine_scores
from polyloop.retrieval.documents import DEFAULT_SIZE, Document, Passage, PassageSize, split_passages
from polyloop.retrieval.fusion import fuse_ranks, top_places
from polyloop.retrieval.lexical import Scores, TermIndex, build_term_index

DEPTH = 100
"""Passages of each ranking that are fused; those further down would add less than 1/160."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A passage that was found."""

    passage: Passage
    score: float
    """BM25's, or the fused one where an encoder took part; only scores of one question compare."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DocumentIndex:
    """Passages of documents with what finds them."""

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    terms: dict[str, TermIndex]
    """Name of a field of terms -> its index."""
    vectors: Vectors | None
    """Shape (num_passages, width), of length 1 each; None without an encoder."""

    def lexical_scores(self, question: str) -> Scores:
        """Return the BM25 score of every passage, shape (num_passages,); 0 for those without any of its terms."""
        found = analyse(question)
        total = np.zeros(len(self.passages), dtype=np.float32)
        for field in FIELDS:
            total += np.float32(field.weight) * self.terms[field.name].scores((term, 1.0) for term in found[field.name])
        return total

    def search(
        self, question: str, limit: int, *, locale: str | None = None, encoder: DenseEncoder | None = None
    ) -> list[Hit]:
        """Return the best passages, at most `limit`; with an encoder, fused from BM25's ranking and its own.

        `locale` keeps documents of that locale only. RetrievalError for an encoder where the index has no vectors.
        """
        if encoder is not None and self.vectors is None:
            raise RetrievalError("the index was built without an encoder; build it with one, or search without")
        allowed = self._allowed(locale)
        lexical = np.where(allowed, self.lexical_scores(question), -np.inf)
        if encoder is None or self.vectors is None or not question.strip():
            return [self._hit(place, float(lexical[place])) for place in top_places(lexical, limit, least=0.0)]
        depth = max(limit, DEPTH)
        cosines = np.where(allowed, cosine_scores(self.vectors, encoder.encode_query(question)), -np.inf)
        rankings = [top_places(lexical, depth, least=0.0), top_places(cosines, depth)]
        return [self._hit(place, score) for place, score in fuse_ranks(rankings, limit)]

    def _allowed(self, locale: str | None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        if locale is None:
            return np.ones(len(self.passages), dtype=np.bool_)
        return np.array([passage.document.locale == locale for passage in self.passages], dtype=np.bool_)

    def _hit(self, place: int, score: float) -> Hit:
        return Hit(passage=self.passages[place], score=score)


def build_index(
    documents: Iterable[Document], *, size: PassageSize = DEFAULT_SIZE, encoder: DenseEncoder | None = None
) -> DocumentIndex:
    """Return the index of documents; RetrievalError for two of one id, or for documents that hold no text at all."""
    kept = tuple(documents)
    _check_ids(kept)
    passages = tuple(passage for document in kept for passage in split_passages(document, size))
    if not passages:
        raise RetrievalError(f"there is nothing to search: {len(kept)} documents, none with text; give some documents")
    texts = [passage.text for passage in passages]
    analysed = [analyse(text) for text in texts]
    terms = {
        field.name: build_term_index([found[field.name] for found in analysed], field.settings) for field in FIELDS
    }
    vectors = encoder.encode_passages(texts) if encoder is not None else None
    return DocumentIndex(documents=kept, passages=passages, terms=terms, vectors=vectors)


def best_documents(hits: Sequence[Hit]) -> list[Document]:
    """Return the documents of hits, each once, in the order of their best passage."""
    return list({hit.passage.document.id: hit.passage.document for hit in hits}.values())


def _check_ids(documents: Sequence[Document]) -> None:
    seen: set[str] = set()
    for document in documents:
        if document.id in seen:
            raise RetrievalError(f"two documents have the id {document.id!r}; give each its own")
        seen.add(document.id)
