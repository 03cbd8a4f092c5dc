"""Cuts an answer that is still being written into pieces of text that can be sent at once.

Input: the ids of an answer, one after the other. Output: pieces whose concatenation is exactly the text of all ids.
What a later token may still change is held back: half a character, a space that may be the last one, and the few
characters before a punctuation mark where a tokenizer tidies spaces up.
"""

import re
from typing import Any

from polyloop.errors import ModelError
from polyloop.tasks.writing import TextKind

HALF_CHARACTER = "\ufffd"
"""What bytes decode to until the rest of their character is there."""
TIDIED_CHARACTERS = 4
"""Length of the longest ending that clean_up_tokenization_spaces changes, " n't"; all others are shorter."""
BYTE_TOKEN = re.compile(r"<0x[0-9A-F]{2}>")
"""A token of one byte. A run of them is decoded as a whole, so that a bad byte spoils the good ones before it."""


class TextPieces:
    """One answer on its way."""

    def __init__(self, tokenizer: Any, kind: TextKind) -> None:
        self._tokenizer, self._kind = tokenizer, kind
        self._held = TIDIED_CHARACTERS if tokenizer.clean_up_tokenization_spaces else 0
        self._ids: list[int] = []
        self._sent = ""

    def add(self, token_id: int) -> str:
        """Return the text that is certain with this id and was not before; often nothing."""
        self._ids.append(token_id)
        if self._is_byte(token_id):
            return ""
        text = self._decode()
        certain = text[: max(0, len(text) - self._held)].rstrip(HALF_CHARACTER).rstrip()
        return self._send(certain) if certain.startswith(self._sent) else ""

    def finish(self) -> str:
        """Return the rest; ModelError where the tokenizer decodes the whole in another way than its beginning."""
        text = self._decode()
        if not text.startswith(self._sent):
            raise ModelError(
                f"the tokenizer {self._tokenizer.name_or_path!r} changes text that was sent already; ask without "
                "streaming"
            )
        return self._send(text)

    def _decode(self) -> str:
        return self._kind.decode(self._tokenizer, [self._ids])[0]

    def _send(self, text: str) -> str:
        piece, self._sent = text[len(self._sent) :], text
        return piece

    def _is_byte(self, token_id: int) -> bool:
        return bool(BYTE_TOKEN.fullmatch(str(self._tokenizer.convert_ids_to_tokens(token_id))))
