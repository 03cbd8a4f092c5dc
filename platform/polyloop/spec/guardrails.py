"""What the spec says of guardrails: what is looked for in inputs and outputs of a task, and what becomes of it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from polyloop.spec.cleaning import PiiKind
from polyloop.spec.fields import Fraction, Frozen, Locale, Name

Side = Literal["input", "output"]


class _Guard(Frozen):
    """What all guards have in common."""

    locales: tuple[Locale, ...] = ()
    """Locales of the texts that are looked at; all if empty."""


class LengthGuard(_Guard):
    """Texts with more characters than wanted."""

    guard: Literal["length"]
    """`length`."""
    max_characters: Annotated[int, Field(ge=1)]
    """Most characters of a text; the model's own limit is in tokens."""
    on: tuple[Side, ...] = ("input",)
    """Which texts are looked at."""
    action: Literal["refuse", "flag"] = "refuse"
    """`refuse` answers with 422, `flag` only tells."""


class BlocklistGuard(_Guard):
    """Words and phrases that are not wanted, whatever their case and width."""

    guard: Literal["blocklist"]
    """`blocklist`."""
    terms: tuple[str, ...] = ()
    """Words and phrases; whole words where words stand between spaces."""
    paths: tuple[str, ...] = ()
    """UTF-8 files with a term on each line; lines that begin with # do not count. Relative to the spec file."""
    on: Annotated[tuple[Side, ...], Field(min_length=1)] = ("input", "output")
    """Which texts are looked at."""
    action: Literal["refuse", "mask", "flag"] = "refuse"
    """`refuse` answers with 422, `mask` writes *** in their place, `flag` only tells."""

    @model_validator(mode="after")
    def _has_terms(self) -> "BlocklistGuard":
        if not self.terms and not self.paths:
            raise ValueError("a blocklist needs `terms` or `paths`")
        return self


class InjectionGuard(_Guard):
    """Inputs that try to give the model other instructions, by their usual phrases; for chat and answer."""

    guard: Literal["injection"]
    """`injection`."""
    action: Literal["refuse", "flag"] = "refuse"
    """`refuse` answers with 422, `flag` only tells."""

    @property
    def on(self) -> tuple[Side, ...]:
        """Which texts are looked at."""
        return ("input",)


class PersonalDataGuard(_Guard):
    """Personal data with a form to go by: addresses of mail, telephones, cards, numbers of documents."""

    guard: Literal["personal_data"]
    """`personal_data`."""
    kinds: tuple[PiiKind, ...] = ()
    """Which kinds are looked for; all that fit the locale if empty."""
    on: Annotated[tuple[Side, ...], Field(min_length=1)] = ("input", "output")
    """Which texts are looked at; what is masked in an input, the model does not see either."""
    action: Literal["refuse", "mask", "flag"] = "mask"
    """`refuse` answers with 422, `mask` writes typed placeholders such as <EMAIL>, `flag` only tells."""


class OffensiveGuard(_Guard):
    """Texts to which a classify task of the project gives a label, such as offensive."""

    guard: Literal["offensive"]
    """`offensive`."""
    task: Name
    """The classify task that judges; its champion does. Texts in locales that it does not serve are not judged."""
    label: str
    """The label that speaks against a text."""
    threshold: Fraction = 0.5
    """Probability of the label from which on it does."""
    on: Annotated[tuple[Side, ...], Field(min_length=1)] = ("input", "output")
    """Which texts are looked at; each costs a call."""
    action: Literal["refuse", "flag"] = "refuse"
    """`refuse` answers with 422, `flag` only tells."""
    unavailable: Literal["refuse", "pass"] = "refuse"
    """Where the judge cannot answer, `refuse` answers with 503 and `pass` goes on without it."""


GuardSpec = Annotated[
    LengthGuard | BlocklistGuard | InjectionGuard | PersonalDataGuard | OffensiveGuard, Field(discriminator="guard")
]
