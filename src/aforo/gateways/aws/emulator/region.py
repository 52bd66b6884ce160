"""What one account holds in one region, as plain JSON values, and the small things every handler needs from it."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aforo.gateways.aws.emulator.wire import bad_request, not_found
from aforo.kit.clock import Clock

Record = dict[str, Any]
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_EMPTY = ("restapis", "httpapis", "usageplans", "plankeys", "apikeys", "usage", "used", "account")


@dataclass(slots=True)
class Region:
    """An account's API Gateway in a region. `data` is saved as it is; ids follow from a counter in it."""

    account_id: str
    name: str
    clock: Clock
    data: Record = field(default_factory=dict)
    page_size: int = 500

    def __post_init__(self) -> None:
        self.data.setdefault("counter", 0)
        for kind in _EMPTY:
            self.data.setdefault(kind, {})

    def kind(self, name: str) -> dict[str, Record]:
        found: dict[str, Record] = self.data[name]
        return found

    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def new_id(self, length: int = 10) -> str:
        """An id as API Gateway makes them; the same sequence for the same sequence of calls."""
        self.data["counter"] += 1
        seed = f"{self.account_id}/{self.name}/{self.data['counter']}"
        number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16])
        digits = []
        for _ in range(length):
            number, digit = divmod(number, 36)
            digits.append(_ALPHABET[digit])
        return "".join(digits)

    def page(self, items: Iterable[Any], limit: int | None, token: str | None) -> tuple[list[Any], str | None]:
        """One page, at most `limit` or 25 items, and never more than this emulator's page size."""
        listed = list(items)
        size = min(25 if limit is None else limit, self.page_size, 500)
        if size < 1:
            raise bad_request("Invalid limit")
        start = _position(token) if token else 0
        end = start + size
        return listed[start:end], _token(end) if end < len(listed) else None


def existing(records: Mapping[str, Record], key: str, message: str) -> Record:
    """The record with that key, else NotFoundException."""
    if key not in records:
        raise not_found(message)
    return records[key]


def picked(source: Mapping[str, Any], names: Iterable[str]) -> Record:
    """The named members that are there."""
    return {name: source[name] for name in names if source.get(name) is not None}


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"from:{offset}".encode()).decode()


def _position(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode().removeprefix("from:"))
    except ValueError:
        raise bad_request("Invalid position parameter") from None
