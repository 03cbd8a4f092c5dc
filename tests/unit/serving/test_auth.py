"""Keys are checked against the store, remembered for seconds, and the memory stays small."""

import pytest

from polyloop.errors import RequestError
from polyloop.registry.keys import create_key, revoke_key
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
