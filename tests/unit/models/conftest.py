"""Tiny models of both families as fixtures."""

from tests.support.tiny_text_models import make_model, model, seeded

__all__ = ["make_model", "model", "seeded"]
