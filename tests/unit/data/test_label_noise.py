"""Finding rows that are probably mislabelled."""

import json
import random

import numpy as np
import pytest

from polyloop.data.label_noise import confident_joint, find_label_noise

TOPICS = {
    "sea": ["ship", "wave", "harbour", "sail", "captain", "anchor", "tide", "island", "shore", "net"],
    "kitchen": ["pan", "oven", "flour", "butter", "knife", "recipe", "soup", "bake", "spoon", "dough"],
    "garden": ["rose", "seed", "spade", "hedge", "lawn", "bloom", "weed", "soil", "rake", "tulip"],
}


def _rows(count: int, seed: int = 3) -> tuple[list[str], list[str], list[str]]:
    """Return texts, labels and ids of topics that share no word but a few common ones."""
    chooser = random.Random(seed)
    labels = [chooser.choice(list(TOPICS)) for _ in range(count)]
    texts = [" ".join(["the", *chooser.choices(TOPICS[label], k=5), "and"]) for label in labels]
    return texts, labels, [f"row-{place:04}" for place in range(count)]


def test_the_joint_of_the_papers_kind_of_example() -> None:
    given = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    fits_first = np.array([0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.9])
    joint, counted = confident_joint(np.stack([fits_first, 1 - fits_first], axis=1), given)
    assert counted.tolist() == [0, 0, 0, 1, 1, 1, 1, 0]
    assert joint.tolist() == [[3.0, 1.0], [1.0, 3.0]]


def test_rows_that_fit_no_label_confidently_are_not_counted_but_calibrated_for() -> None:
    given = np.array([0, 0, 0, 1, 1, 1])
    fits_first = np.array([0.9, 0.9, 0.6, 0.1, 0.1, 0.4])
    joint, counted = confident_joint(np.stack([fits_first, 1 - fits_first], axis=1), given)
    assert counted.tolist() == [0, 0, -1, 1, 1, -1]
    assert joint.tolist() == [[3.0, 0.0], [0.0, 3.0]]


def test_a_clean_separable_set_has_no_suspects() -> None:
    found = find_label_noise(*_rows(300))
    assert found.suspects == ()
    assert found.num_rows == 300
    assert found.hit_rate == 1.0
    assert found.rates == {"garden": 0.0, "kitchen": 0.0, "sea": 0.0}


def test_wrong_labels_are_found_with_the_right_ones_suggested() -> None:
    texts, labels, ids = _rows(300)
    truth = {}
    for place in range(0, 300, 20):
        truth[ids[place]] = labels[place]
        labels[place] = {"sea": "kitchen", "kitchen": "garden", "garden": "sea"}[labels[place]]
    found = find_label_noise(texts, labels, ids)
    assert {suspect.id: suspect.suggested for suspect in found.suspects} == truth
    assert all(suspect.confidence > 0.5 and suspect.given != suspect.suggested for suspect in found.suspects)
    confidences = [suspect.confidence for suspect in found.suspects]
    assert confidences == sorted(confidences, reverse=True)
    assert sum(found.rates.values()) / 3 == pytest.approx(0.05, abs=0.02)


def test_the_result_does_not_depend_on_the_order_of_rows() -> None:
    texts, labels, ids = _rows(300)
    labels[7] = labels[9] = "sea"
    found = find_label_noise(texts, labels, ids)
    assert find_label_noise(texts[::-1], labels[::-1], ids[::-1]) == found
    assert json.loads(json.dumps(found.to_dict()))["num_rows"] == 300


def test_a_locale_with_rows_enough_is_judged_by_itself() -> None:
    texts, labels, ids = _rows(1_000)
    swapped = {"sea": "kitchen", "kitchen": "garden", "garden": "sea"}
    locales = ["en" if place % 2 else "xx" for place in range(1_000)]
    labels = [swapped[label] if locale == "xx" else label for label, locale in zip(labels, locales, strict=True)]
    # What the words mean in the one locale is not what they mean in the other: together this would look like noise.
    assert find_label_noise(texts, labels, ids, locales=locales).suspects == ()


def test_labels_with_few_rows_are_not_judged_and_large_sets_are_sampled() -> None:
    texts, labels, ids = _rows(300)
    labels[5] = "rare"
    found = find_label_noise(texts, labels, ids)
    assert found.num_rows == 299
    assert "rare" not in found.rates
    assert find_label_noise(*_rows(300), max_rows=200).num_rows == 200


@pytest.mark.parametrize("count", [0, 1, 10])
def test_too_few_rows_give_an_empty_report(count: int) -> None:
    found = find_label_noise(*_rows(count))
    assert (found.num_rows, found.suspects, found.rates, found.hit_rate) == (0, (), {}, 0.0)
