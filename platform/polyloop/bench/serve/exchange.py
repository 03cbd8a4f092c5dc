"""As much of an HTTP/1.1 client as a load generator needs: one kept connection, one JSON request after the other.

Input: a URL, headers and JSON bodies. Output: status and body of each answer. Errors: `ExchangeError` with a short
reason, after which the next request opens a new connection. Limits: plain HTTP, answers with a Content-Length. It takes
much less of the processor than general clients do, so that the client is not what is measured.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
LENGTH = b"\r\ncontent-length:"
MAX_HEAD_BYTES = 65_536


class ExchangeError(Exception):
    """A request that got no answer; the text says why, alike for alike failures."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


def request_of(url: str, headers: Mapping[str, str], body: Any | None) -> bytes:
    """Return a request as it goes over the wire: a POST with a JSON body, or without one a GET."""
    parts = urlsplit(url)
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    fields = {"Host": parts.netloc, **headers}
    if body is not None:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{'GET' if body is None else 'POST'} {parts.path or '/'} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode() + HEAD_END + content


class Connection:
    """A connection to one server, opened at the first request and after each failure; one request at a time."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), parts.port or 80
        self._timeout_s = timeout_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, request: bytes) -> Answer:
        """Send a request and return its answer, whatever its status; ExchangeError where none comes in time."""
        is_done = False
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._exchange(request)
            is_done = True
            return answer
        except TimeoutError:
            raise ExchangeError(f"no answer within {self._timeout_s:g} s") from None
        except ConnectionRefusedError:
            raise ExchangeError("the connection was refused") from None
        except (OSError, asyncio.IncompleteReadError):
            raise ExchangeError("the connection ended before the answer") from None
        except asyncio.LimitOverrunError:
            raise ExchangeError(f"the answer's head is longer than {MAX_HEAD_BYTES} bytes") from None
        finally:
            if not is_done:
                self.close()

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _exchange(self, request: bytes) -> Answer:
        # A kept connection that the server has closed meanwhile is no failure: no client would send on it.
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection(self._host, self._port, limit=MAX_HEAD_BYTES)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(HEAD_END)).lower()
        status, length = head_of(head)
        body = await reader.readexactly(length)
        if b"\r\nconnection: close" in head:
            self.close()
        return Answer(status=status, body=body)


def head_of(head: bytes) -> tuple[int, int]:
    """Return status and length of the body that a head in lower case tells; ExchangeError where it does not."""
    if not head.startswith(b"http/1.") or not head[9:12].isdigit():
        raise ExchangeError("the answer is not HTTP/1.1")
    start = head.find(LENGTH)
    if start < 0:
        raise ExchangeError("the answer has no Content-Length")
    start += len(LENGTH)
    length = head[start : head.index(b"\r\n", start)].strip()
    if not length.isdigit():
        raise ExchangeError("the answer's Content-Length is no number")
    return int(head[9:12]), int(length)
