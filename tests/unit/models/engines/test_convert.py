"""Tests of conversion: what is in the folder, that it computes the same, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.converted_models import ALL, ConvertedModel, trained_model
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from polyloop.errors import ArtefactError, ModelError
from polyloop.models.engines import loaders
from polyloop.models.engines.convert import convert
from polyloop.models.engines.probe import MAX_DIFFERENCE

SMALL: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
GROUPED = SMALL | {"num_key_value_heads": 1}
"""Two heads that share their keys and values."""


def _saved(model: Any, folder: Path) -> Path:
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", ALL)
def test_a_converted_model_has_the_vocabulary_of_the_embedding_and_nothing_beside_it(
    converted: Callable[[str], ConvertedModel], family: str
) -> None:
    model = converted(family)
    size = json.loads((model.path / "config.json").read_text())["vocab_size"]
    names = {path.name for path in model.converted.iterdir()}
    vocabulary = (names - {"config.json", "model.bin"}).pop()
    assert len(names) == 3
    assert json.loads((model.converted / vocabulary).read_text()) == [str(token_id) for token_id in range(size)]
    assert {path.name for path in model.converted.parent.iterdir() if path.name.startswith(".")} == set()


def test_rounding_alone_tells_the_converted_model_from_the_original(tmp_path: Path) -> None:
    path, _ = trained_model("t5", tmp_path)
    assert 0.0 < convert(path, tmp_path / "converted") < MAX_DIFFERENCE / 10


@pytest.mark.parametrize("theta", [77.0, 500_000.0])
@pytest.mark.parametrize(
    ("model_class", "config_class", "sizes"),
    [
        (LlamaForCausalLM, LlamaConfig, GROUPED),
        (LlamaForCausalLM, LlamaConfig, SMALL),
        (Qwen2ForCausalLM, Qwen2Config, GROUPED),
        (Qwen3ForCausalLM, Qwen3Config, GROUPED),
        (GPTNeoXForCausalLM, GPTNeoXConfig, SMALL),
    ],
)
def test_the_base_of_rotary_positions_is_kept(
    tmp_path: Path, model_class: Any, config_class: Any, sizes: dict[str, Any], theta: float
) -> None:
    config = config_class(**sizes, rope_parameters={"rope_type": "default", "rope_theta": theta})
    assert convert(_saved(model_class(config), tmp_path / "model"), tmp_path / "converted") < MAX_DIFFERENCE / 10


@pytest.mark.parametrize("parallel", [False, True])
def test_both_forms_of_gpt_neox_are_converted(tmp_path: Path, parallel: bool) -> None:
    config = GPTNeoXConfig(**SMALL, use_parallel_residual=parallel)
    assert convert(_saved(GPTNeoXForCausalLM(config), tmp_path / "model"), tmp_path / "converted") < MAX_DIFFERENCE / 10


@pytest.mark.parametrize("forms", [{"feed_forward_proj": "gated-gelu"}, {"tie_word_embeddings": False}])
def test_other_forms_of_t5_are_converted(tmp_path: Path, forms: dict[str, Any]) -> None:
    start: dict[str, Any] = {"decoder_start_token_id": 0}
    config = T5Config(vocab_size=50, d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2, **forms, **start)
    model = _saved(T5ForConditionalGeneration(config), tmp_path / "model")
    assert convert(model, tmp_path / "converted") < MAX_DIFFERENCE / 10


def test_layers_of_sliding_attention_are_refused(tmp_path: Path) -> None:
    config = Qwen2Config(**GROUPED, use_sliding_window=True, sliding_window=8, max_window_layers=0)
    path = _saved(Qwen2ForCausalLM(config), tmp_path / "model")
    with pytest.raises(ModelError, match="qwen2 with layers of sliding attention"):
        convert(path, tmp_path / "converted")


def test_a_setting_that_gets_lost_fails_the_conversion_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = LlamaConfig(**SMALL, rope_parameters={"rope_type": "default", "rope_theta": 77.0})
    path = _saved(LlamaForCausalLM(config), tmp_path / "model")
    right = loaders.SPECS["llama"]

    def forgetful(model: Any) -> Any:
        model.config.rope_parameters = {"rope_type": "default", "rope_theta": 10_000.0}
        return right(model)

    monkeypatch.setitem(loaders.SPECS, "llama", forgetful)
    with pytest.raises(ModelError, match="does not compute what the original does"):
        convert(path, tmp_path / "converted")
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_rotary_positions_of_an_unknown_type_are_refused(tmp_path: Path) -> None:
    rope = {"rope_type": "dynamic", "rope_theta": 77.0, "factor": 2.0}
    path = _saved(LlamaForCausalLM(LlamaConfig(**SMALL, rope_parameters=rope)), tmp_path / "model")
    with pytest.raises(ModelError, match="'dynamic' is not yet implemented"):
        convert(path, tmp_path / "converted")


def test_attention_that_is_scaled_in_another_way_is_refused(tmp_path: Path) -> None:
    config = GPT2Config(
        vocab_size=50, n_embd=32, n_layer=1, n_head=2, scale_attn_weights=False, bos_token_id=1, eos_token_id=1
    )
    path = _saved(GPT2LMHeadModel(config), tmp_path / "model")
    with pytest.raises(ModelError, match="attention scaled in its own way"):
        convert(path, tmp_path / "converted")


def test_an_unknown_family_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    config = OPTConfig(**{key: value for key, value in SMALL.items() if key != "intermediate_size"}, ffn_dim=64)
    path = _saved(OPTForCausalLM(config), tmp_path / "model")
    with pytest.raises(ModelError, match="family 'opt' cannot be converted to CTranslate2, only t5, marian, bart"):
        convert(path, tmp_path / "converted")


def test_pickled_weights_are_never_loaded(tmp_path: Path) -> None:
    path = _saved(LlamaForCausalLM(LlamaConfig(**SMALL)), tmp_path / "model")
    torch.save({}, path / "pytorch_model.bin")
    (path / "model.safetensors").unlink()
    with pytest.raises(ArtefactError, match="cannot be loaded"):
        convert(path, tmp_path / "converted")


def test_a_folder_without_a_model_and_one_that_is_there_already_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="cannot be loaded"):
        convert(tmp_path, tmp_path / "converted")
    path = _saved(LlamaForCausalLM(LlamaConfig(**SMALL)), tmp_path / "model")
    (tmp_path / "converted").mkdir()
    with pytest.raises(ArtefactError, match="never replaced"):
        convert(path, tmp_path / "converted")
