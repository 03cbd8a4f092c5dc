"""Lines reach Serve's handlers with their level, their logger and the facts of their request, as text and as JSON."""

import json
import logging
from collections.abc import Iterator
from logging.handlers import MemoryHandler
from pathlib import Path

import pytest
from ray.serve._private.logging_utils import configure_component_logger
from ray.serve.schema import LoggingConfig

from polyloop.cluster import serve_log
from polyloop.cluster.serve_log import ServeHandler, log_through_serve

FACTS = {"request_id": "abc", "task": "mood", "version": "v1"}
PLACE = {"application": "polyloop", "deployment": "router", "replica": "r1"}


class Site:
    """A logger whose lines go to a file as Serve writes it."""

    def __init__(self, folder: Path, *, is_json: bool) -> None:
        self._folder = folder
        config = LoggingConfig(encoding="JSON" if is_json else "TEXT", logs_dir=str(folder), enable_access_log=False)
        configure_component_logger(
            component_name="router",
            component_id="r1",
            logging_config=config,
            max_bytes=10_000_000,
            backup_count=1,
            buffer_size=1_000,
        )
        self.serve = logging.getLogger("ray.serve")
        self.handler = ServeHandler(self.serve, lambda: FACTS, PLACE, is_json=is_json)
        self.logger = logging.getLogger(f"test_serve_log.{folder.name}")
        self.logger.handlers, self.logger.propagate = [self.handler], False
        self.logger.setLevel(logging.DEBUG)

    def lines(self) -> list[str]:
        """Return what is in the file."""
        return [line for path in self._folder.glob("*.log") for line in path.read_text().splitlines()]


@pytest.fixture
def serve_logger() -> Iterator[None]:
    """Leave Serve's logger as it was."""
    logger = logging.getLogger("ray.serve")
    before = (list(logger.handlers), logger.propagate, logger.level)
    yield
    for handler in logger.handlers:
        if isinstance(handler, MemoryHandler) and handler.target and handler not in before[0]:
            handler.target.close()
    logger.handlers, logger.propagate = before[0], before[1]
    logger.setLevel(before[2])


@pytest.fixture
def site(request: pytest.FixtureRequest, serve_logger: None, tmp_path: Path) -> Site:
    return Site(tmp_path, is_json=request.param)


@pytest.mark.parametrize("site", [True], indirect=True)
def test_a_json_line_has_its_facts_level_logger_and_place(site: Site) -> None:
    site.logger.info("loaded %s", "v2", extra={"access": {"status": 200}})
    assert site.lines() == []
    site.handler.flush()
    (line,) = map(json.loads, site.lines())
    assert {name: line[name] for name in ("levelname", "message", "logger")} == {
        "levelname": "INFO",
        "message": "loaded v2",
        "logger": site.logger.name,
    }
    assert {name: line[name] for name in (*FACTS, *PLACE)} == {**FACTS, **PLACE}
    assert line["status"] == 200
    assert "access" not in line
    assert line["filename"] == "test_serve_log.py"


@pytest.mark.parametrize("site", [False], indirect=True)
def test_a_text_line_has_its_facts_behind_the_message(site: Site) -> None:
    site.logger.info("100 %s of %s", "%", "it", extra={"access": {"status": 200}})
    site.handler.flush()
    (line,) = site.lines()
    assert line.startswith("INFO ")
    assert "abc" in line
    assert line.endswith("100 % of it task=mood version=v1 status=200")


@pytest.mark.parametrize("site", [True, False], indirect=True)
def test_a_warning_is_written_at_once_with_what_came_before(site: Site) -> None:
    site.logger.info("first")
    assert site.lines() == []
    site.logger.warning("second")
    assert len(site.lines()) == 2


@pytest.mark.parametrize("site", [True], indirect=True)
def test_a_traceback_is_one_line(site: Site) -> None:
    try:
        raise ZeroDivisionError("oh\nno")
    except ZeroDivisionError:
        site.logger.exception("it failed")
    (line,) = map(json.loads, site.lines())
    assert "ZeroDivisionError" in line["exc_text"]


@pytest.mark.parametrize("site", [True], indirect=True)
def test_facts_that_cannot_be_told_fail_no_caller(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.handler._facts = lambda: {"task": object()}
    site.logger.warning("told anyway")
    assert "Logging error" in capsys.readouterr().err


def test_outside_of_a_replica_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    own = logging.getLogger(serve_log.OWN)
    before = (list(own.handlers), own.propagate, own.level)
    log_through_serve()
    assert (own.handlers, own.propagate, own.level) == before
