"""Normalisation of text."""

import pytest

from polyloop.tasks.text import normalise_text


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
