"""The part of a report about coverage and bias: labels by locale, and words for groups of people.

Input: `Statistics`. Output: a section. Pure; `bias` does the counting.
"""

from collections.abc import Sequence

from polyloop.data.report import terms
from polyloop.data.report.bias import (
    FALSE_DISCOVERY_RATE,
    MIN_EXPECTED,
    Coverage,
    LabelDifference,
    coverage,
    label_differences,
    label_skew,
)
from polyloop.data.statistics import Statistics
from polyloop.pages.blocks import (
    Block,
    CellValue,
    Figures,
    Paragraph,
    Section,
    percent,
    quoted,
    table,
)
from polyloop.pages.charts import Bar, bar_chart

_INTRODUCTION = (
    "How often rows of the train split name groups of people, by short lists of neutral words. The lists are not "
    "complete, a word can mean something else, and pronouns such as the French “il” also stand for things: use this to "
    "see where to look, not as a measure of fairness."
)
_READING = (
    "The difference is that of the label's share among rows that name the group against all rows of the locale, in "
    f"percentage points. “clear” means unlikely to be an accident (two-proportion z-test; of all that are called "
    f"clear, {100 * FALSE_DISCOVERY_RATE:.0f} % may be accidents, after Benjamini and Hochberg); “too few rows” means "
    f"fewer than {MIN_EXPECTED} rows would be expected in some cell, so nothing can be said."
)
_VERDICT_ORDER = ("clear", "may be chance", "too few rows")
_GENDERS = ("gender/women", "gender/men")


def people(statistics: Statistics) -> Section:
    """Return the coverage and bias tables."""
    covered = coverage(statistics)
    blocks: list[Block] = [*_skew(statistics)]
    if covered:
        blocks.append(Paragraph(text=_INTRODUCTION))
        blocks += _gender_charts(covered)
        blocks += _differences(label_differences(statistics))
        blocks.append(_coverage_table(covered))
    missing = _without_list(statistics)
    if missing:
        blocks.append(Paragraph(text=f"There is no word list for {', '.join(missing)}, so nothing is counted there."))
    return Section(key="people", title="Coverage and bias", blocks=tuple(blocks))


def _skew(statistics: Statistics) -> list[Block]:
    skews = label_skew(statistics)
    if not skews:
        return []
    rows = [(one.locale, one.rows, percent(one.distance, heat=True), one.reading) for one in skews]
    text = "The distance is the part of a locale's rows that would need another label for it to be like all together."
    headings = ("locale", "train rows", "distance", "the labels are")
    return [Paragraph(text=text), table("Labels of each locale against all locales together", headings, rows)]


def _gender_charts(covered: Sequence[Coverage]) -> list[Block]:
    charts = []
    for side in sorted({one.side for one in covered}):
        shares: dict[str, dict[str, float]] = {}
        for one in covered:
            if one.side == side and one.group in _GENDERS:
                shares.setdefault(one.locale, {})[one.group.partition("/")[2]] = one.share
        bars = [
            Bar(name=locale, parts=parts, text=" / ".join(f"{100 * share:.1f} %" for share in parts.values()))
            for locale, parts in shares.items()
        ]
        charts.append(bar_chart(f"{side.capitalize()}s with words for women / men", bars, ("women", "men")))
    return [Figures(charts=tuple(charts))]


def _differences(differences: Sequence[LabelDifference]) -> list[Block]:
    if not differences:
        return []
    clear = _by_size([one for one in differences if one.verdict == "clear"])
    largest: dict[tuple[str, str], LabelDifference] = {}
    for one in _by_size(differences):
        best = largest.setdefault((one.locale, one.group), one)
        if _VERDICT_ORDER.index(one.verdict) < _VERDICT_ORDER.index(best.verdict):
            largest[one.locale, one.group] = one
    every = sorted(largest.values(), key=lambda one: (one.locale, one.group))
    blocks: list[Block] = [Paragraph(text=_READING)]
    if clear:
        blocks.append(_difference_table("Labels that clearly go with words for a group", clear))
    else:
        blocks.append(Paragraph(text="No label clearly goes with words for a group."))
    blocks.append(_difference_table("Largest difference of each group", every, is_folded=True))
    return blocks


def _by_size(differences: Sequence[LabelDifference]) -> list[LabelDifference]:
    return sorted(differences, key=lambda one: (-abs(one.points), one.locale, one.group, one.label))


def _difference_table(caption: str, differences: Sequence[LabelDifference], *, is_folded: bool = False) -> Block:
    rows: list[Sequence[CellValue]] = [
        (
            one.locale,
            group_name(one.group),
            one.rows,
            one.label,
            percent(one.share),
            percent(one.locale_share),
            f"{one.points:+.1f}",
            one.verdict,
        )
        for one in differences
    ]
    headings = ("locale", "group", "rows", "label", "share there", "share in locale", "points", "verdict")
    return table(caption, headings, rows, is_folded=is_folded)


def _coverage_table(covered: Sequence[Coverage]) -> Block:
    rows: list[Sequence[CellValue]] = [
        (
            one.locale,
            one.side,
            group_name(one.group),
            one.rows,
            percent(one.share),
            quoted(", ".join(f"{word} {rows:,}" for word, rows in one.words)),
        )
        for one in covered
        if one.rows
    ]
    headings = ("locale", "side", "group", "rows", "share", "most frequent words")
    return table("Rows that name each group", headings, rows, is_folded=True)


def _without_list(statistics: Statistics) -> list[str]:
    locales = {key.locale for key in statistics.texts}
    return sorted(locale for locale in locales if terms.word_list(terms.language_of(locale)) is None)


def group_name(group: str) -> str:
    """Return a group as people read it: `Religion: muslims`."""
    axis, _, name = group.partition("/")
    return f"{axis}: {name.replace('_', ' ')}"
