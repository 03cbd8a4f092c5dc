"""Where the sentences of a text stand, in the scripts people write today.

Input: a text. Output: character spans in its order, white space around them left out. Pure and linear in length.
Limits: rules, no model. A full stop after a single letter, a number of one or two digits or a listed abbreviation ends
no sentence, so that "am 3. Oktober" and "z. B." stay whole; the few sentences that really end so join the next.
"""

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""First character, and one past the last."""

_CLOSERS = "\"'”’»)\\]"
_WIDE_CLOSERS = "」』”’）】》"
_STOPS = ".!?…؟۔।॥።။"
# Full-width marks end a sentence by themselves; the others only where white space follows, and
# a run of them is tried once: trying it from each of its marks takes a time that grows with the square of its length.
_BREAK = re.compile(
    rf"[。！？｡]+[{_WIDE_CLOSERS}{_CLOSERS}]*"
    rf"|(?<![{_STOPS}])[{_STOPS}]++[{_CLOSERS}{_WIDE_CLOSERS}]*+(?=\s)"
    r"|[\n\r\u2028\u2029]+"
)
_LAST_WORD = re.compile(r"(?:^|[\s(\"'„“«])([^\s(\"'„“«]{1,8})\.$")
_SHORT_NUMBER = re.compile(r"\d{1,2}$")
_WINDOW_CHARACTERS = 10
"""Characters looked at before a full stop; no listed abbreviation is longer."""

_ENGLISH = "mr mrs ms dr prof st jr sr vs etc fig eq no vol pp approx dept inc ltd co corp gen col lt sgt rev hon"
_ENGLISH_DOTTED = "e.g i.e u.s u.k u.n a.m p.m ph.d"
_GERMAN = "d.h z.b u.a o.ä bzw ca usw evtl ggf inkl nr str bd hrsg hl geb gest vgl"
_SPANISH = "sra srta ud uds pág núm art av"
_RUSSIAN = "г гг в вв т.е т.д т.п др см им ул руб тыс млн млрд"
ABBREVIATIONS = frozenset(f"{_ENGLISH} {_ENGLISH_DOTTED} {_GERMAN} {_SPANISH} {_RUSSIAN}".split())
"""Abbreviations, in lower case without their last stop, that names, numbers or nouns follow."""


def sentence_spans(text: str) -> list[Span]:
    """Return the spans of the sentences of a text; a line break always ends one."""
    return [span for span in _raw_spans(text) if span[0] < span[1]]


def _raw_spans(text: str) -> Iterator[Span]:
    start = 0
    for match in _BREAK.finditer(text):
        if match.group().startswith(".") and not _ends_sentence(text, start, match):
            continue
        yield _trimmed(text, start, match.end())
        start = match.end()
    yield _trimmed(text, start, len(text))


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    """Tell whether the full stop of a match ends the sentence that began at `start`."""
    following = text[match.end() : match.end() + 2].lstrip()
    if following and following[0].islower():
        return False
    if match.group() != ".":
        return True
    before = _LAST_WORD.search(text, max(start, match.start() - _WINDOW_CHARACTERS), match.end())
    if before is None:
        return True
    word = before.group(1).lower()
    return not ((len(word) == 1 and word.isalpha()) or _SHORT_NUMBER.fullmatch(word) or word in ABBREVIATIONS)


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
