"""The guardrails of all tasks, where requests become calls and replies become answers.

Inputs: the project's spec, and what judges texts. Outputs: a call and a reply that guardrails have let pass, with what
they met. Without guardrails, a request is settled and nothing else is done.
"""

from collections.abc import Sequence
from dataclasses import replace

from polyloop.serving.calls import Call, Reply
from polyloop.serving.guardrails.screen import Judge, Screen, Screened
from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.settling import settle
from polyloop.serving.tracing.spans import NO_SPAN, Span, in_span
from polyloop.spec.guardrails import Side
from polyloop.spec.loader import LoadedSpec
from polyloop.tasks import kind_of
from polyloop.tasks.base import Fired, TaskRequest


class Screens:
    """What looks at the texts of each task."""

    def __init__(self, loaded: LoadedSpec, judge: Judge, recorder: Recorder) -> None:
        """Read the lists of all guards; SpecError for one that cannot be read."""
        self._spec = loaded.spec
        self._screens = {
            name: Screen(name, task.guardrails, loaded.root, judge, recorder)
            for name, task in loaded.spec.tasks.items()
            if task.guardrails
        }

    def look_at_outputs(self, task: str) -> bool:
        """Return whether what a task writes is looked at; labels are not."""
        screen = self._screens.get(task)
        return screen is not None and not self._spec.tasks[task].labels and screen.looks_at("output")

    async def call(
        self, task: str, request: TaskRequest, version: str, span: Span = NO_SPAN
    ) -> tuple[Call, tuple[Fired, ...]]:
        """Return what a request asks of a version, and what guards met in it; RequestError where it may not ask."""
        task_spec, locales = self._spec.tasks[task], self._spec.locales
        asked, fired = settle(task, task_spec, locales, request), tuple[Fired, ...]()
        screen = self._screens.get(task)
        if screen is not None and screen.looks_at("input"):
            kind = kind_of(task_spec)
            screened = await _traced(screen, "input", kind.user_texts(request), asked.locale, span)
            fired = screened.fired
            if any(one.action == "mask" for one in fired):
                masked = kind.with_user_texts(request, screened.texts)
                asked = settle(task, task_spec, locales, masked, known_locale=asked.locale)
        call = Call(version=version, text=asked.text, locale=asked.locale, target_locale=asked.target_locale)
        return call, fired

    async def reply(
        self, task: str, reply: Reply, locale: str, span: Span = NO_SPAN
    ) -> tuple[Reply, tuple[Fired, ...]]:
        """Return a reply as it may be sent, and what guards met in it; RequestError where it may not be."""
        if not self.look_at_outputs(task):
            return reply, ()
        screened = await _traced(self._screens[task], "output", (reply.output,), locale, span)
        return replace(reply, output=screened.texts[0]), screened.fired


async def _traced(screen: Screen, side: Side, texts: Sequence[str], locale: str, span: Span) -> Screened:
    """Screen texts inside a span, below which a judge that is asked has its own."""
    with span.child("guardrails", on=side) as looking, in_span(looking):
        screened = await screen.screen(side, texts, locale)
        looking.note(fired=",".join(dict.fromkeys(one.guard for one in screened.fired)) or None)
        return screened
