"""Versions, datasets and gate decisions, on both databases."""

import subprocess
import sys
import threading
from typing import Any

import pytest

from polyloop.errors import RegistryError
from polyloop.registry.datasets import find_dataset, list_datasets, record_dataset
from polyloop.registry.gates import list_gates, record_gate
from polyloop.registry.releases import promote
from polyloop.registry.store import Store
from polyloop.registry.versions import (
    VersionRecord,
    find_version,
    get_version,
    list_versions,
    publish_version,
    reserve_version,
    set_version_state,
)

RESERVE_MANY = """
import sys
from polyloop.registry.store import open_store
from polyloop.registry.versions import reserve_version
store = open_store(sys.argv[1])
for number in range(20):
    reserve_version(store, "mood", f"t{number}", dataset_digest="d", holdout_digest="h", spec_digest="s")
"""


def reserve(store: Store, training_digest: str, task: str = "mood", **facts: Any) -> VersionRecord:
    return reserve_version(
        store, task, training_digest, dataset_digest="d", holdout_digest="h", spec_digest="s", **facts
    )


def publish(store: Store, version: str) -> VersionRecord:
    return publish_version(store, "mood", version, path=f"/models/{version}", size_bytes=3, metrics={"f1": 0.5})


def test_versions_are_numbered_per_task(store: Store) -> None:
    names = [reserve(store, digest).version for digest in ("a", "b")]
    assert names == ["v1", "v2"]
    assert reserve(store, "a", task="other").version == "v1"
    assert [(record.task, record.version) for record in list_versions(store)] == [
        ("mood", "v1"),
        ("mood", "v2"),
        ("other", "v1"),
    ]
    assert [record.number for record in list_versions(store, "mood")] == [1, 2]


def test_the_same_inputs_get_the_same_version(store: Store) -> None:
    first = reserve(store, "a")
    assert first.state == "training"
    assert reserve(store, "a") == first
    assert find_version(store, "mood", "a") == first
    assert find_version(store, "mood", "b") is None


def test_the_parent_is_kept_and_must_exist(store: Store) -> None:
    reserve(store, "a")
    assert reserve(store, "b", parent="v1").parent == "v1"
    with pytest.raises(RegistryError, match="contradicts"):
        reserve(store, "c", parent="v9")


def test_many_threads_reserving_get_distinct_numbers_without_holes(store: Store) -> None:
    records: list[VersionRecord] = []

    def reserve_all() -> None:
        for number in range(8):
            records.append(reserve(store, f"t{number}"))

    threads = [threading.Thread(target=reserve_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records) == 32
    assert len(set((record.training_digest, record.version) for record in records)) == 8
    assert [record.number for record in list_versions(store, "mood")] == list(range(1, 9))


def test_two_processes_reserving_the_same_trainings_share_the_versions(store: Store) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", RESERVE_MANY, store.url]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert [record.number for record in list_versions(store, "mood")] == list(range(1, 21))


def test_publishing_notes_path_size_and_metrics_once(store: Store) -> None:
    reserve(store, "a")
    published = publish(store, "v1")
    assert (published.state, published.path, published.size_bytes) == ("published", "/models/v1", 3)
    assert published.metrics == {"f1": 0.5}
    assert publish(store, "v1") == published
    with pytest.raises(RegistryError, match="published and cannot become published"):
        publish_version(store, "mood", "v1", path="/elsewhere", size_bytes=3, metrics={})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (["rejected"], "training and cannot become rejected"),
        (["failed", "published"], "failed and cannot become published"),
        (["published"], "has no artefact; use publish_version"),
        (["done"], "no version state 'done'"),
    ],
)
def test_forbidden_changes_of_state_are_refused(store: Store, path: list[str], message: str) -> None:
    reserve(store, "a")
    for state in path[:-1]:
        set_version_state(store, "mood", "v1", state)
    with pytest.raises(RegistryError, match=message):
        set_version_state(store, "mood", "v1", path[-1])


def test_a_failed_training_may_be_tried_again(store: Store) -> None:
    reserve(store, "a")
    set_version_state(store, "mood", "v1", "failed")
    assert set_version_state(store, "mood", "v1", "training").state == "training"
    assert publish(store, "v1").state == "published"


def test_a_rejected_version_may_be_let_in_by_a_person(store: Store) -> None:
    reserve(store, "a")
    publish(store, "v1")
    assert set_version_state(store, "mood", "v1", "rejected").state == "rejected"
    assert set_version_state(store, "mood", "v1", "rejected").state == "rejected"
    assert set_version_state(store, "mood", "v1", "published").path == "/models/v1"


def test_the_champion_cannot_be_rejected(store: Store) -> None:
    reserve(store, "a")
    publish(store, "v1")
    promote(store, "mood", "v1", actor="test", reason="first")
    with pytest.raises(RegistryError, match="v1 is the champion"):
        set_version_state(store, "mood", "v1", "rejected")


def test_unknown_versions_are_named(store: Store) -> None:
    with pytest.raises(RegistryError, match="task 'mood' has no version 'v7'"):
        get_version(store, "mood", "v7")
    with pytest.raises(RegistryError, match="task 'mood' has no version 'v7'"):
        publish(store, "v7")


def test_gate_decisions_keep_every_number(store: Store) -> None:
    for digest in ("a", "b"):
        reserve(store, digest)
    checks = [{"name": "overall", "passed": True, "low": -0.25}, {"name": "de", "passed": False, "low": -3.0}]
    first = record_gate(store, "mood", "v1", None, True, [])
    second = record_gate(store, "mood", "v2", "v1", False, checks)
    assert list_gates(store, "mood") == (first, second)
    assert list_gates(store, candidate="v2") == (second,)
    assert list_gates(store, "other") == ()
    assert second.checks == tuple(checks)
    with pytest.raises(RegistryError, match="no version 'v3'"):
        record_gate(store, "mood", "v3", None, True, [])


def test_recording_a_dataset_twice_keeps_the_first(store: Store) -> None:
    facts: dict[str, Any] = {"holdout_digest": "h", "spec_digest": "s", "num_rows": {"train": 8, "holdout": 2}}
    first = record_dataset(store, "mood", "d1", path="/data/d1", **facts)
    assert record_dataset(store, "mood", "d1", path="/moved", **facts) == first
    assert first.num_rows == {"train": 8, "holdout": 2}
    other = record_dataset(store, "other", "d1", path="/data/o", **facts)
    assert find_dataset(store, "mood", "d1") == first
    assert find_dataset(store, "mood", "d2") is None
    assert list_datasets(store) == (first, other)
    assert list_datasets(store, "other") == (other,)
