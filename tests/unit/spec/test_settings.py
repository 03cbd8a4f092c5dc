"""Settings: what the environment gives, and what Ray's processes get."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyloop.errors import SpecError
from polyloop.spec.settings import (
    RAY_DEFAULTS,
    Settings,
    apply_ray_environment,
    child_environment,
    expand,
    ray_environment,
    referenced_variables,
    settings,
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*(f"POLYLOOP_{field.upper()}" for field in Settings.model_fields), *RAY_DEFAULTS):
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_defaults_need_no_environment() -> None:
    assert settings().spec == Path("polyloop.yaml")
    assert settings().log_level == "info"
    assert settings().signing_key is None
    assert settings().datasets is None


def test_variables_are_read_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYLOOP_DATASETS", "/data")
    assert settings().datasets == Path("/data")
    monkeypatch.setenv("POLYLOOP_DATASETS", "/other")
    assert settings().datasets == Path("/data")
    settings.cache_clear()
    assert settings().datasets == Path("/other")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYLOOP_DATASETS", "")
    assert settings().datasets is None


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYLOOP_SIGNING_KEY", "0123456789abcdef-secret")
    key = settings().signing_key
    assert key is not None
    assert key.get_secret_value() == "0123456789abcdef-secret"
    assert "secret" not in repr(settings()).replace("Secret", "")


@pytest.mark.parametrize(
    ("name", "value"), [("POLYLOOP_LOG_LEVEL", "chatty"), ("POLYLOOP_SIGNING_KEY", "tooshort-secret")]
)
def test_a_value_that_does_not_fit_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SpecError, match=f"{name} in the environment: ") as caught:
        settings()
    assert "tooshort-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain $HOME {x}", "plain $HOME {x}"),
        ("${A}/x", "one/x"),
        ("${A}${B:-two}", "onetwo"),
        ("${EMPTY:-default}", "default"),
        ("${B:-}", ""),
        ("${A:-default}", "one"),
    ],
)
def test_expand_replaces_variables(text: str, expected: str) -> None:
    assert expand(text, where="store", variables={"A": "one", "EMPTY": ""}) == expected


def test_expand_does_not_expand_values_again() -> None:
    assert expand("${A}", where="store", variables={"A": "${B}", "B": "x"}) == "${B}"


def test_expand_reads_the_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYLOOP_TRY", "here")
    assert expand("${POLYLOOP_TRY}", where="store") == "here"


def test_expand_names_an_unset_variable_and_the_place() -> None:
    with pytest.raises(SpecError, match=r"^store: the environment variable GONE is not set; set it, or write"):
        expand("x/${GONE}", where="store", variables={})


@pytest.mark.parametrize("text", ["${", "${A", "${A-B}", "${1A}", "${A:x}"])
def test_expand_refuses_malformed_variables(text: str) -> None:
    with pytest.raises(SpecError, match="has a malformed variable"):
        expand(text, where="store", variables={"A": "one"})


def test_referenced_variables_are_those_that_are_named_and_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYLOOP_TRY", "here")
    monkeypatch.delenv("POLYLOOP_GONE", raising=False)
    assert referenced_variables(["${POLYLOOP_TRY:-x}/${POLYLOOP_GONE}", "$HOME"]) == {"POLYLOOP_TRY": "here"}


def test_ray_gets_token_and_throughput_mode() -> None:
    environment = ray_environment()
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["RAY_SERVE_THROUGHPUT_OPTIMIZED"] == "1"
    assert environment["RAY_SERVE_ENABLE_HA_PROXY"] == "1"


def test_what_the_operator_set_for_ray_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_SERVE_ENABLE_HA_PROXY", "0")
    assert ray_environment()["RAY_SERVE_ENABLE_HA_PROXY"] == "0"


def test_a_child_gets_everything_and_the_extras_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYLOOP_TRY", "here")
    environment = child_environment({"RAY_AUTH_MODE": "other"})
    assert environment["POLYLOOP_TRY"] == "here"
    assert environment["RAY_TRAIN_V2_ENABLED"] == "1"
    assert environment["RAY_AUTH_MODE"] == "other"


def test_applying_sets_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"RAY_AUTH_MODE": "mine"}
    monkeypatch.setattr(os, "environ", environment)
    apply_ray_environment()
    assert environment == {**RAY_DEFAULTS, "RAY_AUTH_MODE": "mine"}
