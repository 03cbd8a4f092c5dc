"""Draws curves over an axis, and dots, as inline SVG. Pure, with no word about what is shown.

Inputs: points, their names, and what the axes mean. Outputs: markup of a figure (see `figure`), with the same
style sheet. A curve of many points is drawn through the means of stretches of it, so that a page stays small.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from polyloop.pages.axes import Axis, make_axis, short_number
from polyloop.pages.figure import NUM_COLOURS, WIDTH, figure, legend

MAX_POINTS = 240
"""Points that a curve is drawn with at most."""

_HEIGHT, _LEFT, _RIGHT, _TOP, _BELOW = 150, 46, 10, 16, 34
_ROOM = WIDTH - _LEFT - _RIGHT


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line through points, in order of x."""

    name: str
    points: tuple[tuple[float, float], ...]
    """x and y."""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One dot."""

    x: float
    y: float
    text: str
    """What it stands for; shown as a hint."""
    series: int = 0
    """Number of its colour."""
    is_marked: bool = False
    """True draws it larger, with a ring."""


def curve_chart(
    title: str,
    curves: Sequence[Curve],
    *,
    x_name: str,
    is_log: bool = False,
    marker: tuple[float, str] | None = None,
) -> Markup:
    """Return a figure with the curves over a common axis; `is_log` is about y, `marker` is an x with its text."""
    drawn = [Curve(name=curve.name, points=thinned(curve.points)) for curve in curves]
    x_axis = make_axis([x for curve in drawn for x, _ in curve.points])
    y_axis = make_axis([y for curve in drawn for _, y in curve.points], is_log=is_log)
    parts = [*_frame(x_axis, y_axis, x_name)]
    for number, curve in enumerate(drawn):
        parts += _line(curve, x_axis, y_axis, number % NUM_COLOURS)
    spoken = "; ".join(filter(None, map(_spoken, curves)))
    if marker is not None and (at := x_axis.place(marker[0])) is not None:
        parts += _marker(_LEFT + at * _ROOM, marker[1])
        spoken = f"{marker[1]}; {spoken}"
    names = [curve.name for curve in curves]
    return figure(title, spoken, _TOP + _HEIGHT + _BELOW, parts, legend(names))


def dot_chart(
    title: str,
    dots: Sequence[Dot],
    *,
    x_name: str,
    is_log: bool = False,
    names: Sequence[str] = (),
    series: Sequence[str] = (),
) -> Markup:
    """Return a figure with dots; `is_log` is about x, and `names`, where given, stand at x = 0, 1, 2 and so on."""
    edges = [-0.5, len(names) - 0.5] if names else []
    x_axis = make_axis([*(dot.x for dot in dots), *edges], is_log=is_log)
    if names:
        x_axis = Axis(low=-0.5, high=len(names) - 0.5, is_log=False, ticks=tuple(map(float, range(len(names)))))
    y_axis = make_axis(dot.y for dot in dots)
    parts = [*_frame(x_axis, y_axis, x_name, names)]
    for dot in sorted(dots, key=lambda one: one.is_marked):
        parts += _dot(dot, x_axis, y_axis)
    spoken = "; ".join(dot.text for dot in dots)
    return figure(title, spoken, _TOP + _HEIGHT + _BELOW, parts, legend(series))


def thinned(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return at most MAX_POINTS points: the means of equal stretches of those that are finite, the last one kept."""
    known = [point for point in points if all(map(math.isfinite, point))]
    if len(known) <= MAX_POINTS:
        return tuple(known)
    size = math.ceil((len(known) - 1) / (MAX_POINTS - 1))
    body = known[:-1]
    stretches = [body[start : start + size] for start in range(0, len(body), size)]
    means = [(sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part)) for part in stretches]
    return (*means, known[-1])


def _spoken(curve: Curve) -> str:
    known = [point for point in curve.points if all(map(math.isfinite, point))]
    if not known:
        return ""
    least = min(y for _, y in known)
    return (
        f"{curve.name}: from {short_number(known[0][1])} to {short_number(known[-1][1])}, least {short_number(least)}"
    )


def _frame(x_axis: Axis, y_axis: Axis, x_name: str, names: Sequence[str] = ()) -> Iterator[Markup]:
    bottom = _TOP + _HEIGHT
    for tick in y_axis.ticks:
        y = bottom - (y_axis.place(tick) or 0.0) * _HEIGHT
        yield Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(_LEFT, WIDTH - _RIGHT, y, y)
        yield Markup('<text class="tick before" x="{}" y="{:.1f}">{}</text>').format(_LEFT - 5, y, short_number(tick))
    for number, tick in enumerate(x_axis.ticks):
        x = _LEFT + (x_axis.place(tick) or 0.0) * _ROOM
        text = names[number] if names else short_number(tick)
        yield Markup('<line class="axis" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(x, bottom, bottom + 4)
        yield Markup('<text class="tick middle" x="{:.1f}" y="{}">{}</text>').format(x, bottom + 12, text[:14])
    yield Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_LEFT, WIDTH - _RIGHT, bottom, bottom)
    yield Markup('<text class="tick before" x="{}" y="{}">{}</text>').format(WIDTH - _RIGHT, bottom + 27, x_name)


def _line(curve: Curve, x_axis: Axis, y_axis: Axis, colour: int) -> Iterator[Markup]:
    places = [place for point in curve.points if (place := _place(*point, x_axis, y_axis)) is not None]
    if len(places) == 1:
        yield Markup('<circle class="series-{}" cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(colour, *places[0])
    elif places:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield Markup('<polyline class="series-{} curve" points="{}"><title>{}</title></polyline>').format(
            colour, path, curve.name
        )


def _dot(dot: Dot, x_axis: Axis, y_axis: Axis) -> Iterator[Markup]:
    place = _place(dot.x, dot.y, x_axis, y_axis)
    if place is not None:
        yield Markup('<circle class="series-{}{}" cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}</title></circle>').format(
            dot.series % NUM_COLOURS, " marked" if dot.is_marked else "", *place, 6 if dot.is_marked else 4, dot.text
        )


def _place(x: float, y: float, x_axis: Axis, y_axis: Axis) -> tuple[float, float] | None:
    across, up = x_axis.place(x), y_axis.place(y)
    if across is None or up is None:
        return None
    return _LEFT + across * _ROOM, _TOP + (1 - up) * _HEIGHT


def _marker(x: float, text: str) -> list[Markup]:
    side, shift = ("before", -5) if x > _LEFT + _ROOM / 2 else ("behind", 5)
    return [
        Markup('<line class="marker" x1="{0:.1f}" x2="{0:.1f}" y1="4" y2="{1}"/>').format(x, _TOP + _HEIGHT),
        Markup('<text class="note {}" x="{:.1f}" y="8">{}</text>').format(side, x + shift, text),
    ]
