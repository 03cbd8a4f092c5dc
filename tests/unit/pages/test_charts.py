"""Plots: well-formed markup that says its numbers to screen readers and escapes every name."""

from xml.etree import ElementTree

from polyloop.pages.charts import Bar, Column, bar_chart, histogram
from polyloop.pages.figure import WIDTH

SVG = "{http://www.w3.org/2000/svg}"


def rectangles(figure: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(figure).iter(f"{SVG}rect"))


def test_bars_are_as_long_as_their_numbers() -> None:
    bars = [Bar(name="en", parts={"a": 30, "b": 10}, text="40"), Bar(name="de", parts={"a": 10}, text="10")]
    first, second, third = (float(part.get("width", 0)) for part in rectangles(bar_chart("Rows", bars, ("a", "b"))))
    assert abs(first - 3 * second) < 2
    assert abs(second - third) < 1


def test_a_chart_says_its_title_and_numbers() -> None:
    figure = bar_chart("Rows", [Bar(name="en", parts={"": 3}, text="3 rows")], ("",))
    (svg,) = ElementTree.fromstring(figure).iter(f"{SVG}svg")
    assert (svg.get("role"), svg.get("aria-label")) == ("img", "Rows. en: 3 rows")
    assert "legend" not in figure


def test_names_are_escaped_and_long_ones_cut_with_the_whole_as_a_hint() -> None:
    name = "<script>alert('a very long name')</script>"
    figure = bar_chart(name, [Bar(name=name, parts={name: 1}, text=name)], (name, "b"))
    assert "<script>" not in figure
    texts = [text for text in ElementTree.fromstring(figure).iter(f"{SVG}text") if text.get("class") == "name"]
    assert (texts[0].text or "").endswith("…")
    assert texts[0][0].text == name


def test_a_histogram_has_a_column_for_each_height_and_marks_a_place() -> None:
    columns = [Column(name="1", height=4, tick="1"), Column(name="2 to 3", height=0), Column(name="4", height=8)]
    figure = histogram("Lengths", columns, marker=(0.5, "median 1"))
    low, high = rectangles(figure)
    assert float(high.get("height", 0)) == 2 * float(low.get("height", 0))
    assert float(high.get("x", 0)) > 2 * WIDTH / 3
    (svg,) = ElementTree.fromstring(figure).iter(f"{SVG}svg")
    assert svg.get("aria-label") == "Lengths. median 1; 1: 4; 4: 8"


def test_charts_of_nothing_are_drawn_too() -> None:
    assert rectangles(bar_chart("Rows", [], ("a",))) == []
    assert rectangles(histogram("Lengths", [])) == []
