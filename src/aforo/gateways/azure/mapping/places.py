"""Azure products of Aforo's own: what a plan's subscriptions open where the customer's product will not do. Pure.

An Azure subscription opens one product, and a product's limits hold for everybody in it. So a plan with limits, or with
several products, gets an Azure product of its own, with the same APIs. Its name follows from its content: versions of a
plan with other products or limits have each their own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateways.azure.mapping.limits import Policies
from aforo.kit.jsontree import digest

_NAME: Final = re.compile(r"aforo-plan-[a-z0-9-]*-[0-9a-f]{10}")
_MADE: Final = "Made by Aforo for plan "
_KEPT: Final = "Kept by the sync of its price."
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A plan's own Azure product, by its content: the customer's products (by their names in Azure) and the limits."""

    plan: str
    products: frozenset[str]
    limits: tuple[tuple[str, int, int], ...]

    @property
    def name(self) -> str:
        slug = _NOT_IN_NAMES.sub("-", self.plan.lower()).strip("-")[:40]
        content = digest([self.plan, sorted(self.products), [list(one) for one in self.limits]])
        return f"aforo-plan-{slug}-{content[:10]}"

    def fields(self, *, kept: bool) -> dict[str, Any]:
        """Published, so that its keys work; visible in no developer portal, since only administrators are its group."""
        return {
            "displayName": f"Aforo plan {self.plan}",
            "description": f"{_MADE}{self.plan}.{f' {_KEPT}' if kept else ''}",
            "subscriptionRequired": True,
            "approvalRequired": False,
            "state": "published",
        }


def place(plan: str, scope: Iterable[ScopedProduct], limits: Policies) -> Place:
    """The place of a plan's subscriptions to these products."""
    told = tuple((name, *limits[name]) for name in sorted(limits))
    return Place(plan, frozenset(one.native_id.lower() for one in scope), told)


def is_place(row: Any) -> bool:
    """Whether a product was made by Aforo: by its name, and by what it says of itself."""
    return bool(_NAME.fullmatch(str(row.get("name", "")))) and plan_of(row) is not None


def plan_of(row: Any) -> str | None:
    """The key of the plan that a place was made for."""
    told = str((row.get("properties") or {}).get("description") or "")
    if not told.startswith(_MADE):
        return None
    return told.removeprefix(_MADE).removesuffix(f" {_KEPT}").removesuffix(".")


def is_kept(row: Any) -> bool:
    """Whether the plan's price is synced, so that the place stays without any subscription."""
    return str((row.get("properties") or {}).get("description") or "").endswith(_KEPT)
