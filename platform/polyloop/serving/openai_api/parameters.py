"""Which parameters of OpenAI's API are taken, and what they do: one table, so that nothing is dropped in silence.

Input: the parameters of a request that its model does not read itself. Output: those that are the task's own, such as
`locale`, or a `ParameterError` of 400 that names the first one that cannot be honoured. The rule: how a task writes is
set by its spec, for all requests alike; a parameter that asks for another way is refused, one that asks for what
happens anyway is taken, and one that no answer depends on is ignored. null always means "not given".

The list is that of openai-python 3.57 (types/chat/completion_create_params.py and types/completion_create_params.py).
"""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from polyloop.errors import ParameterError
from polyloop.spec.models import TaskSpec
from polyloop.tasks import KINDS

READ = frozenset(
    {"model", "messages", "prompt", "stream", "stream_options", "user", "safety_identifier"},
)
"""Parameters that the request models read themselves."""

IGNORED: Mapping[str, str] = {
    "metadata": "notes for the caller's own books",
    "parallel_tool_calls": "there are no tools to call",
    "prediction": "makes a known output cheaper, never another one",
    "prompt_cache_key": "makes requests cheaper, never their answers others",
    "prompt_cache_options": "as prompt_cache_key",
    "prompt_cache_retention": "as prompt_cache_key",
    "reasoning_effort": "these models do not reason before they answer",
    "seed": "a wish by OpenAI's own words; without `temperature` in the spec, outputs repeat anyway",
    "service_tier": "there is one tier",
    "store": "inferences are logged as the spec says",
}
"""Parameters that no answer depends on, with the reason."""

NEUTRAL: Mapping[str, tuple[JsonValue, ...]] = {
    "audio": (),
    "best_of": (1,),
    "echo": (False,),
    "frequency_penalty": (0,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "moderation": (),
    "n": (1,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "stop": ([],),
    "suffix": ("",),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
    "web_search_options": (),
}
"""Parameters that are taken only with values that ask for nothing; any other value would need another answer."""


def _temperature(value: JsonValue, task: TaskSpec) -> str | None:
    wanted = task.decoding.temperature
    return None if _same(value, wanted) else f"this task writes at {wanted:g} (its spec's decoding.temperature)"


def _top_p(value: JsonValue, task: TaskSpec) -> str | None:
    wanted = task.decoding.top_p
    return None if _same(value, wanted) else f"this task writes at {wanted:g} (its spec's decoding.top_p)"


def _max_tokens(value: JsonValue, task: TaskSpec) -> str | None:
    limit = task.model.max_target_tokens
    is_met = isinstance(value, int) and not isinstance(value, bool) and value >= limit
    return None if is_met else f"this task writes up to {limit} tokens (its spec's model.max_target_tokens)"


BY_SPEC: Mapping[str, Callable[[JsonValue, TaskSpec], str | None]] = {
    "max_completion_tokens": _max_tokens,
    "max_tokens": _max_tokens,
    "temperature": _temperature,
    "top_p": _top_p,
}
"""Parameters that are taken where they agree with the task's spec: each gives None, or how the task goes about it."""

OWN = frozenset(name for kind in KINDS.values() for name in kind.request_model.model_fields) - {
    "input",
    "messages",
    "user",
}
"""Fields of our own requests, which clients send beside OpenAI's (`extra_body` in its Python client)."""


def own_fields(given: Mapping[str, JsonValue], task: TaskSpec) -> dict[str, JsonValue]:
    """Return the task's own fields among parameters; ParameterError (400) for one that cannot be honoured."""
    own: dict[str, JsonValue] = {}
    for name, value in given.items():
        if value is None or name in IGNORED:
            continue
        if name in OWN:
            own[name] = value
            continue
        objection = _objection(name, value, task)
        if objection is not None:
            raise ParameterError(f"{name}: {objection}", name, code="unsupported_parameter")
    return own


def _objection(name: str, value: JsonValue, task: TaskSpec) -> str | None:
    if name in BY_SPEC:
        way = BY_SPEC[name](value, task)
        return way and f"{way}, and no request can change that; leave it out"
    if name in NEUTRAL:
        if any(_same(value, neutral) for neutral in NEUTRAL[name]):
            return None
        return f"the value {str(value)[:80]!r} cannot be honoured; leave it out"
    return f"there is no such parameter; of its own, Polyloop takes {', '.join(sorted(OWN))}"


def _same(value: JsonValue, other: JsonValue) -> bool:
    """Return whether two values are equal, true and 1 being different."""
    return isinstance(value, bool) == isinstance(other, bool) and value == other
