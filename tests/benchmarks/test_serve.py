"""The serve benchmark's parts run and give their figures; bars are for `polyloop bench` to say."""

import sys
from pathlib import Path

import pytest

from polyloop.bench.serve.benchmark import NO_PEERS, Bench, Sizes, bodies_of, model_peers, peer_bodies
from polyloop.bench.serve.loads import Loads
from polyloop.bench.serve.models import ModelSize, sentences, write_model
from polyloop.bench.serve.servers import peer_running

CLASSIFIER = ModelSize(name="classify-small", width=32, feedforward=64, heads=2, layers=1)
TRANSLATOR = ModelSize(name="translate-small", width=32, feedforward=64, heads=2, layers=1, decoder_layers=1)
SMALL = Sizes(
    turns=1,
    warm_s=0.3,
    counted_s=0.7,
    release_s=1.0,
    models=(CLASSIFIER, TRANSLATOR),
    replicated=CLASSIFIER,
    num_promotions=1,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(SMALL, None, tmp_path)


def test_echoes_replicas_and_routers_are_measured_and_absent_peers_told(bench: Bench):
    figures = {(figure.name, figure.peer): figure for figure in bench.with_engines()}

    for name in ("echo, 1 connection", "echo, 16 connections", "echo, 64 connections"):
        for peer in ("LitServe", "BentoML"):
            assert figures[name, peer].value > 0
            assert figures[name, peer].absent == NO_PEERS
            assert not figures[name, peer].ok
    assert figures["echo, 1 connection: p50 added to the bare engine", None].value > 0
    assert figures["4 replicas of a sleeping engine", "1 replica"].ratio > 1
    assert figures["2 routers, a route without a model", "1 router"].value > 0
    assert all(turn["num_failed"] == 0 for turns in bench.asked.values() for turn in turns)


def test_models_replicas_and_releases_are_measured(bench: Bench):
    figures = {(figure.name, figure.peer): figure for figure in bench.with_models()}

    for name in ("classify-small, 16 connections", "translate-small, 16 connections"):
        assert figures[name, "LitServe, batches of 16"].absent == NO_PEERS
        assert figures[name, "the engine without a server, batches of 16"].ratio > 0
    assert figures["champion's p99 with canary and shadow, 100 requests/s", "without"].ratio > 0
    assert figures["1 promotions under 100 requests/s: failed requests", None].value == 0
    assert figures["1 promotions under 100 requests/s: p99 during the change", "before"].ratio > 0
    assert all(turn["num_failed"] == 0 for turns in bench.asked.values() for turn in turns)


@pytest.mark.parametrize("size", [CLASSIFIER, TRANSLATOR])
def test_a_peer_serves_the_same_files_and_takes_the_same_load(size: ModelSize, tmp_path: Path):
    write_model(size, tmp_path / "made")
    _, fastapi = model_peers(size, tmp_path / "made" / "trained")
    bodies = peer_bodies(bodies_of(size.kind, sentences(4)))

    with peer_running(fastapi, Path(sys.prefix), bodies[0], tmp_path / "log") as one:
        told = Loads(work=tmp_path, warm_s=0.2, counted_s=0.5).ask(one, bodies, connections=2)

    assert told["num_failed"] == 0
    assert told["num_requests"] > 0
