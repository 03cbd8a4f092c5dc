"""Converts a model folder of transformers (safetensors) into a folder that CTranslate2 loads, and probes the result.

Input: a folder with a model that writes text, or with an encoder that classifies. Output: a new folder, moved to its
name in one step, with weights in float32, from which every compute type can be loaded. Its model.bin is CTranslate2's
own format of plain arrays; nothing in it can run code. Limits: the families of `loaders`; the decoding settings, the
tokenizer and a classifier's head stay with the original.
"""

import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, PreTrainedConfig

from polyloop.errors import ArtefactError, ModelError, first_line
from polyloop.models.engines.loaders import fill_spec, layer_norm_epsilon
from polyloop.models.engines.numerals import OUTSIDE, numerals
from polyloop.models.engines.probe import checked, probe, probe_encoder
from polyloop.models.pretrained import AUTO_CLASSES, LOAD_ERRORS, architecture_of
from polyloop.models.quiet import quiet_transformers
from polyloop.models.storage import named_storage_errors

LOADER_ERRORS = (ValueError, AttributeError, KeyError, NotImplementedError, TypeError)
"""What the library's loaders raise for a model with settings that they do not know."""


def convert(source_dir: Path, target_dir: Path) -> float:
    """Convert the model in `source_dir` into the new folder `target_dir`.

    Returns the mean relative difference that `probe.checked` found between both. ArtefactError if the source cannot be
    loaded or the target is there already, ModelError if the model cannot be converted or would compute something else.
    A full disk is a StorageFullError. Nothing is left of an attempt that failed.
    """
    if target_dir.exists():
        raise ArtefactError(f"{target_dir} is there already; a converted model is never replaced, choose a new name")
    model = _load(source_dir)
    start_id = _start_id(model, source_dir) if model.config.is_encoder_decoder else None
    is_encoder = architecture_of(model.config) == "encoder"
    wanted = probe_encoder(model) if is_encoder else probe(model, start_id)
    spec = _spec(model, source_dir, start_id)
    staging = target_dir.parent / f".{target_dir.name}.{uuid.uuid4().hex}.partial"
    try:
        with named_storage_errors(f"the converted model {target_dir}"):
            staging.mkdir(parents=True)
            spec.save(str(staging))
        difference = checked(wanted, staging)
        os.rename(staging, target_dir)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return difference


def _load(source_dir: Path) -> Any:
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(source_dir)
        auto_class = AUTO_CLASSES[architecture_of(config)]
        with quiet_transformers():
            return auto_class.from_pretrained(source_dir, use_safetensors=True, dtype=torch.float32).eval()
    except LOAD_ERRORS as error:
        raise ArtefactError(f"the model at {source_dir} cannot be loaded: {first_line(error)}") from error


def _start_id(model: Any, source_dir: Path) -> int:
    for config in (model.generation_config, model.config):
        if isinstance(start_id := getattr(config, "decoder_start_token_id", None), int):
            return start_id
    raise ModelError(f"{source_dir} has no decoder_start_token_id; an encoder-decoder has to say how its outputs begin")


def _spec(model: Any, source_dir: Path, start_id: int | None) -> Any:
    """Return the model as CTranslate2 stores it: weights in float32, numerals for tokens."""
    with torch.inference_mode():
        spec = _filled(model, source_dir)
        tokens = numerals(model.config.vocab_size)
        spec.config.unk_token = spec.config.bos_token = OUTSIDE
        # Only a default: the end tokens are told with each call.
        spec.config.eos_token = OUTSIDE
        spec.config.layer_norm_epsilon = layer_norm_epsilon(model.config)
        if start_id is None:
            spec.register_vocabulary(tokens)
        else:
            spec.config.decoder_start_token = str(start_id)
            spec.register_source_vocabulary(tokens)
            spec.register_target_vocabulary(tokens)
        try:
            spec.validate()
        except ValueError as error:
            raise _not_convertible(model, source_dir, error) from error
        spec.optimize(quantization="float32")
    return spec


def _filled(model: Any, source_dir: Path) -> Any:
    """Return the weights in the library's form; only what its loaders raise is taken for a model it does not know."""
    try:
        return fill_spec(model)
    except LOADER_ERRORS as error:
        raise _not_convertible(model, source_dir, error) from error


def _not_convertible(model: Any, source_dir: Path, error: Exception) -> ModelError:
    return ModelError(
        f"the {model.config.model_type} at {source_dir} cannot be converted to CTranslate2: {first_line(error)}"
    )
