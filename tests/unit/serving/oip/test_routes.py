"""The Open Inference Protocol over real HTTP: health, metadata, inference, and refusals in its shape."""

import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.support.projects import publish
from tests.support.wire_site import CITATION, WireSite
from tests.unit.serving.conftest import client_of

from polyloop import __version__
from polyloop.feedback.ids import verify
from polyloop.registry.keys import KeyInfo
from polyloop.registry.releases import promote
from polyloop.serving.answering import Piece
from polyloop.serving.auth import KeyCheck, project_signing_key
from polyloop.serving.oip.routes import SHAPES, InferenceRoutes
from polyloop.serving.problems import install_problem_handlers
from polyloop.serving.release_watch import POLL_S
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import TaskSpec
from polyloop.tasks.base import TaskAnswer, TaskRequest, Usage
from polyloop.tasks.summarize import SummarizeAnswer


def tensor(*texts: str, name: str = "input") -> dict[str, Any]:
    return {"name": name, "shape": [len(texts)], "datatype": "BYTES", "data": list(texts)}


def infer(site: WireSite, task: str, *inputs: dict[str, Any], version: str = "", **others: Any) -> httpx.Response:
    url = f"{site.url}/v2/models/{task}{f'/versions/{version}' if version else ''}/infer"
    return httpx.post(url, json={"inputs": list(inputs), **others}, headers=site.bearer)


def outputs(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {one["name"]: one for one in answer.json()["outputs"]}


def test_health_needs_no_key(site: WireSite) -> None:
    assert httpx.get(f"{site.url}/v2/health/live").json() == {"live": True}
    ready = httpx.get(f"{site.url}/v2/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"ready": True})


def test_the_server_says_what_it_is(site: WireSite) -> None:
    answer = httpx.get(f"{site.url}/v2", headers=site.bearer)
    assert answer.json() == {"name": "polyloop", "version": __version__, "extensions": []}


@pytest.mark.parametrize("path", ["/v2/models/mood", "/v2/models/mood/versions/v1"])
def test_a_task_says_what_it_takes_and_gives(site: WireSite, path: str) -> None:
    answer = httpx.get(f"{site.url}{path}", headers=site.bearer).json()
    assert (answer["name"], answer["versions"], answer["platform"]) == ("mood", ["v1"], "polyloop_classify")
    assert [one["name"] for one in answer["inputs"]] == ["input", "locale", "session", "user"]
    assert [(one["name"], one["datatype"], one["shape"]) for one in answer["outputs"]] == [
        ("output", "BYTES", [-1]),
        ("id", "BYTES", [-1]),
        ("locale", "BYTES", [-1]),
        ("label", "BYTES", [-1]),
        ("scores", "FP64", [-1, 2]),
    ]
    assert json.loads(answer["outputs"][-1]["parameters"]["labels"]) == ["good", "bad"]


@pytest.mark.parametrize("path", ["/v2/models/mood/ready", "/v2/models/mood/versions/v1/ready"])
def test_a_ready_task_says_so(site: WireSite, path: str) -> None:
    answer = httpx.get(f"{site.url}{path}", headers=site.bearer)
    assert (answer.status_code, answer.json()) == (200, {"name": "mood", "ready": True})


def test_a_classify_task_gives_labels_and_scores_of_each_input(site: WireSite) -> None:
    answer = infer(site, "mood", tensor("a good day", "a day"), id="42")
    given = outputs(answer)
    assert given["label"]["data"] == given["output"]["data"] == ["good", "bad"]
    assert (given["scores"]["datatype"], given["scores"]["shape"]) == ("FP64", [2, 2])
    assert given["scores"]["data"] == [0.75, 0.25, 0.125, 0.875]
    body = answer.json()
    assert (body["id"], body["model_name"], body["model_version"]) == ("42", "mood", "v1")
    assert body["parameters"] == {"input_tokens": 5, "output_tokens": 0}
    claims = [verify(one, project_signing_key(site.store)) for one in given["id"]["data"]]
    assert {claim.task for claim in claims} == {"mood"}
    assert len({claim.input_digest for claim in claims}) == 2


def test_other_fields_come_as_tensors_for_all_inputs_or_each(site: WireSite) -> None:
    both = tensor("a", "b"), tensor("en", name="locale"), tensor("de", "zh-Hans", name="target_locale")
    given = outputs(infer(site, "translate", *both))
    assert given["output"]["data"] == ["de: a", "zh-Hans: b"]
    assert given["target_locale"]["data"] == ["de", "zh-Hans"]
    styled = outputs(infer(site, "tale", tensor("a", "b"), tensor("poem", "", name="style")))
    assert styled["output"]["data"] == ["a poem of a", "a tale of b"]


def test_a_column_is_as_good_as_a_row(site: WireSite) -> None:
    column = {"name": "input", "shape": [2, 1], "datatype": "BYTES", "data": [["a b"], ["c"]]}
    assert outputs(infer(site, "gist", column))["output"]["data"] == ["a b", "c"]


def test_citations_are_json_texts(site: WireSite) -> None:
    given = outputs(infer(site, "help", tensor("when?", "unknown")))
    assert given["output"]["data"] == ["In 1901.", ""]
    assert given["confidence"]["data"] == [0.75, 0.1]
    assert [json.loads(one) for one in given["citations"]["data"]] == [[CITATION], []]


def test_only_the_outputs_that_are_wanted_are_sent(site: WireSite) -> None:
    assert list(outputs(infer(site, "mood", tensor("a"), outputs=[{"name": "scores"}]))) == ["scores"]
    refused = infer(site, "mood", tensor("a"), outputs=[{"name": "logits"}])
    assert (refused.status_code, "logits" in refused.json()["error"]) == (400, True)


def test_one_input_that_is_refused_refuses_all_and_is_named(site: WireSite) -> None:
    answer = infer(site, "gist", tensor("a", "b" * 1_500, "c"))
    assert answer.status_code == 422
    assert answer.json() == {"error": "input 2: the input has too many tokens", "code": "input_too_long"}


def test_the_champion_can_be_named_and_no_other(site: WireSite) -> None:
    assert infer(site, "gist", tensor("a"), version="v1").status_code == 200
    for path in ("", "/ready"):
        answer = httpx.get(f"{site.url}/v2/models/gist/versions/v9{path}", headers=site.bearer)
        assert (answer.status_code, answer.json()["code"]) == (404, "version_not_served")
    refused = infer(site, "gist", tensor("a"), version="v9")
    assert refused.status_code == 404
    assert "serves v1, not 'v9'" in refused.json()["error"]


def test_a_version_that_is_replaced_while_it_answers_is_not_passed_off_as_itself(site: WireSite) -> None:
    rule = site.handles["tale"].rule
    version = publish(site.store, "tale", digest="b")

    def promote_first(call: Any) -> Any:
        promote(site.store, "tale", version, actor="test", reason="second")
        time.sleep(POLL_S * 3)
        return rule(call)

    site.handles["tale"].rule = promote_first
    assert infer(site, "tale", tensor("a"), version="v1").json()["model_version"] == "v1"
    site.handles["tale"].rule = rule
    assert infer(site, "tale", tensor("a"), version="v1").status_code == 404
    assert infer(site, "tale", tensor("a")).json()["model_version"] == version


class JustPromoted:
    """An `Answering` whose champion changes from v1 to v2 after it was asked for it, and so answers by v2."""

    def __init__(self, loaded: LoadedSpec) -> None:
        self._tasks = loaded.spec.tasks

    def tasks(self) -> Mapping[str, TaskSpec]:
        """Return the tasks."""
        return self._tasks

    def task(self, name: str) -> TaskSpec:
        """Return a task."""
        return self._tasks[name]

    def champion(self, task: str) -> str | None:
        """Return the version that was the champion a moment ago."""
        return "v1"

    def unready(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    async def answer(self, task: str, body: TaskRequest, caller: KeyInfo, *, named: str | None = None) -> TaskAnswer:
        """Answer by v2; by v1 where the user is early."""
        version = "v1" if body.user == "early" else "v2"
        usage = Usage(input_tokens=1, output_tokens=1)
        facts: dict[str, Any] = {"id": "inf_x", "locale": "en", "output": body.input, "usage": usage, "latency_ms": 1.0}
        return SummarizeAnswer(task=task, version=version, **facts)

    async def answer_all(
        self, task: str, bodies: Sequence[TaskRequest], caller: KeyInfo, *, named: str | None = None
    ) -> list[TaskAnswer]:
        """Answer each."""
        return [await self.answer(task, body, caller, named=named) for body in bodies]

    async def answer_each(
        self, task: str, bodies: Sequence[TaskRequest], caller: KeyInfo
    ) -> list[TaskAnswer | Exception]:
        """Answer each."""
        return [*await self.answer_all(task, bodies, caller)]

    async def stream(self, task: str, body: TaskRequest, caller: KeyInfo) -> AsyncGenerator[Piece | TaskAnswer]:
        """Give the answer."""
        yield await self.answer(task, body, caller)


async def test_what_another_version_answered_is_never_passed_off_as_the_one_that_was_named(site: WireSite) -> None:
    app = FastAPI()
    install_problem_handlers(app, SHAPES)
    InferenceRoutes(JustPromoted(site.loaded), KeyCheck(site.store), max_body_bytes=10_000).add_to(app)
    async with client_of(app) as client:

        async def post(path: str, *inputs: dict[str, Any]) -> httpx.Response:
            return await client.post(f"/v2/models/gist{path}/infer", json={"inputs": inputs}, headers=site.bearer)

        assert (await post("/versions/v1", tensor("a"))).json()["code"] == "version_not_served"
        assert (await post("", tensor("a"))).json()["model_version"] == "v2"
        mixed = await post("", tensor("a", "b"), tensor("early", "late", name="user"))
        assert (mixed.status_code, "model_version" in mixed.json()) == (200, False)


def test_an_unknown_task_a_missing_key_and_no_json_have_the_protocols_shape(site: WireSite) -> None:
    unknown = infer(site, "nobody", tensor("a"))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_task")
    assert "mood" in unknown.json()["error"]
    assert httpx.get(f"{site.url}/v2/models/mood").json()["code"] == "missing_key"
    url = f"{site.url}/v2/models/mood/infer"
    assert httpx.post(url, content=b"{", headers=site.bearer).status_code == 400
    assert set(httpx.get(f"{site.url}/v2/nothing").json()) == {"error", "code"}
