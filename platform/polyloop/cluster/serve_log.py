"""Sends this project's log lines where Serve's own go, in the form that Serve's `logging_config` asks for.

Input: records of the loggers below `polyloop`, and of OpenTelemetry. Effect: lines in the replica's log file, as text
or as JSON, each with the facts of the request that it is about. Without this, they would reach that file through
stderr, without level, name or request, and those below a warning would be lost. Serve keeps up to a thousand lines in
memory in throughput mode; warnings are written at once here, and all else within `FLUSH_S` seconds.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from copy import copy

from polyloop.spec.settings import settings

OWN = "polyloop"
OTHERS = ("opentelemetry",)
SERVE = "ray.serve"
FLUSH_S = 2.0

Facts = Callable[[], Mapping[str, object]]
"""Returns what is known of the request that the calling context belongs to."""


def log_through_serve(facts: Facts = dict, *, is_json: bool = False) -> None:
    """Send lines to Serve from now on, inside of a replica; elsewhere nothing is changed."""
    from ray import serve
    from ray.serve.exceptions import RayServeException

    try:
        place = serve.get_replica_context()
    except RayServeException:
        return
    where = {"application": place.app_name, "deployment": place.deployment, "replica": place.replica_tag}
    handler = ServeHandler(logging.getLogger(SERVE), facts, where, is_json=is_json)
    level = settings().log_level.upper()
    for name in (OWN, *OTHERS):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level if name == OWN else logging.WARNING)
    threading.Thread(target=_flush_on, args=(handler,), name="log-flush", daemon=True).start()


class ServeHandler(logging.Handler):
    """Hands records to the handlers of another logger, with facts as fields (JSON) or behind the message (text)."""

    def __init__(self, serve: logging.Logger, facts: Facts, where: Mapping[str, str], *, is_json: bool) -> None:
        super().__init__()
        self._serve, self._facts, self._where, self._is_json = serve, facts, where, is_json

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one record on."""
        try:
            told = {**self._facts(), **getattr(record, "access", {})}
            own = copy(record)
            own.__dict__.pop("access", None)
            # Serve would put in the id that the client sent, however long; ours is the checked one.
            own.__dict__["skip_context_filter"] = True
            if self._is_json:
                own.__dict__.update({**self._where, "logger": record.name, **told})
            else:
                own.__dict__.update({name: told.pop(name) for name in ("request_id",) if name in told})
                own.msg, own.args = " ".join([record.getMessage(), *(f"{k}={v}" for k, v in told.items())]), None
            self._serve.handle(own)
            if record.levelno >= logging.WARNING:
                self.flush()
        except Exception:  # the boundary to the log: a line must not fail a request
            self.handleError(record)

    def flush(self) -> None:
        """Write what Serve's handlers hold back."""
        for handler in self._serve.handlers:
            handler.flush()


def _flush_on(handler: ServeHandler) -> None:
    while True:
        time.sleep(FLUSH_S)
        handler.flush()
