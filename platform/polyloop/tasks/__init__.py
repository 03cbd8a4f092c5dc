"""Task kinds: the schema, features and metrics of each; `kind_of` finds the one that a task's spec names."""

from polyloop.spec.models import TaskSpec
from polyloop.tasks.answer import Answer
from polyloop.tasks.base import TaskKind
from polyloop.tasks.chat import Chat
from polyloop.tasks.classify import Classify
from polyloop.tasks.generate import Generate
from polyloop.tasks.summarize import Summarize
from polyloop.tasks.translate import Translate

KINDS: dict[str, TaskKind] = {
    kind.name: kind for kind in (Classify(), Translate(), Summarize(), Generate(), Chat(), Answer())
}


def kind_of(task: TaskSpec) -> TaskKind:
    """Return the kind that the task names; of kinds with several models, the one with the task's."""
    return KINDS[task.kind].variant(task)
