"""What one API key may ask for; plain values.

Input: a mapping of the spec, or a key's own. Output: `KeyLimits`. Limits hold in each router replica by itself: with
several, a key may get as many times as much at most.
"""

from typing import Annotated

from pydantic import Field

from polyloop.spec.fields import Frozen


class KeyLimits(Frozen):
    """What a key may ask of one router; without a number there is no limit."""

    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Inputs a minute. A key that was idle may ask a minute's worth at once; each input of a batch counts."""
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Tokens a minute, read and written. They are known afterwards: who has used more than a minute's waits."""
    max_concurrent: Annotated[int, Field(ge=1)] | None = None
    """Requests in flight at once; a batch is one, and each stream is."""
