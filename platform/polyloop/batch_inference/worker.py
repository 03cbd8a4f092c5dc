"""What Ray's workers do: one reads files in chunks, others answer chunks with a loaded version.

Inputs: rows of Ray Data that name a slice, then such that carry a chunk. Output: files of answers with their counts
beside them; what travels back is small. A chunk is done once its counts are there, which come last.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from polyloop.batch_inference.chunks import read_chunks
from polyloop.batch_inference.parts import Outcome, write_part
from polyloop.batch_inference.question import Question
from polyloop.batch_inference.rows import AskedRow, Refusal, pack, unpack
from polyloop.batch_inference.summary import Counts
from polyloop.data.read.slices import Slice
from polyloop.data.stages import MAX_ATTEMPTS, begin
from polyloop.errors import RequestError
from polyloop.evaluation.answers import outcomes
from polyloop.models.contract import Prediction
from polyloop.models.engines.choice import wish_of
from polyloop.models.predict import Predictor
from polyloop.models.storage import named_storage_errors, write_bytes

PARTS_FOLDER, COUNTS_FOLDER = "parts", "counts"
FIX = "use fewer --workers, or nodes with more"


def chunks_of(batch: Mapping[str, Any], pieces: Sequence[Slice], question: Question) -> Iterator[dict[str, Any]]:
    """Yield one row a chunk of the slices in a batch: its slice, its name, its rows packed, whether it is the last."""
    for number in batch["slice"].tolist():
        for chunk in read_chunks(number, pieces[number], question):
            rows = np.empty(1, dtype=object)
            rows[0] = pack(chunk.rows)
            yield {
                "slice": np.array([number]),
                "name": np.array([chunk.name]),
                "rows": rows,
                "is_last": np.array([chunk.is_last]),
            }


class Answerer:
    """A worker's loaded version; `folder` is the run's own, `marks` one of this attempt at it."""

    def __init__(self, question: Question, folder: Path, marks: Path) -> None:
        self._question, self._folder, self._marks = question, folder, marks
        task = question.task
        self._predictor = Predictor(question.model_dir, threads=question.threads, wish=wish_of(task.serving))

    def __call__(self, chunk: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a chunk, unless that was done before, and return its slice, its counts and what answered."""
        name = str(chunk["name"])
        counts_path = self._folder / COUNTS_FOLDER / f"{name}.json"
        if not counts_path.is_file():
            begin(self._marks / name, f"chunk of rows ({name})", FIX, MAX_ATTEMPTS)
            with named_storage_errors(f"answers to {self._folder}"):
                self._answer(name, unpack(chunk["rows"]), counts_path)
        return {
            "slice": chunk["slice"],
            "is_last": chunk["is_last"],
            "counts": counts_path.read_text(),
            "engine": str(self._predictor.engine),
        }

    def _answer(self, name: str, rows: Sequence[AskedRow], counts_path: Path) -> None:
        started_s = time.monotonic()
        found = answered(self._predictor, rows)
        part = self._folder / PARTS_FOLDER / f"part-{name}.{self._question.form}"
        if rows:
            write_part(part, rows, found, self._question)
        counts = counted(found)
        counts.answer_s = time.monotonic() - started_s
        write_bytes(counts_path, json.dumps(counts.to_dict()).encode())


def answered(predictor: Any, rows: Sequence[AskedRow]) -> list[Outcome]:
    """Return what became of each row."""
    left = iter(outcomes(predictor, [row.asked for row in rows if row.asked is not None]))
    return [row.refusal or _outcome(next(left)) for row in rows]


def _outcome(found: Prediction | RequestError) -> Outcome:
    return Refusal(code=found.code, detail=found.message) if isinstance(found, RequestError) else found


def counted(found: Sequence[Outcome]) -> Counts:
    """Return the counts of some outcomes."""
    predictions = [one for one in found if isinstance(one, Prediction)]
    return Counts(
        num_rows=len(found),
        num_answered=len(predictions),
        input_tokens=sum(one.num_input_tokens for one in predictions),
        output_tokens=sum(one.num_output_tokens for one in predictions),
        refused=Counter(one.code for one in found if isinstance(one, Refusal)),
    )
