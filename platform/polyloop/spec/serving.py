"""The parts of a spec about serving: `serving`, the door to all tasks, and `tasks.NAME.serving`, the model behind it.

Input: mappings of the spec. Output: `ServingSpec` and `TaskServing`.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from polyloop.spec.fields import Frozen, Name, changed_keys
from polyloop.spec.limits import KeyLimits

OF_REPLICAS = frozenset(("min_replicas", "max_replicas", "target_ongoing_requests", "num_cpus", "num_gpus"))
"""What only means something for a task with replicas of its own."""


class TaskServing(Frozen):
    """How a task's deployment runs; resources are per replica."""

    placement: Literal["replicas", "router"] = "replicas"
    """Where the model lives: in replicas of its own, or in each replica of the router, which answers without a hop; for
    small models, and where one process should do (docs/engines.md)."""
    min_replicas: Annotated[int, Field(ge=0)] = 1
    """Replicas kept alive. 0 lets a task that nobody asks for give back its memory; the first request then waits for a
    replica to start and load, some 10 to 20 s."""
    max_replicas: Annotated[int, Field(ge=1)] = 4
    """Most replicas autoscaling may start."""
    target_ongoing_requests: Annotated[float, Field(gt=0)] = 16.0
    """Requests in flight per replica that autoscaling aims at."""
    max_ongoing_requests: Annotated[int, Field(ge=1)] = 64
    """Requests a replica takes at once; more wait at the router."""
    num_cpus: Annotated[float, Field(ge=0)] = 0.2
    """CPUs that Ray reserves for a replica."""
    num_gpus: Annotated[float, Field(ge=0)] = 0.0
    """GPUs that Ray reserves for a replica; PyTorch answers on them."""
    threads: Annotated[int, Field(ge=1)] = 1
    """Threads of one call of the model, by either engine; docs/engines.md says what suits 2 and what 96 cores."""
    engine: Literal["auto", "pytorch", "ctranslate2"] = "auto"
    """What computes answers: `auto` is what was fastest when the version was published, among engines whose answers are
    as good as PyTorch's, and PyTorch with GPUs; `pytorch` converts no new version, `ctranslate2` need not be faster."""
    compute_type: Literal["auto", "float32", "int8"] = "auto"
    """Numbers that CTranslate2 computes with; `auto` is the fastest whose answers are as good as PyTorch's."""
    max_streams: Annotated[int, Field(ge=0, le=256)] = 4
    """Answers that a replica writes piece by piece at once, beside its batches; further ones come in one piece."""
    max_batch_size: Annotated[int, Field(ge=1)] = 32
    """Most requests that one model call answers."""
    batch_wait_ms: Annotated[float, Field(ge=0)] = 2.0
    """How long an idle model waits for company, in milliseconds, where its last call had some; a lone client's requests
    never wait."""
    cache_mb: Annotated[float, Field(ge=0)] = 0.0
    """Memory in each router for answers to inputs that come again word for word, in millions of bytes; 0 keeps none."""
    cache_ttl_s: Annotated[float, Field(gt=0)] = 300.0
    """Longest that such an answer is kept."""
    fallback_task: Name | None = None
    """Another task of the same kind, such as one with a smaller model, that answers what this one fails at or has no
    time for."""

    @model_validator(mode="after")
    def _ordered(self) -> "TaskServing":
        # Not what is set but what is changed: specs are written out whole and read again.
        of_replicas = sorted(changed_keys(self) & OF_REPLICAS)
        if self.placement == "router" and of_replicas:
            told = ", ".join(f"`{key}`" for key in of_replicas)
            raise ValueError(
                f"with `placement: router` the task has no replicas of its own, which {told} would be about; remove "
                "that, or keep `placement: replicas`"
            )
        _check_replicas("min_replicas", self.min_replicas, "max_replicas", self.max_replicas)
        if self.engine == "ctranslate2" and self.num_gpus:
            raise ValueError("`engine: ctranslate2` computes on CPUs; remove it, or set `num_gpus: 0`")
        return self


class ServingSpec(Frozen):
    """The HTTP door, common to all tasks."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    """Port to listen on."""
    max_body_bytes: Annotated[int, Field(ge=256)] = 1_048_576
    """Largest request body; larger ones are answered with 413."""
    request_timeout_s: Annotated[float, Field(gt=0)] = 30.0
    """Longest that a request may take before it is answered with 504."""
    max_wait_s: Annotated[float, Field(gt=0)] = 10.0
    """A request that would wait for longer than this before a replica begins with it is refused at once with 429."""
    key_limits: KeyLimits = KeyLimits()
    """What an API key without limits of its own may ask of one router."""
    router_min_replicas: Annotated[int, Field(ge=1)] = 1
    """Router replicas kept alive."""
    router_max_replicas: Annotated[int, Field(ge=1)] = 4
    """Most router replicas."""
    router_num_cpus: Annotated[float, Field(ge=0)] = 0.1
    """CPUs that Ray reserves for a router or collector replica."""
    log_inputs: bool = True
    """False keeps inputs and outputs out of the inference log; corrections then need the input again, and no version
    can be a shadow."""
    log_personal_data: Literal["keep", "mask"] = "keep"
    """`mask` writes placeholders such as <EMAIL> into the inference log, in place of personal data with a form."""
    logs: Literal["text", "json"] = "text"
    """How the replicas of all deployments write their log lines; `json` gives each its request id, task and version."""
    access_log: Literal["none", "failures", "all"] = "failures"
    """Which requests get a log line of their own: none, those that were not answered, or all (docs/observing.md)."""

    @model_validator(mode="after")
    def _ordered(self) -> "ServingSpec":
        _check_replicas(
            "router_min_replicas", self.router_min_replicas, "router_max_replicas", self.router_max_replicas
        )
        return self


def _check_replicas(low_key: str, low: int, high_key: str, high: int) -> None:
    """ValueError where the least number of replicas is above the most."""
    if low > high:
        raise ValueError(
            f"`{low_key}` is {low}, more than `{high_key}`, which is {high}; raise the one or lower the other"
        )
