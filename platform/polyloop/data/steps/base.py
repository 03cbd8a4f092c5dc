"""What every cleaning step is: a frozen object that looks at one row, and says which columns it reads and writes.

Input: a `Draft`, a row on its way through the steps. Output: the same draft, changed in the columns that the step says
it writes, and the reason if the row is to be dropped. Steps touch nothing else: no files, no clock, no other row.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple


class Side(NamedTuple):
    """One text of a row: the field of `Draft` that holds it, and the one that holds its locale."""

    text: str
    locale: str


INPUT = Side("input", "locale")
TARGET = Side("target", "target_locale")


@dataclass(slots=True, kw_only=True)
class Draft:
    """A row on its way through the steps, which change it in place."""

    input: str
    target: str
    locale: str
    target_locale: str
    has_label: bool
    """True where the target is a label; no step reads or writes a label as text."""
    lines: tuple[str, ...] = ()
    """The lines of the input from before they became one; empty unless paragraphs are to be compared."""
    notes: dict[str, int] = field(default_factory=dict)
    """What steps found and want counted over the dataset, such as `language:fr` or `pii:email`."""

    def sides(self) -> tuple[Side, ...]:
        """Return the texts of the row: its input, and its target unless that is a label."""
        return _INPUT_ONLY if self.has_label else _BOTH

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield text and locale of each side."""
        yield self.input, self.locale
        if not self.has_label:
            yield self.target, self.target_locale

    def note(self, what: str, count: int = 1) -> None:
        """Count something that was found."""
        self.notes[what] = self.notes.get(what, 0) + count


_INPUT_ONLY = (INPUT,)
_BOTH = (INPUT, TARGET)


class Step(ABC):
    """One thing that is done to, or asked of, each row."""

    name: ClassVar[str]
    """Name in manifests and reports."""
    reads: ClassVar[frozenset[str]]
    """Fields of `Draft` that decide what the step does."""
    writes: ClassVar[frozenset[str]] = frozenset()
    """Fields of `Draft` that the step may change; `notes` need not be named."""
    reasons: ClassVar[tuple[str, ...]] = ()
    """Why the step may drop a row."""

    @abstractmethod
    def apply(self, draft: Draft) -> str | None:
        """Do the step; return None to keep the row, or one of `reasons`."""
