"""Which texts share a sequence of words with held-out ones."""

from pathlib import Path

import numpy as np
import pytest

import polyloop.data.decontamination as module
from polyloop.data.decontamination import MIN_UNITS, HeldOut, ngram_hashes, shared_ngram

ENGLISH = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
CHINESE = "词汇阅读是关键零八年考研暑期英语复习全指南"


def held_out(texts: list[str], ngram: int = 13) -> HeldOut:
    return HeldOut(ngram, np.unique(ngram_hashes(texts, ngram).hashes))


def words(first: int, last: int) -> str:
    return " ".join(ENGLISH.split()[first:last])


def test_a_text_has_one_hash_for_each_sequence() -> None:
    hashes, offsets = ngram_hashes([ENGLISH, "", words(0, 13), CHINESE], 13)
    assert np.diff(offsets).tolist() == [3, 0, 1, len(CHINESE) - 12]
    assert len(np.unique(hashes)) == len(hashes) - 1


def test_thirteen_words_in_a_row_are_found_and_returned_as_written() -> None:
    text = f"Well: {words(1, 14).upper().replace(' ', ' - ')}, and so on"
    assert shared_ngram([text], held_out([ENGLISH])) == [words(1, 14).upper().replace(" ", " - ") + ","]


def test_twelve_words_in_a_row_are_not() -> None:
    assert shared_ngram([f"zero {words(1, 13)} and so on"], held_out([ENGLISH])) == [None]


def test_characters_count_as_words_in_scripts_without_spaces() -> None:
    found = held_out([CHINESE])
    assert shared_ngram([f"看，{CHINESE[3:16]}吧", f"看{CHINESE[3:15]}吧"], found) == [CHINESE[3:16], None]


def test_words_and_characters_of_one_text_count_alike() -> None:
    mixed = "用 Python 写 的 demo 程序 很 快 而且 简单"
    assert shared_ngram([mixed.replace(" ", "") + "！"], held_out([mixed])) == [mixed.replace(" ", "") + "！"]


def test_the_first_of_several_is_returned() -> None:
    assert shared_ngram([ENGLISH], held_out([ENGLISH])) == [words(0, 13)]


def test_short_texts_count_as_a_whole() -> None:
    short = words(0, MIN_UNITS)
    found = held_out([short])
    assert shared_ngram([short.title() + "!", f"{short} and more", words(0, MIN_UNITS - 1)], found) == [
        short.title() + "!",
        None,
        None,
    ]


def test_shorter_texts_do_not_count() -> None:
    assert len(ngram_hashes([words(0, MIN_UNITS - 1), "yes", ""], 13).hashes) == 0


@pytest.mark.parametrize("ngram", [1, 3, 8, 100])
def test_n_may_be_any_number(ngram: int) -> None:
    long = " ".join(f"word{number}" for number in range(200))
    part = " ".join(f"word{number}" for number in range(50, 50 + ngram))
    assert shared_ngram([f"x {part} y", f"x {part[:-1]}"], held_out([long], ngram))[0] == part


def test_an_empty_set_holds_nothing() -> None:
    assert shared_ngram([ENGLISH, ""], held_out([])) == [None, None]
    assert shared_ngram([], held_out([ENGLISH])) == []


def test_a_set_is_written_and_mapped(tmp_path: Path) -> None:
    path = tmp_path / "held-out.npy"
    HeldOut.write(path, [ngram_hashes([ENGLISH], 13).hashes, ngram_hashes([CHINESE, ENGLISH], 13).hashes])
    found = HeldOut.open(path, 13)
    assert isinstance(found.hashes, np.memmap)
    assert np.array_equal(found.hashes, held_out([CHINESE, ENGLISH]).hashes)
    assert shared_ngram([CHINESE], found) == [CHINESE[:13]]


def test_a_set_of_nothing_is_written_and_mapped(tmp_path: Path) -> None:
    HeldOut.write(tmp_path / "none.npy", [])
    assert shared_ngram([ENGLISH], HeldOut.open(tmp_path / "none.npy", 13)) == [None]


def test_results_do_not_depend_on_what_texts_are_worked_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{number} {ENGLISH} {CHINESE}" for number in range(30)]
    whole, found = ngram_hashes(texts, 13), shared_ngram(texts, held_out([CHINESE]))
    monkeypatch.setattr(module, "CHUNK_CHARACTERS", 100)
    parts = ngram_hashes(texts, 13)
    assert np.array_equal(whole.hashes, parts.hashes)
    assert np.array_equal(whole.offsets, parts.offsets)
    assert found == shared_ngram(texts, held_out([CHINESE])) == [CHINESE[:13]] * 30


def test_a_set_too_large_for_its_table_answers_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILTER_BITS", 2)
    generator = np.random.default_rng(0)
    hashes = np.unique(generator.integers(0, 2**64, 1000, dtype=np.uint64))
    found = HeldOut(13, hashes[::2])
    assert np.array_equal(found.contains(hashes), np.arange(len(hashes)) % 2 == 0)
