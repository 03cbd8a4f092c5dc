"""The demo's files and traffic: deterministic, apart where they must be, and broken only on purpose."""

import csv
import gzip
import json
import re
from pathlib import Path

import pytest

from polyloop.demo import corpora, localise, sentiment
from polyloop.demo.corpora import DemoCorpora, TrafficItem
from polyloop.spec.loader import load_spec

SEED = 17
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> DemoCorpora:
    return corpora.write_corpora(tmp_path_factory.mktemp("demo"), SEED)


@pytest.fixture(scope="module")
def items() -> list[TrafficItem]:
    return list(corpora.traffic(SEED))


def is_utf8(line: str) -> bool:
    """Tell whether a line that was decoded with surrogateescape was valid."""
    return not any("\udc80" <= character <= "\udcff" for character in line)


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a corpus file that are valid text."""
    payload = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = [line for line in payload.decode(errors="surrogateescape").split("\n") if line and is_utf8(line)]
    if ".jsonl" in path.name:
        return [json.loads(line) for line in lines]
    return list(csv.DictReader(lines, delimiter="\t" if path.suffix == ".tsv" else ","))


def inputs(written: DemoCorpora, prefix: str) -> set[str]:
    """Inputs of all corpora whose name begins with `prefix`."""
    rows = [row for name, path in written.files.items() if name.startswith(prefix) for row in read(path)]
    return {row.get("source") or row["text"] for row in rows}


def train_inputs(written: DemoCorpora, task: str) -> set[str]:
    """Inputs of the train corpora of `task`."""
    names = [name for name in written.files if name.startswith(task) and "holdout" not in name]
    return set().union(*(inputs(written, name) for name in names))


def test_the_same_seed_writes_the_same_bytes(written: DemoCorpora, tmp_path: Path) -> None:
    again = corpora.write_corpora(tmp_path / "again", SEED)
    other = corpora.write_corpora(tmp_path / "other", SEED + 1)
    for name, path in written.files.items():
        assert path.read_bytes() == again.files[name].read_bytes()
        assert path.read_bytes() != other.files[name].read_bytes()


def test_the_spec_is_valid_and_names_every_file(written: DemoCorpora) -> None:
    loaded = load_spec(written.spec_path)
    assert set(loaded.spec.corpora) == set(written.files)
    for name, path in written.files.items():
        assert loaded.corpus_paths(name) == [str(path)]


@pytest.mark.parametrize("task", ["localise", "sentiment"])
def test_the_holdout_shares_no_input_with_train_or_traffic(
    written: DemoCorpora, items: list[TrafficItem], task: str
) -> None:
    holdout = inputs(written, f"{task}-holdout")
    assert holdout
    assert not holdout & train_inputs(written, task)
    assert not holdout & {item.input for item in items if item.task == task}


@pytest.mark.parametrize("task", ["localise", "sentiment"])
def test_controls_are_the_traffic_that_stands_in_train(
    written: DemoCorpora, items: list[TrafficItem], task: str
) -> None:
    own = [item for item in items if item.task == task]
    train = train_inputs(written, task)
    assert len(own) >= 3_000
    assert all((item.input in train) == item.is_control for item in own)
    assert 0.15 <= sum(item.is_control for item in own) / len(own) <= 0.20


def test_the_truth_of_a_control_is_that_of_the_corpus(written: DemoCorpora, items: list[TrafficItem]) -> None:
    known = {row["source"]: row["target"] for row in read(written.files["localise-de"])}
    controls = [item for item in items if item.is_control and item.target_locale == "de" and item.task == "localise"]
    assert len(controls) > 100
    assert all(known[item.input] == item.truth for item in controls)


def test_no_two_items_that_are_not_controls_are_alike(items: list[TrafficItem]) -> None:
    keys = [(item.task, item.locale, item.input) for item in items if not item.is_control]
    assert len(keys) == len(set(keys))


def test_train_lacks_what_users_teach(written: DemoCorpora) -> None:
    localised = train_inputs(written, "localise")
    for code in localise.lacking_territories():
        territory = re.compile(rf"\b{localise.territory_name(code, 'en')}\b")
        assert not any(territory.search(text) for text in localised), territory
    assert not any("%" in text or "kilogram" in text or "square meter" in text for text in localised)
    for locale, name in (("en", "sentiment-en"), ("de", "sentiment-de"), ("zh-Hans", "sentiment-zh")):
        texts = {row["text"].lower() for row in read(written.files[name])}
        for label in sentiment.LABELS:
            for idiom in sentiment.phrases(locale)[label]["idioms"]:
                assert not any(text.startswith(f"{idiom.lower()}:") or f"? {idiom.lower()}." in text for text in texts)
        assert not any(sign in text for text in texts for sign in ("anything but", "alles andere als", "一点也不"))


@pytest.mark.parametrize("task", ["localise", "sentiment"])
def test_traffic_has_every_pattern_and_none_is_rare(items: list[TrafficItem], task: str) -> None:
    patterns = {"localise": localise.PATTERNS, "sentiment": sentiment.PATTERNS}[task]
    own = [item.pattern for item in items if item.task == task and not item.is_control]
    assert set(own) == set(patterns)
    assert min(own.count(pattern) for pattern in patterns) > 0.05 * len(own)


def test_each_locale_has_holdout_rows_enough(written: DemoCorpora) -> None:
    assert len(read(written.files["localise-holdout-de"])) >= 200
    assert len(read(written.files["localise-holdout-zh"])) >= 200
    languages = [row["language"] for row in read(written.files["sentiment-holdout"])]
    assert all(languages.count(language) >= 200 for language in ("en", "de", "zh"))


def test_train_files_hold_broken_rows_on_purpose(written: DemoCorpora) -> None:
    rows = read(written.files["localise-de"])
    assert sum(not row["target"] for row in rows) == 2
    assert len(rows) - len({row["source"] for row in rows}) == 5  # four copies, and the empty target twice
    assert {row["label"] for row in read(written.files["sentiment-de"])} - set(sentiment.LABELS) == {"sarcastic", ""}
    for name in ("localise-de", "sentiment-en", "sentiment-de", "sentiment-zh"):
        with pytest.raises(UnicodeDecodeError):
            written.files[name].read_text(encoding="utf-8")


def test_the_quickstart_data_is_what_the_generator_writes(tmp_path: Path) -> None:
    corpora.write_quickstart(tmp_path)
    fresh = sorted((tmp_path / "data").iterdir())
    committed = sorted((EXAMPLES / "data").iterdir())
    assert [path.name for path in fresh] == [path.name for path in committed]
    for made, kept in zip(fresh, committed, strict=True):
        pair = [
            gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in (made, kept)
        ]
        assert pair[0] == pair[1], f"{kept} is out of date; see the first lines of quickstart.yaml"
    assert sum(path.stat().st_size for path in committed) < 300_000


def test_every_example_spec_is_valid() -> None:
    specs = {path.name: load_spec(path) for path in EXAMPLES.glob("*.yaml")}
    assert set(specs) >= {"dialogue.yaml", "multi30k.yaml", "quickstart.yaml"}
    assert specs["dialogue.yaml"].spec.tasks["emotion"].labels[0] == "none"
