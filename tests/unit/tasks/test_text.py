"""Normalisation of text."""

import sys
import unicodedata

import pytest

from polyloop.tasks.text import MARKS_OF_CLASS_0, MAX_MARKS, normalise_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a\t b\r\n\n c ", "a b c"),
        ("e\u0301", "\u00e9"),
        ("zero\u200bwidth", "zerowidth"),
        ("\ufeffmark", "mark"),
        ("soft\u00adhyphen", "softhyphen"),
        ("a\x00b\x07c", "abc"),
        ("no\u00a0break\u3000wide", "no break wide"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("unit\x1fseparator", "unit separator"),
        ("e\u200b\u0301", "\u00e9"),
        ("", ""),
        (" \u200b ", ""),
    ],
)
def test_text_is_normalised(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@pytest.mark.parametrize("text", ["a \u200b b", "e\u200b\u0301 x", "\u1100\u200b\u1161", " \u00ad \u200c "])
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0f73"])
def test_a_heap_of_marks_out_of_order_takes_no_minutes(marks: str) -> None:
    """Without a limit each of these takes minutes: sorting takes time with the square of their number."""
    text = f"caf\u00e9 a{marks * (100_000 // len(marks))} b"
    normalised = normalise_text(text)
    assert normalised.startswith("caf\u00e9 \u00e1" if "\u0301" in marks else "caf\u00e9 a")
    assert normalised.endswith(" b")
    assert len(normalised) <= len("caf\u00e9 a b") + 2 * MAX_MARKS
    assert normalise_text(normalised) == normalised


def test_as_many_marks_as_any_language_has_stay() -> None:
    text = "e" + "\u0316\u0301" * (MAX_MARKS // 2) + "x"
    assert normalise_text(text) == unicodedata.normalize("NFC", text)


def test_every_character_that_falls_apart_into_marks_counts_as_one() -> None:
    falling_apart = {
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.combining(character) == 0
        and unicodedata.combining(unicodedata.normalize("NFD", character)[0]) != 0
    }
    assert falling_apart == MARKS_OF_CLASS_0
