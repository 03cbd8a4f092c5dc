"""Charts of intervals: dots and ends stand where their numbers say, on a round axis."""

import re
from xml.etree import ElementTree

import pytest

from polyloop.pages.interval_chart import IntervalRow, interval_chart

SVG = "{http://www.w3.org/2000/svg}"


def parts(figure: str, kind: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(figure).iter(f"{SVG}{kind}"))


def ticks(figure: str) -> dict[float, float]:
    found = [text for text in parts(figure, "text") if "tick" in (text.get("class") or "")]
    return {float(text.text or ""): float(text.get("x") or 0) for text in found}


def test_dots_and_ends_stand_on_the_axis() -> None:
    rows = [IntervalRow(name="en", spans={"v2": (80.0, 85.0, 90.0)}, text="85")]
    figure = interval_chart("Scores", rows, ("v2",))
    axis = ticks(figure)
    per_point = (axis[90.0] - axis[80.0]) / 10.0
    (dot,) = parts(figure, "circle")
    assert float(dot.get("cx") or 0) == pytest.approx(axis[80.0] + 5 * per_point, abs=0.2)
    (line,) = parts(figure, "path")
    low, high = (float(one) for one in re.findall(r"M([\d.]+) [\d.]+V", line.get("d") or ""))
    assert (low, high) == pytest.approx((axis[80.0], axis[90.0]), abs=0.2)


def test_series_have_a_legend_and_rows_that_lack_one_are_shown_without_it() -> None:
    rows = [
        IntervalRow(name="en", spans={"v1": (1.0, 2.0, 3.0), "v2": (2.0, 3.0, 4.0)}, text=""),
        IntervalRow(name="de", spans={"v2": (2.0, 3.0, 4.0)}, text=""),
    ]
    figure = interval_chart("Scores", rows, ("v1", "v2"), unit="points")
    assert len(parts(figure, "circle")) == 3
    assert "legend" in figure
    (svg,) = ElementTree.fromstring(figure).iter(f"{SVG}svg")
    assert svg.get("aria-label") == (
        "Scores (points). en: v1 2.00 (1.00 to 3.00), v2 3.00 (2.00 to 4.00); de: v2 3.00 (2.00 to 4.00)"
    )


def test_the_line_to_compare_with_is_always_in_view() -> None:
    figure = interval_chart("Change", [IntervalRow(name="en", spans={"": (2.0, 3.0, 4.0)}, text="")], ("",), line=0.0)
    (marker,) = [line for line in parts(figure, "line") if line.get("class") == "marker"]
    assert float(marker.get("x1") or 0) == pytest.approx(ticks(figure)[0.0], abs=0.1)
    assert "legend" not in figure


@pytest.mark.parametrize("span", [(5.0, 5.0, 5.0), (0.0, 0.0, 0.0), (-0.002, 0.001, 0.004), (1e6, 2e6, 3e6)])
def test_any_numbers_have_an_axis(span: tuple[float, float, float]) -> None:
    axis = ticks(interval_chart("Scores", [IntervalRow(name="a", spans={"": span}, text="")], ("",)))
    assert min(axis) <= span[0] <= span[2] <= max(axis)
    assert 2 <= len(axis) <= 7


def test_names_are_escaped_and_a_chart_of_nothing_is_drawn() -> None:
    figure = interval_chart("<b>", [IntervalRow(name="<i>", spans={"<u>": (0, 1, 2)}, text="<s>")], ("<u>", "other"))
    assert not re.search("<[bius]>", figure)
    assert parts(interval_chart("Nothing", [], ()), "circle") == []
