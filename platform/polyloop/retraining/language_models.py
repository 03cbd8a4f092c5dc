"""Loads the language model that stereotype tests ask: a version that is a decoder, or the masked checkpoint behind one.

Input: the folder of a version, its kind, and the checkpoint that the spec names. Output: a model with a language
modelling head, and its tokenizer. A classifier has no such head of its own, so what is asked is the checkpoint that it
began from: what the tests find there is what it was given, not what it does. Limits: safetensors only, float32.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from polyloop.errors import EvaluationError, first_line
from polyloop.models.artefact import read_manifest
from polyloop.models.manifest import MANIFEST_FILE
from polyloop.models.pretrained import LOAD_ERRORS
from polyloop.models.quiet import quiet_transformers
from polyloop.tasks import KINDS

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def language_model(
    model_dir: Path, kind: str, checkpoint: str | None
) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    """Return the language model of a version; `checkpoint` is for one that is not published yet.

    Raises EvaluationError where there is none, or where what there is has no language modelling head.
    """
    if KINDS[kind].architecture == "decoder":
        return _load(AutoModelForCausalLM, str(model_dir))
    if (model_dir / MANIFEST_FILE).is_file():
        checkpoint = read_manifest(model_dir).base_model
    if checkpoint is None:
        raise EvaluationError(
            f"{model_dir} did not begin from a checkpoint, so there is no masked language model to ask; remove "
            "`evaluation.crows_pairs`"
        )
    return _load(AutoModelForMaskedLM, checkpoint)


def _load(auto_class: Any, origin: str) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(origin)
            model, told = auto_class.from_pretrained(
                origin, use_safetensors=True, dtype=torch.float32, output_loading_info=True
            )
    except LOAD_ERRORS as error:
        raise EvaluationError(f"{origin} cannot be asked for stereotypes: {first_line(error)}") from error
    missing = sorted(told["missing_keys"])
    if missing:
        raise EvaluationError(
            f"{origin} lacks {missing[0]} and has no language modelling head of its own, so what it prefers means "
            "nothing; remove `evaluation.crows_pairs`, or begin from a checkpoint that has one"
        )
    return model, tokenizer
