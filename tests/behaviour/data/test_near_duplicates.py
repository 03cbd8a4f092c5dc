"""Near duplicates planted into real text are found, and nothing else, in English, German and Chinese.

Similarities are those of the documented shingles as plain Python sets, without the code that is tested.
"""

import csv
import gzip
import json
import random
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.support.shingles import plain_jaccard

from polyloop.data.decontamination import HeldOut, ngram_hashes, shared_ngram
from polyloop.data.near.clusters import SPLIT_RANKS, STAYS, Traits, resolve
from polyloop.data.near.search import find_near_duplicates, near_pairs
from polyloop.tasks.text import normalise_text

pytestmark = pytest.mark.datasets

THRESHOLD = 0.8
NUM_BASE = 3000
NUM_PLANTED = 1000


def english(folder: Path) -> list[str]:
    """Captions, e-mails and encyclopaedia paragraphs."""
    mails = json_lines(folder / "sum_aeslc" / "dev.jsonl.gz", "body")
    paragraphs = json_lines(folder / "qa_xquad" / "en.paragraphs.jsonl.gz", "context")
    return table(folder / "mt_multi30k" / "train.tsv.gz", "en")[:2300] + mails[:500] + paragraphs[:200]


def german(folder: Path) -> list[str]:
    """Captions, dialogue turns and encyclopaedia paragraphs."""
    turns = [turn for turns in json_lines(folder / "dlg_xdailydialog" / "dev.jsonl.gz", "de") for turn in turns]
    paragraphs = json_lines(folder / "qa_xquad" / "de.paragraphs.jsonl.gz", "context")
    captions = table(folder / "mt_multi30k" / "train.tsv.gz", "de")[:2000]
    return captions + [turn for turn in turns if len(turn) > 40][:800] + paragraphs[:200]


def chinese(folder: Path) -> list[str]:
    """Headlines and encyclopaedia paragraphs."""
    paragraphs = json_lines(folder / "qa_xquad" / "zh.paragraphs.jsonl.gz", "context")
    return table(folder / "cls_thucnews_titles" / "dev.tsv.gz", "text")[:2800] + paragraphs[:200]


LANGUAGES = pytest.mark.parametrize("texts_of", [english, german, chinese])


@lru_cache(maxsize=3)
def planted(texts_of: Callable[[Path], list[str]], folder: Path) -> tuple[list[str], list[tuple[int, int]]]:
    """Return real texts and edited copies behind them, and which pairs (original, copy) are alike."""
    generator = random.Random(texts_of.__name__)
    texts = list(dict.fromkeys(texts_of(folder)))[:NUM_BASE]
    alike = []
    for original in generator.sample(range(len(texts)), NUM_PLANTED):
        texts.append(edited(texts[original], generator))
        if plain_jaccard(texts[original], texts[-1]) >= THRESHOLD:
            alike.append((original, len(texts) - 1))
    return texts, alike


def edited(text: str, generator: random.Random) -> str:
    """Return a text with one to three of: a typo, swapped words, an insertion, other case, other punctuation."""
    edits = [typo, swap, insertion, lambda text, _: text.swapcase(), lambda text, _: text.replace(" ", ", ") + "!"]
    for edit in generator.choices(edits, k=generator.randint(1, 3)):
        text = edit(text, generator)
    return text


def typo(text: str, generator: random.Random) -> str:
    """Replace one character by another of the text."""
    place = generator.randrange(len(text))
    return text[:place] + generator.choice(text) + text[place + 1 :]


def swap(text: str, generator: random.Random) -> str:
    """Exchange two neighbouring words, or characters where there are no spaces."""
    between = " " if text.count(" ") > len(text) // 20 else ""
    parts = text.split(between) if between else list(text)
    place = generator.randrange(len(parts) - 1)
    parts[place : place + 2] = reversed(parts[place : place + 2])
    return between.join(parts)


def insertion(text: str, generator: random.Random) -> str:
    """Repeat a short stretch of the text elsewhere."""
    begin, place = generator.randrange(len(text)), generator.randrange(len(text))
    return text[:place] + text[begin : begin + generator.randint(1, 6)] + text[place:]


def json_lines(path: Path, field: str) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)[field] for line in lines]


def table(path: Path, column: str) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return [row[column] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]


@LANGUAGES
def test_planted_near_duplicates_are_found(texts_of: Callable[[Path], list[str]], datasets_dir: Path) -> None:
    texts, alike = planted(texts_of, datasets_dir)
    assert len(alike) >= NUM_PLANTED // 4
    found = set(map(tuple, near_pairs(texts, THRESHOLD).tolist()))
    assert len(found & set(alike)) >= 0.95 * len(alike)


@LANGUAGES
def test_nearly_all_that_is_dropped_repeats_a_text_that_stays(
    texts_of: Callable[[Path], list[str]], datasets_dir: Path
) -> None:
    texts, _ = planted(texts_of, datasets_dir)
    repeats = find_near_duplicates(texts, THRESHOLD)
    dropped = np.flatnonzero(repeats >= 0).tolist()
    assert all(repeats[repeats[row]] == -1 for row in dropped)
    true = sum(plain_jaccard(texts[row], texts[repeats[row]]) >= THRESHOLD for row in dropped)
    assert true >= 0.99 * len(dropped) > 0


@LANGUAGES
def test_what_stays_is_not_alike(texts_of: Callable[[Path], list[str]], datasets_dir: Path) -> None:
    texts, alike = planted(texts_of, datasets_dir)
    repeats = find_near_duplicates(texts, THRESHOLD)
    both_stay = [pair for pair in alike if repeats[pair[0]] == repeats[pair[1]] == -1]
    assert len(both_stay) <= 0.05 * len(alike)


def test_the_known_leakage_of_headlines_is_found(datasets_dir: Path) -> None:
    folder = datasets_dir / "cls_thucnews_titles"
    train, also_in = table(folder / "train_45k.tsv.gz", "text"), table(folder / "train_45k.tsv.gz", "also_in")
    held_out = {"holdout": table(folder / "test.tsv.gz", "text"), "dev": table(folder / "dev.tsv.gz", "text")}
    texts = list(map(normalise_text, held_out["holdout"] + held_out["dev"] + train))
    ranks = np.repeat(np.array([0, 1, 2], np.uint8), [len(held_out["holdout"]), len(held_out["dev"]), len(train)])
    traits = Traits(split=ranks, group=np.zeros(len(texts), np.int32), order=np.arange(len(texts)))
    repeats = resolve(near_pairs(texts, THRESHOLD, traits=traits), traits)
    of_train = repeats[-len(train) :]
    grams = HeldOut(13, np.unique(ngram_hashes(texts[: len(held_out["holdout"])], 13).hashes))
    shared = shared_ngram(texts[-len(train) :], grams)

    holdout, dev = set(held_out["holdout"]), set(held_out["dev"])
    # the column names one split, and 23 titles are in both
    in_test = {row for row, text in enumerate(train) if text in holdout}
    in_dev = {row for row, text in enumerate(train) if text in dev}
    assert (len(in_test), len(in_dev)) == (69, 82)
    assert in_test | in_dev == {row for row, where in enumerate(also_in) if where}
    assert {row for row in in_test | in_dev if of_train[row] == STAYS} == set()
    assert {row for row in in_test if ranks[of_train[row]] != SPLIT_RANKS["holdout"]} == set()
    assert {row for row in in_test if len(train[row]) > 20 and shared[row] is None} == set()


def test_a_row_is_paired_with_one_that_shares_a_part_only_if_that_is_large(datasets_dir: Path) -> None:
    texts = list(dict.fromkeys(english(datasets_dir)))[:NUM_BASE]
    halves = [text[: len(text) // 2] + other[len(other) // 2 :] for text, other in pairwise(texts)]
    pairs = near_pairs(texts + halves, THRESHOLD).tolist()
    assert all(plain_jaccard((texts + halves)[one], (texts + halves)[other]) >= THRESHOLD for one, other in pairs)
