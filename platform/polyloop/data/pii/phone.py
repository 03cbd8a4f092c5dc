"""Finds phone numbers.

Input: a folded text and its locale. Output: places of numbers that libphonenumber's plans hold valid: with a + or 00
those of any country, otherwise those of the locale's countries (`polyloop.data.pii.phone_regions`). A number without
its country counts if it is written as one is there (area code in the usual grouping, trunk 0, a Chinese mobile's 11
digits), or with a word such as `call` or `电话` near; then also one without its area code, if it has the right length.
Dates, decimals, amounts, ISBNs and numbers of orders do not count. Limits: short numbers (112, 95588) are no one's and
not looked for.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from polyloop.data.pii.base import Finder, dense_regions, has_dense_digits
from polyloop.data.pii.context import is_labelled_otherwise, is_near, is_part_of_groups
from polyloop.data.pii.phone_regions import PHONE_WORDS, Region, regions_of

MIN_DIGITS = 7
MAX_DIGITS = 17
"""15 digits are the most (ITU-T E.164); two more for `00`, or the 0 in `+49 (0)30`."""

MAX_SINGLE_DIGITS = 3
"""Groups of one digit: `1-800-...`, `+33 (0)1 23 45 67 89`."""

MAX_GROUPS = 8
"""`+49 (0) 30 12 34 56 78` has eight."""

_RUN = re.compile(r"(?<![0-9A-Za-z_])(?<![0-9][.,:\-])\(?(?:\+ ?\(?)?[0-9]+(?:[ ./()\-]{1,3}[0-9]+)*")
_WITH_ZEROS = re.compile("00[1-9][0-9]{7}")
"""A number with its country, which some begin with 00."""

_SIGN = re.compile(r"(?:\(?\+ ?\(?|\()\Z")
_GROUP = re.compile("[0-9]+")
_LOOSE = re.compile("[ /]")
"""What may stand between two numbers, or a number and something else; dots and dashes hold one together."""

_DAY = r"(?:[0-9]{1,2}([./\- ])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2})|[0-9]{4}([./\-])[0-9]{1,2}\2[0-9]{1,2})"
_DATE = re.compile(rf"(?<![0-9])(?<![0-9][./\- ]){_DAY}(?![./\- ]?[0-9])")
_YEARS = re.compile(r"(?:1[0-9]|20)[0-9]{2} ?[/\-] ?(?:1[0-9]|20)[0-9]{2}")
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+")
_SPACED_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?: [0-9]{3})+")
_BEFORE_AMOUNT = re.compile(
    r"(?:[$€£¥₹#№=×*^<>_~]|[a-z]/|(?:usd|eur|rmb|chf|gbp|us\$|isbn|qq)[ :：]?) ?\Z", re.IGNORECASE
)
_AFTER_AMOUNT = re.compile(
    r"(?:[.,:][0-9]| ?(?:[%€$£¥₹°=×*^]|euros?\b|usd\b|eur\b|dollars?\b|[km]?[mgbw]\b|"
    r"元|万|亿|萬|億|円|원|人|股|次|票|年))",
    re.IGNORECASE,
)


class _Piece(NamedTuple):
    """Part of a run of digits that may be a number: its place, its text, and its groups of digits."""

    start: int
    end: int
    text: str
    groups: tuple[str, ...]

    @property
    def digits(self) -> str:
        return "".join(self.groups)


def _places(text: str, locale: str) -> Iterator[tuple[int, int]]:
    regions = regions_of(locale)
    for run in (run for start, end in dense_regions(text) for run in _RUN.finditer(text, start, end)):
        groups = [(run.start() + group.start(), run.start() + group.end()) for group in _GROUP.finditer(run[0])]
        if sum(end - start for start, end in groups) >= MIN_DIGITS and not _is_book(run[0], groups):
            yield from _in_run(text, run.start(), groups, regions)


def _in_run(
    text: str, run_start: int, groups: list[tuple[int, int]], regions: tuple[Region, ...]
) -> Iterator[tuple[int, int]]:
    """Yield the numbers in a run of groups, from left to right, the longest that is valid at each place."""
    first = 0
    while first < len(groups):
        floor = groups[first - 1][1] if first else run_start
        is_loose = first == 0 or _LOOSE.search(text, floor, groups[first][0]) is not None
        pieces = _pieces(text, floor, groups[first : first + MAX_GROUPS + 1]) if is_loose else ()
        found = next((piece for piece in pieces if _is_phone(text, piece, regions)), None)
        if found:
            yield found.start, found.end
        first += len(found.groups) if found else 1


def _pieces(text: str, floor: int, groups: list[tuple[int, int]]) -> Iterator[_Piece]:
    """Yield what may be a number of those that begin with the first of some groups, from the longest down.

    One more group is given than a number may have, to see what follows; before `floor` is another number's.
    """
    for count in range(min(len(groups), MAX_GROUPS), 0, -1):
        parts = tuple(text[start:end] for start, end in groups[:count])
        end = groups[count - 1][1]
        is_edge = count == len(groups) or _LOOSE.search(text, end, groups[count][0]) is not None
        if (
            is_edge
            and MIN_DIGITS <= sum(map(len, parts)) <= MAX_DIGITS
            and sum(len(part) == 1 for part in parts) <= MAX_SINGLE_DIGITS
        ):
            start = _with_sign(text, floor, groups[0][0], end)
            yield _Piece(start, end, text[start:end], parts)


def _with_sign(text: str, floor: int, start: int, end: int) -> int:
    """Return where a number begins, with the + before its first group, and the bracket if it is closed again."""
    sign = _SIGN.search(text, floor, start)
    if sign is None:
        return start
    is_open = sign[0].startswith("(") and ")" not in text[start:end]
    return sign.start() + is_open


def _is_phone(text: str, piece: _Piece, regions: tuple[Region, ...]) -> bool:
    if "+" in piece.text or _WITH_ZEROS.match(piece.digits):
        return _is_valid("+" + piece.digits.removeprefix("00"), None) and not _is_something_else(text, piece)
    if piece.digits.startswith("00"):
        return False
    plausible = [region for region in regions if _could_be(region, piece)]
    if not plausible or _is_something_else(text, piece) or _is_amount(text, piece):
        return False
    if is_labelled_otherwise(text, piece.start):
        return False
    if is_near(text, piece.start, piece.end, PHONE_WORDS):
        return any(_is_valid(piece.digits, region.code) or _is_local(region, piece) for region in plausible)
    if _is_round(piece) or is_part_of_groups(text, piece.start, piece.end):
        return False
    usual = (region for region in plausible if region.usual.fullmatch(piece.text))
    return any(_is_valid(piece.digits, region.code) for region in usual)


def _could_be(region: Region, piece: _Piece) -> bool:
    """Return, at little cost, whether a piece has a length and a beginning that numbers of a country have."""
    num_digits = len(piece.digits)
    if num_digits in region.local_lengths or (num_digits in region.lengths and piece.digits.startswith(region.trunk)):
        return True
    return region.usual.fullmatch(piece.text) is not None


def _is_local(region: Region, piece: _Piece) -> bool:
    """Return whether a piece may be a number within a town; libphonenumber cannot tell those that are given out."""
    return len(piece.digits) in region.local_lengths and len(piece.groups) <= 2


def _is_something_else(text: str, piece: _Piece) -> bool:
    """Return whether a piece is a date, two years, a decimal, or follows a sign that phone numbers never do."""
    if _DATE.search(piece.text) or _YEARS.fullmatch(piece.text) or _DECIMAL.fullmatch(piece.text):
        return True
    return _BEFORE_AMOUNT.search(text, max(0, piece.start - 6), piece.start) is not None


def _is_amount(text: str, piece: _Piece) -> bool:
    """Return whether a piece is a sum with dots for thousands, has a unit after it, or begins with a day."""
    return (
        _THOUSANDS.fullmatch(piece.text) is not None
        or _AFTER_AMOUNT.match(text, piece.end) is not None
        or _is_timestamp(piece.digits)
    )


def _is_round(piece: _Piece) -> bool:
    """Return whether a piece is a round number with spaces for thousands."""
    return piece.digits.endswith("000") and _SPACED_THOUSANDS.fullmatch(piece.text) is not None


def _is_timestamp(digits: str) -> bool:
    """Return whether digits begin with a day as yyyymmdd, as times and numbers of orders do."""
    return bool(re.match(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])", digits))


def _is_book(run: str, groups: list[tuple[int, int]]) -> bool:
    """Return whether a run of digits is that of a book: an ISBN in four or five groups, the last its check digit."""
    if len(groups) not in (4, 5) or groups[-1][1] - groups[-1][0] != 1:
        return False
    from stdnum import isbn

    return bool(isbn.is_valid(run))


@lru_cache(maxsize=4096)
def _is_valid(digits: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(digits, region)))
    except phonenumbers.NumberParseException:
        return False


PHONE = Finder(kind="phone", guard=has_dense_digits, places=_places)
