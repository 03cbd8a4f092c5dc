"""The corpus benchmark makes its figures from what its processes print, and gives all of them the same rows."""

from pathlib import Path
from typing import Any

import pytest

from polyloop.bench.corpus import benchmark
from polyloop.bench.corpus.material import dealt_lines
from polyloop.bench.corpus.ours import TASK, Stopwatch, spec_data
from polyloop.errors import ClusterError
from polyloop.spec.models import Spec

OURS: dict[str, Any] = {"name": "ours", "rows_in": 1_000, "elapsed_s": 2.0, "start_s": 3.0}
THEIRS: dict[str, Any] = {"name": "theirs", "rows_in": 1_000, "elapsed_s": 11.0, "seconds": {"start": 1.0}}


def folder_of(tmp_path: Path, *files: str) -> Path:
    for number, content in enumerate(files):
        (tmp_path / f"part-{number:02d}.jsonl").write_text(content, encoding="utf-8")
    return tmp_path


def test_neither_pipeline_pays_for_its_start_in_the_first_figure_and_both_do_in_the_second():
    alone, whole = benchmark.pipeline_figures(OURS, THEIRS, 200)

    assert (alone.value, alone.peer_value, alone.ratio, alone.ok) == (500.0, 100.0, 5.0, True)
    assert (whole.value, whole.peer_value) == (200.0, 1_000 / 11)
    assert whole.bar is None
    assert "3.0 s" in whole.name


def test_workers_are_compared_by_rows_a_second():
    figure = benchmark.workers_figure(OURS, {**OURS, "elapsed_s": 3.0})

    assert figure.ratio == pytest.approx(1.5)
    assert not figure.ok


def test_a_loop_is_compared_with_its_number_of_permutations_named():
    figure = benchmark.near_figure(OURS, {**THEIRS, "permutations": 50}, 50)

    assert figure.peer == "theirs, 50 permutations"
    assert figure.ratio == 5.5
    assert figure.ok


def test_cost_is_that_of_the_dearest_size_over_the_cheapest():
    runs: dict[float, dict[str, Any]] = {
        size: {"seconds": {"find": seconds}, "text_bytes": size * 10**6}
        for size, seconds in ((100, 5.0), (500, 20.0), (2000, 112.0))
    }

    figure = benchmark.cost_figure(runs)

    assert figure.value == pytest.approx(0.056 / 0.04)
    assert not figure.ok
    assert "100 MB, 500 MB, 2000 MB" in figure.name


def test_memory_of_the_idle_cluster_is_left_out():
    runs: dict[float, dict[str, Any]] = {
        250: {"peak_memory_bytes": 1_400 * 10**6},
        1000: {"peak_memory_bytes": 1_500 * 10**6},
    }
    figure = benchmark.memory_figure({size: {**one, "idle_memory_bytes": 10**9} for size, one in runs.items()})

    assert (figure.value, figure.peer_value) == (500.0, 400.0)
    assert figure.ok


def test_lines_come_in_the_order_in_which_they_were_dealt_to_files(tmp_path: Path):
    source = folder_of(tmp_path, "1\n4\n7\n", "2\n5\n", "3\n6\n")

    assert b"".join(dealt_lines(source)) == b"1\n2\n3\n4\n5\n6\n7\n"


def test_a_sample_has_the_first_rows_in_one_file(tmp_path: Path):
    source = folder_of(tmp_path, "1\n4\n7\n", "2\n5\n", "3\n6\n")

    sample = benchmark.first_rows(source, 7e-6, tmp_path / "sample")

    assert [path.read_text() for path in sample.iterdir()] == ["1\n2\n3\n4\n"]


def test_a_part_of_the_files_is_linked_in_order(tmp_path: Path):
    source = folder_of(tmp_path, "1\n", "2\n", "3\n")

    part = benchmark.linked(source, 2, tmp_path / "part")

    assert [path.read_text() for path in sorted(part.iterdir())] == ["1\n", "2\n"]


def test_the_spec_is_valid_and_asks_for_what_the_peers_do(tmp_path: Path):
    spec = Spec.model_validate(spec_data(tmp_path))

    cleaning = spec.corpora[TASK].cleaning
    assert cleaning.quality.rules == ("gopher", "gopher_repetition")
    assert cleaning.language.action == "drop"
    assert spec.tasks[TASK].dedup.near
    assert spec.tasks[TASK].decontamination.ngram == 0


def test_the_stopwatch_gives_each_pass_its_time():
    watch = Stopwatch()
    for message in ("material: cleaning 2 of 2 slice(s)", "material: clean: 1 of 2", "material: match: 1 of 1"):
        watch.hear(message)

    assert list(watch.seconds) == ["clean", "match"]
    assert all(seconds >= 0 for seconds in watch.seconds.values())


def test_a_process_that_fails_is_named_with_what_it_said():
    with pytest.raises(ClusterError, match=r"(?s)near failed: .*required: source"):
        benchmark.run_part("near")
