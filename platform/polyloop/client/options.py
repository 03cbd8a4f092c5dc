"""Where the service is and which key to send: from arguments, else from the environment, through the settings.

Input: what the user gave. Output: `Target`. Errors: ClientError where there is no address, or the key cannot be sent.
"""

from dataclasses import dataclass, field

import httpx

from polyloop import __version__
from polyloop.errors import ClientError
from polyloop.spec.settings import settings

MAX_CONNECTIONS = 100
TRY_TIMEOUT_S = 40.0
"""Longest that one try waits for the service to say something: its own default, serving.request_timeout_s, is 30 s."""
MIN_TIMEOUT_S = 0.001
"""A try begins only before the deadline; this keeps its timeout above 0 where that passes meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """An address, which ends with a slash, and the headers that go with every request."""

    base_url: str
    headers: dict[str, str] = field(repr=False)


def target(base_url: str | None, api_key: str | None) -> Target:
    """Return where to send requests; arguments go before POLYLOOP_API_URL and POLYLOOP_API_KEY."""
    url = base_url or settings().api_url
    if not url:
        raise ClientError("no service to ask: give `base_url`, or set POLYLOOP_API_URL, such as http://127.0.0.1:8000")
    try:
        is_address = httpx.URL(url).scheme in ("http", "https") and httpx.URL(url).host != ""
    except httpx.InvalidURL:
        is_address = False
    if not is_address:
        raise ClientError(f"the service's address {url!r} is none: it is like http://127.0.0.1:8000")
    given = settings().api_key
    key = api_key or (given.get_secret_value() if given else "")
    if not key.isascii() or not key.isprintable():
        raise ClientError("the API key has characters that no key has; give it as `polyloop key create` printed it")
    headers = {"User-Agent": f"polyloop-python/{__version__}"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return Target(base_url=url.rstrip("/") + "/", headers=headers)


WORTH_A_TRY = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)
"""Failures of a connection, which may go better the next time; others are the caller's or the configuration's."""


def limits() -> httpx.Limits:
    """Return how many connections a client holds."""
    return httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)
