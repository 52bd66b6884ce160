"""Several versions of one plan at a gateway. Gateways name what they hold by the plan, some also by what it says."""

from collections.abc import Sequence
from dataclasses import replace

from aforo.gateway_sdk.contract import Entity
from aforo.gateway_sdk.pricing import Carried, Offer


def merged(offers: Sequence[Offer], carried: Sequence[Carried]) -> Carried:
    """The newest version, and of the older ones those that the gateway can hold beside it, each whole or not at all.

    An older version would otherwise change what the newest one says, or the other way round; Aforo's own enforcement
    counts each subscription by its own version in any case.
    """
    whole = carried[0]
    for offer, older in zip(offers[1:], carried[1:], strict=True):
        clash = _clash(whole.wanted.entities, older.wanted.entities)
        if clash:
            why = f"{_who(offer)} is not held apart: {clash.kind} {clash.key} is one for all versions of the plan"
            whole = replace(whole, left_out=(*whole.left_out, why))
        else:
            whole = _beside(whole, older, offer)
    return whole


def _clash(taken: Sequence[Entity], more: Sequence[Entity]) -> Entity | None:
    """The first entity that both have, and that says something else in the one than in the other."""
    by_name = {(one.kind, one.key): one for one in taken}
    ours = ((by_name.get((one.kind, one.key)), one) for one in more)
    return next((one for there, one in ours if there and there.fields != one.fields), None)


def _beside(whole: Carried, older: Carried, offer: Offer) -> Carried:
    names = {(one.kind, one.key) for one in whole.wanted.entities}
    more = tuple(one for one in older.wanted.entities if (one.kind, one.key) not in names)
    told = tuple(f"version {offer.version}: {why}" for why in older.left_out if why not in whole.left_out)
    return Carried(
        replace(whole.wanted, entities=(*whole.wanted.entities, *more)),
        (*whole.left_out, *told),
        tuple(dict.fromkeys((*whole.dangers, *older.dangers))),
    )


def _who(offer: Offer) -> str:
    many = len(offer.subscription_ids)
    return f"version {offer.version}, with {many} subscription{'' if many == 1 else 's'},"
