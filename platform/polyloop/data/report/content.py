"""The part of a report that tells what a dataset holds: sizes, lengths, labels, languages and words for people.

Input: `Statistics`, and the manifest for what was found while cleaning. Output: sections, None where there is nothing
to tell. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from markupsafe import Markup

from polyloop.data.lengths import LengthHistogram, bin_bounds
from polyloop.data.manifest import Manifest
from polyloop.data.rows import SPLITS
from polyloop.data.statistics import Side, Statistics, TextStatistics
from polyloop.pages.blocks import (
    Block,
    CellValue,
    Figures,
    Pair,
    Paragraph,
    Section,
    Table,
    percent,
    percent_text,
    table,
)
from polyloop.pages.charts import Bar, Column, bar_chart, histogram
from polyloop.pages.figure import NUM_COLOURS

MAX_CHARTS = 12
"""Plots of one kind that a page shows; the tables hold all."""

MAX_BARS = 20

LANGUAGE_NOTE = "language:"
"""How the notes of the language step begin."""

_SIDES: dict[Side, str] = {"input": "Inputs", "target": "Targets"}


def sizes(statistics: Statistics) -> Section:
    """Return the rows of each split and locale."""
    rows: dict[str, Counter[str]] = {}
    for (split, locale, target_locale), count in sorted(statistics.directions.items()):
        rows.setdefault(direction(locale, target_locale), Counter())[split] += count
    ordered = sorted(rows.items(), key=lambda item: (-item[1].total(), item[0]))
    bars = [Bar(name=name, parts=counts, text=f"{counts.total():,}") for name, counts in ordered[:MAX_BARS]]
    body: list[Sequence[CellValue]] = [
        (name, *(counts[split] for split in SPLITS), counts.total()) for name, counts in ordered
    ]
    totals = sum(rows.values(), Counter[str]())
    body.append(("all", *(totals[split] for split in SPLITS), totals.total()))
    return Section(
        key="sizes",
        title="Sizes",
        blocks=(
            Paragraph(text="The train split is learnt from, dev watches training, and holdout judges versions."),
            Pair(
                chart=bar_chart("Rows by locale and split", bars, SPLITS),
                table=table("Rows", ("locale", *SPLITS, "all"), body),
            ),
        ),
    )


def direction(locale: str, target_locale: str) -> str:
    """Return how a pair of locales is written: once where both are the same."""
    return locale if locale == target_locale else f"{locale} → {target_locale}"


def lengths(statistics: Statistics) -> Section:
    """Return how long the texts are, in characters and tokens, over all splits."""
    blocks: list[Block] = [
        Paragraph(text="All splits. Quantiles are exact up to 15 and right to within a sixteenth above."),
    ]
    for side in sorted({key.side for key in statistics.texts}):
        by_locale = texts_by_locale(statistics, side)
        shown = sorted(by_locale, key=lambda locale: (-by_locale[locale].rows, locale))[:MAX_CHARTS]
        blocks.append(Figures(charts=tuple(_length_charts(side, {locale: by_locale[locale] for locale in shown}))))
        blocks.append(_length_table(side, by_locale))
    return Section(key="lengths", title="Lengths", blocks=tuple(blocks))


def texts_by_locale(statistics: Statistics, side: Side) -> dict[str, TextStatistics]:
    """Return the texts of one side by locale, over all splits."""
    found: dict[str, TextStatistics] = {}
    for key, text in sorted(statistics.texts.items()):
        if key.side == side:
            found.setdefault(key.locale, TextStatistics()).merge(text)
    return found


def _length_charts(side: Side, by_locale: dict[str, TextStatistics]) -> Iterable[Markup]:
    ranges = _ranges([text.characters for text in by_locale.values()])
    for locale, text in by_locale.items():
        yield _length_chart(f"{_SIDES[side]} in {locale}: characters", text.characters, ranges)
    tokens = LengthHistogram()
    for text in by_locale.values():
        tokens.merge(text.tokens)
    yield _length_chart(f"{_SIDES[side]}, all locales: tokens", tokens, _ranges([tokens]))


def _ranges(histograms: Sequence[LengthHistogram]) -> list[tuple[int, int]]:
    """Return the shortest and longest length of each column: two a doubling, over all lengths of the histograms."""
    shortest = min((one.minimum for one in histograms if one.minimum is not None), default=0)
    longest = max((one.maximum for one in histograms if one.maximum is not None), default=0)
    starts = [0, 1, *(step << power for power in range(longest.bit_length()) for step in (2, 3))]
    return [(start, end - 1) for start, end in pairwise(starts) if end > shortest and start <= longest]


def _length_chart(title: str, lengths: LengthHistogram, ranges: Sequence[tuple[int, int]]) -> Markup:
    heights: Counter[int] = Counter()
    for number, texts in lengths.bins.items():
        heights[_column(bin_bounds(number)[1], ranges)] += texts
    columns = [
        Column(name=f"{low:,} to {high:,}" if low < high else f"{low:,}", height=heights[place], tick=_tick(low))
        for place, (low, high) in enumerate(ranges)
    ]
    median = lengths.quantile(0.5)
    return histogram(title, columns, marker=(_column(median, ranges) + 0.5, f"median {median:,}"))


def _column(length: int, ranges: Sequence[tuple[int, int]]) -> int:
    """Return the place of the column that a length belongs to."""
    return next((place for place, (_, high) in enumerate(ranges) if length <= high), len(ranges) - 1)


def _tick(start: int) -> str:
    """Return the label of a column's left edge: powers of four only, so that labels do not meet."""
    is_power = start > 0 and start & (start - 1) == 0 and (start.bit_length() - 1) % 2 == 0
    return f"{start:,}" if is_power else ""


def _length_table(side: Side, by_locale: dict[str, TextStatistics]) -> Block:
    rows: list[Sequence[CellValue]] = []
    for locale, text in by_locale.items():
        for unit, one in (("characters", text.characters), ("tokens", text.tokens)):
            quantiles = [one.quantile(part) for part in (0.05, 0.5, 0.95)]
            rows.append((locale, unit, one.count, one.mean, *quantiles, one.maximum or 0, one.total))
    headings = ("locale", "unit", "texts", "mean", "5 % below", "median", "95 % below", "longest", "all together")
    return table(f"{_SIDES[side]}: lengths", headings, rows)


def languages(manifest: Manifest, statistics: Statistics) -> Section:
    """Return the languages that the language step found, and the scripts that the kept texts are in."""
    found = found_by_corpus(manifest, LANGUAGE_NOTE)
    blocks: list[Block] = []
    if found:
        totals = sum(found.values(), Counter[str]())
        bars = [Bar(name=name, parts={"": n}, text=f"{n:,}") for name, n in totals.most_common(MAX_BARS)]
        blocks += [
            Paragraph(text="What each text looked like while cleaning, before any row was dropped for it."),
            Pair(
                chart=bar_chart("Languages found", bars, ("",)),
                table=found_table("Languages found, by corpus", "language", found),
            ),
        ]
    rows: list[Sequence[CellValue]] = []
    for side in sorted({key.side for key in statistics.texts}):
        for locale, text in texts_by_locale(statistics, side).items():
            parts = [f"{name} {percent_text(count / text.scripts.total())}" for name, count in _ranked(text.scripts)]
            rows.append((locale, side, text.scripts.total(), ", ".join(parts[:6]) or "no letters"))
    blocks.append(table("Scripts of the letters of kept texts", ("locale", "side", "letters", "scripts"), rows))
    return Section(key="languages", title="Languages and scripts", blocks=tuple(blocks))


def found_by_corpus(manifest: Manifest, prefix: str) -> dict[str, Counter[str]]:
    """Return corpus -> what its notes with a prefix counted, the prefix taken off; corpora without any are left out."""
    found = {
        name: Counter({what.removeprefix(prefix): n for what, n in record.found.items() if what.startswith(prefix)})
        for name, record in manifest.corpora.items()
    }
    return {name: counts for name, counts in found.items() if counts}


def found_table(caption: str, heading: str, found: dict[str, Counter[str]]) -> Table:
    """Return a table of what was found, a column for each corpus."""
    totals = sum(found.values(), Counter[str]())
    rows: list[Sequence[CellValue]] = [
        (what, *(counts[what] for counts in found.values()), count) for what, count in _ranked(totals)
    ]
    return table(caption, (heading, *found, "all"), rows)


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def labels(statistics: Statistics) -> Section | None:
    """Return how often each locale has each label; None where targets are free text."""
    if not statistics.has_labels:
        return None
    by_locale: dict[str, Counter[str]] = {}
    for (_, locale, label), count in sorted(statistics.labels.items()):
        by_locale.setdefault(locale, Counter())[label] += count
    totals = sum(by_locale.values(), Counter[str]())
    names = [label for label, _ in _ranked(totals)]
    shares: list[Sequence[CellValue]] = [
        (label, *(percent(counts[label] / counts.total(), heat=True) for counts in by_locale.values()), totals[label])
        for label in names
    ]
    by_split = Counter[tuple[str, str]]()
    for (split, _, label), count in statistics.labels.items():
        by_split[split, label] += count
    counts: list[Sequence[CellValue]] = [
        (label, *(by_split[split, label] for split in SPLITS), totals[label]) for label in names
    ]
    return Section(
        key="labels",
        title="Labels",
        blocks=(
            Pair(
                chart=_label_chart(by_locale, names, totals),
                table=table("Share of each label within a locale, all splits", ("label", *by_locale, "rows"), shares),
            ),
            table("Rows of each label by split", ("label", *SPLITS, "all"), counts, is_folded=True),
        ),
    )


def _label_chart(by_locale: dict[str, Counter[str]], names: Sequence[str], totals: Counter[str]) -> Markup:
    if len(names) > NUM_COLOURS:
        bars = [Bar(name=name, parts={"": totals[name]}, text=f"{totals[name]:,}") for name in names[:MAX_BARS]]
        rest = f", the {MAX_BARS} most frequent of {len(names)}" if len(names) > MAX_BARS else ""
        return bar_chart(f"Rows by label{rest}", bars, ("",))
    bars = [
        Bar(
            name=locale,
            parts={label: counts[label] / counts.total() for label in names},
            text=f"{counts.total():,}",
        )
        for locale, counts in by_locale.items()
    ]
    spoken = "; ".join(
        f"{bar.name}: {', '.join(f'{label} {percent_text(share)}' for label, share in bar.parts.items())}"
        for bar in bars
    )
    return bar_chart("Labels by locale", bars, names, longest=1, description=spoken)
