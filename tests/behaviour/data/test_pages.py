"""Boilerplate removal on pages of the article extraction benchmark, by its own measure.

The measure is that of evaluate.py of github.com/scrapinghub/article-extraction-benchmark: multisets of runs of four
words, precision and recall of each page, and F1 from their means over pages. The benchmark's published figure for
trafilatura, over all of its 181 pages, is 0.958; here are the eight whose HTML is at hand.
"""

import gzip
import json
import re
import tarfile
from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

from polyloop.data.read.reader import read_rows
from polyloop.data.read.scan import scan_file

pytestmark = pytest.mark.datasets


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[start : start + 4]) for start in range(max(1, len(words) - 3)))


def test_articles_are_found_on_real_pages(datasets_dir: Path, tmp_path: Path) -> None:
    folder = datasets_dir / "dq_article_extraction"
    with gzip.open(folder / "articles.jsonl.gz", "rt") as stream:
        articles = {row["id"]: row["clean_text"] for row in map(json.loads, stream)}
    with tarfile.open(folder / "html_sample_8.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    precisions, recalls = [], []
    for path in sorted(tmp_path.rglob("*.html")):
        (piece,) = scan_file(str(path), "html", "utf-8").slices
        (row,) = read_rows(piece, ["text"])
        found, wanted = shingles(str((row.values or {"text": ""})["text"])), shingles(articles[path.stem])
        shared = (found & wanted).total()
        precisions.append(shared / found.total())
        recalls.append(shared / wanted.total())
    assert len(precisions) == 8
    f1 = 2 * mean(precisions) * mean(recalls) / (mean(precisions) + mean(recalls))
    assert f1 >= 0.958, f"F1 {f1:.4f}, precision {mean(precisions):.4f}, recall {mean(recalls):.4f}"
