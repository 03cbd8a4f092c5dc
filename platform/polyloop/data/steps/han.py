"""Writes Chinese texts in the characters of their locale: simplified for zh-Hans, traditional for zh-Hant.

Input and output: the texts of a row. Those of other locales, and of plain zh, stay as they are. OpenCC converts
(https://github.com/BYVoid/OpenCC), by phrase where one character stands for several. The region of a locale says which
regional forms are wanted (zh-TW, zh-HK), and the script where the locale does not name it.
A text that is nearly all in the right script is left alone: its few other characters are names, quotations and terms
(乾, 麽 and 噁 are right in some simplified words). So is one that only lacks the regional forms.
Limits: what OpenCC's phrases do not decide becomes the commonest of the possible characters.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from polyloop.data.scripts import SIMPLIFIED_ONLY, TRADITIONAL_ONLY, dominant_script, locale_script
from polyloop.data.steps.base import Draft, Step

if TYPE_CHECKING:
    from opencc import OpenCC

CONVERSION_FACTOR = 4
"""A text is converted if the characters of the other script, times this, are more than those of its own script."""

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_ENCODABLE = re.compile("[^\ud800-\udfff]+")
_TO_TRADITIONAL = {"TW": "s2tw", "HK": "s2hk", "MO": "s2hk"}
_TO_SIMPLIFIED = "t2s"


@dataclass(frozen=True)
class HanVariant(Step):
    """Converts Chinese texts to the script of their locale, and notes `han:converted` for each that changed."""

    name: ClassVar[str] = "han"
    reads: ClassVar[frozenset[str]] = frozenset({"input", "target", "locale", "target_locale"})
    writes: ClassVar[frozenset[str]] = frozenset({"input", "target"})

    def apply(self, draft: Draft) -> None:
        """Convert each Chinese text of the row."""
        for side in draft.sides():
            locale = getattr(draft, side.locale)
            if not locale.startswith("zh-"):
                continue
            text = getattr(draft, side.text)
            converted = convert_han(text, locale)
            if converted != text:
                setattr(draft, side.text, converted)
                draft.note("han:converted")


def convert_han(text: str, locale: str) -> str:
    """Return a Chinese text in the script of its locale."""
    if not _HAN.search(text):
        return text
    script = locale_script(locale)
    if script == "Hans":
        return _simplified(text)
    return _traditional(text, locale) if script == "Hant" else text


def _simplified(text: str) -> str:
    converted = _convert(_TO_SIMPLIFIED, text)
    if converted == text or dominant_script(text) in ("Kana", "Hang"):
        return text
    # Not TRADITIONAL_ONLY, which has only the commonest: what this direction changes is not simplified.
    foreign = sum(before != after for before, after in zip(text, converted, strict=False))
    return converted if foreign * CONVERSION_FACTOR > _count(text, SIMPLIFIED_ONLY) else text


def _traditional(text: str, locale: str) -> str:
    # Not what OpenCC would change: 后, 里, 台 and many more are right in traditional texts too.
    foreign = _count(text, SIMPLIFIED_ONLY)
    if foreign * CONVERSION_FACTOR <= _count(text, TRADITIONAL_ONLY) or dominant_script(text) in ("Kana", "Hang"):
        return text
    return _convert(_TO_TRADITIONAL.get(locale.rpartition("-")[2], "s2t"), text)


def _count(text: str, characters: frozenset[str]) -> int:
    return sum(character in characters for character in text)


def _convert(config: str, text: str) -> str:
    convert: Callable[[str], str] = _converter(config).convert
    try:
        return convert(text)
    except UnicodeEncodeError:  # a lone surrogate, which OpenCC cannot be given
        return _ENCODABLE.sub(lambda match: convert(match[0]), text)


@cache
def _converter(config: str) -> "OpenCC":
    from opencc import OpenCC  # a native library, which projects without Chinese need not load

    return OpenCC(config)
