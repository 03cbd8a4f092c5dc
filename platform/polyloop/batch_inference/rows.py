"""From a row of a file to what a version is asked, or why it cannot be asked. Pure.

Inputs: raw rows and a `Question`. Outputs: `AskedRow`s, and their form as bytes on the way to a worker. A row goes
through what a request over HTTP goes through: the same fields, checks, normalisation and choice of the locale.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from polyloop.batch_inference.question import INPUT, INPUT_COLUMNS, Question, request_fields
from polyloop.data.read.row import RawRow
from polyloop.errors import DataError, RequestError
from polyloop.models.contract import PredictInput
from polyloop.serving.bodies import explain
from polyloop.serving.settling import settle
from polyloop.tasks import kind_of

SHOWN_CHARACTERS = 200
"""How much of an unreadable row its refusal quotes."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a row has no answer: a stable code, and what to do about it."""

    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class AskedRow:
    """One row: where it stands, what of it is kept, and either what is asked or why nothing can be."""

    where: str
    """File and number of the row, such as `reviews.jsonl:12`."""
    kept: Mapping[str, Any]
    asked: PredictInput | None = None
    refusal: Refusal | None = None


def asked_row(row: RawRow, file_name: str, question: Question) -> AskedRow:
    """Return what a row asks."""
    where = f"{file_name}:{row.number}"
    if row.values is None:
        detail = f"the row cannot be read: {row.sample[:SHOWN_CHARACTERS]}"
        return AskedRow(where=where, kept={}, refusal=Refusal(code=row.reason, detail=detail))
    kept = {name: _kept(row.values.get(name)) for name in question.keep}
    try:
        settled = settle(
            question.task_name,
            question.task,
            question.project_locales,
            _request(_fields(row.values, question), question),
        )
    except RequestError as error:
        return AskedRow(where=where, kept=kept, refusal=Refusal(code=error.code, detail=error.message))
    asked = PredictInput(text=settled.text, locale=settled.locale, target_locale=settled.target_locale)
    return AskedRow(where=where, kept=kept, asked=asked)


def wanted_columns(header: Sequence[str], path: str, question: Question) -> tuple[str, ...]:
    """Return the columns to read of a file with these columns; DataError if it lacks one that was named.

    Files whose rows have columns of their own, of JSON Lines, have no header, and are read whole.
    """
    if not header:
        return ()
    named = dict.fromkeys([*question.columns.values(), *question.keep])
    for name in named:
        if name not in header:
            raise DataError(f"{path}: there is no column {name!r}; its columns: {', '.join(map(repr, header))}")
    found = _default_columns(header, question)
    if INPUT not in found and INPUT not in question.columns and INPUT not in question.values and _needs_input(question):
        raise DataError(
            f"{path}: none of its columns is called {' or '.join(map(repr, INPUT_COLUMNS))}; say which one holds the "
            f"input, such as `input={header[0]}`; its columns: {', '.join(map(repr, header))}"
        )
    return tuple(dict.fromkeys([*named, *found.values()]))


def pack(rows: Sequence[AskedRow]) -> bytes:
    """Return rows as bytes, for `unpack`; values that JSON does not know become texts."""
    packed = [
        [
            row.where,
            dict(row.kept),
            row.asked and [row.asked.text, row.asked.locale, row.asked.target_locale],
            row.refusal and [row.refusal.code, row.refusal.detail],
        ]
        for row in rows
    ]
    return json.dumps(packed, default=str).encode()


def unpack(packed: bytes) -> list[AskedRow]:
    """Return the rows that `pack` wrote."""
    return [
        AskedRow(
            where=where,
            kept=kept,
            asked=PredictInput(text=asked[0], locale=asked[1], target_locale=asked[2]) if asked else None,
            refusal=Refusal(code=refusal[0], detail=refusal[1]) if refusal else None,
        )
        for where, kept, asked, refusal in json.loads(packed)
    ]


def _fields(values: Mapping[str, object], question: Question) -> dict[str, object]:
    """Return the fields of a row's request; columns without a value leave theirs out."""
    columns = {**_default_columns(values, question), **question.columns}
    found = {name: values.get(column) for name, column in columns.items()}
    return {**{name: _whole(value) for name, value in found.items() if value is not None}, **question.values}


def _default_columns(present: Mapping[str, object] | Sequence[str], question: Question) -> dict[str, str]:
    """Return field -> column for the fields that nothing was said of."""
    said = question.columns.keys() | question.values.keys()
    found = {name: name for name in request_fields(question.task) if name not in said and name in present}
    column = next((name for name in INPUT_COLUMNS if name in present), None)
    if INPUT not in said and column is not None:
        found[INPUT] = column
    return found


def _whole(value: object) -> object:
    """Return a text without halves of characters, of bytes that were no UTF-8; normalising drops them everywhere."""
    return value.encode(errors="ignore").decode() if isinstance(value, str) else value


def _kept(value: object) -> object:
    """Return a value that stays beside the answer; JSON knows no numbers that are not finite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _needs_input(question: Question) -> bool:
    return kind_of(question.task).request_model.model_fields[INPUT].is_required()


def _request(fields: Mapping[str, object], question: Question) -> Any:
    """Return the request, checked as one over HTTP is."""
    try:
        text = json.dumps(fields, default=str)
        return kind_of(question.task).request_model.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise explain(error) from None
