"""A real HTTP server on a free port, in a thread of the test process, with paths as Serve gives them."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

FEEDBACK = "/v1/feedback"
START_TIMEOUT_S = 20.0


class Prefixes:
    """Hands feedback to the collector and all else to the router, with paths as Serve's proxy gives them."""

    def __init__(self, router: ASGIApp, collector: ASGIApp) -> None:
        self._router, self._collector = router, collector

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["path"] == FEEDBACK or scope["path"].startswith(f"{FEEDBACK}/"):
            await self._collector({**scope, "root_path": FEEDBACK}, receive, send)
        else:
            await self._router(scope, receive, send)


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """Serve an application, and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="site")
        thread.start()
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not server.started:
                assert thread.is_alive()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
