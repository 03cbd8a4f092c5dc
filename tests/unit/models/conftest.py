"""Tiny models of both families as fixtures."""

from tests.support.text_model_fixtures import make_model, model, seeded

__all__ = ["make_model", "model", "seeded"]
