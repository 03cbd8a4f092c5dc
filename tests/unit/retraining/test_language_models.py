"""Which language model is asked for stereotypes: the version itself, or the masked checkpoint behind a classifier."""

from pathlib import Path

import pytest
from tests.support.small_tasks import bert_tokenizer, save_checkpoint, small_task, version_facts
from transformers import BertConfig, BertForMaskedLM

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.likelihood import family_of
from polyloop.models.artefact import publish
from polyloop.retraining.language_models import language_model


def masked(folder: Path) -> Path:
    tokenizer = bert_tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_decoder_is_asked_itself(tmp_path: Path) -> None:
    save_checkpoint("gpt2", tmp_path / "v1", bert_tokenizer())
    model, _ = language_model(tmp_path / "v1", "generate", None)
    assert family_of(model) == "causal"


def test_a_classifier_is_asked_by_the_checkpoint_that_its_manifest_names(tmp_path: Path) -> None:
    checkpoint = masked(tmp_path / "bert")
    save_checkpoint("bert", tmp_path / "trained", bert_tokenizer())
    facts = version_facts(small_task("classify"), base_model=str(checkpoint))
    publish(tmp_path / "trained", tmp_path / "v1", facts)
    model, tokenizer = language_model(tmp_path / "v1", "classify", None)
    assert family_of(model) == "masked"
    assert len(tokenizer) == model.config.vocab_size


def test_one_that_is_not_published_yet_by_the_checkpoint_of_the_spec(tmp_path: Path) -> None:
    model, _ = language_model(tmp_path, "classify", str(masked(tmp_path / "bert")))
    assert family_of(model) == "masked"


def test_a_version_without_checkpoint_has_none_to_ask(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="did not begin from a checkpoint"):
        language_model(tmp_path, "classify", None)


def test_a_checkpoint_without_a_language_modelling_head_is_refused(tmp_path: Path) -> None:
    save_checkpoint("bert", tmp_path / "bert", bert_tokenizer())
    with pytest.raises(EvaluationError, match="no language modelling head"):
        language_model(tmp_path, "classify", str(tmp_path / "bert"))
