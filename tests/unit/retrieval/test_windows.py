"""Windows of tokens that cover passages and map back to characters."""

from itertools import pairwise

import numpy as np
import pytest
from tests.support.tiny_reader import word_tokenizer

from polyloop.errors import ModelError
from polyloop.retrieval.windows import Window, WindowSize, make_windows

WORDS = [f"w{number}" for number in range(40)]
TOKENIZER = word_tokenizer([*WORDS, "who", "is", "it", "?"])
SMALL = WindowSize(max_tokens=16, overlap_tokens=4, max_question_tokens=6)


def read_words(window: Window, passage: str) -> list[str]:
    return [passage[start:end] for start, end in window.offsets[window.readable]]


def test_windows_cover_a_passage_and_overlap() -> None:
    passage = "  ".join(WORDS)
    windows = make_windows(TOKENIZER, "Who is it?", [passage], SMALL)
    found = [read_words(window, passage) for window in windows]
    assert all(len(window.readable) <= 16 for window in windows)
    assert found[0][0] == "w0"
    assert found[-1][-1] == "w39"
    assert all(before[-4:] == after[:4] for before, after in pairwise(found))


def test_offsets_count_characters_of_the_passage() -> None:
    passage = "\n W3 w1"
    (window,) = make_windows(TOKENIZER, "who", [passage], SMALL)
    assert read_words(window, passage) == ["W3", "w1"]
    assert window.model_inputs["input_ids"][0] == TOKENIZER.cls_token_id
    assert not window.readable[:3].any()
    assert window.offsets.dtype == np.int64


def test_each_passage_has_windows_of_its_own_and_empty_ones_none() -> None:
    windows = make_windows(TOKENIZER, "who", ["w1", " \n", "w2"], SMALL)
    assert [window.passage for window in windows] == [0, 2]


def test_a_long_question_is_cut_so_that_the_passage_has_room() -> None:
    (window,) = make_windows(TOKENIZER, "who " * 50, ["w1 w2 w3"], SMALL)
    assert list(window.readable).count(True) == 3
    assert window.model_inputs["input_ids"].count(TOKENIZER.get_vocab()["who"]) == 6


def test_special_tokens_written_out_are_ordinary_text() -> None:
    (window,) = make_windows(TOKENIZER, "[SEP]", ["w1 [CLS] w2"], SMALL)
    ids = window.model_inputs["input_ids"]
    assert ids.count(TOKENIZER.sep_token_id) == 2
    assert ids.count(TOKENIZER.cls_token_id) == 1


def test_a_window_without_room_for_a_passage_is_refused() -> None:
    with pytest.raises(ModelError, match="no room for a passage"):
        make_windows(TOKENIZER, "who is it ?", ["w1"], WindowSize(max_tokens=7, overlap_tokens=1))
