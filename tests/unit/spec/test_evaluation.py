"""What a task may ask of its evaluation, and what it may not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyloop.errors import SpecError
from polyloop.spec.loader import LoadedSpec, load_spec

Write = Callable[[dict[str, Any]], Path]


def loaded(write_spec: Write, data: dict[str, Any], **tasks: dict[str, Any]) -> LoadedSpec:
    for name, changes in tasks.items():
        data["tasks"][name.replace("_", "-")] |= changes
    return load_spec(write_spec(data))


def test_nothing_is_tried_unless_the_spec_asks_for_it(write_spec: Write, spec_data: dict[str, Any]) -> None:
    task = loaded(write_spec, spec_data).task("mood")
    assert (task.suites, task.evaluation.robustness, task.evaluation.counterfactual) == ((), "off", False)
    assert (task.evaluation.crows_pairs, task.evaluation.offensive, task.gate.max_size_mb) == ({}, None, None)


def test_suites_are_names_or_paths_below_the_spec(
    write_spec: Write, spec_data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUITES", "/far/away")
    names = ["sentiment", "own.yaml", "deep/other.yml", "${SUITES}/last.yaml"]
    found = loaded(write_spec, spec_data, mood={"suites": names}).suites("mood")
    paths = [tmp_path / "own.yaml", tmp_path / "deep/other.yml", Path("/far/away/last.yaml")]
    assert found == ["sentiment", *paths]


def test_pairs_of_sentences_are_files_by_locale(write_spec: Write, spec_data: dict[str, Any], tmp_path: Path) -> None:
    model = {"pretrained": "./bert", "max_input_tokens": 64}
    evaluation = {"crows_pairs": {"en": "pairs.tsv.gz"}, "robustness": 50, "counterfactual": True}
    found = loaded(write_spec, spec_data, mood={"model": model, "evaluation": evaluation})
    assert found.crows_pairs("mood") == {"en": tmp_path / "pairs.tsv.gz"}


@pytest.mark.parametrize(
    ("task", "changes", "words"),
    [
        ("mood", {"suites": ["sentiment", "sentiment"]}, "more than once"),
        ("mood", {"evaluation": {"robustness": 0}}, "robustness"),
        ("mood", {"evaluation": {"robustness": "on"}}, "robustness"),
        (
            "to_german",
            {"evaluation": {"counterfactual": True}},
            "`evaluation.counterfactual` belongs to classify tasks",
        ),
        ("to_german", {"evaluation": {"crows_pairs": {"en": "a.tsv"}}}, "classify and generate and chat tasks"),
        ("mood", {"evaluation": {"crows_pairs": {"en": "a.tsv"}}}, "`model.pretrained`; name one"),
        ("mood", {"evaluation": {"offensive": {"task": "mood", "label": "bad"}}}, "`evaluation.offensive` belongs to"),
        ("to_german", {"evaluation": {"offensive": {"task": "moods", "label": "bad"}}}, "classify tasks: mood"),
        ("to_german", {"evaluation": {"offensive": {"task": "mood", "label": "rude"}}}, "has good, bad"),
        ("mood", {"evaluation": {"toxicity": True}}, "toxicity"),
        ("mood", {"gate": {"max_size_mb": 0}}, "max_size_mb"),
    ],
)
def test_what_means_nothing_is_refused(
    write_spec: Write, spec_data: dict[str, Any], task: str, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        loaded(write_spec, spec_data, **{task: changes})
    assert words in str(caught.value)


def test_a_classify_task_may_judge_what_another_task_writes(write_spec: Write, spec_data: dict[str, Any]) -> None:
    asked = {"offensive": {"task": "mood", "label": "bad", "threshold": 0.5}}
    found = loaded(write_spec, spec_data, to_german={"evaluation": asked}).task("to-german").evaluation.offensive
    assert found is not None
    assert (found.task, found.label, found.threshold) == ("mood", "bad", 0.5)
