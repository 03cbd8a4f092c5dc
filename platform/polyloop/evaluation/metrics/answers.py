"""Exact match and token F1 of short answers, with normalisation that fits the locale.

Inputs: an answer, and the answers that are accepted (see `forms`; the best of them counts). As for SQuAD (Rajpurkar et
al. 2016, https://aclanthology.org/D16-1264/): case, punctuation and articles do not count; as for MLQA (Lewis et al.
2020, https://aclanthology.org/2020.acl-main.653/): punctuation of every script, the locale's own articles, and one
token per character where a script writes no spaces. An empty text is the statement that there is no answer: it matches
an empty reference and nothing else (Rajpurkar et al. 2018, https://aclanthology.org/P18-2124/).

Limits: only free-standing articles of the languages in `ARTICLES` are dropped; text that is nothing but articles keeps
them, so that it is not taken for "no answer". Articles are dropped by spelling, so German "das" (that) goes as well.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

from polyloop.evaluation.metrics.arrays import FloatArray, mean_points, mean_statistics
from polyloop.evaluation.metrics.definition import SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_answers, as_text
from polyloop.evaluation.scripts import writes_spaces
from polyloop.evaluation.units import words

ARTICLES: dict[str, str] = {
    "de": "der die das den dem des ein eine einen einem einer eines",
    "en": "a an the",
    "es": "el la los las lo un una unos unas",
    "fr": "le la les l un une des du d",
    "it": "il lo la i gli le l un uno una",
    "nl": "de het een",
    "pt": "o a os as um uma uns umas",
}
"""Language -> articles; the elided ones of French and Italian (l', d', un') stand without their apostrophe."""
_APOSTROPHE = re.compile("(?<=\\w)['’](?=\\w)")
_ELIDING = frozenset({"fr", "it"})


def answer_tokens(text: str, locale: str) -> list[str]:
    """Return the tokens of an answer that count: words without articles, or the characters of an unspaced script."""
    language = locale.split("-")[0]
    # An English or German apostrophe joins a word ("it's" is "its"); an elided article ends at it.
    joined = _APOSTROPHE.sub(" " if language in _ELIDING else "", text)
    tokens = words(joined, spaced=writes_spaces(locale))
    return [token for token in tokens if token not in _articles(language)] or tokens


def exact_match(given: str, wanted: str, locale: str) -> float:
    """Return 1.0 if both answers are the same after normalisation, else 0.0."""
    if not given.strip() or not wanted.strip():
        return float(not given.strip() and not wanted.strip())
    ours, theirs = answer_tokens(given, locale), answer_tokens(wanted, locale)
    # Answers of symbols alone ("±", "%") have no tokens and are compared as they are.
    return float(ours == theirs if ours or theirs else given.split() == wanted.split())


def token_f1(given: str, wanted: str, locale: str) -> float:
    """Return F1 of the tokens that two answers share, each as often as it stands in both, from 0 to 1."""
    ours, theirs = Counter(answer_tokens(given, locale)), Counter(answer_tokens(wanted, locale))
    if not ours or not theirs:
        return exact_match(given, wanted, locale)
    return 2.0 * (ours & theirs).total() / (ours.total() + theirs.total())


def exact_match_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return (1 if an accepted answer is met exactly, 1) for each row."""
    return mean_statistics(
        max(exact_match(as_text(given), wanted, locale) for wanted in as_answers(accepted))
        for given, accepted in zip(predictions, references, strict=True)
    )


def token_f1_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return (F1 with the accepted answer that is nearest, 1) for each row."""
    return mean_statistics(
        max(token_f1(as_text(given), wanted, locale) for wanted in as_answers(accepted))
        for given, accepted in zip(predictions, references, strict=True)
    )


@cache
def _articles(language: str) -> frozenset[str]:
    return frozenset(ARTICLES.get(language, "").split())


METRICS = (
    SummedMetric(name="exact_match", compares="answers", statistics=exact_match_statistics, score=mean_points),
    SummedMetric(name="token_f1", compares="answers", statistics=token_f1_statistics, score=mean_points),
)
