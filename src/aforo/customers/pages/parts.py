"""What the pages of this room are given, and what they share."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from aforo.accounts import Accounts, VisitorFor
from aforo.customers.room import CustomersRoom
from aforo.kit.errors import AforoError, Invalid
from aforo.kit.jsontree import JsonObject
from aforo.kit.pages import PageRender


@dataclass(frozen=True, slots=True)
class Sellable:
    """A product of the catalog as a plan's form offers it."""

    id: str
    name: str
    integration: str


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway as a subscription names it."""

    name: str
    emulated: bool


@dataclass(frozen=True, slots=True)
class Key:
    """A credential as its subscription's page shows it: `working` of `wanted` gateways have it as it is to be."""

    id: str
    hint: str | None
    state: str
    working: int
    wanted: int
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class QuotaLevel:
    """How far a quota is used in its present period; `stranded` of that is kept from use by a crash."""

    metric: str
    mode: str
    used: Decimal
    limit: Decimal
    stranded: Decimal
    resets_at: datetime
    time_zone: str


@dataclass(frozen=True, slots=True)
class Parts:
    """`sellable` and `places` (by integration id) are the catalog's and the integrations', for one tenant; `keys` are a
    subscription's credentials, newest first; `levels` its quotas.
    """

    room: CustomersRoom
    accounts: Accounts
    sellable: Callable[[str], Awaitable[list[Sellable]]]
    places: Callable[[str], Awaitable[Mapping[str, Place]]]
    keys: Callable[[str, str], Awaitable[list[Key]]]
    levels: Callable[[str, str], Awaitable[list[QuotaLevel]]]
    visitor: VisitorFor
    render: PageRender

    async def note(self, who: Any, action: str, subject: str, detail: JsonObject | None = None) -> None:
        await self.accounts.note(who.tenant_id, who.actor_id, action, subject, dict(detail or {}))


Faults = dict[str, str]
"""What is wrong, by the member's name on the wire; "" for what is about the whole."""


def faults_of(fault: AforoError | ValidationError) -> Faults:
    """One sentence for each member; of nested members the first part names the field on the page."""
    if isinstance(fault, ValidationError):
        found = [("/" + "/".join(str(part) for part in one["loc"]), one["msg"]) for one in fault.errors()]
    elif isinstance(fault, Invalid) and fault.faults:
        found = list(fault.faults)
    else:
        return {"": f"{fault.detail} {fault.next_step or ''}".strip()}
    told: Faults = {}
    for pointer, words in found:
        name, _, rest = pointer.removeprefix("/").partition("/")
        clean = words.removeprefix("Value error, ")
        told.setdefault(name, f"{_row(rest)}{clean[:1].upper()}{clean[1:]}")
    return told


def _row(rest: str) -> str:
    number, _, member = rest.partition("/")
    return f"Row {int(number) + 1}{', ' + member if member else ''}: " if number.isdecimal() else ""
