"""Bytes of a request to a call, or a refusal that says what to do next."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from aforo.enforcement.model import CredentialKey
from aforo.enforcement.rules.quota import UNIT
from aforo.enforcement.rules.resolve import Asked
from aforo.enforcement.service.checks import Call
from aforo.enforcement.service.leasing import Wanted
from aforo.enforcement.service.parts import Who
from aforo.enforcement.wire import (
    BatchRequest,
    CheckRequest,
    CredentialRef,
    LeaseRequest,
    QuotaCheckRequest,
    SettleRequest,
)
from aforo.kit.errors import Invalid, TooLarge, Unreadable

MAX_BATCH: Final = 100
API_CALLS: Final = "api_calls"
BY_HASH: Final = "key_sha256"
"""The type of a credential that Aforo verifies itself: the SHA-256 of a key, which is the same at every gateway."""
_LIMIT: Final = 10**15
_NUMBER: Final = re.compile(r"\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)
_PLACE: Final = re.compile(r" - at `\$(?P<path>.*)`$")
_check: Final = msgspec.json.Decoder(CheckRequest)
_lease: Final = msgspec.json.Decoder(LeaseRequest)
_batch: Final = msgspec.json.Decoder(BatchRequest)
_settle: Final = msgspec.json.Decoder(SettleRequest)
_quota: Final = msgspec.json.Decoder(QuotaCheckRequest)
Read = TypeVar("Read")


def check(body: bytes, who: Who) -> Call:
    """Raises Unreadable, Invalid."""
    return _call(_read(_check.decode, body), who, "")


def batch(body: bytes, who: Who) -> list[Call]:
    """Raises Unreadable, Invalid, TooLarge."""
    asked = _read(_batch.decode, body).checks
    if len(asked) > MAX_BATCH:
        raise TooLarge(f"A batch holds at most {MAX_BATCH} checks.", next_step="Send several batches.")
    return [_call(one, who, f"/checks/{number}") for number, one in enumerate(asked)]


def lease(body: bytes, who: Who) -> tuple[Call, Wanted]:
    """Raises Unreadable, Invalid."""
    asked = _read(_lease.decode, body)
    want = nanos(asked.want, "/want")
    if want < UNIT:
        raise _invalid("/want", "at least one unit")
    return _call(asked, who, ""), Wanted(want // UNIT * UNIT, asked.node_id, str(asked.epoch))


def settle(body: bytes) -> tuple[int, bool]:
    """How many nano-units were used, and whether that is final. Raises Unreadable, Invalid."""
    told = _read(_settle.decode, body)
    return nanos(told.used, "/used"), told.final


def quota_check(body: bytes, who: Who) -> Call:
    """The older form. Raises Unreadable, Invalid."""
    told = _read(_quota.decode, body)
    asked = Asked(None, told.customer_id, told.product_id, told.metric_name or API_CALLS, who.customer_only)
    return Call(asked, nanos(told.estimated_quantity, "/estimatedQuantity"), None, reserves=False)


def nanos(raw: msgspec.Raw, pointer: str) -> int:
    """A decimal, as a number or a string, exactly; raises Invalid."""
    text = bytes(raw)
    if len(text) < 16 and text.isdigit():
        return int(text) * UNIT
    plain = text.decode("utf-8", "replace").strip('"')
    if _NUMBER.fullmatch(plain):
        number = Decimal(plain)
        if number < _LIMIT and number.adjusted() > -11:
            whole = number.scaleb(9)
            if whole == whole.to_integral_value():
                return int(whole)
    raise _invalid(pointer, "a decimal of at least 0 and below 10^15 with at most 9 fraction digits")


def _call(asked: CheckRequest, who: Who, place: str) -> Call:
    if asked.credential is None and not asked.customer_id:
        raise _invalid(f"{place}/customerId", "a credential or a customerId is needed")
    named = Asked(
        _key(asked.credential) if asked.credential is not None else None,
        asked.customer_id or None,
        asked.product or None,
        asked.metric or API_CALLS,
        who.customer_only,
    )
    return Call(named, nanos(asked.units, f"{place}/units"), asked.feature or None)


def _key(credential: CredentialRef) -> CredentialKey:
    place = "" if credential.type == BY_HASH else credential.integration_id
    return (place, credential.type, credential.native_id)


def _read(decode: Callable[[bytes], Read], body: bytes) -> Read:
    if not body.strip():
        raise Unreadable("The body is empty.", next_step="Send a JSON object.")
    try:
        return decode(body)
    except msgspec.ValidationError as fault:
        raise _not_acceptable(str(fault)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("The body is no JSON that can be read.", next_step="Send a JSON object in UTF-8.") from None


def _not_acceptable(told: str) -> Invalid:
    """msgspec's words hold types and member names only, never values."""
    place = _PLACE.search(told)
    path = place["path"] if place else ""
    pointer = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path).replace(".", "/")
    return _invalid(pointer, _PLACE.sub("", told))


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid("This request cannot be decided.", ((pointer, detail),), next_step="Correct the members named.")
