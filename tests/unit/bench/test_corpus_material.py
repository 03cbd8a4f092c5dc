"""Benchmark material is the same each time, reads like text, and holds what it says was planted."""

import json
from collections import Counter, defaultdict
from collections.abc import Set
from pathlib import Path

import pytest

from polyloop.bench.corpus.datasketch_peer import Shingles, character_grams, drop_near_duplicates, polyloop_shingles
from polyloop.bench.corpus.material import SHARES, Document, documents, write_material
from polyloop.bench.corpus.sources import LANGUAGES, UNSPACED, Pool, read_pools, sentences
from polyloop.data.language import detect, matches
from polyloop.data.steps.document import parts_of
from polyloop.data.steps.gopher import GopherQualityStep
from polyloop.data.steps.gopher_repetition import GopherRepetitionStep
from polyloop.errors import DataError

pytestmark = pytest.mark.datasets


@pytest.fixture(scope="module")
def pools(datasets_dir: Path) -> tuple[Pool, ...]:
    return read_pools(datasets_dir)


@pytest.fixture(scope="module")
def rows(pools: tuple[Pool, ...]) -> list[Document]:
    stream = documents(pools)
    return [next(stream) for _ in range(1_000)]


def word_grams(document: Document) -> set[tuple[str, ...]]:
    units = list(document.text) if document.language in UNSPACED else document.text.split()
    return {tuple(units[start : start + 5]) for start in range(len(units) - 4)}


def jaccard(one: Set[object], other: Set[object]) -> float:
    return len(one & other) / len(one | other)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(pools: tuple[Pool, ...], rows: list[Document]):
    again, other = documents(pools), documents(pools, seed=1)

    assert [next(again) for _ in range(50)] == rows[:50]
    assert [next(other) for _ in range(50)] != rows[:50]


def test_a_larger_size_begins_with_the_rows_of_a_smaller_one_whatever_the_number_of_files(
    datasets_dir: Path, tmp_path: Path
):
    small = write_material(tmp_path / "small", datasets_dir, size_mb=0.2, num_files=1)
    large = write_material(tmp_path / "large", datasets_dir, size_mb=0.4, num_files=3)

    first = small.files[0].read_text(encoding="utf-8").splitlines()
    parts = [file.read_text(encoding="utf-8").splitlines() for file in large.files]
    dealt = [parts[number % 3][number // 3] for number in range(large.num_rows)]
    assert dealt[: len(first)] == first
    assert 0.4e6 <= large.size_bytes == sum(file.stat().st_size for file in large.files) < 0.42e6


def test_the_report_counts_what_is_in_the_files(datasets_dir: Path, tmp_path: Path):
    done: list[float] = []
    material = write_material(tmp_path, datasets_dir, size_mb=1.5, on_progress=done.append)

    written = [json.loads(line) for file in material.files for line in file.read_text(encoding="utf-8").splitlines()]
    assert Counter(row["planted"] for row in written) == Counter(material.planted)
    assert len({row["id"] for row in written}) == material.num_rows
    assert set(written[0]) == {"id", "text", "label", "language", "planted"}
    assert done == sorted(done)
    assert done[-1] <= 1.0


def test_each_kind_has_its_share(rows: list[Document]):
    counts = Counter(row.planted for row in rows)

    assert all(abs(counts[kind] / len(rows) - share) < 0.04 for kind, share in SHARES.items())
    assert {row.language for row in rows} == set(LANGUAGES)


def test_exact_copies_repeat_an_earlier_row(rows: list[Document]):
    earlier: set[tuple[str, str, str]] = set()
    for row in rows:
        assert row.planted != "exact" or row[1:4] in earlier
        earlier.add(row[1:4])


def test_near_copies_are_alike_by_words_and_by_characters_and_no_other_rows_are(rows: list[Document]):
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.planted not in ("none", "near"):
            continue
        grams = word_grams(row)
        shared = Counter(place for gram in grams for place in holders[gram])
        closest = max(shared, key=lambda place: jaccard(grams, word_grams(rows[place])), default=None)
        if row.planted == "none":
            assert closest is None or jaccard(grams, word_grams(rows[closest])) < 0.5
            for gram in grams:
                holders[gram].append(number)
        else:
            assert closest is not None
            assert row.text != rows[closest].text
            assert jaccard(grams, word_grams(rows[closest])) > 0.85
            assert jaccard(character_grams(row.text), character_grams(rows[closest].text)) > 0.85


def test_rows_in_another_language_can_be_told(rows: list[Document]):
    planted = [row for row in rows if row.planted == "language"]
    told = sum(not matches(detect(row.text), row.language) for row in planted)
    assert told >= 0.98 * len(planted)

    good = [row for row in rows if row.planted == "none"][:100]
    believed = sum(matches(detect(row.text), row.language) for row in good)
    assert believed >= 0.98 * len(good)


def test_rows_of_low_quality_break_a_rule_of_gopher_and_the_others_hardly_do(rows: list[Document]):
    steps = (GopherQualityStep(), GopherRepetitionStep())
    broken = {row.id for row in rows if any(step.judge(parts_of(row.text), row.language) for step in steps)}

    planted = {row.id for row in rows if row.planted == "quality"}
    good = {row.id for row in rows if row.planted == "none"}
    assert len(planted & broken) >= 0.98 * len(planted)
    assert len(good & broken) <= 0.05 * len(good)


@pytest.mark.parametrize("shingles", [character_grams, polyloop_shingles])
def test_the_datasketch_loop_finds_the_planted_copies(rows: list[Document], shingles: Shingles):
    some = rows[:250]
    outcome = drop_near_duplicates(((row.id, row.text) for row in some), shingles)

    planted = {row.id for row in some if row.planted in ("exact", "near")}
    good = {row.id for row in some if row.planted == "none"}
    assert len(planted & set(outcome.repeated)) >= 0.95 * len(planted)
    assert not good & set(outcome.repeated)
    assert outcome.num_rows == len(some)


def test_sentences_end_at_the_marks_of_their_script():
    assert sentences("One. Two? Three", "en") == ["One.", "Two?", "Three"]
    assert sentences("参数是3.5。结果较好.效果明显", "zh") == ["参数是3.5。", "结果较好.", "效果明显"]


def test_a_missing_dataset_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"qa_xquad.*POLYLOOP_DATASETS"):
        read_pools(tmp_path)
