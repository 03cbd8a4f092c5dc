"""Tiny language models and a tokenizer of whole words; their weights are wide enough to tell words apart."""

from typing import Any

import torch
from tests.support.tiny_text_models import MAKERS
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
)

WORDS = ["the", "poor", "rich", "are", "really", "kind", "she", "he", "is", "a", "nurse", "doctor", "old", "very"]
SIZES: dict[str, Any] = {
    "vocab_size": 5 + len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
    "initializer_range": 0.5,
}


def tokenizer(*, framed: bool = True, **options: str | None) -> PreTrainedTokenizerFast:
    """Return a tokenizer of WORDS, which frames texts with <cls> (2) and <sep> (3) if asked to; <mask> is 4."""
    names = ["<pad>", "<unk>", "<cls>", "<sep>", "<mask>", *WORDS]
    inner = Tokenizer(models.WordLevel({word: number for number, word in enumerate(names)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    if framed:
        inner.post_processor = processors.BertProcessing(("<sep>", 3), ("<cls>", 2))
    special: dict[str, Any] = {"unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"} | options
    return PreTrainedTokenizerFast(tokenizer_object=inner, **special)


def masked_model(family: str) -> PreTrainedModel:
    """Return a tiny bert or roberta that fills masks."""
    torch.manual_seed(3)
    return BertForMaskedLM(BertConfig(**SIZES)) if family == "bert" else RobertaForMaskedLM(RobertaConfig(**SIZES))


def causal_model(family: str) -> PreTrainedModel:
    """Return a tiny gpt2 or llama that continues texts, in training mode and with dropout."""
    torch.manual_seed(3)
    model: PreTrainedModel = MAKERS[family](0.1)
    return model
