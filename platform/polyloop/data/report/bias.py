"""Says whether labels go with a locale or with words for people, and how sure that is; pure.

Input: `Statistics`. Output: the skew of each locale's labels, and for each group of people how the labels of rows that
name it differ from those of its locale. Only the train split is looked at: it is what a model learns from. Limits: a
difference tells that words and labels go together in this text, not why, and not whether it is wrong.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from polyloop.data.report.terms import language_of, word_list
from polyloop.data.statistics import Side, Statistics

MIN_EXPECTED = 5
"""Rows that must be expected in each cell for the normal approximation to hold (Cochran 1954, Biometrics 10)."""

FALSE_DISCOVERY_RATE = 0.05
"""Part of the differences called clear that may be accidents (Benjamini and Hochberg 1995, JRSS B 57)."""

ALIKE, DIFFERENT = 0.05, 0.15
"""Distances below which labels are called alike, and from which on very different; chosen for plain reading."""

Verdict = Literal["clear", "may be chance", "too few rows"]


@dataclass(frozen=True, kw_only=True)
class LocaleSkew:
    """How far the labels of a locale are from those of all locales together."""

    locale: str
    rows: int
    distance: float
    """Total variation distance, 0 to 1: the part of the rows that would need another label."""
    reading: str


@dataclass(frozen=True, kw_only=True)
class LabelDifference:
    """One label among the rows that name a group, against all rows of the locale."""

    locale: str
    group: str
    rows: int
    """Rows that name the group."""
    label: str
    share: float
    """Part of those rows that have the label."""
    locale_share: float
    """Part of all rows of the locale that have it."""
    p_value: float | None
    """Two-sided, of the rows that name the group against those that do not; None for too few rows."""
    verdict: Verdict

    @property
    def points(self) -> float:
        """Difference in percentage points."""
        return 100 * (self.share - self.locale_share)


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How often a group is named on one side in a locale."""

    side: Side
    locale: str
    group: str
    rows: int
    share: float
    """Part of the train rows of the locale."""
    words: tuple[tuple[str, int], ...]
    """Most frequent words with their rows."""


def label_skew(statistics: Statistics) -> list[LocaleSkew]:
    """Return the skew of each locale of the train split, the largest first; nothing with fewer than two locales."""
    by_locale = _train_labels(statistics)
    if len(by_locale) < 2:
        return []
    pooled = sum(by_locale.values(), Counter[str]())
    skews = []
    for locale, labels in by_locale.items():
        rows = labels.total()
        gaps = (abs(labels[label] / rows - count / pooled.total()) for label, count in pooled.items())
        distance = sum(gaps) / 2
        skews.append(LocaleSkew(locale=locale, rows=rows, distance=distance, reading=_reading(distance)))
    return sorted(skews, key=lambda skew: (-skew.distance, skew.locale))


def label_differences(statistics: Statistics) -> list[LabelDifference]:
    """Return a difference for each locale, group that it names, and label, in the order of the word lists."""
    by_locale = _train_labels(statistics)
    found: list[LabelDifference] = []
    for locale, labels in sorted(by_locale.items()):
        for group in _groups(locale):
            named = Counter({label: statistics.groups["input", locale, group, label] for label in labels})
            if named.total():
                found += [_difference(locale, group, label, named, labels) for label in sorted(labels)]
    return _judged(found)


def coverage(statistics: Statistics, *, num_words: int = 5) -> list[Coverage]:
    """Return how often each group is named, for each side and locale that has a word list."""
    rows_by_group: Counter[tuple[Side, str, str]] = Counter()
    for (side, locale, group, _), rows in statistics.groups.items():
        rows_by_group[side, locale, group] += rows
    words: dict[tuple[Side, str, str], list[tuple[str, int]]] = {}
    for (side, locale, group, word), rows in statistics.words.items():
        words.setdefault((side, locale, group), []).append((word, rows))
    found = []
    for key, text in sorted(statistics.texts.items()):
        for group in _groups(key.locale) if key.split == "train" else ():
            place = (key.side, key.locale, group)
            ranked = sorted(words.get(place, ()), key=lambda item: (-item[1], item[0]))
            rows = rows_by_group[place]
            found.append(
                Coverage(
                    side=key.side,
                    locale=key.locale,
                    group=group,
                    rows=rows,
                    share=rows / text.rows,
                    words=tuple(ranked[:num_words]),
                )
            )
    return found


def _train_labels(statistics: Statistics) -> dict[str, Counter[str]]:
    by_locale: dict[str, Counter[str]] = {}
    for (split, locale, label), rows in sorted(statistics.labels.items()):
        if split == "train" and rows:
            by_locale.setdefault(locale, Counter())[label] = rows
    return by_locale


def _groups(locale: str) -> tuple[str, ...]:
    terms = word_list(language_of(locale))
    return terms.groups if terms else ()


def _reading(distance: float) -> str:
    if distance < ALIKE:
        return "much like all locales together"
    if distance < DIFFERENT:
        return "somewhat different from all locales together"
    return "very different: a model may learn the locale instead of the text"


def _difference(locale: str, group: str, label: str, named: Counter[str], labels: Counter[str]) -> LabelDifference:
    return LabelDifference(
        locale=locale,
        group=group,
        rows=named.total(),
        label=label,
        share=named[label] / named.total(),
        locale_share=labels[label] / labels.total(),
        p_value=two_proportions(named[label], named.total(), labels[label], labels.total()),
        verdict="too few rows",
    )


def two_proportions(hits: int, rows: int, all_hits: int, all_rows: int) -> float | None:
    """Return the two-sided p-value of a pooled z-test of `rows` against the other rows; None where it does not hold."""
    rest, share = all_rows - rows, all_hits / all_rows
    if min(rows, rest) * min(share, 1 - share) < MIN_EXPECTED:
        return None
    gap = hits / rows - (all_hits - hits) / rest
    return math.erfc(abs(gap) / math.sqrt(2 * share * (1 - share) * (1 / rows + 1 / rest)))


def _judged(differences: Sequence[LabelDifference]) -> list[LabelDifference]:
    """Return the differences with verdicts that allow for how many were looked at."""
    p_values = sorted(one.p_value for one in differences if one.p_value is not None)
    limit = max(
        (p for rank, p in enumerate(p_values, start=1) if p <= FALSE_DISCOVERY_RATE * rank / len(p_values)),
        default=-1.0,
    )

    def verdict(p_value: float | None) -> Verdict:
        if p_value is None:
            return "too few rows"
        return "clear" if p_value <= limit else "may be chance"

    return [replace(one, verdict=verdict(one.p_value)) for one in differences]
