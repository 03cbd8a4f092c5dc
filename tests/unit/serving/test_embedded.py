"""Bringing the platform up on one machine: what is in the way is named, and what ran before goes on."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyloop.cluster.head import Head
from polyloop.errors import ClusterError
from polyloop.registry.keys import authenticate
from polyloop.registry.store import Store
from polyloop.serving import embedded
from polyloop.serving.embedded import bring_up, service_status, take_down
from polyloop.spec.loader import LoadedSpec, load_spec

HEAD = Head(
    pid=os.getpid(),
    started_ticks=1,
    gcs_address="127.0.0.1:1",
    dashboard_url="http://127.0.0.1:1",
    log_path="log",
    ray_folder="/nonexistent/ray",
)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[Head]:
    """Heads that were stopped; heads start at once, and applications run at once."""
    heads: list[Head] = []
    monkeypatch.setattr(embedded, "stop_head", heads.append)
    monkeypatch.setattr(embedded, "start_head", lambda home, num_cpus: HEAD)
    monkeypatch.setattr(embedded, "require_free", lambda host, port, fix: None)
    monkeypatch.setattr(embedded, "deploy", lambda url, config: None)
    monkeypatch.setattr(embedded, "wait_until_running", lambda url, names, timeout_s, progress: None)
    return heads


def refuse(url: str, config: dict[str, Any]) -> None:
    raise ClusterError("the application cannot run")


def test_the_first_time_makes_a_key_and_later_times_do_not(
    loaded: LoadedSpec, store: Store, stopped: list[Head]
) -> None:
    first = bring_up(loaded, print)
    assert first.new_key is not None
    assert authenticate(store, first.new_key) is not None
    assert bring_up(loaded, print).new_key is None
    assert stopped == []


def test_a_head_that_was_started_in_vain_is_stopped(
    loaded: LoadedSpec, stopped: list[Head], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "deploy", refuse)
    with pytest.raises(ClusterError):
        bring_up(loaded, print)
    assert stopped == [HEAD]


def test_a_service_that_ran_before_survives_a_deployment_that_fails(
    loaded: LoadedSpec, stopped: list[Head], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "find_head", lambda home: HEAD)
    monkeypatch.setattr(embedded, "deploy", refuse)
    with pytest.raises(ClusterError):
        bring_up(loaded, print)
    assert stopped == []


def test_a_port_in_use_is_named_before_anything_starts(
    write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        spec_data["serving"] = {"port": port}
        with pytest.raises(ClusterError, match=f"port {port} on 127.0.0.1 cannot be used"):
            bring_up(load_spec(write_spec(spec_data)), print)


def test_where_nothing_runs_there_is_nothing_to_stop_or_show(loaded: LoadedSpec) -> None:
    assert take_down(loaded) is False
    assert service_status(loaded)["running"] is False
