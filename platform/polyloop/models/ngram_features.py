"""The n-grams of a row, as hashes: of its tokens, and of its characters without regard to how tokens cut them.

Inputs: token ids, and a table of the characters of each token. Outputs: integers; nothing here is learned. Limits:
hashes have 62 bits, so that two of a million n-grams are alike once in ten million tables; a character
that the tokenizer cuts into bytes counts as those bytes.
"""

from collections.abc import Iterator

import torch
from transformers import PreTrainedTokenizerBase

MAX_TOKEN_CHARACTERS = 24
"""Characters of a token that the table holds; the rest of a longer token is left out."""

FIRST_BYTE = 0x110000
"""Number that stands for the byte 0 of a character that was cut; no character has it."""

MULTIPLIER = 0x5851F42D4C957F2D
"""Of Knuth's 64-bit linear congruential generator (MMIX); products wrap around."""


def hashed_ngrams(
    ids: torch.Tensor, present: torch.Tensor, longest: int, *, salt: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield for each order the n-grams' hashes, int64 and not negative, and which of them are there.

    `ids` is (rows, length) and `present` says where; a row's ids stand at its left. Orders longer than the rows are
    left out.
    """
    hashes = torch.zeros_like(ids)
    for order in range(1, min(longest, ids.shape[1]) + 1):
        width = ids.shape[1] - order + 1
        hashes = (hashes[:, :width] + ids[:, order - 1 :] + 1) * MULTIPLIER
        mixed = hashes ^ ((hashes >> 29) + salt + 16 * order)
        yield ((mixed * MULTIPLIER) >> 1).abs(), present[:, order - 1 :]


def token_characters(tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """Return the case-folded characters of each token, int32 (tokens, MAX_TOKEN_CHARACTERS), 0 where there is none."""
    table = torch.zeros(len(tokenizer), MAX_TOKEN_CHARACTERS, dtype=torch.int32)
    special = set(tokenizer.all_special_ids)
    # The same character stands for a byte in one kind of tokenizer and for itself in the one with byte fallback.
    as_bytes = "<0x00>" not in tokenizer.get_vocab()
    raw = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    for token_id, token in enumerate(raw):
        if token_id in special:
            continue
        characters = characters_of(token, as_bytes=as_bytes)[:MAX_TOKEN_CHARACTERS]
        table[token_id, : len(characters)] = torch.tensor(characters, dtype=torch.int32)
    return table


def characters_of(token: str, *, as_bytes: bool) -> list[int]:
    """Return the characters that a token of a byte-level BPE (`as_bytes`), or of one with byte fallback, stands for."""
    if not as_bytes:
        if token.startswith("<0x") and token.endswith(">"):
            return [FIRST_BYTE + int(token[3:-1], 16)]
        return [ord(one) for one in token.casefold()]
    content = bytes(BYTE_OF[character] for character in token)
    text = content.decode("utf-8", errors="surrogateescape").casefold()
    # A byte that is no character by itself is decoded as U+DC80 to U+DCFF.
    return [FIRST_BYTE + ord(one) - 0xDC00 if 0xDC80 <= ord(one) <= 0xDCFF else ord(one) for one in text]


def _byte_alphabet() -> dict[str, int]:
    """Return the byte for each character of the alphabet of byte-level BPE (Radford et al. 2019): printable Latin-1
    stands for itself, the other bytes for the characters from U+0100 on, in order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}


BYTE_OF = _byte_alphabet()
