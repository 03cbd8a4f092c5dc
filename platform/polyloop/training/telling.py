"""Puts looks at a training into words: one message a look, with loss, speed and the time that is left."""

from polyloop.progress import RestOfWork, Share
from polyloop.training.progress import Progress


class TrainingTeller:
    """Turns the looks at one run into messages."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._rest = RestOfWork()

    def __call__(self, look: Progress) -> Share:
        """Return the message of a look."""
        figures = [] if look.loss is None else [f"loss {look.loss:.3f}"]
        figures += [] if look.dev_loss is None else [f"dev loss {look.dev_loss:.3f}"]
        figures.append(f"{look.tokens_per_s:,.0f} tokens/s")
        figures += ["resumed"] if look.resumed else []
        left_s = self._rest.left_s(look.fraction, look.elapsed_s)
        return Share(f"{self._what}: training", fraction=look.fraction, details=", ".join(figures), left_s=left_s)
