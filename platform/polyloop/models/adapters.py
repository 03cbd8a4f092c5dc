"""Low-rank adapters (LoRA) on a checkpoint, by peft: put on before training, merged into the weights after it.

Input: a model and the spec of its adapters. Output: a model whose adapters and head alone are trained, with the
attributes that training asks of a bare model; `merged` gives back a plain model of transformers.
"""

import warnings
from typing import Any

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model, prepare_model_for_kbit_training
from transformers import PreTrainedModel

from polyloop.errors import ModelError
from polyloop.models.ngrams import NgramBertForSequenceClassification
from polyloop.spec.network import LoraSpec

TASK_TYPES = {
    "encoder": TaskType.SEQ_CLS,
    "encoder-decoder": TaskType.SEQ_2_SEQ_LM,
    "decoder": TaskType.CAUSAL_LM,
    "span-encoder": TaskType.QUESTION_ANS,
}
"""peft's name of what a model of each architecture does; with SEQ_CLS and QUESTION_ANS the head is trained whole."""


def with_adapters(model: PreTrainedModel, lora: LoraSpec, architecture: str) -> Any:
    """Return the model with adapters, all other weights frozen.

    ModelError for layers that it does not have, and for a version with n-grams, which are solved and not trained.
    """
    if isinstance(model, NgramBertForSequenceClassification):
        raise ModelError(
            "`lora` adapts what is trained alone, and this version has a classifier of n-grams, which is solved anew "
            "from all rows; name another checkpoint as `pretrained`, or go on from the version without `lora`"
        )
    config = LoraConfig(
        task_type=TASK_TYPES[architecture],
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]  # peft divides it by the rank
        lora_dropout=lora.dropout,
        target_modules=list(lora.modules) or "all-linear",
    )
    if lora.quantize != "none":
        model = prepare_model_for_kbit_training(model)  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            # peft asks transformers by a name that these deprecate, and corrects the layout of GPT-2's layers itself.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            warnings.filterwarnings("ignore", "fan_in_fan_out is set to False", UserWarning)
            return get_peft_model(model, config)
    except ValueError as error:
        linear = sorted(
            {name.rpartition(".")[2] for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
        )
        raise ModelError(
            f"`lora.modules` names none of the model's linear layers; it has {', '.join(linear)}"
        ) from error


def merged(model: Any) -> PreTrainedModel:
    """Return a plain model, adapters added to the weights that they adapt."""
    if not isinstance(model, PeftModel):
        plain: PreTrainedModel = model
        return plain
    whole: PreTrainedModel = model.merge_and_unload()
    return whole
