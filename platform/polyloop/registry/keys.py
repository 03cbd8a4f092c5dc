"""API keys, and the platform's own signing key.

Input: names and scopes. Output: `KeyInfo`, and the key's text exactly once, when it is made.
Limits: the store holds only SHA-256 of the secret; that suffices, as the secret has 256 random bits.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from polyloop.errors import RegistryError
from polyloop.registry import tables
from polyloop.registry.columns import utc_now
from polyloop.registry.dialects import insert_into
from polyloop.registry.store import Store
from polyloop.spec.limits import KeyLimits

SCOPES = ("infer", "feedback", "review", "admin")
"""What a key may do: ask models, give feedback, judge queued feedback, change releases and keys."""

KEY_PATTERN = re.compile(r"plk_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
MAX_NAME_LENGTH = 100
SECRET_BYTES = 32
SIGNING_KEY = "signing"


@dataclass(frozen=True, kw_only=True)
class KeyInfo:
    """What may be known of a key; `revoked_at` is None while it is valid."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None = None
    limits: KeyLimits | None = None
    """What it may ask of one router; None for the usual limits of the spec."""

    def allows(self, scope: str) -> bool:
        """Return whether the key may do what needs `scope`; admin may do everything."""
        return scope in self.scopes or "admin" in self.scopes


def create_key(
    store: Store, name: str, scopes: Iterable[str], *, limits: KeyLimits | None = None
) -> tuple[KeyInfo, str]:
    """Make a key and return it with its text `plk_<id>_<secret>`, which is not stored and cannot be shown again.

    RegistryError for an empty or over-long name, no scope, or a scope that does not exist.
    """
    _check_name(name)
    info = KeyInfo(
        key_id=secrets.token_hex(4), name=name, scopes=_check_scopes(scopes), created_at=utc_now(), limits=limits
    )
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with store.begin() as connection:
        connection.execute(
            insert(tables.api_keys).values(
                key_id=info.key_id,
                name=info.name,
                scopes=list(info.scopes),
                secret_sha256=_digest(secret),
                created_at=info.created_at,
                limits=None if limits is None else limits.model_dump(),
            )
        )
    return info, f"plk_{info.key_id}_{secret}"


def authenticate(store: Store, text: str) -> KeyInfo | None:
    """Return the valid key whose text this is, None for any other text; secrets are compared in constant time."""
    match = KEY_PATTERN.fullmatch(text)
    if match is None:
        return None
    with store.read() as connection:
        row = connection.execute(select(tables.api_keys).where(tables.api_keys.c.key_id == match[1])).one_or_none()
    stored = row.secret_sha256 if row else bytes(hashlib.sha256().digest_size)
    is_right = hmac.compare_digest(stored, _digest(match[2]))
    return _info(row) if row and is_right and row.revoked_at is None else None


def list_keys(store: Store) -> tuple[KeyInfo, ...]:
    """Return every key, revoked ones too, oldest first."""
    keys = tables.api_keys
    with store.read() as connection:
        rows = connection.execute(select(keys).order_by(keys.c.created_at, keys.c.key_id)).all()
    return tuple(_info(row) for row in rows)


def revoke_key(store: Store, key_id: str) -> KeyInfo:
    """Make a key invalid from now on and return it; a key revoked before stays as it was.

    RegistryError if there is no such key.
    """
    keys = tables.api_keys
    with store.begin() as connection:
        is_valid = (keys.c.key_id == key_id) & keys.c.revoked_at.is_(None)
        connection.execute(update(keys).where(is_valid).values(revoked_at=utc_now()))
        row = connection.execute(select(keys).where(keys.c.key_id == key_id)).one_or_none()
    if row is None:
        raise RegistryError(f"there is no key {key_id!r}; `polyloop key list` shows all of them")
    return _info(row)


def signing_key(store: Store) -> bytes:
    """Return the 32 random bytes that sign inference ids, made at the first call and the same ever after."""
    with store.read() as connection:
        value = connection.scalar(_select_signing_key())
    if value is None:
        with store.begin() as connection:
            new = insert_into(connection, tables.secrets).values(
                name=SIGNING_KEY, value=secrets.token_bytes(SECRET_BYTES), created_at=utc_now()
            )
            connection.execute(new.on_conflict_do_nothing())
            value = connection.scalar(_select_signing_key())
    return bytes(value)


def _select_signing_key() -> Any:
    return select(tables.secrets.c.value).where(tables.secrets.c.name == SIGNING_KEY)


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > MAX_NAME_LENGTH:
        raise RegistryError(f"{name!r} cannot name a key; use 1 to {MAX_NAME_LENGTH} characters")


def _check_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(scopes))
    for scope in asked:
        if scope not in SCOPES:
            raise RegistryError(f"there is no scope {scope!r}; scopes are {', '.join(SCOPES)}")
    if not asked:
        raise RegistryError(f"a key needs at least one scope of {', '.join(SCOPES)}")
    return asked


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()


def _info(row: Row[Any]) -> KeyInfo:
    return KeyInfo(
        key_id=row.key_id,
        name=row.name,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        limits=None if row.limits is None else KeyLimits.model_validate(row.limits),
    )
