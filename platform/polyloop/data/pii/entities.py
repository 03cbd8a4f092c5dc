"""Runs a named-entity finder of the user's own, for what has no form to go by: names, places, organisations.

Input: its name as `module:function`, and texts. Output: spans whose kind is the entity's type. The function is imported
once a process; it is called with a text and its locale and returns (start, end, type) for each entity, in characters.
Loading a model is its own affair (`functools.lru_cache` does it). What is wrong with it or its spans is a `DataError`
that names it.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module
from itertools import pairwise

from polyloop.data.pii.base import Span
from polyloop.errors import DataError

EntityFinder = Callable[[str, str], Iterable[tuple[int, int, str]]]
"""Given a text and its locale, returns (start, end, type) of each entity."""

_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@lru_cache(maxsize=8)
def load_entity_finder(name: str) -> EntityFinder:
    """Return the function of that name, `module:function`; raise DataError if there is none."""
    if not _NAME.fullmatch(name):
        raise DataError(
            f"the entity finder {name!r} is not a name such as `my_package.people:find`; write module:function"
        )
    module_name, _, function_name = name.partition(":")
    try:
        function: object = getattr(import_module(module_name), function_name, None)
    except Exception as error:  # it is code of the user's: whatever it raises, the message must say whose it is
        raise DataError(
            f"the entity finder {name!r} cannot be imported ({type(error).__name__}: {error}); "
            "install its package where Polyloop runs, or correct `entities`"
        ) from error
    if not callable(function):
        raise DataError(f"the entity finder {name!r} is not there: {module_name} has no function {function_name!r}")
    return function


def find_entities(name: str, text: str, locale: str) -> tuple[Span, ...]:
    """Return the entities that the finder of that name gives for a text, in order; raise DataError for wrong ones."""
    spans = sorted(_checked(name, entity, text) for entity in load_entity_finder(name)(text, locale))
    for left, right in pairwise(spans):
        if right.start < left.end:
            raise DataError(
                f"the entity finder {name!r} gave entities that overlap: {_describe(left)} and {_describe(right)}"
            )
    return tuple(spans)


def outside(entities: Iterable[Span], taken: Iterable[Span], text: str) -> list[Span]:
    """Return what is left of entities outside the spans that are taken, without white space at its edges.

    Nothing that was found stays readable: an address around a phone number becomes two pieces of address.
    """
    pieces = list(entities)
    for other in taken:
        pieces = [piece for entity in pieces for piece in _without(entity, other)]
    return [piece for piece in (_stripped(entity, text) for entity in pieces) if piece.start < piece.end]


def _checked(name: str, entity: object, text: str) -> Span:
    match entity:
        case (int(start), int(end), str(kind)) if 0 <= start < end <= len(text) and _TYPE.fullmatch(kind):
            return Span(start, end, kind.upper())
    raise DataError(
        f"the entity finder {name!r} gave {entity!r} for a text of {len(text)} characters; each entity is "
        "(start, end, type) with 0 <= start < end <= length, and a type of letters, digits and _"
    )


def _without(entity: Span, taken: Span) -> list[Span]:
    if taken.end <= entity.start or entity.end <= taken.start:
        return [entity]
    parts = (entity._replace(end=taken.start), entity._replace(start=taken.end))
    return [part for part in parts if part.start < part.end]


def _stripped(span: Span, text: str) -> Span:
    piece = text[span.start : span.end]
    start = span.start + len(piece) - len(piece.lstrip(" ,;:()"))
    return span._replace(start=start, end=max(start, span.start + len(piece.rstrip(" ,;:()"))))


def _describe(span: Span) -> str:
    return f"{span.kind} at {span.start}-{span.end}"
