"""The models of the serving benchmark: of the sizes that its goals name, with random weights, as versions hold them.

Input: a folder. Output: folders with a Hugging Face model and tokenizer (safetensors), for all servers the same files,
and what CTranslate2 loads in its part `ctranslate2`. Random weights compute exactly as much as trained ones do, if the
lengths of texts are settled: inputs are sentences of the demo, and outputs have `OUTPUT_TOKENS` tokens, since the end
token is suppressed (with all other special ones, which are no text) in the decoding settings, which all servers read
from the model's folder.
"""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForSequenceClassification, T5Config, T5ForConditionalGeneration

from polyloop.data.tokenizer import load_tokenizer, train_tokenizer
from polyloop.demo import localise
from polyloop.models.build import build_model
from polyloop.models.engine_files import ENGINE_FOLDER
from polyloop.models.engines.convert import convert
from polyloop.models.manifest import EngineNote
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.writing import locale_tag

SOURCE, TARGET = "en", "de"
LABELS = ("travel", "money", "parcels", "people")
VOCAB_SIZE = 8_000
MAX_INPUT_TOKENS = 256
OUTPUT_TOKENS = 24
NUM_TEXTS = 1_000
NUM_MADE_UP_WORDS = 12_000
"""Words that the tokenizer learns beside those of the sentences, which alone would not fill its vocabulary."""
SYLLABLES = [first + vowel for first in "bcdfghjklmnprstvwz" for vowel in "aeiou"]
SEED = 29


@dataclass(frozen=True, kw_only=True)
class ModelSize:
    """Layers and widths of a model; `decoder_layers` is 0 for a classifier."""

    name: str
    width: int
    feedforward: int
    heads: int
    layers: int
    decoder_layers: int = 0
    beams: int = 1

    @property
    def kind(self) -> str:
        """Return the kind of task that it is for."""
        return "translate" if self.decoder_layers else "classify"


SIZES = (
    ModelSize(name="classify-4x128", width=128, feedforward=512, heads=4, layers=4),
    ModelSize(name="classify-6x512", width=512, feedforward=2048, heads=8, layers=6),
    ModelSize(name="translate-beam1", width=384, feedforward=1024, heads=6, layers=4, decoder_layers=4),
    ModelSize(name="translate-beam4", width=384, feedforward=1024, heads=6, layers=4, decoder_layers=4, beams=4),
)
"""Two encoders, and an encoder-decoder of 16 million weights that searches with one beam or four."""


def sentences(count: int, *, per_text: int = 1) -> list[str]:
    """Return so many English texts of the demo, always the same, each of `per_text` sentences."""
    generator = random.Random(SEED)
    return [" ".join(localise.draw_sentence(generator).input for _ in range(per_text)) for _ in range(count)]


def task_of(size: ModelSize, checkpoint: Path) -> dict[str, Any]:
    """Return the task of a size as it stands in a spec."""
    own: dict[str, Any] = {"labels": list(LABELS)}
    if size.decoder_layers:
        own = {"pairs": [f"{SOURCE}>{TARGET}"], "decoding": {"beams": size.beams}}
    limits = {"max_input_tokens": MAX_INPUT_TOKENS, "max_target_tokens": OUTPUT_TOKENS}
    return {
        "kind": size.kind,
        "corpora": [f"{size.kind}-rows"],
        "model": {"pretrained": str(checkpoint), **limits},
        **own,
    }


def write_model(size: ModelSize, folder: Path) -> EngineNote:
    """Write a model of this size into a new folder; return what its version's manifest is to say of its engine."""
    checkpoint = folder / "checkpoint"
    task = TaskSpec.model_validate(task_of(size, checkpoint))
    _write_checkpoint(size, task, checkpoint)
    tokenizer: Any = load_tokenizer(checkpoint)
    torch.manual_seed(SEED)
    model: Any = build_model(task, tokenizer, dropout=0.0)
    if size.decoder_layers:
        model.generation_config.suppress_tokens = sorted(
            set(tokenizer.all_special_ids) | {tokenizer.convert_tokens_to_ids(locale_tag(TARGET))}
        )
    trained = folder / "trained"
    model.save_pretrained(trained)
    tokenizer.save_pretrained(trained)
    convert(trained, folder / "converted")
    (folder / "converted").rename(trained / ENGINE_FOLDER)
    reason = "material of a benchmark: its weights are random, so there was nothing to compare"
    return EngineNote(engine="ctranslate2", compute_type="int8", reason=reason, threads=1)


def _write_checkpoint(size: ModelSize, task: TaskSpec, folder: Path) -> None:
    """Write a checkpoint for the spec to begin from, since none of its recipes has this size."""
    train_tokenizer([*sentences(NUM_TEXTS), *_made_up_words()], VOCAB_SIZE, kind_of(task).special_tokens(task), folder)
    tokenizer: Any = load_tokenizer(folder)
    torch.manual_seed(SEED)
    ids: dict[str, Any] = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    if size.decoder_layers:
        ids["decoder_start_token_id"] = tokenizer.pad_token_id
        model: Any = T5ForConditionalGeneration(
            T5Config(
                vocab_size=len(tokenizer),
                d_model=size.width,
                d_kv=size.width // size.heads,
                d_ff=size.feedforward,
                num_heads=size.heads,
                num_layers=size.layers,
                num_decoder_layers=size.decoder_layers,
                **ids,
            )
        )
    else:
        model = BertForSequenceClassification(
            BertConfig(
                vocab_size=len(tokenizer),
                hidden_size=size.width,
                intermediate_size=size.feedforward,
                num_attention_heads=size.heads,
                num_hidden_layers=size.layers,
                max_position_embeddings=MAX_INPUT_TOKENS,
                id2label=dict(enumerate(LABELS)),
                label2id={label: index for index, label in enumerate(LABELS)},
                **ids,
            )
        )
    model.save_pretrained(folder)


def _made_up_words() -> list[str]:
    """Return words of a few syllables, each twice, since what occurs once is not learned."""
    generator = random.Random(SEED)
    words = ["".join(generator.choices(SYLLABLES, k=generator.randint(2, 4))) for _ in range(NUM_MADE_UP_WORDS)]
    return [f"{word} {word}" for word in words]
