"""Mends mojibake: UTF-8 that was read as Latin-1, Windows-1252 or the like, such as "schÃ¶n" for "schön".

Input and output: the texts of a row. ftfy (https://ftfy.readthedocs.io) does it, which touches only texts with
sequences of characters that no language writes. Of its repairs only that of the encoding is used: quotation marks,
ligatures and line ends stay as they are.
Limits: texts that were read as GBK, Shift JIS or another encoding of several bytes are not recognised. A lone surrogate
stays where it is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from polyloop.data.steps.base import Draft, Step

SIGN_CONTEXT = 2
"""ASCII characters before or after others that a sign of mojibake may need."""

MOSTLY_ASCII = 1.2
"""Bytes of UTF-8 for a character, up to which looking at a text's other characters alone is faster."""

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True)
class RepairText(Step):
    """Mends texts whose encoding was mistaken, and notes `repair:mended` for each."""

    name: ClassVar[str] = "repair"
    reads: ClassVar[frozenset[str]] = frozenset({"input", "target"})
    writes: ClassVar[frozenset[str]] = frozenset({"input", "target"})

    def apply(self, draft: Draft) -> None:
        """Mend each text of the row."""
        for side in draft.sides():
            text = getattr(draft, side.text)
            if text.isascii() or _is_sound(text):
                continue
            mended = _fix_encoding()(text)
            if mended != text:
                setattr(draft, side.text, mended)
                draft.note("repair:mended")


def _is_sound(text: str) -> bool:
    """Tell whether a text that is mostly ASCII has none of ftfy's signs of mojibake, several times as fast as ftfy.

    Each sign is a run of other characters with at most `SIGN_CONTEXT` of ASCII on either side, so only these are
    looked at. Texts that are not mostly ASCII are left to ftfy.
    """
    if len(text.encode(errors="replace")) > MOSTLY_ASCII * len(text):
        return False
    runs = (run.span() for run in _BEYOND_ASCII.finditer(text))
    return not _is_bad()("\n".join([text[max(0, start - SIGN_CONTEXT) : end + SIGN_CONTEXT] for start, end in runs]))


@cache
def _is_bad() -> Callable[[str], bool]:
    from ftfy.badness import is_bad

    return is_bad


@cache
def _fix_encoding() -> Callable[[str], str]:
    from ftfy import fix_encoding  # takes 0.1 s, which a process that cleans nothing need not wait for

    return fix_encoding
