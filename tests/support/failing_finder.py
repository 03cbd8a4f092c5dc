"""A named-entity finder that fails at marked texts, as the code of users does."""

MARK = "unfindable"


def find(text: str, locale: str) -> list[tuple[int, int, str]]:
    """Return no entity; ValueError for a text that holds `MARK`."""
    if MARK in text:
        raise ValueError(f"nobody knows what to make of it, in {locale}")
    return []
