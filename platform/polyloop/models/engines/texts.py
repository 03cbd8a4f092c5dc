"""Answers with texts as `polyloop.models.texts` does, by a converted model instead of PyTorch.

Inputs: `PredictInput`s. Outputs: one `Prediction` each, in order, or the pieces of one text as they are written. The
tokenizer and the decoding settings are those of the model's own folder; each output is cut at its own input's limit.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from polyloop.errors import ArtefactError
from polyloop.models.contract import Contract, PredictInput, Prediction
from polyloop.models.engines.decoding import Decoding, read_decoding
from polyloop.models.engines.pieces import TextPieces
from polyloop.models.engines.writers import Computing, load_writer
from polyloop.models.loaded import batches, encoded
from polyloop.models.pretrained import LOAD_ERRORS, first_line
from polyloop.models.texts import predictions, until_end, writable_locales
from polyloop.tasks.writing import TextKind


class ConvertedTexts:
    """A loaded, converted model that writes."""

    def __init__(
        self, path: Path, converted_dir: Path, kind: TextKind, contract: Contract, computing: Computing
    ) -> None:
        """Load the converted model in `converted_dir`, made from the one at `path`.

        ArtefactError if one of both cannot be loaded, ModelError if the model decodes as CTranslate2 cannot, or if
        this machine does not have the compute type.
        """
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(path)
        except LOAD_ERRORS as error:
            raise ArtefactError(f"the tokenizer at {path} cannot be loaded: {first_line(error)}") from error
        self.decoding: Decoding = read_decoding(path)
        self._kind, self._contract = kind, contract
        is_decoder = kind.architecture == "decoder"
        self._writer = load_writer(converted_dir, self.decoding, computing, is_decoder=is_decoder)

    def count_tokens(self, item: PredictInput) -> int:
        """Return the number of tokens of an input; RequestError (422) if it is longer than the version takes."""
        return len(self._encode([item])[0])

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return a text for each input; RequestError (422) if one is longer than the version takes."""
        if not inputs:
            return []
        rows = self._encode(inputs)
        return predictions(rows, self.write(rows), self._kind, self._tokenizer)

    def stream(self, item: PredictInput) -> Iterator[str]:
        """Yield the pieces of one text as they are written; together they are the output that `predict` gives.

        Beam search knows its text only at the end and yields it in one piece. Whoever closes the iterator early stops
        the writing. RequestError (422) if the input is longer than the version takes.
        """
        (ids,) = self._encode([item])
        return self._whole(ids) if self.decoding.num_beams > 1 else self._pieces(ids)

    def write(self, rows: Sequence[list[int]]) -> list[list[int]]:
        """Return the ids that the model writes for each row, the end token included, in batches of similar length."""
        written: dict[int, list[int]] = {}
        for group in self._writer.groups([len(ids) for ids in rows]):
            for batch in batches([len(rows[position]) for position in group]):
                positions = [group[index] for index in batch]
                written.update(zip(positions, self._write_batch([rows[p] for p in positions]), strict=True))
        return [written[position] for position in range(len(rows))]

    def answerable_locales(self) -> list[str]:
        """Return all locales that the model can write."""
        return writable_locales(self._kind, self._tokenizer, self._contract.locales)

    def _encode(self, inputs: Sequence[PredictInput]) -> list[list[int]]:
        return encoded(inputs, self._kind, self._tokenizer, self._contract)

    def _write_batch(self, rows: list[list[int]]) -> list[list[int]]:
        limits = [self._limit(ids) for ids in rows]
        outputs = self._writer.write(rows, limits)
        end = int(self._tokenizer.eos_token_id)
        return [until_end(ids, end, limit) for ids, limit in zip(outputs, limits, strict=True)]

    def _whole(self, ids: list[int]) -> Iterator[str]:
        if text := self._kind.decode(self._tokenizer, self.write([ids]))[0]:
            yield text

    def _pieces(self, ids: list[int]) -> Iterator[str]:
        pieces = TextPieces(self._tokenizer, self._kind)
        with closing(self._writer.stream(ids, self._limit(ids))) as written:
            for token_id in written:
                if piece := pieces.add(token_id):
                    yield piece
        if rest := pieces.finish():
            yield rest

    def _limit(self, ids: list[int]) -> int:
        return self._kind.output_limit(len(ids), self._contract.max_target_tokens)
