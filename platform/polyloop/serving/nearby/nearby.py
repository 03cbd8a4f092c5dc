"""The way to the replicas of one task, over sockets to those on the router's own node and over Serve to all others.

Input: `Call`s from the coroutines of one event loop. Output: to each its `Reply`, or what its call raised. Replicas of
the node are found by their sockets in a folder. The one with the fewest calls of this router is asked; where replicas
of other nodes have fewer, or those here have as many as they may, Serve chooses instead. So nothing depends on sockets:
where there are none, as while a task is scaled up from nothing, all calls take the way over Serve.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from polyloop.serving.calls import Call, Reply, Way
from polyloop.serving.nearby.channel import Channel
from polyloop.serving.nearby.places import ENDING

logger = logging.getLogger("polyloop.serving")

LOOK_S = 0.5
"""How often the folder is looked at for new replicas."""


class Nearby:
    """A `Way` to the replicas of one task.

    `num_replicas` says how many there are on all nodes together, `most` how many calls one of them may have from here.
    """

    def __init__(self, over_serve: Way, folder: Path, num_replicas: Callable[[], int], *, most: int) -> None:
        self._over_serve, self._folder = over_serve, folder
        self._num_replicas, self._most = num_replicas, most
        self._channels: dict[str, Channel] = {}
        self._num_over_serve = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking: asyncio.Task[None] | None = None
        self._out_of_reach: set[Path] = set()

    @property
    def alive(self) -> bool:
        """True while replicas are looked for, or nobody has asked yet."""
        return self._looking is None or not self._looking.done()

    def holds(self, _version: str) -> bool:
        """Return True: replicas tell by themselves what they hold."""
        return True

    async def reply(self, call: Call) -> Reply:
        """Return the reply to one call, or raise what the call or the hop raised."""
        channel = self._chosen()
        if channel is not None:
            return await channel.reply(call)
        self._num_over_serve += 1
        try:
            return await self._over_serve.reply(call)
        finally:
            self._num_over_serve -= 1

    def stream(self, call: Call) -> Any:
        """Return the parts of one output."""
        channel = self._chosen()
        return self._over_serve.stream(call) if channel is None else channel.stream(call)

    def close(self) -> None:
        """Let go of the replicas; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._let_go)

    def _let_go(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        for channel in self._channels.values():
            channel.close()

    def _chosen(self) -> Channel | None:
        """Return the connection to ask over, or None where Serve shall choose."""
        if self._looking is None:  # begun here, as connections belong to the event loop that asks
            self._loop = asyncio.get_running_loop()
            self._looking = self._loop.create_task(self._look_on())
        usable = [channel for channel in self._channels.values() if channel.is_usable]
        if not usable:
            return None
        best = min(usable, key=lambda channel: (channel.num_in_flight, random.random()))
        num_elsewhere = max(0, self._num_replicas() - len(usable))
        if best.num_in_flight >= self._most or self._num_over_serve < best.num_in_flight * num_elsewhere:
            return None
        return best

    async def _look_on(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        """Connect to replicas that are new, and forget those that have gone."""
        told, self._out_of_reach = self._out_of_reach, set()
        self._channels = {name: channel for name, channel in self._channels.items() if channel.is_connected}
        try:
            found = {path.name for path in self._folder.iterdir() if path.suffix == ENDING}
        except FileNotFoundError:  # emptied by whoever tidies temporary files; a replica that starts makes it anew
            return
        except OSError as error:
            self._cannot_be_asked(self._folder, error, told)
            return
        for name in found - self._channels.keys():
            try:
                self._channels[name] = await Channel.to(self._folder / name)
            except FileNotFoundError:  # it has just taken leave
                continue
            except ConnectionRefusedError:  # its process was killed, since a socket has its name once it is listened to
                (self._folder / name).unlink(missing_ok=True)
            except OSError as error:
                self._cannot_be_asked(self._folder / name, error, told)

    def _cannot_be_asked(self, place: Path, error: OSError, told: set[Path]) -> None:
        """Log once that replicas are out of reach, until they are within it again."""
        self._out_of_reach.add(place)
        if place not in told:
            logger.warning("no replica can be asked at %s, so Serve is: %s", place, str(error) or type(error).__name__)
