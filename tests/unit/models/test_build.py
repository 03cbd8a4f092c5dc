"""Tests of building networks from recipes and from checkpoints."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.small_tasks import bert_tokenizer, save_checkpoint, small_task, small_tokenizer
from transformers import BertConfig, BertForMaskedLM

from polyloop.errors import ModelError
from polyloop.models.adapters import merged
from polyloop.models.build import build_model, finished_model
from polyloop.spec.models import TaskSpec


@pytest.mark.parametrize("recipe", ["nano", "tiny"])
def test_a_classify_recipe_gives_an_encoder_with_the_labels(tmp_path: Path, recipe: str) -> None:
    task = small_task("classify", model={"recipe": recipe})
    model: Any = build_model(task, small_tokenizer(tmp_path, task), dropout=0.0)
    assert type(model).__name__ == "BertForSequenceClassification"
    assert model.config.id2label == {0: "even", 1: "odd"}
    assert model.config._attn_implementation == "sdpa"
    assert model(input_ids=torch.ones(2, task.model.max_input_tokens, dtype=torch.int64)).logits.shape == (2, 2)


@pytest.mark.parametrize("recipe", ["nano", "tiny"])
def test_a_translate_recipe_gives_an_encoder_decoder_that_generates_greedily(tmp_path: Path, recipe: str) -> None:
    task = small_task("translate", model={"recipe": recipe})
    tokenizer = small_tokenizer(tmp_path, task)
    model: Any = build_model(task, tokenizer, dropout=0.0)
    assert type(model).__name__ == "T5ForConditionalGeneration"
    assert model.shared.num_embeddings == len(tokenizer)
    assert model.lm_head.weight is model.shared.weight
    generation = model.generation_config
    assert (generation.pad_token_id, generation.eos_token_id, generation.decoder_start_token_id) == (0, 1, 0)
    assert (generation.num_beams, generation.do_sample) == (1, False)


def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    task = small_task("classify")
    tokenizer = small_tokenizer(tmp_path, task)
    sums = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        sums.append(sum(weight.sum().item() for weight in build_model(task, tokenizer, dropout=0.0).parameters()))
    assert sums[0] == sums[1] != sums[2]


@pytest.mark.parametrize("family", ["t5", "marian"])
def test_a_seq2seq_checkpoint_keeps_its_weights_and_makes_room_for_the_tags(tmp_path: Path, family: str) -> None:
    plain = small_tokenizer(tmp_path / "plain", small_task("classify"))
    checkpoint = save_checkpoint(family, tmp_path / "checkpoint", plain)
    task = small_task("translate", model={"pretrained": str(checkpoint)})
    grown = plain.from_pretrained(str(checkpoint))
    grown.add_special_tokens({"extra_special_tokens": ["<2de>", "<2fr>"]})
    model: Any = build_model(task, grown, dropout=0.5)
    original: Any = build_model(task, plain, dropout=0.5)
    new, old = model.get_input_embeddings().weight, original.get_input_embeddings().weight
    assert new.shape[0] == old.shape[0] + 2
    assert torch.equal(new[:-2], old)
    ids = torch.tensor([[len(grown) - 1, 5, 1]])
    assert model(input_ids=ids, labels=ids).logits.shape[-1] == len(grown)
    assert model.generation_config.forced_eos_token_id is None


def test_a_checkpoint_with_another_number_of_classes_gets_a_new_head(tmp_path: Path) -> None:
    tokenizer = bert_tokenizer()
    checkpoint = save_checkpoint("bert", tmp_path, tokenizer)
    model: Any = build_model(small_task("classify", model={"pretrained": str(checkpoint)}), tokenizer, dropout=0.0)
    assert model.classifier.out_features == 2
    assert model.config.id2label == {0: "even", 1: "odd"}


@pytest.mark.parametrize(
    ("kind", "family", "words"),
    [
        ("translate", "bert", "the encoder 'bert', but translate needs an encoder-decoder; choose T5"),
        ("translate", "gpt2", "the decoder 'gpt2', but translate needs an encoder-decoder"),
        ("classify", "gpt2", "the decoder 'gpt2', but classify needs an encoder; choose BERT"),
        ("classify", "t5", "the encoder-decoder 't5', but classify needs an encoder"),
    ],
)
def test_a_checkpoint_of_another_architecture_is_refused_with_both_named(
    tmp_path: Path, kind: str, family: str, words: str
) -> None:
    tokenizer = small_tokenizer(tmp_path / "tokenizer", small_task(kind))
    checkpoint = save_checkpoint(family, tmp_path / "checkpoint", tokenizer)
    with pytest.raises(ModelError, match=words):
        build_model(small_task(kind, model={"pretrained": str(checkpoint)}), tokenizer, dropout=0.0)


def test_a_checkpoint_with_pickled_weights_only_is_refused(tmp_path: Path) -> None:
    tokenizer = bert_tokenizer()
    checkpoint = save_checkpoint("bert", tmp_path, tokenizer)
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin and no \*\.safetensors; pickled weights can run code"):
        build_model(small_task("classify", model={"pretrained": str(checkpoint)}), tokenizer, dropout=0.0)


def test_a_checkpoint_with_too_few_positions_is_refused(tmp_path: Path) -> None:
    tokenizer = bert_tokenizer()
    checkpoint = save_checkpoint("bert", tmp_path, tokenizer)
    task = small_task("classify", model={"pretrained": str(checkpoint), "max_input_tokens": 65})
    with pytest.raises(ModelError, match=r"max_input_tokens is 65, but .* takes at most 64 tokens"):
        build_model(task, tokenizer, dropout=0.0)


def test_a_folder_without_checkpoint_and_damaged_weights_are_refused_on_one_line(tmp_path: Path) -> None:
    tokenizer = bert_tokenizer()
    task = small_task("classify", model={"pretrained": str(tmp_path)})
    with pytest.raises(ModelError, match="no Hugging Face checkpoint at") as absent:
        build_model(task, tokenizer, dropout=0.0)
    assert "\n" not in str(absent.value)
    (save_checkpoint("bert", tmp_path, tokenizer) / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ModelError, match="cannot be loaded") as damaged:
        build_model(task, tokenizer, dropout=0.0)
    assert "\n" not in str(damaged.value)


def _trained(tmp_path: Path, task: TaskSpec) -> Path:
    tokenizer = small_tokenizer(tmp_path / "tokenizer", task)
    build_model(task, tokenizer, dropout=0.0).save_pretrained(tmp_path / "v1")
    return tmp_path / "v1"


@pytest.mark.parametrize("kind", ["classify", "translate"])
def test_an_earlier_version_is_gone_on_from(tmp_path: Path, kind: str) -> None:
    task = small_task(kind)
    version = _trained(tmp_path, task)
    tokenizer = small_tokenizer(tmp_path / "tokenizer2", task)
    first: Any = build_model(task, tokenizer, dropout=0.0, init_from=version)
    second: Any = build_model(task, tokenizer, dropout=0.0, init_from=version)
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name]), name


def test_an_earlier_version_with_other_labels_is_refused(tmp_path: Path) -> None:
    version = _trained(tmp_path, small_task("classify"))
    task = small_task("classify", labels=["odd", "even"])
    with pytest.raises(ModelError, match=r"trained on the labels even, odd, and the task has odd, even; .*scratch"):
        build_model(task, small_tokenizer(tmp_path / "tokenizer2", task), dropout=0.0, init_from=version)


def test_a_tokenizer_without_padding_is_refused(tmp_path: Path) -> None:
    task = small_task("classify")
    tokenizer = small_tokenizer(tmp_path, task)
    tokenizer.pad_token = None
    with pytest.raises(ModelError, match="no padding token"):
        build_model(task, tokenizer, dropout=0.0)


def test_recipes_drop_out_as_the_spec_says_but_not_inside_attention(tmp_path: Path) -> None:
    task = small_task("classify")
    config = build_model(task, small_tokenizer(tmp_path, task), dropout=0.25).config
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob) == (0.25, 0.0)
    assert json.loads(config.to_json_string())["hidden_dropout_prob"] == 0.25


def _without_pooler(folder: Path, tokenizer: Any) -> Path:
    """Save a masked language model, whose checkpoint lacks the pooler that classification goes through."""
    sizes: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), num_hidden_layers=1, **sizes)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("kind", "family"), [("classify", None), ("generate", "gpt2"), ("translate", "bart")])
def test_a_finished_model_has_the_frozen_weights_that_its_adapters_were_trained_on(
    tmp_path: Path, kind: str, family: str | None
) -> None:
    tokenizer = bert_tokenizer() if family is None else small_tokenizer(tmp_path / "plain", small_task("classify"))
    checkpoint = tmp_path / "checkpoint"
    if family is None:
        _without_pooler(checkpoint, tokenizer)
    else:
        save_checkpoint(family, checkpoint, tokenizer)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<2de>", "<2fr>"]})
    task = small_task(kind, model={"pretrained": str(checkpoint), "lora": {"rank": 4}})
    torch.manual_seed(task.training.seed)
    trained: Any = build_model(task, tokenizer, dropout=task.training.dropout)
    weights = {name: weight.detach() for name, weight in trained.named_parameters() if weight.requires_grad}

    torch.manual_seed(1)  # what a step of training leaves behind
    finished = finished_model(task, tokenizer, weights, init_from=None).state_dict()

    expected = merged(trained).state_dict()
    assert finished.keys() == expected.keys()
    for name, weight in expected.items():
        assert torch.equal(finished[name], weight), name
