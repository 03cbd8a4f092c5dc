"""The quality benchmark builds, trains and evaluates; what is reached is for `polyloop bench quality` to say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyloop.bench.quality.run import Options, run_set
from polyloop.bench.quality.sets import Goal, QualitySet

SMALL = QualitySet(
    name="small",
    example="polyloop.yaml",
    task="mood",
    goals=(Goal(metric="accuracy", bar=1.0), Goal(metric="macro_f1")),
)


@pytest.mark.slow
def test_a_set_is_built_trained_and_evaluated_once(
    write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any]
):
    # `small` has one worker and rows that say their label.
    spec_data["tasks"]["mood"]["training"] = {"epochs": 3, "batch_tokens": 256, "threads_per_worker": 1}
    spec_data["tasks"]["mood"]["dedup"] = {"near": False}
    spec_data["tasks"]["mood"]["serving"] = {"engine": "ctranslate2", "compute_type": "float32"}
    folder = write_spec(spec_data).parent
    # Every task's holdout is looked at, since no task may learn what another is judged on.
    del spec_data["tasks"]["to-german"], spec_data["corpora"]["sentences"]
    write_spec(spec_data)
    (folder / "data").mkdir()
    rows = [
        {"text": f"{word} number {number}", "label": label, "locale": "en"}
        for number in range(150)
        for word, label in (("nice", "good"), ("awful", "bad"))
    ]
    (folder / "data" / "moods.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = Options(specs=folder, results=folder / "results")
    said: list[str] = []

    result = run_set(SMALL, options, said.append)

    accuracy, _ = result.measures
    assert accuracy.low <= accuracy.value <= accuracy.high
    assert accuracy.num_rows == result.num_rows["holdout"] > 0
    assert result.num_parameters > 10_000
    assert set(result.seconds) == {"build", "train", "engine", "evaluate"}
    assert result.engine == "ctranslate2 float32"
    assert result.samples[0].reference in ("good", "bad")
    assert run_set(SMALL, options, said.append) == result
    assert said[-1] == f"small: told from the result of {result.date}"
