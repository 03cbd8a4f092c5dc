"""What a batch inference did, in counts: plain data that adds up.

Output: a `Summary` as JSON, which stands beside the answers; a folder that has one is complete.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polyloop.errors import DataError

SUMMARY_FILE = "summary.json"


@dataclass(kw_only=True)
class Counts:
    """Of some rows."""

    num_rows: int = 0
    num_answered: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Code -> rows without an answer."""
    answer_s: float = 0.0
    """Seconds that workers took, added up."""

    def add(self, other: "Counts") -> None:
        """Add other rows."""
        self.num_rows += other.num_rows
        self.num_answered += other.num_answered
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.refused += other.refused
        self.answer_s += other.answer_s

    def to_dict(self) -> dict[str, Any]:
        """Return the counts for JSON."""
        return {**vars(self), "refused": dict(self.refused.most_common())}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Counts":
        """Return what `to_dict` gave."""
        return cls(**{**data, "refused": Counter(data["refused"])})


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A finished run."""

    task: str
    version: str
    engine: str
    """What answered, with the numbers that it computed in."""
    digest: str
    """Of all that decided the answers."""
    num_files: int
    counts: Counts

    def to_dict(self) -> dict[str, Any]:
        """Return the summary for JSON."""
        return {**vars(self), "counts": self.counts.to_dict()}

    @classmethod
    def read(cls, folder: Path) -> "Summary | None":
        """Return the summary of a folder, None where it has none; DataError if it is something else."""
        path = folder / SUMMARY_FILE
        try:
            data = json.loads(path.read_bytes())
            return cls(**{**data, "counts": Counts.from_dict(data["counts"])})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path}: this is not the summary of a batch inference ({error})") from None
