"""The C4 rules: is there enough running text on a page once its notices, menus and buttons are left aside?

Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", JMLR
21(140), section 2.2; the policy phrases and the longest word are from its code (tensorflow_datasets, `c4_utils`).
Input and output: a draft, unchanged.

What was adapted, and why:
- C4 takes lines out of a page and drops the page if too few sentences are left. Here the page is only judged: its text
  stays as it is, and the reason names what most of its lines failed by.
- Words on a line are counted by script, and sentences end with the marks of their script; Thai and Lao have none, so
  lines are not asked for any, and a space ends a sentence.
- A closing quotation mark or bracket may follow the mark.
- Policy phrases are in more languages than English.
- A text on one line is judged sentence by sentence, by what a sentence says and not by how it ends or how long it is.
- The paper's list of bad words is left out: it removes what minorities write of themselves (Dodge et al. 2021,
  arXiv:2104.08758).
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from polyloop.data.steps.document import (
    CLOSING_MARKS,
    TERMINAL_PUNCTUATION,
    UNPUNCTUATED_SCRIPTS,
    DocumentStep,
    Parts,
    ends_sentence,
)
from polyloop.data.words import count_words, words

POLICY_PHRASES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
    "nutzungsbedingungen",
    "datenschutzerklärung",
    "verwendet cookies",
    "verwenden cookies",
    "verwendung von cookies",
    "conditions d'utilisation",
    "politique de confidentialité",
    "utilise des cookies",
    "términos de uso",
    "política de privacidad",
    "política de privacidade",
    "termos de uso",
    "utiliza cookies",
    "uso de cookies",
    "informativa sulla privacy",
    "utilizza i cookie",
    "gebruiksvoorwaarden",
    "privacybeleid",
    "gebruikt cookies",
    "политика конфиденциальности",
    "политикой конфиденциальности",
    "условия использования",
    "использует файлы cookie",
    "سياسة الخصوصية",
    "شروط الاستخدام",
    "गोपनीयता नीति",
    "隐私政策",
    "隱私政策",
    "使用条款",
    "使用條款",
    "使用cookie",
    "使用 cookie",
    "プライバシーポリシー",
    "利用規約",
    "개인정보처리방침",
    "이용약관",
)
"""What a line about cookies or terms says, in lower case."""

_ELLIPSIS_ENDS = ("…", "...", "。。。")
_MARKS = re.compile(rf"[{re.escape(TERMINAL_PUNCTUATION)}]+[{re.escape(CLOSING_MARKS)}]*")
_CHINESE_OR_JAPANESE = re.compile("[\u3041-\u30fa\u3400-\u9fff]")
_NEED_SPACE = tuple(".!?…")


@dataclass(frozen=True, kw_only=True)
class C4Step(DocumentStep):
    """Thresholds of the C4 rules; defaults are the paper's."""

    name: ClassVar[str] = "c4"
    reasons: ClassVar[tuple[str, ...]] = (
        "c4_lorem_ipsum",
        "c4_curly_brace",
        "c4_javascript",
        "c4_policy",
        "c4_long_word",
        "c4_no_terminal_punctuation",
        "c4_short_lines",
        "c4_too_few_sentences",
    )

    min_sentences: int = 3
    """Fewest sentences on the lines that C4 keeps."""
    min_words_per_line: int = 5
    """Fewest words of a line that C4 keeps."""
    max_word_characters: int = 1_000
    """Longest word of a line that C4 keeps."""

    def judge(self, parts: Parts, locale: str) -> str | None:
        """Return the first rule that a text does not meet, or None."""
        lowered = parts.text.lower()
        if "lorem ipsum" in lowered:
            return "c4_lorem_ipsum"
        if "{" in lowered:
            return "c4_curly_brace"
        return self._sentences(parts, has_notices=_notice(lowered) is not None)

    def _sentences(self, parts: Parts, *, has_notices: bool) -> str | None:
        one_line = len(parts.lines) < 2
        kept = 0
        lost: Counter[str] = Counter()
        for line in sentences(parts.text, parts.script) if one_line else parts.lines:
            reason = _notice(line.lower()) if has_notices else None
            if reason is None and not one_line:
                reason = self._shape(line, parts.script)
            if reason is not None:
                lost[reason] += 1
                continue
            kept += 1 if one_line else len(sentences(line, parts.script))
            if kept >= self.min_sentences:
                return None
        return max(self.reasons, key=lambda reason: lost[reason]) if lost else "c4_too_few_sentences"

    def _shape(self, line: str, script: str | None) -> str | None:
        """Return why C4 takes a line out for how it looks."""
        found = words(line, script)
        if len(line) > self.max_word_characters and max(map(len, found), default=0) > self.max_word_characters:
            return "c4_long_word"
        if script not in UNPUNCTUATED_SCRIPTS and (not ends_sentence(line) or line.endswith(_ELLIPSIS_ENDS)):
            return "c4_no_terminal_punctuation"
        return "c4_short_lines" if count_words(found, script) < self.min_words_per_line else None


def _notice(lowered: str) -> str | None:
    """Return why C4 takes a line out for what it says."""
    if "javascript" in lowered:
        return "c4_javascript"
    return "c4_policy" if any(phrase in lowered for phrase in POLICY_PHRASES) else None


def sentences(text: str, script: str | None) -> list[str]:
    """Return the sentences of a text, by the marks that end them; a rest without a mark is one too."""
    if script in UNPUNCTUATED_SCRIPTS:
        return text.split()
    ends = [match.end() for match in _MARKS.finditer(text) if _is_end(text, match)]
    pieces = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    return [piece for piece in pieces if piece.strip()]


def _is_end(text: str, marks: re.Match[str]) -> bool:
    """Tell whether marks end a sentence: a full stop needs a space behind it, so that 3.5 and example.org are whole.

    Behind a Chinese or Japanese character it needs none: there, half-width marks stand for full-width ones.
    """
    start, end = marks.span()
    return (
        end == len(text)
        or not marks[0].startswith(_NEED_SPACE)
        or text[end].isspace()
        or _CHINESE_OR_JAPANESE.match(text, max(start - 1, 0)) is not None
    )
