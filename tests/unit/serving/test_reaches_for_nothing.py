"""Nothing that a request says makes the service open a file or an address, or unpack Python objects.

The first tests look at what the code imports and calls; the last at what it does while it answers, by the audit events
of Python (https://docs.python.org/3/library/audit_events.html).
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

PACKAGE = Path(__file__).resolve().parents[3] / "platform" / "polyloop"
ON_THE_WIRE = ("serving", "console", "feedback")
"""Parts that take what comes from outside."""
MODULES = sorted(path for part in ON_THE_WIRE for path in (PACKAGE / part).rglob("*.py"))

UNPACKS_OBJECTS = frozenset({"pickle", "cloudpickle", "marshal", "shelve", "dill", "joblib", "jsonpickle"})
OPENS_ADDRESSES = frozenset(
    {"urllib.request", "http.client", "requests", "httpx", "aiohttp", "socket", "fsspec", "ftplib"}
)
RUNS_TEXT = frozenset({"eval", "exec", "compile", "__import__"})

BAIT = "bait-7c1f"
BAITS = (f"/tmp/{BAIT}", f"../../{BAIT}", f"file:///tmp/{BAIT}", f"http://127.0.0.1:9/{BAIT}", f"s3://{BAIT}/x")
FORBIDDEN = frozenset(
    {"socket.connect", "socket.getaddrinfo", "urllib.Request", "pickle.find_class", "subprocess.Popen", "os.system"}
)


def breaches(source: str) -> Iterator[str]:
    """Yield what a module imports or calls that it may not."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RUNS_TEXT:
            yield node.func.id
        for name in names:
            if name in OPENS_ADDRESSES or name.split(".")[0] in UNPACKS_OBJECTS | OPENS_ADDRESSES:
                yield name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_takes_requests_neither_unpacks_objects_nor_opens_addresses(module: Path) -> None:
    assert list(breaches(module.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source", ["import pickle", "from urllib import request", "import http.client as h", "def f():\n    eval('1')"]
)
def test_a_breach_is_seen(source: str) -> None:
    assert list(breaches(source))


class Watch:
    """Notes forbidden audit events while it is on; a hook of Python's cannot be taken out again."""

    def __init__(self) -> None:
        self.is_on = False
        self.seen: list[tuple[str, Any]] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.is_on and (event in FORBIDDEN or (event in ("open", "os.listdir") and BAIT in str(arguments[0]))):
            self.seen.append((event, arguments))


@pytest.fixture(scope="module")
def watching() -> Watch:
    return Watch()


@pytest.fixture
def watch(watching: Watch) -> Iterator[Watch]:
    watching.seen.clear()
    watching.is_on = True
    yield watching
    watching.is_on = False


def test_the_watch_sees_files_and_addresses(watch: Watch) -> None:
    with pytest.raises(FileNotFoundError):
        Path(f"/tmp/{BAIT}").read_bytes()
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://127.0.0.1:9/")
    assert {"open", "socket.connect"} <= {event for event, _ in watch.seen}


@pytest.mark.parametrize("bait", BAITS)
async def test_no_text_of_a_request_is_reached_for(
    router: httpx.AsyncClient, collector: httpx.AsyncClient, bearer: dict[str, str], watch: Watch, bait: str
) -> None:
    headers = {**bearer, "X-Request-Id": bait, "Idempotency-Key": bait, "Referer": bait, "Accept": f"text/{bait}"}
    answer = await router.post("/v1/tasks/mood", json={"input": bait, "user": bait, "session": bait}, headers=headers)
    assert answer.status_code == 200
    turn = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": bait}, "text": bait}]}
    chat = "/v1/chat/completions"
    refused = [
        await router.post("/v1/tasks/mood", json={"input": "a", "locale": bait}, headers=headers),
        await router.get(f"/v1/models/{bait}", headers=headers),
        await router.get(f"/console/{bait}", headers=headers),
        await router.get(f"/static-offline-docs/{bait}", headers=headers),
        await router.get(f"/v2/models/mood/versions/{bait}", headers=headers),
        await router.post(chat, json={"model": bait, "messages": [turn]}, headers=headers),
        await router.post(chat, json={"model": "mood", "messages": [turn]}, headers=headers),
        await collector.post("/v1/feedback", json={"inference_id": bait, "rating": 1}, headers=headers),
    ]
    assert [one.url for one in refused if not 400 <= one.status_code < 500] == []
    said = {"inference_id": answer.json()["id"], "correction": "good", "comment": bait, "user": bait}
    assert (await collector.post("/v1/feedback", json=said, headers=headers)).status_code == 201
    assert watch.seen == []
