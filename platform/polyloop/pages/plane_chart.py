"""Draws shares against shares as inline SVG: columns and dots on a square from 0 to 1 with its diagonal. Pure.

Inputs: points with what they stand for and how much they weigh. Output: markup of a figure (see `figure`). Made for
reliability diagrams: where what is expected is what happens, points lie on the diagonal. Limits: one series. A plot
does not replace a table: give the numbers beside it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from polyloop.pages.figure import figure

_SIDE, _LEFT, _TOP, _BELOW = 260.0, 52.0, 8.0, 42.0
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LARGEST_DOT, _SMALLEST_DOT = 8.0, 2.0


@dataclass(frozen=True, kw_only=True)
class PlanePoint:
    """A point and the column that it tops."""

    x: float
    y: float
    left: float
    right: float
    """Ends of its column, from 0 to 1 as the others."""
    weight: float
    """Area of the dot, relative to the heaviest."""
    name: str


def plane_chart(title: str, points: Sequence[PlanePoint], *, x_name: str, y_name: str) -> Markup:
    """Return a figure with a dot on a column for each point."""
    heaviest = max((point.weight for point in points), default=0.0) or 1.0
    drawn = [*_axes(x_name, y_name)]
    drawn += [_column(point) for point in points]
    drawn.append(
        Markup('<line class="marker" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
            _x(0), _y(0), _x(1), _y(1)
        )
    )
    drawn += [_dot(point, heaviest) for point in points]
    spoken = "; ".join(point.name for point in points)
    return figure(title, spoken, _TOP + _SIDE + _BELOW, drawn, Markup())


def _x(share: float) -> float:
    return _LEFT + _SIDE * share


def _y(share: float) -> float:
    return _TOP + _SIDE * (1.0 - share)


def _axes(x_name: str, y_name: str) -> Iterator[Markup]:
    for tick in _TICKS:
        yield Markup('<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>').format(
            _x(0), _x(1), _y(tick), _y(tick)
        )
        yield Markup('<text class="tick before" x="{:.1f}" y="{:.1f}">{:g}</text>').format(_x(0) - 6, _y(tick), tick)
        yield Markup('<text class="tick middle" x="{:.1f}" y="{:.1f}">{:g}</text>').format(_x(tick), _y(0) + 12, tick)
    yield Markup('<text class="note middle" x="{:.1f}" y="{:.1f}">{}</text>').format(_x(0.5), _y(0) + 32, x_name)
    yield Markup('<text class="note middle" transform="translate(10 {:.1f}) rotate(-90)">{}</text>').format(
        _y(0.5), y_name
    )


def _column(point: PlanePoint) -> Markup:
    width = _SIDE * (point.right - point.left)
    return Markup(
        '<rect class="series-0 faint" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
    ).format(_x(point.left) + 0.5, _y(point.y), max(width - 1, 0.5), _SIDE * point.y, point.name)


def _dot(point: PlanePoint, heaviest: float) -> Markup:
    radius = max(_LARGEST_DOT * math.sqrt(point.weight / heaviest), _SMALLEST_DOT)
    return Markup('<circle class="series-0" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{}</title></circle>').format(
        _x(point.x), _y(point.y), radius, point.name
    )
