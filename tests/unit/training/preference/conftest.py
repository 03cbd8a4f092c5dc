"""Tiny models of both families as fixtures."""

import pytest
from tests.support.tiny_text_models import make_model, model, seeded

__all__ = ["make_model", "model", "seeded"]


@pytest.fixture(params=["t5", "llama"])
def family(request: pytest.FixtureRequest) -> str:
    """One kind of each family."""
    return str(request.param)
