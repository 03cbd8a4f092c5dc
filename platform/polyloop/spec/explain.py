"""Validation errors of the spec and of files like it, put into words: file, line, key, value, what to write instead.

Input: pydantic's errors and the parsed `Source`. Output: one line of text for each error, in the order of the file.
"""

import json
import re
import types
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from polyloop.spec.models import Spec
from polyloop.spec.yaml_source import KeyPath, Source

MAX_SHOWN_ERRORS = 10
MAX_VALUE_CHARACTERS = 60

_EXPECTED = {
    "string_type": "a text; put quotes around it",
    "model_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "tuple_type": "a list, such as [a, b]",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}


def explain(error: ValidationError, source: Source, path: Path, *, top: type[BaseModel] = Spec) -> str:
    """Return the errors of a file as lines `file:line: key: what is wrong; what to write`, at most ten of them.

    `top` is the model of the whole file: the spec, or that of another file of the same manner.
    """
    found: dict[tuple[int, KeyPath, str], str] = {}
    for details in _without_other_branches(error.errors(include_url=False), source.data):
        at = _place(details, source.data)
        line = _line_of(at, source)
        found.setdefault((line, at, details["type"]), f"{path}:{line}: {_describe(details, at, top)}")
    texts = [text for _, text in sorted(found.items(), key=lambda item: item[0][0])]
    if len(texts) > MAX_SHOWN_ERRORS:
        texts = [*texts[:MAX_SHOWN_ERRORS], f"{path}: and {len(texts) - MAX_SHOWN_ERRORS} more errors"]
    return "\n".join(texts)


def dotted(at: KeyPath) -> str:
    """Return a key path as people write it: tasks.mood.labels[0]."""
    text = ""
    for part in at:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _without_other_branches(errors: list[ErrorDetails], data: Any) -> list[ErrorDetails]:
    """Drop the complaints of a union's branch that the value was not meant for (Corpus.locale: text or mapping)."""
    own = {_data_path(item["loc"], data) for item in errors if item["type"] not in {"string_type", "model_type"}}
    kept = []
    for item in errors:
        at = _data_path(item["loc"], data)
        is_other_branch = item["type"] in {"string_type", "model_type"} and any(path[: len(at)] == at for path in own)
        if not is_other_branch:
            kept.append(item)
    return kept


def _data_path(loc: tuple[int | str, ...], data: Any) -> KeyPath:
    """Return the part of pydantic's location that names data, without names of union branches and `[key]`."""
    at: list[str | int] = []
    for part in loc:
        is_item = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if is_item or (isinstance(data, dict) and part in data):
            data = data[part]
            at.append(part)
    return tuple(at)


def _place(details: ErrorDetails, data: Any) -> KeyPath:
    at = _data_path(details["loc"], data)
    if details["type"] == "value_error":
        return _narrow(at, _at(data, at), details["msg"])
    return at


def _narrow(at: KeyPath, data: Any, message: str) -> KeyPath:
    """Go from the place that a rule guards to the part that its message is about, word by word.

    A 'quoted' word is a key or value anywhere below, a `word` in backquotes is a key right here.
    """
    for quoted, key in re.findall(r"'([^']+)'|`(\w+)`", message):
        step = _find(data, quoted) if quoted else (key,) if isinstance(data, dict) and key in data else None
        if step is not None:
            at, data = (*at, *step), _at(data, step)
    return at


def _find(data: Any, word: str) -> KeyPath | None:
    """Return the path to the first key equal to `word`, else to the first value equal to it, else None."""
    values: list[KeyPath] = []
    pending: list[tuple[KeyPath, Any]] = [((), data)]
    while pending:
        at, value = pending.pop(0)
        if isinstance(value, dict):
            if word in value:
                return (*at, word)
            pending.extend(((*at, key), item) for key, item in value.items())
        elif isinstance(value, list):
            pending.extend(((*at, index), item) for index, item in enumerate(value))
        elif value == word and at:
            values.append(at)
    return values[0] if values else None


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _line_of(at: KeyPath, source: Source) -> int:
    while at not in source.lines:
        at = at[:-1]
    return source.lines[at]


def _describe(details: ErrorDetails, at: KeyPath, top: type[BaseModel]) -> str:
    kind, context = details["type"], details.get("ctx", {})
    key = dotted(at)
    if kind == "missing":
        name = str(details["loc"][-1])
        return f"{dotted((*at, name))}: this key is missing; add `{name}:` {_meaning(at, name, top)}".rstrip()
    if kind == "extra_forbidden":
        return f"{key}: there is no such key; {_suggest_key(at, top)}"
    if kind == "value_error":
        return f"{key}: {details['msg'].removeprefix('Value error, ')}" if key else str(context["error"])
    value = _shown(details["input"])
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", context["expected"])
        return f"{key}: {value} is not allowed; write one of {', '.join(allowed)}{_did_you_mean(value, allowed)}"
    if kind == "string_pattern_mismatch":
        return f"{key}: {value} is not a name; write small letters, digits, - and _, such as my-name (63 at most)"
    if kind == "too_short":
        return f"{key}: {value} is too short; give at least {context['min_length']}"
    if kind in _EXPECTED:
        return f"{key}: {value} does not fit; write {_expected(kind, details['loc'])}"
    return f"{key}: {value} does not fit: {details['msg'].lower()}"


def _expected(kind: str, loc: tuple[int | str, ...]) -> str:
    if kind in {"string_type", "model_type"} and loc[-1] in {"LocaleColumn", "function-after[check_locale(), str]"}:
        return "a locale such as en, or a mapping with `column` and `values`"
    return _EXPECTED[kind]


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_VALUE_CHARACTERS else text[: MAX_VALUE_CHARACTERS - 3] + "..."


def _suggest_key(at: KeyPath, top: type[BaseModel]) -> str:
    known = sorted(model.model_fields) if (model := _model_at(at[:-1], top)) else []
    return f"known keys here: {', '.join(known)}{_did_you_mean(str(at[-1]), known)}"


def _did_you_mean(value: str, known: list[str]) -> str:
    close = get_close_matches(value.strip('"'), known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _meaning(at: KeyPath, name: str, top: type[BaseModel]) -> str:
    model = _model_at(at, top)
    description = model.model_fields[name].description if model and name in model.model_fields else None
    return f"({description.splitlines()[0].rstrip('.')})" if description else ""


def _model_at(at: KeyPath, top: type[BaseModel]) -> type[BaseModel] | None:
    """Return the part of the model `top` that a key path leads to, or None where it leads to no model."""
    model: Any = top
    for part in at:
        if isinstance(model, type) and issubclass(model, BaseModel):
            found = model.model_fields.get(str(part))
            model = _plain(found.annotation) if found else None
        elif get_origin(model) is dict:
            model = _plain(get_args(model)[1])
        elif get_origin(model) is tuple and isinstance(part, int):
            model = _plain(get_args(model)[0])
        else:
            return None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _plain(annotation: Any) -> Any:
    """Strip Annotated, and from a union take its model."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        arms = [_plain(arm) for arm in get_args(annotation)]
        return next((arm for arm in arms if isinstance(arm, type) and issubclass(arm, BaseModel)), arms[0])
    return annotation
