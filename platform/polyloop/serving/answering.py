"""What the routes of all protocols need of whatever answers: one small interface, so that each can change alone.

Input: a task's name, a validated request and the key that asks. Output: an answer, or pieces of text and then the
answer. `Answerer` is an `Answering` today; nothing here knows how it comes to its answers.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from polyloop.registry.keys import KeyInfo
from polyloop.spec.models import TaskSpec
from polyloop.tasks.base import TaskAnswer, TaskRequest


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of an output while it is written; the parts of one answer together are its `output`.

    `id` and `version` are the answer's: both are settled before the first token, and protocols send them at once.
    """

    id: str
    version: str
    text: str


class Answering(Protocol):
    """Answers requests to the tasks of a project. All errors are `PolyloopError`s."""

    def tasks(self) -> Mapping[str, TaskSpec]:
        """Return the tasks by name, in the order of the spec."""

    def task(self, name: str) -> TaskSpec:
        """Return one task; RequestError 404 if there is none of that name."""

    def champion(self, task: str) -> str | None:
        """Return the version that a task serves now, or None before its first promotion."""

    def unready(self) -> dict[str, str]:
        """Return, per task that cannot answer, the reason. May block."""

    async def answer(self, task: str, body: TaskRequest, caller: KeyInfo, *, named: str | None = None) -> TaskAnswer:
        """Answer one request; the champion answers, canary or not, one that has `named` it."""

    async def answer_all(
        self, task: str, bodies: Sequence[TaskRequest], caller: KeyInfo, *, named: str | None = None
    ) -> list[TaskAnswer]:
        """Answer several requests side by side; the first error cancels the rest, and says which one it met."""

    async def answer_each(
        self, task: str, bodies: Sequence[TaskRequest], caller: KeyInfo
    ) -> list[TaskAnswer | Exception]:
        """Answer several requests side by side; what fails is in the place of its answer."""

    def stream(self, task: str, body: TaskRequest, caller: KeyInfo) -> AsyncGenerator[Piece | TaskAnswer]:
        """Give the output in pieces as it is written, then the whole answer, last and exactly once."""
