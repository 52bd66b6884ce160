"""A request's bytes to rows. The usual row takes one typed pass; a row that differs is read member by member.

A row is the event as sent with its unknown members, or the reason why it cannot be read. Duplicate members of one JSON
object: the last one counts.
"""

import hashlib
import json
import types
import typing
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, TypeAlias

import msgspec

from aforo.kit.errors import Unreadable
from aforo.usage.errors import TooManyEvents, UnsupportedMedia
from aforo.usage.model import MAX_EVENTS, Refused
from aforo.usage.rules.event import Sent

Row: TypeAlias = tuple[Sent, dict[str, bytes]] | Refused
Members: TypeAlias = dict[str, msgspec.Raw]

_NDJSON: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines"}
)
_JSON: Final = frozenset(
    {"", "application/json", "text/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"}
)
_CLOUD_EVENT: Final = "application/cloudevents+json"
_CLOUD_EVENTS: Final = "application/cloudevents-batch+json"
_CLOUD_NAMES: Final = (("type", "metricName"), ("subject", "customerId"), ("time", "occurredAt"))
_CLOUD_ONLY: Final = ("specversion", "datacontenttype", "dataschema")


class _Batch(msgspec.Struct, gc=False):
    events: list[Sent]
    tenant_id: str | None = None
    tenantId: str | None = None  # noqa: N815 - both spellings arrive


_batch: Final = msgspec.json.Decoder(_Batch)
_sent: Final = msgspec.json.Decoder(Sent)
_members: Final = msgspec.json.Decoder(Members)
_raw: Final = msgspec.json.Decoder(msgspec.Raw)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_texts: Final = msgspec.json.Decoder(str | None)
_NO_EXTRA: Final[dict[str, bytes]] = {}
_exact: Final = msgspec.json.Encoder(decimal_format="number")
_TYPES: Final[dict[str, Any]] = {
    field.encode_name: hint
    for field, hint in zip(msgspec.structs.fields(Sent), typing.get_type_hints(Sent).values(), strict=True)
}
_NAMES: Final = {field.encode_name: field.name for field in msgspec.structs.fields(Sent)}
_OLDER_NAMES: Final = (("metricName", "metricKey"), ("quantity", "value"), ("occurredAt", "timestamp"))


class Request(msgspec.Struct, frozen=True):
    """What a body holds: its rows in order, and the tenant that it names, if any.

    `sents` is there when every row was read in one typed pass; `odd` when rows had to be read one by one.
    """

    sents: list[Sent] | None = None
    odd: list[Row] | None = None
    tenant: str | None = None

    @property
    def rows(self) -> list[Row]:
        return [(sent, _NO_EXTRA) for sent in self.sents] if self.sents is not None else self.odd or []


class _OlderForm:
    """An agent SDK's names for the same things. `agentId` stands for the customer unless the key is bound to one.

    Such events carry no key: SHA-256 of tenant, raw body and index makes a byte-identical retry, and only that, a
    duplicate.
    """

    def __init__(self, tenant_id: str, bound_customer: str | None, body: bytes) -> None:
        self._tenant_id = tenant_id
        self._bound_customer = bound_customer
        self._body = body

    @cached_property
    def _digest(self) -> Any:
        return hashlib.sha256(self._tenant_id.encode() + b"\0" + self._body)

    def fill(self, members: Members, index: int) -> None:
        if "metricKey" not in members or "metricName" in members:
            return
        for name, older in _OLDER_NAMES:
            if older in members:
                members.setdefault(name, members.pop(older))
        if "agentId" in members and self._bound_customer is None:
            members.setdefault("customerId", members["agentId"])
        if "idempotencyKey" not in members:
            key = self._digest.copy()
            key.update(b"\0%d" % index)
            members["idempotencyKey"] = msgspec.Raw(b'"%s"' % key.hexdigest().encode())


def read(body: bytes, content_type: str, *, tenant_id: str, bound_customer: str | None = None) -> Request:
    """Raises Unreadable for a body that cannot be read at all, TooManyEvents, or UnsupportedMedia."""
    media = content_type.partition(";")[0].strip().lower()
    if media not in _JSON and media not in _NDJSON and media not in (_CLOUD_EVENT, _CLOUD_EVENTS):
        raise UnsupportedMedia(
            "This content type is not read here.",
            next_step="Send application/json, application/x-ndjson or application/cloudevents-batch+json.",
        )
    if not body.strip():
        raise Unreadable("The body is empty.", next_step='Send at least `{"events": []}`.')
    older = _OlderForm(tenant_id, bound_customer, body)
    if media in (_CLOUD_EVENT, _CLOUD_EVENTS):
        return _cloud_events(body, is_batch=media == _CLOUD_EVENTS)
    return _lines(body, older) if media in _NDJSON else _document(body, older)


def reread(raws: list[bytes], *, tenant_id: str) -> Request:
    """Events that were kept as JSON texts, such as dead letters."""
    older = _OlderForm(tenant_id, None, b"")
    return Request(odd=[_row(raw, index, older) for index, raw in enumerate(raws)])


def _cloud_events(body: bytes, *, is_batch: bool) -> Request:
    try:
        raws = _raws.decode(body) if is_batch else [_raw.decode(body)]
    except (ValueError, RecursionError):
        shape = "an array of CloudEvents" if is_batch else "a CloudEvent"
        raise Unreadable(f"The body is not {shape}; nothing was kept.", next_step="See the type it declares.") from None
    _check_count(len(raws))
    return Request(odd=[_cloud_row(bytes(raw)) for raw in raws])


def _cloud_row(raw: bytes) -> Row:
    """Type is the metric, subject the customer, source and id together the key; the other members stand in `data`."""
    try:
        outer = _members.decode(raw)
        members = _members.decode(outer.pop("data", b"{}"))
        source, its_id = (_texts.decode(outer.pop(name, b"null")) for name in ("source", "id"))
        for name, ours in _CLOUD_NAMES:
            if name in outer:
                members[ours] = outer.pop(name)
        if source and its_id:  # a source is a URI and has no space in it: the two cannot be confused
            members["idempotencyKey"] = msgspec.Raw(msgspec.json.encode(f"{source} {its_id}"))
        beside = {name: value for name, value in outer.items() if name not in _CLOUD_ONLY}
        return _member_by_member({**beside, **members})
    except (ValueError, RecursionError):
        return Refused("unreadable", "the event is not a readable CloudEvent with JSON data", raw)
    except Refused as refusal:
        return Refused(refusal.code, refusal.error, raw)


def _lines(body: bytes, older: _OlderForm) -> Request:
    lines = [line for line in body.split(b"\n") if line.strip()]
    _check_count(len(lines))
    return Request(odd=[_row(line, index, older) for index, line in enumerate(lines)])


def _document(body: bytes, older: _OlderForm) -> Request:
    try:
        batch = _batch.decode(body)
    except (ValueError, RecursionError):
        return _loose(body, older)
    _check_count(len(batch.events))
    return Request(batch.events, tenant=batch.tenant_id or batch.tenantId)


def _loose(body: bytes, older: _OlderForm) -> Request:
    """Row by row, so that one bad row spoils no other."""
    try:
        members = _members.decode(body)
        events = _raws.decode(members["events"]) if "events" in members else [msgspec.Raw(body)]
        tenant = next((_texts.decode(members[name]) for name in ("tenant_id", "tenantId") if name in members), None)
    except RecursionError:
        raise Unreadable("The body is nested too deeply.", next_step="Send flat events.") from None
    except ValueError:
        return _salvaged(body, older)
    _check_count(len(events))
    rows = [_row(bytes(raw), index, older) for index, raw in enumerate(events)]
    return Request(odd=rows, tenant=tenant if "events" in members else None)


def _salvaged(body: bytes, older: _OlderForm) -> Request:
    """JSON but for NaN and Infinity, which some senders write: those become texts, and so refused quantities."""
    try:
        tree = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=str)
        events = tree.get("events", [tree])
        if not isinstance(events, list):
            raise TypeError
    except (ValueError, ArithmeticError, RecursionError, AttributeError, TypeError):
        raise Unreadable(
            "The body is not a JSON object with `events`, nor one event; nothing was kept.",
            next_step='Send `{"events": [...]}`.',
        ) from None
    _check_count(len(events))
    named = tree.get("tenant_id") or tree.get("tenantId") if "events" in tree else None
    rows = [_encoded(event, index, older) for index, event in enumerate(events)]
    return Request(odd=rows, tenant=named if isinstance(named, str) else None)


def _encoded(event: Any, index: int, older: _OlderForm) -> Row:
    try:
        return _row(_exact.encode(event), index, older)
    except (ValueError, RecursionError):
        return Refused("unreadable", "the event holds text that is not Unicode")


def _row(raw: bytes, index: int, older: _OlderForm) -> Row:
    try:
        return _sent.decode(raw), _NO_EXTRA
    except (ValueError, RecursionError):
        pass
    try:
        members = _members.decode(raw)
        older.fill(members, index)
        return _member_by_member(members)
    except (ValueError, RecursionError):
        return Refused("unreadable", "the event is not a readable JSON object", raw)
    except Refused as refusal:
        return Refused(refusal.code, refusal.error, raw)


def _member_by_member(members: Members) -> Row:
    known = {_NAMES[name]: _member(name, members.pop(name)) for name in [*members] if name in _NAMES}
    return Sent(**known), {name: bytes(raw) for name, raw in members.items()}


def _member(name: str, raw: msgspec.Raw) -> Any:
    """Decoded by its type; a number where text is meant, or a number in quotes, is understood."""
    hint = _TYPES[name]
    if hint is msgspec.Raw:
        return raw
    token = bytes(raw)
    try:
        return msgspec.json.decode(token, type=hint, strict=False)
    except (ValueError, RecursionError):
        if str in _alternatives(hint) and token[:1] in b"-0123456789":
            return token.decode("ascii")
        raise Refused("invalid_member", f"{name} is of the wrong type or cannot be read") from None


def _alternatives(hint: Any) -> Iterator[Any]:
    return iter(hint.__args__ if isinstance(hint, types.UnionType) else (hint,))


def _check_count(count: int) -> None:
    if count > MAX_EVENTS:
        raise TooManyEvents(
            f"The request holds {count} events; at most {MAX_EVENTS} are taken at once, and none of these was.",
            next_step="Split the batch.",
        )
