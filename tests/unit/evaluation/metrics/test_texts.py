"""chrF++, BLEU of tokenised text and ROUGE: against sacrebleu, by hand, and the pairs that are refused."""

import numpy as np
import pytest
import sacrebleu

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import score, statistics
from polyloop.evaluation.metrics.rouge import longest_common_subsequence

REFERENCES = [
    "Ein Mann mit Hut kocht ( im Garten ) Suppe .",
    "Zwei Kinder spielen „ Fußball “ .",
    "Ja !",
    "(Hallo) Welt, es ist - vier.",
]
GUESSES = ["ein Mann mit einem Hut kocht Suppe .", "Zwei kinder spielen Fußball .", "Nein", "Hallo Welt! es ist vier."]
WORD_METRICS = ("chrf_plus_plus", "bleu_tokenised", "rouge_1_words", "rouge_2_words", "rouge_l_words")


def corpus(metric: str, guesses: list[str], references: list[str], locale: str) -> float:
    return float(score(metric, statistics(metric, guesses, references, locale=locale).sum(axis=0)))


def sacrebleus(metric: str, guesses: list[str], references: list[str]) -> float:
    if metric == "chrf_plus_plus":
        return float(sacrebleu.CHRF(word_order=2).corpus_score(guesses, [references]).score)
    bleu = sacrebleu.BLEU(tokenize="none", lowercase=True, force=True)
    return float(bleu.corpus_score(guesses, [references]).score)


@pytest.mark.parametrize("metric", ["chrf_plus_plus", "bleu_tokenised"])
def test_scores_equal_sacrebleu_also_for_drawn_corpora_and_empty_texts(metric):
    random = np.random.default_rng(1)
    vocabulary = sorted({word for text in REFERENCES + GUESSES for word in text.split()})
    for _ in range(30):
        references = [REFERENCES[i] for i in random.integers(0, 4, 5)]
        guesses = [" ".join(random.choice(vocabulary, size=random.integers(0, 9))) for _ in range(4)] + [references[4]]
        expected = sacrebleus(metric, guesses, references)
        assert corpus(metric, guesses, references, "de") == pytest.approx(expected, abs=1e-9)
    assert 10.0 < corpus(metric, GUESSES, REFERENCES, "de") == pytest.approx(sacrebleus(metric, GUESSES, REFERENCES))


def test_tokenised_bleu_does_not_see_case():
    lowered = [text.lower() for text in REFERENCES]
    assert corpus("bleu_tokenised", lowered, REFERENCES, "de") == pytest.approx(100.0)
    assert corpus("bleu", lowered, REFERENCES, "de") < 90.0


def test_rouge_of_words_by_hand():
    guess, reference = ["the cat sat on the mat"], ["The cat is on the mat."]
    # Unigrams: the 2, cat, on, mat of six each. Bigrams: the cat, on the, the mat of five each.
    assert corpus("rouge_1", guess, reference, "en") == pytest.approx(100 * 5 / 6)
    assert corpus("rouge_2", guess, reference, "en") == pytest.approx(100 * 3 / 5)
    assert corpus("rouge_l", guess, reference, "en") == pytest.approx(100 * 5 / 6)


def test_rouge_of_chinese_counts_characters_and_leaves_latin_words_whole():
    guess, reference = ["他买了iPhone"], ["她买了新的iPhone。"]
    # Units 他 买 了 iphone against 她 买 了 新 的 iphone: three in common, four and six in all; one bigram of 3 and 5.
    for metric in ("rouge_1", "rouge_l"):
        assert corpus(metric, guess, reference, "zh-Hans") == pytest.approx(100 * 2 * 3 / 10)
    assert corpus("rouge_2", guess, reference, "zh-Hans") == pytest.approx(100 * 2 * 1 / 8)


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("他今天没有去上班。", "zh-Hans"),
        ("今日は会社に行きませんでした。", "ja"),
        ("วันนี้ฉันไม่ได้ไปทำงาน", "th"),
        ("나는 오늘 출근하지 않았다.", "ko"),
        ("मैं आज काम पर नहीं गया।", "hi"),
        ("لم أذهب إلى العمل اليوم.", "ar"),
    ],
)
def test_identical_texts_give_100_in_every_script(text, locale):
    for metric in ("rouge_1", "rouge_2", "rouge_l"):
        assert corpus(metric, [text], [text], locale) == pytest.approx(100.0)


def test_hindi_words_keep_their_vowel_signs():
    assert corpus("rouge_1", ["काम"], ["कम"], "hi") == 0.0


def test_the_common_subsequence_equals_the_textbook_table():
    random = np.random.default_rng(2)
    for _ in range(100):
        one, other = ([str(unit) for unit in random.integers(0, 4, random.integers(0, 90))] for _ in range(2))
        table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
        for i, left in enumerate(one):
            for j, right in enumerate(other):
                table[i + 1, j + 1] = table[i, j] + 1 if left == right else max(table[i, j + 1], table[i + 1, j])
        assert longest_common_subsequence(one, other) == table[-1, -1]


def test_a_text_without_letters_or_too_short_for_the_order_scores_nothing():
    assert corpus("rouge_1", ["..."], ["a word"], "en") == 0.0
    assert corpus("rouge_2", ["word"], ["word"], "en") == 0.0


@pytest.mark.parametrize("metric", WORD_METRICS)
@pytest.mark.parametrize("locale", ["zh-Hans", "ja", "th", "yue"])
def test_word_metrics_are_refused_for_scripts_without_spaces(metric, locale):
    with pytest.raises(EvaluationError, match=f"{metric} counts words between spaces, which '{locale}' does not"):
        statistics(metric, ["x"], ["x"], locale=locale)


@pytest.mark.parametrize("metric", [*WORD_METRICS, "rouge_1", "rouge_2", "rouge_l"])
def test_a_wrong_tag_does_not_get_chinese_cut_at_spaces(metric):
    with pytest.raises(EvaluationError, match="mostly in a script without spaces"):
        statistics(metric, ["他今天没有去上班。"], ["他今天没有去上班。"], locale="en")
    with pytest.raises(EvaluationError, match="needs a known target locale, not 'und'"):
        statistics(metric, ["x"], ["x"], locale="und")
