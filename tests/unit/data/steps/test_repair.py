"""Mending mojibake."""

import random

import pytest
from ftfy import fix_encoding
from ftfy.badness import MOJIBAKE_CATEGORIES

from polyloop.data.steps.base import Draft
from polyloop.data.steps.repair import RepairText


def repaired(text: str) -> str:
    draft = Draft(input=text, target=text, locale="de", target_locale="de", has_label=False)
    RepairText().apply(draft)
    assert draft.input == draft.target
    assert draft.notes == ({"repair:mended": 2} if draft.input != text else {})
    return draft.input


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
@pytest.mark.parametrize(
    "text", ["Das ist schön, größer geht's nicht.", "Où est l’hôtel ? Très près d’ici.", "5 € — naïve"]
)
def test_utf8_that_was_read_as_something_else_is_mended(text: str, encoding: str) -> None:
    assert repaired(text.encode().decode(encoding, errors="replace")) == text


def test_what_was_mistaken_twice_is_mended() -> None:
    assert repaired("schön".encode().decode("latin-1").encode().decode("latin-1")) == "schön"


def test_control_characters_of_windows_1252_are_mended() -> None:
    assert repaired("l\x92hôtel") == "l’hôtel"


@pytest.mark.parametrize(
    "text",
    [
        'plain ASCII, "quoted" & <b>',
        "Größe, Straße, Übermut",
        "L’été « déjà » passé…",
        "ÄÖÜ – Ça va ? Ñandú, São Tomé",
        "今天天气很好，我们去公园吧。",
        "今日はいい天気ですね。",
        "Съешь ещё этих мягких французских булок",
        "ﬁnde “this” x² ½ ™ Ａ１",
        "two\r\nlines\u2028and more",
        "😀👍🏽",
        "",
    ],
)
def test_correct_texts_stay_as_they_are(text: str) -> None:
    assert repaired(text) == text


@pytest.mark.parametrize(
    ("text", "mended"), [("\ud800", "\ud800"), ("schÃ¶n \ud83d", "schön \ud83d"), ("a\x00b", "a\x00b")]
)
def test_lone_surrogates_and_nulls_do_no_harm(text: str, mended: str) -> None:
    assert repaired(text) == mended


def test_texts_that_are_mostly_ascii_are_mended_as_ftfy_mends_whole_texts() -> None:
    draw = random.Random(5)
    others = [character for kind in MOJIBAKE_CATEGORIES.values() for character in kind if not character.isascii()]
    signs = [*others, *"ÂÃâ€œŠšВГРСЂЎў√≈‚Äāβ\xa0", *"ab Z.,?\n" * 30]
    for _ in range(3_000):
        text = f"{'Some words. ' * 4}{''.join(draw.choices(signs, k=draw.randint(1, 8)))}{' and more words' * 4}"
        assert repaired(text) == fix_encoding(text)


def test_a_label_is_not_touched() -> None:
    draft = Draft(input="schÃ¶n", target="schÃ¶n", locale="de", target_locale="de", has_label=True)
    RepairText().apply(draft)
    assert (draft.input, draft.target) == ("schön", "schÃ¶n")
