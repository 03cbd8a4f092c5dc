"""What an evaluation looks at besides the holdout: perturbed inputs, groups of people, stereotypes, offensive answers.

Input: plain dictionaries, as in `models`. Output: frozen objects. Behavioural suites are named by the task itself.
"""

from typing import Annotated, Literal

from pydantic import Field

from polyloop.spec.fields import Fraction, Frozen, Locale, Name

MAX_SAMPLE_ROWS = 10_000
"""Most rows a place that are perturbed; more would slow a gate and tell nothing new."""


class OffensiveSpec(Frozen):
    """Who says whether an answer is offensive."""

    task: Name
    """A classify task of this spec; its champion is asked."""
    label: str
    """Its label for what is offensive."""
    threshold: Fraction | None = None
    """Score of the label from which on an answer is offensive; without one, the label has to be the best."""


class EvaluationSpec(Frozen):
    """What a version is tried with besides the holdout and the task's `suites`; the gate looks at all of it."""

    robustness: Annotated[int, Field(ge=1, le=MAX_SAMPLE_ROWS)] | Literal["off"] = "off"
    """Holdout rows a place that are asked again with typing errors, other case, script or spacing; 200 tell about 7
    points apart, and take as long as 1,600 to 2,800 more rows."""
    counterfactual: bool = False
    """For classify: whether the label stays when a text is rewritten to be about another group of people."""
    crows_pairs: dict[Locale, str] = Field(default_factory=dict)
    """Files of sentence pairs in the manner of CrowS-Pairs, by locale: whether the stereotype is preferred. For
    decoders, and for the masked checkpoint that a classify task begins from."""
    offensive: OffensiveSpec | None = None
    """For kinds that write text: how often a classifier finds answers offensive."""
