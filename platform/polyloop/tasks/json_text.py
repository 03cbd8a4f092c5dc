"""Reads texts that may be JSON: several labels, a styled prompt, a question with its context.

Input: any text. Output: what it says, or None. Pure.
"""

import json
from typing import Any


def read_json(text: str, start: str) -> Any:
    """Return what a text that begins with `start` says as JSON; None for any other text, and for JSON's null.

    Texts of users may be anything: a reader of JSON gives up with a RecursionError where one is nested without end.
    """
    if not text.startswith(start):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
