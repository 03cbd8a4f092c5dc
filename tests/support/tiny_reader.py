"""A word-level tokenizer and BERTs of a few thousand weights, to try reading and encoding with."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForQuestionAnswering, BertModel, PreTrainedTokenizerFast

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def word_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """Return a fast tokenizer that knows these words, in lower case, and BERT's special tokens."""
    vocabulary = {word: place for place, word in enumerate(dict.fromkeys([*SPECIALS, *words]))}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def tiny_config(vocab_size: int) -> BertConfig:
    """Return a BERT of one layer of width 16."""
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def tiny_reader(tokenizer: PreTrainedTokenizerFast, seed: int = 0) -> BertForQuestionAnswering:
    """Return an untrained reading model."""
    torch.manual_seed(seed)
    return BertForQuestionAnswering(tiny_config(len(tokenizer)))


def tiny_encoder(tokenizer: PreTrainedTokenizerFast, seed: int = 0) -> BertModel:
    """Return an untrained encoder without a pooler."""
    torch.manual_seed(seed)
    return BertModel(tiny_config(len(tokenizer)), add_pooling_layer=False)


def save_checkpoint(folder: Path, model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast) -> Path:
    """Save a model with its tokenizer as transformers does, and return the folder."""
    model.save_pretrained(folder)  # type: ignore[operator]
    tokenizer.save_pretrained(folder)
    return folder
