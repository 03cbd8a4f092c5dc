"""The load generator counts what was answered rightly, and every failure by its reason, whatever the server does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from polyloop.bench.serve.exchange import Connection, request_of
from polyloop.bench.serve.load import Load, LoadPlan

SLOW_S = 0.2


class Server:
    """An HTTP server that does to a request what its input says."""

    def __init__(self) -> None:
        self.num_connections = 0
        self.heads: list[str] = []
        self.in_flight = self.most_in_flight = 0

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ask"

    def close(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.num_connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                length = head.lower().partition("content-length:")[2].partition("\r\n")[0]
                body = json.loads(await reader.readexactly(int(length))) if length else {"input": ""}
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                is_open = await self._answer(writer, body["input"])
                self.in_flight -= 1
                if not is_open:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, text: str) -> bool:
        """Return whether the connection stays open."""
        if text == "slow":
            await asyncio.sleep(SLOW_S)
        if text == "hang up":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            return False
        if text == "chunks":
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            return True
        bodies = {"no json": b"<html>", "no output": b"{}", "other": b'{"output": "another text"}'}
        body = bodies.get(text, json.dumps({"output": text or "welcome", "version": "v7"}).encode())
        status = "503 Service Unavailable" if text == "refuse" else "200 OK"
        close = "Connection: close\r\n" if text == "last" else ""
        writer.write(f"HTTP/1.1 {status}\r\n{close}content-LENGTH: {len(body)}\r\n\r\n".encode() + body)
        return not close and text != "leave"


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    one = Server()
    url = await one.start()
    yield one, url
    one.close()


async def run(url: str, *texts: str, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"warm_s": 0.0, "counted_s": 0.3, "timeout_s": 5.0}
    bodies = tuple({"input": text} for text in texts)
    return await Load(LoadPlan(url=url, bodies=bodies, **fields | changes)).run()


async def test_each_connection_is_kept_and_sends_its_next_request_when_it_has_an_answer(server: tuple[Server, str]):
    one, url = server

    told = await run(url, "hello", connections=3, expected="echo", headers={"Authorization": "Bearer k"}, counted_s=1.0)

    assert told["num_failed"] == 0
    assert told["num_requests"] > 3
    assert told["requests_per_s"] == pytest.approx(told["num_requests"] / 1.0, rel=0.1)
    assert 0 < told["p50_ms"] <= told["p99_ms"] <= told["max_ms"]
    assert told["versions"].keys() == {"v7"}
    assert one.num_connections == 3
    assert one.most_in_flight <= 3
    assert one.heads[0].startswith("POST /ask HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "\r\nAuthorization: Bearer k\r\n" in one.heads[0]
    assert 0 < told["client_cpu"] <= 1.5


async def test_nothing_is_sent_on_a_kept_connection_that_the_server_has_closed(server: tuple[Server, str]):
    one, url = server
    connection = Connection(url, timeout_s=5.0)
    request = request_of(url, {}, {"input": "leave"})

    for _ in range(3):
        assert (await connection.exchange(request)).status == 200
        await asyncio.sleep(0.05)

    connection.close()
    assert one.num_connections == 3


async def test_a_slow_server_is_waited_for_and_its_rate_is_of_the_time_that_it_took(server: tuple[Server, str]):
    _, url = server

    told = await run(url, "slow", connections=2, counted_s=SLOW_S / 4, least_rounds=3)

    assert told["num_requests"] == 6
    assert told["requests_per_s"] == pytest.approx(2 / SLOW_S, rel=0.3)


async def test_a_server_that_answers_nothing_is_not_waited_for_without_end(server: tuple[Server, str]):
    _, url = server

    told = await run(url, "refuse", counted_s=0.1, timeout_s=0.3, least_rounds=3)

    assert told["num_requests"] == told["requests_per_s"] == 0
    assert told["failures"].keys() == {"status 503"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("refuse", "status 503"),
        ("hang up", "the connection ended before the answer"),
        ("chunks", "the answer has no Content-Length"),
        ("no json", "the answer is not JSON"),
        ("no output", "the answer has no output"),
        ("other", "the output is not the input"),
    ],
)
async def test_a_wrong_answer_is_a_failure_with_its_reason_and_no_sample(
    server: tuple[Server, str], text: str, reason: str
):
    _, url = server

    told = await run(url, text, "hello", expected="echo", counted_s=1.0)

    assert told["failures"].keys() == {reason}
    assert told["num_failed"] == told["failures"][reason] >= 1
    assert told["num_requests"] >= told["num_failed"] - 1, "after a failure the next request is answered again"
    assert told["num_requests"] > 0


async def test_a_server_that_is_not_there_or_says_nothing_is_told(server: tuple[Server, str]):
    one, url = server

    silent = await run(url, "slow", timeout_s=SLOW_S / 4, counted_s=0.1)
    one.close()
    absent = await run(url, "hello", counted_s=0.1)

    assert silent["failures"].keys() == {"no answer within 0.05 s"}
    assert absent["failures"].keys() == {"the connection was refused"}
    assert absent["num_requests"] == 0
    assert absent["num_failed"] < 10, "a server that is not there is not asked in a tight loop"
    assert "p50_ms" not in absent


async def test_a_server_may_close_a_connection_with_its_answer(server: tuple[Server, str]):
    one, url = server

    told = await run(url, "last", counted_s=1.0)

    assert told["num_failed"] == 0
    assert told["num_requests"] > 1
    assert one.num_connections >= told["num_requests"]


async def test_answers_while_warming_up_are_not_counted_but_failures_are(server: tuple[Server, str]):
    one, url = server

    told = await run(url, "refuse", *["slow"] * 50, warm_s=SLOW_S * 2, counted_s=SLOW_S * 8)

    assert told["failures"] == {"status 503": 1}
    assert 1 <= told["num_requests"] < len(one.heads) - 1, "some were answered while warming up, or too late"


async def test_paced_requests_do_not_wait_for_each_other_and_count_from_when_they_were_due(server: tuple[Server, str]):
    one, url = server

    told = await run(url, "slow", rate=50.0, counted_s=0.6, keeps_samples=True)

    dues = [at_s for at_s, _, _ in told["samples"]]
    assert len(dues) == 30
    assert [round(due_s - dues[0], 3) for due_s in sorted(dues)] == [round(number / 50, 3) for number in range(30)]
    assert one.most_in_flight >= 5, "a rate of 50 with answers of 0.2 s has ten under way"
    assert all(latency_ms >= SLOW_S * 1000 for _, latency_ms, _ in told["samples"])


async def test_a_file_ends_a_paced_load_before_its_time(server: tuple[Server, str], tmp_path: Path):
    _, url = server
    end = tmp_path / "end"
    began = time.monotonic()

    load = asyncio.create_task(run(url, "hello", rate=100.0, counted_s=60.0, ends_with=end))
    await asyncio.sleep(0.3)
    end.touch()
    told = await load

    assert time.monotonic() - began < 10
    assert 0 < told["num_requests"] < 1_000
    assert told["requests_per_s"] < 200


async def test_a_load_without_bodies_gets(server: tuple[Server, str]):
    one, url = server

    told = await run(url, expected="any")

    assert told["num_failed"] == 0
    assert one.heads[0].startswith("GET /ask HTTP/1.1\r\n")
