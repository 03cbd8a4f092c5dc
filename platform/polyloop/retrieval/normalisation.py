"""Brings spellings of one word to one form, by the script it is in.

Input: a text. Output: a text to take terms from; it is not shown and its offsets mean nothing. Pure.
Everywhere: Unicode NFKC, case folding, digits of any script as 0-9. Latin and Greek lose their accents; Cyrillic ё
becomes е and stress marks go, while й stays a letter of its own. Arabic: vowel signs and the stretching line go, and
letters that are written for each other become one, after Larkey, Ballesteros and Connell (2002), "Improving stemming
for Arabic information retrieval" (https://doi.org/10.1145/564376.564425), with the Persian forms of kaf and yeh.
Chinese becomes simplified by OpenCC, so that either script finds the other.
"""

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from polyloop.retrieval.scripts import HAN

if TYPE_CHECKING:
    from opencc import OpenCC

_HAN = re.compile(f"[{HAN}]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_ACCENTS = re.compile("(?<=[a-z\u0370-\u03ff])[\u0300-\u036f]+")
_CYRILLIC_MARKS = re.compile("(?<=е)\u0308|(?<=[\u0400-\u04ff])\u0301")
_ARABIC_MARKS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_ARABIC_FORMS = str.maketrans("أإآٱىةیک", "اااايهيك")
_DIGITS = {
    code: str(unicodedata.digit(chr(code))) for code in range(0x80, 0x10000) if unicodedata.category(chr(code)) == "Nd"
}


def normalise_for_search(text: str) -> str:
    """Return a text with one spelling for what people take for the same word; idempotent."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", encodable(text)).casefold()
    apart = unicodedata.normalize("NFKD", folded).translate(_DIGITS)
    apart = _CYRILLIC_MARKS.sub("", _ACCENTS.sub("", apart))
    composed = unicodedata.normalize("NFC", apart)
    composed = _ARABIC_MARKS.sub("", composed).translate(_ARABIC_FORMS)
    return _to_simplified().convert(composed) if _HAN.search(composed) else composed


def encodable(text: str) -> str:
    """Return a text with U+FFFD for each lone surrogate, which no encoding and no tokenizer takes; lengths stay."""
    return _SURROGATES.sub("\ufffd", text)


@cache
def _to_simplified() -> "OpenCC":
    from opencc import OpenCC  # loads dictionaries, which only texts in Chinese need

    return OpenCC("t2s")
