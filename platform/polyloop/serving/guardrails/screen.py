"""Screens the texts of one task: asks each guard, masks what is to be masked, refuses what is to be refused.

Inputs: a side's texts and their locale. Output: the texts as they may go on, and what fired; `RequestError` where a
guard refuses. All guards look at the texts as they came, so that the order of the spec changes nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from polyloop.errors import PolyloopError, RequestError
from polyloop.serving.guardrails.guards import Find, Found, make_guard
from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.metrics.table import GUARDRAILS
from polyloop.spec.guardrails import GuardSpec, OffensiveGuard, Side
from polyloop.tasks.base import Fired

logger = logging.getLogger("polyloop.serving")

TOO_LONG = "input_too_long"
QUICK_CHARACTERS = 4_000
"""Longer texts are looked through in a thread, so that other requests do not wait for them."""
MIN_PART_CHARACTERS = 32
"""A text that is shorter and still too long for its judge cannot be judged."""

Judge = Callable[[str, str, str], Awaitable[Mapping[str, float] | None]]
"""Given the name of a classify task, a text and its locale, returns each label's probability, or None where the task
does not serve the locale; raises `PolyloopError` where it cannot answer."""


@dataclass(frozen=True, kw_only=True)
class Screened:
    """Texts that may go on."""

    texts: tuple[str, ...]
    fired: tuple[Fired, ...] = ()


class Screen:
    """The guards of a task."""

    def __init__(self, task: str, guards: Sequence[GuardSpec], root: Path, judge: Judge, recorder: Recorder) -> None:
        """Make the guards ready; `root` is the spec's folder. SpecError for a list that cannot be read."""
        self._task, self._recorder = task, recorder
        self._guards: list[tuple[GuardSpec, Find | None]] = [(guard, make_guard(guard, root)) for guard in guards]
        self._judge = judge

    def looks_at(self, side: Side) -> bool:
        """Return whether any guard looks at a side's texts."""
        return any(side in guard.on for guard, _ in self._guards)

    async def screen(self, side: Side, texts: Sequence[str], locale: str) -> Screened:
        """Return the texts as they may go on; RequestError (422, 503 where a judge cannot answer) if they may not."""
        asked = [
            (guard, find)
            for guard, find in self._guards
            if side in guard.on and (not guard.locales or locale in guard.locales)
        ]
        found = await asyncio.gather(*(self._found(guard, find, texts, locale) for guard, find in asked))
        fired: list[Fired] = []
        masks: list[list[Found]] = [[] for _ in texts]
        for (guard, _), places in zip(asked, found, strict=True):
            count = sum(map(len, places))
            if not count:
                continue
            self._recorder.add(GUARDRAILS, 1, task=self._task, guard=guard.guard, on=side, action=guard.action)
            if guard.action == "refuse":
                raise _refusal(guard, side)
            fired.append(Fired(guard=guard.guard, on=side, action=guard.action, count=count))
            if guard.action == "mask":
                for all_places, more in zip(masks, places, strict=True):
                    all_places += more
        masked = tuple(mask_places(text, places) for text, places in zip(texts, masks, strict=True))
        return Screened(texts=masked, fired=tuple(fired))

    async def _found(self, guard: GuardSpec, find: Find | None, texts: Sequence[str], locale: str) -> list[list[Found]]:
        if find is not None:
            if sum(map(len, texts)) <= QUICK_CHARACTERS:
                return [find(text, locale) for text in texts]
            return await asyncio.to_thread(lambda: [find(text, locale) for text in texts])
        assert isinstance(guard, OffensiveGuard)
        return await asyncio.gather(*(self._judged(guard, text, locale) for text in texts))

    async def _judged(self, guard: OffensiveGuard, text: str, locale: str) -> list[Found]:
        try:
            is_met = await self._is_met(guard, text, locale)
        except PolyloopError as error:
            if guard.unavailable == "pass":
                logger.warning("the guardrail of the task %s could not be asked: %s", guard.task, error)
                return []
            raise RequestError(
                f"the guardrail {guard.guard!r} cannot be asked now; try again", 503, "guardrail_unavailable"
            ) from None
        return [Found(start=0, end=len(text))] if is_met else []

    async def _is_met(self, guard: OffensiveGuard, text: str, locale: str) -> bool:
        """Return whether the judge speaks against a text, or against a part of one that is too long for it."""
        if not text.strip():
            return False
        try:
            scores = await self._judge(guard.task, text, locale)
        except RequestError as error:
            if error.code != TOO_LONG or len(text) < MIN_PART_CHARACTERS:
                raise
            parts = halves(text)
            return any(await asyncio.gather(*(self._is_met(guard, part, locale) for part in parts)))
        return scores is not None and scores.get(guard.label, 0.0) >= guard.threshold


def halves(text: str) -> tuple[str, str]:
    """Return a text in two parts, at the space before its middle if there is one."""
    middle = len(text) // 2
    space = text.rfind(" ", 1, middle)
    return (text[:space], text[space:]) if space > 0 else (text[:middle], text[middle:])


def mask_places(text: str, places: Sequence[Found]) -> str:
    """Return a text with each place's mask in its stead; where places overlap, the first mask stands for all."""
    parts: list[str] = []
    position = 0
    for place in sorted(places, key=lambda one: (one.start, -one.end)):
        if place.start >= position:
            parts += (text[position : place.start], place.mask)
        position = max(position, place.end)
    return "".join((*parts, text[position:]))


def _refusal(guard: GuardSpec, side: Side) -> RequestError:
    if side == "input":
        return RequestError(f"input: the guardrail {guard.guard!r} does not let it pass", 422, "input_refused")
    return RequestError(f"the guardrail {guard.guard!r} holds the answer back", 422, "output_refused")
