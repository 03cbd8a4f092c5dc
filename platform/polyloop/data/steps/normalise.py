"""The step after which a text is what serving makes of a request: the same words are the same input everywhere."""

from dataclasses import dataclass
from typing import ClassVar

from polyloop.data.steps.base import Draft, Step
from polyloop.tasks.text import normalise_text


@dataclass(frozen=True, kw_only=True)
class NormaliseText(Step):
    """Bring texts into the form of `polyloop.tasks.text.normalise_text`: NFC, one line, nothing invisible."""

    keeps_lines: bool = False
    """True keeps the lines of the input, each in that form, beside it."""

    name: ClassVar[str] = "normalise"
    reads: ClassVar[frozenset[str]] = frozenset({"input", "target"})
    writes: ClassVar[frozenset[str]] = frozenset({"input", "target", "lines"})

    def apply(self, draft: Draft) -> str | None:
        """Normalise each text; never drops a row."""
        if self.keeps_lines:
            draft.lines = tuple(map(normalise_text, draft.input.splitlines()))
        draft.input = normalise_text(draft.input)
        if not draft.has_label:
            draft.target = normalise_text(draft.target)
        return None
