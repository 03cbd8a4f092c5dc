"""Held-out text that is planted into train text is found, and clean text is left alone, in three languages."""

import gzip
import json
import random
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from polyloop.data.decontamination import MIN_UNITS, HeldOut, ngram_hashes, shared_ngram

pytestmark = pytest.mark.datasets

NGRAM = 13
LANGUAGES = pytest.mark.parametrize("language", ["en", "de", "zh"])
_UNIT = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]|[^\\W_\u3400-\u4dbf\u4e00-\u9fff]+")


def units(text: str) -> list[str]:
    """Return the words, and the Chinese characters, of a text."""
    return _UNIT.findall(text.lower())


def plain_grams(text: str) -> set[tuple[str, ...]]:
    found = units(text)
    if len(found) < NGRAM:
        return {tuple(found)} if len(found) >= MIN_UNITS else set()
    return {tuple(found[start : start + NGRAM]) for start in range(len(found) - NGRAM + 1)}


@lru_cache(maxsize=3)
def texts_of(folder: Path, language: str) -> tuple[list[str], list[str]]:
    """Return held-out and train texts: encyclopaedia paragraphs and questions, and dialogue turns."""
    texts = []
    for kind, field in (("paragraphs", "context"), ("questions", "question")):
        with gzip.open(folder / "qa_xquad" / f"{language}.{kind}.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)[field] for line in lines]
    with gzip.open(folder / "dlg_xdailydialog" / "dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts += [turn for line in lines for turn in json.loads(line)[language]]
    random.Random(0).shuffle(texts)
    return texts[:800], texts[800:4800]


def held_out_set(texts: list[str]) -> HeldOut:
    return HeldOut(NGRAM, np.unique(ngram_hashes(texts, NGRAM).hashes))


@LANGUAGES
def test_every_planted_overlap_is_found(language: str, datasets_dir: Path) -> None:
    held_out, train = texts_of(datasets_dir, language)
    generator = random.Random(1)
    contaminated = []
    for text in held_out:
        found = units(text)
        if len(found) >= NGRAM:
            start = generator.randrange(len(found) - NGRAM + 1)
            middle = ", ".join(found[start : start + NGRAM]).title()
            contaminated.append(f"{generator.choice(train)} -- {middle}! {generator.choice(train)}")
    assert len(contaminated) >= 200
    shared = shared_ngram(contaminated, held_out_set(held_out))
    assert [text for text, found in zip(contaminated, shared, strict=True) if found is None] == []


@LANGUAGES
def test_texts_are_found_exactly_if_they_share_a_sequence(language: str, datasets_dir: Path) -> None:
    held_out, train = texts_of(datasets_dir, language)
    generator = random.Random(2)
    near_misses = []
    for text in held_out:
        found = units(text)[: NGRAM - 1]
        near_misses.append(" ".join([*found, generator.choice(units(generator.choice(train)) or ["x"])]))
    grams = set().union(*map(plain_grams, held_out))
    texts = train + near_misses
    expected = [bool(plain_grams(text) & grams) for text in texts]
    shared = shared_ngram(texts, held_out_set(held_out))
    assert [found is not None for found in shared] == expected
    for sequence in filter(None, shared):
        assert plain_grams(sequence) & grams
