"""Reads all API instances of an environment. What cannot be read whole is left out, and the discovery says so."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from aforo.gateway_sdk.contract import Discovery, Problem, Progress
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.mulesoft.client import Anypoint, Listing, Row
from aforo.gateways.mulesoft.connector.reading import Coordinates, Missed, complete, coordinates, describe, instance
from aforo.gateways.mulesoft.connector.sight import APIS, Sight, short
from aforo.gateways.mulesoft.mapping.products import Seen, api_id, flat, product, refs
from aforo.kit.jsontree import JsonObject

_AT_ONCE: Final = 6
_WHAT: Final = "API instances"
Descriptions = dict[Coordinates, JsonObject | None]
Item = TypeVar("Item")
Result = TypeVar("Result")


async def discover(anypoint: Anypoint, progress: Progress) -> Discovery:
    """Every instance whole, or a problem that says which part was missed. Only a first call that fails raises."""
    sight = Sight(anypoint)
    listing = await anypoint.listing("assets", "apis")
    rows = list({api_id(row): row for row in flat(listing.rows)}.values())
    progress(0, len(rows), _WHAT)
    problems = [*_shortfalls(listing, rows)]
    if not rows and (doubt := await sight.doubt_no_apis()):
        problems.append(Problem(_WHAT, doubt.detail, doubt.code))
    descriptions, untold = await _descriptions(anypoint, sight, rows)
    seen, missed = await _instances(anypoint, sight, rows, descriptions, progress)
    problems += _problems([*missed, *untold])
    seen, doubts, notes = await _believed(sight, seen)
    given = refs(rows)
    found = sorted((product(one, given[api_id(one.api)]) for one in seen), key=lambda one: one.ref)
    progress(len(found), len(rows), _WHAT)
    return Discovery(tuple(found), (*problems, *doubts), notes)


def _shortfalls(listing: Listing, rows: Sequence[Row]) -> Iterator[Problem]:
    """A page that failed, assets that were counted and not shown, and instances that an asset counts and hides."""
    told = sum(int(asset.get("totalApis") or 0) for asset in listing.rows)
    if listing.fault:
        words = f"{_WHAT} after those of the first {len(listing.rows)} assets"
        yield Problem(words, listing.fault.detail, listing.fault.code)
    elif len(listing.rows) < listing.total:
        fault = short("assets with instances", len(listing.rows), listing.total, APIS)
        yield Problem(_WHAT, fault.detail, fault.code)
    if len(rows) < told:
        fault = short(_WHAT, len(rows), told, APIS)
        yield Problem(_WHAT, fault.detail, fault.code)


async def _descriptions(
    anypoint: Anypoint, sight: Sight, rows: Sequence[Row]
) -> tuple[Descriptions, list[tuple[Row, Missed]]]:
    """Each version of an asset once, however many instances it has; and the instances whose description is missed."""
    wanted = sorted({where for row in rows if (where := coordinates(row))})
    found: Descriptions = {}
    faults: dict[Coordinates, GatewayError] = {}

    async def one(where: Coordinates) -> None:
        try:
            found[where] = await describe(anypoint, sight, where)
        except GatewayError as fault:
            faults[where] = fault

    await _few_at_once(wanted, one)
    untold = [(row, Missed("API description", faults[where])) for row in rows if (where := coordinates(row)) in faults]
    return found, [(row, missed) for row, missed in untold if row]


async def _instances(
    anypoint: Anypoint, sight: Sight, rows: Sequence[Row], descriptions: Descriptions, progress: Progress
) -> tuple[list[Seen], list[tuple[Row, Missed]]]:
    seen: list[Seen] = []
    missed: list[tuple[Row, Missed]] = []

    async def one(row: Row) -> None:
        try:
            api = await instance(anypoint, api_id(row))
            if api is not None:  # else it was deleted since the list was read
                seen.append(await complete(anypoint, sight, row, api, descriptions))
                progress(len(seen), len(rows), _WHAT)
        except GatewayError as fault:
            missed.append((row, Missed("settings", fault)))
        except Missed as fault:
            missed.append((row, fault))

    readable = [row for row in rows if (where := coordinates(row)) is None or where in descriptions]
    await _few_at_once(readable, one)
    return seen, missed


def _problems(missed: Sequence[tuple[Row, Missed]]) -> list[Problem]:
    """One for each part and reason, with the number of instances that it cost."""
    grouped: Mapping[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row, one in missed:
        grouped[one.part, one.fault.detail, one.fault.code].append(row)
    return [
        Problem(f"{part} of {_some(rows)}: left out, since something of them is missing", why, code)
        for (part, why, code), rows in sorted(grouped.items(), key=lambda item: item[0])
    ]


def _some(rows: Sequence[Row]) -> str:
    named = sorted(refs(rows).values())
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")


async def _believed(sight: Sight, seen: list[Seen]) -> tuple[list[Seen], list[Problem], tuple[str, ...]]:
    """No instance with a policy, or with a tier: that may be so, or a scope is missing and nothing is known of them."""
    doubts: list[Problem] = []
    notes: list[str] = []
    if seen and not any(one.policies for one in seen):
        if doubt := await sight.doubt_no_policies():
            doubts.append(Problem("policies of all instances", doubt.detail, doubt.code))
        elif await sight.scopes() is None:
            notes.append("No instance has a policy. If some have, the scope View Policies is missing.")
    if seen and not any(one.tiers for one in seen):
        if doubt := await sight.doubt_no_tiers([dict(one.api) for one in seen]):
            doubts.append(Problem("SLA tiers of all instances", doubt.detail, doubt.code))
        elif await sight.scopes() is None:
            notes.append("No instance has an SLA tier. If some have, the scope View Contracts is missing.")
    return [] if doubts else seen, doubts, tuple(notes)


async def _few_at_once(items: Sequence[Item], work: Callable[[Item], Awaitable[Result]]) -> list[Result]:
    """All of them, a few at a time, so that none times out while it waits for a connection."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Item) -> Result:
        async with gate:
            return await work(item)

    return list(await asyncio.gather(*(one(item) for item in items)))
