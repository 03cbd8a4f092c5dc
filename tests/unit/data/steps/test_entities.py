"""Unescaping HTML entities."""

import pytest

from polyloop.data.steps.base import Draft
from polyloop.data.steps.entities import UnescapeEntities, unescape_entities


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Barnes &amp; Noble", "Barnes & Noble"),
        ("&quot;Gr&uuml;&szlig;e&quot; &#8222;ja&#8220; &#x1F600;", '"Grüße" „ja“ 😀'),
        ("8&frac12;&times;5", "8½×5"),
        ("a&nbsp;b", "a\u00a0b"),
        ("&#146;", "’"),
        ("&lt;b&gt;", "<b>"),
    ],
)
def test_entities_become_their_characters(text: str, plain: str) -> None:
    assert unescape_entities(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "AT&T",
        "AT&T; and others",
        "a &lt b",
        "https://example.org/?a=1&copy=2&lang=de",
        "if (a && b) c;",
        "& ; &; &#; &#x; &unknown; &#0; &#xD800; &#9999999;",
        "no entity",
        "",
    ],
)
def test_what_is_no_whole_entity_stays(text: str) -> None:
    assert unescape_entities(text) == text


def test_double_escaping_is_undone_and_deeper_escaping_is_not() -> None:
    assert unescape_entities("R&amp;amp;B") == "R&B"
    assert unescape_entities("&amp;amp;lt;") == "&lt;"


def test_both_texts_are_unescaped_and_counted_and_labels_are_not() -> None:
    pair = Draft(input="R&amp;B", target="&Auml;", locale="en", target_locale="de", has_label=False)
    UnescapeEntities().apply(pair)
    assert (pair.input, pair.target, pair.notes) == ("R&B", "Ä", {"entities:unescaped": 2})
    labelled = Draft(input="plain", target="R&amp;B", locale="en", target_locale="en", has_label=True)
    UnescapeEntities().apply(labelled)
    assert (labelled.target, labelled.notes) == ("R&amp;B", {})


def test_lone_surrogates_do_no_harm() -> None:
    assert unescape_entities("\ud800&amp;") == "\ud800&"
