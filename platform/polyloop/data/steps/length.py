"""Drops rows whose texts are too short or too long, in characters.

Input and output: a draft, unchanged. Labels are not measured.
"""

from dataclasses import dataclass
from typing import ClassVar

from polyloop.data.steps.base import Draft, Step


@dataclass(frozen=True, kw_only=True)
class LengthStep(Step):
    """Bounds on the length of each text of a row, both included."""

    name: ClassVar[str] = "length"
    reads: ClassVar[frozenset[str]] = frozenset({"input", "target", "has_label"})
    reasons: ClassVar[tuple[str, ...]] = ("too_short", "too_long")

    min_characters: int = 1
    """Fewest characters of a text."""
    max_characters: int = 1_000_000
    """Most characters of a text."""

    def apply(self, draft: Draft) -> str | None:
        """Return too_short or too_long for the first text out of bounds, or None."""
        for text, _ in draft.texts():
            if len(text) < self.min_characters:
                return "too_short"
            if len(text) > self.max_characters:
                return "too_long"
        return None
