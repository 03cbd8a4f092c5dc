"""Writes ids with a converted model: in batches, or one token at a time. It also tells how likely it finds given ids.

Inputs: rows of ids and, for each, the most tokens to write. Outputs: the ids written, the end token included. Rows of a
batch do not change each other's greedy outputs, beyond rounding. Calls from several threads are fine.
"""

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Protocol

import ctranslate2

from polyloop.errors import ModelError
from polyloop.models.engines.computing import Computing, load_converted
from polyloop.models.engines.decoding import Decoding
from polyloop.models.engines.numerals import to_ids, to_tokens

POLL_S = 0.05
"""How often a stream without news looks whether its call has failed."""


class Writer(Protocol):
    """A converted model that writes."""

    def groups(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return the positions of rows with these lengths, grouped into those that may be in a batch together."""
        ...

    def write(self, rows: Sequence[list[int]], limits: Sequence[int]) -> list[list[int]]:
        """Return what is written for each row, at least to its limit or end; the caller cuts."""
        ...

    def stream(self, ids: list[int], limit: int) -> Generator[int]:
        """Yield each id as it is written, for one beam; closing it stops the writing."""
        ...

    def log_probs(self, rows: Sequence[list[int]], wanted: Sequence[list[int]]) -> list[list[float]]:
        """Return the log-probability (nats) of each wanted id, given its row and the wanted ids before it."""
        ...


class EncoderDecoderWriter:
    """A converted encoder-decoder."""

    def __init__(self, folder: Path, decoding: Decoding, computing: Computing) -> None:
        self._translator = load_converted(ctranslate2.Translator, folder, computing)
        first = decoding.forced_first_id
        self._prefix = None if first is None else [str(first)]
        self._options = decoding.options() | {
            # Both have other defaults: inputs would be cut, and no output could be empty.
            "max_input_length": 0,
            "min_decoding_length": 0,
        }

    def groups(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return all in one group: padding is masked."""
        return [list(range(len(lengths)))]

    def write(self, rows: Sequence[list[int]], limits: Sequence[int]) -> list[list[int]]:
        """Return what is written for each row, up to the largest of the limits."""
        results = self._call(rows, max(limits))
        return [to_ids(result.hypotheses[0]) for result in results]

    def stream(self, ids: list[int], limit: int) -> Generator[int]:
        """Yield each id as it is written."""
        return _steps(lambda callback: self._call([ids], limit, asynchronous=True, callback=callback))

    def log_probs(self, rows: Sequence[list[int]], wanted: Sequence[list[int]]) -> list[list[float]]:
        """Return the log-probability of each wanted id; the library appends an end token of its own, left out here."""
        sources, targets = list(map(to_tokens, rows)), list(map(to_tokens, wanted))
        scored = self._translator.score_batch(sources, targets, max_input_length=0)
        return [result.log_probs[: len(ids)] for result, ids in zip(scored, wanted, strict=True)]

    def _call(self, rows: Sequence[list[int]], limit: int, **settings: Any) -> Any:
        prefix = None if self._prefix is None else [self._prefix] * len(rows)
        tokens = [to_tokens(ids) for ids in rows]
        return self._translator.translate_batch(tokens, prefix, max_decoding_length=limit, **self._options, **settings)


class DecoderWriter:
    """A converted decoder."""

    def __init__(self, folder: Path, decoding: Decoding, computing: Computing) -> None:
        if decoding.forced_first_id is not None:
            raise ModelError("forced_bos_token_id has no meaning for a decoder that goes on from a prompt")
        self._generator = load_converted(ctranslate2.Generator, folder, computing)
        self._same_lengths = decoding.num_beams > 1
        # Whatever looks back has to see the prompt, which is slower to read then; with beams their lengths would count
        # the prompt, so there it is not seen.
        self._repeats_prompt = decoding.looks_back and decoding.num_beams == 1
        self._options = decoding.options()

    def groups(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return beams by equal length, as the search treats the rest of a longer prompt in its own way.

        A prompt of one token goes apart as well: beside it the library returns part of the longer prompts.
        """
        grouped: dict[int, list[int]] = {}
        for position, length in enumerate(lengths):
            grouped.setdefault(length if self._same_lengths else min(length, 2), []).append(position)
        return list(grouped.values())

    def write(self, rows: Sequence[list[int]], limits: Sequence[int]) -> list[list[int]]:
        """Return what is written after each row, up to the largest of the limits or more."""
        results = self._call(rows, limits)
        begins = [len(ids) if self._repeats_prompt else 0 for ids in rows]
        return [list(result.sequences_ids[0][begin:]) for result, begin in zip(results, begins, strict=True)]

    def stream(self, ids: list[int], limit: int) -> Generator[int]:
        """Yield each id as it is written."""
        num_prompt_steps = len(ids) - 1 if self._repeats_prompt else 0
        return _steps(
            lambda callback: self._call([ids], [limit], asynchronous=True, callback=callback), num_prompt_steps
        )

    def log_probs(self, rows: Sequence[list[int]], wanted: Sequence[list[int]]) -> list[list[float]]:
        """Return the log-probability of each wanted id; ids of the row are predicted too, and left out here."""
        joined = [to_tokens([*ids, *more]) for ids, more in zip(rows, wanted, strict=True)]
        scored = self._generator.score_batch(joined)
        return [result.log_probs[-len(ids) :] if ids else [] for result, ids in zip(scored, wanted, strict=True)]

    def _call(self, rows: Sequence[list[int]], limits: Sequence[int], **settings: Any) -> Any:
        # The first token of a prompt is where the search starts and is not counted.
        prompts = [len(ids) - 1 if self._repeats_prompt else 0 for ids in rows]
        return self._generator.generate_batch(
            [to_tokens(ids) for ids in rows],
            max_length=max(prompt + limit for prompt, limit in zip(prompts, limits, strict=True)),
            include_prompt_in_result=self._repeats_prompt,
            **self._options,
            **settings,
        )


def load_writer(folder: Path, decoding: Decoding, computing: Computing, *, is_decoder: bool) -> Writer:
    """Return the converted model in a folder, ready to write.

    ArtefactError if it cannot be loaded, ModelError for a compute type that this machine does not have.
    """
    return (DecoderWriter if is_decoder else EncoderDecoderWriter)(folder, decoding, computing)


def _steps(start: Callable[[Callable[[Any], bool]], Any], num_skipped: int = 0) -> Generator[int]:
    """Yield the ids of an asynchronous call as they come, and stop the call when nobody asks for more.

    The first `num_skipped` steps are the prompt's.

    The library's own generate_tokens would do, but cannot show a decoder its prompt.
    """
    steps: queue.SimpleQueue[Any] = queue.SimpleQueue()
    left = threading.Event()

    def on_step(step: Any) -> bool:
        steps.put(step)
        return left.is_set()

    (call,) = start(on_step)
    try:
        while True:
            try:
                step = steps.get(timeout=POLL_S)
            except queue.Empty:
                if call.done() and steps.empty():
                    return
                continue
            if step.step >= num_skipped:
                yield int(step.token_id)
            if step.is_last:
                return
    finally:
        left.set()
        # Raises what went wrong in the call.
        call.result()
