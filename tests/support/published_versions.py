"""A small project with two published versions of a classifier, of which the second has got worse in one locale.

Both are tiny BERTs that learn from words, within seconds and on one thread, which of them are praise. Version 2 has
learned two German words of blame the wrong way round; in English the two agree everywhere.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
import yaml
from tests.support.small_datasets import row, write_dataset
from tests.support.small_tasks import version_facts
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from polyloop.models.artefact import publish
from polyloop.models.decision import CONFIG_KEY, DecisionRule
from polyloop.registry.datasets import record_dataset
from polyloop.registry.store import Store, open_store
from polyloop.registry.versions import publish_version, reserve_version
from polyloop.spec.loader import LoadedSpec, load_spec

TASK = "mood"
LABELS = ("good", "bad")
GOOD = {"en": ("great", "lovely", "superb", "fine", "nice"), "de": ("toll", "herrlich", "gut", "prima", "famos")}
BAD = {"en": ("awful", "dull", "poor", "bad", "sad"), "de": ("furchtbar", "fad", "schlecht", "öde", "mies")}
FLIPPED = ("fad", "mies")
"""Words of blame that version 2 takes for praise."""
THINGS = {
    "en": ("film", "book", "play", "song", "hotel", "meal", "tour", "shop", "park", "team", "game", "bar"),
    "de": ("Buch", "Lied", "Spiel", "Essen", "Zimmer", "Bier", "Team", "Werk", "Stück", "Fest", "Haus", "Meer"),
}
SUITE = {
    "suite": "mood-words",
    "kind": "classify",
    "max_examples": 60,
    "lists": {locale: {"thing": list(THINGS[locale]), "bad": list(BAD[locale])} for locale in ("en", "de")},
    "minimum_functionality": {
        "blame": {
            "places": {locale: {"templates": ["{thing} {bad}"], "accept": ["bad"]} for locale in ("en", "de")},
        }
    },
}
_STEPS = 60


@dataclass(frozen=True, kw_only=True)
class PublishedProject:
    """A project and its store."""

    spec: Path
    loaded: LoadedSpec
    store: Store


def publish_project(folder: Path, **task: Any) -> PublishedProject:
    """Write a project with versions v1 and v2 into a folder; `task` changes the task of the spec."""
    (folder / "suite.yaml").write_text(yaml.safe_dump(SUITE, allow_unicode=True), encoding="utf-8")
    spec = folder / "polyloop.yaml"
    spec.write_text(yaml.safe_dump(_spec(task), sort_keys=False), encoding="utf-8")
    loaded = load_spec(spec)
    store = open_store(loaded.store_url)
    dataset = write_dataset(loaded.artefacts_dir / "datasets" / TASK / "small", holdout_rows())
    record_dataset(
        store,
        TASK,
        dataset.digest,
        path=str(dataset.path.relative_to(loaded.artefacts_dir)),
        holdout_digest=dataset.holdout_digest,
        spec_digest=loaded.digest,
        num_rows={"holdout": dataset.manifest.num_rows("holdout")},
    )
    for number, flipped in enumerate(((), FLIPPED), start=1):
        _publish(loaded, store, dataset.digest, f"v{number}", flipped)
    return PublishedProject(spec=spec, loaded=loaded, store=store)


def holdout_rows() -> list[dict[str, Any]]:
    """Return 120 rows a locale: each thing with each word."""
    return [
        row(f"{thing} {word}", label, locale=locale, split="holdout")
        for locale in ("en", "de")
        for label, words in (("good", GOOD), ("bad", BAD))
        for thing in THINGS[locale]
        for word in words[locale]
    ]


def _spec(task: dict[str, Any]) -> dict[str, Any]:
    corpus = {
        "paths": ["moods.jsonl"],
        "columns": {"input": "text", "target": "label"},
        "locale": {"column": "locale"},
        "licence": "CC0-1.0",
    }
    model = {"recipe": "nano", "vocab_size": 300, "max_input_tokens": 16}
    mood = {
        "kind": "classify",
        "labels": list(LABELS),
        "corpora": ["moods"],
        "model": model,
        "suites": ["./suite.yaml"],
    }
    return {
        "project": "small",
        "store": "sqlite:///store.db",
        "artefacts": "artefacts",
        "locales": ["en", "de"],
        "corpora": {"moods": corpus},
        "tasks": {TASK: mood | task},
    }


def _publish(loaded: LoadedSpec, store: Store, dataset_digest: str, version: str, flipped: tuple[str, ...]) -> None:
    source = loaded.artefacts_dir / "trained" / version
    source.mkdir(parents=True)
    tokenizer, model = _trained(flipped)
    model.save_pretrained(source)
    tokenizer.save_pretrained(source)
    record = reserve_version(
        store, TASK, f"training-{version}", dataset_digest=dataset_digest, holdout_digest="h" * 64, spec_digest="s" * 64
    )
    assert record.version == version
    facts = version_facts(loaded.task(TASK), version=version, locales=("en", "de"), metrics=())
    facts = facts.model_copy(update={"task": TASK})
    path = f"models/{TASK}/{version}"
    manifest = publish(source, loaded.artefacts_dir / path, facts)
    publish_version(store, TASK, version, path=path, size_bytes=manifest.size_bytes, metrics={})


@cache
def _trained(flipped: tuple[str, ...]) -> tuple[PreTrainedTokenizerFast, BertForSequenceClassification]:
    """Return a classifier that is right on every row of the holdout but those with a flipped word."""
    torch.manual_seed(7)
    tokenizer = _tokenizer()
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=24,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=16,
            pad_token_id=0,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            id2label=dict(enumerate(LABELS)),
            label2id={label: index for index, label in enumerate(LABELS)},
        )
    )
    rows = holdout_rows()
    ids = torch.tensor([tokenizer(one["input"])["input_ids"] for one in rows])
    wrong = [any(one["input"].endswith(f" {word}") for word in flipped) for one in rows]
    labels = torch.tensor([LABELS.index(one["target"]) ^ flip for one, flip in zip(rows, wrong, strict=True)])
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(_STEPS):
        optimiser.zero_grad()
        model(input_ids=ids, labels=labels).loss.backward()
        optimiser.step()
    model.eval()
    with torch.no_grad():
        assert bool((model(input_ids=ids).logits.argmax(-1) == labels).all()), (
            "the small model has not learned its words"
        )
    setattr(model.config, CONFIG_KEY, DecisionRule(temperature=1.5).to_config())
    return tokenizer, model


def _tokenizer() -> PreTrainedTokenizerFast:
    texts = [word for words in (GOOD, BAD, THINGS) for locale in ("en", "de") for word in words[locale]]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *dict.fromkeys(texts)]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
