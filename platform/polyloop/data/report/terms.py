"""Finds words for groups of people in texts: gender, age, religion, origin, disability and sexual orientation.

Input: a text and its locale. Output: which groups it names, with which words. The lists (`word_lists/*.toml`, one a
language) are short, hold neutral words only and were written for this package; they show where to look, and are no
measure of bias by themselves. Limits: words are matched as written, so homographs count ("Turkey", the `china` of
Spanish tableware), inflections that are not listed do not, and a text about nobody may still hold a pronoun.
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_FOLDER = Path(__file__).parent / "word_lists"
_UNSPACED = frozenset({"zh"})
# Marks that are part of a word but no letters to `re`: accents, Arabic vowels, Indian vowel signs, joiners.
_WORD = re.compile("[\\w\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u200c\u200d]+")
_SETTINGS = ("ignore", "prefixes")


class Term(NamedTuple):
    """A word and the group of people that it names, such as `religion/muslims`."""

    group: str
    word: str


@dataclass(frozen=True, kw_only=True)
class WordList:
    """The terms of one language."""

    groups: tuple[str, ...]
    words: dict[str, Term]
    """Single word, as it stands in a text -> term."""
    phrases: dict[str, tuple[tuple[str, Term], ...]]
    """What is looked for as a part of the text, by the word that it begins with; by "" where words are not spaced."""
    ignored: tuple[str, ...]
    """Longer words that hold a phrase and mean something else."""
    is_spaced: bool

    def find(self, text: str) -> set[Term]:
        """Return the terms of a text, each once."""
        lowered = text.lower()
        if not self.is_spaced:
            for word in self.ignored:
                lowered = lowered.replace(word, " ")
            return {term for phrase, term in self.phrases[""] if phrase in lowered}
        tokens = _WORD.findall(lowered)
        different = set(tokens)
        found = {self.words[word] for word in self.words.keys() & different}
        beginnings = self.phrases.keys() & different
        if beginnings:
            padded = f" {' '.join(tokens)} "
            found.update(term for word in beginnings for phrase, term in self.phrases[word] if phrase in padded)
        return found


def language_of(locale: str) -> str:
    """Return the language of a BCP-47 tag: zh for zh-Hans."""
    return locale.partition("-")[0]


@cache
def word_list(language: str) -> WordList | None:
    """Return the terms of a language, None for one without a list."""
    path = _FOLDER / f"{language}.toml"
    if not language.isalpha() or not path.is_file():
        return None
    data = tomllib.loads(unicodedata.normalize("NFC", path.read_text(encoding="utf-8")))
    axes = {name: groups for name, groups in data.items() if name not in _SETTINGS}
    groups = tuple(f"{axis}/{group}" for axis, names in axes.items() for group in names)
    terms = [Term(f"{axis}/{group}", word) for axis, names in axes.items() for group in names for word in names[group]]
    if language in _UNSPACED:
        return _unspaced(groups, terms, data)
    return _spaced(groups, terms, data)


def _unspaced(groups: tuple[str, ...], terms: list[Term], data: dict[str, Any]) -> WordList:
    ignored = tuple(data.get("ignore", ()))
    phrases = {"": tuple((term.word, term) for term in terms)}
    return WordList(groups=groups, words={}, phrases=phrases, ignored=ignored, is_spaced=False)


def _spaced(groups: tuple[str, ...], terms: list[Term], data: dict[str, Any]) -> WordList:
    words: dict[str, Term] = {}
    phrases: dict[str, tuple[tuple[str, Term], ...]] = {}
    for term in terms:
        tokens = _WORD.findall(term.word)
        if len(tokens) > 1:
            phrases[tokens[0]] = (*phrases.get(tokens[0], ()), (f" {' '.join(tokens)} ", term))
            continue
        for prefix in ("", *data.get("prefixes", ())):
            words.setdefault(prefix + term.word, term)
    return WordList(groups=groups, words=words, phrases=phrases, ignored=(), is_spaced=True)
