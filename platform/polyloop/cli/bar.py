"""One line on a terminal that says how far long work is: a spinner, words, and a bar where the part done is known.

Input: messages (`polyloop.progress`). Output: the line, on the console that is given; it is gone once the work is over.
"""

from types import TracebackType

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

from polyloop.progress import Share, duration_text

BAR_WIDTH = 24


class ProgressBar:
    """The line; used as a context, it is drawn inside."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), _Bar(), _Figures())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("starting", total=1.0, figures="", is_known=False)

    def show(self, message: str) -> None:
        """Show a message in place of the last one."""
        if not isinstance(message, Share):
            self._progress.update(self._task, description=message, completed=0, figures="", is_known=False)
            return
        left = "" if message.left_s is None else f"{duration_text(message.left_s)} left"
        figures = "  ".join(part for part in (f"{message.fraction:.0%}", message.details, left) if part)
        self._progress.update(
            self._task, description=message.what, completed=message.fraction, figures=figures, is_known=True
        )

    @property
    def renderable(self) -> RenderableType:
        """The line as it stands."""
        return self._progress.get_renderable()

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class _Bar(ProgressColumn):
    """A bar, or nothing where the part that is done is not known."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = BarColumn(bar_width=BAR_WIDTH)

    def render(self, task: Task) -> RenderableType:
        """Return the bar of a task."""
        return self._bar.render(task) if task.fields["is_known"] else Text()


class _Figures(ProgressColumn):
    """What stands beside the bar."""

    def render(self, task: Task) -> Text:
        """Return the figures of a task."""
        return Text(str(task.fields["figures"]))
