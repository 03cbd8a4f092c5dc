"""Bodies of the release API: what a task serves, its history, and the changes that can be asked for.

Each change says why, and by `expected_generation` what it was decided on, so that nobody overwrites another.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, RootModel, model_validator

from polyloop.serving.schemas import WireModel

Role = Literal["champion", "canary", "shadow", "preload", "previous"]


class LiveVersion(WireModel):
    """A version that replicas are to hold, and how many do."""

    version: str
    """Name of the version."""
    role: Role
    """What it is held for; `preload` is about to go live, `previous` waits for a rollback."""
    replicas: int
    """Live replicas of the task that have loaded it and answered with it."""


class ReleaseInfo(WireModel):
    """What a task serves now; versions are null where there is none."""

    task: str
    """Name of the task."""
    champion: str | None
    """Version that answers."""
    previous: str | None
    """Version that a rollback goes back to."""
    canary: str | None
    """Version that answers a part of the users."""
    canary_weight: float | None
    """That part, 0 to 1; null without a canary."""
    shadow: str | None
    """Version that answers unseen."""
    preload: str | None
    """Version that replicas are loading before it goes live."""
    generation: int
    """Number of changes so far; what `expected_generation` of a change has to be."""
    updated_at: str | None
    """When the release was last written, ISO 8601 in UTC."""


class ReleaseList(WireModel):
    """The release of every task."""

    releases: list[ReleaseInfo]
    """In the order of the spec."""


class ReleaseEventInfo(WireModel):
    """One change of a release."""

    generation: int
    """The release's generation after it."""
    action: str
    """promote, rollback, canary, end_canary, shadow or end_shadow."""
    from_version: str | None
    """Version that had the role before."""
    to_version: str | None
    """Version that has it since."""
    weight: float | None
    """Weight of the canary, for canary alone."""
    actor: str
    """Name of the API key that asked for it, `cli` for commands, `loop` for loop runs."""
    reason: str
    """Why."""
    created_at: str
    """When, ISO 8601 in UTC."""


class ReleaseDetail(ReleaseInfo):
    """What a task serves now, who holds it, and how it came to be so."""

    replicas: int
    """Live replicas of the task."""
    versions: list[LiveVersion]
    """What replicas are to hold, each version once."""
    history: list[ReleaseEventInfo]
    """The newest changes, at most 50, newest first."""


class _Change(WireModel):
    expected_generation: int = Field(ge=0)
    """`generation` of the release that this was decided on; another one is a 409."""
    reason: str = Field(min_length=1, max_length=500, pattern=r"\S")
    """Why, for the history."""


class Promotion(_Change):
    """Make a version the champion of all users; a canary ends."""

    action: Literal["promote"]
    """promote."""
    version: str = Field(min_length=1, max_length=80)
    """A published version."""


class Rollback(_Change):
    """Go back to the previous champion; canary and shadow end."""

    action: Literal["rollback"]
    """rollback."""


class CanaryChange(_Change):
    """Let a version answer a part of the users, change that part, or end it with `off`."""

    action: Literal["canary"]
    """canary."""
    version: str = Field(min_length=1, max_length=80)
    """A published version; with `off` the canary."""
    weight: float | None = Field(default=None, gt=0, lt=1)
    """Part of the users, above 0 and below 1."""
    off: bool = False
    """End it instead."""

    @model_validator(mode="after")
    def _weight_or_off(self) -> Self:
        if (self.weight is None) != self.off:
            raise ValueError("a canary needs exactly one of `weight`, such as 0.1 for a tenth of the users, and `off`")
        return self


class ShadowChange(_Change):
    """Let a version answer unseen, or end it with `off`."""

    action: Literal["shadow"]
    """shadow."""
    version: str = Field(min_length=1, max_length=80)
    """A published version; with `off` the shadow."""
    off: bool = False
    """End it instead."""


Change = Promotion | Rollback | CanaryChange | ShadowChange


class ReleaseChange(RootModel[Annotated[Change, Field(discriminator="action")]]):
    """A change of a release; `action` tells which."""
