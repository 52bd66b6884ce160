"""Generated configurations at the emulator: nothing seems changed that was not, and each change is reported once."""

from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.catalog.rules.diff import compare
from aforo.gateway_sdk.contract import Product
from aforo.gateways.mulesoft.emulator.seeding import MULESOFT
from aforo.gateways.mulesoft.manifest import MANIFEST
from tests.gateways.mulesoft.mulesoft_parts import HERE, Anypoint

words = st.text("abcdefgh -/", min_size=1, max_size=8).filter(lambda text: bool(text.strip()))
limits = st.fixed_dictionaries(
    {
        "maximumRequests": st.integers(1, 10**9),
        "timePeriodInMilliseconds": st.sampled_from([1000, 60_000, 86_400_000]),
        "visible": st.booleans(),
    }
)
tiers = st.fixed_dictionaries(
    {
        "name": st.just("Generated"),
        "status": st.sampled_from(["ACTIVE", "DEPRECATED"]),
        "limits": st.lists(limits, max_size=3),
    },
    optional={"description": words | st.just(""), "autoApprove": st.booleans()},
)
values = st.recursive(
    st.booleans() | st.integers(-9, 9) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=6,
)
policies = st.fixed_dictionaries(
    {
        "groupId": st.just(MULESOFT),
        "assetId": st.just("generated"),
        "assetVersion": st.just("1.0.0"),
        "configurationData": st.dictionaries(words, values, max_size=3),
    },
    optional={
        "pointcutData": st.none()
        | st.lists(st.fixed_dictionaries({"methodRegex": words, "uriTemplateRegex": words}), max_size=2),
        "order": st.integers(1, 9),
    },
)
NAME: Final = "orders-api"


async def read(anypoint: Anypoint, known: Product) -> Product:
    found = await anypoint.connect().read(known)
    assert found
    return found


def paths(before: Product, after: Product) -> list[str]:
    return [change.path for change in compare(before, after, MANIFEST.kinds).changes]


async def with_children(tier: Any, policy: Any) -> tuple[Anypoint, Product]:
    anypoint = Anypoint(1)
    plain = (await anypoint.discover())[NAME]
    await anypoint.call("POST", f"{HERE}/apis/{plain.native_id}/tiers", tier)
    await anypoint.call("POST", f"{HERE}/apis/{plain.native_id}/policies", policy)
    return anypoint, await read(anypoint, plain)


def native(product: Product, kind: str, key: str) -> str:
    found = product.entity(kind, key)
    assert found
    return found.native_id


@given(tiers, policies)
@settings(max_examples=40, deadline=None)
async def test_an_edit_that_changes_nothing_is_no_difference(tier: Any, policy: Any) -> None:
    """Saved again in the console, without a change: lists in another order, defaults said, dates new."""
    anypoint, before = await with_children(tier, policy)
    api = f"{HERE}/apis/{before.native_id}"
    again = {"description": "", "autoApprove": False, **tier, "limits": tier["limits"][::-1]}
    await anypoint.call("PUT", f"{api}/tiers/{native(before, 'tier', 'Generated')}", again)
    pointcuts = policy.get("pointcutData")
    same = {**policy, "pointcutData": pointcuts[::-1] if pointcuts else None}
    await anypoint.call("PATCH", f"{api}/policies/{native(before, 'policy', 'generated')}", same)
    assert paths(before, await read(anypoint, before)) == []


@given(tiers, policies, st.sampled_from(["status", "autoApprove", "description", "order", "pointcutData", "value"]))
@settings(max_examples=40, deadline=None)
async def test_every_single_change_is_reported_once(tier: Any, policy: Any, what: str) -> None:
    anypoint, before = await with_children(tier, policy)
    kind, key = ("tier", "Generated") if what in ("status", "autoApprove", "description") else ("policy", "generated")
    row = anypoint.tables["tiers" if kind == "tier" else "policies"][native(before, kind, key)]
    match what:
        case "status":
            row["status"] = "ACTIVE" if row["status"] == "DEPRECATED" else "DEPRECATED"
        case "autoApprove":
            row["autoApprove"] = not row["autoApprove"]
        case "description":
            row["description"] = f"not {row['description']}"
        case "order":
            row["order"] += 1
        case "pointcutData":
            row["pointcutData"] = [*(row["pointcutData"] or ()), {"methodRegex": "PATCH", "uriTemplateRegex": "/z"}]
        case _:
            row["configurationData"] = {**row["configurationData"], "a new one": 1}
    assert len(paths(before, await read(anypoint, before))) == 1


@given(tiers, policies)
@settings(max_examples=25, deadline=None)
async def test_what_was_created_again_is_the_same(tier: Any, policy: Any) -> None:
    """Other ids, other times, the same content: no difference."""
    anypoint, before = await with_children(tier, policy)
    api = f"{HERE}/apis/{before.native_id}"
    order = anypoint.tables["policies"][native(before, "policy", "generated")]["order"]
    await anypoint.call("DELETE", f"{api}/tiers/{native(before, 'tier', 'Generated')}")
    await anypoint.call("DELETE", f"{api}/policies/{native(before, 'policy', 'generated')}")
    anypoint.clock.forward(999)
    await anypoint.call("POST", f"{api}/tiers", tier)
    await anypoint.call("POST", f"{api}/policies", {**policy, "order": order})
    assert paths(before, await read(anypoint, before)) == []
