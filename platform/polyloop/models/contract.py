"""What every predictor takes and gives, and what it has to know besides the weights; plain data and one protocol."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from polyloop.errors import RequestError
from polyloop.retrieval.answers import Citation
from polyloop.tasks.base import Architecture


@dataclass(frozen=True, kw_only=True)
class PredictInput:
    """One text to answer; `target_locale` equals `locale` for classify."""

    text: str
    locale: str
    target_locale: str


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One answer; `scores` holds the probability of each label for classify and is None for other kinds."""

    output: str
    scores: dict[str, float] | None
    num_input_tokens: int
    num_output_tokens: int
    citations: tuple[Citation, ...] = ()
    """What backs an answer out of documents, best first."""
    confidence: float | None = None
    """Chance, 0 to 1, that an answer out of documents is right, also where it was held back; None for other kinds."""
    ranking: tuple[str, ...] | None = None
    """Ids of the documents that were found for a question, best first; None for other kinds."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What a predictor has to know besides the weights."""

    kind: str
    architecture: Architecture
    labels: tuple[str, ...]
    locales: tuple[str, ...]
    max_input_tokens: int
    max_target_tokens: int


class Family(Protocol):
    """A loaded model that answers inputs in the way of one family of kinds."""

    def count_tokens(self, item: PredictInput) -> int:
        """Return the number of tokens of an input; RequestError (422) if it is longer than the version takes."""
        ...

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return one prediction an input, in order; RequestError (422) if one is longer than the version takes."""
        ...

    def answerable_locales(self) -> list[str]:
        """Return the locales that an input to warm up with may be for."""
        ...


@runtime_checkable
class Scoring(Protocol):
    """A family that also tells how likely it finds given texts."""

    def nlls_nats(self, inputs: Sequence[PredictInput], targets: Sequence[str]) -> list[float]:
        """Return the negative log likelihood of each target given its input, in nats, the end token included."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A family that may give a text while it is written."""

    @property
    def can_stream(self) -> bool:
        """Return whether it does."""
        ...

    def stream(self, item: PredictInput) -> Generator[str | Prediction]:
        """Yield the pieces of one text as they are written, and then what `predict` gives, whose output they make up.

        Closing the generator stops the writing. Safe beside other calls. RequestError (422) as for `predict`.
        """
        ...


def check_length(num_tokens: int, limit: int) -> None:
    """RequestError (422) for an input that is longer than a version takes."""
    if num_tokens > limit:
        raise RequestError(
            f"the input has {num_tokens} tokens, but this task takes at most {limit}; send it in parts",
            status=422,
            code="input_too_long",
        )
