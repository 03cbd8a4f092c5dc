"""docs/spec.md is what the code says, and says all of it."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from polyloop.spec import reference
from polyloop.spec.corpora import LocaleColumn
from polyloop.spec.fields import Locale, Name
from polyloop.spec.models import Spec
from polyloop.spec.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[3]


def parts_of(model: type[BaseModel], found: set[type[BaseModel]]) -> set[type[BaseModel]]:
    found.add(model)
    for info in model.model_fields.values():
        for part in model_arguments(info.annotation):
            if part not in found:
                parts_of(part, found)
    return found


def model_arguments(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in model_arguments(argument)]


def test_docs_spec_md_is_up_to_date() -> None:
    text = (REPOSITORY / "docs/spec.md").read_text(encoding="utf-8")
    assert text == reference.render(), "run `make docs`"


def test_every_part_of_the_spec_has_a_section() -> None:
    assert {model for _, model in reference.SECTIONS} == parts_of(Spec, set())


def test_every_key_and_setting_is_listed_with_its_meaning() -> None:
    rows = [line.split(" | ") for line in reference.render().splitlines() if line.startswith("| `")]
    keys = {row[0].strip("| `") for row in rows}
    for _, model in reference.SECTIONS:
        assert set(model.model_fields) <= keys
    variables = {info.validation_alias or f"POLYLOOP_{name.upper()}" for name, info in Settings.model_fields.items()}
    assert variables <= keys
    assert all(row[-1].strip("| ") for row in rows)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (str, "text"),
        (int | None, "whole number"),
        (Annotated[float, Field(gt=0)], "number"),
        (bool, "true or false"),
        (Literal["a", "b"], r"`a` \| `b`"),
        (tuple[Locale, ...], "list of locale"),
        (dict[Name, str], "mapping of name to text"),
        (Locale | LocaleColumn, "locale or mapping"),
    ],
)
def test_types_are_told_in_words(annotation: object, words: str) -> None:
    assert reference.type_name(annotation) == words


def test_limits_of_optional_keys_are_told() -> None:
    (row,) = [line for line in reference.render().splitlines() if line.startswith("| `max_latency_ms`")]
    assert "| above 0 |" in row


def test_the_command_writes_and_then_agrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "docs" / "spec.md"
    assert reference.main(["--check", str(file)]) == 1
    assert reference.main([str(file)]) == 0
    assert reference.main(["--check", str(file)]) == 0
    file.write_text(file.read_text(encoding="utf-8") + "x", encoding="utf-8")
    assert reference.main(["--check", str(file)]) == 1
    assert "is out of date; run `python -m polyloop.spec.reference`" in capsys.readouterr().err
