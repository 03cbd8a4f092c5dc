"""What a request asks for, settled before a version answers it: the text, its locale, and the locale of the answer.

Inputs: a task's spec and a validated request. Output: a `Settled`, or a `RequestError`. Requests over HTTP and rows of
files go through here alike, so that both mean the same. Pure.
"""

from dataclasses import dataclass

from polyloop.data.language import identify
from polyloop.errors import RequestError
from polyloop.spec.models import TaskSpec, split_pair, task_locales
from polyloop.tasks import kind_of
from polyloop.tasks.base import TaskRequest
from polyloop.tasks.text import normalise_text

MAX_IDENTIFIED_CHARACTERS = 1_000
"""How much of an input is looked at to tell its locale; more adds no certainty, only time."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What a version is asked."""

    text: str
    locale: str
    target_locale: str


def settle(
    name: str,
    task: TaskSpec,
    project_locales: tuple[str, ...],
    request: TaskRequest,
    *,
    known_locale: str | None = None,
) -> Settled:
    """Return what a request to the task `name` asks for; RequestError (422) where the task cannot be asked that.

    `known_locale` is the locale of a request that was settled before, with other words.
    """
    kind = kind_of(task)
    written = kind.said(request)
    said = normalise_text(written)
    if not said:
        raise RequestError("input: there is no text in it; send at least one visible character", 422, "empty_input")
    locales = input_locales(task, project_locales)
    if request.locale is not None and request.locale not in locales:
        raise RequestError(
            f"locale: the task {name!r} does not serve {request.locale!r}; it takes {', '.join(locales)}",
            422,
            "unknown_locale",
        )
    locale = known_locale or request.locale or identify(said[:MAX_IDENTIFIED_CHARACTERS], locales)
    target_locale = kind.resolve_target_locale(task, locale, getattr(request, "target_locale", None))
    asked = kind.input_text(request, task, locale)
    text = said if asked is written else normalise_text(asked)
    return Settled(text=text, locale=locale, target_locale=target_locale)


def input_locales(task: TaskSpec, project_locales: tuple[str, ...]) -> tuple[str, ...]:
    """Return the locales that an input may be in: those that a translate task only writes are not among them."""
    if task.pairs:
        return tuple(dict.fromkeys(split_pair(pair)[0] for pair in task.pairs))
    return task_locales(task, project_locales)
