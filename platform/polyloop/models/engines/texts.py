"""Answers with texts as `polyloop.models.texts` does, by a converted model instead of PyTorch.

Inputs: `PredictInput`s. Outputs: one `Prediction` each, in order, or the pieces of one text as they are written. The
tokenizer and the decoding settings are those of the model's own folder; each output is cut at its own input's limit.
Calls from several threads are fine.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from polyloop.errors import ArtefactError, first_line
from polyloop.models.contract import Contract, PredictInput, Prediction
from polyloop.models.engines.computing import Computing
from polyloop.models.engines.decoding import Decoding, read_decoding
from polyloop.models.engines.pieces import TextPieces
from polyloop.models.engines.writers import load_writer
from polyloop.models.loaded import batches, encoded
from polyloop.models.pretrained import LOAD_ERRORS
from polyloop.models.texts import predictions, until_end, writable_locales
from polyloop.models.tokenizing import tokenizing_at
from polyloop.tasks.writing import TextKind


class ConvertedTexts:
    """A loaded, converted model that writes."""

    def __init__(
        self,
        path: Path,
        converted_dir: Path,
        kind: TextKind,
        contract: Contract,
        computing: Computing,
        *,
        draws: bool = True,
    ) -> None:
        """Load the converted model in `converted_dir`, made from the one at `path`.

        `draws=False` writes the likeliest tokens also where the model's settings have them drawn at random.
        ArtefactError if one of both cannot be loaded, ModelError if the model decodes as CTranslate2 cannot, or if
        this machine does not have the compute type.
        """
        try:
            self._tokenizing = tokenizing_at(path)
        except LOAD_ERRORS as error:
            raise ArtefactError(f"the tokenizer at {path} cannot be loaded: {first_line(error)}") from error
        self._tokenizer: Any = self._tokenizing.tokenizer
        decoding = read_decoding(path)
        self.decoding: Decoding = decoding if draws else decoding.likeliest()
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
        return self._predictions(rows, self.write(rows))

    @property
    def can_stream(self) -> bool:
        """Return whether `stream` gives a text while it is written; beam search knows its text only at the end."""
        return self.decoding.num_beams == 1

    def stream(self, item: PredictInput) -> Generator[str | Prediction]:
        """Yield the pieces of one text as they are written, and then what `predict` gives, whose output they make up.

        Beam search yields its text in one piece. Whoever closes the generator early stops the writing. RequestError
        (422) if the input is longer than the version takes.
        """
        (ids,) = self._encode([item])
        return self._pieces(ids) if self.can_stream else self._whole(ids)

    def nlls_nats(self, inputs: Sequence[PredictInput], targets: Sequence[str]) -> list[float]:
        """Return the negative log likelihood of each target given its input, in nats, the end token included."""
        rows = self._encode(inputs)
        with self._tokenizing.lock:
            wanted = self._kind.encode_texts(self._tokenizer, targets)
        found: dict[int, float] = {}
        for positions in batches([len(row) + len(target) for row, target in zip(rows, wanted, strict=True)]):
            scores = self._writer.log_probs([rows[p] for p in positions], [wanted[p] for p in positions])
            found.update(zip(positions, (-sum(of_row) for of_row in scores), strict=True))
        return [found[position] for position in range(len(rows))]

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
        with self._tokenizing.lock:
            return writable_locales(self._kind, self._tokenizer, self._contract.locales)

    def _encode(self, inputs: Sequence[PredictInput]) -> list[list[int]]:
        return encoded(inputs, self._kind, self._tokenizing, self._contract)

    def _write_batch(self, rows: list[list[int]]) -> list[list[int]]:
        limits = [self._limit(ids) for ids in rows]
        outputs = self._writer.write(rows, limits)
        end = int(self._tokenizer.eos_token_id)
        return [until_end(ids, end, limit) for ids, limit in zip(outputs, limits, strict=True)]

    def _whole(self, ids: list[int]) -> Generator[str | Prediction]:
        (prediction,) = self._predictions([ids], self.write([ids]))
        if prediction.output:
            yield prediction.output
        yield prediction

    def _pieces(self, ids: list[int]) -> Generator[str | Prediction]:
        pieces, output = TextPieces(self._tokenizer, self._kind), list[int]()
        with closing(self._writer.stream(ids, self._limit(ids))) as written:
            for token_id in written:
                output.append(token_id)
                with self._tokenizing.lock:
                    piece = pieces.add(token_id)
                if piece:
                    yield piece
        with self._tokenizing.lock:
            rest = pieces.finish()
        if rest:
            yield rest
        yield from self._predictions([ids], [output])

    def _predictions(self, rows: Sequence[list[int]], outputs: Sequence[list[int]]) -> list[Prediction]:
        with self._tokenizing.lock:
            return predictions(rows, outputs, self._kind, self._tokenizer)

    def _limit(self, ids: list[int]) -> int:
        return self._kind.output_limit(len(ids), self._contract.max_target_tokens)
