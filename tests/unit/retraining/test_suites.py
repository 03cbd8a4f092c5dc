"""What a task's versions are tried with: planned from the spec, run once, run again where the cases are others."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.published_versions import SUITE, publish_project
from tests.support.small_datasets import row, write_dataset
from tests.support.small_predictors import WordClassifier

from polyloop.data.dataset import Dataset
from polyloop.errors import EvaluationError, PolyloopError, RegistryError, SuiteError
from polyloop.evaluation.suites.results import load_suite_result
from polyloop.registry.releases import promote
from polyloop.registry.store import Store, open_store
from polyloop.retraining.suites import PlannedSuite, Subject, load_suites, plan_suites, run_suites
from polyloop.spec.loader import LoadedSpec, load_spec

TASK = "mood"


@pytest.fixture
def project(
    write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any], tmp_path: Path
) -> Callable[..., LoadedSpec]:
    """Return a function that loads the small spec with changes to the task `mood`, beside the suite file `own.yaml`."""
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(SUITE, allow_unicode=True), encoding="utf-8")

    def load(task: str = TASK, **changes: Any) -> LoadedSpec:
        spec_data["tasks"][task] |= changes
        return load_spec(write_spec(spec_data))

    return load


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    texts = ["she was a nice woman", "his film was awful", "an awful nice day", "a nice film"]
    rows = [
        row(f"{text} {number}", "bad" if "awful" in text else "good", locale="en", split="holdout")
        for number in range(5)
        for text in texts
    ]
    return write_dataset(tmp_path / "dataset", rows)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


def quiet(_: str) -> None:
    pass


def subject(version: str = "v1", *, loads: list[str] | None = None) -> Subject:
    """Return a version that answers by words; `loads` notes each time that it is loaded."""

    def predictor() -> WordClassifier:
        if loads is not None:
            loads.append(version)
        return WordClassifier({"awful": "bad", "dull": "bad", "poor": "bad"}, labels=("bad", "good"))

    return Subject(task=TASK, version=version, model_dir=Path("nowhere"), predictor=predictor, answers={})


def names(planned: tuple[PlannedSuite, ...]) -> list[str]:
    return [one.name for one in planned]


def test_all_that_the_spec_names_is_planned(project: Callable[..., LoadedSpec], store: Store, dataset: Dataset) -> None:
    loaded = project(suites=["./own.yaml"], evaluation={"robustness": 5, "counterfactual": True})
    planned = plan_suites(loaded, store, TASK, dataset, quiet)
    assert names(planned) == ["mood-words", "robustness", "counterfactual"]
    assert plan_suites(project(suites=[], evaluation={}), store, TASK, dataset, quiet) == ()


def test_results_are_about_what_was_planned_and_kept(
    project: Callable[..., LoadedSpec], store: Store, dataset: Dataset, tmp_path: Path
) -> None:
    loaded = project(suites=["./own.yaml"], evaluation={"robustness": 5, "counterfactual": True})
    planned = plan_suites(loaded, store, TASK, dataset, quiet)
    results = run_suites(planned, subject(), tmp_path / "evaluation", quiet)
    assert [(one.suite, one.digest) for one in results] == [(one.name, one.digest) for one in planned]
    assert [load_suite_result(tmp_path / "evaluation", one.suite) for one in results] == list(results)
    blame = {one.slice: one for one in results[0].slices}
    # The classifier knows three of the five English words of blame, and no German one.
    assert (blame["en"].num_passed, blame["en"].num_cases, blame["de"].num_passed) == (36, 60, 0)


def test_a_stored_result_is_used_again_and_no_model_is_loaded_for_it(
    project: Callable[..., LoadedSpec], store: Store, dataset: Dataset, tmp_path: Path
) -> None:
    planned = plan_suites(project(suites=["./own.yaml"]), store, TASK, dataset, quiet)
    loads: list[str] = []
    first = run_suites(planned, subject(loads=loads), tmp_path, quiet)
    assert run_suites(planned, subject(loads=loads), tmp_path, quiet) == first
    assert loads == ["v1"]


def test_a_suite_that_asks_something_else_is_run_again(
    project: Callable[..., LoadedSpec], store: Store, dataset: Dataset, tmp_path: Path
) -> None:
    loaded = project(suites=["./own.yaml"])
    loads: list[str] = []
    run_suites(plan_suites(loaded, store, TASK, dataset, quiet), subject(loads=loads), tmp_path, quiet)
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({**SUITE, "max_examples": 10}, allow_unicode=True))
    (again,) = run_suites(plan_suites(loaded, store, TASK, dataset, quiet), subject(loads=loads), tmp_path, quiet)
    assert len(again.cases) == 20
    assert loads == ["v1", "v1"]


def test_a_damaged_result_is_made_again(
    project: Callable[..., LoadedSpec], store: Store, dataset: Dataset, tmp_path: Path
) -> None:
    planned = plan_suites(project(suites=["./own.yaml"]), store, TASK, dataset, quiet)
    (first,) = run_suites(planned, subject(), tmp_path, quiet)
    (tmp_path / "suites" / "mood-words" / "suite.json").write_text("{")
    assert run_suites(planned, subject(), tmp_path, quiet) == (first,)


def test_a_holdout_without_words_for_people_has_no_counterfactual_suite_and_says_so(
    project: Callable[..., LoadedSpec], store: Store, tmp_path: Path
) -> None:
    said: list[str] = []
    rows = [row(f"a nice film {number}", "good", split="holdout") for number in range(3)]
    plain = write_dataset(tmp_path / "plain", rows)
    loaded = project(evaluation={"counterfactual": True})
    assert plan_suites(loaded, store, TASK, plain, said.append) == ()
    assert "no counterfactual suite" in said[0]


def test_a_judge_that_is_not_released_is_named(
    project: Callable[..., LoadedSpec], store: Store, dataset: Dataset
) -> None:
    loaded = project("to-german", evaluation={"offensive": {"task": TASK, "label": "bad"}})
    with pytest.raises(RegistryError, match="polyloop loop run --task mood"):
        plan_suites(loaded, store, "to-german", dataset, quiet)


def test_a_released_judge_reads_what_a_version_wrote(tmp_path: Path, spec_data: dict[str, Any]) -> None:
    judging = publish_project(tmp_path)
    promote(judging.store, TASK, "v1", actor="test", reason="to judge")
    data = yaml.safe_load(judging.spec.read_text(encoding="utf-8"))
    data["corpora"]["sentences"] = spec_data["corpora"]["sentences"]
    asked = {"offensive": {"task": TASK, "label": "bad"}}
    data["tasks"]["to-german"] = spec_data["tasks"]["to-german"] | {"evaluation": asked}
    judging.spec.write_text(yaml.safe_dump(data), encoding="utf-8")
    rows = [row(f"text {number}", "Ziel", target_locale="de", split="holdout") for number in range(10)]
    written = write_dataset(tmp_path / "written", rows, has_labels=False)
    planned = plan_suites(load_spec(judging.spec), judging.store, "to-german", written, quiet)

    def predictor() -> WordClassifier:
        raise AssertionError("the judge alone is asked")

    answers = {one["id"]: "Haus mies" if number < 3 else "Haus toll" for number, one in enumerate(rows)}
    writer = Subject(task="to-german", version="v1", model_dir=tmp_path, predictor=predictor, answers=answers)
    (result,) = run_suites(planned, writer, tmp_path / "evaluation", quiet)
    judging.store.close()
    (told,) = result.slices
    assert (result.suite, result.digest) == ("offensive", planned[0].digest)
    assert (told.slice, told.num_cases, told.num_passed) == ("en>de", 10, 7)


@pytest.mark.parametrize(
    ("suites", "error", "words"),
    [
        (["nothing"], SuiteError, "there is no starter suite 'nothing'"),
        (["./missing.yaml"], SuiteError, "missing.yaml"),
        (["translate"], SuiteError, "the task is of kind classify"),
        (["sentiment"], SuiteError, "label"),
        (["./own.yaml", "./again.yaml"], SuiteError, "two suites called 'mood-words'"),
        (["./reserved.yaml"], SuiteError, "'robustness'"),
        (["./french.yaml"], EvaluationError, "no test for de, en"),
    ],
)
def test_a_suite_that_does_not_fit_is_told_of(
    project: Callable[..., LoadedSpec], tmp_path: Path, suites: list[str], error: type[PolyloopError], words: str
) -> None:
    french = {"blame": {"places": {"fr": {"templates": ["un film {bad}"], "accept": ["bad"]}}}}
    others = {
        "again": SUITE,
        "reserved": {**SUITE, "suite": "robustness"},
        "french": {**SUITE, "lists": {"fr": {"bad": ["nul"]}}, "minimum_functionality": french},
    }
    for name, suite in others.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(suite, allow_unicode=True), encoding="utf-8")
    with pytest.raises(error) as caught:
        load_suites(project(suites=suites), TASK)
    assert words in str(caught.value)
