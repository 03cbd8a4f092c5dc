"""The console's files: served with their types and a strict policy, whole without any other host, and nothing else."""

import re
from importlib.resources import files

import httpx
import pytest
from starlette.applications import Starlette

from polyloop.console.pages import FILES, console_routes

STATIC = {file.name: file.read_text("utf-8") for file, _ in FILES.values()}
PAGE, COLOURS = (STATIC[name] for name in ("index.html", "base.css"))
MODULES = {name: text for name, text in STATIC.items() if name.endswith(".js")}
SCRIPT = "\n".join(MODULES.values())
MAX_LINES = 250
IMPORT = re.compile(r'^import (?:\{[^}]*\} from )?"([^"]+)";$', flags=re.MULTILINE)
SVG_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
READABLE_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3 at level AA; 1.4.11 asks 3 of the edges of controls."""


@pytest.fixture
def console() -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(Starlette(routes=console_routes())), base_url="http://polyloop"
    )


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/console", "text/html; charset=utf-8"),
        ("/console/base.css", "text/css; charset=utf-8"),
        ("/console/console.css", "text/css; charset=utf-8"),
        ("/console/tables.css", "text/css; charset=utf-8"),
        ("/console/console.js", "text/javascript; charset=utf-8"),
        ("/console/api.js", "text/javascript; charset=utf-8"),
        ("/console/icon.svg", "image/svg+xml"),
    ],
)
async def test_each_file_comes_whole_with_its_media_type(
    console: httpx.AsyncClient, path: str, media_type: str
) -> None:
    response = await console.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert response.text == STATIC[FILES[path][0].name]


@pytest.mark.parametrize("path", FILES)
async def test_only_this_server_may_be_asked_and_no_page_may_frame_it(console: httpx.AsyncClient, path: str) -> None:
    headers = (await console.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert (policy["frame-ancestors"], policy["base-uri"]) == ("'none'", "'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/console/pages.py",
        "/console/../pages.py",
        "/console/%2e%2e/pages.py",
        "/console/..%2fpages.py",
        "/console/%2e%2e%2f%2e%2e%2ferrors.py",
        "/console/..\\pages.py",
        "/console//etc/passwd",
        "/console/%2fetc%2fpasswd",
        "/console/console.js/../../pages.py",
        "/console/index.html",
        "/console/",
    ],
)
async def test_no_other_path_leads_to_a_file(console: httpx.AsyncClient, path: str) -> None:
    response = await console.send(httpx.Request("GET", httpx.URL("http://polyloop").copy_with(raw_path=path.encode())))
    assert response.status_code in (307, 404)
    assert response.text in ("", "Not Found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_files_can_only_be_read(console: httpx.AsyncClient, method: str) -> None:
    assert (await console.request(method, "/console")).status_code == 405


@pytest.mark.parametrize("name", STATIC)
def test_no_file_refers_to_another_host(name: str) -> None:
    text = STATIC[name].replace(SVG_NAMESPACE, "")
    assert re.findall(r"(?:\w+:)?//[\w.-]+\.\w+|\bhttps?:|\bwss?:|@import", text) == []


def test_every_file_that_the_page_names_is_served() -> None:
    local = re.findall(r'(?:src|href)="(?!#|docs")([^"]+)"', PAGE)
    loaded = {f"/console/{name}" for name in MODULES if name != "console.js"}
    assert {f"/{path}" for path in local} == FILES.keys() - {"/console"} - loaded


def test_every_module_is_reached_from_the_first_and_imports_only_what_is_served() -> None:
    reached, waiting = set(), ["console.js"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [path.removeprefix("./") for path in IMPORT.findall(MODULES[name])]
    assert reached == MODULES.keys()


def test_every_file_of_the_folder_is_served() -> None:
    folder = {file.name for file in (files("polyloop.console") / "static").iterdir()}
    assert folder == STATIC.keys() - {"base.css"}


@pytest.mark.parametrize("name", STATIC)
def test_no_file_is_long(name: str) -> None:
    assert len(STATIC[name].splitlines()) < MAX_LINES


def test_the_page_holds_no_script_style_or_handler_of_its_own() -> None:
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", PAGE) == []


def test_the_script_never_makes_markup_of_text() -> None:
    makers = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|DOMParser|createContextualFragment|\beval\b"
    )
    assert re.findall(makers, SCRIPT) == []


def test_the_key_is_kept_for_the_tab_only() -> None:
    assert "sessionStorage" in SCRIPT
    assert re.findall(r"localStorage|indexedDB|\.cookie", SCRIPT) == []


def test_every_field_of_the_page_has_a_label() -> None:
    fields = set(re.findall(r'<(?:input|select|textarea)\s[^>]*?id="([^"]+)"', PAGE))
    assert len(fields) >= 8
    assert fields == set(re.findall(r'<label for="([^"]+)"', PAGE))


def test_every_element_that_the_script_looks_up_is_on_the_page() -> None:
    used = set(re.findall(r'byId\("([^"]+)"\)', SCRIPT))
    assert len(used) > 10
    assert used <= set(re.findall(r'\sid="([^"]+)"', PAGE))


def colours(theme: str) -> dict[str, str]:
    """Return name -> #rrggbb of a theme: the first block of properties is the light one, the second the dark one."""
    block = re.findall(r":root \{(.*?)\}", COLOURS, flags=re.DOTALL)[("light", "dark").index(theme)]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, 0 to 1, as WCAG defines it."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        ("text", "ground", READABLE_CONTRAST),
        ("text", "surface", READABLE_CONTRAST),
        ("text", "sunk", READABLE_CONTRAST),
        ("quiet", "surface", READABLE_CONTRAST),
        ("accent", "surface", READABLE_CONTRAST),
        ("on-accent", "accent", READABLE_CONTRAST),
        ("good", "good-ground", READABLE_CONTRAST),
        ("bad", "bad-ground", READABLE_CONTRAST),
        ("warn", "warn-ground", READABLE_CONTRAST),
        ("edge", "surface", 3.0),
        ("accent", "sunk", 3.0),
    ],
)
def test_colours_can_be_told_apart_in_both_themes(theme: str, ink: str, ground: str, least: float) -> None:
    palette = colours(theme)
    assert contrast(palette[ink], palette[ground]) >= least


def test_contrast_is_what_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
