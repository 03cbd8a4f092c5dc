"""Gives answers their signed ids, and puts what was answered on the write-behind log.

Input: what was asked of which version, and what it replied. Output: the answer for the client. The id carries the
claim, so that feedback on it is verified without a read; the record comes to the store a moment later. A record that
the log has no room for is counted, and the answer goes out.
"""

from collections.abc import Sequence

from polyloop.feedback.ids import InferenceClaim, digest_input, new_uuid7, sign
from polyloop.feedback.inference_log import InferenceLog
from polyloop.registry.keys import KeyInfo
from polyloop.registry.store import Store
from polyloop.serving.answers import answer_of, record_of
from polyloop.serving.auth import project_signing_key
from polyloop.serving.calls import Call, Reply
from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.metrics.table import LOG_DROPPED
from polyloop.spec.models import Spec
from polyloop.tasks.base import Fired, TaskAnswer


class Ledger:
    """The ids and the log of one router."""

    def __init__(self, spec: Spec, store: Store, recorder: Recorder) -> None:
        self._spec, self._recorder = spec, recorder
        self._signing_key = project_signing_key(store)
        self._log = InferenceLog(store)

    def close(self) -> None:
        """Write what the log still holds."""
        self._log.close()

    def claim(self, task: str, call: Call, propensity: float) -> tuple[InferenceClaim, str]:
        """Return what is claimed of a new inference, and the id that carries it."""
        claim = InferenceClaim(
            inference_id=new_uuid7(),
            task=task,
            version=call.version,
            locale=call.locale,
            target_locale=call.target_locale,
            propensity=propensity,
            input_digest=digest_input(call.text, self._signing_key),
        )
        return claim, sign(claim, self._signing_key)

    def answer(
        self,
        claimed: tuple[InferenceClaim, str],
        call: Call,
        reply: Reply,
        caller: KeyInfo,
        *,
        user: str | None,
        started_s: float,
        fired: Sequence[Fired],
    ) -> TaskAnswer:
        """Return the answer of the task's kind, having put down its record; times as in `answer_of`."""
        claim, id_ = claimed
        task = self._spec.tasks[claim.task]
        answer = answer_of(claim, task, reply, id_=id_, started_s=started_s, fired=fired)
        serving = self._spec.serving
        keeps, masks = serving.log_inputs, serving.log_personal_data == "mask"
        record = record_of(claim, call, reply, answer, caller, user=user, keeps_texts=keeps, masks=masks)
        if not self._log.put(record):
            self._recorder.add(LOG_DROPPED, self._log.num_dropped)
        return answer
