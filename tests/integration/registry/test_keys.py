"""API keys and the signing key, on both databases."""

import re
import threading

import pytest
from sqlalchemy import select

from polyloop.errors import RegistryError
from polyloop.registry import tables
from polyloop.registry.keys import authenticate, create_key, list_keys, revoke_key, signing_key
from polyloop.registry.store import Store
from polyloop.spec.limits import KeyLimits


def test_a_new_key_authenticates_and_has_the_documented_form(store: Store) -> None:
    info, text = create_key(store, "web", ["infer", "feedback", "infer"])
    assert re.fullmatch(r"plk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", text)
    assert info.scopes == ("infer", "feedback")
    assert authenticate(store, text) == info


def test_the_secret_is_not_in_the_store(store: Store) -> None:
    _, text = create_key(store, "web", ["infer"])
    secret = text.split("_", 2)[2]
    with store.read() as connection:
        row = connection.execute(select(tables.api_keys)).one()
    assert secret not in repr(row)
    assert len(row.secret_sha256) == 32


def test_wrong_texts_do_not_authenticate(store: Store) -> None:
    info, text = create_key(store, "web", ["infer"])
    last = "A" if text[-1] != "A" else "B"
    wrong = ["", "plk", text[:-1], text[:-1] + last, text + "x", text + "\n", text.upper(), "x" * 100_000]
    wrong.append(f"plk_{'0' * 8}_{text.split('_', 2)[2]}")
    wrong.append(f"plk_{info.key_id}_" + "\u00e9" * 43)
    assert [authenticate(store, candidate) for candidate in wrong] == [None] * len(wrong)


def test_a_revoked_key_stops_working_and_stays_listed(store: Store) -> None:
    info, text = create_key(store, "web", ["infer"])
    other, other_text = create_key(store, "app", ["admin"])
    revoked = revoke_key(store, info.key_id)
    assert revoked.revoked_at is not None
    assert authenticate(store, text) is None
    assert authenticate(store, other_text) == other
    assert revoke_key(store, info.key_id) == revoked
    assert list_keys(store) == (revoked, other)


def test_an_unknown_key_cannot_be_revoked(store: Store) -> None:
    with pytest.raises(RegistryError, match="no key 'deadbeef'"):
        revoke_key(store, "deadbeef")


@pytest.mark.parametrize(
    ("name", "scopes", "message"),
    [
        ("web", ["infer", "fly"], "no scope 'fly'; scopes are infer, feedback, review, admin"),
        ("web", [], "at least one scope"),
        (" ", ["infer"], "cannot name a key"),
        ("x" * 101, ["infer"], "cannot name a key"),
    ],
)
def test_bad_keys_are_refused(store: Store, name: str, scopes: list[str], message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        create_key(store, name, scopes)
    assert list_keys(store) == ()


def test_admin_may_do_everything_and_others_only_their_scopes(store: Store) -> None:
    admin, _ = create_key(store, "a", ["admin"])
    infer, _ = create_key(store, "b", ["infer"])
    assert admin.allows("review")
    assert infer.allows("infer")
    assert not infer.allows("feedback")


def test_everyone_gets_the_same_signing_key_even_at_once(store: Store) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(signing_key(store))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) == 32
    assert signing_key(store) == found[0]


def test_a_key_keeps_its_limits(store: Store) -> None:
    limits = KeyLimits(requests_per_minute=60, max_concurrent=4)
    info, text = create_key(store, "web", ["infer"], limits=limits)
    plain, _ = create_key(store, "app", ["infer"])
    found = authenticate(store, text)
    assert found is not None
    assert found.limits == info.limits == limits
    assert {key.key_id: key.limits for key in list_keys(store)} == {info.key_id: limits, plain.key_id: None}
