"""A small project whose only version holds a converted model, and a call that it answers at length."""

from pathlib import Path
from typing import Any

import yaml
from tests.support.converted_models import ConvertedModel, long_input
from tests.support.engine_versions import note, publish_converted, trial
from tests.support.projects import publish

from polyloop.registry.releases import promote
from polyloop.registry.store import open_store
from polyloop.serving.calls import Call
from polyloop.spec.loader import load_spec

TASK = "numbers"


def write_converted_project(model: ConvertedModel, folder: Path, **serving: Any) -> Path:
    """Write the project and promote its version v1; `serving` is the task's. Return the spec's path."""
    corpus = {"paths": ["x.tsv"], "columns": {"input": "en", "target": "to"}, "licence": "CC0-1.0"}
    task = model.task.model_dump(mode="json", exclude_defaults=True)
    data = {
        "project": "small",
        "locales": ["en", "de", "fr"],
        "corpora": {"numbers": {**corpus, "locale": "en", "target_locale": "de"}},
        "tasks": {TASK: {**task, "serving": serving}},
    }
    spec = folder / "polyloop.yaml"
    spec.write_text(yaml.safe_dump(data), encoding="utf-8")
    loaded = load_spec(spec)
    publish_converted(model, loaded.artefacts_dir / "v1", note(trial("float32")))
    store = open_store(loaded.store_url)
    promote(store, TASK, publish(store, TASK), actor="test", reason="first")
    store.close()
    return spec


def long_call(model: ConvertedModel) -> Call:
    """Return a call whose answer is long."""
    item = long_input(model)
    return Call(version="v1", text=item.text, locale=item.locale, target_locale=item.target_locale)
