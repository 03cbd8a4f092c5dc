"""What the rules for documents share: the parts of a text, cut once for all rule sets, and the step they derive from.

Input: a text, with its line breaks or on one line. Output: lines, paragraphs, words, script.
Limits: on one line nothing is known of lines, so that rules on lines do not apply to a text that has only one.
"""

import re
from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar

from polyloop.data.scripts import dominant_script
from polyloop.data.steps.base import Draft, Step
from polyloop.data.words import CHARACTERS_PER_WORD, LETTERS_PER_CHARACTER, count_words, words

SCRIPT_CHARACTERS = 150
"""Characters from the start, and as many from the middle, that tell the script of a longer text."""

TERMINAL_PUNCTUATION = ".!?…。！？｡．؟۔।॥។៕။።፧"
"""Marks that end a sentence, of the scripts that have any."""

CLOSING_MARKS = "\"'”’»›“‘«)]」』）】》"
"""Quotation marks and brackets that may follow the end of a sentence; German and Danish close with “ or «."""

UNPUNCTUATED_SCRIPTS = frozenset({"Thai", "Laoo"})
"""Scripts whose sentences end in a space; rules on punctuation do not apply to them."""

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*")


class Parts:
    """A text and what it is made of; each part is cut when it is first asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def script(self) -> str | None:
        """ISO 15924 code of the script, None for too few letters."""
        middle = len(self.text) // 2
        if middle <= SCRIPT_CHARACTERS:
            return dominant_script(self.text)
        return dominant_script(self.text[:SCRIPT_CHARACTERS] + self.text[middle : middle + SCRIPT_CHARACTERS])

    @property
    def unspaced(self) -> bool:
        """True if the script puts no spaces between words."""
        return self.script in CHARACTERS_PER_WORD

    @property
    def letters_per_character(self) -> float:
        """English letters that say what one letter of the text says."""
        return LETTERS_PER_CHARACTER.get(self.script or "", 1.0)

    @cached_property
    def words(self) -> list[str]:
        """Words, or characters and what stands between them in scripts without spaces."""
        return words(self.text, self.script)

    @cached_property
    def num_words(self) -> float:
        """Number of words, or how many words the characters are worth."""
        return count_words(self.words, self.script)

    @cached_property
    def num_word_characters(self) -> int:
        """Number of characters in `words`."""
        return sum(map(len, self.words))

    @cached_property
    def lines(self) -> list[str]:
        """Lines that are not blank, without the space around them."""
        return [line for line in map(str.strip, self.text.splitlines()) if line]

    @cached_property
    def paragraphs(self) -> list[str]:
        """Blocks of lines between blank lines."""
        return [block for block in map(str.strip, _PARAGRAPH_BREAK.split(self.text)) if block]


@lru_cache(maxsize=2)
def parts_of(text: str) -> Parts:
    """Return the parts of a text; those of a row's two sides are kept until the next row, for the next rule set."""
    return Parts(text)


def ends_sentence(line: str) -> bool:
    """Tell whether a line ends with terminal punctuation, closing quotation marks and brackets left aside."""
    return line.rstrip(CLOSING_MARKS).endswith(tuple(TERMINAL_PUNCTUATION))


@dataclass(frozen=True, kw_only=True)
class DocumentStep(Step):
    """Rules that a document must meet; it is dropped for the first that it does not meet, and never changed."""

    reads: ClassVar[frozenset[str]] = frozenset({"input", "target", "locale", "target_locale", "has_label"})

    targets: bool = True
    """False judges inputs alone, for tasks whose targets are short by nature, such as summaries."""

    def apply(self, draft: Draft) -> str | None:
        """Return the reason to drop the row, or None."""
        for text, locale in draft.texts():
            reason = self.judge(parts_of(text), locale)
            if reason is not None or not self.targets:
                return reason
        return None

    @abstractmethod
    def judge(self, parts: Parts, locale: str) -> str | None:
        """Return the first rule that a text does not meet, one of `reasons`, or None."""
