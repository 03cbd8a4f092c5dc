"""Finds everything personal in a text, by all kinds that suit its locale.

Input: a text as it is, its locale, and which kinds are wanted. Output: spans in order that do not overlap. Where two
kinds claim the same characters, the one whose form proves more has them (`FINDERS` is in that order), then the longer,
then the earlier: so the outcome depends on the text alone. Limits: nothing without a digit, an @ or an = is found.
"""

from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache

from polyloop.data.pii.base import Finder, Span, fold, has_trace
from polyloop.data.pii.card import CARD
from polyloop.data.pii.email import EMAIL
from polyloop.data.pii.iban import IBAN
from polyloop.data.pii.ip import IP
from polyloop.data.pii.licence_plate import LICENCE_PLATE
from polyloop.data.pii.national_id import NATIONAL_ID
from polyloop.data.pii.passport import PASSPORT
from polyloop.data.pii.phone import PHONE
from polyloop.data.pii.tax_id import TAX_ID
from polyloop.data.pii.url_token import URL_TOKEN
from polyloop.spec.cleaning import PiiKind

FINDERS: tuple[Finder, ...] = (
    URL_TOKEN,
    EMAIL,
    IBAN,
    NATIONAL_ID,
    TAX_ID,
    CARD,
    PASSPORT,
    IP,
    LICENCE_PLATE,
    PHONE,
)
"""All kinds; those whose form or check proves most come first."""

_RANK: dict[str, int] = {finder.kind: rank for rank, finder in enumerate(FINDERS)}


@lru_cache(maxsize=512)
def finders_for(locale: str, kinds: tuple[PiiKind, ...] = ()) -> tuple[Finder, ...]:
    """Return the finders that suit a locale; of the kinds that are named, if any is."""
    return tuple(finder for finder in FINDERS if finder.suits(locale) and (not kinds or finder.kind in kinds))


def find_personal(text: str, locale: str, kinds: tuple[PiiKind, ...] = ()) -> tuple[Span, ...]:
    """Return what is personal in a text, in order, without overlaps; `kinds` empty looks for all that suit the locale.

    A kind that is not wanted claims nothing: with phone alone, the digits of a card may pass for a phone's.
    """
    if not has_trace(text):
        return ()
    folded = fold(text)
    found = [span for finder in finders_for(locale, kinds) for span in finder.find(folded, locale)]
    return _settle(found) if found else ()


def _settle(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans that keep their characters where several claim the same."""
    kept: list[Span] = []  # always in order, so that only the neighbours of a new one can overlap it
    for span in sorted(spans, key=lambda span: (_RANK[span.kind], span.start - span.end, span.start)):
        place = bisect_left(kept, span)
        is_free_before = place == 0 or kept[place - 1].end <= span.start
        if is_free_before and (place == len(kept) or span.end <= kept[place].start):
            kept.insert(place, span)
    return tuple(kept)
