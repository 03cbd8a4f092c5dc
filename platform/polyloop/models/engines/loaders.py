"""How the weights of each family become what CTranslate2 computes with: its own loaders, mended where they are behind.

Input: a transformers model in float32, which is used up. Output: a filled specification, without vocabulary; of an
encoder without its pooler and head. Limits: families that Polyloop trains. CTranslate2's whole converter is not used:
it takes vocabularies from tokenizers (see `numerals`), and of transformers 5 it knows neither the names of BART's and
GPT-NeoX's settings nor that Marian's padding token need not be its last.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from ctranslate2.converters.transformers import (
    BartLoader,
    DistilBertLoader,
    GPT2Loader,
    GPTNeoXLoader,
    LlamaLoader,
    Qwen2Loader,
    Qwen3Loader,
    RobertaLoader,
    T5Loader,
)

from polyloop.errors import ModelError
from polyloop.models.ngrams import MODEL_TYPE as NGRAM_BERT

LAYER_NORM_EPSILON = 1e-5
"""Default of torch's LayerNorm, which BART and Marian leave as it is."""


def fill_spec(model: Any) -> Any:
    """Return the specification of a model with its weights; ModelError for a family that cannot be converted."""
    family = model.config.model_type
    if family not in SPECS:
        raise ModelError(
            f"a model of the family {family!r} cannot be converted to CTranslate2, only {', '.join(SPECS)}; "
            "serve it with PyTorch"
        )
    return SPECS[family](model)


def layer_norm_epsilon(config: Any) -> float:
    """Return the epsilon of a model's layer norms, which each family names in its own way."""
    for name in ("layer_norm_epsilon", "rms_norm_eps", "layer_norm_eps"):
        if isinstance(value := getattr(config, name, None), float):
            return value
    return LAYER_NORM_EPSILON


def _t5(model: Any) -> Any:
    spec = T5Loader().get_model_spec(model)
    # The loader asks whether embeddings are tied, but transformers 5 scales by a setting of its own.
    spec.decoder.scale_outputs = model.config.d_model**-0.5 if model.config.scale_decoder_outputs else 1.0
    return spec


def _bart(model: Any) -> Any:
    # transformers 5 has dropped these two, which no BART that it can load has otherwise.
    model.config.normalize_before = False
    model.config.normalize_embedding = True
    return BartLoader().get_model_spec(model)


def _marian(model: Any) -> Any:
    # The library's Marian loader drops the last embedding as the padding token's and starts from zeros. Here locale
    # tags may stand behind the padding token, and its own embedding is what transformers starts from.
    model.config.normalize_before = False
    model.config.normalize_embedding = False
    return BartLoader().get_model_spec(model)


def _gpt2(model: Any) -> Any:
    config = model.config
    if not config.scale_attn_weights or config.scale_attn_by_inverse_layer_idx:
        raise ModelError("a GPT-2 with attention scaled in its own way cannot be converted; serve it with PyTorch")
    return GPT2Loader().get_model_spec(model)


def _gpt_neox(model: Any) -> Any:
    rope = _plain_rope(model.config)
    # Names that the loader looks for and transformers 5 has changed.
    model.config.rotary_pct = rope["partial_rotary_factor"]
    model.embed_out = model.lm_head
    spec = GPTNeoXLoader().get_model_spec(model)
    for layer in spec.decoder.layer:
        layer.self_attention.rotary_base = np.float32(rope["rope_theta"])
    return spec


def _llama(model: Any) -> Any:
    return LlamaLoader().get_model_spec(model)


def _qwen2(model: Any) -> Any:
    _without_sliding_window(model.config)
    return Qwen2Loader().get_model_spec(model)


def _qwen3(model: Any) -> Any:
    _without_sliding_window(model.config)
    return Qwen3Loader().get_model_spec(model)


def _bert(model: Any) -> Any:
    # Positions begin at 0. RoBERTa's loader, which would ask for that, is otherwise BERT's, and needs no pooler.
    model.base_model.embeddings.position_embeddings.padding_idx = 0
    return _roberta(model)


def _roberta(model: Any) -> Any:
    if model.config.is_decoder:
        raise ModelError(f"a {model.config.model_type} that is a decoder cannot be converted; serve it with PyTorch")
    base = model.base_model
    # transformers 5 has no other positions, and no setting for them any more.
    base.config.position_embedding_type = "absolute"
    base.pooler = None
    return RobertaLoader().get_model_spec(base)


def _distilbert(model: Any) -> Any:
    model.config.layer_norm_eps = 1e-12  # as its code has it
    return DistilBertLoader().get_model_spec(model.base_model)


def _plain_rope(config: Any) -> dict[str, Any]:
    rope: dict[str, Any] = dict(config.rope_parameters)
    if rope.get("rope_type", "default") != "default":
        raise ModelError(
            f"a {config.model_type} with rotary positions of type {rope['rope_type']!r} cannot be converted; "
            "serve it with PyTorch"
        )
    return rope


def _without_sliding_window(config: Any) -> None:
    if "sliding_attention" in (config.layer_types or ()):
        raise ModelError(
            f"a {config.model_type} with layers of sliding attention cannot be converted; serve it with PyTorch"
        )


SPECS: dict[str, Callable[[Any], Any]] = {
    "t5": _t5,
    "marian": _marian,
    "bart": _bart,
    "gpt_neox": _gpt_neox,
    "gpt2": _gpt2,
    "llama": _llama,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "bert": _bert,
    NGRAM_BERT: _bert,
    "roberta": _roberta,
    "camembert": _roberta,
    "xlm-roberta": _roberta,
    "distilbert": _distilbert,
}
"""How each family is read, by its `model_type`."""
