"""Token ids as strings: CTranslate2 takes and gives tokens as strings of its vocabulary, and ours are numerals.

The token of id 17 is "17". So ids and tokens stand one to one whatever the tokenizer's own strings are: those may occur
twice, may be fewer than the rows of the embedding, or be spelled by a user's text, which then would be read as special
tokens. The converted model needs no tokenizer.
"""

from collections.abc import Sequence

OUTSIDE = "outside"
"""Stands for tokens that the format wants named and that are never used, such as the unknown one; no numeral."""


def numerals(vocab_size: int) -> list[str]:
    """Return the vocabulary of a model with `vocab_size` embeddings, in the order of ids."""
    return [str(token_id) for token_id in range(vocab_size)]


def to_tokens(ids: Sequence[int]) -> list[str]:
    """Return the tokens of ids."""
    return [str(token_id) for token_id in ids]


def to_ids(tokens: Sequence[str]) -> list[int]:
    """Return the ids of tokens; ValueError for one that is not of `numerals`."""
    return [int(token) for token in tokens]
