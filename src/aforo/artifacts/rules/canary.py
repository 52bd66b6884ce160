"""What the canary is: one customer, plan and call of Aforo's own at each gateway."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from aforo.customers import NewCustomer, NewPlan
from aforo.kit.errors import Invalid

NAME: Final = "Aforo canary"
METRIC: Final = "api_calls"


def external_id(integration_id: str) -> str:
    """By which it is found again after a crash."""
    return f"aforo-canary-{integration_id}"


def customer(integration_id: str) -> NewCustomer:
    return NewCustomer(name=NAME, external_id=external_id(integration_id))


def plan(integration_id: str, product_ids: Sequence[str], currency: str) -> NewPlan:
    """One call a year at most, over all products of the gateway, at no price.

    HARD and 1: a lease of it holds the single unit, so that the second call is refused wherever units are counted. No
    rate limit, since a refusal by that would prove nothing about the quota.
    """
    return NewPlan.model_validate(
        {
            "key": external_id(integration_id),
            "name": NAME,
            "currency": currency,
            "productIds": [*product_ids],
            "quotas": [{"metric": METRIC, "units": "1", "period": "year", "timeZone": "UTC", "mode": "HARD"}],
            "failMode": {"kind": "closed"},
        }
    )


def address(url: str) -> str:
    """The gateway's address as the operator named it. Raises Invalid."""
    try:
        parts = urlsplit(url.strip())
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_one = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_one or parts.username:
        raise Invalid(
            "This is no address of a gateway.",
            (("/url", "an http or https address of one call through the gateway is wanted, without a password"),),
            next_step="Name one that any customer of these products may call.",
        )
    return url.strip()
