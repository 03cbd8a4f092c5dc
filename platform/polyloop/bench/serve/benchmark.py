"""Benchmark `serve`: the platform as it is deployed, beside LitServe, BentoML and FastAPI with the same models.

Input: the environment that the peers are installed in, by POLYLOOP_BENCH_PEERS; without it their figures say that they
were not measured, and no bar counts as reached. Output: figures. Everything that is measured runs in processes of its
own, one server at a time, on this machine: ours as `polyloop up` starts it (Ray in throughput mode behind HAProxy, all
four applications, API keys, signed ids, inference log, metrics), theirs as their documentation says, with one worker.
Servers take turns, a model call has one thread everywhere, and one load generator asks all of them. The full run takes
about 25 minutes on two idle cores.

What echoes and sleeps in the place of a model is told in `polyloop.bench.serve.engines`, what the models are in
`polyloop.bench.serve.models`. Requests tell their locale, as those to the peers need none to be found out.
"""

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polyloop.bench.figures import Figure
from polyloop.bench.processes import Printed
from polyloop.bench.serve import models
from polyloop.bench.serve.engines import BUILDER
from polyloop.bench.serve.figures import (
    ECHO_BAR,
    FASTAPI_BAR,
    INGRESS_BAR,
    LITSERVE_BAR,
    RAW_BAR,
    SLEEPING_BAR,
    TWO_REPLICAS_BAR,
    failed_figure,
    latency_figures,
    rate_figure,
    scaling_figure,
)
from polyloop.bench.serve.loads import Loads
from polyloop.bench.serve.models import OUTPUT_TOKENS, SIZES, SOURCE, TARGET, ModelSize
from polyloop.bench.serve.projects import (
    ECHO,
    ECHO_IN_ROUTER,
    IN_ROUTER,
    REPLICAS,
    Project,
    engine_project,
    model_project,
    replicas,
    sleeper,
    with_routers,
)
from polyloop.bench.serve.raw import RawPlan
from polyloop.bench.serve.releases import Released, num_versions
from polyloop.bench.serve.servers import Peer, Served, deploy_project, peer_running, platform_running, served
from polyloop.spec.settings import settings
from polyloop.tasks.writing import locale_tag

RAW = "the engine without a server"
TOGETHER = "engines without a server, at once"
NO_PEERS = "POLYLOOP_BENCH_PEERS names no environment (`make peers` makes one)"
BATCHED = 16
"""Connections that ask models, and so the most that a batch can hold."""
BATCH_WAIT_S = 0.002
"""Longest wait of a batch for company; the spec's default for ours."""
CONNECTIONS = (1, 16, 64)
ONE, MANY = REPLICAS
NUM_TEXTS = 64
LONG_TEXT_SENTENCES = 8
"""Sentences of the texts that replicas are compared with, so that the model is what takes the time."""
RELEASED = "released"
"""Task whose releases change."""

ECHOES = {ECHO_IN_ROUTER: "echo in the router", ECHO: "echo in a replica"}
"""Both placements of a task (docs/decisions/0032), with the same bars."""
ECHO_PEERS = (
    Peer(name="LitServe", module="litserve_server", path="/predict"),
    Peer(name="BentoML", module="bentoml_server", path="/answer", as_bentoml=True),
)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is done."""

    turns: int
    """Turns of each server."""
    warm_s: float
    """First seconds of a load, which are not counted."""
    counted_s: float
    release_s: float
    """Counted seconds of a load beside releases, and before the first promotion."""
    models: tuple[ModelSize, ...] = SIZES
    replicated: ModelSize = SIZES[1]
    """Model that answers in one and in two replicas."""
    num_promotions: int


STANDARD = Sizes(turns=3, warm_s=1.5, counted_s=4.0, release_s=15.0, num_promotions=5)
QUICK = Sizes(
    turns=1,
    warm_s=0.5,
    counted_s=1.5,
    release_s=4.0,
    models=(SIZES[0], SIZES[2]),
    replicated=SIZES[0],
    num_promotions=1,
)


def run(*, quick: bool) -> list[Figure]:
    """Return the figures; ClusterError if a server or a process fails."""
    peers = settings().bench_peers
    with tempfile.TemporaryDirectory(prefix="polyloop-bench-") as folder:
        return measure(QUICK if quick else STANDARD, peers.resolve() if peers else None, Path(folder))


def measure(sizes: Sizes, peers: Path | None, work: Path) -> list[Figure]:
    """Return the figures for these sizes; `peers` is the peers' environment, `work` a folder for projects and logs."""
    bench = Bench(sizes, peers, work)
    figures = [*bench.with_engines(), *bench.with_models()]
    return [*figures, failed_figure(bench.asked)]


@dataclass
class Bench:
    """The parts of the benchmark; `asked` holds all loads that were put on the platform, by name."""

    sizes: Sizes
    peers: Path | None
    work: Path
    asked: dict[str, list[Printed]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._loads = Loads(work=self.work / "plans", warm_s=self.sizes.warm_s, counted_s=self.sizes.counted_s)
        self._absent = None if self.peers is not None else NO_PEERS

    def with_engines(self) -> list[Figure]:
        """Compare echoes by turns; with the engine that sleeps, replicas; and routers."""
        project = engine_project(self.work / "engines")
        bodies = bodies_of("summarize", models.sentences(NUM_TEXTS))
        theirs: dict[tuple[str, int], list[Printed]] = defaultdict(list)
        for turn in range(self.sizes.turns):
            with platform_running(project, builder=BUILDER):
                for name in ECHOES:
                    echo = served(project, name, bodies[0])
                    for count in CONNECTIONS:
                        self._ask(f"{name} {count}", echo, bodies, connections=count, expected="echo")
                for num_replicas in REPLICAS:
                    sleeping = served(project, sleeper(num_replicas), bodies[0])
                    self._ask(sleeper(num_replicas), sleeping, bodies, connections=BATCHED, expected="echo")
                if turn == self.sizes.turns - 1:
                    self._routers(project, bodies)
            for name, count, load in self._ask_peers(ECHO_PEERS, bodies, CONNECTIONS, expected="echo"):
                theirs[name, count].append(load)
        raw_plan = RawPlan(
            texts=tuple(models.sentences(NUM_TEXTS)),
            locale=SOURCE,
            target_locale=SOURCE,
            batch_size=1,
            warm_s=0.1,
            counted_s=0.5,
        )
        bare = self._loads.drive("echo", raw_plan)
        return [
            *(
                rate_figure(
                    f"{title}, {count} connection{'s' * (count > 1)}",
                    self.asked[f"{name} {count}"],
                    peer.name,
                    theirs[peer.name, count],
                    bar=ECHO_BAR,
                    absent=self._absent,
                )
                for name, title in ECHOES.items()
                for count in CONNECTIONS
                for peer in ECHO_PEERS
            ),
            *(
                figure
                for name, title in ECHOES.items()
                for figure in latency_figures(f"{title}, 1 connection", self.asked[f"{name} 1"], bare)
            ),
            self._ratio(
                f"{MANY} replicas of a sleeping engine", sleeper(MANY), "1 replica", sleeper(ONE), SLEEPING_BAR * MANY
            ),
            self._ratio("2 routers, a route without a model", "door 2", "1 router", "door 1", INGRESS_BAR),
            self._ratio("2 routers, echo, 64 connections", "echo by 2", "1 router", "echo by 1", None),
        ]

    def with_models(self) -> list[Figure]:
        """Compare models by turns; then replicas of one, and what releases cost."""
        sizes = self.sizes
        tasks = {
            RELEASED: (SIZES[0], replicas(1)),
            **{size.name: (size, replicas(1)) for size in sizes.models},
            **{in_router(size): (size, IN_ROUTER) for size in sizes.models},
            "one": (sizes.replicated, replicas(1)),
            "two": (sizes.replicated, replicas(2)),
        }
        project = model_project(self.work / "models", tasks, num_versions=num_versions(sizes.num_promotions))
        others: dict[tuple[str, str], list[Printed]] = defaultdict(list)
        texts = models.sentences(NUM_TEXTS)
        long_texts = models.sentences(NUM_TEXTS, per_text=LONG_TEXT_SENTENCES)
        released: list[Figure] = []
        for turn in range(sizes.turns):
            with platform_running(project):
                for size in sizes.models:
                    bodies = bodies_of(size.kind, texts)
                    for name in (size.name, in_router(size)):
                        self._ask(name, served(project, name, bodies[0]), bodies, connections=BATCHED)
                long = bodies_of("classify", long_texts)
                for name in ("one", "two"):
                    self._ask(name, served(project, name, long[0]), long, connections=BATCHED)
                if turn == sizes.turns - 1:
                    released = self._released(project, bodies_of("classify", texts))
            for size in sizes.models:
                folder = project.loaded.artefacts_dir / "models" / size.name / "v1"
                bodies = bodies_of(size.kind, texts)
                for name, _, load in self._ask_peers(model_peers(size, folder), bodies, (BATCHED,)):
                    others[size.name, name].append(load)
                others[size.name, RAW].append(self._loads.drive(folder, self._raw_plan(size, texts)))
        folder = project.loaded.artefacts_dir / "models" / "one" / "v1"
        plan = self._raw_plan(sizes.replicated, long_texts)
        for count in (1, 2):
            together = (self._loads.drive_together(folder, plan, count) for _ in range(sizes.turns))
            others[TOGETHER, str(count)] += together
        figures = [figure for size in sizes.models for figure in self._model_figures(size, others)]
        title = f"{sizes.replicated.name}, texts of {LONG_TEXT_SENTENCES} sentences"
        replicated = [
            self._ratio(f"2 replicas of {title}", "two", "1 replica", "one", TWO_REPLICAS_BAR),
            scaling_figure(title, others[TOGETHER, "2"], others[TOGETHER, "1"]),
        ]
        return [*figures, *replicated, *released]

    def _model_figures(self, size: ModelSize, others: dict[tuple[str, str], list[Printed]]) -> list[Figure]:
        litserve, fastapi = (peer.name for peer in model_peers(size, Path()))
        raw, figures = others[size.name, RAW], list[Figure]()
        for place, task in {"in the router": in_router(size), "in a replica": size.name}.items():
            name, ours = f"{size.name} {place}, {BATCHED} connections", self.asked[task]
            figures += [
                rate_figure(name, ours, litserve, others[size.name, litserve], bar=LITSERVE_BAR, absent=self._absent),
                rate_figure(name, ours, fastapi, others[size.name, fastapi], bar=FASTAPI_BAR, absent=self._absent),
                rate_figure(name, ours, f"{RAW}, batches of {BATCHED}", raw, bar=RAW_BAR, key="rows_per_s"),
            ]
        return figures

    def _released(self, project: Project, bodies: Sequence[dict[str, Any]]) -> list[Figure]:
        loads = Loads(work=self._loads.work, warm_s=self.sizes.warm_s, counted_s=self.sizes.release_s)
        one = served(project, RELEASED, bodies[0])
        part = Released(project=project, task=RELEASED, served=one, bodies=bodies, loads=loads)
        figures, asked = part.figures(turns=self.sizes.turns, num_promotions=self.sizes.num_promotions)
        self.asked[RELEASED] += asked
        return figures

    def _routers(self, project: Project, bodies: Sequence[dict[str, Any]]) -> None:
        """Ask one router and then two, with and without a model call behind them."""
        echo = Served(url=project.url(ECHO), headers=project.headers)
        door = Served(url=f"{project.base_url}/v1/key", headers=project.headers)
        connections = CONNECTIONS[-1]
        for count in (1, 2):
            if count > 1:
                deploy_project(with_routers(project, count), builder=BUILDER)
            for _ in range(self.sizes.turns):
                self._ask(f"door {count}", door, (), connections=connections, expected="any")
                self._ask(f"echo by {count}", echo, bodies, connections=connections, expected="echo")

    def _ask_peers(
        self, peers: Sequence[Peer], bodies: Sequence[dict[str, Any]], counts: Sequence[int], **changes: Any
    ) -> list[tuple[str, int, Printed]]:
        """Run one peer after the other and ask each by so many connections; nothing where there are no peers."""
        if self.peers is None:
            return []
        questions, loads = peer_bodies(bodies), list[tuple[str, int, Printed]]()
        for peer in peers:
            with peer_running(peer, self.peers, questions[0], self.work / f"{peer.module}.log") as one:
                for count in counts:
                    loads.append((peer.name, count, self._loads.ask(one, questions, connections=count, **changes)))
        return loads

    def _ratio(self, name: str, ours: str, peer: str, theirs: str, bar: float | None) -> Figure:
        return rate_figure(name, self.asked[ours], peer, self.asked[theirs], bar=bar)

    def _ask(self, name: str, one: Served, bodies: Sequence[dict[str, Any]], **changes: Any) -> None:
        self.asked[name].append(self._loads.ask(one, bodies, **changes))

    def _raw_plan(self, size: ModelSize, texts: Sequence[str]) -> RawPlan:
        return RawPlan(
            texts=tuple(texts),
            locale=SOURCE,
            target_locale=TARGET if size.decoder_layers else SOURCE,
            batch_size=BATCHED,
            warm_s=self.sizes.warm_s,
            counted_s=self.sizes.counted_s,
        )


def model_peers(size: ModelSize, folder: Path) -> tuple[Peer, Peer]:
    """Return the peers that serve the model of a size, which is in a folder."""
    given: tuple[str, ...] = ("--kind", size.kind, "--model", str(folder))
    if size.decoder_layers:
        given += ("--prefix", locale_tag(TARGET), "--num-tokens", str(OUTPUT_TOKENS))
    batching = ("--max-batch-size", str(BATCHED), "--batch-timeout", str(BATCH_WAIT_S))
    way = "pipeline" if size.kind == "classify" else "generate"
    return (
        Peer(
            name=f"LitServe, batches of {BATCHED}",
            module="litserve_server",
            path="/predict",
            arguments=(*given, *batching),
        ),
        Peer(name=f"FastAPI, transformers {way}", module="fastapi_server", path="/answer", arguments=given),
    )


def in_router(size: ModelSize) -> str:
    """Return the name of the task whose model of this size lives in the router."""
    return f"{size.name}-in-router"


def bodies_of(kind: str, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return requests to a task of ours, which tell the locale of the text, and for translate of its translation."""
    target = {"target_locale": TARGET} if kind == "translate" else {}
    return [{"input": text, "locale": SOURCE, **target} for text in texts]


def peer_bodies(bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the same requests as peers take them, with nothing but the text."""
    return [{"input": body["input"]} for body in bodies]
