"""Whatever else lives in an organization, a seat's whole life and a plan's beside it change none of it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.contract import Action, Step
from aforo.gateway_sdk.provision import Standing
from aforo.gateways.mulesoft.emulator import ROOT, applications, contracts, tiers
from aforo.gateways.mulesoft.emulator.seeding import CLIENT_ID
from aforo.gateways.mulesoft.pricing import connect as connect_pricing
from tests.gateways.mulesoft.provision_parts import MINUTE, SUBSCRIPTION, TABLES, Shop, adopted, seat, wanted
from tests.gateways.mulesoft.test_provision_pricing import offer

WORDS = st.text("abcdefghij-", min_size=1, max_size=8)
MARKS = st.sampled_from(
    ["", "made by hand", "aforo", "aforo-subscription:sub_other aforo-credential:cred_x aforo-apis:1", "aforo-plan"]
)
APPLICATIONS = st.dictionaries(
    WORDS | st.just(f"aforo-{SUBSCRIPTION}-cred_z"),
    st.fixed_dictionaries(
        {"description": MARKS, "owner": st.sampled_from([CLIENT_ID, "somebody"]), "on": st.none() | st.booleans()}
    ),
    max_size=4,
)
TIERS = st.dictionaries(WORDS, MARKS, max_size=3)
STANDINGS = st.lists(st.sampled_from([Standing.ACTIVE, Standing.SUSPENDED]), min_size=1, max_size=3)


@settings(max_examples=15, deadline=None)
@given(APPLICATIONS, TIERS, STANDINGS, st.booleans())
async def test_foreign_objects_beside_ours_are_never_changed(
    others: dict[str, Any], foreign_tiers: dict[str, str], life: list[Standing], adopts: bool
) -> None:
    shop = Shop(2)
    for name, description in foreign_tiers.items():
        tier = {"name": f"theirs-{name}", "description": description, "status": "ACTIVE", "limits": []}
        tiers.new(shop.app.world, next(iter(shop.tables["apis"].values())), tier)
    for name, other in others.items():
        plant(shop, name, other)
    acme = shop.application("Acme mobile")
    before = shop.picture()
    await live(shop, life, acme if adopts else None)
    await price(shop)
    after = shop.picture()
    if adopts:  # a revoked key of its own is what was asked for
        for picture in (before, after):
            picture["contracts"] = {
                key: row for key, row in picture["contracts"].items() if row["applicationId"] != acme["id"]
            }
    left = {key for key in after["tiers"] if key not in before["tiers"]}
    assert {after["tiers"][key]["name"] for key in left} <= {"aforo-pro"}
    for table in TABLES:
        assert {key: row for key, row in after[table].items() if key not in left or table != "tiers"} == before[table]


def plant(shop: Shop, name: str, other: dict[str, Any]) -> None:
    world, api = shop.app.world, list(shop.tables["apis"].values())[1]
    app = applications.new(world, ROOT, {"name": name, "description": other["description"]}, other["owner"])
    if other["on"] is not None:
        gold = next(row for row in world.rows("tiers", apiId=api["id"]) if row["name"] == "Gold")
        made = contracts.new(world, api, {"applicationId": app["id"], "requestedTierId": gold["id"]})
        made["status"] = "REVOKED" if other["on"] else "PENDING"


async def live(shop: Shop, life: list[Standing], acme: dict[str, Any] | None) -> None:
    there, scope = shop.provisioner(), (shop.product(0), shop.product(1))
    native = acme["clientId"] if acme else None
    where = adopted(acme) if acme else None
    for standing in life:
        keys = (wanted("a", native_id=native), wanted("b"))
        await there.converge(seat(*keys, standing=standing, scope=scope, adopted=where))
    gone = [wanted("a", Standing.GONE, native_id=native), wanted("b", Standing.GONE)]
    await there.converge(seat(*gone, standing=Standing.GONE, scope=scope, adopted=where))


async def price(shop: Shop) -> None:
    """A plan comes and goes, and a tag."""
    there = connect_pricing(shop.connection("connected_app", {}))
    plan = (await there.carry(offer(shop.product(0), limits=(MINUTE,), key="max"))).wanted
    entity = plan.entities[0]
    await there.apply(plan, None, [Step(Action.CREATE, "tier", entity.key, entity, None)], lambda _: None)
    await there.apply(plan, plan, [Step(Action.DELETE, "tier", entity.key, None, entity)], lambda _: None)
