"""What becomes of a replica's reply: the answer that goes to the client, and the record that goes to the log.

Input: the claim that the answer's id carries, the call, and the reply. Output: a `TaskAnswer` of the task's kind, and
an `InferenceRecord`. Pure but for the clock.
"""

import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from polyloop.data.pii.finders import find_personal
from polyloop.data.steps.pii import mask
from polyloop.feedback.ids import InferenceClaim
from polyloop.feedback.inference_log import InferenceRecord
from polyloop.registry.keys import KeyInfo
from polyloop.serving.calls import Call, Reply
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.base import Fired, TaskAnswer, Usage


def answer_of(
    claim: InferenceClaim, task: TaskSpec, reply: Reply, *, id_: str, started_s: float, fired: Sequence[Fired] = ()
) -> TaskAnswer:
    """Return the answer of the task's kind; `started_s` is what `time.perf_counter` said when the request came."""
    fields: dict[str, Any] = {
        "id": id_,
        "task": claim.task,
        "locale": claim.locale,
        "target_locale": claim.target_locale,
        "version": claim.version,
        "output": reply.output,
        "scores": reply.scores,
        "citations": reply.citations,
        "confidence": reply.confidence,
        "usage": Usage(input_tokens=reply.num_input_tokens, output_tokens=reply.num_output_tokens),
        "latency_ms": round((time.perf_counter() - started_s) * 1000, 3),
        "guardrails": tuple(fired) or None,
    }
    answer_model = kind_of(task).answer_model
    return answer_model(**{name: fields[name] for name in _names(answer_model)})


@cache
def _names(answer_model: type[TaskAnswer]) -> tuple[str, ...]:
    return tuple(answer_model.model_fields)


def record_of(
    claim: InferenceClaim,
    call: Call,
    reply: Reply,
    answer: TaskAnswer,
    caller: KeyInfo,
    *,
    user: str | None,
    keeps_texts: bool,
    masks: bool,
) -> InferenceRecord:
    """Return the record of an inference, without its texts where the spec keeps none, or without personal data."""
    seen, said = call.text, reply.output
    if masks and keeps_texts:
        seen = mask(seen, find_personal(seen, claim.locale))
        said = said if reply.scores else mask(said, find_personal(said, claim.target_locale))
    return InferenceRecord(
        inference_id=claim.inference_id,
        task=claim.task,
        version=claim.version,
        locale=claim.locale,
        target_locale=claim.target_locale,
        input=seen if keeps_texts else None,
        output=said if keeps_texts else None,
        scores=reply.scores,
        propensity=claim.propensity,
        user=user,
        key_id=caller.key_id,
        latency_ms=answer.latency_ms,
        created_at=claim.created_at,
    )
