"""Whose an object is by now that a restore was to create. Pure."""

from collections.abc import Mapping
from typing import Final

from aforo.gateway_sdk.errors import GatewayChanged
from aforo.gateways.kong.mapping.products import reference
from aforo.gateways.kong.mapping.schema import Row

PARENTS: Final = {"route": ("service",), "plugin": ("route", "service")}
"""What an object belongs to, the nearest first."""


def new_owner(kind: str, there: Row, wanted: Mapping[str, str]) -> tuple[str, str] | None:
    """Kind and id of what an object belongs to instead of the `wanted` ids; ("", "") if it is for every service.

    None if it is still ours, and for a route that has lost its service: nobody would miss that.
    """
    parents = PARENTS.get(kind, ())
    theirs = {name: reference(there, name) for name in parents}
    if all(theirs[name] == wanted.get(name, "") for name in parents):
        return None
    owner = next(((name, theirs[name]) for name in parents if theirs[name]), ("", ""))
    return None if kind == "route" and owner == ("", "") else owner


def refusal(kind: str, key: str, owner: str) -> GatewayChanged:
    """`owner` in words, such as "service billing"; empty for every service."""
    return GatewayChanged(
        f"The {kind} {key} was not deleted but moved: it {f'belongs to {owner}' if owner else 'is for every service'} "
        "by now. It was left there.",
        status=409,
        next_step="Move it back at Kong if the move was a mistake, then restore again; "
        "otherwise accept the gateway's version of this product.",
    )
