"""The FineWeb rules: do a text's lines look like prose, or like a list, a table or a menu?

Source: Penedo et al. 2024, "The FineWeb Datasets", arXiv:2406.17557, section 3.6; the share of line breaks is from the
pipeline's code (https://github.com/huggingface/datatrove, `FineWebQualityFilter`). For repeated lines the paper says
0.1, as the later FineWeb2 pipeline has it, while the code's default is 0.01: the paper's is taken.
Input and output: a draft, unchanged.

What was adapted, and why:
- A short line is measured in English letters: 30 of them are ten Chinese characters.
- The end of a line is that of its script (。！？ and others); Thai and Lao have none, so the rule is not asked of them.
- Line breaks are counted for each word, or for what characters are worth in words.
- All of these are rules on lines: a text on one line meets them.
"""

from dataclasses import dataclass
from typing import ClassVar

from polyloop.data.steps.document import UNPUNCTUATED_SCRIPTS, DocumentStep, Parts, ends_sentence


@dataclass(frozen=True, kw_only=True)
class FineWebStep(DocumentStep):
    """Thresholds of the FineWeb rules; defaults are the paper's."""

    name: ClassVar[str] = "fineweb"
    reasons: ClassVar[tuple[str, ...]] = (
        "fineweb_few_line_ends",
        "fineweb_short_lines",
        "fineweb_duplicate_lines",
        "fineweb_line_breaks",
    )

    min_ended_lines: float = 0.12
    """A text is dropped if this share of its lines, or less, ends with terminal punctuation."""
    min_short_lines: float = 0.67
    """A text is dropped if this share of its lines, or more, is short."""
    short_line_letters: int = 30
    """A line with fewer characters, as English letters, is short."""
    min_duplicate_line_characters: float = 0.1
    """A text is dropped if this share of its characters, or more, is in repeated lines."""
    max_line_breaks_per_word: float = 0.3
    """Most line breaks for each word."""

    def judge(self, parts: Parts, locale: str) -> str | None:
        """Return the first rule that a text does not meet, or None."""
        lines = parts.lines
        if len(lines) < 2:
            return None
        if parts.script not in UNPUNCTUATED_SCRIPTS and sum(map(ends_sentence, lines)) <= self.min_ended_lines * len(
            lines
        ):
            return "fineweb_few_line_ends"
        short_characters = self.short_line_letters / parts.letters_per_character
        if sum(len(line) < short_characters for line in lines) >= self.min_short_lines * len(lines):
            return "fineweb_short_lines"
        characters = sum(map(len, lines))
        if characters - sum(map(len, set(lines))) >= self.min_duplicate_line_characters * characters:
            return "fineweb_duplicate_lines"
        if parts.text.count("\n") > self.max_line_breaks_per_word * parts.num_words:
            return "fineweb_line_breaks"
        return None
