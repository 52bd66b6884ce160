"""How Aforo's own objects at Apigee are named and marked. Pure."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aforo.gateways.apigee.mapping.trees import Row

MARK: Final = "aforo"
"""The attribute on what Aforo itself has made; its other attributes begin with this word and a dot."""

SUBSCRIPTION: Final = "aforo.subscription"
CUSTOMER: Final = "aforo.customer"
CREDENTIAL: Final = "aforo.credential"
PLAN: Final = "aforo.plan"
ADDED: Final = "aforo.products"
"""On a key that was adopted: the API products that Aforo added to it, separated by commas."""
MONETIZED: Final = "aforo-monetized"
KEY_TYPE: Final = "apigee_key"
MOST_ATTRIBUTES: Final = 18
NOBODYS_DOMAIN: Final = "customers.aforo.invalid"
"""Developers of customers without an e-mail address have one here; no mail can ever reach this domain."""

_NOT_LOCAL: Final = re.compile(r"[^a-z0-9._-]")


def attribute(row: Mapping[str, Any], name: str) -> str | None:
    for one in row.get("attributes") or ():
        if one.get("name") == name:
            return str(one.get("value") or "")
    return None


def attributes(told: Mapping[str, str], beside: Iterable[Row] = ()) -> list[Row]:
    """A list as Apigee writes it, of these and of others that stand already."""
    kept = [dict(one) for one in beside if one.get("name") not in told]
    return kept + [{"name": name, "value": value} for name, value in told.items()]


def is_marked(row: Mapping[str, Any]) -> bool:
    return attribute(row, MARK) is not None


def is_of_a_plan(product: Mapping[str, Any]) -> bool:
    """Whether an API product is what a plan has of another one, and so no product by itself."""
    return is_marked(product) and attribute(product, PLAN) is not None


def is_ours(name: str) -> bool:
    """Whether an attribute of this name is Aforo's own."""
    return name in (MARK, MONETIZED) or name.startswith(f"{MARK}.")


def subscription_of(row: Mapping[str, Any]) -> str | None:
    """The subscription that the row's mark names; None for what is not ours."""
    return attribute(row, SUBSCRIPTION) if is_marked(row) else None


def app_name(subscription_id: str) -> str:
    return f"aforo-{subscription_id}"


def developer_email(customer_id: str, email: str | None) -> str:
    """Apigee knows developers by e-mail address, in small letters; without a usable one it is made of the id."""
    told = (email or "").strip().lower()
    if told.count("@") == 1 and "/" not in told:
        return told
    return f"{_NOT_LOCAL.sub('-', customer_id.lower())}@{NOBODYS_DOMAIN}"


def key_id(consumer_key: str) -> str:
    """What a key is called wherever its secret must not be: SHA-256 in hex."""
    return hashlib.sha256(consumer_key.encode()).hexdigest()


def plan_product(plan: str, product: str) -> str:
    """The API product that a plan has of a product: no plan's key holds a dollar sign."""
    return f"aforo${plan}${product}"


def product_of(name: str) -> str:
    """The product that an API product opens: its own name, or whose plan's it is."""
    prefix, _, rest = name.partition("$")
    return rest.partition("$")[2] if prefix == MARK and "$" in rest else name
