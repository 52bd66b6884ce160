"""Customers, products, plans, subscriptions and integrations of one tenant, by a part of the name or an id's begin."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aforo.app.wiring import Rooms

A_KIND: Final = 8
"""How many of a kind are shown; whether there are more is said."""
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Hit:
    id: str
    name: str
    href: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """`all_href` leads to the same words in the kind's own list, where that list can filter."""

    label: str
    icon: str
    hits: tuple[Hit, ...]
    more: bool = False
    all_href: str = ""


async def find(rooms: Rooms, tenant_id: str, words: str) -> list[Kind]:
    """Kinds that have a hit; nothing for no words."""
    words = words.strip()[:LONGEST]
    if not words:
        return []
    found = await asyncio.gather(
        _customers(rooms, tenant_id, words),
        _products(rooms, tenant_id, words),
        _plans(rooms, tenant_id, words),
        _subscriptions(rooms, tenant_id, words),
        _integrations(rooms, tenant_id, words),
    )
    return [kind for kind in found if kind.hits]


async def _customers(rooms: Rooms, tenant_id: str, words: str) -> Kind:
    rows, more = await rooms.customers.customers.page(tenant_id, words=words, limit=A_KIND)
    hits = [Hit(one.id, one.name, f"/customers/{one.id}", one.external_id or "") for one in rows]
    return _kind("Customers", "people", hits, bool(more), "/customers")


async def _products(rooms: Rooms, tenant_id: str, words: str) -> Kind:
    rows, more = await rooms.catalog.products(tenant_id, words=words, limit=A_KIND)
    return _kind("Products", "box", [Hit(one.id, one.name, f"/products/{one.id}", one.ref) for one in rows], bool(more))


async def _plans(rooms: Rooms, tenant_id: str, words: str) -> Kind:
    rows = await rooms.customers.plans.find(tenant_id, words, A_KIND + 1)
    hits = [Hit(plan_id, name, f"/plans/{plan_id}", key) for plan_id, name, key in rows[:A_KIND]]
    return _kind("Plans", "tag", hits, len(rows) > A_KIND)


async def _subscriptions(rooms: Rooms, tenant_id: str, words: str) -> Kind:
    rows = await rooms.customers.subscriptions.find(tenant_id, words, A_KIND + 1)
    hits = [Hit(found, f"{customer}, {plan}", f"/subscriptions/{found}", found) for found, customer, plan in rows]
    return _kind("Subscriptions", "loop", hits[:A_KIND], len(rows) > A_KIND)


async def _integrations(rooms: Rooms, tenant_id: str, words: str) -> Kind:
    folded = words.casefold()
    every = await rooms.integrations.labels(tenant_id)
    rows = [one for one in every if folded in one[1].casefold() or one[0].startswith(words)]
    hits = [Hit(one_id, name, f"/integrations/{one_id}", gateway) for one_id, name, gateway in rows[:A_KIND]]
    return _kind("Integrations", "plug", hits, len(rows) > A_KIND)


def _kind(label: str, icon: str, hits: Sequence[Hit], more: bool, all_href: str = "") -> Kind:
    return Kind(label, icon, tuple(hits), more, all_href)
