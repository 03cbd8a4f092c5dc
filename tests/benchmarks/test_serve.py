"""A peer of the serve benchmark answers the load that is put on all servers; bars are for `polyloop bench` to say."""

import sys
from pathlib import Path

import pytest

from polyloop.bench.serve.benchmark import bodies_of, model_peers, peer_bodies
from polyloop.bench.serve.loads import Loads
from polyloop.bench.serve.models import ModelSize, sentences, write_model
from polyloop.bench.serve.raw import RawPlan
from polyloop.bench.serve.servers import peer_running

CLASSIFIER = ModelSize(name="classify-small", width=32, feedforward=64, heads=2, layers=1)
TRANSLATOR = ModelSize(name="translate-small", width=32, feedforward=64, heads=2, layers=1, decoder_layers=1)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("size", [CLASSIFIER, TRANSLATOR])
def test_a_peer_serves_the_same_files_and_takes_the_same_load(size: ModelSize, tmp_path: Path):
    write_model(size, tmp_path / "made")
    _, fastapi = model_peers(size, tmp_path / "made" / "trained")
    bodies = peer_bodies(bodies_of(size.kind, sentences(4)))

    with peer_running(fastapi, Path(sys.prefix), bodies[0], tmp_path / "log") as one:
        told = Loads(work=tmp_path, warm_s=0.2, counted_s=0.5).ask(one, bodies, connections=2)

    assert told["num_failed"] == 0
    assert told["num_requests"] > 0


def test_engines_that_are_driven_at_once_are_summed_up(tmp_path: Path):
    plan = RawPlan(texts=("a", "b"), locale="en", target_locale="en", batch_size=2, warm_s=0.1, counted_s=0.2)

    told = Loads(work=tmp_path, warm_s=0.0, counted_s=0.0).drive_together("echo", plan, 2)

    assert [one["batch_size"] for one in told["each"]] == [2, 2]
    assert told["rows_per_s"] == pytest.approx(sum(one["rows_per_s"] for one in told["each"]), abs=0.02)
