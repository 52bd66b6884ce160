"""What manifests may say: what a gateway lacks is a fixed list with the vendor's facts, and nothing else is put off.

A manifest cannot talk itself out of a capability: `no` and `substitute` hold only in the cells listed here, and the
lists are counted, so that one more is a decision and not a slip.
"""

from typing import Final

import pytest

from aforo.gateway_sdk.conformance import BEHAVIOURS
from aforo.gateway_sdk.manifest import Capability, Support
from aforo.gateway_sdk.registry import gateways

FIVE: Final = ("apigee", "aws", "azure", "kong", "mulesoft")
Cell = tuple[str, Capability]

NEVER: Final[dict[Cell, str]] = {}
"""Cells that say `no`. Each of the five has a carrier for every capability, if not always the best one."""

LACKING: Final[dict[Cell, str]] = {
    ("apigee", Capability.MONETIZED_TAG): "an attribute marks, and no permission can be bound to it to guard deletion",
    ("aws", Capability.PRICING_SYNC): "usage plans serve REST APIs alone",
    ("aws", Capability.PROVISION): "HTTP APIs have no API keys",
    ("aws", Capability.ROTATE): "every key of a usage plan has a quota counter of its own",
    ("aws", Capability.SUSPEND): "there is no consumer that could be suspended; keys are disabled one by one",
    ("azure", Capability.ROTATE): "a subscription has exactly two keys",
    ("kong", Capability.MONETIZED_TAG): "a tag marks, and nothing guards against deletion",
    ("kong", Capability.PRICING_SYNC): "the open-source edition has no consumer groups",
    ("kong", Capability.SUSPEND): "consumers and credentials have no enabled flag",
    ("mulesoft", Capability.ARTIFACT): "a policy with code is a package that only MuleSoft's own tools can build",
    ("mulesoft", Capability.ENFORCE): "policies without code know tiers and contracts, and ask nobody",
    ("mulesoft", Capability.MONETIZED_TAG): "a tag marks, and nothing guards against deletion",
    ("mulesoft", Capability.RESTORE): "published versions of an Exchange asset are immutable",
    ("mulesoft", Capability.ROTATE): "an application has one secret, and a reset replaces it at once",
}
"""Cells in which a vendor lacks the primitive, so that a `substitute` may stand in them."""

LATER: Final = frozenset({Capability.ARTIFACT, Capability.ENFORCE})
"""What may still be `not_yet` at the five."""


def cells(level: str) -> dict[Cell, Support]:
    return {
        (key, capability): support
        for key in FIVE
        for capability, support in gateways()[key].manifest.capabilities.items()
        if support.level == level
    }


def test_the_cells_that_say_no_are_exactly_the_listed_ones() -> None:
    assert cells("no").keys() == NEVER.keys()
    assert len(NEVER) == 0


def test_a_substitute_stands_only_where_the_vendor_lacks_the_primitive() -> None:
    assert cells("substitute").keys() <= LACKING.keys()
    assert len(LACKING) == 14


@pytest.mark.parametrize("key", FIVE)
def test_nothing_but_what_runs_inside_the_gateway_is_put_off(key: str) -> None:
    put_off = {capability for gateway, capability in cells("not_yet") if gateway == key}
    assert put_off <= LATER, sorted(one.value for one in put_off - LATER)


def test_whatever_is_not_simply_there_says_in_words_what_is_done_instead_or_planned() -> None:
    wordless = [
        cell for level in ("no", "substitute", "not_yet") for cell, one in cells(level).items() if not one.words
    ]
    assert wordless == []


def test_every_cell_that_is_promised_is_shown_by_a_behaviour() -> None:
    shown = {behaviour.capability for behaviour in BEHAVIOURS}
    promised = {capability for _, capability in [*cells("yes"), *cells("substitute")]}
    assert promised - shown <= LATER


@pytest.mark.parametrize("key", sorted(gateways()))
def test_a_gateway_has_the_part_that_its_promises_need_and_bounds_where_something_runs_inside(key: str) -> None:
    entry = gateways()[key]
    needs = {
        "pricing": (Capability.PRICING_SYNC, Capability.MONETIZED_TAG),
        "provisioner": (Capability.PROVISION, Capability.SUSPEND, Capability.ROTATE, Capability.REVOKE),
        "artifact": (Capability.ARTIFACT, Capability.ENFORCE),
    }
    for part, capabilities in needs.items():
        promised = [one for one in capabilities if entry.manifest.capabilities[one].level in ("yes", "substitute")]
        assert entry.has(part) or not promised, f"{key} promises {promised} without a part {part}"
    enforces = entry.manifest.capabilities[Capability.ENFORCE].level in ("yes", "substitute")
    assert enforces == (entry.manifest.bounds is not None)
