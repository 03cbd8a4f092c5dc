"""Tells the locale of an input among those that a project serves.

Input: a text and the candidate locales. Output: one of them, or `und` for a text that is too short, has no letters, or
is in another language. The script decides where it can; between languages that share one, a naive Bayes model over byte
n-grams does (py3langid, https://github.com/adbar/py3langid; its model is inside the package, so no network is needed).
Limits: locales that differ by region alone (en-US, en-GB) cannot be told apart; the first of them is returned.
Thread-safe: the model is loaded once, at the first text that needs it, and is only read after that.
"""

import re
import threading
from collections.abc import Sequence

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from polyloop.data.scripts import chinese_script, dominant_script
from polyloop.spec.models import UNDETERMINED

SCRIPT_LANGUAGE = {
    "Armn": "hy",
    "Geor": "ka",
    "Grek": "el",
    "Gujr": "gu",
    "Guru": "pa",
    "Hang": "ko",
    "Hani": "zh",
    "Hebr": "he",
    "Kana": "ja",
    "Khmr": "km",
    "Knda": "kn",
    "Laoo": "lo",
    "Mlym": "ml",
    "Mymr": "my",
    "Orya": "or",
    "Sinh": "si",
    "Taml": "ta",
    "Telu": "te",
    "Thai": "th",
}
"""Scripts that today's texts in one language, nearly always, are written in."""

LANGUAGE_SCRIPTS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("be", "bg", "ba", "ky", "mk", "ru", "tg", "tt", "uk"), frozenset({"Cyrl"})),
    **dict.fromkeys(("kk", "mn", "sr", "uz", "az", "tk", "bs"), frozenset({"Cyrl", "Latn"})),
    **dict.fromkeys(("ar", "arz", "ary", "fa", "ps", "sdh", "ug", "ur"), frozenset({"Arab"})),
    **dict.fromkeys(("hi", "mr", "ne", "sa", "gom"), frozenset({"Deva"})),
    **dict.fromkeys(("as", "bn"), frozenset({"Beng"})),
    "am": frozenset({"Ethi"}),
    "ku": frozenset({"Latn", "Arab"}),
}
"""Scripts of languages that share theirs with others; a language that is not here is written in Latin letters."""

MODEL_LANGUAGE = {"nb": "no"}
"""What the model calls a language, where that is not its BCP-47 tag."""

MIN_ODDS = 2.0
"""How many times likelier than the next candidate a candidate must be. Set on the shared Lingua test data."""

OUTSIDER_PROBABILITY = 0.5
"""Probability from which on another language is believed, if it is also `OUTSIDER_ODDS` times likelier."""

OUTSIDER_ODDS = 4.0

_NO_WORDS = re.compile(r"https?://\S+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}|[@#]\w+")
_load_lock = threading.Lock()
_loaded: list[LanguageIdentifier] = []


def identify(text: str, candidates: Sequence[str]) -> str:
    """Return the candidate locale that a text is in, or `und`.

    Chinese that could be simplified or traditional is taken for zh-Hans if that is a candidate; with one Chinese
    candidate, both are taken for it.
    """
    words = _NO_WORDS.sub(" ", text)
    script = dominant_script(words)
    if script is None:
        return UNDETERMINED
    if script == "Hani":
        return _chinese(words, candidates)
    if script in SCRIPT_LANGUAGE:
        return _first(SCRIPT_LANGUAGE[script], candidates)
    possible = [locale for locale in candidates if script in _scripts(locale)]
    return _by_model(words, possible) if possible else UNDETERMINED


def _by_model(text: str, candidates: Sequence[str]) -> str:
    probabilities: dict[str, float] = dict(_model().rank(text))
    scores: dict[str, float] = {}
    for locale in candidates:
        language = _language(locale)
        scores.setdefault(language, probabilities.pop(MODEL_LANGUAGE.get(language, language), 0.0))
    ranked = sorted(scores.values(), reverse=True)
    outsider = max(probabilities.values(), default=0.0)
    if outsider >= OUTSIDER_PROBABILITY and outsider >= OUTSIDER_ODDS * ranked[0]:
        return UNDETERMINED
    if ranked[0] == 0.0 or (len(ranked) > 1 and ranked[0] < MIN_ODDS * ranked[1]):
        return UNDETERMINED
    return _first(max(scores, key=lambda language: scores[language]), candidates)


def _chinese(text: str, candidates: Sequence[str]) -> str:
    chinese = [locale for locale in candidates if _language(locale) == "zh"]
    if len(chinese) < 2:
        return chinese[0] if chinese else UNDETERMINED
    wanted = f"zh-{chinese_script(text) or 'Hans'}"
    return next((locale for locale in chinese if locale.startswith(wanted)), chinese[0])


def _first(language: str, candidates: Sequence[str]) -> str:
    return next((locale for locale in candidates if _language(locale) == language), UNDETERMINED)


def _language(locale: str) -> str:
    return locale.partition("-")[0]


def _scripts(locale: str) -> frozenset[str]:
    """Return the scripts of a locale: its own subtag where it has one, those of its language otherwise."""
    parts = locale.split("-")
    if len(parts) > 1 and len(parts[1]) == 4:
        return frozenset({parts[1]})
    return LANGUAGE_SCRIPTS.get(parts[0], frozenset({"Latn"}))


def _model() -> LanguageIdentifier:
    if not _loaded:
        with _load_lock:
            if not _loaded:
                _loaded.append(LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True))
    return _loaded[0]
