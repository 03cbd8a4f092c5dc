"""Vectors of a tiny encoder, and exact search among them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support.tiny_reader import save_checkpoint, tiny_encoder, word_tokenizer

from polyloop.errors import ModelError
from polyloop.retrieval.dense import DenseEncoder, EncodingSettings, cosine_scores, load_encoder, mean_vectors

TOKENIZER = word_tokenizer(["a", "cat", "sat", "on", "the", "mat", "dogs", "run", "far", "query", ":"])
TEXTS = ["a cat sat on the mat", "dogs run far", "the", "a cat"]


def encoder(**settings: int | str) -> DenseEncoder:
    return DenseEncoder(tiny_encoder(TOKENIZER), TOKENIZER, EncodingSettings(**settings))  # type: ignore[arg-type]


def test_vectors_have_length_one_and_do_not_depend_on_the_batch() -> None:
    together, alone = encoder().encode_passages(TEXTS), encoder(batch_size=1).encode_passages(TEXTS)
    assert together.shape == (4, 16)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together, alone, atol=1e-5)


def test_a_text_is_most_like_itself() -> None:
    made = encoder()
    vectors = made.encode_passages(TEXTS)
    for place, text in enumerate(TEXTS):
        scores = cosine_scores(vectors, made.encode_query(text))
        assert scores.argmax() == place
        assert scores[place] == pytest.approx(1, abs=1e-5)


def test_prefixes_are_part_of_the_text() -> None:
    plain, prefixed = encoder(), encoder(query_prefix="query: ")
    assert np.allclose(prefixed.encode_query("a cat"), plain.encode_query("query: a cat"))
    assert not np.allclose(prefixed.encode_query("a cat"), plain.encode_query("a cat"))


def test_the_mean_leaves_padding_out() -> None:
    states = torch.tensor([[[3.0, 4.0], [3.0, 4.0], [9.0, -9.0]], [[0.0, 0.0]] * 3])
    found = mean_vectors(states, torch.tensor([[1, 1, 0], [0, 0, 0]]))
    assert found.flatten().tolist() == pytest.approx([0.6, 0.8, 0.0, 0.0])


def test_no_passages_give_no_vectors() -> None:
    assert encoder().encode_passages([]).shape == (0, 16)


def test_long_texts_are_cut() -> None:
    made = encoder(max_tokens=8)
    assert np.allclose(made.encode_query("cat " * 500), made.encode_query("cat " * 6), atol=1e-6)


def test_texts_that_are_longer_than_the_encoder_has_positions_for_are_cut_there() -> None:
    made = encoder()
    positions = int(made.model.config.max_position_embeddings)
    assert positions < made.settings.max_tokens
    long, fitting = made.encode_query("cat " * 500), made.encode_query("cat " * (positions - 2))
    assert np.allclose(long, fitting, atol=1e-6)


def test_vectors_of_another_encoder_are_refused() -> None:
    with pytest.raises(ModelError, match="width 3 but the encoder gives 2"):
        cosine_scores(np.zeros((1, 3), dtype=np.float32), np.zeros(2, dtype=np.float32))


def test_a_saved_encoder_gives_the_same_vectors(tmp_path: Path) -> None:
    made = encoder()
    loaded = load_encoder(save_checkpoint(tmp_path / "encoder", made.model, TOKENIZER))
    assert np.allclose(loaded.encode_passages(TEXTS), made.encode_passages(TEXTS), atol=1e-6)


def test_an_absent_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no encoder at"):
        load_encoder(tmp_path / "none")
