"""Turns HTML entities into their characters: `&amp;` into &, `&#228;` and `&auml;` into ä.

Input and output: the texts of a row. Only entities that end in a semicolon are known, so that "AT&T", "a &lt b" and
the address "?a=1&copy=2" stay as they are; so do names that HTML does not have, and numbers of no character.
What was escaped twice, which is a common fault of scrapers (`&amp;lt;`), is unescaped twice, what was escaped more
often is not: such a text is about escaping.
"""

import re
from dataclasses import dataclass
from html import unescape
from html.entities import html5
from typing import ClassVar

from polyloop.data.steps.base import Draft, Step

PASSES = 2
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_NO_CHARACTER = ("", "\ufffd")


@dataclass(frozen=True)
class UnescapeEntities(Step):
    """Unescapes HTML entities, and notes `entities:unescaped` for each text that had some."""

    name: ClassVar[str] = "entities"
    reads: ClassVar[frozenset[str]] = frozenset({"input", "target"})
    writes: ClassVar[frozenset[str]] = frozenset({"input", "target"})

    def apply(self, draft: Draft) -> None:
        """Unescape each text of the row."""
        for side in draft.sides():
            text = getattr(draft, side.text)
            plain = unescape_entities(text)
            if plain != text:
                setattr(draft, side.text, plain)
                draft.note("entities:unescaped")


def unescape_entities(text: str) -> str:
    """Return a text with its HTML entities as characters."""
    for _ in range(PASSES):
        if "&" not in text or ";" not in text:
            break
        text = _ENTITY.sub(_character, text)
    return text


def _character(match: re.Match[str]) -> str:
    entity = match[0]
    if entity[1] != "#":
        return html5.get(entity[1:], entity)
    character = unescape(entity)
    return entity if character in _NO_CHARACTER else character
