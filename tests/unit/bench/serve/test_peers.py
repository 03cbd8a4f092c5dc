"""Peers run with the versions that Polyloop is tested with, and are told what the platform takes from its spec."""

from pathlib import Path

from polyloop.bench.serve.benchmark import BATCH_WAIT_S, ECHO_PEERS, model_peers
from polyloop.bench.serve.models import SIZES
from polyloop.bench.serve.servers import PEERS
from polyloop.spec.serving import TaskServing

REPOSITORY = Path(__file__).resolve().parents[4]
NOT_OURS = {"bentoml", "litserve"}


def pinned(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_what_peers_share_with_us_has_our_versions():
    theirs, ours = pinned(PEERS / "requirements.txt"), pinned(REPOSITORY / "constraints.txt")

    assert theirs.keys() - ours.keys() == NOT_OURS
    assert {name: theirs[name] for name in theirs.keys() - NOT_OURS} == {
        name: ours[name] for name in theirs.keys() - NOT_OURS
    }


def test_batches_of_peers_wait_as_long_as_ours_do():
    serving = TaskServing()

    assert serving.batch_wait_ms == 1_000 * BATCH_WAIT_S
    assert serving.threads == 1


def test_a_peer_is_started_out_of_its_own_environment():
    litserve, bentoml = (peer.command(Path("/peers"), 8123) for peer in ECHO_PEERS)

    assert litserve == ["/peers/bin/python", str(PEERS / "litserve_server.py"), "--port", "8123"]
    assert bentoml[:5] == ["/peers/bin/python", "-m", "bentoml", "serve", "bentoml_server:Service"]
    assert bentoml[-2:] == ["--port", "8123"]


def test_only_what_writes_is_told_what_to_write():
    classify, translate = (model_peers(size, Path("/model"))[0] for size in (SIZES[0], SIZES[2]))

    assert "--prefix" not in classify.arguments
    assert translate.arguments[translate.arguments.index("--prefix") + 1] == "<2de>"
    assert translate.arguments[translate.arguments.index("--num-tokens") + 1] == "24"
    assert {"--max-batch-size", "--batch-timeout"} <= set(classify.arguments) & set(translate.arguments)
