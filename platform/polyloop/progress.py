"""What long work says of itself: a text, and where it is known, which part is done and how long the rest may take.

A `Share` is a text like any other, so whoever takes messages may ignore the rest; a terminal draws a bar from it.
"""

from dataclasses import dataclass


class Share(str):
    """A message with the part of the work that is done."""

    what: str
    """What is done, such as `mood v3: training`."""
    fraction: float
    """Part that is done, 0 to 1."""
    details: str
    """Figures beside it."""
    left_s: float | None
    """Seconds that the rest may take; None where that cannot be told yet."""

    def __new__(
        cls, what: str, *, fraction: float, details: str = "", left_s: float | None = None, tells_all: bool = True
    ) -> "Share":
        """Return the message; its text holds all of it, or, without `tells_all`, `what` alone."""
        rest = "" if left_s is None else f"{duration_text(left_s)} left"
        all_of_it = f"{what} {fraction:.0%}" + "".join(f", {part}" for part in (details, rest) if part)
        message = super().__new__(cls, all_of_it if tells_all else what)
        message.what, message.fraction, message.details, message.left_s = what, fraction, details, left_s
        return message

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        facts = {"fraction": self.fraction, "details": self.details, "left_s": self.left_s}
        return (self.what,), {**facts, "tells_all": str(self) != self.what}


def prefixed(prefix: str, message: str) -> str:
    """Return a message with words before it; a `Share` stays one."""
    if not isinstance(message, Share):
        return f"{prefix}{message}"
    return Share(
        f"{prefix}{message.what}",
        fraction=message.fraction,
        details=message.details,
        left_s=message.left_s,
        tells_all=str(message) != message.what,
    )


def duration_text(seconds: float) -> str:
    """Return a duration as people write it: 0:07, 12:30, 3:05:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass(kw_only=True)
class RestOfWork:
    """Tells how long the rest of a work may take, from how fast it went since it was first looked at."""

    first_fraction: float | None = None
    first_s: float = 0.0

    def left_s(self, fraction: float, elapsed_s: float) -> float | None:
        """Return seconds; None at the first look, and where nothing was done since."""
        if self.first_fraction is None or elapsed_s < self.first_s or fraction < self.first_fraction:
            self.first_fraction, self.first_s = fraction, elapsed_s
        done = fraction - self.first_fraction
        return (elapsed_s - self.first_s) / done * max(0.0, 1.0 - fraction) if done > 0 else None
