"""Finds personal data in the texts of a row, and reports it, masks it or drops the row.

Input: a draft after all steps that change texts. Output: the same, with typed placeholders such as <EMAIL> where `mask`
is asked for; counts in its notes (`pii:email`). Limits: those of `polyloop.data.pii`; names and addresses need
`entities`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from polyloop.data.pii.base import Span, placeholder
from polyloop.data.pii.entities import find_entities, outside
from polyloop.data.pii.finders import find_personal
from polyloop.data.steps.base import Draft, Step
from polyloop.spec.cleaning import PiiKind

PERSONAL_DATA = "personal_data"


@dataclass(frozen=True, kw_only=True)
class MaskPii(Step):
    """Looks for personal data; the settings are those of `PiiSpec`, whose `off` means not to make this step."""

    name: ClassVar[str] = "pii"
    reads: ClassVar[frozenset[str]] = frozenset({"input", "target", "locale", "target_locale", "has_label"})
    writes: ClassVar[frozenset[str]] = frozenset({"input", "target"})
    reasons: ClassVar[tuple[str, ...]] = (PERSONAL_DATA,)

    action: Literal["report", "mask", "drop"]
    kinds: tuple[PiiKind, ...] = ()
    entities: str | None = None

    def apply(self, draft: Draft) -> str | None:
        """Count what is found in each text; mask it, or return `personal_data`, where the action says so."""
        found_any = False
        for side in draft.sides():
            text = getattr(draft, side.text)
            spans = self._find(text, getattr(draft, side.locale))
            for span in spans:
                draft.note(f"pii:{span.kind.lower()}")
            if spans and self.action == "mask":
                setattr(draft, side.text, mask(text, spans))
            found_any = found_any or bool(spans)
        return PERSONAL_DATA if found_any and self.action == "drop" else None

    def _find(self, text: str, locale: str) -> tuple[Span, ...]:
        personal = find_personal(text, locale, self.kinds)
        if self.entities is None:
            return personal
        entities = outside(find_entities(self.entities, text, locale), personal, text)
        return tuple(sorted((*personal, *entities)))


def mask(text: str, spans: Iterable[Span]) -> str:
    """Return a text with the placeholder of each span in its place; spans are in order and do not overlap."""
    parts: list[str] = []
    position = 0
    for span in spans:
        parts += (text[position : span.start], placeholder(span.kind))
        position = span.end
    return "".join((*parts, text[position:]))
