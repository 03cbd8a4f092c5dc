"""`polyloop corpus stats|diff|show|report|pack|noise` on recorded datasets: what they print, and one-line errors."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.small_datasets import ARABIC, moods, row, write_dataset
from typer.testing import CliRunner

from polyloop.cli.main import app
from polyloop.data.dataset import Dataset
from polyloop.data.statistics import STATISTICS_NAME
from polyloop.data.tokenizer import train_tokenizer
from polyloop.errors import PolyloopError
from polyloop.registry.datasets import record_dataset
from polyloop.registry.store import open_store
from polyloop.spec.loader import LoadedSpec, load_spec

OLD, NEW = "1a" * 32, "1b" * 32


@pytest.fixture
def loaded(write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any]) -> LoadedSpec:
    return load_spec(write_spec(spec_data))


def publish(loaded: LoadedSpec, digest: str, rows: Sequence[dict[str, Any]], **changes: Any) -> Dataset:
    """Write and record a dataset of the task `mood`."""
    folder = loaded.artefacts_dir / "datasets" / "mood" / digest
    dataset = write_dataset(folder, rows, digest=digest, **changes)
    record_dataset(
        open_store(loaded.store_url),
        "mood",
        digest,
        path=str(folder.relative_to(loaded.artefacts_dir)),
        holdout_digest=dataset.holdout_digest,
        spec_digest=loaded.digest,
        num_rows={},
    )
    return dataset


@pytest.fixture
def datasets(loaded: LoadedSpec) -> tuple[Dataset, Dataset]:
    return publish(loaded, OLD, moods(10)), publish(loaded, NEW, moods(20), holdout_digest="x")


@pytest.fixture
def corpus(loaded: LoadedSpec, tmp_path: Path) -> Callable[..., Any]:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["--spec", str(tmp_path / "polyloop.yaml"), "corpus", *arguments])

    return run


@pytest.mark.usefixtures("datasets")
def test_stats_are_of_the_newest_dataset_or_the_one_that_is_named(corpus: Callable[..., Any]) -> None:
    newest = json.loads(corpus("stats", "mood", "--json").stdout)
    assert newest["manifest"]["digest"] == NEW
    assert sum(text["rows"] for text in newest["statistics"]["texts"]) == 80
    named = json.loads(corpus("stats", "mood", "--digest", "1a", "--json").stdout)
    assert named["manifest"]["digest"] == OLD


@pytest.mark.usefixtures("datasets")
def test_stats_show_rows_steps_drops_lengths_and_labels(corpus: Callable[..., Any]) -> None:
    shown = corpus("stats", "mood")
    assert shown.exit_code == 0
    for words in ("mood: dataset", "1b1b1b1b", "near_duplicate", "gather", "Lengths", "Labels", "good"):
        assert words in shown.stdout
    assert "warning: no row of the dev split" in shown.stderr


def test_stats_come_from_the_dataset_where_it_has_them(
    corpus: Callable[..., Any], datasets: tuple[Dataset, Dataset]
) -> None:
    path = datasets[1].path / STATISTICS_NAME
    path.write_text(json.dumps({"format_version": 99}))
    failed = corpus("stats", "mood")
    assert isinstance(failed.exception, PolyloopError)
    assert "format version 99" in failed.exception.message


@pytest.mark.usefixtures("datasets")
def test_diff_of_a_task_compares_its_last_two_datasets(corpus: Callable[..., Any]) -> None:
    difference = json.loads(corpus("diff", "mood", "--json").stdout)
    assert (difference["before"], difference["after"]) == (OLD, NEW)
    assert sum(one["added"] for one in difference["rows"]) == 40
    assert difference["same"]["holdout"] is False


def test_diff_takes_digests_and_folders(corpus: Callable[..., Any], datasets: tuple[Dataset, Dataset]) -> None:
    shown = corpus("diff", "1b", str(datasets[0].path))
    assert shown.exit_code == 0
    assert "mood: 1b1b1b1b1b1b -> 1a1a1a1a1a1a" in shown.stdout
    assert "different" in shown.stdout


@pytest.mark.usefixtures("datasets")
def test_show_gives_rows_of_a_split_and_locale(corpus: Callable[..., Any]) -> None:
    rows = json.loads(corpus("show", "mood", "--split", "holdout", "--locale", "de", "--limit", "1", "--json").stdout)
    assert [(one["split"], one["locale"], one["num_target_tokens"]) for one in rows] == [("holdout", "de", 1)]
    assert len(json.loads(corpus("show", "mood", "--limit", "7", "--json").stdout)) == 7


@pytest.mark.usefixtures("datasets")
def test_show_gives_samples_of_dropped_rows(corpus: Callable[..., Any]) -> None:
    samples = json.loads(corpus("show", "mood", "--dropped", "near_duplicate", "--json").stdout)
    assert [one["where"] for one in samples] == ["moods.jsonl:7", "moods.jsonl:9"]
    assert ARABIC in corpus("show", "mood", "--dropped", "near_duplicate").stdout


def test_brackets_in_rows_are_shown_as_they_are(loaded: LoadedSpec, corpus: Callable[..., Any]) -> None:
    publish(loaded, OLD, [row("[red]so[/red] [/]", "good")])
    assert "[red]so[/red]" in corpus("show", "mood").stdout


def test_report_prints_the_path_and_writes_where_it_is_told(
    corpus: Callable[..., Any], datasets: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    output = tmp_path / "out.html"
    assert corpus("report", "mood", "--output", str(output)).stdout.strip() == str(output)
    assert "mood: dataset 1b1b" in output.read_text()
    published = datasets[1].path / "report.html"
    published.write_text("as published")
    assert corpus("report", "mood").stdout.strip() == str(published)
    corpus("report", "mood", "--output", str(output))
    assert output.read_text() == "as published"


@pytest.mark.usefixtures("datasets")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("stats", "mood", "--digest", "ff"), "task 'mood' has no dataset 'ff'; there are 1a1a1a1a1a1a (mood)"),
        (("stats", "mood", "--digest", "1"), "2 datasets begin with '1': 1a1a1a1a1a1a (mood)"),
        (("stats", "to-german"), "run `polyloop corpus build`"),
        (("diff", "to-german"), "has 0 dataset(s), so there is nothing to compare"),
        (("diff", "1", "1a"), "give more digits"),
        (("diff", "zz", "1a"), "'zz' is neither the beginning of a dataset's digest nor its folder"),
        (("show", "mood", "--dropped", "no_such"), "were dropped as near_duplicate, empty_input"),
        (("show", "mood", "--locale", "fr"), "no row with the locale 'fr'; its target locales: de, en"),
        (("report", "mood"), "has no report.html; have one written with --output FILE"),
        (("report", "mood", "--output", "/no/such/folder/x.html"), "/no/such/folder/x.html"),
        (("stats", "no-such"), "'no-such'"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_there_is(
    corpus: Callable[..., Any], arguments: tuple[str, ...], words: str
) -> None:
    failed = corpus(*arguments)
    assert isinstance(failed.exception, PolyloopError)
    assert words in failed.exception.message
    assert "\n" not in failed.exception.message


def test_pack_writes_rows_of_one_length_and_says_how_full_they_are(
    corpus: Callable[..., Any], datasets: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    train_tokenizer(["she liked it"], 300, [], datasets[1].tokenizer_dir)
    output = tmp_path / "packed"
    packed = json.loads(corpus("pack", "mood", "--tokens", "64", "--output", str(output), "--json").stdout)
    assert (packed["capacity"], packed["split"], packed["dataset_digest"]) == (64, "train", NEW)
    assert 0.5 < packed["fill"] <= 1.0
    assert (output / "manifest.json").is_file()
    again = corpus("pack", "mood", "--tokens", "64", "--output", str(output))
    assert isinstance(again.exception, PolyloopError)
    assert "there is something already" in again.exception.message


def test_noise_lists_the_rows_whose_label_is_probably_wrong(
    corpus: Callable[..., Any], loaded: LoadedSpec, tmp_path: Path
) -> None:
    words = {"good": ["ship", "wave", "sail", "tide", "shore", "net"], "bad": ["pan", "oven", "knife", "soup", "dough"]}
    chooser = random.Random(3)
    texts = {
        f"the {' '.join(chooser.choices(words[label], k=5))} {number}": label
        for number, label in enumerate(["good", "bad"] * 150)
    }
    wrong = dict(list(texts.items())[::25])
    flipped = {"good": "bad", "bad": "good"}
    publish(loaded, NEW, [row(text, flipped[label] if text in wrong else label) for text, label in texts.items()])
    found = json.loads(corpus("noise", "mood", "--json").stdout)
    assert sorted(one["suggested"] for one in found["suspects"]) == sorted(wrong.values())
    report = tmp_path / "report.html"
    shown = corpus("noise", "mood", "--output", str(report))
    assert all(text in shown.stdout for text in wrong)
    assert "right on" in shown.stderr
    assert all(text in report.read_text(encoding="utf-8") for text in wrong)


def test_noise_is_about_labels_only(corpus: Callable[..., Any], loaded: LoadedSpec) -> None:
    publish(loaded, NEW, moods(10), label_counts={})
    refused = corpus("noise", "mood")
    assert isinstance(refused.exception, PolyloopError)
    assert "are no labels" in refused.exception.message
