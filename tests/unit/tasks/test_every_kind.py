"""Every kind is known everywhere: the spec, metrics, gates, manifests, cards and models; the guide names them."""

import re
from pathlib import Path
from typing import get_args

import pytest
from tests.support.small_tasks import small_task, small_tokenizer, version_facts

from polyloop.evaluation.gate import DEFAULT_MARGINS, UNIT_MARGINS
from polyloop.evaluation.metrics import metric_named
from polyloop.models.build import build_model
from polyloop.models.card import PIPELINES, render_card
from polyloop.models.manifest import VersionFacts
from polyloop.spec.kinds import KINDS_OF_KEY, KINDS_OF_TRAINING_KEY, METRICS_OF_KIND
from polyloop.spec.models import TaskSpec
from polyloop.tasks import KINDS, kind_of
from polyloop.training.objectives import objective_of

REPOSITORY = Path(__file__).resolve().parents[3]
GUIDE = REPOSITORY / "docs" / "adding-a-kind.md"


def test_the_spec_manifests_and_tables_name_the_same_kinds() -> None:
    assert set(get_args(TaskSpec.model_fields["kind"].annotation)) == KINDS.keys()
    assert set(get_args(VersionFacts.model_fields["kind"].annotation)) == KINDS.keys()
    assert METRICS_OF_KIND.keys() == PIPELINES.keys() == KINDS.keys()
    for table in (KINDS_OF_KEY, KINDS_OF_TRAINING_KEY):
        assert {kind for kinds in table.values() for kind in kinds} <= KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_metrics_a_margin_and_a_card(name: str) -> None:
    assert [metric_named(metric).name for metric in METRICS_OF_KIND[name]] == list(METRICS_OF_KIND[name])
    assert name in DEFAULT_MARGINS or METRICS_OF_KIND[name][0] in UNIT_MARGINS
    assert f"pipeline_tag: {PIPELINES[name]}" in render_card(version_facts(small_task(name)))


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_a_file_of_its_own_name_and_a_model_to_train_if_it_learns(name: str, tmp_path: Path) -> None:
    task = small_task(name)
    kind = kind_of(task)
    assert type(kind).__module__ == f"polyloop.tasks.{name}"
    assert kind.name == name
    if not kind.learns:
        return
    tokenizer = small_tokenizer(tmp_path, task)
    model = build_model(task, tokenizer, dropout=0.0)
    assert objective_of(kind.architecture, model, pad_id=0, packed_tokens=None)


def test_the_guide_names_files_that_are_there() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    named = re.findall(r"`((?:spec|models|evaluation|feedback|tasks|tests/\w+)/[\w/]+\.py)`", text)
    assert len(named) >= 10
    ours = {name for name in named if "simplify" not in name}
    places = [
        REPOSITORY / name if name.startswith("tests/") else REPOSITORY / "platform" / "polyloop" / name for name in ours
    ]
    assert [str(place) for place in places if not place.is_file()] == []
