"""Tiny models of every family as a training leaves them, converted once a test session, and inputs to ask them."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tests.support.small_tasks import number_words, save_checkpoint, small_task, small_tokenizer
from transformers import GenerationConfig

from polyloop.data.tokenizer import adopt_tokenizer, load_tokenizer
from polyloop.models.build import build_model
from polyloop.models.contract import Contract, PredictInput
from polyloop.models.engines.computing import Computing
from polyloop.models.engines.convert import convert
from polyloop.models.engines.texts import ConvertedTexts
from polyloop.models.loaded import LoadedModel
from polyloop.models.manifest import ComputeType
from polyloop.models.predict import contract_of
from polyloop.models.texts import Texts
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.writing import TextKind

ENCODER_DECODERS = ("t5", "marian", "bart", "recipe-translate")
DECODERS = ("llama", "qwen", "gpt2", "recipe-generate")
ALL = (*ENCODER_DECODERS, *DECODERS)

WEIGHT_GAIN = 1.7
"""Weights are drawn this much larger than keeps signals of one size, so that outputs depend on the whole input."""
NUM_TRIED = 24
"""Rows of ids by which the end token is chosen."""


@dataclass(frozen=True)
class ConvertedModel:
    """A model's folder, what it was converted to, and what asks it."""

    path: Path
    converted: Path
    task: TaskSpec

    @property
    def kind(self) -> TextKind:
        kind = kind_of(self.task)
        assert isinstance(kind, TextKind)
        return kind

    @property
    def contract(self) -> Contract:
        return contract_of(self.task, ("en", "de", "fr"))

    @property
    def tokenizer(self) -> Any:
        return load_tokenizer(self.path)

    def by_torch(self) -> Texts:
        return Texts(self.loaded(), self.kind)

    def loaded(self) -> LoadedModel:
        return LoadedModel(self.path, self.kind, self.contract, torch.device("cpu"))

    def engine(
        self, compute_type: ComputeType = "float32", *, threads: int = 1, calls: int = 1, draws: bool = True
    ) -> ConvertedTexts:
        computing = Computing(compute_type=compute_type, threads=threads, calls=calls)
        return ConvertedTexts(self.path, self.converted, self.kind, self.contract, computing, draws=draws)

    def decoding_with(self, folder: Path, **changes: Any) -> "ConvertedModel":
        """Return the same model in a new folder, with other settings in its generation_config.json."""
        shutil.copytree(self.path, folder)
        config = GenerationConfig.from_pretrained(folder)
        for key, value in changes.items():
            setattr(config, key, value)
        config.save_pretrained(folder)
        return ConvertedModel(path=folder, converted=self.converted, task=self.task)


def trained_model(family: str, folder: Path) -> tuple[Path, TaskSpec]:
    """Save a model of the family as a training does, checkpoints with the kind's tags added to their tokenizers."""
    kind = "translate" if family in ENCODER_DECODERS else "generate"
    path = folder / "model"
    if family.startswith("recipe-"):
        task = small_task(kind)
        tokenizer: Any = small_tokenizer(path, task)
    else:
        checkpoint = save_checkpoint(family, folder / "checkpoint", small_tokenizer(folder, small_task("classify")))
        task = small_task(kind, model={"pretrained": str(checkpoint)})
        adopt_tokenizer(str(checkpoint), kind_of(task).special_tokens(task), path)
        tokenizer = load_tokenizer(path)
    torch.manual_seed(5)
    model: Any = build_model(task, tokenizer, dropout=0.0)
    enlarge(model, int(tokenizer.eos_token_id))
    model.save_pretrained(path)
    return path, task


def enlarge(model: Any, end_id: int) -> None:
    """Give a model weights whose outputs are told apart, about half of which end before their limit."""
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=WEIGHT_GAIN * parameter.shape[-1] ** -0.5)
    size = model.config.vocab_size
    tried = torch.randint(3, size, (NUM_TRIED, 6))
    written = model.eval().generate(tried, max_new_tokens=12, max_length=None, do_sample=False)
    begin = 1 if model.config.is_encoder_decoder else tried.shape[1]
    frequent = [sum(token_id in row for row in written[:, begin:].tolist()) for token_id in range(size)]
    # The token that about half of the outputs have changes places with the end token.
    chosen = min(range(3, size), key=lambda token_id: abs(frequent[token_id] - NUM_TRIED / 2))
    with torch.no_grad():
        weight = model.get_output_embeddings().weight
        weight[[end_id, chosen]] = weight[[chosen, end_id]]


def converted_model(family: str, folder: Path) -> ConvertedModel:
    """Save and convert a model of the family."""
    path, task = trained_model(family, folder)
    convert(path, folder / "converted")
    return ConvertedModel(path=path, converted=folder / "converted", task=task)


def inputs_of(kind: TextKind, count: int = 40) -> list[PredictInput]:
    """Return inputs of many lengths, the shortest without text; those of translate ask for two locales."""
    texts = ["", "7", *(number_words(13 ** (index % 6) + index) for index in range(count - 2))]
    locales = ("de", "fr") if kind.name == "translate" else ("en", "de")
    return [PredictInput(text=text, locale="en", target_locale=locales[i % 2]) for i, text in enumerate(texts)]


def long_input(model: ConvertedModel) -> PredictInput:
    """Return the input whose answer is the longest text, which is written in many pieces."""
    inputs = inputs_of(model.kind)
    answers = model.engine().predict(inputs)
    return max(zip(inputs, answers, strict=True), key=lambda pair: len(pair[1].output))[0]
