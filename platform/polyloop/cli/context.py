"""What commands share: the loaded spec and the open store, each made when a command first needs it."""

from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer

from polyloop.registry.store import Store, open_store
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.spec.settings import settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
TasksOption = Annotated[
    list[str] | None, typer.Option("--task", help="A task; may be repeated. All tasks if not given.")
]
TaskArgument = Annotated[str, typer.Argument(help="Name of a task of the spec.")]


class CliContext:
    """State of one invocation."""

    def __init__(self, spec: Path | None) -> None:
        self._given = spec

    @property
    def spec_path(self) -> Path:
        """The spec file that this invocation is about."""
        return self._given or settings().spec

    @cached_property
    def loaded(self) -> LoadedSpec:
        """The spec, read and checked."""
        return load_spec(self.spec_path)

    def tasks(self, given: list[str] | None) -> list[str]:
        """Return the tasks that were named, or all; SpecError for one that the spec does not have."""
        for name in given or []:
            self.loaded.task(name)
        return given or list(self.loaded.spec.tasks)

    @cached_property
    def store(self) -> Store:
        """The project's store, upgraded to this version's tables."""
        return open_store(self.loaded.store_url)


def of(context: typer.Context) -> CliContext:
    """Return the shared state of a command's context."""
    found = context.find_object(CliContext)
    assert found is not None
    return found
