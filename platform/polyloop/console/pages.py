"""The files of the web console, as routes for the application that also serves the API.

Input: the folder static/ of this package and the looks that all pages share, read once. Output: routes for /console and
its files, to be added to an application. The files need no key and hold no data: the page asks for a key and calls the
API with it. Limits: only the files named here are served, so that no path leads out of the folder; they refer to no
other host and work offline.
"""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PAGE = "/console"

_STATIC = files("polyloop.console") / "static"

STYLES = ("console.css", "forms.css", "answers.css", "tables.css")
SCRIPTS = (
    "console.js",
    "api.js",
    "dom.js",
    "format.js",
    "catalogue.js",
    "playground.js",
    "fields.js",
    "turns.js",
    "answer.js",
    "feedback.js",
    "snippets.js",
    "live.js",
    "releases.js",
    "changes.js",
)
"""The page begins with console.js; each of the others is one part of it."""

FILES: Mapping[str, tuple[Traversable, str]] = {
    PAGE: (_STATIC / "index.html", "text/html"),
    f"{PAGE}/base.css": (files("polyloop.pages") / "base.css", "text/css"),
    **{f"{PAGE}/{name}": (_STATIC / name, "text/css") for name in STYLES},
    **{f"{PAGE}/{name}": (_STATIC / name, "text/javascript") for name in SCRIPTS},
    f"{PAGE}/icon.svg": (_STATIC / "icon.svg", "image/svg+xml"),
}
"""Path -> file and its media type."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with each file: only files of this server run, no other page may frame this one, an update shows at once."""


def console_routes() -> list[Route]:
    """Return one GET route for each file of the console."""
    return [_route(path, file, media_type) for path, (file, media_type) in FILES.items()]


def _route(path: str, file: Traversable, media_type: str) -> Route:
    content = file.read_bytes()

    async def serve_file(_request: Request) -> Response:
        return Response(content, media_type=media_type, headers=HEADERS)

    return Route(path, serve_file, name=f"console {file.name}", include_in_schema=False)
