"""A build does what changed and nothing else: slices of corpora are cleaned once, for whichever build needs them."""

import re
from pathlib import Path

import pytest
from tests.support.building import SMALL_BYTES, small_pieces
from tests.support.dataset_projects import UNLIKE, MakeProject, replace_data, varied_rows

from polyloop.data.build import build_dataset
from polyloop.data.dataset import Dataset
from polyloop.spec.loader import LoadedSpec

pytestmark = pytest.mark.usefixtures("ray_cluster")

Mark = dict[str, tuple[int, int]]


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus file of many slices."""
    small_pieces(monkeypatch)
    replace_data(tmp_path, {"a.jsonl": varied_rows(400, 1), "b.tsv": varied_rows(40, 2)})
    path = tmp_path / "data" / "a.jsonl"
    assert path.stat().st_size > 4 * SMALL_BYTES
    return path


def built(loaded: LoadedSpec) -> tuple[Dataset, tuple[int, int]]:
    """Return the dataset, and how many slices were cleaned, of how many."""
    messages: list[str] = []
    dataset = build_dataset(loaded, "task", progress=messages.append)
    (cleaned,) = (found for said in messages if (found := re.match(r"task: cleaning (\d+) of (\d+) slice", said)))
    assert len([said for said in messages if said.startswith("task: clean: ")]) == int(cleaned[1])
    return dataset, (int(cleaned[1]), int(cleaned[2]))


def shards_of(loaded: LoadedSpec) -> Mark:
    """Return for each shard its inode and when it was written."""
    shards = (loaded.artefacts_dir / "datasets" / "shards").glob("*.arrow")
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in shards}


def test_a_line_more_in_a_large_file_cleans_its_last_slice_alone(project: MakeProject, large: Path) -> None:
    loaded = project(UNLIKE)
    first, (cleaned, num_slices) = built(loaded)
    assert cleaned == num_slices >= 6
    before = shards_of(loaded)
    with large.open("a") as stream:
        stream.write('{"text": "a line that was not there before", "label": "good"}\n')
    second, counts = built(loaded)
    assert counts == (1, num_slices)
    after = shards_of(loaded)
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1
    assert second.manifest.corpora["main"].rows_read == first.manifest.corpora["main"].rows_read + 1


def test_corpora_that_did_not_change_are_not_cleaned_again_for_another_dataset_of_them(
    project: MakeProject, large: Path
) -> None:
    _, (_, num_slices) = built(project(UNLIKE))
    kept = shards_of(project(UNLIKE))
    other_threshold, counts = built(project({**UNLIKE, "dedup": {"threshold": 0.9}}))
    assert counts == (0, num_slices)
    other_tokenizer, counts = built(project({**UNLIKE, "model": {**UNLIKE["model"], "vocab_size": 320}}))
    assert counts == (0, num_slices)
    assert other_threshold.digest != other_tokenizer.digest
    assert shards_of(project(UNLIKE)) == kept


def test_other_cleaning_of_one_corpus_leaves_the_others_as_they_are(project: MakeProject, large: Path) -> None:
    corpora = {"a": {"paths": ["data/a.jsonl"]}, "b": {"paths": ["data/b.tsv"]}}
    _, (_, num_slices) = built(project(UNLIKE, corpora))
    changed = {**corpora, "b": {**corpora["b"], "cleaning": {"pii": {"action": "report"}}}}
    _, counts = built(project(UNLIKE, changed))
    assert counts == (1, num_slices)
