"""Everything that Polyloop takes from the environment; no other module reads it.

Input: variables that begin with `POLYLOOP_`, those of OpenTelemetry that traces need, and whichever ones a spec names
as `${NAME}` or `${NAME:-default}`.
Output: frozen `Settings` and `TraceSettings`, expanded text, and the environment that Ray's processes need.
Limits: variables are read when asked for; `settings()` remembers its first answer until `settings.cache_clear()`.
"""

import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from polyloop.errors import SpecError

PREFIX = "POLYLOOP_"

# Ray decides its mode of work from the environment of each of its processes, when they start.
# Token mode: Ray 2.60 writes a token at the first local start, after which clients without this mode are refused (401).
# Throughput and HAProxy mode: see docs/decisions/0002-throughput-mode.md for the measurements. What a dead router had
# not answered is asked of another one: see docs/decisions/0030-what-a-killed-process-costs.md.
# Ray Train looks at its workers every 2 s by default, and checkpoints and the end of a run wait so long; its watcher
# for preemption is one more process a run, and nothing here makes use of an early warning.
# Threads of matrix work that wait by spinning starve each other once a machine does anything else (docs/lab-notes.md).
RAY_DEFAULTS: Mapping[str, str] = {
    "RAY_AUTH_MODE": "token",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure empty-response",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.25",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "PASSIVE",
}

_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


class Settings(BaseSettings):
    """What the environment may set; each field is read from POLYLOOP_ plus its name in capitals, or from its alias."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    spec: Path = Path("polyloop.yaml")
    """Spec file that commands read when `--spec` does not name another."""
    datasets: Path | None = None
    """Folder with the public datasets that the examples and some tests read."""
    kuberay_crds: Path | None = None
    """Folder with KubeRay's custom resource definitions, which manifests are checked against."""
    bench_peers: Path | None = None
    """Virtual environment with the servers that `polyloop bench serve` compares with; `make peers` makes one."""
    signing_key: SecretStr | None = Field(default=None, min_length=16)
    """Key of the signed inference ids, at least 16 characters; without it, one is made and kept in the store."""
    ray_address: str | None = None
    """URL of the Ray dashboard to submit jobs to, such as http://127.0.0.1:8265."""
    api_url: str | None = None
    """URL of the serving API that commands and the Python client call; commands else take the spec's host and port."""
    api_key: SecretStr | None = None
    """API key that commands and the Python client send to the serving API."""
    tensorboard: Path | None = None
    """Folder where trainings write TensorBoard event files; needs `polyloop[tensorboard]`."""
    mlflow_tracking_uri: str | None = Field(default=None, validation_alias="MLFLOW_TRACKING_URI")
    """MLflow server (or folder) that trainings are mirrored to; needs `polyloop[mlflow]`."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe log records that are shown."""


@cache
def settings() -> Settings:
    """Return the settings of this process, read once; SpecError names a variable whose value does not fit."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"{PREFIX}{str(item['loc'][0]).upper()} in the environment: {item['msg'].lower()}"
            for item in error.errors(include_input=False)
        ]
        raise SpecError("; ".join(lines)) from None


SAMPLERS = Literal[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]
"""Samplers that OpenTelemetry's specification names."""


class TraceSettings(BaseSettings):
    """What OpenTelemetry's standard variables say of traces.

    Its exporter reads further ones by itself: OTEL_EXPORTER_OTLP_HEADERS, _TIMEOUT, _CERTIFICATE, _COMPRESSION,
    OTEL_RESOURCE_ATTRIBUTES and OTEL_BSP_SCHEDULE_DELAY.
    """

    model_config = SettingsConfigDict(
        env_ignore_empty=True, frozen=True, extra="ignore", populate_by_name=True, use_attribute_docstrings=True
    )

    is_disabled: bool = Field(default=False, validation_alias="OTEL_SDK_DISABLED")
    """True turns traces off, whatever else is set."""
    exporter: Literal["otlp", "none"] | None = Field(default=None, validation_alias="OTEL_TRACES_EXPORTER")
    """Where spans go; without it, to the endpoint if one is set."""
    protocol: Literal["http/protobuf"] = Field(
        default="http/protobuf",
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"),
    )
    """How spans travel; no other protocol is spoken here."""
    endpoint: str | None = Field(
        default=None, validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    )
    """URL of the collector; the second variable is a base, to which the exporter adds /v1/traces."""
    service_name: str | None = Field(default=None, validation_alias="OTEL_SERVICE_NAME")
    """Name of the service in traces; `polyloop` where OTEL_RESOURCE_ATTRIBUTES has none either."""
    sampler: SAMPLERS = Field(default="parentbased_always_on", validation_alias="OTEL_TRACES_SAMPLER")
    """Which requests are traced."""
    sampler_ratio: float = Field(default=1.0, ge=0, le=1, validation_alias="OTEL_TRACES_SAMPLER_ARG")
    """Part of the traces that samplers by ratio keep."""
    max_queue_size: int = Field(default=2_048, ge=1, validation_alias="OTEL_BSP_MAX_QUEUE_SIZE")
    """Most finished spans of a process that wait to be sent; further ones are dropped and counted."""
    max_batch_size: int = Field(default=512, ge=1, validation_alias="OTEL_BSP_MAX_EXPORT_BATCH_SIZE")
    """Most spans that are sent at once."""

    @property
    def is_on(self) -> bool:
        """True where spans are made and sent."""
        return not self.is_disabled and self.exporter != "none" and bool(self.exporter or self.endpoint)


@cache
def trace_settings() -> TraceSettings:
    """Return what the environment says of traces, read once; SpecError names a variable whose value does not fit."""
    try:
        return TraceSettings()
    except ValidationError as error:
        lines = [
            f"{_variable(str(item['loc'][0]))} in the environment: {item['msg'].lower()}" for item in error.errors()
        ]
        raise SpecError("; ".join(lines)) from None


def _variable(alias: str) -> str:
    """Return which of the variables that a field may come from is set; pydantic always names the first."""
    for field in TraceSettings.model_fields.values():
        choices = field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else ()
        if alias in choices:
            return next((str(name) for name in choices if os.environ.get(str(name))), alias)
    return alias


def expand(text: str, *, where: str, variables: Mapping[str, str] | None = None) -> str:
    """Return `text` with each `${NAME}` and `${NAME:-default}` replaced by the variable's value.

    `where` is put before the error's message; `variables` stands in for the environment. A default is used where the
    variable is unset or empty. SpecError where there is neither value nor default, or where a `${` is malformed.
    """
    values = os.environ if variables is None else variables

    def value(match: re.Match[str]) -> str:
        found = values.get(match["name"]) or match["default"]
        if found is None:
            raise SpecError(
                f"{where}: the environment variable {match['name']} is not set; "
                f"set it, or write ${{{match['name']}:-default}}"
            )
        return found

    if "${" in _REFERENCE.sub("", text):
        raise SpecError(f"{where}: {text!r} has a malformed variable; write ${{NAME}} or ${{NAME:-default}}")
    return _REFERENCE.sub(value, text)


def referenced_variables(texts: Iterable[str]) -> dict[str, str]:
    """Return the name and value of each variable that `texts` refer to and that is set in the environment."""
    names = {match["name"] for text in texts for match in _REFERENCE.finditer(text)}
    return {name: os.environ[name] for name in sorted(names) if name in os.environ}


def ray_environment() -> dict[str, str]:
    """Return the variables that each Ray process needs; a value that the environment already sets is kept."""
    return {name: os.environ.get(name, default) for name, default in RAY_DEFAULTS.items()}


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a whole environment for a child process: this process's, what Ray needs, and `extra` on top."""
    return {**os.environ, **ray_environment(), **(extra or {})}


def apply_ray_environment() -> None:
    """Set what Ray needs in this process; call it before Ray is imported or started."""
    os.environ.update(ray_environment())


def joins_a_cluster() -> bool:
    """Return whether the environment names a Ray cluster to join: RAY_ADDRESS is set, as it is inside a Ray job."""
    return bool(os.environ.get("RAY_ADDRESS"))
