"""A cluster that is not there, or refuses, is one line that names it."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from ray._raylet import AuthenticationTokenLoader  # type: ignore[attr-defined]  # compiled

from polyloop.cluster.applications import application_states, deploy, wait_until_running
from polyloop.cluster.jobs import job_log, job_state, submit_job
from polyloop.cluster.ports import free_ports
from polyloop.errors import ClusterError

CALLS: dict[str, Callable[[str], object]] = {
    "submit": lambda url: submit_job(url, "true"),
    "state": lambda url: job_state(url, "job"),
    "log": lambda url: job_log(url, "job"),
    "deploy": lambda url: deploy(url, {"applications": []}),
    "applications": application_states,
}


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A token as a machine has it on which Ray has run, also where none has."""
    yield from environment_of_ray(monkeypatch, RAY_AUTH_TOKEN="some-token")


@pytest.fixture
def no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No token, as on a new machine."""
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    yield from environment_of_ray(monkeypatch, HOME=str(tmp_path))


def environment_of_ray(monkeypatch: pytest.MonkeyPatch, **values: str) -> Iterator[None]:
    """Set variables that Ray reads once, and have it read them again, before and after."""
    with monkeypatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        AuthenticationTokenLoader.instance().reset_cache()
        yield
    AuthenticationTokenLoader.instance().reset_cache()


class Refusing(BaseHTTPRequestHandler):
    """A dashboard that tells its version and refuses everything else."""

    def do_GET(self) -> None:
        is_version = self.path.endswith("/version")
        body = {"version": "4", "ray_version": "2.60.0", "ray_commit": "x"} if is_version else {"error": "not now"}
        self.send_response(200 if is_version else 500)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    do_PUT = do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("name", CALLS)
def test_an_address_where_nothing_listens_is_named_on_one_line(name: str) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(ClusterError) as caught:
        CALLS[name](url)
    assert caught.value.message.startswith(f"no Ray cluster answers at {url}")
    assert "polyloop up" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("name", CALLS)
def test_a_cluster_that_refuses_is_not_said_to_be_away(refusing: str, name: str) -> None:
    with pytest.raises(ClusterError) as caught:
        CALLS[name](refusing)
    assert caught.value.message.startswith(f"the Ray cluster at {refusing} refused: ")
    assert "\n" not in caught.value.message


@pytest.mark.usefixtures("no_token")
@pytest.mark.parametrize("name", CALLS)
def test_a_machine_without_a_token_is_told_how_to_get_one(name: str) -> None:
    with pytest.raises(ClusterError) as caught:
        CALLS[name]("http://127.0.0.1:1")
    assert caught.value.message.startswith("the token for the Ray cluster at http://127.0.0.1:1 is missing or wrong")
    assert "ray get-auth-token --generate" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"status": "DEPLOY_FAILED", "message": "Traceback\n  a line\nValueError: no spec\n"}, "ValueError: no spec"),
        ({"status": "UNHEALTHY", "message": ""}, "no reason"),
    ],
)
def test_an_application_that_cannot_run_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, state: dict[str, str], words: str
) -> None:
    monkeypatch.setattr("polyloop.cluster.applications.application_states", lambda url: {"polyloop": state})
    with pytest.raises(ClusterError, match=words):
        wait_until_running("http://cluster", ["polyloop"], timeout_s=5, progress=print)


def test_an_application_that_never_runs_is_named_when_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {"polyloop": {"status": "RUNNING", "message": ""}, "feedback": {"status": "DEPLOYING", "message": ""}}
    monkeypatch.setattr("polyloop.cluster.applications.application_states", lambda url: states)
    with pytest.raises(ClusterError, match="do not run yet: feedback"):
        wait_until_running("http://cluster", ["polyloop", "feedback"], timeout_s=0, progress=print)
    wait_until_running("http://cluster", ["polyloop"], timeout_s=0, progress=print)
