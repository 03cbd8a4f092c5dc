"""Metrics against sacrebleu and hand-computed values, and the pairs that are refused."""

import numpy as np
import pytest
import sacrebleu

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import resolve_metric, score, statistics, statistics_by_locale

LABELS = ("bad", "fine", "good")

GERMAN = [
    "Ein Mann mit Hut kocht Suppe.",
    "Am 3. März 2024 kostet das Buch 12,50 €.",
    "Zwei Kinder spielen (im Garten) mit „Bello“.",
    "Ja",
    "Es ist viertel nach vier – fast halb fünf!",
]
GERMAN_GUESSES = [
    "Ein Mann mit einem Hut kocht eine Suppe.",
    "Am 3. März 2024 kostet dieses Buch 12,50 €.",
    "Zwei Kinder spielen im Garten mit „Bello“",
    "Nein",
    "Es ist viertel nach vier – fast halb sechs!",
]
CHINESE = ["他今天没有去上班。", "2024年3月3日，下午4点", "这本书的价格是12.50欧元！", "好", "我们在花园里玩。"]
CHINESE_GUESSES = ["他今天没去上班。", "2024年3月3日下午4点", "这本书价格12.50欧元！", "不好", "我们在公园里玩。"]
JAPANESE = ["今日は会社に行きませんでした。", "庭で遊んでいます。"]
JAPANESE_GUESSES = ["今日は会社に行かなかった。", "公園で遊んでいます。"]
THAI = ["วันนี้ฉันไม่ได้ไปทำงาน", "หนังสือเล่มนี้ราคาแพง"]


def corpus(metric: str, guesses: list[str], references: list[str], locale: str, labels: tuple[str, ...] = ()) -> float:
    return float(score(metric, statistics(metric, guesses, references, locale=locale, labels=labels).sum(axis=0)))


def noisy(random: np.random.Generator, texts: list[str]) -> list[str]:
    """Return the texts with characters dropped, doubled or swapped, now and then nothing at all."""
    guesses = []
    for text in texts:
        characters = list(text)
        for position in random.integers(0, len(characters), size=random.integers(0, 6)):
            characters[position] = str(random.choice(["", characters[position] * 2, " ", "ß", "的"]))
        guesses.append("" if random.random() < 0.03 else "".join(characters))
    return guesses


@pytest.mark.parametrize(
    ("locale", "tokenize", "guesses", "references"),
    [
        ("de", "13a", GERMAN_GUESSES, GERMAN),
        ("zh-Hans", "zh", CHINESE_GUESSES, CHINESE),
        ("ja", "char", JAPANESE_GUESSES, JAPANESE),
    ],
)
def test_bleu_and_chrf_equal_sacrebleu_on_every_kind_of_script(monkeypatch, locale, tokenize, guesses, references):
    monkeypatch.setattr("polyloop.evaluation.metrics.bleu.is_installed", lambda module: False)
    bleu = sacrebleu.BLEU(tokenize=tokenize).corpus_score(guesses, [references]).score
    chrf = sacrebleu.CHRF().corpus_score(guesses, [references]).score
    assert 0 < bleu < 100
    assert corpus("bleu", guesses, references, locale) == pytest.approx(bleu, abs=1e-9)
    assert corpus("chrf", guesses, references, locale) == pytest.approx(chrf, abs=1e-9)


@pytest.mark.parametrize(
    ("guesses", "references"),
    [
        (["a b c d e f"], ["a b c d e f"]),
        (["x y z"], ["a b c"]),
        ([""], ["a b c d"]),
        (["", "a b c d e"], ["a b", "a b c d x"]),
        (["a"], ["a"]),
        (["a b x y"], ["b a y x"]),
        (["a b c x d e f"], ["a b c y d e f"]),
        (["the the the the the"], ["the cat"]),
        (["ab"], [""]),
        (["a b c d e f g h"], ["a b c"]),
    ],
)
def test_edge_cases_equal_sacrebleu_with_its_default_smoothing(guesses, references):
    bleu = sacrebleu.BLEU().corpus_score(guesses, [references]).score
    assert corpus("bleu", guesses, references, "en") == pytest.approx(bleu, abs=1e-9)
    chrf = sacrebleu.CHRF().corpus_score(guesses, [references]).score
    assert corpus("chrf", guesses, references, "en") == pytest.approx(chrf, abs=1e-9)


def test_scores_of_any_subset_equal_sacrebleu_under_random_noise():
    random = np.random.default_rng(3)
    for locale, tokenize, texts in (("de", "13a", GERMAN), ("zh-Hant", "zh", CHINESE)):
        for _ in range(40):
            references = [texts[i] for i in random.integers(0, len(texts), size=random.integers(1, 8))]
            guesses = noisy(random, references)
            bleu = sacrebleu.BLEU(tokenize=tokenize).corpus_score(guesses, [references]).score
            chrf = sacrebleu.CHRF().corpus_score(guesses, [references]).score
            assert corpus("bleu", guesses, references, locale) == pytest.approx(bleu, abs=1e-9)
            assert corpus("chrf", guesses, references, locale) == pytest.approx(chrf, abs=1e-9)


@pytest.mark.datasets
def test_real_captions_and_dialogue_equal_sacrebleu(human_text):
    random = np.random.default_rng(4)
    for locale, tokenize in (("de", "13a"), ("zh-Hans", "zh")):
        references = human_text[locale]
        guesses = noisy(random, references)
        bleu = sacrebleu.BLEU(tokenize=tokenize).corpus_score(guesses, [references]).score
        chrf = sacrebleu.CHRF().corpus_score(guesses, [references]).score
        assert corpus("bleu", guesses, references, locale) == pytest.approx(bleu, abs=1e-9)
        assert corpus("chrf", guesses, references, locale) == pytest.approx(chrf, abs=1e-9)


def test_scores_are_vectorised_over_resamples():
    stats = statistics("bleu", GERMAN_GUESSES, GERMAN, locale="de")
    weights = np.random.default_rng(5).integers(0, 3, size=(4, 7, len(GERMAN))).astype(float)
    together = score("bleu", weights @ stats)
    assert together.shape == (4, 7)
    assert together[2, 3] == pytest.approx(float(score("bleu", weights[2, 3] @ stats)))


def test_pooled_rows_keep_the_tokeniser_of_their_own_locale_and_their_order():
    guesses = [*GERMAN_GUESSES[:2], *CHINESE_GUESSES, *GERMAN_GUESSES[2:]]
    references = [*GERMAN[:2], *CHINESE, *GERMAN[2:]]
    locales = ["de", "de", *["zh-Hans"] * 5, "de", "de", "de"]
    pooled = statistics_by_locale("bleu", guesses, references, locales)
    german = statistics("bleu", GERMAN_GUESSES, GERMAN, locale="de")
    chinese = statistics("bleu", CHINESE_GUESSES, CHINESE, locale="zh-Hans")
    np.testing.assert_array_equal(pooled, np.concatenate([german[:2], chinese, german[2:]]))


def test_macro_f1_and_accuracy_by_hand():
    references = ["good", "good", "good", "bad", "bad", "fine"]
    guesses = ["good", "good", "bad", "bad", "good", "fine"]
    # good: tp 2 fp 1 fn 1 -> 2/3; bad: tp 1 fp 1 fn 1 -> 1/2; fine: 1.
    assert corpus("macro_f1", guesses, references, "en", LABELS) == pytest.approx(100 * (2 / 3 + 1 / 2 + 1) / 3)
    assert corpus("accuracy", guesses, references, "en", LABELS) == pytest.approx(100 * 4 / 6)


def test_macro_f1_averages_over_the_labels_of_the_references_only():
    # "fine" is predicted once but is no reference: it lowers the recall of "bad" and is not averaged.
    assert corpus("macro_f1", ["good", "fine", "bad"], ["good", "bad", "bad"], "en", LABELS) == pytest.approx(
        100 * (1 + 2 / 3) / 2
    )


def test_macro_f1_does_not_depend_on_further_labels_of_the_spec():
    guesses, references = ["good", "bad", "bad"], ["good", "bad", "good"]
    few = corpus("macro_f1", guesses, references, "en", ("good", "bad"))
    assert corpus("macro_f1", guesses, references, "en", ("x", "good", "y", "bad", "z")) == pytest.approx(few)


def test_a_prediction_outside_the_labels_is_a_wrong_answer():
    assert corpus("macro_f1", ["old", "bad"], ["good", "bad"], "en", LABELS) == pytest.approx(50.0)
    assert corpus("accuracy", ["old", "bad"], ["good", "bad"], "en", LABELS) == pytest.approx(50.0)


def test_scores_lie_between_0_and_100_and_identity_gives_100():
    random = np.random.default_rng(6)
    for _ in range(50):
        references = [str(label) for label in random.choice(LABELS, size=random.integers(1, 30))]
        guesses = [str(label) for label in random.choice(LABELS, size=len(references))]
        for metric in ("macro_f1", "accuracy"):
            assert 0.0 <= corpus(metric, guesses, references, "en", LABELS) <= 100.0
            assert corpus(metric, references, references, "en", LABELS) == pytest.approx(100.0)
    for metric in ("bleu", "chrf"):
        assert corpus(metric, CHINESE, CHINESE, "zh-Hans") == pytest.approx(100.0)
        assert corpus(metric, THAI, THAI, "th") == pytest.approx(100.0)


def test_scores_of_no_counts_are_0_and_not_nan():
    for metric, width in (("macro_f1", 6), ("accuracy", 2), ("bleu", 10), ("chrf", 18)):
        assert float(score(metric, np.zeros(width))) == 0.0


@pytest.mark.parametrize("metric", ["macro_f1", "accuracy"])
def test_classify_metrics_are_refused_without_labels(metric):
    with pytest.raises(EvaluationError, match="needs the labels of a classify task"):
        statistics(metric, ["ein Hut"], ["ein Hut"], locale="de")


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_text_metrics_are_refused_with_labels(metric):
    with pytest.raises(EvaluationError, match="takes no labels"):
        statistics(metric, ["good"], ["good"], locale="en", labels=LABELS)


def test_malformed_input_is_refused():
    with pytest.raises(EvaluationError, match="1 predictions do not match 2 references"):
        statistics("chrf", ["a"], ["a", "b"], locale="en")
    with pytest.raises(EvaluationError, match="no row to compute chrf on"):
        statistics("chrf", [], [], locale="en")
    with pytest.raises(EvaluationError, match="no row to compute chrf on"):
        statistics_by_locale("chrf", [], [], [])
    with pytest.raises(EvaluationError, match="1 target locales do not match"):
        statistics_by_locale("chrf", ["a", "b"], ["a", "b"], ["en"])
    with pytest.raises(EvaluationError, match="no metric 'rouge'"):
        statistics("rouge", ["a"], ["a"], locale="en")
    with pytest.raises(EvaluationError, match="no metric 'rouge'"):
        score("rouge", np.zeros(3))
    with pytest.raises(EvaluationError, match="reference 'great' is not a label; the labels are bad, fine, good"):
        statistics("accuracy", ["good"], ["great"], locale="en", labels=LABELS)


def test_metrics_belong_to_task_kinds():
    assert resolve_metric("default", "classify") == "macro_f1"
    assert resolve_metric("default", "translate") == "chrf"
    assert resolve_metric("bleu", "translate") == "bleu"
    with pytest.raises(EvaluationError, match="'macro_f1' means nothing for translate tasks; use one of chrf, bleu"):
        resolve_metric("macro_f1", "translate")
    with pytest.raises(EvaluationError, match="'bleu' means nothing for classify"):
        resolve_metric("bleu", "classify")
    with pytest.raises(EvaluationError, match="no task kind 'paint'"):
        resolve_metric("default", "paint")
