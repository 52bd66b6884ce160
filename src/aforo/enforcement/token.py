"""Decision ids: signed and self-describing, so that a decision can be explained and settled without having been kept.

`dec_` and URL-safe base64 of a MessagePack array and a keyed 96-bit BLAKE2b tag. The tenant's id goes into the tag, not
into the token: another tenant's decision does not verify.
"""

import base64
import binascii
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import msgspec

from aforo.enforcement.model import Log
from aforo.enforcement.rules.decide import Reason

_TAG_BYTES: Final = 12
_PREFIX: Final = "dec_"
_REASONS: Final = tuple(Reason)
REASON_NUMBERS: Final = {reason: number for number, reason in enumerate(_REASONS)}
_LONGEST: Final = 4_096
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was decided. Units are nano-units; `counters` are those that the reservation moved, (id, HARD or not).

    `rest` and `limit` are those of the tightest quota before the call, None where nothing limits. `denied`: the caller
    was refused. Members are only added at the end.
    """

    serial: int
    at_ms: int
    test: bool
    reason: int
    enforced: bool
    version: int
    subscription_id: str
    product: str
    metric: str
    units: int
    reserved: int
    counters: tuple[tuple[int, bool], ...] = ()
    rest: int | None = None
    limit: int | None = None
    denied: bool = False
    plan: str = ""
    customer_id: str = ""

    @property
    def why(self) -> Reason:
        return _REASONS[self.reason]

    @property
    def log(self) -> Log:
        return Log.TEST if self.test else Log.LIVE


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Decision)


def sign(decision: Decision, tenant_id: str, key: bytes) -> str:
    packed = _encoder.encode(decision)
    text = binascii.b2a_base64(_tag(packed, tenant_id, key) + packed, newline=False)
    return _PREFIX + text.translate(_URL_SAFE, b"=").decode()


def _tag(packed: bytes, tenant_id: str, key: bytes) -> bytes:
    keyed = _keyed(key).copy()
    keyed.update(packed + tenant_id.encode())
    return keyed.digest()


@lru_cache(4)
def _keyed(key: bytes) -> blake2b:
    """The state after the key, which is the same for every decision."""
    return blake2b(digest_size=_TAG_BYTES, key=key)


def verify(token: str, tenant_id: str, key: bytes) -> Decision | None:
    """None for anything that `sign` did not make for this tenant with this key."""
    if not token.startswith(_PREFIX) or len(token) > _LONGEST or not token.isascii():
        return None
    text = token[len(_PREFIX) :]
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    tag, packed = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if _tag(packed, tenant_id, key) != tag:
        return None
    try:
        return _decoder.decode(packed)
    except msgspec.MsgspecError:
        return None
