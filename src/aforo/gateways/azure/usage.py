"""Azure's own usage figures: the report by subscription, a day at a time, since a record is of the whole period asked.

Products of Aforo's own hold the APIs of the customer's, so what is called there is told under those of the customer's
products that have such an API: together, where there are several. The vendor's description tells neither the zone of
`timestamp` (taken for UTC) nor in which period a call at its very end is; a day is asked for to its last second.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import GatewayError, GatewayNotAnApi
from aforo.gateway_sdk.usage import DailyCalls, UsagePull
from aforo.gateways.azure.client import Client, Row, open_client
from aforo.gateways.azure.mapping.places import is_place
from aforo.gateways.azure.mapping.products import api_name

_WITHOUT: Final = ("consumption", "v2")
"""How the names of the tiers end that have no built-in analytics."""


def connect(connection: Connection) -> UsagePull:
    """Makes no call; values that cannot work show at the first one."""
    return AzureUsage(open_client(connection))


class AzureUsage:
    """Fulfils `gateway_sdk.usage.UsagePull`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def pull(self, first: date, last: date) -> AsyncIterator[DailyCalls]:
        await self._check_tier()
        standing_for = await self._standing_for()
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            period = f"timestamp ge datetime'{day}T00:00:00' and timestamp le datetime'{day}T23:59:59'"
            for row in await self._client.rows("reports", "bySubscription", **{"$filter": period}):
                for calls in _calls(day, row, standing_for):
                    yield calls

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _check_tier(self) -> None:
        """Else a tier that counts nothing might look like one that nobody calls."""
        service, _ = await self._client.service()
        tier = str((service.get("sku") or {}).get("name") or "")
        if tier.lower().endswith(_WITHOUT):
            raise GatewayError(
                f"Azure API Management counts no calls in the tier {tier}: it has no built-in analytics.",
                next_step="Pause the schedule of usage figures of this integration.",
            )

    async def _standing_for(self) -> Mapping[str, tuple[str, ...]]:
        """The customer's products that each product of ours stands for, by its name in small letters."""
        products = await self._client.rows("products")
        if not any(map(is_place, products)):
            return {}
        apis: dict[str, set[str]] = {}
        for one in products:
            name = str(one.get("name") or "")
            apis[name] = {api_name(row).lower() for row in await self._client.rows("products", name, "apis")}
        ours = {str(one.get("name") or "") for one in products if is_place(one)}
        return {
            mine.lower(): tuple(sorted(name for name in apis.keys() - ours if apis[name] & apis[mine])) for mine in ours
        }


def _calls(day: date, row: Row, standing_for: Mapping[str, tuple[str, ...]]) -> Iterator[DailyCalls]:
    try:
        calls, subscription = int(row["callCountTotal"]), _last(row["subscriptionId"])
        product = _last(row.get("productId"))
    except (KeyError, TypeError, ValueError) as fault:
        raise GatewayNotAnApi(
            "Azure's report by subscription is in a form that is not described.",
            next_step="Check the Resource Manager address.",
        ) from fault
    products = standing_for.get(product.lower(), (product,) if product else ())
    if calls:
        yield DailyCalls(day, f"{subscription}/{product}", products, subscription or None, calls)


def _last(path: Any) -> str:
    return str(path or "").rstrip("/").rpartition("/")[2]
