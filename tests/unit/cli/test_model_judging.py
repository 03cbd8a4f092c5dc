"""`model evaluate`, `compare` and `gate` on two published versions, of which the second is worse in German alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.published_versions import FLIPPED, TASK, PublishedProject, publish_project
from typer.testing import CliRunner

from polyloop.cli.main import app
from polyloop.errors import RegistryError, SpecError
from polyloop.registry.releases import get_release, promote
from polyloop.registry.versions import get_version


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublishedProject]:
    made = publish_project(tmp_path_factory.mktemp("project"))
    yield made
    made.store.close()


def polyloop(project: PublishedProject, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["--spec", str(project.spec), *arguments])


def test_compare_shows_which_locale_got_worse(project: PublishedProject) -> None:
    done = polyloop(project, "model", "compare", "v1", "v2", "--json", "--show", "7")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    locales = {
        one["name"]: one
        for one in told["differences"]
        if one["dimension"] == "locale" and one["metric"] == told["metric"]
    }
    assert (locales["en"]["change"], locales["en"]["verdict"]) == (0.0, "no evident change")
    assert locales["de"]["high"] < -5.0
    assert locales["de"]["verdict"] == "worse"
    assert (locales["de"]["before"], locales["de"]["num_rows"]) == (100.0, 120)


def test_compare_names_the_rows_and_cases_that_got_worse(project: PublishedProject) -> None:
    told = json.loads(polyloop(project, "model", "compare", "v1", "v2", "--json", "--show", "7").stdout)
    assert (told["rows"]["num_worse"], told["rows"]["num_better"]) == (24, 0)
    assert len(told["rows"]["worse"]) == len(told["worse_cases"]) == 7
    for row in told["rows"]["worse"]:
        assert (row["locale"], row["reference"], row["before"], row["after"]) == ("de", "bad", "bad", "good")
        assert row["input"].split()[-1] in FLIPPED
    assert {one["slice"]: one["num_worse"] for one in told["suites"]} == {"de": 24, "en": 0}


def test_compare_tells_groups_and_the_other_way_round_gains(project: PublishedProject) -> None:
    told = json.loads(polyloop(project, "model", "compare", "v2", "v1", "--json", "--show", "0").stdout)
    groups = {(one["dimension"], one["name"]): one for one in told["differences"] if one["dimension"] == "label"}
    assert groups["label", "bad"]["verdict"] == "better"
    assert groups["label", "good"]["change"] == 0.0
    assert told["rows"]["num_better"] == 24
    assert told["rows"]["worse"] == []


def test_compare_for_people_has_the_same_in_tables(project: PublishedProject) -> None:
    done = polyloop(project, "model", "compare", "v1", "v2", "--task", TASK)
    (german,) = [line for line in done.stdout.splitlines() if " de " in line and "macro_f1" in line]
    assert "worse" in german
    assert "24 rows got worse and 0 better; the first 5 that got worse" in done.stdout
    assert "mood-words" in done.stdout


def test_gate_stops_the_version_and_says_where(project: PublishedProject) -> None:
    done = polyloop(project, "model", "gate", "v2", "--against", "v1")
    assert done.exit_code == 1
    verdicts = [line.split()[:2] for line in done.stdout.splitlines()[1:]]
    assert done.stdout.startswith("mood v2 may not replace v1")
    assert ["FAIL", "de"] in verdicts
    assert ["pass", "en"] in verdicts
    assert ["FAIL", "en"] not in verdicts
    suite = [line for line in done.stdout.splitlines() if "mood-words, blame" in line]
    assert [line.split()[:2] for line in suite] == [["FAIL", "de"], ["pass", "en"]]


def test_gate_lets_the_better_one_pass(project: PublishedProject) -> None:
    done = polyloop(project, "model", "gate", "v1", "--against", "v2", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["passed"], told["candidate"], told["champion"]) == (True, "v1", "v2")
    assert {"overall", "locale", "suite", "size"} <= {check["name"] for check in told["checks"]}


def test_evaluate_writes_a_report_beside_the_results(project: PublishedProject, tmp_path: Path) -> None:
    (told,) = json.loads(polyloop(project, "model", "evaluate", "v2", "--against", "v1", "--json").stdout)
    page = Path(told["report"]).read_text(encoding="utf-8")
    assert "mood v2 may not replace v1" in page
    assert told["candidate"]["suites"][0]["suite"] == "mood-words"
    assert told["gate"]["passed"] is False
    elsewhere = tmp_path / "deep" / "v1.html"
    done = polyloop(project, "model", "evaluate", "v1", "--report", str(elsewhere))
    assert done.exit_code == 0, done.output
    assert "mood v1 passes as the first version" in done.stderr
    assert "<!doctype html>" in elsewhere.read_text(encoding="utf-8")


def test_without_against_the_champion_is_the_measure(project: PublishedProject) -> None:
    record = get_version(project.store, TASK, "v1")
    generation = get_release(project.store, TASK).generation
    promote(project.store, TASK, record.version, actor="test", reason="to be compared", expected_generation=generation)
    assert polyloop(project, "model", "gate", "v2").stdout.startswith("mood v2 may not replace v1")
    own = polyloop(project, "model", "gate", "v1")
    assert isinstance(own.exception, RegistryError)
    assert "--against" in str(own.exception)


def test_a_spec_of_several_tasks_asks_which(project: PublishedProject, tmp_path: Path) -> None:
    text = project.spec.read_text(encoding="utf-8")
    (tmp_path / "polyloop.yaml").write_text(text + text.partition("tasks:\n")[2].replace("  mood:", "  other:"))
    done = CliRunner().invoke(app, ["--spec", str(tmp_path / "polyloop.yaml"), "model", "compare", "v1", "v2"])
    assert isinstance(done.exception, SpecError)
    assert "mood, other; say which with --task" in str(done.exception)
