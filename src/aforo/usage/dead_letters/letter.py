"""A refused event as it is kept: without anything that looks like a secret, and of a bounded size. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from aforo.usage.decode import Row
from aforo.usage.model import Refused
from aforo.usage.rules.event import Sent
from aforo.usage.rules.metadata import without_secrets

MOST_BYTES: Final = 64 * 1024
_PLAIN: Final = frozenset(field.encode_name for field in msgspec.structs.fields(Sent)) - {"metadata"}
"""Members that hold no secret by their meaning, whatever their names look like."""
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Letter(msgspec.Struct, frozen=True, rename="camel"):
    """`event` is null where it was no JSON object, was too large to keep, or might hold a secret in a place that nobody
    can name; such a letter cannot be replayed. `times` counts how often it came."""

    id: str
    code: str
    error: str
    received_at: str
    times: int
    event: msgspec.Raw | None


def kept(row: Row) -> bytes | None:
    """The JSON text of a refused row; None where it is not kept."""
    try:
        members = _members.decode(row.raw) if isinstance(row, Refused) else _of_sent(*row)
        plain = {name: raw for name, raw in members.items() if name in _PLAIN}
        others = msgspec.json.encode({name: raw for name, raw in members.items() if name not in _PLAIN})
        text = msgspec.json.encode({**plain, **_members.decode(without_secrets(others))})
    except (ValueError, RecursionError, Refused):
        return None
    return text if len(text) <= MOST_BYTES else None


def is_of(event: bytes | None, customers: Sequence[str]) -> bool:
    """Whether an event as it was kept tells of one of these customers, or does not tell of whom. One that was not kept
    tells nothing at all."""
    if event is None:
        return False
    members = msgspec.json.decode(event, type=dict[str, msgspec.Raw])
    named = [bytes(members[name]) for name in ("customerId", "subject") if name in members]
    return not named or any(msgspec.json.encode(one) in named for one in customers) or not all(map(_is_text, named))


def _is_text(raw: bytes) -> bool:
    return raw.startswith(b'"')


def _of_sent(sent: Sent, extra: dict[str, bytes]) -> dict[str, msgspec.Raw]:
    members = _members.decode(msgspec.json.encode(sent))
    return {**{name: msgspec.Raw(raw) for name, raw in extra.items()}, **members}
