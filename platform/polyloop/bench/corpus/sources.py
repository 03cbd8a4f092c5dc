"""Real text that benchmark material is made from: sentences by language and kind, from the public datasets.

Input: the folder of the public datasets. Output: `Pool`s, each with the rows of one kind of text in one language, a row
being its sentences in order. Every dataset used here is read whole: about 10 million characters in memory.
"""

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyloop.errors import DataError

LANGUAGES = ("ar", "de", "en", "es", "ru", "zh")
LABELS = ("caption", "dialogue", "encyclopedia", "headline", "mail", "news", "science", "web")
UNSPACED = frozenset({"zh"})
"""Languages whose words are not separated by spaces."""

MIN_ROW_CHARACTERS = 12
TITLES_PER_ROW = 12
"""Captions, titles and sentence pairs are too short to be paragraphs, so this many make a row."""

_SPACED_END = re.compile(r"(?<=[.!?؟])\s+")
# Chinese abstracts often end sentences with an ASCII full stop, which a decimal point is not taken for.
_UNSPACED_END = re.compile(r"(?<=[。！？；])|(?<=[^\x00-\x7f]\.)")


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Rows of one kind of text (its label) in one language; a row is a tuple of sentences, none of them empty."""

    language: str
    label: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def joint(self) -> str:
        """What stands between two sentences."""
        return "" if self.language in UNSPACED else " "


def read_pools(datasets: Path) -> tuple[Pool, ...]:
    """Return the pools, always in the same order; DataError, naming the folder, where a dataset is missing."""
    pools = [
        *(_prose(datasets, code, "encyclopedia", f"qa_xquad/{code}.paragraphs", "context") for code in LANGUAGES),
        _prose(datasets, "en", "mail", "sum_aeslc/train", "body"),
        _prose(datasets, "zh", "science", "sum_csl/abstract_title.dev", "abstract"),
        *(_talk(datasets, code) for code in ("de", "en", "zh")),
        *(_short(datasets, code, "caption", "mt_multi30k/train", code) for code in ("de", "en")),
        *(_short(datasets, code, "news", "mt_tatoeba_zh_en/news_commentary_v13_sample", code) for code in ("en", "zh")),
        _short(datasets, "zh", "headline", "cls_thucnews_titles/train_45k", "text"),
        *(_web(datasets, code) for code in LANGUAGES),
    ]
    return tuple(pools)


def _prose(datasets: Path, language: str, label: str, name: str, column: str) -> Pool:
    texts = (str(row[column]) for row in _jsonl(datasets / f"{name}.jsonl.gz"))
    return _pool(language, label, (sentences(text, language) for text in texts))


def _talk(datasets: Path, language: str) -> Pool:
    dialogues = _jsonl(datasets / "dlg_xdailydialog/train_1k_part.jsonl.gz")
    return _pool(language, "dialogue", (_clean(row[language]) for row in dialogues))


def _short(datasets: Path, language: str, label: str, name: str, column: str) -> Pool:
    return _grouped(language, label, [row[column] for row in _tsv(datasets / f"{name}.tsv.gz")])


def _web(datasets: Path, language: str) -> Pool:
    rows = _tsv(datasets / "dq_lingua_langid/sentences.tsv.gz")
    return _grouped(language, "web", [row["text"] for row in rows if row["lang"] == language])


def _grouped(language: str, label: str, texts: Sequence[str]) -> Pool:
    clean = _clean(texts)
    starts = range(0, len(clean), TITLES_PER_ROW)
    return _pool(language, label, (clean[start : start + TITLES_PER_ROW] for start in starts))


def _pool(language: str, label: str, rows: Iterator[Sequence[str]]) -> Pool:
    kept = (tuple(row) for row in rows if sum(map(len, row)) >= MIN_ROW_CHARACTERS)
    return Pool(language=language, label=label, rows=tuple(kept))


def sentences(text: str, language: str) -> list[str]:
    """Return the sentences of a text, without the white space around them."""
    end = _UNSPACED_END if language in UNSPACED else _SPACED_END
    return _clean(end.split(text))


def _clean(texts: Sequence[object]) -> list[str]:
    """Return the texts that have something in them, on one line each, without byte order marks."""
    collapsed = (" ".join(str(text).replace("\ufeff", "").split()) for text in texts)
    return [text for text in collapsed if text]


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    yield from (json.loads(line) for line in _lines(path))


def _tsv(path: Path) -> Iterator[dict[str, str]]:
    lines = _lines(path)
    names = next(lines).split("\t")
    yield from (dict(zip(names, line.split("\t"), strict=False)) for line in lines)


def _lines(path: Path) -> Iterator[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            yield from (line.rstrip("\n") for line in stream)
    except FileNotFoundError:
        raise DataError(
            f"{path}: benchmark material is made from this file; set POLYLOOP_DATASETS to the folder of the datasets"
        ) from None
