"""Whatever is sent, the API keeps to its own document: schemathesis asks all of its routes, and goes on from answers.

It reads /openapi.json of the real router and collector, served over HTTP, makes requests that fit the document and
requests that do not, and checks each response: no 5xx, statuses, media types and bodies as described, keys asked for,
other methods refused. `mood` is answered by a real replica with a small model, the other kinds by rule.
"""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.openapi import from_url
from sqlalchemy import func, select
from tests.support.published_versions import TASK, publish_project
from tests.support.replicas import ReplicaHandle
from tests.support.wire_site import WireSite, served

from polyloop.registry.tables import feedback
from polyloop.serving.task_model import TaskModel

pytestmark = pytest.mark.slow

MAX_EXAMPLES = 12
"""Of each route, besides those that schemathesis works out from the bounds in the document."""
SCENARIOS = 60
STEPS = 6


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireSite]:
    """A task of every kind; that of `mood` has a model of its own."""
    published = publish_project(tmp_path_factory.mktemp("published"))
    with served(tmp_path_factory.mktemp("wire")) as opened:
        version = published.loaded.artefacts_dir / "models" / TASK / "v1"
        shutil.copytree(version, opened.loaded.artefacts_dir / "v1")
        replica = TaskModel(str(opened.loaded.path), TASK)
        handles: dict[str, Any] = opened.handles
        handles[TASK] = ReplicaHandle(replica)
        yield opened
        replica.close()
    published.store.close()


@pytest.fixture(scope="module")
def api(site: WireSite) -> Any:
    """The document, and how it is tried; the same requests at each run."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": 20261128,
            "auth": {"openapi": {"api_key": {"bearer": site.key}}},
            "generation": {"max-examples": MAX_EXAMPLES, "deterministic": True, "database": "none"},
            # One path serves tasks of every kind, so that its document cannot say which fields fit which task: a
            # target_locale is in the document, and a classifier refuses it (422).
            "checks": {
                "positive_data_acceptance": {"enabled": False},
                # What is wrong may also be too large, or a version that only operators may ask for.
                "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 413, 422]},
            },
            # The links of the document are what is tried, and none that a tool would guess beside them.
            "phases": {"stateful": {"max-steps": STEPS, "inference": {"algorithms": []}}},
        }
    )
    schema = from_url(f"{site.url}/openapi.json", config=config)
    tasks = sorted(site.loaded.spec.tasks)

    @schema.hook
    def map_body(context: Any, body: Any) -> Any:
        """Let no request ask for events, and most fit a task that is there, as their document cannot say (above)."""
        if isinstance(body, dict):
            # Events are described by what they hold, as OpenAI's own document has it, and are tried elsewhere.
            body = {name: value for name, value in body.items() if name not in ("stream", "stream_options")}
            if isinstance(body.get("model"), str) and len(body["model"]) % 4:
                body["model"] = tasks[len(body["model"]) % len(tasks)]
            path, said = context.operation.path, str(body.get("input"))
            if path == "/v1/tasks/{task}" and len(said) % 4:
                return {name: value for name, value in body.items() if name in ("input", "user")}
        return body

    @schema.hook
    def map_query(context: Any, query: Any) -> Any:
        """Let most requests leave the version to the release; only operators may ask for one."""
        if isinstance(query, dict) and len(str(query.get("version", ""))) % 4:
            return {name: value for name, value in query.items() if name != "version"}
        return query

    return schema


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_response_is_one_that_the_document_describes(api: Any, mode: GenerationMode) -> None:
    bounds = settings(
        max_examples=MAX_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    asked = set()
    for found in api.get_all_operations():
        operation = found.ok()

        @bounds
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case[Any]) -> None:
            case.call_and_validate()

        try:
            ask()
        except Unsatisfiable:  # nothing that could be sent to a route without parameters would be wrong
            assert mode is GenerationMode.NEGATIVE, operation.label
            continue
        asked.add(operation.label)
    assert {
        "POST /v1/tasks/{task}",
        "POST /v1/tasks/{task}:batch",
        "POST /v1/feedback",
        "POST /v1/completions",
    } <= asked


def test_answers_lead_to_feedback_and_lists_to_what_they_list(api: Any, site: WireSite) -> None:
    bounds = settings(max_examples=SCENARIOS, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None)
    api.as_state_machine().run(settings=bounds)
    with site.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(feedback)).scalar_one() > 0
