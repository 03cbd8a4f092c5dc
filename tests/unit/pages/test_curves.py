"""Curves and dots: well-formed, in the right places, thinned without losing their ends."""

import math
from xml.etree import ElementTree

from polyloop.pages.curves import MAX_POINTS, Curve, Dot, curve_chart, dot_chart, thinned

SVG = "{http://www.w3.org/2000/svg}"


def elements(figure: str, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(figure).iter(f"{SVG}{tag}"))


def places(polyline: ElementTree.Element) -> list[tuple[float, float]]:
    pairs = (pair.split(",") for pair in polyline.get("points", "").split())
    return [(float(x), float(y)) for x, y in pairs]


def test_a_falling_curve_goes_down_from_left_to_right() -> None:
    figure = curve_chart("Loss", [Curve(name="train", points=((0, 3.0), (5, 2.0), (10, 1.0)))], x_name="step")
    (first, middle, last) = places(elements(figure, "polyline")[0])
    assert first[0] < middle[0] < last[0]
    assert first[1] < middle[1] < last[1]  # y grows downwards in SVG
    assert abs(middle[0] - (first[0] + last[0]) / 2) < 0.2


def test_curves_share_their_axes_and_say_their_numbers() -> None:
    curves = [Curve(name="a", points=((0, 0.0), (1, 1.0))), Curve(name="<b>", points=((0, 10.0), (1, 8.0)))]
    figure = curve_chart("Loss", curves, x_name="step", marker=(1.0, "epoch 1 is kept"))
    low, high = (places(line) for line in elements(figure, "polyline"))
    assert low[0][1] > high[0][1]
    (svg,) = elements(figure, "svg")
    assert svg.get("aria-label") == ("Loss. epoch 1 is kept; a: from 0 to 1, least 0; <b>: from 10 to 8, least 8")
    assert "<b>" not in figure
    assert [text.text for text in elements(figure, "text") if "note" in text.get("class", "")] == ["epoch 1 is kept"]


def test_values_that_are_not_finite_leave_a_curve_and_a_lone_point_is_a_dot() -> None:
    figure = curve_chart("Loss", [Curve(name="a", points=((0, math.nan), (1, 2.0)))], x_name="step")
    assert not elements(figure, "polyline")
    assert len(elements(figure, "circle")) == 1


def test_a_long_curve_is_thinned_to_means_and_keeps_its_last_point() -> None:
    points = [(float(x), float(x % 2)) for x in range(10_001)]
    thin = thinned(points)
    assert len(thin) <= MAX_POINTS
    assert thin[-1] == points[-1]
    assert abs(sum(y for _, y in thin) / len(thin) - 0.5) < 0.05
    assert thinned(points[:10]) == tuple(points[:10])


def test_dots_stand_over_their_values_and_the_marked_one_on_top() -> None:
    dots = [Dot(x=1e-3, y=1.0, text="best", is_marked=True), Dot(x=1e-4, y=0.5, text="a"), Dot(x=1e-2, y=0.0, text="b")]
    circles = elements(dot_chart("rate", dots, x_name="rate", is_log=True), "circle")
    assert [circle[0].text for circle in circles] == ["a", "b", "best"]
    xs = {str(circle[0].text): float(circle.get("cx", 0)) for circle in circles}
    assert abs(xs["best"] - (xs["a"] + xs["b"]) / 2) < 0.2
    assert float(circles[-1].get("r", 0)) > float(circles[0].get("r", 0))


def test_named_values_stand_beside_each_other() -> None:
    dots = [Dot(x=0, y=1.0, text="n"), Dot(x=1, y=2.0, text="t")]
    figure = dot_chart("recipe", dots, x_name="recipe", names=["nano", "tiny"])
    ticks = [text.text for text in elements(figure, "text") if "middle" in text.get("class", "")]
    assert ticks == ["nano", "tiny"]


def test_charts_of_nothing_are_drawn_too() -> None:
    assert not elements(curve_chart("Loss", [], x_name="step"), "polyline")
    assert not elements(dot_chart("rate", [], x_name="rate"), "circle")
