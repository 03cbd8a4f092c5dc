"""Signed inference ids: an id proves, without a read, which answer feedback is about.

Input: an `InferenceClaim` and the platform's signing key. Output: a URL-safe text `inf_...`, and back again.
The text carries the claim in clear and a keyed BLAKE2b MAC of 16 bytes over it; it is no secret, only unforgeable.
Errors: FeedbackError for a text that is malformed, over-long or not signed with the key.
"""

import base64
import binascii
import hashlib
import hmac
import struct
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from polyloop.errors import FeedbackError
from polyloop.feedback.randomness import random_bytes
from polyloop.tasks.text import normalise_text

PREFIX = "inf_"
MAX_LENGTH = 512
"""Longest text that is looked at; real ones have about 120 characters."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORMAT = 1
MAC_BYTES = 16
DIGEST_BYTES = 16
HEADER = struct.Struct(f">B16sd{DIGEST_BYTES}s")
"""Format number, UUID, propensity as a 64-bit float, input digest; four short texts follow, each after its length."""

MAC_PURPOSE = b"polyloop-inf-id"
DIGEST_PURPOSE = b"polyloop-input"
"""BLAKE2b personalisation (at most 16 bytes), so that a MAC never passes for a digest made with the same key."""


@dataclass(frozen=True, kw_only=True)
class InferenceClaim:
    """What an inference id says; `propensity` is the probability (0 to 1] with which `version` was picked.

    `input_digest` is what `digest_input` gives for the input: 16 bytes.
    """

    inference_id: uuid.UUID
    task: str
    version: str
    locale: str
    target_locale: str
    propensity: float
    input_digest: bytes

    @property
    def created_at(self) -> datetime:
        """When the inference was made (UTC, to the millisecond), read from the UUIDv7."""
        return time_of(self.inference_id)


def time_of(inference_id: uuid.UUID) -> datetime:
    """Return when an id was made (UTC, to the millisecond), read from the UUIDv7."""
    return datetime.fromtimestamp((inference_id.int >> 80) / 1000, tz=UTC)


def least_id(moment: datetime) -> uuid.UUID:
    """Return a UUID that is below every id made at `moment` or later, and above those of earlier milliseconds."""
    return uuid.UUID(int=((moment - EPOCH) // timedelta(milliseconds=1)) << 80)


def new_uuid7() -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(random_bytes(10))
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)


def digest_input(text: str, key: bytes) -> bytes:
    """Return the keyed digest of an input, equal for texts that normalise to the same; without the key it is noise."""
    normalised = normalise_text(text).encode("utf-8")
    return hashlib.blake2b(normalised, digest_size=DIGEST_BYTES, key=key, person=DIGEST_PURPOSE).digest()


def sign(claim: InferenceClaim, key: bytes) -> str:
    """Return the inference id that carries `claim`; FeedbackError if the claim is too long for one."""
    payload = HEADER.pack(FORMAT, claim.inference_id.bytes, claim.propensity, claim.input_digest)
    for text in (claim.task, claim.version, claim.locale, claim.target_locale):
        encoded = text.encode("utf-8")
        if len(encoded) > 255:
            raise FeedbackError(f"{text[:40]!r}... is too long for an inference id")
        payload += bytes([len(encoded)]) + encoded
    signed = PREFIX + base64.urlsafe_b64encode(payload + _mac(payload, key)).rstrip(b"=").decode("ascii")
    if len(signed) > MAX_LENGTH:
        raise FeedbackError(f"the inference id of task {claim.task[:40]!r}... would be longer than {MAX_LENGTH}")
    return signed


def verify(text: str, key: bytes) -> InferenceClaim:
    """Return the claim that an inference id carries; FeedbackError if it was not made by `sign` with `key`."""
    signed = _decode(text)
    payload, mac = signed[:-MAC_BYTES], signed[-MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(payload, key)):
        raise FeedbackError("the inference id was not made by this platform; send it back as it came")
    return _parse(payload)


def _decode(text: str) -> bytes:
    malformed = FeedbackError(f"{text[:40]!r} is not an inference id; send back the `id` of an answer as it came")
    if not text.startswith(PREFIX) or len(text) > MAX_LENGTH:
        raise malformed
    body = text.removeprefix(PREFIX)
    try:
        signed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed from error
    is_canonical = base64.urlsafe_b64encode(signed).rstrip(b"=").decode("ascii") == body
    if not is_canonical or len(signed) < HEADER.size + MAC_BYTES:
        raise malformed
    return signed


def _parse(payload: bytes) -> InferenceClaim:
    number, inference_id, propensity, input_digest = HEADER.unpack_from(payload)
    if number != FORMAT:
        raise FeedbackError(f"the inference id has format {number}; this version of Polyloop reads format {FORMAT}")
    texts, offset = [], HEADER.size
    while offset < len(payload):
        end = offset + 1 + payload[offset]
        texts.append(payload[offset + 1 : end].decode("utf-8"))
        offset = end
    task, version, locale, target_locale = texts
    return InferenceClaim(
        inference_id=uuid.UUID(bytes=inference_id),
        task=task,
        version=version,
        locale=locale,
        target_locale=target_locale,
        propensity=propensity,
        input_digest=input_digest,
    )


def _mac(payload: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=MAC_BYTES, key=key, person=MAC_PURPOSE).digest()
