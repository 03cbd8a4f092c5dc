"""What a network is made from: a size to train from scratch, or a checkpoint to go on from, and what is added to it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from polyloop.spec.fields import Frozen, Name


class NgramSpec(Frozen):
    """A linear classifier of n-grams of characters and tokens beside the encoder of a recipe, for classify."""

    characters: Annotated[int, Field(ge=0, le=8)] = 5
    """Longest n-gram of characters; 0 for none."""
    tokens: Annotated[int, Field(ge=0, le=4)] = 2
    """Longest n-gram of tokens; 0 for none."""

    @model_validator(mode="after")
    def _some(self) -> "NgramSpec":
        if not self.characters and not self.tokens:
            raise ValueError("`ngrams` needs `characters` or `tokens` above 0; leave `ngrams` out for none")
        return self


class LoraSpec(Frozen):
    """Low-rank adaptation of a checkpoint (Hu et al. 2021); the adapters are merged into the weights at the end."""

    rank: Annotated[int, Field(ge=1, le=1_024)] = 16
    """Inner size of an adapter."""
    alpha: Annotated[float, Field(gt=0)] = 32.0
    """Adapters are scaled by alpha / rank."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout in front of an adapter."""
    modules: tuple[str, ...] = ()
    """Names of the linear layers that get one, such as q_proj; empty means all but the head."""
    quantize: Literal["none", "nf4"] = "none"
    """nf4 holds the frozen weights in 4 bits (QLoRA, Dettmers et al. 2023); needs a GPU and bitsandbytes."""


class ModelSpec(Frozen):
    """What a task's model is made from."""

    recipe: Literal["nano", "tiny", "small", "base"] | None = None
    """A size to train from scratch; see `polyloop.spec.recipes` for layers and widths."""
    pretrained: str | None = None
    """A Hugging Face checkpoint of a fitting architecture, by hub id or path, instead of a recipe."""
    ngrams: NgramSpec | None = None
    """A linear classifier of n-grams beside the encoder of a recipe, for classify."""
    lora: LoraSpec | None = None
    """Train adapters instead of all weights of a checkpoint."""
    vocab_size: Annotated[int, Field(ge=300, le=256_000)] = 4_000
    """Size of the tokenizer trained on the train split (recipes only)."""
    tokenizer: Literal["bpe", "unigram"] = "bpe"
    """Kind of tokenizer that is trained: byte-level BPE, or Unigram whose unknown characters become bytes."""
    shared_tokenizer: Name | None = None
    """Tasks that give the same name here share one tokenizer, trained on the train splits of all of them."""
    max_input_tokens: Annotated[int, Field(ge=8, le=8_192)] = 256
    """Longest input; longer requests are refused, longer training inputs are dropped with a reason."""
    max_target_tokens: Annotated[int, Field(ge=2, le=8_192)] = 256
    """Longest target or generated output."""

    @model_validator(mode="after")
    def _one_origin(self) -> "ModelSpec":
        if (self.recipe is None) == (self.pretrained is None):
            raise ValueError("a model needs exactly one of `recipe` and `pretrained`")
        if self.lora is not None and self.pretrained is None:
            raise ValueError("`lora` adapts a checkpoint; name one as `pretrained`, or remove `lora`")
        if self.ngrams is not None and self.recipe is None:
            raise ValueError("`ngrams` goes with a recipe; name one as `recipe`, or remove `ngrams`")
        return self


class DecodingSpec(Frozen):
    """How text is written; not for classify."""

    beams: Annotated[int, Field(ge=1, le=64)] = 1
    """Hypotheses of the beam search; 1 is greedy, or sampling where `temperature` is above 0."""
    length_penalty: Annotated[float, Field(ge=-5, le=5)] = 1.0
    """A hypothesis scores its log probability divided by its length to this power."""
    temperature: Annotated[float, Field(ge=0, le=5)] = 0.0
    """0 takes the likeliest; above it, outputs are drawn from the probabilities at this temperature."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Outputs are drawn from the likeliest tokens that hold this part of the probability."""
    repetition_penalty: Annotated[float, Field(ge=1, le=5)] = 1.0
    """Above 1 makes tokens that have occurred less likely (Keskar et al. 2019). For generate and chat the prompt counts
    too, also the token that ends a turn: replies of chat end later."""
    no_repeat_ngram: Annotated[int, Field(ge=0, le=16)] = 0
    """No n-gram of this length occurs twice in an output, for generate and chat not in prompt and output together; 0
    lets them."""

    @model_validator(mode="after")
    def _one_way(self) -> "DecodingSpec":
        if self.beams > 1 and self.temperature > 0:
            raise ValueError("`beams` and `temperature` exclude each other; set `beams: 1` to draw outputs")
        return self
