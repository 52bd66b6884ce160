"""AWS's own usage figures: `GetUsage` of each usage plan, by API key and day.

A plan counts its keys' calls over all its stages, and AWS does not tell them apart; so the figures of a plan with
several stages are of all of them together: those that it has when it is read. Of deleted plans and keys AWS tells
nothing any more.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from typing import Any, Final, cast

from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import GatewayNotFound
from aforo.gateway_sdk.usage import DailyCalls, UsagePull
from aforo.gateways.aws.client import Aws

_DAYS_A_CALL: Final = 90
"""The range of one GetUsage. That AWS takes no longer one is not verified: its own description names no limit."""


def connect(connection: Connection) -> UsagePull:
    """Makes no call. Raises Invalid for a malformed region, role or endpoint."""
    return AwsUsage(Aws(connection))


class AwsUsage:
    """Fulfils `gateway_sdk.usage.UsagePull`."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def pull(self, first: date, last: date) -> AsyncIterator[DailyCalls]:
        for plan in await self._aws.every("apigateway", "GetUsagePlans"):
            products = tuple(sorted(f"{stage['apiId']}/{stage['stage']}" for stage in plan.get("apiStages") or ()))
            for begin, end in _ranges(first, last):
                async for keys in self._pages(str(plan["id"]), begin, end):
                    for calls in _calls(str(plan["id"]), products, keys, begin):
                        yield calls

    async def aclose(self) -> None:
        await self._aws.aclose()

    async def _pages(self, plan_id: str, first: date, last: date) -> AsyncIterator[dict[str, Any]]:
        """Keys with a pair of [used, remaining] for each day; nothing of a plan that is deleted meanwhile."""
        asked = {"usagePlanId": plan_id, "startDate": first.isoformat(), "endDate": last.isoformat()}
        try:
            async for page in self._aws.pages("apigateway", "GetUsage", asked):
                yield cast("dict[str, Any]", page or {})  # this operation's items are a map, unlike all others'
        except GatewayNotFound:
            return


def _ranges(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(last, first + timedelta(days=_DAYS_A_CALL - 1))
        yield first, end
        first = end + timedelta(days=1)


def _calls(plan_id: str, products: tuple[str, ...], keys: dict[str, Any], first: date) -> Iterator[DailyCalls]:
    for key, days in keys.items():
        for number, (used, *_) in enumerate(days):
            if used:
                yield DailyCalls(first + timedelta(days=number), plan_id, products, key, int(used))
