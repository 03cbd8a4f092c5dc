"""Where an answer, or what it was made from, stands.

Plain data, made by the readers. Offsets count characters of the cited document, so that a person can check them.
"""

from dataclasses import dataclass

from polyloop.retrieval.documents import Passage


@dataclass(frozen=True, kw_only=True)
class Citation:
    """Where an answer, or what it was made from, stands."""

    document_id: str
    source: str
    """Where the document comes from, for people; may be empty."""
    locale: str
    passage_start: int
    """First character of the passage in the document."""
    passage_end: int
    """One past the last character of the passage."""
    start: int
    """First cited character in the document; the passage's where the whole of it is meant."""
    end: int
    """One past the last cited character."""
    score: float
    """How sure the reader is of this place; higher is better."""


def cite(passage: Passage, score: float, start: int | None = None, end: int | None = None) -> Citation:
    """Return a citation of the characters `start` to `end` of a passage, counted within it; of all without them."""
    return Citation(
        document_id=passage.document.id,
        source=passage.document.source,
        locale=passage.document.locale,
        passage_start=passage.start,
        passage_end=passage.end,
        start=passage.start + (0 if start is None else start),
        end=passage.end if end is None else passage.start + end,
        score=score,
    )
