"""A project with a task of every kind, served over HTTP by the real router and collector, with rules for models."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support.listening import Prefixes, listening
from tests.support.projects import SmallBundles, SmallResponse, SmallStream, SmallStreaming, one_by_one, publish

from polyloop.errors import RequestError
from polyloop.registry.keys import create_key
from polyloop.registry.presence import beat
from polyloop.registry.releases import promote
from polyloop.registry.store import Store, open_store
from polyloop.serving.calls import Call, Reply
from polyloop.serving.collector import Collector
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.tasks.chat import read_turns
from polyloop.tasks.generate import read_prompt

CITATION: Mapping[str, Any] = {
    "document_id": "tower",
    "source": "guide",
    "locale": "en",
    "passage_start": 0,
    "passage_end": 54,
    "start": 0,
    "end": 28,
    "score": 0.5,
}
LONG_ALIVE = timedelta(hours=1)
"""Keeps a replica that beats once alive for all tests of a module, on a machine of any speed."""
BREAKS = "break off"
"""An input that lets a stream fail after its second piece."""


def spec_data() -> dict[str, Any]:
    """Return the project: a task of every kind."""
    corpus = {"paths": ["data/x.jsonl"], "columns": {"input": "a", "target": "b"}, "locale": "en", "licence": "CC0-1.0"}
    model = {"recipe": "nano", "vocab_size": 300, "max_target_tokens": 32}
    common = {"corpora": ["x"], "model": model}
    return {
        "project": "wire",
        "locales": ["en", "de", "zh-Hans"],
        "serving": {"max_body_bytes": 20_000},
        "corpora": {"x": corpus, "pairs": {**corpus, "target_locale": "de"}},
        "tasks": {
            "mood": {"kind": "classify", "labels": ["good", "bad"], **common},
            "translate": {"kind": "translate", "pairs": ["en>de", "en>zh-Hans"], "corpora": ["pairs"], "model": model},
            "gist": {"kind": "summarize", "locales": ["en"], **common},
            "tale": {"kind": "generate", "locales": ["en"], "styles": ["poem"], **common},
            "talk": {
                "kind": "chat",
                "locales": ["en", "de"],
                "personas": {"de": "Du bist nett."},
                "decoding": {"temperature": 0.5, "top_p": 0.9},
                **common,
            },
            "help": {"kind": "answer", "corpora": ["x"], "documents": [{"paths": ["*.txt"], "licence": "CC0-1.0"}]},
        },
    }


def _reply(output: str, call: Call, **others: Any) -> Reply:
    num_input_tokens = len(call.text.split())
    fields = {"scores": None, "num_input_tokens": num_input_tokens, "num_output_tokens": len(output.split()), **others}
    return Reply(output=output, **fields)


def _mood(call: Call) -> Reply:
    is_good = "good" in call.text
    scores = {"good": 0.75, "bad": 0.25} if is_good else {"good": 0.125, "bad": 0.875}
    return _reply("good" if is_good else "bad", call, scores=scores, num_output_tokens=0)


def _talk(call: Call) -> Reply:
    return _reply(" / ".join(f"{turn.role}: {turn.content}" for turn in read_turns(call.text)), call)


def _tale(call: Call) -> Reply:
    style, prompt = read_prompt(call.text)
    return _reply(f"a {style or 'tale'} of {prompt}", call)


def _help(call: Call) -> Reply:
    if "unknown" in call.text:
        return _reply("", call, citations=(), confidence=0.1)
    return _reply("In 1901.", call, citations=(CITATION,), confidence=0.75)


RULES: Mapping[str, Callable[[Call], Reply]] = {
    "mood": _mood,
    "translate": lambda call: _reply(f"{call.target_locale}: {call.text}", call),
    "gist": lambda call: _reply(" ".join(call.text.split()[:3]), call),
    "tale": _tale,
    "talk": _talk,
    "help": _help,
}


class RuleHandle:
    """Stands in for the handle of a deployment: answers by a rule, refuses inputs of more than 1,000 characters.

    A stream of it comes word by word.
    """

    def __init__(self, rule: Callable[[Call], Reply]) -> None:
        self.rule = rule
        self.calls: list[Call] = []
        self.streams: list[SmallStream] = []

    def remote(self, call: Call) -> SmallResponse:
        """Take a call."""
        return SmallResponse(lambda: self._answer(call))

    def options(self, *, method_name: str, stream: bool) -> SmallStreaming | SmallBundles:
        """Return the handle that streams, or that takes several calls."""
        if method_name == "each":
            return one_by_one(self)
        assert (method_name, stream) == ("stream", True)
        return SmallStreaming(self._words, self.streams)

    async def _answer(self, call: Call) -> Reply:
        self.calls.append(call)
        await asyncio.sleep(0)
        if len(call.text) > 1_000:
            raise RequestError("the input has too many tokens", 422, "input_too_long")
        return self.rule(call)

    async def _words(self, call: Call) -> AsyncGenerator[str | Reply]:
        """Give each word, with the space after it, then the reply."""
        reply = await self._answer(call)
        words = reply.output.split(" ")
        for place, word in enumerate(words if reply.output else []):
            if place == 2 and BREAKS in call.text:
                raise RequestError("the replica died", 503, "no_replica")
            yield word + " " * (place < len(words) - 1)
        yield reply


class Interference:
    """Stands before an application, and may answer in its place: what a network or an overloaded service does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Path and headers of each request."""
        self.instead: list[ASGIApp] = []
        """Each answers one request, in order."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append((scope["path"], headers))
        await (self.instead.pop(0) if self.instead else self._app)(scope, receive, send)


@dataclass(frozen=True, kw_only=True)
class WireSite:
    """Where the service is, a key for it, and what stands behind it."""

    url: str
    key: str
    store: Store
    handles: dict[str, RuleHandle]
    interference: Interference
    loaded: LoadedSpec

    @property
    def bearer(self) -> dict[str, str]:
        """The header of the key."""
        return {"Authorization": f"Bearer {self.key}"}


@contextmanager
def served(folder: Path, data: dict[str, Any] | None = None) -> Iterator[WireSite]:
    """Serve the project, or one with other `data`; every task is ready."""
    path = folder / "polyloop.yaml"
    path.write_text(yaml.safe_dump(data or spec_data(), sort_keys=False), encoding="utf-8")
    loaded = load_spec(path)
    store = open_store(loaded.store_url)
    for task in loaded.spec.tasks:
        promote(store, task, publish(store, task), actor="test", reason="first")
        beat(store, f"replica-{task}", task, ["v1"], datetime.now(UTC) + LONG_ALIVE)
    handles = {task: RuleHandle(RULES[task]) for task in loaded.spec.tasks}
    router, collector = Router(loaded, handles), Collector(loaded)
    interference = Interference(Prefixes(router.app(), collector.app()))
    try:
        with listening(interference) as url:
            key = create_key(store, "wire", ["infer", "feedback"])[1]
            yield WireSite(url=url, key=key, store=store, handles=handles, interference=interference, loaded=loaded)
    finally:
        router.close()
        collector.close()
        store.close()
