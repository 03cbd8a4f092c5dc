"""A bounded, seeded sample of a holdout, by place. Pure.

Input: a table with the Example columns. Output: `HoldoutRow`s in order of place and id; the same rows for the same
holdout and seed, so that versions can be compared row by row.
"""

import hashlib
import random
from dataclasses import dataclass

import pyarrow as pa

from polyloop.errors import EvaluationError
from polyloop.evaluation.evaluate import COLUMNS
from polyloop.models.predict import PredictInput

MAX_ROWS = 200
"""Rows of one place that suites look at: enough for intervals of about 7 points."""


@dataclass(frozen=True, kw_only=True)
class HoldoutRow:
    """One row of the holdout."""

    id: str
    locale: str
    target_locale: str
    text: str
    reference: str

    @property
    def place(self) -> str:
        """The locale, or input>output where they differ."""
        return self.locale if self.locale == self.target_locale else f"{self.locale}>{self.target_locale}"

    def asked(self, text: str | None = None) -> PredictInput:
        """Return the request for the row, with another text if one is given."""
        return PredictInput(
            text=self.text if text is None else text, locale=self.locale, target_locale=self.target_locale
        )


def sample(table: pa.Table, *, max_rows: int = MAX_ROWS, seed: int = 17) -> tuple[HoldoutRow, ...]:
    """Return at most `max_rows` rows of each place; EvaluationError for an empty table or a missing column."""
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing or not table.num_rows:
        what = f"has no column {missing[0]!r}" if missing else "is empty"
        raise EvaluationError(f"the holdout {what}; build the dataset again")
    places: dict[str, list[HoldoutRow]] = {}
    for values in table.select(list(COLUMNS)).to_pylist():
        row = HoldoutRow(
            id=values["id"],
            locale=values["locale"],
            target_locale=values["target_locale"],
            text=values["input"],
            reference=values["target"],
        )
        places.setdefault(row.place, []).append(row)
    chosen: list[HoldoutRow] = []
    for place, rows in sorted(places.items()):
        rows.sort(key=lambda row: row.id)
        picked = random.Random(f"{seed}/{place}").sample(rows, min(max_rows, len(rows)))
        chosen += sorted(picked, key=lambda row: row.id)
    return tuple(chosen)


def digest_of(*parts: object) -> str:
    """Return the SHA-256 (hex) of what a suite asks, told by its representation."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()
