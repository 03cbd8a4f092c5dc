"""Files of every form answered by Ray's workers: all rows, the answers of the version alone, and nothing twice."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray
from tests.support.converted_models import ConvertedModel, converted_model
from tests.support.converted_project import TASK, write_converted_project
from tests.support.small_tasks import number_words

from polyloop.batch_inference import chunks
from polyloop.batch_inference.question import Question
from polyloop.batch_inference.run import Source, predict_files
from polyloop.errors import DataError
from polyloop.models.contract import PredictInput
from polyloop.models.predict import Predictor
from polyloop.spec.loader import load_spec

pytestmark = pytest.mark.usefixtures("ray_cluster")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose task has the champion v1."""
    folder = tmp_path_factory.mktemp("project")
    model: ConvertedModel = converted_model("recipe-translate", folder)
    return write_converted_project(model, folder)


@pytest.fixture
def question(spec: Path) -> Question:
    loaded = load_spec(spec)
    return Question(
        task_name=TASK,
        task=loaded.task(TASK),
        project_locales=loaded.spec.locales,
        version="v1",
        model_dir=loaded.artefacts_dir / "v1",
        columns={},
        values={"locale": "en", "target_locale": "de"},
        keep=("id",),
    )


def rows_of(numbers: range) -> list[dict[str, Any]]:
    return [{"id": number, "input": number_words(number)} for number in numbers]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def answers_in(folder: Path) -> list[dict[str, Any]]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("part-*.jsonl"))]
    return [json.loads(line) for text in texts for line in text.split("\n") if line]


def test_all_rows_of_all_forms_get_the_answers_of_the_version(question: Question, tmp_path: Path) -> None:
    rows = rows_of(range(1_500))
    source = tmp_path / "in"
    source.mkdir()
    write_lines(source / "a.jsonl", [*rows[:700], {"id": "long", "input": "nine " * 500}])
    with gzip.open(source / "b.csv.gz", "wt", encoding="utf-8") as file:
        file.write("more,input,id\n" + "".join(f"x,{row['input']},{row['id']}\n" for row in rows[700:1_300]))
    pq.write_table(pa.Table.from_pylist(rows[1_300:]), source / "c.parquet", row_group_size=100)
    told: list[str] = []
    summary = predict_files(
        question, Source(patterns=(f"{source}/*",)), tmp_path / "out", num_workers=2, progress=told.append
    )

    found = answers_in(tmp_path / "out")
    model = Predictor(question.model_dir, threads=1)
    inputs = [PredictInput(text=row["input"], locale="en", target_locale="de") for row in rows]
    wanted = [one.output for one in model.predict(inputs)]
    long = found.pop(700)
    assert (long["where"], long["error"]["code"]) == ("a.jsonl:701", "input_too_long")
    assert [one["output"] for one in found] == wanted
    assert len(set(wanted)) > 100
    assert [str(one["id"]) for one in found] == [str(row["id"]) for row in rows]
    assert summary.counts.num_rows == 1_501
    assert summary.counts.refused == {"input_too_long": 1}
    assert summary.engine == str(model.engine)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    assert "1,501 rows" in told[-1]

    again: list[str] = []
    same = predict_files(question, Source(patterns=(f"{source}/*",)), tmp_path / "out", progress=again.append)
    assert same == summary
    assert again[-1].endswith("holds these answers already")


def test_another_output_stays_as_it_is(question: Question, tmp_path: Path) -> None:
    rows = write_lines(tmp_path / "a.jsonl", rows_of(range(3)))
    held = tmp_path / "held"
    held.mkdir()
    (held / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match=r"held holds something else; remove it"):
        predict_files(question, Source(patterns=(rows,)), held)
    out = tmp_path / "out"
    predict_files(question, Source(patterns=(rows,)), out)
    with pytest.raises(DataError, match=r"out holds the answers of numbers v1 to other rows or settings"):
        predict_files(replace(question, keep=()), Source(patterns=(rows,)), out)
    assert len(answers_in(out)) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keep": ("key",)}, r"a\.jsonl: none of its first 3 rows has a column 'key'; they have 'id', 'input'"),
        ({"columns": {"input": "review"}}, "has a column 'review'"),
    ],
)
def test_wrong_columns_are_found_before_any_work(
    question: Question, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    rows = write_lines(tmp_path / "a.jsonl", rows_of(range(3)))
    with pytest.raises(DataError, match=message):
        predict_files(replace(question, **changes), Source(patterns=(rows,)), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_files_without_rows_have_no_answers(question: Question, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    summary = predict_files(question, Source(patterns=(str(tmp_path / "a.jsonl"),)), tmp_path / "out")
    assert summary.counts.num_rows == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["summary.json"]


def test_a_killed_run_goes_on_where_it_was(spec: Path, question: Question, tmp_path: Path) -> None:
    rows = write_lines(tmp_path / "a.jsonl", rows_of(range(40 * chunks.CHUNK_ROWS)))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "polyloop", "--spec", str(spec), "model", "predict", TASK, "--input", rows]
    command += ["--output", str(out), "--value", "locale=en", "--value", "target_locale=de", "--keep", "id"]
    address = ray.get_runtime_context().gcs_address
    process = subprocess.Popen(
        [*command, "--workers", "1"],
        env={**os.environ, "RAY_ADDRESS": address},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    work = tmp_path / ".out.answering"
    deadline_s = time.monotonic() + 120
    while len(list(work.glob("counts/*.json"))) < 2:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline_s, "no chunk was answered"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not out.exists()
    before = {path.name: path.stat().st_ino for path in work.glob("parts/*") if not path.name.startswith(".")}
    counted = {path.stem for path in work.glob("counts/*.json")}
    assert 2 <= len(counted) < 40

    told: list[str] = []
    summary = predict_files(question, Source(patterns=(rows,)), out, num_workers=2, progress=told.append)
    assert summary.counts.num_rows == summary.counts.num_answered == 40 * chunks.CHUNK_ROWS
    after = {path.name: path.stat().st_ino for path in out.glob("part-*")}
    kept = {name: inode for name, inode in before.items() if name.removeprefix("part-").split(".")[0] in counted}
    assert kept.items() <= after.items()
    assert [one["id"] for one in answers_in(out)] == list(range(40 * chunks.CHUNK_ROWS))
    assert not any("begun anew" in line for line in told)
