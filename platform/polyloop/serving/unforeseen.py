"""Failures that nobody foresaw, told without what they quote: the message of such an exception may hold a user's text.

Input: an exception. Output: an outline for the log, which has its types and places in the code and no message, and a
`RequestError` of 500 that takes its place. Limits: who needs the message has to make the failure happen again, with
the spec's own inputs.
"""

import logging
import traceback

from polyloop.errors import PolyloopError, RequestError

logger = logging.getLogger("polyloop.serving")

DETAIL = "an unforeseen failure; the server's log has the details"
CODE = "internal_error"
MAX_CHAIN = 5
MAX_FRAMES = 30
"""Most causes of an outline, and most frames of each, the innermost ones."""


def outline(error: BaseException) -> str:
    """Return types and places of an exception and of what caused it, on one line: `ValueError at a.py:3 in f, ...`."""
    told: list[str] = []
    current: BaseException | None = error
    while current is not None and len(told) < MAX_CHAIN:
        told.append(_one(current))
        current = _next(current)
    return "; from ".join(told)


class QuotingNothing:
    """Turns an unforeseen failure of the block into a RequestError of 500 that quotes nothing; the log has an outline.

    It stands where a model is called, so that its exceptions reach neither a log of Ray's nor another process. `what`
    is what failed.
    """

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, PolyloopError):
            logger.error("%s failed: %s", self._what, outline(error))
            raise RequestError(DETAIL, 500, CODE) from None


def _next(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _one(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    places = ", ".join(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places or 'an unknown place'}"
