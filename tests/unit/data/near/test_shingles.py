"""What shingles a text has; the expected ones are made by plain Python sets."""

import random
import subprocess
import sys

import numpy as np
import pytest
from tests.support.shingles import plain_shingles

import polyloop.data.near.shingles as module
from polyloop.data.near.shingles import shingle_hashes

TEXTS = [
    "The quick brown fox, it jumps over the lazy dog!",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.",
    "词汇阅读是关键 08年考研暑期英语复习全指南",
    "苹果发布 iPhone 15 Pro，售价100元",
    "한국어 문장은 단어 사이를 띄어 쓴다",
    "นี่คือประโยคภาษาไทย",
    "ok",
    "年",
    "a b",
    "good 👍👍 day",
    "  -- spaces -- around --  ",
]


def hash_sets(texts: list[str], targets: list[str] | None = None) -> list[set[int]]:
    hashes, offsets = shingle_hashes(texts, targets)
    return [set(hashes[offsets[row] : offsets[row + 1]].tolist()) for row in range(len(offsets) - 1)]


@pytest.mark.parametrize("text", TEXTS)
def test_there_is_one_hash_for_each_shingle(text: str) -> None:
    assert len(hash_sets([text])[0]) == len(plain_shingles(text))


def test_texts_share_hashes_as_they_share_shingles() -> None:
    generator = random.Random(0)
    variants = [text[: generator.randrange(len(text))] + other for text in TEXTS for other in TEXTS]
    sets, plain = hash_sets(variants), [plain_shingles(text) for text in variants]
    for one in range(len(variants)):
        other = generator.randrange(len(variants))
        assert len(sets[one] & sets[other]) == len(plain[one] & plain[other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello, World", "hello world!"),
        ("ＡＢＣ１２３", "abc123"),
        ("词汇，阅读", "词汇 阅读"),
        ("iPhone发布", "iPhone 发布"),
        ("a  b\n\nc", "a b c"),
    ],
)
def test_case_width_punctuation_and_white_space_are_nothing(one: str, other: str) -> None:
    first, second = hash_sets([one, other])
    assert first == second


@pytest.mark.parametrize(
    ("one", "other"), [("售价10", "售价15"), ("a b", "ab"), ("!!!", "???"), ("👍", "👎"), ("", " ")]
)
def test_different_texts_have_different_shingles(one: str, other: str) -> None:
    first, second = hash_sets([one, other])
    assert first
    assert second
    assert first != second


def test_the_sides_of_a_pair_are_told_apart() -> None:
    straight, swapped, single = hash_sets(["hello", "hallo", "hello"], ["hallo", "hello", "!"])
    assert len(straight) == 2
    assert not straight & swapped
    assert single < straight


def test_rows_do_not_depend_on_what_they_are_worked_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shingle_hashes(TEXTS * 3)
    monkeypatch.setattr(module, "CHUNK_CHARACTERS", 50)
    parts = shingle_hashes(TEXTS * 3)
    assert np.array_equal(whole.hashes, parts.hashes)
    assert np.array_equal(whole.offsets, parts.offsets)


def test_no_texts_give_no_shingles() -> None:
    hashes, offsets = shingle_hashes([])
    assert (len(hashes), offsets.tolist()) == (0, [0])


def test_hashes_are_the_same_in_every_process() -> None:
    code = "from polyloop.data.near.shingles import shingle_hashes as s; print(s(['Grüße 你好']).hashes.tolist())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(shingle_hashes(["Grüße 你好"]).hashes.tolist())


def test_hashes_never_change() -> None:
    assert shingle_hashes(["Grüße 你好"]).hashes.tolist() == [908006451, 1337956046]
