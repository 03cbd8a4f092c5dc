"""Makes full-width Latin letters and digits, half-width kana and Latin ligatures ordinary ones.

Input and output: the texts of a row. This is the part of Unicode's NFKC that changes how a text looks and not what it
says. Everywhere: full-width letters, digits, signs of money and arithmetic become ASCII (Ａ１％ gives A1%), half-width
kana and their marks full-width ones (ｶﾞ gives ガ), and ligatures two letters (ﬁ gives fi). Full-width punctuation such
as ，！？：；（） becomes ASCII where a text has no Chinese or Japanese characters and its locale is neither of the two:
in those it is the right punctuation. 。「」 stay everywhere.
Not touched, since folding would change what they say: superscripts and subscripts (x² would become x2), fractions (½),
numbers in circles, Roman numerals, units (㎏, ℃) and ™.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from polyloop.data.steps.base import Draft, Step

FULL_WIDTH_LANGUAGES = ("ja", "yue", "zh")
"""Languages whose punctuation is full-width."""

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_PUNCTUATION = frozenset("！＂＇（），．：；？［］｛｝～")
_MONEY = {0xFFE0: "¢", 0xFFE1: "£", 0xFFE2: "¬", 0xFFE4: "¦", 0xFFE5: "¥", 0xFFE6: "₩"}
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_ALL_WIDTHS: dict[int, int | str] = {**_FULL_WIDTH, **_MONEY, **_LIGATURES}
_BUT_PUNCTUATION = {code: to for code, to in _ALL_WIDTHS.items() if chr(code) not in _PUNCTUATION}

_FOLDABLE = re.compile("[\uff01-\uff5e\uff61-\uff9f\uffe0-\uffe2\uffe4-\uffe6\ufb00-\ufb06]")
_HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]+")
_CHINESE_OR_JAPANESE = re.compile(
    "[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U000323af]"
)
_DECIMAL_POINT = re.compile("(?<=[0-9])．(?=[0-9])")


@dataclass(frozen=True)
class NormaliseWidth(Step):
    """Gives characters the width that their script wants, and notes `width:folded` for each text that changed."""

    name: ClassVar[str] = "width"
    reads: ClassVar[frozenset[str]] = frozenset({"input", "target", "locale", "target_locale"})
    writes: ClassVar[frozenset[str]] = frozenset({"input", "target"})

    def apply(self, draft: Draft) -> None:
        """Fold the widths in each text of the row."""
        for side in draft.sides():
            text = getattr(draft, side.text)
            if text.isascii():
                continue
            folded = fold_width(text, getattr(draft, side.locale))
            if folded != text:
                setattr(draft, side.text, folded)
                draft.note("width:folded")


def fold_width(text: str, locale: str) -> str:
    """Return a text of a locale with ordinary widths."""
    if not _FOLDABLE.search(text):
        return text
    text = _HALF_WIDTH_KANA.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    if locale.partition("-")[0] in FULL_WIDTH_LANGUAGES or _CHINESE_OR_JAPANESE.search(text):
        return _DECIMAL_POINT.sub(".", text.translate(_BUT_PUNCTUATION))
    return text.translate(_ALL_WIDTHS)
