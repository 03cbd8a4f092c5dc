"""The frame of every report: one HTML file that needs no network and no script, for light and dark screens and paper.

Inputs: words for the head, and sections of blocks. Output: the page. Pure: the same inputs give the same page. Every
text is escaped; text of the data keeps its own direction.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from polyloop.pages.blocks import Section
from polyloop.pages.charts import STYLE

if TYPE_CHECKING:
    from jinja2 import Template

_FOLDER = Path(__file__).parent


def render_page(
    *,
    title: str,
    brand: str,
    heading: str,
    aside: str | Markup,
    tiles: Sequence[tuple[str, str]],
    sections: Sequence[Section],
    warnings: Sequence[str] = (),
) -> str:
    """Return the page.

    `brand` says what kind of report it is, `heading` what it is about, `aside` is a line below (Markup is taken as it
    is), `tiles` are the figures at the top, each as what it is and its value.
    """
    return _template().render(
        title=title,
        brand=brand,
        heading=heading,
        aside=aside,
        tiles=tiles,
        sections=sections,
        warnings=warnings,
        styles=[STYLE.read_text(encoding="utf-8"), (_FOLDER / "page.css").read_text(encoding="utf-8")],
    )


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
