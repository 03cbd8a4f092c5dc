"""The corpus benchmark runs and gives its figures; whether the bars are reached is for `polyloop bench` to say."""

from pathlib import Path

import pytest

from polyloop.bench.corpus.benchmark import (
    cost_figure,
    first_rows,
    near_figure,
    pipeline_figures,
    run_part,
    workers_figure,
)
from polyloop.bench.corpus.material import Material, write_material

pytestmark = pytest.mark.datasets


@pytest.fixture(scope="module")
def material(datasets_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Material:
    return write_material(tmp_path_factory.mktemp("material"), datasets_dir, size_mb=0.5, num_files=2)


def test_both_pipelines_read_the_same_rows_and_keep_about_as_many(material: Material, tmp_path: Path):
    source = material.files[0].parent
    ours = run_part("ours", source, tmp_path / "ours", "--workers", 2, "--memory")
    theirs = run_part("datatrove_peer", source, tmp_path / "theirs", "--workers", 2)

    assert ours["rows_in"] == theirs["rows_in"] == material.num_rows
    assert abs(ours["rows_out"] - theirs["rows_out"]) <= 0.02 * material.num_rows
    assert set(ours["seconds"]) == {"plan", "clean", "gather", "match", "compare", "select"}
    assert ours["peak_memory_bytes"] > ours["idle_memory_bytes"] > 0
    alone, whole = pipeline_figures(ours, theirs, 0.5)
    assert 0 < whole.value < alone.value
    assert alone.peer_value
    assert whole.peer_value
    assert workers_figure(ours, ours).ratio == 1.0


def test_both_near_duplicate_searches_drop_about_the_same_rows(material: Material, tmp_path: Path):
    sample = first_rows(material.files[0].parent, 0.3, tmp_path / "sample")
    ours = run_part("near", sample)
    theirs = run_part("datasketch_peer", sample, "--permutations", ours["hashes"])

    assert ours["rows_in"] == theirs["rows_in"] < material.num_rows
    assert ours["rows_out"] < ours["rows_in"]
    assert abs(ours["rows_out"] - theirs["rows_out"]) <= 0.02 * ours["rows_in"]
    figure = near_figure(ours, theirs, 0.3)
    assert figure.value > 0
    assert figure.peer_value


def test_cost_is_told_of_each_size(material: Material):
    source = material.files[0].parent
    figure = cost_figure({size: run_part("near", source, "--size-mb", size) for size in (0.1, 0.3)})

    smaller, larger = figure.details["runs"]
    assert smaller["rows_in"] < larger["rows_in"] < material.num_rows
    assert figure.value >= 1
