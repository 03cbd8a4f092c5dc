"""The model of one task, in a replica of its own or in the router: answers with the live version that is named.

Input: `Call`s from the router. Output: `Reply`s, or pieces of a text and then the `Reply`. Every replica holds all live
versions (decision 0003), so the version is an argument of a call and a release never restarts anything. Requests are
batched per version; texts that are streamed are written beside the batches.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from polyloop.registry.store import open_store
from polyloop.serving.batcher import Batcher
from polyloop.serving.calls import Call, Reply
from polyloop.serving.held_versions import HeldVersions
from polyloop.serving.interpreter import favour_the_event_loop
from polyloop.serving.observing.replica import ObservedReplica
from polyloop.serving.stream_slots import StreamSlots
from polyloop.serving.tracing.spans import in_span
from polyloop.serving.tracing.tracer import Tracing
from polyloop.serving.unforeseen import QuotingNothing
from polyloop.spec.loader import load_spec

if TYPE_CHECKING:
    from polyloop.models.predict import PredictInput, Prediction, Predictor


class TaskModel:
    """Answers for one task in one process: `TaskReplica` and `InRouter` each have one."""

    def __init__(self, spec_path: str, task: str, *, tracing: Tracing | None = None) -> None:
        """Load what the release asks for; `tracing` is the process's, where others work in it too."""
        # Only a replica needs torch; the processes that build the applications or route requests stay light.
        from polyloop.models.predict import PredictInput

        favour_the_event_loop()
        loaded = load_spec(spec_path)
        self._serving = serving = loaded.task(task).serving
        self._task = task
        self._observed = ObservedReplica(task, is_json=loaded.spec.serving.logs == "json", tracing=tracing)
        self._item_type = PredictInput
        self._store = open_store(loaded.store_url)
        self.replica_id = f"{task}-{uuid.uuid4().hex[:12]}"
        self._versions = HeldVersions(
            self._store,
            task=task,
            replica_id=self.replica_id,
            load=self.load,
            artefacts_dir=loaded.artefacts_dir,
        )
        self._batcher: Batcher[PredictInput, Prediction] = Batcher(
            self._predict,
            max_batch_size=serving.max_batch_size,
            batch_wait_s=serving.batch_wait_ms / 1000,
            on_batch=self._observed.on_batch,
            is_ready=self.holds,
        )
        self._slots = StreamSlots(serving.max_streams)
        self._in_hand = _InHand()
        self._versions.start()

    def load(self, path: Path) -> "Predictor":
        """Return what answers for the version in a folder; errors as for `Predictor`."""
        from polyloop.models.engines.choice import wish_of
        from polyloop.models.predict import Predictor

        serving = self._serving
        return Predictor(
            path,
            threads=serving.threads,
            device="auto" if serving.num_gpus else "cpu",
            wish=wish_of(serving),
            max_streams=serving.max_streams,
        )

    async def __call__(self, call: Call) -> Reply:
        """Answer one call; RequestError when the input is too long for the version, or its time is up."""
        with self._in_hand, self._observed.call(call):
            return await self._whole(call)

    async def each(self, calls: Sequence[Call]) -> list[Reply | BaseException]:
        """Answer several calls side by side; what a call raises is in the place of its reply."""
        return await asyncio.gather(*map(self, calls), return_exceptions=True)

    async def _whole(self, call: Call) -> Reply:
        with QuotingNothing(f"the model {call.version} of {self._task}"):
            batched = await self._batcher.submit(call.version, self._item(call), within_s=call.within_s)
            return _reply(batched.result, batched.worked_s)

    async def stream(self, call: Call) -> AsyncGenerator[str | Reply]:
        """Give the pieces of one output as they are written, and then the reply.

        The output comes in one piece where the version gives none, and while as many are written as may be at once.
        """
        with self._in_hand, self._observed.stream(call) as span:
            predictor = await self._versions.wait_for(call.version)
            if not predictor.can_stream or not self._slots.is_any_free:
                with in_span(span):
                    reply = await self._whole(call)
                if reply.output:
                    yield reply.output
                yield reply
                return
            item, began_s = self._item(call), time.perf_counter()
            with (
                span.child("model", version=call.version),
                QuotingNothing(f"the model {call.version} of {self._task}"),
            ):
                async with aclosing(self._slots.run(lambda: predictor.stream(item))) as parts:
                    async for part in parts:
                        yield part if isinstance(part, str) else _reply(part, time.perf_counter() - began_s)

    def _item(self, call: Call) -> "PredictInput":
        return self._item_type(text=call.text, locale=call.locale, target_locale=call.target_locale)

    def _predict(self, version: str, items: "Sequence[PredictInput]") -> "Sequence[Prediction]":
        return self._versions.get(version).predict(list(items))

    @property
    def num_in_hand(self) -> int:
        """How many calls have been taken and not answered."""
        return self._in_hand.count

    def holds(self, version: str) -> bool:
        """Return whether a version is loaded and warm."""
        return self._versions.holds(version)

    @property
    def alive(self) -> bool:
        """True while the release is followed."""
        return self._versions.alive

    def close(self) -> None:
        """Take leave of the presence table, and send the last spans."""
        self._versions.stop()
        self._observed.close()


class _InHand:
    """Counts the blocks that it is around; one object for all of them."""

    count = 0

    def __enter__(self) -> None:
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self.count -= 1


def _reply(prediction: "Prediction", worked_s: float) -> Reply:
    return Reply(
        output=prediction.output,
        scores=prediction.scores,
        num_input_tokens=prediction.num_input_tokens,
        num_output_tokens=prediction.num_output_tokens,
        citations=tuple(map(asdict, prediction.citations)),
        confidence=prediction.confidence,
        worked_s=worked_s,
    )
