"""The Gopher quality rules: is a text prose in sentences, or a menu, a list of names, or noise?

Source: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", arXiv:2112.11446,
appendix A.1.1. Input and output: a draft, unchanged.

What was adapted, and why:
- In scripts without spaces, words are counted in characters and converted (`polyloop.data.words`); the shortest mean
  word does not apply, since the unit is a character; the longest does, and finds texts full of links and codes.
- Mean word length is in English letters, since a Korean or Chinese character says more than a letter does.
- The paper's eight English stop words are lists of each language; a language without a list is not asked for any.
- Rules on lines do not apply to a text on one line.
- Chinese writes an ellipsis as two signs; a run of them is one.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from polyloop.data.steps.document import DocumentStep, Parts
from polyloop.data.stop_words import has_stop_words

BULLETS = tuple("•‣◦▪●○■□◆▶►·・*-–—")
"""What a line of a list begins with."""

SHORTER_MEAN_WORD = {"vi": 2.5}
"""Language -> its own shortest mean word, where ordinary prose is below the paper's: Vietnamese writes each syllable as
a word, of 3.6 characters on average."""

_ELLIPSIS = re.compile(r"…+|\.{3,}|。{3,}|・{3,}")
_ELLIPSIS_ENDS = ("…", "...", "。。。", "・・・")


@dataclass(frozen=True, kw_only=True)
class GopherQualityStep(DocumentStep):
    """Thresholds of the Gopher quality rules; defaults are the paper's."""

    name: ClassVar[str] = "gopher"
    reasons: ClassVar[tuple[str, ...]] = (
        "gopher_too_few_words",
        "gopher_too_many_words",
        "gopher_short_words",
        "gopher_long_words",
        "gopher_hash_signs",
        "gopher_ellipses",
        "gopher_bullet_lines",
        "gopher_ellipsis_lines",
        "gopher_few_alphabetic_words",
        "gopher_few_stop_words",
    )

    min_words: int = 50
    """Fewest words."""
    max_words: int = 100_000
    """Most words."""
    min_mean_word_letters: float = 3.0
    """Shortest mean word, in English letters."""
    max_mean_word_letters: float = 10.0
    """Longest mean word, in English letters."""
    max_symbols_per_word: float = 0.1
    """Most hash signs, and most ellipses, for each word."""
    max_bullet_lines: float = 0.9
    """Largest share of lines that begin with a bullet."""
    max_ellipsis_lines: float = 0.3
    """Largest share of lines that end with an ellipsis."""
    min_alphabetic_words: float = 0.8
    """Smallest share of words with at least one letter."""
    min_stop_words: int = 2
    """Fewest different stop words."""

    def judge(self, parts: Parts, locale: str) -> str | None:
        """Return the first rule that a text does not meet, or None."""
        language = locale.partition("-")[0]
        return (
            self._words(parts, language) or self._symbols(parts) or self._lines(parts) or self._prose(parts, language)
        )

    def _words(self, parts: Parts, language: str) -> str | None:
        if parts.num_words < self.min_words:
            return "gopher_too_few_words"
        if parts.num_words > self.max_words:
            return "gopher_too_many_words"
        mean_characters = parts.num_word_characters / max(len(parts.words), 1)
        if parts.unspaced:
            return "gopher_long_words" if mean_characters > self.max_mean_word_letters else None
        mean_letters = mean_characters * parts.letters_per_character
        if mean_letters < SHORTER_MEAN_WORD.get(language, self.min_mean_word_letters):
            return "gopher_short_words"
        return "gopher_long_words" if mean_letters > self.max_mean_word_letters else None

    def _symbols(self, parts: Parts) -> str | None:
        most = self.max_symbols_per_word * parts.num_words
        if parts.text.count("#") + parts.text.count("＃") > most:
            return "gopher_hash_signs"
        if not any(mark in parts.text for mark in _ELLIPSIS_ENDS):
            return None
        return "gopher_ellipses" if len(_ELLIPSIS.findall(parts.text)) > most else None

    def _lines(self, parts: Parts) -> str | None:
        lines = parts.lines
        if len(lines) < 2:
            return None
        if sum(line.startswith(BULLETS) for line in lines) > self.max_bullet_lines * len(lines):
            return "gopher_bullet_lines"
        if sum(line.endswith(_ELLIPSIS_ENDS) for line in lines) > self.max_ellipsis_lines * len(lines):
            return "gopher_ellipsis_lines"
        return None

    def _prose(self, parts: Parts, language: str) -> str | None:
        alphabetic = [word for word in parts.words if word.isalpha() or any(map(str.isalpha, word))]
        total = parts.num_words
        share = (total - (len(parts.words) - len(alphabetic))) / total if total else 0.0
        if share < self.min_alphabetic_words:
            return "gopher_few_alphabetic_words"
        enough = has_stop_words(parts.text, parts.words, language, self.min_stop_words)
        return "gopher_few_stop_words" if enough is False else None
