"""Renders a report: one HTML file that needs no network and no script, for light and dark screens and for paper.

Input: a `Page` of plain text, tables and plots. Output: the markup. Pure: the same page gives the same markup. Every
text is escaped; text of the data keeps its own direction. Limits: everything is in one file, so keep samples short.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from polyloop.pages.blocks import Section
from polyloop.pages.figure import STYLE

if TYPE_CHECKING:
    from jinja2 import Template

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a reader has to know first, in a box of its own."""

    title: str
    lines: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Page:
    """A report before any markup."""

    title: str
    """What a browser's tab shows."""
    brand: str
    """What kind of report it is."""
    heading: str
    aside: str | Markup
    """One line below the heading: which one, from when, by what."""
    tiles: Sequence[tuple[str, str]]
    """Figures that stand at the top: what each is, and its value."""
    notice: Notice | None = None
    sections: Sequence[Section]


def render_page(page: Page) -> str:
    """Return the markup of a page."""
    styles = (_FOLDER / "base.css", STYLE, _FOLDER / "page.css")
    return _template().render(page=page, styles=[style.read_text(encoding="utf-8") for style in styles])


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.jinja")
