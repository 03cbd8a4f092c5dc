"""Loads an encoder or a reading model from a folder, or says in one line why it cannot be.

Input: a folder in the layout of transformers, with safetensors. Outputs: a model in float32 on the CPU and its
tokenizer. Nothing is fetched from a network and no pickled file is opened.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from polyloop.errors import ModelError, first_line

OFFSET_POSITION_TYPES = frozenset({"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer", "mpnet"})
"""Families whose positions begin after the padding id, so that many fewer are usable."""

LOAD_ERRORS = (OSError, ValueError, RuntimeError, KeyError, SafetensorError)
"""What transformers raises for files that are absent, malformed or of other shapes."""


def position_limit(config: Any) -> int | None:
    """Return the longest sequence that a checkpoint has positions for; None where any length goes."""
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int):
        return None
    if config.model_type in OFFSET_POSITION_TYPES:
        return limit - int(config.pad_token_id or 0) - 1
    return limit


def load_folder(path: Path, auto_class: Any, what: str) -> tuple[Any, Any]:
    """Return the model and the tokenizer in a folder; ModelError where they cannot be loaded or weights are missing.

    `auto_class` is one of transformers' AutoModel classes, `what` names the model's use in messages. The pooler of
    BERT's family may be missing, since nothing here reads it.
    """
    from transformers import AutoTokenizer  # seconds to import, and BM25 alone does not need it

    if not path.is_dir():
        raise ModelError(f"there is no {what} at {path}; give the folder of one")
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        model, report = auto_class.from_pretrained(
            path, use_safetensors=True, dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
    except LOAD_ERRORS as error:
        raise ModelError(f"the {what} {path} cannot be loaded: {first_line(error)}") from error
    missing = sorted(name for name in report["missing_keys"] if "pooler." not in name)
    if missing:
        raise ModelError(f"the {what} {path} has no trained weights for {missing[0]!r}; train it for this use first")
    return model, tokenizer
