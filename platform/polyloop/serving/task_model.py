"""The deployment of one task: answers with whichever of its live versions the router names.

Input: `Call`s from the router. Output: `Reply`s. Every replica holds all live versions (decision 0003), so the
version is an argument of a call and a release never restarts anything. Requests are batched per version.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from polyloop.errors import ClusterError
from polyloop.registry.store import open_store
from polyloop.serving.batcher import Batcher
from polyloop.serving.calls import Call, Reply
from polyloop.serving.held_versions import HeldVersions
from polyloop.spec.loader import load_spec

if TYPE_CHECKING:
    from polyloop.models.predict import PredictInput, Prediction, Predictor


class TaskModel:
    """Serve deployment class; bound once per task of the spec."""

    def __init__(self, spec_path: str, task: str) -> None:
        # Only a replica needs torch; the processes that build the applications or route requests stay light.
        from polyloop.models.predict import PredictInput, Predictor

        loaded = load_spec(spec_path)
        serving = loaded.task(task).serving
        self._item_type = PredictInput
        self._store = open_store(loaded.store_url)

        def load(path: Path) -> "Predictor":
            return Predictor(path, threads=serving.threads)

        self._versions = HeldVersions(
            self._store,
            task=task,
            replica_id=f"{task}-{uuid.uuid4().hex[:12]}",
            load=load,
            artefacts_dir=loaded.artefacts_dir,
        )
        self._batcher: Batcher[PredictInput, Prediction] = Batcher(
            self._predict, max_batch_size=serving.max_batch_size, batch_wait_s=serving.batch_wait_ms / 1000
        )
        self._versions.start()

    async def __call__(self, call: Call) -> Reply:
        """Answer one call; RequestError when the input is too long for the version."""
        item = self._item_type(text=call.text, locale=call.locale, target_locale=call.target_locale)
        prediction = await self._batcher.submit(call.version, item)
        return Reply(
            output=prediction.output,
            scores=prediction.scores,
            num_input_tokens=prediction.num_input_tokens,
            num_output_tokens=prediction.num_output_tokens,
            citations=tuple(map(asdict, prediction.citations)),
            confidence=prediction.confidence,
        )

    def _predict(self, version: str, items: "Sequence[PredictInput]") -> "Sequence[Prediction]":
        return self._versions.get(version).predict(list(items))

    def check_health(self) -> None:
        """Tell Serve to replace this replica when it no longer follows its release."""
        if not self._versions.alive:
            raise ClusterError("the replica no longer follows its release")

    async def __del__(self) -> None:
        """Take leave of the presence table when Serve stops this replica in order."""
        if hasattr(self, "_versions"):
            await asyncio.to_thread(self._versions.stop)
