"""Whatever else lives at a Kong, a seat's whole life beside it changes none of it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.provision import Standing
from tests.gateways.kong.provision_parts import Kong, adopted, seat, wanted

WORDS = st.text("abcdefghij-", min_size=1, max_size=8)
TAGS = st.lists(st.sampled_from(["aforo", "aforo-subscription:sub_other", "customer", "gold"]), unique=True, max_size=3)
CONSUMERS = st.dictionaries(
    WORDS,
    st.fixed_dictionaries(
        {
            "tags": TAGS,
            "keys": st.lists(TAGS, max_size=2),
            "groups": st.lists(WORDS | st.just("product-payments-v2"), unique=True, max_size=2),
            "limited": st.booleans(),
        }
    ),
    max_size=4,
)
STANDINGS = st.lists(st.sampled_from([Standing.ACTIVE, Standing.SUSPENDED]), min_size=1, max_size=3)
LISTS = ("services", "routes", "plugins", "upstreams", "consumers", "key-auths", "acls")


@settings(max_examples=15, deadline=None)
@given(CONSUMERS, STANDINGS, st.booleans())
async def test_foreign_objects_beside_ours_are_never_changed(
    others: dict[str, Any], life: list[Standing], adopts: bool
) -> None:
    kong = Kong()
    for name, other in others.items():
        await plant(kong, f"theirs-{name}", other)
    acme = next(row for row in await kong.rows("consumers") if row["username"] == "acme")
    own = await kong.call("POST", "/consumers/acme/key-auth", {"key": "adopted"}) if adopts else None
    before = {name: await kong.rows(name) for name in LISTS}
    there = kong.provisioner()
    key = wanted("a", native_id=own["id"]) if own else wanted("a")
    where = adopted(acme["id"]) if adopts else None
    scope = (await kong.product("payments-v2"), await kong.product("search-v1"))
    for standing in life:
        await there.converge(seat(key, wanted("b"), standing=standing, scope=scope, adopted=where))
    gone = [wanted("a", Standing.GONE, native_id=key.native_id), wanted("b", Standing.GONE)]
    await there.converge(seat(*gone, standing=Standing.GONE, adopted=where))
    if own:
        before["key-auths"] = [row for row in before["key-auths"] if row["id"] != own["id"]]
    assert {name: await kong.rows(name) for name in LISTS} == before


async def plant(kong: Kong, name: str, other: dict[str, Any]) -> None:
    await kong.call("POST", "/consumers", {"username": name, "tags": other["tags"]})
    for tags in other["keys"]:
        await kong.call("POST", f"/consumers/{name}/key-auth", {"tags": tags})
    for group in other["groups"]:
        await kong.call("POST", f"/consumers/{name}/acls", {"group": group, "tags": other["tags"]})
    if other["limited"]:
        limits = {"name": "rate-limiting", "config": {"minute": 3}, "tags": other["tags"]}
        await kong.call("POST", f"/consumers/{name}/plugins", limits)
