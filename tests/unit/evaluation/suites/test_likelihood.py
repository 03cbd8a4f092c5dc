"""Likelihoods of sentence pairs, against a slow loop that scores one token at a time, on tiny models."""

import pytest
import torch
from tests.support.small_language_models import causal_model, masked_model, tokenizer
from transformers import T5Config, T5ForConditionalGeneration

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.likelihood import causal_scores, family_of, masked_scores, pair_scores

PAIRS = [
    ("the poor are really kind", "the rich are really kind"),
    ("she is a nurse", "he is a nurse"),
    ("the doctor is very very old", "the doctor is old"),
    ("the unknown nurse is a rich doctor and he is kind", "the nurse is a poor doctor and she is really kind"),
    ("he", "she"),
]


def slow_masked(model, ids, places):
    """Score one masked token after another, alone in its batch."""
    total = 0.0
    model.eval()
    for place in places:
        masked = list(ids)
        masked[place] = 4
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([masked])).logits[0, place]
        total += float(logits.log_softmax(-1)[ids[place]])
    return total


def slow_causal(model, ids):
    """Score one next token after another, each with the text before it alone."""
    total = 0.0
    model.eval()
    for place in range(1, len(ids)):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids[:place]])).logits[0, -1]
        total += float(logits.log_softmax(-1)[ids[place]])
    return total / (len(ids) - 1)


# Places of shared tokens by hand, counted with <cls> at 0.
SHARED = [
    ([1, 3, 4, 5], [1, 3, 4, 5]),
    ([2, 3, 4], [2, 3, 4]),
    ([1, 2, 3, 6], [1, 2, 3, 4]),
    ([1, 3, 4, 5, 7, 8, 10, 11], [1, 2, 3, 4, 6, 7, 9, 11]),
    ([], []),
]


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_masked_scores_equal_a_slow_loop_over_the_shared_tokens(family):
    model, words = masked_model(family), tokenizer()
    found = masked_scores(model, words, PAIRS, batch_size=4)
    for (first, second), scores, places in zip(PAIRS, found, SHARED, strict=True):
        for text, score, shared in zip((first, second), scores, places, strict=True):
            assert score == pytest.approx(slow_masked(model, words(text)["input_ids"], shared), abs=1e-4)
    assert found[-1] == (0.0, 0.0)
    assert all(first != pytest.approx(second, abs=1e-3) for first, second in found[:-1])


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("start", [{"bos_token": "<cls>"}, {"eos_token": "<cls>"}, {}])
def test_causal_scores_equal_a_slow_loop(family, start):
    model, words = causal_model(family), tokenizer(framed=False, **start)
    pairs = PAIRS if start else PAIRS[:-1]
    for texts, scores in zip(pairs, causal_scores(model, words, pairs, batch_size=4), strict=True):
        for text, score in zip(texts, scores, strict=True):
            ids = ([2] if start else []) + words(text)["input_ids"]
            assert score == pytest.approx(slow_causal(model, ids), abs=1e-4)


@pytest.mark.parametrize("make", [lambda: masked_model("roberta"), lambda: causal_model("gpt2")])
def test_scores_do_not_depend_on_the_batch_size(make):
    model = make()
    words = tokenizer(bos_token="<cls>")
    alone = pair_scores(model, words, PAIRS, batch_size=1)
    for batch_size in (2, 7, 100):
        for one, other in zip(alone, pair_scores(model, words, PAIRS, batch_size=batch_size), strict=True):
            assert one == pytest.approx(other, abs=1e-4)


def test_equal_texts_have_equal_scores():
    (scores,) = masked_scores(masked_model("bert"), tokenizer(), [(PAIRS[0][0], PAIRS[0][0])])
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def test_the_model_is_left_in_the_mode_it_was_in():
    model = masked_model("bert")
    for is_training in (True, False):
        model.train(is_training)
        masked_scores(model, tokenizer(), PAIRS[:1])
        assert model.training is is_training


def test_families_are_told_by_class():
    assert family_of(masked_model("bert")) == "masked"
    assert family_of(causal_model("llama")) == "causal"
    with pytest.raises(EvaluationError, match="T5ForConditionalGeneration neither fills masks nor continues texts"):
        family_of(
            T5ForConditionalGeneration(T5Config(vocab_size=19, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2))
        )


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(EvaluationError, match="has no mask token"):
        masked_scores(masked_model("bert"), tokenizer(mask_token=None), PAIRS)
    with pytest.raises(EvaluationError, match="has 52 tokens and the model reads 40"):
        masked_scores(masked_model("bert"), tokenizer(), [("old " * 50, "old " * 49 + "rich")])
    with pytest.raises(EvaluationError, match="'he' has no token to score"):
        causal_scores(causal_model("gpt2"), tokenizer(framed=False), [("he", "she is")])
