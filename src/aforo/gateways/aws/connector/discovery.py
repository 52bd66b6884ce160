"""All stages of a region as products. What could not be read is told, and never taken for absent."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from aforo.gateway_sdk.contract import Discovery, Problem, Product, Progress
from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector.reading import SERVICE, Plans, exported, is_http, spelled, stages
from aforo.gateways.aws.mapping.products import Flavour, Seen, product, refs

_AT_ONCE: Final = 6  # with ten calls a second allowed, more would only wait
_LISTING: Final[dict[Flavour, str]] = {"rest": "GetRestApis", "http": "GetApis"}
_WORDS: Final[dict[Flavour, str]] = {"rest": "REST APIs", "http": "HTTP APIs"}

T = TypeVar("T")


@dataclass(slots=True)
class _Round:
    """One discovery under way."""

    aws: Aws
    progress: Progress
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def tried(self, what: str, call: Awaitable[T]) -> T | None:
        """The answer, or None with the problem noted."""
        try:
            async with self.at_once:
                return await call
        except GatewayError as fault:
            self.problems.append(Problem(what, fault.detail, fault.code))
            return None


async def discover(aws: Aws, progress: Progress) -> Discovery:
    """Two calls a stage, one of them per API, and one page of 500 at a time. Raises only if the first call fails."""
    round_ = _Round(aws, progress)
    rest = await _listed(round_, "rest", is_first=True)
    plans: Plans | None = []
    if rest:
        plans = await round_.tried("usage plans", aws.every("apigateway", "GetUsagePlans"))
        if plans is None:
            round_.problems.append(
                Problem("REST APIs", "left out, since their usage plans could not be read", "partial")
            )
            rest = []
    http = await _listed(round_, "http", is_first=False)
    found = [*await _stages(round_, "rest", rest), *await _stages(round_, "http", http)]
    given = refs(found)
    products = await _products(round_, found, given, plans or [])
    return Discovery(
        tuple(sorted(products, key=lambda one: (one.ref, one.native_id))),
        tuple(sorted(round_.problems, key=lambda problem: (problem.what, problem.why))),
        tuple(round_.notes),
    )


async def _listed(round_: _Round, flavour: Flavour, *, is_first: bool) -> list[dict[str, Any]]:
    """The APIs of a kind, page by page; a page that fails is a problem, the very first one an error."""
    found: list[dict[str, Any]] = []
    websockets = 0
    try:
        async for page in round_.aws.pages(SERVICE[flavour], _LISTING[flavour]):
            apis = [spelled(api) for api in page] if flavour == "http" else page
            kept = [api for api in apis if is_http(api)]
            websockets += len(apis) - len(kept)
            found += kept
            is_first = False
            round_.progress(len(found), None, _WORDS[flavour])
    except GatewayError as fault:
        if is_first:
            raise
        round_.problems.append(Problem(_WORDS[flavour], fault.detail, fault.code))
    if websockets:
        round_.notes.append(f"{websockets} WebSocket APIs left out: AWS does not export them.")
    return found


async def _stages(round_: _Round, flavour: Flavour, apis: Iterable[dict[str, Any]]) -> list[Seen]:
    async def one(api: dict[str, Any]) -> list[Seen]:
        name = f"{api.get('name')}"
        found = await round_.tried(f"stages of {name}", _unless_gone(stages(round_.aws, flavour, api)))
        if found == []:
            round_.notes.append(f"{name} has no stage: it serves nobody, so it is no product.")
        return found or []

    return [seen for found in await asyncio.gather(*map(one, apis)) for seen in found]


async def _products(round_: _Round, found: list[Seen], given: dict[str, str], plans: Plans) -> list[Product]:
    count = 0

    async def one(seen: Seen) -> Product | None:
        nonlocal count
        ref = given[seen.where.native_id]
        document = await round_.tried(ref, exported(round_.aws, seen.where))
        count += 1
        round_.progress(count, len(found), "products")
        return None if document is None else product(seen, ref, document, plans)

    return [one_product for one_product in await asyncio.gather(*map(one, found)) if one_product]


async def _unless_gone(call: Awaitable[list[Seen]]) -> list[Seen]:
    """An API deleted between listing and reading has no stages."""
    try:
        return await call
    except GatewayNotFound:
        return []
