"""Traffic of the demo over HTTP: simulated users ask, judge and correct, while the platform does what it does.

Input: the service's address, an API key, users and a pool of inputs. Output: `Tally`, updated as it goes. Answers are
never asked for twice: a request that fails is counted as failed. Feedback is sent again under the same
Idempotency-Key until it is acknowledged, as a careful client would, so each acknowledged id must be in the store.
"""

import asyncio
import random
import threading
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from polyloop.client import Answer, AsyncClient, Retries
from polyloop.demo.corpora import TrafficItem
from polyloop.demo.users import Reaction, User
from polyloop.errors import ClientError, NoAnswerError, ServiceFailedError

REQUEST_TIMEOUT_S = 60.0
FEEDBACK_ATTEMPTS = 60
FEEDBACK_PAUSE_S = 0.5
BUSY_USERS = 12
CALM_USERS = 2
CALM_PAUSE_S = 0.5


@dataclass
class Tally:
    """What happened so far; counts by task."""

    sent: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    versions: dict[str, dict[str, int]] = field(default_factory=dict)
    feedback_given: dict[str, int] = field(default_factory=dict)
    corrections_given: dict[str, int] = field(default_factory=dict)
    feedback_lost: int = 0
    acknowledged: set[str] = field(default_factory=set)
    """Ids of feedback whose receipt arrived."""


class Traffic:
    """Users at work in a thread of their own, from `start` to `stop`."""

    def __init__(
        self, *, url: str, api_key: str, users: Sequence[User], pool: Sequence[TrafficItem], seed: int
    ) -> None:
        self.tally = Tally()
        self._url = url
        self._api_key = api_key
        self._users = users
        self._weights = [user.activity for user in users]
        self._pool = pool
        self._rng = random.Random(f"{seed}/traffic-order")
        self._next = 0
        self._calm_tasks: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="traffic", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> Tally:
        """Let what is under way finish, and return the final tally."""
        self._stop.set()
        self._thread.join()
        return self.tally

    def calm(self, task: str) -> None:
        """Go on with a trickle for a task; its users have said enough."""
        self._calm_tasks.add(task)

    async def _main(self) -> None:
        once = Retries(max_tries=1, deadline_s=REQUEST_TIMEOUT_S)
        async with AsyncClient(self._url, self._api_key, timeout_s=REQUEST_TIMEOUT_S, retries=once) as client:
            await asyncio.gather(*(self._work(client, number) for number in range(BUSY_USERS)))

    async def _work(self, client: AsyncClient, number: int) -> None:
        while not self._stop.is_set():
            item = self._draw()
            if item is None:  # every task is calm: a few users stay, the others wait
                if number >= CALM_USERS:
                    await asyncio.sleep(CALM_PAUSE_S)
                    continue
                await asyncio.sleep(CALM_PAUSE_S)
                item = self._any()
            user = self._rng.choices(self._users, self._weights)[0]
            answer = await self._ask(client, user, item)
            if answer is not None:
                reaction = user.react(item, answer.output)
                if reaction is not None:
                    await self._tell(client, user, answer, reaction)

    def _any(self) -> TrafficItem:
        item = self._pool[self._next % len(self._pool)]
        self._next += 1
        return item

    def _draw(self) -> TrafficItem | None:
        """Return the next input of a task that is not calm, or None when all are."""
        for _ in range(len(self._pool)):
            item = self._any()
            if item.task not in self._calm_tasks:
                return item
        return None

    async def _ask(self, client: AsyncClient, user: User, item: TrafficItem) -> Answer | None:
        target = item.target_locale if item.target_locale != item.locale else None
        _count(self.tally.sent, item.task)
        try:
            answer = await client.answer(
                item.task, item.input, locale=item.locale, target_locale=target, user=user.name
            )
        except ClientError as error:
            _count(self.tally.failed, item.task)
            self.tally.failures.append(f"{item.task}: {type(error).__name__}: {error}")
            return None
        _count(self.tally.versions.setdefault(item.task, {}), answer.version)
        return answer

    async def _tell(self, client: AsyncClient, user: User, answer: Answer, reaction: Reaction) -> None:
        statement = asdict(reaction)
        key = str(uuid.uuid4())
        _count(self.tally.feedback_given, answer.task)
        if reaction.correction is not None:
            _count(self.tally.corrections_given, answer.task)
        for _ in range(FEEDBACK_ATTEMPTS):
            try:
                receipt = await client.feedback(answer, **statement, user=user.name, idempotency_key=key)
            except (NoAnswerError, ServiceFailedError):
                await asyncio.sleep(FEEDBACK_PAUSE_S)
                continue
            except ClientError:  # refused at the door, such as a correction that is no label
                return
            self.tally.acknowledged.add(receipt.feedback_id)
            return
        self.tally.feedback_lost += 1


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1
