"""Charts of shares against shares: honest points lie on the diagonal."""

from xml.etree import ElementTree

import pytest

from polyloop.pages.plane_chart import PlanePoint, plane_chart

SVG = "{http://www.w3.org/2000/svg}"


def point(x: float, y: float, weight: float = 1.0, name: str = "a") -> PlanePoint:
    return PlanePoint(x=x, y=y, left=x - 0.05, right=x + 0.05, weight=weight, name=name)


def parts(figure: str, kind: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(figure).iter(f"{SVG}{kind}"))


def drawn(*points: PlanePoint) -> str:
    return plane_chart("Reliability", points, x_name="confidence", y_name="right")


def number(part: ElementTree.Element, name: str) -> float:
    return float(part.get(name) or "nan")


def test_a_point_of_equal_shares_lies_on_the_diagonal() -> None:
    figure = drawn(point(0.25, 0.25), point(0.9, 0.5))
    (line,) = [one for one in parts(figure, "line") if one.get("class") == "marker"]
    slope = (number(line, "y2") - number(line, "y1")) / (number(line, "x2") - number(line, "x1"))
    on, below = (
        number(dot, "cy") - (number(line, "y1") + slope * (number(dot, "cx") - number(line, "x1")))
        for dot in parts(figure, "circle")
    )
    assert on == pytest.approx(0.0, abs=0.2)
    assert below > 50.0


def test_columns_are_as_high_as_their_points_and_dots_as_large_as_their_weights() -> None:
    figure = drawn(point(0.2, 0.3, weight=100), point(0.8, 0.6, weight=25))
    low, high = (number(column, "height") for column in parts(figure, "rect"))
    assert high == pytest.approx(2 * low)
    heavy, light = (number(dot, "r") for dot in parts(figure, "circle"))
    assert heavy == pytest.approx(2 * light)


def test_names_are_told_to_screen_readers_and_escaped() -> None:
    figure = drawn(point(0.2, 0.3, name="<i>half</i>"))
    (svg,) = parts(figure, "svg")
    assert svg.get("aria-label") == "Reliability. <i>half</i>"
    assert "<i>" not in figure
    assert parts(drawn(), "circle") == []
