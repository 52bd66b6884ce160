"""Reads products: all of them from two lists, or one with its rate plans."""

from collections.abc import Sequence
from typing import Final

from aforo.gateway_sdk.contract import Discovery, Problem, Product, Progress
from aforo.gateways.apigee.client import Client, Listing
from aforo.gateways.apigee.mapping import Row, is_monetized, is_of_a_plan, notes, product, products

_WHAT: Final = "API products"


class Reader:
    """Reads one organization. Whether it is monetized is asked once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._monetized: bool | None = None

    async def discover(self, progress: Progress) -> Discovery:
        """Every API product but those that a plan has of them.

        Only a first call that fails raises; what is missing later makes it partial.
        """
        monetized = await self._is_monetized()
        everything = await self._client.products()
        listing = Listing([row for row in everything.rows if not is_of_a_plan(row)], everything.fault)
        progress(0, len(listing.rows), _WHAT)
        plans = await self._client.rate_plans() if monetized and listing.rows else Listing(())
        rows = [] if plans.fault else listing.rows
        found = products(rows, plans.rows)
        progress(len(found), len(found), _WHAT)
        told = notes(listing.rows, monetized=monetized, plans=plans.rows)
        return Discovery(found, _problems(listing, plans), told)

    async def read(self, name: str) -> Product | None:
        """One product as it is now. Complete, or raises."""
        row = await self._client.find("apiproducts", name)
        if row is None:
            return None
        if not await self._is_monetized():
            return product(row)
        plans = await self._client.rate_plans(name)
        if plans.fault:
            raise plans.fault
        return product(row, plans.rows)

    async def _is_monetized(self) -> bool:
        if self._monetized is None:
            self._monetized = is_monetized((await self._client.organization())[0])
        return self._monetized


def _problems(listing: Listing, plans: Listing) -> tuple[Problem, ...]:
    """Of a list of rate plans that breaks off nobody knows whose are missing, so no product is known whole."""
    found: list[Problem] = []
    if listing.fault:
        found.append(_problem(f"API products after the first {len(listing.rows)}", listing))
    if plans.fault:
        read = f" after the first {len(plans.rows)}" if plans.rows else ""
        lost: Sequence[Row] = listing.rows
        cost = f"{len(lost)} product{'' if len(lost) == 1 else 's'} left out, since one of them may be missing"
        found.append(_problem(f"rate plans{read}: {cost}", plans))
    return tuple(found)


def _problem(what: str, listing: Listing) -> Problem:
    fault = listing.fault
    if fault is None:
        raise AssertionError("only of a list that broke off")
    return Problem(what, fault.detail, fault.code)
