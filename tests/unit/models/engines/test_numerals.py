"""Tests of token ids as strings."""

import pytest

from polyloop.models.engines.numerals import OUTSIDE, numerals, to_ids, to_tokens


def test_ids_and_tokens_stand_one_to_one() -> None:
    tokens = numerals(1_000)
    assert len(set(tokens)) == 1_000
    assert to_ids(tokens) == list(range(1_000))
    assert [tokens[token_id] for token_id in range(1_000)] == to_tokens(range(1_000))


def test_what_is_never_used_is_no_numeral() -> None:
    assert OUTSIDE not in numerals(100)
    with pytest.raises(ValueError, match=OUTSIDE):
        to_ids([OUTSIDE])
