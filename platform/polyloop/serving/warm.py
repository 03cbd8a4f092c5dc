"""Loads a version and lets it answer once, for replicas and for the shadow worker.

Input: a loader and a version's folder. Output: a predictor that has answered. What a bad artefact raises becomes a
`ModelError`, so that it does not end the process that tries it.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from polyloop.errors import ModelError, PolyloopError

logger = logging.getLogger("polyloop.serving")


class Warmed(Protocol):
    """What can be asked to answer once."""

    def warm_up(self) -> None:
        """Answer once, so that the first user does not pay for lazy initialisation."""
        ...


Loaded = TypeVar("Loaded", bound=Warmed)


def load_warm(load: Callable[[Path], Loaded], path: Path, what: str) -> Loaded:
    """Return the predictor at `path`, warm; ModelError names `what` where it cannot be loaded or cannot answer."""
    try:
        predictor = load(path)
        predictor.warm_up()
    except PolyloopError:
        raise
    except Exception as error:  # the boundary to the model
        logger.exception("%s cannot be loaded", what)
        raise ModelError(f"{what} cannot be loaded: {error}") from error
    return predictor
