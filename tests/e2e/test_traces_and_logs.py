"""A service on Ray tells of its requests: one trace through its processes, lines with one id, and a live status."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.support.converted_models import converted_model
from tests.support.converted_project import TASK, long_call, write_converted_project
from tests.support.span_receiver import Receiver, receiving

from polyloop.cluster.ports import free_ports
from polyloop.registry.store import open_store
from polyloop.serving.embedded import Service, bring_up, dashboard_of, take_down
from polyloop.serving.live_status import LiveStatus, pages_of_cluster
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.spec.settings import settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]

TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
REQUEST_ID = "an-id-of-the-client"
WAIT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Site:
    """What runs, what took its spans, and a client with a key and a question that it answers."""

    loaded: LoadedSpec
    service: Service
    receiver: Receiver
    client: httpx.Client
    question: dict[str, Any]

    def ask(self, **headers: str) -> httpx.Response:
        """Ask the question."""
        return self.client.post(f"/v1/tasks/{TASK}", json=self.question, headers=headers)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("observed")
    model = converted_model("recipe-translate", folder / "model")
    spec = write_converted_project(model, folder)
    data = yaml.safe_load(spec.read_text())
    data["serving"] = {"port": free_ports(1)[0], "logs": "json", "access_log": "all"}
    spec.write_text(yaml.safe_dump(data))
    loaded = load_spec(spec)
    call = long_call(model)
    question = {"input": call.text, "locale": call.locale, "target_locale": call.target_locale}
    with receiving() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        patch.setenv("OTEL_SERVICE_NAME", "observed")
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        patch.setenv("POLYLOOP_LOG_LEVEL", "debug")
        settings.cache_clear()
        try:
            service = bring_up(loaded, print)
            headers = {"Authorization": f"Bearer {service.new_key}"}
            with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
                yield Site(loaded=loaded, service=service, receiver=receiver, client=client, question=question)
        finally:
            take_down(loaded)
            settings.cache_clear()


def eventually(look: Callable[[], Any], what: str) -> Any:
    """Return what `look` gives once that is true."""
    deadline = time.monotonic() + WAIT_S
    while not (found := look()):
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
    return found


def lines_of(site: Site, request_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return the JSON lines with an id that Serve's files hold, by deployment."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in Path(site.service.head.ray_folder).glob("session_2*/logs/serve/*.log"):
        for text in path.read_text(errors="replace").splitlines():
            with suppress(json.JSONDecodeError):
                line = json.loads(text)
                if line.get("request_id") == request_id:
                    found.setdefault(line["deployment"], []).append(line)
    return found


def test_a_trace_goes_from_the_clients_span_through_router_and_replica(site: Site) -> None:
    answer = site.ask(traceparent=f"00-{TRACE_ID}-{PARENT_ID}-01", **{"X-Request-Id": REQUEST_ID})
    assert answer.status_code == 200, answer.text
    assert answer.headers.get_list("x-request-id") == [REQUEST_ID]
    names = {"POST /v1/tasks/{task}", "store", "inference", "call", "answer", "queue", "model"}
    eventually(lambda: site.receiver.of_trace(TRACE_ID).keys() >= names, f"{names} have come")
    trace = site.receiver.of_trace(TRACE_ID)
    assert trace.keys() == names
    parents = {name: trace[name].parent_id for name in names}
    assert parents.pop("POST /v1/tasks/{task}") == PARENT_ID
    below = {"store": "POST /v1/tasks/{task}", "inference": "POST /v1/tasks/{task}", "call": "inference"}
    below |= {"answer": "call", "queue": "answer", "model": "answer"}
    assert parents == {name: trace[parent].span_id for name, parent in below.items()}
    assert trace["model"].links == (trace["answer"].span_id,)
    assert {span.resource["service.name"] for span in trace.values()} == {"observed"}
    places = {name: trace[name].resource["polyloop.deployment"] for name in names}
    assert {name for name, place in places.items() if place == f"task-{TASK}"} == {"answer", "queue", "model"}
    assert {places[name] for name in ("inference", "call", "store")} == {"router"}
    assert trace["inference"].attributes["polyloop.version"] == "v1"


def test_lines_of_router_and_replica_carry_the_id_that_the_client_sent(site: Site) -> None:
    site.ask(**{"X-Request-Id": "another-id"})
    both = {"router", f"task-{TASK}"}
    found = eventually(lambda: (lines := lines_of(site, "another-id")).keys() >= both and lines, "both have told")
    (access,) = [line for line in found["router"] if line["logger"] == "polyloop.access"]
    assert (access["status"], access["outcome"], access["task"], access["version"]) == (200, "answered", TASK, "v1")
    assert access["latency_ms"] > 0
    assert access["route"] == "/v1/tasks/{task}"
    (answered,) = [line for line in found[f"task-{TASK}"] if line.get("logger") == "polyloop.serving"]
    assert (answered["message"], answered["task"], answered["version"]) == ("answered", TASK, "v1")
    assert answered["trace_id"] == access["trace_id"]
    assert site.question["input"] not in json.dumps(found)


def test_a_request_without_an_id_gets_one_that_is_in_the_lines(site: Site) -> None:
    (made,) = site.ask().headers.get_list("x-request-id")
    eventually(lambda: lines_of(site, made).keys() >= {"router", f"task-{TASK}"}, "both have told")


def test_an_id_that_is_too_long_is_replaced_in_the_lines_and_the_client_is_told(site: Site) -> None:
    answer = site.ask(**{"X-Request-Id": "x" * 500})
    told = answer.headers.get_list("x-request-id")
    assert len(told[0]) == 32
    eventually(lambda: lines_of(site, told[0]).keys() >= {"router", f"task-{TASK}"}, "both have told")


def test_the_live_status_tells_rates_times_and_who_holds_what(site: Site) -> None:
    dashboard_url = dashboard_of(site.loaded)
    assert dashboard_url is not None
    store = open_store(site.loaded.store_url)
    live = LiveStatus(store, [TASK], lambda: pages_of_cluster(dashboard_url))

    def moving() -> Any:
        site.ask()
        (status,) = live.look()
        return status.figures and status.figures.p50_s and status.figures.rows_per_batch and status

    status = eventually(moving, "the nodes tell of requests")
    store.close()
    assert status.release.champion == "v1"
    assert [replica.versions for replica in status.replicas] == [("v1",)]
    assert status.figures.requests_per_s > 0
    assert status.figures.failures_per_s == 0
    assert 0 < status.figures.p50_s <= status.figures.p99_s
    assert status.figures.rows_per_batch >= 1
