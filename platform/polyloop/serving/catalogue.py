"""What there is to ask: tasks with what they take, and model versions, in our form and in OpenAI's.

Input: the spec, the registry's versions and what each task serves. Output: the bodies of GET /v1/tasks and
GET /v1/models. The latter serves two readers at once: `models` are our versions, and `object` and `data` are the list
that OpenAI's clients expect, of the names that a request's `model` may have, which are the tasks. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

from polyloop.errors import RequestError
from polyloop.registry.versions import VersionRecord
from polyloop.serving.schemas import ServedModel, TaskInfo, TaskList, VersionInfo, VersionList
from polyloop.spec.models import Spec, TaskSpec, task_locales
from polyloop.tasks import kind_of

Champions = Mapping[str, str | None]
"""Task -> version that it serves now."""


def task_list(spec: Spec, champions: Champions) -> TaskList:
    """Return every task, in the order of the spec."""
    return TaskList(tasks=[_task_info(name, task, spec, champions.get(name)) for name, task in spec.tasks.items()])


def version_list(versions: Iterable[VersionRecord], tasks: Mapping[str, TaskSpec], champions: Champions) -> VersionList:
    """Return every version, newest first, and the tasks that can be asked."""
    records = sorted(versions, key=lambda record: record.created_at, reverse=True)
    return VersionList(
        data=_served(records, tasks, champions), models=[_version_info(record, champions) for record in records]
    )


def served_model(
    name: str, versions: Iterable[VersionRecord], tasks: Mapping[str, TaskSpec], champions: Champions
) -> ServedModel:
    """Return the one task of that name that can be asked; RequestError 404 if there is none."""
    models = {model.id: model for model in _served(list(versions), tasks, champions)}
    if name not in models:
        raise RequestError(
            f"there is no model {name!r} to ask; there are: {', '.join(models) or 'none yet'}", 404, "unknown_model"
        )
    return models[name]


def _served(records: Sequence[VersionRecord], tasks: Mapping[str, TaskSpec], champions: Champions) -> list[ServedModel]:
    made_at = {(record.task, record.version): record.created_at for record in records}
    champion_of = {name: champions.get(name) for name in tasks}
    return [
        ServedModel(
            id=name,
            created=int(made_at[name, version].timestamp()),
            kind=tasks[name].kind,
            version=version,
        )
        for name, version in champion_of.items()
        if version is not None and (name, version) in made_at
    ]


def _version_info(record: VersionRecord, champions: Champions) -> VersionInfo:
    return VersionInfo(
        task=record.task,
        version=record.version,
        state=record.state,
        champion=champions.get(record.task) == record.version,
        parent=record.parent,
        dataset_digest=record.dataset_digest,
        metrics=dict(record.metrics),
        created_at=record.created_at.isoformat(),
    )


def _task_info(name: str, task: TaskSpec, spec: Spec, champion: str | None) -> TaskInfo:
    kind = kind_of(task)
    return TaskInfo(
        task=name,
        kind=task.kind,
        locales=list(task_locales(task, spec.locales)),
        pairs=list(task.pairs),
        labels=list(task.labels),
        styles=list(task.styles),
        max_input_tokens=task.model.max_input_tokens,
        champion=champion,
        request_schema=_schema_of(kind.request_model),
        answer_schema=_schema_of(kind.answer_model),
    )


@cache
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()  # takes milliseconds, and never changes
