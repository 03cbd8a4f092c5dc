"""Terms are found whatever their case and width, as whole words where words stand between spaces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyloop.serving.guardrails.blocklist import Blocklist, fold


def found(terms: list[str], text: str) -> list[str]:
    return [text[start:end] for start, end in Blocklist(terms).find(text)]


@pytest.mark.parametrize(
    ("terms", "text", "wanted"),
    [
        (["ass"], "An ASS, no class, assets or bass-ass.", ["ASS", "ass"]),
        (["Straße"], "In der STRASSE und Straßen, auf der straße", ["STRASSE", "straße"]),
        (["bad word", "bad"], "a bad \n word, a Bad word, bad", ["bad \n word", "Bad word", "bad"]),
        (["bad"], "b\u200bad", ["b\u200bad"]),
        (["ハ"], "バハ", ["ハ"]),
        (["笨蛋"], "你这个笨蛋，大笨蛋！", ["笨蛋", "笨蛋"]),
        (["ﾊﾞｶ"], "それはバカだ", ["バカ"]),
        (["bad"], "ＢＡＤ idea", ["ＢＡＤ"]),
        (["bad"], "笨bad蛋", ["bad"]),
        (["c++"], "I like c++, not c", ["c++"]),
        (["naïve"], "NAÏVE", ["NAÏVE"]),
        (["क"], "की क", ["क"]),
        (["", "  "], "anything", []),
        (["x"], "", []),
    ],
)
def test_terms_in_texts(terms: list[str], text: str, wanted: list[str]) -> None:
    assert found(terms, text) == wanted


@given(st.text(), st.lists(st.text(min_size=1, max_size=4), max_size=5))
def test_spans_are_in_order_and_hold_terms(text: str, terms: list[str]) -> None:
    spans = Blocklist(terms).find(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(first[1] <= second[0] or first[0] < second[0] for first, second in pairwise(spans))
    wanted = {" ".join(fold(term)[0].split()) for term in terms}
    for start, end in spans:
        assert any(term in fold(text[start:end])[0] for term in wanted)


@given(st.text())
def test_folding_keeps_the_places(text: str) -> None:
    folded, places = fold(text)
    assert len(folded) == len(places)
    assert places == sorted(places)
