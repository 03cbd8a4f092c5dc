"""Tells the traces of a replica what became of their requests in the batcher.

Input: the facts of a batch. Effect: one span `queue` for each request that is traced, and one span `model` for the
call, below the first of them and linked to all: a call has many callers, and a span can have one parent.
"""

from polyloop.serving.batcher import BatchFacts


def trace_batch(batch: BatchFacts) -> None:
    """Tell of one call of a model that gave results."""
    if not batch.traced:
        return
    spans = [span for span, _ in batch.traced]
    ended_s = batch.began_s + batch.took_s
    model = spans[0].past("model", batch.began_s, ended_s, spans, version=batch.key, batch_rows=batch.num_items)
    for span, since_s in batch.traced:
        span.past("queue", since_s, batch.began_s, (model,))
