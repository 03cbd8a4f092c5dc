"""Builds the network of a task: from a size recipe, from a pretrained checkpoint, or from an earlier version.

Inputs: the task's spec and its tokenizer. Output: a transformers model on the CPU in float32, ready to train. Random
weights come from torch's global generator; seed it first. Limits: safetensors only; no code from checkpoints is run.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    GenerationConfig,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5Config,
    T5ForConditionalGeneration,
)
from transformers.models.t5.modeling_t5 import T5Attention

from polyloop.errors import ModelError
from polyloop.models.adapters import merged, with_adapters
from polyloop.models.first_sizes import RELATIVE_BIAS_STD
from polyloop.models.ngram_features import token_characters
from polyloop.models.ngrams import NgramBertConfig, NgramBertForSequenceClassification
from polyloop.models.pretrained import load_checkpoint
from polyloop.spec.models import TaskSpec
from polyloop.spec.recipes import DECODER_RECIPES, ENCODER_DECODER_RECIPES, ENCODER_RECIPES
from polyloop.tasks import kind_of
from polyloop.tasks.base import end_id


def build_model(
    task: TaskSpec, tokenizer: PreTrainedTokenizerBase, *, dropout: float, init_from: Path | None = None
) -> PreTrainedModel:
    """Return the task's model, its vocabulary as large as the tokenizer's.

    `init_from` is the folder of an earlier version to go on from; otherwise the spec says recipe or checkpoint.
    `dropout` is that of recipes; checkpoints keep their own. With `lora`, what is returned has adapters, and they alone
    are to be trained. ModelError if a checkpoint does not fit.
    """
    if tokenizer.pad_token_id is None:
        raise ModelError(f"the tokenizer {tokenizer.name_or_path!r} has no padding token; define pad_token")
    architecture = kind_of(task).architecture
    origin = str(init_from) if init_from is not None else task.model.pretrained
    if origin is not None:
        model = load_checkpoint(origin, task, keep_labels=init_from is not None)
        _fit_vocabulary(model, tokenizer)
        _keep_all_layers(model)
    else:
        model = RECIPES_OF[architecture](task, tokenizer, dropout)
    if architecture in ("encoder-decoder", "decoder"):
        model.generation_config = _generation(model, task, tokenizer)
    if task.model.recipe is not None:
        _no_dropout_in_attention(model)
    return model if task.model.lora is None else with_adapters(model, task.model.lora, architecture)


def finished_model(
    task: TaskSpec, tokenizer: PreTrainedTokenizerBase, weights: dict[str, torch.Tensor], *, init_from: Path | None
) -> PreTrainedModel:
    """Return the task's model with trained weights, adapters merged into it: what a version holds.

    `weights` lack those that adapters left frozen. Not all of these are in the checkpoint: rows of added tokens, and
    layers that it does not have, are drawn again from the seed that training drew them from.
    """
    torch.manual_seed(task.training.seed)
    model = build_model(task, tokenizer, dropout=task.training.dropout, init_from=init_from)
    if isinstance(model, NgramBertForSequenceClassification):
        model.make_room(len(weights["ngram_keys"]))
    model.load_state_dict(weights, strict=False)
    return merged(model)


def _encoder(task: TaskSpec, tokenizer: PreTrainedTokenizerBase, dropout: float) -> PreTrainedModel:
    settings = _bert_settings(task, tokenizer, dropout) | {
        "id2label": dict(enumerate(task.labels)),
        "label2id": {label: index for index, label in enumerate(task.labels)},
    }
    ngrams = task.model.ngrams
    if ngrams is None:
        return BertForSequenceClassification(BertConfig(**settings))
    settings |= {f"ngram_{key}": value for key, value in ngrams.model_dump().items()}
    model = NgramBertForSequenceClassification(NgramBertConfig(**settings))
    model.token_characters.copy_(token_characters(tokenizer))
    return model


def _span_encoder(task: TaskSpec, tokenizer: PreTrainedTokenizerBase, dropout: float) -> PreTrainedModel:
    return BertForQuestionAnswering(BertConfig(**_bert_settings(task, tokenizer, dropout)))


def _bert_settings(task: TaskSpec, tokenizer: PreTrainedTokenizerBase, dropout: float) -> dict[str, Any]:
    """Return what encoders have in common, whatever their head."""
    recipe = ENCODER_RECIPES[str(task.model.recipe)]
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": recipe.width,
        "intermediate_size": recipe.feedforward,
        "num_attention_heads": recipe.heads,
        "num_hidden_layers": recipe.encoder_layers,
        "max_position_embeddings": task.model.max_input_tokens,
        "hidden_dropout_prob": dropout,
        # Dropout inside attention costs more time than all other dropout together and keeps the fused kernels out.
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "attn_implementation": "sdpa",
    }


def _encoder_decoder(task: TaskSpec, tokenizer: PreTrainedTokenizerBase, dropout: float) -> PreTrainedModel:
    recipe = ENCODER_DECODER_RECIPES[str(task.model.recipe)]
    settings: dict[str, Any] = {"decoder_start_token_id": tokenizer.pad_token_id, "attn_implementation": "sdpa"}
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=recipe.width,
        d_kv=recipe.width // recipe.heads,
        d_ff=recipe.feedforward,
        num_heads=recipe.heads,
        num_layers=recipe.encoder_layers,
        num_decoder_layers=recipe.decoder_layers,
        feed_forward_proj="relu",
        dropout_rate=dropout,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=end_id(tokenizer),
        **settings,
    )
    model = T5ForConditionalGeneration(config)
    for name, parameter in model.named_parameters():
        if name.endswith("relative_attention_bias.weight"):
            torch.nn.init.normal_(parameter, std=RELATIVE_BIAS_STD)
    return model


def _decoder(task: TaskSpec, tokenizer: PreTrainedTokenizerBase, dropout: float) -> PreTrainedModel:
    recipe = DECODER_RECIPES[str(task.model.recipe)]
    settings: dict[str, Any] = {"attn_implementation": "sdpa", "tie_word_embeddings": True}
    # GPT-NeoX has rotary positions as Llama has, and dropout as well, without which few rows are learned by heart.
    config = GPTNeoXConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        intermediate_size=recipe.feedforward,
        num_attention_heads=recipe.heads,
        num_hidden_layers=recipe.decoder_layers,
        max_position_embeddings=task.model.max_input_tokens + task.model.max_target_tokens,
        hidden_dropout=dropout,
        attention_dropout=0.0,
        use_parallel_residual=False,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=end_id(tokenizer),
        **settings,
    )
    return GPTNeoXForCausalLM(config)


RECIPES_OF: dict[str, Callable[[TaskSpec, PreTrainedTokenizerBase, float], PreTrainedModel]] = {
    "encoder": _encoder,
    "encoder-decoder": _encoder_decoder,
    "decoder": _decoder,
    "span-encoder": _span_encoder,
}
"""How a recipe of each architecture is built."""


def _no_dropout_in_attention(model: PreTrainedModel) -> None:
    """Do for T5, whose configuration has one probability for all, what the encoder's configuration says."""
    for module in model.modules():
        if isinstance(module, T5Attention):
            module.dropout = 0.0


def _fit_vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Make room for tokens that were added to the tokenizer, such as locale tags; never shrink."""
    embeddings: Any = model.get_input_embeddings()
    if len(tokenizer) > embeddings.num_embeddings:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)


def _generation(model: PreTrainedModel, task: TaskSpec, tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:
    """Return decoding as the spec says; a checkpoint's forced tokens go, since the locale tag is in the input."""
    old: Any = model.generation_config
    make: Any = GenerationConfig
    decoding = task.decoding
    settings: dict[str, Any] = {"num_beams": decoding.beams, "do_sample": decoding.temperature > 0}
    if decoding.beams > 1:
        settings |= {"length_penalty": decoding.length_penalty, "early_stopping": True}
    if decoding.temperature > 0:
        settings |= {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
    if model.config.is_encoder_decoder:
        settings["decoder_start_token_id"] = model.config.decoder_start_token_id
    generation: GenerationConfig = make(
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=end_id(tokenizer),
        bad_words_ids=old.bad_words_ids,
        repetition_penalty=decoding.repetition_penalty,
        no_repeat_ngram_size=decoding.no_repeat_ngram,
        **settings,
    )
    return generation


def _keep_all_layers(model: Any) -> None:
    """Leave no layer out of a step: workers that left out different ones could not add their gradients up."""
    for module in model.modules():
        if hasattr(module, "layerdrop"):
            module.layerdrop = 0.0
