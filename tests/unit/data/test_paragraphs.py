"""Paragraphs that repeat, and texts without them."""

import numpy as np
import pytest

import polyloop.data.paragraphs as module
from polyloop.data.paragraphs import find_lines, paragraph_hashes, repeated, unpack_spans, without_spans

NOTICE = "This message is for the person it is addressed to only; if you are not, please delete it at once."
BODY = "The meeting of the steering committee has been moved from Monday to Thursday, same room and time."
CHINESE = "本邮件仅供收件人阅读，如果您不是收件人请立即删除并通知发件人谢谢合作"


def test_lines_that_may_be_paragraphs_are_found_where_they_stand() -> None:
    lines = ["Hi,", BODY, "", NOTICE, BODY]
    text = " ".join(line for line in lines if line)
    spans = unpack_spans(find_lines(text, lines))
    assert [text[begin:end] for begin, end in spans] == [BODY, NOTICE, BODY]
    assert spans == sorted(spans)


def test_a_line_that_the_text_does_not_hold_is_passed_over() -> None:
    assert unpack_spans(find_lines(NOTICE, [BODY, NOTICE])) == [(0, len(NOTICE))]


def test_only_long_lines_are_paragraphs() -> None:
    _, long = paragraph_hashes([BODY, "short", "", CHINESE[:21], CHINESE[:15]])
    assert long.tolist() == [True, False, False, True, False]


def test_case_digits_and_punctuation_are_nothing() -> None:
    hashes, _ = paragraph_hashes([f"{NOTICE} 12:30", f"  {NOTICE.upper()}! 09.45 ", NOTICE])
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_paragraph_repeats_those_of_earlier_rows_only() -> None:
    hashes = np.array([5, 5, 7, 5, 7], dtype=np.uint64)
    order = np.array([2, 2, 2, 4, 1])
    assert repeated(hashes, order).tolist() == [False, False, True, True, False]


def test_of_no_paragraphs_none_repeats() -> None:
    assert repeated(np.zeros(0, np.uint64), np.zeros(0, np.int64)).tolist() == []


def test_spans_are_cut_out_and_the_rest_is_joined() -> None:
    text = f"Hi, {BODY} {NOTICE} Bye"
    (body, notice) = unpack_spans(find_lines(text, [BODY, NOTICE]))
    assert without_spans(text, [notice]) == f"Hi, {BODY} Bye"
    assert without_spans(text, [body, notice]) == "Hi, Bye"
    assert without_spans(NOTICE, [(0, len(NOTICE))]) == ""
    assert without_spans(text, []) == text


def test_hashes_do_not_depend_on_what_lines_are_worked_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{number} {line}" for number in range(20) for line in (BODY, NOTICE, CHINESE, "")]
    whole = paragraph_hashes(lines)
    monkeypatch.setattr(module, "CHUNK_CHARACTERS", 64)
    parts = paragraph_hashes(lines)
    assert all(np.array_equal(one, other) for one, other in zip(whole, parts, strict=True))


def test_no_lines_are_no_paragraphs() -> None:
    hashes, long = paragraph_hashes([])
    assert (hashes.tolist(), long.tolist()) == ([], [])
