"""The starter project: its spec loads, and its samples are enough to build and learn from."""

import json
from collections import Counter
from pathlib import Path

import pytest

from polyloop.errors import SpecError
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.spec.template import starter_files, starter_spec


@pytest.fixture
def project(tmp_path: Path) -> LoadedSpec:
    for name, content in starter_files("shop").items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return load_spec(tmp_path / "polyloop.yaml")


def rows(loaded: LoadedSpec, corpus: str) -> list[dict[str, str]]:
    (path,) = loaded.corpus_paths(corpus)
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_the_starter_spec_has_a_task_of_each_kind(project: LoadedSpec) -> None:
    assert project.spec.project == "shop"
    assert {task.kind for task in project.spec.tasks.values()} == {"classify", "translate"}


def test_the_starter_spec_explains_each_top_level_key() -> None:
    lines = starter_spec("shop").splitlines()
    keys = [index for index, line in enumerate(lines) if line[:1].isalpha() and ":" in line]
    unexplained = [lines[index] for index in keys if not lines[index - 1].startswith("#")]
    assert unexplained in (["project: shop"], ["project: shop", "tasks:"])


@pytest.mark.parametrize("name", ["007", "1e3", "null", "true", "no", "x-1"])
def test_names_that_yaml_could_misread_come_out_as_they_went_in(tmp_path: Path, name: str) -> None:
    path = tmp_path / "polyloop.yaml"
    path.write_text(starter_spec(name), encoding="utf-8")
    assert load_spec(path).spec.project == name


@pytest.mark.parametrize("name", ["", "My Project", "-x", "x\n", "a: b", "ä"])
def test_a_name_that_a_spec_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match="cannot be the name of a project"):
        starter_spec(name)


def test_reviews_have_forty_different_rows_of_each_label_and_locale(project: LoadedSpec) -> None:
    reviews = rows(project, "reviews")
    assert len({(row["text"], row["locale"]) for row in reviews}) == len(reviews)
    counts = Counter((row["label"], row["locale"]) for row in reviews)
    assert set(counts) == {(label, locale) for label in ("positive", "negative") for locale in ("en", "de")}
    assert min(counts.values()) >= 40
    assert set(project.spec.tasks["sentiment"].labels) == {row["label"] for row in reviews}


def test_translations_are_the_same_sentences_in_both_languages(project: LoadedSpec) -> None:
    pairs = rows(project, "review-translations")
    reviews = rows(project, "reviews")
    assert len(pairs) >= 80
    assert {row["en"] for row in pairs} == {row["text"] for row in reviews if row["locale"] == "en"}
    assert {row["de"] for row in pairs} == {row["text"] for row in reviews if row["locale"] == "de"}
