"""Small tasks for tests of models and training: specs, tokenizers, checkpoints and datasets made in milliseconds.

The texts are numbers in words, so that a nano model learns something real within seconds: classify says whether a
number is even, or with several labels which kinds of digits it has, translate writes it in digits (de) or in digits
backwards (fr), answer finds its digits in a passage, the other kinds write it in digits.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MarianConfig,
    MarianMTModel,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from polyloop.data.dataset import Dataset, open_dataset
from polyloop.data.manifest import FORMAT_VERSION, Manifest, PartFile, TokenizerRecord
from polyloop.data.rows import ENCODED_SCHEMA, SPLITS, Split
from polyloop.data.storage import file_sha256, write_parquet
from polyloop.data.tokenizer import copy_tokenizer, load_tokenizer, train_tokenizer
from polyloop.models.manifest import CorpusNote, MetricRow, VersionFacts
from polyloop.models.storage import write_bytes
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.example import example_id
from polyloop.tasks.labels import label_set_text
from polyloop.tasks.question import Question, write_question

ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
LABELS = ("even", "odd")
PAIRS = ("en>de", "en>fr")


def small_task(kind: str, **changes: Any) -> TaskSpec:
    """Return a task of the kind; `changes` replace or add keys, `model` and `training` key by key."""
    model = {"recipe": "nano", "vocab_size": 300, "max_input_tokens": 32, "max_target_tokens": 24}
    training = {"epochs": 2, "batch_tokens": 512, "learning_rate": 3e-3, "threads_per_worker": 1}
    data: dict[str, Any] = {"kind": kind, "corpora": ["numbers"]}
    own: dict[str, dict[str, Any]] = {"classify": {"labels": LABELS}, "translate": {"pairs": PAIRS}}
    own["answer"] = {"locales": ("en", "de"), "documents": [{"paths": ["*.txt"], "licence": "CC0-1.0"}]}
    data |= own.get(kind, {"locales": ("en", "de")})
    data["model"] = model | changes.pop("model", {})
    data["training"] = training | changes.pop("training", {})
    if "pretrained" in data["model"]:
        del data["model"]["recipe"]
    return TaskSpec.model_validate(data | changes)


def number_words(number: int) -> str:
    """Return the digits of a number as English words."""
    return " ".join(ONES[int(digit)] for digit in str(number))


def number_passage(number: int) -> str:
    """Return a text that says a number in words, in digits and in words again."""
    return f"{number_words(number)} {number} {number_words(number)}"


def number_question(number: int) -> str:
    """Return the input that asks for the digits of a number, with the passage that holds them."""
    return write_question(Question(question=number_words(number), context=number_passage(number)))


def small_tokenizer(folder: Path, task: TaskSpec) -> PreTrainedTokenizerFast:
    """Train and save a tokenizer as a dataset build does, and return it."""
    texts = [f"{number_words(number)} {number} {LABELS[number % 2]}" for number in range(300)]
    train_tokenizer(texts, 320, kind_of(task).special_tokens(task), folder)
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(str(folder))
    return tokenizer


def bert_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer that frames texts with [CLS] and [SEP], as BERT's do."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *ONES]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.decoder = decoders.WordPiece()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )


def save_checkpoint(family: str, folder: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    """Save a tiny checkpoint of one of `FAMILIES` with its tokenizer, and return the folder."""
    model = FAMILIES[family](len(tokenizer), tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _t5(size: int, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    ids = _seq2seq_ids(tokenizer)
    return T5ForConditionalGeneration(
        T5Config(vocab_size=size, d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4, **ids)
    )


def _marian(size: int, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    return MarianMTModel(MarianConfig(vocab_size=size, **_BART_SIZE, **_seq2seq_ids(tokenizer)))


def _bart(size: int, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    ids = _seq2seq_ids(tokenizer) | {"bos_token_id": tokenizer.pad_token_id, "forced_eos_token_id": None}
    return BartForConditionalGeneration(BartConfig(vocab_size=size, **_BART_SIZE, **ids))


def _bert(size: int, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    return BertForSequenceClassification(
        BertConfig(vocab_size=size, hidden_size=32, max_position_embeddings=64, **_ENCODER_SIZE)
    )


def _modernbert(size: int, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    ids: dict[str, Any] = dict.fromkeys(("bos_token_id", "eos_token_id"))
    ids |= {"pad_token_id": tokenizer.pad_token_id, "cls_token_id": tokenizer.cls_token_id}
    ids |= {"sep_token_id": tokenizer.sep_token_id}
    return ModernBertForSequenceClassification(
        ModernBertConfig(vocab_size=size, hidden_size=32, max_position_embeddings=64, **_ENCODER_SIZE, **ids)
    )


def _llama(size: int, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    return LlamaForCausalLM(LlamaConfig(vocab_size=size, **_DECODER_SIZE, **_ids(tokenizer)))


def _qwen(size: int, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    return Qwen3ForCausalLM(
        Qwen3Config(vocab_size=size, head_dim=16, tie_word_embeddings=True, **_DECODER_SIZE, **_ids(tokenizer))
    )


def _gpt2(size: int, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    return GPT2LMHeadModel(GPT2Config(vocab_size=size, n_embd=32, n_layer=1, n_head=2, n_positions=64))


def _ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}


def _seq2seq_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    return ids | {"decoder_start_token_id": tokenizer.pad_token_id}


_BART_SIZE: dict[str, Any] = {
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "d_model": 32,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 64,
}
_ENCODER_SIZE: dict[str, Any] = {
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "num_labels": 5,
}
_DECODER_SIZE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}

FAMILIES: dict[str, Callable[[int, PreTrainedTokenizerFast], PreTrainedModel]] = {
    "t5": _t5,
    "marian": _marian,
    "bart": _bart,
    "bert": _bert,
    "modernbert": _modernbert,
    "llama": _llama,
    "qwen": _qwen,
    "gpt2": _gpt2,
}
"""How a tiny checkpoint of each family is made; the order of vocabulary and size is the tokenizer's."""


def small_dataset(
    folder: Path, task: TaskSpec, numbers: range = range(400), *, tokenizer_dir: Path | None = None
) -> Dataset:
    """Write a dataset of a task as a dataset build does, with every tenth row in dev and in holdout, and open it.

    `tokenizer_dir` holds the tokenizer to use; without it, one is trained.
    """
    if tokenizer_dir is None:
        tokenizer: Any = small_tokenizer(folder / "tokenizer", task)
    else:
        folder.mkdir()
        copy_tokenizer(tokenizer_dir, folder / "tokenizer")
        tokenizer = load_tokenizer(folder / "tokenizer")
    rows = [_row(task, number, target) for number in numbers for target in _targets(task)]
    kind = kind_of(task)
    inputs, targets, locales = ([row[name] for row in rows] for name in ("input", "target", "target_locale"))
    encoded = kind.encode_rows(tokenizer, inputs, targets, locales, task)
    columns = [
        row | {"input_ids": ids, "target_ids": target}
        for row, ids, target in zip(rows, encoded.input_ids, encoded.target_ids, strict=True)
    ]
    files = []
    for split in SPLITS:
        (folder / split).mkdir()
        path = folder / split / "part-0.parquet"
        of_split = [row for row in columns if row["split"] == split]
        write_parquet(path, pa.Table.from_pylist(of_split, schema=ENCODED_SCHEMA))
        name = f"{split}/part-0.parquet"
        files.append(PartFile(name=name, sha256=file_sha256(path), size_bytes=path.stat().st_size))
    counts: dict[Split, dict[str, int]] = {
        split: {"en": sum(row["split"] == split for row in columns)} for split in SPLITS
    }
    write_bytes(folder / "manifest.json", _dataset_manifest(counts, tuple(files), len(tokenizer)).to_json())
    return open_dataset(folder)


def version_facts(task: TaskSpec, **changes: Any) -> VersionFacts:
    """Return facts to publish a model of the task with."""
    facts = {
        "task": "numbers",
        "version": "v1",
        "kind": task.kind,
        "architecture": kind_of(task).architecture,
        "labels": task.labels,
        "pairs": task.pairs,
        "locales": ("en", "de", "fr") if task.kind == "translate" else ("en",),
        "max_input_tokens": task.model.max_input_tokens,
        "max_target_tokens": task.model.max_target_tokens,
        "dataset_digest": "d" * 64,
        "holdout_digest": "e" * 64,
        "spec_digest": "f" * 64,
        "training_digest": "a" * 64,
        "code_version": "0.1.0",
        "corpora": (CorpusNote(name="numbers", licence="CC0-1.0", source="written for the tests"),),
        "metrics": (MetricRow(locale="en", metric="macro_f1", value=91.25, low=90.0, high=92.5, num_rows=40),),
        "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    return VersionFacts.model_validate(facts | changes)


def _targets(task: TaskSpec) -> tuple[str, ...]:
    return ("de", "fr") if task.kind == "translate" else ("en",)


def _row(task: TaskSpec, number: int, target_locale: str) -> dict[str, Any]:
    words = number_words(number)
    if task.multi_label:
        target = label_set_text(LABELS[int(digit) % 2] for digit in str(number))
    elif task.kind == "classify":
        target = LABELS[number % 2]
    else:
        target = str(number)[::-1] if target_locale == "fr" else str(number)
    split = {3: "dev", 6: "holdout"}.get((7 * number + number // 10) % 10, "train")
    return {
        "id": example_id("numbers", "en", target_locale, words),
        "task": "numbers",
        "locale": "en",
        "target_locale": target_locale,
        "input": number_question(number) if task.kind == "answer" else words,
        "target": target,
        "weight": 1.0,
        "corpus": "numbers",
        "licence": "CC0-1.0",
        "source": "",
        "split": split,
    }


def _dataset_manifest(rows: dict[Split, dict[str, int]], files: tuple[PartFile, ...], vocab_size: int) -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        task="numbers",
        digest="d" * 64,
        build_key="b" * 64,
        holdout_digest="e" * 64,
        spec_digest="f" * 64,
        code_version="0.1.0",
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        corpora={},
        rows=rows,
        label_counts={split: {} for split in SPLITS},
        dropped={},
        steps=(),
        tokenizer=TokenizerRecord(kind="trained", vocab_size=vocab_size, sha256="c" * 64),
        feedback_digest=None,
        warnings=(),
        duration_s=0.1,
        rows_per_s=1.0,
        files=files,
    )
