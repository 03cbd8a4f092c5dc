"""The opinions: enough of them, no contradictions, and patterns that version 1 lacks."""

import random
from collections import Counter, defaultdict

import pytest

from polyloop.demo import sentiment


@pytest.mark.parametrize("locale", sentiment.LOCALES)
@pytest.mark.parametrize("label", sentiment.LABELS)
def test_each_label_has_forty_opinions_and_fifteen_idioms(locale: str, label: str) -> None:
    words = sentiment.phrases(locale)[label]
    assert len({*words["gradable"], *words["phrases"]}) >= 40
    assert len(set(words["idioms"])) >= 15


@pytest.mark.parametrize("locale", sentiment.LOCALES)
def test_no_phrase_belongs_to_two_labels(locale: str) -> None:
    words = sentiment.phrases(locale)
    for kind in ("gradable", "phrases", "idioms", "advice"):
        counts = Counter(phrase for label in sentiment.LABELS for phrase in words[label][kind])
        assert [phrase for phrase, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("locale", sentiment.LOCALES)
def test_an_input_has_one_label(locale: str) -> None:
    rng = random.Random(1)
    labels = defaultdict(set)
    for _ in range(5_000):
        sentence = sentiment.draw_sentence(rng, locale)
        labels[sentence.input].add(sentence.targets[locale])
    assert [text for text, found in labels.items() if len(found) > 1] == []


@pytest.mark.parametrize("locale", sentiment.LOCALES)
def test_negation_turns_the_label_of_the_word_that_it_negates(locale: str) -> None:
    rng = random.Random(2)
    words = sentiment.phrases(locale)
    for _ in range(300):
        sentence = sentiment.draw_of_pattern(rng, locale, "negation")
        label = sentence.targets[locale]
        if label != "neutral":
            opposite = "negative" if label == "positive" else "positive"
            assert any(word in sentence.input for word in words[opposite]["gradable"]), sentence
        assert sentence.lacking


@pytest.mark.parametrize("locale", sentiment.LOCALES)
def test_a_contrast_ends_with_an_opinion_of_its_label(locale: str) -> None:
    rng = random.Random(3)
    words = sentiment.phrases(locale)
    for _ in range(300):
        sentence = sentiment.draw_of_pattern(rng, locale, "contrast")
        own = words[sentence.targets[locale]]
        last_at = {
            label: max(sentence.input.rfind(word) for word in (*words[label]["gradable"], *words[label]["phrases"]))
            for label in sentiment.LABELS
        }
        assert any(word in sentence.input for word in (*own["gradable"], *own["phrases"])), sentence
        assert last_at[sentence.targets[locale]] > 0


def test_a_capital_slot_begins_the_sentence() -> None:
    sentence = sentiment.draw_of_pattern(random.Random(4), "en", "plain")
    assert sentence.input[0].isupper()
    assert "{" not in sentence.input


def test_labels_are_about_even() -> None:
    rng = random.Random(5)
    counts = Counter(sentiment.draw_sentence(rng, "de").targets["de"] for _ in range(3_000))
    assert min(counts[label] for label in sentiment.LABELS) > 750
