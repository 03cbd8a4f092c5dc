"""What is recorded of calls of a model in a replica.

Input: the facts of a batch. Effect: figures of the table.
"""

from polyloop.serving.batcher import BatchFacts
from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.metrics.table import BATCH_ROWS, BATCH_SECONDS, QUEUE_SECONDS


class BatchFigures:
    """Records each batch of one task."""

    def __init__(self, recorder: Recorder, task: str) -> None:
        self._recorder, self._task = recorder, task

    def __call__(self, batch: BatchFacts) -> None:
        """Record one batch."""
        self._recorder.add(BATCH_ROWS, batch.num_items, task=self._task, version=batch.key)
        self._recorder.add(BATCH_SECONDS, batch.took_s, task=self._task, version=batch.key)
        self._recorder.add(QUEUE_SECONDS, batch.longest_wait_s, task=self._task)
