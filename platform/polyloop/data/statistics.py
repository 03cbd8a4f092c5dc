"""Counts what a dataset holds: lengths, labels, corpora, licences, sources, scripts and words for groups of people.

Input: Arrow tables with the columns of `ENCODED_SCHEMA`, and `licence` and `source` where they are there. Output:
`Statistics`, which processes send each other as JSON and add up: every count is a whole number, so parts may be added
in any order and grouping with the same result. Pure. Limits: quantiles come from bins that are at most an eighth wide.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, NamedTuple, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polyloop.data.lengths import LengthHistogram
from polyloop.data.report.terms import language_of, word_list
from polyloop.data.rows import Split
from polyloop.data.scripts import dominant_script

STATISTICS_NAME = "statistics.json"
FORMAT_VERSION = 1

Side = Literal["input", "target"]

MAX_SOURCES = 20_000
"""Different sources that are counted one by one; with more, all rows count as unlisted."""

PUBLISHED_SOURCES = 50
"""Sources that statistics.json and the report list."""

OTHER_SCRIPT = "other"
"""Stands for letters of scripts that `polyloop.data.scripts` does not name."""


class TextKey(NamedTuple):
    """Which texts: of a split, on one side, in a locale."""

    split: Split
    side: Side
    locale: str


@dataclass(kw_only=True)
class TextStatistics:
    """Lengths and scripts of a set of texts."""

    characters: LengthHistogram = field(default_factory=LengthHistogram)
    tokens: LengthHistogram = field(default_factory=LengthHistogram)
    """Token ids that the model reads or learns to give, special ones included; empty for labels."""
    scripts: Counter[str] = field(default_factory=Counter)
    """ISO 15924 code -> letters."""

    @property
    def rows(self) -> int:
        """Number of texts."""
        return self.characters.count

    def merge(self, other: Self) -> None:
        """Add what another counted."""
        self.characters.merge(other.characters)
        self.tokens.merge(other.tokens)
        self.scripts.update(other.scripts)


@dataclass(kw_only=True)
class SourceCounts:
    """Rows by where they come from; URLs count under their host."""

    listed: Counter[str] = field(default_factory=Counter)
    unlisted_rows: int = 0
    """Rows of sources that are not listed."""
    has_overflowed: bool = False
    """True once there were more than `MAX_SOURCES` sources."""

    def update(self, counts: Counter[str], unlisted_rows: int = 0, has_overflowed: bool = False) -> None:
        """Add rows by source; too many sources empty the list, whichever part they come in."""
        self.listed.update(counts)
        self.unlisted_rows += unlisted_rows
        self.has_overflowed |= has_overflowed or len(self.listed) > MAX_SOURCES
        if self.has_overflowed:
            self.unlisted_rows += self.listed.total()
            self.listed.clear()

    def top(self, number: int) -> "SourceCounts":
        """Return the most frequent sources, with the rows of all others as unlisted."""
        kept = Counter(dict(sorted(self.listed.items(), key=lambda item: (-item[1], item[0]))[:number]))
        unlisted_rows = self.unlisted_rows + self.listed.total() - kept.total()
        return SourceCounts(listed=kept, unlisted_rows=unlisted_rows, has_overflowed=self.has_overflowed)


@dataclass(kw_only=True)
class Statistics:
    """What is counted over the rows of a dataset."""

    has_labels: bool
    """True where targets are labels."""
    texts: dict[TextKey, TextStatistics] = field(default_factory=dict)
    directions: Counter[tuple[Split, str, str]] = field(default_factory=Counter)
    """(split, locale, target locale) -> rows."""
    labels: Counter[tuple[Split, str, str]] = field(default_factory=Counter)
    """(split, locale, label) -> rows; empty where targets are free text."""
    corpora: Counter[tuple[Split, str]] = field(default_factory=Counter)
    """(split, corpus) -> rows."""
    licences: Counter[str] = field(default_factory=Counter)
    """Licence -> rows."""
    sources: SourceCounts = field(default_factory=SourceCounts)
    groups: Counter[tuple[Side, str, str, str]] = field(default_factory=Counter)
    """(side, locale, group of people, label or "") -> rows of the train split that name the group."""
    words: Counter[tuple[Side, str, str, str]] = field(default_factory=Counter)
    """(side, locale, group of people, word) -> rows of the train split that hold the word."""

    @classmethod
    def of(cls, table: pa.Table, *, has_labels: bool) -> Self:
        """Return the statistics of a table of encoded rows."""
        statistics = cls(has_labels=has_labels)
        statistics.add(table)
        return statistics

    def add(self, table: pa.Table) -> None:
        """Count the rows of a table."""
        self.directions.update(_counts(table, "split", "locale", "target_locale"))
        self.corpora.update(_counts(table, "split", "corpus"))
        if self.has_labels:
            self.labels.update(_counts(table, "split", "target_locale", "target"))
        if "licence" in table.column_names:
            self.licences.update({licence: rows for (licence,), rows in _counts(table, "licence").items()})
        if "source" in table.column_names:
            self.sources.update(_by_site(_counts(table, "source")))
        self._add_texts(table, "input", "locale")
        if not self.has_labels:
            self._add_texts(table, "target", "target_locale")

    def _add_texts(self, table: pa.Table, side: Side, locale_column: str) -> None:
        for (split, locale), _ in sorted(_counts(table, "split", locale_column).items()):
            chosen = pc.and_(pc.equal(table["split"], split), pc.equal(table[locale_column], locale))
            rows = table.filter(chosen)
            statistics = TextStatistics(scripts=_letters_by_script(rows[side]))
            statistics.characters.add(pc.utf8_length(rows[side]).to_numpy())
            statistics.tokens.add(pc.list_value_length(rows[f"{side}_ids"]).to_numpy())
            self.texts.setdefault(TextKey(split, side, locale), TextStatistics()).merge(statistics)
            if split == "train":
                self._add_terms(rows, side, locale)

    def _add_terms(self, rows: pa.Table, side: Side, locale: str) -> None:
        terms = word_list(language_of(locale))
        if terms is None:
            return
        labels = rows["target"].to_pylist() if self.has_labels else [""] * rows.num_rows
        found = [terms.find(text) for text in rows[side].to_pylist()]
        words = Counter(chain.from_iterable(found))
        groups = Counter(
            (group, label)
            for named, label in zip(found, labels, strict=True)
            if named
            for group in {term.group for term in named}
        )
        self.words.update({(side, locale, *term): count for term, count in words.items()})
        self.groups.update({(side, locale, *key): count for key, count in groups.items()})

    def merge(self, other: Self) -> None:
        """Add what another counted; both must be of the same task."""
        for key, statistics in other.texts.items():
            self.texts.setdefault(key, TextStatistics()).merge(statistics)
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.licences.update(other.licences)
        self.sources.update(other.sources.listed, other.sources.unlisted_rows, other.sources.has_overflowed)

    def locales(self, side: Side = "input") -> list[str]:
        """Return the locales of one side, in alphabetical order."""
        return sorted({key.locale for key in self.texts if key.side == side})

    def text(self, split: Split, side: Side, locale: str) -> TextStatistics:
        """Return what is known of some texts; empty statistics where there are none."""
        return self.texts.get(TextKey(split, side, locale), TextStatistics())

    def to_dict(self, *, num_sources: int | None = None) -> dict[str, Any]:
        """Return plain data in a fixed order, for `from_dict`; with `num_sources`, no more sources than that."""
        sources = self.sources if num_sources is None else self.sources.top(num_sources)
        return {
            "format_version": FORMAT_VERSION,
            "has_labels": self.has_labels,
            "texts": [_text_to_dict(key, self.texts[key]) for key in sorted(self.texts)],
            **{name: [[*key, rows] for key, rows in sorted(getattr(self, name).items())] for name in _COUNTERS},
            "licences": dict(sorted(self.licences.items())),
            "sources": {
                "listed": dict(sorted(sources.listed.items())),
                "unlisted_rows": sources.unlisted_rows,
                "has_overflowed": sources.has_overflowed,
            },
        }

    def to_json(self, *, num_sources: int | None = None) -> str:
        """Return the statistics as JSON, for `from_json`; `PUBLISHED_SOURCES` is what a dataset's folder holds."""
        return json.dumps(self.to_dict(num_sources=num_sources), ensure_ascii=False)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the statistics that `to_dict` wrote; ValueError for those of another format version."""
        if data.get("format_version") != FORMAT_VERSION:
            raise ValueError(f"format version {data.get('format_version')!r}, this code reads {FORMAT_VERSION}")
        statistics = cls(has_labels=data["has_labels"], licences=Counter(data["licences"]))
        for text in data["texts"]:
            statistics.texts[TextKey(text["split"], text["side"], text["locale"])] = TextStatistics(
                characters=LengthHistogram.from_dict(text["characters"]),
                tokens=LengthHistogram.from_dict(text["tokens"]),
                scripts=Counter(text["scripts"]),
            )
        for name in _COUNTERS:
            getattr(statistics, name).update({tuple(key): rows for *key, rows in data[name]})
        statistics.sources = SourceCounts(**{**data["sources"], "listed": Counter(data["sources"]["listed"])})
        return statistics

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the statistics that `to_json` wrote."""
        return cls.from_dict(json.loads(text))


_COUNTERS = ("directions", "labels", "corpora", "groups", "words")


def _text_to_dict(key: TextKey, text: TextStatistics) -> dict[str, Any]:
    return {
        **key._asdict(),
        "rows": text.rows,
        "characters": text.characters.to_dict(),
        "tokens": text.tokens.to_dict(),
        "scripts": dict(sorted(text.scripts.items())),
    }


def _counts(table: pa.Table, *names: str) -> Counter[Any]:
    """Return the number of rows of each combination of values, by tuples of them; an absent value counts as ""."""
    grouped = table.select(names).group_by(list(names), use_threads=False).aggregate([([], "count_all")])
    columns = [grouped[name].to_pylist() for name in (*names, "count_all")]
    counts: Counter[Any] = Counter()
    for *values, rows in zip(*columns, strict=True):
        counts[tuple("" if value is None else value for value in values)] += rows
    return counts


def _by_site(counts: Counter[tuple[str]]) -> Counter[str]:
    """Return rows by source, with URLs brought to their host."""
    by_site: Counter[str] = Counter()
    for (source,), rows in counts.items():
        by_site[source.split("/")[2] if source.startswith(("http://", "https://")) else source] += rows
    return by_site


def _letters_by_script(texts: pa.ChunkedArray) -> Counter[str]:
    """Return the number of letters of each script."""
    letters: Counter[str] = Counter()
    for chunk in texts.chunks:
        joined = "".join(cast("list[str]", chunk.to_pylist()))
        codes = np.bincount(np.frombuffer(joined.encode("utf-32-le", errors="replace"), dtype=np.uint32))
        for code in np.flatnonzero(codes):
            script = _script(int(code))
            if script is not None:
                letters[script] += int(codes[code])
    return letters


@lru_cache(maxsize=65_536)
def _script(code: int) -> str | None:
    """Return the script of a character: that of a text of nothing else, long enough to be told; None for no letter."""
    character = chr(code)
    if not character.isalpha():
        return None
    return dominant_script(character * 3) or OTHER_SCRIPT
