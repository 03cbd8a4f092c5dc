"""Finds numbers that authorities give: each a form, a check, and the words that say what it is.

Input: a folded text and a table of numbers. Output: places. A number counts where its form and check fit and, unless
these alone are proof enough, one of its words stands near. Checks are functions of python-stdnum or of
`polyloop.data.pii.checks`, imported when a text first needs them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

from polyloop.data.pii.base import AFTER, BEFORE, dense_regions, language_of
from polyloop.data.pii.context import Words, is_labelled_otherwise, is_near, is_part_of_groups

_OWN_CHECKS = "polyloop.data.pii.checks"


@dataclass(frozen=True, kw_only=True)
class Number:
    """One kind of number that an authority gives to people."""

    name: str
    """Country and name, such as `us-ssn`."""
    languages: frozenset[str] | None
    """Languages in whose texts it is looked for; None for all."""
    pattern: re.Pattern[str]
    check: str | None
    """Module of python-stdnum, such as `us.ssn`, or `own:` and a function of `checks`; None for no check."""
    context: Words | None
    """Words one of which must stand near; None if form and check are proof enough."""
    bare: re.Pattern[str] | None
    """A stricter form that needs no word near."""
    is_sparse: bool
    """True for a number of fewer than six digits."""

    def is_proven(self, text: str, start: int, end: int) -> bool:
        """Return whether what fits the pattern at a place is such a number."""
        if not self._is_said(text, start, end):
            return False
        return self.check is None or _check(self.check)(text[start:end].replace(".", ""))

    def _is_said(self, text: str, start: int, end: int) -> bool:
        if self.context is not None and is_near(text, start, end, self.context):
            return True
        is_enough = self.context is None or (
            self.bare is not None and self.bare.fullmatch(text, start, end) is not None
        )
        return is_enough and not is_part_of_groups(text, start, end) and not is_labelled_otherwise(text, start)


def number(
    name: str,
    languages: str | None,
    pattern: str,
    check: str | None = None,
    context: Words | None = None,
    bare: str | None = None,
    is_sparse: bool = False,
) -> Number:
    """Return a number; `languages` are separated by spaces, `pattern` and `bare` have capital letters
    and no edges."""
    return Number(
        name=name,
        languages=None if languages is None else frozenset(languages.split()),
        pattern=re.compile(f"{BEFORE}(?:{pattern}){AFTER}"),
        check=check,
        context=context,
        bare=None if bare is None else re.compile(bare),
        is_sparse=is_sparse,
    )


def numbers_of(table: Iterable[Number], locale: str) -> tuple[Number, ...]:
    """Return those of a table that are looked for in texts of a locale."""
    language = language_of(locale)
    return tuple(entry for entry in table if entry.languages is None or language in entry.languages)


def places_of(numbers: Iterable[Number], text: str) -> Iterator[tuple[int, int]]:
    """Yield where any of some numbers is: those of six digits or more where digits are dense, others anywhere."""
    capitals = text.upper()
    searched = capitals if len(capitals) == len(text) else text  # some small letters have no one capital
    for entry in numbers:
        for start, end in ((0, len(text)),) if entry.is_sparse else dense_regions(text):
            for found in entry.pattern.finditer(searched, start, end):
                if entry.is_proven(searched, *found.span()):
                    yield found.span()


@lru_cache(maxsize=256)
def _check(name: str) -> Callable[[str], bool]:
    """Return the check of that name."""
    own = name.removeprefix("own:")
    module, function = (_OWN_CHECKS, own) if own != name else (f"stdnum.{name}", "is_valid")
    check: Callable[[str], bool] = getattr(import_module(module), function)
    return check
