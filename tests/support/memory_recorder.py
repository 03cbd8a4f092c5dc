"""A recorder of figures that keeps them, and minds that every tag has a value."""

from collections import defaultdict

from polyloop.serving.metrics.table import Metric

Tags = tuple[tuple[str, str], ...]


class MemoryRecorder:
    """Keeps all values by metric and tags."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, Tags], list[float]] = defaultdict(list)

    def add(self, metric: Metric, value: float = 1.0, /, **tags: str) -> None:
        """Keep one value."""
        assert set(tags) == set(metric.tags), f"{metric.name} has the tags {metric.tags}, not {tuple(tags)}"
        assert all(isinstance(text, str) for text in tags.values())
        self.values[metric.name, tuple(sorted(tags.items()))].append(value)

    def of(self, metric: Metric, **tags: str) -> list[float]:
        """Return the values with at least these tags."""
        wanted = set(tags.items())
        return [
            value
            for (name, known), values in self.values.items()
            if name == metric.name and wanted <= set(known)
            for value in values
        ]
