"""Keys are checked against the store, remembered for seconds, and the memory stays small."""

import asyncio
import hmac
import threading
from typing import Any

import pytest

from polyloop.errors import RegistryError, RequestError
from polyloop.registry.keys import authenticate, create_key, revoke_key
from polyloop.registry.store import Store
from polyloop.serving import auth
from polyloop.serving.auth import KeyCheck, project_signing_key
from polyloop.spec.settings import settings


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test sets."""
    clock = [100.0]
    monkeypatch.setattr("polyloop.serving.auth.time.monotonic", lambda: clock[0])
    return clock


async def refusal(check: KeyCheck, authorization: str | None, scope: str = "infer") -> tuple[int, str]:
    with pytest.raises(RequestError) as caught:
        await check.require(authorization, scope)
    return caught.value.status, caught.value.code


async def test_a_valid_key_is_let_in(store: Store) -> None:
    info, secret = create_key(store, "site", ["infer"])
    assert (await KeyCheck(store).require(f"Bearer {secret}", "infer")).key_id == info.key_id
    assert (await KeyCheck(store).require(f"bearer  {secret} ", "infer")).key_id == info.key_id


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic abc", "plk_x"])
async def test_a_missing_key_is_a_401(store: Store, header: str | None) -> None:
    assert await refusal(KeyCheck(store), header) == (401, "missing_key")


@pytest.mark.parametrize("secret", ["x", "plk_00000000_" + "a" * 43, "plk_00000000_" + "é" * 43, "plk_" + "a" * 9_999])
async def test_a_malformed_or_unknown_key_is_a_401(store: Store, secret: str) -> None:
    assert await refusal(KeyCheck(store), f"Bearer {secret}") == (401, "bad_key")


async def test_a_key_without_the_scope_is_a_403_that_says_what_it_has(store: Store) -> None:
    _, secret = create_key(store, "site", ["feedback"])
    assert await refusal(KeyCheck(store), f"Bearer {secret}") == (403, "missing_scope")


async def test_an_admin_key_may_do_everything(store: Store) -> None:
    _, secret = create_key(store, "root", ["admin"])
    assert (await KeyCheck(store).require(f"Bearer {secret}", "infer")).name == "root"


async def test_a_revoked_key_stops_working_when_the_memory_ends(store: Store, now: list[float]) -> None:
    info, secret = create_key(store, "site", ["infer"])
    check = KeyCheck(store)
    await check.require(f"Bearer {secret}", "infer")
    revoke_key(store, info.key_id)
    now[0] += auth.MEMORY_S - 0.1
    await check.require(f"Bearer {secret}", "infer")
    now[0] += 0.2
    assert await refusal(check, f"Bearer {secret}") == (401, "bad_key")


async def test_the_memory_is_bounded_and_holds_no_malformed_keys(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "MEMORY_KEYS", 3)
    check = KeyCheck(store)
    for number in range(10):
        await refusal(check, f"Bearer plk_{number:08x}_{'a' * 43}")
        await refusal(check, f"Bearer nonsense{number}")
        assert len(check._memory) <= 3
    assert all(secret.startswith("plk_") for secret in check._memory)


async def test_keys_that_were_made_up_leave_the_memory_before_those_that_are_good(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "MEMORY_KEYS", 3)
    check, secret = KeyCheck(store), create_key(store, "site", ["infer"])[1]
    await check.require(f"Bearer {secret}", "infer")
    for number in range(10):
        await refusal(check, f"Bearer plk_{number:08x}_{'a' * 43}")
        assert secret in check._memory


def failing(*_arguments: Any) -> None:
    raise RegistryError("the store cannot be reached")


async def test_while_the_store_is_away_a_key_that_was_good_goes_on_for_a_while(
    store: Store, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    (info, secret), (_, other) = create_key(store, "site", ["infer"]), create_key(store, "late", ["infer"])
    check = KeyCheck(store)
    await check.require(f"Bearer {secret}", "infer")
    monkeypatch.setattr(auth, "authenticate", failing)
    for _ in range(3):
        now[0] += auth.AWAY_S / 4
        assert await check.require(f"Bearer {secret}", "infer") == info
        assert await refusal(check, f"Bearer {secret}", "feedback") == (403, "missing_scope")
    with pytest.raises(RegistryError):
        await check.require(f"Bearer {other}", "infer")
    now[0] += auth.AWAY_S / 4
    with pytest.raises(RegistryError):
        await check.require(f"Bearer {secret}", "infer")


async def test_a_key_that_was_bad_stays_bad_while_the_store_is_away(
    store: Store, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    info, secret = create_key(store, "site", ["infer"])
    revoke_key(store, info.key_id)
    check = KeyCheck(store)
    await refusal(check, f"Bearer {secret}")
    monkeypatch.setattr(auth, "authenticate", failing)
    now[0] += auth.MEMORY_S + 1
    with pytest.raises(RegistryError):
        await check.require(f"Bearer {secret}", "infer")


async def test_a_store_that_says_nothing_is_not_waited_for_and_what_it_says_at_last_counts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    info, secret = create_key(store, "site", ["infer"])
    check = KeyCheck(store)
    await check.require(f"Bearer {secret}", "infer")
    asked: list[str] = []
    answers = threading.Event()

    def silent(silent_store: Store, text: str) -> Any:
        asked.append(text)
        answers.wait(60)
        return authenticate(silent_store, text)

    monkeypatch.setattr(auth, "authenticate", silent)
    monkeypatch.setattr(auth, "MEMORY_S", 0.0)
    monkeypatch.setattr(auth, "PATIENCE_S", 0.01)
    for _ in range(3):
        assert await check.require(f"Bearer {secret}", "infer") == info
    assert asked == [secret]
    revoke_key(store, info.key_id)
    answers.set()
    async with asyncio.timeout(20):
        while check._asking:
            await asyncio.sleep(0.01)
    assert await refusal(check, f"Bearer {secret}") == (401, "bad_key")


async def test_requests_that_come_at_once_ask_the_store_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = create_key(store, "site", ["infer"])[1]
    asked: list[str] = []

    def counted(asked_store: Store, text: str) -> Any:
        asked.append(text)
        return authenticate(asked_store, text)

    monkeypatch.setattr(auth, "authenticate", counted)
    check = KeyCheck(store)
    await asyncio.gather(*(check.require(f"Bearer {secret}", "infer") for _ in range(20)))
    assert asked == [secret]


def test_the_signing_key_is_the_environments_where_it_is_set(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    own = project_signing_key(store)
    assert len(own) == 32
    assert project_signing_key(store) == own
    monkeypatch.setenv("POLYLOOP_SIGNING_KEY", "sixteen characters")
    settings.cache_clear()
    try:
        assert project_signing_key(store) == b"sixteen characters"
    finally:
        monkeypatch.undo()
        settings.cache_clear()


@pytest.mark.parametrize("which", ["right", "another secret", "another id"])
def test_secrets_are_compared_by_their_digests_in_constant_time_whether_there_is_such_a_key_or_not(
    store: Store, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    secret = create_key(store, "site", ["infer"])[1]
    others = {"another secret": secret[:13] + "a" * 43, "another id": f"plk_00000000_{secret[13:]}"}
    given = others.get(which, secret)
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr("polyloop.registry.keys.hmac.compare_digest", watched)
    assert (authenticate(store, given) is not None) == (which == "right")
    ((one, other),) = compared
    assert len(one) == len(other) == 32
    monkeypatch.setattr("polyloop.registry.keys.hmac.compare_digest", lambda one, other: False)
    assert authenticate(store, given) is None  # nothing but that comparison lets a key in
