"""Fixtures of tiny models of both families, for the folders whose conftest.py imports them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.support.tiny_text_models import MAKERS

MakeModel = Callable[..., Any]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(3)


@pytest.fixture
def make_model() -> MakeModel:
    """Return a maker of one model of the named kind, in evaluation mode, with the same weights at each call."""

    def make(kind: str, dropout: float = 0.0) -> Any:
        torch.manual_seed(5)
        return MAKERS[kind](dropout).eval()

    return make


@pytest.fixture(params=list(MAKERS))
def model(request: pytest.FixtureRequest, make_model: MakeModel) -> Any:
    """Two encoder-decoders and two decoders, one after the other."""
    return make_model(request.param)
