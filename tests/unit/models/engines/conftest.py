"""Converted models of every family, each made once a session."""

from collections.abc import Callable

import pytest
from tests.support.converted_models import ConvertedModel, converted_model

Converted = Callable[[str], ConvertedModel]


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """Return a function that gives the converted model of a family."""
    made: dict[str, ConvertedModel] = {}

    def get(family: str) -> ConvertedModel:
        if family not in made:
            made[family] = converted_model(family, tmp_path_factory.mktemp(family))
        return made[family]

    return get
