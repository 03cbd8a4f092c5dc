"""Whatever is sent, the API keeps to its own document: schemathesis asks all of its routes, and goes on from answers.

It reads /openapi.json of the real router and collector, served over HTTP, makes requests that fit the document and
requests that do not, and checks each response: no 5xx, statuses, media types and bodies as described, keys asked for,
other methods refused. `mood` is answered by a real replica with a small model, the other kinds by rule.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.openapi import from_url
from sqlalchemy import func, select
from tests.support.published_versions import TASK, publish_project
from tests.support.replicas import Replica, ReplicaHandle
from tests.support.wire_site import WireSite, served

from polyloop.registry.tables import feedback

pytestmark = pytest.mark.slow

MAX_EXAMPLES = 12
"""Of each route, of requests that fit the document and as many of others."""
REFUSALS = [400, 401, 404, 405, 413, 422]
"""With one of these a request that does not fit the document is refused; 413 because bodies are short here."""
SCENARIOS = 15
STEPS = 6


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireSite]:
    """A task of every kind; that of `mood` has a model of its own."""
    published = publish_project(tmp_path_factory.mktemp("published"))
    with served(tmp_path_factory.mktemp("wire")) as opened:
        version = published.loaded.artefacts_dir / "models" / TASK / "v1"
        shutil.copytree(version, opened.loaded.artefacts_dir / "v1")
        replica = Replica(str(opened.loaded.path), TASK)
        handles: dict[str, Any] = opened.handles
        handles[TASK] = ReplicaHandle(replica)
        yield opened
        asyncio.run(replica.stop())
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
                "negative_data_rejection": {"expected-statuses": REFUSALS},
            },
            # The links of the document are what is tried, and none that a tool would guess beside them.
            "phases": {"stateful": {"max-steps": STEPS, "inference": {"algorithms": []}}},
        }
    )
    schema = from_url(f"{site.url}/openapi.json", config=config)
    tasks = sorted(site.loaded.spec.tasks)

    @schema.hook
    def map_body(context: Any, body: Any) -> Any:
        """Let most bodies fit the task that is asked, which their document cannot say (see above)."""
        if isinstance(body, dict) and isinstance(body.get("model"), str) and len(body["model"]) % 4:
            return {**body, "model": tasks[len(body["model"]) % len(tasks)]}
        if context.operation.path == "/v1/tasks/{task}" and isinstance(body, dict) and len(str(body.get("input"))) % 4:
            return {name: value for name, value in body.items() if name in ("input", "user")}
        return body

    return schema


# Not by `schema.parametrize`, whose form for fixtures needs what pytest 9.2 no longer has.
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_response_is_one_that_the_document_describes(api: Any, mode: GenerationMode) -> None:
    tried = {operation.label for operation in map(asked(mode), api.get_all_operations()) if operation is not None}
    assert len(tried) >= (17 if mode is GenerationMode.POSITIVE else 13)


def asked(mode: GenerationMode) -> Callable[[Any], Any]:
    """Return a function that asks an operation and returns it; None where nothing that it takes can be wrong."""

    def ask(found: Any) -> Any:
        operation = found.ok()
        bounds = settings(max_examples=MAX_EXAMPLES, deadline=None, derandomize=True, database=None)

        @bounds
        @given(case=operation.as_strategy(generation_mode=mode))
        def keeps_to_the_document(case: "Case[Any]") -> None:
            case.call_and_validate()

        try:
            keeps_to_the_document()
        except Unsatisfiable:
            return None
        return operation

    return ask


def test_answers_lead_to_feedback_and_lists_to_what_they_list(api: Any, site: WireSite) -> None:
    bounds = settings(max_examples=SCENARIOS, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None)
    api.as_state_machine().run(settings=bounds)
    with site.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(feedback))
