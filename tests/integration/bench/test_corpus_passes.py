"""What the corpus benchmark runs on our side: all passes of a build, and the streaming one alone."""

from pathlib import Path

import pytest

from polyloop.bench.corpus.material import write_material
from polyloop.bench.corpus.ours import Stopwatch, material_plan, run_all, run_clean

pytestmark = [pytest.mark.datasets, pytest.mark.usefixtures("ray_cluster")]


def test_all_passes_drop_what_was_planted_and_the_first_alone_keeps_the_copies(datasets_dir: Path, tmp_path: Path):
    material = write_material(tmp_path / "material", datasets_dir, size_mb=0.5, num_files=2)
    whole, alone = tmp_path / "whole", tmp_path / "alone"

    outcome = run_all(material_plan(tmp_path / "material", whole), whole, Stopwatch())
    cleaned = run_clean(material_plan(tmp_path / "material", alone), alone, Stopwatch())

    assert outcome.rows_in == cleaned.rows_in == material.num_rows
    assert abs(outcome.rows_out - material.planted["none"]) <= 0.05 * material.num_rows
    copies = outcome.dropped["duplicate"] + outcome.dropped["near_duplicate"]
    assert cleaned.rows_out == outcome.rows_out + copies
