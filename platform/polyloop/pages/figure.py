"""What all plots share: the figure around the drawing, its legend, and how wide texts are. Pure.

Inputs: parts of inline SVG, titles and names. Output: markup that is safe to put into a page, takes its colours from
`charts.css` (light and dark), and says the description to screen readers. Figures are drawn 360 units wide, so that
their text keeps its size on a narrow screen. Limits: widths of texts are estimated from their characters.
"""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup, escape

STYLE = Path(__file__).with_name("charts.css")
"""What a page with charts needs to hold."""

WIDTH = 360
NUM_COLOURS = 8
"""Different colours of `charts.css`; further series begin again with the first."""
CHARACTER_WIDTH = 6.7


def figure(title: str, description: str, height: float, parts: Sequence[Markup], legend: Markup) -> Markup:
    """Return a figure `WIDTH` wide and `height` high around its parts."""
    return Markup(
        '<figure class="chart"><figcaption>{title}</figcaption>{legend}'
        '<svg role="img" aria-label="{label}" viewBox="0 0 {width} {height:.0f}" xmlns="http://www.w3.org/2000/svg">'
        "{parts}</svg></figure>"
    ).format(
        title=title,
        legend=legend,
        label=f"{title}. {description}",
        width=WIDTH,
        height=max(height, 1),
        parts=Markup("").join(parts),
    )


def legend(series: Sequence[str]) -> Markup:
    """Return which colour is which series; nothing for one series."""
    if len(series) < 2:
        return Markup()
    items = (
        Markup('<li><i class="swatch series-{}"></i><bdi>{}</bdi></li>').format(number % NUM_COLOURS, name)
        for number, name in enumerate(series)
    )
    return Markup('<ul class="legend" aria-hidden="true">{}</ul>').format(Markup("").join(items))


def short(number: float) -> str:
    """Return a number with at most one decimal."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def _columns_of(character: str) -> int:
    """Return how many columns of a typewriter a character takes."""
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def text_width(text: str) -> float:
    """Return about how wide a text is drawn."""
    return sum(map(_columns_of, text)) * CHARACTER_WIDTH


def fitted(text: str, width: float) -> Markup:
    """Return the start of a text that is not wider than `width`, with an ellipsis if that is not all."""
    if text_width(text) <= width:
        return escape(text)
    kept = text
    while kept and text_width(kept) + CHARACTER_WIDTH > width:
        kept = kept[:-1]
    return escape(f"{kept.rstrip()}…")
