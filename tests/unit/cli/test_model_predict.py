"""`model predict` refuses what makes no sense before it starts Ray."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.published_versions import TASK, PublishedProject, publish_project
from typer.testing import CliRunner

from polyloop.cli.main import app
from polyloop.errors import RegistryError, SpecError


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublishedProject]:
    made = publish_project(tmp_path_factory.mktemp("project"))
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["--version", "v1", "--column", "input"], SpecError, "--column 'input': expected FIELD=SOMETHING"),
        (["--version", "v1", "--value", "=en"], SpecError, "--value '=en': expected FIELD=SOMETHING"),
        (["--version", "v1", "--column", "input=a", "--column", "input=b"], SpecError, "the field 'input' twice"),
        (["--version", "v1", "--value", "style=ode"], SpecError, "has no field 'style'"),
        (["--version", "v1", "--keep", "scores"], SpecError, "the column 'scores' cannot be kept"),
        (["--version", "v9"], RegistryError, "v9"),
        ([], RegistryError, "serves no version yet; name one with --version"),
    ],
)
def test_what_makes_no_sense_is_refused(
    project: PublishedProject, tmp_path: Path, arguments: list[str], kind: type[Exception], message: str
) -> None:
    paths = ["--input", str(tmp_path / "a.jsonl"), "--output", str(tmp_path / "out")]
    command = ["--spec", str(project.spec), "model", "predict", TASK, *paths, *arguments]
    done: Any = CliRunner().invoke(app, command)
    assert isinstance(done.exception, kind), done.output
    assert message in str(done.exception)
    assert list(tmp_path.iterdir()) == []
