"""Texts about one group of people, rewritten to be about another.

Input: a text, its locale and a group such as `religion/muslims`. Output: the text with the words of that axis replaced
by those of the group, or None where it cannot be said with certainty how. The words (`group_terms/*.toml`) were written
for this package; the groups are those of the dataset report. Pure but for reading these files.

Limits: a text is rewritten if it names exactly one group of the axis. Grammar is kept where the words alone decide it:
in English a/an follows the word; German nouns are listed with their articles, and other agreement is not looked at.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from polyloop.evaluation.suites.scripts import UNSPACED, script_of

_FOLDER = Path(__file__).parent / "group_terms"
_SETTINGS = ("ignore", "only_put_in")
_VOWELS = tuple("aeiouAEIOU")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The words of one axis, such as gender or origin, in one language."""

    name: str
    groups: tuple[str, ...]
    forms: tuple[tuple[str, ...], ...]
    """Words that say the same of each group, in the order of `groups`; empty where a group has none."""
    pattern: re.Pattern[str]
    """Finds the words, and in English an article before them."""
    only_put_in: frozenset[str]
    ignored: frozenset[str]

    def rewritten(self, text: str, group: str) -> str | None:
        """Return the text about `group`; None if it names no other group of the axis, several, or an uncertain word."""
        column = self.groups.index(group)
        found = [match["word"].lower() for match in self.pattern.finditer(text)]
        named = [word for word in found if word not in self.ignored and word not in self.only_put_in]
        source = self._only_source(named)
        if source is None or source == column:
            return None
        partners = {word: self._partners(word, source, column) for word in named}
        if any(len(found) != 1 for found in partners.values()):
            return None

        def put_in(match: re.Match[str]) -> str:
            (partner,) = partners.get(match["word"].lower(), {None})
            return match[0] if partner is None else _like(match, partner)

        return self.pattern.sub(put_in, text)

    def _only_source(self, words: Sequence[str]) -> int | None:
        """Return the group that all the words are of; None without words, for several groups, and for a spelling that
        is found without regard to case (ı for i, ſ for s) and stands in no list."""
        sources = {self._column_of(word) for word in words}
        return sources.pop() if len(sources) == 1 else None

    def _column_of(self, word: str) -> int | None:
        columns = (
            column for form in self.forms for column, other in enumerate(form) if other and other.lower() == word
        )
        return next(columns, None)

    def _partners(self, word: str, source: int, column: int) -> set[str | None]:
        return {form[column] for form in self.forms if form[source].lower() == word and form[column]}


@cache
def axes_of(locale: str) -> tuple[Axis, ...]:
    """Return the axes that there are words for in a locale; empty where there is no list."""
    script = script_of(locale)
    language = locale.partition("-")[0]
    for name in (f"{language}-{script}", language):
        path = _FOLDER / f"{name}.toml"
        if path.is_file():
            data = tomllib.loads(path.read_text(encoding="utf-8"))
            return tuple(
                _axis(axis, data, language=language, is_spaced=script not in UNSPACED)
                for axis in data
                if axis not in _SETTINGS
            )
    return ()


def _axis(name: str, data: dict[str, Any], *, language: str, is_spaced: bool) -> Axis:
    forms = tuple(tuple(form) for form in data[name]["forms"])
    ignored = data.get("ignore", [])
    return Axis(
        name=name,
        groups=tuple(data[name]["groups"]),
        forms=forms,
        pattern=_pattern([*ignored, *(word for form in forms for word in form if word)], language, is_spaced),
        only_put_in=frozenset(word.lower() for word in data.get("only_put_in", [])),
        ignored=frozenset(ignored),
    )


def _pattern(words: Sequence[str], language: str, is_spaced: bool) -> re.Pattern[str]:
    longest_first = sorted({word.lower() for word in words}, key=lambda word: (-len(word), word))
    either = f"(?P<word>{'|'.join(map(re.escape, longest_first))})"
    article = r"(?:(?P<article>an?)(?P<gap>\s+))?" if language == "en" else r"(?P<article>(?!))?(?P<gap>)"
    return re.compile(rf"\b{article}{either}\b" if is_spaced else f"{article}{either}", re.IGNORECASE)


def _like(match: re.Match[str], partner: str) -> str:
    """Return the partner of a found word in the found word's case, with the article that it needs."""
    word = match["word"]
    if len(word) > 1 and word.isupper():
        partner = partner.upper()
    elif word[0].isupper():
        partner = partner[0].upper() + partner[1:]
    if not match["article"]:
        return match["gap"] + partner if match["gap"] else partner
    article = match["article"][0] + ("n" if partner.startswith(_VOWELS) else "")
    return article + match["gap"] + partner
