"""Loads a Hugging Face checkpoint for a task after checking that it fits.

Input: a hub id or a folder, and the task's spec. Output: a transformers model in float32 on the CPU. Everything that
can be wrong with a checkpoint (absent, pickled, of another architecture, too short) is a ModelError on one line.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForQuestionAnswering,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
)

from polyloop.errors import ModelError, first_line
from polyloop.models.ngrams import MODEL_TYPE, NgramBertConfig, NgramBertForSequenceClassification
from polyloop.models.quiet import quiet_transformers
from polyloop.retrieval.checkpoints import position_limit
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of

# Whatever loads a model with one of the classes below can load this one too.
AutoConfig.register(MODEL_TYPE, NgramBertConfig)
AutoModelForSequenceClassification.register(NgramBertConfig, NgramBertForSequenceClassification)

AUTO_CLASSES: dict[str, Any] = {
    "encoder": AutoModelForSequenceClassification,
    "encoder-decoder": AutoModelForSeq2SeqLM,
    "decoder": AutoModelForCausalLM,
    "span-encoder": AutoModelForQuestionAnswering,
}
"""What loads a model of each architecture with the head that its kinds need."""

HEADS: dict[str, Any] = {
    "encoder": MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    "encoder-decoder": MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    "decoder": MODEL_FOR_CAUSAL_LM_MAPPING,
    "span-encoder": MODEL_FOR_QUESTION_ANSWERING_MAPPING,
}
FAMILIES = {
    "encoder": "BERT, XLM-R or the like",
    "encoder-decoder": "T5, BART, Marian or the like",
    "decoder": "Llama, Qwen, GPT-2 or the like",
    "span-encoder": "BERT, XLM-R or the like",
}
BODIES = {"span-encoder": "encoder"}
"""What an architecture with a head of its own is called without it; for all others, the same."""

LOAD_ERRORS = (OSError, ValueError, RuntimeError, SafetensorError)
"""What transformers raises for files that are absent, malformed or of other shapes."""


def load_checkpoint(origin: str, task: TaskSpec, *, keep_labels: bool) -> PreTrainedModel:
    """Return the model at `origin` with a head for the task.

    `keep_labels` asks for a checkpoint that was trained on exactly the task's labels; otherwise a head of another
    size is replaced by a new one.
    """
    config = _load_config(origin)
    _check_architecture(origin, config, task)
    _check_lengths(origin, config, task)
    if Path(origin).is_dir():
        _check_safetensors(Path(origin))
    settings: dict[str, Any] = {"use_safetensors": True, "dtype": torch.float32}
    auto_class: Any = AUTO_CLASSES[kind_of(task).architecture]
    if task.model.lora is not None and task.model.lora.quantize == "nf4":
        settings["quantization_config"] = four_bits()
    if kind_of(task).has_labels:
        if keep_labels:
            _check_labels(origin, config, task)
        settings |= {
            "id2label": dict(enumerate(task.labels)),
            "label2id": {label: index for index, label in enumerate(task.labels)},
            "ignore_mismatched_sizes": True,
        }
    try:
        with quiet_transformers():
            model: PreTrainedModel = auto_class.from_pretrained(origin, **settings)
    except LOAD_ERRORS as error:
        raise ModelError(f"the checkpoint {origin!r} cannot be loaded: {first_line(error)}") from error
    return model


def architecture_of(config: PreTrainedConfig) -> str:
    """Return "encoder", "encoder-decoder" or "decoder", by what the checkpoint's family can do."""
    if config.is_encoder_decoder:
        return "encoder-decoder"
    # Our own class has a head for labels alone, so it is in no other mapping.
    is_encoder = isinstance(config, NgramBertConfig) or type(config) in MODEL_FOR_MASKED_LM_MAPPING
    if is_encoder and not getattr(config, "is_decoder", False):
        return "encoder"
    return "decoder"


def four_bits() -> Any:
    """Return the settings that load frozen weights as 4-bit NormalFloat; ModelError where that cannot be done."""
    if not torch.cuda.is_available() or find_spec("bitsandbytes") is None:
        raise ModelError("`lora.quantize: nf4` needs a GPU and the package bitsandbytes; write none, or install it")
    make: Any = BitsAndBytesConfig
    return make(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)


def _load_config(origin: str) -> PreTrainedConfig:
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(origin)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"there is no Hugging Face checkpoint at {origin!r} ({first_line(error)}); give a folder with config.json, "
            "or the id of a model on the hub"
        ) from error
    return config


def _check_architecture(origin: str, config: PreTrainedConfig, task: TaskSpec) -> None:
    wanted, found = kind_of(task).architecture, architecture_of(config)
    if found != BODIES.get(wanted, wanted) or type(config) not in HEADS[wanted]:
        raise ModelError(
            f"{origin!r} is a checkpoint of the {found} {config.model_type!r}, but {task.kind} needs "
            f"{'an' if wanted.startswith('e') else 'a'} {wanted}; choose {FAMILIES[wanted]}"
        )


def _check_lengths(origin: str, config: PreTrainedConfig, task: TaskSpec) -> None:
    limit = position_limit(config)
    asked = {"max_input_tokens": task.model.max_input_tokens}
    if config.is_encoder_decoder:
        asked["max_target_tokens"] = task.model.max_target_tokens
    elif kind_of(task).architecture == "decoder":
        asked = {"max_input_tokens plus max_target_tokens": task.model.max_input_tokens + task.model.max_target_tokens}
    for key, value in asked.items():
        if limit is not None and value > limit:
            raise ModelError(f"{key} is {value}, but {origin!r} takes at most {limit} tokens; lower it in the spec")


def _check_safetensors(folder: Path) -> None:
    if not any(folder.glob("*.safetensors")):
        others = ", ".join(sorted(path.name for path in folder.glob("*.bin"))) or "no weights"
        raise ModelError(
            f"{str(folder)!r} holds {others} and no *.safetensors; pickled weights can run code and are never loaded, "
            "convert them with save_pretrained first"
        )


def _check_labels(origin: str, config: PreTrainedConfig, task: TaskSpec) -> None:
    by_index: dict[Any, str] = dict(config.id2label or {})
    found = tuple(by_index[index] for index in sorted(by_index))
    if found != task.labels:
        raise ModelError(
            f"{origin!r} was trained on the labels {', '.join(found)}, and the task has {', '.join(task.labels)}; "
            "retrain with `start_from: scratch`"
        )
