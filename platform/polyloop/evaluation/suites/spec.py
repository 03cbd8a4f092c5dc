"""What a behavioural suite file says: tests of three types, after CheckList, with templates for each locale.

The types and their names are those of Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList" (https://aclanthology.org/2020.acl-main.442/): minimum functionality, invariance and direction.

A template is a text with slots such as `{name}`, filled from `lists` of the input's locale or from the `rows` of a
test, which tie several slots together. Limits: shapes only; what the parts mean together is checked in `rules`.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from polyloop.spec.fields import Frozen, Locale, Name, check_locale

MAX_EXAMPLES = 10_000
"""Most examples of one test in one place; more would slow a gate and tell nothing new."""
SLOT_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"


def check_place(value: str) -> str:
    """Return `value` if it is a locale, or two locales as in en>de."""
    parts = value.split(">")
    if len(parts) > 2:
        raise ValueError(f"{value!r} names more than two locales; write one such as en, or a pair such as en>de")
    for part in parts:
        check_locale(part)
    return value


def _check_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(
            f"{value!r} is not a regular expression: {error}; correct it, or put a \\ before signs"
        ) from None
    return value


Text = Annotated[str, Field(min_length=1, max_length=10_000)]
SlotName = Annotated[str, Field(pattern=SLOT_PATTERN)]
Place = Annotated[str, AfterValidator(check_place)]
"""Locale of the input, or input>output where the task has pairs: en, or en>de."""
Pattern = Annotated[Text, AfterValidator(_check_pattern)]
Rows = tuple[dict[SlotName, Text], ...]
Share = Annotated[float, Field(ge=-1.0, le=1.0)]
Examples = Annotated[int, Field(ge=1, le=MAX_EXAMPLES)]


class Pair(Frozen):
    """Two templates, filled alike: a text before and after an edit."""

    before: Text
    """The text that is asked first."""
    after: Text
    """The same text, edited."""


class FunctionalityCases(Frozen):
    """Templates of one place whose answer is known."""

    templates: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Inputs, with slots."""
    accept: tuple[Text, ...] = ()
    """Outputs that are right, with slots; one of them is enough."""
    match: tuple[Pattern, ...] = ()
    """Regular expressions, with slots, that a right output holds; one of them is enough. Fillings match as written."""
    rows: Rows = ()
    """Slots that belong together, such as a word and its translation."""


class InvarianceCases(Frozen):
    """Texts of one place and edits that must not change the answer: one of `vary`, `perturb` and `pairs`."""

    templates: tuple[Text, ...] = ()
    """Inputs, with slots; with `vary` or `perturb`."""
    vary: SlotName | None = None
    """Slot that is filled with another value from its list."""
    perturb: tuple[str, ...] = ()
    """Names of perturbations, such as typo and upper_case."""
    pairs: tuple[Pair, ...] = ()
    """The edits, written out."""
    rows: Rows = ()
    """Slots that belong together."""


class DirectionCases(Frozen):
    """Edits of one place that must move the score of a label."""

    pairs: Annotated[tuple[Pair, ...], Field(min_length=1)]
    """The edits."""
    label: Text
    """Label whose score is looked at."""
    change: Literal["rise", "fall"]
    """Where the score has to go."""
    at_least: Share = 0.0
    """By how much, in parts of 1; a negative number allows as much movement the wrong way."""
    rows: Rows = ()
    """Slots that belong together."""


class Functionality(Frozen):
    """A test of minimum functionality: simple inputs whose answer is known."""

    description: str = ""
    """What the test is about, for reports."""
    max_examples: Examples | None = None
    """Most examples in one place; the suite's number where absent."""
    places: Annotated[dict[Place, FunctionalityCases], Field(min_length=1)]
    """The cases by place."""


class Invariance(Frozen):
    """A test of invariance: an edit may not change the answer."""

    description: str = ""
    """What the test is about, for reports."""
    max_examples: Examples | None = None
    """Most examples in one place; the suite's number where absent."""
    min_chrf: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    """For texts: how alike the two outputs have to be, in points of chrF. Labels have to be equal."""
    places: Annotated[dict[Place, InvarianceCases], Field(min_length=1)]
    """The cases by place."""


class Direction(Frozen):
    """A test of direction: an edit has to raise or lower a score."""

    description: str = ""
    """What the test is about, for reports."""
    max_examples: Examples | None = None
    """Most examples in one place; the suite's number where absent."""
    places: Annotated[dict[Place, DirectionCases], Field(min_length=1)]
    """The cases by place."""


class Suite(Frozen):
    """A behavioural suite: the whole file."""

    suite: Name
    """Name of the suite."""
    kind: str
    """Task kind that it tries, such as classify or translate."""
    description: str = ""
    """What the suite is for."""
    seed: int = 17
    """Decides which examples are taken where there are more than `max_examples`."""
    max_examples: Examples = 40
    """Most examples of one test in one place."""
    lists: dict[Locale, dict[SlotName, Annotated[tuple[Text, ...], Field(min_length=1)]]] = Field(default_factory=dict)
    """Fillings of slots, by locale of the input."""
    minimum_functionality: dict[Name, Functionality] = Field(default_factory=dict)
    """Tests whose answer is known."""
    invariance: dict[Name, Invariance] = Field(default_factory=dict)
    """Tests whose answer may not change."""
    direction: dict[Name, Direction] = Field(default_factory=dict)
    """Tests whose score has to move."""


def all_tests(suite: Suite) -> list[tuple[str, str, Functionality | Invariance | Direction]]:
    """Return the key of its type, the name and the test, for each test in the order of the file's types."""
    types = ("minimum_functionality", "invariance", "direction")
    return [(one, name, test) for one in types for name, test in getattr(suite, one).items()]
