"""Plans the learning of preferences: a task's champion goes on with what its users preferred.

Inputs: a champion with its dataset, and all feedback of the task. Output: a plan like that of any other training, with
a file of preferences instead of the train split; the dataset stays that of the champion, and its holdout judges the
candidate. Curation is only read from here: corrections stay new for the next ordinary turn of the loop. Limits: the
reference is the champion, whichever version gave the answers.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from polyloop.data.dataset import Dataset
from polyloop.data.storage import write_parquet
from polyloop.data.tokenizer import load_tokenizer
from polyloop.errors import RegistryError
from polyloop.feedback.curation import curate
from polyloop.feedback.curation_store import known_targets, load_items
from polyloop.models.storage import named_storage_errors
from polyloop.registry.store import Store
from polyloop.registry.versions import VersionRecord, get_version
from polyloop.retraining.plan import Plan, PreferenceFile, plan_training
from polyloop.retraining.preference_rows import Preferred, PreferredRows, preferred_judgements, preferred_pairs
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import TaskSpec, task_locales
from polyloop.tasks import kind_of
from polyloop.tasks.writing import TextKind
from polyloop.training.preference.from_feedback import RatedText, TextPair, pair_table, rated_table

PREFERENCE_TRIGGER = "preference"
"""Trigger of a loop run that learns preferences; whoever takes such a run over goes on with that."""

FOLDER = "preferences"

TOO_LONG, SAME_TOKENS, OTHER_LOCALE = "too_long", "same_tokens", "other_locale"
"""Why a row of texts is not learned: longer than the model takes, two texts that become the same tokens, or a locale
that the task does not deal with."""


@dataclass(frozen=True, kw_only=True)
class PreferencePlan:
    """A plan on the champion's dataset, counts for the run's record, and why there is nothing to do, if so."""

    plan: Plan
    dataset: Dataset
    feedback: dict[str, int]
    idle: str | None


def plan_preferring(
    loaded: LoadedSpec,
    store: Store,
    task_name: str,
    champion: VersionRecord | None,
    dataset: Dataset | None,
    progress: Callable[[str], None],
) -> PreferencePlan:
    """Return how the champion learns what its users prefer; RegistryError where there is none, or labels are given."""
    task = loaded.task(task_name)
    if champion is None or dataset is None:
        raise RegistryError(
            f"task {task_name!r} has no champion, whose answers users could prefer; release a version first"
        )
    if kind_of(task).has_labels:
        raise RegistryError(
            f"{task_name!r} is a {task.kind} task; preferences are between texts, and corrected labels are learned by "
            "`polyloop loop run`"
        )
    found = _preferred(loaded, store, task_name, dataset)
    table, left_out = encoded(found.rows, task, task_locales(task, loaded.spec.locales), dataset)
    counts = {"preferences": table.num_rows, **dict(sorted((found.left_out + left_out).items()))}
    progress(
        f"{task_name}: {table.num_rows} preferences in the feedback, {sum(counts.values()) - table.num_rows} left out"
    )
    idle = _too_few(table, task)
    file = None if idle else save_preferences(table, loaded.artefacts_dir / FOLDER / task_name)
    plan = _plan(loaded, task_name, champion, dataset, file)
    if file is not None and champion.parent is not None and _has_learned(champion, plan, dataset, store):
        idle = f"nothing is to be done: {champion.version} has learned these very preferences"
    return PreferencePlan(plan=plan, dataset=dataset, feedback=counts, idle=idle)


def encoded(
    rows: Sequence[Preferred], task: TaskSpec, locales: Sequence[str], dataset: Dataset
) -> tuple[pa.Table, Counter[str]]:
    """Return rows as the table that a training reads, texts beside their token ids, and what was left out of it."""
    kind = kind_of(task)
    assert isinstance(kind, TextKind)
    tokenizer = load_tokenizer(dataset.tokenizer_dir)
    known = [one for one in rows if one.locale in locales and one.target_locale in locales]
    left_out = Counter({OTHER_LOCALE: len(rows) - len(known)})
    targets = [one.target_locale for one in known]
    texts = [one.row for one in known]

    def encode_inputs(sources: Sequence[str]) -> list[list[int]]:
        return kind.encode_inputs(tokenizer, sources, targets)

    def encode_targets(sources: Sequence[str]) -> list[list[int]]:
        return kind.encode_texts(tokenizer, sources)

    names: tuple[str, ...]
    if task.training.preference.method == "dpo":
        pairs = [row for row in texts if isinstance(row, TextPair)]
        ids, names = pair_table(pairs, encode_inputs, encode_targets), ("input", "chosen", "rejected")
    else:
        rated = [row for row in texts if isinstance(row, RatedText)]
        ids, names = rated_table(rated, encode_inputs, encode_targets), ("input", "target")
    columns: dict[str, Any] = {
        "id": pa.array([one.id for one in known], pa.string()),
        "locale": pa.array([one.locale for one in known], pa.string()),
        "target_locale": pa.array(targets, pa.string()),
        **{name: pa.array([getattr(row, name) for row in texts], pa.string()) for name in names},
    }
    table = pa.table(columns | {name: ids.column(name) for name in ids.column_names})
    reasons = [_reason_against(row, task) for row in ids.to_pylist()]
    left_out.update(reason for reason in reasons if reason is not None)
    return table.filter(pa.array([reason is None for reason in reasons], pa.bool_())), +left_out


def save_preferences(table: pa.Table, folder: Path) -> PreferenceFile:
    """Write a table under the digest of what is in it, unless it is there."""
    digest = hashlib.sha256()
    for row in table.to_pylist():
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    path = folder / f"{digest.hexdigest()[:32]}.parquet"
    if not path.exists():
        with named_storage_errors(f"preferences to {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            write_parquet(path, table)
    return PreferenceFile(path=path, digest=digest.hexdigest(), num_rows=table.num_rows)


def _preferred(loaded: LoadedSpec, store: Store, task_name: str, dataset: Dataset) -> PreferredRows:
    task, spec = loaded.task(task_name), loaded.spec.feedback
    items = load_items(store, task_name)
    holdout_ids = set(dataset.table("holdout").column("id").to_pylist())
    curation = curate(items, known_targets(dataset.table("train")), spec, task, holdout_ids)
    limits: dict[str, float] = {"weight": spec.weight, "max_share": spec.max_share_per_user}
    if task.training.preference.method == "dpo":
        return preferred_pairs(items, curation, **limits)
    return preferred_judgements(items, curation, holdout_ids=holdout_ids, **limits)


def _reason_against(row: dict[str, Any], task: TaskSpec) -> str | None:
    texts = [ids for name, ids in row.items() if name in ("target_ids", "chosen_ids", "rejected_ids")]
    longest = max(len(ids) for ids in texts)
    if len(row["input_ids"]) > task.model.max_input_tokens or longest > task.model.max_target_tokens:
        return TOO_LONG
    return SAME_TOKENS if len(texts) == 2 and texts[0] == texts[1] else None


def _too_few(table: pa.Table, task: TaskSpec) -> str | None:
    least = task.training.preference.min_rows
    if table.num_rows < least:
        return f"nothing is to be done: feedback gives {table.num_rows} preferences, and `min_rows` asks for {least}"
    if "desirable" in table.column_names and len(table.column("desirable").unique()) < 2:
        return "nothing is to be done: all outputs are judged alike, and kto needs good and bad ones"
    return None


def _plan(
    loaded: LoadedSpec, task_name: str, champion: VersionRecord, dataset: Dataset, file: PreferenceFile | None
) -> Plan:
    usual = plan_training(loaded, task_name, champion, dataset)
    preference = usual.task.training.preference
    settings = {
        "epochs": preference.epochs,
        "learning_rate": preference.learning_rate,
        # A dev split of examples cannot tell when enough is learned of preferences, so the last weights are taken.
        "select": "last",
        "patience": None,
        "distill": None,
        "r_drop": 0.0,
        "packing": False,
    }
    task = usual.task.model_copy(update={"training": usual.task.training.model_copy(update=settings)})
    return Plan(
        task_name=task_name,
        task=task,
        init_from=loaded.artefacts_dir / str(champion.path),
        tokenizer_dir=dataset.tokenizer_dir,
        parent=champion,
        config_digest=usual.config_digest,
        preferences=file,
    )


def _has_learned(champion: VersionRecord, plan: Plan, dataset: Dataset, store: Store) -> bool:
    """Return whether the champion is what this plan would have made of the champion before it."""
    parent = get_version(store, champion.task, str(champion.parent))
    before = Plan(**{**vars(plan), "parent": parent})
    return before.training_digest(dataset) == champion.training_digest
