"""Tiny models of both families, made from transformers' configurations, and fixtures of them for a conftest.py."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

MakeModel = Callable[..., Any]

VOCABULARY = 23


def _t5(dropout: float) -> Any:
    start: dict[str, Any] = {"decoder_start_token_id": 0}
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=VOCABULARY,
            d_model=24,
            d_kv=12,
            d_ff=32,
            num_heads=2,
            num_layers=1,
            dropout_rate=dropout,
            **start,
        )
    )


def _bart(dropout: float) -> Any:
    return BartForConditionalGeneration(
        BartConfig(
            vocab_size=VOCABULARY,
            d_model=24,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
            max_position_embeddings=64,
            dropout=dropout,
            init_std=0.3,
        )
    )


def _llama(dropout: float) -> Any:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=24,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=64,
            attention_dropout=dropout,
            initializer_range=0.3,
        )
    )


def _gpt2(dropout: float) -> Any:
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCABULARY,
            n_embd=24,
            n_layer=1,
            n_head=2,
            n_positions=64,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            initializer_range=0.3,
            bos_token_id=1,
            eos_token_id=1,
        )
    )


MAKERS = {"t5": _t5, "bart": _bart, "llama": _llama, "gpt2": _gpt2}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(3)


@pytest.fixture
def make_model() -> MakeModel:
    """Return a maker of one model of the named kind, in evaluation mode, with the same weights at each call."""

    def make(kind: str, dropout: float = 0.0) -> Any:
        torch.manual_seed(5)
        return MAKERS[kind](dropout).eval()

    return make


@pytest.fixture(params=list(MAKERS))
def model(request: pytest.FixtureRequest, make_model: MakeModel) -> Any:
    """Two encoder-decoders and two decoders, one after the other."""
    return make_model(request.param)
