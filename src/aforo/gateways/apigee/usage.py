"""Apigee's own usage figures: analytics of each environment, by API product, app and day.

An app's name is unique with its developer only, so apps of one name are told together; a figure names no key.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import GatewayNotAnApi
from aforo.gateway_sdk.usage import DailyCalls, UsagePull
from aforo.gateways.apigee.client import Client, open_client

_METRIC: Final = "sum(message_count)"
_NOT_SET: Final = "(not set)"


def connect(connection: Connection) -> UsagePull:
    """Makes no call; values that cannot work show at the first one."""
    named = connection.settings.get("environments", "").split(",")
    return ApigeeUsage(open_client(connection), tuple(name.strip() for name in named if name.strip()))


class ApigeeUsage:
    """Fulfils `gateway_sdk.usage.UsagePull`. Looks at the environments named, else at all."""

    def __init__(self, client: Client, environments: tuple[str, ...]) -> None:
        self._client = client
        self._environments = environments

    async def pull(self, first: date, last: date) -> AsyncIterator[DailyCalls]:
        behind = last + timedelta(days=1)
        wanted = {
            "select": _METRIC,
            "timeUnit": "day",
            "timeRange": f"{first:%m/%d/%Y} 00:00~{behind:%m/%d/%Y} 00:00",
        }
        for environment in self._environments or await self._all():
            for row in await self._client.stats(environment, ("apiproduct", "developer_app"), wanted):
                for calls in _calls(environment, row):
                    if first <= calls.day <= last:
                        yield calls

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _all(self) -> tuple[str, ...]:
        organization, _ = await self._client.organization()
        return tuple(sorted(map(str, organization.get("environments") or ())))


def _calls(environment: str, row: dict[str, Any]) -> Iterator[DailyCalls]:
    """A figure may be a bare text where Apigee has no days to tell; here each one names its own."""
    try:
        product, app = row["individualNames"]
        values = [value for metric in row["metrics"] if metric["name"] == _METRIC for value in metric["values"]]
        for value in values:
            day = datetime.fromtimestamp(int(value["timestamp"]) / 1000, UTC).date()
            products = () if product == _NOT_SET else (str(product),)
            if calls := round(float(value["value"])):
                yield DailyCalls(day, f"{environment}/{product}/{app}", products, None, calls)
    except (KeyError, TypeError, ValueError) as fault:
        raise GatewayNotAnApi(
            "Apigee Analytics answered in a form that is not described.",
            next_step="Check that the API address is that of the Apigee API.",
        ) from fault
